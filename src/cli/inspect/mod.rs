//! `aofkit inspect`: the records and entries of a log, as text, as JSON or as a log again.

mod arguments;
mod follow;
mod show;
mod traverse;

use std::collections::BTreeSet;
use std::io::{IsTerminal, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use anyhow::bail;

use super::console::{Console, hinted, is_of_output};
use super::progress::{Progress, Visibility};
use super::{Outcome, source, time};
use crate::aof::log::{Log, Part, Role};
use crate::check::Finding;
use crate::escape::{Argument, shell_word};
use crate::input::{Container, is_stdin};
use crate::rdb;
use crate::report::file_name::FileName;
use crate::report::inspect::finding;
use crate::report::inspect::{
    Announced, Heading, Json, Lengths, Payloads, Pipeline, Printer, Resp, Text, write_json_count, write_json_header,
};
use crate::report::number::counted;
use crate::report::style::Style;
use crate::select::{Selection, StreamState, Walk};
use arguments::Format;
pub use arguments::Inspect;
use follow::Follower;
use show::{Count, Counted, Show, Tally};
use traverse::{Checkpoint, Growth, Traversal};

/// What is done, once the arguments are understood.
pub struct Settings {
    /// The logs, in their order.
    pub paths: Vec<PathBuf>,
    /// How records are written.
    format: Format,
    /// How much of what is long is shown, in text.
    lengths: Lengths,
    /// Whether the payloads of RESTORE are decoded.
    payloads: Payloads,
    selection: Selection,
    /// The names of the parts to read; all if there are none.
    parts: Vec<Vec<u8>>,
    rdb: Rdb,
    limit: Option<u64>,
    tail: Option<u64>,
    purpose: Purpose,
}

/// Whether the entries of an RDB are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rdb {
    Shown,
    Skipped,
}

/// What becomes of the records that are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Show,
    Count,
    Follow,
}

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
    let parts = chosen(settings, &log)?;
    settings.refuse_what_cannot_be(path, &parts)?;
    let mut findings: Vec<Finding> = finding::of_manifest(&log).into_iter().collect();
    // Where rows appear, a bar would only be in their way.
    let silent =
        settings.purpose == Purpose::Follow || (std::io::stdout().is_terminal() && settings.purpose == Purpose::Show);
    let visibility = if silent { Visibility::Hidden } else { console.progress };
    let progress = Progress::new(visibility, settings.bytes_to_read(&parts), "reading");
    let traversal = Traversal {
        log: &log.path,
        selection: &settings.selection,
        rdb: settings.rdb,
        parts: &parts,
        progress: &progress,
        growth: if settings.purpose == Purpose::Follow { Growth::Expected } else { Growth::None },
    };
    if settings.purpose == Purpose::Count {
        let mut count = Count::default();
        let end = traversal.run(Checkpoint::start(), &mut count)?;
        let counted = Tally::new(settings.limit, 0).shown_of(count.matched, settings.tail);
        match settings.paths.len() {
            _ if settings.format == Format::Json => write_json_count(&mut console.out, path, counted)?,
            1 => writeln!(console.out, "{counted}")?,
            _ => writeln!(console.out, "{}:{counted}", Argument(path.as_os_str().as_bytes()))?,
        }
        findings.extend(end.findings);
        return Ok(report(&log, path, &findings, console));
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
        write_json_header(&mut console.out, path)?;
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
            end.findings.extend(Follower::new(&log, settings, position)?.run(&mut show, &mut console.stderr)?);
            show.flush()?;
        }
        end
    };
    findings.extend(end.findings);
    hint_at_unknown_commands(settings, console);
    Ok(report(&log, path, &findings, console))
}

impl Settings {
    /// How many bytes there are on the way.
    fn bytes_to_read(&self, parts: &[&Part]) -> u64 {
        let length = |part: &&Part| part.open().map_or(0, |input| input.bytes().len() as u64);
        let once: u64 = parts.iter().map(length).sum();
        if self.tail.is_some() && self.purpose == Purpose::Show { once.saturating_mul(2) } else { once }
    }

