//! How keys are divided among shares, of which each thread of a replay has one.

use super::Key;

/// Which share has which keys.
///
/// Keys fall into buckets by their hash, and each bucket is in one share. So a few keys that most commands are about
/// can be given to different shares, without a look at each key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Division {
    /// The share of each bucket.
    shares: [u8; Self::BUCKETS],
}

impl Division {
    /// How many buckets there are: enough to hold busy keys apart, few enough to stay in the processor's cache.
    pub const BUCKETS: usize = 1024;
    /// The most shares that there can be.
    pub const MOST_SHARES: usize = 64;

    /// All keys in the share of index 0.
    pub const fn undivided() -> Self {
        Self { shares: [0; Self::BUCKETS] }
    }

    /// As many shares as `count`, up to [`Division::MOST_SHARES`], with about the same weight each.
    ///
    /// `weights` are those of the buckets; what they are does not change any result, only how busy each share is.
    pub fn balanced(count: usize, weights: &[u64; Self::BUCKETS]) -> Self {
        let mut division = Self::undivided();
        let mut loads = vec![0_u64; count.clamp(1, Self::MOST_SHARES)];
        let mut heaviest_first: Vec<(usize, u64)> = weights.iter().copied().enumerate().collect();
        heaviest_first.sort_by_key(|(_, weight)| std::cmp::Reverse(*weight));
        for (bucket, weight) in heaviest_first {
            // One more than its weight, so that buckets without any are spread as well.
            let lightest = (0_u8..).zip(&mut loads).min_by_key(|(_, load)| **load);
            if let (Some((index, load)), Some(share)) = (lightest, division.shares.get_mut(bucket)) {
                *load += weight + 1;
                *share = index;
            }
        }
        division
    }

    /// The bucket of a key.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "the lowest bits: the table of a database takes those above")]
    pub const fn bucket_of(key: Key<'_>) -> usize {
        key.hash as usize % Self::BUCKETS
    }

    /// The index of the share that has a key.
    #[inline]
    pub fn share_of(&self, key: Key<'_>) -> usize {
        self.shares.get(Self::bucket_of(key)).copied().map_or(0, usize::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loads(division: &Division, weights: &[u64; Division::BUCKETS]) -> Vec<u64> {
        let mut loads = vec![0; 1 + usize::from(*division.shares.iter().max().unwrap())];
        for (share, weight) in division.shares.iter().zip(weights) {
            loads[usize::from(*share)] += weight;
        }
        loads
    }

    #[test]
    fn without_weights_every_share_has_as_many_buckets() {
        let division = Division::balanced(4, &[0; Division::BUCKETS]);
        assert_eq!(loads(&division, &[1; Division::BUCKETS]), [256; 4]);
    }

    #[test]
    fn busy_buckets_are_held_apart() {
        let mut weights = [1; Division::BUCKETS];
        for bucket in [4, 8, 12] {
            weights[bucket] = 10_000;
        }
        weights[8] = 20_000;
        let loads = loads(&Division::balanced(2, &weights), &weights);
        assert!(loads[0].abs_diff(loads[1]) <= 1, "{loads:?}");
    }

    #[test]
    fn there_are_never_more_shares_than_can_be_told_apart() {
        let loads = loads(&Division::balanced(1000, &[0; Division::BUCKETS]), &[1; Division::BUCKETS]);
        assert_eq!(loads, [16; Division::MOST_SHARES]);
    }
}
