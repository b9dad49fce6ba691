//! What of a damaged part can be kept: everything but the damaged records, and transactions that lost a part.
//!
//! The records are scanned up to the damage, then from the next place on where a record begins that can be relied on,
//! and so on. What is to go, and what little has to be put in its place, is data; nothing is changed here.

mod cause;
mod context;
mod names;
mod plan;
mod rdb;
mod repeated;
#[cfg(test)]
mod tests;
mod walk;
mod windows;
mod wrong_byte;

use std::borrow::Cow;
use std::num::NonZeroUsize;
use std::ops::Range;

use super::edit::Edit;
use crate::aof::resync::{self, ValueEnd, ValuesWithRecords};
use crate::aof::transaction::Control;
use crate::aof::{Damage, DamageKind, database_number};
use crate::check::scan::{self, Scan};
use crate::rdb::is_rdb;
use crate::server::Server;

use context::Databases;
pub use context::Doubt;
pub use plan::{LogSalvage, plan_salvage};
use repeated::Repeated;
use walk::{Inside, Walk};
use wrong_byte::WrongByte;

/// What is wrong with the records of a part, and what has to change so that all others can be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Salvage {
    /// In order; none touches another.
    pub gaps: Vec<Gap>,
    /// How many records are kept.
    pub records: u64,
    /// How many entries of the RDB are kept with which the part begins; 0 where that is not damaged.
    pub entries: u64,
    /// The checksum of that RDB where it changes, after the end opcode if that is missing.
    pub checksum: Option<Edit>,
}

