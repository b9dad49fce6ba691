//! Drafts of new files: none is left behind, whatever stops the program.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use aofkit::storage::draft::{Draft, Durability, write_file};
use aofkit::storage::{Interruption, Ownership, interrupt};
use tempfile::TempDir;

use crate::harness::faulty::{DISKS, Disk, FAULTS, Fault, Faulty, name};
use crate::harness::files::folder;

fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(directory).unwrap().map(|entry| name(&entry.unwrap().path())).collect();
    names.sort();
    names
}

#[isolated_test]
fn drafts_of_the_dead_are_swept_and_those_of_the_living_are_not() {
    let directory = TempDir::new().unwrap();
    let target = directory.path().join("a.aof");
    let living = Draft::beside(&mut Faulty::sound().on(Disk::Bare), &target, None).unwrap();
    let dead = directory.path().join(".other.aof.aofkit-draft-7");
    fs::write(&dead, b"half").unwrap();
    // It is not locked; nor are these, which are not drafts.
    for other in [".a.aof.aofkit-draft-", "a.aof.aofkit-draft-1", ".a.aof.swp"] {
        fs::write(directory.path().join(other), b"").unwrap();
    }
    write_file(&mut Faulty::sound(), &directory.path().join("b"), None, Durability::Cached, |_| Ok(())).unwrap();
    let left = [".a.aof.aofkit-draft-", ".a.aof.aofkit-draft-1", ".a.aof.swp", "a.aof.aofkit-draft-1", "b"];
    assert_eq!(names(directory.path()), left);
    assert!(aofkit::aof::log::walk_tree(directory.path()).unwrap().logs.is_empty(), "none of them is a log");
    drop(living);
    write_file(&mut Faulty::sound(), &directory.path().join("b"), None, Durability::Cached, |_| Ok(())).unwrap();
    assert!(!names(directory.path()).contains(&".a.aof.aofkit-draft-1".to_owned()));
}

#[isolated_test]
fn a_file_without_a_name_leaves_nothing_behind() {
    let directory = TempDir::new().unwrap();
    let draft = Draft::beside(&mut Faulty::sound(), &directory.path().join("a.aof"), None).unwrap();
    let (draft, ()) = draft.fill(&mut Faulty::sound(), |out| out.write_all(b"bytes")).unwrap();
    assert_eq!(fs::read(draft.path()).unwrap(), b"bytes");
    assert_eq!(names(directory.path()), [""; 0]);
    drop(draft);
    assert_eq!(names(directory.path()), [""; 0]);
}

#[isolated_test]
fn a_new_file_is_on_disk_before_it_has_its_name() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("a.aof");
    let trace = |durability, disk| {
        let mut operations = Faulty::sound().on(disk);
        write_file(&mut operations, &path, None, durability, |out| out.write_all(b"x")).unwrap();
        operations.trace
    };
    let synced = ["create unnamed", "write", "sync", "name .a.aof.aofkit-draft-1", "rename to a.aof", "sync directory"];
    assert_eq!(trace(Durability::Synced, Disk::Modern), synced);
    let bare = ["create .a.aof.aofkit-draft-1", "write", "sync", "rename to a.aof", "sync directory"];
    assert_eq!(trace(Durability::Synced, Disk::Bare), bare);
    let cached = ["create unnamed", "write", "name .a.aof.aofkit-draft-1", "rename to a.aof"];
    assert_eq!(trace(Durability::Cached, Disk::Modern), cached);
}

#[isolated_test]
fn whatever_fails_the_old_file_or_the_new_one_is_there() {
    for disk in DISKS {
        for fault in FAULTS {
            for at in 0.. {
                let directory = folder();
                let path = directory.path().join("a.aof");
                fs::write(&path, b"old").unwrap();
                let mut faulty = Faulty::new(at, fault).on(disk);
                let result = write_file(&mut faulty, &path, None, Durability::Synced, |out| out.write_all(b"new"));
                let found = fs::read(&path).unwrap();
                assert!(found == b"old" || found == b"new", "{fault:?} at {at}");
                if faulty.count <= at {
                    assert!(result.is_ok() && found == b"new");
                    break;
                }
                // A killed process prints nothing.
                if let (Fault::Error | Fault::Full, b"new", Err(error)) = (fault, found.as_slice(), result) {
                    assert!(error.to_string().contains("the new file is"), "{fault:?} at {at}: {error}");
                }
                write_file(&mut Faulty::sound(), &path, None, Durability::Synced, |_| Ok(())).unwrap();
                assert_eq!(names(directory.path()), ["a.aof"], "{fault:?} at {at}: swept by the next run");
            }
        }
    }
}

/// An ownership with a group other than that of this process, which may read and write the file.
fn foreign_ownership(directory: &Path) -> (Ownership, u32, u32) {
    let path = directory.join("theirs");
    fs::write(&path, b"").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o664)).unwrap();
    let own = fs::metadata(&path).unwrap().gid();
    // Only root may set any group; for other users, root's group is foreign.
    let metadata = match std::os::unix::fs::chown(&path, None, Some(own + 1)) {
        Ok(()) => fs::metadata(&path),
        Err(_) => fs::metadata("/"),
    };
    let metadata = metadata.unwrap();
    assert!(metadata.gid() != own && metadata.mode() & 0o070 != 0, "a file of another group, which may read it");
    (Ownership::of(&metadata), metadata.gid(), metadata.mode() & 0o777)
}

#[isolated_test]
fn a_group_that_cannot_be_given_gets_no_access() {
    for disk in DISKS {
        let directory = TempDir::new().unwrap();
        let (ownership, group, mode) = foreign_ownership(directory.path());
        let path = directory.path().join("a.aof");
        let written = |operations: Faulty| {
            let mut operations = operations.on(disk);
            write_file(&mut operations, &path, Some(ownership), Durability::Cached, |_| Ok(())).unwrap();
            let metadata = fs::metadata(&path).unwrap();
            (metadata.gid(), metadata.mode() & 0o777)
        };
        // Neither the owner nor the group can be set.
        let (found, bits) = written(Faulty::sound().without_owners());
        assert_ne!(found, group, "{disk:?}");
        assert_eq!(bits, mode & !0o070, "{disk:?}: the bits would be about another group");
        // The bits of others stay, and all bits stay if the group can be set, with or without the owner.
        for operations in [Faulty::sound(), Faulty::new(1, Fault::Error)] {
            let (found, bits) = written(operations);
            assert_eq!(bits, if found == group { mode } else { mode & !0o070 }, "{disk:?}");
        }
    }
}

#[isolated_test]
fn a_signal_removes_the_drafts_that_have_names() {
    let directory = TempDir::new().unwrap();
    let draft = Draft::beside(&mut Faulty::sound().on(Disk::Bare), &directory.path().join("a.aof"), None).unwrap();
    assert_eq!(names(directory.path()), [".a.aof.aofkit-draft-1"]);
    assert!(matches!(interrupt(), Interruption::Stop(_)));
    assert_eq!(names(directory.path()), [""; 0]);
    drop(draft);
    drop(File::open(directory.path()).unwrap());
}
