//! What `rewrite` and `digest` have in common: the log, the moment of it that is wanted, and what a replay has to say.

use std::io;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{anyhow, bail};
use clap::ValueEnum;

use super::console::Console;
use super::progress::Progress;
use super::source;
use super::time::{self, Moment};
use crate::aof::DamageKind;
use crate::aof::log::Log;
use crate::command::apply::ExpiredFields;
use crate::error::plain;
use crate::escape::Escaped;
use crate::input::Input;
use crate::replay::{self, End, Options, Place, Replayed, Summary, Until};
use crate::report::file_name::FileName;
use crate::report::number::{counted, grouped};

/// Which state of the log, and how it is replayed.
#[derive(Debug, clap::Args)]
pub(super) struct ReplayArguments {
    /// The data as it was at this time: unix seconds, RFC 3339, or a date (UTC)
    ///
    /// Ends before the first #TS: annotation with a later time; servers write them with aof-timestamp-enabled yes.
    #[arg(long, value_name = "TIME", value_parser = time::parse, allow_hyphen_values = true, conflicts_with = "at_offset", help_heading = "Which data")]
    at: Option<Moment>,
    /// The data as it was when the last part had this many bytes
    #[arg(long, value_name = "N", help_heading = "Which data")]
    at_offset: Option<u64>,
    /// What to do with commands of modules and others that no server knows
    #[arg(long, value_name = "WHAT", value_enum, default_value_t = Unknown::Refuse, help_heading = "Replay")]
    unknown: Unknown,
    /// The time that relative expiries count from where the log has no #TS: annotation [default: now]
    #[arg(long, value_name = "TIME", value_parser = time::parse, allow_hyphen_values = true, help_heading = "Replay")]
    now: Option<Moment>,
    /// Refuse a log that is damaged, even where a server would cut its end off and load it
    #[arg(long, help_heading = "Replay")]
    strict: bool,
    /// How many threads replay [default: one for each core]
    #[arg(long, value_name = "N", help_heading = "Replay")]
    threads: Option<NonZeroUsize>,
}

