//! Programs over the whole table of commands, written for every version: output from which nothing was left out gives
//! the same data, and losses are reported.

#![no_main]

#[path = "../program.rs"]
mod program;

use aofkit::digest::fingerprint;
use aofkit::replay::replay;
use aofkit::rewrite;
use aofkit::server::Release;
use libfuzzer_sys::fuzz_target;
use program::{log, options};

fuzz_target!(|data: &[u8]| {
    let log = log(data, &[]);
    let replayed = replay(&[&log], options(1));
    let everything = |_: u32, _: &[u8]| true;
    let expected = fingerprint(&replayed.keyspace, &everything);
    for target in Release::ALL.into_iter().filter(|release| release.target() == *release) {
        let to = rewrite::Options { target: Some(target), loss: rewrite::Loss::Allowed, ..rewrite::Options::default() };
        let (mut commands, mut rdb) = (Vec::new(), Vec::new());
        let by_commands = rewrite::write_commands(&replayed.keyspace, to, &mut commands).unwrap();
        let by_rdb = rewrite::write_rdb(&replayed.keyspace, to, &mut rdb).unwrap();
        for (bytes, written) in [(&commands, &by_commands), (&rdb, &by_rdb)] {
            let again = replay(&[bytes], options(2));
            assert_eq!(again.summary.failed, 0, "{target:?}: {:?}", again.summary.failures);
            assert_eq!(again.summary.damaged, None, "{target:?}");
            if written.lost.is_nothing() {
                assert_eq!(fingerprint(&again.keyspace, &everything), expected, "{target:?}");
            }
        }
    }
});
