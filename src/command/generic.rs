//! Commands on keys of any type.

use super::apply::generic as apply;
use super::keys::{FIRST, FIRST_TWO, KeyPositions, at, from};
use super::row::{Command, Group};
use crate::server::redis;

const GROUP: Group = Group::Generic;

/// The rows, by name.
pub(super) static COMMANDS: &[Command] = &[
    GROUP.write("copy", -3).keyed(FIRST_TWO).applies(apply::copy),
    GROUP.write("del", -2).keyed(from(1)).applies(apply::del).by_key(),
    GROUP.read("dump", 2).keyed(FIRST),
    GROUP.read("exists", -2).keyed(from(1)),
    GROUP.write("expire", -3).before(redis(7, 0), 3).keyed(FIRST).applies(apply::expire),
    GROUP.write("expireat", -3).before(redis(7, 0), 3).keyed(FIRST).applies(apply::expireat),
    GROUP.read("expiretime", 2).since(redis(7, 0)).keyed(FIRST),
    GROUP.read("keys", 2),
    GROUP.write("migrate", -6).keyed(KeyPositions::Migrate).applies(apply::migrate),
    GROUP.write("move", 3).keyed(FIRST).applies(apply::r#move),
    GROUP.read("object", -2).keyed(at(2)).subcommands(OBJECT),
    GROUP.write("persist", 2).keyed(FIRST).applies(apply::persist),
    GROUP.write("pexpire", -3).before(redis(7, 0), 3).keyed(FIRST).applies(apply::pexpire),
    GROUP.write("pexpireat", -3).before(redis(7, 0), 3).keyed(FIRST).applies(apply::pexpireat),
    GROUP.read("pexpiretime", 2).since(redis(7, 0)).keyed(FIRST),
    GROUP.read("pttl", 2).keyed(FIRST),
    GROUP.read("randomkey", 1),
    GROUP.write("rename", 3).keyed(FIRST_TWO).applies(apply::rename),
    GROUP.write("renamenx", 3).keyed(FIRST_TWO).applies(apply::renamenx),
    GROUP.write("restore", -4).keyed(FIRST).applies(super::apply::restore::restore),
    GROUP.read("scan", -2),
    GROUP.write("sort", -2).keyed(KeyPositions::Sort).applies(apply::sort),
    GROUP.read("sort_ro", -2).since(redis(7, 0)).keyed(FIRST),
    GROUP.read("touch", -2).keyed(from(1)),
    GROUP.read("ttl", 2).keyed(FIRST),
    GROUP.read("type", 2).keyed(FIRST),
    GROUP.write("unlink", -2).keyed(from(1)).applies(apply::del).by_key(),
    GROUP.control("wait", 3),
    GROUP.control("waitaof", 4).since(redis(7, 2)),
];

/// The subcommands of OBJECT.
const OBJECT: &[Command] = &[
    GROUP.read("object|encoding", 3).since(redis(7, 0)).keyed(at(2)),
    GROUP.read("object|freq", 3).since(redis(7, 0)).keyed(at(2)),
    GROUP.control("object|help", 2).since(redis(7, 0)),
    GROUP.read("object|idletime", 3).since(redis(7, 0)).keyed(at(2)),
    GROUP.read("object|refcount", 3).since(redis(7, 0)).keyed(at(2)),
];
