//! Makes a directory of kept copies, before the log is changed.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use super::record::{Cause, Record, RecordedFile, TEXT};
use super::{Kept, next_number, read_chunks, remove_directory};
use crate::storage::draft::sync_directory;
use crate::storage::names::kept_name;
use crate::storage::unfinished::Registered;
use crate::storage::{Operations, Ownership, directory_of};
use crate::{Error, ErrorKind, Result};

/// The mode of a directory of copies and of its files until they get their final ones, so that no other user has
/// access.
const PRIVATE_DIRECTORY: u32 = 0o700;
const PRIVATE_FILE: u32 = 0o600;

/// The number of numbers to try.
const NUMBERS: u32 = 1000;

/// Where what a change removes is kept.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Copies {
    /// In a directory beside the log.
    #[default]
    Beside,
    /// In a directory in this one, which must exist.
    In(PathBuf),
    /// Nowhere: the change cannot be undone.
    Nothing,
}

impl Copies {
    /// The directory in which the directory of copies of a file is; `None` if none are kept.
    pub fn parent<'p>(&'p self, file: &'p Path) -> Option<&'p Path> {
        match self {
            Self::Beside => Some(directory_of(file)),
            Self::In(directory) => Some(directory),
            Self::Nothing => None,
        }
    }
}

/// A directory of copies that is being made.
#[derive(Debug)]
pub(crate) struct Making {
    directory: PathBuf,
    number: u32,
    file: PathBuf,
    /// Whether the directory is not beside the file.
    is_elsewhere: bool,
    /// Held as long as this process uses the directory.
    lock: Option<File>,
    /// A signal removes the directory, until the change begins.
    _registered: Registered,
}

