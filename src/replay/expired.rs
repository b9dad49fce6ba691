//! What has expired: taken out, or lost by a server that loads the log.

use std::borrow::Cow;

use super::Replayed;
use crate::keyspace::{Entry, Keyspace};
use crate::rdb;
use crate::value::{Hash, Value};

/// What was taken out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Keys; those whose last field expired are among them.
    pub keys: u64,
    /// Fields of hashes that stay.
    pub fields: u64,
}

/// Takes out the keys, and the fields of hashes, that expire at or before `time`, in milliseconds of Unix time.
pub fn drop_expired(keyspace: &mut Keyspace<'_>, time: i64) -> Dropped {
    let each = keyspace.change_each_shard(|shard| {
        let mut dropped = Dropped::default();
        for database in shard.databases_mut() {
            database.retain(|entry| {
                let stays = entry.expiry().is_none_or(|expiry| expiry > time)
                    && stays_without_fields(&mut entry.value, time, &mut dropped.fields);
                dropped.keys += u64::from(!stays);
                stays
            });
        }
        dropped
    });
    let sum =
        |one: Dropped, other: &Dropped| Dropped { keys: one.keys + other.keys, fields: one.fields + other.fields };
    each.iter().fold(Dropped::default(), sum)
}

/// Takes out the fields of a hash that have expired; whether a value is left.
fn stays_without_fields(value: &mut Value<'_>, time: i64, dropped: &mut u64) -> bool {
    if let Some(decoded) = decoded_hash(value) {
        *value = decoded;
    }
    let Value::Hash(hash) = value else { return true };
    let before = hash.len();
    hash.retain(|field| field.expiry.is_none_or(|expiry| expiry > time));
    if hash.is_empty() {
        return false;
    }
    *dropped += (before - hash.len()) as u64;
    true
}

/// A hash of an RDB whose fields can expire, decoded.
fn decoded_hash<'a>(value: &Value<'a>) -> Option<Value<'a>> {
    let Value::Raw(raw) = value else { return None };
    let row = rdb::type_row(raw.family, raw.type_code)?;
    row.has_field_expiry.then(|| raw.decode().ok())?
}

/// What a server that looks at the clock while it loads a log does not have as the server had it that wrote the log.
///
/// Only what has not expired by the time of loading counts, keys and fields alike.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LoadDifference {
    /// How many fields the loading server does not have, or has with an expiry that has passed.
    pub lost_fields: u64,
    /// How many fields it has with another value.
    pub changed_fields: u64,
    /// How many keys it has with other contents: lists that SORT stored, and streams to which XADD with IDMP adds.
    pub changed_keys: u64,
}

impl LoadDifference {
    /// Compares two replays of one log, with [`ExpiredFields::AsWritten`](super::ExpiredFields::AsWritten) and with
    /// [`ExpiredFields::AsLoaded`](super::ExpiredFields::AsLoaded); `time` is that of loading, in milliseconds of Unix
    /// time.
    pub fn between(written: &Replayed<'_>, loaded: &Replayed<'_>, time: i64) -> Self {
        let each = written.keyspace.for_each_shard(|shard| {
            let mut difference = Self::default();
            for (number, database) in shard.databases() {
                for entry in database {
                    difference.compare(entry, loaded.keyspace.get(number, &entry.key), time);
                }
            }
            difference
        });
        each.into_iter().fold(Self::default(), |sum, other| Self {
            lost_fields: sum.lost_fields + other.lost_fields,
            changed_fields: sum.changed_fields + other.changed_fields,
            changed_keys: sum.changed_keys + other.changed_keys,
        })
    }

    /// Whether there is no difference.
    pub fn is_nothing(self) -> bool {
        self == Self::default()
    }

    /// Compares a key of the writer with the same key of a loading server.
    fn compare(&mut self, written: Entry<'_, '_>, loaded: Option<Entry<'_, '_>>, time: i64) {
        let is_live = |entry: &Entry<'_, '_>| entry.expiry().is_none_or(|expiry| expiry >= time);
        if !is_live(&written) {
            return;
        }
        let loaded = loaded.filter(is_live);
        let loaded = loaded.as_ref().map(Entry::value);
        match (written.value(), loaded) {
            (Value::List(list), Some(Value::List(other))) => {
                self.changed_keys += u64::from(!list.iter().eq(other.iter()));
            }
            (Value::Stream(stream), Some(Value::Stream(other))) => {
                self.changed_keys += u64::from(stream.len() != other.len());
            }
            (Value::List(_) | Value::Stream(_), _) => self.changed_keys += 1,
            // Neither replay has touched it.
            (Value::Raw(_), Some(Value::Raw(_))) => {}
            (value, other) => {
                let decode = |value| decoded_hash(value).map_or(Cow::Borrowed(value), Cow::Owned);
                if let Value::Hash(hash) = &*decode(value) {
                    let other = other.map(decode);
                    let other = match other.as_deref() {
                        Some(Value::Hash(other)) => Some(other),
                        _ => None,
                    };
                    self.compare_fields(hash, other, time);
                }
            }
        }
    }

    fn compare_fields(&mut self, written: &Hash<'_>, loaded: Option<&Hash<'_>>, time: i64) {
        let is_live = |expiry: Option<i64>| expiry.is_none_or(|expiry| expiry >= time);
        for (field, content) in written.iter().filter(|(_, content)| is_live(content.expiry)) {
            match loaded.and_then(|hash| hash.get(field)).filter(|other| is_live(other.expiry)) {
                None => self.lost_fields += 1,
                Some(other) => self.changed_fields += u64::from(other.value != content.value),
            }
        }
    }
}
