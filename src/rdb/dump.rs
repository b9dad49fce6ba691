//! The payloads of DUMP and RESTORE: a type, a value, the RDB version, and a checksum.

use super::context::{Context, FoundFlaw, ModuleId};
use super::encode::{Lost, Output, encode};
use super::fault::{DamageKind, Fault, Malformed, PackedFault};
use super::format::Header;
use super::primitive::{Crc64, Reader};
use super::support::{module_refusal, takes_type, takes_version};
use super::types::{TypeRow, type_row};
use crate::plural::counted;
use crate::server::{Release, Server};
use crate::value::{DataType, Family, Raw, Value};

/// The type of module values in release candidates of Redis 4.0, which servers recognise and refuse.
const PRE_RELEASE_MODULE: u8 = 6;

/// More members than fit in any machine's memory: the table alone takes 1 TiB.
const MOST_MEMBERS: u64 = 1 << 37;

/// Why a payload is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DumpFault {
    /// It is too short to have a version and a checksum.
    #[error("the payload has {}, too few for a version and a checksum", counted(*.0 as u64, "byte"))]
    TooShort(usize),
    /// The server (or every modelled server) refuses its version.
    #[error("the payload is of RDB version {0}")]
    Version(u16),
    /// Its checksum is not that of its bytes.
    #[error("the payload's checksum is {computed:016x}, but {stored:016x} is stored")]
    Checksum {
        /// The checksum in the payload.
        stored: u64,
        /// The checksum of its bytes.
        computed: u64,
    },
    /// Its value has an unknown type.
    #[error("the payload's type {0} is not known")]
    Type(u8),
    /// Its value is of a module that the server does not have.
    #[error("the payload holds data of the module type '{}'", .0.name())]
    Module(ModuleId),
    /// Its value is damaged.
    #[error("{kind}")]
    Damaged {
        /// The offset in the payload.
        offset: usize,
        /// What is wrong.
        kind: DamageKind,
        /// Whether servers report it as a corrupt RDB, and exit.
        reported: bool,
    },
}

impl DumpFault {
    /// Whether servers report a wrong version or checksum rather than bad data.
    pub const fn is_in_footer(&self) -> bool {
        matches!(self, Self::TooShort(_) | Self::Version(_) | Self::Checksum { .. })
    }

    /// Whether servers exit when they load such a payload from a log. Otherwise RESTORE fails, which a server that
    /// loads ignores.
    pub const fn ends_servers(&self) -> bool {
        match self {
            Self::Module(_) | Self::Type(PRE_RELEASE_MODULE) => true,
            Self::Damaged { reported, .. } => *reported,
            _ => false,
        }
    }

    /// Servers report damage that makes an RDB corrupt. If they only cannot read on (the payload ends, a score is not a
    /// number), and at empty collections, they answer with an error, except in a stream, where they report that too.
    fn damaged(fault: Fault, row: &TypeRow, payload: &[u8]) -> Self {
        let Fault { offset, kind, .. } = fault;
        let is_quicklist = row.encoding.starts_with("quicklist");
        let reported = match &kind {
            DamageKind::Malformed(Malformed::EmptyKey | Malformed::EmptyNode | Malformed::Score) => false,
            DamageKind::Truncated { .. } | DamageKind::Malformed(Malformed::ReservedLength) => {
                row.data_type == DataType::Stream
            }
            DamageKind::Malformed(Malformed::FieldExpiry) => row.family != Some(Family::Valkey),
            // A node that is an empty string.
            DamageKind::Malformed(Malformed::Packed { fault: PackedFault::TooShort, .. }) if is_quicklist => {
                payload.get(offset) != Some(&0)
            }
            _ => true,
        };
        Self::Damaged { offset, kind, reported }
    }
}

/// What a server that loads a log does at a RESTORE with a payload.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Restoration {
    /// It creates the key.
    Works,
    /// It creates the key, without detecting the damage of its value.
    Overlooks(DumpFault),
    /// The command fails, and the server goes on without the key.
    Fails(DumpFault),
    /// It logs the damage and exits with status 1.
    Exits(DumpFault),
    /// An assertion fails.
    Crashes(DumpFault),
}

