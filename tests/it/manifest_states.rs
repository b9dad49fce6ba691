//! States of a directory of parts: what `check` and `fix` say of each, and what real servers do.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::harness::files::files_in;
use crate::harness::load::{Ended, Loaded, load_data_directory};
use crate::harness::log::{command, log};
use crate::harness::program::aofkit;

/// Releases with manifests, from the first to the newest of each project.
const RELEASES: [&str; 3] = ["redis-7.0", "redis-8.6", "valkey-9.1"];

const DIRECTORY: &str = "appendonlydir";
const MANIFEST: &str = "appendonly.aof.manifest";

/// A data directory with a base and three incrs, of which each sets a key.
struct Data(TempDir);

impl Data {
    fn new() -> Self {
        let data = Self(tempfile::tempdir().unwrap());
        fs::create_dir(data.path(DIRECTORY)).unwrap();
        data.write("appendonly.aof.1.base.aof", &set("base"));
        for number in 1..=3 {
            data.write(&incr(number), &set(&format!("incr {number}")));
        }
        data.write(MANIFEST, manifest(3).as_bytes());
        data
    }

    /// A file in the data directory.
    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A file in the directory of the parts.
    fn part(&self, name: &str) -> PathBuf {
        self.path(DIRECTORY).join(name)
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.part(name), bytes).unwrap();
    }

    fn remove(&self, name: &str) {
        fs::remove_file(self.part(name)).unwrap();
    }

    /// The exit code of a command on the data directory, and what it says.
    fn run(&self, subcommand: &str, options: &[&str]) -> (i32, String) {
        run(subcommand, options, self.0.path())
    }

    /// What a server does with a copy of it, and how many keys it has then.
    fn load(&self, release: &str, files: &[&str]) -> (Loaded, u32) {
        let loaded = load_data_directory(release, self.0.path(), files, &[vec!["DBSIZE"]]);
        let keys = loaded.answers.as_ref().map_or(0, |answers| answers[0].trim_start_matches(':').parse().unwrap());
        (loaded, keys)
    }

    /// Fails unless each server loads as many keys.
    #[track_caller]
    fn assert_keys(&self, keys: u32) {
        for release in RELEASES {
            let (loaded, loaded_keys) = self.load(release, &[]);
            assert_eq!((loaded.ended, loaded_keys), (Ended::Starts, keys), "{release}");
        }
    }
}

fn set(key: &str) -> Vec<u8> {
    [command(&["SELECT", "0"]), command(&["SET", key, "value"])].concat()
}

/// The same with damage between two keys.
fn damaged(key: &str) -> Vec<u8> {
    [set(key), b"*3\r\n$3\r\nSET\xff\xff\xff\r\n".to_vec(), set("after the damage"), set("more")].concat()
}

fn incr(number: u32) -> String {
    format!("appendonly.aof.{number}.incr.aof")
}

/// A manifest that names the base and this many incrs.
fn manifest(incrs: u32) -> String {
    let incr = |number| format!("file {} seq {number} type i\n", incr(number));
    "file appendonly.aof.1.base.aof seq 1 type b\n".to_owned() + &(1..=incrs).map(incr).collect::<String>()
}

fn run(subcommand: &str, options: &[&str], path: &Path) -> (i32, String) {
    // A test beside this one may be starting a process, which holds copies of all descriptors for a moment.
    let force = if subcommand == "fix" { &["--force"][..] } else { &[] };
    let output = aofkit(subcommand).args(options).args(force).arg(path).output().unwrap();
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    (output.status.code().unwrap(), text)
}

