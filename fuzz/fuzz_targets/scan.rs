//! The scan of a part: threads do not change what it finds, and it finds what the reader of records finds.

#![no_main]

use std::num::NonZeroUsize;

use aofkit::Server;
use aofkit::aof::scan::{Options, Scan, scan};
use aofkit::aof::{Content, Reader};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    for server in [Server::Redis62, Server::Valkey9] {
        let alone = scan_on(bytes, server, 1);
        assert_eq!(scan_on(bytes, server, 3), alone);
        finds_what_a_reader_finds(bytes, &alone);
    }
});

fn scan_on(bytes: &[u8], server: Server, threads: usize) -> Scan {
    let threads = NonZeroUsize::new(threads).unwrap();
    scan(bytes, 0, server, Options { threads, ..Options::default() })
}

fn finds_what_a_reader_finds(bytes: &[u8], scan: &Scan) {
    let mut reader = Reader::new(bytes, 0);
    let (mut arguments, mut annotations, mut damage) = (0, 0, None);
    while let Some(next) = reader.next_record() {
        match next.map(|record| record.content) {
            Ok(Content::Command(words)) => arguments += words.len() as u64,
            Ok(Content::Annotation(_)) => annotations += 1,
            Err(found) => {
                damage = Some(found);
                break;
            }
        }
    }
    assert_eq!((scan.records, scan.end), (reader.records(), reader.position()));
    assert_eq!((scan.arguments, scan.annotations), (arguments, annotations));
    assert_eq!((scan.valid_up_to(), scan.damage), (reader.valid_up_to(), damage));
    assert_eq!(scan.transactions, *reader.transactions());
}
