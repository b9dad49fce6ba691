//! Streams.

use std::io::{self, Write};

use super::super::packed::build::ListpackBuilder;
use super::super::skip::Layout;
use super::super::stream::SAME_FIELDS;
use super::super::types::loads;
use super::Lost;
use super::output::Output;
use crate::server::Release;
use crate::value::{ConsumerGroup, Fields, Idempotence, Stream, StreamId};

/// The maximum number of entries in a node (`stream-node-max-entries`).
const NODE_ENTRIES: usize = 100;
/// The number of bytes from which a node is full (`stream-node-max-bytes`).
const NODE_BYTES: usize = 4096;

pub(super) fn stream<W: Write>(
    output: &mut Output<W>,
    target: Release,
    stream: &Stream<'_>,
    head: impl FnOnce(&mut Output<W>, u8) -> io::Result<()>,
) -> io::Result<Option<Lost>> {
    let newer = [(Layout::Idempotence, 26), (Layout::ActiveTime, 21), (Layout::Counters, 19)];
    let newest = newer.into_iter().find(|(_, type_code)| loads(target, *type_code));
    let (layout, type_code) = newest.unwrap_or((Layout::First, 15));
    head(output, type_code)?;
    nodes(output, stream)?;
    output.count(stream.len())?;
    id(output, stream.last_id())?;
    if layout >= Layout::Counters {
        id(output, stream.first_id())?;
        id(output, stream.max_deleted_id())?;
        output.length(stream.entries_added())?;
    }
    output.count(stream.group_count())?;
    for (name, group) in stream.groups() {
        output.string(name)?;
        self::group(output, layout, group)?;
    }
    if layout >= Layout::Idempotence {
        let usual = Idempotence::default();
        idempotence(output, stream.idempotence().unwrap_or(&usual))?;
    }
    if layout < Layout::Idempotence && stream.idempotence().is_some() {
        return Ok(Some(Lost::StreamProducers));
    }
    Ok((!holds(layout, stream)).then_some(Lost::StreamMetadata))
}

/// Whether a layout holds all of a stream, in that servers reconstruct what it leaves out.
fn holds(layout: Layout, stream: &Stream<'_>) -> bool {
    let counted = || {
        stream.entries_added() == stream.len() as u64
            && stream.max_deleted_id() == StreamId::default()
            && stream
                .groups()
                .all(|(_, group)| group.entries_read == stream.log().distance_from_first(group.last_delivered_id))
    };
    let active = || {
        let mut consumers = stream.groups().flat_map(|(_, group)| group.consumers());
        consumers.all(|consumer| consumer.active_time == Some(consumer.seen_time))
    };
    (layout >= Layout::Counters || counted()) && (layout >= Layout::ActiveTime || active())
}

/// Writes the settings for idempotent ids, the producers with their ids, and counters (`rdbSaveStreamIdmpEntries`).
fn idempotence<W: Write>(output: &mut Output<W>, idempotence: &Idempotence<'_>) -> io::Result<()> {
    output.length(idempotence.duration)?;
    output.length(idempotence.max_entries)?;
    output.count(idempotence.producers().len())?;
    for (name, producer) in idempotence.producers() {
        output.string(name)?;
        output.count(producer.ids().len())?;
        for (name, entry) in producer.ids() {
            output.string(name)?;
            id(output, entry)?;
        }
    }
    output.length(idempotence.ids_added)?;
    output.length(idempotence.duplicates)
}

fn id<W: Write>(output: &mut Output<W>, id: StreamId) -> io::Result<()> {
    output.length(id.milliseconds)?;
    output.length(id.sequence)
}

fn raw_id(id: StreamId) -> [u8; 16] {
    (u128::from(id.milliseconds) << 64 | u128::from(id.sequence)).to_be_bytes()
}

/// The node to which entries are added, and its first entry.
struct OpenNode<'v, 'a> {
    first_id: StreamId,
    first: &'v Fields<'a>,
    entries: usize,
    bytes: usize,
}

impl<'v, 'a> OpenNode<'v, 'a> {
    /// A node with its first entry.
    fn new(first_id: StreamId, first: &'v Fields<'a>) -> Self {
        let bytes = first.iter().map(|(field, _)| field.len() + 2).sum();
        let mut node = Self { first_id, first, entries: 0, bytes };
        node.takes(first);
        node
    }

