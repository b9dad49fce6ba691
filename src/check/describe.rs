//! Findings in words: what is wrong, and what to do next.

use std::borrow::Cow;
use std::path::Path;

use jiff::Timestamp;

use super::checker::{CheckerReason, CheckerVerdict};
use super::finding::{Code, Finding, Severity};
use super::lost_fields::LostFields;
use super::part::{PartReport, PlaceInLog};
use super::rdb::{RdbSummary, Refused, Unsearched};
use super::server::{self, NoteKind, Outcome};
use crate::aof::log::{MultiPart, Part, Role};
use crate::aof::manifest::Problem as ManifestProblem;
use crate::aof::transaction::{Misplaced, Opening};
use crate::aof::{Damage, DamageKind, is_no_log};
use crate::check::scan::{self, Anomaly, PayloadEffect, Scan, Seen};
use crate::error::{Error, plain};
use crate::escape::{Escaped, shell_word, shortened};
use crate::input::{Change, Container, is_stdin};
use crate::plural::counted;
use crate::rdb;
use crate::server::Server;

/// So much of a key is shown in a sentence, in columns.
const KEY_COLUMNS: usize = 64;

/// The highest number of databases that a configuration may give a server (`databases`, a C int).
const DATABASES_AT_MOST: u64 = i32::MAX as u64;

const RESTORE: &str = "restore this file from a copy, a replica or a backup";

/// A missing part.
pub(super) fn missing(part: &Part, error: &std::io::Error) -> Finding {
    let message = if error.kind() == std::io::ErrorKind::NotFound {
        "the manifest names this file, and it is not there".to_owned()
    } else {
        format!("the manifest names this file, and it is no regular file ({})", plain(error))
    };
    let advice = "put the file back, or take its line out of the manifest if its data may be lost";
    Finding::new(Code::MissingPart, Severity::Error, &part.path, message, advice)
}

/// A line of a manifest that breaks a rule.
pub(super) fn manifest(problem: &ManifestProblem, path: &Path, bytes: &[u8]) -> Finding {
    let message = format!("line {}: {} (servers say: {})", problem.line, problem.flaw, problem.flaw.server_message());
    let advice = "correct the manifest by hand: one line 'file NAME seq N type b|i|h' for each part";
    Finding::new(Code::Manifest, Severity::Error, path, message, advice).at(bytes, problem.offset, None)
}

/// A log without a record or a key.
pub(super) fn empty_log(path: &Path) -> Finding {
    let message = "there is no record and no key in it".to_owned();
    Finding::new(Code::EmptyLog, Severity::Note, path, message, "a server starts with it, without any data")
}

/// A file in the log's directory that looks like a part of it, and is not named.
pub(super) fn unlisted(file: &Path, multi_part: &MultiPart) -> Option<Finding> {
    let name = file.file_name()?.to_str()?;
    let stem = multi_part.manifest_path.file_stem()?.to_str()?;
    let rest = name.strip_prefix(stem)?;
    if !(rest.ends_with(".base.rdb") || rest.ends_with(".base.aof") || rest.ends_with(".incr.aof")) {
        return None;
    }
    let message =
        "it is named like a part of this log, but the manifest does not name it: servers ignore it".to_owned();
    let advice = "remove it if it is left over; add its line to the manifest if it belongs to the data";
    Some(Finding::new(Code::UnlistedFile, Severity::Note, file, message, advice))
}

/// A compressed stream that could not be read to its end.
pub(super) fn compression(report: &PartReport, defect: &Error) -> Finding {
    let message = format!("{}; what comes before was checked", defect.kind());
    let mut finding =
        Finding::new(Code::Compression, Severity::Error, &report.path, message, "fetch the compressed file again");
    finding.offset = defect.offset();
    finding
}

