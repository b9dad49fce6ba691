//! For tests: the files of `testdata/rdb`, values as text, and random values.

use std::path::Path;

use proptest::collection::{btree_map, btree_set, vec};
use proptest::prelude::*;

use crate::value::{
    Bytes, ConsumerGroup, Field, FieldRef, Fields, Hash, Idempotence, List, PendingEntry, Set, SortedSet, Stream,
    StreamId, Value,
};

/// The RDB files of the corpus, and the logs that begin with one.
pub(super) fn corpus() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/rdb");
    let mut files: Vec<(String, Vec<u8>)> = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "rdb" || extension == "aof"))
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read(path).unwrap()))
        .collect();
    files.sort();
    assert!(files.len() > 30, "the test data is missing");
    files
}

/// A whole value as text, sorted if it has no order of its own.
pub(super) fn text(value: &Value<'_>) -> String {
    let sorted = |mut lines: Vec<String>| {
        lines.sort();
        lines.join(", ")
    };
    let quoted = |bytes: &[u8]| format!("\"{}\"", bytes.escape_ascii());
    match value {
        Value::String(string) => quoted(string),
        Value::List(list) => format!("list {}", list.iter().map(quoted).collect::<Vec<_>>().join(", ")),
        Value::Set(set) => format!("set {}", sorted(set.iter().map(quoted).collect())),
        Value::SortedSet(set) => {
            let lines = set.iter().map(|(member, score)| format!("{}={score:?}", quoted(member)));
            format!("sorted set {}", lines.collect::<Vec<_>>().join(", "))
        }
        Value::Hash(hash) => {
            let line = |(name, field): (&[u8], FieldRef<'_>)| {
                format!("{}={} until {:?}", quoted(name), quoted(field.value), field.expiry)
            };
            format!("hash {}", sorted(hash.iter().map(|(name, field)| line((name, field))).collect()))
        }
        Value::Stream(stream) => stream_text(stream),
        Value::VectorSet(set) => format!("vector set {:?}", set.elements().collect::<Vec<_>>()),
        Value::Raw(_) | Value::History(_) => panic!("not decoded"),
    }
}

fn stream_text(stream: &Stream<'_>) -> String {
    use std::fmt::Write;
    let mut text = format!(
        "stream last {} deleted {} added {}",
        stream.last_id(),
        stream.max_deleted_id(),
        stream.entries_added()
    );
    for (id, fields) in stream.entries() {
        write!(text, "\n{id} {fields:?}").unwrap();
    }
    for (name, group) in stream.groups() {
        let (last, read) = (group.last_delivered_id, group.entries_read);
        write!(text, "\ngroup {} last {last} read {read:?}", name.escape_ascii()).unwrap();
        for consumer in group.consumers() {
            let name = consumer.name().escape_ascii();
            write!(text, "\nconsumer {name} seen {} active {:?}", consumer.seen_time, consumer.active_time).unwrap();
            for id in consumer.pending() {
                let entry = group.pending_entry(id).unwrap();
                write!(text, "\n  {id} at {} times {}", entry.delivery_time, entry.delivery_count).unwrap();
            }
        }
    }
    if let Some(known) = stream.idempotence() {
        let counters = (known.duration, known.max_entries, known.ids_added, known.duplicates);
        write!(text, "\nidempotent ids {counters:?}").unwrap();
        for (name, producer) in known.producers() {
            write!(text, "\nproducer {}", name.escape_ascii()).unwrap();
            for (id, entry) in producer.ids() {
                write!(text, " {}={entry}", id.escape_ascii()).unwrap();
            }
        }
    }
    text
}

/// A string of each kind of encoding.
fn string() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => vec(any::<u8>(), 0..12),
        4 => any::<(i64, u8)>().prop_map(|(number, shift)| (number >> (shift % 64)).to_string().into_bytes()),
        2 => (55..75_usize).prop_map(|length| vec![b'x'; length]),
        1 => vec(any::<u8>(), 0..300),
        1 => prop_oneof![4090..4100_usize, 8180..8200_usize, 16_370..16_390_usize]
            .prop_map(|length| vec![b'l'; length]),
    ]
}

fn bytes() -> impl Strategy<Value = Bytes<'static>> {
    string().prop_map(Bytes::owned)
}

fn strings(most: usize) -> impl Strategy<Value = Vec<Vec<u8>>> {
    prop_oneof![4 => vec(string(), 1..12), 1 => vec(vec(any::<u8>(), 0..12), 1..most)]
}

fn score() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<i32>().prop_map(f64::from),
        any::<f64>().prop_filter("a score is a number", |score| !score.is_nan()),
        Just(f64::INFINITY),
        Just(f64::NEG_INFINITY),
        Just(1e20),
        Just(0.1),
    ]
}

/// A time at which a field of any server can expire.
fn field_expiry() -> impl Strategy<Value = Option<i64>> {
    prop_oneof![Just(None), (1..0x0000_ffff_ffff_fffe_i64).prop_map(Some), (1..100_i64).prop_map(Some)]
}

fn id() -> impl Strategy<Value = StreamId> {
    prop_oneof![
        4 => (0..40_u64, 0..4_u64).prop_map(|(milliseconds, sequence)| StreamId { milliseconds, sequence }),
        1 => any::<(u64, u64)>().prop_map(|(milliseconds, sequence)| StreamId { milliseconds, sequence }),
    ]
}

