//! What can be wrong with the bytes of an RDB.

use super::format::Header;
use crate::plural::counted;

/// The packed encodings, for messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Packing {
    /// A ziplist.
    Ziplist,
    /// A listpack.
    Listpack,
    /// An intset.
    Intset,
    /// A zipmap.
    Zipmap,
}

impl Packing {
    /// Its name in lower case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ziplist => "ziplist",
            Self::Listpack => "listpack",
            Self::Intset => "intset",
            Self::Zipmap => "zipmap",
        }
    }
}

/// What is wrong inside a packed encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum PackedFault {
    /// Fewer bytes than an empty one has.
    #[error("is too short to hold a header")]
    TooShort,
    /// The header's total is not the size of the blob.
    #[error("says that it is {} long, but is {actual}", counted(*claimed, "byte"))]
    TotalBytes {
        /// What the header says.
        claimed: u64,
        /// The size of the blob.
        actual: u64,
    },
    /// The last byte is not 255.
    #[error("does not end in its terminator")]
    NoTerminator,
    /// A terminator before the last byte.
    #[error("ends before its last byte")]
    EarlyTerminator,
    /// An entry's first byte names no encoding.
    #[error("has an entry with the unknown encoding {0:#04x}")]
    Encoding(u8),
    /// An intset whose members are not 2, 4 or 8 bytes wide.
    #[error("has members {} wide", counted(u64::from(*.0), "byte"))]
    Width(u32),
    /// An entry reaches over the end.
    #[error("has an entry that reaches over its end")]
    EntryOverrun,
    /// A listpack entry whose length at its end is not the length at its start.
    #[error("has an entry whose backlen does not match its length")]
    Backlen,
    /// A ziplist entry that states a wrong length of the entry before it.
    #[error("has an entry that states {} for the entry before it, which has {actual}", counted(*claimed, "byte"))]
    PreviousLength {
        /// What the entry says.
        claimed: u64,
        /// What the entry before has.
        actual: u64,
    },
    /// A ziplist whose tail offset is not that of its last entry.
    #[error("says that its tail is at {claimed}, but it is at {actual}")]
    Tail {
        /// What the header says.
        claimed: u64,
        /// Where the last entry is.
        actual: u64,
    },
    /// The header's count is not the number of entries.
    #[error("says that it has {}, but has {actual}", counted(*claimed, "entry"))]
    Count {
        /// What the header says.
        claimed: u64,
        /// How many there are.
        actual: u64,
    },
    /// Members of an intset out of order or twice.
    #[error("has members that do not ascend")]
    Order,
    /// Nothing in it, where that is not allowed.
    #[error("is empty")]
    Empty,
}

