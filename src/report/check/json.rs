//! The report for programs: one JSON object a log, on one line.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;

use super::{checker_words, server_log, server_words};
use crate::check::server::Outcome;
use crate::check::{Code, Finding, PartReport, Report, Severity};
use crate::report::file_name::FileName;
use crate::report::json::write_object;
use crate::report::number::milliseconds;

#[derive(Serialize)]
struct JsonReport<'r> {
    path: FileName<&'r Path>,
    sound: bool,
    manifest: Option<FileName<&'r Path>>,
    bytes: u64,
    records: u64,
    parts: Vec<JsonPart<'r>>,
    findings: Vec<JsonFinding<'r>>,
    checker: JsonChecker<'r>,
    server: JsonServer<'r>,
}

#[derive(Serialize)]
struct JsonPart<'r> {
    name: FileName<&'r Path>,
    role: &'static str,
    sequence: Option<i64>,
    format: &'static str,
    container: &'static str,
    bytes: u64,
    valid_up_to: u64,
    records: u64,
    annotations: u64,
    arguments: u64,
    transactions: u64,
    databases: BTreeSet<u32>,
    first_time_ms: Option<i64>,
    last_time_ms: Option<i64>,
    rdb: Option<JsonRdb<'r>>,
}

#[derive(Serialize)]
struct JsonRdb<'r> {
    version: Option<u32>,
    producer: Option<&'r str>,
    keys: u64,
    expires: u64,
    functions: u64,
    end: Option<u64>,
}

#[derive(Serialize)]
struct JsonFinding<'r> {
    code: Code,
    severity: Severity,
    path: FileName<&'r Path>,
    offset: Option<u64>,
    record: Option<u64>,
    count: u64,
    message: &'r str,
    advice: &'r str,
}

#[derive(Serialize)]
struct JsonChecker<'r> {
    tool: &'static str,
    valid: bool,
    part: Option<FileName<&'r Path>>,
    ok_up_to: Option<u64>,
    says: String,
}

#[derive(Serialize)]
struct JsonServer<'r> {
    version: &'static str,
    release: &'static str,
    chosen_by: &'static str,
    outcome: &'static str,
    part: Option<FileName<&'r Path>>,
    offset: Option<u64>,
    record: Option<u64>,
    cut_at: Option<u64>,
    does: String,
    log: Vec<String>,
}

/// Writes the report of one log as one line of JSON. A path or a name that is not UTF-8 is `{"base64": "…"}`.
///
/// - `aofkit` (the version of this program), `schema` (1), `path`, `sound`, `manifest`, `bytes` and `records` (sums
///   over the parts);
/// - `parts`, in the order in which they are loaded: `name`, `role` (`single`, `base`, `incr`), `sequence`, `format`
///   (`empty`, `RESP`, `RDB`, `RDB+RESP`, `missing`), `container` (`plain`, `gzip`, `zstd`), `bytes`, `valid_up_to`,
///   `records`, `annotations`, `arguments`, `transactions`, `databases`, `first_time_ms` and `last_time_ms` (unix
///   milliseconds), and `rdb`: `version`, `producer`, `keys`, `expires`, `functions`, `end` (the offset after it);
/// - `findings`: `code`, `severity` (`error`, `warning`, `note`), `path`, `offset`, `record`, `count`, `message`,
///   `advice`;
/// - `checker`: `tool`, `valid`, `part` (its name), `ok_up_to`, `says`;
/// - `server`: `version`, `release` (the release that it stands for), `chosen_by` (`option`, `rdb`, `commands`,
///   `default`), `outcome` (`loads`, `ignores`, `cuts`, `refuses`, `crashes`, `stops`), `part`, `offset`, `record`,
///   `cut_at`, `does`, and `log`, the last lines of the server's own log.
///
/// Sizes and offsets are bytes, of what a compressed file unpacks to. What does not apply is null.
///
/// # Errors
/// What the writer says.
pub fn write_json(out: &mut impl Write, report: &Report) -> io::Result<()> {
    let json = JsonReport {
        path: FileName(&report.path),
        sound: report.is_sound(),
        manifest: report.manifest.as_deref().map(FileName),
        bytes: report.parts.iter().map(|part| part.size).sum(),
        records: report.parts.iter().map(PartReport::records).sum(),
        parts: report.parts.iter().map(part).collect(),
        findings: report.findings.iter().map(finding).collect(),
        checker: JsonChecker {
            tool: report.checker.tool(),
            valid: report.checker.valid,
            part: name(report, report.checker.part),
            ok_up_to: report.checker.ok_up_to(),
            says: checker_words(&report.checker, &report.parts),
        },
        server: server(report),
    };
    write_object(out, &json)
}

