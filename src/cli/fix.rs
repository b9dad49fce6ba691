//! `aofkit fix`: cuts off the damaged end of a log and keeps it, or puts it back.

use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::console::Console;
use super::copies::{self, CopiesJob, CopiesTask};
use super::exit_codes::Outcome;
use super::format::Format;
use super::max_loss::MaxLoss;
use super::progress::Bar;
use super::prompt::{Answer, Consent};
use super::server_argument::ServerArgument;
use super::travel::{Destination, TravelArguments};
use super::{signals, source};
use crate::aof::log::{Log, has_snapshot_name, walk_tree};
use crate::aof::producer::ServerChoice;
use crate::check::{self, scan};
use crate::input::is_stdin;
use crate::repair::manifest::{self, Absent, Rebuilt};
use crate::repair::salvage::{self, LogSalvage, plan_salvage};
use crate::repair::{self, Obstacle, Plan, Refusal, Survey, plan};
use crate::report::copies::Doing;
use crate::report::file_name::FileName;
use crate::report::fix::{self, Report, State};
use crate::report::style::Style;
use crate::storage::kept::{Cause, Copies};
use crate::storage::{OpenElsewhere, directory_of};
use crate::{Error, ErrorKind};

/// The arguments as typed.
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "a switch each, resolved before use")]
#[command(after_help = EXAMPLES, after_long_help = format!("{NOTES}\n\n{EXAMPLES}"))]
pub(super) struct Fix {
    /// The log: a file, a manifest, a data directory or its appendonlydir
    #[arg(value_name = "PATH")]
    path: PathBuf,
    /// Show what would be removed, and change nothing
    #[arg(long, short = 'n')]
    dry_run: bool,
    /// Do not ask before the change
    #[arg(long, short = 'y', conflicts_with = "dry_run")]
    yes: bool,
    /// Remove only what is damaged, wherever it is, rather than everything from the first damage on
    #[arg(long, conflicts_with_all = ["undo", "discard_copies"])]
    salvage: bool,
    /// Take records for database N where a SELECT may have been lost
    #[arg(long, value_name = "N", requires = "salvage")]
    assume_db: Option<u32>,
    /// With --yes, stop rather than lose more than N: bytes (64K, 1M), a percentage (5%) or whole records (100r); by
    /// default more than 1 MiB with whole records after the damage
    #[arg(long, value_name = "N")]
    max_loss: Option<MaxLoss>,
    /// Put back what the last fix removed, or the log that the last rewrite replaced
    #[arg(long, conflicts_with_all = ["yes", "discard_copies"])]
    undo: bool,
    /// With --undo, list the changes that can be undone, and change nothing
    #[arg(long, requires = "undo")]
    list: bool,
    /// Remove the copies that were kept of what fixes cut off and rewrites replaced
    #[arg(long, conflicts_with = "yes")]
    discard_copies: bool,
    /// Keep what is removed in DIR, which may be on another disk; --undo and --discard-copies look there as well
    #[arg(long, value_name = "DIR")]
    copy_to: Option<PathBuf>,
    /// Keep nothing of what is removed: the fix cannot be undone
    #[arg(long, conflicts_with_all = ["copy_to", "undo", "discard_copies"])]
    keep_nothing: bool,
    /// Print only what was done, or why nothing could be
    #[arg(long, short)]
    quiet: bool,
    /// Exit with 3 rather than 0 if the log was changed
    #[arg(long)]
    detailed_exit_code: bool,
    /// Change the file even if another process has it open for writing, or if that is unknown
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    travel: TravelArguments,
    #[command(flatten)]
    server: ServerArgument,
    /// Output format
    #[arg(long, short, value_name = "FORMAT", default_value = "text")]
    format: Format,
}

/// What follows the options in the short help.
const EXAMPLES: &str = "\
Examples:
  aofkit fix --dry-run /var/lib/redis   show what would be cut off
  aofkit fix /var/lib/redis             ask, then cut it off
  aofkit fix --yes --quiet DIR          for scripts: do not ask, say little
  aofkit fix --salvage appendonly.aof   remove only what is damaged
  aofkit fix --before FLUSHALL /var/lib/redis
      Go back to just before the last FLUSHALL, and show what it emptied.
  aofkit fix --truncate-to-timestamp 2023-11-14T22:13:20Z /var/lib/redis
      Go back to the data of that time.
  aofkit fix --remove 1508 appendonly.aof
      Remove the command at byte 1508, and keep everything after it.
  aofkit fix --undo appendonly.aof      put back what was removed
  aofkit fix --discard-copies appendonly.aof";

