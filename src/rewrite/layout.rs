//! Logs of several parts: the names of new ones, and the manifest that makes them count.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::aof::log::MultiPart;
use crate::aof::manifest::{Entry, Kind, Manifest};
use crate::storage::draft::{Draft, DraftWriter, Durability, sync_directory};
use crate::storage::{Operations, Ownership, directory_of};
use crate::{Error, ErrorKind, Result};

/// What servers call a log unless they are told otherwise (`appendfilename`).
const NAME: &str = "appendonly.aof";

/// What a base is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Base {
    /// Commands.
    Resp,
    /// An RDB.
    Rdb,
}

impl Base {
    /// How the name of such a file ends.
    const fn extension(self) -> &'static str {
        match self {
            Self::Resp => "aof",
            Self::Rdb => "rdb",
        }
    }
}

/// The names of a log of several parts, as servers make them: `PREFIX.SEQUENCE.base.rdb`.
#[derive(Debug, Clone)]
pub(crate) struct Names {
    pub(crate) directory: PathBuf,
    pub(super) prefix: OsString,
}

impl Names {
    /// Those of a log in a directory; `prefix` is what servers call `appendfilename`.
    pub(crate) fn new(directory: &Path, prefix: &OsStr) -> Self {
        Self { directory: directory.to_owned(), prefix: prefix.to_owned() }
    }

    /// Those of a log that is there.
    pub(super) fn of(log: &MultiPart) -> Self {
        let manifest = log.manifest_path.file_name().unwrap_or_default();
        let prefix = manifest.as_bytes().strip_suffix(b".manifest").map_or(manifest, OsStr::from_bytes);
        Self { directory: log.directory.clone(), prefix: prefix.to_owned() }
    }

    pub(crate) fn base(&self, sequence: i64, base: Base) -> OsString {
        self.with(format!(".{sequence}.base.{}", base.extension()))
    }

    pub(crate) fn incr(&self, sequence: i64) -> OsString {
        self.with(format!(".{sequence}.incr.aof"))
    }

    /// A name for the next file of a kind, and its sequence number: nothing uses the name, neither a file nor a line of
    /// the manifest. `None` if no number is left.
    pub(crate) fn next(
        &self,
        manifest: &Manifest,
        kind: Kind,
        name: impl Fn(i64) -> OsString,
    ) -> Option<(OsString, i64)> {
        let counts = |entry: &&Entry| entry.kind == kind || entry.kind == Kind::History;
        let used = manifest.entries.iter().filter(counts).map(|entry| entry.sequence).max();
        let is_free = |name: &OsString| {
            !manifest.entries.iter().any(|entry| entry.name == name.as_bytes())
                && self.directory.join(name).symlink_metadata().is_err()
        };
        let first = used.unwrap_or(0).saturating_add(1).max(1);
        (first..=i64::MAX).map(|sequence| (name(sequence), sequence)).find(|(name, _)| is_free(name))
    }

    pub(crate) fn manifest(&self) -> PathBuf {
        self.directory.join(self.with(".manifest".to_owned()))
    }

    fn with(&self, end: String) -> OsString {
        let mut name = self.prefix.clone();
        name.push(end);
        name
    }
}

/// The mode of a new directory; the user's mask takes bits away.
const DIRECTORY_MODE: u32 = 0o777;

/// Writes a log of several parts into a directory that is made, or has no log yet: the base, an empty incr, and the
/// manifest last, which makes it a log. The files have this owner and mode, and a directory that is made has the owner,
/// so that the server that may write the log may write this one.
///
/// # Errors
/// [`ErrorKind::Io`], [`ErrorKind::Refused`]; what was written is then removed. [`ErrorKind::NotDurable`].
pub fn write_directory<O: Operations, T>(
    operations: &mut O,
    directory: &Path,
    base: Base,
    (ownership, durability): (Option<Ownership>, Durability),
    fill: impl FnOnce(&mut DraftWriter<'_, O>) -> io::Result<T>,
) -> Result<T> {
    let names = Names::new(directory, OsStr::new(NAME));
    let made = create_with_parents(operations, directory)?;
    if names.manifest().exists() {
        let text = "there is a log in this directory already; give another, or rewrite it --in-place".to_owned();
        return Err(Error::new(directory, ErrorKind::Refused(text)));
    }
    if let (true, Some(ownership), Ok(opened)) = (made, ownership, File::open(directory)) {
        ownership.give_directory(operations, &opened);
    }
    let mut written = Vec::new();
    let result = write_parts(operations, &names, base, (ownership, durability), &mut written, fill);
    if result.as_ref().is_err_and(|error| !matches!(error.kind(), ErrorKind::NotDurable { .. })) {
        for path in &written {
            let _ = operations.remove(path);
        }
        if made {
            let _ = operations.remove_directory(directory);
        }
    }
    if made && result.is_ok() && durability == Durability::Synced {
        let parent = directory_of(directory);
        sync_directory(operations, parent, || format!("the log was written to {}", directory.display()))?;
    }
    result
}

/// Creates a directory and the parents that it lacks; says whether it was not there.
fn create_with_parents(operations: &mut impl Operations, directory: &Path) -> Result<bool> {
    match operations.create_directory(directory, DIRECTORY_MODE) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            match directory.parent().filter(|parent| !parent.as_os_str().is_empty()) {
                Some(parent) if create_with_parents(operations, parent)? => create_with_parents(operations, directory),
                _ => Err(Error::io(directory, "make the directory", error)),
            }
        }
        Err(source) => Err(Error::io(directory, "make the directory", source)),
    }
}

fn write_parts<O: Operations, T>(
    operations: &mut O,
    names: &Names,
    base: Base,
    (ownership, durability): (Option<Ownership>, Durability),
    written: &mut Vec<PathBuf>,
    fill: impl FnOnce(&mut DraftWriter<'_, O>) -> io::Result<T>,
) -> Result<T> {
    let (base_name, incr_name) = (names.base(1, base), names.incr(1));
    let path = names.directory.join(&base_name);
    let value = write_new(operations, &path, (ownership, durability), fill)?;
    written.push(path);
    let path = names.directory.join(&incr_name);
    write_new(operations, &path, (ownership, durability), |_| Ok(()))?;
    written.push(path);
    let manifest = Manifest::of(vec![
        Entry::new(base_name.as_bytes(), 1, Kind::Base),
        Entry::new(incr_name.as_bytes(), 1, Kind::Incr),
    ]);
    if durability == Durability::Synced {
        // The manifest must not outlast what it names.
        let synced = operations.sync_directory(&names.directory);
        synced.map_err(|source| Error::io(&names.directory, "sync the directory", source))?;
    }
    write_new(operations, &names.manifest(), (ownership, durability), |out| out.write_all(&manifest.to_bytes()))?;
    if durability == Durability::Synced {
        let done = || format!("the log was written to {}", names.directory.display());
        sync_directory(operations, &names.directory, done)?;
    }
    Ok(value)
}

/// Writes a file whose name must be free.
fn write_new<O: Operations, T>(
    operations: &mut O,
    path: &Path,
    (ownership, durability): (Option<Ownership>, Durability),
    fill: impl FnOnce(&mut DraftWriter<'_, O>) -> io::Result<T>,
) -> Result<T> {
    let (draft, value) = Draft::beside(operations, path, ownership)?.fill(operations, fill)?;
    let draft = if durability == Durability::Synced { draft.sync(operations)? } else { draft };
    draft.publish_new(operations)?;
    Ok(value)
}
