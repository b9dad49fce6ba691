//! One part: read once, then judged by everyone.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::server::{self, PartEnd, PartFacts, PartOutcome};
use super::{Examination, RdbSummary, describe};
use crate::aof::listing::{Place, listing};
use crate::aof::log::{Part, Role};
use crate::check::scan::{self, Scan};
use crate::error::Result;
use crate::input::{Change, Container, Input};
use crate::rdb::{self, Consumer};
use crate::server::Server;

/// What a part is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// No byte.
    Empty,
    /// RESP alone.
    Resp,
    /// An RDB alone.
    Rdb,
    /// An RDB preamble and RESP behind it.
    RdbAndResp,
    /// The file is not there.
    Missing,
}

impl Format {
    /// The word for it, as in every report.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Resp => "RESP",
            Self::Rdb => "RDB",
            Self::RdbAndResp => "RDB+RESP",
            Self::Missing => "missing",
        }
    }
}

/// Whether another part comes behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PlaceInLog {
    /// A server appends to it, and cuts it if it must.
    Last,
    /// Nothing may be missing at its end.
    Earlier,
    /// The same, and it was given by itself.
    EarlierAlone,
    /// A rewrite replaced it, and it was given by itself.
    Replaced,
}

impl PlaceInLog {
    /// That of a file that was given by itself.
    pub(super) fn alone(path: &Path) -> Self {
        // Servers name parts so; a manifest is not looked for beside every file of a large directory.
        let named_as_part = [".base.rdb", ".base.aof", ".incr.aof"].map(str::as_bytes);
        if !named_as_part.iter().any(|end| path.as_os_str().as_bytes().ends_with(end)) {
            return Self::Last;
        }
        match listing(path).ok().flatten().map(|listing| listing.place) {
            None | Some(Place::Last) => Self::Last,
            Some(Place::Before(_)) => Self::EarlierAlone,
            Some(Place::History) => Self::Replaced,
        }
    }
}

/// What was found out about one part.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct PartReport {
    /// The name in the manifest, or the path as it was given.
    pub name: OsString,
    /// Where the file is.
    pub path: PathBuf,
    /// What it is to the log.
    pub role: Role,
    /// Its sequence number in the manifest.
    pub sequence: Option<i64>,
    /// What it was wrapped in.
    pub container: Container,
    /// What it is made of.
    pub format: Format,
    /// Its size in bytes, decompressed.
    pub size: u64,
    /// The RDB that it begins with.
    pub rdb: Option<RdbSummary>,
    /// The records behind the RDB, or all of them; `None` when an RDB is damaged, so that it is not known where they
    /// begin.
    pub scan: Option<Scan>,
}

impl PartReport {
    /// The end of the last whole record outside an open transaction, or of the RDB; 0 for a damaged RDB.
    pub fn valid_up_to(&self) -> u64 {
        self.scan.as_ref().map_or(0, Scan::valid_up_to)
    }

    /// Whether it is valid up to its end.
    pub fn is_valid_whole(&self) -> bool {
        self.format == Format::Missing || self.valid_up_to() == self.size
    }

    /// Whether it holds neither a record nor a key.
    pub fn is_empty(&self) -> bool {
        self.size == 0
            || (self.records() == 0 && self.rdb.as_ref().is_none_or(|rdb| rdb.keys == 0 && rdb.damage.is_none()))
    }

    /// How many commands and annotations were read.
    pub fn records(&self) -> u64 {
        self.scan.as_ref().map_or(0, |scan| scan.records)
    }
}

impl Examination<'_> {
    /// Reads a part, and adds what is found to the examination.
    pub(super) fn part(&mut self, part: &Part, place: PlaceInLog) -> Result<()> {
        let mut report = PartReport {
            name: part.name.clone(),
            path: part.path.clone(),
            role: part.role,
            sequence: part.sequence,
            container: Container::Plain,
            format: Format::Missing,
            size: 0,
            rdb: None,
            scan: None,
        };
        if let Some(error) = part.missing() {
            self.findings.push(describe::missing(part, &error));
            self.facts.push(PartFacts::Missing);
            self.checker.missing();
            self.reports.push(report);
            return Ok(());
        }
        let input = part.open()?;
        let bytes = input.bytes();
        report.container = input.container();
        report.size = bytes.len() as u64;
        self.read(bytes, &input, &mut report);
        self.findings.extend(input.defect().map(|defect| describe::compression(&report, defect)));
        let change = input.changed()?;
        self.findings.extend(change.map(|change: Change| describe::changed(&report, change)));
        let facts = server_facts(bytes, &report, self.server);
        describe::part(&mut self.findings, &report, bytes, self.server, place);
        self.facts.push(facts);
        self.checker.part(bytes, &report);
        self.reports.push(report);
        Ok(())
    }

    /// Walks the RDB, and scans the records.
    fn read(&self, bytes: &[u8], input: &Input, report: &mut PartReport) {
        if rdb::is_rdb(bytes) {
            input.advise_sequential();
            report.rdb = Some(RdbSummary::walk(bytes, self.server, &|step| (self.settings.progress)(step)));
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
        (_, None) if report.rdb.is_some() => Some(server::load_resp(bytes, server::Resume::behind_preamble(0), server)),
        (Some(scan), _) => Some(resp_outcome(bytes, scan, server)),
        (None, _) => None,
    };
    PartFacts::Read { rdb, resp }
}

/// What a server makes of the records; asks the model only for what the scan leaves open.
fn resp_outcome(bytes: &[u8], scan: &Scan, server: Server) -> PartOutcome {
    let mut resume = server::Resume::behind_preamble(scan.start);
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
