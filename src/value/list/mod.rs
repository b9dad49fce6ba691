//! Lists: blocks of packed elements, quick at both ends.

mod block;

use std::collections::VecDeque;
use std::fmt;

pub use block::End;
use block::{Block, BlockIter, Packed, Plain};

use super::bytes::Bytes;
use super::text::Text;

/// From this many blocks on, a new one at an end has room for all that it can hold: at most a quarter of the list is
/// unused then.
const FILLED_BLOCKS: usize = 4;

/// A list of strings.
///
/// Short elements are packed, two bytes each beside their own; long ones borrow from the log. Elements are added and
/// taken at both ends in constant time; one inside is found block by block, as in a server's quicklist.
#[derive(Clone, Default)]
pub struct List<'a>(Repr<'a>);

// Two words in all: the box fits beside the length of a buffer.
#[derive(Clone)]
enum Repr<'a> {
    Packed(Packed),
    Other(Box<Other<'a>>),
}

/// The forms of which there are fewer.
#[derive(Clone)]
enum Other<'a> {
    Plain(Plain<'a>),
    Many(Many<'a>),
}

/// Blocks, none of them empty.
#[derive(Clone)]
struct Many<'a> {
    blocks: VecDeque<Block<'a>>,
    length: usize,
}

impl Default for Repr<'_> {
    fn default() -> Self {
        Self::Packed(Packed::default())
    }
}

/// Does the same with the elements in any form.
macro_rules! with {
    (&mut $list:ident, $elements:ident => $what:expr) => {
        match &mut $list.0 {
            Repr::Packed($elements) => $what,
            Repr::Other(other) => match &mut **other {
                Other::Plain($elements) => $what,
                Other::Many($elements) => $what,
            },
        }
    };
    (&$list:ident, $elements:ident => $what:expr) => {
        match &$list.0 {
            Repr::Packed($elements) => $what,
            Repr::Other(other) => match &**other {
                Other::Plain($elements) => $what,
                Other::Many($elements) => $what,
            },
        }
    };
}

impl<'a> List<'a> {
    /// How many elements there are.
    #[inline]
    pub fn len(&self) -> usize {
        with!(&self, elements => elements.len())
    }

    /// Whether there is none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether it is kept in one small piece of memory; says so without a look at that.
    #[inline]
    pub(super) const fn is_flat(&self) -> bool {
        matches!(self.0, Repr::Packed(_))
    }

    /// Adds an element at the left.
    #[inline]
    pub fn push_front(&mut self, element: impl Into<Text<'a>>) {
        self.push(End::Head, element);
    }

    /// Adds an element at the right.
    #[inline]
    pub fn push_back(&mut self, element: impl Into<Text<'a>>) {
        self.push(End::Tail, element);
    }

    /// Adds an element at an end.
    #[inline]
    pub fn push(&mut self, end: End, element: impl Into<Text<'a>>) {
        if let Err(text) = with!(&mut self, elements => elements.push(end, element.into())) {
            self.outgrow(end, text);
        }
    }

    /// Adds an element for which the form of the list has no room.
    #[cold]
    fn outgrow(&mut self, end: End, text: Text<'a>) {
        if self.is_empty() {
            self.0 = Repr::Other(Box::new(Other::Plain(Plain::of(text))));
        } else {
            self.as_many(|many| drop(many.push(end, text)));
        }
    }

    /// Adds elements of the log at an end, one after the other.
    #[inline]
    pub fn push_all(&mut self, end: End, elements: &[&'a [u8]]) {
        for element in elements {
            self.push(end, *element);
        }
    }

    /// Removes the leftmost element.
    pub fn pop_front(&mut self) -> Option<Bytes<'a>> {
        self.pop(End::Head)
    }

