//! A file of any bytes is taken back to offsets and times, and loses records: what is left reads without damage, and
//! ends where a replay to the same place ends.

#![no_main]

use std::fs;

use aofkit::aof::Reader;
use aofkit::aof::log::Log;
use aofkit::check::Settings;
use aofkit::repair::travel::{self, Point, Travel};
use aofkit::repair::{self, Survey, write_edited};
use aofkit::replay::{self, Place, Unknown, Until};
use libfuzzer_sys::fuzz_target;

/// The bytes that are left, which read without damage.
fn left(survey: &Survey, travel: &Travel) -> Vec<u8> {
    let mut out = Vec::new();
    write_edited(survey.files[0].bytes(), travel.plan.parts[0].edits(), &mut out).unwrap();
    if let Ok(mut reader) = Reader::after_preamble(&out) {
        while let Some(record) = reader.next_record() {
            record.unwrap_or_else(|damage| panic!("{damage:?}"));
        }
        assert_eq!(reader.valid_up_to(), out.len() as u64);
    }
    out
}

/// Where a replay stops.
fn stopped(data: &[u8], until: Until) -> u64 {
    let options = replay::Options { unknown: Unknown::Skip, until, ..replay::Options::default() };
    replay::replay(&[data], options).summary.stopped.offset
}

fuzz_target!(|data: &[u8]| {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("appendonly.aof");
    fs::write(&path, data).unwrap();
    let Ok(log) = Log::open(&path) else { return };
    if log.as_multi_part().is_some() {
        return;
    }
    let survey = repair::survey(&log, Settings::default()).unwrap();
    let mut reader = Reader::new(data, 0);
    let mut offsets = vec![0, 1, data.len() as u64 / 2, data.len() as u64];
    while let Some(Ok(record)) = reader.next_record() {
        if offsets.len() < 40 {
            offsets.extend([record.offset, record.end()]);
        }
    }
    for offset in offsets {
        let place = Place { part: 0, offset };
        if let Ok(travel) = travel::truncate_to(&survey, Point::Place(place)) {
            assert_eq!(left(&survey, &travel).len() as u64, offset);
            assert_eq!(stopped(survey.files[0].bytes(), Until::Offset(offset)), offset);
        }
        if let Ok(travel) = travel::remove(&survey, &[place]) {
            left(&survey, &travel);
            assert!(travel.removed.iter().any(|stretch| stretch.range.contains(&offset)));
        }
    }
    for second in [0, 1_700_000_000, i64::MAX] {
        if let Ok(travel) = travel::truncate_to(&survey, Point::Time(second)) {
            let length = left(&survey, &travel).len() as u64;
            assert_eq!(stopped(survey.files[0].bytes(), Until::Time(second)), length);
        }
    }
    for word in [&b"set"[..], b"exec", b"flushall"] {
        if let Ok((found, travel)) = travel::before(&survey, &[word]) {
            assert!(left(&survey, &travel).len() as u64 <= found.record.start);
            let _ = travel::effect(&survey, &found, replay::Options::default());
        }
    }
});
