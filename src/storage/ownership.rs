//! The owner and the mode of new files.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;

use super::Operations;

/// The permission bits of a mode.
const PERMISSIONS: u32 = 0o777;

/// The permission bits of the group.
const GROUP: u32 = 0o070;

/// The owner, the group and the mode of a file.
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

    /// The ownership of a file with the contents of all these files: the owner of the last one, and a mode that allows
    /// reading and writing only to those who may do so in every one of them. `None` without files.
    pub fn strictest(files: impl IntoIterator<Item = Metadata>) -> Option<Self> {
        files.into_iter().map(|metadata| Self::of(&metadata)).reduce(|before, file| {
            let mode = before.mode & file.mode;
            // The bits of different groups are not comparable.
            let mode = if before.group == file.group { mode } else { mode & !GROUP };
            Self { mode, ..file }
        })
    }

    /// Sets the owner of a file, if the system allows that, and its mode.
    ///
    /// If the group cannot be set, the group bits are cleared, because they would apply to another group.
    ///
    /// # Errors
    /// The error of setting the mode.
    pub(crate) fn give(self, operations: &mut impl Operations, file: &File) -> io::Result<()> {
        if operations.set_owner(file, self.user, self.group).is_err() {
            // Only root may change the owner; everybody may set one of their own groups.
            let _ = file.metadata().and_then(|own| operations.set_owner(file, own.uid(), self.group));
        }
        let has_group = file.metadata()?.gid() == self.group;
        operations.set_mode(file, if has_group { self.mode } else { self.mode & !GROUP })
    }

    /// Sets the owner of a directory, if the system allows that; its mode stays.
    pub(crate) fn give_directory(self, operations: &mut impl Operations, directory: &File) {
        let _ = operations.set_owner(directory, self.user, self.group);
    }
}
