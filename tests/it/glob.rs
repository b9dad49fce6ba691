//! Compares the glob matcher with the servers' own, by asking which keys they list.

use std::collections::BTreeSet;

use aofkit::glob;

use crate::harness::servers::RELEASES;
use crate::harness::{Random, RealServer, Reply};

const PATTERN_BYTES: &[u8] = b"****???[[[[]]]]^^--\\\\\\abcd\x00\x01\x7f\x80\xff";
const TEXT_BYTES: &[u8] = b"aaabbbccd[]^-\\*?\x00\x01\x7f\x80\xff";

#[server_test]
fn the_same_keys_match_as_on_each_server() {
    for (_, folder) in RELEASES {
        let mut real = RealServer::start(folder);
        let mut numbers = Random(0x1234_5678_9abc_def1);
        let mut keys: BTreeSet<Vec<u8>> = (0..=255).map(|byte| vec![byte]).collect();
        keys.insert(Vec::new());
        while keys.len() < 1_000 {
            keys.insert(numbers.text(TEXT_BYTES, 7));
        }
        let mut fill: Vec<&[u8]> = vec![b"MSET"];
        fill.extend(keys.iter().flat_map(|key| [key.as_slice(), b"v"]));
        assert_eq!(real.call(&fill), Reply::Simple("OK".into()));

        let mut selective = 0;
        for round in 0..6_000 {
            let pattern = numbers.text(PATTERN_BYTES, if round % 2 == 0 { 5 } else { 14 });
            let reply = real.call(&[&b"KEYS"[..], &pattern]);
            let theirs: BTreeSet<&[u8]> = reply.array().iter().map(Reply::bytes).collect();
            let ours: BTreeSet<&[u8]> =
                keys.iter().map(Vec::as_slice).filter(|key| glob::matches(&pattern, key)).collect();
            assert_eq!(ours, theirs, "{} on {folder}", pattern.escape_ascii());
            selective += usize::from(!ours.is_empty() && ours.len() < keys.len());
        }
        assert!(selective > 1_000, "only {selective} patterns told keys apart");
    }
}
