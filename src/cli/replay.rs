//! What `rewrite` and `digest` have in common: the log, the moment of it that is wanted, and what a replay has to say.

use std::io;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{anyhow, bail};
use clap::ValueEnum;

use super::console::{Console, hinted};
use super::offset::PartOffset;
use super::progress::{Progress, Visibility};
use super::source;
use super::time::{self, Moment};
use crate::aof::log::{Layout, Log};
use crate::aof::producer::{ChosenServer, Clues, ServerChoice};
use crate::aof::{DamageKind, is_no_log};
use crate::check::damage;
use crate::command::apply::{EntriesRead, ExpiredFields};
use crate::error::plain;
use crate::escape::{Escaped, shell_word};
use crate::input::{Input, is_stdin};
use crate::plural::plural;
use crate::rdb;
use crate::replay::{self, End, LoadDifference, Options, Place, Replayed, Summary, Until};
use crate::report::expired::ExpiredFieldsReport;
use crate::report::file_name::FileName;
use crate::report::number::{counted, grouped};

/// Which state of the log, and how it is replayed.
#[derive(Debug, clap::Args)]
pub(super) struct ReplayArguments {
    /// The data as it was at this time: unix seconds, RFC 3339, or a date (UTC)
    ///
    /// Ends before the first #TS: annotation with a later time; servers write them with aof-timestamp-enabled yes. A
    /// log without any is an error.
    #[arg(long, value_name = "TIME", value_parser = time::parse, allow_hyphen_values = true, conflicts_with = "at_offset", help_heading = "Which data")]
    at: Option<Moment>,
    /// The data as it was when the last part, or PART, had this many bytes
    ///
    /// PART is the file name of a part; the parts after it are left out. A record that is not complete at the offset
    /// is left out, too. An offset beyond the end of its part, or inside an RDB, is an error.
    #[arg(long, value_name = "[PART:]N", help_heading = "Which data")]
    at_offset: Option<PartOffset>,
    /// How to handle commands of modules and others that no server knows
    #[arg(long, value_name = "WHAT", value_enum, default_value_t = Unknown::Refuse, help_heading = "Replay")]
    unknown: Unknown,
    /// Treat fields whose expiry has passed as the server had them that wrote the log, or as one that loads it
    ///
    /// Redis 7.4 and later look at the clock while they load a log. There HPERSIST, HGETEX, HINCRBY, HINCRBYFLOAT,
    /// HSETNX, HSETEX with FNX or FXX, HGETDEL and SORT with BY or GET do not find a field whose expiry has passed
    /// by the time of loading, though it was there when the command was logged: a field that HPERSIST kept is
    /// lost. The same goes for XADD with IDMP whose id had been forgotten. Other servers, Valkey among them, do
    /// not look at the clock, and both values mean the same for them. If what --server would load differs from
    /// what was written, a note says what is lost. The time of loading is --now.
    #[arg(
        long,
        value_name = "WHICH",
        value_enum,
        help = "Treat fields whose expiry has passed as the server had them that wrote the log, or as one that loads it \
                [default: as-written in rewrite, as-loaded in digest]",
        help_heading = "Replay"
    )]
    expired_fields: Option<ExpiredFieldsChoice>,
    /// The time of loading, and from which relative expiries count if the log has no #TS: annotation [default: now]
    #[arg(long, value_name = "TIME", value_parser = time::parse, allow_hyphen_values = true, help_heading = "Replay")]
    now: Option<Moment>,
    /// Refuse a damaged log, even if a server would truncate and load it
    #[arg(long, help_heading = "Replay")]
    strict: bool,
    /// Number of threads that replay [default: one per core]
    #[arg(long, value_name = "N", value_parser = source::positive, help_heading = "Replay")]
    threads: Option<NonZeroUsize>,
}

/// Whose view of expired fields, as typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ExpiredFieldsChoice {
    /// As they were on the server that wrote the log: there until the log deletes them
    AsWritten,
    /// As --server treats them if it loads the log now
    AsLoaded,
}

/// What a subcommand wants of a replay.
#[derive(Clone, Copy)]
pub(super) struct Defaults<'d> {
    /// What holds unless `--expired-fields` is given.
    pub(super) expired_fields: ExpiredFieldsChoice,
    /// What ENTRIESREAD sets on a server.
    pub(super) entries_read: &'d dyn Fn(ChosenServer) -> EntriesRead,
}

/// What to do with unknown commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Unknown {
    /// List them all and stop
    Refuse,
    /// Leave out their effect
    Skip,
    /// Keep them with the key that their first argument names
    Keep,
}

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

/// A log, opened.
pub(super) struct Opened {
    pub(super) log: Log,
    pub(super) inputs: Vec<Input>,
}

