//! XACK, XCLAIM, XAUTOCLAIM.

use super::read::{active, seen};
use super::{NO_GROUP, parse_id, parse_ids};
use crate::command::apply::{Call, Failure};
use crate::resp::parse_integer;
use crate::value::{PendingEntry, StreamId};

/// `XACK key group id …`
pub(in crate::command) fn xack(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    let (key, group) = (call.argument(1)?, call.argument(2)?);
    let arguments = call.arguments_from(3);
    if let Some(group) = call.stream(key)?.and_then(|stream| stream.group_mut(group)) {
        for id in parse_ids(arguments)? {
            group.acknowledge(id);
        }
    }
    Ok(())
}

/// Whether claiming counts as a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Claim {
    Delivery,
    /// JUSTID
    IdsOnly,
}

/// What XCLAIM does with an id that is not pending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unknown {
    Skip,
    /// FORCE
    MakePending,
}

/// The options after the ids of XCLAIM.
#[derive(Debug)]
struct Options {
    delivery_time: i64,
    retry_count: Option<u64>,
    unknown: Unknown,
    claim: Claim,
    last_id: StreamId,
}

fn parse_options(arguments: &[&[u8]], now: i64) -> Result<Options, Failure> {
    let mut options = Options {
        delivery_time: now,
        retry_count: None,
        unknown: Unknown::Skip,
        claim: Claim::Delivery,
        last_id: StreamId::ZERO,
    };
    let mut rest = arguments.iter();
    while let Some(name) = rest.next() {
        let named = |option: &str| name.eq_ignore_ascii_case(option.as_bytes());
        if named("FORCE") {
            options.unknown = Unknown::MakePending;
            continue;
        } else if named("JUSTID") {
            options.claim = Claim::IdsOnly;
            continue;
        }
        let unrecognized = Failure::other("Unrecognized XCLAIM option");
        let Some(value) = rest.next() else { return Err(unrecognized) };
        let number = || parse_integer(value).ok_or(Failure::NotAnInteger);
        if named("IDLE") {
            let time = now.checked_sub(number()?);
            options.delivery_time = time.filter(|time| (0..=now).contains(time)).unwrap_or(now);
        } else if named("TIME") {
            // Servers replace a time in the future by the current time. Here it is kept, because the time of a log can
            // be behind.
            options.delivery_time = Some(number()?).filter(|time| *time >= 0).unwrap_or(now);
        } else if named("RETRYCOUNT") {
            options.retry_count = u64::try_from(number()?).ok();
        } else if named("LASTID") {
            options.last_id = parse_id(value)?;
        } else {
            return Err(unrecognized);
        }
    }
    Ok(options)
}

/// `XCLAIM key group consumer min-idle-time id … [IDLE ms] [TIME ms] [RETRYCOUNT n] [FORCE] [JUSTID] [LASTID id]`
///
/// A pending entry whose entry was deleted stops being pending (Redis 7.0 and later).
pub(in crate::command) fn xclaim(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    let (key, group, consumer) = (call.argument(1)?, call.argument(2)?, call.argument(3)?);
    let min_idle = call.integer(4)?.max(0);
    let arguments = call.arguments_from(5);
    let ids: Vec<StreamId> = arguments.iter().map_while(|text| StreamId::parse(text, 0)).collect();
    let now = call.now;
    let options = parse_options(arguments.get(ids.len()..).unwrap_or_default(), now)?;
    let (log, group) = call.stream(key)?.and_then(|stream| stream.log_and_group(group)).ok_or(NO_GROUP)?;
    group.last_delivered_id = group.last_delivered_id.max(options.last_id);
    let Some(consumer) = seen(group, consumer, now) else { return Ok(()) };
    for id in ids {
        if log.get(id).is_none() {
            group.acknowledge(id);
            continue;
        }
        let known = group.pending_entry(id);
        if known.is_none() && options.unknown == Unknown::Skip
            || known.is_some_and(|entry| is_busy(entry, now, min_idle))
        {
            continue;
        }
        // With FORCE, an entry counts as delivered once.
        let before = known.map_or(1, |entry| entry.delivery_count);
        let delivery_count = options.retry_count.unwrap_or(counted(before, options.claim));
        group.set_pending(id, PendingEntry { consumer, delivery_time: options.delivery_time, delivery_count });
        active(group, consumer, now);
    }
    Ok(())
}

/// Whether an entry was delivered too recently to be claimed.
const fn is_busy(entry: &PendingEntry, now: i64, min_idle: i64) -> bool {
    min_idle > 0 && now.saturating_sub(entry.delivery_time) < min_idle
}

const fn counted(before: u64, claim: Claim) -> u64 {
    match claim {
        Claim::Delivery => before.wrapping_add(1),
        Claim::IdsOnly => before,
    }
}

/// `XAUTOCLAIM key group consumer min-idle-time start [COUNT n] [JUSTID]`
pub(in crate::command) fn xautoclaim(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    let (key, group, consumer) = (call.argument(1)?, call.argument(2)?, call.argument(3)?);
    let min_idle = call.integer(4)?.max(0);
    let mut start = parse_start(call.argument(5)?)?;
    let (mut count, claim) = parse_auto_options(call.arguments_from(6))?;
    let now = call.now;
    let (log, group) = call.stream(key)?.and_then(|stream| stream.log_and_group(group)).ok_or(NO_GROUP)?;
    let Some(consumer) = seen(group, consumer, now) else { return Ok(()) };
    let mut attempts = count.saturating_mul(10);
    while count > 0 && attempts > 0 {
        let next = group.pending_from(start).next().map(|(id, entry)| (id, *entry));
        let Some((id, entry)) = next else { break };
        attempts -= 1;
        if log.get(id).is_none() {
            group.acknowledge(id);
            count -= 1;
        } else if !is_busy(&entry, now, min_idle) {
            let delivery_count = counted(entry.delivery_count, claim);
            group.set_pending(id, PendingEntry { consumer, delivery_time: now, delivery_count });
            active(group, consumer, now);
            count -= 1;
        }
        let Some(next) = id.next() else { break };
        start = next;
    }
    Ok(())
}

/// An id, `-`, `+`, or `(id` for the next one (`streamParseIntervalIDOrReply`).
fn parse_start(text: &[u8]) -> Result<StreamId, Failure> {
    match text {
        [b'(', id @ ..] if !id.is_empty() => {
            parse_id(id)?.next().ok_or(Failure::other("invalid start ID for the interval"))
        }
        text => super::parse_id_or_end(text),
    }
}

fn parse_auto_options(arguments: &[&[u8]]) -> Result<(u64, Claim), Failure> {
    let (mut count, mut claim) = (100, Claim::Delivery);
    let mut rest = arguments.iter();
    while let Some(name) = rest.next() {
        if name.eq_ignore_ascii_case(b"JUSTID") {
            claim = Claim::IdsOnly;
            continue;
        }
        let value = rest.next().filter(|_| name.eq_ignore_ascii_case(b"COUNT")).ok_or(Failure::Syntax)?;
        let number = parse_integer(value).ok_or(Failure::NotAnInteger)?;
        // Servers allocate 16 bytes for each.
        count = u64::try_from(number)
            .ok()
            .filter(|count| (1..=i64::MAX as u64 / 16).contains(count))
            .ok_or(Failure::other("COUNT must be > 0"))?;
    }
    Ok((count, claim))
}
