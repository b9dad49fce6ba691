//! Values, in the encodings that servers use with their default limits.

use std::io::{self, Write};

use super::super::fault::DecodeFault;
use super::super::packed::build::{ListpackBuilder, intset};
use super::super::types::{loads, type_row};
use super::super::value::{CONTAINER_PACKED, CONTAINER_PLAIN, LATEST_FIELD_EXPIRY};
use super::Lost;
use super::output::Output;
use super::stream::stream;
use crate::resp::parse_integer;
use crate::server::{Family, Release};
use crate::value::score::format_score_shortest;
use crate::value::{FieldRef, Hash, List, Set, SortedSet, Value};

/// The maximum number of fields of a packed hash (`hash-max-listpack-entries`).
const PACKED_FIELDS: usize = 512;
/// The maximum number of members of a packed set or sorted set (`set-max-listpack-entries`,
/// `zset-max-listpack-entries`).
const PACKED_MEMBERS: usize = 128;
/// The maximum number of members of an intset (`set-max-intset-entries`).
const PACKED_INTEGERS: usize = 512;
/// The maximum length of an element of a packed collection (`…-max-listpack-value`).
const PACKED_BYTES: usize = 64;
/// The maximum size of a list node (`list-max-listpack-size -2`).
const NODE_BYTES: usize = 8192;

/// The numbers of the types to write; see [`super::super::TYPES`].
mod code {
    pub(super) const STRING: u8 = 0;
    pub(super) const LIST: u8 = 1;
    pub(super) const SET: u8 = 2;
    pub(super) const HASH: u8 = 4;
    pub(super) const SORTED_SET: u8 = 5;
    pub(super) const SET_INTSET: u8 = 11;
    pub(super) const HASH_LISTPACK: u8 = 16;
    pub(super) const SORTED_SET_LISTPACK: u8 = 17;
    pub(super) const QUICKLIST_LISTPACKS: u8 = 18;
    pub(super) const SET_LISTPACK: u8 = 20;
    pub(super) const VALKEY_HASH_2: u8 = 22;
    pub(super) const REDIS_HASH_EXPIRING: u8 = 24;
    pub(super) const REDIS_HASH_LISTPACK_EXPIRING: u8 = 25;
}

/// Writes a value after `head` has written its type and what comes before it. Returns what the target cannot hold; if
/// that is the whole key, `head` was not called.
#[inline]
pub(in super::super) fn encode<W: Write>(
    output: &mut Output<W>,
    target: Release,
    value: &Value<'_>,
    head: impl FnOnce(&mut Output<W>, u8) -> io::Result<()>,
) -> io::Result<Option<Lost>> {
    match value {
        Value::Raw(raw) => match type_row(raw.family, raw.type_code) {
            Some(row) if row.since.includes(target) => {
                head(output, raw.type_code)?;
                output.bytes(raw.payload)?;
                Ok(None)
            }
            _ => match raw.decode() {
                Ok(value) => encode_parts(output, target, &value, head),
                Err(fault) => Ok(Some(Lost::Value(fault))),
            },
        },
        value => encode_parts(output, target, value, head),
    }
}

fn encode_parts<W: Write>(
    output: &mut Output<W>,
    target: Release,
    value: &Value<'_>,
    head: impl FnOnce(&mut Output<W>, u8) -> io::Result<()>,
) -> io::Result<Option<Lost>> {
    match value {
        Value::String(string) => {
            head(output, code::STRING)?;
            output.string(string).map(|()| None)
        }
        Value::List(list) => self::list(output, target, list, head).map(|()| None),
        Value::Set(set) => self::set(output, target, set, head).map(|()| None),
        Value::SortedSet(set) => sorted_set(output, target, set, head).map(|()| None),
        Value::Hash(hash) => self::hash(output, target, hash, head),
        Value::Stream(stream) => self::stream(output, target, stream, head),
        Value::Raw(raw) => Ok(Some(Lost::Value(DecodeFault::Opaque { type_code: raw.type_code }))),
        Value::VectorSet(set) => match set.unchanged() {
            Some(raw) => {
                head(output, raw.type_code)?;
                output.bytes(raw.payload).map(|()| None)
            }
            None => Ok(Some(Lost::History)),
        },
        Value::History(_) => Ok(Some(Lost::History)),
    }
}

