//! A hash table that keeps its entries in the order in which they were added.

use hashbrown::HashTable;

use super::equal::is_equal;
use super::members::hash_of;

/// What an entry of a [`Table`] is found by.
pub(crate) trait Named {
    /// The name of the entry, which no other entry of its table has.
    fn name(&self) -> &[u8];
}

/// Entries in the order in which they were added, found by the hash of their name.
///
/// An entry keeps its index until gaps are closed: those that are removed leave a gap. With at most `FLAT` entries and
/// gaps, each is looked at, without an index.
#[derive(Debug, Clone)]
pub(crate) struct Table<E, const FLAT: usize = 0> {
    /// `None` for a gap.
    slots: Vec<Option<E>>,
    gaps: usize,
    index: Positions,
}

impl<E, const FLAT: usize> Default for Table<E, FLAT> {
    fn default() -> Self {
        Self { slots: Vec::new(), gaps: 0, index: Positions::default() }
    }
}

impl<E: Named, const FLAT: usize> Table<E, FLAT> {
    /// How many entries there are.
    #[inline]
    pub(crate) const fn len(&self) -> usize {
        self.slots.len() - self.gaps
    }

    /// How many entries and gaps there are.
    #[inline]
    pub(crate) const fn slots(&self) -> usize {
        self.slots.len()
    }

    /// The index of the entry of a name.
    #[inline]
    pub(crate) fn find(&self, hash: u64, name: &[u8]) -> Option<u32> {
        let is_it = |slot: Option<&E>| slot.is_some_and(|entry| is_equal(entry.name(), name));
        if FLAT > 0 && self.index.has_no_room() {
            let index = self.slots.iter().position(|slot| is_it(slot.as_ref()))?;
            return Some(small(index));
        }
        self.index.find(hash, |index| is_it(self.get(index)))
    }

    /// The index that the entry of a hash probably has, from a look at the index alone; none for few entries.
    #[inline]
    pub(crate) fn probe(&self, hash: u64) -> Option<u32> {
        self.index.find(hash, |_| true)
    }

    #[inline]
    pub(crate) fn get(&self, index: u32) -> Option<&E> {
        self.slots.get(index as usize).and_then(Option::as_ref)
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, index: u32) -> Option<&mut E> {
        self.slots.get_mut(index as usize).and_then(Option::as_mut)
    }

    /// Adds an entry whose name no other has after all others, and returns its index.
    #[inline]
    pub(crate) fn push(&mut self, hash: u64, entry: E) -> u32 {
        let index = small(self.slots.len());
        if self.slots.len() == self.slots.capacity() {
            // A quarter more, not twice as much: the memory of a large vector grows without being copied.
            self.slots.reserve_exact((self.slots.len() / 4).max(4));
        }
        self.slots.push(Some(entry));
        self.link(hash, index);
        index
    }

    /// Puts an entry whose name no other has into a gap.
    pub(crate) fn fill(&mut self, gap: u32, hash: u64, entry: E) {
        if let Some(slot @ None) = self.slots.get_mut(gap as usize) {
            *slot = Some(entry);
            self.gaps -= 1;
            self.link(hash, gap);
        }
    }

    #[inline]
    fn link(&mut self, hash: u64, index: u32) {
        if !self.index.add(hash, index) && self.slots.len() > FLAT {
            self.rebuild_index();
        }
    }

    #[cold]
    fn rebuild_index(&mut self) {
        // The old one goes first.
        self.index = Positions::default();
        let mut positions = Positions::with_room_for(self.len());
        // In the order of the entries, which is much quicker than in that of another index.
        for (index, entry) in self.iter() {
            positions.add(hash_of(entry.name()), index);
        }
        self.index = positions;
    }

    /// Removes an entry, which leaves a gap.
    pub(crate) fn remove(&mut self, hash: u64, index: u32) -> Option<E> {
        let entry = self.slots.get_mut(index as usize)?.take()?;
        self.index.remove(hash, index);
        self.gaps += 1;
        Some(entry)
    }

    /// Removes the last slot if it is a gap.
    pub(crate) fn pop_gap(&mut self) {
        if self.slots.pop_if(|slot| slot.is_none()).is_some() {
            self.gaps -= 1;
        }
    }

    /// Closes all gaps, and returns the ranks that the entries had, which are their indexes now.
    #[cold]
    pub(crate) fn close_gaps(&mut self) -> Ranks {
        let ranks = Ranks::of(&self.slots);
        self.slots.retain(Option::is_some);
        self.gaps = 0;
        if self.index.has_room_for(4 * self.slots.len()) {
            self.index = Positions::default();
            self.slots.shrink_to_fit();
            if self.slots.len() > FLAT {
                self.rebuild_index();
            }
        } else {
            // Without a look at the names.
            self.index.0.retain(|index| ranks.of_entry(*index).map(|rank| *index = rank).is_some());
        }
        ranks
    }

