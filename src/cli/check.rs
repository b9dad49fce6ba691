//! `aofkit check`: is the log sound, where is it damaged, and what would a server do with it.

use std::io::Write;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use clap::ValueEnum;

use super::console::Console;
use super::progress::Progress;
use super::{Outcome, arguments, source};
use crate::aof::log::{Log, walk_tree};
use crate::check::{self, Report, Settings};
use crate::error::{Error, ErrorKind};
use crate::input::is_stdin;
use crate::report::check as report;
use crate::server::Server;

const EXAMPLES: &str = "\
Examples:
  aofkit check appendonly.aof              one file, with or without an RDB preamble
  aofkit check /var/lib/redis              a data directory, an appendonlydir or a manifest
  aofkit check --server valkey-9 *.aof     what another server would do
  zcat backup.aof.gz | aofkit check -      standard input (compressed files are read as well)
  aofkit check --format junit tests/data   every log in a tree, for CI

Exit codes: 0 every log is sound; 1 one is not; 2 one cannot be read, or the command line is wrong.
A log is sound when the official checker calls it valid and the server loads all of it.";

/// Check logs: is each sound, where is it damaged, what would a server do with it
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Check {
    /// A log: a file, a manifest, a directory with one, a tree of logs, or '-' for standard input
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
    /// Whose start and whose checker to judge by
    #[arg(long, value_name = "VERSION", value_parser = arguments::server(), default_value_t)]
    server: Server,
    /// How to report
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Say nothing; the exit code tells
    #[arg(long, short)]
    quiet: bool,
    /// How many threads read [default: one for each core]
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroUsize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Text,
    /// One JSON object a log and line
    Json,
    /// GitHub workflow annotations
    Github,
    /// JUnit XML
    Junit,
}

/// Checks every log, and reports each as it is done.
pub(super) fn run(typed: &Check, console: &mut Console) -> anyhow::Result<Outcome> {
    let threads = typed.threads.unwrap_or_else(source::cores);
    let mut outcome = Outcome::Sound;
    let mut reports = Vec::new();
    for path in &typed.paths {
        let logs = match logs(path) {
            Ok(logs) => logs,
            Err(error) => {
                console.error(&error.to_string());
                outcome = Outcome::CannotSay;
                continue;
            }
        };
        for path in logs {
            match check_one(&path, typed.server, threads, console) {
                Ok(report) => {
                    if !report.is_sound() {
                        outcome = outcome.max(Outcome::Unsound);
                    }
                    match typed.format {
                        _ if typed.quiet => {}
                        Format::Text => {
                            if !reports.is_empty() {
                                writeln!(console.out)?;
                            }
                            report::write_text(&mut console.out, &report, console.style)?;
                            reports.push(None);
                        }
                        Format::Json => report::write_json(&mut console.out, &report)?,
                        Format::Github => report::write_github(&mut console.out, &report)?,
                        Format::Junit => reports.push(Some(report)),
                    }
                }
                Err(error) => {
                    console.error(&error.to_string());
                    outcome = Outcome::CannotSay;
                }
            }
        }
    }
    if typed.format == Format::Junit && !typed.quiet {
        let reports: Vec<Report> = reports.into_iter().flatten().collect();
        report::write_junit(&mut console.out, &reports)?;
    }
    Ok(outcome)
}

/// The logs that a path means: itself, or those in the tree below it.
fn logs(path: &Path) -> Result<Vec<PathBuf>, Error> {
    if is_stdin(path) || !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    match Log::open(path) {
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::NoManifest | ErrorKind::LogsWithoutManifest(_) | ErrorKind::ManyManifests(_)
            ) =>
        {
            let logs = walk_tree(path)?;
            if logs.is_empty() { Err(error) } else { Ok(logs) }
        }
        _ => Ok(vec![path.to_owned()]),
    }
}

fn check_one(path: &Path, server: Server, threads: NonZeroUsize, console: &Console) -> Result<Report, Error> {
    let log = source::open(path)?;
    let progress = Progress::new(console.progress, source::length(&log), "checking");
    let settings = Settings { server, threads, progress: &|bytes| progress.advance(bytes) };
    check::check(&log, settings)
}
