//! The commands on the expiry of keys.

use super::super::{Call, Failure};
use crate::resp::parse_integer;

/// `EXPIRE key seconds [NX|XX|GT|LT]`.
pub(in crate::command) fn expire(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    set_expiry(call, 1000, call.now)
}

/// `EXPIREAT key unix-seconds [NX|XX|GT|LT]`.
pub(in crate::command) fn expireat(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    set_expiry(call, 1000, 0)
}

/// `PEXPIRE key milliseconds [NX|XX|GT|LT]`.
pub(in crate::command) fn pexpire(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    set_expiry(call, 1, call.now)
}

/// `PEXPIREAT key unix-milliseconds [NX|XX|GT|LT]`.
pub(in crate::command) fn pexpireat(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    set_expiry(call, 1, 0)
}

/// Sets the expiry, even to a time that has passed, as servers do while they load.
fn set_expiry(call: &mut Call<'_, '_>, unit: i64, base: i64) -> Result<(), Failure> {
    let (key, time) = (call.argument(1)?, call.argument(2)?);
    let condition = Condition::read(call.arguments_from(3))?;
    let time = parse_integer(time).ok_or(Failure::NotAnInteger)?;
    let expiry = time.checked_mul(unit).and_then(|time| time.checked_add(base)).ok_or(Failure::InvalidExpiry)?;
    let expires_at_minus_one = call.server.expires_at_minus_one();
    if let Some(mut entry) = call.entry(key)
        && condition.holds(entry.expiry(), expiry)
    {
        // An entry takes -1 for "no expiry", as most servers do. -2 has passed as well.
        entry.set_expiry(Some(if expires_at_minus_one && expiry == -1 { -2 } else { expiry }));
    }
    Ok(())
}

/// The conditions on which an expiry is set; all of those given must hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "four options, of which XX goes with GT or LT")]
struct Condition {
    /// NX: the key has no expiry.
    none: bool,
    /// XX: the key has an expiry.
    some: bool,
    /// GT: the new expiry is later; no expiry counts as the latest.
    later: bool,
    /// LT: the new expiry is earlier.
    earlier: bool,
}

impl Condition {
    fn read(words: &[&[u8]]) -> Result<Self, Failure> {
        let mut condition = Self::default();
        for word in words {
            let options = [
                (&b"nx"[..], &mut condition.none),
                (b"xx", &mut condition.some),
                (b"gt", &mut condition.later),
                (b"lt", &mut condition.earlier),
            ];
            let option = options.into_iter().find(|(name, _)| word.eq_ignore_ascii_case(name));
            let (_, given) = option.ok_or(Failure::other("Unsupported option"))?;
            *given = true;
        }
        let Self { none, some, later, earlier } = condition;
        if none && (some || later || earlier) {
            return Err(Failure::other("NX and XX, GT or LT options at the same time are not compatible"));
        }
        if later && earlier {
            return Err(Failure::other("GT and LT options at the same time are not compatible"));
        }
        Ok(condition)
    }

    fn holds(self, current: Option<i64>, expiry: i64) -> bool {
        !(self.none && current.is_some()
            || self.some && current.is_none()
            || self.later && current.is_none_or(|current| expiry <= current)
            || self.earlier && current.is_some_and(|current| expiry >= current))
    }
}

/// `PERSIST key`.
pub(in crate::command) fn persist(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    let key = call.argument(1)?;
    if let Some(mut entry) = call.entry(key) {
        entry.set_expiry(None);
    }
    Ok(())
}
