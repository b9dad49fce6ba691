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

/// Writes the bytes of a file as they are after edits, which are in order and do not overlap.
///
/// # Errors
/// What `out` returned.
pub fn write_edited(bytes: &[u8], edits: &[Edit], out: &mut impl Write) -> io::Result<()> {
    let index = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
    let mut at = 0;
    for edit in edits {
        out.write_all(bytes.get(at..index(edit.range.start)).unwrap_or_default())?;
        out.write_all(&edit.inserted)?;
        at = index(edit.range.end);
    }
    out.write_all(bytes.get(at..).unwrap_or_default())
}
