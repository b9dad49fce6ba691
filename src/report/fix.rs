//! The report of a fix: what will be done, and what was done, as text and as JSON.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::check::{Code, Excerpt, Finding, PartReport};
use crate::escape::{columns, shell_word, visible};
use crate::plural::counted;
use crate::repair::manifest::{Doubt, Rebuilt};
use crate::repair::plan::{damage, loads_after, remaining};
use crate::repair::salvage::LogSalvage;
use crate::repair::survey::{Condition, FileSurvey, ReadOver};
use crate::repair::{Applied, Obstacle, PartPlan, Plan, Refusal, Removed, Survey, kept_directory, removed_name};
use crate::report::check::write_excerpt;
use crate::report::file_name::FileName;
use crate::report::json;
use crate::report::manifest::ManifestReport;
use crate::report::paragraph::{Fill, paragraph};
use crate::report::plan::{ChangeReport, changes};
use crate::report::removed::{content_words, names_words};
use crate::report::salvage::SalvageReport;
use crate::report::style::{Style, Tone};
use crate::report::travel::TravelReport;
use crate::storage::directory_of;
use crate::storage::kept::Copies;

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Nothing to do.
    Sound,
    /// Shown, not done.
    Planned,
    /// Shown, but declined.
    Declined,
    /// Cut.
    Fixed,
    /// Not possible.
    Refused,
}

/// The outcome; the fields are those of the JSON object.
#[derive(Debug, Serialize)]
pub struct Report {
    /// How it ended, or how far it got.
    #[serde(rename = "outcome")]
    pub state: State,
    path: FileName<PathBuf>,
    /// The name of the part that is damaged, or was read last.
    part: Option<FileName<OsString>>,
    /// The same, with its directory.
    #[serde(skip)]
    file: Option<FileName<PathBuf>>,
    #[serde(rename = "bytes")]
    size: Option<u64>,
    cut_at: Option<u64>,
    #[serde(rename = "removed_bytes")]
    removed: Option<u64>,
    copy: Option<FileName<PathBuf>>,
    applied: bool,
    /// Whether the log is sound now, where that is known.
    pub sound: Option<bool>,
    finding: Option<Found>,
    /// The release that the log was checked for.
    server: Option<&'static str>,
    /// Why that one: `option`, `rdb`, `commands` or `default`.
    chosen_by: Option<&'static str>,
    records: Option<u64>,
    records_behind: Option<u64>,
    /// The files that change.
    changes: Vec<ChangeReport>,
    /// Whether the server loads the log after the change, as far as can be told before it.
    loads_after: Option<bool>,
    salvage: Option<SalvageReport>,
    manifest: Option<ManifestReport>,
    travel: Option<TravelReport>,
    notes: Vec<String>,
    /// What was done, or why nothing was.
    pub message: Option<String>,
    /// What can be done next.
    pub advice: Option<String>,
    /// Whether a part is cut in place, and only its end is kept.
    #[serde(skip)]
    is_cut: bool,
    #[serde(skip)]
    copies: Copies,
    #[serde(skip)]
    content: Removed,
    #[serde(skip)]
    excerpt: Option<Excerpt>,
    /// Paths and commands that the texts name.
    #[serde(skip)]
    whole: Vec<String>,
}

/// A finding, as in the report of a check.
#[derive(Debug, Serialize)]
struct Found {
    code: Code,
    #[serde(rename = "path")]
    file: FileName<PathBuf>,
    offset: Option<u64>,
    record: Option<u64>,
    message: String,
}

impl Found {
    fn of(finding: &Finding) -> Self {
        Self {
            code: finding.code,
            file: FileName(finding.file.clone()),
            offset: finding.offset,
            record: finding.record,
            message: finding.message.clone(),
        }
    }

    /// ` at byte 12, in record 3`.
    fn place(&self) -> String {
        let offset = self.offset.map_or_else(String::new, |offset| format!(" at byte {offset}"));
        let record = self.record.map_or_else(String::new, |record| format!(", in record {record}"));
        offset + &record
    }
}

