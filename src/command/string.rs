//! Commands on strings.

use super::keys::{FIRST, FIRST_TWO, KeyPositions, counted_pairs, from, range};
use super::row::{Command, Group, NEWER, REDIS_6_2, SINCE_7_0, VALKEY_9};

const GROUP: Group = Group::String;

/// The rows, by name.
pub(super) static COMMANDS: &[Command] = &[
    GROUP.write("append", 3).keyed(FIRST),
    GROUP.write("decr", 2).keyed(FIRST),
    GROUP.write("decrby", 3).keyed(FIRST),
    GROUP.write("delex", -2).servers(NEWER).keyed(FIRST),
    GROUP.write("delifeq", 3).servers(VALKEY_9).keyed(FIRST),
    GROUP.read("digest", 2).servers(NEWER).keyed(FIRST),
    GROUP.read("get", 2).keyed(FIRST),
    GROUP.write("getdel", 2).keyed(FIRST),
    GROUP.write("getex", -2).keyed(FIRST),
    GROUP.read("getrange", 4).keyed(FIRST),
    GROUP.write("getset", 3).keyed(FIRST),
    GROUP.write("incr", 2).keyed(FIRST),
    GROUP.write("incrby", 3).keyed(FIRST),
    GROUP.write("incrbyfloat", 3).keyed(FIRST),
    GROUP.read("lcs", -3).servers(SINCE_7_0).keyed(FIRST_TWO),
    GROUP.read("mget", -2).keyed(from(1)),
    GROUP.write("mset", -3).keyed(range(1, -1, 2)),
    GROUP.write("msetex", -4).servers(VALKEY_9).keyed(counted_pairs(1)),
    GROUP.write("msetnx", -3).keyed(range(1, -1, 2)),
    GROUP.write("psetex", 4).keyed(FIRST),
    GROUP.write("set", -3).keyed(FIRST),
    GROUP.write("setex", 4).keyed(FIRST),
    GROUP.write("setnx", 3).keyed(FIRST),
    GROUP.write("setrange", 4).keyed(FIRST),
    GROUP.read("stralgo", -2).servers(REDIS_6_2).keyed(KeyPositions::Stralgo),
    GROUP.read("strlen", 2).keyed(FIRST),
    GROUP.read("substr", 4).keyed(FIRST),
];
