//! Real servers that load a log when they start.

use std::ffi::OsString;
use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::log::command;
use super::on_two_threads;
use super::servers::Process;

/// The maximum time for a server; one that crashes may hang in its crash handler.
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
    /// In the order of loading; `None` is a missing file of the manifest. The first is the base.
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

/// The result of a load.
#[derive(Debug, Clone)]
pub(crate) struct Loaded {
    pub(crate) ended: Ended,
    pub(crate) log: Vec<u8>,
    /// The size of each part afterwards.
    pub(crate) sizes: Vec<Option<u64>>,
    /// The first line of each answer; `None` if it did not start, or did not live long enough to give them.
    pub(crate) answers: Option<Vec<String>>,
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

/// Starts a release on these files and waits for the result.
///
/// Redis 6.2 gets the first part as its one file; all others get a manifest.
pub(crate) fn load(release: &str, files: &Files) -> Loaded {
    load_and_ask(release, files, &[])
}

/// The same, and asks the server these commands, if it starts.
pub(crate) fn load_and_ask(release: &str, files: &Files, questions: &[Vec<&str>]) -> Loaded {
    let directory = tempfile::Builder::new().prefix("aofkit").tempdir().expect("a temporary directory");
    let directory = directory.path();
    let single = release == "redis-6.2";
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
    let cutting = if files.cutting == Cutting::Yes { "yes" } else { "no" };
    let options = ["--appendfilename", "a.aof", "--aof-load-truncated", cutting];
    start(release, directory, &options, &(0..files.parts.len()).map(path).collect::<Vec<_>>(), questions)
}

/// Starts a release on a copy of a directory with a manifest of the name that servers use, and on these parts of it.
pub(crate) fn load_directory(release: &str, from: &Path, parts: &[OsString], questions: &[Vec<&str>]) -> Loaded {
    let directory = tempfile::Builder::new().prefix("aofkit").tempdir().expect("a temporary directory");
    let copy = directory.path().join("appendonlydir");
    fs::create_dir(&copy).expect("a directory");
    for entry in fs::read_dir(from).expect("a directory") {
        let path = entry.expect("an entry").path();
        fs::copy(&path, copy.join(path.file_name().expect("a name"))).expect("a copy");
    }
    let parts: Vec<PathBuf> = parts.iter().map(|part| copy.join(part)).collect();
    start(release, directory.path(), &[], &parts, questions)
}

/// Starts a release in a data directory, which it may change, and asks it these commands if it starts.
pub(crate) fn load_here(release: &str, directory: &Path, questions: &[Vec<&str>]) -> Loaded {
    // What an earlier server said there is not taken for this one's.
    let _ = fs::remove_file(directory.join("server.log"));
    start(release, directory, &[], &[], questions)
}

/// Starts a release on a copy of a data directory and of the directories in it; the sizes are those of these files.
pub(crate) fn load_data_directory(release: &str, from: &Path, files: &[&str], questions: &[Vec<&str>]) -> Loaded {
    let directory = tempfile::Builder::new().prefix("aofkit").tempdir().expect("a temporary directory");
    let mut waiting = vec![(from.to_owned(), directory.path().to_owned())];
    while let Some((from, to)) = waiting.pop() {
        for entry in fs::read_dir(from).expect("a directory") {
            let (path, copy) = entry.map(|entry| (entry.path(), to.join(entry.file_name()))).expect("an entry");
            if path.is_dir() {
                fs::create_dir(&copy).expect("a directory");
                waiting.push((path, copy));
            } else {
                fs::copy(&path, &copy).expect("a copy");
            }
        }
    }
    let files: Vec<PathBuf> = files.iter().map(|file| directory.path().join(file)).collect();
    start(release, directory.path(), &[], &files, questions)
}

/// Starts a release on the log in its directory, waits for the result, and sends it commands.
fn start(release: &str, directory: &Path, options: &[&str], parts: &[PathBuf], questions: &[Vec<&str>]) -> Loaded {
    let always = ["--appendonly", "yes", "--appendfsync", "no", "--crash-log-enabled", "no"];
    let debug = if release == "redis-6.2" { &[][..] } else { &["--enable-debug-command", "yes"] };
    let mut process = Process::server(release, directory, &[&always, debug, options].concat());
    let ended = wait(&mut process, directory);
    let answers = if ended == Ended::Starts { ask(&directory.join("s"), questions).ok() } else { None };
    drop(process);
    let sizes = parts.iter().map(|path| fs::metadata(path).ok().map(|file| file.len())).collect();
    Loaded { ended, log: fs::read(directory.join("server.log")).unwrap_or_default(), sizes, answers }
}

fn wait(process: &mut Process, directory: &Path) -> Ended {
    let begin = Instant::now();
    loop {
        // Send commands before reading the log, so that it is complete.
        if let Some(status) = process.0.try_wait().expect("a child to wait for") {
            return status.code().map_or(Ended::Killed(status.signal().unwrap_or(0)), Ended::Exits);
        }
        let text = fs::read(directory.join("server.log")).unwrap_or_default();
        let is_ready =
            |window: &[u8]| window.starts_with(b"eady to accept connections") && b" \n".contains(&window[26]);
        if text.windows(27).any(is_ready) {
            return Ended::Starts;
        }
        if begin.elapsed() > PATIENCE {
            return Ended::Hangs;
        }
        std::thread::sleep(Duration::from_millis(3));
    }
}

/// The first line of the reply to each of these commands.
fn ask(socket: &Path, questions: &[Vec<&str>]) -> io::Result<Vec<String>> {
    if questions.is_empty() {
        return Ok(Vec::new());
    }
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(&questions.iter().flat_map(|question| command(question)).collect::<Vec<_>>())?;
    let mut lines = BufReader::new(stream).lines();
    questions.iter().map(|_| lines.next().unwrap_or(Err(io::ErrorKind::UnexpectedEof.into()))).collect()
}

/// Loads a log, and asks which of these keys the server has; `None` if it did not start or did not answer.
pub(crate) fn existing(release: &str, files: &Files, keys: &[String]) -> (Loaded, Option<Vec<bool>>) {
    let loaded = load_and_ask(release, files, &keys.iter().map(|key| vec!["EXISTS", key]).collect::<Vec<_>>());
    let found = loaded.answers.as_ref().map(|answers| answers.iter().map(|answer| answer == ":1").collect());
    (loaded, found)
}

static TURN: Mutex<()> = Mutex::new(());

/// Loads each of `logs`, two at a time, and returns the results in order.
pub(crate) fn load_all(release: &str, logs: &[Files]) -> Vec<Loaded> {
    // Tests run in parallel; their servers need not.
    let _turn = TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    on_two_threads(logs, |_, files| load(release, files))
}
