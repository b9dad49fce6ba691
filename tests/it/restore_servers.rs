//! What servers that load a log make of damaged payloads of RESTORE, compared with what the library says of them.
//!
//! The payloads are values of every type, from the RDB files of the test data, damaged at random.

use std::collections::BTreeMap;

use aofkit::Server;
use aofkit::rdb::dump::{DumpFault, Restoration, parse, restoration, write_raw};
use aofkit::rdb::{DamageKind, DecodeFault, Item, Malformed, TYPES, Walker};
use aofkit::resp::write_command;
use aofkit::value::{Family, Raw, Value};

use crate::harness::files::rdb_files;
use crate::harness::load::{Cutting, Ended, Files, existing};
use crate::harness::servers::RELEASES;
use crate::harness::{Random, setting};

/// A value as it lies in an RDB, with its type.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Base {
    type_code: u8,
    family: Family,
    since: u32,
    payload: Vec<u8>,
}

impl Base {
    /// The payload of DUMP, of the oldest version that has the type (of Redis 6.2 at the earliest).
    fn dumped(&self) -> Vec<u8> {
        let version = self.since.max(9);
        write_raw(&Raw { type_code: self.type_code, family: self.family, version, payload: &self.payload })
    }
}

/// One small value of each type, and one that is compressed.
fn bases() -> Vec<Base> {
    /// Bytes; damage is to hit what is not text often enough.
    const LARGEST: usize = 300;
    let mut bases = BTreeMap::new();
    for path in rdb_files("rdb") {
        let bytes = std::fs::read(&path).unwrap();
        let mut walker = Walker::new(&bytes, 0);
        while let Some(Ok(item)) = walker.next() {
            let Item::Entry(entry) = item else { continue };
            let family = if walker.header().unwrap().family == Family::Valkey { Family::Valkey } else { Family::Redis };
            let own = entry.kind.family == Some(Family::Valkey);
            if !entry.flaws.is_empty() || own != (family == Family::Valkey) {
                continue;
            }
            let packed = entry.value.first().is_some_and(|first| *first == 0xc3);
            let since = entry.kind.rdb_version;
            let base = Base { type_code: entry.kind.number, family, since, payload: entry.value.to_vec() };
            // The largest of the small ones, or the smallest of the large ones.
            let rank = |base: &Base| base.payload.len().abs_diff(LARGEST);
            let best: &mut Base = bases.entry((entry.kind.number, own, packed)).or_insert_with(|| base.clone());
            if rank(&base) < rank(best) {
                *best = base;
            }
        }
    }
    let types = bases.keys().map(|(number, own, _)| (*number, *own)).collect::<std::collections::BTreeSet<_>>();
    assert_eq!(types.len(), TYPES.len(), "a type is missing from the test data: {types:?}");
    bases.into_values().collect()
}

/// Damages a value in one of the ways in which disks, programs and people do; the checksum is made right afterwards.
fn damage(base: &mut Base, random: &mut Random) {
    let length = base.payload.len();
    let at = random.below(length);
    match random.below(9) {
        0 => base.payload[at] ^= 1 << random.below(8),
        1 => base.payload[at] = 0xff,
        2 => base.payload[at] = 0,
        3 => base.payload[at] = base.payload[at].wrapping_add(1),
        4 => base.payload[at] = random.below(u8::MAX),
        5 => base.payload.truncate(at),
        6 => drop(base.payload.remove(at)),
        7 => base.payload.insert(at, base.payload[at]),
        _ => base.payload.extend([base.payload[at], 0, 1]),
    }
    // As another type, the same bytes are damaged in other ways.
    if random.one_in(12) {
        base.type_code = random.below(34_u8);
    }
}

fn payloads() -> Vec<Vec<u8>> {
    let mut random = Random(setting("AOFKIT_SEED", 17));
    let count = setting("AOFKIT_PROGRAMS", 6);
    let mut payloads = crafted();
    for base in bases() {
        payloads.push(base.dumped());
        for _ in 0..count {
            let mut damaged = base.clone();
            for _ in 0..=random.below(3) {
                if !damaged.payload.is_empty() {
                    damage(&mut damaged, &mut random);
                }
            }
            payloads.push(damaged.dumped());
        }
    }
    payloads.retain(|payload| !is_past(payload));
    payloads
}

