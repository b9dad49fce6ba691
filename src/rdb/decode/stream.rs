//! Streams.

use std::borrow::Cow;

use super::super::fault::{Fault, Malformed, Packing, StreamFault};
use super::super::packed::{Element, listpack};
use super::super::primitive::Reader;
use super::super::skip::Layout;
use super::super::stream::{DELETED, NodeElements, NodeVisitor, SAME_FIELDS};
use super::bytes;
use super::packed::{Piece, blob};
use crate::value::{Bytes, ConsumerGroup, Fields, Idempotence, PendingEntry, Stream, StreamId, Value};

/// The number of entries read, if it is unknown.
const UNKNOWN: u64 = u64::MAX;

pub(in super::super) fn stream_1<'a>(reader: &mut Reader<'a>) -> Result<Value<'a>, Fault> {
    stream(reader, Layout::First)
}

pub(in super::super) fn stream_2<'a>(reader: &mut Reader<'a>) -> Result<Value<'a>, Fault> {
    stream(reader, Layout::Counters)
}

pub(in super::super) fn stream_3<'a>(reader: &mut Reader<'a>) -> Result<Value<'a>, Fault> {
    stream(reader, Layout::ActiveTime)
}

pub(in super::super) fn stream_4<'a>(reader: &mut Reader<'a>) -> Result<Value<'a>, Fault> {
    stream(reader, Layout::Idempotence)
}

fn stream<'a>(reader: &mut Reader<'a>, layout: Layout) -> Result<Value<'a>, Fault> {
    let mut stream = Stream::default();
    let mut budget = budget(reader);
    for _ in 0..reader.length()? {
        node(reader, &mut stream, &mut budget)?;
    }
    let start = reader.position();
    let faulty = |fault| move |reader: &Reader<'_>| reader.fault(start, Malformed::Stream(fault));
    let length = reader.number()?;
    let actual = stream.len() as u64;
    if length != actual {
        return Err(faulty(StreamFault::Length { claimed: length, actual })(reader));
    }
    let last_id = id(reader)?;
    if last_id < stream.log().top_id() {
        return Err(faulty(StreamFault::IdOrder)(reader));
    }
    stream.set_last_id(last_id);
    if layout >= Layout::Counters {
        // The first id follows from the entries.
        id(reader)?;
        stream.set_max_deleted_id(id(reader)?);
        stream.set_entries_added(reader.number()?);
    } else {
        stream.set_entries_added(length);
    }
    for _ in 0..reader.length()? {
        let start = reader.position();
        let (name, group) = group(reader, layout, &stream)?;
        if !stream.create_group(name, group) {
            return Err(reader.fault(start, Malformed::Stream(StreamFault::DuplicateGroup)));
        }
    }
    if layout >= Layout::Idempotence {
        idempotence(reader, &mut stream)?;
    }
    Ok(Value::Stream(Box::new(stream)))
}

/// The settings for idempotent ids, the producers with their ids, and counters.
fn idempotence<'a>(reader: &mut Reader<'a>, stream: &mut Stream<'a>) -> Result<(), Fault> {
    let mut idempotence = Idempotence::default();
    for (setting, most) in [
        (&mut idempotence.duration, Idempotence::MAX_DURATION),
        (&mut idempotence.max_entries, Idempotence::MAX_ENTRIES),
    ] {
        let start = reader.position();
        *setting = reader.number()?;
        if !(1..=most).contains(setting) {
            return Err(reader.fault(start, Malformed::Stream(StreamFault::IdempotenceSetting(*setting))));
        }
    }
    for _ in 0..reader.length()? {
        let start = reader.position();
        let name = bytes(reader)?;
        let mut ids = Vec::new();
        for _ in 0..reader.length()? {
            ids.push((bytes(reader)?, id(reader)?));
        }
        if !idempotence.load_producer(name, ids.into_iter()) {
            return Err(reader.fault(start, Malformed::Stream(StreamFault::DuplicateProducer)));
        }
    }
    idempotence.ids_added = reader.number()?;
    idempotence.duplicates = reader.number()?;
    if idempotence != Idempotence::default() {
        *stream.idempotence_mut() = idempotence;
    }
    Ok(())
}

