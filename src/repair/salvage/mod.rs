//! What of a damaged part can be kept: everything but the damaged records, and transactions that lost a part.
//!
//! The records are scanned up to the damage, then from the next place on where a record begins that can be relied on,
//! and so on. What is to go, and what little has to be put in its place, is data; nothing is changed here.

mod cause;
mod context;
mod plan;
mod repeated;
#[cfg(test)]
mod tests;
mod wrong_byte;

use std::ops::Range;

use super::edit::Edit;
use crate::aof::resync::{self, ValueEnd, ValuesWithRecords};
use crate::aof::transaction::Control;
use crate::aof::{Damage, DamageKind, database_number};
use crate::check::scan::{self, Scan};
use crate::server::Server;

pub use context::Doubt;
pub use plan::{LogSalvage, plan_salvage};
use repeated::Repeated;
use wrong_byte::WrongByte;

/// What is wrong with the records of a part, and what has to change so that all others can be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Salvage {
    /// In order; none touches another.
    pub gaps: Vec<Gap>,
    /// How many records are kept.
    pub records: u64,
}

impl Salvage {
    /// What changes.
    pub fn edits(&self) -> Vec<Edit> {
        self.gaps.iter().map(|gap| gap.edit.clone()).collect()
    }
}

/// Damage in a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// What changes there.
    pub edit: Edit,
    /// What is wrong there.
    pub causes: Vec<Cause>,
    /// How many whole records go, as they belong to a transaction that lost a part.
    pub whole_records: u64,
    /// Records after it that may have been for another database.
    pub doubt: Option<Doubt>,
}

/// What is wrong with a stretch of a part, as far as that can be told from what is there.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// One byte of the framing has changed; it is put right, and nothing is lost.
    WrongByte {
        /// Where.
        offset: u64,
        /// The byte as it is.
        found: u8,
        /// The byte as it must have been.
        right: u8,
    },
    /// The same bytes stand there twice; the second time they go, and nothing is lost.
    Repeated {
        /// The bytes that go.
        range: Range<u64>,
        /// Where the same bytes begin that stay.
        original: u64,
    },
    /// Zeros up to the end of the file: the file was made longer, and nothing was written there.
    ZeroTail(Range<u64>),
    /// Zeros in the middle.
    Zeros(Range<u64>),
    /// Whole blocks that do not belong there, of 512 or 4096 bytes: pages that were not written, or others'.
    Blocks {
        /// From the first to the last of them.
        range: Range<u64>,
        /// The size of a block, in bytes.
        size: u64,
    },
    /// A record goes on as the next one: bytes are missing where it should end.
    Merged {
        /// Where it begins.
        offset: u64,
    },
    /// The file ends inside a record.
    Truncated(Damage),
    /// The file ends inside a transaction.
    UnfinishedTransaction {
        /// Where its `MULTI` is.
        offset: u64,
    },
    /// Bytes were overwritten, are missing, or do not belong there.
    Unreadable(Damage),
}

/// A run of whole records.
#[derive(Debug, Clone)]
struct Run {
    start: usize,
    end: usize,
    records: u64,
    /// Where a transaction begins that no `EXEC` in the run ends.
    open: Option<usize>,
    /// An `EXEC` that is the first control command of the run: where it begins and ends.
    lone_exec: Option<Range<usize>>,
    has_control: bool,
    has_exec: bool,
}

/// How a part is read.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options<'p> {
    /// The server whose commands are known.
    pub server: Server,
    /// The database of records after a gap that may have been for any, where that is known.
    pub assumed_database: Option<u32>,
    /// How the records are scanned.
    pub scan: scan::Options<'p>,
}

/// A run that is shorter than an argument can be, in records: what looks like a log inside a value has fewer.
const MOST_IN_A_VALUE: u64 = 10_000;

/// Longer values are not taken to hold records, if no other value does.
const USUAL_VALUE: usize = 4 << 10;

