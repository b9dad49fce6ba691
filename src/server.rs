//! The servers whose behaviour is reproduced, as sets of versions.

use std::fmt;
use std::str::FromStr;

/// How many databases a server has unless it is configured otherwise.
pub const DATABASES: u32 = 16;

/// A line of servers that behave alike when they load a log.
///
/// Each stands for the newest release of its line that was probed: 6.2.14, 7.0.15, 8.0.6, 8.2.3, 8.6.3, Valkey 8.1.1,
/// Valkey 9.1.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[non_exhaustive]
pub enum Server {
    /// Redis 6.2: single files only, no annotations in its checker.
    Redis62,
    /// Redis 7.0: the first with manifests.
    Redis70,
    /// Redis 8.0.
    Redis80,
    /// Redis 8.2.
    Redis82,
    /// Redis 8.6.
    #[default]
    Redis86,
    /// Valkey 8.0 and 8.1.
    Valkey8,
    /// Valkey 9.0 and 9.1.
    Valkey9,
}

/// What is known of a line of servers.
struct Row {
    name: &'static str,
    checker: &'static str,
    rdb_version: u32,
    newest_type: u8,
}

impl Server {
    /// Every server, oldest first, Redis before Valkey.
    pub const ALL: [Self; 7] =
        [Self::Redis62, Self::Redis70, Self::Redis80, Self::Redis82, Self::Redis86, Self::Valkey8, Self::Valkey9];

    /// What differs between the lines and can be told in a word.
    const fn row(self) -> Row {
        let (name, checker, rdb_version, newest_type) = match self {
            Self::Redis62 => ("redis-6.2", "redis-check-aof 6.2", 9, 15),
            Self::Redis70 => ("redis-7.0", "redis-check-aof 7.0", 10, 19),
            Self::Redis80 => ("redis-8.0", "redis-check-aof 8.0", 12, 25),
            Self::Redis82 => ("redis-8.2", "redis-check-aof 8.2", 12, 25),
            Self::Redis86 => ("redis-8.6", "redis-check-aof 8.6", 13, 26),
            Self::Valkey8 => ("valkey-8", "valkey-check-aof 8", 11, 21),
            Self::Valkey9 => ("valkey-9", "valkey-check-aof 9", 11, 22),
        };
        Row { name, checker, rdb_version, newest_type }
    }

    /// The name that the command line and every report use.
    pub const fn name(self) -> &'static str {
        self.row().name
    }

    /// Its checker of append-only files, with the line of releases.
    pub const fn checker(self) -> &'static str {
        self.row().checker
    }

    /// The newest version of the RDB format with the magic `REDIS` that it loads.
    pub const fn rdb_version(self) -> u32 {
        self.row().rdb_version
    }

    /// The greatest number of a type of RDB value that it knows.
    pub const fn newest_rdb_type(self) -> u8 {
        self.row().newest_type
    }

    /// This server alone, as a set.
    pub const fn set(self) -> ServerSet {
        ServerSet(1 << self as u8)
    }

    /// Whether it is Valkey (and not Redis).
    pub const fn is_valkey(self) -> bool {
        matches!(self, Self::Valkey8 | Self::Valkey9)
    }

    /// Whether it is Redis 8.0 or later (and not Valkey).
    pub const fn is_redis_8(self) -> bool {
        matches!(self, Self::Redis80 | Self::Redis82 | Self::Redis86)
    }

    /// How it reads floating-point numbers.
    pub const fn float_syntax(self) -> FloatSyntax {
        match self {
            Self::Redis62 | Self::Redis70 | Self::Valkey8 => FloatSyntax::Strtod,
            Self::Redis80 | Self::Redis82 | Self::Redis86 => FloatSyntax::FastFloatOrStrtod,
            Self::Valkey9 => FloatSyntax::FastFloat,
        }
    }

    /// Whether a blocking command refuses a timeout that ends after the last time that 63 bits of milliseconds hold: Redis 7.2 and
    /// later, and Valkey. The others take every timeout of as many milliseconds.
    pub const fn limits_end_of_timeout(self) -> bool {
        !matches!(self, Self::Redis62 | Self::Redis70)
    }

    /// Whether BITFIELD reads the width of a type up to the first NUL (`u8\0x`): all but Valkey 9, which refuses such a type.
    pub const fn cuts_bitfield_type_at_nul(self) -> bool {
        !matches!(self, Self::Valkey9)
    }

    /// Whether a key whose expiry is set to -1 ms of Unix time has expired: Valkey 9. For the others it does not expire.
    pub const fn expires_at_minus_one(self) -> bool {
        matches!(self, Self::Valkey9)
    }

    /// Whether a small sorted set tells a score of -0 from 0, as large ones do: Redis 6.2.
    pub const fn keeps_negative_zero(self) -> bool {
        matches!(self, Self::Redis62)
    }

    /// Whether LSET takes the low 32 bits of its index, and LREM refuses a count of -2^63, which otherwise means every equal
    /// element: Redis 7.2 and later, and Valkey.
    pub const fn narrows_list_indexes(self) -> bool {
        !matches!(self, Self::Redis62 | Self::Redis70)
    }

    /// Whether a negative offset of LIMIT in ZRANGESTORE counts from the other end of the range, if the sorted set is large: Redis
    /// 8.0 and Valkey. For the others such a range is empty.
    pub const fn counts_negative_limit_from_end(self) -> bool {
        matches!(self, Self::Redis80 | Self::Valkey8 | Self::Valkey9)
    }

    /// Whether VADD refuses to reduce a vector to more components than it has: Redis 8.6.
    pub const fn limits_vector_reduction(self) -> bool {
        matches!(self, Self::Redis86)
    }

    /// Whether XGROUP lowers a number of read entries that exceeds the number of entries added: Redis 8.2 and later.
    pub const fn limits_entries_read(self) -> bool {
        matches!(self, Self::Redis82 | Self::Redis86)
    }
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

