//! `aofkit fix` and the repair that it runs; with real servers and checkers if they are installed.

use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use aofkit::aof::log::Log;
use aofkit::check::Settings;
use aofkit::repair::{self, Obstacle, Plan, Refusal};
use aofkit::storage::OpenElsewhere;
use tempfile::TempDir;

use crate::harness::log::command;
use crate::harness::servers::program;
use crate::harness::terminal;
use crate::harness::{RealServer, Reply};

/// A small log in pieces that are kept or removed as a whole, and the number of keys in each.
fn pieces() -> Vec<(Vec<u8>, usize)> {
    let set = |key| command(&["SET", key, "value"]);
    vec![
        (command(&["SELECT", "0"]), 0),
        (b"#TS:1700000000\r\n".to_vec(), 0),
        (set("a"), 1),
        ([command(&["MULTI"]), set("b"), b"#TS:1700000001\r\n".to_vec(), set("c"), command(&["EXEC"])].concat(), 2),
        (b"#TS:1700000002\r\n".to_vec(), 0),
        (command(&["RPUSH", "l", "", "two", "\r\n*1\r\n"]), 1),
        ([command(&["multi"]), set("d"), command(&["exec"])].concat(), 1),
    ]
}

fn whole() -> Vec<u8> {
    pieces().into_iter().flat_map(|piece| piece.0).collect()
}

/// Where the first `length` bytes of [`whole`] must be cut, and the number of keys that are left.
fn expected(length: usize) -> (usize, usize) {
    let (mut end, mut keys) = (0, 0);
    for (bytes, in_it) in pieces() {
        let cut = end + bytes.len() > length;
        if cut && bytes[0] == b'#' && length > end {
            return (length, keys); // a cut annotation is valid everywhere
        }
        if cut {
            break;
        }
        (end, keys) = (end + bytes.len(), keys + in_it);
    }
    (end, keys)
}

fn plan_of(path: &Path) -> Result<Plan, Refusal> {
    let log = Log::open(path).unwrap();
    repair::plan::plan(&repair::survey(&log, Settings::default()).unwrap())
}

fn fix(path: &Path) -> Result<(), Refusal> {
    // Another test may be starting a process, which holds copies of all descriptors for a moment.
    repair::apply(
        &plan_of(path)?,
        &repair::Settings { open_elsewhere: OpenElsewhere::Ignore, ..repair::Settings::default() },
    )
    .unwrap();
    Ok(())
}

fn aofkit(arguments: &[&OsStr]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_aofkit")).args(arguments).stdin(Stdio::null()).output().unwrap()
}

/// Runs `aofkit fix`: its exit code, its standard output, its standard error.
///
/// With `--force`: a test beside this one may be starting a process, which holds copies of all descriptors for a
/// moment.
fn run(options: &[&str], path: &Path) -> (i32, String, String) {
    run_with(&[options, &["--force"]].concat(), path)
}

