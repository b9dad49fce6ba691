//! Commands on hashes and their fields.

use super::apply;
use super::keys::{FIRST, at};
use super::row::{Command, FIELD_EXPIRY, Group};
use crate::server::redis;

const GROUP: Group = Group::Hash;

/// The rows, by name.
pub(super) static COMMANDS: &[Command] = &[
    GROUP.write("hdel", -3).keyed(FIRST).applies(apply::hash::hdel),
    GROUP.read("hexists", 3).keyed(FIRST),
    GROUP.write("hexpire", -6).since(FIELD_EXPIRY).keyed(FIRST).applies(apply::hash::hexpire),
    GROUP.write("hexpireat", -6).since(FIELD_EXPIRY).keyed(FIRST).applies(apply::hash::hexpireat),
    GROUP.read("hexpiretime", -5).since(FIELD_EXPIRY).keyed(FIRST),
    GROUP.read("hget", 3).keyed(FIRST),
    GROUP.read("hgetall", 2).keyed(FIRST),
    GROUP.write("hgetdel", -5).since(redis(8, 0).valkey(9, 1)).keyed(FIRST).applies(apply::hash::hgetdel),
    GROUP.write("hgetex", -5).since(redis(8, 0).valkey(9, 0)).keyed(FIRST).applies(apply::hash::hgetex),
    GROUP.control("himport", -2).since(redis(8, 10)).subcommands(HIMPORT),
    GROUP.write("hincrby", 4).keyed(FIRST).applies(apply::hash::hincrby),
    GROUP.write("hincrbyfloat", 4).keyed(FIRST).applies(apply::hash::hincrbyfloat),
    GROUP.read("hkeys", 2).keyed(FIRST),
    GROUP.read("hlen", 2).keyed(FIRST),
    GROUP.read("hmget", -3).keyed(FIRST),
    GROUP.write("hmset", -4).keyed(FIRST).applies(apply::hash::hmset),
    GROUP.write("hpersist", -5).since(FIELD_EXPIRY).keyed(FIRST).applies(apply::hash::hpersist),
    GROUP.write("hpexpire", -6).since(FIELD_EXPIRY).keyed(FIRST).applies(apply::hash::hpexpire),
    GROUP.write("hpexpireat", -6).since(FIELD_EXPIRY).keyed(FIRST).applies(apply::hash::hpexpireat),
    GROUP.read("hpexpiretime", -5).since(FIELD_EXPIRY).keyed(FIRST),
    GROUP.read("hpttl", -5).since(FIELD_EXPIRY).keyed(FIRST),
    GROUP.read("hrandfield", -2).keyed(FIRST),
    GROUP.read("hscan", -3).keyed(FIRST),
    GROUP.write("hset", -4).keyed(FIRST).applies(apply::hash::hset),
    GROUP.write("hsetc", -4).since(redis(8, 10)).keyed(FIRST).applies(apply::hash::hsetc),
    GROUP.write("hsetex", -6).since(redis(8, 0).valkey(9, 0)).keyed(FIRST).applies(apply::hash::hsetex),
    GROUP.write("hsetnx", 4).keyed(FIRST).applies(apply::hash::hsetnx),
    GROUP.read("hstrlen", 3).keyed(FIRST),
    GROUP.read("httl", -5).since(FIELD_EXPIRY).keyed(FIRST),
    GROUP.read("hvals", 2).keyed(FIRST),
];

/// The subcommands of HIMPORT, new in Redis 8.10.
const HIMPORT: &[Command] = &[
    GROUP.control("himport|discard", 3).since(redis(8, 10)),
    GROUP.control("himport|discardall", 2).since(redis(8, 10)),
    GROUP.control("himport|prepare", -4).since(redis(8, 10)),
    GROUP.write("himport|set", -5).since(redis(8, 10)).keyed(at(2)),
];
