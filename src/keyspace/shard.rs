//! The keys of one thread.

use std::collections::BTreeMap;

use super::{Database, ModuleData};
use crate::value::Bytes;

/// Some of the keys of every database, and what belongs to no key.
#[derive(Debug, Default)]
pub(crate) struct Shard<'a> {
    databases: BTreeMap<u32, Database<'a>>,
    /// The function libraries by name; every shard has them all.
    pub(crate) functions: BTreeMap<Vec<u8>, Bytes<'a>>,
    /// What modules keep beside the keys in an RDB; the first shard has it.
    pub(crate) module_data: Vec<ModuleData<'a>>,
}

impl<'a> Shard<'a> {
    /// The database of this number, if a key was ever written to it.
    pub(crate) fn database(&self, number: u32) -> Option<&Database<'a>> {
        self.databases.get(&number)
    }

    /// The database of this number, to change.
    pub(crate) fn database_mut(&mut self, number: u32) -> &mut Database<'a> {
        self.databases.entry(number).or_default()
    }

    /// All databases that a key was ever written to, by number.
    pub(crate) fn databases(&self) -> impl Iterator<Item = (u32, &Database<'a>)> {
        self.databases.iter().map(|(number, database)| (*number, database))
    }

    /// All databases that a key was ever written to, to change.
    pub(crate) fn databases_mut(&mut self) -> impl Iterator<Item = &mut Database<'a>> {
        self.databases.values_mut()
    }

    /// Deletes every key of every database.
    pub(crate) fn clear(&mut self) {
        self.databases.clear();
    }

    /// Exchanges the keys of two databases.
    pub(crate) fn swap(&mut self, one: u32, other: u32) {
        if one != other {
            let (first, second) = (self.databases.remove(&one), self.databases.remove(&other));
            self.databases.extend(first.map(|database| (other, database)));
            self.databases.extend(second.map(|database| (one, database)));
        }
    }
}
