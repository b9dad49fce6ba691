//! The arguments of `aofkit rewrite`, as typed and as resolved.

use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use anyhow::bail;
use clap::ValueEnum;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

use crate::cli::replay::ReplayArguments;
use crate::cli::time::{self, Moment};
use crate::input::is_stdin;
use crate::repair::OpenElsewhere;
use crate::rewrite::in_place::Old;
use crate::rewrite::{self, Base, Loss, Order, Target};

const EXAMPLES: &str = "\
Examples:
  aofkit rewrite -o small.aof appendonly.aof
      The fewest commands that give the same data, in one file.
  aofkit rewrite --in-place --verify /var/lib/redis
      The log of a stopped server, replaced as the server itself would.
  aofkit rewrite -o - --key 'user:*' appendonlydir | redis-cli --pipe
      A part of the data, into a running server.
  aofkit rewrite -o then/ --at 2023-11-14T22:00:00Z appendonlydir
      A log of the data as it was then, for a new server.
  aofkit rewrite -o old.aof --target redis-6.2 appendonlydir
      For an older server; --allow-loss if it cannot hold all of the data.

Exit codes: 0 done; 1 done, but the log is damaged and a server would refuse it, or not done because data would be lost; 2 not done.";

/// Which log, and what becomes of it.
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "switches as they are typed; they are resolved to enums")]
#[command(after_help = EXAMPLES)]
pub(in crate::cli) struct Rewrite {
    /// A log: a file, a manifest, a directory with one, or '-' for standard input; a file may be gzip or zstd
    #[arg(value_name = "PATH")]
    path: PathBuf,
    /// Write FILE, or a log of several parts into DIR/, or '-' for standard output
    #[arg(long, short, value_name = "FILE", conflicts_with = "in_place")]
    output: Option<PathBuf>,
    /// Put the new log in the place of the old one, once it lasts on disk and was read back
    #[arg(long)]
    in_place: bool,
    /// With --in-place, let the old files stay
    #[arg(long, requires = "in_place")]
    keep: bool,
    /// Replace FILE if it is there; with --in-place, even a log that another process has open for writing
    #[arg(long)]
    force: bool,
    /// Read the output back and compare the data; --in-place always does
    #[arg(long)]
    verify: bool,

    /// Format of the output, or of the base file of a directory [default: that of PATH; aof to standard output]
    ///
    /// An RDB stays one: the base of a directory, or a single file that is an RDB or begins with one. Standard output gets
    /// commands, as redis-cli --pipe reads nothing else. Keys that only unknown commands describe (--unknown keep) follow the RDB as
    /// commands.
    #[arg(long, value_name = "FORM", value_enum, help_heading = "What is written")]
    base: Option<Form>,
    /// The oldest version that must load the output [default: whatever the data needs]
    #[arg(long, value_name = "VERSION", value_parser = target(), help_heading = "What is written")]
    target: Option<Target>,
    /// Write the log even if it cannot hold all of the data
    ///
    /// An older server may lack functions, fields that expire, counters of streams or values of modules, and commands cannot say
    /// all that an RDB can. Without this option nothing is written then, and what would be lost is named.
    #[arg(long, help_heading = "What is written")]
    allow_loss: bool,
    /// How many items one command adds at most
    #[arg(long, value_name = "N", default_value_t = rewrite::BATCH, help_heading = "What is written")]
    batch: NonZeroUsize,
    /// Order the keys by name, not by when they were first written
    #[arg(long, help_heading = "What is written")]
    sort: bool,

    /// Only database N; may be given again
    #[arg(long, value_name = "N", help_heading = "Which data")]
    db: Vec<u32>,
    /// Only keys that match the pattern, by the rules of KEYS and SCAN; may be given again
    #[arg(long, value_name = "GLOB", help_heading = "Which data")]
    key: Vec<OsString>,
    /// Leave out keys and fields that had expired at the log's last time, or at TIME
    #[arg(long, value_name = "TIME", value_parser = time::parse, num_args = 0..=1, require_equals = true, help_heading = "Which data")]
    #[expect(clippy::option_option, reason = "an option with an optional value, as clap has it")]
    drop_expired: Option<Option<Moment>>,
    #[command(flatten)]
    replay: ReplayArguments,

