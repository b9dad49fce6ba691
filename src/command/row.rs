//! The rows of the table, and the functions to write them.

use super::apply::{Apply, Call, Failure};
use super::keys::{KeyIndexes, KeyPositions};
use crate::server::{Server, ServerSet, Since, redis};

/// One command, or one subcommand of a container command.
///
/// Names, arities, flags and key positions are those that `COMMAND` prints on redis 6.2.14, 7.0.15, 8.0.6, Valkey 8.1.1
/// and Valkey 9.1.2.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Command {
    /// Its name in lower case; for a subcommand including the container's: `xgroup|create`.
    pub name: &'static str,
    /// Its group in the documentation.
    pub group: Group,
    /// The number of its arguments.
    pub arity: Arity,
    /// The first releases that have it.
    pub since: Since,
    /// The servers that know it; none for a command that is newer than every modelled server.
    pub servers: ServerSet,
    /// Its kind of access to the data.
    pub effect: Effect,
    /// Which of its arguments are keys.
    pub key_positions: KeyPositions,
    /// The subcommands, if it is a container.
    ///
    /// Redis 6.2 has no subcommands: there the container's row stands for them all.
    pub subcommands: &'static [Command],
    /// The function that applies it; `None` if it changes no data or cannot be replayed.
    pub apply: Option<Apply>,
    /// Whether it does the same to each of its keys by itself, so that every shard of a keyspace can do its own.
    pub by_key: bool,
}

/// No two rows have the same name.
impl PartialEq for Command {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Command {}

/// The groups of the Redis documentation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Group {
    /// Strings.
    String,
    /// Bitmaps, which are strings.
    Bitmap,
    /// `HyperLogLogs`, which are strings.
    HyperLogLog,
    /// Lists.
    List,
    /// Sets.
    Set,
    /// Sorted sets.
    SortedSet,
    /// Hashes.
    Hash,
    /// Streams.
    Stream,
    /// Geospatial indices, which are sorted sets.
    Geo,
    /// Vector sets: a module that comes with Redis 8.
    VectorSet,
    /// Arrays, new in Redis 8.8.
    Array,
    /// Modules that are loaded into a server.
    Module,
    /// Keys of any type.
    Generic,
    /// Scripts and functions.
    Scripting,
    /// Transactions.
    Transaction,
    /// Publishing and subscribing.
    PubSub,
    /// The connection, including the selected database.
    Connection,
    /// Cluster management.
    Cluster,
    /// Server management.
    Server,
}

/// A command's kind of access to the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Effect {
    /// Servers flag it `write`: it may change data.
    Write,
    /// It is not flagged but may change data: scripts and functions run other commands, PFCOUNT caches its result in
    /// the key.
    Indirect,
    /// Servers flag it `readonly`: it reads data.
    Read,
    /// Other commands: on the connection, the server, transactions, channels …
    Control,
}

impl Effect {
    /// Whether it may change data.
    pub const fn may_write(self) -> bool {
        matches!(self, Self::Write | Self::Indirect)
    }
}

/// The number of a command's arguments, including its name and that of its subcommand.
///
/// As servers print it: 3 is exactly three, -3 is three or more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Arity {
    usual: i16,
    exception: Option<(ServerSet, i16)>,
}

impl Arity {
    /// The number that `server` prints.
    pub const fn on(self, server: Server) -> i16 {
        match self.exception {
            Some((servers, arity)) if servers.contains(server) => arity,
            _ => self.usual,
        }
    }

    /// Whether `server` accepts `argc` arguments, including the name.
    pub const fn fits(self, server: Server, argc: usize) -> bool {
        let arity = self.on(server);
        let count = arity.unsigned_abs() as usize;
        if arity < 0 { argc >= count } else { argc == count }
    }
}

impl Command {
    /// Whether this is the row of a subcommand.
    pub fn is_subcommand(&self) -> bool {
        self.name.contains('|')
    }

    /// The last part of the name: a subcommand's name within its container.
    pub fn own_name(&self) -> &'static str {
        self.name.rsplit('|').next().unwrap_or(self.name)
    }

    /// The positions of the keys in `arguments`, which start with the command's name.
    ///
    /// For a container, use its subcommand's row, or [`super::key_indexes`], which finds that row.
    pub fn keys(&self, arguments: &[&[u8]]) -> KeyIndexes {
        self.key_positions.find(arguments)
    }
}

/// How rows are written: `GROUP.write("set", -3).keyed(FIRST)`.
///
/// By default, a row is known to every server, and has one arity and no keys.
impl Group {
    pub(super) const fn write(self, name: &'static str, arity: i16) -> Command {
        self.row(Effect::Write, name, arity)
    }

    pub(super) const fn indirect(self, name: &'static str, arity: i16) -> Command {
        self.row(Effect::Indirect, name, arity)
    }

    pub(super) const fn read(self, name: &'static str, arity: i16) -> Command {
        self.row(Effect::Read, name, arity)
    }

    pub(super) const fn control(self, name: &'static str, arity: i16) -> Command {
        self.row(Effect::Control, name, arity)
    }

    const fn row(self, effect: Effect, name: &'static str, arity: i16) -> Command {
        Command {
            name,
            group: self,
            arity: Arity { usual: arity, exception: None },
            since: Since::ALWAYS,
            servers: ServerSet::ALL,
            effect,
            key_positions: KeyPositions::None,
            subcommands: &[],
            apply: None,
            by_key: false,
        }
    }
}

impl Command {
    /// Sets the first releases that have the command, from which its servers follow.
    pub(super) const fn since(mut self, since: Since) -> Self {
        self.since = since;
        self.servers = since.servers();
        self
    }

    /// Sets the first releases that no longer have the command.
    pub(super) const fn until(mut self, since: Since) -> Self {
        self.servers = self.servers.without(since.servers());
        self
    }

    /// The arity that the command had before these releases.
    pub(super) const fn before(mut self, since: Since, arity: i16) -> Self {
        self.arity.exception = Some((ServerSet::ALL.without(since.servers()), arity));
        self
    }

    pub(super) const fn keyed(mut self, positions: KeyPositions) -> Self {
        self.key_positions = positions;
        self
    }

    pub(super) const fn applies(mut self, apply: fn(&mut Call<'_, '_>) -> Result<(), Failure>) -> Self {
        self.apply = Some(Apply(apply));
        self
    }

    /// The command does the same to each key by itself: its function skips those that the call does not own.
    pub(super) const fn by_key(mut self) -> Self {
        self.by_key = true;
        self
    }

    pub(super) const fn subcommands(mut self, subcommands: &'static [Command]) -> Self {
        self.subcommands = subcommands;
        self
    }
}

/// Fields of hashes expire.
pub(super) const FIELD_EXPIRY: Since = redis(7, 4).valkey(9, 0);
