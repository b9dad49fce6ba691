//! A set of strings with a value each: flat while it is small, with a table of hashes beyond.

use std::hash::{BuildHasher, Hasher};

use foldhash::fast::FixedState;
use hashbrown::HashTable;

use super::bytes::Bytes;

/// The hash of a string, the same in every table and every run.
#[inline]
pub fn hash_of(bytes: &[u8]) -> u64 {
    let mut hasher = FixedState::with_seed(0x616f_666b_6974).build_hasher();
    hasher.write(bytes);
    hasher.finish()
}

/// Where a string is among others.
#[derive(Debug, Clone, Copy)]
pub(super) enum Place {
    /// It is kept at this index.
    Kept(usize),
    /// It is not there; its hash.
    Free(u64),
}

/// Strings, each with a `V`: in the order in which they came, until one is removed, whose place the last one takes.
#[derive(Debug, Clone)]
pub struct Members<'a, V> {
    entries: Vec<(Bytes<'a>, V)>,
    /// Indexes of entries by the hash of their string; absent while looking at each is quicker.
    table: Option<HashTable<u32>>,
}

impl<V> Default for Members<'_, V> {
    fn default() -> Self {
        Self { entries: Vec::new(), table: None }
    }
}

impl<'a, V> Members<'a, V> {
    /// Up to so many strings, each is looked at.
    const FLAT: usize = 16;

    /// How many there are.
    pub const fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The index at which a string is kept, until the next removal.
    #[inline]
    pub fn index_of(&self, member: &[u8]) -> Option<usize> {
        match &self.table {
            None => self.entries.iter().position(|(name, _)| **name == *member),
            Some(_) => self.index_of_hashed(hash_of(member), member),
        }
    }

    /// The same, for a string whose hash is known.
    #[inline]
    fn index_of_hashed(&self, hash: u64, member: &[u8]) -> Option<usize> {
        match &self.table {
            None => self.entries.iter().position(|(name, _)| **name == *member),
            Some(table) => table.find(hash, |&index| self.is_at(index, member)).map(|&index| index as usize),
        }
    }

    /// The index at which a string probably is, if many are kept: looks at the table alone.
    #[inline]
    pub fn hint(&self, member: &[u8]) -> Option<usize> {
        self.table.as_ref()?.iter_hash(hash_of(member)).next().map(|&index| index as usize)
    }

    #[inline]
    fn is_at(&self, index: u32, member: &[u8]) -> bool {
        self.entries.get(index as usize).is_some_and(|(name, _)| **name == *member)
    }

    /// Whether a string is among them.
    pub fn contains(&self, member: &[u8]) -> bool {
        self.index_of(member).is_some()
    }

    /// The value of a string.
    #[inline]
    pub fn get(&self, member: &[u8]) -> Option<&V> {
        self.index_of(member).and_then(|index| self.entries.get(index)).map(|(_, value)| value)
    }

    /// The value of a string, to change.
    #[inline]
    pub fn get_mut(&mut self, member: &[u8]) -> Option<&mut V> {
        let index = self.index_of(member)?;
        self.entries.get_mut(index).map(|(_, value)| value)
    }

    /// The string and value at an index.
    pub fn at(&self, index: usize) -> Option<(&Bytes<'a>, &V)> {
        self.entries.get(index).map(|(name, value)| (name, value))
    }

    /// The string at an index, and its value to change.
    pub fn at_mut(&mut self, index: usize) -> Option<(&Bytes<'a>, &mut V)> {
        self.entries.get_mut(index).map(|(name, value)| (&*name, value))
    }

    /// Gives a string a value, and returns the one it had.
    pub fn insert(&mut self, member: Bytes<'a>, value: V) -> Option<V> {
        match self.place_of(&member) {
            Place::Kept(index) => self.entries.get_mut(index).map(|(_, old)| std::mem::replace(old, value)),
            Place::Free(hash) => {
                self.push(hash, member, value);
                None
            }
        }
    }

    /// Where a string is, or what [`Members::push`] needs to add it.
    #[inline]
    pub(super) fn place_of(&self, member: &[u8]) -> Place {
        let hash = hash_of(member);
        self.index_of_hashed(hash, member).map_or(Place::Free(hash), Place::Kept)
    }

