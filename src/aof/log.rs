//! PATH → the parts of a log.
