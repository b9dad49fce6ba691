//! Carries a plan out: keeps what goes beside the file, then cuts it, or puts a new file in its place.
//!
//! Whenever the process or the machine stops, the file is as it was, or it is changed and the whole copy is beside it,
//! both on disk: the copy and its name are made to last before the file is touched. A file that loses its end alone is
//! cut. For any other change a new file is written whole, and the two exchange their names.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::edit::{Piece, pieces};
use super::plan::{PartPlan, Plan};
use crate::input::FileIdentity;
use crate::storage::draft::Draft;
use crate::storage::kept::{self, Cause, Making, RecordedFile};
use crate::storage::{
    Change, FileSystem, OpenElsewhere, Operations, Ownership, Watch, difference, directory_of, unchanged,
};
use crate::{Error, ErrorKind, Result};

/// A part that was changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// The file.
    pub path: PathBuf,
    /// How long it is now, if it lost its end alone.
    pub cut_at: Option<u64>,
    /// How many bytes went.
    pub removed: u64,
    /// Where they are.
    pub copy: PathBuf,
}

/// Carries a plan out, part by part.
///
/// # Errors
/// [`ErrorKind::Io`]; [`ErrorKind::Refused`] for a file that is not as it was when the plan was made;
/// [`ErrorKind::OpenElsewhere`]. The part is then untouched, and no copy of it is left; the parts before it are
/// changed. [`ErrorKind::NotDurable`] where only the change itself could not be made to last: the copy stays.
pub fn apply(plan: &Plan, open_elsewhere: OpenElsewhere) -> Result<Vec<Applied>> {
    apply_with(&mut FileSystem, plan, open_elsewhere)
}

/// As [`apply`], with the operations that are given.
///
/// # Errors
/// As [`apply`].
pub fn apply_with(
    operations: &mut impl Operations,
    plan: &Plan,
    open_elsewhere: OpenElsewhere,
) -> Result<Vec<Applied>> {
    plan.changes().map(|part| apply_part(operations, part, open_elsewhere)).collect()
}

/// Cuts a file of `size` bytes to `length`, and keeps the others beside it; `None` if it is not longer than that.
///
/// # Errors
/// As [`apply`]; also for a file that has another size.
pub fn cut(path: &Path, size: u64, length: u64, open_elsewhere: OpenElsewhere) -> Result<Option<Applied>> {
    let metadata = std::fs::metadata(path).map_err(|source| Error::io(path, "open", source))?;
    let identity = FileIdentity { length: size, ..FileIdentity::of(&metadata) };
    let plan = Plan { parts: vec![PartPlan::keep_first(path, identity, length)], manifest: None };
    Ok(apply(&plan, open_elsewhere)?.pop())
}

/// The path of the copy that a cut at `cut_at` would make, as far as can be said now.
pub fn copy_name(file: &Path, cut_at: u64) -> PathBuf {
    // The copy lies where the file is, not where a link to it is.
    let file = file.canonicalize().unwrap_or_else(|_| file.to_owned());
    kept::next_directory(&file).join(removed_name(&file, cut_at))
}

/// The name of the file with the bytes, in the directory of kept copies.
fn removed_name(file: &Path, cut_at: u64) -> OsString {
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(format!(".removed-{cut_at}"));
    name
}

fn apply_part(operations: &mut impl Operations, part: &PartPlan, open_elsewhere: OpenElsewhere) -> Result<Applied> {
    // The file, not a link to it: the link stays.
    let path = &part.path.canonicalize().map_err(|source| Error::io(&part.path, "open", source))?;
    let watch = Watch::of_file(path, open_elsewhere)?;
    unchanged(path, &part.identity)?;
    sweep_unused(operations, path)?;
    match part.cut_at() {
        Some(cut_at) => cut_part(operations, part, path, watch, cut_at),
        None => replace_part(operations, part, path, &watch),
    }
}

/// Cuts a file, whose end is kept.
fn cut_part(
    operations: &mut impl Operations,
    part: &PartPlan,
    path: &Path,
    watch: Watch,
    cut_at: u64,
) -> Result<Applied> {
    let making = Making::begin(operations, path)?;
    let copy = keep(operations, &making, path, part, cut_at);
    let copy = making.or_discard(operations, copy)?;
    let mut change = Change::begin();
    // Between the plan and here people read and answered, and a large copy takes its time.
    let checked = watch.check().and_then(|()| unchanged(path, &part.identity));
    making.or_discard(operations, checked)?;
    // The lease keeps this process out as well.
    drop(watch);
    let cut = truncate(operations, path, &part.identity, cut_at);
    let file = making.or_discard(operations, cut)?;
    change.done();
    let removed = part.identity.length - cut_at;
    operations.sync(&file).map_err(|source| {
        let done = format!("the file was cut at byte {cut_at}, and what was cut off is in {}", copy.display());
        Error::new(path, ErrorKind::NotDurable { done, source })
    })?;
    Ok(Applied { path: part.path.clone(), cut_at: Some(cut_at), removed, copy })
}

