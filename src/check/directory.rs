//! Findings about the directory of a log: its manifest, and the files that lie there.

use std::path::Path;

use super::describe::fix_command;
use super::finding::{Code, Finding, Severity};
use crate::aof::log::{MultiPart, Part};
use crate::aof::part_name::old_style_file_of;
use crate::error::plain;
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

/// A file in the log's directory that looks like a part of the log, but is not named in the manifest.
pub(super) fn unlisted(file: &Path, multi_part: &MultiPart) -> Option<Finding> {
    let name = file.file_name()?.to_str()?;
    let stem = multi_part.manifest_path.file_stem()?.to_str()?;
    let rest = name.strip_prefix(stem)?;
    if !(rest.ends_with(".base.rdb") || rest.ends_with(".base.aof") || rest.ends_with(".incr.aof")) {
        return None;
    }
    let message = "named like a part of this log, but not listed in its manifest: servers ignore the file".to_owned();
    let advice = "remove it if it is left over; add its line to the manifest if it belongs to the data";
    Some(Finding::new(Code::UnlistedFile, Severity::Note, file, message, advice))
}
