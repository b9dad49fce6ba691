//! Real servers that load a log when they start: whether they do, what they log, and what is left of the files.
#![allow(dead_code, reason = "each integration test is a crate of its own and uses a part of this")]
#![allow(clippy::expect_used, clippy::indexing_slicing, reason = "helpers of tests fail as tests do")]

use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::server::program;

/// How long a server may take; one that crashes may hang in its crash handler.
const PATIENCE: Duration = Duration::from_secs(5);

/// The setting `aof-load-truncated`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cutting {
    Yes,
    No,
}

/// The files that a server finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Files {
    /// In the order of loading; `None` is named in the manifest and not there. The first is the base.
    pub(crate) parts: Vec<Option<Vec<u8>>>,
    pub(crate) cutting: Cutting,
}

/// How a server ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// It accepted connections.
    Starts,
    /// It exited with this status.
    Exits(i32),
    /// This signal killed it.
    Killed(i32),
    /// It did neither in time.
    Hangs,
}

/// What a server did.
#[derive(Debug, Clone)]
pub(crate) struct Loaded {
    pub(crate) ended: Ended,
    pub(crate) log: Vec<u8>,
    /// The size of each part afterwards.
    pub(crate) sizes: Vec<Option<u64>>,
}

impl Loaded {
    /// Whether a line of the log ends in, or consists of, these bytes.
    pub(crate) fn logged(&self, line: &[u8]) -> bool {
        self.log.windows(line.len().max(1)).any(|window| window == line)
    }
}

/// The name of a part in the directory.
pub(crate) fn part_name(index: usize) -> String {
    format!("a.aof.{index}")
}

/// Kills the process when it goes out of scope, whatever happens in between.
struct Guard(Child);

impl Drop for Guard {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts the server of `folder` on these files and waits until it is clear what it makes of them.
///
/// Redis 6.2 gets the first part as its one file; all others get a manifest.
pub(crate) fn load(folder: &Path, files: &Files) -> Loaded {
    load_and_ask(folder, files, &[]).0
}

/// The same, and which of these keys the server has, if it starts and lives long enough to tell.
pub(crate) fn load_and_ask(folder: &Path, files: &Files, keys: &[String]) -> (Loaded, Option<Vec<bool>>) {
    let directory = tempfile::Builder::new().prefix("aofkit").tempdir().expect("a temporary directory");
    let directory = directory.path();
    let single = folder.ends_with("redis-6.2");
    let parts = directory.join(if single { "." } else { "appendonlydir" });
    fs::create_dir_all(&parts).expect("a directory");
    let path = |index: usize| parts.join(if single { "a.aof".to_owned() } else { part_name(index) });
    let mut manifest = Vec::new();
    for (index, part) in files.parts.iter().enumerate() {
        let kind = if index == 0 { 'b' } else { 'i' };
        manifest.push(format!("file {} seq {} type {kind}\n", part_name(index), index + 1));
        if let Some(bytes) = part {
            fs::write(path(index), bytes).expect("a file");
        }
    }
    if !single {
        fs::write(parts.join("a.aof.manifest"), manifest.concat()).expect("a manifest");
    }
    let log = directory.join("server.log");
    let mut process = Guard(
        Command::new(program(folder, "server"))
            .args(["--port", "0", "--save", "", "--logfile", "server.log", "--appendfsync", "no"])
            .args(["--appendonly", "yes", "--appendfilename", "a.aof", "--crash-log-enabled", "no"])
            .args(["--aof-load-truncated", if files.cutting == Cutting::Yes { "yes" } else { "no" }])
            .arg("--unixsocket")
            .arg(directory.join("s"))
            .arg("--dir")
            .arg(directory)
            .current_dir(directory)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("a server"),
    );
    let begin = Instant::now();
    let ended = loop {
        // Asked before the log is read, so that its last lines are in there.
        if let Some(status) = process.0.try_wait().expect("a child to wait for") {
            break match (status.code(), status.signal()) {
                (Some(code), _) => Ended::Exits(code),
                (None, signal) => Ended::Killed(signal.unwrap_or(0)),
            };
        }
        let text = fs::read(&log).unwrap_or_default();
        if text
            .windows(27)
            .any(|window| window == b"eady to accept connections " || window == b"eady to accept connections\n")
        {
            break Ended::Starts;
        }
        if begin.elapsed() > PATIENCE {
            break Ended::Hangs;
        }
        std::thread::sleep(Duration::from_millis(3));
    };
    let found = if ended == Ended::Starts { existing(&directory.join("s"), keys).ok() } else { None };
    drop(process);
    let sizes = (0..files.parts.len()).map(|index| fs::metadata(path(index)).ok().map(|file| file.len())).collect();
    (Loaded { ended, log: fs::read(&log).unwrap_or_default(), sizes }, found)
}

/// Which of these keys the server behind a socket has.
fn existing(socket: &Path, keys: &[String]) -> io::Result<Vec<bool>> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    for key in keys {
        write!(stream, "*2\r\n$6\r\nEXISTS\r\n${}\r\n{key}\r\n", key.len())?;
    }
    let mut lines = BufReader::new(stream).lines();
    let reply = |_| lines.next().unwrap_or(Err(io::ErrorKind::UnexpectedEof.into())).map(|line| line == ":1");
    keys.iter().map(reply).collect()
}

static TURN: Mutex<()> = Mutex::new(());

/// Loads each of `logs`, two at a time; what became of them, in their order.
pub(crate) fn load_all(folder: &Path, logs: &[Files]) -> Vec<Loaded> {
    // Tests run side by side; their servers need not.
    let turn = TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let next = AtomicUsize::new(0);
    let results = Mutex::new(vec![None; logs.len()]);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some((index, files)) = {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    logs.get(index).map(|files| (index, files))
                } {
                    let loaded = load(folder, files);
                    results.lock().expect("no thread panicked")[index] = Some(loaded);
                }
            });
        }
    });
    drop(turn);
    results.into_inner().expect("no thread panicked").into_iter().flatten().collect()
}
