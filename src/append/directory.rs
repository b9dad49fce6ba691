//! The files of a log that is being written, and the manifest that names them.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use crate::aof::manifest::{self, Entry, Kind, Manifest};
use crate::rewrite::{Base, Names};
use crate::storage::Operations;
use crate::storage::draft::{Draft, Durability, write_file};
use crate::{Error, ErrorKind, Result};

/// The permission bits of new files; the umask clears some.
const MODE: u32 = 0o666;

/// The directory of a log.
#[derive(Debug)]
pub(super) struct Directory {
    names: Names,
    manifest: Manifest,
}

/// What becomes of files that a rewrite has replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Replaced {
    /// They are removed, as servers do.
    #[default]
    Removed,
    /// They stay in the directory, and the manifest no longer names them.
    Kept,
}

impl Directory {
    /// Reads the manifest in a directory, if there is one. `name` is that of the log, such as `appendonly.aof`.
    ///
    /// # Errors
    /// [`ErrorKind::Io`], and [`ErrorKind::Refused`] for a manifest that breaks a rule.
    pub(super) fn open(path: &Path, name: &OsStr) -> Result<Self> {
        let names = Names::new(path, name);
        let file = names.manifest();
        let text = match fs::read(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Self { names, manifest: Manifest::of(Vec::new()) });
            }
            Err(source) => return Err(Error::io(file, "read", source)),
        };
        let manifest = manifest::parse(&text);
        if manifest.problems.is_empty() {
            return Ok(Self { names, manifest });
        }
        let text = "the manifest breaks a rule; aofkit fix can replace it".to_owned();
        Err(Error::new(file, ErrorKind::Refused(text)))
    }

    pub(super) fn path(&self) -> &Path {
        &self.names.directory
    }

    pub(super) fn manifest_path(&self) -> PathBuf {
        self.names.manifest()
    }

    /// The files that a server loads, in its order.
    pub(super) fn live(&self) -> Vec<PathBuf> {
        let entries = self.manifest.of_kind(Kind::Base).chain(self.manifest.of_kind(Kind::Incr));
        entries.map(|entry| self.path_of(&entry.name)).collect()
    }

    /// The file that is appended to.
    pub(super) fn last_incr(&self) -> Option<PathBuf> {
        self.manifest.of_kind(Kind::Incr).last().map(|entry| self.path_of(&entry.name))
    }

    fn path_of(&self, name: &[u8]) -> PathBuf {
        self.names.directory.join(OsStr::from_bytes(name))
    }

    /// The path of the next base, and its sequence number.
    ///
    /// # Errors
    /// [`ErrorKind::Refused`] if no number is left.
    pub(super) fn next_base(&self, base: Base) -> Result<(PathBuf, i64)> {
        let next = self.names.next(&self.manifest, Kind::Base, |sequence| self.names.base(sequence, base));
        next.map(|(name, sequence)| (self.path_of(name.as_bytes()), sequence)).ok_or_else(|| self.no_number())
    }

    fn no_number(&self) -> Error {
        let text = "no sequence number is left for a new file".to_owned();
        Error::new(self.manifest_path(), ErrorKind::Refused(text))
    }

    /// Creates the next incr, and has the manifest name it before anything is written to it.
    ///
    /// # Errors
    /// [`ErrorKind::Io`]; the file is then removed. [`ErrorKind::NotDurable`].
    pub(super) fn begin_incr(&mut self, operations: &mut impl Operations) -> Result<(PathBuf, File)> {
        let next = self.names.next(&self.manifest, Kind::Incr, |sequence| self.names.incr(sequence));
        let (name, sequence) = next.ok_or_else(|| self.no_number())?;
        let path = self.path_of(name.as_bytes());
        let file = operations.create(&path, MODE).map_err(|source| Error::io(&path, "create", source))?;
        let mut manifest = self.manifest.clone();
        manifest.entries.push(Entry::new(name.into_vec(), sequence, Kind::Incr));
        if let Err(error) = self.write(operations, manifest) {
            if !matches!(error.kind(), ErrorKind::NotDurable { .. }) {
                let _ = operations.remove(&path);
            }
            return Err(error);
        }
        Ok((path, file))
    }

    /// Puts a new base in the place of the first `count` live files.
    ///
    /// # Errors
    /// [`ErrorKind::Io`]; the old files are then still the log. [`ErrorKind::NotDurable`].
    pub(super) fn put_base(
        &mut self,
        operations: &mut impl Operations,
        (draft, sequence): (Draft, i64),
        count: usize,
        replaced: Replaced,
    ) -> Result<()> {
        let path = draft.target().to_owned();
        draft.publish_new(operations)?;
        let old: Vec<PathBuf> = self.live().into_iter().take(count).collect();
        let is_old = |entry: &Entry| entry.kind == Kind::History || old.contains(&self.path_of(&entry.name));
        let name = path.file_name().unwrap_or_default().as_bytes().to_vec();
        let mut history = Vec::new();
        let mut entries = vec![Entry::new(name, sequence, Kind::Base)];
        for entry in &self.manifest.entries {
            if is_old(entry) {
                history.push(Entry { kind: Kind::History, ..entry.clone() });
            } else {
                entries.push(entry.clone());
            }
        }
        let live = Manifest::of(entries);
        let with_history = Manifest::of(live.entries.iter().chain(&history).cloned().collect());
        let first = if replaced == Replaced::Removed { with_history } else { live.clone() };
        if let Err(error) = self.write(operations, first) {
            if !matches!(error.kind(), ErrorKind::NotDurable { .. }) {
                let _ = operations.remove(&path);
            }
            return Err(error);
        }
        if replaced == Replaced::Removed {
            // What cannot be removed now is named as history, and servers remove it.
            let removed = history.iter().filter(|entry| operations.remove(&self.path_of(&entry.name)).is_ok()).count();
            if removed == history.len() {
                self.write(operations, live)?;
            }
        }
        Ok(())
    }

    fn write(&mut self, operations: &mut impl Operations, manifest: Manifest) -> Result<()> {
        let bytes = manifest.to_bytes();
        let path = self.names.manifest();
        let written = write_file(operations, &path, None, Durability::Synced, |out| out.write_all(&bytes));
        if written.is_ok() || written.as_ref().is_err_and(|error| matches!(error.kind(), ErrorKind::NotDurable { .. }))
        {
            self.manifest = manifest;
        }
        written
    }
}
