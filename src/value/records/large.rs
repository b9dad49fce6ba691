//! Strings that are kept by themselves, each under an index.

use super::super::bytes::Bytes;
use super::layout::index_in;

#[derive(Debug, Clone, Default)]
pub(super) struct Large<'a> {
    strings: Vec<Bytes<'a>>,
    /// Indexes that are free; the last one is taken first.
    free: Vec<u32>,
}

impl<'a> Large<'a> {
    pub(super) fn with_capacity(capacity: usize) -> Self {
        Self { strings: Vec::with_capacity(capacity), free: Vec::new() }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.strings.len() - self.free.len()
    }

    pub(super) fn is_half_empty(&self) -> bool {
        self.free.len() > self.strings.len() / 2
    }

    /// All by their index; an empty one where an index is free.
    #[inline]
    pub(super) fn all(&self) -> &[Bytes<'a>] {
        &self.strings
    }

    /// Keeps a string, and returns its index.
    pub(super) fn keep(&mut self, bytes: Bytes<'a>) -> u32 {
        if let Some(index) = self.free.pop()
            && let Some(place) = self.strings.get_mut(index as usize)
        {
            *place = bytes;
            return index;
        }
        self.strings.push(bytes);
        u32::try_from(self.strings.len() - 1).unwrap_or(u32::MAX)
    }

    /// Removes the string whose index is written in some bytes.
    pub(super) fn release(&mut self, index: &[u8]) -> Bytes<'a> {
        let index = index_in(index);
        let Some(bytes) = self.strings.get_mut(index).map(std::mem::take) else { return Bytes::default() };
        self.free.push(u32::try_from(index).unwrap_or(u32::MAX));
        bytes
    }

    #[cfg(test)]
    pub(super) fn bytes_held(&self) -> usize {
        size_of::<Self>() + self.strings.capacity() * size_of::<Bytes<'_>>() + self.free.capacity() * 4
    }
}
