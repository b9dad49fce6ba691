//! XCFGSET, XIDMPRECORD, and the options IDMP and IDMPAUTO of XADD (Redis 8.6).

use std::cell::Cell;

use xxhash_rust::xxh3::Xxh3;

use super::parse_id;
use crate::command::apply::{Call, ExpiredFields, Failure};
use crate::value::{Bytes, Idempotence, Stream};

/// The producer and the idempotent id of a message.
#[derive(Debug, Clone, Copy)]
pub(super) struct Idempotency<'a> {
    pub(super) producer: &'a [u8],
    /// `None` with IDMPAUTO: the id is a hash of the message.
    pub(super) id: Option<&'a [u8]>,
}

impl<'a> Idempotency<'a> {
    /// The id of a message with these fields and values.
    pub(super) fn id_of(self, strings: &[&[u8]]) -> Bytes<'a> {
        self.id.map_or_else(|| Bytes::copied(&message_hash(strings)), Bytes::borrowed)
    }
}

/// The id that IDMPAUTO gives a message: it does not depend on the order of the fields (`createIdempotencyHash` of
/// Redis 8.6.3).
fn message_hash(strings: &[&[u8]]) -> [u8; 16] {
    let (mut sum, mut xor) = ((0_u64, 0_u64), (0_u64, 0_u64));
    for [field, value] in strings.as_chunks().0 {
        let mut hasher = Xxh3::new();
        hasher.update(field);
        hasher.update(&(field.len() as u64).to_le_bytes());
        hasher.update(value);
        let pair = hasher.digest128();
        #[expect(clippy::cast_possible_truncation, reason = "the two halves")]
        let (low, high) = (pair as u64, (pair >> 64) as u64);
        sum = (sum.0.wrapping_add(low), sum.1.wrapping_add(high));
        xor = (xor.0 ^ low, xor.1 ^ high);
    }
    let (low, high) = (sum.0 ^ xor.1.rotate_left(1), sum.1 ^ xor.0.rotate_left(1));
    (u128::from(high) << 64 | u128::from(low)).to_le_bytes()
}

/// Whether a message is a duplicate, so that XADD adds nothing. `is_open` says that the entry id is `*`.
///
/// Redis 8.6.2 and later log a new message with the id of its entry and a duplicate with `*`. A server that loads the
/// log treats every message as a duplicate whose id it remembers. The writer had forgotten ids that expired, so that a
/// message with an explicit entry id was new to it: [`ExpiredFields::AsWritten`] adds it.
pub(super) fn is_duplicate(
    stream: &mut Stream<'_>,
    producer: &[u8],
    id: &[u8],
    is_open: bool,
    (expired, diverged): (ExpiredFields, Option<&Cell<bool>>),
) -> bool {
    let is_known = stream.idempotence().is_some_and(|known| known.get(producer, id).is_some());
    if let (true, false, Some(diverged)) = (is_known, is_open, diverged) {
        diverged.set(true);
    }
    let is_duplicate = is_known && (is_open || expired == ExpiredFields::AsLoaded);
    if is_duplicate {
        stream.idempotence_mut().duplicates += 1;
    } else if is_known {
        stream.idempotence_mut().forget_through(producer, id);
    }
    is_duplicate
}

/// `XCFGSET key [IDMP-DURATION seconds] [IDMP-MAXSIZE n]`: forgets all ids if a setting changes.
pub(in crate::command) fn xcfgset(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    let key = call.argument(1)?;
    call.stream(key)?.ok_or(Failure::NoSuchKey)?;
    let (mut duration, mut max_entries) = (None, None);
    let mut index = 2;
    while let Ok(name) = call.argument(index) {
        let (setting, most) = if name.eq_ignore_ascii_case(b"IDMP-DURATION") {
            (&mut duration, Idempotence::MAX_DURATION)
        } else if name.eq_ignore_ascii_case(b"IDMP-MAXSIZE") {
            (&mut max_entries, Idempotence::MAX_ENTRIES)
        } else {
            return Err(Failure::Syntax);
        };
        if index + 1 >= call.arguments.len() || setting.is_some() {
            return Err(Failure::Syntax);
        }
        let value = u64::try_from(call.integer(index + 1)?).ok().filter(|value| (1..=most).contains(value));
        *setting = Some(value.ok_or(Failure::other("the value of the setting is out of range"))?);
        index += 2;
    }
    if duration.is_none() && max_entries.is_none() {
        return Err(Failure::other("At least one parameter must be specified"));
    }
    let Some(stream) = call.stream(key)? else { return Ok(()) };
    let settings = stream.idempotence_mut();
    let old = (settings.duration, settings.max_entries);
    settings.duration = duration.unwrap_or(settings.duration);
    settings.max_entries = max_entries.unwrap_or(settings.max_entries);
    if (settings.duration, settings.max_entries) != old {
        settings.clear();
    }
    Ok(())
}

/// `XIDMPRECORD key producer id entry-id`
pub(in crate::command) fn xidmprecord(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    let (key, producer, id) = (call.argument(1)?, call.argument(2)?, call.argument(3)?);
    let entry = parse_id(call.argument(4)?)?;
    if call.arguments.len() != 5 {
        return Err(Failure::Arity);
    }
    if producer.is_empty() || id.is_empty() {
        return Err(Failure::other("producer and idempotent IDs must be non-empty"));
    }
    let stream = call.stream(key)?.ok_or(Failure::NoSuchKey)?;
    if stream.log().get(entry).is_none() {
        return Err(Failure::other("No such message in stream"));
    }
    if stream.idempotence().and_then(|known| known.get(producer, id)).is_some_and(|known| known != entry) {
        return Err(Failure::other("IID already exists for this producer with a different stream ID"));
    }
    stream.idempotence_mut().add(Bytes::borrowed(producer), Bytes::borrowed(id), entry);
    Ok(())
}
