//! Zipmaps (Redis `zipmap.c`, written before 2.6): a count, then field, value and unused bytes of each pair, 255.

use super::{At, u32_at};
use crate::rdb::fault::PackedFault;

const END: u8 = 0xff;
/// The first byte of a length that takes five bytes; also the count if there are too many pairs to count.
const LONG: u8 = 0xfe;

/// Checks the frame: the size and the terminator.
///
/// # Errors
/// [`PackedFault::TooShort`] or [`PackedFault::NoTerminator`].
pub fn frame(blob: &[u8]) -> Result<(), At> {
    match blob {
        [] | [_] => Err(At::new(0, PackedFault::TooShort)),
        [.., END] => Ok(()),
        _ => Err(At::new(blob.len() - 1, PackedFault::NoTerminator)),
    }
}

/// A field, its value, and the offset of the field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pair<'a> {
    /// The offset of the field's length in the blob.
    pub offset: usize,
    /// The field.
    pub field: &'a [u8],
    /// The value.
    pub value: &'a [u8],
}

/// The pairs of a zipmap with a valid frame.
#[derive(Debug, Clone)]
pub struct Pairs<'a> {
    blob: &'a [u8],
    position: usize,
    count: u64,
}

impl<'a> Pairs<'a> {
    /// Begins at the first pair.
    pub fn new(blob: &'a [u8]) -> Self {
        Self { blob, position: 1, count: 0 }
    }

    /// The number of pairs that were returned.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The next pair; `None` at the terminator.
    ///
    /// # Errors
    /// [`PackedFault::EntryOverrun`].
    pub fn next_pair(&mut self) -> Result<Option<Pair<'a>>, At> {
        let offset = self.position;
        if self.blob.get(offset).is_none_or(|first| *first == END) {
            return Ok(None);
        }
        let overrun = At::new(offset, PackedFault::EntryOverrun);
        let (field, position) = self.string(offset, 0).ok_or(overrun)?;
        let (value, position) = self.string(position, 1).ok_or(overrun)?;
        // The last byte is the terminator, beyond which a pair must not extend.
        if position >= self.blob.len() {
            return Err(overrun);
        }
        self.position = position;
        self.count += 1;
        Ok(Some(Pair { offset, field, value }))
    }

    /// The string whose length is at `offset`, and the offset after it. `unused` is the number of bytes between length
    /// and string that hold the number of unused bytes after it.
    fn string(&self, offset: usize, unused: usize) -> Option<(&'a [u8], usize)> {
        let first = *self.blob.get(offset)?;
        let (length, head) =
            if first < LONG { (usize::from(first), 1) } else { (u32_at(self.blob, offset + 1)? as usize, 5) };
        let free = if unused == 0 { 0 } else { usize::from(*self.blob.get(offset + head)?) };
        let start = offset + head + unused;
        let string = self.blob.get(start..start.checked_add(length)?)?;
        Some((string, start + length + free))
    }

    /// Checks the count after the last pair. No server objects to bytes between the terminator and the last byte.
    ///
    /// # Errors
    /// [`PackedFault::Empty`] or [`PackedFault::Count`].
    pub fn finish(&self) -> Result<(), At> {
        let claimed = self.blob.first().copied().unwrap_or_default();
        if self.count == 0 {
            return Err(At::new(1, PackedFault::Empty));
        }
        if claimed != LONG && u64::from(claimed) != self.count {
            return Err(At::new(0, PackedFault::Count { claimed: claimed.into(), actual: self.count }));
        }
        Ok(())
    }
}
