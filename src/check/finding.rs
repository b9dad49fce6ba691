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
    /// The log loads, but perhaps not as it was meant.
    Warning,
    /// The checker calls the log invalid, the server does not load all of it, or it could not be read whole.
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

/// A log that shows a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Example {
    /// A log in `testdata/` of the repository.
    Log {
        /// Its path in `testdata/`.
        path: &'static str,
        /// The server to check for, as after `--server`, if not the default one.
        server: Option<&'static str>,
    },
    /// A log of these commands, their arguments separated by spaces.
    Commands {
        /// The commands.
        lines: &'static [&'static str],
        /// The server to check for, as after `--server`, if not the default one.
        server: Option<&'static str>,
    },
    /// A log that is described, because it would be too large, or has to change.
    Described(&'static str),
}

impl fmt::Display for Example {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let option = |server: Option<&str>| server.map_or_else(String::new, |server| format!(" --server {server}"));
        match self {
            Self::Log { path, server } => write!(f, "`aofkit check{} testdata/{path}`", option(*server)),
            Self::Commands { lines, server } => {
                write!(f, "`aofkit check{}` of a log with `{}`", option(*server), lines.join("`, `"))
            }
            Self::Described(text) => f.write_str(text),
        }
    }
}

const fn log(path: &'static str) -> Example {
    Example::Log { path, server: None }
}

const fn log_for(server: &'static str, path: &'static str) -> Example {
    Example::Log { path, server: Some(server) }
}

const fn commands(lines: &'static [&'static str]) -> Example {
    Example::Commands { lines, server: None }
}

