//! Where entries begin again after damage.
//!
//! An RDB has no marks between its entries, and many a byte can be read as a type. A place is therefore relied on only
//! if a chain of sound entries leads from it to the end of the RDB, or is long.

use std::collections::HashSet;
use std::ops::Range;

use crate::aof;
use crate::rdb::{
    Checksum, Damage, DamageKind, Entry, HEADER_LENGTH, Header, Item, Opcode, Scrutiny, TypeRow, Walker, type_row,
};
use crate::value::Family;

/// The fewest entries of a chain that ends at other damage.
const CHAIN: usize = 16;
/// So many entries of a chain are fully verified; of the others only the ends are found, as they are verified later.
const VERIFIED: usize = 8;
/// So many of the first entries of a chain in a row are left out unless there is more to them than lengths: the end of
/// a torn list or hash, such as an empty string before two others, can be read as an entry. Keys that look like none
/// before the damage do not count.
const WEAK: usize = 2;
/// The same where hashes have expiries of fields: a field that does not expire can be read as a string.
const MOST_FIELDS: usize = 16;
/// So many items from a place on are looked at for others that begin inside them.
const OVERLAPPED: usize = 4;
/// So many entries with keys that look like others are not there by chance.
const CONVINCING: usize = 3;
/// So many items on, these must have met.
const MET: usize = 64;
/// A key with control characters that is longer is probably none.
const LONG_KEY: usize = 1024;
/// So many entries show what keys look like.
const MANY: u64 = 4;
/// A key that is probably none is shorter, in bytes.
const FRAGMENT: usize = 3;
/// The same of an entry.
const SHORT: usize = 16;
/// So many entries after it, the size of a database was right.
const TRUSTED: u64 = 8;
/// No more than these are left out: all keys may look different.
const MOST_WEAK: usize = 64;
/// The first version in which the size of a database follows its number.
const SIZES: u32 = 7;
/// So many places of a chain are noted.
const NOTED: usize = 1 << 12;
/// A longer entry may begin at few places only, so that each place costs little.
const WINDOW: usize = 1 << 16;
/// So many bytes of a record are looked at.
const RECORD: usize = 1 << 12;
/// So many places are tried where records may follow an RDB.
const TAILS: usize = 1000;
/// How many of these places are looked at.
const LONG: usize = 64;
/// The end opcode and the checksum.
const END: usize = 9;

/// What was read.
pub(super) enum Read<'a> {
    Item(Item<'a>),
    /// The end, and where it is.
    End {
        end: usize,
        sum: Sum,
    },
    Damage(Damage),
}

/// What a checksum tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sum {
    /// It is right.
    Right,
    /// It is wrong.
    Wrong,
    /// There is none.
    Absent,
}

/// Reads on; a wrong checksum ends an RDB too.
pub(super) fn read<'a>(walker: &mut Walker<'a>) -> Read<'a> {
    match walker.next() {
        Some(Ok(Item::End { checksum: Checksum::Verified(_) })) => {
            Read::End { end: index(Walker::position(walker)), sum: Sum::Right }
        }
        Some(Ok(Item::End { .. })) | None => Read::End { end: index(Walker::position(walker)), sum: Sum::Absent },
        Some(Ok(item)) => Read::Item(item),
        Some(Err(Damage { kind: DamageKind::Checksum { .. }, offset, .. })) => {
            Read::End { end: index(offset) + 8, sum: Sum::Wrong }
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

    /// The entries from a place up to the end of the database, or to damage.
    pub(super) fn entries_from(&self, at: usize, database: u64) -> Following {
        let mut walker = self.walker(at, database).with_scrutiny(Scrutiny::Ends);
        let mut following = Following::default();
        loop {
            match read(&mut walker) {
                Read::Item(Item::Entry(entry)) => {
                    following.entries += 1;
                    following.expiring += u64::from(entry.expiry.is_some());
                    following.has_field_expiry |= has_triples(entry.kind);
                }
                Read::Item(Item::SelectDatabase(_)) => return Following { is_complete: true, ..following },
                Read::End { end, .. } => return Following { is_complete: self.may_end(end), ..following },
                Read::Damage(_) => return following,
                Read::Item(_) => {}
            }
        }
    }

    /// A walk from a place where an item begins.
    pub(super) fn walker(&self, at: usize, database: u64) -> Walker<'a> {
        Walker::resumed(self.bytes, at, self.header, database)
    }
}

