//! Commands that do not change data, and what a server does that reads them from a log.
//!
//! No server writes them into a log; a hand-made or wrongly merged log may hold them. Found by giving every command
//! that a server lists to that server in a log of its own, and again inside a transaction.

use super::behavior::{CommandBehavior, When};
use super::verdict::{Crash, NoteKind, Stop, Words};
use crate::aof::database_number;
use crate::resp::parse_integer;
use crate::server::Server;

/// Whether the command of this name (in lower case) needs a look at its arguments.
pub(super) fn is_special(name: &str) -> bool {
    matches!(
        name,
        "acl"
            | "acl|deluser"
            | "acl|load"
            | "acl|setuser"
            | "auth"
            | "bgrewriteaof"
            | "client"
            | "config|set"
            | "debug"
            | "eval"
            | "eval_ro"
            | "evalsha"
            | "evalsha_ro"
            | "fcall"
            | "fcall_ro"
            | "hello"
            | "host:"
            | "module"
            | "module|load"
            | "module|loadex"
            | "post"
            | "psubscribe"
            | "psync"
            | "punsubscribe"
            | "replicaof"
            | "reset"
            | "select"
            | "shutdown"
            | "slaveof"
            | "subscribe"
            | "sync"
            | "unsubscribe"
            | "wait"
    )
}

/// What `server` does with a command that [`is_special`], by its row's name and its first arguments.
pub(super) fn behavior(server: Server, name: &str, words: &Words) -> CommandBehavior {
    let old = server == Server::Redis62;
    let word = |index: usize| words.word(index).to_ascii_lowercase();
    let count = words.0.len();
    match name {
        "select" if database_number(words.word(1)).is_none_or(|number| number >= server.databases()) => {
            CommandBehavior::Noted(NoteKind::SelectFails)
        }
        // From 7.0 on it crashes only while EXEC runs it, since it frees the queue that EXEC walks through.
        "reset" => crash(Crash::EndsTransaction, if old { When::Always } else { When::Queued }),
        "psync" if parse_integer(words.word(2)).is_some() => crash(Crash::NeedsConnection, When::Always),
        "wait" if server.waits_while_loading() && waits(words) => crash(Crash::Blocks, When::Alone),
        "shutdown" if shuts_down(server, words) => CommandBehavior::Stops(Stop::ShutsDown),
        "debug" => debug(server, &word(1), count),
        "sync" | "post" | "host:" if old => CommandBehavior::Noted(NoteKind::CrashesOnceReady),
        "unsubscribe" | "punsubscribe" if old => crash(Crash::NeedsConnection, When::Always),
        "subscribe" | "psubscribe" if old => crash(Crash::NeedsConnection, When::Queued),
        "client" if old && count == 2 && word(1) == b"info" => crash(Crash::NeedsConnection, When::Always),
        "auth" if old && count == 3 && words.word(1) != b"default" => crash(Crash::NeedsConnection, When::Always),
        "hello" if old && count >= 5 && word(2) == b"auth" && words.word(3) != b"default" => {
            crash(Crash::NeedsConnection, When::Always)
        }
        "replicaof" | "slaveof" => replicate(server, words),
        "acl|deluser" | "acl|load" | "acl|setuser" | "bgrewriteaof" | "config|set" | "module|load"
        | "module|loadex" => CommandBehavior::Noted(NoteKind::ChangesServer),
        // Redis 6.2 has no rows for subcommands.
        "acl" | "module" if old && matches!(word(1).as_slice(), b"setuser" | b"deluser" | b"load") => {
            CommandBehavior::Noted(NoteKind::ChangesServer)
        }
        "eval" | "eval_ro" | "evalsha" | "evalsha_ro" | "fcall" | "fcall_ro" if !old => {
            CommandBehavior::Noted(NoteKind::RunsScript)
        }
        _ => CommandBehavior::Runs,
    }
}

fn crash(cause: Crash, when: When) -> CommandBehavior {
    CommandBehavior::Crashes { cause, when }
}