fn run_with(options: &[&str], path: &Path) -> (i32, String, String) {
    let mut arguments = vec![OsStr::new("fix")];
    arguments.extend(options.iter().map(OsStr::new));
    arguments.push(path.as_os_str());
    let output = aofkit(&arguments);
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn names_in(directory: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// A directory with one file in it.
fn with_file(name: &str, bytes: &[u8]) -> (TempDir, PathBuf) {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join(name);
    fs::write(&path, bytes).unwrap();
    (directory, path)
}

/// A log of two incr files behind a base, as a server lays it out.
fn multi_part(base: &[u8], first: &[u8], last: &[u8]) -> (TempDir, PathBuf) {
    let directory = TempDir::new().unwrap();
    let parts = directory.path().join("appendonlydir");
    fs::create_dir(&parts).unwrap();
    fs::write(parts.join("a.aof.1.base.aof"), base).unwrap();
    fs::write(parts.join("a.aof.1.incr.aof"), first).unwrap();
    fs::write(parts.join("a.aof.2.incr.aof"), last).unwrap();
    fs::write(parts.join("a.aof.0.incr.aof"), &whole()[..30]).unwrap();
    let manifest = "file a.aof.1.base.aof seq 1 type b\nfile a.aof.0.incr.aof seq 9 type h\n\
                    file a.aof.1.incr.aof seq 1 type i\nfile a.aof.2.incr.aof seq 2 type i\n";
    fs::write(parts.join("a.aof.manifest"), manifest).unwrap();
    (directory, parts)
}

#[test]
fn every_truncation_is_cut_at_the_last_whole_piece_and_comes_back() {
    let log = whole();
    for length in 0..=log.len() {
        let (directory, path) = with_file("a.aof", &log[..length]);
        let (cut, _) = expected(length);
        fix(&path).unwrap();
        assert_eq!(fs::read(&path).unwrap(), log[..cut], "truncated at {length}");
        let names = names_in(directory.path());
        fix(&path).unwrap();
        assert_eq!(fs::read(&path).unwrap(), log[..cut], "truncated at {length}, fixed twice");
        assert_eq!(names_in(directory.path()), names, "truncated at {length}, fixed twice");
        if cut == length {
            assert_eq!(names, ["a.aof"], "nothing to keep");
        } else {
            repair::undo(&path, None, OpenElsewhere::Ignore).unwrap();
        }
        assert_eq!(fs::read(&path).unwrap(), log[..length], "truncated at {length}, undone");
        assert_eq!(names_in(directory.path()), ["a.aof"], "truncated at {length}, undone");
    }
}

#[test]
fn every_truncation_of_the_last_part_is_cut_there_and_nowhere_else() {
    let log = whole();
    for length in (0..=log.len()).step_by(3) {
        let (directory, parts) = multi_part(&log, &log, &log[..length]);
        fix(directory.path()).unwrap();
        assert_eq!(fs::read(parts.join("a.aof.2.incr.aof")).unwrap(), log[..expected(length).0], "{length}");
        for other in ["a.aof.1.base.aof", "a.aof.1.incr.aof"] {
            assert_eq!(fs::read(parts.join(other)).unwrap(), log, "{length}");
        }
    }
}

/// Damage of other kinds, for which the official checker is right.
fn damaged() -> Vec<(&'static str, Vec<u8>)> {
    let log = whole();
    let mut all = vec![
        ("zeros at the end", [log.clone(), vec![0; 5000]].concat()),
        ("that are zero", vec![0; 4096]),
        ("garbage at the end", [log.clone(), b"\xff\xfegarbage\r\n".to_vec()].concat()),
        (
            "zeros in a transaction",
            [log.clone(), command(&["MULTI"]), command(&["SET", "x", "y"]), vec![0; 9]].concat(),
        ),
        ("a line that never ends", [log.clone(), b"*".to_vec(), vec![b'1'; 3000]].concat()),
        ("a length beyond the file", [log.clone(), b"*2\r\n$3\r\nGET\r\n$99999999\r\nx\r\n".to_vec()].concat()),
    ];
    let mut middle = log.clone();
    middle[60] = b'!';
    all.push(("a wrong byte in the middle", middle));
    all
}

#[server_test]
fn a_cut_is_where_the_official_checker_cuts_and_it_then_calls_the_log_valid() {
    let checker = || program("redis-8.0.6", "check-aof");
    let log = whole();
    let truncated = (1..=log.len()).step_by(5).map(|length| ("truncated", log[..length].to_vec()));
    let flipped = (0..log.len()).step_by(13).map(|at| {
        let mut bytes = log.clone();
        bytes[at] ^= 0x10;
        ("a flipped bit", bytes)
    });
    for (index, (what, bytes)) in truncated.chain(flipped).chain(damaged()).enumerate() {
        let (_directory, path) = with_file("a.aof", &bytes);
        match fix(&path) {
            Ok(()) => {}
            // Data that servers load is not removed, whatever the checker reports.
            Err(refusal) if matches!(refusal.obstacle, Obstacle::ServersReadOver | Obstacle::NotDamage) => continue,
            Err(refusal) => panic!("{what}, {index}: {}", refusal.message()),
        }
        let (_other, theirs) = with_file("a.aof", &bytes);
        let mut child =
            checker().arg("--fix").arg(&theirs).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        // It does not ask, or read input, if there is nothing to remove.
        let _ = child.stdin.take().unwrap().write_all(b"y\n");
        child.wait().unwrap();
        let (ours, theirs) = (fs::read(&path).unwrap(), fs::read(&theirs).unwrap());
        assert_eq!(ours.len(), theirs.len(), "{what}, {index}: {}", bytes.escape_ascii());
        if !ours.is_empty() && index % 4 == 0 {
            let valid = checker().arg(&path).stdout(Stdio::null()).status().unwrap();
            assert!(valid.success(), "{what}, {index}");
        }
    }
}

#[server_test]
fn real_servers_load_what_is_left() {
    let log = whole();
    for name in ["redis-7.0", "redis-8.0.6", "valkey-9.1"] {
        let options = ["--appendonly", "yes", "--aof-load-truncated", "no", "--enable-debug-command", "yes"];
        let mut server = RealServer::start_with(name, &options);
        // It answers once its own log exists.
        server.call(&["PING"]);
        let incr = server.directory().join("appendonlydir").join("appendonly.aof.1.incr.aof");
        for length in (0..=log.len()).step_by(7) {
            let (_directory, path) = with_file("a.aof", &log[..length]);
            fix(&path).unwrap();
            fs::write(&incr, fs::read(&path).unwrap()).unwrap();
            let reply = server.call(&["DEBUG", "LOADAOF"]);
            assert_eq!(reply, Reply::Simple("OK".to_owned()), "{name}, {length}");
            let keys = server.call(&["DBSIZE"]).integer();
            assert_eq!(keys, i64::try_from(expected(length).1).unwrap(), "{name}, {length}");
        }
    }
}

#[test]
fn a_lone_star_and_counts_below_one_are_cut_though_the_checker_takes_them() {
    for tail in ["*\r\n", "*0\r\n", "*-1\r\n"] {
        let (_directory, path) = with_file("a.aof", &[whole(), tail.into()].concat());
        fix(&path).unwrap();
        assert_eq!(fs::read(&path).unwrap(), whole(), "{tail:?}");
    }
}

#[test]
fn what_servers_load_is_not_cut() {
    let ping = command(&["SET", "k", "v"]);
    let odd = b"*1\r\n$4\r\nPINGxx".to_vec();
    for log in [
        [command(&["EXEC"]), ping.clone()].concat(),
        [command(&["MULTI"]), command(&["MULTI"]), ping.clone(), command(&["EXEC"]), ping.clone()].concat(),
        [odd.clone(), ping.clone()].concat(),
        [b"*1\n$4\r\nPING\r\n".to_vec(), ping.clone()].concat(),
    ] {
        let (_directory, path) = with_file("a.aof", &log);
        let refusal = fix(&path).unwrap_err();
        assert!(matches!(refusal.obstacle, Obstacle::NotDamage | Obstacle::ServersReadOver), "{refusal:?}");
        assert_eq!(fs::read(&path).unwrap(), log);
        // With a truncated record after it, only that is removed.
        fs::write(&path, [log.clone(), b"*1\r\n$4\r\nPI".to_vec()].concat()).unwrap();
        fix(&path).unwrap();
        assert_eq!(fs::read(&path).unwrap(), log);
    }
    // The record is accepted by lax parsers, but the rest is invalid for servers too: its lengths were wrong.
    let (_directory, path) =
        with_file("a.aof", &[ping.clone(), b"*1\r\n$6\r\nPING\r\n*1\r\n$4\r\nPING\r\n".to_vec()].concat());
    fix(&path).unwrap();
    assert_eq!(fs::read(&path).unwrap(), ping);
}

fn obstacle(path: &Path) -> Obstacle {
    plan_of(path).unwrap_err().obstacle
}

#[test]
fn what_a_cut_cannot_repair_is_refused() {
    let log = whole();
    let cut = &log[..log.len() - 3];

    let (directory, parts) = multi_part(&log, cut, &log);
    assert_eq!(obstacle(directory.path()), Obstacle::DamageBeforeTheLastPart { log: directory.path().to_owned() });
    assert!(matches!(obstacle(&parts.join("a.aof.1.incr.aof")), Obstacle::NotTheLastPart { .. }));
    assert!(matches!(obstacle(&parts.join("a.aof.0.incr.aof")), Obstacle::History { .. }));

    fs::remove_file(parts.join("a.aof.1.base.aof")).unwrap();
    assert_eq!(obstacle(&parts), Obstacle::MissingPart);
    fs::write(parts.join("a.aof.manifest"), "file a seq 0 type i\n").unwrap();
    assert_eq!(obstacle(&parts), Obstacle::Manifest);

    let rdb = [b"REDIS0011\xfe\x00\x00\x01k".to_vec(), log.clone()].concat();
    assert_eq!(obstacle(&with_file("a.aof", &rdb).1), Obstacle::Rdb);
    let (directory, _) = multi_part(&rdb, &log, cut);
    assert_eq!(obstacle(directory.path()), Obstacle::Rdb);

    let newer = [b"REDIS0011\x7f".to_vec(), log.clone()].concat();
    let refusal = plan_of(&with_file("a.aof", &newer).1).unwrap_err();
    assert_eq!((refusal.obstacle.clone(), refusal.message().contains("damage")), (Obstacle::Rdb, false), "{refusal:?}");

    let zipped = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    assert!(matches!(obstacle(&with_file("a.aof.gz", &zipped).1), Obstacle::Compressed(_)));
    assert_eq!(obstacle(&with_file("a.jpg", b"\xff\xd8\xff\xe0 no log at all").1), Obstacle::NoLog);
    assert_eq!(obstacle(&with_file("a.aof", &command(&["NO.SUCH", "k"])).1), Obstacle::NotDamage);
}

#[test]
fn nothing_advises_a_fix_of_what_fix_refuses_as_no_log() {
    let behind_garbage = [b"garbage\r\n".to_vec(), whole()].concat();
    let files: [(&[u8], bool); 5] = [
        (b"hello world\nnot a log\n", false),
        (b"# Title\n\nText of a page\n", false),
        (b"\xff\xd8\xff\xe0 a picture", false),
        (&behind_garbage, true),
        (b"\0\0\0\0", true),
    ];
    for (bytes, is_log) in files {
        let (_directory, path) = with_file("a.aof", bytes);
        let advises = |subcommand: &str| {
            let Output { stdout, stderr, .. } = aofkit(&[OsStr::new(subcommand), path.as_os_str()]);
            String::from_utf8_lossy(&[stdout, stderr].concat()).contains("aofkit fix")
        };
        assert_eq!(plan_of(&path).is_ok(), is_log, "{bytes:?}");
        assert_eq!((advises("check"), advises("inspect")), (is_log, is_log), "{bytes:?}");
    }
}

#[test]
fn check_advises_a_fix_of_the_last_part_alone() {
    let cut = &whole()[..whole().len() - 1];
    let (_directory, parts) = multi_part(cut, cut, cut);
    fs::write(parts.join("a.aof.0.incr.aof"), cut).unwrap();
    for (name, said) in [
        ("a.aof.1.base.aof", "not the last part of its log"),
        ("a.aof.1.incr.aof", "not the last part of its log"),
        ("a.aof.0.incr.aof", "a rewrite replaced"),
        ("a.aof.2.incr.aof", "aofkit fix "),
    ] {
        let path = parts.join(name);
        let out = aofkit(&[OsStr::new("check"), path.as_os_str()]).stdout;
        let out = String::from_utf8_lossy(&out).split_whitespace().collect::<Vec<_>>().join(" ");
        // The verdict of the server is about this file only.
        let out = out.split("leaves-transaction-open").next().unwrap().to_owned();
        assert!(out.contains(said), "{said}: {out}");
        assert_eq!(out.contains("aofkit fix "), plan_of(&path).is_ok(), "{name}: {out}");
    }
}

#[test]
fn a_pipe_is_refused() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    let to = path.clone();
    let writer = std::thread::spawn(move || fs::write(to, b"*1\r\n$4\r\nPI").unwrap());
    assert_eq!(obstacle(&path), Obstacle::Stream);
    writer.join().unwrap();
}

#[test]
fn the_last_part_is_found_through_every_path() {
    let log = whole();
    for below in ["", "appendonlydir", "appendonlydir/a.aof.manifest", "appendonlydir/a.aof.2.incr.aof"] {
        let (directory, parts) = multi_part(&log, &log, &log[..log.len() - 1]);
        let path = directory.path().join(below);
        assert_eq!(run(&["--yes"], &path).0, 0, "{below}");
        let last = parts.join("a.aof.2.incr.aof");
        assert_eq!(fs::read(&last).unwrap(), log[..expected(log.len() - 1).0], "{below}");
        assert_eq!(run(&["--undo"], &path).0, 0, "{below}");
        assert_eq!(fs::read(&last).unwrap(), log[..log.len() - 1], "{below}");
    }
}

#[test]
fn behind_an_rdb_preamble_the_records_are_cut_and_the_rdb_stays() {
    let preamble = fs::read("testdata/rdb/redis-7.0.rdb").unwrap();
    let log = [preamble.clone(), whole()].concat();
    for length in [preamble.len() + 1, preamble.len() + 40, log.len() - 1] {
        let (_directory, path) = with_file("a.aof", &log[..length]);
        fix(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().len() as usize, preamble.len() + expected(length - preamble.len()).0);
    }
}

#[test]
fn a_sound_log_is_left_alone() {
    let (directory, path) = with_file("a.aof", &whole());
    let before = fs::metadata(&path).unwrap().modified().unwrap();
    let (code, out, _) = run(&[], &path);
    assert_eq!((code, out.contains("nothing is damaged")), (0, true), "{out}");
    assert_eq!(fs::metadata(&path).unwrap().modified().unwrap(), before);
    assert_eq!(names_in(directory.path()), ["a.aof"]);
    assert_eq!(run(&["--dry-run"], &path).0, 0);
}

#[test]
fn a_sound_log_that_the_server_does_not_load_is_said_to_be_both() {
    let rdb = fs::read("testdata/rdb/redis-8.0.6.rdb").unwrap();
    let (directory, path) = with_file("a.aof", &[rdb.clone(), whole()].concat());
    let (code, out, _) = run(&["--yes", "--server", "redis-6.2"], &path);
    assert_eq!(code, 1, "{out}");
    for said in ["nothing is damaged", "redis-6.2 does not load", "load it in a server that supports it"] {
        assert!(out.contains(said), "{said}: {out}");
    }
    assert_eq!(run(&["--yes"], &path).0, 0, "the server that wrote it loads it");
    assert_eq!(names_in(directory.path()), ["a.aof"]);

    // A torn end is removed all the same, and the rest is reported as not a log for that server.
    fs::write(&path, [rdb, whole(), b"*1".to_vec()].concat()).unwrap();
    let (code, out, _) = run(&["--yes", "--server", "redis-6.2"], &path);
    assert_eq!((code, out.contains("redis-6.2 does not load")), (1, true), "{out}");
    assert_eq!(names_in(directory.path()).len(), 2, "a copy of what was cut");
    assert_eq!(run(&[], &path).0, 0);
}

#[test]
fn databases_beyond_the_sixteenth_are_a_matter_of_the_configuration() {
    let database = |number: u8| [0xfe, number, 0, 1, b'k', 1, b'v'];
    let checksum_off = [0xff, 0, 0, 0, 0, 0, 0, 0, 0];
    let rdb = [&b"REDIS0011"[..], &database(3), &database(17), &database(42), &checksum_off].concat();
    let (_directory, path) = with_file("a.aof", &rdb);
    let (code, out, _) = run(&["--yes"], &path);
    assert_eq!(code, 1);
    assert!(out.contains("nothing is damaged") && out.contains("'databases 43'"), "{out}");
    let check = aofkit(&[OsStr::new("check"), path.as_os_str()]);
    assert!(String::from_utf8_lossy(&check.stdout).contains("'databases 43'"));
}

#[test]
fn without_a_terminal_or_yes_nothing_is_touched() {
    let log = [whole(), b"*1\r\n$4\r\nPI".to_vec()].concat();
    let (directory, path) = with_file("a.aof", &log);
    for options in [&[][..], &["--dry-run"], &["--format", "json"]] {
        let (code, out, _) = run(options, &path);
        assert_eq!(code, 1, "{options:?}");
        assert!(out.contains("nothing was changed"), "{out}");
        assert_eq!(fs::read(&path).unwrap(), log);
        assert_eq!(names_in(directory.path()), ["a.aof"]);
    }
    assert!(run(&[], &path).1.contains("--yes"));
}

#[test]
fn the_plan_names_the_bytes_and_what_is_in_them() {
    let end = [command(&["MULTI"]), command(&["SET", "k", "v"]), b"*1\r\n$4\r\nEX".to_vec()].concat();
    let (_directory, path) = with_file("a.aof", &[whole(), end.clone()].concat());
    let (_, out, _) = run(&["--dry-run"], &path);
    let out = out.split_whitespace().collect::<Vec<_>>().join(" ");
    let (from, to) = (whole().len(), whole().len() + end.len());
    for wanted in [
        format!("bytes {from}..{to} of "),
        format!("{} bytes, 2 records and one that is not whole", end.len()),
        "with MULTI, SET".to_owned(),
        "a.aof.aofkit-kept-1".to_owned(),
        "[end]".to_owned(),
    ] {
        assert!(out.contains(&wanted), "{wanted:?} is not in\n{out}");
    }
}

#[test]
fn the_outcome_as_json_keeps_its_fields() {
    let (_directory, path) = with_file("a.aof", &[whole(), b"*1\r\n$4\r\nPI".to_vec()].concat());
    let json = |options: &[&str]| -> serde_json::Value {
        let (_, out, _) = run(&[options, &["--format", "json"]].concat(), &path);
        serde_json::from_str(&out).unwrap()
    };
    let cut = whole().len();
    let fixed = json(&["--yes"]);
    assert_eq!(fixed["outcome"], "fixed");
    assert_eq!(
        (&fixed["cut_at"], &fixed["removed_bytes"], &fixed["bytes"]),
        (&cut.into(), &10.into(), &(cut + 10).into())
    );
    assert_eq!((&fixed["applied"], &fixed["sound"]), (&true.into(), &true.into()));
    assert_eq!(fixed["finding"]["code"], "truncated-record");
    let copy = fixed["copy"].as_str().unwrap();
    assert_eq!(fs::read(copy).unwrap(), b"*1\r\n$4\r\nPI");
    let keys: Vec<&str> = fixed.as_object().unwrap().keys().map(String::as_str).collect();
    let mut documented = vec![
        "aofkit",
        "schema",
        "outcome",
        "path",
        "part",
        "bytes",
        "cut_at",
        "removed_bytes",
        "salvage",
        "changes",
        "loads_after",
        "copy",
        "applied",
        "sound",
        "finding",
        "server",
        "chosen_by",
        "records",
        "records_behind",
        "notes",
        "manifest",
        "travel",
        "message",
        "advice",
    ];
    documented.sort_unstable();
    assert_eq!(keys, documented);
    assert_eq!(json(&["--yes"])["outcome"], "sound");
    assert_eq!(json(&["--undo"])["outcome"], "restored");
    let refused: serde_json::Value = serde_json::from_str(&run(&["--format", "json"], Path::new("-")).1).unwrap();
    assert_eq!(refused["outcome"], "refused");
}

#[test]
fn a_name_that_is_not_utf8_is_fixed_like_any_other() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join(OsStr::from_bytes(b"\xff.aof"));
    fs::write(&path, [whole(), b"*1".to_vec()].concat()).unwrap();
    let (code, out, _) = run(&["--yes", "--format", "json"], &path);
    assert_eq!(code, 0);
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert!(json["part"]["base64"].is_string());
    assert_eq!(run(&["--undo"], &path).0, 0);
    assert_eq!(fs::read(&path).unwrap(), [whole(), b"*1".to_vec()].concat());
}

