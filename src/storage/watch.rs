//! Detection of other processes that have the files of a log open, before and during a change.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use super::lease::{Exclusion, Lease, NoLease};
use super::writers::{Openers, openers};
use crate::error::Elsewhere;
use crate::input::{FileId, FileIdentity, Input};
use crate::plural::counted;
use crate::{Error, ErrorKind, Result};

/// What to do about a file that another process has open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenElsewhere {
    /// Refuse to change the file.
    Refuse,
    /// Change the file all the same.
    Ignore,
}

/// A watched file.
#[derive(Debug)]
struct Watched {
    path: PathBuf,
    identity: FileIdentity,
    /// `None` if `/proc` suffices, or other processes are ignored.
    lease: Option<Lease>,
}

/// Files that no other process may have open or open until a change is done.
#[derive(Debug)]
pub struct Watch {
    files: Vec<Watched>,
    /// The process that has one of them open, if that is ignored.
    ignored: Option<Elsewhere>,
    open_elsewhere: OpenElsewhere,
}

impl Watch {
    /// Excludes all other processes from the open files: none may have them open, and one that opens a file waits until
    /// this is dropped, or is detected by [`Watch::check`].
    ///
    /// # Errors
    /// [`ErrorKind::OpenElsewhere`] unless that is ignored; [`ErrorKind::Io`].
    pub fn of_inputs(inputs: &[Input], open_elsewhere: OpenElsewhere) -> Result<Self> {
        let files = inputs.iter().map(|input| {
            let opened = input.file().map_or_else(|| File::open(input.path()), File::try_clone);
            let opened = opened.map_err(|source| Error::io(input.path(), "open", source))?;
            Ok((input.path(), *input.file_identity(), opened))
        });
        Self::start(files.collect::<Result<_>>()?, Exclusion::Everybody, open_elsewhere)
    }

    /// Excludes writers from a file.
    ///
    /// # Errors
    /// As [`Watch::of_inputs`].
    pub fn of_file(path: &Path, open_elsewhere: OpenElsewhere) -> Result<Self> {
        Self::of_files(&[path], open_elsewhere)
    }

    /// Excludes writers from several files.
    ///
    /// # Errors
    /// As [`Watch::of_inputs`].
    pub fn of_files(paths: &[&Path], open_elsewhere: OpenElsewhere) -> Result<Self> {
        let files = paths.iter().map(|path| {
            let open_error = |source| Error::io(*path, "open", source);
            let opened = File::open(path).map_err(open_error)?;
            let identity = FileIdentity::of(&opened.metadata().map_err(open_error)?);
            Ok((*path, identity, opened))
        });
        Self::start(files.collect::<Result<_>>()?, Exclusion::Writers, open_elsewhere)
    }

    fn start(
        files: Vec<(&Path, FileIdentity, File)>,
        exclusion: Exclusion,
        open_elsewhere: OpenElsewhere,
    ) -> Result<Self> {
        let identities: Vec<_> = files.iter().map(|(_, identity, _)| identity.file_id()).collect();
        let shown = openers(&identities);
        let mut watch = Self { files: Vec::new(), ignored: None, open_elsewhere };
        for (path, identity, opened) in files {
            let lease = match (look(opened, identity.file_id(), exclusion, &shown), open_elsewhere) {
                (Ok(lease), OpenElsewhere::Refuse) => lease,
                // A process that opens the file now must not wait.
                (Ok(_), OpenElsewhere::Ignore) => None,
                (Err(found), OpenElsewhere::Refuse) => return Err(Error::new(path, ErrorKind::OpenElsewhere(found))),
                (Err(found), OpenElsewhere::Ignore) => {
                    watch.ignored.get_or_insert(found);
                    None
                }
            };
            watch.files.push(Watched { path: path.to_owned(), identity, lease });
        }
        Ok(watch)
    }

    /// The descriptor with the lease on one of the files.
    pub(crate) fn file(&self, index: usize) -> Option<&File> {
        self.files.get(index)?.lease.as_ref().map(Lease::file)
    }

    /// Whether no other process can have opened one of the files undetected.
    pub fn keeps_others_out(&self) -> bool {
        self.files.iter().all(|file| file.lease.is_some())
    }

    /// The process that has one of the files open, if that is ignored.
    pub fn ignored(&self) -> Option<&Elsewhere> {
        self.ignored.as_ref()
    }

    /// Checks again that no file was opened, replaced, truncated or written to by another process.
    ///
    /// # Errors
    /// [`ErrorKind::Refused`], [`ErrorKind::OpenElsewhere`], [`ErrorKind::Io`].
    pub fn check(&self) -> Result<()> {
        self.files.iter().try_for_each(|file| unchanged(&file.path, &file.identity))?;
        self.check_openers()
    }

