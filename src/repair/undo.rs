//! Restores what a change of a log removed, whichever command made the change; or discards the copies.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::apply::refused;
use crate::aof::log::Log;
use crate::error::copied;
use crate::plural::counted;
use crate::storage::kept::{self, Kept, UndoneReplacement, are_same, write_sparse};
use crate::storage::{Change, FileSystem, OpenElsewhere, Operations, Watch, directory_of};
use crate::{Error, ErrorKind, Result};

/// What was put back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Undone {
    /// The bytes that a cut had removed.
    Cut(UndoneCut),
    /// The files that had been replaced.
    Replacement(UndoneReplacement),
}

/// Bytes that were put back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UndoneCut {
    /// The file.
    pub path: PathBuf,
    /// The offset at which they are again.
    pub cut_at: u64,
    /// How many bytes there are.
    pub restored: u64,
}

/// The copies that were kept of a log, also in the directory `elsewhere`, the newest last; those that are not complete
/// come first.
///
/// # Errors
/// As [`Log::open`]; [`ErrorKind::Io`] if a directory cannot be read.
pub fn copies_of(path: &Path, elsewhere: Option<&Path>) -> Result<Vec<Kept>> {
    let log = Log::open(path)?;
    let mut files: Vec<PathBuf> = log.parts.iter().chain(&log.history).map(|part| part.path.clone()).collect();
    let mut prefix = None;
    if let Some(parts) = log.as_multi_part() {
        let manifest = &parts.manifest_path;
        prefix = manifest.file_stem().map(|stem| (parts.directory.clone(), [stem.as_bytes(), b"."].concat()));
        files.push(manifest.clone());
    }
    // Copies lie where a file is, not where a link to it is; those of a manifest lie with the parts.
    let targets: Vec<PathBuf> = files.iter().filter_map(|file| file.canonicalize().ok()).collect();
    files.extend(targets);
    let mut directories: Vec<PathBuf> = files.iter().map(|file| directory_of(file).to_owned()).collect();
    directories.sort_unstable();
    directories.dedup_by_key(|directory| real(directory));
    let named: Vec<(PathBuf, &OsStr)> =
        files.iter().filter_map(|file| Some((real(directory_of(file)), file.file_name()?))).collect();
    let prefix = prefix.map(|(directory, prefix)| (real(&directory), prefix));
    directories.extend(elsewhere.map(Path::to_owned));
    let mut all: Vec<Kept> = Vec::new();
    for directory in directories.iter().filter(|directory| directory.is_dir()) {
        // In another directory there may be copies of any log: those of this one say where it is.
        let is_of_log = |kept: &Kept| {
            let place = real(kept.log_directory());
            let is_named = named.iter().any(|(directory, name)| *directory == place && *name == kept.file);
            let has_prefix = |(directory, prefix): &(PathBuf, Vec<u8>)| {
                *directory == place && kept.file.as_bytes().starts_with(prefix)
            };
            is_named || prefix.as_ref().is_some_and(has_prefix)
        };
        let found = kept::list(directory)?.into_iter().filter(is_of_log);
        let is_new =
            |kept: &Kept, all: &[Kept]| !all.iter().any(|known| real(&known.directory) == real(&kept.directory));
        all.extend(found.filter(|kept| is_new(kept, &all)).collect::<Vec<_>>());
    }
    all.sort_by_key(|kept| (kept.record.as_ref().map(|record| record.time), kept.number));
    Ok(all)
}

