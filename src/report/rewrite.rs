//! The report of a rewrite: before and after, as text and as JSON.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;

use serde::Serialize;

use crate::report::expired::ExpiredFieldsReport;
use crate::report::file_name::FileName;
use crate::report::json;
use crate::report::number::{counted, grouped, time};
use crate::report::salvage::SkippedGap;
use crate::report::style::{Style, Tone};

/// How it ended.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RewriteOutcome {
    /// The new log is elsewhere.
    #[default]
    Written,
    /// The new log is in the place of the old one.
    Replaced,
    /// What would be done was shown.
    Planned,
    /// It was shown, but declined.
    Declined,
}

/// A `FLUSHALL` or `FLUSHDB` in the log.
#[derive(Debug, Serialize)]
pub struct FlushReport {
    /// The name of the part that it is in.
    pub part: FileName<OsString>,
    /// Where it is: a log that ends there has the data from before it.
    pub offset: u64,
    /// The database that it emptied; `null` for all.
    pub database: Option<u32>,
    /// How many keys it removed.
    pub keys: u64,
    /// A command that writes the data from before it, where there is one.
    pub before: Option<String>,
}

/// What was done; the fields are those of the JSON object.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// How it ended.
    pub outcome: RewriteOutcome,
    /// The log.
    pub path: FileName<PathBuf>,
    /// Where the new one is.
    pub output: FileName<PathBuf>,
    /// The format of the new base: `aof` or `rdb`.
    pub base: &'static str,
    /// The version that it was written for; `None` for the oldest that holds the data.
    pub target: Option<&'static str>,
    /// Why that one: `option`, `rdb`, `commands`, or `default` if the log names no server.
    pub chosen_by: &'static str,
    /// What was read.
    pub before: Size,
    /// What was written.
    pub after: Size,
    /// How many keys were written, by type.
    pub keys: BTreeMap<&'static str, u64>,
    /// How many function libraries were written.
    pub functions: u64,
    /// Commands that never change data, or that failed as they would have on a server.
    pub without_effect: WithoutEffect,
    /// What was left out because it had expired.
    pub expired: Expired,
    /// Unknown commands, and how often each was met.
    pub unknown: BTreeMap<String, u64>,
    /// What the target cannot hold, in words.
    pub lost: Vec<String>,
    /// The time that relative expiries count from where the log says nothing, or the log's last, in Unix milliseconds.
    #[serde(skip)]
    pub clock: i64,
    /// The same, unless it is the time of the run: equal runs print the same JSON.
    pub clock_ms: Option<i64>,
    /// Where the clock is from: `log`, `given` or `run`.
    pub clock_source: &'static str,
    /// How fields that have expired were treated, and what a server that loads the log makes of them.
    #[serde(flatten)]
    pub expired_fields: ExpiredFieldsReport,
    /// Whether the output was read back and found to hold the same data.
    pub verified: bool,
    /// The digest of the data, as Redis 8.0 computes it.
    pub digest: Option<String>,
    /// Bytes that were appended to the old log during the rewrite, and are included.
    #[serde(rename = "grown_bytes")]
    pub grown: u64,
    /// How many keys the log held.
    pub keys_before: u64,
    /// What of the log the new one does not have, in words.
    pub dropped: Vec<String>,
    /// What of the log was skipped, as it is damaged.
    pub gaps: Vec<SkippedGap>,
    /// The last commands of the log that emptied it.
    pub flushes: Vec<FlushReport>,
    /// The server that the new log is for, if it takes the place of the old one.
    pub server: Option<&'static str>,
    /// The servers that load the new log, if it takes the place of the old one.
    pub loaded_by: Vec<&'static str>,
    /// The directories in which the old files are kept, or will be: one, or none if nothing is replaced.
    pub copies: Vec<FileName<PathBuf>>,
    /// What was done, or not, and what can be done next.
    pub message: Option<String>,
    /// How long it took, in seconds; not in the JSON object, which is equal for equal runs.
    #[serde(skip)]
    pub seconds: f64,
}

/// How large a log is.
#[derive(Debug, Default, Clone, Copy, Serialize)]
pub struct Size {
    /// Bytes.
    pub bytes: u64,
    /// Commands; keys of an RDB are not among them.
    pub records: u64,
}

/// Commands that had no effect.
#[derive(Debug, Default, Clone, Copy, Serialize)]
pub struct WithoutEffect {
    /// Readers, PUBLISH, SCRIPT LOAD and the like.
    pub ignored: u64,
    /// Those that failed.
    pub failed: u64,
}

/// What had expired.
#[derive(Debug, Default, Clone, Copy, Serialize)]
pub struct Expired {
    /// Keys.
    pub keys: u64,
    /// Fields of hashes.
    pub fields: u64,
}

impl Report {
    /// The note on an output that is larger than the input.
    pub fn growth(&self) -> Option<String> {
        let (before, after) = (self.before.bytes, self.after.bytes);
        let hint = if self.base == "aof" { "; --base rdb may be smaller" } else { "" };
        (after > before).then(|| {
            format!("the output is larger than the input: {}, {} before{hint}", counted(after, "byte"), grouped(before))
        })
    }

    /// Writes the report as one JSON object on a line.
    ///
    /// # Errors
    /// What the writer says.
    pub fn write_json(&self, out: &mut impl Write) -> io::Result<()> {
        json::write_object(out, self)
    }

    /// The question that is asked before the old log is replaced.
    pub fn question(&self) -> String {
        format!("Replace {}?", self.path)
    }

    /// The new log is in the place of the old one; the commands put that back and discard it.
    pub fn replaced(&mut self, [undo, discard]: [String; 2]) {
        self.outcome = RewriteOutcome::Replaced;
        let copies = self.copies.first().map_or_else(String::new, FileName::to_string);
        self.message = Some(format!(
            "replaced; the old log is in {copies}\n  to put it back: {undo}\n  to discard it:  {discard}"
        ));
    }

