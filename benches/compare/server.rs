//! A real server that loads a log and rewrites it, for comparison with `aofkit rewrite`.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};

use crate::measure::{Contender, Sample};

/// The interval between polls of the server.
const PATIENCE: Duration = Duration::from_millis(5);

/// The maximum time to wait for a server.
const LIMIT: Duration = Duration::from_mins(5);

/// A server that loads a log and then runs `BGREWRITEAOF`.
pub fn rewriter(name: &'static str, program: PathBuf, preamble: bool) -> Contender {
    Contender::function(name, move |log, _| rewrite(&program, log, preamble))
}

fn rewrite(program: &Path, log: &Path, preamble: bool) -> anyhow::Result<Sample> {
    let parent = log.parent().context("the log has no directory")?;
    let directory = tempfile::Builder::new().prefix("server").tempdir_in(parent)?;
    // A server moves the file into its directory of parts, and never changes it.
    fs::hard_link(log, directory.path().join("appendonly.aof"))?;
    let socket_directory = tempfile::tempdir()?;
    let socket = socket_directory.path().join("s");
    let started = Instant::now();
    let mut server = Running::start(program, directory.path(), &socket, preamble)?;
    let mut connection = server.connect(&socket, started)?;
    while !ask(&mut connection, "PING")?.starts_with("+PONG") {
        ensure!(started.elapsed() < LIMIT, "the server does not load the log");
        thread::sleep(PATIENCE);
    }
    let reply = ask(&mut connection, "BGREWRITEAOF")?;
    ensure!(reply.starts_with('+'), "BGREWRITEAOF: {reply}");
    loop {
        let info = information(&mut connection)?;
        if info.contains("aof_rewrite_in_progress:0") && info.contains("aof_rewrite_scheduled:0") {
            ensure!(info.contains("aof_last_bgrewrite_status:ok"), "the server could not rewrite the log");
            break;
        }
        ensure!(started.elapsed() < LIMIT, "the server does not end its rewrite");
        thread::sleep(PATIENCE);
    }
    let seconds = started.elapsed().as_secs_f64();
    let anonymous = server.peak();
    Ok(Sample { seconds, anonymous })
}

/// A server that is killed when this is dropped.
struct Running(Child);

impl Running {
    fn start(program: &Path, directory: &Path, socket: &Path, preamble: bool) -> anyhow::Result<Self> {
        let child = Command::new(program)
            .args(["--port", "0", "--save", "", "--appendonly", "yes", "--auto-aof-rewrite-percentage", "0"])
            .args(["--appendfsync", "no", "--aof-use-rdb-preamble", if preamble { "yes" } else { "no" }])
            .arg("--dir")
            .arg(directory)
            .arg("--unixsocket")
            .arg(socket)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        Ok(Self(child))
    }

    fn connect(&mut self, socket: &Path, started: Instant) -> anyhow::Result<BufReader<UnixStream>> {
        loop {
            if let Ok(stream) = UnixStream::connect(socket) {
                stream.set_read_timeout(Some(LIMIT))?;
                return Ok(BufReader::new(stream));
            }
            if let Some(status) = self.0.try_wait()? {
                bail!("the server ended: {status}");
            }
            ensure!(started.elapsed() < LIMIT, "the server does not start");
            thread::sleep(PATIENCE);
        }
    }

    /// The most resident memory so far, in bytes.
    fn peak(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0.id())).unwrap_or_default();
        let kilobytes = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))
            .and_then(|rest| rest.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
        kilobytes.unwrap_or(0) * 1024
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Its data is not needed.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn ask(connection: &mut BufReader<UnixStream>, command: &str) -> anyhow::Result<String> {
    connection.get_mut().write_all(format!("{command}\r\n").as_bytes())?;
    let mut line = String::new();
    connection.read_line(&mut line)?;
    ensure!(!line.is_empty(), "the server closed the connection");
    Ok(line)
}

fn information(connection: &mut BufReader<UnixStream>) -> anyhow::Result<String> {
    let header = ask(connection, "INFO persistence")?;
    let length: usize = header.trim_start_matches('$').trim().parse().context("INFO")?;
    let mut text = String::new();
    while text.len() < length + 2 {
        ensure!(connection.read_line(&mut text)? > 0, "the server closed the connection");
    }
    Ok(text)
}
