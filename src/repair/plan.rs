//! Which bytes of a log stay: pure data, and the rules that lead to it.

use std::ops::Range;
use std::path::PathBuf;

use super::survey::{Condition, Finding, PartSurvey, Place, ReadOver, Survey};
use crate::aof::Damage;
use crate::aof::manifest::Problem;
use crate::aof::scan::{Oddity, Scan, Seen};
use crate::aof::transaction::Misplaced;
use crate::input::{Container, Facts};

/// What a repair does to a log: for each part, which bytes stay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Every part, in the order in which a server loads them; those that stay as they are too.
    pub parts: Vec<PartPlan>,
}

/// What a repair does to one part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartPlan {
    /// The file.
    pub path: PathBuf,
    /// The file as it was when it was read: it is not touched if anything of this is different.
    pub facts: Facts,
    /// The byte ranges that stay: in order, none empty, none touching another, all within the file's length.
    pub keep: Vec<Range<u64>>,
}

impl Plan {
    /// The parts that lose bytes.
    pub fn changes(&self) -> impl Iterator<Item = &PartPlan> {
        self.parts.iter().filter(|part| !part.is_untouched())
    }

    /// Whether every byte stays.
    pub fn is_nothing(&self) -> bool {
        self.changes().next().is_none()
    }
}

impl PartPlan {
    /// A plan that keeps the first `length` bytes of a file (all of them, if it has no more).
    pub fn keep_first(path: impl Into<PathBuf>, facts: Facts, length: u64) -> Self {
        let length = length.min(facts.length);
        // Not one range but a list of them, which is empty when nothing stays.
        let keep = std::iter::once(0..length).filter(|range| !range.is_empty()).collect();
        Self { path: path.into(), facts, keep }
    }

    /// The byte ranges that go, in order.
    pub fn removed(&self) -> Vec<Range<u64>> {
        let starts = std::iter::once(0).chain(self.keep.iter().map(|range| range.end));
        let ends = self.keep.iter().map(|range| range.start).chain([self.facts.length]);
        starts.zip(ends).map(|(start, end)| start..end).filter(|range| !range.is_empty()).collect()
    }

    /// Whether every byte stays.
    pub fn is_untouched(&self) -> bool {
        self.removed().is_empty()
    }

    /// The offset from which on everything goes, for a part that only loses its end.
    pub fn cut_at(&self) -> Option<u64> {
        match self.removed().as_slice() {
            [only] if only.end == self.facts.length => Some(only.start),
            _ => None,
        }
    }
}

/// Why there is no plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// Standard input cannot be cut.
    #[error("standard input cannot be cut")]
    StandardInput,
    /// The manifest breaks a rule.
    #[error("line {} of the manifest {}: {}", .problem.line, .manifest.display(), .problem.flaw)]
    Manifest {
        /// The manifest.
        manifest: PathBuf,
        /// The first rule that it breaks.
        problem: Problem,
    },
    /// The manifest names nothing that a server loads.
    #[error("the manifest names no file that a server loads")]
    NoParts,
    /// A part is not there.
    #[error("{} cannot be opened as a part of the log: {why}", .part.display())]
    MissingPart {
        /// The part.
        part: PathBuf,
        /// What the operating system said.
        why: String,
    },
    /// The file is compressed.
    #[error("{} is compressed ({})", .part.display(), .container.name())]
    Compressed {
        /// The part.
        part: PathBuf,
        /// How.
        container: Container,
    },
    /// Nothing in the file reads as a log.
    #[error("nothing in {} reads as a log: a cut would only empty it", .part.display())]
    NoLog {
        /// The file.
        part: PathBuf,
    },
    /// The file that was given is named by a manifest, and others come behind it.
    #[error("{} is not the last part of its log: {} comes behind it (manifest: {})", .part.display(), .last.display(), .manifest.display())]
    NotTheLastPart {
        /// The file.
        part: PathBuf,
        /// The last part.
        last: PathBuf,
        /// The manifest that says so.
        manifest: PathBuf,
    },
    /// The file that was given was replaced by a rewrite.
    #[error("{} was replaced by a rewrite and is not loaded (manifest: {})", .part.display(), .manifest.display())]
    History {
        /// The file.
        part: PathBuf,
        /// The manifest that says so.
        manifest: PathBuf,
    },
    /// A part before the last is damaged.
    #[error("{} is damaged at byte {}, and it is not the last part of its log", .part.display(), .finding.offset())]
    DamageBeforeTheLastPart {
        /// The part.
        part: PathBuf,
        /// What is wrong with it.
        finding: Finding,
    },
    /// An RDB, or an RDB preamble, is damaged or unknown.
    #[error("the RDB in {} cannot be read past byte {offset}: {message}", .part.display())]
    DamagedRdb {
        /// The part.
        part: PathBuf,
        /// The offset of the offending byte.
        offset: u64,
        /// What is wrong.
        message: String,
    },
    /// The official checkers call a place invalid that servers read over.
    #[error("{} is invalid at byte {} to the official checkers, but servers load it to its end", .part.display(), .damage.offset)]
    ServersReadOver {
        /// The part.
        part: PathBuf,
        /// What the checkers find wrong.
        damage: Damage,
    },
    /// All records are whole, but one is such that a server or a checker does not take it.
    #[error("{} has whole records only, but {} at byte {}", .part.display(), words(.oddity), .seen.offset)]
    NotDamage {
        /// The part.
        part: PathBuf,
        /// What is odd about the record.
        oddity: Oddity,
        /// Where.
        seen: Seen,
    },
}

