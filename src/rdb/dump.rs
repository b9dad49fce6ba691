//! The payloads of DUMP and RESTORE: a type, a value, the version of the RDB, a checksum of it all.

use super::context::Context;
use super::damage::DamageKind;
use super::encode::{Lost, Output, RdbTarget, encode};
use super::opcode::{Magic, type_row};
use super::primitive::{Crc64, Reader};
use crate::server::ServerSet;
use crate::value::{Flavour, Raw, Value};

/// The newest version of a payload of Redis that is taken: that of Redis 8.6.
const NEWEST_REDIS: u16 = 13;
/// The version of a payload of Valkey 9.
const VALKEY: u16 = 80;

/// Why a payload is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DumpFault {
    /// It is too short to have a version and a checksum.
    #[error("the payload has {0} bytes, too few for a version and a checksum")]
    TooShort(usize),
    /// It is of a version that no modelled server takes.
    #[error("the payload is of RDB version {0}")]
    Version(u16),
    /// Its checksum is not that of its bytes.
    #[error("the payload's checksum is {computed:016x} and {stored:016x} is stored")]
    Checksum {
        /// What it says.
        stored: u64,
        /// What its bytes give.
        computed: u64,
    },
    /// Its value is of no known type.
    #[error("the payload's type {0} is not known")]
    Type(u8),
    /// Its value is damaged.
    #[error("the payload is damaged: {kind}")]
    Damaged {
        /// Where in the payload.
        offset: usize,
        /// What is wrong.
        kind: DamageKind,
    },
    /// Bytes follow its value that do not belong to it.
    #[error("{0} bytes follow the payload's value")]
    TooLong(usize),
}

impl DumpFault {
    /// Whether servers call this a wrong version or checksum, and not bad data.
    pub const fn is_in_footer(&self) -> bool {
        matches!(self, Self::TooShort(_) | Self::Version(_) | Self::Checksum { .. })
    }
}

/// The value that a payload is, verified but not decoded.
///
/// The version says whose it is: 80 is Valkey's, up to 13 is Redis's. Every server compares the checksum, 0 included.
///
/// # Errors
/// The first thing that is wrong with it.
pub fn parse(payload: &[u8]) -> Result<Raw<'_>, DumpFault> {
    let too_short = DumpFault::TooShort(payload.len());
    let (summed, stored) = payload.split_last_chunk::<8>().ok_or(too_short.clone())?;
    let (typed, version) = summed.split_last_chunk::<2>().ok_or(too_short)?;
    let version = u16::from_le_bytes(*version);
    let flavour = match version {
        ..=NEWEST_REDIS => Flavour::Redis,
        VALKEY => Flavour::Valkey,
        _ => return Err(DumpFault::Version(version)),
    };
    let (stored, computed) = (u64::from_le_bytes(*stored), Crc64::of(summed));
    if stored != computed {
        return Err(DumpFault::Checksum { stored, computed });
    }
    let truncated = DumpFault::Damaged { offset: 0, kind: DamageKind::Truncated { missing: 1 } };
    let (&type_code, value) = typed.split_first().ok_or(truncated)?;
    let row = type_row(Magic::from(flavour), type_code).ok_or(DumpFault::Type(type_code))?;
    let mut context = Context::new(Reader::new(typed, 1));
    let read = (row.verify)(&mut context);
    let minded = |flaw: &ServerSet| *flaw != ServerSet::NONE;
    let flaw = context.flaws.iter().find(|flaw| minded(&flaw.checkers) || minded(&flaw.servers));
    if let Some(fault) = flaw.map(|flaw| flaw.fault.clone()).or(read.err()) {
        return Err(DumpFault::Damaged { offset: fault.offset, kind: fault.kind });
    }
    match typed.len() - context.reader.position() {
        0 => Ok(Raw { type_code, flavour, version: version.into(), payload: value }),
        rest => Err(DumpFault::TooLong(rest)),
    }
}

/// The payload of a value for a target, and what was left out because the target cannot hold it.
///
/// # Errors
/// Why there can be none.
pub fn write(value: &Value<'_>, target: RdbTarget) -> Result<(Vec<u8>, Option<Lost>), Lost> {
    // Writing to memory does not fail.
    let mut output = Output::new(Vec::new());
    let lost = encode(&mut output, target, value, Output::byte).ok().flatten();
    match lost {
        Some(lost) if lost.is_whole_key() => Err(lost),
        lost => Ok((finish(output, target.version()), lost)),
    }
}

/// The payload of a raw value as it is, of the version that it is from.
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
        let (payload, lost) = write(&Value::String(Bytes::borrowed(b"bar")), RdbTarget::Redis70).unwrap();
        assert_eq!(lost, None);
        assert!(payload.starts_with(&BAR[..7]));
        let raw = parse(&payload).unwrap();
        let expected = Raw { type_code: 0, flavour: Flavour::Redis, version: 10, payload: b"\x03bar" };
        assert_eq!(raw, expected);
        assert_eq!(write_raw(&raw), payload);
        assert_eq!(write(&Value::Raw(Box::new(raw)), RdbTarget::Redis70).unwrap().0, payload);
    }

    fn payload(body: &[u8], version: u16) -> Vec<u8> {
        let mut payload = body.to_vec();
        payload.extend(version.to_le_bytes());
        let checksum = Crc64::of(&payload);
        payload.extend(checksum.to_le_bytes());
        payload
    }

    #[test]
    fn a_payload_that_lies_is_refused() {
        let sound = payload(b"\x00\x03bar", 12);
        assert!(parse(&sound).is_ok());
        for length in 0..10 {
            assert_eq!(parse(&sound[..length]), Err(DumpFault::TooShort(length)));
        }
        for version in [14, 79, 81, u16::MAX] {
            assert_eq!(parse(&payload(b"\x00\x03bar", version)), Err(DumpFault::Version(version)));
        }
        let mut zeroed = sound.clone();
        let end = zeroed.len();
        zeroed[end - 8..].fill(0);
        assert!(matches!(parse(&zeroed), Err(DumpFault::Checksum { stored: 0, .. })));
        assert_eq!(parse(&payload(b"\x63\x03bar", 12)), Err(DumpFault::Type(0x63)));
        assert_eq!(parse(&payload(b"\x00\x02bar", 12)), Err(DumpFault::TooLong(1)));
        for body in [&b""[..], b"\x00", b"\x00\x04bar", b"\x01\x00", b"\x02\x02\x01a\x01a"] {
            assert!(matches!(parse(&payload(body, 12)), Err(DumpFault::Damaged { .. })), "{body:?}");
        }
    }

    #[test]
    fn the_version_says_whose_numbering_of_types_it_is() {
        let hash = b"\x16\x01\x01f\x01v\xff\xff\xff\xff\xff\xff\xff\xff";
        assert_eq!(parse(&payload(hash, 80)).unwrap().flavour, Flavour::Valkey);
        assert!(parse(&payload(hash, 12)).is_err());
    }
}
