//! Findings as GitHub workflow commands: a CI job shows them on the files they are about.

use std::io::{self, Write};

use super::place_words;
use crate::check::{Report, Severity};
use crate::error::Error;
use crate::escape::is_obeyed;

/// Writes one `::error`, `::warning` or `::notice` line a finding.
///
/// # Errors
/// What the writer says.
pub fn write_github(out: &mut impl Write, report: &Report) -> io::Result<()> {
    for finding in &report.findings {
        let command = match finding.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "notice",
        };
        let file = property(&finding.file.to_string_lossy());
        let place = place_words(finding).map_or_else(String::new, |place| format!("{place}: "));
        let message = data(&format!("{place}{}; {}", finding.message, finding.advice));
        // A log has no lines that a reviewer would know; the annotation is pinned to the file's head.
        writeln!(out, "::{command} file={file},line=1,title=aofkit {}::{message}", finding.code)?;
    }
    Ok(())
}

/// Writes the `::error` line of a log that could not be read.
///
/// # Errors
/// What the writer says.
pub fn write_github_error(out: &mut impl Write, error: &Error) -> io::Result<()> {
    let file = property(&error.file().to_string_lossy());
    writeln!(out, "::error file={file},line=1,title=aofkit::{}", data(&error.kind().to_string()))
}

fn data(text: &str) -> String {
    let text = text.replace(|character| is_obeyed(character) && !matches!(character, '\r' | '\n'), "\u{fffd}");
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_would_end_a_property_is_escaped() {
        assert_eq!(super::property("a,b:c%\n\u{1b}"), "a%2Cb%3Ac%25%0A\u{fffd}");
    }
}
