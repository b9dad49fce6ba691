//! Data directories: without a manifest, empty, or unreadable; and trees of them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::harness::log::command;

/// A user other than root, to whom permissions apply.
const NOBODY: u32 = 65534;

fn log() -> Vec<u8> {
    [command(&["SELECT", "0"]), command(&["SET", "k", "v"])].concat()
}

fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    folder
}

/// Exit code, standard output and standard error.
type Answer = (i32, String, String);

fn answer(mut program: Command) -> Answer {
    let output = program.stdin(Stdio::null()).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn aofkit(directory: &Path, arguments: &[&str]) -> Answer {
    let mut program = Command::new(env!("CARGO_BIN_EXE_aofkit"));
    program.current_dir(directory).args(arguments);
    answer(program)
}

/// Runs the program as a user to whom permissions apply, from a copy that this user may execute.
fn aofkit_without_rights(folder: &TempDir, arguments: &[&str]) -> Answer {
    let is_root = fs::metadata("/proc/self").is_ok_and(|metadata| std::os::unix::fs::MetadataExt::uid(&metadata) == 0);
    if !is_root {
        return aofkit(folder.path(), arguments);
    }
    let place = tempfile::tempdir().unwrap();
    for directory in [place.path(), folder.path()] {
        fs::set_permissions(directory, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let program = place.path().join("aofkit");
    // Copied by another process, because a child that this one starts would hold the copy open for writing.
    let copied = Command::new("cp").arg(env!("CARGO_BIN_EXE_aofkit")).arg(&program).status().unwrap();
    assert!(copied.success());
    let mut program = Command::new(program);
    program.current_dir(folder.path()).args(arguments).uid(NOBODY).gid(NOBODY);
    answer(program)
}

fn forbid(folder: &TempDir, name: &str) {
    fs::set_permissions(folder.path().join(name), fs::Permissions::from_mode(0o000)).unwrap();
}

/// Allows anyone to remove the directory.
fn allow(folder: &TempDir, name: &str) {
    fs::set_permissions(folder.path().join(name), fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn a_directory_of_a_tree_that_cannot_be_read_is_an_error() {
    let folder = folder(&[("a/x.aof", &log()), ("b/y.aof", &log()), ("c/z.aof", &log())]);
    forbid(&folder, "b");
    let (code, out, talk) = aofkit_without_rights(&folder, &["check", "."]);
    allow(&folder, "b");
    assert_eq!((code, talk.as_str()), (2, "aofkit: ./b: cannot read the directory: Permission denied\n"));
    assert!(out.contains("./a/x.aof: sound") && out.contains("./c/z.aof: sound"), "{out}");
}

#[test]
fn a_log_that_cannot_be_written_is_left_alone_before_the_question() {
    let torn = [log(), b"*1\r\n$4\r\nPI".to_vec()].concat();
    let middle = [log(), b"broken\r\n".to_vec(), log()].concat();
    let folder = folder(&[("torn.aof", &torn), ("middle.aof", &middle)]);
    for name in ["torn.aof", "middle.aof"] {
        fs::set_permissions(folder.path().join(name), fs::Permissions::from_mode(0o444)).unwrap();
    }
    let cut = aofkit_without_rights(&folder, &["fix", "--yes", "torn.aof"]);
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o555)).unwrap();
    let salvaged = aofkit_without_rights(&folder, &["fix", "--yes", "--salvage", "middle.aof"]);
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    for ((code, _, talk), what) in
        [(cut, "cannot write to this file"), (salvaged, "cannot make files in this directory")]
    {
        assert_eq!((code, talk.contains(what), talk.contains("as the owner")), (2, true, true), "{talk}");
    }
    assert_eq!(fs::read(folder.path().join("torn.aof")).unwrap(), torn);
    assert_eq!(fs::read(folder.path().join("middle.aof")).unwrap(), middle);
}

#[test]
fn an_append_only_directory_that_cannot_be_read_is_an_error_in_every_command() {
    let folder = folder(&[
        ("appendonlydir/a.manifest", b"file a.1.aof seq 1 type i\n"),
        ("appendonlydir/a.1.aof", &log()),
        ("dump.rdb", b"REDIS0011"),
    ]);
    forbid(&folder, "appendonlydir");
    for arguments in [&["fix"][..], &["inspect"], &["digest"], &["rewrite", "-o", "-"]] {
        let answer = aofkit_without_rights(&folder, &[arguments, &["."]].concat());
        let expected = "aofkit: ./appendonlydir: cannot read the directory: Permission denied\n".to_owned();
        assert_eq!(answer, (2, String::new(), expected), "{arguments:?}");
    }
    let (code, _, talk) = aofkit_without_rights(&folder, &["check", "."]);
    allow(&folder, "appendonlydir");
    assert_eq!((code, talk.contains("appendonlydir: cannot read the directory")), (2, true), "{talk}");
}

#[test]
fn a_manifest_that_cannot_be_read_is_not_called_missing() {
    let folder = folder(&[("a.manifest", b"file a.1.aof seq 1 type i\n"), ("a.1.aof", &log())]);
    forbid(&folder, "a.manifest");
    for subcommand in ["check", "inspect", "digest"] {
        let (code, _, talk) = aofkit_without_rights(&folder, &[subcommand, "."]);
        assert_eq!((code, talk.contains("./a.manifest: cannot open: Permission denied")), (2, true), "{talk}");
    }
}

#[test]
fn every_command_takes_a_data_directory_of_redis_6_2() {
    let folder = folder(&[("data/appendonly.aof", &log()), ("data/dump.rdb", b"REDIS0009")]);
    for arguments in [
        &["check", "data"][..],
        &["fix", "data"],
        &["inspect", "data"],
        &["digest", "data"],
        &["rewrite", "-o", "new.aof", "data"],
    ] {
        let (code, out, talk) = aofkit(folder.path(), arguments);
        let is_note = talk.lines().all(|line| line.starts_with("note: "));
        assert_eq!((code, is_note), (0, true), "{arguments:?}: {out}{talk}");
    }
    let (_, out, _) = aofkit(folder.path(), &["inspect", "--format", "resp", "data"]);
    assert_eq!(out.as_bytes(), log());
    let (code, out, talk) = aofkit(folder.path(), &["rewrite", "--in-place", "--yes", "data"]);
    assert_eq!(code, 0, "{out}{talk}");

    fs::write(folder.path().join("data/copy.aof"), log()).unwrap();
    for subcommand in ["fix", "inspect", "digest"] {
        let (code, _, talk) = aofkit(folder.path(), &[subcommand, "data"]);
        let names_both = talk.contains("data/appendonly.aof") && talk.contains("data/copy.aof");
        assert_eq!((code, names_both), (2, true), "{talk}");
    }
}

#[test]
fn the_digest_of_a_torn_log_is_exit_code_1() {
    let torn = [&log()[..], b"*2\r\n$3\r\nDEL\r\n$1"].concat();
    let folder = folder(&[("torn.aof", &torn), ("whole.aof", &log())]);
    let (code, whole, _) = aofkit(folder.path(), &["digest", "whole.aof"]);
    assert_eq!(code, 0);
    let (code, out, talk) = aofkit(folder.path(), &["digest", "torn.aof"]);
    assert_eq!((code, out), (1, whole));
    assert!(talk.starts_with("warning: "), "{talk}");
}

#[test]
fn a_fix_of_a_directory_without_a_log_yet_succeeds() {
    let folder = folder(&[("fresh/lost+found/x", b""), ("snapshot/dump.rdb", b"REDIS0011"), ("empty.aof", b"")]);
    fs::create_dir_all(folder.path().join("new/appendonlydir")).unwrap();
    for path in ["fresh", "snapshot", "new"] {
        let expected = format!("note: {path}: no append-only file in this directory yet; nothing to fix\n");
        assert_eq!(aofkit(folder.path(), &["fix", "--yes", path]), (0, expected, String::new()));
    }
    // A log further down may have been meant, and is reported.
    fs::create_dir_all(folder.path().join("tree/of/logs")).unwrap();
    fs::write(folder.path().join("tree/of/logs/a.aof"), log()).unwrap();
    let (code, out, _) = aofkit(folder.path(), &["fix", "--yes", "tree"]);
    assert_eq!((code, out.contains("run: aofkit fix tree/of/logs/a.aof\n")), (0, true), "{out}");
    let (code, _, talk) = aofkit(folder.path(), &["digest", "tree"]);
    assert_eq!(
        (code, talk.contains("\nhint: to list the logs further down, run: aofkit check tree\n")),
        (2, true),
        "{talk}"
    );
    assert_eq!(aofkit(folder.path(), &["fix", "--yes", "empty.aof"]).0, 0);
    let (code, _, talk) = aofkit(folder.path(), &["fix", "--yes", "nowhere"]);
    assert_eq!((code, talk.as_str()), (2, "aofkit: nowhere: cannot open: No such file or directory\n"));
}

#[test]
fn an_archive_of_a_log_is_never_cut() {
    // As in tar: a header of 512 bytes with its magic at 257, then the file.
    let mut tar = vec![0; 512];
    tar[..14].copy_from_slice(b"appendonly.aof");
    tar[257..262].copy_from_slice(b"ustar");
    let zip = [&b"PK\x03\x04"[..], &[1; 30]].concat();
    for head in [tar, zip] {
        let archive = [&head[..], &log()].concat();
        let folder = folder(&[("archive", &archive)]);
        let (code, out, talk) = aofkit(folder.path(), &["fix", "--yes", "archive"]);
        assert_eq!(code, 1, "{out}{talk}");
        assert_eq!(fs::read(folder.path().join("archive")).unwrap(), archive);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
