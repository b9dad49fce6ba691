//! `aofkit rewrite`: the same data in the fewest commands.

mod arguments;
mod in_place;
mod target;

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::bail;

use super::console::{Console, hinted};
use super::exit_codes::Outcome;
use super::format::Format;
use super::opened::Opened;
use super::progress::Bar;
use super::replay::{ClockSource, ReplayOutcome, written_to};
use super::replay_arguments::OnDamage;
use super::{copies, signals, source};
use crate::aof::log::Log;
use crate::check::rewrite_before;
use crate::digest::Total;
use crate::error::{Error, ErrorKind};
use crate::glob;
use crate::input::{FileIdentity, is_stdin};
use crate::keyspace::Keyspace;
use crate::progress::Progress;
use crate::rdb;
use crate::replay::{self, Dropped, Ending, Replayed};
use crate::report::expired::ExpiredFieldsReport;
use crate::report::file_name::FileName;
use crate::report::number::counted;
use crate::report::rewrite::{Expired, FlushReport, Report, Size, WithoutEffect};
use crate::report::salvage::SkippedGap;
use crate::rewrite::{self, Base, Loss, LossRefused, Lost, Options, Written, write_directory};
use crate::server::Release;
use crate::storage::draft::{self, DraftWriter};
use crate::storage::{FileSystem, Operations, Ownership, Watch};

pub(super) use arguments::Rewrite;
use arguments::{Destination, DropExpired, Replace, Settings, Verify};
use target::ChosenTarget;

/// Rewrites a log, and reports what was done.
pub(super) fn run(typed: Rewrite, console: &mut Console) -> anyhow::Result<Outcome> {
    let started = Instant::now();
    if let Some(job) = typed.copies() {
        return copies::run(&job, console);
    }
    let settings = typed.resolve()?;
    signals::remove_drafts_when_stopped();
    let opened = Opened::open_to_replay(&settings.path, &settings.replay)?;
    settings.refuse_destination(&opened)?;
    // From before the replay until after the change.
    let watch = settings.watch(&opened, console)?;
    let ReplayOutcome { mut replayed, ending, server, expired_fields, gaps } =
        settings.replay.replay(&opened, settings.server, &target::entries_read, console)?;
    if let Some(note) = expired_fields.note(server.release, "rewrite", "keeps") {
        console.say(&format!("note: {note}"));
    }
    if ending == Ending::Refused && watch.is_some() {
        return Err(hinted(
            format!(
                "{}: a server would refuse this log, and replacing it would lose what follows the damage",
                FileName(&settings.path)
            ),
            "-o FILE writes the sound part elsewhere".to_owned(),
        ));
    }
    let keys_before = replayed.keyspace.len();
    let dropped = settings.drop_expired(&mut replayed);
    if settings.selects_nothing(&replayed) {
        let path = FileName(&settings.path);
        console.error(&format!("{path}: no key matches --key and --db; nothing was written"));
        return Ok(Outcome::Unsound);
    }
    let base = settings.base_for(&opened);
    let target = ChosenTarget::of(server, &replayed.keyspace, base)?;
    if let (Destination::Directory(..), Some(target)) = (&settings.destination, target.target)
        && !target.server().loads_manifests()
    {
        return Err(hinted(
            format!("{target} reads no directory of parts"),
            "-o FILE writes one file; --server VERSION names a newer server".to_owned(),
        ));
    }
    let job = Job {
        settings: &settings,
        opened: &opened,
        replayed: &replayed,
        base,
        target,
        keys_before,
        dropped,
        expired_fields,
        gaps,
        started,
    };
    let outcome = match watch {
        Some(watch) => in_place::run(&job, watch, console),
        None => job.run(console),
    };
    let outcome = outcome.or_else(|error| loss_of(&error).map(|lost| job.refuse(lost, console)).ok_or(error))?;
    if let (Destination::Directory(path, _), true) = (&settings.destination, outcome == Outcome::Sound)
        && path.file_name().is_none_or(|name| name != APPEND_DIRECTORY)
    {
        let path = FileName(path);
        console.say(&format!(
            "note: {path}: servers look for their log in a directory named {APPEND_DIRECTORY} (appenddirname)"
        ));
    }
    // Freeing it piece by piece takes a while, and the process ends now anyway.
    std::mem::forget(replayed);
    Ok(if ending == Ending::Refused { Outcome::Unsound } else { outcome })
}

/// Where servers from Redis 7.0 on keep their log, in their data directory (`appenddirname`).
const APPEND_DIRECTORY: &str = "appendonlydir";

impl Settings {
    /// Whether a key is wanted.
    fn wants(&self, database: u32, key: &[u8]) -> bool {
        (self.databases.is_empty() || self.databases.contains(&database))
            && (self.keys.is_empty() || self.keys.iter().any(|pattern| glob::matches(pattern, key)))
    }

