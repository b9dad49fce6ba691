//! A set of strings with a value each: flat while it is small, with a table of hashes beyond.

use std::hash::{BuildHasher, Hasher};
use std::sync::LazyLock;

use foldhash::SharedSeed;
use foldhash::fast::SeedableRandomState;

use super::bytes::Bytes;
use super::table::{Named, Ranks, Table};

/// Both seeds of every hash, chosen at random once per process.
///
/// The log is untrusted: with known seeds, strings that all hash alike make every lookup a search through all of them.
/// The shared seed has to be random as well, since some strings hash to 0 with any other seed.
static SEEDS: LazyLock<(u64, SharedSeed)> = LazyLock::new(|| {
    let random = std::hash::RandomState::new();
    (random.hash_one(0), SharedSeed::from_u64(random.hash_one(1)))
});

/// The hash of a string: the same in every table, another in every run. Nothing that is written may depend on it.
#[inline]
pub(crate) fn hash_of(bytes: &[u8]) -> u64 {
    let (seed, shared) = &*SEEDS;
    let mut hasher = SeedableRandomState::with_seed(*seed, shared).build_hasher();
    hasher.write(bytes);
    hasher.finish()
}

/// Where a string is among others.
#[derive(Debug, Clone, Copy)]
pub(super) enum Place {
    /// It is kept at this index.
    Kept(u32),
    /// It is not there; its hash.
    Free(u64),
}

/// Strings, each with a `V`, in no order that matters: gaps are filled. One keeps its index while others come, or go
/// by [`Members::remove_at`].
#[derive(Debug, Clone)]
pub(crate) struct Members<'a, V> {
    table: Table<(Bytes<'a>, V), FLAT>,
    /// The indexes of all gaps; the last one is filled first.
    free: Vec<u32>,
}

/// Up to this many strings, each is looked at.
const FLAT: usize = 16;

impl<V> Named for (Bytes<'_>, V) {
    #[inline]
    fn name(&self) -> &[u8] {
        &self.0
    }
}

impl<V> Default for Members<'_, V> {
    fn default() -> Self {
        Self { table: Table::default(), free: Vec::new() }
    }
}

impl<'a, V> Members<'a, V> {
    /// How many there are.
    pub(crate) const fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether there is none.
    pub(crate) const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The index at which a string is kept.
    #[inline]
    pub(crate) fn index_of(&self, member: &[u8]) -> Option<u32> {
        self.table.find(hash_of(member), member)
    }

    /// The index at which a string probably is, if many are kept: looks at the table alone.
    #[inline]
    pub(crate) fn probe(&self, member: &[u8]) -> Option<u32> {
        self.table.probe(hash_of(member))
    }

    /// The value of a string.
    #[inline]
    pub(crate) fn get(&self, member: &[u8]) -> Option<&V> {
        self.index_of(member).and_then(|index| self.at(index)).map(|(_, value)| value)
    }

    /// The value of a string, to change.
    #[inline]
    pub(crate) fn get_mut(&mut self, member: &[u8]) -> Option<&mut V> {
        let index = self.index_of(member)?;
        self.at_mut(index)
    }

    /// The string and value at an index.
    #[inline]
    pub(crate) fn at(&self, index: u32) -> Option<(&Bytes<'a>, &V)> {
        self.table.get(index).map(|(name, value)| (name, value))
    }

    /// The value at an index, to change.
    #[inline]
    pub(crate) fn at_mut(&mut self, index: u32) -> Option<&mut V> {
        self.table.get_mut(index).map(|(_, value)| value)
    }

