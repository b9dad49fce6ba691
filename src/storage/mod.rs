//! The only code that changes files.
//!
//! [`Operations`] has every system call that changes something, so that a test can make any of them fail. [`draft`]
//! writes new files and gives them their names, and [`Ownership`] their owners and modes. [`Watch`] excludes other
//! processes from a log while it is changed, and [`kept`] keeps and restores what a change removes.

pub mod draft;
pub mod kept;
mod lease;
mod names;
mod operations;
mod ownership;
pub(crate) mod replace;
mod unfinished;
mod watch;
mod writers;

use std::path::Path;

use crate::{Error, ErrorKind, Result};

pub(crate) use names::{fixed_name, is_ours, unfixed_name};
pub use operations::{FileSystem, Operations};
pub use ownership::Ownership;
pub(crate) use unfinished::Change;
pub use unfinished::{Interruption, Stopped, abandon, interrupt};
pub(crate) use watch::difference;
pub use watch::{OpenElsewhere, Watch, unchanged};

/// Refuses if this process may not write to a file or a directory; `action` says what for.
///
/// # Errors
/// [`ErrorKind::Io`].
pub(crate) fn require_writable(path: &Path, action: &'static str) -> Result<()> {
    use rustix::fs::{Access, AtFlags, CWD, accessat};
    accessat(CWD, path, Access::WRITE_OK, AtFlags::EACCESS).map_err(|error| Error::io(path, action, error.into()))
}

/// Refuses if a file cannot be replaced because it is marked as immutable, or on a file system that is mounted
/// read-only. Permission to write to it is not needed.
///
/// # Errors
/// [`ErrorKind::Io`].
pub(crate) fn require_changeable(path: &Path) -> Result<()> {
    require_writable(path, "replace this file").or_else(|error| match error.kind() {
        ErrorKind::Io { source, .. } if source.raw_os_error() == Some(libc::EACCES) => Ok(()),
        _ => Err(error),
    })
}

/// What directories, names and the texts in them take, roughly.
const ROOM_FOR_NAMES: u64 = 64 << 10;

/// Refuses if there is no room for so many bytes of new files in a directory.
///
/// # Errors
/// [`ErrorKind::NoSpace`].
pub(crate) fn require_space(operations: &mut impl Operations, directory: &Path, bytes: u64) -> Result<()> {
    // A file system that does not tell how full it is may still have room.
    let Ok(free) = operations.free_space(directory) else { return Ok(()) };
    let needed = bytes.saturating_add(ROOM_FOR_NAMES);
    if free >= needed { Ok(()) } else { Err(Error::new(directory, ErrorKind::NoSpace { needed, free })) }
}

/// The directory of a file.
pub(crate) fn directory_of(file: &Path) -> &Path {
    match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}
