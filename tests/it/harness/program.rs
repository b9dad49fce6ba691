//! The program, and files for it.

use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use tempfile::TempDir;

/// A subcommand of the program.
pub(crate) fn aofkit(subcommand: &str) -> Command {
    let mut command = Command::cargo_bin("aofkit").unwrap();
    command.arg(subcommand);
    command
}

/// A file of these bytes.
pub(crate) fn file(directory: &TempDir, name: &str, bytes: &[u8]) -> PathBuf {
    let path = directory.path().join(name);
    fs::write(&path, bytes).unwrap();
    path
}

/// The output of `rewrite -o -`, one command per line.
pub(crate) fn rewritten(path: &Path, options: &[&str]) -> Vec<String> {
    let output = aofkit("rewrite").args(["-o", "-"]).args(options).arg(path).assert().success();
    let mut reader = aofkit::aof::Reader::new(&output.get_output().stdout, 0);
    let mut lines = Vec::new();
    while let Some(record) = reader.next_record() {
        if let aofkit::aof::Content::Command(words) = record.unwrap().content {
            lines.push(words.iter().map(|word| String::from_utf8_lossy(word)).collect::<Vec<_>>().join(" "));
        }
    }
    lines
}
