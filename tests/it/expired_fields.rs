//! `--expired-fields` of `rewrite` and `digest`, and the reports about fields that a server loses while it loads a log.

use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::log;
use crate::harness::program::{aofkit, file, rewritten};

/// A log of which a server loses two of three fields while it loads it.
const LINES: &[&str] = &["HSET h f v g w n 1", "HPEXPIREAT h 1000 FIELDS 2 f n", "HPERSIST h FIELDS 2 f n"];

/// The JSON object that a subcommand prints, and its standard error.
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
        // A server that ignores the clock, one without field expiry, and a load before the expiry.
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

/// The findings of `check`, without advice.
fn findings(options: &[&str], path: &Path) -> Vec<(String, String, u64)> {
    let mut command = aofkit("check");
    let output = command.args(["--format", "json"]).args(options).arg(path).output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let text = |finding: &Value, name: &str| finding[name].as_str().unwrap().to_owned();
    let findings = report["findings"].as_array().unwrap().iter();
    findings
        .map(|finding| (text(finding, "code"), text(finding, "message"), finding["offset"].as_u64().unwrap()))
        .collect()
}

#[test]
fn check_says_from_when_on_fields_are_lost() {
    let directory = TempDir::new().unwrap();
    let lines = ["HSET h f v g w", "HPEXPIREAT h 1000 FIELDS 1 f", "HPEXPIREAT h 2000 FIELDS 1 g"];
    let start = log::log(&lines).len() as u64;
    let path = file(&directory, "a.aof", &log::log(&[&lines[..], &["HPERSIST h FIELDS 2 f g", "SET a 1"]].concat()));
    let message = "redis-8.0 loses 2 fields if it loads this log after 1970-01-01T00:00:02Z, the first of them after \
        1970-01-01T00:00:01Z: HPERSIST and HGETEX, which removed the expiry, do not find expired fields while a log \
        loads; the first is in the hash \"h\""
        .to_owned();
    assert_eq!(findings(&["--server", "redis-8.0"], &path), [("loses-fields".to_owned(), message, start)]);
    aofkit("check").args(["--server", "redis-8.0"]).arg(&path).assert().code(0);
    for server in ["valkey-9", "redis-7.0"] {
        let codes: Vec<_> = findings(&["--server", server], &path).into_iter().map(|(code, ..)| code).collect();
        assert!(!codes.contains(&"loses-fields".to_owned()), "{server}: {codes:?}");
    }
}

#[test]
fn check_is_silent_where_no_field_is_lost() {
    let directory = TempDir::new().unwrap();
    for lines in [
        // No such key, no expiry, or another field.
        &["HSET h f v", "HPERSIST h FIELDS 1 f"][..],
        &["HPEXPIREAT h 1000 FIELDS 1 f", "HPERSIST h FIELDS 1 f"],
        &["HSET h f v g w", "HPEXPIREAT h 1000 FIELDS 1 f", "HPERSIST h FIELDS 1 g"],
        &["HSET h f v", "HPEXPIREAT h 1000 FIELDS 1 f", "HGETEX h FIELDS 1 f"],
        &["HSET h f v", "SELECT 1", "HPEXPIREAT h 1000 FIELDS 1 f", "HPERSIST h FIELDS 1 f"],
        // Deleted, or created again.
        &[LINES[0], LINES[1], LINES[2], "DEL h"],
        &[LINES[0], LINES[1], LINES[2], "HDEL h f n"],
        &[LINES[0], LINES[1], LINES[2], "HSET h f 1 n 2"],
        &[LINES[0], LINES[1], LINES[2], "HPEXPIREAT h 1000 FIELDS 2 f n"],
        &[LINES[0], LINES[1], LINES[2], "FLUSHALL"],
        // Commands on the key may delete the fields.
        &[LINES[0], LINES[1], LINES[2], "PEXPIREAT h 1000"],
        &[LINES[0], LINES[1], LINES[2], "RENAME h other"],
        &[LINES[0], LINES[1], LINES[2], "SUNIONSTORE h a"],
        &[LINES[0], LINES[1], LINES[2], "SWAPDB 0 1"],
        // Not executed, or with arguments that no server accepts.
        &[LINES[0], LINES[1], "HPERSIST h FIELDS 3 f n"],
        &[LINES[0], LINES[1], "HPERSIST h a b c d e f g h i j k l m n o FIELDS 1 f"],
        &[LINES[0], LINES[1], "HPERSIST h FIELDS 18446744073709551615 f n"],
    ] {
        let path = file(&directory, "a.aof", &log::log(lines));
        let found = findings(&["--server", "redis-8.6"], &path);
        assert!(found.iter().all(|(code, ..)| code != "loses-fields"), "{lines:?}: {found:?}");
    }
    let path = file(&directory, "a.aof", &log::log(&[LINES[0], LINES[1], "MULTI", LINES[2]]));
    let codes: Vec<_> = findings(&["--server", "redis-8.6"], &path).into_iter().map(|(code, ..)| code).collect();
    assert!(!codes.contains(&"loses-fields".to_owned()), "{codes:?}");
}

#[test]
fn check_follows_a_bounded_number_of_fields() {
    let directory = TempDir::new().unwrap();
    let lines: Vec<String> = (0..5000)
        .flat_map(|number| {
            let key = format!("h{}", number % 7);
            [
                format!("HSET {key} f{number} v"),
                format!("HPEXPIREAT {key} 1000 FIELDS 1 f{number}"),
                format!("HPERSIST {key} FIELDS 1 f{number}"),
            ]
        })
        .collect();
    let path = file(&directory, "a.aof", &log::log(&lines.iter().map(String::as_str).collect::<Vec<_>>()));
    let found = findings(&["--server", "redis-8.6"], &path);
    assert_eq!(found.len(), 1);
    assert!(
        found[0].1.starts_with("redis-8.6 loses at least 4096 fields if it loads this log after 1970"),
        "{found:?}"
    );
    for threads in ["1", "2", "5"] {
        assert_eq!(findings(&["--server", "redis-8.6", "--threads", threads], &path), found, "{threads}");
    }
}
