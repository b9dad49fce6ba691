//! Runs of the real tools and of the drop-in, each in a directory of its own.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io::Write;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Command, Stdio};

use aofkit::Server;

use crate::harness::servers::{program, release};

use super::cases::Case;

/// What a run left behind.
#[derive(Clone, PartialEq, Eq)]
pub struct Outcome {
    pub stdout: Vec<u8>,
    /// Negative for a signal.
    pub code: i32,
    pub files: BTreeMap<String, Vec<u8>>,
}

impl Outcome {
    pub fn file(&self, name: &str) -> &[u8] {
        &self.files[name]
    }

    /// Without the files that the drop-in keeps what it removes in, which must hold what is gone.
    pub fn without_copies(mut self) -> Self {
        self.files.retain(|name, _| !name.contains(".aofkit-kept-"));
        self
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sizes: Vec<_> = self.files.iter().map(|(name, bytes)| format!("{name}: {} bytes", bytes.len())).collect();
        write!(
            f,
            "exit {}; {}\n{}",
            self.code,
            sizes.join(", "),
            self.stdout.escape_ascii().to_string().replace("\\n", "\n")
        )
    }
}

/// One real tool.
pub struct Tool {
    pub server: Server,
}

impl Tool {
    /// One of each line that has a checker of its own.
    pub fn all() -> Vec<Self> {
        let servers = [Server::Redis62, Server::Redis70, Server::Redis80, Server::Valkey8, Server::Valkey9];
        servers.into_iter().map(|server| Self { server }).collect()
    }

    /// The two that the drop-in imitates.
    pub fn imitated() -> Vec<Self> {
        [Server::Redis80, Server::Valkey9].into_iter().map(|server| Self { server }).collect()
    }

    pub fn name(&self) -> &'static str {
        if self.server.is_valkey() { "valkey-check-aof" } else { "redis-check-aof" }
    }

    pub fn run(&self, case: &Case) -> Outcome {
        run(program(release(self.server), "check-aof"), case)
    }
}

/// The drop-in under this name.
pub fn drop_in(name: &str, case: &Case) -> Outcome {
    let mut command = Command::new(env!("CARGO_BIN_EXE_aofkit"));
    command.arg0(name);
    let mut outcome = run(command, case);
    // The last line is about what the real tools cannot do.
    if let Some(at) = find(&outcome.stdout, b"aofkit fix --salvage would have kept") {
        assert!(
            outcome.stdout[..at].ends_with(b"\n") && !outcome.stdout[at..outcome.stdout.len() - 1].contains(&b'\n')
        );
        outcome.stdout.truncate(at);
    }
    outcome
}

fn run(mut command: Command, case: &Case) -> Outcome {
    let directory = tempfile::tempdir().unwrap();
    for (name, bytes) in &case.files {
        let path = directory.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        if name.ends_with('/') {
            fs::create_dir_all(path).unwrap();
        } else {
            fs::write(path, bytes).unwrap();
        }
    }
    command.args(&case.options).args(case.operand()).current_dir(directory.path()).env("TZ", "UTC");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    // A tool that does not ask does not read.
    let _ = child.stdin.take().unwrap().write_all(case.answer.as_bytes());
    let output = child.wait_with_output().unwrap();
    let code = output.status.code().unwrap_or_else(|| -output.status.signal().unwrap_or(1));
    Outcome { stdout: output.stdout, code, files: files_in(directory.path(), "") }
}

fn files_in(directory: &Path, prefix: &str) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type().unwrap().is_dir() {
            files.extend(files_in(&entry.path(), &format!("{name}/")));
        } else {
            files.insert(name, fs::read(entry.path()).unwrap());
        }
    }
    files
}

/// Without what differs from run to run: the process's id and the time in lines of the server's log, what an earlier
/// line left in the tool's buffer, and the number of a line in the tool's source.
pub fn masked(stdout: &[u8]) -> Vec<u8> {
    let mut lines = Vec::new();
    for line in stdout.split(|&byte| byte == b'\n') {
        let mut line = line.to_vec();
        let digits = line.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if digits > 0 && matches!(line.get(digits..digits + 3), Some(b":C " | b":M ")) {
            // "22 Nov 2024 12:00:00.000 "
            line.splice(..digits, *b"PID");
            line.splice(6..30, *b"TIME");
        }
        if let Some(at) = find(&line, b"Expected \\r\\n, got: 00") {
            line.truncate(at + 22);
        }
        if let Some(at) = find(&line, b"function at rdb.c:") {
            let end = line[at..].iter().position(|&byte| byte == b'>').map_or(line.len(), |end| at + end);
            line.drain(at..end);
        }
        lines.push(line);
    }
    lines.join(&b'\n')
}

fn find(line: &[u8], text: &[u8]) -> Option<usize> {
    line.windows(text.len()).position(|window| window == text)
}
