//! Where entries begin again after damage.
//!
//! An RDB has no marks between its entries, and many a byte can be read as a type. A place is therefore relied on only
//! if a chain of sound entries leads from it to the end of the RDB, or is long.

use std::collections::HashSet;
use std::ops::Range;

use crate::aof;
use crate::rdb::{Damage, DamageKind, Entry, HEADER_LENGTH, Header, Item, Opcode, Scrutiny, TypeRow, Walker, type_row};

/// The fewest entries of a chain that ends at other damage.
const CHAIN: usize = 16;
/// So many entries of a chain are fully verified; of the others only the ends are found, as they are verified later.
const VERIFIED: usize = 8;
/// So many of the first entries of a chain in a row are left out unless there is more to them than lengths: the end of
/// a torn list or hash, such as an empty string before two others, can be read as an entry. Keys that look like none
/// before the damage do not count.
const WEAK: usize = 2;
/// No more than these are left out: all keys may look different.
const MOST_WEAK: usize = 64;
/// The first version in which the size of a database follows its number.
const SIZES: u32 = 7;
/// A longer entry may begin at few places only, so that each place costs little.
const WINDOW: usize = 1 << 20;
/// How many of these places are looked at.
const LONG: usize = 64;
/// The end opcode and the checksum.
const END: usize = 9;

/// What was read.
pub(super) enum Read<'a> {
    Item(Item<'a>),
    /// The end, where it is, and whether the checksum is right or there is none.
    End {
        end: usize,
        is_verified: bool,
    },
    Damage(Damage),
}

/// Reads on; a wrong checksum ends an RDB too.
pub(super) fn read<'a>(walker: &mut Walker<'a>) -> Read<'a> {
    match walker.next() {
        Some(Ok(Item::End { .. })) | None => Read::End { end: index(Walker::position(walker)), is_verified: true },
        Some(Ok(item)) => Read::Item(item),
        Some(Err(Damage { kind: DamageKind::Checksum { .. }, offset, .. })) => {
            Read::End { end: index(offset) + 8, is_verified: false }
        }
        Some(Err(damage)) => Read::Damage(damage),
    }
}

pub(super) fn index(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}

/// The damaged file.
#[derive(Debug, Clone, Copy)]
pub(super) struct File<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) header: Header,
    /// Whether records may follow the RDB.
    pub(super) has_records: bool,
}

impl<'a> File<'a> {
    /// Whether an RDB may end at a place: the file ends, only zeros follow, or records.
    pub(super) fn may_end(&self, at: usize) -> bool {
        let rest = self.bytes.get(at..).unwrap_or_default();
        rest.is_empty() || self.has_records && is_record(self.bytes, at) || rest.iter().all(|byte| *byte == 0)
    }

    /// The number of entries from a place up to the end of the database, and whether it is reached.
    fn entries_from(&self, at: usize, database: u64) -> (u64, bool) {
        let mut walker = self.walker(at, database).with_scrutiny(Scrutiny::Ends);
        let mut entries = 0;
        loop {
            match read(&mut walker) {
                Read::Item(Item::Entry(_)) => entries += 1,
                Read::Item(Item::SelectDatabase(_)) => return (entries, true),
                Read::End { end, .. } => return (entries, self.may_end(end)),
                Read::Damage(_) => return (entries, false),
                Read::Item(_) => {}
            }
        }
    }

    /// Whether an entry of a damaged file is rather the rest of the one before it, whose length has changed: its key
    /// looks like none before it, and there are more entries than the database has.
    pub(super) fn is_remainder(&self, entry: &Entry<'_>, after: Option<&'static TypeRow>, before: &Before) -> bool {
        let shape = shape(&entry.key);
        // Text first, as in most binary keys of people, is no remainder of a value.
        let text = shape.iter().take_while(|byte| **byte != 0).count();
        let is_binary = text < shape.len().clamp(1, 3);
        // The fields of such a hash are triples that begin with a 0 if they do not expire: strings, as it were.
        let may_be_field = entry.kind.number == 0 && after.is_some_and(|row| row.has_field_expiry);
        if !(is_binary || may_be_field) || is_binary && is_strong(entry) || before.shapes.contains(&shape) {
            return false;
        }
        match (before.may_follow, self.entries_from(index(entry.offset), before.database)) {
            (Some(may_follow), (entries, true)) => entries > may_follow + 1,
            (_, (entries, is_end)) => is_binary || !is_end && entries < CHAIN as u64,
        }
    }

    /// A walk from a place where an item begins.
    pub(super) fn walker(&self, at: usize, database: u64) -> Walker<'a> {
        Walker::resumed(self.bytes, at, self.header, database)
    }
}

fn is_record(bytes: &[u8], at: usize) -> bool {
    matches!(aof::Reader::new(bytes, at).next_record(), Some(Ok(_)))
}