    /// Whether keys or databases are asked for, and none is there.
    fn selects_nothing(&self, replayed: &Replayed<'_>) -> bool {
        let asks = !self.keys.is_empty() || !self.databases.is_empty();
        asks && !replayed.keyspace.iter().any(|(database, entry)| self.wants(database, &entry.key))
    }

    /// Format of the new log: as typed, else that of the old one. What goes to standard output or a FIFO may go on to
    /// `redis-cli --pipe`, which reads commands alone.
    fn base_for(&self, opened: &Opened) -> Base {
        let kept = match self.destination {
            Destination::Stdout | Destination::Special(_) => Base::Resp,
            _ if opened.inputs.first().is_some_and(|first| rdb::is_rdb(first.bytes())) => Base::Rdb,
            _ => Base::Resp,
        };
        self.base.unwrap_or(kept)
    }

    /// Keeps others out of a log that is to be replaced.
    fn watch(&self, opened: &Opened, console: &mut Console) -> anyhow::Result<Option<Watch>> {
        let Destination::InPlace(_, open_elsewhere) = self.destination else { return Ok(None) };
        let watch = Watch::of_inputs(&opened.inputs, open_elsewhere).map_err(copies::with_hint)?;
        copies::warn_of_others(&watch, console);
        Ok(Some(watch))
    }

    /// Refuses to write over the log itself, or over another file unless that was asked for.
    fn refuse_destination(&self, opened: &Opened) -> anyhow::Result<()> {
        if let Destination::Directory(path, _) = &self.destination {
            return self.refuse_directory_of(path, opened);
        }
        let Destination::File(path, replace, _) = &self.destination else { return Ok(()) };
        let Ok(metadata) = path.metadata() else { return Ok(()) };
        let identity = FileIdentity::of(&metadata).file_id();
        if opened.inputs.iter().any(|input| input.file_identity().file_id() == identity) {
            return Err(hinted(
                format!("{}: this is the log itself", FileName(path)),
                "--in-place replaces it".to_owned(),
            ));
        }
        if *replace == Replace::Never && metadata.is_file() && metadata.len() > 0 {
            return Err(hinted(format!("{}: the file exists", FileName(path)), "--force replaces it".to_owned()));
        }
        Ok(())
    }

    /// Refuses to write a second log beside the parts of the first: a server would not know which one to load.
    fn refuse_directory_of(&self, path: &Path, opened: &Opened) -> anyhow::Result<()> {
        let identity = |path: &Path| path.metadata().ok().map(|metadata| FileIdentity::of(&metadata).file_id());
        let parts = opened.log.as_multi_part().map(|parts| parts.directory.as_path());
        let is_same = |other: &Path| other.is_dir() && identity(other) == identity(path);
        if [Some(self.path.as_path()), parts].into_iter().flatten().any(is_same) {
            return Err(hinted(
                format!("{}: this is the directory of the log itself", FileName(path)),
                "--in-place replaces it".to_owned(),
            ));
        }
        Ok(())
    }

    fn drop_expired(&self, replayed: &mut Replayed<'_>) -> Dropped {
        let time = match self.drop_expired {
            DropExpired::No => return Dropped::default(),
            DropExpired::AtTheLogsClock => self.replay.clock(&replayed.summary).0,
            DropExpired::At(time) => time,
        };
        replay::drop_expired(&mut replayed.keyspace, time)
    }
}

/// A rewrite whose data is in memory.
struct Job<'j, 'a> {
    settings: &'j Settings,
    opened: &'a Opened,
    replayed: &'j Replayed<'a>,
    base: Base,
    target: ChosenTarget,
    keys_before: u64,
    dropped: Dropped,
    expired_fields: ExpiredFieldsReport,
    gaps: Vec<SkippedGap>,
    started: Instant,
}