#[test]
fn a_log_that_was_written_to_after_the_cut_keeps_what_was_written() {
    let (_directory, path) = with_file("a.aof", &[whole(), b"*1\r\n$4\r\nPI".to_vec()].concat());
    assert_eq!(run(&["--yes"], &path).0, 0);
    let grown = [whole(), command(&["SET", "new", "value"])].concat();
    fs::write(&path, &grown).unwrap();
    let (code, _, talk) = run(&["--undo"], &path);
    assert_eq!(code, 2);
    assert!(talk.contains("has grown by 33 bytes since"), "{talk}");
    assert_eq!(fs::read(&path).unwrap(), grown);
    fs::write(&path, b"").unwrap();
    assert!(run(&["--undo"], &path).2.contains("cut again or replaced"));
}

#[test]
fn what_a_link_leads_to_is_cut_and_the_copy_lies_there() {
    let log = [whole(), b"*1".to_vec()].concat();
    let (directory, path) = with_file("real.aof", &log);
    let other = TempDir::new().unwrap();
    let link = other.path().join("link.aof");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    assert_eq!(run(&["--yes"], &link).0, 0);
    assert!(link.is_symlink() && names_in(other.path()) == ["link.aof"]);
    assert_eq!(fs::read(&path).unwrap(), whole());
    assert_eq!(names_in(directory.path()), ["real.aof", "real.aof.aofkit-kept-1"]);
    assert_eq!(run(&["--undo"], &link).0, 0);
    assert_eq!((fs::read(&path).unwrap(), names_in(directory.path())), (log, vec!["real.aof".to_owned()]));
}

