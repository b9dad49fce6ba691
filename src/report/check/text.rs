//! The report for people: the answer first, then each part, each finding, each verdict.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;

use super::{checker_words, place_words, server_words};
use crate::check::server::Outcome;
use crate::check::{Code, Excerpt, Finding, PartReport, Report, Severity, fix_command};
use crate::escape::{Argument, columns};
use crate::plural::plural;
use crate::report::number::{counted, time};
use crate::report::paragraph::{Fill, paragraph};
use crate::report::style::{Style, Tone};

/// Writes the report of one log.
///
/// # Errors
/// What the writer says.
pub fn write_text(out: &mut impl Write, report: &Report, style: Style) -> io::Result<()> {
    let path = Argument(report.path.as_os_str().as_bytes());
    if report.is_sound() {
        writeln!(out, "{path}: {}", style.paint(Tone::Good, "sound"))?;
    } else {
        writeln!(out, "{path}: {}", style.paint(Tone::Bad, answer(report)))?;
    }
    for part in &report.parts {
        let mut indent = "  ".to_owned();
        if report.manifest.is_some() {
            indent = format!("  {}  {}  ", Argument(part.name.as_bytes()), part.role.name());
        }
        let words = part_words(part);
        write!(out, "{indent}")?;
        // A number stands before what it counts.
        let whole: Vec<String> = words.iter().filter(|words| words.len() <= KEPT_TOGETHER).cloned().collect();
        Fill { whole: &whole, ..Fill::after(style, columns(&indent)) }.write(out, &words.join(", "))?;
    }
    for finding in &report.findings {
        write_finding(out, finding, report, style)?;
    }
    writeln!(out)?;
    let width = report.checker.tool().len().max(report.server.server.name().len());
    let mut verdict = |who: &str, words: &str, tone| {
        write!(out, "  {who:width$}  ")?;
        Fill::after(style, width + 4).write_painted(out, words, |line| style.paint(tone, line.to_owned()))
    };
    let tone = if report.checker.valid { Tone::Usual } else { Tone::Doubtful };
    verdict(report.checker.tool(), &checker_words(&report.checker, &report.parts), tone)?;
    let tone = if report.server.outcome == Outcome::Loads { Tone::Usual } else { Tone::Doubtful };
    verdict(report.server.server.name(), &server_words(&report.server, &report.parts), tone)?;
    verdict("server", &report.chosen.to_string(), Tone::Usual)
}

/// The answer in a word or two.
fn answer(report: &Report) -> &'static str {
    let errors = || report.findings.iter().filter(|finding| finding.severity == Severity::Error);
    // Only the last part can be cut.
    let last = report.parts.last().map(|part| part.path.as_path());
    let torn = |finding: &Finding| {
        Some(finding.file.as_path()) == last
            && matches!(
                finding.code,
                Code::TruncatedRecord | Code::UnfinishedTransaction | Code::ZeroTail | Code::LeavesTransactionOpen
            )
    };
    if errors().all(torn) {
        "torn at the end"
    } else if errors().all(|finding| matches!(finding.code, Code::RdbUnknown | Code::RdbUnsupported)) {
        "not for this server"
    } else {
        "not sound"
    }
}

/// Descriptions of a part up to this many columns are not broken.
const KEPT_TOGETHER: usize = 48;

