//! `FLUSHALL` and `FLUSHDB`: what they emptied, so that a person can go back to before them.

use super::Place;
use crate::command::Command;
use crate::keyspace::{Database, Shard};

/// Flushes remembered per replay: the last ones, as an accident is usually at the end of the log.
const LIMIT: usize = 100;

/// A `FLUSHALL` or `FLUSHDB` that removed keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flush {
    /// Where the command is.
    pub place: Place,
    /// The database that it emptied; `None` for all of them.
    pub database: Option<u32>,
    /// How many keys it removed.
    pub keys: u64,
}

/// Which keys a command empties without naming them; `None` for any other command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    All,
    Database,
}

impl Scope {
    pub(super) fn of(row: &Command) -> Option<Self> {
        match row.name {
            "flushall" => Some(Self::All),
            "flushdb" => Some(Self::Database),
            _ => None,
        }
    }

    /// What the command is about to remove from one shard.
    pub(super) fn flush(self, shard: &Shard<'_>, database: u32, place: Place) -> Flush {
        let length = |database: &Database<'_>| database.len() as u64;
        let (database, keys) = match self {
            Self::All => (None, shard.databases().map(|(_, database)| length(database)).sum()),
            Self::Database => (Some(database), shard.database(database).map_or(0, length)),
        };
        Flush { place, database, keys }
    }
}

/// Remembers a flush. Every thread sees the same flushes, so that each remembers the same places.
pub(super) fn remember(flushes: &mut Vec<Flush>, flush: Flush) {
    if flushes.len() == LIMIT {
        flushes.remove(0);
    }
    flushes.push(flush);
}

/// Adds what another thread's shard lost to the same flushes.
pub(super) fn add(flushes: &mut [Flush], others: &[Flush]) {
    for (flush, other) in flushes.iter_mut().zip(others) {
        flush.keys += other.keys;
    }
}
