//! What a server makes of a log, as types.

use crate::aof::manifest::Flaw;
use crate::rdb::dump::DumpFault;
use crate::server::Server;

/// Where a record starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Its absolute offset in its file.
    pub offset: u64,
    /// Its number in its part, from 1; annotations count.
    pub record: u64,
}

/// What a server makes of a log when it starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The server.
    pub server: Server,
    /// Whether it starts.
    pub outcome: Outcome,
    /// What else is worth knowing: one for each kind and part, in the order of their first places.
    pub notes: Vec<Note>,
}

impl Verdict {
    /// That of a server that refuses the manifest.
    pub(crate) fn of_manifest(flaw: Flaw, server: Server) -> Self {
        let reason = Reason::Manifest(flaw.server_message().to_owned());
        Self { server, outcome: Outcome::Refuses { part: 0, place: None, reason }, notes: Vec::new() }
    }

    /// Whether the server loads all of the log, every key included, and keeps running.
    pub fn loads_all(&self) -> bool {
        let loses = |note: &Note| matches!(note.kind, NoteKind::RestoreFails | NoteKind::CrashesOnceReady);
        self.outcome == Outcome::Loads && !self.notes.iter().any(loses)
    }
}

/// Whether a server starts with a log, under its default settings (`aof-load-truncated yes`, 16 databases).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It starts, and every part stays as it is.
    Loads,
    /// It starts and cuts the last part; with `aof-load-truncated no` it refuses (see [`Outcome::without_cutting`]).
    LoadsAndCuts {
        /// The index of the part.
        part: usize,
        /// Where, and what is left.
        cut: Cut,
    },
    /// It logs why and exits with status 1.
    Refuses {
        /// The index of the part.
        part: usize,
        /// The record that it stopped at; `None` when no record is to blame.
        place: Option<Place>,
        /// Why.
        reason: Reason,
    },
    /// A signal kills it.
    Crashes {
        /// The index of the part.
        part: usize,
        /// The record that kills it. One that is queued in a transaction kills it only at `EXEC`.
        place: Place,
        /// How.
        cause: Crash,
    },
    /// It never becomes ready, or exits as if it had been asked to.
    Stops {
        /// The index of the part.
        part: usize,
        /// The record that stops it.
        place: Place,
        /// How.
        stop: Stop,
    },
    /// It starts empty and never looks at the files: Redis 6.2 knows no manifests.
    Ignores,
}

impl Outcome {
    /// The same with `aof-load-truncated no`.
    #[must_use]
    pub fn without_cutting(self) -> Self {
        match self {
            Self::LoadsAndCuts { part, cut } => {
                Self::Refuses { part, place: Some(cut.place), reason: Reason::UnexpectedEnd(cut.cause) }
            }
            Self::Refuses { part, place, reason: Reason::CutBeforeTheLast(cut) } => {
                Self::Refuses { part, place, reason: Reason::UnexpectedEnd(cut.cause) }
            }
            other => other,
        }
    }

    /// Whether the server gets ready to accept connections with the log's data.
    pub const fn starts(&self) -> bool {
        matches!(self, Self::Loads | Self::LoadsAndCuts { .. })
    }
}

/// What a server removes from a part that ends too early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// The size that the file keeps.
    pub at: u64,
    /// Why the end is too early.
    pub cause: ShortRead,
    /// The record that the file ends in, or the `MULTI` whose `EXEC` is missing.
    pub place: Place,
    /// The `MULTI` that the kept bytes leave open.
    ///
    /// Everything appended afterwards is queued after it at the next start, and lost. Every server but
    /// Valkey 9 does so when the file ends inside a record; every server does when a nested `MULTI` stands in between.
    pub leaves_open: Option<Place>,
}

/// Why a part ends too early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShortRead {
    /// It ends inside a record.
    Record,
    /// It ends after a record, inside a transaction.
    Transaction,
}

/// Why a server refuses to start.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// It knows no such command; for Redis 7.0 and later also: no such subcommand.
    UnknownCommand(Words),
    /// It knows the command, but not the subcommand, and says so (Valkey 8.1 and later).
    UnknownSubcommand(Words),
    /// It knows the command, but not with that many arguments (Valkey 8.1 and later; others run it regardless).
    WrongArity {
        /// The command's name as the server prints it.
        command: &'static str,
    },
    /// Bytes that are not a record.
    BadFormat {
        /// The offset of the line that the server rejects.
        at: u64,
    },
    /// A line of `*` and NUL in the middle of the file.
    UnreadableLine,
    /// The file ends too early, and cutting is switched off.
    UnexpectedEnd(ShortRead),
    /// A part that is not the last ends too early. The file is cut nonetheless: the next start succeeds silently.
    CutBeforeTheLast(Cut),
    /// An RDB base or preamble that is damaged: the server runs its RDB checker over the file and exits.
    RdbDamage {
        /// Where, as far as it is known.
        offset: u64,
    },
    /// The payload of a RESTORE holds a value that is damaged, or that belongs to a module that the server does not
    /// have.
    DamagedPayload(DumpFault),
    /// An RDB base or preamble of a version, or with a type, that the server does not know.
    RdbUnsupported {
        /// The version in the header, when that is the reason.
        version: Option<u32>,
    },
    /// A part that the manifest names is not there.
    MissingPart,
    /// The manifest itself; what is wrong with it, as the server says it.
    Manifest(String),
}

