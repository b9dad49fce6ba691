//! A change of a file, as data: bytes that go, and those that come in their place.

use std::io::{self, Write};
use std::ops::Range;

/// Bytes of a file that go, and those that come in their place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// The bytes that go; where it is empty, bytes are only added.
    pub range: Range<u64>,
    /// The bytes that come in their place: mostly none.
    pub inserted: Vec<u8>,
}

impl Edit {
    /// An edit that only removes bytes.
    pub const fn removing(range: Range<u64>) -> Self {
        Self { range, inserted: Vec::new() }
    }

    /// How many bytes go.
    pub const fn removed(&self) -> u64 {
        self.range.end - self.range.start
    }
}

/// A stretch of a file as it is after edits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece<'e> {
    /// Bytes of the file.
    Kept(Range<u64>),
    /// Other bytes.
    Inserted(&'e [u8]),
}

/// What a file of so many bytes consists of after edits, which are in order and do not overlap.
pub(super) fn pieces(length: u64, edits: &[Edit]) -> impl Iterator<Item = Piece<'_>> {
    let starts = std::iter::once(0).chain(edits.iter().map(|edit| edit.range.end));
    let ends = edits.iter().map(|edit| edit.range.start).chain(std::iter::once(length));
    let inserted = edits.iter().map(|edit| edit.inserted.as_slice()).chain(std::iter::once(&[][..]));
    let each = starts.zip(ends).zip(inserted);
    each.flat_map(|((start, end), inserted)| [Piece::Kept(start..end), Piece::Inserted(inserted)])
}

/// Writes the bytes of a file as they are after edits, which are in order and do not overlap.
///
/// # Errors
/// What `out` returned.
pub fn write_edited(bytes: &[u8], edits: &[Edit], out: &mut impl Write) -> io::Result<()> {
    let index = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
    pieces(bytes.len() as u64, edits).try_for_each(|piece| match piece {
        Piece::Kept(range) => out.write_all(bytes.get(index(range.start)..index(range.end)).unwrap_or_default()),
        Piece::Inserted(inserted) => out.write_all(inserted),
    })
}

/// The bytes of a file as they are after edits, and where each of them is in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edited {
    bytes: Vec<u8>,
    edits: Vec<Edit>,
    /// Where the edits are in the bytes after them.
    places: Vec<u64>,
}

impl Edited {
    /// Carries out edits, which are in order and do not overlap, on a copy of the bytes of a file.
    pub fn new(bytes: &[u8], edits: Vec<Edit>) -> Self {
        let mut shift = (0, 0);
        let place = |edit: &Edit| {
            let place = edit.range.start + shift.0 - shift.1;
            shift = (shift.0 + edit.inserted.len() as u64, shift.1 + edit.removed());
            place
        };
        let places = edits.iter().map(place).collect();
        let mut edited = Vec::with_capacity(bytes.len());
        // A vector takes whatever it is given.
        let _ = write_edited(bytes, &edits, &mut edited);
        Self { bytes: edited, edits, places }
    }

    /// The bytes after the edits.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The edits.
    pub fn edits(&self) -> &[Edit] {
        &self.edits
    }

    /// The offset in the file of the byte at `place` after the edits; of an inserted byte, that of the byte which it
    /// takes the place of, or of the end of the edit.
    pub fn offset_in_file(&self, place: u64) -> u64 {
        let before = self.places.partition_point(|edit| *edit <= place);
        let edit = before.checked_sub(1).and_then(|index| Some((self.edits.get(index)?, self.places.get(index)?)));
        let Some((Edit { range, inserted }, start)) = edit else { return place };
        match (place - start).checked_sub(inserted.len() as u64) {
            Some(after) => range.end + after,
            None => range.end.min(range.start + (place - start)),
        }
    }

    /// The place after the edits of the byte at an offset in the file; of a removed one, where the edit is.
    pub fn place_of(&self, offset: u64) -> u64 {
        let before = self.edits.partition_point(|edit| edit.range.start < offset);
        let edit = before.checked_sub(1).and_then(|index| Some((self.edits.get(index)?, self.places.get(index)?)));
        let Some((Edit { range, inserted }, start)) = edit else { return offset };
        match offset.checked_sub(range.end) {
            Some(after) => start + inserted.len() as u64 + after,
            None => *start,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_in_the_file_and_after_edits_correspond() {
        let edit = |range, inserted: &[u8]| Edit { range, inserted: inserted.to_vec() };
        let edits = vec![edit(2..4, b""), edit(5..6, b"x"), edit(8..8, b"new"), edit(10..12, b"")];
        let edited = Edited::new(b"0123456789ab", edits);
        assert_eq!(edited.bytes(), b"014x67new89");
        let offsets: Vec<u64> = (0..=11).map(|place| edited.offset_in_file(place)).collect();
        assert_eq!(offsets, [0, 1, 4, 5, 6, 7, 8, 8, 8, 8, 9, 12]);
        let places: Vec<u64> = (0..=12).map(|offset| edited.place_of(offset)).collect();
        assert_eq!(places, [0, 1, 2, 2, 2, 3, 4, 5, 6, 10, 11, 11, 11]);
    }

    #[test]
    fn without_edits_nothing_moves() {
        let edited = Edited::new(b"0123", Vec::new());
        assert_eq!((edited.bytes(), edited.offset_in_file(3), edited.place_of(4)), (&b"0123"[..], 3, 4));
    }
}
