//! A piece of a list: some hundred small elements packed one after another, or up to [`PLAIN`] of any size.

use std::collections::{VecDeque, vec_deque};

use super::super::buffer::Buffer;
use super::super::bytes::Bytes;
use super::super::text::Text;

/// The most memory that packed elements of one block take: what an allocation of 1,024 bytes leaves.
const MEMORY: usize = 1016;
/// What precedes the elements: how long the gap before the first one is, and how many there are.
const HEADER: usize = 3;
/// The most bytes that packed elements of one block take.
const PACKED: usize = MEMORY - Buffer::OVERHEAD - HEADER;
/// The room of a block that will be filled.
pub(super) const FULL: usize = HEADER + PACKED;
/// The most elements of a block that keeps each by itself.
const PLAIN: usize = 128;
/// A slice of the log is packed up to so many bytes: what a [`Bytes`] takes.
const SMALL: usize = 24;
/// What packing adds to an element: its length on both sides.
const FRAME: usize = 2;
// Four bits of the header hold the upper byte of a position, and of a number of elements.
const _: () = assert!(PACKED < 1 << 12);

/// Some neighbouring elements of a long list.
#[derive(Debug, Clone)]
pub(super) enum Block<'a> {
    Packed(Packed),
    // Boxed so that a packed block, of which there are many more, takes two words.
    Plain(Box<Plain<'a>>),
}

/// Small elements one after another, each between two bytes that hold its length, so that they can be read from both
/// ends.
///
/// What was popped at the head leaves a gap before the first element.
#[derive(Debug, Clone, Default)]
pub(super) struct Packed(Buffer);

/// Elements of any size, each by itself.
#[derive(Debug, Clone, Default)]
pub(super) struct Plain<'a>(VecDeque<Bytes<'a>>);

/// An end of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The left.
    Head,
    /// The right.
    Tail,
}

impl Default for Block<'_> {
    fn default() -> Self {
        Self::Packed(Packed::default())
    }
}

/// Does the same with elements of either kind.
macro_rules! with {
    ($block:expr, $elements:ident => $what:expr) => {
        match $block {
            Block::Packed($elements) => $what,
            Block::Plain($elements) => $what,
        }
    };
}

impl<'a> Block<'a> {
    /// A block of one element, with room for so many bytes of packed ones.
    pub(super) fn of(text: Text<'a>, room: usize) -> Self {
        let mut packed = Packed::default();
        packed.0.make_room(room);
        match packed.push(End::Tail, text) {
            Ok(()) => Self::Packed(packed),
            Err(text) => Self::Plain(Box::new(Plain::of(text))),
        }
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        with!(self, elements => elements.len())
    }

    /// Adds an element at an end, or gives it back if the block is full or not for such elements.
    #[inline]
    pub(super) fn push(&mut self, end: End, text: Text<'a>) -> Result<(), Text<'a>> {
        with!(self, elements => elements.push(end, text))
    }

    /// Removes the element at an end.
    pub(super) fn pop(&mut self, end: End) -> Option<Bytes<'a>> {
        with!(self, elements => elements.pop(end))
    }

    /// Drops elements at an end.
    #[inline]
    pub(super) fn drop_elements(&mut self, end: End, count: usize) {
        with!(self, elements => elements.drop_elements(end, count));
    }

    pub(super) fn get(&self, index: usize) -> Option<&[u8]> {
        with!(self, elements => elements.get(index))
    }

