//! Findings in words: what is wrong, and what to do next.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::path::Path;

use jiff::Timestamp;

use super::checker::{CheckerReason, CheckerVerdict};
use super::damage::{self, DECOMPRESS, NO_LOG, RESTORE};
use super::finding::{Code, Finding, Severity};
use super::lost_fields::LostFields;
use super::part::{PartReport, PlaceInLog};
use super::rdb::{RdbSummary, Refused, Unsearched};
use super::scan::{Anomaly, FLUSHES, Flush, PayloadEffect, Scan, Seen};
use super::server::{self, NoteKind, Outcome};
use crate::aof::log::Role;
use crate::aof::transaction::Misplaced;
use crate::aof::{Damage, is_no_log, resync};
use crate::escape::{Escaped, quoted, shell_word};
use crate::input::{Container, is_stdin};
use crate::plural::counted;
use crate::server::Server;

/// The highest number of databases that a configuration may give a server (`databases`, a C int).
const DATABASES_AT_MOST: u64 = i32::MAX as u64;

const FIND_OUT: &str = "find out what wrote it";
const NO_SERVER_WROTE_IT: &str = "remove the record: no server wrote it";

/// A log without a record or a key.
pub(super) fn empty_log(path: &Path) -> Finding {
    let message = "the log holds no record and no key".to_owned();
    Finding::new(Code::EmptyLog, Severity::Note, path, message, "a server starts with it and has no data")
}

/// The command that fixes a log, as a shell reads it.
pub(crate) fn fix_command(path: &Path) -> String {
    command("fix", path)
}

/// A command on a log, as a shell reads it.
pub(super) fn command(subcommand: &str, path: &Path) -> String {
    let path = if is_stdin(path) { "FILE".to_owned() } else { shell_word(path) };
    format!("aofkit {subcommand} {path}")
}

/// Who loads a part in spite of the damage that the strict reader finds in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ReadPast {
    /// The server does not.
    Nobody,
    /// The server loads all of the part; the checker calls it invalid.
    Server,
    /// The checker calls it valid as well.
    ServerAndChecker,
}

/// One part, with everything that its findings depend on.
#[derive(Debug, Clone, Copy)]
pub(super) struct PartFindings<'a> {
    /// The path that commands on the log are to name.
    pub(super) log: &'a Path,
    pub(super) report: &'a PartReport,
    pub(super) bytes: &'a [u8],
    pub(super) server: Server,
    pub(super) place: PlaceInLog,
    pub(super) read_past: ReadPast,
}