#[cfg(target_os = "linux")]
#[test]
fn a_log_that_a_process_appends_to_is_refused_unless_forced() {
    let (directory, path) = with_file("a.aof", &[whole(), b"*1".to_vec()].concat());
    let open = fs::OpenOptions::new().append(true).open(&path).unwrap();
    let mut process = Command::new("sleep").arg("60").stdout(open).spawn().unwrap();
    let (code, _, talk) = run_with(&["--yes"], &path);
    let names = names_in(directory.path());
    let forced = run(&["--yes"], &path).0;
    process.kill().unwrap();
    process.wait().unwrap();
    assert_eq!((code, forced), (2, 0));
    assert!(talk.contains("open for writing") && talk.contains(&process.id().to_string()), "{talk}");
    assert_eq!(names, ["a.aof"]);
}

#[test]
fn a_directory_that_cannot_be_written_to_is_an_error_that_changes_nothing() {
    use std::os::unix::fs::PermissionsExt;
    let log = [whole(), b"*1".to_vec()].concat();
    let (directory, path) = with_file("a.aof", &log);
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o555)).unwrap();
    if fs::write(directory.path().join("probe"), b"").is_ok() {
        eprintln!("skipped: this user may write anywhere");
        return;
    }
    let (code, _, talk) = run(&["--yes"], &path);
    assert_eq!(code, 2);
    assert!(talk.contains("aofkit-kept-"), "{talk}");
    assert_eq!(fs::read(&path).unwrap(), log);
}

