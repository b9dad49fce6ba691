//! The tool at work: what it was asked, what it takes files for, and the lines that it prints.

use std::ffi::OsStr;
use std::fs::{self, File, Metadata};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

use crate::Server;
use crate::aof::manifest;
use crate::check::official::{FileKind, Line, REDIS_CHECK_AOF, VALKEY_CHECK_AOF, file_kind};
use crate::check::server::LOG_LINE_LIMIT;
use crate::cli::source;
use crate::error::plain;
use crate::escape::visible;
use crate::input::Input;
use crate::rdb::{Family, HEADER_LENGTH, family_of};

/// An official checker that the program can stand in for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Imitated {
    /// `redis-check-aof` 8.0.6.
    Redis,
    /// `valkey-check-aof` 9.1.2.
    Valkey,
}

impl Imitated {
    /// The checker of this name, which is `argv[0]`: its last component counts.
    pub fn of(program: &OsStr) -> Option<Self> {
        match Path::new(program).file_name()?.as_bytes() {
            b"redis-check-aof" => Some(Self::Redis),
            b"valkey-check-aof" => Some(Self::Valkey),
            _ => None,
        }
    }

    pub(super) const fn server(self) -> Server {
        match self {
            Self::Redis => REDIS_CHECK_AOF,
            Self::Valkey => VALKEY_CHECK_AOF,
        }
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Redis => "redis-check-aof",
            Self::Valkey => "valkey-check-aof",
        }
    }

    pub(super) const fn version(self) -> &'static str {
        self.server().probed()
    }
}

/// The tool printed why it stops, or its output cannot be written; either way it exits with 1.
pub(super) struct Stopped;

impl From<io::Error> for Stopped {
    fn from(_: io::Error) -> Self {
        Self
    }
}

/// What the tool was asked to do with what it finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// Say it.
    Check,
    /// Cut off what is not valid, if the user agrees.
    Fix,
    /// Cut off what is later, in unix seconds.
    ToTimestamp(i64),
}

/// One run of the tool.
pub(super) struct Tool<'o> {
    pub(super) imitated: Imitated,
    pub(super) mode: Mode,
    pub(super) out: &'o mut dyn Write,
    /// The line counter, which runs on from part to part.
    pub(super) lines: u64,
    /// What is printed at the very end, if everything else went well.
    pub(super) last_line: Option<String>,
}

/// How the check of one part ended, if the tool went on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PartEnd {
    Valid,
    Empty,
    Truncated,
    TruncatedTo(i64),
}

impl<'o> Tool<'o> {
    pub(super) fn new(imitated: Imitated, mode: Mode, out: &'o mut dyn Write) -> Self {
        Self { imitated, mode, out, lines: 1, last_line: None }
    }

    pub(super) const fn server(&self) -> Server {
        self.imitated.server()
    }

    /// What a file is: as the real tool sees it, but correct where the tool is wrong.
    pub(super) fn kind(&self, bytes: &[u8]) -> FileKind {
        match file_kind(bytes, self.server()) {
            // The real checker of Valkey does not know the magic of Valkey.
            FileKind::Resp if bytes.len() >= HEADER_LENGTH && family_of(bytes) == Some(Family::Valkey) => FileKind::Rdb,
            FileKind::Resp if manifest::is_manifest(bytes) => FileKind::Manifest,
            kind => kind,
        }
    }

    /// Opens a file to see what it is; `None` for an empty one.
    pub(super) fn look_at(&mut self, path: &OsStr) -> Result<Option<Input>, Stopped> {
        let metadata = match fs::metadata(path) {
            Ok(metadata) => metadata,
            Err(error) => return self.stop(&[b"Cannot open file ", path.as_bytes(), b": ", &system_words(&error)]),
        };
        if never_ends(&metadata) {
            return self.stop(&[b"Cannot read file: ", path.as_bytes()]);
        }
        if let Err(error) = File::open(path) {
            return self.stop(&[b"Cannot open file ", path.as_bytes(), b": ", &system_words(&error)]);
        }
        if metadata.len() == 0 {
            return Ok(None);
        }
        match source::mapped().open_as_is(path.as_ref()) {
            Ok(input) => Ok(Some(input)),
            Err(_) => self.stop(&[b"Cannot read file: ", path.as_bytes()]),
        }
    }

    /// A line on standard output.
    pub(super) fn line(&mut self, pieces: &[&[u8]]) -> Result<(), Stopped> {
        for piece in pieces {
            self.out.write_all(piece)?;
        }
        self.out.write_all(b"\n")?;
        Ok(())
    }

    /// The last line on standard output.
    pub(super) fn stop<T>(&mut self, pieces: &[&[u8]]) -> Result<T, Stopped> {
        self.line(pieces)?;
        Err(Stopped)
    }

    /// A message on standard error; a failure to print it is ignored.
    pub(super) fn say(&self, message: &str) {
        let _ = writeln!(io::stderr(), "{}: {}", self.imitated.name(), visible(message));
    }

    /// A line of either kind.
    pub(super) fn emit(&mut self, line: &Line) -> Result<(), Stopped> {
        match line {
            Line::Plain(text) => self.line(&[text]),
            Line::Log { mark, text } => self.log(*mark, text),
        }
    }

    /// A line of the server's log, which goes to standard output.
    pub(super) fn log(&mut self, mark: char, text: &[u8]) -> Result<(), Stopped> {
        let role = match self.imitated {
            Imitated::Redis => 'C',
            Imitated::Valkey => 'M',
        };
        let time = jiff::Zoned::now().strftime("%d %b %Y %H:%M:%S%.3f").to_string();
        let prefix = format!("{}:{role} {time} {mark} ", std::process::id());
        let text = text.get(..LOG_LINE_LIMIT).unwrap_or(text);
        self.line(&[prefix.as_bytes(), text])
    }
}

/// What the operating system says, in the words of C's `strerror`.
pub(super) fn system_words(error: &io::Error) -> Vec<u8> {
    plain(error).into_bytes()
}

/// Whether the file has no length, and opening it could wait for a writer.
pub(super) fn never_ends(metadata: &Metadata) -> bool {
    metadata.file_type().is_fifo() || metadata.file_type().is_socket()
}
