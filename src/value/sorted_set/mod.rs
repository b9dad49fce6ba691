//! Sorted sets: names with a score each, in order of score and name.
//!
//! A small one is one string of bytes. A large one is a table, which finds a score by the name; the order is made when
//! it is first asked for, and kept from then on.

mod order;
mod packed;

use std::convert::Infallible;
use std::ops::Range;

use super::Bytes;
use super::members::{Members, Place, hash_of};
use crate::value::prefetch;
use order::Order;
use packed::Packed;

/// A sorted set: members, each with a score that is not NaN.
#[derive(Debug, Clone)]
pub struct SortedSet<'a>(Repr<'a>);

// Two words in all: the box fits beside the length of a buffer.
#[derive(Debug, Clone)]
enum Repr<'a> {
    Packed(Packed),
    Large(Box<Large<'a>>),
}

/// Servers keep up to so many members in a listpack (`zset-max-listpack-entries`), if no name is longer than
/// [`SMALL_NAME`] bytes (`zset-max-listpack-value`). There, and nowhere else, a score of -0
/// becomes 0, except in Redis 6.2: see [`SortedSet::negate_zero`].
const SMALL: usize = 128;
const SMALL_NAME: usize = 64;

#[derive(Debug, Clone, Default)]
struct Large<'a> {
    members: Members<'a, f64>,
    order: Option<Order>,
}

/// A place between scores or names.
#[derive(Debug, Clone, Copy)]
enum Limit<'l> {
    Score { score: f64, behind: bool },
    Name { name: &'l [u8], behind: bool },
}

impl Limit<'_> {
    /// Whether the place is after an entry.
    #[inline]
    fn is_behind(self, score: f64, name: &[u8]) -> bool {
        match self {
            Self::Score { score: limit, behind: false } => score < limit,
            Self::Score { score: limit, behind: true } => score <= limit,
            Self::Name { name: limit, behind: false } => name < limit,
            Self::Name { name: limit, behind: true } => name <= limit,
        }
    }
}

/// A range of scores, as `ZRANGEBYSCORE` has it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScoreRange {
    /// The lowest score.
    pub min: f64,
    /// Whether a score has to be higher than that (`(`).
    pub min_excluded: bool,
    /// The highest score.
    pub max: f64,
    /// Whether a score has to be lower than that (`(`).
    pub max_excluded: bool,
}

/// An end of a range of names, as `ZRANGEBYLEX` has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameEnd<'l> {
    /// `-`: before every name.
    First,
    /// `+`: after every name.
    Last,
    /// `[`: this name, which is in the range.
    Included(&'l [u8]),
    /// `(`: this name, which is not.
    Excluded(&'l [u8]),
}

/// A member's name, as a set keeps it.
#[derive(Debug, Clone, Copy)]
pub enum Name<'s, 'a> {
    /// Its bytes are part of others.
    Packed(&'s [u8]),
    /// It is a string of its own.
    Kept(&'s Bytes<'a>),
}

impl<'s, 'a> Name<'s, 'a> {
    /// The bytes.
    #[inline]
    pub fn as_slice(self) -> &'s [u8] {
        match self {
            Self::Packed(bytes) => bytes,
            Self::Kept(bytes) => bytes.as_slice(),
        }
    }

    /// A string of its own, which borrows from the log if this one does.
    #[inline]
    pub fn to_bytes(self) -> Bytes<'a> {
        match self {
            Self::Packed(bytes) => Bytes::copied(bytes),
            Self::Kept(bytes) => bytes.clone(),
        }
    }
}

impl Default for SortedSet<'_> {
    fn default() -> Self {
        Self(Repr::Packed(Packed::default()))
    }
}

impl<'a> SortedSet<'a> {
    /// An empty set that is about to get so many members. Servers choose the form of a set by that, as this does.
    pub fn for_count(count: usize) -> Self {
        if count > SMALL { Self(Repr::Large(Box::default())) } else { Self::default() }
    }

    /// A set of all of a table's members.
    pub(crate) fn from_members(members: Members<'a, f64>) -> Self {
        if members.len() > SMALL || members.iter().any(|(name, _)| name.len() > SMALL_NAME) {
            return Self(Repr::Large(Box::new(Large { members, order: None })));
        }
        let mut set = Self::default();
        for (name, score) in members.iter() {
            set.insert(name.clone(), *score);
        }
        set
    }

