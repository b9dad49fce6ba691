//! Causes in words.

use std::fmt;

use super::Cause;
use crate::escape::Escaped;
use crate::plural::counted;

impl Cause {
    /// The name by which programs know it.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::WrongByte { .. } => "wrong-byte",
            Self::Repeated { .. } => "repeated",
            Self::ZeroTail(_) => "zero-tail",
            Self::Zeros(_) => "zeros",
            Self::Blocks { .. } => "blocks",
            Self::WrongName { .. } => "wrong-name",
            Self::Merged { .. } => "merged",
            Self::Truncated(_) => "truncated",
            Self::UnfinishedTransaction { .. } => "unfinished-transaction",
            Self::Unreadable(_) | Self::Entry(_) => "unreadable",
            Self::NoItem { .. } => "no-item",
            Self::Inserted(_) => "inserted",
            Self::Missing { .. } => "missing",
            Self::Checksum { .. } => "wrong-checksum",
        }
    }

    /// The offset of the first byte that is known to be wrong.
    pub const fn offset(&self) -> u64 {
        match self {
            Self::WrongByte { offset, .. }
            | Self::WrongName { offset, .. }
            | Self::Merged { offset }
            | Self::UnfinishedTransaction { offset }
            | Self::NoItem { offset }
            | Self::Missing { offset, .. }
            | Self::Checksum { offset } => *offset,
            Self::Repeated { range, .. }
            | Self::ZeroTail(range)
            | Self::Zeros(range)
            | Self::Inserted(range)
            | Self::Blocks { range, .. } => range.start,
            Self::Truncated(damage) | Self::Unreadable(damage) => damage.offset,
            Self::Entry(damage) => damage.offset,
        }
    }
}

/// What is wrong, as a clause that goes with a file. Bytes that are quoted are escaped.
impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WrongByte { offset, found, right } => {
                let how = if (found ^ right).is_power_of_two() { "one bit has flipped" } else { "it was overwritten" };
                let [found, right] = [found, right].map(|byte| Escaped(std::slice::from_ref(byte)).to_string());
                write!(f, "byte {offset} is '{found}' and must be '{right}': {how}")
            }
            Self::Repeated { range, original } => {
                write!(f, "{} from byte {} on repeat those from byte {original} on", size(range), range.start)
            }
            Self::ZeroTail(range) => {
                write!(f, "{} of zeros at the end of the file, from byte {} on", size(range), range.start)
            }
            Self::Zeros(range) => write!(f, "{} of zeros from byte {} on", size(range), range.start),
            Self::Blocks { range, size } => {
                let blocks = counted((range.end - range.start) / size, "block");
                write!(f, "{blocks} of {size} bytes from byte {} on do not belong here", range.start)
            }
            Self::Merged { offset } => {
                write!(f, "bytes are missing in the record at byte {offset}, which takes the next one for its own")
            }
            Self::WrongName { offset, name } => {
                let name = Escaped(name);
                write!(f, "the command at byte {offset} is none: its name was overwritten, and reads '{name}' now")
            }
            Self::Truncated(damage) => write!(f, "{}", damage.kind),
            Self::UnfinishedTransaction { offset } => {
                write!(f, "the file ends inside the transaction that MULTI opens at byte {offset}")
            }
            Self::Unreadable(damage) => write!(f, "byte {} cannot be read: {}", damage.offset, damage.kind),
            Self::Entry(damage) => write!(f, "byte {} cannot be read: {damage}", damage.offset),
            Self::NoItem { offset } => write!(f, "what begins at byte {offset} is part of a damaged value"),
            Self::Inserted(range) => write!(f, "{} from byte {} on do not belong here", size(range), range.start),
            Self::Missing { offset, bytes } => {
                write!(f, "{} missing at byte {offset}: '{}'", are(bytes.len()), Escaped(bytes))
            }
            Self::Checksum { offset } => {
                write!(f, "the checksum at byte {offset} is wrong, and every entry before it can be read")
            }
        }
    }
}

fn are(count: usize) -> String {
    let verb = if count == 1 { "is" } else { "are" };
    format!("{} {verb}", counted(count as u64, "byte"))
}

fn size(range: &std::ops::Range<u64>) -> String {
    counted(range.end - range.start, "byte")
}
