//! The keys of an RDB, for a keyspace.

use std::borrow::Cow;

use super::context::{Context, ModuleId};
use super::damage::{Damage, Doing};
use super::fault::{DamageKind, Fault, Malformed};
use super::format::Header;
use super::primitive::{RawString, Reader};
use super::types::TypeRow;
use super::walker::{Item, RawEntry, Rest, Scrutiny, Step, Walker};
use crate::value::{Bytes, Family, Raw, Value};

/// An item of an RDB that is data, or metadata about it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum LoadItem<'a> {
    /// A name and a value about the file.
    Aux {
        /// The name.
        key: Cow<'a, [u8]>,
        /// The value.
        value: Cow<'a, [u8]>,
    },
    /// A function library: its source, with the `#!` line.
    Function(Bytes<'a>),
    /// Data that a module stores in addition to the keys, as in [`Item::ModuleAux`].
    ModuleAux {
        /// The module type.
        module: ModuleId,
        /// Before or after the keys.
        when: u64,
        /// The module's own opcodes and operands.
        data: &'a [u8],
    },
    /// A key.
    Key(LoadedKey<'a>),
}

/// A key with its value.
#[derive(Debug, Clone)]
pub struct LoadedKey<'a> {
    /// Its database.
    pub database: u64,
    /// The key.
    pub key: Bytes<'a>,
    /// When it expires, in milliseconds of Unix time.
    pub expiry: Option<i64>,
    /// Data that modules store with the key (Redis 8.6), which no output of this library can hold.
    pub metadata: Option<&'a [u8]>,
    /// A string if it is in the file in one piece, or a number; else raw.
    pub value: Value<'a>,
    /// The first damage in the value at which a server or a checker stops, or which prevents decoding.
    pub damage: Option<Box<Damage>>,
}

/// Reads an RDB key by key. Keys of empty collections are skipped, as by every server.
///
/// The values of wanted keys are verified as by a [`Walker`] with [`Scrutiny::Whole`]; for the others, only the end is
/// found. This way several loaders, each of which wants its shard of the keys, verify all of them in parallel.
#[derive(Debug)]
pub struct Loader<'a> {
    walker: Walker<'a>,
    /// The family and the version of the RDB.
    origin: (Family, u32),
    /// The context in which values are verified.
    context: Context<'a>,
}

impl<'a> Loader<'a> {
    /// A loader of the RDB that begins at `start` of a file.
    pub fn new(bytes: &'a [u8], start: usize) -> Self {
        Self {
            walker: Walker::new(bytes, start).with_scrutiny(Scrutiny::Ends),
            origin: (Family::Redis, 0),
            context: Context::new(Reader::new(bytes, start)).with_unlimited_members(),
        }
    }

    /// The offset after the last returned item; after the last item of all, the end of the RDB.
    pub fn position(&self) -> u64 {
        self.walker.position()
    }

    /// The offset of the item that was last returned.
    pub fn item_offset(&self) -> u64 {
        self.walker.item_offset()
    }

    /// The header, once an item has been read.
    pub fn header(&self) -> Option<Header> {
        self.walker.header()
    }

    /// The next item that is not a key, or a key for which `wanted` returns true. It is called once for each key.
    #[inline]
    pub fn next_wanted(&mut self, mut wanted: impl FnMut(&[u8]) -> bool) -> Option<Result<LoadItem<'a>, Box<Damage>>> {
        loop {
            let item = match self.walker.step()? {
                Ok(Step::Entry(entry)) => match self.key(entry, &mut wanted) {
                    Some(key) => return Some(Ok(LoadItem::Key(key))),
                    None => continue,
                },
                Ok(Step::Other(item)) => *item,
                Err(damage) => return Some(Err(damage)),
            };
            return Some(Ok(match item {
                Item::Aux { key, value } => LoadItem::Aux { key, value },
                Item::Function { code } => LoadItem::Function(from_cow(code)),
                Item::ModuleAux { module, when, data, .. } => LoadItem::ModuleAux { module, when, data },
                Item::Header(header) => {
                    self.origin = (header.family, header.version);
                    continue;
                }
                _ => continue,
            }));
        }
    }

    #[inline]
    fn key(&mut self, entry: RawEntry<'a>, wanted: &mut impl FnMut(&[u8]) -> bool) -> Option<LoadedKey<'a>> {
        let Rest { database, expiry, metadata } = self.walker.take_rest();
        let RawEntry { kind, key, value: payload, .. } = entry;
        // Most keys are in the file in one piece, so that `wanted` can be asked without a copy.
        let key = match key {
            RawString::Plain(bytes) if !wanted(bytes) => return None,
            RawString::Plain(bytes) => Bytes::borrowed(bytes),
            encoded => Some(encoded.kept().unwrap_or_default()).filter(|key| wanted(key))?,
        };
        let (family, version) = self.origin;
        let raw = Raw { type_code: kind.number, family, version, payload };
        if let Some(string) = raw.in_one_piece() {
            return Some(LoadedKey { database, key, expiry, metadata, value: Value::String(string), damage: None });
        }
        let damage = match self.verify(kind, payload) {
            Verified::Sound => None,
            Verified::Empty => return None,
            Verified::Damaged(fault) => Some(Box::new(damaged_value(fault, key.to_vec(), kind))),
        };
        Some(LoadedKey { database, key, expiry, metadata, value: Value::Raw(Box::new(raw)), damage })
    }

    /// Verifies the value that the walk has just skipped.
    fn verify(&mut self, kind: &TypeRow, payload: &[u8]) -> Verified {
        let end = usize::try_from(self.walker.position()).unwrap_or(usize::MAX);
        self.context.reader = Reader::new(self.walker.bytes(), end.saturating_sub(payload.len()));
        self.context.begin_value();
        let read = (kind.verify)(&mut self.context);
        let empty = |kind: &DamageKind| *kind == DamageKind::Malformed(Malformed::EmptyKey);
        match self.context.flaws.iter().find(|flaw| flaw.is_damage()) {
            Some(flaw) => Verified::Damaged(flaw.fault.clone()),
            None => match read {
                Err(fault) => Verified::Damaged(fault),
                Ok(()) if self.context.flaws.iter().any(|flaw| empty(&flaw.fault.kind)) => Verified::Empty,
                Ok(()) => Verified::Sound,
            },
        }
    }
}

