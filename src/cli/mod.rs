//! The command line: the only layer that talks to people.
//!
//! Arguments come in two stages, as typed (`arguments`) and as resolved (each subcommand's `Settings`). A subcommand is
//! one file with one `run(settings, context)`: data goes to the `Write` it was given, messages to standard error.

mod arguments;
mod check;
mod console;
mod copies;
mod digest;
mod exit_codes;
mod fix;
mod format;
mod free_memory;
mod generate;
mod inspect;
mod max_loss;
mod memory;
mod official;
mod offset;
mod opened;
mod progress;
mod prompt;
mod reference;
mod replay;
mod replay_arguments;
mod rewrite;
mod server_argument;
mod sigbus;
mod signals;
mod skip_damage;
mod source;
mod time;
mod travel;

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use arguments::{Subcommand, command};
use console::Console;
use exit_codes::Outcome;

use crate::escape;

pub use memory::out_of_memory;
pub use official::DIFFERENCES;

/// Runs the program and says how it ended; `arguments` begin with the program's own name.
pub fn main(arguments: Vec<OsString>) -> ExitCode {
    sigbus::install();
    memory::install();
    if let Some(code) = imitate(&arguments) {
        return code;
    }
    let arguments = match arguments::parse(arguments) {
        Ok(arguments) => arguments,
        Err(error) => return usage(&error),
    };
    let mut console = Console::new(arguments.color, arguments.progress);
    let result = run(arguments.subcommand, &mut console).and_then(|outcome| {
        console.out.flush()?;
        Ok(outcome)
    });
    match result {
        Ok(outcome) => outcome.into(),
        // A reader that goes away (`| head`) has what it wanted.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            console.failure(&error);
            Outcome::CannotSay.into()
        }
    }
}

/// Runs as the official checker that the first of `arguments`, the program's name, is; `None` if it is another program.
pub fn imitate(arguments: &[OsString]) -> Option<ExitCode> {
    let imitated = arguments.first().and_then(|program| official::Imitated::of(program))?;
    Some(official::run(imitated, arguments))
}

fn run(subcommand: Subcommand, console: &mut Console) -> anyhow::Result<Outcome> {
    match subcommand {
        Subcommand::Check(typed) => check::run(typed, console),
        Subcommand::Fix(typed) => fix::run(&typed, console),
        Subcommand::Inspect(typed) => inspect::run(*typed, console),
        Subcommand::Rewrite(typed) => rewrite::run(*typed, console),
        Subcommand::Digest(typed) => digest::run(*typed, console),
        Subcommand::Generate(typed) => generate::run(&typed, &command(), console),
    }
}

/// `--help` and `--version` succeed; anything else that clap reports is a wrong command line.
fn usage(error: &clap::Error) -> ExitCode {
    if let Some(text) = error.render().to_string().strip_prefix("error: ") {
        // In the form of all other errors, with clap's reminder of the usage.
        for line in
            format!("aofkit: {text}").replace("\n\n  tip: ", "\nhint: ").replace("\n  tip: ", "\nhint: ").lines()
        {
            let _ = writeln!(io::stderr(), "{}", escape::visible(line));
        }
        return Outcome::CannotSay.into();
    }
    match error.print() {
        Err(failed) if failed.kind() != io::ErrorKind::BrokenPipe => {
            if !error.use_stderr() {
                let _ = writeln!(io::stderr(), "aofkit: {}", console::unwritten(&failed));
            }
            Outcome::CannotSay.into()
        }
        _ if error.use_stderr() => Outcome::CannotSay.into(),
        _ => Outcome::Sound.into(),
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .any(|cause| cause.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe))
}