/// Finds out what can be kept of the records of a part, which begin at `start`.
pub fn salvage(bytes: &[u8], start: usize, options: Options<'_>) -> Salvage {
    let mut search =
        Search { bytes, options, runs: Vec::new(), found: Vec::new(), values: ValuesWithRecords::new(bytes) };
    let mut next = Some(start);
    while let Some(at) = next {
        next = search.read_on(at);
    }
    let Search { runs, found, .. } = search;
    let records = runs.iter().map(|run| run.records).sum();
    let mended = found.iter().filter_map(|found| found.mended.as_ref()?.selected()).collect();
    let mut salvage = Salvage { gaps: found.into_iter().map(|found| found.gap).collect(), records };
    context::take_torn_transactions(bytes, &runs, &mut salvage);
    context::restore_databases(bytes, start, &mended, options.assumed_database, &mut salvage);
    salvage
}

/// The runs and gaps of a part so far.
struct Search<'a, 'p> {
    bytes: &'a [u8],
    options: Options<'p>,
    runs: Vec<Run>,
    found: Vec<Found>,
    values: ValuesWithRecords<'a>,
}

impl Search<'_, '_> {
    /// Reads the run that begins at a place, and finds out what is wrong after it; returns where the next one begins.
    fn read_on(&mut self, at: usize) -> Option<usize> {
        let scanned = self.scan(self.bytes, at);
        let run = Run::of(self.bytes, &scanned);
        if let Some(next) = self.end_of_value(&run, scanned.damage)
            && let Some(Found { gap, mended: None, .. }) = self.found.last_mut()
        {
            gap.edit.range.end = next as u64;
            return Some(next).filter(|next| *next < self.bytes.len());
        }
        let (start, end) = (run.start, run.end);
        let merged = merged_after(self.bytes, &run);
        let gap = match (merged, scanned.damage) {
            (Some(record), _) => Found::merged(record),
            (None, Some(damage)) => {
                let effort = if self.found.len() < EXPLAINED { Effort::Explain } else { Effort::Remove };
                Found::after(&self.values, self.bytes, (start, end), damage, effort)
            }
            (None, None) => {
                self.push(run);
                return None;
            }
        };
        let stays = usize::try_from(gap.gap.edit.range.start).unwrap_or(end);
        if stays < end && gap.mended.is_none() {
            // The last of what was read does not count.
            let kept = self.bytes.get(..stays).unwrap_or(self.bytes);
            self.push(Run::of(kept, &self.scan(kept, start)));
        } else {
            self.push(run);
        }
        let next = gap.next;
        self.found.push(gap);
        next
    }

    /// Where a value ends that a run of records after a gap lies in, if it does.
    ///
    /// Records in a value end with it: in the middle, with a line end after them, or with other text. Where the line
    /// with its length is lost, that is all that tells them from records between two damaged places.
    fn end_of_value(&self, run: &Run, damage: Option<Damage>) -> Option<usize> {
        let gap = usize::try_from(self.found.last()?.gap.edit.range.start).ok()?;
        damage.filter(|_| run.records <= MOST_IN_A_VALUE)?;
        let next = resync::next_record_among(self.bytes, run.end, &self.values).unwrap_or(self.bytes.len());
        let length = run.end - run.start;
        let declared = resync::declared_end(self.bytes, gap);
        let largest = self.values.largest();
        let is_inside = resync::length_before(self.bytes, run.start).is_some_and(|declared| length <= declared)
            || length <= largest.max(USUAL_VALUE) && resync::ends_value(self.bytes, run.end, next, ValueEnd::Line)
            || length <= largest
                && (declared.is_some_and(|end| run.start < end && run.end < end)
                    || resync::ends_value(self.bytes, run.end, next, ValueEnd::Any));
        is_inside.then_some(next)
    }

    fn scan(&self, bytes: &[u8], at: usize) -> Scan {
        scan::scan(bytes, at, self.options.server, self.options.scan)
    }

    /// Adds a run, or goes on with the one before if nothing is missing between them.
    fn push(&mut self, run: Run) {
        match (self.runs.last_mut(), self.found.last()) {
            (Some(before), Some(Found { mended: Some(mended), .. })) => {
                before.join(&mended.run(before.end));
                before.join(&run);
            }
            _ => self.runs.push(run),
        }
    }
}

