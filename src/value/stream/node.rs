//! How servers would lay entries out in nodes, which is what an approximate trim goes by.
//!
//! A node is a listpack of up to 100 entries (`stream-node-max-entries`), deleted ones included, to which none is added
//! once it would have 4096 bytes (`stream-node-max-bytes`); those are the defaults, and the same since Redis 5.0. What
//! a server lays out otherwise is not known here: a stream that came from an RDB with deleted entries in its nodes, and
//! a node that `MINID =` left with deleted entries alone.

use super::{Fields, StreamId};
use crate::resp::parse_integer;

/// `stream-node-max-entries`.
const MOST_ENTRIES: u32 = 100;
/// `stream-node-max-bytes`.
const MOST_BYTES: u64 = 4096;
/// What a listpack has around its elements.
const LISTPACK_FRAME: u64 = 7;

/// What is to be known of a node besides the entries that it still has.
#[derive(Debug, Clone)]
pub(super) struct Node<'a> {
    /// The size of its listpack.
    bytes: u32,
    /// How many entries were ever put into it.
    total: u32,
    removed: Option<Box<Removed<'a>>>,
}

/// Deleted entries that still matter.
#[derive(Debug, Clone, Default)]
struct Removed<'a> {
    /// The first entry: others are stored by how they differ from it.
    first: Option<(StreamId, Fields<'a>)>,
    /// The id of the last entry.
    last: Option<StreamId>,
}

/// What of an entry's fields and values a node's size depends on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Measure {
    /// How many pairs there are.
    pairs: i64,
    /// The bytes of all fields and values.
    payload: u64,
    /// The sizes of the fields in a listpack, together.
    fields: u64,
    /// The sizes of the values.
    values: u64,
    /// Whether the fields are those of the first entry of the node.
    same_fields: bool,
}

impl Measure {
    /// Measures an entry that is to stand in a node with this first entry.
    pub(super) fn of(entry: &Fields<'_>, first: &Fields<'_>) -> Self {
        let mut measure = Self { pairs: 0, payload: 0, fields: 0, values: 0, same_fields: true };
        let mut others = first.iter();
        for (field, value) in entry.iter() {
            measure.pairs += 1;
            measure.payload += (field.len() + value.len()) as u64;
            measure.fields += string_size(field);
            measure.values += string_size(value);
            measure.same_fields = measure.same_fields && others.next().is_some_and(|(other, _)| other == field);
        }
        measure.same_fields = measure.same_fields && others.next().is_none();
        measure
    }
}

impl<'a> Node<'a> {
    /// A node with its first entry.
    pub(super) fn new(first: Measure) -> Self {
        // The counts of live and of deleted entries, the number of fields, the fields, and a 0.
        let size = LISTPACK_FRAME + 2 + 2 + integer_size(first.pairs) + first.fields + 2;
        let mut node = Self { bytes: saturate(size), total: 0, removed: None };
        node.grow(StreamId::ZERO, StreamId::ZERO, Measure { same_fields: true, ..first });
        node
    }

    /// The entry that was put into it first; `first` is the first that is there.
    pub(super) fn first<'n>(&'n self, first: &'n (StreamId, Fields<'a>)) -> &'n (StreamId, Fields<'a>) {
        self.removed.as_ref().and_then(|removed| removed.first.as_ref()).unwrap_or(first)
    }

    /// Puts one more entry into it if a server did (`streamAppendItem`), and says whether.
    pub(super) fn take(&mut self, first: StreamId, id: StreamId, entry: Measure) -> bool {
        let takes = self.total < MOST_ENTRIES && u64::from(self.bytes) + entry.payload < MOST_BYTES;
        if takes {
            self.grow(first, id, entry);
        }
        takes
    }

    fn grow(&mut self, first: StreamId, id: StreamId, entry: Measure) {
        let difference = |one: u64, other: u64| integer_size(one.wrapping_sub(other).cast_signed());
        // Flags and the id, then the values; the number of elements is the last of them.
        let id = difference(id.milliseconds, first.milliseconds) + difference(id.sequence, first.sequence);
        let (mut size, mut elements) = (2 + id + entry.values, 3 + entry.pairs);
        if !entry.same_fields {
            size += integer_size(entry.pairs) + entry.fields;
            elements += entry.pairs + 1;
        }
        self.bytes = saturate(u64::from(self.bytes) + size + integer_size(elements));
        self.total += 1;
        if let Some(removed) = &mut self.removed {
            removed.last = None;
        }
    }

    /// Notes that the first of the entries that were there is gone.
    pub(super) fn first_removed(&mut self, id: StreamId, fields: Fields<'a>) {
        self.removed.get_or_insert_default().first.get_or_insert((id, fields));
    }

    /// Notes that the last of the entries that were there is gone.
    pub(super) fn last_removed(&mut self, id: StreamId) {
        self.removed.get_or_insert_default().last.get_or_insert(id);
    }

    /// The last id that is in the node, of a deleted entry perhaps.
    pub(super) fn last_removed_id(&self) -> Option<StreamId> {
        self.removed.as_ref().and_then(|removed| removed.last)
    }
}

fn saturate(size: u64) -> u32 {
    u32::try_from(size).unwrap_or(u32::MAX)
}

/// The size of a string in a listpack, with its length after it.
fn string_size(string: &[u8]) -> u64 {
    if let Some(number) = parse_integer(string) {
        return integer_size(number);
    }
    let length = string.len() as u64;
    let size = match length {
        0..64 => 1,
        64..4096 => 2,
        _ => 5,
    } + length;
    size + match size {
        0..=127 => 1,
        128..16383 => 2,
        16383..2_097_151 => 3,
        2_097_151..268_435_455 => 4,
        _ => 5,
    }
}

/// The size of a number in a listpack, with its length after it.
const fn integer_size(number: i64) -> u64 {
    match number {
        0..=127 => 2,
        -4096..=4095 => 3,
        -32768..=32767 => 4,
        -8_388_608..=8_388_607 => 5,
        -2_147_483_648..=2_147_483_647 => 6,
        _ => 10,
    }
}
