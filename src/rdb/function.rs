//! The payload of FUNCTION DUMP: function libraries encoded as in an RDB.

use std::borrow::Cow;

use super::primitive::{Crc64, Reader};

/// The opcode before each library.
const LIBRARY: u8 = 245;
/// The size of the footer: a version of two bytes and a checksum of eight.
const FOOTER: usize = 10;

/// The code of each library in a payload of FUNCTION RESTORE; `None` if the payload is damaged, or holds anything else.
pub fn dumped_functions(payload: &[u8]) -> Option<Vec<Cow<'_, [u8]>>> {
    let (checked, checksum) = payload.split_last_chunk()?;
    let mut crc = Crc64::default();
    crc.update(checked);
    if crc.value() != u64::from_le_bytes(*checksum) {
        return None;
    }
    let end = payload.len().checked_sub(FOOTER)?;
    let mut reader = Reader::new(payload.get(..end)?, 0);
    let mut libraries = Vec::new();
    while reader.position() < end {
        if reader.byte().ok()? != LIBRARY {
            return None;
        }
        libraries.push(reader.string().ok()?.bytes().ok()?);
    }
    Some(libraries)
}
