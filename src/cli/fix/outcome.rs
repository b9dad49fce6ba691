//! What a fix says at its end, as text and as JSON.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;

use super::excerpt;
use crate::aof::{Damage, DamageKind};
use crate::repair::survey::{Condition, ReadOver};
use crate::repair::{Applied, Copy, Finding, PartPlan, PartSurvey, Plan, Refusal, Removed, Survey, Undone, plan};

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Nothing to do.
    Sound,
    /// Shown, not done.
    Planned,
    /// Shown, and not agreed to.
    Declined,
    /// Cut.
    Fixed,
    /// Put back.
    Restored,
    /// Not possible.
    Refused,
}

/// The outcome; the fields are those of the JSON object.
#[derive(Debug, Serialize)]
pub struct Report {
    #[serde(rename = "outcome")]
    pub state: State,
    path: Text,
    file: Option<Text>,
    size: Option<u64>,
    cut_at: Option<u64>,
    removed: Option<u64>,
    copy: Option<Text>,
    applied: bool,
    pub sound: Option<bool>,
    finding: Option<FoundText>,
    records: Option<u64>,
    records_behind: Option<u64>,
    notes: Vec<String>,
    pub message: Option<String>,
    pub advice: Option<String>,
    #[serde(skip)]
    content: Removed,
}

/// A finding in words.
#[derive(Debug, Serialize)]
struct FoundText {
    message: String,
    offset: u64,
    record: u64,
}

/// A path: a string if it is UTF-8.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Text {
    Utf8(String),
    Other { base64: String },
}

impl Text {
    fn of(path: &Path) -> Self {
        match path.to_str() {
            Some(text) => Self::Utf8(text.to_owned()),
            None => Self::Other { base64: data_encoding::BASE64.encode(path.as_os_str().as_encoded_bytes()) },
        }
    }
}

/// A path that a terminal can show.
pub fn shown(path: impl AsRef<OsStr>) -> String {
    let text = path.as_ref().to_string_lossy();
    text.chars().fold(String::new(), |mut out, letter| {
        if letter.is_control() {
            out.extend(letter.escape_default());
        } else {
            out.push(letter);
        }
        out
    })
}

/// The question that is asked before a cut.
pub fn question(change: &PartPlan) -> String {
    let cut_at = change.cut_at().unwrap_or(change.facts.length);
    format!("Cut {} at byte {cut_at}?", shown(&change.path))
}

impl Report {
    pub fn new(path: &Path) -> Self {
        Self {
            state: State::Refused,
            path: Text::of(path),
            file: None,
            size: None,
            cut_at: None,
            removed: None,
            copy: None,
            applied: false,
            sound: None,
            finding: None,
            records: None,
            records_behind: None,
            notes: Vec::new(),
            message: None,
            advice: None,
            content: Removed::default(),
        }
    }

    /// Nothing is to be done.
    pub fn sound(&mut self, survey: &Survey) {
        self.state = State::Sound;
        self.sound = Some(true);
        if let Some(part) = survey.parts.last() {
            self.file = Some(Text::of(&part.path));
            self.size = part.facts().map(|facts| facts.length);
        }
        self.message = Some(format!("{}: sound, nothing to fix", shown(&survey.path)));
    }

    /// A part is to be cut.
    pub fn planned(&mut self, part: &PartSurvey, change: &PartPlan) {
        let cut_at = change.cut_at().unwrap_or(change.facts.length);
        self.state = State::Planned;
        self.sound = Some(false);
        self.file = Some(Text::of(&change.path));
        self.size = Some(change.facts.length);
        self.cut_at = Some(cut_at);
        self.removed = Some(change.facts.length - cut_at);
        self.copy = Some(Text::of(&crate::repair::copy_name(&change.path, cut_at)));
        self.finding = part.finding().map(|finding| found(&finding));
        self.content = Removed::of(part.bytes(), cut_at);
        self.records = Some(self.content.whole + self.content.behind);
        self.records_behind = Some(self.content.behind);
        if let (Condition::Records { read_over: Some(ReadOver::UpTo(_)), .. }, Some(scan)) =
            (&part.condition, part.scan())
        {
            self.notes.push(format!(
                "The official checkers would cut at byte {}, where they find the first fault; servers read over it, so that \
                 what they load behind it stays.",
                scan.valid_up_to()
            ));
        }
    }

