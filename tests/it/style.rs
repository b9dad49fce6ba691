//! The layout of source files: the length of their lines, and of the files themselves.

use std::fs;
use std::path::{Path, PathBuf};

const COLUMNS: usize = 120;
const LINES: usize = 800;

/// Files with longer lines, the text that each of these lines contains, and why they cannot be wrapped.
const LONG_LINES: &[(&str, &[&str])] = &[
    // Expected output, line by line.
    ("tests/it/check.rs", &["redis-8.6", "redis-7.0", "→", "::error", "::notice", "\"version\": \"redis-8.6\""]),
    ("tests/it/inspect.rs", &["{\"kind\":"]),
    ("src/report/inspect/tests.rs", &["{\"kind\":"]),
];

/// The Rust files below a folder, by their paths in the repository.
fn rust_files(root: &Path, folder: &str, found: &mut Vec<String>) {
    for entry in fs::read_dir(root.join(folder)).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{folder}/{}", entry.file_name().to_string_lossy());
        if entry.file_type().unwrap().is_dir() {
            if name != "fuzz/target" {
                rust_files(root, &name, found);
            }
        } else if PathBuf::from(&name).extension().is_some_and(|extension| extension == "rs") {
            found.push(name);
        }
    }
}

#[test]
fn lines_and_files_are_short() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for folder in ["src", "tests", "benches", "examples", "fuzz"] {
        rust_files(root, folder, &mut files);
    }
    assert!(files.len() > 350, "only {} files", files.len());
    let mut long = Vec::new();
    for file in &files {
        let text = fs::read_to_string(root.join(file)).unwrap();
        let excepted = LONG_LINES.iter().find(|(name, _)| name == file).map_or(&[][..], |(_, parts)| parts);
        for (index, line) in text.lines().enumerate().filter(|(_, line)| line.chars().count() > COLUMNS) {
            if !excepted.iter().any(|part| line.contains(part)) {
                long.push(format!("{file}:{}: {} columns", index + 1, line.chars().count()));
            }
        }
        let lines = text.lines().count();
        if file.starts_with("src/") && lines > LINES {
            long.push(format!("{file}: {lines} lines"));
        }
    }
    assert!(long.is_empty(), "longer than {COLUMNS} columns or {LINES} lines:\n{}", long.join("\n"));
}
