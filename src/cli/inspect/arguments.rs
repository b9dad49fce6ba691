//! The arguments of `aofkit inspect`, as typed and as resolved.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use anyhow::bail;

use super::settings::{Format, Purpose, Settings};
use crate::cli::console::Console;
use crate::cli::skip_damage;
use crate::cli::time::{self, Moment};
use crate::input::is_stdin;
use crate::report::inspect::{Lengths, Payloads};
use crate::select::{CommandName, RdbItems, Selection};

/// What follows the options in the short help.
const EXAMPLES: &str = "\
Examples:
  aofkit inspect appendonlydir
      Everything, in order; `less -R` shows the colours of --color always.
  aofkit inspect --key 'user:*' --command del appendonlydir
      Who deleted the users?
  aofkit inspect --since 2023-11-14T22:00:00Z --tail 20 appendonlydir
      The last twenty records since then.
  aofkit inspect --format json appendonly.aof |
    jq -r 'select(.command).command' | sort | uniq -c
      How often each command was written.
  aofkit inspect --format resp --db 3 --skip-rdb appendonlydir |
    redis-cli --pipe
      Load the commands of database 3 into a running server.
  aofkit inspect --follow --tail 10 /var/lib/redis
      Print what a server writes while it writes.";

/// What the long help has before that.
const FORMATS: &str = "\
JSON Lines are one object per line; the man page lists their fields. The first of each PATH is its header. With \
--count, there is one object per PATH.

RESP is a log again: SELECT, #TS:, MULTI and EXEC are inserted around the selected records, and a transaction without \
EXEC is left out.";

/// Where to look, what to show, and how.
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "switches as they are typed; they are resolved to enums")]
#[command(after_help = EXAMPLES, after_long_help = format!("{FORMATS}\n\n{EXAMPLES}"))]
pub struct Inspect {
    /// Logs: a file (also gzip or zstd), a manifest, a data directory or its appendonlydir, or '-' for standard input
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
    /// Output format
    #[arg(long, short, value_name = "FORMAT", default_value = "text")]
    format: Format,
    /// In text, print long values and argument lists in full
    #[arg(long)]
    full: bool,
    /// Keep reading as the log grows, across rewrites, until interrupted
    #[arg(long, conflicts_with = "count")]
    follow: bool,

    /// Only database N; can be repeated
    ///
    /// SELECT belongs to the database that it selects.
    #[arg(long, value_name = "N", help_heading = "Which records")]
    db: Vec<u64>,
    /// Only commands with a key that matches the pattern; can be repeated
    ///
    /// The rules are those of KEYS and SCAN: *, ?, [a-z], [^a] and \x. Keys are found by the command's key positions,
    /// and RDB entries have one. Records without a key are left out.
    #[arg(long, value_name = "GLOB", help_heading = "Which records")]
    key: Vec<OsString>,
    /// Only this command, in any case; can be repeated
    ///
    /// A subcommand is named as in "xgroup|create" or "XGROUP CREATE".
    #[arg(long, value_name = "NAME", help_heading = "Which records")]
    command: Vec<OsString>,
    /// Only from this time on: unix seconds, RFC 3339, or a date (UTC)
    ///
    /// A record's time is that of the last #TS: annotation before it, which servers write with aof-timestamp-enabled
    /// yes. Records before the first annotation, and RDB entries, have no time and count as older. A date means
    /// its first second.
    #[arg(
        long,
        value_name = "TIME",
        value_parser = time::parse,
        allow_hyphen_values = true,
        help_heading = "Which records"
    )]
    since: Option<Moment>,
    /// Only up to and including this time
    #[arg(
        long,
        value_name = "TIME",
        value_parser = time::parse,
        allow_hyphen_values = true,
        help_heading = "Which records"
    )]
    until: Option<Moment>,
    /// Only records that start at this byte offset or after it
    ///
    /// Offsets are those within one file: for a log of several parts, choose one with --part. Damage before the offset
    /// is skipped; the database of records after it is that of the last SELECT that could be read.
    #[arg(long, value_name = "OFFSET", help_heading = "Which records")]
    from: Option<u64>,
    /// Only records that start before this byte offset
    #[arg(long, value_name = "OFFSET", help_heading = "Which records")]
    to: Option<u64>,
    #[arg(
        long,
        conflicts_with = "follow",
        help = skip_damage::HELP,
        long_help = skip_damage::LONG_HELP,
        help_heading = "Which records"
    )]
    skip_damage: bool,
    /// Only this file of a log of several parts, history included; can be repeated
    ///
    /// The others are not read: times and transaction numbers start over.
    #[arg(long, value_name = "NAME", help_heading = "Which records")]
    part: Vec<OsString>,
    /// Decode the payloads of RESTORE commands, and print the values
    #[arg(long)]
    decode: bool,
    /// Leave out RDB entries
    #[arg(long, help_heading = "Which records")]
    skip_rdb: bool,

    /// Stop after N records or entries of each PATH
    #[arg(long, short = 'n', value_name = "N", help_heading = "How many")]
    limit: Option<u64>,
    /// Only the last N records or entries of each PATH, of those within --limit
    #[arg(long, value_name = "N", help_heading = "How many")]
    tail: Option<u64>,
    /// Only print the number of records and entries
    #[arg(long, help_heading = "How many")]
    count: bool,
}

impl Inspect {
    pub fn resolve(self, console: &Console) -> anyhow::Result<Settings> {
        let commands = self.command.into_iter().map(|name| {
            let name = name.into_vec();
            CommandName::parse(&name)
                .ok_or_else(|| anyhow::anyhow!("--command needs a name, or two as in \"XGROUP CREATE\""))
        });
        let commands = commands.collect::<anyhow::Result<Vec<_>>>()?;
        let selection = Selection {
            databases: self.db,
            keys: self.key.into_iter().map(OsString::into_vec).collect(),
            commands,
            since: self.since.map(Moment::ceiling),
            until: self.until.map(Moment::floor),
            from: self.from,
            to: self.to,
        };
        if selection.since.zip(selection.until).is_some_and(|(since, until)| since > until) {
            bail!("--since is later than --until");
        }
        if selection.from.zip(selection.to).is_some_and(|(from, to)| from >= to) {
            bail!("--to must be greater than --from");
        }
        let purpose = match (self.count, self.follow) {
            (true, _) => Purpose::Count,
            (_, true) => Purpose::Follow,
            _ => Purpose::Show,
        };
        if purpose == Purpose::Follow {
            match self.paths.as_slice() {
                [path] if is_stdin(path) => {
                    bail!("--follow needs a path: standard input cannot be followed")
                }
                [_] => {}
                _ => bail!("--follow needs exactly one PATH"),
            }
        }
        Ok(Settings {
            paths: self.paths,
            format: self.format,
            lengths: if self.full { Lengths::Full } else { Lengths::Within(width(console)) },
            selection,
            parts: self.part.into_iter().map(OsString::into_vec).collect(),
            payloads: if self.decode { Payloads::Decoded } else { Payloads::Raw },
            rdb: if self.skip_rdb { RdbItems::Skipped } else { RdbItems::Shown },
            skip_damage: self.skip_damage,
            limit: self.limit,
            tail: self.tail,
            purpose,
        })
    }
}

/// Columns of a row: the terminal's, or what most screens and editors show.
fn width(console: &Console) -> usize {
    const ELSEWHERE: usize = 120;
    const LEAST: usize = 60;
    console.style.columns.map_or(ELSEWHERE, |columns| columns.max(LEAST))
}
