//! Text for people: a row for each record or entry, in columns.

use std::io::{self, Write};

use jiff::Timestamp;

use super::value::{of_entry, of_restore, words};
use super::{Announced, FLUSH_AT, Heading, Payloads, Printer};
use crate::aof::Content;
use crate::aof::transaction::Membership;
use crate::escape;
use crate::plural::counted;
use crate::rdb;
use crate::report::style::{Style, Tone};
use crate::select::Step;
use crate::value::Value;

/// Writes text.
///
/// Everything that comes from the log is escaped as [`escape::show`] does it. Columns are those of a terminal, on which
/// a character may take two.
#[derive(Debug)]
pub struct Text<W> {
    out: W,
    row: Vec<u8>,
    palette: Palette,
    lengths: Lengths,
    columns: Columns,
    /// Columns that the offsets of this part take.
    offset_width: usize,
    time: Time,
    /// The transaction of the row before.
    transaction: Option<u64>,
    /// Whether anything was written.
    begun: bool,
    payloads: Payloads,
}

/// What is put around the parts of a row: nothing, or the codes of a terminal.
#[derive(Debug)]
struct Palette {
    /// What stands back: offsets, lines, annotations, remarks.
    quiet: String,
    /// What stands out: names of commands and keys of entries.
    strong: String,
    /// The end of either.
    plain: String,
}

impl Palette {
    /// The codes once, rather than for every row.
    fn of(style: Style) -> Self {
        let codes = |tone| {
            let painted = style.paint(tone, '\0').to_string();
            painted.split_once('\0').map(|(before, behind)| (before.to_owned(), behind.to_owned())).unwrap_or_default()
        };
        let (quiet, plain) = codes(Tone::Faint);
        Self { quiet, strong: codes(Tone::Notable).0, plain }
    }
}

/// How long values are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lengths {
    /// Rows fit into this many columns where possible: values are shortened, and arguments left out.
    Within(usize),
    /// Everything.
    Full,
}

/// What the row before had, and so under which heads the next one stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Columns {
    None,
    Entries,
    Records(Times),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Times {
    Shown,
    Unknown,
}

/// The last time that was written, since many records share one.
#[derive(Debug, Default)]
struct Time {
    second: Option<i64>,
    text: String,
}

/// Columns of `2023-11-14 22:13:20`.
const TIME_WIDTH: usize = 19;
/// The fewest columns of a value that is shortened.
const LEAST: usize = 24;
/// Columns of the longest name of an encoding, and of a type.
const ENCODING_WIDTH: usize = 11;
const TYPE_WIDTH: usize = 8;
const SIZE_WIDTH: usize = 8;

impl<W: Write> Text<W> {
    /// A printer into `out`.
    pub fn new(out: W, style: Style, lengths: Lengths, payloads: Payloads) -> Self {
        Self {
            out,
            row: Vec::with_capacity(FLUSH_AT + 4096),
            palette: Palette::of(style),
            lengths,
            columns: Columns::None,
            offset_width: 6,
            time: Time::default(),
            transaction: None,
            begun: false,
            payloads,
        }
    }

    fn word(&mut self, text: &str) {
        self.row.extend_from_slice(text.as_bytes());
    }

    fn quiet(&mut self, text: &str) {
        self.row.extend_from_slice(self.palette.quiet.as_bytes());
        self.row.extend_from_slice(text.as_bytes());
        self.row.extend_from_slice(self.palette.plain.as_bytes());
    }

    fn spaces(&mut self, count: usize) {
        self.row.resize(self.row.len() + count, b' ');
    }

    /// A number in the right of a column.
    fn number(&mut self, number: u64, width: usize) {
        let mut digits = itoa::Buffer::new();
        let digits = digits.format(number);
        self.spaces(width.saturating_sub(digits.len()));
        self.word(digits);
    }

    fn offset(&mut self, offset: u64) {
        self.row.extend_from_slice(self.palette.quiet.as_bytes());
        self.number(offset, self.offset_width);
        self.row.extend_from_slice(self.palette.plain.as_bytes());
        self.spaces(2);
    }

