//! One key → the commands that make it: at most as many, and as many bytes, as `BGREWRITEAOF` of the target writes
//! (`aof.c`).
//!
//! Every command names one key, as those of servers do, so that a log can be divided by key and sent to a cluster.
//! `MSET` would be shorter and is not used for that reason.

use super::emitter::Emitter;
use super::stream;
use super::target::{FUNCTIONS_AND_COUNTERS, HSETEX, VECTOR_SETS, last_field_expiry};
use crate::keyspace::{Entry, Keyspace};
use crate::rdb::{self, DecodeFault};
use crate::resp;
use crate::value::score::format_score_compact;
use crate::value::{Element, Hash, History, Quantization, Raw, Shape, SortedSet, Value, Vector, VectorSet};

/// The length of the longest member of a sorted set in a listpack (`zset-max-listpack-value`).
const LONGEST_PACKED_MEMBER: usize = 64;

impl Emitter<'_> {
    /// The function libraries, which come before all keys.
    pub(super) fn functions(&mut self, keyspace: &Keyspace<'_>) {
        if !self.target_has(FUNCTIONS_AND_COUNTERS) {
            self.written.lost.functions += keyspace.functions().len() as u64;
            return;
        }
        for code in keyspace.functions().values() {
            self.command("FUNCTION", 3);
            self.bulk(b"LOAD");
            self.bulk(code);
            self.written.functions += 1;
        }
    }

    pub(super) fn select(&mut self, database: u32) {
        self.command("SELECT", 2);
        self.number(database);
    }

    /// A key, its value and its expiry.
    pub(super) fn entry(&mut self, entry: Entry<'_, '_>) {
        if self.cannot_restore(&entry.value) {
            self.written.lost.values += 1;
            return;
        }
        *self.written.keys.entry(entry.value.type_name()).or_default() += 1;
        self.value(&entry.key, &entry.value, entry.expiry());
    }

    /// A key's value and expiry.
    fn value(&mut self, key: &[u8], value: &Value<'_>, expiry: Option<i64>) {
        match value {
            Value::String(string) => return self.string(key, string, expiry),
            Value::List(list) => self.items("RPUSH", key, list.len(), list.iter()),
            Value::Set(set) => self.items("SADD", key, set.len(), set.iter()),
            Value::SortedSet(set) => self.sorted_set(key, set),
            Value::Hash(hash) => self.hash(key, hash),
            Value::Stream(stream) => stream::emit(self, key, stream),
            Value::Raw(raw) => match raw.decode() {
                Ok(value) => return self.value(key, &value, expiry),
                Err(_) => self.restore(key, raw),
            },
            Value::VectorSet(set) => self.vector_set(key, set),
            Value::History(history) => self.history(key, history),
        }
        if let Some(expiry) = expiry {
            self.expire(key, expiry);
        }
    }

    /// When a key expires.
    fn expire(&mut self, key: &[u8], expiry: i64) {
        self.command_on("PEXPIREAT", key, 1);
        self.number(expiry);
    }

    fn string(&mut self, key: &[u8], string: &[u8], expiry: Option<i64>) {
        // SET refuses times that are not positive.
        let within = expiry.filter(|expiry| *expiry > 0);
        self.command_on("SET", key, if within.is_some() { 3 } else { 1 });
        self.bulk(string);
        match (within, expiry) {
            (Some(within), _) => {
                self.bulk(b"PXAT");
                self.number(within);
            }
            (None, Some(expiry)) => self.expire(key, expiry),
            (None, None) => {}
        }
    }

    fn items<'v>(&mut self, name: &str, key: &[u8], count: usize, items: impl Iterator<Item = &'v [u8]>) {
        self.batches(count, items, |this, count| this.command_on(name, key, count), Self::bulk);
    }

    fn sorted_set(&mut self, key: &[u8], set: &SortedSet<'_>) {
        let is_negative_zero = |score: f64| score == 0.0 && score.is_sign_negative();
        let keeps_signs = self.options.target.is_some_and(|target| target.server().keeps_negative_zero());
        if keeps_signs || !set.iter().any(|(_, score)| is_negative_zero(score)) {
            return self.scores(key, set.len(), set.iter());
        }
        // A listpack keeps whole numbers without the sign of a zero. The length of the first member decides: if it is
        // too long for one, the set is none from the start.
        if let Some(long) = set.iter().position(|(member, _)| member.len() > LONGEST_PACKED_MEMBER) {
            let others = set.iter().enumerate().filter(|(index, _)| *index != long).map(|(_, entry)| entry);
            self.scores(key, set.len(), set.iter().skip(long).take(1).chain(others));
        } else {
            let placeholder = &[b'x'; LONGEST_PACKED_MEMBER + 1];
            self.scores(key, set.len() + 1, std::iter::once((placeholder.as_slice(), 0.0)).chain(set.iter()));
            self.command_on("ZREM", key, 1);
            self.bulk(placeholder);
        }
    }

    /// Members of a sorted set with their scores.
    fn scores<'v>(&mut self, key: &[u8], count: usize, entries: impl Iterator<Item = (&'v [u8], f64)>) {
        let mut text = Vec::new();
        let begin = |this: &mut Self, count: usize| this.command_on("ZADD", key, 2 * count);
        self.batches(count, entries, begin, |this, (member, score)| {
            text.clear();
            format_score_compact(score, &mut text);
            this.bulk(&text);
            this.bulk(member);
        });
    }

    fn hash(&mut self, key: &[u8], hash: &Hash<'_>) {
        let limit = self.options.target.map_or(i64::MAX, last_field_expiry);
        let mut expiring: Vec<_> =
            hash.iter().filter_map(|(name, field)| Some((field.expiry?, name, field.value))).collect();
        let all = expiring.len();
        expiring.retain(|(expiry, ..)| *expiry <= limit);
        self.written.lost.field_expiries += (all - expiring.len()) as u64;
        // Fields with equal times share commands; those that expire come last, so that another rewrite gives the same
        // bytes.
        expiring.sort_by_key(|(expiry, ..)| *expiry);
        let with_values = self.options.target.is_some_and(|target| HSETEX.includes(target));
        let pair = |this: &mut Self, (name, value): (&[u8], &[u8])| {
            this.bulk(name);
            this.bulk(value);
        };
        let begin = |this: &mut Self, count: usize| this.command_on("HSET", key, 2 * count);
        let stay = hash.iter().filter(|(_, field)| field.expiry.is_none_or(|expiry| expiry > limit));
        let stay = stay.map(|(name, field)| (name, field.value));
        if with_values || expiring.is_empty() {
            self.batches(hash.len() - expiring.len(), stay, begin, pair);
        } else {
            let expiring = expiring.iter().map(|(_, name, value)| (*name, *value));
            self.batches(hash.len(), stay.chain(expiring), begin, pair);
        }
        for fields in expiring.chunk_by(|one, other| one.0 == other.0) {
            let expiry = fields.first().map_or(0, |(expiry, ..)| *expiry);
            if with_values {
                let begin = |this: &mut Self, count: usize| {
                    this.command_on("HSETEX", key, 4 + 2 * count);
                    this.bulk(b"PXAT");
                    this.number(expiry);
                    this.bulk(b"FIELDS");
                    this.number(count);
                };
                self.batches(fields.len(), fields.iter().map(|(_, name, value)| (*name, *value)), begin, pair);
            } else {
                let begin = |this: &mut Self, count: usize| {
                    this.command_on("HPEXPIREAT", key, 3 + count);
                    this.number(expiry);
                    this.bulk(b"FIELDS");
                    this.number(count);
                };
                self.batches(fields.len(), fields.iter().map(|(_, name, _)| *name), begin, Self::bulk);
            }
        }
    }

    /// Whether a value comes out as a payload of a version that the target refuses.
    fn cannot_restore(&self, value: &Value<'_>) -> bool {
        let raw = match value {
            Value::Raw(raw) => raw,
            Value::VectorSet(set) => {
                let base = set.base().map(|base| Value::Raw(Box::new(*base)));
                return !self.target_has(VECTOR_SETS) || base.is_some_and(|base| self.cannot_restore(&base));
            }
            Value::History(history) => return history.base.as_ref().is_some_and(|base| self.cannot_restore(base)),
            _ => return false,
        };
        let Some(target) = self.options.target else { return false };
        let refused = raw.version > target.rdb_version().into() || raw.family != target.rdb_family();
        refused && matches!(raw.decode(), Err(DecodeFault::Opaque { .. }))
    }

    /// A value that no command but `RESTORE` makes: that of a module, as it was in an RDB.
    fn restore(&mut self, key: &[u8], raw: &Raw<'_>) {
        self.command("RESTORE", 4);
        self.bulk(key);
        self.bulk(b"0");
        self.bulk(&rdb::dump::write_raw(raw));
    }

    /// A vector set: the value that it is from, if it is from an RDB, without what was removed; then a VADD for each
    /// other element.
    fn vector_set(&mut self, key: &[u8], set: &VectorSet<'_>) {
        let base = set.base();
        if let Some(base) = base {
            self.restore(key, base);
            for name in set.removed() {
                self.command_on("VREM", key, 1);
                self.bulk(name);
            }
        }
        for (name, element) in set.in_order() {
            let attribute = element.attribute.as_ref();
            match &element.vector {
                Vector::Kept(_) if element.has_changed_attribute => {
                    self.command_on("VSETATTR", key, 2);
                    self.bulk(name);
                    self.bulk(attribute.map_or(b"", |attribute| attribute));
                }
                Vector::Kept(_) => {}
                // An element of the base whose attribute went keeps none.
                Vector::Given { .. } => {
                    let attribute = match attribute {
                        None if base.is_some() && element.has_changed_attribute => Some(&b""[..]),
                        attribute => attribute.map(|attribute| &**attribute),
                    };
                    self.vector(key, (name, element), &set.shape, attribute);
                }
            }
        }
    }

    /// One VADD.
    fn vector(
        &mut self,
        key: &[u8],
        (name, element): (&[u8], &Element<'_>),
        shape: &Shape<'_>,
        attribute: Option<&[u8]>,
    ) {
        let Vector::Given { floats, effort } = &element.vector else { return };
        let links = Some(shape.links).filter(|links| *links != Shape::DEFAULT_LINKS);
        let option = |is_there: bool| if is_there { 2 } else { 0 };
        let is_quantized = shape.quantization == Quantization::Int8;
        let arguments = 3
            + usize::from(!is_quantized)
            + option(shape.projection.is_some())
            + option(effort.is_some())
            + option(links.is_some())
            + option(attribute.is_some());
        self.command_on("VADD", key, arguments);
        if shape.projection.is_some() {
            self.bulk(b"REDUCE");
            self.number(shape.dimension);
        }
        self.bulk(b"FP32");
        self.bulk(floats);
        self.bulk(name);
        match shape.quantization {
            Quantization::None => self.bulk(b"NOQUANT"),
            Quantization::Int8 => {}
            Quantization::Binary => self.bulk(b"BIN"),
        }
        for (name, value) in [("EF", *effort), ("M", links)] {
            if let Some(value) = value {
                self.bulk(name.as_bytes());
                self.number(value);
            }
        }
        if let Some(attribute) = attribute {
            self.bulk(b"SETATTR");
            self.bulk(attribute);
        }
    }

    /// What is known by its commands: each again, with the name that the key has now.
    fn history(&mut self, key: &[u8], history: &History<'_>) {
        if let Some(base) = &history.base {
            self.value(key, base, None);
        }
        let mut arguments: Vec<&[u8]> = Vec::new();
        for record in &history.records {
            arguments.clear();
            if resp::parse(record, 0, &mut arguments).is_err() {
                continue;
            }
            let name = arguments.first().copied().unwrap_or_default();
            self.command(&String::from_utf8_lossy(name), arguments.len());
            for (index, argument) in arguments.iter().enumerate().skip(1) {
                self.bulk(if index == 1 { key } else { argument });
            }
        }
    }
}
