//! Changes of several files of a log at once, and copies elsewhere or nowhere: whatever happens meanwhile, the log is
//! as it was or as it was to become.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use aofkit::aof::log::Log;
use aofkit::check::Settings;
use aofkit::input::{Access, FileIdentity};
use aofkit::repair::salvage::{Options, plan_salvage};
use aofkit::repair::{self, PartPlan, Plan, manifest};
use aofkit::storage::OpenElsewhere;
use aofkit::storage::kept::Copies;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::faulty::{DISKS, FAULTS, Fault, Faulty};
use crate::harness::files::folder;
use crate::harness::log::command;
use crate::harness::program::aofkit;

const MANIFEST: &str = "a.aof.manifest";
const LINES: &str = "file a.aof.1.base.aof seq 1 type b\nfile a.aof.1.incr.aof seq 1 type i\n\
                     file a.aof.2.incr.aof seq 2 type i\n";

/// A way to change a log of three parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// Two parts are damaged, and mended.
    Salvage,
    /// The last part leaves, and the one before it is cut.
    Back,
    /// The manifest is written, as there is none.
    NewManifest,
    /// The manifest is replaced by one without an error.
    OtherManifest,
    /// The manifest is written, as there is none, and two parts are mended.
    NewManifestAndParts,
    /// The last part is cut.
    Cut,
    /// The base is mended.
    OnePart,
}

const WAYS: [Way; 7] =
    [Way::Salvage, Way::Back, Way::NewManifest, Way::OtherManifest, Way::NewManifestAndParts, Way::Cut, Way::OnePart];

fn set(key: &str) -> Vec<u8> {
    command(&["SET", key, "value"])
}

/// Whole records around a damaged one.
fn damaged(key: &str) -> Vec<u8> {
    [set(key), b"*3\r\n$3\r\nSET\xff\xff\xff\xff\r\n".to_vec(), set("after"), set("end")].concat()
}

fn log_for(way: Way) -> (TempDir, PathBuf) {
    let directory = folder();
    let parts = directory.path().join("appendonlydir");
    fs::create_dir(&parts).unwrap();
    let write = |name: &str, bytes: &[u8]| fs::write(parts.join(name), bytes).unwrap();
    let are_mended = matches!(way, Way::Salvage | Way::NewManifestAndParts);
    let is_mended = are_mended || way == Way::OnePart;
    write("a.aof.1.base.aof", &if is_mended { damaged("base") } else { set("base") });
    write("a.aof.1.incr.aof", &if are_mended { damaged("one") } else { [set("one"), set("more")].concat() });
    write("a.aof.2.incr.aof", &if way == Way::Cut { [set("two"), b"*3\r\n$3".to_vec()].concat() } else { set("two") });
    match way {
        Way::NewManifest | Way::NewManifestAndParts => {}
        Way::OtherManifest => write(MANIFEST, LINES.replace("seq 2", "sec 2").as_bytes()),
        _ => write(MANIFEST, LINES.as_bytes()),
    }
    (directory, parts)
}

fn plan_for(way: Way, parts: &Path) -> Plan {
    if let Way::NewManifest | Way::OtherManifest | Way::NewManifestAndParts = way {
        let manifest::Outcome::Rebuilt(rebuilt) = manifest::rebuild(parts, manifest::Absent::Doubt).unwrap() else {
            panic!()
        };
        if way == Way::NewManifestAndParts {
            let survey = rebuilt.survey(Access::default(), parts, Settings::default()).unwrap();
            return plan_salvage(&survey, Options::default()).unwrap().plan;
        }
        return rebuilt.plan();
    }
    let log = Log::open(&parts.join(MANIFEST)).unwrap();
    let survey = repair::survey(&log, Settings::default()).unwrap();
    match way {
        Way::Salvage | Way::OnePart => plan_salvage(&survey, Options::default()).unwrap().plan,
        Way::Back => {
            let part = |index: usize| &survey.report.parts[index].path;
            let identity = |index: usize| survey.files[index].file_identity().unwrap();
            let plans = vec![
                PartPlan::edited(part(0), identity(0), Vec::new()),
                PartPlan::keep_first(part(1), identity(1), set("one").len() as u64),
                PartPlan::leaving(part(2), identity(2)),
            ];
            Plan::of_parts(plans, survey.manifest.as_ref())
        }
        _ => repair::plan::plan(&survey).unwrap(),
    }
}