/// A file that changed while it was read.
pub(super) fn changed(report: &PartReport, change: Change) -> Finding {
    match change {
        Change::Grew { from, to } => {
            let message = format!(
                "it grew from {} to {} meanwhile: what was added was not checked",
                counted(from, "byte"),
                counted(to, "byte")
            );
            let advice = "a server is writing to it; check again when it has stopped, or a copy";
            Finding::new(Code::FileChanged, Severity::Note, &report.path, message, advice)
        }
        Change::Shrank { from, to } => {
            let message = format!(
                "it shrank from {} to {} meanwhile: the result is that of a file no longer there",
                counted(from, "byte"),
                counted(to, "byte")
            );
            Finding::new(Code::FileChanged, Severity::Error, &report.path, message, "check it again")
        }
    }
}

/// Everything about one part.
pub(super) fn part(findings: &mut Vec<Finding>, report: &PartReport, bytes: &[u8], server: Server, place: PlaceInLog) {
    let first = findings.len();
    if let Some(rdb) = &report.rdb {
        rdb_findings(findings, report, rdb, bytes, server);
    }
    if let Some(scan) = &report.scan {
        for (anomaly, seen) in scan.anomalies.iter() {
            findings.push(odd(report, bytes, anomaly, seen, server));
        }
        if let Some(damage) = scan.damage {
            findings.push(damaged(report, bytes, &damage, scan, place));
        } else if let Some(opening) = scan.open() {
            let cut = report.size - opening.offset;
            let message = format!("{}, {} long so far", Opening::UNFINISHED, counted(cut, "byte"));
            findings.push(
                Finding::new(
                    Code::UnfinishedTransaction,
                    Severity::Error,
                    &report.path,
                    message,
                    &cut_advice(report, place),
                )
                .at(bytes, opening.offset, Some(opening.record)),
            );
        }
    }
    if let Some(findings) = findings.get_mut(first..) {
        findings.sort_by_key(|finding| finding.offset);
    }
}

/// The command that fixes a log, as a shell reads it.
pub(crate) fn fix_command(path: &Path) -> String {
    command("fix", path)
}

/// A command on a log, as a shell reads it.
fn command(subcommand: &str, path: &Path) -> String {
    let path = if is_stdin(path) { "FILE".to_owned() } else { shell_word(path) };
    format!("aofkit {subcommand} {path}")
}

/// What to do about a part that ends too early.
fn cut_advice(report: &PartReport, place: PlaceInLog) -> String {
    if is_stdin(&report.path) {
        "write it to a file, then run: aofkit fix FILE".to_owned()
    } else if report.container != Container::Plain {
        "decompress it, then run: aofkit fix FILE".to_owned()
    } else {
        match place {
            PlaceInLog::Last => {
                format!("cut the end off, and keep a copy of what is removed: {}", fix_command(&report.path))
            }
            PlaceInLog::Earlier => format!("no server takes a cut in a part that is not the last: {RESTORE}"),
            PlaceInLog::EarlierAlone => {
                "it is not the last part of its log: check that as a whole, through the manifest beside it".to_owned()
            }
            PlaceInLog::Replaced => "a rewrite replaced this part of a log, and no server loads it".to_owned(),
        }
    }
}

fn damaged(report: &PartReport, bytes: &[u8], damage: &Damage, scan: &Scan, place: PlaceInLog) -> Finding {
    let rest = report.size - damage.offset;
    let zeros = || bytes.get(usize::try_from(damage.offset).unwrap_or(usize::MAX)..).is_some_and(is_zero);
    let code = match damage.kind {
        DamageKind::Truncated { .. } => Code::TruncatedRecord,
        DamageKind::NoRecord { .. } if zeros() => Code::ZeroTail,
        DamageKind::NoRecord { .. } => Code::NotARecord,
        DamageKind::Malformed { .. } => Code::MalformedRecord,
        DamageKind::LongAnnotation => Code::LongAnnotation,
    };
    let message = if code == Code::ZeroTail {
        let zeros = counted(rest, "byte");
        format!("from here on there are only zeros, {zeros}: space that was allocated, and never written")
    } else {
        damage.kind.to_string()
    };
    let torn = matches!(code, Code::TruncatedRecord | Code::ZeroTail);
    let no_log = report.role == Role::Single && is_no_log(bytes);
    let mut advice = if no_log {
        "nothing in this file reads as a log: check that it is the one you meant".to_owned()
    } else {
        cut_advice(report, place)
    };
    if !torn
        && !no_log
        && place == PlaceInLog::Last
        && let Some(boundary) = scan::next_boundary(bytes, damage.offset)
    {
        let lost = report.size - boundary;
        advice = format!(
            "{advice}; but whole records follow from byte {boundary} on: {} that a cut takes as well",
            counted(lost, "byte")
        );
    }
    let mut finding = Finding::new(code, Severity::Error, &report.path, message, &advice);
    finding = finding.at(bytes, damage.offset, Some(damage.record));
    if let (true, Some(opening)) = (torn, scan.open()) {
        finding.message = format!("{}, in a transaction that began at byte {}", finding.message, opening.offset);
    }
    finding
}

