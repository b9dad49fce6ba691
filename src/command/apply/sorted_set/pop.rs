//! The commands that pop members.

use super::is;
use crate::command::apply::{Call, Failure};

/// The end from which members are popped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Min,
    Max,
}

/// Pops members from the first of the keys that exists. It is not a failure if none does.
fn pop(call: &mut Call<'_, '_>, keys: &[&[u8]], end: End, count: i64) -> Result<(), Failure> {
    for key in keys {
        let Some(set) = call.sorted_set(key)? else { continue };
        let length = set.len();
        let count = usize::try_from(count).unwrap_or(0).min(length);
        set.remove_ranks(match end {
            End::Min => 0..count,
            End::Max => length - count..length,
        });
        if set.is_empty() {
            call.remove(key);
        }
        return Ok(());
    }
    Ok(())
}

/// `ZPOPMIN key [count]`
fn pop_from_one(call: &mut Call<'_, '_>, end: End) -> Result<(), Failure> {
    let count = match call.arguments_from(2) {
        [] => 1,
        [_] => call.integer(2)?,
        _ => return Err(Failure::Syntax),
    };
    if count < 0 {
        return Err(Failure::OutOfRange);
    }
    pop(call, &[call.argument(1)?], end, count)
}

/// `BZPOPMIN key … timeout`
fn pop_or_wait(call: &mut Call<'_, '_>, end: End) -> Result<(), Failure> {
    let (timeout, keys) = call.arguments_from(1).split_last().ok_or(Failure::Arity)?;
    call.check_timeout(timeout)?;
    pop(call, keys, end, 1)
}

/// `numkeys key … MIN|MAX [COUNT count]`, from an index on
fn pop_from_many(call: &mut Call<'_, '_>, index: usize) -> Result<(), Failure> {
    let number = call.integer(index)?;
    if number <= 0 {
        return Err(Failure::other("numkeys should be greater than 0"));
    }
    let number = usize::try_from(number).map_err(|_| Failure::Syntax)?;
    let (keys, options) = call.arguments_from(index + 1).split_at_checked(number).ok_or(Failure::Syntax)?;
    let (end, options) = options.split_first().ok_or(Failure::Syntax)?;
    let end = match end {
        end if is(end, "min") => End::Min,
        end if is(end, "max") => End::Max,
        _ => return Err(Failure::Syntax),
    };
    let count = match options {
        [] => 1,
        [word, _] if is(word, "count") => call.integer(call.arguments.len() - 1)?,
        _ => return Err(Failure::Syntax),
    };
    if count <= 0 {
        return Err(Failure::other("count should be greater than 0"));
    }
    pop(call, keys, end, count)
}

/// `ZPOPMIN key [count]`
pub(in crate::command) fn zpopmin(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    pop_from_one(call, End::Min)
}

/// `ZPOPMAX key [count]`
pub(in crate::command) fn zpopmax(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    pop_from_one(call, End::Max)
}

/// `BZPOPMIN key … timeout`
pub(in crate::command) fn bzpopmin(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    pop_or_wait(call, End::Min)
}

/// `BZPOPMAX key … timeout`
pub(in crate::command) fn bzpopmax(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    pop_or_wait(call, End::Max)
}

/// `ZMPOP numkeys key … MIN|MAX [COUNT count]`
pub(in crate::command) fn zmpop(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    pop_from_many(call, 1)
}

/// `BZMPOP timeout numkeys key … MIN|MAX [COUNT count]`
pub(in crate::command) fn bzmpop(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    call.check_timeout(call.argument(1)?)?;
    pop_from_many(call, 2)
}
