//! The commands that remove or store a range by rank, score or name.

use std::ops::Range;

use super::{is, store};
use crate::command::apply::{Call, Failure};
use crate::resp::parse_integer;
use crate::server::{FloatSyntax, Server};
use crate::value::score::parse_range_end;
use crate::value::{NameEnd, ScoreRange, SortedSet};

/// The range that a command names.
#[derive(Debug, Clone, Copy)]
enum Span<'c> {
    /// A first and a last rank; negative ones count from the end.
    Ranks(i64, i64),
    Scores(ScoreRange),
    Names(NameEnd<'c>, NameEnd<'c>),
}

/// What the ends of a range are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    Rank,
    Score,
    Name,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    Forward,
    Reverse,
}

impl<'c> Span<'c> {
    fn parse(by: By, min: &'c [u8], max: &'c [u8], server: Server) -> Result<Self, Failure> {
        let rank = |text| parse_integer(text).ok_or(Failure::NotAnInteger);
        match by {
            By::Rank => Ok(Self::Ranks(rank(min)?, rank(max)?)),
            By::Score => score_range(min, max, server.float_syntax()).map(Self::Scores),
            By::Name => {
                let failure = || Failure::other("min or max not valid string range item");
                Ok(Self::Names(name_end(min).ok_or_else(failure)?, name_end(max).ok_or_else(failure)?))
            }
        }
    }

    /// The ranks of the members in the range, counted in the given direction.
    fn ranks(self, set: &mut SortedSet<'_>, direction: Direction) -> Range<usize> {
        match self {
            Self::Ranks(start, end) => {
                let length = set.len();
                let ranks = clip(start, end, length);
                match direction {
                    Direction::Forward => ranks,
                    Direction::Reverse => length - ranks.end..length - ranks.start,
                }
            }
            Self::Scores(range) => set.ranks_by_score(range),
            Self::Names(min, max) => set.ranks_by_name(min, max),
        }
    }
}

fn score_range(min: &[u8], max: &[u8], syntax: FloatSyntax) -> Result<ScoreRange, Failure> {
    let end = |text: &[u8]| {
        let (excluded, text) = match text {
            [b'(', text @ ..] => (true, text),
            text => (false, text),
        };
        parse_range_end(text, syntax).map(|score| (score, excluded)).ok_or(Failure::other("min or max is not a float"))
    };
    let ((min, min_excluded), (max, max_excluded)) = (end(min)?, end(max)?);
    Ok(ScoreRange { min, min_excluded, max, max_excluded })
}

/// `-`, `+`, `[name` or `(name`; a sign may be followed by a NUL and more bytes.
const fn name_end(text: &[u8]) -> Option<NameEnd<'_>> {
    match text {
        [b'-'] | [b'-', 0, ..] => Some(NameEnd::First),
        [b'+'] | [b'+', 0, ..] => Some(NameEnd::Last),
        [b'[', name @ ..] => Some(NameEnd::Included(name)),
        [b'(', name @ ..] => Some(NameEnd::Excluded(name)),
        _ => None,
    }
}

/// The range from a first to a last rank, within `length`.
fn clip(start: i64, end: i64, length: usize) -> Range<usize> {
    let from_end = |rank: i64| match usize::try_from(rank) {
        Ok(rank) => Some(rank),
        Err(_) => length.checked_sub(usize::try_from(rank.unsigned_abs()).unwrap_or(usize::MAX)),
    };
    let start = from_end(start).unwrap_or(0);
    match from_end(end) {
        Some(end) if start <= end && start < length => start..end.saturating_add(1).min(length),
        _ => 0..0,
    }
}

fn remove_range(call: &mut Call<'_, '_>, by: By) -> Result<(), Failure> {
    let key = call.argument(1)?;
    let span = Span::parse(by, call.argument(2)?, call.argument(3)?, call.server)?;
    let Some(set) = call.sorted_set(key)? else { return Ok(()) };
    let ranks = span.ranks(set, Direction::Forward);
    set.remove_ranks(ranks);
    if set.is_empty() {
        call.remove(key);
    }
    Ok(())
}

