//! RESP as in a log: bytes → command, and command → bytes.
//!
//! The grammar is what the official checkers *and* the servers accept: `*argc CRLF`, then `argc` times
//! `$length CRLF payload CRLF`. Bytes that only one of them accepts (a bare LF, junk after a number, `*0`) are
//! malformed here; the models of both in [`crate::check`] tell what each does.

use std::fmt;

/// The maximum length of a line with a count or a length that the official checkers read, including the CRLF
/// (`char buf[128]` and `fgets`).
const LINE_LIMIT: usize = 127;
/// The largest count that servers read without wrapping around (`int argc`).
const ARGUMENTS_LIMIT: u64 = i32::MAX as u64;
/// The largest length that every checker accepts; beyond it they crash or refuse.
const LENGTH_LIMIT: u64 = (i64::MAX - 4) as u64;

/// Receives the arguments of a command from the parser, in order.
pub trait Sink<'a> {
    /// Receives the next argument.
    fn push(&mut self, argument: &'a [u8]);
}

impl<'a> Sink<'a> for Vec<&'a [u8]> {
    #[inline]
    fn push(&mut self, argument: &'a [u8]) {
        Self::push(self, argument);
    }
}

/// The first two arguments of a command (its name, and possibly a subcommand or a database) and their number.
#[derive(Debug, Clone, Copy, Default)]
pub struct Head<'a> {
    /// The command's name.
    pub name: &'a [u8],
    /// The argument after the name; empty if there is none.
    pub second: &'a [u8],
    /// The number of arguments, including the name.
    pub count: u32,
}

impl<'a> Sink<'a> for Head<'a> {
    #[inline]
    fn push(&mut self, argument: &'a [u8]) {
        match self.count {
            0 => self.name = argument,
            1 => self.second = argument,
            _ => {}
        }
        self.count = self.count.wrapping_add(1);
    }
}

/// The field of a command that has a defect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// The `*argc` line.
    Count,
    /// The `$length` line of the argument with this index (0 is the name).
    Length(u64),
    /// The payload of the argument with this index.
    Payload(u64),
    /// The CRLF after the argument with this index.
    Terminator(u64),
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count => f.write_str("the argument count"),
            Self::Length(index) => write!(f, "the length of argument {}", index + 1),
            Self::Payload(index) => write!(f, "argument {}", index + 1),
            Self::Terminator(index) => write!(f, "the line end after argument {}", index + 1),
        }
    }
}

/// Why there is no whole command at a position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Defect {
    /// The bytes end inside the command; more bytes could complete it.
    Truncated {
        /// The field in which the bytes end.
        field: Field,
        /// The number of missing bytes of the field, if known.
        missing: Option<u64>,
    },
    /// The bytes are wrong; more bytes would not help.
    Malformed {
        /// The index of the first wrong byte.
        at: usize,
        /// The field that contains it.
        field: Field,
        /// What is wrong with it.
        problem: Problem,
    },
}

/// What is wrong with a malformed field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Problem {
    /// A field starts with another byte than `*` or `$`.
    Prefix {
        /// `*` or `$`.
        expected: u8,
        /// The byte there.
        found: u8,
    },
    /// No digit in the place of a number, or something else after its digits.
    NotANumber {
        /// The byte that is not a digit.
        found: u8,
    },
    /// A count of zero or less, or a length of less than zero.
    TooSmall(i64),
    /// A number that is larger than any server or checker can read.
    TooLarge,
    /// A line that ends in LF without CR.
    BareLineFeed,
    /// A line that is longer than the official checkers read.
    LineTooLong,
    /// Two other bytes instead of CRLF after an argument.
    Terminator([u8; 2]),
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Prefix { expected, found } => {
                write!(f, "expected '{}', found {}", expected as char, Byte(found))
            }
            Self::NotANumber { found } => write!(f, "expected a digit, found {}", Byte(found)),
            Self::TooSmall(number) => write!(f, "{number} is too small"),
            Self::TooLarge => f.write_str("the number is too large"),
            Self::BareLineFeed => f.write_str("the line ends in LF without CR"),
            Self::LineTooLong => write!(f, "the line is longer than {LINE_LIMIT} bytes"),
            Self::Terminator([a, b]) => write!(f, "expected CR LF, found {} {}", Byte(a), Byte(b)),
        }
    }
}

/// A byte in messages: `'x'` if it is printable ASCII, `0x00` otherwise.
struct Byte(u8);

