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
