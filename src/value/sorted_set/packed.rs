//! A small sorted set: one string of bytes, in order.
//!
//! Longer names are copied, too: for 30 names of 36 bytes each that takes a quarter less time than a list of slices of
//! the log, and 7 % more memory. With 128 names of 64 bytes, the worst case, an update takes 0.3 µs more.
//!
//! ```text
//! number of entries (1) | entry …
//! entry: length of the entry (1) | kind of score (1) | score (0 to 8) | name
//! ```

use std::ops::Range;

use super::super::equal::is_equal;
use super::Limit;
use crate::value::buffer::Buffer;

/// Kinds of score: up to [`SMALLEST_WIDTH`] it is the score itself; above that, a whole number of 1 to 7 bytes; the
/// last two.
const SMALLEST_WIDTH: u8 = 240;
const SINGLE: u8 = 254;
const DOUBLE: u8 = 255;

/// Where the first entry is.
const START: usize = 1;
const _: () = assert!(START + super::SMALL * (2 + 8 + super::SMALL_NAME) <= Buffer::LONGEST);

/// Entries in order of score and name: no bytes at all if there is none yet.
#[derive(Debug, Clone, Default)]
pub(super) struct Packed {
    bytes: Buffer,
}

/// One entry.
#[derive(Debug, Clone, Copy)]
struct Entry<'p> {
    kind: u8,
    /// The score's bytes and the name's.
    rest: &'p [u8],
}

/// How many bytes a kind of score takes.
#[inline]
const fn width_of(kind: u8) -> usize {
    match kind {
        ..=SMALLEST_WIDTH => 0,
        SINGLE => 4,
        DOUBLE => 8,
        kind => (kind - SMALLEST_WIDTH) as usize,
    }
}

impl<'p> Entry<'p> {
    #[inline]
    fn name(self) -> &'p [u8] {
        self.rest.get(width_of(self.kind)..).unwrap_or_default()
    }

    #[inline]
    fn is(self, name: &[u8]) -> bool {
        is_equal(self.name(), name)
    }

    #[inline]
    fn score(self) -> f64 {
        match self.kind {
            kind @ ..=SMALLEST_WIDTH => f64::from(kind),
            SINGLE => self.rest.first_chunk().map_or(0.0, |bytes| f64::from(f32::from_le_bytes(*bytes))),
            DOUBLE => self.rest.first_chunk().map_or(0.0, |bytes| f64::from_le_bytes(*bytes)),
            kind => {
                let width = width_of(kind);
                let mut bytes = [0; 8];
                if let (Some(to), Some(from)) = (bytes.get_mut(8 - width..), self.rest.get(..width)) {
                    to.copy_from_slice(from);
                }
                #[expect(clippy::cast_precision_loss, reason = "it was made from a double")]
                let whole = (i64::from_le_bytes(bytes) >> (64 - 8 * width)) as f64;
                whole
            }
        }
    }
}

/// A score's kind and bytes, of which `width_of` the kind count.
fn encode(score: f64) -> (u8, [u8; 8]) {
    #[expect(clippy::cast_possible_truncation, reason = "compared with the score afterwards")]
    let (whole, single) = (score as i64, score as f32);
    #[expect(clippy::cast_precision_loss, reason = "compared with the score bit by bit")]
    if (whole as f64).to_bits() == score.to_bits() && whole.unsigned_abs() < 1 << 55 {
        if let Ok(kind) = u8::try_from(whole)
            && kind <= SMALLEST_WIDTH
        {
            return (kind, [0; 8]);
        }
        let bits = 65 - (whole ^ whole >> 63).leading_zeros();
        let width = u8::try_from(bits.div_ceil(8)).unwrap_or(7);
        return (SMALLEST_WIDTH + width, whole.to_le_bytes());
    }
    if f64::from(single).to_bits() == score.to_bits() {
        let mut bytes = [0; 8];
        if let Some(half) = bytes.first_chunk_mut() {
            *half = single.to_le_bytes();
        }
        return (SINGLE, bytes);
    }
    (DOUBLE, score.to_le_bytes())
}

impl Packed {
    /// The entry at a position, and the position after it.
    #[inline]
    fn entry_at(&self, position: usize) -> Option<(Entry<'_>, usize)> {
        let length = usize::from(*self.bytes.get(position)?);
        let end = position + length;
        match self.bytes.get(position + 1..end)? {
            [kind, rest @ ..] => Some((Entry { kind: *kind, rest }, end)),
            [] => None,
        }
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.bytes.first().copied().map_or(0, usize::from)
    }

    /// Brings the entries into the cache.
    #[inline]
    pub(super) fn prefetch(&self) {
        self.bytes.prefetch();
    }

