//! New files, and how they take the place of old ones.
//!
//! A file is written under a name of its own, made to last on disk, and only then given the name that it is to have: whenever
//! the process or the machine stops, what had the name before is there whole, or the new file is.

use std::fs::{File, Metadata};
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::Operations;
use crate::aof::log::directory_of;
use crate::{Error, ErrorKind, Result};

/// The permission bits of a mode.
const PERMISSIONS: u32 = 0o777;

/// What a new log may be read by, as servers make it.
const MODE: u32 = 0o644;

/// Names tried before giving up.
const NAMES: u32 = 1000;

/// A file that is being written, and has no name yet that anybody looks for.
#[derive(Debug)]
pub struct Draft {
    /// Its name for now.
    pub path: PathBuf,
    file: File,
    length: u64,
}

/// Where the bytes of a draft go.
#[derive(Debug)]
pub struct DraftWriter<'d, O> {
    operations: &'d mut O,
    draft: &'d mut Draft,
}

impl<O: Operations> Write for DraftWriter<'_, O> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.operations.write(&self.draft.file, bytes, self.draft.length)?;
        self.draft.length += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Draft {
    /// Creates a file beside `target`, with the owner and mode of `like`, or those of a new file.
    ///
    /// # Errors
    /// [`ErrorKind::Io`].
    pub fn beside(operations: &mut impl Operations, target: &Path, like: Option<&Metadata>) -> Result<Self> {
        let name = target.file_name().unwrap_or_default();
        for number in 0..NAMES {
            let mut hidden = std::ffi::OsString::from(".");
            hidden.push(name);
            hidden.push(format!(".aofkit-{}-{number}", std::process::id()));
            let path = directory_of(target).join(hidden);
            match operations.create(&path) {
                Ok(file) => {
                    let draft = Self { path, file, length: 0 };
                    let result = draft.take_after(operations, like);
                    return draft.or_discard(operations, result).map(|(draft, ())| draft);
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(source) => return Err(Error::io(&path, "create", source)),
            }
        }
        let text = format!("{NAMES} unfinished files of this name exist; remove them");
        Err(Error::new(target, ErrorKind::Refused(text)))
    }

    fn take_after(&self, operations: &mut impl Operations, like: Option<&Metadata>) -> Result<()> {
        if let Some(like) = like {
            // Only root may give a file away.
            let _ = operations.set_owner(&self.file, like.uid(), like.gid());
        }
        let mode = like.map_or(MODE, |like| like.mode() & PERMISSIONS);
        operations.set_mode(&self.file, mode).map_err(|source| Error::io(&self.path, "set the mode of", source))
    }

    /// How many bytes were written.
    pub const fn length(&self) -> u64 {
        self.length
    }

    /// Writes at the end of the file what `fill` makes; the file is removed if that fails.
    ///
    /// # Errors
    /// [`ErrorKind::Io`].
    pub fn fill<O: Operations, T>(
        mut self,
        operations: &mut O,
        fill: impl FnOnce(&mut DraftWriter<'_, O>) -> io::Result<T>,
    ) -> Result<(Self, T)> {
        let result = fill(&mut DraftWriter { operations: &mut *operations, draft: &mut self })
            .map_err(|source| Error::io(&self.path, "write", source));
        self.or_discard(operations, result)
    }

    /// Makes the bytes last on disk.
    ///
    /// # Errors
    /// [`ErrorKind::Io`]; the file is then removed.
    pub fn sync(self, operations: &mut impl Operations) -> Result<Self> {
        let result = operations.sync(&self.file).map_err(|source| Error::io(&self.path, "write", source));
        self.or_discard(operations, result).map(|(draft, ())| draft)
    }

    /// Goes on, or removes the file and gives the error.
    ///
    /// # Errors
    /// That of `result`.
    pub fn or_discard<T>(self, operations: &mut impl Operations, result: Result<T>) -> Result<(Self, T)> {
        match result {
            Ok(value) => Ok((self, value)),
            Err(error) => {
                // The error that led here is the one to tell.
                let _ = operations.remove(&self.path);
                Err(error)
            }
        }
    }

    /// Gives the file the name that it is to have, in place of what had it, and makes that last.
    ///
    /// # Errors
    /// [`ErrorKind::Io`]; the draft is then removed unless it has its name already.
    pub fn publish(self, operations: &mut impl Operations, target: &Path) -> Result<()> {
        self.rename(operations, target)?;
        sync_directory(operations, directory_of(target))
    }

    fn rename(self, operations: &mut impl Operations, target: &Path) -> Result<()> {
        let result = operations.rename(&self.path, target).map_err(|source| Error::io(target, "replace", source));
        self.or_discard(operations, result).map(|_| ())
    }
}

pub(crate) fn sync_directory(operations: &mut impl Operations, directory: &Path) -> Result<()> {
    operations.sync_directory(directory).map_err(|source| Error::io(directory, "make the names last in", source))
}

/// Whether a new file is on disk before it has its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lasting {
    /// It is: the name belonged to what is to be replaced.
    Synced,
    /// The system writes it when it likes, as it does for a copy: the log itself is still there.
    Cached,
}

/// Writes a new file with the owner and mode of `like`: whole before it has its name. What had the name is replaced.
///
/// # Errors
/// [`ErrorKind::Io`]; what had the name is then untouched.
pub fn write_file<O: Operations, T>(
    operations: &mut O,
    path: &Path,
    like: Option<&Metadata>,
    lasting: Lasting,
    fill: impl FnOnce(&mut DraftWriter<'_, O>) -> io::Result<T>,
) -> Result<T> {
    let (draft, value) = Draft::beside(operations, path, like)?.fill(operations, fill)?;
    match lasting {
        Lasting::Synced => draft.sync(operations)?.publish(operations, path)?,
        Lasting::Cached => draft.rename(operations, path)?,
    }
    Ok(value)
}
