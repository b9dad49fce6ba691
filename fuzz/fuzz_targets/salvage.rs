//! Salvages arbitrary bytes: what is left reads without damage, holds no more than was there, and needs no second
//! salvage.

#![no_main]

use aofkit::aof::Reader;
use aofkit::repair::salvage::{Options, salvage};
use aofkit::repair::write_edited;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let found = salvage(data, 0, Options::default());
    let edits = found.edits();
    let mut at = 0;
    for edit in &edits {
        assert!(at <= edit.range.start && edit.range.start <= edit.range.end && edit.range.end <= data.len() as u64);
        at = edit.range.end;
    }
    let mut mended = Vec::new();
    write_edited(data, &edits, &mut mended).unwrap();
    let mut reader = Reader::new(&mended, 0);
    while let Some(record) = reader.next_record() {
        record.unwrap_or_else(|damage| panic!("{damage:?}"));
    }
    assert_eq!(reader.valid_up_to(), mended.len() as u64);
    assert!(salvage(&mended, 0, Options::default()).gaps.is_empty());
});
