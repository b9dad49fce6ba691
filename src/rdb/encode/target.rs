//! Who is to read what is written.

use super::super::support::takes_type;
use super::super::types::TypeRow;
use crate::server::Server;
use crate::value::Family;

/// The oldest version that an RDB is for; later ones of the same family read it too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum RdbTarget {
    /// Redis 6.2: RDB 9, without functions, and streams without counters.
    Redis62,
    /// Redis 7.0: RDB 10.
    Redis70,
    /// Redis 7.4: RDB 12, the first in which fields of hashes expire.
    Redis74,
    /// Redis 8.0 to 8.4: RDB 12.
    Redis80,
    /// Redis 8.6: RDB 13, the first in which streams have producers.
    Redis86,
    /// Valkey 8.0 and 8.1: RDB 11, which Redis 7.2 reads as well.
    Valkey8,
    /// Valkey 9.0: RDB 80 with a magic of its own.
    Valkey9,
}

impl RdbTarget {
    /// Every target.
    pub const ALL: [Self; 7] =
        [Self::Redis62, Self::Redis70, Self::Redis74, Self::Redis80, Self::Redis86, Self::Valkey8, Self::Valkey9];

    /// The version of the format.
    pub const fn version(self) -> u16 {
        match self {
            Self::Redis62 => 9,
            Self::Redis70 => 10,
            Self::Redis74 | Self::Redis80 => 12,
            Self::Redis86 => 13,
            Self::Valkey8 => 11,
            Self::Valkey9 => 80,
        }
    }

    /// Whose numbering of types it has.
    pub const fn family(self) -> Family {
        match self {
            Self::Valkey9 => Family::Valkey,
            _ => Family::Redis,
        }
    }

    /// The first nine bytes.
    pub(super) const fn header(self) -> &'static str {
        match self {
            Self::Redis62 => "REDIS0009",
            Self::Redis70 => "REDIS0010",
            Self::Redis74 | Self::Redis80 => "REDIS0012",
            Self::Redis86 => "REDIS0013",
            Self::Valkey8 => "REDIS0011",
            Self::Valkey9 => "VALKEY080",
        }
    }

    /// The field in which the server says what it is.
    pub(super) const fn server_field(self) -> &'static str {
        match self {
            Self::Valkey8 | Self::Valkey9 => "valkey-ver",
            _ => "redis-ver",
        }
    }

    /// What it says there.
    pub(super) const fn server_version(self) -> &'static str {
        match self {
            Self::Redis62 => "6.2.0",
            Self::Redis70 => "7.0.0",
            Self::Redis74 => "7.4.0",
            Self::Redis80 | Self::Valkey8 => "8.0.0",
            Self::Redis86 => "8.6.0",
            Self::Valkey9 => "9.0.0",
        }
    }

    /// Whether values of a type are read.
    pub const fn takes(self, row: &TypeRow) -> bool {
        let server = match self {
            Self::Redis62 => Server::Redis62,
            Self::Redis70 => Server::Redis70,
            Self::Redis74 | Self::Redis80 => Server::Redis80,
            Self::Redis86 => Server::Redis86,
            Self::Valkey8 => Server::Valkey8,
            Self::Valkey9 => Server::Valkey9,
        };
        takes_type(server, row)
    }
}

impl From<Server> for RdbTarget {
    fn from(server: Server) -> Self {
        match server {
            Server::Redis62 => Self::Redis62,
            Server::Redis70 => Self::Redis70,
            Server::Redis80 | Server::Redis82 => Self::Redis80,
            Server::Redis86 => Self::Redis86,
            Server::Valkey8 => Self::Valkey8,
            Server::Valkey9 => Self::Valkey9,
        }
    }
}
