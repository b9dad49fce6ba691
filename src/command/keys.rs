//! Which arguments of a command are keys.

/// The positions of a command's keys among its arguments; argument 0 is its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyPositions {
    /// It has no keys. Channels are not keys.
    None,
    /// Every `step`th argument from `first` to `last`; a negative `last` counts from the end, -1 being the last
    /// argument.
    Range {
        /// The first key.
        first: u8,
        /// The last argument that can be a key.
        last: i8,
        /// The distance from one key to the next.
        step: u8,
    },
    /// An argument says how many keys follow it: EVAL, ZUNION, MSETEX …
    Counted {
        /// The destination key, if there is one in addition: ZUNIONSTORE.
        destination: Option<u8>,
        /// The argument that holds the number of keys; the first key follows it.
        count: u8,
        /// The distance from one key to the next.
        step: u8,
    },
    /// SORT: the first argument, and the one after the last STORE.
    Sort,
    /// GEORADIUS and GEORADIUSBYMEMBER: the first argument, and the one after the last STORE or STOREDIST.
    GeoRadius {
        /// The first argument that can be an option.
        options: u8,
    },
    /// MIGRATE: argument 3, or the arguments after KEYS if that is empty.
    Migrate,
    /// XREAD and XREADGROUP: the first half of the arguments after STREAMS.
    Streams,
    /// STRALGO of Redis 6.2: the two arguments after KEYS.
    Stralgo,
}

/// The first argument is the only key.
pub(crate) const FIRST: KeyPositions = at(1);
/// The first two arguments are keys.
pub(super) const FIRST_TWO: KeyPositions = range(1, 2, 1);

/// One key, at `index`.
pub(super) const fn at(index: i8) -> KeyPositions {
    range(index.unsigned_abs(), index, 1)
}

/// Every argument from `first` on.
pub(super) const fn from(first: u8) -> KeyPositions {
    range(first, -1, 1)
}

pub(super) const fn range(first: u8, last: i8, step: u8) -> KeyPositions {
    KeyPositions::Range { first, last, step }
}

/// The keys follow their number, which is at `count`.
pub(super) const fn counted(count: u8) -> KeyPositions {
    KeyPositions::Counted { destination: None, count, step: 1 }
}

/// Like [`counted`], but a value follows each key.
pub(super) const fn counted_pairs(count: u8) -> KeyPositions {
    KeyPositions::Counted { destination: None, count, step: 2 }
}

/// Like [`counted`], with a destination key in addition.
pub(super) const fn stored_and_counted(destination: u8, count: u8) -> KeyPositions {
    KeyPositions::Counted { destination: Some(destination), count, step: 1 }
}

/// The positions of a command's keys, in ascending order, without allocation.
///
/// Every position is within the arguments for which it was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyIndexes {
    lone: Option<usize>,
    next: usize,
    end: usize,
    step: usize,
}

impl KeyIndexes {
    /// No keys at all.
    pub const NONE: Self = Self { lone: None, next: 0, end: 0, step: 1 };

    /// Every `step`th from `first` up to but not including `end`.
    const fn every(first: usize, end: usize, step: usize) -> Self {
        Self { lone: None, next: first, end, step }
    }

    const fn two(first: usize, second: Option<usize>) -> Self {
        let (next, end) = match second {
            Some(second) => (second, second + 1),
            None => (0, 0),
        };
        Self { lone: Some(first), next, end, step: 1 }
    }
}

impl Iterator for KeyIndexes {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        if let Some(index) = self.lone.take() {
            return Some(index);
        }
        if self.next >= self.end {
            return None;
        }
        let index = self.next;
        self.next = index.saturating_add(self.step);
        Some(index)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let rest = self.end.saturating_sub(self.next).div_ceil(self.step.max(1));
        let left = usize::from(self.lone.is_some()) + rest;
        (left, Some(left))
    }
}

impl ExactSizeIterator for KeyIndexes {}
impl std::iter::FusedIterator for KeyIndexes {}

impl KeyPositions {
    /// The keys among `arguments`. If arguments are missing, the keys that are present.
    #[inline]
    pub(super) fn find(self, arguments: &[&[u8]]) -> KeyIndexes {
        let argc = arguments.len();
        match self {
            Self::None => KeyIndexes::NONE,
            Self::Range { first, last, step } => {
                let distance = usize::from(last.unsigned_abs());
                let end = if last < 0 { (argc + 1).saturating_sub(distance) } else { argc.min(distance + 1) };
                KeyIndexes::every(first.into(), end, step.into())
            }
            _ => self.find_by_content(arguments),
        }
    }