    /// How to report what was done
    #[arg(long, short, value_name = "FORMAT", value_enum, default_value_t = Format::Text)]
    format: Format,
}

fn target() -> impl TypedValueParser<Value = Target> {
    let value = |target: Target| PossibleValue::new(target.name()).aliases(target.other_names());
    PossibleValuesParser::new(Target::ALL.map(value)).try_map(|name| name.parse())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Form {
    /// Commands
    Aof,
    /// An RDB
    Rdb,
}

/// How to report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people
    Text,
    /// A JSON object
    Json,
}

/// Where the new log goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Destination {
    Stdout,
    File(PathBuf, Replace),
    Directory(PathBuf),
    InPlace(Old, OpenElsewhere),
}

/// Whether a file that is there may be replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Replace {
    Never,
    Allowed,
}

/// Whether the output is read back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verify {
    No,
    Yes,
}

/// Whose expiry counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DropExpired {
    No,
    AtTheLogsClock,
    At(i64),
}

/// What is to be done.
pub(super) struct Settings {
    pub(super) path: PathBuf,
    pub(super) destination: Destination,
    pub(super) verify: Verify,
    /// `None` for that of the log.
    pub(super) base: Option<Base>,
    pub(super) loss: Loss,
    pub(super) target: Option<Target>,
    pub(super) batch: NonZeroUsize,
    pub(super) order: Order,
    pub(super) databases: Vec<u32>,
    pub(super) keys: Vec<Vec<u8>>,
    pub(super) drop_expired: DropExpired,
    pub(super) replay: ReplayArguments,
    pub(super) format: Format,
}

impl Rewrite {
    pub(super) fn resolve(self) -> anyhow::Result<Settings> {
        let destination = match self.output {
            None if !self.in_place => {
                bail!("where to? -o FILE, -o DIR/ or -o - writes a new log, --in-place replaces this one")
            }
            None => {
                if is_stdin(&self.path) {
                    bail!("--in-place wants a path: standard input cannot be replaced");
                }
                Destination::InPlace(
                    if self.keep { Old::Kept } else { Old::Removed },
                    if self.force { OpenElsewhere::Ignore } else { OpenElsewhere::Refuse },
                )
            }
            Some(path) if is_stdin(&path) => {
                if self.verify {
                    bail!("--verify reads the output back, which standard output does not allow; write a FILE");
                }
                Destination::Stdout
            }
            Some(path) if is_directory(&path) => Destination::Directory(path),
            Some(path) => Destination::File(path, if self.force { Replace::Allowed } else { Replace::Never }),
        };
        let in_place = matches!(destination, Destination::InPlace(..));
        Ok(Settings {
            path: self.path,
            destination,
            verify: if self.verify || in_place { Verify::Yes } else { Verify::No },
            base: self.base.map(|form| match form {
                Form::Aof => Base::Resp,
                Form::Rdb => Base::Rdb,
            }),
            loss: if self.allow_loss { Loss::Allowed } else { Loss::Refused },
            target: self.target,
            batch: self.batch,
            order: if self.sort { Order::ByKey } else { Order::FirstWritten },
            databases: self.db,
            keys: self.key.into_iter().map(OsString::into_vec).collect(),
            drop_expired: match self.drop_expired {
                None => DropExpired::No,
                Some(None) => DropExpired::AtTheLogsClock,
                Some(Some(moment)) => DropExpired::At(moment.floor().saturating_mul(1000)),
            },
            replay: self.replay,
            format: self.format,
        })
    }
}

/// Whether a path is meant as a directory: it is one, or ends with a slash.
fn is_directory(path: &Path) -> bool {
    path.as_os_str().as_encoded_bytes().ends_with(b"/") || path.is_dir()
}
