//! Prints what the official checker and a server make of a log, then every finding; exits with 1 if the log is damaged.
//!
//!     cargo run --example check -- appendonlydir

use std::error::Error;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use aofkit::aof::log::Log;
use aofkit::check::{Settings, check};

/// Writes both verdicts and the findings, and returns whether the log is sound.
pub(crate) fn run(path: &Path, out: &mut impl Write) -> Result<bool, Box<dyn Error>> {
    // A file, a manifest or a directory.
    let log = Log::open(path)?;
    let report = check(&log, Settings::default())?;
    let checker = if report.checker.valid { "valid" } else { "not valid" };
    let server = if report.server.outcome.starts() { "starts" } else { "does not start" };
    writeln!(out, "{}: {checker}", report.checker.tool())?;
    writeln!(out, "{}: {server}", report.chosen.server())?;
    for finding in &report.findings {
        write!(out, "{}: {}", finding.severity.name(), finding.code.name())?;
        if let Some(offset) = finding.offset {
            write!(out, " at byte {offset} of {}", finding.file.display())?;
        }
        writeln!(out, ": {}", finding.message)?;
    }
    Ok(report.is_sound())
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let path = std::env::args_os().nth(1).ok_or("usage: check LOG")?;
    let is_sound = run(Path::new(&path), &mut io::stdout())?;
    Ok(if is_sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
