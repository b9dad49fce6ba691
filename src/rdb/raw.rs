//! Raw values: those of an RDB that are not decoded yet.

use super::decode::{is_vector_set, vector_set};
use super::fault::DecodeFault;
use super::primitive::{RawString, Reader};
use super::types::type_row;
use crate::value::{Bytes, DataType, Raw, Value};

impl Value<'_> {
    /// Decodes it in place, if it is still as it was in an RDB.
    ///
    /// # Errors
    /// As [`Raw::decode`]; the value stays as it is.
    #[inline]
    pub fn decode(&mut self) -> Result<(), DecodeFault> {
        if let Self::Raw(raw) = self {
            *self = raw.decode()?;
        }
        Ok(())
    }

    /// Its type, decoded or not; `None` for what only its commands describe, and for a type that is not known.
    pub fn data_type(&self) -> Option<DataType> {
        Some(match self {
            Self::String(_) => DataType::String,
            Self::List(_) => DataType::List,
            Self::Set(_) => DataType::Set,
            Self::Hash(_) => DataType::Hash,
            Self::SortedSet(_) => DataType::SortedSet,
            Self::Stream(_) => DataType::Stream,
            Self::VectorSet(_) => DataType::VectorSet,
            Self::Raw(raw) if is_vector_set(raw) => DataType::VectorSet,
            Self::Raw(raw) => type_row(raw.family, raw.type_code)?.data_type,
            Self::History(_) => return None,
        })
    }

    /// The name of its [`DataType`], or `unknown`.
    pub fn type_name(&self) -> &'static str {
        self.data_type().map_or("unknown", DataType::name)
    }
}

impl<'a> Raw<'a> {
    /// Decodes it.
    ///
    /// # Errors
    /// The first fault, or [`DecodeFault::Opaque`] for the value of a module.
    pub fn decode(&self) -> Result<Value<'a>, DecodeFault> {
        let row = type_row(self.family, self.type_code);
        if row.is_some_and(|row| row.decode.is_none()) {
            return vector_set(self);
        }
        let decode = row.and_then(|row| row.decode);
        let decode = decode.ok_or(DecodeFault::Opaque { type_code: self.type_code })?;
        let mut reader = Reader::new(self.payload, 0);
        let value = decode(&mut reader)?;
        match self.payload.len() - reader.position() {
            0 => Ok(value),
            rest => Err(DecodeFault::TooLong(rest)),
        }
    }

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
