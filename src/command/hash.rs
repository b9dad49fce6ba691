//! Commands on hashes and their fields.

use super::apply;
use super::keys::{FIRST, at};
use super::row::{Command, FIELD_EXPIRY, Group, NEWER};

const GROUP: Group = Group::Hash;

/// The rows, by name.
pub(super) static COMMANDS: &[Command] = &[
    GROUP.write("hdel", -3).keyed(FIRST).applies(apply::hash::hdel),
    GROUP.read("hexists", 3).keyed(FIRST),
    GROUP.write("hexpire", -6).servers(FIELD_EXPIRY).keyed(FIRST).applies(apply::hash::hexpire),
    GROUP.write("hexpireat", -6).servers(FIELD_EXPIRY).keyed(FIRST).applies(apply::hash::hexpireat),
    GROUP.read("hexpiretime", -5).servers(FIELD_EXPIRY).keyed(FIRST),
    GROUP.read("hget", 3).keyed(FIRST),
    GROUP.read("hgetall", 2).keyed(FIRST),
    GROUP.write("hgetdel", -5).servers(FIELD_EXPIRY).keyed(FIRST).applies(apply::hash::hgetdel),
    GROUP.write("hgetex", -5).servers(FIELD_EXPIRY).keyed(FIRST).applies(apply::hash::hgetex),
    GROUP.control("himport", -2).servers(NEWER).subcommands(HIMPORT),
    GROUP.write("hincrby", 4).keyed(FIRST).applies(apply::hash::hincrby),
    GROUP.write("hincrbyfloat", 4).keyed(FIRST).applies(apply::hash::hincrbyfloat),
    GROUP.read("hkeys", 2).keyed(FIRST),
    GROUP.read("hlen", 2).keyed(FIRST),
    GROUP.read("hmget", -3).keyed(FIRST),
    GROUP.write("hmset", -4).keyed(FIRST).applies(apply::hash::hmset),
    GROUP.write("hpersist", -5).servers(FIELD_EXPIRY).keyed(FIRST).applies(apply::hash::hpersist),
    GROUP.write("hpexpire", -6).servers(FIELD_EXPIRY).keyed(FIRST).applies(apply::hash::hpexpire),
    GROUP.write("hpexpireat", -6).servers(FIELD_EXPIRY).keyed(FIRST).applies(apply::hash::hpexpireat),
    GROUP.read("hpexpiretime", -5).servers(FIELD_EXPIRY).keyed(FIRST),
    GROUP.read("hpttl", -5).servers(FIELD_EXPIRY).keyed(FIRST),
    GROUP.read("hrandfield", -2).keyed(FIRST),
    GROUP.read("hscan", -3).keyed(FIRST),
    GROUP.write("hset", -4).keyed(FIRST).applies(apply::hash::hset),
    GROUP.write("hsetc", -4).servers(NEWER).keyed(FIRST).applies(apply::hash::hsetc),
    GROUP.write("hsetex", -6).servers(FIELD_EXPIRY).keyed(FIRST).applies(apply::hash::hsetex),
    GROUP.write("hsetnx", 4).keyed(FIRST).applies(apply::hash::hsetnx),
    GROUP.read("hstrlen", 3).keyed(FIRST),
    GROUP.read("httl", -5).servers(FIELD_EXPIRY).keyed(FIRST),
    GROUP.read("hvals", 2).keyed(FIRST),
];

/// The subcommands of HIMPORT, which Redis 8.10 brings.
const HIMPORT: &[Command] = &[
    GROUP.control("himport|discard", 3).servers(NEWER),
    GROUP.control("himport|discardall", 2).servers(NEWER),
    GROUP.control("himport|prepare", -4).servers(NEWER),
    GROUP.write("himport|set", -5).servers(NEWER).keyed(at(2)),
];
