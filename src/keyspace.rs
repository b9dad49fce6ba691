//! The data of a server: databases of keys, each with a value and perhaps an expiry, and functions.

mod division;

use std::collections::BTreeMap;

use hashbrown::HashTable;

pub use division::Division;

use crate::value::{Bytes, Value, hash_of};

/// The databases and functions that a log describes, or the share of their keys that one thread has.
#[derive(Debug, Default)]
pub struct Keyspace<'a> {
    databases: BTreeMap<u32, Database<'a>>,
    /// The function libraries by name; every share has them all.
    pub functions: BTreeMap<Vec<u8>, Bytes<'a>>,
    /// What modules keep beside the keys in an RDB; the first share has it.
    pub module_data: Vec<ModuleData<'a>>,
}

/// Data of a module beside the keys, as it lies in an RDB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ModuleData<'a> {
    /// The number of the module's type.
    pub module: u64,
    /// When the module is given it: 1 before the keys are loaded, 2 after.
    pub when: u64,
    /// The module's own opcodes and operands.
    pub data: &'a [u8],
}

impl<'a> Keyspace<'a> {
    /// The database of this number, if a key was ever written to it.
    pub fn database(&self, number: u32) -> Option<&Database<'a>> {
        self.databases.get(&number)
    }

    /// The database of this number, to change.
    pub fn database_mut(&mut self, number: u32) -> &mut Database<'a> {
        self.databases.entry(number).or_default()
    }

    /// All databases that a key was ever written to, by number.
    pub fn databases(&self) -> impl Iterator<Item = (u32, &Database<'a>)> {
        self.databases.iter().map(|(number, database)| (*number, database))
    }

    /// All databases that a key was ever written to, to change.
    pub fn databases_mut(&mut self) -> impl Iterator<Item = &mut Database<'a>> {
        self.databases.values_mut()
    }

    /// Forgets every key of every database.
    pub fn clear(&mut self) {
        self.databases.clear();
    }

    /// Exchanges the keys of two databases.
    pub fn swap(&mut self, one: u32, other: u32) {
        if one != other {
            let (first, second) = (self.databases.remove(&one), self.databases.remove(&other));
            self.databases.extend(first.map(|database| (other, database)));
            self.databases.extend(second.map(|database| (one, database)));
        }
    }
}

/// The keys of one database, in the order in which they were first written.
#[derive(Debug, Default)]
pub struct Database<'a> {
    /// `None` where a key was deleted: the others keep their order.
    entries: Vec<Option<Entry<'a>>>,
    table: HashTable<Slot>,
}

/// A key with its value.
#[derive(Debug)]
pub struct Entry<'a> {
    /// The key.
    pub key: Bytes<'a>,
    /// Its value.
    pub value: Value<'a>,
    expiry: i64,
    /// A number that orders keys by when they were first written, over all shares.
    pub created: u64,
}

impl Entry<'_> {
    /// What servers take for no expiry, too: `PEXPIREAT key -1` leaves a key without one while they load.
    const NEVER: i64 = -1;

    /// When the key expires, in milliseconds of Unix time.
    pub fn expiry(&self) -> Option<i64> {
        (self.expiry != Self::NEVER).then_some(self.expiry)
    }

    /// Sets when the key expires, in milliseconds of Unix time.
    pub fn set_expiry(&mut self, expiry: Option<i64>) {
        self.expiry = expiry.unwrap_or(Self::NEVER);
    }
}

/// Where a key is, and enough of its hash to tell it from most others without a look at it.
#[derive(Debug, Clone, Copy)]
struct Slot {
    tag: u32,
    index: u32,
}

/// A key and its hash, which is computed once.
#[derive(Debug, Clone, Copy)]
pub struct Key<'k> {
    /// The key.
    pub bytes: &'k [u8],
    /// Its [`hash_of`].
    pub hash: u64,
}

impl<'k> Key<'k> {
    /// Hashes a key.
    #[inline]
    pub fn new(bytes: &'k [u8]) -> Self {
        Self { bytes, hash: hash_of(bytes) }
    }

    #[inline]
    const fn tag(self) -> u32 {
        tag_of(self.hash)
    }
}

/// The bits of the hash that a slot keeps. The table takes all 64 bits anew from them.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "some of the bits are wanted")]
const fn tag_of(hash: u64) -> u32 {
    (hash >> 16) as u32
}

