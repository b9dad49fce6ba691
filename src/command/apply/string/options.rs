//! The options of SET, GETEX and MSETEX.

use xxhash_rust::xxh3::xxh3_64;

use super::super::{Call, Failure};
use crate::resp::parse_integer;
use crate::value::Bytes;

/// The unit of an expiry, and the time from which it counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Clock {
    /// EX: seconds from now.
    Seconds,
    /// PX: milliseconds from now.
    Milliseconds,
    /// EXAT: seconds of Unix time.
    UnixSeconds,
    /// PXAT: milliseconds of Unix time.
    UnixMilliseconds,
}

impl Clock {
    fn named(word: &[u8]) -> Option<Self> {
        let clocks = [
            (&b"ex"[..], Self::Seconds),
            (b"px", Self::Milliseconds),
            (b"exat", Self::UnixSeconds),
            (b"pxat", Self::UnixMilliseconds),
        ];
        clocks.into_iter().find(|(name, _)| word.eq_ignore_ascii_case(name)).map(|(_, clock)| clock)
    }

    /// The time that an argument stands for, in milliseconds of Unix time.
    ///
    /// # Errors
    /// [`Failure::NotAnInteger`]; [`Failure::InvalidExpiry`] if it is not above zero, or does not fit in 64 bits.
    pub(super) fn time(self, text: &[u8], now: i64) -> Result<i64, Failure> {
        let number = parse_integer(text).ok_or(Failure::NotAnInteger)?;
        let (unit, base) = match self {
            Self::Seconds => (1000, now),
            Self::Milliseconds => (1, now),
            Self::UnixSeconds => (1000, 0),
            Self::UnixMilliseconds => (1, 0),
        };
        let time = number.checked_mul(unit).and_then(|time| time.checked_add(base));
        time.filter(|time| number > 0 && *time > 0).ok_or(Failure::InvalidExpiry)
    }
}

/// What happens to the expiry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lifetime<'a> {
    /// No option was given.
    Unsaid,
    /// KEEPTTL: the key keeps it.
    Keep,
    /// PERSIST: the key loses it.
    Forever,
    /// The key gets a new one, which is not validated yet.
    Until(Clock, &'a [u8]),
}

impl Lifetime<'_> {
    /// The new expiry, if there is one.
    ///
    /// # Errors
    /// Those of [`Clock::time`].
    pub(super) fn expiry(self, now: i64) -> Result<Option<i64>, Failure> {
        match self {
            Self::Until(clock, text) => clock.time(text, now).map(Some),
            _ => Ok(None),
        }
    }
}