/// Whether what becomes of a payload is not for the library to say: a vector set, of which only its module knows what
/// is wrong; a score of which the C library reads what it can; a type that no release writes, and fields that may have
/// expired; a count of which the machine's memory decides whether it is believed.
fn is_beyond(payload: &[u8], server: Server) -> bool {
    let said = restoration(payload, server);
    let kind = match &said {
        Restoration::Works => return payload.first() == Some(&7),
        Restoration::Overlooks(DumpFault::Damaged { kind, .. })
        | Restoration::Fails(DumpFault::Damaged { kind, .. })
        | Restoration::Exits(DumpFault::Damaged { kind, .. }) => kind,
        _ => return false,
    };
    // Servers that know it do not load fields that have expired, as nearly any number says.
    if payload[0] == 22 && !server.is_valkey() {
        return true;
    }
    let twice = *kind == DamageKind::Malformed(Malformed::DuplicateField);
    if payload[0] == 24 && twice {
        return true;
    }
    let is_score = *kind == DamageKind::Malformed(Malformed::Score);
    let counts = payload.get(1).is_some_and(|first| matches!(first, 0x80 | 0x81));
    is_score && payload[0] == 3 || counts && matches!(kind, DamageKind::Truncated { .. })
}

/// Whether a payload holds a hash of whose fields some expired long ago: servers delete those soon, or do not load
/// them.
fn is_past(payload: &[u8]) -> bool {
    const NOW: i64 = 1_700_000_000_000;
    let Some(Value::Hash(hash)) = parse(payload).ok().and_then(|raw| raw.decode().ok()) else { return false };
    hash.iter().any(|(_, field)| field.expiry.is_some_and(|expiry| expiry < NOW))
}

/// What no dice throw: versions, checksums, and damage that needs several bytes to be right.
fn crafted() -> Vec<Vec<u8>> {
    let of = |type_code: u8, version: u32, payload: &[u8]| {
        write_raw(&Raw { type_code, family: Family::Redis, version, payload })
    };
    let nan = f64::NAN.to_le_bytes();
    let mut payloads = vec![
        b"".to_vec(),
        b"short".to_vec(),
        of(0, 9, b"\xc3\x03\x0a\xff\xff\xff"),
        of(0, 9, b"\xc4bar"),
        of(0, 9, b"\x04bar"),
        of(0, 9, b"\x02bar"),
        of(0, 9, b"\x81\x7f\xff\xff\xff\xff\xff\xff\xff"),
        of(0, 9, b"\x82bar"),
        of(1, 9, b"\x00"),
        of(2, 9, b"\x02\x01a\x01a"),
        of(3, 9, b"\x01\x01a\xfd"),
        of(3, 9, b"\x01\x01a\x03abc"),
        of(4, 9, b"\x02\x01a\x01b\x01a\x01b"),
        of(5, 9, &[&b"\x01\x01a"[..], &nan].concat()),
        of(6, 9, b"\x03bar"),
        of(7, 9, b"\x81\x11\x22\x33\x44\x55\x66\x77\x88\x00"),
        of(8, 9, b"\x03bar"),
        of(10, 9, b"\x03bar"),
        of(13, 9, b"\x03bar"),
        of(16, 10, b"\x03bar"),
        of(15, 9, b"\x00\x00"),
        of(15, 9, b"\x00\x01\x00\x00\x00"),
        of(0xfe, 9, b"\x03bar"),
    ];
    for version in [0, 1, 9, 10, 11, 12, 13, 14, 79, 80, 81, 65_535] {
        payloads.push(of(0, version, b"\x03bar"));
    }
    let mut checksum = of(0, 9, b"\x03bar");
    *checksum.last_mut().unwrap() ^= 1;
    let mut zero = of(0, 9, b"\x03bar");
    let end = zero.len();
    zero[end - 8..].fill(0);
    payloads.extend([checksum, zero]);
    payloads
}

