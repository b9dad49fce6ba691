//! `aofkit rewrite` and `aofkit digest` as their users see them.

use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use predicates::str::contains;
use tempfile::TempDir;

use crate::harness::log::log as commands;
use crate::harness::program::{aofkit, file, rewritten};

fn digest(path: &Path) -> String {
    let output = aofkit("digest").arg(path).assert().success();
    String::from_utf8(output.get_output().stdout.clone()).unwrap().trim().to_owned()
}

#[test]
fn a_part_of_the_data_is_what_was_asked_for() {
    let directory = TempDir::new().unwrap();
    let lines = [
        "#TS:1700000000",
        "SET user:1 a",
        "SET user:2 b",
        "PEXPIREAT user:2 1700000005000",
        "SELECT 4",
        "SET user:3 c",
        "SET other d",
        "#TS:1700000100",
        "SELECT 0",
        "RPUSH list x y z",
    ];
    let log = file(&directory, "a.aof", &commands(&lines));
    let all = [
        "SELECT 0",
        "SET user:1 a",
        "SET user:2 b PXAT 1700000005000",
        "RPUSH list x y z",
        "SELECT 4",
        "SET user:3 c",
        "SET other d",
    ];
    assert_eq!(rewritten(&log, &[]), all);
    assert_eq!(rewritten(&log, &["--threads", "1"]), all);
    assert_eq!(rewritten(&log, &["--db", "4", "--key", "user:*"]), ["SELECT 4", "SET user:3 c"]);
    let sorted = ["SELECT 4", "SET other d", "SET user:3 c"];
    assert_eq!(rewritten(&log, &["--db", "4", "--sort"]), sorted);
    let left = ["SELECT 0", "SET user:1 a", "RPUSH list x y", "RPUSH list z"];
    assert_eq!(rewritten(&log, &["--db", "0", "--drop-expired", "--batch", "2"]), left);
    assert_eq!(rewritten(&log, &["--db", "0", "--drop-expired=1700000004"]).len(), 4);
    let then = rewritten(&log, &["--at", "2023-11-14T22:14:00Z"]);
    assert_eq!(then, all.into_iter().filter(|line| !line.starts_with("RPUSH")).collect::<Vec<_>>());
    let first = commands(&lines[..2]).len();
    assert_eq!(rewritten(&log, &["--at-offset", &first.to_string()]), ["SELECT 0", "SET user:1 a"]);
}

#[test]
fn files_directories_and_rdbs_hold_the_same_data() {
    let directory = TempDir::new().unwrap();
    let lines = ["SET a 1", "HSET h f v", "SADD s 1 2", "ZADD z 1.5 m", "XADD x 1-1 f v", "SELECT 9", "SETRANGE r 3 q"];
    let log = file(&directory, "a.aof", &commands(&lines));
    for base in ["aof", "rdb"] {
        for output in ["new.aof", "new/"] {
            let path = directory.path().join(format!("{base}-{output}"));
            let path = if output.ends_with('/') { path.join("") } else { path };
            aofkit("rewrite").args(["--verify", "--base", base, "-o"]).arg(&path).arg(&log).assert().success();
            assert_eq!(digest(&path), digest(&log), "{}", path.display());
            aofkit("check").arg(&path).assert().success();
        }
    }
}

#[test]
fn what_a_servers_digest_does_not_cover_is_compared_as_well() {
    let directory = TempDir::new().unwrap();
    let lines = [
        "XADD x 5-1 a b",
        "XADD x 5-2 a b",
        "XGROUP CREATE x group 5-1 ENTRIESREAD 1",
        "XCLAIM x group consumer 0 5-2 TIME 1700000000000 RETRYCOUNT 3 FORCE JUSTID",
        "XDEL x 5-1",
        "HSET h f v",
        "HPEXPIREAT h 4102444800000 FIELDS 1 f",
        "JSON.SET doc $ 1",
        "RENAME doc other",
        "PEXPIREAT other 4102444800000",
    ];
    let log = file(&directory, "a.aof", &commands(&lines));
    let output = directory.path().join("b.aof");
    aofkit("rewrite").args(["--unknown", "keep", "--verify", "-o"]).arg(&output).arg(&log).assert().success();
    let again = fs::read(&output).unwrap();
    let other = directory.path().join("c.aof");
    aofkit("rewrite").args(["--unknown", "keep", "-o"]).arg(&other).arg(&output).assert().success();
    assert_eq!(fs::read(&other).unwrap(), again);
}

#[test]
fn entries_read_are_limited_for_servers_that_do_so() {
    let directory = TempDir::new().unwrap();
    let lines = ["XGROUP CREATE s g 0 MKSTREAM ENTRIESREAD 22", "XADD s 1-1 f v"];
    let log = file(&directory, "a.aof", &commands(&lines));
    for (server, expected) in
        [("redis-8.6", "0"), ("redis-8.2", "0"), ("redis-8.0", "22"), ("redis-7.0", "22"), ("auto", "22")]
    {
        let lines = rewritten(&log, &["--server", server]);
        let group = lines.iter().find(|line| line.starts_with("XGROUP CREATE ")).unwrap();
        assert!(group.ends_with(&format!("ENTRIESREAD {expected}")), "{server}: {group}");
    }
}

