//! A growable byte string that takes little beside its bytes: what small collections are made of.

use std::fmt;
use std::ops::{Deref, DerefMut, Range};

/// Where the bytes start in their memory: behind two that hold how many they are.
const START: usize = 2;
/// Up to so much memory is not worth giving back.
const SMALL: usize = 128;

/// Up to [`Buffer::LONGEST`] bytes. It takes two words, and one piece of memory unless it is empty.
///
/// Growing, it takes what an allocator hands out anyway, and no more than an eighth beyond that.
#[derive(Clone, Default)]
pub(super) struct Buffer(Box<[u8]>);

/// A size that allocators hand out whole: a multiple of 16 bytes, less 8 that they keep, and never less than 24.
const fn whole(size: usize) -> usize {
    let size = (size + 8).next_multiple_of(16) - 8;
    if size < 24 { 24 } else { size }
}

impl Buffer {
    /// The most bytes that there can be: their number takes two bytes.
    pub(super) const LONGEST: usize = u16::MAX as usize;
    /// What its memory holds beside the bytes.
    pub(super) const OVERHEAD: usize = START;

    /// How many bytes there are.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.0.first_chunk().map_or(0, |length| usize::from(u16::from_le_bytes(*length)))
    }

    /// How many bytes there can be without growing.
    #[inline]
    pub(super) const fn capacity(&self) -> usize {
        self.0.len().saturating_sub(START)
    }

    #[inline]
    fn set_len(&mut self, length: usize) {
        if let (Some(place), Ok(length)) = (self.0.first_chunk_mut(), u16::try_from(length)) {
            *place = length.to_le_bytes();
        }
    }

    /// Makes room for more bytes, and none to spare beyond `most` in all; `false` if they would be too many.
    #[inline]
    pub(super) fn make_room(&mut self, more: usize, most: usize) -> bool {
        let needed = self.len() + more;
        if needed > self.capacity() {
            if needed > Self::LONGEST {
                return false;
            }
            let spare = if needed < SMALL { 0 } else { needed / 8 };
            let size = whole(START + needed + spare).min(START + most.min(Self::LONGEST)).max(START + needed);
            self.resize(size);
        }
        true
    }

    /// Takes so much memory.
    #[cold]
    #[inline(never)]
    fn resize(&mut self, size: usize) {
        let mut memory = Vec::from(std::mem::take(&mut self.0));
        memory.reserve_exact(size.saturating_sub(memory.len()));
        memory.resize(size, 0);
        self.0 = memory.into_boxed_slice();
    }

    /// Puts so many bytes in place of some and returns them, to be written: what they are now is not known.
    ///
    /// None, and nothing changed, if there are no such bytes, or there would be too many.
    #[inline]
    pub(super) fn splice(&mut self, range: Range<usize>, length: usize) -> Option<&mut [u8]> {
        let used = self.len();
        if range.start > range.end || range.end > used {
            return None;
        }
        if !self.make_room(length.saturating_sub(range.len()), Self::LONGEST) {
            return None;
        }
        self.set_len(used - range.len() + length);
        // There are none if no byte was ever put in.
        let bytes = self.0.get_mut(START..).unwrap_or_default();
        if range.end < used {
            bytes.copy_within(range.end..used, range.start + length);
        }
        bytes.get_mut(range.start..range.start + length)
    }

    /// Puts so many bytes behind all others and returns them, to be written, as [`Buffer::splice`] does.
    #[inline]
    pub(super) fn extend(&mut self, length: usize) -> Option<&mut [u8]> {
        let used = self.len();
        self.splice(used..used, length)
    }

    /// Takes bytes out, and gives memory back when most of it is unused.
    pub(super) fn remove(&mut self, range: Range<usize>) {
        if self.splice(range, 0).is_some() {
            self.give_back();
        }
    }

    /// Takes all bytes out from a position on.
    pub(super) fn truncate(&mut self, length: usize) {
        if length < self.len() {
            self.set_len(length);
            self.give_back();
        }
    }

    #[inline]
    fn give_back(&mut self) {
        let used = self.len();
        if self.0.len() > SMALL && used < self.0.len() / 4 {
            self.resize(whole(START + 2 * used));
        }
    }

    /// How much memory it takes beyond its own size.
    #[cfg(test)]
    pub(super) const fn bytes_held(&self) -> usize {
        self.0.len()
    }
}

