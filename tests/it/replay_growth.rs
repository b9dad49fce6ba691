//! What a replay does for a command grows with what the command touches, not with the whole value.

use std::time::{Duration, Instant};

use aofkit::replay::{Options, replay};
use aofkit::resp::write_command;

/// How many items a value has.
const ITEMS: usize = 64_000;

/// By how many times as long a log may take when the commands are added to it: much less than what one look at every
/// item in each of them would take, and much more than what the machine's other work changes.
const TOLERANCE: u32 = 5;

fn push(log: &mut Vec<u8>, words: &[String]) {
    let words: Vec<&[u8]> = words.iter().map(String::as_bytes).collect();
    write_command(log, &words);
}

/// A key with many items, which `item` gives the arguments of.
fn filled(command: &str, item: impl Fn(usize) -> Vec<String>) -> Vec<u8> {
    let mut log = Vec::new();
    for first in (0..ITEMS).step_by(64) {
        let mut words = vec![command.to_owned(), "k".to_owned()];
        words.extend((first..first + 64).flat_map(&item));
        push(&mut log, &words);
    }
    log
}

/// The least that a replay takes.
fn took(log: &[u8]) -> Duration {
    let one = |_| {
        let started = Instant::now();
        let replayed = replay(&[log], Options::default());
        assert_eq!(replayed.summary.failed, 0, "{:?}", replayed.summary.failures);
        started.elapsed()
    };
    (0..3).map(one).min().unwrap()
}

/// Fails unless repeating a command costs little beside filling the value.
#[track_caller]
fn assert_cheap(value: &[u8], times: usize, command: impl Fn(usize) -> String) {
    let mut log = value.to_vec();
    for repetition in 0..times {
        let words: Vec<String> = command(repetition).split(' ').map(str::to_owned).collect();
        push(&mut log, &words);
    }
    let (without, with) = (took(value), took(&log));
    assert!(with < without * TOLERANCE, "{}: {without:?} without it, {with:?} with it", command(0));
}

fn list() -> Vec<u8> {
    filled("RPUSH", |index| vec![format!("item:{index}")])
}

fn sorted_set() -> Vec<u8> {
    filled("ZADD", |index| vec![index.to_string(), format!("item:{index}")])
}

#[test]
fn a_page_of_what_is_not_sorted_is_all_that_sort_reads() {
    for value in [list(), sorted_set()] {
        assert_cheap(&value, 400, |index| format!("SORT k BY nosort LIMIT {} 3 STORE d", index * 150));
        assert_cheap(&value, 400, |index| format!("SORT k BY nosort DESC LIMIT {} 3 STORE d", index * 150));
    }
}