/// `ZREMRANGEBYRANK key start stop`
pub(in crate::command) fn zremrangebyrank(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    remove_range(call, By::Rank)
}

/// `ZREMRANGEBYSCORE key min max`
pub(in crate::command) fn zremrangebyscore(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    remove_range(call, By::Score)
}

/// `ZREMRANGEBYLEX key min max`
pub(in crate::command) fn zremrangebylex(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    remove_range(call, By::Name)
}

/// The options of ZRANGESTORE.
struct StoreOptions {
    by: By,
    direction: Direction,
    offset: i64,
    /// The maximum number of members; unlimited if negative.
    limit: i64,
}

impl StoreOptions {
    fn parse(mut words: &[&[u8]]) -> Result<Self, Failure> {
        let (mut by, mut direction, mut offset, mut limit) = (None, Direction::Forward, 0, -1);
        while let Some((word, rest)) = words.split_first() {
            words = rest;
            if is(word, "limit")
                && let [first, count, rest @ ..] = rest
            {
                offset = parse_integer(first).ok_or(Failure::NotAnInteger)?;
                limit = parse_integer(count).ok_or(Failure::NotAnInteger)?;
                words = rest;
            } else if is(word, "rev") && direction == Direction::Forward {
                direction = Direction::Reverse;
            } else if is(word, "bylex") && by.is_none() {
                by = Some(By::Name);
            } else if is(word, "byscore") && by.is_none() {
                by = Some(By::Score);
            } else {
                return Err(Failure::Syntax);
            }
        }
        let by = by.unwrap_or(By::Rank);
        if limit != -1 && by == By::Rank {
            return Err(Failure::other(
                "syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX",
            ));
        }
        Ok(Self { by, direction, offset, limit })
    }

    /// Applies LIMIT to ranks.
    ///
    /// With a negative offset, nothing is left of a small set, and for some servers nothing of any set.
    fn limited(&self, ranks: Range<usize>, is_small: bool, server: Server) -> Range<usize> {
        if self.by == By::Rank {
            return ranks;
        }
        let nothing = 0..0;
        // The distance of the first rank from the end of the range at which the direction begins.
        let skipped = match usize::try_from(self.offset) {
            Ok(offset) => Some(offset),
            Err(_) if is_small || !server.counts_negative_limit_from_end() => None,
            Err(_) => ranks.len().checked_sub(usize::try_from(self.offset.unsigned_abs()).unwrap_or(usize::MAX)),
        };
        let Some(skipped) = skipped.filter(|skipped| *skipped < ranks.len()) else { return nothing };
        let count = usize::try_from(self.limit).unwrap_or(usize::MAX).min(ranks.len() - skipped);
        match self.direction {
            Direction::Forward => ranks.start + skipped..ranks.start + skipped + count,
            Direction::Reverse => ranks.end - skipped - count..ranks.end - skipped,
        }
    }
}

/// `ZRANGESTORE destination source min max [BYSCORE|BYLEX] [REV] [LIMIT offset count]`
pub(in crate::command) fn zrangestore(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    let (destination, source) = (call.argument(1)?, call.argument(2)?);
    let (min, max) = (call.argument(3)?, call.argument(4)?);
    let options = StoreOptions::parse(call.arguments_from(5))?;
    let (min, max) = match options {
        StoreOptions { by: By::Score | By::Name, direction: Direction::Reverse, .. } => (max, min),
        _ => (min, max),
    };
    let span = Span::parse(options.by, min, max, call.server)?;
    let (server, mut result) = (call.server, SortedSet::default());
    if let Some(set) = call.sorted_set(source)? {
        let ranks = options.limited(span.ranks(set, options.direction), set.is_small(), server);
        set.put_in_order();
        result = SortedSet::for_count(if options.by == By::Rank { ranks.len() } else { 0 });
        for (name, score) in set.names_from(ranks.start).take(ranks.len()) {
            result.insert(name.to_bytes(), score);
            if score == 0.0 && score.is_sign_negative() && server.keeps_negative_zero() {
                result.negate_zero(name.as_slice());
            }
        }
    }
    store(call, destination, result);
    Ok(())
}