/// The findings that `check` has: severity, code, and the name of the file.
fn findings(path: &Path) -> Vec<String> {
    let output = aofkit("check").args(["--format", "json"]).arg(path).output().unwrap();
    let reports = serde_json::Deserializer::from_slice(&output.stdout).into_iter::<serde_json::Value>();
    let mut found = Vec::new();
    for report in reports.map(Result::unwrap) {
        for finding in report["findings"].as_array().unwrap() {
            let [severity, code, path] = ["severity", "code", "path"].map(|field| finding[field].as_str().unwrap());
            let name = Path::new(path).file_name().unwrap().to_str().unwrap();
            found.push(format!("{severity} {code} {name}"));
        }
    }
    found
}

#[test]
fn parts_without_their_manifest_are_an_error_and_loose_files_are_not() {
    let data = Data::new();
    data.remove(MANIFEST);
    for path in [data.0.path().to_owned(), data.path(DIRECTORY)] {
        let (code, text) = run("check", &[], &path);
        assert_eq!(code, 1, "{text}");
        assert!(text.contains("writes over the parts") && text.contains("run: aofkit fix"), "{text}");
        assert_eq!(findings(&path), ["error no-manifest appendonly.aof.1.base.aof"]);
    }
    // Each is a log by itself, and a base or an incr alone is nothing that a server left so.
    for name in ["appendonly.aof.1.base.aof", &incr(1)] {
        assert_eq!(run("check", &[], &data.part(name)).0, 0, "{name}");
    }
    data.remove("appendonly.aof.1.base.aof");
    assert_eq!(data.run("check", &[]).0, 0);
}

#[test]
fn a_base_and_one_incr_without_manifest_are_not_taken_for_the_incr_alone() {
    let data = Data::new();
    for name in [MANIFEST, &incr(2), &incr(3), "appendonly.aof.1.base.aof"] {
        data.remove(name);
    }
    // An RDB is not taken for an append-only file by its name.
    let rdb = fs::read(crate::harness::files::testdata().join("rdb/redis-8.0.6.rdb")).unwrap();
    data.write("appendonly.aof.1.base.rdb", &rdb);
    let directory = data.path(DIRECTORY);
    assert!(findings(&directory).contains(&"error no-manifest appendonly.aof.1.base.rdb".to_owned()));
    let (code, text) = run("digest", &[], &directory);
    let command = format!("run: aofkit fix {}\n", directory.display());
    assert!(code == 2 && text.contains("no manifest") && text.contains(&command), "{text}");
    let (code, text) = run("fix", &["--yes"], &directory);
    assert!(code == 0 && text.contains("appendonly.aof.1.base.rdb seq 1 type b"), "{text}");
}

#[test]
fn an_old_style_file_and_parts_without_manifest_are_a_doubt() {
    let data = Data::new();
    data.remove(MANIFEST);
    fs::write(data.path("appendonly.aof"), set("old")).unwrap();
    let (code, text) = data.run("check", &[]);
    assert!(code == 1 && text.contains("takes the file appendonly.aof beside the directory"), "{text}");
    for options in [&["--yes"][..], &["--yes", "--salvage"]] {
        let (code, text) = data.run("fix", options);
        assert!(code == 1 && text.contains("move the one that is out of date away"), "{text}");
        assert_eq!(files_in(data.0.path()), ["appendonly.aof", DIRECTORY]);
    }
    // Once it is decided, the rest follows.
    fs::remove_file(data.path("appendonly.aof")).unwrap();
    let (code, text) = data.run("fix", &["--yes", "--before", "SET"]);
    assert!(code == 1 && text.contains("write it first: aofkit fix"), "{text}");
    assert_eq!(data.run("fix", &["--yes"]).0, 0);
    assert_eq!(fs::read_to_string(data.part(MANIFEST)).unwrap(), manifest(3));
    // A file of another name is another log.
    data.remove(MANIFEST);
    fs::write(data.path("other.aof"), log(&["PING"])).unwrap();
    let (code, text) = data.run("fix", &["--yes"]);
    assert!(code == 0 && text.contains("other.aof"), "{text}");
}

