use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use super::super::Salvage;
use super::*;
use crate::rdb::{Origin, Writer, is_rdb};
use crate::server::{redis, valkey};
use crate::testing::random::Random;
use crate::value::{Bytes, Field, Hash, List, Set, SortedSet, Value};

impl RdbSalvage {
    fn edits(&self) -> Vec<Edit> {
        let whole = Salvage { gaps: self.gaps.clone(), checksum: self.checksum.clone(), ..Salvage::default() };
        whole.edits()
    }
}

/// The part as it is after the edits.
fn edited(bytes: &[u8], salvage: &RdbSalvage) -> Vec<u8> {
    let mut out = Vec::new();
    write_edited(bytes, &salvage.edits(), &mut out).unwrap();
    out
}

/// An entry of a sound RDB: its key, its bytes, where it is, and its database.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Known {
    key: Vec<u8>,
    bytes: Vec<u8>,
    range: Range<usize>,
    database: u64,
}

/// The entries of an RDB that must be sound, and where it ends.
#[track_caller]
fn entries(bytes: &[u8]) -> (Vec<Known>, usize) {
    let mut walker = Walker::new(bytes, 0);
    let mut all = Vec::new();
    while let Some(item) = walker.next() {
        match item.unwrap_or_else(|damage| panic!("{damage:?}")) {
            Item::Entry(entry) => {
                let range = index(entry.offset)..index(entry.offset + entry.length);
                let (key, bytes) = (entry.key.into_owned(), bytes[range.clone()].to_vec());
                all.push(Known { key, bytes, range, database: entry.database });
            }
            Item::End { .. } => return (all, index(Walker::position(&walker))),
            _ => {}
        }
    }
    panic!("no end");
}

/// A value of any type but streams and those of modules.
fn value(random: &mut Random) -> Value<'static> {
    let string = |random: &mut Random| match random.below(5) {
        0 => random.below(1000_u32).to_string().into_bytes(),
        1 => Vec::new(),
        2 => (0..random.below(40)).map(|_| random.below(u8::MAX)).collect(),
        3 => b"abcabcabd".repeat(1 + random.below(40)),
        _ => random.text(b"abcdefgh ", 60),
    };
    let count = if random.one_in(12) { 520 } else { 1 + random.below(12) };
    match random.below(8) {
        0 => {
            let mut list = List::default();
            (0..count).for_each(|_| list.push_back(Bytes::owned(string(random))));
            Value::List(list)
        }
        1 => {
            let mut set = Set::default();
            for _ in 0..count {
                set.insert(Bytes::owned(string(random)));
            }
            Value::Set(set)
        }
        2 => {
            let mut hash = Hash::default();
            for index in 0..count {
                let value = if random.one_in(3) { b"0".to_vec() } else { string(random) };
                hash.insert(
                    Bytes::owned(format!("f{index}").into()),
                    Field { value: Bytes::owned(value), expiry: None },
                );
            }
            Value::Hash(hash)
        }
        3 => {
            let mut set = SortedSet::default();
            (0..count).for_each(|index| {
                set.insert(Bytes::owned(format!("m{index}").into()), f64::from(random.below(100_u8)));
            });
            Value::SortedSet(set)
        }
        _ => Value::String(Bytes::owned(string(random))),
    }
}

/// An RDB with many keys in two databases.
fn made(target: crate::server::Release, keys: usize, random: &mut Random) -> Vec<u8> {
    let origin = Origin { created: 1_700_000_000, used_memory: 1, named: true };
    let mut writer = Writer::new(Vec::new(), target, origin).unwrap();
    for (database, keys) in [(0, keys), (3, keys / 4)] {
        writer.keys().database(database, keys, 0).unwrap();
        for number in 0..keys {
            let expiry = random.one_in(6).then(|| 1_900_000_000_000 + random.below(1_000_000_i64));
            let key = format!("key:{}:{number}", random.below(100));
            writer.keys().key(key.as_bytes(), &value(random), expiry).unwrap();
        }
    }
    writer.finish().unwrap()
}