/// What is wrong inside one node of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum StreamFault {
    /// The node's key is not 16 bytes.
    #[error("a node's key has {} instead of 16", counted(*.0, "byte"))]
    NodeKey(u64),
    /// Two nodes with one key.
    #[error("two nodes have the same key")]
    DuplicateNode,
    /// A node ends inside the structure that its counts promise.
    #[error("a node ends inside its entries")]
    NodeEnds,
    /// A number was expected in a node.
    #[error("a node has a string where a number belongs")]
    NotANumber,
    /// The master entry does not end in 0.
    #[error("a node's master entry does not end in 0")]
    MasterEnd,
    /// An entry's last element does not count its elements.
    #[error("an entry says that its number of elements is {claimed}, but it is {actual}")]
    EntryCount {
        /// What the entry says.
        claimed: i64,
        /// What it has.
        actual: i64,
    },
    /// Elements after the last entry of a node.
    #[error("a node continues after its last entry")]
    NodeGoesOn,
    /// A node without any element.
    #[error("a node is empty")]
    EmptyNode,
    /// A node whose counts are not those of its entries.
    #[error("a node says that its number of deleted entries is {claimed}, but it is {actual}")]
    NodeCounts {
        /// What its master entry says.
        claimed: i64,
        /// How many entries are marked as deleted.
        actual: i64,
    },
    /// A length that is not the sum of the nodes' entries.
    #[error("it says that it has {}, but its nodes have {actual}", counted(*claimed, "entry"))]
    Length {
        /// What the stream says.
        claimed: u64,
        /// What its nodes say.
        actual: u64,
    },
    /// A pending entry that two consumers have.
    #[error("a pending entry has two consumers")]
    TwoConsumers,
    /// A length, and no node.
    #[error("it says that it has {}, but has no node", counted(*.0, "entry"))]
    LengthWithoutNodes(u64),
    /// Two groups of one name.
    #[error("two consumer groups have the same name")]
    DuplicateGroup,
    /// Two consumers of one name in a group.
    #[error("two consumers of a group have the same name")]
    DuplicateConsumer,
    /// An id twice in a group's pending entries.
    #[error("a group has a pending entry twice")]
    DuplicatePending,
    /// An id twice in a consumer's pending entries.
    #[error("a consumer has a pending entry twice")]
    DuplicateOwned,
    /// A consumer's pending entry that its group does not have.
    #[error("a consumer has a pending entry that its group lacks")]
    PendingNotInGroup,
    /// An entry whose id does not exceed the one before it, or a stream whose last id is smaller than that of an entry.
    /// The walk does not look.
    #[error("the ids of the entries do not ascend")]
    IdOrder,
    /// Entries that together would take far more memory than the value has bytes. The walk does not look.
    #[error("its entries repeat long fields too often to be read")]
    TooManyFields,
    /// A group's pending entry that no consumer has.
    #[error("a group has a pending entry without a consumer")]
    PendingWithoutConsumer,
    /// A duration or number of idempotent ids that is not allowed.
    #[error("a setting for idempotent ids is out of range: {0}")]
    IdempotenceSetting(u64),
    /// Two producers of one name.
    #[error("two producers have the same name")]
    DuplicateProducer,
}

/// Why bytes that are there cannot be what they should be.
#[derive(Debug, Clone, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Malformed {
    /// The value of the module for vector sets does not hold one.
    #[error("its vector set is damaged")]
    VectorSet,
    /// The file begins with neither `REDIS` nor `VALKEY`.
    #[error("the file does not begin with REDIS or VALKEY")]
    Signature,
    /// A length byte of 0x82 to 0xbf.
    #[error("{0:#04x} does not begin a length")]
    LengthEncoding(u8),
    /// A length of 2^64-1, which the servers take for a read error.
    #[error("a length of 18446744073709551615")]
    ReservedLength,
    /// A string encoding other than the four known.
    #[error("unknown string encoding {0}")]
    StringEncoding(u8),
    /// A compressed string that does not decompress to what it says.
    #[error("a compressed string is damaged: it {0}")]
    Lzf(LzfFault),
    /// A sorted-set score in digits that is not a number.
    #[error("a score is not a number")]
    Score,
    /// A sorted-set score that is NaN.
    #[error("a score is NaN")]
    ScoreIsNan,
    /// A packed encoding is broken.
    #[error("the {} {fault}", packing.name())]
    Packed {
        /// Which encoding.
        packing: Packing,
        /// What is wrong with it.
        fault: PackedFault,
    },
    /// A packed collection of pairs or triples whose number of elements does not divide.
    #[error("{} cannot be divided into groups of {tuple}", counted(*elements, "element"))]
    Tuples {
        /// How many elements there are.
        elements: u64,
        /// How many belong together.
        tuple: u64,
    },
    /// A member twice in a set or sorted set.
    #[error("duplicate member")]
    DuplicateMember,
    /// A field twice in a hash.
    #[error("duplicate field")]
    DuplicateField,
    /// A quicklist node that is neither plain (1) nor packed (2).
    #[error("unknown container {0} of a list node")]
    Container(u64),
    /// A quicklist node of no bytes.
    #[error("a list node has no bytes")]
    EmptyNode,
    /// A field's expiry that is out of range or not a number.
    #[error("the expiry time of a field is out of range")]
    FieldExpiry,
    /// Fields with an expiry that do not ascend, or follow one without.
    #[error("the expiry times of the fields do not ascend")]
    FieldExpiryOrder,
    /// A stream is broken.
    #[error("the stream is damaged: {0}")]
    Stream(StreamFault),
    /// Module data whose `when` is not an unsigned integer.
    #[error("module data begins with the opcode {0} instead of 2")]
    ModuleWhen(u64),
    /// A module value with an opcode above 5.
    #[error("unknown opcode {0} in the value of a module")]
    ModuleOpcode(u64),
    /// A slot import whose name is not 40 bytes, or with an invalid range.
    #[error("the slot import is damaged")]
    SlotImport,
    /// A collection with nothing in it.
    #[error("the collection is empty")]
    EmptyKey,
}

