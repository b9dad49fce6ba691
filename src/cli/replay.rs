//! What `rewrite` and `digest` have in common: a replay of the log, and what to print about it.

use std::io;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::anyhow;

use super::console::{Console, hinted};
use super::opened::Opened;
use super::progress::{Bar, Visibility};
use super::replay_arguments::{self, OnDamage, ReplaySettings, Wanted};
use super::{skip_damage, time};
use crate::aof::producer::{ChosenServer, Clues, ServerChoice};
use crate::check::damage;
use crate::command::apply::{EntriesRead, ExpiredFields};
use crate::error::plain;
use crate::escape::Escaped;
use crate::input::Input;
use crate::plural::plural;
use crate::replay::{self, End, Ending, LoadDifference, Options, Place, Replayed, Summary, Unknown, Until};
use crate::report::expired::ExpiredFieldsReport;
use crate::report::file_name::FileName;
use crate::report::number::{counted, grouped};
use crate::report::salvage::SkippedGap;

/// Where the clock of a replay is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ClockSource {
    Log,
    Given,
    Run,
}

impl ClockSource {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::Given => "given",
            Self::Run => "run",
        }
    }
}

/// A log that was replayed, and what the reports need to know about the replay.
pub(super) struct ReplayOutcome<'a> {
    pub(super) replayed: Replayed<'a>,
    pub(super) ending: Ending,
    /// The server that would load the log.
    pub(super) server: ChosenServer,
    pub(super) expired_fields: ExpiredFieldsReport,
    /// What was skipped.
    pub(super) gaps: Vec<SkippedGap>,
}

/// Whether a server looks at the clock while it loads a log.
const fn looks_at_clock(server: ChosenServer) -> bool {
    server.server().expires_fields_on_load()
}

/// What a view of expired fields comes to on a server.
const fn on(server: ChosenServer, wanted: ExpiredFields) -> ExpiredFields {
    match wanted {
        ExpiredFields::AsLoaded if looks_at_clock(server) => ExpiredFields::AsLoaded,
        ExpiredFields::AsLoaded | ExpiredFields::AsWritten => ExpiredFields::AsWritten,
    }
}

impl ReplaySettings {
    /// The time that counts as now, in milliseconds of Unix time.
    pub(super) fn now(&self) -> i64 {
        self.now.unwrap_or_else(now)
    }

    /// Where the log's clock stood at the end, in milliseconds of Unix time, and who said so.
    pub(super) fn clock(&self, summary: &Summary) -> (i64, ClockSource) {
        match (summary.last_timestamp, self.now) {
            (Some(seconds), _) => (seconds.saturating_mul(1000), ClockSource::Log),
            (None, Some(now)) => (now, ClockSource::Given),
            (None, None) => (now(), ClockSource::Run),
        }
    }

