//! SORT … STORE.

mod options;
mod pattern;
mod source;

use std::cmp::Ordering;
use std::ops::Range;

use super::super::{Call, Failure};
use crate::value::score::parse_weight;
use crate::value::{Bytes, Value};
use options::{By, Direction, Options, Order};

/// An element and what it is compared by.
struct Item<'a> {
    element: Bytes<'a>,
    weight: Weight<'a>,
}

enum Weight<'a> {
    /// By the element itself.
    None,
    Number(f64),
    /// By the text that BY found, if there is one.
    Text(Option<Bytes<'a>>),
}

impl Item<'_> {
    fn compare(&self, other: &Self) -> Ordering {
        match (&self.weight, &other.weight) {
            // Numbers are never NaN. Elements of the same weight are in the order of their bytes.
            (Weight::Number(one), Weight::Number(other_one)) => {
                one.partial_cmp(other_one).unwrap_or(Ordering::Equal).then_with(|| self.element.cmp(&other.element))
            }
            (Weight::Text(one), Weight::Text(other_one)) => one.cmp(other_one),
            _ => self.element.cmp(&other.element),
        }
    }
}

/// `SORT key [BY pattern] [LIMIT offset count] [GET pattern …] [ASC|DESC] [ALPHA] STORE destination`. Without STORE it
/// changes nothing.
///
/// Elements for which BY finds equal texts keep their order.
pub(in crate::command) fn sort(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    let key = call.argument(1)?;
    let mut options = Options::read(call.arguments_from(2))?;
    let Some(destination) = options.store else { return Ok(()) };
    let elements = match call.value(key)? {
        None => Vec::new(),
        Some(value) => {
            let count = source::count(value).ok_or(Failure::WrongType)?;
            if matches!(value, Value::Set(_)) && options.by == By::Nothing {
                // The order of a set is unspecified, so servers sort it before they store it.
                (options.by, options.order) = (By::Element, Order::Text);
            }
            let range = range(options.limit, count);
            if options.by == By::Nothing {
                unsorted(value, range, count, options.direction)
            } else {
                let elements = source::elements(value).ok_or(Failure::WrongType)?;
                arrange(call, elements, &options)?.into_iter().skip(range.start).take(range.len()).collect()
            }
        }
    };
    let mut stored = Vec::new();
    for element in elements {
        if options.get.is_empty() {
            stored.push(element);
            continue;
        }
        for pattern in &options.get {
            stored.push(pattern::lookup(call, pattern, &element)?.unwrap_or_default());
        }
    }
    if stored.is_empty() {
        call.remove(destination);
    } else {
        call.put(destination, Value::List(source::list_of(stored)));
    }
    Ok(())
}

/// The range of `length` elements that LIMIT selects.
fn range((offset, count): (i64, i64), length: usize) -> Range<usize> {
    let start = usize::try_from(offset.max(0)).unwrap_or(usize::MAX).min(length);
    let end = usize::try_from(count).map_or(length, |count| start.saturating_add(count).min(length));
    start..end
}

/// The elements of a range, in their order or reversed.
fn unsorted<'a>(value: &mut Value<'a>, range: Range<usize>, count: usize, direction: Direction) -> Vec<Bytes<'a>> {
    match direction {
        Direction::Ascending => source::elements_in(value, range),
        Direction::Descending => {
            let mut elements = source::elements_in(value, count - range.end..count - range.start);
            elements.reverse();
            elements
        }
    }
}

/// The elements in the requested order.
fn arrange<'a>(
    call: &mut Call<'_, 'a>,
    elements: Vec<Bytes<'a>>,
    options: &Options<'a>,
) -> Result<Vec<Bytes<'a>>, Failure> {
    let mut items = Vec::with_capacity(elements.len());
    for element in elements {
        let weight = weight(call, &element, options)?;
        items.push(Item { element, weight });
    }
    match options.direction {
        Direction::Ascending => items.sort_by(Item::compare),
        Direction::Descending => items.sort_by(|one, other| other.compare(one)),
    }
    Ok(items.into_iter().map(|item| item.element).collect())
}

fn weight<'a>(call: &mut Call<'_, 'a>, element: &Bytes<'a>, options: &Options<'a>) -> Result<Weight<'a>, Failure> {
    let found = match options.by {
        By::Pattern(pattern) => pattern::lookup(call, pattern, element)?,
        By::Element | By::Nothing if options.order == Order::Text => return Ok(Weight::None),
        By::Element | By::Nothing => Some(element.clone()),
    };
    match (options.order, found) {
        (Order::Text, found) => Ok(Weight::Text(found)),
        (Order::Number, None) => Ok(Weight::Number(0.0)),
        (Order::Number, Some(text)) => {
            const REFUSED: Failure = Failure::other("One or more scores can't be converted into double");
            parse_weight(&text, call.server.float_syntax()).map(Weight::Number).ok_or(REFUSED)
        }
    }
}

#[cfg(test)]
mod tests;
