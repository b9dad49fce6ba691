//! A directory on disk, its manifest and parts cut from the bytes: it is opened or refused, and checked for every
//! server.

#![no_main]

use std::fs;

use aofkit::Server;
use aofkit::aof::log::{Log, walk_tree};
use aofkit::check::{Settings, check};
use aofkit::report::check::{write_json, write_text};
use aofkit::report::style::Style;
use libfuzzer_sys::fuzz_target;

const FILES: [&str; 5] = [
    "appendonly.aof.manifest",
    "appendonly.aof.1.base.rdb",
    "appendonly.aof.1.incr.aof",
    "appendonly.aof.2.incr.aof",
    "dump.rdb",
];
/// What is between two files.
const SEPARATOR: u8 = 0xf5;
/// A manifest that names them all, where the bytes have none.
const MANIFEST: &[u8] = b"file appendonly.aof.1.base.rdb seq 1 type b\nfile appendonly.aof.1.incr.aof seq 1 type i\n\
    file appendonly.aof.2.incr.aof seq 2 type i\n";

fuzz_target!(|data: &[u8]| {
    let data_directory = tempfile::tempdir().unwrap();
    let directory = data_directory.path().join("appendonlydir");
    fs::create_dir(&directory).unwrap();
    for (name, bytes) in FILES.iter().zip(data.split(|byte| *byte == SEPARATOR)) {
        let whole = *name == FILES[0] && bytes.first() == Some(&b'*');
        fs::write(directory.join(name), if whole { MANIFEST } else { bytes }).unwrap();
    }
    let _ = walk_tree(data_directory.path());
    for path in [data_directory.path(), &directory, &directory.join(FILES[0])] {
        let Ok(log) = Log::open(path) else { continue };
        for server in Server::ALL {
            let report = check(&log, Settings { server: server.into(), ..Settings::default() }).unwrap();
            let mut out = Vec::new();
            write_text(&mut out, &report, Style::PLAIN).unwrap();
            write_json(&mut out, &report).unwrap();
            let text = String::from_utf8(out).unwrap();
            assert!(!text.contains(|character: char| character.is_control() && character != '\n'), "{text}");
        }
    }
});
