//! The manifest of a multi-part log: which files it consists of and in which order.
//!
//! A line for each file, as fields that come in pairs of a key and a value:
//!
//! ```text
//! file appendonly.aof.2.base.rdb seq 2 type b
//! file appendonly.aof.1.incr.aof seq 1 type h
//! file "with a space.incr.aof" seq 2 type i startoffset 1024
//! ```
//!
//! The grammar and every rule are those of `aofLoadManifestFromFile` in Redis 7.0 to 8.0 and Valkey 8 and 9: pairs in
//! any order, keys in any letter case, unknown pairs tolerated, `#` comments, values quoted as on `redis-cli`'s command
//! line. The servers differ only in the parsing of quotes, see [`parse_as`]. A server stops at the first line that
//! breaks a rule; here it is recorded and parsing continues, so that a repair sees the rest.

use std::fmt;

use memchr::memchr;

use crate::escape;
use crate::rdb;
use crate::server::{ManifestDetection, Server};

/// The number of bytes that a server reads as a line, including the newline. The rest counts as another line.
const LINE_LIMIT: usize = 1024;

/// The number of problems after which [`parse`] stops: this is not a manifest, and recording each line would take
/// memory.
const PROBLEM_LIMIT: usize = 1000;

/// The maximum number of bytes that [`is_manifest`] reads.
pub const RECOGNITION_LIMIT: usize = 4 << 10;

/// The kind of a file of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// `type b`: the base, the data set as of the last rewrite; comes first.
    Base,
    /// `type i`: an incr file, written after the base.
    Incr,
    /// `type h`: a history file, replaced by a rewrite and not yet removed; never loaded.
    History,
}

impl Kind {
    /// Its letter in a manifest.
    pub const fn letter(self) -> u8 {
        match self {
            Self::Base => b'b',
            Self::Incr => b'i',
            Self::History => b'h',
        }
    }

    /// The kind of a letter; the case counts.
    pub const fn from_letter(letter: u8) -> Option<Self> {
        match letter {
            b'b' => Some(Self::Base),
            b'i' => Some(Self::Incr),
            b'h' => Some(Self::History),
            _ => None,
        }
    }
}

/// One file of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The file's name, without quotes and escapes. May be empty: servers accept that, and then find no such file.
    pub name: Vec<u8>,
    /// The sequence number: never 0; negative only for a base or a history file.
    pub sequence: i64,
    /// The kind of the file.
    pub kind: Kind,
    /// The pairs that are neither `file`, `seq` nor `type`, in their order. Redis 8.0 writes `startoffset` and
    /// `endoffset`.
    pub extra: Vec<(Vec<u8>, Vec<u8>)>,
    /// The number of its line, from 1, as servers count (see [`Problem::line`]); 0 for an entry that was not read from
    /// a manifest.
    pub line: u64,
    /// The offset of its line in the manifest, in bytes.
    pub offset: u64,
}

impl Entry {
    /// An entry that was not read from a manifest.
    pub fn new(name: impl Into<Vec<u8>>, sequence: i64, kind: Kind) -> Self {
        Self { name: name.into(), sequence, kind, extra: Vec::new(), line: 0, offset: 0 }
    }

    /// Appends the line as servers write it, including the newline.
    fn write_to(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"file ");
        escape::argument(out, &self.name);
        out.extend_from_slice(b" seq ");
        out.extend_from_slice(itoa::Buffer::new().format(self.sequence).as_bytes());
        out.extend_from_slice(b" type ");
        out.push(self.kind.letter());
        for (key, value) in &self.extra {
            out.push(b' ');
            escape::argument(out, key);
            out.push(b' ');
            escape::argument(out, value);
        }
        out.push(b'\n');
    }
}

/// A line that begins with `#`; kept so that a rewritten manifest can include it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    /// The line, from its `#` on, without its newline; at most 1024 bytes.
    pub text: Vec<u8>,
    /// The number of its line (see [`Problem::line`]).
    pub line: u64,
    /// The offset of its line in the manifest, in bytes.
    pub offset: u64,
}

