//! What salvage takes out of a log and what it keeps, as text and as JSON.

use std::ffi::OsString;
use std::io::{self, Write};
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use serde::Serialize;

use crate::escape::Argument;
use crate::repair::PartPlan;
use crate::repair::salvage::{Doubt, Gap, Key, LogSalvage, Salvage};
use crate::report::file_name::FileName;
use crate::report::number::counted;
use crate::report::paragraph::Fill;
use crate::report::style::{Style, Tone};

/// Gaps of a part that are shown as text; JSON has all.
const SHOWN: usize = 20;

/// Keys in doubt, and of those that are lost, that are named in text.
const NAMED: usize = 5;

/// What salvage does to a log.
#[derive(Debug, Serialize)]
pub(crate) struct SalvageReport {
    /// How many records are kept.
    pub(crate) records: u64,
    /// How many entries of damaged RDBs are kept.
    pub(crate) entries: u64,
    /// How many bytes go.
    pub(crate) removed_bytes: u64,
    parts: Vec<PartReport>,
}

#[derive(Debug, Serialize)]
struct PartReport {
    path: FileName<PathBuf>,
    bytes: u64,
    bytes_after: u64,
    records: u64,
    entries: u64,
    gaps: Vec<GapReport>,
}

#[derive(Debug, Clone, Serialize)]
struct GapReport {
    /// The first byte that goes.
    from: u64,
    /// The byte after the last.
    to: u64,
    /// What comes in their place.
    inserted: Option<FileName<PathBuf>>,
    causes: Vec<CauseReport>,
    whole_records: u64,
    doubt: Option<DoubtReport>,
    /// The keys that are known to be lost.
    lost: Vec<KeyReport>,
    /// The last key before it.
    before: Option<KeyReport>,
}

#[derive(Debug, Clone, Serialize)]
struct KeyReport {
    database: u64,
    key: FileName<PathBuf>,
    #[serde(skip)]
    text: String,
}

impl KeyReport {
    fn new(key: &Key) -> Self {
        Self { database: key.database, key: bytes(&key.name), text: Argument(&key.name).to_string() }
    }
}

#[derive(Debug, Clone, Serialize)]
struct CauseReport {
    code: &'static str,
    offset: u64,
    message: String,
}

#[derive(Debug, Clone, Serialize)]
struct DoubtReport {
    database: u32,
    until: u64,
    records: u64,
    at_least: bool,
    keys: Vec<FileName<PathBuf>>,
    #[serde(skip)]
    text: String,
}

/// Bytes, for JSON.
fn bytes(bytes: &[u8]) -> FileName<PathBuf> {
    FileName(OsString::from_vec(bytes.to_vec()).into())
}

impl SalvageReport {
    pub(crate) fn new(log: &LogSalvage) -> Self {
        let parts = log.plan.parts.iter().zip(&log.parts);
        let parts: Vec<PartReport> = parts.filter(|(part, _)| !part.is_untouched()).map(PartReport::new).collect();
        let removed = |part: &PartPlan| part.removed();
        let (records, entries) = (log.records(), log.entries());
        Self { records, entries, removed_bytes: log.plan.parts.iter().map(removed).sum(), parts }
    }

    /// How many gaps there are in all parts.
    pub(crate) fn gaps(&self) -> usize {
        self.parts.iter().map(|part| part.gaps.len()).sum()
    }

    /// How many whole records go.
    pub(crate) fn whole_records(&self) -> u64 {
        self.parts.iter().flat_map(|part| &part.gaps).map(|gap| gap.whole_records).sum()
    }

    /// Whether records may have been for another database.
    pub(crate) fn has_doubt(&self) -> bool {
        self.parts.iter().flat_map(|part| &part.gaps).any(|gap| gap.doubt.is_some())
    }

    /// Writes what is wrong in each part, and what is done about it.
    pub(crate) fn write_text(&self, out: &mut impl Write, style: Style) -> io::Result<()> {
        for part in &self.parts {
            writeln!(out, "{}: {}", part.path, counted(part.gaps.len() as u64, "damaged place"))?;
            for gap in part.gaps.iter().take(SHOWN) {
                gap.write_text(out, style)?;
            }
            if let Some(more) = part.gaps.len().checked_sub(SHOWN).filter(|more| *more > 0) {
                writeln!(out, "  and {} more: --format json lists all", counted(more as u64, "place"))?;
            }
        }
        Ok(())
    }
}

impl PartReport {
    fn new((part, salvage): (&PartPlan, &Salvage)) -> Self {
        Self {
            path: FileName(part.path.clone()),
            bytes: part.identity.length,
            bytes_after: part.length_after(),
            records: salvage.records,
            entries: salvage.entries,
            gaps: salvage.gaps.iter().map(GapReport::new).collect(),
        }
    }
}

