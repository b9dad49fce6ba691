//! Strings, each perhaps with a value and an expiry, packed one after another: what sets and hashes are made of.

mod index;
mod indexed;
mod large;
mod layout;

use indexed::Indexed;
use layout::{Piece, Store};
pub(super) use layout::{Record, Strings};

use super::buffer::Buffer;
use super::bytes::Bytes;
use super::text::Text;
use crate::value::prefetch;

/// Up to this many records, each is looked at, and they need nothing but their bytes.
const FLAT: usize = 16;
/// While nothing else is needed, a slice of the log is copied up to so many bytes.
const SMALL_IN_FLAT: usize = 64;
/// Where the first record starts: after the count of flat ones.
const FIRST: usize = 1;
const _: () = assert!(FIRST + FLAT * layout::LARGEST_PACKED <= Buffer::LONGEST);

/// What becomes of a record's expiry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expiry {
    Keep,
    Set(Option<i64>),
}

/// Records that are told apart by their first string. `CODES` is how many strings each has: 1 or 2.
///
/// In the order in which they came; one that has to move because it grew becomes the last.
#[derive(Debug, Clone)]
pub(super) struct Records<'a, const CODES: usize>(Repr<'a, CODES>);

#[derive(Debug, Clone)]
enum Repr<'a, const CODES: usize> {
    /// Their count, and the records, all strings within. Empty without any.
    Flat(Buffer),
    Indexed(Box<Indexed<'a, CODES>>),
}

impl<const CODES: usize> Default for Repr<'_, CODES> {
    fn default() -> Self {
        Self::Flat(Buffer::default())
    }
}

impl<const CODES: usize> Default for Records<'_, CODES> {
    fn default() -> Self {
        Self(Repr::default())
    }
}

impl<'a, const CODES: usize> Records<'a, CODES> {
    #[inline]
    pub(super) fn len(&self) -> usize {
        match &self.0 {
            Repr::Flat(bytes) => bytes.first().copied().map_or(0, usize::from),
            Repr::Indexed(indexed) => indexed.len(),
        }
    }

    /// Whether they are kept in one small piece of memory; says so without a look at that.
    #[inline]
    pub(super) const fn is_flat(&self) -> bool {
        matches!(self.0, Repr::Flat(_))
    }

    #[inline]
    fn store(&self) -> Store<'_, 'a, CODES> {
        match &self.0 {
            Repr::Flat(bytes) => Store { bytes, large: &[] },
            Repr::Indexed(indexed) => indexed.store(),
        }
    }

    /// The record of a string.
    #[inline]
    pub(super) fn find(&self, key: &[u8]) -> Option<Record> {
        match &self.0 {
            Repr::Flat(bytes) => Store::<CODES> { bytes, large: &[] }.search(FIRST, key),
            Repr::Indexed(indexed) => indexed.find(key),
        }
    }

    /// Where the record of a string probably is, if they are many.
    #[inline]
    pub(super) fn probe(&self, key: &[u8]) -> Option<u32> {
        match &self.0 {
            Repr::Flat(_) => None,
            Repr::Indexed(indexed) => indexed.probe(key),
        }
    }

    /// Brings the records into the cache, if they are few.
    #[inline]
    pub(super) fn prefetch_flat(&self) {
        match &self.0 {
            Repr::Flat(bytes) => bytes.prefetch(),
            Repr::Indexed(indexed) => {
                prefetch(indexed.len());
            }
        }
    }

    /// Brings what [`Records::probe`] found into the cache.
    #[inline]
    pub(super) fn prefetch(&self, probe: u32) {
        if let Repr::Indexed(indexed) = &self.0 {
            indexed.prefetch(probe);
        }
    }

