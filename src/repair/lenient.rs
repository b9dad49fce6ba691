//! How far a server reads where the grammar of [`crate::resp`] is not kept.
//!
//! Servers are laxer than their checkers: numbers are read by `atoi` and `strtol`, a line may end in LF alone, and the two
//! bytes behind an argument are never looked at (`loadSingleAppendOnlyFile`, Redis 7.0 to 8.0 and Valkey 8 and 9). What they
//! load past such a place must not be cut off.

use memchr::memchr;

use crate::aof::ANNOTATION_LIMIT;
use crate::aof::transaction::{Control, Tracker};
use crate::{command, resp};

/// How a server's reading ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// At the end of the file, with every transaction closed.
    Whole,
    /// The file ends too early; a server with `aof-load-truncated yes` cuts it.
    Short,
    /// Bad format: the server gives up.
    Refused,
}

/// Reads from `start` on as a server does: how that ends, and the end of the last whole record outside a transaction.
pub(super) fn read(bytes: &[u8], start: usize) -> (End, u64) {
    let mut transactions = Tracker::default();
    let mut position = start;
    let mut record = 0;
    let end = loop {
        record += 1;
        let Some(&first) = bytes.get(position) else { break End::Whole };
        if first == b'#' {
            position += line(bytes, position).len();
            continue;
        }
        let mut head = resp::Head::default();
        let end = match resp::parse(bytes, position, &mut head) {
            Ok(end) => end,
            Err(_) => {
                head = resp::Head::default();
                match odd_command(bytes, position, &mut head) {
                    // A name that no server knows says that the lengths before it are wrong.
                    Ok(end) if command::lookup(head.name).is_some() => end,
                    Ok(_) => break End::Refused,
                    Err(end) => break end,
                }
            }
        };
        if let Some(control) = Control::from_name(head.name) {
            transactions.control(control, position as u64, record);
        }
        position = end;
    };
    match (end, transactions.open()) {
        (End::Whole, Some(opening)) => (End::Short, opening.offset),
        (end, opening) => (end, opening.map_or(position as u64, |opening| opening.offset)),
    }
}

/// The command at `start` by a server's rules: the index behind it.
fn odd_command<'a>(bytes: &'a [u8], start: usize, head: &mut resp::Head<'a>) -> Result<usize, End> {
    let count = line(bytes, start);
    let digits = count.strip_prefix(b"*").ok_or(End::Refused)?;
    if digits.is_empty() {
        return Err(End::Short);
    }
    // `atoi` keeps the lower 32 bits.
    #[expect(clippy::cast_possible_truncation, reason = "as servers do")]
    let arguments = leading_number(digits) as i32;
    if arguments < 1 {
        return Err(End::Refused);
    }
    let mut at = start + count.len();
    for _ in 0..arguments {
        let length = line(bytes, at);
        if length.is_empty() {
            return Err(End::Short);
        }
        at += length.len();
        // What a negative length does differs by version, and none survives it.
        let length = leading_number(length.strip_prefix(b"$").ok_or(End::Refused)?);
        let length = usize::try_from(length).map_err(|_| End::Refused)?;
        let end = at.checked_add(length).ok_or(End::Short)?;
        let argument = bytes.get(at..end).ok_or(End::Short)?;
        resp::Sink::push(head, argument);
        at = end + 2;
        if at > bytes.len() {
            return Err(End::Short);
        }
    }
    Ok(at)
}

/// What `fgets` reads: up to a newline, or [`ANNOTATION_LIMIT`] bytes.
fn line(bytes: &[u8], at: usize) -> &[u8] {
    let rest = bytes.get(at..).unwrap_or_default();
    let most = rest.get(..ANNOTATION_LIMIT).unwrap_or(rest);
    memchr(b'\n', most).and_then(|newline| most.get(..=newline)).unwrap_or(most)
}

/// `strtol`: spaces, a sign, digits; what follows is ignored, and what does not fit is the nearest number that does.
fn leading_number(text: &[u8]) -> i64 {
    let text = text.trim_ascii_start();
    let (sign, digits) = match text.split_first() {
        Some((b'-', digits)) => (-1, digits),
        Some((b'+', digits)) => (1, digits),
        _ => (1, text),
    };
    digits
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .fold(0_i64, |number, byte| number.saturating_mul(10).saturating_add(sign * i64::from(byte - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_over_what_servers_do_not_look_at() {
        for log in [
            &b"*1\n$4\r\nPING\r\n"[..],
            b"*1\r\n$4\nPING\r\n",
            b"*1\r\n$4x\r\nPING\r\n",
            b"*1\r\n$4\r\nPINGxx",
            b"*4294967297\r\n$4\r\nPING\r\n",
        ] {
            assert_eq!(read(log, 0), (End::Whole, log.len() as u64), "{}", log.escape_ascii());
        }
    }

    #[test]
    fn gives_up_where_servers_do() {
        for log in [&b"*0\r\n"[..], b"*-1\r\n", b"*\r\n", b"\0\0\0", b"*1\r\n:4\r\n", b"*1\r\n$-1\r\n"] {
            assert_eq!(read(log, 0), (End::Refused, 0), "{}", log.escape_ascii());
        }
        for log in [&b"*"[..], b"*1", b"*1\r\n$4", b"*1\r\n$4\r\nPIN", b"*1\r\n$4\r\nPINGx", b"*1\r\n$5\r\nMULTI\r\n"] {
            assert_eq!(read(log, 0), (End::Short, 0), "{}", log.escape_ascii());
        }
    }
}
