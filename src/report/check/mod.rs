//! The reports of a check: text for people, JSON for programs, GitHub annotations and JUnit XML for CI.

mod github;
mod json;
mod junit;
mod text;

pub use github::{write_github, write_github_error};
pub use json::write_json;
pub use junit::write_junit;
pub(crate) use text::write_excerpt;
pub use text::write_text;

use std::fmt;

use crate::check::server::{Crash, Outcome, Reason, ShortRead, Stop, Verdict};
use crate::check::{CheckerReason, CheckerVerdict, Finding, PartReport, Report};
use crate::escape::Argument;
use crate::report::number::{counted, grouped};

/// What the official checker says, as one clause.
pub(crate) fn checker_words(verdict: &CheckerVerdict, parts: &[PartReport]) -> String {
    let Some(reason) = &verdict.reason else { return "valid".to_owned() };
    let place = match verdict.part {
        Some(part) if parts.len() > 1 => format!(" in {}", name(parts, part)),
        _ => String::new(),
    };
    match reason {
        CheckerReason::Records(records) => {
            let up_to = format!("not valid{place}: ok up to byte {} of {}", records.ok_up_to, records.size);
            if records.crash.is_some() { format!("{up_to}; the real tool crashes on the length there") } else { up_to }
        }
        CheckerReason::Rdb => format!("not valid{place}: the RDB is rejected"),
        CheckerReason::Missing => format!("stops{place}: a file is missing"),
        CheckerReason::Manifest(message) => format!("rejects the manifest: {message}"),
        CheckerReason::TakenForManifest => "reads the file as a manifest, and rejects it".to_owned(),
        CheckerReason::ManifestTakenForLog(_) => "reads the manifest as a log; --fix would empty it".to_owned(),
    }
}

/// What the server does at start, as one clause.
pub(crate) fn server_words(verdict: &Verdict, parts: &[PartReport]) -> String {
    let place = |part: usize| if parts.len() > 1 { format!(" in {}", name(parts, part)) } else { String::new() };
    match &verdict.outcome {
        Outcome::Loads => "loads".to_owned(),
        Outcome::Ignores => "starts empty: it does not read manifests".to_owned(),
        Outcome::LoadsAndCuts { part, cut } => {
            let size = parts.get(*part).map_or(0, |part| part.size);
            let open = if cut.leaves_open.is_some() { ", and leaves a transaction open" } else { "" };
            format!(
                "loads, and cuts {}{} at byte {}{open} (with aof-load-truncated no it refuses)",
                counted(size.saturating_sub(cut.at), "byte"),
                place(*part),
                cut.at
            )
        }
        Outcome::Refuses { reason: Reason::Manifest(message), .. } => {
            format!("refuses to start: the manifest is invalid: {message}")
        }
        Outcome::Refuses { part, place: record, reason } => {
            let record = record
                .map_or_else(String::new, |record| format!(", record {} at byte {}", record.record, record.offset));
            format!("refuses to start{}: {}{record}", place(*part), reason_words(reason))
        }
        Outcome::Crashes { part, place: record, cause } => format!(
            "crashes{}, record {} at byte {}: {}",
            place(*part),
            record.record,
            record.offset,
            crash_words(*cause)
        ),
        Outcome::Stops { part, place: record, stop } => {
            let how = match stop {
                Stop::ShutsDown => "shuts down at a command of the log",
                Stop::RestartsForEver => "restarts forever",
            };
            format!("{how}{}, record {} at byte {}", place(*part), record.record, record.offset)
        }
    }
}

fn name(parts: &[PartReport], part: usize) -> String {
    use std::os::unix::ffi::OsStrExt;
    parts.get(part).map_or_else(String::new, |part| Argument(part.name.as_bytes()).to_string())
}

fn reason_words(reason: &Reason) -> String {
    match reason {
        Reason::UnknownCommand(words) => format!("unknown command {}", Argument(words.text(0))),
        Reason::UnknownSubcommand(words) => {
            format!("unknown subcommand {} of {}", Argument(words.text(1)), Argument(words.text(0)))
        }
        Reason::WrongArity { command } => format!("wrong number of arguments for {command}"),
        Reason::BadFormat { at } => format!("bad file format at byte {at}"),
        Reason::UnreadableLine => "unrecoverable error reading the file".to_owned(),
        Reason::UnexpectedEnd(ShortRead::Record) => "unexpected end of file".to_owned(),
        Reason::UnexpectedEnd(ShortRead::Transaction) => "unfinished transaction at the end of the file".to_owned(),
        Reason::CutBeforeTheLast(_) => "a part that is not the last ends too early".to_owned(),
        Reason::DamagedPayload(fault) => format!("damaged payload of RESTORE: {fault}"),
        Reason::RdbDamage { offset } => format!("damaged RDB at byte {offset}"),
        Reason::RdbUnsupported { version: Some(version) } => format!("unsupported RDB version {version}"),
        Reason::RdbUnsupported { version: None } => {
            "an RDB with an unknown type or module, or a database out of range".to_owned()
        }
        Reason::MissingPart => "missing file".to_owned(),
        Reason::Manifest(message) => format!("manifest: {message}"),
    }
}

fn crash_words(cause: Crash) -> String {
    match cause {
        Crash::Length(length) => format!("an invalid length of {length}"),
        Crash::TooFewArguments => "a command with too few arguments".to_owned(),
        Crash::ContainerAlone => "a container command without its subcommand".to_owned(),
        Crash::EndsTransaction => "a command that ends the transaction it is queued in".to_owned(),
        Crash::Blocks => "a command that blocks".to_owned(),
        Crash::LoadsAgain => "a command that loads a log".to_owned(),
        Crash::DamagedPayload => "a RESTORE with a damaged payload".to_owned(),
        Crash::Asked => "a command that is meant to crash it".to_owned(),
        Crash::NeedsConnection => "a command that needs a client's connection".to_owned(),
    }
}

/// How many logs of a run are sound; displayed as its last line: `28 logs: 26 sound, 2 not`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Sound logs.
    pub sound: u64,
    /// Logs with an error.
    pub unsound: u64,
    /// Logs and directories that could not be read.
    pub unread: u64,
}

impl Counts {
    /// All of them.
    pub const fn logs(self) -> u64 {
        self.sound + self.unsound + self.unread
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sound, unsound, unread } = *self;
        write!(f, "{}: {} sound, {} not", counted(sound + unsound, "log"), grouped(sound), grouped(unsound))?;
        if unread > 0 {
            write!(f, "; {} could not be read", grouped(unread))?;
        }
        Ok(())
    }
}

/// The place of a finding, as one clause: `byte 4711, record 12`.
pub(crate) fn place_words(finding: &Finding) -> Option<String> {
    let offset = finding.offset?;
    Some(match finding.record {
        Some(record) => format!("byte {offset}, record {record}"),
        None => format!("byte {offset}"),
    })
}

/// The last lines of the server's log that go with its verdict, for JSON and the curious.
pub(crate) fn server_log(report: &Report) -> Vec<String> {
    let part = match &report.server.outcome {
        Outcome::LoadsAndCuts { part, .. } | Outcome::Refuses { part, .. } => *part,
        _ => return Vec::new(),
    };
    let file = report.parts.get(part).and_then(|part| part.path.file_name()).unwrap_or_default().to_string_lossy();
    let lines = report.server.log_lines(&file);
    lines.iter().map(|line| String::from_utf8_lossy(line).into_owned()).collect()
}
