//! JSON Lines: one object for each record or entry.
//!
//! Written by hand, because with small arguments most of the time of a general serializer is overhead. Tests check that
//! `serde_json` reads the same values back.

use std::io::{self, Write};
use std::path::Path;

use super::json_text::JsonText;
use super::value::{of_entry, of_restore, write_value};
use super::{Heading, Payloads, Printer};
use crate::aof::Content;
use crate::rdb;
use crate::report::file_name::FileName;
use crate::report::json::write_object;
use crate::report::number::milliseconds;
use crate::report::salvage::SkippedGap;
use crate::select::Step;

/// The first object of a log: what is the same for all of its lines is printed once, which saves time and space.
#[derive(serde::Serialize)]
struct Header<'p> {
    kind: &'static str,
    path: FileName<&'p Path>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    gaps: Vec<SkippedGap>,
}

/// Writes the header of a log: `aofkit` (the version of this program), `schema`, `kind` (`log`), `path` and `gaps`.
///
/// # Errors
/// What the writer says.
pub fn write_json_header(out: &mut impl Write, path: &Path, gaps: Vec<SkippedGap>) -> io::Result<()> {
    write_object(out, &Header { kind: "log", path: FileName(path), gaps })
}

/// How many records of a log match.
#[derive(serde::Serialize)]
struct Matches<'p> {
    path: FileName<&'p Path>,
    count: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    gaps: Vec<SkippedGap>,
}

/// Writes how many records and entries of a log match: `aofkit`, `schema`, `path`, `count` and `gaps`.
///
/// # Errors
/// What the writer says.
pub fn write_json_count(out: &mut impl Write, path: &Path, count: u64, gaps: Vec<SkippedGap>) -> io::Result<()> {
    write_object(out, &Matches { path: FileName(path), count, gaps })
}

/// Writes JSON Lines.
///
/// A log begins with its header, which is [`write_json_header`]'s. Every other object has `kind`, `part` (the file's
/// name), `offset` and `length` (bytes), and `path` again where several logs are printed. By kind:
/// - `command`: `record` (its number in the part, from 1), `db`, `time_ms` (the last `#TS:`; absent before the first),
///   `transaction` (its number in the log, from 1; absent outside), `command`, `arguments` (those after the name);
/// - `annotation`: `record`, `time_ms`, `transaction`, `text` (the line, `#` included);
/// - `entry`: `db`, `key`, `type`, `encoding`, `bytes` (of the value in the file), `elements` (absent for strings and
///   modules), `expiry_ms` (absent without), `idle_seconds`, `frequency`, `module`, `value` (absent for modules, and
///   where it is damaged);
/// - `aux`: `name`, `value`; `function`: `code`; `module_aux`: `module`, `bytes`.
///
/// Bytes that are UTF-8 are a string; any others are `{"base64": "…"}`.
#[derive(Debug)]
pub struct Json<W> {
    pub(super) line: JsonText<W>,
    /// From the `part` member to the colon after the next member's name, the same for every line of a part.
    pub(super) part: Vec<u8>,
    payloads: Payloads,
}

impl<W: Write> Json<W> {
    /// A printer into `out`.
    pub fn new(out: W, payloads: Payloads) -> Self {
        Self { line: JsonText::new(out), part: Vec::new(), payloads }
    }

    fn begin(&mut self, kind: &'static str) {
        self.line.text.extend_from_slice(kind.as_bytes());
        self.line.text.extend_from_slice(&self.part);
    }

    fn end(&mut self) -> io::Result<()> {
        self.line.text.extend_from_slice(b"}\n");
        self.line.relieve()
    }

    fn command(&mut self, arguments: &[&[u8]]) -> io::Result<()> {
        let Some((name, arguments)) = arguments.split_first() else { return Ok(()) };
        self.line.member(",\"command\":", name)?;
        self.line.text.extend_from_slice(b",\"arguments\":[");
        if let Some((first, others)) = arguments.split_first() {
            self.line.bytes(first)?;
            for argument in others {
                self.line.text.push(b',');
                self.line.bytes(argument)?;
            }
        }
        self.line.text.push(b']');
        Ok(())
    }

