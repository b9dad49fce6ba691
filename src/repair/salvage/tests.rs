use std::collections::HashMap;
use std::iter::once;
use std::path::{Path, PathBuf};

use super::*;
use crate::aof::Reader;
use crate::resp::write_command;
use crate::testing::random::Random;

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

/// Real logs of every server, and some of other shapes.
fn logs() -> Vec<Vec<u8>> {
    fn files(folder: &Path, all: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                files(&path, all);
            } else if path.extension().is_some_and(|extension| extension == "aof") {
                all.push(path);
            }
        }
    }
    let mut paths = Vec::new();
    files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/logs"), &mut paths);
    paths.sort();
    let read = paths.iter().map(|path| std::fs::read(path).unwrap());
    let mut logs: Vec<Vec<u8>> = read.filter(|log| log.len() > 2000 && !crate::rdb::is_rdb(log)).collect();
    let mut random = Random(1);
    for value in [3, 100, 5000] {
        let mut log = Vec::new();
        write_command(&mut log, &[b"SELECT", b"0"]);
        for _ in 0..300 {
            let key = format!("key:{}", random.below(1000));
            let length = if random.below(4) == 0 { value } else { 4 };
            write_command(
                &mut log,
                &[b"SET", key.as_bytes(), &vec![b'a' + u8::try_from(random.below(26)).unwrap(); length]],
            );
        }
        logs.push(log);
    }
    logs
}

/// What is done to a log: the bytes after it, and the stretches of the original that it concerns; an empty one is a
/// place between two bytes.
fn damage(log: &[u8], random: &mut Random, kind: usize) -> (Vec<u8>, Vec<Range<usize>>) {
    let most = [4, 64, 1500][random.below(3)].min(log.len() / 4);
    let length = 1 + random.below(most);
    let start = random.below(log.len() - length);
    let stretch = start..start + length;
    let noise = |random: &mut Random| u8::try_from(random.below(256)).unwrap();
    let mut out = log.to_vec();
    match kind {
        0 => out[stretch.clone()].iter_mut().for_each(|byte| *byte = noise(random)),
        1 => out[stretch.clone()].fill(0),
        2 => drop(out.drain(stretch.clone())),
        3 => {
            out.splice(stretch.end..stretch.end, log[stretch.clone()].iter().copied());
            return (out, once(stretch.end..stretch.end).collect());
        }
        4 => {
            let inserted: Vec<u8> = stretch.clone().map(|_| noise(random)).collect();
            out.splice(start..start, inserted);
            return (out, once(start..start).collect());
        }
        5 => {
            out[start] ^= 1 << random.below(8);
            return (out, once(start..start + 1).collect());
        }
        6 => {
            let from = random.below(log.len() - length);
            out[stretch.clone()].copy_from_slice(&log[from..from + length]);
        }
        _ => {
            let other = random.below(log.len() - length);
            let (first, second) = (start.min(other), start.max(other));
            if second - first < length {
                return (out, Vec::new());
            }
            let (one, two) = (first..first + length, second..second + length);
            out[one.clone()].copy_from_slice(&log[two.clone()]);
            out[two.clone()].copy_from_slice(&log[one.clone()]);
            return (out, vec![one, two]);
        }
    }
    (out, vec![stretch])
}

/// The records that damage has left whole, but for those of a transaction that has lost a part.
fn outside<'l>(log: &'l [u8], damaged: &[Range<usize>]) -> Vec<&'l [u8]> {
    let is_hit =
        |record: &Range<usize>| damaged.iter().any(|stretch| stretch.start < record.end && stretch.end > record.start);
    // Whether something is missing between two records of a transaction, nobody knows.
    let is_inside = |stretch: &Range<usize>, held: &[Range<usize>]| {
        held[0].start < stretch.end && held[held.len() - 1].end > stretch.start
    };
    let mut kept = Vec::new();
    let mut transaction: Option<Vec<Range<usize>>> = None;
    for record in records(log) {
        let text = &log[record.clone()];
        if text.starts_with(b"*1\r\n$5\r\nMULTI") {
            transaction = Some(vec![record]);
        } else if let Some(mut held) = transaction.take() {
            held.push(record);
            if !text.starts_with(b"*1\r\n$4\r\nEXEC") {
                transaction = Some(held);
            } else if !held.iter().any(is_hit) && !damaged.iter().any(|stretch| is_inside(stretch, &held)) {
                kept.extend(held);
            }
        } else if !is_hit(&record) {
            kept.push(record);
        }
    }
    kept.into_iter().map(|record| &log[record]).collect()
}

/// What an input of the property below looks like where it fails.
fn shown(log: &[u8], damaged: &[u8], salvage: &Salvage) -> String {
    let around = |gap: &Gap| {
        let index = |offset: u64| usize::try_from(offset).unwrap();
        let range = index(gap.edit.range.start)..index(gap.edit.range.end);
        let text = &damaged[range.start.saturating_sub(40)..damaged.len().min(range.end + 60)];
        format!("{range:?} {:?}: {}\n", gap.causes, text[..text.len().min(400)].escape_ascii())
    };
    format!("{} bytes\n{}", log.len(), salvage.gaps.iter().map(around).collect::<String>())
}

/// Damages logs in several places, and asserts that what is outside is kept.
#[track_caller]
fn assert_kept(rounds: usize, stretches: usize, most_lost: usize) {
    let logs = logs();
    let mut random = Random(stretches as u64);
    let (mut salvaged, mut lost) = (0, Vec::new());
    for round in 0..rounds {
        let log = &logs[round % logs.len()];
        let (mut damaged, mut hit) = (log.clone(), Vec::new());
        // The last first, so that the places of the others stay.
        let mut limit = log.len();
        for _ in 0..stretches {
            let (head, rest) = damaged.split_at(limit);
            if head.len() < 600 {
                break;
            }
            let (changed, places) = damage(head, &mut random, round / logs.len() % 8);
            let first = places.iter().map(|place| place.start).min().unwrap_or(limit);
            damaged = [&changed[..], rest].concat();
            hit.extend(places);
            limit = first.saturating_sub(1);
        }
        // Where a MULTI or an EXEC is moved, which records belong together is not known any more.
        let moves_control = |stretch: &Range<usize>| {
            !stretch.is_empty() && memchr::memmem::find(&log[stretch.clone()], b"1\r\n$").is_some()
        };
        let salvage = salvage(&damaged, 0, Options::default());
        if salvage.gaps.is_empty() || hit.iter().any(moves_control) {
            continue;
        }
        salvaged += 1;
        let result = mended(&damaged, &salvage);
        let mut held: HashMap<&[u8], usize> = HashMap::new();
        for record in records(&result) {
            *held.entry(&result[record]).or_default() += 1;
        }
        for record in outside(log, &hit) {
            let count = held.entry(record).or_default();
            if *count == 0 {
                let shown = shown(log, &damaged, &salvage);
                lost.push(format!("round {round}, {hit:?}: lost {}\n{shown}", record.escape_ascii()));
                break;
            }
            *count -= 1;
        }
    }
    assert!(salvaged > rounds / 2, "only {salvaged}");
    assert!(lost.len() <= most_lost, "{} of {salvaged}: {}", lost.len(), lost.concat());
}

#[test]
fn every_record_outside_one_damaged_stretch_is_kept() {
    assert_kept(6000, 1, 0);
}

#[test]
fn every_record_outside_three_damaged_stretches_is_kept() {
    // Bytes that are missing in a large argument may leave one that ends, to the byte, where a later record does:
    // nothing tells it from one that holds those records, and they stay a part of it.
    assert_kept(3000, 3, 5);
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
