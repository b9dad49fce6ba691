//! The values of keys: plain data with its own operations, no bytes of any format.
//!
//! What a value holds borrows from the log (lifetime `'a`) wherever the log has it in one piece.

mod buffer;
mod bytes;
mod data_type;
mod equal;
mod hash;
pub(crate) mod hyperloglog;
mod list;
mod members;
pub(crate) mod number;
mod prefetch;
mod records;
pub mod score;
mod set;
mod sorted_set;
mod stream;
pub(crate) mod table;
mod text;
mod vector_set;

pub use crate::server::Family;
pub use bytes::Bytes;
pub use data_type::DataType;
pub use hash::{Field, FieldRef, Hash};
pub use list::{End, List};
pub(crate) use members::{Members, hash_of};
pub(crate) use prefetch::prefetch;
pub use set::Set;
pub use sorted_set::{Name, NameEnd, ScoreRange, SortedSet};
pub use stream::{
    Bound, Consumer, ConsumerGroup, ConsumerIndex, Entries, Fields, Idempotence, PendingEntry, Precision, Producer,
    References, Stream, StreamId,
};
pub use text::Text;
pub use vector_set::{Element, Projection, Quantization, Shape, Vector, VectorSet};

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
    /// A vector set.
    VectorSet(Box<VectorSet<'a>>),
    /// A value of any type as it lies in an RDB, not yet decoded.
    Raw(Box<Raw<'a>>),
    /// What only its commands describe.
    History(Box<History<'a>>),
}

/// A value as it lies in an RDB: the bytes after the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Raw<'a> {
    /// The code of its type, which with the family says how to decode it.
    pub type_code: u8,
    /// Whose numbering of types: they differ from 22 on.
    pub family: Family,
    /// The version of the RDB that it is from.
    pub version: u32,
    /// The value's bytes.
    pub payload: &'a [u8],
}

/// A key that unknown commands write to: what it was before them, and every command since.
#[derive(Debug, Clone, Default)]
pub struct History<'a> {
    /// The value that the first of the commands found.
    pub base: Option<Value<'a>>,
    /// The commands in order, each a whole record whose first argument after the name is the key.
    pub records: Vec<&'a [u8]>,
}

impl Value<'_> {
    /// How many elements, members, fields or entries it has; one, if it is not a collection or not decoded.
    pub fn item_count(&self) -> usize {
        match self {
            Self::List(list) => list.len(),
            Self::Set(set) => set.len(),
            Self::Hash(hash) => hash.len(),
            Self::SortedSet(sorted_set) => sorted_set.len(),
            Self::Stream(stream) => stream.len(),
            Self::VectorSet(set) => set.len(),
            Self::String(_) | Self::Raw(_) | Self::History(_) => 1,
        }
    }

    /// How much text it makes, in items of some bytes each, roughly: 1 for all that is small, which is not looked at.
    pub(crate) fn weight(&self) -> usize {
        let is_flat = match self {
            Self::String(string) => return 1 + string.len() / 128,
            Self::List(list) => list.is_flat(),
            Self::Set(set) => set.records().is_flat(),
            Self::Hash(hash) => hash.records().is_flat(),
            Self::SortedSet(sorted_set) => sorted_set.is_flat(),
            _ => false,
        };
        if is_flat { 1 } else { self.item_count() }
    }

    /// Brings what most commands read of it into the cache: all of a small collection, the end of a stream, and of
    /// others how many items they have. See [`Value::probe`] for members of large ones.
    #[inline]
    pub(crate) fn prefetch_collection(&self) {
        match self {
            Self::Hash(hash) => hash.records().prefetch_flat(),
            Self::Set(set) => set.records().prefetch_flat(),
            Self::SortedSet(sorted_set) => sorted_set.prefetch_flat(),
            Self::Stream(stream) => stream.log().prefetch_end(),
            other => {
                prefetch(other.item_count());
            }
        }
    }

    /// Where the member or field probably is that most commands with these arguments are about, in a large collection:
    /// looks at its table alone. See [`Value::prefetch`].
    #[inline]
    pub(crate) fn probe(&self, arguments: &[&[u8]]) -> Option<u32> {
        match self {
            Self::Hash(hash) => hash.records().probe(arguments.get(2)?),
            Self::Set(set) => set.records().probe(arguments.get(2)?),
            // Behind the score, if there is one.
            Self::SortedSet(sorted_set) => sorted_set.probe(arguments.get(2..)?.last()?),
            _ => None,
        }
    }

    /// Brings what [`Value::probe`] found into the cache.
    #[inline]
    pub(crate) fn prefetch(&self, probe: u32) {
        match self {
            Self::Hash(hash) => hash.records().prefetch(probe),
            Self::Set(set) => set.records().prefetch(probe),
            Self::SortedSet(sorted_set) => sorted_set.prefetch(probe),
            _ => {}
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
