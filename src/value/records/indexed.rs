//! Records with what many of them, or large strings, need: a table, and strings that are kept by themselves.

use super::super::bytes::Bytes;
use super::super::members::hash_of;
use super::super::table::small;
use super::super::text::Text;
use super::index::Index;
use super::large::Large;
use super::layout::{self, Piece, Record, Store};
use super::{Expiry, FIRST, FLAT};
use crate::value::prefetch;

/// A slice of the log is copied up to so many bytes: about what it takes to keep it by itself.
const SMALL: usize = 32;
/// So many bytes of records that are no more do not matter.
const SLACK: usize = 64;

#[derive(Debug, Clone)]
pub(super) struct Indexed<'a, const CODES: usize> {
    bytes: Vec<u8>,
    /// Strings that are kept by themselves, once there was one.
    large: Option<Box<Large<'a>>>,
    /// Where the records start that are alive.
    index: Index,
    alive: u32,
    /// Where the first record starts that is alive: what is before it need not be read.
    start: u32,
    /// How many bytes are those of records that are no more.
    dead: u32,
}

impl<'a, const CODES: usize> Indexed<'a, CODES> {
    /// Takes flat records over: their count, which no longer counts, and they.
    pub(super) fn new(bytes: Vec<u8>, alive: usize) -> Self {
        let (alive, start) = (small(alive), small(FIRST));
        Self { bytes, large: None, index: Index::None, alive, start, dead: 0 }
    }

    pub(super) const fn len(&self) -> usize {
        self.alive as usize
    }

    pub(super) const fn start(&self) -> usize {
        self.start as usize
    }

    #[inline]
    pub(super) fn store(&self) -> Store<'_, 'a, CODES> {
        store_of(&self.bytes, self.large.as_deref())
    }

    #[inline]
    pub(super) fn find(&self, key: &[u8]) -> Option<Record> {
        let store = self.store();
        if self.index.is_none() {
            return store.search(self.start(), key);
        }
        self.index.find(&store, hash_of(key), |record| store.is_of(record, key))
    }

    /// Where the record of a string probably starts.
    #[inline]
    pub(super) fn probe(&self, key: &[u8]) -> Option<u32> {
        self.index.probe(|| hash_of(key))
    }

    /// Brings a record into the cache.
    #[inline]
    pub(super) fn prefetch(&self, start: u32) {
        prefetch(self.bytes.get(start as usize).copied());
    }

    /// A string as a piece of a record.
    fn piece<'p>(&mut self, text: &'p mut Option<Text<'a>>) -> Piece<'p> {
        if text.as_ref().is_some_and(|text| !text.packs(SMALL)) {
            let bytes = text.take().map(Text::into_bytes).unwrap_or_default();
            return Piece::large(self.large.get_or_insert_default().keep(bytes));
        }
        Piece::Packed(text.as_ref().map(Text::as_slice).unwrap_or_default())
    }

