//! Keyspace → the 40 hex digits that `DEBUG DIGEST` prints.
//!
//! The digest of a key is built from SHA-1: what has an order is mixed in (`digest = SHA1(digest ^ SHA1(data))`), what
//! has none is xored. The rules are those of `debug.c` in Redis 6.2, 7.0, 8.0 and Valkey 9.1.

use std::collections::BTreeMap;
use std::fmt;

use sha1::{Digest as _, Sha1};

use crate::keyspace::{Entry, Keyspace, Shard};
use crate::rdb::DecodeFault;
use crate::resp;
use crate::server::Server;
use crate::value::score::{format_score_17, format_score_digest};
use crate::value::{Hash, History, Idempotence, SortedSet, Stream, Value, VectorSet};

/// Twenty bytes, printed as 40 hex digits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Digest(pub [u8; 20]);

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl Digest {
    fn xor(&mut self, other: &[u8; 20]) {
        for (byte, other) in self.0.iter_mut().zip(other) {
            *byte ^= other;
        }
    }

    /// Takes in data whose order does not count.
    fn add(&mut self, data: &[u8]) {
        self.xor(&Sha1::digest(data).into());
    }

    /// Takes in data whose order counts.
    fn mix(&mut self, data: &[u8]) {
        self.add(data);
        self.0 = Sha1::digest(self.0).into();
    }
}

/// Why there is no digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Undigestible {
    /// A module alone computes the digest of its values.
    #[error("the value of a module, whose digest that module alone computes")]
    Module,
    /// The value is damaged in the RDB.
    #[error("a value that is damaged in the RDB")]
    Damaged,
}

/// A key without a digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exception {
    /// Its database.
    pub database: u32,
    /// The key.
    pub key: Vec<u8>,
    /// Why.
    pub why: Undigestible,
}

/// What was computed over a keyspace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Total {
    /// The digest; exceptions count with their key and expiry alone.
    pub digest: Digest,
    /// How many keys it covers.
    pub keys: u64,
    /// The first keys without a digest, in the order of databases.
    pub exceptions: Vec<Exception>,
}

/// Exceptions that are named, for each shard and database.
const EXCEPTIONS: usize = 10;

/// The digest of all keys that `wanted` takes, as `server` computes it; one thread for each shard.
pub fn digest(
    keyspace: &Keyspace<'_>,
    server: Server,
    now: i64,
    wanted: &(dyn Fn(u32, &[u8]) -> bool + Sync),
) -> Total {
    Context { server, now, wanted, depth: Depth::AsServer }.total(keyspace)
}

/// A digest of all that a log can say of the keys that `wanted` takes: also when keys and fields expire, the counters,
/// groups and pending entries of streams, and values that only modules know. It compares what this crate read, and
/// nothing else.
pub fn fingerprint(keyspace: &Keyspace<'_>, wanted: &(dyn Fn(u32, &[u8]) -> bool + Sync)) -> Total {
    Context { server: Server::default(), now: 0, wanted, depth: Depth::Everything }.total(keyspace)
}

/// How much a digest covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Depth {
    /// What `DEBUG DIGEST` covers.
    AsServer,
    /// All there is.
    Everything,
}

/// The digest of one value, as `DEBUG DIGEST-VALUE` prints it on `server`; `now` is the time in milliseconds of Unix
/// time.
///
/// # Errors
/// [`Undigestible`].
pub fn digest_value(entry: Entry<'_, '_>, server: Server, now: i64) -> Result<Digest, Undigestible> {
    let mut digest = Digest::default();
    Context { server, now, wanted: &|_, _| true, depth: Depth::AsServer }.value(&mut digest, entry)?;
    Ok(digest)
}

#[derive(Clone, Copy)]
struct Context<'c> {
    server: Server,
    now: i64,
    wanted: &'c (dyn Fn(u32, &[u8]) -> bool + Sync),
    depth: Depth,
}