/// How much a plan takes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loss {
    /// How many bytes.
    pub bytes: u64,
    /// The bytes of the log before.
    pub of: u64,
    /// How many records among them are whole.
    pub records: u64,
    /// How many of those follow the damage.
    pub follows: u64,
}

/// The file with the bytes that a cut removes, or the directory with the files as they were.
fn copy_in(directory: &Path, plan: &Plan) -> PathBuf {
    let cut = plan.in_place_cut();
    cut.map_or_else(|| directory.to_owned(), |(part, cut_at)| directory.join(removed_name(&part.path, cut_at)))
}

/// The question that is asked before a cut.
pub fn question(change: &PartPlan) -> String {
    let cut_at = change.cut_at().unwrap_or(change.identity.length);
    format!("Cut {} at byte {cut_at}?", FileName(&change.path))
}

impl Report {
    /// The report on a log that was not read yet.
    pub fn new(path: &Path) -> Self {
        Self {
            state: State::Refused,
            path: FileName(path.to_owned()),
            part: None,
            file: None,
            size: None,
            cut_at: None,
            removed: None,
            copy: None,
            applied: false,
            sound: None,
            finding: None,
            server: None,
            chosen_by: None,
            records: None,
            records_behind: None,
            changes: Vec::new(),
            loads_after: None,
            salvage: None,
            manifest: None,
            travel: None,
            notes: Vec::new(),
            message: None,
            advice: None,
            is_cut: false,
            copies: Copies::Beside,
            content: Removed::default(),
            excerpt: None,
            whole: vec![FileName(path).to_string()],
        }
    }

    fn name(&mut self, path: &Path) {
        self.whole.push(FileName(path).to_string());
    }

    /// Sets the file that the report is about.
    fn about(&mut self, path: &Path) {
        self.name(path);
        self.part = path.file_name().map(|name| FileName(name.to_owned()));
        self.file = Some(FileName(path.to_owned()));
    }

    /// Says which server the survey is about, and why.
    pub fn judged_by(&mut self, survey: &Survey) {
        if self.server.is_some() {
            return;
        }
        let chosen = survey.report.chosen;
        self.server = Some(chosen.release.name());
        self.chosen_by = Some(chosen.evidence.name());
        self.notes.push(format!("judged as {chosen}"));
    }

    /// There is nothing to do.
    pub fn sound(&mut self, survey: &Survey) {
        self.state = State::Sound;
        self.sound = Some(true);
        self.name(&survey.report.path);
        if let Some(part) = survey.report.parts.last() {
            self.about(&part.path);
            self.size = Some(part.size);
        }
        self.message = Some(format!("{}: nothing is damaged, and nothing was changed", FileName(&survey.report.path)));
    }

    /// There is no log yet, as in the data directory of a new server; `other` is one further down.
    pub fn nothing_yet(&mut self, other: Option<&Path>) {
        self.state = State::Sound;
        let path = self.path.to_string();
        self.notes.push(format!("{path}: no append-only file in this directory yet; nothing to fix"));
        if let Some(other) = other {
            let command = format!("aofkit fix {}", shell_word(other));
            self.notes.push(format!("there is a log further down; if that was meant, run: {command}"));
            self.whole.push(command);
        }
    }

    /// A part is to be cut.
    pub fn planned(&mut self, survey: &Survey, part: &PartReport, file: &FileSurvey, change: &PartPlan) {
        let cut_at = change.cut_at().unwrap_or(change.identity.length);
        self.state = State::Planned;
        self.sound = Some(false);
        self.about(&change.path);
        self.size = Some(change.identity.length);
        self.cut_at = Some(cut_at);
        self.removed = Some(change.identity.length - cut_at);
        self.take(damage(survey, part));
        self.content = Removed::of(file.bytes(), cut_at);
        self.records = Some(self.content.whole + self.content.behind);
        self.records_behind = Some(self.content.behind);
        if self.content.behind > 0 {
            let command = format!("aofkit fix --salvage {}", shell_word(&survey.report.path));
            let records = counted(self.content.behind, "record");
            self.notes.push(format!("{records} after the damage would be lost; to keep them, run: {command}"));
            self.whole.push(command);
        }
        if let Condition::ReadOver(ReadOver::UpTo(_)) = file.condition {
            self.notes.push(format!(
                "the official checkers would cut at byte {}, before the first fault; servers read over it, and what \
                 they load after it is kept",
                part.valid_up_to()
            ));
        }
    }

