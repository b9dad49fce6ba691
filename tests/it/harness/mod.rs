//! Shared by the tests: the program, real servers, files, and random numbers that are the same in every run.
//!
//! # Servers
//!
//! Tests marked `#[server_test]` need real servers: `scripts/provision-servers DIR` unpacks them, and
//! `AOFKIT_SERVERS=DIR` names them. Where the tests are compiled without that variable, libtest reports these tests as
//! ignored. With it, or with `AOFKIT_REQUIRE_SERVERS`, they run, and a server that is missing makes its tests fail. The
//! decision is made when the tests are compiled because libtest cannot ignore a test that is already running; cargo
//! compiles them again when the variables change.
//!
//! Tests marked `#[isolated_test]` run in a process of their own, because others would disturb them.
//!
//! # Settings
//!
//! | variable | meaning |
//! |---|---|
//! | `AOFKIT_SERVERS=DIR` | the folder of the servers: `DIR/redis-8.6/bin/redis-server`, … |
//! | `AOFKIT_REQUIRE_SERVERS=1` | fail where a server is missing, `AOFKIT_SERVERS` included |
//! | `AOFKIT_PROGRAMS=N` | random programs, logs or values for each server, instead of the test's default |
//! | `AOFKIT_SEED=N` | the first seed of those, instead of the test's default |
//! | `AOFKIT_WITHOUT="NAME …"` | commands that random programs leave out |
//! | `AOFKIT_NUMBERS=all` | compare every number in every place, not one in five |
//! | `AOFKIT_KEEP=DIR` | keep two rewritten logs that differ, as `DIR/ours` and `DIR/expected` |
//! | `AOFKIT_UPDATE=1` | write the expectations in `testdata/*.expected.json` from what the servers do |
//!
//! For example, one hundred random programs on Redis 8.6:
//!
//! ```text
//! AOFKIT_SERVERS=DIR AOFKIT_PROGRAMS=100 cargo test replay_servers::redis_8_6
//! ```

pub(crate) mod disk;
pub(crate) mod faulty;
pub(crate) mod files;
pub(crate) mod load;
pub(crate) mod program;
pub(crate) mod server;
mod server_log;
pub(crate) mod servers;
pub(crate) mod terminal;

// These are shared with the unit tests.
#[path = "../../../src/testing/damage.rs"]
pub(crate) mod damage;
#[path = "../../../src/testing/log.rs"]
pub(crate) mod log;
#[path = "../../../src/testing/random.rs"]
pub(crate) mod random;

use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use aofkit::resp::write_command;

pub(crate) use random::Random;
pub(crate) use server::{RealServer, Reply};

// Cargo does not track the variables that the macro `server_test` reads, so they are read here as well.
const _: [Option<&str>; 2] = [option_env!("AOFKIT_SERVERS"), option_env!("AOFKIT_REQUIRE_SERVERS")];

/// The number in an environment variable.
pub(crate) fn setting(variable: &str, default: u64) -> u64 {
    match std::env::var(variable) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{variable} is not a number: {text}")),
        Err(_) => default,
    }
}

/// The seeds of as many random programs as `AOFKIT_PROGRAMS` says.
pub(crate) fn seeds(default: u64) -> impl Iterator<Item = u64> {
    let first = setting("AOFKIT_SEED", 1);
    first..first + setting("AOFKIT_PROGRAMS", default)
}

/// Calls `work` with every item and its index, on two threads, and returns the results in the order of the items.
pub(crate) fn on_two_threads<T: Sync, R: Send>(items: &[T], work: impl Fn(usize, &T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(item) = items.get(index) else { break };
                    let result = work(index, item);
                    results.lock().unwrap().push((index, result));
                }
            });
        }
    });
    let mut results = results.into_inner().unwrap();
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}

/// Runs a test in a process of its own, by running this program with only that test.
pub(crate) fn isolated(module: &str, name: &str, test: impl FnOnce()) {
    const VARIABLE: &str = "AOFKIT_TEST_IS_ISOLATED";
    if std::env::var_os(VARIABLE).is_some() {
        return test();
    }
    let name = format!("{}::{name}", module.split_once("::").unwrap().1);
    let mut command = Command::new(std::env::current_exe().unwrap());
    let output = command.args(["--exact", &name]).env(VARIABLE, "1").output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}{}", String::from_utf8_lossy(&output.stderr));
}

/// Fails with the first few of these differences.
#[track_caller]
pub(crate) fn assert_none(differences: &[String]) {
    let first: Vec<&str> = differences.iter().take(8).map(String::as_str).collect();
    assert!(differences.is_empty(), "{} differences, the first:\n{}", differences.len(), first.join("\n"));
}
