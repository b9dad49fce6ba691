//! The JSON of all subcommands is consistent.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::harness::files::testdata;
use crate::harness::log::log;

/// The objects that were printed so far, and the names of all of their members.
#[derive(Default)]
struct Walk {
    names: BTreeSet<String>,
    /// What the reference says of the object.
    documentation: String,
}

/// Which objects have the envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Envelope {
    /// Every object has one.
    Each,
    /// The first of a log has it, and stands for those that follow.
    First,
}

impl Walk {
    /// Runs a subcommand with `-f json` on paths, and walks through what it prints, which is at least one object.
    fn run(&mut self, arguments: &[&str], paths: &[&Path], envelope: Envelope) -> Vec<Value> {
        let mut program = Command::new(env!("CARGO_BIN_EXE_aofkit"));
        let output = program.args(arguments).args(["-f", "json"]).args(paths).stdin(Stdio::null()).output().unwrap();
        let talk = String::from_utf8_lossy(&output.stderr);
        // Where the log itself goes to standard output, the report is the last line on standard error.
        let lines = if arguments.contains(&"-") {
            talk.lines().last().unwrap().to_owned()
        } else {
            String::from_utf8(output.stdout).expect("text")
        };
        let objects: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert!(!objects.is_empty(), "{arguments:?} {paths:?}: {talk}");
        self.documentation = documentation(arguments);
        for (index, object) in objects.iter().enumerate() {
            let is_first = index == 0 || object["kind"] == "log";
            if envelope == Envelope::Each || is_first {
                assert_eq!(object["aofkit"], env!("CARGO_PKG_VERSION"), "{arguments:?}: {object}");
                assert_eq!(object["schema"], 1, "{arguments:?}: {object}");
                assert!(is_path(&object["path"]), "{arguments:?}: {object}");
            }
            if envelope == Envelope::First {
                assert_eq!(object["kind"] == "log", object.get("aofkit").is_some(), "{arguments:?}: {object}");
            }
            self.walk(object);
        }
        objects
    }

    fn walk(&mut self, value: &Value) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| self.walk(item)),
            Value::Object(members) => {
                for (name, value) in members {
                    self.member(name, value);
                    // Objects by the names of types and of commands.
                    if !["keys", "unknown"].contains(&name.as_str()) {
                        self.walk(value);
                    }
                }
            }
            _ => {}
        }
    }

    fn member(&mut self, name: &str, value: &Value) {
        for old in ["size", "file", "time", "expiry", "log_path", "grown", "idle", "target_path"] {
            assert_ne!(name, old, "{value}");
        }
        assert!(!name.ends_with("_time"), "{name}: {value}");
        let number = value.is_null() || value.is_i64() || value.is_u64();
        if name.ends_with("_ms") {
            assert!(number, "{name}: {value}");
        }
        if name.ends_with("bytes") || name.ends_with("offset") {
            assert!(number, "{name}: {value}");
        }
        if name == "path" {
            assert!(is_path(value), "{value}");
        }
        if name == "part" {
            assert!(value.is_null() || is_path(value), "{value}");
            assert!(value.as_str().is_none_or(|part| !part.contains('/')), "{value}");
        }
        if name == "copies" {
            assert!(value.is_array(), "{value}");
        }
        assert!(self.documentation.contains(&format!("`{name}`")), "docs/reference.md has no {name}: {value}");
        self.names.insert(name.to_owned());
    }
}

/// What `docs/reference.md` says of the JSON of a subcommand with these arguments.
fn documentation(arguments: &[&str]) -> String {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference.md")).unwrap();
    let (_, json) = page.split_once("\n## JSON\n").unwrap();
    let of_copies = ["--undo", "--discard-copies"].iter().any(|option| arguments.contains(option));
    let wanted = if of_copies { "kept copies" } else { arguments[0] };
    let sections = json.split("\n### ");
    sections
        .enumerate()
        .filter(|(index, section)| *index == 0 || section.starts_with(wanted) || section.starts_with("gaps\n"))
        .map(|(_, text)| text)
        .collect()
}

/// Whether it is a string, or the bytes of one that is not UTF-8.
fn is_path(value: &Value) -> bool {
    value.is_string() || value["base64"].is_string()
}

/// A copy of a log of `testdata`, to be changed.
fn copied(directory: &TempDir, name: &str) -> PathBuf {
    let (from, to) = (testdata().join(name), directory.path().join(Path::new(name).file_name().unwrap()));
    if from.is_file() {
        fs::copy(&from, &to).unwrap();
        return to;
    }
    let mut directories = vec![(from, to.clone())];
    while let Some((from, to)) = directories.pop() {
        fs::create_dir(&to).unwrap();
        for file in fs::read_dir(&from).unwrap() {
            let (path, to) = (file.as_ref().unwrap().path(), to.join(file.unwrap().file_name()));
            if path.is_dir() {
                directories.push((path, to));
            } else {
                fs::copy(&path, &to).unwrap();
            }
        }
    }
    to
}

