//! An RDB as the verdicts need it: read once.

use std::collections::BTreeSet;

use super::server::RdbOutcome;
use crate::escape::Escaped;
use crate::progress::Progress;
use crate::rdb::{self, Checksum, Consumer, Damage, DataType, Entry, Flaw, Header, Item, Refusal, Walker};
use crate::server::Server;

/// The most flaws that are kept; the others still count for the verdicts.
const FLAWS_LIMIT: usize = 64;
/// Collections with more members than this are not checked for duplicates: the limit of [`crate::rdb`], which keeps its
/// memory small.
const SEARCHED_LIMIT: u64 = 1 << 21;
/// The bytes are counted in steps of this many.
const STRIDE: u64 = 4 << 20;

/// The most bytes of a server's version that are shown.
const VERSION_LIMIT: usize = 32;
/// The most databases that are listed; servers refuse numbers from 16 on.
const DATABASES_LIMIT: usize = 1024;

/// What a walk over an RDB found, and what one server and its checker make of it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RdbSummary {
    /// The header, if there is one.
    pub header: Option<Header>,
    /// How many keys it holds.
    pub keys: u64,
    /// How many of them have an expiry.
    pub expires: u64,
    /// How many function libraries it holds.
    pub functions: u64,
    /// The databases that keys are in.
    pub databases: BTreeSet<u32>,
    /// The server that wrote it, as the RDB says: `redis 8.0.6`, `valkey 9.1.2`.
    pub producer: Option<String>,
    /// What its checksum said.
    pub checksum: Option<Checksum>,
    /// The offset after its end, if it was walked to its end.
    pub end: Option<u64>,
    /// Why the walk stopped before the end.
    pub damage: Option<Damage>,
    /// The first flaws inside values, the end of which is known.
    pub flaws: Vec<Flaw>,
    /// The first collections that were not checked for duplicate members.
    pub unsearched: Vec<Unsearched>,
    /// What is sound, but not loaded by the server: where, and what.
    pub refused: Option<(u64, Refused)>,
    /// What the server makes of it.
    pub outcome: RdbOutcome,
    /// Whether its checker calls it sane.
    pub sane_to_checker: bool,
}

/// A collection with too many members to be checked for duplicates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsearched {
    /// The offset of its entry.
    pub offset: u64,
    /// Its key.
    pub key: Vec<u8>,
    /// `set`, `zset` or `hash`.
    pub kind: &'static str,
    /// How many members, or fields, it has.
    pub members: u64,
}

impl Unsearched {
    fn of(entry: &Entry<'_>) -> Option<Self> {
        let members = entry.elements.filter(|members| *members > SEARCHED_LIMIT)?;
        let kind = entry.kind.data_type;
        // The order of an intset shows whether a member occurs twice.
        let searched =
            matches!(kind, DataType::Set | DataType::SortedSet | DataType::Hash) && entry.kind.encoding != "intset";
        searched.then(|| Self { offset: entry.offset, key: entry.key.to_vec(), kind: kind.name(), members })
    }
}

/// Something sound that a server does not load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refused {
    /// A version, a type, an opcode or a module that it lacks.
    Unknown(Refusal),
    /// A database that it does not have by default.
    Database(u64),
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unknown(refusal) => refusal.fmt(f),
            Self::Database(number) => write!(f, "database {number} (unless 'databases' is set higher than that)"),
        }
    }
}

impl RdbSummary {
    /// Walks the RDB at the start of `bytes`; `progress` counts the bytes.
    pub fn walk(bytes: &[u8], server: Server, progress: &Progress) -> Self {
        let mut walker = Walker::new(bytes, 0);
        let mut summary = Self {
            header: None,
            keys: 0,
            expires: 0,
            functions: 0,
            databases: BTreeSet::new(),
            producer: None,
            checksum: None,
            end: None,
            damage: None,
            flaws: Vec::new(),
            unsearched: Vec::new(),
            refused: None,
            // Until the end was seen.
            outcome: RdbOutcome::Damaged { offset: bytes.len() as u64 },
            sane_to_checker: true,
        };
        let mut stopped = None;
        let mut reported = 0;
        while let Some(item) = walker.next() {
            let stop = match item {
                Ok(item) => summary.add(&item, server, walker.item_offset(), walker.position()),
                Err(damage) => Some(summary.damaged(damage, server)),
            };
            stopped = stopped.or(stop);
            // Not for each of millions of small entries.
            if walker.position() - reported > STRIDE {
                progress.advance(walker.position() - reported);
                reported = walker.position();
            }
        }
        progress.advance(walker.position() - reported);
        summary.header = walker.header();
        summary.sane_to_checker &= summary.damage.is_none();
        if let Some(outcome) = stopped.or(summary.end.map(|end| RdbOutcome::Whole { end })) {
            summary.outcome = outcome;
        }
        summary
    }

    /// Adds an item; where the server stops at it, how.
    fn add(&mut self, item: &Item<'_>, server: Server, offset: u64, end: u64) -> Option<RdbOutcome> {
        let room = FLAWS_LIMIT.saturating_sub(self.flaws.len());
        self.flaws.extend(item.flaws().iter().take(room).cloned());
        self.sane_to_checker &=
            rdb::checker_refusal(server, item).is_none() && item.stop(Consumer::Checker(server)).is_none();
        match item {
            Item::Header(header) => self.header = Some(*header),
            Item::Aux { key, value } => self.aux(key, value),
            // Servers exit at one that they do not have.
            Item::SelectDatabase(number) if *number >= u64::from(server.databases()) => {
                self.refused.get_or_insert((offset, Refused::Database(*number)));
                return Some(RdbOutcome::UnsupportedContent { offset });
            }
            Item::Function { .. } => self.functions += 1,
            Item::Entry(entry) => {
                self.keys += 1;
                self.expires += u64::from(entry.expiry.is_some());
                if self.unsearched.len() < FLAWS_LIMIT {
                    self.unsearched.extend(Unsearched::of(entry));
                }
                if self.databases.len() < DATABASES_LIMIT {
                    self.databases.insert(u32::try_from(entry.database).unwrap_or(u32::MAX));
                }
            }
            Item::End { checksum } => {
                self.checksum = Some(*checksum);
                self.end = Some(end);
            }
            _ => {}
        }
        if let Some(refusal) = rdb::refusal(server, item) {
            self.refused.get_or_insert((offset, Refused::Unknown(refusal)));
            return Some(match refusal {
                Refusal::Version(header) => RdbOutcome::UnsupportedVersion(header.version),
                _ => RdbOutcome::UnsupportedContent { offset },
            });
        }
        item.stop(Consumer::Loader(server)).map(|damage| RdbOutcome::Damaged { offset: damage.offset })
    }

    fn damaged(&mut self, damage: Damage, server: Server) -> RdbOutcome {
        let offset = damage.stop(Consumer::Loader(server)).offset;
        let outcome = if damage.kind.is_unknown() {
            RdbOutcome::UnsupportedContent { offset }
        } else {
            RdbOutcome::Damaged { offset }
        };
        self.damage = Some(damage);
        outcome
    }

    fn aux(&mut self, key: &[u8], value: &[u8]) {
        let name = match key {
            b"redis-ver" => "redis",
            b"valkey-ver" => "valkey",
            _ => return,
        };
        // A version has a dozen bytes; one of millions is not repeated.
        self.producer = Some(format!("{name} {}", Escaped(value.get(..VERSION_LIMIT).unwrap_or(value))));
    }
}
