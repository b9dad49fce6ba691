//! A rewritten log in the place of the old one.
//!
//! Whenever the process or the machine stops, the old log is there whole, or the new one is: a file is replaced by
//! exchanging two names, a log of several parts by exchanging its manifest. The old files are kept (see
//! [`crate::storage::kept`]) before that, and lose their own names only when the new manifest lasts.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::layout::{Base, Names};
use crate::aof::log::{Layout, Log, MultiPart};
use crate::aof::manifest::{Entry, Kind, Manifest};
use crate::aof::{Content, Reader};
use crate::input::{Container, FileIdentity, Input};
use crate::resp;
use crate::storage::draft::{Draft, DraftWriter};
use crate::storage::kept::{self, Cause, Copies, Kept};
use crate::storage::replace::{OldFile, Replacement};
use crate::storage::{Change, Operations, Ownership, Watch, unchanged};
use crate::{Error, ErrorKind, Result};

/// What was replayed: where it ended, so that what was written after it can be carried over.
#[derive(Debug, Clone, Copy)]
pub struct Reading<'r> {
    /// The parts as they were read, in order.
    pub inputs: &'r [Input],
    /// The offset in the last part at which the replay ended.
    pub end: u64,
    /// The database that was selected there.
    pub database: u32,
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replaced {
    /// How many bytes were written to the old log meanwhile, and carried over.
    pub grown: u64,
    /// Where the old files are.
    pub kept: Kept,
}

/// A new log that is written and on disk, and has no name yet: the old log still counts.
#[derive(Debug)]
pub struct Prepared<'l> {
    log: &'l Log,
    reading: Reading<'l>,
    watch: Watch,
    ownership: Option<Ownership>,
    draft: Draft,
    /// The names of the new log.
    place: Place,
}

/// Where the new log goes.
#[derive(Debug)]
enum Place {
    File(PathBuf),
    Parts { names: Names, base: (OsString, i64), incr: (OsString, i64) },
}

fn refused(path: &Path, text: impl Into<String>) -> Error {
    Error::new(path, ErrorKind::Refused(text.into()))
}

/// Writes the new log beside the old one, without a name that anybody looks for.
///
/// `watch` is that of the log's parts, from before they were read.
///
/// # Errors
/// [`ErrorKind::Refused`] for standard input and a compressed file; [`ErrorKind::Io`].
pub fn prepare<'l, O: Operations, T>(
    operations: &mut O,
    (log, reading): (&'l Log, Reading<'l>),
    watch: Watch,
    base: Base,
    fill: impl FnOnce(&mut DraftWriter<'_, O>) -> io::Result<T>,
) -> Result<(Prepared<'l>, T)> {
    if let Some(base) = log.parts.iter().find(|part| part.awaits_move) {
        let text = "an upgrade was interrupted, and this base is outside the directory of its log; start the server \
                    once, which moves it there, or move it, then run this again";
        return Err(refused(&base.path, text));
    }
    let place = match &log.layout {
        Layout::Single => file_place(reading)?,
        Layout::MultiPart(parts) => parts_place(parts, base)?,
    };
    let metadata = |path: &Path| path.metadata().ok();
    let parts = log.parts.iter().filter_map(|part| metadata(&part.path));
    let ownership = Ownership::strictest(parts)
        .or_else(|| log.as_multi_part().and_then(|parts| metadata(&parts.manifest_path)).map(|it| Ownership::of(&it)));
    let target = match &place {
        Place::File(path) => path.clone(),
        Place::Parts { names, base, .. } => names.directory.join(&base.0),
    };
    let (draft, value) = Draft::beside(operations, &target, ownership)?.fill(operations, fill)?;
    let draft = draft.sync(operations)?;
    Ok((Prepared { log, reading, watch, ownership, draft, place }, value))
}

fn file_place(reading: Reading<'_>) -> Result<Place> {
    let [input] = reading.inputs else { return Err(refused(Path::new(""), "there is no file to replace")) };
    if input.container() != Container::Plain {
        let text = "the file is compressed; decompress it first, or write the new log elsewhere";
        return Err(refused(input.path(), text));
    }
    // A link keeps pointing at the log.
    let path = input.path().canonicalize().map_err(|source| Error::io(input.path(), "resolve the path", source))?;
    Ok(Place::File(path))
}

