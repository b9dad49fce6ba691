//! Commands that manage the server.

use super::apply::server as apply;
use super::keys::{FIRST, at};
use super::row::{Command, Group};
use crate::server::{redis, valkey};

const GROUP: Group = Group::Server;

/// The rows, by name.
pub(super) static COMMANDS: &[Command] = &[
    GROUP.control("acl", -2).subcommands(ACL),
    GROUP.control("bgrewriteaof", 1),
    GROUP.control("bgsave", -1),
    GROUP.control("command", -1).subcommands(COMMAND),
    GROUP.control("commandlog", -2).since(valkey(8, 1)).subcommands(COMMANDLOG),
    GROUP.control("config", -2).subcommands(CONFIG),
    GROUP.read("dbsize", 1),
    GROUP.control("debug", -2),
    GROUP.control("failover", -1),
    GROUP.write("flushall", -1).applies(apply::flushall),
    GROUP.write("flushdb", -1).applies(apply::flushdb),
    GROUP.read("host:", -1).until(redis(7, 0)),
    GROUP.control("hotkeys", -2).since(redis(8, 6)).subcommands(HOTKEYS),
    GROUP.control("info", -1),
    GROUP.control("lastsave", 1),
    GROUP.control("latency", -2).subcommands(LATENCY),
    GROUP.read("lolwut", -1),
    GROUP.read("memory", -2).subcommands(MEMORY),
    GROUP.control("module", -2).subcommands(MODULE),
    GROUP.control("monitor", 1),
    GROUP.read("post", -1).until(redis(7, 0)),
    GROUP.control("psync", -3),
    GROUP.control("replconf", -1),
    GROUP.control("replicaof", 3),
    GROUP.write("restore-asking", -4).keyed(FIRST).applies(super::apply::restore::restore),
    GROUP.control("role", 1),
    GROUP.control("save", 1),
    GROUP.control("shutdown", -1),
    GROUP.control("slaveof", 3),
    GROUP.control("slowlog", -2).subcommands(SLOWLOG),
    GROUP.write("swapdb", 3).applies(apply::swapdb),
    GROUP.control("sync", 1),
    GROUP.control("time", 1),
    GROUP.write("trimslots", -5).since(redis(8, 4)),
];

/// The subcommands of HOTKEYS.
const HOTKEYS: &[Command] = &[
    GROUP.control("hotkeys|get", 2).since(redis(8, 6)),
    GROUP.control("hotkeys|help", 2).since(redis(8, 6)),
    GROUP.control("hotkeys|reset", 2).since(redis(8, 6)),
    GROUP.control("hotkeys|start", -2).since(redis(8, 6)),
    GROUP.control("hotkeys|stop", 2).since(redis(8, 6)),
];

/// The subcommands of ACL.
const ACL: &[Command] = &[
    GROUP.control("acl|cat", -2).since(redis(7, 0)),
    GROUP.control("acl|deluser", -3).since(redis(7, 0)),
    GROUP.control("acl|dryrun", -4).since(redis(7, 0)),
    GROUP.control("acl|genpass", -2).since(redis(7, 0)),
    GROUP.control("acl|getuser", 3).since(redis(7, 0)),
    GROUP.control("acl|help", 2).since(redis(7, 0)),
    GROUP.control("acl|list", 2).since(redis(7, 0)),
    GROUP.control("acl|load", 2).since(redis(7, 0)),
    GROUP.control("acl|log", -2).since(redis(7, 0)),
    GROUP.control("acl|save", 2).since(redis(7, 0)),
    GROUP.control("acl|setuser", -3).since(redis(7, 0)),
    GROUP.control("acl|users", 2).since(redis(7, 0)),
    GROUP.control("acl|whoami", 2).since(redis(7, 0)),
];

/// The subcommands of COMMAND.
const COMMAND: &[Command] = &[
    GROUP.control("command|count", 2).since(redis(7, 0)),
    GROUP.control("command|docs", -2).since(redis(7, 0)),
    GROUP.control("command|getkeys", -3).before(redis(7, 2), -4).since(redis(7, 0)),
    GROUP.control("command|getkeysandflags", -3).before(redis(7, 2), -4).since(redis(7, 0)),
    GROUP.control("command|help", 2).since(redis(7, 0)),
    GROUP.control("command|info", -2).since(redis(7, 0)),
    GROUP.control("command|list", -2).since(redis(7, 0)),
];

/// The subcommands of COMMANDLOG.
const COMMANDLOG: &[Command] = &[
    GROUP.control("commandlog|get", 4).since(valkey(8, 1)),
    GROUP.control("commandlog|help", 2).since(valkey(8, 1)),
    GROUP.control("commandlog|len", 3).since(valkey(8, 1)),
    GROUP.control("commandlog|reset", 3).since(valkey(8, 1)),
];

/// The subcommands of CONFIG.
const CONFIG: &[Command] = &[
    GROUP.control("config|get", -3).since(redis(7, 0)),
    GROUP.control("config|help", 2).since(redis(7, 0)),
    GROUP.control("config|resetstat", 2).since(redis(7, 0)),
    GROUP.control("config|rewrite", 2).since(redis(7, 0)),
    GROUP.control("config|set", -4).since(redis(7, 0)),
];

/// The subcommands of LATENCY.
const LATENCY: &[Command] = &[
    GROUP.control("latency|doctor", 2).since(redis(7, 0)),
    GROUP.control("latency|graph", 3).since(redis(7, 0)),
    GROUP.control("latency|help", 2).since(redis(7, 0)),
    GROUP.control("latency|histogram", -2).since(redis(7, 0)),
    GROUP.control("latency|history", 3).since(redis(7, 0)),
    GROUP.control("latency|latest", 2).since(redis(7, 0)),
    GROUP.control("latency|reset", -2).since(redis(7, 0)),
];

/// The subcommands of MEMORY.
const MEMORY: &[Command] = &[
    GROUP.control("memory|doctor", 2).since(redis(7, 0)),
    GROUP.control("memory|help", 2).since(redis(7, 0)),
    GROUP.control("memory|malloc-stats", 2).since(redis(7, 0)),
    GROUP.control("memory|purge", 2).since(redis(7, 0)),
    GROUP.control("memory|stats", 2).since(redis(7, 0)),
    GROUP.read("memory|usage", -3).since(redis(7, 0)).keyed(at(2)),
];

/// The subcommands of MODULE.
const MODULE: &[Command] = &[
    GROUP.control("module|help", 2).since(redis(7, 0)),
    GROUP.control("module|list", 2).since(redis(7, 0)),
    GROUP.control("module|load", -3).since(redis(7, 0)),
    GROUP.control("module|loadex", -3).since(redis(7, 0)),
    GROUP.control("module|unload", 3).since(redis(7, 0)),
];

/// The subcommands of SLOWLOG.
const SLOWLOG: &[Command] = &[
    GROUP.control("slowlog|get", -2).since(redis(7, 0)),
    GROUP.control("slowlog|help", 2).since(redis(7, 0)),
    GROUP.control("slowlog|len", 2).since(redis(7, 0)),
    GROUP.control("slowlog|reset", 2).since(redis(7, 0)),
];
