//! Where data and talk go, and what the two ends can show.

use std::io::{self, BufWriter, IsTerminal, Stderr, StdoutLock, Write};

use super::arguments::When;
use super::progress::Visibility;
use crate::escape::visible;
use crate::report::style::Style;

/// Standard output for data, standard error for talk.
pub struct Console {
    /// Data goes here; buffered, flushed at the end.
    pub out: BufWriter<StdoutLock<'static>>,
    /// Talk goes here.
    pub talk: Stderr,
    /// How text is written to standard output.
    pub style: Style,
    /// Whether a progress bar may be drawn on standard error.
    pub progress: Visibility,
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
            style: if wanted(color, stdout.is_terminal() && !plain) { Style::Colored } else { Style::Plain },
            progress: if wanted(progress, io::stderr().is_terminal()) { Visibility::Shown } else { Visibility::Hidden },
            out: BufWriter::with_capacity(128 * 1024, stdout.lock()),
            talk: io::stderr(),
        }
    }

    /// Says that something could not be done.
    pub fn error(&mut self, message: &str) {
        self.say(&format!("aofkit: {message}"));
    }

    /// Says something to the person who started the command, on one line; nobody may be listening, and that is no error.
    pub fn say(&mut self, message: &str) {
        let _ = self.out.flush();
        let _ = writeln!(self.talk, "{}", visible(message));
    }
}
