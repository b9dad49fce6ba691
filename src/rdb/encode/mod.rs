//! Writing an RDB that a given version reads.

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

/// What a target cannot hold, and was left out.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Lost {
    /// When fields of a hash expire: they stay for ever.
    FieldExpiry {
        /// How many fields.
        fields: usize,
    },
    /// What a stream, its groups and consumers count, beyond what an older version knows: entries ever added, the
    /// greatest deleted id, entries read by a group, when a consumer was last active.
    StreamMetadata,
    /// The producers of a stream, their idempotent ids and the settings for them.
    StreamProducers,
    /// A function library.
    Function,
    /// A whole key: its raw value is of a type that the target does not read, and could not be decoded.
    Value(DecodeFault),
    /// A whole key: only its commands describe it.
    History,
}

impl Lost {
    /// Whether the whole key was left out.
    pub const fn is_whole_key(&self) -> bool {
        matches!(self, Self::Value(_) | Self::History)
    }
}

/// What the first fields of an RDB say about how it came to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin {
    /// When it was made, in seconds of Unix time.
    pub created: i64,
    /// How many bytes of memory were in use.
    pub used_memory: u64,
    /// Whether it names the server that it is written for, as servers do: whoever reads it takes that for the one that
    /// wrote it.
    pub named: bool,
}

/// Writes an RDB as servers write one for the base of an append-only log: functions first, then the databases, each by
/// [`Keys::database`] and then its keys.
#[derive(Debug)]
pub struct Writer<W> {
    keys: Keys<W>,
}

impl<W: Write> Writer<W> {
    /// Begins an RDB: its header and the fields about it.
    ///
    /// # Errors
    /// Those of `out`, here and below. After one what was written is to be thrown away.
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

    /// What was written for.
    pub const fn target(&self) -> Release {
        self.keys.target
    }

    /// How many bytes the RDB has so far.
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

    /// A function library: its source, with the `#!` line.
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

    /// Data that a module keeps beside the keys, as in [`super::Item::ModuleAux`].
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

    /// Ends the RDB with its checksum, and gives back what was written to, flushed.
    ///
    /// # Errors
    /// See [`Writer::new`].
    pub fn finish(mut self) -> io::Result<W> {
        self.opcode(Opcode::End)?;
        self.keys.output.finish()
    }
}

/// What [`Keys`] made elsewhere.
impl<W: Write> Write for Writer<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.keys.output.bytes(bytes)?;
        Ok(bytes.len())
    }

    /// Does nothing: what is held back is written by [`Writer::finish`].
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes the databases and keys of an RDB: as part of a [`Writer`], or apart from it, as several threads may, to give
/// it the bytes in order.
#[derive(Debug)]
pub struct Keys<W> {
    output: Output<W>,
    target: Release,
}

impl<W: Write> Keys<W> {
    /// Keys for what this target reads.
    pub fn new(out: W, target: Release) -> Self {
        Self { output: Output::new(out), target }
    }

    /// What is written to; it does not have what is still held back.
    pub const fn out_mut(&mut self) -> &mut W {
        self.output.out_mut()
    }

    /// Writes what is held back.
    ///
    /// # Errors
    /// See [`Writer::new`].
    pub fn flush(&mut self) -> io::Result<()> {
        self.output.spill()
    }

    /// The keys that follow are in this database, which has so many of them, and so many that expire.
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

    /// A key with its value, and when it expires in milliseconds of Unix time. Gives what the target cannot hold.
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
