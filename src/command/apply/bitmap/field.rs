//! BITFIELD: numbers of any width at any bit.

use super::super::{Call, Failure};
use super::{bit_offset, mask, with_bit};
use crate::resp::parse_integer;
use crate::server::Server;

/// An integer type: signed with at most 64 bits, or unsigned with at most 63.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Type {
    signed: bool,
    width: u32,
}

impl Type {
    fn read(text: &[u8], server: Server) -> Result<Self, Failure> {
        let (signed, width, widest) = match text {
            [b'i', width @ ..] => (true, width, 64),
            [b'u', width @ ..] => (false, width, 63),
            _ => return Err(REFUSED_TYPE),
        };
        let end = width.iter().position(|byte| *byte == 0).filter(|_| server.cuts_bitfield_type_at_nul());
        let width = parse_integer(width.get(..end.unwrap_or(width.len())).unwrap_or_default());
        let width = width.and_then(|width| u32::try_from(width).ok());
        let width = width.filter(|width| (1..=widest).contains(width)).ok_or(REFUSED_TYPE)?;
        Ok(Self { signed, width })
    }

    fn smallest(self) -> i128 {
        if self.signed { -(1 << (self.width - 1)) } else { 0 }
    }

    fn largest(self) -> i128 {
        if self.signed { (1 << (self.width - 1)) - 1 } else { (1 << self.width) - 1 }
    }

    /// The number of this type with the lowest of these bits.
    fn wrap(self, bits: i128) -> i128 {
        let unsigned = bits & ((1 << self.width) - 1);
        if unsigned > self.largest() { unsigned - (1 << self.width) } else { unsigned }
    }
}

const REFUSED_TYPE: Failure =
    Failure::other("Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.");

/// What happens to a number that is too large for its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Overflow {
    Wrap,
    Saturate,
    /// The number is not written.
    Fail,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Set(i64),
    Add(i64),
}

/// One SET or INCRBY.
#[derive(Debug, Clone, Copy)]
struct Step {
    of: Type,
    offset: usize,
    action: Action,
    overflow: Overflow,
}

impl Step {
    /// The last bit that it writes.
    const fn last_bit(&self) -> usize {
        self.offset + self.of.width as usize - 1
    }

    const fn is_set(&self) -> bool {
        matches!(self.action, Action::Set(_))
    }

    fn run(self, bytes: &mut [u8]) {
        let wanted = match self.action {
            // For an unsigned type, servers take a negative number as one that is far too large.
            Action::Set(number @ ..0) if !self.of.signed => i128::from(number.cast_unsigned()),
            Action::Set(number) => i128::from(number),
            Action::Add(number) => self.of.wrap(get(bytes, self.offset, self.of.width)) + i128::from(number),
        };
        let (smallest, largest) = (self.of.smallest(), self.of.largest());
        let fits = (smallest..=largest).contains(&wanted);
        match self.overflow {
            Overflow::Fail if !fits => {}
            // Servers compute the distance to the largest number by a subtraction that overflows.
            Overflow::Saturate if !fits && self.is_set() && largest - wanted > i128::from(i64::MAX) => {
                set(bytes, self.offset, self.of.width, largest);
            }
            Overflow::Saturate => set(bytes, self.offset, self.of.width, wanted.clamp(smallest, largest)),
            _ => set(bytes, self.offset, self.of.width, self.of.wrap(wanted)),
        }
    }
}

fn get(bytes: &[u8], offset: usize, width: u32) -> i128 {
    (offset..offset + width as usize).fold(0, |number, offset| {
        let bit = bytes.get(offset / 8).is_some_and(|byte| byte & mask(offset) != 0);
        number << 1 | i128::from(bit)
    })
}

fn set(bytes: &mut [u8], offset: usize, width: u32, number: i128) {
    for (offset, bit) in (offset..).zip((0..width).rev()) {
        if let Some(byte) = bytes.get_mut(offset / 8) {
            let on = number >> bit & 1 == 1;
            *byte = if on { *byte | mask(offset) } else { *byte & !mask(offset) };
        }
    }
}

/// `BITFIELD key [GET type offset|SET type offset number|INCRBY type offset number|OVERFLOW WRAP|SAT|FAIL] …`. The
/// string is grown for every write, including those that then fail.
pub(in crate::command) fn bitfield(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    let key = call.argument(1)?;
    let steps = read_steps(call.arguments_from(2), call.server)?;
    let Some(last_bit) = steps.iter().map(Step::last_bit).max() else {
        return call.string(key).map(|_| ());
    };
    with_bit(call, last_bit, |bytes| {
        for step in steps {
            step.run(bytes);
        }
    })
}

/// The writes, in order. Reads are checked in the same way, and left out.
fn read_steps(mut words: &[&[u8]], server: Server) -> Result<Vec<Step>, Failure> {
    let mut steps = Vec::new();
    let mut overflow = Overflow::Wrap;
    while let Some((word, rest)) = words.split_first() {
        let is = |name: &[u8]| word.eq_ignore_ascii_case(name);
        words = match *rest {
            [name, ref rest @ ..] if is(b"overflow") => {
                overflow = overflow_named(name)?;
                rest
            }
            [of, offset, ref rest @ ..] if is(b"get") => {
                let of = Type::read(of, server)?;
                bit_offset(offset, Some(of.width))?;
                rest
            }
            [of, offset, number, ref rest @ ..] if is(b"set") || is(b"incrby") => {
                let of = Type::read(of, server)?;
                let offset = bit_offset(offset, Some(of.width))?;
                let number = parse_integer(number).ok_or(Failure::NotAnInteger)?;
                let action = if is(b"set") { Action::Set(number) } else { Action::Add(number) };
                steps.push(Step { of, offset, action, overflow });
                rest
            }
            _ => return Err(Failure::Syntax),
        };
    }
    Ok(steps)
}

fn overflow_named(name: &[u8]) -> Result<Overflow, Failure> {
    let is = |word: &[u8]| name.eq_ignore_ascii_case(word);
    match () {
        () if is(b"wrap") => Ok(Overflow::Wrap),
        () if is(b"sat") => Ok(Overflow::Saturate),
        () if is(b"fail") => Ok(Overflow::Fail),
        () => Err(Failure::other("Invalid OVERFLOW type specified")),
    }
}
