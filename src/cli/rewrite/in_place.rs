//! `aofkit rewrite --in-place`: writes and checks the new log, shows the change, asks, and replaces the old log.

use std::io::Write;
use std::path::Path;

use anyhow::anyhow;

use super::arguments::Destination;
use super::{Job, filling};
use crate::aof::log::Log;
use crate::check::server::{Outcome as Verdict, Reason};
use crate::check::{self, Report as Checked};
use crate::cli::console::Console;
use crate::cli::copies;
use crate::cli::exit_codes::Outcome;
use crate::cli::format::Format;
use crate::cli::prompt::{Answer, Consent};
use crate::cli::source;
use crate::escape::{shell_word, visible};
use crate::report::file_name::FileName;
use crate::report::rewrite::{Report, RewriteOutcome};
use crate::report::style::Style;
use crate::rewrite::in_place::{Prepared, Reading, prepare};
use crate::storage::{FileSystem, Watch};
use crate::{Error, ErrorKind, Server};

/// Replaces the log, or says why not.
pub(super) fn run(job: &Job<'_, '_>, watch: Watch, console: &mut Console) -> anyhow::Result<Outcome> {
    let Destination::InPlace(consent, _) = job.settings.destination else { return Ok(Outcome::CannotSay) };
    let summary = &job.replayed.summary;
    // Records that were appended meanwhile follow what is in the last part.
    let inputs = &job.opened.inputs;
    let is_last = summary.stopped.part + 1 == inputs.len();
    let end =
        if is_last { summary.stopped.offset } else { inputs.last().map_or(0, |input| input.bytes().len() as u64) };
    let reading = Reading { inputs, end, database: summary.database };
    let shown = &*console;
    let fill = filling(|out| job.fill(shown, out));
    let log = &job.opened.log;
    let (prepared, written) = prepare(&mut FileSystem, (log, reading), watch, job.base, fill)?;
    let report = job.examine(&prepared, &written);
    let agreed = report.and_then(|mut report| {
        let agreed = agree(job, consent, &mut report, console)?;
        Ok((report, agreed))
    });
    let (mut report, agreed) = match agreed {
        Ok(done) => done,
        Err(error) => {
            prepared.discard(&mut FileSystem);
            return Err(error);
        }
    };
    let outcome = if agreed {
        let replaced = prepared.commit(&mut FileSystem).map_err(copies::with_hint)?;
        report.copies = vec![FileName(replaced.kept.directory)];
        report.grown = replaced.grown;
        let word = shell_word(&job.settings.path);
        report.replaced(["undo", "discard-copies"].map(|option| format!("aofkit rewrite --{option} {word}")));
        Outcome::Sound
    } else {
        prepared.discard(&mut FileSystem);
        if consent == Consent::Never { Outcome::Sound } else { Outcome::Unsound }
    };
    match job.settings.format {
        Format::Text => report.write_message(&mut console.out)?,
        Format::Json => report.write_json(&mut console.out)?,
    }
    Ok(outcome)
}

/// Shows what would be done, and asks.
fn agree(job: &Job<'_, '_>, consent: Consent, report: &mut Report, console: &mut Console) -> anyhow::Result<bool> {
    // A person sees the plan before the question; a program gets the plan with the outcome.
    match job.settings.format {
        Format::Text => report.write_text(&mut console.out, console.style)?,
        Format::Json if consent == Consent::Ask => report.write_text(&mut console.stderr, Style::PLAIN)?,
        Format::Json => {}
    }
    if let Some(note) = report.growth() {
        console.say(&format!("note: {note}"));
    }
    console.out.flush()?;
    let answer = consent.decide(&report.question(), &mut console.stderr)?;
    match (consent, answer) {
        (_, Answer::Yes) => return Ok(true),
        (Consent::Never, _) => report.unchanged(RewriteOutcome::Planned, " (--dry-run)"),
        (Consent::NobodyThere, _) => {
            let why = "\nhint: there is no terminal to ask on; --yes replaces the log without a question";
            report.unchanged(RewriteOutcome::Declined, why);
        }
        _ => report.unchanged(RewriteOutcome::Declined, ""),
    }
    Ok(false)
}

impl Job<'_, '_> {
    /// Reads the new log back, and runs the model of each server on it.
    fn examine(&self, prepared: &Prepared<'_>, written: &crate::rewrite::Written) -> anyhow::Result<Report> {
        let path = prepared.path();
        let verified = self.verify(&path, written.lost)?;
        let mut report = self.report(written, &self.settings.path, Some(verified));
        let server = self.server();
        for other in Server::ALL {
            let checked = self.check(&path, other)?;
            let loads = checked.server.outcome == Verdict::Loads && !self.is_ignored_by(other);
            if loads {
                report.loaded_by.push(other.name());
            } else if other == server && !self.is_kept(&checked.server.outcome) {
                return Err(anyhow!(self.refusal(&checked)));
            }
        }
        report.server = Some(server.name());
        report.copies = vec![FileName(prepared.kept_directory())];
        Ok(report)
    }

    fn check(&self, path: &Path, server: Server) -> crate::Result<Checked> {
        let settings = check::Settings {
            server: server.into(),
            threads: self.settings.replay.threads,
            ..check::Settings::default()
        };
        check::check(&Log::open_by(source::mapped(), path)?, settings)
    }

    /// Whether the server reads no directories.
    fn is_ignored_by(&self, server: Server) -> bool {
        !server.loads_manifests() && self.opened.log.as_multi_part().is_some()
    }

    /// Whether a server refuses nothing but a command of a module that was kept: the one that wrote the log has the
    /// module.
    fn is_kept(&self, outcome: &Verdict) -> bool {
        let Verdict::Refuses { reason: Reason::UnknownCommand(words) | Reason::UnknownSubcommand(words), .. } = outcome
        else {
            return false;
        };
        self.replayed.summary.unknown.contains_key(&words.word(0).to_ascii_uppercase())
    }

    /// The server that must load the new log.
    fn server(&self) -> Server {
        self.target.checked_for()
    }

    /// The error that its server does not load the new log.
    fn refusal(&self, checked: &Checked) -> Error {
        let (path, server) = (&self.settings.path, checked.server.server);
        let lines = checked.server.log_lines(path.to_string_lossy().as_ref());
        let line =
            lines.first().map(|line| format!(": {}", visible(&String::from_utf8_lossy(line)))).unwrap_or_default();
        let why = if self.is_ignored_by(server) { ": it reads no directories".to_owned() } else { line };
        let text = format!("{server} would not load the new log{why}; nothing was changed");
        Error::new(path, ErrorKind::Refused(text))
    }
}
