//! The behaviour of real servers, of their checkers and of aofkit for every log in `testdata`, compared with the
//! expectations beside the logs.
//!
//! `testdata/NAME.expected.json` is for the logs in `testdata/NAME`; `testdata/README.md` describes it.
//! `AOFKIT_UPDATE=1` updates it from the servers.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use aofkit::Server;
use aofkit::aof::log::{Log, Part};
use aofkit::check::server::{Crash, Outcome};
use aofkit::check::{CheckerReason, Code, Report, Settings, check};
use serde::{Deserialize, Serialize};

use crate::harness::files::{logs, testdata};
use crate::harness::load::{Cutting, Ended, Files, Loaded, load_and_ask, load_data_directory, load_directory};
use crate::harness::servers::{program, release};
use crate::harness::{assert_none, on_two_threads};
use crate::replay_servers::library;

/// The folders of `testdata`, and the single log.
const GROUPS: [&str; 4] = ["damaged", "logs", "rdb", "torn"];

/// The behaviour for one log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Expected {
    /// The official checker's verdict: `valid`, `invalid`, or `crashes`.
    checker: String,
    /// The end of the valid part according to it, if it prints that.
    #[serde(skip_serializing_if = "Option::is_none")]
    ok_up_to: Option<u64>,
    /// The server's start: `loads`, `truncates`, `refuses`, `crashes`, or `stops`.
    start: String,
    /// The size of the part that it truncated, afterwards.
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    /// `DEBUG DIGEST` of what it loaded.
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<String>,
}

/// The expectations for one log and the servers that share them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Row {
    servers: Vec<String>,
    #[serde(flatten)]
    expected: Expected,
    /// The results of aofkit if they differ.
    #[serde(skip_serializing_if = "Option::is_none")]
    aofkit: Option<Expected>,
    /// The codes of the findings of `aofkit check --server`, by severity.
    findings: BTreeMap<String, Vec<String>>,
}

/// The rows of every log of a group, by its path in `testdata`.
type Rows = BTreeMap<String, Vec<Row>>;

fn expected_path(group: &str) -> PathBuf {
    testdata().join(format!("{group}.expected.json"))
}

/// Reads the file of a group.
fn read(group: &str) -> Rows {
    serde_json::from_slice(&fs::read(expected_path(group)).unwrap()).unwrap()
}

/// The severities and codes of all findings of all logs.
pub(crate) fn severities_and_codes() -> BTreeSet<(String, String)> {
    let rows = GROUPS.iter().flat_map(|group| read(group).into_values().flatten());
    let pairs = |(severity, codes): (String, Vec<String>)| codes.into_iter().map(move |code| (severity.clone(), code));
    rows.flat_map(|row| row.findings.into_iter().flat_map(pairs)).collect()
}

/// The logs of a group with a finding of this code, for any server.
pub(crate) fn showing(group: &str, code: Code) -> Vec<PathBuf> {
    let is_found = |row: &Row| row.findings.values().flatten().any(|name| name == code.name());
    let logs = read(group).into_iter().filter(|(_, rows)| rows.iter().any(is_found));
    logs.map(|(log, _)| testdata().join(log)).collect()
}

/// As JSON: a line for each row.
fn text_of(rows: &Rows) -> String {
    let mut text = String::from("{\n");
    for (index, (log, rows)) in rows.iter().enumerate() {
        let lines: Vec<String> =
            rows.iter().map(|row| format!("    {}", serde_json::to_string(row).unwrap())).collect();
        let comma = if index == 0 { "" } else { ",\n" };
        write!(text, "{comma}  {}: [\n{}\n  ]", serde_json::to_string(log).unwrap(), lines.join(",\n")).unwrap();
    }
    text + "\n}\n"
}

/// The logs of a group, by their paths in `testdata`.
fn logs_of(group: &str) -> Vec<(String, PathBuf)> {
    let name = |path: &Path| path.strip_prefix(testdata()).unwrap().to_str().unwrap().to_owned();
    let logs = logs(".").into_iter().map(|path| (name(&path), path));
    logs.filter(|(name, _)| name.split(['/', '.']).next() == Some(group)).collect()
}

