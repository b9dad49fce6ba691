//! The public error: its kind, its file and its offset.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::escape::Escaped;

/// A result of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a log could not be read or changed.
///
/// Damage inside a log is not an error: readers return it as a value (see [`crate::aof::Damage`] and
/// [`crate::rdb::Damage`]). An error means that the operation was not possible at all.
///
/// Its text contains the file's name unescaped if that is UTF-8: pass it through [`visible`](crate::escape::visible)
/// before printing it to a terminal.
#[derive(Debug)]
pub struct Error {
    kind: Box<ErrorKind>,
    file: PathBuf,
    offset: Option<u64>,
}

/// The kinds of [`Error`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// An operation of the operating system failed.
    #[error("cannot {action}: {}", plain(source))]
    Io {
        /// The operation, as a verb phrase that completes "cannot …": `open`, `read the directory`.
        action: &'static str,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The path is a device, a socket or something else that cannot hold a log.
    #[error("this is {0}, not a log")]
    NotALog(&'static str),
    /// A directory that contains no manifest, directly or one level below.
    #[error("no manifest in this directory, nor in one directly below it")]
    NoManifest,
    /// A directory without a manifest that contains several single-file logs.
    #[error("no manifest in this directory, nor in one directly below it; name one of the logs in it: {}", join(.0))]
    LogsWithoutManifest(Vec<PathBuf>),
    /// A directory with more than one manifest.
    #[error("more than one manifest here: {}", join(.0))]
    ManyManifests(Vec<PathBuf>),
    /// The compressed stream (gzip or zstd) ends early or is corrupt.
    #[error("the {format} stream cannot be decompressed: {}", plain(source))]
    Compression {
        /// `gzip` or `zstd`.
        format: &'static str,
        /// The error of the decompressor.
        source: io::Error,
    },
    /// Another process has the file open, or this cannot be determined.
    #[error("{0}")]
    OpenElsewhere(Elsewhere),
    /// There is too little room in the directory for what a change writes.
    #[error("the change needs {needed} bytes of free space here, and there are {free}")]
    NoSpace {
        /// How many bytes are needed.
        needed: u64,
        /// How many bytes can be written.
        free: u64,
    },
    /// The change was made, but may be lost if the machine stops now.
    #[error("{done}, but it could not be synced to disk: {}", plain(source))]
    NotDurable {
        /// What was done, as a sentence without a full stop.
        done: String,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The file was not the one that was to be replaced, and could not be given its name back: the new one has it, and
    /// the copies that were kept before are still there.
    #[error(
        "{why}, but the file was replaced already and could not be put back: {}; the old one is in the kept copies",
        plain(source)
    )]
    NotPutBack {
        /// Why it was to be put back, as a sentence without a full stop.
        why: String,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The request does not apply to the file; the text is a sentence without a full stop.
    #[error("{0}")]
    Refused(String),
}

/// A process that has a file open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opener {
    /// Its process id.
    pub process: u32,
    /// Its name in the kernel.
    pub name: String,
    /// Whether it may write to the file.
    pub writes: bool,
}

/// Why a file is not changed: another process has it open, or this cannot be determined.
#[derive(Debug)]
#[non_exhaustive]
pub enum Elsewhere {
    /// It is open for writing, by this process if `/proc` shows it.
    Writer(Option<Opener>),
    /// It is open for reading, as by a server that loads it, by this process if `/proc` shows it.
    Reader(Option<Opener>),
    /// It is unknown: taking a lease failed with this error, and `/proc` does not show every process.
    Unknown(io::Error),
}

impl fmt::Display for Elsewhere {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (opener, does) = match self {
            Self::Writer(opener) => (opener, "has the file open for writing"),
            Self::Reader(opener) => (opener, "is reading the file, as a server does that starts"),
            Self::Unknown(error) => {
                return write!(
                    f,
                    "cannot tell whether a server has the file open: no lease on it ({}), and /proc does not \
                     show every process; make sure that none has",
                    plain(error)
                );
            }
        };
        match opener {
            Some(Opener { process, name, .. }) => {
                write!(f, "process {process} ({}) {does}; stop it first", name.escape_default())
            }
            None => write!(f, "a process in another container, or of another user, {does}; stop it first"),
        }
    }
}

/// The same error of the operating system once more.
pub(crate) fn copied(error: &io::Error) -> io::Error {
    error.raw_os_error().map_or_else(|| error.kind().into(), io::Error::from_raw_os_error)
}

/// The error's text without the `(os error 2)` at its end, which does not help people.
pub(crate) fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    match text.find(" (os error ") {
        Some(at) => text.get(..at).unwrap_or(&text).to_owned(),
        None => text,
    }
}

fn join(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}

impl Error {
    /// An error about a whole file.
    pub fn new(file: impl Into<PathBuf>, kind: ErrorKind) -> Self {
        Self { kind: Box::new(kind), file: file.into(), offset: None }
    }

    /// An error of the operating system; `action` completes "cannot …".
    pub fn io(file: impl Into<PathBuf>, action: &'static str, source: io::Error) -> Self {
        Self::new(file, ErrorKind::Io { action, source })
    }

    /// The same error, at an absolute byte offset of its file.
    #[must_use]
    pub fn at(mut self, offset: u64) -> Self {
        self.offset = Some(offset);
        self
    }

    /// What went wrong.
    pub fn kind(&self) -> &ErrorKind {
        &self.kind
    }

    /// The file that it concerns.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The absolute byte offset, if known.
    pub fn offset(&self) -> Option<u64> {
        self.offset
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.file.to_str() {
            Some(file) => f.write_str(file)?,
            None => Escaped(self.file.as_os_str().as_encoded_bytes()).fmt(f)?,
        }
        write!(f, ": {}", self.kind)?;
        match self.offset {
            Some(offset) => write!(f, " (byte {offset})"),
            None => Ok(()),
        }
    }
}

/// There is no `source`: its text is part of this error's text, and would be printed twice in a chain of errors. It is
/// in [`Error::kind`].
impl std::error::Error for Error {}
