//! Commands on vector sets, a module that comes with Redis 8.

use super::apply::vector_set as apply;
use super::keys::FIRST;
use super::row::{Command, Group, SINCE_8_0, SINCE_8_4};
use crate::server::{Server, ServerSet};

const GROUP: Group = Group::VectorSet;

/// Redis 8.0 and 8.2 print the arity of module commands for all of them.
const BEFORE_8_4: ServerSet = Server::Redis80.set().or(Server::Redis82.set());

/// The rows, by name.
pub(super) static COMMANDS: &[Command] = &[
    GROUP.write("vadd", -5).except(BEFORE_8_4, -1).servers(SINCE_8_0).keyed(FIRST).applies(apply::vadd),
    GROUP.read("vcard", 2).except(BEFORE_8_4, -1).servers(SINCE_8_0).keyed(FIRST),
    GROUP.read("vdim", 2).except(BEFORE_8_4, -1).servers(SINCE_8_0).keyed(FIRST),
    GROUP.read("vemb", -3).except(BEFORE_8_4, -1).servers(SINCE_8_0).keyed(FIRST),
    GROUP.read("vgetattr", 3).except(BEFORE_8_4, -1).servers(SINCE_8_0).keyed(FIRST),
    GROUP.read("vinfo", 2).except(BEFORE_8_4, -1).servers(SINCE_8_0).keyed(FIRST),
    GROUP.read("vismember", 3).except(BEFORE_8_4, -1).servers(SINCE_8_0).keyed(FIRST),
    GROUP.read("vlinks", -3).except(BEFORE_8_4, -1).servers(SINCE_8_0).keyed(FIRST),
    GROUP.read("vrandmember", -2).except(BEFORE_8_4, -1).servers(SINCE_8_0).keyed(FIRST),
    GROUP.read("vrange", -4).servers(SINCE_8_4).keyed(FIRST),
    GROUP.write("vrem", 3).except(BEFORE_8_4, -1).servers(SINCE_8_0).keyed(FIRST).applies(apply::vrem),
    GROUP.write("vsetattr", 4).except(BEFORE_8_4, -1).servers(SINCE_8_0).keyed(FIRST).applies(apply::vsetattr),
    GROUP.read("vsim", -4).except(BEFORE_8_4, -1).servers(SINCE_8_0).keyed(FIRST),
];
