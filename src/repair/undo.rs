//! Puts removed bytes back.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::apply::{OpenElsewhere, refuse_writers, refused};
use super::copies::{CHUNK, Copy, Fit, copies_of};
use crate::aof::log::directory_of;
use crate::input::Facts;
use crate::plural::counted;
use crate::storage::{FileSystem, Operations};
use crate::{Error, Result};

/// Bytes that were put back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undone {
    /// The file.
    pub path: PathBuf,
    /// The offset at which they are again.
    pub cut_at: u64,
    /// How many bytes there are.
    pub restored: u64,
    /// The copy that held them, and is removed now.
    pub copy: PathBuf,
    /// How many other copies are beside the file.
    pub others: usize,
}

/// Puts back the bytes that the last repair of a file took out of it, then removes their copy.
///
/// If it was interrupted, calling it again goes on; until all is back and on disk the copy stays.
///
/// # Errors
/// [`crate::ErrorKind::Refused`] if there is no copy, or none that fits: the file must end where it was cut.
/// [`crate::ErrorKind::OpenElsewhere`], [`crate::ErrorKind::Io`]; the file is then cut as it was.
pub fn undo(path: &Path, open_elsewhere: OpenElsewhere) -> Result<Undone> {
    undo_with(&mut FileSystem, path, open_elsewhere)
}

/// As [`undo`], with the operations that are given.
///
/// # Errors
/// As [`undo`].
pub fn undo_with(operations: &mut impl Operations, path: &Path, open_elsewhere: OpenElsewhere) -> Result<Undone> {
    let file = operations.open(path).map_err(|source| Error::io(path, "open for writing", source))?;
    let (copy, begun, others) = choose(path, &file)?;
    let facts = Facts::of(&file.metadata().map_err(|source| Error::io(path, "get the length of", source))?);
    refuse_writers(path, &facts, open_elsewhere)?;
    if let Err(source) = append(operations, &file, &copy, begun) {
        // A file that ends in half of a record is worse than one that is cut; the copy has all of it.
        let _ = operations.truncate(&file, copy.cut_at).and_then(|()| operations.sync(&file));
        return Err(Error::io(path, "put the bytes back into", source));
    }
    let removed = operations.remove(&copy.path).and_then(|()| operations.sync_directory(directory_of(path)));
    removed.map_err(|source| Error::io(&copy.path, "remove, after its bytes were put back,", source))?;
    Ok(Undone { path: path.to_owned(), cut_at: copy.cut_at, restored: copy.length, copy: copy.path, others })
}

/// The copy that [`undo`] would put back; nothing is changed.
///
/// # Errors
/// As [`undo`].
pub fn find(path: &Path) -> Result<Copy> {
    let file = File::open(path).map_err(|source| Error::io(path, "open", source))?;
    Ok(choose(path, &file)?.0)
}

/// The newest copy that fits, how many of its bytes are back already, and how many other copies there are.
fn choose(path: &Path, file: &File) -> Result<(Copy, u64, usize)> {
    let length = file.metadata().map_err(|source| Error::io(path, "get the length of", source))?.len();
    let copies = copies_of(path)?;
    let others = copies.len().saturating_sub(1);
    let (mut begun, mut grown) = (None, None);
    for copy in copies.iter().rev() {
        match copy.fit(file).map_err(|source| Error::io(&copy.path, "read", source))? {
            // What ends right at the cut is the plainer case, whatever else the bytes look like.
            Fit::Whole => return Ok((copy.clone(), 0, others)),
            Fit::Begun(bytes) => begun = begun.or(Some((copy.clone(), bytes, others))),
            Fit::Grown => grown = grown.or(Some(copy)),
            Fit::Short => {}
        }
    }
    if let Some(found) = begun {
        return Ok(found);
    }
    let name = |copy: &Copy| copy.path.display().to_string();
    Err(refused(
        path,
        match (grown, copies.last()) {
            (Some(copy), _) => format!(
                "the file was cut at byte {} and has grown by {} since: what is in {} has no place there any more",
                copy.cut_at,
                counted(length - copy.cut_at, "byte"),
                name(copy)
            ),
            (None, Some(copy)) => format!(
                "the file has {}, and what is in {} belongs at byte {}: it was cut again or replaced since",
                counted(length, "byte"),
                name(copy),
                copy.cut_at
            ),
            (None, None) => "there is nothing to put back: no copy of removed bytes is beside the file".to_owned(),
        },
    ))
}

fn append(operations: &mut impl Operations, file: &File, copy: &Copy, begun: u64) -> std::io::Result<()> {
    let source = File::open(&copy.path)?;
    let mut chunk = vec![0; CHUNK];
    let mut done = begun;
    while done < copy.length {
        let count = usize::try_from(copy.length - done).unwrap_or(CHUNK).min(CHUNK);
        let bytes = chunk.get_mut(..count).unwrap_or_default();
        source.read_exact_at(bytes, done)?;
        operations.write(file, bytes, copy.cut_at + done)?;
        done += count as u64;
    }
    operations.sync(file)
}