impl Deref for Buffer {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        self.0.get(START..START + self.len()).unwrap_or_default()
    }
}

impl DerefMut for Buffer {
    #[inline]
    fn deref_mut(&mut self) -> &mut [u8] {
        let end = START + self.len();
        self.0.get_mut(START..end).unwrap_or_default()
    }
}

impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.escape_ascii())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_buffer_is_a_vector(steps in prop::collection::vec((0..400_usize, 0..40_usize, 0..60_usize, 0..4_u8), 0..200)) {
            let (mut buffer, mut model) = (Buffer::default(), Vec::new());
            for (number, (start, removed, added, what)) in (0_u8..=255).cycle().zip(steps) {
                let start = start.min(model.len());
                let end = (start + removed).min(model.len());
                match what {
                    0 => {
                        buffer.remove(start..end);
                        model.drain(start..end);
                        // What was asked for, or little.
                        let held = buffer.bytes_held();
                        prop_assert!(held <= SMALL || start == end || model.len() >= held / 4, "{} of {held}", model.len());
                    }
                    1 if removed < 3 => {
                        buffer.truncate(start);
                        model.truncate(start);
                    }
                    2 => {
                        buffer.extend(added).unwrap().fill(number);
                        model.resize(model.len() + added, number);
                    }
                    _ => {
                        buffer.splice(start..end, added).unwrap().fill(number);
                        model.splice(start..end, vec![number; added]);
                    }
                }
                prop_assert_eq!(&*buffer, &*model);
                prop_assert_eq!(buffer.len(), model.len());
                prop_assert!(buffer.bytes_held() % 16 == 8 || buffer.bytes_held() == 0);
            }
            prop_assert_eq!(&*buffer.clone(), &*model);
        }
    }

    #[test]
    fn an_empty_buffer_takes_no_memory_and_a_small_one_little() {
        assert_eq!((size_of::<Buffer>(), size_of::<Option<Buffer>>(), Buffer::default().bytes_held()), (16, 16, 0));
        for (length, held) in [(1, 24), (22, 24), (23, 40), (38, 40), (100, 104), (125, 136), (134, 152), (135, 168)] {
            let mut buffer = Buffer::default();
            buffer.extend(length).unwrap();
            assert_eq!((length, buffer.bytes_held()), (length, held));
        }
        let mut buffer = Buffer::default();
        assert!(buffer.make_room(1000, 1010));
        assert_eq!(buffer.bytes_held(), 1012);
    }

    #[test]
    fn what_is_no_place_or_too_much_changes_nothing() {
        let mut buffer = Buffer::default();
        buffer.extend(4).unwrap().copy_from_slice(b"four");
        assert!(buffer.splice(3..5, 0).is_none());
        assert!(buffer.splice(5..5, 1).is_none());
        assert!(buffer.extend(Buffer::LONGEST - 3).is_none());
        assert!(!buffer.make_room(usize::MAX / 2, usize::MAX));
        buffer.remove(2..9);
        buffer.truncate(5);
        assert_eq!(&*buffer, b"four");
        buffer.extend(Buffer::LONGEST - 4).unwrap().fill(b'x');
        assert_eq!(buffer.len(), Buffer::LONGEST);
        assert!(buffer.extend(1).is_none());
        buffer.truncate(4);
        assert_eq!((&*buffer, buffer.bytes_held()), (&b"four"[..], 24));
    }
}
