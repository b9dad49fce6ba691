//! `rewrite`, `digest` and `inspect` of a part of a log: up to an offset, at a time, some keys.

use std::fs;
use std::path::{Path, PathBuf};

use predicates::str::contains;
use tempfile::TempDir;

use crate::harness::log::log as commands;
use crate::harness::program::{aofkit, file, rewritten};

/// An incr with a base, and their names.
fn two_parts() -> (TempDir, PathBuf) {
    let directory = TempDir::new().unwrap();
    file(&directory, "a.manifest", b"file a.1.aof seq 1 type b\nfile a.2.aof seq 1 type i\n");
    file(&directory, "a.1.aof", &commands(&["SET a 1", "SET b 1"]));
    file(&directory, "a.2.aof", &commands(&["SET c 1"]));
    let path = directory.path().to_owned();
    (directory, path)
}

#[test]
fn an_offset_may_be_in_any_part_but_not_beyond_its_end() {
    let (_directory, path) = two_parts();
    assert_eq!(rewritten(&path, &["--at-offset", "0"]), ["SELECT 0", "SET a 1", "SET b 1"]);
    assert_eq!(rewritten(&path, &["--at-offset", "27"]), ["SELECT 0", "SET a 1", "SET b 1", "SET c 1"]);
    assert_eq!(rewritten(&path, &["--at-offset", "a.1.aof:27"]), ["SELECT 0", "SET a 1"]);
    assert_eq!(rewritten(&path, &["--at-offset", "a.1.aof:54"]), ["SELECT 0", "SET a 1", "SET b 1"]);
    for subcommand in [&["rewrite", "-o", "-"][..], &["digest"]] {
        let fails = |offset: &str, error: &str, hint: &str| {
            let mut command = aofkit(subcommand[0]);
            let assert = command.args(&subcommand[1..]).args(["--at-offset", offset]).arg(&path).assert();
            assert.code(2).stdout("").stderr(contains(error)).stderr(contains(format!("\nhint: {hint}")));
        };
        let find = format!("to find the offset of a record, run: aofkit inspect {}\n", path.display());
        let parts = format!("the parts are a.1.aof (54 bytes), a.2.aof (27 bytes); {find}");
        let hint = format!("--at-offset PART:N is an offset in another part; {parts}");
        fails("28", "a.2.aof: --at-offset 28 is beyond the end of the file, which has 27 bytes\n", &hint);
        fails("a.1.aof:55", "a.1.aof: --at-offset 55 is beyond the end", &hint);
        fails("a.3.aof:1", "no part that a server loads is named a.3.aof\n", &parts);
    }
}

#[test]
fn a_time_of_a_log_without_times_is_an_error() {
    let directory = TempDir::new().unwrap();
    let without = file(&directory, "without.aof", &commands(&["SET a 1"]));
    let with = file(&directory, "with.aof", &commands(&["SET a 1", "#TS:1700000000", "SET b 1"]));
    let find = format!("to find the offset of a record, run: aofkit inspect {}", without.display());
    for subcommand in [&["rewrite", "-o", "-"][..], &["digest"]] {
        let run = |path: &Path| {
            let mut command = aofkit(subcommand[0]);
            command.args(&subcommand[1..]).args(["--at", "1600000000"]).arg(path).assert()
        };
        let said = "without.aof: --at needs times, and this log has no #TS: annotation\nhint: use --at-offset; ";
        run(&without).code(2).stdout("").stderr(contains(said)).stderr(contains(&find));
        run(&with).success();
    }
    for option in ["--since", "--until"] {
        let run = |path: &Path| aofkit("inspect").args([option, "1600000000"]).arg(path).assert();
        run(&without).code(2).stdout("").stderr(contains(format!("{option} needs times"))).stderr(contains(&find));
        run(&with).success().stdout(if option == "--since" { contains("SET b 1") } else { contains("SET a 1") });
    }
    for option in ["--from", "--to"] {
        let run = |offset: &str| aofkit("inspect").args([option, offset]).arg(&without).assert();
        let said = format!("28 is beyond the end of the file, which has 27 bytes\nhint: {find}\n");
        run("28").code(2).stdout("").stderr(contains(said));
        run("27").success();
    }
}

#[test]
fn keys_that_match_nothing_are_said_and_nothing_is_written() {
    let directory = TempDir::new().unwrap();
    let log = file(&directory, "a.aof", &commands(&["SET a 1"]));
    let new = directory.path().join("new.aof");
    for options in [&["--key", "nosuch*"][..], &["--db", "7"], &["--key", "a", "--db", "7"]] {
        let run = aofkit("rewrite").args(options).arg("-o").arg(&new).arg(&log).assert();
        run.code(1).stdout("").stderr(contains("a.aof: no key matches --key and --db; nothing was written\n"));
        assert!(!new.exists());
    }
    aofkit("rewrite").args(["--key", "a*", "-o"]).arg(&new).arg(&log).assert().success();
}

