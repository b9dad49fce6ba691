//! The commands that set, compare and delete whole strings.

use super::super::{Call, Failure};
use super::options::{Clock, Condition, Form, Lifetime, Options};
use crate::resp::parse_integer;
use crate::value::{Bytes, Value};

fn string(bytes: &[u8]) -> Value<'_> {
    Value::String(Bytes::borrowed(bytes))
}

/// `SET key value [NX|XX|IFEQ value|IFNE value|IFDEQ digest|IFDNE digest] [GET] [KEEPTTL|EX|PX|EXAT|PXAT time]`.
///
/// IFEQ is of Valkey 8.1 and Redis 8.4, IFNE, IFDEQ and IFDNE of Redis 8.4.
pub(in crate::command) fn set(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    let (key, value) = (call.argument(1)?, call.argument(2)?);
    let words = call.arguments_from(3);
    if words.is_empty() {
        call.put(key, string(value));
        return Ok(());
    }
    let options = Options::read(Form::Set, words)?;
    let expiry = options.lifetime.expiry(call.now)?;
    if options.get {
        call.string(key)?;
    }
    if options.condition.holds(call, key)? {
        put(call, key, value, options.lifetime, expiry);
    }
    Ok(())
}

fn put<'a>(call: &mut Call<'_, 'a>, key: &'a [u8], value: &'a [u8], lifetime: Lifetime<'_>, expiry: Option<i64>) {
    match lifetime {
        Lifetime::Keep => call.put_keeping_expiry(key, string(value)),
        _ => call.put_expiring(key, string(value), expiry),
    }
}

/// `SETNX key value`.
pub(in crate::command) fn setnx(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    let (key, value) = (call.argument(1)?, call.argument(2)?);
    if !call.exists(key) {
        call.put(key, string(value));
    }
    Ok(())
}

/// `SETEX key seconds value`.
pub(in crate::command) fn setex(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    set_for(call, Clock::Seconds)
}

/// `PSETEX key milliseconds value`.
pub(in crate::command) fn psetex(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    set_for(call, Clock::Milliseconds)
}

fn set_for(call: &mut Call<'_, '_>, clock: Clock) -> Result<(), Failure> {
    let (key, time, value) = (call.argument(1)?, call.argument(2)?, call.argument(3)?);
    let expiry = clock.time(time, call.now)?;
    call.put_expiring(key, string(value), Some(expiry));
    Ok(())
}

/// `GETSET key value`.
pub(in crate::command) fn getset(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    let (key, value) = (call.argument(1)?, call.argument(2)?);
    call.string(key)?;
    call.put(key, string(value));
    Ok(())
}

/// `GETDEL key`.
pub(in crate::command) fn getdel(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    let key = call.argument(1)?;
    if call.string(key)?.is_some() {
        call.remove(key);
    }
    Ok(())
}

/// `GETEX key [PERSIST|EX|PX|EXAT|PXAT time]`. A time that has passed is set, as on servers that load.
pub(in crate::command) fn getex(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    let key = call.argument(1)?;
    let options = Options::read(Form::GetEx, call.arguments_from(2))?;
    if call.string(key)?.is_none() || options.lifetime == Lifetime::Unsaid {
        return Ok(());
    }
    let expiry = options.lifetime.expiry(call.now)?;
    if let Some(mut entry) = call.entry(key) {
        entry.set_expiry(expiry);
    }
    Ok(())
}

/// `DELIFEQ key value` of Valkey 9.
pub(in crate::command) fn delifeq(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    let (key, value) = (call.argument(1)?, call.argument(2)?);
    if Condition::Equal(value).holds(call, key)? {
        call.remove(key);
    }
    Ok(())
}

/// `DELEX key [IFEQ value|IFNE value|IFDEQ digest|IFDNE digest]` of Redis 8.4.
pub(in crate::command) fn delex(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    let key = call.argument(1)?;
    let words = call.arguments_from(2);
    let condition = match Condition::read(words) {
        Some((condition, 2)) if words.len() == 2 => condition,
        None if words.is_empty() => Condition::None,
        _ => return Err(Failure::Syntax),
    };
    if condition.holds(call, key)? {
        call.remove(key);
    }
    Ok(())
}

/// The keys and values from an argument on, and the number that the first key gets if it is created.
///
/// # Errors
/// [`Failure::Arity`] if there is none, or the last key has no value.
type Pairs<'c, 'a> = (&'c [[&'a [u8]; 2]], u64);

fn pairs<'c, 'a>(call: &Call<'c, 'a>) -> Result<Pairs<'c, 'a>, Failure> {
    let (pairs, rest) = call.arguments_from(1).as_chunks();
    if pairs.is_empty() || !rest.is_empty() { Err(Failure::Arity) } else { Ok((pairs, call.created + 1)) }
}

/// `MSET key value [key value …]`. Keys that are created count up from the call's number, whichever shard has them.
pub(in crate::command) fn mset(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    let (pairs, first) = pairs(call)?;
    for ([key, value], created) in pairs.iter().zip((first..).step_by(2)) {
        if call.is_local(key) {
            call.created = created;
            call.put(key, string(value));
        }
    }
    Ok(())
}

/// `MSETNX key value [key value …]`: only if none of the keys exists.
pub(in crate::command) fn msetnx(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    let (pairs, first) = pairs(call)?;
    if pairs.iter().any(|[key, _]| call.exists(key)) {
        return Ok(());
    }
    for ([key, value], created) in pairs.iter().zip((first..).step_by(2)) {
        call.created = created;
        call.put(key, string(value));
    }
    Ok(())
}

/// `MSETEX count key value [key value …] [NX|XX] [KEEPTTL|EX|PX|EXAT|PXAT time]` of Valkey 9 and Redis 8.4.
pub(in crate::command) fn msetex(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    let count = parse_integer(call.argument(1)?).and_then(|count| usize::try_from(count).ok());
    let count = count.filter(|count| *count > 0).ok_or(Failure::other("invalid numkeys value"))?;
    let arguments = call.arguments_from(2);
    let (pairs, words) = count.checked_mul(2).and_then(|end| arguments.split_at_checked(end)).ok_or(Failure::Arity)?;
    let (pairs, _) = pairs.as_chunks::<2>();
    let options = Options::read(Form::MSetEx, words)?;
    let expiry = options.lifetime.expiry(call.now)?;
    for [key, _] in pairs {
        if !options.condition.holds(call, key)? {
            return Ok(());
        }
    }
    for ([key, value], created) in pairs.iter().zip((call.created + 2..).step_by(2)) {
        call.created = created;
        put(call, key, value, options.lifetime, expiry);
    }
    Ok(())
}
