//! Programs over the whole table of commands: they are replayed without a panic, threads do not change the result, and what is written
//! for it gives the same data and, written again, the same bytes.

#![no_main]

use std::num::NonZeroUsize;
use std::sync::LazyLock;

use aofkit::command::{self, Command};
use aofkit::digest::fingerprint;
use aofkit::replay::{Options, Replayed, replay};
use aofkit::resp::write_command;
use aofkit::rewrite;
use libfuzzer_sys::fuzz_target;

/// Every command that changes data, and the control commands around them.
static COMMANDS: LazyLock<Vec<&'static Command>> = LazyLock::new(|| {
    command::all().filter(|row| row.apply.is_some() || matches!(row.name, "multi" | "exec" | "select")).collect()
});

/// What arguments are made of: keys, members, numbers, ids, options.
const WORDS: &[&str] = &[
    "a", "b", "c", "d", "field", "", "0", "1", "2", "-1", "3.5", "1e400", "-inf", "nan", "10", "100", "4102444800000",
    "9223372036854775807", "-9223372036854775808", "1-1", "5-2", "5-3", "0-0", "*", "$", "-", "+", ">", "=", "~", "(1", "[a", "NX",
    "XX", "GT", "LT", "CH", "INCR", "GET", "SET", "EX", "PX", "EXAT", "PXAT", "KEEPTTL", "PERSIST", "FIELDS", "FNX", "FXX", "LEFT",
    "RIGHT", "BEFORE", "AFTER", "COUNT", "LIMIT", "BY", "ALPHA", "DESC", "ASC", "STORE", "REPLACE", "ABSTTL", "DB", "AND", "OR",
    "XOR", "NOT", "u8", "i64", "#1", "OVERFLOW", "SAT", "FAIL", "INCRBY", "MAXLEN", "MINID", "NOMKSTREAM", "STREAMS", "GROUP",
    "NOACK", "FORCE", "JUSTID", "TIME", "IDLE", "RETRYCOUNT", "LASTID", "MKSTREAM", "ENTRIESREAD", "ENTRIESADDED", "MAXDELETEDID",
    "WEIGHTS", "AGGREGATE", "SUM", "MIN", "BYSCORE", "BYLEX", "REV", "FROMLONLAT", "FROMMEMBER", "BYRADIUS", "BYBOX", "km", "13.4",
    "52.5", "STOREDIST", "#!lua name=l\nreturn 1", "a longer member that no packed form holds, as it has over sixty-four bytes of text",
];

/// A log: each command is a byte for its name, one for how many arguments it has, and one for each of these.
fn log(data: &[u8]) -> Vec<u8> {
    let mut log = Vec::new();
    let mut data = data.iter().map(|byte| usize::from(*byte));
    while let (Some(name), Some(count)) = (data.next(), data.next()) {
        let row = COMMANDS[name % COMMANDS.len()];
        let mut words: Vec<&[u8]> = row.name.split('|').map(str::as_bytes).collect();
        // The first is a key, most of the time.
        words.extend(data.by_ref().take(1).map(|index| WORDS[index % 5].as_bytes()));
        words.extend(data.by_ref().take(count % 9).map(|index| WORDS[index % WORDS.len()].as_bytes()));
        write_command(&mut log, &words);
    }
    log
}

fn options(threads: usize) -> Options<'static> {
    Options { threads: NonZeroUsize::new(threads).unwrap(), now: 1_700_000_000_000, ..Options::default() }
}

fn written(replayed: &Replayed<'_>) -> (Vec<u8>, bool) {
    let mut out = Vec::new();
    let written = rewrite::write_commands(&replayed.shares, rewrite::Options::default(), &mut out).unwrap();
    (out, written.lost.is_nothing())
}

fuzz_target!(|data: &[u8]| {
    let log = log(data);
    let alone = replay(&[&log], options(1));
    let everything = |_: u32, _: &[u8]| true;
    let expected = fingerprint(&alone.shares, &everything);
    let together = replay(&[&log], options(2));
    assert_eq!(fingerprint(&together.shares, &everything), expected);
    let (first, whole) = written(&alone);
    assert_eq!(written(&together).0, first);
    let again = replay(&[&first], options(1));
    assert_eq!(again.summary.failed, 0, "{:?}", again.summary.failures);
    if whole {
        assert_eq!(fingerprint(&again.shares, &everything), expected);
    }
    assert_eq!(written(&again).0, first);
    let mut rdb = Vec::new();
    rewrite::write_rdb(&alone.shares, rewrite::Options::default(), &mut rdb).unwrap();
    let loaded = replay(&[&rdb], options(1));
    assert_eq!(fingerprint(&loaded.shares, &everything), expected);
});
