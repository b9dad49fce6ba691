//! A set of strings with a value each: flat while it is small, with a table of hashes beyond.

use std::hash::{BuildHasher, Hasher};
use std::sync::LazyLock;

use foldhash::SharedSeed;
use foldhash::fast::SeedableRandomState;
use hashbrown::HashTable;

use super::bytes::Bytes;
use super::equal::is_equal;

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
pub fn hash_of(bytes: &[u8]) -> u64 {
    let (seed, shared) = &*SEEDS;
    let mut hasher = SeedableRandomState::with_seed(*seed, shared).build_hasher();
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

/// Strings, each with a `V`, in no order that matters. One keeps its index while others come, or go by
/// [`Members::remove_at`].
#[derive(Debug, Clone)]
pub struct Members<'a, V> {
    /// `None` at the indexes in `free`.
    entries: Vec<Option<(Bytes<'a>, V)>>,
    free: Vec<u32>,
    /// Indexes of entries by the hash of their string; absent while looking at each is quicker.
    table: Option<HashTable<u32>>,
}

impl<V> Default for Members<'_, V> {
    fn default() -> Self {
        Self { entries: Vec::new(), free: Vec::new(), table: None }
    }
}

impl<'a, V> Members<'a, V> {
    /// Up to so many strings, each is looked at.
    const FLAT: usize = 16;

