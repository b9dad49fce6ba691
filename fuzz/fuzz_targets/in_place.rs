//! A log on disk, one file or a directory of parts, is rewritten in place: either nothing changes, or the new log has
//! the same data and undoing the rewrite restores every byte.

#![no_main]

#[path = "../directory.rs"]
mod directory;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use aofkit::aof::log::Log;
use aofkit::digest::{Total, fingerprint};
use aofkit::input::Input;
use aofkit::repair;
use aofkit::replay::{Options, Replayed, replay};
use aofkit::rewrite::in_place::{Reading, Replaced, prepare};
use aofkit::rewrite::{self, Base};
use aofkit::storage::draft::DraftWriter;
use aofkit::storage::{FileSystem, OpenElsewhere, Watch};
use libfuzzer_sys::fuzz_target;

/// Every file, with its bytes.
fn contents(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(contents(&path));
        } else {
            all.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    all
}

fn replayed(inputs: &[Input]) -> Replayed<'_> {
    let parts: Vec<&[u8]> = inputs.iter().map(Input::bytes).collect();
    replay(&parts, Options { now: 1_700_000_000_000, ..Options::default() })
}

fn inputs(log: &Log) -> Option<Vec<Input>> {
    log.parts.iter().map(|part| part.open().ok()).collect()
}

/// The data of a log.
fn data(path: &Path) -> Total {
    let inputs = inputs(&Log::open(path).unwrap()).unwrap();
    let replayed = replayed(&inputs);
    assert_eq!((replayed.summary.failed, &replayed.summary.damaged), (0, &None), "{:?}", replayed.summary.failures);
    fingerprint(&replayed.keyspace, &|_, _| true)
}

/// Rewrites a log; the data that the new one must hold, or `None` if it cannot be replaced.
fn rewritten(path: &Path, base: Base) -> Option<(Total, Replaced)> {
    let log = Log::open(path).ok()?;
    let inputs = inputs(&log)?;
    let watch = Watch::of_inputs(&inputs, OpenElsewhere::Ignore).ok()?;
    let replayed = replayed(&inputs);
    let summary = &replayed.summary;
    if summary.damaged.is_some() {
        return None;
    }
    let is_last = summary.stopped.part + 1 == inputs.len();
    let end =
        if is_last { summary.stopped.offset } else { inputs.last().map_or(0, |input| input.bytes().len() as u64) };
    let reading = Reading { inputs: &inputs, end, database: summary.database };
    let options = rewrite::Options { loss: rewrite::Loss::Refused, ..rewrite::Options::default() };
    let fill = |out: &mut DraftWriter<'_, FileSystem>| rewrite::write(&replayed.keyspace, base, options, out);
    let (prepared, _) = prepare(&mut FileSystem, (&log, reading), watch, base, fill).ok()?;
    let replaced = prepared.commit(&mut FileSystem).ok()?;
    Some((fingerprint(&replayed.keyspace, &|_, _| true), replaced))
}

fuzz_target!(|data_bytes: &[u8]| {
    let Some((choice, bytes)) = data_bytes.split_first() else { return };
    let base = if choice & 1 == 0 { Base::Resp } else { Base::Rdb };
    let directory = tempfile::tempdir_in(if Path::new("/dev/shm").is_dir() { "/dev/shm" } else { "." }).unwrap();
    let mut path = directory.path().join("appendonly.aof");
    if bytes.contains(&directory::SEPARATOR) {
        path = directory.path().join("appendonlydir");
        directory::write(&path, bytes);
    } else {
        fs::write(&path, bytes).unwrap();
    }
    let before = contents(directory.path());
    match rewritten(&path, base) {
        None => assert_eq!(contents(directory.path()), before),
        Some((expected, replaced)) => {
            assert_eq!(replaced.grown, 0);
            assert_eq!(data(&path), expected);
            repair::undo(&path, None, OpenElsewhere::Ignore).unwrap();
            assert_eq!(contents(directory.path()), before);
        }
    }
});