    fn take(&mut self, finding: Option<&Finding>) {
        self.finding = finding.map(Found::of);
        self.excerpt = finding.and_then(|finding| finding.excerpt.clone());
    }

    /// What a check found and the plan leaves.
    pub fn note_remaining(&mut self, survey: &Survey, planned: &Plan) {
        self.loads_after = loads_after(survey, planned);
        for finding in remaining(survey, planned) {
            let found = Found::of(finding);
            let more = if finding.count > 1 { format!(" ({} in all)", finding.count) } else { String::new() };
            self.name(&finding.file);
            self.notes.push(format!("{}{}: {}{more}", FileName(&finding.file), found.place(), found.message));
        }
    }

    /// Damaged places are to be taken out, and everything else is to be kept.
    pub fn salvage_planned(&mut self, survey: &Survey, log: &LogSalvage) {
        let report = SalvageReport::new(log);
        self.state = State::Planned;
        self.sound = Some(false);
        self.name(&survey.report.path);
        let changed = log.plan.changes().next();
        if let Some(part) = changed {
            self.about(&part.path);
        }
        self.size = Some(log.plan.parts.iter().map(|part| part.identity.length).sum());
        self.removed = Some(report.removed_bytes);
        if report.has_doubt() {
            self.notes.push(
                "records after a place where a SELECT may have been lost are taken for the database before it; \
                 --assume-db N takes them for another"
                    .to_owned(),
            );
        }
        self.salvage = Some(report);
    }

    /// The plan as data, and where what it removes is to be kept, as far as can be said now.
    pub fn will_change(&mut self, plan: &Plan, copies: &Copies) {
        self.changes = changes(plan);
        self.is_cut = plan.in_place_cut().is_some();
        self.copies = copies.clone();
        let Some(directory) = kept_directory(plan, copies) else { return };
        self.name(&directory);
        self.copy = Some(FileName(copy_in(&directory, plan)));
    }

    /// The manifest is to be written; `refusal` says what is wrong with the one that is there.
    pub fn manifest_planned(&mut self, refusal: Option<&Refusal>, rebuilt: &Rebuilt, plan: &Plan) {
        self.state = State::Planned;
        self.sound = Some(false);
        self.about(&rebuilt.path);
        self.take(refusal.and_then(|refusal| refusal.finding.as_deref()));
        self.size = rebuilt.before.as_ref().map(|before| before.text.len() as u64);
        self.manifest = Some(ManifestReport::new(rebuilt, plan));
    }

    /// A part is damaged that the plan, which writes the manifest alone, leaves as it is.
    pub fn damaged_part_stays(&mut self, survey: &Survey) {
        let is_damaged = |part: &&PartReport| damage(survey, part).is_some();
        let Some(part) = survey.report.parts.iter().find(is_damaged) else { return };
        let command = format!("aofkit fix --salvage {}", shell_word(&self.path.0));
        self.name(&part.path);
        self.notes.push(format!(
            "{} is damaged, and this does not change it; to write the manifest and to mend the part as one change, \
             run: {command}",
            FileName(&part.path)
        ));
        self.whole.push(command);
    }

    /// There are parts of a log and no manifest, and which of them count is not certain.
    pub fn manifest_missing(&mut self, doubt: &Doubt) {
        self.state = State::Refused;
        self.sound = Some(false);
        self.about(&doubt.file);
        self.message = Some(format!(
            "{}: there are parts of a log, but no manifest, without which a server that starts writes over them; none \
             can be worked out: {}: {}",
            self.path,
            FileName(&doubt.file),
            visible(&doubt.reason)
        ));
        self.advice = Some(doubt.advice.clone());
    }

