//! What holds for the report on every log in `testdata`, and that every code of a finding is seen.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::print_stderr)]

use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use aofkit::Server;
use aofkit::aof::log::{Log, walk_tree};
use aofkit::check::server::{Layout, NoteKind, Outcome, PartFacts, Resume, Verdict, load, load_resp};
use aofkit::check::{Code, Report, Settings, Severity, check};
use aofkit::input::Input;
use tempfile::TempDir;

fn command(words: &[&str]) -> Vec<u8> {
    let mut out = Vec::new();
    aofkit::resp::write_command(&mut out, &words.iter().map(|word| word.as_bytes()).collect::<Vec<_>>());
    out
}

/// A sound log of three records.
fn sound() -> Vec<u8> {
    [command(&["SELECT", "0"]), command(&["SET", "a", "one"]), command(&["DEL", "b", "c"])].concat()
}

fn testdata() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata")
}

/// Every log in `testdata`, by its path.
fn logs() -> Vec<PathBuf> {
    let logs = walk_tree(&testdata()).unwrap().logs;
    assert!(logs.len() > 100, "only {} logs", logs.len());
    logs
}

fn report_on(path: &Path, server: Server) -> Report {
    check(&Log::open(path).unwrap(), Settings { server: server.into(), ..Settings::default() }).unwrap()
}