#[test]
fn all_subcommands_agree() {
    let mut walk = Walk::default();
    let directory = TempDir::new().unwrap();
    // As bytes that are no text in a name, too.
    let odd = {
        use std::os::unix::ffi::OsStrExt;
        directory.path().join(std::ffi::OsStr::from_bytes(b"\xff.aof"))
    };
    fs::write(&odd, log(&["#TS:1700000000", "SET a 1", "MULTI"])).unwrap();

    let trees = ["damaged", "logs", "rdb"].map(|name| testdata().join(name));
    let trees: Vec<&Path> = trees.iter().map(PathBuf::as_path).collect();
    let checked = walk.run(&["check"], &trees, Envelope::Each);
    assert!(checked.len() > 200, "{}", checked.len());
    walk.run(&["check"], &[&odd], Envelope::Each);

    let mut logs: Vec<PathBuf> = ["rdb", "damaged"]
        .iter()
        .flat_map(|folder| fs::read_dir(testdata().join(folder)).unwrap())
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "rdb" || extension == "aof"))
        .collect();
    logs.push(testdata().join("logs/redis-8.0/timestamps"));
    logs.push(odd.clone());
    let logs: Vec<&Path> = logs.iter().map(PathBuf::as_path).collect();
    let shown = walk.run(&["inspect", "--decode"], &logs, Envelope::First);
    assert_eq!(shown.iter().filter(|object| object["kind"] == "log").count(), logs.len());
    let one = walk.run(&["inspect"], &[&testdata().join("logs/redis-8.0/timestamps")], Envelope::First);
    assert!(one[1..].iter().all(|object| object.get("path").is_none()));
    // Every filter leaves the header, and nothing else is without a command then.
    let filtered = walk.run(&["inspect", "--command", "set"], &[&odd], Envelope::First);
    assert_eq!(filtered.iter().map(|object| &object["command"]).collect::<Vec<_>>(), [&Value::Null, &"SET".into()]);
    assert_eq!(filtered[1]["time_ms"], 1_700_000_000_000_i64);
    let counted = walk.run(&["inspect", "--count"], &[&odd, &odd], Envelope::Each);
    assert_eq!(counted.iter().map(|object| &object["count"]).collect::<Vec<_>>(), [3, 3]);
}

#[test]
fn so_do_those_that_change_a_log() {
    let mut walk = Walk::default();
    let directory = TempDir::new().unwrap();
    let torn = copied(&directory, "torn.aof");
    let parts = copied(&directory, "damaged/part-cut-last");
    let refused = copied(&directory, "damaged/part-cut-not-last");
    let sound = copied(&directory, "logs/redis-8.0/rdb-base");
    let fresh = TempDir::new().unwrap();
    // With --force: a test beside this one may be starting a process, which holds copies of all descriptors for a
    // moment.
    for (arguments, path, outcome) in [
        (&["fix", "--dry-run"][..], &torn, "planned"),
        (&["fix"], &torn, "declined"),
        (&["fix", "--yes", "--force"], &torn, "fixed"),
        (&["fix", "--undo", "--list"], &torn, "listed"),
        (&["fix", "--undo", "--dry-run"], &torn, "planned"),
        (&["fix", "--undo", "--force"], &torn, "restored"),
        (&["fix", "--discard-copies"], &torn, "nothing"),
        (&["fix", "--yes", "--force"], &parts, "fixed"),
        (&["fix", "--discard-copies"], &parts, "discarded"),
        (&["fix"], &refused, "refused"),
        (&["fix"], &sound, "sound"),
        (&["fix", "--before", "del", "--dry-run", "--force"], &sound, "planned"),
        (&["fix", "--truncate-to-offset", "23", "--yes", "--force"], &sound, "fixed"),
        (&["fix", "--undo", "--force"], &sound, "restored"),
        (&["fix", "--remove", "23,184", "--dry-run", "--force"], &sound, "planned"),
        (&["fix"], &fresh.path().to_owned(), "sound"),
        (&["fix"], &PathBuf::from("-"), "refused"),
        (&["rewrite", "--in-place", "--dry-run", "--force"], &sound, "planned"),
        (&["rewrite", "--in-place", "--force"], &sound, "declined"),
        (&["rewrite", "--in-place", "--yes", "--force"], &sound, "replaced"),
        (&["rewrite", "--undo", "--force"], &sound, "restored"),
        (&["rewrite", "--discard-copies"], &sound, "nothing"),
    ] {
        assert_eq!(walk.run(arguments, &[path], Envelope::Each)[0]["outcome"], outcome, "{arguments:?}");
    }

    let emptied = directory.path().join("emptied.aof");
    fs::write(&emptied, log(&["SET a 1", "FLUSHALL", "NOSUCH k", "SET b 1"])).unwrap();
    let new = directory.path().join("new.aof");
    let unknown = &["rewrite", "--unknown", "skip", "--verify", "-o", new.to_str().unwrap()];
    let written = walk.run(unknown, &[&emptied], Envelope::Each);
    assert_eq!(
        (&written[0]["flushes"][0]["part"], &written[0]["flushes"][0]["offset"]),
        (&"emptied.aof".into(), &27.into())
    );
    let damaged = directory.path().join("damaged.aof");
    let broken = [log(&["SET a 1"]), b"broken".to_vec(), log(&["SET b 1", "SELECT 3", "SET c 1"])].concat();
    fs::write(&damaged, broken).unwrap();
    for subcommand in [&["digest"][..], &["inspect"], &["inspect", "--count"], &["rewrite", "--force", "-o", "-"]] {
        let skipping = [subcommand, &["--skip-damage"]].concat();
        let envelope = if subcommand == ["inspect"] { Envelope::First } else { Envelope::Each };
        let objects = walk.run(&skipping, &[&damaged], envelope);
        assert_eq!(objects[0]["gaps"][0]["part"], "damaged.aof", "{objects:?}");
    }
    walk.run(&["rewrite", "-o", "-"], &[&testdata().join("logs/redis-8.0/timestamps")], Envelope::Each);

    for path in ["logs/valkey-9.1/rdb-base", "torn.aof", "logs/redis-8.0/fresh"] {
        walk.run(&["digest"], &[&testdata().join(path)], Envelope::Each);
    }
    walk.run(&["digest", "--key", "b"], &[&new], Envelope::Each);
    for name in ["digest", "grown_bytes", "removed_bytes", "clock_ms", "finding", "restored", "copies", "chosen_by"] {
        assert!(walk.names.contains(name), "{name} was never printed");
    }
}
