//! The effects of commands on a keyspace while a server loads a log: keys do not expire, and there are no replies.
//!
//! One file per group, one function per command, named in the command's row. A function that returns a [`Failure`] has
//! no effect.

pub(super) mod bitmap;
mod failure;
pub(super) mod generic;
pub(super) mod geo;
pub(super) mod hash;
pub(super) mod hyperloglog;
pub(super) mod list;
pub(super) mod restore;
pub(super) mod scripting;
pub(super) mod server;
pub(super) mod set;
pub(super) mod sorted_set;
pub(super) mod stream;
pub(super) mod string;
pub(super) mod vector_set;

use std::cell::Cell;
use std::fmt;

pub use failure::Failure;
pub use scripting::library_name;

use crate::keyspace::{EntryMut, Key, Keyspace, Partitioning, Removed, Shard};
use crate::rdb;
use crate::resp::parse_integer;
use crate::server::Server;
use crate::value::number::parse_seconds;
use crate::value::score::parse_score;
use crate::value::{Bytes, Hash, List, Set, SortedSet, Stream, Value};

/// The function that applies a command, as its row holds it.
#[derive(Clone, Copy)]
pub struct Apply(pub(super) fn(&mut Call<'_, '_>) -> Result<(), Failure>);

impl Apply {
    /// Applies the command.
    ///
    /// # Errors
    /// The reason for which the command has no effect.
    #[inline]
    pub fn run(self, call: &mut Call<'_, '_>) -> Result<(), Failure> {
        (self.0)(call)
    }
}

impl fmt::Debug for Apply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Apply")
    }
}

/// How a command treats a field that has expired by the time at which the log is loaded.
///
/// Redis 7.4 and later compare field expiries with the clock while they load a log; no other server does. A field that
/// existed when a command was logged may have expired by then, and the command has another effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ExpiredFields {
    /// As on the server that wrote the log: the field is there until the log deletes it. Valkey 9 loads a log in the
    /// same way.
    #[default]
    AsWritten,
    /// As on a Redis 8 that loads the log: HPERSIST, HGETEX, HINCRBY, HINCRBYFLOAT, HSETNX, the conditions of HSETEX,
    /// HGETDEL and the patterns of SORT do not see a field that has expired at [`Call::load_time`], and no field
    /// expires at or after 2^46 milliseconds.
    AsLoaded,
}

/// What the option ENTRIESREAD of `XGROUP CREATE` and `XGROUP SETID` sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EntriesRead {
    /// The given number: Redis before 8.2, and Valkey.
    #[default]
    AsGiven,
    /// The number of entries ever added to the stream if a larger one is given: Redis 8.2 and later.
    AtMostAdded,
}

/// A command to apply, and the data that it may change.
#[derive(Debug)]
pub struct Call<'c, 'a> {
    /// The command's name and its arguments.
    pub arguments: &'c [&'a [u8]],
    /// The record that contains the arguments, from its `*` on, as [`crate::resp::parse`] read it; empty if it is not
    /// known.
    pub record: &'a [u8],
    /// The database that was selected.
    pub database: u32,
    /// The time at which the command was logged, from which relative expiries count, in milliseconds of Unix time.
    pub now: i64,
    /// The server to imitate where versions read arguments differently; by default the newest Redis.
    pub server: Server,
    /// How the command treats fields that have expired; by default, as the writer did.
    pub expired_fields: ExpiredFields,
    /// The time at which the log is loaded, in milliseconds of Unix time: fields whose expiry is earlier have expired.
    pub load_time: i64,
    /// Set by a command whose effect differs with the other [`ExpiredFields`].
    pub diverged: Option<&'c Cell<bool>>,
    /// What ENTRIESREAD sets; by default the given number.
    pub entries_read: EntriesRead,
    /// The [`crate::keyspace::Entry::created`] of a key that the command creates. A command that creates several keys
    /// adds the index of the argument that names the key: the keys stay in order however they are divided, as long as
    /// the next command's number is larger by at least as many as this one has arguments.
    pub created: u64,
    /// The shards that the command may touch.
    shards: &'c mut [Shard<'a>],
    /// How the keys are divided among all shards.
    partitioning: &'c Partitioning,
    /// The index of the only shard in `shards` where there are others besides.
    local: Option<usize>,
    /// A key among the arguments whose hash is known: most commands look their key up more than once.
    known: Option<Key<'a>>,
}

