//! `fix` and `rewrite --in-place` beside real servers: one that runs is never cut off from its log, and one that starts
//! loads the new log, and the old one after an undo.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

use crate::harness::{RealServer, Reply};

/// Runs `aofkit`, perhaps where no other process can be seen.
fn aofkit(launcher: &[&str], arguments: &[&str], path: &Path) -> Output {
    let words: Vec<&str> = launcher.iter().copied().chain([env!("CARGO_BIN_EXE_aofkit")]).collect();
    Command::new(words[0]).args(&words[1..]).args(arguments).arg(path).output().unwrap()
}

/// A namespace of its own, as in a container beside the server's.
const SIDECAR: [&str; 4] = ["unshare", "--pid", "--fork", "--mount-proc"];

/// The files below a directory, with their bytes.
fn contents(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            found.insert(path.display().to_string(), fs::read(&path).unwrap());
        }
    }
    found
}

fn state(server: &mut RealServer) -> (Reply, Reply) {
    (server.call(&["DBSIZE"]), server.call(&["DEBUG", "DIGEST"]))
}

#[server_test]
fn a_running_server_keeps_its_log_and_a_started_one_loads_the_new_one() {
    for name in ["redis-7.0", "redis-8.0.6", "valkey-8.1", "valkey-9.1"] {
        let directory = TempDir::new().unwrap();
        let parts = directory.path().join("appendonlydir");
        let mut server = RealServer::start_on(name, directory.path());
        for number in 0..50 {
            server.call(&["SET", &format!("key:{}", number % 5), &number.to_string()]);
        }
        server.call(&["HSET", "h", "f", "v"]);
        let before = state(&mut server);
        let files = contents(&parts);
        let is_root =
            Command::new(SIDECAR[0]).args(&SIDECAR[1..]).arg("true").status().is_ok_and(|status| status.success());
        let launchers: &[&[&str]] = if is_root { &[&[], &SIDECAR] } else { &[&[]] };
        for launcher in launchers {
            let refused = aofkit(launcher, &["rewrite", "--in-place", "--yes"], directory.path());
            let talk = String::from_utf8_lossy(&refused.stderr).into_owned();
            assert_eq!(refused.status.code(), Some(2), "{name} {launcher:?}: {talk}");
            assert!(talk.contains("open for writing") && talk.contains("--force"), "{talk}");
        }
        assert_eq!(contents(&parts), files, "{name}");
        // It goes on writing to its log.
        server.call(&["SET", "later", "1"]);
        let after = state(&mut server);
        assert_ne!(before, after);
        drop(server);

        let old = contents(&parts);
        let done = aofkit(&[], &["rewrite", "--in-place", "--yes"], directory.path());
        assert!(done.status.success(), "{name}: {}", String::from_utf8_lossy(&done.stderr));
        assert!(contents(&parts) != old, "{name}");
        let mut server = RealServer::start_on(name, directory.path());
        assert_eq!(state(&mut server), after, "{name}");
        drop(server);
        // It has written nothing, so the old log may come back.
        let undone = aofkit(&[], &["rewrite", "--undo"], directory.path());
        assert!(undone.status.success(), "{name}: {}", String::from_utf8_lossy(&undone.stderr));
        assert_eq!(contents(&parts), old, "{name}");
        let mut server = RealServer::start_on(name, directory.path());
        assert_eq!(state(&mut server), after, "{name}");
    }
}

#[server_test]
fn a_server_that_runs_is_not_fixed_unless_forced() {
    let directory = TempDir::new().unwrap();
    let mut server = RealServer::start_on("redis-8.0.6", directory.path());
    server.call(&["SET", "a", "1"]);
    let incr = directory.path().join("appendonlydir/appendonly.aof.1.incr.aof");
    let torn = [fs::read(&incr).unwrap(), b"*3\r\n$3\r\nSET\r\n".to_vec()].concat();
    fs::write(&incr, &torn).unwrap();
    let refused = aofkit(&[], &["fix", "--yes"], directory.path());
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("open for writing"));
    assert_eq!(fs::read(&incr).unwrap(), torn);
}

#[server_test]
fn a_server_loads_by_a_manifest_that_was_worked_out_what_it_loaded_before() {
    for name in ["redis-7.0", "redis-8.6", "valkey-9.1"] {
        let directory = TempDir::new().unwrap();
        let manifest = directory.path().join("appendonlydir/appendonly.aof.manifest");
        let mut server = RealServer::start_on(name, directory.path());
        for number in 0..50 {
            server.call(&["INCR", &format!("key:{}", number % 5)]);
        }
        let before = state(&mut server);
        drop(server);
        let sound = fs::read(&manifest).unwrap();
        let torn = |length: usize| sound[..length].to_vec();
        for broken in [torn(0), torn(30), torn(60), torn(sound.len() - 1), [b"\0\0\0\n", sound.as_slice()].concat()] {
            fs::write(&manifest, &broken).unwrap();
            let planned = aofkit(&[], &["fix", "--dry-run"], directory.path());
            assert_eq!(planned.status.code(), Some(1), "{name}");
            assert_eq!(fs::read(&manifest).unwrap(), broken, "{name}");
            let fixed = aofkit(&[], &["fix", "--yes"], directory.path());
            assert_eq!(fixed.status.code(), Some(0), "{name}: {}", String::from_utf8_lossy(&fixed.stdout));
            assert_eq!(state(&mut RealServer::start_on(name, directory.path())), before, "{name}");
            // The server may have written the manifest anew.
            fs::remove_dir_all(manifest.with_file_name("appendonly.aof.manifest.aofkit-kept-1")).unwrap();

            fs::write(&manifest, &broken).unwrap();
            assert_eq!(aofkit(&[], &["fix", "--yes"], directory.path()).status.code(), Some(0), "{name}");
            let undone = aofkit(&[], &["fix", "--undo"], directory.path());
            assert_eq!(undone.status.code(), Some(0), "{name}: {}", String::from_utf8_lossy(&undone.stderr));
            assert_eq!(fs::read(&manifest).unwrap(), broken, "{name}");
            fs::write(&manifest, &sound).unwrap();
        }
    }
}
