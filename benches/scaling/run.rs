//! Times aofkit and servers on a log.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};

/// The maximum time to wait.
pub const LIMIT: Duration = Duration::from_secs(20);

/// The interval between polls of a process.
const PATIENCE: Duration = Duration::from_micros(500);

/// The interval between polls of a server.
const PAUSE: Duration = Duration::from_millis(5);

/// A child that is killed when this is dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Its data is not needed.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The seconds that `aofkit digest` takes with one thread: elapsed time or processor time, whichever is less, because
/// the processors may be busy. The limit if it takes longer.
pub fn aofkit(program: &Path, log: &Path) -> anyhow::Result<f64> {
    let started = Instant::now();
    let child = Command::new(program)
        .args(["digest", "--threads", "1"])
        .arg(log)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .with_context(|| format!("cannot start {}", program.display()))?;
    let mut child = Running(child);
    let mut used = f64::INFINITY;
    while started.elapsed() < LIMIT {
        let (state, seconds) = processor(child.0.id()).context("no /proc")?;
        if state == "Z" {
            used = seconds;
            break;
        }
        thread::sleep(PATIENCE);
    }
    let seconds = started.elapsed().as_secs_f64();
    if used.is_finite() {
        // Exit code 1 means that a command failed, as some repetitions do.
        let status = child.0.wait()?;
        ensure!(matches!(status.code(), Some(0 | 1)), "aofkit: {status} on {}", log.display());
    }
    Ok(seconds.min(used))
}

/// The state of a process, and its processor time in seconds.
fn processor(id: u32) -> Option<(String, f64)> {
    /// The unit, on every Linux.
    const TICKS: f64 = 100.0;
    let text = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let mut fields = text.rsplit(')').next()?.split_whitespace();
    let state = fields.next()?.to_owned();
    let ticks: f64 = fields.skip(10).take(2).filter_map(|field| field.parse::<f64>().ok()).sum();
    Some((state, ticks / TICKS))
}

/// The processor time in seconds of the first thread of a process, which loads a server's log.
fn main_thread(id: u32) -> Option<f64> {
    let text = fs::read_to_string(format!("/proc/{id}/schedstat")).ok()?;
    let nanoseconds: f64 = text.split_whitespace().next()?.parse().ok()?;
    Some(nanoseconds / 1e9)
}

/// The result of a server's load.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Load {
    /// It loaded the log, with this processor time in seconds.
    Took(f64),
    /// It exceeded the limit.
    TooLong,
    /// It exited without loading the log.
    Refused,
}

/// The processor time in seconds until a server has loaded a log, including its start, up to `limit`.
pub fn server(program: &Path, log: &Path, limit: f64) -> anyhow::Result<Load> {
    let directory = tempfile::Builder::new().prefix("server").tempdir_in(log.parent().context("no directory")?)?;
    let parts = directory.path().join("appendonlydir");
    fs::create_dir(&parts)?;
    fs::hard_link(log, parts.join("appendonly.aof.1.incr.aof"))?;
    fs::write(parts.join("appendonly.aof.manifest"), "file appendonly.aof.1.incr.aof seq 1 type i\n")?;
    let child = Command::new(program)
        .args(["--port", "0", "--save", "", "--appendonly", "yes", "--appendfsync", "no"])
        .args(["--auto-aof-rewrite-percentage", "0", "--aof-load-truncated", "no", "--unixsocket", "s", "--dir"])
        .arg(directory.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .with_context(|| format!("cannot start {}", program.display()))?;
    let mut child = Running(child);
    let output = child.0.stdout.take().context("no output")?;
    let (sender, receiver) = mpsc::channel();
    let reader = thread::spawn(move || {
        let mut lines = BufReader::new(output).lines().map_while(Result::ok);
        if lines.any(|line| line.contains("DB loaded from append only file")) {
            let _ = sender.send(());
        }
    });
    let result = loop {
        let used = main_thread(child.0.id()).unwrap_or(f64::INFINITY);
        match receiver.recv_timeout(PAUSE) {
            Ok(()) => break Load::Took(main_thread(child.0.id()).unwrap_or(used)),
            Err(mpsc::RecvTimeoutError::Timeout) if used < limit => {}
            Err(mpsc::RecvTimeoutError::Timeout) => break Load::TooLong,
            Err(mpsc::RecvTimeoutError::Disconnected) => break Load::Refused,
        }
    };
    drop(child);
    let _ = reader.join();
    Ok(result)
}

/// The program of a server that was unpacked in a folder.
pub fn program(servers: &Path, name: &str) -> PathBuf {
    let product = name.split('-').next().unwrap_or(name);
    servers.join(name).join("bin").join(format!("{product}-server"))
}