/// What the long help has before the examples.
const NOTES: &str = "\
Only the end of the last part is cut off, where redis-check-aof --fix and a server with aof-load-truncated yes \
truncate: after the last whole record outside an incomplete transaction. What a server loads is never removed, even \
where the official checker calls it invalid. The removed bytes are first written to a directory beside the file, \
NAME.aofkit-kept-N, with a text that says how to restore them. They stay there until --undo or --discard-copies. \
A broken manifest is replaced by one that fits the files, if their names, times and contents leave no doubt. A file \
that another process on the host has open for writing is left alone: the kernel (a file lease) and /proc are asked. \
Where neither can tell, --force is needed.

With --salvage, the records after each damaged place are found again, in any part: whole records stay, and only the \
damaged bytes are removed. A flipped bit in a count or length is corrected, and bytes that were written twice are \
removed once. A transaction that lost a part is removed as a whole. A new file replaces the old one, which is kept. \
Of a damaged RDB, the entries before the damage stay, and those after it from the first that is certain to be whole \
on; a few bytes that were changed, lost or put in are found from its checksum, and nothing is lost then.

--truncate-to-timestamp, --truncate-to-offset and --before end a log where it is whole, in any part: that part is \
cut, and the manifest no longer names later ones. A log ends between records and outside transactions, never inside \
an RDB. Damage after that place goes too; before it, --salvage comes first. --remove takes single records out: the \
offset of a MULTI or an EXEC takes out the whole transaction. With --before, keys must be as in the log, and \
everything else may be in any letter case; words are quoted as in redis-cli. The plan says what the command did, and \
what FLUSHALL and FLUSHDB emptied. aofkit inspect shows the offsets of records.";

/// The arguments as resolved.
struct Settings {
    path: PathBuf,
    server: ServerChoice,
    consent: Consent,
    open_elsewhere: OpenElsewhere,
    method: Method,
    destination: Option<Destination>,
    max_loss: Option<MaxLoss>,
    copies: Copies,
    has_detailed_exit_code: bool,
    is_quiet: bool,
    format: Format,
}

/// What is taken out of a damaged log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Method {
    /// Everything from the damage on.
    Cut,
    /// What is damaged.
    Salvage {
        /// The database of records where a SELECT may have been lost, if that is known.
        assumed_database: Option<u32>,
    },
}

/// What is to be done, in either way.
enum Chosen {
    Cut(Plan),
    Salvage(LogSalvage),
    /// The manifest is written; parts stay as they are.
    Manifest(Plan),
    /// The log goes back, or does without records.
    Travel(Plan, Cause),
}

impl Chosen {
    const fn plan(&self) -> &Plan {
        match self {
            Self::Cut(plan) | Self::Manifest(plan) | Self::Travel(plan, _) => plan,
            Self::Salvage(log) => &log.plan,
        }
    }

    const fn cause(&self) -> Cause {
        match self {
            Self::Cut(_) => Cause::Fix,
            Self::Salvage(_) => Cause::Salvage,
            Self::Manifest(_) => Cause::Manifest,
            Self::Travel(_, cause) => *cause,
        }
    }
}

impl Method {
    fn plan(self, survey: &Survey) -> Result<Chosen, Refusal> {
        match self {
            Self::Cut => plan::plan(survey).map(Chosen::Cut),
            Self::Salvage { assumed_database } => {
                let server = survey.report.chosen.server();
                let scan = scan::Options { threads: source::cores(), ..scan::Options::default() };
                plan_salvage(survey, salvage::Options { server, assumed_database, scan }).map(Chosen::Salvage)
            }
        }
    }
}

impl From<&Fix> for Settings {
    fn from(typed: &Fix) -> Self {
        Self {
            path: typed.path.clone(),
            server: typed.server.server,
            consent: Consent::of(typed.dry_run, typed.yes),
            open_elsewhere: if typed.force { OpenElsewhere::Ignore } else { OpenElsewhere::Refuse },
            method: if typed.salvage { Method::Salvage { assumed_database: typed.assume_db } } else { Method::Cut },
            destination: typed.travel.resolve(),
            max_loss: typed.max_loss,
            copies: match &typed.copy_to {
                Some(directory) => Copies::In(directory.clone()),
                None if typed.keep_nothing => Copies::Nothing,
                None => Copies::Beside,
            },
            has_detailed_exit_code: typed.detailed_exit_code,
            is_quiet: typed.quiet,
            format: typed.format,
        }
    }
}

