//! What goes when a log is taken back, and what those commands did, as text and as JSON.

use std::ffi::OsString;
use std::io::{self, Write};
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use serde::Serialize;

use crate::aof::Reader;
use crate::escape::Escaped;
use crate::repair::travel::{Effect, Found, Stretch, Travel, Untold};
use crate::repair::{PartChange, PartPlan, Survey};
use crate::replay::Flush;
use crate::report::file_name::FileName;
use crate::report::inspect::{Announced, Heading, Json, Lengths, Payloads, Printer, Text};
use crate::report::number::{counted, grouped, milliseconds, time};
use crate::report::paragraph::Fill;
use crate::report::removed::{content_words, names_words};
use crate::report::style::{Style, Tone};
use crate::select::Step;

/// Stretches that are shown as text; JSON has all.
const SHOWN: usize = 20;

/// Columns of the command that was looked for, where there is no terminal.
const COLUMNS: usize = 120;

/// What goes, and what it did.
#[derive(Debug, Serialize)]
pub struct TravelReport {
    /// Where the log ends then.
    end: Option<EndReport>,
    /// The command that was looked for.
    command: Option<CommandReport>,
    /// What those commands emptied that go.
    emptied: Vec<FlushReport>,
    /// Why what they emptied cannot be told.
    emptied_untold: Option<String>,
    /// How many whole records go.
    records: u64,
    /// How many bytes go.
    removed_bytes: u64,
    removed: Vec<StretchReport>,
}

#[derive(Debug, Serialize)]
struct EndReport {
    part: FileName<OsString>,
    offset: u64,
    time_ms: Option<i64>,
    #[serde(skip)]
    time: Option<i64>,
}

#[derive(Debug, Serialize)]
struct CommandReport {
    record: serde_json::Value,
    keys_before: Option<u64>,
    keys_after: Option<u64>,
    keys_untold: Option<String>,
    /// Whether the rest of the log could be read.
    is_last: bool,
    #[serde(skip)]
    text: Vec<u8>,
}

#[derive(Debug, Serialize)]
struct FlushReport {
    part: FileName<OsString>,
    offset: u64,
    database: Option<u32>,
    keys_before: u64,
    keys_after: u64,
}

#[derive(Debug, Serialize)]
struct StretchReport {
    part: FileName<OsString>,
    /// The first byte that goes.
    from: u64,
    /// The byte after the last.
    to: u64,
    records: u64,
    /// The first different commands among them.
    commands: Vec<NameReport>,
    /// The database that a SELECT in their place selects.
    selects: Option<u64>,
    #[serde(skip)]
    path: FileName<PathBuf>,
    /// Whether the manifest no longer names the part.
    #[serde(skip)]
    leaves: bool,
    #[serde(skip)]
    what: String,
    #[serde(skip)]
    names: Option<String>,
}

#[derive(Debug, Serialize)]
struct NameReport {
    name: FileName<OsString>,
    count: u64,
}

/// Bytes, for JSON.
fn bytes(bytes: &[u8]) -> FileName<OsString> {
    FileName(OsString::from_vec(bytes.to_vec()))
}

fn untold(untold: &Untold) -> String {
    match untold {
        Untold::UnknownCommand(name) => format!("the effect of {} is unknown", Escaped(name)),
        Untold::Damaged => "the log before it is damaged".to_owned(),
        Untold::TooLarge => "a replay of this log may need more memory than is free".to_owned(),
    }
}

impl TravelReport {
    /// What a plan comes to; `found` is the command that was looked for, with its effect.
    pub fn new(
        survey: &Survey,
        travel: &Travel,
        found: Option<&(Found, Effect)>,
        emptied: &Result<Vec<Flush>, Untold>,
        style: Style,
    ) -> Self {
        let name = |part: usize| {
            let path = survey.report.parts.get(part).map_or(&survey.report.path, |part| &part.path);
            FileName(path.file_name().unwrap_or_default().to_owned())
        };
        let flush = |flush: &Flush| FlushReport {
            part: name(flush.place.part),
            offset: flush.place.offset,
            database: flush.database,
            keys_before: flush.keys,
            keys_after: 0,
        };
        let stretch = |stretch: &Stretch| Some(StretchReport::new(travel.plan.parts.get(stretch.part)?, stretch));
        Self {
            end: travel.end.map(|(place, time)| EndReport {
                part: name(place.part),
                offset: place.offset,
                time_ms: time.map(milliseconds),
                time,
            }),
            command: found.map(|(found, effect)| CommandReport::new(survey, found, effect, style)),
            emptied: emptied.iter().flatten().map(flush).collect(),
            emptied_untold: emptied.as_ref().err().map(untold),
            records: travel.removed.iter().map(|stretch| stretch.content.whole + stretch.content.behind).sum(),
            removed_bytes: travel.plan.parts.iter().map(PartPlan::removed).sum(),
            removed: travel.removed.iter().filter_map(stretch).collect(),
        }
    }

    /// How many whole records go.
    pub(crate) const fn records(&self) -> u64 {
        self.records
    }

    /// How many bytes go.
    pub(crate) const fn removed_bytes(&self) -> u64 {
        self.removed_bytes
    }

    /// The question that is asked before it.
    pub fn question(&self, log: &impl std::fmt::Display) -> String {
        let records = counted(self.records, "record");
        match &self.end {
            Some(EndReport { part, offset, .. }) => {
                format!("End {log} at byte {offset} of {part}, and remove {records}?")
            }
            None => format!("Remove {records} from {log}, and keep everything else?"),
        }
    }

