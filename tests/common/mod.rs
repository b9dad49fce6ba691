//! What several integration tests need.

pub(crate) mod loader;
pub(crate) mod log;
pub(crate) mod random;
pub(crate) mod server;
pub(crate) mod terminal;
