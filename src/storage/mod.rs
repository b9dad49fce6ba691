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
mod unfinished;
mod watch;
mod writers;

use std::path::Path;

pub(crate) use names::{fixed_name, is_ours, unfixed_name};
pub use operations::{FileSystem, Operations};
pub use ownership::Ownership;
pub(crate) use unfinished::Change;
pub use unfinished::{Interruption, Stopped, abandon, interrupt};
pub(crate) use watch::difference;
pub use watch::{OpenElsewhere, Watch, refuse_writers, unchanged};

/// The directory of a file.
pub(crate) fn directory_of(file: &Path) -> &Path {
    match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}