/// What a server would see: the lines of the manifest without the names, and the bytes of what they name.
fn state(parts: &Path) -> Vec<(String, Vec<u8>)> {
    let text = fs::read_to_string(parts.join(MANIFEST)).unwrap_or_default();
    let line = |line: &str| {
        let (name, rest) = line.strip_prefix("file ").unwrap().split_once(' ').unwrap();
        (rest.to_owned(), fs::read(parts.join(name)).unwrap())
    };
    text.lines().map(line).collect()
}

/// Whether bytes are being put back at the end of a part, in place.
fn is_between(now: &[(String, Vec<u8>)], before: &[(String, Vec<u8>)], after: &[(String, Vec<u8>)]) -> bool {
    let Some((((_, now), (_, before)), (_, after))) = now.last().zip(before.last()).zip(after.last()) else {
        return false;
    };
    now.starts_with(after) && before.starts_with(now)
}

/// Every file and directory, without what is in the directories.
fn files(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries
        .map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read(&path).unwrap_or_default()))
        .collect()
}

fn settings(copies: &Copies) -> repair::Settings {
    repair::Settings { copies: copies.clone(), ..repair::Settings::default() }
}

/// The state after an undisturbed change.
fn changed(way: Way) -> Vec<(String, Vec<u8>)> {
    let (_directory, parts) = log_for(way);
    let applied = repair::apply(&plan_for(way, &parts), &repair::Settings::default()).unwrap().unwrap();
    assert!(applied.kept.is_some(), "{way:?}");
    state(&parts)
}

#[isolated_test]
fn a_fault_at_any_operation_leaves_the_log_before_or_after_and_can_be_undone() {
    for way in WAYS {
        let after = changed(way);
        for disk in DISKS {
            for fault in FAULTS {
                for at in 0.. {
                    let (_directory, parts) = log_for(way);
                    let (before, all) = (state(&parts), files(&parts));
                    let mut operations = Faulty::new(at, fault).on(disk);
                    let plan = plan_for(way, &parts);
                    let result = repair::apply_with(&mut operations, &plan, &repair::Settings::default());
                    if operations.count <= at {
                        assert!(result.is_ok() && at > 10, "{way:?} {fault:?} at {at}");
                        break;
                    }
                    let context = format!("{way:?} {disk:?} {fault:?} at {:?} ({at})", operations.trace[at]);
                    let now = state(&parts);
                    assert!(now == before || now == after, "{context}: {now:?}");
                    if now == before && matches!(fault, Fault::Error | Fault::Full) {
                        assert!(result.is_err(), "{context}");
                        assert_eq!(files(&parts), all, "{context}: litter");
                    }
                    if now == before {
                        repair::apply(&plan_for(way, &parts), &repair::Settings::default()).unwrap();
                    }
                    assert_eq!(state(&parts), after, "{context}");
                    let undone = repair::undo(&parts.join(MANIFEST), None, OpenElsewhere::Refuse);
                    undone.unwrap_or_else(|error| panic!("{context}: {error}"));
                    assert_eq!(files(&parts), all, "{context}: after the undo");
                }
            }
        }
    }
}

#[isolated_test]
fn a_fault_at_any_operation_of_an_undo_leaves_the_log_before_or_after_and_the_next_undo_ends_it() {
    for way in WAYS {
        let after = changed(way);
        for disk in DISKS {
            for fault in FAULTS {
                for at in 0.. {
                    let (_directory, parts) = log_for(way);
                    let (before, all) = (state(&parts), files(&parts));
                    let plan = plan_for(way, &parts);
                    repair::apply_with(&mut Faulty::sound().on(disk), &plan, &repair::Settings::default()).unwrap();
                    let log = parts.join(MANIFEST);
                    let mut operations = Faulty::new(at, fault).on(disk);
                    let result = repair::undo_with(&mut operations, &log, None, OpenElsewhere::Refuse);
                    if operations.count <= at {
                        assert!(result.is_ok() && at > 2, "{way:?} {fault:?} at {at}");
                        break;
                    }
                    let context = format!("{way:?} {disk:?} {fault:?} at {:?} ({at})", operations.trace[at]);
                    let now = state(&parts);
                    let is_partly_back = way == Way::Cut && is_between(&now, &before, &after);
                    assert!(now == before || now == after || is_partly_back, "{context}: {now:?}");
                    if now != before {
                        let undone = repair::undo(&log, None, OpenElsewhere::Refuse);
                        undone.unwrap_or_else(|error| panic!("{context}: {error}"));
                    }
                    assert_eq!(state(&parts), before, "{context}");
                    if now == before && log.exists() {
                        let _ = repair::undo(&log, None, OpenElsewhere::Refuse);
                    }
                    for (name, bytes) in &all {
                        assert_eq!(&fs::read(parts.join(name)).unwrap(), bytes, "{context}: {name}");
                    }
                }
            }
        }
    }
}

