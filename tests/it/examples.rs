//! What the programs of `examples/` print.

use crate::harness::program::file;
use aofkit::replay::Until;
use aofkit::resp::write_command;
use std::path::PathBuf;
use tempfile::TempDir;

#[allow(dead_code, reason = "all but `main` is called")]
#[path = "../../examples/check.rs"]
mod check;
#[allow(dead_code, reason = "all but `main` is called")]
#[path = "../../examples/records.rs"]
mod records;
#[allow(dead_code, reason = "all but `main` is called")]
#[path = "../../examples/snapshot.rs"]
mod snapshot;

/// An RDB with the list `l`, then commands at two times.
fn log(directory: &TempDir) -> PathBuf {
    let mut log = b"REDIS0003\xfe\0\x01\x01l\x02\x01a\x01b\xff".to_vec();
    for lines in [
        &["#TS:1700000000\r\n", "SELECT 1", "HSET h f v g w", "COPY h c"][..],
        &["#TS:1700000060\r\n", "HDEL h f", "DEL c", "SET s 1"],
    ] {
        for line in lines {
            if line.starts_with('#') {
                log.extend(line.as_bytes());
            } else {
                write_command(&mut log, &line.split(' ').map(str::as_bytes).collect::<Vec<_>>());
            }
        }
    }
    file(directory, "appendonly.aof", &log)
}

fn text(write: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut out = Vec::new();
    write(&mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn check_prints_both_verdicts_and_the_findings() {
    let directory = TempDir::new().unwrap();
    let sound = text(|out| assert!(check::run(&log(&directory), out).unwrap()));
    let lines: Vec<_> = sound.lines().collect();
    assert!(lines[0].ends_with(": valid") && lines[1].ends_with(": starts") && lines.len() == 2, "{sound}");
    let cut = file(&directory, "cut.aof", b"*2\r\n$3\r\nDEL\r\n$1\r\na\r\n*2\r\n$3\r\nDE");
    let damaged = text(|out| assert!(!check::run(&cut, out).unwrap()));
    let lines: Vec<_> = damaged.lines().collect();
    assert!(lines[0].ends_with(": not valid") && lines[1].ends_with(": starts"), "{damaged}");
    assert!(lines[2].starts_with("error: truncated-record at byte 30 of /"), "{damaged}");
}

#[test]
fn records_prints_every_command_that_names_a_key() {
    let directory = TempDir::new().unwrap();
    let records = text(|out| records::run(&log(&directory), b"h", out).unwrap());
    let expected = [
        "appendonly.aof byte 59 time 1700000000 database 1: HSET h f v g w",
        "appendonly.aof byte 108 time 1700000000 database 1: COPY h c",
        "appendonly.aof byte 152 time 1700000060 database 1: HDEL h f",
    ];
    assert_eq!(records.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn snapshot_prints_the_keys_at_a_time() {
    let directory = TempDir::new().unwrap();
    let at = |until| text(|out| snapshot::run(&log(&directory), until, out).unwrap());
    assert_eq!(at(Until::Time(1_700_000_000)), "database 0: l list 2\ndatabase 1: h hash 2\ndatabase 1: c hash 2\n");
    assert_eq!(at(Until::End), "database 0: l list 2\ndatabase 1: h hash 1\ndatabase 1: s string 1\n");
}
