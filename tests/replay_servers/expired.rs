//! Fields whose expiry has passed by the time at which a server loads the log that has them.

use aofkit::Server;
use aofkit::replay::{LoadDifference, Replayed};
use aofkit::rewrite::Base;
use aofkit::value::Value;

use super::common::log;
use super::common::server::Reply;
use super::library::{self, now, replay_as, replay_of};
use super::real::Real;

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
fn differences(loader: &mut Real, written: &Replayed<'_>) -> LoadDifference {
    let mut found = LoadDifference::default();
    let is_live = |expiry: Option<i64>| expiry.is_none_or(|expiry| expiry >= now());
    let databases = written.shares.iter().filter_map(|share| share.database(0));
    for entry in databases.flat_map(|database| database.iter()).filter(|entry| is_live(entry.expiry())) {
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
    found
}

/// Each on a server that knows fields which expire: what it has once it has loaded the log, and what it has lost.
fn compare(server: Server) {
    let Some(mut loader) = Real::start(server) else { return };
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
        sum += theirs.lost_fields;
    }
    super::judge(&found);
    assert_eq!(sum > 0, server.is_redis_8(), "{server}: {sum} fields lost");
}

#[test]
fn fields_that_expired_before_the_load_are_what_each_server_makes_of_them() {
    for server in [Server::Redis80, Server::Redis82, Server::Redis86, Server::Valkey9] {
        compare(server);
    }
}

/// Fields of an RDB that a server wrote while they were there.
#[test]
fn fields_of_an_rdb_that_expired_before_the_load_are_lost_as_well() {
    for server in [Server::Redis80, Server::Redis82, Server::Redis86, Server::Valkey9] {
        let base = library::rewrite_for(server, &replay_of(server, &[&with_expired_fields("SET a 1")], 1), Base::Rdb);
        let Some(mut loader) = Real::start(server) else { return };
        let incr = log::log(&["HPERSIST h FIELDS 2 f n"]);
        let theirs = loader.load(&[('b', &base), ('i', &incr)]);
        assert_eq!(library::digest(&[&base, &incr], server), theirs, "{server}");
        let (written, loaded) = (replay_of(server, &[&base, &incr], 2), replay_as(server, &[&base, &incr], 2));
        let ours = LoadDifference::between(&written, &loaded, now());
        assert_eq!(ours, differences(&mut loader, &written), "{server}");
        assert_eq!(ours.lost_fields, if server.is_redis_8() { 2 } else { 0 }, "{server}");
    }
}
