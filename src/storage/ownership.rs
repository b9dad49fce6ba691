//! Whose a new file is, and who may read it.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;

use super::Operations;

/// The permission bits of a mode.
const PERMISSIONS: u32 = 0o777;

/// The permission bits of the group.
const GROUP: u32 = 0o070;

/// The owner and the mode that a file is to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ownership {
    user: u32,
    group: u32,
    mode: u32,
}

impl Ownership {
    /// Those of a file.
    pub fn of(metadata: &Metadata) -> Self {
        Self { user: metadata.uid(), group: metadata.gid(), mode: metadata.mode() & PERMISSIONS }
    }

    /// Those of a file that has the content of all of these: the owner is the last one's, and only who may read or
    /// write every one of them may read or write it. `None` of no files.
    pub fn strictest(files: impl IntoIterator<Item = Metadata>) -> Option<Self> {
        files.into_iter().map(|metadata| Self::of(&metadata)).reduce(|before, file| {
            let mode = before.mode & file.mode;
            // The bits of two groups are about different people.
            let mode = if before.group == file.group { mode } else { mode & !GROUP };
            Self { mode, ..file }
        })
    }

    /// Gives a file this owner, as far as the system lets this process, and this mode.
    ///
    /// Where the group cannot be given, its members get no access: the bits would be about another group.
    ///
    /// # Errors
    /// What the system says to the mode.
    pub(crate) fn give(self, operations: &mut impl Operations, file: &File) -> io::Result<()> {
        if operations.set_owner(file, self.user, self.group).is_err() {
            // Only root may give a file away; to one of its own groups anybody may.
            let _ = file.metadata().and_then(|own| operations.set_owner(file, own.uid(), self.group));
        }
        let has_group = file.metadata()?.gid() == self.group;
        operations.set_mode(file, if has_group { self.mode } else { self.mode & !GROUP })
    }

    /// Gives a directory this owner, as far as the system lets this process; its mode stays.
    pub(crate) fn give_directory(self, operations: &mut impl Operations, directory: &File) {
        let _ = operations.set_owner(directory, self.user, self.group);
    }
}