impl Refusal {
    /// What can be done instead: whole sentences.
    pub fn advice(&self) -> String {
        match self {
            Self::StandardInput => "Give the path of the file.".to_owned(),
            Self::Manifest { .. } => {
                "Correct the line by hand (keep a copy of the manifest), or restore the manifest from a backup; the files it \
                 names can be checked one by one."
                    .to_owned()
            }
            Self::NoParts => "Restore the manifest from a backup.".to_owned(),
            Self::MissingPart { .. } => {
                "Restore the file from a backup, or find where it was moved to. Without it the log cannot be loaded, and \
                 taking it out of the manifest loses what it held."
                    .to_owned()
            }
            Self::Compressed { .. } => "Decompress the file, and fix that.".to_owned(),
            Self::NoLog { .. } => "Check that this is the file you meant.".to_owned(),
            Self::NotTheLastPart { manifest, .. } => format!(
                "A cut in the middle of a log would lose what the later parts build on. Fix the log as a whole: aofkit fix {}",
                manifest.display()
            ),
            Self::History { .. } => "Nothing needs it; fix the parts that the manifest lists as base or incr.".to_owned(),
            Self::DamageBeforeTheLastPart { .. } => {
                "A cut here would lose all that comes behind it in this part, on which the later parts build. Restore this \
                 part from a backup or a replica; or, if what comes later may be lost, take the later parts out of the \
                 manifest (keep copies) and fix this one as the last."
                    .to_owned()
            }
            Self::DamagedRdb { .. } => {
                "An RDB cannot be cut: nothing behind the damage could be loaded. Restore it from a backup or a replica."
                    .to_owned()
            }
            Self::ServersReadOver { .. } => {
                "Nothing that a server loads is cut off: start a server on the log and let it rewrite it (BGREWRITEAOF). To \
                 cut all the same as the official checker does, run it with --fix."
                    .to_owned()
            }
            Self::NotDamage { oddity, .. } => odd_advice(oddity).to_owned(),
        }
    }
}

fn odd_advice(oddity: &Oddity) -> &'static str {
    match oddity {
        Oddity::Misplaced(Misplaced::NestedMulti | Misplaced::LoneExec) => {
            "The official checkers call that invalid, and their --fix cuts there; servers load every key. Nothing that a \
             server loads is cut off: start a server on the log and let it rewrite it (BGREWRITEAOF)."
        }
        Oddity::UnknownCommand(_) | Oddity::UnknownSubcommand { .. } => {
            "Start a server that knows the command: a newer one, one with the module, or one with the same rename-command."
        }
        _ => "Look at the record with aofkit inspect; servers refuse it or crash.",
    }
}

/// An oddity in words.
pub fn words(oddity: &Oddity) -> String {
    let shown = |bytes: &[u8]| bytes.escape_ascii().to_string();
    match oddity {
        Oddity::Misplaced(Misplaced::NestedMulti) => "a MULTI inside a transaction".to_owned(),
        Oddity::Misplaced(Misplaced::LoneExec) => "an EXEC without MULTI".to_owned(),
        Oddity::Misplaced(Misplaced::QueuedDiscard) => "a DISCARD inside a transaction".to_owned(),
        Oddity::Misplaced(Misplaced::LoneDiscard) => "a DISCARD without MULTI".to_owned(),
        Oddity::UnknownCommand(name) => format!("the unknown command '{}'", shown(name)),
        Oddity::UnknownSubcommand { command, subcommand } => {
            format!("the unknown subcommand '{}' of {command}", shown(subcommand))
        }
        Oddity::WrongArity(name) => format!("a wrong number of arguments for {name}"),
        Oddity::ServerCommand(name) => format!("{name}, which a loading server may not survive,"),
        Oddity::NulInName(name) => format!("a NUL in the command name '{}'", shown(name)),
        Oddity::NoSuchDatabase(number) => format!("a SELECT of the database '{}'", shown(number)),
        Oddity::CutAnnotation => "an annotation that the end of the file cuts".to_owned(),
        Oddity::Others => "more odd records".to_owned(),
    }
}

