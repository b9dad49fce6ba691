//! Commands that run scripts and functions, and that manage them.

use super::apply::scripting as apply;
use super::keys::counted;
use super::row::{Command, Group, SINCE_7_0, VALKEY, VALKEY_9};

const GROUP: Group = Group::Scripting;

/// The rows, by name.
pub(super) static COMMANDS: &[Command] = &[
    GROUP.indirect("eval", -3).keyed(counted(2)),
    GROUP.read("eval_ro", -3).servers(SINCE_7_0).keyed(counted(2)),
    GROUP.indirect("evalsha", -3).keyed(counted(2)),
    GROUP.read("evalsha_ro", -3).servers(SINCE_7_0).keyed(counted(2)),
    GROUP.indirect("fcall", -3).servers(SINCE_7_0).keyed(counted(2)),
    GROUP.read("fcall_ro", -3).servers(SINCE_7_0).keyed(counted(2)),
    GROUP.control("function", -2).servers(SINCE_7_0).subcommands(FUNCTION),
    GROUP.control("script", -2).subcommands(SCRIPT),
];

/// The subcommands of FUNCTION.
const FUNCTION: &[Command] = &[
    GROUP.write("function|delete", 3).servers(SINCE_7_0).applies(apply::function_delete),
    GROUP.control("function|dump", 2).servers(SINCE_7_0),
    GROUP.write("function|flush", -2).servers(SINCE_7_0).applies(apply::function_flush),
    GROUP.control("function|help", 2).servers(SINCE_7_0),
    GROUP.control("function|kill", 2).servers(SINCE_7_0),
    GROUP.control("function|list", -2).servers(SINCE_7_0),
    GROUP.write("function|load", -3).servers(SINCE_7_0).applies(apply::function_load),
    GROUP.write("function|restore", -3).servers(SINCE_7_0).applies(apply::function_restore),
    GROUP.control("function|stats", 2).servers(SINCE_7_0),
];

/// The subcommands of SCRIPT.
const SCRIPT: &[Command] = &[
    GROUP.control("script|debug", 3).except(VALKEY_9, -3).servers(SINCE_7_0),
    GROUP.control("script|exists", -3).servers(SINCE_7_0),
    GROUP.control("script|flush", -2).servers(SINCE_7_0),
    GROUP.control("script|help", 2).servers(SINCE_7_0),
    GROUP.control("script|kill", 2).servers(SINCE_7_0),
    GROUP.control("script|load", 3).servers(SINCE_7_0),
    GROUP.control("script|show", 3).servers(VALKEY),
];
