//! What of a damaged RDB can be kept: a base, or the preamble of a log.
//!
//! A small error is found from the checksum, and mended. Otherwise the entries up to the damage are kept, and those
//! from the next place on where entries begin that can be relied on; the checksum is computed anew. An RDB has only one
//! checksum: where the bytes of a string have changed and its length has not, nothing tells in which entry.

mod burst;
mod chain;
mod exact;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::{BTreeSet, HashSet};
use std::io::{self, Write};
use std::ops::Range;

use foldhash::fast::FixedState;
use hashbrown::HashMap;
use xxhash_rust::xxh3::xxh3_128_with_seed;

use chain::{Before, File, Following, Next, Read, Search, Size, Sum, index, read};

use super::{Cause, Doubt, Gap, Key, ZEROS, longest_zeros};
use crate::aof::{self, resync};
use crate::rdb::{Crc64, Damage, DamageKind, DataType, Entry, Flaw, Item, Opcode, Scrutiny, TypeRow, Walker};
use crate::repair::edit::{Edit, write_edited};
use crate::server::ServerSet;

/// Keys that are named where they may be in another database.
const NAMED: usize = 10;
/// A longer entry before damage is not searched for others that it took for its own.
const SEARCHED: usize = 1 << 20;
/// So many places are tried where the RDB may end, to see whether the checksum tells a small error.
const ENDS: usize = 4;
/// So many entries with strange keys are looked at closely, which takes a walk over what follows each.
const CHECKS: usize = 16;
/// So many times the length of a file is read at most to find out where entries begin, and these bytes.
const EFFORT: usize = 16;
const LEAST_EFFORT: usize = 1 << 28;
/// A change that the checksum tells is looked for so many bytes around the place where it cannot be read on.
const NEAR: usize = 1 << 18;
/// The size of a checksum.
const CHECKSUM: usize = 8;

/// What is wrong with an RDB, and what has to change so that the rest of it can be loaded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct RdbSalvage {
    /// In order; none overlaps another.
    pub(super) gaps: Vec<Gap>,
    /// The checksum where it changes, after the end opcode if that is missing.
    pub(super) checksum: Option<Edit>,
    /// How many entries are kept.
    pub(super) entries: u64,
    /// Where the RDB ends, in the file as it is: records follow, or the file ends.
    pub(super) end: u64,
}

/// Finds out what can be kept of the RDB with which a file begins.
///
/// The result is an RDB of the same version. Its entries are byte for byte those of the file.
///
/// # Errors
/// The damage of the header, without which nothing else can be read, or what is not known of an RDB whose checksum is
/// right.
pub(super) fn salvage_rdb(bytes: &[u8]) -> Result<RdbSalvage, Box<Damage>> {
    let Some(header) = chain::header(bytes) else {
        return match Walker::new(bytes, 0).next() {
            Some(Err(damage)) => mended(bytes, Some(0), chain::ends(bytes, 0, true)).ok_or_else(|| Box::new(damage)),
            _ => Ok(RdbSalvage::default()),
        };
    };
    let mut reading = Reading::new(File { bytes, header, has_records: true });
    let mut stop = reading.run(Walker::new(bytes, 0));
    let salvage = match &stop {
        Stop::End { sum: Sum::Right | Sum::Absent, .. } => None,
        Stop::End { end, .. } => mended(bytes, None, Some(*end)),
        Stop::Damage { at, .. } => {
            let from = at.saturating_sub(NEAR);
            mended(bytes, Some(*at), chain::ends(bytes, from, reading.file.has_records))
        }
    };
    if let Some(salvage) = salvage {
        return Ok(salvage);
    }
    if let Stop::Damage { at, damage: Some(damage) } = &stop
        && damage.kind.is_unknown()
        && chain::ends(bytes, *at, reading.file.has_records).take(ENDS).any(|end| is_right(bytes, end))
    {
        return Err(Box::new(damage.clone()));
    }
    let is_sound = match stop {
        Stop::End { sum: Sum::Right, .. } => true,
        Stop::End { sum: Sum::Absent, .. } => reading.gaps.is_empty(),
        Stop::End { .. } | Stop::Damage { .. } => false,
    };
    if !is_sound {
        reading = Reading { checks: CHECKS, is_strict: true, ..Reading::new(reading.file) };
        stop = reading.run(Walker::new(bytes, 0));
    }
    loop {
        match stop {
            Stop::End { end, sum } => return Ok(reading.finish(end, sum)),
            Stop::Damage { at, damage } => match reading.skip(at, damage) {
                Some(walker) => stop = reading.run(walker),
                None => return Ok(reading.finish_without_end()),
            },
        }
    }
}