/// A rule that a line, or the whole manifest, breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Flaw {
    /// The manifest is empty.
    Empty,
    /// The last line has no newline; it may be cut off.
    NoNewline,
    /// 1024 bytes without a newline among them.
    LineTooLong,
    /// A NUL, which ends the line for a server before its newline.
    NulByte,
    /// Nothing but spaces.
    BlankLine,
    /// A quote that is never closed, or closed right before something other than a space.
    UnbalancedQuotes,
    /// An odd number of fields, or fewer than six.
    FieldCount(usize),
    /// No `file`.
    NoName,
    /// No `seq`, or one that is 0 or no number at all.
    NoSequence,
    /// No `type`, or an empty one.
    NoType,
    /// A `file` with a `/` or `\` in it.
    NameIsPath,
    /// A `type` that begins with none of `b`, `i` and `h`.
    UnknownType(u8),
    /// A base after another base.
    SecondBase,
    /// An incr whose sequence number is not above that of each incr before it, nor above 0.
    SequenceNotIncreasing {
        /// The highest sequence number before it; 0 for the first incr.
        previous: i64,
    },
}

impl Flaw {
    /// The line that a server (7.0 and later, Valkey) and its checker log before they exit, to the letter.
    pub const fn server_message(self) -> &'static str {
        match self {
            Self::Empty => "Found an empty AOF manifest",
            Self::NoNewline | Self::LineTooLong | Self::NulByte => "The AOF manifest file contains too long line",
            Self::BlankLine
            | Self::UnbalancedQuotes
            | Self::FieldCount(_)
            | Self::NoName
            | Self::NoSequence
            | Self::NoType => "Invalid AOF manifest file format",
            Self::NameIsPath => "File can't be a path, just a filename",
            Self::UnknownType(_) => "Unknown AOF file type",
            Self::SecondBase => "Found duplicate base file information",
            Self::SequenceNotIncreasing { .. } => "Found a non-monotonic sequence number",
        }
    }
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the manifest is empty"),
            Self::NoNewline => f.write_str("the last line does not end in a newline"),
            Self::LineTooLong => write!(f, "no newline within {LINE_LIMIT} bytes"),
            Self::NulByte => f.write_str("a NUL byte in the line"),
            Self::BlankLine => f.write_str("a blank line"),
            Self::UnbalancedQuotes => f.write_str("unbalanced quotes"),
            Self::FieldCount(count) if count % 2 == 1 => write!(f, "{count} fields: they come in pairs"),
            Self::FieldCount(count) => write!(f, "{count} fields: at least 6 are needed (file, seq and type)"),
            Self::NoName => f.write_str("no file in the line"),
            Self::NoSequence => f.write_str("no seq in the line, or one that is 0 or no number"),
            Self::NoType => f.write_str("no type in the line"),
            Self::NameIsPath => f.write_str("a file name with a slash or a backslash in it"),
            Self::UnknownType(letter) => {
                write!(f, "the type begins with '{}': known are b, i and h", letter.escape_ascii())
            }
            Self::SecondBase => f.write_str("a second base"),
            Self::SequenceNotIncreasing { previous: 0 } => f.write_str("the sequence number of an incr is below 1"),
            Self::SequenceNotIncreasing { previous } => {
                write!(f, "the sequence number does not grow: {previous} came before it")
            }
        }
    }
}

/// A broken rule and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The broken rule.
    pub flaw: Flaw,
    /// The number of the line, from 1, as servers count: a line ends at its newline or after 1024 bytes.
    pub line: u64,
    /// The offset of the line in the manifest, in bytes.
    pub offset: u64,
    /// The line without surrounding spaces, as a server logs it (`>>> '…'`); `None` if it logs none.
    pub text: Option<Vec<u8>>,
}

/// The contents of a manifest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Manifest {
    /// Every line that names a file, in order, including a second base and an incr out of sequence.
    pub entries: Vec<Entry>,
    /// The comments, in the order of the lines.
    pub comments: Vec<Comment>,
    /// The broken rules, in the order of the lines. A server refuses to start because of the first one.
    pub problems: Vec<Problem>,
}

