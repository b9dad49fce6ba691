//! aofkit's side: replay, digest, rewrite.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::sync::LazyLock;
use std::time::{SystemTime, UNIX_EPOCH};

use aofkit::Server;
use aofkit::replay::{self, Replayed, Unknown};
use aofkit::resp;
use aofkit::rewrite::{self, Base, Target};

use super::Command;

/// The time at which the test began, in milliseconds of Unix time.
pub(crate) fn now() -> i64 {
    static NOW: LazyLock<i64> =
        LazyLock::new(|| i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap());
    *NOW
}

pub(crate) fn encode(commands: &[Command]) -> Vec<u8> {
    let mut log = Vec::new();
    for command in commands {
        resp::write_command(&mut log, &command.iter().map(Vec::as_slice).collect::<Vec<_>>());
    }
    log
}

pub(crate) fn decode(log: &[u8]) -> Vec<Command> {
    let (mut commands, mut position) = (Vec::new(), 0);
    while position < log.len() {
        let mut arguments: Vec<&[u8]> = Vec::new();
        position = resp::parse(log, position, &mut arguments).unwrap();
        commands.push(arguments.iter().map(|argument| argument.to_vec()).collect());
    }
    commands
}

pub(crate) fn replay<'a>(parts: &[&'a [u8]], threads: usize) -> Replayed<'a> {
    let threads = NonZeroUsize::new(threads).unwrap();
    replay::replay(parts, replay::Options { threads, unknown: Unknown::Skip, now: now(), ..Default::default() })
}

pub(crate) fn digest_of(replayed: &Replayed<'_>, server: Server) -> String {
    aofkit::digest::digest(&replayed.shares, server, now(), &|_, _| true).digest.to_string()
}

pub(crate) fn digest(parts: &[&[u8]], server: Server) -> String {
    digest_of(&replay(parts, 1), server)
}

pub(crate) fn rewrite(replayed: &Replayed<'_>, base: Base, threads: usize) -> Vec<u8> {
    rewrite_with(
        replayed,
        base,
        rewrite::Options { threads: NonZeroUsize::new(threads).unwrap(), ..Default::default() },
    )
}

/// As a server of this line loads it.
pub(crate) fn rewrite_for(server: Server, replayed: &Replayed<'_>, base: Base) -> Vec<u8> {
    let target = match server {
        Server::Redis62 => Target::Redis62,
        Server::Redis70 => Target::Redis70,
        Server::Valkey8 => Target::Valkey8,
        Server::Valkey9 => Target::Valkey9,
        _ => Target::Redis80,
    };
    let threads = NonZeroUsize::new(2).unwrap();
    rewrite_with(replayed, base, rewrite::Options { threads, target: Some(target), ..Default::default() })
}

pub(crate) fn rewrite_with(replayed: &Replayed<'_>, base: Base, options: rewrite::Options<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    rewrite::write(&replayed.shares, base, options, &mut out).unwrap();
    out
}

/// What a rewritten log says of each key, independent of how it is split into commands.
pub(crate) fn contents(log: &[u8]) -> BTreeMap<(String, String), BTreeSet<String>> {
    let mut contents: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
    let mut database = "0".to_owned();
    for command in decode(log) {
        let words: Vec<String> = command.iter().map(|argument| argument.escape_ascii().to_string()).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let name = words[0].to_ascii_uppercase();
        if name == "SELECT" {
            words[1].clone_into(&mut database);
            continue;
        }
        let key = words[if name == "XGROUP" { 2 } else { 1 }];
        let items = contents.entry((database.clone(), key.to_owned())).or_default();
        match name.as_str() {
            "RPUSH" => {
                for element in &words[2..] {
                    let place = items.len();
                    items.insert(format!("element {place}: {element}"));
                }
            }
            "SADD" => items.extend(words[2..].iter().map(|member| format!("member {member}"))),
            "ZADD" => items.extend(words[2..].chunks(2).map(|pair| {
                let score: f64 = pair[0].parse().unwrap();
                format!("member {} score {score:?}", pair[1])
            })),
            "HMSET" | "HSET" => items.extend(words[2..].chunks(2).map(|pair| format!("field {} {}", pair[0], pair[1]))),
            "HSETEX" => {
                assert!(words[2] == "PXAT" && words[4] == "FIELDS", "{words:?}");
                for pair in words[6..].chunks(2) {
                    items.insert(format!("field {} {}", pair[0], pair[1]));
                    items.insert(format!("field {} expires {}", pair[0], words[3]));
                }
            }
            "HPEXPIREAT" => items.extend(words[5..].iter().map(|field| format!("field {field} expires {}", words[2]))),
            "XADD" => drop(items.insert(format!("entry {}: {}", words[2], words[3..].join(" ")))),
            "XCLAIM" => {
                items.insert(format!("consumer {} of {}", words[3], words[2]));
                // Servers write those whose entry is gone as well, and then do nothing with them.
                if items.iter().any(|item| item.starts_with(&format!("entry {}:", words[5]))) {
                    items.insert(format!("XCLAIM {}", words[2..].join(" ")));
                }
            }
            "XGROUP" if words[1] == "CREATECONSUMER" => {
                items.insert(format!("consumer {} of {}", words[4], words[3]));
            }
            _ => {
                items.insert(format!("{name} {}", words[1..].join(" ")));
            }
        }
    }
    contents
}