/// Whether a server can load this kind of log: Redis 6.2 has no manifests.
fn is_read_by(path: &Path, server: Server) -> bool {
    server != Server::Redis62 || Log::open(path).unwrap().as_multi_part().is_none()
}

fn report(path: &Path, server: Server) -> Report {
    check(&Log::open(path).unwrap(), Settings { server: server.into(), ..Settings::default() }).unwrap()
}

/// The bytes of the existing parts.
fn parts(log: &Log) -> Vec<Vec<u8>> {
    let there = log.parts.iter().filter(|part| part.missing().is_none());
    there.map(|part| part.open().unwrap().bytes().to_vec()).collect()
}

/// Whether the result depends on chance: the server reads arguments that do not exist from uninitialised memory, or it
/// compares a name up to its NUL with those of the commands that happen to share its bucket.
fn is_chance(report: &Report) -> bool {
    matches!(report.server.outcome, Outcome::Crashes { cause: Crash::TooFewArguments, .. })
        || report.findings.iter().any(|finding| finding.code == Code::NulInName)
}

/// The results of aofkit.
fn said(path: &Path, server: Server, report: &Report) -> Expected {
    let crashes = match &report.checker.reason {
        Some(CheckerReason::Records(records)) => records.crash.is_some(),
        _ => false,
    };
    let checker = if crashes {
        "crashes"
    } else if report.checker.valid {
        "valid"
    } else {
        "invalid"
    };
    let (start, size) = match &report.server.outcome {
        Outcome::Loads => ("loads", None),
        Outcome::LoadsAndCuts { cut, .. } => ("truncates", Some(cut.at)),
        Outcome::Refuses { .. } => ("refuses", None),
        Outcome::Crashes { .. } if is_chance(report) => ("varies", None),
        Outcome::Crashes { .. } => ("crashes", None),
        Outcome::Stops { .. } => ("stops", None),
        Outcome::Ignores => ("ignores", None),
    };
    let digest = report.server.outcome.starts().then(|| {
        let parts = parts(&Log::open(path).unwrap());
        let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
        let replayed = library::replay_as(server, &parts, 1);
        // Damaged values have no digest.
        replayed.summary.damaged.is_none().then(|| library::digest_of(&replayed, server))
    });
    let ok_up_to = report.checker.ok_up_to().filter(|_| !crashes);
    Expected { checker: checker.to_owned(), ok_up_to, start: start.to_owned(), size, digest: digest.flatten() }
}

fn findings(report: &Report) -> BTreeMap<String, Vec<String>> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for finding in &report.findings {
        let codes = found.entry(finding.severity.name().to_owned()).or_default();
        if !codes.iter().any(|code| code == finding.code.name()) {
            codes.push(finding.code.name().to_owned());
        }
    }
    found
}

/// The verdict of the real checker, and the end of the valid part according to it.
fn checked(path: &Path, server: Server) -> (&'static str, Option<u64>) {
    let output = program(release(server), "check-aof").arg(path).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let of_line = |line: &str| line.split("ok_up_to=").nth(1)?.split(',').next()?.parse().ok();
    match output.status.code() {
        Some(0) => ("valid", None),
        Some(_) => ("invalid", text.lines().rev().find_map(of_line)),
        None => ("crashes", None),
    }
}

