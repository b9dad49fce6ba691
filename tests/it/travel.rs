//! `fix --truncate-to-timestamp`, `--truncate-to-offset`, `--before` and `--remove`: what a server then loads is what
//! another server had, and an undo gives the log back byte for byte.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use aofkit::aof::log::Log;
use aofkit::check::Settings;
use aofkit::repair::travel::{self, Point};
use aofkit::repair::{self, Survey};
use aofkit::replay::Place;
use aofkit::storage::OpenElsewhere;
use predicates::str::contains;
use serde_json::Value;
use tempfile::TempDir;

use crate::harness::RealServer;
use crate::harness::faulty::{FAULTS, Faulty};
use crate::harness::files::folder;
use crate::harness::log::{command, log};
use crate::harness::program::{aofkit, file};
use crate::harness::servers::{program, server_of};

/// The releases whose logs are taken back: one file, and several parts of each kind.
const RELEASES: [&str; 6] = ["redis-6.2", "redis-7.0", "redis-8.0.6", "redis-8.6", "valkey-8.1", "valkey-9.1"];

/// The first Unix second of a log.
const BEGIN: usize = 1_700_000_000;

fn digest(server: &mut RealServer) -> String {
    server.call(&["DEBUG", "DIGEST"]).text()
}

/// What a server loads from a directory.
fn loaded(release: &str, directory: &Path) -> String {
    digest(&mut RealServer::start_on(release, directory))
}

/// The file that a server appends to, and the directory that it is in.
fn appended_to(release: &str, directory: &Path) -> PathBuf {
    match release {
        "redis-6.2" => directory.join("appendonly.aof"),
        _ => directory.join("appendonlydir/appendonly.aof.1.incr.aof"),
    }
}

/// Has a server rewrite its log.
fn rewrite(server: &mut RealServer) {
    server.call(&["BGREWRITEAOF"]);
    let mut state = || server.call(&["INFO", "persistence"]).text();
    let is_done = |state: String| {
        let is = |line: &str| state.lines().any(|found| found == line);
        is("aof_rewrite_in_progress:0") && is("aof_rewrite_scheduled:0") && is("aof_last_bgrewrite_status:ok")
    };
    while !is_done(state()) {
        std::thread::yield_now();
    }
}