/// Chooses names that nothing uses: no file, and no line of the manifest.
fn parts_place(log: &MultiPart, base: Base) -> Result<Place> {
    let names = Names::of(log);
    let chosen = names.next(&log.manifest, Kind::Base, |sequence| names.base(sequence, base)).zip(names.next(
        &log.manifest,
        Kind::Incr,
        |sequence| names.incr(sequence),
    ));
    match chosen {
        Some((base, incr)) => Ok(Place::Parts { names, base, incr }),
        None => Err(refused(&log.manifest_path, "no sequence number is left for a new file")),
    }
}

impl Prepared<'_> {
    /// A path under which the new base, or the new file, can be read.
    pub fn path(&self) -> PathBuf {
        self.draft.path()
    }

    /// How many bytes it has.
    pub const fn length(&self) -> u64 {
        self.draft.length()
    }

    /// The directory that the old files will be in, as far as can be said now.
    pub fn kept_directory(&self) -> PathBuf {
        kept::next_directory(&self.main(), &Copies::Beside).unwrap_or_default()
    }

    /// Removes the new log.
    pub fn discard(self, operations: &mut impl Operations) {
        self.draft.discard(operations);
    }

    /// The file whose replacement makes the new log count.
    fn main(&self) -> PathBuf {
        match (&self.place, self.log.as_multi_part()) {
            (Place::File(path), _) => path.clone(),
            (Place::Parts { names, .. }, parts) => {
                let manifest = parts.map_or(Path::new(""), |parts| parts.manifest_path.as_path());
                names.directory.join(manifest.file_name().unwrap_or_default())
            }
        }
    }

    /// Puts the new log in the place of the old one, whose files are kept.
    ///
    /// The old log is looked at again right before and right after that: whatever was done to it meanwhile wins.
    ///
    /// # Errors
    /// [`ErrorKind::OpenElsewhere`], [`ErrorKind::Refused`] for a log that changed in another way than by whole records
    /// at its end, or at the last moment; [`ErrorKind::Io`]. The old log is then untouched, and nothing else is
    /// left. [`ErrorKind::NotDurable`] where the new log counts already.
    pub fn commit(self, operations: &mut impl Operations) -> Result<Replaced> {
        let mut change = Change::begin();
        let path = self.main();
        let Self { log, reading, watch, ownership, draft, place } = self;
        let copies = Copies::Beside;
        let open = |path: &Path| opened(&watch, reading, path).map_or_else(|| File::open(path), File::try_clone);
        let swept = kept::sweep(operations, &path, &copies, &open);
        let grown = swept.and_then(|()| grown(log, reading, &watch));
        let (draft, (grown, identities)) = draft.or_discard(operations, grown)?;
        let old = |path: PathBuf| OldFile { opened: opened(&watch, reading, &path), path };
        let (main, others, old_others) = match (&place, log.as_multi_part()) {
            (Place::Parts { names, base, incr }, Some(parts)) => {
                let made = incr_and_manifest(operations, parts, (names, base, incr), ownership, &grown);
                let (draft, (incr, manifest)) = draft.or_discard(operations, made)?;
                let old_names = old_names(parts).into_iter().map(|name| old(parts.directory.join(name)));
                (manifest, vec![draft, incr], old_names.collect())
            }
            _ => {
                let (draft, ()) = draft.fill(operations, |out| out.write_all(&grown))?;
                (if grown.is_empty() { draft } else { draft.sync(operations)? }, Vec::new(), Vec::new())
            }
        };
        let target = main.target().to_owned();
        let is_unchanged = |at: &Path| {
            watch.check_openers()?;
            if let Some(parts) = log.as_multi_part() {
                same_manifest(parts, at)?;
            }
            let inputs = reading.inputs.iter().zip(&identities);
            // The only file of a log is where it was, or has been displaced.
            let place =
                |input: &Input| if log.as_multi_part().is_some() { input.path().to_owned() } else { at.to_owned() };
            inputs.into_iter().try_for_each(|(input, identity)| unchanged(&place(input), identity))
        };
        let cause = Cause::Rewrite;
        let old_main = Some(old(target));
        let replacement =
            Replacement { place: &path, main, old_main, others, old_others, cause, copies: &copies, ownership };
        let kept = replacement.carry_out(operations, &mut change, &is_unchanged)?;
        // Copies are always kept of a rewrite.
        let kept = kept.ok_or_else(|| refused(&path, "no copies were kept"))?;
        Ok(Replaced { grown: grown.len() as u64, kept })
    }
}

