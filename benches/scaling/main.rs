//! Searches for commands whose replay takes much longer than a server's load.
//!
//! ```text
//! AOFKIT_SERVERS=FOLDER cargo bench --bench scaling -- [FILTER…]
//! ```
//!
//! Every command that changes data is repeated on small and large values of every type, at their first, middle, last,
//! scattered and missing items. `aofkit digest` is timed first, and a server only if a repetition takes long enough to
//! matter. Cases are reported that take more than ten times as long as a server's load, or whose time grows faster with
//! the size of the value than on a server.

#![allow(clippy::print_stdout, clippy::print_stderr, clippy::indexing_slicing, reason = "a program for people")]

mod cases;
mod log;
mod run;

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use aofkit::command;
use cases::{CASES, KNOWN, LEFT_OUT, Shape};
use clap::Parser;
use log::{Position, Value};

/// The servers to compare with; the faster one counts.
const AGAINST: [&str; 2] = ["redis-8.6", "valkey-9.1"];
/// The numbers of items of large values.
const LARGE: [usize; 2] = [25_000, 100_000];
/// The numbers of items of small values.
const SMALL: [usize; 2] = [30, 120];
/// The maximum number of repetitions at first.
const REPETITIONS: usize = 10_000;
/// The maximum number of repetitions.
const MOST_REPETITIONS: usize = 1_000_000;
/// The number of seconds after which there are enough repetitions.
const ENOUGH: f64 = 0.15;
/// The number of seconds up to which a repetition is cheap: a server needs at least a quarter of a microsecond, of
/// which this is ten times.
const CHEAP: f64 = 2.5e-6;
/// The minimum number of seconds of a server's load for a comparison.
const LEAST: f64 = 0.05;
/// The ratio to a server's load from which a case is reported.
const TOO_MUCH: f64 = 10.0;
/// The number of seconds of aofkit beyond which repetitions are not increased.
const MOST: f64 = 3.0;
/// The ratio to a server's load below which a case is not examined further.
const WORTHWHILE: f64 = 2.0;
/// The tolerance by which the exponent of aofkit's growth may exceed that of a server.
const MORE_GROWTH: f64 = 0.4;

#[derive(Debug, Parser)]
#[command(about = "Search for commands whose replay takes far longer than a server's load")]
struct Arguments {
    /// Only cases whose name contains one of these, such as `LREM` or `ExpiringHash`
    filters: Vec<String>,
    /// The folder of unpacked servers [default: `$AOFKIT_SERVERS`]
    #[arg(long)]
    servers: Option<PathBuf>,
    /// Another aofkit than that of this tree
    #[arg(long, default_value = env!("CARGO_BIN_EXE_aofkit"))]
    aofkit: PathBuf,
    /// Print every case that was compared
    #[arg(long)]
    all: bool,
    /// Added by cargo
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    ensure_complete()?;
    let servers = arguments
        .servers
        .clone()
        .or_else(|| std::env::var_os("AOFKIT_SERVERS").map(PathBuf::from))
        .context("set AOFKIT_SERVERS to the folder that scripts/provision-servers filled")?;
    let directory = tempfile::Builder::new().prefix("aofkit-scaling").tempdir_in(memory())?;
    let mut bench = Bench {
        aofkit: arguments.aofkit.clone(),
        servers: AGAINST.map(|name| run::program(&servers, name)),
        log: directory.path().join("log.aof"),
        bases: HashMap::new(),
    };
    println!("{:>7} {:>7} {:>7} {:>6} {:>6} {:>6}  case", "aofkit", "server", "times", "growth", "theirs", "reps");
    let (mut tried, mut compared, mut bad, mut broken) = (0, 0, 0, 0);
    for subject in subjects(&arguments.filters) {
        tried += 1;
        let outcome = match bench.examine(&subject) {
            Ok(Some(outcome)) => outcome,
            Ok(None) => continue,
            Err(error) => {
                eprintln!("{}: {error}", subject.name());
                broken += 1;
                continue;
            }
        };
        compared += 1;
        let name = subject.name();
        let known = KNOWN.iter().find(|(part, _)| outcome.is_bad() && name.contains(part));
        if let Some((_, why)) = known {
            println!("{outcome}   {name} (known: {why})");
        } else if outcome.is_bad() || arguments.all {
            println!("{outcome} {} {name}", if outcome.is_bad() { "!" } else { " " });
        }
        bad += usize::from(outcome.is_bad() && known.is_none());
    }
    println!("{tried} cases, {compared} take longer than a server, {bad} much longer, {broken} could not be tried");
    ensure!(bad + broken == 0, "{bad} cases take much longer than a server, {broken} could not be tried");
    Ok(())
}

