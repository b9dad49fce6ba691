//! One check: every part is read once, and judged by the checker and the server.

use std::num::NonZeroUsize;
use std::path::Path;

use super::checker::Checker;
use super::describe::{PartFindings, ReadPast};
use super::finding::{Finding, Severity};
use super::part::{Format, PartReport, PlaceInLog};
use super::rdb::RdbSummary;
use super::report::Report;
use super::scan::{self, Scan};
use super::server::{self, PartEnd, PartFacts, PartOutcome};
use super::{damage, describe, directory, lost_fields};
use crate::aof::log::{Log, Part};
use crate::aof::manifest;
use crate::aof::producer::{ChosenServer, Clues, ServerChoice};
use crate::error::Result;
use crate::input::{Change, Container, Input};
use crate::progress::Progress;
use crate::rdb::{self, Consumer};
use crate::server::{Server, ServerSet};
use crate::storage::directory_of;

/// Settings of a check; only the server changes what it finds.
#[derive(Clone, Copy)]
pub struct Settings<'p> {
    /// The server whose start, and whose checker, the verdicts are about.
    pub server: ServerChoice,
    /// The number of threads that read.
    pub threads: NonZeroUsize,
    /// The approximate number of bytes that a thread takes at a time.
    pub window: NonZeroUsize,
    /// How many bytes were read.
    pub progress: &'p Progress,
}

impl std::fmt::Debug for Settings<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Settings").field("server", &self.server).field("threads", &self.threads).finish_non_exhaustive()
    }
}

impl Default for Settings<'_> {
    fn default() -> Self {
        Self {
            server: ServerChoice::Auto,
            threads: NonZeroUsize::MIN,
            window: scan::WINDOW,
            progress: Progress::UNWATCHED,
        }
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
    let layout = log.as_multi_part();
    // Redis 6.2 is taken for a server that knows manifests: a flaw is worth knowing.
    let problems = layout.map_or_else(Vec::new, |log| manifest::parse_as(log.input.bytes(), server).problems);
    let mut examination = Examination {
        log: log.missing_manifest.as_deref().map_or(&log.path, directory_of),
        settings,
        server,
        parts: Vec::new(),
        findings: Vec::new(),
        facts: Vec::new(),
        checker: Checker::new(server),
    };
    if let Some(multi_part) = layout {
        let bytes = multi_part.input.bytes();
        examination.checker.manifest(bytes);
        let of_problem = |problem| damage::of_manifest(&multi_part.manifest_path, bytes, problem);
        examination.findings.extend(problems.iter().map(of_problem));
    }
    for (index, part) in log.parts.iter().enumerate() {
        let place = match layout {
            None if log.missing_manifest.is_some() => PlaceInLog::Earlier,
            None => PlaceInLog::alone(&part.path),
            Some(_) if index + 1 == log.parts.len() => PlaceInLog::Last,
            Some(_) => PlaceInLog::Earlier,
        };
        examination.part(part, place)?;
    }
    let Examination { parts, mut findings, facts, checker, .. } = examination;
    let checker = checker.finish();
    let verdict = match (layout, problems.first()) {
        (None, _) => server::load(server::Layout::SingleFile, &facts, server),
        (Some(_), Some(problem)) if server.loads_manifests() => server::Verdict::of_manifest(problem.flaw, server),
        (Some(_), _) => server::load(server::Layout::Manifest, &facts, server),
    };
    findings.extend(log.missing_manifest.iter().map(|manifest| directory::no_manifest(&log.path, manifest)));
    match layout {
        None if parts.iter().all(PartReport::is_empty) && findings.is_empty() => {
            findings.push(describe::empty_log(&log.path));
        }
        None => {}
        Some(multi_part) => findings.extend(directory::unlisted(multi_part, &log.path)?),
    }
    findings.extend(describe::flushes(&parts, &log.path));
    findings.extend(describe::notes(&verdict, &parts, &log.path));
    if findings.iter().all(|finding| finding.severity < Severity::Error) {
        let refusals = [
            (!checker.valid).then(|| describe::checker_refuses(&checker, &parts, &log.path)),
            (!verdict.loads_all()).then(|| describe::server_refuses(&verdict, &parts, &log.path)),
        ];
        findings.extend(refusals.into_iter().flatten());
    }
    if server.expires_fields_on_load() && verdict.outcome.starts() {
        let lost = lost_fields::find(log, &parts, server)?;
        findings.extend(lost.map(|lost| describe::lost_fields(&lost, server, &log.path)));
    }
    let scans = parts.iter().filter_map(|part| part.scan.as_ref());
    let servers = scans.fold(ServerSet::ALL, |servers, scan| servers.and(scan.servers));
    let manifest = layout.map(|multi_part| multi_part.manifest_path.clone());
    let report = Report { path: log.path.clone(), manifest, parts, findings, checker, server: verdict, chosen };
    Ok((report, servers))
}

