//! What is salvaged of a damaged RDB is loaded by the server that wrote it.

use aofkit::repair::salvage::salvage_rdb;
use aofkit::repair::write_edited;

use crate::harness::load::{Cutting, Ended, Files, load_and_ask};
use crate::harness::servers::RELEASES;
use crate::harness::{Random, RealServer, Reply};

/// An RDB of a server with many keys of every basic type.
fn base(name: &str) -> Vec<u8> {
    let mut server = RealServer::start(name);
    let long = "some words that repeat ".repeat(20);
    let mut commands: Vec<Vec<String>> = Vec::new();
    for number in 0..400 {
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
    server.call(&["SAVE"]);
    std::fs::read(server.directory().join("dump.rdb")).unwrap()
}

#[server_test]
fn what_is_salvaged_of_a_damaged_rdb_is_loaded() {
    let mut random = Random(8);
    for (_, name) in RELEASES {
        let base = base(name);
        for kind in 0..6 {
            let length = 1 + random.below(200);
            let start = 200 + random.below(base.len() - length - 400);
            let mut damaged = base.clone();
            match kind {
                0 => damaged[start..start + length].fill(0),
                1 => drop(damaged.drain(start..start + length)),
                2 => drop(damaged.splice(start..start, base[start - length..start].iter().copied())),
                3 => damaged[start] ^= 1 << random.below(8),
                _ => damaged[start..start + length].iter_mut().for_each(|byte| *byte = random.next().to_le_bytes()[0]),
            }
            let salvage = salvage_rdb(&damaged).unwrap();
            let mut mended = Vec::new();
            write_edited(&damaged, &salvage.edits(), &mut mended).unwrap();
            assert!(salvage.entries > 350, "{name}, {kind}: {} entries", salvage.entries);
            let files = Files { parts: vec![Some(mended)], cutting: Cutting::No };
            let loaded = load_and_ask(name, &files, &[vec!["DBSIZE"]]);
            let log = String::from_utf8_lossy(&loaded.log);
            assert_eq!(loaded.ended, Ended::Starts, "{name}, {kind} at {start}: {log}");
            assert_eq!(loaded.answers, Some(vec![format!(":{}", salvage.entries)]), "{name}, {kind} at {start}");
        }
    }
}
