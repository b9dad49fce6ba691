//! Carries a plan out: keeps the bytes that go beside the file, then cuts.
//!
//! Whenever the process or the machine stops, the file is as it was, or it is cut and the whole copy is beside it, both on
//! disk: the copy and its name are made to last before the file is touched.

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

use super::copies::{self, CHUNK, NAMES_LIMIT, name_of};
use super::plan::{PartPlan, Plan};
use crate::aof::log::directory_of;
use crate::input::Facts;
use crate::plural::counted;
use crate::storage::{FileSystem, Operations, writers};
use crate::{Error, ErrorKind, Result};

/// The permission bits of a mode.
const PERMISSIONS: u32 = 0o777;

/// What to do about a file that another process has open for writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenElsewhere {
    /// Leave the file alone.
    Refuse,
    /// Change it all the same.
    Ignore,
}

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
/// [`ErrorKind::Io`]; [`ErrorKind::Refused`] for a file that is not as it was when the plan was made, or for a plan that takes
/// out more than the end of a file; [`ErrorKind::OpenElsewhere`]. The file is then untouched, and no copy is
/// left; only where the cut itself could not be made to last, the copy stays.
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
    let facts = Facts { length: size, ..Facts::of(&metadata) };
    let plan = Plan { parts: vec![PartPlan::keep_first(path, facts, length)] };
    Ok(apply(&plan, open_elsewhere)?.pop())
}

fn apply_part(operations: &mut impl Operations, part: &PartPlan, open_elsewhere: OpenElsewhere) -> Result<Applied> {
    let path = &part.path;
    let Some(cut_at) = part.cut_at() else {
        return Err(refused(path, "the plan takes bytes out of the middle, which this build cannot do".to_owned()));
    };
    let file = operations.open(path).map_err(|source| Error::io(path, "open for writing", source))?;
    check_unchanged(path, &file, &part.facts)?;
    refuse_writers(path, &part.facts, open_elsewhere)?;
    let kept = Kept { path, file: &file, cut_at, length: part.facts.length - cut_at };
    let (copy, made) = kept.keep(operations)?;
    // Between the plan and here people read and answered, and a large copy takes its time.
    if let Err(error) = check_unchanged(path, &file, &part.facts) {
        discard(operations, &copy, made);
        return Err(error);
    }
    if let Err(source) = operations.truncate(&file, cut_at) {
        discard(operations, &copy, made);
        return Err(Error::io(path, "cut", source));
    }
    operations.sync(&file).map_err(|source| Error::io(path, "make the cut last on disk for", source))?;
    Ok(Applied { path: path.clone(), cut_at, removed: kept.length, copy })
}

/// Whether this run made the copy (and may remove it), or found it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Made {
    Here,
    Before,
}

/// The end of a file that is to be kept.
struct Kept<'a> {
    path: &'a Path,
    file: &'a File,
    cut_at: u64,
    length: u64,
}

impl Kept<'_> {
    /// Writes the copy, or finds it whole, and makes it last.
    fn keep(&self, operations: &mut impl Operations) -> Result<(PathBuf, Made)> {
        for number in 1..=NAMES_LIMIT {
            let path = name_of(self.path, self.cut_at, number);
            let (copy, from, made) = match operations.create(&path) {
                Ok(copy) => (copy, 0, Made::Here),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => match self.begun(&path)? {
                    Some((copy, from)) if from == self.length => (copy, from, Made::Before),
                    Some((_, from)) => (operations.open(&path).map_err(keep_error(&path))?, from, Made::Before),
                    None => continue,
                },
                Err(source) => return Err(keep_error(&path)(source)),
            };
            return match self.fill(operations, &copy, from, &path) {
                Ok(()) => Ok((path, made)),
                Err(source) => {
                    drop(copy);
                    discard(operations, &path, made);
                    Err(keep_error(&path)(source))
                }
            };
        }
        Err(refused(self.path, format!("{NAMES_LIMIT} copies of what was removed at byte {} exist", self.cut_at)))
    }

    /// A copy of this name that an earlier run left, if it holds the same bytes or the first of them: how many.
    fn begun(&self, path: &Path) -> Result<Option<(File, u64)>> {
        let read_error = |source| Error::io(path, "read", source);
        let metadata = path.symlink_metadata().map_err(read_error)?;
        if !metadata.is_file() || metadata.len() > self.length {
            return Ok(None);
        }
        let copy = File::open(path).map_err(read_error)?;
        let same = copies::are_same((self.file, self.cut_at), (&copy, 0), metadata.len()).map_err(read_error)?;
        Ok(same.then_some((copy, metadata.len())))
    }

    fn fill(&self, operations: &mut impl Operations, copy: &File, from: u64, path: &Path) -> io::Result<()> {
        let mut chunk = vec![0; CHUNK];
        let mut done = from;
        while done < self.length {
            let count = usize::try_from(self.length - done).unwrap_or(CHUNK).min(CHUNK);
            let bytes = chunk.get_mut(..count).unwrap_or_default();
            self.file.read_exact_at(bytes, self.cut_at + done)?;
            operations.write(copy, bytes, done)?;
            done += count as u64;
        }
        let metadata = self.file.metadata()?;
        // Only root may give a file away; whoever may cut the log may read what was in it.
        let _ = operations.set_owner(copy, metadata.uid(), metadata.gid());
        operations.set_mode(copy, metadata.mode() & PERMISSIONS)?;
        operations.sync(copy)?;
        operations.sync_directory(directory_of(path))
    }
}

fn keep_error(path: &Path) -> impl Fn(io::Error) -> Error {
    move |source| Error::io(path, "keep the removed bytes in", source)
}

/// Removes a copy that is not needed, if this run made it.
fn discard(operations: &mut impl Operations, copy: &Path, made: Made) {
    if made == Made::Here {
        // The error that led here is the one to tell; the bytes are still in the file as well.
        let _ = operations.remove(copy);
    }
}

/// Refuses a file that is not as it was.
fn check_unchanged(path: &Path, file: &File, facts: &Facts) -> Result<()> {
    let metadata_error = |source| Error::io(path, "get the length of", source);
    let now = Facts::of(&file.metadata().map_err(metadata_error)?);
    let named = Facts::of(&std::fs::metadata(path).map_err(metadata_error)?);
    let what = if named.identity() != facts.identity() {
        "the file was replaced by another since it was read".to_owned()
    } else if now.length != facts.length {
        format!("the file had {} when it was read, and has {} now", counted(facts.length, "byte"), now.length)
    } else if now != *facts {
        "the file was written to since it was read".to_owned()
    } else {
        return Ok(());
    };
    Err(refused(path, format!("{what}; stop whatever writes to it, and run this again")))
}

/// Refuses a file that another process has open for writing, so that a person need not be asked first.
///
/// # Errors
/// [`ErrorKind::OpenElsewhere`].
pub fn refuse_writers(path: &Path, facts: &Facts, open_elsewhere: OpenElsewhere) -> Result<()> {
    if open_elsewhere == OpenElsewhere::Ignore {
        return Ok(());
    }
    let found = writers::writers(facts.device, facts.inode);
    let Some(writer) = found.into_iter().next() else { return Ok(()) };
    Err(Error::new(path, ErrorKind::OpenElsewhere { process: writer.process, name: writer.name }))
}

pub(super) fn refused(path: &Path, text: String) -> Error {
    Error::new(path, ErrorKind::Refused(text))
}
