//! Where records go on after damage.
//!
//! A `*` alone says nothing: values may hold what looks like records, and so may the remains of a damaged one. A place
//! counts where a whole record with a plausible name stands, unless that lies inside an argument whose length is known.

use std::cell::OnceCell;
use std::ops::Range;

use memchr::{memchr, memchr3, memmem};

use super::reader::{TIMESTAMP, record_at};
use super::transaction::Control;
use crate::resp::{self, Defect, Head};

/// Arguments around a place that are looked at: more than two are about each other only in odd logs.
const ARGUMENTS: usize = 16;

/// The longest line with a count.
const LINE: usize = 13;

/// A longer command name is none.
const LONGEST_NAME: usize = 64;

/// The first place at or after `from` where a record begins that can be relied on; `None` if there is none.
///
/// `from` may be the start of the record that is damaged: its arguments tell what belongs to it.
pub fn next_record(bytes: &[u8], from: usize) -> Option<usize> {
    next_record_among(bytes, from, &ValuesWithRecords::new(bytes))
}

/// The same, with what is known of the values of the part.
pub fn next_record_among(bytes: &[u8], from: usize, values: &ValuesWithRecords<'_>) -> Option<usize> {
    let mut arguments: Vec<Range<usize>> = Vec::new();
    // The arguments up to here were met already, as those of a record.
    let mut known = from;
    let mut at = from;
    loop {
        at += memchr3(b'*', b'$', b'#', bytes.get(at..)?)?;
        if bytes.get(at) != Some(&b'$') && is_record(bytes, at) {
            match arguments.iter().find(|argument| argument.contains(&at) && belongs_to(bytes, at, argument, values)) {
                None => return Some(at),
                Some(argument) => at = argument.end,
            }
            continue;
        }
        if at >= known {
            arguments.retain(|argument| argument.end > at);
            known = match bytes.get(at) {
                Some(b'*') => arguments_of(bytes, at, &mut arguments),
                Some(b'$') => {
                    arguments.extend(argument_before(bytes, at, b"$*#").filter(|_| arguments.len() < ARGUMENTS));
                    at
                }
                _ => at,
            };
        }
        at += 1;
    }
}

/// The first record inside an argument of the record at a place, which is whole, that goes on past the argument's end:
/// the argument has taken it for its own, as its own end is missing.
pub fn record_inside(bytes: &[u8], record: usize) -> Option<usize> {
    let end = resp::parse(bytes, record, &mut Head::default()).ok()?;
    let mut at = record + memchr(b'\n', bytes.get(record..)?)? + 1;
    while at < end {
        let argument = argument(bytes, at)?;
        at = argument.end + 2;
        let goes_past = |next: usize| next > at && goes_on(bytes, next) && outlasts(bytes, next, end);
        let inside = readings(bytes, argument, at).find(|(_, next)| next.is_some_and(goes_past));
        if let Some((inside, _)) = inside {
            return Some(inside);
        }
    }
    None
}

/// The records in a stretch that may be read one after the other, from each first one up to `end`: where it begins, and
/// where the first record begins at or after `end`, if they can be read that far.
pub fn readings(bytes: &[u8], stretch: Range<usize>, end: usize) -> impl Iterator<Item = (usize, Option<usize>)> {
    let mut from = stretch.start;
    std::iter::from_fn(move || {
        loop {
            let at = from + memchr(b'*', bytes.get(from..stretch.end)?)?;
            from = at + 1;
            if !is_record(bytes, at) {
                continue;
            }
            // Those inside of it are not looked at again.
            while from < end {
                match end_of(bytes, if from == at + 1 { at } else { from }) {
                    Some(next) => from = next,
                    None => return Some((at, None)),
                }
            }
            return Some((at, Some(from)));
        }
    })
}

/// Records read where two readings of the same bytes differ: neither lasts that long by chance.
const COMPARED: usize = 1000;

/// Whether the records from a place on go on at least as far as those from another one on.
///
/// The last of what looks like records in a value may be cut short by the value's end, and by chance be whole with
/// bytes of the next record: what follows it is none.
pub fn outlasts(bytes: &[u8], mut one: usize, mut other: usize) -> bool {
    for _ in 0..COMPARED {
        if one == other {
            return true;
        }
        let is_one = one < other;
        let behind = if is_one { &mut one } else { &mut other };
        match end_of(bytes, *behind) {
            Some(next) => *behind = next,
            None => return !is_one,
        }
    }
    false
}

/// Where the first of the records from a place on begins that is at or after `end`; `None` if they cannot be read that
/// far.
pub fn read_until(bytes: &[u8], at: usize, end: usize) -> Option<usize> {
    let mut position = at;
    while position < end {
        position = end_of(bytes, position)?;
    }
    Some(position)
}

