//! Commands on vector sets, a module that comes with Redis 8.

use super::apply::vector_set as apply;
use super::keys::FIRST;
use super::row::{Command, Group};
use crate::server::redis;

const GROUP: Group = Group::VectorSet;

/// The rows, by name. Before Redis 8.4 servers print the same arity for every command of a module.
pub(super) static COMMANDS: &[Command] = &[
    GROUP.write("vadd", -5).before(redis(8, 4), -1).since(redis(8, 0)).keyed(FIRST).applies(apply::vadd),
    GROUP.read("vcard", 2).before(redis(8, 4), -1).since(redis(8, 0)).keyed(FIRST),
    GROUP.read("vdim", 2).before(redis(8, 4), -1).since(redis(8, 0)).keyed(FIRST),
    GROUP.read("vemb", -3).before(redis(8, 4), -1).since(redis(8, 0)).keyed(FIRST),
    GROUP.read("vgetattr", 3).before(redis(8, 4), -1).since(redis(8, 0)).keyed(FIRST),
    GROUP.read("vinfo", 2).before(redis(8, 4), -1).since(redis(8, 0)).keyed(FIRST),
    GROUP.read("vismember", 3).before(redis(8, 4), -1).since(redis(8, 0)).keyed(FIRST),
    GROUP.read("vlinks", -3).before(redis(8, 4), -1).since(redis(8, 0)).keyed(FIRST),
    GROUP.read("vrandmember", -2).before(redis(8, 4), -1).since(redis(8, 0)).keyed(FIRST),
    GROUP.read("vrange", -4).since(redis(8, 4)).keyed(FIRST),
    GROUP.write("vrem", 3).before(redis(8, 4), -1).since(redis(8, 0)).keyed(FIRST).applies(apply::vrem),
    GROUP.write("vsetattr", 4).before(redis(8, 4), -1).since(redis(8, 0)).keyed(FIRST).applies(apply::vsetattr),
    GROUP.read("vsim", -4).before(redis(8, 4), -1).since(redis(8, 0)).keyed(FIRST),
];
