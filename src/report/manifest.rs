//! The report of a manifest that was worked out again.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;

use serde::Serialize;

use crate::repair::Plan;
use crate::repair::manifest::{Judged, Rebuilt};
use crate::report::file_name::FileName;
use crate::report::paragraph::paragraph;
use crate::report::style::{Style, Tone};

/// Lines of the broken manifest that are shown as text; JSON has all.
const SHOWN: usize = 20;

/// The manifest as it is, as it will be, and why.
#[derive(Debug, Serialize)]
pub(crate) struct ManifestReport {
    path: FileName<PathBuf>,
    before: Option<String>,
    after: String,
    files: Vec<JudgedReport>,
}

#[derive(Debug, Serialize)]
struct JudgedReport {
    name: FileName<OsString>,
    /// Whether the new manifest names it.
    named: bool,
    reason: String,
}

impl ManifestReport {
    pub(crate) fn new(rebuilt: &Rebuilt, plan: &Plan) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let judged = |file: &Judged| JudgedReport {
            name: FileName(file.name.clone()),
            named: file.kind.is_some(),
            reason: file.reason.clone(),
        };
        Self {
            path: FileName(rebuilt.path.clone()),
            before: rebuilt.before.as_ref().map(|before| text(&before.text)),
            after: text(plan.manifest.as_ref().map_or(&rebuilt.text, |manifest| &manifest.text)),
            files: rebuilt.files.iter().map(judged).collect(),
        }
    }

    /// Whether there was no manifest.
    pub(crate) const fn is_new(&self) -> bool {
        self.before.is_none()
    }

    /// Writes both manifests, and why each file is in or out.
    pub(crate) fn write_text(&self, out: &mut impl Write, style: Style) -> io::Result<()> {
        if let Some(before) = &self.before {
            writeln!(out, "{} {}, which reads now:", style.paint(Tone::Bad, "replace"), self.path)?;
            for line in before.lines().take(SHOWN) {
                writeln!(out, "  {}", line.escape_debug())?;
            }
            writeln!(out, "by:")?;
        } else {
            writeln!(out, "{} {}, which is missing:", style.paint(Tone::Good, "write"), self.path)?;
        }
        for line in self.after.lines() {
            writeln!(out, "  {line}")?;
        }
        for file in &self.files {
            let what = if file.named { "in: " } else { "out:" };
            paragraph(out, style, "  ", &format!("{what} {}: {}", file.name, file.reason))?;
        }
        Ok(())
    }
}
