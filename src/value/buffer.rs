//! A growable byte string that takes little beside its bytes: what small collections are made of.

use crate::value::prefetch;
use std::fmt;
use std::ops::{Deref, DerefMut, Range};

/// Where the bytes start in their memory: after two that hold how many they are.
const START: usize = 2;
/// So much memory lies in the buffer itself.
const INLINE: usize = 15;
/// Up to so much memory is not worth giving back.
const SMALL: usize = 128;

/// Up to [`Buffer::LONGEST`] bytes. It takes two words, and one piece of memory if it has more than 13 bytes.
///
/// Growing, it takes what an allocator hands out anyway, and no more than an eighth beyond that.
#[derive(Default)]
pub(super) struct Buffer(Memory);

/// Memory of some sizes, from the smallest on: known by their type, they need no room in the buffer.
macro_rules! memory {
    ($($name:ident $size:literal),*) => {
        enum Memory {
            Inline([u8; INLINE]),
            $($name(Box<[u8; $size]>)),*
        }

        impl Memory {
            const SIZES: &[usize] = &[INLINE, $($size),*];

            #[inline]
            fn bytes(&self) -> &[u8] {
                match self {
                    Self::Inline(bytes) => bytes,
                    $(Self::$name(bytes) => bytes.as_slice()),*
                }
            }

            #[inline]
            fn bytes_mut(&mut self) -> &mut [u8] {
                match self {
                    Self::Inline(bytes) => bytes,
                    $(Self::$name(bytes) => bytes.as_mut_slice()),*
                }
            }

            /// Takes a vector's memory over, which is of one of the sizes.
            fn of(memory: Vec<u8>) -> Self {
                let boxed = match memory.len() {
                    $($size => memory.try_into().map(Self::$name),)*
                    _ => Err(memory),
                };
                boxed.unwrap_or_default()
            }
        }
    };
}

// Multiples of 16 bytes, less 8 that allocators keep; from 200 or so on, each an eighth more than the one before. With
// sizes that double, small sets, hashes and sorted sets took a fifth more memory, and a digest of them 3 % more time.
memory!(
    B24 24, B40 40, B56 56, B72 72, B88 88, B104 104, B120 120, B136 136, B152 152, B168 168, B184 184,
    B216 216, B248 248, B280 280, B312 312, B360 360, B408 408, B456 456, B520 520, B584 584, B664 664,
    B744 744, B840 840, B936 936, B1016 1016, B1144 1144, B1288 1288, B1448 1448, B1640 1640, B1848 1848,
    B2088 2088, B2360 2360, B2664 2664, B3000 3000, B3384 3384, B3816 3816, B4296 4296, B5112 5112,
    B5736 5736, B6456 6456, B7272 7272, B8184 8184, B9208 9208, B10360 10360
);

impl Default for Memory {
    fn default() -> Self {
        Self::Inline([0; INLINE])
    }
}

impl Buffer {
    /// The most memory that there can be.
    const MOST: usize = match Memory::SIZES.last() {
        Some(size) => *size,
        None => INLINE,
    };
    /// The most bytes that there can be.
    pub(super) const LONGEST: usize = Self::MOST - START;
    /// What its memory holds beside the bytes.
    pub(super) const OVERHEAD: usize = START;

    /// How many bytes there are, and all that there is room for: what they are is known of so many.
    #[inline]
    fn parts(&self) -> (usize, &[u8]) {
        match self.0.bytes().split_first_chunk() {
            Some((length, bytes)) => (usize::from(u16::from_le_bytes(*length)), bytes),
            None => (0, &[]),
        }
    }

    /// How many bytes there are, as it is written, and all that there is room for.
    #[inline]
    fn parts_mut(&mut self) -> Option<(&mut [u8; START], &mut [u8])> {
        self.0.bytes_mut().split_first_chunk_mut()
    }

    /// The bytes, and how many there can be without growing.
    #[inline]
    pub(super) fn with_capacity(&self) -> (&[u8], usize) {
        let (used, bytes) = self.parts();
        (bytes.get(..used).unwrap_or_default(), bytes.len())
    }

    /// Brings the first lines of its memory into the cache, all of them at once: the type says how many there are, so
    /// that the processor need not wait for the length. What is read on from there in order, processors fetch ahead
    /// themselves.
    #[inline]
    pub(super) fn prefetch(&self) {
        const CACHE_LINE: usize = 64;
        const LINES: usize = 16;
        let lines = self.0.bytes().iter().step_by(CACHE_LINE).take(LINES);
        prefetch(lines.fold(0, |all, byte| all ^ byte));
    }

    /// Makes room for more bytes; `false` if they would be too many.
    #[inline]
    pub(super) fn make_room(&mut self, more: usize) -> bool {
        let (used, bytes) = self.parts();
        used + more <= bytes.len() || self.resize(used + more)
    }

    /// Takes the memory that so many bytes need; `false` if there is none of such a size.
    #[cold]
    #[inline(never)]
    fn resize(&mut self, length: usize) -> bool {
        let index = Memory::SIZES.partition_point(|size| *size < START + length);
        let Some(size) = Memory::SIZES.get(index).copied() else { return false };
        let old = self.0.bytes();
        self.0 = if size > INLINE {
            // A new piece rather than a longer one: glibc has pieces of this size at hand, and looks at what is around
            // the old one to make it longer, which took 4 % of a rewrite of small sorted sets and hashes.
            let mut memory = Vec::with_capacity(size);
            memory.extend_from_slice(old.get(..size).unwrap_or(old));
            memory.resize(size, 0);
            Memory::of(memory)
        } else {
            let mut inline = [0; INLINE];
            inline.iter_mut().zip(old).for_each(|(to, from)| *to = *from);
            Memory::Inline(inline)
        };
        true
    }