fn is_zero(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(|byte| *byte == 0)
}

fn odd(report: &PartReport, bytes: &[u8], anomaly: &Anomaly, seen: Seen, server: Server) -> Finding {
    let rewrite =
        "take these records out, or give the server what it lacks (a module, a renamed command, a newer version)";
    let (code, severity, message, advice) = match anomaly {
        Anomaly::Payload { effect, key, fault } => payload_words(*effect, key, fault, server),
        Anomaly::Misplaced(misplaced) => misplaced_words(*misplaced),
        Anomaly::UnknownCommand(name) => (
            Code::UnknownCommand,
            Severity::Error,
            format!("{server} does not know the command '{}'", Escaped(name)),
            rewrite,
        ),
        Anomaly::UnknownSubcommand { command, subcommand } => (
            Code::UnknownSubcommand,
            Severity::Error,
            format!("{server} does not know the subcommand '{}' of {}", Escaped(subcommand), command.to_uppercase()),
            rewrite,
        ),
        Anomaly::WrongArity(name) => {
            let name = name.replace('|', " ").to_uppercase();
            let message = format!("wrong number of arguments for {name}");
            (Code::WrongArity, Severity::Warning, message, "take the record out: no server wrote it")
        }
        Anomaly::NulInName(name) => (
            Code::NulInName,
            Severity::Error,
            format!("a NUL in the name of a command: '{}'", Escaped(name)),
            "take the record out: no server wrote it",
        ),
        Anomaly::NoSuchDatabase(text) => (
            Code::NoSuchDatabase,
            Severity::Warning,
            format!(
                "SELECT of '{}': servers have databases 0 to {} unless configured otherwise",
                Escaped(text),
                server.databases() - 1
            ),
            "set 'databases' high enough, or what follows lands in the database selected before",
        ),
        Anomaly::ServerCommand(name) => (
            Code::ServerCommand,
            Severity::Note,
            format!("{} is no command that servers write into a log", name.replace('|', " ").to_uppercase()),
            "find out what wrote it",
        ),
        Anomaly::Script(name) => (
            Code::RunsScript,
            Severity::Warning,
            format!(
                "{} runs a script while the log loads: a server crashes if a command fails in it",
                name.to_uppercase()
            ),
            "make sure that it succeeds; servers since 7.0 log what scripts do, and not the scripts",
        ),
        Anomaly::CutAnnotation => (
            Code::CutAnnotation,
            Severity::Warning,
            "the last line is an annotation without its line end: it swallows the record that is appended next"
                .to_owned(),
            "append a line end before a server writes to this file",
        ),
        Anomaly::Others => (
            Code::ManyOddities,
            // Where they keep a server from loading the log, its verdict says so.
            Severity::Warning,
            "more odd records than are listed one by one".to_owned(),
            "see to those that are listed, and check again",
        ),
    };
    let mut finding =
        Finding::new(code, severity, &report.path, message, advice).at(bytes, seen.offset, Some(seen.record));
    finding.count = seen.count;
    finding
}

