//! The servers whose behaviour is reproduced: a table of what is known of each, and sets of them.

mod since;
mod table;
#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;

pub use since::{Since, Version, redis, valkey};
pub use table::{Release, Server};

/// How many databases a server has unless it is configured otherwise.
pub const DATABASES: u32 = 16;

/// Who makes a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Product {
    /// Redis.
    Redis,
    /// Valkey.
    Valkey,
}

/// Whose form of the RDB format a file or a value is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Family {
    /// Files begin with `REDIS`: Redis, and Valkey up to 8.1.
    Redis,
    /// Files begin with `VALKEY`: Valkey 9.
    Valkey,
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Redis => "Redis",
            Self::Valkey => "Valkey",
        })
    }
}

/// How `redis-check-aof` or `valkey-check-aof` recognizes a manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ManifestDetection {
    /// It does not know manifests.
    Never,
    /// By any line that begins with `file`.
    AnyLine,
    /// By the first line that is not a comment, if it begins with `file`.
    FirstLine,
}

/// Which texts are floating-point numbers.
///
/// There are three places: a *score* is an argument of ZADD, of WEIGHTS, of GEOADD and the like; the *end of a range* is that of
/// ZREMRANGEBYSCORE and of ZRANGESTORE with BYSCORE; a *weight* is what SORT compares by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FloatSyntax {
    /// `strtod` of the C library, in the locale C: hexadecimal numbers everywhere, white space before ends of ranges and weights; a
    /// weight that is too large, or so small that it loses digits, is none.
    Strtod,
    /// The library `fast_float`, and `strtod` for scores that it does not read, so scores alone may be hexadecimal. A weight that is
    /// too large is infinite.
    FastFloatOrStrtod,
    /// The library `fast_float` alone: nothing is hexadecimal. A weight that is empty, too large or too small is none.
    FastFloat,
}

impl Server {
    /// The newest Redis.
    pub const NEWEST_REDIS: Self = {
        let mut newest = Self::Redis62;
        let mut rest = Self::ALL.as_slice();
        while let [server, newer @ ..] = rest {
            if !server.is_valkey() {
                newest = *server;
            }
            rest = newer;
        }
        newest
    };

    /// This server alone, as a set.
    pub const fn set(self) -> ServerSet {
        ServerSet(1 << self as u16)
    }

    /// Whether it is Valkey (and not Redis).
    pub const fn is_valkey(self) -> bool {
        matches!(self.product(), Product::Valkey)
    }

    /// Whether it is Redis 8.0 or later (and not Valkey).
    pub const fn is_redis_8(self) -> bool {
        redis(8, 0).servers().contains(self)
    }

    /// Whose numbers of RDB types it goes by, in the payload of a RESTORE and in an RDB of its own.
    pub const fn rdb_family(self) -> Family {
        if self.valkey_rdb_version().is_some() { Family::Valkey } else { Family::Redis }
    }

    /// The newest line of a product, of those that pass the test.
    pub fn newest(product: Product, passes: impl Fn(Self) -> bool) -> Option<Self> {
        Self::ALL.into_iter().rfind(|server| server.product() == product && passes(*server))
    }
}

/// [`Server::NEWEST_REDIS`].
impl Default for Server {
    fn default() -> Self {
        Self::NEWEST_REDIS
    }
}

impl Release {
    /// Whose numbers of RDB types it goes by.
    pub const fn rdb_family(self) -> Family {
        self.server().rdb_family()
    }

    /// The release of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|release| release.name() == name)
    }

    /// The release with the version that a server writes into an RDB, such as `8.6.3`. A version that is newer than all known
    /// ones is taken for the newest.
    pub fn of_version(product: Product, version: &str) -> Option<Self> {
        let version = Version::parse(version)?;
        let known = Self::ALL.into_iter().filter(|release| release.server().product() == product);
        let not_newer =
            known.clone().filter(|release| release.version() <= version).max_by_key(|release| release.version());
        not_newer.or_else(|| known.min_by_key(|release| release.version()))
    }
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A name that is none of [`Release::ALL`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown server '{0}' (known: {known})", known = Release::ALL.map(Release::name).join(", "))]
pub struct UnknownRelease(pub String);

impl FromStr for Release {
    type Err = UnknownRelease;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::named(text).ok_or_else(|| UnknownRelease(text.to_owned()))
    }
}

/// The release that the line is called after.
impl From<Server> for Release {
    fn from(server: Server) -> Self {
        Self::ALL.into_iter().find(|release| release.name() == server.name()).unwrap_or(Self::Redis62)
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
pub struct ServerSet(u16);

impl ServerSet {
    /// No server.
    pub const NONE: Self = Self(0);
    /// Every server of [`Server::ALL`].
    pub const ALL: Self = Self((1 << Server::ALL.len()) - 1);
    /// Those that write annotations and logs of several parts.
    pub const WITH_ANNOTATIONS: Self = redis(7, 0).servers();

    /// The servers in either set.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The servers in both sets.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// The servers of this set that are not in the other.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
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
