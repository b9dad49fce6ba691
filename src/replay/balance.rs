//! Samples of a log, which tell how to divide its keys so that every thread has about as much to do.

use super::dispatch::{Dispatch, DispatchCache};
use crate::command::Group;
use crate::keyspace::{Key, Partitioning};
use crate::resp;

/// So many places are looked at, evenly over the log.
const SAMPLES: usize = 64;
/// So many commands at each.
const COMMANDS: usize = 64;
/// Buckets above this multiple of the mean weight are hot.
const BUSY: u64 = 4;
/// How far the start of a record is searched.
const REACH: usize = 64 << 10;

/// Divides the keys of a log among `count` shards. The result of the replay does not depend on it.
pub(super) fn divide(parts: &[&[u8]], count: usize) -> Partitioning {
    let mut weights = [0; Partitioning::BUCKETS];
    let total: usize = parts.iter().map(|bytes| bytes.len()).sum();
    if count > 1 {
        let mut names = DispatchCache::new();
        let mut arguments = Vec::new();
        for bytes in parts {
            // One at least in every part; a part has its proportion of the others.
            let samples = bytes.len().div_ceil((total / SAMPLES).max(1));
            for sample in 0..samples {
                let place = bytes.len() / samples * sample;
                weigh(bytes, place, &mut names, &mut arguments, &mut weights);
            }
        }
    }
    level(&mut weights);
    Partitioning::balanced(count, &weights)
}

/// Makes all buckets equal that are not far above the others: what differs there is the luck of the samples.
fn level(weights: &mut [u64; Partitioning::BUCKETS]) {
    let usual = weights.iter().sum::<u64>() / weights.len() as u64;
    weights.iter_mut().filter(|weight| **weight <= BUSY * usual).for_each(|weight| *weight = usual);
}

/// Adds what some commands weigh that follow a place.
fn weigh<'a>(
    bytes: &'a [u8],
    place: usize,
    dispatch: &mut DispatchCache<'a>,
    arguments: &mut Vec<&'a [u8]>,
    weights: &mut [u64; Partitioning::BUCKETS],
) {
    let Some(mut position) = record_after(bytes, place) else { return };
    for _ in 0..COMMANDS {
        arguments.clear();
        match resp::parse(bytes, position, arguments) {
            Ok(end) => position = end,
            Err(_) => return,
        }
        if let (Dispatch::FirstKey(row), Some(key)) = (dispatch.of(arguments), arguments.get(1))
            && let Some(weight) = weights.get_mut(Partitioning::bucket_of(Key::new(key)))
        {
            *weight += weight_of(row.group, arguments.len());
        }
    }
}

/// What a command costs, about: measured with a key of some hundred thousand members.
const fn weight_of(group: Group, arguments: usize) -> u64 {
    let each = match group {
        Group::SortedSet | Group::Geo => 4,
        Group::Hash | Group::Set => 2,
        _ => 1,
    };
    (arguments as u64).saturating_mul(each)
}

/// The start of a record at or after a place.
fn record_after(bytes: &[u8], place: usize) -> Option<usize> {
    if place == 0 && bytes.first() == Some(&b'*') {
        return Some(0);
    }
    let reach = bytes.get(place..bytes.len().min(place.saturating_add(REACH)))?;
    let starts = memchr::memmem::find_iter(reach, b"\r\n*").map(|at| place + at + 2);
    // What looks like one may be in the middle of a value; then it is not followed by all that a record has.
    starts.take(COMMANDS).find(|start| resp::parse(bytes, *start, &mut Vec::new()).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_busiest_keys_are_in_different_shards() {
        let mut log = Vec::new();
        for number in 0..2000 {
            let key = ["myhash", "mystream", "myset", "other"][number % 4];
            let field = format!("field:{number}\r\n*3");
            resp::write_command(&mut log, &[b"HSET".as_slice(), key.as_bytes(), field.as_bytes(), b"1"]);
        }
        let partitioning = divide(&[&log], 4);
        let mut shards =
            ["myhash", "mystream", "myset", "other"].map(|key| partitioning.shard_of(Key::new(key.as_bytes())));
        shards.sort_unstable();
        assert_eq!(shards, [0, 1, 2, 3]);
    }

    #[test]
    fn what_is_no_log_is_divided_too() {
        let noise: Vec<u8> = (0..100_000_u32).flat_map(u32::to_le_bytes).collect();
        for parts in [vec![], vec![&b""[..]], vec![b"*", b"\r\n*"], vec![&noise]] {
            assert_eq!(divide(&parts, 2), Partitioning::balanced(2, &[0; Partitioning::BUCKETS]));
        }
    }
}
