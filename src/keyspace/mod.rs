//! The data of a server: databases of keys, each with a value and perhaps an expiry, and functions.

mod database;
mod in_order;
mod partitioning;
mod shard;
mod times;

use std::collections::{BTreeMap, BTreeSet};

pub(crate) use database::EntryMut;
pub(crate) use database::{Database, Key};
pub use database::{Entry, Item, Removed};
pub use in_order::InOrder;
pub(crate) use partitioning::Partitioning;
pub(crate) use shard::Shard;

use crate::threads;
use crate::value::{Bytes, Value};

/// The databases and functions that a log describes.
///
/// The keys are in shards, one for each thread that replayed the log; nothing that is returned here depends on how they
/// are divided.
#[derive(Debug)]
pub struct Keyspace<'a> {
    /// One at least.
    shards: Vec<Shard<'a>>,
    partitioning: Partitioning,
}

impl Default for Keyspace<'_> {
    fn default() -> Self {
        Self { shards: vec![Shard::default()], partitioning: Partitioning::default() }
    }
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
    /// The keyspace whose keys are divided in this way.
    pub(crate) const fn of(shards: Vec<Shard<'a>>, partitioning: Partitioning) -> Self {
        Self { shards, partitioning }
    }

    /// The shards, and which of them has which keys: for commands, which change them.
    pub(crate) const fn parts_mut(&mut self) -> (&mut [Shard<'a>], &Partitioning) {
        (self.shards.as_mut_slice(), &self.partitioning)
    }

    fn shard(&self, key: Key<'_>) -> Option<&Shard<'a>> {
        self.shards.get(self.partitioning.shard_of(key))
    }

    fn shard_mut(&mut self, key: Key<'_>) -> Option<&mut Shard<'a>> {
        self.shards.get_mut(self.partitioning.shard_of(key))
    }

    /// How many keys there are in all databases.
    pub fn len(&self) -> u64 {
        self.shards.iter().flat_map(Shard::databases).map(|(_, database)| database.len() as u64).sum()
    }

    /// Whether there is no key in any database.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The numbers of the databases that hold keys.
    pub fn databases(&self) -> BTreeSet<u32> {
        let all = self.shards.iter().flat_map(Shard::databases);
        all.filter(|(_, database)| !database.is_empty()).map(|(number, _)| number).collect()
    }

    /// The keys of a database, in the order in which they were first written.
    pub fn in_order(&self, database: u32) -> InOrder<'_, 'a> {
        InOrder::new(self.shards.iter().filter_map(|shard| shard.database(database)).map(Database::iter))
    }

    /// Every key with the number of its database, in no particular order: quicker than [`Keyspace::in_order`].
    pub fn iter(&self) -> impl Iterator<Item = (u32, Entry<'_, 'a>)> {
        let databases = self.shards.iter().flat_map(Shard::databases);
        databases.flat_map(|(number, database)| database.iter().map(move |entry| (number, entry)))
    }

    /// The entry of a key.
    pub fn get(&self, database: u32, key: &[u8]) -> Option<Entry<'_, 'a>> {
        let key = Key::new(key);
        self.shard(key)?.database(database)?.get(key)
    }

    /// Adds a key that is not there, without expiry, as the first of its database.
    pub(crate) fn add(&mut self, database: u32, key: &'a [u8], value: Value<'a>) {
        let key = Key::new(key);
        if let Some(shard) = self.shard_mut(key) {
            shard.database_mut(database).add(key, value, 0);
        }
    }

    /// Deletes a key.
    pub(crate) fn remove(&mut self, database: u32, key: &[u8]) -> Option<Removed<'a>> {
        let key = Key::new(key);
        self.shard_mut(key)?.database_mut(database).remove(key)
    }

    /// Deletes every key of every database.
    pub(crate) fn clear(&mut self) {
        self.shards.iter_mut().for_each(Shard::clear);
    }

    /// The function libraries by name.
    pub fn functions(&self) -> &BTreeMap<Vec<u8>, Bytes<'a>> {
        const NONE: &BTreeMap<Vec<u8>, Bytes<'_>> = &BTreeMap::new();
        self.shards.first().map_or(NONE, |shard| &shard.functions)
    }

    /// What modules keep beside the keys in an RDB.
    pub fn module_data(&self) -> &[ModuleData<'a>] {
        self.shards.first().map_or(&[], |shard| &shard.module_data)
    }

    /// Looks at the databases of every shard, one thread for each shard.
    pub(crate) fn for_each_shard<R: Send>(&self, work: impl Fn(&Shard<'a>) -> R + Sync) -> Vec<R> {
        threads::for_each(&self.shards, work)
    }

    /// Changes the databases of every shard, one thread for each shard.
    pub(crate) fn change_each_shard<R: Send>(&mut self, work: impl Fn(&mut Shard<'a>) -> R + Sync) -> Vec<R> {
        threads::for_each(&mut self.shards, work)
    }
}
