//! A repair that fails, or is killed, at any of its operations: nothing is lost.

use std::fs;
use std::path::{Path, PathBuf};

use aofkit::aof::log::Log;
use aofkit::check::Settings;
use aofkit::repair::{self, Plan};
use aofkit::storage::OpenElsewhere;

use crate::harness::faulty::{FAULTS, Fault, Faulty};
use crate::harness::files::{files_in, folder};

const WHOLE: &[u8] = b"*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n";

/// A damaged end that is longer than the copy buffer.
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

/// The directory of the first copies.
const KEPT: &str = "a.aof.aofkit-kept-1";

fn copy_path(path: &Path) -> PathBuf {
    path.parent().unwrap().join(KEPT).join("a.aof.removed-50")
}

#[isolated_test]
fn the_copy_is_on_disk_before_the_file_is_touched() {
    let directory = folder();
    let path = log_in(directory.path());
    let mut operations = Faulty::sound();
    repair::apply_with(&mut operations, &plan_of(&path), &repair::Settings::default()).unwrap();
    assert_eq!(
        operations.trace,
        [
            "make a.aof.aofkit-kept-1",
            "create a.aof.removed-50",
            "write",
            "write",
            "write",
            "set owner",
            "set mode",
            "sync",
            "create README.txt.new",
            "write",
            "set owner",
            "set mode",
            "sync",
            "rename to README.txt",
            "set owner",
            "sync directory",
            "sync directory",
            "open a.aof",
            "truncate",
            "sync"
        ]
    );
    let text = fs::read_to_string(copy_path(&path).with_file_name("README.txt")).unwrap();
    assert!(text.contains("aofkit fix --undo ") && text.contains("from byte 50 on"), "{text}");
    let mut operations = Faulty::sound();
    repair::undo_with(&mut operations, &path, None, OpenElsewhere::Refuse).unwrap();
    assert_eq!(
        operations.trace,
        [
            "open a.aof",
            "write",
            "write",
            "write",
            "sync",
            "remove README.txt",
            "remove a.aof.removed-50",
            "remove directory a.aof.aofkit-kept-1",
            "sync directory"
        ]
    );
    assert_eq!(fs::read(&path).unwrap(), damaged());
}

#[isolated_test]
fn a_fault_at_any_operation_leaves_the_file_whole_or_cut_with_its_copy() {
    for fault in FAULTS {
        for at in 0.. {
            let directory = folder();
            let path = log_in(directory.path());
            let mut operations = Faulty::new(at, fault);
            let result = repair::apply_with(&mut operations, &plan_of(&path), &repair::Settings::default());
            if operations.count <= at {
                assert!(result.is_ok() && at > 17, "{fault:?} at {at}");
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
                if let Err(error) = &result {
                    // A killed process prints nothing.
                    let said = error.to_string();
                    let tells = said.contains("was cut at byte 50, and what was cut off is in") && said.contains(KEPT);
                    assert!(tells || !matches!(fault, Fault::Error | Fault::Full), "{context}: {said}");
                }
                assert_eq!(file, WHOLE, "{context}");
                assert_eq!([WHOLE, &fs::read(copy_path(&path)).unwrap()].concat(), damaged(), "{context}");
            }
            // The next run completes the repair, with one copy, and it can be undone.
            if file != WHOLE {
                repair::apply(&plan_of(&path), &repair::Settings::default()).unwrap();
            }
            assert_eq!(fs::read(&path).unwrap(), WHOLE, "{context}");
            let kept = files_in(directory.path()).into_iter().filter(|name| name != "a.aof").collect::<Vec<_>>();
            assert_eq!(kept.len(), 1, "{context}: {kept:?}");
            repair::undo(&path, None, OpenElsewhere::Refuse).unwrap();
            assert_eq!(fs::read(&path).unwrap(), damaged(), "{context}");
            assert_eq!(files_in(directory.path()), ["a.aof"], "{context}");
        }
    }
}

#[isolated_test]
fn a_fault_at_any_operation_of_an_undo_keeps_the_copy_until_all_is_back() {
    for fault in FAULTS {
        for at in 0.. {
            let directory = folder();
            let path = log_in(directory.path());
            repair::apply(&plan_of(&path), &repair::Settings::default()).unwrap();
            let mut operations = Faulty::new(at, fault);
            let result = repair::undo_with(&mut operations, &path, None, OpenElsewhere::Refuse);
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
            // Another call completes it. If only the removal was interrupted, everything is restored already, and the
            // next fix removes the rest.
            if repair::undo(&path, None, OpenElsewhere::Refuse).is_err() {
                assert_eq!(fs::read(&path).unwrap(), damaged(), "{context}");
                repair::apply(&plan_of(&path), &repair::Settings::default()).unwrap();
                repair::undo(&path, None, OpenElsewhere::Refuse).unwrap();
            }
            assert_eq!(fs::read(&path).unwrap(), damaged(), "{context}");
            assert_eq!(files_in(directory.path()), ["a.aof"], "{context}");
        }
    }
}

