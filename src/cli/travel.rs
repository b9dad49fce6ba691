//! `fix --truncate-to-timestamp`, `--truncate-to-offset`, `--remove` and `--before`: a log goes back in time, or loses
//! single commands.

use std::str::FromStr;

use clap::Args;

use super::console::{Console, hinted};
use super::free_memory::free_memory;
use super::offset::{NamedPart, PartOffset};
use super::progress::Bar;
use super::time::{self, Moment};
use super::{offset, source};
use crate::escape::split_arguments;
use crate::repair::travel::{self, Effect, Found, Point, Travel, TravelError, Untold};
use crate::repair::{Refusal, Survey};
use crate::replay::{Flush, Options, Place};
use crate::report::file_name::FileName;
use crate::report::style::Style;
use crate::report::travel::TravelReport;
use crate::storage::kept::Cause;

/// A log is replayed only if it takes at most one in so many of the free bytes of memory: keys take more room in memory
/// than short commands in a log.
const MEMORY_SHARE: u64 = 2;

/// Where to go back to, as typed.
#[derive(Debug, Args)]
#[group(id = "travel", multiple = false, conflicts_with_all = ["salvage", "undo", "discard_copies"])]
pub(super) struct TravelArguments {
    /// Remove everything from the first #TS: annotation with a later time on: unix seconds, RFC 3339, or a date (UTC)
    #[arg(
        long,
        value_name = "TIME",
        value_parser = time::parse,
        allow_hyphen_values = true,
        help_heading = "Going back"
    )]
    truncate_to_timestamp: Option<Moment>,
    /// Remove everything from this offset of the last part, or of PART, on; it must be where a record begins
    #[arg(long, value_name = "[PART:]OFFSET", help_heading = "Going back")]
    truncate_to_offset: Option<PartOffset>,
    /// Remove the command at this offset, or the transaction of this MULTI or EXEC, and keep everything after it;
    /// several are separated by commas
    #[arg(long, value_name = "[PART:]OFFSET", value_delimiter = ',', help_heading = "Going back")]
    remove: Vec<PartOffset>,
    /// Find the last such command (a name, and arguments if wanted), show what it did, and remove it and everything
    /// after it
    #[arg(long, value_name = "COMMAND", help_heading = "Going back")]
    before: Option<Words>,
}

/// The words of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Words(Vec<Vec<u8>>);

impl FromStr for Words {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match split_arguments(text.as_bytes()) {
            Some(words) if !words.is_empty() => Ok(Self(words)),
            Some(_) => Err("a command has a name"),
            None => Err("unbalanced quotes: words are separated by spaces, and quoted as in redis-cli"),
        }
    }
}

/// Where to go back to, as resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Destination {
    /// A time, in seconds of Unix time.
    Time(i64),
    Offset(PartOffset),
    /// Everything stays but the records at these offsets.
    Without(Vec<PartOffset>),
    Before(Words),
}

impl TravelArguments {
    pub(super) fn resolve(&self) -> Option<Destination> {
        let time = self.truncate_to_timestamp.map(|moment| Destination::Time(moment.floor()));
        time.or_else(|| self.truncate_to_offset.clone().map(Destination::Offset))
            .or_else(|| self.before.clone().map(Destination::Before))
            .or_else(|| (!self.remove.is_empty()).then(|| Destination::Without(self.remove.clone())))
    }
}

/// What goes, and what those commands did.
pub(super) struct Planned {
    pub(super) travel: Travel,
    /// The command that was looked for, and its effect.
    pub(super) found: Option<(Found, Effect)>,
    /// What those commands emptied that go.
    pub(super) emptied: Result<Vec<Flush>, Untold>,
}

impl Planned {
    pub(super) fn report(&self, survey: &Survey, style: Style) -> TravelReport {
        TravelReport::new(survey, &self.travel, self.found.as_ref(), &self.emptied, style)
    }
}

impl Destination {
    /// What the record of the change says of it.
    pub(super) const fn cause(&self) -> Cause {
        if matches!(self, Self::Without(_)) { Cause::Remove } else { Cause::Back }
    }

    /// Decides what goes; the inner error is about the log, the outer one about what was typed.
    pub(super) fn plan(&self, survey: &Survey, console: &Console) -> anyhow::Result<Result<Planned, Refusal>> {
        let resolved = match self.resolve(survey)? {
            Ok(resolved) => resolved,
            Err(TravelError::Refused(refusal)) => return Ok(Err(refusal)),
            Err(error) => return Err(Self::explain(survey, &error)),
        };
        let (travel, found) = resolved;
        let total: u64 = survey.report.parts.iter().map(|part| part.size).sum();
        let bar = Bar::new(console.progress, total, "replaying");
        let (threads, server) = (source::cores(), survey.report.chosen.server());
        let options = Options { threads, server, progress: bar.progress(), ..Options::default() };
        let is_too_large = free_memory().is_some_and(|free| total > free / MEMORY_SHARE);
        let effect = found.as_ref().map(|found| {
            let untold = || Err(Untold::TooLarge);
            let too_large = is_too_large.then(|| Effect { keys_before: untold(), keys_after: untold() });
            too_large.unwrap_or_else(|| travel::effect(survey, found, options))
        });
        let is_told = found.as_ref().is_some_and(|found| found.is_last_flush(survey));
        let emptied = if is_told || !travel.has_flush(survey) {
            Ok(Vec::new())
        } else if is_too_large {
            Err(Untold::TooLarge)
        } else {
            travel::emptied(survey, &travel, options)
        };
        Ok(Ok(Planned { travel, found: found.zip(effect), emptied }))
    }

    fn resolve(&self, survey: &Survey) -> anyhow::Result<Result<(Travel, Option<Found>), TravelError>> {
        let place = |option: &str, offset: &PartOffset| {
            let names = survey.report.parts.iter().zip(&survey.files);
            let parts: Vec<NamedPart<'_>> = names
                .map(|(part, file)| NamedPart { name: &part.name, path: &part.path, bytes: file.bytes() })
                .collect();
            offset.resolve(option, &survey.report.path, &parts).map(|(part, offset)| Place { part, offset })
        };
        let alone = |travel: Result<Travel, TravelError>| travel.map(|travel| (travel, None));
        Ok(match self {
            Self::Time(second) => alone(travel::truncate_to(survey, Point::Time(*second))),
            Self::Offset(offset) => {
                let place = place("--truncate-to-offset", offset)?;
                alone(travel::truncate_to(survey, Point::Place(place)))
            }
            Self::Without(offsets) => {
                let places = offsets.iter().map(|offset| place("--remove", offset));
                alone(travel::remove(survey, &places.collect::<anyhow::Result<Vec<_>>>()?))
            }
            Self::Before(words) => travel::before(survey, &words.0).map(|(found, travel)| (travel, Some(found))),
        })
    }

    /// The error about what was typed.
    fn explain(survey: &Survey, error: &TravelError) -> anyhow::Error {
        let log = &survey.report.path;
        if matches!(error, TravelError::NoTimes) {
            return time::log_without_times(log, "--truncate-to-timestamp", "--truncate-to-offset");
        }
        let advice = [error.advice(), offset::how_to_find(log)].into_iter().filter(|clause| !clause.is_empty());
        let message = format!("{}: {}", FileName(error.file().unwrap_or(log)), error.message());
        hinted(message, advice.collect::<Vec<_>>().join("; "))
    }
}
