//! `--skip-damage` of `inspect`, `rewrite` and `digest`: a damaged log is read as `fix --salvage` would leave it.

use std::path::{Path, PathBuf};

use aofkit::repair::{Edit, salvage, write_edited};
use predicates::prelude::*;
use predicates::str::contains;
use serde_json::Value;
use tempfile::TempDir;

use crate::harness::log::log;
use crate::harness::program::{aofkit, file};
use crate::harness::random::Random;

/// A log of two databases, with transactions.
fn whole() -> Vec<u8> {
    let mut lines = Vec::new();
    for number in 0..40 {
        lines.push(format!("SET key:{number} value-{number}"));
        match number % 8 {
            2 => lines.push(format!("SELECT {}", number % 3)),
            4 => lines.extend(["MULTI", "INCR counter", "RPUSH list x", "EXEC"].map(str::to_owned)),
            _ => {}
        }
    }
    log(&lines.iter().map(String::as_str).collect::<Vec<_>>())
}

/// Damages a stretch in one of the usual ways.
fn damage(bytes: &mut Vec<u8>, random: &mut Random) {
    let at = random.below(bytes.len() - 60);
    let length = 1 + random.below(50_usize);
    match random.below(6) {
        0 => bytes[at..at + length].fill(0),
        1 => bytes[at..at + length].iter_mut().for_each(|byte| *byte = 0x80 | random.below(0x7f_u8)),
        2 => drop(bytes.drain(at..at + length)),
        3 => {
            let copy = bytes[at..at + length].to_vec();
            bytes.splice(at..at, copy).for_each(drop);
        }
        4 => bytes[at] ^= 1 << random.below(8),
        _ => drop(bytes.splice(at..at, *b"inserted")),
    }
}

fn stdout(arguments: &[&str], path: &Path, code: i32) -> String {
    let assert = aofkit(arguments[0]).args(&arguments[1..]).args(["--skip-damage"]).arg(path).assert().code(code);
    String::from_utf8(assert.get_output().stdout.clone()).unwrap()
}

#[test]
fn a_damaged_log_is_read_as_salvage_would_leave_it() {
    let directory = TempDir::new().unwrap();
    let mut differing = 0;
    for seed in 1..=25 {
        let random = &mut Random(seed);
        let mut bytes = whole();
        (0..=seed % 3).for_each(|_| damage(&mut bytes, random));
        let path = file(&directory, "damaged.aof", &bytes);
        let edits = salvage::salvage(&bytes, 0, salvage::Options::default()).edits();
        let mut mended = Vec::new();
        write_edited(&bytes, &edits, &mut mended).unwrap();
        let mended = file(&directory, "mended.aof", &mended);
        let code = i32::from(!edits.is_empty());
        differing += code;
        for arguments in [
            // A bit may have flipped in a name.
            &["digest", "--unknown", "skip"][..],
            &["digest", "--unknown", "skip", "--threads", "1"],
            &["rewrite", "--unknown", "skip", "-o", "-"],
            &["inspect", "--format", "resp"],
            &["inspect", "--count"],
        ] {
            assert_eq!(stdout(arguments, &path, code), stdout(arguments, &mended, 0), "{seed}: {arguments:?}");
        }
        // Each record is where it is in the file, unless an edit touches it.
        for line in stdout(&["inspect", "--format", "json"], &path, code).lines().skip(1) {
            let line: Value = serde_json::from_str(line).unwrap();
            let at = line["offset"].as_u64().unwrap();
            let end = at + line["length"].as_u64().unwrap();
            let touches = |edit: &Edit| edit.range.start < end && at <= edit.range.end && !edit.inserted.is_empty();
            if edits.iter().any(|edit| touches(edit) || (at < edit.range.start && edit.range.start < end)) {
                continue;
            }
            let words = line["arguments"].as_array().unwrap().iter().map(|word| word.as_str().unwrap());
            let words: Vec<&str> = [line["command"].as_str().unwrap()].into_iter().chain(words).collect();
            let (at, end) = (at as usize, end as usize);
            assert_eq!(bytes[at..end].escape_ascii().to_string(), log(&[&words.join(" ")]).escape_ascii().to_string());
        }
    }
    assert!(differing > 20, "{differing} of them are damaged");
}

/// A damaged log, and the offsets of the damage, of the end of what is skipped, and of its last record.
fn damaged(directory: &TempDir) -> (PathBuf, [usize; 3]) {
    let before = log(&["SET a 1"]);
    let broken = b"*3\r\n$3\r\nSET\r\n$9\r\nb\r\n$1\r\n1\r\n";
    let mut bytes = [&before[..], broken, &log(&["SET c 1", "FLUSHALL"])].concat();
    let last = bytes.len();
    bytes.extend(log(&["SET d 1"]));
    (file(directory, "a.aof", &bytes), [before.len(), before.len() + broken.len(), last])
}