#[isolated_test]
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
        let directory = folder();
        let path = log_in(directory.path());
        let plan = plan_of(&path);
        change(&path);
        let before = fs::read(&path).unwrap();
        let error = repair::apply(&plan, &repair::Settings::default()).unwrap_err().to_string();
        assert!(error.contains("since it was read") || error.contains("when it was read"), "{what}: {error}");
        assert_eq!(fs::read(&path).unwrap(), before, "{what}");
        assert_eq!(files_in(directory.path()), ["a.aof"], "{what}");
    }
}

#[isolated_test]
fn a_file_that_grows_while_its_end_is_copied_is_not_cut() {
    // Other processes are not excluded: the appender is this process.
    let append = |path: &Path| {
        let path = path.to_owned();
        move |what: &str| {
            assert_ne!(what, "truncate", "the file was about to be cut");
            if what == "write" {
                use std::io::Write;
                let mut file = fs::OpenOptions::new().append(true).open(&path).unwrap();
                file.write_all(b"*1\r\n$4\r\nPING\r\n").unwrap();
            }
        }
    };
    let directory = folder();
    let path = log_in(directory.path());
    let plan = plan_of(&path);
    let mut operations = Faulty::sound().before_each(append(&path));
    assert!(
        repair::apply_with(
            &mut operations,
            &plan,
            &repair::Settings { open_elsewhere: OpenElsewhere::Ignore, ..repair::Settings::default() }
        )
        .is_err()
    );
    assert_eq!(files_in(directory.path()), ["a.aof"]);
}

#[isolated_test]
fn nothing_that_lies_there_is_written_to() {
    use std::os::unix::fs::symlink;
    let directory = folder();
    let path = log_in(directory.path());
    let (outside, elsewhere) = (folder(), directory.path().join("a.aof.aofkit-kept-2"));
    // Names that somebody created beforehand, to read the copies.
    fs::create_dir(directory.path().join(KEPT)).unwrap();
    fs::write(directory.path().join(KEPT).join("a.aof.removed-50"), b"other bytes").unwrap();
    fs::write(directory.path().join(KEPT).join("README.txt"), b"not ours").unwrap();
    symlink(outside.path(), &elsewhere).unwrap();
    let applied = repair::apply(&plan_of(&path), &repair::Settings::default()).unwrap().unwrap();
    let expected = directory.path().canonicalize().unwrap().join("a.aof.aofkit-kept-3");
    assert_eq!(applied.kept.unwrap().directory, expected);
    assert_eq!(fs::metadata(expected.join("a.aof.removed-50")).unwrap().len(), applied.removed);
    assert_eq!(files_in(outside.path()), [""; 0]);
    repair::undo(&path, None, OpenElsewhere::Refuse).unwrap();
    assert_eq!(fs::read(&path).unwrap(), damaged());
}

#[isolated_test]
fn owner_mode_and_inode_stay_and_the_copy_has_the_same() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
    let directory = folder();
    let path = log_in(directory.path());
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    // Only root can do that; other users keep the owner.
    let _ = chown(&path, Some(999), Some(998));
    let facts = |path: &Path| {
        let metadata = fs::metadata(path).unwrap();
        (metadata.uid(), metadata.gid(), metadata.mode())
    };
    let before = (facts(&path), fs::metadata(&path).unwrap().ino());
    repair::apply(&plan_of(&path), &repair::Settings::default()).unwrap();
    assert_eq!((facts(&path), fs::metadata(&path).unwrap().ino()), before);
    assert_eq!(facts(&copy_path(&path)), before.0);
    repair::undo(&path, None, OpenElsewhere::Refuse).unwrap();
    assert_eq!((facts(&path), fs::metadata(&path).unwrap().ino()), before);
}

#[isolated_test]
fn any_file_can_be_cut_at_any_offset() {
    let directory = folder();
    let path = log_in(directory.path());
    let size = damaged().len() as u64;
    let applied = repair::cut(&path, size, 7, OpenElsewhere::Refuse).unwrap().unwrap();
    assert_eq!((applied.cut_at, applied.removed), (Some(7), damaged().len() as u64 - 7));
    assert!(repair::cut(&path, size, 7, OpenElsewhere::Refuse).is_err(), "it has another size now");
    assert_eq!(repair::cut(&path, 7, 7, OpenElsewhere::Refuse).unwrap(), None);
    repair::undo(&path, None, OpenElsewhere::Refuse).unwrap();
    assert_eq!(fs::read(&path).unwrap(), damaged());
}