#[test]
fn nothing_is_written_over_unasked() {
    let directory = TempDir::new().unwrap();
    let log = file(&directory, "a.aof", &commands(&["SET a 1", "SET a 2"]));
    let before = fs::read(&log).unwrap();
    aofkit("rewrite").arg("-o").arg(&log).arg(&log).assert().code(2).stderr(contains("hint: --in-place"));
    let other = file(&directory, "b.aof", b"precious");
    aofkit("rewrite").arg("-o").arg(&other).arg(&log).assert().code(2).stderr(contains("--force"));
    assert_eq!((fs::read(&log).unwrap(), fs::read(&other).unwrap()), (before, b"precious".to_vec()));
    aofkit("rewrite").arg("--force").arg("-o").arg(&other).arg(&log).assert().success();
    assert_eq!(digest(&other), digest(&log));
    let parts = directory.path().join("parts/");
    aofkit("rewrite").arg("-o").arg(&parts).arg(&log).assert().success();
    aofkit("rewrite")
        .arg("-o")
        .arg(&parts)
        .arg(&log)
        .assert()
        .code(2)
        .stderr(contains("there is a log in this directory"));
}

#[test]
fn in_place_shows_what_would_change_and_asks_first() {
    let directory = TempDir::new().unwrap();
    let whole = commands(&["SET a 1", "SET a 2", "SET b 3"]);
    let log = file(&directory, "a.aof", &whole);
    for (options, code, said) in
        [(&[][..], 1, "hint: there is no terminal"), (&["--dry-run"], 0, "nothing was changed (--dry-run)")]
    {
        aofkit("rewrite")
            .arg("--in-place")
            .args(options)
            .arg(&log)
            .assert()
            .code(code)
            .stdout(contains(said).and_is("read back").and_is("a.aof.aofkit-kept-1").and_is("loads in"));
        assert_eq!(fs::read(&log).unwrap(), whole);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }
    aofkit("rewrite")
        .args(["--in-place", "--yes"])
        .arg(&log)
        .assert()
        .success()
        .stdout(contains("aofkit rewrite --undo").and_is("aofkit rewrite --discard-copies"));
    let small = commands(&["SELECT 0", "SET a 2", "SET b 3"]);
    assert_eq!(fs::read(&log).unwrap(), small);
    let part = aofkit("rewrite").args(["--in-place", "--yes", "--key", "a"]).arg(&log).assert().success();
    part.stdout(contains("dropped   1 key that --db and --key leave out").and_is("keys      2 → 1"));
    assert_eq!(fs::read(&log).unwrap(), commands(&["SELECT 0", "SET a 2"]));
    assert_eq!(fs::read(directory.path().join("a.aof.aofkit-kept-2/a.aof")).unwrap(), small);
    aofkit("rewrite").args(["--undo", "--dry-run"]).arg(&log).assert().success().stdout(contains("would put back"));
    // Either command puts back what either kept.
    aofkit("rewrite").arg("--undo").arg(&log).assert().success().stdout(contains("is back"));
    assert_eq!(fs::read(&log).unwrap(), small);
    aofkit("fix").arg("--undo").arg(&log).assert().success().stdout(contains("is back"));
    assert_eq!(fs::read(&log).unwrap(), whole);
    aofkit("rewrite").arg("--undo").arg(&log).assert().code(2).stderr(contains("nothing to put back"));
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);

    aofkit("rewrite").args(["--in-place", "--yes"]).arg(&log).assert().success();
    let json = aofkit("fix").args(["--discard-copies", "--format", "json"]).arg(&log).assert().success();
    let json: serde_json::Value = serde_json::from_slice(&json.get_output().stdout).unwrap();
    assert_eq!((&json["outcome"], &json["bytes"]), (&"discarded".into(), &whole.len().into()));
    aofkit("fix").arg("--discard-copies").arg(&log).assert().success().stdout(contains("no copies"));
    assert_eq!(fs::read(&log).unwrap(), small);
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
}

#[test]
fn what_cannot_be_replaced_is_refused() {
    let directory = TempDir::new().unwrap();
    let whole = commands(&["SET a 1", "SET a 2"]);
    let log = file(&directory, "a.aof", &whole);
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut encoder, &whole).unwrap();
    let compressed = file(&directory, "c.aof.gz", &encoder.finish().unwrap());
    let in_place = ["--in-place", "--yes"];
    aofkit("rewrite").args(in_place).arg(&compressed).assert().code(2).stderr(contains("is compressed"));
    aofkit("rewrite").args(in_place).arg("-").assert().code(2).stderr(contains("standard input"));
    aofkit("rewrite").arg(&log).assert().code(2).stderr(contains("--in-place"));
    aofkit("rewrite").args(["--dry-run", "-o", "-"]).arg(&log).assert().code(2).stderr(contains("--dry-run needs"));
    // The server that it is for would not load it.
    let parts = directory.path().join("parts/");
    aofkit("rewrite").arg("-o").arg(&parts).arg(&log).assert().success();
    let refused = aofkit("rewrite").args(in_place).args(["--target", "redis-6.2"]).arg(&parts).assert().code(2);
    refused.stderr(contains("redis-6.2 would not load the new log: it reads no directories; nothing was changed"));
    assert_eq!(fs::read_dir(&parts).unwrap().count(), 3);
    assert_eq!(digest(&parts), digest(&log));
}

