//! XGROUP.

use super::{NO_GROUP, parse_id, parse_id_or_end};
use crate::command::apply::{Call, EntriesRead, Failure};
use crate::resp::parse_integer;
use crate::value::{Bytes, ConsumerGroup, Stream, StreamId, Value};

/// What CREATE does if the key does not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Missing {
    Create,
    Refuse,
}

/// The options after the id; `entries_read` is `None` if it is -1 or not given.
#[derive(Debug)]
struct Options {
    entries_read: Option<u64>,
    missing: Missing,
}

impl Options {
    /// The number of entries that the group has read, of the `added` entries of its stream.
    fn entries_read(&self, added: u64, rule: EntriesRead) -> Option<u64> {
        match rule {
            EntriesRead::AsGiven => self.entries_read,
            EntriesRead::AtMostAdded => self.entries_read.map(|count| count.min(added)),
        }
    }
}

/// `most` is the maximum number of arguments of the subcommand.
fn parse_options(call: &Call<'_, '_>, most: usize) -> Result<Options, Failure> {
    let mut options = Options { entries_read: None, missing: Missing::Refuse };
    let mut rest = call.arguments_from(5).iter();
    while let Some(name) = rest.next() {
        if most == 8 && name.eq_ignore_ascii_case(b"MKSTREAM") {
            options.missing = Missing::Create;
        } else if name.eq_ignore_ascii_case(b"ENTRIESREAD") {
            let count = parse_integer(rest.next().ok_or(Failure::Syntax)?).ok_or(Failure::NotAnInteger)?;
            if count < -1 {
                return Err(Failure::other("value for ENTRIESREAD must be positive or -1"));
            }
            options.entries_read = u64::try_from(count).ok();
        } else {
            return Err(Failure::Syntax);
        }
    }
    if call.arguments.len() > most { Err(Failure::Syntax) } else { Ok(options) }
}

/// The stream that a subcommand needs.
fn existing<'s, 'a>(call: &'s mut Call<'_, 'a>, key: &[u8]) -> Result<&'s mut Stream<'a>, Failure> {
    call.stream(key)?.ok_or(Failure::other("The XGROUP subcommand requires the key to exist."))
}

/// The group that a subcommand needs.
fn existing_group<'s, 'a>(
    call: &'s mut Call<'_, 'a>,
    key: &[u8],
    name: &[u8],
) -> Result<&'s mut ConsumerGroup<'a>, Failure> {
    existing(call, key)?.group_mut(name).ok_or(NO_GROUP)
}

/// `XGROUP CREATE key group id|$ [MKSTREAM] [ENTRIESREAD n]`
pub(in crate::command) fn create(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    let (key, name, id) = (call.argument(2)?, call.argument(3)?, call.argument(4)?);
    let options = parse_options(call, 8)?;
    let rule = call.entries_read;
    let stream = call.stream(key)?;
    if stream.is_none() && options.missing == Missing::Refuse {
        return Err(Failure::other("The XGROUP subcommand requires the key to exist."));
    }
    let id = match id {
        b"$" => stream.as_ref().map(|stream| stream.last_id()).unwrap_or_default(),
        id => parse_id(id)?,
    };
    let name = Bytes::borrowed(name);
    let added = stream.as_ref().map_or(0, |stream| stream.entries_added());
    let group = ConsumerGroup::new(id, options.entries_read(added, rule));
    if let Some(stream) = stream {
        let created = stream.create_group(name, group);
        return created.then_some(()).ok_or(Failure::other("BUSYGROUP Consumer Group name already exists"));
    }
    let mut stream = Box::new(Stream::default());
    stream.create_group(name, group);
    call.put(key, Value::Stream(stream));
    Ok(())
}

/// `XGROUP SETID key group id|$ [ENTRIESREAD n]`
pub(in crate::command) fn setid(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    let (key, name, id) = (call.argument(2)?, call.argument(3)?, call.argument(4)?);
    let options = parse_options(call, 7)?;
    let rule = call.entries_read;
    let stream = existing(call, key)?;
    let (last_id, added): (StreamId, u64) = (stream.last_id(), stream.entries_added());
    let group = stream.group_mut(name).ok_or(NO_GROUP)?;
    group.last_delivered_id = if id == b"$" { last_id } else { parse_id_or_end(id)? };
    group.entries_read = options.entries_read(added, rule);
    Ok(())
}

/// `XGROUP DESTROY key group`
pub(in crate::command) fn destroy(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    let (key, name) = (call.argument(2)?, call.argument(3)?);
    exactly(call, 4)?;
    existing(call, key)?.destroy_group(name);
    Ok(())
}

/// `XGROUP CREATECONSUMER key group consumer`
pub(in crate::command) fn createconsumer(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    let (key, name, consumer) = (call.argument(2)?, call.argument(3)?, call.argument(4)?);
    exactly(call, 5)?;
    let now = call.now;
    existing_group(call, key, name)?.add_consumer(Bytes::borrowed(consumer), now, None);
    Ok(())
}

/// `XGROUP DELCONSUMER key group consumer`
pub(in crate::command) fn delconsumer(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    let (key, name, consumer) = (call.argument(2)?, call.argument(3)?, call.argument(4)?);
    exactly(call, 5)?;
    existing_group(call, key, name)?.remove_consumer(consumer);
    Ok(())
}

fn exactly(call: &Call<'_, '_>, count: usize) -> Result<(), Failure> {
    if call.arguments.len() == count { Ok(()) } else { Err(Failure::Syntax) }
}