/// What to do with unknown commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Unknown {
    /// Name them all, and stop
    Refuse,
    /// Leave out what they did
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
        let log = source::open(path)?;
        if let Some(problem) = log.as_multi_part().and_then(|parts| parts.manifest.problems.first()) {
            bail!(
                "{}: line {} of the manifest: {}; `aofkit check` says more",
                FileName(path),
                problem.line,
                problem.flaw.server_message()
            );
        }
        let inputs = source::inputs(&log)?;
        if let Some(defect) = inputs.iter().find_map(Input::defect) {
            bail!("{defect}");
        }
        Ok(Self { log, inputs })
    }

    pub(super) fn bytes(&self) -> Vec<&[u8]> {
        self.inputs.iter().map(Input::bytes).collect()
    }

    pub(super) fn name(&self, place: Place) -> PathBuf {
        self.log.parts.get(place.part).map_or_else(|| self.log.path.clone(), |part| part.path.clone())
    }

    /// `FILE, byte N`.
    pub(super) fn place(&self, place: Place) -> String {
        format!("{}, byte {}", FileName(self.name(place)), grouped(place.offset))
    }
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

    /// Replays the log, and says what there is to say of it.
    pub(super) fn replay<'a>(
        &self,
        opened: &'a Opened,
        expired_fields: ExpiredFields,
        console: &mut Console,
    ) -> anyhow::Result<(Replayed<'a>, Ending)> {
        let bytes = opened.bytes();
        let total = bytes.iter().map(|part| part.len() as u64).sum();
        let progress = Progress::new(console.progress, total, "replaying");
        let options = Options {
            threads: self.threads(),
            unknown: match self.unknown {
                Unknown::Keep => replay::Unknown::Keep,
                Unknown::Skip => replay::Unknown::Skip,
                Unknown::Refuse => replay::Unknown::Refuse,
            },
            until: match (self.at, self.at_offset) {
                (Some(moment), _) => Until::Time(moment.floor()),
                (None, Some(offset)) => Until::Offset(offset),
                (None, None) => Until::End,
            },
            expired_fields,
            now: self.now(),
            progress: &|bytes| progress.advance(bytes),
            ..Options::default()
        };
        let replayed = replay::replay(&bytes, options);
        drop(progress);
        if let Some(damaged) = &replayed.summary.damaged {
            let what = if damaged.kind.is_unknown() { "cannot be read" } else { "is damaged" };
            bail!(
                "{}: the value of the key {} {what}: {}; `aofkit check` says more",
                opened.place(damaged.place),
                Escaped(&damaged.key),
                damaged.kind
            );
        }
        self.unknown_commands(opened, &replayed.summary, console)?;
        failures(opened, &replayed.summary, console);
        let ending = self.ending(opened, &replayed.summary, console)?;
        Ok((replayed, ending))
    }

    /// Names the commands whose effect is not known; an error if that is to be the end.
    fn unknown_commands(&self, opened: &Opened, summary: &Summary, console: &mut Console) -> anyhow::Result<()> {
        let lines = summary.unknown.iter().map(|(name, met)| {
            let place = opened.place(met.first);
            (met, format!("{}: {}, first in {place}", Escaped(name), counted(met.count, "command")))
        });
        let mut refused = 0;
        for (met, line) in lines {
            let fatal = self.unknown == Unknown::Refuse || self.unknown == Unknown::Keep && !met.keepable;
            refused += usize::from(fatal);
            console.say(&if fatal { format!("unknown {line}") } else { format!("note: unknown {line}") });
        }
        match (refused, self.unknown) {
            (0, _) => Ok(()),
            (_, Unknown::Keep) => {
                Err(anyhow!("these commands cannot be kept: what they change is not one key that they name"))
            }
            _ => Err(anyhow!(
                "the log holds commands whose effect is not known; --unknown keep keeps them with their keys, --unknown \
                 skip leaves them out"
            )),
        }
    }

    fn ending(&self, opened: &Opened, summary: &Summary, console: &mut Console) -> anyhow::Result<Ending> {
        let last = summary.stopped.part + 1 == opened.inputs.len();
        let place = opened.place(summary.stopped);
        let (ending, text) = match &summary.end {
            End::Whole | End::Stopped => return Ok(Ending::Sound),
            End::OpenTransaction => {
                let ending = if last { Ending::Cut } else { Ending::Refused };
                (ending, format!("the transaction that begins in {place} has no EXEC, and is left out"))
            }
            End::Damaged(damage) => {
                let cut = last && matches!(damage.kind, DamageKind::Truncated { .. });
                let text = format!("{}; what follows {place} is left out", damage.kind);
                (if cut { Ending::Cut } else { Ending::Refused }, text)
            }
            End::DamagedRdb(damage) => bail!("{place}: the RDB is damaged: {}; `aofkit check` says more", damage.kind),
        };
        if self.strict {
            bail!("{text}; --strict forbids it");
        }
        console.say(&format!("warning: {text}"));
        Ok(ending)
    }
}

/// Tells that commands failed.
fn failures(opened: &Opened, summary: &Summary, console: &mut Console) {
    let Some(first) = summary.failures.first() else { return };
    let (name, place) = (Escaped(&first.name), opened.place(first.place));
    let commands = counted(summary.failed, "command");
    console.say(&format!(
        "warning: {commands} failed, as on a server, and changed nothing; the first is {name} in {place}: {}",
        first.failure
    ));
}

/// The time of the run, in milliseconds of Unix time.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// An error of the file system that is about no file in particular.
pub(super) fn written_to(path: &Path) -> impl Fn(io::Error) -> anyhow::Error {
    move |error| match error.kind() {
        // It is told from other errors by what it is.
        io::ErrorKind::BrokenPipe => error.into(),
        _ => anyhow!("cannot write {}: {}", FileName(path), plain(&error)),
    }
}
