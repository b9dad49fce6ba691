//! How keys are divided among shards, of which each thread of a replay has one.

use std::fmt;

use super::Key;

/// Which shard has which keys.
///
/// Keys fall into buckets by their hash, and each bucket is in one shard. So the few keys that most commands are about
/// can be given to different shards, without a look at each key.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Partitioning {
    /// The shard of each bucket.
    shards: [u8; Self::BUCKETS],
}

impl fmt::Debug for Partitioning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Partitioning").finish_non_exhaustive()
    }
}

impl Default for Partitioning {
    /// All keys in the shard of index 0.
    fn default() -> Self {
        Self { shards: [0; Self::BUCKETS] }
    }
}

impl Partitioning {
    /// How many buckets there are: enough to hold busy keys apart, few enough to stay in the processor's cache.
    pub(crate) const BUCKETS: usize = 1024;
    /// The most shards that there can be.
    pub(crate) const MOST_SHARDS: usize = 64;

    /// As many shards as `count`, up to [`Partitioning::MOST_SHARDS`], with about the same weight each.
    ///
    /// `weights` are those of the buckets; what they are does not change any result, only how busy each shard is.
    pub(crate) fn balanced(count: usize, weights: &[u64; Self::BUCKETS]) -> Self {
        let mut partitioning = Self::default();
        let mut loads = vec![0_u64; count.clamp(1, Self::MOST_SHARDS)];
        let mut heaviest_first: Vec<(usize, u64)> = weights.iter().copied().enumerate().collect();
        heaviest_first.sort_by_key(|(_, weight)| std::cmp::Reverse(*weight));
        for (bucket, weight) in heaviest_first {
            // One more than its weight, so that buckets without any are spread as well.
            let lightest = (0_u8..).zip(&mut loads).min_by_key(|(_, load)| **load);
            if let (Some((index, load)), Some(shard)) = (lightest, partitioning.shards.get_mut(bucket)) {
                *load += weight + 1;
                *shard = index;
            }
        }
        partitioning
    }

    /// The bucket of a key.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "the lowest bits: the table of a database takes those above")]
    pub(crate) const fn bucket_of(key: Key<'_>) -> usize {
        key.hash as usize % Self::BUCKETS
    }

    /// The index of the shard that has a key.
    #[inline]
    pub(crate) fn shard_of(&self, key: Key<'_>) -> usize {
        self.shards.get(Self::bucket_of(key)).copied().map_or(0, usize::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loads(partitioning: &Partitioning, weights: &[u64; Partitioning::BUCKETS]) -> Vec<u64> {
        let mut loads = vec![0; 1 + usize::from(*partitioning.shards.iter().max().unwrap())];
        for (shard, weight) in partitioning.shards.iter().zip(weights) {
            loads[usize::from(*shard)] += weight;
        }
        loads
    }

    #[test]
    fn without_weights_every_shard_has_as_many_buckets() {
        let partitioning = Partitioning::balanced(4, &[0; Partitioning::BUCKETS]);
        assert_eq!(loads(&partitioning, &[1; Partitioning::BUCKETS]), [256; 4]);
    }

    #[test]
    fn busy_buckets_are_held_apart() {
        let mut weights = [1; Partitioning::BUCKETS];
        for bucket in [4, 8, 12] {
            weights[bucket] = 10_000;
        }
        weights[8] = 20_000;
        let loads = loads(&Partitioning::balanced(2, &weights), &weights);
        assert!(loads[0].abs_diff(loads[1]) <= 1, "{loads:?}");
    }

    #[test]
    fn there_are_never_more_shards_than_can_be_told_apart() {
        let loads = loads(&Partitioning::balanced(1000, &[0; Partitioning::BUCKETS]), &[1; Partitioning::BUCKETS]);
        assert_eq!(loads, [16; Partitioning::MOST_SHARDS]);
    }
}
