//! The accidents of the README, played through with real servers: a log is damaged as it happens in life, the one
//! command that the README names is run, and the server then has the data that it had before, by its digest.

use std::fs::{self, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::harness::RealServer;
use crate::harness::files::folder;
use crate::harness::load::{Ended, load_here};
use crate::harness::program::aofkit;

/// The releases that write logs of several parts, and the last one that does not.
const RELEASES: [&str; 7] =
    ["redis-6.2", "redis-7.0", "redis-8.0.6", "redis-8.2", "redis-8.6", "valkey-8.1", "valkey-9.1"];

fn digest(server: &mut RealServer) -> String {
    server.call(&["DEBUG", "DIGEST"]).text()
}

/// The log of a server that was killed, in its data directory, and the digest of its data.
struct Scene {
    release: &'static str,
    directory: TempDir,
    digest: String,
}

impl Scene {
    /// A server that has worked for a while, in two databases, with a rewrite behind it.
    fn new(release: &'static str) -> Self {
        let directory = folder();
        let mut server = RealServer::start_on(release, directory.path());
        let number = |number: usize| number.to_string();
        for round in 0..2 {
            for key in 0..200 {
                server.call(&["SET", &format!("key:{key}"), &format!("value {round} {}", "x".repeat(key))]);
                server.call(&["HSET", &format!("hash:{}", key % 7), &number(key), &number(round)]);
                server.call(&["RPUSH", "list", &number(key)]);
            }
            server.call(&["SELECT", &number(3)]);
            server.call(&["SET", "other", &number(round)]);
            server.call(&["SELECT", "0"]);
            if round == 0 {
                server.call(&["BGREWRITEAOF"]);
                while !server.call(&["INFO", "persistence"]).text().contains("aof_rewrite_in_progress:0")
                    || server.call(&["INFO", "persistence"]).text().contains("aof_rewrite_scheduled:1")
                {
                    std::thread::yield_now();
                }
            }
        }
        let digest = digest(&mut server);
        Self { release, directory, digest }
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    /// The file that the server appends to.
    fn appended_to(&self) -> PathBuf {
        let parts = self.path().join("appendonlydir");
        let Ok(text) = fs::read_to_string(parts.join("appendonly.aof.manifest")) else {
            return self.path().join("appendonly.aof");
        };
        parts.join(text.lines().last().unwrap().split(' ').nth(1).unwrap())
    }

    /// Runs a command of the README, which must end well.
    fn run(&self, options: &[&str]) -> String {
        // A test beside this one that starts a process holds copies of all descriptors for a moment.
        let output = aofkit("fix").args(options).args(["--yes", "--force"]).arg(self.path()).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let talk = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{}: {text}{talk}", self.release);
        text
    }

    /// The server does not start.
    fn is_broken(&self) {
        let loaded = load_here(self.release, self.path(), &[]);
        assert!(matches!(loaded.ended, Ended::Exits(_)), "{}: {:?}", self.release, loaded.ended);
    }

    /// The server starts, and has the data that it had.
    fn is_well(&self) {
        let loaded = load_here(self.release, self.path(), &[vec!["DEBUG", "DIGEST"]]);
        let log = String::from_utf8_lossy(&loaded.log);
        assert_eq!(loaded.ended, Ended::Starts, "{}: {log}", self.release);
        assert_eq!(loaded.answers, Some(vec![format!("+{}", self.digest)]), "{}", self.release);
    }
}

fn append(path: &Path, bytes: &[u8]) {
    OpenOptions::new().append(true).open(path).unwrap().write_all(bytes).unwrap();
}

#[server_test]
fn a_power_failure_tears_the_end() {
    for release in RELEASES {
        let scene = Scene::new(release);
        let path = scene.appended_to();
        // Blocks that were allocated and never written, in the middle of a record.
        append(&path, &[b"*3\r\n$3\r\nSET\r\n$9\r\nunwritten\r\n$5000\r\nabc".to_vec(), vec![0; 8192]].concat());
        let text = scene.run(&[]);
        assert!(text.contains("was cut at byte"), "{release}: {text}");
        scene.is_well();
    }
}

#[server_test]
fn bytes_in_the_middle_are_overwritten() {
    for release in RELEASES {
        let scene = Scene::new(release);
        let path = scene.appended_to();
        let bytes = fs::read(&path).unwrap();
        // In the value of a key that was set again later: the data is what it was without that record.
        let mut server = RealServer::start_on(release, scene.path());
        server.call(&["SET", "twice", &"y".repeat(3000)]);
        for number in 0..100 {
            server.call(&["SET", "twice", &number.to_string()]);
        }
        let digest = digest(&mut server);
        drop(server);
        let mut file = OpenOptions::new().write(true).open(&path).unwrap();
        file.seek(SeekFrom::Start(bytes.len() as u64 + 60)).unwrap();
        file.write_all(&[0xfe; 3000]).unwrap();
        drop(file);
        scene.is_broken();
        let text = scene.run(&["--salvage"]);
        assert!(text.contains("1 damaged place") && text.contains("is mended"), "{release}: {text}");
        Scene { digest, ..scene }.is_well();
    }
}

#[server_test]
fn somebody_runs_flushall() {
    for release in RELEASES {
        let scene = Scene::new(release);
        let mut server = RealServer::start_on(release, scene.path());
        server.call(&["FLUSHALL"]);
        server.call(&["SET", "after", "1"]);
        drop(server);
        let text = scene.run(&["--before", "FLUSHALL"]);
        assert!(text.contains("FLUSHALL"), "{release}: {text}");
        let listed = aofkit("fix").args(["--undo", "--list"]).arg(scene.path()).output().unwrap();
        let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
        assert!(listed.contains("took the log back to an earlier point"), "{release}: {listed}");
        scene.is_well();
    }
}

#[server_test]
fn the_manifest_is_gone() {
    for release in RELEASES.into_iter().filter(|release| *release != "redis-6.2") {
        let scene = Scene::new(release);
        fs::remove_file(scene.path().join("appendonlydir/appendonly.aof.manifest")).unwrap();
        let text = scene.run(&[]);
        assert!(text.contains("appendonly.aof.manifest was written"), "{release}: {text}");
        scene.is_well();
    }
}

#[server_test]
fn a_command_that_the_server_refuses_is_taken_out() {
    for release in RELEASES {
        let scene = Scene::new(release);
        let path = scene.appended_to();
        let offset = fs::metadata(&path).unwrap().len();
        // A rename-command of another configuration, or a module that is no longer there.
        append(&path, b"*2\r\n$10\r\nNOSUCH.ADD\r\n$1\r\nk\r\n");
        append(&path, b"*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*3\r\n$3\r\nSET\r\n$5\r\nkey:1\r\n$1\r\n1\r\n");
        scene.is_broken();
        let place = format!("{}:{offset}", path.file_name().unwrap().to_str().unwrap());
        scene.run(&["--remove", if release == "redis-6.2" { place.split(':').nth(1).unwrap() } else { &place }]);
        let mut server = RealServer::start_on(release, scene.path());
        assert_eq!(server.call(&["GET", "key:1"]).text(), "1", "{release}");
        server.call(&["SET", "key:1", &format!("value 1 {}", "x")]);
        assert_eq!(digest(&mut server), scene.digest, "{release}");
    }
}
