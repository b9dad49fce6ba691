//! Which version must be able to load what is written.

use std::fmt;
use std::str::FromStr;

pub use crate::rdb::RdbTarget as Target;
use crate::server::Release;

impl Target {
    /// The name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Redis62 => "redis-6.2",
            Self::Redis70 => "redis-7.0",
            Self::Redis74 => "redis-7.4",
            Self::Redis80 => "redis-8.0",
            Self::Redis86 => "redis-8.6",
            Self::Valkey8 => "valkey-8",
            Self::Valkey9 => "valkey-9",
        }
    }

    /// Versions that load what is written for this one, and that people may name instead.
    pub const fn other_names(self) -> &'static [&'static str] {
        match self {
            Self::Redis70 => &["redis-7.2"],
            Self::Valkey8 => &["valkey-7.2", "valkey-8.0", "valkey-8.1"],
            Self::Valkey9 => &["valkey-9.0", "valkey-9.1"],
            Self::Redis80 => &["redis-8.2", "redis-8.4"],
            Self::Redis62 | Self::Redis74 | Self::Redis86 => &[],
        }
    }

    /// Whether fields of hashes can expire.
    pub const fn has_field_expiry(self) -> bool {
        matches!(self, Self::Redis74 | Self::Redis80 | Self::Redis86 | Self::Valkey9)
    }

    /// Whether there are vector sets: since Redis 8.0.
    pub const fn has_vector_sets(self) -> bool {
        matches!(self, Self::Redis80 | Self::Redis86)
    }

    /// Whether streams remember the idempotent ids of producers: since Redis 8.6.
    pub const fn has_idempotent_producers(self) -> bool {
        matches!(self, Self::Redis86)
    }

    /// Whether there is a command that sets fields together with the time at which they expire.
    pub const fn has_hsetex(self) -> bool {
        matches!(self, Self::Redis80 | Self::Redis86 | Self::Valkey9)
    }

    /// The last time at which a field can expire, in milliseconds of Unix time; negative where fields cannot expire at all.
    ///
    /// Redis 7.4 to 8.6 refuse what does not fit in 46 bits (`HFE_MAX_ABS_TIME_MSEC`).
    pub const fn last_field_expiry(self) -> i64 {
        match self {
            Self::Valkey9 => i64::MAX,
            _ if self.has_field_expiry() => (1 << 46) - 1,
            _ => -1,
        }
    }

    /// Whether there are functions, and counters of streams: both came with Redis 7.0.
    pub const fn is_redis_7_or_later(self) -> bool {
        !matches!(self, Self::Redis62)
    }
}

impl From<Release> for Target {
    fn from(release: Release) -> Self {
        release.name().parse().unwrap_or_else(|_| release.server().into())
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_it = |target: &Self| target.name() == text || target.other_names().contains(&text);
        Self::ALL.into_iter().find(is_it).ok_or_else(|| format!("no such target: {text}"))
    }
}