/// Where the argument that a record at a place lacks, or that is damaged, ends according to its length; `None` if that
/// cannot be read.
pub fn declared_end(bytes: &[u8], record: usize) -> Option<usize> {
    let mut arguments = Vec::new();
    if bytes.get(record) != Some(&b'*') {
        return None;
    }
    let at = arguments_of(bytes, record, &mut arguments);
    let line = bytes.get(at..)?.strip_prefix(b"$")?;
    let line = line.get(..LINE).unwrap_or(line);
    let digits = line.split(|byte| *byte == b'\r').next()?;
    let length = usize::try_from(resp::parse_integer(digits)?).ok()?;
    (at + 1 + digits.len() + 2).checked_add(length)
}

/// The length in the line before a place, if that is the one of an argument.
pub fn length_before(bytes: &[u8], at: usize) -> Option<usize> {
    let line = bytes.get(at.saturating_sub(LINE)..at)?.strip_suffix(b"\r\n")?;
    let prefix =
        line.iter().rposition(|byte| !byte.is_ascii_digit()).filter(|prefix| line.get(*prefix) == Some(&b'$'))?;
    let length = usize::try_from(resp::parse_integer(line.get(prefix + 1..)?)?).ok()?;
    (length <= bytes.len() - at).then_some(length)
}

/// What the values of a part tell about records in values: an application that stores one mostly stores more.
#[derive(Debug, Clone)]
pub struct ValuesWithRecords<'a> {
    bytes: &'a [u8],
    largest: OnceCell<usize>,
}

impl<'a> ValuesWithRecords<'a> {
    /// Those of a part; nothing is read yet.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, largest: OnceCell::new() }
    }

    /// Whether a value of a length is whole, and begins like a record.
    fn is_whole(&self, at: usize, length: usize) -> bool {
        let end = at.checked_add(length).and_then(|end| resp::after_terminator(self.bytes, end));
        end.is_some() && is_record(self.bytes, at)
    }

    /// The length of the largest value that begins like a record; 0 if there is none.
    pub fn largest(&self) -> usize {
        *self.largest.get_or_init(|| {
            let places = memmem::find_iter(self.bytes, b"\r\n*").map(|line| line + 2);
            let length = |at| length_before(self.bytes, at).filter(|length| self.is_whole(at, *length));
            places.filter_map(length).max().unwrap_or(0)
        })
    }
}

/// How a value may end that holds records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueEnd {
    /// With the last of them, and nothing follows it in its record.
    Line,
    /// In the middle of one, or with text; other arguments may follow.
    Any,
}

/// Whether what is between the last record in a value and the next one after it is the rest of that value, and the
/// other arguments of its record.
pub fn ends_value(bytes: &[u8], from: usize, next: usize, end: ValueEnd) -> bool {
    /// More lines are not looked at.
    const LINES: usize = 64;
    let between = bytes.get(from..next).unwrap_or_default();
    if end == ValueEnd::Line {
        return between == b"\r\n";
    }
    let arguments = |mut at: usize| {
        while at < next {
            let Some((_, end)) = resp::bulk_string(bytes, at) else { return false };
            at = end;
        }
        at == next
    };
    let is_rest = |rest: &[u8]| {
        rest.iter().all(|byte| !byte.is_ascii_control())
            || matches!(resp::parse(rest, 0, &mut Head::default()), Err(Defect::Truncated { .. }))
    };
    memmem::find_iter(between, b"\r\n")
        .take(LINES)
        .any(|line| arguments(from + line + 2) && is_rest(between.get(..line).unwrap_or_default()))
}

/// Adds the arguments of the record at a place, as far as they are whole, and returns where they end.
fn arguments_of(bytes: &[u8], record: usize, arguments: &mut Vec<Range<usize>>) -> usize {
    let line = bytes.get(record + 1..record + LINE.min(bytes.len() - record)).unwrap_or_default();
    let digits = line.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let count = std::str::from_utf8(line.get(..digits).unwrap_or_default()).ok().and_then(|text| text.parse().ok());
    let mut at = record + 1 + digits + 2;
    for left in (0..count.unwrap_or(0_u32)).rev() {
        let Some(argument) = argument_before(bytes, at, if left == 0 { b"*#" } else { b"$" }) else { break };
        at = argument.end + 2;
        if arguments.len() == ARGUMENTS {
            arguments.remove(0);
        }
        arguments.push(argument);
    }
    at
}

/// The payload of the argument at a place, if it is whole.
fn argument(bytes: &[u8], at: usize) -> Option<Range<usize>> {
    let (payload, end) = resp::bulk_string(bytes, at)?;
    Some(end - 2 - payload.len()..end - 2)
}

/// The same, if the end or one of these bytes follows.
fn argument_before(bytes: &[u8], at: usize, followers: &[u8]) -> Option<Range<usize>> {
    let argument = argument(bytes, at)?;
    bytes.get(argument.end + 2).is_none_or(|next| followers.contains(next)).then_some(argument)
}

/// The end of the record at a place, if it is whole.
pub fn end_of(bytes: &[u8], at: usize) -> Option<usize> {
    Some(record_at(bytes, at, 0, &mut Head::default())?.ok()?.end)
}

