//! Random damage of real logs: salvage keeps every record outside it, and a server loads the result.
//!
//! A record is outside if none of its bytes was touched and nothing was put between them. Blocks that were repeated or
//! swapped are touched where they are now: whole records in them may be kept or not, since nothing tells whether they
//! belong there. `AOFKIT_PROGRAMS` is the number of damaged logs for each server and number of damaged stretches,
//! `AOFKIT_SEED` the first seed, and `AOFKIT_KEEP` a directory for the logs.

mod damage;
mod truth;
mod workload;

use std::fs;
use std::path::{Path, PathBuf};

use aofkit::check::{Code, Settings, check};
use aofkit::repair::salvage::Options;

use crate::harness::files::testdata;
use crate::harness::program::{aofkit, file};
use crate::harness::servers::{server_of, with_releases};
use crate::harness::{Random, RealServer, assert_none, on_two_threads, seeds};

use truth::{Log, Round};
use workload::{WORKLOADS, Workload, record};

/// Logs of every workload, each written by a server that has just started.
fn logs(release: &str) -> Vec<Log> {
    let write = |_, workload: &Workload| {
        let mut real = RealServer::logging_release(release);
        if release != "redis-6.2" {
            real.call(&["CONFIG", "SET", "aof-timestamp-enabled", "yes"]);
        }
        record(&mut real, *workload, &mut Random(*workload as u64))
    };
    let logs = on_two_threads(&WORKLOADS, write);
    if let Some(directory) = std::env::var_os("AOFKIT_KEEP") {
        for (log, workload) in logs.iter().zip(WORKLOADS) {
            fs::write(PathBuf::from(&directory).join(format!("{release}-{workload:?}.aof")), log).unwrap();
        }
    }
    logs.into_iter().map(Log::new).collect()
}

/// How many results of a thousand may be wrong, for one and for three damaged stretches: those for which nothing in
/// the log tells what is right.
///
/// An argument that lost its end may end, to the byte, where a later record does: nothing tells it from a value that
/// holds those records. Of values that do hold records, the first part may be lost, and what is left of them is then
/// like records between two damaged places.
const UNDECIDABLE: [(usize, usize); 2] = [(1, 2), (3, 12)];

/// Wrong results that a small sample may have beyond that: servers choose some of what they log, so that no two runs
/// damage the same logs.
const CHANCE: usize = 5;

/// The results for one number of stretches: what salvage leaves of each damaged log.
#[track_caller]
fn results(logs: &[Log], stretches: usize, default: u64, options: Options<'_>) -> Vec<Vec<u8>> {
    let seeds: Vec<u64> = seeds(default).collect();
    let round = |_, seed: &u64| {
        let Round { damaged, result, .. } = Round::new(logs, *seed, stretches, options);
        result.map_err(|difference| format!("seed {seed}: {:?}: {difference}", damaged.done))
    };
    let (whole, differences): (Vec<_>, Vec<_>) = on_two_threads(&seeds, round).into_iter().partition(Result::is_ok);
    let allowed = UNDECIDABLE.iter().find(|(number, _)| *number == stretches).unwrap().1;
    if differences.len() > seeds.len() * allowed / 1000 + CHANCE {
        assert_none(&differences.into_iter().filter_map(Result::err).collect::<Vec<_>>());
    }
    whole.into_iter().filter_map(Result::ok).collect()
}

/// Whether a command has a name that no server knows, and that may be one all the same, or too few arguments: with
/// those, a server exits or crashes, and `fix --remove` is for that.
fn has_odd_command(path: &Path, options: Options<'_>) -> bool {
    let settings = Settings { server: options.server.into(), ..Settings::default() };
    let report = check(&aofkit::aof::log::Log::open(path).unwrap(), settings).unwrap();
    report.findings.iter().any(|finding| matches!(finding.code, Code::UnknownCommand | Code::WrongArity))
}

/// One in so many results is loaded.
const LOADED: usize = 10;

fn compare(release: &str) {
    let logs = logs(release);
    let options = Options { server: server_of(release), ..Options::default() };
    let mut real = RealServer::logging_release(release);
    for stretches in [1, 3] {
        for mended in results(&logs, stretches, 100, options).into_iter().step_by(LOADED) {
            let directory = tempfile::TempDir::new().unwrap();
            let path = file(&directory, "mended.aof", &mended);
            if has_odd_command(&path, options) {
                continue;
            }
            let mut digest = aofkit("digest");
            let output = digest.args(["--unknown", "skip", "--server"]).arg(options.server.name()).arg(path).output();
            let digest = String::from_utf8(output.unwrap().stdout).unwrap();
            assert_eq!(real.load(&[('i', &mended)]), digest.split_whitespace().next().unwrap());
        }
    }
}

macro_rules! releases {
    ($($test:ident: $server:ident, $release:literal;)*) => {
        $(#[server_test]
        fn $test() {
            compare($release);
        })*
    };
}
with_releases!(releases);

#[test]
fn every_record_outside_damage_of_a_small_log_is_kept() {
    let mut logs = Vec::new();
    for release in ["redis-7.0", "redis-8.0.6", "valkey-8.1", "valkey-9.1"] {
        let directory = testdata().join("logs").join(release).join("fresh/appendonlydir");
        logs.push(Log::new(fs::read(directory.join("appendonly.aof.1.incr.aof")).unwrap()));
    }
    for stretches in [1, 3] {
        results(&logs, stretches, 400, Options::default());
    }
}
