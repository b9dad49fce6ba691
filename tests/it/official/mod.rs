//! The model of the official checkers, and the drop-in, against the real tools on the same files.

mod cases;
mod drop_in;
mod runs;

use aofkit::Server;
use aofkit::check::official::{Cut, FileKind, Resume, check_resp, cut_to_timestamp, file_kind};

use crate::harness::{Random, assert_none, on_two_threads};

use cases::Case;
use runs::{Outcome, Tool, drop_in, masked};

/// Runs `check` on every case and fails with the first few differences.
fn compare(cases: &[Case], check: impl Fn(usize, &Case) -> Vec<String> + Sync) {
    assert_none(&on_two_threads(cases, check).concat());
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

#[server_test]
fn the_model_says_what_every_real_tool_says_of_a_single_file() {
    let tools = Tool::all();
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

#[server_test]
fn the_model_cuts_at_timestamps_where_the_real_tools_do() {
    let tools = Tool::all();
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

#[server_test]
fn the_drop_in_does_what_the_real_tools_do() {
    let tools = Tool::imitated();
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

#[server_test]
fn for_a_length_beyond_memory_the_real_tools_print_one_more_line() {
    let tools = Tool::imitated();
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
