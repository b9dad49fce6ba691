//! Ziplists (Redis `ziplist.c`): a header of 10 bytes (total, offset of the last entry, count), entries that each begin
//! with the length of the one before, 255.

use super::{At, Element, Sequence, signed, u16_at, u32_at};
use crate::rdb::fault::PackedFault;

const HEADER: usize = 10;
const END: u8 = 0xff;
/// The first byte of a previous entry's length that takes five bytes.
const LONG_PREVIOUS: u8 = 0xfe;
/// The count in the header if there are too many entries to count.
const UNCOUNTED: u16 = u16::MAX;

/// Checks the frame: the size, the total and the tail in the header, the terminator.
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
    let tail = u64::from(u32_at(blob, 4).unwrap_or_default());
    if tail > blob.len() as u64 - 1 {
        return Err(At::new(4, PackedFault::Tail { claimed: tail, actual: blob.len() as u64 - 1 }));
    }
    Ok(())
}

/// The number of entries in the header; `None` if it is not counted there.
pub fn stated_count(blob: &[u8]) -> Option<u64> {
    u16_at(blob, 8).filter(|count| *count != UNCOUNTED).map(u64::from)
}

/// The elements of a ziplist with a valid frame.
#[derive(Debug, Clone)]
pub struct Elements<'a> {
    blob: &'a [u8],
    position: usize,
    /// The offset of the previous entry.
    previous: Option<usize>,
    count: u64,
}

impl<'a> Elements<'a> {
    /// Begins at the first element.
    pub fn new(blob: &'a [u8]) -> Self {
        Self { blob, position: HEADER, previous: None, count: 0 }
    }
}

impl<'a> Sequence<'a> for Elements<'a> {
    fn count(&self) -> u64 {
        self.count
    }

    fn next(&mut self) -> Result<Option<(usize, Element<'a>)>, At> {
        let start = self.position;
        let overrun = At::new(start, PackedFault::EntryOverrun);
        let entries = self.blob.split_last().map_or(self.blob, |(_, entries)| entries);
        let Some((&first, rest)) = entries.get(start..).and_then(<[u8]>::split_first) else {
            return if start == entries.len() { Ok(None) } else { Err(overrun) };
        };
        if first == END {
            return Ok(None);
        }
        let (claimed, rest, head) = if first < LONG_PREVIOUS {
            (u64::from(first), rest, 1)
        } else {
            (u32_at(rest, 0).ok_or(overrun)?.into(), rest.get(4..).unwrap_or_default(), 5)
        };
        let (element, size) = decode(rest).map_err(|fault| At::new(start + head, fault))?;
        let actual = self.previous.map_or(0, |previous| (start - previous) as u64);
        if claimed != actual {
            return Err(At::new(start, PackedFault::PreviousLength { claimed, actual }));
        }
        self.previous = Some(start);
        self.position = start + head + size;
        self.count += 1;
        Ok(Some((start, element)))
    }

    fn finish(&self) -> Result<(), At> {
        if self.position + 1 != self.blob.len() {
            return Err(At::new(self.position, PackedFault::EarlyTerminator));
        }
        let claimed = u64::from(u32_at(self.blob, 4).unwrap_or_default());
        if let Some(actual) = self.previous.map(|previous| previous as u64).filter(|actual| *actual != claimed) {
            return Err(At::new(4, PackedFault::Tail { claimed, actual }));
        }
        match stated_count(self.blob) {
            Some(claimed) if claimed != self.count => {
                Err(At::new(8, PackedFault::Count { claimed, actual: self.count }))
            }
            _ => Ok(()),
        }
    }
}

/// Decodes the element whose encoding is the first byte of `bytes`, and returns its size.
fn decode(bytes: &[u8]) -> Result<(Element<'_>, usize), PackedFault> {
    let (&encoding, rest) = bytes.split_first().ok_or(PackedFault::EntryOverrun)?;
    let string = |head: usize, length: usize| {
        let bytes = rest.get(head - 1..).and_then(|rest| rest.get(..length)).ok_or(PackedFault::EntryOverrun)?;
        Ok((Element::Bytes(bytes), head + length))
    };
    let integer = |width: usize| {
        let bytes = rest.get(..width).ok_or(PackedFault::EntryOverrun)?;
        Ok((Element::Integer(signed(bytes)), width + 1))
    };
    match encoding {
        0..=0x3f => string(1, usize::from(encoding)),
        0x40..=0x7f => {
            let low = rest.first().copied().ok_or(PackedFault::EntryOverrun)?;
            string(2, usize::from(encoding & 0x3f) << 8 | usize::from(low))
        }
        0x80..=0xbf => {
            let length = rest.first_chunk().copied().map(u32::from_be_bytes).ok_or(PackedFault::EntryOverrun)?;
            string(5, usize::try_from(length).map_err(|_| PackedFault::EntryOverrun)?)
        }
        0xc0 => integer(2),
        0xd0 => integer(4),
        0xe0 => integer(8),
        0xf0 => integer(3),
        0xfe => integer(1),
        0xf1..=0xfd => Ok((Element::Integer(i64::from(encoding & 0x0f) - 1), 1)),
        _ => Err(PackedFault::Encoding(encoding)),
    }
}