const fn commands_for(server: &'static str, lines: &'static [&'static str]) -> Example {
    Example::Commands { lines, server: Some(server) }
}

const fn described(text: &'static str) -> Example {
    Example::Described(text)
}

macro_rules! codes {
    ($(
        $(#[doc = $cause:literal])*
        $variant:ident = $name:literal, [$($severity:ident),*], $example:expr, $to_do:literal,
    )*) => {
        /// What a finding is about. The names are stable; programs may match on them.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Code {
            $($(#[doc = $cause])* $variant,)*
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

            /// The severities that its findings may have; the first is that of its example.
            pub const fn severities(self) -> &'static [Severity] {
                match self {
                    $(Self::$variant => &[$(Severity::$severity),*],)*
                }
            }

            /// What is wrong, and how that comes about.
            pub const fn cause(self) -> &'static str {
                match self {
                    $(Self::$variant => concat!($($cause),*),)*
                }
            }

            /// A log that shows it.
            pub const fn example(self) -> Example {
                match self {
                    $(Self::$variant => $example,)*
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
    /// The file ends inside a record: the server or its machine stopped, or the disk was full, while the record was
    /// written.
    TruncatedRecord = "truncated-record", [Error, Warning], log("torn.aof"),
        "`aofkit fix` cuts the end off and keeps what it removes. A server with `aof-load-truncated yes` cuts it as \
         well, and keeps nothing.",
    /// The bytes of a record break the format: the file was edited, overwritten or damaged by its disk. A warning where
    /// checker and server read past it.
    MalformedRecord = "malformed-record", [Error, Warning], log("damaged/wrong-terminator.aof"),
        "The advice says whether whole records follow: `aofkit fix --salvage` keeps them, and takes out the damaged \
         bytes alone. `aofkit inspect` shows what is before them.",
    /// Neither a command (`*`) nor an annotation (`#`) starts where one should: other bytes were written into the file,
    /// or a length before it is wrong.
    NotARecord = "not-a-record", [Error, Warning], log("damaged/garbage-tail.aof"),
        "As for `malformed-record`. If the file begins with it, it is probably not a log.",
    /// The file ends in zeros: the file system had allocated the space, and the machine stopped before it was written.
    ZeroTail = "zero-tail", [Error], log("damaged/zero-tail.aof"),
        "`aofkit fix` cuts the zeros off.",
    /// An annotation is longer than the line buffer of the servers (1023 bytes), which read the rest of the line as a
    /// record. A warning where checker and server read past it.
    LongAnnotation = "long-annotation", [Error, Warning], log("damaged/annotation-too-long.aof"),
        "Remove the line with an editor that keeps bytes as they are; servers write no annotation of that length.",
    /// The file ends inside an annotation. Servers accept that, but the next record becomes part of the annotation.
    CutAnnotation = "cut-annotation", [Warning], log("damaged/cut-in-annotation.aof"),
        "Append a line end before a server writes to the file. `aofkit fix` does not change it.",
    /// The file ends after a `MULTI` without its `EXEC`: the server or its machine stopped while the transaction was
    /// written.
    UnfinishedTransaction = "unfinished-transaction", [Error], log("damaged/open-transaction.aof"),
        "`aofkit fix` removes the transaction as a whole, as a server with `aof-load-truncated yes` would.",
    /// `MULTI` inside a transaction: something other than a server wrote to the log, or logs were joined. The official
    /// checkers call it invalid; servers load it.
    NestedMulti = "nested-multi", [Error], log("damaged/nested-multi.aof"),
        "Find out what writes to the log. Do not let `redis-check-aof --fix` cut here: a server loads everything.",
    /// `EXEC` outside a transaction: something other than a server wrote to the log, or its `MULTI` was removed. The
    /// official checkers call it invalid; servers ignore it.
    LoneExec = "lone-exec", [Error], log("damaged/exec-alone.aof"),
        "Find out what writes to the log. Do not let `redis-check-aof --fix` cut here: a server loads everything.",
    /// `DISCARD` inside a transaction, which no server logs: a loading server queues it and crashes when `EXEC` runs
    /// it.
    QueuedDiscard = "queued-discard", [Error], log("damaged/discard-in-transaction.aof"),
        "Remove the transaction.",
    /// `DISCARD` outside a transaction, which no server logs. Servers ignore it.
    LoneDiscard = "lone-discard", [Warning], log("damaged/discard-alone.aof"),
        "Find out what writes to the log.",
    /// A command that the server does not know: a newer server, a module, or `rename-command` was in use when it was
    /// logged.
    UnknownCommand = "unknown-command", [Error], log("damaged/unknown-command.aof"),
        "Load the log in the server that wrote it (`--server`), with the modules that it had.",
    /// A subcommand that the server does not know: a newer server logged it.
    UnknownSubcommand = "unknown-subcommand", [Error], log("damaged/unknown-subcommand.aof"),
        "Load the log in the server that wrote it (`--server`).",
    /// A command with too few or too many arguments, which no server logs.
    WrongArity = "wrong-arity", [Warning], log("damaged/wrong-arity.aof"),
        "Correct or remove the command: Valkey 8.1 and later refuse the log, other servers may crash.",
    /// The name of a command contains a NUL, where the official checkers end it and the servers do not.
    NulInName = "nul-in-name", [Error], log("damaged/nul-in-name.aof"),
        "Remove the command.",
    /// `SELECT` of a database that a server does not have by default: the server that wrote the log had more
    /// `databases`.
    NoSuchDatabase = "no-such-database", [Warning], log("damaged/database-out-of-range.aof"),
        "Start the server with as many `databases` as the log needs; otherwise the commands after it change the \
         database selected before.",
    /// A command that reads, or that concerns the server or a connection: servers do not log such commands.
    ServerCommand = "server-command", [Note], commands(&["PING"]),
        "Find out what wrote it.",
    /// The payload of a `RESTORE` holds a damaged value, or one of a module that the server does not have. A warning
    /// where the server does not check for it.
    DamagedPayload = "damaged-payload", [Error, Warning], log("damaged/restore-ziplist.aof"),
        "Remove the `RESTORE`, or copy the payload from a sound log: the server exits or crashes when it loads this \
         one.",
    /// The version, the checksum or the content of the payload of a `RESTORE` makes the command fail: the server loads
    /// the log without the key.
    RestoreFails = "restore-fails", [Error], log("damaged/restore-wrong-checksum.aof"),
        "Load the log in the server that wrote it.",
    /// The log has more kinds of odd records than are listed.
    ManyOddities = "many-oddities", [Warning], described("more than 256 unknown commands of different names"),
        "Correct the records that are listed, then check again.",
    /// The bytes of an RDB break the format, or the RDB ends early.
    RdbDamage = "rdb-damage", [Error], log("damaged/preamble-cut.aof"),
        "Restore the RDB from a copy. Servers do not start from a damaged one.",
    /// The checksum of an RDB is not that of its bytes: at least one byte has changed since it was written.
    RdbChecksum = "rdb-checksum", [Error], log("damaged/preamble-wrong-checksum.aof"),
        "Restore the RDB from a copy, or start the server with `rdbchecksum no` and compare the data.",
    /// An RDB holds an opcode, a type or a version that this build does not know: a newer server wrote it.
    RdbUnknown = "rdb-unknown", [Error], log("damaged/preamble-of-the-future.aof"),
        "Use a newer build, or the server that wrote the file.",
    /// An RDB is sound, but the server cannot load it: its version, a type, a module or a database is unknown to the
    /// server.
    RdbUnsupported = "rdb-unsupported", [Error], log_for("redis-6.2", "rdb/redis-8.0.6.rdb"),
        "Load the log in the server that wrote it, or rewrite it for this one: `aofkit rewrite --server VERSION`.",
    /// A value inside an RDB is damaged, though the values after it can be read. A warning where neither the checker
    /// nor the server notices.
    RdbValue = "rdb-value", [Error, Warning], log("rdb/flawed/container.rdb"),
        "Restore the value from a copy: a server may refuse the file, drop the key, or crash later.",
    /// A set, a sorted set or a hash in an RDB is too large to be checked for members that occur twice.
    NotSearched = "not-searched", [Note], described("an RDB with a set of 2097153 members"),
        "Nothing; `aofkit rewrite --verify` reads every member.",
    /// The manifest breaks a rule: it was edited, or not written completely.
    Manifest = "manifest", [Error], log("damaged/manifest-two-bases"),
        "Correct the line. Servers refuse a manifest that breaks a rule.",
    /// A base and the incrs after it lie in a directory without their manifest. A server begins an empty log there, and
    /// writes over them.
    NoManifest = "no-manifest", [Error], described("a directory of parts whose manifest was removed"),
        "`aofkit fix` with the directory works out the manifest from the names, times and contents of the parts.",
    /// A file that the manifest names does not exist, or is not a regular file.
    MissingPart = "missing-part", [Error], log("damaged/manifest-missing-part"),
        "Restore the file from a copy: servers refuse to start without it. If its data is lost, `aofkit fix --salvage` \
         takes it out of the manifest.",
    /// An upgrade from a server that kept its log in one file was interrupted: the manifest names that file, which is
    /// still outside the directory. The server moves it there when it starts; the official checkers call it missing.
    InterruptedUpgrade = "interrupted-upgrade", [Error], log("damaged/upgrade-interrupted"),
        "Start the server.",
    /// A file is named like a part of the log, but the manifest does not name it: it is left over from a rewrite, or
    /// the manifest is an old one; or it is the one file in which an older server kept the log. An error where the
    /// manifest has lost a line: it names no base, though there is one, or not every incr that holds records.
    UnlistedFile = "unlisted-file", [Note, Error], log("damaged/manifest-empty"),
        "Move the file away if nothing needs it; a server does not load it. Where its line is missing, `aofkit fix` \
         adds it.",
    /// A file that a server renames once it is written lies in the directory of the log or in the data directory: a
    /// rewrite or a snapshot is under way, or was interrupted.
    UnfinishedFile = "unfinished-file", [Note], described("a directory with a file `temp-rewriteaof-bg-1.aof`"),
        "Remove the file when no server is running.",
    /// `FLUSHALL` or `FLUSHDB` removes all keys of the log or of a database, or did by accident. The last 100 of a log
    /// are noted.
    Flush = "flush", [Note], commands(&["FLUSHALL"]),
        "Nothing, if it was meant. Otherwise stop the server, and take the log back before it with `aofkit fix \
         --truncate-to-offset`; the advice names the command. `aofkit rewrite --at-offset` writes a copy instead.",
    /// The log holds no record and no key.
    EmptyLog = "empty-log", [Note], log("damaged/empty.aof"),
        "Nothing, if the server has not written yet; otherwise look for the log in another directory.",
    /// A compressed file ends early or is corrupt.
    Compression = "compression", [Error], described("a gzip file that was cut in the middle"),
        "Compress the log again from its source; what could be read was checked.",
    /// The file grew (a note) or shrank (an error) while it was read: a server or another program writes to it.
    FileChanged = "file-changed", [Error, Note], described("a log that is truncated while it is read"),
        "Check again, or check a copy.",
    /// The official checker calls the log invalid for a reason that no other finding names.
    CheckerRefuses = "checker-refuses", [Error], log("damaged/part-incr-is-rdb"),
        "The message quotes the checker. Do not run it with `--fix`: a server loads everything.",
    /// The server does not load all of the log for a reason that no other finding names.
    ServerRefuses = "server-refuses", [Error], log_for("redis-6.2", "damaged/annotation-at-limit.aof"),
        "The server's verdict says what it does, and where.",
    /// The server truncates the file inside a transaction and leaves it open: everything appended afterwards is lost at
    /// the next restart.
    LeavesTransactionOpen = "leaves-transaction-open", [Error], log("torn.aof"),
        "Before the server starts, `aofkit fix` removes the unfinished transaction as a whole.",
    /// The server truncates the file before the end of its RDB preamble, which holds nearly all data.
    CutsPreamble = "cuts-preamble", [Error],
        described("an RDB preamble, followed by a command that is cut, for redis-8.0"),
        "Do not start the server before `aofkit fix`.",
    /// The server truncates a part that is not the last, and then refuses to start: the next start misses the end of
    /// the part silently.
    CutsEarlierPart = "cuts-earlier-part", [Error], log("damaged/part-cut-not-last"),
        "Do not start the server before there is a copy of the file. Then restore the part from a copy, a replica or \
         a backup; `aofkit fix` does not cut a part that is not the last.",
    /// A command that changes the server itself, such as its role, its settings or its users, which no server logs.
    ChangesServer = "changes-server", [Warning], commands(&["REPLICAOF 127.0.0.1 1"]),
        "Remove the command if it is not wanted: it runs at every start.",
    /// A command that lets the server start, and crashes it a moment later.
    CrashesOnceReady = "crashes-once-ready", [Error], commands_for("redis-6.2", &["SYNC"]),
        "Remove the command before the server starts.",
    /// The log removes the expiry of fields of a hash. A server that loads the log after that expiry loses the fields,
    /// since it looks at the clock.
    LosesFields = "loses-fields", [Warning],
        commands_for(
            "redis-8.0",
            &["HSET h f v", "HPEXPIREAT h 1000 FIELDS 1 f", "HPERSIST h FIELDS 1 f"],
        ),
        "`BGREWRITEAOF` on the server, or `aofkit rewrite --in-place`, before the server loads the log. Losses \
         through `HSETEX FXX` alone, after `COPY` or `RENAME`, and in results of `SORT` are not found here; `rewrite` \
         and `digest` count those.",
    /// A script or function that runs while the log loads: the server crashes if a command fails in it.
    RunsScript = "runs-script", [Warning], commands(&["FCALL f 0"]),
        "Nothing, if the script still succeeds.",
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
    /// The offset of the byte that the finding is about; it may be the end of the file, just after the bytes.
    pub marked: u64,
}

impl Excerpt {
    /// The number of bytes in a line of a hex dump.
    pub const LINE: usize = 16;
    /// The most bytes that are shown: four lines.
    pub const LIMIT: usize = 4 * Self::LINE;

    /// The bytes around `marked`, which is an index of `bytes` or its length.
    pub fn around(bytes: &[u8], marked: u64) -> Self {
        let place = usize::try_from(marked).unwrap_or(usize::MAX).min(bytes.len());
        // Two lines before the marked one, and one after it.
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

    /// Whether a part of the log is there that a server does not look at.
    pub(crate) fn is_of_part_left_out(&self) -> bool {
        matches!((self.code, self.severity), (Code::NoManifest, _) | (Code::UnlistedFile, Severity::Error))
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