    fn has_same_fields(&self, fields: &Fields<'_>) -> bool {
        fields.iter().map(|(field, _)| field).eq(self.first.iter().map(|(field, _)| field))
    }

    /// Adds an entry, unless the node is full.
    fn takes(&mut self, fields: &Fields<'_>) -> bool {
        let same = self.has_same_fields(fields);
        let pair = |(field, value): (&[u8], &[u8])| value.len() + 2 + if same { 0 } else { field.len() + 2 };
        // The minimum size of the flags, the id and the count.
        let size = 8 + fields.iter().map(pair).sum::<usize>();
        let fits = self.entries == 0 || self.entries < NODE_ENTRIES && self.bytes + size < NODE_BYTES;
        self.entries += usize::from(fits);
        self.bytes += size;
        fits
    }
}

fn nodes<W: Write>(output: &mut Output<W>, stream: &Stream<'_>) -> io::Result<()> {
    // The number of nodes comes before them.
    let (mut count, mut open) = (0, None::<OpenNode<'_, '_>>);
    for (id, fields) in stream.entries() {
        if !open.as_mut().is_some_and(|node| node.takes(fields)) {
            open = Some(OpenNode::new(id, fields));
            count += 1;
        }
    }
    output.count(count)?;
    let (mut entries, mut open) = (Vec::new(), None::<OpenNode<'_, '_>>);
    for (id, fields) in stream.entries() {
        if !open.as_mut().is_some_and(|node| node.takes(fields))
            && let Some(full) = open.replace(OpenNode::new(id, fields))
        {
            node(output, &full, &entries)?;
            entries.clear();
        }
        entries.push((id, fields));
    }
    open.map_or(Ok(()), |last| node(output, &last, &entries))
}

fn node<W: Write>(
    output: &mut Output<W>,
    node: &OpenNode<'_, '_>,
    entries: &[(StreamId, &Fields<'_>)],
) -> io::Result<()> {
    let number = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
    let mut packed = ListpackBuilder::default();
    packed.push_integer(number(entries.len()));
    // Deleted entries.
    packed.push_integer(0);
    packed.push_integer(number(node.first.len()));
    node.first.iter().for_each(|(field, _)| packed.push(field));
    packed.push_integer(0);
    for (id, fields) in entries {
        let same = node.has_same_fields(fields);
        packed.push_integer(if same { SAME_FIELDS } else { 0 });
        packed.push_integer(id.milliseconds.wrapping_sub(node.first_id.milliseconds).cast_signed());
        packed.push_integer(id.sequence.wrapping_sub(node.first_id.sequence).cast_signed());
        let pairs = number(fields.len());
        if same {
            fields.iter().for_each(|(_, value)| packed.push(value));
            packed.push_integer(pairs + 3);
        } else {
            packed.push_integer(pairs);
            fields.strings().for_each(|string| packed.push(string));
            packed.push_integer(2 * pairs + 4);
        }
    }
    output.blob(&raw_id(node.first_id))?;
    output.blob(&packed.finish())
}

fn group<W: Write>(output: &mut Output<W>, layout: Layout, group: &ConsumerGroup<'_>) -> io::Result<()> {
    id(output, group.last_delivered_id)?;
    if layout >= Layout::Counters {
        // -1 if it is unknown.
        output.length(group.entries_read.unwrap_or(u64::MAX))?;
    }
    output.count(group.pending_count())?;
    for (id, entry) in group.pending() {
        output.bytes(&raw_id(id))?;
        output.bytes(&entry.delivery_time.to_le_bytes())?;
        output.length(entry.delivery_count)?;
    }
    output.count(group.consumer_count())?;
    for consumer in group.consumers() {
        output.string(consumer.name())?;
        output.bytes(&consumer.seen_time.to_le_bytes())?;
        if layout >= Layout::ActiveTime {
            output.bytes(&consumer.active_time.unwrap_or(-1).to_le_bytes())?;
        }
        output.count(consumer.pending_count())?;
        for id in consumer.pending() {
            output.bytes(&raw_id(id))?;
        }
    }
    Ok(())
}
