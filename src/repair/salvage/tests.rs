use super::*;
use crate::aof::Reader;
use crate::resp::write_command;

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

#[test]
fn a_byte_that_is_put_right_stays_beside_a_torn_transaction() {
    let log = |lines: &[&str]| crate::testing::log(lines);
    let mut next = log(&["SET b 1"]);
    next[0] = b'&';
    let bytes = [&log(&["SET a 1"])[..], b"\xff\r\n", &log(&["SET x 1", "EXEC"]), &next, &log(&["SET c 1"])].concat();
    let salvage = salvage(&bytes, 0, Options::default());
    assert_eq!(mended(&bytes, &salvage), log(&["SET a 1", "SET b 1", "SET c 1"]));
}

#[test]
fn a_gap_of_any_length_may_have_taken_a_select_but_none_in_a_value_counts() {
    let log = |lines: &[&str]| crate::testing::log(lines);
    let mut value = Vec::new();
    write_command(&mut value, &[&b"SET"[..], b"v", &log(&["SELECT 7"])]);
    let bytes = [&log(&["SELECT 3", "SET a 1"])[..], &value, b"x", &log(&["SET b 1", "SELECT 4", "SET c 1"])].concat();
    let salvage = salvage(&bytes, 0, Options::default());
    let doubt = salvage.gaps[0].doubt.as_ref().unwrap();
    assert_eq!((doubt.database, doubt.databases, doubt.records), (3, 2, 1));
    assert_eq!(mended(&bytes, &salvage).len(), bytes.len() - 1);
}

#[test]
fn records_in_a_value_stay_in_it_where_its_end_is_lost() {
    let log = |lines: &[&str]| crate::testing::log(lines);
    let inner = log(&["FLUSHALL", "SET x 1", "SET y 1"]);
    let mut value = Vec::new();
    write_command(&mut value, &[&b"SET"[..], b"v", &inner]);
    let next = log(&["SET b 1"]);
    for length in 1..inner.len() {
        let end = value.len() - length;
        let bytes = [&log(&["SET a 1"])[..], &value[..end], &vec![0xff; length][..], &next].concat();
        let salvage = salvage(&bytes, 0, Options::default());
        let left = mended(&bytes, &salvage);
        let is_inner = |record: Range<usize>| left[record].starts_with(b"*1\r\n$8\r\nFLUSHALL");
        assert!(!records(&left).into_iter().any(is_inner) && left.ends_with(&next), "{length}");
    }
}
