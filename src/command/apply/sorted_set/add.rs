//! The commands that add and remove members and change scores.

use super::is;
use crate::command::apply::{Call, Failure};
use crate::server::Server;
use crate::value::{Bytes, SortedSet, Value};

/// Which members a command may change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::command::apply) enum Existing {
    #[default]
    Any,
    /// NX: members that do not exist.
    Absent,
    /// XX: members that exist.
    Present,
}

/// Which scores may replace an existing one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Change {
    #[default]
    Any,
    /// GT.
    Greater,
    /// LT.
    Lower,
}

/// What the argument for the score means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Meaning {
    #[default]
    Score,
    /// INCR: it is added to the existing score.
    Increment,
}

/// The options of ZADD that matter to the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::command::apply) struct Options {
    existing: Existing,
    change: Change,
    meaning: Meaning,
}

impl Options {
    /// The options of a ZADD with only NX, XX or neither.
    pub(in crate::command::apply) fn touching(existing: Existing) -> Self {
        Self { existing, ..Self::default() }
    }

    /// Reads options from the third argument on, and returns the index of the first score as well.
    fn parse(arguments: &[&[u8]]) -> Result<(Self, usize), Failure> {
        let (mut options, mut index) = (Self::default(), 2);
        let (mut absent, mut present, mut greater, mut lower) = (false, false, false, false);
        while let Some(word) = arguments.get(index) {
            // Most scores begin with a digit, but no option does.
            if word.first().is_some_and(u8::is_ascii_digit) {
                break;
            } else if is(word, "nx") {
                absent = true;
            } else if is(word, "xx") {
                present = true;
            } else if is(word, "gt") {
                greater = true;
            } else if is(word, "lt") {
                lower = true;
            } else if is(word, "incr") {
                options.meaning = Meaning::Increment;
            } else if !is(word, "ch") {
                break;
            }
            index += 1;
        }
        let pairs = arguments.len().saturating_sub(index);
        if pairs == 0 || pairs % 2 != 0 {
            return Err(Failure::Syntax);
        }
        options.existing = match (absent, present) {
            (false, false) => Existing::Any,
            (true, false) => Existing::Absent,
            (false, true) => Existing::Present,
            (true, true) => return Err(Failure::other("XX and NX options at the same time are not compatible")),
        };
        options.change = match (greater, lower) {
            (false, false) => Change::Any,
            (true, false) if !absent => Change::Greater,
            (false, true) if !absent => Change::Lower,
            _ => return Err(Failure::other("GT, LT, and/or NX options at the same time are not compatible")),
        };
        if options.meaning == Meaning::Increment && pairs > 2 {
            return Err(Failure::other("INCR option supports a single increment-element pair"));
        }
        Ok((options, index))
    }

    /// Adds or changes one member according to the options.
    #[inline]
    fn apply<'a>(self, set: &mut SortedSet<'a>, score: f64, member: &'a [u8], server: Server) -> Result<(), Failure> {
        let mut new = score;
        let old = if self == Self::default() {
            set.insert(Bytes::borrowed(member), score)
        } else {
            set.update(Bytes::borrowed(member), |old| {
                let decided = self.decide(old, score)?;
                new = decided.unwrap_or_default();
                Ok::<_, Failure>(decided)
            })?
        };
        if new == 0.0 && new.is_sign_negative() && server.keeps_negative_zero() && old != Some(0.0) {
            set.negate_zero(member);
        }
        Ok(())
    }

    /// The new score of a member, if it changes.
    fn decide(self, old: Option<f64>, score: f64) -> Result<Option<f64>, Failure> {
        let Some(old) = old else { return Ok((self.existing != Existing::Present).then_some(score)) };
        if self.existing == Existing::Absent {
            return Ok(None);
        }
        let score = if self.meaning == Meaning::Increment { old + score } else { score };
        if score.is_nan() {
            return Err(Failure::other("resulting score is not a number (NaN)"));
        }
        let changes = match self.change {
            Change::Any => true,
            Change::Greater => score > old,
            Change::Lower => score < old,
        };
        Ok(changes.then_some(score))
    }
}

/// Adds members to a sorted set, which is created if there is none. With INCR there is only one pair.
pub(in crate::command::apply) fn add_pairs<'a>(
    call: &mut Call<'_, 'a>,
    key: &'a [u8],
    options: Options,
    mut pairs: impl ExactSizeIterator<Item = (f64, &'a [u8])>,
) -> Result<(), Failure> {
    let server = call.server;
    if let Some(set) = call.sorted_set(key)? {
        return pairs.try_for_each(|(score, member)| options.apply(set, score, member, server));
    }
    if options.existing != Existing::Present {
        let mut set = SortedSet::for_count(pairs.len());
        pairs.try_for_each(|(score, member)| options.apply(&mut set, score, member, server))?;
        if !set.is_empty() {
            call.put(key, Value::SortedSet(set));
        }
    }
    Ok(())
}

/// `ZADD key [NX|XX] [GT|LT] [CH] [INCR] score member …`
pub(in crate::command) fn zadd(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    let key = call.argument(1)?;
    let (options, first) = Options::parse(call.arguments)?;
    if let [text, member] = call.arguments_from(first) {
        let score = call.float(text)?;
        return add_pairs(call, key, options, std::iter::once((score, *member)));
    }
    // An invalid score must prevent the whole command, so all are read first.
    let mut pairs = Vec::with_capacity(call.arguments.len() / 2);
    for pair in call.arguments_from(first).chunks_exact(2) {
        if let [text, member] = pair {
            pairs.push((call.float(text)?, *member));
        }
    }
    add_pairs(call, key, options, pairs.into_iter())
}

/// `ZINCRBY key increment member`
pub(in crate::command) fn zincrby(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    let (key, increment, member) = (call.argument(1)?, call.float(call.argument(2)?)?, call.argument(3)?);
    let options = Options { meaning: Meaning::Increment, ..Options::default() };
    add_pairs(call, key, options, std::iter::once((increment, member)))
}

/// `ZREM key member …`
pub(in crate::command) fn zrem(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    let key = call.argument(1)?;
    let members = call.arguments_from(2);
    let Some(set) = call.sorted_set(key)? else { return Ok(()) };
    for member in members {
        set.remove(member);
    }
    if set.is_empty() {
        call.remove(key);
    }
    Ok(())
}
