//! The `aofkit` command.

mod memory;

use std::process::ExitCode;

fn main() -> ExitCode {
    aofkit::cli::main(std::env::args_os().collect())
}