    /// Replays the log as the chosen server, and says what there is to say of it. `entries_read` is what ENTRIESREAD
    /// sets on a server.
    pub(super) fn replay<'a>(
        &self,
        opened: &'a Opened,
        server: ServerChoice,
        entries_read: &dyn Fn(ChosenServer) -> EntriesRead,
        console: &mut Console,
    ) -> anyhow::Result<ReplayOutcome<'a>> {
        let bytes = opened.bytes();
        let clues = Clues::before_reading(bytes.len(), bytes.first().copied().unwrap_or_default());
        let now = self.now();
        let visibility = console.progress;
        let read = |server, expired_fields, task| {
            let rules = (server, expired_fields, entries_read(server));
            self.replay_as(opened, now, rules, (visibility, task))
        };
        let (replayed, server) = server.read(clues, |server| {
            let replayed = read(server, on(server, self.expired_fields), "replaying")?;
            let servers = replayed.summary.servers;
            Ok::<_, anyhow::Error>((replayed, servers))
        })?;
        if let Some(damaged) = &replayed.summary.damaged {
            return Err(opened.damage(damaged.place, damaged));
        }
        self.refuse_log_without_times(opened, &replayed.summary)?;
        self.unknown_commands(opened, &replayed.summary, console)?;
        failures(opened, &replayed.summary, console);
        let mut ending = self.ending(opened, &replayed.summary, console)?;
        let mut end = replayed.summary.stopped;
        if let Wanted::Offset(offset) = &self.wanted {
            // A gap that begins there was not read.
            let (part, offset) = opened.place_of(offset)?;
            end = end.min(Place { part, offset });
        }
        let gaps = opened.report_skipped(end, console);
        if !gaps.is_empty() {
            ending = opened.skipped.ending((end.part, end.offset), opened.inputs.len());
        }
        let mut report = ExpiredFieldsReport::new(replay_arguments::name_of(self.expired_fields));
        // Only another replay shows what differs; logs without fields that expire do not need one.
        if replayed.summary.diverged && looks_at_clock(server) {
            let difference = match self.expired_fields {
                ExpiredFields::AsWritten => {
                    let loaded = read(server, ExpiredFields::AsLoaded, "comparing")?;
                    LoadDifference::between(&replayed, &loaded, now)
                }
                ExpiredFields::AsLoaded => {
                    let written = read(server, ExpiredFields::AsWritten, "comparing")?;
                    LoadDifference::between(&written, &replayed, now)
                }
            };
            report.on_load = difference.into();
        }
        Ok(ReplayOutcome { replayed, ending, server, expired_fields: report, gaps })
    }

    fn replay_as<'a>(
        &self,
        opened: &'a Opened,
        now: i64,
        (server, expired_fields, entries_read): (ChosenServer, ExpiredFields, EntriesRead),
        (visibility, task): (Visibility, &'static str),
    ) -> anyhow::Result<Replayed<'a>> {
        let mut bytes = opened.bytes();
        let until = match &self.wanted {
            Wanted::End => Until::End,
            Wanted::Time(seconds) => Until::Time(*seconds),
            Wanted::Offset(offset) => {
                let (part, offset) = opened.place_of(offset)?;
                bytes.truncate(part + 1);
                Until::Offset(opened.skipped.edited(part).map_or(offset, |edited| edited.place_of(offset)))
            }
        };
        let total = bytes.iter().map(|part| part.len() as u64).sum();
        let bar = Bar::new(visibility, total, task);
        let options = Options {
            threads: self.threads,
            unknown: self.unknown,
            until,
            server: server.server(),
            expired_fields,
            entries_read,
            now,
            progress: bar.progress(),
        };
        let mut replayed = replay::replay(&bytes, options);
        replayed.summary.move_places(|place| opened.in_file(place));
        Ok(replayed)
    }

    /// In a log without times, `--at` would mean all of it.
    fn refuse_log_without_times(&self, opened: &Opened, summary: &Summary) -> anyhow::Result<()> {
        let ended_by_itself = !matches!(summary.end, End::Stopped);
        if matches!(self.wanted, Wanted::Time(_)) && ended_by_itself && summary.last_timestamp.is_none() {
            return Err(time::log_without_times(&opened.log.path, "--at", "--at-offset"));
        }
        Ok(())
    }

    /// Prints the commands whose effect is not known; an error if they are refused.
    fn unknown_commands(&self, opened: &Opened, summary: &Summary, console: &mut Console) -> anyhow::Result<()> {
        let lines = summary.unknown.iter().map(|(name, stats)| {
            let (file, offset) = (opened.file(stats.first), stats.first.offset);
            let times = plural(stats.count, "time");
            (
                stats,
                format!(
                    "{file}: unknown command {}, {} {times} (first at byte {offset})",
                    Escaped(name),
                    grouped(stats.count)
                ),
            )
        });
        let mut refused = 0;
        for (stats, line) in lines {
            let fatal = self.unknown == Unknown::Refuse || self.unknown == Unknown::Keep && !stats.keepable;
            refused += usize::from(fatal);
            if fatal {
                console.error(&line);
            } else {
                console.say(&format!("note: {line}"));
            }
        }
        let log = FileName(&opened.log.path);
        match (refused, self.unknown) {
            (0, _) => Ok(()),
            (_, Unknown::Keep) => Err(hinted(
                format!("{log}: these commands cannot be kept: what they change is not one key that they name"),
                "--unknown skip leaves them out".to_owned(),
            )),
            _ => Err(hinted(
                format!("{log}: the effect of these commands is not known"),
                "--unknown keep keeps them with their keys; --unknown skip leaves them out".to_owned(),
            )),
        }
    }

    fn ending(&self, opened: &Opened, summary: &Summary, console: &mut Console) -> anyhow::Result<Ending> {
        let (file, offset) = (opened.file(summary.stopped), summary.stopped.offset);
        let text = match &summary.end {
            End::Whole | End::Stopped => return Ok(Ending::Sound),
            End::OpenTransaction => format!("{file}: ignoring a transaction without EXEC (byte {offset})"),
            End::Damaged(_) if opened.is_no_log() => return Err(opened.damage(summary.stopped, &damage::NO_LOG)),
            End::Damaged(found) => {
                let bytes = opened.inputs.get(summary.stopped.part).map_or(&[][..], Input::bytes);
                let what = damage::of_records(&opened.name(summary.stopped), bytes, found, None).message;
                format!("{file}: {what}; ignoring everything after byte {offset}")
            }
            End::DamagedRdb(damage) => {
                if self.damage == OnDamage::Skip {
                    console.say(skip_damage::NOT_RDB);
                }
                return Err(opened.damage(summary.stopped, damage));
            }
        };
        if self.damage == OnDamage::Refuse {
            return Err(hinted(text, "without --strict, the sound part of the log is used".to_owned()));
        }
        console.say(&format!("warning: {text}"));
        Ok(summary.ending(opened.inputs.len()))
    }
}

/// Prints that commands failed.
fn failures(opened: &Opened, summary: &Summary, console: &mut Console) {
    let Some(first) = summary.failures.first() else { return };
    let (name, file, offset) = (Escaped(&first.name), opened.file(first.place), first.place.offset);
    let commands = counted(summary.failed, "command");
    console.say(&format!(
        "warning: {file}: {commands} failed, as on a server, and changed nothing; the first was {name}: {} \
         (byte {offset})",
        first.failure
    ));
}

/// The time of the run, in milliseconds of Unix time.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// Adds the name of what was written to.
pub(super) fn written_to(path: &Path) -> impl Fn(io::Error) -> anyhow::Error {
    move |error| match error.kind() {
        // Recognized by its type later.
        io::ErrorKind::BrokenPipe => error.into(),
        _ => anyhow!("cannot write {}: {}", FileName(path), plain(&error)),
    }
}