#[isolated_test]
fn copies_can_be_kept_in_another_directory_and_are_found_there() {
    for way in WAYS {
        for disk in DISKS {
            let ((_directory, parts), elsewhere) = (log_for(way), folder());
            let all = files(&parts);
            let copies = Copies::In(elsewhere.path().to_owned());
            let mut operations = Faulty::sound().on(disk);
            let applied = repair::apply_with(&mut operations, &plan_for(way, &parts), &settings(&copies)).unwrap();
            let kept = applied.unwrap().kept.unwrap();
            assert_eq!(kept.directory.parent(), Some(elsewhere.path()), "{way:?}");
            assert!(files(&parts).keys().all(|name| !name.contains("kept")), "{way:?}");
            let log = parts.join(MANIFEST);
            let text = fs::read_to_string(kept.directory.join("README.txt")).unwrap();
            let command = format!("aofkit fix --undo --copy-to {} ", elsewhere.path().display());
            assert!(text.contains(&command), "{way:?}: {text}");
            assert!(repair::undo(&log, None, OpenElsewhere::Refuse).is_err(), "{way:?}: there is nothing beside it");
            // The copies of another log with the same name are not taken for those of this one.
            let (_other, other_parts) = log_for(if way == Way::NewManifest { Way::Cut } else { way });
            let other_log = other_parts.join(MANIFEST);
            assert!(repair::undo(&other_log, Some(elsewhere.path()), OpenElsewhere::Refuse).is_err(), "{way:?}");
            repair::undo_with(&mut operations, &log, Some(elsewhere.path()), OpenElsewhere::Refuse).unwrap();
            assert_eq!(files(&parts), all, "{way:?}");
            assert_eq!(files(elsewhere.path()).len(), 0, "{way:?}");
        }
    }
}

#[isolated_test]
fn several_changes_are_undone_one_by_one() {
    let (_directory, parts) = log_for(Way::Salvage);
    let log = parts.join(MANIFEST);
    let mut states = vec![files(&parts)];
    let apply = |way: Way| repair::apply(&plan_for(way, &parts), &repair::Settings::default()).unwrap().unwrap();
    apply(Way::Salvage);
    // The mended base is damaged once more, and so is the last part.
    states.push(files(&parts));
    let base = parts.join("a.aof.1.base.fixed-1.aof");
    fs::write(&base, [fs::read(&base).unwrap(), damaged("again")].concat()).unwrap();
    fs::write(parts.join("a.aof.2.incr.aof"), damaged("again")).unwrap();
    states.push(files(&parts));
    let second = apply(Way::Salvage);
    assert!(parts.join("a.aof.1.base.fixed-2.aof").exists(), "{second:?}");
    let listed = repair::copies_of(&log, None).unwrap();
    assert_eq!(listed.iter().map(|kept| kept.number).collect::<Vec<_>>(), [1, 2]);
    repair::undo(&log, None, OpenElsewhere::Refuse).unwrap();
    assert_eq!(files(&parts), states[2]);
    // What was written after the first change would be lost.
    repair::undo(&log, None, OpenElsewhere::Refuse).unwrap_err();
    for name in ["a.aof.1.base.fixed-1.aof", "a.aof.2.incr.aof"] {
        fs::write(parts.join(name), &states[1][name]).unwrap();
    }
    repair::undo(&log, None, OpenElsewhere::Refuse).unwrap();
    assert_eq!(files(&parts), states[0]);
}

