//! One append-only log: its parts, its records, its transactions.

pub(crate) mod database;
pub mod listing;
pub mod log;
pub mod manifest;
pub(crate) mod part_name;
pub mod producer;
pub(crate) mod reader;
pub(crate) mod resync;
pub mod transaction;

pub use database::database_number;
pub use reader::{ANNOTATION_LIMIT, Content, Damage, DamageKind, Reader, Record, TIMESTAMP, is_no_log, timestamp};