fn payload_words(
    effect: PayloadEffect,
    key: &[u8],
    fault: &str,
    server: Server,
) -> (Code, Severity, String, &'static str) {
    let key = quoted(key);
    let remove = "restore the log from a copy, or take this record out: the server starts then, without the key";
    let (severity, what) = match effect {
        PayloadEffect::Exits => (Severity::Error, format!("{server} exits")),
        PayloadEffect::Crashes => (Severity::Error, format!("{server} crashes")),
        PayloadEffect::Overlooked => {
            let message =
                format!("damaged payload of RESTORE for the key {key}: {fault}; {server} does not look for that");
            let advice =
                "restore the log from a copy: other servers refuse it, and commands on the key may crash this one";
            return (Code::DamagedPayload, Severity::Warning, message, advice);
        }
        PayloadEffect::KeyMissing => {
            let message = format!("RESTORE of the key {key} fails on {server}: {fault}; the log loads without the key");
            let advice = "load the log with a server that takes this payload (--server NAME says whether one does), or \
                          restore it from a copy";
            return (Code::RestoreFails, Severity::Error, message, advice);
        }
    };
    let message = format!("damaged payload of RESTORE for the key {key}: {fault}; {what} when it loads it");
    (Code::DamagedPayload, severity, message, remove)
}

fn misplaced_words(misplaced: Misplaced) -> (Code, Severity, String, &'static str) {
    match misplaced {
        Misplaced::NestedMulti => (
            Code::NestedMulti,
            Severity::Error,
            "MULTI inside a transaction: the official checkers call it invalid, servers load it".to_owned(),
            "do not let redis-check-aof --fix cut here: a server loads everything",
        ),
        Misplaced::LoneExec => (
            Code::LoneExec,
            Severity::Error,
            "EXEC without MULTI: the official checkers call it invalid, servers load it".to_owned(),
            "do not let redis-check-aof --fix cut here: a server loads everything",
        ),
        Misplaced::QueuedDiscard => (
            Code::QueuedDiscard,
            Severity::Error,
            "DISCARD inside a transaction: it is queued, and a server that loads it crashes at EXEC".to_owned(),
            "take the transaction out",
        ),
        Misplaced::LoneDiscard => (
            Code::LoneDiscard,
            Severity::Warning,
            "DISCARD without MULTI: servers ignore it".to_owned(),
            "find out what wrote it",
        ),
    }
}

fn rdb_findings(findings: &mut Vec<Finding>, report: &PartReport, rdb: &RdbSummary, bytes: &[u8], server: Server) {
    let path = &report.path;
    let place = |finding: Finding, offset| finding.at(bytes, offset, None);
    for flaw in &rdb.flaws {
        let minds = flaw.servers.contains(server) || flaw.checkers.contains(server);
        let severity = if minds { Severity::Error } else { Severity::Warning };
        let finding = Finding::new(Code::RdbValue, severity, path, rdb_words(&flaw.damage), RESTORE);
        findings.push(place(finding, flaw.damage.offset));
    }
    for unsearched in &rdb.unsearched {
        let Unsearched { offset, key, kind, members } = unsearched;
        let message = format!(
            "the {kind} {} has {members} members, too many to be searched for one that is there twice",
            quoted(key)
        );
        let advice = "servers refuse such a one; an RDB that a server wrote has none";
        findings.push(place(Finding::new(Code::NotSearched, Severity::Note, path, message, advice), *offset));
    }
    if let Some((offset, refused)) = &rdb.refused {
        let message = format!("{server} does not load {refused}");
        let advice = refused_advice(*refused, rdb);
        findings.push(place(Finding::new(Code::RdbUnsupported, Severity::Error, path, message, &advice), *offset));
    }
    let Some(damage) = &rdb.damage else { return };
    let (code, advice) = match damage.kind {
        rdb::DamageKind::Checksum { .. } => {
            (Code::RdbChecksum, "some byte in the file is not what was written: restore it from a copy")
        }
        _ if damage.kind.is_unknown() => (Code::RdbUnknown, "a newer release of this program may know it"),
        _ => (Code::RdbDamage, RESTORE),
    };
    findings.push(place(Finding::new(code, Severity::Error, path, rdb_words(damage), advice), damage.offset));
}

