//! A small sorted set of longer names: a list in order.

use super::Limit;
use crate::value::{Bytes, hash_of};

/// Scores and names in order.
#[derive(Debug, Clone, Default)]
pub(super) struct Listed<'a> {
    entries: Vec<(f64, Bytes<'a>)>,
    /// A byte of each name's hash, so that few names have to be looked at, which are somewhere in the log.
    tags: Vec<u8>,
}

fn tag_of(name: &[u8]) -> u8 {
    u8::try_from(hash_of(name) & 0xff).unwrap_or_default()
}

impl<'a> Listed<'a> {
    pub(super) const fn len(&self) -> usize {
        self.entries.len()
    }

    fn find(&self, name: &[u8]) -> Option<usize> {
        let mut candidates = memchr::memchr_iter(tag_of(name), &self.tags);
        candidates.find(|index| self.entries.get(*index).is_some_and(|(_, held)| **held == *name))
    }

    pub(super) fn score(&self, name: &[u8]) -> Option<f64> {
        self.find(name).and_then(|index| self.entries.get(index)).map(|(score, _)| *score)
    }

    /// Gives a name that is there the score that `decide` makes of the one it has; that one, or what `decide` fails
    /// with.
    pub(super) fn change<E>(
        &mut self,
        name: &[u8],
        decide: impl FnOnce(f64) -> Result<Option<f64>, E>,
    ) -> Result<Option<f64>, E> {
        let Some(index) = self.find(name) else { return Ok(None) };
        let Some((old, _)) = self.entries.get(index) else { return Ok(None) };
        let old = *old;
        // A small set holds no -0.
        let score = decide(old)?.map(|score| score + 0.0);
        #[expect(clippy::float_cmp, reason = "servers compare so")]
        if let Some(score) = score.filter(|score| *score != old) {
            let (_, name) = self.take(index);
            self.add(name, score);
        }
        Ok(Some(old))
    }

    /// Puts in a name that is not there.
    pub(super) fn add(&mut self, name: Bytes<'a>, score: f64) {
        let place = self.entries.partition_point(|(held, other)| *held < score || *held <= score && *other <= name);
        if self.entries.len() == self.entries.capacity() {
            // Little more than what is needed: there may be millions of small sets.
            let more = 2 + self.entries.len() / 8;
            self.entries.reserve_exact(more);
            self.tags.reserve_exact(more);
        }
        self.tags.insert(place, tag_of(&name));
        self.entries.insert(place, (score, name));
    }

    /// Takes out the entry at an index, which there is.
    fn take(&mut self, index: usize) -> (f64, Bytes<'a>) {
        self.tags.remove(index);
        self.entries.remove(index)
    }

    pub(super) fn remove(&mut self, name: &[u8]) -> Option<f64> {
        let index = self.find(name)?;
        Some(self.take(index).0)
    }

    /// Makes the score of a name that is there -0.
    pub(super) fn negate(&mut self, name: &[u8]) {
        if let Some(index) = self.find(name) {
            let (_, name) = self.take(index);
            self.add(name, -0.0);
        }
    }

    pub(super) fn remove_ranks(&mut self, from: usize, to: usize) {
        if from < to && to <= self.entries.len() {
            self.entries.drain(from..to);
            self.tags.drain(from..to);
        }
    }

    /// How many entries are in front of a limit.
    pub(super) fn count_before(&self, limit: Limit<'_>) -> usize {
        self.entries.iter().take_while(|(score, name)| limit.is_behind(*score, name)).count()
    }

    pub(super) fn iter_from(&self, rank: usize) -> std::slice::Iter<'_, (f64, Bytes<'a>)> {
        self.entries.get(rank..).unwrap_or_default().iter()
    }

    pub(super) fn into_entries(self) -> Vec<(f64, Bytes<'a>)> {
        self.entries
    }
}
