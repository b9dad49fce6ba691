//! The commands on streams.
//!
//! Times that a log does not contain (when a consumer was seen, when an entry was claimed) are those of the call.

mod add;
mod claim;
mod delete;
mod group;
mod idempotence;
mod read;
#[cfg(test)]
mod tests;

pub(in crate::command) use add::{xadd, xsetid, xtrim};
pub(in crate::command) use claim::{xack, xautoclaim, xclaim};
pub(in crate::command) use delete::{xackdel, xdel, xdelex};
pub(in crate::command) use group::{create, createconsumer, delconsumer, destroy, setid};
pub(in crate::command) use idempotence::{xcfgset, xidmprecord};
pub(in crate::command) use read::xreadgroup;

use super::Failure;
use crate::value::{References, StreamId};

/// Parses an id that is not a special one.
fn parse_id(text: &[u8]) -> Result<StreamId, Failure> {
    StreamId::parse(text, 0).ok_or(Failure::other("Invalid stream ID specified as stream command argument"))
}

/// An id, or `-` or `+` for the smallest and the greatest (`streamParseIDOrReply`).
fn parse_id_or_end(text: &[u8]) -> Result<StreamId, Failure> {
    match text {
        b"-" => Ok(StreamId::ZERO),
        b"+" => Ok(StreamId::MAX),
        text => parse_id(text),
    }
}

fn parse_ids(texts: &[&[u8]]) -> Result<Vec<StreamId>, Failure> {
    texts.iter().map(|text| parse_id(text)).collect()
}

/// KEEPREF, DELREF or ACKED.
fn parse_references(word: &[u8]) -> Option<References> {
    let all = [(&b"KEEPREF"[..], References::Keep), (b"DELREF", References::Delete), (b"ACKED", References::Heed)];
    all.into_iter().find(|(name, _)| word.eq_ignore_ascii_case(name)).map(|(_, references)| references)
}

fn not_negative(number: i64, failure: &'static str) -> Result<u64, Failure> {
    u64::try_from(number).map_err(|_| Failure::other(failure))
}

const NO_GROUP: Failure = Failure::other("NOGROUP No such key or consumer group");