#[test]
fn a_person_at_a_terminal_is_asked() {
    let log = [whole(), b"*1".to_vec()].concat();
    for (answer, left, code) in [("n\n", log.clone(), 1), ("y\n", whole(), 0)] {
        let (_directory, path) = with_file("a.aof", &log);
        let mut fix = Command::new(env!("CARGO_BIN_EXE_aofkit"));
        fix.arg("fix").arg(&path);
        let (exit, text) = terminal::run_answering(fix, answer);
        assert!(text.contains(&format!("at byte {}? [y/N]", whole().len())), "{text}");
        assert_eq!(exit, code, "{text}");
        assert_eq!(fs::read(&path).unwrap(), left, "{text}");
    }
}

#[test]
fn a_full_disk_leaves_the_file_whole_and_no_copy() {
    // The limit on file sizes simulates a full disk: the copy cannot be completed.
    let log = [whole(), vec![b'x'; 1 << 20]].concat();
    let (directory, path) = with_file("a.aof", &log);
    let line =
        format!("trap '' XFSZ; ulimit -f 100; '{}' fix --yes '{}'", env!("CARGO_BIN_EXE_aofkit"), path.display());
    let output = Command::new("sh").args(["-c", &line]).stdin(Stdio::null()).output().unwrap();
    let talk = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{talk}");
    assert!(talk.contains("cannot keep a copy"), "{talk}");
    assert_eq!(fs::read(&path).unwrap(), log);
    assert_eq!(names_in(directory.path()), ["a.aof"]);
}