impl fmt::Display for Byte {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_ascii_graphic() { write!(f, "'{}'", self.0 as char) } else { write!(f, "0x{:02x}", self.0) }
    }
}

/// Parses the command at `start` and returns the index after it.
///
/// # Errors
/// A [`Defect`] if the bytes end early or are wrong; the sink then has the arguments before it.
#[inline]
pub fn parse<'a>(bytes: &'a [u8], start: usize, sink: &mut impl Sink<'a>) -> Result<usize, Defect> {
    let (count, mut at) = match one_digit(bytes, start, b'*') {
        Some(count) if count > 0 => (count, start + 4),
        _ => number(bytes, start, b'*', Field::Count)?,
    };
    for index in 0..count {
        let (length, payload) = match short_length(bytes, at) {
            Some(line) => line,
            None => number(bytes, at, b'$', Field::Length(index))?,
        };
        // No overflow: a length is below 2^63 and a slice's index is too.
        let end = payload + usize::try_from(length).unwrap_or(usize::MAX / 2);
        match (bytes.get(payload..end), after_terminator(bytes, end)) {
            (Some(argument), Some(after)) => {
                sink.push(argument);
                at = after;
            }
            _ => return Err(argument_defect(bytes, payload, end, index)),
        }
    }
    Ok(at)
}

/// The index after `count` arguments at `at`, which are not validated; `None` if something is incomplete or unusual, so
/// that [`parse`] must report it.
#[inline]
pub(crate) fn skip_arguments(bytes: &[u8], mut at: usize, count: u32) -> Option<usize> {
    for _ in 0..count {
        at = skip_argument(bytes, at)?;
    }
    Some(at)
}

/// The same at two places alternately.
#[inline]
pub(crate) fn skip_arguments_of_two(
    bytes: &[u8],
    mut one: usize,
    mut other: usize,
    count: u32,
) -> Option<(usize, usize)> {
    for _ in 0..count {
        one = skip_argument(bytes, one)?;
        other = skip_argument(bytes, other)?;
    }
    Some((one, other))
}

#[inline]
fn skip_argument(bytes: &[u8], at: usize) -> Option<usize> {
    if let Some(after) = skip_tiny_argument(bytes, at) {
        return Some(after);
    }
    let (length, payload) = match short_length(bytes, at) {
        Some(line) => line,
        None => number(bytes, at, b'$', Field::Length(0)).ok()?,
    };
    after_terminator(bytes, payload + usize::try_from(length).ok()?)
}

/// The index after an argument of at most nine bytes: a single bounds check covers all of it.
#[inline]
fn skip_tiny_argument(bytes: &[u8], at: usize) -> Option<usize> {
    let window: &[u8; 16] = bytes.get(at..)?.first_chunk()?;
    let line = u32::from_le_bytes([window[0], window[1], window[2], window[3]]);
    let length = (line >> 8 & 0xff).wrapping_sub(u32::from(b'0'));
    if line & 0xffff_00ff != u32::from_le_bytes(*b"$\0\r\n") || length > 9 {
        return None;
    }
    let end = 4 + length as usize;
    (window.get(end..end + 2)? == b"\r\n").then_some(at + end + 2)
}

/// The argument at `at`, and the index after it; `None` if it is incomplete.
#[inline]
pub(crate) fn bulk_string(bytes: &[u8], at: usize) -> Option<(&[u8], usize)> {
    let (length, payload) = match short_length(bytes, at) {
        Some(line) => line,
        None => number(bytes, at, b'$', Field::Length(0)).ok()?,
    };
    let end = payload.checked_add(usize::try_from(length).ok()?)?;
    Some((bytes.get(payload..end)?, after_terminator(bytes, end)?))
}

/// The length in a line of one to three digits, as most are, and the end of the line: one load, and a comparison for
/// each case.
#[inline]
fn short_length(bytes: &[u8], at: usize) -> Option<(u64, usize)> {
    const ONE: u64 = u64::from_le_bytes(*b"$\0\r\n\0\0\0\0");
    const TWO: u64 = u64::from_le_bytes(*b"$\0\0\r\n\0\0\0");
    const THREE: u64 = u64::from_le_bytes(*b"$\0\0\0\r\n\0\0");
    let word = u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?);
    let digit = |place: u32| (word >> (8 * place) & 0xff).wrapping_sub(u64::from(b'0'));
    if word & 0xffff_00ff == ONE && digit(1) < 10 {
        Some((digit(1), at + 4))
    } else if word & 0xff_ff00_00ff == TWO && digit(1) < 10 && digit(2) < 10 {
        Some((digit(1) * 10 + digit(2), at + 5))
    } else if word & 0xffff_0000_00ff == THREE && digit(1) < 10 && digit(2) < 10 && digit(3) < 10 {
        Some((digit(1) * 100 + digit(2) * 10 + digit(3), at + 6))
    } else {
        None
    }
}

