//! A log that is rewritten in place: whatever fails, and whenever the process is killed, the old log is there or the
//! new one.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use aofkit::aof::log::Log;
use aofkit::digest::{Total, digest};
use aofkit::input::Input;
use aofkit::repair;
use aofkit::replay::{self, Replayed};
use aofkit::rewrite::in_place::{Reading, Replaced, prepare};
use aofkit::rewrite::{self, Base};
use aofkit::storage::draft::DraftWriter;
use aofkit::storage::{FileSystem, OpenElsewhere, Operations, Watch};
use aofkit::{Result, Server};

use crate::harness::faulty::{DISKS, FAULTS, Fault, Faulty};
use crate::harness::files::folder;
use crate::harness::log::log as commands;

fn append(path: &Path, bytes: &[u8]) {
    fs::OpenOptions::new().append(true).open(path).unwrap().write_all(bytes).unwrap();
}

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
    digest(&replayed.keyspace, Server::Redis80, 0, &|_, _| true)
}

/// Rewrites a log in place, with something that happens before the new one takes its place.
fn rewrite_with<O: Operations + Send>(
    operations: &mut O,
    path: &Path,
    (base, open_elsewhere): (Base, OpenElsewhere),
    meanwhile: impl FnOnce(),
) -> Result<Replaced> {
    let log = Log::open(path)?;
    let inputs = inputs(&log);
    let watch = Watch::of_inputs(&inputs, open_elsewhere)?;
    let replayed = replayed(&inputs);
    let summary = &replayed.summary;
    let reading = Reading { inputs: &inputs, end: summary.stopped.offset, database: summary.database };
    let fill = |out: &mut DraftWriter<'_, O>| -> io::Result<()> {
        rewrite::write(&replayed.keyspace, base, rewrite::Options::default(), out).map(|_| ())
    };
    let (prepared, ()) = prepare(operations, (&log, reading), watch, base, fill)?;
    assert_eq!(data(&prepared.path()), digest(&replayed.keyspace, Server::Redis80, 0, &|_, _| true));
    meanwhile();
    prepared.commit(operations)
}

/// As users do.
const GUARDED: (Base, OpenElsewhere) = (Base::Resp, OpenElsewhere::Refuse);

/// With --force, so that this process may be the one that changes the log meanwhile.
const FORCED: (Base, OpenElsewhere) = (Base::Resp, OpenElsewhere::Ignore);

fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Every file directly in a directory, with its bytes.
fn contents(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = names(directory).into_iter().filter(|name| directory.join(name).is_file());
    files.map(|name| (name.clone(), fs::read(directory.join(name)).unwrap())).collect()
}

fn undo(path: &Path) {
    repair::undo(path, None, OpenElsewhere::Refuse).unwrap();
}

#[isolated_test]
fn the_new_log_holds_the_same_in_less_and_the_old_one_comes_back() {
    for base in [Base::Resp, Base::Rdb] {
        for layout in LAYOUTS {
            for disk in DISKS {
                let directory = folder();
                let path = layout(directory.path());
                let (before, files) = (data(&path), contents(directory.path()));
                let mut operations = Faulty::sound().on(disk);
                let replaced = rewrite_with(&mut operations, &path, (base, OpenElsewhere::Refuse), || {}).unwrap();
                assert_eq!((data(&path), replaced.grown), (before, 0));
                // What is kept is a log, for whoever names it.
                assert_eq!(contents(&replaced.kept.directory).len(), files.len() + 1, "and a text");
                undo(&path);
                assert_eq!(contents(directory.path()), files);
                assert_eq!(names(directory.path()).len(), files.len(), "no copies are left");
            }
        }
    }
}

#[isolated_test]
fn a_directory_gets_the_next_numbers_and_keeps_the_old_parts_under_one_name() {
    let directory = folder();
    let path = several(directory.path());
    rewrite_with(&mut FileSystem, &path, GUARDED, || {}).unwrap();
    let kept = "a.aof.manifest.aofkit-kept-1";
    assert_eq!(names(directory.path()), ["a.aof.3.base.aof", "a.aof.6.incr.aof", "a.aof.manifest", kept]);
    let manifest = "file a.aof.3.base.aof seq 3 type b\nfile a.aof.6.incr.aof seq 6 type i\n";
    assert_eq!(fs::read_to_string(&path).unwrap(), manifest);
    let old = [
        "README.txt",
        "a.aof.1.base.aof",
        "a.aof.2.base.aof",
        "a.aof.4.incr.aof",
        "a.aof.5.incr.aof",
        "a.aof.manifest",
    ];
    assert_eq!(names(&directory.path().join(kept)), old);
    let text = fs::read_to_string(directory.path().join(kept).join("README.txt")).unwrap();
    assert!(text.contains("aofkit rewrite --undo ") && text.contains("aofkit rewrite --discard-copies "), "{text}");
    // They are no logs to those who look for some.
    assert_eq!(aofkit::aof::log::walk_tree(directory.path()).unwrap().logs, [path]);
}

