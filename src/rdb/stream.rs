//! Streams: nodes that are listpacks of their own layout, and consumer groups (Redis `rdb.c`, `t_stream.c`).

use super::context::{Context, FoundBy, Place};
use super::fault::{Fault, Malformed, Packing, StreamFault};
use super::members::Members;
use super::packed::{At, Element, Sequence, listpack};
use super::primitive::RawString;
use super::skip::Layout;
use crate::value::Idempotence;

pub(super) fn stream_1(context: &mut Context<'_>) -> Result<(), Fault> {
    stream(context, Layout::First)
}

pub(super) fn stream_2(context: &mut Context<'_>) -> Result<(), Fault> {
    stream(context, Layout::Counters)
}

pub(super) fn stream_3(context: &mut Context<'_>) -> Result<(), Fault> {
    stream(context, Layout::ActiveTime)
}

pub(super) fn stream_4(context: &mut Context<'_>) -> Result<(), Fault> {
    stream(context, Layout::Idempotence)
}

fn flaw(context: &mut Context<'_>, offset: usize, fault: StreamFault, found_by: FoundBy) {
    context.flaw(offset, Malformed::Stream(fault), found_by);
}

fn stream(context: &mut Context<'_>, layout: Layout) -> Result<(), Fault> {
    let nodes = context.reader.length()?;
    let mut live = 0_u64;
    let mut keys = Ids::default();
    // The first layout has no first id, so all servers except 6.2 read entries to find it.
    let mut entries = LiveEntries { any: layout != Layout::First, ..LiveEntries::default() };
    for _ in 0..nodes {
        let offset = context.reader.position();
        let mut same = false;
        if let Some(key) = node_key(context)? {
            keys.push(key);
            same = keys.repeats();
            entries.key = key;
        }
        context.blob(|context, bytes, place| {
            live = live.saturating_add(node(context, &mut entries, bytes, place));
            Ok(())
        })?;
        if same {
            flaw(context, offset, StreamFault::DuplicateNode, FoundBy::ALWAYS);
        }
    }
    let start = context.reader.position();
    if keys.any_twice() {
        flaw(context, start, StreamFault::DuplicateNode, FoundBy::ALWAYS);
    }
    let length = context.reader.number()?;
    context.elements = Some(length);
    let last = id(context.reader.number()?, context.reader.number()?);
    for _ in 3..layout.numbers() {
        context.reader.number()?;
    }
    if entries.unordered || last < entries.last {
        flaw(context, start, StreamFault::IdOrder, FoundBy::NEVER);
    }
    if length != 0 && nodes == 0 {
        flaw(context, start, StreamFault::LengthWithoutNodes(length), FoundBy::SINCE_7);
    }
    if length != live {
        flaw(context, start, StreamFault::Length { claimed: length, actual: live }, FoundBy::VALKEY_9);
    }
    let groups = context.reader.length()?;
    let mut names = Names::default();
    let mut read = || {
        for _ in 0..groups {
            group(context, layout, &mut names)?;
        }
        Ok(())
    };
    let result = read();
    names.none_twice(context, StreamFault::DuplicateGroup, FoundBy::ALWAYS);
    result?;
    if layout >= Layout::Idempotence { idempotence(context) } else { Ok(()) }
}

/// Checks the settings and producers (`rdbLoadStreamIdmpEntries` of Redis 8.6.3, which skips duplicate ids of a
/// producer).
fn idempotence(context: &mut Context<'_>) -> Result<(), Fault> {
    for most in [Idempotence::MAX_DURATION, Idempotence::MAX_ENTRIES] {
        let offset = context.reader.position();
        let value = context.reader.number()?;
        if !(1..=most).contains(&value) {
            flaw(context, offset, StreamFault::IdempotenceSetting(value), FoundBy::ALWAYS);
        }
    }
    let producers = context.reader.length()?;
    let mut names = Names::default();
    let mut read = || {
        for _ in 0..producers {
            let (offset, name) = (context.reader.position(), context.reader.raw_string()?);
            names.push(context, offset, name)?;
            for _ in 0..context.reader.length()? {
                let offset = context.reader.position();
                let id = context.reader.raw_string()?;
                id.open(&mut context.text).map_err(|fault| context.reader.fault(offset, Malformed::Lzf(fault)))?;
                context.reader.number()?;
                context.reader.number()?;
            }
        }
        Ok(())
    };
    let result = read();
    names.none_twice(context, StreamFault::DuplicateProducer, FoundBy::ALWAYS);
    result?;
    // The numbers of ids ever added and of recognised duplicates.
    context.reader.number()?;
    context.reader.number().map(|_| ())
}

