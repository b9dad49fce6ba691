//! Where data and messages go, and what the two ends can show.

use std::io::{self, BufWriter, IsTerminal, Stderr, StdoutLock, Write};
use std::os::fd::AsFd;

use clap::ValueEnum;

use super::progress::Visibility;
use crate::error::{Error, ErrorKind, plain};
use crate::escape::{shell_word, visible};
use crate::repair::manifest::parts_without_manifest;
use crate::report::style::{Color, Style};

/// When to do something that suits terminals only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum When {
    /// Only when writing to a terminal
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// Standard output for data, standard error for messages.
pub struct Console {
    /// Data goes here; buffered, flushed at the end.
    pub out: BufWriter<Output<StdoutLock<'static>>>,
    /// Messages go here.
    pub stderr: Stderr,
    /// How text is written to standard output.
    pub style: Style,
    /// Whether a progress bar may be drawn on standard error.
    pub progress: Visibility,
}

/// Standard output; its errors name it and keep their kind.
pub struct Output<W>(pub W);

impl<W: Write> Write for Output<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes).map_err(|error| unwritten(&error))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush().map_err(|error| unwritten(&error))
    }
}

/// An error of writing to standard output that names it.
pub(super) fn unwritten(error: &io::Error) -> io::Error {
    // The writer tries again after this one, so it must stay recognizable.
    if error.kind() == io::ErrorKind::Interrupted {
        return error.kind().into();
    }
    io::Error::new(error.kind(), Unwritten(plain(error)))
}

/// What the operating system said when standard output was written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write standard output: {0}")]
struct Unwritten(String);

/// An error with advice, which is printed on a line of its own.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
struct Hinted {
    message: String,
    hint: String,
}

/// An error with advice.
pub(super) fn hinted(message: String, hint: String) -> anyhow::Error {
    Hinted { message, hint }.into()
}

/// Whether standard output cannot be written, or its reader has gone: then there is no point in going on.
pub(super) fn is_of_output(error: &anyhow::Error) -> bool {
    let says_so = |error: &io::Error| {
        error.kind() == io::ErrorKind::BrokenPipe
            || error.get_ref().and_then(|inner| inner.downcast_ref::<Unwritten>()).is_some()
    };
    error.chain().any(|cause| cause.downcast_ref::<io::Error>().is_some_and(says_so))
}

/// The columns of a terminal; `None` for anything else.
pub(super) fn terminal_columns(output: &(impl IsTerminal + AsFd)) -> Option<usize> {
    /// What is assumed of a terminal that does not say.
    const USUAL: usize = 80;
    /// In fewer columns, no text can be filled.
    const LEAST: usize = 40;
    output.is_terminal().then(|| match rustix::termios::tcgetwinsize(output) {
        Ok(size) if size.ws_col > 0 => usize::from(size.ws_col).max(LEAST),
        _ => USUAL,
    })
}

impl Console {
    /// The real ends of this process.
    pub(super) fn new(color: When, progress: When) -> Self {
        let stdout = io::stdout();
        let wanted = |when, automatic| match when {
            When::Always => true,
            When::Never => false,
            When::Auto => automatic,
        };
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
            || std::env::var_os("TERM").is_some_and(|value| value == "dumb");
        Self {
            style: Style {
                color: if wanted(color, stdout.is_terminal() && !plain) { Color::Ansi } else { Color::None },
                columns: terminal_columns(&stdout),
            },
            progress: if wanted(progress, io::stderr().is_terminal()) { Visibility::Shown } else { Visibility::Hidden },
            out: BufWriter::with_capacity(128 * 1024, Output(stdout.lock())),
            stderr: io::stderr(),
        }
    }

    /// Prints an error and, if there is one, its hint.
    pub fn failure(&mut self, error: &anyhow::Error) {
        self.error(&format!("{error:#}"));
        if let Some(hinted) = error.downcast_ref::<Hinted>() {
            self.hint(&hinted.hint);
        }
        let Some(error) = error.downcast_ref::<Error>() else { return };
        if !matches!(error.kind(), ErrorKind::NoManifest | ErrorKind::LogsWithoutManifest(_)) {
            return;
        }
        if let Some(parts) = parts_without_manifest(error.file()) {
            let parts = shell_word(&parts);
            self.hint(&format!(
                "these are parts of a log; to work out the manifest that names them, run: aofkit fix {parts}"
            ));
        } else if matches!(error.kind(), ErrorKind::NoManifest) {
            self.hint(&format!("to list the logs further down, run: aofkit check {}", shell_word(error.file())));
        }
    }

    /// Prints what to do about the line before.
    pub fn hint(&mut self, hint: &str) {
        self.say(&format!("hint: {hint}"));
    }

    /// Prints an error.
    pub fn error(&mut self, message: &str) {
        self.say(&format!("aofkit: {message}"));
    }

    /// Prints one line to standard error; a failure to do so is ignored.
    pub fn say(&mut self, message: &str) {
        let _ = self.out.flush();
        let _ = writeln!(self.stderr, "{}", visible(message));
    }
}
