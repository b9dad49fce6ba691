//! Runs contenders alternately and measures them.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use crate::generate::Workload;

/// The interval between samples of memory.
const SAMPLING: Duration = Duration::from_millis(2);

/// Contenders that do the same work; the others are compared with the first.
pub struct Comparison {
    /// The work.
    pub title: &'static str,
    /// The contenders.
    pub contenders: Vec<Contender>,
}

type Work = Box<dyn Fn(&Path, Watch) -> anyhow::Result<Sample>>;

/// A program that does the work on a log.
pub struct Contender {
    /// Its name in reports.
    pub name: &'static str,
    /// Does the work once.
    work: Work,
}

/// Whether to measure memory during a run, which then is not timed, because the measurement takes time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Watch {
    /// Only the clock.
    Time,
    /// Memory too.
    Memory,
}

/// The result of one run.
#[derive(Debug, Clone, Copy)]
pub struct Sample {
    /// From start to end.
    pub seconds: f64,
    /// The peak anonymous memory in bytes, for a server the peak resident memory; 0 if it was not measured.
    pub anonymous: u64,
}

/// The results of all runs of a contender.
pub struct Measured {
    /// Its name in reports.
    pub name: &'static str,
    /// Each timed run.
    pub seconds: Vec<f64>,
    /// The peak anonymous memory in bytes.
    pub anonymous: u64,
}

/// A finished comparison.
pub struct Outcome {
    /// The work.
    pub title: &'static str,
    /// The kind of log.
    pub workload: Workload,
    /// The size of the log in bytes.
    pub bytes: u64,
    /// In the order of the contenders.
    pub measured: Vec<Measured>,
}

impl Outcome {
    /// The median of the contender that the others are compared with.
    pub fn reference(&self) -> f64 {
        self.measured.first().map_or(f64::NAN, Measured::median)
    }
}

impl Measured {
    /// The middle run; of an even number of runs, the slower of the two in the middle.
    pub fn median(&self) -> f64 {
        let mut sorted = self.seconds.clone();
        sorted.sort_by(f64::total_cmp);
        sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
    }

    /// The quickest and the slowest run.
    pub fn range(&self) -> (f64, f64) {
        self.seconds.iter().fold((f64::INFINITY, 0.0), |(least, most), &run| (least.min(run), most.max(run)))
    }
}

impl Contender {
    /// A contender that is not a single process.
    pub fn function(name: &'static str, work: impl Fn(&Path, Watch) -> anyhow::Result<Sample> + 'static) -> Self {
        Self { name, work: Box::new(work) }
    }

    /// `aofkit rewrite` of the log into a new file beside it.
    pub fn rewrite(name: &'static str, program: &Path, arguments: &[&'static str]) -> Self {
        let (program, arguments) = (PathBuf::from(program), arguments.to_vec());
        Self::function(name, move |log, watch| {
            let directory = tempfile::Builder::new().prefix("rewritten").tempdir_in(log.parent().unwrap_or(log))?;
            let output = directory.path().join("new.aof");
            let mut all: Vec<&OsStr> = vec!["rewrite".as_ref(), "-o".as_ref(), output.as_os_str()];
            all.extend(arguments.iter().map(OsStr::new));
            run_program(&program, &all, log, watch)
        })
    }

    /// A program with the log as its last argument; it must succeed.
    pub fn command(name: &'static str, program: &Path, arguments: &[&'static str]) -> Self {
        let (program, arguments) = (PathBuf::from(program), arguments.to_vec());
        Self { name, work: Box::new(move |log, watch| run_program(&program, &arguments, log, watch)) }
    }
}

/// Runs every contender `rounds` times, alternately, on a log that is in the page cache.
pub fn run(comparison: &Comparison, workload: Workload, log: &Path, rounds: usize) -> anyhow::Result<Outcome> {
    let bytes = io::copy(&mut File::open(log)?, &mut io::sink())?;
    let mut measured = Vec::new();
    for contender in &comparison.contenders {
        let sample = (contender.work)(log, Watch::Memory).with_context(|| contender.name)?;
        measured.push(Measured { name: contender.name, seconds: Vec::new(), anonymous: sample.anonymous });
    }
    for _ in 0..rounds {
        for (contender, measured) in comparison.contenders.iter().zip(&mut measured) {
            let sample = (contender.work)(log, Watch::Time).with_context(|| contender.name)?;
            measured.seconds.push(sample.seconds);
        }
    }
    Ok(Outcome { title: comparison.title, workload, bytes, measured })
}

fn run_program(program: &Path, arguments: &[impl AsRef<OsStr>], log: &Path, watch: Watch) -> anyhow::Result<Sample> {
    let complaints = tempfile::NamedTempFile::new()?;
    let started = Instant::now();
    let mut child = Command::new(program)
        .args(arguments)
        .arg(log)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(complaints.reopen()?)
        .spawn()
        .with_context(|| format!("cannot start {}", program.display()))?;
    let anonymous = if watch == Watch::Memory { most_anonymous(&mut child)? } else { 0 };
    let status = child.wait()?;
    let seconds = started.elapsed().as_secs_f64();
    if !status.success() {
        bail!("{status}: {}", fs::read_to_string(complaints.path())?.trim());
    }
    Ok(Sample { seconds, anonymous })
}

/// Samples the memory of a process until it ends.
fn most_anonymous(child: &mut Child) -> anyhow::Result<u64> {
    let status = PathBuf::from(format!("/proc/{}/status", child.id()));
    let mut most = 0;
    while child.try_wait()?.is_none() {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let kilobytes = text
            .lines()
            .find_map(|line| line.strip_prefix("RssAnon:"))
            .and_then(|rest| rest.trim().strip_suffix("kB"))
            .and_then(|number| number.trim().parse::<u64>().ok());
        most = most.max(kilobytes.unwrap_or(0) * 1024);
        thread::sleep(SAMPLING);
    }
    Ok(most)
}
