//! The `aofkit` command.

fn main() {}
