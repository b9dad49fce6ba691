//! `aofkit digest`: the digest that a server's `DEBUG DIGEST` would print.

use std::ffi::OsString;
use std::io::Write;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use anyhow::bail;

use super::console::Console;
use super::exit_codes::Outcome;
use super::format::Format;
use super::opened::Opened;
use super::replay::ReplayOutcome;
use super::replay_arguments::{ReplayArguments, ReplaySettings};
use super::server_argument::ServerArgument;
use crate::aof::producer::{Evidence, ServerChoice};
use crate::command::apply::{EntriesRead, ExpiredFields};
use crate::digest::{digest, digest_value};
use crate::escape::Argument;
use crate::replay::Ending;
use crate::report::expired::ExpiredFieldsReport;
use crate::report::file_name::FileName;
use crate::report::json;
use crate::report::salvage::SkippedGap;

const EXAMPLES: &str = "\
Examples:
  aofkit digest appendonlydir
      Compare with: redis-cli debug digest
  aofkit digest --server valkey-9.1 --db 3 appendonly.aof
      Only one database, as Valkey computes it.
  aofkit digest --key user:1 appendonly.aof
      Compare with: redis-cli debug digest-value user:1
  aofkit digest --at 2023-11-14T22:00:00Z appendonlydir
      The data as it was then.";

/// Which log, and what of it.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct DigestArguments {
    /// The log: a file (also gzip or zstd), a manifest, a data directory or its appendonlydir, or '-' for standard
    /// input
    #[arg(value_name = "PATH")]
    path: PathBuf,
    #[command(flatten)]
    server: ServerArgument,
    /// Only database N; can be repeated
    #[arg(long, value_name = "N", help_heading = "Which data")]
    db: Vec<u32>,
    /// The digest of one key's value, as DEBUG DIGEST-VALUE prints it; in database 0 unless --db says otherwise
    #[arg(long, value_name = "KEY", help_heading = "Which data")]
    key: Option<OsString>,
    /// Output format: the digest alone, or an object
    #[arg(long, short, value_name = "FORMAT", value_enum, default_value_t = Format::Text)]
    format: Format,
    #[command(flatten)]
    replay: ReplayArguments,
}

/// The arguments as resolved.
struct Settings {
    path: PathBuf,
    server: ServerChoice,
    /// All if there are none.
    databases: Vec<u32>,
    /// The key whose value is wanted, in the first of the databases.
    key: Option<Vec<u8>>,
    format: Format,
    replay: ReplaySettings,
}

impl From<DigestArguments> for Settings {
    fn from(typed: DigestArguments) -> Self {
        Self {
            path: typed.path,
            server: typed.server.server,
            databases: typed.db,
            key: typed.key.map(OsString::into_vec),
            format: typed.format,
            replay: typed.replay.resolve(ExpiredFields::AsLoaded),
        }
    }
}

#[derive(serde::Serialize)]
struct Report<'p> {
    /// The log.
    path: FileName<&'p Path>,
    /// 40 hexadecimal digits.
    digest: String,
    /// Whose digest it is.
    server: &'static str,
    /// Why that server: `option`, `rdb`, `commands`, or `default` if the log names none.
    chosen_by: &'static str,
    /// The number of keys that the digest is of.
    keys: u64,
    #[serde(flatten)]
    expired_fields: ExpiredFieldsReport,
    /// What was skipped.
    gaps: Vec<SkippedGap>,
}

/// Replays the log, and prints the digest.
pub(super) fn run(typed: DigestArguments, console: &mut Console) -> anyhow::Result<Outcome> {
    let settings = Settings::from(typed);
    let opened = Opened::open_to_replay(&settings.path, &settings.replay)?;
    // Digests do not cover groups.
    let entries_read = |_| EntriesRead::AsGiven;
    let ReplayOutcome { replayed, ending, server: chosen, expired_fields, gaps } =
        settings.replay.replay(&opened, settings.server, &entries_read, console)?;
    let server = chosen.server();
    if let Some(note) = expired_fields.note(chosen.release, "digest", "includes") {
        console.say(&format!("note: {note}"));
    }
    let now = settings.replay.now();
    let (value, keys) = match &settings.key {
        Some(key) => {
            let database = settings.databases.first().copied().unwrap_or(0);
            let Some(entry) = replayed.keyspace.get(database, key) else {
                let (path, key) = (FileName(&settings.path), Argument(key));
                console.error(&format!("{path}: no key {key} in database {database}"));
                return Ok(Outcome::Unsound);
            };
            (digest_value(entry, server, now)?, 1)
        }
        None => {
            let wanted =
                |database: u32, _: &[u8]| settings.databases.is_empty() || settings.databases.contains(&database);
            let total = digest(&replayed.keyspace, server, now, &wanted);
            if let Some(first) = total.exceptions.first() {
                let (log, key, why) = (FileName(&settings.path), Argument(&first.key), &first.why);
                bail!("{log}: the data has no digest: the key {key} in database {} has {why}", first.database);
            }
            (total.digest, total.keys)
        }
    };
    // The process ends now, which is quicker than giving the data back piece by piece.
    std::mem::forget(replayed);
    if chosen.evidence != Evidence::Option {
        console.say(&format!("note: the digest of {chosen}"));
    }
    let report = Report {
        path: FileName(&settings.path),
        digest: value.to_string(),
        server: chosen.release.name(),
        chosen_by: chosen.evidence.name(),
        keys,
        expired_fields,
        gaps,
    };
    match settings.format {
        Format::Text => writeln!(console.out, "{}", report.digest)?,
        Format::Json => json::write_object(&mut console.out, &report)?,
    }
    Ok(if ending == Ending::Sound { Outcome::Sound } else { Outcome::Unsound })
}
