//! Keyspace → the fewest commands that build it, or an RDB.

mod base;
mod batches;
mod commands;
mod emitter;
pub mod in_place;
mod layout;
mod loss;
mod ordered;
mod source;
mod stream;
mod target;
mod verify;

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::num::NonZeroUsize;

use crate::keyspace::Keyspace;
use crate::progress::Progress;
use crate::server::Release;

pub use base::{oldest, write_rdb};
pub(crate) use layout::Names;
pub use layout::{Base, write_directory};
pub use loss::{Loss, LossRefused, Lost, may_lose};
pub use target::FIELD_EXPIRY;
pub use verify::verify;

use batches::Batches;
use emitter::Emitter;
use ordered::Rest;
use source::Values;

/// What is written, and how.
#[derive(Clone, Copy)]
pub struct Options<'p> {
    /// How many threads write.
    pub threads: NonZeroUsize,
    /// How many items one command adds at most.
    pub batch: NonZeroUsize,
    /// Which release must be able to load the output; `None` for whatever the data needs.
    pub target: Option<Release>,
    /// Which release wrote the log, where that is known: what it did not know of is not lost.
    pub source: Option<Release>,
    /// What to do where the output cannot hold something.
    pub loss: Loss,
    /// The order of the keys within a database.
    pub order: Order,
    /// Which keys are wanted.
    pub wanted: &'p (dyn Fn(u32, &[u8]) -> bool + Sync),
    /// How many keys were written.
    pub progress: &'p Progress,
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
            source: None,
            loss: Loss::Allowed,
            order: Order::FirstWritten,
            wanted: &|_, _| true,
            progress: Progress::UNWATCHED,
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
    /// How many commands; what is in an RDB is not among them.
    pub records: u64,
    /// How many keys, by type.
    pub keys: BTreeMap<&'static str, u64>,
    /// How many function libraries.
    pub functions: u64,
    /// What the target cannot hold.
    pub lost: Lost,
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

/// Writes a keyspace in the form of a base.
///
/// # Errors
/// What `out` returned, and [`LossRefused`] once all is written.
pub fn write(
    keyspace: &Keyspace<'_>,
    base: Base,
    options: Options<'_>,
    out: &mut (impl Write + Send),
) -> io::Result<Written> {
    let written = match base {
        Base::Resp => write_commands(keyspace, options, out),
        Base::Rdb => write_rdb(keyspace, options, out),
    }?;
    if options.loss == Loss::Refused && !written.lost.is_nothing() {
        return Err(io::Error::other(LossRefused(written.lost)));
    }
    Ok(written)
}

/// Writes a keyspace as commands.
///
/// # Errors
/// What `out` returned.
pub fn write_commands(
    keyspace: &Keyspace<'_>,
    options: Options<'_>,
    out: &mut (impl Write + Send),
) -> io::Result<Written> {
    let mut head = Emitter::new(options);
    head.functions(keyspace);
    head.written.lost.module_data = keyspace.module_data().len() as u64;
    out.write_all(&head.out)?;
    let mut written = head.written;
    written.bytes = head.out.len() as u64;
    written.add(&write_values(keyspace, options, Values::All, out)?);
    Ok(written)
}

/// Writes the keys of some values as commands.
fn write_values(
    keyspace: &Keyspace<'_>,
    options: Options<'_>,
    values: Values,
    out: &mut (impl Write + Send),
) -> io::Result<Written> {
    let mut written = Written::default();
    let make = |batches: &Batches<'_, '_, '_, _>| emit_batches(batches, options);
    let (parts, bytes) = batches::write_all(keyspace, (options, values), out, make)?;
    for part in &parts {
        written.add(part);
    }
    written.bytes = bytes;
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
        options.progress.advance(batch.entries.len() as u64);
    }
    emitter.written
}