/// The index after the CRLF at `end`, if there is one.
#[inline]
pub(crate) fn after_terminator(bytes: &[u8], end: usize) -> Option<usize> {
    let after = end.checked_add(2)?;
    (bytes.get(end..after)? == b"\r\n").then_some(after)
}

/// `*d CRLF`, which most count lines are.
#[inline]
fn one_digit(bytes: &[u8], at: usize, prefix: u8) -> Option<u64> {
    let line: &[u8; 4] = bytes.get(at..)?.first_chunk()?;
    let digit = line[1].wrapping_sub(b'0');
    (line[0] == prefix && line[2] == b'\r' && line[3] == b'\n' && digit < 10).then_some(u64::from(digit))
}

/// Parses a count or length line; returns its number, and the index after it.
#[inline]
fn number(bytes: &[u8], at: usize, prefix: u8, field: Field) -> Result<(u64, usize), Defect> {
    let rest = bytes.get(at..).unwrap_or_default();
    if rest.first() == Some(&prefix) {
        let mut value = 0_u64;
        // Nine digits can neither overflow nor exceed a limit.
        for (index, &byte) in rest.iter().enumerate().skip(1).take(10) {
            let digit = byte.wrapping_sub(b'0');
            if digit < 10 {
                value = value * 10 + u64::from(digit);
                continue;
            }
            let whole = byte == b'\r' && rest.get(index + 1) == Some(&b'\n') && index > 1;
            if whole && (value > 0 || prefix == b'$') && index <= 10 && value <= 999_999_999 {
                return Ok((value, at + index + 2));
            }
            break;
        }
    }
    number_by_the_book(rest, at, prefix, field)
}

/// The same for lines that are long, unusual or wrong: `strtol`, then CRLF, within the length that the checkers read.
#[cold]
#[inline(never)]
fn number_by_the_book(rest: &[u8], at: usize, prefix: u8, field: Field) -> Result<(u64, usize), Defect> {
    let malformed = |index: usize, problem| Err(Defect::Malformed { at: at + index, field, problem });
    let Some(&first) = rest.first() else { return Err(Defect::Truncated { field, missing: None }) };
    if first != prefix {
        return malformed(0, Problem::Prefix { expected: prefix, found: first });
    }
    let line = rest.get(..LINE_LIMIT).unwrap_or(rest);
    let mut index = 1;
    while line.get(index).is_some_and(|byte| matches!(byte, b' ' | b'\t' | 0x0b | 0x0c)) {
        index += 1;
    }
    let negative = line.get(index) == Some(&b'-');
    if negative || line.get(index) == Some(&b'+') {
        index += 1;
    }
    let digits = index;
    let mut value = 0_u64;
    let mut overflow = false;
    while let Some(digit) = line.get(index).map(|byte| byte.wrapping_sub(b'0')).filter(|digit| *digit < 10) {
        match value.checked_mul(10).and_then(|value| value.checked_add(u64::from(digit))) {
            Some(next) => value = next,
            None => overflow = true,
        }
        index += 1;
    }
    match line.get(index) {
        None if line.len() == LINE_LIMIT => return malformed(index, Problem::LineTooLong),
        None => return Err(Defect::Truncated { field, missing: None }),
        Some(b'\n') => return malformed(index, Problem::BareLineFeed),
        Some(_) if index == digits => {
            return malformed(index, Problem::NotANumber { found: *line.get(index).unwrap_or(&0) });
        }
        Some(b'\r') => match line.get(index + 1) {
            Some(b'\n') => {}
            None if line.len() == LINE_LIMIT => return malformed(index, Problem::LineTooLong),
            None => return Err(Defect::Truncated { field, missing: Some(1) }),
            Some(_) => return malformed(index, Problem::NotANumber { found: b'\r' }),
        },
        Some(&found) => return malformed(index, Problem::NotANumber { found }),
    }
    let (least, limit) = if prefix == b'*' { (1, ARGUMENTS_LIMIT) } else { (0, LENGTH_LIMIT) };
    if overflow || value > limit {
        return malformed(1, Problem::TooLarge);
    }
    let signed = if negative { -value.cast_signed() } else { value.cast_signed() };
    if signed < least {
        return malformed(1, Problem::TooSmall(signed));
    }
    Ok((value, at + index + 2))
}

