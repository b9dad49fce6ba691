//! Which bytes of a log stay: pure data, and the rules that lead to it.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use super::edit::Edit;
use super::survey::{Condition, FileSurvey, Place, ReadOver, Survey};
use crate::aof::manifest;
use crate::check::scan::Scan;
use crate::check::{Code, Finding, PartReport, Severity};
use crate::escape::shell_word;
use crate::input::{Container, FileIdentity, is_stdin};
use crate::storage::{directory_of, fixed_name};

/// What a repair does to a log.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// Every part, in the order in which a server loads them; those that stay as they are too.
    pub parts: Vec<PartPlan>,
    /// The manifest, if it changes: the moment it has its new text, the changes of all parts take effect.
    pub manifest: Option<ManifestPlan>,
}

/// What a repair does to one part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartPlan {
    /// The file.
    pub path: PathBuf,
    /// The file as it was when it was read: it is not touched if anything of this is different.
    pub identity: FileIdentity,
    /// What becomes of it.
    pub change: PartChange,
    /// The file that takes its place in the manifest, in the same directory, where it does not keep its name.
    pub new_name: Option<OsString>,
}

/// What becomes of a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PartChange {
    /// Its bytes change: the edits are in order, do not overlap, and are all within the length of the file. Without
    /// any, it stays as it is.
    Edits(Vec<Edit>),
    /// The manifest no longer names it.
    Leaves,
}

/// A manifest that is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestPlan {
    /// The file.
    pub path: PathBuf,
    /// The manifest that is there now; `None` if there is none.
    pub before: Option<Before>,
    /// Its new bytes.
    pub text: Vec<u8>,
}

impl ManifestPlan {
    /// Whether its text differs from the one that is there now.
    pub fn is_changed(&self) -> bool {
        self.before.as_ref().is_none_or(|before| before.text != self.text)
    }
}

/// A manifest as it was when it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Before {
    /// The file.
    pub identity: FileIdentity,
    /// Its bytes.
    pub text: Vec<u8>,
}

impl Plan {
    /// A plan for the parts of a log, all of them, of which `manifest` is the manifest if it has one.
    ///
    /// Where a single file changes, it keeps its name. Where several do, a part leaves or the manifest changes, the
    /// changed ones get new names and the manifest names those, so that all change at once.
    pub fn of_parts(mut parts: Vec<PartPlan>, manifest: Option<&ManifestPlan>) -> Self {
        let changed = parts.iter().filter(|part| !part.is_untouched()).count();
        let leaves = parts.iter().any(|part| part.change == PartChange::Leaves);
        let manifest = manifest.filter(|manifest| changed > 1 || leaves || manifest.is_changed());
        let manifest = manifest.map(|manifest| with_parts(manifest, &mut parts));
        Self { parts, manifest }
    }

    /// The parts that change or leave.
    pub fn changes(&self) -> impl Iterator<Item = &PartPlan> {
        self.parts.iter().filter(|part| !part.is_untouched())
    }

    /// The part that is cut in place, and where, if that is all that changes.
    pub fn in_place_cut(&self) -> Option<(&PartPlan, u64)> {
        let part = self.changes().next().filter(|_| self.manifest.is_none())?;
        Some((part, part.cut_at()?))
    }

    /// Whether everything stays as it is.
    pub fn is_nothing(&self) -> bool {
        self.manifest.is_none() && self.changes().next().is_none()
    }
}

/// The manifest after the changes of the parts; those that change get a new name.
fn with_parts(manifest: &ManifestPlan, parts: &mut [PartPlan]) -> ManifestPlan {
    let mut lines = manifest::parse(&manifest.text);
    let directory = directory_of(&manifest.path);
    for part in parts.iter_mut().filter(|part| !part.is_untouched()) {
        let old = part.path.file_name().unwrap_or_default().to_owned();
        if part.change == PartChange::Leaves {
            lines.entries.retain(|entry| entry.name != old.as_bytes());
            continue;
        }
        let is_free = |name: &OsString| {
            directory.join(name).symlink_metadata().is_err()
                && lines.entries.iter().all(|entry| entry.name != name.as_bytes())
        };
        let new = (1..=u32::MAX).map(|number| fixed_name(&old, number)).find(is_free).unwrap_or_default();
        for entry in lines.entries.iter_mut().filter(|entry| entry.name == old.as_bytes()) {
            entry.name = new.as_bytes().to_vec();
        }
        part.new_name = Some(new);
    }
    ManifestPlan { text: lines.to_bytes(), ..manifest.clone() }
}

