//! Writing new files and replacing old ones by them.
//!
//! A file is written without a name if the file system supports that, else under a hidden temporary name. It is synced,
//! and only then gets its final name: whenever the process or the machine stops, either the old file or the new one is
//! complete under that name.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

use super::names::{draft_name, is_draft};
use super::operations::is_unsupported;
use super::unfinished::Registered;
use super::{Operations, Ownership, directory_of};
use crate::input::FileIdentity;
use crate::{Error, ErrorKind, Result};

/// The mode of a file until it has its owner.
const PRIVATE: u32 = 0o600;

/// The mode of a file that replaces no other; the umask clears bits.
const NEW: u32 = 0o666;

/// The number of names to try.
const NAMES: u32 = 10_000;

/// A file that is being written and does not have its final name yet.
#[derive(Debug)]
pub struct Draft {
    /// Its final name.
    target: PathBuf,
    file: File,
    length: u64,
    /// Its hidden name, if it has one.
    name: Option<Registered>,
}

/// Writes the bytes of a draft.
#[derive(Debug)]
pub struct DraftWriter<'d, O> {
    operations: &'d mut O,
    draft: &'d mut Draft,
    /// How many bytes may be written between two syncs.
    sync_every: u64,
    unsynced: u64,
}

impl<O: Operations> Write for DraftWriter<'_, O> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.operations.write(&self.draft.file, bytes, self.draft.length)?;
        self.draft.length += bytes.len() as u64;
        self.unsynced += bytes.len() as u64;
        if self.unsynced >= self.sync_every {
            self.operations.sync_data(&self.draft.file)?;
            self.unsynced = 0;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The file whose name a draft has taken.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Displaced {
    /// It is at this path.
    At(PathBuf),
    /// It is gone, because the file system cannot exchange names.
    Gone,
    /// There was none.
    Nothing,
}

impl Displaced {
    /// Gives what was displaced from `path` its name back if `check` finds that it is not what was to be replaced.
    ///
    /// # Errors
    /// That of `check`; [`ErrorKind::NotPutBack`] if it does not get its name back.
    pub(crate) fn put_back_unless(
        &self,
        operations: &mut impl Operations,
        path: &Path,
        check: &dyn Fn(&Path) -> Result<()>,
    ) -> Result<()> {
        let Self::At(old) = self else { return Ok(()) };
        let Err(error) = check(old) else { return Ok(()) };
        if let Err(source) = operations.exchange(old, path) {
            return Err(Error::new(path, ErrorKind::NotPutBack { why: error.kind().to_string(), source }));
        }
        let _ = operations.remove(old);
        Err(match error.kind() {
            // Not under its hidden name.
            ErrorKind::Refused(text) => Error::new(path, ErrorKind::Refused(text.clone())),
            _ => error,
        })
    }

    /// Makes the exchange last, and removes the hidden name of what was displaced, which is kept under another.
    ///
    /// # Errors
    /// [`ErrorKind::NotDurable`], with what `done` says.
    pub(crate) fn settle(
        &self,
        operations: &mut impl Operations,
        path: &Path,
        done: impl Fn() -> String,
    ) -> Result<()> {
        let synced = sync_directory(operations, directory_of(path), &done);
        let Self::At(old) = self else { return synced };
        let removed = operations.remove(old);
        synced?;
        removed.map_err(|source| Error::new(path, ErrorKind::NotDurable { done: done(), source }))
    }
}

impl Draft {
    /// Creates a file on the file system of `target`, with the given owner and mode, or the default ones. Drafts of
    /// processes that have ended are removed from the directory first.
    ///
    /// # Errors
    /// [`ErrorKind::Io`].
    pub fn beside(operations: &mut impl Operations, target: &Path, ownership: Option<Ownership>) -> Result<Self> {
        sweep(operations, directory_of(target));
        let mode = if ownership.is_some() { PRIVATE } else { NEW };
        let draft = match operations.create_unnamed(directory_of(target), mode) {
            Ok(file) if opens_by_descriptor(&file) => {
                // The lock tells other processes that this draft is in use.
                let _ = file.try_lock();
                Self { target: target.to_owned(), file, length: 0, name: None }
            }
            Ok(_) => Self::named(operations, target, mode)?,
            Err(error) if is_unsupported(&error) => Self::named(operations, target, mode)?,
            Err(source) => return Err(Error::io(target, "create a new file beside it", source)),
        };
        let owned = ownership.map_or(Ok(()), |ownership| ownership.give(operations, &draft.file));
        let owned = owned.map_err(|source| Error::io(target, "set the mode of the new file", source));
        draft.or_discard(operations, owned).map(|(draft, ())| draft)
    }

    /// A draft with these bytes, on disk.
    ///
    /// # Errors
    /// [`ErrorKind::Io`].
    pub(crate) fn of_bytes(
        operations: &mut impl Operations,
        target: &Path,
        ownership: Option<Ownership>,
        bytes: &[u8],
    ) -> Result<Self> {
        let draft = Self::beside(operations, target, ownership)?;
        let (draft, ()) = draft.fill(operations, |out| out.write_all(bytes))?;
        draft.sync(operations)
    }

    /// A draft that is another name of an existing file.
    ///
    /// # Errors
    /// [`ErrorKind::Io`], also where the file system does not support that.
    pub(crate) fn of_link(operations: &mut impl Operations, target: &Path, file: &Path) -> Result<Self> {
        sweep(operations, directory_of(target));
        let link_error = |source| Error::io(file, "put back", source);
        let opened = File::open(file).map_err(link_error)?;
        let length = opened.metadata().map_err(link_error)?.len();
        let _ = opened.try_lock();
        for number in 1..=NAMES {
            let name = Registered::new(hidden(target, number));
            match operations.link(file, name.path()) {
                Ok(()) => return Ok(Self { target: target.to_owned(), file: opened, length, name: Some(name) }),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(source) => return Err(link_error(source)),
            }
        }
        Err(too_many(target))
    }

    fn named(operations: &mut impl Operations, target: &Path, mode: u32) -> Result<Self> {
        for number in 1..=NAMES {
            let name = Registered::new(hidden(target, number));
            match operations.create(name.path(), mode) {
                Ok(file) => {
                    let locked = file.try_lock();
                    // Another process may have removed it before it was locked.
                    if locked.is_err() || is_still(&file, name.path()) {
                        return Ok(Self { target: target.to_owned(), file, length: 0, name: Some(name) });
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(source) => return Err(Error::io(target, "create a new file beside it", source)),
            }
        }
        Err(too_many(target))
    }

    /// Its final name.
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// A path under which the file can be read.
    pub fn path(&self) -> PathBuf {
        self.name.as_ref().map_or_else(|| descriptor_path(&self.file), |name| name.path().to_owned())
    }

    /// The number of bytes that were written.
    pub const fn length(&self) -> u64 {
        self.length
    }

    /// Appends the output of `fill`; removes the file if that fails.
    ///
    /// # Errors
    /// [`ErrorKind::Io`].
    pub fn fill<O: Operations, T>(
        self,
        operations: &mut O,
        fill: impl FnOnce(&mut DraftWriter<'_, O>) -> io::Result<T>,
    ) -> Result<(Self, T)> {
        self.fill_syncing(operations, u64::MAX, fill)
    }

    /// As [`Draft::fill`], then [`Draft::sync`]; it also syncs each time so many bytes were written, so that the last
    /// time is short.
    ///
    /// # Errors
    /// [`ErrorKind::Io`].
    pub fn fill_and_sync<O: Operations, T>(
        self,
        operations: &mut O,
        sync_every: u64,
        fill: impl FnOnce(&mut DraftWriter<'_, O>) -> io::Result<T>,
    ) -> Result<(Self, T)> {
        let (draft, value) = self.fill_syncing(operations, sync_every, fill)?;
        Ok((draft.sync(operations)?, value))
    }

    fn fill_syncing<O: Operations, T>(
        mut self,
        operations: &mut O,
        sync_every: u64,
        fill: impl FnOnce(&mut DraftWriter<'_, O>) -> io::Result<T>,
    ) -> Result<(Self, T)> {
        let mut writer = DraftWriter { operations: &mut *operations, draft: &mut self, sync_every, unsynced: 0 };
        let result = fill(&mut writer).map_err(|source| Error::io(&self.target, "write", source));
        self.or_discard(operations, result)
    }

    /// Syncs the bytes to disk.
    ///
    /// # Errors
    /// [`ErrorKind::Io`]; the file is then removed.
    pub fn sync(self, operations: &mut impl Operations) -> Result<Self> {
        let result = operations.sync(&self.file).map_err(|source| Error::io(&self.target, "write", source));
        self.or_discard(operations, result).map(|(draft, ())| draft)
    }

    /// Returns the value, or removes the file and returns the error.
    ///
    /// # Errors
    /// That of `result`.
    pub fn or_discard<T>(self, operations: &mut impl Operations, result: Result<T>) -> Result<(Self, T)> {
        match result {
            Ok(value) => Ok((self, value)),
            Err(error) => {
                self.discard(operations);
                Err(error)
            }
        }
    }

    /// Removes the file.
    pub fn discard(self, operations: &mut impl Operations) {
        if let Some(name) = self.name {
            // The earlier error is the one to report. If this fails, the next run removes the file.
            let _ = operations.remove(name.path());
        }
    }

    /// Gives the file its final name, replacing the file that had it, and syncs the directory.
    ///
    /// # Errors
    /// [`ErrorKind::Io`]; the draft is then removed. [`ErrorKind::NotDurable`] if it has its name already.
    pub fn publish(self, operations: &mut impl Operations) -> Result<()> {
        let target = self.target.clone();
        self.publish_unsynced(operations)?;
        sync_directory(operations, directory_of(&target), || format!("the new file is {}", target.display()))
    }

    /// Gives the file its final name, replacing the file that had it.
    ///
    /// # Errors
    /// [`ErrorKind::Io`]; the draft is then removed.
    pub(crate) fn publish_unsynced(self, operations: &mut impl Operations) -> Result<()> {
        let target = self.target.clone();
        let (draft, name) = self.with_name(operations)?;
        let result = operations.rename(&name, &target).map_err(|source| Error::io(&target, "replace", source));
        draft.or_discard(operations, result).map(|_| ())
    }

    /// Gives the file its final name, which must be free.
    ///
    /// # Errors
    /// [`ErrorKind::Io`]; the draft is then removed.
    pub(crate) fn publish_new(self, operations: &mut impl Operations) -> Result<()> {
        let target = self.target.clone();
        let result = match &self.name {
            None => operations.name(&self.file, &target),
            Some(name) => operations.rename_new(name.path(), &target),
        };
        let result = result.map_err(|source| Error::io(&target, "create", source));
        self.or_discard(operations, result).map(|_| ())
    }

    /// Exchanges the file with the one that has its final name, in one step if the file system supports that. The other
    /// one stays under a hidden name.
    ///
    /// # Errors
    /// [`ErrorKind::Io`]; the draft is then removed.
    pub(crate) fn exchange(self, operations: &mut impl Operations) -> Result<Displaced> {
        let target = self.target.clone();
        let (draft, name) = self.with_name(operations)?;
        let replace_error = |source| Error::io(&target, "replace", source);
        let result = match operations.exchange(&name, &target) {
            Ok(()) => Ok(Displaced::At(name)),
            Err(error) if is_unsupported(&error) => {
                operations.rename(&name, &target).map(|()| Displaced::Gone).map_err(replace_error)
            }
            Err(source) => Err(replace_error(source)),
        };
        draft.or_discard(operations, result).map(|(_, displaced)| displaced)
    }

    /// Gives the file a hidden name, if it has none.
    fn with_name(mut self, operations: &mut impl Operations) -> Result<(Self, PathBuf)> {
        if let Some(name) = &self.name {
            let path = name.path().to_owned();
            return Ok((self, path));
        }
        for number in 1..=NAMES {
            let name = Registered::new(hidden(&self.target, number));
            match operations.name(&self.file, name.path()) {
                Ok(()) => {
                    let path = name.path().to_owned();
                    self.name = Some(name);
                    return Ok((self, path));
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(source) => return Err(Error::io(&self.target, "create a new file beside it", source)),
            }
        }
        Err(too_many(&self.target))
    }
}

fn too_many(target: &Path) -> Error {
    Error::new(target, ErrorKind::Refused(format!("{NAMES} unfinished files of this name exist; remove them")))
}

fn hidden(target: &Path, number: u32) -> PathBuf {
    directory_of(target).join(draft_name(target.file_name().unwrap_or_default(), number))
}

fn descriptor_path(file: &File) -> PathBuf {
    format!("/proc/self/fd/{}", file.as_raw_fd()).into()
}

/// Whether the file can be read and named through `/proc`.
fn opens_by_descriptor(file: &File) -> bool {
    is_still(file, &descriptor_path(file))
}

fn is_still(file: &File, path: &Path) -> bool {
    match (file.metadata(), fs::metadata(path)) {
        (Ok(file), Ok(named)) => FileIdentity::of(&file).file_id() == FileIdentity::of(&named).file_id(),
        _ => false,
    }
}

/// Removes the drafts of processes that have ended from a directory.
///
/// A running process holds a lock on its drafts.
pub(crate) fn sweep(operations: &mut impl Operations, directory: &Path) {
    let Ok(entries) = fs::read_dir(directory) else { return };
    let mut drafts: Vec<PathBuf> = entries
        .filter_map(io::Result::ok)
        .filter(|entry| is_draft(&entry.file_name()) && entry.file_type().is_ok_and(|kind| kind.is_file()))
        .map(|entry| entry.path())
        .collect();
    drafts.sort_unstable();
    for path in drafts {
        if File::open(&path).is_ok_and(|file| file.try_lock().is_ok()) {
            let _ = operations.remove(&path);
        }
    }
}

/// Syncs a directory; `done` tells what has been done already if that fails.
///
/// # Errors
/// [`ErrorKind::NotDurable`].
pub(crate) fn sync_directory(
    operations: &mut impl Operations,
    directory: &Path,
    done: impl FnOnce() -> String,
) -> Result<()> {
    operations
        .sync_directory(directory)
        .map_err(|source| Error::new(directory, ErrorKind::NotDurable { done: done(), source }))
}

/// Whether a new file is synced before it gets its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// The file is synced before, and the name before the function returns.
    Synced,
    /// Nothing is synced.
    Cached,
}

/// Writes a new file with this owner and mode, which is complete before it gets its name, and replaces the file that
/// had it.
///
/// # Errors
/// [`ErrorKind::Io`]; the old file is then untouched. [`ErrorKind::NotDurable`] if it was replaced already.
pub fn write_file<O: Operations, T>(
    operations: &mut O,
    path: &Path,
    ownership: Option<Ownership>,
    durability: Durability,
    fill: impl FnOnce(&mut DraftWriter<'_, O>) -> io::Result<T>,
) -> Result<T> {
    let (draft, value) = Draft::beside(operations, path, ownership)?.fill(operations, fill)?;
    match durability {
        Durability::Synced => draft.sync(operations)?.publish(operations)?,
        Durability::Cached => draft.publish_unsynced(operations)?,
    }
    Ok(value)
}

/// Follows symbolic links; the target need not exist.
///
/// # Errors
/// [`ErrorKind::Io`] for circular links.
pub fn follow_links(path: &Path) -> Result<PathBuf> {
    /// The limit of Linux.
    const LIMIT: u32 = 40;
    let mut path = path.to_owned();
    for _ in 0..LIMIT {
        match fs::read_link(&path) {
            Ok(next) => path = directory_of(&path).join(next),
            Err(_) => return Ok(path),
        }
    }
    let error = io::Error::from_raw_os_error(libc::ELOOP);
    Err(Error::io(path, "follow the link", error))
}