    /// A file has other names (hard links).
    pub fn note_other_names(&mut self, path: &Path, others: u64, is_cut: bool) {
        let names = counted(others, "other name");
        let what = if is_cut { "where the end is gone as well then" } else { "under which it stays as it is" };
        self.notes.push(format!("{} has {names} (hard links), {what}", FileName(path)));
    }

    /// The manifest is missing, and has to be written before anything else is done.
    pub fn manifest_comes_first(&mut self, rebuilt: &Rebuilt) {
        self.sound = Some(false);
        self.about(&rebuilt.path);
        let command = format!("aofkit fix {}", shell_word(&self.path.0));
        self.message = Some(format!("{}: the manifest is missing", FileName(&rebuilt.path)));
        self.advice = Some(format!("write it first: {command}"));
        self.whole.push(command);
    }

    /// Which files count is not certain.
    pub fn manifest_doubtful(&mut self, doubt: &Doubt) {
        self.name(&doubt.file);
        let reason = visible(&doubt.reason);
        self.notes.push(format!("no manifest can be worked out: {}: {reason}", FileName(&doubt.file)));
        self.advice = Some(doubt.advice.clone());
    }

    /// The manifest was replaced, and something else is damaged.
    pub fn manifest_fixed_alone(&mut self) {
        self.sound = Some(false);
        let command = format!("aofkit fix --salvage {}", shell_word(&self.path.0));
        self.advice = Some(format!("a part is damaged as well; to fix it, run: {command}"));
        self.whole.push(command);
    }

    /// Whole records are to be taken out.
    pub fn travel_planned(&mut self, survey: &Survey, plan: &Plan, travel: TravelReport) {
        self.state = State::Planned;
        self.sound = Some(survey.report.is_sound());
        self.name(&survey.report.path);
        for part in plan.changes() {
            self.about(&part.path);
        }
        self.cut_at = plan.changes().next().filter(|_| plan.manifest.is_none()).and_then(PartPlan::cut_at);
        self.size = Some(plan.parts.iter().map(|part| part.identity.length).sum());
        self.removed = Some(travel.removed_bytes());
        self.records = Some(travel.records());
        self.travel = Some(travel);
    }

    /// The log ends at that place already.
    pub fn nothing_later(&mut self, survey: &Survey) {
        let is_sound = survey.report.is_sound();
        self.state = if is_sound { State::Sound } else { State::Refused };
        self.sound = Some(is_sound);
        self.message = Some(format!("{}: nothing comes after that, and nothing was changed", self.path));
    }

    /// How much the plan takes out.
    pub fn loss(&self) -> Loss {
        Loss {
            bytes: self.removed.unwrap_or(0),
            of: self.size.unwrap_or(0),
            records: self.salvage.as_ref().map_or(self.records.unwrap_or(0), SalvageReport::whole_records),
            follows: self.records_behind.unwrap_or(0),
        }
    }

    /// The question that is asked before a salvage.
    pub fn salvage_question(&self) -> String {
        let (places, bytes) = self.salvage.as_ref().map_or((0, 0), |salvage| (salvage.gaps(), salvage.removed_bytes));
        let manifest = if self.manifest.is_some() { "Write the manifest, take" } else { "Take" };
        format!(
            "{manifest} {} out of {} in {}, and keep everything else?",
            counted(bytes, "byte"),
            self.path,
            counted(places as u64, "place")
        )
    }

    fn write_salvage(&self, salvage: &SalvageReport, out: &mut impl Write, style: Style) -> io::Result<()> {
        salvage.write_text(out, style)?;
        let records = match (salvage.records, salvage.entries) {
            (records, 0) => counted(records, "record"),
            (0, entries) => counted(entries, "entry"),
            (records, entries) => format!("{} and {}", counted(entries, "entry"), counted(records, "record")),
        };
        match &self.copy {
            Some(_) => self.write_keep(
                out,
                style,
                &format!("{records}, and {} in", if self.is_cut { "what is cut off," } else { "the log as it is now" }),
            ),
            None => {
                write!(out, "{} ", style.paint(Tone::Good, "keep"))?;
                self.fill(style, 5).write(out, &records)?;
                self.write_keep(out, style, "")
            }
        }
    }

