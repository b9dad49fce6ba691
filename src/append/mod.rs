//! A log that is being written, by the rules of the servers themselves.
//!
//! An [`Appender`] writes the `appendonlydir` of a program that keeps its data as Redis does: each change is a command,
//! and who starts replays them. Any server from Redis 7.0 on starts from the directory, too.
//!
//! - [`Appender::append`] takes a command that was executed. `SELECT` comes before it where the database changes, and a
//!   `#TS:` annotation where the second has advanced. Relative times become absolute, and what changes nothing is left
//!   out. What a command does must not depend on chance or on the time: of `SPOP`, give the `SREM` that it was; of
//!   `XADD key *`, the id.
//! - [`Appender::flush`] writes what has come together, in one write, and syncs as [`Fsync`] says. Call it after each
//!   round of commands, before they are answered.
//! - [`Appender::tick`] does what is due by itself: syncs an idle log, tries a failed write again, begins a rewrite
//!   when the log has grown, and ends it. Call it about ten times a second.
//!
//! When writing fails, what is there of the last commands is cut off again, and they are tried once a second. Meanwhile
//! they wait in memory: as long as [`Appender::is_failing`], refuse commands that write, as servers do (`MISCONF`).
//! Under [`Fsync::Always`] the error is returned, and no command is written after it. What a failed sync may have lost
//! is never counted as being on disk, whatever later syncs say ([`Appender::durable`]).
//!
//! ```
//! # fn main() -> aofkit::Result<()> {
//! # let directory = tempfile::tempdir().unwrap();
//! # let path = directory.path().join("appendonlydir");
//! use aofkit::append::{Appender, Settings};
//!
//! let mut log = Appender::open(&path, Settings::default())?;
//! log.append(0, &[b"SET", b"visits", b"1"]);
//! log.append_transaction(0, &[&[b"INCR", b"visits"], &[b"EXPIRE", b"visits", b"60"]]);
//! log.flush()?;
//! log.close()?;
//! let digest = aofkit::check::check(&aofkit::aof::log::Log::open(&path)?, aofkit::check::Settings::default())?;
//! assert!(digest.is_sound());
//! # Ok(())
//! # }
//! ```

mod counters;
mod directory;
mod feed;
mod rewrite;
mod sync;
mod trigger;
mod written;

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::aof::log::Log;
use crate::check;
use crate::repair::{self, plan};
use crate::rewrite::Base;
use crate::server::Release;
use crate::storage::{FileSystem, Operations};
use crate::{Error, ErrorKind, Result};

pub use counters::Counters;
pub use directory::Replaced;
pub use trigger::Growth;

use directory::Directory;
use feed::Feed;
use rewrite::{Order, Rewriting};
use sync::Syncer;
use trigger::Trigger;

/// How long a write waits at most for a sync that is running (`flushAppendOnlyFile`: 2 s).
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// How often an error is reported at most (`AOF_WRITE_LOG_ERROR_RATE`: 30 s).
const REPORT_EVERY: Duration = Duration::from_secs(30);

/// The time between two attempts to write, and between two syncs.
const SECOND: Duration = Duration::from_secs(1);

/// When what is written is synced to disk (`appendfsync`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fsync {
    /// Before [`Appender::flush`] returns. An error is returned, and ends the log.
    Always,
    /// Once a second, in a thread.
    #[default]
    EverySecond,
    /// When the operating system likes.
    No,
}

/// How a log is written.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The name with which those of the files begin (`appendfilename`).
    pub name: OsString,
    /// When to sync.
    pub fsync: Fsync,
    /// Whether `#TS:` annotations say the time (`aof-timestamp-enabled`, which servers have off).
    pub timestamps: bool,
    /// Whether nothing is synced while a rewrite is under way (`no-appendfsync-on-rewrite`).
    pub no_fsync_on_rewrite: bool,
    /// When to rewrite.
    pub growth: Growth,
    /// What a rewrite writes (`aof-use-rdb-preamble`).
    pub base: Base,
    /// What becomes of the files that a rewrite has replaced.
    pub replaced: Replaced,
    /// The oldest release that must be able to load the log.
    pub release: Release,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            name: "appendonly.aof".into(),
            fsync: Fsync::default(),
            timestamps: true,
            no_fsync_on_rewrite: false,
            growth: Growth::default(),
            base: Base::Rdb,
            replaced: Replaced::default(),
            release: crate::Server::default().into(),
        }
    }
}