/// What stopped the walk, or would stop a server or its checker.
#[derive(Debug, Clone, PartialEq, Eq, Hash, thiserror::Error)]
pub enum DamageKind {
    /// The file ends inside what is being read.
    #[error("the file ends {} too early", counted(*missing, "byte"))]
    Truncated {
        /// How many bytes more the read needed.
        missing: u64,
    },
    /// The bytes are there and wrong.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// An opcode that this build does not know. Not damage: a newer server may have written it.
    #[error("opcode {0} is not known to this build")]
    UnknownOpcode(u8),
    /// A type of value that this build does not know. Not damage: a newer server may have written it.
    #[error("type {0} is not known to this build")]
    UnknownType(u8),
    /// A version of the format that this build does not know.
    #[error("RDB version {} of {} is not known to this build", .0.version, .0.family)]
    UnsupportedVersion(Header),
    /// The checksum at the end is not that of the bytes.
    #[error("the checksum is {computed:016x}, but {stored:016x} is stored")]
    Checksum {
        /// What the file says.
        stored: u64,
        /// What its bytes give.
        computed: u64,
    },
}

impl DamageKind {
    /// Whether this says only that this build does not know the bytes, and nothing about their soundness.
    pub const fn is_unknown(&self) -> bool {
        matches!(self, Self::UnknownOpcode(_) | Self::UnknownType(_) | Self::UnsupportedVersion(_))
    }
}

/// What is wrong with LZF-compressed bytes, as the predicate of a sentence about them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum LzfFault {
    /// The compressed bytes end inside an instruction.
    #[error("ends inside an instruction")]
    Ends,
    /// A reference to before the first byte.
    #[error("refers to before its beginning")]
    Reference,
    /// More comes out than was claimed.
    #[error("claims {}, but decompresses to more", counted(*.0, "byte"))]
    TooLong(u64),
    /// Less comes out than was claimed.
    #[error("decompresses to {}, but claims {claimed}", counted(*actual, "byte"))]
    TooShort {
        /// What the file says.
        claimed: u64,
        /// What comes out.
        actual: u64,
    },
}

/// A fault below the walk: it knows the bytes, not yet the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The offset of the first wrong byte.
    pub offset: usize,
    /// How far the reader was.
    pub position: usize,
    /// What is wrong.
    pub kind: DamageKind,
}

/// Why a raw value cannot be decoded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeFault {
    /// Only a module, or a newer server, understands it. It can be kept and written again as it is.
    #[error("RDB type {type_code} can be kept, but not decoded")]
    Opaque {
        /// The type.
        type_code: u8,
    },
    /// It is damaged.
    #[error("{kind}")]
    Damaged {
        /// Where in the value's bytes.
        offset: usize,
        /// What is wrong.
        kind: DamageKind,
    },
    /// Bytes follow it that do not belong to it.
    #[error("{} after the value", counted(*.0 as u64, "byte"))]
    TooLong(usize),
}

impl From<Fault> for DecodeFault {
    fn from(fault: Fault) -> Self {
        Self::Damaged { offset: fault.offset, kind: fault.kind }
    }
}
