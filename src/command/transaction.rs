//! Commands that make transactions.

use super::keys::from;
use super::row::{Command, Group};

const GROUP: Group = Group::Transaction;

/// The rows, by name.
pub(super) static COMMANDS: &[Command] = &[
    GROUP.control("discard", 1),
    GROUP.control("exec", 1),
    GROUP.control("multi", 1),
    GROUP.control("unwatch", 1),
    GROUP.control("watch", -2).keyed(from(1)),
];
