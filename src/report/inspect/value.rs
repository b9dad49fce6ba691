//! The value of an RDB entry, or of a `RESTORE` payload, as JSON and as words for people.

use std::borrow::Cow;
use std::io::{self, Write};

use super::json_text::JsonText;
use crate::rdb;
use crate::value::score::format_score_shortest;
use crate::value::{Raw, SortedSet, Stream, Value};

/// The value that an entry holds; `None` for a module's, and for one that is damaged.
pub(super) fn of_entry<'a>(entry: &rdb::Entry<'a>) -> Option<Value<'a>> {
    let family = entry.kind.family.unwrap_or(rdb::Family::Redis);
    Raw { type_code: entry.kind.number, family, version: 0, payload: entry.value }.decode().ok()
}

/// The value that a command restores, and its type; `None` for any other command, and for a payload that no server
/// takes.
pub(super) fn of_restore<'a>(arguments: &[&'a [u8]]) -> Option<(&'static str, Value<'a>)> {
    let name = arguments.first()?;
    if !name.eq_ignore_ascii_case(b"restore") && !name.eq_ignore_ascii_case(b"restore-asking") {
        return None;
    }
    let raw = rdb::dump::parse(arguments.get(3)?).ok()?;
    let value = raw.decode().ok()?;
    Some((value.type_name(), value))
}

fn score_text(score: f64) -> Vec<u8> {
    let mut text = Vec::new();
    format_score_shortest(score, &mut text);
    text
}

/// The words that a command would make the value of: elements, members, fields and values, scores and members, ids and
/// fields.
pub(super) fn words<'v>(value: &'v Value<'_>) -> Vec<Cow<'v, [u8]>> {
    match value {
        Value::String(string) => vec![Cow::Borrowed(string.as_slice())],
        Value::List(list) => list.iter().map(Cow::Borrowed).collect(),
        Value::Set(set) => set.iter().map(Cow::Borrowed).collect(),
        Value::Hash(hash) => {
            hash.iter().flat_map(|(name, field)| [Cow::Borrowed(name), Cow::Borrowed(field.value)]).collect()
        }
        Value::SortedSet(sorted_set) => sorted_set
            .iter()
            .flat_map(|(member, score)| [Cow::Owned(score_text(score)), Cow::Borrowed(member)])
            .collect(),
        Value::Stream(stream) => stream
            .entries()
            .flat_map(|(id, fields)| {
                let strings = fields.iter().flat_map(|(field, value)| [Cow::Borrowed(field), Cow::Borrowed(value)]);
                std::iter::once(Cow::Owned(id.to_string().into_bytes())).chain(strings)
            })
            .collect(),
        Value::VectorSet(set) => set.elements().map(|(name, _)| Cow::Borrowed(name)).collect(),
        Value::Raw(_) | Value::History(_) => Vec::new(),
    }
}

/// Writes a value, after the colon of its member.
///
/// A string is a string; a list and a set are arrays; a hash is an array of objects with `field`, `value` and
/// perhaps `expiry_ms`, a sorted set one of objects with `member` and `score` (a number, or `"inf"` or
/// `"-inf"`), a vector set one of objects with `element` and perhaps `attribute`; a
/// stream is an object.
pub(super) fn write_value(json: &mut JsonText<impl Write>, value: &Value<'_>) -> io::Result<()> {
    match value {
        Value::String(string) => json.bytes(string),
        Value::List(list) => json.array(list.iter(), JsonText::bytes),
        Value::Set(set) => json.array(set.iter(), JsonText::bytes),
        Value::Hash(hash) => json.array(hash.iter(), |json, (name, field)| {
            json.member("{\"field\":", name)?;
            json.member(",\"value\":", field.value)?;
            json.optional(",\"expiry_ms\":", field.expiry);
            json.raw("}");
            Ok(())
        }),
        Value::SortedSet(sorted_set) => write_sorted_set(json, sorted_set),
        Value::Stream(stream) => write_stream(json, stream),
        Value::VectorSet(set) => json.array(set.elements(), |json, (name, element)| {
            json.member("{\"element\":", name)?;
            if let Some(attribute) = &element.attribute {
                json.member(",\"attribute\":", attribute)?;
            }
            json.raw("}");
            Ok(())
        }),
        Value::Raw(_) | Value::History(_) => {
            json.raw("null");
            Ok(())
        }
    }
}

fn write_sorted_set(json: &mut JsonText<impl Write>, sorted_set: &SortedSet<'_>) -> io::Result<()> {
    json.array(sorted_set.iter(), |json, (member, score)| {
        json.member("{\"member\":", member)?;
        json.raw(",\"score\":");
        let text = score_text(score);
        if score.is_finite() {
            json.raw(&String::from_utf8_lossy(&text));
        } else {
            json.bytes(&text)?;
        }
        json.raw("}");
        Ok(())
    })
}

fn write_stream(json: &mut JsonText<impl Write>, stream: &Stream<'_>) -> io::Result<()> {
    json.member("{\"last_id\":", stream.last_id().to_string().as_bytes())?;
    json.member(",\"max_deleted_id\":", stream.max_deleted_id().to_string().as_bytes())?;
    json.number(",\"entries_added\":", stream.entries_added());
    json.raw(",\"entries\":");
    json.array(stream.entries(), |json, (id, fields)| {
        json.member("{\"id\":", id.to_string().as_bytes())?;
        json.raw(",\"fields\":");
        json.array(fields.iter(), |json, (field, value)| {
            json.member("{\"field\":", field)?;
            json.member(",\"value\":", value)?;
            json.raw("}");
            Ok(())
        })?;
        json.raw("}");
        Ok(())
    })?;
    json.raw(",\"groups\":");
    json.array(stream.groups(), |json, (name, group)| {
        json.member("{\"name\":", name)?;
        json.member(",\"last_delivered_id\":", group.last_delivered_id.to_string().as_bytes())?;
        json.optional(",\"entries_read\":", group.entries_read);
        json.raw(",\"consumers\":");
        json.array(group.consumers(), |json, consumer| {
            json.member("{\"name\":", consumer.name())?;
            json.number(",\"seen_time_ms\":", consumer.seen_time);
            json.optional(",\"active_time_ms\":", consumer.active_time);
            json.number(",\"pending\":", consumer.pending_count());
            json.raw("}");
            Ok(())
        })?;
        json.raw(",\"pending\":");
        json.array(group.pending(), |json, (id, pending)| {
            json.member("{\"id\":", id.to_string().as_bytes())?;
            if let Some(consumer) = group.consumer_at(pending.consumer) {
                json.member(",\"consumer\":", consumer.name())?;
            }
            json.number(",\"delivery_time_ms\":", pending.delivery_time);
            json.number(",\"delivery_count\":", pending.delivery_count);
            json.raw("}");
            Ok(())
        })?;
        json.raw("}");
        Ok(())
    })?;
    json.raw("}");
    Ok(())
}