impl Manifest {
    /// A manifest of these entries, without comments.
    pub const fn of(entries: Vec<Entry>) -> Self {
        Self { entries, comments: Vec::new(), problems: Vec::new() }
    }

    /// The entries of one kind, in the order of the lines.
    pub fn of_kind(&self, kind: Kind) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(move |entry| entry.kind == kind)
    }

    /// The manifest as servers write one: the base, then history files, then incr files, without comments.
    ///
    /// Pairs of an unknown meaning are kept; Redis 7.0 and Valkey drop them.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for kind in [Kind::Base, Kind::History, Kind::Incr] {
            for entry in self.of_kind(kind) {
                entry.write_to(&mut out);
            }
        }
        out
    }
}

/// Parses a manifest as Redis does. It never fails: broken rules are in [`Manifest::problems`].
///
/// After a thousand problems it stops.
pub fn parse(bytes: &[u8]) -> Manifest {
    parse_with(bytes, Quoting::STRICT)
}

/// Parses a manifest as one server does; otherwise like [`parse`].
///
/// Redis 6.2 has no manifests, and is treated as Redis 7.0. Valkey drops each byte 255 that is not escaped. In Valkey
/// 9, a field continues after a closing quote; all others refuse the line.
pub fn parse_as(bytes: &[u8], server: Server) -> Manifest {
    parse_with(bytes, Quoting::of(server))
}

/// The problem because of which `server` and its checker refuse the manifest; `None` if they accept it.
///
/// For Redis 6.2, which has no manifests, there are no problems.
pub fn problem_for(bytes: &[u8], server: Server) -> Option<Problem> {
    if server.loads_manifests() { parse_as(bytes, server).problems.into_iter().next() } else { None }
}

fn parse_with(bytes: &[u8], quoting: Quoting) -> Manifest {
    let mut manifest = Manifest::default();
    if bytes.is_empty() {
        manifest.problems.push(Problem { flaw: Flaw::Empty, line: 0, offset: 0, text: None });
    }
    let mut rules = SequenceRules::default();
    let mut within_long_line = false;
    for line in Lines::new(bytes) {
        let after_long_line = within_long_line;
        within_long_line = line.bytes.len() == LINE_LIMIT && !line.bytes.ends_with(b"\n");
        if after_long_line {
            continue;
        }
        if line.bytes.starts_with(b"#") {
            if manifest.comments.len() < PROBLEM_LIMIT {
                let text = line.bytes.strip_suffix(b"\n").unwrap_or(line.bytes).to_vec();
                manifest.comments.push(Comment { text, line: line.number, offset: line.offset });
            }
            // Servers read the rest of a comment after the first 1024 bytes as the next line.
            within_long_line = false;
            continue;
        }
        if manifest.problems.len() >= PROBLEM_LIMIT {
            break;
        }
        let flaw = match line.entry(quoting) {
            Ok(entry) => {
                let flaw = rules.broken_by(&entry);
                manifest.entries.push(entry);
                flaw
            }
            Err(flaw) => Some(flaw),
        };
        if let Some(flaw) = flaw {
            let text = line.is_whole().then(|| trim(line.bytes).to_vec());
            manifest.problems.push(Problem { flaw, line: line.number, offset: line.offset, text });
        }
    }
    manifest
}

/// The rules that span lines.
#[derive(Default)]
struct SequenceRules {
    base: bool,
    highest_incr: i64,
}

impl SequenceRules {
    fn broken_by(&mut self, entry: &Entry) -> Option<Flaw> {
        match entry.kind {
            Kind::Base => std::mem::replace(&mut self.base, true).then_some(Flaw::SecondBase),
            Kind::History => None,
            Kind::Incr => {
                let previous = self.highest_incr;
                self.highest_incr = previous.max(entry.sequence);
                (entry.sequence <= previous).then_some(Flaw::SequenceNotIncreasing { previous })
            }
        }
    }
}

/// The bytes that a server reads as a line: up to a newline, at most [`LINE_LIMIT`] bytes.
struct Line<'a> {
    bytes: &'a [u8],
    number: u64,
    offset: u64,
}