    /// Removes entries.
    fn drain(&mut self, bytes: Range<usize>, count: usize) {
        self.bytes.remove(bytes);
        if let Some(held) = self.bytes.first_mut() {
            *held = held.saturating_sub(u8::try_from(count).unwrap_or(u8::MAX));
        }
    }

    /// Where a name is, from where to where.
    #[inline]
    fn find(&self, name: &[u8]) -> Option<(usize, usize, Entry<'_>)> {
        let mut position = START;
        while let Some((entry, end)) = self.entry_at(position) {
            if entry.is(name) {
                return Some((position, end, entry));
            }
            position = end;
        }
        None
    }

    #[inline]
    pub(super) fn score(&self, name: &[u8]) -> Option<f64> {
        self.find(name).map(|(_, _, entry)| entry.score())
    }

    /// Gives a name that is there the score that `decide` makes of the one it has; that one, or what `decide` fails
    /// with.
    #[inline]
    pub(super) fn change<E>(
        &mut self,
        name: &[u8],
        decide: impl FnOnce(f64) -> Result<Option<f64>, E>,
    ) -> Result<Option<f64>, E> {
        let Some((position, end, entry)) = self.find(name) else { return Ok(None) };
        let old = entry.score();
        // A small set holds no -0.
        let Some(score) = decide(old)?.map(|score| score + 0.0) else { return Ok(Some(old)) };
        if score > old {
            let place = self.place_of(end, name, score);
            self.drain(position..end, 1);
            self.insert_at(place - (end - position), name, score);
        } else if score < old {
            let place = self.place_of(START, name, score);
            self.drain(position..end, 1);
            self.insert_at(place, name, score);
        }
        Ok(Some(old))
    }

    /// Puts in a name that is not there.
    pub(super) fn add(&mut self, name: &[u8], score: f64) {
        let place = self.place_of(START, name, score);
        self.insert_at(place, name, score);
    }

    /// Where an entry belongs that is not before position `place`.
    fn place_of(&self, mut place: usize, name: &[u8], score: f64) -> usize {
        while let Some((entry, end)) = self.entry_at(place) {
            let held = entry.score();
            if held > score || held >= score && entry.name() > name {
                break;
            }
            place = end;
        }
        place
    }

    fn insert_at(&mut self, place: usize, name: &[u8], score: f64) {
        let (kind, bytes) = encode(score);
        let width = width_of(kind);
        let length = 2 + width + name.len();
        let count = self.bytes.first().copied().unwrap_or(0);
        // The first entry is after the count, for which there is no room yet either.
        let (place, before) = if self.bytes.is_empty() { (0, START) } else { (place, 0) };
        let Ok(stored) = u8::try_from(length) else { return };
        let Some(room) = self.bytes.splice(place..place, before + length) else { return };
        let parts = room.get_mut(before..).and_then(|room| {
            let (head, rest): (&mut [u8; 2], _) = room.split_first_chunk_mut()?;
            let (to_score, to_name) = rest.split_at_mut_checked(width)?;
            Some((head, to_score, to_name, bytes.get(..width)?))
        });
        if let Some((head, to_score, to_name, score)) = parts {
            *head = [stored, kind];
            to_score.copy_from_slice(score);
            to_name.copy_from_slice(name);
        }
        if let Some(held) = self.bytes.first_mut() {
            *held = count + 1;
        }
    }

    pub(super) fn remove(&mut self, name: &[u8]) -> Option<f64> {
        let (position, end, entry) = self.find(name)?;
        let old = entry.score();
        self.drain(position..end, 1);
        Some(old)
    }

    /// The position of the entry that has `rank` before it.
    fn position(&self, rank: usize) -> usize {
        let mut position = START;
        for _ in 0..rank {
            let Some((_, end)) = self.entry_at(position) else { break };
            position = end;
        }
        position
    }

    pub(super) fn remove_ranks(&mut self, from: usize, to: usize) {
        if let Some(count) = to.checked_sub(from).filter(|count| *count > 0) {
            self.drain(self.position(from)..self.position(to), count);
        }
    }

    /// How many entries are before a limit.
    pub(super) fn count_before(&self, limit: Limit<'_>) -> usize {
        self.iter().take_while(|(name, score)| limit.is_behind(*score, name)).count()
    }

    /// The entries in order.
    pub(super) fn iter(&self) -> Iter<'_> {
        Iter { packed: self, position: START }
    }
}

/// Entries in order.
#[derive(Debug, Clone)]
pub(super) struct Iter<'p> {
    packed: &'p Packed,
    position: usize,
}

impl<'p> Iterator for Iter<'p> {
    type Item = (&'p [u8], f64);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let (entry, end) = self.packed.entry_at(self.position)?;
        self.position = end;
        Some((entry.name(), entry.score()))
    }
}
