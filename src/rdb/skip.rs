//! Finding the end of a value without verifying it, type by type.

use super::fault::Fault;
use super::primitive::Reader;

/// Reads a value to its end, without reading packed encodings and compressed strings.
pub(super) type Skipper = fn(&mut Reader<'_>) -> Result<(), Fault>;

pub(super) fn string(reader: &mut Reader<'_>) -> Result<(), Fault> {
    reader.raw_string().map(|_| ())
}

#[inline]
fn counted(reader: &mut Reader<'_>, item: impl Fn(&mut Reader<'_>) -> Result<(), Fault>) -> Result<(), Fault> {
    for _ in 0..reader.length()? {
        item(reader)?;
    }
    Ok(())
}

pub(super) fn strings(reader: &mut Reader<'_>) -> Result<(), Fault> {
    counted(reader, string)
}

pub(super) fn pairs(reader: &mut Reader<'_>) -> Result<(), Fault> {
    counted(reader, |reader| {
        string(reader)?;
        string(reader)
    })
}

pub(super) fn sorted_set(reader: &mut Reader<'_>) -> Result<(), Fault> {
    counted(reader, |reader| {
        string(reader)?;
        reader.take(8).map(|_| ())
    })
}

pub(super) fn sorted_set_ascii(reader: &mut Reader<'_>) -> Result<(), Fault> {
    counted(reader, |reader| {
        string(reader)?;
        ascii_score(reader).map(|_| ())
    })
}

/// A score in the encoding of RDB versions before 8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AsciiScore<'a> {
    /// Text, which should be digits.
    Digits(&'a [u8]),
    Nan,
    Infinity,
    NegativeInfinity,
}

pub(super) fn ascii_score<'a>(reader: &mut Reader<'a>) -> Result<AsciiScore<'a>, Fault> {
    Ok(match reader.byte()? {
        253 => AsciiScore::Nan,
        254 => AsciiScore::Infinity,
        255 => AsciiScore::NegativeInfinity,
        length => AsciiScore::Digits(reader.take(length.into())?),
    })
}

pub(super) fn hash_2(reader: &mut Reader<'_>) -> Result<(), Fault> {
    counted(reader, |reader| {
        string(reader)?;
        string(reader)?;
        reader.take(8).map(|_| ())
    })
}

pub(super) fn hash_expiring(reader: &mut Reader<'_>) -> Result<(), Fault> {
    reader.take(8)?;
    hash_expiring_pre_release(reader)
}

pub(super) fn hash_expiring_pre_release(reader: &mut Reader<'_>) -> Result<(), Fault> {
    counted(reader, |reader| {
        reader.number()?;
        string(reader)?;
        string(reader)
    })
}

pub(super) fn hash_listpack_expiring(reader: &mut Reader<'_>) -> Result<(), Fault> {
    reader.take(8)?;
    string(reader)
}

pub(super) fn quicklist_listpacks(reader: &mut Reader<'_>) -> Result<(), Fault> {
    counted(reader, |reader| {
        reader.length()?;
        string(reader)
    })
}

/// The layouts of a stream, from the first (RDB type 15) on; each adds to those before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Layout {
    /// RDB 9.
    First,
    /// RDB 10: first id, greatest deleted id, entries added; entries read by each group.
    Counters,
    /// RDB 11: when each consumer was last active.
    ActiveTime,
    /// RDB 13: producers and their idempotent ids.
    Idempotence,
}

impl Layout {
    /// The number of integers after the nodes: the length and the last id; then the first id, the greatest deleted id
    /// and the number of entries ever added.
    pub(super) const fn numbers(self) -> usize {
        if matches!(self, Self::First) { 3 } else { 8 }
    }

    /// The number of integers after a group's name: the last delivered id; then the number of entries read.
    pub(super) const fn group_numbers(self) -> usize {
        if matches!(self, Self::First) { 2 } else { 3 }
    }

    /// The number of bytes after a consumer's name: its seen time; then its active time.
    pub(super) const fn consumer_times(self) -> u64 {
        if matches!(self, Self::ActiveTime | Self::Idempotence) { 16 } else { 8 }
    }
}

pub(super) fn stream_1(reader: &mut Reader<'_>) -> Result<(), Fault> {
    stream(reader, Layout::First)
}

pub(super) fn stream_2(reader: &mut Reader<'_>) -> Result<(), Fault> {
    stream(reader, Layout::Counters)
}

pub(super) fn stream_3(reader: &mut Reader<'_>) -> Result<(), Fault> {
    stream(reader, Layout::ActiveTime)
}

pub(super) fn stream_4(reader: &mut Reader<'_>) -> Result<(), Fault> {
    stream(reader, Layout::Idempotence)?;
    reader.number()?;
    reader.number()?;
    counted(reader, |reader| {
        string(reader)?;
        counted(reader, |reader| {
            string(reader)?;
            reader.number()?;
            reader.number().map(|_| ())
        })
    })?;
    reader.number()?;
    reader.number().map(|_| ())
}

fn stream(reader: &mut Reader<'_>, layout: Layout) -> Result<(), Fault> {
    pairs(reader)?;
    for _ in 0..layout.numbers() {
        reader.number()?;
    }
    counted(reader, |reader| {
        string(reader)?;
        for _ in 0..layout.group_numbers() {
            reader.number()?;
        }
        counted(reader, |reader| {
            reader.take(16 + 8)?;
            reader.number().map(|_| ())
        })?;
        counted(reader, |reader| {
            string(reader)?;
            reader.take(layout.consumer_times())?;
            counted(reader, |reader| reader.take(16).map(|_| ()))
        })
    })
}

pub(super) fn module(reader: &mut Reader<'_>) -> Result<(), Fault> {
    reader.number()?;
    loop {
        match reader.number()? {
            0 => return Ok(()),
            opcode => module_operand(reader, opcode, string).map(|_| ())?,
        }
    }
}

/// Skips the operand of a module's opcode other than 0, a string by calling `string`. Returns whether the opcode is
/// known. Opcodes above 5, which no release writes, have no operand.
pub(super) fn module_operand<'a>(
    reader: &mut Reader<'a>,
    opcode: u64,
    string: impl FnOnce(&mut Reader<'a>) -> Result<(), Fault>,
) -> Result<bool, Fault> {
    match opcode {
        1 | 2 => reader.number().map(|_| ())?,
        3 => reader.take(4).map(|_| ())?,
        4 => reader.take(8).map(|_| ())?,
        5 => string(reader)?,
        _ => return Ok(false),
    }
    Ok(true)
}