    /// The strings of a record.
    #[inline]
    pub(super) fn strings(&self, record: &Record) -> Strings<'_> {
        self.store().strings(record)
    }

    /// The first record.
    pub(super) fn first(&self) -> Option<Record> {
        match &self.0 {
            Repr::Flat(bytes) => Store::<CODES> { bytes, large: &[] }.next_alive(FIRST),
            Repr::Indexed(indexed) => indexed.store().next_alive(indexed.start()),
        }
    }

    /// All records, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = Strings<'_>> + Clone {
        let store = self.store();
        self.iter_records().map(move |record| store.strings(&record))
    }

    fn iter_records(&self) -> impl Iterator<Item = Record> + Clone {
        let (store, mut at) = match &self.0 {
            Repr::Flat(_) => (self.store(), FIRST),
            Repr::Indexed(indexed) => (indexed.store(), indexed.start()),
        };
        std::iter::from_fn(move || {
            let record = store.next_alive(at)?;
            at = record.end();
            Some(record)
        })
    }

    /// Adds a record, or changes the value and expiry of the one that there is; whether it is new.
    ///
    /// Records that take more than 4 GB, strings that are kept by themselves not counted, refuse another.
    #[inline]
    pub(super) fn insert(&mut self, key: Text<'a>, value: Text<'a>, expiry: Expiry) -> bool {
        if let Some(record) = self.find(key.as_slice()) {
            if CODES > 1 {
                self.change(&record, value, expiry);
            }
            return false;
        }
        let expiry = match expiry {
            Expiry::Keep => None,
            Expiry::Set(expiry) => expiry,
        };
        match &mut self.0 {
            Repr::Indexed(indexed) => indexed.append(key, value, expiry),
            Repr::Flat(bytes) => {
                let packs = key.packs(SMALL_IN_FLAT) && value.packs(SMALL_IN_FLAT);
                if packs && append_flat::<CODES>(bytes, key.as_slice(), value.as_slice(), expiry) {
                    return true;
                }
                self.as_indexed(|indexed| indexed.append(key, value, expiry))
            }
        }
    }

    /// Changes the value and expiry of a record that was just found.
    fn change(&mut self, record: &Record, value: Text<'a>, expiry: Expiry) {
        match &mut self.0 {
            Repr::Flat(bytes) if value.packs(SMALL_IN_FLAT) => {
                let (start, end) = (record.value_start(), record.value_end());
                let value = value.as_slice();
                let changed = if end - start == value.len() {
                    layout::overwrite(bytes, start, value);
                    *record
                } else {
                    let Some(room) = bytes.splice(start..end, value.len()) else { return };
                    room.copy_from_slice(value);
                    record.with_value_length(bytes, value.len())
                };
                if let Expiry::Set(expiry) = expiry {
                    set_expiry_flat(bytes, &changed, expiry);
                }
            }
            _ => self.as_indexed(|indexed| indexed.change(record, value, expiry)),
        }
    }

    /// Changes the expiry of a record that was just found.
    pub(super) fn set_expiry(&mut self, record: &Record, expiry: Option<i64>) {
        match &mut self.0 {
            Repr::Flat(bytes) => set_expiry_flat(bytes, record, expiry),
            Repr::Indexed(indexed) => indexed.set_expiry(record, expiry),
        }
    }

    /// Removes a record that was just found, and returns its value.
    pub(super) fn take(&mut self, record: &Record) -> Bytes<'a> {
        match &mut self.0 {
            Repr::Flat(bytes) => {
                let strings = Store::<CODES> { bytes, large: &[] }.strings(record);
                let value = Bytes::copied(strings.value);
                self.remove(record);
                value
            }
            Repr::Indexed(indexed) => indexed.take(record),
        }
    }

    /// Removes a record that was just found.
    #[inline]
    pub(super) fn remove(&mut self, record: &Record) {
        match &mut self.0 {
            Repr::Flat(bytes) => {
                bytes.remove(record.start()..record.end());
                if let Some(count) = bytes.first_mut() {
                    *count = count.saturating_sub(1);
                }
            }
            Repr::Indexed(indexed) => indexed.remove(record),
        }
    }

    /// Changes the records as ones with all that many of them need.
    fn as_indexed<R>(&mut self, change: impl FnOnce(&mut Indexed<'a, CODES>) -> R) -> R {
        let mut indexed = match std::mem::take(&mut self.0) {
            Repr::Indexed(indexed) => indexed,
            Repr::Flat(bytes) => {
                let count = bytes.first().copied().map_or(0, usize::from);
                Box::new(Indexed::new(if bytes.is_empty() { vec![0] } else { bytes.to_vec() }, count))
            }
        };
        let result = change(&mut indexed);
        self.0 = Repr::Indexed(indexed);
        result
    }

    /// The first strings of all records, in order, apart from these.
    pub(super) fn keys(&self) -> impl Iterator<Item = Text<'a>> {
        let store = self.store();
        self.iter_records().map(move |record| store.text_of_key(&record))
    }

    /// Removes those records for which `keep` is false.
    pub(super) fn retain(&mut self, mut keep: impl FnMut(Strings<'_>) -> bool) {
        let mut at = match &self.0 {
            Repr::Flat(_) => FIRST,
            Repr::Indexed(indexed) => indexed.start(),
        };
        while let Some(record) = self.store().next_alive(at) {
            let is_kept = keep(self.strings(&record));
            match &mut self.0 {
                // What is after it takes its place.
                Repr::Flat(_) if !is_kept => {
                    self.remove(&record);
                    continue;
                }
                Repr::Indexed(indexed) if !is_kept => indexed.remove_leaving_gap(&record),
                _ => {}
            }
            at = record.end();
        }
        if let Repr::Indexed(indexed) = &mut self.0 {
            indexed.close_gaps_if_many();
        }
    }

    /// How much memory they take beyond their own size, about.
    #[cfg(test)]
    pub(super) fn bytes_held(&self) -> usize {
        8 + match &self.0 {
            Repr::Flat(bytes) => bytes.bytes_held(),
            Repr::Indexed(indexed) => indexed.bytes_held(),
        }
    }
}

/// Adds a record to flat ones; `false` if they are as many as there may be.
#[inline]
fn append_flat<const CODES: usize>(bytes: &mut Buffer, key: &[u8], value: &[u8], expiry: Option<i64>) -> bool {
    let count = bytes.first().copied().unwrap_or(0);
    if usize::from(count) >= FLAT {
        return false;
    }
    let before = if bytes.is_empty() { FIRST } else { 0 };
    let size = before + layout::size_of_record::<CODES>(key.len(), value.len(), expiry);
    let Some(room) = bytes.extend(size).and_then(|room| room.get_mut(before..)) else { return false };
    layout::write::<CODES>(room, &[], &Piece::Packed(key), &Piece::Packed(value), expiry);
    if let Some(held) = bytes.first_mut() {
        *held = count + 1;
    }
    true
}

/// Sets the expiry of a flat record, which may need room for it.
fn set_expiry_flat(bytes: &mut Buffer, record: &Record, expiry: Option<i64>) {
    if !layout::write_expiry(bytes, record, expiry) {
        layout::insert_expiry(bytes, record, expiry);
    }
}

#[cfg(test)]
mod tests;
