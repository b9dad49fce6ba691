//! The scan of a part: threads and windows do not change the result, which agrees with the reader of records.

#![no_main]

use std::num::NonZeroUsize;

use aofkit::Server;
use aofkit::aof::{Content, Reader};
use aofkit::check::scan::{Options, Scan, scan};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let seed = bytes.iter().fold(bytes.len(), |seed, byte| seed.wrapping_mul(31).wrapping_add(usize::from(*byte)));
    for server in [Server::Redis62, Server::Valkey9] {
        // One window is large enough for any input of the fuzzer.
        let alone = scan(bytes, 0, server, Options::default());
        for (threads, window) in [(1, 4 + seed % 29), (3, 4 + seed % 297)] {
            let options = Options { threads: count(threads), window: count(window), ..Options::default() };
            assert_eq!(scan(bytes, 0, server, options), alone, "{threads} threads, windows of {window} bytes");
            // A file that sometimes returns less than was requested.
            let copy = |offset: usize, buffer: &mut [u8]| {
                let rest = bytes.get(offset..).unwrap_or_default();
                let length = rest.len().min(buffer.len()).min(if offset % 3 == 0 { seed % 97 } else { usize::MAX });
                buffer[..length].copy_from_slice(&rest[..length]);
                length
            };
            let options = Options { copy: Some(&copy), ..options };
            assert_eq!(scan(bytes, 0, server, options), alone, "{threads} threads, copies of {window} bytes");
        }
        finds_what_a_reader_finds(bytes, &alone);
    }
});

fn count(number: usize) -> NonZeroUsize {
    NonZeroUsize::new(number).unwrap()
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
