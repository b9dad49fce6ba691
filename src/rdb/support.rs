//! The versions of the format, types and opcodes that each server accepts.

use std::fmt;

use super::context::ModuleId;
use super::damage::Consumer;
use super::decode::VECTOR_SET;
use super::format::{Header, Opcode, family_of};
use super::types::TypeRow;
use super::walker::{Entry, Item};
use crate::server::{Family, Server, Since, redis};

/// Why a server refuses something that is sound in itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// The version of the format: newer than the server, or of the other family.
    Version(Header),
    /// A type of value.
    Type(&'static TypeRow),
    /// An opcode.
    Opcode(Opcode),
    /// Data of a module that the server does not have built in.
    Module(ModuleId),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version(Header { family: Family::Redis, version, .. }) => write!(f, "RDB version {version}"),
            Self::Version(Header { family, version, .. }) => write!(f, "RDB version {version} of {family}"),
            Self::Type(row) => write!(f, "RDB type {} ({})", row.number, row.name),
            Self::Opcode(opcode) => write!(f, "RDB opcode {}", opcode.number()),
            Self::Module(module) => write!(f, "data of the module type '{}'", module.name()),
        }
    }
}

/// Whether `consumer` reads a file of an append-only log that begins with these bytes as an RDB. Otherwise it reads it
/// as RESP, and refuses it.
///
/// The server of Valkey 9.1 recognises `REDIS0` and `VALKEY`, the others only `REDIS`. That includes `valkey-check-aof`
/// 9.1.2, which therefore reports a format error in every base that its own server writes.
pub fn taken_for_rdb(consumer: Consumer, bytes: &[u8]) -> bool {
    match consumer {
        Consumer::Loader(server) if server.valkey_rdb_version().is_some() => {
            bytes.starts_with(b"REDIS0") || family_of(bytes) == Some(Family::Valkey)
        }
        Consumer::Loader(_) | Consumer::Checker(_) => family_of(bytes) == Some(Family::Redis),
    }
}

/// The releases that have the module for vector sets built in.
const VECTOR_SETS: Since = redis(8, 0);

/// Why `server` refuses to load `item`; `None` if it does not, flaws aside.
///
/// Tested with 6.2.14, 7.0.15, 8.0.6, Valkey 8.1.1 and 9.1.2 in their default configuration. Valkey 9 loads the
/// versions 12 to 79, which it reserves for others, only with `rdb-version-check relaxed`, and crashes at a slot import
/// unless `cluster-enabled yes`.
pub fn refusal(server: Server, item: &Item<'_>) -> Option<Refusal> {
    // A server that knows slot imports crashes at one unless it is a cluster node.
    let refuses = |opcode: &Opcode| !knows_opcode(server, *opcode) || *opcode == Opcode::SlotImport;
    if let Some(opcode) = late_opcode(item).filter(refuses) {
        return Some(Refusal::Opcode(opcode));
    }
    match item {
        Item::Header(header) => (!takes_version(server, *header)).then_some(Refusal::Version(*header)),
        Item::ModuleAux { module, .. } => module_refusal(server, *module),
        Item::Entry(entry) => {
            let kind = (!takes_type(server, entry.kind)).then_some(Refusal::Type(entry.kind));
            kind.or_else(|| entry.module.and_then(|module| module_refusal(server, module)))
        }
        _ => None,
    }
}

/// The opcode of `item`, or at its beginning, if not every server knows it.
pub fn late_opcode(item: &Item<'_>) -> Option<Opcode> {
    match item {
        Item::SlotInfo { .. } => Some(Opcode::SlotInfo),
        Item::SlotImport { .. } => Some(Opcode::SlotImport),
        Item::Function { .. } => Some(Opcode::Function),
        Item::Entry(Entry { metadata: Some(_), .. }) => Some(Opcode::KeyMeta),
        _ => None,
    }
}

/// Why the `check-rdb` of `server` (and its `check-aof`, for a preamble or base) reports `item` as invalid; `None` if
/// it does not, flaws aside. It refuses what the server refuses, except for data of modules, which it skips, and in
/// Valkey 9 slot imports and versions of which it only warns.
pub fn checker_refusal(server: Server, item: &Item<'_>) -> Option<Refusal> {
    match refusal(server, item)? {
        Refusal::Module(_) => None,
        Refusal::Opcode(opcode) if knows_opcode(server, opcode) => None,
        Refusal::Version(header) if server.rdb_family() == Family::Valkey && warned_of(header) => None,
        refusal => Some(refusal),
    }
}

/// Whether the checker of Valkey 9 reports the version as foreign (12 to 79) or future (Valkey above 80), but continues
/// and ends with `loading requires config 'rdb-version-check relaxed'`.
const fn warned_of(header: Header) -> bool {
    match header {
        Header { family: Family::Redis, version: 12..=79, padded } => padded,
        Header { family: Family::Valkey, version: 12..=79 | 81.., .. } => true,
        Header { .. } => false,
    }
}

/// Whether `server` loads this version of the format.
pub const fn takes_version(server: Server, header: Header) -> bool {
    match (header.family, server.valkey_rdb_version()) {
        (Family::Redis, Some(_)) if !header.padded => false,
        (Family::Redis, _) => 1 <= header.version && header.version <= server.rdb_version(),
        (Family::Valkey, Some(version)) => header.version == version,
        (Family::Valkey, None) => false,
    }
}

/// Whether `server` knows this type. It does not depend on the version of the file.
pub const fn takes_type(server: Server, row: &TypeRow) -> bool {
    row.since.servers().contains(server)
}

/// Whether `server` knows this opcode.
pub const fn knows_opcode(server: Server, opcode: Opcode) -> bool {
    opcode.since().servers().contains(server)
}

pub(super) fn module_refusal(server: Server, module: ModuleId) -> Option<Refusal> {
    (!VECTOR_SETS.servers().contains(server) || module.name() != VECTOR_SET).then_some(Refusal::Module(module))
}
