//! The walk over a whole RDB.

use std::borrow::Cow;

use super::context::{Context, FoundBy, ModuleId};
use super::damage::{Consumer, Damage, Doing, Flaw};
use super::fault::{DamageKind, Fault, Malformed};
use super::format::{HEADER_LENGTH, Header, Opcode};
use super::primitive::{Crc64, RawString, Reader};
use super::types::{TypeRow, type_row};
use super::value::module_value;
use crate::value::Family;

/// An item of an RDB. Strings borrow from the file unless they had to be decompressed or formatted.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Item<'a> {
    /// The first nine bytes.
    Header(Header),
    /// A name and a value about the file: `redis-ver`, `valkey-ver`, `ctime`, `aof-base`, …
    Aux {
        /// The name.
        key: Cow<'a, [u8]>,
        /// The value.
        value: Cow<'a, [u8]>,
    },
    /// The database of the entries that follow. Servers refuse a number that is not below their setting `databases`
    /// (16).
    SelectDatabase(u64),
    /// The number of entries of the database; a hint.
    ResizeDatabase {
        /// All entries.
        keys: u64,
        /// Those with an expiry.
        expires: u64,
    },
    /// The number of entries of a slot; a hint for clusters (Redis 7.4 and later).
    SlotInfo {
        /// The slot.
        slot: u64,
        /// All entries.
        keys: u64,
        /// Those with an expiry.
        expires: u64,
    },
    /// A slot import under way (Valkey 9).
    SlotImport {
        /// The name of the job, 40 bytes.
        job: Cow<'a, [u8]>,
        /// First and last slot of each range.
        ranges: Vec<(u64, u64)>,
        /// Its flaws.
        flaws: Vec<Flaw>,
    },
    /// A function library.
    Function {
        /// Its source, with the `#!` line.
        code: Cow<'a, [u8]>,
    },
    /// Data that a module stores in addition to the keys.
    ModuleAux {
        /// The module type.
        module: ModuleId,
        /// Whether the module wrote it before (1) or after (2) the keys.
        when: u64,
        /// The module's own opcodes and operands, including the final 0.
        data: &'a [u8],
        /// Its flaws.
        flaws: Vec<Flaw>,
    },
    /// A key with its value.
    Entry(Entry<'a>),
    /// The end.
    End {
        /// The result of the checksum.
        checksum: Checksum,
    },
}

impl Item<'_> {
    /// The flaws of the item.
    pub fn flaws(&self) -> &[Flaw] {
        match self {
            Self::Entry(Entry { flaws, .. }) | Self::SlotImport { flaws, .. } | Self::ModuleAux { flaws, .. } => flaws,
            _ => &[],
        }
    }

    /// Where `consumer` stops inside the item; `None` if it does not.
    pub fn stop(&self, consumer: Consumer) -> Option<&Damage> {
        consumer.first_stop(self.flaws())
    }
}

/// A key with its value, their places and their attributes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry<'a> {
    /// The offset of its first opcode: of an expiry, idle time, frequency or module data, or of the type.
    pub offset: u64,
    /// Its length in bytes from there.
    pub length: u64,
    /// The database it belongs to.
    pub database: u64,
    /// The key.
    pub key: Cow<'a, [u8]>,
    /// The type of the value.
    pub kind: &'static TypeRow,
    /// When the key expires, in milliseconds of Unix time.
    pub expiry: Option<i64>,
    /// The idle time in seconds.
    pub idle: Option<u64>,
    /// The access frequency, as a logarithm.
    pub frequency: Option<u8>,
    /// Data that modules store with the key (Redis 8.6): the bytes after the opcode.
    pub metadata: Option<&'a [u8]>,
    /// The number of elements of the value (pairs of field and value, entries of a stream); `None` for strings and
    /// modules.
    pub elements: Option<u64>,
    /// The module type of a module's value.
    pub module: Option<ModuleId>,
    /// The encoded value.
    pub value: &'a [u8],
    /// The offset of the key.
    pub key_offset: u64,
    /// The offset of the value.
    pub value_offset: u64,
    /// The flaws of the value in their order; at most as many as are needed to tell which servers and checkers stop.
    pub flaws: Vec<Flaw>,
}

