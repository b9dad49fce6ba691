//! The types of values: one row each, with everything that is known of a type.
//!
//! A new type is a row here and the functions that read it. Everything else (which server knows it, what a checker
//! reports, for which release it may be written) follows from the row.

use super::decode::{self, Decoder};
use super::fault::Packing;
use super::skip::{self, Skipper};
use super::stream;
use super::value::{self, Verifier};
use crate::server::{Family, Release, Since, redis, valkey};
use crate::value::DataType;

/// One type of value.
#[derive(Debug, Clone, Copy)]
pub struct TypeRow {
    /// Its byte in a file.
    pub number: u8,
    /// What the servers' `check-rdb` calls it.
    pub name: &'static str,
    /// The type of a key with such a value.
    pub data_type: DataType,
    /// Its encoding, in the words of `OBJECT ENCODING` where it has one.
    pub encoding: &'static str,
    /// Its packed encoding, if the value is a single packed string.
    pub packing: Option<Packing>,
    /// Whether it holds expiries of fields.
    pub has_field_expiry: bool,
    /// The first releases that know it, whatever the version of an RDB.
    pub since: Since,
    /// The first RDB version in which it may occur.
    pub rdb_version: u32,
    /// The family of files in which the number has this meaning; `None` for both.
    pub family: Option<Family>,
    /// Reads a value of the type to its end and verifies it.
    pub(super) verify: Verifier,
    /// Reads a value of the type to its end, whatever is in it.
    pub(super) skip: Skipper,
    /// Decodes a value of the type; `None` for values of modules.
    pub(super) decode: Option<Decoder>,
}

impl PartialEq for TypeRow {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number && self.family == other.family
    }
}

impl Eq for TypeRow {}

/// How rows are written: `row(…).since(…).packed(…)`. By default, a type is known to every server and is not packed.
const fn row(
    number: u8,
    name: &'static str,
    data_type: DataType,
    encoding: &'static str,
    (verify, skip, decode): (Verifier, Skipper, Option<Decoder>),
) -> TypeRow {
    TypeRow {
        number,
        name,
        data_type,
        encoding,
        packing: None,
        has_field_expiry: false,
        since: Since::ALWAYS,
        rdb_version: 1,
        family: None,
        verify,
        skip,
        decode,
    }
}

impl TypeRow {
    const fn since(self, rdb_version: u32, since: Since) -> Self {
        Self { rdb_version, since, family: since.only_family(), ..self }
    }

    /// Since an RDB version that every server reads.
    const fn since_rdb(self, rdb_version: u32) -> Self {
        Self { rdb_version, ..self }
    }

    const fn packed(self, packing: Packing) -> Self {
        Self { packing: Some(packing), ..self }
    }

    const fn with_field_expiry(self) -> Self {
        Self { has_field_expiry: true, ..self }
    }
}