/// What makes a server load the RDB.
fn refused_advice(refused: Refused, rdb: &RdbSummary) -> String {
    let Refused::Database(number) = refused else {
        return "load it with a server that does; --server NAME says what another one makes of it".to_owned();
    };
    let highest = rdb.databases.last().map_or(number, |last| number.max(u64::from(*last)));
    if highest >= DATABASES_AT_MOST {
        return format!("no server can have so many databases: {RESTORE}");
    }
    format!("the server needs 'databases {}' (or more) in its configuration", highest + 1)
}

/// Damage of an RDB, with the key of the value that it is in.
pub(crate) fn rdb_words(damage: &rdb::Damage) -> String {
    let Some(key) = &damage.key else { return damage.to_string() };
    let kind = damage.row.map_or_else(String::new, |row| format!(" ({})", row.name));
    format!("{damage}, in the value of the key {}{kind}", quoted(key))
}

/// A key in a sentence: in quotes even if it is a plain word, for it may be one that makes sense there.
fn quoted(key: &[u8]) -> String {
    let mut name = Vec::new();
    shortened(&mut name, key, KEY_COLUMNS);
    let name = String::from_utf8_lossy(&name);
    if name.starts_with('"') { name.into_owned() } else { format!("\"{name}\"") }
}

/// Fields that a server loses when it loads the log.
pub(super) fn lost_fields(lost: &LostFields, server: Server, path: &Path) -> Finding {
    let time = |milliseconds| {
        Timestamp::from_millisecond(milliseconds).map_or_else(|_| milliseconds.to_string(), |time| time.to_string())
    };
    let LostFields { count, first_expiry, last_expiry, .. } = *lost;
    let least = if lost.is_all { "" } else { "at least " };
    let first = if first_expiry == last_expiry {
        String::new()
    } else {
        format!(", the first of them after {}", time(first_expiry))
    };
    let message = format!(
        "{server} loses {least}{} if it loads this log after {}{first}: HPERSIST and HGETEX, which took the expiry away, do not \
         find expired fields while a log loads; the first is in the hash {}",
        counted(count, "field"),
        time(last_expiry),
        quoted(&lost.key)
    );
    let advice = format!(
        "let the running server rewrite the log (BGREWRITEAOF); before one starts with it, run: {}",
        command("rewrite --in-place", path)
    );
    let mut finding = Finding::new(Code::LosesFields, Severity::Warning, &lost.file, message, &advice);
    (finding.offset, finding.record) = (Some(lost.offset), Some(lost.record));
    finding
}