/// Reads an id of two numbers.
fn id(reader: &mut Reader<'_>) -> Result<StreamId, Fault> {
    Ok(StreamId { milliseconds: reader.number()?, sequence: reader.number()? })
}

/// Converts an id of 16 bytes.
fn raw_id(bytes: [u8; 16]) -> StreamId {
    let id = u128::from_be_bytes(bytes);
    #[expect(clippy::cast_possible_truncation, reason = "the two halves")]
    StreamId { milliseconds: (id >> 64) as u64, sequence: id as u64 }
}

/// The maximum number of bytes of fields and values to allocate for a value. Entries share the names of their fields
/// with the first entry of their node, and each gets a copy, so that with the default settings of servers up to 128
/// times the encoded size is needed.
fn budget(reader: &Reader<'_>) -> usize {
    const ALWAYS: usize = 64 << 20;
    reader.remaining().saturating_mul(256).saturating_add(ALWAYS)
}

fn node<'a>(reader: &mut Reader<'a>, stream: &mut Stream<'a>, budget: &mut usize) -> Result<(), Fault> {
    let start = reader.position();
    let key = bytes(reader)?;
    let Ok(key) = <[u8; 16]>::try_from(&*key) else {
        let fault = StreamFault::NodeKey(key.len() as u64);
        return Err(reader.fault(start, Malformed::Stream(fault)));
    };
    let start = reader.position();
    let key = raw_id(key);
    match blob(reader)? {
        Cow::Borrowed(blob) => entries(blob, key, stream, budget, Piece::in_file),
        Cow::Owned(blob) => entries(&blob, key, stream, budget, Piece::made),
    }
    .map_err(|malformed| reader.fault(start, malformed))
}

fn entries<'b, 'a>(
    blob: &'b [u8],
    key: StreamId,
    stream: &mut Stream<'a>,
    budget: &mut usize,
    piece: impl Fn(Element<'b>) -> Piece<'b, 'a>,
) -> Result<(), Malformed> {
    listpack::frame(blob).map_err(|at| Malformed::Packed { packing: Packing::Listpack, fault: at.fault })?;
    let mut entries = Entries {
        key,
        stream,
        budget,
        piece,
        master: Vec::new(),
        own: Vec::new(),
        id: None,
        same_fields: false,
        values: 0,
        result: Ok(()),
    };
    let mut elements = NodeElements::new(blob);
    let read = elements.node(&mut entries);
    entries.result?;
    read.and_then(|(live, deleted)| elements.finish(live, deleted)).map_err(|fault| fault.malformed)
}

/// Adds the entries of a node to a stream.
struct Entries<'s, 'a, P> {
    key: StreamId,
    stream: &'s mut Stream<'a>,
    budget: &'s mut usize,
    piece: P,
    /// The fields of the master entry.
    master: Vec<Bytes<'a>>,
    /// The fields and values of the entry that is being read.
    own: Vec<Bytes<'a>>,
    /// The id of that entry, unless it is deleted.
    id: Option<StreamId>,
    same_fields: bool,
    /// The number of its values so far.
    values: usize,
    result: Result<(), Malformed>,
}

impl<'a, P> Entries<'_, 'a, P> {
    fn push(&mut self, string: Bytes<'a>) {
        match self.budget.checked_sub(string.len()) {
            Some(left) => {
                *self.budget = left;
                self.own.push(string);
            }
            None => self.fail(StreamFault::TooManyFields),
        }
    }

    fn fail(&mut self, fault: StreamFault) {
        self.id = None;
        if self.result.is_ok() {
            self.result = Err(Malformed::Stream(fault));
        }
    }
}

