//! Commands on sets.

use super::apply;
use super::keys::{FIRST, FIRST_TWO, counted, from};
use super::row::{Command, Group};
use crate::server::redis;

const GROUP: Group = Group::Set;

/// The rows, by name.
pub(super) static COMMANDS: &[Command] = &[
    GROUP.write("sadd", -3).keyed(FIRST).applies(apply::set::sadd),
    GROUP.read("scard", 2).keyed(FIRST),
    GROUP.read("sdiff", -2).keyed(from(1)),
    GROUP.read("sdiffcard", -3).since(redis(8, 10)).keyed(counted(1)),
    GROUP.write("sdiffstore", -3).keyed(from(1)).applies(apply::set::sdiffstore),
    GROUP.read("sinter", -2).keyed(from(1)),
    GROUP.read("sintercard", -3).since(redis(7, 0)).keyed(counted(1)),
    GROUP.write("sinterstore", -3).keyed(from(1)).applies(apply::set::sinterstore),
    GROUP.read("sismember", 3).keyed(FIRST),
    GROUP.read("smembers", 2).keyed(FIRST),
    GROUP.read("smismember", -3).keyed(FIRST),
    GROUP.write("smove", 4).keyed(FIRST_TWO).applies(apply::set::smove),
    GROUP.write("spop", -2).keyed(FIRST).applies(apply::set::spop),
    GROUP.read("srandmember", -2).keyed(FIRST),
    GROUP.write("srem", -3).keyed(FIRST).applies(apply::set::srem),
    GROUP.read("sscan", -3).keyed(FIRST),
    GROUP.read("sunion", -2).keyed(from(1)),
    GROUP.read("sunioncard", -3).since(redis(8, 10)).keyed(counted(1)),
    GROUP.write("sunionstore", -3).keyed(from(1)).applies(apply::set::sunionstore),
];
