//! JSON Lines: one object for each record or entry.
//!
//! Written by hand, because a log of small arguments is nothing but the overhead of its serializer. What is written is
//! what `serde_json` would read back; the tests hold it to that.

use std::io::{self, Write};
use std::path::Path;

use data_encoding::BASE64;

use super::value::{of_entry, of_restore};
use super::{FLUSH_AT, Heading, Payloads, Printer};
use crate::aof::Content;
use crate::escape::is_obeyed;
use crate::rdb;
use crate::report::file_name::FileName;
use crate::report::json::write_object;
use crate::report::number::milliseconds;
use crate::select::Step;

/// The first object of a log. What is the same for all of its lines is said once, since a line each would take more
/// time and room.
#[derive(serde::Serialize)]
struct Header<'p> {
    kind: &'static str,
    path: FileName<&'p Path>,
}

/// Writes the header of a log: `aofkit` (the version of this program), `schema`, `kind` (`log`) and `path`.
///
/// # Errors
/// What the writer says.
pub fn write_json_header(out: &mut impl Write, path: &Path) -> io::Result<()> {
    write_object(out, &Header { kind: "log", path: FileName(path) })
}

/// How many records of a log match.
#[derive(serde::Serialize)]
struct Matches<'p> {
    path: FileName<&'p Path>,
    count: u64,
}

/// Writes how many records and entries of a log match: `aofkit`, `schema`, `path` and `count`.
///
/// # Errors
/// What the writer says.
pub fn write_json_count(out: &mut impl Write, path: &Path, count: u64) -> io::Result<()> {
    write_object(out, &Matches { path: FileName(path), count })
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
    out: W,
    line: Vec<u8>,
    /// From the `part` member to the colon behind the next member's name, the same for every line of a part.
    pub(super) part: Vec<u8>,
    payloads: Payloads,
}

impl<W: Write> Json<W> {
    /// A printer into `out`.
    pub fn new(out: W, payloads: Payloads) -> Self {
        Self { out, line: Vec::with_capacity(FLUSH_AT + 4096), part: Vec::new(), payloads }
    }

    /// Text that is JSON already.
    pub(super) fn raw(&mut self, text: &str) {
        self.line.extend_from_slice(text.as_bytes());
    }

    pub(super) fn number(&mut self, name: &'static str, number: impl itoa::Integer) {
        self.line.extend_from_slice(name.as_bytes());
        self.line.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
    }

    pub(super) fn optional(&mut self, name: &'static str, number: Option<impl itoa::Integer>) {
        if let Some(number) = number {
            self.number(name, number);
        }
    }

    pub(super) fn text(&mut self, name: &'static str, bytes: &[u8]) -> io::Result<()> {
        self.line.extend_from_slice(name.as_bytes());
        self.bytes(bytes)
    }

    /// A string, or an object if it is not UTF-8.
    #[inline]
    pub(super) fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        if bytes.len() <= FLUSH_AT && bytes.iter().all(|byte| is_plain(*byte)) {
            self.line.push(b'"');
            self.line.extend_from_slice(bytes);
            self.line.push(b'"');
            return self.relieve();
        }
        self.special_bytes(bytes)
    }

    #[inline(never)]
    fn special_bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Ok(text) = std::str::from_utf8(bytes) {
            self.line.push(b'"');
            let mut plain = 0;
            for (index, character) in text.char_indices() {
                if must_escape(character) {
                    self.long(text.get(plain..index).unwrap_or_default().as_bytes())?;
                    escape(&mut self.line, character);
                    plain = index + character.len_utf8();
                }
            }
            self.long(text.get(plain..).unwrap_or_default().as_bytes())?;
            self.line.push(b'"');
        } else {
            self.line.extend_from_slice(b"{\"base64\":\"");
            // Whole groups of three, so that no padding stands in the middle.
            for piece in bytes.chunks(FLUSH_AT / 4 * 3) {
                let start = self.line.len();
                self.line.resize(start + BASE64.encode_len(piece.len()), 0);
                BASE64.encode_mut(piece, self.line.get_mut(start..).unwrap_or_default());
                self.relieve()?;
            }
            self.line.extend_from_slice(b"\"}");
        }
        self.relieve()
    }

    /// Bytes of any number, without a buffer of that size.
    fn long(&mut self, bytes: &[u8]) -> io::Result<()> {
        for piece in bytes.chunks(FLUSH_AT) {
            self.line.extend_from_slice(piece);
            self.relieve()?;
        }
        Ok(())
    }

    #[inline]
    fn relieve(&mut self) -> io::Result<()> {
        if self.line.len() >= FLUSH_AT { self.hand_on() } else { Ok(()) }
    }

    /// The writer, with everything formatted so far written to it.
    pub(super) fn writer(&mut self) -> io::Result<&mut W> {
        self.hand_on()?;
        Ok(&mut self.out)
    }

    #[cold]
    fn hand_on(&mut self) -> io::Result<()> {
        self.out.write_all(&self.line)?;
        self.line.clear();
        Ok(())
    }

    fn begin(&mut self, kind: &'static str) {
        self.line.extend_from_slice(kind.as_bytes());
        self.line.extend_from_slice(&self.part);
    }

    fn end(&mut self) -> io::Result<()> {
        self.line.extend_from_slice(b"}\n");
        self.relieve()
    }

    fn command(&mut self, arguments: &[&[u8]]) -> io::Result<()> {
        let Some((name, arguments)) = arguments.split_first() else { return Ok(()) };
        self.text(",\"command\":", name)?;
        self.line.extend_from_slice(b",\"arguments\":[");
        if let Some((first, others)) = arguments.split_first() {
            self.bytes(first)?;
            for argument in others {
                self.line.push(b',');
                self.bytes(argument)?;
            }
        }
        self.line.push(b']');
        Ok(())
    }

    /// What a `RESTORE` restores, if that is to be shown.
    fn restored(&mut self, arguments: &[&[u8]]) -> io::Result<()> {
        if self.payloads == Payloads::Decoded
            && let Some((kind, value)) = of_restore(arguments)
        {
            self.text(",\"type\":", kind.as_bytes())?;
            self.raw(",\"value\":");
            self.value(&value)?;
        }
        Ok(())
    }

    fn entry(&mut self, entry: &rdb::Entry<'_>) -> io::Result<()> {
        self.number(",\"db\":", entry.database);
        self.text(",\"key\":", &entry.key)?;
        self.text(",\"type\":", entry.kind.data_type.name().as_bytes())?;
        self.text(",\"encoding\":", entry.kind.encoding.as_bytes())?;
        self.number(",\"bytes\":", entry.value.len());
        self.optional(",\"elements\":", entry.elements);
        self.optional(",\"expiry_ms\":", entry.expiry);
        self.optional(",\"idle_seconds\":", entry.idle);
        self.optional(",\"frequency\":", entry.frequency);
        if let Some(module) = entry.module {
            self.text(",\"module\":", module.name().as_bytes())?;
        }
        if let Some(value) = of_entry(entry) {
            self.raw(",\"value\":");
            self.value(&value)?;
        }
        Ok(())
    }
}

