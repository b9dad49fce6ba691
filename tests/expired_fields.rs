//! `--expired-fields` of `rewrite` and `digest`, and what is said where a server that loads the log loses fields.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail as tests do"
)]

#[path = "common/log.rs"]
mod log;
#[path = "common/program.rs"]
mod program;

use std::path::Path;

use program::{aofkit, file, rewritten};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A log from which a server that loads it loses two of three fields.
const LINES: &[&str] = &["HSET h f v g w n 1", "HPEXPIREAT h 1000 FIELDS 2 f n", "HPERSIST h FIELDS 2 f n"];

/// The JSON object that a subcommand prints, and what it says besides.
fn json(subcommand: &str, options: &[&str], path: &Path) -> (Value, String) {
    let mut command = aofkit(subcommand);
    let assert = command.args(options).args(["--format", "json"]).arg(path).assert().success();
    let output = assert.get_output();
    (serde_json::from_slice(&output.stdout).unwrap(), String::from_utf8(output.stderr.clone()).unwrap())
}

fn digest(options: &[&str], path: &Path) -> String {
    json("digest", options, path).0["digest"].as_str().unwrap().to_owned()
}

#[test]
fn a_rewrite_has_the_same_digest_as_its_log_in_the_same_mode() {
    let directory = TempDir::new().unwrap();
    for more in ["PING", "HINCRBY h n 5", "HSETEX h FXX FIELDS 1 f x", "HDEL h g", "HSET h f again", "RENAME h other"] {
        let path = file(&directory, "a.aof", &log::log(&[LINES, &[more]].concat()));
        for server in ["redis-7.4", "redis-8.0", "redis-8.2", "redis-8.6", "valkey-9"] {
            for mode in ["as-written", "as-loaded"] {
                let options = &["--server", server, "--expired-fields", mode];
                let new = directory.path().join(format!("{}-{server}-{mode}", more.len()));
                let output = new.to_str().unwrap();
                json("rewrite", &[options, &["--force", "--no-sync", "-o", output][..]].concat(), &path);
                assert_eq!(digest(options, &path), digest(options, &new), "{more}, {server}, {mode}");
            }
        }
    }
}

#[test]
fn rewrite_keeps_what_was_written_and_digest_is_that_of_a_loading_server() {
    let directory = TempDir::new().unwrap();
    let path = file(&directory, "a.aof", &log::log(LINES));
    let server = ["--server", "redis-8.0"];
    let both = |mode: &'static str| [&server[..], &["--expired-fields", mode]].concat();
    let all = ["SELECT 0", "HSET h f v g w n 1"];
    assert_eq!(rewritten(&path, &server), all);
    assert_eq!(rewritten(&path, &both("as-written")), all);
    let loaded = ["SELECT 0", "HSET h g w", "HSETEX h PXAT 1000 FIELDS 2 f v n 1"];
    assert_eq!(rewritten(&path, &both("as-loaded")), loaded);
    assert_eq!(digest(&server, &path), digest(&both("as-loaded"), &path));
    assert_ne!(digest(&server, &path), digest(&both("as-written"), &path));
    for mode in ["as-written", "as-loaded"] {
        let options = ["--server", "valkey-9", "--expired-fields", mode];
        assert_eq!(digest(&options, &path), digest(&["--server", "valkey-9"], &path), "{mode}");
        assert_eq!(rewritten(&path, &options), all, "{mode}");
    }
}

#[test]
fn what_a_loading_server_loses_is_said_once_and_counted() {
    let directory = TempDir::new().unwrap();
    let path = file(&directory, "a.aof", &log::log(LINES));
    let output = directory.path().join("new.aof");
    let to_file = ["--force", "--no-sync", "-o", output.to_str().unwrap()];
    let lost = json!({"lost_fields": 2, "changed_fields": 0, "changed_keys": 0});
    let none = json!({"lost_fields": 0, "changed_fields": 0, "changed_keys": 0});
    let loses = "a redis-7.4 that loads this log loses 2 fields";
    let other = "has the data as loaded; --expired-fields as-written gives it as written";
    for (subcommand, mode, words) in [
        ("rewrite", None, "the rewrite keeps them"),
        ("rewrite", Some("as-loaded"), &format!("the rewrite {other}")),
        ("digest", None, &format!("the digest {other}")),
        ("digest", Some("as-written"), "the digest includes them"),
    ] {
        let mut options = if subcommand == "rewrite" { to_file.to_vec() } else { Vec::new() };
        let default = if subcommand == "rewrite" { "as-written" } else { "as-loaded" };
        options.extend(mode.iter().flat_map(|mode| ["--expired-fields", mode]));
        let run = |more: &[&str]| json(subcommand, &[&options, more].concat(), &path);
        let (report, said) = run(&["--server", "redis-7.4"]);
        assert_eq!(said, format!("note: {loses}; {words}\n"), "{subcommand} {mode:?}");
        assert_eq!((&report["expired_fields"], &report["on_load"]), (&json!(mode.unwrap_or(default)), &lost));
        // A server that does not look at the clock, one that knows no such fields, and a load before they expire.
        for quiet in
            [&["--server", "valkey-9"][..], &["--server", "redis-7.0"], &["--server", "redis-8.6", "--now", "0"]]
        {
            let (report, said) = run(quiet);
            assert_eq!((said.as_str(), &report["on_load"]), ("", &none), "{subcommand} {mode:?} {quiet:?}");
        }
    }
}

#[test]
fn what_differs_on_the_way_and_not_at_the_end_is_not_mentioned() {
    let directory = TempDir::new().unwrap();
    for more in ["HDEL h f n", "HSET h f again n again", "DEL h", "FLUSHALL", "PEXPIREAT h 1000"] {
        let path = file(&directory, "a.aof", &log::log(&[LINES, &[more]].concat()));
        let (report, said) = json("digest", &["--server", "redis-8.6"], &path);
        assert_eq!(said, "", "{more}");
        assert_eq!(report["on_load"]["lost_fields"], 0, "{more}");
    }
}
