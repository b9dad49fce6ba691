//! The reader of RESP parts: it ends on any bytes, its offsets only increase, the valid part is read again without
//! damage, and records can be written and read again.

#![no_main]

use aofkit::aof::{Content, Reader};
use aofkit::resp;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let length = bytes.len() as u64;
    let mut reader = Reader::new(bytes, 0);
    let (mut end, mut number, mut valid) = (0, 0, 0);
    let damage = loop {
        match reader.next_record() {
            Some(Ok(record)) => {
                assert_eq!((record.offset, record.number), (end, number + 1), "records follow each other");
                assert!(record.length > 0 && record.end() <= length);
                match record.content {
                    Content::Command(arguments) => reads_again(arguments),
                    Content::Annotation(line) => assert!(!line.contains(&b'\n')),
                }
                (end, number) = (record.end(), record.number);
            }
            Some(Err(damage)) => break Some(damage),
            None => break None,
        }
        assert_eq!((reader.position(), reader.records()), (end, number));
        assert!(valid <= reader.valid_up_to() && reader.valid_up_to() <= end, "valid up to only grows");
        valid = reader.valid_up_to();
    };
    match damage {
        Some(damage) => {
            assert_eq!((damage.record_offset, damage.record), (end, number + 1));
            assert!((end..=length).contains(&damage.offset));
            assert_eq!(reader.next_record(), Some(Err(damage)), "damage stays");
        }
        None => assert_eq!(end, length),
    }
    valid_bytes_are_sound(bytes, reader.valid_up_to());
});

fn reads_again(arguments: &[&[u8]]) {
    assert!(!arguments.is_empty());
    let mut written = Vec::new();
    resp::write_command(&mut written, arguments);
    let mut read = Vec::new();
    assert_eq!(resp::parse(&written, 0, &mut read), Ok(written.len()));
    assert_eq!(read, arguments);
}

/// The bytes up to `valid` have no damage and no open transaction.
fn valid_bytes_are_sound(bytes: &[u8], valid: u64) {
    let mut reader = Reader::new(&bytes[..usize::try_from(valid).unwrap()], 0);
    while let Some(record) = reader.next_record() {
        assert!(record.is_ok());
    }
    assert_eq!(reader.valid_up_to(), valid);
}
