//! One key → the commands that make it, as `BGREWRITEAOF` of Redis 7.0 writes them (`aof.c`), and of 8.0 and Valkey 9 where
//! fields expire.

use super::{Options, Target, Written, stream, type_name};
use crate::keyspace::{Entry, Keyspace};
use crate::rdb::{self, DecodeFault, Magic};
use crate::resp;
use crate::value::score::format_score_17;
use crate::value::{FieldRef, Hash, History, Raw, Value};

/// Text beyond this is handed on.
const FLUSH: usize = 256 << 10;

/// Takes text, before there is too much of it.
pub(super) type Flush<'o> = Box<dyn FnMut(&[u8]) + 'o>;

/// Makes commands, and counts what it makes and leaves out.
pub(super) struct Emitter<'o> {
    /// The text that was not handed on yet.
    pub(super) out: Vec<u8>,
    /// Takes text when there is much of it.
    pub(super) flush: Option<Flush<'o>>,
    pub(super) written: Written,
    pub(super) options: Options<'o>,
}

impl<'o> Emitter<'o> {
    pub(super) fn new(options: Options<'o>) -> Self {
        Self { out: Vec::new(), flush: None, written: Written::default(), options }
    }

    /// Begins a command of so many arguments.
    #[inline]
    pub(super) fn command(&mut self, name: &str, arguments: usize) {
        if self.out.len() >= FLUSH
            && let Some(flush) = &mut self.flush
        {
            flush(&self.out);
            self.out.clear();
        }
        self.written.records += 1;
        resp::write_count(&mut self.out, arguments);
        self.bulk(name.as_bytes());
    }

    /// One more argument.
    #[inline]
    pub(super) fn bulk(&mut self, argument: &[u8]) {
        resp::write_bulk_string(&mut self.out, argument);
    }

    /// One more argument, a number.
    pub(super) fn number(&mut self, number: impl itoa::Integer) {
        self.bulk(itoa::Buffer::new().format(number).as_bytes());
    }

    /// Whether the target can hold something; without a target, it can.
    pub(super) fn target_has(&self, what: impl FnOnce(Target) -> bool) -> bool {
        self.options.target.is_none_or(what)
    }

    /// The function libraries, which come before all keys.
    pub(super) fn functions(&mut self, share: &Keyspace<'_>) {
        if !self.target_has(Target::is_redis_7_or_later) {
            self.written.lost.functions += share.functions.len() as u64;
            return;
        }
        for code in share.functions.values() {
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
        *self.written.keys.entry(type_name(&entry.value)).or_default() += 1;
        self.value(&entry.key, &entry.value);
        if let Some(expiry) = entry.expiry() {
            self.command("PEXPIREAT", 3);
            self.bulk(&entry.key);
            self.number(expiry);
        }
    }

    /// A key's value.
    fn value(&mut self, key: &[u8], value: &Value<'_>) {
        match value {
            Value::String(string) => {
                self.command("SET", 3);
                self.bulk(key);
                self.bulk(string);
            }
            Value::List(list) => self.items("RPUSH", key, list.len(), list.iter()),
            Value::Set(set) => self.items("SADD", key, set.len(), set.iter()),
            Value::SortedSet(sorted_set) => {
                let mut score = Vec::new();
                let text = |this: &mut Self, (member, number): (&[u8], f64)| {
                    score.clear();
                    format_score_17(number, &mut score);
                    this.bulk(&score);
                    this.bulk(member);
                };
                self.batches("ZADD", key, sorted_set.len(), 2, sorted_set.iter(), text);
            }
            Value::Hash(hash) => self.hash(key, hash),
            Value::Stream(stream) => stream::emit(self, key, stream),
            Value::Raw(raw) => match rdb::decode(raw) {
                Ok(value) => self.value(key, &value),
                Err(_) => self.restore(key, raw),
            },
            Value::History(history) => self.history(key, history),
        }
    }

    fn items<'v>(&mut self, name: &str, key: &[u8], count: usize, items: impl Iterator<Item = &'v [u8]>) {
        self.batches(name, key, count, 1, items, Self::bulk);
    }

    /// Commands of up to a batch of items each, of which every one takes `width` arguments.
    fn batches<T>(
        &mut self,
        name: &str,
        key: &[u8],
        count: usize,
        width: usize,
        items: impl Iterator<Item = T>,
        mut text: impl FnMut(&mut Self, T),
    ) {
        let batch = self.options.batch.get();
        let mut left = count;
        for (index, item) in items.enumerate() {
            if index % batch == 0 {
                self.command(name, 2 + width * left.min(batch));
                self.bulk(key);
                left = left.saturating_sub(batch);
            }
            text(self, item);
        }
    }

    fn hash(&mut self, key: &[u8], hash: &Hash<'_>) {
        let expiring = hash.iter().filter(|(_, field)| field.expiry.is_some()).count();
        if expiring == 0 || !self.target_has(Target::has_field_expiry) {
            self.written.lost.field_expiries += expiring as u64;
            let pair = |this: &mut Self, (name, field): (&[u8], FieldRef<'_>)| {
                this.bulk(name);
                this.bulk(field.value);
            };
            return self.batches("HMSET", key, hash.len(), 2, hash.iter(), pair);
        }
        for (name, field) in hash.iter() {
            self.field(key, name, field.value, field.expiry);
        }
    }

    /// One field of a hash of which some expire.
    fn field(&mut self, key: &[u8], name: &[u8], value: &[u8], expiry: Option<i64>) {
        match expiry {
            Some(expiry) if self.options.target == Some(Target::Valkey9) => {
                self.command("HSETEX", 8);
                self.bulk(key);
                self.bulk(b"PXAT");
                self.number(expiry);
                self.bulk(b"FIELDS");
                self.bulk(b"1");
                self.bulk(name);
                self.bulk(value);
            }
            _ => {
                self.command("HMSET", 4);
                self.bulk(key);
                self.bulk(name);
                self.bulk(value);
                if let Some(expiry) = expiry {
                    self.command("HPEXPIREAT", 6);
                    self.bulk(key);
                    self.number(expiry);
                    self.bulk(b"FIELDS");
                    self.bulk(b"1");
                    self.bulk(name);
                }
            }
        }
    }

    /// Whether a value comes out as a payload of a version that the target refuses.
    fn cannot_restore(&self, value: &Value<'_>) -> bool {
        let (Value::Raw(raw), Some(target)) = (value, self.options.target) else { return false };
        let refused = raw.version > u32::from(target.version()) || Magic::from(raw.flavour) != target.magic();
        refused && matches!(rdb::decode(raw), Err(DecodeFault::Opaque { .. }))
    }

    /// A value that no command but `RESTORE` makes: that of a module, as it was in an RDB.
    fn restore(&mut self, key: &[u8], raw: &Raw<'_>) {
        self.command("RESTORE", 4);
        self.bulk(key);
        self.bulk(b"0");
        self.bulk(&rdb::dump::write_raw(raw));
    }

    /// What is known by its commands: each again, with the name that the key has now.
    fn history(&mut self, key: &[u8], history: &History<'_>) {
        if let Some(base) = &history.base {
            self.value(key, base);
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
