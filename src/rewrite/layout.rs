//! Logs of several parts: the names of new ones, and the manifest that makes them count.

use std::ffi::{OsStr, OsString};
use std::fs::Metadata;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::aof::log::MultiPart;
use crate::aof::manifest::{Entry, Kind, Manifest};
use crate::storage::Operations;
use crate::storage::draft::{DraftWriter, Lasting, write_file};
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
pub(super) struct Names {
    pub(super) directory: PathBuf,
    pub(super) prefix: OsString,
}

impl Names {
    fn fresh(directory: &Path) -> Self {
        Self { directory: directory.to_owned(), prefix: NAME.into() }
    }

    /// Those of a log that is there.
    pub(super) fn of(log: &MultiPart) -> Self {
        let manifest = log.manifest_path.file_name().unwrap_or_default();
        let prefix = manifest.as_bytes().strip_suffix(b".manifest").map_or(manifest, OsStr::from_bytes);
        Self { directory: log.directory.clone(), prefix: prefix.to_owned() }
    }

    pub(super) fn base(&self, sequence: i64, base: Base) -> OsString {
        self.with(format!(".{sequence}.base.{}", base.extension()))
    }

    pub(super) fn incr(&self, sequence: i64) -> OsString {
        self.with(format!(".{sequence}.incr.aof"))
    }

    fn manifest(&self) -> PathBuf {
        self.directory.join(self.with(".manifest".to_owned()))
    }

    fn with(&self, end: String) -> OsString {
        let mut name = self.prefix.clone();
        name.push(end);
        name
    }
}

/// A manifest of these entries.
pub(super) fn manifest_of(entries: Vec<Entry>) -> Manifest {
    Manifest { entries, comments: Vec::new(), problems: Vec::new() }
}

/// Writes a log of several parts into a directory that is made, or has no log yet: the base, an empty incr, and the manifest
/// last, which makes it a log. The files have the owner and mode of `like`.
///
/// # Errors
/// [`ErrorKind::Io`], [`ErrorKind::Refused`].
pub fn write_directory<O: Operations, T>(
    operations: &mut O,
    directory: &Path,
    base: Base,
    like: Option<&Metadata>,
    fill: impl FnOnce(&mut DraftWriter<'_, O>) -> io::Result<T>,
) -> Result<T> {
    let names = Names::fresh(directory);
    match operations.create_directory(directory) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            if names.manifest().exists() {
                let text =
                    "there is a log in this directory already; give another, or rewrite it --in-place".to_owned();
                return Err(Error::new(directory, ErrorKind::Refused(text)));
            }
        }
        Err(source) => return Err(Error::io(directory, "make the directory", source)),
    }
    let (base_name, incr_name) = (names.base(1, base), names.incr(1));
    let value = write_file(operations, &directory.join(&base_name), like, Lasting::Cached, fill)?;
    write_file(operations, &directory.join(&incr_name), like, Lasting::Cached, |_| Ok(()))?;
    let manifest = manifest_of(vec![
        Entry::new(base_name.as_bytes(), 1, Kind::Base),
        Entry::new(incr_name.as_bytes(), 1, Kind::Incr),
    ]);
    let fill_manifest = |out: &mut DraftWriter<'_, O>| io::Write::write_all(out, &manifest.to_bytes());
    write_file(operations, &names.manifest(), like, Lasting::Cached, fill_manifest)?;
    Ok(value)
}
