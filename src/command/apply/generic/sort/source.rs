//! The elements that SORT reads, and the list that it stores.

use std::ops::Range;

use super::super::super::hash::Visibility;
use crate::value::{Bytes, Hash, List, Value};

/// The elements of a list or set in order, or of a sorted set in the order of their scores; `None` for other values.
pub(super) fn elements<'a>(value: &Value<'a>) -> Option<Vec<Bytes<'a>>> {
    Some(match value {
        Value::List(list) => list.iter().map(Bytes::copied).collect(),
        Value::Set(set) => set.iter().map(Bytes::copied).collect(),
        Value::SortedSet(sorted_set) => sorted_set.iter().map(|(member, _)| Bytes::copied(member)).collect(),
        _ => return None,
    })
}

/// The elements of a list, or of a sorted set in the order of their scores, whose indexes are in a range. Other values
/// have none.
///
/// Only those are visited, as on a server, so that a queue can be read a page at a time.
pub(super) fn elements_in<'a>(value: &mut Value<'a>, range: Range<usize>) -> Vec<Bytes<'a>> {
    match value {
        Value::List(list) => list.iter_from(range.start).take(range.len()).map(Bytes::copied).collect(),
        Value::SortedSet(sorted_set) => {
            sorted_set.put_in_order();
            sorted_set.names_from(range.start).take(range.len()).map(|(name, _)| name.to_bytes()).collect()
        }
        _ => Vec::new(),
    }
}

/// The number of elements that [`elements`] returns.
pub(super) fn count(value: &Value<'_>) -> Option<usize> {
    match value {
        Value::List(list) => Some(list.len()),
        Value::Set(set) => Some(set.len()),
        Value::SortedSet(sorted_set) => Some(sorted_set.len()),
        _ => None,
    }
}

/// The value of a field, if it is visible.
pub(super) fn field_of<'a>(hash: &Hash<'a>, field: &[u8], visibility: Visibility<'_>) -> Option<Bytes<'a>> {
    hash.get(field).filter(|content| visibility.is_visible(*content)).map(|content| Bytes::copied(content.value))
}

/// A list of these elements.
pub(super) fn list_of(elements: Vec<Bytes<'_>>) -> List<'_> {
    elements.into_iter().collect()
}
