//! The entries of a stream, and the counters beside them.

use super::blocks::{Block, Blocks, Taken};
use super::node::{Measure, Node};
use super::{Fields, StreamId};
use crate::value::prefetch;

/// The entries of a stream, and what it remembers of those it had.
#[derive(Debug, Clone, Default)]
pub struct Entries<'a> {
    /// A block is what a server has in one node.
    blocks: Blocks<Fields<'a>, Node<'a>>,
    last_id: StreamId,
    max_deleted_id: StreamId,
    added: u64,
}

/// How far a stream is trimmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// MAXLEN: to the newest so many entries.
    Length(usize),
    /// MINID: to the entries from an id on.
    From(StreamId),
}

/// How exactly a stream is trimmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precision {
    /// To the entry: `=`.
    Exact,
    /// By whole nodes, as a server would have them that had got every entry by a command: `~`.
    WholeNodes,
}

impl<'a> Entries<'a> {
    /// How many there are.
    pub const fn len(&self) -> usize {
        self.blocks.len()
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = (StreamId, &Fields<'a>)> {
        self.blocks.iter()
    }

    /// Brings what appending reads into the cache: both ends of the last block, and the fields of its first entry.
    #[inline]
    pub(in crate::value) fn prefetch_end(&self) {
        let Some(block) = self.blocks.back_block() else { return };
        if let Some((_, fields)) = block.items.front() {
            fields.prefetch();
        }
        prefetch(block.items.back().map(|(id, _)| *id));
    }

    /// Those from an id on, in order.
    pub fn iter_from(&self, id: StreamId) -> impl Iterator<Item = (StreamId, &Fields<'a>)> {
        self.blocks.iter_from(id)
    }

    /// The entry with an id.
    pub fn get(&self, id: StreamId) -> Option<&Fields<'a>> {
        self.blocks.get(id)
    }

    /// The id of the first entry; `0-0` if there is none.
    pub fn first_id(&self) -> StreamId {
        self.blocks.first().unwrap_or_default()
    }

    /// The greatest id of an entry that is there; `0-0` if there is none.
    pub fn top_id(&self) -> StreamId {
        self.blocks.last().unwrap_or_default()
    }

    /// The greatest id that was ever added, or was set.
    pub const fn last_id(&self) -> StreamId {
        self.last_id
    }

    /// The greatest id that was deleted; `0-0` if none was.
    pub const fn max_deleted_id(&self) -> StreamId {
        self.max_deleted_id
    }

    /// How many entries were ever added.
    pub const fn entries_added(&self) -> u64 {
        self.added
    }

    pub(super) const fn set_last_id(&mut self, id: StreamId) {
        self.last_id = id;
    }

    pub(super) const fn set_max_deleted_id(&mut self, id: StreamId) {
        self.max_deleted_id = id;
    }

    pub(super) const fn set_entries_added(&mut self, count: u64) {
        self.added = count;
    }

    pub(super) fn append(&mut self, id: StreamId, fields: Fields<'a>) -> bool {
        if id <= self.last_id || self.blocks.last().is_some_and(|last| id <= last) {
            return false;
        }
        let room = self.blocks.back_block_mut().and_then(|block| {
            let (first_id, first) = block.note.first(block.items.front()?);
            let (first_id, measure) = (*first_id, Measure::of(&fields, first));
            block.note.take(first_id, id, measure).then_some(())
        });
        if room.is_none() {
            self.blocks.push_block(Node::new(Measure::of(&fields, &fields)));
        }
        self.blocks.push_back(id, fields);
        self.last_id = id;
        self.added = self.added.wrapping_add(1);
        true
    }

    pub(super) fn remove(&mut self, id: StreamId) -> bool {
        let Some(taken) = self.blocks.remove(id) else { return false };
        note(taken);
        self.max_deleted_id = self.max_deleted_id.max(id);
        true
    }