#[cfg(target_os = "linux")]
#[test]
fn a_log_that_a_process_has_open_is_replaced_only_by_force() {
    let directory = TempDir::new().unwrap();
    let log = file(&directory, "a.aof", &commands(&["SET a 1", "SET a 2"]));
    let before = fs::read(&log).unwrap();
    for (options, said) in [(true, "has the file open for writing"), (false, "is reading the file")] {
        let opened = fs::OpenOptions::new().append(options).read(!options).open(&log).unwrap();
        let mut process = std::process::Command::new("sleep").arg("60").stdin(opened).spawn().unwrap();
        let in_place = ["--in-place", "--yes"];
        let refused = aofkit("rewrite").args(in_place).arg(&log).assert().code(2);
        refused.stderr(contains(said).and_is("hint: --force"));
        assert_eq!(fs::read(&log).unwrap(), before);
        let forced = aofkit("rewrite").args(in_place).arg("--force").arg(&log).assert().success();
        process.kill().unwrap();
        process.wait().unwrap();
        forced.stderr(contains(said).and_is("goes on writing to a deleted file"));
        aofkit("rewrite").arg("--undo").arg(&log).assert().success();
    }
}

#[test]
fn a_flush_in_the_log_is_shown_with_the_way_back() {
    let directory = TempDir::new().unwrap();
    let before = commands(&["SET a 1", "SET b 2", "SELECT 3", "RPUSH l x"]);
    let log = file(&directory, "a.aof", &[before.clone(), commands(&["FLUSHALL"])].concat());
    let at = before.len();
    let plan = aofkit("rewrite").args(["--in-place", "--dry-run"]).arg(&log).assert().success();
    let out = String::from_utf8(plan.get_output().stdout.clone()).unwrap();
    let file_name = log.display();
    for said in [
        format!("FLUSHALL at byte {at} of {} removed 3 keys", log.file_name().unwrap().display()),
        format!("aofkit rewrite --at-offset {at} -o FILE {file_name}"),
    ] {
        assert!(out.contains(&said), "{said}: {out}");
    }
    let output = directory.path().join("before.aof");
    aofkit("rewrite").args(["--at-offset", &at.to_string(), "-o"]).arg(&output).arg(&log).assert().success();
    assert_eq!(digest(&output), digest(&file(&directory, "b.aof", &before)));
    let json = aofkit("rewrite").args(["--in-place", "--yes", "--format", "json"]).arg(&log).assert().success();
    let json: serde_json::Value = serde_json::from_slice(&json.get_output().stdout).unwrap();
    assert_eq!((&json["outcome"], &json["flushes"][0]["keys"]), (&"replaced".into(), &3.into()));
    assert_eq!(json["flushes"][0]["database"], serde_json::Value::Null);
}

/// Makes a FIFO.
fn fifo(directory: &TempDir) -> PathBuf {
    let path = directory.path().join("fifo");
    assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
    path
}

#[test]
fn what_is_no_regular_file_is_written_to_as_it_is() {
    use std::os::unix::fs::FileTypeExt;
    let directory = TempDir::new().unwrap();
    let log = file(&directory, "a.aof", &commands(&["SET a 1", "SET a 2"]));
    let expected = commands(&["SELECT 0", "SET a 2"]);
    let path = fifo(&directory);
    let link = directory.path().join("link-to-fifo");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    for output in [&path, &link] {
        for force in [&[][..], &["--force"]] {
            let from = path.clone();
            let reader = std::thread::spawn(move || fs::read(from).unwrap());
            aofkit("rewrite").args(force).arg("-o").arg(output).arg(&log).timeout(TIMEOUT).assert().success();
            assert_eq!(reader.join().unwrap(), expected);
            assert!(path.symlink_metadata().unwrap().file_type().is_fifo());
        }
    }
    assert!(link.is_symlink());
    aofkit("rewrite").args(["--verify", "-o"]).arg(&path).arg(&log).assert().code(2).stderr(contains("--verify"));
    // A pipe, and a file that the shell opened.
    let output = aofkit("rewrite").args(["-o", "/dev/stdout"]).arg(&log).assert().success();
    assert_eq!(output.get_output().stdout, expected);
    let binary = env!("CARGO_BIN_EXE_aofkit");
    let line = format!("'{binary}' rewrite -o /dev/stdout a.aof > out.aof");
    Command::new("sh").args(["-c", &line]).current_dir(directory.path()).assert().success();
    assert_eq!(fs::read(directory.path().join("out.aof")).unwrap(), expected);
}

/// Long enough for anything here.
const TIMEOUT: std::time::Duration = std::time::Duration::from_mins(1);

