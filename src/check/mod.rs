//! Verdicts on a log.

pub mod official;
