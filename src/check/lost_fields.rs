//! Fields that a server loses when it loads the log.
//!
//! Redis 7.4 and later look at the clock while they load a log: HPERSIST and HGETEX do not find a field whose expiry
//! has passed, though it was there when they were logged. The field then keeps that expiry, and is gone.
//!
//! Whether that happens depends on when the log is loaded, which a check must not depend on. So it asks what a server
//! has that loads the log once every expiry has passed, and says from when on. Only the fields that such commands name
//! are followed, and not their values, through everything that concerns one field; where anything else happens to a
//! key, nothing is said of it. So memory is bounded, a field that is reported is lost, and others may be.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::PathBuf;

use super::part::PartReport;
use crate::aof::database::database_number;
use crate::aof::log::{Log, Part};
use crate::aof::{Content, Reader};
use crate::command::apply::{Call, ExpiredFields};
use crate::command::{self, Command, Effect};
use crate::error::Result;
use crate::input::Input;
use crate::keyspace::{Entry, Keyspace};
use crate::rdb::{LoadItem, Loader};
use crate::server::Server;
use crate::value::{Bytes, Field, Hash, Value};

/// The most fields that are followed.
const MOST_FIELDS: usize = 4096;

/// Hashes in an RDB that are larger than this, in bytes, are ignored.
const MOST_BYTES: usize = 4 << 20;

/// The most words that a command may have beside its fields: real ones have up to seven.
const MOST_WORDS: usize = 16;

/// What stands for every value.
const VALUE: &[u8] = b"0";

/// Fields that a server loses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LostFields {
    pub(super) count: u64,
    /// Whether all fields were followed that may be lost.
    pub(super) is_all: bool,
    /// The first and the last expiry that were taken away, in milliseconds of Unix time: a server that loads the log
    /// after the last one loses all the fields.
    pub(super) first_expiry: i64,
    pub(super) last_expiry: i64,
    /// The command after which the first of them is lost, and its hash.
    pub(super) file: PathBuf,
    pub(super) offset: u64,
    pub(super) record: u64,
    pub(super) key: Vec<u8>,
}

/// Looks for fields that are lost. Reads the log again if a command in it takes the expiry of a field away.
pub(super) fn find(log: &Log, reports: &[PartReport], server: Server) -> Result<Option<LostFields>> {
    if !reports.iter().filter_map(|report| report.scan.as_ref()).any(|scan| scan.keeps_fields) {
        return Ok(None);
    }
    let inputs = log.parts.iter().map(Part::open).collect::<Result<Vec<Input>>>()?;
    let parts: Vec<Records<'_>> =
        inputs.iter().zip(reports).map(|(input, report)| Records::new(input, report)).collect();
    let mut followed = Followed::default();
    for part in parts.iter().filter(|part| part.keeps_fields) {
        part.commands(|place, arguments| {
            if place.database < server.databases() {
                followed.add(place.database, arguments);
            }
        });
    }
    let mut tracker = Tracker {
        followed: &followed,
        written: Keyspace::default(),
        loaded: Keyspace::default(),
        places: BTreeMap::new(),
    };
    for (index, part) in parts.iter().enumerate() {
        tracker.load_rdb(part);
        part.commands(|place, arguments| tracker.command((index, place), arguments));
    }
    let lost = tracker.lost();
    Ok(lost.and_then(|((part, place), lost)| {
        Some(LostFields { file: reports.get(part)?.path.clone(), offset: place.offset, record: place.record, ..lost })
    }))
}

/// What of a part a server loads.
struct Records<'a> {
    bytes: &'a [u8],
    has_rdb: bool,
    start: usize,
    end: u64,
    keeps_fields: bool,
}

/// Where a command is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    offset: u64,
    record: u64,
    database: u32,
}

impl<'a> Records<'a> {
    fn new(input: &'a Input, report: &PartReport) -> Self {
        let scan = report.scan.as_ref();
        Self {
            bytes: input.bytes(),
            has_rdb: report.rdb.is_some(),
            start: scan.and_then(|scan| usize::try_from(scan.start).ok()).unwrap_or(usize::MAX),
            end: report.valid_up_to(),
            keeps_fields: scan.is_some_and(|scan| scan.keeps_fields),
        }
    }

