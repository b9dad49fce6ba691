//! The arguments as typed: the clap tree that the help, the man pages and the completions are made from.

use std::ffi::OsString;
use std::io;

use clap::{CommandFactory, FromArgMatches, Parser};

use super::console::{When, terminal_columns};
use super::exit_codes;

const EXAMPLES: &str = "\
Examples:
  aofkit check /var/lib/redis               is it sound, and would it load
  aofkit fix --dry-run /var/lib/redis       what a repair would cut off
  aofkit inspect --tail 20 /var/lib/redis   the last records";

/// Options that every subcommand has follow its own.
const LAST: usize = 900;

/// Check, fix, inspect and rewrite the append-only files (AOF) of Redis and Valkey.
#[derive(Debug, Parser)]
#[command(name = "aofkit", version, about, arg_required_else_help = true, after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// When to colour text
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", display_order = LAST)]
    pub(super) color: When,
    /// When to draw a progress bar on standard error
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", display_order = LAST)]
    pub(super) progress: When,
    /// What to do
    #[command(subcommand)]
    pub(super) subcommand: Subcommand,
}

/// One variant per subcommand.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Subcommand {
    /// Check logs: whether each is sound, where it is damaged, what a server would do with it
    Check(super::check::Check),
    /// Repair a damaged log, or take one back, and keep what is removed
    Fix(super::fix::Fix),
    /// Show a log as text or JSON, or parts of it as a log again
    Inspect(Box<super::inspect::Inspect>),
    /// Write the fewest commands that give the same data as a log
    Rewrite(Box<super::rewrite::Rewrite>),
    /// Print the digest of a log's data, as DEBUG DIGEST does on a server
    Digest(Box<super::digest::DigestArguments>),
    /// Write the shell completions and the man pages into a directory
    #[command(hide = true)]
    Generate(super::generate::Generate),
}

/// The whole tree.
pub(super) fn command() -> clap::Command {
    exit_codes::document(Arguments::command())
}

/// Reads the command line. Help is wrapped at the width of a terminal, and not at all elsewhere.
pub(super) fn parse(arguments: Vec<OsString>) -> Result<Arguments, clap::Error> {
    let mut command = command();
    command = command.term_width(terminal_columns(&io::stdout()).unwrap_or(usize::MAX));
    let mut matches = command.try_get_matches_from_mut(arguments)?;
    Arguments::from_arg_matches_mut(&mut matches).map_err(|error| error.format(&mut command))
}
