//! The walk over whole files: those of `testdata/rdb`, cut and damaged.

use std::collections::BTreeSet;
use std::path::Path;

use super::testing::corpus;
use super::*;
use crate::testing::damage::damaged_rdb;
use crate::testing::random::Random;

/// Whether a file of the corpus is an RDB and nothing else.
fn is_bare(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|extension| extension == "rdb")
}

/// What a walk to the end found.
#[derive(Debug, Default)]
struct Walked {
    items: usize,
    flaws: Vec<Flaw>,
    damage: Option<Damage>,
    checksum: Option<Checksum>,
    end: u64,
    types: BTreeSet<&'static str>,
}

/// Walks to the end, and checks what must hold whatever the bytes are.
fn walk(bytes: &[u8]) -> Walked {
    let mut walker = Walker::new(bytes, 0);
    let mut found = Walked::default();
    let mut before = 0;
    while let Some(item) = walker.next() {
        let (start, end) = (walker.item_offset(), walker.position());
        assert!(before <= end && end <= bytes.len() as u64);
        match item {
            Ok(item) => {
                assert!(before <= start && start < end);
                found.items += 1;
                for flaw in item.flaws() {
                    assert!(start <= flaw.damage.offset && flaw.damage.offset < end, "{flaw:?}");
                    assert!(flaw.damage.offset <= flaw.damage.position && flaw.damage.position <= end, "{flaw:?}");
                    found.flaws.push(flaw.clone());
                }
                if let Item::Entry(entry) = &item {
                    assert_eq!((entry.offset, entry.offset + entry.length), (start, end));
                    assert_eq!(entry.value_offset + entry.value.len() as u64, end);
                    assert!(start < entry.key_offset && entry.key_offset < entry.value_offset);
                    found.types.insert(entry.kind.name);
                }
                if let Item::End { checksum } = item {
                    found.checksum = Some(checksum);
                }
            }
            Err(damage) => {
                assert!(damage.offset <= bytes.len() as u64 && damage.position <= bytes.len() as u64, "{damage:?}");
                found.damage = Some(damage);
            }
        }
        before = end;
    }
    assert!(walker.next().is_none());
    assert!(found.checksum.is_some() != found.damage.is_some());
    found.end = walker.position();
    found
}

#[test]
fn every_file_of_the_corpus_is_sound_to_its_end() {
    for (name, bytes) in corpus() {
        let walked = walk(&bytes);
        assert_eq!(walked.damage, None, "{name}");
        assert!(walked.flaws.is_empty(), "{name}: {:?}", walked.flaws);
        if is_bare(&name) {
            assert_eq!(walked.end, bytes.len() as u64, "{name}");
        } else {
            assert!(bytes[usize::try_from(walked.end).unwrap()..].starts_with(b"*2\r\n$6\r\nSELECT"), "{name}");
        }
        let disabled = name.contains("uncompressed");
        match walked.checksum.unwrap() {
            Checksum::Absent => assert!(name.starts_with("crafted-1.") || name.starts_with("crafted-2-"), "{name}"),
            Checksum::Disabled => assert!(disabled, "{name}"),
            Checksum::Verified(_) => assert!(!disabled, "{name}"),
        }
    }
}

#[test]
fn every_type_of_the_table_occurs_in_the_corpus() {
    let mut seen = BTreeSet::new();
    for (_, bytes) in corpus() {
        seen.extend(walk(&bytes).types);
    }
    let rows: BTreeSet<&str> = TYPES.iter().map(|row| row.name).collect();
    assert_eq!(seen, rows);
}

#[test]
fn every_row_is_found_by_its_number_and_magic() {
    for row in &TYPES {
        for family in [Family::Redis, Family::Valkey] {
            let found = type_row(family, row.number);
            if row.family.is_none_or(|only| only == family) {
                assert_eq!(found, Some(row));
            } else {
                assert_ne!(found, Some(row));
            }
        }
    }
    for family in [Family::Redis, Family::Valkey] {
        let found = (0..=255).filter(|number| type_row(family, *number).is_some()).count();
        assert_eq!(found, TYPES.iter().filter(|row| row.family.is_none_or(|only| only == family)).count());
    }
    for number in 0..=255 {
        for (family, version) in [(Family::Redis, 12), (Family::Redis, 13), (Family::Valkey, 80)] {
            let opcode = Opcode::of(Header { family, version, padded: true }, number);
            assert!(type_row(family, number).is_none() || opcode.is_none());
            assert!(opcode.is_none_or(|opcode| opcode.number() == number));
            assert_eq!(opcode.is_some(), number > 243 && number != 246 || number == 243 && version > 12);
        }
    }
}

#[test]
fn every_truncation_ends_in_missing_bytes() {
    for (name, bytes) in corpus() {
        let whole = usize::try_from(walk(&bytes).end).unwrap();
        for length in (0..whole.min(3000)).chain((3000..whole).step_by(97)) {
            let damage = walk(&bytes[..length]).damage;
            let Some(Damage { kind: DamageKind::Truncated { missing }, offset, position, .. }) = damage else {
                panic!("{name} cut to {length}: {damage:?}");
            };
            assert!(missing > 0 && offset == length as u64 && position <= offset, "{name} cut to {length}");
        }
    }
}

#[test]
fn damage_never_breaks_the_walk() {
    let mut random = Random(7);
    for (_, bytes) in corpus() {
        for _ in 0..200 {
            let mut bytes = damaged_rdb(&bytes, &mut random);
            if random.below(3) == 0 && bytes.len() > 30 {
                bytes = damaged_rdb(&bytes, &mut random);
            }
            walk(&bytes);
        }
    }
}

#[test]
fn a_flipped_bit_is_found_by_the_checksum_at_the_latest() {
    for (name, bytes) in corpus() {
        if !matches!(walk(&bytes).checksum, Some(Checksum::Verified(_))) || !is_bare(&name) {
            continue;
        }
        for at in (9..bytes.len()).step_by(61) {
            let mut bytes = bytes.clone();
            bytes[at] ^= 0x10;
            assert!(walk(&bytes).damage.is_some(), "{name}: byte {at}");
        }
    }
}
