//! Writing an RDB for a given release.

mod output;
mod stream;
mod value;

use std::io::{self, Write};

pub(super) use output::Output;
pub(super) use value::encode;

use super::context::ModuleId;
use super::fault::DecodeFault;
use super::format::Opcode;
use super::walker::MODULE_UNSIGNED;
use crate::server::{Family, Product, Release};
use crate::value::Value;

/// Data that was left out because the target cannot hold it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Lost {
    /// The expiry of fields of a hash, which will stay for ever.
    FieldExpiry {
        /// The number of fields.
        fields: usize,
    },
    /// Counters of a stream that an older version does not have: entries ever added, the greatest deleted id, entries
    /// read by a group, the active time of a consumer.
    StreamMetadata,
    /// The producers of a stream, their idempotent ids and the settings for them.
    StreamProducers,
    /// A function library.
    Function,
    /// A whole key, whose raw value has a type that the target does not read, and could not be decoded.
    Value(DecodeFault),
    /// A whole key, of which only the commands are known.
    History,
}

impl Lost {
    /// Whether the whole key was left out.
    pub const fn is_whole_key(&self) -> bool {
        matches!(self, Self::Value(_) | Self::History)
    }
}

/// The auxiliary fields about the creation of an RDB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin {
    /// When it was created, in seconds of Unix time.
    pub created: i64,
    /// The number of bytes of memory in use.
    pub used_memory: u64,
    /// Whether it names the server that it is written for, as servers do; readers take that for the server that wrote
    /// it.
    pub named: bool,
}

/// Writes an RDB as servers write one for the base of an append-only log: functions first, then the databases, each by
/// [`Keys::database`] and then its keys.
#[derive(Debug)]
pub struct Writer<W> {
    keys: Keys<W>,
}

impl<W: Write> Writer<W> {
    /// Begins an RDB: writes its header and auxiliary fields.
    ///
    /// # Errors
    /// Those of `out`, here and below. After an error, discard what was written.
    pub fn new(out: W, target: Release, origin: Origin) -> io::Result<Self> {
        let mut output = Output::new(out);
        let version = target.rdb_version();
        let header = match target.rdb_family() {
            Family::Redis => format!("REDIS{version:04}"),
            Family::Valkey => format!("VALKEY{version:03}"),
        };
        output.bytes(header.as_bytes())?;
        let mut writer = Self { keys: Keys { output, target } };
        if origin.named {
            let field = match target.server().product() {
                Product::Redis => "redis-ver",
                Product::Valkey => "valkey-ver",
            };
            writer.aux(field, &format!("{}.0", target.version()))?;
        }
        writer.aux("redis-bits", "64")?;
        writer.aux("ctime", itoa::Buffer::new().format(origin.created))?;
        writer.aux("used-mem", itoa::Buffer::new().format(origin.used_memory))?;
        writer.aux(if target.server().loads_manifests() { "aof-base" } else { "aof-preamble" }, "1")?;
        Ok(writer)
    }

    fn opcode(&mut self, opcode: Opcode) -> io::Result<()> {
        self.keys.output.byte(opcode.number())
    }

    fn aux(&mut self, name: &str, value: &str) -> io::Result<()> {
        self.opcode(Opcode::Aux)?;
        self.keys.output.string(name.as_bytes())?;
        self.keys.output.string(value.as_bytes())
    }

    /// The release that it is written for.
    pub const fn target(&self) -> Release {
        self.keys.target
    }

    /// The number of bytes of the RDB so far.
    pub fn len(&self) -> u64 {
        self.keys.output.len()
    }

    /// Never: an RDB begins with its header.
    pub const fn is_empty(&self) -> bool {
        false
    }

    /// The databases and their keys.
    pub const fn keys(&mut self) -> &mut Keys<W> {
        &mut self.keys
    }

    /// Writes a function library: its source, including the `#!` line.
    ///
    /// # Errors
    /// See [`Writer::new`].
    pub fn function(&mut self, code: &[u8]) -> io::Result<Option<Lost>> {
        if !Opcode::Function.since().includes(self.keys.target) {
            return Ok(Some(Lost::Function));
        }
        self.opcode(Opcode::Function)?;
        self.keys.output.string(code)?;
        Ok(None)
    }

    /// Writes data that a module stores in addition to the keys, as in [`super::Item::ModuleAux`].
    ///
    /// # Errors
    /// See [`Writer::new`].
    pub fn module_aux(&mut self, module: ModuleId, when: u64, data: &[u8]) -> io::Result<()> {
        self.opcode(Opcode::ModuleAux)?;
        self.keys.output.length(module.0)?;
        self.keys.output.length(MODULE_UNSIGNED)?;
        self.keys.output.length(when)?;
        self.keys.output.bytes(data)
    }

    /// Ends the RDB with its checksum, and returns the underlying writer, flushed.
    ///
    /// # Errors
    /// See [`Writer::new`].
    pub fn finish(mut self) -> io::Result<W> {
        self.opcode(Opcode::End)?;
        self.keys.output.finish()
    }
}

/// Appends the output of another [`Keys`].
impl<W: Write> Write for Writer<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.keys.output.bytes(bytes)?;
        Ok(bytes.len())
    }

    /// Does nothing: buffered bytes are written by [`Writer::finish`].
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes the databases and keys of an RDB: as part of a [`Writer`], or separately in several threads, whose bytes the
/// [`Writer`] then gets in order.
#[derive(Debug)]
pub struct Keys<W> {
    output: Output<W>,
    target: Release,
}

impl<W: Write> Keys<W> {
    /// Writes keys for this target.
    pub fn new(out: W, target: Release) -> Self {
        Self { output: Output::new(out), target }
    }

    /// The underlying writer, which does not have the buffered bytes yet.
    pub const fn out_mut(&mut self) -> &mut W {
        self.output.out_mut()
    }

    /// Writes the buffered bytes.
    ///
    /// # Errors
    /// See [`Writer::new`].
    pub fn flush(&mut self) -> io::Result<()> {
        self.output.spill()
    }

    /// Begins a database, with its number of keys and of keys that expire. The keys that follow belong to it.
    ///
    /// # Errors
    /// See [`Writer::new`].
    pub fn database(&mut self, number: u32, keys: usize, expiring: usize) -> io::Result<()> {
        self.output.byte(Opcode::SelectDatabase.number())?;
        self.output.length(number.into())?;
        self.output.byte(Opcode::ResizeDatabase.number())?;
        self.output.count(keys)?;
        self.output.count(expiring)
    }

    /// Writes a key with its value and its expiry in milliseconds of Unix time. Returns what the target cannot hold.
    ///
    /// A raw value of a type that the target reads is copied as it is.
    ///
    /// # Errors
    /// See [`Writer::new`].
    #[inline]
    pub fn key(&mut self, key: &[u8], value: &Value<'_>, expiry: Option<i64>) -> io::Result<Option<Lost>> {
        encode(&mut self.output, self.target, value, |output, type_code| {
            if let Some(expiry) = expiry {
                output.byte(Opcode::ExpireMilliseconds.number())?;
                output.bytes(&expiry.to_le_bytes())?;
            }
            output.byte(type_code)?;
            output.string(key)
        })
    }
}

#[cfg(test)]
mod tests;
