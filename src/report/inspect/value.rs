//! The value of an RDB entry, or of a `RESTORE` payload, as JSON and as words for people.

use std::borrow::Cow;
use std::io::{self, Write};

use super::json::Json;
use crate::rdb;
use crate::value::score::format_score_shortest;
use crate::value::{Raw, SortedSet, Stream, Value};

/// The value that an entry holds; `None` for a module's, and for one that is damaged.
pub(super) fn of_entry<'a>(entry: &rdb::Entry<'a>) -> Option<Value<'a>> {
    let family = entry.kind.family.unwrap_or(rdb::Family::Redis);
    rdb::decode(&Raw { type_code: entry.kind.number, family, version: 0, payload: entry.value }).ok()
}

/// The value that a command restores, and its type; `None` for any other command, and for a payload that no server
/// takes.
pub(super) fn of_restore<'a>(arguments: &[&'a [u8]]) -> Option<(&'static str, Value<'a>)> {
    let name = arguments.first()?;
    if !name.eq_ignore_ascii_case(b"restore") && !name.eq_ignore_ascii_case(b"restore-asking") {
        return None;
    }
    let raw = rdb::dump::parse(arguments.get(3)?).ok()?;
    let value = rdb::decode(&raw).ok()?;
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

impl<W: Write> Json<W> {
    /// A value, behind the colon.
    ///
    /// A string is a string; a list and a set are arrays; a hash is an array of objects with `field`, `value` and
    /// perhaps `expiry_ms`, a sorted set one of objects with `member` and `score` (a number, or `"inf"` or
    /// `"-inf"`), a vector set one of objects with `element` and perhaps `attribute`; a
    /// stream is an object.
    pub(super) fn value(&mut self, value: &Value<'_>) -> io::Result<()> {
        match value {
            Value::String(string) => self.bytes(string),
            Value::List(list) => self.array(list.iter(), Self::bytes),
            Value::Set(set) => self.array(set.iter(), Self::bytes),
            Value::Hash(hash) => self.array(hash.iter(), |json, (name, field)| {
                json.text("{\"field\":", name)?;
                json.text(",\"value\":", field.value)?;
                json.optional(",\"expiry_ms\":", field.expiry);
                json.raw("}");
                Ok(())
            }),
            Value::SortedSet(sorted_set) => self.sorted_set(sorted_set),
            Value::Stream(stream) => self.stream(stream),
            Value::VectorSet(set) => self.array(set.elements(), |json, (name, element)| {
                json.text("{\"element\":", name)?;
                if let Some(attribute) = &element.attribute {
                    json.text(",\"attribute\":", attribute)?;
                }
                json.raw("}");
                Ok(())
            }),
            Value::Raw(_) | Value::History(_) => {
                self.raw("null");
                Ok(())
            }
        }
    }

    fn array<T>(
        &mut self,
        items: impl Iterator<Item = T>,
        mut write: impl FnMut(&mut Self, T) -> io::Result<()>,
    ) -> io::Result<()> {
        self.raw("[");
        for (index, item) in items.enumerate() {
            if index > 0 {
                self.raw(",");
            }
            write(self, item)?;
        }
        self.raw("]");
        Ok(())
    }

    fn sorted_set(&mut self, sorted_set: &SortedSet<'_>) -> io::Result<()> {
        self.array(sorted_set.iter(), |json, (member, score)| {
            json.text("{\"member\":", member)?;
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

    fn stream(&mut self, stream: &Stream<'_>) -> io::Result<()> {
        self.text("{\"last_id\":", stream.last_id().to_string().as_bytes())?;
        self.text(",\"max_deleted_id\":", stream.max_deleted_id().to_string().as_bytes())?;
        self.number(",\"entries_added\":", stream.entries_added());
        self.raw(",\"entries\":");
        self.array(stream.entries(), |json, (id, fields)| {
            json.text("{\"id\":", id.to_string().as_bytes())?;
            json.raw(",\"fields\":");
            json.array(fields.iter(), |json, (field, value)| {
                json.text("{\"field\":", field)?;
                json.text(",\"value\":", value)?;
                json.raw("}");
                Ok(())
            })?;
            json.raw("}");
            Ok(())
        })?;
        self.raw(",\"groups\":");
        self.array(stream.groups(), |json, (name, group)| {
            json.text("{\"name\":", name)?;
            json.text(",\"last_delivered_id\":", group.last_delivered_id.to_string().as_bytes())?;
            json.optional(",\"entries_read\":", group.entries_read);
            json.raw(",\"consumers\":");
            json.array(group.consumers(), |json, consumer| {
                json.text("{\"name\":", consumer.name())?;
                json.number(",\"seen_time_ms\":", consumer.seen_time);
                json.optional(",\"active_time_ms\":", consumer.active_time);
                json.number(",\"pending\":", consumer.pending_count());
                json.raw("}");
                Ok(())
            })?;
            json.raw(",\"pending\":");
            json.array(group.pending(), |json, (id, pending)| {
                json.text("{\"id\":", id.to_string().as_bytes())?;
                if let Some(consumer) = group.consumer_at(pending.consumer) {
                    json.text(",\"consumer\":", consumer.name())?;
                }
                json.number(",\"delivery_time_ms\":", pending.delivery_time);
                json.number(",\"delivery_count\":", pending.delivery_count);
                json.raw("}");
                Ok(())
            })?;
            json.raw("}");
            Ok(())
        })?;
        self.raw("}");
        Ok(())
    }
}