    /// What is kept where.
    fn write_keep(&self, out: &mut impl Write, style: Style, what: &str) -> io::Result<()> {
        let Some(copy) = &self.copy else {
            write!(out, "{} ", style.paint(Tone::Bad, "note"))?;
            return self.fill(style, 5).write(out, "no copy is kept (--keep-nothing): this cannot be undone");
        };
        let directory = if self.is_cut { directory_of(&copy.0) } else { copy.0.as_path() };
        write!(out, "{} ", style.paint(Tone::Good, "keep"))?;
        self.fill(style, 5).write(out, &format!("{what} {}", FileName(directory)))
    }

    /// Nothing can be done.
    pub fn refused(&mut self, refusal: &Refusal) {
        self.state = State::Refused;
        self.sound = Some(false);
        self.about(&refusal.file);
        if let Obstacle::NotTheLastPart { manifest, .. } | Obstacle::History { manifest } = &refusal.obstacle {
            self.name(manifest);
            self.whole.push(format!("aofkit fix {}", shell_word(manifest)));
        }
        self.message = Some(format!("{}: {}", FileName(&refusal.file), visible(&refusal.message())));
        self.advice = Some(visible(&refusal.advice()).into_owned());
        self.take(refusal.finding.as_deref());
    }

    /// The end was cut off, but something else is wrong.
    pub fn still(&mut self, refusal: &Refusal) {
        self.sound = Some(false);
        let found = refusal.finding.as_deref().map(Found::of);
        let what = found.map_or_else(
            || visible(&refusal.message()).into_owned(),
            |found| format!("{}{}", found.message, found.place()),
        );
        let done = if self.travel.is_some() { "this was done" } else { "the end was cut off" };
        self.notes.push(format!("{done}, but the log is not sound yet: {what}"));
        self.advice = Some(visible(&refusal.advice()).into_owned());
    }

    /// The log was changed.
    pub fn fixed(&mut self, plan: &Plan, applied: &Applied) {
        self.state = State::Fixed;
        self.applied = true;
        let directory = applied.kept.as_ref().map(|kept| kept.directory.as_path());
        self.copy = directory.map(|directory| FileName(copy_in(directory, plan)));
        let names: Vec<String> = applied.paths.iter().map(|path| FileName(path).to_string()).collect();
        self.whole.extend(names.clone());
        let (paths, bytes) = (names.join(", "), counted(applied.removed, "byte"));
        let what = match applied.cut_at {
            Some(cut_at) => format!("{paths} was cut at byte {cut_at}; what was cut off, {bytes}, is in"),
            None if applied.paths.len() > 1 => {
                let done = if self.travel.is_some() { "taken out" } else { "taken out or put right" };
                format!("the log is changed ({bytes} {done}; {paths}); the files as they were are in")
            }
            None if self.manifest.as_ref().is_some_and(|manifest| !manifest.is_new()) => {
                format!("{paths} was replaced; the manifest as it was is in")
            }
            None if self.manifest.is_some() => format!("{paths} was written; a note of that is in"),
            None if self.travel.is_some() => {
                format!("{paths} is changed ({bytes} taken out); the file as it was is in")
            }
            None => format!("{paths} is mended ({bytes} taken out or put right); the file as it was is in"),
        };
        let Some(directory) = directory else {
            let what = what.rsplit_once("; ").map_or(what.as_str(), |(done, _)| done);
            self.message = Some(format!("{what}; nothing was kept (--keep-nothing): this cannot be undone"));
            return;
        };
        let log = match applied.paths.as_slice() {
            [file] => shell_word(file),
            _ => shell_word(&self.path.0),
        };
        let elsewhere = match &self.copies {
            Copies::In(directory) => format!("--copy-to {} ", shell_word(directory)),
            Copies::Beside | Copies::Nothing => String::new(),
        };
        let [undo, discard] = ["undo", "discard-copies"].map(|what| format!("aofkit fix --{what} {elsewhere}{log}"));
        self.whole.extend([undo.clone(), discard.clone()]);
        self.message =
            Some(format!("{what} {}\nto put it back: {undo}\nto discard it:  {discard}", FileName(directory)));
        self.name(directory);
    }

