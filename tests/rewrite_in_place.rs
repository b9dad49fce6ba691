//! A log that is rewritten in place: whatever fails, and whenever the process is killed, the old log is there or the new one.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail as tests do"
)]

#[path = "common/faulty.rs"]
mod faulty;
#[path = "common/log.rs"]
mod log;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use aofkit::aof::log::Log;
use aofkit::digest::{Total, digest};
use aofkit::input::Input;
use aofkit::repair::OpenElsewhere;
use aofkit::replay::{self, Replayed};
use aofkit::rewrite::in_place::{Old, Reading, Replaced, Settings, replace};
use aofkit::rewrite::{self, Base, Written};
use aofkit::storage::draft::DraftWriter;
use aofkit::storage::{FileSystem, Operations};
use aofkit::{Result, Server};
use faulty::{FAULTS, Faulty};
use log::log as commands;
use tempfile::TempDir;

/// A log of one file, in which most is overwritten.
fn single(directory: &Path) -> PathBuf {
    let path = directory.join("a.aof");
    let lines: Vec<String> = (0..50).map(|index| format!("SET key:{} {index}", index % 5)).collect();
    fs::write(&path, commands(&lines.iter().map(String::as_str).collect::<Vec<_>>())).unwrap();
    path
}

/// A log of three parts and one that no longer counts.
fn several(directory: &Path) -> PathBuf {
    let write = |name: &str, lines: &[&str]| fs::write(directory.join(name), commands(lines)).unwrap();
    write("a.aof.2.base.aof", &["SELECT 0", "SET a 1", "RPUSH list x y z"]);
    write("a.aof.4.incr.aof", &["SELECT 0", "SET a 2"]);
    write("a.aof.5.incr.aof", &["SELECT 3", "SET b 2", "INCR n"]);
    write("a.aof.1.base.aof", &["SET old 1"]);
    let manifest = "file a.aof.2.base.aof seq 2 type b\nfile a.aof.1.base.aof seq 1 type h\n\
                    file a.aof.4.incr.aof seq 4 type i\nfile a.aof.5.incr.aof seq 5 type i\n";
    fs::write(directory.join("a.aof.manifest"), manifest).unwrap();
    directory.join("a.aof.manifest")
}

const LAYOUTS: [fn(&Path) -> PathBuf; 2] = [single, several];

fn inputs(log: &Log) -> Vec<Input> {
    log.parts.iter().map(|part| part.open().unwrap()).collect()
}

fn replayed(inputs: &[Input]) -> Replayed<'_> {
    let bytes: Vec<&[u8]> = inputs.iter().map(Input::bytes).collect();
    replay::replay(&bytes, replay::Options::default())
}

/// What a log holds; it must be whole.
fn data(path: &Path) -> Total {
    let inputs = inputs(&Log::open(path).unwrap());
    let replayed = replayed(&inputs);
    assert!(matches!(replayed.summary.end, replay::End::Whole), "{:?}", replayed.summary.end);
    digest(&replayed.shares, Server::Redis80, 0, &|_, _| true)
}

/// Rewrites a log in place, with something that happens before it is read back.
fn rewrite_with<O: Operations + Send>(
    operations: &mut O,
    path: &Path,
    (settings, old): (Settings, Old),
    meanwhile: impl FnOnce(),
) -> Result<Replaced<Written>> {
    let log = Log::open(path)?;
    let inputs = inputs(&log);
    let replayed = replayed(&inputs);
    let summary = &replayed.summary;
    let reading = Reading { inputs: &inputs, end: summary.stopped.offset, database: summary.database };
    let fill = |out: &mut DraftWriter<'_, O>| -> io::Result<Written> {
        rewrite::write(&replayed.shares, settings.base, rewrite::Options::default(), out)
    };
    replace(operations, &log, reading, settings, fill, |_, _| {
        meanwhile();
        Ok(old)
    })
}

const SETTINGS: (Settings, Old) = (Settings { base: Base::Resp, open_elsewhere: OpenElsewhere::Refuse }, Old::Removed);

fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn the_new_log_holds_the_same_in_less() {
    for (base, old) in [(Base::Resp, Old::Removed), (Base::Rdb, Old::Kept)] {
        for layout in LAYOUTS {
            let directory = TempDir::new().unwrap();
            let path = layout(directory.path());
            let before = data(&path);
            let replaced = rewrite_with(&mut FileSystem, &path, (Settings { base, ..SETTINGS.0 }, old), || {}).unwrap();
            assert_eq!(data(&path), before);
            assert_eq!(replaced.grown, 0);
            assert!(replaced.removed.is_empty() || old == Old::Removed);
            assert!(replaced.kept.iter().all(|path| path.exists()), "{:?}", replaced.kept);
        }
    }
}

#[test]
fn a_directory_gets_the_next_numbers_and_loses_the_old_parts() {
    let directory = TempDir::new().unwrap();
    let path = several(directory.path());
    rewrite_with(&mut FileSystem, &path, SETTINGS, || {}).unwrap();
    assert_eq!(names(directory.path()), ["a.aof.3.base.aof", "a.aof.6.incr.aof", "a.aof.manifest"]);
    let manifest = "file a.aof.3.base.aof seq 3 type b\nfile a.aof.6.incr.aof seq 6 type i\n";
    assert_eq!(fs::read_to_string(&path).unwrap(), manifest);
}