/// The key of a node: an id of 16 bytes, big endian.
fn node_key(context: &mut Context<'_>) -> Result<Option<u128>, Fault> {
    let offset = context.reader.position();
    let raw = context.reader.string()?;
    let bytes = match raw {
        RawString::Plain(bytes) => std::borrow::Cow::Borrowed(bytes),
        // A key of another length than 16 bytes is refused without being decompressed.
        RawString::Lzf { length, .. } if length != 16 => {
            flaw(context, offset, StreamFault::NodeKey(length), FoundBy::ALWAYS);
            return Ok(None);
        }
        _ => raw.bytes().map_err(|fault| context.reader.fault(offset, Malformed::Lzf(fault)))?,
    };
    let key = <[u8; 16]>::try_from(&*bytes).ok().map(u128::from_be_bytes);
    if key.is_none() {
        flaw(context, offset, StreamFault::NodeKey(bytes.len() as u64), FoundBy::ALWAYS);
    }
    Ok(key)
}

/// Checks a node, and returns the number of its entries that are not deleted.
fn node(context: &mut Context<'_>, entries: &mut LiveEntries, bytes: &[u8], place: Place) -> u64 {
    if let Err(at) = listpack::frame(bytes) {
        let malformed = Malformed::Packed { packing: Packing::Listpack, fault: at.fault };
        context.flaw(place.of(at.offset), malformed, FoundBy::ALWAYS);
        return 0;
    }
    let mut elements = NodeElements::new(bytes);
    let (live, deleted) = match elements.node(entries) {
        Ok(counts) => counts,
        Err(NodeFault { offset, malformed }) => {
            let found_by = match malformed {
                Malformed::Stream(StreamFault::EmptyNode) => FoundBy::ALWAYS,
                Malformed::Packed { .. } | Malformed::Stream(StreamFault::NotANumber | StreamFault::NodeEnds)
                    if !entries.any =>
                {
                    FoundBy::WALKED
                }
                _ => FoundBy::DEEP,
            };
            context.flaw(place.of(offset), malformed, found_by);
            return 0;
        }
    };
    // The others only check that the number of entries is the sum of both counts.
    if let Err(NodeFault { offset, malformed }) = elements.finish(live, deleted) {
        context.flaw(place.of(offset), malformed, FoundBy::VALKEY_9);
    }
    u64::try_from(live).unwrap_or_default()
}

/// A fault at an offset of a node.
pub(super) struct NodeFault {
    offset: usize,
    pub(super) malformed: Malformed,
}

impl From<At> for NodeFault {
    fn from(At { offset, fault }: At) -> Self {
        Self { offset, malformed: Malformed::Packed { packing: Packing::Listpack, fault } }
    }
}

/// The flag of an entry whose fields are those of the master entry.
pub(super) const SAME_FIELDS: i64 = 2;
/// The flag of an entry that was deleted.
pub(super) const DELETED: i64 = 1;

/// A visitor of the contents of a node; the default ignores them.
pub(super) trait NodeVisitor<'b> {
    /// A field of the master entry.
    fn master_field(&mut self, _field: Element<'b>) {}
    /// An entry begins: its flags, and its id as differences from the node's key.
    fn entry(&mut self, _flags: i64, _milliseconds: i64, _sequence: i64) {}
    /// The next field of an entry whose fields are its own.
    fn field(&mut self, _field: Element<'b>) {}
    /// The next value of an entry. It follows its field, unless the entry has the fields of the master entry.
    fn value(&mut self, _value: Element<'b>) {}
    /// The entry has ended.
    fn entry_end(&mut self) {}
}

/// What is known of the entries so far that are not deleted.
#[derive(Default)]
struct LiveEntries {
    /// The key of the current node.
    key: u128,
    /// Whether there was one, or none is needed.
    any: bool,
    /// The id of the last of them.
    last: u128,
    /// Whether the ids do not ascend. No server checks that, and none writes such a stream.
    unordered: bool,
}

/// An id as one number.
fn id(milliseconds: u64, sequence: u64) -> u128 {
    u128::from(milliseconds) << 64 | u128::from(sequence)
}

impl NodeVisitor<'_> for LiveEntries {
    #[expect(clippy::cast_possible_truncation, reason = "the two halves")]
    fn entry(&mut self, flags: i64, milliseconds: i64, sequence: i64) {
        if flags & DELETED == 0 {
            let [first, second] = [self.key >> 64, self.key].map(|half| half as u64);
            let id = id(first.wrapping_add_signed(milliseconds), second.wrapping_add_signed(sequence));
            self.any = true;
            self.unordered |= id <= self.last;
            self.last = id;
        }
    }
}

/// The elements of a node. As in the servers' check of a node, the count in the listpack's header does not matter, nor
/// do bytes between a terminator and the last byte.
pub(super) struct NodeElements<'b> {
    elements: listpack::Elements<'b>,
    /// The number of entries that are marked as deleted.
    deleted: i64,
}