fn list<W: Write>(
    output: &mut Output<W>,
    target: Release,
    list: &List<'_>,
    head: impl FnOnce(&mut Output<W>, u8) -> io::Result<()>,
) -> io::Result<()> {
    if !loads(target, code::QUICKLIST_LISTPACKS) {
        head(output, code::LIST)?;
        output.count(list.len())?;
        return list.iter().try_for_each(|element| output.string(element));
    }
    head(output, code::QUICKLIST_LISTPACKS)?;
    // The number of nodes is written before them.
    let mut open = OpenNode::default();
    output.count(list.iter().filter(|element| open.place(element) != Place::Next).count())?;
    let mut open = OpenNode::default();
    let mut packed = ListpackBuilder::default();
    for element in list.iter() {
        match open.place(element) {
            Place::Next => packed.push(element),
            Place::First => {
                packed_node(output, &mut packed)?;
                packed.push(element);
            }
            Place::Plain => {
                packed_node(output, &mut packed)?;
                output.length(CONTAINER_PLAIN)?;
                output.blob(element)?;
            }
        }
    }
    packed_node(output, &mut packed)
}

/// Writes a node of a list, unless it is empty.
fn packed_node<W: Write>(output: &mut Output<W>, packed: &mut ListpackBuilder) -> io::Result<()> {
    if packed.is_empty() {
        return Ok(());
    }
    output.length(CONTAINER_PACKED)?;
    output.blob(&std::mem::take(packed).finish())
}

/// Where the next element of a list goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Into a node of its own.
    Plain,
    /// Into a new node.
    First,
    /// Into the node of the element before it.
    Next,
}

/// The list node to which elements are added.
#[derive(Debug, Default)]
struct OpenNode {
    bytes: usize,
}

impl OpenNode {
    fn place(&mut self, element: &[u8]) -> Place {
        // The maximum size of an entry without its string.
        let entry = element.len() + if element.len() < 64 { 2 } else { 8 };
        if element.len() > NODE_BYTES {
            self.bytes = 0;
            Place::Plain
        } else if self.bytes != 0 && self.bytes + entry <= NODE_BYTES {
            self.bytes += entry;
            Place::Next
        } else {
            self.bytes = entry;
            Place::First
        }
    }
}

fn set<W: Write>(
    output: &mut Output<W>,
    target: Release,
    set: &Set<'_>,
    head: impl FnOnce(&mut Output<W>, u8) -> io::Result<()>,
) -> io::Result<()> {
    if set.len() <= PACKED_INTEGERS
        && let Some(mut numbers) = set.iter().map(parse_integer).collect::<Option<Vec<i64>>>()
    {
        numbers.sort_unstable();
        head(output, code::SET_INTSET)?;
        return output.blob(&intset(&numbers));
    }
    let packs = loads(target, code::SET_LISTPACK);
    if packs && set.len() <= PACKED_MEMBERS && set.iter().all(|member| member.len() <= PACKED_BYTES) {
        let mut packed = ListpackBuilder::default();
        set.iter().for_each(|member| packed.push(member));
        head(output, code::SET_LISTPACK)?;
        return output.blob(&packed.finish());
    }
    head(output, code::SET)?;
    output.count(set.len())?;
    set.iter().try_for_each(|member| output.string(member))
}

fn sorted_set<W: Write>(
    output: &mut Output<W>,
    target: Release,
    set: &SortedSet<'_>,
    head: impl FnOnce(&mut Output<W>, u8) -> io::Result<()>,
) -> io::Result<()> {
    let packs = loads(target, code::SORTED_SET_LISTPACK);
    if packs && set.len() <= PACKED_MEMBERS && set.iter().all(|(member, _)| member.len() <= PACKED_BYTES) {
        let mut packed = ListpackBuilder::default();
        for (member, score) in set.iter() {
            packed.push(member);
            push_score(&mut packed, score);
        }
        head(output, code::SORTED_SET_LISTPACK)?;
        return output.blob(&packed.finish());
    }
    head(output, code::SORTED_SET)?;
    output.count(set.len())?;
    // Servers write the greatest first, so that each is inserted at the front during the load, without a search.
    let members: Vec<(&[u8], f64)> = set.iter().collect();
    members.into_iter().rev().try_for_each(|(member, score)| {
        output.string(member)?;
        output.bytes(&score.to_le_bytes())
    })
}

/// Adds a score to a listpack: an integer if it is whole, else its shortest digits.
fn push_score(packed: &mut ListpackBuilder, score: f64) {
    /// Every integer up to this one is exactly a double.
    const WHOLE: f64 = 4_503_599_627_370_496.0;
    #[expect(clippy::cast_possible_truncation, reason = "it is whole, and in range")]
    if score.fract() == 0.0 && score.abs() <= WHOLE && !(score == 0.0 && score.is_sign_negative()) {
        packed.push_integer(score as i64);
    } else {
        let mut digits = Vec::new();
        format_score_shortest(score, &mut digits);
        packed.push(&digits);
    }
}

