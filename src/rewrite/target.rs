//! What a release must have so that data can be written for it, as commands or as an RDB.

use crate::server::{Product, Release, Since, redis};

/// Functions, and counters of streams.
pub(super) const FUNCTIONS_AND_COUNTERS: Since = redis(7, 0);

/// Fields of hashes that expire.
pub const FIELD_EXPIRY: Since = redis(7, 4).valkey(9, 0);

/// A command that sets fields together with the time at which they expire.
pub(super) const HSETEX: Since = redis(8, 0).valkey(9, 0);

/// Vector sets.
pub(super) const VECTOR_SETS: Since = redis(8, 0);

/// Streams that remember the idempotent ids of producers.
pub(super) const IDEMPOTENT_PRODUCERS: Since = redis(8, 6);

/// The last time at which a field can expire, in milliseconds of Unix time; negative where fields cannot expire at all.
///
/// Redis 7.4 to 8.6 refuse what does not fit in 46 bits (`HFE_MAX_ABS_TIME_MSEC`).
pub(super) const fn last_field_expiry(target: Release) -> i64 {
    match target.server().product() {
        _ if !FIELD_EXPIRY.includes(target) => -1,
        Product::Redis => (1 << 46) - 1,
        Product::Valkey => i64::MAX,
    }
}