#[test]
fn a_link_keeps_pointing_at_what_is_written() {
    use std::os::unix::fs::symlink;
    let directory = TempDir::new().unwrap();
    let log = file(&directory, "a.aof", &commands(&["SET a 1", "SET a 2"]));
    let expected = commands(&["SELECT 0", "SET a 2"]);
    fs::create_dir(directory.path().join("elsewhere")).unwrap();
    let old = file(&directory, "elsewhere/old", b"precious");
    for (link, target, force) in [("one", "elsewhere/old", true), ("two", "elsewhere/new", false)] {
        let link = directory.path().join(link);
        symlink(target, &link).unwrap();
        if force {
            aofkit("rewrite").arg("-o").arg(&link).arg(&log).assert().code(2).stderr(contains("--force"));
            assert_eq!(fs::read(&old).unwrap(), b"precious");
        }
        let options: &[&str] = if force { &["--force"] } else { &[] };
        aofkit("rewrite").args(options).arg("-o").arg(&link).arg(&log).assert().success();
        assert!(link.is_symlink());
        assert_eq!(fs::read(directory.path().join(target)).unwrap(), expected);
    }
    // A linked manifest is followed, and its parts lie where the link is.
    let parts = directory.path().join("parts/");
    aofkit("rewrite").arg("-o").arg(&parts).arg(&log).assert().success();
    let manifest = parts.join("appendonly.aof.manifest");
    let real = directory.path().join("elsewhere/m");
    fs::rename(&manifest, &real).unwrap();
    symlink("../elsewhere/m", &manifest).unwrap();
    let before = fs::read(&real).unwrap();
    aofkit("rewrite").args(["--in-place", "--yes"]).arg(&parts).assert().success();
    assert!(manifest.is_symlink() && fs::read(&real).unwrap() != before);
    assert_eq!(digest(&parts), digest(&log));
    assert!(parts.join("appendonly.aof.manifest.aofkit-kept-1").is_dir());
    aofkit("rewrite").arg("--undo").arg(&parts).assert().success();
    assert!(manifest.is_symlink());
    assert_eq!((fs::read(&real).unwrap(), digest(&parts)), (before, digest(&log)));
}

#[test]
fn only_those_who_may_read_the_whole_log_may_read_the_new_one() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
    let directory = TempDir::new().unwrap();
    let log = file(&directory, "a.aof", &commands(&["SET a 1", "SET a 2"]));
    let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
    // What comes from a pipe is a new file of this user, with the mask that the user has set.
    let binary = env!("CARGO_BIN_EXE_aofkit");
    let line =
        format!("umask 027; cat a.aof | '{binary}' rewrite -o piped.aof - && '{binary}' rewrite -o piped/ - < a.aof");
    Command::new("sh").args(["-c", &line]).current_dir(directory.path()).assert().success();
    assert_eq!(mode(&directory.path().join("piped.aof")), 0o640);
    assert_eq!(mode(&directory.path().join("piped/appendonly.aof.1.base.aof")), 0o640);
    // The base is for its owner alone, the rest for everybody.
    let parts = directory.path().join("parts/");
    aofkit("rewrite").arg("-o").arg(&parts).arg(&log).assert().success();
    let base = parts.join("appendonly.aof.1.base.aof");
    fs::set_permissions(&base, fs::Permissions::from_mode(0o600)).unwrap();
    let output = directory.path().join("b.aof");
    aofkit("rewrite").arg("-o").arg(&output).arg(&parts).assert().success();
    assert_eq!(mode(&output), 0o600);
    aofkit("rewrite").args(["--in-place", "--yes"]).arg(&parts).assert().success();
    assert_eq!(mode(&parts.join("appendonly.aof.2.base.aof")), 0o600);
    assert_eq!(mode(&parts.join("appendonly.aof.manifest.aofkit-kept-1")), 0o700);
    // Root makes a directory that the server can write to.
    if chown(&log, Some(999), Some(998)).is_ok() {
        let new = directory.path().join("new/");
        aofkit("rewrite").arg("-o").arg(&new).arg(&log).assert().success();
        for path in [new.clone(), new.join("appendonly.aof.manifest"), new.join("appendonly.aof.1.incr.aof")] {
            let metadata = fs::metadata(&path).unwrap();
            assert_eq!((metadata.uid(), metadata.gid()), (999, 998), "{}", path.display());
        }
    }
}

#[test]
fn a_run_that_is_killed_leaves_no_draft() {
    let directory = TempDir::new().unwrap();
    let log = file(&directory, "a.aof", &commands(&["SET a 1"]));
    // It waits for a reader that never comes.
    let path = fifo(&directory);
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_aofkit"))
        .args(["rewrite", "-o"])
        .args([&path, &log])
        .spawn()
        .unwrap();
    // A FIFO without a writer opens for reading at once without waiting, and the run has begun when it has its
    // handlers.
    let status = format!("/proc/{}/status", child.id());
    let catches = || {
        let status = fs::read_to_string(&status).unwrap_or_default();
        let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).map_or("0", str::trim);
        u64::from_str_radix(mask, 16).unwrap_or(0) & 1 << 14 != 0
    };
    while !catches() && child.try_wait().unwrap().is_none() {
        std::thread::yield_now();
    }
    let kill = std::process::Command::new("kill").arg(child.id().to_string()).status().unwrap();
    assert!(kill.success());
    let status = child.wait().unwrap();
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(15), "as without a handler");
}

