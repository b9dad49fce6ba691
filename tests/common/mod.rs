//! What several integration tests need.

pub(crate) mod loader;
pub(crate) mod log;
pub(crate) mod server;