/// What the verdicts say and no finding does.
pub(super) fn verdicts(
    findings: &mut Vec<Finding>,
    checker: &CheckerVerdict,
    server: &server::Verdict,
    parts: &[PartReport],
    path: &Path,
) {
    let file = |part: usize| parts.get(part).map_or(path, |part| part.path.as_path());
    for note in &server.notes {
        if let Some((code, severity, message, advice)) = note_words(note.kind, server.server, path) {
            let mut finding = Finding::new(code, severity, file(note.part), message, &advice);
            finding.offset = Some(note.place.offset);
            finding.record = Some(note.place.record);
            finding.count = note.count;
            findings.push(finding);
        }
    }
    if server.outcome == Outcome::Loads {
        read_over(findings, checker);
    }
    if findings.iter().any(|finding| finding.severity == Severity::Error) {
        return;
    }
    if !checker.valid {
        let part = checker.part.unwrap_or(0);
        let in_incr = parts.get(part).is_some_and(|part| part.role == Role::Incr && part.rdb.is_some());
        let message = match &checker.reason {
            Some(CheckerReason::ManifestTakenForLog(_)) => {
                format!("{} does not recognise the manifest; with --fix it would empty it", checker.tool())
            }
            _ if in_incr => format!(
                "an RDB in an incr: {} reads it as RESP, servers load it, but crash on a key that was there before",
                checker.tool()
            ),
            _ => format!("{} calls it invalid", checker.tool()),
        };
        let advice = "do not let it 'fix' the log: a server loads everything";
        let file = if checker.part.is_some() { file(part) } else { path };
        let mut finding = Finding::new(Code::CheckerRefuses, Severity::Error, file, message, advice);
        finding.offset = checker.ok_up_to();
        findings.push(finding);
    }
    if server.outcome != Outcome::Loads {
        let message = format!("{} does not load all of it", server.server);
        let place = match &server.outcome {
            Outcome::Refuses { part, place, .. } => Some((*part, *place)),
            Outcome::LoadsAndCuts { part, cut } => Some((*part, Some(cut.place))),
            Outcome::Crashes { part, place, .. } | Outcome::Stops { part, place, .. } => Some((*part, Some(*place))),
            _ => None,
        };
        let (part, place) = place.unwrap_or((0, None));
        let advice = "see the server's verdict";
        let mut finding = Finding::new(Code::ServerRefuses, Severity::Error, file(part), message, advice);
        finding.offset = place.map(|place| place.offset);
        finding.record = place.map(|place| place.record);
        findings.push(finding);
    }
}

/// What a note means to a person; `None` where the scan has said it already.
fn note_words(kind: NoteKind, server: Server, path: &Path) -> Option<(Code, Severity, String, Cow<'static, str>)> {
    let before = || format!("before the server starts, run: {}", fix_command(path)).into();
    Some(match kind {
        NoteKind::LeavesTransactionOpen => (
            Code::LeavesTransactionOpen,
            Severity::Error,
            format!(
                "with its cut {server} leaves the transaction open that begins here: what it writes from then on is lost at \
                 the next start"
            ),
            format!("before the server starts, remove the unfinished transaction as a whole: {}", fix_command(path))
                .into(),
        ),
        NoteKind::CutsPreamble => (
            Code::CutsPreamble,
            Severity::Error,
            format!("with its cut {server} empties the file, the RDB in front included: all its data is lost"),
            before(),
        ),
        NoteKind::CutsEarlierPart => (
            Code::CutsEarlierPart,
            Severity::Error,
            format!(
                "{server} cuts this part although it is not the last, and refuses; the next start misses its end silently"
            ),
            "do not start a server on it before there is a copy of the file".into(),
        ),
        NoteKind::ChangesServer => (
            Code::ChangesServer,
            Severity::Warning,
            "a command that changes the server itself (its role, its settings, its users) while it loads".to_owned(),
            "take the record out unless that is wanted".into(),
        ),
        NoteKind::CrashesOnceReady => (
            Code::CrashesOnceReady,
            Severity::Error,
            format!("{server} starts, and crashes a moment later"),
            "take the record out: no server wrote it".into(),
        ),
        NoteKind::LaxFormat
        | NoteKind::SelectFails
        | NoteKind::RestoreFails
        | NoteKind::LoneExec
        | NoteKind::LoneDiscard
        | NoteKind::NestedMulti
        | NoteKind::RunsScript
        | NoteKind::WrongArity
        | NoteKind::RevertsTransaction => return None,
    })
}

/// What the strict reader calls damage although the server loads all of it: a cut would only do harm.
fn read_over(findings: &mut [Finding], checker: &CheckerVerdict) {
    let damage = |finding: &&mut Finding| {
        matches!(finding.code, Code::MalformedRecord | Code::NotARecord | Code::LongAnnotation | Code::TruncatedRecord)
    };
    for finding in findings.iter_mut().filter(damage) {
        finding.advice = if checker.valid {
            finding.severity = Severity::Warning;
            "server and checker read on behind it; find out what wrote it".to_owned()
        } else {
            "a server loads everything: let one rewrite the log (BGREWRITEAOF), and do not let the checker's --fix cut here"
                .to_owned()
        };
    }
}