    /// How many there are.
    pub const fn len(&self) -> usize {
        self.entries.len() - self.free.len()
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The index at which a string is kept.
    #[inline]
    pub fn index_of(&self, member: &[u8]) -> Option<usize> {
        match &self.table {
            None => self.entries.iter().position(|entry| is_of(entry.as_ref(), member)),
            Some(_) => self.index_of_hashed(hash_of(member), member),
        }
    }

    /// The same, for a string whose hash is known.
    #[inline]
    fn index_of_hashed(&self, hash: u64, member: &[u8]) -> Option<usize> {
        match &self.table {
            None => self.entries.iter().position(|entry| is_of(entry.as_ref(), member)),
            Some(table) => table.find(hash, |&index| self.is_at(index, member)).map(|&index| index as usize),
        }
    }

    /// The index at which a string probably is, if many are kept: looks at the table alone.
    #[inline]
    pub fn probe(&self, member: &[u8]) -> Option<usize> {
        self.table.as_ref()?.find(hash_of(member), |_| true).map(|&index| index as usize)
    }

    #[inline]
    fn is_at(&self, index: u32, member: &[u8]) -> bool {
        self.entries.get(index as usize).is_some_and(|entry| is_of(entry.as_ref(), member))
    }

    /// The value of a string.
    #[inline]
    pub fn get(&self, member: &[u8]) -> Option<&V> {
        self.index_of(member).and_then(|index| self.at(index)).map(|(_, value)| value)
    }

    /// The value of a string, to change.
    #[inline]
    pub fn get_mut(&mut self, member: &[u8]) -> Option<&mut V> {
        let index = self.index_of(member)?;
        self.at_mut(index).map(|(_, value)| value)
    }

    /// The string and value at an index.
    #[inline]
    pub fn at(&self, index: usize) -> Option<(&Bytes<'a>, &V)> {
        self.entries.get(index)?.as_ref().map(|(name, value)| (name, value))
    }

    /// The string at an index, and its value to change.
    #[inline]
    pub fn at_mut(&mut self, index: usize) -> Option<(&Bytes<'a>, &mut V)> {
        self.entries.get_mut(index)?.as_mut().map(|(name, value)| (&*name, value))
    }

    /// Gives a string a value, and returns the one it had.
    pub fn insert(&mut self, member: Bytes<'a>, value: V) -> Option<V> {
        match self.place_of(&member) {
            Place::Kept(index) => self.at_mut(index).map(|(_, old)| std::mem::replace(old, value)),
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

    /// Adds a string that is not there, whose hash is known, and returns its index.
    pub(super) fn push(&mut self, hash: u64, member: Bytes<'a>, value: V) -> u32 {
        let entry = Some((member, value));
        let reused = self.free.pop().and_then(|index| Some((index, self.entries.get_mut(index as usize)?)));
        let index = if let Some((index, place)) = reused {
            *place = entry;
            index
        } else {
            grow(&mut self.entries);
            self.entries.push(entry);
            u32::try_from(self.entries.len() - 1).unwrap_or(u32::MAX)
        };
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
        index
    }

    /// Takes a string out.
    pub fn remove(&mut self, member: &[u8]) -> Option<(Bytes<'a>, V)> {
        let index = self.index_of(member)?;
        let taken = self.remove_at(index);
        self.close_gaps_if_many();
        taken
    }

    /// Takes the string at an index out.
    pub fn remove_at(&mut self, index: usize) -> Option<(Bytes<'a>, V)> {
        let taken = self.entries.get_mut(index)?.take()?;
        let place = u32::try_from(index).unwrap_or(u32::MAX);
        if let Some(table) = &mut self.table
            && let Ok(found) = table.find_entry(hash_of(&taken.0), |&other| other == place)
        {
            found.remove();
        }
        if index + 1 == self.entries.len() {
            self.entries.pop();
        } else {
            self.free.push(place);
        }
        Some(taken)
    }

    /// Whether so many were removed that [`Members::close_gaps`] pays.
    #[inline]
    pub(super) const fn has_many_gaps(&self) -> bool {
        self.free.len() > Self::FLAT && self.free.len() > self.entries.len() / 4 * 3
    }

    fn close_gaps_if_many(&mut self) {
        if self.has_many_gaps() {
            self.close_gaps(|_, _| {});
        }
    }

    /// Gives the memory of those back that were removed. `moved` is told the old and the new index of each that there
    /// is.
    #[cold]
    pub(super) fn close_gaps(&mut self, mut moved: impl FnMut(u32, u32)) {
        self.table = None;
        self.free = Vec::new();
        let kept = (0..).zip(&self.entries).filter(|(_, entry)| entry.is_some());
        for (new, (old, _)) in (0..).zip(kept) {
            moved(old, new);
        }
        self.entries.retain(Option::is_some);
        self.entries.shrink_to_fit();
        if self.entries.len() > Self::FLAT {
            self.table = Some(table_of(&self.entries));
        }
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&Bytes<'a>, &V)> + Clone {
        self.entries.iter().flatten().map(|(name, value)| (name, value))
    }

    /// All of them, with their indexes.
    pub fn iter_indexed(&self) -> impl Iterator<Item = (usize, &Bytes<'a>, &V)> + Clone {
        let indexed = self.entries.iter().enumerate();
        indexed.filter_map(|(index, entry)| entry.as_ref().map(|(name, value)| (index, name, value)))
    }
}

#[inline]
fn is_of<V>(entry: Option<&(Bytes<'_>, V)>, member: &[u8]) -> bool {
    entry.is_some_and(|(name, _)| is_equal(name, member))
}

/// Makes room for one more: a quarter more than there is, not twice as much.
#[inline]
fn grow<T>(entries: &mut Vec<T>) {
    if entries.len() == entries.capacity() {
        entries.reserve_exact((entries.len() / 4).max(4));
    }
}

fn hash_at<V>(entries: &[Option<(Bytes<'_>, V)>], index: u32) -> u64 {
    entries.get(index as usize).and_then(Option::as_ref).map_or(0, |(name, _)| hash_of(name))
}

fn table_of<V>(entries: &[Option<(Bytes<'_>, V)>]) -> HashTable<u32> {
    // With room for half as many more: however members come and go, it is long until the next one is made.
    let mut table = HashTable::with_capacity(entries.len() + entries.len() / 2);
    for (index, entry) in (0_u32..).zip(entries) {
        if let Some((name, _)) = entry {
            table.insert_unique(hash_of(name), index, |&index| hash_at(entries, index));
        }
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
        fn members_are_a_map(steps in prop::collection::vec((0..60_u8, 0..10_u8, any::<u8>()), 0..600), removals in 0..10_u8) {
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
        let mut moves = Vec::new();
        members.close_gaps(|old, new| moves.push((old, new)));
        assert_eq!(moves, (0..10).map(|new| (new * 10, new)).collect::<Vec<_>>());
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