    /// Takes a string that was kept by itself, whose index lies in a range.
    fn release(&mut self, range: std::ops::Range<usize>) -> Bytes<'a> {
        let index = self.bytes.get(range).unwrap_or_default();
        self.large.as_mut().map(|large| large.release(index)).unwrap_or_default()
    }

    /// Adds a record whose first string no other has; `false` if there is no room.
    pub(super) fn append(&mut self, key: Text<'a>, value: Text<'a>, expiry: Option<i64>) -> bool {
        // The longest that a record of packed strings can be.
        if u32::try_from(self.bytes.len() + 2 * Text::LONGEST_PACKED + 16).is_err() {
            return false;
        }
        let hash = if self.index.is_none() { 0 } else { hash_of(key.as_slice()) };
        let (mut key, mut value) = (Some(key), Some(value));
        let (key, value) = (self.piece(&mut key), self.piece(&mut value));
        let start = self.write(&key, &value, expiry);
        self.alive += 1;
        let is_indexed = if self.index.is_none() { self.len() <= FLAT } else { self.index.add(start, hash) };
        if !is_indexed {
            self.rebuild_index();
        }
        true
    }

    fn write(&mut self, key: &Piece<'_>, value: &Piece<'_>, expiry: Option<i64>) -> u32 {
        let start = self.bytes.len();
        let size = layout::size_of_record::<CODES>(key.size(), value.size(), expiry);
        make_room(&mut self.bytes, size);
        self.bytes.resize(start + size, 0);
        let (others, room) = self.bytes.split_at_mut(start);
        layout::write::<CODES>(room, others, key, value, expiry);
        small(start)
    }

    /// Makes the index anew: from the records, so that the old one can go before.
    fn rebuild_index(&mut self) {
        self.index = Index::None;
        // The index of some tells records apart by their number, so that each counts.
        if self.dead > 0 && Index::suits_tags(self.len(), self.bytes.len()) {
            self.close_gaps();
        } else if self.len() > FLAT {
            self.index = Index::of(&self.store(), self.start(), self.len());
        }
    }

    /// Changes the value and expiry of a record.
    pub(super) fn change(&mut self, record: &Record, value: Text<'a>, expiry: Expiry) {
        let expiry = match expiry {
            Expiry::Keep => self.store().expiry(record),
            Expiry::Set(expiry) => expiry,
        };
        let packs = value.packs(SMALL);
        let has_room = expiry.is_none() || record.has_expiry();
        if has_room && packs && !record.has_large_value() && value.as_slice().len() == record.value_range().len() {
            layout::overwrite(&mut self.bytes, record.value_start(), value.as_slice());
            layout::write_expiry(&mut self.bytes, record, expiry);
            return;
        }
        if record.has_large_value() {
            self.release(record.value_range());
            if !packs && has_room {
                // The index that was just given free is the one that is taken.
                self.large.get_or_insert_default().keep(value.into_bytes());
                layout::write_expiry(&mut self.bytes, record, expiry);
                return;
            }
        }
        let mut value = Some(value);
        let value = self.piece(&mut value);
        self.relocate(record, &value, expiry);
    }

    pub(super) fn set_expiry(&mut self, record: &Record, expiry: Option<i64>) {
        if !layout::write_expiry(&mut self.bytes, record, expiry) {
            let value = Piece::Copy { range: record.value_range(), is_large: record.has_large_value() };
            self.relocate(record, &value, expiry);
        }
    }

    /// Writes a record anew, with another value or expiry, as the last one.
    fn relocate(&mut self, record: &Record, value: &Piece<'_>, expiry: Option<i64>) {
        let hash = hash_of(self.store().key(record));
        let key = Piece::Copy { range: record.key_range(), is_large: record.has_large_key() };
        let start = self.write(&key, value, expiry);
        let store = store_of::<CODES>(&self.bytes, self.large.as_deref());
        self.index.remove(&store, hash, record.start());
        let is_indexed = self.index.is_none() || self.index.add(start, hash);
        self.bury(record);
        if is_indexed {
            self.close_gaps_if_many();
        } else {
            self.rebuild_index();
        }
    }

    pub(super) fn take(&mut self, record: &Record) -> Bytes<'a> {
        let value = if record.has_large_value() {
            self.release(record.value_range())
        } else {
            Bytes::copied(self.bytes.get(record.value_range()).unwrap_or_default())
        };
        self.unlink(record);
        self.close_gaps_if_many();
        value
    }

    pub(super) fn remove(&mut self, record: &Record) {
        self.remove_leaving_gap(record);
        self.close_gaps_if_many();
    }

    /// Removes a record; no other moves.
    pub(super) fn remove_leaving_gap(&mut self, record: &Record) {
        if record.has_large_value() {
            self.release(record.value_range());
        }
        self.unlink(record);
    }

    /// Takes out a record whose value is no longer needed; no other moves.
    fn unlink(&mut self, record: &Record) {
        if !self.index.is_none() {
            let store = store_of::<CODES>(&self.bytes, self.large.as_deref());
            self.index.remove(&store, hash_of(store.key(record)), record.start());
        }
        if record.has_large_key() {
            self.release(record.key_range());
        }
        self.alive = self.alive.saturating_sub(1);
        self.bury(record);
    }

    /// Marks a record as no more.
    fn bury(&mut self, record: &Record) {
        layout::mark_dead(&mut self.bytes, record);
        self.dead += small(record.end() - record.start());
        if record.start() == self.start() {
            self.start = small(self.store().next_alive(self.start()).map_or(self.bytes.len(), |first| first.start()));
        }
    }

    /// Closes the gaps once they are more than what is left.
    pub(super) fn close_gaps_if_many(&mut self) {
        if self.dead as usize > self.bytes.len() / 2 + SLACK {
            self.close_gaps();
        }
    }

    fn close_gaps(&mut self) {
        let (mut at, mut to) = (self.start(), FIRST);
        while let Some(record) = self.store().next_alive(at) {
            self.bytes.copy_within(record.start()..record.end(), to);
            to += record.end() - record.start();
            at = record.end();
        }
        self.bytes.truncate(to);
        self.bytes.shrink_to(to + to / 4);
        (self.start, self.dead) = (small(FIRST), 0);
        if self.large.as_ref().is_some_and(|large| large.is_half_empty()) {
            self.close_gaps_in_large();
        }
        self.rebuild_index();
    }

    /// Moves the strings that are kept by themselves together, in the order of their records.
    fn close_gaps_in_large(&mut self) {
        let Some(mut old) = self.large.take() else { return };
        let mut new = Large::with_capacity(old.len());
        let mut at = FIRST;
        while let Some(record) = self.store().next_alive(at) {
            at = record.end();
            let ranges =
                [(record.has_large_key(), record.key_range()), (record.has_large_value(), record.value_range())];
            for (_, range) in ranges.into_iter().filter(|(is_large, _)| *is_large) {
                let Some(place) = self.bytes.get_mut(range) else { continue };
                let index = new.keep(old.release(place));
                place.copy_from_slice(&index.to_le_bytes());
            }
        }
        self.large = (new.len() > 0).then(|| Box::new(new));
    }

    /// How much memory they take beyond a box, about.
    #[cfg(test)]
    pub(super) fn bytes_held(&self) -> usize {
        let large = self.large.as_ref().map_or(0, |large| large.bytes_held());
        size_of::<Self>() + self.bytes.capacity() + large + self.index.bytes_held()
    }
}

fn store_of<'s, 'a, const CODES: usize>(bytes: &'s [u8], large: Option<&'s Large<'a>>) -> Store<'s, 'a, CODES> {
    Store { bytes, large: large.map_or(&[], Large::all) }
}

/// Makes room for more bytes at the end, an eighth more than asked, of a size that the allocator hands out whole.
fn make_room(bytes: &mut Vec<u8>, more: usize) {
    let needed = bytes.len() + more;
    if needed > bytes.capacity() {
        // Allocators hand out multiples of 16 bytes, less 8 that they keep, and never less than 24.
        let wanted = ((needed + needed / 8 + 7) / 16 * 16 + 8).max(24);
        bytes.reserve_exact(wanted - bytes.len());
    }
}
