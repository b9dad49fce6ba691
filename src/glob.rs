//! Glob patterns as Redis matches them.