#[test]
fn offsets_are_those_of_the_file() {
    let directory = TempDir::new().unwrap();
    let (path, [start, end, last]) = damaged(&directory);
    let digest = |lines: &[&str]| stdout(&["digest"], &file(&directory, "expected.aof", &log(lines)), 0);
    let at = |offset: usize| ["digest".to_owned(), "--at-offset".to_owned(), offset.to_string()];
    let digest_at = |offset: usize, code| stdout(&at(offset).each_ref().map(String::as_str), &path, code);
    // What is skipped only counts as far as it was read.
    assert_eq!(digest_at(start, 0), digest(&["SET a 1"]));
    assert_eq!(digest_at(end, 1), digest(&["SET a 1"]));
    assert_eq!(digest_at(end + 27, 1), digest(&["SET a 1", "SET c 1"]));
    assert_eq!(digest_at(last, 1), digest(&[]));
    assert_eq!(digest_at(last + 27, 1), digest(&["SET d 1"]));
    let from =
        stdout(&["inspect", "--format", "resp", "--from", &end.to_string(), "--to", &last.to_string()], &path, 1);
    assert_eq!(from.as_bytes(), log(&["SET c 1", "FLUSHALL"]));
    let tail = stdout(&["inspect", "--format", "json", "--tail", "1"], &path, 1);
    assert!(tail.contains(&format!("\"offset\":{last}")), "{tail}");
    let report = stdout(&["rewrite", "--force", "-o", directory.path().join("new").to_str().unwrap()], &path, 1);
    let before = format!("aofkit rewrite --at-offset {} --skip-damage -o FILE {}", end + 27, path.display());
    assert!(report.contains(&before), "{report}");
}

#[test]
fn what_is_skipped_is_said() {
    let directory = TempDir::new().unwrap();
    let (path, [start, end, _]) = damaged(&directory);
    for arguments in [&["inspect"][..], &["digest"], &["rewrite", "-o", "-"]] {
        let run = aofkit(arguments[0]).args(&arguments[1..]).arg("--skip-damage").arg(&path).assert().code(1);
        let said = format!("skipped bytes {start}..{end}, {} bytes", end - start);
        run.stderr(contains(format!("warning: {}: ", path.display())).and(contains(said)));
    }
    let object: Value = serde_json::from_str(&stdout(&["digest", "--format", "json"], &path, 1)).unwrap();
    let gap = &object["gaps"][0];
    assert_eq!((&gap["from"], &gap["to"], &gap["whole_records"]), (&start.into(), &end.into(), &0.into()));
    assert_eq!(gap["causes"][0]["code"], "unreadable");
}

#[test]
fn what_cannot_be_skipped_is_refused_as_without_the_option() {
    let directory = TempDir::new().unwrap();
    let (path, _) = damaged(&directory);
    let in_place = aofkit("rewrite").args(["--skip-damage", "--in-place", "--yes"]).arg(&path).assert().code(2);
    in_place.stderr(contains("hint: -o FILE writes a new log, and aofkit fix --salvage mends this one"));
    let notes = file(&directory, "notes.txt", b"buy milk\n");
    let rdb = file(&directory, "header.rdb", b"REDIS9999 of the future");
    let refused = [(&notes, "nothing in this file reads as a log"), (&rdb, "nothing of the RDB can be read")];
    for (path, said) in refused {
        aofkit("digest").arg("--skip-damage").arg(path).assert().code(2).stderr(contains(said));
        aofkit("inspect").arg("--skip-damage").arg(path).assert().code(1).stderr(contains(said));
    }
}

#[test]
fn a_torn_end_is_no_more_with_the_option_than_without() {
    let directory = TempDir::new().unwrap();
    let whole = log(&["SET a 1", "MULTI", "SET b 1"]);
    let cut = [&log(&["SET a 1"])[..], b"*3\r\n$3\r\nSET"].concat();
    for (bytes, rewrite) in [(whole, 0), (cut.clone(), 0), ([&b"*x\r\n"[..], &cut].concat(), 1)] {
        let path = file(&directory, "a.aof", &bytes);
        for (arguments, code) in [(&["rewrite", "-o", "-"][..], rewrite), (&["digest"], 1), (&["inspect"], 1)] {
            stdout(arguments, &path, code);
            aofkit(arguments[0]).args(&arguments[1..]).arg(&path).assert().code(code);
        }
    }
}
