//! What is written to a log from now on, through rewrites, cuts and replacements.
//!
//! The end of a file that grows is read, not mapped. A rewrite of a multi-part log names a new incr file in the
//! manifest, and a server writes to that one alone from then on; so the old file is read to its end first, and the new
//! base, which says nothing new, is not shown.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::finding;
use super::selection::Selection;
use super::state::{StreamState, Walk};
use super::traverse::{Checkpoint, News, Passed, Visitor, is_cut_annotation, is_incomplete};
use crate::aof::Reader;
use crate::aof::log::{Log, Part, Role};
use crate::check::Finding;
use crate::input::{Access, Container, FileId, FileIdentity};
use crate::{Error, ErrorKind};

/// How much is read at once.
const CHUNK: u64 = 1 << 20;

/// Follows one log: [`poll`](Self::poll) it for what is new.
#[derive(Debug)]
pub struct Follower<'s> {
    access: Access,
    selection: &'s Selection,
    /// The names of the parts to read; all if there are none.
    names: &'s [Vec<u8>],
    /// The file that the server writes to; none while it is between two.
    tail: Option<Tail>,
    /// The highest sequence number of an incr file that was shown.
    sequence: Option<i64>,
    /// The manifest as it was last read.
    manifest: Option<Manifest>,
    state: StreamState,
}

/// What a poll came to.
#[derive(Debug)]
pub enum Polled {
    /// There may be more at once.
    More,
    /// Everything that is there was read.
    Waiting,
    /// The visitor or the selection has enough, or the log is damaged.
    Ended(Option<Finding>),
}

/// Where the manifest is, and how to see that it was written again.
#[derive(Debug)]
struct Manifest {
    path: PathBuf,
    identity: Option<FileIdentity>,
}

/// A file that grows.
#[derive(Debug)]
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

/// What became of the reading so far.
enum Pumped {
    /// There may be more.
    More,
    /// Everything that is there was read.
    Dry,
    /// The visitor or the selection has enough.
    Full,
    /// It cannot be read on.
    Damaged(Finding),
}