/// Whether the checksum of an RDB that ends at a place is right.
fn is_right(bytes: &[u8], end: usize) -> bool {
    let parts = end.checked_sub(CHECKSUM).and_then(|length| bytes.get(..end)?.split_at_checked(length));
    parts.is_some_and(|(content, stored)| Crc64::of(content).to_le_bytes() == stored)
}

/// The RDB with an error mended that its checksum tells, if it is sound then; `ends` are where it may end, and `at` is
/// where it cannot be read.
fn mended(bytes: &[u8], at: Option<usize>, ends: impl IntoIterator<Item = usize>) -> Option<RdbSalvage> {
    ends.into_iter().take(ENDS).find_map(|end| {
        let length = end.checked_sub(CHECKSUM)?;
        let stored = u64::from_le_bytes(*bytes.get(length..end)?.first_chunk()?);
        let content = bytes.get(..length).filter(|_| stored != 0)?;
        // Near that place, the other search finds these too.
        let syndrome = at.is_none().then(|| Crc64::of(content) ^ stored);
        let burst = syndrome.and_then(|syndrome| burst::locate(syndrome, length)).map(|burst| {
            let wrong = burst.offset as u64..burst.end() as u64;
            let mut inserted = content.get(burst.offset..burst.end()).unwrap_or_default().to_vec();
            burst.mend(&mut inserted, burst.offset);
            Edit { range: wrong, inserted }
        });
        let window = match at {
            Some(at) => at.saturating_sub(NEAR).min(length)..at.saturating_add(NEAR).min(length),
            None => 0..Some(length).filter(|length| *length <= NEAR * 2).unwrap_or_default(),
        };
        let edits = burst.into_iter().chain(exact::locate(content, stored, window));
        edits.into_iter().find_map(|edit| {
            let entries = sound_entries(bytes, &edit, end)?;
            let mut gaps = vec![Gap::new(edit.clone(), exact_causes(bytes, &edit))];
            gaps.extend(zero_tail(bytes, end));
            Some(RdbSalvage { gaps, checksum: None, entries, end: end as u64 })
        })
    })
}

/// What is wrong where an edit makes everything right.
fn exact_causes(bytes: &[u8], edit: &Edit) -> Vec<Cause> {
    let (start, end) = (index(edit.range.start), index(edit.range.end));
    let found = bytes.get(start..end).unwrap_or_default();
    if edit.inserted.is_empty() {
        let original = start.checked_sub(found.len()).filter(|at| bytes.get(*at..start) == Some(found)).or(Some(end));
        let original = original.filter(|at| bytes.get(*at..*at + found.len()) == Some(found));
        return vec![match original {
            Some(original) => Cause::Repeated { range: edit.range.clone(), original: original as u64 },
            None => Cause::Inserted(edit.range.clone()),
        }];
    }
    if found.is_empty() {
        return vec![Cause::Missing { offset: edit.range.start, bytes: edit.inserted.clone() }];
    }
    let pairs = (edit.range.start..).zip(found.iter().zip(&edit.inserted));
    let wrong = pairs.filter(|(_, (found, right))| found != right);
    wrong.map(|(offset, (found, right))| Cause::WrongByte { offset, found: *found, right: *right }).collect()
}

