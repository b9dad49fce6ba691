//! How a record lies in its bytes.
//!
//! A byte for each string with its length in seven bits, then the strings, then eight bytes for the expiry if there
//! ever was one. The eighth bit of the first byte marks a record that is no more, that of the second one that has room
//! for an expiry. A string that is kept by itself has the length [`LARGE`], and its index in place of itself.

use super::super::buffer::Buffer;
use super::super::bytes::Bytes;
use super::super::equal::is_equal;
use super::super::text::Text;

/// The mark beside the length of the first string: the record is no more.
const DEAD: u8 = 0x80;
/// The mark beside the length of the second string: there is room for an expiry.
const EXPIRES: u8 = 0x80;
/// The length that stands for a string that is kept by itself. Those that are packed are shorter.
const LARGE: u8 = 0x7f;
const _: () = assert!(Text::LONGEST_PACKED < LARGE as usize);
/// The size of an index.
const INDEX: usize = 4;
/// The size of an expiry.
const EXPIRY: usize = 8;
/// The most bytes that a record of packed strings takes.
pub(super) const LARGEST_PACKED: usize = 2 + 2 * Text::LONGEST_PACKED + EXPIRY;
/// The expiry of a field that has none; servers refuse negative times.
const NEVER: i64 = -1;

/// Where a record lies, and its strings in it; until the next change.
#[derive(Debug, Clone, Copy)]
pub struct Record {
    start: usize,
    value_start: usize,
    value_end: usize,
    key: u8,
    value: u8,
    codes: u8,
}

impl Record {
    pub(super) const fn start(&self) -> usize {
        self.start
    }

    const fn key_start(&self) -> usize {
        self.start + self.codes as usize
    }

    pub(super) const fn value_start(&self) -> usize {
        self.value_start
    }

    pub(super) const fn value_end(&self) -> usize {
        self.value_end
    }

    pub(super) const fn has_expiry(&self) -> bool {
        self.value & EXPIRES != 0
    }

    #[inline]
    pub(super) const fn end(&self) -> usize {
        if self.has_expiry() { self.value_end + EXPIRY } else { self.value_end }
    }

    pub(super) const fn is_alive(&self) -> bool {
        self.key & DEAD == 0
    }

    pub(super) const fn has_large_key(&self) -> bool {
        self.key & !DEAD == LARGE
    }

    pub(super) const fn has_large_value(&self) -> bool {
        self.value & !EXPIRES == LARGE
    }

    /// The bytes of the first string, or of its index.
    pub(super) fn key_range(&self) -> std::ops::Range<usize> {
        self.key_start()..self.value_start
    }

    /// The bytes of the second string, or of its index.
    pub(super) fn value_range(&self) -> std::ops::Range<usize> {
        self.value_start..self.value_end
    }

    /// The record once its value has another length, which is noted in it.
    pub(super) fn with_value_length(mut self, bytes: &mut [u8], length: usize) -> Self {
        self.value = (self.value & EXPIRES) | packed_length(length);
        self.value_end = self.value_start + length;
        if let Some(code) = bytes.get_mut(self.start + 1) {
            *code = self.value;
        }
        self
    }
}

/// Records, and the strings that are kept by themselves.
#[derive(Debug, Clone, Copy)]
pub(super) struct Store<'s, 'a, const CODES: usize> {
    pub(super) bytes: &'s [u8],
    pub(super) large: &'s [Bytes<'a>],
}

/// The strings of a record, and its expiry.
#[derive(Debug, Clone, Copy)]
pub struct Strings<'s> {
    pub key: &'s [u8],
    pub value: &'s [u8],
    pub expiry: Option<i64>,
}

const fn size_in_place(length: u8) -> usize {
    if length == LARGE { INDEX } else { length as usize }
}

impl<'s, 'a, const CODES: usize> Store<'s, 'a, CODES> {
    /// The record that starts at a position.
    #[inline]
    pub(super) fn read(&self, start: usize) -> Option<Record> {
        let (key, value) = match self.bytes.get(start..)? {
            [key, value, ..] if CODES > 1 => (*key, *value),
            [key, ..] if CODES == 1 => (*key, 0),
            _ => return None,
        };
        let value_start = start + CODES + size_in_place(key & !DEAD);
        let value_end = value_start + size_in_place(value & !EXPIRES);
        let codes = if CODES > 1 { 2 } else { 1 };
        Some(Record { start, value_start, value_end, key, value, codes })
    }

    /// The first record that is alive, from a position on.
    #[inline]
    pub(super) fn next_alive(&self, mut start: usize) -> Option<Record> {
        loop {
            let record = self.read(start)?;
            if record.is_alive() {
                return Some(record);
            }
            start = record.end();
        }
    }

    /// Looks at each record from a position on for one of a string.
    #[inline]
    pub(super) fn search(&self, mut start: usize, key: &[u8]) -> Option<Record> {
        loop {
            let record = self.read(start)?;
            if self.is_of(&record, key) {
                return Some(record);
            }
            start = record.end();
        }
    }

    /// Whether a record is alive and of a string.
    #[inline]
    pub(super) fn is_of(&self, record: &Record, key: &[u8]) -> bool {
        if record.key == LARGE {
            is_equal(self.key(record), key)
        } else {
            // The mark of the dead makes the length differ.
            usize::from(record.key) == key.len()
                && self.bytes.get(record.key_range()).is_some_and(|held| is_equal(held, key))
        }
    }

