//! What the commands do to a keyspace, as a server does it while it loads: nothing expires, nobody is answered.
//!
//! One file per group, one function per command, named in the command's row. A function either does all that the
//! command does, or returns a [`Failure`] and has done nothing.

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

use crate::keyspace::{Division, EntryMut, Key, Keyspace, Removed};
use crate::rdb;
use crate::resp::parse_integer;
use crate::server::Server;
use crate::value::number::parse_seconds;
use crate::value::score::parse_score;
use crate::value::{Bytes, Hash, List, Set, SortedSet, Stream, Value};

/// What a command does, in its row.
#[derive(Clone, Copy)]
pub struct Apply(pub(super) fn(&mut Call<'_, '_>) -> Result<(), Failure>);

impl Apply {
    /// Does it.
    ///
    /// # Errors
    /// Why nothing was changed.
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

/// Rows are told apart by their names.
impl PartialEq for Apply {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Apply {}

/// What a command makes of a field whose expiry has passed by the time at which the log is loaded.
///
/// Redis 7.4 and later look at the clock while they load a log, as no other server does. A field that was there when a
/// command was logged may have expired by then, and the command does something else.
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
    /// The number as given: Redis before 8.2, and Valkey.
    #[default]
    AsGiven,
    /// The number of entries ever added to the stream if a larger one is given: Redis 8.2 and later.
    AtMostAdded,
}

/// One command at the moment it is applied, and all that it may touch.
#[derive(Debug)]
pub struct Call<'c, 'a> {
    /// The command's name and what follows it.
    pub arguments: &'c [&'a [u8]],
    /// The record that the arguments lie in, from its `*` on, as [`crate::resp::parse`] read it; empty if it is not
    /// known.
    pub record: &'a [u8],
    /// The database that was selected.
    pub database: u32,
    /// The time that relative expiries count from, in milliseconds of Unix time: when the command was logged.
    pub now: i64,
    /// The server that is imitated where versions read arguments differently; the newest Redis, unless this is
    /// changed.
    pub server: Server,
    /// What the command makes of fields that have expired; they are as the writer had them, unless this is changed.
    pub expired_fields: ExpiredFields,
    /// The time at which the log is loaded, in milliseconds of Unix time: fields whose expiry is earlier have expired.
    pub load_time: i64,
    /// Set by a command that does something else with the other [`ExpiredFields`].
    pub diverged: Option<&'c Cell<bool>>,
    /// What ENTRIESREAD sets; the number as given, unless this is changed.
    pub entries_read: EntriesRead,
    /// What a key that is created gets as [`crate::keyspace::Entry::created`]. A command that creates several adds to
    /// it the index of the argument that names the key: the keys stay in order however shares divide them, as long
    /// as the next command's number is larger by at least as many as this one has arguments.
    pub created: u64,
    /// The shares of the keys; one, unless the command's keys are in several.
    shares: &'c mut [&'c mut Keyspace<'a>],
    /// A key among the arguments whose hash is known: most commands look their key up more than once.
    known: Option<Key<'a>>,
    /// How the keys are divided, if they are.
    division: Option<&'c Division>,
    /// The index of the share that alone is there.
    mine: Option<usize>,
}

