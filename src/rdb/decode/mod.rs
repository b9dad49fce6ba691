//! Values from an RDB.
//!
//! Strings that are in the file in one piece are borrowed; compressed ones and numbers are allocated. Every flaw is an
//! error, even one that servers ignore.

mod packed;
mod stream;
mod vector_set;

use super::fault::{Fault, Malformed};
use super::primitive::Reader;
use super::skip::{AsciiScore, ascii_score};
use super::value::LATEST_FIELD_EXPIRY;
use crate::server::FloatSyntax;
use crate::value::score::parse_score;
use crate::value::{Bytes, Field, Hash, List, Members, Set, SortedSet, Value};

pub(super) use packed::{
    hash_listpack, hash_listpack_expiring, hash_listpack_expiring_pre_release, hash_ziplist, hash_zipmap, list_ziplist,
    quicklist_listpacks, quicklist_ziplists, set_intset, set_listpack, sorted_set_listpack, sorted_set_ziplist,
};
pub(super) use stream::{stream_1, stream_2, stream_3, stream_4};
pub(super) use vector_set::{VECTOR_SET, is_vector_set, vector_set};

/// Reads a value.
pub(super) type Decoder = for<'a> fn(&mut Reader<'a>) -> Result<Value<'a>, Fault>;

/// A string.
#[inline]
fn bytes<'a>(reader: &mut Reader<'a>) -> Result<Bytes<'a>, Fault> {
    let start = reader.position();
    reader.raw_string()?.kept().map_err(|fault| reader.fault(start, Malformed::Lzf(fault)))
}

/// The count at the beginning of a plain collection, which must not be 0.
fn count(reader: &mut Reader<'_>) -> Result<u64, Fault> {
    let start = reader.position();
    match reader.length()? {
        0 => Err(reader.fault(start, Malformed::EmptyKey)),
        count => Ok(count),
    }
}

fn add_member<'a>(set: &mut Set<'a>, member: Bytes<'a>) -> Result<(), Malformed> {
    if set.insert(member) { Ok(()) } else { Err(Malformed::DuplicateMember) }
}

/// Scores by member. The sorted set is made from all of them at once, because its size decides whether a score of -0
/// keeps its sign.
type Scores<'a> = Members<'a, f64>;

fn add_score<'a>(scores: &mut Scores<'a>, member: Bytes<'a>, score: f64) -> Result<(), Malformed> {
    if score.is_nan() {
        return Err(Malformed::ScoreIsNan);
    }
    if scores.insert(member, score).is_none() { Ok(()) } else { Err(Malformed::DuplicateMember) }
}

fn add_field<'a>(
    hash: &mut Hash<'a>,
    field: Bytes<'a>,
    value: Bytes<'a>,
    expiry: Option<i64>,
) -> Result<(), Malformed> {
    let before = hash.len();
    hash.insert(field, Field { value, expiry });
    if hash.len() > before { Ok(()) } else { Err(Malformed::DuplicateField) }
}

/// The expiry of a field in Redis's format, in which 0 means none.
fn redis_expiry(time: u64) -> Result<Option<i64>, Malformed> {
    match time {
        0 => Ok(None),
        1..=LATEST_FIELD_EXPIRY => Ok(Some(time.cast_signed())),
        _ => Err(Malformed::FieldExpiry),
    }
}

pub(super) fn string<'a>(reader: &mut Reader<'a>) -> Result<Value<'a>, Fault> {
    bytes(reader).map(Value::String)
}

pub(super) fn list<'a>(reader: &mut Reader<'a>) -> Result<Value<'a>, Fault> {
    let mut list = List::default();
    for _ in 0..count(reader)? {
        list.push_back(bytes(reader)?);
    }
    Ok(Value::List(list))
}

pub(super) fn set<'a>(reader: &mut Reader<'a>) -> Result<Value<'a>, Fault> {
    let mut set = Set::default();
    for _ in 0..count(reader)? {
        let start = reader.position();
        let member = bytes(reader)?;
        add_member(&mut set, member).map_err(|malformed| reader.fault(start, malformed))?;
    }
    Ok(Value::Set(set))
}

