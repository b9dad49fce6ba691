//! XDEL, XDELEX, XACKDEL.

use super::{parse_ids, parse_references};
use crate::command::apply::{Call, Failure};
use crate::resp::parse_integer;
use crate::value::References;

/// `XDEL key id …`
pub(in crate::command) fn xdel(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    let key = call.argument(1)?;
    let arguments = call.arguments_from(2);
    if let Some(stream) = call.stream(key)? {
        for id in parse_ids(arguments)? {
            stream.remove(id, References::Keep);
        }
    }
    Ok(())
}

/// `XDELEX key [KEEPREF|DELREF|ACKED] IDS count id …` of Redis 8.2.
pub(in crate::command) fn xdelex(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    let key = call.argument(1)?;
    let (references, ids) = parse_options(call.arguments_from(2))?;
    if let Some(stream) = call.stream(key)? {
        for id in parse_ids(ids)? {
            stream.remove(id, references);
        }
    }
    Ok(())
}

/// `XACKDEL key group [KEEPREF|DELREF|ACKED] IDS count id …` of Redis 8.2: deletes only what it acknowledges.
pub(in crate::command) fn xackdel(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    let (key, group) = (call.argument(1)?, call.argument(2)?);
    let (references, ids) = parse_options(call.arguments_from(3))?;
    let Some(stream) = call.stream(key)?.filter(|stream| stream.group(group).is_some()) else { return Ok(()) };
    for id in parse_ids(ids)? {
        if stream.group_mut(group).is_some_and(|group| group.acknowledge(id)) {
            stream.remove(id, references);
        }
    }
    Ok(())
}

/// Options in any order (`streamParseAckDelArgsOrReply`); the last IDS counts.
fn parse_options<'c, 'a>(mut words: &'c [&'a [u8]]) -> Result<(References, &'c [&'a [u8]]), Failure> {
    let (mut references, mut ids) = (None, None);
    while let Some((word, rest)) = words.split_first() {
        if references.is_none()
            && let Some(found) = parse_references(word)
        {
            references = Some(found);
            words = rest;
        } else if word.eq_ignore_ascii_case(b"IDS")
            && let Some((count, rest)) = rest.split_first()
        {
            let count = parse_integer(count).and_then(|count| usize::try_from(count).ok()).filter(|count| *count > 0);
            let count = count.ok_or(Failure::other("Number of IDs must be a positive integer"))?;
            let (found, behind) = rest.split_at_checked(count).ok_or(MISMATCH)?;
            ids = Some(found);
            words = behind;
        } else {
            return Err(Failure::Syntax);
        }
    }
    Ok((references.unwrap_or_default(), ids.ok_or(Failure::other("IDS option is required"))?))
}

const MISMATCH: Failure = Failure::other("The `numids` parameter must match the number of arguments");