    /// Replaces an element, or gives the new one back if there is no room for it, or it is not for such a block.
    pub(super) fn set(&mut self, index: usize, text: Text<'a>) -> Result<(), Text<'a>> {
        with!(self, elements => elements.set(index, text))
    }

    /// Keeps each element by itself from now on; `false` if they are too many for that.
    pub(super) fn unpack(&mut self) -> bool {
        if self.len() > PLAIN / 2 {
            return false;
        }
        if let Self::Packed(packed) = self {
            *self = Self::Plain(Box::new(Plain(packed.elements().map(Bytes::copied).collect())));
        }
        true
    }

    /// Inserts an element before an index, or gives it back if there is no room for it, or it is not for such a block.
    pub(super) fn insert(&mut self, index: usize, text: Text<'a>) -> Result<(), Text<'a>> {
        with!(self, elements => elements.insert(index, text))
    }

    /// Removes an element.
    pub(super) fn remove(&mut self, index: usize) {
        with!(self, elements => elements.remove(index));
    }

    /// Takes out up to `most` of the elements that are equal to one, those nearest to an end; returns how many.
    pub(super) fn remove_equal(&mut self, element: &[u8], from: End, most: usize) -> usize {
        with!(self, elements => elements.remove_equal(element, from, most))
    }

    /// Cuts the elements from an index on off.
    pub(super) fn split_off(&mut self, index: usize) -> Self {
        match self {
            Self::Packed(packed) => Self::Packed(packed.split_off(index)),
            Self::Plain(plain) => Self::Plain(Box::new(Plain(plain.0.split_off(index.min(plain.len()))))),
        }
    }

    /// Takes the elements of the block after it, if both are of a kind and together leave some room.
    pub(super) fn absorb(&mut self, next: &mut Self) -> bool {
        match (&mut *self, &mut *next) {
            (_, next) if next.len() == 0 => true,
            (this, next) if this.len() == 0 => {
                *this = std::mem::take(next);
                true
            }
            (Self::Packed(packed), Self::Packed(next)) => packed.absorb(next),
            (Self::Plain(plain), Self::Plain(next)) if plain.len() + next.len() <= PLAIN / 4 * 3 => {
                plain.0.append(&mut next.0);
                true
            }
            _ => false,
        }
    }

    /// How much memory it takes beyond its own size, about.
    #[cfg(test)]
    pub(super) fn bytes_held(&self) -> usize {
        with!(self, elements => elements.bytes_held())
    }

    pub(super) fn iter(&self) -> BlockIter<'_, 'a> {
        with!(self, elements => elements.iter())
    }
}

impl<'a> Plain<'a> {
    /// One element.
    pub(super) fn of(text: Text<'a>) -> Self {
        let mut elements = VecDeque::with_capacity(1);
        elements.push_back(text.into_bytes());
        Self(elements)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// As [`Block::push`].
    pub(super) fn push(&mut self, end: End, text: Text<'a>) -> Result<(), Text<'a>> {
        if self.0.len() >= PLAIN {
            return Err(text);
        }
        match end {
            End::Head => self.0.push_front(text.into_bytes()),
            End::Tail => self.0.push_back(text.into_bytes()),
        }
        Ok(())
    }

    /// As [`Block::pop`].
    pub(super) fn pop(&mut self, end: End) -> Option<Bytes<'a>> {
        match end {
            End::Head => self.0.pop_front(),
            End::Tail => self.0.pop_back(),
        }
    }

    /// As [`Block::drop_elements`].
    pub(super) fn drop_elements(&mut self, end: End, count: usize) {
        let count = count.min(self.0.len());
        match end {
            End::Head => drop(self.0.drain(..count)),
            End::Tail => self.0.truncate(self.0.len() - count),
        }
    }

    pub(super) fn get(&self, index: usize) -> Option<&[u8]> {
        self.0.get(index).map(Bytes::as_slice)
    }

    /// As [`Block::set`].
    pub(super) fn set(&mut self, index: usize, text: Text<'a>) -> Result<(), Text<'a>> {
        let Some(element) = self.0.get_mut(index) else { return Err(text) };
        *element = text.into_bytes();
        Ok(())
    }

    /// As [`Block::insert`].
    pub(super) fn insert(&mut self, index: usize, text: Text<'a>) -> Result<(), Text<'a>> {
        if self.0.len() >= PLAIN || index > self.0.len() {
            return Err(text);
        }
        self.0.insert(index, text.into_bytes());
        Ok(())
    }

    /// As [`Block::remove`].
    pub(super) fn remove(&mut self, index: usize) {
        self.0.remove(index);
    }

    /// As [`Block::remove_equal`].
    pub(super) fn remove_equal(&mut self, element: &[u8], from: End, most: usize) -> usize {
        let before = self.0.len();
        let Some(mut goes) = some_equal(self.iter(), element, from, most) else { return 0 };
        self.0.retain(|other| !goes(other));
        before - self.0.len()
    }

    /// How much memory it takes, about.
    #[cfg(test)]
    pub(super) fn bytes_held(&self) -> usize {
        8 + self.0.capacity() * size_of::<Bytes<'_>>() + size_of::<Self>()
    }

    pub(super) fn iter(&self) -> BlockIter<'_, 'a> {
        BlockIter::Plain(self.0.iter())
    }
}

/// Tells of each element in turn whether it is one of those that are equal to one, `most` of them, nearest to an end.
///
/// None if no element is equal.
fn some_equal<'e>(
    mut all: BlockIter<'_, '_>,
    element: &'e [u8],
    from: End,
    most: usize,
) -> Option<impl FnMut(&[u8]) -> bool + use<'e>> {
    all.any(|other| *other == *element).then_some(())?;
    let equal = 1 + all.filter(|other| **other == *element).count();
    let skip = if from == End::Head { 0 } else { equal.saturating_sub(most) };
    let mut seen = 0;
    Some(move |other: &[u8]| {
        let equal = *other == *element;
        seen += usize::from(equal);
        equal && seen > skip && seen - skip <= most
    })
}

/// How long the gap before the first packed element is, and how many elements there are.
#[inline]
fn header_of(bytes: &[u8]) -> (usize, usize) {
    let Some([gap, count, upper]) = bytes.first_chunk() else { return (0, 0) };
    let number = |lower: u8, upper: u8| usize::from(u16::from_le_bytes([lower, upper]));
    (number(*gap, upper & 0x0f), number(*count, upper >> 4))
}

#[inline]
fn write_header(bytes: &mut [u8], gap: usize, count: usize) {
    // Both are below the size of a block, which takes ten bits.
    let [gap, count] = [gap, count].map(|number| u16::try_from(number).unwrap_or(u16::MAX).to_le_bytes());
    if let (Some(place), [[gap, gap_upper], [count, count_upper]]) = (bytes.first_chunk_mut(), [gap, count]) {
        *place = [gap, count, gap_upper & 0x0f | count_upper << 4];
    }
}

impl Packed {
    #[inline]
    pub(super) fn len(&self) -> usize {
        header_of(&self.0).1
    }

    /// How long the gap before the first element is, and how many elements there are.
    #[inline]
    fn header(&self) -> (usize, usize) {
        header_of(&self.0)
    }

    #[inline]
    fn set_header(&mut self, gap: usize, count: usize) {
        write_header(&mut self.0, gap, count);
    }

    /// The bytes of the elements and their lengths.
    #[inline]
    fn live(&self) -> &[u8] {
        self.0.get(HEADER + self.header().0..).unwrap_or_default()
    }

    #[inline]
    fn elements(&self) -> PackedIter<'_> {
        PackedIter(self.live())
    }

    pub(super) fn iter<'a>(&self) -> BlockIter<'_, 'a> {
        BlockIter::Packed(self.elements())
    }

    /// Each element with and without its lengths.
    fn frames(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let mut rest = self.live();
        self.elements().map_while(move |element| {
            let (frame, behind) = rest.split_at_checked(element.len() + FRAME)?;
            rest = behind;
            Some((frame, element))
        })
    }

    /// These elements, with their lengths.
    fn of(live: &[u8]) -> Self {
        let count = PackedIter(live).count();
        let mut packed = Self::default();
        if count > 0 && packed.0.make_room(HEADER + live.len()) {
            packed.0.extend(HEADER);
            packed.set_header(0, count);
            packed.0.extend(live.len()).unwrap_or_default().copy_from_slice(live);
        }
        packed
    }

    /// Moves the elements to the start.
    fn close_gap(&mut self) {
        let (gap, count) = self.header();
        if gap > 0 {
            self.0.remove(HEADER..HEADER + gap);
            self.set_header(0, count);
        }
    }

    /// As [`Block::push`].
    #[inline]
    pub(super) fn push<'a>(&mut self, end: End, text: Text<'a>) -> Result<(), Text<'a>> {
        if text.packs(SMALL) && self.push_bytes(end, text.as_slice()) { Ok(()) } else { Err(text) }
    }

    /// Adds an element at an end; `false` if the block is full.
    #[inline]
    fn push_bytes(&mut self, end: End, element: &[u8]) -> bool {
        let Ok(length) = u8::try_from(element.len()) else { return false };
        let more = element.len() + FRAME;
        let (bytes, capacity) = self.0.with_capacity();
        let (gap, count) = header_of(bytes);
        // There is no header yet if there are no bytes.
        let live = bytes.len().saturating_sub(HEADER + gap);
        if live + more > PACKED {
            return false;
        }
        let room = match end {
            End::Tail => self.room_behind(gap, live, more, capacity),
            End::Head => self.room_before(gap, live, more),
        };
        let Some((bytes, gap, start)) = room else { return false };
        if let Some([first, inner @ .., last]) = bytes.get_mut(HEADER + start..HEADER + start + more) {
            (*first, *last) = (length, length);
            inner.copy_from_slice(element);
        }
        write_header(bytes, gap, count + 1);
        true
    }

    /// Makes room for so many bytes after the last element: all bytes, and after the header what the gap before the
    /// first element is then, and where the room starts.
    #[inline]
    fn room_behind(
        &mut self,
        mut gap: usize,
        live: usize,
        more: usize,
        capacity: usize,
    ) -> Option<(&mut [u8], usize, usize)> {
        let needed = gap + live + more;
        if HEADER + needed > capacity.min(HEADER + PACKED) {
            // A gap as large as the elements is worth closing, rather than growing; in a full block, any that is a
            // quarter of it.
            let worth = if needed > PACKED { PACKED / 4 } else { live.max(1) };
            if gap >= worth {
                self.close_gap();
                gap = 0;
            } else if needed > PACKED {
                return None;
            }
        }
        let header = if live == 0 && self.0.is_empty() { HEADER } else { 0 };
        Some((self.0.extended(header + more)?, gap, gap + live))
    }

    /// As [`Packed::room_behind`], before the first element.
    #[inline]
    fn room_before(&mut self, gap: usize, live: usize, more: usize) -> Option<(&mut [u8], usize, usize)> {
        if let Some(start) = gap.checked_sub(more) {
            return Some((&mut self.0, start, start));
        }
        if self.0.is_empty() {
            return Some((self.0.extended(HEADER + more)?, 0, 0));
        }
        // Some more than asked, so that not each element at the head moves all others.
        let spare = (live / 4).min(PACKED - live - more);
        self.0.splice(HEADER..HEADER, spare + more - gap)?;
        Some((&mut self.0, spare, spare))
    }

    /// As [`Block::pop`].
    pub(super) fn pop<'a>(&mut self, end: End) -> Option<Bytes<'a>> {
        let element = match end {
            End::Head => self.elements().next(),
            End::Tail => self.elements().next_back(),
        };
        let element = Bytes::copied(element?);
        self.drop_elements(end, 1);
        Some(element)
    }

    /// As [`Block::drop_elements`].
    #[inline]
    pub(super) fn drop_elements(&mut self, end: End, count: usize) {
        let (bytes, capacity) = self.0.with_capacity();
        let (gap, held) = header_of(bytes);
        if count >= held {
            *self = Self::default();
            return;
        }
        let live = bytes.get(HEADER + gap..).unwrap_or_default();
        let mut iter = PackedIter(live);
        match end {
            End::Head => iter.by_ref().take(count).for_each(drop),
            End::Tail => iter.by_ref().rev().take(count).for_each(drop),
        }
        let (rest, live) = (iter.0.len(), live.len());
        match end {
            End::Head => self.set_header(gap + live - rest, held - count),
            End::Tail => {
                self.set_header(gap, held - count);
                self.0.truncate(HEADER + gap + rest);
            }
        }
        if rest < capacity / 8 && capacity > 256 {
            self.close_gap();
        }
    }

    pub(super) fn get(&self, index: usize) -> Option<&[u8]> {
        let count = self.len();
        if index < count / 2 {
            self.elements().nth(index)
        } else {
            self.elements().nth_back(count.checked_sub(index + 1)?)
        }
    }

    /// As [`Block::set`].
    pub(super) fn set<'a>(&mut self, index: usize, text: Text<'a>) -> Result<(), Text<'a>> {
        if text.packs(SMALL) && self.splice(index, 1, Some(text.as_slice())) { Ok(()) } else { Err(text) }
    }

    /// As [`Block::insert`].
    pub(super) fn insert<'a>(&mut self, index: usize, text: Text<'a>) -> Result<(), Text<'a>> {
        if text.packs(SMALL) && self.splice(index, 0, Some(text.as_slice())) { Ok(()) } else { Err(text) }
    }

    /// As [`Block::remove`].
    pub(super) fn remove(&mut self, index: usize) {
        self.splice(index, 1, None);
    }

    /// As [`Block::remove_equal`].
    pub(super) fn remove_equal(&mut self, element: &[u8], from: End, most: usize) -> usize {
        let before = self.len();
        let Some(mut goes) = some_equal(self.iter(), element, from, most) else { return 0 };
        let mut kept = Vec::with_capacity(self.live().len());
        let stay = self.frames().filter(|(_, other)| !goes(other));
        stay.for_each(|(frame, _)| kept.extend_from_slice(frame));
        *self = Self::of(&kept);
        before - self.len()
    }

    /// Where the element at an index starts, after the header and the gap; the end for the index after the last.
    fn start_of(&self, index: usize) -> Option<usize> {
        let behind = self.len().checked_sub(index)?;
        let mut iter = self.elements();
        if index < behind {
            (0..index).try_for_each(|_| iter.next().map(drop))?;
            Some(self.live().len() - iter.0.len())
        } else {
            (0..behind).try_for_each(|_| iter.next_back().map(drop))?;
            Some(iter.0.len())
        }
    }

    /// Puts an element, or none, in place of `removed` of them; `false` if there is no room.
    fn splice(&mut self, index: usize, removed: usize, element: Option<&[u8]>) -> bool {
        let (Some(start), Some(end)) = (self.start_of(index), self.start_of(index + removed)) else { return false };
        let more = element.map_or(0, |element| element.len() + FRAME);
        if self.live().len() - (end - start) + more > PACKED {
            return false;
        }
        if HEADER + PACKED < self.0.len() - (end - start) + more {
            self.close_gap();
        }
        let (gap, count) = self.header();
        let range = HEADER + gap + start..HEADER + gap + end;
        match element {
            Some(element) => {
                if !self.0.make_room(more.saturating_sub(end - start)) {
                    return false;
                }
                let (Ok(length), Some([first, inner @ .., last])) =
                    (u8::try_from(element.len()), self.0.splice(range, more))
                else {
                    return false;
                };
                (*first, *last) = (length, length);
                inner.copy_from_slice(element);
            }
            None => self.0.remove(range),
        }
        self.set_header(gap, count + usize::from(element.is_some()) - removed);
        true
    }

    fn split_off(&mut self, index: usize) -> Self {
        let (gap, count) = self.header();
        let start = self.start_of(index).unwrap_or(self.live().len());
        let behind = Self::of(self.live().get(start..).unwrap_or_default());
        self.set_header(gap, count - behind.len());
        self.0.truncate(HEADER + gap + start);
        behind
    }

    fn absorb(&mut self, next: &mut Self) -> bool {
        if self.live().len() + next.live().len() > PACKED / 4 * 3 {
            return false;
        }
        *self = Self::of(&[self.live(), next.live()].concat());
        *next = Self::default();
        true
    }

    /// How much memory it takes beyond its own size, about.
    #[cfg(test)]
    pub(super) fn bytes_held(&self) -> usize {
        8 + self.0.bytes_held()
    }
}

