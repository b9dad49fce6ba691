//! Findings: what is wrong with a log, each with its place and with what to do next.

use std::fmt;
use std::path::PathBuf;

use serde::{Serialize, Serializer};

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing; nothing is wrong.
    Note,
    /// Loads, but perhaps not as it was meant.
    Warning,
    /// The checker calls the log invalid, or a server does not load all of it.
    Error,
}

impl Severity {
    /// The word for it, as in every report.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

macro_rules! codes {
    ($($(#[$documentation:meta])* $variant:ident = $name:literal,)*) => {
        /// What a finding is about. The names are stable; programs may match on them.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Code {
            $($(#[$documentation])* $variant,)*
        }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Its stable name.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

codes! {
    /// The part ends inside a record.
    TruncatedRecord = "truncated-record",
    /// A record's bytes are wrong.
    MalformedRecord = "malformed-record",
    /// Neither a command nor an annotation starts where one should.
    NotARecord = "not-a-record",
    /// From some offset to its end the part holds nothing but zeros.
    ZeroTail = "zero-tail",
    /// An annotation is longer than the servers' line buffer.
    LongAnnotation = "long-annotation",
    /// The end of the part cuts an annotation.
    CutAnnotation = "cut-annotation",
    /// The part ends inside a transaction.
    UnfinishedTransaction = "unfinished-transaction",
    /// `MULTI` inside a transaction.
    NestedMulti = "nested-multi",
    /// `EXEC` outside a transaction.
    LoneExec = "lone-exec",
    /// `DISCARD` inside a transaction.
    QueuedDiscard = "queued-discard",
    /// `DISCARD` outside a transaction.
    LoneDiscard = "lone-discard",
    /// A command that the server does not know.
    UnknownCommand = "unknown-command",
    /// A subcommand that the server does not know.
    UnknownSubcommand = "unknown-subcommand",
    /// A command with too few or too many arguments.
    WrongArity = "wrong-arity",
    /// A command's name with a NUL in it.
    NulInName = "nul-in-name",
    /// `SELECT` of a database that a server does not have by default.
    NoSuchDatabase = "no-such-database",
    /// A command that servers do not write into a log.
    ServerCommand = "server-command",
    /// The payload of a RESTORE holds a damaged value, or one of a module that the server does not have.
    DamagedPayload = "damaged-payload",
    /// A RESTORE that the server cannot execute because of its payload's version, checksum or content: its key is missing.
    RestoreFails = "restore-fails",
    /// More odd records than are told apart.
    ManyOddities = "many-oddities",
    /// An RDB's bytes are wrong, or end early.
    RdbDamage = "rdb-damage",
    /// An RDB's checksum is not that of its bytes.
    RdbChecksum = "rdb-checksum",
    /// An RDB holds an opcode, a type or a version that this build does not know.
    RdbUnknown = "rdb-unknown",
    /// An RDB that the server in question cannot load, though it is sound.
    RdbUnsupported = "rdb-unsupported",
    /// A value inside an RDB is not as it should be, though it can be walked over.
    RdbValue = "rdb-value",
    /// A set, a sorted set or a hash in an RDB that is too large to be searched for members that occur twice.
    NotSearched = "not-searched",
    /// The manifest breaks a rule.
    Manifest = "manifest",
    /// A file that the manifest names is not there.
    MissingPart = "missing-part",
    /// A file that looks like a part, but that the manifest does not name.
    UnlistedFile = "unlisted-file",
    /// The log holds no record and no key.
    EmptyLog = "empty-log",
    /// A compressed stream ends early or is corrupt.
    Compression = "compression",
    /// The file grew or shrank while it was read.
    FileChanged = "file-changed",
    /// The official checker calls the log invalid for a reason that no other finding names.
    CheckerRefuses = "checker-refuses",
    /// The server does not load all of the log for a reason that no other finding names.
    ServerRefuses = "server-refuses",
    /// What the server cuts leaves a transaction open, so that later writes are lost at the next start.
    LeavesTransactionOpen = "leaves-transaction-open",
    /// What the server cuts takes an RDB preamble with it, and so nearly all data.
    CutsPreamble = "cuts-preamble",
    /// The server cuts a part that is not the last, and then refuses: the next start misses its end without a word.
    CutsEarlierPart = "cuts-earlier-part",
    /// A command that changes the server itself.
    ChangesServer = "changes-server",
    /// A command that lets the server start, and crashes it a moment later.
    CrashesOnceReady = "crashes-once-ready",
    /// Fields of hashes whose expiry was taken away: a server that loads the log after that expiry loses them.
    LosesFields = "loses-fields",
    /// A script or function, whose failure crashes a loading server.
    RunsScript = "runs-script",
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// The bytes around a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excerpt {
    /// The offset of the first of them, a multiple of [`Excerpt::LINE`].
    pub offset: u64,
    /// At most [`Excerpt::LIMIT`] bytes.
    pub bytes: Vec<u8>,
    /// The offset of the byte that the finding is about; it may lie just behind the bytes, at the end of the file.
    pub marked: u64,
}

impl Excerpt {
    /// A line of a hex dump has so many bytes.
    pub const LINE: usize = 16;
    /// So many bytes are shown at most: four lines.
    pub const LIMIT: usize = 4 * Self::LINE;

    /// The bytes around `marked`, which is an index of `bytes` or its length.
    pub fn around(bytes: &[u8], marked: u64) -> Self {
        let place = usize::try_from(marked).unwrap_or(usize::MAX).min(bytes.len());
        // Two lines before the marked one, and one behind it.
        let start = (place / Self::LINE).saturating_sub(2) * Self::LINE;
        let end = start.saturating_add(Self::LIMIT).min(bytes.len());
        Self { offset: start as u64, bytes: bytes.get(start..end).unwrap_or_default().to_vec(), marked }
    }
}

/// Something that is wrong with a log, or worth knowing about it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// What it is about.
    pub code: Code,
    /// How much it matters.
    pub severity: Severity,
    /// The file it is in.
    pub file: PathBuf,
    /// The absolute offset in that file, where there is one.
    pub offset: Option<u64>,
    /// The number of the record in its part, from 1; `None` when no record is concerned.
    pub record: Option<u64>,
    /// How many records of the part have it.
    pub count: u64,
    /// What is wrong: a sentence without its full stop. It may quote bytes of the log, escaped.
    pub message: String,
    /// What to do next, likewise.
    pub advice: String,
    /// The bytes around the offset.
    pub excerpt: Option<Excerpt>,
}

impl Finding {
    /// A finding about a whole file.
    pub fn new(code: Code, severity: Severity, file: impl Into<PathBuf>, message: String, advice: &str) -> Self {
        Self {
            code,
            severity,
            file: file.into(),
            offset: None,
            record: None,
            count: 1,
            message,
            advice: advice.to_owned(),
            excerpt: None,
        }
    }

    /// The same at a place, with the bytes around it.
    #[must_use]
    pub fn at(mut self, bytes: &[u8], offset: u64, record: Option<u64>) -> Self {
        self.offset = Some(offset);
        self.record = record;
        self.excerpt = Some(Excerpt::around(bytes, offset));
        self
    }
}
