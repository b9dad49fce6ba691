//! What a server does with a command that it reads from a log, by the head of the command.

use super::arity;
use super::behavior::{CommandBehavior, When};
use super::special::is_special;
use super::verdict::{Crash, NoteKind};
use crate::aof::transaction::Control;
use crate::command::{self, Command, Effect};
use crate::resp::Head;
use crate::server::Server;

/// How `server` behaves when it meets the command with this head, and the row it has for it.
#[inline]
fn examine(server: Server, head: &Head<'_>) -> (CommandBehavior, Option<&'static Command>) {
    let arguments = [head.name, head.second];
    let count = head.count as usize;
    let Some(row) = command::known_to(server, arguments.get(..count.min(2)).unwrap_or(&arguments)) else {
        return (unknown(server, head), None);
    };
    let fits = command::arity_fits(row, server, count);
    let behavior = if !fits && server.checks_arity() {
        CommandBehavior::WrongArity(row.name)
    } else if fits && command::is_restore(row) {
        CommandBehavior::Restores
    } else if fits && row.effect == Effect::Write {
        CommandBehavior::Runs
    } else if let Some(control) = Control::from_name(head.name) {
        CommandBehavior::Control { control, arity: fits }
    } else if !fits {
        unchecked(server, row, count)
    } else if is_special(row.name) {
        CommandBehavior::Special(row.name)
    } else {
        CommandBehavior::Runs
    };
    (behavior, Some(row))
}

/// Recognises the commands that a server merely runs while it loads a log.
///
/// Nearly all records of a real log are such commands. The others are transaction control, RESTORE, which depends on
/// its payload, and whatever a server refuses, crashes on, or does something with that is worth a note. A scan of a
/// part can stop at the first of those, continue with [`super::load_resp`] and a [`super::Resume`], and need not read
/// the beginning of the part twice.
#[derive(Debug, Clone)]
pub struct PlainCommandFilter<'a> {
    server: Server,
    /// Name and count of the last command that runs with any arguments, because logs repeat commands.
    usual: (&'a [u8], u32),
}

impl<'a> PlainCommandFilter<'a> {
    /// A filter for `server`.
    pub const fn new(server: Server) -> Self {
        Self { server, usual: (&[], 0) }
    }

    /// Whether the server merely runs the command with this head.
    #[inline]
    pub fn merely_runs(&mut self, head: &Head<'a>) -> bool {
        self.behavior(head) == CommandBehavior::Runs
    }

    #[inline]
    pub(super) fn behavior(&mut self, head: &Head<'a>) -> CommandBehavior {
        if self.usual == (head.name, head.count) {
            return CommandBehavior::Runs;
        }
        let (behavior, row) = examine(self.server, head);
        // The row of a subcommand has another name: there, the second argument matters too.
        if behavior == CommandBehavior::Runs && row.is_some_and(|row| row.name.len() == head.name.len()) {
            self.usual = (head.name, head.count);
        }
        behavior
    }
}

#[cold]
fn unknown(server: Server, head: &Head<'_>) -> CommandBehavior {
    let container = server.checks_arity() && command::known_to(server, &[head.name]).is_some();
    if container { CommandBehavior::UnknownSubcommand } else { CommandBehavior::Unknown }
}

/// A number of arguments that the command does not take, on a server that does not check it.
#[cold]
fn unchecked(server: Server, row: &'static Command, count: usize) -> CommandBehavior {
    let least = row.arity.on(server).unsigned_abs() as usize;
    if count > least && is_special(row.name) {
        return CommandBehavior::Special(row.name);
    }
    if count > least || arity::survives(row.name, count) {
        return CommandBehavior::Noted(NoteKind::WrongArity);
    }
    let cause = if row.subcommands.is_empty() { Crash::TooFewArguments } else { Crash::ContainerAlone };
    CommandBehavior::Crashes { cause, when: When::Always }
}
