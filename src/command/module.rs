//! Commands of well-known modules that have several keys, or whose first argument is not a key. For commands without a
//! row, the first argument is taken as the key.

use super::keys::{FIRST_TWO, range, stored_and_counted};
use super::row::{Command, Group};
use crate::server::Since;

const GROUP: Group = Group::Module;

/// The rows, by name.
pub(super) static COMMANDS: &[Command] = &[
    GROUP.write("cms.merge", -4).since(Since::NEVER).keyed(stored_and_counted(1, 2)),
    GROUP.write("json.mset", -4).since(Since::NEVER).keyed(range(1, -1, 3)),
    GROUP.write("tdigest.merge", -4).since(Since::NEVER).keyed(stored_and_counted(1, 2)),
    GROUP.write("ts.createrule", -6).since(Since::NEVER).keyed(FIRST_TWO),
    GROUP.write("ts.deleterule", 3).since(Since::NEVER).keyed(FIRST_TWO),
    GROUP.write("ts.madd", -4).since(Since::NEVER).keyed(range(1, -1, 3)),
];
