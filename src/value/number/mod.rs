//! Numbers in strings, as servers read and write them.

mod long_double;

pub use long_double::{LongDoubleError, add_long_doubles, parse_seconds};