/// Puts a new file in the place of an old one, which is kept.
fn replace_part(operations: &mut impl Operations, part: &PartPlan, path: &Path, watch: &Watch) -> Result<Applied> {
    let mut change = Change::begin();
    let open_error = |source| Error::io(path, "open", source);
    let source = File::open(path).map_err(open_error)?;
    let ownership = Ownership::of(&source.metadata().map_err(open_error)?);
    let draft = Draft::beside(operations, path, Some(ownership))?;
    let (draft, ()) = draft.fill(operations, |out| write_pieces(&source, part, out))?;
    let draft = draft.sync(operations)?;
    let making = Making::begin(operations, path);
    let (draft, making) = draft.or_discard(operations, making)?;
    let name = path.file_name().unwrap_or_default();
    let new = vec![RecordedFile { name: name.to_owned(), bytes: draft.length() }];
    let kept = making
        .keep_file(operations, (path, Some(&source)), name)
        .and_then(|old| making.finish(operations, (Cause::Salvage, None), vec![old], new, Some(ownership)))
        // Between the plan and here people read and answered, and a large file takes its time.
        .and_then(|kept| watch.check().and_then(|()| unchanged(path, &part.identity)).map(|()| kept));
    let kept = making.or_discard(operations, kept);
    let (draft, kept) = draft.or_discard(operations, kept)?;
    let displaced = draft.exchange(operations);
    let displaced = making.or_discard(operations, displaced)?;
    let checked = displaced
        .put_back_unless(operations, path, |old| watch.check_openers().and_then(|()| unchanged(old, &part.identity)));
    making.or_discard(operations, checked)?;
    change.done();
    let copy = kept.directory.join(name);
    displaced.settle(operations, path, || format!("the file was replaced, and the old one is {}", copy.display()))?;
    let removed = part.removed();
    Ok(Applied { path: part.path.clone(), cut_at: None, removed, copy })
}

/// Writes a file as it is after the edits of its plan.
fn write_pieces(source: &File, part: &PartPlan, out: &mut impl Write) -> io::Result<()> {
    let mut chunk = vec![0; kept::CHUNK];
    for piece in pieces(part.identity.length, part.edits()) {
        let range = match piece {
            Piece::Inserted(bytes) => {
                out.write_all(bytes)?;
                continue;
            }
            Piece::Kept(range) => range,
        };
        let mut at = range.start;
        while at < range.end {
            let count = usize::try_from(range.end - at).unwrap_or(kept::CHUNK).min(kept::CHUNK);
            let bytes = chunk.get_mut(..count).unwrap_or_default();
            source.read_exact_at(bytes, at)?;
            out.write_all(bytes)?;
            at += count as u64;
        }
    }
    Ok(())
}

/// Writes the copy and makes it last.
fn keep(
    operations: &mut impl Operations,
    making: &Making,
    path: &Path,
    part: &PartPlan,
    cut_at: u64,
) -> Result<PathBuf> {
    let open_error = |source| Error::io(path, "open", source);
    let source = File::open(path).map_err(open_error)?;
    let ownership = Ownership::of(&source.metadata().map_err(open_error)?);
    let length = part.identity.length - cut_at;
    let name = removed_name(path, cut_at);
    let (copy, file) = making.keep_bytes(operations, &name, (&source, cut_at, length))?;
    making.finish(operations, (Cause::Fix, Some(cut_at)), vec![file], Vec::new(), Some(ownership))?;
    Ok(copy)
}

/// Cuts a file that is still as it was.
fn truncate(operations: &mut impl Operations, path: &Path, identity: &FileIdentity, cut_at: u64) -> Result<File> {
    let file = operations.open(path).map_err(|source| Error::io(path, "open for writing", source))?;
    let now = file.metadata().map_err(|source| Error::io(path, "get the length", source))?;
    if let Some(what) = difference(identity, &FileIdentity::of(&now)) {
        return Err(refused(path, format!("{what}; stop whatever writes to it, and run this again")));
    }
    operations.truncate(&file, cut_at).map_err(|source| Error::io(path, "cut the file", source))?;
    Ok(file)
}

/// Removes what interrupted runs left beside a file.
fn sweep_unused(operations: &mut impl Operations, path: &Path) -> Result<()> {
    for kept in kept::list(directory_of(path))?.iter().filter(|kept| Some(kept.file.as_os_str()) == path.file_name()) {
        kept::sweep_unused(operations, kept, &|path| File::open(path))?;
    }
    Ok(())
}

pub(super) fn refused(path: &Path, text: String) -> Error {
    Error::new(path, ErrorKind::Refused(text))
}
