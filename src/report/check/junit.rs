//! Reports as JUnit XML: a test case a log.

use std::fmt::Write as _;
use std::io::{self, Write};

use super::{checker_words, place_words, server_words};
use crate::check::{Report, Severity};

/// Writes the reports as one test suite.
///
/// # Errors
/// What the writer says.
pub fn write_junit(out: &mut impl Write, reports: &[Report]) -> io::Result<()> {
    let failures = reports.iter().filter(|report| !report.is_sound()).count();
    writeln!(out, r#"<?xml version="1.0" encoding="UTF-8"?>"#)?;
    writeln!(out, r#"<testsuites tests="{0}" failures="{failures}">"#, reports.len())?;
    writeln!(out, r#"  <testsuite name="aofkit check" tests="{}" failures="{failures}" errors="0">"#, reports.len())?;
    for report in reports {
        let name = escaped(&report.path.to_string_lossy());
        write!(out, r#"    <testcase classname="aofkit.check" name="{name}""#)?;
        let body = body(report);
        match report.findings.iter().find(|finding| finding.severity == Severity::Error) {
            Some(finding) => {
                let (message, code) = (escaped(&finding.message), finding.code);
                writeln!(
                    out,
                    ">\n      <failure type=\"{code}\" message=\"{message}\">{body}</failure>\n    </testcase>"
                )?;
            }
            None if report.findings.is_empty() => writeln!(out, "/>")?,
            None => writeln!(out, ">\n      <system-out>{body}</system-out>\n    </testcase>")?,
        }
    }
    writeln!(out, "  </testsuite>\n</testsuites>")
}

fn body(report: &Report) -> String {
    let mut text = String::new();
    for finding in &report.findings {
        let place = place_words(finding).map_or_else(String::new, |place| format!(" at {place}"));
        let file = finding.file.to_string_lossy();
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
            _ if character.is_control() || matches!(character, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
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
