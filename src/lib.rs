//! Reads, checks, repairs and inspects the append-only files (AOF) of Redis and Valkey.
//!
//! An arrow points at what may be imported; nothing points up:
//!
//! ```text
//! cli  →  report  →  check · repair · select  →  aof · command · rdb  →  resp · input · escape · glob · server · error
//! ```
//!
//! ```
//! # fn main() -> aofkit::Result<()> {
//! # let directory = tempfile::tempdir().unwrap();
//! # let path = directory.path().join("appendonly.aof");
//! # std::fs::write(&path, b"*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nPI").unwrap();
//! use aofkit::aof::log::Log;
//! use aofkit::check::{Settings, check};
//!
//! // A file, a manifest, or a directory with a manifest in it.
//! let log = Log::open(&path)?;
//! for finding in check(&log, Settings::default())?.findings {
//!     println!("{} at {:?}: {}", finding.code, finding.offset, finding.message);
//! }
//! # Ok(())
//! # }
//! ```

// The list is in clippy.toml: a user's file is changed in one place alone.
#![cfg_attr(not(test), deny(clippy::disallowed_methods))]

pub mod aof;
pub mod check;
#[cfg(feature = "cli")]
pub mod cli;
pub mod command;
pub mod error;
pub mod escape;
pub mod glob;
pub mod input;
pub mod rdb;
pub mod repair;
pub mod report;
pub mod resp;
pub mod select;
pub mod server;
#[cfg(test)]
mod testing;

pub use error::{Error, ErrorKind, Result};
pub use server::{Server, ServerSet};
