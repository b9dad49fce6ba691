//! The commands on `HyperLogLog`s.

use super::{Call, Failure};
use crate::value::hyperloglog::{self, Corrupted, REGISTERS};
use crate::value::{Bytes, Value};

const CORRUPTED: Failure = Failure::other("INVALIDOBJ Corrupted HLL object detected");
const NONE_SUCH: Failure = Failure::other("WRONGTYPE Key is not a valid HyperLogLog string value.");

impl From<Corrupted> for Failure {
    fn from(_: Corrupted) -> Self {
        CORRUPTED
    }
}

/// A key's value, which must be a `HyperLogLog`.
fn sketch<'k, 'a>(call: &'k mut Call<'_, 'a>, key: &[u8]) -> Result<Option<&'k mut Bytes<'a>>, Failure> {
    match call.string(key)? {
        Some(string) if hyperloglog::encoding(string).is_none() => Err(NONE_SUCH),
        string => Ok(string),
    }
}

/// `PFADD key [element …]`. In a corrupted one, servers keep the elements that they added before they noticed.
pub(in crate::command) fn pfadd(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    let key = call.argument(1)?;
    let elements = call.arguments_from(2);
    let add_all = |bytes: &mut Vec<u8>, new: bool| {
        let mut changed = new;
        for element in elements {
            match hyperloglog::add(bytes, element) {
                Ok(raised) => changed |= raised,
                Err(Corrupted) if changed => return Ok(()),
                Err(Corrupted) => return Err(CORRUPTED),
            }
        }
        if changed {
            hyperloglog::invalidate(bytes);
        }
        Ok(())
    };
    match sketch(call, key)? {
        Some(string) => string.edit(|bytes| add_all(bytes, false)),
        None => {
            let mut bytes = hyperloglog::empty();
            add_all(&mut bytes, true)?;
            call.put(key, Value::String(Bytes::owned(bytes)));
            Ok(())
        }
    }
}

/// `PFCOUNT key [key …]`: for a single key, the estimate is stored in the value.
pub(in crate::command) fn pfcount(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    let key = call.argument(1)?;
    if call.arguments.len() > 2 {
        return Ok(());
    }
    match sketch(call, key)? {
        Some(string) if !hyperloglog::is_cached(string) => {
            string.edit(|bytes| hyperloglog::cache_estimate(bytes))?;
            Ok(())
        }
        _ => Ok(()),
    }
}

/// `PFMERGE destination [source …]`. The destination is one of the sources; if one of them is dense, it becomes dense.
pub(in crate::command) fn pfmerge(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    let destination = call.argument(1)?;
    let mut counts = Box::new([0; REGISTERS]);
    let mut dense = false;
    for source in call.arguments_from(1) {
        if let Some(string) = sketch(call, source)? {
            dense |= hyperloglog::encoding(string) == Some(hyperloglog::Encoding::Dense);
            hyperloglog::merge(&mut counts, string)?;
        }
    }
    let raise_all = |bytes: &mut Vec<u8>| {
        if dense {
            hyperloglog::to_dense(bytes)?;
        }
        hyperloglog::raise_all(bytes, &counts)?;
        hyperloglog::invalidate(bytes);
        Ok::<_, Corrupted>(())
    };
    match call.string(destination)? {
        // All its registers were just read, so it is not corrupted.
        Some(string) => string.edit(raise_all)?,
        None => {
            let mut bytes = hyperloglog::empty();
            raise_all(&mut bytes)?;
            call.put(destination, Value::String(Bytes::owned(bytes)));
        }
    }
    Ok(())
}

/// `PFDEBUG GETREG|TODENSE|DECODE|ENCODING key`: the first two make it dense.
pub(in crate::command) fn pfdebug(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    let (what, key) = (call.argument(1)?, call.argument(2)?);
    let string = sketch(call, key)?.ok_or(Failure::other("The specified key does not exist"))?;
    if what.eq_ignore_ascii_case(b"getreg") || what.eq_ignore_ascii_case(b"todense") {
        string.edit(hyperloglog::to_dense)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
