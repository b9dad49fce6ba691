//! Raw values: those of an RDB that are not decoded yet.

use super::decode::{is_vector_set, vector_set};
use super::fault::DecodeFault;
use super::primitive::{RawString, Reader};
use super::types::type_row;
use crate::value::{Bytes, Raw, Value};

/// Decodes a raw value.
///
/// # Errors
/// The first fault, or [`DecodeFault::Opaque`] for the value of a module.
pub fn decode<'a>(raw: &Raw<'a>) -> Result<Value<'a>, DecodeFault> {
    let row = type_row(raw.family, raw.type_code);
    if row.is_some_and(|row| row.decode.is_none()) {
        return vector_set(raw);
    }
    let decode = row.and_then(|row| row.decode);
    let decode = decode.ok_or(DecodeFault::Opaque { type_code: raw.type_code })?;
    let mut reader = Reader::new(raw.payload, 0);
    let value = decode(&mut reader)?;
    match raw.payload.len() - reader.position() {
        0 => Ok(value),
        rest => Err(DecodeFault::TooLong(rest)),
    }
}

impl Value<'_> {
    /// Whether it is a vector set, decoded or not.
    pub(crate) fn is_vector_set(&self) -> bool {
        match self {
            Self::VectorSet(_) => true,
            Self::Raw(raw) => is_vector_set(raw),
            _ => false,
        }
    }
}

impl<'a> Raw<'a> {
    /// The string, if it is one and can be decoded without memory of its own: it is in one piece, or a number.
    #[inline]
    pub fn in_one_piece(&self) -> Option<Bytes<'a>> {
        if self.type_code != 0 {
            return None;
        }
        let string = Reader::new(self.payload, 0).raw_string().ok()?;
        if matches!(string, RawString::Lzf { .. }) { None } else { string.kept().ok() }
    }
}