/// A check under way.
struct Examination<'p> {
    /// The path that commands on the log are to name.
    log: &'p Path,
    settings: Settings<'p>,
    server: Server,
    parts: Vec<PartReport>,
    findings: Vec<Finding>,
    facts: Vec<PartFacts>,
    checker: Checker,
}

impl Examination<'_> {
    /// Reads a part, and adds what is found.
    fn part(&mut self, part: &Part, place: PlaceInLog) -> Result<()> {
        let mut report = PartReport {
            name: part.name.clone(),
            path: part.path.clone(),
            role: part.role,
            sequence: part.sequence,
            container: Container::Plain,
            format: Format::Missing,
            size: 0,
            was_read_whole: true,
            rdb: None,
            scan: None,
        };
        if let Some(error) = part.missing() {
            self.findings.push(directory::missing(part, &error, self.log));
            self.facts.push(PartFacts::Missing);
            self.checker.missing();
            self.parts.push(report);
            return Ok(());
        }
        let input = part.open()?;
        let bytes = input.bytes();
        report.container = input.container();
        report.size = bytes.len() as u64;
        self.read(bytes, &input, &mut report);
        let change = input.changed()?;
        report.was_read_whole = input.defect().is_none() && !matches!(change, Some(Change::Shrank { .. }));
        self.findings.extend(input.defect().map(|defect| damage::of_defect(&part.path, defect)));
        self.findings.extend(change.map(|change| damage::of_change(&part.path, change)));
        let facts = server_facts(bytes, &report, self.server);
        if part.awaits_move {
            self.findings.push(directory::interrupted_upgrade(&part.path));
            // It looks in the directory alone.
            self.checker.missing();
        } else {
            self.checker.part(bytes, &report);
        }
        let read_past = match (facts.are_loaded_whole(), self.checker.has_stopped()) {
            (false, _) => ReadPast::Nobody,
            (true, true) => ReadPast::Server,
            (true, false) => ReadPast::ServerAndChecker,
        };
        let described = PartFindings { log: self.log, report: &report, bytes, server: self.server, place, read_past };
        self.findings.extend(described.all());
        self.facts.push(facts);
        self.parts.push(report);
        Ok(())
    }

    /// Walks the RDB, and scans the records.
    fn read(&self, bytes: &[u8], input: &Input, report: &mut PartReport) {
        if rdb::is_rdb(bytes) {
            input.advise_sequential();
            report.rdb = Some(RdbSummary::walk(bytes, self.server, self.settings.progress));
        }
        let start = match &report.rdb {
            None => Some(0),
            Some(rdb) => rdb.end.and_then(|end| usize::try_from(end).ok()),
        };
        report.scan = start.map(|start| {
            let copy = |offset: usize, buffer: &mut [u8]| input.copy(offset, buffer);
            let options = scan::Options {
                threads: self.settings.threads,
                window: self.settings.window,
                progress: self.settings.progress,
                copy: input.is_mapped().then_some(&copy),
            };
            scan::scan(bytes, start, self.server, options)
        });
        report.format = match (&report.rdb, &report.scan) {
            _ if bytes.is_empty() => Format::Empty,
            (None, _) => Format::Resp,
            (Some(_), Some(scan)) if scan.start < report.size => Format::RdbAndResp,
            (Some(_), _) => Format::Rdb,
        };
    }
}

/// What the model of the server needs to know of the part.
fn server_facts(bytes: &[u8], report: &PartReport, server: Server) -> PartFacts {
    if bytes.is_empty() {
        return PartFacts::Empty;
    }
    let rdb =
        report.rdb.as_ref().filter(|_| rdb::taken_for_rdb(Consumer::Loader(server), bytes)).map(|rdb| rdb.outcome);
    let resp = match (&report.scan, rdb) {
        // It begins with an RDB that this server takes for RESP.
        (_, None) if report.rdb.is_some() => Some(server::load_resp(bytes, server::Resume::after_preamble(0), server)),
        (Some(scan), _) => Some(resp_outcome(bytes, scan, server)),
        (None, _) => None,
    };
    PartFacts::Read { rdb, resp }
}

/// What a server makes of the records; the model reads only what the scan leaves open.
fn resp_outcome(bytes: &[u8], scan: &Scan, server: Server) -> PartOutcome {
    let mut resume = server::Resume::after_preamble(scan.start);
    let from_the_end = scan.anomalies.is_empty() && (server.skips_annotations() || scan.annotations == 0);
    if from_the_end {
        if scan.damage.is_none() && scan.open().is_none() {
            return PartOutcome { end: PartEnd::Whole, records: scan.records, notes: Vec::new() };
        }
        resume = server::Resume {
            position: scan.end,
            records: scan.records,
            preamble_end: scan.start,
            last_command_end: scan.last_command_end,
            open: scan.open().map(|opening| server::OpenTransaction {
                multi: server::Place { offset: opening.offset, record: opening.record },
                command_end_before: opening.command_end_before,
            }),
        };
    }
    server::load_resp(bytes, resume, server)
}
