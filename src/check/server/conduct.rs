//! What a server does with a command that it reads from a log.

use super::arity;
use super::special::{When, is_special};
use super::verdict::{Crash, NoteKind, Stop};
use crate::aof::transaction::Control;
use crate::command::{self, Effect};
use crate::resp::Head;
use crate::server::Server;

/// How a server behaves when it meets a command in a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Conduct {
    /// It runs it; should the command fail, that is ignored.
    Runs,
    /// It runs it, which is worth a note.
    Noted(NoteKind),
    /// It is `MULTI`, `EXEC` or `DISCARD`; `arity` says whether with as many arguments as it takes.
    Control { control: Control, arity: bool },
    /// It refuses the log.
    Unknown,
    /// It refuses the log, and tells this from [`Conduct::Unknown`].
    UnknownSubcommand,
    /// It refuses the log: the command of this name does not take so many arguments.
    WrongArity(&'static str),
    /// It depends on the arguments, see [`super::special::conduct`]; the row's name.
    Special(&'static str),
    /// It crashes, in this position.
    Crashes { cause: Crash, when: When },
    /// It does not get ready.
    Stops(Stop),
}

/// How `server` behaves when it meets the command with this head.
#[inline]
pub(super) fn conduct(server: Server, head: &Head<'_>) -> Conduct {
    let arguments = [head.name, head.second];
    let count = head.count as usize;
    let Some(row) = command::known_to(server, arguments.get(..count.min(2)).unwrap_or(&arguments)) else {
        return unknown(server, head);
    };
    let fits = command::arity_fits(row, server, count);
    if !fits && checks_arity(server) {
        return Conduct::WrongArity(row.name);
    }
    if fits && row.effect == Effect::Write {
        return Conduct::Runs;
    }
    if let Some(control) = Control::from_name(head.name) {
        return Conduct::Control { control, arity: fits };
    }
    if !fits {
        return unchecked(server, row, count);
    }
    if is_special(row.name) { Conduct::Special(row.name) } else { Conduct::Runs }
}

/// Whether `server` merely runs the command with this head while it loads.
///
/// That holds for nearly every record of a real log. It does not for transaction control, and wherever a server refuses,
/// crashes, or does something that is worth a note.
#[inline]
pub fn merely_runs(server: Server, head: &Head<'_>) -> bool {
    conduct(server, head) == Conduct::Runs
}

/// Whether the server counts a command's arguments before it runs it (Valkey since 8.1).
const fn checks_arity(server: Server) -> bool {
    server.is_valkey()
}

#[cold]
fn unknown(server: Server, head: &Head<'_>) -> Conduct {
    let container = checks_arity(server) && command::known_to(server, &[head.name]).is_some();
    if container { Conduct::UnknownSubcommand } else { Conduct::Unknown }
}

/// A number of arguments that the command does not take, and nobody counts them.
#[cold]
fn unchecked(server: Server, row: &'static command::Command, count: usize) -> Conduct {
    let least = row.arity.on(server).unsigned_abs() as usize;
    if count > least || arity::survives(row.name, count) {
        return Conduct::Noted(NoteKind::WrongArity);
    }
    let cause = if row.subcommands.is_empty() { Crash::TooFewArguments } else { Crash::ContainerAlone };
    Conduct::Crashes { cause, when: When::Always }
}