    /// Removes the entries for which `keep` is false, and closes all gaps.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&mut E) -> bool) -> Ranks {
        for slot in &mut self.slots {
            slot.take_if(|entry| !keep(entry));
        }
        self.close_gaps()
    }

    /// The entries in order, each with its index.
    pub(crate) fn iter(&self) -> Iter<'_, E> {
        Iter { index: 0, slots: self.slots.iter() }
    }
}

/// The entries of a [`Table`] in order, each with its index.
#[derive(Debug)]
pub(crate) struct Iter<'t, E> {
    /// The index of the next of `slots`.
    index: u32,
    slots: std::slice::Iter<'t, Option<E>>,
}

impl<E> Clone for Iter<'_, E> {
    fn clone(&self) -> Self {
        Self { index: self.index, slots: self.slots.clone() }
    }
}

impl<'t, E> Iterator for Iter<'t, E> {
    type Item = (u32, &'t E);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let slot = self.slots.next()?;
            let index = self.index;
            self.index += 1;
            if let Some(entry) = slot {
                return Some((index, entry));
            }
        }
    }
}

/// How many entries were before each index when gaps were closed: a bit an index, and a number for every 64.
pub(crate) struct Ranks {
    words: Vec<(u64, u32)>,
    total: u32,
}

impl Ranks {
    fn of<E>(slots: &[Option<E>]) -> Self {
        let mut total = 0;
        let words = slots.chunks(64).map(|slots| {
            let word = slots.iter().rev().fold(0, |word, slot| word << 1 | u64::from(slot.is_some()));
            let counted = (word, total);
            total += word.count_ones();
            counted
        });
        Self { words: words.collect(), total }
    }

    /// How many entries were before an index at which there was an entry.
    #[inline]
    pub(crate) fn of_entry(&self, index: u32) -> Option<u32> {
        let (word, _) = self.words.get(index as usize / 64)?;
        (word >> (index % 64) & 1 == 1).then(|| self.before(index))
    }

    /// How many entries were before an index.
    #[inline]
    pub(crate) fn before(&self, index: u32) -> u32 {
        self.words.get(index as usize / 64).map_or(self.total, |(word, before)| {
            let bit = 1_u64 << (index % 64);
            before + (word & (bit - 1)).count_ones()
        })
    }
}

/// Numbers below 2^32, which say where something is, by its hash: 5 bytes each, and room for more.
#[derive(Debug, Clone, Default)]
pub(super) struct Positions(HashTable<u32>);

impl Positions {
    /// Room for so many positions, and for half as many more: however they come and go, it lasts for long.
    pub(super) fn with_room_for(count: usize) -> Self {
        Self(HashTable::with_capacity((count + count / 2).max(4)))
    }

    #[inline]
    fn has_no_room(&self) -> bool {
        self.0.capacity() == 0
    }

    fn has_room_for(&self, count: usize) -> bool {
        self.0.capacity() > count
    }

    /// The position of a hash that is the one that is looked for.
    #[inline]
    pub(super) fn find(&self, hash: u64, mut is_it: impl FnMut(u32) -> bool) -> Option<u32> {
        self.0.find(spread(hash), |position| is_it(*position)).copied()
    }

    /// Adds a position; `false` if there is no room, so that all have to be added to a new one.
    ///
    /// A table that grows by itself hashes every string in the order of the table, which misses the cache each time.
    #[inline]
    pub(super) fn add(&mut self, hash: u64, position: u32) -> bool {
        let has_room = self.0.len() < self.0.capacity();
        if has_room {
            // With room, no hash is asked for.
            self.0.insert_unique(spread(hash), position, |_| 0);
        }
        has_room
    }

    /// Removes a position.
    pub(super) fn remove(&mut self, hash: u64, position: u32) {
        if let Ok(found) = self.0.find_entry(spread(hash), |other| *other == position) {
            found.remove();
        }
    }

    /// How much memory it takes beyond its own size.
    #[cfg(test)]
    pub(super) fn bytes_held(&self) -> usize {
        self.0.allocation_size()
    }
}

/// The hash for a table, which takes the lowest bits and the highest: not those that chose the shard of a key.
#[inline]
const fn spread(hash: u64) -> u64 {
    hash.rotate_right(20)
}

/// An index, of which there are fewer than 2^32.
#[inline]
pub(crate) fn small(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}