#[test]
fn a_manifest_and_damaged_parts_are_mended_as_one_change() {
    for has_manifest in [false, true] {
        let data = Data::new();
        let broken = format!("{}garbage\n", manifest(3));
        if has_manifest {
            data.write(MANIFEST, broken.as_bytes());
        } else {
            data.remove(MANIFEST);
        }
        data.write("appendonly.aof.1.base.aof", &damaged("base"));
        data.write(&incr(2), &damaged("incr 2"));
        let before = files_in(&data.path(DIRECTORY));
        // Without --salvage the manifest is all that is written, and the rest is said.
        let (code, text) = data.run("fix", &["--dry-run"]);
        assert!(code == 1 && text.contains("is damaged, and this does not change it"), "{text}");
        assert!(text.contains("as one change, run: aofkit fix --salvage"), "{text}");
        let (code, text) = data.run("fix", &["--yes", "--salvage"]);
        assert!(code == 0 && text.contains("checked again: nothing is damaged"), "{text}");
        assert_eq!(data.run("check", &[]).0, 0);
        let (code, text) = data.run("fix", &["--undo"]);
        assert_eq!(code, 0, "{text}");
        assert_eq!(files_in(&data.path(DIRECTORY)), before);
        assert_eq!(fs::read(data.part(&incr(2))).unwrap(), damaged("incr 2"));
        assert!(!has_manifest || fs::read(data.part(MANIFEST)).unwrap() == broken.as_bytes());
    }
}

#[server_test]
fn servers_ignore_parts_without_manifest_and_load_them_with_the_one_that_is_written() {
    let data = Data::new();
    data.assert_keys(4);
    data.remove(MANIFEST);
    data.assert_keys(0);
    fs::write(data.path("appendonly.aof"), set("old")).unwrap();
    data.assert_keys(1);
    fs::remove_file(data.path("appendonly.aof")).unwrap();
    data.write(&incr(2), &damaged("incr 2"));
    assert_eq!(data.run("fix", &["--yes", "--salvage"]).0, 0);
    data.assert_keys(6);
}

impl Data {
    /// The state in which a server is killed during its upgrade from one file.
    fn interrupted_upgrade(old: &[u8]) -> Self {
        let data = Self(tempfile::tempdir().unwrap());
        fs::create_dir(data.path(DIRECTORY)).unwrap();
        fs::write(data.path("appendonly.aof"), old).unwrap();
        data.write(MANIFEST, b"file appendonly.aof seq 1 type b\n");
        data
    }
}

#[test]
fn the_base_of_an_interrupted_upgrade_is_read_where_it_is() {
    let data = Data::interrupted_upgrade(&set("old"));
    for path in [data.0.path().to_owned(), data.path(DIRECTORY), data.part(MANIFEST)] {
        assert_eq!(findings(&path), ["error interrupted-upgrade appendonly.aof"]);
        let (code, text) = run("check", &[], &path);
        assert!(code == 1 && text.contains("stops: a file is missing") && text.contains("  loads\n"), "{text}");
        let (code, text) = run("inspect", &[], &path);
        assert!(code == 0 && text.contains("SET old value"), "{text}");
        assert_eq!(run("digest", &[], &path).0, 0);
        assert_eq!(run("fix", &["--yes"], &path).0, 0);
    }
    let (code, text) = data.run("rewrite", &["--in-place", "--yes", "--force"]);
    assert!(code == 2 && text.contains("start the server once"), "{text}");
    assert_eq!(files_in(&data.path(DIRECTORY)), [MANIFEST]);

    let torn = [set("old"), b"*3\r\n$3\r\nS".to_vec()].concat();
    let data = Data::interrupted_upgrade(&torn);
    let (code, text) = data.run("fix", &["--yes"]);
    assert!(code == 0 && text.contains("checked again: nothing is damaged"), "{text}");
    assert_eq!(fs::read(data.path("appendonly.aof")).unwrap(), set("old"));
    assert_eq!(data.run("fix", &["--undo"]).0, 0);
    assert_eq!(fs::read(data.path("appendonly.aof")).unwrap(), torn);
    // With an incr in the manifest, servers do not look for it.
    data.write(&incr(1), &set("incr"));
    data.write(MANIFEST, manifest(1).replace("appendonly.aof.1.base.aof", "appendonly.aof").as_bytes());
    assert!(findings(&data.path(DIRECTORY)).contains(&"error missing-part appendonly.aof".to_owned()));
}