#[test]
fn what_the_server_refuses_is_not_explained_by_a_verdict_that_is_not_shown() {
    let (code, out, _) = run(&["--dry-run"], Path::new("testdata/damaged/wrong-arity.aof"));
    assert_eq!(code, 1);
    assert!(
        out.contains("run: aofkit check testdata") && !out.to_lowercase().contains("see the server's verdict"),
        "{out}"
    );
}

#[test]
fn a_missing_manifest_is_written_and_undone() {
    let (directory, parts) = multi_part(&whole(), &whole(), &whole());
    let path = parts.join("a.aof.manifest");
    fs::remove_file(&path).unwrap();
    fs::remove_file(parts.join("a.aof.0.incr.aof")).unwrap();
    let before = names_in(&parts);
    let (code, out, _) = run(&["--dry-run"], directory.path());
    assert!(code == 1 && out.contains("which is missing:"), "{out}");
    assert_eq!(names_in(&parts), before);
    let (code, out, _) = run(&["--yes"], directory.path());
    assert!(code == 0 && out.contains("checked again: nothing is damaged"), "{out}");
    let manifest = "file a.aof.1.base.aof seq 1 type b\nfile a.aof.1.incr.aof seq 1 type i\n\
                    file a.aof.2.incr.aof seq 2 type i\n";
    assert_eq!(fs::read_to_string(&path).unwrap(), manifest);
    let (code, out, _) = run(&["--undo"], directory.path());
    assert!(code == 0 && out.contains("the log from before the fix is back"), "{out}");
    assert_eq!(names_in(&parts), before);
}