/// The new incr and the new manifest, without their names.
fn incr_and_manifest(
    operations: &mut impl Operations,
    log: &MultiPart,
    (names, base, incr): (&Names, &(OsString, i64), &(OsString, i64)),
    ownership: Option<Ownership>,
    grown: &[u8],
) -> Result<(Draft, Draft)> {
    let open_error = |source| Error::io(&log.manifest_path, "open", source);
    // A link keeps pointing at the manifest.
    let manifest = log.manifest_path.canonicalize().map_err(open_error)?;
    let like = Ownership::of(&fs::metadata(&manifest).map_err(open_error)?);
    let text = Manifest::of(vec![
        Entry::new(base.0.as_bytes(), base.1, Kind::Base),
        Entry::new(incr.0.as_bytes(), incr.1, Kind::Incr),
    ])
    .to_bytes();
    let incr = Draft::of_bytes(operations, &names.directory.join(&incr.0), ownership, grown)?;
    let manifest = Draft::of_bytes(operations, &manifest, Some(like), &text);
    incr.or_discard(operations, manifest)
}

/// The descriptor of a part on which a lease is held.
fn opened<'w>(watch: &'w Watch, reading: Reading<'_>, path: &Path) -> Option<&'w File> {
    let is_it = |input: &Input| input.path() == path || input.path().canonicalize().is_ok_and(|found| found == path);
    watch.file(reading.inputs.iter().position(is_it)?)
}

/// The files that the manifest names and that are there, once each.
fn old_names(log: &MultiPart) -> Vec<OsString> {
    let mut names: Vec<OsString> =
        log.manifest.entries.iter().map(|entry| OsStr::from_bytes(&entry.name).to_owned()).collect();
    names.sort_unstable();
    names.dedup();
    let manifest = log.manifest_path.file_name();
    // A line may name the manifest itself, or nothing at all.
    names.retain(|name| {
        let is_file = log.directory.join(name).symlink_metadata().is_ok_and(|found| !found.is_dir());
        is_file && Some(name.as_os_str()) != manifest
    });
    names
}

/// Refuses a manifest that is not as it was: a server has rewritten the log meanwhile.
fn same_manifest(log: &MultiPart, path: &Path) -> Result<()> {
    let now = fs::read(path).map_err(|source| Error::io(&log.manifest_path, "read", source))?;
    if now == log.input.bytes() {
        return Ok(());
    }
    Err(refused(
        &log.manifest_path,
        "the manifest changed while the log was rewritten; stop the server, and run this again",
    ))
}

/// What was appended to the last part since it was read, from where the replay ended, as the beginning of what follows
/// the new base; and what the parts are now.
fn grown(log: &Log, reading: Reading<'_>, watch: &Watch) -> Result<(Vec<u8>, Vec<FileIdentity>)> {
    watch.check_openers()?;
    log.as_multi_part().map_or(Ok(()), |log| same_manifest(log, &log.manifest_path))?;
    let mut all: Vec<FileIdentity> = reading.inputs.iter().map(|input| *input.file_identity()).collect();
    let Some((last, earlier)) = reading.inputs.split_last() else { return Ok((Vec::new(), all)) };
    earlier.iter().try_for_each(|input| unchanged(input.path(), input.file_identity()))?;
    let (path, before) = (last.path(), last.file_identity());
    let now = FileIdentity::of(&fs::metadata(path).map_err(|source| Error::io(path, "open", source))?);
    let is_longer = now.file_id() == before.file_id() && now.length > before.length;
    // What nobody else could open did not grow by records.
    if !is_longer || watch.keeps_others_out() {
        unchanged(path, before)?;
        return Ok((Vec::new(), all));
    }
    let tail = read_from(path, reading.end, now.length).map_err(|source| Error::io(path, "read", source))?;
    let mut reader = Reader::new(&tail, 0);
    let mut is_command = false;
    while let Some(Ok(record)) = reader.next_record() {
        is_command |= matches!(record.content, Content::Command(_));
    }
    if reader.valid_up_to() != tail.len() as u64 {
        return Err(refused(
            path,
            "the file grew while it was rewritten, and does not end with a whole record; stop whatever writes to it, \
             and run this again",
        ));
    }
    let mut grown = Vec::new();
    if is_command {
        resp::write_command(&mut grown, &[b"SELECT", reading.database.to_string().as_bytes()]);
    }
    grown.extend_from_slice(&tail);
    if let Some(identity) = all.last_mut() {
        *identity = now;
    }
    Ok((grown, all))
}

fn read_from(path: &Path, start: u64, end: u64) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.take(end.saturating_sub(start)).read_to_end(&mut bytes)?;
    Ok(bytes)
}