impl PartPlan {
    /// A plan that keeps the first `length` bytes of a file (all of them, if it has no more).
    pub fn keep_first(path: impl Into<PathBuf>, identity: FileIdentity, length: u64) -> Self {
        let cut = length..identity.length;
        Self::edited(path, identity, if cut.is_empty() { Vec::new() } else { vec![Edit::removing(cut)] })
    }

    /// A plan that changes bytes of a file: see [`PartChange::Edits`].
    pub fn edited(path: impl Into<PathBuf>, identity: FileIdentity, edits: Vec<Edit>) -> Self {
        Self { path: path.into(), identity, change: PartChange::Edits(edits), new_name: None }
    }

    /// A plan after which the manifest no longer names a file.
    pub fn leaving(path: impl Into<PathBuf>, identity: FileIdentity) -> Self {
        Self { path: path.into(), identity, change: PartChange::Leaves, new_name: None }
    }

    /// Which bytes change; none if it leaves.
    pub fn edits(&self) -> &[Edit] {
        match &self.change {
            PartChange::Edits(edits) => edits,
            PartChange::Leaves => &[],
        }
    }

    /// How many bytes the log loses with this.
    pub fn removed(&self) -> u64 {
        match &self.change {
            PartChange::Edits(edits) => edits.iter().map(Edit::removed).sum(),
            PartChange::Leaves => self.identity.length,
        }
    }

    /// How long the file is after the change; 0 if it leaves.
    pub fn length_after(&self) -> u64 {
        let inserted: u64 = self.edits().iter().map(|edit| edit.inserted.len() as u64).sum();
        self.identity.length - self.removed() + inserted
    }

    /// Whether every byte stays as it is.
    pub fn is_untouched(&self) -> bool {
        matches!(&self.change, PartChange::Edits(edits) if edits.is_empty())
    }

    /// The offset from which everything is removed, for a part that only loses its end.
    pub fn cut_at(&self) -> Option<u64> {
        match self.edits() {
            [Edit { range, inserted }] if range.end == self.identity.length && inserted.is_empty() => Some(range.start),
            _ => None,
        }
    }
}

/// Why there is no plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The kind of obstacle.
    pub obstacle: Obstacle,
    /// The file that it is about; `-` for standard input.
    pub file: PathBuf,
    /// What a check found there, if that is the reason.
    pub finding: Option<Box<Finding>>,
}

/// What keeps a log from being repaired by a cut.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Obstacle {
    /// Standard input, or a pipe: there is no file to cut.
    Stream,
    /// The manifest breaks a rule.
    Manifest,
    /// The manifest names nothing that a server loads.
    NoParts,
    /// A part is not there.
    MissingPart,
    /// The file is compressed.
    Compressed(Container),
    /// Nothing in the file reads as a log.
    NoLog,
    /// The file that was given is named by a manifest, and others come after it.
    NotTheLastPart {
        /// The last part.
        last: PathBuf,
        /// The manifest that says so.
        manifest: PathBuf,
    },
    /// The file that was given was replaced by a rewrite.
    History {
        /// The manifest that says so.
        manifest: PathBuf,
    },
    /// A part before the last is damaged.
    DamageBeforeTheLastPart {
        /// The path of the log.
        log: PathBuf,
    },
    /// A part is damaged where nothing is to be removed.
    DamageStays,
    /// No record of the log is whole.
    NothingWhole,
    /// An RDB, or an RDB preamble, is damaged or of an unknown kind.
    Rdb,
    /// The same, and nothing of it can be kept: its header is damaged, or its version is not known.
    RdbHeader,
    /// The official checkers call a place invalid that servers read past.
    ServersReadOver,
    /// Nothing is damaged, and the server in question does not load the log: its RDB is too new for it, or of another
    /// kind.
    NotForThisServer,
    /// All records are whole, but something else is wrong: an unknown command, a nested `MULTI` …
    NotDamage,
}

impl Refusal {
    /// A refusal without a finding.
    pub fn new(obstacle: Obstacle, file: impl Into<PathBuf>) -> Self {
        Self { obstacle, file: file.into(), finding: None }
    }