#[test]
fn a_cut_end_is_left_out_and_told_and_damage_is_an_exit_code() {
    let directory = TempDir::new().unwrap();
    let mut cut = commands(&["SET a 1", "SET b 2"]);
    cut.truncate(cut.len() - 3);
    let log = file(&directory, "cut.aof", &cut);
    aofkit("rewrite").args(["-o", "-"]).arg(&log).assert().success().stderr(contains("ignoring everything after byte"));
    aofkit("rewrite").args(["--strict", "-o", "-"]).arg(&log).assert().code(2).stdout("");
    aofkit("digest").arg("--strict").arg(&log).assert().code(2);
    let damaged = [commands(&["SET a 1"]), b"garbage\r\n".to_vec(), commands(&["SET b 1"])].concat();
    let log = file(&directory, "damaged.aof", &damaged);
    aofkit("rewrite").args(["-o", "-"]).arg(&log).assert().code(1).stdout(contains("SET"));
    aofkit("rewrite").arg("--in-place").arg(&log).assert().code(2).stderr(contains("would lose"));
    aofkit("digest").arg(&log).assert().code(1);
    assert_eq!(fs::read(&log).unwrap(), damaged);
}

#[test]
fn unknown_commands_are_named_with_their_first_place() {
    let directory = TempDir::new().unwrap();
    let log = file(&directory, "a.aof", &commands(&["SET a 1", "JSON.SET doc $ 1", "EVAL x 0", "JSON.SET doc $ 2"]));
    aofkit("rewrite")
        .args(["-o", "-"])
        .arg(&log)
        .assert()
        .code(2)
        .stdout("")
        .stderr(contains("unknown command EVAL, 1 time (first at byte ").and_is("JSON.SET, 2 times"));
    aofkit("rewrite").args(["--unknown", "keep", "-o", "-"]).arg(&log).assert().code(2).stderr(contains("EVAL"));
    assert_eq!(rewritten(&log, &["--unknown", "skip"]), ["SELECT 0", "SET a 1"]);
}

/// Both texts, wherever they stand.
trait Both: predicates::Predicate<str> + Sized {
    fn and_is(self, other: &'static str) -> impl predicates::Predicate<str> {
        predicates::prelude::PredicateBooleanExt::and(self, contains(other))
    }
}

impl<P: predicates::Predicate<str>> Both for P {}

#[test]
fn the_report_for_programs_says_what_was_done() {
    let directory = TempDir::new().unwrap();
    let log = file(&directory, "a.aof", &commands(&["SET a 1", "INCR a", "LPOP a", "PING", "SADD s 1"]));
    let output = directory.path().join("b.aof");
    let report =
        aofkit("rewrite").args(["--verify", "--format", "json", "-o"]).arg(&output).arg(&log).assert().success();
    let report: serde_json::Value = serde_json::from_slice(&report.get_output().stdout).unwrap();
    assert_eq!(report["before"]["records"], 5);
    assert_eq!(report["after"]["records"], 3);
    assert_eq!(report["after"]["bytes"], fs::metadata(&output).unwrap().len());
    assert_eq!(report["keys"], serde_json::json!({"string": 1, "set": 1}));
    assert_eq!(report["without_effect"], serde_json::json!({"ignored": 1, "failed": 1}));
    assert_eq!((&report["verified"], &report["base"]), (&true.into(), &"aof".into()));
}

#[test]
fn an_older_target_names_what_it_cannot_hold() {
    let directory = TempDir::new().unwrap();
    let lines = ["HSET h f v g w", "HPEXPIREAT h 4102444800000 FIELDS 1 f", "XADD x 5-1 a b"];
    let log = file(&directory, "a.aof", &commands(&lines));
    let output = directory.path().join("b.aof");
    aofkit("rewrite")
        .args(["--target", "redis-6.2", "--allow-loss", "--verify", "-o"])
        .arg(&output)
        .arg(&log)
        .assert()
        .success()
        .stdout(contains("given up").and_is("1 field expiry"));
    let written = String::from_utf8(fs::read(&output).unwrap()).unwrap();
    assert!(!written.contains("HPEXPIREAT") && !written.contains("ENTRIESADDED"), "{written}");
    // A version may be named as its server does.
    assert_eq!(rewritten(&log, &["--target", "valkey-9.1"]), rewritten(&log, &["--target", "valkey-9"]));
}