    /// Nothing was changed.
    pub fn unchanged(&mut self, outcome: RewriteOutcome, why: &str) {
        self.outcome = outcome;
        self.message = Some(format!("nothing was changed{why}"));
    }

    /// Writes what was done, or not, for people: what follows the report where that was shown before.
    ///
    /// # Errors
    /// What the writer says.
    pub fn write_message(&self, out: &mut impl Write) -> io::Result<()> {
        self.message.iter().try_for_each(|message| writeln!(out, "{message}"))
    }

    /// Writes the report for people.
    ///
    /// # Errors
    /// What the writer says.
    pub fn write_text(&self, out: &mut impl Write, style: Style) -> io::Result<()> {
        let verified = if self.verified { ", read back and found the same" } else { "" };
        writeln!(out, "{} → {}{verified}", style.paint(Tone::Good, &self.path), self.output)?;
        let row = |out: &mut dyn Write, what: &str, before: u64, after: u64| {
            let share = share(after, before).map_or_else(String::new, |share| format!(" {share:>8}"));
            writeln!(out, "  {what:<9} {:>15} → {:>15}{share}", grouped(before), grouped(after))
        };
        row(out, "bytes", self.before.bytes, self.after.bytes)?;
        if self.base == "aof" {
            row(out, "records", self.before.records, self.after.records)?;
        }
        self.keys_and_losses(out, style)?;
        #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
        let rate = self.before.bytes as f64 / 1e6 / self.seconds.max(1e-6);
        writeln!(out, "  {:<9} {:.2} s, {rate:.0} MB/s", "took", self.seconds)
    }

    fn keys_and_losses(&self, out: &mut impl Write, style: Style) -> io::Result<()> {
        let total: u64 = self.keys.values().sum();
        let kinds: Vec<_> = self.keys.iter().map(|(kind, count)| format!("{} {kind}", grouped(*count))).collect();
        let kinds = if kinds.len() > 1 { format!(": {}", kinds.join(", ")) } else { String::new() };
        let kinds = match (self.keys.first_key_value(), self.keys.len()) {
            (Some((kind, _)), 1) => format!(", all {kind}"),
            _ => kinds,
        };
        let before =
            if self.keys_before == total { String::new() } else { format!("{} → ", grouped(self.keys_before)) };
        writeln!(out, "  {:<9} {before}{}{kinds}", "keys", grouped(total))?;
        for dropped in &self.dropped {
            writeln!(out, "  {:<9} {dropped}", style.paint(Tone::Doubtful, "dropped"))?;
        }
        for flush in &self.flushes {
            let command =
                flush.database.map_or_else(|| "FLUSHALL".to_owned(), |number| format!("FLUSHDB of database {number}"));
            let keys = counted(flush.keys, "key");
            let text = format!("{command} at byte {} of {} removed {keys}", flush.offset, flush.part);
            writeln!(out, "  {:<9} {text}", style.paint(Tone::Doubtful, "emptied"))?;
            if let Some(before) = &flush.before {
                writeln!(out, "  {:<9} to get them: {before}", "")?;
            }
        }
        if self.functions > 0 {
            writeln!(out, "  {:<9} {}", "functions", counted(self.functions, "library"))?;
        }
        let Expired { keys, fields } = self.expired;
        if keys + fields > 0 {
            writeln!(out, "  {:<9} {} and {} left out", "expired", counted(keys, "key"), counted(fields, "field"))?;
        }
        let WithoutEffect { ignored, failed } = self.without_effect;
        if ignored + failed > 0 {
            let text = format!("{} changed nothing, {} failed", counted(ignored, "command"), grouped(failed));
            writeln!(out, "  {:<9} {text}", "no effect")?;
        }
        for (name, count) in &self.unknown {
            writeln!(out, "  {:<9} {name}, {}", "unknown", counted(*count, "command"))?;
        }
        for lost in &self.lost {
            writeln!(out, "  {:<9} {lost}", style.paint(Tone::Doubtful, "given up"))?;
        }
        if self.grown > 0 {
            writeln!(out, "  {:<9} {} written during the rewrite, included", "grown", counted(self.grown, "byte"))?;
        }
        let target = match (self.target, self.chosen_by) {
            (Some(target), "rdb") => format!("{target}, named by the RDB in the log"),
            (Some(target), "commands") => format!("{target}, from the commands in the log"),
            (Some(target), _) => format!("{target}, as given"),
            (None, _) => "the oldest that holds the data: the log names no server".to_owned(),
        };
        writeln!(out, "  {:<9} {target}", "server")?;
        let source = match self.clock_source {
            "log" => "the log's last time",
            "given" => "as given: the log has no times",
            _ => "the time of this run: the log has no times",
        };
        writeln!(out, "  {:<9} {}, {source}", "clock", time(self.clock.div_euclid(1000)))?;
        if !self.loaded_by.is_empty() {
            writeln!(out, "  {:<9} {}", "loads in", self.loaded_by.join(", "))?;
        }
        if let Some(copies) = self.copies.first() {
            writeln!(out, "  {:<9} the old log, {}, in {copies}", "keep", counted(self.before.bytes, "byte"))?;
        }
        Ok(())
    }
}

/// A part in percent of a whole; `None` if the whole is 0.
fn share(part: u64, whole: u64) -> Option<String> {
    if whole == 0 {
        return None;
    }
    #[expect(clippy::cast_precision_loss, reason = "a percentage for people")]
    let percent = part as f64 * 100.0 / whole as f64;
    Some(format!("{percent:.1} %"))
}
