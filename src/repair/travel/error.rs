//! Why a log cannot be taken back.

use std::ops::Range;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::escape::Escaped;
use crate::repair::Refusal;

/// Why there is no plan.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TravelError {
    /// The log cannot be changed, or would stay damaged.
    Refused(Refusal),
    /// No record of the log has a time.
    NoTimes,
    /// Everything in the log is later than the time asked for.
    NotThatFarBack {
        /// The Unix second asked for.
        second: i64,
        /// The Unix second at which the log begins.
        begins: i64,
    },
    /// Nothing would be left of the log.
    NothingLeft,
    /// The offset is inside an RDB.
    InsideRdb {
        /// The part.
        file: PathBuf,
        /// The offset.
        offset: u64,
        /// Where the RDB ends.
        end: u64,
    },
    /// A log cannot end at the offset.
    NotABoundary {
        /// The part.
        file: PathBuf,
        /// The offset.
        offset: u64,
        /// What the offset is inside of.
        holder: Holder,
        /// The nearest boundaries before and after it; the same twice where there is one alone.
        nearest: Range<u64>,
    },
    /// No record begins at the offset.
    NotARecord {
        /// The part.
        file: PathBuf,
        /// The offset.
        offset: u64,
        /// The record that holds the offset; empty at the end of the part, and beyond it.
        record: Range<u64>,
        /// The record's command, or the start of the annotation.
        name: Vec<u8>,
    },
    /// Without the `SELECT`, later records would go to another database.
    Select {
        /// The part.
        file: PathBuf,
        /// The offset of the `SELECT`.
        offset: u64,
        /// The database that it selects.
        selects: u64,
        /// The database of the records after it, without it.
        instead: u64,
    },
    /// The log has no such command.
    NotFound {
        /// The words that were looked for.
        words: Vec<Vec<u8>>,
    },
}

/// What an offset is inside of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holder {
    /// A record.
    Record,
    /// A transaction.
    Transaction,
    /// Nothing: it is beyond the end.
    Nothing,
}

impl From<Refusal> for TravelError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

fn time(seconds: i64) -> String {
    Timestamp::from_second(seconds).map_or_else(|_| seconds.to_string(), |time| time.to_string())
}

impl TravelError {
    /// The file that it is about, if it is one part.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::Refused(Refusal { file, .. })
            | Self::InsideRdb { file, .. }
            | Self::NotABoundary { file, .. }
            | Self::NotARecord { file, .. }
            | Self::Select { file, .. } => Some(file),
            Self::NoTimes | Self::NotThatFarBack { .. } | Self::NothingLeft | Self::NotFound { .. } => None,
        }
    }

    /// What is in the way: one clause, to be printed after the name of the file, or of the log.
    pub fn message(&self) -> String {
        match self {
            Self::Refused(refusal) => refusal.message(),
            Self::NoTimes => "this log has no #TS: annotation".to_owned(),
            Self::NotThatFarBack { second, begins } => {
                format!("the log does not go back to {}: it begins at {}", time(*second), time(*begins))
            }
            Self::NothingLeft => "nothing of the log would be left".to_owned(),
            Self::InsideRdb { offset, end, .. } => {
                format!("byte {offset} is inside the RDB, which ends at byte {end} and is loaded as a whole")
            }
            Self::NotABoundary { offset, holder: Holder::Nothing, nearest, .. } => {
                format!("byte {offset} is beyond the end of the file, which has {} bytes", nearest.end)
            }
            Self::NotABoundary { offset, holder: Holder::Record, nearest, .. } => {
                format!("byte {offset} is inside the record at bytes {}..{}", nearest.start, nearest.end)
            }
            Self::NotABoundary { offset, holder: Holder::Transaction, nearest, .. } if nearest.is_empty() => {
                format!("byte {offset} is inside the unfinished transaction that begins at byte {}", nearest.start)
            }
            Self::NotABoundary { offset, holder: Holder::Transaction, nearest, .. } => {
                format!("byte {offset} is inside the transaction at bytes {}..{}", nearest.start, nearest.end)
            }
            Self::NotARecord { offset, record, .. } if record.is_empty() => {
                format!("no record begins at byte {offset}: the records end at byte {}", record.end)
            }
            Self::NotARecord { offset, record, name, .. } => {
                let (name, Range { start, end }) = (Escaped(name), record);
                format!("no record begins at byte {offset}: it is inside {name} at bytes {start}..{end}")
            }
            Self::Select { offset, selects, instead, .. } => format!(
                "without the SELECT at byte {offset}, the records after it would go to database {instead} instead of \
                 {selects}"
            ),
            Self::NotFound { words } => {
                let words: Vec<String> = words.iter().map(|word| Escaped(word).to_string()).collect();
                format!("no command of this log begins with: {}", words.join(" "))
            }
        }
    }

    /// What can be done instead: a clause, to be printed after `hint: `; empty where there is nothing to say.
    pub fn advice(&self) -> String {
        match self {
            Self::Refused(refusal) => refusal.advice(),
            Self::NoTimes => "give an offset".to_owned(),
            Self::NotThatFarBack { .. } => "a backup may have the data from then".to_owned(),
            Self::NothingLeft => "to empty a log, remove its files".to_owned(),
            Self::InsideRdb { end, .. } => format!("records begin at byte {end}"),
            Self::NotABoundary { nearest, .. } if nearest.is_empty() => {
                format!("the log can end at byte {}", nearest.start)
            }
            Self::NotABoundary { nearest, holder, .. } => {
                let what = if *holder == Holder::Transaction { "transaction" } else { "record" };
                let Range { start, end } = nearest;
                format!("the log can end at byte {start}, before the {what}, or at byte {end}, after it")
            }
            Self::NotARecord { record, .. } if record.is_empty() => String::new(),
            Self::NotARecord { record, .. } => format!("byte {} removes that record", record.start),
            Self::Select { selects, .. } => {
                format!("remove the records of database {selects} instead; the SELECT itself changes no data")
            }
            Self::NotFound { .. } => {
                "keys must be as they are in the log, all else may be in any letter case; after a rewrite \
                 (BGREWRITEAOF), the log has no such command any more"
                    .to_owned()
            }
        }
    }
}
