//! Listpacks (Redis `listpack.c`): a header of 6 bytes (total, count), entries that each end in their own length, 255.

use super::{At, Element, Sequence, signed, u16_at, u32_at};
use crate::rdb::fault::PackedFault;

const HEADER: usize = 6;
const END: u8 = 0xff;
/// The count in the header if there are too many entries to count.
const UNCOUNTED: u16 = u16::MAX;

/// Checks the frame: the size, the total in the header, the terminator.
///
/// # Errors
/// The first broken rule.
pub fn frame(blob: &[u8]) -> Result<(), At> {
    let total = u32_at(blob, 0).filter(|_| blob.len() > HEADER).ok_or(At::new(0, PackedFault::TooShort))?;
    if u64::from(total) != blob.len() as u64 {
        return Err(At::new(0, PackedFault::TotalBytes { claimed: total.into(), actual: blob.len() as u64 }));
    }
    if blob.last() != Some(&END) {
        return Err(At::new(blob.len() - 1, PackedFault::NoTerminator));
    }
    Ok(())
}

/// The number of entries in the header; `None` if it is not counted there.
pub fn stated_count(blob: &[u8]) -> Option<u64> {
    u16_at(blob, 4).filter(|count| *count != UNCOUNTED).map(u64::from)
}

/// The elements of a listpack with a valid frame.
#[derive(Debug, Clone)]
pub struct Elements<'a> {
    blob: &'a [u8],
    position: usize,
    count: u64,
}

/// An element and its offset.
pub type Located<'a> = (usize, Element<'a>);

impl<'a> Elements<'a> {
    /// Begins at the first element.
    pub fn new(blob: &'a [u8]) -> Self {
        Self { blob, position: HEADER, count: 0 }
    }

    /// The offset of the next element in the blob.
    pub fn position(&self) -> usize {
        self.position
    }
}

impl<'a> Sequence<'a> for Elements<'a> {
    fn count(&self) -> u64 {
        self.count
    }

    #[inline]
    fn next(&mut self) -> Result<Option<Located<'a>>, At> {
        let start = self.position;
        let overrun = At::new(start, PackedFault::EntryOverrun);
        // The last byte is the terminator: no entry may reach into it.
        let entries = self.blob.split_last().map_or(self.blob, |(_, entries)| entries);
        let Some((&first, rest)) = entries.get(start..).and_then(<[u8]>::split_first) else {
            return if start == entries.len() { Ok(None) } else { Err(overrun) };
        };
        if first == END {
            return Ok(None);
        }
        let (element, size) = decode(first, rest).map_err(|fault| At::new(start, fault))?;
        let back = back_size(size);
        let end = start + size + back;
        let lengths = entries.get(start..end).ok_or(overrun)?;
        if !ends_in(lengths, size, back) {
            return Err(At::new(start + size, PackedFault::Backlen));
        }
        self.position = end;
        self.count += 1;
        Ok(Some((start, element)))
    }

    fn finish(&self) -> Result<(), At> {
        if self.position + 1 != self.blob.len() {
            return Err(At::new(self.position, PackedFault::EarlyTerminator));
        }
        match stated_count(self.blob) {
            Some(claimed) if claimed != self.count => {
                Err(At::new(4, PackedFault::Count { claimed, actual: self.count }))
            }
            _ => Ok(()),
        }
    }
}

/// Decodes the element that begins with `first`, and returns its size without its backlen.
#[inline]
fn decode(first: u8, rest: &[u8]) -> Result<(Element<'_>, usize), PackedFault> {
    let string = |head: usize, length: usize| {
        let bytes = rest.get(head - 1..).and_then(|rest| rest.get(..length)).ok_or(PackedFault::EntryOverrun)?;
        Ok((Element::Bytes(bytes), head + length))
    };
    let byte = |at: usize| rest.get(at).copied().ok_or(PackedFault::EntryOverrun);
    let integer = |width: usize| {
        let bytes = rest.get(..width).ok_or(PackedFault::EntryOverrun)?;
        Ok((Element::Integer(signed(bytes)), width + 1))
    };
    match first {
        0..=0x7f => Ok((Element::Integer(i64::from(first)), 1)),
        0x80..=0xbf => string(1, usize::from(first & 0x3f)),
        0xc0..=0xdf => {
            let value = i64::from(first & 0x1f) << 8 | i64::from(byte(0)?);
            // 13 bits in two's complement.
            Ok((Element::Integer(if value < 1 << 12 { value } else { value - (1 << 13) }), 2))
        }
        0xe0..=0xef => string(2, usize::from(first & 0x0f) << 8 | usize::from(byte(0)?)),
        0xf0 => {
            let length = u32_at(rest, 0).ok_or(PackedFault::EntryOverrun)?;
            string(5, usize::try_from(length).map_err(|_| PackedFault::EntryOverrun)?)
        }
        0xf1 => integer(2),
        0xf2 => integer(3),
        0xf3 => integer(4),
        0xf4 => integer(8),
        _ => Err(PackedFault::Encoding(first)),
    }
}

/// The size of the backlen of an entry of `size` bytes.
#[inline]
pub(super) fn back_size(size: usize) -> usize {
    match size {
        0..=127 => 1,
        128..=16_382 => 2,
        16_383..=2_097_150 => 3,
        2_097_151..=268_435_454 => 4,
        _ => 5,
    }
}

/// Whether `entry` ends in its backlen `size`, which is read backwards: seven bits per byte, of which the high bit says
/// that another one precedes. As in the servers, only the value is checked, not the number of bytes.
#[inline]
fn ends_in(entry: &[u8], size: usize, back: usize) -> bool {
    if back == 1 && entry.last().is_some_and(|last| usize::from(*last) == size) {
        return true;
    }
    let mut value = 0_u64;
    for (index, byte) in entry.iter().rev().take(5).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return value == size as u64;
        }
    }
    false
}