/// The path without links, if there is such a file.
fn real(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

/// The copies that [`undo`] would put back, after checking that they can be; nothing is changed.
///
/// # Errors
/// As [`undo`].
pub fn find(path: &Path, elsewhere: Option<&Path>) -> Result<Kept> {
    let newest = newest(path, elsewhere)?;
    check(&newest)?;
    Ok(newest)
}

/// Checks whether a change can be undone, if it is the newest; nothing is changed.
///
/// # Errors
/// As [`undo`].
pub fn check(kept: &Kept) -> Result<()> {
    if is_cut(kept) { choose(kept).map(|_| ()) } else { kept::check_undo(kept) }
}

fn newest(path: &Path, elsewhere: Option<&Path>) -> Result<Kept> {
    let newest = copies_of(path, elsewhere)?.pop().filter(|kept| kept.record.is_some());
    newest.ok_or_else(|| refused(path, "there is nothing to put back: no copies were kept of this log".to_owned()))
}

fn is_cut(kept: &Kept) -> bool {
    kept.record.as_ref().is_some_and(|record| record.cut_at.is_some())
}

/// Undoes the last change of a log of which copies were kept, beside it or in the directory `elsewhere`, then removes
/// them.
///
/// If it was interrupted, a second call continues; the copies stay until everything is restored and on disk.
///
/// # Errors
/// [`ErrorKind::Refused`] if there are no copies, or the log was written to since; [`ErrorKind::OpenElsewhere`];
/// [`ErrorKind::Io`].
pub fn undo(path: &Path, elsewhere: Option<&Path>, open_elsewhere: OpenElsewhere) -> Result<Undone> {
    undo_with(&mut FileSystem, path, elsewhere, open_elsewhere)
}

/// As [`undo`], with the operations that are given.
///
/// # Errors
/// As [`undo`].
pub fn undo_with(
    operations: &mut impl Operations,
    path: &Path,
    elsewhere: Option<&Path>,
    open_elsewhere: OpenElsewhere,
) -> Result<Undone> {
    let newest = newest(path, elsewhere)?;
    if is_cut(&newest) {
        undo_cut(operations, &newest, open_elsewhere).map(Undone::Cut)
    } else {
        kept::undo_replacement(operations, &newest, open_elsewhere).map(Undone::Replacement)
    }
}

/// Removes all copies that were kept of a log, and returns which.
///
/// # Errors
/// As [`copies_of`]; [`ErrorKind::Io`].
pub fn discard(path: &Path, elsewhere: Option<&Path>) -> Result<Vec<Kept>> {
    let all = copies_of(path, elsewhere)?;
    all.iter().try_for_each(|kept| kept::discard(&mut FileSystem, kept))?;
    Ok(all)
}

fn undo_cut(operations: &mut impl Operations, kept: &Kept, open_elsewhere: OpenElsewhere) -> Result<UndoneCut> {
    let path = kept.changed_file();
    let watch = Watch::of_file(&path, open_elsewhere)?;
    let copy = choose(kept)?;
    watch.check()?;
    // The lease keeps this process out as well.
    drop(watch);
    let mut change = Change::begin();
    let file = operations.open(&path).map_err(|source| Error::io(&path, "open for writing", source))?;
    let length = file.metadata().map_err(|source| Error::io(&path, "get the length", source))?.len();
    if length != copy.cut_at + copy.begun {
        return Err(refused(&path, "the file was written to in the meantime; stop whatever writes to it".to_owned()));
    }
    if let Err(source) = append(operations, &file, &copy) {
        // A file that ends inside a record is worse than one that is cut; the copy has everything.
        let _ = operations.truncate(&file, copy.cut_at).and_then(|()| operations.sync(&file));
        return Err(Error::io(&path, "put the bytes back", source));
    }
    kept::discard(operations, kept).map_err(|error| match error.kind() {
        ErrorKind::Io { source, .. } => {
            let done = format!(
                "{} put back, but the copies in {} are still there",
                counted(copy.length, "byte"),
                kept.directory.display()
            );
            Error::new(&path, ErrorKind::NotDurable { done, source: copied(source) })
        }
        _ => error,
    })?;
    change.done();
    Ok(UndoneCut { path, cut_at: copy.cut_at, restored: copy.length })
}

/// Bytes that can be put back.
struct Copy {
    file: File,
    cut_at: u64,
    length: u64,
    /// How many of them are back already: an undo was interrupted.
    begun: u64,
}

/// The bytes that a cut removed, if they have their place at the end of the file.
fn choose(kept: &Kept) -> Result<Copy> {
    let path = kept.changed_file();
    let parts = kept.record.as_ref().and_then(|record| Some((record.cut_at?, record.kept.first()?)));
    let Some((cut_at, recorded)) = parts else {
        return Err(refused(&kept.directory, "the copies are not complete".to_owned()));
    };
    let copy_path = kept.directory.join(&recorded.name);
    let read_error = |source| Error::io(&copy_path, "read", source);
    let is_file = copy_path.symlink_metadata().map_err(read_error)?.is_file();
    let copy = File::open(&copy_path).map_err(read_error)?;
    if !is_file || copy.metadata().map_err(read_error)?.len() != recorded.bytes {
        return Err(refused(
            &copy_path,
            format!("this is not the copy of {} that was made", counted(recorded.bytes, "byte")),
        ));
    }
    let length = fs::metadata(&path).map_err(|source| Error::io(&path, "open", source))?.len();
    let Some(begun) = length.checked_sub(cut_at) else {
        return Err(refused(
            &path,
            format!(
                "the file has {}, but the bytes in {} belong at byte {cut_at}: the file was cut again or replaced \
                 since",
                counted(length, "byte"),
                copy_path.display()
            ),
        ));
    };
    let file = File::open(&path).map_err(|source| Error::io(&path, "open", source))?;
    if begun > recorded.bytes || !are_same((&file, cut_at), (&copy, 0), begun).map_err(read_error)? {
        return Err(refused(
            &path,
            format!(
                "the file was cut at byte {cut_at} and has grown by {} since: the bytes in {} no longer belong there",
                counted(begun, "byte"),
                copy_path.display()
            ),
        ));
    }
    Ok(Copy { file: copy, cut_at, length: recorded.bytes, begun })
}

fn append(operations: &mut impl Operations, file: &File, copy: &Copy) -> io::Result<()> {
    let mut ends_in_hole = false;
    kept::read_chunks(&copy.file, copy.begun..copy.length, |bytes, at| {
        ends_in_hole = write_sparse(operations, file, bytes, copy.cut_at + at)?;
        Ok(())
    })?;
    if ends_in_hole {
        operations.truncate(file, copy.cut_at + copy.length)?;
    }
    operations.sync(file)
}