#[test]
fn nothing_is_given_up_unasked() {
    let directory = TempDir::new().unwrap();
    let bytes = commands(&["HSET h f v g w", "HPEXPIREAT h 4102444800000 FIELDS 1 f"]);
    let log = file(&directory, "a.aof", &bytes);
    let refused = |options: &[&str]| {
        let mut command = aofkit("rewrite");
        command.current_dir(directory.path()).args(["--target", "redis-7.0"]).args(options).arg(&log);
        let named = contains("would lose 1 field expiry").and_is("--allow-loss");
        command.assert().code(1).stdout("").stderr(named);
    };
    refused(&["-o", "-"]);
    refused(&["-o", "b.aof"]);
    refused(&["-o", "b.aof", "--base", "rdb"]);
    refused(&["-o", "parts/"]);
    refused(&["--in-place"]);
    assert_eq!(fs::read(&log).unwrap(), bytes);
    assert!(!directory.path().join("b.aof").exists());
    assert!(!directory.path().join("parts/appendonly.aof.manifest").exists());
    assert_eq!(rewritten(&log, &["--target", "redis-7.0", "--allow-loss"]), ["SELECT 0", "HSET h f v g w"]);

    // The producers of a stream are known to one version alone.
    let log = file(&directory, "producers.aof", &commands(&["XADD x IDMP p i 5-1 a b"]));
    for base in ["aof", "rdb"] {
        let output = directory.path().join(base);
        let mut command = aofkit("rewrite");
        command.args(["--target", "redis-8.0", "--base", base, "-o"]).arg(&output).arg(&log);
        command.assert().code(1).stderr(contains("would lose 1 stream whose producers"));
        assert!(!output.exists());
        let mut command = aofkit("rewrite");
        command
            .args(["--target", "redis-8.6", "--base", base, "--verify", "-o"])
            .arg(&output)
            .arg(&log)
            .assert()
            .success();
    }

    // What fits is nothing to ask for.
    let bytes = commands(&["XADD x 5-1 a b", "XADD x 6-1 a b", "XGROUP CREATE x g 6-1"]);
    let log = file(&directory, "stream.aof", &bytes);
    let all = ["SELECT 0", "XADD x 5-1 a b", "XADD x 6-1 a b", "XGROUP CREATE x g $"];
    assert_eq!(rewritten(&log, &["--target", "redis-6.2"]), all);
}

#[test]
fn pending_entries_that_no_command_makes_stay_in_an_rdb() {
    let directory = TempDir::new().unwrap();
    let log = file(
        &directory,
        "a.aof",
        &commands(&[
            "XADD x 5-1 a b",
            "XADD x 6-1 a b",
            "XGROUP CREATE x g 6-1",
            "XCLAIM x g c 0 5-1 6-1 TIME 1 FORCE JUSTID",
            "XDEL x 6-1",
        ]),
    );
    let kept = [
        "SELECT 0",
        "XADD x 5-1 a b",
        "XADD x 6-1  ",
        "XSETID x 6-1 MAXDELETEDID 6-1",
        "XGROUP CREATE x g $",
        "XCLAIM x g c 0 5-1 6-1 TIME 1 JUSTID FORCE",
        "XDEL x 6-1",
    ];
    assert_eq!(rewritten(&log, &[]), kept);
    // Now the counters say that nothing was deleted.
    let lines = ["XSETID x 6-1 ENTRIESADDED 1"];
    let log = file(&directory, "b.aof", &[fs::read(&log).unwrap(), commands(&lines)].concat());
    let output = directory.path().join("c.aof");
    let mut command = aofkit("rewrite");
    command
        .arg("-o")
        .arg(&output)
        .arg(&log)
        .assert()
        .code(1)
        .stderr(contains("1 pending entry").and_is("--base rdb keeps"));
    aofkit("rewrite").args(["--base", "rdb", "--verify", "-o"]).arg(&output).arg(&log).assert().success();
}

#[test]
fn kept_commands_follow_an_rdb() {
    let directory = TempDir::new().unwrap();
    let lines = ["SET a 1", "JSON.SET doc $ 1", "SELECT 3", "SET b 1", "JSON.SET b $ 2", "PEXPIREAT b 4102444800000"];
    let log = file(&directory, "a.aof", &commands(&lines));
    for output in ["new.aof", "new/"] {
        let path = directory.path().join(output);
        let options = ["--unknown", "keep", "--base", "rdb", "--verify", "-o"];
        aofkit("rewrite").args(options).arg(&path).arg(&log).assert().success();
        let base = if path.is_dir() { path.join("appendonly.aof.1.base.rdb") } else { path.clone() };
        assert!(fs::read(base).unwrap().starts_with(b"REDIS"));
        let kept = [
            "SELECT 0",
            "SET a 1",
            "JSON.SET doc $ 1",
            "SELECT 3",
            "SET b 1",
            "JSON.SET b $ 2",
            "PEXPIREAT b 4102444800000",
        ];
        assert_eq!(rewritten(&path, &["--unknown", "keep"]), kept, "{output}");
    }
    let mut in_place = aofkit("rewrite");
    in_place.args(["--unknown", "keep", "--in-place", "--yes"]).arg(directory.path().join("new")).assert().success();
    assert_eq!(rewritten(&directory.path().join("new"), &["--unknown", "keep"]).len(), 7);
}