/// Real RDBs of every server, and larger ones.
fn bases() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/rdb");
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let files = paths.iter().filter(|path| path.is_file()).map(|path| std::fs::read(path).unwrap());
    let mut all: Vec<Vec<u8>> = files.filter(|file| is_rdb(file) && file.len() > 9000).collect();
    assert!(all.len() > 10, "the test data is missing");
    let mut random = Random(5);
    for target in [redis(6, 2), redis(7, 0), redis(8, 0), redis(8, 6), valkey(9, 0)] {
        let target = crate::server::Release::ALL.into_iter().find(|release| target.includes(*release)).unwrap();
        all.push(made(target, 250, &mut random));
    }
    all
}

/// The bytes after damage, the stretch of the original that it concerns, and the bytes that are there instead.
fn damage(base: &[u8], random: &mut Random, kind: usize) -> (Vec<u8>, Range<usize>, usize) {
    let most = [4, 64, 1500][random.below(3)].min(base.len() / 8);
    let length = 1 + random.below(most);
    let start = 9 + random.below(base.len() - length - 9);
    let stretch = start..start + length;
    let mut out = base.to_vec();
    let noise = |random: &mut Random| (0..length).map(|_| random.next().to_le_bytes()[0]).collect::<Vec<u8>>();
    match kind {
        0 => drop(out.splice(stretch.clone(), noise(random))),
        1 => out[stretch.clone()].fill(0),
        2 => drop(out.drain(stretch.clone())),
        3 => drop(out.splice(stretch.end..stretch.end, base[stretch.clone()].iter().copied())),
        4 => drop(out.splice(start..start, noise(random))),
        5 => out[start] ^= 1 << random.below(8),
        _ => {
            let from = random.below(base.len() - length);
            out[stretch.clone()].copy_from_slice(&base[from..from + length]);
        }
    }
    match kind {
        2 => (out, stretch, 0),
        3 => (out, stretch.end..stretch.end, length),
        4 => (out, start..start, length),
        5 => (out, start..start + 1, 1),
        _ => (out, stretch, length),
    }
}

/// Where a byte of the result is from; `None` if it was put in.
fn origin(salvage: &RdbSalvage, at: usize) -> Option<usize> {
    let (mut from, mut written) = (0, 0);
    for edit in salvage.edits() {
        let (start, end) = (index(edit.range.start), index(edit.range.end));
        if at < written + (start - from) {
            return Some(from + at - written);
        }
        written += start - from;
        if at < written + edit.inserted.len() {
            return None;
        }
        written += edit.inserted.len();
        from = end;
    }
    Some(from + at - written)
}

/// Whether the checksum told what is wrong.
fn is_exact(gap: &Gap) -> bool {
    match &gap.causes[..] {
        [Cause::Repeated { .. }] => gap.lost.is_empty(),
        causes => causes
            .iter()
            .all(|cause| matches!(cause, Cause::WrongByte { .. } | Cause::Inserted(_) | Cause::Missing { .. })),
    }
}

