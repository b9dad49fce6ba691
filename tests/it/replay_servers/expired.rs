//! Fields whose expiry has passed by the time at which a server loads the log that has them.

use aofkit::Server;
use aofkit::aof::log::Log;
use aofkit::aof::producer::ServerChoice;
use aofkit::check::{Code, Settings};
use aofkit::replay::{LoadDifference, Replayed};
use aofkit::rewrite::Base;
use aofkit::value::Value;

use crate::harness::Random;
use crate::harness::log;
use crate::harness::{RealServer, Reply, assert_none};

use super::library::{self, now, replay_as, replay_of};

/// What may be done to the hash `h`, of which `f` and `n` have expired and `g` has not.
const COMMANDS: &[&str] = &[
    "HPERSIST h FIELDS 1 f",
    "HGETEX h PERSIST FIELDS 1 f",
    "HGETEX h PXAT 9999999999999 FIELDS 1 f",
    "HINCRBY h n 5",
    "HINCRBY h n 5;HPERSIST h FIELDS 1 n",
    "HINCRBY h n 5;HPEXPIREAT h 9999999999999 FIELDS 1 n",
    "HINCRBYFLOAT h n 5",
    "HSETNX h f new",
    "HSET h f new",
    "HSETEX h FNX FIELDS 1 f new",
    "HSETEX h FXX FIELDS 1 f new",
    "HSETEX h KEEPTTL FIELDS 1 f new",
    "HGETDEL h FIELDS 1 f",
    "HGETDEL h FIELDS 3 f g n",
    "HGETDEL h FIELDS 2 f n;HDEL h g",
    "HDEL h f g n",
    "RPUSH l 1 2;HSET h1 f 5;HSET h2 f 3;HPEXPIREAT h1 1000 FIELDS 1 f;SORT l BY h*->f STORE out",
    "RPUSH l 1;HSET h1 f 5 g 6;HPEXPIREAT h1 1000 FIELDS 1 f;SORT l GET h*->f GET h*->g STORE out",
    "HPEXPIREAT h 9999999999999 NX FIELDS 1 f",
    "HPEXPIREAT h 9999999999999 XX FIELDS 1 f",
    "HPEXPIREAT h 9999999999999 GT FIELDS 1 f",
    "HPEXPIREAT h 9999999999999 LT FIELDS 1 f",
    "HPEXPIREAT h 500 LT FIELDS 1 f",
    "COPY h c;HPERSIST c FIELDS 1 f",
    "HPEXPIREAT h 70368744177663 FIELDS 1 g",
    "HPEXPIREAT h 70368744177664 FIELDS 1 g",
    "HEXPIREAT h 70368744178 FIELDS 1 g",
    "HSETEX h PXAT 70368744177664 FIELDS 1 g w2",
    "HGETEX h PXAT 70368744177664 FIELDS 1 g",
    "HPEXPIREAT h 281474976710656 FIELDS 1 g",
    // What the loss becomes of later.
    "HPERSIST h FIELDS 2 f n",
    "HPERSIST h FIELDS 2 f n;HDEL h f",
    "HPERSIST h FIELDS 1 f;HSET h f again",
    "HPERSIST h FIELDS 1 f;RENAME h other",
    "HPERSIST h FIELDS 1 f;COPY h other",
    "HPERSIST h FIELDS 1 f;PEXPIREAT h 1000000",
    "HPERSIST h FIELDS 1 f;DEL h",
    "MULTI;HPERSIST h FIELDS 1 f;EXEC",
    "HDEL h g n;HPERSIST h FIELDS 1 f",
    // The log's own clock, which servers do not ask.
    "#TS:2;HPERSIST h FIELDS 1 f",
    "HSET h t 1;HPEXPIREAT h 1000000 FIELDS 1 t;#TS:2;HPERSIST h FIELDS 1 t;HINCRBY h t 1",
];

fn with_expired_fields(commands: &str) -> Vec<u8> {
    let lines = format!("#TS:1;HSET h f v g w n 1;HPEXPIREAT h 1000 FIELDS 2 f n;{commands}");
    log::log(&lines.split(';').collect::<Vec<_>>())
}

