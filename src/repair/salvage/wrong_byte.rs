//! A single byte of a record's framing that has changed: told by what makes the record whole again.

use std::ops::Range;

use super::Mended;
use crate::aof::resync;
use crate::aof::transaction::Control;
use crate::command::{self, arity_fits};
use crate::resp::{self, Head};
use crate::server::Server;

/// A byte that has changed.
#[derive(Debug, Clone)]
pub(super) struct WrongByte {
    /// Where.
    pub(super) offset: usize,
    /// The byte as it is.
    pub(super) found: u8,
    /// The byte as it must have been.
    pub(super) right: u8,
    /// The record that is whole then.
    pub(super) mended: Mended,
}

/// The longest line with a count or a length that is looked at: `$`, ten digits, CRLF.
const LINE: usize = 13;

/// How far the record before is searched, whose count may be the one that is wrong.
const REACH: usize = 16 << 20;

/// What the bytes of a record's framing are.
const FRAMING: &[u8] = b"0123456789*$\r\n";

/// The one byte that makes the record at `at` whole, or the one before it, so that a record or the end follows; `None`
/// if there is none, or more than one.
pub(super) fn find(bytes: &[u8], start: usize, at: usize) -> Option<WrongByte> {
    let mut found: Option<WrongByte> = None;
    for record in [Some(at), record_before(bytes, start, at)].into_iter().flatten() {
        for suspect in suspects(bytes, record).into_iter().flatten().flatten() {
            let Some(&byte) = bytes.get(suspect) else { continue };
            for &right in FRAMING.iter().filter(|right| is_likely(byte, **right)) {
                let Some(mended) = mended(bytes, record, Patch { offset: suspect, byte: right }) else { continue };
                if !fits(bytes, at, &mended) {
                    continue;
                }
                if found.is_some() {
                    return None;
                }
                found = Some(WrongByte { offset: suspect, found: byte, right, mended });
            }
        }
    }
    found
}

/// Whether a byte may have become another: by one bit, or because it was overwritten with what is no framing. Other
/// digits would make many a torn record whole that takes parts of others for its own.
fn is_likely(found: u8, right: u8) -> bool {
    (found ^ right).is_power_of_two() || found != right && !FRAMING.contains(&found)
}

/// Whether records go on after a record so that the place at which they cannot be read is in none of them, and so that
/// it holds no whole records itself.
fn fits(bytes: &[u8], at: usize, mended: &Mended) -> bool {
    let end = mended.record.end;
    if end == at || !resync::goes_on(bytes, end) {
        return false;
    }
    if mended.record.start < at {
        // It had taken the beginning of the next record for its own, or left its last arguments.
        let takes_less = end < at && resync::end_of(bytes, end).is_some_and(|next| next > at);
        // MULTI and EXEC have no arguments.
        let has_arguments = Control::from_name(&mended.name).is_none();
        return takes_less || end > at && has_arguments && is_leftover(bytes, at);
    }
    // It has taken no records for its own.
    !resync::readings(bytes, at + 1..end, end).any(|(start, next)| {
        next.is_some_and(|next| resync::outlasts(bytes, next, end)) || resync::follows_record(bytes, start)
    })
}

/// Whether an argument is at a place that is not the name of a command whose count is missing.
fn is_leftover(bytes: &[u8], at: usize) -> bool {
    resp::bulk_string(bytes, at).is_some_and(|(argument, _)| command::lookup(argument).is_none())
}

/// The start of the record that ends at `at`.
pub(super) fn record_before(bytes: &[u8], start: usize, at: usize) -> Option<usize> {
    let floor = start.max(at.saturating_sub(REACH));
    let mut limit = at;
    loop {
        let candidate = floor + memchr::memrchr(b'*', bytes.get(floor..limit)?)?;
        if resp::parse(bytes, candidate, &mut Head::default()) == Ok(at) {
            return Some(candidate);
        }
        limit = candidate;
    }
}

/// A byte that is taken for another.
#[derive(Clone, Copy)]
struct Patch {
    offset: usize,
    byte: u8,
}

impl Patch {
    fn apply(self, bytes: &[u8], at: usize) -> Option<u8> {
        if at == self.offset { Some(self.byte) } else { bytes.get(at).copied() }
    }
}

/// The places that may hold the bit: the count, the last lines with a length that can be read, the one after them, and
/// the line ends of arguments.
fn suspects(bytes: &[u8], record: usize) -> [Option<Range<usize>>; 5] {
    let none = Patch { offset: usize::MAX, byte: 0 };
    let line = |at: usize| Some(at..bytes.len().min(at + LINE));
    let Some((count, mut at)) = number(bytes, record, b'*', none) else {
        // The first argument's line may tell where the count's ends.
        return [line(record), None, None, None, None];
    };
    let (mut before, mut terminator) = (None, None);
    for _ in 0..count {
        let Some((length, payload)) = number(bytes, at, b'$', none) else { break };
        let Some(end) = payload.checked_add(length).filter(|end| *end <= bytes.len()) else {
            return [line(record), before, line(at), None, None];
        };
        if bytes.get(end..end + 2) != Some(b"\r\n") {
            return [line(record), before, line(at), terminator, Some(end..end + 2)];
        }
        before = line(at);
        terminator = Some(end..end + 2);
        at = end + 2;
    }
    [line(record), before, line(at), terminator, None]
}

/// The record at a place, if it is whole with this byte.
fn mended(bytes: &[u8], record: usize, patch: Patch) -> Option<Mended> {
    let (count, mut at) = number(bytes, record, b'*', patch)?;
    let mut head: [&[u8]; 2] = [&[], &[]];
    for index in 0..count {
        let (length, payload) = number(bytes, at, b'$', patch)?;
        let end = payload.checked_add(length)?;
        if (patch.apply(bytes, end)?, patch.apply(bytes, end + 1)?) != (b'\r', b'\n') {
            return None;
        }
        if let Some(argument) = head.get_mut(index) {
            *argument = bytes.get(payload..end)?;
        }
        at = end + 2;
    }
    let [name, second] = head.map(<[u8]>::to_vec);
    is_complete(&name, count).then_some(Mended { record: record..at, name, second })
}

/// Whether a command of this name may have this many arguments.
///
/// Where a record was torn, a smaller count often makes the rest of it whole.
fn is_complete(name: &[u8], count: usize) -> bool {
    command::lookup(name).is_some_and(|row| Server::ALL.into_iter().any(|server| arity_fits(row, server, count)))
}

/// A line with a count or a length, as servers write it.
fn number(bytes: &[u8], at: usize, prefix: u8, patch: Patch) -> Option<(usize, usize)> {
    if patch.apply(bytes, at)? != prefix {
        return None;
    }
    let mut value = 0_usize;
    for index in at + 1..at + LINE {
        match patch.apply(bytes, index)? {
            digit @ b'0'..=b'9' => value = value.checked_mul(10)?.checked_add(usize::from(digit - b'0'))?,
            b'\r' if index > at + 1 && patch.apply(bytes, index + 1)? == b'\n' => return Some((value, index + 2)),
            _ => return None,
        }
    }
    None
}