/// The defect of an argument whose payload or line end is missing.
#[cold]
#[inline(never)]
fn argument_defect(bytes: &[u8], payload: usize, end: usize, index: u64) -> Defect {
    if end > bytes.len() {
        let missing = (end - bytes.len().max(payload)) as u64 + 2;
        return Defect::Truncated { field: Field::Payload(index), missing: Some(missing) };
    }
    let field = Field::Terminator(index);
    match bytes.get(end..).unwrap_or_default() {
        [] => Defect::Truncated { field, missing: Some(2) },
        // Whatever the single byte is: checkers and servers read both bytes of a line end at once, and find the file
        // too short.
        [_] => Defect::Truncated { field, missing: Some(1) },
        [first, second, ..] => {
            let at = if *first == b'\r' { end + 1 } else { end };
            Defect::Malformed { at, field, problem: Problem::Terminator([*first, *second]) }
        }
    }
}

/// Appends a command in RESP, as servers write it.
pub fn write_command(out: &mut Vec<u8>, arguments: &[&[u8]]) {
    write_count(out, arguments.len());
    for argument in arguments {
        write_bulk_string(out, argument);
    }
}

/// Appends the first line of a command with this number of arguments.
#[inline]
pub fn write_count(out: &mut Vec<u8>, arguments: usize) {
    out.push(b'*');
    out.extend_from_slice(itoa::Buffer::new().format(arguments).as_bytes());
    out.extend_from_slice(b"\r\n");
}

/// Appends one argument of a command in RESP, as servers write it.
#[inline]
pub fn write_bulk_string(out: &mut Vec<u8>, argument: &[u8]) {
    // Most lengths have one or two digits.
    match u8::try_from(argument.len()) {
        Ok(length @ ..10) => out.extend_from_slice(&[b'$', b'0' + length, b'\r', b'\n']),
        Ok(length @ 10..100) => out.extend_from_slice(&[b'$', b'0' + length / 10, b'0' + length % 10, b'\r', b'\n']),
        _ => {
            out.push(b'$');
            out.extend_from_slice(itoa::Buffer::new().format(argument.len()).as_bytes());
            out.extend_from_slice(b"\r\n");
        }
    }
    out.extend_from_slice(argument);
    out.extend_from_slice(b"\r\n");
}

