//! The arguments of `aofkit rewrite`, as typed and as resolved.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::num::NonZeroUsize;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use anyhow::bail;
use clap::ValueEnum;

use crate::aof::producer::ServerChoice;
use crate::cli::console::hinted;
use crate::cli::copies::{CopiesJob, CopiesTask};
use crate::cli::format::Format;
use crate::cli::prompt::Consent;
use crate::cli::replay_arguments::{ReplayArguments, ReplaySettings};
use crate::cli::server_argument::ServerArgument;
use crate::cli::source;
use crate::cli::time::{self, Moment};
use crate::command::apply::ExpiredFields;
use crate::input::{FileIdentity, is_stdin};
use crate::report::copies::Doing;
use crate::rewrite::{self, Base, Loss, Order};
use crate::storage::draft::Durability;
use crate::storage::{OpenElsewhere, draft};

const EXAMPLES: &str = "\
Examples:
  aofkit rewrite -o small.aof appendonly.aof
      Write the fewest commands that give the same data to one file.
  aofkit rewrite --in-place /var/lib/redis
      Replace the log of a stopped server after asking.
  aofkit rewrite --undo /var/lib/redis
      Put the old log back; --discard-copies removes it for good.
  aofkit rewrite -o - --key 'user:*' appendonlydir | redis-cli --pipe
      Load a part of the data into a running server.
  aofkit rewrite -o then/ --at 2023-11-14T22:00:00Z appendonlydir
      Write the data as it was then as a log for a new server.
  aofkit rewrite -o old.aof --server redis-6.2 appendonlydir
      For an older server; --allow-loss if it cannot hold all of the data.";

/// What the long help has before the examples.
const NOTES: &str = "\
With --in-place, the new log is first written, read back and checked for its server. Then the change is shown, and a \
question asked. The files of the old log are kept in a directory beside it, NAME.aofkit-kept-N, until --undo or \
--discard-copies. No other process on the host may have the log open: the kernel (a file lease) and /proc are asked \
before the replay and again before the change. Where neither can tell, --force is needed. A server that starts during \
the change waits, or the change is given up.";

/// Help for `--server`, which also says what the new log is written for.
const SERVER: &str = "\
Server version to write for

With auto, it is the server that the RDB in the log names, unless the log has commands that only a newer server \
knows. Otherwise the log is replayed as by the newest server that knows all of its commands, Redis before Valkey, and \
the new log is written for the oldest server that can hold the data. A version that was not tried behaves like the \
next newer one; the report says so.";

/// Which log, and what becomes of it.
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "switches as they are typed; they are resolved to enums")]
#[command(after_help = EXAMPLES, after_long_help = format!("{NOTES}\n\n{EXAMPLES}"))]
#[command(mut_arg("server", |arg| arg.help("Server version to write for").long_help(SERVER)))]
pub(in crate::cli) struct Rewrite {
    /// The log: a file (also gzip or zstd), a manifest, a data directory or its appendonlydir, or '-' for standard
    /// input
    #[arg(value_name = "PATH")]
    path: PathBuf,
    /// Write to FILE, to DIR/ as a log of several parts, or to '-' for standard output; a device or FIFO is written to
    /// as it is
    #[arg(long, short, value_name = "FILE", conflicts_with = "in_place")]
    output: Option<PathBuf>,
    /// Replace the log after asking; the old files are kept until --undo or --discard-copies
    #[arg(long)]
    in_place: bool,
    /// With --in-place, show what would change, and change nothing
    #[arg(long, short = 'n')]
    dry_run: bool,
    /// With --in-place, do not ask
    #[arg(long, short = 'y', requires = "in_place", conflicts_with = "dry_run")]
    yes: bool,
    /// Put back the log that the last --in-place replaced, or what the last fix cut off
    #[arg(long, conflicts_with_all = ["output", "in_place", "discard_copies"])]
    undo: bool,
    /// Remove the copies that were kept of replaced logs and of what fixes cut off
    #[arg(long, conflicts_with_all = ["output", "in_place"])]
    discard_copies: bool,
    /// Replace FILE if it exists; with --in-place, replace a log even if another process has it open, or if that is
    /// unknown
    #[arg(long)]
    force: bool,
    /// With --output, do not sync the new log to disk, unless it replaces a file
    #[arg(long, conflicts_with = "in_place")]
    no_sync: bool,
    /// Read the output back and compare the data; --in-place always does
    #[arg(long)]
    verify: bool,

    /// Format of the output, or of the base file of a directory [default: that of PATH; aof to standard output,
    /// devices and FIFOs]
    ///
    /// An RDB stays one: the base of a directory, or a single file that is an RDB or begins with one. Standard output
    /// gets commands, as redis-cli --pipe reads nothing else. Keys that only unknown commands describe (--unknown
    /// keep) follow the RDB as commands.
    #[arg(long, value_name = "FORM", value_enum, help_heading = "What is written")]
    base: Option<Form>,
    /// Write the log even if it cannot hold all of the data
    ///
    /// An older server may lack functions, fields that expire, counters of streams or values of modules, and commands
    /// cannot say all that an RDB can. Without this option nothing is written then, and what would be lost is
    /// named.
    #[arg(long, help_heading = "What is written")]
    allow_loss: bool,
    /// Maximum number of items per command
    #[arg(
        long,
        value_name = "N",
        value_parser = source::positive,
        default_value_t = rewrite::BATCH,
        help_heading = "What is written"
    )]
    batch: NonZeroUsize,
    /// Sort the keys by name, instead of the order in which they were first written
    #[arg(long, help_heading = "What is written")]
    sort: bool,

    /// Only database N; can be repeated
    #[arg(long, value_name = "N", help_heading = "Which data")]
    db: Vec<u32>,
    /// Only keys that match the pattern, by the rules of KEYS and SCAN; can be repeated
    #[arg(long, value_name = "GLOB", help_heading = "Which data")]
    key: Vec<OsString>,
    /// Leave out keys and fields that had expired at the log's last time, or at TIME
    #[arg(
        long,
        value_name = "TIME",
        value_parser = time::parse,
        num_args = 0..=1,
        require_equals = true,
        help_heading = "Which data"
    )]
    #[expect(clippy::option_option, reason = "an option with an optional value, as clap has it")]
    drop_expired: Option<Option<Moment>>,
    #[command(flatten)]
    replay: ReplayArguments,
    #[command(flatten)]
    server: ServerArgument,

    /// Output format
    #[arg(long, short, value_name = "FORMAT", value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// Commands
    Aof,
    /// An RDB
    Rdb,
}