/// The places after `from` where an RDB may end, as far as its opcode and what follows tell.
pub(super) fn ends(bytes: &[u8], from: usize, has_records: bool) -> impl Iterator<Item = usize> {
    let text = if has_records { bytes.get(from..).unwrap_or_default() } else { &[] };
    let tails = memchr::memchr2_iter(b'*', b'#', text).map(move |at| from + at);
    let may_end = move |end: &usize| end.checked_sub(END).and_then(|at| bytes.get(at)) == Some(&Opcode::End.number());
    tails.filter(may_end).filter(|at| is_record(bytes, *at)).chain(Some(bytes.len()).filter(may_end))
}

/// Where a run begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Next {
    /// The first item that is kept.
    pub(super) start: usize,
    /// The database that is selected there.
    pub(super) database: u64,
    /// Whether it was selected by an item before it that is not kept.
    pub(super) is_selected: bool,
}

/// What is known of the entries before damage.
#[derive(Debug, Clone, Default)]
pub(super) struct Before {
    /// The database.
    pub(super) database: u64,
    /// How many entries may follow, if the number of the database's entries is known, at least one of which is damaged.
    pub(super) may_follow: Option<u64>,
    /// What keys look like.
    pub(super) shapes: HashSet<Vec<u8>>,
}

impl Before {
    /// Different shapes that are noted.
    const MOST: usize = 1000;

    /// Notes what a key looks like.
    pub(super) fn note(&mut self, key: &[u8]) {
        if self.shapes.len() < Self::MOST {
            self.shapes.insert(shape(key));
        }
    }
}

/// A key with one letter for any word and one digit for any number.
fn shape(key: &[u8]) -> Vec<u8> {
    let class = |byte: &u8| match byte {
        b'0'..=b'9' => b'0',
        b'a'..=b'z' | b'A'..=b'Z' | b'_' => b'a',
        0..=31 | 127.. => 0,
        other => *other,
    };
    let mut shape: Vec<u8> = key.iter().take(256).map(class).collect();
    shape.dedup();
    shape
}

/// A search for the next run after damage.
pub(super) struct Search<'a> {
    file: File<'a>,
    before: &'a Before,
    /// Where it cannot be read on.
    at: usize,
    /// Places from which no chain leads on.
    dead: HashSet<usize>,
}

/// What a place is.
enum Verdict {
    Begins,
    Nothing,
    /// An entry would be longer than was looked at.
    Long,
}

impl<'a> Search<'a> {
    pub(super) fn new(file: File<'a>, before: &'a Before, at: usize) -> Self {
        Self { file, before, at, dead: HashSet::new() }
    }

    /// The next run at or after `from`, which may be in the last entry before the damage: its length may be what is
    /// damaged, so that it took others for its own.
    pub(super) fn next(&mut self, from: usize) -> Option<Next> {
        let mut long = 0;
        for at in from..self.file.bytes.len() {
            if !self.may_begin(at) {
                continue;
            }
            let mut verdict = self.chain(at, at.saturating_add(WINDOW).min(self.file.bytes.len()));
            if matches!(verdict, Verdict::Long) && long < LONG {
                long += 1;
                verdict = self.chain(at, self.file.bytes.len());
            }
            if matches!(verdict, Verdict::Begins) {
                let next = self.without_weak(at);
                // What was read as one entry is, unless there are others inside that look like those before it.
                if next.start >= self.at || self.is_known(next.start) {
                    return Some(next);
                }
            }
        }
        None
    }

    /// Whether the entry at a place has a key that looks like one before the damage.
    fn is_known(&self, at: usize) -> bool {
        let item = self.file.walker(at, self.before.database).next();
        matches!(item, Some(Ok(Item::Entry(entry))) if self.before.shapes.contains(&shape(&entry.key)))
    }

    /// Whether what is at a place can be the first bytes of an item.
    fn may_begin(&self, at: usize) -> bool {
        let rest = self.file.bytes.get(at..).unwrap_or_default();
        let [number, first, ..] = rest else { return false };
        if type_row(self.file.header.family, *number).is_some() {
            return is_key(*first);
        }
        match Opcode::of(self.file.header, *number) {
            // Times up to the year 10889, which has 48 bits.
            Some(Opcode::ExpireMilliseconds) => rest.get(7..9) == Some(&[0, 0]),
            Some(Opcode::End) => rest.len() >= END && self.file.may_end(at + END),
            Some(Opcode::SelectDatabase) => *first < 0x80,
            Some(_) => true,
            None => false,
        }
    }

