//! All readers of a log stop at the same byte: the valid part of `check`, the end of a replay, the records of
//! `inspect`, the part that `fix` keeps, and the data of a rewrite.

use std::path::Path;

use aofkit::aof::log::Log;
use aofkit::aof::manifest::is_manifest;
use aofkit::aof::transaction::Membership;
use aofkit::check::{Report, Settings, check};
use aofkit::input::Input;
use aofkit::rdb::{Walker, is_rdb};
use aofkit::repair::Obstacle;
use aofkit::repair::plan::plan;
use aofkit::repair::survey::{Condition, ReadOver, survey};
use aofkit::replay::{self, End, Replayed};
use aofkit::rewrite::{self, Base};
use aofkit::select::{StreamState, Walk};
use tempfile::TempDir;

use crate::harness::files::{logs, testdata};
use crate::harness::{assert_none, on_two_threads};

/// Files up to this size are tested at every truncation, larger ones only as a whole.
const SMALL: usize = 1500;

/// A check of these bytes, as if they were in a file.
fn checked(file: &Path, bytes: &[u8]) -> (Log, Report) {
    let log = Log::from_input(Input::from_bytes(file, bytes.to_vec())).unwrap();
    let report = check(&log, Settings::default()).unwrap();
    (log, report)
}

fn replayed(bytes: &[u8]) -> Replayed<'_> {
    replay::replay(&[bytes], replay::Options::default())
}

/// The output of a rewrite.
fn rewritten(replayed: &Replayed<'_>) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    let written = rewrite::write(&replayed.keyspace, Base::Resp, rewrite::Options::default(), &mut out);
    written.map(|_| out).map_err(|error| error.to_string())
}

/// The end of the last record that `inspect` shows outside an unfinished transaction; `None` after a damaged RDB.
fn shown_up_to(bytes: &[u8]) -> Option<u64> {
    let mut start = 0;
    if is_rdb(bytes) {
        let mut walker = Walker::new(bytes, 0);
        for item in walker.by_ref() {
            item.ok()?;
        }
        start = usize::try_from(walker.position()).unwrap();
    }
    let mut walk = Walk::part(bytes, start, StreamState::default());
    let mut end = start as u64;
    while let Some(Ok(step)) = walk.next_step() {
        if matches!(step.place.membership, Membership::Outside | Membership::Closes) {
            end = step.record.end();
        }
    }
    Some(end)
}

/// A disagreement between the readers.
fn disagreement(file: &Path, bytes: &[u8]) -> Option<String> {
    // A manifest has no records.
    if is_manifest(bytes) {
        return None;
    }
    let (log, report) = checked(file, bytes);
    let valid = report.parts[0].valid_up_to();
    let shown = shown_up_to(bytes);
    if shown.unwrap_or(0) != valid {
        return Some(format!("check is valid up to {valid}, inspect shows up to {shown:?}"));
    }
    let replay = replayed(bytes);
    let stopped = replay.summary.stopped.offset;
    // A replay continues after a damaged value of an RDB whose end is known, and reports that its data must not be
    // used.
    let is_usable = replay.summary.damaged.is_none() && !matches!(replay.summary.end, End::DamagedRdb(_));
    if is_usable && (shown.is_none() || stopped != valid) || shown.is_some() && stopped != valid {
        return Some(format!("check is valid up to {valid}, a replay ends at {stopped}: {:?}", replay.summary.end));
    }
    let survey = survey(&log, Settings::default()).unwrap();
    let (whole, condition) = (bytes.len() as u64, survey.files[0].condition);
    let kept = match plan(&survey) {
        Ok(plan) => plan.parts[0].cut_at().unwrap_or(whole),
        // It makes no cut: nothing reads as a log, or nothing is to be removed.
        Err(refusal) => match refusal.obstacle {
            Obstacle::Rdb | Obstacle::NoLog | Obstacle::Compressed(_) => valid,
            Obstacle::ServersReadOver | Obstacle::NotDamage | Obstacle::NotForThisServer => whole,
            _ => return Some(format!("fix refuses: {}", refusal.message())),
        },
    };
    // Data that servers load stays, even if no checker reports it as valid.
    let expected = match condition {
        Condition::ReadOver(ReadOver::UpTo(at)) => at,
        Condition::ReadOver(ReadOver::ToTheEnd) => whole,
        _ if report.is_sound() => whole,
        _ => valid,
    };
    if kept != expected {
        return Some(format!("check is valid up to {valid}, fix keeps {kept}, not {expected}: {condition:?}"));
    }
    shown?;
    let cut = replayed(&bytes[..usize::try_from(valid).unwrap()]);
    (rewritten(&cut) != rewritten(&replay)).then(|| format!("a rewrite of the log cut at {valid} gives other data"))
}

#[test]
fn every_reader_stops_at_the_same_byte_of_every_log_and_of_every_truncation_of_the_small_ones() {
    // There is no manifest.
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("log.aof");
    std::fs::write(&file, b"").unwrap();
    let mut files = Vec::new();
    for path in logs(".") {
        let name = path.strip_prefix(testdata()).unwrap().display().to_string();
        for part in Log::open(&path).unwrap().parts.iter().filter(|part| part.missing().is_none()) {
            files.push((format!("{name} {}", part.role.name()), part.open().unwrap().bytes().to_vec()));
        }
    }
    let found = on_two_threads(&files, |_, (name, bytes)| {
        let lengths = if bytes.len() <= SMALL { 0..=bytes.len() } else { bytes.len()..=bytes.len() };
        let found = lengths.filter_map(|length| {
            Some(format!("{name}, the first {length} bytes: {}", disagreement(&file, &bytes[..length])?))
        });
        found.collect::<Vec<_>>()
    });
    assert!(files.len() > 350, "only {} files", files.len());
    assert_none(&found.concat());
}