impl Making {
    /// Creates the directory for a file to change; `None` if no copies are to be kept.
    pub(crate) fn begin(operations: &mut impl Operations, file: &Path, copies: &Copies) -> Result<Option<Self>> {
        let name = file.file_name().unwrap_or_default();
        let Some(parent) = copies.parent(file) else { return Ok(None) };
        let is_elsewhere = matches!(copies, Copies::In(_));
        let first = next_number(parent);
        for number in first..first.saturating_add(NUMBERS) {
            let directory = parent.join(kept_name(name, number));
            let registered = Registered::new(directory.clone());
            match operations.create_directory(&directory, PRIVATE_DIRECTORY) {
                Ok(()) => {
                    let lock = File::open(&directory).ok().inspect(|lock| {
                        let _ = lock.try_lock();
                    });
                    let file = file.to_owned();
                    return Ok(Some(Self { directory, number, file, is_elsewhere, lock, _registered: registered }));
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(source) => return Err(Error::io(&directory, "make the directory", source)),
            }
        }
        let text = format!("{NUMBERS} directories of kept copies exist; discard them");
        Err(Error::new(file, ErrorKind::Refused(text)))
    }

    /// Keeps a whole file: as a hard link, or as a copy if that is impossible.
    pub(crate) fn keep_file(
        &self,
        operations: &mut impl Operations,
        (path, opened): (&Path, Option<&File>),
        name: &OsStr,
    ) -> Result<RecordedFile> {
        let kept = self.directory.join(name);
        let metadata = fs::metadata(path).map_err(|source| Error::io(path, "open", source))?;
        let recorded = RecordedFile { name: name.to_owned(), bytes: metadata.len() };
        if operations.link(path, &kept).is_ok() {
            return Ok(recorded);
        }
        // An open file is not opened again, because a lease excludes this process as well.
        let source = opened.map_or_else(|| File::open(path), File::try_clone);
        let source = source.map_err(|source| Error::io(path, "open", source))?;
        self.write(operations, name, (&source, 0, metadata.len()), Ownership::of(&metadata))?;
        Ok(recorded)
    }

    /// Keeps some bytes of a file in a new file.
    pub(crate) fn keep_bytes(
        &self,
        operations: &mut impl Operations,
        name: &OsStr,
        (source, start, length): (&File, u64, u64),
    ) -> Result<(PathBuf, RecordedFile)> {
        let metadata = source.metadata().map_err(|error| Error::io(&self.file, "read", error))?;
        // The copy has the owner and the mode of the log.
        self.write(operations, name, (source, start, length), Ownership::of(&metadata))?;
        Ok((self.directory.join(name), RecordedFile { name: name.to_owned(), bytes: length }))
    }

    fn write(
        &self,
        operations: &mut impl Operations,
        name: &OsStr,
        (source, start, length): (&File, u64, u64),
        ownership: Ownership,
    ) -> Result<()> {
        let path = self.directory.join(name);
        let mut copy = || {
            let copy = operations.create(&path, PRIVATE_FILE)?;
            let mut ends_in_hole = false;
            read_chunks(source, start..start + length, |bytes, at| {
                ends_in_hole = write_sparse(operations, &copy, bytes, at - start)?;
                Ok(())
            })?;
            if ends_in_hole {
                operations.truncate(&copy, length)?;
            }
            ownership.give(operations, &copy)?;
            operations.sync(&copy)
        };
        copy().map_err(|source| Error::io(&path, "keep a copy", source))
    }

    /// Writes the text, and syncs everything.
    pub(crate) fn finish(
        &self,
        operations: &mut impl Operations,
        (cause, cut_at): (Cause, Option<u64>),
        kept: Vec<RecordedFile>,
        new: Vec<RecordedFile>,
        ownership: Option<Ownership>,
    ) -> Result<Kept> {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let time = i64::try_from(since.as_millis()).unwrap_or(i64::MAX);
        let name = self.file.file_name().unwrap_or_default().to_owned();
        let absolute = std::path::absolute(&self.file).unwrap_or_else(|_| self.file.clone());
        let elsewhere = self.is_elsewhere.then(|| directory_of(&absolute).to_owned());
        let record = Record { cause, file: name.clone(), directory: elsewhere, time, cut_at, kept, new };
        let text = record.to_text(&absolute, &self.directory);
        let path = self.directory.join(TEXT);
        // Write it under another name first, so that a text is always complete.
        let begun = self.directory.join(format!("{TEXT}.new"));
        let mut write = || {
            let file = operations.create(&begun, PRIVATE_FILE)?;
            operations.write(&file, text.as_bytes(), 0)?;
            if let Some(ownership) = ownership {
                ownership.give(operations, &file)?;
            }
            operations.sync(&file)?;
            operations.rename(&begun, &path)
        };
        write().map_err(|source| Error::io(&path, "write", source))?;
        // Only the owner of the log may undo the change and read the copies.
        if let (Some(ownership), Some(directory)) = (ownership, &self.lock) {
            ownership.give_directory(operations, directory);
        }
        let nothing = || "nothing was changed".to_owned();
        sync_directory(operations, &self.directory, nothing)?;
        sync_directory(operations, directory_of(&self.directory), nothing)?;
        Ok(Kept { directory: self.directory.clone(), number: self.number, file: name, record: Some(record) })
    }

    /// Returns the value, or removes the directory and returns the error. Copies of a file that was replaced stay.
    pub(crate) fn or_discard<T>(
        making: Option<&Self>,
        operations: &mut impl Operations,
        result: Result<T>,
    ) -> Result<T> {
        if let Some(making) = making
            && result.as_ref().is_err_and(|error| !matches!(error.kind(), ErrorKind::NotPutBack { .. }))
        {
            // The earlier error is the one to report.
            let _ = remove_directory(operations, &making.directory);
        }
        result
    }
}

/// Writes bytes at an offset, or leaves a hole there if all are zero, and returns which: a disk that was full when a
/// log was torn has no room for zeros. If the file ends in a hole, its length must be set after that.
pub(crate) fn write_sparse(
    operations: &mut impl Operations,
    file: &File,
    bytes: &[u8],
    offset: u64,
) -> io::Result<bool> {
    let is_hole = bytes.iter().all(|byte| *byte == 0);
    if is_hole { Ok(true) } else { operations.write(file, bytes, offset).map(|()| false) }
}
