//! Finding a member that occurs twice, with eight bytes of memory for each.

use std::collections::HashSet;

/// A check does not search larger collections: 16 MiB of hashes are as much as it may take.
const LIMIT: usize = 1 << 21;

/// The hashes of the members seen so far, kept from one collection to the next for its memory.
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

    /// Takes a member in.
    #[inline]
    pub(super) fn add(&mut self, member: &[u8]) {
        if self.hashes.len() <= self.limit {
            self.hashes.push(hash(member));
        }
    }

    /// Whether any two members have one hash, and so have to be looked at again with [`Again`].
    pub(super) fn suspicious(&mut self) -> bool {
        if self.hashes.len() > self.limit {
            return false;
        }
        self.hashes.sort_unstable();
        self.hashes.array_windows().any(|[one, other]| one == other)
    }

    /// A second look, once [`Members::suspicious`] said so.
    pub(super) fn again(&self) -> Again<'_> {
        let twice = |pair: &[u64; 2]| (pair[0] == pair[1]).then_some(pair[0]);
        Again { hashes: self.hashes.array_windows().filter_map(twice).collect(), seen: HashSet::new(), members: self }
    }
}

/// The second look at members: only those whose hash occurs twice are kept and compared.
pub(super) struct Again<'m> {
    hashes: HashSet<u64>,
    seen: HashSet<Vec<u8>>,
    members: &'m Members,
}

impl Again<'_> {
    /// Whether this member was there before.
    pub(super) fn repeats(&mut self, member: &[u8]) -> bool {
        debug_assert!(!self.members.hashes.is_empty());
        self.hashes.contains(&hash(member)) && !self.seen.insert(member.to_vec())
    }
}

/// A quick hash: what matters is that it spreads, since equal hashes are looked at again.
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