/// A log that restores these payloads to the keys `k0`, `k1` …
fn log(payloads: &[&[u8]]) -> Files {
    let mut log = Vec::new();
    for (index, payload) in payloads.iter().enumerate() {
        write_command(&mut log, &[b"RESTORE", format!("k{index}").as_bytes(), b"0", payload]);
    }
    Files { parts: vec![Some(log)], cutting: Cutting::Yes }
}

/// What a server made of each payload: whether the key is there, or how the server ended.
type Fate = Result<bool, Ended>;

fn expected(payload: &[u8], server: Server) -> Fate {
    match restoration(payload, server) {
        Restoration::Works | Restoration::Overlooks(_) => Ok(true),
        Restoration::Fails(_) => Ok(false),
        Restoration::Exits(_) => Err(Ended::Exits(1)),
        Restoration::Crashes(_) => Err(Ended::Killed(6)),
        other => panic!("{other:?}"),
    }
}

fn load(release: &str, payloads: &[&[u8]]) -> Result<Vec<bool>, (Ended, String)> {
    let keys: Vec<String> = (0..payloads.len()).map(|index| format!("k{index}")).collect();
    let (loaded, found) = existing(release, &log(payloads), &keys);
    match loaded.ended {
        Ended::Starts => found.ok_or((Ended::Starts, "it did not answer".to_owned())),
        ended => Err((ended, String::from_utf8_lossy(&loaded.log).into_owned())),
    }
}

/// Compares what is expected of one payload with what a server makes of it alone.
fn compare(name: &str, server: Server, payload: &[u8]) -> Option<String> {
    let expected = expected(payload, server);
    let (found, log) = match load(name, &[payload]) {
        Ok(found) => (Ok(found[0]), String::new()),
        Err((ended, log)) => (Err(ended), log),
    };
    // What it overlooks may crash it as soon as it looks for keys that have expired.
    let overlooked = found == Err(Ended::Starts) && matches!(restoration(payload, server), Restoration::Overlooks(_));
    if found == expected || overlooked {
        return None;
    }
    let reason = log.lines().find(|line| line.contains("Internal error") || line.contains("ASSERT")).unwrap_or("");
    let (said, payload) = (restoration(payload, server), payload.escape_ascii());
    Some(format!("{name}: {found:?} where {said:?}\n  {reason}\n  {payload}"))
}

#[server_test]
fn servers_make_of_payloads_what_is_said() {
    let all = payloads();
    let mut wrong = Vec::new();
    for (server, name) in RELEASES {
        let payloads = all.iter().filter(|payload| !is_beyond(payload, server));
        let go_on = |payload: &&Vec<u8>| expected(payload, server).is_ok();
        // All that do not end the server go into one log; the others need one each.
        let (quiet, fatal): (Vec<_>, Vec<_>) = payloads.partition(go_on);
        for chunk in quiet.chunks(64) {
            let chunk: Vec<&[u8]> = chunk.iter().map(|payload| payload.as_slice()).collect();
            let expected: Vec<bool> = chunk.iter().map(|payload| expected(payload, server).unwrap()).collect();
            if load(name, &chunk).ok() != Some(expected) {
                wrong.extend(chunk.iter().filter_map(|payload| compare(name, server, payload)));
            }
        }
        wrong.extend(fatal.iter().filter_map(|payload| compare(name, server, payload)));
    }
    assert!(wrong.is_empty(), "{} payloads:\n{}", wrong.len(), wrong.join("\n"));
}

/// What a replay takes is what can be decoded; what it refuses, at least one server refuses.
#[test]
fn a_replay_takes_only_what_can_be_decoded() {
    for payload in payloads() {
        match parse(&payload) {
            Ok(raw) => {
                let decoded = raw.decode();
                let opaque = matches!(decoded, Err(DecodeFault::Opaque { .. }));
                assert!(decoded.is_ok() || opaque, "{decoded:?}: {}", payload.escape_ascii());
            }
            Err(DumpFault::Damaged { kind, .. }) => {
                let works = |server: &Server| restoration(&payload, *server) == Restoration::Works;
                assert_eq!(Server::ALL.iter().find(|server| works(server)), None, "{kind}: {}", payload.escape_ascii());
            }
            Err(_) => {}
        }
    }
}
