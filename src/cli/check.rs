//! `aofkit check`: reports whether logs are sound, where they are damaged, and what a server would do with them.

use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::ValueEnum;

use super::console::Console;
use super::exit_codes::Outcome;
use super::progress::Bar;
use super::server_argument::ServerArgument;
use super::source;
use crate::Error;
use crate::aof::log::Log;
use crate::aof::producer::ServerChoice;
use crate::check::{self, Report};
use crate::report::check as report;

const EXAMPLES: &str = "\
Examples:
  aofkit check appendonly.aof              one file, compressed or not
  aofkit check /var/lib/redis              a data directory, or a manifest
  aofkit check --server valkey-9 *.aof     what another server would do
  ssh host cat a.aof | aofkit check -      standard input
  aofkit check --format junit tests/data   every log in a tree, for CI

A log is sound when the official checker calls it valid and the server loads all of it.";

/// Check logs: whether each is sound, where it is damaged, what a server would do with it
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Check {
    /// Logs: a file (also gzip or zstd), a manifest, a data directory or its appendonlydir, a tree of logs, or '-' for
    /// standard input
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    server: ServerArgument,
    /// Output format
    #[arg(long, short, value_name = "FORMAT", value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Print nothing; only set the exit code
    #[arg(long, short)]
    quiet: bool,
    /// Number of threads that read [default: one per core]
    #[arg(long, value_name = "N", value_parser = source::positive)]
    threads: Option<NonZeroUsize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Text,
    /// For programs: one JSON object per log and line
    Json,
    /// GitHub workflow annotations
    Github,
    /// JUnit XML
    Junit,
}

/// The arguments as resolved.
struct Settings {
    paths: Vec<PathBuf>,
    server: ServerChoice,
    /// `None` if only the exit code is wanted.
    format: Option<Format>,
    threads: NonZeroUsize,
}

impl From<Check> for Settings {
    fn from(typed: Check) -> Self {
        Self {
            paths: typed.paths,
            server: typed.server.server,
            format: (!typed.quiet).then_some(typed.format),
            threads: typed.threads.unwrap_or_else(source::cores),
        }
    }
}

/// Checks every log, and reports each when it has been checked.
pub(super) fn run(typed: Check, console: &mut Console) -> anyhow::Result<Outcome> {
    let settings = Settings::from(typed);
    let format = settings.format;
    let mut reporter =
        Reporter { format, outcome: Outcome::Sound, counts: report::Counts::default(), cases: Vec::new() };
    for log in settings.paths.iter().flat_map(|path| source::logs(path)) {
        let checked = log.and_then(|log| settings.check(log, console));
        reporter.add(checked, console)?;
    }
    reporter.finish(console)
}

/// Reports log by log, and keeps the worst outcome.
struct Reporter {
    /// `None` if only the exit code is wanted.
    format: Option<Format>,
    outcome: Outcome,
    counts: report::Counts,
    /// JUnit counts its cases before it lists them.
    cases: Vec<Result<Report, Error>>,
}

impl Reporter {
    fn add(&mut self, checked: Result<Report, Error>, console: &mut Console) -> io::Result<()> {
        let outcome = match &checked {
            Ok(report) if report.is_sound() => {
                self.counts.sound += 1;
                Outcome::Sound
            }
            Ok(_) => {
                self.counts.unsound += 1;
                Outcome::Unsound
            }
            Err(error) => {
                self.counts.unread += 1;
                console.error(&error.to_string());
                Outcome::CannotSay
            }
        };
        self.outcome = self.outcome.max(outcome);
        match (self.format, checked) {
            (Some(Format::Text), Ok(report)) => {
                if self.counts.sound + self.counts.unsound > 1 {
                    writeln!(console.out)?;
                }
                let style = console.style;
                report::write_text(&mut console.out, &report, style)
            }
            (Some(Format::Json), Ok(report)) => report::write_json(&mut console.out, &report),
            (Some(Format::Github), Ok(report)) => report::write_github(&mut console.out, &report),
            (Some(Format::Github), Err(error)) => report::write_github_error(&mut console.out, &error),
            (Some(Format::Junit), checked) => {
                self.cases.push(checked);
                Ok(())
            }
            (Some(Format::Text | Format::Json), Err(_)) | (None, _) => Ok(()),
        }
    }

    fn finish(self, console: &mut Console) -> anyhow::Result<Outcome> {
        match self.format {
            Some(Format::Junit) => report::write_junit(&mut console.out, &self.cases)?,
            Some(Format::Text) if self.counts.logs() > 1 => write!(console.out, "\n{}\n", self.counts)?,
            _ => {}
        }
        Ok(self.outcome)
    }
}

impl Settings {
    fn check(&self, log: Log, console: &Console) -> Result<Report, Error> {
        let log = log.held()?;
        let bar = Bar::new(console.progress, source::length(&log), "checking");
        let (server, threads) = (self.server, self.threads);
        check::check(&log, check::Settings { server, threads, progress: bar.progress(), ..check::Settings::default() })
    }
}
