//! Detection of duplicate members, with eight bytes of memory for each member.

use std::collections::HashSet;

/// A check does not search larger collections, because the hashes would take more than 16 MiB.
const LIMIT: usize = 1 << 21;

/// The hashes of the members so far. It is reused for the next collection, for its memory.
#[derive(Debug)]
pub(super) struct Members {
    hashes: Vec<u64>,
    limit: usize,
}

impl Default for Members {
    fn default() -> Self {
        Self { hashes: Vec::new(), limit: LIMIT }
    }
}

impl Members {
    /// Searches collections of any size, for a caller that keeps all of them in memory anyway.
    pub(super) const fn unlimited() -> Self {
        Self { hashes: Vec::new(), limit: usize::MAX }
    }

    /// Forgets all members.
    pub(super) fn clear(&mut self) {
        self.hashes.clear();
    }

    /// Adds a member.
    #[inline]
    pub(super) fn add(&mut self, member: &[u8]) {
        if self.hashes.len() <= self.limit {
            self.hashes.push(hash(member));
        }
    }

    /// Whether two members have the same hash, so that a second pass must compare them.
    pub(super) fn have_equal_hashes(&mut self) -> bool {
        if self.hashes.len() > self.limit {
            return false;
        }
        self.hashes.sort_unstable();
        self.hashes.array_windows().any(|[one, other]| one == other)
    }

    /// Begins the second pass, if [`Members::have_equal_hashes`].
    pub(super) fn second_pass(&self) -> SecondPass<'_> {
        let twice = |pair: &[u64; 2]| (pair[0] == pair[1]).then_some(pair[0]);
        SecondPass {
            hashes: self.hashes.array_windows().filter_map(twice).collect(),
            before: HashSet::new(),
            members: self,
        }
    }
}

/// The second pass over members, which keeps and compares those whose hash occurs twice.
pub(super) struct SecondPass<'m> {
    hashes: HashSet<u64>,
    before: HashSet<Vec<u8>>,
    members: &'m Members,
}

impl SecondPass<'_> {
    /// Whether this member occurred before.
    pub(super) fn repeats(&mut self, member: &[u8]) -> bool {
        debug_assert!(!self.members.hashes.is_empty());
        self.hashes.contains(&hash(member)) && !self.before.insert(member.to_vec())
    }
}

/// A fast hash. Collisions only cost a second pass.
#[inline]
fn hash(bytes: &[u8]) -> u64 {
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let fold = |state: u64, word: u64| {
        let state = (state ^ word).wrapping_mul(FACTOR);
        state ^ state >> 32
    };
    let (words, tail) = bytes.as_chunks::<8>();
    let mut state = (bytes.len() as u64).wrapping_add(FACTOR).rotate_left(23);
    for word in words {
        state = fold(state, u64::from_le_bytes(*word)).wrapping_add(FACTOR);
    }
    let last = tail.iter().fold(1_u64, |word, byte| word << 8 | u64::from(*byte));
    fold(fold(state, last), FACTOR.rotate_left(32))
}
