//! `aofkit check`: is the log sound, where is it damaged, and what would a server do with it.

use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use clap::ValueEnum;

use super::console::Console;
use super::progress::Progress;
use super::server_argument::ServerArgument;
use super::{Outcome, source};
use crate::aof::log::{Log, READ_DIRECTORY, Tree, walk_tree};
use crate::check::{self, Report, Settings};
use crate::error::{Error, ErrorKind};
use crate::input::is_stdin;
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

/// Checks every log, and reports each as it is done.
pub(super) fn run(typed: &Check, console: &mut Console) -> anyhow::Result<Outcome> {
    let threads = typed.threads.unwrap_or_else(source::cores);
    let format = (!typed.quiet).then_some(typed.format);
    let mut reporter =
        Reporter { format, outcome: Outcome::Sound, counts: report::Counts::default(), cases: Vec::new() };
    for path in &typed.paths {
        match logs(path) {
            Ok(Tree { logs, unreadable }) => {
                for error in unreadable {
                    reporter.add(Err(error), console)?;
                }
                for path in logs {
                    let checked = check_one(&path, typed.server, threads, console);
                    reporter.add(checked, console)?;
                }
            }
            Err(error) => reporter.add(Err(error), console)?,
        }
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

/// The logs that a path means: itself, or those in the tree below it.
fn logs(path: &Path) -> Result<Tree, Error> {
    let itself = || Tree { logs: vec![path.to_owned()], unreadable: Vec::new() };
    if is_stdin(path) || !path.is_dir() {
        return Ok(itself());
    }
    match Log::open_by(source::mapped(), path) {
        Ok(log) => Ok(others_beside(path, &log)?.unwrap_or_else(itself)),
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::NoManifest
                    | ErrorKind::LogsWithoutManifest(_)
                    | ErrorKind::ManyManifests(_)
                    | ErrorKind::Io { action: READ_DIRECTORY, .. }
            ) =>
        {
            let tree = walk_tree(path)?;
            if tree.logs.is_empty() && tree.unreadable.is_empty() { Err(error) } else { Ok(tree) }
        }
        Err(_) => Ok(itself()),
    }
}

/// All logs below a directory, if the one that was found there is not the only one: it is a tree, and none is passed
/// over.
///
/// An `appendonlydir` is one log, whatever else lies in it, and so is a data directory with its snapshot beside.
fn others_beside(directory: &Path, log: &Log) -> Result<Option<Tree>, Error> {
    let has_extension = |path: &Path, extension: &str| path.extension().is_some_and(|found| found == extension);
    let found = match log.as_multi_part() {
        Some(parts) if parts.directory == directory && has_extension(&parts.manifest_path, "manifest") => {
            return Ok(None);
        }
        Some(parts) => &parts.manifest_path,
        None => &log.path,
    };
    let is_snapshot = |path: &Path| path.parent() == Some(directory) && has_extension(path, "rdb");
    let tree = walk_tree(directory)?;
    let more = tree.logs.iter().any(|path| path != found && !is_snapshot(path));
    Ok((more || !tree.unreadable.is_empty()).then_some(tree))
}

fn check_one(path: &Path, server: ServerArgument, threads: NonZeroUsize, console: &Console) -> Result<Report, Error> {
    let log = source::open_held(path)?;
    let progress = Progress::new(console.progress, source::length(&log), "checking");
    let progress = |bytes| progress.advance(bytes);
    let settings = Settings { server: server.server, threads, progress: &progress, ..Settings::default() };
    check::check(&log, settings)
}
