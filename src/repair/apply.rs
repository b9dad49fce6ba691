//! Carries a plan out: keeps the bytes that go beside the file, then cuts.
//!
//! Whenever the process or the machine stops, the file is as it was, or it is cut and the whole copy is beside it, both
//! on disk: the copy and its name are made to last before the file is touched.

use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};

use super::plan::{PartPlan, Plan};
use crate::input::FileIdentity;
use crate::storage::kept::{self, Cause, Making};
use crate::storage::{
    Change, FileSystem, OpenElsewhere, Operations, Ownership, Watch, difference, directory_of, unchanged,
};
use crate::{Error, ErrorKind, Result};

/// A part that was cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// The file.
    pub path: PathBuf,
    /// How long it is now.
    pub cut_at: u64,
    /// How many bytes went.
    pub removed: u64,
    /// Where they are.
    pub copy: PathBuf,
}

/// Carries a plan out, part by part.
///
/// # Errors
/// [`ErrorKind::Io`]; [`ErrorKind::Refused`] for a file that is not as it was when the plan was made, or for a plan
/// that takes out more than the end of a file; [`ErrorKind::OpenElsewhere`]. The file is then untouched, and no copy is
/// left. [`ErrorKind::NotDurable`] where only the cut itself could not be made to last: the copy stays.
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
    let plan = Plan { parts: vec![PartPlan::keep_first(path, identity, length)] };
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
    let path = &part.path.canonicalize().map_err(|source| Error::io(&part.path, "open", source))?;
    let Some(cut_at) = part.cut_at() else {
        return Err(refused(
            path,
            "the plan removes bytes before the end of the file: this is not supported".to_owned(),
        ));
    };
    let watch = Watch::of_file(path, open_elsewhere)?;
    unchanged(path, &part.identity)?;
    sweep_unused(operations, path)?;
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
    Ok(Applied { path: part.path.clone(), cut_at, removed, copy })
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
