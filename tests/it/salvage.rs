//! `aofkit fix --salvage`: what is damaged goes, whatever happens meanwhile, and everything else stays.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use aofkit::Server;
use aofkit::aof::log::Log;
use aofkit::check::Settings;
use aofkit::repair::salvage::{self, LogSalvage, plan_salvage};
use aofkit::repair::{self, write_edited};
use aofkit::storage::OpenElsewhere;
use serde_json::Value;
use tempfile::TempDir;

use crate::harness::faulty::{DISKS, FAULTS, Fault, Faulty};
use crate::harness::files::{files_in, folder};
use crate::harness::load::{Cutting, Ended, Files, load_and_ask};
use crate::harness::log::command;
use crate::harness::program::{aofkit, file};
use crate::harness::random::Random;
use crate::harness::servers::{server_of, with_releases};

/// Commands before, in and after the damage.
fn log() -> (Vec<u8>, Vec<u8>, Vec<u8>) {
    let set = |number: u32| command(&["SET", &format!("key:{number}"), &format!("value {number}")]);
    let before = [command(&["SELECT", "0"]), (0..50).flat_map(set).collect()].concat();
    (before, set(50), (51..100).flat_map(set).collect())
}

/// The log with 10 bytes of the command in the middle overwritten, and the log without that command.
fn damaged() -> (Vec<u8>, Vec<u8>) {
    let (before, mut broken, after) = log();
    let middle = broken.len() - 15;
    broken[middle..middle + 10].fill(0xff);
    ([&before[..], &broken, &after].concat(), [before, after].concat())
}

fn plan_of(path: &Path, server: Server) -> LogSalvage {
    let log = Log::open(path).unwrap();
    let survey = repair::survey(&log, Settings { server: server.into(), ..Settings::default() }).unwrap();
    plan_salvage(&survey, salvage::Options::default()).unwrap()
}

