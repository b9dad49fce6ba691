//! A string on its way into a collection.

use super::bytes::Bytes;

/// A string to put into a collection: a slice of the log, or one that was made.
///
/// Collections copy what is short into their packed memory, and keep a [`Bytes`] of what is long.
#[derive(Debug, Clone)]
pub enum Text<'a> {
    /// The log holds it.
    Log(&'a [u8]),
    /// It was made, or decoded.
    Made(Bytes<'a>),
}

impl<'a> Text<'a> {
    /// The longest string that is ever copied into packed memory: its length must fit seven bits beside the marks
    /// there.
    pub(super) const LONGEST_PACKED: usize = 120;

    /// The bytes.
    #[inline]
    pub fn as_slice(&self) -> &[u8] {
        match self {
            Self::Log(bytes) => bytes,
            Self::Made(bytes) => bytes,
        }
    }

    /// Keeps it by itself.
    pub fn into_bytes(self) -> Bytes<'a> {
        match self {
            Self::Log(bytes) => Bytes::borrowed(bytes),
            Self::Made(bytes) => bytes,
        }
    }

    /// Whether to copy it into packed memory, where a slice of the log is copied up to `limit` bytes and one that would
    /// need memory of its own further.
    #[inline]
    pub(super) fn packs(&self, limit: usize) -> bool {
        match self {
            Self::Log(bytes) => bytes.len() <= limit,
            Self::Made(bytes) => bytes.len() <= limit || (bytes.is_owned() && bytes.len() <= Self::LONGEST_PACKED),
        }
    }
}

impl<'a> From<&'a [u8]> for Text<'a> {
    #[inline]
    fn from(bytes: &'a [u8]) -> Self {
        Self::Log(bytes)
    }
}

impl<'a> From<Bytes<'a>> for Text<'a> {
    fn from(bytes: Bytes<'a>) -> Self {
        Self::Made(bytes)
    }
}
