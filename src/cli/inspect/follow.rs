//! `--follow`: what is written to a log from now on, through rewrites, cuts and replacements.
//!
//! The end of a file that grows is read, not mapped. A rewrite of a multi-part log names a new incr file in the
//! manifest, and a server writes to that one alone from then on; so the old file is read to its end first, and the new
//! base, which says nothing new, is not shown.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Stderr, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::settings::Settings;
use super::show::Show;
use super::traverse::{Behind, Checkpoint, Visitor, is_cut_annotation, is_incomplete};
use crate::Error;
use crate::aof::Reader;
use crate::aof::log::{Layout, Log, Part, Role};
use crate::check::Finding;
use crate::cli::source;
use crate::escape::Argument;
use crate::input::{Container, FileId, FileIdentity};
use crate::report::file_name::FileName;
use crate::report::inspect::finding;
use crate::select::{Selection, StreamState, Walk};

/// How long to wait when there is nothing new.
const PAUSE: Timespec = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };

/// How much is read at once.
const CHUNK: u64 = 1 << 20;

/// Follows one log.
pub struct Follower<'s> {
    settings: &'s Settings,
    /// The file that the server writes to; none while it is between two.
    tail: Option<Tail>,
    /// The highest sequence number of an incr file that was shown.
    sequence: Option<i64>,
    /// The manifest as it was last read.
    manifest: Option<Manifest>,
    state: StreamState,
    interrupted: Arc<AtomicBool>,
}

/// Where the manifest is, and how to see that it was written again.
struct Manifest {
    path: PathBuf,
    identity: Option<FileIdentity>,
}

/// A file that grows.
struct Tail {
    part: Part,
    file: File,
    identity: FileId,
    /// What was read and is no whole record yet.
    buffer: Vec<u8>,
    /// The offset of the buffer in the file.
    base: u64,
    records: u64,
    /// So many bytes of the buffer were looked at in vain.
    seen: usize,
    /// So many bytes the buffer should hold before it is looked at again, if there are more to come.
    enough: usize,
    /// Whether its name was seen to lead nowhere.
    gone: bool,
}

/// What to do when everything that is there was read.
enum Next {
    Wait,
    GoOn,
    End(Vec<Finding>),
}

/// What became of the reading so far.
enum Pumped {
    /// Everything that is there was read.
    Dry,
    /// `--limit` is reached, or `--to`.
    Full,
    /// It cannot be read on.
    Damaged(Finding),
}

impl<'s> Follower<'s> {
    /// A follower from `position` on, which is the end of what was shown.
    pub fn new(log: &Log, settings: &'s Settings, position: Checkpoint) -> anyhow::Result<Self> {
        let interrupted = Arc::new(AtomicBool::new(false));
        signal_hook::flag::register(signal_hook::consts::SIGINT, Arc::clone(&interrupted))?;
        let manifest = match &log.layout {
            Layout::Single => None,
            Layout::MultiPart(multi_part) => Some(Manifest { path: multi_part.manifest_path.clone(), identity: None }),
        };
        let parts = settings.parts_of(log)?;
        let mut follower = Self { settings, tail: None, sequence: None, manifest, state: position.state, interrupted };
        if let Some(part) = parts.get(position.part).filter(|part| part.role != Role::Base) {
            follower.sequence = part.sequence;
            follower.tail = Some(Tail::open(part, position.behind)?);
        }
        Ok(follower)
    }

    /// Shows what comes, until it is interrupted or has shown enough. What it finds wrong ends it too.
    pub fn run(mut self, show: &mut Show<'_>, stderr: &mut Stderr) -> anyhow::Result<Vec<Finding>> {
        loop {
            match self.pump(show)? {
                Pumped::Damaged(finding) => return Ok(vec![finding]),
                Pumped::Full => return Ok(Vec::new()),
                Pumped::Dry => {}
            }
            match self.move_on(show, stderr)? {
                Next::Wait => {}
                Next::GoOn => continue,
                Next::End(findings) => return Ok(findings),
            }
            show.flush()?;
            if self.interrupted.load(Ordering::Relaxed) {
                return Ok(Vec::new());
            }
            wait_for_news()?;
        }
    }

    fn pump(&mut self, show: &mut Show<'_>) -> anyhow::Result<Pumped> {
        match &mut self.tail {
            Some(tail) => tail.pump(&self.settings.selection, &mut self.state, show, &self.interrupted),
            None => Ok(Pumped::Dry),
        }
    }