    #[inline]
    pub(super) fn key(&self, record: &Record) -> &'s [u8] {
        self.string(record.key & !DEAD, record.key_range())
    }

    /// The first string, apart from the records.
    pub(super) fn text_of_key(&self, record: &Record) -> Text<'a> {
        let kept = record
            .has_large_key()
            .then(|| self.bytes.get(record.key_range()).and_then(|at| self.large.get(index_in(at))));
        Text::Made(kept.flatten().map_or_else(|| Bytes::copied(self.key(record)), Bytes::clone))
    }

    #[inline]
    fn string(&self, length: u8, range: std::ops::Range<usize>) -> &'s [u8] {
        let bytes = self.bytes.get(range).unwrap_or_default();
        if length == LARGE { self.large.get(index_in(bytes)).map(Bytes::as_slice).unwrap_or_default() } else { bytes }
    }

    #[inline]
    pub(super) fn strings(&self, record: &Record) -> Strings<'s> {
        let expiry = if record.has_expiry() { self.expiry(record) } else { None };
        Strings { key: self.key(record), value: self.string(record.value & !EXPIRES, record.value_range()), expiry }
    }

    pub(super) fn expiry(&self, record: &Record) -> Option<i64> {
        let bytes = self.bytes.get(record.value_end..record.end())?.first_chunk()?;
        Some(i64::from_le_bytes(*bytes)).filter(|expiry| *expiry != NEVER)
    }
}

/// The index of a string that is kept by itself.
pub(super) fn index_in(bytes: &[u8]) -> usize {
    bytes.first_chunk().map_or(usize::MAX, |bytes| u32::from_le_bytes(*bytes) as usize)
}

#[inline]
fn packed_length(length: usize) -> u8 {
    // Longer ones are kept by themselves.
    u8::try_from(length).unwrap_or(LARGE).min(LARGE)
}

/// The size of a record whose strings are packed.
#[inline]
pub(super) const fn size_of_record<const CODES: usize>(key: usize, value: usize, expiry: Option<i64>) -> usize {
    CODES + key + value + if expiry.is_some() { EXPIRY } else { 0 }
}

/// A string in a record to be: packed, kept by itself under an index, or as it lies in another record.
#[derive(Debug, Clone)]
pub(super) enum Piece<'p> {
    Packed(&'p [u8]),
    Large([u8; INDEX]),
    Copy { range: std::ops::Range<usize>, is_large: bool },
}

impl<'p> Piece<'p> {
    /// A string that is kept by itself.
    pub(super) const fn large(index: u32) -> Self {
        Self::Large(index.to_le_bytes())
    }

    #[inline]
    fn length(&self) -> u8 {
        match self {
            Self::Packed(bytes) => packed_length(bytes.len()),
            Self::Large(_) | Self::Copy { is_large: true, .. } => LARGE,
            Self::Copy { range, .. } => packed_length(range.len()),
        }
    }

    #[inline]
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Packed(bytes) => bytes.len(),
            Self::Large(_) => INDEX,
            Self::Copy { range, .. } => range.len(),
        }
    }

    /// Its bytes, where the others are those of all records.
    #[inline]
    fn bytes<'b>(&'b self, others: &'b [u8]) -> &'b [u8]
    where
        'p: 'b,
    {
        match self {
            Self::Packed(piece) => piece,
            Self::Large(index) => index,
            Self::Copy { range, .. } => others.get(range.clone()).unwrap_or_default(),
        }
    }
}

/// Writes a record into the room for it, which is as large as [`size_of_record`] says; the others are the records
/// before it.
#[inline]
pub(super) fn write<const CODES: usize>(
    room: &mut [u8],
    others: &[u8],
    key: &Piece<'_>,
    value: &Piece<'_>,
    expiry: Option<i64>,
) {
    let mut at = 0;
    let mut put = |bytes: &[u8]| {
        overwrite(room, at, bytes);
        at += bytes.len();
    };
    put(&[key.length()]);
    if CODES > 1 {
        put(&[value.length() | if expiry.is_some() { EXPIRES } else { 0 }]);
    }
    put(key.bytes(others));
    if CODES > 1 {
        put(value.bytes(others));
        if let Some(expiry) = expiry {
            put(&expiry.to_le_bytes());
        }
    }
}

/// Marks a record as being no more.
pub(super) fn mark_dead(bytes: &mut [u8], record: &Record) {
    if let Some(code) = bytes.get_mut(record.start) {
        *code |= DEAD;
    }
}

/// Writes bytes over others.
#[inline]
pub(super) fn overwrite(bytes: &mut [u8], start: usize, with: &[u8]) {
    if let Some(place) = bytes.get_mut(start..start + with.len()) {
        place.copy_from_slice(with);
    }
}

/// Writes an expiry where there is room for it, or none is needed; `false` if there is no room.
pub(super) fn write_expiry(bytes: &mut [u8], record: &Record, expiry: Option<i64>) -> bool {
    if record.has_expiry() {
        overwrite(bytes, record.value_end, &expiry.unwrap_or(NEVER).to_le_bytes());
    }
    record.has_expiry() || expiry.is_none()
}

/// Makes room for an expiry at the end of a record, and writes it.
pub(super) fn insert_expiry(bytes: &mut Buffer, record: &Record, expiry: Option<i64>) {
    let Some(room) = bytes.splice(record.value_end..record.value_end, EXPIRY) else { return };
    room.copy_from_slice(&expiry.unwrap_or(NEVER).to_le_bytes());
    if let Some(code) = bytes.get_mut(record.start + 1) {
        *code |= EXPIRES;
    }
}