impl Run {
    fn of(bytes: &[u8], scan: &Scan) -> Self {
        let index = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX);
        let lone_exec = context::first_lone_exec(bytes, scan);
        Self {
            start: index(scan.start),
            end: index(scan.end),
            records: scan.records,
            open: scan.open().map(|opening| index(opening.offset)),
            has_control: lone_exec.is_some() || scan.open().is_some() || scan.transactions.complete() > 0,
            has_exec: lone_exec.is_some() || scan.transactions.complete() > 0,
            lone_exec,
        }
    }

    /// Goes on with a run before which nothing is missing.
    fn join(&mut self, next: &Self) {
        if self.open.is_none() && !self.has_control {
            self.lone_exec.clone_from(&next.lone_exec);
        }
        // A MULTI in a transaction does nothing, and the next EXEC ends it.
        if self.open.is_none() || next.has_exec {
            self.open = next.open;
        }
        self.end = next.end;
        self.records += next.records;
        self.has_control |= next.has_control;
        self.has_exec |= next.has_exec;
    }
}

/// A record that is whole after an edit by which nothing is lost.
#[derive(Debug, Clone)]
struct Mended {
    /// Where it begins, and where the next one does.
    record: Range<usize>,
    name: Vec<u8>,
    /// The argument after the name.
    second: Vec<u8>,
}

impl Mended {
    /// The record as a run after one that ends at `end`.
    fn run(&self, end: usize) -> Run {
        // One that begins before that end was read already, without its last arguments.
        let control = Control::from_name(&self.name).filter(|_| self.record.start >= end);
        Run {
            start: self.record.start,
            end: self.record.end,
            records: u64::from(self.record.start >= end),
            open: (control == Some(Control::Multi)).then_some(self.record.start),
            lone_exec: (control == Some(Control::Exec)).then(|| self.record.clone()),
            has_control: control.is_some(),
            has_exec: control == Some(Control::Exec),
        }
    }

    /// The database that it selects, and where.
    fn selected(&self) -> Option<(usize, u32)> {
        let database = if self.name.eq_ignore_ascii_case(b"select") { database_number(&self.second) } else { None };
        Some((self.record.start, database?))
    }
}

/// So many gaps are explained, which may take a look at all that is before them.
const EXPLAINED: usize = 1000;

/// What is done about a gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Effort {
    /// Finds out what is wrong, and mends it if that is possible.
    Explain,
    /// Only removes it.
    Remove,
}

/// A gap between two runs.
#[derive(Debug, Clone)]
struct Found {
    gap: Gap,
    /// Set if nothing is lost.
    mended: Option<Mended>,
    /// Where the next run begins; `None` if nothing follows.
    next: Option<usize>,
}

impl Found {
    /// What is to be done with a record that has taken the beginning of another one for its own; the stretch is up to
    /// that one.
    fn merged(record: Range<usize>) -> Self {
        let next = Some(record.end);
        let cause = Cause::Merged { offset: record.start as u64 };
        Self { gap: Gap::removing(record, cause), mended: None, next }
    }

    /// What is to be done where a record at `at` cannot be read.
    fn after(
        values: &ValuesWithRecords<'_>,
        bytes: &[u8],
        (start, at): (usize, usize),
        damage: Damage,
        effort: Effort,
    ) -> Self {
        if effort == Effort::Remove {
            let next = resync::next_record_among(bytes, at, values);
            let gap = Gap::removing(at..next.unwrap_or(bytes.len()), Cause::Unreadable(damage));
            return Self { gap, mended: None, next };
        }
        if let Some(record) = merged_before(bytes, start, at) {
            return Self::merged(record);
        }
        if let Some(WrongByte { offset, found, right, mended }) = wrong_byte::find(bytes, start, at) {
            let cause = Cause::WrongByte { offset: offset as u64, found, right };
            let mut gap = Gap::removing(offset..offset + 1, cause);
            gap.edit.inserted.push(right);
            return Self { gap, next: Some(mended.record.end), mended: Some(mended) };
        }
        let Some(next) = resync::next_record_among(bytes, at, values) else {
            let rest = at..bytes.len();
            let gap = Gap::removing(rest.clone(), cause_of(bytes, rest, damage));
            return Self { gap, mended: None, next: None };
        };
        if let Some(Repeated { range, original, mended }) = repeated::find(bytes, at, next) {
            let cause = Cause::Repeated { range: range.start as u64..range.end as u64, original: original as u64 };
            let gap = Gap::removing(range, cause);
            return Self { gap, next: Some(mended.record.end), mended: Some(mended) };
        }
        Self { gap: Gap::removing(at..next, cause_of(bytes, at..next, damage)), mended: None, next: Some(next) }
    }
}