/// Whether a server refuses (or crashes at) the record, or a checker calls it invalid.
pub fn is_trouble(oddity: &Oddity) -> bool {
    match oddity {
        Oddity::Misplaced(Misplaced::NestedMulti | Misplaced::LoneExec | Misplaced::QueuedDiscard)
        | Oddity::UnknownCommand(_)
        | Oddity::UnknownSubcommand { .. }
        | Oddity::WrongArity(_)
        | Oddity::ServerCommand(_)
        | Oddity::NulInName(_)
        | Oddity::Others => true,
        Oddity::Misplaced(Misplaced::LoneDiscard) | Oddity::NoSuchDatabase(_) | Oddity::CutAnnotation => false,
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
    let Some((last, before)) = survey.parts.split_last() else { return Err(Refusal::NoParts) };
    let mut parts = Vec::with_capacity(survey.parts.len());
    for part in before {
        let (_, facts) = records(part)?;
        if let Some(finding) = part.finding() {
            return Err(Refusal::DamageBeforeTheLastPart { part: part.path.clone(), finding });
        }
        parts.push(PartPlan::keep_first(&part.path, facts, facts.length));
    }
    let (scan, facts) = records(last)?;
    let cut = if last.finding().is_some() { cut_at(last, scan)? } else { facts.length };
    parts.push(PartPlan::keep_first(&last.path, facts, cut));
    let plan = Plan { parts };
    if plan.is_nothing()
        && let Some((part, oddity, seen)) = remaining(survey, &plan).find(|(_, oddity, _)| is_trouble(oddity))
    {
        return Err(Refusal::NotDamage { part: part.path.clone(), oddity: oddity.clone(), seen });
    }
    Ok(plan)
}

/// What keeps a log from being repaired before any part is looked at.
fn outer_obstacle(survey: &Survey) -> Result<(), Refusal> {
    if survey.path.as_os_str() == "-" {
        return Err(Refusal::StandardInput);
    }
    if let Some(manifest) = &survey.manifest
        && let Some(problem) = &manifest.problem
    {
        return Err(Refusal::Manifest { manifest: manifest.path.clone(), problem: problem.clone() });
    }
    let Some(listing) = &survey.listing else { return Ok(()) };
    let (part, manifest) = (survey.path.clone(), listing.manifest.clone());
    match &listing.place {
        Place::Last => Ok(()),
        Place::Before(last) => Err(Refusal::NotTheLastPart { part, last: last.clone(), manifest }),
        Place::History => Err(Refusal::History { part, manifest }),
    }
}

/// The records of a part that can be read.
fn records(part: &PartSurvey) -> Result<(&Scan, Facts), Refusal> {
    let path = || part.path.clone();
    match (&part.condition, part.facts()) {
        (Condition::Records { scan, .. }, Some(facts)) => Ok((scan, facts)),
        (Condition::Missing(why), _) => Err(Refusal::MissingPart { part: path(), why: why.clone() }),
        (Condition::Compressed(container), _) => Err(Refusal::Compressed { part: path(), container: *container }),
        (Condition::Rdb { offset, message }, _) => {
            Err(Refusal::DamagedRdb { part: path(), offset: *offset, message: message.clone() })
        }
        (Condition::NoLog | Condition::NotReached | Condition::Records { .. }, _) => {
            Err(Refusal::NoLog { part: path() })
        }
    }
}

fn cut_at(part: &PartSurvey, scan: &Scan) -> Result<u64, Refusal> {
    match (&part.condition, scan.damage) {
        (Condition::Records { read_over: Some(ReadOver::ToTheEnd), .. }, Some(damage)) => {
            Err(Refusal::ServersReadOver { part: part.path.clone(), damage })
        }
        (Condition::Records { read_over: Some(ReadOver::UpTo(at)), .. }, _) => Ok(*at),
        _ => Ok(scan.valid_up_to()),
    }
}

/// The odd records in what stays: which part, what, and where.
pub fn remaining<'s>(
    survey: &'s Survey,
    plan: &'s Plan,
) -> impl Iterator<Item = (&'s PartSurvey, &'s Oddity, Seen)> + 's {
    survey.parts.iter().zip(&plan.parts).flat_map(|(part, planned)| {
        let end = planned.cut_at().unwrap_or(planned.facts.length);
        let oddities = part.scan().into_iter().flat_map(|scan| scan.oddities.iter());
        oddities.filter(move |(_, seen)| seen.offset < end).map(move |(oddity, seen)| (part, oddity, seen))
    })
}