/// The result of a verification.
enum Verified {
    Sound,
    /// It is an empty collection.
    Empty,
    Damaged(Fault),
}

fn damaged_value(fault: Fault, key: Vec<u8>, kind: &'static TypeRow) -> Damage {
    Damage {
        offset: fault.offset as u64,
        position: fault.position as u64,
        kind: fault.kind,
        doing: Doing::ReadValue,
        key: Some(key),
        row: Some(kind),
        flaws: Vec::new(),
    }
}

fn from_cow(bytes: Cow<'_, [u8]>) -> Bytes<'_> {
    match bytes {
        Cow::Borrowed(bytes) => Bytes::borrowed(bytes),
        Cow::Owned(bytes) => Bytes::owned(bytes),
    }
}

impl<'a> Iterator for Loader<'a> {
    type Item = Result<LoadItem<'a>, Box<Damage>>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.next_wanted(|_| true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_empty_collections_are_passed_over() {
        let mut rdb = b"REDIS0012".to_vec();
        rdb.extend(b"\xfe\x02\xfc\x07\0\0\0\0\0\0\0\x01\x04list\x00");
        rdb.extend(b"\x10\x04hash\x07\x07\0\0\0\0\0\xff");
        rdb.extend(b"\x12\x09quicklist\x00");
        rdb.extend(b"\x00\x05empty\x00\x02\x03set\x01\x01m");
        rdb.extend(b"\xfc\x09\0\0\0\0\0\0\0\x0f\x06stream\0\0\0\0\0");
        rdb.extend(b"\xff\0\0\0\0\0\0\0\0behind");
        let mut loader = Loader::new(&rdb, 0);
        let keys: Vec<_> = loader
            .by_ref()
            .map(|item| match item.unwrap() {
                LoadItem::Key(key) => (key.database, key.key.to_vec(), key.expiry),
                other => panic!("{other:?}"),
            })
            .collect();
        let expected = [(2, b"empty".to_vec(), None), (2, b"set".to_vec(), None), (2, b"stream".to_vec(), Some(9))];
        assert_eq!(keys, expected);
        assert_eq!(loader.position(), rdb.len() as u64 - 6);
        assert_eq!(loader.header().unwrap().version, 12);
    }

    #[test]
    fn values_of_wanted_keys_are_verified() {
        let mut rdb = b"REDIS0012".to_vec();
        rdb.extend(b"\x00\x03lzf\xc3\x03\x0a\xff\xff\xff");
        rdb.extend(b"\x02\x05twice\x02\x01a\x01a\x02\x03set\x01\x01a\xff\0\0\0\0\0\0\0\0");
        let load = |wanted: &[u8]| -> Vec<_> {
            let mut loader = Loader::new(&rdb, 0);
            std::iter::from_fn(|| loader.next_wanted(|key| wanted.is_empty() || key == wanted))
                .map(|item| match item.unwrap() {
                    LoadItem::Key(key) => key.damage.map(|damage| (damage.offset, damage.key.unwrap())),
                    other => panic!("{other:?}"),
                })
                .collect()
        };
        assert_eq!(load(b""), [Some((14, b"lzf".to_vec())), Some((30, b"twice".to_vec())), None]);
        assert_eq!(load(b"set"), [None]);
        assert_eq!(load(b"twice"), [Some((30, b"twice".to_vec()))]);
    }

    #[test]
    fn damage_ends_the_loading_and_the_checksum_is_compared() {
        let rdb = b"REDIS0012\x00\x01k\x01v\xff\x01\0\0\0\0\0\0\0";
        for (length, keys) in [(rdb.len(), 1), (13, 0)] {
            let mut loader = Loader::new(&rdb[..length], 0);
            assert_eq!(loader.by_ref().take_while(Result::is_ok).count(), keys);
            assert!(loader.next().is_none());
        }
        let damage = Loader::new(rdb, 0).last().unwrap().unwrap_err();
        assert!(matches!(damage.kind, DamageKind::Checksum { stored: 1, .. }));
    }
}