#[isolated_test]
fn nothing_is_kept_where_that_is_asked_for() {
    for way in WAYS {
        let (directory, parts) = log_for(way);
        let applied = repair::apply(&plan_for(way, &parts), &settings(&Copies::Nothing)).unwrap().unwrap();
        assert_eq!(applied.kept, None, "{way:?}");
        assert_eq!(state(&parts), changed(way), "{way:?}");
        let names: Vec<String> = files(&parts).into_keys().collect();
        assert!(names.iter().all(|name| !name.contains("kept") && !name.contains("draft")), "{way:?}: {names:?}");
        let output = aofkit("check").arg(directory.path()).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{way:?}: {}", String::from_utf8_lossy(&output.stdout));
    }
}

#[test]
fn the_plan_as_json_is_what_then_happens() {
    for way in WAYS {
        let (directory, parts) = log_for(way);
        let options: &[&str] = match way {
            Way::Salvage | Way::OnePart | Way::NewManifestAndParts => &["--salvage"],
            Way::Back => continue,
            _ => &[],
        };
        let run = |more: &[&str]| -> (i32, Value) {
            let output = aofkit("fix").args(options).args(more).args(["-f", "json"]).arg(directory.path()).output();
            let output = output.unwrap();
            (output.status.code().unwrap(), serde_json::from_slice(&output.stdout).unwrap())
        };
        let (code, planned) = run(&["--dry-run"]);
        assert_eq!((code, &planned["outcome"]), (1, &json!("planned")), "{way:?}");
        let is_manifest = matches!(way, Way::NewManifest | Way::OtherManifest);
        assert_eq!(planned["loads_after"], if is_manifest { Value::Null } else { json!(true) }, "{way:?}");
        let old = files(&parts);
        let name = |path: &Value| Path::new(path.as_str().unwrap()).file_name().unwrap().to_str().unwrap().to_owned();
        let range = |range: &Value, end: &str| usize::try_from(range[end].as_u64().unwrap()).unwrap();
        let (code, done) = run(&["--yes", "--detailed-exit-code"]);
        assert_eq!((code, &done["outcome"], &done["changes"]), (3, &json!("fixed"), &planned["changes"]), "{way:?}");
        let mut expected = old.clone();
        for change in planned["changes"].as_array().unwrap() {
            let path = name(&change["path"]);
            let before = expected.remove(&path).unwrap_or_default();
            let stays = change["stays"].as_array().unwrap().iter();
            let kept: Vec<u8> =
                stays.flat_map(|bytes| before[range(bytes, "from")..range(bytes, "to")].to_vec()).collect();
            let becomes = name(&change["becomes"]);
            let now = fs::read(parts.join(&becomes)).unwrap();
            assert_eq!(now.len() as u64, change["bytes_after"].as_u64().unwrap(), "{way:?} {change}");
            assert_eq!(before.len() as u64, change["bytes"].as_u64().unwrap(), "{way:?} {change}");
            if path != MANIFEST {
                assert_eq!(now, kept, "{way:?} {change}");
            }
            expected.insert(becomes, now);
        }
        let copies = name(&done["copy"]);
        let now: Vec<String> = files(&parts).into_keys().filter(|name| !name.contains("kept")).collect();
        assert_eq!(now, expected.into_keys().collect::<Vec<_>>(), "{way:?} {copies}");
        // Once more there is nothing to do.
        let (code, again) = run(&["--yes", "--detailed-exit-code"]);
        assert_eq!((code, &again["outcome"], &again["changes"]), (0, &json!("sound"), &json!([])), "{way:?}");
        let output = aofkit("fix").args(["--undo", "--list", "-f", "json"]).arg(directory.path()).output().unwrap();
        let listed: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(
            (&listed["outcome"], &listed["changes"][0]["obstacle"]),
            (&json!("listed"), &Value::Null),
            "{way:?}"
        );
        let output = aofkit("fix").arg("--undo").arg(directory.path()).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{way:?}: {}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(files(&parts), old, "{way:?}");
    }
}