    /// Goes on to another file if there is reason to.
    fn move_on(&mut self, show: &mut Show<'_>, stderr: &mut Stderr) -> anyhow::Result<Next> {
        if self.manifest.is_some() {
            return self.follow_manifest(show, stderr);
        }
        let Some(tail) = &mut self.tail else { return Ok(Next::Wait) };
        let cut = tail.file.metadata().is_ok_and(|metadata| metadata.len() < tail.position());
        let news = match fs::metadata(&tail.part.path) {
            Ok(metadata) if FileIdentity::of(&metadata).file_id() != tail.identity => {
                "was replaced; showing the new file"
            }
            Ok(_) if cut => "was truncated; showing it from its start",
            Ok(_) => {
                tail.gone = false;
                return Ok(Next::Wait);
            }
            Err(_) if tail.gone => return Ok(Next::Wait),
            Err(_) => {
                tail.gone = true;
                show.flush()?;
                let _ = writeln!(stderr, "note: {}: the file is gone; waiting for it to come back", tail.name());
                return Ok(Next::Wait);
            }
        };
        // The RDB that begins a new file may still be being written.
        let Some(start) = start_of_records(&tail.part.path)? else { return Ok(Next::Wait) };
        show.flush()?;
        let _ = writeln!(stderr, "note: {}: the file {news}", tail.name());
        let part = tail.part.clone();
        self.state.begin_part();
        let next = Tail::open(&part, Some(Behind { offset: start, records: 0 }))?;
        show.next_part(&part, next.length())?;
        self.tail = Some(next);
        Ok(Next::GoOn)
    }

    /// Looks whether the manifest names a file behind the one that is being read.
    fn follow_manifest(&mut self, show: &mut Show<'_>, stderr: &mut Stderr) -> anyhow::Result<Next> {
        let Some(manifest) = &mut self.manifest else { return Ok(Next::Wait) };
        let identity = fs::metadata(&manifest.path).ok().as_ref().map(FileIdentity::of);
        if identity.is_none() || identity == manifest.identity {
            return Ok(Next::Wait);
        }
        // It may be gone again already, or half written by a hand: then the next look tells.
        let Ok(log) = Log::open_by(source::mapped(), &manifest.path) else { return Ok(Next::Wait) };
        manifest.identity = identity;
        let parts = self.settings.parts_of(&log).unwrap_or_default();
        let is_next = |part: &&&Part| part.role != Role::Base && part.sequence > self.sequence;
        let Some(next) = parts.iter().filter(is_next).min_by_key(|part| part.sequence).copied() else {
            return Ok(Next::Wait);
        };
        // What was written to the old file since it was last read belongs before the new one.
        match self.pump(show)? {
            Pumped::Dry => {}
            Pumped::Full => return Ok(Next::End(Vec::new())),
            Pumped::Damaged(finding) => return Ok(Next::End(vec![finding])),
        }
        show.flush()?;
        if let Some(rest) = self.tail.as_ref().filter(|tail| !tail.buffer.is_empty()) {
            let _ = writeln!(
                stderr,
                "warning: {}: the file ends inside a record, and the log goes on in {} (byte {})",
                rest.name(),
                Argument(next.file_name()),
                rest.base
            );
        }
        if let (Some(last), Some(sequence)) = (self.sequence, next.sequence)
            && sequence > last + 1
        {
            let _ = writeln!(
                stderr,
                "warning: what was written between incr {last} and incr {sequence} was rewritten before it could be \
                 read"
            );
        }
        let Some(start) = start_of_records(&next.path)? else { return Ok(Next::Wait) };
        self.state.begin_part();
        let tail = Tail::open(next, Some(Behind { offset: start, records: 0 }))?;
        show.next_part(next, tail.length())?;
        self.sequence = next.sequence;
        self.tail = Some(tail);
        // There may be yet another behind it.
        if let Some(manifest) = &mut self.manifest {
            manifest.identity = None;
        }
        Ok(Next::GoOn)
    }
}

/// Waits a while, unless the reader of standard output goes away meanwhile, or a signal comes.
fn wait_for_news() -> io::Result<()> {
    let stdout = io::stdout();
    // No event is asked for: that nobody reads any more is told unasked.
    let mut ends = [PollFd::new(&stdout, PollFlags::empty())];
    match poll(&mut ends, Some(&PAUSE)) {
        Ok(0) | Err(Errno::INTR) => Ok(()),
        Ok(_) => Err(io::ErrorKind::BrokenPipe.into()),
        Err(error) => Err(error.into()),
    }
}