/// What tells the time; a program may have its own.
pub trait Clock {
    /// The time, in milliseconds of Unix time.
    fn unix_milliseconds(&self) -> i64;
    /// The time since some moment in the past; it never goes back.
    fn elapsed(&self) -> Duration;
}

/// The clock of the system.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock(Instant);

impl Default for SystemClock {
    fn default() -> Self {
        Self(Instant::now())
    }
}

impl Clock for SystemClock {
    fn unix_milliseconds(&self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }

    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

/// Something that whoever runs the program should know.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// A write failed; it is tried again every second. Reported at most every 30 s.
    WriteFailed {
        /// The error of the operating system.
        error: io::Error,
        /// Whether the file was cut back to what was whole before; else it ends in the middle of a command until the
        /// next write succeeds.
        cut_back: bool,
    },
    /// Writing works again.
    WriteSolved,
    /// A write did not wait any longer for a sync: the disk is slow.
    SyncDelayed,
    /// A sync failed. What was written since the last one that succeeded may never reach the disk.
    SyncFailed(io::Error),
    /// A rewrite has begun.
    RewriteStarted,
    /// A rewrite has ended, and the log has this many bytes now.
    RewriteFinished(u64),
    /// A rewrite has failed; the log goes on as it was.
    RewriteFailed(Error),
}

/// A log that is being written. See the [module](self).
#[derive(Debug)]
pub struct Appender<O = FileSystem, C = SystemClock> {
    operations: O,
    clock: C,
    settings: Settings,
    directory: Directory,
    feed: Feed,
    current: Current,
    /// The bytes of the other live files.
    other_bytes: u64,
    /// How many bytes were written since the log was opened, over all files.
    written: u64,
    /// How many of those are on disk.
    durable: u64,
    syncs: Syncs,
    failure: Option<Failure>,
    rewriting: Option<(Rewriting, Duration)>,
    trigger: Trigger,
    rewrites: u64,
    last_rewrite_time: Option<Duration>,
    events: Vec<Event>,
}

/// The file that is appended to.
#[derive(Debug)]
struct Current {
    path: PathBuf,
    file: Arc<File>,
    length: u64,
}

/// What is known about syncs.
#[derive(Debug)]
struct Syncs {
    thread: Syncer,
    /// How many bytes were written when the last one was asked for.
    asked_to: u64,
    asked_at: Duration,
    /// Since when a write has been waiting for one.
    awaited_since: Option<Duration>,
    delayed: u64,
    has_failed: bool,
}

/// Writing has failed.
#[derive(Debug)]
enum Failure {
    /// It is tried again.
    Passing { again_at: Duration, reported_at: Duration },
    /// Nothing is written any more.
    Final,
}

impl Appender {
    /// Opens a log, or begins one in a directory that has none; the directory itself may be missing.
    ///
    /// An end that was torn by a crash is cut off, as servers do, and kept beside the log.
    ///
    /// # Errors
    /// [`ErrorKind::Io`]; [`ErrorKind::Refused`] for a log that is damaged otherwise; [`ErrorKind::OpenElsewhere`].
    pub fn open(directory: &Path, settings: Settings) -> Result<Self> {
        Self::open_with(FileSystem, SystemClock::default(), directory, settings)
    }
}