impl Job<'_, '_> {
    fn keyspace(&self) -> &Keyspace<'_> {
        &self.replayed.keyspace
    }

    /// Writes the new log elsewhere.
    fn run(&self, console: &mut Console) -> anyhow::Result<Outcome> {
        let (written, output) = self.write(console)?;
        let verified =
            if self.settings.verify == Verify::Yes { Some(self.verify(&output, written.lost)?) } else { None };
        let report = self.report(&written, &output, verified);
        if let Some(note) = report.growth() {
            console.say(&format!("note: {note}"));
        }
        let mut text = Vec::new();
        match self.settings.format {
            Format::Text => report.write_text(&mut text, console.style)?,
            Format::Json => report.write_json(&mut text)?,
        }
        // Standard output may be the log itself.
        if self.settings.destination == Destination::Stdout {
            console.stderr.write_all(&text)?;
        } else {
            console.out.write_all(&text)?;
        }
        Ok(Outcome::Sound)
    }

    /// Writes the data, with a progress bar.
    fn fill(&self, console: &Console, out: &mut (impl Write + Send)) -> io::Result<Written> {
        let bar = Bar::new(console.progress, self.keyspace().len(), "writing");
        let wanted = |database: u32, key: &[u8]| self.settings.wants(database, key);
        rewrite::write(self.keyspace(), self.base, Options { progress: bar.progress(), ..self.options(&wanted) }, out)
    }

    fn options<'p>(&self, wanted: &'p (dyn Fn(u32, &[u8]) -> bool + Sync)) -> Options<'p> {
        let settings = self.settings;
        Options {
            threads: settings.replay.threads,
            batch: settings.batch,
            target: self.target.target,
            source: self.target.source(),
            loss: settings.loss,
            order: settings.order,
            wanted,
            progress: Progress::UNWATCHED,
        }
    }

    /// Refuses to write what would lose data where the output cannot be taken back.
    fn refuse_loss(&self) -> io::Result<()> {
        let wanted = |database: u32, key: &[u8]| self.settings.wants(database, key);
        let options = self.options(&wanted);
        if options.loss == Loss::Refused && rewrite::may_lose(self.keyspace(), self.base, options) {
            rewrite::write(self.keyspace(), self.base, options, &mut io::sink())?;
        }
        Ok(())
    }

    /// The new log can be read only by those who can read all of the old one.
    fn ownership(&self) -> Option<Ownership> {
        let parts = self.opened.log.parts.iter().filter(|part| !is_stdin(&part.path));
        Ownership::strictest(parts.filter_map(|part| part.path.metadata().ok()))
    }

    fn write(&self, console: &mut Console) -> anyhow::Result<(Written, PathBuf)> {
        let operations = &mut FileSystem;
        if matches!(self.settings.destination, Destination::Stdout | Destination::Special(_)) {
            self.refuse_loss()?;
        }
        let special = match &self.settings.destination {
            Destination::Stdout => {
                console.out.flush()?;
                let out = File::from(io::stdout().as_fd().try_clone_to_owned()?);
                Some((out, Path::new("standard output"), Path::new("-")))
            }
            Destination::Special(path) => {
                let out =
                    operations.open_special(path).map_err(|source| Error::io(path, "open for writing", source))?;
                Some((out, path.as_path(), path.as_path()))
            }
            _ => None,
        };
        if let Some((mut out, name, output)) = special {
            let written = self.fill(console, &mut out).map_err(written_to(name))?;
            return Ok((written, output.to_owned()));
        }
        let ownership = self.ownership();
        let console = &*console;
        let fill = filling(|out| self.fill(console, out));
        match &self.settings.destination {
            Destination::File(path, _, durability) => {
                Ok((draft::write_file(operations, path, ownership, *durability, fill)?, path.clone()))
            }
            Destination::Directory(path, durability) => {
                Ok((write_directory(operations, path, self.base, (ownership, *durability), fill)?, path.clone()))
            }
            Destination::Stdout | Destination::Special(_) | Destination::InPlace(..) => {
                bail!("there is no file to write")
            }
        }
    }

    /// Prints what would be lost, and how to keep it or to allow the loss.
    fn refuse(&self, lost: Lost, console: &mut Console) -> Outcome {
        console.error(&format!(
            "{}: the new log would not hold all of the data; nothing was written",
            FileName(&self.settings.path)
        ));
        for line in lost_in_words(lost) {
            console.say(&format!("note: would lose {line}"));
        }
        let only_rdb = Lost { pending_entries: 0, module_data: 0, ..lost }.is_nothing();
        console.hint(match (self.base, only_rdb) {
            (Base::Resp, true) => "--base rdb keeps all of it; --allow-loss writes the log without it",
            _ => "--server VERSION names a server that can hold it; --allow-loss writes the log without it",
        });
        Outcome::Unsound
    }

    /// Replays the output, and compares.
    fn verify(&self, path: &Path, lost: Lost) -> crate::Result<Total> {
        let options = replay::Options {
            threads: self.settings.replay.threads,
            server: self.target.checked_for(),
            now: self.settings.replay.clock(&self.replayed.summary).0,
            ..replay::Options::default()
        };
        let wanted = |database: u32, key: &[u8]| self.settings.wants(database, key);
        rewrite::verify(&Log::open_by(source::mapped(), path)?, self.keyspace(), &wanted, lost, options)
    }

    fn report(&self, written: &Written, output: &Path, verified: Option<Total>) -> Report {
        let summary = &self.replayed.summary;
        let (clock, clock_source) = self.settings.replay.clock(summary);
        Report {
            path: FileName(self.settings.path.clone()),
            output: FileName(output.to_owned()),
            base: match self.base {
                Base::Resp => "aof",
                Base::Rdb => "rdb",
            },
            target: self.target.target.map(Release::name),
            chosen_by: self.target.server.evidence.name(),
            before: Size {
                bytes: self.opened.inputs.iter().map(|input| input.bytes().len() as u64).sum(),
                records: summary.commands,
            },
            after: Size { bytes: written.bytes, records: written.records },
            keys_before: self.keys_before,
            keys: written.keys.clone(),
            functions: written.functions,
            without_effect: WithoutEffect { ignored: summary.ignored, failed: summary.failed },
            expired: Expired { keys: self.dropped.keys, fields: self.dropped.fields },
            unknown: summary
                .unknown
                .iter()
                .map(|(name, met)| (crate::escape::Escaped(name).to_string(), met.count))
                .collect(),
            lost: lost_in_words(written.lost),
            dropped: self.dropped_in_words(written),
            gaps: self.gaps.clone(),
            flushes: self.flushes(),
            clock,
            clock_ms: (clock_source != ClockSource::Run).then_some(clock),
            clock_source: clock_source.name(),
            expired_fields: self.expired_fields,
            verified: verified.is_some(),
            digest: verified.map(|total| total.digest.to_string()),
            seconds: self.started.elapsed().as_secs_f64(),
            ..Report::default()
        }
    }

    /// What of the log the new one does not have, besides what had expired and what the target cannot hold.
    fn dropped_in_words(&self, written: &Written) -> Vec<String> {
        let mut words = Vec::new();
        let summary = &self.replayed.summary;
        let parts = self.opened.inputs.iter().enumerate().skip(summary.stopped.part);
        let rest = parts.map(|(index, input)| {
            let start = if index == summary.stopped.part { summary.stopped.offset } else { 0 };
            (input.bytes().len() as u64).saturating_sub(start)
        });
        let rest: u64 = rest.sum();
        if rest > 0 {
            words.push(format!("{} of the log, from {} on", counted(rest, "byte"), self.opened.place(summary.stopped)));
        }
        let unwanted = (self.keys_before - self.dropped.keys.min(self.keys_before))
            .saturating_sub(written.keys.values().sum::<u64>());
        if unwanted > 0 && !(self.settings.databases.is_empty() && self.settings.keys.is_empty()) {
            words.push(format!("{} that --db and --key leave out", counted(unwanted, "key")));
        }
        words
    }

    /// The last commands that emptied the log, and how to get what it held before.
    fn flushes(&self) -> Vec<FlushReport> {
        /// More than these are not shown.
        const LIMIT: usize = 5;
        let summary = &self.replayed.summary;
        let last = self.opened.inputs.len().saturating_sub(1);
        let options = if self.settings.replay.damage == OnDamage::Skip { "--skip-damage -o FILE" } else { "-o FILE" };
        let report = |flush: &replay::Flush| {
            let (path, offset) = (&self.settings.path, flush.place.offset);
            let part = self.opened.name(flush.place).file_name().unwrap_or_default().to_owned();
            let named = Some(part.as_os_str()).filter(|_| flush.place.part != last);
            FlushReport {
                before: (!is_stdin(path)).then(|| rewrite_before(path, named, offset, options)),
                part: FileName(part),
                offset,
                database: flush.database,
                keys: flush.keys,
            }
        };
        let skipped = summary.flushes.len().saturating_sub(LIMIT);
        summary.flushes.iter().skip(skipped).map(report).collect()
    }
}

