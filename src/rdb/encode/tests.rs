//! The walk and the decoder read back what was written.

use proptest::prelude::*;

use super::super::testing::{corpus, text, value};
use super::super::{Checksum, Item, LoadItem, Loader, Walker, dump};
use super::*;
use crate::server::redis;
use crate::value::{Bytes, Family, Raw};

const ORIGIN: Origin = Origin { created: 1_700_000_000, used_memory: 1 << 20, named: true };

/// Every release that can be a target.
fn targets() -> impl Iterator<Item = Release> {
    Release::ALL.into_iter().filter(|release| release.target() == *release)
}

fn written(target: Release, keys: &[(&[u8], &Value<'_>, Option<i64>)]) -> (Vec<u8>, Vec<Option<Lost>>) {
    let mut writer = Writer::new(Vec::new(), target, ORIGIN).unwrap();
    writer.keys().database(3, keys.len(), 1).unwrap();
    let lost = keys.iter().map(|(key, value, expiry)| writer.keys().key(key, value, *expiry).unwrap()).collect();
    let length = writer.len();
    let bytes = writer.finish().unwrap();
    assert_eq!(bytes.len() as u64, length + 9);
    (bytes, lost)
}

/// The decoded keys of an RDB, which must be sound.
fn read(bytes: &[u8]) -> Vec<(Vec<u8>, String, Option<i64>)> {
    let mut verified = false;
    for item in Walker::new(bytes, 0) {
        let item = item.unwrap();
        assert!(item.flaws().is_empty(), "{:?}", item.flaws());
        verified |= matches!(item, Item::End { checksum: Checksum::Verified(_) });
    }
    assert!(verified);
    let mut loader = Loader::new(bytes, 0);
    let keys: Vec<_> = loader
        .by_ref()
        .filter_map(|item| match item.unwrap() {
            LoadItem::Key(key) => {
                assert_eq!(key.damage, None);
                let text = match &key.value {
                    Value::Raw(raw) => text(&raw.decode().unwrap()),
                    value => text(value),
                };
                Some((key.key.to_vec(), text, key.expiry))
            }
            _ => None,
        })
        .collect();
    assert_eq!(loader.position(), bytes.len() as u64);
    keys
}

#[test]
fn the_first_fields_are_those_of_servers() {
    for target in targets() {
        let mut writer = Writer::new(Vec::new(), target, ORIGIN).unwrap();
        let lost = writer.function(b"#!lua name=lib\n").unwrap();
        assert_eq!(lost.is_some(), target == Release::Redis62);
        let bytes = writer.finish().unwrap();
        let items: Vec<Item<'_>> = Walker::new(&bytes, 0).map(Result::unwrap).collect();
        let Item::Header(header) = &items[0] else { panic!("no header") };
        assert_eq!((header.family, header.version), (target.rdb_family(), u32::from(target.rdb_version())));
        let aux: Vec<String> = items
            .iter()
            .filter_map(|item| match item {
                Item::Aux { key, value } => Some(format!("{}={}", key.escape_ascii(), value.escape_ascii())),
                _ => None,
            })
            .collect();
        assert_eq!(&aux[1..4], ["redis-bits=64", "ctime=1700000000", "used-mem=1048576"]);
        assert_eq!(aux[4], if target == Release::Redis62 { "aof-preamble=1" } else { "aof-base=1" });
        let functions = items.iter().filter(|item| matches!(item, Item::Function { .. })).count();
        assert_eq!(functions, usize::from(lost.is_none()));
    }
}

#[test]
fn raw_values_that_the_target_reads_are_copied_and_others_are_encoded() {
    for (name, bytes) in corpus() {
        for target in targets() {
            let mut expected = Vec::new();
            let mut writer = Writer::new(Vec::new(), target, ORIGIN).unwrap();
            for item in Loader::new(&bytes, 0) {
                match item.unwrap() {
                    LoadItem::Key(key) => {
                        let lost = writer.keys().key(&key.key, &key.value, key.expiry).unwrap();
                        assert!(lost.as_ref().is_none_or(|lost| !lost.is_whole_key()), "{name}: {lost:?}");
                        let Value::Raw(raw) = key.value else { continue };
                        let row = super::super::type_row(raw.family, raw.type_code).unwrap();
                        assert!(lost.is_none() || !row.since.includes(target));
                        if lost.is_none() && row.decode.is_some() {
                            expected.push((key.key.to_vec(), text(&raw.decode().unwrap()), key.expiry));
                        }
                    }
                    LoadItem::ModuleAux { module, when, data } => writer.module_aux(module, when, data).unwrap(),
                    _ => {}
                }
            }
            let out = writer.finish().unwrap();
            let read: std::collections::BTreeMap<_, _> = Loader::new(&out, 0)
                .filter_map(|item| match item.unwrap() {
                    LoadItem::Key(key) => Some((key.key.to_vec(), key)),
                    _ => None,
                })
                .collect();
            for (key, value, expiry) in expected {
                let found = &read[&key];
                let Value::Raw(raw) = &found.value else { panic!("{name}: decoded already") };
                let row = super::super::type_row(raw.family, raw.type_code).unwrap();
                assert!(row.since.includes(target));
                assert_eq!((text(&raw.decode().unwrap()), found.expiry), (value, expiry), "{name} {target:?}");
            }
        }
    }
}

#[test]
fn what_no_target_can_hold_is_said_and_left_out() {
    let unknown = Value::Raw(Box::new(Raw { type_code: 99, family: Family::Redis, version: 14, payload: b"\x00" }));
    let broken = Value::Raw(Box::new(Raw { type_code: 24, family: Family::Redis, version: 12, payload: b"\x00" }));
    let history = Value::History(Box::default());
    let string = Value::String(Bytes::borrowed(b"v"));
    let keys: [(&[u8], &Value<'_>, Option<i64>); 4] = [
        (b"unknown", &unknown, None),
        (b"broken", &broken, Some(1)),
        (b"history", &history, None),
        (b"k", &string, Some(5)),
    ];
    let (bytes, lost) = written(Release::Redis70, &keys);
    assert_eq!(lost[0], Some(Lost::Value(DecodeFault::Opaque { type_code: 99 })));
    assert!(matches!(lost[1], Some(Lost::Value(DecodeFault::Damaged { .. }))));
    assert_eq!(lost[2], Some(Lost::History));
    assert_eq!(lost[3], None);
    assert_eq!(read(&bytes), [(b"k".to_vec(), "\"v\"".to_owned(), Some(5))]);
}

#[test]
fn a_writer_that_fails_is_heard() {
    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut writer = Writer::new(Full, Release::Redis80, ORIGIN).unwrap();
    let value = Value::String(Bytes::owned(vec![b'x'; 1 << 20]));
    assert!(writer.keys().key(b"k", &value, None).is_err());
    assert!(Writer::new(Full, Release::Redis80, ORIGIN).unwrap().finish().is_err());
}

proptest! {
    #![proptest_config(crate::testing::cases(16))]

    #[test]
    fn values_are_written_and_read_alike_for_every_target(
        value in value(), expiry in proptest::option::of(any::<i64>()),
    ) {
        let whole = text(&value);
        for target in targets() {
            let (bytes, lost) = written(target, &[(b"12", &value, expiry), (b"key", &value, None)]);
            prop_assert_eq!(&lost[0], &lost[1]);
            let read = read(&bytes);
            prop_assert_eq!((read[0].0.as_slice(), read[0].2), (&b"12"[..], expiry));
            prop_assert_eq!((read[1].0.as_slice(), read[1].2), (&b"key"[..], None));
            let has_producers = matches!(&value, Value::Stream(stream) if stream.idempotence().is_some());
            let needed = if has_producers { redis(8, 6) } else { redis(7, 4).valkey(9, 0) };
            prop_assert!(lost[0].is_none() || !needed.includes(target), "{:?}", lost[0]);
            if lost[0].is_none() {
                prop_assert_eq!(&read[0].1, &whole);
            }
            prop_assert_eq!(&read[0].1, &read[1].1);
            // The same holds for the payload.
            let (payload, lost_there) = dump::write(&value, target).unwrap();
            prop_assert_eq!(&lost_there, &lost[0]);
            let raw = dump::parse(&payload).unwrap();
            prop_assert_eq!(&text(&raw.decode().unwrap()), &read[0].1);
        }
    }
}