/// Every file below a directory, with its bytes.
fn contents(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let is_of_server = path.extension().is_some_and(|extension| extension == "log") || path.ends_with("s");
        if path.is_dir() {
            found.append(&mut contents(&path));
        } else if !is_of_server {
            found.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    found
}

/// Runs `aofkit fix` on a copy of a directory, has `loaded` look at the result, and undoes it.
fn on_a_copy(original: &Path, options: &[&str], mut look: impl FnMut(&Path, &Value)) {
    let copy = folder();
    copy_all(original, copy.path());
    let before = contents(copy.path());
    // Tests that start processes beside this one hold copies of all descriptors for a moment.
    let run = |options: &[&str]| {
        let output =
            aofkit("fix").args(["--force", "--format", "json"]).args(options).arg(copy.path()).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(0), "{options:?}: {error}{}", String::from_utf8_lossy(&output.stdout));
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    let report = run(&[&["--yes"], options].concat());
    assert_eq!((&report["outcome"], &report["sound"]), (&"fixed".into(), &true.into()), "{options:?}: {report}");
    let served = folder();
    copy_all(copy.path(), served.path());
    look(served.path(), &report);
    run(&["--undo"]);
    assert!(contents(copy.path()) == before, "{options:?}: after an undo");
}

fn copy_all(from: &Path, to: &Path) {
    for (path, bytes) in contents(from) {
        let target = to.join(path.strip_prefix(from).unwrap());
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::write(target, bytes).unwrap();
    }
}

/// Commands, each with what comes with it in the log.
fn traffic(step: usize) -> Vec<Vec<String>> {
    let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let mut lines = vec![
        words(&format!("SET key:{step} {step}")),
        words(&format!("RPUSH list a{step} b{step}")),
        words("INCR counter"),
    ];
    if step % 3 == 1 {
        let transaction = ["MULTI", "SELECT 3", "HSET hash f v", "INCRBY counter 2", "SELECT 0", "EXEC"];
        lines.extend(transaction.iter().map(|line| words(line)));
    }
    lines
}

/// A directory that a server has written to, as a log of several incr files with times, and after each step the
/// place where the log was and what the server had.
fn history(release: &str) -> (TempDir, Vec<(String, String)>) {
    const STEPS: usize = 9;
    let directory = folder();
    let mut server = RealServer::start_on(release, directory.path());
    server.call(&["SET", "first", "1"]);
    rewrite(&mut server);
    server.call(&["SET", "second", "1"]);
    let name = |number: usize| format!("appendonly.aof.{}.incr.aof", number + 1);
    let is_one_file = release == "redis-6.2";
    let path = directory.path();
    let path = if is_one_file { path.join("appendonly.aof") } else { path.join("appendonlydir").join(name(1)) };
    let size = |path: &Path| usize::try_from(fs::metadata(path).unwrap().len()).unwrap();
    let mut steps = vec![(size(&path), digest(&mut server))];
    for step in 0..STEPS {
        for words in traffic(step) {
            server.call(&words);
        }
        steps.push((size(&path), digest(&mut server)));
    }
    drop(server);
    let bytes = fs::read(&path).unwrap();
    let mut files = vec![bytes[..steps[0].0].to_vec()];
    let place = |files: &[Vec<u8>]| {
        let end = files.last().unwrap().len();
        if is_one_file { end.to_string() } else { format!("{}:{end}", name(files.len())) }
    };
    let mut places = vec![(place(&files), steps[0].1.clone())];
    for (step, pair) in steps.windows(2).enumerate() {
        if step % 3 == 2 && !is_one_file {
            files.push(command(&["SELECT", "0"]));
        }
        let file = files.last_mut().unwrap();
        if !is_one_file {
            file.extend(format!("#TS:{}\r\n", BEGIN + step).into_bytes());
        }
        file.extend(&bytes[pair[0].0..pair[1].0]);
        places.push((place(&files), pair[1].1.clone()));
    }
    if is_one_file {
        assert_eq!(files[0], bytes);
        return (directory, places);
    }
    let manifest = path.with_file_name("appendonly.aof.manifest");
    let mut lines = fs::read_to_string(&manifest).unwrap();
    for (index, bytes) in files.iter().enumerate() {
        fs::write(path.with_file_name(name(index + 1)), bytes).unwrap();
        if index > 0 {
            lines += &format!("file {} seq {} type i\n", name(index + 1), index + 2);
        }
    }
    fs::write(&manifest, lines).unwrap();
    assert_eq!(files.len(), 4);
    (directory, places)
}

#[server_test]
fn a_server_loads_what_it_had_at_each_offset_and_time() {
    for release in RELEASES {
        let (directory, places) = history(release);
        assert_eq!(loaded(release, directory.path()), places.last().unwrap().1, "{release}");
        let (_, earlier) = places.split_last().unwrap();
        for (step, (place, expected)) in earlier.iter().enumerate() {
            let mut ways = vec![vec!["--truncate-to-offset", place]];
            let time = (BEGIN + step - usize::from(step > 0)).to_string();
            // The first step has no time.
            if release != "redis-6.2" && step > 0 {
                ways.push(vec!["--truncate-to-timestamp", &time]);
            }
            for way in ways {
                on_a_copy(directory.path(), &way, |path, report| {
                    let found = loaded(release, path);
                    assert_eq!(found, *expected, "{release}: {way:?}: {report}");
                });
            }
        }
    }
}

#[server_test]
fn a_time_means_the_same_as_in_a_rewrite() {
    let (directory, places) = history("redis-8.6");
    for second in BEGIN..BEGIN + places.len() - 2 {
        let time = second.to_string();
        let digest = |path: &Path, options: &[&str]| {
            let output = aofkit("digest").args(options).arg(path).assert().success();
            String::from_utf8(output.get_output().stdout.clone()).unwrap()
        };
        let expected = digest(directory.path(), &["--at", &time]);
        on_a_copy(directory.path(), &["--truncate-to-timestamp", &time], |path, _| {
            assert_eq!(digest(path, &[]), expected, "{time}");
        });
    }
}

#[server_test]
fn a_time_is_where_the_official_checkers_cut() {
    let lines = [
        "#TS:1700000000",
        "SET a 1",
        "SET a 2",
        "#TS:1700000002",
        "MULTI",
        "SET b 1",
        "EXEC",
        "#TS:1700000003",
        "DEL a",
    ];
    for (release, name) in [("redis-7.0", "check-aof"), ("redis-8.6", "check-aof"), ("valkey-9.1", "check-aof")] {
        for second in 1_699_999_999_u32..1_700_000_004 {
            let time = second.to_string();
            let directory = TempDir::new().unwrap();
            let [ours, theirs] = ["ours.aof", "theirs.aof"].map(|name| file(&directory, name, &log(&lines)));
            let checked =
                program(release, name).args(["--truncate-to-timestamp", &time]).arg(&theirs).output().unwrap();
            let done = aofkit("fix").args(["--yes", "--force", "--truncate-to-timestamp", &time]).arg(&ours).output();
            let (theirs, ours) = (fs::read(theirs).unwrap(), fs::read(ours).unwrap());
            assert_eq!(ours, theirs, "{release}: {time}");
            // Both refuse to leave nothing.
            assert_eq!(checked.status.success(), done.unwrap().status.success(), "{release}: {time}");
        }
    }
}

/// The recipe of the README: from the accident to what the server had before it.
#[server_test]
fn what_a_flushall_emptied_comes_back() {
    for release in RELEASES {
        let directory = folder();
        let mut server = RealServer::start_on(release, directory.path());
        for step in 0..6 {
            for words in traffic(step) {
                server.call(&words);
            }
        }
        let expected = (digest(&mut server), server.call(&["INFO", "keyspace"]).text());
        let keys: u64 = expected
            .1
            .split("keys=")
            .skip(1)
            .map(|rest| rest.split(',').next().unwrap())
            .map(|keys| keys.parse::<u64>().unwrap())
            .sum();
        server.call(&["FLUSHALL"]);
        server.call(&["SET", "later", "1"]);
        server.call(&["SET", "later", "2"]);
        drop(server);
        let noted = aofkit("check").arg(directory.path()).output().unwrap();
        let noted = String::from_utf8_lossy(&noted.stdout).into_owned();
        let advised =
            noted.lines().find_map(|line| line.split("run: aofkit fix ").nth(1)).unwrap_or_else(|| panic!("{noted}"));
        let (advised, _) = advised.rsplit_once(' ').unwrap();
        let advised: Vec<&str> = advised.split(' ').collect();
        for way in [vec!["--before", "FLUSHALL"], advised] {
            on_a_copy(directory.path(), &way, |path, report| {
                assert_eq!(loaded(release, path), expected.0, "{release} {way:?}");
                let travel = &report["travel"];
                let told = if way[0] == "--before" { &travel["command"] } else { &travel["emptied"][0] };
                assert_eq!(
                    (&told["keys_before"], &told["keys_after"]),
                    (&keys.into(), &0.into()),
                    "{release}: {travel}"
                );
                assert_eq!(travel["records"], 3, "{release}: {travel}");
            });
        }
    }
}

/// What a server has after commands, in database 0 first.
fn after(release: &str, lines: &[&str]) -> String {
    let directory = folder();
    let mut server = RealServer::start_on(release, directory.path());
    for line in lines {
        server.call(&line.split(' ').collect::<Vec<_>>());
    }
    digest(&mut server)
}

/// The offset of the last record that begins with a command, as `inspect` prints it, in the file that is appended to.
fn offset_of(release: &str, directory: &Path, name: &str) -> u64 {
    let path = appended_to(release, directory);
    let output =
        aofkit("inspect").args(["--format", "json", "--tail", "1", "--command", name]).arg(path).output().unwrap();
    assert!(output.stdout.split(|byte| *byte == b'\n').count() > 2, "{release}: no {name}");
    let last = output.stdout.split(|byte| *byte == b'\n').rfind(|line| !line.is_empty()).unwrap();
    serde_json::from_slice::<Value>(last).unwrap()["offset"].as_u64().unwrap()
}

#[server_test]
fn what_was_removed_never_happened_and_everything_after_it_did() {
    let lines = [
        "SET a 1",
        "RPUSH l 1 2",
        "SELECT 3",
        "SET b 1",
        "SELECT 0",
        "MULTI",
        "APPEND a x",
        "SELECT 5",
        "SET c 1",
        "EXEC",
        "SET d 1",
        "SELECT 0",
        "DEL a",
        "SELECT 3",
        "INCR b",
        "SELECT 0",
        "APPEND a y",
    ];
    let without = |gone: std::ops::Range<usize>, instead: &[&'static str]| {
        [&lines[..gone.start], instead, &lines[gone.end..]].concat()
    };
    for release in RELEASES {
        let directory = folder();
        let mut server = RealServer::start_on(release, directory.path());
        for line in lines {
            server.call(&line.split(' ').collect::<Vec<_>>());
        }
        drop(server);
        let removed = |names: &[&str], expected: &str| {
            let offsets = names.iter().map(|name| offset_of(release, directory.path(), name).to_string());
            let offsets = offsets.collect::<Vec<_>>().join(",");
            on_a_copy(directory.path(), &["--remove", &offsets], |path, report| {
                assert_eq!(loaded(release, path), expected, "{release}: {names:?}: {report}");
            });
        };
        removed(&["del"], &after(release, &without(12..13, &[])));
        removed(&["rpush"], &after(release, &without(1..2, &[])));
        removed(&["rpush", "del"], &after(release, &[&lines[..1], &lines[2..12], &lines[13..]].concat()));
        // The database that the transaction selected stays selected.
        let without_transaction = after(release, &without(5..10, &["SELECT 5"]));
        removed(&["multi"], &without_transaction);
        removed(&["exec", "multi"], &without_transaction);
    }
}

#[server_test]
fn a_server_starts_without_the_command_that_it_refuses() {
    for release in RELEASES {
        let directory = folder();
        let mut server = RealServer::start_on(release, directory.path());
        server.call(&["SET", "a", "1"]);
        let before = digest(&mut server);
        drop(server);
        let path = appended_to(release, directory.path());
        let sound = fs::read(&path).unwrap();
        fs::write(&path, [&sound[..], &command(&["NOSUCHCOMMAND", "x"]), &command(&["SET", "b", "1"])].concat())
            .unwrap();
        let poison = sound.len().to_string();
        let server = format!("--server={}", server_of(release));
        let checked = aofkit("check").arg(&server).arg(directory.path()).output().unwrap();
        let checked = String::from_utf8_lossy(&checked.stdout).into_owned();
        let advised = format!("to remove it, run: aofkit fix --remove {poison} {}\n", path.display());
        assert!(checked.contains(&advised), "{release}: {checked}");
        on_a_copy(directory.path(), &["--remove", &poison, &server], |path, _| {
            assert_eq!(loaded(release, path), after(release, &["SET a 1", "SET b 1"]), "{release}");
        });
        on_a_copy(directory.path(), &["--before", "nosuchcommand", &server], |path, report| {
            assert_eq!(loaded(release, path), before, "{release}");
            let told = &report["travel"]["command"];
            assert_eq!((&told["keys_before"], &told["keys_after"]), (&1.into(), &Value::Null), "{release}: {told}");
            assert_eq!(told["keys_untold"], "the effect of NOSUCHCOMMAND is unknown", "{release}");
        });
    }
}

#[server_test]
fn records_of_several_parts_go_at_once() {
    for release in RELEASES.into_iter().filter(|release| *release != "redis-6.2") {
        let (directory, _) = history(release);
        let parts = ["appendonly.aof.2.incr.aof", "appendonly.aof.4.incr.aof"];
        let offset = |name: &&str| {
            let bytes = fs::read(directory.path().join("appendonlydir").join(name)).unwrap();
            let increment = command(&["INCR", "counter"]);
            let at = bytes.windows(increment.len()).position(|window| window == increment).unwrap();
            format!("{name}:{at}")
        };
        let places = parts.iter().map(offset).collect::<Vec<_>>().join(",");
        let count =
            |path: &Path| RealServer::start_on(release, path).call(&["GET", "counter"]).text().parse::<u64>().unwrap();
        let before = count(directory.path());
        on_a_copy(directory.path(), &["--remove", &places], |path, report| {
            assert_eq!(count(path), before - 2, "{release}: {report}");
        });
    }
}

/// A log of a base and three incr files.
fn several(directory: &Path) -> PathBuf {
    let mut manifest = String::new();
    for (name, kind) in [("a.1.base.aof", 'b'), ("a.1.incr.aof", 'i'), ("a.2.incr.aof", 'i'), ("a.3.incr.aof", 'i')] {
        fs::write(directory.join(name), log(&[&format!("SET {name} 1"), &format!("SET {name} 2")])).unwrap();
        let number = name.split('.').nth(1).unwrap();
        manifest += &format!("file {name} seq {number} type {kind}\n");
    }
    let path = directory.join("a.manifest");
    fs::write(&path, manifest).unwrap();
    path
}

fn survey(path: &Path) -> Survey {
    repair::survey(&Log::open(path).unwrap(), Settings::default()).unwrap()
}

/// The bytes of what a server loads, in its order.
fn live(path: &Path) -> Vec<u8> {
    let log = Log::open(path).unwrap();
    log.parts.iter().flat_map(|part| fs::read(&part.path).unwrap()).collect()
}

#[isolated_test]
fn a_fault_at_any_operation_leaves_the_log_as_it_was_or_as_it_shall_be() {
    let original = folder();
    let whole = live(&several(original.path()));
    let end = Place { part: 1, offset: log(&["SET a.1.incr.aof 1"]).len() as u64 };
    let wanted = [log(&["SET a.1.base.aof 1", "SET a.1.base.aof 2"]), log(&["SET a.1.incr.aof 1"])].concat();
    let plan = |path: &Path| travel::truncate_to(&survey(path), Point::Place(end)).unwrap().plan;
    for fault in FAULTS {
        for at in 0.. {
            let directory = folder();
            let path = several(directory.path());
            let before = contents(directory.path());
            let mut operations = Faulty::new(at, fault);
            let result = repair::apply_with(&mut operations, &plan(&path), &repair::Settings::default());
            if operations.count <= at {
                assert!(result.is_ok() && at > 20, "{fault:?} at {at}");
                break;
            }
            let context = format!("{fault:?} at {:?}", operations.trace[at]);
            let now = live(&path);
            assert!(now == whole || now == wanted, "{context}");
            if now == whole {
                repair::apply(&plan(&path), &repair::Settings::default()).unwrap();
            }
            assert!(live(&path) == wanted, "{context}");
            repair::undo(&path, None, OpenElsewhere::Refuse).unwrap_or_else(|error| panic!("{context}: {error}"));
            assert!(contents(directory.path()) == before, "{context}: after an undo");
        }
    }
}

#[test]
fn a_record_goes_from_a_part_that_was_given_alone() {
    let directory = folder();
    let manifest = several(directory.path());
    let part = directory.path().join("a.1.incr.aof");
    aofkit("fix").args(["--yes", "--force", "--remove", "0"]).arg(&part).assert().success();
    assert_eq!(fs::read(&part).unwrap(), log(&["SET a.1.incr.aof 2"]));
    aofkit("check").arg(&manifest).assert().success();
    // What later parts build on is not cut off.
    let refused = aofkit("fix").args(["--yes", "--force", "--truncate-to-offset", "0"]).arg(&part).assert().code(1);
    refused.stdout(contains("this is not the last part of its log"));
}

#[test]
fn what_goes_is_kept_elsewhere_or_not_at_all() {
    for (options, is_kept) in [(&["--copy-to"][..], true), (&["--keep-nothing"], false)] {
        let (directory, copies) = (folder(), folder());
        let path = several(directory.path());
        let before = contents(directory.path());
        let place = copies.path().to_str().unwrap();
        let mut options = options.to_vec();
        options.extend(is_kept.then_some(place));
        let run = |more: &[&str]| {
            let run = aofkit("fix").args(more).arg("--force").arg(&path).assert().success();
            String::from_utf8(run.get_output().stdout.clone()).unwrap()
        };
        let text = run(&[&["--yes", "--before", "set a.1.incr.aof"][..], &options].concat());
        assert_eq!(live(&path), log(&["SET a.1.base.aof 1", "SET a.1.base.aof 2", "SET a.1.incr.aof 1"]), "{text}");
        assert_eq!(contents(directory.path()).len(), 3, "a base, an incr and the manifest");
        assert_eq!(fs::read_dir(copies.path()).unwrap().count(), usize::from(is_kept));
        if is_kept {
            run(&["--undo", "--copy-to", place]);
            assert!(contents(directory.path()) == before);
        } else {
            assert!(text.contains("; nothing was kept (--keep-nothing): this cannot be undone\n"), "{text}");
        }
    }
}

/// What `fix` says of a log, and how it ends.
fn said(path: &Path, options: &[&str]) -> (i32, String) {
    let before = fs::read(path).unwrap();
    let output = aofkit("fix").args(["--force", "--dry-run"]).args(options).arg(path).output().unwrap();
    assert_eq!(fs::read(path).unwrap(), before);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap(), text(&output.stdout) + &text(&output.stderr))
}

