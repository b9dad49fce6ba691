//! `rewrite` and `digest` refuse damaged values in an RDB or in the payload of a RESTORE.

use std::fs;
use std::path::Path;

use aofkit::Server;
use aofkit::check::Code;
use aofkit::rdb::{DamageKind, Item, Malformed, Walker};
use assert_cmd::Command;
use predicates::prelude::*;
use predicates::str::contains;
use tempfile::TempDir;

use crate::corpus;
use crate::harness::files::{rdb_files, testdata};

/// Every way to copy a value: raw into an RDB, as commands, and into the digest alone.
fn runs(path: &Path, output: &Path) -> Vec<Command> {
    let run = |arguments: &[&str]| {
        let mut command = Command::cargo_bin("aofkit").unwrap();
        command.args(arguments).arg(path);
        command
    };
    let rewrite = |options: &[&str]| {
        let mut command = run(&[&["rewrite"][..], options].concat());
        command.arg("-o").arg(output);
        command
    };
    vec![
        rewrite(&["--base", "rdb"]),
        rewrite(&["--base", "rdb", "--strict", "--threads", "3"]),
        rewrite(&["--base", "aof", "--threads", "1"]),
        run(&["digest"]),
    ]
}

/// The key and the offset to report, unless every server and checker finds the values sound.
fn damage(rdb: &[u8]) -> Option<(Vec<u8>, u64)> {
    for item in Walker::new(rdb, 0) {
        match item {
            Ok(Item::Entry(entry)) => {
                let minded = |flaw: &&aofkit::rdb::Flaw| {
                    let kind = &flaw.damage.kind;
                    let empty = *kind == DamageKind::Malformed(Malformed::EmptyKey);
                    !empty
                        && Server::ALL
                            .iter()
                            .any(|server| flaw.checkers.contains(*server) || flaw.servers.contains(*server))
                };
                if let Some(flaw) = entry.flaws.iter().find(minded) {
                    return Some((entry.key.to_vec(), flaw.damage.offset));
                }
            }
            Ok(_) => {}
            Err(damage) => return damage.key.map(|key| (key, damage.offset)),
        }
    }
    None
}

#[test]
fn a_damaged_value_in_an_rdb_is_refused_with_its_file_offset_and_key() {
    let directory = TempDir::new().unwrap();
    let output = directory.path().join("new.rdb");
    let mut refused = 0;
    for path in rdb_files("rdb/flawed") {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let Some((key, offset)) = damage(&fs::read(&path).unwrap()) else { continue };
        refused += 1;
        for mut run in runs(&path, &output) {
            let said = contains(name.clone())
                .and(contains(format!("byte {offset}")))
                .and(contains(String::from_utf8_lossy(&key).into_owned()))
                .and(contains("in the value of the key"));
            run.assert().code(2).stdout("").stderr(said);
            assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0, "something is left of {run:?}");
        }
    }
    assert!(refused > 80, "only {refused} files hold a damaged value");
}

#[test]
fn values_that_every_server_loads_go_through() {
    let directory = TempDir::new().unwrap();
    let output = directory.path().join("new.rdb");
    for path in rdb_files("rdb") {
        for mut run in runs(&path, &output) {
            // Data of modules has no digest.
            let stderr = String::from_utf8(run.output().unwrap().stderr).unwrap();
            assert!(!stderr.contains("damaged"), "{run:?}: {stderr}");
            let _ = fs::remove_file(&output);
        }
    }
}

#[test]
fn a_payload_that_ends_servers_is_refused_and_one_that_they_cannot_restore_leaves_its_key_out() {
    let directory = TempDir::new().unwrap();
    let output = directory.path().join("new.aof");
    let damaged = testdata().join("damaged");
    let paths = corpus::showing("damaged", Code::DamagedPayload);
    assert!(paths.len() > 8, "{paths:?}");
    for path in paths {
        let name = path.file_name().unwrap().to_string_lossy();
        // The value of a module is opaque and copied.
        if name == "restore-module.aof" {
            continue;
        }
        for mut run in runs(&path, &output) {
            let said = contains(format!("{name}: ")).and(contains(", in the value of the key \"key\" (byte "));
            run.assert().code(2).stdout("").stderr(said);
            assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0, "something is left of {run:?}");
        }
    }
    for name in ["of-the-future", "unknown-type"] {
        for mut run in runs(&damaged.join(format!("restore-{name}.aof")), &output) {
            run.assert().code(2).stderr(contains("not known to this build"));
        }
    }
    for name in ["wrong-checksum", "too-short", "value-cut", "empty-list"] {
        for mut run in runs(&damaged.join(format!("restore-{name}.aof")), &output) {
            run.assert().success().stderr(contains("1 command failed"));
            let _ = fs::remove_file(&output);
        }
    }
    for name in ["restore", "restore-value-too-long", "restore-value-ends-in-footer"] {
        for mut run in runs(&damaged.join(format!("{name}.aof")), &output) {
            let run = run.assert().success();
            let said = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
            assert!(said.lines().all(|line| line.starts_with("note: ")), "{said}");
            let _ = fs::remove_file(&output);
        }
    }
}