/// Packed elements from both ends.
#[derive(Debug, Clone)]
pub(super) struct PackedIter<'b>(&'b [u8]);

impl<'b> Iterator for PackedIter<'b> {
    type Item = &'b [u8];

    #[inline]
    fn next(&mut self) -> Option<&'b [u8]> {
        let (length, rest) = self.0.split_first()?;
        let (element, rest) = rest.split_at_checked(usize::from(*length))?;
        self.0 = rest.get(1..)?;
        Some(element)
    }
}

impl DoubleEndedIterator for PackedIter<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        let (length, rest) = self.0.split_last()?;
        let (rest, element) = rest.split_at_checked(rest.len().checked_sub(usize::from(*length))?)?;
        self.0 = rest.split_last()?.1;
        Some(element)
    }
}

/// The elements of a block from both ends.
#[derive(Debug, Clone)]
pub(super) enum BlockIter<'b, 'a> {
    Packed(PackedIter<'b>),
    Plain(vec_deque::Iter<'b, Bytes<'a>>),
}

impl<'b> Iterator for BlockIter<'b, '_> {
    type Item = &'b [u8];

    #[inline]
    fn next(&mut self) -> Option<&'b [u8]> {
        match self {
            Self::Packed(iter) => iter.next(),
            Self::Plain(iter) => iter.next().map(Bytes::as_slice),
        }
    }
}

impl DoubleEndedIterator for BlockIter<'_, '_> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        match self {
            Self::Packed(iter) => iter.next_back(),
            Self::Plain(iter) => iter.next_back().map(Bytes::as_slice),
        }
    }
}
