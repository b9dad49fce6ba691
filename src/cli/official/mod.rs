//! The drop-in: under the name of an official checker the program is that checker.
//!
//! The lines on standard output and the exit codes are those of `redis-check-aof` 8.0.6 and of `valkey-check-aof`
//! 9.1.2, except where the real tool is wrong or dangerous: [`DIFFERENCES`] lists every such place.

mod differences;
mod log;
mod part;
mod tool;

use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::process::ExitCode;

use super::console::unwritten;
use crate::check::official::timestamp_argument;
use tool::{Mode, Stopped, Tool};

pub use differences::DIFFERENCES;
pub use tool::Imitated;

/// What the arguments ask for.
enum Request {
    Version,
    Check { path: OsString, mode: Mode },
    InvalidTimestamp,
    Usage,
}

/// Reads the arguments as the tools do: by their number, with options only at the start.
fn request(arguments: &[OsString]) -> Request {
    match arguments {
        [only] if only == "-v" || only == "--version" => Request::Version,
        [path] => Request::Check { path: path.clone(), mode: Mode::Check },
        [option, path] if option == "--fix" => Request::Check { path: path.clone(), mode: Mode::Fix },
        [option, timestamp, path] if option == "--truncate-to-timestamp" => {
            match timestamp_argument(timestamp.as_bytes()) {
                // As to the real tools, 0 is no timestamp.
                Some(0) => Request::Check { path: path.clone(), mode: Mode::Check },
                Some(timestamp) => Request::Check { path: path.clone(), mode: Mode::ToTimestamp(timestamp) },
                None => Request::InvalidTimestamp,
            }
        }
        _ => Request::Usage,
    }
}

/// Does what the real tool would; `arguments` begin with the program's own name.
pub fn run(imitated: Imitated, arguments: &[OsString]) -> ExitCode {
    let (program, arguments) =
        arguments.split_first().map_or((OsStr::new(""), arguments), |(program, rest)| (program, rest));
    let mut out = io::BufWriter::with_capacity(64 * 1024, io::stdout().lock());
    let end = respond(imitated, program, &request(arguments), &mut out);
    let flushed = out.flush();
    if let Err(error) = &flushed
        && error.kind() != io::ErrorKind::BrokenPipe
    {
        let _ = writeln!(io::stderr(), "{}: {}", imitated.name(), unwritten(error));
    }
    match (end, flushed) {
        (Ok(()), Ok(())) => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

fn respond(imitated: Imitated, program: &OsStr, request: &Request, out: &mut dyn Write) -> Result<(), Stopped> {
    match request {
        Request::Version => {
            let (name, version, own) = (imitated.name(), imitated.version(), env!("CARGO_PKG_VERSION"));
            let bits = usize::BITS;
            writeln!(out, "{name} v={version} sha=00000000:0 malloc=libc bits={bits} build=aofkit-{own}")?;
            Ok(())
        }
        Request::InvalidTimestamp => {
            writeln!(out, "Invalid timestamp, aborting...")?;
            Err(Stopped)
        }
        Request::Usage => {
            out.write_all(b"Usage: ")?;
            out.write_all(program.as_bytes())?;
            writeln!(out, " [--fix|--truncate-to-timestamp $timestamp] <file.manifest|file.aof>")?;
            Err(Stopped)
        }
        Request::Check { path, mode } => {
            let mut tool = Tool::new(imitated, *mode, out);
            log::check(&mut tool, path)?;
            tool.last_line.take().map_or(Ok(()), |line| tool.line(&[line.as_bytes()]))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_told_by_the_last_component_of_its_name() {
        assert_eq!(Imitated::of(OsStr::new("/usr/bin/redis-check-aof")), Some(Imitated::Redis));
        assert_eq!(Imitated::of(OsStr::new("valkey-check-aof")), Some(Imitated::Valkey));
        assert_eq!(Imitated::of(OsStr::new("/redis-check-aof/aofkit")), None);
        assert_eq!(Imitated::of(OsStr::new("")), None);
    }

    #[test]
    fn differences_are_named_once_and_as_sentences() {
        for (index, difference) in DIFFERENCES.iter().enumerate() {
            assert!(difference.ends_with('.'), "{difference}");
            assert!(!DIFFERENCES[..index].contains(difference));
        }
    }
}