/// The number of entries of an RDB that ends at `end`, if it is sound after an edit.
fn sound_entries(bytes: &[u8], edit: &Edit, end: usize) -> Option<u64> {
    /// The bytes after the edit that are copied at first.
    const COPIED: usize = 1 << 16;
    let range = index(edit.range.start)..index(edit.range.end);
    // Up to the item that has the edit, nothing has changed.
    let (mut start, mut database, mut entries) = (0, 0, 0);
    let mut walker = Walker::new(bytes, 0).with_scrutiny(Scrutiny::Ends);
    while let Read::Item(item) = read(&mut walker) {
        let position = index(walker.position());
        if position > range.start {
            break;
        }
        start = position;
        count(&item, &mut database, &mut entries);
    }
    let mut header = chain::header(bytes);
    let mut size = COPIED;
    loop {
        let limit = range.end.saturating_add(size).min(bytes.len());
        let mut copy = bytes.get(start..range.start)?.to_vec();
        copy.extend_from_slice(&edit.inserted);
        let right = copy.len();
        copy.extend_from_slice(bytes.get(range.end..limit)?);
        // The offset in the file of a place after the edit.
        let offset = |place: usize| range.end + (place - right);
        if start == 0 {
            header = chain::header(&copy);
        }
        let file = File { bytes: &copy, header: header?, has_records: true };
        let mut walker = if start == 0 { Walker::new(&copy, 0) } else { file.walker(0, database) };
        let (mut database, mut entries) = (database, entries);
        let after = loop {
            let place = index(walker.position());
            if place >= right {
                break offset(place);
            }
            match read(&mut walker) {
                Read::Item(item) if item.flaws().is_empty() => count(&item, &mut database, &mut entries),
                Read::End { end, .. } if end >= right => break offset(end),
                Read::Damage(Damage { kind: DamageKind::Truncated { .. }, .. }) if limit < bytes.len() => break 0,
                _ => return None,
            }
        };
        if after == 0 {
            size = size.saturating_mul(4);
            continue;
        }
        if after == end {
            return Some(entries);
        }
        let mut walker = File { bytes, header: header?, has_records: true }.walker(after, database);
        loop {
            match read(&mut walker) {
                Read::Item(item) if item.flaws().is_empty() => count(&item, &mut database, &mut entries),
                Read::End { end: found, .. } if found == end => return Some(entries),
                _ => return None,
            }
        }
    }
}

fn count(item: &Item<'_>, database: &mut u64, entries: &mut u64) {
    match item {
        Item::SelectDatabase(number) => *database = *number,
        Item::Entry(_) => *entries += 1,
        _ => {}
    }
}

/// The zeros after the end of an RDB, if there is nothing else.
fn zero_tail(bytes: &[u8], end: usize) -> Option<Gap> {
    let rest = bytes.get(end..).filter(|rest| !rest.is_empty() && rest.iter().all(|byte| *byte == 0))?;
    let tail = end..end + rest.len();
    Some(Gap::removing(tail.clone(), Cause::ZeroTail(tail.start as u64..tail.end as u64)))
}

/// Where a run ends.
enum Stop {
    End {
        end: usize,
        sum: Sum,
    },
    /// The damage, unless it can be read, and still is no item.
    Damage {
        at: usize,
        damage: Option<Damage>,
    },
}

/// An entry that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Kept<'a> {
    range: Range<usize>,
    database: u64,
    key: Cow<'a, [u8]>,
    kind: &'static TypeRow,
    /// The length of the value.
    value: usize,
}