fn debug(server: Server, subcommand: &[u8], count: usize) -> CommandBehavior {
    match subcommand {
        b"segfault" | b"panic" | b"assert" | b"oom" => crash(Crash::Asked, When::Always),
        b"loadaof" => crash(Crash::LoadsAgain, When::Always),
        b"reload" if server.is_redis_8() && count == 2 => crash(Crash::LoadsAgain, When::Alone),
        b"restart" | b"crash-and-recover" if server == Server::Redis62 => CommandBehavior::Stops(Stop::RestartsForEver),
        _ => CommandBehavior::Runs,
    }
}

/// `REPLICAOF host port` makes a replica of the server, which then throws its data away for its master's.
fn replicate(server: Server, words: &Words) -> CommandBehavior {
    let no_one = words.word(1).eq_ignore_ascii_case(b"no") && words.word(2).eq_ignore_ascii_case(b"one");
    let port = parse_integer(words.word(2));
    match server {
        _ if no_one => CommandBehavior::Runs,
        Server::Redis62 if port.is_some() => crash(Crash::NeedsConnection, When::Always),
        Server::Redis62 => CommandBehavior::Runs,
        _ if port.is_some_and(|port| (0..=65535).contains(&port)) => CommandBehavior::Noted(NoteKind::ChangesServer),
        _ => CommandBehavior::Runs,
    }
}

/// `WAIT` blocks for more than no replica, when its arguments are numbers.
fn waits(words: &Words) -> bool {
    let (replicas, timeout) = (parse_integer(words.word(1)), parse_integer(words.word(2)));
    replicas.is_some_and(|replicas| replicas > 0) && timeout.is_some_and(|timeout| timeout >= 0)
}

/// Redis 6.2 takes at most one word; later ones refuse to shut down while they load, unless `NOW` is among the words.
fn shuts_down(server: Server, words: &Words) -> bool {
    let given: Vec<Vec<u8>> = words.0.iter().skip(1).map(|word| word.to_ascii_lowercase()).collect();
    let has = |text: &[u8]| given.iter().any(|word| word == text);
    if server == Server::Redis62 {
        return given.is_empty() || (given.len() == 1 && (has(b"save") || has(b"nosave")));
    }
    let known = |word: &Vec<u8>| {
        matches!(word.as_slice(), b"now" | b"save" | b"nosave" | b"force")
            || (word == b"safe" && server == Server::Valkey9)
    };
    has(b"now") && given.iter().all(known) && !(has(b"save") && has(b"nosave"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(server: Server, line: &str) -> CommandBehavior {
        let words = Words(line.split(' ').map(|word| word.as_bytes().to_vec()).collect());
        behavior(server, &line.split(' ').next().unwrap().to_ascii_lowercase(), &words)
    }

    #[test]
    fn select_takes_numbers_as_servers_write_them_below_sixteen() {
        for (line, fails) in [
            ("SELECT 0", false),
            ("SELECT 15", false),
            ("SELECT 16", true),
            ("SELECT -1", true),
            ("SELECT 01", true),
            ("SELECT +1", true),
            ("SELECT x", true),
            ("SELECT 99999999999999999999", true),
        ] {
            let expected = if fails { CommandBehavior::Noted(NoteKind::SelectFails) } else { CommandBehavior::Runs };
            assert_eq!(of(Server::Redis80, line), expected, "{line}");
        }
    }

    #[test]
    fn a_server_shuts_down_from_its_log_when_it_is_told_to_do_so_now() {
        let stops = |server, line| of(server, line) == CommandBehavior::Stops(Stop::ShutsDown);
        assert!(stops(Server::Redis62, "SHUTDOWN") && stops(Server::Redis62, "shutdown nosave"));
        assert!(!stops(Server::Redis62, "SHUTDOWN NOW"));
        for server in [Server::Redis70, Server::Redis80, Server::Valkey8, Server::Valkey9] {
            assert!(stops(server, "SHUTDOWN NOW") && stops(server, "SHUTDOWN force now nosave"));
            for line in ["SHUTDOWN", "SHUTDOWN NOSAVE", "SHUTDOWN NOW ABORT", "SHUTDOWN NOW SAVE NOSAVE"] {
                assert!(!stops(server, line), "{line} on {server}");
            }
            assert_eq!(stops(server, "SHUTDOWN NOW SAFE"), server == Server::Valkey9);
        }
    }
}
