//! RDB files: walked and verified whole.