pub(super) fn sorted_set<'a>(reader: &mut Reader<'a>) -> Result<Value<'a>, Fault> {
    scored(reader, |reader| Ok(f64::from_le_bytes(reader.array()?)))
}

pub(super) fn sorted_set_ascii<'a>(reader: &mut Reader<'a>) -> Result<Value<'a>, Fault> {
    scored(reader, |reader| {
        let start = reader.position();
        match ascii_score(reader)? {
            AsciiScore::Digits(digits) => {
                parse_score(digits, FloatSyntax::Strtod).ok_or_else(|| reader.fault(start, Malformed::Score))
            }
            AsciiScore::Nan => Ok(f64::NAN),
            AsciiScore::Infinity => Ok(f64::INFINITY),
            AsciiScore::NegativeInfinity => Ok(f64::NEG_INFINITY),
        }
    })
}

fn scored<'a>(
    reader: &mut Reader<'a>,
    score: impl Fn(&mut Reader<'a>) -> Result<f64, Fault>,
) -> Result<Value<'a>, Fault> {
    let mut scores = Scores::default();
    for _ in 0..count(reader)? {
        let start = reader.position();
        let member = bytes(reader)?;
        let score = score(reader)?;
        add_score(&mut scores, member, score).map_err(|malformed| reader.fault(start, malformed))?;
    }
    Ok(Value::SortedSet(SortedSet::from_members(scores)))
}

/// A plain hash; `field` reads a field, its value and its expiry, in the order of the type.
fn fields<'a>(
    reader: &mut Reader<'a>,
    field: impl Fn(&mut Reader<'a>) -> Result<(Bytes<'a>, Bytes<'a>, Result<Option<i64>, Malformed>), Fault>,
) -> Result<Value<'a>, Fault> {
    let mut hash = Hash::default();
    for _ in 0..count(reader)? {
        let start = reader.position();
        let (field, value, expiry) = field(reader)?;
        expiry
            .and_then(|expiry| add_field(&mut hash, field, value, expiry))
            .map_err(|malformed| reader.fault(start, malformed))?;
    }
    Ok(Value::Hash(hash))
}

pub(super) fn hash<'a>(reader: &mut Reader<'a>) -> Result<Value<'a>, Fault> {
    fields(reader, |reader| Ok((bytes(reader)?, bytes(reader)?, Ok(None))))
}

pub(super) fn hash_2<'a>(reader: &mut Reader<'a>) -> Result<Value<'a>, Fault> {
    fields(reader, |reader| {
        let (field, value) = (bytes(reader)?, bytes(reader)?);
        let expiry = match i64::from_le_bytes(reader.array()?) {
            -1 => Ok(None),
            time @ 0.. => Ok(Some(time)),
            _ => Err(Malformed::FieldExpiry),
        };
        Ok((field, value, expiry))
    })
}

pub(super) fn hash_expiring<'a>(reader: &mut Reader<'a>) -> Result<Value<'a>, Fault> {
    let earliest = u64::from_le_bytes(reader.array()?);
    expiring_fields(reader, |time| match time {
        0 => Ok(None),
        _ => redis_expiry(time.checked_add(earliest).ok_or(Malformed::FieldExpiry)? - 1),
    })
}

pub(super) fn hash_expiring_pre_release<'a>(reader: &mut Reader<'a>) -> Result<Value<'a>, Fault> {
    expiring_fields(reader, redis_expiry)
}

fn expiring_fields<'a>(
    reader: &mut Reader<'a>,
    expiry: impl Fn(u64) -> Result<Option<i64>, Malformed>,
) -> Result<Value<'a>, Fault> {
    fields(reader, |reader| {
        let time = reader.number()?;
        Ok((bytes(reader)?, bytes(reader)?, expiry(time)))
    })
}

#[cfg(test)]
mod tests;
