//! Values of the corpus, whole and damaged; borrowing; the cost of an amplifying stream.

use proptest::prelude::*;

use super::super::context::Context;
use super::super::testing::{corpus, text};
use super::super::{DamageKind, DecodeFault, Item, TypeRow, Walker, type_row};
use super::*;
use crate::server::ServerSet;
use crate::value::{Family, Raw};

/// Each value of the corpus with its key.
fn values() -> Vec<(String, String, Family, &'static TypeRow, Vec<u8>)> {
    let mut found = Vec::new();
    for (name, bytes) in corpus() {
        let mut family = Family::Redis;
        for item in Walker::new(&bytes, 0) {
            match item.unwrap() {
                Item::Header(header) => family = header.family,
                Item::Entry(entry) => {
                    let key = entry.key.escape_ascii().to_string();
                    found.push((name.clone(), key, family, entry.kind, entry.value.to_vec()));
                }
                _ => {}
            }
        }
    }
    found
}

fn raw(row: &TypeRow, family: Family, payload: &[u8]) -> Result<String, DecodeFault> {
    let payload = Raw { type_code: row.number, family, version: 12, payload };
    payload.decode().map(|value| text(&value))
}

#[test]
fn every_value_of_the_corpus_is_decoded_or_a_modules() {
    let mut seen = std::collections::BTreeSet::new();
    for (file, key, family, row, bytes) in values() {
        match raw(row, family, &bytes) {
            Ok(_) => {
                seen.insert((row.number, family == Family::Valkey && row.number == 22));
            }
            Err(fault) => {
                assert_eq!(fault, DecodeFault::Opaque { type_code: 7 }, "{file} {key}");
            }
        }
    }
    assert_eq!(seen.len(), super::super::TYPES.len(), "{seen:?}");
}

/// The keys that all servers of the corpus were given have the same values, whichever server wrote them in whichever
/// encoding.
#[test]
fn what_servers_were_given_alike_is_decoded_alike() {
    let mut by_key = std::collections::BTreeMap::<String, Vec<(String, String)>>::new();
    for (file, key, family, row, bytes) in values() {
        let is_alike = ["string:", "int:", "list:", "set:", "hash:small", "hash:long", "zset:small", "zset:long"];
        if !file.starts_with("crafted") && is_alike.iter().any(|prefix| key.starts_with(prefix)) {
            by_key.entry(key).or_default().push((file, raw(row, family, &bytes).unwrap()));
        }
    }
    assert!(by_key.len() > 20);
    let mut compared = 0;
    for (key, values) in by_key {
        // Sizes differ between the plain files and the others of one server.
        if key.contains("many") || key.contains("long") {
            continue;
        }
        let (file, first) = &values[0];
        for (other, value) in &values {
            assert_eq!(first, value, "{key} in {file} and {other}");
            compared += 1;
        }
    }
    assert!(compared > 200);
}

#[test]
fn values_are_what_their_bytes_say() {
    for (type_code, bytes, expected) in [
        (0, &b"\x03bar"[..], "\"bar\""),
        (0, b"\xc0\xff", "\"-1\""),
        (0, b"\xc3\x05\x07\x01ab\x60\x01", "\"abababa\""),
        (1, b"\x02\x01a\xc0\x05", "list \"a\", \"5\""),
        (3, b"\x02\x01a\x031.5\x01b\xff", "sorted set \"b\"=-inf, \"a\"=1.5"),
        (9, b"\x0a\x01\x01f\x02\x01v?\xff", "hash "),
        (11, b"\x0c\x02\0\0\0\x02\0\0\0\xfb\xff\x07\0", "set \"-5\", \"7\""),
        (22, b"\x01\x05\x01f\x01v", "hash \"f\"=\"v\" until Some(5)"),
        (
            24,
            b"\x64\0\0\0\0\0\0\0\x02\x03\x01f\x01v\x00\x01g\x01w",
            "hash \"f\"=\"v\" until Some(102), \"g\"=\"w\" until None",
        ),
    ] {
        let raw = Raw { type_code, family: Family::Redis, version: 12, payload: bytes };
        match raw.decode() {
            Ok(value) => assert_eq!(text(&value), expected, "{type_code}"),
            Err(fault) => assert!(expected == "hash ", "{type_code}: {fault}"),
        }
    }
    let hash_2 = b"\x02\x01f\x01v\xff\xff\xff\xff\xff\xff\xff\xff\x01g\x01w\x07\0\0\0\0\0\0\0";
    let raw = Raw { type_code: 22, family: Family::Valkey, version: 80, payload: hash_2 };
    assert_eq!(text(&raw.decode().unwrap()), "hash \"f\"=\"v\" until None, \"g\"=\"w\" until Some(7)");
}

#[test]
fn what_lies_in_the_file_is_borrowed() {
    let long = b"\x02\x1ea string of thirty characters.\x1eanother of as many characters.";
    let raw = Raw { type_code: 1, family: Family::Redis, version: 12, payload: long };
    let Value::List(list) = raw.decode().unwrap() else { panic!("not a list") };
    let range = long.as_ptr_range();
    assert!(list.iter().all(|element| range.contains(&element.as_ptr())));
    assert_eq!(list.iter().count(), 2);
}

