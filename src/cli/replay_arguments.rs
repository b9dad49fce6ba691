//! The arguments of a replay, which `rewrite` and `digest` share, as typed and as resolved.

use std::num::NonZeroUsize;

use clap::ValueEnum;

use super::offset::PartOffset;
use super::time::{self, Moment};
use super::{skip_damage, source};
use crate::command::apply::ExpiredFields;
use crate::replay::Unknown;

/// Which state of the log, and how it is replayed.
#[derive(Debug, clap::Args)]
pub(super) struct ReplayArguments {
    /// The data as it was at this time: unix seconds, RFC 3339, or a date (UTC)
    ///
    /// Ends before the first #TS: annotation with a later time; servers write them with aof-timestamp-enabled yes. A
    /// log without any is an error.
    #[arg(
        long,
        value_name = "TIME",
        value_parser = time::parse,
        allow_hyphen_values = true,
        conflicts_with = "at_offset",
        help_heading = "Which data"
    )]
    at: Option<Moment>,
    /// The data as it was when the last part, or PART, had this many bytes
    ///
    /// PART is the file name of a part; the parts after it are left out. A record that is not complete at the offset
    /// is left out, too. An offset beyond the end of its part, or inside an RDB, is an error.
    #[arg(long, value_name = "[PART:]N", help_heading = "Which data")]
    at_offset: Option<PartOffset>,
    /// How to handle commands of modules and others that no server knows
    #[arg(long, value_name = "WHAT", value_enum, default_value_t = UnknownCommands::Refuse, help_heading = "Replay")]
    unknown: UnknownCommands,
    /// How to treat fields whose expiry has passed: as on the server that wrote the log, or on one that loads it
    ///
    /// Redis 7.4 and later look at the clock while they load a log. There HPERSIST, HGETEX, HINCRBY, HINCRBYFLOAT,
    /// HSETNX, HSETEX with FNX or FXX, HGETDEL and SORT with BY or GET do not find a field whose expiry has passed
    /// by the time of loading, though it was there when the command was logged: a field that HPERSIST kept is
    /// lost. The same holds for XADD with IDMP whose id had been forgotten. Other servers, Valkey among them, do
    /// not look at the clock, and both values mean the same for them. If what --server would load differs from
    /// what was written, a note says what is lost. The time of loading is --now.
    #[arg(
        long,
        value_name = "WHICH",
        value_enum,
        help = "How to treat fields whose expiry has passed: as on the server that wrote the log, or on one that \
                loads it [default: as-written in rewrite, as-loaded in digest]",
        help_heading = "Replay"
    )]
    expired_fields: Option<View>,
    /// The time of loading, and from which relative expiries count if the log has no #TS: annotation [default: now]
    #[arg(long, value_name = "TIME", value_parser = time::parse, allow_hyphen_values = true, help_heading = "Replay")]
    now: Option<Moment>,
    /// Refuse a damaged log, even if a server would truncate and load it
    #[arg(long, help_heading = "Replay")]
    strict: bool,
    #[arg(
        long,
        conflicts_with = "strict",
        help = skip_damage::HELP,
        long_help = skip_damage::LONG_HELP,
        help_heading = "Replay"
    )]
    skip_damage: bool,
    /// Number of threads that replay [default: one per core]
    #[arg(long, value_name = "N", value_parser = source::positive, help_heading = "Replay")]
    threads: Option<NonZeroUsize>,
}

/// Whose view of expired fields, as typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum View {
    /// As they were on the server that wrote the log: there until the log deletes them
    AsWritten,
    /// As --server treats them if it loads the log now
    AsLoaded,
}

/// What to do with unknown commands, as typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum UnknownCommands {
    /// List them all and stop
    Refuse,
    /// Leave out their effect
    Skip,
    /// Keep them with the key that their first argument names
    Keep,
}

/// Which state of the log, and how it is replayed.
pub(super) struct ReplaySettings {
    pub(super) wanted: Wanted,
    pub(super) unknown: Unknown,
    pub(super) expired_fields: ExpiredFields,
    /// The time that counts as now, in milliseconds of Unix time; `None` for that of the run.
    pub(super) now: Option<i64>,
    pub(super) damage: OnDamage,
    pub(super) threads: NonZeroUsize,
}

/// Which state of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wanted {
    End,
    /// As it was at this time, in seconds of Unix time.
    Time(i64),
    Offset(PartOffset),
}

/// What to do with a log that a server would truncate and load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OnDamage {
    Refuse,
    UseSoundPart,
    /// Everything is used but what is damaged.
    Skip,
}

impl ReplayArguments {
    /// Whether damage is to be skipped.
    pub(super) const fn skips_damage(&self) -> bool {
        self.skip_damage
    }

    /// Resolves what was typed; `expired_fields` is what holds unless `--expired-fields` is given.
    pub(super) fn resolve(self, expired_fields: ExpiredFields) -> ReplaySettings {
        ReplaySettings {
            wanted: match (self.at, self.at_offset) {
                (Some(moment), _) => Wanted::Time(moment.floor()),
                (None, Some(offset)) => Wanted::Offset(offset),
                (None, None) => Wanted::End,
            },
            unknown: match self.unknown {
                UnknownCommands::Refuse => Unknown::Refuse,
                UnknownCommands::Skip => Unknown::Skip,
                UnknownCommands::Keep => Unknown::Keep,
            },
            expired_fields: match self.expired_fields {
                Some(View::AsWritten) => ExpiredFields::AsWritten,
                Some(View::AsLoaded) => ExpiredFields::AsLoaded,
                None => expired_fields,
            },
            now: self.now.map(Moment::milliseconds),
            damage: match (self.strict, self.skip_damage) {
                (true, _) => OnDamage::Refuse,
                (_, true) => OnDamage::Skip,
                _ => OnDamage::UseSoundPart,
            },
            threads: self.threads.unwrap_or_else(source::cores),
        }
    }
}

/// How a view of expired fields is typed.
pub(super) const fn name_of(expired_fields: ExpiredFields) -> &'static str {
    match expired_fields {
        ExpiredFields::AsWritten => "as-written",
        ExpiredFields::AsLoaded => "as-loaded",
    }
}
