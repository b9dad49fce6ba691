//! Logs of one part and of several, taken back at every offset and without every record.

use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;

use super::*;
use crate::aof::Reader;
use crate::aof::log::Log;
use crate::check::Settings;
use crate::repair::{self, write_edited};
use crate::select::Walk;
use crate::testing::log;
use crate::testing::random::Random;

fn survey(path: &std::path::Path) -> Survey {
    repair::survey(&Log::open(path).unwrap(), Settings::default()).unwrap()
}

/// A log of one file.
fn single(bytes: &[u8]) -> (TempDir, Survey) {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("a.aof");
    fs::write(&path, bytes).unwrap();
    let survey = survey(&path);
    (directory, survey)
}

/// A log of a base and three incr files.
fn several(parts: [&[u8]; 4]) -> (TempDir, Survey) {
    let directory = TempDir::new().unwrap();
    let names = ["a.1.base.aof", "a.1.incr.aof", "a.2.incr.aof", "a.3.incr.aof"];
    for (name, bytes) in names.iter().zip(parts) {
        fs::write(directory.path().join(name), bytes).unwrap();
    }
    let lines = ["1 type b", "1 type i", "2 type i", "3 type i"];
    let mut manifest = String::new();
    for (name, line) in names.iter().zip(lines) {
        manifest.extend(["file ", name, " seq ", line, "\n"]);
    }
    let path = directory.path().join("a.manifest");
    fs::write(&path, manifest).unwrap();
    let survey = survey(&path);
    (directory, survey)
}

/// The bytes of each part that is left.
fn after(survey: &Survey, travel: &Travel) -> Vec<Vec<u8>> {
    let parts = travel.plan.parts.iter().zip(&survey.files);
    let stay = parts.filter(|(part, _)| part.change != repair::PartChange::Leaves);
    let edited = |(part, file): (&PartPlan, &FileSurvey)| {
        let mut out = Vec::new();
        write_edited(file.bytes(), part.edits(), &mut out).unwrap();
        out
    };
    stay.map(edited).collect()
}

fn at(part: usize, offset: u64) -> Point {
    Point::Place(Place { part, offset })
}

fn cut(survey: &Survey, point: Point) -> Vec<Vec<u8>> {
    after(survey, &truncate_to(survey, point).unwrap())
}

const LINES: [&str; 12] = [
    "#TS:100", "SET a 1", "MULTI", "SELECT 3", "SET b 1", "#TS:101", "SET c 1", "EXEC", "SET d 1", "#TS:103", "DEL d",
    "SET e 1",
];

/// The boundaries of the records, and for each offset where a transaction holds it.
fn boundaries(bytes: &[u8]) -> Vec<(u64, bool)> {
    let mut reader = Reader::new(bytes, 0);
    let mut found = vec![(0, false)];
    while let Some(Ok(record)) = reader.next_record() {
        let end = record.end();
        let is_inside = matches!(record.membership, Membership::Opens | Membership::Inside);
        found.push((end, is_inside));
    }
    found
}

#[test]
fn a_log_ends_at_every_boundary_outside_a_transaction_and_nowhere_else() {
    let bytes = log(&LINES);
    let (_directory, survey) = single(&bytes);
    let boundaries = boundaries(&bytes);
    let transaction = log(&LINES[..2]).len() as u64..log(&LINES[..8]).len() as u64;
    for offset in 1..=bytes.len() as u64 + 1 {
        let found = truncate_to(&survey, at(0, offset));
        if boundaries.contains(&(offset, false)) {
            assert_eq!(after(&survey, &found.unwrap()), [bytes[..usize::try_from(offset).unwrap()].to_vec()]);
            continue;
        }
        let Err(TravelError::NotABoundary { holder, nearest, .. }) = found else { panic!("{offset}: {found:?}") };
        if offset > bytes.len() as u64 {
            assert_eq!((holder, nearest.start), (Holder::Nothing, bytes.len() as u64));
        } else if transaction.contains(&offset) {
            assert_eq!((holder, nearest), (Holder::Transaction, transaction.clone()), "{offset}");
        } else {
            assert_eq!(holder, Holder::Record, "{offset}");
            let around = boundaries.windows(2).find(|pair| pair[0].0 < offset && offset < pair[1].0).unwrap();
            assert_eq!(nearest, around[0].0..around[1].0);
        }
    }
    assert_eq!(truncate_to(&survey, at(0, 0)), Err(TravelError::NothingLeft));
}

