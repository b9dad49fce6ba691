//! What the official checker says about a whole log.

use super::official::{self, FileKind, Resume, Verdict};
use super::part::PartReport;
use crate::aof::log::Role;
use crate::aof::manifest;
use crate::rdb::{self, Family};
use crate::server::Server;

/// What the official checker of a server says about a log.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckerVerdict {
    /// Whose checker it is.
    pub server: Server,
    /// Whether it calls the log valid and exits with 0.
    pub valid: bool,
    /// The index of the part that it stops at.
    pub part: Option<usize>,
    /// Why it does not call the log valid.
    pub reason: Option<CheckerReason>,
}

/// Why a checker does not call a log valid.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum CheckerReason {
    /// The records of the part.
    Records(Verdict),
    /// The RDB that the part begins with is not sane to it.
    Rdb,
    /// The part is not there.
    Missing,
    /// The manifest breaks a rule; what it says then.
    Manifest(&'static str),
    /// It takes the file for a manifest, and finds none in it.
    TakenForManifest,
    /// It does not recognise the manifest, and reads it as a log. With `--fix` it empties the manifest.
    ManifestTakenForLog(Verdict),
}

impl CheckerVerdict {
    /// The tool and the line of releases it is of.
    pub const fn tool(&self) -> &'static str {
        self.server.checker()
    }

    /// How far it calls the part good, in bytes, where it says so.
    pub const fn ok_up_to(&self) -> Option<u64> {
        match &self.reason {
            Some(CheckerReason::Records(verdict) | CheckerReason::ManifestTakenForLog(verdict)) => {
                Some(verdict.ok_up_to)
            }
            _ => None,
        }
    }
}

/// The checker at work: it goes through the parts in order, and stops at the first that is not valid.
#[derive(Debug)]
pub(super) struct Checker {
    server: Server,
    /// Its counter of lines, which runs on from part to part.
    lines: u64,
    parts: usize,
    stopped: Option<(Option<usize>, CheckerReason)>,
}

impl Checker {
    pub(super) fn new(server: Server) -> Self {
        Self { server, lines: 1, parts: 0, stopped: None }
    }

    /// Whether it has found something that is not valid.
    pub(super) fn has_stopped(&self) -> bool {
        self.stopped.is_some()
    }

    pub(super) fn finish(self) -> CheckerVerdict {
        let (part, reason) = match self.stopped {
            None => (None, None),
            Some((part, reason)) => (part, Some(reason)),
        };
        CheckerVerdict { server: self.server, valid: reason.is_none(), part, reason }
    }

    fn stop(&mut self, part: Option<usize>, reason: CheckerReason) {
        self.stopped.get_or_insert((part, reason));
    }

    pub(super) fn manifest(&mut self, bytes: &[u8]) {
        if !self.server.loads_manifests() || official::file_kind(bytes, self.server) != FileKind::Manifest {
            let verdict = official::check_resp(bytes, Resume::default(), self.server);
            if !verdict.valid() {
                self.stop(None, CheckerReason::ManifestTakenForLog(verdict));
            }
        } else if let Some(problem) = manifest::problem_for(bytes, self.server) {
            self.stop(None, CheckerReason::Manifest(problem.flaw.server_message()));
        }
    }

    pub(super) fn missing(&mut self) {
        self.stop(Some(self.parts), CheckerReason::Missing);
        self.parts += 1;
    }

    pub(super) fn part(&mut self, bytes: &[u8], report: &PartReport) {
        let index = self.parts;
        self.parts += 1;
        if self.stopped.is_some() || (bytes.is_empty() && self.server.loads_manifests()) {
            return;
        }
        let kind = official::file_kind(bytes, self.server);
        if report.role == Role::Single && kind == FileKind::Manifest {
            return self.stop(Some(index), CheckerReason::TakenForManifest);
        }
        // The tools look for an RDB in a base and in a single file, not in an incr. Valkey's 9 do not know their own
        // magic: that verdict is given as it should be, not as it is.
        let looks_for_rdb = report.role != Role::Incr;
        let writes_valkey = self.server.rdb_family() == Family::Valkey;
        let knows_magic = kind == FileKind::Rdb || (writes_valkey && rdb::family_of(bytes) == Some(Family::Valkey));
        let verdict = match &report.rdb {
            Some(rdb) if looks_for_rdb && knows_magic => {
                if !rdb.sane_to_checker {
                    return self.stop(Some(index), CheckerReason::Rdb);
                }
                self.records(bytes, report, rdb.end)
            }
            Some(_) => official::check_resp(bytes, Resume::at(0, self.lines), self.server),
            None => self.records(bytes, report, Some(0)),
        };
        self.lines = verdict.ok_up_to_line;
        if !verdict.valid() {
            self.stop(Some(index), CheckerReason::Records(verdict));
        }
    }

    /// The verdict on the records; the model reads only what the scan leaves open.
    fn records(&self, bytes: &[u8], report: &PartReport, start: Option<u64>) -> Verdict {
        let start = Resume::at(index(start.unwrap_or(0)), self.lines);
        let Some(scan) = &report.scan else { return official::check_resp(bytes, start, self.server) };
        if !scan.anomalies.is_empty() || (!self.server.skips_annotations() && scan.annotations > 0) {
            return official::check_resp(bytes, start, self.server);
        }
        let commands = scan.records - scan.annotations;
        let resume = Resume {
            position: index(scan.end),
            valid_up_to: index(scan.valid_up_to()),
            lines: self.lines + commands + 2 * scan.arguments,
            open_multi: scan.open().is_some(),
        };
        official::check_resp(bytes, resume, self.server)
    }
}

fn index(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}
