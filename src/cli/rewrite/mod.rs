//! `aofkit rewrite`: the same data in the fewest commands.

mod arguments;

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::bail;

use super::console::Console;
use super::progress::Progress;
use super::replay::{Ending, Opened, written_to};
use super::{Outcome, source};
use crate::aof::log::Log;
use crate::command::apply::ExpiredFields;
use crate::digest::{Total, digest, fingerprint};
use crate::error::{Error, ErrorKind};
use crate::glob;
use crate::input::Input;
use crate::keyspace::Keyspace;
use crate::rdb;
use crate::replay::{self, Dropped, Replayed};
use crate::report::file_name::FileName;
use crate::report::number::counted;
use crate::report::rewrite::{Expired, Report, Size, WithoutEffect};
use crate::rewrite::in_place::{self, Old, Reading, Replaced};
use crate::rewrite::{self, Base, Loss, LossRefused, Lost, Options, Written, write_directory};
use crate::server::Server;
use crate::storage::FileSystem;
use crate::storage::draft::{self, DraftWriter, Lasting};

pub(super) use arguments::Rewrite;
use arguments::{Destination, DropExpired, Format, Replace, Settings, Verify};

/// Rewrites a log, and reports what was done.
pub(super) fn run(typed: Rewrite, console: &mut Console) -> anyhow::Result<Outcome> {
    let started = Instant::now();
    let settings = typed.resolve()?;
    let opened = Opened::open(&settings.path)?;
    settings.refuse_destination(&opened)?;
    let (mut replayed, ending) = settings.replay.replay(&opened, ExpiredFields::Exist, console)?;
    if ending == Ending::Refused && matches!(settings.destination, Destination::InPlace(..)) {
        bail!(
            "a server would refuse this log, and replacing it would lose what follows the damage; write the sound part \
             elsewhere with -o"
        );
    }
    let dropped = settings.drop_expired(&mut replayed);
    let job =
        Job { settings: &settings, opened: &opened, replayed: &replayed, ending, base: settings.base_for(&opened) };
    let done = match job.write(console) {
        Ok(done) => done,
        Err(error) => match loss_of(&error) {
            Some(lost) => return Ok(job.refuse(lost, console)),
            None => return Err(error),
        },
    };
    let mut report = job.report(&done, dropped);
    // Giving it back piece by piece takes a while, and the process ends now anyway.
    std::mem::forget(replayed);
    report.seconds = started.elapsed().as_secs_f64();
    if let Some(note) = report.growth() {
        console.say(&format!("note: {note}"));
    }
    let mut text = Vec::new();
    match settings.format {
        Format::Text => report.write_text(&mut text, console.style)?,
        Format::Json => report.write_json(&mut text)?,
    }
    // Standard output may be the log itself.
    if settings.destination == Destination::Stdout {
        console.talk.write_all(&text)?;
    } else {
        console.out.write_all(&text)?;
    }
    Ok(if ending == Ending::Refused { Outcome::Unsound } else { Outcome::Sound })
}

impl Settings {
    /// Whether a key is wanted.
    fn wants(&self, database: u32, key: &[u8]) -> bool {
        (self.databases.is_empty() || self.databases.contains(&database))
            && (self.keys.is_empty() || self.keys.iter().any(|pattern| glob::matches(pattern, key)))
    }

    /// Format of the new log: as typed, else that of the old one. What goes to standard output may go on to `redis-cli --pipe`, which
    /// reads commands alone.
    fn base_for(&self, opened: &Opened) -> Base {
        let kept = match self.destination {
            Destination::Stdout => Base::Resp,
            _ if opened.inputs.first().is_some_and(|first| rdb::is_rdb(first.bytes())) => Base::Rdb,
            _ => Base::Resp,
        };
        self.base.unwrap_or(kept)
    }

    /// Whether the output is to have all data of the log.
    fn wants_everything(&self) -> bool {
        self.databases.is_empty()
            && self.keys.is_empty()
            && self.drop_expired == DropExpired::No
            && self.replay.wants_everything()
    }

    /// Refuses to write over the log itself, or over another file unless that was asked for.
    fn refuse_destination(&self, opened: &Opened) -> anyhow::Result<()> {
        let Destination::File(path, replace) = &self.destination else { return Ok(()) };
        let Ok(metadata) = path.metadata() else { return Ok(()) };
        let identity = crate::input::Facts::of(&metadata).identity();
        if opened.inputs.iter().any(|input| input.facts().identity() == identity) {
            bail!("{} is the log itself; use --in-place", FileName(path));
        }
        if *replace == Replace::Never && metadata.is_file() && metadata.len() > 0 {
            bail!("{} is there already; --force replaces it", FileName(path));
        }
        Ok(())
    }