impl Settings {
    fn check<'p>(&self, bar: &'p Bar) -> check::Settings<'p> {
        let (server, threads, progress) = (self.server, source::cores(), bar.progress());
        check::Settings { server, threads, progress, ..check::Settings::default() }
    }

    /// How what was chosen is carried out.
    fn how(&self, chosen: &Chosen) -> repair::Settings {
        let (open_elsewhere, copies, cause) = (self.open_elsewhere, self.copies.clone(), chosen.cause());
        repair::Settings { open_elsewhere, copies, cause }
    }
}

/// Fixes a log, or undoes that.
pub(super) fn run(typed: &Fix, console: &mut Console) -> anyhow::Result<Outcome> {
    let settings = Settings::from(typed);
    let task = match (typed.undo, typed.discard_copies) {
        (true, _) if typed.list => Some(CopiesTask::List),
        (true, _) => Some(CopiesTask::Undo),
        (_, true) => Some(CopiesTask::Discard),
        (false, false) => None,
    };
    if let Some(task) = task {
        let doing = if typed.dry_run { Doing::Shown } else { Doing::Done };
        let Settings { path, open_elsewhere, format, .. } = &settings;
        let elsewhere = typed.copy_to.as_deref();
        let (open_elsewhere, format) = (*open_elsewhere, *format);
        return copies::run(&CopiesJob { path, elsewhere, task, doing, open_elsewhere, format }, console);
    }
    signals::remove_drafts_when_stopped();
    let mut report = Report::new(&settings.path);
    let outcome = fix(&settings, &mut report, console)?;
    match settings.format {
        Format::Text if settings.is_quiet => report.write_outcome(&mut console.out, console.style)?,
        Format::Text => report.write_text(&mut console.out, console.style)?,
        Format::Json => report.write_json(&mut console.out)?,
    }
    Ok(match outcome {
        Outcome::Sound if report.state == State::Fixed && settings.has_detailed_exit_code => Outcome::Changed,
        outcome => outcome,
    })
}

fn survey(log: &Log, settings: &Settings, what: &'static str, console: &Console) -> crate::Result<Survey> {
    let bar = Bar::new(console.progress, source::length(log), what);
    repair::survey(log, settings.check(&bar))
}

/// Whether the directory is one in which a server has not written a log yet; a snapshot may be there.
fn holds_no_log_yet(error: &Error) -> bool {
    match error.kind() {
        ErrorKind::NoManifest => true,
        ErrorKind::LogsWithoutManifest(logs) => logs.iter().all(|log| has_snapshot_name(log)),
        _ => false,
    }
}

/// What can be said of the manifest, if the parts of a log are in the directory, or in one directly below it, but no
/// manifest.
fn missing_manifest(opened: &crate::Result<Log>, path: &Path) -> crate::Result<Option<manifest::Outcome>> {
    let single = match opened {
        Ok(log) if log.as_multi_part().is_none() && path.is_dir() => Some(&log.path),
        Err(error) if matches!(error.kind(), ErrorKind::NoManifest | ErrorKind::LogsWithoutManifest(_)) => None,
        Ok(_) | Err(_) => return Ok(None),
    };
    let Some(directory) = manifest::parts_without_manifest(path) else { return Ok(None) };
    let outcome = manifest::rebuild(&directory, Absent::Doubt)?;
    // A file of another log is fixed for what it is.
    let is_about = |file: &PathBuf| matches!(&outcome, manifest::Outcome::Doubtful(doubt) if doubt.file == *file);
    Ok(single.is_none_or(is_about).then_some(outcome))
}

/// A log below a directory that has none itself: it may be the one that was meant.
fn log_further_down(path: &Path) -> Option<PathBuf> {
    walk_tree(path).ok()?.logs.into_iter().find(|log| !has_snapshot_name(log))
}