impl<O: Operations + Clone + Send + 'static, C: Clock> Appender<O, C> {
    /// As [`Appender::open`], with the operations and the clock that are given.
    ///
    /// # Errors
    /// As [`Appender::open`].
    pub fn open_with(mut operations: O, clock: C, directory: &Path, settings: Settings) -> Result<Self> {
        match operations.create_directory(directory, 0o777) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(Error::io(directory, "make the directory", error));
            }
            _ => {}
        }
        let mut directory = Directory::open(directory, &settings.name)?;
        if !directory.live().is_empty() {
            mend(&mut operations, &directory.manifest_path())?;
        }
        let current = match directory.last_incr() {
            Some(path) => {
                let file = operations.open(&path).map_err(|source| Error::io(&path, "open for writing", source))?;
                Current { length: length(&path, &file)?, path, file: Arc::new(file) }
            }
            None => Current::begin(&mut directory, &mut operations)?,
        };
        let other_bytes = current.other_bytes(&directory);
        let thread = Syncer::start(operations.clone())
            .map_err(|source| Error::io(directory.path(), "start a thread that syncs", source))?;
        let asked_at = clock.elapsed();
        let syncs = Syncs { thread, asked_to: 0, asked_at, awaited_since: None, delayed: 0, has_failed: false };
        Ok(Self {
            feed: Feed::new(settings.release.server(), settings.timestamps),
            trigger: Trigger::new(settings.growth, other_bytes + current.length),
            operations,
            clock,
            settings,
            directory,
            current,
            other_bytes,
            written: 0,
            durable: 0,
            syncs,
            failure: None,
            rewriting: None,
            rewrites: 0,
            last_rewrite_time: None,
            events: Vec::new(),
        })
    }

    /// Takes a command that was executed in a database. Nothing is written before [`Appender::flush`].
    pub fn append(&mut self, database: u32, command: &[&[u8]]) {
        self.feed.command(database, command, self.clock.unix_milliseconds());
    }

    /// Takes commands that were executed as a unit: a reader finds all of them, or none.
    pub fn append_transaction(&mut self, database: u32, commands: &[&[&[u8]]]) {
        self.feed.transaction(database, commands, self.clock.unix_milliseconds());
    }

    /// Writes what has come together, and syncs if that is due.
    ///
    /// # Errors
    /// Under [`Fsync::Always`], what writing or syncing returned; then, and ever after, the log takes nothing more.
    /// Otherwise errors are [events](Appender::take_events), and the write is tried again.
    pub fn flush(&mut self) -> Result<()> {
        self.collect_syncs();
        match self.failure {
            Some(Failure::Final) => return Err(self.refused("writing to this log has failed before")),
            Some(Failure::Passing { again_at, .. }) if self.clock.elapsed() < again_at => return Ok(()),
            _ => {}
        }
        if !self.feed.bytes().is_empty() && !self.waits_for_sync() {
            self.write()?;
        }
        self.sync_if_due()
    }

    /// Does what is due by itself: see the [module](self).
    ///
    /// # Errors
    /// As [`Appender::flush`].
    pub fn tick(&mut self) -> Result<()> {
        self.flush()?;
        if self.rewriting.as_ref().is_some_and(|(rewriting, _)| rewriting.is_finished()) {
            self.finish_rewrite();
        }
        let now = self.clock.elapsed();
        if self.rewriting.is_none() && self.failure.is_none() && self.trigger.fires(self.size(), now) {
            // The event says why, if it does not begin.
            let _ = self.rewrite();
        }
        Ok(())
    }

    /// Begins a rewrite in a thread: a new file takes what comes, and all others are written as a new base.
    ///
    /// # Errors
    /// [`ErrorKind::Refused`] if one is under way, or what was appended cannot be written; [`ErrorKind::Io`].
    pub fn rewrite(&mut self) -> Result<()> {
        if self.rewriting.is_some() {
            return Err(self.refused("a rewrite is under way"));
        }
        let started = self.begin_file().and_then(|()| {
            let count = self.directory.live().len().saturating_sub(1);
            let (target, sequence) = self.directory.next_base(self.settings.base)?;
            let manifest = self.directory.manifest_path();
            let (base, release) = (self.settings.base, self.settings.release);
            let order = Order { manifest, count, target, sequence, base, release };
            let start_error = |source| Error::io(self.directory.path(), "start a thread that rewrites", source);
            Rewriting::start(self.operations.clone(), order).map_err(start_error)
        });
        self.rewrites += 1;
        match started {
            Ok(rewriting) => {
                self.rewriting = Some((rewriting, self.clock.elapsed()));
                self.events.push(Event::RewriteStarted);
                Ok(())
            }
            Err(error) => {
                self.trigger.failed();
                let again = self.refused(&error.kind().to_string());
                self.events.push(Event::RewriteFailed(error));
                Err(again)
            }
        }
    }

    /// Ends the file that is appended to, and begins another, which the manifest names before anything is written to
    /// it.
    ///
    /// # Errors
    /// As [`Appender::rewrite`].
    pub fn begin_file(&mut self) -> Result<()> {
        self.write_all()?;
        let next = Current::begin(&mut self.directory, &mut self.operations)?;
        let old = std::mem::replace(&mut self.current, next);
        self.feed.begin_file();
        self.other_bytes += old.length;
        self.ask_for_sync(&old.file);
        Ok(())
    }

    /// Writes and syncs everything, and ends.
    ///
    /// # Errors
    /// [`ErrorKind::Io`], [`ErrorKind::Refused`]: some of what was appended may not be on disk.
    pub fn close(mut self) -> Result<()> {
        self.write_all()?;
        self.ask_for_sync(&Arc::clone(&self.current.file));
        let Self { syncs, current, .. } = self;
        syncs.thread.finish().map_err(|source| Error::io(current.path, "sync", source))
    }

    /// How many bytes of commands were written since the log was opened.
    pub const fn written(&self) -> u64 {
        self.written
    }

    /// How many of [`Appender::written`] are on disk, whatever happens to the machine.
    pub const fn durable(&self) -> u64 {
        self.durable
    }

    /// Whether the last write or a sync has failed, and nothing has shown since that it works again.
    pub const fn is_failing(&self) -> bool {
        self.failure.is_some() || self.syncs.has_failed
    }

    /// What happened since this was last called.
    pub fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// The numbers of `INFO persistence`.
    pub fn counters(&self) -> Counters {
        Counters {
            rewrite_in_progress: self.rewriting.is_some(),
            rewrites: self.rewrites,
            rewrites_consecutive_failures: self.trigger.failures(),
            last_rewrite_time: self.last_rewrite_time,
            current_rewrite_time: self.rewriting.as_ref().map(|(_, began)| self.clock.elapsed().saturating_sub(*began)),
            last_rewrite_is_ok: self.trigger.failures() == 0,
            last_write_is_ok: !self.is_failing(),
            current_size: self.size(),
            base_size: self.trigger.base(),
            buffer_length: self.feed.bytes().len() as u64,
            pending_syncs: self.syncs.thread.waiting() as u64,
            delayed_syncs: self.syncs.delayed,
        }
    }

    fn refused(&self, text: &str) -> Error {
        Error::new(self.directory.path(), ErrorKind::Refused(text.to_owned()))
    }

    const fn size(&self) -> u64 {
        self.other_bytes + self.current.length
    }

    /// Whether a write should wait, as a sync is running that would hold it up.
    fn waits_for_sync(&mut self) -> bool {
        if self.settings.fsync != Fsync::EverySecond || self.syncs.thread.waiting() == 0 {
            self.syncs.awaited_since = None;
            return false;
        }
        let now = self.clock.elapsed();
        let since = *self.syncs.awaited_since.get_or_insert(now);
        if now.saturating_sub(since) < LONGEST_WAIT {
            return true;
        }
        self.syncs.awaited_since = None;
        self.syncs.delayed += 1;
        self.events.push(Event::SyncDelayed);
        false
    }

    /// As [`Self::write`], where nothing may be left to be tried again.
    fn write_all(&mut self) -> Result<()> {
        if !self.feed.bytes().is_empty() {
            self.write()?;
        }
        if self.feed.bytes().is_empty() { Ok(()) } else { Err(self.refused("what was appended cannot be written")) }
    }

    /// Writes everything that has come together, in one write.
    fn write(&mut self) -> Result<()> {
        let count = self.feed.bytes().len() as u64;
        let Current { file, length, .. } = &mut self.current;
        let Err(error) = self.operations.write(file, self.feed.bytes(), *length) else {
            *length += count;
            self.written += count;
            self.feed.consume(self.feed.bytes().len());
            if self.failure.take().is_some() {
                self.events.push(Event::WriteSolved);
            }
            return Ok(());
        };
        let reached = file.metadata().map_or(0, |metadata| metadata.len().saturating_sub(*length)).min(count);
        let cut_back = reached == 0 || self.operations.truncate(file, *length).is_ok();
        if !cut_back {
            // The next write goes on in the middle of the command.
            *length += reached;
            self.written += reached;
            self.feed.consume(usize::try_from(reached).unwrap_or(usize::MAX));
        }
        self.failed(error, cut_back)
    }

    fn failed(&mut self, error: io::Error, cut_back: bool) -> Result<()> {
        if self.settings.fsync == Fsync::Always {
            self.failure = Some(Failure::Final);
            return Err(Error::io(&self.current.path, "write", error));
        }
        let now = self.clock.elapsed();
        let reported_at = match self.failure {
            Some(Failure::Passing { reported_at, .. }) if now.saturating_sub(reported_at) < REPORT_EVERY => reported_at,
            _ => {
                self.events.push(Event::WriteFailed { error, cut_back });
                now
            }
        };
        self.failure = Some(Failure::Passing { again_at: now + SECOND, reported_at });
        Ok(())
    }

    fn sync_if_due(&mut self) -> Result<()> {
        let is_synced = self.syncs.asked_to == self.written;
        if is_synced || (self.settings.no_fsync_on_rewrite && self.rewriting.is_some()) {
            return Ok(());
        }
        match self.settings.fsync {
            Fsync::No => {}
            Fsync::Always => {
                if let Err(source) = self.operations.sync_data(&self.current.file) {
                    self.failure = Some(Failure::Final);
                    return Err(Error::io(&self.current.path, "sync", source));
                }
                self.syncs.asked_to = self.written;
                self.durable = self.written;
            }
            Fsync::EverySecond => {
                let is_due = self.clock.elapsed().saturating_sub(self.syncs.asked_at) >= SECOND;
                if is_due && self.syncs.thread.waiting() == 0 {
                    self.ask_for_sync(&Arc::clone(&self.current.file));
                }
            }
        }
        Ok(())
    }

    fn ask_for_sync(&mut self, file: &Arc<File>) {
        self.syncs.thread.sync(file, self.written);
        self.syncs.asked_to = self.written;
        self.syncs.asked_at = self.clock.elapsed();
    }

    fn collect_syncs(&mut self) {
        let done = self.syncs.thread.done();
        self.durable = self.durable.max(done.synced_to.unwrap_or(0));
        if let (Some(error), false) = (done.error, self.syncs.has_failed) {
            self.syncs.has_failed = true;
            self.events.push(Event::SyncFailed(error));
        }
    }

    fn finish_rewrite(&mut self) {
        let Some((rewriting, began)) = self.rewriting.take() else { return };
        self.last_rewrite_time = Some(self.clock.elapsed().saturating_sub(began));
        let (sequence, count) = (rewriting.sequence, rewriting.count);
        let replaced = self.settings.replaced;
        let put = rewriting
            .finish()
            .and_then(|draft| self.directory.put_base(&mut self.operations, (draft, sequence), count, replaced));
        match put {
            Err(error) if !matches!(error.kind(), ErrorKind::NotDurable { .. }) => {
                self.trigger.failed();
                self.events.push(Event::RewriteFailed(error));
            }
            put => {
                self.events.extend(put.err().map(Event::RewriteFailed));
                self.other_bytes = self.current.other_bytes(&self.directory);
                self.trigger.succeeded(self.size());
                self.events.push(Event::RewriteFinished(self.size()));
            }
        }
    }
}

