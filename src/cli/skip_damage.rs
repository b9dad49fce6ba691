//! `--skip-damage`: a log is read as `fix --salvage` would leave it.

use super::console::Console;
use super::source;
use crate::aof::log::{Part, Role};
use crate::aof::{Reader, is_no_log};
use crate::check::scan;
use crate::repair::Edited;
use crate::repair::salvage::{self, Cause, Gap, Salvage};
use crate::replay::Ending;
use crate::report::file_name::FileName;
use crate::report::number::counted;
use crate::report::salvage::SkippedGap;

/// Help for `--skip-damage` on one line.
pub(super) const HELP: &str = "Skip damaged records, as 'fix --salvage' removes them";

/// The long help.
pub(super) const LONG_HELP: &str = "\
Skip damaged records, as 'fix --salvage' removes them

Everything is read but the damaged records, transactions that lost a part, and the damaged entries of an RDB; what is \
skipped is printed, and the exit code is the one for a damaged log. A damaged part is copied to memory.";

/// What is said of a log with a damaged RDB.
pub(super) const NOT_RDB: &str = "note: --skip-damage cannot skip this: nothing of the RDB can be read";

/// Gaps that are printed; JSON has all.
const SHOWN: usize = 20;

/// What is skipped of the parts of a log, by their indexes.
#[derive(Debug, Default)]
pub(super) struct Skipped {
    /// Of each part, as it is read.
    pub(super) edited: Vec<Option<Edited>>,
    salvaged: Vec<(usize, Salvage)>,
}

impl Skipped {
    /// Finds out what the next part is to be read without.
    pub(super) fn add(&mut self, part: &Part, bytes: &[u8]) {
        let found = find(part, bytes);
        self.edited.push(found.as_ref().map(|salvage| Edited::new(bytes, salvage.edits())));
        let index = self.edited.len() - 1;
        self.salvaged.extend(found.map(|salvage| (index, salvage)));
    }

    /// What a part is read as, if it is damaged.
    pub(super) fn edited(&self, part: usize) -> Option<&Edited> {
        self.edited.get(part)?.as_ref()
    }

    /// How far a replay of so many parts can be trusted that read past the gaps up to an offset in a part.
    pub(super) fn ending(&self, (last, offset): (usize, u64), parts: usize) -> Ending {
        let gaps = self.salvaged.iter().flat_map(|(index, salvage)| salvage.gaps.iter().map(move |gap| (*index, gap)));
        let read = gaps.filter(|(index, gap)| (*index, gap.edit.range.start) < (last, offset));
        let is_cut = |cause: &Cause| matches!(cause, Cause::Truncated(_) | Cause::UnfinishedTransaction { .. });
        let ending = |(index, gap): (usize, &Gap)| {
            let is_cut = index + 1 == parts && gap.causes.iter().all(is_cut);
            if is_cut { Ending::Cut } else { Ending::Refused }
        };
        read.map(ending).max().unwrap_or(Ending::Sound)
    }

    /// What is skipped up to an offset in a part, and says so.
    pub(super) fn report(
        &self,
        (last, offset): (usize, u64),
        parts: &[&Part],
        console: &mut Console,
    ) -> Vec<SkippedGap> {
        let mut reports = Vec::new();
        for (index, salvage) in &self.salvaged {
            let Some(part) = parts.get(*index) else { continue };
            let is_read = |start: u64| (*index, start) < (last, offset);
            for gap in salvage.gaps.iter().filter(|gap| is_read(gap.edit.range.start)) {
                let report = SkippedGap::new(part.file_name(), gap);
                if reports.len() < SHOWN {
                    console.say(&format!("warning: {}: {}", FileName(&part.path), report.clause()));
                }
                reports.push(report);
            }
        }
        if let Some(more) = reports.len().checked_sub(SHOWN).filter(|more| *more > 0) {
            let places = counted(more as u64, "more damaged place");
            console.say(&format!("warning: skipped {places}; --format json lists all of them"));
        }
        reports
    }
}

/// What can be kept of a part in spite of damage among its records; `None` if there is none, or nothing can be kept.
fn find(part: &Part, bytes: &[u8]) -> Option<Salvage> {
    if part.role == Role::Single && is_no_log(bytes) {
        return None;
    }
    let scan = scan::Options { threads: source::cores(), ..scan::Options::default() };
    let options = salvage::Options { scan, ..salvage::Options::default() };
    let (start, salvage) = match Reader::after_preamble(bytes) {
        Ok(reader) => {
            let start = usize::try_from(reader.position()).ok()?;
            (start, salvage::salvage(bytes, start, options))
        }
        Err(_) => (0, salvage::salvage_part(bytes, options).ok()?),
    };
    let keeps_something = salvage.records > 0 || salvage.entries > 0 || start > 0;
    (keeps_something && !salvage.gaps.is_empty()).then_some(salvage)
}
