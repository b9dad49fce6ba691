//! What a server does at start with a log.
//!
//! A model of `loadAppendOnlyFile` (Redis 6.2), `loadSingleAppendOnlyFile` and `loadAppendOnlyFiles` (later ones),
//! proved against the real servers: 6.2.14, 7.0.15, 8.0.6, Valkey 8.1.1 and 9.1.2. Valkey 8.0
//! does not count arguments and words its refusals as Redis 8.0 does; otherwise it was seen to be like 8.1.
//!
//! [`load_resp`] does one part, [`load`] puts the parts together. Nothing here touches a file.
//!
//! ```
//! use aofkit::Server;
//! use aofkit::check::server::{Layout, Outcome, PartFacts, Resume, load, load_resp};
//!
//! let log = b"*1\r\n$4\r\nPING\r\n*1\r\n$3\r\nFOO\r\n";
//! let resp = Some(load_resp(log, Resume::default(), Server::Redis80));
//! let verdict = load(Layout::SingleFile, &[PartFacts::Read { rdb: None, resp }], Server::Redis80);
//! assert!(matches!(verdict.outcome, Outcome::Refuses { place: Some(place), .. } if place.offset == 14));
//! let line = b"Unknown command 'FOO' reading the append only file appendonly.aof";
//! assert_eq!(verdict.log_lines("appendonly.aof"), [line]);
//! ```

mod arity;
mod behavior;
mod filter;
mod log;
mod message;
mod part;
mod special;
mod stdio;
mod verdict;

pub use filter::PlainCommandFilter;
pub use log::{Layout, PartFacts, RdbOutcome, load};
pub use message::LOG_LINE_LIMIT;
pub use part::{OpenTransaction, PartEnd, PartOutcome, Resume, load_resp};
pub use verdict::{Crash, Cut, Note, NoteKind, Outcome, Place, Reason, ShortRead, Stop, Verdict, Words};