impl PartFindings<'_> {
    /// All of them, by offset.
    pub(super) fn all(self) -> Vec<Finding> {
        let mut findings = Vec::new();
        if let Some(rdb) = &self.report.rdb {
            self.rdb(rdb, &mut findings);
        }
        if let Some(scan) = &self.report.scan {
            findings.extend(scan.anomalies.iter().map(|(anomaly, seen)| self.anomaly(anomaly, seen)));
            if let Some(damage) = scan.damage {
                findings.push(self.damage(&damage, scan));
            } else if let Some(opening) = scan.open() {
                let finding = damage::of_transaction(&self.report.path, self.bytes, opening);
                findings.push(Finding { advice: self.cut_advice(), ..finding });
            }
        }
        findings.sort_by_key(|finding| finding.offset);
        findings
    }

    /// What to do about a part that ends too early.
    fn cut_advice(self) -> String {
        let path = &self.report.path;
        if is_stdin(path) {
            "write it to a file, then run: aofkit fix FILE".to_owned()
        } else if self.report.container != Container::Plain {
            DECOMPRESS.to_owned()
        } else {
            match self.place {
                PlaceInLog::Last => {
                    format!("cut the end off, and keep a copy of what is removed: {}", fix_command(self.log))
                }
                PlaceInLog::Earlier => format!("servers accept a cut only in the last part: {RESTORE}"),
                PlaceInLog::EarlierAlone => {
                    "this is not the last part of its log: check the whole log, through the manifest beside it"
                        .to_owned()
                }
                PlaceInLog::Replaced => "a rewrite replaced this part, and no server loads it".to_owned(),
            }
        }
    }

    fn damage(self, damage: &Damage, scan: &Scan) -> Finding {
        let finding = damage::of_records(&self.report.path, self.bytes, damage, scan.open());
        let (severity, advice) = match self.read_past {
            // No server reads zeros as records.
            _ if finding.code == Code::ZeroTail => (Severity::Error, self.cut_advice()),
            ReadPast::ServerAndChecker => {
                (Severity::Warning, format!("server and checker read past it; {FIND_OUT}"))
            }
            ReadPast::Server => (
                Severity::Error,
                "a server loads everything: let one rewrite the log (BGREWRITEAOF), and do not let the checker's --fix \
                 cut here"
                    .to_owned(),
            ),
            ReadPast::Nobody => (Severity::Error, self.damage_advice(finding.code, damage)),
        };
        Finding { severity, advice, ..finding }
    }

    fn damage_advice(self, code: Code, damage: &Damage) -> String {
        if self.report.role == Role::Single && is_no_log(self.bytes) {
            return NO_LOG.to_owned();
        }
        let advice = self.cut_advice();
        let is_torn = matches!(code, Code::TruncatedRecord | Code::ZeroTail);
        let next = usize::try_from(damage.record_offset).ok().filter(|_| !is_torn);
        match next.and_then(|from| resync::next_record(self.bytes, from)) {
            Some(next) => format!("{advice}; {}", self.rest_advice(next as u64)),
            None => advice,
        }
    }

    /// What to do about whole records that follow damage, from `next` on.
    fn rest_advice(self, next: u64) -> String {
        let path = &self.report.path;
        let follow = format!("whole records follow from byte {next}");
        let follow = match self.place {
            PlaceInLog::Last => {
                let lost = counted(self.report.size.saturating_sub(next), "byte");
                format!("but {follow}: the cut removes them too ({lost})")
            }
            PlaceInLog::Earlier | PlaceInLog::EarlierAlone | PlaceInLog::Replaced => follow,
        };
        if is_stdin(path) || self.report.container != Container::Plain || self.place == PlaceInLog::Replaced {
            follow
        } else {
            format!("{follow}; to keep them, run: {}", command("fix --salvage", self.log))
        }
    }

    fn anomaly(self, anomaly: &Anomaly, seen: Seen) -> Finding {
        let lacks =
            "remove these records, or give the server what it lacks (a module, a renamed command, a newer version)";
        let server = self.server;
        let (code, severity, message, advice) = match anomaly {
            Anomaly::Payload { effect, key, fault } => payload_words(*effect, key, fault, server),
            Anomaly::Misplaced(misplaced) => misplaced_words(*misplaced),
            Anomaly::UnknownCommand(name) => (
                Code::UnknownCommand,
                Severity::Error,
                format!("{server} does not know the command '{}'", Escaped(name)),
                lacks,
            ),
            Anomaly::UnknownSubcommand { command, subcommand } => {
                let (subcommand, command) = (Escaped(subcommand), command.to_uppercase());
                let message = format!("{server} does not know the subcommand '{subcommand}' of {command}");
                (Code::UnknownSubcommand, Severity::Error, message, lacks)
            }
            Anomaly::WrongArity(name) => {
                let message = format!("wrong number of arguments for {}", upper_case(name));
                (Code::WrongArity, Severity::Warning, message, NO_SERVER_WROTE_IT)
            }
            Anomaly::NulInName(name) => {
                let message = format!("the command name '{}' contains a NUL", Escaped(name));
                (Code::NulInName, Severity::Error, message, NO_SERVER_WROTE_IT)
            }
            Anomaly::NoSuchDatabase(text) => (
                Code::NoSuchDatabase,
                Severity::Warning,
                format!(
                    "SELECT of '{}': servers have databases 0 to {} unless configured otherwise",
                    Escaped(text),
                    server.databases() - 1
                ),
                "set 'databases' high enough; otherwise the commands after it apply to the database selected before",
            ),
            Anomaly::ServerCommand(name) => {
                let message = format!("servers do not write {} into a log", upper_case(name));
                (Code::ServerCommand, Severity::Note, message, FIND_OUT)
            }
            Anomaly::Script(name) => (
                Code::RunsScript,
                Severity::Warning,
                format!(
                    "{} runs a script while the log loads: a server crashes if a command fails in it",
                    name.to_uppercase()
                ),
                "make sure that it succeeds; since 7.0, servers log the commands that a script runs, not the script",
            ),
            Anomaly::CutAnnotation => (
                Code::CutAnnotation,
                Severity::Warning,
                "the last line is an annotation without a line end: the next record that is appended becomes part of it"
                    .to_owned(),
                "append a line end before a server writes to this file",
            ),
            Anomaly::Others => (
                Code::ManyOddities,
                // Where they keep a server from loading the log, its verdict says so.
                Severity::Warning,
                "more kinds of odd records than are listed".to_owned(),
                "fix those that are listed, then check again",
            ),
        };
        let advice = advice.to_owned() + &self.removal(code, seen);
        let finding = Finding::new(code, severity, &self.report.path, message, &advice);
        Finding { count: seen.count, ..finding.at(self.bytes, seen.offset, Some(seen.record)) }
    }

    /// The command that takes out a record which servers stumble over, as the end of an advice; nothing for others.
    fn removal(self, code: Code, seen: Seen) -> String {
        let path = &self.report.path;
        let goes = matches!(
            code,
            Code::UnknownCommand | Code::UnknownSubcommand | Code::WrongArity | Code::NulInName | Code::DamagedPayload
        );
        let is_file = !is_stdin(path) && self.report.container == Container::Plain;
        if !goes || !is_file || self.place == PlaceInLog::Replaced {
            return String::new();
        }
        let which = if seen.count > 1 { "the first" } else { "it" };
        format!("; to remove {which}, run: {}", command(&format!("fix --remove {}", seen.offset), path))
    }

    fn rdb(self, rdb: &RdbSummary, findings: &mut Vec<Finding>) {
        let Self { report: PartReport { path, .. }, bytes, server, .. } = self;
        for flaw in &rdb.flaws {
            let is_refused = flaw.servers.contains(server) || flaw.checkers.contains(server);
            let severity = if is_refused { Severity::Error } else { Severity::Warning };
            findings.push(damage::of_rdb_value(path, bytes, severity, &flaw.damage));
        }
        for Unsearched { offset, key, kind, members } in &rdb.unsearched {
            let message = format!("the {kind} {} has {members} members, too many to check for duplicates", quoted(key));
            let advice = "servers refuse a duplicate; an RDB that a server wrote has none";
            let finding = Finding::new(Code::NotSearched, Severity::Note, path, message, advice);
            findings.push(finding.at(bytes, *offset, None));
        }
        if let Some((offset, refused)) = &rdb.refused {
            let (message, advice) = (format!("{server} does not load {refused}"), refused_advice(*refused, rdb));
            let finding = Finding::new(Code::RdbUnsupported, Severity::Error, path, message, &advice);
            findings.push(finding.at(bytes, *offset, None));
        }
        findings.extend(rdb.damage.as_ref().map(|damage| {
            let mut finding = damage::of_rdb(path, bytes, damage);
            if finding.code != Code::RdbUnknown
                && !is_stdin(path)
                && self.report.container == Container::Plain
                && self.place != PlaceInLog::Replaced
            {
                let command = command("fix --salvage", path);
                finding.advice = format!("{}, or keep everything but what is damaged: {command}", finding.advice);
            }
            finding
        }));
    }
}

