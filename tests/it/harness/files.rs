//! The files of `testdata`, and directories for others.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use aofkit::aof::log::walk_tree;
use tempfile::TempDir;

use super::faulty::name;

/// A directory in memory if there is one, for tests that make many and sync often.
pub(crate) fn folder() -> TempDir {
    TempDir::new_in("/dev/shm").or_else(|_| TempDir::new()).unwrap()
}

/// The names of all that is in a directory, in order.
pub(crate) fn files_in(directory: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(directory).unwrap().map(|entry| name(&entry.unwrap().path())).collect();
    names.sort();
    names
}

/// The folder `testdata`.
pub(crate) fn testdata() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata")
}

/// Every log in a folder of `testdata` (`.` for all of them), by its path.
pub(crate) fn logs(folder: &str) -> Vec<PathBuf> {
    let mut logs = walk_tree(&testdata().join(folder)).unwrap().logs;
    logs.retain(|path| {
        path.extension().is_none_or(|extension| !["md", "py", "json"].iter().any(|other| extension == *other))
    });
    assert!(folder != "." || logs.len() > 300, "only {} logs", logs.len());
    logs
}

/// The RDB files of a folder of `testdata`, by their paths.
pub(crate) fn rdb_files(folder: &str) -> Vec<PathBuf> {
    let files = fs::read_dir(testdata().join(folder)).unwrap().map(|file| file.unwrap().path());
    let mut files: Vec<PathBuf> =
        files.filter(|path| path.extension().is_some_and(|extension| extension == "rdb")).collect();
    files.sort();
    files
}

/// Compressed.
pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