    /// What is in the way: one clause, to be printed after the file's name.
    pub fn message(&self) -> String {
        match &self.obstacle {
            Obstacle::Stream => "this is a stream, which cannot be cut".to_owned(),
            Obstacle::NoParts => "the manifest names no file that a server loads".to_owned(),
            Obstacle::Compressed(container) => format!("the file is compressed ({})", container.name()),
            Obstacle::NoLog => "nothing in this file reads as a log: a cut would only empty it".to_owned(),
            Obstacle::NotTheLastPart { last, manifest } => format!(
                "this is not the last part of its log: {} follows it, according to {}",
                last.display(),
                manifest.display()
            ),
            Obstacle::History { manifest } => {
                format!("this file was replaced by a rewrite and is not loaded, according to {}", manifest.display())
            }
            Obstacle::NothingWhole => "nothing could be saved: no record is whole".to_owned(),
            Obstacle::DamageBeforeTheLastPart { .. } => {
                "this part is damaged, and it is not the last part of its log".to_owned()
            }
            Obstacle::DamageStays => "this part is damaged, and the damage would stay in the log".to_owned(),
            Obstacle::Rdb | Obstacle::RdbHeader if self.is_unknown() => {
                "this program does not know all that the RDB holds".to_owned()
            }
            Obstacle::Rdb => "the damage is inside an RDB".to_owned(),
            Obstacle::RdbHeader => {
                "the header of the RDB is damaged, without which nothing of it can be read".to_owned()
            }
            Obstacle::ServersReadOver => {
                "the official checkers call this invalid, but servers load it to its end".to_owned()
            }
            Obstacle::Manifest | Obstacle::MissingPart => "the log is not complete".to_owned(),
            Obstacle::NotForThisServer => "nothing is damaged, but this server does not load it".to_owned(),
            Obstacle::NotDamage => "every record is whole: there is nothing to cut off".to_owned(),
        }
    }

    /// What can be done instead: clauses, to be printed after `hint: `.
    pub fn advice(&self) -> String {
        let text = match &self.obstacle {
            Obstacle::Stream => "give the path of the file",
            Obstacle::Manifest => {
                "correct the line by hand (keep a copy of the manifest), or restore the manifest from a backup"
            }
            Obstacle::NoParts => "restore the manifest from a backup",
            Obstacle::MissingPart if self.finding.is_some() => return self.advice_of_finding(),
            Obstacle::MissingPart => {
                "restore the file from a backup, or find out where it was moved; removing it from the manifest loses \
                 its data"
            }
            Obstacle::Compressed(_) => "decompress the file, then fix the result",
            Obstacle::NoLog => "check that this is the file you meant",
            Obstacle::NotTheLastPart { manifest, .. } => {
                return format!(
                    "cutting inside a log would lose what later parts build on; to fix the log as a whole, run: \
                     aofkit fix {}",
                    shell_word(manifest)
                );
            }
            Obstacle::History { .. } => "nothing needs it; fix the log through its manifest",
            Obstacle::NothingWhole => "restore the log from a backup or a replica",
            Obstacle::DamageBeforeTheLastPart { log } => {
                return format!(
                    "a cut here would lose the rest of this part, on which later parts build; to keep everything but \
                     what is damaged, run: aofkit fix --salvage {}",
                    shell_word(log)
                );
            }
            Obstacle::DamageStays => {
                return format!(
                    "first keep everything but what is damaged, then run this again; run: aofkit fix --salvage {}",
                    shell_word(&self.file)
                );
            }
            Obstacle::RdbHeader if self.is_unknown() => {
                "this is not damage, but where the records after it begin is unknown; a newer release of this program \
                 may know it"
            }
            Obstacle::Rdb if self.is_unknown() => {
                return format!(
                    "a newer release of this program may know it; if this is damage, run: aofkit fix --salvage {}",
                    shell_word(&self.file)
                );
            }
            Obstacle::Rdb => {
                return format!(
                    "an RDB cannot be cut: a server loads it whole or not at all; restore it from a backup or a \
                     replica, or, to keep everything but what is damaged, run: aofkit fix --salvage {}",
                    shell_word(&self.file)
                );
            }
            Obstacle::RdbHeader => "restore the file from a backup or a replica",
            Obstacle::ServersReadOver => {
                "what a server loads is never cut off; start a server on the log and let it rewrite it \
                 (BGREWRITEAOF); the official checker with --fix would cut there"
            }
            Obstacle::NotDamage => match self.finding.as_ref().map(|finding| finding.code) {
                Some(Code::NestedMulti | Code::LoneExec) => {
                    "the official checkers cut there with --fix, but servers load every key, and what a server loads \
                     is never cut off; start a server on the log and let it rewrite it (BGREWRITEAOF)"
                }
                Some(Code::ServerRefuses) => {
                    let path = shell_word(&self.file);
                    return format!("for what the server does with it, and where, run: aofkit check {path}");
                }
                _ => return self.advice_of_finding(),
            },
            Obstacle::NotForThisServer => {
                return self.advice_of_finding();
            }
        };
        text.to_owned()
    }