/// An integer as servers parse it (`string2ll`): 64 bits, digits without a leading zero or plus, nothing around it.
pub fn parse_integer(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'0'] => return Some(0),
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    if !matches!(digits, [b'1'..=b'9', ..]) || digits.len() > 19 {
        return None;
    }
    let mut value = 0_u64;
    for byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value.checked_mul(10)?.checked_add(u64::from(digit))?;
    }
    if negative { 0_i64.checked_sub_unsigned(value) } else { i64::try_from(value).ok() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn integers_are_canonical() {
        for number in [0, 1, -1, 10, i64::MAX, i64::MIN] {
            assert_eq!(parse_integer(number.to_string().as_bytes()), Some(number));
        }
        for text in [
            "",
            "-",
            "+1",
            "01",
            "-0",
            " 1",
            "1 ",
            "9223372036854775808",
            "-9223372036854775809",
            "1.0",
            "99999999999999999999",
        ] {
            assert_eq!(parse_integer(text.as_bytes()), None, "{text:?}");
        }
    }

    #[test]
    fn lengths_are_written_in_decimal() {
        for length in (0..300).chain([999, 1000, 100_000]) {
            let mut out = Vec::new();
            write_bulk_string(&mut out, &vec![b'v'; length]);
            assert_eq!(out, format!("${length}\r\n{}\r\n", "v".repeat(length)).into_bytes());
        }
    }

    fn parse_all(bytes: &[u8]) -> Result<(Vec<Vec<u8>>, usize), Defect> {
        let mut arguments = Vec::new();
        let end = parse(bytes, 0, &mut arguments)?;
        Ok((arguments.into_iter().map(<[u8]>::to_vec).collect(), end))
    }

    fn malformed(bytes: &[u8]) -> (usize, Field, Problem) {
        match parse_all(bytes) {
            Err(Defect::Malformed { at, field, problem }) => (at, field, problem),
            other => panic!("{:?} gave {other:?}", String::from_utf8_lossy(bytes)),
        }
    }

    #[test]
    fn reads_what_servers_write() {
        let (arguments, end) = parse_all(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$11\r\nhello world\r\n*1").unwrap();
        assert_eq!(arguments, [&b"SET"[..], b"k", b"hello world"]);
        assert_eq!(end, 38);
    }

    #[test]
    fn reads_the_odd_numbers_that_both_checker_and_server_take() {
        for line in ["*1\r\n", "*01\r\n", "*+1\r\n", "* 1\r\n", "*00000000000000000000000000001\r\n"] {
            let log = [line.as_bytes(), b"$4\r\nPING\r\n"].concat();
            assert_eq!(parse_all(&log).unwrap().1, log.len(), "{line:?}");
        }
        assert!(parse_all(b"*1\r\n$0000000004\r\nPING\r\n").is_ok());
    }

    #[test]
    fn names_the_first_wrong_byte() {
        assert_eq!(malformed(b"x1\r\n"), (0, Field::Count, Problem::Prefix { expected: b'*', found: b'x' }));
        assert_eq!(malformed(b"*0\r\n"), (1, Field::Count, Problem::TooSmall(0)));
        assert_eq!(malformed(b"*-1\r\n"), (1, Field::Count, Problem::TooSmall(-1)));
        assert_eq!(malformed(b"*\r\n"), (1, Field::Count, Problem::NotANumber { found: b'\r' }));
        assert_eq!(malformed(b"*1\n"), (2, Field::Count, Problem::BareLineFeed));
        assert_eq!(malformed(b"*1\rx"), (2, Field::Count, Problem::NotANumber { found: b'\r' }));
        assert_eq!(malformed(b"*4294967298\r\n"), (1, Field::Count, Problem::TooLarge));
        assert_eq!(malformed(b"*1\r\n$-1\r\n"), (5, Field::Length(0), Problem::TooSmall(-1)));
        assert_eq!(malformed(b"*1\r\n$9223372036854775804\r\n"), (5, Field::Length(0), Problem::TooLarge));
        assert_eq!(malformed(b"*1\r\n$99999999999999999999\r\n"), (5, Field::Length(0), Problem::TooLarge));
        assert_eq!(malformed(b"*1\r\n$4\r\nPINGxx"), (12, Field::Terminator(0), Problem::Terminator(*b"xx")));
        assert_eq!(malformed(b"*1\r\n$4\r\nPING\rx"), (13, Field::Terminator(0), Problem::Terminator(*b"\rx")));
        let endless = [b"*".as_slice(), &[b'1'; 200]].concat();
        assert_eq!(malformed(&endless), (127, Field::Count, Problem::LineTooLong));
    }

    #[test]
    fn every_cut_of_a_command_is_truncated_and_never_malformed() {
        let whole = b"*2\r\n$3\r\nGET\r\n$12\r\nsome \r\n keys\r\n";
        for cut in 0..whole.len() {
            let outcome = parse_all(&whole[..cut]);
            assert!(matches!(outcome, Err(Defect::Truncated { .. })), "cut at {cut}: {outcome:?}");
        }
        assert!(parse_all(whole).is_ok());
    }

    #[test]
    fn says_how_many_bytes_a_cut_argument_lacks() {
        let lacks = |bytes: &[u8]| match parse_all(bytes) {
            Err(Defect::Truncated { missing, .. }) => missing,
            other => panic!("{other:?}"),
        };
        assert_eq!(lacks(b"*1\r\n$10\r\nabc"), Some(9));
        assert_eq!(lacks(b"*1\r\n$3\r\nabc"), Some(2));
        assert_eq!(lacks(b"*1\r\n$3\r\nabc\r"), Some(1));
        assert_eq!(lacks(b"*1\r\n$9223372036854775803\r\nabc"), Some(9_223_372_036_854_775_802));
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(
            arguments in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 1..20),
        ) {
            let slices: Vec<&[u8]> = arguments.iter().map(Vec::as_slice).collect();
            let mut log = Vec::new();
            write_command(&mut log, &slices);
            let (read, end) = parse_all(&log).unwrap();
            prop_assert_eq!(read, arguments);
            prop_assert_eq!(end, log.len());
        }

        #[test]
        fn any_bytes_give_an_answer_inside_them(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            match parse_all(&bytes) {
                Ok((_, end)) => prop_assert!(end <= bytes.len()),
                Err(Defect::Malformed { at, .. }) => prop_assert!(at < bytes.len()),
                Err(Defect::Truncated { .. }) => {}
            }
        }
    }
}