#[isolated_test]
fn names_that_anything_uses_are_not_taken() {
    // The names that the new log would have are lines of the manifest, files that lie there, or both.
    let next = ["a.aof.3.base.aof", "a.aof.6.incr.aof"];
    for (lines, files) in [(true, false), (false, true), (true, true)] {
        let directory = folder();
        let path = several(directory.path());
        if lines {
            let mut manifest = fs::read_to_string(&path).unwrap();
            manifest.push_str("file a.aof.3.base.aof seq -2 type h\nfile a.aof.6.incr.aof seq -1 type h\n");
            manifest.push_str("file a.aof.manifest seq 1 type h\n");
            fs::write(&path, manifest).unwrap();
        }
        for name in next.iter().filter(|_| files) {
            fs::write(directory.path().join(name), b"somebody else's").unwrap();
        }
        let (before, all) = (data(&path), contents(directory.path()));
        rewrite_with(&mut FileSystem, &path, GUARDED, || {}).unwrap();
        assert_eq!(data(&path), before);
        for name in next.iter().filter(|_| files && !lines) {
            assert_eq!(fs::read(directory.path().join(name)).unwrap(), b"somebody else's");
        }
        undo(&path);
        assert_eq!(contents(directory.path()), all);
    }
}

#[isolated_test]
fn a_log_that_was_written_to_since_is_not_undone() {
    for layout in LAYOUTS {
        let directory = folder();
        let path = layout(directory.path());
        rewrite_with(&mut FileSystem, &path, GUARDED, || {}).unwrap();
        let last = Log::open(&path).unwrap().parts.last().unwrap().path.clone();
        append(&last, &commands(&["SET later 1"]));
        let all = contents(directory.path());
        let error = repair::undo(&path, None, OpenElsewhere::Refuse).unwrap_err().to_string();
        assert!(error.contains("would lose"), "{error}");
        assert_eq!(contents(directory.path()), all);
        assert_eq!(repair::discard(&path, None).unwrap().len(), 1);
        assert_eq!(contents(directory.path()), all);
        assert!(names(directory.path()).iter().all(|name| !name.contains("aofkit")));
    }
}

#[isolated_test]
fn changes_are_undone_in_their_order() {
    let directory = folder();
    let path = single(directory.path());
    append(&path, b"*3\r\n$3\r\nSET\r\n");
    let torn = fs::read(&path).unwrap();
    let survey = repair::survey(&Log::open(&path).unwrap(), aofkit::check::Settings::default()).unwrap();
    let plan = repair::plan::plan(&survey).unwrap();
    drop(survey);
    repair::apply(&plan, &repair::Settings::default()).unwrap();
    rewrite_with(&mut FileSystem, &path, GUARDED, || {}).unwrap();
    assert_eq!(repair::copies_of(&path, None).unwrap().len(), 2);
    undo(&path);
    undo(&path);
    assert_eq!(fs::read(&path).unwrap(), torn);
    assert_eq!(names(directory.path()), ["a.aof"]);
    assert!(repair::undo(&path, None, OpenElsewhere::Refuse).unwrap_err().to_string().contains("nothing to put back"));
}

#[isolated_test]
fn whatever_fails_the_old_log_or_the_new_one_is_there_whole() {
    for layout in LAYOUTS {
        for disk in DISKS {
            let mut sound = Faulty::sound().on(disk);
            let directory = folder();
            let path = layout(directory.path());
            let (expected, old) = (data(&path), contents(directory.path()));
            rewrite_with(&mut sound, &path, GUARDED, || {}).unwrap();
            let new = contents(directory.path());
            for at in 0..sound.count {
                for fault in faults_of(&sound.trace[at]) {
                    let directory = folder();
                    let path = layout(directory.path());
                    let mut faulty = Faulty::new(at, fault).on(disk);
                    let result = rewrite_with(&mut faulty, &path, GUARDED, || {});
                    let what = format!("{fault:?} at {at} of {disk:?}: {:?}", sound.trace[at]);
                    assert_eq!(data(&path), expected, "{what}");
                    let lives = matches!(fault, Fault::Error | Fault::Full);
                    if let (true, Err(error)) = (lives && contents(directory.path()) != old, &result) {
                        // What happened already is said.
                        let said = error.to_string();
                        let is_leftover = sound.trace[at].starts_with("remove");
                        assert!(said.contains("the old one is in") || is_leftover, "{what}: {said}");
                    }
                    // Nothing unfinished is left by a process that lives, and may remove it.
                    let removes = sound.trace[at].starts_with("remove");
                    if result.is_err() && !removes && matches!(fault, Fault::Error | Fault::Full) {
                        let left = names(directory.path());
                        let is_known = |name: &String| {
                            old.contains_key(name) || new.contains_key(name) || name.ends_with("aofkit-kept-1")
                        };
                        assert!(left.iter().all(is_known), "{what}: {left:?}");
                    }
                    recover(&path, &old, &what);
                }
            }
        }
    }
}