/// Whether a record begins at a place, which is whole or longer than is looked at.
fn is_record(bytes: &[u8], at: usize) -> bool {
    let window = bytes.get(..at.saturating_add(RECORD)).unwrap_or(bytes);
    match aof::Reader::new(window, at).next_record() {
        Some(Ok(_)) => true,
        Some(Err(damage)) => window.len() < bytes.len() && matches!(damage.kind, aof::DamageKind::Truncated { .. }),
        None => false,
    }
}

/// The places after `from` where an RDB may end, as far as its opcode and what follows tell.
pub(super) fn ends(bytes: &[u8], from: usize, has_records: bool) -> impl Iterator<Item = usize> {
    let text = if has_records { bytes.get(from..).unwrap_or_default() } else { &[] };
    let tails = memchr::memchr2_iter(b'*', b'#', text).map(move |at| from + at);
    let may_end = move |end: &usize| end.checked_sub(END).and_then(|at| bytes.get(at)) == Some(&Opcode::End.number());
    tails.filter(may_end).take(TAILS).filter(|at| is_record(bytes, *at)).chain(Some(bytes.len()).filter(may_end))
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

/// The entries from a place on.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Following {
    pub(super) entries: u64,
    /// Those that expire.
    pub(super) expiring: u64,
    /// Whether there are hashes with expiries of fields.
    pub(super) has_field_expiry: bool,
    /// Whether these are all up to the end of the database.
    pub(super) is_complete: bool,
}

/// How many entries the database has after a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) entries: u64,
    /// Those that expire.
    pub(super) expiring: u64,
}

/// What is known of the entries before damage.
#[derive(Debug, Clone, Default)]
pub(super) struct Before {
    /// The database.
    pub(super) database: u64,
    /// How many entries of it are still to come, the damaged ones among them, if that is known.
    pub(super) size: Option<Size>,
    /// How many were read since its size.
    pub(super) read: u64,
    /// Whether the last entry had an idle time, and an access frequency: all have them, or none.
    pub(super) eviction: Option<(bool, bool)>,
    /// The types of the entries so far, a bit each.
    pub(super) types: u64,
    /// How many entries there were.
    noted: u64,
    /// Whether there was a hash with expiries of fields.
    pub(super) has_field_expiry: bool,
    /// The length of the shortest key.
    pub(super) shortest: Option<usize>,
    /// Whether the key of the last one is shorter than all before it, and looks different.
    is_odd: bool,
    /// What keys look like.
    pub(super) shapes: HashSet<Vec<u8>>,
}

impl Before {
    /// So many entries are noted, and then some.
    const ALL: u64 = 10_000;
    const SOME: u64 = 64;
    /// Different shapes that are noted.
    const MOST: usize = 1000;

    /// Notes what an entry looks like.
    pub(super) fn note(&mut self, entry: &Entry<'_>) {
        self.is_odd = self.read > MANY
            && self.shortest.is_some_and(|shortest| entry.key.len() < shortest.min(FRAGMENT))
            && !self.shapes.contains(&shape(&entry.key));
        if (self.noted < Self::ALL || self.noted.is_multiple_of(Self::SOME)) && self.shapes.len() < Self::MOST {
            self.shapes.insert(shape(&entry.key));
        }
        self.noted += 1;
        self.types |= bit(entry.kind.number);
        self.has_field_expiry |= has_triples(entry.kind);
        self.shortest = Some(self.shortest.map_or(entry.key.len(), |shortest| shortest.min(entry.key.len())));
        self.eviction = Some((entry.idle.is_some(), entry.frequency.is_some()));
        self.read += 1;
        if let Some(Size { entries, expiring }) = &mut self.size {
            *entries = entries.saturating_sub(1);
            *expiring = expiring.saturating_sub(u64::from(entry.expiry.is_some()));
        }
    }