    /// Gives a string a value, and returns the one it had.
    pub(crate) fn insert(&mut self, member: Bytes<'a>, value: V) -> Option<V> {
        match self.place_of(&member) {
            Place::Kept(index) => self.at_mut(index).map(|old| std::mem::replace(old, value)),
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
        self.table.find(hash, member).map_or(Place::Free(hash), Place::Kept)
    }

    /// Adds a string that is not there, whose hash is known, and returns its index.
    pub(super) fn push(&mut self, hash: u64, member: Bytes<'a>, value: V) -> u32 {
        let Some(gap) = self.free.pop() else { return self.table.push(hash, (member, value)) };
        self.table.fill(gap, hash, (member, value));
        gap
    }

    /// Removes a string.
    pub(crate) fn remove(&mut self, member: &[u8]) -> Option<(Bytes<'a>, V)> {
        let index = self.index_of(member)?;
        let removed = self.remove_at(index);
        if self.has_many_gaps() {
            self.close_gaps();
        }
        removed
    }

    /// Removes the string at an index.
    pub(crate) fn remove_at(&mut self, index: u32) -> Option<(Bytes<'a>, V)> {
        let hash = hash_of(self.at(index)?.0);
        let removed = self.table.remove(hash, index);
        if index as usize + 1 == self.table.slots() {
            self.table.pop_gap();
        } else {
            self.free.push(index);
        }
        removed
    }

    /// Whether so many were removed that [`Members::close_gaps`] pays.
    #[inline]
    pub(super) const fn has_many_gaps(&self) -> bool {
        self.free.len() > FLAT && self.free.len() > self.table.slots() / 4 * 3
    }

    /// Frees the memory of those that were removed. The indexes of the others are their ranks from then on.
    pub(super) fn close_gaps(&mut self) -> Ranks {
        self.free = Vec::new();
        self.table.close_gaps()
    }

    /// All of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Bytes<'a>, &V)> + Clone {
        self.table.iter().map(|(_, (name, value))| (name, value))
    }

    /// All of them, with their indexes.
    pub(crate) fn iter_indexed(&self) -> impl Iterator<Item = (u32, &Bytes<'a>, &V)> + Clone {
        self.table.iter().map(|(index, (name, value))| (index, name, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn members_are_a_map(
            steps in prop::collection::vec((0..60_u8, 0..10_u8, any::<u8>()), 0..600),
            removals in 0..10_u8,
        ) {
            let mut members = Members::default();
            let mut model = BTreeMap::new();
            for (name, what, value) in steps {
                let name = format!("member number {name} of some length");
                if what >= removals {
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
            prop_assert_eq!(members.iter().count(), model.len());
            prop_assert_eq!(members.get(b"no such"), None);
        }
    }

    #[test]
    fn a_member_takes_no_more_than_its_string_and_value() {
        assert_eq!(size_of::<Option<(Bytes<'_>, f64)>>(), 32);
    }

    #[test]
    fn members_stay_where_they_are_while_others_go() {
        let mut members = Members::default();
        for number in 0..100 {
            members.insert(Bytes::from_integer(number), number);
        }
        for number in (0..100).filter(|number| number % 10 != 0) {
            let index = members.index_of(number.to_string().as_bytes()).unwrap();
            members.remove_at(index);
        }
        assert_eq!(members.index_of(b"70"), Some(70));
        assert!(members.has_many_gaps());
        let ranks = members.close_gaps();
        let of_entry = |index: u32| index.is_multiple_of(10).then_some(index / 10);
        assert!((0..100).all(|index| ranks.of_entry(index) == of_entry(index)));
        assert_eq!((members.index_of(b"70"), members.len()), (Some(7), 10));
    }

    #[test]
    fn members_that_are_chosen_to_hash_alike_do_not() {
        use foldhash::fast::FixedState;

        // With a known shared seed, a last word that equals one of its words makes the hash 0, whatever the other seed
        // is.
        let words = format!("{:?}", SharedSeed::global_fixed());
        let words = words.split(|sign: char| !sign.is_ascii_digit()).filter_map(|word| word.parse::<u64>().ok());
        let members = |word: u64| (0..5000_u64).map(move |number| [number.to_ne_bytes(), word.to_ne_bytes()].concat());
        let distinct = |hash: &dyn Fn(&[u8]) -> u64, word| {
            members(word).map(|member| hash(&member)).collect::<std::collections::HashSet<u64>>().len()
        };
        let fixed = |bytes: &[u8]| {
            let mut hasher = FixedState::with_seed(0x616f_666b_6974).build_hasher();
            hasher.write(bytes);
            hasher.finish()
        };
        let chosen: Vec<u64> = words.filter(|word| distinct(&fixed, *word) == 1).collect();
        assert!(!chosen.is_empty(), "no members that a fixed seed hashes alike");
        for word in chosen {
            assert!(distinct(&hash_of, word) > 4990);
        }
    }
}
