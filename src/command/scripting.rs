//! Commands that run scripts and functions, and that manage them.

use super::apply::scripting as apply;
use super::keys::counted;
use super::row::{Command, Group};
use crate::server::{redis, valkey};

const GROUP: Group = Group::Scripting;

/// The rows, by name.
pub(super) static COMMANDS: &[Command] = &[
    GROUP.indirect("eval", -3).keyed(counted(2)),
    GROUP.read("eval_ro", -3).since(redis(7, 0)).keyed(counted(2)),
    GROUP.indirect("evalsha", -3).keyed(counted(2)),
    GROUP.read("evalsha_ro", -3).since(redis(7, 0)).keyed(counted(2)),
    GROUP.indirect("fcall", -3).since(redis(7, 0)).keyed(counted(2)),
    GROUP.read("fcall_ro", -3).since(redis(7, 0)).keyed(counted(2)),
    GROUP.control("function", -2).since(redis(7, 0)).subcommands(FUNCTION),
    GROUP.control("script", -2).subcommands(SCRIPT),
];

/// The subcommands of FUNCTION.
const FUNCTION: &[Command] = &[
    GROUP.write("function|delete", 3).since(redis(7, 0)).applies(apply::function_delete),
    GROUP.control("function|dump", 2).since(redis(7, 0)),
    GROUP.write("function|flush", -2).since(redis(7, 0)).applies(apply::function_flush),
    GROUP.control("function|help", 2).since(redis(7, 0)),
    GROUP.control("function|kill", 2).since(redis(7, 0)),
    GROUP.control("function|list", -2).since(redis(7, 0)),
    GROUP.write("function|load", -3).since(redis(7, 0)).applies(apply::function_load),
    GROUP.write("function|restore", -3).since(redis(7, 0)).applies(apply::function_restore),
    GROUP.control("function|stats", 2).since(redis(7, 0)),
];

/// The subcommands of SCRIPT.
const SCRIPT: &[Command] = &[
    GROUP.control("script|debug", -3).before(valkey(9, 0), 3).since(redis(7, 0)),
    GROUP.control("script|exists", -3).since(redis(7, 0)),
    GROUP.control("script|flush", -2).since(redis(7, 0)),
    GROUP.control("script|help", 2).since(redis(7, 0)),
    GROUP.control("script|kill", 2).since(redis(7, 0)),
    GROUP.control("script|load", 3).since(redis(7, 0)),
    GROUP.control("script|show", 3).since(valkey(8, 0)),
];
