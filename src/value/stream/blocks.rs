//! A map from ids to values, made for ids that come in order: blocks of neighbours, in order.

use std::collections::VecDeque;

use super::StreamId;

/// So many values fit a block that is not said to be full before.
const LIMIT: usize = 128;

/// Values by id. Appending, and taking the first, cost the same however many there are; anything else a binary search.
#[derive(Debug, Clone)]
pub(super) struct Blocks<V, N = ()> {
    /// None of them is empty.
    blocks: VecDeque<Block<V, N>>,
    length: usize,
}

/// Neighbours, and a note about them.
#[derive(Debug, Clone)]
pub(super) struct Block<V, N> {
    pub(super) items: VecDeque<(StreamId, V)>,
    pub(super) note: N,
}

/// Where an id is, or would be.
#[derive(Debug, Clone, Copy)]
struct Place {
    block: usize,
    index: usize,
}

/// A value that was taken out.
pub(super) struct Taken<'b, V, N> {
    pub(super) id: StreamId,
    pub(super) value: V,
    /// The note of its block, unless the block is gone.
    pub(super) note: Option<&'b mut N>,
    pub(super) was_first: bool,
    pub(super) was_last: bool,
}

impl<V, N> Default for Blocks<V, N> {
    fn default() -> Self {
        Self { blocks: VecDeque::new(), length: 0 }
    }
}

impl<V, N> Blocks<V, N> {
    pub(super) const fn len(&self) -> usize {
        self.length
    }

    /// The smallest id.
    pub(super) fn first(&self) -> Option<StreamId> {
        self.blocks.front()?.items.front().map(|(id, _)| *id)
    }

    /// The greatest id.
    pub(super) fn last(&self) -> Option<StreamId> {
        self.blocks.back().and_then(Block::last)
    }

    /// Where an id is; where it would be if it is not there.
    fn place(&self, id: StreamId) -> Result<Place, Place> {
        // Both ends are where most of what is asked for is, and where nothing need be searched.
        let block = match (self.blocks.front(), self.blocks.back()) {
            (Some(front), _) if Some(id) <= front.last() => 0,
            (_, Some(back)) if Some(id) <= back.last() => self.blocks.partition_point(|block| block.last() < Some(id)),
            _ => self.blocks.len(),
        };
        match self.blocks.get(block).map(|found| found.items.binary_search_by_key(&id, |(id, _)| *id)) {
            Some(Ok(index)) => Ok(Place { block, index }),
            Some(Err(index)) => Err(Place { block, index }),
            None => Err(Place { block, index: 0 }),
        }
    }

    pub(super) fn get(&self, id: StreamId) -> Option<&V> {
        let place = self.place(id).ok()?;
        self.blocks.get(place.block)?.items.get(place.index).map(|(_, value)| value)
    }

    #[cfg(test)]
    pub(super) fn get_mut(&mut self, id: StreamId) -> Option<&mut V> {
        let place = self.place(id).ok()?;
        self.blocks.get_mut(place.block)?.items.get_mut(place.index).map(|(_, value)| value)
    }

    /// All of them, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (StreamId, &V)> {
        self.blocks.iter().flat_map(|block| &block.items).map(|(id, value)| (*id, value))
    }

    /// Those from an id on, in order.
    pub(super) fn iter_from(&self, id: StreamId) -> impl Iterator<Item = (StreamId, &V)> {
        let (Ok(place) | Err(place)) = self.place(id);
        let skip = move |number: usize| if number == place.block { place.index } else { 0 };
        let blocks = (place.block..).zip(self.blocks.range(place.block.min(self.blocks.len())..));
        blocks.flat_map(move |(number, block)| block.items.range(skip(number)..)).map(|(id, value)| (*id, value))
    }

    /// Removes one.
    pub(super) fn remove(&mut self, id: StreamId) -> Option<Taken<'_, V, N>> {
        let place = self.place(id).ok()?;
        self.take(place)
    }

    /// Removes the first one.
    pub(super) fn pop_front(&mut self) -> Option<Taken<'_, V, N>> {
        self.take(Place { block: 0, index: 0 })
    }

    /// Takes out the value with an index in a block with a number.
    pub(super) fn remove_at(&mut self, block: usize, index: usize) -> Option<Taken<'_, V, N>> {
        self.take(Place { block, index })
    }

    fn take(&mut self, place: Place) -> Option<Taken<'_, V, N>> {
        let items = &mut self.blocks.get_mut(place.block)?.items;
        let (id, value) = items.remove(place.index)?;
        self.length -= 1;
        let (was_first, was_last) = (place.index == 0, place.index == items.len());
        give_back(items);
        if items.is_empty() {
            self.blocks.remove(place.block);
            give_back(&mut self.blocks);
            return Some(Taken { id, value, note: None, was_first, was_last });
        }
        let note = self.blocks.get_mut(place.block).map(|block| &mut block.note);
        Some(Taken { id, value, note, was_first, was_last })
    }

    /// The block with a number, from 0.
    pub(super) fn block(&self, number: usize) -> Option<&Block<V, N>> {
        self.blocks.get(number)
    }

    /// Takes out the first block, and says how many values went.
    pub(super) fn pop_block(&mut self) -> usize {
        let gone = self.blocks.pop_front().map_or(0, |block| block.items.len());
        self.length -= gone;
        give_back(&mut self.blocks);
        gone
    }

    /// The last block.
    pub(super) fn back_block(&self) -> Option<&Block<V, N>> {
        self.blocks.back()
    }

    /// The last block, to change.
    pub(super) fn back_block_mut(&mut self) -> Option<&mut Block<V, N>> {
        self.blocks.back_mut()
    }

    /// How many blocks there are.
    pub(super) fn block_count(&self) -> usize {
        self.blocks.len()
    }

    /// Starts a block after the others, into which the caller pushes at once.
    pub(super) fn push_block(&mut self, note: N) {
        let capacity = self.blocks.back().map_or(0, |block| block.items.len());
        if self.blocks.is_empty() {
            self.blocks.reserve_exact(1);
        }
        self.blocks.push_back(Block { items: VecDeque::with_capacity(capacity), note });
    }

    /// Puts a value after all others, into the last block, which there must be.
    pub(super) fn push_back(&mut self, id: StreamId, value: V) {
        if let Some(block) = self.blocks.back_mut() {
            block.items.push_back((id, value));
            self.length += 1;
        }
    }
}