impl Line<'_> {
    /// Whether a server finds the newline: it must be within the limit, and not after a NUL.
    fn is_whole(&self) -> bool {
        self.bytes.ends_with(b"\n") && memchr(0, self.bytes).is_none()
    }

    fn entry(&self, quoting: Quoting) -> Result<Entry, Flaw> {
        if !self.is_whole() {
            return Err(match self.bytes {
                bytes if memchr(0, bytes).is_some() => Flaw::NulByte,
                bytes if bytes.len() >= LINE_LIMIT => Flaw::LineTooLong,
                _ => Flaw::NoNewline,
            });
        }
        let line = trim(self.bytes);
        if line.is_empty() {
            return Err(Flaw::BlankLine);
        }
        let fields = quoting.split(line).ok_or(Flaw::UnbalancedQuotes)?;
        if fields.len() < 6 || fields.len() % 2 == 1 {
            return Err(Flaw::FieldCount(fields.len()));
        }
        let (mut name, mut sequence, mut letter) = (None, 0, 0);
        let mut extra = Vec::new();
        for pair in fields.chunks_exact(2) {
            let [key, value] = pair else { continue };
            // Of repeated pairs the last one counts.
            match Key::of(key) {
                Some(Key::File) => {
                    let value = before_nul(value);
                    if value.contains(&b'/') || value.contains(&b'\\') {
                        return Err(Flaw::NameIsPath);
                    }
                    name = Some(value.to_vec());
                }
                Some(Key::Seq) => sequence = leading_integer(value),
                Some(Key::Type) => letter = value.first().copied().unwrap_or(0),
                None => extra.push((key.clone(), value.clone())),
            }
        }
        let name = name.ok_or(Flaw::NoName)?;
        if sequence == 0 {
            return Err(Flaw::NoSequence);
        }
        if letter == 0 {
            return Err(Flaw::NoType);
        }
        let kind = Kind::from_letter(letter).ok_or(Flaw::UnknownType(letter))?;
        Ok(Entry { name, sequence, kind, extra, line: self.number, offset: self.offset })
    }
}

/// The lines of a manifest as servers read them.
struct Lines<'a> {
    rest: &'a [u8],
    number: u64,
    offset: u64,
}

impl<'a> Lines<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, number: 0, offset: 0 }
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = Line<'a>;

    fn next(&mut self) -> Option<Line<'a>> {
        let window = self.rest.get(..LINE_LIMIT).unwrap_or(self.rest);
        let length = memchr(b'\n', window).map_or(window.len(), |newline| newline + 1);
        let (bytes, rest) = self.rest.split_at_checked(length)?;
        if bytes.is_empty() {
            return None;
        }
        self.number += 1;
        let line = Line { bytes, number: self.number, offset: self.offset };
        self.offset += bytes.len() as u64;
        self.rest = rest;
        Some(line)
    }
}

/// The keys that servers know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    File,
    Seq,
    Type,
}

impl Key {
    fn of(field: &[u8]) -> Option<Self> {
        let field = before_nul(field);
        [(&b"file"[..], Self::File), (b"seq", Self::Seq), (b"type", Self::Type)]
            .into_iter()
            .find_map(|(name, key)| field.eq_ignore_ascii_case(name).then_some(key))
    }
}

/// An escaped `\x00` ends a value, as it ends any C string.
fn before_nul(bytes: &[u8]) -> &[u8] {
    memchr(0, bytes).and_then(|end| bytes.get(..end)).unwrap_or(bytes)
}

/// Trims the spaces that a server trims from a line (`sdstrim`): fewer kinds than separate fields.
fn trim(line: &[u8]) -> &[u8] {
    let is_text = |byte: &u8| !matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
    let start = line.iter().position(is_text).unwrap_or(line.len());
    let end = line.iter().rposition(is_text).map_or(start, |last| last + 1);
    line.get(start..end).unwrap_or_default()
}

/// `isspace` in the C locale, which includes the vertical tab.
const fn is_space(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == 0x0b
}

