//! What `check-rdb` says of a broken value.

use crate::rdb::{DataType, Malformed, Packing, StreamFault, TypeRow};

/// How a check continues after a broken value.
pub(super) enum ErrorClass {
    /// As from any other error.
    Error(&'static str),
    /// It exits on the spot, after this reason.
    Corrupt(String),
}

/// What it says where the loader gives up silently: the check takes that for the end of the file.
pub(super) const UNEXPECTED_END: &str = "Unexpected EOF reading RDB file";

/// The words of `rdb.c` (Redis 8.0) for what the walker found.
pub(super) fn class(malformed: &Malformed, row: Option<&TypeRow>) -> ErrorClass {
    let kind = row.map_or(DataType::String, |row| row.data_type);
    let reason = match malformed {
        Malformed::Signature => return ErrorClass::Error("Wrong signature trying to load DB from file"),
        Malformed::ModuleWhen(_) => return ErrorClass::Error("bad when_opcode"),
        Malformed::SlotImport => return ErrorClass::Error("Invalid slot import job name length in RDB"),
        Malformed::EmptyKey
        | Malformed::ReservedLength
        | Malformed::Score
        | Malformed::EmptyNode
        | Malformed::VectorSet
        | Malformed::ModuleOpcode(_) => return ErrorClass::Error(UNEXPECTED_END),
        Malformed::LengthEncoding(byte) => {
            return ErrorClass::Corrupt(format!("Unknown length encoding {} in rdbLoadLen()", byte >> 6));
        }
        Malformed::StringEncoding(encoding) => {
            return ErrorClass::Corrupt(format!("Unknown RDB string encoding type {encoding}"));
        }
        Malformed::Lzf(_) => "Invalid LZF compressed string",
        Malformed::ScoreIsNan => "Zset with NAN score detected",
        Malformed::Packed { packing, .. } => packed(*packing, kind, row),
        Malformed::Tuples { .. } => packed(Packing::Listpack, kind, row),
        // The check of a packed collection finds them too.
        Malformed::DuplicateMember | Malformed::DuplicateField
            if row.is_some_and(|row| matches!(row.packing, Some(Packing::Ziplist | Packing::Listpack))) =>
        {
            packed(Packing::Listpack, kind, row)
        }
        Malformed::DuplicateMember if kind == DataType::SortedSet => "Duplicate zset fields detected",
        Malformed::DuplicateMember => "Duplicate set members detected",
        Malformed::DuplicateField => "Duplicate hash fields detected",
        Malformed::Container(_) => "Quicklist integrity check failed.",
        Malformed::FieldExpiry if row.is_some_and(|row| row.packing.is_none()) => "invalid expireAt time: 0",
        Malformed::FieldExpiry | Malformed::FieldExpiryOrder => "Hash listpack integrity check failed.",
        Malformed::Stream(fault) => return ErrorClass::Corrupt(stream(*fault).to_owned()),
    };
    ErrorClass::Corrupt(reason.to_owned())
}

fn packed(packing: Packing, kind: DataType, row: Option<&TypeRow>) -> &'static str {
    let whole = row.and_then(|row| row.packing);
    match (packing, kind, whole) {
        (_, DataType::List, Some(Packing::Ziplist)) => "List ziplist integrity check failed.",
        (Packing::Listpack, DataType::List, _) => "Listpack integrity check failed.",
        (_, DataType::List, _) => "Ziplist integrity check failed.",
        (Packing::Intset, ..) => "Intset integrity check failed.",
        (_, DataType::Set, _) => "Set listpack integrity check failed.",
        (_, DataType::SortedSet, Some(Packing::Ziplist)) => "Zset ziplist integrity check failed.",
        (_, DataType::SortedSet, _) => "Zset listpack integrity check failed.",
        (Packing::Zipmap, ..) => "Zipmap integrity check failed.",
        (_, DataType::Hash, Some(Packing::Ziplist)) => "Hash ziplist integrity check failed.",
        (_, DataType::Hash, _) => "Hash listpack integrity check failed.",
        _ => "Stream listpack integrity check failed.",
    }
}

fn stream(fault: StreamFault) -> &'static str {
    match fault {
        StreamFault::NodeKey(_) => "Stream node key entry is not the size of a stream ID",
        StreamFault::DuplicateNode => "Listpack re-added with existing key",
        StreamFault::NodeEnds
        | StreamFault::NotANumber
        | StreamFault::MasterEnd
        | StreamFault::EntryCount { .. }
        | StreamFault::NodeCounts { .. }
        | StreamFault::IdOrder
        | StreamFault::TooManyFields
        | StreamFault::NodeGoesOn => "Stream listpack integrity check failed.",
        StreamFault::EmptyNode => "Empty listpack inside stream",
        StreamFault::LengthWithoutNodes(_) | StreamFault::Length { .. } => {
            "Stream length inconsistent with rax entries"
        }
        StreamFault::DuplicateGroup => "Duplicated consumer group name",
        StreamFault::DuplicateConsumer => "Duplicate stream consumer detected.",
        StreamFault::DuplicatePending => "Duplicated global PEL entry loading stream consumer group",
        StreamFault::DuplicateOwned | StreamFault::TwoConsumers => {
            "Duplicated consumer PEL entry loading a stream consumer group"
        }
        StreamFault::PendingNotInGroup => "Consumer entry not found in group global PEL",
        StreamFault::PendingWithoutConsumer => "Stream CG PEL entry without consumer",
        StreamFault::IdempotenceSetting(_) => "Stream IDMP duration out of range",
        StreamFault::DuplicateProducer => "Stream IDMP entries loading failed.",
    }
}