    /// Odd records that stay.
    pub fn note_remaining(&mut self, survey: &Survey, planned: &Plan) {
        for (part, oddity, seen) in plan::remaining(survey, planned) {
            let more = if seen.count > 1 { format!(" ({} in all)", seen.count) } else { String::new() };
            self.notes.push(format!(
                "{} has {} at byte {}{more}; that is left as it is.",
                shown(&part.path),
                plan::words(oddity),
                seen.offset
            ));
        }
    }

    /// Nothing can be done.
    pub fn refused(&mut self, refusal: &Refusal, part: Option<&PartSurvey>) {
        self.state = State::Refused;
        self.sound = Some(false);
        self.message = Some(refusal.to_string());
        self.advice = Some(refusal.advice());
        if let Some(part) = part {
            self.file = Some(Text::of(&part.path));
            self.size = part.facts().map(|facts| facts.length);
            self.finding = part.finding().map(|finding| found(&finding));
        }
    }

    /// The cut is done, but something else is wrong.
    pub fn still(&mut self, refusal: &Refusal) {
        self.notes.push(format!("The cut is done, but the log is not sound yet: {refusal}"));
        self.advice = Some(refusal.advice());
    }

    /// The cut is done.
    pub fn fixed(&mut self, applied: &Applied) {
        self.state = State::Fixed;
        self.applied = true;
        self.copy = Some(Text::of(&applied.copy));
        self.message = Some(format!(
            "{} was cut at byte {}; the {} are in {}. To put them back: aofkit fix --undo {}",
            shown(&applied.path),
            applied.cut_at,
            bytes(applied.removed),
            shown(&applied.copy),
            shown(&applied.path)
        ));
    }

    /// What was cut off could be put back.
    pub fn would_restore(&mut self, path: &Path, copy: &Copy) {
        self.restoring(path, copy.cut_at, copy.length, &copy.path);
        self.state = State::Planned;
        self.message = Some(format!(
            "would put {} from {} back behind byte {} of {}, and remove the copy; nothing was changed (--dry-run)",
            bytes(copy.length),
            shown(&copy.path),
            copy.cut_at,
            shown(path)
        ));
    }

    /// What was cut off is back.
    pub fn restored(&mut self, undone: &Undone) {
        self.restoring(&undone.path, undone.cut_at, undone.restored, &undone.copy);
        self.state = State::Restored;
        self.applied = true;
        self.message = Some(format!(
            "{} were put back behind byte {} of {}; {} was removed",
            bytes(undone.restored),
            undone.cut_at,
            shown(&undone.path),
            shown(&undone.copy)
        ));
        if undone.others > 0 {
            self.notes.push(format!("{} more of what was removed at other times stay beside it.", undone.others));
        }
    }

    fn restoring(&mut self, path: &Path, cut_at: u64, length: u64, copy: &Path) {
        self.file = Some(Text::of(path));
        self.cut_at = Some(cut_at);
        self.removed = Some(length);
        self.size = Some(cut_at + length);
        self.copy = Some(Text::of(copy));
    }

