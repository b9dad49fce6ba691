//! Which server wrote a log, as far as its RDB and the commands that a scan read tell.

use super::{Options, scan};
use crate::aof::producer::Clues;
use crate::rdb;
use crate::resp::write_command;
use crate::server::Server;

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

/// `NEWEST` in what is expected stands for the newest Redis.
#[track_caller]
fn is(parts: &[&[u8]], expected: &str) {
    let mut clues = Clues::before_reading(parts.len(), parts[0]);
    for part in parts.iter().filter(|part| !rdb::is_rdb(part)) {
        clues.add(scan(part, 0, clues.chosen().server(), Options::default()).servers);
    }
    assert_eq!(clues.chosen().to_string(), expected.replace("NEWEST", Server::NEWEST_REDIS.name()));
}

#[test]
fn the_rdb_names_its_server() {
    let by = "named by the RDB in the log";
    let cases = [
        ("REDIS0009", Some(("redis-ver", "6.2.14")), format!("redis-6.2, {by}")),
        ("REDIS0011", Some(("redis-ver", "7.2.4")), format!("redis-7.2 (behaves like redis-8.0), {by}")),
        ("REDIS0012", Some(("redis-ver", "8.4.0")), format!("redis-8.4 (behaves like redis-8.6), {by}")),
        ("REDIS0013", Some(("redis-ver", "8.6.3")), format!("redis-8.6, {by}")),
        ("REDIS0013", Some(("redis-ver", "255.255.255")), format!("NEWEST, {by}")),
        ("REDIS0011", Some(("valkey-ver", "8.1.1")), format!("valkey-8.1, {by}")),
        ("VALKEY080", Some(("valkey-ver", "9.0.1")), format!("valkey-9.0, {by}")),
        ("VALKEY080", None, format!("valkey-9, {by}")),
    ];
    for (head, aux, expected) in cases {
        let aux: Vec<_> = [("repl-id", "1")].into_iter().chain(aux).collect();
        is(&[&rdb(head, &aux)], &expected);
    }
    is(&[&rdb("REDIS0010", &[])], "NEWEST, the default: the log names no server");
    is(&[&rdb("REDIS0010", &[("redis-ver", "new")])], "NEWEST, the default: the log names no server");
    is(&[b"REDIS"], "NEWEST, the default: the log names no server");
}

#[test]
fn commands_tell_where_the_newest_redis_lacks_one() {
    is(&[&log(&["SET a b", "DELIFEQ a b"])], "valkey-9, from the commands in the log");
    for neutral in ["SET a b", "CLUSTER SYNCSLOTS FINISH x", "HSETEX h FIELDS 1 f v", "XADD s * f v", "NOSUCH a"] {
        is(&[&log(&[neutral])], "NEWEST, the default: the log names no server");
    }
}

#[test]
fn a_newer_server_went_on_with_the_log() {
    let old = rdb("REDIS0010", &[("redis-ver", "7.0.15")]);
    is(&[&old, &log(&["SET a b"])], "redis-7.0, named by the RDB in the log");
    is(&[&old, &log(&["HPEXPIREAT h 1 FIELDS 1 f"])], "NEWEST, from the commands in the log");
    // Redis 7.0 and later take over a single file of 6.2 as their base.
    let older = rdb("REDIS0009", &[("redis-ver", "6.2.14")]);
    is(&[&older, &log(&["SET a b"])], "NEWEST, from the commands in the log");
}

#[test]
fn commands_after_damage_do_not_count() {
    let mut damaged = log(&["SET a b"]);
    damaged.extend(b"*x\r\n");
    damaged.extend(log(&["DELIFEQ a b"]));
    is(&[&damaged], "NEWEST, the default: the log names no server");
}
