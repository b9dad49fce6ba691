//! A stream → the commands that make it.
//!
//! Servers write an XSETID for every stream, an XCLAIM for every pending entry, and nothing that keeps a pending entry
//! whose entry was deleted: loading does not make an entry pending that is not there. Here such an entry is added for
//! the XCLAIM and deleted after it.
//!
//! When a consumer was last seen or active is in no command; whoever loads the log takes the time of loading, as with
//! logs that servers write.

use std::collections::BTreeSet;

use super::emitter::Emitter;
use super::target::{FUNCTIONS_AND_COUNTERS, IDEMPOTENT_PRODUCERS};
use crate::value::{Consumer, ConsumerGroup, Fields, Idempotence, PendingEntry, Stream, StreamId};

/// How many entries of a stream are brought into the cache at a time.
const AHEAD: usize = 32;

impl Emitter<'_> {
    /// An id as one more argument; a sequence of 0 is what a missing one stands for.
    fn id(&mut self, id: StreamId) {
        let (mut first, mut second) = (itoa::Buffer::new(), itoa::Buffer::new());
        let milliseconds = first.format(id.milliseconds);
        if id.sequence == 0 {
            return self.bulk(milliseconds.as_bytes());
        }
        let sequence = second.format(id.sequence);
        // Twenty digits, a hyphen, and twenty digits.
        let mut text = [b'-'; 41];
        let parts = text.split_at_mut_checked(milliseconds.len()).and_then(|(head, rest)| {
            head.copy_from_slice(milliseconds.as_bytes());
            rest.get_mut(1..=sequence.len())?.copy_from_slice(sequence.as_bytes());
            Some(())
        });
        let length = parts.map_or(0, |()| milliseconds.len() + 1 + sequence.len());
        self.bulk(text.get(..length).unwrap_or_default());
    }

    /// One entry.
    fn add(&mut self, key: &[u8], id: StreamId, fields: &Fields<'_>) {
        self.command_on("XADD", key, 1 + 2 * fields.len());
        self.id(id);
        self.out.extend_from_slice(fields.as_resp());
    }

    /// An entry that is deleted again: of one empty field.
    fn add_for_now(&mut self, key: &[u8], id: StreamId) {
        self.command_on("XADD", key, 3);
        self.id(id);
        self.bulk(b"");
        self.bulk(b"");
    }
}

/// Entries that were deleted, and are pending in a group or remembered under an idempotent id.
#[derive(Default)]
struct Deleted {
    /// Those older than all that are there: XTRIM deletes them.
    older: BTreeSet<StreamId>,
    /// The others: XDEL deletes them.
    others: BTreeSet<StreamId>,
    /// Those that cannot be added and deleted again without a trace in the counters.
    lost: BTreeSet<StreamId>,
}

impl Deleted {
    fn of(stream: &Stream<'_>, counters: bool, idempotence: Option<&Idempotence<'_>>) -> Self {
        let pending = stream.groups().flat_map(|(_, group)| group.pending()).map(|(id, _)| id);
        let producers = idempotence.into_iter().flat_map(Idempotence::producers);
        let remembered = producers.flat_map(|(_, producer)| producer.ids()).map(|(_, entry)| entry);
        let needed = pending.chain(remembered);
        let gone: BTreeSet<StreamId> = needed.filter(|id| stream.log().get(*id).is_none()).collect();
        if gone.is_empty() {
            return Self::default();
        }
        let possible = StreamId::new(0, 1)..=stream.last_id();
        let mut deleted = Self::default();
        for id in gone {
            if !possible.contains(&id) {
                deleted.lost.insert(id);
            } else if stream.is_empty() || id < stream.first_id() {
                deleted.older.insert(id);
            } else if !counters || id <= stream.max_deleted_id() {
                deleted.others.insert(id);
            } else {
                // XDEL would raise the greatest deleted id; XTRIM does not.
                deleted.lost.insert(id);
            }
        }
        let entries = stream.len() + deleted.len();
        if counters && stream.entries_added() < entries as u64 {
            deleted.lost.append(&mut deleted.older);
            deleted.lost.append(&mut deleted.others);
        }
        deleted
    }

    /// How many are added and deleted again.
    fn len(&self) -> usize {
        self.older.len() + self.others.len()
    }
}

