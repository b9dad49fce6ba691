//! The commands on keys of any type.

mod expire;
mod place;
mod sort;

pub(in crate::command) use expire::{expire, expireat, persist, pexpire, pexpireat};
pub(in crate::command) use place::{copy, r#move, rename, renamenx};
pub(in crate::command) use sort::sort;

use super::{Call, Failure};
use crate::resp::parse_integer;

/// `DEL key [key …]`, and UNLINK.
pub(in crate::command) fn del(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    call.argument(1)?;
    for key in call.arguments_from(1) {
        if call.is_local(key) {
            call.remove(key);
        }
    }
    Ok(())
}

/// `MIGRATE …` changes nothing: the log has a DEL for the keys that were moved away.
pub(in crate::command) fn migrate(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    call.argument(5).map(|_| ())
}

/// A database by its number. Any is accepted, because the number of databases depends on the server's configuration.
pub(super) fn database_number(text: &[u8]) -> Result<u32, Failure> {
    let number = parse_integer(text).and_then(|number| i32::try_from(number).ok()).ok_or(Failure::NotAnInteger)?;
    u32::try_from(number).map_err(|_| Failure::other("DB index is out of range"))
}

#[cfg(test)]
mod tests;
