//! Compares `aofkit` with the official checkers, on logs that a seeded generator writes.
//!
//! ```text
//! AOFKIT_SERVERS=FOLDER cargo bench --bench compare -- --size 512 --rounds 5 --json result.json
//! ```
//!
//! Every contender reads the same file from the page cache, one after the other, round by round; medians are compared.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for people")]

mod generate;
mod measure;
mod report;
mod server;

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use clap::Parser;

use generate::Workload;
use measure::{Comparison, Contender};

#[derive(Debug, Parser)]
#[command(about = "Compare aofkit with the official checkers on generated logs")]
struct Arguments {
    /// The size of each log, in MB (10^6 bytes)
    #[arg(long, default_value_t = 512)]
    size: u64,
    /// How often each contender runs
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Seeds the generator
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Only these logs
    #[arg(long, value_enum, value_delimiter = ',')]
    logs: Vec<Workload>,
    /// Only this work: check, inspect or rewrite
    #[arg(long, value_delimiter = ',')]
    work: Vec<String>,
    /// Where logs are written, and found again by the next run [default: a folder in the temporary directory]
    #[arg(long)]
    directory: Option<PathBuf>,
    /// The folder of unpacked servers [default: `$AOFKIT_SERVERS`]
    #[arg(long)]
    servers: Option<PathBuf>,
    /// Another aofkit than that of this tree
    #[arg(long, default_value = env!("CARGO_BIN_EXE_aofkit"))]
    aofkit: PathBuf,
    /// Write the results as JSON too
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Added by cargo
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    ensure!(arguments.rounds > 0, "--rounds must be at least 1");
    let servers = arguments
        .servers
        .clone()
        .or_else(|| std::env::var_os("AOFKIT_SERVERS").map(PathBuf::from))
        .context("set AOFKIT_SERVERS to the folder that scripts/provision-servers filled")?;
    let directory = arguments.directory.clone().unwrap_or_else(|| std::env::temp_dir().join("aofkit-compare"));
    fs::create_dir_all(&directory).with_context(|| format!("cannot make {}", directory.display()))?;
    let workloads = if arguments.logs.is_empty() { Workload::ALL.to_vec() } else { arguments.logs.clone() };

    let mut results = Vec::new();
    for workload in workloads {
        let log = generate::log(&directory, workload, arguments.size * 1_000_000, arguments.seed)?;
        let comparisons = comparisons(workload, &servers, &arguments.aofkit).into_iter();
        let wanted = |comparison: &Comparison| {
            arguments.work.is_empty() || arguments.work.iter().any(|work| work == comparison.title)
        };
        for comparison in comparisons.filter(wanted) {
            eprintln!("{} on {} …", comparison.title, log.display());
            let result = measure::run(&comparison, workload, &log, arguments.rounds)?;
            println!("{}", report::table(&result));
            results.push(result);
        }
    }
    if let Some(path) = &arguments.json {
        let file = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
        serde_json::to_writer_pretty(file, &report::json(&results))?;
    }
    Ok(())
}

/// The comparisons for a log.
fn comparisons(workload: Workload, servers: &Path, aofkit: &Path) -> Vec<Comparison> {
    let mut comparisons = vec![check(servers, aofkit)];
    if workload == Workload::Mixed {
        comparisons.push(Comparison {
            title: "inspect",
            contenders: vec![Contender::command(
                "aofkit inspect --format json",
                aofkit,
                &["inspect", "--format", "json"],
            )],
        });
    }
    comparisons.push(rewrite(servers, aofkit));
    comparisons
}

/// RESP to RESP.
fn rewrite(servers: &Path, aofkit: &Path) -> Comparison {
    let program = |server: &str, program| servers.join(server).join("bin").join(program);
    Comparison {
        title: "rewrite",
        contenders: vec![
            Contender::rewrite("aofkit rewrite", aofkit, &[]),
            Contender::rewrite("aofkit rewrite --threads 1", aofkit, &["--threads", "1"]),
            server::rewriter("valkey 9.1", program("valkey-9.1", "valkey-server"), false),
            server::rewriter("redis 8.0.6", program("redis-8.0.6", "redis-server"), false),
        ],
    }
}

fn check(servers: &Path, aofkit: &Path) -> Comparison {
    let checker =
        |name, server: &str, program| Contender::command(name, &servers.join(server).join("bin").join(program), &[]);
    Comparison {
        title: "check",
        contenders: vec![
            Contender::command("aofkit check", aofkit, &["check"]),
            Contender::command("aofkit check --threads 1", aofkit, &["check", "--threads", "1"]),
            Contender::command("wc -l", Path::new("wc"), &["-l"]),
            checker("redis-check-aof 8.0.6", "redis-8.0.6", "redis-check-aof"),
            checker("redis-check-aof 7.0", "redis-7.0", "redis-check-aof"),
            checker("valkey-check-aof 9.1", "valkey-9.1", "valkey-check-aof"),
        ],
    }
}
