//! The options of the commands on the expiry of fields.

use super::super::{Call, ExpiredFields, Failure};
use crate::resp::parse_integer;

/// What happens to the expiry of fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NewExpiry {
    /// Fields keep their expiry.
    Keep,
    /// Fields lose their expiry.
    Clear,
    /// Fields get this expiry, in milliseconds of Unix time.
    At(i64),
}

/// The condition of a change, on the expiry, the fields or the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Condition {
    Nx,
    Xx,
    Gt,
    Lt,
    Fnx,
    Fxx,
}

/// The options of one command.
#[derive(Debug, Clone, Default)]
pub(super) struct Options<'c, 'a> {
    pub(super) expiry: Option<NewExpiry>,
    /// The condition on the expiry, or on the key.
    pub(super) condition: Option<Condition>,
    /// The condition on the fields.
    pub(super) field_condition: Option<Condition>,
    /// The words after `FIELDS count`.
    pub(super) fields: &'c [&'a [u8]],
}

/// The number of arguments for each unit of `FIELDS count`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FieldArguments {
    Names = 1,
    Pairs = 2,
}

/// Reads `[condition] [expiry] FIELDS count field …`.
///
/// The order does not matter, as in Redis 8.4 and later. Older releases require FIELDS last, so their logs have it
/// there. `allowed` says which words are options of the command.
pub(super) fn options<'c, 'a>(
    call: &Call<'c, 'a>,
    from: usize,
    field_arguments: FieldArguments,
    allowed: &[&str],
) -> Result<Options<'c, 'a>, Failure> {
    let mut options = Options::default();
    let mut rest = call.arguments_from(from);
    while let Some((word, after)) = rest.split_first() {
        rest = after;
        if word.eq_ignore_ascii_case(b"FIELDS") && options.fields.is_empty() {
            let (count, after) = rest.split_first().ok_or(Failure::Arity)?;
            let count = parse_integer(count).and_then(|count| usize::try_from(count).ok()).filter(|count| *count > 0);
            let count =
                count.and_then(|count| count.checked_mul(field_arguments as usize)).ok_or(Failure::OutOfRange)?;
            (options.fields, rest) = after.split_at_checked(count).ok_or(Failure::Arity)?;
            continue;
        }
        let word =
            allowed.iter().find(|allowed| word.eq_ignore_ascii_case(allowed.as_bytes())).ok_or(Failure::Syntax)?;
        let value = if matches!(*word, "EX" | "PX" | "EXAT" | "PXAT") { rest.split_off_first() } else { None };
        let twice = match read(call, word, value)? {
            Read::Expiry(expiry) => options.expiry.replace(expiry).is_some(),
            Read::Condition(condition @ (Condition::Fnx | Condition::Fxx)) => {
                options.field_condition.replace(condition).is_some()
            }
            Read::Condition(condition) => options.condition.replace(condition).is_some(),
        };
        if twice {
            return Err(Failure::Syntax);
        }
    }
    if options.fields.is_empty() { Err(Failure::Syntax) } else { Ok(options) }
}

enum Read {
    Expiry(NewExpiry),
    Condition(Condition),
}

fn read(call: &Call<'_, '_>, word: &str, value: Option<&&[u8]>) -> Result<Read, Failure> {
    let now = call.now;
    let time = |milliseconds, base| {
        let time = expiry_at(call, value.ok_or(Failure::Syntax)?, milliseconds, base)?;
        Ok(Read::Expiry(NewExpiry::At(time)))
    };
    match word {
        "EX" => time(1000, now),
        "PX" => time(1, now),
        "EXAT" => time(1000, 0),
        "PXAT" => time(1, 0),
        "KEEPTTL" => Ok(Read::Expiry(NewExpiry::Keep)),
        "PERSIST" => Ok(Read::Expiry(NewExpiry::Clear)),
        "NX" => Ok(Read::Condition(Condition::Nx)),
        "XX" => Ok(Read::Condition(Condition::Xx)),
        "GT" => Ok(Read::Condition(Condition::Gt)),
        "LT" => Ok(Read::Condition(Condition::Lt)),
        "FNX" => Ok(Read::Condition(Condition::Fnx)),
        "FXX" => Ok(Read::Condition(Condition::Fxx)),
        _ => Err(Failure::Syntax),
    }
}

/// The time that an argument stands for, in milliseconds of Unix time: a number of units of `milliseconds` after
/// `base`.
///
/// Redis accepts times below 2^46, Valkey all that fit in 64 bits, so that the log of a Valkey may have times that
/// Redis refuses.
pub(super) fn expiry_at(call: &Call<'_, '_>, text: &[u8], milliseconds: i64, base: i64) -> Result<i64, Failure> {
    /// The first time that Redis refuses.
    const TOO_LATE: i64 = 1 << 46;
    let time = parse_integer(text).ok_or(Failure::NotAnInteger)?;
    if time < 0 {
        return Err(Failure::InvalidExpiry);
    }
    let time = time.checked_mul(milliseconds).and_then(|time| time.checked_add(base));
    let time = time.filter(|time| *time >= 0).ok_or(Failure::InvalidExpiry)?;
    if time >= TOO_LATE {
        call.diverge();
        if call.expired_fields == ExpiredFields::AsLoaded {
            return Err(Failure::InvalidExpiry);
        }
    }
    Ok(time)
}