    pub(super) fn trim(&mut self, bound: Bound, precision: Precision) -> usize {
        let before = self.len();
        while let Some(block) = self.blocks.block(0) {
            if !self.exceeds(bound, self.first_id()) {
                break;
            } else if self.goes_whole(block, bound) {
                self.blocks.pop_block();
            } else if precision == Precision::Exact {
                self.pop_front();
            } else {
                break;
            }
        }
        before - self.len()
    }

    /// Trims only what may go, entry by entry; nothing after `last` does (`streamTrim`, Redis 8.2).
    ///
    /// What stays counts for a length all the same. The node after one that could not have gone whole is not looked
    /// at.
    pub(super) fn trim_those(
        &mut self,
        bound: Bound,
        last: StreamId,
        mut may_go: impl FnMut(StreamId) -> bool,
    ) -> usize {
        let before = self.len();
        let mut number = 0;
        while let Some(block) = self.blocks.block(number) {
            let goes_whole = self.goes_whole(block, bound);
            let mut kept = 0;
            for _ in 0..block.items.len() {
                let Some((id, _)) = self.blocks.block(number).and_then(|block| block.items.get(kept)) else { break };
                let id = *id;
                if id > last || !self.exceeds(bound, id) {
                    return before - self.len();
                } else if !may_go(id) {
                    kept += 1;
                } else if let Some(taken) = self.blocks.remove_at(number, kept) {
                    note(taken);
                }
            }
            if !goes_whole {
                break;
            }
            // A block that has lost all of its entries is gone.
            number += usize::from(kept > 0);
        }
        before - self.len()
    }

    /// Whether an entry is too much, if it is the first.
    fn exceeds(&self, bound: Bound, id: StreamId) -> bool {
        match bound {
            Bound::Length(length) => self.len() > length,
            Bound::From(from) => id < from,
        }
    }

    /// Whether none of a node's entries is within the bound, if it is the first node.
    fn goes_whole(&self, block: &Block<Fields<'a>, Node<'a>>, bound: Bound) -> bool {
        match bound {
            Bound::Length(length) => self.len() - block.items.len() >= length,
            Bound::From(from) => block.note.last_removed_id().max(block.last()) < Some(from),
        }
    }

    fn pop_front(&mut self) {
        if let Some(taken) = self.blocks.pop_front() {
            note(taken);
        }
    }

    /// Whether an entry from an id on was deleted, as far as the greatest deleted id tells (`streamRangeHasTombstones`,
    /// Redis 7.2).
    pub fn have_tombstones_from(&self, id: StreamId) -> bool {
        !self.is_empty() && self.max_deleted_id != StreamId::ZERO && id <= self.max_deleted_id
    }

    /// How many entries were ever added up to an id, where that can be told
    /// (`streamEstimateDistanceFromFirstEverEntry`, Redis 8.0).
    pub fn distance_from_first(&self, id: StreamId) -> Option<u64> {
        if self.added == 0 {
            return Some(0);
        }
        if self.is_empty() && id <= self.last_id {
            return Some(self.added);
        }
        if id != StreamId::ZERO && id < self.max_deleted_id {
            return None;
        }
        if id >= self.last_id {
            return (id == self.last_id).then_some(self.added);
        }
        let first = self.first_id();
        if self.max_deleted_id == StreamId::ZERO || self.max_deleted_id < first {
            let before = self.added.wrapping_sub(self.len() as u64);
            return match id.cmp(&first) {
                std::cmp::Ordering::Less => Some(before),
                std::cmp::Ordering::Equal => Some(before.wrapping_add(1)),
                std::cmp::Ordering::Greater => None,
            };
        }
        None
    }

    /// How many nodes a server would have that had got every entry by a command: what XINFO STREAM calls
    /// radix-tree-keys.
    pub fn node_count(&self) -> usize {
        self.blocks.block_count()
    }
}

/// Notes in a node which of its entries is gone.
fn note<'a>(taken: Taken<'_, Fields<'a>, Node<'a>>) {
    let Some(node) = taken.note else { return };
    if taken.was_last {
        node.last_removed(taken.id);
    }
    if taken.was_first {
        node.first_removed(taken.id, taken.value);
    }
}
