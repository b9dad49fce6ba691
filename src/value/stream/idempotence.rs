//! What a stream remembers of its producers, so that a message sent twice is added once (Redis 8.6).

use std::collections::{BTreeMap, VecDeque};

use super::StreamId;
use crate::value::Bytes;

/// The producers of a stream, the idempotent ids that it remembers of each, and for how long (`idmp_*` in `stream.h` of
/// Redis 8.6.3).
///
/// A server forgets ids by the clock, which a log does not hold: here they stay until they are evicted or forgotten by
/// name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Idempotence<'a> {
    /// For how many seconds an id is remembered: 1 to 86,400.
    pub duration: u64,
    /// How many ids are remembered of each producer: 1 to 10,000.
    pub max_entries: u64,
    /// How many ids were ever added.
    pub ids_added: u64,
    /// How many messages were recognized as duplicates.
    pub duplicates: u64,
    producers: BTreeMap<Bytes<'a>, Producer<'a>>,
}

/// The idempotent ids of one producer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Producer<'a> {
    entries: BTreeMap<Bytes<'a>, StreamId>,
    /// The ids in the order in which they were added, oldest first.
    order: VecDeque<Bytes<'a>>,
}

impl Default for Idempotence<'_> {
    /// The settings that a server has unless it is configured otherwise (`stream-idmp-duration`,
    /// `stream-idmp-maxsize`).
    fn default() -> Self {
        Self { duration: 100, max_entries: 100, ids_added: 0, duplicates: 0, producers: BTreeMap::new() }
    }
}

impl<'a> Idempotence<'a> {
    /// The longest duration in seconds (`CONFIG_STREAM_IDMP_MAX_DURATION`).
    pub const MAX_DURATION: u64 = 86_400;
    /// The most ids of a producer (`CONFIG_STREAM_IDMP_MAX_MAXSIZE`).
    pub const MAX_ENTRIES: u64 = 10_000;

    /// Whether the duration and the number of ids are those of a server that is not configured otherwise.
    pub fn has_default_settings(&self) -> bool {
        let usual = Self::default();
        (self.duration, self.max_entries) == (usual.duration, usual.max_entries)
    }

    /// The producers that have ids, by name.
    pub fn producers(&self) -> impl ExactSizeIterator<Item = (&[u8], &Producer<'a>)> {
        self.producers.iter().map(|(name, producer)| (name.as_slice(), producer))
    }

    /// The entry that was added under an id of a producer.
    pub fn get(&self, producer: &[u8], id: &[u8]) -> Option<StreamId> {
        self.producers.get(producer)?.entries.get(id).copied()
    }

    /// Remembers an id of a producer, and forgets its oldest one if there are too many. An id that is known stays as it
    /// is.
    pub fn add(&mut self, producer: Bytes<'a>, id: Bytes<'a>, entry: StreamId) {
        let known = self.producers.entry(producer).or_default();
        if !known.insert(id, entry) {
            return;
        }
        self.ids_added += 1;
        if known.entries.len() as u64 > self.max_entries {
            known.forget_oldest();
        }
    }

    /// Forgets an id of a producer and all that are older, as a server does when their time has come.
    pub fn forget_through(&mut self, producer: &[u8], id: &[u8]) {
        let Some(known) = self.producers.get_mut(producer) else { return };
        while known.entries.contains_key(id) {
            known.forget_oldest();
        }
        if known.order.is_empty() {
            self.producers.remove(producer);
        }
    }

    /// Forgets all ids.
    pub fn clear(&mut self) {
        self.producers.clear();
    }

    /// Adds a producer with its ids as an RDB holds them, oldest first; `false`, and nothing, if there is one of this
    /// name. The second of two equal ids is left out, as in `rdbLoadStreamIdmpEntries`.
    pub fn load_producer(&mut self, name: Bytes<'a>, ids: impl Iterator<Item = (Bytes<'a>, StreamId)>) -> bool {
        if self.producers.contains_key(&name) {
            return false;
        }
        let mut producer = Producer::default();
        for (id, entry) in ids {
            producer.insert(id, entry);
        }
        self.producers.insert(name, producer);
        true
    }
}

impl<'a> Producer<'a> {
    fn insert(&mut self, id: Bytes<'a>, entry: StreamId) -> bool {
        let is_new = !self.entries.contains_key(&id);
        if is_new {
            self.entries.insert(id.clone(), entry);
            self.order.push_back(id);
        }
        is_new
    }

    fn forget_oldest(&mut self) {
        if let Some(oldest) = self.order.pop_front() {
            self.entries.remove(&oldest);
        }
    }

    /// The ids with the entries that were added under them, oldest first.
    pub fn ids(&self) -> impl ExactSizeIterator<Item = (&[u8], StreamId)> {
        self.order.iter().map(|id| (id.as_slice(), self.entries.get(id).copied().unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(idempotence: &Idempotence<'_>, producer: &str) -> String {
        let producers: BTreeMap<_, _> = idempotence.producers().collect();
        let ids = producers.get(producer.as_bytes()).map(|producer| producer.ids().collect::<Vec<_>>());
        let shown = |(id, entry): (&[u8], StreamId)| format!("{}={entry}", id.escape_ascii());
        ids.unwrap_or_default().into_iter().map(shown).collect::<Vec<_>>().join(" ")
    }

    fn with_ids(max_entries: u64, names: &[&'static str]) -> Idempotence<'static> {
        let mut idempotence = Idempotence { max_entries, ..Idempotence::default() };
        for (number, name) in (1..).zip(names) {
            idempotence.add(Bytes::borrowed(b"p"), Bytes::borrowed(name.as_bytes()), StreamId::new(number, 0));
        }
        idempotence
    }

    #[test]
    fn the_oldest_id_is_evicted() {
        let idempotence = with_ids(2, &["a", "b", "a", "c"]);
        assert_eq!(ids(&idempotence, "p"), "b=2-0 c=4-0");
        assert_eq!((idempotence.ids_added, idempotence.get(b"p", b"a"), idempotence.get(b"q", b"b")), (3, None, None));
    }

    #[test]
    fn older_ids_are_forgotten_with_an_id() {
        let mut idempotence = with_ids(9, &["a", "b", "c"]);
        idempotence.forget_through(b"p", b"x");
        idempotence.forget_through(b"p", b"b");
        assert_eq!(ids(&idempotence, "p"), "c=3-0");
        idempotence.forget_through(b"p", b"c");
        assert_eq!(idempotence.producers().len(), 0);
    }
}
