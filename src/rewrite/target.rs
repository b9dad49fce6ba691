//! Which version must be able to load what is written.

use std::fmt;
use std::str::FromStr;

pub use crate::rdb::RdbTarget as Target;

impl Target {
    /// The name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Redis62 => "redis-6.2",
            Self::Redis70 => "redis-7.0",
            Self::Redis74 => "redis-7.4",
            Self::Redis80 => "redis-8.0",
            Self::Valkey8 => "valkey-8",
            Self::Valkey9 => "valkey-9",
        }
    }

    /// Whether fields of hashes can expire.
    pub const fn has_field_expiry(self) -> bool {
        matches!(self, Self::Redis74 | Self::Redis80 | Self::Valkey9)
    }

    /// Whether there are functions, and counters of streams: both came with Redis 7.0.
    pub const fn is_redis_7_or_later(self) -> bool {
        !matches!(self, Self::Redis62)
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
        Self::ALL.into_iter().find(|target| target.name() == text).ok_or_else(|| format!("no such target: {text}"))
    }
}
