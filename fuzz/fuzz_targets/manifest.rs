//! Any bytes as a manifest: no panic, and the manifest that is written is parsed to the same entries.
#![no_main]

use aofkit::Server;
use aofkit::aof::manifest::{Kind, is_manifest, official_is_manifest, parse, parse_as, problem_for};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    is_manifest(bytes);
    for server in Server::ALL {
        official_is_manifest(bytes, server);
        problem_for(bytes, server);
        let manifest = parse_as(bytes, server);
        let written = manifest.to_bytes();
        // Escapes can make a line longer than servers read, and then it is not parsed.
        if written.split(|byte| *byte == b'\n').any(|line| line.len() >= 1024) {
            continue;
        }
        let again = parse(&written);
        for kind in [Kind::Base, Kind::History, Kind::Incr] {
            let before = manifest.of_kind(kind).map(|entry| (&entry.name, entry.sequence, &entry.extra));
            let after = again.of_kind(kind).map(|entry| (&entry.name, entry.sequence, &entry.extra));
            assert!(before.eq(after));
        }
    }
});
