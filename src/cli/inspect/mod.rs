//! `aofkit inspect`: the records and entries of a log, as text, as JSON or as a log again.

mod arguments;
mod follow;
mod settings;
mod show;

use std::collections::BTreeSet;
use std::io::{IsTerminal, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use anyhow::bail;

use super::console::{Console, is_of_output};
use super::exit_codes::Outcome;
use super::progress::{Bar, Visibility};
use super::skip_damage::{self, Skipped};
use super::source;
use crate::aof::log::Log;
use crate::check::{Code, Finding};
use crate::escape::{Argument, shell_word};
use crate::input::is_stdin;
use crate::report::file_name::FileName;
use crate::report::inspect::{finding_line, write_json_count, write_json_header};
use crate::select::{Checkpoint, Follower, Growth, Traversal, manifest_finding};
pub use arguments::Inspect;
use settings::{Format, Purpose, Settings};
use show::{Count, Counted, Show, Tally};

/// Inspects every log in turn.
pub fn run(typed: Inspect, console: &mut Console) -> anyhow::Result<Outcome> {
    let settings = typed.resolve(console)?;
    let mut outcome = Outcome::Sound;
    for path in &settings.paths {
        match inspect(&settings, path, console) {
            Ok(this) => outcome = outcome.max(this),
            Err(error) if is_of_output(&error) => return Err(error),
            Err(error) => {
                console.failure(&error);
                outcome = Outcome::CannotSay;
            }
        }
    }
    Ok(outcome)
}

fn inspect(settings: &Settings, path: &Path, console: &mut Console) -> anyhow::Result<Outcome> {
    if settings.purpose == Purpose::Follow
        && std::fs::metadata(path).is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir())
    {
        bail!("{}: only a regular file or a directory can be followed", FileName(path));
    }
    let log = if settings.purpose == Purpose::Follow { source::open(path)? } else { source::open_held(path)? };
    let parts = settings.parts_of(&log)?;
    settings.refuse_what_cannot_be(path, &parts)?;
    let mut skipped = Skipped::default();
    if settings.skip_damage {
        for part in &parts {
            skipped.add(part, part.open()?.bytes());
        }
    }
    let gaps = skipped.report((parts.len(), 0), &parts, console);
    let outcome = if gaps.is_empty() { Outcome::Sound } else { Outcome::Unsound };
    let mut findings: Vec<Finding> = manifest_finding(&log).into_iter().collect();
    // Where rows appear, a bar would only be in their way.
    let silent =
        settings.purpose == Purpose::Follow || (std::io::stdout().is_terminal() && settings.purpose == Purpose::Show);
    let visibility = if silent { Visibility::Hidden } else { console.progress };
    let bar = Bar::new(visibility, settings.bytes_to_read(&parts), "reading");
    let traversal = Traversal {
        log: &log.path,
        selection: &settings.selection,
        rdb: settings.rdb,
        parts: &parts,
        edited: &skipped.edited,
        progress: bar.progress(),
        growth: if settings.purpose == Purpose::Follow { Growth::Expected } else { Growth::None },
    };
    if settings.purpose == Purpose::Count {
        let mut count = Count::default();
        let end = traversal.run(Checkpoint::start(), &mut count)?;
        let counted = Tally::new(settings.limit, 0).shown_of(count.matched, settings.tail);
        match settings.paths.len() {
            _ if settings.format == Format::Json => write_json_count(&mut console.out, path, counted, gaps)?,
            1 => writeln!(console.out, "{counted}")?,
            _ => writeln!(console.out, "{}:{counted}", Argument(path.as_os_str().as_bytes()))?,
        }
        findings.extend(end.findings);
        return Ok(report(&log, path, &findings, console).max(outcome));
    }
    let mut counting_found = None;
    let (checkpoint, tally) = match settings.tail {
        None => (Checkpoint::start(), Tally::new(settings.limit, 0)),
        Some(tail) => {
            let mut counted = Counted::new(tail, settings.limit);
            counting_found = Some(traversal.run(Checkpoint::start(), &mut counted)?.findings);
            counted.into_start()
        }
    };
    if settings.format == Format::Json {
        write_json_header(&mut console.out, path, gaps)?;
    }
    let end = {
        let mut printer = settings.printer(&mut console.out, console.style);
        let mut show = Show::new(printer.as_mut(), tally, settings, &parts, path);
        let mut end = traversal.run(checkpoint, &mut show)?;
        show.flush()?;
        // Counting saw all of it; the second time begins where the tail does.
        if let Some(found) = counting_found {
            end.findings = found;
        }
        if let (Purpose::Follow, Some(position), false) = (settings.purpose, end.position.take(), show.is_full()) {
            let (selection, parts) = (&settings.selection, (parts.as_slice(), settings.parts.as_slice()));
            let follower = Follower::new(source::mapped(), &log, parts, selection, position)?;
            end.findings.extend(follow::follow(follower, &mut show)?);
            show.flush()?;
        }
        end
    };
    findings.extend(end.findings);
    if settings.skip_damage && stops_at_rdb(&findings) {
        console.say(skip_damage::NOT_RDB);
    }
    hint_at_unknown_commands(settings, console);
    Ok(report(&log, path, &findings, console).max(outcome))
}

/// Whether reading stopped at a damaged RDB.
fn stops_at_rdb(findings: &[Finding]) -> bool {
    findings.iter().any(|finding| matches!(finding.code, Code::RdbDamage | Code::RdbChecksum | Code::RdbUnknown))
}

/// Says each finding, and what can be done about them.
fn report(log: &Log, path: &Path, findings: &[Finding], console: &mut Console) -> Outcome {
    if findings.is_empty() {
        return Outcome::Sound;
    }
    for finding in findings {
        console.error(&finding_line(finding));
    }
    if is_stdin(path) {
        return Outcome::Unsound;
    }
    console.hint(&format!("for details, and what a server would do, run: aofkit check {}", shell_word(&log.path)));
    for advice in findings.iter().map(|finding| &finding.advice).collect::<BTreeSet<_>>() {
        console.hint(advice);
    }
    Outcome::Unsound
}

/// A name that no server has may be a slip of the finger, or a module's.
fn hint_at_unknown_commands(settings: &Settings, console: &mut Console) {
    for name in settings.selection.commands.iter().filter(|name| !name.is_known()) {
        let name = Argument(&name.name);
        console.say(&format!("note: {name} is not a command of Redis or Valkey: of a module, or misspelled"));
    }
}
