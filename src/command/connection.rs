//! Commands about the connection, and the database that it selected.

use super::row::{Command, Group, SINCE_7_0, SINCE_7_2, VALKEY};

const GROUP: Group = Group::Connection;

/// The rows, by name.
pub(super) static COMMANDS: &[Command] = &[
    GROUP.control("auth", -2),
    GROUP.control("client", -2).subcommands(CLIENT),
    GROUP.control("echo", 2),
    GROUP.control("hello", -1),
    GROUP.control("ping", -1),
    GROUP.control("quit", -1).servers(SINCE_7_0),
    GROUP.control("reset", 1),
    GROUP.control("select", 2),
];

/// The subcommands of CLIENT.
const CLIENT: &[Command] = &[
    GROUP.control("client|caching", 3).servers(SINCE_7_0),
    GROUP.control("client|capa", -3).servers(VALKEY),
    GROUP.control("client|getname", 2).servers(SINCE_7_0),
    GROUP.control("client|getredir", 2).servers(SINCE_7_0),
    GROUP.control("client|help", 2).servers(SINCE_7_0),
    GROUP.control("client|id", 2).servers(SINCE_7_0),
    GROUP.control("client|import-source", 3).servers(VALKEY),
    GROUP.control("client|info", 2).servers(SINCE_7_0),
    GROUP.control("client|kill", -3).servers(SINCE_7_0),
    GROUP.control("client|list", -2).servers(SINCE_7_0),
    GROUP.control("client|no-evict", 3).servers(SINCE_7_0),
    GROUP.control("client|no-touch", 3).servers(SINCE_7_2),
    GROUP.control("client|pause", -3).servers(SINCE_7_0),
    GROUP.control("client|reply", 3).servers(SINCE_7_0),
    GROUP.control("client|setinfo", 4).servers(SINCE_7_2),
    GROUP.control("client|setname", 3).servers(SINCE_7_0),
    GROUP.control("client|tracking", -3).servers(SINCE_7_0),
    GROUP.control("client|trackinginfo", 2).servers(SINCE_7_0),
    GROUP.control("client|unblock", -3).servers(SINCE_7_0),
    GROUP.control("client|unpause", 2).servers(SINCE_7_0),
];