/// What was read so far.
struct Reading<'a> {
    file: File<'a>,
    /// What is known of the keys, and the database.
    before: Before,
    /// Where each key is kept, by a hash of it and its database.
    keys: HashMap<u128, usize, FixedState>,
    functions: HashSet<Cow<'a, [u8]>>,
    databases: BTreeSet<u64>,
    gaps: Vec<Gap>,
    entries: u64,
    /// The last entry of the run, if nothing else follows it.
    last: Option<Kept<'a>>,
    /// The gap after which the database is that before it, if it may have selected another.
    doubtful: Option<usize>,
    /// Whether the last item was an entry with damage inside.
    is_flawed: bool,
    /// The type of the last entry.
    row: Option<&'static TypeRow>,
    /// How many more entries may be looked at closely.
    checks: usize,
    /// How many bytes may still be read to find out where entries begin.
    budget: usize,
    /// Whether an entry with damage inside may end elsewhere.
    is_strict: bool,
    /// The entries from the last one on, that one included, once they were counted.
    following: Option<Following>,
}

impl<'a> Reading<'a> {
    fn new(file: File<'a>) -> Self {
        Self {
            file,
            before: Before::default(),
            keys: HashMap::default(),
            functions: HashSet::new(),
            databases: BTreeSet::new(),
            gaps: Vec::new(),
            entries: 0,
            last: None,
            doubtful: None,
            is_flawed: false,
            row: None,
            checks: 0,
            budget: file.bytes.len().saturating_mul(EFFORT).saturating_add(LEAST_EFFORT),
            is_strict: false,
            following: None,
        }
    }

    /// Reads to the end or to damage after which it is not known where an item begins.
    fn run(&mut self, mut walker: Walker<'a>) -> Stop {
        (self.last, self.is_flawed, self.row, self.following) = (None, false, None, None);
        loop {
            let at = index(walker.position());
            match read(&mut walker) {
                Read::Item(Item::Entry(entry)) if self.is_of_zeros(&entry) || self.is_remainder(&entry) => {
                    return Stop::Damage { at, damage: None };
                }
                Read::Item(item) if self.is_foreign(&item, index(walker.position())) => {
                    return Stop::Damage { at, damage: None };
                }
                Read::Item(item) => match item.flaws().iter().find(|flaw| is_serious(flaw)) {
                    // Where other damaged items end is not known, and neither where any does if the checksum is wrong.
                    Some(flaw) if self.is_strict || !matches!(item, Item::Entry(_)) => {
                        return Stop::Damage { at, damage: Some(flaw.damage.clone()) };
                    }
                    _ => self.add(item, at..index(Walker::position(&walker))),
                },
                Read::End { end, sum } if self.file.may_end(end) || sum == Sum::Right && self.gaps.is_empty() => {
                    return Stop::End { end, sum };
                }
                Read::End { .. } => return Stop::Damage { at, damage: None },
                Read::Damage(damage) => return Stop::Damage { at, damage: Some(damage) },
            }
        }
    }

    /// Whether no server that writes this version writes such an item, which ends at a place, and its readers refuse
    /// it.
    fn is_foreign(&self, item: &Item<'_>, end: usize) -> bool {
        let version = self.file.header.version;
        self.is_strict
            && match item {
                Item::Entry(entry) => entry.kind.rdb_version > version,
                Item::Function { .. } => version < 10,
                Item::SlotInfo { .. } => version < 12,
                // Its size follows.
                Item::SelectDatabase(number) => {
                    *number >= 16 && self.file.bytes.get(end) != Some(&Opcode::ResizeDatabase.number())
                }
                _ => false,
            }
    }

    /// Whether an entry without a key is made of zeros: strings are, of their type and the lengths of key and value.
    fn is_of_zeros(&self, entry: &Entry<'_>) -> bool {
        /// The most zeros in a row that an entry without a key and a value begins with, and the next one.
        const ZEROS: usize = 4;
        let zeros = self.file.bytes.get(index(entry.offset)..).unwrap_or_default();
        self.is_strict && entry.key.is_empty() && zeros.iter().take_while(|byte| **byte == 0).nth(ZEROS).is_some()
    }

