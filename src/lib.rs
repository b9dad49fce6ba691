//! Reads, checks, repairs, inspects and rewrites the append-only files (AOF) of Redis and Valkey.
//!
//! The layers; an arrow points at what may be imported, and nothing points up:
//!
//! ```text
//! cli  →  report  →  append · check · repair · rewrite · select  →  replay · digest  →  command
//!      →  keyspace  →  aof  →  rdb  →  value
//!      →  resp · input · storage · server · error · escape · glob · plural · progress · threads
//! ```
//!
//! - [`aof`]: a log as records, transactions, parts and a manifest; [`resp`]: one record; [`rdb`]: an RDB, item by
//!   item.
//! - [`command`]: the table of commands: arity, key positions, who knows them, and what each does to a keyspace.
//! - [`value`] and [`keyspace`]: the data that a log describes; [`replay`]: a log applied as a server applies it while
//!   it loads; [`mod@digest`]: what `DEBUG DIGEST` prints of it; [`rewrite`]: the fewest commands, or an RDB, that give
//!   it.
//! - [`mod@check`]: findings, and what the official checkers and the servers ([`Server`]) make of a log.
//! - [`append`]: a log that is being written, and rewritten in the background, by the rules of the servers.
//! - [`storage`]: the only code that changes files. [`repair`]: what a cut would do, as data, and the cut; [`select`]:
//!   which records are wanted.
//! - [`report`]: all of it as text and JSON. `cli`, behind the feature of that name, talks to people.
//!
//! Readers return what they saw, damage included, as values with absolute byte offsets. They take any bytes without a
//! panic, and allocate nothing by a size that a file merely claims. An [`Error`] says that a question could not be
//! answered at all.
//!
//! Short programs that use the library are in `examples/`.
//!
//! ```
//! use aofkit::aof::log::Log;
//! use aofkit::aof::{Content, Reader};
//! use aofkit::check::{Settings, check};
//! use aofkit::input::Input;
//!
//! # fn main() -> aofkit::Result<()> {
//! // A log that was cut off in the middle of its second command.
//! // `Log::open(path)` takes files, manifests and directories.
//! let bytes = b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$3\r\none\r\n*2\r\n$3\r\nDEL\r\n$1".to_vec();
//! let log = Log::from_input(Input::from_bytes("example.aof", bytes))?;
//!
//! let report = check(&log, Settings::default())?;
//! assert!(!report.is_sound());
//! assert_eq!(report.parts[0].valid_up_to(), 29);
//! assert_eq!(report.findings[0].code.name(), "truncated-record");
//! assert_eq!(report.checker.ok_up_to(), Some(29));
//! assert!(report.server.outcome.starts());
//!
//! // Record by record, borrowed from the log.
//! let input = log.parts[0].open()?;
//! let mut reader = Reader::after_preamble(input.bytes()).expect("no damaged RDB");
//! while let Some(Ok(record)) = reader.next_record() {
//!     if let Content::Command(arguments) = record.content {
//!         assert_eq!((record.offset, arguments), (0, &[&b"SET"[..], b"a", b"one"][..]));
//!     }
//! }
//! # Ok(())
//! # }
//! ```

// The list is in clippy.toml: a user's file is changed in one place alone.
#![cfg_attr(not(test), deny(clippy::disallowed_methods))]

pub mod aof;
pub mod append;
pub mod check;
#[cfg(feature = "cli")]
pub mod cli;
pub mod command;
pub mod digest;
pub mod error;
pub mod escape;
pub mod glob;
pub mod input;
pub mod keyspace;
mod plural;
pub mod progress;
pub mod rdb;
pub mod repair;
pub mod replay;
pub mod report;
pub mod resp;
pub mod rewrite;
pub mod select;
pub mod server;
pub mod storage;
#[cfg(test)]
mod testing;
mod threads;
pub mod value;

pub use error::{Error, ErrorKind, Result};
pub use server::{Server, ServerSet};