impl Current {
    fn begin(directory: &mut Directory, operations: &mut impl Operations) -> Result<Self> {
        let (path, file) = directory.begin_incr(operations)?;
        Ok(Self { path, file: Arc::new(file), length: 0 })
    }

    /// The bytes of the other files that a server loads.
    fn other_bytes(&self, directory: &Directory) -> u64 {
        let others = directory.live().into_iter().filter(|path| *path != self.path);
        others.map(|path| std::fs::metadata(path).map_or(0, |metadata| metadata.len())).sum()
    }
}

fn length(path: &Path, file: &File) -> Result<u64> {
    file.metadata().map(|metadata| metadata.len()).map_err(|source| Error::io(path, "get the length", source))
}

/// Cuts off an end that a crash has torn; any other damage is for a person.
fn mend(operations: &mut impl Operations, manifest: &Path) -> Result<()> {
    use check::Code::{TruncatedRecord, UnfinishedTransaction, ZeroTail};
    let survey = repair::survey(&Log::open(manifest)?, check::Settings::default())?;
    let damages = survey.report.parts.iter().filter_map(|part| plan::damage(&survey, part));
    if let Some(other) =
        damages.into_iter().find(|damage| !matches!(damage.code, TruncatedRecord | UnfinishedTransaction | ZeroTail))
    {
        let text = format!("{}; {}", other.message, other.advice);
        return Err(Error::new(&other.file, ErrorKind::Refused(text)));
    }
    match plan::plan(&survey) {
        Ok(plan) => repair::apply_with(operations, &plan, &repair::Settings::default()).map(|_| ()),
        Err(refusal) => {
            let text = format!("{}; {}", refusal.message(), refusal.advice());
            Err(Error::new(refusal.file, ErrorKind::Refused(text)))
        }
    }
}
