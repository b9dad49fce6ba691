//! The drop-in's command line: any words after each of its names, one of them a file with any bytes. It ends with exit
//! code 0 or 1. Run it with `-close_fd_mask=3`, because it prints, and with an empty standard input, because it asks.

#![no_main]

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;

use libfuzzer_sys::fuzz_target;

const WORDS: &[&str] =
    &["--fix", "-v", "--version", "--truncate-to-timestamp", "1700000000", "--help", "-x", "", "no-such-file"];

fuzz_target!(|data: &[u8]| {
    let Some((&[program, first, second, third], bytes)) = data.split_first_chunk() else { return };
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("appendonly.aof");
    fs::write(&path, bytes).unwrap();
    let mut arguments: Vec<OsString> =
        vec![if program & 1 == 0 { "redis-check-aof" } else { "valkey-check-aof" }.into()];
    for choice in [first, second, third] {
        match usize::from(choice) {
            index if index < WORDS.len() => arguments.push(WORDS[index].into()),
            index if index < 2 * WORDS.len() => arguments.push(path.clone().into_os_string()),
            250.. => {
                arguments.push(OsString::from_vec(bytes.iter().copied().filter(|byte| *byte != 0).take(20).collect()))
            }
            _ => {}
        }
    }
    assert!(aofkit::cli::imitate(&arguments).is_some());
});
