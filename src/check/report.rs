//! The report of a check.

use std::path::PathBuf;

use super::checker::CheckerVerdict;
use super::finding::Finding;
use super::part::PartReport;
use super::server;
use crate::aof::producer::ChosenServer;

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
    /// Whether the checker calls the log valid, the server loads all of it, every part was read whole, and no part of
    /// it is left out.
    pub fn is_sound(&self) -> bool {
        self.is_loaded_whole() && !self.findings.iter().any(Finding::is_of_part_left_out)
    }

    /// Whether checker and server read all that they look at.
    pub(crate) fn is_loaded_whole(&self) -> bool {
        self.checker.valid && self.server.loads_all() && self.parts.iter().all(|part| part.was_read_whole)
    }
}
