//! The manifest of a multi-part log.