#[test]
fn lines_that_a_manifest_lost_come_back() {
    let data = Data::new();
    data.write(MANIFEST, manifest(2).as_bytes());
    assert_eq!(findings(&data.part(MANIFEST)), ["error unlisted-file appendonly.aof.3.incr.aof"]);
    assert_eq!(data.run("check", &[]).0, 1);
    let (code, text) = data.run("fix", &["--yes"]);
    assert!(code == 0 && text.contains("checked again: nothing is damaged"), "{text}");
    assert_eq!(fs::read_to_string(data.part(MANIFEST)).unwrap(), manifest(3));
    // So do the line of the base, and one in the middle.
    for (lost, kind) in [("appendonly.aof.1.base.aof".to_owned(), "base"), (incr(2), "incr")] {
        let kept: String = manifest(3).split_inclusive('\n').filter(|line| !line.contains(&lost)).collect();
        data.write(MANIFEST, kept.as_bytes());
        assert_eq!(findings(&data.part(MANIFEST)), [format!("error unlisted-file {lost}")], "{kind}");
        assert_eq!(data.run("fix", &["--yes"]).0, 0);
        assert_eq!(fs::read_to_string(data.part(MANIFEST)).unwrap(), manifest(3));
    }
    // An incr before all that are named was replaced by a rewrite.
    let named = manifest(3).replace(&format!("file {} seq 1 type i\n", incr(1)), "");
    data.write(MANIFEST, named.as_bytes());
    assert_eq!(findings(&data.part(MANIFEST)), [format!("note unlisted-file {}", incr(1))]);
    data.write(MANIFEST, manifest(3).as_bytes());
    // An empty incr adds nothing, and one that a rewrite began is followed by its base.
    data.write(&incr(4), b"");
    assert_eq!(findings(&data.part(MANIFEST)), ["note unlisted-file appendonly.aof.4.incr.aof"]);
    data.write(&incr(4), &set("incr 4"));
    data.write("appendonly.aof.2.base.aof", &set("base"));
    assert_eq!(run("check", &[], &data.part(MANIFEST)).0, 0);
}

#[test]
fn advice_names_the_log_rather_than_one_of_its_parts() {
    let data = Data::new();
    data.write(&incr(1), &damaged("incr 1"));
    data.write(&incr(2), &damaged("incr 2"));
    let command = format!("run: aofkit fix --salvage {}\n", data.0.path().display());
    for subcommand in ["check", "fix"] {
        let (code, text) = data.run(subcommand, &[]);
        assert!(code == 1 && text.contains(&command), "{text}");
    }
    assert_eq!(data.run("fix", &["--salvage", "--yes"]).0, 0);
    assert_eq!(data.run("check", &[]).0, 0);
}

#[server_test]
fn servers_complete_an_interrupted_upgrade_and_cut_the_file() {
    let torn = [set("old"), b"*3\r\n$3\r\nS".to_vec()].concat();
    let data = Data::interrupted_upgrade(&torn);
    for release in RELEASES {
        let (loaded, keys) = data.load(release, &["appendonly.aof", "appendonlydir/appendonly.aof"]);
        let moved = [None, Some(set("old").len() as u64)];
        assert_eq!((loaded.ended, loaded.sizes.as_slice(), keys), (Ended::Starts, &moved[..], 1), "{release}");
    }
}

