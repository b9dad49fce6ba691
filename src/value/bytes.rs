//! A byte string that borrows from the log, or is small enough to need no memory of its own.

use std::borrow::Borrow;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;

/// Up to this many bytes a string lies in the value itself.
const INLINE: usize = 22;

/// A byte string: inline up to 22 bytes, borrowed from the log beyond that, owned where a command made it.
#[derive(Clone)]
pub struct Bytes<'a>(Repr<'a>);

#[derive(Clone)]
enum Repr<'a> {
    Inline {
        length: u8,
        bytes: [u8; INLINE],
    },
    Borrowed(&'a [u8]),
    // Boxed once more so that a string takes three words, not four.
    #[expect(clippy::box_collection, reason = "a vector's three words do not fit")]
    Owned(Box<Vec<u8>>),
}

impl<'a> Bytes<'a> {
    /// A string that the log holds.
    #[inline]
    pub fn borrowed(bytes: &'a [u8]) -> Self {
        Self::inline(bytes).unwrap_or(Self(Repr::Borrowed(bytes)))
    }

    /// A string that a command made.
    pub fn owned(bytes: Vec<u8>) -> Self {
        Self::inline(&bytes).unwrap_or_else(|| Self(Repr::Owned(Box::new(bytes))))
    }

    /// A copy of bytes that live shorter than the log.
    pub fn copied(bytes: &[u8]) -> Self {
        Self::inline(bytes).unwrap_or_else(|| Self(Repr::Owned(Box::new(bytes.to_vec()))))
    }

    /// The decimal digits of a number.
    pub fn from_integer(number: i64) -> Self {
        Self::copied(itoa::Buffer::new().format(number).as_bytes())
    }

    #[inline]
    fn inline(bytes: &[u8]) -> Option<Self> {
        let mut inline = [0; INLINE];
        inline.get_mut(..bytes.len())?.copy_from_slice(bytes);
        Some(Self(Repr::Inline { length: u8::try_from(bytes.len()).ok()?, bytes: inline }))
    }

    /// The bytes.
    #[inline]
    pub fn as_slice(&self) -> &[u8] {
        match &self.0 {
            Repr::Inline { length, bytes } => bytes.get(..usize::from(*length)).unwrap_or_default(),
            Repr::Borrowed(bytes) => bytes,
            Repr::Owned(bytes) => bytes,
        }
    }

    /// Whether the bytes need memory of their own.
    #[inline]
    pub(super) const fn is_owned(&self) -> bool {
        matches!(self.0, Repr::Owned(_))
    }

    /// Changes the bytes in place, as a vector; what was borrowed is copied once, so that appending costs what is
    /// appended.
    pub fn edit<R>(&mut self, change: impl FnOnce(&mut Vec<u8>) -> R) -> R {
        let mut bytes = match std::mem::take(self).0 {
            Repr::Owned(bytes) => bytes,
            other => Box::new(Self(other).into_vec()),
        };
        let result = change(&mut bytes);
        self.0 = Repr::Owned(bytes);
        result
    }

    /// The bytes as a vector.
    pub fn into_vec(self) -> Vec<u8> {
        match self.0 {
            Repr::Owned(bytes) => *bytes,
            _ => self.as_slice().to_vec(),
        }
    }
}

impl Default for Bytes<'_> {
    fn default() -> Self {
        Self(Repr::Inline { length: 0, bytes: [0; INLINE] })
    }
}

impl Deref for Bytes<'_> {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        self.as_slice()
    }
}

impl Borrow<[u8]> for Bytes<'_> {
    fn borrow(&self) -> &[u8] {
        self
    }
}

impl PartialEq for Bytes<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.as_slice() == other.as_slice()
    }
}

impl Eq for Bytes<'_> {}

impl PartialOrd for Bytes<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Bytes<'_> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.as_slice().cmp(other.as_slice())
    }
}

impl Hash for Bytes<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_slice().hash(state);
    }
}

impl fmt::Debug for Bytes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.as_slice().escape_ascii())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_what_they_were_made_of_however_they_are_kept() {
        for length in 0..100_u8 {
            let bytes: Vec<u8> = (0..length).collect();
            for made in [Bytes::borrowed(&bytes), Bytes::owned(bytes.clone()), Bytes::copied(&bytes)] {
                assert_eq!(&*made, bytes);
                let mut longer = made.clone();
                longer.edit(|bytes| bytes.push(b'x'));
                assert_eq!((longer.len(), longer.last()), (made.len() + 1, Some(&b'x')));
                assert_eq!(made.into_vec(), bytes);
            }
        }
        assert_eq!(&*Bytes::from_integer(i64::MIN), b"-9223372036854775808");
        assert_eq!(size_of::<Bytes<'_>>(), 24);
    }
}