#[isolated_test]
fn too_little_space_is_found_out_before_anything_is_written() {
    for way in [Way::Salvage, Way::Back, Way::Cut, Way::OnePart] {
        let (_directory, parts) = log_for(way);
        let all = files(&parts);
        let mut operations = Faulty::sound().with_free_space(100);
        let result = repair::apply_with(&mut operations, &plan_for(way, &parts), &repair::Settings::default());
        let error = result.unwrap_err().to_string();
        assert!(error.contains("bytes of free space") && error.contains("there are 100"), "{way:?}: {error}");
        assert_eq!((files(&parts), operations.count), (all, 0), "{way:?}");
    }
    // What is cut off needs room only where it is kept.
    let (_directory, parts) = log_for(Way::Cut);
    let mut operations = Faulty::sound().with_free_space(100);
    repair::apply_with(&mut operations, &plan_for(Way::Cut, &parts), &settings(&Copies::Nothing)).unwrap();
}

/// What a shell prints in a namespace in which it may mount file systems; `None` where there can be none.
fn with_mounts(directory: &Path, line: &str) -> Option<String> {
    let namespace = |line: &str| Command::new("unshare").args(["--mount", "sh", "-ec", line]).output();
    let probe = format!("mount -t tmpfs -o size=1m none {}", directory.display());
    let is_possible = namespace(&probe).is_ok_and(|output| output.status.success());
    let output = is_possible.then(|| namespace(line).unwrap())?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
    Some(text(&output.stdout))
}

#[test]
fn a_full_disk_and_one_that_is_read_only_are_found_out_before_the_change() {
    let (elsewhere, mounted) = (folder(), folder());
    let log = [set("one").repeat(2000), b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$500000\r\n".to_vec()].concat();
    fs::write(elsewhere.path().join("whole"), &log).unwrap();
    let line = format!(
        "cd {mounted}; mount -t tmpfs -o size=700k none .; cd .; cd {mounted}\n\
         cp {elsewhere}/whole a.aof; head -c 400000 /dev/urandom >> a.aof; cat a.aof > {elsewhere}/torn\n\
         {aofkit} fix --yes a.aof 2>&1 && exit 9; cmp a.aof {elsewhere}/torn; ls\n\
         {aofkit} fix --yes --copy-to {elsewhere} a.aof; cmp -n {kept} a.aof {elsewhere}/torn\n\
         {aofkit} fix --undo --copy-to {elsewhere} a.aof; cmp a.aof {elsewhere}/torn\n\
         mount -o remount,ro .; {aofkit} fix --yes --copy-to {elsewhere} a.aof 2>&1 && exit 9; ls; exit 0",
        mounted = mounted.path().display(),
        elsewhere = elsewhere.path().display(),
        aofkit = env!("CARGO_BIN_EXE_aofkit"),
        kept = set("one").len() * 2000,
    );
    let Some(out) = with_mounts(mounted.path(), &line) else { return };
    assert!(out.contains("bytes of free space here") && out.contains("--copy-to DIR"), "{out}");
    assert!(out.contains("cannot write to this file: Read-only file system"), "{out}");
    assert_eq!(out.lines().filter(|line| *line == "a.aof").count(), 2, "{out}");
    assert!(!out.contains("draft"), "{out}");
}

#[isolated_test]
fn a_part_that_changes_between_the_plan_and_the_change_keeps_the_log_as_it_is() {
    for way in [Way::Salvage, Way::Back, Way::OtherManifest] {
        for name in ["a.aof.1.base.aof", "a.aof.2.incr.aof", MANIFEST] {
            let (_directory, parts) = log_for(way);
            let plan = plan_for(way, &parts);
            let grown = [fs::read(parts.join(name)).unwrap(), b"#grown\r\n".to_vec()].concat();
            fs::write(parts.join(name), &grown).unwrap();
            let all = files(&parts);
            let error = repair::apply(&plan, &repair::Settings::default()).unwrap_err().to_string();
            assert!(
                error.contains("since it was read") || error.contains("when it was read"),
                "{way:?} {name}: {error}"
            );
            assert_eq!(files(&parts), all, "{way:?} {name}");
        }
    }
    // A manifest that appears in the meantime is not replaced.
    let (_directory, parts) = log_for(Way::NewManifest);
    let plan = plan_for(Way::NewManifest, &parts);
    fs::write(parts.join(MANIFEST), b"#somebody's\n").unwrap();
    repair::apply(&plan, &repair::Settings::default()).unwrap_err();
    assert_eq!(fs::read(parts.join(MANIFEST)).unwrap(), b"#somebody's\n");
    let identity = FileIdentity::of(&fs::metadata(parts.join(MANIFEST)).unwrap());
    assert_eq!(identity.length, 12);
}
