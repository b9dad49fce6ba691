//! A directory of parts, cut from the bytes. Targets that read logs from disk include this file as a module.

use std::fs;
use std::path::Path;

/// The separator between two files.
pub const SEPARATOR: u8 = 0xf5;

pub const MANIFEST: &str = "appendonly.aof.manifest";

const FILES: [&str; 6] = [
    MANIFEST,
    "appendonly.aof.1.base.rdb",
    "appendonly.aof.1.incr.aof",
    "appendonly.aof.2.incr.aof",
    "appendonly.aof.2.base.rdb",
    "dump.rdb",
];

/// The manifest if the bytes have none.
const USUAL_MANIFEST: &[u8] = b"file appendonly.aof.1.base.rdb seq 1 type b\n\
    file appendonly.aof.1.incr.aof seq 1 type i\n\
    file appendonly.aof.2.incr.aof seq 2 type i\n";

/// Makes the directory and writes the files.
pub fn write(directory: &Path, bytes: &[u8]) {
    fs::create_dir(directory).unwrap();
    for (name, bytes) in FILES.iter().zip(bytes.split(|byte| *byte == SEPARATOR)) {
        let is_text = bytes.first().is_some_and(|byte| byte.is_ascii_graphic() && *byte != b'*');
        let is_missing = *name == MANIFEST && !is_text;
        fs::write(directory.join(name), if is_missing { USUAL_MANIFEST } else { bytes }).unwrap();
    }
}