impl Context<'_> {
    /// The digest of all wanted keys; one thread for each shard.
    fn total(&self, keyspace: &Keyspace<'_>) -> Total {
        let partial = keyspace.for_each_shard(|shard| self.databases(shard)).into_iter().flatten();
        let mut databases: BTreeMap<u32, Total> = BTreeMap::new();
        for (number, part) in partial {
            let total = databases.entry(number).or_default();
            total.digest.xor(&part.digest.0);
            total.keys += part.keys;
            total.exceptions.extend(part.exceptions);
        }
        let mut whole = Total::default();
        for (number, total) in databases {
            if total.keys > 0 {
                whole.digest.mix(&number.to_be_bytes());
                whole.digest.xor(&total.digest.0);
                whole.keys += total.keys;
                whole.exceptions.extend(total.exceptions);
            }
        }
        whole
    }

    /// The keys' digests, xored, for each database.
    fn databases(&self, shard: &Shard<'_>) -> Vec<(u32, Total)> {
        shard
            .databases()
            .map(|(number, database)| {
                let mut total = Total::default();
                for entry in database.iter().filter(|entry| (self.wanted)(number, &entry.key)) {
                    let mut digest = Digest::default();
                    digest.mix(&entry.key);
                    if let Err(why) = self.value(&mut digest, entry)
                        && total.exceptions.len() < EXCEPTIONS
                    {
                        total.exceptions.push(Exception { database: number, key: entry.key.to_vec(), why });
                    }
                    total.digest.add(&digest.0);
                    total.keys += 1;
                }
                (number, total)
            })
            .collect()
    }

    /// Takes in a key's value and expiry.
    fn value(&self, digest: &mut Digest, entry: Entry<'_, '_>) -> Result<(), Undigestible> {
        let result = match &entry.value {
            Value::Raw(raw) => match raw.decode() {
                Ok(value) => self.decoded(digest, &value),
                Err(DecodeFault::Opaque { .. }) if self.depth == Depth::Everything => {
                    digest.mix(&[raw.type_code]);
                    digest.mix(raw.payload);
                    Ok(())
                }
                Err(DecodeFault::Opaque { .. }) => Err(Undigestible::Module),
                Err(_) => Err(Undigestible::Damaged),
            },
            Value::History(history) if self.depth == Depth::Everything => self.history(digest, history),
            value => self.decoded(digest, value),
        };
        match (entry.expiry(), self.depth) {
            (None, _) => {}
            (Some(_), Depth::AsServer) => digest.add(b"!!expire!!"),
            (Some(expiry), Depth::Everything) => digest.mix(&expiry.to_be_bytes()),
        }
        result
    }

    /// Takes in a value; the number is that of its type in the servers (`OBJ_STRING` …).
    fn decoded(&self, digest: &mut Digest, value: &Value<'_>) -> Result<(), Undigestible> {
        let mut kind = |number: u32| digest.mix(&number.to_be_bytes());
        match value {
            Value::String(string) => {
                kind(0);
                digest.mix(string);
            }
            Value::List(list) => {
                kind(1);
                list.iter().for_each(|element| digest.mix(element));
            }
            Value::Set(set) => {
                kind(2);
                set.iter().for_each(|member| digest.add(member));
            }
            Value::SortedSet(sorted_set) => {
                kind(3);
                self.sorted_set(digest, sorted_set);
            }
            Value::Hash(hash) => {
                kind(4);
                self.hash(digest, hash);
            }
            Value::Stream(stream) => {
                kind(6);
                stream_entries(digest, stream);
                if self.depth == Depth::Everything {
                    stream_groups(digest, stream);
                }
            }
            Value::VectorSet(set) => {
                kind(5);
                self.vector_set(digest, set);
            }
            Value::Raw(_) | Value::History(_) => return Err(Undigestible::Module),
        }
        Ok(())
    }

    /// Takes in a vector set as its module does (`VectorSetDigest`); the server adds what comes of it.
    fn vector_set(&self, digest: &mut Digest, set: &VectorSet<'_>) {
        let (mut all, mut sequence) = (Digest::default(), Digest::default());
        sequence.mix(itoa::Buffer::new().format(set.len()).as_bytes());
        sequence.mix(itoa::Buffer::new().format(set.shape.dimension).as_bytes());
        all.add(&sequence.0);
        for (name, element) in set.elements() {
            let mut sequence = Digest::default();
            sequence.mix(&set.kept_vector(element));
            sequence.mix(name);
            if let Some(attribute) = &element.attribute {
                sequence.mix(attribute);
            }
            all.add(&sequence.0);
        }
        digest.add(&all.0);
        if self.depth == Depth::Everything {
            digest.mix(&[set.shape.quantization.number().to_le_bytes(), set.shape.links.to_le_bytes()].concat());
        }
    }

    /// Takes in the commands that a value is known by, but for the key in them, which may have another name by now.
    fn history(&self, digest: &mut Digest, history: &History<'_>) -> Result<(), Undigestible> {
        match &history.base {
            Some(Value::Raw(raw)) => digest.mix(raw.payload),
            Some(base) => self.decoded(digest, base)?,
            None => {}
        }
        for record in &history.records {
            let mut arguments: Vec<&[u8]> = Vec::new();
            // They were read before they were kept.
            let _ = resp::parse(record, 0, &mut arguments);
            for (_, argument) in arguments.iter().enumerate().filter(|(index, _)| *index != 1) {
                digest.mix(argument);
            }
        }
        Ok(())
    }

    fn sorted_set(&self, digest: &mut Digest, sorted_set: &SortedSet<'_>) {
        let mut text = Vec::new();
        for (member, score) in sorted_set.unordered() {
            text.clear();
            if self.server.digests_17_digits() {
                format_score_17(score, &mut text);
            } else {
                format_score_digest(score, &mut text);
            }
            let mut element = Digest::default();
            element.mix(member.as_slice());
            element.mix(&text);
            digest.add(&element.0);
        }
    }

    fn hash(&self, digest: &mut Digest, hash: &Hash<'_>) {
        for (field, value) in hash.iter() {
            if self.server.digest_skips_expired_fields() && value.expiry.is_some_and(|expiry| expiry <= self.now) {
                continue;
            }
            let mut element = Digest::default();
            element.mix(field);
            element.mix(value.value);
            match (value.expiry, self.depth) {
                (Some(expiry), Depth::Everything) => element.mix(&expiry.to_be_bytes()),
                (Some(_), Depth::AsServer) if self.server.digest_marks_expiring_fields() => element.add(b"!!hexpire!!"),
                _ => {}
            }
            digest.add(&element.0);
        }
    }
}