/// The version and the checksum after a value.
struct Footer {
    version: u16,
    stored: u64,
    computed: u64,
}

impl Footer {
    fn of(payload: &[u8]) -> Result<Self, DumpFault> {
        let too_short = DumpFault::TooShort(payload.len());
        let (summed, stored) = payload.split_last_chunk::<8>().ok_or(too_short.clone())?;
        let (_, version) = summed.split_last_chunk::<2>().ok_or(too_short)?;
        let (stored, computed) = (u64::from_le_bytes(*stored), Crc64::of(summed));
        Ok(Self { version: u16::from_le_bytes(*version), stored, computed })
    }

    fn check(&self) -> Result<(), DumpFault> {
        let Self { stored, computed, .. } = *self;
        if stored == computed { Ok(()) } else { Err(DumpFault::Checksum { stored, computed }) }
    }
}

/// Reads the value of a payload with the types of `family`. Servers do not stop at the footer: a value may extend into
/// it, and bytes after the value are ignored.
fn read(payload: &[u8], family: Family) -> Result<(&'static TypeRow, Context<'_>, Result<(), Fault>), DumpFault> {
    let type_code = payload.first().copied().unwrap_or_default();
    let row = type_row(family, type_code).ok_or(DumpFault::Type(type_code))?;
    let mut context = Context::new(Reader::new(payload, 1)).with_unlimited_members();
    let read = (row.verify)(&mut context);
    Ok((row, context, read))
}

/// The value of a payload, verified but not decoded.
///
/// The version determines the family: 80 is Valkey, up to 13 is Redis. The checksum is compared even if it is 0.
///
/// # Errors
/// The first fault in it.
pub fn parse(payload: &[u8]) -> Result<Raw<'_>, DumpFault> {
    let footer = Footer::of(payload)?;
    footer.check()?;
    let version = u32::from(footer.version);
    let is_known = |takes: fn(Server, u32) -> bool| Server::ALL.into_iter().any(|server| takes(server, version));
    let family = if is_known(|server, version| version <= server.rdb_version()) {
        Family::Redis
    } else if is_known(|server, version| server.valkey_rdb_version() == Some(version)) {
        Family::Valkey
    } else {
        return Err(DumpFault::Version(footer.version));
    };
    let (row, context, read) = read(payload, family)?;
    let empty = DamageKind::Malformed(Malformed::EmptyKey);
    let flaw = context.flaws.iter().find(|flaw| flaw.is_damage() || flaw.fault.kind == empty);
    if let Some(fault) = flaw.map(|flaw| flaw.fault.clone()).or(read.err()) {
        return Err(DumpFault::damaged(fault, row, payload));
    }
    Ok(Raw { type_code: row.number, family, version, payload: context.reader.since(1) })
}

/// What `server` does at a RESTORE with a payload while it loads a log, with its default `sanitize-dump-payload no`.
///
/// Found by loading payloads of every type with every kind of damage into the servers.
pub fn restoration(payload: &[u8], server: Server) -> Restoration {
    restored(payload, server).unwrap_or_else(|fault| {
        if fault.ends_servers() { Restoration::Exits(fault) } else { Restoration::Fails(fault) }
    })
}

