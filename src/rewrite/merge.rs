//! The keys of all shares in one order, in batches.

use std::collections::{BTreeSet, VecDeque};

use crate::keyspace::{Database, Entries, Entry, Keyspace};
use crate::value::Value;

use super::{Options, Order};

/// How many keys a batch has at most: enough that taking one costs nothing, few enough that their text is small.
const BATCH: usize = 1024;
/// What makes a batch full sooner, as [`Value::weight`] counts: large values are written side by side.
const WEIGHT: usize = 2048;

/// Keys of one database that belong behind each other.
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
                    std::hint::black_box((string.first().copied(), string.last().copied()));
                }
                other => {
                    std::hint::black_box(other.item_count());
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

/// Keys in order.
struct Keys<'k, 'a> {
    next: Option<Entry<'k, 'a>>,
    rest: Rest<'k, 'a>,
}

/// Keys as a database has them, or sorted.
enum Rest<'k, 'a> {
    Stored(Entries<'k, 'a>),
    Sorted(std::vec::IntoIter<Entry<'k, 'a>>),
}

impl<'k, 'a> Keys<'k, 'a> {
    fn new(rest: Rest<'k, 'a>) -> Self {
        let mut keys = Self { next: None, rest };
        keys.take();
        keys
    }

    /// The next key, which gives way to the one behind it.
    #[inline]
    fn take(&mut self) -> Option<Entry<'k, 'a>> {
        let behind = match &mut self.rest {
            Rest::Stored(entries) => entries.next(),
            Rest::Sorted(entries) => entries.next(),
        };
        std::mem::replace(&mut self.next, behind)
    }
}

/// Gives out the keys that are wanted, database by database.
pub(super) struct Merge<'k, 'a, 'p> {
    shares: &'k [Keyspace<'a>],
    options: Options<'p>,
    values: Values,
    databases: VecDeque<u32>,
    database: u32,
    select: Option<u32>,
    keys: Vec<Keys<'k, 'a>>,
}

impl<'k, 'a, 'p> Merge<'k, 'a, 'p> {
    pub(super) fn new(shares: &'k [Keyspace<'a>], options: Options<'p>, values: Values) -> Self {
        let databases: BTreeSet<u32> =
            shares.iter().flat_map(|share| share.databases().map(|(number, _)| number)).collect();
        Self {
            shares,
            options,
            values,
            databases: databases.into_iter().collect(),
            database: 0,
            select: None,
            keys: Vec::new(),
        }
    }

    /// The next batch; `None` behind the last.
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
            self.database = self.databases.pop_front()?;
            self.select = Some(self.database);
            self.keys = self.database_keys();
        }
    }

    /// The wanted keys of the database, in as many ordered runs as suits.
    fn database_keys(&mut self) -> Vec<Keys<'k, 'a>> {
        let databases = self.shares.iter().filter_map(|share| share.database(self.database));
        match self.options.order {
            Order::FirstWritten => databases.map(|database| Keys::new(Rest::Stored(database.iter()))).collect(),
            Order::ByKey => {
                let mut all: Vec<Entry<'k, 'a>> = databases.flat_map(Database::iter).collect();
                all.sort_unstable_by(|one, other| one.key.cmp(&other.key));
                vec![Keys::new(Rest::Sorted(all.into_iter()))]
            }
        }
    }

    fn next_entry(&mut self) -> Option<Entry<'k, 'a>> {
        loop {
            let first = self.keys.iter_mut().filter_map(|keys| Some((keys.next.as_ref()?.created, keys)));
            let entry = first.min_by_key(|(created, _)| *created)?.1.take()?;
            if self.values.include(&entry.value) && (self.options.wanted)(self.database, &entry.key) {
                return Some(entry);
            }
        }
    }
}