/// Where the records of a file begin: behind its RDB, if it begins with one. Nothing as long as that is not whole.
fn start_of_records(path: &Path) -> anyhow::Result<Option<u64>> {
    let input = source::mapped().open_as_is(path)?;
    Ok(Reader::after_preamble(input.bytes()).ok().map(|reader| reader.position()))
}

impl Tail {
    fn open(part: &Part, behind: Option<Behind>) -> anyhow::Result<Self> {
        let Behind { offset, records } = behind.unwrap_or(Behind { offset: 0, records: 0 });
        let follow_error = |source| Error::io(&part.path, "follow", source);
        let mut file = File::open(&part.path).map_err(follow_error)?;
        let metadata = file.metadata().map_err(follow_error)?;
        anyhow::ensure!(metadata.is_file(), "{}: only a regular file can be followed", FileName(&part.path));
        file.seek(SeekFrom::Start(offset)).map_err(follow_error)?;
        Ok(Self {
            part: part.clone(),
            identity: FileIdentity::of(&metadata).file_id(),
            file,
            buffer: Vec::new(),
            base: offset,
            records,
            seen: 0,
            enough: 0,
            gone: false,
        })
    }

    fn name(&self) -> Argument<'_> {
        Argument(self.part.file_name())
    }

    fn position(&self) -> u64 {
        self.base + self.buffer.len() as u64
    }

    fn length(&self) -> u64 {
        self.file.metadata().map_or(0, |metadata| metadata.len())
    }

    /// Reads all there is, and shows the records in it.
    fn pump(
        &mut self,
        selection: &Selection,
        state: &mut StreamState,
        show: &mut Show<'_>,
        interrupted: &AtomicBool,
    ) -> anyhow::Result<Pumped> {
        loop {
            let read = self.read()?;
            // At the end of what is there, that must do.
            let least = if read == 0 { self.seen + 1 } else { self.enough };
            if self.buffer.len() >= least {
                match self.show(selection, state, show)? {
                    Pumped::Dry => {}
                    other => return Ok(other),
                }
            }
            if read == 0 {
                return Ok(Pumped::Dry);
            }
            if interrupted.load(Ordering::Relaxed) {
                return Ok(Pumped::Dry);
            }
        }
    }

    fn read(&mut self) -> anyhow::Result<usize> {
        loop {
            match (&mut self.file).take(CHUNK).read_to_end(&mut self.buffer) {
                Ok(read) => return Ok(read),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Error::io(&self.part.path, "read", error).into()),
            }
        }
    }

    fn show(&mut self, selection: &Selection, state: &mut StreamState, show: &mut Show<'_>) -> anyhow::Result<Pumped> {
        let mut walk = Walk::piece(&self.buffer, self.base, self.records, *state);
        let mut whole = (self.base, self.records, *state);
        let mut pumped = Pumped::Dry;
        self.enough = 0;
        while let Some(next) = walk.next_step() {
            let step = match next {
                Ok(step) if is_cut_annotation(&step) => break,
                Ok(step) => step,
                Err(damage) if is_incomplete(&damage) => {
                    // Rather than from its start for every chunk, a long record is read a few times in all.
                    let pending = usize::try_from(damage.offset - damage.record_offset).unwrap_or_default();
                    self.enough = self.buffer.len() + pending / 2;
                    break;
                }
                Err(damage) => {
                    // Only from its first byte on can a file be seen to be none of a log.
                    let bytes = if self.base == 0 { self.buffer.as_slice() } else { &[] };
                    pumped = Pumped::Damaged(finding::of_damage(
                        &self.part.path,
                        &self.part,
                        &damage,
                        bytes,
                        Container::Plain,
                    ));
                    break;
                }
            };
            let wanted = selection.takes(&step.record, &step.place);
            let past = selection.is_past(step.record.offset);
            let flow = if wanted { show.record(&step)? } else { show.pass(&step)? };
            whole = (walk.position(), walk.records(), *walk.state());
            if flow.is_break() || (past && !show.printer.is_incomplete()) {
                pumped = Pumped::Full;
                break;
            }
        }
        let (position, records, reached) = whole;
        let consumed = usize::try_from(position - self.base).unwrap_or(self.buffer.len());
        self.enough = self.enough.saturating_sub(consumed);
        self.buffer.drain(..consumed.min(self.buffer.len()));
        self.seen = self.buffer.len();
        self.base = position;
        self.records = records;
        *state = reached;
        Ok(pumped)
    }
}
