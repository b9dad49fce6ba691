//! What a server does at start with a log.
//!
//! A model of `loadAppendOnlyFile` (Redis 6.2), `loadSingleAppendOnlyFile` and `loadAppendOnlyFiles` (later ones), proved
//! against the real servers: 6.2.14, 7.0.15, 8.0.6, Valkey 8.1.1 and 9.1.2. Valkey 8.0 does not count arguments, as Redis;
//! in everything else it is like 8.1.
//!
//! [`load_resp`] does one part, [`load`] puts the parts together. Nothing here touches a file.

mod arity;
mod conduct;
mod log;
mod message;
mod part;
mod special;
mod stdio;
mod verdict;

pub use conduct::Bystander;
pub use log::{Layout, PartFacts, RdbOutcome, load, starts_with_rdb};
pub use part::{OpenTransaction, PartEnd, PartOutcome, Resume, load_resp};
pub use verdict::{Crash, Cut, Note, NoteKind, Outcome, Place, Reason, ShortRead, Stop, Verdict, Words};
