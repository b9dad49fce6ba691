//! Consumer groups.

use std::collections::BTreeMap;

use super::StreamId;
use super::blocks::Blocks;
use crate::value::Bytes;

/// A consumer group: how far it has read, its consumers, and what was delivered to them and is not acknowledged.
#[derive(Debug, Clone, Default)]
pub struct ConsumerGroup<'a> {
    /// The id up to which entries were delivered.
    pub last_delivered_id: StreamId,
    /// How many entries the group has read, by the count of [`Entries`](super::Entries); `None` where that is not
    /// known (-1 in commands and RDB, `SCG_INVALID_ENTRIES_READ`).
    pub entries_read: Option<u64>,
    pending: Blocks<PendingEntry>,
    names: BTreeMap<Bytes<'a>, ConsumerIndex>,
    /// `None` where a consumer was deleted.
    consumers: Vec<Option<Consumer<'a>>>,
    free: Vec<ConsumerIndex>,
}

/// Which consumer of its group; a deleted one's index is given to the next that is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConsumerIndex(u32);

/// A consumer of a group.
#[derive(Debug, Clone)]
pub struct Consumer<'a> {
    name: Bytes<'a>,
    /// When it last tried something, in milliseconds of Unix time.
    pub seen_time: i64,
    /// When it last got an entry, in milliseconds of Unix time; `None` if it never did (-1 in an RDB).
    pub active_time: Option<i64>,
    pending: Blocks<()>,
}

/// An entry that was delivered to a consumer and is not acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PendingEntry {
    /// The consumer that has it.
    pub consumer: ConsumerIndex,
    /// When it was last delivered, in milliseconds of Unix time.
    pub delivery_time: i64,
    /// How often it was delivered.
    pub delivery_count: u64,
}

impl Consumer<'_> {
    /// Its name.
    pub fn name(&self) -> &[u8] {
        &self.name
    }

    /// The ids of what is pending for it, in order.
    pub fn pending(&self) -> impl Iterator<Item = StreamId> {
        self.pending.iter().map(|(id, ())| id)
    }

    /// The ids of what is pending for it from an id on, in order.
    pub fn pending_from(&self, id: StreamId) -> impl Iterator<Item = StreamId> {
        self.pending.iter_from(id).map(|(id, ())| id)
    }

    /// How much is pending for it.
    pub const fn pending_count(&self) -> usize {
        self.pending.len()
    }
}

impl<'a> ConsumerGroup<'a> {
    /// A group without consumers.
    pub fn new(last_delivered_id: StreamId, entries_read: Option<u64>) -> Self {
        Self { last_delivered_id, entries_read, ..Self::default() }
    }

    /// The consumers, by name.
    pub fn consumers(&self) -> impl Iterator<Item = &Consumer<'a>> {
        self.names.values().filter_map(|index| self.consumer_at(*index))
    }

    /// How many consumers there are.
    pub fn consumer_count(&self) -> usize {
        self.names.len()
    }

    /// The index of the consumer of this name.
    pub fn consumer_index(&self, name: &[u8]) -> Option<ConsumerIndex> {
        self.names.get(name).copied()
    }

    /// The consumer of this name.
    pub fn consumer(&self, name: &[u8]) -> Option<&Consumer<'a>> {
        self.consumer_at(self.consumer_index(name)?)
    }

    /// A consumer by its index.
    pub fn consumer_at(&self, index: ConsumerIndex) -> Option<&Consumer<'a>> {
        self.consumers.get(index.0 as usize).and_then(Option::as_ref)
    }

    /// A consumer by its index, to change.
    pub fn consumer_at_mut(&mut self, index: ConsumerIndex) -> Option<&mut Consumer<'a>> {
        self.consumers.get_mut(index.0 as usize).and_then(Option::as_mut)
    }

    /// Adds a consumer that has nothing pending; `None` if there is one of this name.
    pub fn add_consumer(&mut self, name: Bytes<'a>, seen_time: i64, active_time: Option<i64>) -> Option<ConsumerIndex> {
        if self.names.contains_key(&name) {
            return None;
        }
        let consumer = Consumer { name: name.clone(), seen_time, active_time, pending: Blocks::default() };
        let index = match self.free.pop() {
            Some(index) => {
                *self.consumers.get_mut(index.0 as usize)? = Some(consumer);
                index
            }
            None => {
                let index = ConsumerIndex(u32::try_from(self.consumers.len()).ok()?);
                self.consumers.push(Some(consumer));
                index
            }
        };
        self.names.insert(name, index);
        Some(index)
    }

    /// Deletes a consumer with all that is pending for it, and says whether there was one of this name.
    pub fn remove_consumer(&mut self, name: &[u8]) -> bool {
        let Some(index) = self.names.remove(name) else { return false };
        if let Some(consumer) = self.consumers.get_mut(index.0 as usize).and_then(Option::take) {
            for id in consumer.pending() {
                self.pending.remove(id);
            }
        }
        self.free.push(index);
        true
    }

    /// What is pending, in order.
    pub fn pending(&self) -> impl Iterator<Item = (StreamId, &PendingEntry)> {
        self.pending.iter()
    }

    /// What is pending from an id on, in order.
    pub fn pending_from(&self, id: StreamId) -> impl Iterator<Item = (StreamId, &PendingEntry)> {
        self.pending.iter_from(id)
    }

    /// How much is pending.
    pub const fn pending_count(&self) -> usize {
        self.pending.len()
    }

    /// What is pending under an id.
    pub fn pending_entry(&self, id: StreamId) -> Option<&PendingEntry> {
        self.pending.get(id)
    }

    /// Makes an entry pending, or gives one that is another consumer, time and count; nothing if there is no such
    /// consumer.
    pub fn set_pending(&mut self, id: StreamId, entry: PendingEntry) {
        let Some(consumer) = self.consumers.get_mut(entry.consumer.0 as usize).and_then(Option::as_mut) else { return };
        let old = self.pending.insert(id, entry);
        if old.is_some_and(|old| old.consumer == entry.consumer) {
            return;
        }
        consumer.pending.insert(id, ());
        if let Some(other) = old.and_then(|old| self.consumer_at_mut(old.consumer)) {
            other.pending.remove(id);
        }
    }

    /// Makes an entry pending no longer, and says whether it was.
    pub fn acknowledge(&mut self, id: StreamId) -> bool {
        let Some(consumer) = self.pending.remove(id).map(|taken| taken.value.consumer) else { return false };
        if let Some(consumer) = self.consumer_at_mut(consumer) {
            consumer.pending.remove(id);
        }
        true
    }
}
