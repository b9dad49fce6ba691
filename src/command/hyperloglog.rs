//! Commands on `HyperLogLog`s, which are strings.

use super::apply::hyperloglog as apply;
use super::keys::{FIRST, at, from};
use super::row::{Command, Group};
use crate::server::redis;

const GROUP: Group = Group::HyperLogLog;

/// The rows, by name.
pub(super) static COMMANDS: &[Command] = &[
    GROUP.write("pfadd", -2).keyed(FIRST).applies(apply::pfadd),
    GROUP.indirect("pfcount", -2).keyed(from(1)).applies(apply::pfcount),
    GROUP.write("pfdebug", 3).before(redis(7, 0), -3).keyed(at(2)).applies(apply::pfdebug),
    GROUP.write("pfmerge", -2).keyed(from(1)).applies(apply::pfmerge),
    GROUP.control("pfselftest", 1),
];