fn salvaged(path: &Path, options: &[&str]) -> (i32, String, String) {
    let output = aofkit("fix").arg("--salvage").args(options).arg(path).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

#[isolated_test]
fn a_fault_at_any_operation_leaves_the_damaged_or_the_mended_file_and_can_be_undone() {
    let (whole, mended) = damaged();
    for disk in DISKS {
        for fault in FAULTS {
            for at in 0.. {
                let directory = folder();
                let path = directory.path().join("a.aof");
                fs::write(&path, &whole).unwrap();
                let mut operations = Faulty::new(at, fault).on(disk);
                let result = repair::apply_with(
                    &mut operations,
                    &plan_of(&path, Server::default()).plan,
                    &repair::Settings::default(),
                );
                if operations.count <= at {
                    assert!(result.is_ok() && at > 15, "{fault:?} at {at}");
                    break;
                }
                let context = format!("{disk:?} {fault:?} at {:?}", operations.trace[at]);
                let now = fs::read(&path).unwrap();
                assert!(now == whole || now == mended, "{context}");
                if now == whole && matches!(fault, Fault::Error | Fault::Full) {
                    assert!(result.is_err(), "{context}");
                    assert_eq!(files_in(directory.path()), ["a.aof"], "{context}: litter");
                }
                // The next run completes it, and it can be undone.
                if now == whole {
                    repair::apply(&plan_of(&path, Server::default()).plan, &repair::Settings::default()).unwrap();
                }
                assert!(fs::read(&path).unwrap() == mended, "{context}");
                repair::undo(&path, None, OpenElsewhere::Refuse).unwrap_or_else(|error| panic!("{context}: {error}"));
                assert!(fs::read(&path).unwrap() == whole, "{context}");
            }
        }
    }
}

#[isolated_test]
fn a_fault_at_any_operation_of_an_undo_leaves_one_of_both_files() {
    let (whole, mended) = damaged();
    for fault in FAULTS {
        for at in 0.. {
            let directory = folder();
            let path = directory.path().join("a.aof");
            fs::write(&path, &whole).unwrap();
            repair::apply(&plan_of(&path, Server::default()).plan, &repair::Settings::default()).unwrap();
            let mut operations = Faulty::new(at, fault);
            let result = repair::undo_with(&mut operations, &path, None, OpenElsewhere::Refuse);
            if operations.count <= at {
                assert!(result.is_ok() && at > 2, "{fault:?} at {at}");
                break;
            }
            let context = format!("{fault:?} at {:?}", operations.trace[at]);
            let now = fs::read(&path).unwrap();
            assert!(now == whole || now == mended, "{context}");
            if now == mended {
                repair::undo(&path, None, OpenElsewhere::Refuse).unwrap();
            }
            assert!(fs::read(&path).unwrap() == whole, "{context}");
        }
    }
}

#[isolated_test]
fn a_file_that_changed_and_cannot_be_put_back_is_in_the_kept_copies() {
    let (whole, mended) = damaged();
    let directory = folder();
    let path = directory.path().join("a.aof");
    let grown = [&whole[..], b"grown"].concat();
    // Somebody writes to the file at the last moment.
    let run = |at: usize| {
        fs::write(&path, &whole).unwrap();
        let (target, mut exchanges) = (path.clone(), 0);
        let hook = move |what: &str| {
            exchanges += usize::from(what == "exchange a.aof");
            if what == "exchange a.aof" && exchanges == 1 {
                fs::OpenOptions::new().append(true).open(&target).unwrap().write_all(b"grown").unwrap();
            }
        };
        let mut operations = Faulty::new(at, Fault::Error).before_each(hook);
        let plan = plan_of(&path, Server::default()).plan;
        let error = repair::apply_with(
            &mut operations,
            &plan,
            &repair::Settings { open_elsewhere: OpenElsewhere::Ignore, ..repair::Settings::default() },
        )
        .unwrap_err();
        (operations.trace, error.to_string())
    };
    let (trace, error) = run(usize::MAX);
    assert_eq!(
        (fs::read(&path).unwrap(), files_in(directory.path())),
        (grown.clone(), vec!["a.aof".into()]),
        "{error}"
    );
    let again = trace.iter().rposition(|what| what == "exchange a.aof").unwrap();
    let (_, error) = run(again);
    assert!(error.contains("could not be put back"), "{error}");
    assert_eq!(fs::read(&path).unwrap(), mended);
    assert_eq!(fs::read(directory.path().join("a.aof.aofkit-kept-1/a.aof")).unwrap(), grown);
    repair::undo(&path, None, OpenElsewhere::Ignore).unwrap();
    assert_eq!(fs::read(&path).unwrap(), grown);
}

#[test]
fn the_program_shows_the_plan_carries_it_out_and_undoes_it() {
    let (whole, mended) = damaged();
    let directory = TempDir::new().unwrap();
    let path = file(&directory, "a.aof", &whole);
    let (code, out, _) = salvaged(&path, &["--dry-run"]);
    assert_eq!((code, files_in(directory.path())), (1, vec!["a.aof".to_owned()]), "{out}");
    assert!(out.contains("1 damaged place") && out.contains("keep 100 records"), "{out}");
    let (code, out, _) = salvaged(&path, &["--yes"]);
    assert_eq!(code, 0, "{out}");
    assert!(out.contains("checked again: nothing is damaged") && out.contains("aofkit fix --undo"), "{out}");
    assert_eq!(fs::read(&path).unwrap(), mended);
    assert_eq!(files_in(directory.path()), ["a.aof", "a.aof.aofkit-kept-1"]);
    aofkit("fix").arg("--undo").arg(&path).assert().success();
    assert_eq!((fs::read(&path).unwrap(), files_in(directory.path())), (whole, vec!["a.aof".to_owned()]));
}

#[test]
fn json_has_every_place_with_its_cause() {
    let (whole, mended) = damaged();
    let directory = TempDir::new().unwrap();
    let path = file(&directory, "a.aof", &[&whole[..], &[0; 4096]].concat());
    let (code, out, _) = salvaged(&path, &["--dry-run", "--format", "json"]);
    let json: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, json["outcome"].as_str()), (1, Some("planned")));
    let part = &json["salvage"]["parts"][0];
    let causes: Vec<_> = part["gaps"].as_array().unwrap().iter().map(|gap| gap["causes"][0]["code"].clone()).collect();
    assert_eq!(causes, ["unreadable", "zero-tail"]);
    assert_eq!((&part["bytes_after"], &json["salvage"]["records"]), (&mended.len().into(), &100.into()));
}

