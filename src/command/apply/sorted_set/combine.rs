//! Unions, intersections and differences of sorted sets and sets.

use super::{is, store};
use crate::command::apply::{Call, Failure};
use crate::value::{Bytes, Members, Name, SortedSet, Value};

/// How the scores of a member in several sources are combined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Aggregate {
    Sum,
    Min,
    Max,
    /// The sum of the weights alone.
    Count,
}

impl Aggregate {
    /// The weighted score.
    #[inline]
    fn weighted(self, score: f64, weight: f64) -> f64 {
        if self == Self::Count { weight } else { score * weight }
    }

    #[inline]
    fn of(self, held: f64, more: f64) -> f64 {
        match self {
            Self::Sum | Self::Count => number_or_zero(held + more),
            // Not `f64::min` and `f64::max`: NaN must not replace a score, and of two zeros the first must stay.
            Self::Min => {
                if more < held {
                    more
                } else {
                    held
                }
            }
            Self::Max => {
                if more > held {
                    more
                } else {
                    held
                }
            }
        }
    }
}

/// For servers, the sum of both infinities and an infinity times 0 are 0.
#[inline]
const fn number_or_zero(score: f64) -> f64 {
    if score.is_nan() { 0.0 } else { score }
}

/// A source key.
#[derive(Debug, Clone, Copy)]
struct Source<'a> {
    key: &'a [u8],
    weight: f64,
    length: usize,
}

/// The arguments of a command.
struct Request<'a> {
    destination: &'a [u8],
    sources: Vec<Source<'a>>,
    aggregate: Aggregate,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operation {
    Union,
    Intersection,
    Difference,
}

impl<'a> Request<'a> {
    /// `destination numkeys key … [WEIGHTS weight …] [AGGREGATE SUM|MIN|MAX|COUNT]`; a difference has no options.
    fn parse(call: &mut Call<'_, 'a>, operation: Operation) -> Result<Self, Failure> {
        let destination = call.argument(1)?;
        let number = call.integer(2)?;
        if number < 1 {
            return Err(Failure::other("at least 1 input key is needed"));
        }
        let number = usize::try_from(number).map_err(|_| Failure::Syntax)?;
        let (keys, mut words) = call.arguments_from(3).split_at_checked(number).ok_or(Failure::Syntax)?;
        let mut sources = Vec::with_capacity(keys.len());
        for key in keys {
            let length = match call.value(key)? {
                None => 0,
                Some(Value::SortedSet(set)) => set.len(),
                Some(Value::Set(set)) => set.len(),
                Some(_) => return Err(Failure::WrongType),
            };
            sources.push(Source { key, weight: 1.0, length });
        }
        let mut aggregate = Aggregate::Sum;
        while let Some((word, rest)) = words.split_first() {
            if operation == Operation::Difference {
                return Err(Failure::Syntax);
            }
            words = rest;
            if is(word, "weights")
                && let Some((weights, rest)) = words.split_at_checked(number)
            {
                for (source, weight) in sources.iter_mut().zip(weights) {
                    source.weight = call.float(weight).map_err(|_| Failure::other("weight value is not a float"))?;
                }
                words = rest;
            } else if is(word, "aggregate")
                && let Some((name, rest)) = words.split_first()
            {
                aggregate = match name {
                    name if is(name, "sum") => Aggregate::Sum,
                    name if is(name, "min") => Aggregate::Min,
                    name if is(name, "max") => Aggregate::Max,
                    name if is(name, "count") => Aggregate::Count,
                    _ => return Err(Failure::Syntax),
                };
                words = rest;
            } else {
                return Err(Failure::Syntax);
            }
        }
        if operation != Operation::Difference {
            // Servers go from the smallest source to the largest, and sums of doubles depend on the order.
            sources.sort_by_key(|source| source.length);
        }
        Ok(Self { destination, sources, aggregate })
    }
}