/// A directory in memory, where there is one.
fn memory() -> PathBuf {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() }
}

/// Fails if a command that changes data has no case.
fn ensure_complete() -> anyhow::Result<()> {
    let mut names: BTreeSet<String> = BTreeSet::new();
    for template in CASES.iter().flat_map(|case| case.templates) {
        for line in template.split([';', '|']) {
            let mut words = line.split_whitespace().map(str::to_ascii_lowercase);
            let Some(first) = words.next() else { continue };
            names.extend(words.next().map(|second| format!("{first}|{second}")));
            names.insert(first);
        }
    }
    names.extend(LEFT_OUT.iter().map(|(name, _)| (*name).to_owned()));
    let missing: Vec<_> =
        command::all().filter(|row| row.apply.is_some() && !names.contains(row.name)).map(|row| row.name).collect();
    ensure!(missing.is_empty(), "no case for {}", missing.join(", "));
    Ok(())
}

/// One template on one value at one position.
struct Subject {
    shape: Shape,
    sizes: [usize; 2],
    template: &'static str,
    position: Position,
}

impl Subject {
    fn name(&self) -> String {
        format!("{:?} of {}, {:?}: {}", self.shape, self.sizes[1], self.position, self.template)
    }
}

fn subjects(filters: &[String]) -> Vec<Subject> {
    let mut all = Vec::new();
    for case in CASES {
        for &shape in case.shapes {
            for sizes in [LARGE, SMALL].into_iter().take(if shape.has_packed_form() { 2 } else { 1 }) {
                for &template in case.templates {
                    let positions = Position::of(template).iter();
                    all.extend(positions.map(|&position| Subject { shape, sizes, template, position }));
                }
            }
        }
    }
    all.retain(|subject| {
        let name = subject.name();
        filters.is_empty() || filters.iter().any(|filter| name.contains(filter.as_str()))
    });
    all
}

/// The result of a case.
struct Outcome {
    aofkit: f64,
    server: f64,
    growth: f64,
    their_growth: f64,
    repetitions: usize,
}

impl Outcome {
    fn ratio(&self) -> f64 {
        self.aofkit / self.server
    }

    fn is_bad(&self) -> bool {
        self.ratio() > TOO_MUCH
            || self.growth > self.their_growth + MORE_GROWTH && self.growth > MORE_GROWTH && self.ratio() > 3.0
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { aofkit, server, growth, their_growth, repetitions } = self;
        let ratio = self.ratio();
        write!(out, "{aofkit:>7.3} {server:>7.3} {ratio:>7.1} {growth:>6.2} {their_growth:>6.2} {repetitions:>6}")
    }
}

struct Bench {
    aofkit: PathBuf,
    servers: [PathBuf; 2],
    log: PathBuf,
    /// The time for a value without repetitions, and the log that creates it.
    bases: HashMap<(Shape, usize), (Base, Vec<u8>)>,
}