/// Where the new log goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Destination {
    Stdout,
    /// What exists and is no regular file: a device, a FIFO.
    Special(PathBuf),
    File(PathBuf, Replace, Durability),
    Directory(PathBuf, Durability),
    InPlace(Consent, OpenElsewhere),
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
    pub(super) server: ServerChoice,
    pub(super) batch: NonZeroUsize,
    pub(super) order: Order,
    pub(super) databases: Vec<u32>,
    pub(super) keys: Vec<Vec<u8>>,
    pub(super) drop_expired: DropExpired,
    pub(super) replay: ReplaySettings,
    pub(super) format: Format,
}

impl Rewrite {
    pub(super) fn resolve(self) -> anyhow::Result<Settings> {
        let destination = self.destination()?;
        if self.verify && matches!(destination, Destination::Stdout | Destination::Special(_)) {
            bail!("--verify reads the output back, which needs a file, not standard output, a device or a FIFO");
        }
        if self.dry_run && !self.in_place {
            bail!("--dry-run needs --in-place, --undo or --discard-copies");
        }
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
            server: self.server.server,
            batch: self.batch,
            order: if self.sort { Order::ByKey } else { Order::FirstWritten },
            databases: self.db,
            keys: self.key.into_iter().map(OsString::into_vec).collect(),
            drop_expired: match self.drop_expired {
                None => DropExpired::No,
                Some(None) => DropExpired::AtTheLogsClock,
                Some(Some(moment)) => DropExpired::At(moment.milliseconds()),
            },
            replay: self.replay.resolve(ExpiredFields::AsWritten),
            format: self.format,
        })
    }
}

impl Rewrite {
    fn destination(&self) -> anyhow::Result<Destination> {
        let durability = if self.no_sync { Durability::Cached } else { Durability::Synced };
        let Some(path) = self.output.clone() else {
            if !self.in_place {
                return Err(hinted(
                    "no output given".to_owned(),
                    "-o FILE, -o DIR/ or -o - writes a new log; --in-place replaces this one".to_owned(),
                ));
            }
            if self.replay.skips_damage() {
                return Err(hinted(
                    "--skip-damage does not go with --in-place, which would lose what is skipped".to_owned(),
                    "-o FILE writes a new log, and aofkit fix --salvage mends this one".to_owned(),
                ));
            }
            if is_stdin(&self.path) {
                bail!("--in-place needs a path: standard input cannot be replaced");
            }
            let open_elsewhere = if self.force { OpenElsewhere::Ignore } else { OpenElsewhere::Refuse };
            return Ok(Destination::InPlace(Consent::of(self.dry_run, self.yes), open_elsewhere));
        };
        if is_stdin(&path) {
            return Ok(Destination::Stdout);
        }
        if is_directory(&path) {
            return Ok(Destination::Directory(path, durability));
        }
        let Ok(metadata) = path.metadata() else {
            // A link that leads to no file yet stays a link.
            return Ok(Destination::File(draft::follow_links(&path)?, Replace::Never, durability));
        };
        // /dev/stdout, or what standard output was redirected to.
        let stdout = io::stdout().as_fd().try_clone_to_owned().and_then(|stdout| File::from(stdout).metadata());
        if stdout.is_ok_and(|stdout| FileIdentity::of(&stdout).file_id() == FileIdentity::of(&metadata).file_id()) {
            return Ok(Destination::Stdout);
        }
        if !metadata.is_file() {
            return Ok(Destination::Special(path));
        }
        let replace = if self.force { Replace::Allowed } else { Replace::Never };
        // Until the new file is on disk, the old one is the only one.
        let durability = if metadata.len() > 0 { Durability::Synced } else { durability };
        Ok(Destination::File(draft::follow_links(&path)?, replace, durability))
    }

    /// What is to be done with kept copies, if that is all.
    pub(super) fn copies(&self) -> Option<CopiesJob<'_>> {
        let task = match (self.undo, self.discard_copies) {
            (true, _) => CopiesTask::Undo,
            (_, true) => CopiesTask::Discard,
            (false, false) => return None,
        };
        let doing = if self.dry_run { Doing::Shown } else { Doing::Done };
        let open_elsewhere = if self.force { OpenElsewhere::Ignore } else { OpenElsewhere::Refuse };
        Some(CopiesJob { path: &self.path, elsewhere: None, task, doing, open_elsewhere, format: self.format })
    }
}

/// Whether a path is meant as a directory: it is one, or ends with a slash.
fn is_directory(path: &Path) -> bool {
    path.as_os_str().as_encoded_bytes().ends_with(b"/") || path.is_dir()
}
