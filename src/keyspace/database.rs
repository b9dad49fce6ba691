//! The keys of one database.

use std::fmt;
use std::ops::{Deref, DerefMut};

use super::times::{self, Expiries, Numbers, UpperHalves};
use crate::value::prefetch;
use crate::value::table::{self, Named, Table, small};
use crate::value::{Bytes, Value, hash_of};

/// The keys of one database, in the order in which they were first written.
#[derive(Debug, Default)]
pub struct Database<'a> {
    items: Table<Item<'a>>,
    expiries: Expiries,
    created: UpperHalves,
}

/// A key with its value, as a database keeps it.
#[derive(Debug)]
pub struct Item<'a> {
    /// The key.
    pub key: Bytes<'a>,
    /// Its value.
    pub value: Value<'a>,
    /// Where its expiry is.
    expiry: Option<times::Slot>,
    /// The lower half of [`Entry::created`].
    created: u32,
}

impl Named for Item<'_> {
    #[inline]
    fn name(&self) -> &[u8] {
        &self.key
    }
}

/// A key with its value, its expiry, and when it was first written.
#[derive(Clone, Copy)]
pub struct Entry<'e, 'a> {
    item: &'e Item<'a>,
    expiries: &'e Expiries,
    /// A number that orders keys by when they were first written, over all shards.
    pub created: u64,
}

impl<'e, 'a> Entry<'e, 'a> {
    /// When the key expires, in milliseconds of Unix time.
    pub fn expiry(&self) -> Option<i64> {
        self.expiries.get(self.item.expiry)
    }

    /// The value, for as long as the database is there.
    pub const fn value(&self) -> &'e Value<'a> {
        &self.item.value
    }
}

impl<'a> Deref for Entry<'_, 'a> {
    type Target = Item<'a>;

    fn deref(&self) -> &Item<'a> {
        self.item
    }
}

impl fmt::Debug for Entry<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry")
            .field("key", &self.key)
            .field("value", &self.value)
            .field("expiry", &self.expiry())
            .field("created", &self.created)
            .finish()
    }
}

/// A key with its value and its expiry, to change.
#[derive(Debug)]
pub struct EntryMut<'e, 'a> {
    item: &'e mut Item<'a>,
    expiries: &'e mut Expiries,
}

impl<'e, 'a> EntryMut<'e, 'a> {
    /// When the key expires, in milliseconds of Unix time.
    pub fn expiry(&self) -> Option<i64> {
        self.expiries.get(self.item.expiry)
    }

    /// Sets when the key expires, in milliseconds of Unix time. -1 is no expiry, as servers take it while they load.
    #[inline]
    pub fn set_expiry(&mut self, expiry: Option<i64>) {
        self.expiries.set(&mut self.item.expiry, expiry);
    }

    /// The value, for as long as the database is there.
    #[inline]
    pub const fn into_value(self) -> &'e mut Value<'a> {
        &mut self.item.value
    }
}

impl<'a> Deref for EntryMut<'_, 'a> {
    type Target = Item<'a>;

    #[inline]
    fn deref(&self) -> &Item<'a> {
        self.item
    }
}

impl<'a> DerefMut for EntryMut<'_, 'a> {
    #[inline]
    fn deref_mut(&mut self) -> &mut Item<'a> {
        self.item
    }
}

/// What a key had that was taken out.
#[derive(Debug)]
pub struct Removed<'a> {
    /// Its value.
    pub value: Value<'a>,
    /// When it would have expired, in milliseconds of Unix time.
    pub expiry: Option<i64>,
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
}

impl<'a> Database<'a> {
    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Where a key probably is, if it is there: looks at the table alone.
    ///
    /// For several keys in turn, and then [`Database::prefetch`] for what was found, the processor waits for all of
    /// their cache lines at once; looking each up when its command is applied, it waits for one after the other.
    #[inline]
    pub fn probe(&self, hash: u64) -> Option<u32> {
        self.items.probe(hash)
    }

    /// Brings what [`Database::probe`] found into the cache.
    #[inline]
    pub fn prefetch(&self, probe: u32) {
        if let Some(item) = self.items.get(probe) {
            // It may lie on two cache lines.
            prefetch((item.created, std::mem::discriminant(&item.value)));
        }
    }

    /// Brings the collection of what [`Database::probe`] found into the cache, once the entry is there.
    #[inline]
    pub fn prefetch_value(&self, probe: u32) {
        if let Some(value) = self.probed(probe) {
            value.prefetch_collection();
        }
    }

