//! Invariants of the report on every log in `testdata`, and an example of every code.

use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use aofkit::Server;
use aofkit::aof::log::Log;
use aofkit::aof::producer::ServerChoice;
use aofkit::check::server::{Layout, NoteKind, Outcome, PartFacts, Resume, Verdict, load, load_resp};
use aofkit::check::{Code, Example, Finding, Report, Settings, Severity, check};
use aofkit::input::Input;
use aofkit::server::Release;
use tempfile::TempDir;

use crate::harness::files::{gzip, logs, testdata};
use crate::harness::log::{command, log};
use crate::harness::program::aofkit;

/// A sound log of three records.
fn sound() -> Vec<u8> {
    [command(&["SELECT", "0"]), command(&["SET", "a", "one"]), command(&["DEL", "b", "c"])].concat()
}

fn report_on(path: &Path, server: Server) -> Report {
    check(&Log::open(path).unwrap(), Settings { server: server.into(), ..Settings::default() }).unwrap()
}

fn file(folder: &TempDir, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.path().join(name);
    fs::write(&path, bytes).unwrap();
    path
}

#[test]
fn small_windows_do_not_change_a_report() {
    let count = |number| NonZeroUsize::new(number).unwrap();
    for path in logs(".") {
        let log = Log::open(&path).unwrap();
        let alone = check(&log, Settings::default()).unwrap();
        for window in [7, 61, 300] {
            let settings = Settings { threads: count(3), window: count(window), ..Settings::default() };
            assert_eq!(check(&log, settings).unwrap(), alone, "{} in windows of {window}", path.display());
        }
    }
}

/// Checks the invariants of a report.
fn assert_coherent(report: &Report, told: &str) {
    let is_error = |kind| matches!(kind, NoteKind::CrashesOnceReady | NoteKind::RestoreFails);
    let noted = report.server.notes.iter().any(|note| is_error(note.kind));
    let is_left_out = |finding: &Finding| (finding.code, finding.severity) == (Code::UnlistedFile, Severity::Error);
    let left_out = report.findings.iter().any(is_left_out);
    let verdicts = report.checker.valid && report.server.outcome == Outcome::Loads && !noted && !left_out;
    assert_eq!(report.is_sound(), verdicts, "{told}: {report:#?}");
    // A finding explains the verdicts.
    let explained = report.findings.iter().any(|finding| finding.severity == Severity::Error);
    assert_eq!(report.is_sound(), !explained, "{told}: {report:#?}");
    assert_eq!(report.checker.valid, report.checker.reason.is_none(), "{told}");
    let size_of = |file: &Path| report.parts.iter().find(|part| part.path == file).map(|part| part.size);
    for part in &report.parts {
        assert!(part.valid_up_to() <= part.size, "{told}");
    }
    for finding in &report.findings {
        let manifest = || report.manifest.as_ref().and_then(|path| Some(fs::metadata(path).ok()?.len()));
        let size = size_of(&finding.file).or_else(manifest).unwrap_or(0);
        assert!(finding.offset.is_none_or(|offset| offset <= size), "{told}: {finding:?}");
        assert!(finding.count > 0 && !finding.message.is_empty() && !finding.advice.is_empty(), "{told}: {finding:?}");
        assert!(!finding.message.ends_with('.') && !finding.advice.ends_with('.'), "{told}: {finding:?}");
    }
    if let Outcome::LoadsAndCuts { part, cut } = &report.server.outcome {
        assert!(*part + 1 == report.parts.len() && cut.at < report.parts[*part].size, "{told}");
    }
}

#[test]
fn sound_means_that_both_verdicts_are_clean() {
    for path in logs(".") {
        for server in Server::ALL {
            assert_coherent(&report_on(&path, server), &format!("{} for {server}", path.display()));
        }
    }
}

#[test]
fn sound_means_that_both_verdicts_are_clean_at_every_truncation() {
    for name in ["torn.aof", "damaged/preamble.aof", "damaged/mixed-case-transaction.aof"] {
        let bytes = fs::read(testdata().join(name)).unwrap();
        for length in 0..bytes.len() {
            let log = Log::from_input(Input::from_bytes(name, bytes[..length].to_vec())).unwrap();
            for server in [Server::Redis62, Server::Redis80, Server::Valkey9] {
                let report = check(&log, Settings { server: server.into(), ..Settings::default() }).unwrap();
                assert_coherent(&report, &format!("{name} cut to {length} for {server}"));
            }
        }
    }
}