fn fields() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let usual = vec(string(), 2).prop_map(|values| {
        let pairs = [b"field", b"other"].into_iter().zip(values);
        pairs.flat_map(|(field, value)| [field.to_vec(), value]).collect()
    });
    prop_oneof![3 => usual, 1 => (1..4_usize).prop_flat_map(|pairs| vec(string(), 2 * pairs))]
}

type Pending = Vec<(StreamId, usize, i64, u64)>;
type Consumers = Vec<(Vec<u8>, i64, Option<i64>)>;
type Group = (StreamId, Option<u64>, Consumers, Pending);

fn group() -> impl Strategy<Value = Group> {
    let time = || prop_oneof![0..2_000_000_000_000_i64, Just(0)];
    let consumers = btree_map(string(), (time(), proptest::option::of(time())), 0..4);
    let consumers =
        consumers.prop_map(|map| map.into_iter().map(|(name, (seen, active))| (name, seen, active)).collect());
    let pending = vec((id(), any::<usize>(), time(), 0..300_u64), 0..10);
    (id(), proptest::option::of(0..300_u64), consumers, pending)
}

/// The producers of a stream: settings, and ids in the order in which they are added.
fn idempotence() -> impl Strategy<Value = Option<Idempotence<'static>>> {
    let ids = proptest::collection::vec((string(), string(), id()), 0..20);
    let all = (1..=Idempotence::MAX_DURATION, 1..=Idempotence::MAX_ENTRIES, ids, 0..99_u64);
    proptest::option::of(all.prop_map(|(duration, max_entries, ids, duplicates)| {
        let mut known = Idempotence::default();
        (known.duration, known.max_entries, known.duplicates) = (duration, max_entries, duplicates);
        for (producer, id, entry) in ids {
            known.add(Bytes::owned(producer), Bytes::owned(id), entry);
        }
        known
    }))
}

fn stream() -> impl Strategy<Value = Value<'static>> {
    let entries = prop_oneof![4 => btree_map(id(), fields(), 0..10), 1 => btree_map(id(), fields(), 0..150)];
    let groups = btree_map(string(), group(), 0..3);
    let all = (entries, id(), id(), 0..1000_u64, groups, idempotence());
    all.prop_map(|(entries, last, deleted, added, groups, known)| {
        let mut stream = Stream::default();
        for (id, fields) in entries.into_iter().filter(|(id, _)| *id > StreamId::default()) {
            assert!(stream.append(id, Fields::packed(fields.iter().map(Vec::as_slice))));
        }
        stream.set_last_id(last.max(stream.last_id()));
        stream.set_max_deleted_id(deleted);
        stream.set_entries_added(added);
        for (name, (last, read, consumers, pending)) in groups {
            let mut group = ConsumerGroup::new(last, read);
            let indexes: Vec<_> = consumers
                .into_iter()
                .map(|(name, seen, active)| group.add_consumer(Bytes::owned(name), seen, active).unwrap())
                .collect();
            for (id, consumer, delivery_time, delivery_count) in pending {
                if let Some(consumer) = indexes.get(consumer % indexes.len().max(1)).copied() {
                    group.set_pending(id, PendingEntry { consumer, delivery_time, delivery_count });
                }
            }
            stream.create_group(Bytes::owned(name), group);
        }
        if let Some(known) = known.filter(|known| *known != Idempotence::default()) {
            *stream.idempotence_mut() = known;
        }
        Value::Stream(Box::new(stream))
    })
}

/// A value of any type except raw ones, without empty collections.
pub(super) fn value() -> impl Strategy<Value = Value<'static>> {
    let list = strings(600).prop_map(|strings| {
        let mut list = List::default();
        for string in strings {
            list.push_back(Bytes::owned(string));
        }
        Value::List(list)
    });
    let members = prop_oneof![
        strings(600),
        btree_set(any::<i64>(), 1..600).prop_map(|set| set.into_iter().map(|n| n.to_string().into_bytes()).collect()),
    ];
    let set = members.prop_map(|strings| {
        let mut set = Set::default();
        for string in strings {
            set.insert(Bytes::owned(string));
        }
        Value::Set(set)
    });
    let scores = prop_oneof![4 => btree_map(string(), score(), 1..12), 1 => btree_map(string(), score(), 100..200)];
    let sorted_set = scores.prop_map(|members| {
        let mut set = SortedSet::default();
        for (member, score) in members {
            set.insert(Bytes::owned(member), score);
        }
        Value::SortedSet(set)
    });
    let field = || (bytes(), prop_oneof![2 => Just(None), 1 => field_expiry()]);
    let hash = prop_oneof![4 => btree_map(string(), field(), 1..12), 1 => btree_map(string(), field(), 500..600)];
    let hash = hash.prop_map(|fields| {
        let mut hash = Hash::default();
        for (name, (value, expiry)) in fields {
            hash.insert(Bytes::owned(name), Field { value, expiry });
        }
        Value::Hash(hash)
    });
    prop_oneof![bytes().prop_map(Value::String), list, set, sorted_set, hash, stream()]
}
