//! `aofkit inspect --follow`, while the test writes the log.

use std::fs::{self, OpenOptions};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use crate::harness::log::command;

/// How long a line may take to come; it comes within a fraction of it.
const PATIENCE: Duration = Duration::from_secs(20);

fn set(key: &str) -> Vec<u8> {
    command(&["SET", key, "v"])
}

fn append(path: &Path, bytes: &[u8]) {
    OpenOptions::new().append(true).create(true).open(path).unwrap().write_all(bytes).unwrap();
}

/// A running `aofkit inspect --follow`, and the lines that it has written.
struct Follower {
    child: Child,
    out: Receiver<String>,
    talk: Receiver<String>,
}

fn lines_of(stream: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    receiver
}

impl Follower {
    fn start(path: &Path, arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_aofkit"))
            .args(["inspect", "--follow", "--format", "json"])
            .args(arguments)
            .arg(path)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let out = lines_of(child.stdout.take().unwrap());
        let talk = lines_of(child.stderr.take().unwrap());
        let follower = Self { child, out, talk };
        assert!(follower.next("the header").contains("\"kind\":\"log\""));
        follower
    }

    /// The next line, which is waited for.
    fn next(&self, what: &str) -> String {
        self.out.recv_timeout(PATIENCE).unwrap_or_else(|error| panic!("waiting for {what}: {error}"))
    }

    /// The next record, which must be a `SET` of this key.
    fn shows(&self, key: &str) -> serde_json::Value {
        let line = self.next(key);
        let value: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(value["arguments"][0], key, "{line}");
        value
    }

    fn says(&self, part: &str) {
        let line = self.talk.recv_timeout(PATIENCE).unwrap_or_else(|error| panic!("waiting for {part:?}: {error}"));
        assert!(line.contains(part), "{line}");
    }

    fn ends_with(mut self, code: i32) {
        assert_eq!(self.child.wait().unwrap().code(), Some(code));
        assert_eq!(self.out.try_iter().collect::<Vec<_>>(), Vec::<String>::new());
    }

    fn interrupt(self) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
        self.ends_with(0);
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn shows_what_is_appended_whole_records_only() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.aof");
    append(&path, &[set("a"), command(&["SELECT", "2"])].concat());
    let follower = Follower::start(&path, &["--key", "*"]);
    follower.shows("a");
    let next = set("b");
    let (first, second) = next.split_at(13);
    append(&path, first);
    append(&path, second);
    let value = follower.shows("b");
    assert_eq!((&value["db"], &value["record"], &value["offset"]), (&2.into(), &3.into(), &50.into()));
    // Half an annotation is no annotation.
    append(&path, b"#TS:17000");
    append(&path, b"00000\r\n");
    append(&path, &set("c"));
    assert_eq!(follower.shows("c")["time_ms"], 1_700_000_000_000_i64);
    follower.interrupt();
}

#[test]
fn begins_with_the_tail_and_stops_at_the_limit() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.aof");
    append(&path, &[set("a"), set("b"), set("c")].concat());
    let follower = Follower::start(&path, &["--tail", "1"]);
    follower.shows("c");
    append(&path, &set("d"));
    follower.shows("d");
    follower.interrupt();
    let follower = Follower::start(&path, &["--limit", "5"]);
    for key in ["a", "b", "c", "d"] {
        follower.shows(key);
    }
    append(&path, &[set("e"), set("f")].concat());
    follower.shows("e");
    follower.ends_with(0);
}

#[test]
fn goes_on_through_a_rewrite() {
    let directory = tempfile::tempdir().unwrap();
    let [base, one, two, manifest] = ["b1", "i1", "i2", "a.manifest"].map(|name| directory.path().join(name));
    append(&base, &set("base"));
    append(&one, &set("a"));
    append(&manifest, b"file b1 seq 1 type b\nfile i1 seq 1 type i\n");
    let follower = Follower::start(directory.path(), &[]);
    assert_eq!(follower.shows("base")["part"], "b1");
    follower.shows("a");
    // A server makes the new incr file, names it, and only then writes to it.
    append(&one, &set("b"));
    append(&two, b"");
    let replace = |text: &str| {
        let temporary = directory.path().join("temp-a.manifest");
        fs::write(&temporary, text).unwrap();
        fs::rename(&temporary, &manifest).unwrap();
    };
    replace("file b1 seq 1 type b\nfile i1 seq 1 type i\nfile i2 seq 2 type i\n");
    append(&two, &set("c"));
    follower.shows("b");
    let value = follower.shows("c");
    assert_eq!((&value["part"], &value["offset"], &value["db"]), (&"i2".into(), &0.into(), &0.into()));
    // The rewrite is done: a new base, which is not shown.
    append(&directory.path().join("b2"), &set("base"));
    replace("file b2 seq 2 type b\nfile b1 seq 1 type h\nfile i1 seq 1 type h\nfile i2 seq 2 type i\n");
    fs::remove_file(&one).unwrap();
    append(&two, &set("d"));
    follower.shows("d");
    follower.interrupt();
}

#[test]
fn goes_on_with_a_file_that_was_cut_or_replaced() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.aof");
    append(&path, &[set("a"), set("b")].concat());
    let follower = Follower::start(&path, &[]);
    follower.shows("a");
    follower.shows("b");
    fs::write(&path, b"").unwrap();
    follower.says("was truncated");
    append(&path, &set("c"));
    assert_eq!(follower.shows("c")["offset"], 0);
    let other = directory.path().join("other");
    fs::write(&other, [set("d"), set("e"), set("f")].concat()).unwrap();
    fs::rename(&other, &path).unwrap();
    follower.says("was replaced");
    for key in ["d", "e", "f"] {
        follower.shows(key);
    }
    fs::remove_file(&path).unwrap();
    follower.says("is gone");
    append(&path, &set("g"));
    follower.says("was replaced");
    follower.shows("g");
    follower.interrupt();
}

#[test]
fn damage_ends_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.aof");
    append(&path, &set("a"));
    let follower = Follower::start(&path, &[]);
    follower.shows("a");
    append(&path, &[set("b"), b"\0\0\0\0".to_vec()].concat());
    follower.shows("b");
    follower.says("a.aof: expected a record");
    follower.ends_with(1);
}

/// A program whose output nobody but the test reads.
fn inspect_follow(path: &Path) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_aofkit"));
    command.args(["inspect", "--follow"]).arg(path).stdout(Stdio::piped()).spawn().unwrap()
}

#[test]
fn a_reader_that_goes_away_ends_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.aof");
    append(&path, &set("a"));
    let mut child = inspect_follow(&path);
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.contains("offset"));
    append(&path, &set("b"));
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_reader_that_goes_away_while_nothing_is_written_ends_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.aof");
    append(&path, &set("a"));
    let mut child = inspect_follow(&path);
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut String::new()).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
