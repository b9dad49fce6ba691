//! The patterns of BY and GET: the names of other keys, and of fields in them.

use super::super::super::hash::Sight;
use super::super::super::{Call, Failure};
use super::source;
use crate::value::{Bytes, Value};

/// What a pattern finds for an element: the element itself for `#`; else the string, or with `->field` the field of the
/// hash, whose key the pattern names with the element in place of its first `*`.
///
/// # Errors
/// Those of [`Call::value`].
pub(super) fn lookup<'a>(
    call: &mut Call<'_, 'a>,
    pattern: &[u8],
    element: &Bytes<'a>,
) -> Result<Option<Bytes<'a>>, Failure> {
    if pattern == b"#" {
        return Ok(Some(element.clone()));
    }
    let Some((before, behind)) = split(pattern, b"*") else { return Ok(None) };
    // An arrow with nothing behind it belongs to the name.
    let (behind, field) = match split(behind, b"->") {
        Some((behind, field)) if !field.is_empty() => (behind, Some(field)),
        _ => (behind, None),
    };
    let key = [before, element, behind].concat();
    let sight = Sight::of(call);
    let value = match call.value(&key) {
        // A value that is known by its commands only is neither a string nor a hash.
        Err(Failure::UnknownValue) => None,
        value => value?,
    };
    Ok(match (value, field) {
        (Some(Value::String(string)), None) => Some(string.clone()),
        (Some(Value::Hash(hash)), Some(field)) => source::field_of(hash, field, sight),
        _ => None,
    })
}

/// What is before and behind the first place where a text holds another.
fn split<'t>(text: &'t [u8], separator: &[u8]) -> Option<(&'t [u8], &'t [u8])> {
    let at = memchr::memmem::find(text, separator)?;
    Some((text.get(..at)?, text.get(at + separator.len()..)?))
}
