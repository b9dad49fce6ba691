//! The commands on functions. Libraries are kept as text; none is run.

mod library;

pub use library::library_name;

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::server::check_mode;
use super::{Call, Failure};
use crate::rdb;
use crate::value::Bytes;

const NO_LIBRARY: Failure = Failure::other("Library metadata is missing or invalid");
const THERE: Failure = Failure::other("Library already exists");

/// The libraries, of which every shard has a copy.
fn libraries<'k, 'a>(call: &'k mut Call<'_, 'a>) -> Option<&'k mut BTreeMap<Vec<u8>, Bytes<'a>>> {
    call.shards().next().map(|shard| &mut shard.functions)
}

/// `FUNCTION LOAD [REPLACE] code`. The code is not run, so a failure of it is not noticed.
pub(in crate::command) fn function_load(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    let Some((code, options)) = call.arguments_from(2).split_last() else { return Err(Failure::Arity) };
    if !options.iter().all(|option| option.eq_ignore_ascii_case(b"replace")) {
        return Err(Failure::other("Unknown option given"));
    }
    let name = library_name(code).ok_or(NO_LIBRARY)?;
    if options.is_empty() && libraries(call).is_some_and(|libraries| libraries.contains_key(&name)) {
        return Err(THERE);
    }
    for shard in call.shards() {
        shard.functions.insert(name.clone(), Bytes::borrowed(code));
    }
    Ok(())
}

/// `FUNCTION DELETE library`.
pub(in crate::command) fn function_delete(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    let name = call.argument(2)?;
    let mut found = false;
    for shard in call.shards() {
        found |= shard.functions.remove(name).is_some();
    }
    if found { Ok(()) } else { Err(Failure::other("Library not found")) }
}

/// `FUNCTION FLUSH [ASYNC|SYNC]`.
pub(in crate::command) fn function_flush(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    check_mode(call.arguments_from(2))?;
    for shard in call.shards() {
        shard.functions.clear();
    }
    Ok(())
}

/// What FUNCTION RESTORE does with the existing libraries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Policy {
    /// It fails if one of the new libraries exists.
    Append,
    /// A new library replaces one of the same name.
    Replace,
    /// It deletes them all first.
    Flush,
}

impl Policy {
    fn read(words: &[&[u8]]) -> Result<Self, Failure> {
        match words {
            [] => Ok(Self::Append),
            [word] if word.eq_ignore_ascii_case(b"append") => Ok(Self::Append),
            [word] if word.eq_ignore_ascii_case(b"replace") => Ok(Self::Replace),
            [word] if word.eq_ignore_ascii_case(b"flush") => Ok(Self::Flush),
            [_] => Err(Failure::other("Wrong restore policy given, value should be either FLUSH, APPEND or REPLACE.")),
            _ => Err(Failure::Syntax),
        }
    }
}

/// `FUNCTION RESTORE payload [APPEND|REPLACE|FLUSH]`.
pub(in crate::command) fn function_restore(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    let payload = call.argument(2)?;
    let policy = Policy::read(call.arguments_from(3))?;
    let codes = rdb::dumped_functions(payload).ok_or(Failure::other("DUMP payload version or checksum are wrong"))?;
    let mut restored = BTreeMap::new();
    for code in codes {
        let name = library_name(&code).ok_or(NO_LIBRARY)?;
        let code = match code {
            Cow::Borrowed(code) => Bytes::borrowed(code),
            Cow::Owned(code) => Bytes::owned(code),
        };
        if restored.insert(name, code).is_some() {
            return Err(THERE);
        }
    }
    if policy == Policy::Append
        && libraries(call).is_some_and(|libraries| restored.keys().any(|name| libraries.contains_key(name)))
    {
        return Err(THERE);
    }
    for shard in call.shards() {
        if policy == Policy::Flush {
            shard.functions.clear();
        }
        shard.functions.extend(restored.iter().map(|(name, code)| (name.clone(), code.clone())));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
