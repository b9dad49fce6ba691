//! The servers whose behaviour is modelled: a table of facts, and sets of servers.

mod facts;
mod set;
mod since;
mod table;
#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;

pub use facts::{Family, FloatSyntax, ManifestDetection, Product, Version};
pub use set::ServerSet;
pub use since::{Since, redis, valkey};
pub use table::{Release, Server};

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

    /// Whether it is Valkey (and not Redis).
    pub const fn is_valkey(self) -> bool {
        matches!(self.product(), Product::Valkey)
    }

    /// Whether it is Redis 8.0 or later (and not Valkey).
    pub const fn is_redis_8(self) -> bool {
        redis(8, 0).servers().contains(self)
    }

    /// The family whose numbers of RDB types it uses, in the payload of a RESTORE and in the RDBs that it writes.
    pub const fn rdb_family(self) -> Family {
        if self.valkey_rdb_version().is_some() { Family::Valkey } else { Family::Redis }
    }

    /// The newest server of a product that passes the test.
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
    /// The family whose numbers of RDB types it uses.
    pub const fn rdb_family(self) -> Family {
        self.server().rdb_family()
    }

    /// The release of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|release| release.name() == name)
    }

    /// The release with the version that a server writes into an RDB, such as `8.6.3`. A version that is newer than all
    /// known ones is treated as the newest; one between two, as the earlier.
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

/// A name that is not one of [`Release::ALL`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown server '{0}' (known: {known})", known = Release::ALL.map(Release::name).join(", "))]
pub struct UnknownRelease(pub String);

impl FromStr for Release {
    type Err = UnknownRelease;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::named(text).ok_or_else(|| UnknownRelease(text.to_owned()))
    }
}

/// The release with the same name.
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

/// A name that is not one of [`Server::ALL`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown server '{0}' (known: {known})", known = Server::ALL.map(Server::name).join(", "))]
pub struct UnknownServer(pub String);

impl FromStr for Server {
    type Err = UnknownServer;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|server| server.name() == text).ok_or_else(|| UnknownServer(text.to_owned()))
    }
}
