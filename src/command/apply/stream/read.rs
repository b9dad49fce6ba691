//! XREADGROUP.

use super::{NO_GROUP, parse_id};
use crate::command::apply::{Call, Failure};
use crate::value::{Bytes, ConsumerGroup, ConsumerIndex, Entries, PendingEntry, StreamId};

/// Whether delivered entries become pending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Acknowledgement {
    Expected,
    /// NOACK
    None,
}

/// The options before STREAMS; `count` is `usize::MAX` for all.
#[derive(Debug)]
struct Options<'a> {
    group: &'a [u8],
    consumer: &'a [u8],
    count: usize,
    acknowledgement: Acknowledgement,
    /// The index of the first key.
    keys: usize,
}

fn parse_options<'a>(call: &Call<'_, 'a>) -> Result<Options<'a>, Failure> {
    let mut names = None;
    let (mut count, mut acknowledgement) = (usize::MAX, Acknowledgement::Expected);
    let mut index = 1;
    loop {
        let more = call.arguments.len().saturating_sub(index + 1);
        let option = call.arguments.get(index).ok_or(Failure::Syntax)?;
        let named = |name: &str| option.eq_ignore_ascii_case(name.as_bytes());
        if named("BLOCK") && more > 0 {
            if call.integer(index + 1)? < 0 {
                return Err(Failure::other("timeout is negative"));
            }
            index += 2;
        } else if named("COUNT") && more > 0 {
            // Zero and negative numbers mean all.
            count = usize::try_from(call.integer(index + 1)?).ok().filter(|count| *count > 0).unwrap_or(usize::MAX);
            index += 2;
        } else if named("STREAMS") && more > 0 {
            let (group, consumer) = names.ok_or(Failure::other("Missing GROUP option for XREADGROUP"))?;
            return Ok(Options { group, consumer, count, acknowledgement, keys: index + 1 });
        } else if named("GROUP") && more >= 2 {
            names = Some((call.argument(index + 1)?, call.argument(index + 2)?));
            index += 3;
        } else if named("NOACK") {
            acknowledgement = Acknowledgement::None;
            index += 1;
        } else {
            return Err(Failure::Syntax);
        }
    }
}

/// `XREADGROUP GROUP group consumer [COUNT n] [BLOCK ms] [NOACK] STREAMS key … >|id …`
///
/// It does not wait. Servers log its effects instead (XCLAIM, XGROUP SETID, XGROUP CREATECONSUMER).
pub(in crate::command) fn xreadgroup(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    let options = parse_options(call)?;
    let streams = call.arguments_from(options.keys);
    if streams.len() % 2 == 1 {
        return Err(Failure::other("Unbalanced 'xreadgroup' list of streams"));
    }
    let (keys, ids) = streams.split_at(streams.len() / 2);
    let mut start_ids = Vec::with_capacity(ids.len());
    for (key, id) in keys.iter().zip(ids) {
        call.stream(key)?.and_then(|stream| stream.group_mut(options.group)).ok_or(NO_GROUP)?;
        // Servers represent `>` as the greatest id.
        start_ids.push(if *id == b">" { StreamId::MAX } else { parse_id(id)? });
    }
    let now = call.now;
    for (key, id) in keys.iter().zip(start_ids) {
        let Some((log, group)) = call.stream(key)?.and_then(|stream| stream.log_and_group(options.group)) else {
            continue;
        };
        let Some(consumer) = seen(group, options.consumer, now) else { continue };
        if id == StreamId::MAX {
            deliver(log, group, consumer, &options, now);
        } else if let Some(from) = id.next() {
            deliver_again(log, group, consumer, from, options.count, now);
        }
    }
    Ok(())
}

/// The consumer with a name, created if there is none. Its seen time becomes `now`.
pub(super) fn seen<'a>(group: &mut ConsumerGroup<'a>, name: &'a [u8], now: i64) -> Option<ConsumerIndex> {
    let index = match group.consumer_index(name) {
        Some(index) => index,
        None => group.add_consumer(Bytes::borrowed(name), now, None)?,
    };
    group.consumer_at_mut(index)?.seen_time = now;
    Some(index)
}

/// Sets the active time of a consumer to `now`.
pub(super) fn active(group: &mut ConsumerGroup<'_>, consumer: ConsumerIndex, now: i64) {
    if let Some(consumer) = group.consumer_at_mut(consumer) {
        consumer.active_time = Some(now);
    }
}

/// Delivers entries that the group has not read yet, and counts them as Redis 8.0.6 and Valkey 9.1 do
/// (`streamReplyWithRange`).
fn deliver(log: &Entries<'_>, group: &mut ConsumerGroup<'_>, consumer: ConsumerIndex, options: &Options<'_>, now: i64) {
    let Some(from) = group.last_delivered_id.next() else { return };
    for (id, _) in log.iter_from(from).take(options.count) {
        let last = group.last_delivered_id;
        let counted = group.entries_read.filter(|_| last >= log.first_id() && !log.have_tombstones_from(last));
        group.entries_read = match counted {
            Some(count) => Some(count.saturating_add(1)),
            None if log.entries_added() > 0 => log.distance_from_first(id),
            None => group.entries_read,
        };
        group.last_delivered_id = id;
        if options.acknowledgement == Acknowledgement::Expected {
            group.set_pending(id, PendingEntry { consumer, delivery_time: now, delivery_count: 1 });
            active(group, consumer, now);
        }
    }
}

/// Delivers the pending entries of a consumer again (`streamReplyWithRangeFromConsumerPEL`). Only entries that still
/// exist count as delivered.
fn deliver_again(
    log: &Entries<'_>,
    group: &mut ConsumerGroup<'_>,
    consumer: ConsumerIndex,
    from: StreamId,
    count: usize,
    now: i64,
) {
    let Some(ids) = group.consumer_at(consumer).map(|consumer| consumer.pending_from(from).take(count)) else { return };
    for id in ids.collect::<Vec<_>>() {
        if let (Some(entry), Some(_)) = (group.pending_entry(id).copied(), log.get(id)) {
            let delivery_count = entry.delivery_count.wrapping_add(1);
            group.set_pending(id, PendingEntry { consumer, delivery_time: now, delivery_count });
        }
    }
}
