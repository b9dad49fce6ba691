//! The keys that are written, in order and in batches.

use std::collections::BTreeSet;

use super::{Options, Order};
use crate::keyspace::{Entry, InOrder, Keyspace};
use crate::value::Value;
use crate::value::prefetch;

/// How many keys a batch has at most: enough that taking one costs nothing, few enough that their text is small.
const BATCH: usize = 1024;
/// What makes a batch full sooner, as [`Value::weight`] counts: large values are written side by side.
const WEIGHT: usize = 2048;

/// Keys of one database that follow each other.
pub(super) struct Batch<'k, 'a> {
    /// Set in the first batch of a database.
    pub(super) select: Option<u32>,
    /// The keys.
    pub(super) entries: Vec<Entry<'k, 'a>>,
}

impl Batch<'_, '_> {
    /// Brings the values into the cache: they lie all over the log or memory, and the processor waits for many of them
    /// at once.
    pub(super) fn touch(&self) {
        for entry in &self.entries {
            match &entry.value {
                Value::String(string) => {
                    // Copied, or only their addresses are looked at.
                    prefetch((string.first().copied(), string.last().copied()));
                }
                other => {
                    prefetch(other.item_count());
                }
            }
        }
    }
}

/// Which values are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Values {
    All,
    /// Those that an RDB can hold.
    Data,
    /// Those that only their commands describe.
    Histories,
}

impl Values {
    #[inline]
    pub(super) fn include(self, value: &Value<'_>) -> bool {
        let needs_commands = match value {
            Value::History(_) => true,
            Value::VectorSet(set) => set.unchanged().is_none(),
            _ => false,
        };
        match self {
            Self::All => true,
            Self::Data => !needs_commands,
            Self::Histories => needs_commands,
        }
    }
}

/// Keys of a database in the order that is asked for.
enum Keys<'k, 'a> {
    FirstWritten(InOrder<'k, 'a>),
    ByKey(std::vec::IntoIter<Entry<'k, 'a>>),
}

impl<'k, 'a> Iterator for Keys<'k, 'a> {
    type Item = Entry<'k, 'a>;

    #[inline]
    fn next(&mut self) -> Option<Entry<'k, 'a>> {
        match self {
            Self::FirstWritten(entries) => entries.next(),
            Self::ByKey(entries) => entries.next(),
        }
    }
}

/// Gives out the keys that are wanted, database by database.
pub(super) struct Source<'k, 'a, 'p> {
    keyspace: &'k Keyspace<'a>,
    options: Options<'p>,
    values: Values,
    /// Those whose keys come next.
    databases: BTreeSet<u32>,
    database: u32,
    select: Option<u32>,
    keys: Option<Keys<'k, 'a>>,
}

impl<'k, 'a, 'p> Source<'k, 'a, 'p> {
    pub(super) fn new(keyspace: &'k Keyspace<'a>, options: Options<'p>, values: Values) -> Self {
        Self { keyspace, options, values, databases: keyspace.databases(), database: 0, select: None, keys: None }
    }

    /// The next batch; `None` after the last.
    pub(super) fn next_batch(&mut self) -> Option<Batch<'k, 'a>> {
        loop {
            let mut entries = Vec::with_capacity(BATCH);
            let mut weight = 0;
            while entries.len() < BATCH
                && weight < WEIGHT
                && let Some(entry) = self.next_entry()
            {
                weight += entry.value.weight();
                entries.push(entry);
            }
            if !entries.is_empty() {
                return Some(Batch { select: self.select.take(), entries });
            }
            self.database = self.databases.pop_first()?;
            self.select = Some(self.database);
            self.keys = Some(self.keys_of(self.database));
        }
    }

    /// The keys of a database, whether wanted or not.
    fn keys_of(&self, database: u32) -> Keys<'k, 'a> {
        let in_order = self.keyspace.in_order(database);
        match self.options.order {
            Order::FirstWritten => Keys::FirstWritten(in_order),
            Order::ByKey => {
                let mut all: Vec<Entry<'k, 'a>> = in_order.collect();
                all.sort_unstable_by(|one, other| one.key.cmp(&other.key));
                Keys::ByKey(all.into_iter())
            }
        }
    }

    fn next_entry(&mut self) -> Option<Entry<'k, 'a>> {
        let (database, values, wanted) = (self.database, self.values, self.options.wanted);
        self.keys.as_mut()?.find(|entry| values.include(&entry.value) && wanted(database, &entry.key))
    }
}