/// The faults that differ for an operation: only of a write can the first half be done.
fn faults_of(operation: &str) -> impl Iterator<Item = Fault> {
    let writes = operation == "write";
    FAULTS.into_iter().filter(move |fault| writes || !matches!(fault, Fault::Full | Fault::KillHalfway))
}

/// After an interrupted run: whatever it left is gone after the next one, and every change can be undone.
fn recover(path: &Path, old: &BTreeMap<String, Vec<u8>>, what: &str) {
    let directory = path.parent().unwrap();
    let expected = data(path);
    rewrite_with(&mut FileSystem, path, GUARDED, || {}).unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_eq!(data(path), expected, "{what}");
    let mut undone = 0;
    while repair::undo(path, None, OpenElsewhere::Refuse).is_ok() {
        undone += 1;
    }
    assert!(matches!(undone, 1 | 2), "{what}: {undone} undone");
    let left = contents(directory);
    assert_eq!(&left, old, "{what}");
    assert_eq!(names(directory).len(), old.len(), "{what}: {:?}", names(directory));
}

#[isolated_test]
fn an_undo_that_fails_anywhere_is_ended_by_the_next() {
    for layout in LAYOUTS {
        let prepare = || {
            let directory = folder();
            let path = layout(directory.path());
            let old = contents(directory.path());
            rewrite_with(&mut FileSystem, &path, GUARDED, || {}).unwrap();
            (directory, path, old)
        };
        let mut sound = Faulty::sound();
        let (_directory, path, _) = prepare();
        repair::undo_with(&mut sound, &path, None, OpenElsewhere::Refuse).unwrap();
        for at in 0..sound.count {
            for fault in faults_of(&sound.trace[at]) {
                let (directory, path, old) = prepare();
                let expected = data(&path);
                let _ = repair::undo_with(&mut Faulty::new(at, fault), &path, None, OpenElsewhere::Refuse);
                let what = format!("{fault:?} at {at}: {:?}", sound.trace[at]);
                assert_eq!(data(&path), expected, "{what}");
                if repair::undo(&path, None, OpenElsewhere::Refuse).is_err() {
                    // All is back, and only the removal of the copies was cut short.
                    repair::discard(&path, None).unwrap();
                }
                assert_eq!(contents(directory.path()), old, "{what}");
                assert_eq!(names(directory.path()).len(), old.len(), "{what}");
            }
        }
    }
}

#[isolated_test]
fn what_is_appended_meanwhile_is_taken_along() {
    for layout in LAYOUTS {
        let directory = folder();
        let path = layout(directory.path());
        let last = Log::open(&path).unwrap().parts.last().unwrap().path.clone();
        let append = || {
            let mut bytes = fs::read(&last).unwrap();
            bytes.extend(commands(&["SET meanwhile 1", "SELECT 5", "SET other 2"]));
            // In place, so that the file stays the same one.
            fs::write(&last, bytes).unwrap();
        };
        let replaced = rewrite_with(&mut FileSystem, &path, FORCED, append).unwrap();
        assert!(replaced.grown > 0);
        let found = data(&path);
        let directory = folder();
        let path = layout(directory.path());
        let last = Log::open(&path).unwrap().parts.last().unwrap().path.clone();
        let mut bytes = fs::read(&last).unwrap();
        bytes.extend(commands(&["SET meanwhile 1", "SELECT 5", "SET other 2"]));
        fs::write(&last, bytes).unwrap();
        assert_eq!(found, data(&path));
    }
}

#[isolated_test]
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
            let directory = folder();
            let path = layout(directory.path());
            let last = Log::open(&path).unwrap().parts.last().unwrap().path.clone();
            let before = names(directory.path());
            let result = rewrite_with(&mut FileSystem, &path, FORCED, || change(&last));
            assert!(result.is_err(), "{what}");
            assert_eq!(names(directory.path()), before, "{what}");
        }
    }
}