    /// What a `RESTORE` restores, if that is to be shown.
    fn restored(&mut self, arguments: &[&[u8]]) -> io::Result<()> {
        if self.payloads == Payloads::Decoded
            && let Some((kind, value)) = of_restore(arguments)
        {
            self.line.member(",\"type\":", kind.as_bytes())?;
            self.line.raw(",\"value\":");
            write_value(&mut self.line, &value)?;
        }
        Ok(())
    }

    fn entry(&mut self, entry: &rdb::Entry<'_>) -> io::Result<()> {
        self.line.number(",\"db\":", entry.database);
        self.line.member(",\"key\":", &entry.key)?;
        self.line.member(",\"type\":", entry.kind.data_type.name().as_bytes())?;
        self.line.member(",\"encoding\":", entry.kind.encoding.as_bytes())?;
        self.line.number(",\"bytes\":", entry.value.len());
        self.line.optional(",\"elements\":", entry.elements);
        self.line.optional(",\"expiry_ms\":", entry.expiry);
        self.line.optional(",\"idle_seconds\":", entry.idle);
        self.line.optional(",\"frequency\":", entry.frequency);
        if let Some(module) = entry.module {
            self.line.member(",\"module\":", module.name().as_bytes())?;
        }
        if let Some(value) = of_entry(entry) {
            self.line.raw(",\"value\":");
            write_value(&mut self.line, &value)?;
        }
        Ok(())
    }
}

impl<W: Write> Printer for Json<W> {
    fn part(&mut self, part: &Heading<'_>) -> io::Result<()> {
        self.flush()?;
        if let Some(path) = part.log {
            self.line.member(",\"path\":", path)?;
        }
        self.line.member(",\"part\":", part.name)?;
        self.line.text.extend_from_slice(b",\"offset\":");
        self.part = std::mem::take(&mut self.line.text);
        Ok(())
    }

    fn record(&mut self, step: &Step<'_, '_>) -> io::Result<()> {
        let record = &step.record;
        self.begin(match record.content {
            Content::Command(_) => "{\"kind\":\"command\"",
            Content::Annotation(_) => "{\"kind\":\"annotation\"",
        });
        self.line.number("", record.offset);
        self.line.number(",\"length\":", record.length);
        self.line.number(",\"record\":", record.number);
        if let Content::Command(_) = record.content {
            self.line.number(",\"db\":", step.place.database);
        }
        self.line.optional(",\"time_ms\":", step.place.time.map(milliseconds));
        self.line.optional(",\"transaction\":", step.place.transaction);
        match record.content {
            Content::Command(arguments) => {
                self.command(arguments)?;
                self.restored(arguments)?;
            }
            Content::Annotation(line) => self.line.member(",\"text\":", line)?,
        }
        self.end()
    }

    fn item(&mut self, offset: u64, length: u64, item: &rdb::Item<'_>) -> io::Result<()> {
        let kind = match item {
            rdb::Item::Entry(_) => "{\"kind\":\"entry\"",
            rdb::Item::Aux { .. } => "{\"kind\":\"aux\"",
            rdb::Item::Function { .. } => "{\"kind\":\"function\"",
            rdb::Item::ModuleAux { .. } => "{\"kind\":\"module_aux\"",
            _ => return Ok(()),
        };
        self.begin(kind);
        self.line.number("", offset);
        self.line.number(",\"length\":", length);
        match item {
            rdb::Item::Entry(entry) => self.entry(entry)?,
            rdb::Item::Aux { key, value } => {
                self.line.member(",\"name\":", key)?;
                self.line.member(",\"value\":", value)?;
            }
            rdb::Item::Function { code } => self.line.member(",\"code\":", code)?,
            rdb::Item::ModuleAux { module, data, .. } => {
                self.line.member(",\"module\":", module.name().as_bytes())?;
                self.line.number(",\"bytes\":", data.len());
            }
            _ => {}
        }
        self.end()
    }

    fn flush(&mut self) -> io::Result<()> {
        self.line.writer()?.flush()
    }
}