/// A command, and perhaps its subcommand, as people write it.
fn upper_case(name: &str) -> String {
    name.replace('|', " ").to_uppercase()
}

fn payload_words(
    effect: PayloadEffect,
    key: &[u8],
    fault: &str,
    server: Server,
) -> (Code, Severity, String, &'static str) {
    let key = quoted(key);
    let (consequence, severity, advice) = match effect {
        PayloadEffect::KeyMissing => {
            let message = format!("RESTORE of the key {key} fails on {server}: {fault}; the log loads without the key");
            let advice = "load the log in a server that accepts this payload (--server NAME checks another one), or \
                          restore it from a copy";
            return (Code::RestoreFails, Severity::Error, message, advice);
        }
        PayloadEffect::Overlooked => (
            "does not check for this",
            Severity::Warning,
            "restore the log from a copy: other servers refuse it, and commands on the key may crash this one",
        ),
        PayloadEffect::Exits => ("exits when it loads it", Severity::Error, REMOVE_PAYLOAD),
        PayloadEffect::Crashes => ("crashes when it loads it", Severity::Error, REMOVE_PAYLOAD),
    };
    let message = format!("damaged payload of RESTORE for the key {key}: {fault}; {server} {consequence}");
    (Code::DamagedPayload, severity, message, advice)
}

const REMOVE_PAYLOAD: &str =
    "restore the log from a copy, or remove this record: the server then starts without the key";