#[test]
fn what_cannot_be_is_an_error_that_says_what_can() {
    let directory = TempDir::new().unwrap();
    let lines = ["SET a 1", "MULTI", "SET b 1", "EXEC", "SELECT 2", "SET c 1"];
    let path = file(&directory, "a.aof", &log(&lines));
    let offset = |count: usize| log(&lines[..count]).len().to_string();
    let name = path.display();
    let find = format!("to find the offset of a record, run: aofkit inspect {name}\n");
    let cases = [
        (
            ["--truncate-to-timestamp", "2020-01-01"],
            "needs times, and this log has no #TS: annotation\nhint: use --truncate-to-offset",
        ),
        (["--truncate-to-offset", "0"], "nothing of the log would be left"),
        (
            ["--truncate-to-offset", "5"],
            "byte 5 is inside the record at bytes 0..27\nhint: the log can end at byte 0, ",
        ),
        (["--truncate-to-offset", &offset(2)], "byte 42 is inside the transaction at bytes 27..83\n"),
        (["--truncate-to-offset", "9999"], "--truncate-to-offset 9999 is beyond the end of the file"),
        (["--truncate-to-offset", "b.aof:1"], "no part that a server loads is named b.aof\nhint: the parts are a.aof"),
        (
            ["--remove", "5"],
            "no record begins at byte 5: it is inside SET at bytes 0..27\nhint: byte 0 removes that record",
        ),
        (["--remove", "0,9999"], "--remove 9999 is beyond the end of the file"),
        (
            ["--remove", &offset(4)],
            "without the SELECT at byte 83, the records after it would go to database 0 instead of 2",
        ),
        (["--before", "FLUSHALL"], "no command of this log begins with: FLUSHALL\n"),
        (["--before", "'set a"], "unbalanced quotes"),
    ];
    for (options, expected) in cases {
        let (code, text) = said(&path, &options);
        assert_eq!(code, 2, "{options:?}: {text}");
        assert!(text.contains(expected), "{options:?}: {text}");
        assert!(text.contains(find.trim_end()) || options[1] == "'set a", "{options:?}: {text}");
    }
    for pair in [["--salvage", ""], ["--undo", ""], ["--discard-copies", ""], ["--before", "SET"], ["--remove", "0"]] {
        let pair: Vec<&str> = pair.into_iter().filter(|word| !word.is_empty()).collect();
        let (code, text) = said(&path, &[&["--truncate-to-offset", "27"][..], &pair].concat());
        assert!(code == 2 && text.contains("cannot be used with"), "{pair:?}: {text}");
    }
}