/// The name of the part with an index.
fn name(report: &Report, part: Option<usize>) -> Option<FileName<&Path>> {
    part.and_then(|part| report.parts.get(part)).map(file_name)
}

/// The name of a part without its directory, which a log of one file is given with.
fn file_name(part: &PartReport) -> FileName<&Path> {
    let path: &Path = part.name.as_ref();
    FileName(path.file_name().map_or(path, Path::new))
}

fn part(part: &PartReport) -> JsonPart<'_> {
    let scan = part.scan.as_ref();
    let databases = |part: &PartReport| {
        let of_rdb = part.rdb.iter().flat_map(|rdb| &rdb.databases);
        of_rdb.chain(part.scan.iter().flat_map(|scan| &scan.databases)).copied().collect()
    };
    JsonPart {
        name: file_name(part),
        role: part.role.name(),
        sequence: part.sequence,
        format: part.format.name(),
        container: part.container.name(),
        bytes: part.size,
        valid_up_to: part.valid_up_to(),
        records: part.records(),
        annotations: scan.map_or(0, |scan| scan.annotations),
        arguments: scan.map_or(0, |scan| scan.arguments),
        transactions: scan.map_or(0, |scan| scan.transactions.complete()),
        databases: databases(part),
        first_time_ms: scan.and_then(|scan| scan.first_timestamp).map(milliseconds),
        last_time_ms: scan.and_then(|scan| scan.last_timestamp).map(milliseconds),
        rdb: part.rdb.as_ref().map(|rdb| JsonRdb {
            version: rdb.header.map(|header| header.version),
            producer: rdb.producer.as_deref(),
            keys: rdb.keys,
            expires: rdb.expires,
            functions: rdb.functions,
            end: rdb.end,
        }),
    }
}

fn finding(finding: &Finding) -> JsonFinding<'_> {
    JsonFinding {
        code: finding.code,
        severity: finding.severity,
        path: FileName(&finding.file),
        offset: finding.offset,
        record: finding.record,
        count: finding.count,
        message: &finding.message,
        advice: &finding.advice,
    }
}

fn server(report: &Report) -> JsonServer<'_> {
    let (outcome, part, place, cut_at) = match &report.server.outcome {
        Outcome::Loads => ("loads", None, None, None),
        Outcome::Ignores => ("ignores", None, None, None),
        Outcome::LoadsAndCuts { part, cut } => ("cuts", Some(*part), Some(cut.place), Some(cut.at)),
        Outcome::Refuses { part, place, .. } => ("refuses", Some(*part), *place, None),
        Outcome::Crashes { part, place, .. } => ("crashes", Some(*part), Some(*place), None),
        Outcome::Stops { part, place, .. } => ("stops", Some(*part), Some(*place), None),
    };
    JsonServer {
        version: report.server.server.name(),
        release: report.chosen.release.name(),
        chosen_by: report.chosen.evidence.name(),
        outcome,
        part: name(report, part),
        offset: place.map(|place| place.offset),
        record: place.map(|place| place.record),
        cut_at,
        does: server_words(&report.server, &report.parts),
        log: server_log(report),
    }
}