impl<'b, 'a, P: Fn(Element<'b>) -> Piece<'b, 'a>> NodeVisitor<'b> for Entries<'_, 'a, P> {
    fn master_field(&mut self, field: Element<'b>) {
        self.master.push((self.piece)(field).bytes());
    }

    fn entry(&mut self, flags: i64, milliseconds: i64, sequence: i64) {
        let id = StreamId {
            milliseconds: self.key.milliseconds.wrapping_add_signed(milliseconds),
            sequence: self.key.sequence.wrapping_add_signed(sequence),
        };
        self.id = (flags & DELETED == 0 && self.result.is_ok()).then_some(id);
        self.same_fields = flags & SAME_FIELDS != 0;
        self.values = 0;
        self.own.clear();
    }

    fn field(&mut self, field: Element<'b>) {
        if self.id.is_some() {
            self.push((self.piece)(field).bytes());
        }
    }

    fn value(&mut self, value: Element<'b>) {
        if self.id.is_none() {
            return;
        }
        if self.same_fields {
            let field = self.master.get(self.values).cloned().unwrap_or_default();
            self.push(field);
            self.values += 1;
        }
        self.push((self.piece)(value).bytes());
    }

    fn entry_end(&mut self) {
        if let Some(id) = self.id
            && !self.stream.append(id, Fields::packed(self.own.iter().map(|string| &**string)))
        {
            self.fail(StreamFault::IdOrder);
        }
    }
}

/// A pending entry of a group whose consumers have not been read yet.
struct Pending {
    id: StreamId,
    delivery_time: i64,
    delivery_count: u64,
    owned: bool,
}

fn group<'a>(
    reader: &mut Reader<'a>,
    layout: Layout,
    stream: &Stream<'a>,
) -> Result<(Bytes<'a>, ConsumerGroup<'a>), Fault> {
    let name = bytes(reader)?;
    let last_delivered = id(reader)?;
    let entries_read = if layout >= Layout::Counters {
        Some(reader.number()?).filter(|count| *count != UNKNOWN)
    } else {
        stream.log().distance_from_first(last_delivered)
    };
    let mut group = ConsumerGroup::new(last_delivered, entries_read);
    let start = reader.position();
    let mut pending = Vec::new();
    for _ in 0..reader.length()? {
        pending.push(Pending {
            id: raw_id(reader.array()?),
            delivery_time: i64::from_le_bytes(reader.array()?),
            delivery_count: reader.number()?,
            owned: false,
        });
    }
    pending.sort_by_key(|pending| pending.id);
    if pending.array_windows().any(|[one, other]| one.id == other.id) {
        return Err(reader.fault(start, Malformed::Stream(StreamFault::DuplicatePending)));
    }
    for _ in 0..reader.length()? {
        consumer(reader, layout, &mut group, &mut pending)?;
    }
    if pending.iter().any(|pending| !pending.owned) {
        return Err(reader.fault(start, Malformed::Stream(StreamFault::PendingWithoutConsumer)));
    }
    Ok((name, group))
}

fn consumer<'a>(
    reader: &mut Reader<'a>,
    layout: Layout,
    group: &mut ConsumerGroup<'a>,
    pending: &mut [Pending],
) -> Result<(), Fault> {
    let start = reader.position();
    let name = bytes(reader)?;
    let seen_time = i64::from_le_bytes(reader.array()?);
    let active_time = match layout {
        Layout::ActiveTime | Layout::Idempotence => i64::from_le_bytes(reader.array()?),
        Layout::First | Layout::Counters => seen_time,
    };
    let consumer = group
        .add_consumer(name, seen_time, (active_time != -1).then_some(active_time))
        .ok_or_else(|| reader.fault(start, Malformed::Stream(StreamFault::DuplicateConsumer)))?;
    for _ in 0..reader.length()? {
        let start = reader.position();
        let id = raw_id(reader.array()?);
        let found = pending.binary_search_by_key(&id, |pending| pending.id);
        let fault = match found.ok().and_then(|index| pending.get_mut(index)) {
            Some(Pending { owned: owned @ false, delivery_time, delivery_count, .. }) => {
                *owned = true;
                let (delivery_time, delivery_count) = (*delivery_time, *delivery_count);
                group.set_pending(id, PendingEntry { consumer, delivery_time, delivery_count });
                continue;
            }
            Some(_) => StreamFault::TwoConsumers,
            None => StreamFault::PendingNotInGroup,
        };
        return Err(reader.fault(start, Malformed::Stream(fault)));
    }
    Ok(())
}