#[test]
fn nobody_decodes_a_module() {
    for type_code in [6, 7, 8, 99, 100, 255] {
        let raw = Raw { type_code, family: Family::Redis, version: 12, payload: b"\x00" };
        assert_eq!(raw.decode().unwrap_err(), DecodeFault::Opaque { type_code });
    }
}

#[test]
fn a_stream_that_repeats_a_long_field_too_often_is_refused() {
    use super::super::packed::build::ListpackBuilder;
    let entries = 8000;
    let mut node = ListpackBuilder::default();
    for number in [entries, 0, 1] {
        node.push_integer(number);
    }
    node.push(&vec![b'f'; 1 << 20]);
    node.push_integer(0);
    for sequence in 1..=entries {
        for number in [2, 0, sequence, 1, 4] {
            node.push_integer(number);
        }
    }
    let node = node.finish();
    let mut stream = vec![1, 16];
    stream.extend([0; 16]);
    stream.push(0x80);
    stream.extend(u32::try_from(node.len()).unwrap().to_be_bytes());
    stream.extend(node);
    stream.extend([0x5f, 0x40, 0, 0x5f, 0x40, 0]);
    let raw = Raw { type_code: 15, family: Family::Redis, version: 9, payload: &stream };
    let fault = raw.decode().unwrap_err();
    let kind = Malformed::Stream(super::super::StreamFault::TooManyFields).into();
    assert!(matches!(fault, DecodeFault::Damaged { kind: found, .. } if found == kind));
}

#[test]
fn a_claimed_count_costs_nothing() {
    for row in &super::super::TYPES {
        let family = row.family.unwrap_or(Family::Redis);
        for start in [&b"\x81\x7f\xff\xff\xff\xff\xff\xff\xff"[..], b"\xc3\x05\x9f\xff\xff\xff\x00a\xe0\xff\x00"] {
            assert!(raw(row, family, start).is_err());
        }
    }
}

/// Whether a value is sound for every checker and server, according to the walk.
fn is_sound(row: &TypeRow, bytes: &[u8]) -> bool {
    let mut context = Context::new(Reader::new(bytes, 0));
    let read = (row.verify)(&mut context);
    let score = |malformed: &DamageKind| *malformed == Malformed::Score.into();
    let minded = context
        .flaws
        .iter()
        .any(|flaw| score(&flaw.fault.kind) || flaw.checkers != ServerSet::NONE || flaw.servers != ServerSet::NONE);
    read.is_ok() && !minded && context.reader.position() == bytes.len()
}

#[test]
fn a_damaged_value_is_refused_just_when_the_walk_finds_something() {
    let mut seen = std::collections::HashSet::new();
    let (mut sound, mut broken) = (0, 0);
    for (_, _, family, row, bytes) in values() {
        if row.decode.is_none() || bytes.len() > 3000 || !seen.insert((row.number, bytes.clone())) {
            continue;
        }
        for index in 0..bytes.len() {
            for change in [1, 0x80, 0xff] {
                let mut damaged = bytes.clone();
                damaged[index] ^= change;
                let decoded = raw(row, family, &damaged);
                let walked = is_sound(row, &damaged);
                let counter = if decoded.is_ok() { &mut sound } else { &mut broken };
                *counter += 1;
                // The walk does not check the ids of a stream, some of its counts, and what follows the number in a
                // score of digits.
                let score = [Malformed::Score, Malformed::ScoreIsNan].map(DamageKind::from);
                let lenient = row.data_type == super::super::DataType::Stream
                    || matches!(&decoded, Err(DecodeFault::Damaged { kind, .. }) if score.contains(kind));
                let agrees = walked == decoded.is_ok() || lenient && walked;
                assert!(agrees, "{} {damaged:x?} at {index}: {decoded:?}", row.name);
                // If the end of a value is found at all, it is the same.
                let mut reader = Reader::new(&damaged, 0);
                if decoded.is_ok() {
                    assert!((row.skip)(&mut reader).is_ok() && reader.remaining() == 0, "{}", row.name);
                }
            }
            assert!(raw(row, family, &bytes[..index]).is_err());
        }
    }
    assert!(sound > 1000 && broken > 1000);
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_decoded_or_refused(
        type_code in 0..30_u8, bytes in prop::collection::vec(any::<u8>(), 0..100),
    ) {
        for family in [Family::Redis, Family::Valkey] {
            let raw = Raw { type_code, family, version: 12, payload: &bytes };
            let decoded = raw.decode().is_ok();
            let row = type_row(family, type_code);
            if row.is_none_or(|row| row.decode.is_none()) {
                prop_assert!(!decoded);
            } else if let Some(row) = row.filter(|_| decoded) {
                prop_assert!(is_sound(row, &bytes));
            }
        }
    }
}