fn fix(settings: &Settings, report: &mut Report, console: &mut Console) -> anyhow::Result<Outcome> {
    if is_stdin(&settings.path) {
        report.refused(&Refusal::new(Obstacle::Stream, &settings.path));
        return Ok(Outcome::Unsound);
    }
    let opened = Log::open_by(source::mapped(), &settings.path);
    match missing_manifest(&opened, &settings.path)? {
        Some(manifest::Outcome::Rebuilt(rebuilt)) if settings.destination.is_some() => {
            report.manifest_comes_first(&rebuilt);
            return Ok(Outcome::Unsound);
        }
        Some(manifest::Outcome::Rebuilt(rebuilt)) => {
            return fix_manifest(settings, &rebuilt, None, report, console);
        }
        Some(manifest::Outcome::Doubtful(doubt)) => {
            report.manifest_missing(&doubt);
            return Ok(Outcome::Unsound);
        }
        Some(manifest::Outcome::Sound) | None => {}
    }
    let survey = match opened {
        Err(error) if holds_no_log_yet(&error) => {
            report.nothing_yet(log_further_down(&settings.path).as_deref());
            return Ok(Outcome::Sound);
        }
        opened => survey(&opened?, settings, "checking", console)?,
    };
    report.judged_by(&survey);
    if let Some(destination) = &settings.destination {
        return go_back(settings, destination, survey, report, console);
    }
    let chosen = match settings.method.plan(&survey) {
        Ok(chosen) => chosen,
        Err(refusal) => {
            let absent = if settings.method == Method::Cut { Absent::Doubt } else { Absent::LeaveOut };
            let Some(rebuilt) = rebuilt(&survey, &refusal, absent, report)? else { return Ok(Outcome::Unsound) };
            drop(survey);
            return fix_manifest(settings, &rebuilt, Some(&refusal), report, console);
        }
    };
    let plan = chosen.plan();
    report.note_remaining(&survey, plan);
    let parts = survey.report.parts.iter().zip(&survey.files).zip(&plan.parts);
    let Some(((part, file), change)) = parts.into_iter().find(|(_, change)| !change.is_untouched()) else {
        report.sound(&survey);
        return Ok(Outcome::Sound);
    };
    let question = if let Chosen::Salvage(log) = &chosen {
        report.salvage_planned(&survey, log);
        report.salvage_question()
    } else {
        report.planned(&survey, part, file, change);
        fix::question(change)
    };
    drop(survey);
    ask(settings, &chosen, &question, report, console)
}

/// Takes out whole records that are not wanted.
fn go_back(
    settings: &Settings,
    destination: &Destination,
    survey: Survey,
    report: &mut Report,
    console: &mut Console,
) -> anyhow::Result<Outcome> {
    let planned = match destination.plan(&survey, console)? {
        Ok(planned) => planned,
        Err(refusal) => {
            report.refused(&refusal);
            return Ok(Outcome::Unsound);
        }
    };
    let plan = planned.travel.plan.clone();
    report.note_remaining(&survey, &plan);
    if plan.is_nothing() {
        report.nothing_later(&survey);
        return Ok(if survey.report.is_sound() { Outcome::Sound } else { Outcome::Unsound });
    }
    let travel = planned.report(&survey, console.style);
    let question = travel.question(&FileName(&settings.path));
    report.travel_planned(&survey, &plan, travel);
    drop(survey);
    ask(settings, &Chosen::Travel(plan, destination.cause()), &question, report, console)
}

/// Writes a manifest, and with it what is damaged in the parts that it names, if that is to be salvaged.
fn fix_manifest(
    settings: &Settings,
    rebuilt: &Rebuilt,
    refusal: Option<&Refusal>,
    report: &mut Report,
    console: &mut Console,
) -> anyhow::Result<Outcome> {
    let lengths = rebuilt.parts.iter().map(|part| part.identity.length).sum();
    let bar = Bar::new(console.progress, lengths, "checking");
    let survey = rebuilt.survey(source::mapped(), &settings.path, settings.check(&bar))?;
    drop(bar);
    report.judged_by(&survey);
    let (chosen, question) = match settings.method.plan(&survey) {
        Ok(Chosen::Salvage(log)) if log.plan.changes().next().is_some() => {
            report.manifest_planned(refusal, rebuilt, &log.plan);
            report.note_remaining(&survey, &log.plan);
            report.salvage_planned(&survey, &log);
            (Chosen::Salvage(log), report.salvage_question())
        }
        _ => {
            let plan = rebuilt.plan();
            report.manifest_planned(refusal, rebuilt, &plan);
            report.damaged_part_stays(&survey);
            let question = if refusal.is_none() { "Write the manifest?" } else { "Replace the manifest?" };
            (Chosen::Manifest(plan), question.to_owned())
        }
    };
    drop(survey);
    ask(settings, &chosen, &question, report, console)
}

/// The manifest that the files say it must be, if that is what is in the way; if they do not, the report says why.
fn rebuilt(survey: &Survey, refusal: &Refusal, absent: Absent, report: &mut Report) -> crate::Result<Option<Rebuilt>> {
    let is_about_it = matches!(refusal.obstacle, Obstacle::Manifest | Obstacle::NoParts | Obstacle::MissingPart);
    let path = survey.report.manifest.as_deref().filter(|_| is_about_it);
    let outcome = path.map(|path| manifest::rebuild(directory_of(path), absent)).transpose()?;
    let doubt = match outcome {
        Some(manifest::Outcome::Rebuilt(rebuilt)) if Some(rebuilt.path.as_path()) == path => return Ok(Some(rebuilt)),
        Some(manifest::Outcome::Doubtful(doubt)) => Some(doubt),
        _ => None,
    };
    report.refused(refusal);
    if let Some(doubt) = doubt.filter(|doubt| doubt.file != refusal.file || absent == Absent::LeaveOut) {
        report.manifest_doubtful(&doubt);
    }
    Ok(None)
}

