//! Commands on sorted sets.

use super::apply::sorted_set;
use super::keys::{FIRST, FIRST_TWO, counted, range, stored_and_counted};
use super::row::{Command, Group};
use crate::server::redis;

const GROUP: Group = Group::SortedSet;

/// The rows, by name.
pub(super) static COMMANDS: &[Command] = &[
    GROUP.write("bzmpop", -5).since(redis(7, 0)).keyed(counted(2)).applies(sorted_set::bzmpop),
    GROUP.write("bzpopmax", -3).keyed(range(1, -2, 1)).applies(sorted_set::bzpopmax),
    GROUP.write("bzpopmin", -3).keyed(range(1, -2, 1)).applies(sorted_set::bzpopmin),
    GROUP.write("zadd", -4).keyed(FIRST).applies(sorted_set::zadd),
    GROUP.read("zcard", 2).keyed(FIRST),
    GROUP.read("zcount", 4).keyed(FIRST),
    GROUP.read("zdiff", -3).keyed(counted(1)),
    GROUP.write("zdiffstore", -4).keyed(stored_and_counted(1, 2)).applies(sorted_set::zdiffstore),
    GROUP.write("zincrby", 4).keyed(FIRST).applies(sorted_set::zincrby),
    GROUP.read("zinter", -3).keyed(counted(1)),
    GROUP.read("zintercard", -3).since(redis(7, 0)).keyed(counted(1)),
    GROUP.write("zinterstore", -4).keyed(stored_and_counted(1, 2)).applies(sorted_set::zinterstore),
    GROUP.read("zlexcount", 4).keyed(FIRST),
    GROUP.write("zmpop", -4).since(redis(7, 0)).keyed(counted(1)).applies(sorted_set::zmpop),
    GROUP.read("zmscore", -3).keyed(FIRST),
    GROUP.write("zpopmax", -2).keyed(FIRST).applies(sorted_set::zpopmax),
    GROUP.write("zpopmin", -2).keyed(FIRST).applies(sorted_set::zpopmin),
    GROUP.read("zrandmember", -2).keyed(FIRST),
    GROUP.read("zrange", -4).keyed(FIRST),
    GROUP.read("zrangebylex", -4).keyed(FIRST),
    GROUP.read("zrangebyscore", -4).keyed(FIRST),
    GROUP.write("zrangestore", -5).keyed(FIRST_TWO).applies(sorted_set::zrangestore),
    GROUP.read("zrank", -3).before(redis(7, 2), 3).keyed(FIRST),
    GROUP.write("zrem", -3).keyed(FIRST).applies(sorted_set::zrem),
    GROUP.write("zremrangebylex", 4).keyed(FIRST).applies(sorted_set::zremrangebylex),
    GROUP.write("zremrangebyrank", 4).keyed(FIRST).applies(sorted_set::zremrangebyrank),
    GROUP.write("zremrangebyscore", 4).keyed(FIRST).applies(sorted_set::zremrangebyscore),
    GROUP.read("zrevrange", -4).keyed(FIRST),
    GROUP.read("zrevrangebylex", -4).keyed(FIRST),
    GROUP.read("zrevrangebyscore", -4).keyed(FIRST),
    GROUP.read("zrevrank", -3).before(redis(7, 2), 3).keyed(FIRST),
    GROUP.read("zscan", -3).keyed(FIRST),
    GROUP.read("zscore", 3).keyed(FIRST),
    GROUP.read("zunion", -3).keyed(counted(1)),
    GROUP.write("zunionstore", -4).keyed(stored_and_counted(1, 2)).applies(sorted_set::zunionstore),
];
