//! A directory on disk, its manifest and parts cut from the bytes: it is opened or refused, and checked for every
//! server.

#![no_main]

#[path = "../directory.rs"]
mod directory;

use aofkit::Server;
use aofkit::aof::log::{Log, walk_tree};
use aofkit::check::{Settings, check};
use aofkit::report::check::{write_json, write_text};
use aofkit::report::style::Style;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let data_directory = tempfile::tempdir().unwrap();
    let directory = data_directory.path().join("appendonlydir");
    directory::write(&directory, data);
    let _ = walk_tree(data_directory.path());
    for path in [data_directory.path(), &directory, &directory.join(directory::MANIFEST)] {
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
