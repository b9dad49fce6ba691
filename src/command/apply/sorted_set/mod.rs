//! The commands on sorted sets.

mod add;
mod combine;
mod pop;
mod range;

pub(super) use add::{Existing, Options, add_pairs};
pub(in crate::command) use add::{zadd, zincrby, zrem};
pub(in crate::command) use combine::{zdiffstore, zinterstore, zunionstore};
pub(in crate::command) use pop::{bzmpop, bzpopmax, bzpopmin, zmpop, zpopmax, zpopmin};
pub(in crate::command) use range::{zrangestore, zremrangebylex, zremrangebyrank, zremrangebyscore};

use super::Call;
use crate::value::{SortedSet, Value};

/// Whether an argument is `word`, in any letter case.
pub(super) fn is(argument: &[u8], word: &str) -> bool {
    argument.eq_ignore_ascii_case(word.as_bytes())
}

/// Sets the value of a key; an empty result deletes the key.
pub(super) fn store<'a>(call: &mut Call<'_, 'a>, key: &'a [u8], result: SortedSet<'a>) {
    if result.is_empty() {
        call.remove(key);
    } else {
        call.put(key, Value::SortedSet(result));
    }
}

#[cfg(test)]
mod tests;