/// The table's hash of a slot: made from the tag alone, so that the table grows without a look at the keys.
#[inline]
const fn spread(tag: u32) -> u64 {
    (tag as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

impl<'a> Database<'a> {
    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    #[inline]
    fn find(&self, key: Key<'_>) -> Option<usize> {
        let tag = key.tag();
        let same = |slot: &Slot| slot.tag == tag && self.is_at(slot.index, key.bytes);
        self.table.find(spread(tag), same).map(|slot| slot.index as usize)
    }

    #[inline]
    fn is_at(&self, index: u32, key: &[u8]) -> bool {
        self.entries.get(index as usize).and_then(Option::as_ref).is_some_and(|entry| *entry.key == *key)
    }

    /// Where a key probably is, if it is there: looks at the table alone.
    ///
    /// For several keys in turn, and then [`Database::touch`] for what was found, the processor waits for all of their cache
    /// lines at once; looking each up when its command is applied, it waits for one after the other.
    #[inline]
    pub fn hint(&self, hash: u64) -> Option<u32> {
        let tag = tag_of(hash);
        self.table.find(spread(tag), |slot| slot.tag == tag).map(|slot| slot.index)
    }

    /// Brings what [`Database::hint`] found into the cache.
    #[inline]
    pub fn touch(&self, hint: u32) {
        if let Some(Some(entry)) = self.entries.get(hint as usize) {
            std::hint::black_box(entry.created);
        }
    }

    /// Brings the collection of what [`Database::hint`] found into the cache, once the entry is there.
    #[inline]
    pub fn touch_value(&self, hint: u32) {
        std::hint::black_box(self.hinted(hint).map(Value::item_count));
    }

    /// The value of what [`Database::hint`] found.
    #[inline]
    pub fn hinted(&self, hint: u32) -> Option<&Value<'a>> {
        self.entries.get(hint as usize).and_then(Option::as_ref).map(|entry| &entry.value)
    }

    /// The entry of a key.
    #[inline]
    pub fn get(&self, key: Key<'_>) -> Option<&Entry<'a>> {
        self.find(key).and_then(|index| self.entries.get(index)).and_then(Option::as_ref)
    }

    /// The entry of a key, to change.
    #[inline]
    pub fn get_mut(&mut self, key: Key<'_>) -> Option<&mut Entry<'a>> {
        let index = self.find(key)?;
        self.entries.get_mut(index).and_then(Option::as_mut)
    }

    /// Adds a key that is not there, without expiry.
    pub fn add(&mut self, key: Key<'a>, value: Value<'a>, created: u64) {
        self.add_expiring(key, value, created, None);
    }

    /// Adds a key that is not there, and when it expires.
    pub fn add_expiring(&mut self, key: Key<'a>, value: Value<'a>, created: u64, expiry: Option<i64>) {
        self.add_loaded(key.hash, Bytes::borrowed(key.bytes), value, expiry, created);
    }

    /// Adds a key that is not there and whose hash is known, as it was loaded.
    pub fn add_loaded(&mut self, hash: u64, key: Bytes<'a>, value: Value<'a>, expiry: Option<i64>, created: u64) {
        if self.entries.len() >= 64 && self.entries.len() / 2 > self.table.len() {
            self.close_gaps();
        }
        let slot = Slot { tag: tag_of(hash), index: u32::try_from(self.entries.len()).unwrap_or(u32::MAX) };
        if self.entries.len() == self.entries.capacity() {
            // A quarter more, not twice as much: the memory of a large vector grows without being copied.
            self.entries.reserve_exact((self.entries.len() / 4).max(16));
        }
        let expiry = expiry.unwrap_or(Entry::NEVER);
        self.entries.push(Some(Entry { key, value, expiry, created }));
        self.table.insert_unique(spread(slot.tag), slot, |slot| spread(slot.tag));
    }

    /// Takes a key out.
    pub fn remove(&mut self, key: Key<'_>) -> Option<Entry<'a>> {
        let tag = key.tag();
        let entries = &self.entries;
        let same = |slot: &Slot| {
            let entry = entries.get(slot.index as usize).and_then(Option::as_ref);
            slot.tag == tag && entry.is_some_and(|entry| *entry.key == *key.bytes)
        };
        let slot = self.table.find_entry(spread(tag), same).ok()?.remove().0;
        self.entries.get_mut(slot.index as usize)?.take()
    }

    /// Closes the gaps that deleted keys left, once they are more than the keys.
    fn close_gaps(&mut self) {
        self.entries.retain(Option::is_some);
        self.table.clear();
        let live = self.table.capacity().max(self.entries.len());
        if live > 4 * self.entries.len() {
            self.entries.shrink_to_fit();
            self.table = HashTable::with_capacity(self.entries.len());
        }
        for (index, entry) in (0_u32..).zip(self.entries.iter().flatten()) {
            let slot = Slot { tag: Key::new(&entry.key).tag(), index };
            self.table.insert_unique(spread(slot.tag), slot, |slot| spread(slot.tag));
        }
    }

    /// Forgets the keys for which `keep` says no.
    pub fn retain(&mut self, mut keep: impl FnMut(&mut Entry<'a>) -> bool) {
        for place in &mut self.entries {
            if place.as_mut().is_some_and(|entry| !keep(entry)) {
                *place = None;
            }
        }
        self.close_gaps();
    }

    /// The keys in the order in which they were first written.
    pub fn iter(&self) -> impl Iterator<Item = &Entry<'a>> {
        self.entries.iter().flatten()
    }

    /// Forgets every key.
    pub fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_database_is_a_map_in_order_of_first_writing(steps in prop::collection::vec((0..200_u32, 0..3_u8), 0..600)) {
            let names: Vec<String> = (0..200).map(|number| format!("key:{number}")).collect();
            let mut database = Database::default();
            let mut model: Vec<(u32, u64)> = Vec::new();
            for (created, (number, what)) in (0..).zip(steps) {
                let key = Key::new(names[number as usize].as_bytes());
                let known = model.iter().position(|(name, _)| *name == number);
                prop_assert_eq!(database.get(key).map(|entry| entry.created), known.map(|index| model[index].1));
                match (what, known) {
                    (0, Some(index)) => {
                        model.remove(index);
                        prop_assert!(database.remove(key).is_some());
                    }
                    (0, None) => prop_assert!(database.remove(key).is_none()),
                    (_, Some(_)) => database.get_mut(key).unwrap().set_expiry(Some(1)),
                    (_, None) => {
                        model.push((number, created));
                        database.add(key, Value::String(Bytes::default()), created);
                    }
                }
                prop_assert_eq!(database.len(), model.len());
            }
            let order: Vec<u64> = database.iter().map(|entry| entry.created).collect();
            prop_assert_eq!(order, model.into_iter().map(|(_, created)| created).collect::<Vec<_>>());
        }
    }
}
