//! The order of a large sorted set: a counted B+ tree of scores and indexes.
//!
//! An entry is twelve bytes, a leaf little larger than its entries. Names are looked up in the table that the indexes
//! are of, and only to tell equal scores apart.

use std::cmp::Ordering;

use crate::value::{Bytes, Members};

/// The most entries of a leaf.
const LEAF: usize = 128;
/// The most children of a branch.
const BRANCH: usize = 64;
/// How full nodes are made when all are made at once: room for some entries before they split.
const FILLED: usize = 3;
const OF: usize = 4;
/// A leaf is searched in steps of so many entries.
const STRIDE: usize = 16;
/// A leaf grows by so many entries at a time.
const GROWTH: usize = 16;

/// A score and the index of its member.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slot {
    // In halves, so that a slot takes twelve bytes, not sixteen.
    high: u32,
    low: u32,
    index: u32,
}

/// A score as a number that is ordered as the scores are; both zeros are the same.
#[inline]
const fn key_of(score: f64) -> u64 {
    let bits = (score + 0.0).to_bits();
    if bits >> 63 == 1 { !bits } else { bits | 1 << 63 }
}

impl Slot {
    #[inline]
    pub(super) const fn new(score: f64, index: u32) -> Self {
        let key = key_of(score);
        Self { high: (key >> 32) as u32, low: (key & 0xffff_ffff) as u32, index }
    }

    #[inline]
    const fn key(self) -> u64 {
        (self.high as u64) << 32 | self.low as u64
    }

    /// Where the member is.
    #[inline]
    pub(super) const fn index(self) -> u32 {
        self.index
    }

    /// Compares with a score and a member's name.
    #[inline]
    fn compare(self, key: u64, name: &[u8], members: &Members<'_, f64>) -> Ordering {
        self.key().cmp(&key).then_with(|| name_at(members, self.index).cmp(name))
    }
}

#[inline]
fn name_at<'m>(members: &'m Members<'_, f64>, index: u32) -> &'m [u8] {
    members.at(index).map_or(&[], |(name, _)| name.as_slice())
}

/// Every member in order.
pub(super) fn sorted(members: &Members<'_, f64>) -> Vec<Slot> {
    let mut slots = Vec::with_capacity(members.len());
    slots.extend(members.iter_indexed().map(|(index, _, score)| Slot::new(*score, index)));
    slots.sort_unstable_by(|one, other| one.compare(other.key(), name_at(members, other.index), members));
    slots
}

#[derive(Debug, Clone)]
enum Node {
    Leaf(Vec<Slot>),
    Branch(Vec<Child>),
}

/// A node, how many entries are below it, and the first of them.
#[derive(Debug, Clone)]
struct Child {
    first: Slot,
    count: u32,
    node: Node,
}

impl Child {
    fn new(node: Node) -> Option<Self> {
        let count = match &node {
            Node::Leaf(slots) => u32::try_from(slots.len()).unwrap_or(u32::MAX),
            Node::Branch(children) => children.iter().map(|child| child.count).sum(),
        };
        Some(Self { first: node.first()?, count, node })
    }
}

/// A score and member to look for, with what tells the names.
#[derive(Clone, Copy)]
struct Target<'t, 'a> {
    key: u64,
    name: &'t [u8],
    members: &'t Members<'a, f64>,
}

impl Target<'_, '_> {
    fn is_behind(&self, slot: Slot) -> bool {
        slot.compare(self.key, self.name, self.members).is_lt()
    }

    fn is_before(&self, slot: Slot) -> bool {
        slot.compare(self.key, self.name, self.members).is_gt()
    }

    /// How many slots of a leaf are before it.
    ///
    /// The leaf is probably not in the cache. Halving it, as one would, waits for one line after the other; this looks
    /// at every few slots, all at once, and then at the few between two of them.
    #[inline]
    fn place_in(&self, slots: &[Slot]) -> usize {
        let lower = |slot: &Slot| usize::from(slot.key() < self.key);
        let strides = slots.chunks_exact(STRIDE).filter_map(<[Slot]>::last).map(lower).sum::<usize>();
        let from = strides * STRIDE;
        let few = slots.get(from..).unwrap_or_default();
        let place = from + few.iter().take(STRIDE).map(lower).sum::<usize>();
        // Names are compared where scores are equal alone.
        let rest = slots.get(place..).unwrap_or_default();
        if rest.first().is_some_and(|slot| slot.key() == self.key) {
            return place + rest.partition_point(|slot| self.is_behind(*slot));
        }
        place
    }
}

/// The order of the members of a table, which it must be told of every change.
#[derive(Debug, Clone)]
pub(super) struct Order {
    root: Node,
}

