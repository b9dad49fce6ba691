//! The ids of entries.

use std::fmt;

use crate::resp::parse_integer;

/// The id of an entry: ids order first by time, then by sequence.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId {
    /// Unix milliseconds, usually.
    pub milliseconds: u64,
    /// The number of the entry within the millisecond.
    pub sequence: u64,
}

impl StreamId {
    /// The smallest id, which no entry can have: `0-0`.
    pub const ZERO: Self = Self::new(0, 0);
    /// The greatest id.
    pub const MAX: Self = Self::new(u64::MAX, u64::MAX);

    /// An id of its two numbers.
    pub const fn new(milliseconds: u64, sequence: u64) -> Self {
        Self { milliseconds, sequence }
    }

    /// An id as commands give one: `ms-seq`, or `ms` alone, which then gets `default_sequence`.
    ///
    /// The special ids `-`, `+`, `$`, `>`, `*` and `ms-*` are none (`streamParseStrictIDOrReply`).
    pub fn parse(text: &[u8], default_sequence: u64) -> Option<Self> {
        let text = as_c_string(text)?;
        let Some(dash) = text.iter().position(|byte| *byte == b'-') else {
            return Some(Self::new(parse_unsigned(text)?, default_sequence));
        };
        let (milliseconds, sequence) = (text.get(..dash)?, text.get(dash + 1..)?);
        Some(Self::new(parse_unsigned(milliseconds)?, parse_unsigned(sequence)?))
    }

    /// The milliseconds of `ms-*`, the form that leaves the sequence to the stream.
    pub fn parse_open(text: &[u8]) -> Option<u64> {
        parse_unsigned(as_c_string(text)?.strip_suffix(b"-*")?)
    }

    /// The id after this one; `None` after the greatest.
    pub const fn next(self) -> Option<Self> {
        match self.sequence.checked_add(1) {
            Some(sequence) => Some(Self { sequence, ..self }),
            None => match self.milliseconds.checked_add(1) {
                Some(milliseconds) => Some(Self::new(milliseconds, 0)),
                None => None,
            },
        }
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.milliseconds, self.sequence)
    }
}

/// What the servers see of an id: they copy up to 127 bytes, and read up to the first zero.
fn as_c_string(text: &[u8]) -> Option<&[u8]> {
    if text.len() > 127 { None } else { text.split(|byte| *byte == 0).next() }
}

/// A number without a sign as servers read one (`string2ull`): what `string2ll` takes, else what `strtoull` does, hence
/// blanks and a plus before it, leading zeros, and the negative of a number with a leading zero.
fn parse_unsigned(text: &[u8]) -> Option<u64> {
    if let Some(number) = parse_integer(text) {
        return u64::try_from(number).ok();
    }
    let start = text.iter().position(|byte| !matches!(byte, b' ' | b'\t'..=b'\r'))?;
    let (negative, digits) = match text.get(start..)? {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] | digits => (false, digits),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number = digits
        .iter()
        .try_fold(0_u64, |number, digit| number.checked_mul(10)?.checked_add(u64::from(digit.wrapping_sub(b'0'))))?;
    Some(if negative { number.wrapping_neg() } else { number })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_read_as_servers_read_them() {
        let cases: [(&str, Option<(u64, u64)>); 24] = [
            ("1-2", Some((1, 2))),
            ("5", Some((5, 7))),
            ("0-0", Some((0, 0))),
            ("18446744073709551615-18446744073709551615", Some((u64::MAX, u64::MAX))),
            ("18446744073709551616-1", None),
            ("9223372036854775808-1", Some((1 << 63, 1))),
            ("007-08", Some((7, 8))),
            ("+7-1", Some((7, 1))),
            (" 7-\t1", Some((7, 1))),
            ("7 -1", None),
            ("1--5", None),
            ("1--05", Some((1, u64::MAX - 4))),
            ("-1-1", None),
            ("1-", None),
            ("", None),
            (" ", None),
            ("-", None),
            ("+", None),
            ("$", None),
            ("*", None),
            ("1-*", None),
            ("1-1-1", None),
            ("1-2\0x", Some((1, 2))),
            ("a-1", None),
        ];
        for (text, expected) in cases {
            let expected = expected.map(|(milliseconds, sequence)| StreamId::new(milliseconds, sequence));
            assert_eq!(StreamId::parse(text.as_bytes(), 7), expected, "{text:?}");
        }
        assert_eq!(StreamId::parse(&[b'0'; 128], 0), None);
        assert_eq!(StreamId::parse_open(b"12-*"), Some(12));
        assert_eq!(StreamId::parse_open(b"12-1"), None);
        assert_eq!(StreamId::parse_open(b"-*"), None);
    }

    #[test]
    fn ids_follow_each_other() {
        assert_eq!(StreamId::new(1, u64::MAX).next(), Some(StreamId::new(2, 0)));
        assert_eq!(StreamId::MAX.next(), None);
        assert!(StreamId::new(1, u64::MAX) < StreamId::new(2, 0));
        assert_eq!(StreamId::new(12, 3).to_string(), "12-3");
    }
}
