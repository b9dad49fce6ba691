//! The commands that move and copy keys to other names and databases.

use super::super::{Call, Failure};
use super::database_number;
use crate::value::DataType;

/// Calls `act` with another database selected.
fn within<'c, 'a, R>(call: &mut Call<'c, 'a>, database: u32, act: impl FnOnce(&mut Call<'c, 'a>) -> R) -> R {
    let selected = std::mem::replace(&mut call.database, database);
    let result = act(call);
    call.database = selected;
    result
}

/// `RENAME key name`.
pub(in crate::command) fn rename(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    let (key, name) = (call.argument(1)?, call.argument(2)?);
    if !call.exists(key) {
        return Err(Failure::NoSuchKey);
    }
    if key != name
        && let Some(entry) = call.remove(key)
    {
        call.put_expiring(name, entry.value, entry.expiry);
    }
    Ok(())
}

/// `RENAMENX key name`.
pub(in crate::command) fn renamenx(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    let (key, name) = (call.argument(1)?, call.argument(2)?);
    if !call.exists(key) {
        return Err(Failure::NoSuchKey);
    }
    if call.exists(name) { Ok(()) } else { rename(call) }
}

/// `MOVE key database`.
pub(in crate::command) fn r#move(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    let (key, database) = (call.argument(1)?, database_number(call.argument(2)?)?);
    if database == call.database {
        return Err(SAME);
    }
    if within(call, database, |call| call.exists(key)) {
        return Ok(());
    }
    if let Some(entry) = call.remove(key) {
        within(call, database, |call| call.put_expiring(key, entry.value, entry.expiry));
    }
    Ok(())
}

const SAME: Failure = Failure::other("source and destination objects are the same");

/// `COPY key copy [DB database] [REPLACE]`.
pub(in crate::command) fn copy(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    let (key, copy) = (call.argument(1)?, call.argument(2)?);
    let (mut database, mut replace) = (call.database, false);
    let mut words = call.arguments_from(3);
    while let Some((word, rest)) = words.split_first() {
        words = match *rest {
            [number, ref rest @ ..] if word.eq_ignore_ascii_case(b"db") => {
                database = database_number(number)?;
                rest
            }
            _ if word.eq_ignore_ascii_case(b"replace") => {
                replace = true;
                rest
            }
            _ => return Err(Failure::Syntax),
        };
    }
    if database == call.database && key == copy {
        return Err(SAME);
    }
    if !replace && within(call, database, |call| call.exists(copy)) {
        return Ok(());
    }
    if let Some(entry) = call.entry(key) {
        // The vector set module does not implement copying.
        if entry.value.data_type() == Some(DataType::VectorSet) {
            return Err(Failure::other("not supported for this module key"));
        }
        let (value, expiry) = (entry.value.clone(), entry.expiry());
        within(call, database, |call| call.put_expiring(copy, value, expiry));
    }
    Ok(())
}
