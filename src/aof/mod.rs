//! One append-only log: its parts, its records, its transactions.

pub mod log;
pub mod manifest;