/// Whether the record at a place, which is whole, is a part of this argument rather than one that follows it.
///
/// The argument may reach that far because its own end is missing. Records that only seem to lie inside it then follow
/// the end of another one, and go on past its end as if it were none, while those in a value end with the value.
fn belongs_to(bytes: &[u8], at: usize, argument: &Range<usize>, values: &ValuesWithRecords<'_>) -> bool {
    match read_until(bytes, at, argument.end) {
        Some(end) => end == argument.end || end == argument.end + 2 && at == argument.start,
        None => at == argument.start || !is_after_line(bytes, at) || values.largest() >= argument.len(),
    }
}

/// Whether a place is after a line end.
fn is_after_line(bytes: &[u8], at: usize) -> bool {
    bytes.get(..at).is_some_and(|before| before.ends_with(b"\r\n"))
}

/// Whether two records that can be relied on begin at a place, after the end of what may be another one: a line that is
/// not the length of an argument.
pub fn follows_record(bytes: &[u8], at: usize) -> bool {
    is_after_line(bytes, at)
        && length_before(bytes, at).is_none()
        && is_record(bytes, at)
        && end_of(bytes, at).is_some_and(|next| is_record(bytes, next))
}

/// Whether a part ends at a place, or a record begins there that can be relied on.
pub fn goes_on(bytes: &[u8], at: usize) -> bool {
    at == bytes.len() || is_record(bytes, at)
}

/// Whether a record begins at a place that can be relied on: it is whole, and another one or the end of the part
/// follows, or it is at least of a form that no other text has by chance.
fn is_record(bytes: &[u8], at: usize) -> bool {
    let mut head = Head::default();
    let Some(end) = plausible(bytes, at, &mut head) else { return false };
    end == bytes.len()
        || head.count > 1
        || Control::from_name(head.name).is_some()
        || plausible(bytes, end, &mut Head::default()).is_some()
}

/// The end of the record at a place, if it is whole and may be one that a server has written; the head of a command.
fn plausible<'a>(bytes: &'a [u8], at: usize, head: &mut Head<'a>) -> Option<usize> {
    let rest = bytes.get(at..)?;
    if rest.starts_with(TIMESTAMP) {
        let line = rest.get(TIMESTAMP.len()..memchr(b'\n', rest)?)?.strip_suffix(b"\r")?;
        return resp::parse_integer(line).and_then(|_| end_of(bytes, at));
    }
    let end = resp::parse(bytes, at, head).ok()?;
    let is_letter = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-|:".contains(byte);
    (!head.name.is_empty() && head.name.len() <= LONGEST_NAME && head.name.iter().all(is_letter)).then_some(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(words: &[&[u8]]) -> Vec<u8> {
        let mut out = Vec::new();
        resp::write_command(&mut out, words);
        out
    }

    /// Where the records go on in `damaged`, a record whose first byte is wrong, with `rest` after it.
    fn resumes(damaged: &[u8], rest: &[u8]) -> Option<usize> {
        next_record(&[damaged, rest].concat(), 0)
    }

    #[test]
    fn records_go_on_after_the_damaged_one() {
        let next = record(&[b"SET", b"b", b"2"]);
        let mut damaged = record(&[b"SET", b"a", b"1"]);
        damaged[0] = b'x';
        assert_eq!(resumes(&damaged, &next), Some(damaged.len()));
        assert_eq!(resumes(&damaged, b""), None);
        assert_eq!(resumes(&damaged[..20], &next), Some(20), "without a line end before it");
        assert_eq!(resumes(&damaged, &[&next[..], b"garbage"].concat()), Some(damaged.len()));
        assert_eq!(resumes(&damaged, b"#TS:1700000000\r\n"), Some(damaged.len()));
        assert_eq!(resumes(&damaged, b"#TS:x\r\n"), None);
        assert_eq!(resumes(&damaged, b"# a line\r\n"), None);
        assert_eq!(resumes(&damaged, b"*1\r\n$4\r\n\0\0\0\0\r\n"), None);
    }

    #[test]
    fn what_looks_like_a_record_inside_a_value_is_none() {
        let inner = [record(&[b"SET", b"x", b"1"]), record(&[b"SET", b"y", b"2"])].concat();
        let next = record(&[b"SET", b"b", b"2"]);
        for value in
            [&inner[..], &inner[..inner.len() - 2], &[b"text ", &inner[..]].concat(), &[&inner[..], b" text"].concat()]
        {
            let mut damaged = record(&[b"SET", b"a", value]);
            damaged[1] = b'x';
            assert_eq!(resumes(&damaged, &next), Some(damaged.len()), "{}", value.escape_ascii());
        }
    }

    #[test]
    fn records_that_a_torn_argument_only_seems_to_hold_are_found() {
        // The end of a block that was copied from elsewhere: its last argument reaches into what follows, and ends
        // where another one does.
        let next = record(&[b"SET", b"b", b"2"]);
        let torn = b"x\r\n$40\r\nabc";
        let rest = [&next[..], &next].concat();
        for length in 30..60 {
            let torn = String::from_utf8_lossy(torn).replace("40", &length.to_string());
            assert_eq!(resumes(torn.as_bytes(), &rest), Some(torn.len()), "{length}");
        }
    }
}