    /// The value of what [`Database::probe`] found.
    #[inline]
    pub fn probed(&self, probe: u32) -> Option<&Value<'a>> {
        self.items.get(probe).map(|item| &item.value)
    }

    /// The entry of a key.
    pub fn get(&self, key: Key<'_>) -> Option<Entry<'_, 'a>> {
        let index = self.items.find(key.hash, key.bytes)?;
        let item = self.items.get(index)?;
        Some(Entry { item, expiries: &self.expiries, created: self.created.number(index, item.created) })
    }

    /// The entry of a key, to change.
    #[inline]
    pub fn get_mut(&mut self, key: Key<'_>) -> Option<EntryMut<'_, 'a>> {
        let index = self.items.find(key.hash, key.bytes)?;
        let item = self.items.get_mut(index)?;
        Some(EntryMut { item, expiries: &mut self.expiries })
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
        let slots = self.items.slots();
        if slots >= 64 && slots > self.len() + self.len() / 4 {
            let ranks = self.items.close_gaps();
            self.created.close_gaps(&ranks);
        }
        let lower = self.created.note(small(self.items.slots()), created);
        let mut item = Item { key, value, expiry: None, created: lower };
        self.expiries.set(&mut item.expiry, expiry);
        self.items.push(hash, item);
    }

    /// Removes a key.
    pub fn remove(&mut self, key: Key<'_>) -> Option<Removed<'a>> {
        let index = self.items.find(key.hash, key.bytes)?;
        let mut item = self.items.remove(key.hash, index)?;
        let expiry = self.expiries.get(item.expiry);
        self.expiries.set(&mut item.expiry, None);
        Some(Removed { value: item.value, expiry })
    }

    /// Removes the keys for which `keep` is false.
    pub fn retain(&mut self, mut keep: impl FnMut(&mut EntryMut<'_, 'a>) -> bool) {
        let expiries = &mut self.expiries;
        let ranks = self.items.retain(|item| {
            let mut entry = EntryMut { item, expiries };
            let is_kept = keep(&mut entry);
            if !is_kept {
                entry.set_expiry(None);
            }
            is_kept
        });
        self.created.close_gaps(&ranks);
    }

    /// The keys in the order in which they were first written.
    pub fn iter(&self) -> Entries<'_, 'a> {
        Entries { items: self.items.iter(), expiries: &self.expiries, numbers: self.created.numbers() }
    }

    /// Forgets every key.
    pub fn clear(&mut self) {
        *self = Self::default();
    }
}

impl<'e, 'a> IntoIterator for &'e Database<'a> {
    type Item = Entry<'e, 'a>;
    type IntoIter = Entries<'e, 'a>;

    fn into_iter(self) -> Entries<'e, 'a> {
        self.iter()
    }
}

/// The keys of a database, in the order in which they were first written.
#[derive(Debug, Clone)]
pub struct Entries<'e, 'a> {
    items: table::Iter<'e, Item<'a>>,
    expiries: &'e Expiries,
    numbers: Numbers<'e>,
}

impl<'e, 'a> Iterator for Entries<'e, 'a> {
    type Item = Entry<'e, 'a>;

    #[inline]
    fn next(&mut self) -> Option<Entry<'e, 'a>> {
        let (index, item) = self.items.next()?;
        Some(Entry { item, expiries: self.expiries, created: self.numbers.of(index, item.created) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A key of the model: its name, when it was created, and its expiry.
    type Modelled = (u32, u64, Option<i64>);

    fn shown(entry: Entry<'_, '_>) -> (Vec<u8>, u64, Option<i64>) {
        (entry.key.to_vec(), entry.created, entry.expiry())
    }

    proptest! {
        #[test]
        fn a_database_is_a_map_in_order_of_first_writing(
            steps in prop::collection::vec((0..200_u32, 0..8_u8, prop::option::of(0..9_i64), 0..1_u64 << 31), 0..600),
            is_long in any::<bool>(),
        ) {
            let names: Vec<String> = (0..200).map(|number| format!("key:{number}")).collect();
            let mut database = Database::default();
            let mut model: Vec<Modelled> = Vec::new();
            let mut created = 0;
            for (number, what, expiry, step) in steps {
                created += if is_long { step } else { 1 };
                let key = Key::new(names[number as usize].as_bytes());
                let known = model.iter().position(|(name, ..)| *name == number);
                let expected = known.map(|index| (key.bytes.to_vec(), model[index].1, model[index].2));
                prop_assert_eq!(database.get(key).map(shown), expected);
                match (what, known) {
                    (0..3, Some(index)) => {
                        let (.., expiry) = model.remove(index);
                        prop_assert_eq!(database.remove(key).unwrap().expiry, expiry);
                    }
                    (0..3, None) => prop_assert!(database.remove(key).is_none()),
                    (7, _) if number < 10 => {
                        database.retain(|entry| entry.expiry() != expiry);
                        model.retain(|(.., held)| *held != expiry);
                    }
                    (_, Some(index)) => {
                        database.get_mut(key).unwrap().set_expiry(expiry);
                        model[index].2 = expiry;
                    }
                    (_, None) => {
                        model.push((number, created, expiry));
                        database.add_expiring(key, Value::String(Bytes::default()), created, expiry);
                    }
                }
                prop_assert_eq!(database.len(), model.len());
            }
            let named = |name: u32| names[name as usize].clone().into_bytes();
            let all = model.into_iter().map(|(name, created, expiry)| (named(name), created, expiry));
            prop_assert!(database.iter().map(shown).eq(all));
        }
    }

    #[test]
    fn an_entry_takes_seven_words() {
        assert_eq!(size_of::<Option<Item<'_>>>(), 56);
    }
}