impl Opened {
    /// Opens every part of the log.
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        let log = source::open_held(path)?;
        if let Some(problem) = log.as_multi_part().and_then(|parts| parts.manifest.problems.first()) {
            let message =
                format!("{}: manifest line {}: {}", FileName(path), problem.line, problem.flaw.server_message());
            return Err(check_says_more(path, message));
        }
        let inputs = source::inputs(&log)?;
        if let Some(defect) = inputs.iter().find_map(Input::defect) {
            bail!("{defect}");
        }
        Ok(Self { log, inputs })
    }

    /// Whether it is a file that was probably given by mistake.
    fn is_no_log(&self) -> bool {
        matches!(self.log.layout, Layout::Single) && self.inputs.iter().any(|input| is_no_log(input.bytes()))
    }

    pub(super) fn bytes(&self) -> Vec<&[u8]> {
        self.inputs.iter().map(Input::bytes).collect()
    }

    pub(super) fn name(&self, place: Place) -> PathBuf {
        self.log.parts.get(place.part).map_or_else(|| self.log.path.clone(), |part| part.path.clone())
    }

    /// The file that a place is in.
    fn file(&self, place: Place) -> FileName<PathBuf> {
        FileName(self.name(place))
    }

    /// `byte N of FILE`.
    pub(super) fn place(&self, place: Place) -> String {
        format!("byte {} of {}", place.offset, self.file(place))
    }

    /// An error about a place in the log, whose text stands between the file and the offset.
    fn damage(&self, place: Place, text: &str) -> anyhow::Error {
        let message = format!("{}: {text} (byte {})", self.file(place), place.offset);
        check_says_more(&self.log.path, message)
    }
}

/// A log that was replayed, and what there is to say of that.
pub(super) struct ReplayOutcome<'a> {
    pub(super) replayed: Replayed<'a>,
    pub(super) ending: Ending,
    /// The server that would load the log.
    pub(super) server: ChosenServer,
    pub(super) expired_fields: ExpiredFieldsReport,
}

/// How far a replay can be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// The log was whole, or was left where it was to be.
    Sound,
    /// A server would cut the end off and load the rest.
    Cut,
    /// A server would refuse the log.
    Refused,
}

/// Whether a server looks at the clock while it loads a log.
const fn looks_at_clock(server: ChosenServer) -> bool {
    server.server().expires_fields_on_load()
}

impl ExpiredFieldsChoice {
    /// What it means on a server.
    const fn on(self, server: ChosenServer) -> ExpiredFields {
        match self {
            Self::AsLoaded if looks_at_clock(server) => ExpiredFields::AsLoaded,
            Self::AsLoaded | Self::AsWritten => ExpiredFields::AsWritten,
        }
    }

    /// The name of the value, as it is typed.
    const fn name(self) -> &'static str {
        match self {
            Self::AsWritten => "as-written",
            Self::AsLoaded => "as-loaded",
        }
    }
}

impl ReplayArguments {
    pub(super) fn threads(&self) -> NonZeroUsize {
        self.threads.unwrap_or_else(source::cores)
    }

    /// The time that counts as now, in milliseconds of Unix time.
    pub(super) fn now(&self) -> i64 {
        self.now.map_or_else(now, |moment| moment.floor().saturating_mul(1000))
    }

    /// Where the log's clock stood at the end, in milliseconds of Unix time, and who said so.
    pub(super) fn clock(&self, summary: &Summary) -> (i64, ClockSource) {
        match (summary.last_timestamp, self.now) {
            (Some(seconds), _) => (seconds.saturating_mul(1000), ClockSource::Log),
            (None, Some(now)) => (now.floor().saturating_mul(1000), ClockSource::Given),
            (None, None) => (now(), ClockSource::Run),
        }
    }