/// The number at the beginning, as `atoll` reads it: leading spaces are skipped, a sign is accepted, everything after
/// the digits is ignored, no digits are 0, and a number that does not fit becomes the nearest one that does.
fn leading_integer(field: &[u8]) -> i64 {
    let mut rest = field;
    while let Some((&byte, behind)) = rest.split_first()
        && is_space(byte)
    {
        rest = behind;
    }
    let (negative, digits) = match rest.split_first() {
        Some((b'-', behind)) => (true, behind),
        Some((b'+', behind)) => (false, behind),
        _ => (false, rest),
    };
    digits.iter().take_while(|byte| byte.is_ascii_digit()).fold(0_i64, |number, byte| {
        let digit = i64::from(byte - b'0');
        number.saturating_mul(10).saturating_add(if negative { -digit } else { digit })
    })
}

/// How a server splits a line into fields (`sdssplitargs`).
#[derive(Debug, Clone, Copy)]
struct Quoting {
    /// Whether a byte 255 is treated as "no byte".
    drops_byte_255: bool,
    /// Whether a field continues after a closing quote.
    joins_quoted: bool,
}

impl Quoting {
    /// The rules of Redis.
    const STRICT: Self = Self { drops_byte_255: false, joins_quoted: false };
    /// The rules that refuse the fewest lines.
    const LENIENT: Self = Self { drops_byte_255: true, joins_quoted: true };

    const fn of(server: Server) -> Self {
        Self { drops_byte_255: server.drops_byte_255(), joins_quoted: server.joins_quoted() }
    }

    /// The fields of a line, without quotes and escapes; `None` if the quotes do not balance.
    fn split(self, line: &[u8]) -> Option<Vec<Vec<u8>>> {
        let mut fields = Vec::new();
        let mut rest = line;
        loop {
            let start = rest.iter().position(|&byte| !is_space(byte));
            let Some(text) = start.and_then(|start| rest.get(start..)) else { return Some(fields) };
            let (field, behind) = self.split_field(text)?;
            fields.push(field);
            rest = behind;
        }
    }

    /// The field at the beginning of `text`, and the rest after it.
    fn split_field(self, text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
        let mut field = Vec::new();
        let mut rest = text;
        while let Some((&byte, behind)) = rest.split_first() {
            rest = behind;
            match byte {
                b' ' | b'\n' | b'\r' | b'\t' => break,
                // A quote may open in the middle of a field.
                b'"' => rest = self.unquote_double(behind, &mut field)?,
                b'\'' => rest = self.unquote_single(behind, &mut field)?,
                _ => self.push(&mut field, byte),
            }
            if matches!(byte, b'"' | b'\'') && !self.joins_quoted {
                let ends = rest.first().is_none_or(|&next| is_space(next));
                return ends.then_some((field, rest));
            }
        }
        Some((field, rest))
    }

    /// Reads the contents of `"…"` from `text`, which begins after the first quote, and returns the rest.
    fn unquote_double<'a>(self, text: &'a [u8], field: &mut Vec<u8>) -> Option<&'a [u8]> {
        let mut rest = text;
        loop {
            rest = match rest {
                [] => return None,
                [b'"', behind @ ..] => return Some(behind),
                [b'\\', b'x', high, low, behind @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                    field.push(hex_digit(*high) * 16 + hex_digit(*low));
                    behind
                }
                [b'\\', escaped, behind @ ..] => {
                    self.push(field, unescape(*escaped));
                    behind
                }
                [byte, behind @ ..] => {
                    self.push(field, *byte);
                    behind
                }
            };
        }
    }

    /// Reads the contents of `'…'` from `text`, which begins after the first quote, and returns the rest.
    fn unquote_single<'a>(self, text: &'a [u8], field: &mut Vec<u8>) -> Option<&'a [u8]> {
        let mut rest = text;
        loop {
            let (byte, behind) = match rest {
                [] => return None,
                [b'\'', behind @ ..] => return Some(behind),
                [b'\\', b'\'', behind @ ..] => (b'\'', behind),
                [byte, behind @ ..] => (*byte, behind),
            };
            self.push(field, byte);
            rest = behind;
        }
    }

    fn push(self, field: &mut Vec<u8>, byte: u8) {
        if byte != u8::MAX || !self.drops_byte_255 {
            field.push(byte);
        }
    }
}