impl<V> Blocks<V> {
    /// Gives an id a value, and returns the one it had.
    pub(super) fn insert(&mut self, id: StreamId, value: V) -> Option<V> {
        match self.place(id) {
            Ok(place) => {
                let old = self.blocks.get_mut(place.block)?.items.get_mut(place.index)?;
                return Some(std::mem::replace(&mut old.1, value));
            }
            Err(place) if place.block == self.blocks.len() => {
                if self.blocks.back().is_none_or(|block| block.items.len() >= LIMIT) {
                    self.push_block(());
                }
                self.push_back(id, value);
            }
            Err(place) => self.insert_at(place, id, value),
        }
        None
    }

    fn insert_at(&mut self, Place { block, index }: Place, id: StreamId, value: V) {
        let Some(found) = self.blocks.get_mut(block) else { return };
        self.length += 1;
        if found.items.len() < LIMIT {
            found.items.insert(index, (id, value));
            return;
        }
        let mut behind = found.items.split_off(LIMIT / 2);
        match index.checked_sub(LIMIT / 2) {
            Some(index) if index > 0 => behind.insert(index, (id, value)),
            _ => found.items.insert(index, (id, value)),
        }
        self.blocks.insert(block + 1, Block { items: behind, note: () });
    }
}

impl<V, N> Block<V, N> {
    pub(super) fn last(&self) -> Option<StreamId> {
        self.items.back().map(|(id, _)| *id)
    }
}

/// Gives memory back when most of it is unused.
fn give_back<T>(items: &mut VecDeque<T>) {
    if items.capacity() > 16 && items.len() < items.capacity() / 4 {
        items.shrink_to(items.len() * 2);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn blocks_are_an_ordered_map(steps in prop::collection::vec((0..6_u8, 0..900_u64), 0..3000)) {
            let mut blocks: Blocks<u64> = Blocks::default();
            let mut model = BTreeMap::new();
            for (time, (what, number)) in (0..).zip(steps) {
                let id = StreamId::new(number / 10, number % 10);
                match what {
                    0 => {
                        let taken = blocks.remove(id).map(|taken| taken.value);
                        prop_assert_eq!(taken, model.remove(&id));
                    }
                    1 => {
                        let taken = blocks.pop_front().map(|taken| (taken.id, taken.value));
                        prop_assert_eq!(taken, model.pop_first());
                    }
                    _ => prop_assert_eq!(blocks.insert(id, time), model.insert(id, time)),
                }
                prop_assert_eq!(blocks.len(), model.len());
                prop_assert_eq!(blocks.get(id), model.get(&id));
                prop_assert_eq!(blocks.get_mut(id), model.get_mut(&id));
                prop_assert_eq!(blocks.first(), model.keys().next().copied());
                prop_assert_eq!(blocks.last(), model.keys().next_back().copied());
                let next: Vec<_> = blocks.iter_from(id).take(3).map(|(id, _)| id).collect();
                prop_assert_eq!(next, model.range(id..).take(3).map(|(id, _)| *id).collect::<Vec<_>>());
            }
            let all: Vec<_> = blocks.iter().map(|(id, value)| (id, *value)).collect();
            prop_assert_eq!(all, model.into_iter().collect::<Vec<_>>());
        }
    }
}
