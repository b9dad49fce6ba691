//! RESTORE: a key from the payload of a DUMP.

use super::{Call, Failure};
use crate::rdb::dump::{self, DumpFault, Restoration};
use crate::rdb::{DamageKind, Family, Header};
use crate::resp::parse_integer;
use crate::server::Server;
use crate::value::Value;

/// `RESTORE key ttl payload [REPLACE] [ABSTTL] [IDLETIME seconds] [FREQ frequency]`, and RESTORE-ASKING, which clusters
/// log.
///
/// A key that has expired exists all the same while a server loads. The payload stays encoded until a command needs its
/// value, unless it is a string in one piece.
pub(in crate::command) fn restore(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    let key = call.argument(1)?;
    let (ttl, payload) = (call.argument(2)?, call.argument(3)?);
    let options = Options::parse(call.arguments_from(4))?;
    if !options.replace && call.exists(key) {
        return Err(Failure::Other("BUSYKEY Target key name already exists.".into()));
    }
    let ttl = parse_integer(ttl).ok_or(Failure::NotAnInteger)?;
    if ttl < 0 {
        return Err(Failure::other("Invalid TTL value, must be >= 0"));
    }
    let raw = dump::parse(payload).map_err(refused)?;
    // The servers' sum wraps.
    let expiry = if options.absolute { ttl } else { ttl.wrapping_add(call.now) };
    let value = raw.in_one_piece().map_or_else(|| Value::Raw(Box::new(raw)), Value::String);
    call.put(key, value);
    if ttl != 0
        && let Some(mut entry) = call.entry(key)
    {
        entry.set_expiry(Some(expiry));
    }
    Ok(())
}

/// What `server` does at a RESTORE (or RESTORE-ASKING) with these arguments while it loads a log; `None` if it fails
/// before it reads the payload. This assumes that the key does not exist, or may be replaced.
pub(in crate::command) fn restoration(arguments: &[&[u8]], server: Server) -> Option<Restoration> {
    let [_, _, ttl, payload, options @ ..] = arguments else { return None };
    Options::parse(options).ok()?;
    parse_integer(ttl).filter(|ttl| *ttl >= 0)?;
    Some(dump::restoration(payload, server))
}

/// A payload with a version or a type that this build does not know may hold data, so the key must not be reported as
/// missing.
fn refused(fault: DumpFault) -> Failure {
    match fault {
        DumpFault::Version(version) => {
            let header = Header { family: Family::Redis, version: version.into(), padded: true };
            Failure::DamagedPayload(Box::new(DamageKind::UnsupportedVersion(header)))
        }
        DumpFault::Type(number) => Failure::DamagedPayload(Box::new(DamageKind::UnknownType(number))),
        fault if fault.is_in_footer() => Failure::other("DUMP payload version or checksum are wrong"),
        DumpFault::Damaged { ref kind, .. } if fault.ends_servers() => Failure::DamagedPayload(Box::new(kind.clone())),
        _ => Failure::other("Bad data format"),
    }
}

#[derive(Debug, Default)]
struct Options {
    replace: bool,
    absolute: bool,
}

impl Options {
    fn parse(arguments: &[&[u8]]) -> Result<Self, Failure> {
        let mut options = Self::default();
        let (mut idle, mut frequency) = (false, false);
        let mut arguments = arguments.iter();
        while let Some(word) = arguments.next() {
            let is = |name: &str| word.eq_ignore_ascii_case(name.as_bytes());
            if is("replace") {
                options.replace = true;
            } else if is("absttl") {
                options.absolute = true;
            } else if is("idletime") && !frequency {
                idle = true;
                number(arguments.next(), i64::MAX, "Invalid IDLETIME value, must be >= 0")?;
            } else if is("freq") && !idle {
                frequency = true;
                number(arguments.next(), 255, "Invalid FREQ value, must be >= 0 and <= 255")?;
            } else {
                return Err(Failure::Syntax);
            }
        }
        Ok(options)
    }
}

