//! What the commands on streams do.
//!
//! Times that the log does not hold (when a consumer was seen, when an entry was claimed) are the call's.

mod add;
mod claim;
mod group;
mod read;
#[cfg(test)]
mod tests;

pub(in crate::command) use add::{xadd, xdel, xsetid, xtrim};
pub(in crate::command) use claim::{xack, xautoclaim, xclaim};
pub(in crate::command) use group::{create, createconsumer, delconsumer, destroy, setid};
pub(in crate::command) use read::xreadgroup;

use super::Failure;
use crate::value::StreamId;

/// An id of its own: none of the special ones.
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

const NO_GROUP: Failure = Failure::other("NOGROUP No such key or consumer group");
