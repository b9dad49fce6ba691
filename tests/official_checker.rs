//! The model of the official checkers, and the drop-in, against the real tools on the same files.
//!
//! `AOFKIT_SERVERS` names a folder of unpacked servers (`redis-7.0/bin/redis-check-aof`, …).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "helpers of tests fail as tests do"
)]

#[path = "official/cases.rs"]
mod cases;
#[path = "common/random.rs"]
mod random;
#[path = "official/runs.rs"]
mod runs;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use aofkit::Server;
use aofkit::check::official::{Cut, FileKind, Resume, check_resp, cut_to_timestamp, file_kind};

use cases::Case;
use random::Random;
use runs::{Outcome, Real, drop_in, folder, masked};

/// Runs `check` on every case, on two threads, and fails with the first few differences.
fn compare(cases: &[Case], check: impl Fn(usize, &Case) -> Vec<String> + Sync) {
    let next = AtomicUsize::new(0);
    let differences = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(case) = cases.get(index) else { break };
                    let found = check(index, case);
                    differences.lock().unwrap().extend(found);
                }
            });
        }
    });
    let differences = differences.into_inner().unwrap();
    let shown = differences.iter().take(8).cloned().collect::<Vec<_>>().join("\n");
    assert!(differences.is_empty(), "{} differences:\n{shown}", differences.len());
}

fn difference(case: &Case, what: &str, real: &Outcome, ours: &Outcome) -> Vec<String> {
    if real == ours {
        return Vec::new();
    }
    vec![format!("== {} ({what})\n{case}\n-- real\n{real}\n-- ours\n{ours}", case.name)]
}

/// What the model says the tool of `server` prints about a single RESP file, and its exit code.
fn modelled(server: Server, name: &str, bytes: &[u8]) -> (Vec<u8>, i32) {
    let verdict = check_resp(bytes, Resume::default(), server);
    let mut out = Vec::new();
    let is_62 = server == Server::Redis62;
    if !is_62 {
        out.extend_from_slice(b"Start checking Old-Style AOF\n");
    }
    for line in verdict.lines(server, name.as_bytes(), name.as_bytes()) {
        out.extend_from_slice(&line);
        out.push(b'\n');
    }
    let name = if is_62 { String::new() } else { format!(" {name}") };
    let end = if verdict.valid() {
        format!("AOF{name} is valid\n")
    } else {
        format!("AOF{name} is not valid. Use the --fix option to try fixing it.\n")
    };
    out.extend_from_slice(end.as_bytes());
    (out, i32::from(!verdict.valid()))
}

#[test]
fn the_model_says_what_every_real_tool_says_of_a_single_file() {
    let Some(folder) = folder() else { return };
    let tools = Real::all(&folder);
    let mut logs = cases::odd_logs();
    logs.extend(cases::damaged_logs(&mut Random(1), 160));
    logs.retain(|case| !case.target_bytes().is_empty());
    compare(&logs, |index, case| {
        let bytes = case.target_bytes();
        let mut found = Vec::new();
        for tool in case.turns(index, &tools, 2) {
            if file_kind(bytes, tool.server) != FileKind::Resp
                || (tool.server == Server::Redis62 && bytes.starts_with(b"REDIS"))
            {
                continue;
            }
            let verdict = check_resp(bytes, Resume::default(), tool.server);
            let real = tool.run(case);
            if let Some(crash) = verdict.crash {
                if real.code >= 0 {
                    found.push(format!("== {} ({}): {crash:?} did not crash it", case.name, tool.server));
                }
                continue;
            }
            if real.code < 0 && tool.server == Server::Redis62 {
                // It has no more memory than the machine: what is too long depends.
                continue;
            }
            let (stdout, code) = modelled(tool.server, &case.target, bytes);
            let leftovers = verdict.complaint.is_some_and(|complaint| complaint.has_leftovers());
            let mask = |text: &[u8]| if leftovers { masked(text) } else { text.to_vec() };
            let real = Outcome { stdout: mask(&real.stdout), ..real };
            let ours = Outcome { stdout: mask(&stdout), code, files: real.files.clone() };
            found.extend(difference(case, tool.server.name(), &real, &ours));
        }
        found
    });
}

