//! Undoing what replaced whole files.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::{Kept, Open, Record, RecordedFile, is_abandoned, is_same_content, open_plainly, remove_directory};
use crate::plural::counted;
use crate::storage::draft::{Draft, sync_directory};
use crate::storage::unfinished::Change;
use crate::storage::watch::{OpenElsewhere, Watch};
use crate::storage::{Operations, Ownership, directory_of};
use crate::{Error, ErrorKind, Result};

/// A log that was restored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UndoneReplacement {
    /// The files that were restored.
    pub restored: Vec<PathBuf>,
    /// The files of the new log, which were removed.
    pub removed: Vec<PathBuf>,
}

fn refused(path: &Path, text: String) -> Error {
    Error::new(path, ErrorKind::Refused(text))
}

/// A file of so many bytes is copied rather than moved.
const SMALL: u64 = 1 << 20;

/// A draft with the bytes, the owner and the mode of a kept file, on disk.
fn copied(operations: &mut impl Operations, kept: &Path, target: &Path) -> Result<Draft> {
    let read_error = |source| Error::io(kept, "read", source);
    let mut source = File::open(kept).map_err(read_error)?;
    let ownership = Ownership::of(&source.metadata().map_err(read_error)?);
    let draft = Draft::beside(operations, target, Some(ownership))?;
    let (draft, _) = draft.fill(operations, |out| io::copy(&mut source, out))?;
    draft.sync(operations)
}

/// A replacement to undo.
struct Replaced<'k> {
    kept: &'k Kept,
    record: &'k Record,
    /// The directory of the log.
    directory: PathBuf,
    /// The file whose replacement puts the old log into effect: the manifest, or the only file.
    main: PathBuf,
}

impl<'k> Replaced<'k> {
    fn of(kept: &'k Kept) -> Option<Self> {
        let record = kept.record.as_ref().filter(|record| record.cut_at.is_none())?;
        let directory = kept.log_directory().to_owned();
        let main = directory.join(&record.file);
        Some(Self { kept, record, directory, main: main.canonicalize().unwrap_or(main) })
    }

    fn kept_path(&self, file: &RecordedFile) -> PathBuf {
        self.kept.directory.join(&file.name)
    }

    fn kept_main(&self) -> PathBuf {
        self.kept.directory.join(&self.record.file)
    }

    /// The files of a log except the main one.
    fn others<'f>(&self, files: &'f [RecordedFile]) -> impl Iterator<Item = &'f RecordedFile> {
        let main = self.record.file.clone();
        files.iter().filter(move |file| file.name != main)
    }

    /// How long the main file was, if there was one.
    fn old_length(&self) -> Option<u64> {
        self.record.kept.iter().find(|file| file.name == self.record.file).map(|file| file.bytes)
    }

    /// Whether the old log is in effect: nothing was replaced yet, or it was restored already.
    fn is_old_in_place(&self, open: Open<'_>) -> io::Result<bool> {
        let Some(old_length) = self.old_length() else { return Ok(self.main.symlink_metadata().is_err()) };
        match is_same_content(&self.main, &self.kept_main(), open) {
            // It was moved back, where it can be neither linked nor copied.
            Err(error) if error.kind() == io::ErrorKind::NotFound && self.main.exists() => {
                let length = fs::metadata(&self.main)?.len();
                let mut new = self.record.new.iter().filter(|file| file.name == self.record.file);
                let tells = new.all(|file| file.bytes != old_length);
                Ok(tells && !self.kept_main().exists() && length == old_length)
            }
            result => result,
        }
    }

    /// The files of the new log that are not needed once the old log is in effect.
    fn needless(&self) -> Vec<PathBuf> {
        let path = |file: &RecordedFile| self.directory.join(&file.name);
        // A file of another length was written by somebody else afterwards.
        let is_same = |file: &RecordedFile| path(file).symlink_metadata().is_ok_and(|found| found.len() == file.bytes);
        let is_kept = |file: &RecordedFile| self.record.kept.iter().any(|kept| kept.name == file.name);
        self.others(&self.record.new).filter(|file| !is_kept(file) && is_same(file)).map(path).collect()
    }

    /// Refuses if the new log was changed afterwards, because the changes would be lost.
    fn check_new(&self) -> Result<()> {
        for file in &self.record.new {
            let path = if file.name == self.record.file { self.main.clone() } else { self.directory.join(&file.name) };
            let length = fs::metadata(&path).map(|metadata| metadata.len());
            let what = match length {
                Ok(length) if length == file.bytes => continue,
                Ok(length) if length > file.bytes => {
                    format!("{} were written to it", counted(length - file.bytes, "byte"))
                }
                Ok(length) => format!("it has {}, not {}", counted(length, "byte"), file.bytes),
                Err(_) => "it is gone".to_owned(),
            };
            let text = format!(
                "the log is not as it was left ({what}): undoing would lose that; the old log is in {}",
                self.kept.directory.display()
            );
            return Err(refused(&path, text));
        }
        Ok(())
    }

    /// Refuses if an old file neither exists nor can be restored.
    fn check_old(&self, open: Open<'_>) -> Result<()> {
        for file in self.others(&self.record.kept) {
            let (kept, path) = (self.kept_path(file), self.directory.join(&file.name));
            let text = match (kept.symlink_metadata(), path.symlink_metadata()) {
                (Ok(_), Err(_)) => continue,
                (Ok(_), Ok(_)) if is_same_content(&path, &kept, open).unwrap_or(false) => continue,
                (Ok(_), Ok(_)) => "another file has this name now; move it away".to_owned(),
                (Err(_), Ok(metadata)) if metadata.len() == file.bytes || metadata.is_symlink() => continue,
                (Err(_), _) => format!("the copy in {} is gone", self.kept.directory.display()),
            };
            return Err(refused(&path, text));
        }
        Ok(())
    }

    fn restore_others(&self, operations: &mut impl Operations) -> Result<()> {
        for file in self.others(&self.record.kept) {
            let (kept, path) = (self.kept_path(file), self.directory.join(&file.name));
            if kept.symlink_metadata().is_ok() && path.symlink_metadata().is_err() {
                let moved = match operations.link(&kept, &path) {
                    Ok(()) => Ok(()),
                    Err(_) => operations.rename_new(&kept, &path),
                };
                match moved {
                    Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
                        copied(operations, &kept, &path)?.publish_new(operations)?;
                    }
                    moved => moved.map_err(|source| Error::io(&path, "put back", source))?,
                }
            }
        }
        sync_directory(operations, &self.directory, || "the new log is still in use".to_owned())
    }

    fn restore_main(&self, operations: &mut impl Operations) -> Result<()> {
        let (kept, main) = (self.kept_main(), &self.main);
        let directory = directory_of(main);
        let Some(length) = self.old_length() else {
            operations.remove(main).map_err(|source| Error::io(main, "remove", source))?;
            return sync_directory(operations, directory, || format!("{} is gone again", main.display()));
        };
        // The copy stays until all is done, unless that would take much room.
        if let Ok(draft) = Draft::of_link(operations, main, &kept) {
            draft.publish_unsynced(operations)?;
        } else {
            let far = || io::ErrorKind::CrossesDevices.into();
            let moved = if length > SMALL { operations.rename(&kept, main) } else { Err(far()) };
            match moved {
                Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
                    copied(operations, &kept, main)?.publish_unsynced(operations)?;
                }
                moved => moved.map_err(|source| Error::io(main, "put back", source))?,
            }
        }
        sync_directory(operations, directory, || format!("{} is the old one again", main.display()))
    }

    /// Removes what is not needed once the old log is in effect.
    fn clear(&self, operations: &mut impl Operations) -> Result<Vec<PathBuf>> {
        let needless = self.needless();
        for path in &needless {
            operations.remove(path).map_err(|source| Error::io(path, "remove", source))?;
        }
        remove_directory(operations, &self.kept.directory)?;
        Ok(needless)
    }
}