    /// How many entries may follow after damage, by which at least one is lost. The size of a database is damaged
    /// itself where entries have to be left out right after it.
    pub(super) fn may_follow(&self) -> Option<u64> {
        self.size.filter(|_| self.read >= TRUSTED)?.entries.checked_sub(1)
    }

    /// Whether an entry has a key like one before it, or of printable characters.
    fn is_plausible(&self, entry: &Entry<'_>) -> bool {
        let shape = shape(&entry.key);
        !shape.contains(&0) || self.shapes.contains(&shape)
    }

    /// Whether the last entry, which damage follows, is rather a part of what is damaged: it is short, and so is its
    /// key, unlike any other.
    pub(super) fn is_fragment(&self, length: usize) -> bool {
        self.is_odd && length < SHORT
    }

    /// Whether an entry may be rather the rest of one of type `after`, whose length has changed: its key looks like
    /// none before it.
    pub(super) fn may_be_remainder(&self, entry: &Entry<'_>, after: Option<&'static TypeRow>) -> Option<Remainder> {
        // The fields of such a hash are triples that begin with a 0 if they do not expire: strings, as it were.
        let may_be_field = entry.kind.number == 0 && after.is_some_and(has_triples);
        if !may_be_field && entry.key.iter().all(|byte| (b' '..0x7f).contains(byte)) {
            return None;
        }
        let shape = shape(&entry.key);
        // Text first, as in most binary keys of people, is no remainder of a value.
        let text = shape.iter().take_while(|byte| **byte != 0).count();
        let is_binary = text < shape.len().clamp(1, 3) || text < shape.len() && entry.key.len() > LONG_KEY;
        if self.shapes.contains(&shape) {
            return None;
        }
        match (is_binary, may_be_field) {
            (true, _) if !is_strong(entry) => Some(Remainder::Binary),
            (false, true) => Some(Remainder::Field),
            _ => None,
        }
    }
}

/// The bit of a type, of which all numbers are small.
fn bit(number: u8) -> u64 {
    1_u64.wrapping_shl(u32::from(number))
}

/// Whether values of a type end in triples of a length, a field and a value.
fn has_triples(row: &TypeRow) -> bool {
    row.has_field_expiry && row.packing.is_none() && row.family != Some(Family::Valkey)
}

/// What an entry may be the rest of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Remainder {
    /// A value of any kind.
    Binary,
    /// A hash with expiries of fields.
    Field,
}

