//! The report of what was done with kept copies: put back, or discarded; as text and as JSON.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::plural::counted;
use crate::repair::Undone;
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
    message: String,
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
            message,
        }
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
            Undone::Rewrite(rewrite) => format!(
                "the log from before the {} is back ({}); {directory} was removed",
                match kept.record.as_ref().map(|record| record.cause) {
                    Some(Cause::Salvage) => "salvage",
                    _ => "rewrite",
                },
                counted(rewrite.restored.len() as u64, "file")
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
            Undone::Rewrite(rewrite) => (names(&rewrite.restored), names(&rewrite.removed)),
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