    /// Writes the heads of the columns where they change.
    fn heads(&mut self, columns: Columns) {
        if self.columns == columns {
            return;
        }
        if self.begun && self.columns != Columns::None {
            self.word("\n");
        }
        self.begun = true;
        self.columns = columns;
        let mut heads = format!("{:>width$}  db  ", "offset", width = self.offset_width);
        match columns {
            Columns::None => return,
            Columns::Entries => heads.push_str("type    encoding        bytes  key"),
            Columns::Records(Times::Unknown) => heads.push_str("  command"),
            Columns::Records(Times::Shown) => heads.push_str("time (UTC)             command"),
        }
        self.quiet(&heads);
        self.word("\n");
    }

    fn end(&mut self) -> io::Result<()> {
        self.row.push(b'\n');
        self.relieve()
    }

    fn relieve(&mut self) -> io::Result<()> {
        if self.row.len() >= FLUSH_AT { self.hand_on() } else { Ok(()) }
    }

    fn hand_on(&mut self) -> io::Result<()> {
        self.out.write_all(&self.row)?;
        self.row.clear();
        Ok(())
    }

    /// The columns that stand before the command or the annotation; returns how many columns they take.
    fn record_head(&mut self, step: &Step<'_, '_>) -> usize {
        let known = matches!(self.columns, Columns::Records(Times::Shown)) || step.place.time.is_some();
        self.heads(Columns::Records(if known { Times::Shown } else { Times::Unknown }));
        self.offset(step.record.offset);
        match step.record.content {
            Content::Command(_) => self.number(step.place.database, 2),
            Content::Annotation(_) => self.spaces(2),
        }
        self.spaces(2);
        let mut used = self.offset_width + 2 + 2 + 2 + 2;
        if known {
            match step.place.time {
                Some(second) => self.row.extend_from_slice(self.time.format(second).as_bytes()),
                None => self.spaces(TIME_WIDTH),
            }
            self.spaces(2);
            used += TIME_WIDTH + 2;
        }
        let first = step.place.transaction != self.transaction;
        self.transaction = step.place.transaction;
        match step.place.membership {
            Membership::Outside => self.word("  "),
            Membership::Closes => self.quiet("└ "),
            Membership::Opens => self.quiet("┌ "),
            Membership::Inside if first => self.quiet("┌ "),
            Membership::Inside => self.quiet("│ "),
        }
        used
    }

    /// The arguments, within `left` columns as far as that can be.
    fn arguments(&mut self, arguments: &[&[u8]], mut left: usize) -> io::Result<()> {
        let Lengths::Within(_) = self.lengths else {
            for argument in arguments {
                self.row.push(b' ');
                self.full(argument)?;
            }
            return Ok(());
        };
        for (index, argument) in arguments.iter().enumerate() {
            let behind = arguments.get(index..).unwrap_or_default();
            if fit(behind, left) {
                for argument in behind {
                    self.row.push(b' ');
                    escape::show_argument(&mut self.row, argument);
                }
                return Ok(());
            }
            // Room for the remark that there is more, unless this is the last.
            let room = left.saturating_sub(if behind.len() > 1 { 18 } else { 1 });
            if index > 0 && room < LEAST && !fit(behind.get(..1).unwrap_or_default(), room) {
                self.row.push(b' ');
                self.quiet(&format!("… ({} more)", behind.len()));
                return Ok(());
            }
            let most = if behind.len() > 1 { (left / 2).max(LEAST) } else { room.max(LEAST) };
            self.row.push(b' ');
            left = left.saturating_sub(1 + escape::shortened(&mut self.row, argument, most));
        }
        Ok(())
    }