impl Order {
    /// The order of all members.
    pub(super) fn of(members: &Members<'_, f64>) -> Self {
        let mut slots = sorted(members);
        let mut nodes = Vec::with_capacity(slots.len() / (LEAF * FILLED / OF) + 1);
        // From the end, so that the list can give its memory back meanwhile.
        while !slots.is_empty() {
            let leaf = slots.split_off(slots.len().saturating_sub(LEAF * FILLED / OF));
            nodes.extend(Child::new(Node::Leaf(leaf)));
            if slots.capacity() - slots.len() > (slots.len() / 8).max(1 << 16) {
                slots.shrink_to_fit();
            }
        }
        nodes.reverse();
        while nodes.len() > BRANCH {
            let mut branches = Vec::with_capacity(nodes.len() / (BRANCH * FILLED / OF) + 1);
            while !nodes.is_empty() {
                let branch = nodes.split_off(nodes.len().saturating_sub(BRANCH * FILLED / OF));
                branches.extend(Child::new(Node::Branch(branch)));
            }
            branches.reverse();
            nodes = branches;
        }
        Self { root: Node::Branch(nodes).without_only_child() }
    }

    /// Puts a member in, which is in the table already.
    pub(super) fn insert(&mut self, score: f64, index: u32, members: &Members<'_, f64>) {
        let target = Target { key: key_of(score), name: name_at(members, index), members };
        if let Some(right) = self.root.insert(Slot::new(score, index), target) {
            let left = std::mem::replace(&mut self.root, Node::Leaf(Vec::new()));
            let children = [Child::new(left), Child::new(right)].into_iter().flatten().collect();
            self.root = Node::Branch(children);
        }
    }

    /// Removes a member, which is in the table still.
    pub(super) fn remove(&mut self, score: f64, name: &[u8], members: &Members<'_, f64>) {
        self.root.remove(Target { key: key_of(score), name, members });
        let root = std::mem::replace(&mut self.root, Node::Leaf(Vec::new()));
        self.root = root.without_only_child();
    }

    /// Notes that every member is at another index, which `new` makes of the old one.
    pub(super) fn renumber(&mut self, new: impl Fn(u32) -> u32) {
        self.root.renumber(&new);
    }

    /// How many entries are before the first that is not `before`, which no later entry is then.
    pub(super) fn count_before(&self, before: impl Fn(Slot) -> bool) -> usize {
        let (mut node, mut count) = (&self.root, 0);
        loop {
            match node {
                Node::Leaf(slots) => return count + slots.partition_point(|slot| before(*slot)),
                Node::Branch(children) => {
                    let last = children.partition_point(|child| before(child.first)).saturating_sub(1);
                    count += children.iter().take(last).map(|child| child.count as usize).sum::<usize>();
                    let Some(child) = children.get(last) else { return count };
                    node = &child.node;
                }
            }
        }
    }

    /// How many entries have a score that is `before`, which no higher one is then.
    pub(super) fn count_scores(&self, limit: f64, included: bool) -> usize {
        let limit = key_of(limit);
        self.count_before(|slot| if included { slot.key() <= limit } else { slot.key() < limit })
    }

    /// The entry that has `rank` before it.
    pub(super) fn at(&self, rank: usize) -> Option<Slot> {
        self.iter_from(rank).next()
    }

    /// The entries that have `rank` and more before them.
    pub(super) fn iter_from(&self, mut rank: usize) -> Iter<'_> {
        let mut iter = Iter { branches: Vec::new(), leaf: [].iter() };
        let mut node = &self.root;
        loop {
            match node {
                Node::Leaf(slots) => {
                    iter.leaf = slots.get(rank..).unwrap_or_default().iter();
                    return iter;
                }
                Node::Branch(children) => {
                    let mut children = children.iter();
                    let mut found = None;
                    for child in children.by_ref() {
                        if rank < child.count as usize {
                            found = Some(&child.node);
                            break;
                        }
                        rank -= child.count as usize;
                    }
                    iter.branches.push(children);
                    let Some(found) = found else { return iter };
                    node = found;
                }
            }
        }
    }
}

impl Node {
    fn first(&self) -> Option<Slot> {
        match self {
            Self::Leaf(slots) => slots.first().copied(),
            Self::Branch(children) => children.first().map(|child| child.first),
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Leaf(slots) => slots.len(),
            Self::Branch(children) => children.len(),
        }
    }

    const fn most(&self) -> usize {
        match self {
            Self::Leaf(_) => LEAF,
            Self::Branch(_) => BRANCH,
        }
    }

    /// What a root comes down to when it branches no more.
    fn without_only_child(mut self) -> Self {
        loop {
            match self {
                Self::Branch(children) if children.len() <= 1 => {
                    self = children.into_iter().next().map_or(Self::Leaf(Vec::new()), |child| child.node);
                }
                other => return other,
            }
        }
    }