    /// Writes what goes.
    pub(crate) fn write_text(&self, out: &mut impl Write, style: Style, fill: Fill<'_>) -> io::Result<()> {
        if let Some(command) = &self.command {
            out.write_all(&command.text)?;
            let count = |keys: Option<u64>| keys.map_or_else(|| "unknown".to_owned(), grouped);
            let [before, after] = [count(command.keys_before), count(command.keys_after)];
            let untold = command.keys_untold.as_ref().map_or_else(String::new, |untold| format!(": {untold}"));
            let keys = format!("{before} before it, {after} after it{untold}");
            write!(out, "keys ")?;
            fill.write(out, &keys)?;
            if !command.is_last {
                write!(out, "note ")?;
                fill.write(out, "the log is damaged after it; whether such a command follows is unknown")?;
            }
        }
        for stretch in self.removed.iter().take(SHOWN) {
            stretch.write_text(out, style, fill)?;
        }
        if let Some(more) = self.removed.len().checked_sub(SHOWN).filter(|more| *more > 0) {
            writeln!(out, "     and {}: --format json lists all", counted(more as u64, "more place"))?;
        }
        if let Some(EndReport { part, offset, time: last, .. }) = &self.end {
            let last = last.map_or_else(String::new, |last| format!(", as of {}", time(last)));
            write!(out, "end  ")?;
            fill.write(out, &format!("the log then ends at byte {offset} of {part}{last}"))?;
        }
        for flush in &self.emptied {
            let FlushReport { part, offset, keys_before, keys_after, .. } = flush;
            let what = flush.database.map_or_else(|| "FLUSHALL".to_owned(), |number| format!("FLUSHDB of {number}"));
            let keys = grouped(*keys_before);
            write!(out, "keys ")?;
            fill.write(out, &format!("{what} at byte {offset} of {part}: {keys} before it, {keys_after} after it"))?;
        }
        if let Some(untold) = &self.emptied_untold {
            write!(out, "keys ")?;
            fill.write(out, &format!("what FLUSHALL or FLUSHDB emptied cannot be told: {untold}"))?;
        }
        Ok(())
    }
}

impl CommandReport {
    fn new(survey: &Survey, found: &Found, effect: &Effect, style: Style) -> Self {
        let mut report = Self {
            record: serde_json::Value::Null,
            keys_before: effect.keys_before.clone().ok(),
            keys_after: effect.keys_after.clone().ok(),
            keys_untold: [&effect.keys_before, &effect.keys_after]
                .into_iter()
                .find_map(|keys| keys.as_ref().err().map(untold)),
            is_last: found.read_whole,
            text: Vec::new(),
        };
        // Everything is written to memory.
        let _ = report.print(survey, found, style);
        report
    }

    /// Prints the command as `inspect` does.
    fn print(&mut self, survey: &Survey, found: &Found, style: Style) -> io::Result<()> {
        let Some((part, file)) = survey.report.parts.get(found.part).zip(survey.files.get(found.part)) else {
            return Ok(());
        };
        let bytes = file.bytes();
        let [start, end] = [found.record.start, found.record.end].map(|at| usize::try_from(at).unwrap_or(usize::MAX));
        let mut reader = Reader::new(bytes, start);
        let Some(Ok(mut record)) = reader.next_record() else { return Ok(()) };
        (record.number, record.membership) = (found.number, found.place.membership);
        let step = Step { record, raw: bytes.get(start..end).unwrap_or_default(), place: found.place };
        let heading = Heading {
            log: None,
            name: part.path.file_name().unwrap_or_default().as_encoded_bytes(),
            role: None,
            length: part.size,
            announced: if survey.report.parts.len() > 1 { Announced::Yes } else { Announced::No },
        };
        let lengths = Lengths::Within(style.columns.unwrap_or(COLUMNS));
        let mut text = Text::new(&mut self.text, style, lengths, Payloads::Raw);
        text.part(&heading)?;
        text.record(&step)?;
        text.flush()?;
        let mut line = Vec::new();
        let mut json = Json::new(&mut line, Payloads::Raw);
        json.part(&heading)?;
        json.record(&step)?;
        json.flush()?;
        drop(json);
        self.record = serde_json::from_slice(&line)?;
        Ok(())
    }
}

impl StretchReport {
    fn new(part: &PartPlan, stretch: &Stretch) -> Self {
        let Stretch { range, content, selects, .. } = stretch;
        let commands =
            content.names.iter().map(|(name, count)| NameReport { name: bytes(name), count: *count }).collect();
        Self {
            part: FileName(part.path.file_name().unwrap_or_default().to_owned()),
            from: range.start,
            to: range.end,
            records: content.whole + content.behind,
            commands,
            selects: *selects,
            path: FileName(part.path.clone()),
            leaves: part.change == PartChange::Leaves,
            what: content_words(content, range.end - range.start),
            names: names_words(content),
        }
    }

    fn write_text(&self, out: &mut impl Write, style: Style, fill: Fill<'_>) -> io::Result<()> {
        let Self { path, from, to, what, .. } = self;
        if self.leaves {
            write!(out, "{} ", style.paint(Tone::Bad, "drop"))?;
            return fill.write(out, &format!("{path}: {what}; the manifest no longer names it"));
        }
        write!(out, "{}  ", style.paint(Tone::Bad, "cut"))?;
        fill.write(out, &format!("bytes {from}..{to} of {path}: {what}"))?;
        let select =
            self.selects.map(|number| format!("SELECT {number} comes in their place, as later records need it"));
        for line in self.names.iter().chain(&select) {
            write!(out, "     ")?;
            fill.write(out, line)?;
        }
        Ok(())
    }
}