    /// A set of all of a table's members, with the signs of their zeros even if it is small: as Redis 6.2 makes one.
    pub(crate) fn from_signed_members(members: Members<'a, f64>) -> Self {
        let is_negative_zero = |score: &f64| *score == 0.0 && score.is_sign_negative();
        let negative: Vec<Bytes<'a>> =
            members.iter().filter(|(_, score)| is_negative_zero(score)).map(|(name, _)| name.clone()).collect();
        let mut set = Self::from_members(members);
        for name in &negative {
            set.negate_zero(name);
        }
        set
    }

    /// Makes a member's score -0 if it is 0 in a small set, where [`SortedSet::insert`] leaves 0 alone.
    pub fn negate_zero(&mut self, member: &[u8]) {
        if self.score(member) != Some(0.0) {
            return;
        }
        match &mut self.0 {
            Repr::Packed(packed) => {
                packed.remove(member);
                packed.add(member, -0.0);
            }
            Repr::Large(_) => {}
        }
    }

    /// How many members there are.
    pub fn len(&self) -> usize {
        match &self.0 {
            Repr::Packed(packed) => packed.len(),
            Repr::Large(large) => large.members.len(),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        match &self.0 {
            Repr::Packed(packed) => packed.len() == 0,
            Repr::Large(large) => large.members.is_empty(),
        }
    }

    /// Whether it is kept in one small piece of memory; says so without a look at that.
    #[inline]
    pub(super) const fn is_flat(&self) -> bool {
        matches!(self.0, Repr::Packed(_))
    }

    /// Whether it has the form that servers keep as a listpack.
    pub fn is_small(&self) -> bool {
        !matches!(&self.0, Repr::Large(_))
    }

    /// The score of a member.
    #[inline]
    pub fn score(&self, member: &[u8]) -> Option<f64> {
        match &self.0 {
            Repr::Packed(packed) => packed.score(member),
            Repr::Large(large) => large.members.get(member).copied(),
        }
    }

    /// Where a member probably is, if they are many.
    #[inline]
    pub(super) fn probe(&self, member: &[u8]) -> Option<u32> {
        match &self.0 {
            Repr::Large(large) => large.members.probe(member),
            Repr::Packed(_) => None,
        }
    }

    /// Brings the members into the cache, if they are few.
    #[inline]
    pub(super) fn prefetch_flat(&self) {
        match &self.0 {
            Repr::Packed(packed) => packed.prefetch(),
            Repr::Large(_) => {
                prefetch(self.len());
            }
        }
    }

    /// Brings what [`SortedSet::probe`] found into the cache.
    #[inline]
    pub(super) fn prefetch(&self, probe: u32) {
        if let Repr::Large(large) = &self.0 {
            prefetch(large.members.at(probe).map(|(_, score)| *score));
        }
    }

    /// Gives a member a score, which must not be NaN, and returns the one it had.
    ///
    /// As in a server, 0 and -0 are the same score: neither replaces the other, and a small set gets 0 alone.
    #[inline]
    pub fn insert(&mut self, member: Bytes<'a>, score: f64) -> Option<f64> {
        match self.update(member, |_| Ok::<_, Infallible>(Some(score))) {
            Ok(old) => old,
            Err(never) => match never {},
        }
    }

    /// Gives a member the score that `decide` makes of the one it has, if it has one; none leaves everything as it is.
    /// It must not be NaN. The score that it had is returned.
    ///
    /// # Errors
    /// What `decide` fails with.
    #[inline]
    pub fn update<E>(
        &mut self,
        member: Bytes<'a>,
        decide: impl FnOnce(Option<f64>) -> Result<Option<f64>, E>,
    ) -> Result<Option<f64>, E> {
        let mut decide = Some(decide);
        let mut decide = |old| decide.take().map_or(Ok(None), |decide| decide(old));
        let old = match &mut self.0 {
            Repr::Packed(packed) => packed.change(&member, |old| decide(Some(old)))?,
            Repr::Large(large) => return large.update(member, decide),
        };
        if old.is_none()
            && let Some(score) = decide(None)?
        {
            self.add(member, score);
        }
        Ok(old)
    }

    /// Puts in a member that is not there.
    fn add(&mut self, member: Bytes<'a>, score: f64) {
        match &mut self.0 {
            Repr::Packed(packed) if member.len() <= SMALL_NAME && packed.len() < SMALL => {
                packed.add(&member, score + 0.0);
            }
            Repr::Packed(packed) => {
                let mut large = Large::default();
                for (name, score) in packed.iter() {
                    large.members.insert(Bytes::copied(name), score);
                }
                large.add(member, score);
                self.0 = Repr::Large(Box::new(large));
            }
            Repr::Large(large) => large.add(member, score),
        }
    }

    /// Removes a member, and returns its score.
    #[inline]
    pub fn remove(&mut self, member: &[u8]) -> Option<f64> {
        match &mut self.0 {
            Repr::Packed(packed) => packed.remove(member),
            Repr::Large(large) => large.remove(member),
        }
    }

    /// The members in order: by score, and by name where scores are equal.
    ///
    /// A large set that nothing asked for its order is sorted for that, which takes twelve bytes a member meanwhile.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], f64)> {
        self.names_from(0).map(|(name, score)| (name.as_slice(), score))
    }

