//! The patterns of BY and GET: the names of other keys, and of fields in them.

use super::super::super::hash::Visibility;
use super::super::super::{Call, Failure};
use super::source;
use crate::value::{Bytes, Value};

/// The value that a pattern finds for an element: the element itself for `#`, else the string, or with `->field` the
/// field of the hash, at the key that results from replacing the pattern's first `*` by the element.
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
    let Some((before, after)) = split(pattern, b"*") else { return Ok(None) };
    // An arrow with nothing after it belongs to the name.
    let (after, field) = match split(after, b"->") {
        Some((after, field)) if !field.is_empty() => (after, Some(field)),
        _ => (after, None),
    };
    let key = [before, element, after].concat();
    let visibility = Visibility::of(call);
    let value = match call.value(&key) {
        // A value of which only the commands are known is neither a string nor a hash.
        Err(Failure::UnknownValue) => None,
        value => value?,
    };
    Ok(match (value, field) {
        (Some(Value::String(string)), None) => Some(string.clone()),
        (Some(Value::Hash(hash)), Some(field)) => source::field_of(hash, field, visibility),
        _ => None,
    })
}

/// Splits a text at the first occurrence of `separator`.
fn split<'t>(text: &'t [u8], separator: &[u8]) -> Option<(&'t [u8], &'t [u8])> {
    let at = memchr::memmem::find(text, separator)?;
    Some((text.get(..at)?, text.get(at + separator.len()..)?))
}
