//! The commands that change strings in place.

use super::super::{Call, Failure};
use super::LONGEST;
use crate::resp::parse_integer;
use crate::value::number::{LongDoubleError, add_long_doubles};
use crate::value::{Bytes, Value};

/// `APPEND key value`. The length is not limited, as on servers that load.
pub(in crate::command) fn append(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    let (key, more) = (call.argument(1)?, call.argument(2)?);
    match call.string(key)? {
        Some(string) if string.is_empty() => *string = Bytes::borrowed(more),
        Some(string) => string.edit(|bytes| bytes.extend_from_slice(more)),
        None => call.put(key, Value::String(Bytes::borrowed(more))),
    }
    Ok(())
}

/// `SETRANGE key offset value`. With an empty value it has no effect, and creates no key.
pub(in crate::command) fn setrange(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    let (key, offset, value) = (call.argument(1)?, call.integer(2)?, call.argument(3)?);
    let offset = usize::try_from(offset).map_err(|_| Failure::other("offset is out of range"))?;
    let string = call.string(key)?;
    if value.is_empty() {
        return Ok(());
    }
    let end = offset.checked_add(value.len()).filter(|end| *end <= LONGEST).ok_or(Failure::TooLarge)?;
    match string {
        Some(string) => string.edit(|bytes| overwrite(bytes, offset..end, value)),
        None => {
            let mut bytes = vec![0; end];
            overwrite(&mut bytes, offset..end, value);
            call.put(key, Value::String(Bytes::owned(bytes)));
        }
    }
    Ok(())
}

fn overwrite(bytes: &mut Vec<u8>, range: std::ops::Range<usize>, value: &[u8]) {
    if bytes.len() < range.end {
        bytes.resize(range.end, 0);
    }
    if let Some(place) = bytes.get_mut(range) {
        place.copy_from_slice(value);
    }
}

/// `INCR key`.
pub(in crate::command) fn incr(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    add(call, 1)
}

/// `DECR key`.
pub(in crate::command) fn decr(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    add(call, -1)
}

/// `INCRBY key number`.
pub(in crate::command) fn incrby(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    let number = call.integer(2)?;
    add(call, number)
}

/// `DECRBY key number`.
pub(in crate::command) fn decrby(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    let number = call.integer(2)?.checked_neg().ok_or(Failure::Overflow)?;
    add(call, number)
}

fn add(call: &mut Call<'_, '_>, number: i64) -> Result<(), Failure> {
    let key = call.argument(1)?;
    match call.string(key)? {
        Some(string) => {
            let sum = parse_integer(string).ok_or(Failure::NotAnInteger)?.checked_add(number);
            *string = Bytes::from_integer(sum.ok_or(Failure::Overflow)?);
        }
        None => call.put(key, Value::String(Bytes::from_integer(number))),
    }
    Ok(())
}

/// `INCRBYFLOAT key number`.
pub(in crate::command) fn incrbyfloat(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    let (key, number) = (call.argument(1)?, call.argument(2)?);
    let string = call.string(key)?;
    let value = string.as_ref().map_or(&b"0"[..], |string| string.as_slice());
    let sum = add_long_doubles(value, number).map_err(|error| match error {
        LongDoubleError::NotAFloat => Failure::NotAFloat,
        LongDoubleError::NotFinite => Failure::other("increment would produce NaN or Infinity"),
    })?;
    match string {
        Some(string) => *string = Bytes::owned(sum),
        None => call.put(key, Value::String(Bytes::owned(sum))),
    }
    Ok(())
}