    /// Every command, and the database that it is applied to.
    fn commands(&self, mut take: impl FnMut(Place, &[&'a [u8]])) {
        let mut reader = Reader::new(self.bytes, self.start);
        let mut database = 0;
        while let Some(Ok(record)) = reader.next_record() {
            if record.end() > self.end {
                return;
            }
            let Content::Command(arguments) = record.content else { continue };
            if let [name, number] = arguments
                && name.eq_ignore_ascii_case(b"select")
            {
                database = database_number(number).unwrap_or(database);
            }
            take(Place { offset: record.offset, record: record.number, database }, arguments);
        }
    }
}

/// The fields that are followed, by database and key.
#[derive(Debug, Default)]
struct Followed<'a> {
    fields: BTreeMap<(u32, &'a [u8]), BTreeSet<&'a [u8]>>,
    keys: BTreeSet<&'a [u8]>,
    /// A bit for each length of a key, modulo 64: it rules most arguments out.
    lengths: u64,
    count: usize,
    /// Whether there may be more fields than are followed.
    is_full: bool,
}

impl<'a> Followed<'a> {
    /// Follows the fields whose expiry a command takes away.
    fn add(&mut self, database: u32, arguments: &[&'a [u8]]) {
        let (Some(name), Some(key)) = (arguments.first(), arguments.get(1)) else { return };
        let keeps = name.eq_ignore_ascii_case(b"hpersist") || name.eq_ignore_ascii_case(b"hgetex");
        let Some(fields) = named_fields(arguments, 1).filter(|_| keeps) else { return };
        for field in arguments.get(fields).unwrap_or_default() {
            if self.count == MOST_FIELDS {
                self.is_full = true;
                return;
            }
            self.count += usize::from(self.fields.entry((database, *key)).or_default().insert(*field));
        }
        self.keys.insert(key);
        self.lengths |= 1 << (key.len() % 64);
    }

    fn is_key(&self, argument: &[u8]) -> bool {
        self.lengths >> (argument.len() % 64) & 1 == 1 && self.keys.contains(argument)
    }
}

/// Where the fields are that follow `FIELDS count`, each with `each` arguments.
fn named_fields(arguments: &[&[u8]], each: usize) -> Option<Range<usize>> {
    let at = arguments.iter().skip(2).position(|argument| argument.eq_ignore_ascii_case(b"FIELDS"))? + 2;
    let count: usize = std::str::from_utf8(arguments.get(at + 1)?).ok()?.parse().ok()?;
    let end = count.checked_mul(each)?.checked_add(at + 2)?;
    (end <= arguments.len()).then_some(at + 2..end)
}

/// What the server has that wrote the log, and what one has that loads it, of the fields that are followed.
struct Tracker<'f, 'a> {
    followed: &'f Followed<'a>,
    written: Keyspace<'a>,
    loaded: Keyspace<'a>,
    /// The first command on each key that did not find a field.
    places: BTreeMap<&'a [u8], (usize, Place)>,
}

impl<'a> Tracker<'_, 'a> {
    /// Takes the fields out of an RDB.
    fn load_rdb(&mut self, part: &Records<'a>) {
        if !part.has_rdb {
            return;
        }
        let followed = self.followed;
        let mut loader = Loader::new(part.bytes, 0);
        while let Some(Ok(item)) = loader.next_wanted(|key| followed.is_key(key)) {
            let LoadItem::Key(loaded) = item else { continue };
            let Ok(database) = u32::try_from(loaded.database) else { continue };
            let Some(key) = followed.keys.get(&*loaded.key) else { continue };
            let Some(fields) = followed.fields.get(&(database, *key)) else { continue };
            let value = match loaded.value {
                Value::Raw(raw) if raw.payload.len() <= MOST_BYTES => raw.decode().ok(),
                _ => None,
            };
            self.forget(key);
            // Nothing is said of a key that expires.
            let (Some(Value::Hash(hash)), None) = (value, loaded.expiry) else { continue };
            for keyspace in [&mut self.written, &mut self.loaded] {
                let mut kept = Hash::default();
                for field in fields {
                    if let Some(content) = hash.get(field) {
                        kept.insert(*field, Field { value: Bytes::borrowed(VALUE), expiry: content.expiry });
                    }
                }
                if !kept.is_empty() {
                    keyspace.add(database, key, Value::Hash(kept));
                }
            }
        }
    }

    fn command(&mut self, place: (usize, Place), arguments: &[&'a [u8]]) {
        let Some((name, rest)) = arguments.split_first() else { return };
        if !rest.iter().any(|argument| self.followed.is_key(argument)) {
            if empties(name) {
                self.written.clear();
                self.loaded.clear();
            }
            return;
        }
        let Some(row) = command::resolve(arguments).row() else { return self.forget_all(rest) };
        if row.effect != Effect::Write {
            return;
        }
        if self.fields(place, row, arguments).is_none() {
            self.forget_all(rest);
        }
    }

    /// Applies what a command does to the fields that are followed; `None` if that cannot be told.
    fn fields(&mut self, place: (usize, Place), row: &'static Command, arguments: &[&'a [u8]]) -> Option<()> {
        let (fields, each) = match row.name {
            "hset" | "hmset" => (2..arguments.len(), 2),
            "hdel" => (2..arguments.len(), 1),
            "hsetnx" | "hincrby" | "hincrbyfloat" => (2..3, 1),
            "hpexpireat" | "hexpireat" | "hpersist" | "hgetex" | "hgetdel" => (named_fields(arguments, 1)?, 1),
            "hsetex" => (named_fields(arguments, 2)?, 2),
            _ => return None,
        };
        let is_named = matches!(row.name, "hpexpireat" | "hexpireat" | "hpersist" | "hgetex" | "hgetdel" | "hsetex");
        let (before, after) = (arguments.get(..fields.start)?, arguments.get(fields.end..)?);
        if before.len() + after.len() > MOST_WORDS {
            return None;
        }
        // Times that count from when the command ran, and conditions on the key or on several fields.
        let other: &[&[u8]] = &[b"EX", b"PX", b"NX", b"XX", b"FNX", b"FXX"];
        let is_other = |word: &&[u8]| other.iter().any(|other| word.eq_ignore_ascii_case(other));
        if matches!(row.name, "hsetex" | "hgetex")
            && before.iter().skip(2).chain(after).any(is_other)
            && !(fields.len() == each && before.iter().any(|word| word.eq_ignore_ascii_case(b"FXX")))
        {
            return None;
        }
        let key = *arguments.get(1)?;
        let Some(followed) = self.followed.fields.get(&(place.1.database, key)) else { return Some(()) };
        for field in arguments.get(fields)?.chunks(each) {
            let Some(name) = field.first().filter(|name| followed.contains(*name)) else { continue };
            let mut one: Vec<&'a [u8]> = before.to_vec();
            if let (true, Some(count)) = (is_named, one.last_mut()) {
                *count = b"1";
            }
            one.push(name);
            one.extend(field.get(1..)?.iter().map(|_| VALUE));
            one.extend(after);
            self.apply(place, row, &one);
        }
        Some(())
    }

    /// Applies a command that concerns one field.
    fn apply(&mut self, place: (usize, Place), row: &'static Command, arguments: &[&'a [u8]]) {
        let (Some(apply), Some(key)) = (row.apply, arguments.get(1)) else { return };
        let diverged = Cell::new(false);
        for (keyspace, expired_fields) in
            [(&mut self.written, ExpiredFields::AsWritten), (&mut self.loaded, ExpiredFields::AsLoaded)]
        {
            let mut call = Call::new(arguments, keyspace);
            (call.database, call.expired_fields) = (place.1.database, expired_fields);
            (call.load_time, call.diverged) = (i64::MAX, Some(&diverged));
            // What fails changes nothing.
            let _ = apply.run(&mut call);
        }
        if diverged.get() {
            self.places.entry(key).or_insert(place);
        }
    }

    /// Follows a key no further until its fields are set again.
    fn forget(&mut self, key: &[u8]) {
        for keyspace in [&mut self.written, &mut self.loaded] {
            for database in keyspace.databases() {
                keyspace.remove(database, key);
            }
        }
        self.places.remove(key);
    }

    fn forget_all(&mut self, arguments: &[&'a [u8]]) {
        for argument in arguments.iter().filter(|argument| self.followed.is_key(argument)) {
            self.forget(argument);
        }
    }

    /// The fields that the writer has for good, and the loading server with an expiry; and where the first of them is
    /// lost.
    fn lost(&self) -> Option<((usize, Place), LostFields)> {
        let mut lost: Option<((usize, Place), LostFields)> = None;
        for (database, entry) in self.written.iter() {
            let other = self.loaded.get(database, &entry.key);
            let (Value::Hash(hash), Some(Value::Hash(other))) = (entry.value(), other.as_ref().map(Entry::value))
            else {
                continue;
            };
            let Some(place) = self.places.get(&*entry.key) else { continue };
            let kept = hash.iter().filter(|(_, content)| content.expiry.is_none());
            for expiry in kept.filter_map(|(field, _)| other.get(field)?.expiry) {
                let new = LostFields {
                    count: 1,
                    is_all: !self.followed.is_full,
                    first_expiry: expiry,
                    last_expiry: expiry,
                    file: PathBuf::new(),
                    offset: 0,
                    record: 0,
                    key: entry.key.to_vec(),
                };
                lost = Some(match lost.take() {
                    None => (*place, new),
                    Some((first, sum)) => {
                        let key = if *place < first { new.key } else { sum.key };
                        let sum = LostFields {
                            count: sum.count + 1,
                            first_expiry: sum.first_expiry.min(expiry),
                            last_expiry: sum.last_expiry.max(expiry),
                            key,
                            ..sum
                        };
                        (first.min(*place), sum)
                    }
                });
            }
        }
        lost
    }
}

/// Whether a command may change keys that it does not name.
fn empties(name: &[u8]) -> bool {
    let names: &[&[u8]] = &[b"FLUSHALL", b"FLUSHDB", b"SWAPDB", b"EVAL", b"EVALSHA", b"FCALL"];
    names.iter().any(|empties| name.eq_ignore_ascii_case(empties))
}
