//! The data of a server: databases of keys, each with a value and perhaps an expiry, and functions.

mod database;
mod division;
mod times;

use std::collections::BTreeMap;

pub use database::{Database, Entries, Entry, EntryMut, Item, Key, Removed};
pub use division::Division;

use crate::value::Bytes;

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
