//! Gzip and zstd input: any bytes after each magic, and without one. Reading ends, and invalid input is a defect rather
//! than a panic.

#![no_main]

use std::fs;

use aofkit::Server;
use aofkit::aof::log::Log;
use aofkit::check::{Settings, check};
use aofkit::input::Input;
use libfuzzer_sys::fuzz_target;

/// The header of a gzip member without a name, and the magic of a zstd frame.
const HEADERS: [&[u8]; 3] = [b"", b"\x1f\x8b\x08\0\0\0\0\0\0\x03", b"\x28\xb5\x2f\xfd"];

fuzz_target!(|data: &[u8]| {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("fuzz.aof");
    for header in HEADERS {
        fs::write(&path, [header, data].concat()).unwrap();
        let Ok(input) = Input::open(&path) else { continue };
        let again = Input::open(&path).unwrap();
        assert_eq!(input.bytes(), again.bytes());
        assert_eq!(input.defect().is_some(), again.defect().is_some());
        drop(input);
        if let Ok(log) = Log::open(&path) {
            check(&log, Settings { server: Server::Redis80.into(), ..Settings::default() }).unwrap();
        }
    }
});