fn stream_entries(digest: &mut Digest, stream: &Stream<'_>) {
    for (id, fields) in stream.entries() {
        digest.mix(format!("{}.{}", id.milliseconds, id.sequence).as_bytes());
        for (field, value) in fields.iter() {
            digest.mix(field);
            digest.mix(value);
        }
    }
}

/// What a stream has beside its entries.
fn stream_groups(digest: &mut Digest, stream: &Stream<'_>) {
    for id in [stream.last_id(), stream.max_deleted_id()] {
        digest.mix(id.to_string().as_bytes());
    }
    digest.mix(&stream.entries_added().to_be_bytes());
    for (name, group) in stream.groups() {
        digest.mix(name);
        digest.mix(group.last_delivered_id.to_string().as_bytes());
        digest.mix(format!("{:?}", group.entries_read).as_bytes());
        for consumer in group.consumers() {
            digest.mix(consumer.name());
        }
        for (id, pending) in group.pending() {
            digest.mix(id.to_string().as_bytes());
            digest.mix(group.consumer_at(pending.consumer).map_or(b"", |consumer| consumer.name()));
            digest.mix(format!("{} {}", pending.delivery_time, pending.delivery_count).as_bytes());
        }
    }
    if let Some(idempotence) = stream.idempotence() {
        idempotent_ids(digest, stream, idempotence);
    }
}

/// The settings and producers of a stream, without the ids whose entry is gone: no command makes them, and a server
/// leaves them out when it rewrites its log, too.
fn idempotent_ids(digest: &mut Digest, stream: &Stream<'_>, idempotence: &Idempotence<'_>) {
    if !idempotence.has_default_settings() {
        digest.mix(format!("{} {}", idempotence.duration, idempotence.max_entries).as_bytes());
    }
    for (name, producer) in idempotence.producers() {
        for (id, entry) in producer.ids().filter(|(_, entry)| stream.log().get(*entry).is_some()) {
            digest.mix(name);
            digest.mix(id);
            digest.mix(entry.to_string().as_bytes());
        }
    }
}