/// The commands for a stream: its entries, its counters, its groups, and what they have pending.
pub(super) fn emit(emitter: &mut Emitter<'_>, key: &[u8], stream: &Stream<'_>) {
    let counters = emitter.target_has(FUNCTIONS_AND_COUNTERS);
    let idempotence = stream.idempotence().filter(|_| emitter.target_has(IDEMPOTENT_PRODUCERS));
    let deleted = Deleted::of(stream, counters, idempotence);
    let first = first_group(stream, counters, &deleted);
    let (last_id, added) = match first {
        Some((name, group)) => {
            emit_group(emitter, key, stream, (name, group), Creates::Stream);
            (StreamId::ZERO, 0)
        }
        None => emit_entries(emitter, key, stream, &deleted),
    };
    emit_counters(emitter, key, stream, last_id, added);
    let knew = emitter.options.source.is_none_or(|source| FUNCTIONS_AND_COUNTERS.includes(source));
    if !counters && knew && !has_default_counters(stream, &deleted) {
        emitter.written.lost.stream_counters += 1;
    }
    // Redis 8.2 and later let no group have read more entries than were added, so the counters come before the groups.
    for (name, group) in stream.groups() {
        if first.is_none_or(|(first, _)| first != name) {
            emit_group(emitter, key, stream, (name, group), Creates::Group);
        }
        emit_consumers(emitter, key, (name, group), &deleted);
    }
    if let Some(idempotence) = stream.idempotence() {
        emit_idempotence(emitter, key, (stream, idempotence), &deleted);
    }
    emit_deletions(emitter, key, stream, &deleted);
}

/// The group that makes a stream without entries, if one can: it must not count entries.
fn first_group<'s, 'a>(
    stream: &'s Stream<'a>,
    counters: bool,
    deleted: &Deleted,
) -> Option<(&'s [u8], &'s ConsumerGroup<'a>)> {
    if !stream.is_empty() || deleted.len() > 0 {
        return None;
    }
    stream.groups().find(|(_, group)| !counters || matches!(group.entries_read, None | Some(0)))
}

/// The entries and those to be deleted, in order; the last id and the number of entries added are then those returned.
fn emit_entries(emitter: &mut Emitter<'_>, key: &[u8], stream: &Stream<'_>, deleted: &Deleted) -> (StreamId, u64) {
    let mut last_id = StreamId::ZERO;
    let mut others = deleted.others.iter().copied().peekable();
    for id in &deleted.older {
        emitter.add_for_now(key, *id);
        last_id = *id;
    }
    let mut ahead = stream.entries();
    for (index, (id, fields)) in stream.entries().enumerate() {
        // Entries lie all over the log: the processor waits for several of them at once.
        if index % AHEAD == 0 {
            ahead.by_ref().take(AHEAD).for_each(|(_, fields)| fields.prefetch());
        }
        while let Some(other) = others.next_if(|other| *other < id) {
            emitter.add_for_now(key, other);
        }
        emitter.add(key, id, fields);
        last_id = id;
    }
    for id in others {
        emitter.add_for_now(key, id);
        last_id = id;
    }
    let added = stream.len() + deleted.len();
    if added > 0 {
        return (last_id, added as u64);
    }
    // What makes a stream without entries and groups; no entry has the id 0-0.
    let id = stream.last_id().max(StreamId::new(0, 1));
    emitter.command_on("XADD", key, 5);
    emitter.bulk(b"MAXLEN");
    emitter.bulk(b"0");
    emitter.id(id);
    emitter.bulk(b"");
    emitter.bulk(b"");
    (id, 1)
}

/// Whether the counters are those that commands of Redis 6.2 leave when a later server loads them.
fn has_default_counters(stream: &Stream<'_>, deleted: &Deleted) -> bool {
    stream.entries_added() == (stream.len() + deleted.len()) as u64
        && stream.max_deleted_id() == deleted.others.last().copied().unwrap_or_default()
        && stream.groups().all(|(_, group)| group.entries_read.is_none())
}

/// The counters, where they are not as adding entries has left them.
fn emit_counters(emitter: &mut Emitter<'_>, key: &[u8], stream: &Stream<'_>, last_id: StreamId, added: u64) {
    let counters = emitter.target_has(FUNCTIONS_AND_COUNTERS);
    let is_added = stream.entries_added() == added;
    let is_deleted = stream.max_deleted_id() == StreamId::ZERO;
    if last_id == stream.last_id() && (is_added && is_deleted || !counters) {
        return;
    }
    let arguments = 1 + if counters { 2 * usize::from(!is_added) + 2 * usize::from(!is_deleted) } else { 0 };
    emitter.command_on("XSETID", key, arguments);
    emitter.id(stream.last_id());
    if counters && !is_added {
        emitter.bulk(b"ENTRIESADDED");
        emitter.number(stream.entries_added());
    }
    if counters && !is_deleted {
        emitter.bulk(b"MAXDELETEDID");
        emitter.id(stream.max_deleted_id());
    }
}

/// What `XGROUP CREATE` makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Creates {
    Group,
    /// The stream as well: MKSTREAM.
    Stream,
}

