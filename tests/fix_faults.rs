//! A repair that fails, or is killed, at any of its operations: nothing is lost.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "helpers of tests fail as tests do"
)]

#[path = "common/faulty.rs"]
mod faulty;

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use aofkit::aof::log::Log;
use aofkit::check::Settings;
use aofkit::repair::{self, OpenElsewhere, Plan};
use aofkit::storage::{FileSystem, Operations};
use faulty::{FAULTS, Fault, Faulty, name};
use tempfile::TempDir;

const WHOLE: &[u8] = b"*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n";

/// A damaged end that is longer than what is copied at a time.
fn damaged() -> Vec<u8> {
    [WHOLE, b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$900000\r\n", &b"0123456789".repeat(70_000)].concat()
}

fn log_in(directory: &Path) -> PathBuf {
    let path = directory.join("a.aof");
    fs::write(&path, damaged()).unwrap();
    path
}

fn plan_of(path: &Path) -> Plan {
    let log = Log::open(path).unwrap();
    let survey = repair::survey(&log, Settings::default()).unwrap();
    repair::plan::plan(&survey).unwrap()
}

fn copy_path(path: &Path) -> PathBuf {
    repair::copy_name(path, WHOLE.len() as u64)
}

fn files_in(directory: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(directory).unwrap().map(|entry| name(&entry.unwrap().path())).collect();
    names.sort();
    names
}

#[test]
fn the_copy_is_on_disk_before_the_file_is_touched() {
    let directory = TempDir::new().unwrap();
    let path = log_in(directory.path());
    let mut operations = Faulty::sound();
    repair::apply_with(&mut operations, &plan_of(&path), OpenElsewhere::Refuse).unwrap();
    assert_eq!(
        operations.trace,
        [
            "open a.aof",
            "create a.aof.removed-50",
            "write",
            "write",
            "write",
            "set owner",
            "set mode",
            "sync",
            "sync directory",
            "truncate",
            "sync"
        ]
    );
    let mut operations = Faulty::sound();
    repair::undo_with(&mut operations, &path, OpenElsewhere::Refuse).unwrap();
    assert_eq!(
        operations.trace,
        ["open a.aof", "write", "write", "write", "sync", "remove a.aof.removed-50", "sync directory"]
    );
    assert_eq!(fs::read(&path).unwrap(), damaged());
}

#[test]
fn a_fault_at_any_operation_leaves_the_file_whole_or_cut_with_its_copy() {
    for fault in FAULTS {
        for at in 0.. {
            let directory = TempDir::new().unwrap();
            let path = log_in(directory.path());
            let mut operations = Faulty::new(at, fault);
            let result = repair::apply_with(&mut operations, &plan_of(&path), OpenElsewhere::Refuse);
            if operations.count <= at {
                assert!(result.is_ok() && at > 8, "{fault:?} at {at}");
                break;
            }
            let context = format!("{fault:?} at {:?}", operations.trace[at]);
            let file = fs::read(&path).unwrap();
            if file == damaged() {
                if matches!(fault, Fault::Error | Fault::Full) {
                    assert!(result.is_err(), "{context}");
                    assert_eq!(files_in(directory.path()), ["a.aof"], "{context}: litter");
                }
            } else {
                assert_eq!(file, WHOLE, "{context}");
                assert_eq!([WHOLE, &fs::read(copy_path(&path)).unwrap()].concat(), damaged(), "{context}");
            }
            // The next run finishes what was begun, with one copy, and it can be undone.
            if file != WHOLE {
                repair::apply(&plan_of(&path), OpenElsewhere::Refuse).unwrap();
            }
            assert_eq!(fs::read(&path).unwrap(), WHOLE, "{context}");
            assert_eq!(files_in(directory.path()), ["a.aof", "a.aof.removed-50"], "{context}");
            repair::undo(&path, OpenElsewhere::Refuse).unwrap();
            assert_eq!(fs::read(&path).unwrap(), damaged(), "{context}");
        }
    }
}

#[test]
fn a_fault_at_any_operation_of_an_undo_keeps_the_copy_until_all_is_back() {
    for fault in FAULTS {
        for at in 0.. {
            let directory = TempDir::new().unwrap();
            let path = log_in(directory.path());
            repair::apply(&plan_of(&path), OpenElsewhere::Refuse).unwrap();
            let mut operations = Faulty::new(at, fault);
            let result = repair::undo_with(&mut operations, &path, OpenElsewhere::Refuse);
            if operations.count <= at {
                assert!(result.is_ok() && at > 5, "{fault:?} at {at}");
                break;
            }
            let context = format!("{fault:?} at {:?}", operations.trace[at]);
            let file = fs::read(&path).unwrap();
            if file != damaged() {
                assert!(damaged().starts_with(&file) && file.len() >= WHOLE.len(), "{context}");
                assert_eq!([WHOLE, &fs::read(copy_path(&path)).unwrap()].concat(), damaged(), "{context}");
                if matches!(fault, Fault::Error | Fault::Full) {
                    assert_eq!(file, WHOLE, "{context}: half of it was left");
                }
            }
            // Calling it again ends it; where only the removal's own end was missing, all is back already.
            match repair::undo(&path, OpenElsewhere::Refuse) {
                Ok(_) => {}
                Err(_) => assert_eq!(files_in(directory.path()), ["a.aof"], "{context}"),
            }
            assert_eq!(fs::read(&path).unwrap(), damaged(), "{context}");
            assert_eq!(files_in(directory.path()), ["a.aof"], "{context}");
        }
    }
}

#[test]
fn a_file_that_changed_since_it_was_read_is_left_alone() {
    type Change = fn(&Path);
    let changes: [(&str, Change); 4] = [
        ("grew", |path| {
            use std::io::Write;
            fs::OpenOptions::new().append(true).open(path).unwrap().write_all(b"x").unwrap();
        }),
        ("shrank", |path| fs::OpenOptions::new().write(true).open(path).unwrap().set_len(60).unwrap()),
        ("was overwritten", |path| {
            std::thread::sleep(std::time::Duration::from_millis(20));
            fs::write(path, vec![b'x'; damaged().len()]).unwrap();
        }),
        ("was replaced", |path| {
            fs::write(path.with_extension("new"), damaged()).unwrap();
            fs::rename(path.with_extension("new"), path).unwrap();
        }),
    ];
    for (what, change) in changes {
        let directory = TempDir::new().unwrap();
        let path = log_in(directory.path());
        let plan = plan_of(&path);
        change(&path);
        let before = fs::read(&path).unwrap();
        let error = repair::apply(&plan, OpenElsewhere::Refuse).unwrap_err().to_string();
        assert!(error.contains("since it was read") || error.contains("when it was read"), "{what}: {error}");
        assert_eq!(fs::read(&path).unwrap(), before, "{what}");
        assert_eq!(files_in(directory.path()), ["a.aof"], "{what}");
    }
}

#[test]
fn a_file_that_grows_while_its_end_is_copied_is_not_cut() {
    struct Appender(PathBuf);
    impl Operations for Appender {
        fn open(&mut self, path: &Path) -> io::Result<File> {
            FileSystem.open(path)
        }
        fn create(&mut self, path: &Path) -> io::Result<File> {
            FileSystem.create(path)
        }
        fn write(&mut self, file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
            use std::io::Write;
            fs::OpenOptions::new().append(true).open(&self.0)?.write_all(b"*1\r\n$4\r\nPING\r\n")?;
            FileSystem.write(file, bytes, offset)
        }
        fn set_owner(&mut self, _: &File, _: u32, _: u32) -> io::Result<()> {
            Ok(())
        }
        fn set_mode(&mut self, _: &File, _: u32) -> io::Result<()> {
            Ok(())
        }
        fn sync(&mut self, _: &File) -> io::Result<()> {
            Ok(())
        }
        fn sync_directory(&mut self, _: &Path) -> io::Result<()> {
            Ok(())
        }
        fn truncate(&mut self, _: &File, _: u64) -> io::Result<()> {
            panic!("the file was about to be cut")
        }
        fn rename(&mut self, _: &Path, _: &Path) -> io::Result<()> {
            unreachable!("a repair renames nothing")
        }
        fn link(&mut self, _: &Path, _: &Path) -> io::Result<()> {
            unreachable!("a repair links nothing")
        }
        fn create_directory(&mut self, _: &Path) -> io::Result<()> {
            unreachable!("a repair makes no directory")
        }
        fn remove(&mut self, path: &Path) -> io::Result<()> {
            FileSystem.remove(path)
        }
    }
    let directory = TempDir::new().unwrap();
    let path = log_in(directory.path());
    let plan = plan_of(&path);
    assert!(repair::apply_with(&mut Appender(path.clone()), &plan, OpenElsewhere::Refuse).is_err());
    assert_eq!(files_in(directory.path()), ["a.aof"]);
}

#[test]
fn a_copy_with_other_bytes_is_never_overwritten() {
    let directory = TempDir::new().unwrap();
    let path = log_in(directory.path());
    fs::write(copy_path(&path), b"other bytes").unwrap();
    let applied = repair::apply(&plan_of(&path), OpenElsewhere::Refuse).unwrap();
    assert_eq!(name(&applied[0].copy), "a.aof.removed-50.2");
    assert_eq!(fs::read(copy_path(&path)).unwrap(), b"other bytes");
    let undone = repair::undo(&path, OpenElsewhere::Refuse).unwrap();
    assert_eq!((name(&undone.copy), undone.others), ("a.aof.removed-50.2".to_owned(), 1));
    assert_eq!(fs::read(&path).unwrap(), damaged());
}

#[test]
fn a_copy_that_is_whole_already_is_used_again() {
    let directory = TempDir::new().unwrap();
    let path = log_in(directory.path());
    fs::write(copy_path(&path), &damaged()[WHOLE.len()..]).unwrap();
    repair::apply(&plan_of(&path), OpenElsewhere::Refuse).unwrap();
    assert_eq!(files_in(directory.path()), ["a.aof", "a.aof.removed-50"]);
    assert_eq!(fs::read(&path).unwrap(), WHOLE);
}

#[test]
fn owner_mode_and_inode_stay_and_the_copy_has_the_same() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
    let directory = TempDir::new().unwrap();
    let path = log_in(directory.path());
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    // Only root can; anybody else keeps what there is.
    let _ = chown(&path, Some(999), Some(998));
    let facts = |path: &Path| {
        let metadata = fs::metadata(path).unwrap();
        (metadata.uid(), metadata.gid(), metadata.mode())
    };
    let before = (facts(&path), fs::metadata(&path).unwrap().ino());
    repair::apply(&plan_of(&path), OpenElsewhere::Refuse).unwrap();
    assert_eq!((facts(&path), fs::metadata(&path).unwrap().ino()), before);
    assert_eq!(facts(&copy_path(&path)), before.0);
    repair::undo(&path, OpenElsewhere::Refuse).unwrap();
    assert_eq!((facts(&path), fs::metadata(&path).unwrap().ino()), before);
}