#[test]
fn damage_before_the_point_has_to_go_first() {
    let directory = TempDir::new().unwrap();
    let (before, after) = (log(&["SET a 1"]), log(&["SET b 1", "SET c 1"]));
    let path = file(&directory, "a.aof", &[&before[..], b"x", &after, b"*3\r\n$3\r\nSE"].concat());
    let end = (before.len() + 1 + 27).to_string();
    let (code, text) = said(&path, &["--truncate-to-offset", &end]);
    assert_eq!(code, 1, "{text}");
    let said = format!("run: aofkit fix --salvage {}", path.display());
    assert!(text.contains("the damage would stay in the log") && text.contains(&said), "{text}");
    aofkit("fix").args(["--force", "--yes", "--truncate-to-offset", "27"]).arg(&path).assert().success();
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn a_loss_may_be_limited_and_one_that_was_asked_for_is_no_surprise() {
    let directory = TempDir::new().unwrap();
    let lines: Vec<String> = (0..20).map(|number| format!("SET {number} {}", "x".repeat(100_000))).collect();
    let bytes = log(&lines.iter().map(String::as_str).collect::<Vec<_>>());
    let path = file(&directory, "a.aof", &bytes);
    let end = log(&[&lines[0]]).len().to_string();
    let go = ["--force", "--yes", "--truncate-to-offset", &end];
    let refused = aofkit("fix").args(go).args(["--max-loss", "18r"]).arg(&path).assert().code(1);
    refused.stdout(contains("19 whole records, which is more than 18 whole records"));
    assert_eq!(fs::read(&path).unwrap().len(), bytes.len());
    aofkit("fix").args(go).arg(&path).assert().success().stdout(contains("checked again: nothing is damaged"));
    assert_eq!(fs::read(&path).unwrap(), bytes[..end.parse().unwrap()]);
    let done = aofkit("fix").args(go).arg(&path).assert().success();
    done.stdout(contains("nothing comes after that, and nothing was changed"));
}

#[test]
fn the_plan_shows_the_command_and_what_it_did() {
    let directory = TempDir::new().unwrap();
    let lines =
        ["#TS:1700000000", "SET user:1 a", "SET user:2 b", "SELECT 4", "SET k v", "DEL user:1", "FLUSHALL", "SET k w"];
    let path = file(&directory, "a.aof", &log(&lines));
    let (code, text) = said(&path, &["--before", "flushall"]);
    assert_eq!(code, 1, "{text}");
    let (at, end) = (log(&lines[..6]).len(), log(&lines).len());
    for expected in [
        &format!("{at}   4  2023-11-14 22:13:20    FLUSHALL\nkeys 3 before it, 0 after it\n"),
        &format!(
            "cut  bytes {at}..{end} of {}: {} bytes, 2 records\n     with FLUSHALL, SET\n",
            path.display(),
            end - at
        ),
        &format!("end  the log then ends at byte {at} of a.aof, as of 2023-11-14T22:13:20Z\n"),
    ] {
        assert!(text.contains(expected.as_str()), "{expected}: {text}");
    }
    let (_, text) = said(&path, &["--truncate-to-offset", &log(&lines[..5]).len().to_string()]);
    assert!(text.contains(&format!("keys FLUSHALL at byte {at} of a.aof: 3 before it, 0 after it\n")), "{text}");
    let (_, text) = said(&path, &["--before", "DEL user:1", "--format", "json"]);
    let report: Value = serde_json::from_str(&text).unwrap();
    let command = &report["travel"]["command"];
    assert_eq!(command["record"]["arguments"], serde_json::json!(["user:1"]));
    assert_eq!((&command["keys_before"], &command["keys_after"]), (&3.into(), &3.into()), "DEL in database 4");
    assert_eq!(report["travel"]["removed"][0]["commands"][0]["name"], "DEL");
}