/// The result of the checksum, the eight bytes at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checksum {
    /// There is none, as in versions before 5.
    Absent,
    /// It is 0: it was not computed (`rdbchecksum no`), and is not checked.
    Disabled,
    /// It is right.
    Verified(u64),
}

/// The attributes of the next key, from opcodes.
#[derive(Debug, Default, Clone, Copy)]
struct Attributes<'a> {
    /// The offset of the first of these opcodes, unless something other than a key followed.
    start: Option<usize>,
    expiry: Option<i64>,
    idle: Option<u64>,
    frequency: Option<u8>,
    metadata: Option<&'a [u8]>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Header,
    Body,
    Ended,
}

/// The module opcode before an unsigned integer.
pub(super) const MODULE_UNSIGNED: u64 = 2;
/// The number of bytes after which they are added to the checksum: few enough to be still in the cache, and enough to
/// be fast.
const CHECKSUM_SPAN: usize = 256 * 1024;

/// Reads an RDB item by item, and verifies it.
///
/// It ends after [`Item::End`] or a [`Damage`]; after the former, [`Walker::position`] is the beginning of the RESP
/// tail of an append-only file. Nothing is read twice, and no memory is allocated by a size that the file claims.
#[derive(Debug)]
pub struct Walker<'a> {
    bytes: &'a [u8],
    context: Context<'a>,
    state: State,
    header: Header,
    database: u64,
    attributes: Attributes<'a>,
    checksum: Crc64,
    /// The end of the bytes that were added to the checksum.
    summed: usize,
    /// The offset of the last item.
    item: usize,
    doing: Doing,
    scrutiny: Scrutiny,
}

/// An item; an entry, as most are, in a small form that is fast to return.
#[derive(Debug)]
pub(super) enum Step<'a> {
    Entry(RawEntry<'a>),
    Other(Box<Item<'a>>),
}

impl<'a> Step<'a> {
    fn other(item: Item<'a>) -> Self {
        Self::Other(Box::new(item))
    }
}

/// A key and its value as they were read; the walk keeps the rest.
#[derive(Debug, Clone, Copy)]
pub(super) struct RawEntry<'a> {
    pub(super) kind: &'static TypeRow,
    /// Its compression, if any, is verified.
    pub(super) key: RawString<'a>,
    pub(super) value: &'a [u8],
    key_offset: usize,
}

/// The attributes of an entry from opcodes.
#[derive(Debug)]
pub(super) struct Rest<'a> {
    pub(super) database: u64,
    pub(super) expiry: Option<i64>,
    pub(super) metadata: Option<&'a [u8]>,
}

/// How thoroughly values are verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scrutiny {
    /// Values are fully verified.
    Whole,
    /// Only the end of each value is found; damage is left to the decoder. [`Entry::elements`] stays unknown.
    Ends,
}

impl<'a> Walker<'a> {
    /// A walk over the RDB that begins at `start` of a file.
    pub fn new(bytes: &'a [u8], start: usize) -> Self {
        let reader = Reader::new(bytes, start);
        let start = reader.position();
        Self {
            bytes,
            context: Context::new(reader),
            state: State::Header,
            header: Header { family: Family::Redis, version: 0, padded: true },
            database: 0,
            attributes: Attributes::default(),
            checksum: Crc64::default(),
            summed: start,
            item: start,
            doing: Doing::Start,
            scrutiny: Scrutiny::Whole,
        }
    }

    /// A walk that begins at an item of an RDB with this header, where this database is selected. Its checksum is that
    /// of the items from there on, and tells nothing.
    pub(crate) fn resumed(bytes: &'a [u8], start: usize, header: Header, database: u64) -> Self {
        Self { state: State::Body, header, database, ..Self::new(bytes, start) }
    }

    /// Sets how thoroughly values are verified.
    #[must_use]
    pub fn with_scrutiny(self, scrutiny: Scrutiny) -> Self {
        Self { scrutiny, ..self }
    }

