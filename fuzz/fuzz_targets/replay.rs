//! Programs over the whole table of commands: they are replayed without a panic, threads do not change the result, and
//! the rewritten log gives the same data and, rewritten again, the same bytes.

#![no_main]

#[path = "../program.rs"]
mod program;

use aofkit::digest::fingerprint;
use aofkit::replay::{Replayed, replay};
use aofkit::rewrite;
use libfuzzer_sys::fuzz_target;
use program::{log, options};

fn written(replayed: &Replayed<'_>) -> (Vec<u8>, bool) {
    let mut out = Vec::new();
    let written = rewrite::write_commands(&replayed.keyspace, rewrite::Options::default(), &mut out).unwrap();
    (out, written.lost.is_nothing())
}

fuzz_target!(|data: &[u8]| {
    let log = log(data, &[]);
    let alone = replay(&[&log], options(1));
    let everything = |_: u32, _: &[u8]| true;
    let expected = fingerprint(&alone.keyspace, &everything);
    let together = replay(&[&log], options(2));
    assert_eq!(fingerprint(&together.keyspace, &everything), expected);
    let (first, whole) = written(&alone);
    assert_eq!(written(&together).0, first);
    let again = replay(&[&first], options(1));
    assert_eq!(again.summary.failed, 0, "{:?}", again.summary.failures);
    if whole {
        assert_eq!(fingerprint(&again.keyspace, &everything), expected);
    }
    assert_eq!(written(&again).0, first);
    let mut rdb = Vec::new();
    rewrite::write_rdb(&alone.keyspace, rewrite::Options::default(), &mut rdb).unwrap();
    let loaded = replay(&[&rdb], options(1));
    assert_eq!(fingerprint(&loaded.keyspace, &everything), expected);
});
