//! Selections of records and items of a log, the way to them, and the way on as the log grows.

mod finding;
mod follow;
mod selection;
mod state;
mod traverse;

pub use finding::manifest_finding;
pub use follow::{Follower, Polled};
pub use selection::{CommandName, Selection};
pub use state::{Place, Step, StreamState, Walk, selected_database};
pub use traverse::{Checkpoint, End, Growth, News, Passed, RdbItems, TransactionOutcome, Traversal, Visitor};

#[cfg(test)]
mod tests;