fn part_words(part: &PartReport) -> Vec<String> {
    let mut words = vec![part.format.name().to_owned()];
    if let (Some(header), Some(format)) = (part.rdb.as_ref().and_then(|rdb| rdb.header), words.first_mut()) {
        *format = format!("{format} (version {})", header.version);
    }
    if let (true, Some(format)) = (part.container != crate::input::Container::Plain, words.first_mut()) {
        *format = format!("{format} in {}", part.container.name());
    }
    words.push(counted(part.size, "byte"));
    if let Some(rdb) = &part.rdb {
        let producer = rdb.producer.as_ref().map_or_else(String::new, |producer| format!(" by {producer}"));
        words.push(format!("{}{producer}", counted(rdb.keys, "key")));
    }
    if let Some(scan) = part.scan.as_ref().filter(|scan| scan.records > 0) {
        words.push(counted(scan.records, "record"));
        if scan.transactions.complete() > 0 {
            words.push(counted(scan.transactions.complete(), "transaction"));
        }
    }
    let of_scan = part.scan.iter().flat_map(|scan| &scan.databases);
    let databases: BTreeSet<_> = part.rdb.iter().flat_map(|rdb| &rdb.databases).chain(of_scan).collect();
    if databases.iter().any(|database| **database != 0) {
        let numbers: Vec<String> = databases.iter().map(ToString::to_string).collect();
        words.push(format!("{} {}", plural(numbers.len() as u64, "database"), numbers.join(" ")));
    }
    if !part.is_valid_whole() {
        words.push(format!("valid up to byte {}", part.valid_up_to()));
    }
    if let Some(scan) = &part.scan
        && let (Some(first), Some(last)) = (scan.first_timestamp, scan.last_timestamp)
    {
        words.push(format!("{} to {}", time(first), time(last)));
    }
    words
}

fn write_finding(out: &mut impl Write, finding: &Finding, report: &Report, style: Style) -> io::Result<()> {
    let (severity, code) = (finding.severity.name(), finding.code.name());
    let mut words = Vec::new();
    let mut whole = Vec::new();
    if report.manifest.is_some() {
        let name = finding.file.file_name().unwrap_or(finding.file.as_os_str());
        let name = Argument(name.as_bytes()).to_string();
        words.push(format!("in {name}"));
        whole.push(name);
    }
    words.extend(place_words(finding).map(|place| format!("at {place}")));
    let mut head = words.join(" ");
    if finding.count > 1 {
        head = format!("{head}, and in {}", counted(finding.count - 1, "more record"));
    }
    let gap = if head.is_empty() { "" } else { " " };
    let painted = style.paint(finding.severity.into(), severity);
    write!(out, "\n  {painted} {}{gap}", style.paint(Tone::Faint, code))?;
    Fill { columns: style.columns, first: 4 + severity.len() + code.len(), rest: 4, whole: &whole }
        .write(out, &head)?;
    let mut commands = vec![fix_command(&finding.file), fix_command(&report.path)];
    commands.extend(finding.advice.rsplit_once("run: ").map(|(_, command)| command.to_owned()));
    let advice = Fill { whole: &commands, ..Fill::after(style, 6) };
    paragraph(out, style, "    ", &finding.message)?;
    if let Some(excerpt) = finding.excerpt.as_ref().filter(|_| finding.severity > Severity::Note) {
        write_excerpt(out, excerpt, style)?;
    }
    write!(out, "    → ")?;
    advice.write(out, &finding.advice)
}

/// A hex dump with the offending byte marked, in the brackets that a terminal without colour shows as well.
pub(crate) fn write_excerpt(out: &mut impl Write, excerpt: &Excerpt, style: Style) -> io::Result<()> {
    for (row, chunk) in excerpt.bytes.chunks(Excerpt::LINE).enumerate() {
        let offset = excerpt.offset + (Excerpt::LINE * row) as u64;
        write!(out, "    {} ", style.paint(Tone::Faint, format_args!("{offset:08x}")))?;
        // The brackets take the place of the spaces, so that the columns stay where they are.
        let mut gap = " ";
        for (column, byte) in chunk.iter().enumerate() {
            if offset + column as u64 == excerpt.marked {
                write!(out, "{}", style.paint(Tone::Bad, format_args!("[{byte:02x}]")))?;
                gap = "";
            } else {
                write!(out, "{gap}{byte:02x}")?;
                gap = " ";
            }
        }
        let missing = 3 * (Excerpt::LINE - chunk.len());
        write!(out, "{gap}{:missing$}|", "")?;
        for byte in chunk {
            write!(out, "{}", if byte.is_ascii_graphic() || *byte == b' ' { *byte as char } else { '.' })?;
        }
        writeln!(out, "|")?;
    }
    if excerpt.marked >= excerpt.offset + excerpt.bytes.len() as u64 {
        writeln!(
            out,
            "    {}  {}",
            style.paint(Tone::Faint, format_args!("{:08x}", excerpt.marked)),
            style.paint(Tone::Bad, "[end]")
        )?;
    }
    Ok(())
}
