//! The options of SORT.

use super::super::super::Failure;
use crate::resp::parse_integer;

/// What elements are compared by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By<'a> {
    /// The elements themselves.
    Element,
    /// The values that a pattern finds for them.
    Pattern(&'a [u8]),
    /// Nothing, so that they keep their order: the pattern of BY has no `*`.
    Nothing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Number,
    /// ALPHA: by their bytes. Servers use the locale only if nothing is stored.
    Text,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    Ascending,
    Descending,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Options<'a> {
    pub(super) by: By<'a>,
    pub(super) order: Order,
    pub(super) direction: Direction,
    /// An offset, of which a negative one counts as zero, and a number of elements, of which a negative one means all.
    pub(super) limit: (i64, i64),
    pub(super) get: Vec<&'a [u8]>,
    pub(super) store: Option<&'a [u8]>,
}

impl<'a> Options<'a> {
    /// Reads options in any order. Of repeated ones the last counts, except that every GET counts and that one BY
    /// without a `*` is enough.
    pub(super) fn read(mut words: &[&'a [u8]]) -> Result<Self, Failure> {
        let mut options = Self {
            by: By::Element,
            order: Order::Number,
            direction: Direction::Ascending,
            limit: (0, -1),
            get: Vec::new(),
            store: None,
        };
        while let Some((word, rest)) = words.split_first() {
            let is = |name: &[u8]| word.eq_ignore_ascii_case(name);
            let mut taken = 2;
            match *rest {
                _ if is(b"asc") => (options.direction, taken) = (Direction::Ascending, 1),
                _ if is(b"desc") => (options.direction, taken) = (Direction::Descending, 1),
                _ if is(b"alpha") => (options.order, taken) = (Order::Text, 1),
                [offset, count, ..] if is(b"limit") => {
                    let number = |text| parse_integer(text).ok_or(Failure::NotAnInteger);
                    (options.limit, taken) = ((number(offset)?, number(count)?), 3);
                }
                [destination, ..] if is(b"store") => options.store = Some(destination),
                [pattern, ..] if is(b"by") => match pattern.contains(&b'*') {
                    true if options.by != By::Nothing => options.by = By::Pattern(pattern),
                    true => {}
                    false => options.by = By::Nothing,
                },
                [pattern, ..] if is(b"get") => options.get.push(pattern),
                _ => return Err(Failure::Syntax),
            }
            words = words.get(taken..).unwrap_or_default();
        }
        Ok(options)
    }
}
