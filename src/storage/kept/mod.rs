//! Copies of what a change removes from a log: in a directory beside the file, `NAME.aofkit-kept-N`, with a text that
//! describes them; or in another directory, if the user wants that. `fix` and `rewrite --in-place` create such
//! directories, and both can undo them, the newest first, or discard them.
//!
//! A directory is complete and synced before anything is changed: whenever the process or the machine stops, the log is
//! unchanged, or can be restored. Whole files are hard links if the file system supports them.

mod make;
mod record;
mod undo;

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

pub use make::Copies;
pub(crate) use make::{Making, write_sparse};
pub use record::{Cause, Record, RecordedFile};
pub use undo::{UndoneReplacement, check_undo, sweep_unused, undo_replacement};

use super::names::kept_of;
use super::{Operations, directory_of};
use crate::input::FileIdentity;
use crate::{Error, Result};

/// The number of bytes to read at a time.
pub(crate) const CHUNK: usize = 256 << 10;

/// A directory of kept copies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The directory.
    pub directory: PathBuf,
    /// Its number: the higher, the newer.
    pub number: u32,
    /// The name of the changed file, with which its own name begins.
    pub file: OsString,
    /// Its record; `None` if it is incomplete.
    pub record: Option<Record>,
}

impl Kept {
    /// The number of bytes that are kept.
    pub fn bytes(&self) -> u64 {
        self.record.iter().flat_map(|record| &record.kept).map(|file| file.bytes).sum()
    }

    /// The directory of the log.
    pub fn log_directory(&self) -> &Path {
        let elsewhere = self.record.as_ref().and_then(|record| record.directory.as_deref());
        elsewhere.unwrap_or_else(|| directory_of(&self.directory))
    }

    /// The path of the file that was changed.
    pub fn changed_file(&self) -> PathBuf {
        self.log_directory().join(&self.file)
    }
}

/// The directories of kept copies in a directory, by number.
///
/// # Errors
/// [`crate::ErrorKind::Io`] if the directory cannot be read.
pub fn list(directory: &Path) -> Result<Vec<Kept>> {
    let read_error = |source| Error::io(directory, "read the directory", source);
    let mut all = Vec::new();
    for entry in fs::read_dir(directory).map_err(read_error)? {
        let entry = entry.map_err(read_error)?;
        let name = entry.file_name();
        let Some((file, number)) = kept_of(&name) else { continue };
        // Ignore links, which may be somebody else's.
        if !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            continue;
        }
        let path = directory.join(&name);
        let record = Record::read(&path).map_err(|source| Error::io(&path, "read", source))?;
        let record = record.filter(|record| record.file == file);
        all.push(Kept { directory: path, number, file: file.to_owned(), record });
    }
    all.sort_unstable_by(|one, other| (one.number, &one.file).cmp(&(other.number, &other.file)));
    Ok(all)
}

/// The directory for the next copies of a file, unless another process creates it first; `None` if none are kept.
pub fn next_directory(file: &Path, copies: &Copies) -> Option<PathBuf> {
    let parent = copies.parent(file)?;
    Some(parent.join(super::names::kept_name(file.file_name().unwrap_or_default(), next_number(parent))))
}

/// Removes what interrupted changes of a file left of copies. `open` opens the files of the log.
///
/// # Errors
/// [`crate::ErrorKind::Io`].
pub(crate) fn sweep(operations: &mut impl Operations, file: &Path, copies: &Copies, open: Open<'_>) -> Result<()> {
    let elsewhere = if let Copies::In(directory) = copies { list(directory)? } else { Vec::new() };
    let beside = list(directory_of(file))?;
    // Those of another directory may be of a log with the same name.
    let is_of_file = |kept: &&Kept| Some(kept.file.as_os_str()) == file.file_name() && kept.changed_file() == file;
    let mut own = beside.iter().chain(&elsewhere).filter(is_of_file);
    own.try_for_each(|kept| sweep_unused(operations, kept, open).map(|_| ()))
}

fn next_number(directory: &Path) -> u32 {
    let names = fs::read_dir(directory).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.file_name()));
    names.filter_map(|name| Some(kept_of(&name)?.1)).max().map_or(1, |number| number.saturating_add(1))
}