#[test]
fn what_is_kept_of_a_single_file_is_the_old_log() {
    let directory = TempDir::new().unwrap();
    let path = single(directory.path());
    let before = fs::read(&path).unwrap();
    for kept in ["a.aof.before-rewrite", "a.aof.before-rewrite.2"] {
        fs::write(&path, &before).unwrap();
        rewrite_with(&mut FileSystem, &path, (SETTINGS.0, Old::Kept), || {}).unwrap();
        assert_eq!(fs::read(directory.path().join(kept)).unwrap(), before);
    }
}

#[test]
fn whatever_fails_the_old_log_or_the_new_one_is_there_whole() {
    for layout in LAYOUTS {
        for old in [Old::Removed, Old::Kept] {
            let settings = (SETTINGS.0, old);
            let mut sound = Faulty::sound();
            let directory = TempDir::new().unwrap();
            let path = layout(directory.path());
            let expected = data(&path);
            rewrite_with(&mut sound, &path, settings, || {}).unwrap();
            let after = names(directory.path());
            for at in 0..sound.count {
                for fault in FAULTS {
                    let directory = TempDir::new().unwrap();
                    let path = layout(directory.path());
                    let before = names(directory.path());
                    let mut faulty = Faulty::new(at, fault);
                    let result = rewrite_with(&mut faulty, &path, settings, || {});
                    let what = format!("{fault:?} at {at}: {:?}", sound.trace[at]);
                    assert_eq!(data(&path), expected, "{what}");
                    // Nothing unfinished is left by a process that lives.
                    if result.is_err() && matches!(fault, faulty::Fault::Error | faulty::Fault::Full) {
                        let left = names(directory.path());
                        let new = |name: &&String| !before.contains(name) && !after.contains(name);
                        let unfinished: Vec<_> = left.iter().filter(new).collect();
                        assert!(unfinished.is_empty(), "{what}: {unfinished:?}");
                    }
                }
            }
        }
    }
}

#[test]
fn what_is_appended_meanwhile_is_taken_along() {
    for layout in LAYOUTS {
        let directory = TempDir::new().unwrap();
        let path = layout(directory.path());
        let last = Log::open(&path).unwrap().parts.last().unwrap().path.clone();
        let append = || {
            let mut bytes = fs::read(&last).unwrap();
            bytes.extend(commands(&["SET meanwhile 1", "SELECT 5", "SET other 2"]));
            // In place, so that the file stays the same one.
            fs::write(&last, bytes).unwrap();
        };
        let replaced = rewrite_with(&mut FileSystem, &path, SETTINGS, append).unwrap();
        assert!(replaced.grown > 0);
        let found = data(&path);
        let directory = TempDir::new().unwrap();
        let path = layout(directory.path());
        let last = Log::open(&path).unwrap().parts.last().unwrap().path.clone();
        let mut bytes = fs::read(&last).unwrap();
        bytes.extend(commands(&["SET meanwhile 1", "SELECT 5", "SET other 2"]));
        fs::write(&last, bytes).unwrap();
        assert_eq!(found, data(&path));
    }
}

#[test]
fn a_log_that_changes_otherwise_is_left_alone() {
    type Change<'c> = (&'static str, &'c dyn Fn(&Path));
    let torn = |path: &Path| {
        let mut bytes = fs::read(path).unwrap();
        bytes.extend_from_slice(b"*3\r\n$3\r\nSET\r\n$1\r\nk");
        fs::write(path, bytes).unwrap();
    };
    let replaced = |path: &Path| {
        fs::copy(path, path.with_extension("copy")).unwrap();
        fs::rename(path.with_extension("copy"), path).unwrap();
    };
    let shortened = |path: &Path| fs::write(path, commands(&["SET a 1"])).unwrap();
    let changes: [Change<'_>; 3] = [("torn", &torn), ("replaced", &replaced), ("shortened", &shortened)];
    for layout in LAYOUTS {
        for (what, change) in changes {
            let directory = TempDir::new().unwrap();
            let path = layout(directory.path());
            let last = Log::open(&path).unwrap().parts.last().unwrap().path.clone();
            let before = names(directory.path());
            let result = rewrite_with(&mut FileSystem, &path, SETTINGS, || change(&last));
            assert!(result.is_err(), "{what}");
            assert_eq!(names(directory.path()), before, "{what}");
        }
    }
}

#[test]
fn a_manifest_that_a_server_wrote_meanwhile_wins() {
    let directory = TempDir::new().unwrap();
    let path = several(directory.path());
    let write = || fs::write(&path, "file a.aof.2.base.aof seq 2 type b\n").unwrap();
    let error = rewrite_with(&mut FileSystem, &path, SETTINGS, write).unwrap_err().to_string();
    assert!(error.contains("the manifest changed"), "{error}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "file a.aof.2.base.aof seq 2 type b\n");
}