    /// Whether the reason is something newer than this program.
    fn is_unknown(&self) -> bool {
        self.finding.as_ref().is_some_and(|finding| finding.code == Code::RdbUnknown)
    }

    /// What the check advises.
    fn advice_of_finding(&self) -> String {
        self.finding.as_ref().map_or_else(String::new, |finding| finding.advice.clone())
    }

    pub(super) fn with(self, finding: Option<&Finding>) -> Self {
        Self { finding: finding.cloned().map(Box::new), ..self }
    }
}

/// Decides which bytes stay: all of them, or those of the last part up to the end of its last whole record outside a
/// transaction, where `redis-check-aof --fix` and a server with `aof-load-truncated yes` cut.
///
/// Where a server loads more than the checkers take, what it loads stays.
///
/// # Errors
/// A [`Refusal`] where a cut does not help or would lose what a server loads.
pub fn plan(survey: &Survey) -> Result<Plan, Refusal> {
    outer_obstacle(survey)?;
    let report = &survey.report;
    let mut parts = Vec::with_capacity(report.parts.len());
    for (index, (part, file)) in report.parts.iter().zip(&survey.files).enumerate() {
        let (scan, identity) = records(survey, part, file)?;
        let damage = damage(survey, part);
        let cut = match damage {
            None => identity.length,
            // Checker and server both read past it.
            Some(_) if report.is_loaded_whole() => identity.length,
            Some(_) if index + 1 < report.parts.len() => {
                return Err(Refusal::new(Obstacle::DamageBeforeTheLastPart { log: report.path.clone() }, &part.path)
                    .with(damage));
            }
            Some(_) => match file.condition {
                Condition::ReadOver(ReadOver::ToTheEnd) => {
                    return Err(Refusal::new(Obstacle::ServersReadOver, &part.path).with(damage));
                }
                Condition::ReadOver(ReadOver::UpTo(at)) => at,
                _ => scan.valid_up_to(),
            },
        };
        parts.push(PartPlan::keep_first(&part.path, identity, cut));
    }
    if parts.is_empty() {
        return Err(Refusal::new(Obstacle::NoParts, &report.path));
    }
    let plan = Plan { parts, manifest: None };
    if plan.is_nothing()
        && let Some(finding) = remaining(survey, &plan).find(|finding| is_obstacle(finding))
    {
        let obstacle = match finding.code {
            Code::RdbUnsupported => Obstacle::NotForThisServer,
            _ => Obstacle::NotDamage,
        };
        return Err(Refusal::new(obstacle, &finding.file).with(Some(finding)));
    }
    Ok(plan)
}

/// What keeps a log from being repaired before any part is looked at.
pub(super) fn outer_obstacle(survey: &Survey) -> Result<(), Refusal> {
    let path = &survey.report.path;
    if is_stdin(path) {
        return Err(Refusal::new(Obstacle::Stream, path));
    }
    let is_of_manifest = |finding: &&Finding| finding.code == Code::Manifest || finding.is_of_part_left_out();
    if let Some(finding) = survey.report.findings.iter().find(is_of_manifest) {
        return Err(Refusal::new(Obstacle::Manifest, &finding.file).with(Some(finding)));
    }
    let Some(listing) = &survey.listing else { return Ok(()) };
    let manifest = listing.manifest.clone();
    let obstacle = match &listing.place {
        Place::Last => return Ok(()),
        Place::Before(last) => Obstacle::NotTheLastPart { last: last.clone(), manifest },
        Place::History => Obstacle::History { manifest },
    };
    Err(Refusal::new(obstacle, path))
}