/// Removes a directory of kept copies: its text first, so that the rest is not mistaken for complete.
///
/// # Errors
/// [`crate::ErrorKind::Io`].
pub fn discard(operations: &mut impl Operations, kept: &Kept) -> Result<()> {
    remove_directory(operations, &kept.directory)
}

fn remove_directory(operations: &mut impl Operations, directory: &Path) -> Result<()> {
    let error = |source| Error::io(directory, "remove the kept copies", source);
    let entries = fs::read_dir(directory).map_err(error)?;
    let mut names: Vec<OsString> = entries.filter_map(|entry| Some(entry.ok()?.file_name())).collect();
    names.sort_unstable_by_key(|name| (name != OsStr::new(record::TEXT), name.clone()));
    for name in names {
        operations.remove(&directory.join(name)).map_err(error)?;
    }
    operations.remove_directory(directory).map_err(error)?;
    operations.sync_directory(directory_of(directory)).map_err(error)
}

/// Opens a file of the log. A file on which this process holds a lease must not be opened again, because the lease
/// excludes this process as well.
pub type Open<'o> = &'o dyn Fn(&Path) -> io::Result<File>;

/// Opens a file without a lease.
pub(crate) fn open_plainly(path: &Path) -> io::Result<File> {
    File::open(path)
}

/// Whether a file still ends with the bytes that were kept of it, so that it was not truncated yet, or this was undone.
fn is_uncut(kept: &Kept, open: Open<'_>) -> io::Result<bool> {
    let Some((cut_at, copy)) = kept.record.as_ref().and_then(|record| Some((record.cut_at?, record.kept.first()?)))
    else {
        return Ok(false);
    };
    let file = open(&kept.changed_file())?;
    let bytes = File::open(kept.directory.join(&copy.name))?;
    let (length, kept_length) = (file.metadata()?.len(), bytes.metadata()?.len());
    Ok(length == cut_at + kept_length
        && kept_length == copy.bytes
        && are_same((&file, cut_at), (&bytes, 0), kept_length)?)
}

/// Whether no other process is using the copies.
fn is_abandoned(kept: &Kept) -> bool {
    File::open(&kept.directory).is_ok_and(|directory| directory.try_lock().is_ok())
}

/// Whether two names refer to the same file, or to files with the same bytes.
fn is_same_content(one: &Path, other: &Path, open: Open<'_>) -> io::Result<bool> {
    let (first, second) = (FileIdentity::of(&fs::metadata(one)?), FileIdentity::of(&fs::metadata(other)?));
    if first.file_id() == second.file_id() {
        return Ok(true);
    }
    if first.length != second.length {
        return Ok(false);
    }
    are_same((&open(one)?, 0), (&File::open(other)?, 0), first.length)
}

/// Reads bytes of a file, chunk by chunk; `each` gets a chunk and its offset in the file.
pub(crate) fn read_chunks(
    file: &File,
    range: Range<u64>,
    mut each: impl FnMut(&[u8], u64) -> io::Result<()>,
) -> io::Result<()> {
    let mut chunk = vec![0; CHUNK];
    let mut at = range.start;
    while at < range.end {
        let count = usize::try_from(range.end - at).unwrap_or(CHUNK).min(CHUNK);
        let bytes = chunk.get_mut(..count).unwrap_or_default();
        file.read_exact_at(bytes, at)?;
        each(bytes, at)?;
        at += count as u64;
    }
    Ok(())
}

/// Whether `length` bytes at an offset of one file equal those at an offset of another.
pub(crate) fn are_same(one: (&File, u64), other: (&File, u64), length: u64) -> io::Result<bool> {
    let (mut left, mut right) = (vec![0; CHUNK], vec![0; CHUNK]);
    let mut done = 0;
    while done < length {
        let count = usize::try_from(length - done).unwrap_or(CHUNK).min(CHUNK);
        let (Some(left), Some(right)) = (left.get_mut(..count), right.get_mut(..count)) else { return Ok(false) };
        one.0.read_exact_at(left, one.1 + done)?;
        other.0.read_exact_at(right, other.1 + done)?;
        if left != right {
            return Ok(false);
        }
        done += count as u64;
    }
    Ok(true)
}