fn hash<W: Write>(
    output: &mut Output<W>,
    target: Release,
    hash: &Hash<'_>,
    head: impl FnOnce(&mut Output<W>, u8) -> io::Result<()>,
) -> io::Result<Option<Lost>> {
    let expiring = hash.iter().filter(|(_, field)| field.expiry.is_some()).count();
    match target.rdb_family() {
        _ if expiring == 0 => {}
        Family::Valkey => return hash_2(output, hash, head).map(|()| None),
        Family::Redis if loads(target, code::REDIS_HASH_EXPIRING) => {
            if let Some(earliest) = hash.iter().filter_map(|(_, field)| redis_expiry(field)).min() {
                return hash_expiring(output, hash, earliest, head);
            }
        }
        Family::Redis => {}
    }
    if loads(target, code::HASH_LISTPACK) && fits_listpack(hash) {
        let mut packed = ListpackBuilder::default();
        for (name, field) in hash.iter() {
            packed.push(name);
            packed.push(field.value);
        }
        head(output, code::HASH_LISTPACK)?;
        output.blob(&packed.finish())?;
    } else {
        head(output, code::HASH)?;
        output.count(hash.len())?;
        for (name, field) in hash.iter() {
            output.string(name)?;
            output.string(field.value)?;
        }
    }
    Ok((expiring != 0).then_some(Lost::FieldExpiry { fields: expiring }))
}

fn fits_listpack(hash: &Hash<'_>) -> bool {
    let fits = |(name, field): (&[u8], FieldRef<'_>)| name.len() <= PACKED_BYTES && field.value.len() <= PACKED_BYTES;
    hash.len() <= PACKED_FIELDS && hash.iter().all(fits)
}

/// Valkey 9, in which -1 means no expiry.
fn hash_2<W: Write>(
    output: &mut Output<W>,
    hash: &Hash<'_>,
    head: impl FnOnce(&mut Output<W>, u8) -> io::Result<()>,
) -> io::Result<()> {
    head(output, code::VALKEY_HASH_2)?;
    output.count(hash.len())?;
    for (name, field) in hash.iter() {
        output.string(name)?;
        output.string(field.value)?;
        output.bytes(&field.expiry.map_or(-1, |expiry| expiry.max(0)).to_le_bytes())?;
    }
    Ok(())
}

/// The expiry of a field in Redis's format, in which 0 means none; `None` if it is beyond the times of Redis.
fn redis_expiry(field: FieldRef<'_>) -> Option<u64> {
    let expiry = u64::try_from(field.expiry?.max(1)).ok()?;
    (expiry < LATEST_FIELD_EXPIRY).then_some(expiry)
}

/// Redis 7.4, which writes the earliest expiry first.
fn hash_expiring<W: Write>(
    output: &mut Output<W>,
    hash: &Hash<'_>,
    earliest: u64,
    head: impl FnOnce(&mut Output<W>, u8) -> io::Result<()>,
) -> io::Result<Option<Lost>> {
    let lost = hash.iter().filter(|(_, field)| field.expiry.is_some() && redis_expiry(*field).is_none()).count();
    if fits_listpack(hash) {
        let mut fields: Vec<(&[u8], FieldRef<'_>)> = hash.iter().collect();
        // In the order of their expiry, those without one last.
        fields.sort_by_key(|(_, field)| redis_expiry(*field).unwrap_or(u64::MAX));
        let mut packed = ListpackBuilder::default();
        for (name, field) in fields {
            packed.push(name);
            packed.push(field.value);
            packed.push_integer(redis_expiry(field).unwrap_or_default().cast_signed());
        }
        head(output, code::REDIS_HASH_LISTPACK_EXPIRING)?;
        output.bytes(&earliest.to_le_bytes())?;
        output.blob(&packed.finish())?;
    } else {
        head(output, code::REDIS_HASH_EXPIRING)?;
        output.bytes(&earliest.to_le_bytes())?;
        output.count(hash.len())?;
        for (name, field) in hash.iter() {
            output.length(redis_expiry(field).map_or(0, |expiry| expiry - earliest + 1))?;
            output.string(name)?;
            output.string(field.value)?;
        }
    }
    Ok((lost != 0).then_some(Lost::FieldExpiry { fields: lost }))
}
