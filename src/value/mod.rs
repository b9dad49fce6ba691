//! The values of keys: plain data with its own operations, no bytes of any format.
//!
//! What a value holds borrows from the log (lifetime `'a`) wherever the log has it in one piece.

mod buffer;
mod bytes;
mod hash;
pub mod hyperloglog;
mod list;
mod members;
pub mod number;
mod records;
pub mod score;
mod set;
mod sorted_set;
mod stream;
mod text;

pub use bytes::Bytes;
pub use hash::{Field, FieldRef, Hash};
pub use list::{End, List};
pub use members::{Members, hash_of};
pub use set::Set;
pub use sorted_set::{Name, NameEnd, ScoreRange, SortedSet};
pub use stream::{Consumer, ConsumerGroup, ConsumerIndex, Entries, Fields, PendingEntry, Precision, Stream, StreamId};
pub use text::Text;

/// The value of a key.
#[derive(Debug, Clone)]
pub enum Value<'a> {
    /// A string: text, number, bitmap or `HyperLogLog`.
    String(Bytes<'a>),
    /// A list.
    List(List<'a>),
    /// A set.
    Set(Set<'a>),
    /// A hash.
    Hash(Hash<'a>),
    /// A sorted set.
    SortedSet(SortedSet<'a>),
    /// A stream.
    Stream(Box<Stream<'a>>),
    /// A value of any type as it lies in an RDB, not yet decoded.
    Raw(Box<Raw<'a>>),
    /// What only its commands describe.
    History(Box<History<'a>>),
}

/// A value as it lies in an RDB: the bytes behind the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Raw<'a> {
    /// The code of its type, which with the flavour says how to decode it.
    pub type_code: u8,
    /// Whose numbering of types: they differ from 22 on.
    pub flavour: Flavour,
    /// The version of the RDB that it is from.
    pub version: u32,
    /// The value's bytes.
    pub payload: &'a [u8],
}

/// Whose RDB a raw value is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Flavour {
    /// The magic `REDIS`: Redis, and Valkey up to 8.1.
    Redis,
    /// The magic `VALKEY`: Valkey 9.
    Valkey,
}

/// A key that unknown commands write to: what it was before them, and every command since.
#[derive(Debug, Clone, Default)]
pub struct History<'a> {
    /// The value that the first of the commands found.
    pub base: Option<Value<'a>>,
    /// The commands in order, each a whole record whose first argument behind the name is the key.
    pub records: Vec<&'a [u8]>,
}

impl Value<'_> {
    /// The type as `TYPE` prints it; `raw` and `unknown` where it cannot be told without decoding.
    pub const fn type_name(&self) -> &'static str {
        match self {
            Self::String(_) => "string",
            Self::List(_) => "list",
            Self::Set(_) => "set",
            Self::Hash(_) => "hash",
            Self::SortedSet(_) => "zset",
            Self::Stream(_) => "stream",
            Self::Raw(_) => "raw",
            Self::History(_) => "unknown",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_takes_three_words() {
        assert_eq!((size_of::<Set<'_>>(), size_of::<Hash<'_>>()), (16, 16));
        assert_eq!((size_of::<List<'_>>(), size_of::<SortedSet<'_>>()), (16, 16));
        assert_eq!((size_of::<Value<'_>>(), size_of::<Option<Value<'_>>>()), (24, 24));
    }
}