/// How much a server that has loaded the log does not have of what the server had that wrote it.
fn differences(loader: &mut RealServer, written: &Replayed<'_>) -> LoadDifference {
    let mut found = LoadDifference::default();
    let is_live = |expiry: Option<i64>| expiry.is_none_or(|expiry| expiry >= now());
    for (number, entry) in written.keyspace.iter().filter(|(_, entry)| is_live(entry.expiry())) {
        loader.call(&["SELECT", &number.to_string()]);
        match entry.value() {
            Value::Hash(hash) => {
                for (field, content) in hash.iter().filter(|(_, content)| is_live(content.expiry)) {
                    match loader.call(&[b"HGET", &*entry.key, field]) {
                        Reply::Null => found.lost_fields += 1,
                        reply => found.changed_fields += u64::from(reply.bytes() != content.value),
                    }
                }
            }
            Value::List(list) => {
                let theirs = loader.call(&[b"LRANGE", &*entry.key, b"0", b"-1"]);
                let theirs = theirs.array().iter().map(|element| element.bytes());
                found.changed_keys += u64::from(!theirs.eq(list.iter()));
            }
            _ => {}
        }
    }
    loader.call(&["SELECT", "0"]);
    found
}

/// How many fields `check` says that a server loses.
fn found_by_check(server: Server, parts: &[(&str, &[u8])]) -> u64 {
    let directory = tempfile::tempdir().unwrap();
    let mut manifest = String::new();
    for (index, (kind, bytes)) in parts.iter().enumerate() {
        let name = format!("a.{index}");
        std::fs::write(directory.path().join(&name), bytes).unwrap();
        manifest += &format!("file {name} seq {} type {kind}\n", index + 1);
    }
    std::fs::write(directory.path().join("a.manifest"), manifest).unwrap();
    let log = Log::open(directory.path()).unwrap();
    let settings = Settings { server: ServerChoice::Given(server.into()), ..Settings::default() };
    let report = aofkit::check::check(&log, settings).unwrap();
    let finding = report.findings.iter().find(|finding| finding.code == Code::LosesFields);
    finding.map_or(0, |finding| {
        let words: Vec<&str> = finding.message.split(' ').collect();
        assert_eq!(words[..2], [server.name(), "loses"]);
        words[2].parse().unwrap()
    })
}

/// Each on a server that knows fields which expire: what it has once it has loaded the log, and what it has lost.
fn compare(server: Server) {
    let mut loader = RealServer::logging(server);
    let (mut found, mut sum) = (Vec::new(), 0);
    for commands in COMMANDS {
        let log = with_expired_fields(commands);
        let theirs = loader.load(&[('b', &log)]);
        if library::digest(&[&log], server) != theirs {
            found.push(format!("{server}: another digest: {commands}"));
        }
        let (written, loaded) = (replay_of(server, &[&log], 2), replay_as(server, &[&log], 3));
        let (ours, theirs) = (LoadDifference::between(&written, &loaded, now()), differences(&mut loader, &written));
        if ours != theirs {
            found.push(format!("{server}: {ours:?} and not {theirs:?}: {commands}"));
        }
        let is_known = written.summary.diverged && loaded.summary.diverged;
        if !is_known && !ours.is_nothing() {
            found.push(format!("{server}: {ours:?} without a word of the replay: {commands}"));
        }
        let checked = found_by_check(server, &[("b", &log)]);
        // What check does not follow: fields of other keys, and conditions.
        let is_followed = !["FXX", "COPY", "RENAME", "PXAT 9"].iter().any(|words| commands.contains(words));
        if checked > theirs.lost_fields || is_followed && checked < theirs.lost_fields {
            found.push(format!("{server}: check finds {checked} of {}: {commands}", theirs.lost_fields));
        }
        sum += theirs.lost_fields;
    }
    assert_none(&found);
    assert_eq!(sum > 0, server.is_redis_8(), "{server}: {sum} fields lost");
}

#[server_test]
fn fields_that_expired_before_the_load_are_what_each_server_makes_of_them() {
    for server in [Server::Redis80, Server::Redis82, Server::Redis86, Server::Valkey9] {
        compare(server);
    }
}

