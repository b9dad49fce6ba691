//! Commands on lists.

use super::keys::{FIRST, FIRST_TWO, counted, range};
use super::row::{Command, Group, SINCE_7_0};

const GROUP: Group = Group::List;

/// The rows, by name.
pub(super) static COMMANDS: &[Command] = &[
    GROUP.write("blmove", 6).keyed(FIRST_TWO),
    GROUP.write("blmpop", -5).servers(SINCE_7_0).keyed(counted(2)),
    GROUP.write("blpop", -3).keyed(range(1, -2, 1)),
    GROUP.write("brpop", -3).keyed(range(1, -2, 1)),
    GROUP.write("brpoplpush", 4).keyed(FIRST_TWO),
    GROUP.read("lindex", 3).keyed(FIRST),
    GROUP.write("linsert", 5).keyed(FIRST),
    GROUP.read("llen", 2).keyed(FIRST),
    GROUP.write("lmove", 5).keyed(FIRST_TWO),
    GROUP.write("lmpop", -4).servers(SINCE_7_0).keyed(counted(1)),
    GROUP.write("lpop", -2).keyed(FIRST),
    GROUP.read("lpos", -3).keyed(FIRST),
    GROUP.write("lpush", -3).keyed(FIRST),
    GROUP.write("lpushx", -3).keyed(FIRST),
    GROUP.read("lrange", 4).keyed(FIRST),
    GROUP.write("lrem", 4).keyed(FIRST),
    GROUP.write("lset", 4).keyed(FIRST),
    GROUP.write("ltrim", 4).keyed(FIRST),
    GROUP.write("rpop", -2).keyed(FIRST),
    GROUP.write("rpoplpush", 3).keyed(FIRST_TWO),
    GROUP.write("rpush", -3).keyed(FIRST),
    GROUP.write("rpushx", -3).keyed(FIRST),
];