impl<'c, 'a> Call<'c, 'a> {
    /// A command that is applied to a whole keyspace.
    pub const fn new(arguments: &'c [&'a [u8]], keyspace: &'c mut Keyspace<'a>) -> Self {
        let (shards, partitioning) = keyspace.parts_mut();
        Self::on_shards(arguments, shards, partitioning)
    }

    /// A command that may touch every shard.
    pub(crate) const fn on_shards(
        arguments: &'c [&'a [u8]],
        shards: &'c mut [Shard<'a>],
        partitioning: &'c Partitioning,
    ) -> Self {
        Self {
            arguments,
            record: &[],
            database: 0,
            now: 0,
            server: Server::NEWEST_REDIS,
            expired_fields: ExpiredFields::AsWritten,
            load_time: 0,
            diverged: None,
            entries_read: EntriesRead::AsGiven,
            created: 0,
            shards,
            partitioning,
            local: None,
            known: None,
        }
    }

    /// A command that is applied to one shard of several: every key that it names is there, or it is a command that
    /// takes its keys one by one and asks [`Call::is_local`].
    pub(crate) const fn on_shard(
        arguments: &'c [&'a [u8]],
        shard: &'c mut Shard<'a>,
        index: usize,
        partitioning: &'c Partitioning,
    ) -> Self {
        let mut call = Self::on_shards(arguments, std::slice::from_mut(shard), partitioning);
        call.local = Some(index);
        call
    }

    /// Sets the hash of a key among the arguments, if it is known.
    #[must_use]
    pub(crate) const fn with_key(mut self, key: Option<Key<'a>>) -> Self {
        self.known = key;
        self
    }

    /// A key with its hash.
    #[inline]
    fn key<'k>(&self, key: &'k [u8]) -> Key<'k> {
        match self.known {
            Some(known) if std::ptr::eq(known.bytes, key) => Key { bytes: key, hash: known.hash },
            _ => Key::new(key),
        }
    }

    /// Sets the record that contains the arguments, so that values can borrow it in one piece.
    #[must_use]
    pub const fn with_record(mut self, record: &'a [u8]) -> Self {
        self.record = record;
        self
    }

    /// Whether a key is in the shards of this call; for commands that treat their keys one by one.
    pub(crate) fn is_local(&self, key: &[u8]) -> bool {
        self.local.is_none_or(|index| self.partitioning.shard_of(Key::new(key)) == index)
    }

    /// The shard that has a key.
    #[inline]
    fn shard(&mut self, key: Key<'_>) -> Option<&mut Shard<'a>> {
        let index = if self.shards.len() > 1 { self.partitioning.shard_of(key) } else { 0 };
        self.shards.get_mut(index)
    }

    /// Every shard: for what concerns whole databases, and functions.
    pub(crate) fn shards(&mut self) -> impl Iterator<Item = &mut Shard<'a>> {
        self.shards.iter_mut()
    }

    /// An argument; argument 0 is the name.
    ///
    /// # Errors
    /// [`Failure::Arity`] if there are fewer arguments.
    #[inline]
    pub(crate) fn argument(&self, index: usize) -> Result<&'a [u8], Failure> {
        self.arguments.get(index).copied().ok_or(Failure::Arity)
    }

    /// The arguments from an index on.
    pub(crate) fn arguments_from(&self, index: usize) -> &'c [&'a [u8]] {
        self.arguments.get(index..).unwrap_or_default()
    }

    /// An argument that is an integer.
    ///
    /// # Errors
    /// [`Failure::NotAnInteger`], [`Failure::Arity`].
    pub(crate) fn integer(&self, index: usize) -> Result<i64, Failure> {
        parse_integer(self.argument(index)?).ok_or(Failure::NotAnInteger)
    }

    /// An argument that is a floating-point number.
    ///
    /// # Errors
    /// [`Failure::NotAFloat`].
    fn float(&self, text: &[u8]) -> Result<f64, Failure> {
        parse_score(text, self.server.float_syntax()).ok_or(Failure::NotAFloat)
    }

    /// Fails as a server does on a timeout that is not a number of seconds. Nothing waits.
    fn check_timeout(&self, text: &[u8]) -> Result<(), Failure> {
        let milliseconds = parse_seconds(text).ok_or(Failure::other("timeout is not a float or out of range"))?;
        let end = if self.server.limits_end_of_timeout() { milliseconds + i128::from(self.now) } else { milliseconds };
        match milliseconds {
            ..0 => Err(Failure::other("timeout is negative")),
            _ if end > i128::from(i64::MAX) => Err(Failure::other("timeout is out of range")),
            _ => Ok(()),
        }
    }

    /// Records that the command's effect differs with the other [`ExpiredFields`].
    pub(crate) fn diverge(&self) {
        if let Some(diverged) = self.diverged {
            diverged.set(true);
        }
    }

    /// The entry of a key, whose value may not be decoded yet.
    #[inline]
    pub(crate) fn entry(&mut self, key: &[u8]) -> Option<EntryMut<'_, 'a>> {
        let key = self.key(key);
        let database = self.database;
        self.shard(key)?.database_mut(database).get_mut(key)
    }

    /// Whether there is such a key.
    pub(crate) fn exists(&mut self, key: &[u8]) -> bool {
        self.entry(key).is_some()
    }

    /// A key's value, decoded.
    ///
    /// # Errors
    /// [`Failure::DamagedValue`]; [`Failure::UnknownValue`] for a key that unknown commands write to.
    #[inline]
    pub(crate) fn value(&mut self, key: &[u8]) -> Result<Option<&mut Value<'a>>, Failure> {
        let Some(value) = self.entry(key).map(EntryMut::into_value) else { return Ok(None) };
        value.decode().map_err(|fault| match fault {
            rdb::DecodeFault::Opaque { .. } => Failure::UnknownValue,
            _ => Failure::DamagedValue,
        })?;
        match value {
            Value::History(_) | Value::Raw(_) => Err(Failure::UnknownValue),
            value => Ok(Some(value)),
        }
    }

    /// Sets the value of a key, and removes its expiry.
    pub(crate) fn put(&mut self, key: &'a [u8], value: Value<'a>) {
        self.put_with(key, value, None, |mut entry| entry.set_expiry(None));
    }

    /// Sets the value of a key and its expiry in milliseconds of Unix time.
    pub(crate) fn put_expiring(&mut self, key: &'a [u8], value: Value<'a>, expiry: Option<i64>) {
        self.put_with(key, value, expiry, |mut entry| entry.set_expiry(expiry));
    }

    /// Sets the value of a key, which keeps its expiry.
    pub(crate) fn put_keeping_expiry(&mut self, key: &'a [u8], value: Value<'a>) {
        self.put_with(key, value, None, |_| {});
    }

    #[inline]
    fn put_with(
        &mut self,
        key: &'a [u8],
        value: Value<'a>,
        expiry_if_new: Option<i64>,
        change: impl FnOnce(EntryMut<'_, 'a>),
    ) {
        let key = self.key(key);
        let (number, created) = (self.database, self.created);
        let Some(shard) = self.shard(key) else { return };
        let database = shard.database_mut(number);
        match database.get_mut(key) {
            Some(mut entry) => {
                entry.value = value;
                change(entry);
            }
            None => database.add_expiring(key, value, created, expiry_if_new),
        }
    }

    /// A key's value, which must be a hash; an empty one if there is no such key.
    ///
    /// # Errors
    /// [`Failure::WrongType`], and those of [`Call::value`].
    #[inline]
    pub(crate) fn hash_or_new(&mut self, key: &'a [u8]) -> Result<&mut Hash<'a>, Failure> {
        if !self.exists(key) {
            self.put(key, Value::Hash(Hash::default()));
        }
        // The key exists: it did before, or was just created.
        self.hash(key)?.ok_or(Failure::NoSuchKey)
    }

    /// Deletes a key.
    pub(crate) fn remove(&mut self, key: &[u8]) -> Option<Removed<'a>> {
        let key = self.key(key);
        let database = self.database;
        self.shard(key)?.database_mut(database).remove(key)
    }
}

/// The value of a key as one type: `Ok(None)` if there is no such key.
macro_rules! typed {
    ($type:literal, $variant:ident, $get:ident, $value:ty) => {
        impl<'a> Call<'_, 'a> {
            #[doc = concat!("A key's value, which must be a ", $type, ".")]
            ///
            /// # Errors
            /// [`Failure::WrongType`], and those of [`Call::value`].
            #[inline]
            pub(crate) fn $get(&mut self, key: &[u8]) -> Result<Option<&mut $value>, Failure> {
                match self.value(key)? {
                    None => Ok(None),
                    Some(Value::$variant(value)) => Ok(Some(value)),
                    Some(_) => Err(Failure::WrongType),
                }
            }
        }
    };
}

typed!("string", String, string, Bytes<'a>);
typed!("list", List, list, List<'a>);
typed!("set", Set, set, Set<'a>);
typed!("hash", Hash, hash, Hash<'a>);
typed!("sorted set", SortedSet, sorted_set, SortedSet<'a>);
typed!("stream", Stream, stream, Stream<'a>);

#[cfg(test)]
pub(super) mod testing;
