//! Commands that empty databases, so that a person can go back to before them.

/// Flushes that are remembered: the last ones, as an accident is usually at the end of the log.
pub const FLUSHES: usize = 100;

/// A `FLUSHALL` or `FLUSHDB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flush {
    /// Where the command is.
    pub offset: u64,
    /// The number of its record, from 1.
    pub record: u64,
    /// The offset of the `MULTI` of its transaction, if it is in one.
    pub transaction: Option<u64>,
    /// The database that it empties; `None` for all of them.
    pub database: Option<u32>,
}

/// Adds a flush, and forgets the first one if there are too many.
pub(super) fn remember<F>(flushes: &mut Vec<F>, flush: F) {
    if flushes.len() == FLUSHES {
        flushes.remove(0);
    }
    flushes.push(flush);
}
