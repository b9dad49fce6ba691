//! Streams: entries in order of their ids, and consumer groups.

mod blocks;
mod entries;
mod fields;
mod group;
mod id;
mod idempotence;
mod node;

use std::collections::BTreeMap;

pub use entries::{Bound, Entries, Precision};
pub use fields::Fields;
pub use group::{Consumer, ConsumerGroup, ConsumerIndex, PendingEntry};
pub use id::StreamId;
pub use idempotence::{Idempotence, Producer};

use super::Bytes;

/// A stream.
#[derive(Debug, Clone, Default)]
pub struct Stream<'a> {
    entries: Entries<'a>,
    groups: Groups<'a>,
    /// `None` while nothing differs from the defaults.
    idempotence: Option<Box<Idempotence<'a>>>,
}

type Groups<'a> = BTreeMap<Bytes<'a>, Box<ConsumerGroup<'a>>>;

/// What deleting an entry means to the consumer groups that it is pending in (Redis 8.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum References {
    /// KEEPREF: it stays pending there, though it is gone.
    #[default]
    Keep,
    /// DELREF: it is pending nowhere any more, whether it was there to be deleted or not.
    Delete,
    /// ACKED: it is not deleted while it is pending anywhere, nor before every group has read as far
    /// (`streamEntryIsReferenced`).
    Heed,
}

/// Makes an entry pending no longer in any group.
fn forget(groups: &mut Groups<'_>, id: StreamId) {
    for group in groups.values_mut() {
        group.acknowledge(id);
    }
}

/// Whether an entry is pending in any group.
fn is_pending(groups: &Groups<'_>, id: StreamId) -> bool {
    groups.values().any(|group| group.pending_entry(id).is_some())
}

impl<'a> Stream<'a> {
    /// How many entries there are.
    pub const fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are no entries; the key of such a stream stays.
    pub const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The entries, in order.
    pub fn entries(&self) -> impl Iterator<Item = (StreamId, &Fields<'a>)> {
        self.entries.iter()
    }

