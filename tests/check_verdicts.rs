//! The verdicts of `check` on everything in `testdata`, compared with what the real checkers and servers do with it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "helpers of tests fail as tests do"
)]

mod common;

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use aofkit::Server;
use aofkit::aof::log::{Log, walk_tree};
use aofkit::check::server::{Crash, Outcome, Reason};
use aofkit::check::{CheckerReason, Report, Settings, check};
use common::loader::{Cutting, Ended, Files, load_all};
use common::server::{SERVERS, folder, program};

/// Every log in `testdata`, by its path.
fn logs() -> Vec<PathBuf> {
    let mut logs = walk_tree(&Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata")).unwrap().logs;
    logs.retain(|path| path.extension().is_none_or(|extension| extension != "md" && extension != "py"));
    assert!(logs.len() > 100, "only {} logs", logs.len());
    logs
}

fn report(path: &Path, server: Server) -> Report {
    check(&Log::open(path).unwrap(), Settings { server: server.into(), ..Settings::default() }).unwrap()
}

/// What `AOF analyzed` says about the part that the checker stopped at.
fn ok_up_to(output: &str) -> Option<u64> {
    output.lines().rev().find_map(|line| line.split("ok_up_to=").nth(1)?.split(',').next()?.parse().ok())
}

#[test]
fn the_checkers_verdict_is_that_of_the_real_checker() {
    let mut differences = Vec::new();
    for (server, name) in SERVERS {
        // There is no checker of Redis 8.2 to compare with, and that of 6.2 reads no directories.
        let has_checker = !matches!(server, Server::Redis62 | Server::Redis82);
        let Some(folder) = folder(name).filter(|_| has_checker) else { continue };
        for path in logs() {
            let bytes = fs::read(&path).unwrap();
            let verdict = report(&path, server).checker;
            // What ours gets right on purpose, and what kills the real one.
            let crashes = matches!(&verdict.reason, Some(CheckerReason::Records(records)) if records.crash.is_some());
            if crashes || (server == Server::Valkey9 && uses_valkey_magic(&path, &bytes)) {
                continue;
            }
            let output = Command::new(program(&folder, "check-aof")).arg(&path).output().unwrap();
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            let agrees = match &verdict.reason {
                Some(CheckerReason::Records(records)) => Some(records.ok_up_to) == ok_up_to(&text),
                _ => true,
            };
            if !agrees || verdict.valid != output.status.success() {
                differences.push(format!("{name} on {}: {verdict:?}\n{text}", path.display()));
            }
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

fn uses_valkey_magic(path: &Path, bytes: &[u8]) -> bool {
    let parts = Log::open(path).unwrap().parts;
    bytes.starts_with(b"VALKEY")
        || parts.iter().any(|part| part.missing().is_none() && part.open().unwrap().bytes().starts_with(b"VALKEY"))
}

/// The parts of a log as the loader wants them; `None` for a manifest that is odd itself, which other tests are about.
fn files(path: &Path) -> Option<Files> {
    let log = Log::open(path).unwrap();
    let odd = |name: &[u8]| name.windows(9).any(|window| window == b"manifest-");
    if log.as_multi_part().is_some() && odd(path.as_os_str().as_bytes()) {
        return None;
    }
    // A key twice in what is loaded from RDBs is an assertion that fails; which keys there are is beyond a check.
    // What becomes of a field without its expiry depends on the memory behind it.
    let name = path.to_string_lossy();
    if name.contains("/crafted-") || name.contains("part-incr-is-rdb") || name.contains("expiry-tuple") {
        return None;
    }
    let parts =
        log.parts.iter().map(|part| part.missing().is_none().then(|| part.open().unwrap().bytes().to_vec())).collect();
    Some(Files { parts, cutting: Cutting::Yes })
}

#[test]
fn the_servers_verdict_is_what_the_real_server_does() {
    let logs: Vec<(PathBuf, Files)> =
        logs().into_iter().filter_map(|path| files(&path).map(|files| (path, files))).collect();
    let mut differences = Vec::new();
    for (server, name) in SERVERS {
        let Some(folder) = folder(name) else { continue };
        let single = |files: &Files| files.parts.len() == 1;
        let logs: Vec<_> = logs
            .iter()
            .filter(|(path, files)| (server != Server::Redis62 || single(files)) && !hangs(path, server))
            .collect();
        let files: Vec<Files> = logs.iter().map(|(_, files)| files.clone()).collect();
        for ((path, _), loaded) in logs.iter().zip(load_all(&folder, &files)) {
            let verdict = report(path, server).server;
            let told = format!("{name} on {}: {verdict:?}\n{}", path.display(), String::from_utf8_lossy(&loaded.log));
            let agrees = match &verdict.outcome {
                Outcome::Loads => loaded.ended == Ended::Starts,
                Outcome::LoadsAndCuts { part, cut } => {
                    loaded.ended == Ended::Starts && loaded.sizes[*part] == Some(cut.at)
                }
                // Some damage trips an assertion rather than the code that reports damage.
                Outcome::Refuses { reason: Reason::RdbDamage { .. } | Reason::RdbUnsupported { .. }, .. } => {
                    matches!(loaded.ended, Ended::Exits(_) | Ended::Killed(_) | Ended::Hangs)
                }
                Outcome::Refuses { .. } => loaded.ended == Ended::Exits(1),
                // What a server finds behind the last argument depends on what was in that memory before.
                Outcome::Crashes { cause: Crash::TooFewArguments, .. } | Outcome::Stops { .. } | Outcome::Ignores => {
                    true
                }
                Outcome::Crashes { .. } => matches!(loaded.ended, Ended::Killed(_) | Ended::Hangs),
            };
            if !agrees {
                differences.push(told);
            }
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

/// A crash may end in a crash handler that hangs: seconds each, and nothing more to learn than from the others.
fn hangs(path: &Path, server: Server) -> bool {
    matches!(report(path, server).server.outcome, Outcome::Crashes { .. }) && server == Server::Redis80
}
