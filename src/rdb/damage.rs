//! Damage of an RDB: its kind, its place, and who stops there.

use std::fmt;

use super::fault::DamageKind;
use super::types::TypeRow;
use crate::escape::quoted;
use crate::server::{Server, ServerSet};

/// What was being read, in the ten states of the servers' own checkers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Doing {
    /// The nine bytes of the header.
    Start,
    /// A type or opcode byte (and the operands that the checkers count to it: idle time, frequency, slots).
    ReadType,
    /// The operand of an expiry opcode.
    ReadExpire,
    /// A key.
    ReadKey,
    /// The value of a key.
    ReadValue,
    /// The eight bytes after the end opcode.
    CheckSum,
    /// The operand of a database opcode.
    ReadLength,
    /// An auxiliary field.
    ReadAux,
    /// Data that a module stores in addition to the keys.
    ReadModuleAux,
    /// A function library.
    ReadFunctions,
}

impl Doing {
    /// The word that `redis-check-rdb` prints after `While doing:` (the same in every release since 3.2; the last two
    /// were added in 4.0 and 7.0).
    pub const fn phrase(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::ReadType => "read-type",
            Self::ReadExpire => "read-expire",
            Self::ReadKey => "read-key",
            Self::ReadValue => "read-object-value",
            Self::CheckSum => "check-sum",
            Self::ReadLength => "read-len",
            Self::ReadAux => "read-aux",
            Self::ReadModuleAux => "read-module-aux",
            Self::ReadFunctions => "read-functions",
        }
    }
}

/// Damage of an RDB.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// The absolute offset of the first wrong byte (of the compressed string, if the wrong byte is inside one), or the
    /// end of the file if bytes are missing.
    pub offset: u64,
    /// The number of bytes of the file that the servers' readers have consumed when they fail: N in `[offset N]` of
    /// `redis-check-rdb`, counted from the start of the file.
    pub position: u64,
    /// What is wrong.
    pub kind: DamageKind,
    /// What was being read.
    pub doing: Doing,
    /// The key of the damaged value.
    pub key: Option<Vec<u8>>,
    /// The type of that value.
    pub row: Option<&'static TypeRow>,
    /// The flaws before it in the same item. Empty in the damage of a [`Flaw`].
    pub flaws: Vec<Flaw>,
}

/// A program that reads an RDB.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Consumer {
    /// The `check-rdb` of a server, or its `check-aof` over a preamble or base.
    Checker(Server),
    /// A server that loads it at start.
    Loader(Server),
}

impl Consumer {
    /// The first of `flaws` at which it stops.
    pub fn first_stop(self, flaws: &[Flaw]) -> Option<&Damage> {
        flaws.iter().find(|flaw| flaw.stops(self)).map(|flaw| &flaw.damage)
    }
}

impl Damage {
    /// Where `consumer` stops: here, or at an earlier flaw of the same item.
    pub fn stop(&self, consumer: Consumer) -> &Self {
        consumer.first_stop(&self.flaws).unwrap_or(self)
    }
}

/// What is wrong, as a clause that goes with a file and an offset, and in which value. The key is escaped.
impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)?;
        let Some(key) = &self.key else { return Ok(()) };
        write!(f, ", {}", in_value(key))?;
        self.row.map_or(Ok(()), |row| write!(f, " ({})", row.name))
    }
}

/// The words for the value of a key, where something is wrong inside it.
pub(crate) fn in_value(key: &[u8]) -> String {
    format!("in the value of the key {}", quoted(key))
}

impl std::error::Error for Damage {}

/// Damage inside a value whose end can be found all the same, so that the walk can go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flaw {
    /// Its kind and place.
    pub damage: Damage,
    /// The servers whose `check-rdb` (and `check-aof`, for a preamble) stops at it.
    pub checkers: ServerSet,
    /// The servers that refuse to load it. The others load it as it is, with their default
    /// `sanitize-dump-payload no`, or skip the key when it is [`EmptyKey`](super::Malformed::EmptyKey).
    pub servers: ServerSet,
}

impl Flaw {
    /// Whether `consumer` stops at it.
    pub const fn stops(&self, consumer: Consumer) -> bool {
        match consumer {
            Consumer::Checker(server) => self.checkers.contains(server),
            Consumer::Loader(server) => self.servers.contains(server),
        }
    }
}
