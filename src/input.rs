//! One file's bytes, mapped or read whole.