impl<'c, 'a> Call<'c, 'a> {
    /// A command that may touch every share, in order; there is one, unless [`Call::divided`] says how the keys are.
    pub const fn on_all(arguments: &'c [&'a [u8]], shares: &'c mut [&'c mut Keyspace<'a>]) -> Self {
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
            shares,
            known: None,
            division: None,
            mine: None,
        }
    }

    /// Says the hash of a key that is one of the arguments, if it is known.
    #[must_use]
    pub const fn with_key(mut self, key: Option<Key<'a>>) -> Self {
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

    /// Says how the keys are divided among the shares.
    #[must_use]
    pub const fn divided(mut self, division: &'c Division) -> Self {
        self.division = Some(division);
        self
    }

    /// Says that the share is this one of several: every key that the command names is in it, or it is a command that
    /// takes its keys one by one and asks [`Call::is_local`].
    #[must_use]
    pub const fn on_share(mut self, index: usize, division: &'c Division) -> Self {
        self.mine = Some(index);
        self.divided(division)
    }

    /// Says in which record the arguments lie, so that values can borrow it in one piece.
    #[must_use]
    pub const fn with_record(mut self, record: &'a [u8]) -> Self {
        self.record = record;
        self
    }

    /// Whether a key is in what may be touched; for commands that take their keys one by one.
    pub fn is_local(&self, key: &[u8]) -> bool {
        match (self.mine, self.division) {
            (Some(index), Some(division)) => division.share_of(Key::new(key)) == index,
            _ => true,
        }
    }

    /// The share that has a key.
    #[inline]
    fn share(&mut self, key: Key<'_>) -> Option<&mut Keyspace<'a>> {
        let index = match self.division {
            Some(division) if self.shares.len() > 1 => division.share_of(key),
            _ => 0,
        };
        self.shares.get_mut(index).map(|share| &mut **share)
    }

    /// Every share: for what concerns whole databases, and functions.
    pub fn shares(&mut self) -> impl Iterator<Item = &mut Keyspace<'a>> {
        self.shares.iter_mut().map(|share| &mut **share)
    }

    /// An argument; argument 0 is the name.
    ///
    /// # Errors
    /// [`Failure::Arity`] if there are not so many.
    #[inline]
    pub fn argument(&self, index: usize) -> Result<&'a [u8], Failure> {
        self.arguments.get(index).copied().ok_or(Failure::Arity)
    }

    /// The arguments from an index on.
    pub fn arguments_from(&self, index: usize) -> &'c [&'a [u8]] {
        self.arguments.get(index..).unwrap_or_default()
    }

    /// An argument that is an integer.
    ///
    /// # Errors
    /// [`Failure::NotAnInteger`], [`Failure::Arity`].
    pub fn integer(&self, index: usize) -> Result<i64, Failure> {
        parse_integer(self.argument(index)?).ok_or(Failure::NotAnInteger)
    }

    /// An argument that is a floating-point number.
    ///
    /// # Errors
    /// [`Failure::NotAFloat`].
    fn float(&self, text: &[u8]) -> Result<f64, Failure> {
        parse_score(text, self.server.float_syntax()).ok_or(Failure::NotAFloat)
    }

    /// Fails as a server does on a timeout that is not a number of seconds; nobody waits.
    fn check_timeout(&self, text: &[u8]) -> Result<(), Failure> {
        let milliseconds = parse_seconds(text).ok_or(Failure::other("timeout is not a float or out of range"))?;
        let end = if self.server.limits_end_of_timeout() { milliseconds + i128::from(self.now) } else { milliseconds };
        match milliseconds {
            ..0 => Err(Failure::other("timeout is negative")),
            _ if end > i128::from(i64::MAX) => Err(Failure::other("timeout is out of range")),
            _ => Ok(()),
        }
    }

    /// Remembers that the command does something else with the other [`ExpiredFields`].
    pub fn diverge(&self) {
        if let Some(diverged) = self.diverged {
            diverged.set(true);
        }
    }

    /// The entry of a key, its value perhaps not decoded.
    #[inline]
    pub fn entry(&mut self, key: &[u8]) -> Option<EntryMut<'_, 'a>> {
        let key = self.key(key);
        let database = self.database;
        self.share(key)?.database_mut(database).get_mut(key)
    }

    /// Whether there is such a key.
    pub fn exists(&mut self, key: &[u8]) -> bool {
        self.entry(key).is_some()
    }

    /// A key's value, decoded.
    ///
    /// # Errors
    /// [`Failure::DamagedValue`]; [`Failure::UnknownValue`] for a key that unknown commands write to.
    #[inline]
    pub fn value(&mut self, key: &[u8]) -> Result<Option<&mut Value<'a>>, Failure> {
        let Some(value) = self.entry(key).map(EntryMut::into_value) else { return Ok(None) };
        if let Value::Raw(raw) = value {
            *value = rdb::decode(raw).map_err(|fault| match fault {
                rdb::DecodeFault::Opaque { .. } => Failure::UnknownValue,
                _ => Failure::DamagedValue,
            })?;
        }
        match value {
            Value::History(_) | Value::Raw(_) => Err(Failure::UnknownValue),
            value => Ok(Some(value)),
        }
    }

    /// Gives a key a value in place of what it had, its expiry included.
    pub fn put(&mut self, key: &'a [u8], value: Value<'a>) {
        self.put_with(key, value, None, |mut entry| entry.set_expiry(None));
    }

    /// Gives a key a value in place of what it had, and an expiry in milliseconds of Unix time.
    pub fn put_expiring(&mut self, key: &'a [u8], value: Value<'a>, expiry: Option<i64>) {
        self.put_with(key, value, expiry, |mut entry| entry.set_expiry(expiry));
    }

    /// Gives a key a value in place of what it had; its expiry stays.
    pub fn put_keeping_expiry(&mut self, key: &'a [u8], value: Value<'a>) {
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
        let Some(share) = self.share(key) else { return };
        let database = share.database_mut(number);
        match database.get_mut(key) {
            Some(mut entry) => {
                entry.value = value;
                change(entry);
            }
            None => database.add_expiring(key, value, created, expiry_if_new),
        }
    }

    /// Deletes a key.
    pub fn remove(&mut self, key: &[u8]) -> Option<Removed<'a>> {
        let key = self.key(key);
        let database = self.database;
        self.share(key)?.database_mut(database).remove(key)
    }
}

/// The value of a key as one type: `Ok(None)` if there is no such key, and one that makes it.
macro_rules! typed {
    ($type:literal, $variant:ident, $get:ident, $get_or_new:ident, $value:ty, $new:expr) => {
        impl<'a> Call<'_, 'a> {
            #[doc = concat!("A key's value, which must be a ", $type, ".")]
            ///
            /// # Errors
            /// [`Failure::WrongType`], and those of [`Call::value`].
            #[inline]
            pub fn $get(&mut self, key: &[u8]) -> Result<Option<&mut $value>, Failure> {
                match self.value(key)? {
                    None => Ok(None),
                    Some(Value::$variant(value)) => Ok(Some(value)),
                    Some(_) => Err(Failure::WrongType),
                }
            }

            #[doc = concat!("A key's value, which must be a ", $type, "; an empty one if there is no such key.")]
            ///
            /// # Errors
            /// [`Failure::WrongType`], and those of [`Call::value`].
            #[inline]
            pub fn $get_or_new(&mut self, key: &'a [u8]) -> Result<&mut $value, Failure> {
                if !self.exists(key) {
                    self.put(key, Value::$variant($new));
                }
                // It is there: it was, or was just put.
                self.$get(key)?.ok_or(Failure::NoSuchKey)
            }
        }
    };
}

typed!("string", String, string, string_or_new, Bytes<'a>, Bytes::default());
typed!("list", List, list, list_or_new, List<'a>, List::default());
typed!("set", Set, set, set_or_new, Set<'a>, Set::default());
typed!("hash", Hash, hash, hash_or_new, Hash<'a>, Hash::default());
typed!("sorted set", SortedSet, sorted_set, sorted_set_or_new, SortedSet<'a>, SortedSet::default());
typed!("stream", Stream, stream, stream_or_new, Stream<'a>, Box::default());

#[cfg(test)]
pub(super) mod testing;
