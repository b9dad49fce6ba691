//! The only code that changes files.
//!
//! [`Operations`] is every system call that changes something, so that a test can make any of them fail. [`draft`]
//! writes new files and gives them their names; [`Ownership`] is whose they are. [`Watch`] keeps others out of a log
//! while it is changed, and [`kept`] is what a change takes away, and how it is put back.

pub mod draft;
pub mod kept;
mod lease;
mod names;
mod operations;
mod ownership;
mod unfinished;
mod watch;
mod writers;

use std::path::Path;

pub(crate) use names::is_ours;
pub use operations::{FileSystem, Operations};
pub use ownership::Ownership;
pub(crate) use unfinished::Change;
pub use unfinished::{Interruption, Stopped, abandon, interrupt};
pub(crate) use watch::difference;
pub use watch::{Elsewhere, OpenElsewhere, Watch, refuse_writers, unchanged};
pub use writers::Opener;

/// The directory that a file is in.
pub(crate) fn directory_of(file: &Path) -> &Path {
    match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}