#[test]
fn a_plan_with_a_hole_in_the_middle_is_refused_before_anything_is_touched() {
    let directory = TempDir::new().unwrap();
    let path = log_in(directory.path());
    let mut plan = plan_of(&path);
    let part = &mut plan.parts[0];
    part.keep = vec![0..10, 20..part.facts.length];
    assert_eq!(part.removed(), std::slice::from_ref(&(10..20)));
    assert!(repair::apply(&plan, OpenElsewhere::Refuse).is_err());
    assert_eq!(fs::read(&path).unwrap(), damaged());
    assert_eq!(files_in(directory.path()), ["a.aof"]);
}

#[test]
fn any_file_can_be_cut_at_any_offset() {
    let directory = TempDir::new().unwrap();
    let path = log_in(directory.path());
    let size = damaged().len() as u64;
    let applied = repair::cut(&path, size, 7, OpenElsewhere::Refuse).unwrap().unwrap();
    assert_eq!((applied.cut_at, applied.removed), (7, damaged().len() as u64 - 7));
    assert!(repair::cut(&path, size, 7, OpenElsewhere::Refuse).is_err(), "it has another size now");
    assert_eq!(repair::cut(&path, 7, 7, OpenElsewhere::Refuse).unwrap(), None);
    repair::undo(&path, OpenElsewhere::Refuse).unwrap();
    assert_eq!(fs::read(&path).unwrap(), damaged());
}