    /// The entries with the counters beside them.
    pub const fn log(&self) -> &Entries<'a> {
        &self.entries
    }

    /// The id of the first entry; `0-0` if there is none.
    pub fn first_id(&self) -> StreamId {
        self.entries.first_id()
    }

    /// The greatest id that was ever added, or was set: a new one must exceed it.
    pub const fn last_id(&self) -> StreamId {
        self.entries.last_id()
    }

    /// The greatest id that was deleted by itself, not by trimming; `0-0` if none was.
    pub const fn max_deleted_id(&self) -> StreamId {
        self.entries.max_deleted_id()
    }

    /// How many entries were ever added.
    pub const fn entries_added(&self) -> u64 {
        self.entries.entries_added()
    }

    /// Sets the id that a new one must exceed.
    pub const fn set_last_id(&mut self, id: StreamId) {
        self.entries.set_last_id(id);
    }

    /// Sets the greatest id that was deleted.
    pub const fn set_max_deleted_id(&mut self, id: StreamId) {
        self.entries.set_max_deleted_id(id);
    }

    /// Sets how many entries were ever added.
    pub const fn set_entries_added(&mut self, count: u64) {
        self.entries.set_entries_added(count);
    }

    /// Adds an entry after the others, and counts it; `false`, and nothing, if the id does not exceed the last.
    pub fn append(&mut self, id: StreamId, fields: Fields<'a>) -> bool {
        self.entries.append(id, fields)
    }

    /// Deletes an entry, as XDELEX does, and says whether it was there.
    pub fn remove(&mut self, id: StreamId, references: References) -> bool {
        match references {
            References::Delete => forget(&mut self.groups, id),
            References::Heed if id > self.last_read_by_all() || is_pending(&self.groups, id) => return false,
            References::Keep | References::Heed => {}
        }
        self.entries.remove(id)
    }

    /// Trims the oldest entries, and says how many went.
    ///
    /// The precision is for [`References::Keep`] alone: servers go entry by entry otherwise.
    pub fn trim(&mut self, bound: Bound, precision: Precision, references: References) -> usize {
        match references {
            References::Keep => self.entries.trim(bound, precision),
            References::Delete => {
                let forget = |id| {
                    forget(&mut self.groups, id);
                    true
                };
                self.entries.trim_those(bound, StreamId::MAX, forget)
            }
            References::Heed => {
                let last = self.last_read_by_all();
                self.entries.trim_those(bound, last, |id| !is_pending(&self.groups, id))
            }
        }
    }

    /// The greatest id that was delivered to every group, or was passed over; the greatest of all if there are no
    /// groups.
    fn last_read_by_all(&self) -> StreamId {
        self.groups.values().map(|group| group.last_delivered_id).min().unwrap_or(StreamId::MAX)
    }

    /// The consumer groups, by name.
    pub fn groups(&self) -> impl Iterator<Item = (&[u8], &ConsumerGroup<'a>)> {
        self.groups.iter().map(|(name, group)| (name.as_slice(), &**group))
    }

    /// How many consumer groups there are.
    pub fn group_count(&self) -> usize {
        self.groups.len()
    }

    /// The consumer group of this name.
    pub fn group(&self, name: &[u8]) -> Option<&ConsumerGroup<'a>> {
        self.groups.get(name).map(|group| &**group)
    }

    /// The consumer group of this name, to change.
    pub fn group_mut(&mut self, name: &[u8]) -> Option<&mut ConsumerGroup<'a>> {
        self.groups.get_mut(name).map(|group| &mut **group)
    }

    /// The consumer group of this name, to change, beside the entries.
    pub fn log_and_group(&mut self, name: &[u8]) -> Option<(&Entries<'a>, &mut ConsumerGroup<'a>)> {
        let group = self.groups.get_mut(name)?;
        Some((&self.entries, group))
    }

    /// Adds a consumer group; `false`, and nothing, if there is one of this name.
    pub fn create_group(&mut self, name: Bytes<'a>, group: ConsumerGroup<'a>) -> bool {
        let is_new = !self.groups.contains_key(&name);
        if is_new {
            self.groups.insert(name, Box::new(group));
        }
        is_new
    }

    /// What is remembered of producers; `None` while it was never used nor configured.
    pub fn idempotence(&self) -> Option<&Idempotence<'a>> {
        self.idempotence.as_deref()
    }

    /// What is remembered of producers, to change.
    pub fn idempotence_mut(&mut self) -> &mut Idempotence<'a> {
        self.idempotence.get_or_insert_default()
    }

    /// Deletes a consumer group, and says whether there was one of this name.
    pub fn destroy_group(&mut self, name: &[u8]) -> bool {
        self.groups.remove(name).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    /// What to do, to which id, and how long a value is or a stream is to be.
    type Step = (u8, u64, usize);

    proptest! {
        #[test]
        fn a_stream_is_an_ordered_map_that_grows_at_the_end(
            steps in prop::collection::vec((0..30_u8, 0..40_u64, 0..300_usize), 0..600),
        ) {
            let mut stream = Stream::default();
            let mut model: BTreeMap<StreamId, usize> = BTreeMap::new();
            let (mut last, mut deleted, mut added) = (StreamId::ZERO, StreamId::ZERO, 0);
            for (what, number, length) in steps as Vec<Step> {
                let old = StreamId::new(last.milliseconds.saturating_sub(number), number % 2);
                match what {
                    0 => {
                        let gone = model.len().saturating_sub(length);
                        prop_assert_eq!(stream.trim(Bound::Length(length), Precision::Exact, References::Keep), gone);
                        model = model.into_iter().skip(gone).collect();
                    }
                    1 => {
                        let rest = model.split_off(&old);
                        prop_assert_eq!(stream.trim(Bound::From(old), Precision::Exact, References::Keep), model.len());
                        model = rest;
                    }
                    2..=6 => {
                        let there = model.remove(&old).is_some();
                        deleted = if there { deleted.max(old) } else { deleted };
                        prop_assert_eq!(stream.remove(old, References::Keep), there);
                    }
                    7 => prop_assert!(!stream.append(last, Fields::default())),
                    _ => {
                        last = StreamId::new(last.milliseconds + 1 + number / 20, number % 2);
                        added += 1;
                        let value = vec![b'v'; length];
                        model.insert(last, length);
                        prop_assert!(stream.append(last, Fields::packed([&b"field"[..], &value].into_iter())));
                    }
                }
                prop_assert_eq!(stream.len(), model.len());
                prop_assert_eq!(stream.first_id(), model.keys().next().copied().unwrap_or_default());
                let counters = (stream.last_id(), stream.max_deleted_id(), stream.entries_added());
                prop_assert_eq!(counters, (last, deleted, added));
            }
            let stream = stream.clone();
            let entries = stream.entries().map(|(id, fields)| (id, fields.iter().next().unwrap().1.len()));
            prop_assert_eq!(entries.collect::<Vec<_>>(), model.into_iter().collect::<Vec<_>>());
        }

        #[test]
        fn where_nothing_is_referenced_the_same_entries_go(
            deleted in prop::collection::vec(1..500_u64, 0..200),
            pending in prop::collection::vec(1..500_u64, 0..50),
            bound in prop_oneof![
                (0..500_usize).prop_map(Bound::Length),
                (0..600_u64).prop_map(|id| Bound::From(StreamId::new(id, 0))),
            ],
        ) {
            let mut stream = Stream::default();
            for number in 1..500 {
                stream.append(StreamId::new(number, 0), Fields::default());
            }
            for number in deleted {
                stream.remove(StreamId::new(number, 0), References::Keep);
            }
            let ids = |stream: &Stream<'_>| stream.entries().map(|(id, _)| id).collect::<Vec<_>>();
            let (mut kept, mut heeded) = (stream.clone(), stream.clone());
            let gone = kept.trim(bound, Precision::Exact, References::Keep);
            prop_assert_eq!(heeded.trim(bound, Precision::Exact, References::Heed), gone);
            prop_assert_eq!(ids(&heeded), ids(&kept));
            let mut group = ConsumerGroup::default();
            let consumer = group.add_consumer(Bytes::copied(b"c"), 0, None).unwrap();
            for number in pending {
                let entry = PendingEntry { consumer, delivery_time: 0, delivery_count: 1 };
                group.set_pending(StreamId::new(number, 0), entry);
            }
            let mut expected: Vec<StreamId> = group.pending().map(|(id, _)| id).collect();
            stream.create_group(Bytes::copied(b"g"), group);
            let before = ids(&stream);
            prop_assert_eq!(stream.trim(bound, Precision::Exact, References::Delete), gone);
            prop_assert_eq!(ids(&stream), ids(&kept));
            expected.retain(|id| kept.log().get(*id).is_some() || !before.contains(id));
            prop_assert_eq!(stream.group(b"g").unwrap().pending().map(|(id, _)| id).collect::<Vec<_>>(), expected);
        }

        #[test]
        fn what_is_pending_has_one_consumer(steps in prop::collection::vec((0..12_u8, 0..300_u64, 0..5_u8), 0..1500)) {
            let mut group = ConsumerGroup::default();
            let mut model: BTreeMap<StreamId, (u8, u64)> = BTreeMap::new();
            for (time, (what, number, consumer)) in (0..).zip(steps) {
                let id = StreamId::new(number, 0);
                let name = [consumer];
                match what {
                    0 => {
                        let there = group.consumer(&name).is_some();
                        prop_assert_eq!(group.remove_consumer(&name), there);
                        model.retain(|_, (owner, _)| *owner != consumer);
                    }
                    1..=5 => prop_assert_eq!(group.acknowledge(id), model.remove(&id).is_some()),
                    _ => {
                        let index = group.add_consumer(Bytes::copied(&name), 0, None);
                        let index = index.or(group.consumer_index(&name)).unwrap();
                        let entry = PendingEntry { consumer: index, delivery_time: 0, delivery_count: time };
                        group.set_pending(id, entry);
                        model.insert(id, (consumer, time));
                    }
                }
                prop_assert_eq!(group.pending_count(), model.len());
            }
            let pending = group.pending().map(|(id, entry)| {
                (id, (group.consumer_at(entry.consumer).unwrap().name()[0], entry.delivery_count))
            });
            prop_assert_eq!(pending.collect::<Vec<_>>(), model.clone().into_iter().collect::<Vec<_>>());
            for consumer in group.consumers() {
                let own = model.iter().filter(|(_, (owner, _))| *owner == consumer.name()[0]).map(|(id, _)| *id);
                prop_assert_eq!(consumer.pending().collect::<Vec<_>>(), own.collect::<Vec<_>>());
                prop_assert_eq!(consumer.pending_from(StreamId::new(150, 0)).count(),
                    consumer.pending().filter(|id| id.milliseconds >= 150).count());
            }
        }
    }
}
