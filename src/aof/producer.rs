//! The server that wrote a log, inferred from the log.
//!
//! The RDB at its start names a server, which is known at once. Which servers know all of its commands is known only
//! after reading them. So a reader begins with [`Clues::chosen`], and asks again at the end. Only a log that a newer
//! server continued, or one without an RDB that has commands of Valkey only, is read twice.
//!
//! ```
//! use aofkit::Server;
//! use aofkit::aof::producer::{Clues, Evidence};
//!
//! // Only Valkey 9 knows the command.
//! let log = b"*3\r\n$7\r\nDELIFEQ\r\n$1\r\nk\r\n$1\r\nv\r\n";
//! let mut clues = Clues::before_reading(1, log);
//! assert_eq!(clues.chosen().evidence, Evidence::Default);
//! clues.add(Server::Valkey9.set());
//! assert_eq!((clues.chosen().server(), clues.chosen().evidence), (Server::Valkey9, Evidence::Commands));
//! assert_eq!(clues.chosen().to_string(), "valkey-9, from the commands in the log");
//! ```

use std::fmt;

use crate::rdb::{self, Family, Item, Walker};
use crate::server::{Product, Release, Server, ServerSet};

/// The choice of the server to read a log as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerChoice {
    /// A given release.
    Given(Release),
    /// The server that wrote the log, if that can be inferred, else the newest Redis.
    Auto,
}

impl From<Server> for ServerChoice {
    fn from(server: Server) -> Self {
        Self::Given(server.into())
    }
}

impl ServerChoice {
    /// Reads a log as the chosen server, and once more if its commands show that another one wrote it.
    ///
    /// `read` returns the servers that know all commands and annotations that it read.
    ///
    /// # Errors
    /// Those of `read`.
    pub fn read<T, E>(
        self,
        mut clues: Clues,
        mut read: impl FnMut(ChosenServer) -> Result<(T, ServerSet), E>,
    ) -> Result<(T, ChosenServer), E> {
        if let Self::Given(release) = self {
            let chosen = ChosenServer { release, evidence: Evidence::Option };
            return Ok((read(chosen)?.0, chosen));
        }
        let assumed = clues.chosen();
        let (result, servers) = read(assumed)?;
        clues.add(servers);
        let chosen = clues.chosen();
        if chosen.server() == assumed.server() {
            return Ok((result, chosen));
        }
        // Drop it first: it may hold all data of the log, which would then be in memory twice.
        drop(result);
        Ok((read(chosen)?.0, chosen))
    }
}

/// The reason for the choice of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Evidence {
    /// It was given.
    Option,
    /// The RDB at the start of the log names it: by the field `redis-ver` or `valkey-ver`, else by the magic of
    /// Valkey 9.
    Rdb,
    /// It is the newest server that knows all commands of the log, among those that the RDB does not exclude.
    Commands,
    /// The log gives no evidence, so it is the newest Redis.
    Default,
}

impl Evidence {
    /// The name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Option => "option",
            Self::Rdb => "rdb",
            Self::Commands => "commands",
            Self::Default => "default",
        }
    }
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Option => "as given",
            Self::Rdb => "named by the RDB in the log",
            Self::Commands => "from the commands in the log",
            Self::Default => "the default: the log names no server",
        })
    }
}

/// The server that a log is judged by or written for, and the reason for the choice. Displayed as
/// `valkey-9, named by the RDB in the log`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChosenServer {
    /// The chosen release.
    pub release: Release,
    /// The reason.
    pub evidence: Evidence,
}

impl ChosenServer {
    /// The line of servers that behaves like the release.
    pub const fn server(&self) -> Server {
        self.release.server()
    }

    /// The release, unless the log gives no evidence.
    pub fn known(&self) -> Option<Release> {
        (self.evidence != Evidence::Default).then_some(self.release)
    }
}

impl fmt::Display for ChosenServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { release, evidence } = self;
        write!(f, "{release}")?;
        // `valkey-9` stands for the release valkey-9.1, which was tested.
        if !release.name().starts_with(release.server().name()) {
            write!(f, " (behaves like {})", release.server())?;
        }
        write!(f, ", {evidence}")
    }
}

/// The evidence in a log about the server that wrote it, as far as the log was read.
#[derive(Debug, Clone, Copy)]
pub struct Clues {
    named: Option<Release>,
    able: ServerSet,
}

impl Clues {
    /// The evidence before any command is read, in a log of `parts` parts whose first one has these bytes.
    pub fn before_reading(parts: usize, first: &[u8]) -> Self {
        let able = if parts > 1 { ServerSet::WITH_ANNOTATIONS } else { ServerSet::ALL };
        Self { named: named_by(first), able }
    }

    /// Adds the servers that know the commands and annotations that were read.
    pub fn add(&mut self, servers: ServerSet) {
        self.able = self.able.and(servers);
    }

    /// The server that wrote the log; the newest Redis without evidence.
    ///
    /// A log may have been continued by a newer server than the one that wrote its RDB, so a server that lacks one of
    /// the commands is replaced by the newest of its family that has them all. Commands that no server has together are
    /// ignored.
    pub fn chosen(&self) -> ChosenServer {
        let newest = |product| Server::newest(product, |server| self.able.contains(server));
        let by_commands = |server: Server| ChosenServer { release: server.into(), evidence: Evidence::Commands };
        let told = match self.named {
            Some(release) if self.able.contains(release.server()) => None,
            Some(release) => newest(release.server().product()),
            None if self.able.contains(Server::default()) => None,
            None => newest(Product::Redis).or_else(|| newest(Product::Valkey)),
        };
        let by_rdb = self.named.map(|release| ChosenServer { release, evidence: Evidence::Rdb });
        let default = ChosenServer { release: Server::default().into(), evidence: Evidence::Default };
        told.map(by_commands).or(by_rdb).unwrap_or(default)
    }
}

/// The release that the RDB at the start of a part names.
fn named_by(part: &[u8]) -> Option<Release> {
    if !rdb::is_rdb(part) {
        return None;
    }
    let mut header = None;
    for item in Walker::new(part, 0) {
        match item.ok()? {
            Item::Header(found) => header = Some(found),
            Item::Aux { key, value } => {
                let product = match key.as_ref() {
                    b"redis-ver" => Product::Redis,
                    b"valkey-ver" => Product::Valkey,
                    _ => continue,
                };
                let version = std::str::from_utf8(&value).ok();
                if let Some(release) = version.and_then(|version| Release::of_version(product, version)) {
                    return Some(release);
                }
            }
            // The fields that name the server precede all data.
            _ => break,
        }
    }
    // All servers name themselves. Tools that do not may write an older version than they read.
    let family = header?.family;
    let writer = Server::newest(Product::Valkey, |server| server.rdb_family() == family);
    writer.filter(|_| family == Family::Valkey).map(Release::from)
}
