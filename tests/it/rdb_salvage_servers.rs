//! What is salvaged of a damaged RDB is loaded by the server that wrote it.

use aofkit::repair::salvage::{Options, Salvage, salvage_part};
use aofkit::repair::write_edited;

use crate::harness::load::{Cutting, Ended, Files, load_and_ask};
use crate::harness::log::command;
use crate::harness::servers::RELEASES;
use crate::harness::{Random, RealServer, Reply};

/// How many keys a base has.
const KEYS: u64 = 400;

/// An RDB of a server with many keys of every basic type.
fn base(name: &str, settings: [&str; 2]) -> Vec<u8> {
    let mut server = RealServer::start(name);
    server.call(&["CONFIG", "SET", "rdbcompression", settings[0]]);
    let long = "some words that repeat ".repeat(20);
    let mut commands: Vec<Vec<String>> = Vec::new();
    for number in 0..KEYS {
        let key = format!("key:{number}");
        let words = match number % 6 {
            0 => vec!["SET".into(), key, number.to_string()],
            1 => vec!["SET".into(), key, format!("{long}{number}"), "EX".into(), "100000".into()],
            2 => vec!["RPUSH".into(), key, "a".into(), number.to_string(), String::new()],
            3 => vec!["HSET".into(), key, "field".into(), long.clone(), "n".into(), "0".into()],
            4 => vec!["ZADD".into(), key, "1.5".into(), "m".into(), number.to_string(), long.clone()],
            _ => vec!["XADD".into(), key, "1-1".into(), "f".into(), number.to_string()],
        };
        commands.push(words);
    }
    for reply in server.call_all(&commands) {
        assert!(!matches!(reply, Reply::Error(_)), "{name}: {reply:?}");
    }
    server.call(&["CONFIG", "SET", "maxmemory-policy", settings[1]]);
    server.call(&["SAVE"]);
    std::fs::read(server.directory().join("dump.rdb")).unwrap()
}

/// The part as salvage leaves it, and what it found.
fn salvaged(damaged: &[u8]) -> (Vec<u8>, Salvage) {
    let salvage = salvage_part(damaged, Options::default()).unwrap();
    let mut mended = Vec::new();
    write_edited(damaged, &salvage.edits(), &mut mended).unwrap();
    (mended, salvage)
}

/// Has the server load the part, and compares the number of its keys.
#[track_caller]
fn assert_loads(name: &str, part: Vec<u8>, keys: u64) {
    let files = Files { parts: vec![Some(part)], cutting: Cutting::No };
    let loaded = load_and_ask(name, &files, &[vec!["DBSIZE"]]);
    let log = String::from_utf8_lossy(&loaded.log);
    assert_eq!(loaded.ended, Ended::Starts, "{name}: {log}");
    assert_eq!(loaded.answers, Some(vec![format!(":{keys}")]), "{name}");
}

/// Damages a stretch in the middle in one of the usual ways.
fn damage(base: &[u8], kind: usize, random: &mut Random) -> Vec<u8> {
    let length = 5 + random.below(200_usize);
    let start = 200 + random.below(base.len() - length - 400);
    let mut damaged = base.to_vec();
    match kind {
        0 => damaged[start..start + length].fill(0),
        1 => drop(damaged.drain(start..start + length)),
        2 => drop(damaged.splice(start..start, base[start - length..start].iter().copied())),
        3 => damaged[start] ^= 1 << random.below(8),
        _ => damaged[start..start + length].iter_mut().for_each(|byte| *byte = random.next().to_le_bytes()[0]),
    }
    damaged
}

#[server_test]
fn what_is_salvaged_of_a_damaged_rdb_is_loaded() {
    let mut random = Random(8);
    let (mut kept, mut all) = (0, 0);
    for (_, name) in RELEASES {
        for settings in [["yes", "noeviction"], ["no", "allkeys-lru"]] {
            let base = base(name, settings);
            let records = [command(&["SET", "of the records", "1"]), command(&["RPUSH", "a list", "x"])].concat();
            for kind in 0..5 {
                let damaged = [damage(&base, kind, &mut random), records.clone()].concat();
                let (mended, salvage) = salvaged(&damaged);
                let is_exact = matches!(kind, 2 | 3);
                assert!(!is_exact || salvage.entries == KEYS, "{name}, {kind}: {} entries", salvage.entries);
                (kept, all) = (kept + salvage.entries, all + KEYS);
                assert_eq!(salvage.records, 2);
                assert_loads(name, mended, salvage.entries + 2);
            }
        }
    }
    assert!(kept * 100 >= all * 95, "{kept} of {all}");
}

#[server_test]
fn a_base_of_which_only_the_checksum_is_wrong_keeps_every_key() {
    for (_, name) in RELEASES {
        let base = base(name, ["yes", "noeviction"]);
        let mut damaged = base.clone();
        let checksum = damaged.len() - 8;
        damaged[checksum..].fill(0x5a);
        let (mended, salvage) = salvaged(&damaged);
        assert_eq!((mended == base, salvage.entries), (true, KEYS), "{name}");
        assert_loads(name, mended, KEYS);
    }
}