    /// A value of any length, without a buffer of that size.
    fn full(&mut self, bytes: &[u8]) -> io::Result<()> {
        if bytes.len() <= FLUSH_AT {
            escape::show_argument(&mut self.row, bytes);
            return self.relieve();
        }
        self.row.push(b'"');
        let mut rest = bytes;
        while !rest.is_empty() {
            let piece = escape::head(rest, FLUSH_AT);
            escape::show(&mut self.row, piece);
            self.relieve()?;
            rest = rest.get(piece.len()..).unwrap_or_default();
        }
        self.row.push(b'"');
        Ok(())
    }

    /// A key or a name that stands out, cut if it has to be.
    fn strong(&mut self, bytes: &[u8], most: usize) -> io::Result<usize> {
        self.row.extend_from_slice(self.palette.strong.as_bytes());
        let used = match self.lengths {
            Lengths::Full => {
                self.full(bytes)?;
                0
            }
            Lengths::Within(_) => escape::shortened(&mut self.row, bytes, most.max(LEAST)),
        };
        self.row.extend_from_slice(self.palette.plain.as_bytes());
        Ok(used)
    }

    fn width(&self) -> usize {
        match self.lengths {
            Lengths::Within(width) => width,
            Lengths::Full => usize::MAX,
        }
    }

    /// The columns before an item's key or name; returns how many columns are left.
    fn item_head(&mut self, offset: u64, database: Option<u64>, kind: &str, encoding: &str, size: usize) -> usize {
        self.heads(Columns::Entries);
        self.offset(offset);
        match database {
            Some(database) => self.number(database, 2),
            None => self.spaces(2),
        }
        self.word(&format!("  {kind:<TYPE_WIDTH$}{encoding:<ENCODING_WIDTH$}  {size:>SIZE_WIDTH$}  "));
        self.width().saturating_sub(self.offset_width + 2 + 2 + 2 + TYPE_WIDTH + ENCODING_WIDTH + 2 + SIZE_WIDTH + 2)
    }

    /// Unix milliseconds in RFC 3339, to the second where room is dear; the bare number where no calendar reaches.
    fn moment(&self, milliseconds: i64) -> String {
        let shown = match self.lengths {
            Lengths::Within(_) => milliseconds.saturating_sub(milliseconds.rem_euclid(1000)),
            Lengths::Full => milliseconds,
        };
        match Timestamp::from_millisecond(shown) {
            Ok(moment) => moment.to_string(),
            Err(_) => format!("at {milliseconds} ms"),
        }
    }

    /// The arguments of a `RESTORE`, with its value in place of the payload.
    fn restored(&mut self, arguments: &[&[u8]], kind: &str, value: &Value<'_>, left: usize) -> io::Result<()> {
        let kind = format!("({kind})");
        let mut all: Vec<&[u8]> = arguments.iter().take(2).copied().collect();
        all.extend(arguments.iter().skip(3));
        all.push(kind.as_bytes());
        let words = words(value);
        all.extend(words.iter().map(AsRef::as_ref));
        self.arguments(&all, left)
    }

    /// The words of a value, as many as there is room for.
    fn value(&mut self, value: &Value<'_>, left: usize) -> io::Result<()> {
        let words = words(value);
        let words: Vec<&[u8]> = words.iter().map(AsRef::as_ref).collect();
        self.arguments(&words, left)
    }

    fn entry(&mut self, entry: &rdb::Entry<'_>) -> io::Result<()> {
        let (kind, encoding) = (entry.kind.data_type.name(), entry.kind.encoding);
        let left = self.item_head(entry.offset, Some(entry.database), kind, encoding, entry.value.len());
        let mut remarks = Vec::new();
        if let Some(module) = entry.module {
            remarks.push(escape::Argument(module.name().as_bytes()).to_string());
        }
        remarks.extend(entry.elements.map(|elements| counted(elements, "element")));
        if let Some(expiry) = entry.expiry {
            remarks.push(format!("expires {}", self.moment(expiry)));
        }
        let remarks = remarks.join(", ");
        let used = self.strong(&entry.key, left.saturating_sub(remarks.len() + 2))?;
        let mut left = left.saturating_sub(used);
        if !remarks.is_empty() {
            self.spaces(2);
            self.quiet(&remarks);
            left = left.saturating_sub(2 + remarks.len());
        }
        if let Some(value) = of_entry(entry) {
            self.spaces(1);
            self.value(&value, left.saturating_sub(1))?;
        }
        self.end()
    }
}