    fn drop_expired(&self, replayed: &mut Replayed<'_>) -> Dropped {
        let time = match self.drop_expired {
            DropExpired::No => return Dropped::default(),
            DropExpired::AtTheLogsClock => self.replay.clock(&replayed.summary).0,
            DropExpired::At(time) => time,
        };
        replay::drop_expired(&mut replayed.shares, time)
    }
}

/// A rewrite whose data is in memory.
struct Job<'j, 'a> {
    settings: &'j Settings,
    opened: &'a Opened,
    replayed: &'j Replayed<'a>,
    ending: Ending,
    base: Base,
}

/// What was written, and where.
struct Done {
    written: Written,
    output: PathBuf,
    digest: Option<String>,
    grown: u64,
    kept: Vec<PathBuf>,
    removed: Vec<PathBuf>,
}

impl Done {
    fn new(written: Written, output: &Path) -> Self {
        let output = output.to_owned();
        Self { written, output, digest: None, grown: 0, kept: Vec::new(), removed: Vec::new() }
    }
}

impl Job<'_, '_> {
    fn shares(&self) -> &[Keyspace<'_>] {
        &self.replayed.shares
    }

    fn write(&self, console: &mut Console) -> anyhow::Result<Done> {
        let settings = self.settings;
        let keys = self.shares().iter().flat_map(Keyspace::databases).map(|(_, database)| database.len() as u64).sum();
        let progress = Progress::new(console.progress, keys, "writing");
        let advance = |keys| progress.advance(keys);
        let wanted = |database: u32, key: &[u8]| settings.wants(database, key);
        let options = Options {
            threads: settings.replay.threads(),
            batch: settings.batch,
            target: settings.target,
            source: None,
            loss: settings.loss,
            order: settings.order,
            wanted: &wanted,
            progress: &advance,
        };
        let shares = self.shares();
        let operations = &mut FileSystem;
        // Whoever may read the log may read the new one, and nobody else.
        let like = self.opened.log.parts.last().and_then(|part| part.path.metadata().ok());
        let mut compared = None;
        let done = match &settings.destination {
            Destination::Stdout => {
                // What is written there cannot be taken back.
                if settings.loss == Loss::Refused && rewrite::may_lose(shares, self.base, options) {
                    rewrite::write(shares, self.base, Options { progress: &|_| {}, ..options }, &mut io::sink())?;
                }
                console.out.flush()?;
                let mut out = File::from(io::stdout().as_fd().try_clone_to_owned()?);
                let written = rewrite::write(shares, self.base, options, &mut out);
                return Ok(Done::new(written.map_err(written_to(Path::new("standard output")))?, Path::new("-")));
            }
            Destination::File(path, _) => {
                let fill = filling(|out| rewrite::write(shares, self.base, options, out));
                Done::new(draft::write_file(operations, path, like.as_ref(), Lasting::Cached, fill)?, path)
            }
            Destination::Directory(path) => {
                let fill = filling(|out| rewrite::write(shares, self.base, options, out));
                Done::new(write_directory(operations, path, self.base, like.as_ref(), fill)?, path)
            }
            Destination::InPlace(old, open_elsewhere) => {
                let reading = Reading {
                    inputs: &self.opened.inputs,
                    end: self.replayed.summary.stopped.offset,
                    database: self.replayed.summary.database,
                };
                let place = in_place::Settings { base: self.base, open_elsewhere: *open_elsewhere };
                let fill = filling(|out| rewrite::write(shares, self.base, options, out));
                let verify = |path: &Path, written: &Written| {
                    compared = Some(self.verify(path, written.lost)?);
                    // What the new log lacks stays in the old one.
                    let all = settings.wants_everything() && self.ending == Ending::Sound && written.lost.is_nothing();
                    Ok(if all { *old } else { Old::Kept })
                };
                let replaced = in_place::replace(operations, &self.opened.log, reading, place, fill, verify)?;
                let Replaced { written, grown, kept, removed } = replaced;
                Done { grown, kept, removed, ..Done::new(written, &settings.path) }
            }
        };
        drop(progress);
        // One in place was read back before it took its place.
        if settings.verify == Verify::Yes && compared.is_none() {
            compared = Some(self.verify(&done.output, done.written.lost)?);
        }
        Ok(Done { digest: compared.map(|total| total.digest.to_string()), ..done })
    }