/// A closure that fills a new file.
fn filling<F: FnOnce(&mut DraftWriter<'_, FileSystem>) -> io::Result<Written>>(fill: F) -> F {
    fill
}

/// What would be lost, if that is why writing failed.
fn loss_of(error: &anyhow::Error) -> Option<Lost> {
    let of = |cause: &(dyn std::error::Error + 'static)| match cause.downcast_ref::<Error>().map(Error::kind) {
        Some(ErrorKind::Io { source, .. }) => LossRefused::of(source),
        _ => LossRefused::of(cause.downcast_ref()?),
    };
    error.chain().find_map(of).map(|LossRefused(lost)| lost)
}

/// What the output cannot hold.
fn lost_in_words(lost: Lost) -> Vec<String> {
    let mut words = Vec::new();
    let mut add = |count: u64, what: &str, why: &str| {
        if count > 0 {
            words.push(format!("{}{why}", counted(count, what)));
        }
    };
    add(lost.functions, "function library", ": the target has none");
    add(lost.field_expiries, "field expiry", ": the target cannot let these fields expire then");
    add(lost.stream_counters, "stream", " whose counters the target does not know");
    add(lost.stream_producers, "stream", " whose producers and idempotent ids the target does not know");
    add(lost.pending_entries, "pending entry", " whose entry was deleted: no command makes them");
    add(lost.module_data, "piece", " of data that modules keep beside the keys: no command makes it");
    add(lost.values, "value", " of modules: the target does not take them");
    words
}