    /// What is wrong and what will be done, before it is done.
    pub fn write_plan(&self, part: &PartSurvey, out: &mut impl Write) -> io::Result<()> {
        let file = shown(&part.path);
        let (cut_at, removed) = (self.cut_at.unwrap_or(0), self.removed.unwrap_or(0));
        if let Some(found) = &self.finding {
            writeln!(out, "{file}: damaged at byte {}, in record {}", found.offset, found.record)?;
            writeln!(out, "  {}", found.message)?;
            write!(out, "{}", excerpt::hex(part.bytes(), found.offset))?;
        }
        let name = shown(part.path.file_name().unwrap_or(part.path.as_os_str()));
        writeln!(out, "bytes {cut_at}..{} of {name} go: {}", cut_at + removed, self.content_words())?;
        if !self.content.names.is_empty() {
            let name = |(name, count): &(Vec<u8>, u64)| match count {
                1 => name.escape_ascii().to_string(),
                count => format!("{} ({count} times)", name.escape_ascii()),
            };
            let names: Vec<String> = self.content.names.iter().map(name).collect();
            writeln!(out, "  commands among them: {}", names.join(", "))?;
        }
        if let Some(copy) = &self.copy {
            let copy = match copy {
                Text::Utf8(text) => shown(text),
                Text::Other { .. } => format!("{file}.removed-{cut_at}"),
            };
            writeln!(out, "they are kept in {copy}")?;
        }
        Ok(())
    }

    /// `68 bytes, 2 records and a cut one`.
    fn content_words(&self) -> String {
        let content = &self.content;
        let mut words = bytes(self.removed.unwrap_or(0));
        match (content.whole, content.broken) {
            (0, false) => {}
            (0, true) => words.push_str(", a record that is not whole"),
            (whole, broken) => {
                let _ = write!(words, ", {}{}", records(whole), if broken { " and one that is not whole" } else { "" });
            }
        }
        if content.behind > 0 {
            let least = if content.at_least { "at least " } else { "" };
            let _ = write!(words, ", and behind the damage {least}{} that could be read", records(content.behind));
        }
        words
    }

    /// The end of what is said, for people.
    pub fn write_text(&self, out: &mut impl Write) -> io::Result<()> {
        for note in &self.notes {
            writeln!(out, "note: {note}")?;
        }
        if let (State::Refused, Some(found)) = (self.state, &self.finding) {
            writeln!(out, "at byte {}, in record {}: {}", found.offset, found.record, found.message)?;
        }
        for line in [&self.message, &self.advice].into_iter().flatten() {
            writeln!(out, "{line}")?;
        }
        if self.state == State::Fixed && self.sound == Some(true) {
            writeln!(out, "The log was read again and is sound.")?;
        }
        Ok(())
    }

    /// The object, on one line.
    pub fn write_json(&self, out: &mut impl Write) -> io::Result<()> {
        serde_json::to_writer(&mut *out, self)?;
        writeln!(out)
    }
}

fn bytes(count: u64) -> String {
    if count == 1 { "1 byte".to_owned() } else { format!("{count} bytes") }
}

fn records(count: u64) -> String {
    if count == 1 { "1 record".to_owned() } else { format!("{count} records") }
}

fn found(finding: &Finding) -> FoundText {
    let message = match finding {
        Finding::Damage(damage, None) => damage_words(damage),
        Finding::Damage(damage, Some(open)) => {
            format!("{}, inside the transaction that MULTI opens at byte {}", damage_words(damage), open.offset)
        }
        Finding::OpenTransaction(_) => "no EXEC closes the transaction that this MULTI opens".to_owned(),
    };
    FoundText { message, offset: finding.offset(), record: finding.record() }
}

fn damage_words(damage: &Damage) -> String {
    match damage.kind {
        DamageKind::Truncated { field, missing: Some(missing) } => {
            format!("the file ends inside {field} ({} missing)", bytes(missing))
        }
        DamageKind::Truncated { field, missing: None } => format!("the file ends inside {field}"),
        DamageKind::Malformed { field, problem } => format!("{field}: {problem}"),
        DamageKind::NoRecord { found } => {
            format!("a record begins with '*', an annotation with '#', and here stands 0x{found:02x}")
        }
        DamageKind::LongAnnotation => {
            format!("an annotation is longer than {} bytes", crate::aof::ANNOTATION_LIMIT)
        }
    }
}