/// The codes whose example is only described, each with a test below.
const DESCRIBED: &[Code] = &[
    Code::ManyOddities,
    Code::NotSearched,
    Code::NoManifest,
    Code::UnfinishedFile,
    Code::Compression,
    Code::FileChanged,
    Code::CutsPreamble,
];

fn severities(report: &Report, code: Code) -> Vec<Severity> {
    report.findings.iter().filter(|finding| finding.code == code).map(|finding| finding.severity).collect()
}

#[test]
fn every_code_is_seen_in_its_example_with_its_first_severity() {
    let folder = TempDir::new().unwrap();
    for code in Code::ALL {
        let (path, server) = match code.example() {
            Example::Log { path, server } => (testdata().join(path), server),
            Example::Commands { lines, server } => {
                let words = |line: &&str| command(&line.split(' ').collect::<Vec<_>>());
                (file(&folder, "log", &lines.iter().flat_map(words).collect::<Vec<_>>()), server)
            }
            Example::Described(_) => {
                assert!(DESCRIBED.contains(code), "{code} needs a test below");
                continue;
            }
        };
        let server = server.map_or(ServerChoice::Auto, |name| ServerChoice::Given(Release::named(name).unwrap()));
        let report = check(&Log::open(&path).unwrap(), Settings { server, ..Settings::default() }).unwrap();
        assert_eq!(severities(&report, *code).first(), code.severities().first(), "{code}: {report:#?}");
    }
}

#[test]
fn findings_have_the_severities_that_the_reference_names() {
    for (severity, name) in crate::corpus::severities_and_codes() {
        let code = Code::ALL.iter().find(|code| code.name() == name).unwrap();
        assert!(code.severities().iter().any(|other| other.name() == severity), "{code} is of severity {severity}");
    }
}

/// An RDB with one set whose last member equals its first.
fn set_with_a_member_twice(members: u32) -> Vec<u8> {
    let mut rdb = [b"REDIS0011\x02\x03big\x80".as_slice(), &members.to_be_bytes()].concat();
    for member in (0..members - 1).chain([0]) {
        rdb.push(4);
        rdb.extend_from_slice(&member.to_be_bytes());
    }
    rdb.extend_from_slice(b"\xff\0\0\0\0\0\0\0\0");
    rdb
}

#[test]
fn a_collection_that_is_not_searched_for_a_member_twice_is_noted() {
    let codes = |members| {
        let log = Log::from_input(Input::from_bytes("log", set_with_a_member_twice(members))).unwrap();
        let report = check(&log, Settings::default()).unwrap();
        let codes: Vec<_> = report.findings.iter().map(|finding| finding.code).collect();
        (report.is_sound(), codes)
    };
    assert_eq!(codes(1 << 21), (false, vec![Code::RdbValue]));
    assert_eq!(codes((1 << 21) + 1), (true, vec![Code::NotSearched]));
}

#[test]
fn what_a_command_does_to_the_server_is_said() {
    let folder = TempDir::new().unwrap();
    let seen = |bytes: &[u8], server, code| severities(&report_on(&file(&folder, "log", bytes), server), code);
    let replica = command(&["REPLICAOF", "127.0.0.1", "1"]);
    assert_eq!(seen(&replica, Server::Redis80, Code::ChangesServer), [Severity::Warning]);
    let script = command(&["EVAL", "return redis.call('incr', 'a')", "0"]);
    assert_eq!(seen(&script, Server::Redis80, Code::RunsScript), [Severity::Warning]);
    let persisted: [&[&str]; 3] = [
        &["HSET", "h", "f", "v"],
        &["HPEXPIREAT", "h", "1000", "FIELDS", "1", "f"],
        &["HPERSIST", "h", "FIELDS", "1", "f"],
    ];
    let persisted = persisted.map(command).concat();
    assert_eq!(seen(&persisted, Server::Redis80, Code::LosesFields), [Severity::Warning]);
    assert_eq!(seen(&command(&["SYNC"]), Server::Redis62, Code::CrashesOnceReady), [Severity::Error]);
}

