//! Reports as JUnit XML: a test case a log.

use std::fmt::Write as _;
use std::io::{self, Write};

use super::{checker_words, place_words, server_words};
use crate::check::{Report, Severity};
use crate::error::Error;
use crate::escape::{is_obeyed, visible};

/// Writes the reports as one test suite; a log that could not be read is a test case with an error.
///
/// # Errors
/// What the writer says.
pub fn write_junit(out: &mut impl Write, reports: &[Result<Report, Error>]) -> io::Result<()> {
    let failures = reports.iter().flatten().filter(|report| !report.is_sound()).count();
    let errors = reports.iter().filter(|report| report.is_err()).count();
    let counts = format!(r#"tests="{}" failures="{failures}" errors="{errors}""#, reports.len());
    writeln!(out, r#"<?xml version="1.0" encoding="UTF-8"?>"#)?;
    writeln!(out, "<testsuites {counts}>\n  <testsuite name=\"aofkit check\" {counts}>")?;
    for report in reports {
        let path = report.as_ref().map_or_else(Error::file, |report| &report.path);
        // A line break would stay one, and what follows could be taken for a command to the CI.
        let name = escaped(&visible(&path.to_string_lossy()));
        write!(out, r#"    <testcase classname="aofkit.check" name="{name}""#)?;
        match report {
            Ok(report) => write_content(out, report)?,
            Err(error) => {
                let message = escaped(&error.kind().to_string());
                writeln!(out, ">\n      <error type=\"unreadable\" message=\"{message}\"/>\n    </testcase>")?;
            }
        }
    }
    writeln!(out, "  </testsuite>\n</testsuites>")
}

fn write_content(out: &mut impl Write, report: &Report) -> io::Result<()> {
    let body = body(report);
    match report.findings.iter().find(|finding| finding.severity == Severity::Error) {
        Some(finding) => {
            let (message, code) = (escaped(&finding.message), finding.code);
            writeln!(out, ">\n      <failure type=\"{code}\" message=\"{message}\">{body}</failure>\n    </testcase>")
        }
        None if report.findings.is_empty() => writeln!(out, "/>"),
        None => writeln!(out, ">\n      <system-out>{body}</system-out>\n    </testcase>"),
    }
}

fn body(report: &Report) -> String {
    let mut text = String::new();
    for finding in &report.findings {
        let place = place_words(finding).map_or_else(String::new, |place| format!(" at {place}"));
        let file = finding.file.to_string_lossy();
        let file = visible(&file);
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{} {} in {file}{place}: {}", finding.severity.name(), finding.code, finding.message);
        let _ = writeln!(text, "  {}", finding.advice);
    }
    let _ = writeln!(text, "{}: {}", report.checker.tool(), checker_words(&report.checker, &report.parts));
    let _ = write!(text, "{}: {}", report.server.server, server_words(&report.server, &report.parts));
    escaped(&text)
}

/// Text for XML 1.0, which cannot hold control characters at all.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(character),
            _ if is_obeyed(character) || matches!(character, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            _ => out.push(character),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn xml_holds_no_markup_and_no_control_character() {
        assert_eq!(super::escaped("<a & \"b\">\u{1}\n"), "&lt;a &amp; &quot;b&quot;&gt;\u{fffd}\n");
    }
}
