//! What has expired, taken out.

use crate::keyspace::Keyspace;
use crate::rdb::{self, DataType};
use crate::threads;
use crate::value::Value;

/// The first RDB version in which fields expire.
const FIELDS_EXPIRE_SINCE: u32 = 12;

/// What was taken out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Keys; those whose last field expired are among them.
    pub keys: u64,
    /// Fields of hashes that stay.
    pub fields: u64,
}

/// Takes out the keys, and the fields of hashes, that expire at or before `time`, in milliseconds of Unix time.
pub fn drop_expired(shares: &mut [Keyspace<'_>], time: i64) -> Dropped {
    let of_share = |share: &mut Keyspace<'_>| {
        let mut dropped = Dropped::default();
        for database in share.databases_mut() {
            database.retain(|entry| {
                let stays = entry.expiry().is_none_or(|expiry| expiry > time)
                    && stays_without_fields(&mut entry.value, time, &mut dropped.fields);
                dropped.keys += u64::from(!stays);
                stays
            });
        }
        dropped
    };
    let each = threads::for_each(shares, of_share);
    let sum =
        |one: Dropped, other: &Dropped| Dropped { keys: one.keys + other.keys, fields: one.fields + other.fields };
    each.iter().fold(Dropped::default(), sum)
}

/// Takes out the fields of a hash that have expired; whether a value is left.
fn stays_without_fields(value: &mut Value<'_>, time: i64, dropped: &mut u64) -> bool {
    if let Value::Raw(raw) = value
        && rdb::type_row(raw.flavour.into(), raw.type_code)
            .is_some_and(|row| row.data_type == DataType::Hash && row.since >= FIELDS_EXPIRE_SINCE)
        && let Ok(decoded) = rdb::decode(raw)
    {
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
