//! With too little memory, every subcommand ends with one line on standard error and exit code 2, and leaves nothing
//! behind.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output};

use aofkit::resp::write_command;
use tempfile::TempDir;

/// A log whose data takes several megabytes.
fn log() -> Vec<u8> {
    let mut log = Vec::new();
    for index in 0..12_000 {
        let (key, value) = (format!("key:{index}"), format!("{index:0>90}"));
        let hash = format!("hash:{}", index % 100);
        let scores = format!("scores:{}", index % 100);
        let words: &[&str] = match index % 4 {
            0 => &["HSET", &hash, &key, &value],
            1 => &["ZADD", &scores, &value, &key],
            2 => &["XADD", &scores[1..], &format!("{}-1", index + 1), "field", &value],
            _ => &["SET", &key, &value],
        };
        write_command(&mut log, &words.iter().map(|word| word.as_bytes()).collect::<Vec<_>>());
    }
    log
}

/// Runs the program with so many KiB of address space.
fn limited(kibibytes: u64, arguments: &[&str], directory: &Path) -> Output {
    Command::new("sh")
        .args(["-c", "ulimit -v \"$0\" && exec \"$@\""])
        .arg(kibibytes.to_string())
        .arg(env!("CARGO_BIN_EXE_aofkit"))
        .args(arguments)
        .current_dir(directory)
        .output()
        .unwrap()
}

/// What is in a directory and below it.
fn files(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            found.extend(files(&path).into_iter().map(|(inner, bytes)| (format!("{name}/{inner}"), bytes)));
        } else {
            found.insert(name, fs::read(path).unwrap());
        }
    }
    found
}

fn compressed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// The least address space with which the program starts at all.
fn least(directory: &Path) -> u64 {
    let starts = |kibibytes: &u64| limited(*kibibytes, &["--version"], directory).status.success();
    (8_000..200_000).step_by(500).find(starts).unwrap()
}

#[test]
fn one_line_and_exit_code_2_and_nothing_left() {
    let directory = TempDir::new().unwrap();
    let path = directory.path();
    let bytes = log();
    let torn = &bytes[..bytes.len() - 3];
    let write_inputs = || {
        fs::write(path.join("a.aof"), &bytes).unwrap();
        fs::write(path.join("torn.aof"), torn).unwrap();
    };
    write_inputs();
    fs::write(path.join("a.aof.gz"), compressed(&bytes)).unwrap();
    let before = files(path);
    let runs: &[&[&str]] = &[
        &["check", "a.aof", "--threads", "2"],
        &["check", "a.aof.gz"],
        &["inspect", "--format", "json", "a.aof"],
        &["inspect", "a.aof.gz"],
        &["digest", "a.aof", "--threads", "3"],
        &["rewrite", "a.aof", "-o", "new.aof", "--threads", "1"],
        &["rewrite", "a.aof", "-o", "new.rdb", "--base", "rdb", "--threads", "3"],
        &["rewrite", "a.aof", "-o", "-"],
        &["fix", "--yes", "torn.aof"],
    ];
    let least = least(path);
    let (mut failed, mut succeeded) = (0, 0);
    for step in 0..9 {
        let kibibytes = least + 3_500 * step;
        for arguments in runs {
            let output = limited(kibibytes, arguments, path);
            let stderr = String::from_utf8(output.stderr).unwrap();
            let context = format!("{arguments:?} with {kibibytes} KiB: {:?}\n{stderr}", output.status);
            match output.status.code() {
                Some(0) => {
                    succeeded += 1;
                    for made in files(path).keys().filter(|name| !before.contains_key(*name)) {
                        fs::remove_file(path.join(made)).unwrap();
                    }
                    write_inputs();
                }
                Some(2) => {
                    failed += 1;
                    assert_eq!(stderr.lines().count(), 1, "{context}");
                    assert!(stderr.starts_with("aofkit: ") && stderr.ends_with('\n'), "{context}");
                }
                _ => panic!("{context}"),
            }
            let after = files(path);
            assert!(after == before, "{context}{:?} is left", after.keys().collect::<Vec<_>>());
        }
    }
    assert!(
        failed > 5 && succeeded > 20,
        "{failed} runs failed and {succeeded} succeeded: the limits are badly chosen"
    );
}
