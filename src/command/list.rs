//! Commands on lists.

use super::apply;
use super::keys::{FIRST, FIRST_TWO, counted, range};
use super::row::{Command, Group};
use crate::server::redis;

const GROUP: Group = Group::List;

/// The rows, by name.
pub(super) static COMMANDS: &[Command] = &[
    GROUP.write("blmove", 6).keyed(FIRST_TWO).applies(apply::list::blmove),
    GROUP.write("blmovem", -6).since(redis(8, 10)).keyed(FIRST_TWO),
    GROUP.write("blmpop", -5).since(redis(7, 0)).keyed(counted(2)).applies(apply::list::blmpop),
    GROUP.write("blpop", -3).keyed(range(1, -2, 1)).applies(apply::list::blpop),
    GROUP.write("brpop", -3).keyed(range(1, -2, 1)).applies(apply::list::brpop),
    GROUP.write("brpoplpush", 4).keyed(FIRST_TWO).applies(apply::list::brpoplpush),
    GROUP.read("lindex", 3).keyed(FIRST),
    GROUP.write("linsert", 5).keyed(FIRST).applies(apply::list::linsert),
    GROUP.read("llen", 2).keyed(FIRST),
    GROUP.write("lmove", 5).keyed(FIRST_TWO).applies(apply::list::lmove),
    GROUP.write("lmovem", -5).since(redis(8, 10)).keyed(FIRST_TWO),
    GROUP.write("lmpop", -4).since(redis(7, 0)).keyed(counted(1)).applies(apply::list::lmpop),
    GROUP.write("lpop", -2).keyed(FIRST).applies(apply::list::lpop),
    GROUP.read("lpos", -3).keyed(FIRST),
    GROUP.write("lpush", -3).keyed(FIRST).applies(apply::list::lpush),
    GROUP.write("lpushx", -3).keyed(FIRST).applies(apply::list::lpushx),
    GROUP.read("lrange", 4).keyed(FIRST),
    GROUP.write("lrem", 4).keyed(FIRST).applies(apply::list::lrem),
    GROUP.write("lset", 4).keyed(FIRST).applies(apply::list::lset),
    GROUP.write("ltrim", 4).keyed(FIRST).applies(apply::list::ltrim),
    GROUP.write("rpop", -2).keyed(FIRST).applies(apply::list::rpop),
    GROUP.write("rpoplpush", 3).keyed(FIRST_TWO).applies(apply::list::rpoplpush),
    GROUP.write("rpush", -3).keyed(FIRST).applies(apply::list::rpush),
    GROUP.write("rpushx", -3).keyed(FIRST).applies(apply::list::rpushx),
];
