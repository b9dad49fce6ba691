//! Which server wrote a log, as far as the log tells.
//!
//! ```
//! use aofkit::Server;
//! use aofkit::aof::producer::{ChosenServer, Evidence};
//!
//! // Of all servers, Valkey 9 alone knows the command.
//! let log = b"*3\r\n$7\r\nDELIFEQ\r\n$1\r\nk\r\n$1\r\nv\r\n";
//! let chosen = ChosenServer::of_log(&[log]);
//! assert_eq!((chosen.server(), chosen.evidence), (Server::Valkey9, Evidence::Commands));
//! assert_eq!(chosen.to_string(), "valkey-9, from the commands in the log");
//! ```

use std::fmt;

use super::{Content, Reader};
use crate::command;
use crate::rdb::{self, Item, Magic, Walker};
use crate::server::{Release, Server, ServerSet};

/// How many bytes of commands are looked at, in all parts together: the first ones. It takes some ten milliseconds,
/// however large the log is.
pub const COMMANDS_LIMIT: usize = 16 << 20;

/// Where the choice of a server is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Evidence {
    /// A person chose it.
    Option,
    /// The RDB at the start of the log names it: by the field `redis-ver` or `valkey-ver`, else by the magic of
    /// Valkey 9.
    Rdb,
    /// It is the newest that knows all commands of the log, of those that the RDB does not rule out.
    Commands,
    /// The log does not tell: it is the newest Redis.
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

/// The server that a log is judged by or written for, and why it is that one. Displayed as `valkey-9, named by the
/// RDB in the log`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChosenServer {
    /// The release that was named.
    pub release: Release,
    /// Why.
    pub evidence: Evidence,
}

impl ChosenServer {
    /// The server that a person chose.
    pub const fn given(release: Release) -> Self {
        Self { release, evidence: Evidence::Option }
    }

    /// The server that wrote a log of these parts, in the order in which they are loaded; the newest Redis if they do
    /// not tell.
    pub fn of_log(parts: &[&[u8]]) -> Self {
        producer(parts).unwrap_or_else(|| Self { release: Server::default().into(), evidence: Evidence::Default })
    }

    /// The line of servers that behaves like the release.
    pub const fn server(&self) -> Server {
        self.release.server
    }

    /// The release, unless the log does not tell.
    pub fn known(&self) -> Option<Release> {
        (self.evidence != Evidence::Default).then_some(self.release)
    }
}

impl fmt::Display for ChosenServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { release, evidence } = self;
        write!(f, "{release}")?;
        // valkey-9.1 is the release that was tried of valkey-9.
        if !release.name.starts_with(release.server.name()) {
            write!(f, " (behaves like {})", release.server)?;
        }
        write!(f, ", {evidence}")
    }
}

/// Which server wrote a log of these parts; `None` if they do not tell.
///
/// The RDB is that of the first part. A log may have been continued by a newer server than the one that wrote its
/// RDB, so a server that lacks one of the commands is replaced by the newest of its family that has them all.
/// Commands after an RDB in the same part are not looked at, because that would mean to read all of the RDB first.
pub fn producer(parts: &[&[u8]]) -> Option<ChosenServer> {
    let named = parts.first().and_then(|part| named_by(part));
    let able = able(parts);
    let newest = |able: ServerSet| {
        let of = |valkey: bool| able.iter().filter(|server| server.is_valkey() == valkey).last();
        of(false).or_else(|| of(true))
    };
    let by_commands = |server: Server| ChosenServer { release: server.into(), evidence: Evidence::Commands };
    match named {
        Some(release) if able.contains(release.server) => Some(ChosenServer { release, evidence: Evidence::Rdb }),
        Some(release) => {
            let family = able.iter().filter(|server| server.is_valkey() == release.server.is_valkey());
            let family = family.fold(ServerSet::NONE, |servers, server| servers.or(server.set()));
            newest(family).map(by_commands).or(Some(ChosenServer { release, evidence: Evidence::Rdb }))
        }
        None if able.contains(Server::default()) => None,
        None => newest(able).map(by_commands),
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
                let family = match key.as_ref() {
                    b"redis-ver" => "redis",
                    b"valkey-ver" => "valkey",
                    _ => continue,
                };
                let version = std::str::from_utf8(&value).ok();
                if let Some(release) = version.and_then(|version| Release::of_version(family, version)) {
                    return Some(release);
                }
            }
            // What names the server stands before all data.
            _ => break,
        }
    }
    // All servers name themselves; tools that do not may write an older version than they read.
    (header?.magic == Magic::Valkey).then(|| Server::Valkey9.into())
}

