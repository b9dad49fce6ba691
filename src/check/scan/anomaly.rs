//! Records of a log that are well formed, but odd.

use std::collections::BTreeMap;

use crate::aof::transaction::Misplaced;

/// Names are kept up to this many bytes: enough to recognise one.
const NAME_LIMIT: usize = 64;
/// The most anomalies that are listed; the others are only counted.
const KINDS_LIMIT: usize = 256;

/// A record that can be read, but that a server would not execute as it was meant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Anomaly {
    /// A control command of transactions where it does not belong.
    Misplaced(Misplaced),
    /// The server knows no command of this name: it refuses the whole log.
    UnknownCommand(Vec<u8>),
    /// The server knows the command, but not this subcommand: it refuses the whole log.
    UnknownSubcommand {
        /// The container's name.
        command: &'static str,
        /// The second argument.
        subcommand: Vec<u8>,
    },
    /// Too few or too many arguments: Valkey 9 refuses the log, older servers may crash.
    WrongArity(&'static str),
    /// A command that concerns the server or a connection: servers do not write such commands into a log.
    ServerCommand(&'static str),
    /// A script or a function, which runs while the log is loaded: a server crashes if a command fails in it.
    Script(&'static str),
    /// A name with a NUL in it: the official checkers read it only up to there.
    NulInName(Vec<u8>),
    /// `SELECT` of something other than a database number up to 15: the server stays in the current database.
    NoSuchDatabase(Vec<u8>),
    /// The payload of a RESTORE does not give what it should.
    Payload {
        /// What the server does.
        effect: PayloadEffect,
        /// The key, or its beginning.
        key: Vec<u8>,
        /// What is wrong with the payload.
        fault: String,
    },
    /// The end of the part cuts an annotation: the next record that a server appends would become part of that line.
    CutAnnotation,
    /// Those beyond the ones that are listed. The last in order, after everything that it stands for.
    Others,
}

/// What a server that loads a log does at a payload of RESTORE that it does not find sound, or that others do not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PayloadEffect {
    /// It exits.
    Exits,
    /// It crashes.
    Crashes,
    /// It goes on without the key.
    KeyMissing,
    /// It takes the value as it is.
    Overlooked,
}

/// How often an anomaly occurs, and where first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// How many records have it.
    pub count: u64,
    /// The offset of the first of them.
    pub offset: u64,
    /// The number of the first of them, from 1.
    pub record: u64,
}

/// The anomalies of a part, each with its first place.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Anomalies(BTreeMap<Anomaly, Seen>);

impl Anomalies {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each, in a fixed order.
    pub fn iter(&self) -> impl Iterator<Item = (&Anomaly, Seen)> {
        self.0.iter().map(|(anomaly, seen)| (anomaly, *seen))
    }

    pub(super) fn add(&mut self, anomaly: Anomaly, offset: u64, record: u64) {
        self.note(anomaly, Seen { count: 1, offset, record });
    }

    /// Adds those of a later range whose record numbers start after `before`.
    pub(super) fn merge(&mut self, later: Self, before: u64) {
        for (anomaly, seen) in later.0 {
            self.note(anomaly, Seen { record: seen.record + before, ..seen });
        }
    }

    /// The ones that are listed must not depend on how the part was cut into ranges, so they are the first ones in the
    /// order of [`Anomaly`]: what is among the first of the whole is also among the first of each range.
    fn note(&mut self, anomaly: Anomaly, seen: Seen) {
        self.count(anomaly, seen);
        let others = usize::from(self.0.contains_key(&Anomaly::Others));
        if self.0.len() - others > KINDS_LIMIT {
            let last = self.0.range(..Anomaly::Others).next_back().map(|(last, _)| last.clone());
            if let Some(seen) = last.and_then(|last| self.0.remove(&last)) {
                self.count(Anomaly::Others, seen);
            }
        }
    }

    fn count(&mut self, anomaly: Anomaly, seen: Seen) {
        let first = self.0.entry(anomaly).or_insert(Seen { count: 0, ..seen });
        first.count += seen.count;
        if seen.offset < first.offset {
            (first.offset, first.record) = (seen.offset, seen.record);
        }
    }
}

/// A name as it is kept.
pub(super) fn shortened(name: &[u8]) -> Vec<u8> {
    name.get(..NAME_LIMIT).unwrap_or(name).to_vec()
}
