use super::*;
use crate::aof::Reader;

/// The part as it is after the edits.
fn mended(bytes: &[u8], salvage: &Salvage) -> Vec<u8> {
    let mut out = Vec::new();
    crate::repair::write_edited(bytes, &salvage.edits(), &mut out).unwrap();
    out
}

/// The records of a part that is whole.
#[track_caller]
fn records(bytes: &[u8]) -> Vec<Range<usize>> {
    let mut reader = Reader::new(bytes, 0);
    let mut all = Vec::new();
    while let Some(record) = reader.next_record() {
        let record = record.unwrap_or_else(|damage| panic!("{damage:?}: {}", bytes.escape_ascii()));
        all.push(usize::try_from(record.offset).unwrap()..usize::try_from(record.end()).unwrap());
    }
    all
}

#[test]
fn a_part_that_begins_without_a_select_stays_in_database_0() {
    let log = |lines: &[&str]| crate::testing::log(lines);
    let after = log(&["SET b 1", "SELECT 3", "SET c 1"]);
    let salvaged = |before: &[u8]| {
        let bytes = [before, b"broken", &after].concat();
        mended(&bytes, &salvage(&bytes, 0, Options::default()))
    };
    assert_eq!(salvaged(&log(&["SET a 1"])), log(&["SET a 1", "SET b 1", "SELECT 3", "SET c 1"]));
    // Where nothing is left before it, the SELECT that servers begin with was lost.
    assert_eq!(salvaged(b""), log(&["SELECT 3", "SET b 1", "SELECT 3", "SET c 1"]));
}

#[test]
fn what_is_left_is_whole_where_an_argument_follows_exec() {
    let bytes = b"**1\r\n$4\r\nEXEC\r\n$5\r\nqueue\r\n$4\r\ndone\r\n$4\r\nLEFT\r\n$5\r\nRIGHT\r\n\
                  *2\r\n$4\r\nINCR\r\n$1\r\na\r\n";
    let salvage = salvage(bytes, 0, Options::default());
    assert_eq!(records(&mended(bytes, &salvage)).len(), 1, "{salvage:?}");
}