    /// The members in no particular order, which is the same at every run; it costs nothing to find.
    pub fn unordered(&self) -> impl Iterator<Item = (Name<'_, 'a>, f64)> {
        let (small, large) = match &self.0 {
            Repr::Large(large) => (None, Some(large.members.iter().map(|(name, score)| (Name::Kept(name), *score)))),
            Repr::Packed(_) => (Some(self.names_from(0)), None),
        };
        small.into_iter().flatten().chain(large.into_iter().flatten())
    }

    /// The members in order, as the set keeps them, from the one on that has `rank` before it.
    pub fn names_from(&self, rank: usize) -> impl Iterator<Item = (Name<'_, 'a>, f64)> {
        let mut skipped = rank;
        let mut entries = Entries { packed: None, ordered: None, sorted: None };
        match &self.0 {
            Repr::Packed(packed) => entries.packed = Some(packed.iter()),
            Repr::Large(large) => match &large.order {
                Some(order) => {
                    entries.ordered = Some((order.iter_from(rank), &large.members));
                    skipped = 0;
                }
                None => entries.sorted = Some((order::sorted(&large.members).into_iter(), &large.members)),
            },
        }
        entries.skip(skipped)
    }

    /// The ranks of the members whose scores are in a range.
    pub fn ranks_by_score(&mut self, range: ScoreRange) -> Range<usize> {
        let from = self.count_before(Limit::Score { score: range.min, behind: range.min_excluded });
        let to = self.count_before(Limit::Score { score: range.max, behind: !range.max_excluded });
        from..to.max(from)
    }

    /// The ranks of the members whose names are in a range, provided that all scores are the same; otherwise, as in a
    /// server, of whichever members a search comes upon.
    pub fn ranks_by_name(&mut self, min: NameEnd<'_>, max: NameEnd<'_>) -> Range<usize> {
        let from = match min {
            NameEnd::First => 0,
            NameEnd::Last => return 0..0,
            NameEnd::Included(name) => self.count_before(Limit::Name { name, behind: false }),
            NameEnd::Excluded(name) => self.count_before(Limit::Name { name, behind: true }),
        };
        let to = match max {
            NameEnd::First => return 0..0,
            NameEnd::Last => self.len(),
            NameEnd::Included(name) => self.count_before(Limit::Name { name, behind: true }),
            NameEnd::Excluded(name) => self.count_before(Limit::Name { name, behind: false }),
        };
        from..to.max(from)
    }

    fn count_before(&mut self, limit: Limit<'_>) -> usize {
        match &mut self.0 {
            Repr::Packed(packed) => packed.count_before(limit),
            Repr::Large(large) => large.count_before(limit),
        }
    }

    /// Removes the members of some ranks.
    pub fn remove_ranks(&mut self, ranks: Range<usize>) {
        let to = ranks.end.min(self.len());
        match &mut self.0 {
            Repr::Packed(packed) => packed.remove_ranks(ranks.start, to),
            Repr::Large(large) => large.remove_ranks(ranks.start, to),
        }
    }

    /// Makes the order, if the set is large and has none yet: what is asked of it from then on is quick.
    pub fn put_in_order(&mut self) {
        if let Repr::Large(large) = &mut self.0 {
            large.ordered();
        }
    }
}