#[test]
fn the_format_of_the_base_is_kept() {
    let directory = TempDir::new().unwrap();
    let log = file(&directory, "a.aof", &commands(&["SET a 1", "SET a 2", "SET b 2"]));
    let is_rdb = |path: &Path| {
        let base = fs::read_dir(path).map(|mut entries| {
            entries
                .find_map(|entry| Some(entry.unwrap().path()).filter(|path| path.to_string_lossy().contains(".base.")))
        });
        fs::read(base.map_or(path.to_owned(), Option::unwrap)).unwrap().starts_with(b"REDIS")
    };
    let path = |name: &str| directory.path().join(name);
    let rewrite = |options: &[&str], output: &str, log: &Path| {
        aofkit("rewrite").args(options).arg("-o").arg(path(output)).arg(log).assert().success();
    };
    rewrite(&[], "b.aof", &log);
    rewrite(&["--base", "rdb"], "rdb.aof", &log);
    rewrite(&[], "again.aof", &path("rdb.aof"));
    rewrite(&[], "parts/", &path("rdb.aof"));
    rewrite(&["--base", "aof"], "commands/", &path("rdb.aof"));
    aofkit("rewrite").args(["--in-place", "--yes"]).arg(path("parts")).assert().success();
    let found = ["b.aof", "rdb.aof", "again.aof", "parts", "commands"].map(|name| is_rdb(&path(name)));
    assert_eq!(found, [false, true, true, true, false]);
    // Standard output goes to redis-cli.
    assert_eq!(rewritten(&path("rdb.aof"), &[]), ["SELECT 0", "SET a 2", "SET b 2"]);
}

#[test]
fn an_rdb_is_for_the_server_that_wrote_the_log() {
    let directory = TempDir::new().unwrap();
    let path = |name: &str| directory.path().join(name);
    let lines = ["HSET h f v g w", "HPEXPIREAT h 4102444800000 FIELDS 1 f"];
    let log = file(&directory, "a.aof", &commands(&lines));
    let rewrite = |options: &[&str], output: &str, log: &Path| {
        aofkit("rewrite").args(["--base", "rdb"]).args(options).arg("-o").arg(path(output)).arg(log).assert()
    };
    // Nothing says whose fields these are, and neither family loads the RDB of the other.
    rewrite(&[], "b.aof", &log).code(2).stdout("").stderr(contains("names the server"));
    assert!(!path("b.aof").exists());
    for (server, header) in [("valkey-9", "VALKEY080"), ("redis-8.0", "REDIS0012"), ("redis-8.6", "REDIS0013")] {
        rewrite(&["--server", server], server, &log).success();
        let again = format!("{server}-again");
        rewrite(&[], &again, &path(server)).success().stdout(contains("named by the RDB"));
        for name in [server, &again] {
            assert!(fs::read(path(name)).unwrap().starts_with(header.as_bytes()), "{name}");
        }
    }
    // Redis 7.4 and later, and Valkey 9, know the commands; the RDB names the family.
    let base = file(&directory, "c.aof", &commands(&["SET a 1"]));
    rewrite(&["--server", "redis-7.0"], "parts/", &base).success();
    fs::write(path("parts/appendonly.aof.1.incr.aof"), commands(&lines)).unwrap();
    rewrite(&[], "newer/", &path("parts")).success();
    assert!(fs::read(path("newer/appendonly.aof.1.base.rdb")).unwrap().starts_with(b"REDIS0012"));
    // A later server may have gone on with an older one's base, and the oldest that could have is not known.
    fs::write(path("parts/appendonly.aof.1.incr.aof"), commands(&["XADD x 5-1 a b", "XSETID x 5-1 ENTRIESADDED 2"]))
        .unwrap();
    rewrite(&[], "same/", &path("parts")).success();
    assert!(fs::read(path("same/appendonly.aof.1.base.rdb")).unwrap().starts_with(b"REDIS0010"));
}

#[test]
fn what_the_server_of_the_log_cannot_hold_is_refused() {
    let directory = TempDir::new().unwrap();
    let path = |name: &str| directory.path().join(name);
    let base = file(&directory, "a.aof", &commands(&["SET a 1"]));
    aofkit("rewrite")
        .args(["--base", "rdb", "--server", "redis-7.0", "-o"])
        .arg(path("parts/"))
        .arg(&base)
        .assert()
        .success();
    // The server that the base names did not write these commands.
    let incr = commands(&["HSET h f v", "HPEXPIREAT h 4102444800000 FIELDS 1 f"]);
    fs::write(path("parts/appendonly.aof.1.incr.aof"), incr).unwrap();
    let rewrite =
        |options: &[&str]| aofkit("rewrite").args(options).arg("-o").arg(path("b.aof")).arg(path("parts")).assert();
    let named = contains("would lose 1 field expiry").and_is("--server VERSION");
    rewrite(&["--server", "redis-7.0"]).code(1).stderr(named);
    assert!(!path("b.aof").exists());
    rewrite(&[]).success();
    rewrite(&["--server", "redis-8.0", "--force"]).success();
}