/// Fields of an RDB that a server wrote while they were there.
#[server_test]
fn fields_of_an_rdb_that_expired_before_the_load_are_lost_as_well() {
    for server in [Server::Redis80, Server::Redis82, Server::Redis86, Server::Valkey9] {
        let base = library::rewrite_for(server, &replay_of(server, &[&with_expired_fields("SET a 1")], 1), Base::Rdb);
        let mut loader = RealServer::logging(server);
        let incr = log::log(&["HPERSIST h FIELDS 2 f n"]);
        let theirs = loader.load(&[('b', &base), ('i', &incr)]);
        assert_eq!(library::digest(&[&base, &incr], server), theirs, "{server}");
        let (written, loaded) = (replay_of(server, &[&base, &incr], 2), replay_as(server, &[&base, &incr], 2));
        let ours = LoadDifference::between(&written, &loaded, now());
        assert_eq!(ours, differences(&mut loader, &written), "{server}");
        assert_eq!(ours.lost_fields, if server.is_redis_8() { 2 } else { 0 }, "{server}");
        assert_eq!(found_by_check(server, &[("b", &base), ("i", &incr)]), ours.lost_fields, "{server}");
    }
}

/// A command on few fields that have expired, or have not.
fn random_command(numbers: &mut Random) -> String {
    let key = numbers.pick(&["h", "h", "k"]);
    let [field, other] = [0; 2].map(|_| numbers.pick(&["a", "b", "c", "d"]));
    let time = numbers.pick(&["1000", "1000", "2000"]);
    match numbers.below(22) {
        0..=3 => format!("HSET {key} {field} 1 {other} 2"),
        4 => format!("HDEL {key} {field}"),
        5..=9 => format!("HPEXPIREAT {key} {time} FIELDS 2 {field} {other}"),
        10 => format!("HPEXPIREAT {key} {time} {} FIELDS 1 {field}", numbers.pick(&["NX", "XX", "GT", "LT"])),
        11 => format!("HPERSIST {key} FIELDS 2 {field} {other}"),
        12..=13 => format!("HPEXPIREAT {key} {time} FIELDS 1 {field};HPERSIST {key} FIELDS 2 {other} {field}"),
        14 => format!("HGETEX {key} PERSIST FIELDS 1 {field}"),
        15 => format!("HINCRBY {key} {field} 3"),
        16 => format!("HSETNX {key} {field} 5"),
        17 => format!("HGETDEL {key} FIELDS 1 {field}"),
        18 => format!("HSETEX {key} {}FIELDS 1 {field} 6", numbers.pick(&["", "KEEPTTL ", "PXAT 3000 "])),
        19 => "MULTI;HINCRBY h a 1;HPERSIST h FIELDS 1 a;EXEC".to_owned(),
        20 => numbers.pick(&["SET a 1", "SELECT 0", "SELECT 0", "PEXPIREAT k 9999999999999", "SADD s h"]).to_owned(),
        _ => numbers.pick(&["DEL k", "FLUSHDB", "HGETEX h FIELDS 1 a", "SWAPDB 0 1"]).to_owned(),
    }
}

#[server_test]
fn random_logs_lose_as_many_fields_as_are_counted() {
    for (server, name) in [(Server::Redis80, 1), (Server::Redis86, 2), (Server::Valkey9, 3)] {
        let mut loader = RealServer::logging(server);
        let (mut found, mut lost, mut checked) = (Vec::new(), 0, 0);
        for seed in 0..40 {
            let mut numbers = Random(seed * 8 + name);
            let commands: Vec<String> = (0..25).map(|_| random_command(&mut numbers)).collect();
            let lines = commands.join(";");
            let log = log::log(&lines.split(';').collect::<Vec<_>>());
            let theirs = loader.load(&[('b', &log)]);
            let (written, loaded) = (replay_of(server, &[&log], 1), replay_as(server, &[&log], 2));
            let ours = LoadDifference::between(&written, &loaded, now());
            let theirs = (differences(&mut loader, &written), theirs);
            if (ours, library::digest_of(&loaded, server)) != theirs {
                found.push(format!("{server}: {ours:?} and not {theirs:?}: {lines}"));
            }
            let said = found_by_check(server, &[("b", &log)]);
            // It says nothing of a key to which anything else happened.
            let is_followed = !["SWAPDB", "PEXPIREAT k"].iter().any(|words| lines.contains(words));
            if said > ours.lost_fields || is_followed && said < ours.lost_fields {
                found.push(format!("{server}: check finds {said} of {}: {lines}", ours.lost_fields));
            }
            (lost, checked) = (lost + ours.lost_fields, checked + said);
        }
        assert_none(&found);
        assert_eq!(lost > 0, server.is_redis_8(), "{server}");
        assert_eq!(checked > 0, lost > 0, "{server}");
    }
}