/// Checks the operand of an option that concerns only eviction.
fn number(operand: Option<&&[u8]>, greatest: i64, invalid: &'static str) -> Result<(), Failure> {
    let number = parse_integer(operand.ok_or(Failure::Syntax)?).ok_or(Failure::NotAnInteger)?;
    if (0..=greatest).contains(&number) { Ok(()) } else { Err(Failure::other(invalid)) }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Replica;
    use super::*;
    use crate::server::Release;
    use crate::value::{Bytes, List};

    fn restore(replica: &mut Replica, ttl: &str, payload: &[u8], options: &[&str]) -> Result<(), Failure> {
        let mut words: Vec<&[u8]> = vec![b"RESTORE", b"k", ttl.as_bytes(), payload];
        words.extend(options.iter().map(|option| option.as_bytes()));
        replica.run_bytes(&words)
    }

    fn payload(value: &Value<'_>) -> Vec<u8> {
        dump::write(value, Release::Redis80).unwrap().0
    }

    #[test]
    fn a_string_is_restored_as_itself_and_a_list_raw() {
        let mut replica = Replica::default();
        let string = payload(&Value::String(Bytes::borrowed(b"bar")));
        restore(&mut replica, "0", &string, &[]).unwrap();
        assert!(matches!(replica.value("k"), Some(Value::String(string)) if **string == *b"bar"));
        assert_eq!(replica.expiry("k"), None);
        let mut list = List::default();
        list.push_back(Bytes::borrowed(b"element"));
        let list = payload(&Value::List(list));
        restore(&mut replica, "0", &list, &["replace"]).unwrap();
        assert!(matches!(replica.value("k"), Some(Value::Raw(raw)) if list[1..].starts_with(raw.payload)));
    }

    #[test]
    fn the_time_to_live_counts_from_now_unless_it_is_absolute() {
        let mut replica = Replica::default();
        replica.now = 1000;
        let string = payload(&Value::String(Bytes::borrowed(b"bar")));
        restore(&mut replica, "5", &string, &[]).unwrap();
        assert_eq!(replica.expiry("k"), Some(1005));
        restore(&mut replica, "5", &string, &["ABSTTL", "REPLACE", "IDLETIME", "7"]).unwrap();
        assert_eq!(replica.expiry("k"), Some(5));
        restore(&mut replica, "0", &string, &["REPLACE", "FREQ", "255"]).unwrap();
        assert_eq!(replica.expiry("k"), None);
        replica.run_bytes(&[b"restore-asking", b"k", b"9223372036854775807", &string, b"REPLACE"]).unwrap();
    }

    #[test]
    fn what_a_server_refuses_changes_nothing() {
        let mut replica = Replica::default();
        let string = payload(&Value::String(Bytes::borrowed(b"bar")));
        restore(&mut replica, "0", &string, &[]).unwrap();
        let other = payload(&Value::String(Bytes::borrowed(b"other")));
        let mut broken = other.clone();
        broken[2] ^= 1;
        for (ttl, payload, options, failure) in [
            ("0", &other, &[][..], "BUSYKEY Target key name already exists."),
            ("x", &other, &[], "BUSYKEY Target key name already exists."),
            ("x", &other, &["REPLACE"], "value is not an integer or out of range"),
            ("-1", &other, &["REPLACE"], "Invalid TTL value, must be >= 0"),
            ("0", &broken, &["REPLACE"], "DUMP payload version or checksum are wrong"),
            ("0", &Vec::new(), &["REPLACE"], "DUMP payload version or checksum are wrong"),
            ("0", &other, &["REPLACE", "KEEPTTL"], "syntax error"),
            ("0", &other, &["REPLACE", "FREQ"], "syntax error"),
            ("0", &other, &["REPLACE", "FREQ", "256"], "Invalid FREQ value, must be >= 0 and <= 255"),
            ("0", &other, &["REPLACE", "IDLETIME", "-1"], "Invalid IDLETIME value, must be >= 0"),
            ("0", &other, &["REPLACE", "IDLETIME", "1", "FREQ", "1"], "syntax error"),
            ("0", &other, &["REPLACE", "FREQ", "1", "IDLETIME", "1"], "syntax error"),
        ] {
            assert_eq!(restore(&mut replica, ttl, payload, options).unwrap_err().to_string(), failure);
            assert!(matches!(replica.value("k"), Some(Value::String(string)) if **string == *b"bar"));
        }
    }
}