#[test]
fn a_sound_log_is_not_touched_and_one_of_which_nothing_is_whole_is_refused() {
    let directory = TempDir::new().unwrap();
    let sound = file(&directory, "a.aof", &damaged().1);
    let before = sound.metadata().unwrap().modified().unwrap();
    let (code, out, _) = salvaged(&sound, &["--yes"]);
    assert_eq!((code, sound.metadata().unwrap().modified().unwrap()), (0, before), "{out}");
    let bytes = [&b"*3\r\n$3\r\nSET"[..], &(0..=255).collect::<Vec<u8>>().repeat(40)].concat();
    let junk = file(&directory, "junk.aof", &bytes);
    let (code, out, _) = salvaged(&junk, &["--yes"]);
    assert_eq!((code, fs::read(&junk).unwrap()), (1, bytes), "{out}");
    assert!(out.contains("nothing could be saved"), "{out}");
    assert_eq!(files_in(directory.path()), ["a.aof", "junk.aof"]);
}

/// A log of several parts, of which the first is damaged.
fn parts(directory: &Path) -> PathBuf {
    let parts = directory.join("appendonlydir");
    fs::create_dir(&parts).unwrap();
    let manifest = "file a.aof.1.incr.aof seq 1 type i\nfile a.aof.2.incr.aof seq 2 type i\n";
    fs::write(parts.join("a.aof.manifest"), manifest).unwrap();
    fs::write(parts.join("a.aof.1.incr.aof"), damaged().0).unwrap();
    fs::write(parts.join("a.aof.2.incr.aof"), command(&["INCR", "counter"])).unwrap();
    parts
}

#[test]
fn a_part_that_is_not_the_last_is_mended_by_the_path_of_the_log_or_its_own() {
    for part in ["", "a.aof.1.incr.aof"] {
        let directory = TempDir::new().unwrap();
        let log = parts(directory.path());
        let (code, out, _) = salvaged(&log.join(part), &["--yes"]);
        assert_eq!(code, 0, "{out}");
        assert_eq!(fs::read(log.join("a.aof.1.incr.aof")).unwrap(), damaged().1);
        aofkit("fix").arg("--undo").arg(log.join("a.aof.1.incr.aof")).assert().success();
        assert_eq!(fs::read(log.join("a.aof.1.incr.aof")).unwrap(), damaged().0);
    }
}

