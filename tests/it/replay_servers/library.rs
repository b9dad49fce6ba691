//! aofkit's side: replay, digest, rewrite.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::time::{SystemTime, UNIX_EPOCH};

use aofkit::Server;
use aofkit::command::apply::{EntriesRead, ExpiredFields};
use aofkit::replay::{self, Replayed, Unknown};
use aofkit::resp;
use aofkit::rewrite::{self, Base};
use aofkit::server::Release;

use super::Command;

/// The time at which the test began, which has a thread of its own, in milliseconds of Unix time.
pub(crate) fn now() -> i64 {
    thread_local! {
        static NOW: i64 =
            i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap();
    }
    NOW.with(|now| *now)
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
    replay_as(Server::Valkey9, parts, threads)
}

/// As a server replays it.
pub(crate) fn replay_as<'a>(server: Server, parts: &[&'a [u8]], threads: usize) -> Replayed<'a> {
    let expired_fields = if server.is_redis_8() { ExpiredFields::AsLoaded } else { ExpiredFields::AsWritten };
    replay::replay(parts, replay::Options { expired_fields, ..options(server, threads) })
}

/// As the server had it that wrote the log.
pub(crate) fn replay_of<'a>(writer: Server, parts: &[&'a [u8]], threads: usize) -> Replayed<'a> {
    replay::replay(parts, options(writer, threads))
}

fn options(server: Server, threads: usize) -> replay::Options<'static> {
    let limits = server.limits_entries_read();
    let entries_read = if limits { EntriesRead::AtMostAdded } else { EntriesRead::AsGiven };
    let threads = NonZeroUsize::new(threads).unwrap();
    replay::Options { threads, unknown: Unknown::Skip, now: now(), server, entries_read, ..Default::default() }
}

pub(crate) fn digest_of(replayed: &Replayed<'_>, server: Server) -> String {
    aofkit::digest::digest(&replayed.keyspace, server, now(), &|_, _| true).digest.to_string()
}

pub(crate) fn digest(parts: &[&[u8]], server: Server) -> String {
    digest_of(&replay_as(server, parts, 1), server)
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
    let (threads, target) = (NonZeroUsize::new(2).unwrap(), Some(target_of(server)));
    rewrite_with(replayed, base, rewrite::Options { threads, target, ..Default::default() })
}

fn target_of(server: Server) -> Release {
    Release::from(server).target()
}

pub(crate) fn rewrite_with(replayed: &Replayed<'_>, base: Base, options: rewrite::Options<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    rewrite::write(&replayed.keyspace, base, options, &mut out).unwrap();
    out
}

/// The parts of the directory into which the program rewrites a log, with their kinds in the manifest.
pub(crate) fn rewrite_to_directory(server: Server, log: &[u8], base: &str) -> Vec<(char, Vec<u8>)> {
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (folder.path().join("a.aof"), folder.path().join("new"));
    std::fs::write(&from, log).unwrap();
    let mut argument = to.clone().into_os_string();
    argument.push("/");
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_aofkit"))
        .args(["rewrite", "--base", base, "--target", target_of(server).name(), "-o"])
        .arg(argument)
        .arg(from)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let manifest = std::fs::read_to_string(to.join("appendonly.aof.manifest")).unwrap();
    let part = |line: &str| {
        let words: Vec<&str> = line.split(' ').collect();
        (words[5].chars().next().unwrap(), std::fs::read(to.join(words[1])).unwrap())
    };
    manifest.lines().map(part).collect()
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
                items.insert(format!("XCLAIM {}", words[2..].join(" ")));
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