    fn find_by_content(self, arguments: &[&[u8]]) -> KeyIndexes {
        let argc = arguments.len();
        match self {
            Self::None | Self::Range { .. } => KeyIndexes::NONE,
            Self::Counted { destination, count, step } => {
                let (count, step) = (usize::from(count), usize::from(step));
                let keys = arguments.get(count).map_or(0, |text| number(text));
                let end = keys.saturating_mul(step).saturating_add(count + 1).min(argc);
                let lone = destination.map(usize::from).filter(|index| *index < argc);
                KeyIndexes { lone, ..KeyIndexes::every(count + 1, end, step) }
            }
            Self::Sort => first_and(sort_destination(arguments), argc),
            Self::GeoRadius { options } => first_and(geo_destination(arguments, options.into()), argc),
            Self::Migrate => migrated(arguments),
            Self::Streams => streams(arguments),
            Self::Stralgo => stralgo(arguments),
        }
    }
}

/// The first argument, if it is there, and `other`.
fn first_and(other: Option<usize>, argc: usize) -> KeyIndexes {
    if argc > 1 { KeyIndexes::two(1, other) } else { KeyIndexes::NONE }
}

/// A number of keys as servers read it: only digits. Anything else means no keys.
fn number(text: &[u8]) -> usize {
    std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()).unwrap_or(0)
}

fn is(arguments: &[&[u8]], index: usize, word: &str) -> bool {
    arguments.get(index).is_some_and(|argument| argument.eq_ignore_ascii_case(word.as_bytes()))
}

/// The destination of SORT: the last STORE counts. The patterns after BY and GET may be `store` too.
fn sort_destination(arguments: &[&[u8]]) -> Option<usize> {
    let mut destination = None;
    let mut index = 2;
    while index < arguments.len() {
        index += if is(arguments, index, "limit") {
            3
        } else if is(arguments, index, "get") || is(arguments, index, "by") {
            2
        } else if is(arguments, index, "store") && index + 1 < arguments.len() {
            destination = Some(index + 1);
            2
        } else {
            1
        };
    }
    destination
}

/// The destination of GEORADIUS and GEORADIUSBYMEMBER: STORE and STOREDIST override each other.
fn geo_destination(arguments: &[&[u8]], options: usize) -> Option<usize> {
    let mut destination = None;
    let mut index = options;
    while index + 1 < arguments.len() {
        index += if is(arguments, index, "store") || is(arguments, index, "storedist") {
            destination = Some(index + 1);
            2
        } else {
            1
        };
    }
    destination
}

/// MIGRATE has one key at 3, or an empty argument there and many keys after KEYS. Both together are an error, and mean
/// no key.
fn migrated(arguments: &[&[u8]]) -> KeyIndexes {
    let argc = arguments.len();
    let mut index = 6;
    while index < argc {
        index += if is(arguments, index, "keys") {
            let one = arguments.get(3).is_some_and(|key| !key.is_empty());
            return if one { KeyIndexes::NONE } else { KeyIndexes::every(index + 1, argc, 1) };
        } else if is(arguments, index, "auth2") {
            3
        } else if is(arguments, index, "auth") {
            2
        } else {
            1
        };
    }
    if argc > 3 { KeyIndexes::every(3, 4, 1) } else { KeyIndexes::NONE }
}

/// The keys of XREAD and XREADGROUP: STREAMS is followed by as many keys as ids. A group or a consumer may be called
/// `streams` too.
fn streams(arguments: &[&[u8]]) -> KeyIndexes {
    let argc = arguments.len();
    let mut index = 1;
    while index < argc {
        index += if is(arguments, index, "streams") {
            let first = index + 1;
            return KeyIndexes::every(first, first + (argc - first) / 2, 1);
        } else if is(arguments, index, "group") {
            3
        } else if ["block", "count", "claim"].iter().any(|option| is(arguments, index, option)) {
            2
        } else {
            1
        };
    }
    KeyIndexes::NONE
}

/// `STRALGO LCS [option …] KEYS key key`; after STRINGS there are no keys.
fn stralgo(arguments: &[&[u8]]) -> KeyIndexes {
    for index in 1..arguments.len() {
        if is(arguments, index, "strings") {
            break;
        }
        if is(arguments, index, "keys") && index + 2 < arguments.len() {
            return KeyIndexes::every(index + 1, index + 3, 1);
        }
    }
    KeyIndexes::NONE
}