    /// What is wrong and what will be done, before it is done.
    ///
    /// # Errors
    /// What the writer says; so for all that follow.
    pub fn write_plan(&self, out: &mut impl Write, style: Style) -> io::Result<()> {
        if let Some(manifest) = &self.manifest {
            self.write_finding(out, style)?;
            manifest.write_text(out, style)?;
            if manifest.is_new() && self.salvage.is_none() {
                return Ok(());
            }
        }
        if let Some(salvage) = &self.salvage {
            return self.write_salvage(salvage, out, style);
        }
        if let Some(travel) = &self.travel {
            travel.write_text(out, style, self.fill(style, 5))?;
            let what = if self.cut_at.is_some() { "what is cut off, in" } else { "the files as they are now, in" };
            return self.write_keep(out, style, what);
        }
        if self.manifest.is_some() {
            return self.write_keep(out, style, "the manifest as it is now, in");
        }
        self.write_finding(out, style)?;
        let (cut_at, removed) = (self.cut_at.unwrap_or(0), self.removed.unwrap_or(0));
        let file = self.file.as_ref().map_or_else(String::new, FileName::to_string);
        let end = cut_at + removed;
        write!(out, "{}  ", style.paint(Tone::Bad, "cut"))?;
        self.fill(style, 5)
            .write(out, &format!("bytes {cut_at}..{end} of {file}: {}", content_words(&self.content, removed)))?;
        if let Some(names) = names_words(&self.content) {
            paragraph(out, style, "     ", &names)?;
        }
        self.write_keep(out, style, if removed == 1 { "it in" } else { "them in" })
    }

    fn fill(&self, style: Style, indent: usize) -> Fill<'_> {
        Fill { whole: &self.whole, ..Fill::after(style, indent) }
    }

    fn write_finding(&self, out: &mut impl Write, style: Style) -> io::Result<()> {
        let Some(found) = &self.finding else { return Ok(()) };
        let (file, code, place) = (found.file.to_string(), found.code.name(), found.place());
        let columns = columns(&file) + 2 + code.len() + place.len();
        let gap = if style.columns.is_some_and(|limit| columns > limit) { "\n    " } else { " " };
        writeln!(out, "{file}:{gap}{}{place}", style.paint(Tone::Bad, code))?;
        paragraph(out, style, "    ", &found.message)?;
        self.excerpt.as_ref().map_or(Ok(()), |excerpt| write_excerpt(out, excerpt, style))
    }

    /// The end of what is said, for people.
    ///
    /// # Errors
    /// What the writer says.
    pub fn write_text(&self, out: &mut impl Write, style: Style) -> io::Result<()> {
        if self.state == State::Refused {
            self.write_finding(out, style)?;
        }
        for note in &self.notes {
            write!(out, "note: ")?;
            self.fill(style, 6).write(out, note)?;
        }
        self.write_message(out, style)?;
        if self.state == State::Fixed && self.sound == Some(true) {
            writeln!(out, "checked again: {}", style.paint(Tone::Good, "nothing is damaged"))?;
        }
        Ok(())
    }

    /// What was done, or why nothing could be; nothing if there was nothing to do.
    ///
    /// # Errors
    /// What the writer says.
    pub fn write_outcome(&self, out: &mut impl Write, style: Style) -> io::Result<()> {
        if self.state == State::Sound { Ok(()) } else { self.write_message(out, style) }
    }

    fn write_message(&self, out: &mut impl Write, style: Style) -> io::Result<()> {
        // A command stands on a line of its own, to be copied.
        for line in self.message.iter().flat_map(|text| text.lines()) {
            self.fill(style, 0).write(out, line)?;
        }
        if let Some(advice) = &self.advice {
            write!(out, "hint: ")?;
            self.fill(style, 6).write(out, advice)?;
        }
        Ok(())
    }

    /// The object, on one line.
    ///
    /// # Errors
    /// What the writer says.
    pub fn write_json(&self, out: &mut impl Write) -> io::Result<()> {
        json::write_object(out, self)
    }
}