/// The condition on which a command has an effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Condition<'a> {
    /// Always.
    None,
    /// NX: there is no such key.
    Missing,
    /// XX: there is such a key.
    Existing,
    /// IFEQ: the key holds this string.
    Equal(&'a [u8]),
    /// IFNE: the key holds another string, or does not exist.
    Unequal(&'a [u8]),
    /// IFDEQ: the key holds a string with this digest.
    DigestEqual(&'a [u8]),
    /// IFDNE: the key holds a string with another digest, or does not exist.
    DigestUnequal(&'a [u8]),
}

impl<'a> Condition<'a> {
    /// The condition at the beginning of `words`, and the number of words that belong to it.
    pub(super) fn read(words: &[&'a [u8]]) -> Option<(Self, usize)> {
        let (word, rest) = words.split_first()?;
        let is = |name: &[u8]| word.eq_ignore_ascii_case(name);
        match rest.first() {
            _ if is(b"nx") => Some((Self::Missing, 1)),
            _ if is(b"xx") => Some((Self::Existing, 1)),
            Some(value) if is(b"ifeq") => Some((Self::Equal(value), 2)),
            Some(value) if is(b"ifne") => Some((Self::Unequal(value), 2)),
            Some(digest) if is(b"ifdeq") => Some((Self::DigestEqual(digest), 2)),
            Some(digest) if is(b"ifdne") => Some((Self::DigestUnequal(digest), 2)),
            _ => None,
        }
    }

    /// Whether it holds for a key.
    ///
    /// # Errors
    /// [`Failure::WrongType`] if a string is compared and the key holds another type. An invalid digest is refused only
    /// if there is a string to compare it with.
    pub(super) fn holds(self, call: &mut Call<'_, 'a>, key: &[u8]) -> Result<bool, Failure> {
        Ok(match self {
            Self::None => true,
            Self::Missing => !call.exists(key),
            Self::Existing => call.exists(key),
            Self::Equal(value) => call.string(key)?.is_some_and(|string| is(string, value)),
            Self::Unequal(value) => call.string(key)?.is_none_or(|string| !is(string, value)),
            Self::DigestEqual(digest) => match call.string(key)? {
                Some(string) => has_digest(string, digest)?,
                None => false,
            },
            Self::DigestUnequal(digest) => match call.string(key)? {
                Some(string) => !has_digest(string, digest)?,
                None => true,
            },
        })
    }
}

fn is(string: &Bytes<'_>, value: &[u8]) -> bool {
    string.as_slice() == value
}

/// Whether a string has a digest, as DIGEST of Redis 8.4 prints it: the 64 bits of XXH3, in hexadecimal of either case.
fn has_digest(string: &Bytes<'_>, digest: &[u8]) -> Result<bool, Failure> {
    const LENGTH: usize = 16;
    if digest.len() != LENGTH {
        return Err(Failure::other("must be exactly 16 hexadecimal characters"));
    }
    Ok(format!("{:0LENGTH$x}", xxh3_64(string)).as_bytes().eq_ignore_ascii_case(digest))
}

/// Which of the options a command accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// A condition, GET, KEEPTTL, a time.
    Set,
    /// PERSIST, a time.
    GetEx,
    /// NX or XX, KEEPTTL, a time.
    MSetEx,
}

/// The given options.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Options<'a> {
    pub(super) condition: Condition<'a>,
    pub(super) lifetime: Lifetime<'a>,
    /// GET was given: the key must hold a string, or be missing.
    pub(super) get: bool,
}

impl<'a> Options<'a> {
    /// Reads options in any order. Of repeated times the last counts.
    ///
    /// # Errors
    /// [`Failure::Syntax`] for a word that is not an option of this form, lacks its value, or contradicts an earlier
    /// one.
    pub(super) fn read(form: Form, mut words: &[&'a [u8]]) -> Result<Self, Failure> {
        let mut options = Self { condition: Condition::None, lifetime: Lifetime::Unsaid, get: false };
        while let Some((word, rest)) = words.split_first() {
            let is = |name: &[u8]| word.eq_ignore_ascii_case(name);
            let mut taken = 1;
            if form != Form::GetEx
                && let Some((condition, length)) = Condition::read(words)
            {
                options.take_condition(form, condition)?;
                taken = length;
            } else if form == Form::Set && is(b"get") {
                options.get = true;
            } else if form != Form::GetEx && is(b"keepttl") {
                options.take_lifetime(Lifetime::Keep)?;
            } else if form == Form::GetEx && is(b"persist") {
                options.take_lifetime(Lifetime::Forever)?;
            } else {
                let clock = Clock::named(word).ok_or(Failure::Syntax)?;
                let time = rest.first().ok_or(Failure::Syntax)?;
                options.take_lifetime(Lifetime::Until(clock, time))?;
                taken = 2;
            }
            words = words.get(taken..).unwrap_or_default();
        }
        Ok(options)
    }

    fn take_condition(&mut self, form: Form, condition: Condition<'a>) -> Result<(), Failure> {
        let simple = matches!(condition, Condition::Missing | Condition::Existing);
        if form == Form::MSetEx && !simple {
            return Err(Failure::Syntax);
        }
        if self.condition != Condition::None && !(simple && self.condition == condition) {
            return Err(Failure::Syntax);
        }
        self.condition = condition;
        Ok(())
    }

    fn take_lifetime(&mut self, lifetime: Lifetime<'a>) -> Result<(), Failure> {
        let agrees = match (self.lifetime, lifetime) {
            (Lifetime::Unsaid, _) => true,
            (Lifetime::Until(before, _), Lifetime::Until(clock, _)) => before == clock,
            (before, lifetime) => before == lifetime,
        };
        if !agrees {
            return Err(Failure::Syntax);
        }
        self.lifetime = lifetime;
        Ok(())
    }
}
