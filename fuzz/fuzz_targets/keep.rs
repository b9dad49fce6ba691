//! Programs with unknown commands, with `--unknown keep`: threads do not change the result, and the rewritten log gives
//! the same data and, rewritten again, the same bytes, as long as every such command can be kept.

#![no_main]

#[path = "../program.rs"]
mod program;

use aofkit::digest::fingerprint;
use aofkit::replay::{Options, Replayed, Unknown, replay};
use aofkit::rewrite;
use libfuzzer_sys::fuzz_target;
use program::{UNKNOWN, log, options};

fn keeping(threads: usize) -> Options<'static> {
    Options { unknown: Unknown::Keep, ..options(threads) }
}

fn written(replayed: &Replayed<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    rewrite::write_commands(&replayed.keyspace, rewrite::Options::default(), &mut out).unwrap();
    out
}

fuzz_target!(|data: &[u8]| {
    let log = log(data, UNKNOWN);
    let alone = replay(&[&log], keeping(1));
    let together = replay(&[&log], keeping(3));
    let everything = |_: u32, _: &[u8]| true;
    let expected = fingerprint(&alone.keyspace, &everything);
    assert_eq!(fingerprint(&together.keyspace, &everything), expected);
    assert_eq!(alone.summary.unknown, together.summary.unknown);
    let first = written(&alone);
    assert_eq!(written(&together), first);
    if alone.summary.unknown.values().all(|met| met.keepable) {
        let again = replay(&[&first], keeping(1));
        assert_eq!(fingerprint(&again.keyspace, &everything), expected);
        assert_eq!(written(&again), first);
    }
});
