//! The commands on hashes and their fields.

mod expiry;
mod options;

pub(in crate::command) use expiry::{hexpire, hexpireat, hgetdel, hgetex, hpersist, hpexpire, hpexpireat, hsetex};

use std::cell::Cell;

use super::{Call, ExpiredFields, Failure};
use crate::resp::parse_integer;
use crate::value::number::{LongDoubleError, add_long_doubles};
use crate::value::{Bytes, FieldRef, Hash, Value};

/// HSET key field value …
pub(in crate::command) fn hset(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    let key = call.argument(1)?;
    let (pairs, odd) = call.arguments_from(2).as_chunks();
    if pairs.is_empty() || !odd.is_empty() {
        return Err(Failure::Arity);
    }
    if let Some(hash) = call.hash(key)? {
        for [field, value] in pairs {
            hash.set(*field, *value);
        }
    } else {
        let mut hash = Hash::default();
        for [field, value] in pairs {
            hash.set(*field, *value);
        }
        call.put(key, Value::Hash(hash));
    }
    Ok(())
}

/// HMSET key field value …
pub(in crate::command) fn hmset(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    hset(call)
}

/// HSETC key field … value …: the fields, then as many values; Redis 8.10 logs this for HIMPORT SET.
pub(in crate::command) fn hsetc(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    let key = call.argument(1)?;
    let strings = call.arguments_from(2);
    let (fields, values) = strings.split_at(strings.len() / 2);
    if fields.is_empty() || fields.len() != values.len() {
        return Err(Failure::Arity);
    }
    let hash = call.hash_or_new(key)?;
    for (field, value) in fields.iter().zip(values) {
        hash.set(*field, *value);
    }
    Ok(())
}

/// HSETNX key field value
pub(in crate::command) fn hsetnx(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    let (key, field, value) = (call.argument(1)?, call.argument(2)?, call.argument(3)?);
    let visibility = Visibility::of(call);
    let hash = call.hash_or_new(key)?;
    if !visibility.has(hash, field) {
        hash.set(field, value);
    }
    Ok(())
}

/// HDEL key field …
pub(in crate::command) fn hdel(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    let key = call.argument(1)?;
    call.argument(2)?;
    delete(call, key, call.arguments_from(2))
}

/// Deletes fields, and the key with the last one.
fn delete(call: &mut Call<'_, '_>, key: &[u8], fields: &[&[u8]]) -> Result<(), Failure> {
    if let Some(hash) = call.hash(key)? {
        for field in fields {
            hash.delete(field);
        }
        if hash.is_empty() {
            call.remove(key);
        }
    }
    Ok(())
}

/// HINCRBY key field increment: the field keeps its expiry.
pub(in crate::command) fn hincrby(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    let increment = call.integer(3)?;
    change_number(call, |value| {
        let value = value.map_or(Some(0), parse_integer).ok_or(Failure::other("hash value is not an integer"))?;
        Ok(Bytes::from_integer(value.checked_add(increment).ok_or(Failure::Overflow)?))
    })
}

/// HINCRBYFLOAT key field increment: the field keeps its expiry. Servers log an HSET instead.
pub(in crate::command) fn hincrbyfloat(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    let increment = call.argument(3)?;
    change_number(call, |value| {
        let sum = add_long_doubles(value.unwrap_or(b"0"), increment).map_err(|error| match error {
            LongDoubleError::NotAFloat => Failure::NotAFloat,
            LongDoubleError::NotFinite => Failure::other("increment would produce NaN or Infinity"),
        })?;
        Ok(Bytes::owned(sum))
    })
}

fn change_number<'a>(
    call: &mut Call<'_, 'a>,
    change: impl FnOnce(Option<&[u8]>) -> Result<Bytes<'a>, Failure>,
) -> Result<(), Failure> {
    let (key, field) = (call.argument(1)?, call.argument(2)?);
    let visibility = Visibility::of(call);
    if let Some(hash) = call.hash(key)? {
        let value =
            change(hash.get(field).filter(|content| visibility.is_visible(*content)).map(|content| content.value))?;
        hash.set_keeping_expiry(field, value);
    } else {
        let value = change(None)?;
        call.hash_or_new(key)?.set(field, value);
    }
    Ok(())
}

/// Which fields are visible to a command.
#[derive(Debug, Clone, Copy)]
pub(super) struct Visibility<'c> {
    expired_fields: ExpiredFields,
    load_time: i64,
    diverged: Option<&'c Cell<bool>>,
}

impl<'c> Visibility<'c> {
    pub(super) const fn of(call: &Call<'c, '_>) -> Self {
        Self { expired_fields: call.expired_fields, load_time: call.load_time, diverged: call.diverged }
    }

    pub(super) fn is_visible(self, content: FieldRef<'_>) -> bool {
        let has_expired = content.expiry.is_some_and(|expiry| expiry < self.load_time);
        if let (true, Some(diverged)) = (has_expired, self.diverged) {
            diverged.set(true);
        }
        !has_expired || self.expired_fields == ExpiredFields::AsWritten
    }

    fn has(self, hash: &Hash<'_>, field: &[u8]) -> bool {
        hash.get(field).is_some_and(|content| self.is_visible(content))
    }
}

#[cfg(test)]
mod tests;
