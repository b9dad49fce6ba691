//! Findings about the directory of a log: its manifest, and the files that lie there.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::describe::{command, fix_command};
use super::finding::{Code, Finding, Severity};
use crate::aof::log::{MultiPart, Part, file_to_move, files_in};
use crate::aof::manifest::Kind;
use crate::aof::part_name::{PartName, old_style_file_of};
use crate::error::{Result, plain};
use crate::escape::visible;
use crate::plural::counted;
use crate::storage::directory_of;

/// What to do where an old-style file and parts without a manifest may both be the log.
pub(crate) const OLD_FILE_OR_PARTS: &str = "move the one that is out of date away: the old file, or the directory";

/// How many unfinished files a finding names.
const NAMED: usize = 8;

/// A base whose manifest is missing.
pub(super) fn no_manifest(base: &Path, manifest: &Path) -> Finding {
    let lacking = format!("the manifest that names this base, {}, does not exist", file_name(manifest));
    let (message, advice) = match old_style_file_of(manifest) {
        Some(old) => (
            format!(
                "{lacking}: a server that starts takes the file {} beside the directory for the whole log, and writes \
                 over the parts",
                file_name(&old)
            ),
            OLD_FILE_OR_PARTS.to_owned(),
        ),
        None => (
            format!("{lacking}: a server that starts begins an empty log, and writes over the parts"),
            format!("before a server starts, run: {}", fix_command(directory_of(manifest))),
        ),
    };
    Finding::new(Code::NoManifest, Severity::Error, base, message, &advice)
}

/// A missing part.
pub(super) fn missing(part: &Part, error: &std::io::Error, log: &Path) -> Finding {
    let message = if error.kind() == std::io::ErrorKind::NotFound {
        "the manifest names this file, but it does not exist".to_owned()
    } else {
        format!("the manifest names this file, but it is not a regular file ({})", plain(error))
    };
    let advice = format!("restore the file; if its data is lost, run: {}", command("fix --salvage", log));
    Finding::new(Code::MissingPart, Severity::Error, &part.path, message, &advice)
}

/// A base that an interrupted upgrade left outside the directory.
pub(super) fn interrupted_upgrade(base: &Path) -> Finding {
    let message = "an upgrade was interrupted: the manifest names this file, which is still outside the directory; a \
                   server that starts moves it there and loads it, but the official checker calls it missing";
    let advice = "start the server: it completes the upgrade";
    Finding::new(Code::InterruptedUpgrade, Severity::Error, base, message.to_owned(), advice)
}

/// What lies in the directory of the log at `path`, or beside it, and is not named in the manifest.
pub(super) fn unlisted(multi_part: &MultiPart, path: &Path) -> Result<Vec<Finding>> {
    let files = multi_part.unlisted()?;
    let prefix = multi_part.manifest_path.file_stem().unwrap_or_default().as_bytes();
    let is_sound = multi_part.manifest.problems.is_empty();
    let lost = if is_sound { multi_part.lost_parts(&files) } else { Vec::new() };
    let highest_base = multi_part.manifest.of_kind(Kind::Base).map(|base| base.sequence).max();
    let finding = |file: &PathBuf| {
        let name = PartName::of_file(file).filter(|name| name.prefix == prefix)?;
        let is_newer_base = name.kind == Kind::Base && highest_base.is_some_and(|highest| name.sequence > highest);
        if lost.contains(&file) {
            let what = match name.kind {
                Kind::Base => "this is a base, and the manifest names none",
                _ => "this incr holds records, and belongs to those that the manifest names",
            };
            let message = format!(
                "{what}: its line is missing there, a server starts without its data, and may write over the file later"
            );
            let advice = format!("before a server starts, run: {}", fix_command(path));
            return Some(Finding::new(Code::UnlistedFile, Severity::Error, file, message, &advice));
        }
        Some(if is_newer_base {
            let message = "a rewrite made this base, and was interrupted before the manifest named it: servers ignore \
                           the file";
            note(file, message, WITHOUT_SERVER)
        } else {
            let message = "named like a part of this log, but not listed in its manifest: servers ignore the file";
            note(file, message, "remove it if it is left over; add its line to the manifest if it belongs to the data")
        })
    };
    let mut findings: Vec<Finding> = files.iter().filter_map(finding).collect();
    let is_moved_at_start = file_to_move(&multi_part.manifest, &multi_part.manifest_path).is_some();
    if is_sound && !multi_part.manifest.entries.is_empty() && !is_moved_at_start {
        let message = "the one file of this log in Redis 6.2 and earlier: servers ignore it beside a manifest";
        let old = old_style_file_of(&multi_part.manifest_path);
        findings.extend(old.map(|file| note(&file, message, "move it away if nothing needs it")));
    }
    findings.extend(unfinished(multi_part, path));
    Ok(findings)
}

const WITHOUT_SERVER: &str = "remove it when no server is running";

fn note(file: &Path, message: &str, advice: &str) -> Finding {
    Finding::new(Code::UnlistedFile, Severity::Note, file, message.to_owned(), advice)
}

/// The files that servers rename once they are written, in the directory of the parts and in the data directory.
fn unfinished(multi_part: &MultiPart, path: &Path) -> Option<Finding> {
    let directory = multi_part.directory.as_path();
    let data = (directory.file_name() == Some(OsStr::new("appendonlydir"))).then(|| directory_of(directory));
    let data = data.or_else(|| (path != directory && directory.parent() == Some(path)).then_some(path));
    let files = [Some(directory), data].into_iter().flatten().flat_map(|place| files_in(place).unwrap_or_default());
    let files: Vec<PathBuf> = files.filter(|file| is_unfinished_by_server(file)).collect();
    let names = files.iter().take(NAMED).map(|file| file_name(file)).collect::<Vec<_>>().join(", ");
    let more = if files.len() > NAMED { ", …" } else { "" };
    let message = format!(
        "a rewrite or a snapshot that is under way, or was interrupted, wrote {}: {names}{more}; servers ignore {}",
        counted(files.len() as u64, "file"),
        if files.len() == 1 { "it" } else { "them" }
    );
    let advice = if files.len() == 1 { WITHOUT_SERVER } else { "remove them when no server is running" };
    Some(Finding::new(Code::UnfinishedFile, Severity::Note, files.first()?, message, advice))
}

fn file_name(file: &Path) -> String {
    visible(&file.file_name().unwrap_or_default().to_string_lossy()).into_owned()
}

/// Whether the name is one that servers give such a file: `temp-rewriteaof-PID.aof`, `temp-rewriteaof-bg-PID.aof`,
/// `temp-PID.rdb`, `temp-PREFIX.manifest`, `temp-PREFIX.incr`.
fn is_unfinished_by_server(file: &Path) -> bool {
    let name = file.file_name().unwrap_or_default().as_bytes();
    let ends = |end: &&[u8]| name.ends_with(end);
    name.starts_with(b"temp-") && [&b".aof"[..], b".rdb", b".manifest", b".incr"].iter().any(ends)
}