/// The servers that know every command at the start of a log, those aside that none of them knows; only 7.0 and later
/// write logs of several parts and annotations.
fn able(parts: &[&[u8]]) -> ServerSet {
    let mut servers = ServerSet::ALL;
    let since_7 = ServerSet::ALL.without(Server::Redis62.set());
    if parts.len() > 1 {
        servers = since_7;
    }
    let mut left = COMMANDS_LIMIT;
    for part in parts.iter().filter(|part| !rdb::is_rdb(part)) {
        let mut reader = Reader::new(part, 0);
        while let Some(Ok(record)) = reader.next_record() {
            let Some(rest) = left.checked_sub(usize::try_from(record.length).unwrap_or(usize::MAX)) else {
                return servers;
            };
            left = rest;
            let knowing = match record.content {
                Content::Annotation(_) => since_7,
                Content::Command(arguments) => match command::resolve(arguments).row() {
                    Some(row) if row.servers != ServerSet::NONE => row.servers,
                    _ => continue,
                },
            };
            // Commands that no server has together are of no use.
            if servers.and(knowing) != ServerSet::NONE {
                servers = servers.and(knowing);
            }
        }
    }
    servers
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resp::write_command;

    fn log(commands: &[&str]) -> Vec<u8> {
        let mut log = Vec::new();
        for command in commands {
            write_command(&mut log, &command.split(' ').map(str::as_bytes).collect::<Vec<_>>());
        }
        log
    }

    fn rdb(head: &str, aux: &[(&str, &str)]) -> Vec<u8> {
        let mut rdb = head.as_bytes().to_vec();
        for (key, value) in aux {
            rdb.push(0xfa);
            for text in [key, value] {
                rdb.push(u8::try_from(text.len()).unwrap());
                rdb.extend(text.as_bytes());
            }
        }
        rdb.extend(b"\xff\0\0\0\0\0\0\0\0");
        rdb
    }

    #[track_caller]
    fn is(parts: &[&[u8]], expected: &str) {
        assert_eq!(ChosenServer::of_log(parts).to_string(), expected);
    }

    #[test]
    fn the_rdb_names_its_server() {
        let by = "named by the RDB in the log";
        let cases = [
            ("REDIS0009", Some(("redis-ver", "6.2.14")), format!("redis-6.2, {by}")),
            ("REDIS0011", Some(("redis-ver", "7.2.4")), format!("redis-7.2 (behaves like redis-8.0), {by}")),
            ("REDIS0012", Some(("redis-ver", "8.4.0")), format!("redis-8.4 (behaves like redis-8.6), {by}")),
            ("REDIS0013", Some(("redis-ver", "8.6.3")), format!("redis-8.6, {by}")),
            ("REDIS0013", Some(("redis-ver", "255.255.255")), format!("redis-8.6, {by}")),
            ("REDIS0011", Some(("valkey-ver", "8.1.1")), format!("valkey-8.1, {by}")),
            ("VALKEY080", Some(("valkey-ver", "9.0.1")), format!("valkey-9.0, {by}")),
            ("VALKEY080", None, format!("valkey-9, {by}")),
        ];
        for (head, aux, expected) in cases {
            let aux: Vec<_> = [("repl-id", "1")].into_iter().chain(aux).collect();
            is(&[&rdb(head, &aux)], &expected);
        }
        is(&[&rdb("REDIS0010", &[])], "redis-8.6, the default: the log names no server");
        is(&[&rdb("REDIS0010", &[("redis-ver", "new")])], "redis-8.6, the default: the log names no server");
        is(&[b"REDIS"], "redis-8.6, the default: the log names no server");
    }

    #[test]
    fn commands_tell_where_the_newest_redis_lacks_one() {
        is(&[&log(&["SET a b", "DELIFEQ a b"])], "valkey-9, from the commands in the log");
        for neutral in ["SET a b", "CLUSTER SYNCSLOTS FINISH x", "HSETEX h FIELDS 1 f v", "XADD s * f v", "NOSUCH a"] {
            is(&[&log(&[neutral])], "redis-8.6, the default: the log names no server");
        }
    }

    #[test]
    fn a_newer_server_went_on_with_the_log() {
        let old = rdb("REDIS0010", &[("redis-ver", "7.0.15")]);
        is(&[&old, &log(&["SET a b"])], "redis-7.0, named by the RDB in the log");
        is(&[&old, &log(&["HPEXPIREAT h 1 FIELDS 1 f"])], "redis-8.6, from the commands in the log");
        // Redis 7.0 and later take over a single file of 6.2 as their base.
        let older = rdb("REDIS0009", &[("redis-ver", "6.2.14")]);
        is(&[&older, &log(&["SET a b"])], "redis-8.6, from the commands in the log");
    }

    #[test]
    fn damage_and_the_limit_end_the_search() {
        let mut damaged = log(&["SET a b"]);
        damaged.extend(b"*x\r\n");
        damaged.extend(log(&["DELIFEQ a b"]));
        is(&[&damaged], "redis-8.6, the default: the log names no server");
        let long = "x".repeat(COMMANDS_LIMIT);
        is(&[&log(&[&format!("SET a {long}"), "DELIFEQ a b"])], "redis-8.6, the default: the log names no server");
    }
}