    /// The right half, if it has to split.
    fn insert(&mut self, slot: Slot, target: Target<'_, '_>) -> Option<Self> {
        match self {
            Self::Leaf(slots) => {
                let place = target.place_in(slots);
                if slots.len() < LEAF {
                    insert_into_leaf(slots, place, slot);
                    return None;
                }
                // What only grows at its end leaves full leaves behind.
                let half = if place == LEAF { LEAF } else { LEAF / 2 };
                let mut right = slots.split_off(half);
                slots.shrink_to_fit();
                match place.checked_sub(half) {
                    Some(place) => insert_into_leaf(&mut right, place, slot),
                    None => insert_into_leaf(slots, place, slot),
                }
                Some(Self::Leaf(right))
            }
            Self::Branch(children) => {
                let place = child_of(children, target);
                let child = children.get_mut(place)?;
                let right = child.node.insert(slot, target).and_then(Child::new);
                child.first = child.node.first()?;
                child.count = child.count + 1 - right.as_ref().map_or(0, |right| right.count);
                children.insert(place + 1, right?);
                if children.len() <= BRANCH {
                    return None;
                }
                let half = if place + 2 == children.len() { BRANCH * FILLED / OF } else { BRANCH / 2 };
                Some(Self::Branch(children.split_off(half)))
            }
        }
    }

    /// Whether it was there.
    fn remove(&mut self, target: Target<'_, '_>) -> bool {
        match self {
            Self::Leaf(slots) => {
                let place = target.place_in(slots);
                let found = slots.get(place).is_some_and(|slot| !target.is_before(*slot));
                if found {
                    slots.remove(place);
                }
                found
            }
            Self::Branch(children) => {
                let place = child_of(children, target);
                let Some(child) = children.get_mut(place) else { return false };
                if !child.node.remove(target) {
                    return false;
                }
                child.count -= 1;
                match child.node.first() {
                    None => drop(children.remove(place)),
                    Some(first) => {
                        child.first = first;
                        if child.node.len() < child.node.most() / 4 {
                            merge(children, place);
                        }
                    }
                }
                true
            }
        }
    }

    fn renumber(&mut self, new: &impl Fn(u32) -> u32) {
        match self {
            Self::Leaf(slots) => slots.iter_mut().for_each(|slot| slot.index = new(slot.index)),
            Self::Branch(children) => {
                for child in children {
                    child.first.index = new(child.first.index);
                    child.node.renumber(new);
                }
            }
        }
    }
}

fn insert_into_leaf(slots: &mut Vec<Slot>, place: usize, slot: Slot) {
    if slots.len() == slots.capacity() {
        slots.reserve_exact(GROWTH);
    }
    slots.insert(place.min(slots.len()), slot);
}

/// The child that holds a target, or would.
fn child_of(children: &[Child], target: Target<'_, '_>) -> usize {
    children.partition_point(|child| !target.is_before(child.first)).saturating_sub(1)
}

/// Joins a small child with a neighbour, if both fit into one node with some room left.
fn merge(children: &mut Vec<Child>, place: usize) {
    let fits = |left: usize| {
        let (left, right) = (children.get(left)?, children.get(left + 1)?);
        (left.node.len() + right.node.len() <= left.node.most() * FILLED / OF).then_some(())
    };
    let left = match place.checked_sub(1).filter(|left| fits(*left).is_some()) {
        Some(left) => left,
        None if fits(place).is_some() => place,
        None => return,
    };
    let right = children.remove(left + 1);
    let Some(child) = children.get_mut(left) else { return };
    child.count += right.count;
    match (&mut child.node, right.node) {
        (Node::Leaf(slots), Node::Leaf(more)) => {
            slots.reserve_exact(more.len());
            slots.extend(more);
        }
        (Node::Branch(nodes), Node::Branch(more)) => nodes.extend(more),
        // All leaves are equally deep.
        _ => {}
    }
}

/// Entries in order.
#[derive(Debug, Clone)]
pub(super) struct Iter<'o> {
    /// What is left of the branches above the leaf, the root's first.
    branches: Vec<std::slice::Iter<'o, Child>>,
    leaf: std::slice::Iter<'o, Slot>,
}

impl Iterator for Iter<'_> {
    type Item = Slot;

    #[inline]
    fn next(&mut self) -> Option<Slot> {
        loop {
            if let Some(slot) = self.leaf.next() {
                return Some(*slot);
            }
            match self.branches.last_mut()?.next() {
                None => drop(self.branches.pop()),
                Some(Child { node: Node::Leaf(slots), .. }) => self.leaf = slots.iter(),
                Some(Child { node: Node::Branch(children), .. }) => self.branches.push(children.iter()),
            }
        }
    }
}

/// The members of a table with its order, from a rank on.
pub(super) fn entry<'m, 'a>(members: &'m Members<'a, f64>, slot: Slot) -> Option<(&'m Bytes<'a>, f64)> {
    members.at(slot.index()).map(|(name, score)| (name, *score))
}