#[test]
fn more_than_a_limit_is_lost_only_if_that_is_allowed() {
    let (before, after) = (command(&["SET", "a", "1"]), command(&["SET", "b", &"x".repeat(10_000)]).repeat(200));
    let bytes = [&before[..], b"\xff\xff", &after].concat();
    let directory = TempDir::new().unwrap();
    let path = file(&directory, "a.aof", &bytes);
    let fix = |options: &[&str]| {
        let output = aofkit("fix").arg("--yes").args(options).arg(&path).output().unwrap();
        (output.status.code().unwrap(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    for options in [&[][..], &["--max-loss", "1M"], &["--max-loss", "5%"], &["--max-loss", "10r"]] {
        let (code, out) = fix(options);
        assert_eq!((code, fs::read(&path).unwrap() == bytes), (1, true), "{out}");
        assert!(out.contains("this would lose") && out.contains("aofkit fix --salvage"), "{out}");
    }
    assert_eq!(fix(&["--salvage", "--max-loss", "2"]).0, 0);
    assert_eq!(fs::read(&path).unwrap(), [before.clone(), after].concat());
    aofkit("fix").arg("--undo").arg(&path).assert().success();
    assert_eq!(fix(&["--max-loss", "300r"]).0, 0);
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn a_link_stays_and_its_file_is_mended() {
    let directory = TempDir::new().unwrap();
    let path = file(&directory, "real.aof", &damaged().0);
    let link = directory.path().join("link.aof");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    assert_eq!(salvaged(&link, &["--yes"]).0, 0);
    assert!(link.symlink_metadata().unwrap().is_symlink());
    assert_eq!(fs::read(&path).unwrap(), damaged().1);
}

#[test]
fn a_lost_select_is_named_and_may_be_assumed() {
    let set = |key: &str| command(&["SET", key, "v"]);
    let mut select = command(&["SELECT", "3"]);
    let length = select.len();
    select[4..length].fill(b'?');
    let bytes = [command(&["SELECT", "0"]), set("a"), select, set("b"), command(&["SELECT", "0"]), set("c")].concat();
    let directory = TempDir::new().unwrap();
    let path = file(&directory, "a.aof", &bytes);
    let (_, out, _) = salvaged(&path, &["--dry-run"]);
    assert!(out.contains("a SELECT may have been lost here") && out.contains("(b)"), "{out}");
    let (code, out, _) = salvaged(&path, &["--yes", "--assume-db", "3"]);
    assert_eq!(code, 0, "{out}");
    let expected = [command(&["SELECT", "0"]), set("a"), command(&["SELECT", "3"]), set("b")].concat();
    let rest = [command(&["SELECT", "0"]), set("c")].concat();
    assert_eq!(fs::read(&path).unwrap(), [expected, rest].concat());
}

/// Damages the log of every type of value of a release, and has the release load what is left of it.
fn loads(release: &str) {
    let folder = if ["redis-8.2", "redis-8.6"].contains(&release) { "redis-8.0.6" } else { release };
    let path = match folder {
        "redis-6.2" => "plain.aof",
        _ => "fresh/appendonlydir/appendonly.aof.1.incr.aof",
    };
    let log = fs::read(crate::harness::files::testdata().join("logs").join(folder).join(path)).unwrap();
    let mut random = Random(u64::from(release.len() as u32));
    let mut mended = 0;
    while mended < 4 {
        let mut bytes = log.clone();
        let at = random.below(log.len() - 100);
        let length = 1 + random.below(80);
        bytes[at..at + length].iter_mut().for_each(|byte| *byte = random.below(256_u32) as u8);
        let directory = TempDir::new().unwrap();
        let path = file(&directory, "a.aof", &bytes);
        let salvage = plan_of(&path, server_of(release));
        if salvage.plan.is_nothing() {
            continue;
        }
        let mut result = Vec::new();
        write_edited(&bytes, salvage.plan.parts[0].edits(), &mut result).unwrap();
        let files = Files { parts: vec![Some(result)], cutting: Cutting::No };
        let loaded = load_and_ask(release, &files, &[]);
        assert_eq!(loaded.ended, Ended::Starts, "{at}+{length}: {}", String::from_utf8_lossy(&loaded.log));
        mended += 1;
    }
}

macro_rules! releases {
    ($($test:ident: $server:ident, $release:literal;)*) => {
        $(#[server_test]
        fn $test() {
            loads($release);
        })*
    };
}
with_releases!(releases);

#[test]
fn a_base_is_worth_keeping_though_nothing_of_the_incr_is() {
    let directory = folder();
    let write = |name: &str, bytes: &[u8]| fs::write(directory.path().join(name), bytes).unwrap();
    write("a.aof.1.base.rdb", b"REDIS0009\xfe\x00\x00\x01k\x01v\xff\x00\x00\x00\x00\x00\x00\x00\x00");
    write("a.aof.1.incr.aof", &[command(&["SET", "a", "1"])[..10].to_vec(), vec![0xff; 300]].concat());
    write("a.aof.manifest", b"file a.aof.1.base.rdb seq 1 type b\nfile a.aof.1.incr.aof seq 1 type i\n");
    let (code, out, _) = salvaged(directory.path(), &["--yes"]);
    assert!(code == 0 && out.contains("checked again: nothing is damaged"), "{out}");
    assert_eq!(fs::read(directory.path().join("a.aof.1.incr.aof")).unwrap(), b"");
}

/// A base of many keys, and the same with a stretch in the middle overwritten.
fn bases() -> (Vec<u8>, Vec<u8>) {
    let whole = fs::read("testdata/rdb/redis-7.0.rdb").unwrap();
    let mut damaged = whole.clone();
    let middle = damaged.len() / 2;
    damaged[middle..middle + 40].fill(0xf0);
    (whole, damaged)
}

#[test]
fn a_damaged_base_of_a_log_is_mended_and_read_the_same_way_without_that() {
    let (whole, damaged) = bases();
    let directory = TempDir::new().unwrap();
    let parts = directory.path().join("appendonlydir");
    fs::create_dir(&parts).unwrap();
    let manifest = "file a.aof.1.base.rdb seq 1 type b\nfile a.aof.1.incr.aof seq 1 type i\n";
    fs::write(parts.join("a.aof.manifest"), manifest).unwrap();
    let base = parts.join("a.aof.1.base.rdb");
    fs::write(&base, &damaged).unwrap();
    fs::write(parts.join("a.aof.1.incr.aof"), command(&["SET", "of the incr", "1"])).unwrap();

    let plain = aofkit("fix").arg("--yes").arg(&parts).output().unwrap();
    assert_eq!(plain.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&plain.stdout).contains("run: aofkit fix --salvage"), "{plain:?}");

    let (code, out, _) = salvaged(&parts, &["--dry-run", "--format", "json"]);
    let json: Value = serde_json::from_str(&out).unwrap();
    let salvage = &json["salvage"];
    assert_eq!((code, salvage["records"].as_u64(), json["loads_after"].as_bool()), (1, Some(1), Some(true)), "{out}");
    assert!(salvage["entries"].as_u64().unwrap() > 30, "{out}");
    assert!(!salvage["parts"][0]["gaps"][0]["causes"].as_array().unwrap().is_empty(), "{out}");

    let digest = |options: &[&str], code| {
        let output = aofkit("digest").args(options).arg(&parts).assert().code(code);
        output.get_output().stdout.clone()
    };
    let skipped = digest(&["--skip-damage"], 1);
    let (code, out, _) = salvaged(&parts, &["--yes"]);
    assert_eq!(code, 0, "{out}");
    assert_eq!(digest(&[], 0), skipped);
    aofkit("fix").arg("--undo").arg(&parts).assert().code(0);
    assert_eq!(fs::read(&base).unwrap(), damaged);

    fs::write(&base, &whole).unwrap();
    let (code, out, _) = salvaged(&parts, &["--yes"]);
    assert_eq!((code, fs::read(&base).unwrap() == whole), (0, true), "{out}");
}

#[test]
fn an_rdb_of_which_only_the_checksum_is_wrong_keeps_every_entry() {
    let (whole, _) = bases();
    let mut damaged = whole.clone();
    let checksum = damaged.len() - 8;
    damaged[checksum..].fill(0x5a);
    let directory = TempDir::new().unwrap();
    let path = file(&directory, "a.aof", &[&damaged[..], &command(&["SET", "after", "1"])].concat());
    let (code, out, _) = salvaged(&path, &["--yes"]);
    assert_eq!(code, 0, "{out}");
    assert_eq!(fs::read(&path).unwrap(), [&whole[..], &command(&["SET", "after", "1"])].concat());
}

#[test]
fn of_a_file_that_only_loses_its_end_the_end_is_kept_and_the_plan_says_so() {
    let directory = folder();
    let path = directory.path().join("a.aof");
    fs::write(&path, [log().0, b"*1\r\n$4\r\nPI".to_vec()].concat()).unwrap();
    let (_, out, _) = salvaged(&path, &["--dry-run"]);
    assert!(
        out.contains("keep 51 records, and what is cut off, in ") && out.contains("a.aof.aofkit-kept-1\n"),
        "{out}"
    );
}
