//! The servers whose behaviour is reproduced, as sets of versions.

use std::fmt;
use std::str::FromStr;

/// How many databases a server has unless it is configured otherwise.
pub const DATABASES: u32 = 16;

/// A line of servers that behave alike when they load a log.
///
/// Each stands for the newest release of its line that was probed: 6.2.14, 7.0.15, 8.0.6, Valkey 8.1.1, Valkey 9.1.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[non_exhaustive]
pub enum Server {
    /// Redis 6.2: single files only, no annotations in its checker.
    Redis62,
    /// Redis 7.0: the first with manifests.
    Redis70,
    /// Redis 8.0.
    #[default]
    Redis80,
    /// Valkey 8.0 and 8.1.
    Valkey8,
    /// Valkey 9.0 and 9.1.
    Valkey9,
}

impl Server {
    /// Every server, oldest first, Redis before Valkey.
    pub const ALL: [Self; 5] = [Self::Redis62, Self::Redis70, Self::Redis80, Self::Valkey8, Self::Valkey9];

    /// The name that the command line and every report use.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Redis62 => "redis-6.2",
            Self::Redis70 => "redis-7.0",
            Self::Redis80 => "redis-8.0",
            Self::Valkey8 => "valkey-8",
            Self::Valkey9 => "valkey-9",
        }
    }

    /// This server alone, as a set.
    pub const fn set(self) -> ServerSet {
        ServerSet(1 << self as u8)
    }

    /// Whether it is Valkey (and not Redis).
    pub const fn is_valkey(self) -> bool {
        matches!(self, Self::Valkey8 | Self::Valkey9)
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A name that is none of [`Server::ALL`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown server '{0}' (known: {known})", known = Server::ALL.map(Server::name).join(", "))]
pub struct UnknownServer(pub String);

impl FromStr for Server {
    type Err = UnknownServer;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|server| server.name() == text).ok_or_else(|| UnknownServer(text.to_owned()))
    }
}

/// A set of [`Server`]s, a bit each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct ServerSet(u8);

impl ServerSet {
    /// No server.
    pub const NONE: Self = Self(0);
    /// Every server of [`Server::ALL`].
    pub const ALL: Self = Self(0b1_1111);

    /// The servers in either set.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether `server` is in the set.
    pub const fn contains(self, server: Server) -> bool {
        self.0 & server.set().0 != 0
    }

    /// The servers in the set, in the order of [`Server::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Server> {
        Server::ALL.into_iter().filter(move |server| self.contains(*server))
    }
}