    /// Puts so many bytes in place of some and returns them, to be written: what they are now is not known.
    ///
    /// None, and nothing changed, if there are no such bytes, or there would be too many.
    #[inline]
    pub(super) fn splice(&mut self, range: Range<usize>, length: usize) -> Option<&mut [u8]> {
        let (used, bytes) = self.parts();
        if range.start > range.end || range.end > used {
            return None;
        }
        let needed = used - range.len() + length;
        if needed > bytes.len() && !self.resize(needed) {
            return None;
        }
        let (written, bytes) = self.parts_mut()?;
        *written = u16::try_from(needed).ok()?.to_le_bytes();
        if range.end < used {
            bytes.copy_within(range.end..used, range.start + length);
        }
        bytes.get_mut(range.start..range.start + length)
    }

    /// Puts so many bytes after all others and returns them, to be written, as [`Buffer::splice`] does.
    #[inline]
    pub(super) fn extend(&mut self, length: usize) -> Option<&mut [u8]> {
        let used = self.len();
        self.splice(used..used, length)
    }

    /// Puts so many bytes after all others and returns all of them: what the new ones are now is not known.
    #[inline]
    pub(super) fn extended(&mut self, length: usize) -> Option<&mut [u8]> {
        let (used, bytes) = self.parts();
        let needed = used + length;
        if needed > bytes.len() && !self.resize(needed) {
            return None;
        }
        let (written, bytes) = self.parts_mut()?;
        *written = u16::try_from(needed).ok()?.to_le_bytes();
        bytes.get_mut(..needed)
    }

    /// Removes bytes, and gives memory back when most of it is unused.
    pub(super) fn remove(&mut self, range: Range<usize>) {
        if self.splice(range, 0).is_some() {
            self.give_back();
        }
    }

    /// Removes all bytes from a position on.
    pub(super) fn truncate(&mut self, length: usize) {
        if length < self.len() {
            self.splice(length..self.len(), 0);
            self.give_back();
        }
    }

    #[inline]
    fn give_back(&mut self) {
        let (used, bytes) = self.parts();
        if bytes.len() > SMALL && used < bytes.len() / 4 {
            self.resize(2 * used);
        }
    }

    /// How much memory it takes beyond its own size.
    #[cfg(test)]
    pub(super) fn bytes_held(&self) -> usize {
        if let Memory::Inline(_) = self.0 { 0 } else { self.0.bytes().len() }
    }
}

impl Clone for Buffer {
    fn clone(&self) -> Self {
        let mut copy = Self::default();
        if let Some(room) = copy.extend(self.len()) {
            room.copy_from_slice(self);
        }
        copy
    }
}

impl Deref for Buffer {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        let (used, bytes) = self.parts();
        bytes.get(..used).unwrap_or_default()
    }
}

impl DerefMut for Buffer {
    #[inline]
    fn deref_mut(&mut self) -> &mut [u8] {
        let parts = self.parts_mut();
        parts.and_then(|(used, bytes)| bytes.get_mut(..usize::from(u16::from_le_bytes(*used)))).unwrap_or_default()
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
        fn a_buffer_is_a_vector(
            steps in prop::collection::vec((0..400_usize, 0..40_usize, 0..60_usize, 0..4_u8), 0..200),
        ) {
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
                        let is_used = model.len() >= held.saturating_sub(START) / 4;
                        prop_assert!(held <= SMALL || start == end || is_used, "{} of {held}", model.len());
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
        for (length, held) in [(0, 0), (13, 0), (14, 24), (22, 24), (23, 40), (38, 40), (134, 136), (1014, 1016)] {
            let mut buffer = Buffer::default();
            buffer.extend(length).unwrap();
            assert_eq!((length, buffer.bytes_held()), (length, held));
        }
        let sizes = Memory::SIZES;
        assert!(sizes.iter().skip(1).all(|size| size % 16 == 8));
        assert!(sizes.windows(2).skip(8).all(|pair| pair[0] < pair[1] && pair[1] - pair[0] <= pair[0] / 5));
    }

    #[test]
    fn what_is_no_place_or_too_much_changes_nothing() {
        let mut buffer = Buffer::default();
        buffer.extend(4).unwrap().copy_from_slice(b"four");
        assert!(buffer.splice(3..5, 0).is_none());
        assert!(buffer.splice(5..5, 1).is_none());
        assert!(buffer.extend(Buffer::LONGEST - 3).is_none());
        assert!(!buffer.make_room(usize::MAX / 2));
        buffer.remove(2..9);
        buffer.truncate(5);
        assert_eq!(&*buffer, b"four");
        buffer.extend(Buffer::LONGEST - 4).unwrap().fill(b'x');
        assert_eq!(buffer.len(), Buffer::LONGEST);
        assert!(buffer.extend(1).is_none());
        buffer.truncate(4);
        assert_eq!((&*buffer, buffer.bytes_held()), (&b"four"[..], 0));
    }
}
