//! The opcodes and the types of values, one row each.

use std::fmt;

use super::decode::{self, Decoder};
use super::skip::{self, Skipper};
use super::value::{self, Verifier};
use crate::value::Family;

/// The first bytes of an RDB: `REDIS` before four digits, or `VALKEY` before three (Valkey 9.0 and later).
pub(super) const fn magic(family: Family) -> &'static [u8] {
    match family {
        Family::Redis => b"REDIS",
        Family::Valkey => b"VALKEY",
    }
}

/// The family that the first bytes of an RDB name; `None` if they do not begin one.
///
/// The digits do not count: servers take a file that begins so for an RDB, whatever follows.
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
    /// Whose format it is.
    pub family: Family,
    /// The version of the format.
    pub version: u32,
    /// Whether the byte behind the magic is `0`, as in everything that servers write. For Valkey 9 nothing else is an
    /// RDB of Redis.
    pub padded: bool,
}

/// How many bytes a header has.
pub const HEADER_LENGTH: usize = 9;

impl Header {
    /// Reads the nine bytes of a header; none when it is that of no RDB. The version is what C's `atoi` makes of the
    /// bytes behind the magic, as in the servers: `REDIS00a9` is version 0, `REDIS 11x` is version 11.
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

/// The bytes that stand where a type could, and are none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Opcode {
    /// Redis 8.6: data that modules keep with the next key.
    KeyMeta,
    /// Valkey 9: a slot import under way.
    SlotImport,
    /// Redis 7.4: how many keys a slot holds.
    SlotInfo,
    /// Redis 7.0: a function library.
    Function,
    /// Data that a module keeps beside the keys.
    ModuleAux,
    /// How long the next key was not used, in seconds.
    Idle,
    /// How often the next key is used, as a logarithm.
    Frequency,
    /// A name and a value about the file.
    Aux,
    /// How many keys the database holds.
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
    /// The opcode that a byte is in files that begin with `header`; none when this build knows none. 243 means different
    /// things in files of Redis (from version 13, Redis 8.6) and of Valkey (9.0). 246, which only release candidates of Redis 7.0
    /// wrote, is refused by every server, and not known here.
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

/// What a key holds, in the words of the `TYPE` command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DataType {
    /// A string.
    String,
    /// A list.
    List,
    /// A set.
    Set,
    /// A sorted set.
    SortedSet,
    /// A hash.
    Hash,
    /// A stream.
    Stream,
    /// What only a module understands.
    Module,
}

impl DataType {
    /// `string`, `list`, `set`, `zset`, `hash`, `stream` or `module`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::List => "list",
            Self::Set => "set",
            Self::SortedSet => "zset",
            Self::Hash => "hash",
            Self::Stream => "stream",
            Self::Module => "module",
        }
    }
}

impl fmt::Display for DataType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// One type of value.
#[derive(Debug, Clone, Copy)]
pub struct TypeRow {
    /// The byte that stands for it.
    pub number: u8,
    /// What the servers' `check-rdb` calls it.
    pub name: &'static str,
    /// What such a key holds.
    pub data_type: DataType,
    /// How the value is laid out, as `OBJECT ENCODING` would put it where it has a word for it.
    pub encoding: &'static str,
    /// The family of the files in which the number means this; none when both mean the same.
    pub family: Option<Family>,
    /// The first RDB version in which it may occur.
    pub since: u32,
    /// Reads a value of the type to its end and verifies it.
    pub(super) verify: Verifier,
    /// Reads a value of the type to its end, whatever is in it.
    pub(super) skip: Skipper,
    /// Reads a value of the type; none for what only a module understands.
    pub(super) decode: Option<Decoder>,
}

impl PartialEq for TypeRow {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number && self.family == other.family
    }
}

impl Eq for TypeRow {}

const fn row(
    number: u8,
    name: &'static str,
    data_type: DataType,
    encoding: &'static str,
    since: u32,
    (verify, skip, decode): (Verifier, Skipper, Option<Decoder>),
) -> TypeRow {
    TypeRow { number, name, data_type, encoding, family: None, since, verify, skip, decode }
}

const fn only(family: Family, row: TypeRow) -> TypeRow {
    TypeRow { family: Some(family), ..row }
}

