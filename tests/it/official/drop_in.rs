//! The drop-in where it is better than the tools that it stands in for, and its name and version.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

const SET: &[u8] = b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n";
const MULTI: &[u8] = b"*1\r\n$5\r\nMULTI\r\n";
const VALKEY_BASE: &[u8] = b"VALKEY080\xfe\x00\x00\x01k\x01v\xff\0\0\0\0\0\0\0\0";

struct Run {
    stdout: String,
    stderr: String,
    code: i32,
}

/// Runs the drop-in in `directory` and answers its question with yes.
fn run(directory: &Path, name: &str, arguments: &[&str]) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_aofkit"));
    command.arg0(name).args(arguments).current_dir(directory);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // A tool that does not ask does not read.
    let _ = child.stdin.take().unwrap().write_all(b"y\n");
    let output = child.wait_with_output().unwrap();
    Run {
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        code: output.status.code().unwrap(),
    }
}

fn directory_with(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        fs::write(directory.path().join(name), bytes).unwrap();
    }
    directory
}

fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_link_of_its_name_makes_it_the_checker() {
    let directory = directory_with(&[("log", SET)]);
    for name in ["redis-check-aof", "valkey-check-aof"] {
        symlink(env!("CARGO_BIN_EXE_aofkit"), directory.path().join(name)).unwrap();
        let output = Command::new(directory.path().join(name)).arg("log").current_dir(&directory).output().unwrap();
        assert!(output.status.success());
        let stdout = String::from_utf8(output.stdout).unwrap();
        assert!(stdout.starts_with("Start checking Old-Style AOF\nAOF analyzed: filename=log, size=27,"), "{stdout}");
        assert!(stdout.ends_with("AOF log is valid\n"));
    }
}

#[test]
fn its_version_names_the_imitated_and_the_imitator() {
    let directory = directory_with(&[]);
    for (name, version) in [("redis-check-aof", "8.0.6"), ("valkey-check-aof", "9.1.2")] {
        for option in ["-v", "--version"] {
            let run = run(directory.path(), name, &[option]);
            assert!(run.stdout.starts_with(&format!("{name} v={version} sha=00000000:0 ")), "{}", run.stdout);
            assert!(run.stdout.contains(&format!("build=aofkit-{}", env!("CARGO_PKG_VERSION"))));
            assert_eq!((run.stdout.lines().count(), run.code), (1, 0));
        }
    }
}

#[test]
fn what_is_cut_off_is_kept_beside_the_file() {
    let damaged = [SET, b"garbage"].concat();
    let directory = directory_with(&[("log", &damaged)]);
    let path = directory.path().join("log");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let before = fs::metadata(&path).unwrap();
    let fixed = run(directory.path(), "redis-check-aof", &["--fix", "log"]);
    assert_eq!(fixed.code, 0, "{}", fixed.stdout);
    assert_eq!(fixed.stderr, "", "a line on standard error is a failure to Tcl");
    assert_eq!(fs::read(&path).unwrap(), SET);
    assert_eq!(fs::read(directory.path().join("log.aofkit-kept-1/log.removed-27")).unwrap(), b"garbage");
    let (after, copy) = (
        fs::metadata(&path).unwrap(),
        fs::metadata(directory.path().join("log.aofkit-kept-1/log.removed-27")).unwrap(),
    );
    assert_eq!((after.ino(), after.mode()), (before.ino(), before.mode()));
    assert_eq!(copy.mode(), before.mode());

    let again = run(directory.path(), "redis-check-aof", &["--fix", "log"]);
    assert_eq!((again.code, names(directory.path())), (0, vec!["log".to_owned(), "log.aofkit-kept-1".to_owned()]));

    fs::write(&path, [SET, b"other garbage"].concat()).unwrap();
    run(directory.path(), "redis-check-aof", &["--fix", "log"]);
    assert_eq!(names(directory.path()), ["log", "log.aofkit-kept-1", "log.aofkit-kept-2"]);
}

#[test]
fn the_last_line_names_what_salvage_would_have_kept() {
    let directory =
        directory_with(&[("a log", &[SET, b"garbage\r\n", MULTI, SET, b"*1\r\n$4\r\nEXEC\r\n", SET].concat())]);
    let fixed = run(directory.path(), "redis-check-aof", &["--fix", "a log"]);
    let line = "aofkit fix --salvage would have kept 4 whole records (83 bytes) after the cut; \
                run: aofkit fix --undo 'a log' && aofkit fix --salvage 'a log'\n";
    assert!(fixed.stdout.ends_with(&format!("Successfully truncated AOF a log\n{line}")), "{}", fixed.stdout);
    assert_eq!((fixed.code, fixed.stderr.as_str()), (0, ""));
    for arguments in [&["--undo"][..], &["--salvage", "--yes"]] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_aofkit"));
        command.arg("fix").args(arguments).arg("a log").current_dir(directory.path()).stdin(Stdio::null());
        assert!(command.output().unwrap().status.success(), "{arguments:?}");
    }
    assert_eq!(fs::read(directory.path().join("a log")).unwrap().len(), SET.len() + 83);
}