impl<'s> Follower<'s> {
    /// A follower from `position` on, which is where a traversal of `parts` of the log ended; `names` are those of the
    /// parts to read, all if there are none.
    ///
    /// # Errors
    /// [`ErrorKind::Io`], and [`ErrorKind::Refused`] for what cannot grow.
    pub fn new(
        access: Access,
        log: &Log,
        (parts, names): (&[&Part], &'s [Vec<u8>]),
        selection: &'s Selection,
        position: Checkpoint,
    ) -> crate::Result<Self> {
        let manifest = log.as_multi_part().map(|parts| Manifest { path: parts.manifest_path.clone(), identity: None });
        let state = position.state;
        let mut follower = Self { access, selection, names, tail: None, sequence: None, manifest, state };
        if let Some(part) = parts.get(position.part).filter(|part| part.role != Role::Base) {
            follower.sequence = part.sequence;
            follower.tail = Some(Tail::open(part, position.passed)?);
        }
        Ok(follower)
    }

    /// Reads on, as far as one piece goes, and shows the records in it.
    ///
    /// # Errors
    /// [`ErrorKind::Io`], and those of the visitor.
    pub fn poll<V: Visitor>(&mut self, visitor: &mut V) -> Result<Polled, V::Error> {
        match self.pump(visitor)? {
            Pumped::More => Ok(Polled::More),
            Pumped::Dry => self.move_on(visitor),
            Pumped::Full => Ok(Polled::Ended(None)),
            Pumped::Damaged(finding) => Ok(Polled::Ended(Some(finding))),
        }
    }

    fn pump<V: Visitor>(&mut self, visitor: &mut V) -> Result<Pumped, V::Error> {
        match &mut self.tail {
            Some(tail) => tail.pump(self.selection, &mut self.state, visitor),
            None => Ok(Pumped::Dry),
        }
    }

    /// Goes on to another file if there is reason to.
    fn move_on<V: Visitor>(&mut self, visitor: &mut V) -> Result<Polled, V::Error> {
        if self.manifest.is_some() {
            return self.follow_manifest(visitor);
        }
        let Some(tail) = &mut self.tail else { return Ok(Polled::Waiting) };
        let cut = tail.file.metadata().is_ok_and(|metadata| metadata.len() < tail.position());
        let news = match fs::metadata(&tail.part.path) {
            Ok(metadata) if FileIdentity::of(&metadata).file_id() != tail.identity => News::Replaced(&tail.part),
            Ok(_) if cut => News::Truncated(&tail.part),
            Ok(_) => {
                tail.gone = false;
                return Ok(Polled::Waiting);
            }
            Err(_) if tail.gone => return Ok(Polled::Waiting),
            Err(_) => {
                tail.gone = true;
                visitor.news(&News::Gone(&tail.part))?;
                return Ok(Polled::Waiting);
            }
        };
        // The RDB that begins a new file may still be being written.
        let Some(start) = start_of_records(self.access, &tail.part.path)? else { return Ok(Polled::Waiting) };
        visitor.news(&news)?;
        let part = tail.part.clone();
        self.begin(&part, start, visitor)?;
        Ok(Polled::More)
    }

    /// Looks whether the manifest names a file after the one that is being read.
    fn follow_manifest<V: Visitor>(&mut self, visitor: &mut V) -> Result<Polled, V::Error> {
        let Some(manifest) = &mut self.manifest else { return Ok(Polled::Waiting) };
        let identity = fs::metadata(&manifest.path).ok().as_ref().map(FileIdentity::of);
        if identity.is_none() || identity == manifest.identity {
            return Ok(Polled::Waiting);
        }
        // It may be gone again already, or half written by a hand: then the next look tells.
        let Ok(log) = Log::open_by(self.access, &manifest.path) else { return Ok(Polled::Waiting) };
        manifest.identity = identity;
        let names = self.names;
        let is_wanted = |part: &&Part| names.is_empty() || names.iter().any(|name| name == part.file_name());
        let parts = log.parts.iter().chain(log.history.iter().filter(|_| !names.is_empty())).filter(is_wanted);
        let is_next = |part: &&Part| part.role != Role::Base && part.sequence > self.sequence;
        let Some(next) = parts.filter(is_next).min_by_key(|part| part.sequence) else {
            return Ok(Polled::Waiting);
        };
        // What was written to the old file since it was last read belongs before the new one.
        loop {
            match self.pump(visitor)? {
                Pumped::More => {}
                Pumped::Dry => break,
                Pumped::Full => return Ok(Polled::Ended(None)),
                Pumped::Damaged(finding) => return Ok(Polled::Ended(Some(finding))),
            }
        }
        if let Some(rest) = self.tail.as_ref().filter(|tail| !tail.buffer.is_empty()) {
            visitor.news(&News::EndsInsideRecord { part: &rest.part, next, offset: rest.base })?;
        }
        if let (Some(after), Some(before)) = (self.sequence, next.sequence)
            && before > after + 1
        {
            visitor.news(&News::Missed { after, before })?;
        }
        let Some(start) = start_of_records(self.access, &next.path)? else { return Ok(Polled::Waiting) };
        self.begin(next, start, visitor)?;
        self.sequence = next.sequence;
        // There may be yet another after it.
        if let Some(manifest) = &mut self.manifest {
            manifest.identity = None;
        }
        Ok(Polled::More)
    }

    /// Goes on in a part, whose records begin at `start`.
    fn begin<V: Visitor>(&mut self, part: &Part, start: u64, visitor: &mut V) -> Result<(), V::Error> {
        self.state.begin_part();
        let tail = Tail::open(part, Some(Passed { offset: start, records: 0 }))?;
        visitor.news(&News::Begins(part, tail.length()))?;
        self.tail = Some(tail);
        Ok(())
    }
}

/// Where the records of a file begin: after its RDB, if it begins with one. Nothing as long as that is not whole.
fn start_of_records(access: Access, path: &Path) -> crate::Result<Option<u64>> {
    let input = access.open_as_is(path)?;
    Ok(Reader::after_preamble(input.bytes()).ok().map(|reader| reader.position()))
}

impl Tail {
    fn open(part: &Part, passed: Option<Passed>) -> crate::Result<Self> {
        let Passed { offset, records } = passed.unwrap_or(Passed { offset: 0, records: 0 });
        let follow_error = |source| Error::io(&part.path, "follow", source);
        let mut file = File::open(&part.path).map_err(follow_error)?;
        let metadata = file.metadata().map_err(follow_error)?;
        if !metadata.is_file() {
            let text = "only a regular file can be followed".to_owned();
            return Err(Error::new(&part.path, ErrorKind::Refused(text)));
        }
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

    fn position(&self) -> u64 {
        self.base + self.buffer.len() as u64
    }

    fn length(&self) -> u64 {
        self.file.metadata().map_or(0, |metadata| metadata.len())
    }

    /// Reads a piece, and shows the records in it.
    fn pump<V: Visitor>(
        &mut self,
        selection: &Selection,
        state: &mut StreamState,
        visitor: &mut V,
    ) -> Result<Pumped, V::Error> {
        let read = self.read()?;
        // At the end of what is there, that must do.
        let least = if read == 0 { self.seen + 1 } else { self.enough };
        if self.buffer.len() >= least {
            match self.show(selection, state, visitor)? {
                Pumped::More => {}
                other => return Ok(other),
            }
        }
        Ok(if read == 0 { Pumped::Dry } else { Pumped::More })
    }

    fn read(&mut self) -> crate::Result<usize> {
        loop {
            match (&mut self.file).take(CHUNK).read_to_end(&mut self.buffer) {
                Ok(read) => return Ok(read),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Error::io(&self.part.path, "read", error)),
            }
        }
    }

    fn show<V: Visitor>(
        &mut self,
        selection: &Selection,
        state: &mut StreamState,
        visitor: &mut V,
    ) -> Result<Pumped, V::Error> {
        let mut walk = Walk::piece(&self.buffer, self.base, self.records, *state);
        let mut whole = (self.base, self.records, *state);
        let mut pumped = Pumped::More;
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
            let flow = if wanted { visitor.record(&step)? } else { visitor.pass(&step)? };
            whole = (walk.position(), walk.records(), *walk.state());
            if flow.is_break() || (past && !visitor.is_incomplete()) {
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