impl<'b> NodeElements<'b> {
    pub(super) fn new(blob: &'b [u8]) -> Self {
        Self { elements: listpack::Elements::new(blob), deleted: 0 }
    }

    fn fault(&self, fault: StreamFault) -> NodeFault {
        NodeFault { offset: self.elements.position(), malformed: Malformed::Stream(fault) }
    }

    fn element(&mut self) -> Result<(usize, Element<'b>), NodeFault> {
        self.elements.next()?.ok_or_else(|| self.fault(StreamFault::NodeEnds))
    }

    fn integer(&mut self) -> Result<i64, NodeFault> {
        let (offset, element) = self.element()?;
        element.integer().ok_or(NodeFault { offset, malformed: Malformed::Stream(StreamFault::NotANumber) })
    }

    /// Reads a node to its end, and returns its counts of live and of deleted entries.
    pub(super) fn node(&mut self, visitor: &mut impl NodeVisitor<'b>) -> Result<(i64, i64), NodeFault> {
        if self.elements.clone().next()?.is_none() {
            return Err(self.fault(StreamFault::EmptyNode));
        }
        let live = self.integer()?;
        let deleted = self.integer()?;
        let master_fields = self.integer()?;
        for _ in 0..master_fields {
            visitor.master_field(self.element()?.1);
        }
        if self.integer()? != 0 {
            return Err(self.fault(StreamFault::MasterEnd));
        }
        // A negative sum can never be counted down to 0: the elements run out.
        let mut entries = live.wrapping_add(deleted);
        while entries != 0 {
            self.entry(master_fields, visitor)?;
            entries = entries.wrapping_sub(1);
        }
        match self.elements.next()? {
            None => Ok((live, deleted)),
            Some((offset, _)) => Err(NodeFault { offset, malformed: Malformed::Stream(StreamFault::NodeGoesOn) }),
        }
    }

    /// Checks the counts of the listpack and of the node after the last entry.
    pub(super) fn finish(&self, live: i64, deleted: i64) -> Result<(), NodeFault> {
        self.elements.finish()?;
        if live < 0 || deleted != self.deleted {
            let fault = StreamFault::NodeCounts { claimed: deleted, actual: self.deleted };
            return Err(NodeFault { offset: 0, malformed: Malformed::Stream(fault) });
        }
        Ok(())
    }

    fn entry(&mut self, master_fields: i64, visitor: &mut impl NodeVisitor<'b>) -> Result<(), NodeFault> {
        let flags = self.integer()?;
        self.deleted += i64::from(flags & DELETED != 0);
        visitor.entry(flags, self.integer()?, self.integer()?);
        let (mut fields, mut others) = (master_fields, 3_i64);
        let own_fields = flags & SAME_FIELDS == 0;
        if own_fields {
            fields = self.integer()?;
            others = others.wrapping_add(fields).wrapping_add(1);
        }
        for _ in 0..fields {
            if own_fields {
                visitor.field(self.element()?.1);
            }
            visitor.value(self.element()?.1);
        }
        visitor.entry_end();
        let (claimed, actual) = (self.integer()?, fields.wrapping_add(others));
        if claimed != actual {
            return Err(self.fault(StreamFault::EntryCount { claimed, actual }));
        }
        Ok(())
    }
}

