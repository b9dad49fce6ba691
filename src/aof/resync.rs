//! Where records go on after damage.
//!
//! A `*` alone says nothing: values may hold what looks like records, and so may the remains of a damaged one. A place
//! counts where a whole record with a plausible name stands, unless that lies inside an argument whose length is known.

use std::ops::Range;

use memchr::{memchr, memchr_iter, memchr3};

use super::reader::{TIMESTAMP, record_at};
use super::transaction::Control;
use crate::resp::{self, Head};

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
    let mut arguments: Vec<Range<usize>> = Vec::new();
    // The arguments up to here were met already, as those of a record.
    let mut known = from;
    let mut at = from;
    loop {
        at += memchr3(b'*', b'$', b'#', bytes.get(at..)?)?;
        if bytes.get(at) != Some(&b'$') && is_record(bytes, at) {
            match arguments.iter().find(|argument| argument.contains(&at) && belongs_to(bytes, at, argument)) {
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
        let payload = bytes.get(argument.clone())?;
        let mut places = memchr_iter(b'*', payload).map(|place| argument.start + place);
        if let Some(inside) = places.find(|place| is_record(bytes, *place) && outlasts(bytes, *place, at)) {
            return Some(inside);
        }
    }
    None
}

/// Whether the records from a place on go on past `end`, where none of them begins.
fn outlasts(bytes: &[u8], at: usize, end: usize) -> bool {
    read_until(bytes, at, end).is_some_and(|position| position > end)
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

/// Whether a record begins at a place that has a name, and lacks an argument that `length` bytes after it may be in.
pub fn awaits_argument(bytes: &[u8], record: usize, length: usize) -> bool {
    let mut arguments = Vec::new();
    if bytes.get(record) != Some(&b'*') {
        return false;
    }
    let next = arguments_of(bytes, record, &mut arguments);
    // Where its length can be read, that is known to be right: what is wrong is in it, or after it.
    let line = bytes.get(next..).unwrap_or_default().strip_prefix(b"$").unwrap_or_default();
    let digits = line.get(..LINE).unwrap_or(line).split(|byte| *byte == b'\r').next().unwrap_or_default();
    !arguments.is_empty()
        && resp::parse_integer(digits)
            .is_none_or(|declared| usize::try_from(declared).is_ok_and(|declared| declared >= length))
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
/// The argument may reach that far because its own end is missing. Records that only seem to lie inside it then go on
/// past its end as if it were none, while those in a value end with the value.
fn belongs_to(bytes: &[u8], at: usize, argument: &Range<usize>) -> bool {
    let after = argument.end + 2;
    read_until(bytes, at, after).is_none_or(|position| position == after && at == argument.start)
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
