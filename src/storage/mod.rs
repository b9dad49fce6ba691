//! The only code that changes files.
//!
//! [`Operations`] is every system call that changes something, so that a test can make any of them fail; [`draft`] writes new
//! files and gives them their names.

pub mod draft;
mod operations;
pub(crate) mod writers;

pub use operations::{FileSystem, Operations};