    fn is_remainder(&mut self, entry: &Entry<'_>) -> bool {
        if let Some(following) = &mut self.following {
            following.entries = following.entries.saturating_sub(1);
        }
        if self.checks == 0 {
            return false;
        }
        let Some(remainder) = self.before.may_be_remainder(entry, self.row) else { return false };
        let following =
            *self.following.get_or_insert_with(|| self.file.entries_from(index(entry.offset), self.before.database));
        if !remainder.is_certain(&self.before, following) {
            return false;
        }
        self.checks -= 1;
        true
    }

    fn add(&mut self, item: Item<'a>, range: Range<usize>) {
        match item {
            Item::Entry(entry) => return self.add_entry(entry),
            Item::SelectDatabase(number) => {
                self.before.database = number;
                if let Some(doubt) = self.doubtful.take().and_then(|gap| self.gaps.get_mut(gap)?.doubt.as_mut()) {
                    doubt.until = range.start as u64;
                }
                (self.before.size, self.following) = (None, None);
                self.databases.insert(number);
            }
            Item::ResizeDatabase { keys, expires } => {
                (self.before.size, self.before.read) = (Some(Size { entries: keys, expiring: expires }), 0);
            }
            Item::Aux { key, value } if *key == *b"aof-base" && *value == *b"1" => self.file.has_records = false,
            Item::Function { code } if !self.functions.insert(code.clone()) => {
                let cause = Cause::Repeated { range: range.start as u64..range.end as u64, original: 0 };
                self.gaps.push(Gap::removing(range, cause));
            }
            _ => {}
        }
        (self.last, self.is_flawed) = (None, false);
    }

    fn add_entry(&mut self, entry: Entry<'a>) {
        let range = index(entry.offset)..index(entry.offset) + index(entry.length);
        let (database, key) = (self.before.database, entry.key.clone());
        let (kind, value) = (entry.kind, entry.value.len());
        self.row = Some(kind);
        self.before.note(&entry);
        (self.last, self.is_flawed) = (None, false);
        let cause = if let Some(flaw) = entry.flaws.into_iter().find(is_serious) {
            self.is_flawed = true;
            Cause::Entry(Box::new(flaw.damage))
        } else {
            // What is read first only tells what is wrong.
            let original = if self.is_strict { self.keys.insert(hash(database, &key), range.start) } else { None };
            match original {
                None => {
                    self.entries += 1;
                    self.count_doubtful(&key);
                    self.last = Some(Kept { range, database, key, kind, value });
                    return;
                }
                Some(original) => {
                    self.keys.insert(hash(database, &key), original);
                    Cause::Repeated { range: range.start as u64..range.end as u64, original: original as u64 }
                }
            }
        };
        let mut gap = Gap::removing(range, cause);
        gap.lost.push(Key { database, name: key.into_owned() });
        self.gaps.push(gap);
    }

    fn count_doubtful(&mut self, key: &[u8]) {
        if let Some(doubt) = self.doubtful.and_then(|gap| self.gaps.get_mut(gap)?.doubt.as_mut()) {
            doubt.records += 1;
            if doubt.keys.len() < NAMED {
                doubt.keys.push(key.to_vec());
            }
        }
    }

