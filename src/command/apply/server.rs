//! The commands on whole databases.

use super::generic::database_number;
use super::{Call, Failure};
use crate::keyspace::Shard;

/// `FLUSHALL [ASYNC|SYNC]`. Functions stay.
pub(in crate::command) fn flushall(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    check_mode(call.arguments_from(1))?;
    call.shards().for_each(Shard::clear);
    Ok(())
}

/// `FLUSHDB [ASYNC|SYNC]`.
pub(in crate::command) fn flushdb(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    check_mode(call.arguments_from(1))?;
    let database = call.database;
    for shard in call.shards() {
        shard.database_mut(database).clear();
    }
    Ok(())
}

/// Checks the option ASYNC or SYNC.
pub(super) fn check_mode(words: &[&[u8]]) -> Result<(), Failure> {
    let is_mode = |word: &[u8]| word.eq_ignore_ascii_case(b"async") || word.eq_ignore_ascii_case(b"sync");
    match words {
        [] => Ok(()),
        [word] if is_mode(word) => Ok(()),
        _ => Err(Failure::Syntax),
    }
}

/// `SWAPDB database database`.
pub(in crate::command) fn swapdb(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    let (one, other) = (database_number(call.argument(1)?)?, database_number(call.argument(2)?)?);
    call.shards().for_each(|shard| shard.swap(one, other));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::testing::Replica;
    use super::*;

    #[test]
    fn databases_are_flushed_and_swapped() {
        let mut replica = Replica::default();
        replica.line("SET k 0").unwrap();
        replica.database = 3;
        replica.line("SET k 3").unwrap();
        replica.line("swapdb 3 0").unwrap();
        assert!(format!("{:?}", replica.value("k")).contains('0'));
        replica.line("SWAPDB 3 3").unwrap();
        replica.line("SWAPDB 3 7").unwrap();
        assert!(replica.value("k").is_none());
        assert!(replica.line("SWAPDB 0 -1").is_err());
        assert!(replica.line("SWAPDB 0 x").is_err());
        replica.database = 7;
        assert_eq!(replica.line("FLUSHDB NOW"), Err(Failure::Syntax));
        assert_eq!(replica.line("FLUSHALL SYNC ASYNC"), Err(Failure::Syntax));
        replica.line("FLUSHDB ASYNC").unwrap();
        assert!(replica.value("k").is_none());
        replica.database = 0;
        assert!(replica.value("k").is_some());
        replica.line("flushall sync").unwrap();
        assert!(replica.value("k").is_none());
    }
}