    fn printer<'w>(&self, out: &'w mut dyn Write, style: Style) -> Box<dyn Printer + 'w> {
        match self.format {
            Format::Text => Box::new(Text::new(out, style, self.lengths, self.payloads)),
            Format::Json if source::cores().get() > 1 => Box::new(Pipeline::new(out, self.payloads)),
            Format::Json => Box::new(Json::new(out, self.payloads)),
            Format::Resp => Box::new(Resp::new(out)),
        }
    }

    /// How a part is announced.
    fn heading<'p>(&self, path: &'p Path, part: &'p Part, parts: usize, length: u64) -> Heading<'p> {
        let several = self.paths.len() > 1;
        Heading {
            log: several.then(|| path.as_os_str().as_bytes()),
            name: part.file_name(),
            role: (part.role != Role::Single).then(|| part.role.name()),
            length,
            announced: if several || parts > 1 { Announced::Yes } else { Announced::No },
        }
    }

    /// Says no before anything is written.
    fn refuse_what_cannot_be(&self, path: &Path, parts: &[&Part]) -> anyhow::Result<()> {
        if parts.len() > 1 && (self.selection.from.is_some() || self.selection.to.is_some()) {
            let names: Vec<_> = parts.iter().map(|part| Argument(part.file_name()).to_string()).collect();
            return Err(hinted(
                format!(
                    "{}: --from and --to are offsets in one file, and this log has {} parts",
                    FileName(path),
                    parts.len()
                ),
                format!("choose one with --part: {}", names.join(", ")),
            ));
        }
        self.refuse_offsets_beyond_the_end(parts)?;
        self.refuse_log_without_times(path, parts)?;
        if let ([part], Purpose::Follow) = (parts, self.purpose)
            && part.open()?.container() != Container::Plain
        {
            bail!("{}: a compressed file cannot be followed", FileName(path));
        }
        if self.format != Format::Resp || self.rdb == Rdb::Skipped || self.purpose == Purpose::Count {
            return Ok(());
        }
        for part in parts {
            let input = part.open()?;
            if rdb::is_rdb(input.bytes()) && !self.selection.excludes_rdb(source::rdb_end(input.bytes())) {
                return Err(hinted(
                    format!(
                        "{}: begins with an RDB, whose entries --format resp cannot write as commands",
                        FileName(&part.path)
                    ),
                    "--skip-rdb writes the commands after it alone, and --format json shows the entries".to_owned(),
                ));
            }
        }
        Ok(())
    }
}

impl Settings {
    /// `--from` beyond the end would mean nothing, and `--to` everything.
    fn refuse_offsets_beyond_the_end(&self, parts: &[&Part]) -> anyhow::Result<()> {
        let ([part], true) = (parts, self.purpose != Purpose::Follow) else { return Ok(()) };
        for (option, offset) in [("--from", self.selection.from), ("--to", self.selection.to)] {
            let Some(offset) = offset else { continue };
            let length = part.open()?.bytes().len() as u64;
            if offset > length {
                let length = counted(length, "byte");
                bail!("{}: {option} {offset} is beyond the end of the file, which has {length}", FileName(&part.path));
            }
        }
        Ok(())
    }

    /// `--since` would mean nothing of a log without times, and `--until` all of it. One that is followed may get some.
    fn refuse_log_without_times(&self, path: &Path, parts: &[&Part]) -> anyhow::Result<()> {
        let option = match (self.selection.since, self.selection.until) {
            (Some(_), _) => "--since",
            (None, Some(_)) => "--until",
            (None, None) => return Ok(()),
        };
        if self.purpose == Purpose::Follow {
            return Ok(());
        }
        let mut records = 0;
        for part in parts {
            let input = part.open()?;
            let bytes = input.bytes();
            let start =
                usize::try_from(if rdb::is_rdb(bytes) { source::rdb_end(bytes) } else { 0 }).unwrap_or(usize::MAX);
            let mut walk = Walk::part(bytes, start, StreamState::default());
            while let Some(step) = walk.next_step() {
                match step {
                    Ok(step) if step.place.time.is_some() => return Ok(()),
                    Ok(_) => records += 1,
                    // What follows the damage is not known; the damage is reported.
                    Err(_) => return Ok(()),
                }
            }
        }
        // Nothing can be misunderstood of a log without records.
        if records == 0 { Ok(()) } else { Err(time::log_without_times(path, option, "--from and --to")) }
    }
}

fn chosen<'l>(settings: &Settings, log: &'l Log) -> anyhow::Result<Vec<&'l Part>> {
    if settings.parts.is_empty() {
        return Ok(log.parts.iter().collect());
    }
    let all = || log.parts.iter().chain(&log.history);
    for name in &settings.parts {
        if !all().any(|part| part.file_name() == name) {
            let names: Vec<_> = all().map(|part| Argument(part.file_name()).to_string()).collect();
            let message = format!("{}: no part is named {}", FileName(&log.path), Argument(name));
            return Err(hinted(message, format!("the parts are {}", names.join(", "))));
        }
    }
    Ok(all().filter(|part| settings.parts.iter().any(|name| name == part.file_name())).collect())
}

/// Says each finding, and what can be done about them.
fn report(log: &Log, path: &Path, findings: &[Finding], console: &mut Console) -> Outcome {
    if findings.is_empty() {
        return Outcome::Sound;
    }
    for finding in findings {
        console.error(&finding::line(finding));
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