    /// Replays the log as the chosen server, and says what there is to say of it.
    pub(super) fn replay<'a>(
        &self,
        opened: &'a Opened,
        server: ServerChoice,
        defaults: Defaults<'_>,
        console: &mut Console,
    ) -> anyhow::Result<ReplayOutcome<'a>> {
        let bytes = opened.bytes();
        let clues = Clues::before_reading(bytes.len(), bytes.first().copied().unwrap_or_default());
        let choice = self.expired_fields.unwrap_or(defaults.expired_fields);
        let now = self.now();
        let visibility = console.progress;
        let read = |server, expired_fields, task| {
            let rules = (server, expired_fields, (defaults.entries_read)(server));
            self.replay_as(opened, now, rules, (visibility, task))
        };
        let (replayed, server) = server.read(clues, |server| {
            let replayed = read(server, choice.on(server), "replaying")?;
            let servers = replayed.summary.servers;
            Ok::<_, anyhow::Error>((replayed, servers))
        })?;
        if let Some(damaged) = &replayed.summary.damaged {
            let text = format!("{}, {}", damaged.kind, rdb::in_value(&damaged.key));
            return Err(opened.damage(damaged.place, &text));
        }
        self.refuse_log_without_times(opened, &replayed.summary)?;
        self.unknown_commands(opened, &replayed.summary, console)?;
        failures(opened, &replayed.summary, console);
        let ending = self.ending(opened, &replayed.summary, console)?;
        let mut report = ExpiredFieldsReport::new(choice.name());
        // Logs without fields that expire cost nothing here; elsewhere, only the other replay can tell what differs.
        if replayed.summary.diverged && looks_at_clock(server) {
            let difference = match choice {
                ExpiredFieldsChoice::AsWritten => {
                    let loaded = read(server, ExpiredFields::AsLoaded, "comparing")?;
                    LoadDifference::between(&replayed, &loaded, now)
                }
                ExpiredFieldsChoice::AsLoaded => {
                    let written = read(server, ExpiredFields::AsWritten, "comparing")?;
                    LoadDifference::between(&written, &replayed, now)
                }
            };
            report.on_load = difference.into();
        }
        Ok(ReplayOutcome { replayed, ending, server, expired_fields: report })
    }

    fn replay_as<'a>(
        &self,
        opened: &'a Opened,
        now: i64,
        (server, expired_fields, entries_read): (ChosenServer, ExpiredFields, EntriesRead),
        (visibility, task): (Visibility, &'static str),
    ) -> anyhow::Result<Replayed<'a>> {
        let mut bytes = opened.bytes();
        let at_offset = self.at_offset.as_ref().map(|offset| offset.resolve(opened)).transpose()?;
        if let Some((part, _)) = at_offset {
            bytes.truncate(part + 1);
        }
        let total = bytes.iter().map(|part| part.len() as u64).sum();
        let progress = Progress::new(visibility, total, task);
        let options = Options {
            threads: self.threads(),
            unknown: match self.unknown {
                Unknown::Keep => replay::Unknown::Keep,
                Unknown::Skip => replay::Unknown::Skip,
                Unknown::Refuse => replay::Unknown::Refuse,
            },
            until: match (self.at, at_offset) {
                (Some(moment), _) => Until::Time(moment.floor()),
                (None, Some((_, offset))) => Until::Offset(offset),
                (None, None) => Until::End,
            },
            server: server.server(),
            expired_fields,
            entries_read,
            now,
            progress: &|bytes| progress.advance(bytes),
        };
        Ok(replay::replay(&bytes, options))
    }

    /// `--at` would mean the whole of a log without times.
    fn refuse_log_without_times(&self, opened: &Opened, summary: &Summary) -> anyhow::Result<()> {
        let ended_by_itself = !matches!(summary.end, End::Stopped);
        if self.at.is_some() && ended_by_itself && summary.last_timestamp.is_none() {
            return Err(time::log_without_times(&opened.log.path, "--at", "--at-offset"));
        }
        Ok(())
    }

    /// Names the commands whose effect is not known; an error if that is to be the end.
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
        let last = summary.stopped.part + 1 == opened.inputs.len();
        let (file, offset) = (opened.file(summary.stopped), summary.stopped.offset);
        let (ending, text) = match &summary.end {
            End::Whole | End::Stopped => return Ok(Ending::Sound),
            End::OpenTransaction => {
                let ending = if last { Ending::Cut } else { Ending::Refused };
                (ending, format!("{file}: ignoring a transaction without EXEC (byte {offset})"))
            }
            End::Damaged(_) if opened.is_no_log() => return Err(opened.damage(summary.stopped, damage::NO_LOG)),
            End::Damaged(found) => {
                let cut = last && matches!(found.kind, DamageKind::Truncated { .. });
                let bytes = opened.inputs.get(summary.stopped.part).map_or(&[][..], Input::bytes);
                let what = damage::of_records(&opened.name(summary.stopped), bytes, found, None).message;
                let text = format!("{file}: {what}; ignoring everything after byte {offset}");
                (if cut { Ending::Cut } else { Ending::Refused }, text)
            }
            End::DamagedRdb(damage) => {
                return Err(opened.damage(summary.stopped, &damage.to_string()));
            }
        };
        if self.strict {
            return Err(hinted(text, "without --strict, the sound part of the log is used".to_owned()));
        }
        console.say(&format!("warning: {text}"));
        Ok(ending)
    }
}

/// Tells that commands failed.
fn failures(opened: &Opened, summary: &Summary, console: &mut Console) {
    let Some(first) = summary.failures.first() else { return };
    let (name, file, offset) = (Escaped(&first.name), opened.file(first.place), first.place.offset);
    let commands = counted(summary.failed, "command");
    console.say(&format!(
        "warning: {file}: {commands} failed, as on a server, and changed nothing; the first was {name}: {} (byte {offset})",
        first.failure
    ));
}

/// An error about a log, with the command that prints all that is wrong with it. Standard input cannot be read again.
fn check_says_more(path: &Path, message: String) -> anyhow::Error {
    if is_stdin(path) {
        return anyhow!(message);
    }
    hinted(message, format!("for details, run: aofkit check {}", shell_word(path)))
}

/// The time of the run, in milliseconds of Unix time.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// Adds the name of what was written to.
pub(super) fn written_to(path: &Path) -> impl Fn(io::Error) -> anyhow::Error {
    move |error| match error.kind() {
        // It is told from other errors by what it is.
        io::ErrorKind::BrokenPipe => error.into(),
        _ => anyhow!("cannot write {}: {}", FileName(path), plain(&error)),
    }
}