    /// Adds a string that is not there, whose hash is known.
    pub(super) fn push(&mut self, hash: u64, member: Bytes<'a>, value: V) {
        let index = u32::try_from(self.entries.len()).unwrap_or(u32::MAX);
        grow(&mut self.entries);
        self.entries.push((member, value));
        match &mut self.table {
            Some(table) if table.len() < table.capacity() => {
                table.insert_unique(hash, index, |&index| hash_at(&self.entries, index));
            }
            table if self.entries.len() > Self::FLAT => {
                // Made anew: in the order of the entries, which is much quicker than in that of the table.
                *table = None;
                *table = Some(table_of(&self.entries));
            }
            _ => {}
        }
    }

    /// Takes a string out; the last one takes its index.
    pub fn remove(&mut self, member: &[u8]) -> Option<(Bytes<'a>, V)> {
        let index = match &mut self.table {
            None => self.entries.iter().position(|(name, _)| **name == *member)?,
            Some(table) => {
                let entries = &self.entries;
                let same = |&index: &u32| entries.get(index as usize).is_some_and(|(name, _)| **name == *member);
                table.find_entry(hash_of(member), same).ok()?.remove().0 as usize
            }
        };
        self.take(index)
    }

    /// Takes the string at an index out; the last one takes its index.
    pub fn remove_at(&mut self, index: usize) -> Option<(Bytes<'a>, V)> {
        if let Some(table) = &mut self.table {
            let hash = hash_of(&self.entries.get(index)?.0);
            table.find_entry(hash, |&place| place as usize == index).ok()?.remove();
        }
        self.take(index)
    }

    /// Takes the entry at an index out, which the table no longer has.
    fn take(&mut self, index: usize) -> Option<(Bytes<'a>, V)> {
        let last = self.entries.len().checked_sub(1)?;
        if index < last
            && let Some(table) = &mut self.table
            && let Some((moved, _)) = self.entries.get(last)
            && let Some(place) = table.find_mut(hash_of(moved), |&place| place as usize == last)
        {
            *place = u32::try_from(index).unwrap_or(u32::MAX);
        }
        let taken = (index <= last).then(|| self.entries.swap_remove(index));
        self.give_back();
        taken
    }

    /// Gives memory back when most of it is unused.
    fn give_back(&mut self) {
        let length = self.entries.len();
        if length > Self::FLAT && length < self.entries.capacity() / 4 {
            self.entries.shrink_to(length * 2);
            let entries = &self.entries;
            if let Some(table) = &mut self.table {
                table.shrink_to(length * 2, |&index| hash_at(entries, index));
            }
        }
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&Bytes<'a>, &V)> + Clone {
        self.entries.iter().map(|(name, value)| (name, value))
    }

    /// All of them, their values to change.
    pub fn iter_mut(&mut self) -> impl ExactSizeIterator<Item = (&Bytes<'a>, &mut V)> {
        self.entries.iter_mut().map(|(name, value)| (&*name, value))
    }
}

/// Makes room for one more: a quarter more than there is, not twice as much.
#[inline]
fn grow<T>(entries: &mut Vec<T>) {
    if entries.len() == entries.capacity() {
        entries.reserve_exact((entries.len() / 4).max(4));
    }
}

fn hash_at<V>(entries: &[(Bytes<'_>, V)], index: u32) -> u64 {
    entries.get(index as usize).map_or(0, |(name, _)| hash_of(name))
}

fn table_of<V>(entries: &[(Bytes<'_>, V)]) -> HashTable<u32> {
    // With room for half as many more: however members come and go, it is long until the next one is made.
    let mut table = HashTable::with_capacity(entries.len() + entries.len() / 2);
    for (index, (name, _)) in (0_u32..).zip(entries) {
        table.insert_unique(hash_of(name), index, |&index| hash_at(entries, index));
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn members_are_a_map(steps in prop::collection::vec((0..60_u8, any::<bool>(), any::<u8>()), 0..400)) {
            let mut members = Members::default();
            let mut model = BTreeMap::new();
            for (name, insert, value) in steps {
                let name = format!("member number {name} of some length");
                if insert {
                    prop_assert_eq!(members.insert(Bytes::copied(name.as_bytes()), value), model.insert(name, value));
                } else {
                    let removed = members.remove(name.as_bytes()).map(|(_, value)| value);
                    prop_assert_eq!(removed, model.remove(&name));
                }
                prop_assert_eq!(members.len(), model.len());
            }
            for (name, value) in &model {
                prop_assert_eq!(members.get(name.as_bytes()), Some(value));
                let index = members.index_of(name.as_bytes()).unwrap();
                prop_assert_eq!(members.at(index).unwrap().1, value);
            }
            prop_assert_eq!(members.get(b"no such"), None);
        }
    }
}
