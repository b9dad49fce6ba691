//! Salvages arbitrary bytes: what is left reads without damage, holds no more than was there, and needs no second
//! salvage.

#![no_main]

use aofkit::aof::Reader;
use aofkit::rdb::is_rdb;
use aofkit::repair::salvage::{Options, Salvage, salvage, salvage_part};
use aofkit::repair::write_edited;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if is_rdb(data) {
        // Without the header, nothing can be kept.
        let Ok(found) = salvage_part(data, Options::default()) else { return };
        let mended = mended(data, &found);
        Reader::after_preamble(&mended).unwrap_or_else(|damage| panic!("{damage:?}"));
        return;
    }
    let mended = mended(data, &salvage(data, 0, Options::default()));
    let mut reader = Reader::new(&mended, 0);
    while let Some(record) = reader.next_record() {
        record.unwrap_or_else(|damage| panic!("{damage:?}"));
    }
    assert_eq!(reader.valid_up_to(), mended.len() as u64);
    assert!(salvage(&mended, 0, Options::default()).gaps.is_empty());
});

/// What is left of the data; the edits must be in order.
fn mended(data: &[u8], found: &Salvage) -> Vec<u8> {
    let edits = found.edits();
    let mut at = 0;
    for edit in &edits {
        assert!(at <= edit.range.start && edit.range.start <= edit.range.end && edit.range.end <= data.len() as u64);
        at = edit.range.end;
    }
    let mut mended = Vec::new();
    write_edited(data, &edits, &mut mended).unwrap();
    mended
}