#[isolated_test]
fn a_manifest_that_a_server_wrote_meanwhile_wins() {
    let directory = folder();
    let path = several(directory.path());
    let write = || fs::write(&path, "file a.aof.2.base.aof seq 2 type b\n").unwrap();
    let error = rewrite_with(&mut FileSystem, &path, FORCED, write).unwrap_err().to_string();
    assert!(error.contains("the manifest changed"), "{error}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "file a.aof.2.base.aof seq 2 type b\n");
}

/// Something that happens to a file.
type Change = fn(&Path);

/// What may be done to a file at the last moment.
fn changes() -> [(&'static str, Change); 3] {
    [
        ("appended to", |path| append(path, &commands(&["SET late 1"]))),
        ("cut", |path| fs::OpenOptions::new().write(true).open(path).unwrap().set_len(20).unwrap()),
        ("replaced", |path| {
            let mut bytes = fs::read(path).unwrap();
            bytes.extend(commands(&["SET late 1"]));
            fs::write(path.with_extension("new"), bytes).unwrap();
            fs::rename(path.with_extension("new"), path).unwrap();
        }),
    ]
}

#[isolated_test]
fn what_happens_to_the_log_at_the_last_moment_wins() {
    // Right before the exchange, which is after the last look.
    for layout in LAYOUTS {
        for (what, change) in changes() {
            let directory = folder();
            let path = layout(directory.path());
            let last = Log::open(&path).unwrap().parts.last().unwrap().path.clone();
            let (target, mut done) = (last.clone(), false);
            let mut operations = Faulty::sound().before_each(move |operation| {
                // The exchange back is one, too.
                if operation.starts_with("exchange") && !std::mem::replace(&mut done, true) {
                    change(&target);
                }
            });
            let error = rewrite_with(&mut operations, &path, FORCED, || {}).unwrap_err().to_string();
            assert!(error.contains("since it was read") || error.contains("when it was read"), "{what}: {error}");
            assert_eq!(names(directory.path()).iter().filter(|name| name.contains("aofkit")).count(), 0, "{what}");
            let expected = folder();
            let other = layout(expected.path());
            let changed = expected.path().join(last.file_name().unwrap());
            change(&changed);
            assert_eq!(contents(directory.path()), contents(expected.path()), "{what} {}", other.display());
        }
    }
}

#[isolated_test]
fn a_manifest_of_a_server_at_the_last_moment_wins() {
    let directory = folder();
    let path = several(directory.path());
    let (target, text) = (path.clone(), "file a.aof.2.base.aof seq 2 type b\n");
    let mut done = false;
    let mut operations = Faulty::sound().before_each(move |operation| {
        if operation.starts_with("exchange") && !std::mem::replace(&mut done, true) {
            fs::write(target.with_extension("temp"), text).unwrap();
            fs::rename(target.with_extension("temp"), &target).unwrap();
        }
    });
    let error = rewrite_with(&mut operations, &path, FORCED, || {}).unwrap_err().to_string();
    assert!(error.contains("the manifest changed"), "{error}");
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
    assert!(directory.path().join("a.aof.5.incr.aof").exists());
}

#[cfg(target_os = "linux")]
#[isolated_test]
fn a_server_that_opens_the_log_meanwhile_waits_and_wins() {
    for layout in LAYOUTS {
        for open in ["before the commit", "exchange", "never"] {
            let directory = folder();
            let path = layout(directory.path());
            let (expected, files) = (data(&path), contents(directory.path()));
            let last = Log::open(&path).unwrap().parts.last().unwrap().path.clone();
            // Another process opens the file for appending: it sleeps in open(2) while the kernel breaks the lease.
            let start = move || {
                let line = format!("exec 3>>'{}'", last.display());
                let mut child = std::process::Command::new("sh").args(["-c", &line]).spawn().unwrap();
                let status = format!("/proc/{}/status", child.id());
                let sleeps = || fs::read_to_string(&status).is_ok_and(|status| status.contains("State:\tS"));
                while !sleeps() {
                    assert!(child.try_wait().unwrap().is_none(), "it did not wait");
                    std::thread::yield_now();
                }
                child
            };
            let children = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
            let (from_hook, start) = (children.clone(), std::sync::Arc::new(start));
            let in_hook = start.clone();
            let mut operations = Faulty::sound().before_each(move |operation| {
                let mut children = from_hook.lock().unwrap();
                if operation.starts_with(open) && children.is_empty() {
                    children.push(in_hook());
                }
            });
            let meanwhile = || {
                if open == "before the commit" {
                    children.lock().unwrap().push(start());
                }
            };
            let result = rewrite_with(&mut operations, &path, GUARDED, meanwhile);
            for child in children.lock().unwrap().iter_mut() {
                assert!(child.wait().unwrap().success(), "it has the file now");
            }
            assert_eq!(data(&path), expected);
            if open == "never" {
                result.unwrap();
                continue;
            }
            assert!(result.unwrap_err().to_string().contains("opened the file in the meantime"), "{open}");
            assert_eq!(contents(directory.path()), files, "{open}");
            assert_eq!(names(directory.path()).len(), files.len(), "{open}");
        }
    }
}