    /// Removes the rightmost element.
    pub fn pop_back(&mut self) -> Option<Bytes<'a>> {
        self.pop(End::Tail)
    }

    /// Removes the element at an end.
    pub fn pop(&mut self, end: End) -> Option<Bytes<'a>> {
        let element = with!(&mut self, elements => elements.pop(end));
        self.settle(end);
        element
    }

    /// Drops so many elements at an end; all, if there are no more.
    #[inline]
    pub fn drop_elements(&mut self, end: End, count: usize) {
        with!(&mut self, elements => elements.drop_elements(end, count));
        self.settle(end);
    }

    /// The element at an index from the left.
    pub fn get(&self, index: usize) -> Option<&[u8]> {
        with!(&self, elements => elements.get(index))
    }

    /// The index of the first element that is equal to one.
    pub fn position(&self, element: &[u8]) -> Option<usize> {
        self.iter().position(|other| *other == *element)
    }

    /// Replaces the element at an index; `false` if there is none.
    pub fn set(&mut self, index: usize, element: impl Into<Text<'a>>) -> bool {
        if index >= self.len() {
            return false;
        }
        if let Err(text) = with!(&mut self, elements => elements.set(index, element.into())) {
            self.as_many(|many| many.replace(index, text));
            self.settle(End::Head);
        }
        true
    }

    /// Inserts an element before the one at an index, or at the end if the index is the length; `false` if it is
    /// greater.
    pub fn insert(&mut self, index: usize, element: impl Into<Text<'a>>) -> bool {
        let length = self.len();
        if index >= length {
            if index == length {
                self.push_back(element);
            }
            return index == length;
        }
        if let Err(text) = with!(&mut self, elements => elements.insert(index, element.into())) {
            self.as_many(|many| drop(many.insert(index, text)));
        }
        true
    }

    /// Removes the element at an index; `false` if there is none.
    pub fn remove(&mut self, index: usize) -> bool {
        if index >= self.len() {
            return false;
        }
        with!(&mut self, elements => elements.remove(index));
        self.settle(End::Head);
        true
    }

    /// Takes out up to `most` of the elements that are equal to one, those nearest to an end; returns how many.
    pub fn remove_equal(&mut self, element: &[u8], from: End, most: usize) -> usize {
        let removed = with!(&mut self, elements => elements.remove_equal(element, from, most));
        self.settle(from);
        removed
    }

    /// All elements, from the left.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &[u8]> + Clone {
        let (one, (front, back)) = match &self.0 {
            Repr::Packed(packed) => (Some(packed.iter()), Default::default()),
            Repr::Other(other) => match &**other {
                Other::Plain(plain) => (Some(plain.iter()), Default::default()),
                Other::Many(many) => (None, many.blocks.as_slices()),
            },
        };
        let blocks = front.iter().chain(back).map(Block::iter);
        one.into_iter().chain(blocks).flat_map(|elements: BlockIter<'_, 'a>| elements)
    }

    /// The elements from an index on; those before it are not looked at one by one.
    pub fn iter_from(&self, index: usize) -> impl Iterator<Item = &[u8]> {
        let mut skipped = index;
        let (one, blocks) = match &self.0 {
            Repr::Packed(packed) => (Some(packed.iter()), None),
            Repr::Other(other) => match &**other {
                Other::Plain(plain) => (Some(plain.iter()), None),
                Other::Many(many) => {
                    // What begins beyond the end is empty without a walk to it.
                    let mut first = if index < many.length { 0 } else { many.blocks.len() };
                    while let Some(block) = many.blocks.get(first).filter(|block| block.len() <= skipped) {
                        skipped -= block.len();
                        first += 1;
                    }
                    (None, Some(many.blocks.range(first..).flat_map(Block::iter)))
                }
            },
        };
        one.into_iter().flatten().chain(blocks.into_iter().flatten()).skip(skipped)
    }

    /// Changes the list as one of many blocks.
    fn as_many(&mut self, change: impl FnOnce(&mut Many<'a>)) {
        let one = |block: Block<'a>| {
            let length = block.len();
            let mut blocks = VecDeque::with_capacity(2);
            blocks.push_back(block);
            Many { blocks, length }
        };
        let mut many = match std::mem::take(&mut self.0) {
            Repr::Packed(packed) => one(Block::Packed(packed)),
            Repr::Other(other) => match *other {
                Other::Plain(plain) => one(Block::Plain(Box::new(plain))),
                Other::Many(many) => many,
            },
        };
        change(&mut many);
        self.0 = Repr::Other(Box::new(Other::Many(many)));
    }

    /// How much memory it takes beyond its own size, about.
    #[cfg(test)]
    fn bytes_held(&self) -> usize {
        let other = if let Repr::Packed(_) = self.0 { 0 } else { size_of::<Other<'_>>() };
        other + with!(&self, elements => elements.bytes_held())
    }

    /// Drops what is empty at an end, gives back what most of is unused, and keeps the last block by itself.
    #[inline]
    fn settle(&mut self, end: End) {
        let Repr::Other(other) = &mut self.0 else { return };
        let many = match &mut **other {
            Other::Many(many) => many,
            Other::Plain(plain) => {
                if plain.len() == 0 {
                    self.0 = Repr::default();
                }
                return;
            }
        };
        if many.at_end(end).is_some_and(|block| block.len() == 0) {
            match end {
                End::Head => many.blocks.pop_front(),
                End::Tail => many.blocks.pop_back(),
            };
        }
        if many.blocks.capacity() > 64 && many.blocks.len() < many.blocks.capacity() / 8 {
            many.blocks.shrink_to(many.blocks.len() * 2);
        }
        if many.blocks.len() <= 1 {
            self.0 = match many.blocks.pop_front().unwrap_or_default() {
                Block::Packed(packed) => Repr::Packed(packed),
                Block::Plain(plain) => Repr::Other(Box::new(Other::Plain(*plain))),
            };
        }
    }
}