impl GapReport {
    fn new(gap: &Gap) -> Self {
        let cause = |cause: &crate::repair::salvage::Cause| CauseReport {
            code: cause.name(),
            offset: cause.offset(),
            message: cause.to_string(),
        };
        Self {
            from: gap.edit.range.start,
            to: gap.edit.range.end,
            inserted: Some(&gap.edit.inserted).filter(|inserted| !inserted.is_empty()).map(|inserted| bytes(inserted)),
            causes: gap.causes.iter().map(cause).collect(),
            whole_records: gap.whole_records,
            doubt: gap.doubt.as_ref().map(DoubtReport::new),
            lost: gap.lost.iter().map(KeyReport::new).collect(),
            before: gap.before.as_ref().map(KeyReport::new),
        }
    }

    /// Which keys are lost, as far as they are known.
    fn keys(&self) -> Option<String> {
        let named: Vec<&str> = self.lost.iter().take(NAMED).map(|key| key.text.as_str()).collect();
        let more = self.lost.len().saturating_sub(NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let before = self.before.as_ref().map(|before| format!("the last key before it is {}", before.text));
        let lost = (!named.is_empty()).then(|| format!("lost: {}{more}", named.join(", ")));
        let known: Vec<String> = lost.into_iter().chain(before).collect();
        (!known.is_empty()).then(|| known.join("; "))
    }

    /// What becomes of its bytes; `verb` is what happens to those that go.
    fn what(&self, verb: &str) -> String {
        let removed = self.to - self.from;
        match (removed, &self.inserted) {
            (1, Some(right)) => format!("put right: '{right}' at byte {}; nothing is lost", self.from),
            (removed, inserted) => {
                let with = match self.whole_records {
                    0 => String::new(),
                    count => format!(", with {} of a transaction that lost a part", counted(count, "whole record")),
                };
                let select = match inserted {
                    Some(_) => "; a SELECT comes in their place, as that of the log is lost",
                    None => "",
                };
                format!("{verb} bytes {}..{}, {}{with}{select}", self.from, self.to, counted(removed, "byte"))
            }
        }
    }

    fn write_text(&self, out: &mut impl Write, style: Style) -> io::Result<()> {
        let fill = Fill::after(style, 4);
        for (index, cause) in self.causes.iter().enumerate() {
            write!(out, "  {} ", style.paint(Tone::Bad, if index == 0 { "-" } else { " " }))?;
            fill.write(out, &cause.message)?;
        }
        write!(out, "    ")?;
        fill.write(out, &self.what("remove"))?;
        if let Some(keys) = self.keys() {
            write!(out, "    ")?;
            fill.write(out, &keys)?;
        }
        let Some(doubt) = &self.doubt else { return Ok(()) };
        write!(out, "    ")?;
        fill.write(out, &doubt.text)
    }
}

/// A damaged place that was skipped when a log was read.
#[derive(Debug, Clone, Serialize)]
pub struct SkippedGap {
    /// The name of the part that it is in.
    part: FileName<OsString>,
    #[serde(flatten)]
    gap: GapReport,
}

impl SkippedGap {
    /// The one of a part with this name.
    pub fn new(part: &[u8], gap: &Gap) -> Self {
        Self { part: FileName(OsString::from_vec(part.to_vec())), gap: GapReport::new(gap) }
    }

    /// What is wrong there, what was skipped, and which records are in doubt, as a clause that goes with a file.
    pub fn clause(&self) -> String {
        let causes = self.gap.causes.iter().map(|cause| cause.message.clone());
        let doubt = self.gap.doubt.iter().map(|doubt| doubt.text.clone());
        causes.chain([self.gap.what("skipped")]).chain(self.gap.keys()).chain(doubt).collect::<Vec<_>>().join("; ")
    }
}

impl DoubtReport {
    fn new(doubt: &Doubt) -> Self {
        let keys: Vec<String> = doubt.keys.iter().take(NAMED).map(|key| Argument(key).to_string()).collect();
        let records = format!(
            "{}{} up to byte {} {} taken for database {}{}",
            if doubt.at_least { "at least " } else { "" },
            counted(doubt.records, "record"),
            doubt.until,
            if doubt.records == 1 { "is" } else { "are" },
            doubt.database,
            match (keys.as_slice(), doubt.keys.len() > NAMED || doubt.at_least) {
                ([], _) => String::new(),
                (keys, true) => format!(" ({}, …)", keys.join(", ")),
                (keys, false) => format!(" ({})", keys.join(", ")),
            }
        );
        let text = match doubt.databases {
            0 | 1 => format!("a SELECT may have been lost here, if the log has other databases: {records}"),
            _ => format!("in doubt: a SELECT may have been lost here; {records}"),
        };
        Self {
            database: doubt.database,
            until: doubt.until,
            records: doubt.records,
            at_least: doubt.at_least,
            keys: doubt.keys.iter().map(|key| bytes(key)).collect(),
            text,
        }
    }
}