fn group<'a>(context: &mut Context<'a>, layout: Layout, names: &mut Names<'a>) -> Result<(), Fault> {
    let (offset, name) = (context.reader.position(), context.reader.raw_string()?);
    for _ in 0..layout.group_numbers() {
        context.reader.number()?;
    }
    names.push(context, offset, name)?;
    let start = context.reader.position();
    let mut pending = Ids::default();
    for _ in 0..context.reader.length()? {
        let offset = context.reader.position();
        pending.push(u128::from_be_bytes(context.reader.array()?));
        // The delivery time and the delivery count.
        context.reader.take(8)?;
        context.reader.number()?;
        if pending.repeats() {
            flaw(context, offset, StreamFault::DuplicatePending, FoundBy::ALWAYS);
        }
    }
    if pending.any_twice() {
        flaw(context, start, StreamFault::DuplicatePending, FoundBy::ALWAYS);
    }
    let mut owned = vec![false; pending.ids.len()];
    let consumers = context.reader.length()?;
    let mut names = Names::default();
    let mut read = || {
        for _ in 0..consumers {
            consumer(context, layout, &mut names, &pending, &mut owned)?;
        }
        Ok(())
    };
    let result = read();
    names.none_twice(context, StreamFault::DuplicateConsumer, FoundBy::SINCE_7);
    if result.is_ok() && owned.contains(&false) {
        flaw(context, start, StreamFault::PendingWithoutConsumer, FoundBy::DEEP);
    }
    result
}

fn consumer<'a>(
    context: &mut Context<'a>,
    layout: Layout,
    names: &mut Names<'a>,
    pending: &Ids,
    owned: &mut [bool],
) -> Result<(), Fault> {
    let (offset, name) = (context.reader.position(), context.reader.raw_string()?);
    names.push(context, offset, name)?;
    context.reader.take(layout.consumer_times())?;
    let start = context.reader.position();
    let mut own = Ids::default();
    for _ in 0..context.reader.length()? {
        let offset = context.reader.position();
        let id = u128::from_be_bytes(context.reader.array()?);
        own.push(id);
        if own.repeats() {
            flaw(context, offset, StreamFault::DuplicateOwned, FoundBy::ALWAYS);
        }
        match pending.ids.binary_search(&id).ok().and_then(|index| owned.get_mut(index)) {
            Some(owned) if *owned => flaw(context, offset, StreamFault::TwoConsumers, FoundBy::SHARED_OWNERS),
            Some(owned) => *owned = true,
            None => flaw(context, offset, StreamFault::PendingNotInGroup, FoundBy::ALWAYS),
        }
    }
    if own.any_twice() {
        flaw(context, start, StreamFault::DuplicateOwned, FoundBy::ALWAYS);
    }
    Ok(())
}

/// Ids, which should ascend and must not repeat.
#[derive(Debug, Default)]
struct Ids {
    ids: Vec<u128>,
    unsorted: bool,
}

impl Ids {
    fn push(&mut self, id: u128) {
        self.unsorted |= self.ids.last().is_some_and(|last| *last > id);
        self.ids.push(id);
    }

    /// Whether the last id is the one before it.
    fn repeats(&self) -> bool {
        matches!(self.ids.as_slice(), [.., one, other] if one == other)
    }

    /// Sorts them, and returns whether one occurs twice.
    fn any_twice(&mut self) -> bool {
        if self.unsorted {
            self.ids.sort_unstable();
            self.unsorted = false;
        }
        self.ids.array_windows().any(|[one, other]| one == other)
    }
}

/// Names of groups or consumers in their encoding: the offset of each, and the position at which a server adds it.
#[derive(Debug, Default)]
struct Names<'a> {
    found: Vec<(usize, usize, RawString<'a>)>,
    members: Members,
    text: Vec<u8>,
}

impl<'a> Names<'a> {
    fn push(&mut self, context: &mut Context<'a>, offset: usize, name: RawString<'a>) -> Result<(), Fault> {
        let bytes = name.open(&mut self.text).map_err(|fault| context.reader.fault(offset, Malformed::Lzf(fault)))?;
        self.members.add(bytes);
        self.found.push((offset, context.reader.position(), name));
        Ok(())
    }

    /// Records the first duplicate name as a flaw.
    fn none_twice(&mut self, context: &mut Context<'a>, fault: StreamFault, found_by: FoundBy) {
        if !self.members.have_equal_hashes() {
            return;
        }
        let mut second_pass = self.members.second_pass();
        let text = &mut self.text;
        let mut repeats = |name: &RawString<'_>| name.open(text).is_ok_and(|bytes| second_pass.repeats(bytes));
        if let Some((offset, position, _)) = self.found.iter().find(|(_, _, name)| repeats(name)) {
            context.flaw_at(*offset, *position, Malformed::Stream(fault), found_by);
        }
    }
}
