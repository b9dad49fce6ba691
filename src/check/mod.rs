//! What is wrong with a log, and what the official checkers and the servers make of it.
//!
//! A log is read once, in parallel. Where nothing odd is found, both verdicts follow. Where something is, the models of
//! the checkers ([`official`]) and of the servers ([`server`]) continue from there, each as lax and as strict as the
//! program that it imitates. The verdicts say whether a log is sound; findings explain them.

mod checker;
pub(crate) mod damage;
mod describe;
mod directory;
mod examination;
mod finding;
mod lost_fields;
pub mod official;
mod part;
mod rdb;
mod report;
pub mod scan;
pub mod server;

pub use checker::{CheckerReason, CheckerVerdict};
pub(crate) use describe::fix_command;
pub use describe::rewrite_before;
pub(crate) use directory::OLD_FILE_OR_PARTS;
pub use examination::{Settings, check};
pub use finding::{Code, Example, Excerpt, Finding, Severity};
pub use part::{Format, PartReport};
pub use rdb::{RdbSummary, Refused, Unsearched};
pub use report::Report;