#[test]
fn a_flush_is_noted_with_the_command_that_goes_back_before_it() {
    let folder = TempDir::new().unwrap();
    let before = log(&["SET a 1", "SELECT 3", "SET b 1"]);
    let bytes = [before.clone(), log(&["FLUSHDB", "SET c 1"])].concat();
    file(&folder, "a.aof.1.incr.aof", &bytes);
    let manifest = file(&folder, "a.aof.manifest", b"file a.aof.1.incr.aof seq 1 type i\n");
    for (path, place) in [(file(&folder, "alone", &bytes), ""), (manifest, "a.aof.1.incr.aof:")] {
        let report = report_on(&path, Server::default());
        assert!(report.is_sound(), "{report:#?}");
        let [finding] = report.findings.as_slice() else { panic!("{report:#?}") };
        assert_eq!((finding.code, finding.severity), (Code::Flush, Severity::Note));
        assert_eq!((finding.offset, finding.record), (Some(before.len() as u64), Some(4)));
        assert_eq!(finding.message, "FLUSHDB removes all keys of database 3");
        let offset = before.len();
        let command = format!("aofkit fix --truncate-to-offset {place}{offset} {}", path.display());
        assert_eq!(finding.advice.split("run: ").last(), Some(command.as_str()));
        // Word for word; without --force, a test that starts a process beside this one may have the file open.
        let words: Vec<&str> = command.split(' ').skip(2).collect();
        aofkit("fix").args(["--yes", "--force"]).args(words).assert().success();
        let output = aofkit("rewrite").args(["-o", "-"]).arg(&path).assert().success().get_output().stdout.clone();
        assert_eq!(output, log(&["SELECT 0", "SET a 1", "SELECT 3", "SET b 1"]));
        file(&folder, "a.aof.1.incr.aof", &bytes);
    }
}

#[test]
fn at_most_a_hundred_flushes_are_noted() {
    let folder = TempDir::new().unwrap();
    file(&folder, "a.1.aof", &log(&["FLUSHALL"; 60]));
    file(&folder, "a.2.aof", &log(&["FLUSHALL"; 60]));
    let manifest = file(&folder, "a.manifest", b"file a.1.aof seq 1 type i\nfile a.2.aof seq 2 type i\n");
    let report = report_on(&manifest, Server::default());
    let places: Vec<_> = report.findings.iter().map(|finding| (finding.file.clone(), finding.record)).collect();
    assert_eq!(places.len(), 100);
    assert_eq!(places.first(), Some(&(folder.path().join("a.1.aof"), Some(21))));
    assert_eq!(places.last(), Some(&(folder.path().join("a.2.aof"), Some(60))));
}

#[test]
fn the_records_that_follow_damage_are_named_and_can_be_seen_and_kept() {
    let folder = TempDir::new().unwrap();
    let mut bytes = log(&["SET a 1"]);
    let damaged = bytes.len();
    // What looks like records in its value is none.
    bytes.extend(command(&["SET", "b", "x\r\n*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nPING\r\n"]));
    bytes[damaged + 1] = b'x';
    let next = bytes.len();
    bytes.extend(log(&["SET c 1", "SET d 1"]));
    let path = file(&folder, "log", &bytes);
    let report = report_on(&path, Server::default());
    let advice = &report.findings[0].advice;
    let lost =
        format!("whole records follow from byte {next}: the cut removes them too ({} bytes)", bytes.len() - next);
    assert!(advice.contains(&lost), "{advice}");
    let command = format!("aofkit fix --salvage {}", path.display());
    assert_eq!(advice.split("run: ").last(), Some(command.as_str()));
    let shown = aofkit("inspect").args(["--format", "resp", "--from", &next.to_string()]).arg(&path).assert().code(1);
    assert_eq!(shown.get_output().stdout, log(&["SET c 1", "SET d 1"]));
    aofkit("fix").args(["--salvage", "--yes"]).arg(&path).assert().success();
    // The one byte that is wrong can be put right.
    bytes[damaged + 1] = b'3';
    assert_eq!(fs::read(&path).unwrap(), bytes);
}

#[test]
fn a_cut_that_takes_the_preamble_along_is_said() {
    let folder = TempDir::new().unwrap();
    let preamble = fs::read(testdata().join("damaged/preamble-only.aof")).unwrap();
    let path = file(&folder, "log", &[&preamble[..], b"*2\r\n$6\r\nSEL"].concat());
    assert_eq!(severities(&report_on(&path, Server::Redis80), Code::CutsPreamble), [Severity::Error]);
    assert!(severities(&report_on(&path, Server::Valkey9), Code::CutsPreamble).is_empty());
}