#[test]
fn an_output_that_is_larger_than_the_input_is_pointed_out() {
    let directory = TempDir::new().unwrap();
    let log = file(&directory, "a.aof", &commands(&["SET a 1"]));
    let note = contains("note: the output is larger than the input: 50 bytes, 27 before; --base rdb may be smaller");
    aofkit("rewrite").args(["-o", "-"]).arg(&log).assert().success().stderr(note);
    let log = file(&directory, "b.aof", &commands(&["SET a 1", "SET a 1"]));
    aofkit("rewrite").arg("-o").arg(directory.path().join("c.aof")).arg(&log).assert().success().stderr("");
}

#[test]
fn the_digest_is_that_of_a_server() {
    let directory = TempDir::new().unwrap();
    let log = file(&directory, "a.aof", &commands(&["HSET h f v", "SELECT 2", "SET a 1"]));
    // As Redis 8.0.6 and Valkey 9.1 print it.
    let value = "90c76e9e9f4c62d642a34fc97c7dad503b51f906\n";
    aofkit("digest").args(["--key", "h"]).arg(&log).assert().success().stdout(value);
    for version in ["redis-6.2", "redis-7.0", "redis-8.0", "valkey-9.1", "valkey-9"] {
        aofkit("digest").args(["--as", version, "--key", "h"]).arg(&log).assert().success().stdout(value);
    }
    aofkit("digest")
        .args(["--key", "h", "--db", "2"])
        .arg(&log)
        .assert()
        .code(1)
        .stderr(contains("no key h in database 2"));
    let empty = file(&directory, "empty.aof", b"");
    aofkit("digest").arg(&empty).assert().success().stdout("0000000000000000000000000000000000000000\n");
    aofkit("digest").args(["--format", "json"]).arg(&log).assert().success().stdout(contains("\"keys\":2"));
}

#[test]
fn a_log_is_rewritten_in_less_memory_than_it_is_large() {
    let directory = TempDir::new().unwrap();
    let mut log = Vec::new();
    for number in 0..400_000 {
        let (key, value) = (format!("key:{}", number % 5000), format!("{number:0>100}"));
        aofkit::resp::write_command(&mut log, &[b"SET", key.as_bytes(), value.as_bytes()]);
    }
    let path = file(&directory, "a.aof", &log);
    assert!(log.len() > 48 << 20);
    // The limit is on what a process has of its own: pages of the file are the system's.
    let binary = env!("CARGO_BIN_EXE_aofkit");
    let line = format!("ulimit -d 16384; '{binary}' rewrite --verify --threads 2 -o out.aof '{}'", path.display());
    let mut limited = Command::new("sh");
    limited.args(["-c", &line]).current_dir(directory.path()).assert().success().stdout(contains("keys      5,000"));
    assert_eq!(digest(&directory.path().join("out.aof")), digest(&path));
}

#[test]
fn without_a_second_thread_the_result_is_the_same() {
    let directory = TempDir::new().unwrap();
    let lines: Vec<String> = (0..500).map(|number| format!("SADD set:{} member:{number}", number % 7)).collect();
    let path = file(&directory, "a.aof", &commands(&lines.iter().map(String::as_str).collect::<Vec<_>>()));
    let binary = env!("CARGO_BIN_EXE_aofkit");
    // A thread's stack is too much for this limit, what one thread needs is not.
    let line = format!("ulimit -d 1600; timeout 60 '{binary}' rewrite --threads 8 -o - '{}'", path.display());
    let output = Command::new("sh").args(["-c", &line]).assert().success();
    let unlimited = aofkit("rewrite").args(["--threads", "8", "-o", "-"]).arg(&path).assert().success();
    assert_eq!(output.get_output().stdout, unlimited.get_output().stdout);
}

#[test]
fn every_run_writes_the_same_whatever_its_hashes_are() {
    let directory = TempDir::new().unwrap();
    let mut lines = Vec::new();
    for number in 0..400 {
        let (key, member) = (number % 7, number * 7919 % 401);
        lines.push(format!("SADD set:{key} member:{member}"));
        lines.push(format!("HSET hash:{key} field:{member} {number}"));
        lines.push(format!("ZADD sorted:{key} {} member:{member}", number % 5));
        lines.push(format!("XADD stream:{key} {}-1 field {member}", number + 1));
        lines.push(format!("MSET one:{member} 1 other:{number} 2"));
        lines.push(format!("RENAME one:{member} new:{number}"));
        lines.push(format!("SUNIONSTORE union:{key} set:0 set:1 set:{key}"));
        lines.push(format!("SREM set:{key} member:{}", number / 2));
    }
    let path = file(&directory, "a.aof", &commands(&lines.iter().map(String::as_str).collect::<Vec<_>>()));
    for base in ["aof", "rdb"] {
        let run = |threads: &str| {
            let options = ["-o", "-", "--base", base, "--threads", threads];
            aofkit("rewrite").args(options).arg(&path).assert().success().get_output().stdout.clone()
        };
        // Each process draws its seeds at random.
        let first = run("1");
        for threads in ["1", "1", "2", "3", "3"] {
            assert!(run(threads) == first, "--base {base} --threads {threads}");
        }
    }
}
