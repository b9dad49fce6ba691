//! The first releases that have a command, a type of RDB value or an opcode.

use super::facts::{Family, Product, Version};
use super::set::ServerSet;
use super::table::{Release, Server};

/// The release of Redis from which Valkey was forked: features up to it are in Valkey, with the same version.
const FORK: Version = Version::new(7, 2);

/// The first release of Redis and the first release of Valkey that have something.
///
/// ```
/// use aofkit::server::{Server, redis};
///
/// let expiry_of_fields = redis(7, 4).valkey(9, 0);
/// assert!(expiry_of_fields.servers().contains(Server::Valkey9));
/// assert!(!expiry_of_fields.servers().contains(Server::Valkey8));
/// // Everything up to Redis 7.2 is in Valkey.
/// assert!(redis(7, 0).servers().contains(Server::Valkey8));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Since {
    redis: Option<Version>,
    valkey: Option<Version>,
}

/// Since this release of Redis. Up to 7.2, that includes every release of Valkey; later, none.
pub const fn redis(major: u32, minor: u32) -> Since {
    let version = Version::new(major, minor);
    Since { redis: Some(version), valkey: if FORK.is_at_least(version) { Some(FORK) } else { None } }
}

/// Since this release of Valkey, and never in Redis.
pub const fn valkey(major: u32, minor: u32) -> Since {
    Since::NEVER.valkey(major, minor)
}

impl Since {
    /// In every release.
    pub const ALWAYS: Self = redis(0, 0);
    /// In no release.
    pub const NEVER: Self = Self { redis: None, valkey: None };

    /// Adds the first release of Valkey.
    #[must_use]
    pub const fn valkey(self, major: u32, minor: u32) -> Self {
        Self { valkey: Some(Version::new(major, minor)), ..self }
    }

    /// The family of RDBs that may hold it, if it is not in both.
    pub(crate) const fn only_family(self) -> Option<Family> {
        match (self.redis, self.valkey) {
            (Some(_), None) => Some(Family::Redis),
            (None, Some(_)) => Some(Family::Valkey),
            _ => None,
        }
    }

    /// The releases that have both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let later = |one: Option<Version>, other: Option<Version>| one.zip(other).map(|(one, other)| one.max(other));
        Self { redis: later(self.redis, other.redis), valkey: later(self.valkey, other.valkey) }
    }

    /// The first release of a product that has it.
    pub const fn version(self, product: Product) -> Option<Version> {
        match product {
            Product::Redis => self.redis,
            Product::Valkey => self.valkey,
        }
    }

    /// Whether this release has it.
    pub const fn includes(self, release: Release) -> bool {
        self.has(release.server().product(), release.version())
    }

    /// The lines of servers that have it.
    pub const fn servers(self) -> ServerSet {
        let mut servers = ServerSet::NONE;
        let mut rest = Server::ALL.as_slice();
        while let [server, others @ ..] = rest {
            if self.has(server.product(), server.version()) {
                servers = servers.or(server.set());
            }
            rest = others;
        }
        servers
    }

    const fn has(self, product: Product, version: Version) -> bool {
        match self.version(product) {
            Some(since) => version.is_at_least(since),
            None => false,
        }
    }
}
