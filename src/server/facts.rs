//! The types of facts in the table.

use std::fmt;

/// The major and the minor number of a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    major: u32,
    minor: u32,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl Version {
    /// `Version::new(8, 6)` is 8.6.
    pub const fn new(major: u32, minor: u32) -> Self {
        Self { major, minor }
    }

    /// The first two numbers of `8.6.3`.
    pub fn parse(text: &str) -> Option<Self> {
        let mut numbers = text.split('.').map_while(|number| number.parse().ok());
        Some(Self { major: numbers.next()?, minor: numbers.next().unwrap_or(0) })
    }

    pub(super) const fn is_at_least(self, other: Self) -> bool {
        self.major > other.major || (self.major == other.major && self.minor >= other.minor)
    }
}

/// The product that a server is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Product {
    /// Redis.
    Redis,
    /// Valkey.
    Valkey,
}

/// The family of the RDB format of a file or a value.
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
    /// It does not support manifests.
    Never,
    /// By any line that begins with `file`.
    AnyLine,
    /// By the first line that is not a comment, if it begins with `file`.
    FirstLine,
}

/// The syntax of floating-point numbers.
///
/// They occur in three places: a *score* is an argument of ZADD, WEIGHTS, GEOADD and the like; the *end of a range* is
/// one of ZREMRANGEBYSCORE and of ZRANGESTORE with BYSCORE; a *weight* is what SORT compares by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FloatSyntax {
    /// `strtod` of the C library, in the locale C: hexadecimal numbers everywhere, white space before ends of ranges
    /// and weights; a weight that is too large, or so small that it loses digits, is invalid.
    Strtod,
    /// The library `fast_float`, and `strtod` for scores that it rejects, so that only scores may be hexadecimal. A
    /// weight that is too large is infinite.
    FastFloatOrStrtod,
    /// Only the library `fast_float`: no hexadecimal numbers. A weight that is empty, too large or too small is
    /// invalid.
    FastFloat,
}