#[test]
fn the_model_cuts_at_timestamps_where_the_real_tools_do() {
    let Some(folder) = folder() else { return };
    let tools = Real::all(&folder);
    compare(&cases::timestamped_logs(&mut Random(2), 60), |_, case| {
        let bytes = case.target_bytes();
        let timestamp = case.options[1].parse().unwrap();
        let mut found = Vec::new();
        for tool in tools.iter().filter(|tool| tool.server != Server::Redis62) {
            let real = tool.run(case);
            let left = real.file(&case.target).len() as u64;
            let said = String::from_utf8_lossy(&real.stdout).into_owned();
            let right = match cut_to_timestamp(bytes, Resume::default(), tool.server, timestamp) {
                Cut::Later { offset: 0, .. } => said.contains("has nothing before timestamp"),
                Cut::Later { offset, .. } => said.contains("Successfully truncated") && left == offset,
                Cut::Invalid { .. } => said.contains("Invalid timestamp annotation"),
                Cut::Nothing(verdict) if verdict.valid() => said.contains("Truncate nothing"),
                Cut::Nothing(verdict) => said.contains(&format!("ok_up_to={},", verdict.ok_up_to)),
            };
            if !right {
                found.push(format!("== {} ({})\n{case}\n-- real\n{real}", case.name, tool.server));
            }
        }
        found
    });
}

#[test]
fn the_drop_in_does_what_the_real_tools_do() {
    let Some(folder) = folder() else { return };
    let tools = Real::imitated(&folder);
    let mut cases: Vec<Case> = cases::odd_logs().iter().map(Case::fixing).collect();
    cases.extend(cases::damaged_logs(&mut Random(3), 150));
    cases.extend(cases::damaged_logs(&mut Random(4), 150).iter().map(Case::fixing));
    cases.extend(cases::timestamped_logs(&mut Random(5), 40));
    cases.extend(cases::preambles(&mut Random(6), 40));
    let parts = cases::multi_part(&mut Random(7), 60);
    cases.extend(parts.iter().filter(|case| case.options.is_empty()).map(Case::fixing));
    cases.extend(parts);
    cases.extend(cases::command_lines());
    compare(&cases, |index, case| {
        let mut found = Vec::new();
        for tool in case.turns(index, &tools, 1) {
            let real = tool.run(case);
            if real.code < 0 {
                // A crash; the drop-in has a verdict instead.
                continue;
            }
            let ours = drop_in(tool.name(), case).without_copies();
            let mask = |outcome: Outcome| Outcome { stdout: masked(&outcome.stdout), ..outcome };
            found.extend(difference(case, tool.server.name(), &mask(real), &mask(ours)));
        }
        found
    });
}

#[test]
fn for_a_length_beyond_memory_the_real_tools_print_one_more_line() {
    let Some(folder) = folder() else { return };
    let tools = Real::imitated(&folder);
    compare(&cases::lengths_beyond_memory(), |_, case| {
        let mut found = Vec::new();
        for tool in &tools {
            let mut real = tool.run(case);
            let lines: Vec<_> = real.stdout.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
            let said = |line: &&Vec<u8>| line.windows(17).any(|words| words == b"failed allocating");
            if lines.iter().filter(said).count() != 1 {
                found.push(format!("== {} ({})\n-- real\n{real}", case.name, tool.server));
            }
            real.stdout = lines.iter().filter(|line| !said(line)).cloned().collect::<Vec<_>>().join(&b'\n');
            let ours = drop_in(tool.name(), case);
            let mask = |outcome: Outcome| Outcome { stdout: masked(&outcome.stdout), ..outcome };
            found.extend(difference(case, tool.server.name(), &mask(real), &mask(ours)));
        }
        found
    });
}
