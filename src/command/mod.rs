//! The commands: one row each.
