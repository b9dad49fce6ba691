//! Walks arbitrary bytes as an RDB: it ends, never panics, and never leaves the file.

#![no_main]

use aofkit::rdb::{Item, Walker};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut walker = Walker::new(data, 0);
    let mut before = 0;
    while let Some(item) = walker.next() {
        let (start, end) = (walker.item_offset(), walker.position());
        assert!(before <= end && end <= data.len() as u64);
        match item {
            Ok(item) => {
                assert!(before <= start && start < end);
                for flaw in item.flaws() {
                    assert!(start <= flaw.damage.offset && flaw.damage.offset < end);
                }
                if let Item::Entry(entry) = item {
                    assert_eq!((entry.offset, entry.offset + entry.length), (start, end));
                    assert_eq!(entry.value_offset + entry.value.len() as u64, end);
                }
            }
            Err(damage) => assert!(damage.offset <= data.len() as u64 && damage.position <= data.len() as u64),
        }
        before = end;
    }
    assert!(walker.next().is_none());
});
