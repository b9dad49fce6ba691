//! The commands: one row each, in one file for each group of the Redis documentation.
//!
//! Everything else follows from the rows: which servers know a command, how many arguments it takes, which of them are
//! keys. A new command is one row in its group's file.

pub mod apply;
mod array;
mod bitmap;
mod cluster;
mod connection;
mod generic;
mod geo;
mod hash;
mod hyperloglog;
mod keys;
mod list;
mod lookup;
mod module;
mod pubsub;
mod row;
mod scripting;
mod server;
mod set;
mod sorted_set;
mod stream;
mod string;
mod transaction;
mod vector_set;

pub(crate) use keys::FIRST;
pub use keys::{KeyIndexes, KeyPositions};
pub use lookup::lookup;
pub use row::{Arity, Command, Effect, Group};

use crate::rdb::dump::Restoration;
use crate::server::{Server, ServerSet};

/// Every row except those of subcommands.
static GROUPS: &[&[Command]] = &[
    string::COMMANDS,
    bitmap::COMMANDS,
    hyperloglog::COMMANDS,
    list::COMMANDS,
    set::COMMANDS,
    sorted_set::COMMANDS,
    hash::COMMANDS,
    stream::COMMANDS,
    geo::COMMANDS,
    vector_set::COMMANDS,
    module::COMMANDS,
    array::COMMANDS,
    generic::COMMANDS,
    scripting::COMMANDS,
    transaction::COMMANDS,
    pubsub::COMMANDS,
    connection::COMMANDS,
    cluster::COMMANDS,
    server::COMMANDS,
];

/// Every row, group by group and by name within: each command, followed by its subcommands.
pub fn all() -> impl Iterator<Item = &'static Command> {
    GROUPS.iter().copied().flatten().flat_map(|command| std::iter::once(command).chain(command.subcommands))
}

/// Whether the command creates a key from a payload of DUMP.
pub(crate) fn is_restore(row: &Command) -> bool {
    matches!(row.name, "restore" | "restore-asking")
}

/// What `server` does at a command for which [`is_restore`] is true; `None` if it does not read the payload.
pub(crate) fn restoration(arguments: &[&[u8]], server: Server) -> Option<Restoration> {
    apply::restore::restoration(arguments, server)
}

/// The command that the arguments of a record name, whichever server knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolution {
    /// There is a row for it.
    Known {
        /// The row that the first argument names.
        command: &'static Command,
        /// The row that the second argument names, if `command` is a container and there is a second argument.
        subcommand: Option<&'static Command>,
    },
    /// The first argument is missing or names no command.
    UnknownCommand,
    /// The first argument names a container, the second none of its subcommands.
    UnknownSubcommand(&'static Command),
}

impl Resolution {
    /// The most specific row: the subcommand's, else the command's. If the subcommand is unknown, the container's.
    pub const fn row(self) -> Option<&'static Command> {
        match self {
            Self::Known { subcommand: Some(row), .. }
            | Self::Known { command: row, subcommand: None }
            | Self::UnknownSubcommand(row) => Some(row),
            Self::UnknownCommand => None,
        }
    }
}

/// Finds the rows for `arguments`, which start with the command's name.
pub fn resolve(arguments: &[&[u8]]) -> Resolution {
    let Some(command) = arguments.first().and_then(|name| lookup(name)) else { return Resolution::UnknownCommand };
    if command.subcommands.is_empty() {
        return Resolution::Known { command, subcommand: None };
    }
    let Some(name) = arguments.get(1) else { return Resolution::Known { command, subcommand: None } };
    match subcommand(command, name) {
        Some(row) => Resolution::Known { command, subcommand: Some(row) },
        None => Resolution::UnknownSubcommand(command),
    }
}

fn subcommand(container: &'static Command, name: &[u8]) -> Option<&'static Command> {
    container.subcommands.iter().find(|row| row.own_name().as_bytes().eq_ignore_ascii_case(name))
}

/// The servers that know a command; all if none does, because that does not tell who wrote it.
pub(crate) fn servers_knowing(arguments: &[&[u8]]) -> ServerSet {
    match resolve(arguments).row() {
        Some(row) if row.servers != ServerSet::NONE => row.servers,
        _ => ServerSet::ALL,
    }
}

/// The row that `server` would run when it loads these arguments; `None` where it stops with "Unknown command".
///
/// Redis 7.0 and later, and Valkey, look up the subcommand as well, but accept a container without one. Such a
/// container has nothing to run: `FUNCTION` alone crashes Redis 7.0 and 8.0. Since the arity of every container but
/// COMMAND, which does run alone, is at least two arguments, [`arity_fits`] tells those cases. Redis 6.2 has no
/// subcommands and accepts any.
pub fn known_to(server: Server, arguments: &[&[u8]]) -> Option<&'static Command> {
    let command = lookup(arguments.first()?)?;
    if !command.servers.contains(server) {
        return None;
    }
    if command.subcommands.is_empty() || !server.has_subcommands() {
        return Some(command);
    }
    match arguments.get(1) {
        Some(name) => subcommand(command, name).filter(|row| row.servers.contains(server)),
        None => Some(command),
    }
}

/// Whether `server` accepts `argc` arguments, including the command's name, for the command of `row`.
///
/// During a load, only Valkey 8.1 and later check it, and refuse the log. Redis and Valkey 8.0 run the command with any
/// number, and may crash (`GET` alone does).
pub fn arity_fits(row: &Command, server: Server, argc: usize) -> bool {
    row.arity.fits(server, argc)
}

/// The positions of the keys in `arguments`, which start with the command's name; none if no server knows it.
///
/// They do not depend on the server. If arguments are missing or invalid, the keys that can be determined are returned.
/// Keys that a command computes (from the patterns of SORT … BY and GET, or in a script) are not included.
pub fn key_indexes(arguments: &[&[u8]]) -> KeyIndexes {
    resolve(arguments).row().map_or(KeyIndexes::NONE, |row| row.keys(arguments))
}

#[cfg(test)]
mod tests;
