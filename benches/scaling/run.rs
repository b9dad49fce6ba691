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

/// Nobody is waited for longer.
pub const LIMIT: Duration = Duration::from_secs(20);

/// How often a process is looked at.
const PATIENCE: Duration = Duration::from_micros(500);

/// How often a server is looked at.
const PAUSE: Duration = Duration::from_millis(5);

/// A child that ends with this value.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It holds nothing that anybody needs.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The seconds that `aofkit digest` takes with one thread, of the clock or of a processor, whichever are fewer:
/// others may keep the processors busy. Those of the limit if it takes longer.
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
        // 1 is a command that failed, which some repetitions do.
        let status = child.0.wait()?;
        ensure!(matches!(status.code(), Some(0 | 1)), "aofkit: {status} on {}", log.display());
    }
    Ok(seconds.min(used))
}

/// The state of a process, and how many seconds of a processor it has used.
fn processor(id: u32) -> Option<(String, f64)> {
    /// The unit, on every Linux.
    const TICKS: f64 = 100.0;
    let text = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let mut fields = text.rsplit(')').next()?.split_whitespace();
    let state = fields.next()?.to_owned();
    let ticks: f64 = fields.skip(10).take(2).filter_map(|field| field.parse::<f64>().ok()).sum();
    Some((state, ticks / TICKS))
}

/// How many seconds of a processor the first thread of a process has used, which loads a server's log.
fn main_thread(id: u32) -> Option<f64> {
    let text = fs::read_to_string(format!("/proc/{id}/schedstat")).ok()?;
    let nanoseconds: f64 = text.split_whitespace().next()?.parse().ok()?;
    Some(nanoseconds / 1e9)
}

/// What a server makes of a log.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Load {
    /// It loads it, and has used so many seconds of a processor.
    Took(f64),
    /// It used more of a processor than it was given.
    TooLong,
    /// It ends without having loaded it.
    Refused,
}

/// How many seconds of a processor a server uses until it has loaded a log, its start included; it may use `limit`.
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