    /// The offset of the next byte to read, after the last item.
    pub fn position(&self) -> u64 {
        self.context.reader.position() as u64
    }

    /// The offset of the item that was last returned, or in which the damage is.
    pub fn item_offset(&self) -> u64 {
        self.item as u64
    }

    /// The header, once it has been read.
    pub fn header(&self) -> Option<Header> {
        (self.header.version != 0).then_some(self.header)
    }

    /// The damage of a fault outside a value, or before the key is known.
    fn damage(&self, fault: Fault) -> Damage {
        Damage {
            offset: fault.offset as u64,
            position: fault.position as u64,
            kind: fault.kind,
            doing: self.doing,
            key: None,
            row: None,
            flaws: Vec::new(),
        }
    }

    fn read_header(&mut self) -> Result<Step<'a>, Box<Damage>> {
        let start = self.context.reader.position();
        let bytes = match self.context.reader.array::<HEADER_LENGTH>() {
            Ok(bytes) => bytes,
            Err(fault) => return Err(Box::new(self.damage(fault))),
        };
        let fault = match Header::parse(bytes) {
            Some(header) if header.is_known() => {
                self.header = header;
                self.state = State::Body;
                return Ok(Step::other(Item::Header(header)));
            }
            Some(header) => self.context.reader.fault(start, DamageKind::UnsupportedVersion(header)),
            None => self.context.reader.fault(start, Malformed::Signature),
        };
        Err(Box::new(self.damage(fault)))
    }

    /// Reads opcodes up to the end of one item.
    #[inline]
    fn read_item(&mut self) -> Result<Step<'a>, Box<Damage>> {
        loop {
            self.doing = Doing::ReadType;
            let start = self.context.reader.position();
            let number = match self.context.reader.byte() {
                Ok(number) => number,
                Err(fault) => return Err(Box::new(self.damage(fault))),
            };
            if let Some(row) = type_row(self.header.family, number) {
                self.item = self.attributes.start.unwrap_or(start);
                return self.read_entry(row).map(Step::Entry);
            }
            let Some(opcode) = Opcode::of(self.header, number) else {
                // The numbers of types are assigned upwards, those of opcodes downwards.
                let kind = if number < 128 { DamageKind::UnknownType } else { DamageKind::UnknownOpcode };
                return Err(Box::new(self.damage(self.context.reader.fault(start, kind(number)))));
            };
            let read = match opcode {
                Opcode::ExpireSeconds
                | Opcode::ExpireMilliseconds
                | Opcode::Idle
                | Opcode::Frequency
                | Opcode::KeyMeta => {
                    self.attributes.start.get_or_insert(start);
                    self.item = self.attributes.start.unwrap_or(start);
                    match self.read_attribute(opcode) {
                        Ok(()) => continue,
                        Err(fault) => Err(fault),
                    }
                }
                Opcode::End => {
                    self.item = start;
                    return self.read_end().map(Step::other).map_err(Box::new);
                }
                _ => {
                    self.item = start;
                    // The attributes still apply to the next key, but are no longer adjacent to it.
                    self.attributes.start = None;
                    self.context.begin_value();
                    self.read_operands(opcode)
                }
            };
            return read.map(Step::other).map_err(|fault| {
                let flaws = self.flaws(None, None);
                Box::new(Damage { flaws, ..self.damage(fault) })
            });
        }
    }

    fn read_attribute(&mut self, opcode: Opcode) -> Result<(), Fault> {
        let reader = &mut self.context.reader;
        match opcode {
            Opcode::ExpireSeconds => {
                self.doing = Doing::ReadExpire;
                self.attributes.expiry = Some(i64::from(i32::from_le_bytes(reader.array()?)) * 1000);
            }
            Opcode::ExpireMilliseconds => {
                self.doing = Doing::ReadExpire;
                self.attributes.expiry = Some(i64::from_le_bytes(reader.array()?));
            }
            Opcode::Idle => self.attributes.idle = Some(reader.length()?),
            Opcode::Frequency => self.attributes.frequency = Some(reader.byte()?),
            _ => {
                let start = reader.position();
                // The number of classes, and for each its specification and its value.
                for _ in 0..reader.length()? {
                    self.context.reader.take(4)?;
                    module_value(&mut self.context)?;
                }
                self.context.flaws.clear();
                self.attributes.metadata = Some(self.context.reader.since(start));
            }
        }
        Ok(())
    }

    fn read_operands(&mut self, opcode: Opcode) -> Result<Item<'a>, Fault> {
        let reader = &mut self.context.reader;
        Ok(match opcode {
            Opcode::SelectDatabase => {
                self.doing = Doing::ReadLength;
                self.database = reader.length()?;
                Item::SelectDatabase(self.database)
            }
            Opcode::ResizeDatabase => {
                self.doing = Doing::ReadLength;
                Item::ResizeDatabase { keys: reader.length()?, expires: reader.length()? }
            }
            Opcode::SlotInfo => {
                Item::SlotInfo { slot: reader.length()?, keys: reader.length()?, expires: reader.length()? }
            }
            Opcode::SlotImport => return self.read_slot_import(),
            Opcode::ModuleAux => return self.read_module_aux(),
            Opcode::Function => {
                self.doing = Doing::ReadFunctions;
                Item::Function { code: self.read_bytes()? }
            }
            _ => {
                self.doing = Doing::ReadAux;
                Item::Aux { key: self.read_bytes()?, value: self.read_bytes()? }
            }
        })
    }

    /// Reads a string, decompressed or formatted.
    fn read_bytes(&mut self) -> Result<Cow<'a, [u8]>, Fault> {
        let start = self.context.reader.position();
        let raw = self.context.reader.raw_string()?;
        raw.bytes().map_err(|fault| self.context.reader.fault(start, Malformed::Lzf(fault)))
    }

    /// Valkey 9: the name of a job, and ranges of slots.
    fn read_slot_import(&mut self) -> Result<Item<'a>, Fault> {
        const NAME: usize = 40;
        const SLOTS: u64 = 16_384;
        let offset = self.context.reader.position();
        let job = self.read_bytes()?;
        if job.len() != NAME {
            self.context.flaw(offset, Malformed::SlotImport, FoundBy::ALWAYS);
        }
        let mut ranges = Vec::new();
        for _ in 0..self.context.reader.length()? {
            let offset = self.context.reader.position();
            let (first, last) = (self.context.reader.length()?, self.context.reader.length()?);
            if first > last || last >= SLOTS {
                self.context.flaw(offset, Malformed::SlotImport, FoundBy::ON_LOAD);
            }
            ranges.push((first, last));
        }
        Ok(Item::SlotImport { job, ranges, flaws: self.flaws(None, None) })
    }

    fn read_module_aux(&mut self) -> Result<Item<'a>, Fault> {
        self.doing = Doing::ReadModuleAux;
        let reader = &mut self.context.reader;
        let module = ModuleId(reader.length()?);
        let offset = reader.position();
        let (when_opcode, when) = (reader.length()?, reader.length()?);
        if when_opcode != MODULE_UNSIGNED {
            self.context.flaw(offset, Malformed::ModuleWhen(when_opcode), FoundBy::SINCE_7);
        }
        let start = self.context.reader.position();
        module_value(&mut self.context)?;
        let data = self.context.reader.since(start);
        Ok(Item::ModuleAux { module, when, data, flaws: self.flaws(None, None) })
    }

    #[inline]
    fn read_entry(&mut self, row: &'static TypeRow) -> Result<RawEntry<'a>, Box<Damage>> {
        self.doing = Doing::ReadKey;
        self.context.begin_value();
        let key_offset = self.context.reader.position();
        let key = match self.context.reader.string() {
            Ok(key) => key,
            Err(fault) => return Err(Box::new(Damage { row: Some(row), ..self.damage(fault) })),
        };
        self.doing = Doing::ReadValue;
        let value_offset = self.context.reader.position();
        let read = match self.scrutiny {
            Scrutiny::Whole => (row.verify)(&mut self.context),
            Scrutiny::Ends => (row.skip)(&mut self.context.reader),
        };
        if let Err(fault) = read {
            let flaws = self.flaws(Some(key), Some(row));
            let key = Some(key.to_vec());
            return Err(Box::new(Damage { row: Some(row), key, flaws, ..self.damage(fault) }));
        }
        let value = self.context.reader.since(value_offset);
        Ok(RawEntry { kind: row, key, key_offset, value })
    }

    /// The entry that was just read.
    fn entry(&mut self, RawEntry { kind, key, key_offset, value }: RawEntry<'a>) -> Entry<'a> {
        let flaws = self.flaws(Some(key), Some(kind));
        let Attributes { start: _, expiry, idle, frequency, metadata } = std::mem::take(&mut self.attributes);
        let end = self.context.reader.position();
        Entry {
            offset: self.item as u64,
            length: (end - self.item) as u64,
            database: self.database,
            key: key.bytes().unwrap_or_default(),
            kind,
            expiry,
            idle,
            frequency,
            metadata,
            elements: self.context.elements,
            module: self.context.module,
            value,
            key_offset: key_offset as u64,
            value_offset: (end - value.len()) as u64,
            flaws,
        }
    }

    /// Takes the attributes of the entry that was just read that a keyspace needs, in addition to its key and value.
    #[inline]
    pub(super) fn take_rest(&mut self) -> Rest<'a> {
        let Attributes { expiry, metadata, .. } = std::mem::take(&mut self.attributes);
        Rest { database: self.database, expiry, metadata }
    }

    /// Reads the next item like the iterator, but returns entries as they were read.
    #[inline]
    pub(super) fn step(&mut self) -> Option<Result<Step<'a>, Box<Damage>>> {
        let read = match self.state {
            State::Body => self.read_item(),
            State::Header => self.read_header(),
            State::Ended => return None,
        };
        match &read {
            Ok(_) => self.sum(CHECKSUM_SPAN),
            Err(_) => self.state = State::Ended,
        }
        Some(read)
    }

    /// The flaws that the context recorded, with the key and the row.
    #[inline]
    fn flaws(&mut self, key: Option<RawString<'_>>, row: Option<&'static TypeRow>) -> Vec<Flaw> {
        if self.context.flaws.is_empty() {
            return Vec::new();
        }
        let noted = std::mem::take(&mut self.context.flaws);
        noted
            .into_iter()
            .map(|found| Flaw {
                damage: Damage { key: key.map(RawString::to_vec), row, ..self.damage(found.fault) },
                checkers: found.checkers,
                servers: found.servers,
            })
            .collect()
    }

    /// Adds the bytes up to the reader's position to the checksum, once there are at least `at_least`.
    #[inline]
    fn sum(&mut self, at_least: usize) {
        if self.context.reader.position() - self.summed >= at_least {
            self.checksum.update(self.context.reader.since(self.summed));
            self.summed = self.context.reader.position();
        }
    }

    fn read_end(&mut self) -> Result<Item<'a>, Damage> {
        self.state = State::Ended;
        if !self.header.has_checksum() {
            return Ok(Item::End { checksum: Checksum::Absent });
        }
        self.doing = Doing::CheckSum;
        self.sum(1);
        let offset = self.context.reader.position();
        let stored = match self.context.reader.array() {
            Ok(stored) => u64::from_le_bytes(stored),
            Err(fault) => return Err(self.damage(fault)),
        };
        let computed = self.checksum.value();
        match stored {
            0 => Ok(Item::End { checksum: Checksum::Disabled }),
            _ if stored == computed => Ok(Item::End { checksum: Checksum::Verified(stored) }),
            _ => Err(self.damage(self.context.reader.fault(offset, DamageKind::Checksum { stored, computed }))),
        }
    }

    /// The bytes of the file.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }
}

impl<'a> Iterator for Walker<'a> {
    type Item = Result<Item<'a>, Damage>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(match self.step()? {
            Ok(Step::Entry(entry)) => Ok(Item::Entry(self.entry(entry))),
            Ok(Step::Other(item)) => Ok(*item),
            Err(damage) => Err(*damage),
        })
    }
}