/// The results of the real server and its checker.
fn done(path: &Path, server: Server) -> Expected {
    let log = Log::open(path).unwrap();
    let size = |part: &Part| part.missing().is_none().then(|| part.open().unwrap().bytes().len() as u64);
    let sizes: Vec<Option<u64>> = log.parts.iter().map(size).collect();
    // Expired keys must stay until the digest is computed.
    let questions = [vec!["DEBUG", "SET-ACTIVE-EXPIRE", "0"], vec!["DEBUG", "DIGEST"]];
    let Loaded { ended, sizes: left, answers, .. } = if log.parts.iter().any(|part| part.awaits_move) {
        let directory = path.parent().unwrap().file_name().unwrap().to_str().unwrap();
        let names = log.parts.iter().map(|part| format!("{directory}/{}", part.name.to_str().unwrap()));
        let names: Vec<String> = names.collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        load_data_directory(release(server), path.parent().unwrap().parent().unwrap(), &names, &questions)
    } else if log.as_multi_part().is_some() {
        let names = log.parts.iter().map(|part| part.path.file_name().unwrap().to_owned());
        load_directory(release(server), path.parent().unwrap(), &names.collect::<Vec<_>>(), &questions)
    } else {
        let files = Files { parts: parts(&log).into_iter().map(Some).collect(), cutting: Cutting::Yes };
        load_and_ask(release(server), &files, &questions)
    };
    let (start, size) = match ended {
        Ended::Starts => match left.iter().zip(&sizes).find(|(left, size)| left != size) {
            Some((left, _)) => ("truncates", *left),
            None => ("loads", None),
        },
        Ended::Exits(0) => ("stops", None),
        Ended::Exits(_) => ("refuses", None),
        Ended::Killed(_) | Ended::Hangs => ("crashes", None),
    };
    let digest = answers.and_then(|answers| Some(answers.last()?.strip_prefix('+')?.to_owned()));
    let (checker, ok_up_to) = checked(path, server);
    Expected { checker: checker.to_owned(), ok_up_to, start: start.to_owned(), size, digest }
}

/// Merges the rows of servers with the same results.
fn merged(found: Vec<(Server, Row)>) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for (server, row) in found {
        match rows.iter_mut().find(|known| Row { servers: Vec::new(), ..(*known).clone() } == row) {
            Some(known) => known.servers.push(server.name().to_owned()),
            None => rows.push(Row { servers: vec![server.name().to_owned()], ..row }),
        }
    }
    rows
}

fn row(path: &Path, server: Server, mut expected: Expected) -> Row {
    let report = report(path, server);
    if is_chance(&report) {
        expected = Expected { start: "varies".to_owned(), size: None, digest: None, ..expected };
    }
    let said = said(path, server, &report);
    let aofkit = (said != expected).then_some(said);
    Row { servers: Vec::new(), expected, aofkit, findings: findings(&report) }
}

/// Fails if the rows differ from those in the files; `expected` returns the results of the servers.
fn compare(expected: impl Fn(&str, &Path, Server) -> Expected + Sync) {
    let mut wrong = Vec::new();
    for group in GROUPS {
        let found = on_two_threads(&logs_of(group), |_, (name, path)| {
            let servers = Server::ALL.into_iter().filter(|server| is_read_by(path, *server));
            let rows = servers.map(|server| (server, row(path, server, expected(name, path, server))));
            (name.clone(), merged(rows.collect()))
        });
        let text = text_of(&found.into_iter().collect());
        let path = expected_path(group);
        if std::env::var_os("AOFKIT_UPDATE").is_some() {
            fs::write(&path, &text).unwrap();
        }
        let known = fs::read_to_string(&path).unwrap_or_default();
        let known: Vec<&str> = known.lines().collect();
        let differs = |line: &&str| !known.contains(line);
        wrong.extend(text.lines().filter(differs).map(|line| format!("{group}.expected.json: {line}")));
        assert!(!wrong.is_empty() || known.len() == text.lines().count(), "{group}.expected.json has more logs");
    }
    assert_none(&wrong);
}

#[server_test]
fn servers_and_checkers_do_what_is_expected() {
    compare(|_, path, server| done(path, server));
}

#[test]
fn aofkit_says_what_is_expected_of_every_log() {
    let rows: Rows = GROUPS.iter().flat_map(|group| read(group)).collect();
    compare(|name, _, server| {
        let rows =
            rows.get(name).unwrap_or_else(|| panic!("{name} is new: run the tests with servers and AOFKIT_UPDATE=1"));
        let row = rows.iter().find(|row| row.servers.iter().any(|known| known == server.name()));
        row.unwrap_or_else(|| panic!("nothing is known of {name} on {server}")).expected.clone()
    });
}