#[test]
fn a_time_ends_the_log_before_the_first_later_annotation_or_its_transaction() {
    let bytes = log(&LINES);
    let (_directory, survey) = single(&bytes);
    let first = |lines: usize| vec![log(&LINES[..lines])];
    assert_eq!(cut(&survey, Point::Time(100)), first(2));
    assert_eq!(cut(&survey, Point::Time(101)), first(9));
    assert_eq!(cut(&survey, Point::Time(102)), first(9));
    assert!(truncate_to(&survey, Point::Time(103)).unwrap().plan.is_nothing());
    let too_early = TravelError::NotThatFarBack { second: 99, begins: 100 };
    assert_eq!(truncate_to(&survey, Point::Time(99)), Err(too_early));
    let (_directory, survey) = single(&log(&["SET a 1"]));
    assert_eq!(truncate_to(&survey, Point::Time(99)), Err(TravelError::NoTimes));
}

#[test]
fn later_parts_leave() {
    let parts = [["SET a 1"], ["#TS:1"], ["#TS:2"], ["#TS:3"]].map(|lines| log(&lines));
    let (_directory, survey) = several([&parts[0], &parts[1], &parts[2], &parts[3]]);
    let of = |count: usize| parts[..count].to_vec();
    assert_eq!(cut(&survey, at(1, parts[1].len() as u64)), of(2));
    assert_eq!(cut(&survey, at(0, parts[0].len() as u64)), of(1));
    assert_eq!(cut(&survey, at(2, 0)), [of(2), vec![Vec::new()]].concat());
    assert_eq!(cut(&survey, Point::Time(2)), [of(3), vec![Vec::new()]].concat());
    assert_eq!(cut(&survey, Point::Time(0)), [of(1), vec![Vec::new()]].concat());
    let travel = truncate_to(&survey, at(1, 0)).unwrap();
    let manifest = String::from_utf8(travel.plan.manifest.clone().unwrap().text).unwrap();
    let names: Vec<&str> = manifest.lines().filter_map(|line| line.split(' ').nth(1)).collect();
    assert_eq!(names, ["a.1.base.aof", "a.1.incr.fixed-1.aof"]);
    let removed: Vec<_> = travel.removed.iter().map(|stretch| (stretch.part, stretch.content.whole)).collect();
    assert_eq!(removed, [(1, 1), (2, 1), (3, 1)]);
}

#[test]
fn damage_matters_only_where_it_would_stay() {
    let good = log(&["SET a 1", "SET b 1"]);
    let torn = [good.clone(), b"*3\r\n$3".to_vec()].concat();
    let (_directory, survey) = several([&good, &good, &torn, &good]);
    let end = good.len() as u64;
    for point in [at(1, end / 2), at(1, end), at(2, end / 2), at(2, end)] {
        let travel = truncate_to(&survey, point).unwrap();
        assert_eq!(travel.removed.last().unwrap().part, 3);
    }
    let refused = |found: Result<Travel, TravelError>| match found {
        Err(TravelError::Refused(refusal)) => (refusal.obstacle, refusal.file.file_name().unwrap().to_owned()),
        found => panic!("{found:?}"),
    };
    let expected = (Obstacle::DamageStays, "a.2.incr.aof".into());
    assert_eq!(refused(truncate_to(&survey, at(3, end))), expected);
    assert_eq!(refused(truncate_to(&survey, Point::Time(1))), expected);
    assert_eq!(refused(remove(&survey, &[Place { part: 0, offset: 0 }])), expected);
    let (found, _) = before(&survey, &["set", "b"]).unwrap();
    assert_eq!((found.part, found.read_whole), (2, false));
    let open = log(&["SET a 1", "MULTI", "DEL a"]);
    let (_directory, survey) = single(&open);
    assert_eq!(cut(&survey, at(0, end / 2)), [log(&["SET a 1"])]);
    let inside = log(&["SET a 1", "MULTI"]).len() as u64;
    let Err(TravelError::NotABoundary { holder: Holder::Transaction, nearest, .. }) =
        truncate_to(&survey, at(0, inside))
    else {
        panic!("inside a transaction");
    };
    assert_eq!(nearest, end / 2..end / 2);
}

/// The lines that are left without those with these numbers.
fn without(lines: &[&str], numbers: &[usize]) -> Result<Vec<u8>, TravelError> {
    let (_directory, survey) = single(&log(lines));
    let place = |number: &usize| Place { part: 0, offset: log(&lines[..*number]).len() as u64 };
    let places: Vec<Place> = numbers.iter().map(place).collect();
    remove(&survey, &places).map(|travel| after(&survey, &travel).concat())
}

