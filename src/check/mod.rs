//! What the real tools make of a log: models of the official checkers and of the servers.

pub mod server;
