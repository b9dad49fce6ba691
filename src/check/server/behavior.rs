//! What a server does with a command that it reads from a log, as types.

use super::verdict::{Crash, NoteKind, Stop};
use crate::aof::transaction::Control;

/// How a server behaves when it meets a command in a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CommandBehavior {
    /// It runs it; should the command fail, that is ignored.
    Runs,
    /// It runs it, which is worth a note.
    Noted(NoteKind),
    /// It is a RESTORE: what it does depends on its payload.
    Restores,
    /// It is `MULTI`, `EXEC` or `DISCARD`; `arity` says whether with as many arguments as it takes.
    Control { control: Control, arity: bool },
    /// It refuses the log.
    Unknown,
    /// It refuses the log, with another message than for [`CommandBehavior::Unknown`].
    UnknownSubcommand,
    /// It refuses the log: the command of this name does not take that many arguments.
    WrongArity(&'static str),
    /// It depends on the arguments; the row's name.
    Special(&'static str),
    /// It crashes, in this position.
    Crashes { cause: Crash, when: When },
    /// It does not get ready.
    Stops(Stop),
}

/// In which position a command crashes a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum When {
    /// Outside a transaction and inside.
    Always,
    /// Only outside a transaction.
    Alone,
    /// Only when `EXEC` runs it.
    Queued,
}