#[test]
fn in_an_init_container_only_what_was_done_is_said() {
    let init = &["--yes", "--quiet", "--detailed-exit-code"];
    let (directory, path) = with_file("a.aof", &[whole(), b"*1\r\n$4\r\nPI".to_vec()].concat());
    let (code, out, talk) = run(init, &path);
    assert!(out.starts_with(&format!("{} was cut at byte {}; ", path.display(), whole().len())), "{out}");
    assert_eq!((code, out.lines().count(), talk.as_str()), (3, 3, ""), "{out}");
    assert_eq!(run(init, &path), (0, String::new(), String::new()), "there is nothing to do");
    fs::create_dir(directory.path().join("empty")).unwrap();
    assert_eq!(run(init, &directory.path().join("empty")), (0, String::new(), String::new()), "a fresh volume");
    fs::write(&path, b"\x89PNG\r\n\x1a\n a picture").unwrap();
    let (code, out, _) = run(init, &path);
    assert_eq!((code, out.lines().count()), (1, 2), "{out}");
    fs::write(&path, [whole(), b"*1\r\n$4\r\nPI".to_vec()].concat()).unwrap();
    let (code, out, _) = run(&["--quiet"], &path);
    assert!(code == 1 && out.starts_with("nothing was changed\nhint: there is no terminal"), "{out}");
}
