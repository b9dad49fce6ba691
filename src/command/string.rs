//! Commands on strings.

use super::apply::string as apply;
use super::keys::{FIRST, FIRST_TWO, KeyPositions, counted_pairs, from, range};
use super::row::{Command, Group};
use crate::server::{redis, valkey};

const GROUP: Group = Group::String;

/// The rows, by name.
pub(super) static COMMANDS: &[Command] = &[
    GROUP.write("append", 3).keyed(FIRST).applies(apply::append),
    GROUP.write("decr", 2).keyed(FIRST).applies(apply::decr),
    GROUP.write("decrby", 3).keyed(FIRST).applies(apply::decrby),
    GROUP.write("delex", -2).since(redis(8, 4)).keyed(FIRST).applies(apply::delex),
    GROUP.write("delifeq", 3).since(valkey(9, 0)).keyed(FIRST).applies(apply::delifeq),
    GROUP.read("digest", 2).since(redis(8, 4)).keyed(FIRST),
    GROUP.read("get", 2).keyed(FIRST),
    GROUP.write("getdel", 2).keyed(FIRST).applies(apply::getdel),
    GROUP.write("getex", -2).keyed(FIRST).applies(apply::getex),
    GROUP.read("getrange", 4).keyed(FIRST),
    GROUP.write("getset", 3).keyed(FIRST).applies(apply::getset),
    GROUP.write("incr", 2).keyed(FIRST).applies(apply::incr),
    GROUP.write("incrby", 3).keyed(FIRST).applies(apply::incrby),
    GROUP.write("incrbyfloat", 3).keyed(FIRST).applies(apply::incrbyfloat),
    GROUP.write("increx", -2).since(redis(8, 8)).keyed(FIRST),
    GROUP.read("lcs", -3).since(redis(7, 0)).keyed(FIRST_TWO),
    GROUP.read("mget", -2).keyed(from(1)),
    GROUP.write("mset", -3).keyed(range(1, -1, 2)).applies(apply::mset).by_key(),
    GROUP.write("msetex", -4).since(redis(8, 4).valkey(9, 1)).keyed(counted_pairs(1)).applies(apply::msetex),
    GROUP.write("msetnx", -3).keyed(range(1, -1, 2)).applies(apply::msetnx),
    GROUP.write("psetex", 4).keyed(FIRST).applies(apply::psetex),
    GROUP.write("set", -3).keyed(FIRST).applies(apply::set),
    GROUP.write("setex", 4).keyed(FIRST).applies(apply::setex),
    GROUP.write("setnx", 3).keyed(FIRST).applies(apply::setnx),
    GROUP.write("setrange", 4).keyed(FIRST).applies(apply::setrange),
    GROUP.read("stralgo", -2).until(redis(7, 0)).keyed(KeyPositions::Stralgo),
    GROUP.read("strlen", 2).keyed(FIRST),
    GROUP.read("substr", 4).keyed(FIRST),
];