fn restored(payload: &[u8], server: Server) -> Result<Restoration, DumpFault> {
    let footer = Footer::of(payload)?;
    if !takes_payloads_of(server, footer.version) {
        return Err(DumpFault::Version(footer.version));
    }
    // For some servers, 0 means that there is no checksum.
    if !server.skips_zero_checksum() || footer.stored != 0 {
        footer.check()?;
    }
    // The server uses its own type numbers, whatever the version.
    let (row, context, read) = read(payload, server.rdb_family())?;
    if !takes_type(server, row) {
        return Err(DumpFault::Type(row.number));
    }
    let damaged = |fault: Fault| {
        let fault = DumpFault::damaged(fault, row, payload);
        match fault {
            DumpFault::Damaged { offset, kind: kind @ DamageKind::Malformed(Malformed::Packed { .. }), .. }
                if server.reports_empty_nodes() =>
            {
                DumpFault::Damaged { offset, kind, reported: true }
            }
            fault => fault,
        }
    };
    let stops = |flaw: &&FoundFlaw| {
        // A server that has the module reads the value with it.
        let is_module = row.data_type == DataType::Module;
        flaw.servers.contains(server) || is_module || flaw.fault.kind == DamageKind::Malformed(Malformed::EmptyKey)
    };
    if let Some(flaw) = context.flaws.iter().find(stops) {
        let fault = damaged(flaw.fault.clone());
        return if flaw.crashes.contains(server) { Ok(Restoration::Crashes(fault)) } else { Err(fault) };
    }
    if let Some(module) = context.module
        && module_refusal(server, module).is_some()
    {
        return Err(DumpFault::Module(module));
    }
    if let Err(fault) = read {
        let reserves = matches!(row.data_type, DataType::Set | DataType::SortedSet | DataType::Hash);
        // Servers allocate memory for all members at once, and exit if there is not enough.
        return Err(match damaged(fault) {
            DumpFault::Damaged { offset, kind, .. } if reserves && context.elements > Some(MOST_MEMBERS) => {
                DumpFault::Damaged { offset, kind, reported: true }
            }
            fault => fault,
        });
    }
    let overlooked = context.flaws.first().map(|flaw| damaged(flaw.fault.clone()));
    Ok(overlooked.map_or(Restoration::Works, Restoration::Overlooks))
}

/// Whether `server` accepts payloads of a version.
fn takes_payloads_of(server: Server, version: u16) -> bool {
    let family = if server.valkey_rdb_version() == Some(version.into()) { Family::Valkey } else { Family::Redis };
    let version = if server.refuses_version_0() { version } else { version.max(1) };
    takes_version(server, Header { family, version: version.into(), padded: true })
}

/// The payload of a value for a target, and what was left out because the target cannot hold it.
///
/// # Errors
/// Why the target cannot hold the value at all.
pub fn write(value: &Value<'_>, target: Release) -> Result<(Vec<u8>, Option<Lost>), Lost> {
    // Writing to memory does not fail.
    let mut output = Output::new(Vec::new());
    let lost = encode(&mut output, target, value, Output::byte).ok().flatten();
    match lost {
        Some(lost) if lost.is_whole_key() => Err(lost),
        lost => Ok((finish(output, target.rdb_version()), lost)),
    }
}

/// The payload of a raw value, unchanged and with its original version.
pub fn write_raw(raw: &Raw<'_>) -> Vec<u8> {
    let mut output = Output::new(Vec::with_capacity(raw.payload.len() + 11));
    let written = output.byte(raw.type_code).and_then(|()| output.bytes(raw.payload));
    debug_assert!(written.is_ok());
    finish(output, u16::try_from(raw.version).unwrap_or(u16::MAX))
}

