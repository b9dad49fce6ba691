//! What a repair needs to know of a log: a check of it, and the files as they were then. Nothing is changed.

use super::plan::{Before, ManifestPlan};
use crate::aof::listing::listing;
use crate::aof::log::{Log, Role};
use crate::aof::{DamageKind, is_no_log};
use crate::check::scan::Scan;
use crate::check::server::{PartEnd, Resume, load_resp};
use crate::check::{self, PartReport, Report, Settings};
use crate::input::{Container, FileIdentity, Input};
use crate::{Result, Server};

pub use crate::aof::listing::{Listing, Place};

/// A log as a repair sees it.
#[derive(Debug, Clone)]
pub struct Survey {
    /// What a check found.
    pub report: Report,
    /// For a single file that a manifest beside it names: its place in that log.
    pub listing: Option<Listing>,
    /// The files of [`Report::parts`], one for one.
    pub files: Vec<FileSurvey>,
    /// The manifest of the log as it is, if it has one.
    pub manifest: Option<ManifestPlan>,
}

/// The file of one part.
#[derive(Debug, Clone)]
pub struct FileSurvey {
    /// What can be done with it.
    pub condition: Condition,
    input: Option<Input>,
}

/// Whether a part can be cut, as far as its bytes show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Condition {
    /// There is no such file.
    Missing,
    /// The file is compressed: no server loads it, and a cut needs the bytes as they are.
    Compressed(Container),
    /// The bytes came through a pipe, not from a file.
    Stream,
    /// Nothing in the file reads as a log.
    NoLog,
    /// It begins with an RDB whose end is not known, because it is damaged or of an unknown kind.
    Rdb,
    /// The records were read, to the end or to the first damage.
    Records,
    /// The same, but a server reads past the damage.
    ReadOver(ReadOver),
}

/// How far a server reads past damage that only the official checkers reject.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadOver {
    /// It loads the part to its end.
    ToTheEnd,
    /// The part also ends early: a server with `aof-load-truncated yes` cuts it here, and loads what is before.
    UpTo(u64),
}

impl FileSurvey {
    /// The file as it was just before it was read; `None` where there was none.
    pub fn file_identity(&self) -> Option<FileIdentity> {
        self.input.as_ref().map(|input| *input.file_identity())
    }

    /// Copies bytes of the file, as [`Input::copy`].
    pub(super) fn copy(&self, offset: usize, buffer: &mut [u8]) -> usize {
        self.input.as_ref().map_or(0, |input| input.copy(offset, buffer))
    }

    /// The bytes of the file; none where there is none.
    pub fn bytes(&self) -> &[u8] {
        self.input.as_ref().map_or(&[], Input::bytes)
    }
}

/// Checks a log for a repair.
///
/// # Errors
/// As [`check::check`]; damage and missing parts are not errors.
pub fn survey(log: &Log, settings: Settings<'_>) -> Result<Survey> {
    // Opened before the check reads them: a plan is not applied to files that change from here on.
    let inputs: Vec<Option<Input>> = log
        .parts
        .iter()
        .map(|part| if part.missing().is_some() { Ok(None) } else { part.open().map(Some) })
        .collect::<Result<_>>()?;
    let report = check::check(log, settings)?;
    let listing = if log.as_multi_part().is_none() { listing(&log.path)? } else { None };
    let files = inputs.into_iter().zip(&report.parts).map(|(input, part)| {
        let condition =
            input.as_ref().map_or(Condition::Missing, |input| condition(input, part, report.chosen.server()));
        FileSurvey { condition, input }
    });
    let manifest = log.as_multi_part().map(|parts| {
        let text = parts.input.bytes().to_vec();
        let before = Before { identity: *parts.input.file_identity(), text: text.clone() };
        ManifestPlan { path: parts.manifest_path.clone(), before: Some(before), text }
    });
    Ok(Survey { files: files.collect(), report, listing, manifest })
}

fn condition(input: &Input, part: &PartReport, server: Server) -> Condition {
    let bytes = input.bytes();
    let container = if part.role == Role::Single { input.container() } else { Container::of(bytes) };
    if container != Container::Plain {
        return Condition::Compressed(container);
    }
    if bytes.len() as u64 != input.file_identity().length {
        return Condition::Stream;
    }
    let Some(scan) = &part.scan else { return Condition::Rdb };
    if part.role == Role::Single && is_no_log(bytes) {
        return Condition::NoLog;
    }
    read_over(bytes, scan, server).map_or(Condition::Records, Condition::ReadOver)
}

/// How far a server reads past the damage, unless it gives up at that record.
fn read_over(bytes: &[u8], scan: &Scan, server: Server) -> Option<ReadOver> {
    if matches!(scan.damage?.kind, DamageKind::Truncated { .. } | DamageKind::NoRecord { .. }) {
        return None;
    }
    let valid = scan.valid_up_to();
    // The transaction that the damage is in is read again from its start.
    match load_resp(bytes, Resume::after_preamble(valid), server).end {
        PartEnd::Whole => Some(ReadOver::ToTheEnd),
        PartEnd::Short(cut) => {
            // Not where this server cuts, which may leave a transaction open, but where the cut leaves none.
            let at = cut.leaves_open.unwrap_or(cut.place).offset;
            (at > valid).then_some(ReadOver::UpTo(at))
        }
        PartEnd::Refused(..) | PartEnd::Crashed(..) | PartEnd::Stopped(..) => None,
    }
}
