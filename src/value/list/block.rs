//! A piece of a list: some hundred small elements packed behind each other, or up to [`PLAIN`] of any size.

use std::collections::{VecDeque, vec_deque};

use super::super::bytes::Bytes;
use super::super::text::{Text, make_room};

/// The most bytes that packed elements of one block take: what an allocation of 1,024 bytes leaves.
const PACKED: usize = 1016;
/// The most elements of a block that keeps each by itself.
const PLAIN: usize = 128;
/// A slice of the log is packed up to so many bytes: what a [`Bytes`] takes.
const SMALL: usize = 24;
/// What packing adds to an element: its length on both sides.
const FRAME: usize = 2;

/// Some neighbouring elements of a list.
#[derive(Debug, Clone)]
pub(super) enum Block<'a> {
    Packed(Packed),
    // Boxed so that a packed block, of which there are many more, takes four words rather than five.
    #[expect(clippy::box_collection, reason = "a deque's four words leave no room for the mark")]
    Plain(Box<VecDeque<Bytes<'a>>>),
}

/// Small elements behind each other, each between two bytes that hold its length, so that they can be read from both ends.
#[derive(Debug, Clone, Default)]
pub(super) struct Packed {
    /// What was popped at the head leaves a gap before the first element.
    bytes: Vec<u8>,
    head: u16,
    count: u16,
}

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

impl<'a> Block<'a> {
    /// A block of one element.
    pub(super) fn of(text: Text<'a>) -> Self {
        let mut block = Self::default();
        if let Err(text) = block.push(End::Tail, text) {
            // An empty block takes any element.
            block = Self::plain(text);
        }
        block
    }

