//! The files of `testdata`.

use std::io::Write;
use std::path::{Path, PathBuf};

use aofkit::aof::log::walk_tree;

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
    let files = std::fs::read_dir(testdata().join(folder)).unwrap().map(|file| file.unwrap().path());
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