    /// Goes on after damage at a place; `None` if nothing follows.
    fn skip(&mut self, at: usize, damage: Option<Damage>) -> Option<Walker<'a>> {
        let bytes = self.file.bytes;
        let last = self.last.take();
        // The last item was damaged, and where it ends is not known then.
        let flawed = self.gaps.pop_if(|_| self.is_flawed);
        let start = flawed.as_ref().map_or(at, |gap| index(gap.edit.range.start));
        let is_reached = last
            .as_ref()
            .is_some_and(|last| is_overwritten_by_zeros(bytes, last, at) || self.before.is_fragment(last.range.len()));
        let from = match (&flawed, &last) {
            (Some(_), _) => start + 1,
            (None, Some(last)) if is_reached || last.range.len() <= SEARCHED => last.range.start + 1,
            _ => at,
        };
        let next =
            Search::new(self.file, &self.before, if is_reached { from } else { at }, &mut self.budget).next(from);
        let takes_last = last.as_ref().filter(|_| is_reached || next.is_some_and(|next| next.start < at));
        let start = takes_last.map_or(start, |last| last.range.start);
        let end = next.map_or_else(|| self.end_without(at), |next| next.start);
        let mut gap = Gap::removing(start..end, self.cause(start..end, at, damage.clone()));
        if let Some(flawed) = flawed {
            gap.lost.extend(flawed.lost);
            gap.causes.splice(0..0, flawed.causes);
        }
        if let Some(Kept { database, key, .. }) = takes_last {
            self.entries -= 1;
            self.keys.remove(&hash(*database, key));
            gap.lost.push(Key { database: *database, name: key.to_vec() });
        } else {
            gap.before = last.map(|last| Key { database: last.database, name: last.key.into_owned() });
        }
        let database = self.before.database;
        gap.lost.extend(damage.and_then(|damage| damage.key).map(|name| Key { database, name }));
        let Some(Next { start: position, database, is_selected }) = next else {
            self.gaps.push(gap);
            return None;
        };
        if is_selected {
            self.before.size = None;
            gap.edit.inserted = selection(database);
            self.databases.insert(database);
        }
        self.before.database = database;
        self.doubtful = (!is_selected).then_some(self.gaps.len());
        let database = u32::try_from(database).unwrap_or(u32::MAX);
        gap.doubt = (!is_selected).then_some(Doubt {
            database,
            databases: 0,
            until: bytes.len() as u64,
            records: 0,
            at_least: false,
            keys: Vec::new(),
        });
        self.gaps.push(gap);
        Some(self.file.walker(position, self.before.database))
    }

    /// What the bytes of a gap look like in which it cannot be read on from `at`.
    fn cause(&self, gap: Range<usize>, at: usize, damage: Option<Damage>) -> Cause {
        let bytes = self.file.bytes;
        let zeros = longest_zeros(bytes.get(gap.clone()).unwrap_or_default());
        let range = (gap.start + zeros.start) as u64..(gap.start + zeros.end) as u64;
        if zeros.len() >= ZEROS {
            return if range.end == bytes.len() as u64 { Cause::ZeroTail(range) } else { Cause::Zeros(range) };
        }
        damage.map_or(Cause::NoItem { offset: at as u64 }, |damage| Cause::Entry(Box::new(damage)))
    }

    /// Where records begin after an RDB whose end is damaged; the end of the file if there are none.
    fn end_without(&self, at: usize) -> usize {
        let bytes = self.file.bytes;
        let records = if self.file.has_records { resync::next_record(bytes, at) } else { None };
        let are_whole = |start: &usize| {
            let mut reader = aof::Reader::new(bytes, *start);
            std::iter::from_fn(|| reader.next_record().map(|record| record.is_ok())).all(|is_whole| is_whole)
        };
        // Those in a value are followed by what is none.
        records.filter(are_whole).unwrap_or(bytes.len())
    }

    /// The result where the end was found.
    fn finish(mut self, end: usize, sum: Sum) -> RdbSalvage {
        let bytes = self.file.bytes;
        let has_checksum = self.file.header.has_checksum();
        let content = if has_checksum { end - CHECKSUM } else { end };
        let stored =
            bytes.get(content..end).and_then(<[u8]>::first_chunk).map_or(0, |stored| u64::from_le_bytes(*stored));
        let mut checksum = None;
        // 0 says that there is none.
        if has_checksum && stored != 0 && !(sum == Sum::Right && self.gaps.is_empty()) {
            if self.gaps.is_empty() {
                self.gaps.push(Gap::removing(content..content, Cause::Checksum { offset: content as u64 }));
            }
            let inserted = self.checksum(content, &[]).to_le_bytes().to_vec();
            checksum = Some(Edit { range: content as u64..end as u64, inserted });
        }
        self.gaps.extend(zero_tail(bytes, end));
        self.result(checksum, end)
    }

    /// The result where the end is damaged.
    fn finish_without_end(self) -> RdbSalvage {
        let end = self.gaps.last().map_or(self.file.bytes.len(), |gap| index(gap.edit.range.end));
        let mut inserted = vec![Opcode::End.number()];
        if self.file.header.has_checksum() {
            let checksum = self.checksum(end, &inserted);
            inserted.extend(checksum.to_le_bytes());
        }
        self.result(Some(Edit { range: end as u64..end as u64, inserted }), end)
    }

    fn result(mut self, checksum: Option<Edit>, end: usize) -> RdbSalvage {
        let is_one = self.databases.len() <= 1;
        for gap in &mut self.gaps {
            gap.doubt.take_if(|doubt| is_one || doubt.records == 0);
            if let Some(doubt) = &mut gap.doubt {
                doubt.databases = self.databases.len();
            }
        }
        RdbSalvage { gaps: self.gaps, checksum, entries: self.entries, end: end as u64 }
    }

    /// The checksum of the bytes before a place with the changes so far, and of these.
    fn checksum(&self, end: usize, rest: &[u8]) -> u64 {
        let edits: Vec<Edit> = self.gaps.iter().map(|gap| gap.edit.clone()).collect();
        let mut sum = Summed(Crc64::default());
        // It never fails.
        let _ = write_edited(self.file.bytes.get(..end).unwrap_or_default(), &edits, &mut sum);
        sum.0.update(rest);
        sum.0.value()
    }
}