#[test]
fn single_records_and_transactions_are_taken_out() {
    let left = |numbers: &[usize]| {
        let lines = LINES.iter().enumerate().filter(|(number, _)| !numbers.contains(number));
        log(&lines.map(|(_, line)| *line).collect::<Vec<_>>())
    };
    assert_eq!(without(&LINES, &[1]).unwrap(), left(&[1]));
    assert_eq!(without(&LINES, &[10, 1, 10]).unwrap(), left(&[1, 10]));
    assert_eq!(without(&LINES, &[4]).unwrap(), left(&[4]));
    let database = [log(&LINES[..2]), log(&["SELECT 3"]), log(&LINES[8..])].concat();
    for whole in [&[2][..], &[7], &[2, 4, 7]] {
        assert_eq!(without(&LINES, whole).unwrap(), database, "{whole:?}: later records are of database 3");
    }
    let lines = ["MULTI", "#TS:5", "DEL a", "EXEC", "SET b 1"];
    assert_eq!(without(&lines, &[2]).unwrap(), log(&["#TS:5", "SET b 1"]), "an empty transaction");
    let nested = ["EXEC", "MULTI", "MULTI", "DEL a", "EXEC", "SET b 1"];
    assert_eq!(without(&nested, &[0]).unwrap(), log(&nested[1..]), "no transaction is open");
    assert_eq!(without(&nested, &[2]).unwrap(), log(&["EXEC", "MULTI", "DEL a", "EXEC", "SET b 1"]));
}

#[test]
fn what_later_records_depend_on_stays() {
    let lines = ["SELECT 0", "SET a 1", "SELECT 2", "SET b 1", "SELECT 2", "SET c 1"];
    assert_eq!(without(&lines, &[0]).unwrap(), log(&lines[1..]), "database 0 is selected without it");
    assert_eq!(without(&lines, &[4]).unwrap(), log(&["SELECT 0", "SET a 1", "SELECT 2", "SET b 1", "SET c 1"]));
    let found = without(&lines, &[2]);
    assert!(matches!(found, Err(TravelError::Select { selects: 2, instead: 0, .. })), "{found:?}");
}

/// The commands of a log that change data, with the database that they run in and the `MULTI` of their transaction.
fn commands(bytes: &[u8]) -> Vec<(u64, Vec<u8>, u64, Option<u64>)> {
    let mut walk = Walk::new(bytes);
    let (mut found, mut multi) = (Vec::new(), None);
    while let Some(Ok(step)) = walk.next_step() {
        let Content::Command(words) = step.record.content else { continue };
        if step.place.membership == Membership::Opens {
            multi = Some(step.record.offset);
        }
        if words[0] == b"SET" {
            let transaction = multi.filter(|_| step.place.membership == Membership::Inside);
            found.push((step.record.offset, step.raw.to_vec(), step.place.database, transaction));
        }
    }
    assert!(!walk.state().is_in_transaction());
    found
}

#[test]
fn whatever_goes_the_rest_runs_in_the_database_in_which_it_ran() {
    let mut random = Random(7);
    let mut removals = 0;
    for _ in 0..400 {
        let mut lines: Vec<String> = Vec::new();
        let mut is_open = false;
        for number in 0..random.below(20_u32) {
            lines.push(match random.below(8_u32) {
                0 | 1 => format!("SELECT {}", random.below(3_u32)),
                2 => format!("#TS:{number}"),
                3 => {
                    is_open = !is_open;
                    if is_open { "MULTI" } else { "EXEC" }.to_owned()
                }
                _ => format!("SET {number} v"),
            });
        }
        lines.extend(is_open.then(|| "EXEC".to_owned()));
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let bytes = log(&lines);
        let (_directory, survey) = single(&bytes);
        let starts = boundaries(&bytes);
        let wanted: Vec<(Place, &str)> = starts
            .iter()
            .zip(&lines)
            .filter(|_| random.one_in(4))
            .map(|((offset, _), line)| (Place { part: 0, offset: *offset }, *line))
            .collect();
        let places: Vec<Place> = wanted.iter().map(|(place, _)| *place).collect();
        let Ok(travel) = remove(&survey, &places) else {
            assert!(wanted.iter().any(|(_, line)| line.starts_with("SELECT")), "{lines:?}: {wanted:?}");
            continue;
        };
        let goes = |offset: u64| travel.removed.iter().any(|stretch| stretch.range.contains(&offset));
        assert!(places.iter().all(|place| goes(place.offset)), "{lines:?}: {wanted:?}");
        let controls: Vec<u64> = wanted
            .iter()
            .filter(|(_, line)| matches!(*line, "MULTI" | "EXEC"))
            .map(|(place, _)| starts[..=starts.iter().position(|start| start.0 == place.offset).unwrap()].to_vec())
            .map(|before| before.iter().rfind(|start| !start.1).unwrap().0)
            .collect();
        let stays = |(offset, _, _, transaction): &(u64, Vec<u8>, u64, Option<u64>)| {
            let is_wanted = places.iter().any(|place| place.offset == *offset);
            !is_wanted && transaction.is_none_or(|multi| !controls.contains(&multi))
        };
        let what = |all: Vec<(u64, Vec<u8>, u64, Option<u64>)>| -> Vec<(Vec<u8>, u64, bool)> {
            all.into_iter().map(|(_, raw, database, multi)| (raw, database, multi.is_some())).collect()
        };
        let expected = what(commands(&bytes).into_iter().filter(stays).collect());
        assert_eq!(what(commands(&after(&survey, &travel).concat())), expected, "{lines:?}: {wanted:?}");
        removals += usize::from(!places.is_empty());
    }
    assert!(removals > 80, "{removals}");
}