/// The records of a part that can be cut.
pub(super) fn records<'s>(
    survey: &Survey,
    part: &'s PartReport,
    file: &FileSurvey,
) -> Result<(&'s Scan, FileIdentity), Refusal> {
    let obstacle = match (file.condition, &part.scan, file.file_identity()) {
        (Condition::Records | Condition::ReadOver(_), Some(scan), Some(identity)) => return Ok((scan, identity)),
        (Condition::Compressed(container), ..) => Obstacle::Compressed(container),
        (Condition::Missing, ..) | (_, _, None) => Obstacle::MissingPart,
        (Condition::NoLog, ..) => Obstacle::NoLog,
        (Condition::Stream, ..) => Obstacle::Stream,
        (Condition::Rdb | Condition::Records | Condition::ReadOver(_), ..) => Obstacle::Rdb,
    };
    let tells = matches!(obstacle, Obstacle::MissingPart | Obstacle::Rdb);
    let of_part = |finding: &&Finding| tells && finding.file == part.path && finding.severity == Severity::Error;
    Err(Refusal::new(obstacle, &part.path).with(survey.report.findings.iter().find(of_part)))
}

/// Why a part has to be cut, if at all: its records end too early, or in bytes that are not records.
pub fn damage<'s>(survey: &'s Survey, part: &PartReport) -> Option<&'s Finding> {
    survey.report.findings.iter().find(|finding| finding.file == part.path && is_damage(finding.code))
}

const fn is_damage(code: Code) -> bool {
    matches!(
        code,
        Code::TruncatedRecord
            | Code::MalformedRecord
            | Code::NotARecord
            | Code::ZeroTail
            | Code::LongAnnotation
            | Code::UnfinishedTransaction
    )
}

/// Whether no cut helps, only salvage.
const fn is_rdb_damage(code: Code) -> bool {
    matches!(code, Code::RdbDamage | Code::RdbChecksum | Code::RdbUnknown)
}

/// What a check found and the plan leaves as it is.
///
/// What a server would do instead of the repair is not part of it.
pub fn remaining<'s>(survey: &'s Survey, plan: &'s Plan) -> impl Iterator<Item = &'s Finding> {
    let is_salvaged = |finding: &Finding| {
        let mut changed = plan.parts.iter().filter(|part| !part.is_untouched());
        is_rdb_damage(finding.code) && changed.any(|part| part.path == finding.file)
    };
    survey.report.findings.iter().filter(move |finding| {
        !is_damage(finding.code)
            && !is_salvaged(finding)
            && !matches!(
                finding.code,
                Code::LeavesTransactionOpen | Code::CutsPreamble | Code::CutsEarlierPart | Code::EmptyLog
            )
            && !goes(plan, finding)
    })
}

/// Whether the log stays as unsound as it is with this; a server completes an upgrade by itself.
fn is_obstacle(finding: &Finding) -> bool {
    finding.severity == Severity::Error && finding.code != Code::InterruptedUpgrade
}

/// Whether the place of a finding is in bytes that the plan removes.
fn goes(plan: &Plan, finding: &Finding) -> bool {
    let is_in = |part: &PartPlan, offset: u64| {
        let is_in_edit = |edit: &Edit| {
            edit.range.contains(&offset) || part.cut_at() == Some(edit.range.start) && offset >= edit.range.start
        };
        part.change == PartChange::Leaves || part.edits().iter().any(is_in_edit)
    };
    let part = plan.parts.iter().find(|part| part.path == finding.file);
    part.zip(finding.offset).is_some_and(|(part, offset)| is_in(part, offset))
}

/// Whether the server loads the log after the plan; `None` if that cannot be told, because what it refuses goes, and
/// what it does with the rest has not been looked at.
pub fn loads_after(survey: &Survey, plan: &Plan) -> Option<bool> {
    if remaining(survey, plan).any(is_obstacle) {
        return Some(false);
    }
    let refuses = |finding: &Finding| {
        finding.severity == Severity::Error && !is_damage(finding.code) && !is_rdb_damage(finding.code)
    };
    let is_told = !survey.report.findings.iter().any(|finding| refuses(finding) && goes(plan, finding));
    is_told.then_some(true)
}