/// Restores the files that were replaced, then removes the new one and the directory of copies.
///
/// If it was interrupted, another call continues.
///
/// # Errors
/// [`ErrorKind::Refused`] if the new log was changed, or a copy is missing; [`ErrorKind::OpenElsewhere`];
/// [`ErrorKind::Io`].
pub fn undo_replacement(
    operations: &mut impl Operations,
    kept: &Kept,
    open_elsewhere: OpenElsewhere,
) -> Result<UndoneReplacement> {
    let Some(replaced) = Replaced::of(kept) else {
        return Err(refused(&kept.directory, "these copies are not complete, or not of whole files".to_owned()));
    };
    let mut change = Change::begin();
    let is_done =
        replaced.is_old_in_place(&open_plainly).map_err(|source| Error::io(&replaced.main, "read", source))?;
    if !is_done {
        replaced.check_new()?;
        replaced.check_old(&open_plainly)?;
        let new: Vec<PathBuf> = replaced.record.new.iter().map(|file| replaced.directory.join(&file.name)).collect();
        let watch = Watch::of_files(&new.iter().map(PathBuf::as_path).collect::<Vec<_>>(), open_elsewhere)?;
        replaced.restore_others(operations)?;
        watch.check()?;
        replaced.restore_main(operations)?;
    }
    let restored = replaced.record.kept.iter().map(|file| replaced.directory.join(&file.name)).collect();
    let mut removed = replaced.clear(operations)?;
    if replaced.old_length().is_none() {
        removed.push(replaced.main.clone());
    }
    change.done();
    Ok(UndoneReplacement { restored, removed })
}

/// Checks whether [`undo_replacement`] would succeed, without changing anything.
///
/// # Errors
/// As [`undo_replacement`].
pub fn check_undo(kept: &Kept) -> Result<()> {
    let Some(replaced) = Replaced::of(kept) else {
        return Err(refused(&kept.directory, "these copies are not complete, or not of whole files".to_owned()));
    };
    if replaced.is_old_in_place(&open_plainly).map_err(|source| Error::io(&replaced.main, "read", source))? {
        return Ok(());
    }
    replaced.check_new()?;
    replaced.check_old(&open_plainly)
}

/// Removes a directory of copies that an interrupted run left, if nothing was changed yet or everything was restored,
/// together with the unused files of the new log. Returns whether it was removed. `open` opens the files of the log.
///
/// # Errors
/// [`ErrorKind::Io`].
pub fn sweep_unused(operations: &mut impl Operations, kept: &Kept, open: Open<'_>) -> Result<bool> {
    if !is_abandoned(kept) {
        return Ok(false);
    }
    let Some(record) = &kept.record else {
        // The text is written before the change, so without it nothing was changed.
        remove_directory(operations, &kept.directory)?;
        return Ok(true);
    };
    if record.cut_at.is_some() {
        if super::is_uncut(kept, open).unwrap_or(false) {
            remove_directory(operations, &kept.directory)?;
            return Ok(true);
        }
        return Ok(false);
    }
    let Some(replaced) = Replaced::of(kept) else { return Ok(false) };
    if replaced.is_old_in_place(open).unwrap_or(false) && replaced.check_old(open).is_ok() {
        // During an undo, other old files may still be in the directory.
        replaced.restore_others(operations)?;
        replaced.clear(operations)?;
        return Ok(true);
    }
    Ok(false)
}