fn misplaced_words(misplaced: Misplaced) -> (Code, Severity, String, &'static str) {
    let no_fix = "do not let redis-check-aof --fix cut here: a server loads everything";
    let (code, severity, message, advice) = match misplaced {
        Misplaced::NestedMulti => (
            Code::NestedMulti,
            Severity::Error,
            "MULTI inside a transaction: the official checkers call it invalid, servers load it",
            no_fix,
        ),
        Misplaced::LoneExec => (
            Code::LoneExec,
            Severity::Error,
            "EXEC without MULTI: the official checkers call it invalid, servers load it",
            no_fix,
        ),
        Misplaced::QueuedDiscard => (
            Code::QueuedDiscard,
            Severity::Error,
            "DISCARD inside a transaction: it is queued, and a server that loads it crashes at EXEC",
            "remove the transaction",
        ),
        Misplaced::LoneDiscard => {
            (Code::LoneDiscard, Severity::Warning, "DISCARD without MULTI: servers ignore it", FIND_OUT)
        }
    };
    (code, severity, message.to_owned(), advice)
}

/// What makes a server load the RDB.
fn refused_advice(refused: Refused, rdb: &RdbSummary) -> String {
    let Refused::Database(number) = refused else {
        return "load it in a server that supports it; --server NAME checks another one".to_owned();
    };
    let highest = rdb.databases.last().map_or(number, |last| number.max(u64::from(*last)));
    if highest >= DATABASES_AT_MOST {
        return format!("no server can have that many databases: {RESTORE}");
    }
    format!("the server needs 'databases {}' (or more) in its configuration", highest + 1)
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
        "{server} loses {least}{} if it loads this log after {}{first}: HPERSIST and HGETEX, which removed the \
         expiry, do not find expired fields while a log loads; the first is in the hash {}",
        counted(count, "field"),
        time(last_expiry),
        quoted(&lost.key)
    );
    let advice = format!(
        "let the running server rewrite the log (BGREWRITEAOF); before one starts with it, run: {}",
        command("rewrite --in-place", path)
    );
    let finding = Finding::new(Code::LosesFields, Severity::Warning, &lost.file, message, &advice);
    Finding { offset: Some(lost.offset), record: Some(lost.record), ..finding }
}

/// The last commands of the log at `log` that emptied databases, and how to go back before them.
pub(super) fn flushes<'a>(parts: &'a [PartReport], log: &'a Path) -> impl Iterator<Item = Finding> + 'a {
    let all = || {
        parts.iter().flat_map(|part| part.scan.iter().flat_map(|scan| &scan.flushes).map(move |flush| (part, flush)))
    };
    let skipped = all().count().saturating_sub(FLUSHES);
    all().skip(skipped).map(move |(part, flush)| {
        let Flush { offset, record, transaction, database } = *flush;
        let message = match database {
            Some(database) => format!("FLUSHDB removes all keys of database {database}"),
            None => "FLUSHALL removes all keys".to_owned(),
        };
        // A log cannot end inside a transaction.
        let end = transaction.unwrap_or(offset);
        let name = part.path.file_name().filter(|_| part.role != Role::Single);
        let is_first = end == 0 && parts.first().is_some_and(|first| first.path == part.path);
        let advice = if is_first {
            "nothing is before it in this log".to_owned()
        } else if is_stdin(log) {
            format!("the log has the keys up to byte {end}")
        } else if part.container != Container::Plain {
            let command = rewrite_before(log, name, end, "-o NEW");
            format!("to write the data from before it to a file NEW, run: {command}")
        } else {
            format!(
                "rewrite --at-offset writes a copy of the data from before it; to take the log itself back, run: \
                 aofkit fix --truncate-to-offset {} {}",
                place_word(name, end),
                shell_word(log)
            )
        };
        let finding = Finding::new(Code::Flush, Severity::Note, &part.path, message, &advice);
        Finding { offset: Some(offset), record: Some(record), ..finding }
    })
}

/// The command that writes the data that a log had up to an offset in a part, as a shell reads it; the last part if
/// none is named.
pub fn rewrite_before(log: &Path, part: Option<&OsStr>, offset: u64, options: &str) -> String {
    format!("aofkit rewrite --at-offset {} {options} {}", place_word(part, offset), shell_word(log))
}

/// An offset in a part as options take it, as a shell reads it; in the last part if none is named.
fn place_word(part: Option<&OsStr>, offset: u64) -> String {
    let mut place = part.map_or_else(OsString::new, OsStr::to_owned);
    place.push(if part.is_some() { ":" } else { "" });
    place.push(offset.to_string());
    shell_word(Path::new(&place))
}