#[test]
fn a_command_that_servers_do_not_write_is_a_note() {
    let folder = TempDir::new().unwrap();
    let path = file(&folder, "log", &[sound(), command(&["PING"]), command(&["PING"])].concat());
    let report = report_on(&path, Server::default());
    assert_eq!((severities(&report, Code::ServerCommand), report.is_sound()), (vec![Severity::Note], true));
    assert_eq!((report.findings[0].count, report.findings[0].record), (2, Some(4)));
}

/// The verdict of the model of the server on the whole log.
fn model(log: &[u8], server: Server) -> Verdict {
    let resp = Some(load_resp(log, Resume::after_preamble(0), server));
    load(Layout::SingleFile, &[PartFacts::Read { rdb: None, resp }], server)
}

#[test]
fn no_command_is_passed_over_that_the_server_stumbles_over() {
    let mut differences = Vec::new();
    for row in aofkit::command::all() {
        for count in 0..6 {
            let words: Vec<&str> = row.name.split('|').chain(["1"; 6].into_iter().take(count)).collect();
            let alone = command(&words);
            let queued = [command(&["MULTI"]), alone.clone(), command(&["EXEC"])].concat();
            for (server, log) in Server::ALL.iter().flat_map(|server| [(*server, &alone), (*server, &queued)]) {
                let input = Input::from_bytes("log", log.clone());
                let settings = Settings { server: server.into(), ..Settings::default() };
                let verdict = check(&Log::from_input(input).unwrap(), settings).unwrap().server;
                let expected = model(log, server);
                if verdict != expected {
                    differences.push(format!("{server} on {words:?}: {verdict:?}, not {expected:?}"));
                }
            }
        }
    }
    assert!(
        differences.is_empty(),
        "{} differences, such as\n{}",
        differences.len(),
        differences[..differences.len().min(40)].join("\n")
    );
}

#[test]
fn more_oddities_than_are_told_apart_are_a_warning_and_the_verdict_says_what_they_do() {
    let folder = TempDir::new().unwrap();
    let log: Vec<u8> = (0..300).flat_map(|number| command(&[&format!("unknown{number}"), "x"])).collect();
    let report = report_on(&file(&folder, "unknown", &log), Server::default());
    assert_eq!((severities(&report, Code::ManyOddities), report.is_sound()), (vec![Severity::Warning], false));
    // Any number of warnings leaves a log sound.
    let log: Vec<u8> = (100..400).flat_map(|number| command(&["SELECT", &number.to_string()])).collect();
    let report = report_on(&file(&folder, "databases", &log), Server::default());
    assert_eq!(severities(&report, Code::ManyOddities), [Severity::Warning]);
    assert_coherent(&report, "many databases that no server has");
}

#[test]
fn a_cut_compressed_stream_is_an_error() {
    let folder = TempDir::new().unwrap();
    // Incompressible data is decompressed piece by piece.
    let mut noise = String::new();
    for number in 0..60_000_u64 {
        write!(noise, "{:x}", number.wrapping_mul(0x9e37_79b9_7f4a_7c15)).unwrap();
    }
    let packed = gzip(&command(&["SET", "a", &noise]));
    let report = report_on(&file(&folder, "cut", &packed[..packed.len() / 2]), Server::default());
    assert_eq!(severities(&report, Code::Compression), [Severity::Error]);
    assert_eq!(report.findings[0].offset, Some(report.parts[0].size));
}

#[test]
fn a_file_that_changes_meanwhile_is_said_to() {
    let folder = TempDir::new().unwrap();
    let path = file(&folder, "log", &sound());
    let log = Log::open(&path).unwrap();
    OpenOptions::new().append(true).open(&path).unwrap().write_all(b"*1\r\n").unwrap();
    let report = check(&log, Settings::default()).unwrap();
    assert_eq!((severities(&report, Code::FileChanged), report.is_sound()), (vec![Severity::Note], true));
    // Within the last page, removed bytes do not raise a signal.
    let log = Log::open(&path).unwrap();
    OpenOptions::new().write(true).open(&path).unwrap().set_len(60).unwrap();
    let report = check(&log, Settings::default()).unwrap();
    assert_eq!(severities(&report, Code::FileChanged), [Severity::Error]);
}
