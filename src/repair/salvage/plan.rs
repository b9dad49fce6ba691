//! A log → what salvage changes in each of its parts.

use super::{Gap, Options, Salvage, names, salvage, salvage_part, salvage_scanned};
use crate::check::scan::{self, Scan};
use crate::input::FileIdentity;
use crate::repair::plan::{Obstacle, Plan, Refusal, damage, outer_obstacle, records};
use crate::repair::survey::{Condition, FileSurvey, Place, ReadOver, Survey};
use crate::repair::{PartPlan, plan};

/// What salvage does to a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogSalvage {
    /// The changes.
    pub plan: Plan,
    /// What is wrong with each part, in the order of [`Plan::parts`].
    pub parts: Vec<Salvage>,
}

impl LogSalvage {
    /// Every gap, with the plan of its part.
    pub fn gaps(&self) -> impl Iterator<Item = (&PartPlan, &Gap)> {
        self.plan
            .parts
            .iter()
            .zip(&self.parts)
            .flat_map(|(part, salvage)| salvage.gaps.iter().map(move |gap| (part, gap)))
    }

    /// How many records are kept.
    pub fn records(&self) -> u64 {
        self.parts.iter().map(|part| part.records).sum()
    }

    /// How many entries of damaged RDBs are kept.
    pub fn entries(&self) -> u64 {
        self.parts.iter().map(|part| part.entries).sum()
    }
}

/// Decides what goes, so that everything else can be loaded.
///
/// # Errors
/// A [`Refusal`] where nothing is kept, or where this is no matter of damaged records.
pub fn plan_salvage(survey: &Survey, options: Options<'_>) -> Result<LogSalvage, Refusal> {
    match outer_obstacle(survey) {
        // Whichever part it is, the others are as they were.
        Err(_) if survey.listing.as_ref().is_some_and(|listing| matches!(listing.place, Place::Before(_))) => {}
        obstacle => obstacle?,
    }
    let mut parts = Vec::new();
    let mut salvaged = Vec::new();
    for (part, file) in survey.report.parts.iter().zip(&survey.files) {
        let (scan, identity) = match (records(survey, part, file), file.file_identity()) {
            (Err(Refusal { obstacle: Obstacle::Rdb, finding, .. }), Some(identity)) => {
                let found = salvage_part(content(file, identity), options).ok().filter(|found| !found.gaps.is_empty());
                let refusal = Refusal { finding, ..Refusal::new(Obstacle::RdbHeader, &part.path) };
                let found = found.ok_or(refusal)?;
                parts.push(PartPlan::edited(&part.path, identity, found.edits()));
                salvaged.push(found);
                continue;
            }
            (records, _) => records?,
        };
        let found = match (damage(survey, part), file.condition) {
            (None, Condition::Records) if names::are_in(scan) => of_part(file, Scanned::All(scan), identity, options),
            (None, _) | (_, Condition::ReadOver(ReadOver::ToTheEnd)) => whole(scan.records),
            _ if survey.report.is_loaded_whole() => whole(scan.records),
            (_, Condition::ReadOver(ReadOver::UpTo(at))) => of_part(file, Scanned::UpTo(at), identity, options),
            _ => of_part(file, Scanned::All(scan), identity, options),
        };
        parts.push(PartPlan::edited(&part.path, identity, found.edits()));
        salvaged.push(found);
    }
    let log = LogSalvage { plan: Plan::of_parts(parts, survey.manifest.as_ref()), parts: salvaged };
    if log.plan.is_nothing() && !survey.report.is_sound() {
        // Whatever is wrong, it is none of damage.
        return plan::plan(survey).map(|plan| LogSalvage { plan, ..log });
    }
    let rdbs = survey.report.parts.iter().filter_map(|part| part.rdb.as_ref());
    let keys: u64 = rdbs.filter(|rdb| rdb.end.is_some()).map(|rdb| rdb.keys + rdb.functions).sum();
    if log.records() + log.entries() + keys == 0 && log.plan.changes().next().is_some() {
        return Err(Refusal::new(Obstacle::NothingWhole, &survey.report.path));
    }
    Ok(log)
}

fn whole(records: u64) -> Salvage {
    Salvage { records, ..Salvage::default() }
}

/// What is known of the records of a part.
#[derive(Clone, Copy)]
enum Scanned<'s> {
    /// All that the check found.
    All(&'s Scan),
    /// A server reads up to here; what comes then is damaged.
    UpTo(u64),
}

fn of_part(file: &FileSurvey, scanned: Scanned<'_>, identity: FileIdentity, options: Options<'_>) -> Salvage {
    let bytes = content(file, identity);
    let copy = |offset: usize, buffer: &mut [u8]| {
        let length = buffer.len().min(bytes.len().saturating_sub(offset));
        file.copy(offset, buffer.get_mut(..length).unwrap_or_default())
    };
    let options = Options { scan: scan::Options { copy: Some(&copy), ..options.scan }, ..options };
    match scanned {
        Scanned::All(scan) => salvage_scanned(bytes, scan, options),
        Scanned::UpTo(at) => salvage(bytes, usize::try_from(at).unwrap_or(bytes.len()), options),
    }
}

/// The bytes of a file as it was when it was opened.
fn content(file: &FileSurvey, identity: FileIdentity) -> &[u8] {
    let bytes = file.bytes();
    usize::try_from(identity.length).ok().and_then(|length| bytes.get(..length)).unwrap_or(bytes)
}
