//! The report of what was done with kept copies: put back, or discarded; as text and as JSON.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::escape::visible;
use crate::plural::counted;
use crate::repair::{Undone, check};
use crate::report::file_name::FileName;
use crate::report::json;
use crate::storage::kept::{Cause, Kept};

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CopiesOutcome {
    /// The copies were put back.
    Restored,
    /// The copies were removed.
    Discarded,
    /// Shown, not done.
    Planned,
    /// Listed.
    Listed,
    /// There are no copies.
    Nothing,
}

/// The outcome; the fields are those of the JSON object.
#[derive(Debug, Serialize)]
pub struct CopiesReport {
    /// How it ended.
    pub outcome: CopiesOutcome,
    path: FileName<PathBuf>,
    copies: Vec<FileName<PathBuf>>,
    bytes: u64,
    restored: Vec<FileName<PathBuf>>,
    removed: Vec<FileName<PathBuf>>,
    /// Each change that can be undone, the newest first, where they are listed.
    changes: Vec<ChangeReport>,
    message: String,
}

/// A change of which copies are kept.
#[derive(Debug, Serialize)]
struct ChangeReport {
    /// The directory of the copies.
    directory: FileName<PathBuf>,
    /// The time of the change, in milliseconds of Unix time; `null` if the copies are not complete.
    time_ms: Option<i64>,
    /// Why: `fix`, `salvage`, `manifest`, `back`, `remove` or `rewrite`.
    cause: Option<Cause>,
    bytes: u64,
    /// Why it cannot be undone as things are; `null` if it can, or once the newer ones are undone.
    obstacle: Option<String>,
}

impl ChangeReport {
    fn new(kept: &Kept, is_newest: bool) -> Self {
        let obstacle = match &kept.record {
            None => Some("the copies are not complete: nothing was changed".to_owned()),
            Some(_) if is_newest => check(kept).err().map(|error| error.to_string()),
            Some(_) => None,
        };
        Self {
            directory: FileName(kept.directory.clone()),
            time_ms: kept.record.as_ref().map(|record| record.time),
            cause: kept.record.as_ref().map(|record| record.cause),
            bytes: kept.bytes(),
            obstacle,
        }
    }

    fn write_to(&self, text: &mut String) {
        let when = self.time_ms.and_then(|time| jiff::Timestamp::from_millisecond(time).ok());
        let when = when.map_or_else(|| "(not complete)".to_owned(), |when| format!("{when:.0}"));
        let what = self.cause.map_or("", Cause::what);
        let _ = write!(text, "{when}  {what}\n  {} in {}", counted(self.bytes, "byte"), self.directory);
        if let Some(obstacle) = &self.obstacle {
            let _ = write!(text, "\n  cannot be undone: {}", visible(obstacle));
        }
        text.push('\n');
    }
}

/// Whether a change is made or only shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doing {
    /// It is only shown.
    Shown,
    /// It was made.
    Done,
}

fn names(paths: &[PathBuf]) -> Vec<FileName<PathBuf>> {
    paths.iter().cloned().map(FileName).collect()
}

impl CopiesReport {
    fn new(path: &Path, outcome: CopiesOutcome, copies: &[Kept], message: String) -> Self {
        Self {
            outcome,
            path: FileName(path.to_owned()),
            copies: copies.iter().map(|kept| FileName(kept.directory.clone())).collect(),
            bytes: copies.iter().map(Kept::bytes).sum(),
            restored: Vec::new(),
            removed: Vec::new(),
            changes: Vec::new(),
            message,
        }
    }

    /// The copies that there are; the oldest are first in `copies`.
    pub fn listed(path: &Path, copies: &[Kept]) -> Self {
        let last = copies.len().saturating_sub(1);
        let changes: Vec<ChangeReport> =
            copies.iter().enumerate().rev().map(|(index, kept)| ChangeReport::new(kept, index == last)).collect();
        let mut text = String::new();
        for change in &changes {
            change.write_to(&mut text);
        }
        let (outcome, message) = if changes.is_empty() {
            (CopiesOutcome::Nothing, "no copies were kept of this log".to_owned())
        } else {
            (CopiesOutcome::Listed, format!("{text}--undo undoes the newest of them"))
        };
        Self { changes, ..Self::new(path, outcome, copies, message) }
    }

    /// These copies could be put back.
    pub fn would_restore(path: &Path, kept: &Kept) -> Self {
        let message = format!(
            "would put back {} from {}, and remove the copies; nothing was changed (--dry-run)",
            counted(kept.bytes(), "byte"),
            FileName(&kept.directory)
        );
        Self::new(path, CopiesOutcome::Planned, std::slice::from_ref(kept), message)
    }

    /// These copies were put back; `others` are still there.
    pub fn restored(path: &Path, kept: &Kept, undone: &Undone, others: &[Kept]) -> Self {
        let directory = FileName(&kept.directory);
        let mut message = match undone {
            Undone::Cut(cut) => format!(
                "{} put back at byte {} of {}; {directory} was removed",
                counted(cut.restored, "byte"),
                cut.cut_at,
                FileName(&cut.path)
            ),
            Undone::Replacement(replaced) => format!(
                "the log from before the {} is back ({}); {directory} was removed",
                match kept.record.as_ref().map(|record| record.cause) {
                    Some(Cause::Rewrite) => "rewrite",
                    Some(Cause::Salvage) => "salvage",
                    _ => "fix",
                },
                counted((replaced.restored.len() + replaced.removed.len()) as u64, "file")
            ),
        };
        if let Some(older) = others.last() {
            let _ = write!(
                message,
                "\nnote: {} of copies from earlier changes left; the newest is {}",
                counted(others.len() as u64, "directory"),
                FileName(&older.directory)
            );
        }
        let (restored, removed) = match undone {
            Undone::Cut(cut) => (vec![FileName(cut.path.clone())], Vec::new()),
            Undone::Replacement(replaced) => (names(&replaced.restored), names(&replaced.removed)),
        };
        Self { restored, removed, ..Self::new(path, CopiesOutcome::Restored, std::slice::from_ref(kept), message) }
    }

    /// These copies were removed, or would be.
    pub fn discarded(path: &Path, copies: &[Kept], doing: Doing) -> Self {
        let list: Vec<String> = copies.iter().map(|kept| FileName(&kept.directory).to_string()).collect();
        let bytes = counted(copies.iter().map(Kept::bytes).sum(), "byte");
        let (outcome, message) = match doing {
            _ if copies.is_empty() => (CopiesOutcome::Nothing, "no copies were kept of this log".to_owned()),
            Doing::Done => (CopiesOutcome::Discarded, format!("{bytes} of kept copies removed: {}", list.join(", "))),
            Doing::Shown => (
                CopiesOutcome::Planned,
                format!("would remove {bytes} of kept copies: {}; nothing was changed (--dry-run)", list.join(", ")),
            ),
        };
        Self::new(path, outcome, copies, message)
    }

    /// Writes the report as one JSON object on a line.
    ///
    /// # Errors
    /// What the writer says.
    pub fn write_json(&self, out: &mut impl Write) -> io::Result<()> {
        json::write_object(out, self)
    }

    /// Writes the report for people.
    ///
    /// # Errors
    /// What the writer says.
    pub fn write_text(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(out, "{}", self.message)
    }
}