impl<W: Write> Printer for Json<W> {
    fn part(&mut self, part: &Heading<'_>) -> io::Result<()> {
        self.flush()?;
        if let Some(path) = part.log {
            self.text(",\"path\":", path)?;
        }
        self.text(",\"part\":", part.name)?;
        self.line.extend_from_slice(b",\"offset\":");
        self.part = std::mem::take(&mut self.line);
        Ok(())
    }

    fn record(&mut self, step: &Step<'_, '_>) -> io::Result<()> {
        let record = &step.record;
        self.begin(match record.content {
            Content::Command(_) => "{\"kind\":\"command\"",
            Content::Annotation(_) => "{\"kind\":\"annotation\"",
        });
        self.number("", record.offset);
        self.number(",\"length\":", record.length);
        self.number(",\"record\":", record.number);
        if let Content::Command(_) = record.content {
            self.number(",\"db\":", step.place.database);
        }
        self.optional(",\"time_ms\":", step.place.time.map(milliseconds));
        self.optional(",\"transaction\":", step.place.transaction);
        match record.content {
            Content::Command(arguments) => {
                self.command(arguments)?;
                self.restored(arguments)?;
            }
            Content::Annotation(line) => self.text(",\"text\":", line)?,
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
        self.number("", offset);
        self.number(",\"length\":", length);
        match item {
            rdb::Item::Entry(entry) => self.entry(entry)?,
            rdb::Item::Aux { key, value } => {
                self.text(",\"name\":", key)?;
                self.text(",\"value\":", value)?;
            }
            rdb::Item::Function { code } => self.text(",\"code\":", code)?,
            rdb::Item::ModuleAux { module, data, .. } => {
                self.text(",\"module\":", module.name().as_bytes())?;
                self.number(",\"bytes\":", data.len());
            }
            _ => {}
        }
        self.end()
    }

    fn flush(&mut self) -> io::Result<()> {
        self.hand_on()?;
        self.out.flush()
    }
}

/// Whether a byte stands for itself in a JSON string, whatever is around it.
const fn is_plain(byte: u8) -> bool {
    matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\'
}

/// What JSON does not allow, and what a terminal would obey.
fn must_escape(character: char) -> bool {
    match character {
        '"' | '\\' => true,
        _ => is_obeyed(character),
    }
}

fn escape(out: &mut Vec<u8>, character: char) {
    let letter = match character {
        '"' | '\\' => character,
        '\n' => 'n',
        '\r' => 'r',
        '\t' => 't',
        '\u{8}' => 'b',
        '\u{c}' => 'f',
        _ => {
            // Every character that must be escaped is below 0x10000.
            out.extend_from_slice(format!("\\u{:04x}", character as u32).as_bytes());
            return;
        }
    };
    out.push(b'\\');
    out.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
}
