//! What a rewrite cannot keep.

use std::io;

use super::target::{FUNCTIONS_AND_COUNTERS, VECTOR_SETS, last_field_expiry};
use super::{Base, Options};
use crate::keyspace::Keyspace;
use crate::value::{History, Value};

/// What had to be given up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Lost {
    /// Function libraries (before Redis 7.0).
    pub functions: u64,
    /// Times at which fields expire.
    pub field_expiries: u64,
    /// Streams whose counters, or those of their groups, are not what a later server makes up (before Redis 7.0).
    pub stream_counters: u64,
    /// Streams that forget producers or idempotent ids: before Redis 8.6, and where the entry of an id is gone for
    /// good.
    pub stream_producers: u64,
    /// Pending entries whose entry was deleted, where no commands make them without a trace in the stream's counters.
    pub pending_entries: u64,
    /// Values that no command can make for this target.
    pub values: u64,
    /// What modules keep beside the keys: no command makes it.
    pub module_data: u64,
}

impl Lost {
    /// Whether nothing was given up.
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    pub(super) fn add(&mut self, other: Self) {
        self.functions += other.functions;
        self.field_expiries += other.field_expiries;
        self.stream_counters += other.stream_counters;
        self.stream_producers += other.stream_producers;
        self.pending_entries += other.pending_entries;
        self.values += other.values;
        self.module_data += other.module_data;
    }
}

/// What to do where something cannot be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Loss {
    /// Leave it out, and say so in [`Written::lost`](super::Written::lost).
    #[default]
    Allowed,
    /// Fail with [`LossRefused`].
    Refused,
}

/// Something cannot be kept, and that was not allowed: what [`write`](super::write) fails with, in an [`io::Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the output cannot hold all of the data")]
pub struct LossRefused(pub Lost);

impl LossRefused {
    /// What an error of [`write`](super::write) carries.
    pub fn of(error: &io::Error) -> Option<Self> {
        error.get_ref()?.downcast_ref().copied()
    }
}

/// Whether anything could be given up: `false` without a look at what the values hold, so `true` is only a possibility.
pub fn may_lose(keyspace: &Keyspace<'_>, base: Base, options: Options<'_>) -> bool {
    let counters = options.target.is_none_or(|target| FUNCTIONS_AND_COUNTERS.includes(target));
    let in_value = |value: &Value<'_>| match (value, base) {
        (Value::Hash(hash), _) => {
            options.target.is_some_and(|target| last_field_expiry(target) < i64::MAX)
                && hash.iter().any(|(_, field)| field.expiry.is_some())
        }
        (Value::Stream(stream), Base::Resp) => !counters || stream.group_count() > 0 || stream.idempotence().is_some(),
        (Value::Stream(stream), Base::Rdb) => !counters || stream.idempotence().is_some(),
        (Value::Raw(_), _) => true,
        (Value::VectorSet(_), _) => options.target.is_some_and(|target| !VECTOR_SETS.includes(target)),
        (Value::History(history), _) => matches!(**history, History { base: Some(_), .. }),
        _ => false,
    };
    base == Base::Resp && !keyspace.module_data().is_empty()
        || !counters && !keyspace.functions().is_empty()
        || keyspace.iter().any(|(_, entry)| in_value(&entry.value))
}
