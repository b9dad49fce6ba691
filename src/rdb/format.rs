//! The header and the opcodes of the format.

use crate::server::{Family, Since, redis, valkey};

/// The first bytes of an RDB: `REDIS` before four digits, or `VALKEY` before three (Valkey 9.0 and later).
pub(super) const fn magic(family: Family) -> &'static [u8] {
    match family {
        Family::Redis => b"REDIS",
        Family::Valkey => b"VALKEY",
    }
}

/// The family that the first bytes of an RDB name; `None` if they do not begin one.
///
/// The digits are not checked: servers take a file that begins with these letters as an RDB, whatever follows.
pub fn family_of(bytes: &[u8]) -> Option<Family> {
    [Family::Redis, Family::Valkey].into_iter().find(|family| bytes.starts_with(magic(*family)))
}

/// Whether these bytes begin an RDB; see [`family_of`].
pub fn is_rdb(bytes: &[u8]) -> bool {
    family_of(bytes).is_some()
}

/// The header of an RDB: nine bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Header {
    /// The family of the format.
    pub family: Family,
    /// The version of the format.
    pub version: u32,
    /// Whether the byte after the magic is `0`, as in every file that servers write. Valkey 9 recognises an RDB of
    /// Redis only with it.
    pub padded: bool,
}

/// The size of a header in bytes.
pub const HEADER_LENGTH: usize = 9;

impl Header {
    /// Reads the nine bytes of a header; `None` if they do not begin an RDB. The version is parsed with C's `atoi` from
    /// the bytes after the magic, as in the servers: `REDIS00a9` is version 0, `REDIS 11x` is version 11.
    pub fn parse(bytes: [u8; HEADER_LENGTH]) -> Option<Self> {
        let family = family_of(&bytes)?;
        let digits = bytes.strip_prefix(magic(family))?;
        let padded = digits.starts_with(b"0");
        let digits = digits.trim_ascii_start();
        let digits = digits.strip_prefix(b"+").unwrap_or(digits);
        let digits = digits.split(|byte| !byte.is_ascii_digit()).next().unwrap_or_default();
        let version = digits.iter().fold(0, |version, digit| version * 10 + u32::from(digit - b'0'));
        Some(Self { family, version, padded })
    }

    /// Whether this build knows the version: Redis 1 to 16, Valkey 80.
    pub const fn is_known(self) -> bool {
        match self.family {
            Family::Redis => 1 <= self.version && self.version <= 16,
            Family::Valkey => self.version == 80,
        }
    }

    /// Whether eight bytes of checksum follow the end opcode.
    pub const fn has_checksum(self) -> bool {
        self.version >= 5
    }
}

/// The opcodes: bytes in the place of a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Opcode {
    /// Redis 8.6: data that modules store with the next key.
    KeyMeta,
    /// Valkey 9: a slot import under way.
    SlotImport,
    /// Redis 7.4: the number of keys of a slot.
    SlotInfo,
    /// Redis 7.0: a function library.
    Function,
    /// Data that a module stores in addition to the keys.
    ModuleAux,
    /// The idle time of the next key, in seconds.
    Idle,
    /// The access frequency of the next key, as a logarithm.
    Frequency,
    /// A name and a value about the file.
    Aux,
    /// The number of keys of the database.
    ResizeDatabase,
    /// When the next key expires, in milliseconds.
    ExpireMilliseconds,
    /// When the next key expires, in seconds.
    ExpireSeconds,
    /// The database of the following keys.
    SelectDatabase,
    /// The end.
    End,
}

impl Opcode {
    /// The opcode of a byte in files that begin with `header`; `None` if this build knows none. 243 has different
    /// meanings in files of Redis (from version 13, Redis 8.6) and of Valkey (9.0). 246, which only release candidates
    /// of Redis 7.0 wrote, is refused by every server, and unknown here.
    pub const fn of(header: Header, number: u8) -> Option<Self> {
        Some(match number {
            243 => match header {
                Header { family: Family::Valkey, .. } => Self::SlotImport,
                Header { version: 13.., .. } => Self::KeyMeta,
                Header { .. } => return None,
            },
            244 => Self::SlotInfo,
            245 => Self::Function,
            247 => Self::ModuleAux,
            248 => Self::Idle,
            249 => Self::Frequency,
            250 => Self::Aux,
            251 => Self::ResizeDatabase,
            252 => Self::ExpireMilliseconds,
            253 => Self::ExpireSeconds,
            254 => Self::SelectDatabase,
            255 => Self::End,
            _ => return None,
        })
    }

    /// The releases that know it.
    pub const fn since(self) -> Since {
        match self {
            Self::KeyMeta => redis(8, 6),
            Self::SlotImport => valkey(9, 0),
            Self::SlotInfo => redis(7, 4).valkey(9, 0),
            Self::Function => redis(7, 0),
            _ => Since::ALWAYS,
        }
    }

    /// The byte.
    pub const fn number(self) -> u8 {
        match self {
            Self::KeyMeta | Self::SlotImport => 243,
            Self::SlotInfo => 244,
            Self::Function => 245,
            Self::ModuleAux => 247,
            Self::Idle => 248,
            Self::Frequency => 249,
            Self::Aux => 250,
            Self::ResizeDatabase => 251,
            Self::ExpireMilliseconds => 252,
            Self::ExpireSeconds => 253,
            Self::SelectDatabase => 254,
            Self::End => 255,
        }
    }
}