impl Remainder {
    /// Whether it is one: there are more entries than the database has.
    pub(super) fn is_certain(self, before: &Before, following: Following) -> bool {
        match before.may_follow() {
            Some(may_follow) if following.is_complete => following.entries > may_follow + 1,
            _ => self == Self::Binary || !following.is_complete && following.entries < CHAIN as u64,
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
pub(super) struct Search<'a, 's> {
    file: File<'a>,
    before: &'s Before,
    /// How many bytes may still be read, so that hostile bytes cost no more than so many times their length.
    budget: &'s mut usize,
    /// Where it cannot be read on.
    at: usize,
    /// Places from which no chain leads on.
    dead: HashSet<usize>,
    /// Places from which one does.
    alive: HashSet<usize>,
}

/// Where chains have met.
enum Met {
    At(usize),
    /// The chain from this place inside the other's first entries is the right one.
    Inside(usize),
}

/// How a chain meets another one.
#[derive(Debug, Clone, Copy)]
struct Meeting {
    /// The item of the other one.
    place: usize,
    /// Whether it has several entries with keys like those before the damage for each one of the other.
    is_convincing: bool,
}

/// The first item of a chain.
struct First {
    /// Whether its key is, if it has one.
    is_plausible: bool,
    end: usize,
}

/// What a place is.
enum Verdict {
    Begins,
    Nothing,
    /// An entry would be longer than was looked at.
    Long,
}

impl<'a, 's> Search<'a, 's> {
    pub(super) fn new(file: File<'a>, before: &'s Before, at: usize, budget: &'s mut usize) -> Self {
        Self { file, before, budget, at, dead: HashSet::new(), alive: HashSet::new() }
    }

    /// Counts bytes that were read.
    fn spend(&mut self, bytes: usize) {
        *self.budget = self.budget.saturating_sub(bytes);
    }

    /// The next run at or after `from`, which may be in the last entry before the damage: its length may be what is
    /// damaged, so that it took others for its own.
    pub(super) fn next(&mut self, from: usize) -> Option<Next> {
        let mut long = 0;
        // A place with an implausible key counts only if there is none with a plausible one inside its entry.
        let mut doubtful: Option<(Next, usize)> = None;
        for at in from..self.file.bytes.len() {
            if let Some((next, end)) = doubtful
                && at >= end
            {
                return Some(next);
            }
            if !self.may_begin(at) {
                continue;
            }
            if *self.budget == 0 {
                break;
            }
            let mut verdict = self.chain(at, at.saturating_add(WINDOW).min(self.file.bytes.len()));
            if matches!(verdict, Verdict::Long) && long < LONG {
                long += 1;
                verdict = self.chain(at, self.file.bytes.len());
            }
            let first = self.first_of(at);
            if !matches!(verdict, Verdict::Begins) || doubtful.is_some() && !first.is_plausible {
                continue;
            }
            let next = self.without_doubtful(at);
            // What was read as one entry is, unless there are others inside that look like those before it.
            if next.start >= self.at || self.is_known(next.start) {
                if first.is_plausible {
                    return Some(next);
                }
                doubtful = Some((next, first.end));
            }
        }
        doubtful.map(|(next, _)| next)
    }

    /// The item at a place.
    fn first_of(&self, at: usize) -> First {
        let mut walker = self.file.walker(at, self.before.database).with_scrutiny(Scrutiny::Ends);
        let item = walker.next();
        let is_plausible = match &item {
            Some(Ok(Item::Entry(entry))) => self.before.is_plausible(entry),
            _ => true,
        };
        First { is_plausible, end: index(Walker::position(&walker)) }
    }

    /// Whether the entry at a place has a key that looks like one before the damage.
    fn is_known(&self, at: usize) -> bool {
        let item = self.file.walker(at, self.before.database).next();
        matches!(item, Some(Ok(Item::Entry(entry))) if self.before.shapes.contains(&shape(&entry.key)))
    }

    /// Whether what is at a place can be the first bytes of an item.
    fn may_begin(&mut self, at: usize) -> bool {
        let rest = self.file.bytes.get(at..).unwrap_or_default();
        let [number, first, ..] = rest else { return false };
        if type_row(self.file.header.family, *number).is_some() {
            return is_key(*first) && (is_written(self.file.header, *number) || self.before.types & bit(*number) != 0);
        }
        match Opcode::of(self.file.header, *number) {
            // Times up to the year 10889, which has 48 bits.
            Some(Opcode::ExpireMilliseconds) => rest.get(7..9) == Some(&[0, 0]),
            Some(Opcode::End) => {
                *self.budget = self.budget.saturating_sub(if rest.get(END) == Some(&b'*') { RECORD } else { 0 });
                rest.len() >= END && self.file.may_end(at + END)
            }
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
        let mut position = at;
        loop {
            let next = read(&mut walker);
            if entries <= VERIFIED {
                self.spend(index(walker.position()).saturating_sub(position).max(1));
            }
            if is_size_due && !matches!(next, Read::Item(Item::ResizeDatabase { .. })) {
                break;
            }
            is_size_due = self.file.header.version >= SIZES
                && entries < VERIFIED
                && matches!(next, Read::Item(Item::SelectDatabase(_)));
            match next {
                Read::Item(Item::Entry(entry)) => {
                    let is_same = before.as_deref() == Some(&*entry.key);
                    before = (entries < VERIFIED).then(|| entry.key.to_vec());
                    if !entry.flaws.is_empty() || entry.key.is_empty() && entries < VERIFIED || is_same {
                        break;
                    }
                    entries += 1;
                }
                Read::Item(item) if item.flaws().is_empty() => {}
                Read::End { end, .. } if self.file.may_end(end) => {
                    self.alive.extend(passed);
                    return Verdict::Begins;
                }
                Read::Damage(damage) if entries < CHAIN => {
                    if limit < self.file.bytes.len() && matches!(damage.kind, DamageKind::Truncated { .. }) {
                        return Verdict::Long;
                    }
                    break;
                }
                Read::Damage(_) => {
                    self.alive.extend(passed);
                    return Verdict::Begins;
                }
                Read::Item(_) | Read::End { .. } => break,
            }
            position = index(walker.position());
            if position <= self.at {
                swallowed += 1;
            } else if at < self.at && swallowed < 2 {
                // One could be read over the damage by chance.
                return Verdict::Nothing;
            }
            if self.dead.contains(&position) {
                break;
            }
            if self.alive.contains(&position) {
                self.alive.extend(passed);
                return Verdict::Begins;
            }
            if passed.len() < NOTED {
                passed.push(position);
            }
            let scrutiny = if entries < VERIFIED { Scrutiny::Whole } else { Scrutiny::Ends };
            if entries <= VERIFIED {
                walker = self.file.walker(position, self.before.database).with_scrutiny(scrutiny);
            }
        }
        self.dead.extend(passed);
        Verdict::Nothing
    }

    /// The first place on the chain from `at` where all chains have met that begin inside its first entries: only one
    /// of them is right up to there. An entry that took others for its own is left for these.
    fn met(&mut self, mut at: usize) -> usize {
        for _ in 0..OVERLAPPED {
            match self.met_or_inside(at) {
                Met::At(place) => return place,
                Met::Inside(other) => at = other,
            }
        }
        at
    }

    fn met_or_inside(&mut self, at: usize) -> Met {
        let mut walker = self.file.walker(at, self.before.database).with_scrutiny(Scrutiny::Ends);
        let mut chain = vec![at];
        while chain.len() < MET && matches!(read(&mut walker), Read::Item(_)) {
            chain.push(index(walker.position()));
        }
        let inside = chain.get(OVERLAPPED.min(chain.len() - 1)).copied().unwrap_or(at).min(at.saturating_add(WINDOW));
        let mut place = None;
        for other in at + 1..inside {
            if *self.budget > 0 && chain.binary_search(&other).is_err() && self.may_begin(other) {
                let meeting = self.meets(other, &chain);
                if meeting.is_some_and(|meeting| meeting.is_convincing) {
                    return Met::Inside(other);
                }
                place = place.max(meeting.map(|meeting| meeting.place));
            }
        }
        Met::At(place.and_then(|place| chain.get(place)).copied().unwrap_or(at))
    }

    /// Where a chain meets another one.
    fn meets(&mut self, at: usize, chain: &[usize]) -> Option<Meeting> {
        let end = *chain.last()?;
        let mut window = self.file;
        window.bytes = self.file.bytes.get(..end).unwrap_or(self.file.bytes);
        let mut walker = window.walker(at, self.before.database);
        let (mut position, mut is_first) = (at, true);
        let (mut known, mut types): (usize, HashSet<u8>) = (0, HashSet::new());
        loop {
            let next = read(&mut walker);
            self.spend(index(walker.position()).saturating_sub(position).max(1));
            position = index(walker.position());
            match next {
                Read::Item(Item::Entry(entry))
                    if std::mem::take(&mut is_first) && !self.before.is_plausible(&entry) =>
                {
                    return None;
                }
                Read::Item(Item::Entry(entry)) if !entry.flaws.is_empty() || entry.key.is_empty() => return None,
                Read::Item(Item::Entry(entry)) => {
                    known += usize::from(self.before.shapes.contains(&shape(&entry.key)));
                    types.insert(entry.kind.number);
                }
                Read::Item(item) if item.flaws().is_empty() => {}
                Read::Item(_) | Read::End { .. } | Read::Damage(_) => return None,
            }
            if let Ok(place) = chain.binary_search(&position) {
                let are_different = types.len() > 1 || !self.before.has_field_expiry;
                return Some(Meeting { place, is_convincing: known >= CONVINCING * place && are_different });
            }
        }
    }

    /// The run from a place without its first entries as long as they may be the end of a torn one, or may lack their
    /// own beginning.
    fn without_doubtful(&mut self, at: usize) -> Next {
        let at = self.met(at);
        let following = self.file.entries_from(at, self.before.database);
        let mut excess = self.before.may_follow().map_or(0, |may_follow| following.entries.saturating_sub(may_follow));
        let expiring = self.before.size.filter(|_| self.before.read >= TRUSTED).map(|size| size.expiring);
        let is_expiry_lost = !following.is_complete || expiring != Some(following.expiring);
        let has_field_expiry = self.before.has_field_expiry || following.has_field_expiry;
        let weak = if has_field_expiry { MOST_FIELDS } else { WEAK };
        let mut walker = self.file.walker(at, self.before.database);
        let mut next = Next { start: at, database: self.before.database, is_selected: false };
        let (mut row, mut dropped, mut selection) = (0, 0, None);
        // Whether what is before an entry is known.
        let mut is_bounded = false;
        loop {
            next.start = index(walker.position());
            match read(&mut walker) {
                Read::Item(Item::Entry(entry)) => {
                    let eviction = (entry.idle.is_some(), entry.frequency.is_some());
                    let has_beginning =
                        entry.expiry.is_some() || !is_expiry_lost && self.before.eviction == Some(eviction);
                    let is_whole = std::mem::replace(&mut is_bounded, true) || has_beginning;
                    let shape = shape(&entry.key);
                    let is_known = self.before.shapes.contains(&shape);
                    if is_whole && is_strong(&entry) && (is_known || !shape.contains(&0)) {
                        return next;
                    }
                    row = if is_known { row + 1 } else { 0 };
                    (dropped, selection) = (dropped + 1, None);
                    if is_whole && excess == 0 && (row > weak || dropped > MOST_WEAK) {
                        return next;
                    }
                    excess = excess.saturating_sub(1);
                }
                Read::Item(Item::SelectDatabase(database)) => {
                    selection = Some(next);
                    (next.database, next.is_selected) = (database, true);
                    (excess, is_bounded) = (0, true);
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
}

/// Whether the server that wrote an RDB with this header writes values of a type, rather than only reads them.
fn is_written(header: Header, number: u8) -> bool {
    let versions = match (header.family, number) {
        (_, 0 | 2 | 4 | 7 | 11) | (Family::Valkey, 5 | 16 | 17 | 18 | 20 | 21 | 22) => 1..=u32::MAX,
        (Family::Valkey, _) => return false,
        (_, 1 | 10) => 1..=6,
        (_, 3) => 1..=7,
        (_, 5) => 8..=u32::MAX,
        (_, 9) => 1..=3,
        (_, 12 | 13) => 1..=9,
        (_, 14) => 7..=9,
        (_, 15) => 9..=9,
        (_, 16..=18) => 10..=u32::MAX,
        (_, 19) => 10..=10,
        (_, 20 | 21) => 11..=u32::MAX,
        (_, 24 | 25) => 12..=u32::MAX,
        (_, 26) => 13..=u32::MAX,
        _ => return false,
    };
    versions.contains(&header.version)
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

/// Whether there is more to an entry than lengths that fit: a packed value, which states its own size, a stream, or a
/// time.
fn is_strong(entry: &Entry<'_>) -> bool {
    const PACKED: usize = 16;
    const LISTS_AND_STREAMS: [u8; 6] = [14, 15, 18, 19, 21, 26];
    // In milliseconds: from 2001 to 2286.
    const TIMES: Range<i64> = 1_000_000_000_000..10_000_000_000_000;
    entry.expiry.is_some_and(|expiry| TIMES.contains(&expiry))
        || entry.value.len() >= PACKED
            && (entry.kind.packing.is_some() || LISTS_AND_STREAMS.contains(&entry.kind.number))
}

/// The header of an RDB, if it can be read.
pub(super) fn header(bytes: &[u8]) -> Option<Header> {
    Header::parse(*bytes.first_chunk::<HEADER_LENGTH>()?).filter(|header| header.is_known())
}