fn file(folder: &TempDir, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.path().join(name);
    fs::write(&path, bytes).unwrap();
    path
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn small_windows_do_not_change_a_report() {
    let count = |number| NonZeroUsize::new(number).unwrap();
    for path in logs() {
        let log = Log::open(&path).unwrap();
        let alone = check(&log, Settings::default()).unwrap();
        for window in [7, 61, 300] {
            let settings = Settings { threads: count(3), window: count(window), ..Settings::default() };
            assert_eq!(check(&log, settings).unwrap(), alone, "{} in windows of {window}", path.display());
        }
    }
}

/// What must agree in every report.
fn assert_coherent(report: &Report, told: &str) {
    let is_error = |kind| matches!(kind, NoteKind::CrashesOnceReady | NoteKind::RestoreFails);
    let noted = report.server.notes.iter().any(|note| is_error(note.kind));
    let verdicts = report.checker.valid && report.server.outcome == Outcome::Loads && !noted;
    assert_eq!(report.is_sound(), verdicts, "{told}: {report:#?}");
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
    for path in logs() {
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

/// Where each code is seen, and how grave it is there; for the newest Redis unless another server is named.
const CODES: &[(Code, Severity, &str, Server)] = {
    use Code as C;
    use Severity::{Error, Note, Warning};
    const LATEST: Server = Server::Redis80;
    &[
        (C::TruncatedRecord, Error, "cut-in-payload.aof", LATEST),
        (C::MalformedRecord, Error, "length-too-small.aof", LATEST),
        (C::NotARecord, Error, "garbage-tail.aof", LATEST),
        (C::ZeroTail, Error, "zero-tail.aof", LATEST),
        (C::LongAnnotation, Error, "annotation-too-long.aof", LATEST),
        (C::CutAnnotation, Warning, "cut-in-annotation.aof", LATEST),
        (C::UnfinishedTransaction, Error, "open-transaction.aof", LATEST),
        (C::NestedMulti, Error, "nested-multi.aof", LATEST),
        (C::LoneExec, Error, "exec-alone.aof", LATEST),
        (C::QueuedDiscard, Error, "discard-in-transaction.aof", LATEST),
        (C::LoneDiscard, Warning, "discard-alone.aof", LATEST),
        (C::UnknownCommand, Error, "unknown-command.aof", LATEST),
        (C::UnknownSubcommand, Error, "unknown-subcommand.aof", LATEST),
        (C::WrongArity, Warning, "wrong-arity.aof", LATEST),
        (C::NulInName, Error, "nul-in-name.aof", LATEST),
        (C::NoSuchDatabase, Warning, "database-out-of-range.aof", LATEST),
        (C::DamagedPayload, Error, "restore-lzf.aof", LATEST),
        (C::DamagedPayload, Warning, "restore-field-twice.aof", LATEST),
        (C::DamagedPayload, Error, "restore-field-twice.aof", Server::Valkey9),
        (C::RestoreFails, Error, "restore-wrong-checksum.aof", LATEST),
        (C::RdbDamage, Error, "part-base-cut", LATEST),
        (C::RdbChecksum, Error, "preamble-wrong-checksum.aof", LATEST),
        (C::RdbUnknown, Error, "preamble-of-the-future.aof", LATEST),
        (C::RdbUnsupported, Error, "../rdb/valkey-9.1.rdb", LATEST),
        (C::RdbValue, Error, "../rdb/flawed/ziplist-hash-previous.rdb", LATEST),
        (C::RdbValue, Warning, "../rdb/flawed/stream-length.rdb", LATEST),
        (C::Manifest, Error, "manifest-two-bases", LATEST),
        (C::MissingPart, Error, "manifest-missing-part", LATEST),
        (C::UnlistedFile, Note, "manifest-empty", LATEST),
        (C::EmptyLog, Note, "empty.aof", LATEST),
        (C::CheckerRefuses, Error, "part-incr-is-rdb", LATEST),
        (C::CheckerRefuses, Error, "value-like-a-manifest.aof", Server::Redis70),
        (C::ServerRefuses, Error, "wrong-arity.aof", LATEST),
        (C::ServerRefuses, Error, "multi-with-arguments.aof", Server::Valkey9),
        (C::CutsEarlierPart, Error, "part-cut-not-last", LATEST),
        (C::LeavesTransactionOpen, Error, "cut-in-transaction.aof", LATEST),
    ]
};

/// The codes that need a log made for them, each tested below.
const CRAFTED: &[Code] = &[
    Code::NotSearched,
    Code::ServerCommand,
    Code::ManyOddities,
    Code::Compression,
    Code::FileChanged,
    Code::CutsPreamble,
    Code::ChangesServer,
    Code::CrashesOnceReady,
    Code::LosesFields,
    Code::RunsScript,
];

fn severities(report: &Report, code: Code) -> Vec<Severity> {
    report.findings.iter().filter(|finding| finding.code == code).map(|finding| finding.severity).collect()
}

#[test]
fn every_code_is_seen_with_its_severity() {
    for (code, severity, name, server) in CODES {
        let report = report_on(&testdata().join("damaged").join(name), *server);
        let seen = severities(&report, *code);
        assert!(seen.contains(severity), "{code} in {name} for {server}: {seen:?} of {:#?}", report.findings);
    }
    let seen = |code| CODES.iter().any(|row| row.0 == code) || CRAFTED.contains(&code);
    let unseen: Vec<_> = Code::ALL.iter().filter(|code| !seen(**code)).collect();
    assert!(unseen.is_empty(), "no log shows {unseen:?}");
}

/// An RDB with one set, the last member of which is its first as well.
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

/// What the model of the server says that reads the whole log itself, as lax as the server.
fn model(log: &[u8], server: Server) -> Verdict {
    let resp = Some(load_resp(log, Resume::behind_preamble(0), server));
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
    // What only is a warning, however often, leaves a log sound.
    let log: Vec<u8> = (100..400).flat_map(|number| command(&["SELECT", &number.to_string()])).collect();
    let report = report_on(&file(&folder, "databases", &log), Server::default());
    assert_eq!(severities(&report, Code::ManyOddities), [Severity::Warning]);
    assert_coherent(&report, "many databases that no server has");
}

#[test]
fn a_cut_compressed_stream_is_an_error() {
    let folder = TempDir::new().unwrap();
    // What does not compress comes out piece by piece.
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
    // Within the last page no byte that is gone raises a signal.
    let log = Log::open(&path).unwrap();
    OpenOptions::new().write(true).open(&path).unwrap().set_len(60).unwrap();
    let report = check(&log, Settings::default()).unwrap();
    assert_eq!(severities(&report, Code::FileChanged), [Severity::Error]);
}