fn finish(mut output: Output<Vec<u8>>, version: u16) -> Vec<u8> {
    output.bytes(&version.to_le_bytes()).and_then(|()| output.finish()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Bytes;

    /// DUMP of `foo` = `bar` by Redis 7.0.
    const BAR: &[u8] = b"\x00\x03bar\n\x00\xaf";

    #[test]
    fn a_payload_is_parsed_and_written_alike() {
        let (payload, lost) = write(&Value::String(Bytes::borrowed(b"bar")), Release::Redis70).unwrap();
        assert_eq!(lost, None);
        assert!(payload.starts_with(&BAR[..7]));
        let raw = parse(&payload).unwrap();
        let expected = Raw { type_code: 0, family: Family::Redis, version: 10, payload: b"\x03bar" };
        assert_eq!(raw, expected);
        assert_eq!(write_raw(&raw), payload);
        assert_eq!(write(&Value::Raw(Box::new(raw)), Release::Redis70).unwrap().0, payload);
    }

    fn payload(body: &[u8], version: u16) -> Vec<u8> {
        let mut payload = body.to_vec();
        payload.extend(version.to_le_bytes());
        let checksum = Crc64::of(&payload);
        payload.extend(checksum.to_le_bytes());
        payload
    }

    /// The newest RDB version of Redis.
    fn newest_version() -> u16 {
        Server::NEWEST_REDIS.rdb_version().try_into().unwrap()
    }

    #[test]
    fn a_payload_that_lies_is_refused() {
        let sound = payload(b"\x00\x03bar", 12);
        assert!(parse(&sound).is_ok());
        for length in 0..10 {
            assert_eq!(parse(&sound[..length]), Err(DumpFault::TooShort(length)));
        }
        for version in [newest_version() + 1, 79, 81, u16::MAX] {
            assert_eq!(parse(&payload(b"\x00\x03bar", version)), Err(DumpFault::Version(version)));
        }
        let mut zeroed = sound.clone();
        let end = zeroed.len();
        zeroed[end - 8..].fill(0);
        assert!(matches!(parse(&zeroed), Err(DumpFault::Checksum { stored: 0, .. })));
        assert_eq!(parse(&payload(b"\x63\x03bar", 12)), Err(DumpFault::Type(0x63)));
        for body in [&b"\x00\x20bar"[..], b"\x01\x00", b"\x02\x02\x01a\x01a", b"\x00\xc3\x02\x0a\xff\xff"] {
            assert!(matches!(parse(&payload(body, 12)), Err(DumpFault::Damaged { .. })), "{body:?}");
        }
    }

    /// Servers neither stop at the footer nor check that they reached it.
    #[test]
    fn a_value_may_end_before_the_footer_or_in_it() {
        assert_eq!(parse(&payload(b"\x00\x02bar", 12)).unwrap().payload, b"\x02ba");
        assert_eq!(parse(&payload(b"\x00\x04bar", 12)).unwrap().payload, b"\x04bar\x0c");
    }

    #[test]
    fn servers_exit_where_they_call_a_value_corrupt_and_else_go_on_without_the_key() {
        let of = |body: &[u8], version, server| restoration(&payload(body, version), server);
        for server in Server::ALL {
            assert_eq!(of(b"\x00\x03bar", 9, server), Restoration::Works, "{server}");
            assert!(matches!(of(b"\x00\xc3\x02\x0a\xff\xff", 9, server), Restoration::Exits(_)), "{server}");
            assert!(matches!(of(b"\x01\x00", 9, server), Restoration::Fails(_)), "{server}");
            assert!(matches!(of(b"\x00\x20bar", 9, server), Restoration::Fails(_)), "{server}");
            let version = newest_version() + 1;
            let newer = of(b"\x00\x03bar", version, server);
            assert_eq!(newer, Restoration::Fails(DumpFault::Version(version)), "{server}");
            let nan = of(&[&b"\x05\x01\x01a"[..], &f64::NAN.to_le_bytes()].concat(), 9, server);
            assert_eq!(matches!(nan, Restoration::Crashes(_)), server == Server::Redis62, "{server}: {nan:?}");
            let twice = of(b"\x04\x02\x01a\x01b\x01a\x01b", 9, server);
            assert_eq!(matches!(twice, Restoration::Exits(_)), server == Server::Valkey9, "{server}: {twice:?}");
        }
        assert_eq!(of(b"\x00\x03bar", 80, Server::Valkey9), Restoration::Works);
        assert!(matches!(of(b"\x00\x03bar", 80, Server::Redis80), Restoration::Fails(DumpFault::Version(80))));
    }

    #[test]
    fn the_version_says_whose_numbering_of_types_it_is() {
        let hash = b"\x16\x01\x01f\x01v\xff\xff\xff\xff\xff\xff\xff\xff";
        assert_eq!(parse(&payload(hash, 80)).unwrap().family, Family::Valkey);
        assert!(parse(&payload(hash, 12)).is_err());
    }
}
