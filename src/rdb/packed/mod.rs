//! The packed encodings: small collections in one blob.
//!
//! Each has a check of its frame (which servers do with any configuration) and an iterator that checks each element
//! before it returns it (which servers do with `sanitize-dump-payload yes`, and the checkers always).

pub mod build;
pub mod intset;
pub mod listpack;
pub mod ziplist;
pub mod zipmap;

use super::fault::PackedFault;
use crate::resp::parse_integer;

/// One element of a packed encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Element<'a> {
    /// A string.
    Bytes(&'a [u8]),
    /// A number; as a string, its decimal digits.
    Integer(i64),
}

impl Element<'_> {
    /// Passes the element as a string to `take`.
    #[inline]
    pub fn with_bytes<R>(&self, take: impl FnOnce(&[u8]) -> R) -> R {
        match self {
            Self::Bytes(bytes) => take(bytes),
            Self::Integer(number) => take(itoa::Buffer::new().format(*number).as_bytes()),
        }
    }

    /// The element as a whole number, if it is one.
    #[inline]
    pub fn integer(&self) -> Option<i64> {
        match self {
            Self::Integer(number) => Some(*number),
            Self::Bytes(bytes) => parse_integer(bytes),
        }
    }
}

/// Elements that are read one by one, with a check at the end.
pub trait Sequence<'a>: Clone {
    /// The next element and its offset in the blob; none at the end.
    ///
    /// # Errors
    /// What is wrong with that element.
    fn next(&mut self) -> Result<Option<(usize, Element<'a>)>, At>;

    /// Checks after the last element the place of the terminator and the counts in the header.
    ///
    /// # Errors
    /// The first wrong one.
    fn finish(&self) -> Result<(), At>;

    /// The number of elements that were returned.
    fn count(&self) -> u64;
}

/// A fault at an offset of the blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct At {
    /// The offset in the blob.
    pub offset: usize,
    /// What is wrong there.
    pub fault: PackedFault,
}

impl At {
    pub(super) fn new(offset: usize, fault: PackedFault) -> Self {
        Self { offset, fault }
    }
}

/// The little-endian number of two bytes at `offset`.
fn u16_at(blob: &[u8], offset: usize) -> Option<u16> {
    blob.get(offset..)?.first_chunk().copied().map(u16::from_le_bytes)
}

/// The little-endian number of four bytes at `offset`.
fn u32_at(blob: &[u8], offset: usize) -> Option<u32> {
    blob.get(offset..)?.first_chunk().copied().map(u32::from_le_bytes)
}

/// The little-endian signed number in at most 8 bytes.
#[inline]
fn signed(bytes: &[u8]) -> i64 {
    let unused = 64_usize.saturating_sub(8 * bytes.len()) % 64;
    let value = bytes.iter().rev().fold(0_u64, |value, byte| value << 8 | u64::from(*byte));
    (value << unused).cast_signed() >> unused
}

#[cfg(test)]
mod tests;
