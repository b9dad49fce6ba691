//! What is wrong with a log, and what the official checkers and the servers make of it.

pub mod official;
pub mod server;
