//! Keyspace → the fewest commands that build it, or an RDB.

mod base;
mod batches;
mod commands;
pub mod in_place;
mod layout;
mod merge;
mod ordered;
mod stream;
mod target;

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::num::NonZeroUsize;

use crate::keyspace::Keyspace;
use crate::rdb;
use crate::value::Value;

pub use base::write_rdb;
pub use layout::{Base, write_directory};
pub use target::Target;

use batches::Batches;
use commands::Emitter;
use ordered::Rest;

/// What is written, and how.
#[derive(Clone, Copy)]
pub struct Options<'p> {
    /// How many threads write.
    pub threads: NonZeroUsize,
    /// How many items one command adds at most.
    pub batch: NonZeroUsize,
    /// Which version must be able to load the output; `None` for whatever the data needs.
    pub target: Option<Target>,
    /// The order of the keys within a database.
    pub order: Order,
    /// Which keys are wanted.
    pub wanted: &'p (dyn Fn(u32, &[u8]) -> bool + Sync),
    /// Told from time to time how many more keys were written.
    pub progress: &'p (dyn Fn(u64) + Sync),
}

impl std::fmt::Debug for Options<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options").field("target", &self.target).finish_non_exhaustive()
    }
}

impl Default for Options<'_> {
    fn default() -> Self {
        Self {
            threads: NonZeroUsize::MIN,
            batch: BATCH,
            target: None,
            order: Order::FirstWritten,
            wanted: &|_, _| true,
            progress: &|_| {},
        }
    }
}

/// What servers write (`AOF_REWRITE_ITEMS_PER_CMD`).
pub const BATCH: NonZeroUsize = NonZeroUsize::new(64).unwrap();

/// The order of keys within a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// As they were first written.
    FirstWritten,
    /// By their bytes.
    ByKey,
}

/// What was written, and what was not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Written {
    /// How many bytes.
    pub bytes: u64,
    /// How many commands; none in an RDB.
    pub records: u64,
    /// How many keys, by type.
    pub keys: BTreeMap<&'static str, u64>,
    /// How many function libraries.
    pub functions: u64,
    /// What the target cannot hold.
    pub lost: Lost,
}

/// What had to be given up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Lost {
    /// Function libraries (before Redis 7.0).
    pub functions: u64,
    /// Times at which fields expire.
    pub field_expiries: u64,
    /// Streams whose counters, or those of their groups, are not what a later server makes up (before Redis 7.0).
    pub stream_counters: u64,
    /// Pending entries whose entry was deleted, where no commands make them without a trace in the stream's counters.
    pub pending_entries: u64,
    /// Values that no command can make for this target.
    pub values: u64,
    /// What modules keep beside the keys: no command makes it.
    pub module_data: u64,
}

impl Lost {
    /// Whether nothing was given up.
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    fn add(&mut self, other: Self) {
        self.functions += other.functions;
        self.field_expiries += other.field_expiries;
        self.stream_counters += other.stream_counters;
        self.pending_entries += other.pending_entries;
        self.values += other.values;
        self.module_data += other.module_data;
    }
}

impl Written {
    fn add(&mut self, other: &Self) {
        self.bytes += other.bytes;
        self.records += other.records;
        for (kind, count) in &other.keys {
            *self.keys.entry(kind).or_default() += count;
        }
        self.functions += other.functions;
        self.lost.add(other.lost);
    }
}

/// The name of a value's type, as `TYPE` prints it, also of one that is still as in an RDB.
pub fn type_name(value: &Value<'_>) -> &'static str {
    match value {
        Value::Raw(raw) => {
            rdb::type_row(raw.flavour.into(), raw.type_code).map_or("unknown", |row| row.data_type.name())
        }
        other => other.type_name(),
    }
}

/// Writes a keyspace in the form of a base.
///
/// # Errors
/// What `out` returned.
pub fn write(
    shares: &[Keyspace<'_>],
    base: Base,
    options: Options<'_>,
    out: &mut (impl Write + Send),
) -> io::Result<Written> {
    match base {
        Base::Resp => write_commands(shares, options, out),
        Base::Rdb => write_rdb(shares, options, out),
    }
}

/// Writes a keyspace as commands.
///
/// # Errors
/// What `out` returned.
pub fn write_commands(
    shares: &[Keyspace<'_>],
    options: Options<'_>,
    out: &mut (impl Write + Send),
) -> io::Result<Written> {
    let mut head = Emitter::new(options);
    if let Some(share) = shares.first() {
        head.functions(share);
        head.written.lost.module_data = share.module_data.len() as u64;
    }
    out.write_all(&head.out)?;
    let mut written = head.written;
    written.bytes = head.out.len() as u64;
    let (parts, bytes) = batches::write_all(shares, options, out, |batches| emit_batches(batches, options))?;
    for part in &parts {
        written.add(part);
    }
    written.bytes += bytes;
    Ok(written)
}

/// Takes batch after batch, and writes each in its turn.
fn emit_batches<W: Write>(batches: &Batches<'_, '_, '_, W>, options: Options<'_>) -> Written {
    let mut emitter = Emitter::new(options);
    while let Some((batch, number)) = batches.next() {
        emitter.flush = Some(Box::new(move |bytes: &[u8]| batches.write(number, bytes, Rest::Follows)));
        if let Some(database) = batch.select {
            emitter.select(database);
        }
        batch.touch();
        for entry in &batch.entries {
            emitter.entry(*entry);
        }
        batches.write(number, &emitter.out, Rest::None);
        emitter.out.clear();
        (options.progress)(batch.entries.len() as u64);
    }
    emitter.written
}