#[test]
fn equal_runs_print_equal_json() {
    let directory = TempDir::new().unwrap();
    let new = directory.path().join("new.aof");
    let run =
        |log| aofkit("rewrite").args(["--format", "json", "--force", "-o"]).arg(&new).arg(log).output().unwrap().stdout;
    let field = |json: &[u8]| serde_json::from_slice::<serde_json::Value>(json).unwrap()["clock_ms"].as_i64();
    let timed = file(&directory, "a.aof", &commands(&["#TS:1700000000", "SET a 1"]));
    assert_eq!((run(&timed), field(&run(&timed))), (run(&timed), Some(1_700_000_000_000)));
    // The time of the run is none of the log's.
    let untimed = file(&directory, "b.aof", &commands(&["SET a 1"]));
    assert_eq!(field(&run(&untimed)), None);
}

#[test]
fn a_directory_is_made_with_its_parents_and_named_as_servers_look_for_it() {
    let directory = TempDir::new().unwrap();
    let log = file(&directory, "a.aof", &commands(&["SET a 1"]));
    let new = |name: &str| directory.path().join("deep/er").join(name);
    let named = aofkit("rewrite").arg("-o").arg(new("appendonlydir/")).arg(&log).assert().success();
    assert!(!String::from_utf8_lossy(&named.get_output().stderr).contains("appenddirname"));
    assert!(new("appendonlydir/appendonly.aof.manifest").is_file());
    let other = aofkit("rewrite").arg("-o").arg(new("other/")).arg(&log).assert().success();
    other.stderr(contains("named appendonlydir"));
    let refused = aofkit("rewrite").args(["--server", "redis-6.2", "-o"]).arg(new("old/")).arg(&log).assert().code(2);
    refused.stderr(contains("redis-6.2 reads no directory"));
    assert!(!new("old").exists());
}

#[test]
fn an_offset_inside_an_rdb_is_an_error() {
    let log = Path::new("testdata/logs/redis-8.0/rdb-base");
    let digest = |offset: &str| aofkit("digest").args(["--at-offset", offset]).arg(log).assert();
    let base = "appendonly.aof.2.base.rdb";
    let hint =
        format!("is inside the RDB, which is loaded as a whole and ends at byte 4604\nhint: --at-offset {base}:4604 ");
    for offset in ["0", "10", "4603"] {
        digest(&format!("{base}:{offset}")).code(2).stdout("").stderr(contains(&hint));
    }
    digest(&format!("{base}:4604")).success();
    digest("0").success();
}

#[test]
fn a_file_that_is_no_log_is_neither_rewritten_nor_digested() {
    let directory = TempDir::new().unwrap();
    let text = file(&directory, "notes.txt", b"hello world\n");
    let new = directory.path().join("new.aof");
    let new_path = new.to_str().unwrap();
    for arguments in [&["digest"][..], &["rewrite", "-o", new_path], &["rewrite", "--in-place", "--yes", "--force"]] {
        let refused = aofkit(arguments[0]).args(&arguments[1..]).arg(&text).assert().code(2).stdout("");
        refused.stderr(contains("check that it is the one you meant (byte 0)\nhint: for details, run: aofkit check "));
        assert!(!new.exists());
    }
    // Damage at the start of what looks like a log is damage.
    let damaged = file(&directory, "damaged.aof", &[b"\0\0\r\n".to_vec(), commands(&["SET a 1"])].concat());
    aofkit("digest").arg(&damaged).assert().code(1);
}

#[test]
fn no_second_log_is_written_beside_the_parts_of_the_first() {
    let directory = TempDir::new().unwrap();
    let parts = directory.path().join("appendonlydir");
    fs::create_dir(&parts).unwrap();
    fs::write(parts.join("a.aof.manifest"), "file a.1.aof seq 1 type i\n").unwrap();
    fs::write(parts.join("a.1.aof"), commands(&["SET a 1"])).unwrap();
    let old = TempDir::new().unwrap();
    file(&old, "appendonly.aof", &commands(&["SET a 1"]));
    for (output, log) in [
        (directory.path(), directory.path()),
        (&parts, directory.path()),
        (&parts, &parts),
        (&parts, &parts.join("a.aof.manifest")),
        (old.path(), old.path()),
    ] {
        let refused = aofkit("rewrite").arg("-o").arg(output).arg(log).assert().code(2).stdout("");
        refused.stderr(contains("this is the directory of the log itself\nhint: --in-place"));
    }
    assert_eq!((fs::read_dir(&parts).unwrap().count(), fs::read_dir(old.path()).unwrap().count()), (2, 1));
    aofkit("rewrite").arg("-o").arg(directory.path().join("new/appendonlydir/")).arg(&parts).assert().success();
}