#[test]
fn only_the_start_of_a_record_takes_it_out() {
    let bytes = log(&["SET a 1", "SET b 1"]);
    let (_directory, survey) = single(&bytes);
    let middle = bytes.len() as u64 / 2;
    for offset in 0..=bytes.len() as u64 + 1 {
        let found = remove(&survey, &[Place { part: 0, offset }]);
        if offset == 0 || offset == middle {
            found.unwrap();
            continue;
        }
        let Err(TravelError::NotARecord { record, .. }) = found else { panic!("{offset}: {found:?}") };
        assert_eq!(record.is_empty(), offset >= bytes.len() as u64, "{offset}");
        assert!(record.is_empty() || record.contains(&offset), "{offset}: {record:?}");
    }
}

#[test]
fn the_last_command_that_begins_with_the_words_is_found() {
    let lines = ["SET a 1", "DEL user:1", "del user:2", "MULTI", "SET b 1", "DEL user:1", "SET c 1", "EXEC", "SET d 1"];
    let (_directory, survey) = single(&log(&lines));
    let offset = |count: usize| log(&lines[..count]).len() as u64;
    let (found, travel) = before(&survey, &["Del"]).unwrap();
    assert_eq!((found.record, found.unit), (offset(5)..offset(6), offset(3)..offset(8)));
    assert_eq!(after(&survey, &travel), [log(&lines[..3])]);
    let (found, _) = before(&survey, &["del", "user:2"]).unwrap();
    assert_eq!((found.record.clone(), found.unit), (offset(2)..offset(3), offset(2)..offset(3)));
    assert_eq!(found.number, 3);
    for words in [&["DEL", "USER:1"][..], &["DE"], &["DEL", "user:1", "user:2"], &["FLUSHALL"]] {
        let found = before(&survey, words);
        assert!(matches!(found, Err(TravelError::NotFound { .. })), "{words:?}: {found:?}");
    }
    assert_eq!(before(&survey, &["SET", "a"]).unwrap_err(), TravelError::NothingLeft);
}

#[test]
fn keys_are_counted_before_and_after() {
    let lines = ["SET a 1", "SET b 1", "SELECT 4", "SET c 1", "FLUSHDB", "SET d 1", "SET e 1", "FLUSHALL", "SET f 1"];
    let (_directory, survey) = single(&log(&lines));
    let options = crate::replay::Options::default();
    let (found, travel) = before(&survey, &["flushall"]).unwrap();
    assert_eq!(effect(&survey, &found, options), Effect { keys_before: Ok(4), keys_after: Ok(0) });
    assert!(found.is_last_flush(&survey));
    let flushes = |travel: &Travel| -> Vec<(Option<u32>, u64)> {
        emptied(&survey, travel, options).unwrap().iter().map(|flush| (flush.database, flush.keys)).collect()
    };
    assert_eq!(flushes(&travel), [(None, 4)]);
    assert_eq!(
        flushes(&truncate_to(&survey, at(0, log(&lines[..4]).len() as u64)).unwrap()),
        [(Some(4), 1), (None, 4)]
    );
    let place = Place { part: 0, offset: log(&lines[..4]).len() as u64 };
    assert_eq!(flushes(&remove(&survey, &[place]).unwrap()), [(Some(4), 1)]);
    let (_directory, survey) = single(&log(&["UNKNOWN a", "SET a 1", "DEL a"]));
    let (found, _) = before(&survey, &["del"]).unwrap();
    let unknown = || Err(Untold::UnknownCommand(b"UNKNOWN".to_vec()));
    assert_eq!(effect(&survey, &found, options), Effect { keys_before: unknown(), keys_after: unknown() });
}

#[test]
fn an_rdb_is_not_cut() {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "testdata/logs/redis-8.0/rdb-base"].iter().collect();
    let survey = survey(&path);
    let end = survey.report.parts[0].size;
    for offset in [0, 1, end - 1] {
        let inside = |found: Result<Travel, TravelError>| matches!(found, Err(TravelError::InsideRdb { .. }));
        assert!(inside(truncate_to(&survey, at(0, offset))) && inside(remove(&survey, &[Place { part: 0, offset }])));
    }
    let travel = truncate_to(&survey, at(0, end)).unwrap();
    assert_eq!(after(&survey, &travel), [survey.files[0].bytes()]);
    assert!(matches!(remove(&survey, &[Place { part: 9, offset: 0 }]), Err(TravelError::Refused(_))));
}
