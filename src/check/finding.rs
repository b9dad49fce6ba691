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
    ($($(#[doc = $meaning:literal])* $variant:ident = $name:literal, $to_do:literal,)*) => {
        /// What a finding is about. The names are stable; programs may match on them.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Code {
            $($(#[doc = $meaning])* $variant,)*
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

            /// What it means, in a sentence.
            pub const fn meaning(self) -> &'static str {
                match self {
                    $(Self::$variant => concat!($($meaning),*),)*
                }
            }

            /// What to do about it.
            pub const fn to_do(self) -> &'static str {
                match self {
                    $(Self::$variant => $to_do,)*
                }
            }
        }
    };
}

codes! {
    /// The part ends inside a record.
    TruncatedRecord = "truncated-record",
        "`aofkit fix` cuts the end off and keeps what it removes. A server with `aof-load-truncated yes` cuts it as \
         well, and keeps nothing.",
    /// A record's bytes are wrong.
    MalformedRecord = "malformed-record",
        "`aofkit inspect` shows what is before it; the advice says whether whole records follow. Restore the file \
         from a copy if there is one.",
    /// Neither a command nor an annotation starts where one should.
    NotARecord = "not-a-record",
        "As for `malformed-record`. If the file begins with it, it is probably no log.",
    /// From some offset to its end the part holds nothing but zeros.
    ZeroTail = "zero-tail",
        "`aofkit fix` cuts the zeros off: the space was allocated before a crash and never written.",
    /// An annotation is longer than the servers' line buffer.
    LongAnnotation = "long-annotation",
        "Remove the line with an editor that keeps bytes as they are; servers write no annotation of that length.",
    /// The end of the part cuts an annotation.
    CutAnnotation = "cut-annotation",
        "Append a line end before a server writes to the file: otherwise the next record becomes part of the \
         annotation. `aofkit fix` does not change it.",
    /// The part ends inside a transaction.
    UnfinishedTransaction = "unfinished-transaction",
        "`aofkit fix` removes the transaction as a whole, as a server with `aof-load-truncated yes` would.",
    /// `MULTI` inside a transaction.
    NestedMulti = "nested-multi",
        "Find what writes to the log beside the server; servers never do this. \
         Do not let `redis-check-aof --fix` cut here: a server loads everything.",
    /// `EXEC` outside a transaction.
    LoneExec = "lone-exec",
        "Find what writes to the log beside the server; servers ignore it. \
         Do not let `redis-check-aof --fix` cut here: a server loads everything.",
    /// `DISCARD` inside a transaction.
    QueuedDiscard = "queued-discard",
        "Remove the command: a loading server crashes when `EXEC` runs it.",
    /// `DISCARD` outside a transaction.
    LoneDiscard = "lone-discard",
        "Find what writes to the log beside the server; servers ignore it.",
    /// A command that the server does not know.
    UnknownCommand = "unknown-command",
        "Load the log in the server that wrote it (`--server`), with the modules that it had.",
    /// A subcommand that the server does not know.
    UnknownSubcommand = "unknown-subcommand",
        "Load the log in the server that wrote it (`--server`).",
    /// A command with too few or too many arguments.
    WrongArity = "wrong-arity",
        "Correct or remove the command: Valkey 8.1 and later refuse the log, other servers may crash.",
    /// A command's name with a NUL in it.
    NulInName = "nul-in-name",
        "Remove the command; the official checkers and the servers read its name differently.",
    /// `SELECT` of a database that a server does not have by default.
    NoSuchDatabase = "no-such-database",
        "Start the server with as many `databases` as the log needs.",
    /// A command that servers do not write into a log.
    ServerCommand = "server-command",
        "Find what wrote it: servers do not log such commands.",
    /// The payload of a RESTORE holds a damaged value, or one of a module that the server does not have.
    DamagedPayload = "damaged-payload",
        "Remove the `RESTORE`, or take the payload from a sound copy: the server ends when it loads it.",
    /// A RESTORE that the server cannot execute because of its payload's version, checksum or content: its key is missing.
    RestoreFails = "restore-fails",
        "Load the log in the server that wrote it; the key is missing otherwise.",
    /// More odd records than are told apart.
    ManyOddities = "many-oddities",
        "Mend the records that are named, then check again.",
    /// An RDB's bytes are wrong, or end early.
    RdbDamage = "rdb-damage",
        "Restore the RDB from a copy. Servers do not start from a damaged one.",
    /// An RDB's checksum is not that of its bytes.
    RdbChecksum = "rdb-checksum",
        "Restore the RDB from a copy, or start the server with `rdbchecksum no` and compare the data.",
    /// An RDB holds an opcode, a type or a version that this build does not know.
    RdbUnknown = "rdb-unknown",
        "Use a newer build, or the server that wrote the file.",
    /// An RDB that the server in question cannot load, though it is sound.
    RdbUnsupported = "rdb-unsupported",
        "Load the log in the server that wrote it, or rewrite it for this one: `aofkit rewrite --server VERSION`.",
    /// A value inside an RDB is not as it should be, though it can be walked over.
    RdbValue = "rdb-value",
        "Restore the value from a copy: a server may refuse the file, drop the key, or crash later.",
    /// A set, a sorted set or a hash in an RDB that is too large to be searched for members that occur twice.
    NotSearched = "not-searched",
        "Nothing; `aofkit rewrite --verify` reads every member.",
    /// The manifest breaks a rule.
    Manifest = "manifest",
        "Correct the line. Servers refuse a manifest that breaks a rule.",
    /// A file that the manifest names is not there.
    MissingPart = "missing-part",
        "Bring the file back from a copy. Servers refuse to start without it.",
    /// A file that looks like a part, but that the manifest does not name.
    UnlistedFile = "unlisted-file",
        "Move the file away if nothing needs it; a server does not load it.",
    /// The log holds no record and no key.
    EmptyLog = "empty-log",
        "Nothing, if the server has not written yet; otherwise look for the log in another directory.",
    /// A compressed stream ends early or is corrupt.
    Compression = "compression",
        "Compress the log again from its source; what could be read was checked.",
    /// The file grew or shrank while it was read.
    FileChanged = "file-changed",
        "Check again, or check a copy: a server is writing to the log.",
    /// The official checker calls the log invalid for a reason that no other finding names.
    CheckerRefuses = "checker-refuses",
        "The message quotes the checker.",
    /// The server does not load all of the log for a reason that no other finding names.
    ServerRefuses = "server-refuses",
        "The message says what the server does.",
    /// What the server cuts leaves a transaction open, so that later writes are lost at the next start.
    LeavesTransactionOpen = "leaves-transaction-open",
        "Before the server starts, `aofkit fix` removes the unfinished transaction as a whole.",
    /// What the server cuts takes an RDB preamble with it, and so nearly all data.
    CutsPreamble = "cuts-preamble",
        "Do not start the server before `aofkit fix`: it would cut nearly all data off.",
    /// The server cuts a part that is not the last, and then refuses: the next start misses its end without a word.
    CutsEarlierPart = "cuts-earlier-part",
        "Do not start the server before there is a copy of the file. Then restore the part from a copy, a replica or \
         a backup; `aofkit fix` does not cut a part that is not the last.",
    /// A command that changes the server itself.
    ChangesServer = "changes-server",
        "Remove the command if it is not wanted: it runs at every start.",
    /// A command that lets the server start, and crashes it a moment later.
    CrashesOnceReady = "crashes-once-ready",
        "Remove the command before the server starts.",
    /// Fields of hashes whose expiry was taken away: a server that loads the log after that expiry loses them.
    LosesFields = "loses-fields",
        "`BGREWRITEAOF` on the server, or `aofkit rewrite --in-place`, before the server loads the log. Losses \
         through `HSETEX FXX` alone, after `COPY` or `RENAME`, and in results of `SORT` are not found here; \
         `rewrite` and `digest` count those.",
    /// A script or function, whose failure crashes a loading server.
    RunsScript = "runs-script",
        "Nothing, if the script still works: a script that fails crashes a loading server.",
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