const fn hex_digit(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'f' => digit - b'a' + 10,
        b'A'..=b'F' => digit - b'A' + 10,
        _ => 0,
    }
}

const fn unescape(escaped: u8) -> u8 {
    match escaped {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => 0x08,
        b'a' => 0x07,
        other => other,
    }
}

/// Whether these are the bytes of a manifest, intact or damaged, rather than of another kind of log or of a text about
/// manifests.
///
/// It is one if no line begins like a record of a log, and at least half of the lines look like entries, blank ones and
/// comments aside. That includes manifests that servers accept but their checkers do not recognise (a leading space,
/// `SEQ 1 FILE x TYPE i`), and a manifest with a garbage or blank line at the top. It excludes an append-only file with
/// `file …` in a value, and prose with an example in it. An empty manifest cannot be recognised. At most
/// [`RECOGNITION_LIMIT`] bytes are read.
pub fn is_manifest(bytes: &[u8]) -> bool {
    if rdb::is_rdb(bytes) {
        return false;
    }
    let head = bytes.get(..RECOGNITION_LIMIT).unwrap_or(bytes);
    let (mut entries, mut others) = (0_usize, 0_usize);
    for line in Lines::new(head).filter(|line| !line.bytes.starts_with(b"#")) {
        let is_cut = !line.bytes.ends_with(b"\n");
        match trim(line.bytes) {
            [] => {}
            [b'*' | b'$', b'0'..=b'9' | b'-' | b'+', ..] => return false,
            text if looks_like_entry(text) || (is_cut && begins_like_entry(text)) => entries += 1,
            // Ignore the line that the limit cuts.
            _ if is_cut && head.len() == RECOGNITION_LIMIT => {}
            _ => others += 1,
        }
    }
    entries > 0 && entries >= others
}

/// Whether at least two of the three pairs that each entry needs are in the line: the third may be damaged.
fn looks_like_entry(line: &[u8]) -> bool {
    // If quotes do not balance, use the words.
    let fields = Quoting::LENIENT.split(line).unwrap_or_else(|| words(line).map(<[u8]>::to_vec).collect());
    let (mut file, mut sequence, mut kind) = (false, false, false);
    for pair in fields.chunks_exact(2) {
        let [key, value] = pair else { continue };
        match Key::of(key) {
            Some(Key::File) => file = true,
            Some(Key::Seq) => sequence |= leading_integer(value) != 0,
            Some(Key::Type) => kind |= value.first().is_some_and(|&letter| Kind::from_letter(letter).is_some()),
            None => {}
        }
    }
    [file, sequence, kind].into_iter().filter(|&found| found).count() >= 2
}

/// Whether the line is the beginning of an entry as servers write it, cut off before it has two pairs: `file`,
/// `file x`, `file x se`.
fn begins_like_entry(line: &[u8]) -> bool {
    let mut words = words(line);
    words.next() == Some(b"file") && words.nth(1).is_none_or(|key| b"seq".starts_with(key)) && words.next().is_none()
}

fn words(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(|&byte| is_space(byte)).filter(|word| !word.is_empty())
}

/// Whether `redis-check-aof` or `valkey-check-aof` of this server reads the file as a manifest.
///
/// 7.0 does if any line begins with `file`, comments aside; later ones, and Valkey, if the first line that is not a
/// comment does; 6.2 never. A line ends at its newline or after 1024 bytes, so that part of a value in an append-only
/// file can count as a line.
pub fn official_is_manifest(bytes: &[u8], server: Server) -> bool {
    let mut lines = Lines::new(bytes).filter(|line| !line.bytes.starts_with(b"#"));
    let names_file = |line: Line<'_>| line.bytes.starts_with(b"file");
    match server.manifest_detection() {
        ManifestDetection::Never => false,
        ManifestDetection::AnyLine => lines.any(names_file),
        ManifestDetection::FirstLine => lines.next().is_some_and(names_file),
    }
}

#[cfg(test)]
mod tests;
