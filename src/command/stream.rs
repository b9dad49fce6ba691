//! Commands on streams and their consumer groups.

use super::apply::stream as apply;
use super::keys::{FIRST, KeyPositions, at};
use super::row::{Command, Group};
use crate::server::redis;

const GROUP: Group = Group::Stream;

/// The rows, by name.
pub(super) static COMMANDS: &[Command] = &[
    GROUP.write("xack", -4).keyed(FIRST).applies(apply::xack),
    GROUP.write("xackdel", -6).since(redis(8, 2)).keyed(FIRST).applies(apply::xackdel),
    GROUP.write("xadd", -5).keyed(FIRST).applies(apply::xadd),
    GROUP.write("xautoclaim", -6).keyed(FIRST).applies(apply::xautoclaim),
    GROUP.write("xcfgset", -2).since(redis(8, 6)).keyed(FIRST).applies(apply::xcfgset),
    GROUP.write("xclaim", -6).keyed(FIRST).applies(apply::xclaim),
    GROUP.write("xdel", -3).keyed(FIRST).applies(apply::xdel),
    GROUP.write("xdelex", -5).since(redis(8, 2)).keyed(FIRST).applies(apply::xdelex),
    GROUP.write("xgroup", -2).keyed(at(2)).subcommands(XGROUP),
    GROUP.write("xidmprecord", 5).since(redis(8, 6)).keyed(FIRST).applies(apply::xidmprecord),
    GROUP.read("xinfo", -2).keyed(at(2)).subcommands(XINFO),
    GROUP.read("xlen", 2).keyed(FIRST),
    GROUP.write("xnack", -7).since(redis(8, 8)).keyed(FIRST),
    GROUP.read("xpending", -3).keyed(FIRST),
    GROUP.read("xrange", -4).keyed(FIRST),
    GROUP.read("xread", -4).keyed(KeyPositions::Streams),
    GROUP.write("xreadgroup", -7).keyed(KeyPositions::Streams).applies(apply::xreadgroup),
    GROUP.read("xrevrange", -4).keyed(FIRST),
    GROUP.write("xsetid", -3).before(redis(7, 0), 3).keyed(FIRST).applies(apply::xsetid),
    GROUP.write("xtrim", -4).keyed(FIRST).applies(apply::xtrim),
];

/// The subcommands of XGROUP.
const XGROUP: &[Command] = &[
    GROUP.write("xgroup|create", -5).since(redis(7, 0)).keyed(at(2)).applies(apply::create),
    GROUP.write("xgroup|createconsumer", 5).since(redis(7, 0)).keyed(at(2)).applies(apply::createconsumer),
    GROUP.write("xgroup|delconsumer", 5).since(redis(7, 0)).keyed(at(2)).applies(apply::delconsumer),
    GROUP.write("xgroup|destroy", 4).since(redis(7, 0)).keyed(at(2)).applies(apply::destroy),
    GROUP.control("xgroup|help", 2).since(redis(7, 0)),
    GROUP.write("xgroup|setid", -5).since(redis(7, 0)).keyed(at(2)).applies(apply::setid),
];

/// The subcommands of XINFO.
const XINFO: &[Command] = &[
    GROUP.read("xinfo|consumers", 4).since(redis(7, 0)).keyed(at(2)),
    GROUP.read("xinfo|groups", 3).since(redis(7, 0)).keyed(at(2)),
    GROUP.control("xinfo|help", 2).since(redis(7, 0)),
    GROUP.read("xinfo|stream", -3).since(redis(7, 0)).keyed(at(2)),
];
