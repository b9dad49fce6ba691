//! New files that take the place of old ones in one step.
//!
//! One name decides: that of the manifest, or of the only file of a log. Whenever the process or the machine stops, it
//! refers to the old file or to the new one, and what that needs is there and on disk. The other new files have names
//! that nothing refers to before that; the old ones are kept (see [`super::kept`]) before it, and lose their names
//! after it.

use std::ffi::OsStr;
use std::fs::File;
use std::path::{Path, PathBuf};

use super::draft::{Displaced, Draft, sync_directory};
use super::kept::{Cause, Copies, Kept, Making, RecordedFile};
use super::unfinished::Change;
use super::{Operations, Ownership, directory_of};
use crate::{Error, ErrorKind, Result};

/// A file that a log loses.
#[derive(Debug)]
pub(crate) struct OldFile<'f> {
    /// Its path.
    pub(crate) path: PathBuf,
    /// The open file, if this process holds a lease on it.
    pub(crate) opened: Option<&'f File>,
}

/// New files that are written and on disk, and do not have their names yet.
#[derive(Debug)]
pub(crate) struct Replacement<'f> {
    /// The path of the file that decides, in the directory of the log.
    pub(crate) place: &'f Path,
    /// The new file for that name, which may be a link to its real target.
    pub(crate) main: Draft,
    /// The file that has the name now; `None` if the name is free.
    pub(crate) old_main: Option<OldFile<'f>>,
    /// The other new files, whose names are free.
    pub(crate) others: Vec<Draft>,
    /// The other files that the log loses.
    pub(crate) old_others: Vec<OldFile<'f>>,
    /// Why.
    pub(crate) cause: Cause,
    /// Where the old files are kept.
    pub(crate) copies: &'f Copies,
    /// The owner and the mode of the directory of copies.
    pub(crate) ownership: Option<Ownership>,
}

fn name_of(path: &Path) -> &OsStr {
    path.file_name().unwrap_or_default()
}

/// What has been done once the new log counts.
fn replaced(kept: Option<&Kept>) -> String {
    kept.map_or_else(
        || "the log was replaced".to_owned(),
        |kept| format!("the log was replaced, and the old one is in {}", kept.directory.display()),
    )
}

impl Replacement<'_> {
    /// Puts the new files in their places, and returns where the old ones are.
    ///
    /// `is_unchanged` looks at the old log, right before the step and right after it; it gets the path at which the
    /// file that decides is then.
    ///
    /// # Errors
    /// That of `is_unchanged`, [`ErrorKind::Io`], [`ErrorKind::Refused`]: the old log is untouched, and nothing else
    /// is left. [`ErrorKind::NotPutBack`], and [`ErrorKind::NotDurable`] if the new log counts already.
    pub(crate) fn carry_out(
        self,
        operations: &mut impl Operations,
        change: &mut Change,
        is_unchanged: &dyn Fn(&Path) -> Result<()>,
    ) -> Result<Option<Kept>> {
        let target = self.main.target().to_owned();
        let kept = self.keep(operations);
        let Self { main, others, old_main, old_others, .. } = self;
        let (making, kept) = match kept {
            Ok(kept) => kept,
            Err(error) => {
                for draft in others.into_iter().chain([main]) {
                    draft.discard(operations);
                }
                return Err(error);
            }
        };
        let mut named = Vec::new();
        let ready = name_all(operations, others, &mut named).and_then(|()| is_unchanged(&target));
        let displaced = main.or_discard(operations, ready).and_then(|(main, ())| {
            let displaced = match old_main {
                Some(_) => main.exchange(operations)?,
                None => main.publish_new(operations).map(|()| Displaced::Nothing)?,
            };
            displaced.put_back_unless(operations, &target, is_unchanged).map(|()| displaced)
        });
        let displaced = match Making::or_discard(making.as_ref(), operations, displaced) {
            Ok(displaced) => displaced,
            Err(error) => {
                // The old log counts, and nothing refers to the new files, unless it could not be put back.
                let is_replaced = matches!(error.kind(), ErrorKind::NotPutBack { .. });
                for path in named.into_iter().filter(|_| !is_replaced) {
                    let _ = operations.remove(&path);
                }
                return Err(error);
            }
        };
        change.done();
        let done = || replaced(kept.as_ref());
        displaced.settle(operations, &target, done)?;
        for old in &old_others {
            let removed = operations.remove(&old.path);
            removed.map_err(|source| Error::new(&old.path, ErrorKind::NotDurable { done: done(), source }))?;
        }
        if let Some(old) = old_others.first() {
            sync_directory(operations, directory_of(&old.path), done)?;
        }
        Ok(kept)
    }

    /// Keeps every old file.
    fn keep(&self, operations: &mut impl Operations) -> Result<(Option<Making>, Option<Kept>)> {
        let Some(making) = Making::begin(operations, self.place, self.copies)? else { return Ok((None, None)) };
        let new = |path: &Path, draft: &Draft| RecordedFile { name: name_of(path).to_owned(), bytes: draft.length() };
        let mut recorded = vec![new(self.place, &self.main)];
        recorded.extend(self.others.iter().map(|draft| new(draft.target(), draft)));
        let keep = |operations: &mut _| {
            let mut kept = Vec::new();
            if let Some(old) = &self.old_main {
                kept.push(making.keep_file(operations, (&old.path, old.opened), name_of(self.place))?);
            }
            for old in &self.old_others {
                kept.push(making.keep_file(operations, (&old.path, old.opened), name_of(&old.path))?);
            }
            making.finish(operations, (self.cause, None), kept, recorded, self.ownership)
        };
        let kept = keep(operations);
        let kept = Making::or_discard(Some(&making), operations, kept)?;
        Ok((Some(making), Some(kept)))
    }
}

/// Gives new files their names, to which nothing refers yet; those that have theirs are added to `named`.
fn name_all(operations: &mut impl Operations, drafts: Vec<Draft>, named: &mut Vec<PathBuf>) -> Result<()> {
    let mut result = Ok(());
    let mut directory = None;
    for draft in drafts {
        if result.is_err() {
            draft.discard(operations);
            continue;
        }
        let target = draft.target().to_owned();
        result = draft.publish_new(operations);
        if result.is_ok() {
            directory = Some(directory_of(&target).to_owned());
            named.push(target);
        }
    }
    result?;
    directory
        .map_or(Ok(()), |directory| sync_directory(operations, &directory, || "the old log still counts".to_owned()))
}