#[test]
fn a_check_changes_nothing() {
    let directory = directory_with(&[("log", &[SET, b"garbage"].concat())]);
    let path = directory.path().join("log");
    let before = fs::metadata(&path).unwrap();
    assert_eq!(run(directory.path(), "redis-check-aof", &["log"]).code, 1);
    let after = fs::metadata(&path).unwrap();
    assert_eq!((after.mtime_nsec(), after.ctime_nsec()), (before.mtime_nsec(), before.ctime_nsec()));
    assert_eq!(names(directory.path()), ["log"]);
}

#[test]
fn a_base_of_valkey_9_is_an_rdb() {
    let manifest = b"file base seq 1 type b\nfile incr seq 1 type i\n";
    let directory = directory_with(&[("m", manifest), ("base", VALKEY_BASE), ("incr", SET)]);
    let valkey = run(directory.path(), "valkey-check-aof", &["m"]);
    assert_eq!(valkey.code, 0, "{}", valkey.stdout);
    assert!(valkey.stdout.contains("Start to check BASE AOF (RDB format).\n"));
    assert!(valkey.stdout.contains("\\o/ RDB looks OK! \\o/\n[info] 1 keys read\n"));
    assert!(valkey.stdout.ends_with("All AOF files and manifest are valid\n"));

    let old = directory_with(&[("log", &[VALKEY_BASE, SET].concat())]);
    assert_eq!(run(old.path(), "valkey-check-aof", &["log"]).code, 0);
    let redis = run(old.path(), "redis-check-aof", &["--fix", "log"]);
    assert_eq!(redis.code, 1);
    assert!(redis.stdout.contains("[offset 9] Wrong signature trying to load DB from file\n"));
    assert_eq!(names(old.path()), ["log"]);
    assert_eq!(fs::read(old.path().join("log")).unwrap(), [VALKEY_BASE, SET].concat());
}

#[test]
fn a_manifest_that_is_odd_is_not_cut() {
    let blank = b" file incr seq 1 type i\n";
    let garbage = b"garbage\nfile incr seq 1 type i\n";
    let directory = directory_with(&[("blank", blank), ("garbage", garbage), ("incr", SET)]);
    let run_blank = run(directory.path(), "redis-check-aof", &["--fix", "blank"]);
    assert_eq!((run_blank.code, run_blank.stdout.starts_with("Start checking Multi Part AOF\n")), (0, true));
    let run_garbage = run(directory.path(), "redis-check-aof", &["--fix", "garbage"]);
    assert_eq!(run_garbage.code, 1);
    assert!(run_garbage.stdout.contains("Invalid AOF manifest file format"));
    assert_eq!(fs::read(directory.path().join("blank")).unwrap(), blank);
    assert_eq!(fs::read(directory.path().join("garbage")).unwrap(), garbage);
}

#[test]
fn a_transaction_is_not_cut_in_two_by_a_timestamp() {
    let log = [SET, MULTI, SET, b"#TS:200\r\n", SET, b"*1\r\n$4\r\nEXEC\r\n"].concat();
    let directory = directory_with(&[("log", &log)]);
    let cut = run(directory.path(), "redis-check-aof", &["--truncate-to-timestamp", "100", "log"]);
    assert_eq!((cut.code, cut.stderr.as_str()), (0, ""));
    assert!(cut.stdout.ends_with("Successfully truncated AOF log to timestamp 100\n"));
    assert_eq!(fs::read(directory.path().join("log")).unwrap(), SET);
    assert_eq!(run(directory.path(), "redis-check-aof", &["log"]).code, 0);

    let first = directory_with(&[("log", &log[SET.len()..])]);
    let refused = run(first.path(), "redis-check-aof", &["--truncate-to-timestamp", "100", "log"]);
    assert_eq!((refused.code, refused.stdout.contains("has nothing before timestamp 100, aborting...")), (1, true));
}

#[test]
fn a_length_that_kills_the_real_tool_is_not_valid() {
    let directory = directory_with(&[("log", &[SET, b"*1\r\n$9223372036854775804\r\nx\r\n"].concat())]);
    let fixed = run(directory.path(), "valkey-check-aof", &["--fix", "log"]);
    assert_eq!(fixed.code, 0);
    assert!(fixed.stdout.contains("Expected to read 9223372036854775806 bytes, got 3 bytes\n"), "{}", fixed.stdout);
    assert_eq!(fs::read(directory.path().join("log")).unwrap(), SET);
}

#[test]
fn a_fifo_is_refused_at_once() {
    let directory = directory_with(&[("m", b"file fifo seq 1 type i\n")]);
    let made = Command::new("mkfifo").arg(directory.path().join("fifo")).status();
    assert!(made.unwrap().success());
    let refused = run(directory.path(), "redis-check-aof", &["fifo"]);
    assert_eq!((refused.code, refused.stdout.as_str()), (1, "Cannot read file: fifo\n"));
    let part = run(directory.path(), "redis-check-aof", &["m"]);
    assert_eq!((part.code, part.stdout.ends_with("Cannot read file: ./fifo\n")), (1, true));
}

#[test]
fn a_reader_that_goes_away_is_survived() {
    let directory = directory_with(&[("log", SET)]);
    let mut command = Command::new(env!("CARGO_BIN_EXE_aofkit"));
    let mut child =
        command.arg0("redis-check-aof").arg("log").current_dir(&directory).stdout(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert!(child.wait().unwrap().code().is_some(), "it does not panic and is not killed");
}