impl Bench {
    /// `None` if a repetition is cheap, or a server takes about as long.
    fn examine(&mut self, subject: &Subject) -> anyhow::Result<Option<Outcome>> {
        let [few, many] = subject.sizes;
        let (base, few_base) = (self.base(subject.shape, many)?, self.base(subject.shape, few)?);
        let mut wanted = 100;
        let (mut took, mut done) = self.ours(subject, many, wanted, base)?;
        while took < ENOUGH && wanted < REPETITIONS && done == wanted {
            wanted = (wanted * 10).min(REPETITIONS);
            (took, done) = self.ours(subject, many, wanted, base)?;
        }
        #[expect(clippy::cast_precision_loss, reason = "small numbers")]
        if took / (done as f64) < CHEAP {
            return Ok(None);
        }
        let Some(mut server) = self.theirs(took, base)? else { return Ok(None) };
        // The log grows until the server's time can be measured.
        while server < LEAST && wanted < MOST_REPETITIONS && done == wanted && took < MOST {
            wanted *= if server < LEAST / 4.0 { 4 } else { 2 };
            (took, done) = self.ours(subject, many, wanted, base)?;
            let Some(again) = self.theirs(took, base)? else { return Ok(None) };
            server = again;
        }
        if server < LEAST && took < LEAST * TOO_MUCH {
            return Ok(None);
        }
        let (few_took, _) = self.ours(subject, few, done, few_base)?;
        let few_server = self.theirs(f64::INFINITY, few_base)?.unwrap_or(server);
        let exponent = |many: f64, few: f64| (many / few.max(0.005)).log(4.0);
        Ok(Some(Outcome {
            aofkit: took,
            server,
            growth: exponent(took, few_took),
            their_growth: exponent(server, few_server),
            repetitions: done,
        }))
    }

    /// Measures the time for a value without repetitions.
    fn base(&mut self, shape: Shape, items: usize) -> anyhow::Result<Base> {
        if let Some((base, _)) = self.bases.get(&(shape, items)) {
            return Ok(*base);
        }
        let mut bytes = Vec::new();
        Value { shape, items }.write(&mut bytes);
        self.write(&bytes)?;
        let aofkit = run::aofkit(&self.aofkit, &self.log)?.min(run::aofkit(&self.aofkit, &self.log)?);
        let mut servers = [f64::INFINITY; 2];
        for (program, seconds) in self.servers.iter().zip(&mut servers) {
            for _ in 0..2 {
                match run::server(program, &self.log, f64::INFINITY)? {
                    run::Load::Took(took) => *seconds = seconds.min(took),
                    _ => *seconds = 0.0,
                }
            }
        }
        let base = Base { aofkit, servers };
        self.bases.insert((shape, items), (base, bytes));
        Ok(base)
    }

    /// Writes the log of a subject, and times aofkit on it: the seconds beyond those for the value, and how many
    /// repetitions the log has.
    fn ours(&self, subject: &Subject, items: usize, repetitions: usize, base: Base) -> anyhow::Result<(f64, usize)> {
        let value = Value { shape: subject.shape, items };
        let mut bytes = self.bases.get(&(subject.shape, items)).map(|(_, bytes)| bytes.clone()).unwrap_or_default();
        let done = log::repeat(&mut bytes, value, subject.template, subject.position, repetitions);
        self.write(&bytes)?;
        Ok((run::aofkit(&self.aofkit, &self.log)? - base.aofkit, done))
    }

    fn write(&self, bytes: &[u8]) -> anyhow::Result<()> {
        // A server that was killed may still have it open.
        let _ = fs::remove_file(&self.log);
        Ok(fs::write(&self.log, bytes)?)
    }

    /// The seconds, beyond those for the value, of the quickest server that loads the log which is there; `None` if
    /// even that is not much quicker than aofkit.
    fn theirs(&self, ours: f64, base: Base) -> anyhow::Result<Option<f64>> {
        let mut best = f64::INFINITY;
        let mut refused = 0;
        for (program, base) in self.servers.iter().zip(base.servers) {
            match run::server(program, &self.log, base + (ours / WORTHWHILE).max(0.02))? {
                run::Load::Took(seconds) => best = best.min((seconds - base).max(0.001)),
                run::Load::TooLong => {}
                run::Load::Refused => refused += 1,
            }
        }
        ensure!(refused < self.servers.len(), "no server loads the log");
        Ok(Some(best).filter(|best| ours / best > WORTHWHILE && best.is_finite()))
    }
}

/// The time for a value without repetitions, in seconds.
#[derive(Debug, Clone, Copy)]
struct Base {
    aofkit: f64,
    servers: [f64; 2],
}
