//! Where records start: found by the hash of their first string.

use super::super::members::hash_of;
use super::super::table::{Positions, small};
use super::layout::{Record, Store};

/// How many tags there are at most, those of records that are no more among them.
const MOST_TAGS: usize = 512;
/// So many records at most get tags rather than a table.
const MOST_TAGGED: usize = MOST_TAGS / 4 * 3;
/// Of so many neighbouring records, it is known where the first one starts.
const STRIDE: usize = 8;

#[derive(Debug, Clone)]
pub(super) enum Index {
    /// Looking at each record is as quick.
    None,
    Tags(Tags),
    Table(Positions),
}

/// A byte of each record's hash, in the records' order: some hundred are searched at a few strokes.
#[derive(Debug, Clone, Default)]
pub(super) struct Tags {
    /// Zero for a record that is no more.
    tags: Vec<u8>,
    /// Where every [`STRIDE`]th record starts.
    marks: Vec<u16>,
}

impl Index {
    /// Whether so many records in so many bytes get tags.
    pub(super) const fn suits_tags(count: usize, bytes: usize) -> bool {
        count <= MOST_TAGGED && bytes <= u16::MAX as usize
    }

    /// Indexes the records from a position on, which are `count` without those that are no more.
    ///
    /// If they suit tags, none of them may be no more.
    pub(super) fn of<const CODES: usize>(store: &Store<'_, '_, CODES>, start: usize, count: usize) -> Self {
        let mut index = if Self::suits_tags(count, store.bytes.len()) {
            // The record that is added next is the one that is most often followed by others.
            let mut tags = Vec::new();
            tags.reserve_exact(count + count / 4);
            Self::Tags(Tags { tags, marks: Vec::with_capacity(count / STRIDE + 2) })
        } else {
            Self::Table(Positions::with_room_for(count))
        };
        let mut at = start;
        while let Some(record) = store.next_alive(at) {
            index.add(small(record.start()), hash_of(store.key(&record)));
            at = record.end();
        }
        index
    }

    #[inline]
    pub(super) const fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }

    /// Adds a record, which is the last one; `false` if there is no room, or no index.
    #[inline]
    pub(super) fn add(&mut self, start: u32, hash: u64) -> bool {
        match self {
            Self::None => false,
            Self::Tags(tags) => tags.add(start, hash),
            Self::Table(table) => table.add(hash, start),
        }
    }

    /// The record of a hash that is the one that is looked for.
    #[inline]
    pub(super) fn find<const CODES: usize>(
        &self,
        store: &Store<'_, '_, CODES>,
        hash: u64,
        is_it: impl Fn(&Record) -> bool,
    ) -> Option<Record> {
        match self {
            Self::None => None,
            Self::Tags(tags) => tags.find(store, hash, is_it).map(|(_, record)| record),
            Self::Table(table) => {
                let same = |at: u32| store.read(at as usize).is_some_and(|record| is_it(&record));
                store.read(table.find(hash, same)? as usize)
            }
        }
    }

    /// Where a record of a hash probably starts, if there is a table: looks at nothing else.
    #[inline]
    pub(super) fn probe(&self, hash: impl FnOnce() -> u64) -> Option<u32> {
        match self {
            Self::Table(table) => table.find(hash(), |_| true),
            Self::None | Self::Tags(_) => None,
        }
    }

    /// Removes the record of a hash that starts at a position.
    pub(super) fn remove<const CODES: usize>(&mut self, store: &Store<'_, '_, CODES>, hash: u64, start: usize) {
        match self {
            Self::None => {}
            Self::Tags(tags) => {
                if let Some((index, _)) = tags.find(store, hash, |record| record.start() == start)
                    && let Some(tag) = tags.tags.get_mut(index)
                {
                    *tag = 0;
                }
            }
            Self::Table(table) => table.remove(hash, small(start)),
        }
    }

    /// How much memory it takes beyond its own size, about.
    #[cfg(test)]
    pub(super) fn bytes_held(&self) -> usize {
        match self {
            Self::None => 0,
            Self::Tags(tags) => tags.tags.capacity() + 2 * tags.marks.capacity() + 16,
            Self::Table(table) => table.bytes_held(),
        }
    }
}

impl Tags {
    #[inline]
    fn tag(hash: u64) -> u8 {
        ((hash >> 56) as u8).max(1)
    }

    fn add(&mut self, start: u32, hash: u64) -> bool {
        let Ok(start) = u16::try_from(start) else { return false };
        if self.tags.len() >= MOST_TAGS {
            return false;
        }
        if self.tags.len().is_multiple_of(STRIDE) {
            self.marks.push(start);
        }
        if self.tags.len() == self.tags.capacity() {
            self.tags.reserve_exact(self.tags.len() / 4 + STRIDE);
        }
        self.tags.push(Self::tag(hash));
        true
    }

    /// The record that is looked for, and its number.
    #[inline]
    fn find<const CODES: usize>(
        &self,
        store: &Store<'_, '_, CODES>,
        hash: u64,
        is_it: impl Fn(&Record) -> bool,
    ) -> Option<(usize, Record)> {
        memchr::memchr_iter(Self::tag(hash), &self.tags).find_map(|index| {
            let mut record = store.read(usize::from(*self.marks.get(index / STRIDE)?))?;
            for _ in 0..index % STRIDE {
                record = store.read(record.end())?;
            }
            is_it(&record).then_some((index, record))
        })
    }
}