/// Every type that this build knows. Sources: `rdb.h` of Redis 8.0 and Valkey 9.1; the names are those of
/// `redis-check-rdb.c`, and for the one that only Valkey has, of `valkey-check-rdb`.
pub static TYPES: [TypeRow; 26] = [
    row(0, "string", DataType::String, "string", (value::string, skip::string, Some(decode::string))),
    row(1, "list-linked", DataType::List, "linkedlist", (value::list, skip::strings, Some(decode::list))),
    row(2, "set-hashtable", DataType::Set, "hashtable", (value::set, skip::strings, Some(decode::set))),
    row(
        3,
        "zset-v1",
        DataType::SortedSet,
        "skiplist",
        (value::sorted_set_ascii, skip::sorted_set_ascii, Some(decode::sorted_set_ascii)),
    ),
    row(4, "hash-hashtable", DataType::Hash, "hashtable", (value::hash, skip::pairs, Some(decode::hash))),
    row(5, "zset-v2", DataType::SortedSet, "skiplist", (value::sorted_set, skip::sorted_set, Some(decode::sorted_set)))
        .since_rdb(8),
    row(7, "module-value", DataType::Module, "module", (value::module, skip::module, None)).since_rdb(8),
    row(9, "hash-zipmap", DataType::Hash, "zipmap", (value::hash_zipmap, skip::string, Some(decode::hash_zipmap)))
        .since_rdb(2)
        .packed(Packing::Zipmap),
    row(10, "list-ziplist", DataType::List, "ziplist", (value::list_ziplist, skip::string, Some(decode::list_ziplist)))
        .since_rdb(2)
        .packed(Packing::Ziplist),
    row(11, "set-intset", DataType::Set, "intset", (value::set_intset, skip::string, Some(decode::set_intset)))
        .since_rdb(2)
        .packed(Packing::Intset),
    row(
        12,
        "zset-ziplist",
        DataType::SortedSet,
        "ziplist",
        (value::sorted_set_ziplist, skip::string, Some(decode::sorted_set_ziplist)),
    )
    .since_rdb(2)
    .packed(Packing::Ziplist),
    row(13, "hash-ziplist", DataType::Hash, "ziplist", (value::hash_ziplist, skip::string, Some(decode::hash_ziplist)))
        .since_rdb(4)
        .packed(Packing::Ziplist),
    row(
        14,
        "quicklist",
        DataType::List,
        "quicklist",
        (value::quicklist_ziplists, skip::strings, Some(decode::quicklist_ziplists)),
    )
    .since_rdb(7),
    row(15, "stream", DataType::Stream, "stream", (stream::stream_1, skip::stream_1, Some(decode::stream_1)))
        .since_rdb(9),
    row(
        16,
        "hash-listpack",
        DataType::Hash,
        "listpack",
        (value::hash_listpack, skip::string, Some(decode::hash_listpack)),
    )
    .since(10, redis(7, 0))
    .packed(Packing::Listpack),
    row(
        17,
        "zset-listpack",
        DataType::SortedSet,
        "listpack",
        (value::sorted_set_listpack, skip::string, Some(decode::sorted_set_listpack)),
    )
    .since(10, redis(7, 0))
    .packed(Packing::Listpack),
    row(
        18,
        "quicklist-v2",
        DataType::List,
        "quicklist2",
        (value::quicklist_listpacks, skip::quicklist_listpacks, Some(decode::quicklist_listpacks)),
    )
    .since(10, redis(7, 0)),
    row(19, "stream-v2", DataType::Stream, "stream", (stream::stream_2, skip::stream_2, Some(decode::stream_2)))
        .since(10, redis(7, 0)),
    row(20, "set-listpack", DataType::Set, "listpack", (value::set_listpack, skip::string, Some(decode::set_listpack)))
        .since(11, redis(7, 2))
        .packed(Packing::Listpack),
    row(21, "stream-v3", DataType::Stream, "stream", (stream::stream_3, skip::stream_3, Some(decode::stream_3)))
        .since(11, redis(7, 2)),
    row(
        22,
        "hash-hashtable-md-pre-release",
        DataType::Hash,
        "hashtableex",
        (value::hash_expiring_pre_release, skip::hash_expiring_pre_release, Some(decode::hash_expiring_pre_release)),
    )
    .since(12, redis(7, 4))
    .with_field_expiry(),
    row(
        23,
        "hash-listpack-md-pre-release",
        DataType::Hash,
        "listpackex",
        (value::hash_listpack_expiring_pre_release, skip::string, Some(decode::hash_listpack_expiring_pre_release)),
    )
    .since(12, redis(7, 4))
    .packed(Packing::Listpack)
    .with_field_expiry(),
    row(
        24,
        "hash-hashtable-md",
        DataType::Hash,
        "hashtableex",
        (value::hash_expiring, skip::hash_expiring, Some(decode::hash_expiring)),
    )
    .since(12, redis(7, 4))
    .with_field_expiry(),
    row(
        25,
        "hash-listpack-md",
        DataType::Hash,
        "listpackex",
        (value::hash_listpack_expiring, skip::hash_listpack_expiring, Some(decode::hash_listpack_expiring)),
    )
    .since(12, redis(7, 4))
    .packed(Packing::Listpack)
    .with_field_expiry(),
    row(26, "stream-v4", DataType::Stream, "stream", (stream::stream_4, skip::stream_4, Some(decode::stream_4)))
        .since(13, redis(8, 6)),
    row(22, "hash-volatile-items", DataType::Hash, "hashtable", (value::hash_2, skip::hash_2, Some(decode::hash_2)))
        .since(80, valkey(9, 0))
        .with_field_expiry(),
];

/// The indexes in [`TYPES`] by number, for files of Redis and of Valkey.
static PLACES: [[u8; 256]; 2] = [places(Family::Redis), places(Family::Valkey)];

/// The index for an unused number.
const NOWHERE: u8 = u8::MAX;

#[expect(clippy::indexing_slicing, clippy::cast_possible_truncation, reason = "evaluated while this is compiled")]
const fn places(family: Family) -> [u8; 256] {
    assert!(TYPES.len() < NOWHERE as usize);
    let mut places = [NOWHERE; 256];
    let mut place = 0;
    while place < TYPES.len() {
        let row = &TYPES[place];
        let is_known = match row.family {
            None => true,
            Some(only) => only as u8 == family as u8,
        };
        if is_known {
            assert!(places[row.number as usize] == NOWHERE, "two rows have the same number");
            places[row.number as usize] = place as u8;
        }
        place += 1;
    }
    places
}

/// The row of a type in files of a family; `None` if this build knows none. Type 6, which only release candidates of
/// Redis 4.0 wrote, is refused by every server, and unknown here.
pub fn type_row(family: Family, number: u8) -> Option<&'static TypeRow> {
    let [redis, valkey] = &PLACES;
    let places = match family {
        Family::Redis => redis,
        Family::Valkey => valkey,
    };
    TYPES.get(usize::from(*places.get(usize::from(number))?))
}

/// Whether a release loads values of this type.
pub(super) fn loads(release: Release, number: u8) -> bool {
    type_row(release.rdb_family(), number).is_some_and(|row| row.since.includes(release))
}
