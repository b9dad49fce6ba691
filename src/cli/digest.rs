//! `aofkit digest`: the digest that a server's `DEBUG DIGEST` would print.

use std::ffi::OsString;
use std::io::Write;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use anyhow::bail;
use clap::ValueEnum;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

use super::Outcome;
use super::console::Console;
use super::replay::{Ending, Opened, ReplayArguments};
use crate::command::apply::ExpiredFields;
use crate::digest::{Digest, digest, digest_value};
use crate::escape::Escaped;
use crate::keyspace::Key;
use crate::report::json;
use crate::server::Server;

const EXAMPLES: &str = "\
Examples:
  aofkit digest appendonlydir
      Compare with: redis-cli debug digest
  aofkit digest --as valkey-9.1 --db 3 appendonly.aof
      Only one database, as Valkey computes it.
  aofkit digest --key user:1 appendonly.aof
      Compare with: redis-cli debug digest-value user:1
  aofkit digest --at 2023-11-14T22:00:00Z appendonlydir
      The data as it was then.

Exit codes: 0 the log is sound, 1 it is damaged, or there is no such key, 2 it cannot be read or replayed.";

/// Which log, and what of it.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct DigestArguments {
    /// A log: a file, a manifest, a directory with one, or '-' for standard input
    #[arg(value_name = "PATH")]
    path: PathBuf,
    /// Whose digest: servers format scores, and see fields that expire, differently
    #[arg(long = "as", value_name = "VERSION", value_parser = version(), default_value_t)]
    server: Server,
    /// Only database N; may be given again
    #[arg(long, value_name = "N", help_heading = "Which data")]
    db: Vec<u32>,
    /// The digest of one key's value, as DEBUG DIGEST-VALUE prints it; in database 0 unless --db says otherwise
    #[arg(long, value_name = "KEY", help_heading = "Which data")]
    key: Option<OsString>,
    /// How to report
    #[arg(long, short, value_name = "FORMAT", value_enum, default_value_t = Format::Text)]
    format: Format,
    #[command(flatten)]
    replay: ReplayArguments,
}

/// The versions whose digests differ; Valkey 8 computes the digest of 9.1, but for fields that expire, which it does not have.
fn version() -> impl TypedValueParser<Value = Server> {
    let name = |server: Server| match server {
        Server::Valkey9 => PossibleValue::new("valkey-9.1").alias(server.name()),
        _ => PossibleValue::new(server.name()),
    };
    PossibleValuesParser::new(Server::ALL.map(name))
        .try_map(|name| if name == "valkey-9.1" { Ok(Server::Valkey9) } else { name.parse() })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// The digest alone
    Text,
    /// A JSON object: digest, as, keys
    Json,
}

#[derive(serde::Serialize)]
struct Report {
    digest: String,
    #[serde(rename = "as")]
    server: &'static str,
    keys: u64,
}

/// Replays the log, and prints the digest.
pub(super) fn run(typed: DigestArguments, console: &mut Console) -> anyhow::Result<Outcome> {
    let opened = Opened::open(&typed.path)?;
    // Redis 8.0 looks at the clock while it loads, and no other server does.
    let expired_fields = if typed.server.is_redis_8() { ExpiredFields::Hidden } else { ExpiredFields::Exist };
    let (replayed, ending) = typed.replay.replay(&opened, expired_fields, console)?;
    let now = typed.replay.now();
    let (value, keys) = match typed.key {
        Some(key) => {
            let key = key.into_vec();
            let key = Key::new(&key);
            let database = typed.db.first().copied().unwrap_or(0);
            let share = replayed.shares.get(replayed.division.share_of(key));
            let entry = share.and_then(|share| share.database(database)).and_then(|database| database.get(key));
            let Some(entry) = entry else {
                console.error(&format!("no such key in database {database}: {}", Escaped(key.bytes)));
                return Ok(Outcome::Unsound);
            };
            (digest_value(entry, typed.server, now)?, 1)
        }
        None => {
            let wanted = |database: u32, _: &[u8]| typed.db.is_empty() || typed.db.contains(&database);
            let total = digest(&replayed.shares, typed.server, now, &wanted);
            if let Some(first) = total.exceptions.first() {
                let (key, why) = (Escaped(&first.key), &first.why);
                bail!("{key} in database {} has {why}: there is no digest of all keys", first.database);
            }
            (total.digest, total.keys)
        }
    };
    // The process ends now, which is quicker than giving the data back piece by piece.
    std::mem::forget(replayed);
    write(&value, keys, typed.format, typed.server, console)?;
    Ok(if ending == Ending::Refused { Outcome::Unsound } else { Outcome::Sound })
}

fn write(value: &Digest, keys: u64, format: Format, server: Server, console: &mut Console) -> anyhow::Result<()> {
    match format {
        Format::Text => writeln!(console.out, "{value}")?,
        Format::Json => {
            json::write_line(&mut console.out, &Report { digest: value.to_string(), server: server.name(), keys })?;
        }
    }
    Ok(())
}