/// The first arguments of a command, as far as a server's message about it needs them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Words(pub Vec<Vec<u8>>);

impl Words {
    /// The first bytes of argument `index`, 0 being the name; empty when there is none.
    pub fn word(&self, index: usize) -> &[u8] {
        self.0.get(index).map(Vec::as_slice).unwrap_or_default()
    }

    /// Argument `index` up to its first NUL, which is where a server's message ends it; 0 is the name.
    pub fn text(&self, index: usize) -> &[u8] {
        self.word(index).split(|byte| *byte == 0).next().unwrap_or_default()
    }
}

/// How a server crashes.
///
/// Redis 8.0.6 may hang in its crash handler (`crash-log-enabled yes`, the default) instead of coming to an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Crash {
    /// A length that is negative or that no allocation survives.
    Length(i64),
    /// A command with fewer arguments than it needs: the server reads the memory after them.
    ///
    /// Seen in at least one state of the data and of the memory; in another it may load.
    TooFewArguments,
    /// A container command without a subcommand: there is nothing to run.
    ContainerAlone,
    /// A command that ends the transaction it is queued in (`DISCARD`, `RESET`), while `EXEC` runs it.
    EndsTransaction,
    /// A command that needs a client's connection, which a loading server does not have.
    NeedsConnection,
    /// A command that blocks its client (`WAIT`, Redis 6.2 and 7.0).
    Blocks,
    /// A command that loads a log while the log is being loaded (`DEBUG LOADAOF`, `DEBUG RELOAD`).
    LoadsAgain,
    /// The payload of a RESTORE is damaged in a way that the server does not look for.
    DamagedPayload,
    /// A command whose purpose it is (`DEBUG SEGFAULT`, `PANIC`, `ASSERT`, `OOM`).
    Asked,
}

/// How a server ends, or does not get ready, without an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stop {
    /// It shuts down as a command asks it to.
    ShutsDown,
    /// It restarts, reads the same command, and so on (`DEBUG RESTART`, Redis 6.2).
    RestartsForEver,
}

/// Something worth knowing that does not keep a server from starting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Note {
    /// What.
    pub kind: NoteKind,
    /// The index of the part.
    pub part: usize,
    /// Where it occurs first.
    pub place: Place,
    /// How often it occurs in the part.
    pub count: u64,
}

/// The kinds of [`Note`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NoteKind {
    /// Bytes that the checkers call wrong, and the server reads as a command (a line that ends in LF alone, junk after
    /// a number, another line end after an argument, an overlong annotation …).
    LaxFormat,
    /// A `SELECT` that fails, so that what follows goes into the database that was selected before.
    SelectFails,
    /// A RESTORE that fails because of its payload: the key is missing once the log is loaded.
    RestoreFails,
    /// An `EXEC` without `MULTI`; ignored.
    LoneExec,
    /// A `DISCARD` outside a transaction; ignored.
    LoneDiscard,
    /// A `MULTI` inside a transaction; ignored when `EXEC` runs it.
    NestedMulti,
    /// A command with a wrong number of arguments: the server does not check, and runs it.
    WrongArity,
    /// A transaction left open at the end is removed.
    RevertsTransaction,
    /// The cut leaves a transaction open: everything appended afterwards is lost at the next start.
    LeavesTransactionOpen,
    /// The cut removes an RDB preamble with all its data: the file is emptied.
    CutsPreamble,
    /// A part that is not the last is cut before the server refuses, so the next start succeeds without its end.
    CutsEarlierPart,
    /// A command that changes the server itself and not its data: `REPLICAOF`, `CONFIG SET`, `ACL SETUSER`,
    /// `BGREWRITEAOF` …
    ChangesServer,
    /// A command that treats the loading client as a real one (`SYNC`, `POST`, Redis 6.2): the server starts, and
    /// crashes a moment later.
    CrashesOnceReady,
    /// A script or function outside a transaction. Servers from Redis 7.0 on crash if it ends with the error of a
    /// command that it called; whether it does, only its run can tell. A script without an end keeps any server
    /// from starting.
    RunsScript,
}