    /// Says what would be lost, and how it can be kept or given up.
    fn refuse(&self, lost: Lost, console: &mut Console) -> Outcome {
        console.error(&format!(
            "{}: the new log would not hold all of the data; nothing was written",
            FileName(&self.settings.path)
        ));
        for line in lost_in_words(lost) {
            console.say(&format!("would lose {line}"));
        }
        let only_rdb = Lost { pending_entries: 0, module_data: 0, ..lost }.is_nothing();
        console.say(match (self.base, only_rdb) {
            (Base::Resp, true) => "hint: --base rdb keeps all of it; --allow-loss writes the log without",
            _ => "hint: --target VERSION names a server that can hold it; --allow-loss writes the log without",
        });
        Outcome::Unsound
    }

    /// Whose digest tells apart all that the output can hold.
    fn judge(lost: Lost) -> Server {
        if lost.field_expiries > 0 { Server::Redis70 } else { Server::default() }
    }

    /// The digest of the data that the output is to have.
    fn expected(&self, lost: Lost) -> Total {
        digest(self.shares(), Self::judge(lost), 0, &|database, key| self.settings.wants(database, key))
    }

    /// Replays the output, and compares.
    fn verify(&self, path: &Path, lost: Lost) -> crate::Result<Total> {
        let log = Log::open(path)?;
        let inputs = source::inputs(&log)?;
        let bytes: Vec<&[u8]> = inputs.iter().map(Input::bytes).collect();
        let options = replay::Options {
            threads: self.settings.replay.threads(),
            unknown: replay::Unknown::Keep,
            now: self.settings.replay.clock(&self.replayed.summary).0,
            ..replay::Options::default()
        };
        let again = replay::replay(&bytes, options);
        let (found, expected) = if lost.is_nothing() {
            // All that a log can say, which is more than a server's digest covers.
            let wanted = |database: u32, key: &[u8]| self.settings.wants(database, key);
            (fingerprint(&again.shares, &|_, _| true), fingerprint(self.shares(), &wanted))
        } else {
            (digest(&again.shares, Self::judge(lost), 0, &|_, _| true), self.expected(lost))
        };
        let functions = |shares: &[Keyspace<'_>]| {
            shares.first().map(|share| share.functions.values().map(|code| code.to_vec()).collect::<Vec<_>>())
        };
        let same = found == expected
            && again.summary.failed == 0
            && again.summary.damaged.is_none()
            && (lost.functions > 0 || functions(&again.shares) == functions(self.shares()));
        if same {
            return Ok(self.expected(lost));
        }
        let text = format!(
            "read back, the new log does not hold the same data ({} of {}, digest {} and not {}); please report this",
            found.keys,
            counted(expected.keys, "key"),
            found.digest,
            expected.digest
        );
        Err(Error::new(path, ErrorKind::Refused(text)))
    }

    fn report(&self, done: &Done, dropped: Dropped) -> Report {
        let summary = &self.replayed.summary;
        let (clock, clock_source) = self.settings.replay.clock(summary);
        let names = |paths: &[PathBuf]| paths.iter().cloned().map(FileName).collect();
        let written = &done.written;
        Report {
            path: FileName(self.settings.path.clone()),
            output: FileName(done.output.clone()),
            base: match self.base {
                Base::Resp => "aof",
                Base::Rdb => "rdb",
            },
            before: Size {
                bytes: self.opened.bytes().iter().map(|part| part.len() as u64).sum(),
                records: summary.commands,
            },
            after: Size { bytes: written.bytes, records: written.records },
            keys: written.keys.clone(),
            functions: written.functions,
            without_effect: WithoutEffect { ignored: summary.ignored, failed: summary.failed },
            expired: Expired { keys: dropped.keys, fields: dropped.fields },
            unknown: summary
                .unknown
                .iter()
                .map(|(name, met)| (crate::escape::Escaped(name).to_string(), met.count))
                .collect(),
            lost: lost_in_words(written.lost),
            clock,
            clock_source: clock_source.name(),
            verified: done.digest.is_some(),
            digest: done.digest.clone(),
            grown: done.grown,
            kept: names(&done.kept),
            removed: names(&done.removed),
            seconds: 0.0,
        }
    }
}

/// A closure that fills a new file.
fn filling<F: FnOnce(&mut DraftWriter<'_, FileSystem>) -> io::Result<Written>>(fill: F) -> F {
    fill
}

/// What an error of writing says would be lost.
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