/// Shows what is to be done, asks, and does it.
fn ask(
    settings: &Settings,
    chosen: &Chosen,
    question: &str,
    report: &mut Report,
    console: &mut Console,
) -> anyhow::Result<Outcome> {
    report.will_change(chosen.plan(), &settings.copies);
    note_other_names(chosen.plan(), report);
    // A person sees the plan before the question; a program gets the plan with the outcome.
    match settings.format {
        Format::Text if settings.is_quiet && settings.consent != Consent::Ask => {}
        Format::Text => report.write_plan(&mut console.out, console.style)?,
        Format::Json if settings.consent == Consent::Ask => report.write_plan(&mut console.stderr, Style::PLAIN)?,
        Format::Json => {}
    }
    console.out.flush()?;
    if settings.consent != Consent::Never {
        // Refuse before asking, not after.
        repair::check_possible(chosen.plan(), &settings.how(chosen)).map_err(copies::with_hint)?;
    }
    if !consents(settings, question, report, console)? {
        return Ok(Outcome::Unsound);
    }
    carry_out(settings, chosen, report, console)
}

/// Says that a file has other names (hard links), which a change in place changes as well, and no other does.
fn note_other_names(plan: &Plan, report: &mut Report) {
    let is_cut = plan.in_place_cut().is_some();
    for part in plan.changes() {
        let Ok(metadata) = part.path.metadata() else { continue };
        if let Some(others @ 1..) = metadata.nlink().checked_sub(1) {
            report.note_other_names(&part.path, others, is_cut);
        }
    }
}

/// Whether the plan is to be carried out; if not, the report says why.
fn consents(settings: &Settings, question: &str, report: &mut Report, console: &mut Console) -> anyhow::Result<bool> {
    let excess = MaxLoss::excess(settings.max_loss, &report.loss());
    let consent = match (settings.consent, &excess) {
        // That is for a person to decide.
        (Consent::Given, Some(_)) => Consent::of(false, false),
        (consent, _) => consent,
    };
    if let (Some(excess), Consent::Ask) = (&excess, consent) {
        console.say(&format!("warning: {excess}"));
    }
    let agreed = match consent {
        Consent::Given => return Ok(true),
        Consent::Never => {
            report.state = State::Planned;
            report.message = Some("nothing was changed (--dry-run)".to_owned());
            return Ok(false);
        }
        consent => consent.decide(question, &mut console.stderr)? == Answer::Yes,
    };
    if !agreed {
        report.state = State::Declined;
        report.message = Some("nothing was changed".to_owned());
        if let (Some(excess), Consent::Given) = (excess, settings.consent) {
            report.message = Some(format!("{excess}; nothing was changed"));
            let salvage = if settings.destination.is_none() { ", --salvage keeps what is whole" } else { "" };
            report.advice = Some(format!("--max-loss N allows as much{salvage}"));
        } else if consent == Consent::NobodyThere {
            report.advice = Some("there is no terminal to ask on; --yes does it without a question".to_owned());
        }
    }
    Ok(agreed)
}

/// Cuts, reads the log again, and reports its state.
fn carry_out(settings: &Settings, chosen: &Chosen, report: &mut Report, console: &Console) -> anyhow::Result<Outcome> {
    let plan = chosen.plan();
    if let Some(applied) = repair::apply(plan, &settings.how(chosen)).map_err(copies::with_hint)? {
        report.fixed(plan, &applied);
    }
    let again = survey(&Log::open_by(source::mapped(), &settings.path)?, settings, "checking again", console)?;
    if settings.destination.is_some() && again.report.is_sound() {
        report.sound = Some(true);
        return Ok(Outcome::Sound);
    }
    match settings.method.plan(&again) {
        Ok(again) if again.plan().is_nothing() => {
            report.sound = Some(true);
            Ok(Outcome::Sound)
        }
        Ok(_) if matches!(chosen, Chosen::Manifest(_)) => {
            report.manifest_fixed_alone();
            Ok(Outcome::Unsound)
        }
        Ok(_) => {
            let text = "the log is still damaged; was it written to?".to_owned();
            Err(Error::new(&settings.path, ErrorKind::Refused(text)).into())
        }
        Err(refusal) => {
            report.still(&refusal);
            Ok(Outcome::Unsound)
        }
    }
}
