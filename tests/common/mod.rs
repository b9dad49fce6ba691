//! What several integration tests need.

pub(crate) mod loader;
pub(crate) mod server;