/// Computes the checksum of what is written.
struct Summed(Crc64);

impl Write for Summed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Whether a server or a checker stops at a flaw.
fn is_serious(flaw: &Flaw) -> bool {
    flaw.checkers != ServerSet::NONE || flaw.servers != ServerSet::NONE
}

/// Whether zeros from the place of damage on begin in the entry before it.
fn is_overwritten_by_zeros(bytes: &[u8], last: &Kept<'_>, at: usize) -> bool {
    let entry = bytes.get(last.range.clone()).unwrap_or_default();
    let before = entry.iter().rev().take_while(|byte| **byte == 0).count();
    let after = bytes.get(at..).unwrap_or_default().iter().take_while(|byte| **byte == 0).count();
    before > 0 && after > 0 && before + after >= ZEROS && !ends_in_zeros(entry, before, last)
}

/// Whether an entry ends in so many zeros even if it is whole: a number, a score of 0, or a stream without groups.
fn ends_in_zeros(entry: &[u8], zeros: usize, last: &Kept<'_>) -> bool {
    let is_number = |length: usize, encoding: u8| {
        zeros <= length && entry.len().checked_sub(length + 1).and_then(|at| entry.get(at)) == Some(&encoding)
    };
    match last.kind.data_type {
        DataType::String if last.value == 1 => zeros == 1,
        DataType::SortedSet => zeros == 8,
        DataType::Stream | DataType::Module => zeros <= 4,
        _ => is_number(1, 0xc0) || is_number(2, 0xc1) || is_number(4, 0xc2),
    }
}

/// What stands for a key.
fn hash(database: u64, key: &[u8]) -> u128 {
    xxh3_128_with_seed(key, database)
}

/// What selects a database.
fn selection(database: u64) -> Vec<u8> {
    let mut selection = vec![Opcode::SelectDatabase.number()];
    match u8::try_from(database) {
        Ok(short) if short < 64 => selection.push(short),
        _ => selection.extend([0x81].into_iter().chain(database.to_be_bytes())),
    }
    selection
}