    /// As [`Watch::check`], but ignores changes of the files.
    ///
    /// # Errors
    /// As [`Watch::check`].
    pub fn check_openers(&self) -> Result<()> {
        if self.open_elsewhere == OpenElsewhere::Ignore {
            return Ok(());
        }
        for file in &self.files {
            if file.lease.as_ref().is_some_and(|lease| !lease.holds()) {
                let text = "another process opened the file in the meantime; stop it and run this again".to_owned();
                return Err(Error::new(&file.path, ErrorKind::Refused(text)));
            }
        }
        let unleased: Vec<&Watched> = self.files.iter().filter(|file| file.lease.is_none()).collect();
        if unleased.is_empty() {
            return Ok(());
        }
        let identities: Vec<_> = unleased.iter().map(|file| file.identity.file_id()).collect();
        let shown = openers(&identities);
        unleased.into_iter().try_for_each(|file| match shown.writer(file.identity.file_id()) {
            Some(writer) => {
                let found = Elsewhere::Writer(Some(writer.clone()));
                Err(Error::new(&file.path, ErrorKind::OpenElsewhere(found)))
            }
            None => Ok(()),
        })
    }
}

/// Takes a lease, or returns why not; neither if `/proc` shows that no other process has the file open.
fn look(
    opened: File,
    identity: FileId,
    exclusion: Exclusion,
    shown: &Openers,
) -> std::result::Result<Option<Lease>, Elsewhere> {
    if let Some(writer) = shown.writer(identity) {
        return Err(Elsewhere::Writer(Some(writer.clone())));
    }
    let second = opened.try_clone();
    match Lease::take(opened, exclusion) {
        Ok(lease) => Ok(Some(lease)),
        Err(NoLease::Unknown(error)) => match shown.of(identity) {
            Some(reader) if exclusion == Exclusion::Everybody => Err(Elsewhere::Reader(Some(reader.clone()))),
            _ if shown.is_complete => Ok(None),
            _ => Err(Elsewhere::Unknown(error)),
        },
        Err(NoLease::Open) if exclusion == Exclusion::Writers => Err(Elsewhere::Writer(None)),
        Err(NoLease::Open) => {
            // Is it only read?
            match second.ok().map(|file| Lease::take(file, Exclusion::Writers)) {
                Some(Ok(lease)) => match shown.of(identity) {
                    Some(reader) => Err(Elsewhere::Reader(Some(reader.clone()))),
                    // It is this process, through another descriptor.
                    None if shown.is_complete => Ok(Some(lease)),
                    None => Err(Elsewhere::Reader(None)),
                },
                _ => Err(Elsewhere::Writer(None)),
            }
        }
    }
}

/// Refuses a file that has changed: its name refers to another file, or its length or modification time differ.
///
/// # Errors
/// [`ErrorKind::Refused`], [`ErrorKind::Io`].
pub fn unchanged(path: &Path, identity: &FileIdentity) -> Result<()> {
    let now = FileIdentity::of(&fs::metadata(path).map_err(|source| Error::io(path, "get the length", source))?);
    difference(identity, &now).map_or(Ok(()), |what| {
        let text = format!("{what}; stop whatever writes to it, and run this again");
        Err(Error::new(path, ErrorKind::Refused(text)))
    })
}

/// How a file has changed, in words.
pub(crate) fn difference(before: &FileIdentity, now: &FileIdentity) -> Option<String> {
    if now.file_id() != before.file_id() {
        Some("the file was replaced by another since it was read".to_owned())
    } else if now.length != before.length {
        Some(format!("the file had {} when it was read, and has {} now", counted(before.length, "byte"), now.length))
    } else if now != before {
        Some("the file was written to since it was read".to_owned())
    } else {
        None
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;

    /// The result for a file where `/proc` shows no other process.
    fn looked(path: &Path, exclusion: Exclusion, is_complete: bool) -> std::result::Result<Option<Lease>, Elsewhere> {
        let opened = File::open(path).unwrap();
        let identity = FileIdentity::of(&opened.metadata().unwrap()).file_id();
        look(opened, identity, exclusion, &Openers { found: Vec::new(), is_complete })
    }

    #[test]
    fn the_kernel_tells_what_proc_hides() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.aof");
        fs::write(&path, b"x").unwrap();
        for exclusion in [Exclusion::Writers, Exclusion::Everybody] {
            assert!(matches!(looked(&path, exclusion, false), Ok(Some(_))));
            let writer = fs::OpenOptions::new().append(true).open(&path).unwrap();
            assert!(matches!(looked(&path, exclusion, false), Err(Elsewhere::Writer(None))));
            drop(writer);
        }
        let reader = File::open(&path).unwrap();
        assert!(matches!(looked(&path, Exclusion::Writers, false), Ok(Some(_))));
        assert!(matches!(looked(&path, Exclusion::Everybody, false), Err(Elsewhere::Reader(None))));
        // `/proc` is complete and shows no other process, so the reader is this process.
        assert!(matches!(looked(&path, Exclusion::Everybody, true), Ok(Some(_))));
        drop(reader);
    }

    #[test]
    fn where_neither_tells_that_is_said() {
        // Directories do not support leases.
        let directory = tempfile::tempdir().unwrap();
        assert!(matches!(looked(directory.path(), Exclusion::Everybody, true), Ok(None)), "/proc tells");
        let unknown = looked(directory.path(), Exclusion::Everybody, false).unwrap_err();
        assert!(unknown.to_string().contains("cannot tell whether a server has the file open"), "{unknown}");
    }
}