    fn plain(text: Text<'a>) -> Self {
        let mut elements = VecDeque::with_capacity(1);
        elements.push_back(text.into_bytes());
        Self::Plain(Box::new(elements))
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Packed(packed) => usize::from(packed.count),
            Self::Plain(elements) => elements.len(),
        }
    }

    /// Adds an element at an end, or gives it back if the block is full or not for such elements.
    #[inline]
    pub(super) fn push(&mut self, end: End, text: Text<'a>) -> Result<(), Text<'a>> {
        match self {
            Self::Packed(packed) if text.packs(SMALL) => {
                if packed.push(end, text.as_slice()) {
                    Ok(())
                } else {
                    Err(text)
                }
            }
            Self::Packed(packed) if packed.count == 0 => {
                *self = Self::plain(text);
                Ok(())
            }
            Self::Plain(elements) if elements.len() < PLAIN => {
                match end {
                    End::Head => elements.push_front(text.into_bytes()),
                    End::Tail => elements.push_back(text.into_bytes()),
                }
                Ok(())
            }
            _ => Err(text),
        }
    }

    /// Takes the element at an end out.
    pub(super) fn pop(&mut self, end: End) -> Option<Bytes<'a>> {
        match self {
            Self::Packed(packed) => {
                let element = match end {
                    End::Head => packed.iter().next(),
                    End::Tail => packed.iter().next_back(),
                };
                let element = Bytes::copied(element?);
                packed.drop_elements(end, 1);
                Some(element)
            }
            Self::Plain(elements) => match end {
                End::Head => elements.pop_front(),
                End::Tail => elements.pop_back(),
            },
        }
    }

    /// Drops elements at an end.
    #[inline]
    pub(super) fn drop_elements(&mut self, end: End, count: usize) {
        match self {
            Self::Packed(packed) => packed.drop_elements(end, count),
            Self::Plain(elements) => {
                let count = count.min(elements.len());
                match end {
                    End::Head => drop(elements.drain(..count)),
                    End::Tail => elements.truncate(elements.len() - count),
                }
            }
        }
    }

    pub(super) fn get(&self, index: usize) -> Option<&[u8]> {
        match self {
            Self::Packed(packed) if index < usize::from(packed.count) / 2 => packed.iter().nth(index),
            Self::Packed(packed) => packed.iter().nth_back(usize::from(packed.count).checked_sub(index + 1)?),
            Self::Plain(elements) => elements.get(index).map(Bytes::as_slice),
        }
    }

    /// Replaces an element, or gives the new one back if there is no room for it, or it is not for such a block.
    pub(super) fn set(&mut self, index: usize, text: Text<'a>) -> Result<(), Text<'a>> {
        match self {
            Self::Packed(packed) if text.packs(SMALL) => {
                if packed.splice(index, 1, Some(text.as_slice())) {
                    Ok(())
                } else {
                    Err(text)
                }
            }
            Self::Packed(_) => Err(text),
            Self::Plain(elements) => {
                let Some(element) = elements.get_mut(index) else { return Err(text) };
                *element = text.into_bytes();
                Ok(())
            }
        }
    }

    /// Inserts an element before an index, or gives it back if there is no room for it, or it is not for such a block.
    pub(super) fn insert(&mut self, index: usize, text: Text<'a>) -> Result<(), Text<'a>> {
        match self {
            Self::Packed(packed) if text.packs(SMALL) => {
                if packed.splice(index, 0, Some(text.as_slice())) {
                    Ok(())
                } else {
                    Err(text)
                }
            }
            Self::Plain(elements) if elements.len() < PLAIN && index <= elements.len() => {
                elements.insert(index, text.into_bytes());
                Ok(())
            }
            _ => Err(text),
        }
    }

    /// Takes an element out.
    pub(super) fn remove(&mut self, index: usize) {
        match self {
            Self::Packed(packed) => {
                packed.splice(index, 1, None);
            }
            Self::Plain(elements) => {
                elements.remove(index);
            }
        }
    }

    /// Takes those elements out that are equal to one: of these all but the first `skip`, and `most` at most.
    ///
    /// Returns how many it took out.
    pub(super) fn remove_equal(&mut self, element: &[u8], skip: usize, most: usize) -> usize {
        let mut seen = 0;
        let mut goes = |other: &[u8]| {
            let equal = *other == *element;
            seen += usize::from(equal);
            equal && seen > skip && seen - skip <= most
        };
        let before = self.len();
        match self {
            Self::Packed(packed) => {
                let mut kept = Vec::with_capacity(packed.live().len());
                packed
                    .frames()
                    .filter(|(_, element)| !goes(element))
                    .for_each(|(frame, _)| kept.extend_from_slice(frame));
                packed.replace(kept);
            }
            Self::Plain(elements) => elements.retain(|element| !goes(element)),
        }
        before - self.len()
    }

    /// How many elements are equal to one.
    pub(super) fn count_equal(&self, element: &[u8]) -> usize {
        self.iter().filter(|other| **other == *element).count()
    }

    /// Cuts the elements from an index on off.
    pub(super) fn split_off(&mut self, index: usize) -> Self {
        match self {
            Self::Packed(packed) => Self::Packed(packed.split_off(index)),
            Self::Plain(elements) => Self::Plain(Box::new(elements.split_off(index.min(elements.len())))),
        }
    }

    /// Takes the elements of the block behind it, if both are of a kind and together leave some room.
    pub(super) fn absorb(&mut self, next: &mut Self) -> bool {
        match (&mut *self, &mut *next) {
            (_, next) if next.len() == 0 => true,
            (this, next) if this.len() == 0 => {
                *this = std::mem::take(next);
                true
            }
            (Self::Packed(packed), Self::Packed(next)) if packed.live().len() + next.live().len() <= PACKED / 4 * 3 => {
                let bytes = [packed.live(), next.live()].concat();
                packed.replace(bytes);
                *next = Packed::default();
                true
            }
            (Self::Plain(elements), Self::Plain(next)) if elements.len() + next.len() <= PLAIN / 4 * 3 => {
                elements.append(next);
                true
            }
            _ => false,
        }
    }

    /// How much memory it takes beyond its own size, about.
    #[cfg(test)]
    pub(super) fn bytes_held(&self) -> usize {
        8 + match self {
            Self::Packed(packed) => packed.bytes.capacity(),
            Self::Plain(elements) => elements.capacity() * size_of::<Bytes<'_>>() + 40,
        }
    }

    pub(super) fn iter(&self) -> BlockIter<'_, 'a> {
        match self {
            Self::Packed(packed) => BlockIter::Packed(packed.iter()),
            Self::Plain(elements) => BlockIter::Plain(elements.iter()),
        }
    }
}

impl Packed {
    /// The bytes of the elements and their lengths.
    #[inline]
    fn live(&self) -> &[u8] {
        self.bytes.get(usize::from(self.head)..).unwrap_or_default()
    }

    #[inline]
    fn iter(&self) -> PackedIter<'_> {
        PackedIter(self.live())
    }

    /// Each element with and without its lengths.
    fn frames(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let mut rest = self.live();
        self.iter().map_while(move |element| {
            let (frame, behind) = rest.split_at_checked(element.len() + FRAME)?;
            rest = behind;
            Some((frame, element))
        })
    }

    /// Replaces all elements.
    fn replace(&mut self, bytes: Vec<u8>) {
        let count = PackedIter(&bytes).count();
        *self = Self { bytes, head: 0, count: u16::try_from(count).unwrap_or(u16::MAX) };
    }

    /// Moves the elements to the start.
    fn close_gap(&mut self) {
        let head = usize::from(self.head);
        if head > 0 {
            self.bytes.drain(..head.min(self.bytes.len()));
            self.head = 0;
        }
    }

    /// Adds an element at an end; `false` if the block is full.
    #[inline]
    fn push(&mut self, end: End, element: &[u8]) -> bool {
        let Ok(length) = u8::try_from(element.len()) else { return false };
        let more = element.len() + FRAME;
        let live = self.bytes.len() - usize::from(self.head);
        if live + more > PACKED {
            return false;
        }
        match end {
            End::Tail => {
                let needed = self.bytes.len() + more;
                // A gap as large as the elements is worth closing, rather than growing; in a full block, any that is a quarter of it.
                let worth = if needed > PACKED { PACKED / 4 } else { live.max(1) };
                if needed > self.bytes.capacity().min(PACKED) && usize::from(self.head) >= worth {
                    self.close_gap();
                } else if needed > PACKED {
                    return false;
                }
                make_room(&mut self.bytes, more, PACKED);
                self.bytes.push(length);
                self.bytes.extend_from_slice(element);
                self.bytes.push(length);
            }
            End::Head => {
                let start = self.gap_before(more, live);
                if let Some([first, inner @ .., last]) = self.bytes.get_mut(start..start + more) {
                    (*first, *last) = (length, length);
                    inner.copy_from_slice(element);
                }
                self.head = u16::try_from(start).unwrap_or(u16::MAX);
            }
        }
        self.count += 1;
        true
    }

    /// Finds room for so many bytes before the first element, and returns where it starts.
    #[inline]
    fn gap_before(&mut self, more: usize, live: usize) -> usize {
        let head = usize::from(self.head);
        if let Some(start) = head.checked_sub(more) {
            return start;
        }
        // Some more than asked, so that not each element at the head moves all others.
        let spare = (live / 4).min(PACKED - live - more);
        let before = spare + more;
        make_room(&mut self.bytes, before - head, PACKED);
        self.bytes.resize(before + live, 0);
        self.bytes.copy_within(head..head + live, before);
        spare
    }

    /// Drops elements at an end.
    #[inline]
    fn drop_elements(&mut self, end: End, count: usize) {
        if count >= usize::from(self.count) {
            *self = Self::default();
            return;
        }
        let mut iter = self.iter();
        let left = match end {
            End::Head => iter.by_ref().take(count).count(),
            End::Tail => iter.by_ref().rev().take(count).count(),
        };
        let (rest, live) = (iter.0.len(), self.live().len());
        match end {
            End::Head => self.head += u16::try_from(live - rest).unwrap_or(u16::MAX),
            End::Tail => self.bytes.truncate(usize::from(self.head) + rest),
        }
        self.count -= u16::try_from(left).unwrap_or(u16::MAX);
        if self.bytes.capacity() > 256 && rest < self.bytes.capacity() / 8 {
            self.close_gap();
            self.bytes.shrink_to(2 * rest);
        }
    }

    /// Where in `bytes` the element at an index starts; the end for the index behind the last.
    fn start_of(&self, index: usize) -> Option<usize> {
        let behind = usize::from(self.count).checked_sub(index)?;
        let mut iter = self.iter();
        if index < behind {
            (0..index).try_for_each(|_| iter.next().map(drop))?;
            Some(self.bytes.len() - iter.0.len())
        } else {
            (0..behind).try_for_each(|_| iter.next_back().map(drop))?;
            Some(usize::from(self.head) + iter.0.len())
        }
    }

    /// Puts an element, or none, in place of `removed` of them; `false` if there is no room.
    fn splice(&mut self, index: usize, removed: usize, element: Option<&[u8]>) -> bool {
        let (Some(start), Some(end)) = (self.start_of(index), self.start_of(index + removed)) else { return false };
        let more = element.map_or(0, |element| element.len() + FRAME);
        let live = self.bytes.len() - usize::from(self.head);
        if live - (end - start) + more > PACKED {
            return false;
        }
        let length = element.and_then(|element| u8::try_from(element.len()).ok());
        let framed = length.iter().chain(element.unwrap_or_default()).chain(&length).copied();
        if more > end - start {
            make_room(&mut self.bytes, more - (end - start), usize::MAX);
        }
        self.bytes.splice(start..end, framed);
        if self.bytes.len() > PACKED {
            self.close_gap();
        }
        self.count = self.count + u16::from(element.is_some()) - u16::try_from(removed).unwrap_or(0);
        true
    }

    fn split_off(&mut self, index: usize) -> Self {
        let start = self.start_of(index).unwrap_or(self.bytes.len());
        let bytes = self.bytes.split_off(start);
        let count = PackedIter(&bytes).count();
        let count = u16::try_from(count).unwrap_or(u16::MAX);
        self.count -= count;
        Self { bytes, head: 0, count }
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
