//! Commands on vector sets: a module that comes with Redis 8, so that every row prints the arity of module commands.

use super::keys::FIRST;
use super::row::{Command, Group, NEWER, REDIS_8_0};

const GROUP: Group = Group::VectorSet;

/// The rows, by name.
pub(super) static COMMANDS: &[Command] = &[
    GROUP.write("vadd", -1).servers(REDIS_8_0).keyed(FIRST),
    GROUP.read("vcard", -1).servers(REDIS_8_0).keyed(FIRST),
    GROUP.read("vdim", -1).servers(REDIS_8_0).keyed(FIRST),
    GROUP.read("vemb", -1).servers(REDIS_8_0).keyed(FIRST),
    GROUP.read("vgetattr", -1).servers(REDIS_8_0).keyed(FIRST),
    GROUP.read("vinfo", -1).servers(REDIS_8_0).keyed(FIRST),
    GROUP.read("vismember", -1).servers(REDIS_8_0).keyed(FIRST),
    GROUP.read("vlinks", -1).servers(REDIS_8_0).keyed(FIRST),
    GROUP.read("vrandmember", -1).servers(REDIS_8_0).keyed(FIRST),
    GROUP.read("vrange", -1).servers(NEWER).keyed(FIRST),
    GROUP.write("vrem", -1).servers(REDIS_8_0).keyed(FIRST),
    GROUP.write("vsetattr", -1).servers(REDIS_8_0).keyed(FIRST),
    GROUP.read("vsim", -1).servers(REDIS_8_0).keyed(FIRST),
];