/// What the notes of the server's verdict say and no other finding does.
pub(super) fn notes<'a>(
    verdict: &'a server::Verdict,
    parts: &'a [PartReport],
    path: &'a Path,
) -> impl Iterator<Item = Finding> + 'a {
    verdict.notes.iter().filter_map(move |note| {
        let (code, severity, message, advice) = note_words(note.kind, verdict.server, path)?;
        let finding = Finding::new(code, severity, file(parts, note.part, path), message, &advice);
        let (offset, record) = (Some(note.place.offset), Some(note.place.record));
        Some(Finding { offset, record, count: note.count, ..finding })
    })
}

fn file<'a>(parts: &'a [PartReport], part: usize, path: &'a Path) -> &'a Path {
    parts.get(part).map_or(path, |part| part.path.as_path())
}

/// The checker's verdict, where the log is not valid to it and no other finding says why.
pub(super) fn checker_refuses(verdict: &CheckerVerdict, parts: &[PartReport], path: &Path) -> Finding {
    let tool = verdict.tool();
    let part = verdict.part.and_then(|part| parts.get(part));
    let message = match &verdict.reason {
        Some(CheckerReason::ManifestTakenForLog(_)) => {
            format!("{tool} does not recognise the manifest; with --fix it would empty it")
        }
        _ if part.is_some_and(|part| part.role == Role::Incr && part.rdb.is_some()) => format!(
            "an RDB in an incr: {tool} reads it as RESP; servers load it, but crash on a key that already exists"
        ),
        _ => format!("{tool} calls it invalid"),
    };
    let advice = "do not let it 'fix' the log: a server loads everything";
    let file = part.map_or(path, |part| part.path.as_path());
    let finding = Finding::new(Code::CheckerRefuses, Severity::Error, file, message, advice);
    Finding { offset: verdict.ok_up_to(), ..finding }
}

/// The server's verdict, where it does not load all of the log and no other finding says why.
pub(super) fn server_refuses(verdict: &server::Verdict, parts: &[PartReport], path: &Path) -> Finding {
    let (part, place) = match &verdict.outcome {
        Outcome::Refuses { part, place, .. } => (*part, *place),
        Outcome::LoadsAndCuts { part, cut } => (*part, Some(cut.place)),
        Outcome::Crashes { part, place, .. } | Outcome::Stops { part, place, .. } => (*part, Some(*place)),
        Outcome::Loads | Outcome::Ignores => (0, None),
    };
    let message = format!("{} does not load all of it", verdict.server);
    let advice = "see the server's verdict";
    let finding = Finding::new(Code::ServerRefuses, Severity::Error, file(parts, part, path), message, advice);
    Finding { offset: place.map(|place| place.offset), record: place.map(|place| place.record), ..finding }
}

/// What a note means to a person; `None` where the scan reports it.
fn note_words(kind: NoteKind, server: Server, path: &Path) -> Option<(Code, Severity, String, Cow<'static, str>)> {
    Some(match kind {
        NoteKind::LeavesTransactionOpen => (
            Code::LeavesTransactionOpen,
            Severity::Error,
            format!(
                "{server} truncates inside this transaction and leaves it open: everything appended afterwards is \
                 lost at the next restart"
            ),
            format!("before the server starts, remove the unfinished transaction as a whole: {}", fix_command(path))
                .into(),
        ),
        NoteKind::CutsPreamble => (
            Code::CutsPreamble,
            Severity::Error,
            format!("{server} truncates the file to nothing, RDB preamble included: all its data is lost"),
            format!("before the server starts, run: {}", fix_command(path)).into(),
        ),
        NoteKind::CutsEarlierPart => (
            Code::CutsEarlierPart,
            Severity::Error,
            format!(
                "{server} truncates this part, which is not the last, and refuses to start; the next start misses its \
                 end silently"
            ),
            "do not start a server on it before there is a copy of the file".into(),
        ),
        NoteKind::ChangesServer => (
            Code::ChangesServer,
            Severity::Warning,
            "a command that changes the server itself (its role, its settings, its users) while it loads".to_owned(),
            "remove the record unless that is wanted".into(),
        ),
        NoteKind::CrashesOnceReady => (
            Code::CrashesOnceReady,
            Severity::Error,
            format!("{server} starts, then crashes a moment later"),
            NO_SERVER_WROTE_IT.into(),
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
