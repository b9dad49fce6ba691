//! Findings about the directory of a log: its manifest, and the files that lie there.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::describe::fix_command;
use super::finding::{Code, Finding, Severity};
use crate::aof::log::{MultiPart, Part};
use crate::aof::part_name::{PartName, old_style_file_of};
use crate::error::{Result, plain};
use crate::escape::visible;
use crate::storage::directory_of;

/// What to do where an old-style file and parts without a manifest may both be the log.
pub(crate) const OLD_FILE_OR_PARTS: &str = "move the one that is out of date away: the old file, or the directory";

/// A base whose manifest is missing.
pub(super) fn no_manifest(base: &Path, manifest: &Path) -> Finding {
    let name = |path: &Path| visible(&path.file_name().unwrap_or_default().to_string_lossy()).into_owned();
    let lacking = format!("the manifest that names this base, {}, does not exist", name(manifest));
    let (message, advice) = match old_style_file_of(manifest) {
        Some(old) => (
            format!(
                "{lacking}: a server that starts takes the file {} beside the directory for the whole log, and writes \
                 over the parts",
                name(&old)
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
pub(super) fn missing(part: &Part, error: &std::io::Error) -> Finding {
    let message = if error.kind() == std::io::ErrorKind::NotFound {
        "the manifest names this file, but it does not exist".to_owned()
    } else {
        format!("the manifest names this file, but it is not a regular file ({})", plain(error))
    };
    let advice = "restore the file, or remove its line from the manifest if its data may be lost";
    Finding::new(Code::MissingPart, Severity::Error, &part.path, message, advice)
}

/// A base that an interrupted upgrade left outside the directory.
pub(super) fn interrupted_upgrade(base: &Path) -> Finding {
    let message = "an upgrade was interrupted: the manifest names this file, which is still outside the directory; a \
                   server that starts moves it there and loads it, but the official checker calls it missing";
    let advice = "start the server: it completes the upgrade";
    Finding::new(Code::InterruptedUpgrade, Severity::Error, base, message.to_owned(), advice)
}

/// The files in the directory of the log at `path` that look like parts of it, but are not named in the manifest.
pub(super) fn unlisted(multi_part: &MultiPart, path: &Path) -> Result<Vec<Finding>> {
    let files = multi_part.unlisted()?;
    let prefix = multi_part.manifest_path.file_stem().unwrap_or_default().as_bytes();
    let is_part = |file: &&PathBuf| PartName::of_file(file).is_some_and(|name| name.prefix == prefix);
    let lost = if multi_part.manifest.problems.is_empty() { multi_part.lost_incrs(&files) } else { Vec::new() };
    let finding = |file: &PathBuf| {
        if lost.contains(&file) {
            let message = "this incr holds records, and continues those that the manifest names: its line is missing \
                           there, a server starts without the records, and writes over the file later";
            let advice = format!("before a server starts, run: {}", fix_command(path));
            return Finding::new(Code::UnlistedFile, Severity::Error, file, message.to_owned(), &advice);
        }
        let message = "named like a part of this log, but not listed in its manifest: servers ignore the file";
        let advice = "remove it if it is left over; add its line to the manifest if it belongs to the data";
        Finding::new(Code::UnlistedFile, Severity::Note, file, message.to_owned(), advice)
    };
    Ok(files.iter().filter(is_part).map(finding).collect())
}