    /// Follows the chain from a place, whose first item ends before `limit`.
    fn chain(&mut self, at: usize, limit: usize) -> Verdict {
        let mut window = self.file;
        window.bytes = self.file.bytes.get(..limit).unwrap_or(self.file.bytes);
        let mut walker = window.walker(at, self.before.database);
        let (mut passed, mut entries, mut swallowed) = (vec![at], 0, 0);
        let mut before: Option<Vec<u8>> = None;
        // Servers since 3.2 write the number of a database and its size together.
        let mut is_size_due = false;
        loop {
            let next = read(&mut walker);
            if is_size_due && !matches!(next, Read::Item(Item::ResizeDatabase { .. })) {
                break;
            }
            is_size_due = self.file.header.version >= SIZES
                && entries < VERIFIED
                && matches!(next, Read::Item(Item::SelectDatabase(_)));
            match next {
                Read::Item(Item::Entry(entry)) => {
                    let is_same = before.as_deref() == Some(&*entry.key);
                    if !entry.flaws.is_empty() || entry.key.is_empty() && entries < VERIFIED || is_same {
                        break;
                    }
                    before = Some(entry.key.to_vec());
                    entries += 1;
                }
                Read::Item(item) if item.flaws().is_empty() => {}
                Read::End { end, .. } if self.file.may_end(end) => return Verdict::Begins,
                Read::Damage(damage) if entries < CHAIN => {
                    if limit < self.file.bytes.len() && matches!(damage.kind, DamageKind::Truncated { .. }) {
                        return Verdict::Long;
                    }
                    break;
                }
                Read::Damage(_) => return Verdict::Begins,
                Read::Item(_) | Read::End { .. } => break,
            }
            let position = index(walker.position());
            if position <= self.at {
                swallowed += 1;
            } else if at < self.at && swallowed < 2 {
                // One could be read over the damage by chance.
                return Verdict::Nothing;
            }
            if self.dead.contains(&position) {
                break;
            }
            passed.push(position);
            let scrutiny = if entries < VERIFIED { Scrutiny::Whole } else { Scrutiny::Ends };
            if entries <= VERIFIED {
                walker = self.file.walker(position, self.before.database).with_scrutiny(scrutiny);
            }
        }
        self.dead.extend(passed);
        Verdict::Nothing
    }

    /// The run from a place without its first entries as long as they may be the end of a torn one.
    fn without_weak(&self, at: usize) -> Next {
        let mut walker = self.file.walker(at, self.before.database);
        let mut next = Next { start: at, database: self.before.database, is_selected: false };
        let (mut row, mut dropped, mut selection) = (0, 0, None);
        let mut excess = self.excess(at);
        loop {
            next.start = index(walker.position());
            match read(&mut walker) {
                Read::Item(Item::Entry(entry)) => {
                    let shape = shape(&entry.key);
                    let is_known = self.before.shapes.contains(&shape);
                    if is_strong(&entry) && (is_known || !shape.contains(&0)) {
                        return next;
                    }
                    row = if is_known { row + 1 } else { 0 };
                    (dropped, selection) = (dropped + 1, None);
                    if excess == 0 && (row > WEAK || dropped > MOST_WEAK) {
                        return next;
                    }
                    excess = excess.saturating_sub(1);
                }
                Read::Item(Item::SelectDatabase(database)) => {
                    selection = Some(next);
                    (next.database, next.is_selected) = (database, true);
                    excess = 0;
                }
                // Servers since 3.2 write both together.
                Read::Item(Item::ResizeDatabase { keys, expires }) if expires <= keys => {
                    if let Some(selection) = selection {
                        return selection;
                    }
                }
                Read::Item(Item::Function { code }) if !code.starts_with(b"#!") => {}
                Read::Item(Item::Function { .. }) | Read::End { .. } | Read::Damage(_) => return next,
                Read::Item(_) => {}
            }
        }
    }

    /// How many entries too many follow from a place in the database: some of the first are none.
    fn excess(&self, at: usize) -> u64 {
        let Some(may_follow) = self.before.may_follow else { return 0 };
        let (entries, _) = self.file.entries_from(at, self.before.database);
        entries.saturating_sub(may_follow)
    }
}

/// Whether a byte can begin a key that is not empty.
fn is_key(byte: u8) -> bool {
    match byte >> 6 {
        0 => byte != 0,
        1 => true,
        2 => byte <= 0x81,
        _ => byte <= 0xc3,
    }
}

/// Whether there is more to an entry than lengths that fit: a packed or compressed value, which states its own size,
/// a stream, or a time.
fn is_strong(entry: &Entry<'_>) -> bool {
    const PACKED: usize = 16;
    const LISTS_AND_STREAMS: [u8; 6] = [14, 15, 18, 19, 21, 26];
    // In milliseconds: from 2001 to 2286.
    const TIMES: Range<i64> = 1_000_000_000_000..10_000_000_000_000;
    entry.expiry.is_some_and(|expiry| TIMES.contains(&expiry))
        || entry.value.len() >= PACKED
            && (entry.kind.packing.is_some()
                || LISTS_AND_STREAMS.contains(&entry.kind.number)
                || entry.kind.number == 0 && entry.value.first() == Some(&0xc3))
}

/// The header of an RDB, if it can be read.
pub(super) fn header(bytes: &[u8]) -> Option<Header> {
    Header::parse(*bytes.first_chunk::<HEADER_LENGTH>()?).filter(|header| header.is_known())
}
