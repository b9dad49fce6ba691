//! A stream → the commands that make it.

use super::Target;
use super::commands::Emitter;
use crate::value::{Stream, StreamId};

impl Emitter<'_> {
    fn id(&mut self, id: StreamId) {
        self.bulk(id.to_string().as_bytes());
    }
}

/// The commands for a stream: its entries, its counters, its groups, and what they have pending.
pub(super) fn emit(emitter: &mut Emitter<'_>, key: &[u8], stream: &Stream<'_>) {
    for (id, fields) in stream.entries() {
        emitter.command("XADD", 3 + 2 * fields.len());
        emitter.bulk(key);
        emitter.id(id);
        for (field, value) in fields.iter() {
            emitter.bulk(field);
            emitter.bulk(value);
        }
    }
    if stream.is_empty() {
        // What makes a stream without entries.
        emitter.command("XADD", 7);
        emitter.bulk(key);
        for argument in ["MAXLEN", "0", "0-1", "x", "y"] {
            emitter.bulk(argument.as_bytes());
        }
    }
    let counters = emitter.target_has(Target::is_redis_7_or_later);
    emitter.command("XSETID", if counters { 7 } else { 3 });
    emitter.bulk(key);
    emitter.id(stream.last_id());
    if counters {
        emitter.bulk(b"ENTRIESADDED");
        emitter.number(stream.entries_added());
        emitter.bulk(b"MAXDELETEDID");
        emitter.id(stream.max_deleted_id());
    } else {
        emitter.written.lost.stream_counters += 1;
    }
    groups(emitter, key, stream);
}

/// The groups of a stream, their consumers, and what is pending.
fn groups(emitter: &mut Emitter<'_>, key: &[u8], stream: &Stream<'_>) {
    let counters = emitter.target_has(Target::is_redis_7_or_later);
    for (name, group) in stream.groups() {
        emitter.command("XGROUP", if counters { 7 } else { 5 });
        emitter.bulk(b"CREATE");
        emitter.bulk(key);
        emitter.bulk(name);
        emitter.id(group.last_delivered_id);
        if counters {
            emitter.bulk(b"ENTRIESREAD");
            match group.entries_read {
                Some(count) => emitter.number(count),
                None => emitter.bulk(b"-1"),
            }
        }
        for consumer in group.consumers() {
            // XCLAIM makes nothing pending whose entry is gone.
            let (kept, gone): (Vec<StreamId>, Vec<StreamId>) =
                consumer.pending().partition(|id| stream.log().get(*id).is_some());
            emitter.written.lost.pending_entries += gone.len() as u64;
            if kept.is_empty() {
                emitter.command("XGROUP", 5);
                emitter.bulk(b"CREATECONSUMER");
                emitter.bulk(key);
                emitter.bulk(name);
                emitter.bulk(consumer.name());
            }
            for id in kept {
                let Some(pending) = group.pending_entry(id) else { continue };
                emitter.command("XCLAIM", 12);
                emitter.bulk(key);
                emitter.bulk(name);
                emitter.bulk(consumer.name());
                emitter.bulk(b"0");
                emitter.id(id);
                emitter.bulk(b"TIME");
                emitter.number(pending.delivery_time);
                emitter.bulk(b"RETRYCOUNT");
                emitter.number(pending.delivery_count);
                emitter.bulk(b"JUSTID");
                emitter.bulk(b"FORCE");
            }
        }
    }
}