#[server_test]
fn servers_do_without_the_lines_that_a_manifest_lost_and_load_the_ones_that_come_back() {
    let data = Data::new();
    for lost in ["appendonly.aof.1.base.aof", &incr(2), &incr(3)] {
        let kept: String = manifest(3).split_inclusive('\n').filter(|line| !line.contains(lost)).collect();
        data.write(MANIFEST, kept.as_bytes());
        data.assert_keys(3);
        assert_eq!(data.run("fix", &["--yes"]).0, 0);
        data.assert_keys(4);
    }
}

#[test]
fn what_a_server_left_unfinished_or_no_longer_reads_is_noted() {
    let data = Data::new();
    data.write("temp-appendonly.aof.manifest", b"file");
    fs::write(data.path("temp-rewriteaof-bg-17.aof"), set("rewritten")).unwrap();
    fs::write(data.path("temp-17.rdb"), b"REDIS").unwrap();
    let (code, text) = data.run("check", &[]);
    assert!(code == 0 && text.contains("3 files: temp-appendonly.aof.manifest, temp-17.rdb"), "{text}");
    assert_eq!(findings(data.0.path()), ["note unfinished-file temp-appendonly.aof.manifest"]);
    for name in ["temp-appendonly.aof.manifest", "../temp-rewriteaof-bg-17.aof", "../temp-17.rdb"] {
        data.remove(name);
    }
    data.write("appendonly.aof.2.base.aof", &set("rewritten"));
    let (code, text) = data.run("check", &[]);
    assert!(code == 0 && text.contains("a rewrite made this base, and was interrupted"), "{text}");
    data.remove("appendonly.aof.2.base.aof");
    fs::write(data.path("appendonly.aof"), set("old")).unwrap();
    let (code, text) = data.run("check", &[]);
    assert!(code == 0 && text.contains("servers ignore it beside a manifest"), "{text}");
    assert_eq!(findings(&data.part(MANIFEST)), ["note unlisted-file appendonly.aof"]);
}

#[test]
fn parts_that_are_lost_leave_the_manifest_with_salvage() {
    for (lost, rest) in [("appendonly.aof.1.base.aof", 1..4), (&incr(2), 0..4), (&incr(3), 0..3)] {
        let data = Data::new();
        data.remove(lost);
        let command = format!("run: aofkit fix --salvage {}", data.0.path().display());
        for subcommand in ["check", "fix"] {
            let (code, text) = data.run(subcommand, &[]);
            assert!(code == 1 && text.contains(&command), "{text}");
        }
        let (code, text) = data.run("fix", &["--salvage", "--yes"]);
        assert!(code == 0 && text.contains("lost"), "{text}");
        let text = manifest(3);
        let kept =
            text.split_inclusive('\n').enumerate().filter(|(index, line)| rest.contains(index) && !line.contains(lost));
        let kept: String = kept.map(|(_, line)| line).collect();
        assert_eq!(fs::read_to_string(data.part(MANIFEST)).unwrap(), kept);
    }
}

#[server_test]
fn servers_load_what_is_left_without_the_base() {
    let data = Data::new();
    data.remove("appendonly.aof.1.base.aof");
    assert_eq!(data.run("fix", &["--salvage", "--yes"]).0, 0);
    data.assert_keys(3);
}

#[server_test]
fn servers_ignore_an_old_style_file_beside_a_manifest_and_refuse_doubled_numbers_until_they_are_mended() {
    let data = Data::new();
    fs::write(data.path("appendonly.aof"), set("old")).unwrap();
    data.assert_keys(4);
    data.write(MANIFEST, manifest(3).replace("seq 3", "seq 2").as_bytes());
    for release in RELEASES {
        assert_eq!(data.load(release, &[]).0.ended, Ended::Exits(1), "{release}");
    }
    assert_eq!(data.run("fix", &["--yes"]).0, 0);
    assert_eq!(fs::read_to_string(data.part(MANIFEST)).unwrap(), manifest(3));
    data.assert_keys(4);
}