fn emit_group(
    emitter: &mut Emitter<'_>,
    key: &[u8],
    stream: &Stream<'_>,
    (name, group): (&[u8], &ConsumerGroup<'_>),
    creates: Creates,
) {
    let entries_read = group.entries_read.filter(|_| emitter.target_has(FUNCTIONS_AND_COUNTERS));
    let arguments = 5 + usize::from(creates == Creates::Stream) + 2 * usize::from(entries_read.is_some());
    emitter.command("XGROUP", arguments);
    emitter.bulk(b"CREATE");
    emitter.bulk(key);
    emitter.bulk(name);
    if creates == Creates::Group && group.last_delivered_id == stream.last_id() {
        emitter.bulk(b"$");
    } else {
        emitter.id(group.last_delivered_id);
    }
    if creates == Creates::Stream {
        emitter.bulk(b"MKSTREAM");
    }
    // Without it the count is unknown, as with -1.
    if let Some(count) = entries_read {
        emitter.bulk(b"ENTRIESREAD");
        emitter.number(count);
    }
}

/// The consumers of a group, and what is pending for them.
fn emit_consumers(
    emitter: &mut Emitter<'_>,
    key: &[u8],
    (name, group): (&[u8], &ConsumerGroup<'_>),
    deleted: &Deleted,
) {
    for consumer in group.consumers() {
        let mut kept: Vec<(StreamId, &PendingEntry)> =
            consumer.pending().filter_map(|id| Some((id, group.pending_entry(id)?))).collect();
        let all = kept.len();
        kept.retain(|(id, _)| !deleted.lost.contains(id));
        emitter.written.lost.pending_entries += (all - kept.len()) as u64;
        if kept.is_empty() {
            emitter.command("XGROUP", 5);
            emitter.bulk(b"CREATECONSUMER");
            emitter.bulk(key);
            emitter.bulk(name);
            emitter.bulk(consumer.name());
        }
        kept.sort_by_key(|(_, entry)| (entry.delivery_time, entry.delivery_count));
        let is_same = |one: &(StreamId, &PendingEntry), other: &(StreamId, &PendingEntry)| {
            (one.1.delivery_time, one.1.delivery_count) == (other.1.delivery_time, other.1.delivery_count)
        };
        let batch = emitter.options.batch.get();
        for entries in kept.chunk_by(is_same).flat_map(|entries| entries.chunks(batch)) {
            claim(emitter, key, name, consumer, entries);
        }
    }
}

/// Makes entries pending that were delivered at one time, and equally often.
fn claim(
    emitter: &mut Emitter<'_>,
    key: &[u8],
    group: &[u8],
    consumer: &Consumer<'_>,
    entries: &[(StreamId, &PendingEntry)],
) {
    let Some((_, first)) = entries.first() else { return };
    // An entry that becomes pending by force was delivered once, and JUSTID adds nothing to that.
    let once = first.delivery_count == 1;
    emitter.command_on("XCLAIM", key, 6 + entries.len() + if once { 1 } else { 2 });
    emitter.bulk(group);
    emitter.bulk(consumer.name());
    emitter.bulk(b"0");
    for (id, _) in entries {
        emitter.id(*id);
    }
    emitter.bulk(b"TIME");
    emitter.number(first.delivery_time);
    if once {
        emitter.bulk(b"JUSTID");
    } else {
        emitter.bulk(b"RETRYCOUNT");
        emitter.number(first.delivery_count);
    }
    emitter.bulk(b"FORCE");
}

/// Deletes the entries that were added for what is pending.
fn emit_deletions(emitter: &mut Emitter<'_>, key: &[u8], stream: &Stream<'_>, deleted: &Deleted) {
    if !deleted.older.is_empty() {
        emitter.command_on("XTRIM", key, 2);
        if stream.is_empty() {
            emitter.bulk(b"MAXLEN");
            emitter.bulk(b"0");
        } else {
            emitter.bulk(b"MINID");
            emitter.id(stream.first_id());
        }
    }
    let others: Vec<StreamId> = deleted.others.iter().copied().collect();
    for ids in others.chunks(emitter.options.batch.get()) {
        emitter.command_on("XDEL", key, ids.len());
        for id in ids {
            emitter.id(*id);
        }
    }
}

/// The settings for idempotent ids and the ids themselves.
///
/// Redis 8.6.3 leaves out the ids whose entry is gone, since XIDMPRECORD needs the entry.
fn emit_idempotence(
    emitter: &mut Emitter<'_>,
    key: &[u8],
    (stream, idempotence): (&Stream<'_>, &Idempotence<'_>),
    deleted: &Deleted,
) {
    if !emitter.target_has(IDEMPOTENT_PRODUCERS) {
        emitter.written.lost.stream_producers += 1;
        return;
    }
    if !idempotence.has_default_settings() {
        emitter.command_on("XCFGSET", key, 4);
        emitter.bulk(b"IDMP-DURATION");
        emitter.number(idempotence.duration);
        emitter.bulk(b"IDMP-MAXSIZE");
        emitter.number(idempotence.max_entries);
    }
    let exists = |entry: &StreamId| {
        stream.log().get(*entry).is_some() || deleted.older.contains(entry) || deleted.others.contains(entry)
    };
    if idempotence.producers().any(|(_, producer)| !producer.ids().all(|(_, entry)| exists(&entry))) {
        emitter.written.lost.stream_producers += 1;
    }
    for (name, producer) in idempotence.producers() {
        for (id, entry) in producer.ids().filter(|(_, entry)| exists(entry)) {
            emitter.command_on("XIDMPRECORD", key, 3);
            emitter.bulk(name);
            emitter.bulk(id);
            emitter.id(entry);
        }
    }
}
