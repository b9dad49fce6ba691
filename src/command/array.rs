//! Commands on arrays, new in Redis 8.8.

use super::keys::FIRST;
use super::row::{Command, Group};
use crate::server::redis;

const GROUP: Group = Group::Array;

/// The rows, by name.
pub(super) static COMMANDS: &[Command] = &[
    GROUP.read("arcount", 2).since(redis(8, 8)).keyed(FIRST),
    GROUP.write("ardel", -3).since(redis(8, 8)).keyed(FIRST),
    GROUP.write("ardelrange", -4).since(redis(8, 8)).keyed(FIRST),
    GROUP.read("arget", 3).since(redis(8, 8)).keyed(FIRST),
    GROUP.read("argetrange", 4).since(redis(8, 8)).keyed(FIRST),
    GROUP.read("argrep", -6).since(redis(8, 8)).keyed(FIRST),
    GROUP.read("arinfo", -2).since(redis(8, 8)).keyed(FIRST),
    GROUP.write("arinsert", -3).since(redis(8, 8)).keyed(FIRST),
    GROUP.read("arlastitems", -3).since(redis(8, 8)).keyed(FIRST),
    GROUP.read("arlen", 2).since(redis(8, 8)).keyed(FIRST),
    GROUP.read("armget", -3).since(redis(8, 8)).keyed(FIRST),
    GROUP.write("armset", -4).since(redis(8, 8)).keyed(FIRST),
    GROUP.read("arnext", 2).since(redis(8, 8)).keyed(FIRST),
    GROUP.read("arop", -5).since(redis(8, 8)).keyed(FIRST),
    GROUP.write("arring", -4).since(redis(8, 8)).keyed(FIRST),
    GROUP.read("arscan", -4).since(redis(8, 8)).keyed(FIRST),
    GROUP.write("arseek", 3).since(redis(8, 8)).keyed(FIRST),
    GROUP.write("arset", -4).since(redis(8, 8)).keyed(FIRST),
];