/// Every type that this build knows. Sources: `rdb.h` of Redis 8.0 and Valkey 9.1; the names are those of
/// `redis-check-rdb.c`, and of `valkey-check-rdb` for the one of its own.
pub static TYPES: [TypeRow; 26] = [
    row(0, "string", DataType::String, "string", 1, (value::string, skip::string, Some(decode::string))),
    row(1, "list-linked", DataType::List, "linkedlist", 1, (value::list, skip::strings, Some(decode::list))),
    row(2, "set-hashtable", DataType::Set, "hashtable", 1, (value::set, skip::strings, Some(decode::set))),
    row(
        3,
        "zset-v1",
        DataType::SortedSet,
        "skiplist",
        1,
        (value::sorted_set_ascii, skip::sorted_set_ascii, Some(decode::sorted_set_ascii)),
    ),
    row(4, "hash-hashtable", DataType::Hash, "hashtable", 1, (value::hash, skip::pairs, Some(decode::hash))),
    row(
        5,
        "zset-v2",
        DataType::SortedSet,
        "skiplist",
        8,
        (value::sorted_set, skip::sorted_set, Some(decode::sorted_set)),
    ),
    row(7, "module-value", DataType::Module, "module", 8, (value::module, skip::module, None)),
    row(9, "hash-zipmap", DataType::Hash, "zipmap", 2, (value::hash_zipmap, skip::string, Some(decode::hash_zipmap))),
    row(
        10,
        "list-ziplist",
        DataType::List,
        "ziplist",
        2,
        (value::list_ziplist, skip::string, Some(decode::list_ziplist)),
    ),
    row(11, "set-intset", DataType::Set, "intset", 2, (value::set_intset, skip::string, Some(decode::set_intset))),
    row(
        12,
        "zset-ziplist",
        DataType::SortedSet,
        "ziplist",
        2,
        (value::sorted_set_ziplist, skip::string, Some(decode::sorted_set_ziplist)),
    ),
    row(
        13,
        "hash-ziplist",
        DataType::Hash,
        "ziplist",
        4,
        (value::hash_ziplist, skip::string, Some(decode::hash_ziplist)),
    ),
    row(
        14,
        "quicklist",
        DataType::List,
        "quicklist",
        7,
        (value::quicklist_ziplists, skip::strings, Some(decode::quicklist_ziplists)),
    ),
    row(15, "stream", DataType::Stream, "stream", 9, (value::stream_1, skip::stream_1, Some(decode::stream_1))),
    row(
        16,
        "hash-listpack",
        DataType::Hash,
        "listpack",
        10,
        (value::hash_listpack, skip::string, Some(decode::hash_listpack)),
    ),
    row(
        17,
        "zset-listpack",
        DataType::SortedSet,
        "listpack",
        10,
        (value::sorted_set_listpack, skip::string, Some(decode::sorted_set_listpack)),
    ),
    row(
        18,
        "quicklist-v2",
        DataType::List,
        "quicklist2",
        10,
        (value::quicklist_listpacks, skip::quicklist_listpacks, Some(decode::quicklist_listpacks)),
    ),
    row(19, "stream-v2", DataType::Stream, "stream", 10, (value::stream_2, skip::stream_2, Some(decode::stream_2))),
    row(
        20,
        "set-listpack",
        DataType::Set,
        "listpack",
        11,
        (value::set_listpack, skip::string, Some(decode::set_listpack)),
    ),
    row(21, "stream-v3", DataType::Stream, "stream", 11, (value::stream_3, skip::stream_3, Some(decode::stream_3))),
    only(
        Family::Redis,
        row(
            22,
            "hash-hashtable-md-pre-release",
            DataType::Hash,
            "hashtableex",
            12,
            (
                value::hash_expiring_pre_release,
                skip::hash_expiring_pre_release,
                Some(decode::hash_expiring_pre_release),
            ),
        ),
    ),
    only(
        Family::Redis,
        row(
            23,
            "hash-listpack-md-pre-release",
            DataType::Hash,
            "listpackex",
            12,
            (value::hash_listpack_expiring_pre_release, skip::string, Some(decode::hash_listpack_expiring_pre_release)),
        ),
    ),
    only(
        Family::Redis,
        row(
            24,
            "hash-hashtable-md",
            DataType::Hash,
            "hashtableex",
            12,
            (value::hash_expiring, skip::hash_expiring, Some(decode::hash_expiring)),
        ),
    ),
    only(
        Family::Redis,
        row(
            25,
            "hash-listpack-md",
            DataType::Hash,
            "listpackex",
            12,
            (value::hash_listpack_expiring, skip::hash_listpack_expiring, Some(decode::hash_listpack_expiring)),
        ),
    ),
    only(
        Family::Redis,
        row(26, "stream-v4", DataType::Stream, "stream", 13, (value::stream_4, skip::stream_4, Some(decode::stream_4))),
    ),
    only(
        Family::Valkey,
        row(
            22,
            "hash-volatile-items",
            DataType::Hash,
            "hashtable",
            80,
            (value::hash_2, skip::hash_2, Some(decode::hash_2)),
        ),
    ),
];

/// The row of a type in files of a family; none when this build knows none. Type 6, which only release candidates of
/// Redis 4.0 wrote, is refused by every server, and not known here.
pub fn type_row(family: Family, number: u8) -> Option<&'static TypeRow> {
    // The rows of one family are found by their number's place: 6 and 8 are missing, the rest is dense.
    let index = match number {
        0..=5 => usize::from(number),
        7 => 6,
        22 if family == Family::Valkey => 25,
        9..=26 => usize::from(number) - 2,
        _ => return None,
    };
    TYPES.get(index).filter(|row| row.family.is_none_or(|only| only == family))
}
