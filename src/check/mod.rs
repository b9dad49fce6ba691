//! What is wrong with a log, and what the official checkers and the servers make of it.
//!
//! A log is read once, in parallel. Where nothing odd is found, both verdicts follow. Where something is, the models of
//! the checkers ([`official`]) and of the servers ([`server`]) go on from there, each as lax and as strict as the real
//! one.

mod checker;
mod describe;
mod finding;
mod lost_fields;
pub mod official;
mod part;
mod rdb;
pub mod scan;
pub mod server;

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

pub use checker::{CheckerReason, CheckerVerdict};
pub(crate) use describe::{fix_command, rdb_words};
pub use finding::{Code, Excerpt, Finding, Severity};
pub use part::{Format, PartReport};
pub use rdb::{RdbSummary, Refused, Unsearched};

use crate::aof::log::{Layout, Log};
use crate::aof::manifest::{self, Manifest};
use crate::aof::producer::{ChosenServer, Clues, ServerChoice};
use crate::error::Result;
use crate::input::Input;
use crate::server::{Server, ServerSet};
use part::PlaceInLog;

/// What a check needs to know; only the server changes what it finds.
#[derive(Clone, Copy)]
pub struct Settings<'p> {
    /// Whose start, and whose checker, the verdicts are about.
    pub server: ServerChoice,
    /// How many threads read.
    pub threads: NonZeroUsize,
    /// How many bytes a thread takes at a time, about.
    pub window: NonZeroUsize,
    /// Told from time to time how many more bytes were read.
    pub progress: &'p (dyn Fn(u64) + Sync),
}

impl std::fmt::Debug for Settings<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Settings").field("server", &self.server).field("threads", &self.threads).finish_non_exhaustive()
    }
}

impl Default for Settings<'_> {
    fn default() -> Self {
        Self { server: ServerChoice::Auto, threads: NonZeroUsize::MIN, window: scan::WINDOW, progress: &|_| {} }
    }
}

/// Everything that a check found out about one log.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Report {
    /// The path that was asked about.
    pub path: PathBuf,
    /// The manifest, if the log has one.
    pub manifest: Option<PathBuf>,
    /// The parts in the order in which they are loaded: the base, then every incr.
    pub parts: Vec<PartReport>,
    /// What is wrong or worth knowing, part by part and by offset.
    pub findings: Vec<Finding>,
    /// What the official checker says.
    pub checker: CheckerVerdict,
    /// What the server does at start.
    pub server: server::Verdict,
    /// The server that both verdicts are about, and why it is that one.
    pub chosen: ChosenServer,
}

impl Report {
    /// Whether nothing is wrong: the checker calls the log valid, and the server loads all of it.
    pub fn is_sound(&self) -> bool {
        self.findings.iter().all(|finding| finding.severity < Severity::Error)
    }

    /// The gravest finding's severity.
    pub fn severity(&self) -> Option<Severity> {
        self.findings.iter().map(|finding| finding.severity).max()
    }
}

/// Checks a log.
///
/// ```
/// # fn main() -> aofkit::Result<()> {
/// # let directory = tempfile::tempdir().unwrap();
/// # let path = directory.path().join("appendonly.aof");
/// # std::fs::write(&path, b"*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nPI").unwrap();
/// let log = aofkit::aof::log::Log::open(&path)?;
/// let report = aofkit::check::check(&log, aofkit::check::Settings::default())?;
/// assert!(!report.is_sound());
/// assert_eq!(report.parts[0].valid_up_to(), 14);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// When a part that is there cannot be read. A part that is missing, or damage of any kind, is a finding.
pub fn check(log: &Log, settings: Settings<'_>) -> Result<Report> {
    // What cannot be read is reported where it is needed.
    let first = log.parts.first().and_then(|part| part.open().ok());
    let clues = Clues::before_reading(log.parts.len(), first.as_ref().map_or(&[], Input::bytes));
    settings.server.read(clues, |chosen| examine(log, chosen, settings)).map(|(report, _)| report)
}

/// Checks a log for one server; returns the servers that know its commands, too.
fn examine(log: &Log, chosen: ChosenServer, settings: Settings<'_>) -> Result<(Report, ServerSet)> {
    let server = chosen.server();
    let mut examination = Examination {
        settings,
        server,
        reports: Vec::new(),
        findings: Vec::new(),
        facts: Vec::new(),
        checker: checker::Checker::new(server),
    };
    let layout = log.as_multi_part();
    if let Some(multi_part) = layout {
        examination.manifest(&multi_part.manifest, &multi_part.manifest_path, multi_part.input.bytes());
    }
    for (index, part) in log.parts.iter().enumerate() {
        let place = match layout {
            None => PlaceInLog::alone(&part.path),
            Some(_) if index + 1 == log.parts.len() => PlaceInLog::Last,
            Some(_) => PlaceInLog::Earlier,
        };
        examination.part(part, place)?;
    }
    let verdict = examination.server_verdict(log);
    let checker = examination.checker.finish();
    let mut findings = examination.findings;
    if examination.reports.iter().all(PartReport::is_empty) && findings.is_empty() && layout.is_none() {
        findings.push(describe::empty_log(&log.path));
    }
    if let Some(multi_part) = layout {
        findings.extend(multi_part.unlisted()?.iter().filter_map(|file| describe::unlisted(file, multi_part)));
    }
    describe::verdicts(&mut findings, &checker, &verdict, &examination.reports, &log.path);
    if server.expires_fields_on_load() && verdict.outcome.starts() {
        findings.extend(
            lost_fields::find(log, &examination.reports, server)?
                .map(|lost| describe::lost_fields(&lost, server, &log.path)),
        );
    }
    let scans = examination.reports.iter().filter_map(|part| part.scan.as_ref());
    let servers = scans.fold(ServerSet::ALL, |servers, scan| servers.and(scan.servers));
    let report = Report {
        path: log.path.clone(),
        manifest: layout.map(|multi_part| multi_part.manifest_path.clone()),
        parts: examination.reports,
        findings,
        checker,
        server: verdict,
        chosen,
    };
    Ok((report, servers))
}

/// A check under way.
struct Examination<'p> {
    settings: Settings<'p>,
    server: Server,
    reports: Vec<PartReport>,
    findings: Vec<Finding>,
    facts: Vec<server::PartFacts>,
    checker: checker::Checker,
}

impl Examination<'_> {
    fn manifest(&mut self, manifest: &Manifest, path: &Path, bytes: &[u8]) {
        self.checker.manifest(bytes);
        self.findings.extend(manifest.problems.iter().map(|problem| describe::manifest(problem, path, bytes)));
    }

    fn server_verdict(&self, log: &Log) -> server::Verdict {
        let server = self.server;
        if let Layout::MultiPart(multi_part) = &log.layout
            && server.loads_manifests()
            && let Some(problem) = manifest::problem_for(multi_part.input.bytes(), server)
        {
            let reason = server::Reason::Manifest(problem.flaw.server_message().to_owned());
            let outcome = server::Outcome::Refuses { part: 0, place: None, reason };
            return server::Verdict { server, outcome, notes: Vec::new() };
        }
        let layout = match log.layout {
            Layout::Single => server::Layout::SingleFile,
            Layout::MultiPart(_) => server::Layout::Manifest,
        };
        server::load(layout, &self.facts, server)
    }
}
