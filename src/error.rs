//! The one public error: what went wrong, in which file, and at which byte.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::escape::Escaped;
use crate::storage::Elsewhere;

/// A result of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a log could not be read or changed.
///
/// Damage inside a log is no error: readers return it as a value (see [`crate::aof::Damage`] and
/// [`crate::rdb::Damage`]). An error says that the question could not be answered at all.
///
/// Its text holds the file's name as it is if that is UTF-8: make it [`visible`](crate::escape::visible) before a
/// terminal sees it.
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
    /// The operating system refused; `action` completes "cannot …".
    #[error("cannot {action}: {}", plain(source))]
    Io {
        /// What was tried, as a verb phrase: `open`, `read the directory`.
        action: &'static str,
        /// What the operating system said.
        source: io::Error,
    },
    /// The path is a device, a socket or something else that cannot hold a log.
    #[error("this is {0}, not a log")]
    NotALog(&'static str),
    /// A directory without a manifest in it or in a directory directly below it.
    #[error("no manifest in this directory, nor in one directly below it")]
    NoManifest,
    /// A directory without a manifest that holds logs of one file, each of which could be meant.
    #[error("no manifest in this directory, nor in one directly below it; name one of the logs in it: {}", join(.0))]
    LogsWithoutManifest(Vec<PathBuf>),
    /// A directory in which more than one manifest could be meant.
    #[error("more than one manifest here: {}", join(.0))]
    ManyManifests(Vec<PathBuf>),
    /// The compressed stream (gzip or zstd) ends early or is corrupt.
    #[error("the {format} stream cannot be decompressed: {}", plain(source))]
    Compression {
        /// `gzip` or `zstd`.
        format: &'static str,
        /// What the decompressor said.
        source: io::Error,
    },
    /// Another process has the file open, or nobody can tell whether one has.
    #[error("{0}")]
    OpenElsewhere(Elsewhere),
    /// The change was made, and may be lost if the machine stops now.
    #[error("{done}, but it could not be synced to disk: {}", plain(source))]
    NotDurable {
        /// What was done, as a sentence without its full stop.
        done: String,
        /// What the operating system said.
        source: io::Error,
    },
    /// The request does not fit what the file holds; the text is a whole sentence without its full stop.
    #[error("{0}")]
    Refused(String),
}

/// What the operating system says, without the `(os error 2)` at its end, which tells a person nothing.
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

    /// The file it happened in.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The absolute byte offset, where one is known.
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

/// Without a `source`: what the operating system or the decompressor said stands in the text already, and whoever
/// prints a chain of errors would say it twice. It is in [`Error::kind`].
impl std::error::Error for Error {}