impl Salvage {
    /// What changes.
    pub fn edits(&self) -> Vec<Edit> {
        let mut edits: Vec<Edit> = self.gaps.iter().map(|gap| &gap.edit).chain(&self.checksum).cloned().collect();
        edits.sort_by_key(|edit| (edit.range.start, edit.range.end));
        edits
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
    /// Records or entries after it that may have been for another database.
    pub doubt: Option<Doubt>,
    /// The keys of entries of an RDB that are lost, as far as they are known.
    pub lost: Vec<Key>,
    /// The key of the last entry before it, which is kept: if the damage begins in its value, nothing tells.
    pub before: Option<Key>,
}

/// A key of a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The database.
    pub database: u64,
    /// The name.
    pub name: Vec<u8>,
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
    /// The name of a command was overwritten, and which it was cannot be told.
    WrongName {
        /// Where its record begins.
        offset: u64,
        /// The name as it is.
        name: Vec<u8>,
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
    /// The same of an item of an RDB.
    Entry(Box<crate::rdb::Damage>),
    /// Bytes that can be read as an entry or the end of an RDB, and are none.
    NoItem {
        /// Where.
        offset: u64,
    },
    /// Bytes were put in; they go, and nothing is lost.
    Inserted(Range<u64>),
    /// A few bytes are missing; they are put back, and nothing is lost.
    Missing {
        /// Where.
        offset: u64,
        /// What they are.
        bytes: Vec<u8>,
    },
    /// The checksum of an RDB is not that of its bytes, all of which can be read.
    Checksum {
        /// Where.
        offset: u64,
    },
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

/// Finds out what can be kept of a part: of the RDB with which it begins, if it does, and of its records.
///
/// # Errors
/// The damage of the header of the RDB, or what is in it that is not known, though its checksum is right.
pub fn salvage_part(bytes: &[u8], options: Options<'_>) -> Result<Salvage, Box<crate::rdb::Damage>> {
    if !is_rdb(bytes) {
        return Ok(salvage(bytes, 0, options));
    }
    let rdb = rdb::salvage_rdb(bytes)?;
    let end = rdb.gaps.last().map_or(0, |gap| gap.edit.range.end).max(rdb.end);
    let records = match usize::try_from(end) {
        Ok(end) if end < bytes.len() => salvage(bytes, end, options),
        _ => Salvage::default(),
    };
    let gaps = rdb.gaps.into_iter().chain(records.gaps).collect();
    Ok(Salvage { gaps, records: records.records, entries: rdb.entries, checksum: rdb.checksum })
}

/// Finds out what can be kept of the records of a part, which begin at `start`.
pub fn salvage(bytes: &[u8], start: usize, options: Options<'_>) -> Salvage {
    salvage_scanned(bytes, &scan::scan(bytes, start, options.server, options.scan), options)
}

/// Where a record with a damaged name is gone, others may be read than before, and have damaged names as well.
const ROUNDS_FOR_NAMES: usize = 4;

/// The same, of records that were scanned.
fn salvage_scanned(bytes: &[u8], scanned: &Scan, options: Options<'_>) -> Salvage {
    let (mut salvage, mut with_names) = salvage_records(bytes, scanned, options);
    let start = usize::try_from(scanned.start).unwrap_or(bytes.len());
    let mut repaired = Cow::Borrowed(bytes);
    let mut wrong: Vec<names::WrongName> = Vec::new();
    for _ in 0..ROUNDS_FOR_NAMES {
        let found = with_names.into_iter().flat_map(|run| names::find(&repaired, run, options.server));
        let more: Vec<names::WrongName> = found.filter(|found| !wrong.contains(found)).collect();
        if more.is_empty() {
            break;
        }
        // A name may be that of a command on which the records after it depend.
        repaired = Cow::Owned(names::repaired(&repaired, &more));
        wrong.extend(more);
        let options = Options { scan: scan::Options { copy: None, ..options.scan }, ..options };
        let scanned = scan::scan(&repaired, start, options.server, options.scan);
        (salvage, with_names) = salvage_records(&repaired, &scanned, options);
    }
    names::add(wrong, bytes, &mut salvage.gaps);
    salvage
}

/// What can be kept of records, whatever the names of their commands; and the runs with names that no server knows.
fn salvage_records(bytes: &[u8], scanned: &Scan, options: Options<'_>) -> (Salvage, Vec<Range<usize>>) {
    if scanned.damage.is_none() && scanned.open().is_none() {
        let index = |offset: u64| usize::try_from(offset).unwrap_or(bytes.len());
        let run = index(scanned.start)..index(scanned.end);
        let with_names = names::are_in(scanned).then_some(run).into_iter().collect();
        return (Salvage { records: scanned.records, ..Salvage::default() }, with_names);
    }
    let start = usize::try_from(scanned.start).unwrap_or(bytes.len());
    let mut search = Search {
        bytes,
        options,
        runs: Vec::new(),
        found: Vec::new(),
        values: ValuesWithRecords::new(bytes),
        selects: Vec::new(),
        with_names: Vec::new(),
        merged: 0,
    };
    let mut next = search.read_on(scanned);
    while let Some(at) = next {
        let scanned = search.scan(bytes, at);
        next = search.read_on(&scanned);
    }
    let Search { runs, found, selects, with_names, .. } = search;
    let records = runs.iter().map(|run| run.records).sum();
    let mended = found.iter().filter_map(|found| found.mended.as_ref()?.selected()).collect();
    let gaps = found.into_iter().map(|found| found.gap).collect();
    let mut salvage = Salvage { gaps, records, ..Salvage::default() };
    context::take_torn_transactions(bytes, &runs, &mut salvage);
    let databases = Databases { selects: &selects, mended: &mended, assumed: options.assumed_database };
    context::restore_databases(bytes, start, &runs, databases, &mut salvage);
    (salvage, with_names)
}

/// The runs and gaps of a part so far.
struct Search<'a, 'p> {
    bytes: &'a [u8],
    options: Options<'p>,
    runs: Vec<Run>,
    found: Vec<Found>,
    values: ValuesWithRecords<'a>,
    /// Where databases are selected, and which.
    selects: Vec<(usize, u32)>,
    /// Runs with commands that no server knows.
    with_names: Vec<Range<usize>>,
    /// How many records had taken others for their own.
    merged: usize,
}

impl Search<'_, '_> {
    /// Reads a run that was scanned, and finds out what is wrong after it; returns where the next one begins.
    fn read_on(&mut self, scanned: &Scan) -> Option<usize> {
        let run = Run::of(self.bytes, scanned);
        if let Some(next) = self.end_of_value(&run, scanned.damage)
            && let Some(Found { gap, mended: None, .. }) = self.found.last_mut()
        {
            gap.edit.range.end = next as u64;
            return Some(next).filter(|next| *next < self.bytes.len());
        }
        let (start, end) = (run.start, run.end);
        if names::are_in(scanned) {
            self.with_names.push(start..end);
        }
        let inside = if self.merged < MERGED { Inside::Search } else { Inside::Ignore };
        let Walk { merged, mut selects, .. } = walk::read(self.bytes, start..end, inside, self.options.scan);
        self.selects.append(&mut selects);
        let gap = match (merged, scanned.damage) {
            (Some(record), _) => {
                self.merged += 1;
                Found::merged(record)
            }
            (None, Some(damage)) => {
                let effort = self.effort();
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
        let is_largest = |least: usize| length <= least || length <= self.values.largest();
        let ends = |end| resync::ends_value(self.bytes, run.end, next, end);
        let ends_before = || resync::declared_end(self.bytes, gap).is_some_and(|end| run.start < end && run.end < end);
        let is_inside = resync::length_before(self.bytes, run.start).is_some_and(|declared| length <= declared)
            || ends(ValueEnd::Line) && is_largest(USUAL_VALUE)
            || (ends(ValueEnd::Any) || ends_before()) && is_largest(0);
        is_inside.then_some(next)
    }

    /// What is done about the next gap.
    const fn effort(&self) -> Effort {
        match self.found.len() {
            ..CLOSELY_EXPLAINED => Effort::Explain { reach: repeated::REACH },
            CLOSELY_EXPLAINED..EXPLAINED => Effort::Explain { reach: repeated::SHORT_REACH },
            _ => Effort::Remove,
        }
    }

    /// Scans the records from a place on.
    ///
    /// After a gap, the next one is often near, and threads that read on after it would do so for nothing.
    fn scan(&self, bytes: &[u8], at: usize) -> Scan {
        let Options { server, scan: options, .. } = self.options;
        for distance in NEAR {
            let limit = at.saturating_add(distance);
            let Some(near) = bytes.get(..limit).filter(|_| !self.found.is_empty()) else { break };
            let copy = options.copy.filter(|_| distance > scan::WINDOW.get()).map(|copy| {
                move |from: usize, buffer: &mut [u8]| {
                    let length = buffer.len().min(limit.saturating_sub(from));
                    copy(from, buffer.get_mut(..length).unwrap_or_default())
                }
            });
            let copy = copy.as_ref().map(|copy| copy as &scan::CopyBytes<'_>);
            let scanned = scan::scan(near, at, server, scan::Options { threads: NonZeroUsize::MIN, copy, ..options });
            if scanned.damage.is_some_and(|damage| !matches!(damage.kind, DamageKind::Truncated { .. })) {
                return scanned;
            }
        }
        scan::scan(bytes, at, server, options)
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

/// So many bytes after a gap are read by one thread before all read on: first in place, then from copies.
const NEAR: [usize; 2] = [16 << 10, 1 << 20];

/// So many records are looked for that have taken others for their own, each time in all that is read.
const MERGED: usize = 64;

/// Of so many gaps, bytes that are there twice are searched far back.
const CLOSELY_EXPLAINED: usize = 16;

/// So many gaps are explained, which may take a look at all that is before them.
const EXPLAINED: usize = 1000;

/// What is done about a gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Effort {
    /// Finds out what is wrong, and mends it if that is possible; bytes that are there twice are searched so far back.
    Explain { reach: usize },
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
        let Effort::Explain { reach } = effort else {
            let next = resync::next_record_among(bytes, at, values);
            let gap = Gap::removing(at..next.unwrap_or(bytes.len()), Cause::Unreadable(damage));
            return Self { gap, mended: None, next };
        };
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
        if let Some(Repeated { range, original, mended }) = repeated::find(bytes, at, next, reach) {
            let cause = Cause::Repeated { range: range.start as u64..range.end as u64, original: original as u64 };
            let gap = Gap::removing(range, cause);
            return Self { gap, next: Some(mended.record.end), mended: Some(mended) };
        }
        Self { gap: Gap::removing(at..next, cause_of(bytes, at..next, damage)), mended: None, next: Some(next) }
    }
}

impl Gap {
    fn removing(range: Range<usize>, cause: Cause) -> Self {
        Self::new(Edit::removing(range.start as u64..range.end as u64), vec![cause])
    }

    fn new(edit: Edit, causes: Vec<Cause>) -> Self {
        Self { edit, causes, whole_records: 0, doubt: None, lost: Vec::new(), before: None }
    }
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