/// Whether the arguments, each with a space before it, need no more than `columns`.
fn fit(arguments: &[&[u8]], mut columns: usize) -> bool {
    for argument in arguments {
        // A character has four bytes at most: what is longer need not be looked at.
        if argument.len() >= columns.saturating_mul(4) {
            return false;
        }
        let used = 1 + escape::shown_width(argument);
        if used > columns {
            return false;
        }
        columns -= used;
    }
    true
}

impl Time {
    fn format(&mut self, second: i64) -> &str {
        if self.second != Some(second) {
            self.second = Some(second);
            self.text = match Timestamp::from_second(second) {
                Ok(moment) => moment.strftime("%Y-%m-%d %H:%M:%S").to_string(),
                Err(_) => format!("{second:>TIME_WIDTH$}"),
            };
        }
        &self.text
    }
}

impl<W: Write> Printer for Text<W> {
    fn part(&mut self, part: &Heading<'_>) -> io::Result<()> {
        // Offsets of a file that grows may become wider; six digits are room for most.
        self.offset_width = itoa::Buffer::new().format(part.length).len().max(6);
        self.columns = Columns::None;
        self.transaction = None;
        if part.announced == Announced::No {
            return Ok(());
        }
        let mut heading = Vec::new();
        if let Some(log) = part.log.filter(|log| *log != part.name) {
            escape::show_argument(&mut heading, log);
            heading.extend_from_slice(b": ");
        }
        escape::show_argument(&mut heading, part.name);
        let role = part.role.map(|role| format!("{role}, ")).unwrap_or_default();
        let gap = if self.begun { "\n" } else { "" };
        self.begun = true;
        self.word(gap);
        self.quiet("── ");
        self.row.extend_from_slice(self.palette.strong.as_bytes());
        self.row.extend_from_slice(&heading);
        self.row.extend_from_slice(self.palette.plain.as_bytes());
        self.quiet(&format!(" ── {role}{}", counted(part.length, "byte")));
        self.end()
    }

    fn record(&mut self, step: &Step<'_, '_>) -> io::Result<()> {
        let used = self.record_head(step);
        match step.record.content {
            Content::Command(arguments) => {
                let words_of = arguments;
                let Some((name, arguments)) = arguments.split_first() else { return Ok(()) };
                let left = self.width().saturating_sub(used);
                let used = self.strong(name, left)?;
                let left = left.saturating_sub(used);
                match of_restore(words_of).filter(|_| self.payloads == Payloads::Decoded) {
                    Some((kind, value)) => self.restored(arguments, kind, &value, left)?,
                    None => self.arguments(arguments, left)?,
                }
            }
            Content::Annotation(line) => {
                let mut text = Vec::new();
                escape::show(&mut text, line);
                self.quiet(&String::from_utf8_lossy(&text));
            }
        }
        self.end()
    }

    fn item(&mut self, offset: u64, _length: u64, item: &rdb::Item<'_>) -> io::Result<()> {
        match item {
            rdb::Item::Entry(entry) => self.entry(entry),
            rdb::Item::Aux { key, value } => {
                let left = self.item_head(offset, None, "aux", "", value.len());
                let used = self.strong(key, left)?;
                self.arguments(&[value.as_ref()], left.saturating_sub(used))?;
                self.end()
            }
            rdb::Item::Function { code } => {
                let left = self.item_head(offset, None, "function", "", code.len());
                self.strong(code, left)?;
                self.end()
            }
            rdb::Item::ModuleAux { module, data, .. } => {
                let left = self.item_head(offset, None, "module", "aux", data.len());
                self.strong(module.name().as_bytes(), left)?;
                self.end()
            }
            _ => Ok(()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.hand_on()?;
        self.out.flush()
    }
}