/// A release that can be named, and the line of servers that behaves like it when it loads a log.
///
/// Lines that were not probed stand for the next newer one: whatever such a server writes, that one loads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Release {
    /// `redis-7.2`.
    pub name: &'static str,
    /// The line that behaves like it.
    pub server: Server,
}

impl Release {
    /// Every release that can be named, oldest first, Redis before Valkey.
    pub const ALL: [Self; 15] = [
        Self::of("redis-6.2", Server::Redis62),
        Self::of("redis-7.0", Server::Redis70),
        Self::of("redis-7.2", Server::Redis80),
        Self::of("redis-7.4", Server::Redis80),
        Self::of("redis-8.0", Server::Redis80),
        Self::of("redis-8.2", Server::Redis82),
        Self::of("redis-8.4", Server::Redis86),
        Self::of("redis-8.6", Server::Redis86),
        Self::of("valkey-7.2", Server::Valkey8),
        Self::of("valkey-8", Server::Valkey8),
        Self::of("valkey-8.0", Server::Valkey8),
        Self::of("valkey-8.1", Server::Valkey8),
        Self::of("valkey-9", Server::Valkey9),
        Self::of("valkey-9.0", Server::Valkey9),
        Self::of("valkey-9.1", Server::Valkey9),
    ];

    const fn of(name: &'static str, server: Server) -> Self {
        Self { name, server }
    }

    /// The release of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|release| release.name == name)
    }

    /// The release that a server names in an RDB: `family` is `redis` or `valkey`, `version` `8.6.3`. One that is newer than all
    /// that are known is taken for the newest.
    pub fn of_version(family: &str, version: &str) -> Option<Self> {
        let number = |text: &str| -> Option<(u32, u32)> {
            let mut numbers = text.split('.').map_while(|number| number.parse().ok());
            Some((numbers.next()?, numbers.next().unwrap_or(0)))
        };
        let version = number(version)?;
        let known = Self::ALL.into_iter().filter_map(|release| {
            let (of, name) = release.name.split_once('-')?;
            (of == family).then_some((number(name)?, release))
        });
        let not_newer = known.clone().filter(|(known, _)| *known <= version).max_by_key(|(known, _)| *known);
        not_newer.or_else(|| known.min_by_key(|(known, _)| *known)).map(|(_, release)| release)
    }
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name)
    }
}

/// A name that is none of [`Release::ALL`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown server '{0}' (known: {known})", known = Release::ALL.map(|release| release.name).join(", "))]
pub struct UnknownRelease(pub String);

impl FromStr for Release {
    type Err = UnknownRelease;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::named(text).ok_or_else(|| UnknownRelease(text.to_owned()))
    }
}

impl From<Server> for Release {
    fn from(server: Server) -> Self {
        Self { name: server.name(), server }
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
    pub const ALL: Self = Self(0b111_1111);
    /// Those that write annotations and logs of several parts: Redis 7.0 and later, Valkey.
    pub const WITH_ANNOTATIONS: Self = Self::ALL.without(Server::Redis62.set());

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_a_release() {
        for server in Server::ALL {
            assert_eq!(Release::named(server.name()), Some(Release::from(server)));
        }
    }

    #[test]
    fn a_version_is_that_of_the_newest_release_before_it() {
        let name = |family, version| Release::of_version(family, version).map(|release| release.name);
        for (family, version, expected) in [
            ("redis", "8.6.3", "redis-8.6"),
            ("redis", "8.10.2", "redis-8.6"),
            ("redis", "8.4.0", "redis-8.4"),
            ("redis", "7.2.4", "redis-7.2"),
            ("redis", "255.255.255", "redis-8.6"),
            ("redis", "5.0.7", "redis-6.2"),
            ("valkey", "7.2.5", "valkey-7.2"),
            ("valkey", "8.1.1", "valkey-8.1"),
            ("valkey", "9.1.2", "valkey-9.1"),
        ] {
            assert_eq!(name(family, version), Some(expected), "{family} {version}");
        }
        assert_eq!(name("redis", "x"), None);
        assert_eq!(name("keydb", "6.3.4"), None);
    }
}