impl<'a> Large<'a> {
    /// As [`SortedSet::update`].
    #[inline]
    fn update<E>(
        &mut self,
        member: Bytes<'a>,
        decide: impl FnOnce(Option<f64>) -> Result<Option<f64>, E>,
    ) -> Result<Option<f64>, E> {
        let index = match self.members.place_of(&member) {
            Place::Kept(index) => index,
            Place::Free(hash) => {
                if let Some(score) = decide(None)? {
                    self.push(hash, member, score);
                }
                return Ok(None);
            }
        };
        let Some(held) = self.members.at_mut(index) else { return Ok(None) };
        let old = *held;
        #[expect(clippy::float_cmp, reason = "servers compare so: a zero does not replace another")]
        let Some(score) = decide(Some(old))?.filter(|score| *score != old) else { return Ok(Some(old)) };
        let Some(order) = &mut self.order else {
            *held = score;
            return Ok(Some(old));
        };
        order.remove(old, &member, &self.members);
        if let Some(held) = self.members.at_mut(index) {
            *held = score;
        }
        order.insert(score, index, &self.members);
        Ok(Some(old))
    }

    /// Puts in a member that is not there.
    fn add(&mut self, member: Bytes<'a>, score: f64) {
        self.push(hash_of(&member), member, score);
    }

    /// Puts in a member that is not there, whose hash is known.
    #[inline]
    fn push(&mut self, hash: u64, member: Bytes<'a>, score: f64) {
        let index = self.members.push(hash, member, score);
        if let Some(order) = &mut self.order {
            order.insert(score, index, &self.members);
        }
    }

    fn remove(&mut self, member: &[u8]) -> Option<f64> {
        if self.order.is_none() {
            return self.members.remove(member).map(|(_, score)| score);
        }
        let index = self.members.index_of(member)?;
        let score = self.remove_at(index);
        self.close_gaps_if_many();
        score
    }

    fn remove_at(&mut self, index: u32) -> Option<f64> {
        if let Some(order) = &mut self.order {
            let (name, score) = self.members.at(index)?;
            order.remove(*score, name, &self.members);
        }
        self.members.remove_at(index).map(|(_, score)| score)
    }

    fn close_gaps_if_many(&mut self) {
        if !self.members.has_many_gaps() {
            return;
        }
        let ranks = self.members.close_gaps();
        if let Some(order) = &mut self.order {
            order.renumber(|old| ranks.before(old));
        }
    }

    fn ordered(&mut self) -> &Order {
        self.order.get_or_insert_with(|| Order::of(&self.members))
    }

    fn count_before(&mut self, limit: Limit<'_>) -> usize {
        self.ordered();
        let Some(order) = &self.order else { return 0 };
        match limit {
            Limit::Score { score, behind } => order.count_scores(score, behind),
            Limit::Name { .. } => order.count_before(|slot| {
                order::entry(&self.members, slot).is_some_and(|(name, score)| limit.is_behind(score, name))
            }),
        }
    }

    fn remove_ranks(&mut self, from: usize, to: usize) {
        let count = to.saturating_sub(from);
        if count > self.members.len() / 4 {
            let indexes: Vec<u32> = self.ordered().iter_from(from).take(count).map(order::Slot::index).collect();
            // Making the order anew, if it is ever asked for, costs less than following so many changes.
            self.order = None;
            for index in indexes {
                self.members.remove_at(index);
            }
        } else {
            for _ in 0..count {
                let Some(slot) = self.ordered().at(from) else { break };
                self.remove_at(slot.index());
            }
        }
        self.close_gaps_if_many();
    }
}

/// The members of a set in order; the form that the set has is the one that is not empty.
struct Entries<'s, 'a> {
    packed: Option<packed::Iter<'s>>,
    ordered: Option<(order::Iter<'s>, &'s Members<'a, f64>)>,
    sorted: Option<(std::vec::IntoIter<order::Slot>, &'s Members<'a, f64>)>,
}

impl<'s, 'a> Iterator for Entries<'s, 'a> {
    type Item = (Name<'s, 'a>, f64);

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(packed) = &mut self.packed {
            return packed.next().map(|(name, score)| (Name::Packed(name), score));
        }
        let (slot, members) = match (&mut self.ordered, &mut self.sorted) {
            (Some((slots, members)), _) => (slots.next()?, *members),
            (None, Some((slots, members))) => (slots.next()?, *members),
            (None, None) => return None,
        };
        order::entry(members, slot).map(|(name, score)| (Name::Kept(name), score))
    }
}

#[cfg(test)]
mod tests;
