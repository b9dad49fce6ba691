//! The state of a log at a record: database, time, transaction.

use crate::aof::transaction::{Control, Membership, Opening, Tracker};
use crate::aof::{Content, Damage, Reader, Record, database_number, timestamp};

/// The database, the time and the transaction of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The database it runs in; for `SELECT` the one that it selects.
    pub database: u64,
    /// The Unix second of the last `#TS:` annotation up to and including the record; `None` before the first.
    pub time: Option<i64>,
    /// The number of its transaction in the log, from 1; `MULTI` and `EXEC` belong to theirs.
    pub transaction: Option<u64>,
    /// Its relation to the transaction.
    pub membership: Membership,
}

/// Tracks database, time and transactions from record to record, and from part to part.
#[derive(Debug, Clone, Copy, Default)]
pub struct StreamState {
    database: u64,
    time: Option<i64>,
    tracker: Tracker,
    opened: u64,
}

impl StreamState {
    /// Begins the next part, in database 0 and outside any transaction.
    pub fn begin_part(&mut self) {
        self.database = 0;
        self.tracker = Tracker::default();
    }

    /// Tracks the next record, and returns its place.
    #[inline]
    pub fn take(&mut self, record: &Record<'_, '_>) -> Place {
        let mut membership = self.tracker.membership();
        match record.content {
            Content::Command(arguments) => {
                let name = arguments.first().copied().unwrap_or_default();
                if let Some(control) = Control::from_name(name) {
                    (membership, _) = self.tracker.control(
                        control,
                        Opening { offset: record.offset, record: record.number, command_end_before: None },
                    );
                    self.opened += u64::from(membership == Membership::Opens);
                } else if let Some(database) = selected_database(arguments) {
                    self.database = database;
                }
            }
            Content::Annotation(line) => self.time = timestamp(line).or(self.time),
        }
        let transaction = (membership != Membership::Outside).then_some(self.opened);
        Place { database: self.database, time: self.time, transaction, membership }
    }

    /// Goes on after damage, outside any transaction: what began before it has lost a part.
    fn skip_damage(&mut self) {
        self.tracker = Tracker::default();
    }

    /// Whether a transaction is open.
    pub fn is_in_transaction(&self) -> bool {
        self.tracker.open().is_some()
    }

    /// The beginning of the open transaction.
    pub fn opening(&self) -> Option<Opening> {
        self.tracker.open()
    }
}

/// The database that a command selects, if it is a valid `SELECT`.
#[inline]
pub fn selected_database(arguments: &[&[u8]]) -> Option<u64> {
    let [name, argument] = arguments else { return None };
    if name.len() != 6 || !name.eq_ignore_ascii_case(b"select") {
        return None;
    }
    database_number(argument).map(u64::from)
}

/// A record and its place.
#[derive(Debug, Clone, Copy)]
pub struct Step<'r, 'a> {
    /// The record.
    pub record: Record<'r, 'a>,
    /// Its bytes, including line ends.
    pub raw: &'a [u8],
    /// Its place.
    pub place: Place,
}

/// Iterates over the records of a part, or of a piece of it.
#[derive(Debug, Clone)]
pub struct Walk<'a> {
    bytes: &'a [u8],
    reader: Reader<'a>,
    base: u64,
    earlier: u64,
    state: StreamState,
}

impl<'a> Walk<'a> {
    /// Iterates over a log in a single RESP file.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self::part(bytes, 0, StreamState::default())
    }

    /// Iterates over a part, whose first record is at `start`, with the state of the log before it.
    pub fn part(bytes: &'a [u8], start: usize, mut state: StreamState) -> Self {
        state.begin_part();
        Self { bytes, reader: Reader::new(bytes, start), base: 0, earlier: 0, state }
    }

    /// Iterates over a piece of a part: `bytes` are at offset `base` of their file, after `earlier` records.
    pub fn piece(bytes: &'a [u8], base: u64, earlier: u64, state: StreamState) -> Self {
        Self { bytes, reader: Reader::new(bytes, 0), base, earlier, state }
    }

    /// The next record; `None` at the end. Damage is returned again by every further call.
    #[inline]
    pub fn next_step(&mut self) -> Option<Result<Step<'_, 'a>, Damage>> {
        match self.reader.next_record()? {
            Ok(mut record) => {
                let start = usize::try_from(record.offset).unwrap_or_default();
                let end = usize::try_from(record.end()).unwrap_or_default();
                let raw = self.bytes.get(start..end).unwrap_or_default();
                record.offset += self.base;
                record.number += self.earlier;
                let place = self.state.take(&record);
                record.membership = place.membership;
                Some(Ok(Step { record, raw, place }))
            }
            Err(mut damage) => {
                damage.offset += self.base;
                damage.record_offset += self.base;
                damage.record += self.earlier;
                Some(Err(damage))
            }
        }
    }

    /// Goes on at an offset of the file after damage, in the same database.
    pub(super) fn skip_to(&mut self, offset: usize) {
        let start = offset.saturating_sub(usize::try_from(self.base).unwrap_or(usize::MAX));
        self.earlier += self.reader.records();
        self.reader = Reader::new(self.bytes, start);
        self.state.skip_damage();
    }

    /// The offset of the next record in its file.
    pub fn position(&self) -> u64 {
        self.base + self.reader.position()
    }

    /// The number of records of the part so far.
    pub fn records(&self) -> u64 {
        self.earlier + self.reader.records()
    }

    /// The state so far.
    pub fn state(&self) -> &StreamState {
        &self.state
    }

    /// Whether the transaction that is open now is closed by an `EXEC` further on. It reads ahead without changing the
    /// position.
    pub fn transaction_completes(&self) -> bool {
        let mut ahead = self.clone();
        while let Some(Ok(step)) = ahead.next_step() {
            if step.place.membership == Membership::Closes {
                return true;
            }
        }
        false
    }
}