#[test]
fn entries_around_damage_are_kept_and_none_is_invented() {
    let bases = bases();
    let mut random = Random(11);
    let (mut after, mut after_kept, mut mended, mut failed, mut invented) = (0, 0, 0, String::new(), 0);
    let rounds = std::env::var("AOFKIT_ROUNDS").ok().map_or(500, |rounds| rounds.parse().unwrap());
    for round in 0..rounds {
        let base = &bases[round % bases.len()];
        let kind = round / bases.len() % 7;
        let (original, _) = entries(base);
        let (damaged, stretch, instead) = damage(base, &mut random, kind);
        if damaged == *base {
            continue;
        }
        let salvage = salvage_rdb(&damaged).unwrap();
        let result = edited(&damaged, &salvage);
        let (found, _) = entries(&result);
        assert_eq!(found.len() as u64, salvage.entries, "round {round}");
        if salvage.gaps.iter().any(is_exact) {
            mended += 1;
            assert_eq!(result, *base, "round {round}");
            continue;
        }
        let mut held: BTreeMap<&[u8], &Known> = found.iter().map(|known| (&known.bytes[..], known)).collect();
        for known in &original {
            let is_before = known.range.end <= stretch.start;
            let is_after = known.range.start >= stretch.end;
            let is_kept = held.remove(&known.bytes[..]).is_some();
            if is_before && !is_kept {
                let key = known.key.escape_ascii();
                writeln!(failed, "round {round} kind {kind} {stretch:?}: lost {key} {:?} before", known.range).unwrap();
            }
            if is_after {
                after += 1;
                after_kept += usize::from(is_kept);
            }
        }
        // What is left has damaged bytes in a string: where its length has not changed, nothing tells.
        for known in held.into_values() {
            let from = origin(&salvage, known.range.start).unwrap();
            let to = origin(&salvage, known.range.end - 1).unwrap();
            if from > stretch.start + instead || to + 1 < stretch.start {
                invented += 1;
                writeln!(failed, "round {round} kind {kind} {stretch:?}: invented {} {from}", known.key.escape_ascii())
                    .unwrap();
            }
        }
    }
    assert!(failed.is_empty(), "{invented} invented\n{failed}");
    assert!(after_kept * 100 >= after * 95, "{after_kept} of {after}");
    assert!(mended * 3 > rounds, "{mended} of {rounds}");
}

/// What is left of an RDB is sound, and needs no second salvage.
#[track_caller]
fn assert_mended(damaged: &[u8]) {
    let Ok(salvage) = salvage_rdb(damaged) else { return };
    let result = edited(damaged, &salvage);
    let end = index(crate::aof::Reader::after_preamble(&result).unwrap().position());
    let kept = result.get(..end).unwrap();
    assert_eq!(salvage_rdb(kept).unwrap().entries, salvage.entries);
}

#[test]
fn whatever_the_bytes_are_what_is_left_is_sound() {
    let base = made(crate::server::Release::ALL[0], 40, &mut Random(3));
    let mut random = Random(4);
    for round in 0..150 {
        let mut damaged = base.clone();
        for _ in 0..=random.below(12_usize) {
            if damaged.len() < 200 {
                break;
            }
            let at = 9 + random.below(damaged.len() - 80);
            let length = 1 + random.below(60_usize);
            match round % 4 {
                0 => damaged[at..at + length].iter_mut().for_each(|byte| *byte = random.next().to_le_bytes()[0]),
                1 => drop(damaged.drain(at..at + length)),
                2 => damaged[at..at + length].fill(0xff),
                _ => damaged.truncate(at + length),
            }
        }
        assert_mended(&damaged);
    }
}

#[test]
fn bytes_at_which_any_entry_can_begin_are_read_only_so_often() {
    for pattern in [&b"\x02\x01\x02\x7f"[..], b"\xff12345678*1000000\r\n", b"\x0e\x01a\x05", b"\xfc\0", b"\0\x01a\x01b"]
    {
        let body = pattern.iter().copied().cycle().take(1 << 16);
        assert_mended(&b"REDIS0009\xfe\x00\xfb\x01\x00\x1f".iter().copied().chain(body).collect::<Vec<u8>>());
    }
    let mut damaged = made(crate::server::Release::ALL[0], 40, &mut Random(3));
    damaged[400] = 0x1f;
    let header = chain::header(&damaged).unwrap();
    let found = |budget| {
        let file = File { bytes: &damaged, header, has_records: true };
        let mut reading = Reading { budget, ..Reading::new(file) };
        let found = reading.skip(400, None).is_some();
        (found, reading.budget)
    };
    assert_eq!(found(0), (false, 0));
    let (is_found, left) = found(1 << 20);
    assert!(is_found && left < 1 << 20, "{left}");
}