impl<'a> Many<'a> {
    #[inline]
    fn at_end(&mut self, end: End) -> Option<&mut Block<'a>> {
        match end {
            End::Head => self.blocks.front_mut(),
            End::Tail => self.blocks.back_mut(),
        }
    }

    const fn len(&self) -> usize {
        self.length
    }

    /// Adds an element at an end, for which there is always room.
    #[expect(clippy::unnecessary_wraps, reason = "the other forms may have none")]
    #[inline]
    fn push(&mut self, end: End, text: Text<'a>) -> Result<(), Text<'a>> {
        self.length += 1;
        let result = match self.at_end(end) {
            Some(block) => block.push(end, text),
            None => Err(text),
        };
        if let Err(text) = result {
            // It grew step by step, which took a fifth of the time that a list from an RDB needs.
            let room = if self.blocks.len() < FILLED_BLOCKS { 0 } else { block::FULL };
            match end {
                End::Head => self.blocks.push_front(Block::of(text, room)),
                End::Tail => self.blocks.push_back(Block::of(text, room)),
            }
        }
        Ok(())
    }

    /// Removes the element at an end, which may leave an empty block there.
    fn pop(&mut self, end: End) -> Option<Bytes<'a>> {
        let element = self.at_end(end).and_then(|block| block.pop(end))?;
        self.length -= 1;
        Some(element)
    }

    fn drop_elements(&mut self, end: End, count: usize) {
        let mut left = count.min(self.length);
        self.length -= left;
        while left > 0 {
            let Some(block) = self.at_end(end) else { return };
            let dropped = left.min(block.len());
            if dropped < block.len() {
                block.drop_elements(end, dropped);
            } else {
                match end {
                    End::Head => self.blocks.pop_front(),
                    End::Tail => self.blocks.pop_back(),
                };
            }
            left -= dropped;
        }
    }

    fn get(&self, index: usize) -> Option<&[u8]> {
        let (at, inside) = self.locate(index)?;
        self.blocks.get(at)?.get(inside)
    }

    /// Replaces an element, or gives the new one back if its block has no room for it.
    fn set(&mut self, index: usize, text: Text<'a>) -> Result<(), Text<'a>> {
        match self.locate(index) {
            Some((at, inside)) => self.blocks.get_mut(at).map_or(Ok(()), |block| block.set(inside, text)),
            None => Ok(()),
        }
    }

    /// Replaces an element in a block that has no room for the new one, or is not for it.
    ///
    /// The block is divided, and keeps its elements unpacked if it must. To give each such element a block of its own
    /// would leave as many blocks as elements after enough of them, and every index is looked up block by block.
    fn replace(&mut self, index: usize, text: Text<'a>) {
        let mut text = text;
        while let Some((at, inside)) = self.locate(index)
            && let Some(block) = self.blocks.get_mut(at)
        {
            match block.set(inside, text) {
                Ok(()) => return,
                Err(refused) => text = refused,
            }
            if block.unpack() {
                continue;
            }
            let behind = block.split_off(block.len() / 2);
            self.blocks.insert(at + 1, behind);
        }
    }

    /// The block that has the element at an index, and the index inside it.
    fn locate(&self, index: usize) -> Option<(usize, usize)> {
        if index < self.length / 2 {
            let mut inside = index;
            for (at, block) in self.blocks.iter().enumerate() {
                match inside.checked_sub(block.len()) {
                    None => return Some((at, inside)),
                    Some(behind) => inside = behind,
                }
            }
        } else {
            // So many elements are from the one that is looked for to the end.
            let mut rest = self.length.checked_sub(index)?;
            for (at, block) in self.blocks.iter().enumerate().rev() {
                match block.len().checked_sub(rest) {
                    Some(inside) => return Some((at, inside)),
                    None => rest -= block.len(),
                }
            }
        }
        None
    }

    /// Inserts before the element at an index, which exists: there is always room.
    fn insert(&mut self, index: usize, text: Text<'a>) -> Result<(), Text<'a>> {
        let Some((at, inside)) = self.locate(index) else { return Err(text) };
        self.length += 1;
        let Err(text) = self.blocks.get_mut(at).map_or(Ok(()), |block| block.insert(inside, text)) else {
            return Ok(());
        };
        // The block is full, or the element not for it: the neighbour may do, if the place is between the two.
        let before = if inside == 0 { at.checked_sub(1).and_then(|before| self.blocks.get_mut(before)) } else { None };
        let Err(text) = before.map_or_else(|| Err(text.clone()), |block| block.push(End::Tail, text.clone())) else {
            return Ok(());
        };
        let Some(block) = self.blocks.get_mut(at) else { return Ok(()) };
        if inside == 0 {
            self.blocks.insert(at, Block::of(text, 0));
            return Ok(());
        }
        let mut behind = block.split_off(inside);
        let result = match block.push(End::Tail, text) {
            Ok(()) => Ok(()),
            Err(text) => behind.push(End::Head, text),
        };
        self.blocks.insert(at + 1, behind);
        if let Err(text) = result {
            self.blocks.insert(at + 1, Block::of(text, 0));
        }
        Ok(())
    }

    fn remove(&mut self, index: usize) {
        if let Some((at, inside)) = self.locate(index)
            && let Some(block) = self.blocks.get_mut(at)
        {
            block.remove(inside);
            self.length -= 1;
            self.join(at, at);
        }
    }

    fn remove_equal(&mut self, element: &[u8], from: End, most: usize) -> usize {
        let (mut removed, mut touched) = (0, None);
        let mut visit = |at: usize, block: &mut Block<'a>| {
            let equal = block.remove_equal(element, from, most - removed);
            if equal > 0 {
                removed += equal;
                let (first, last) = touched.unwrap_or((at, at));
                touched = Some((at.min(first), at.max(last)));
            }
            removed >= most
        };
        let mut blocks = self.blocks.iter_mut().enumerate();
        match from {
            End::Head => blocks.any(|(at, block)| visit(at, block)),
            End::Tail => blocks.rev().any(|(at, block)| visit(at, block)),
        };
        self.length -= removed;
        if let Some((first, last)) = touched {
            self.join(first, last);
        }
        removed
    }

    /// Joins blocks that have become small, from one to another and their neighbours, and drops the empty ones.
    fn join(&mut self, first: usize, last: usize) {
        let mut kept = first.saturating_sub(1);
        let end = (last + 2).min(self.blocks.len());
        for next in kept + 1..end {
            let Some(mut block) = self.blocks.get_mut(next).map(std::mem::take) else { break };
            if !self.blocks.get_mut(kept).is_some_and(|kept| kept.absorb(&mut block)) {
                kept += 1;
                if let Some(place) = self.blocks.get_mut(kept) {
                    *place = block;
                }
            }
        }
        self.blocks.drain((kept + 1).min(end)..end);
    }

    /// How much memory it takes beyond its own size, about.
    #[cfg(test)]
    fn bytes_held(&self) -> usize {
        let blocks: usize = self.blocks.iter().map(Block::bytes_held).sum();
        blocks + self.blocks.capacity() * size_of::<Block<'_>>()
    }
}

impl fmt::Debug for List<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter().map(|element| element.escape_ascii().to_string())).finish()
    }
}

impl<'a, T: Into<Text<'a>>> FromIterator<T> for List<'a> {
    fn from_iter<I: IntoIterator<Item = T>>(elements: I) -> Self {
        let mut list = Self::default();
        elements.into_iter().for_each(|element| list.push_back(element));
        list
    }
}

#[cfg(test)]
mod tests;