/// Calls `each` with every member of a source, and its score; 1 in a set.
fn visit<'a>(call: &mut Call<'_, 'a>, key: &[u8], mut each: impl FnMut(Name<'_, 'a>, f64)) -> Result<(), Failure> {
    match call.value(key)? {
        Some(Value::SortedSet(set)) => set.unordered().for_each(|(name, score)| each(name, score)),
        Some(Value::Set(set)) => set.iter().for_each(|name| each(Name::Packed(name), 1.0)),
        _ => {}
    }
    Ok(())
}

/// The score of a member in a source.
fn find(value: Option<&Value<'_>>, member: &[u8]) -> Option<f64> {
    match value? {
        Value::SortedSet(set) => set.score(member),
        Value::Set(set) => set.contains(member).then_some(1.0),
        _ => None,
    }
}

/// Stores a result, in which the signs of zeros are those of the server.
fn store_members<'a>(call: &mut Call<'_, 'a>, destination: &'a [u8], members: Members<'a, f64>) {
    let keeps_signs = call.server.keeps_negative_zero();
    let set = if keeps_signs { SortedSet::from_signed_members(members) } else { SortedSet::from_members(members) };
    store(call, destination, set);
}

/// `ZUNIONSTORE destination numkeys key … [WEIGHTS weight …] [AGGREGATE SUM|MIN|MAX|COUNT]`, the last of Redis 8.8
pub(in crate::command) fn zunionstore(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    let Request { destination, sources, aggregate } = Request::parse(call, Operation::Union)?;
    let mut members = Members::default();
    for source in sources {
        visit(call, source.key, |name, score| {
            let score = number_or_zero(aggregate.weighted(score, source.weight));
            match members.get_mut(name.as_slice()) {
                Some(held) => *held = aggregate.of(*held, score),
                None => {
                    members.insert(name.to_bytes(), score);
                }
            }
        })?;
    }
    store_members(call, destination, members);
    Ok(())
}

/// `ZINTERSTORE destination numkeys key … [WEIGHTS weight …] [AGGREGATE SUM|MIN|MAX|COUNT]`, the last of Redis 8.8
pub(in crate::command) fn zinterstore(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    let Request { destination, sources, aggregate } = Request::parse(call, Operation::Intersection)?;
    let mut entries: Vec<(Bytes<'_>, f64)> = Vec::new();
    if let Some((first, others)) = sources.split_first() {
        visit(call, first.key, |name, score| {
            entries.push((name.to_bytes(), number_or_zero(aggregate.weighted(score, first.weight))));
        })?;
        for source in others {
            let value = call.value(source.key)?;
            entries.retain_mut(|(name, held)| {
                let found = find(value.as_deref(), name);
                if let Some(score) = found {
                    *held = aggregate.of(*held, aggregate.weighted(score, source.weight));
                }
                found.is_some()
            });
        }
    }
    let mut members = Members::default();
    for (name, score) in entries {
        members.insert(name, score);
    }
    store_members(call, destination, members);
    Ok(())
}

/// `ZDIFFSTORE destination numkeys key …`
pub(in crate::command) fn zdiffstore(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    let Request { destination, sources, .. } = Request::parse(call, Operation::Difference)?;
    let mut members = Members::default();
    if let Some((first, others)) = sources.split_first() {
        visit(call, first.key, |name, score| {
            members.insert(name.to_bytes(), score);
        })?;
        for source in others {
            // Iterate over whichever is smaller, because there may be many sources, or a large one.
            if source.length <= members.len() {
                visit(call, source.key, |name, _| {
                    members.remove(name.as_slice());
                })?;
            } else {
                let value = call.value(source.key)?;
                let gone = members.iter_indexed().filter(|(_, name, _)| find(value.as_deref(), name).is_some());
                let gone: Vec<u32> = gone.map(|(index, ..)| index).collect();
                for index in gone {
                    members.remove_at(index);
                }
            }
        }
    }
    store_members(call, destination, members);
    Ok(())
}
