//! Commands on the connection, including SELECT.

use super::row::{Command, Group};
use crate::server::{redis, valkey};

const GROUP: Group = Group::Connection;

/// The rows, by name.
pub(super) static COMMANDS: &[Command] = &[
    GROUP.control("auth", -2),
    GROUP.control("client", -2).subcommands(CLIENT),
    GROUP.control("echo", 2),
    GROUP.control("hello", -1),
    GROUP.control("ping", -1),
    GROUP.control("quit", -1).since(redis(7, 0)),
    GROUP.control("reset", 1),
    GROUP.control("select", 2),
];

/// The subcommands of CLIENT.
const CLIENT: &[Command] = &[
    GROUP.control("client|caching", 3).since(redis(7, 0)),
    GROUP.control("client|capa", -3).since(valkey(8, 0)),
    GROUP.control("client|getname", 2).since(redis(7, 0)),
    GROUP.control("client|getredir", 2).since(redis(7, 0)),
    GROUP.control("client|help", 2).since(redis(7, 0)),
    GROUP.control("client|id", 2).since(redis(7, 0)),
    GROUP.control("client|import-source", 3).since(valkey(8, 1)),
    GROUP.control("client|info", 2).since(redis(7, 0)),
    GROUP.control("client|kill", -3).since(redis(7, 0)),
    GROUP.control("client|list", -2).since(redis(7, 0)),
    GROUP.control("client|no-evict", 3).since(redis(7, 0)),
    GROUP.control("client|no-touch", 3).since(redis(7, 2)),
    GROUP.control("client|pause", -3).since(redis(7, 0)),
    GROUP.control("client|reply", 3).since(redis(7, 0)),
    GROUP.control("client|setinfo", 4).since(redis(7, 2)),
    GROUP.control("client|setname", 3).since(redis(7, 0)),
    GROUP.control("client|tracking", -3).since(redis(7, 0)),
    GROUP.control("client|trackinginfo", 2).since(redis(7, 0)),
    GROUP.control("client|unblock", -3).since(redis(7, 0)),
    GROUP.control("client|unpause", 2).since(redis(7, 0)),
];