impl Gap {
    fn removing(range: Range<usize>, cause: Cause) -> Self {
        Self {
            edit: Edit::removing(range.start as u64..range.end as u64),
            causes: vec![cause],
            whole_records: 0,
            doubt: None,
        }
    }
}

/// Records before damage that are looked at.
const BEFORE: usize = 16;
/// A record shortly before `at` that has taken others for its own, up to the first of them: its own end is missing, and
/// by chance it ends where another argument does.
fn merged_before(bytes: &[u8], start: usize, at: usize) -> Option<Range<usize>> {
    let records = std::iter::successors(Some(at), |at| wrong_byte::record_before(bytes, start, *at)).skip(1);
    records.take(BEFORE).find_map(|record| Some(record..resync::record_inside(bytes, record)?))
}

/// The same of the records at the start of a run: damage often comes in more than one place.
fn merged_after(bytes: &[u8], run: &Run) -> Option<Range<usize>> {
    let end = run.end;
    let mut record = run.start;
    while record < end {
        if let Some(inside) = resync::record_inside(bytes, record) {
            return Some(record..inside);
        }
        record = resync::end_of(bytes, record)?;
    }
    None
}

/// The fewest zeros in a row that are no part of what is written.
const ZEROS: usize = 32;

/// What the bytes of a gap look like.
fn cause_of(bytes: &[u8], gap: Range<usize>, damage: Damage) -> Cause {
    let content = bytes.get(gap.clone()).unwrap_or_default();
    let offset = |index: usize| (gap.start + index) as u64;
    let zeros = longest_zeros(content);
    if zeros.end == content.len() && gap.end == bytes.len() && zeros.len() >= ZEROS.min(content.len()).max(1) {
        return Cause::ZeroTail(offset(zeros.start)..offset(zeros.end));
    }
    if zeros.len() >= ZEROS {
        return Cause::Zeros(offset(zeros.start)..offset(zeros.end));
    }
    if gap.end == bytes.len() && matches!(damage.kind, DamageKind::Truncated { .. }) {
        return Cause::Truncated(damage);
    }
    [4096, 512].into_iter().find_map(|size| blocks(bytes, &gap, damage, size)).unwrap_or(Cause::Unreadable(damage))
}

fn longest_zeros(content: &[u8]) -> Range<usize> {
    let mut longest = 0..0;
    let mut at = 0;
    while let Some(start) = memchr::memchr(0, content.get(at..).unwrap_or_default()).map(|index| at + index) {
        let rest = content.get(start..).unwrap_or_default();
        let length = rest.iter().position(|byte| *byte != 0).unwrap_or(rest.len());
        if length > longest.len() {
            longest = start..start + length;
        }
        at = start + length;
    }
    longest
}

/// A line that is wrong may begin so many bytes before the block that takes its end.
const LINE: usize = 16;

/// Whole blocks in a gap, if what cannot be read begins and ends with them.
fn blocks(bytes: &[u8], gap: &Range<usize>, damage: Damage, size: usize) -> Option<Cause> {
    let wrong = usize::try_from(damage.offset).ok()?;
    let first = gap.start.next_multiple_of(size);
    let last = gap.end / size * size;
    // The field that is wrong begins before the first block; the record that follows the last is of one that was torn.
    let is_text = |at: usize| bytes.get(at).is_some_and(|byte| byte.is_ascii_graphic() || b"\r\n ".contains(byte));
    (first < last && first <= wrong + LINE && wrong < last && !(first..last.min(first + 64)).all(is_text))
        .then_some(Cause::Blocks { range: first as u64..last as u64, size: size as u64 })
}
