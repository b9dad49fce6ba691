//! The commands on bitmaps.

mod field;
mod operation;

pub(in crate::command) use field::bitfield;
pub(in crate::command) use operation::bitop;

use super::string::LONGEST;
use super::{Call, Failure};
use crate::resp::parse_integer;
use crate::value::Value;

/// The offset of a bit, which must be within the longest string. With a `width`, `#` before it counts in units of that
/// many bits.
fn bit_offset(text: &[u8], width: Option<u32>) -> Result<usize, Failure> {
    const REFUSED: Failure = Failure::other("bit offset is not an integer or out of range");
    let (digits, factor) = match (text, width) {
        ([b'#', digits @ ..], Some(width)) => (digits, width),
        _ => (text, 1),
    };
    let offset = parse_integer(digits).and_then(|offset| offset.checked_mul(i64::from(factor)));
    let offset = offset.and_then(|offset| usize::try_from(offset).ok()).ok_or(REFUSED)?;
    if offset / 8 < LONGEST { Ok(offset) } else { Err(REFUSED) }
}

/// Changes a string after creating or growing it so that it contains `bit`.
fn with_bit<R>(call: &mut Call<'_, '_>, bit: usize, change: impl FnOnce(&mut [u8]) -> R) -> Result<R, Failure> {
    let key = call.argument(1)?;
    let length = bit / 8 + 1;
    if let Some(string) = call.string(key)? {
        return Ok(string.edit(|bytes| {
            if bytes.len() < length {
                bytes.resize(length, 0);
            }
            change(bytes)
        }));
    }
    let mut bytes = vec![0; length];
    let result = change(&mut bytes);
    call.put(key, Value::String(crate::value::Bytes::owned(bytes)));
    Ok(result)
}

/// The mask of the bit at an offset in a byte: offset 0 is the highest bit.
const fn mask(offset: usize) -> u8 {
    0x80 >> (offset % 8)
}

/// `SETBIT key offset 0|1`.
pub(in crate::command) fn setbit(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    const REFUSED: Failure = Failure::other("bit is not an integer or out of range");
    let offset = bit_offset(call.argument(2)?, None)?;
    let on = match parse_integer(call.argument(3)?) {
        Some(0) => false,
        Some(1) => true,
        _ => return Err(REFUSED),
    };
    with_bit(call, offset, |bytes| {
        if let Some(byte) = bytes.get_mut(offset / 8) {
            *byte = if on { *byte | mask(offset) } else { *byte & !mask(offset) };
        }
    })
}

#[cfg(test)]
mod tests;
