//! `--undo` and `--discard-copies` of `fix` and `rewrite`: both put back or remove what either kept.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::console::{Console, hinted};
use super::exit_codes::Outcome;
use super::format::Format;
use crate::input::is_stdin;
use crate::repair;
use crate::report::copies::{CopiesReport, Doing};
use crate::storage::OpenElsewhere;
use crate::storage::kept::Kept;
use crate::{Error, ErrorKind};

/// What is to be done with the copies that were kept of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CopiesTask {
    /// Put the newest back.
    Undo,
    /// Show which there are.
    List,
    /// Remove all.
    Discard,
}

impl CopiesTask {
    const fn option(self) -> &'static str {
        match self {
            Self::Undo | Self::List => "--undo",
            Self::Discard => "--discard-copies",
        }
    }
}

/// What is to be done with which copies, and how.
pub(super) struct CopiesJob<'j> {
    /// The log.
    pub(super) path: &'j Path,
    /// A directory, other than that of the log, in which copies were kept.
    pub(super) elsewhere: Option<&'j Path>,
    pub(super) task: CopiesTask,
    pub(super) doing: Doing,
    pub(super) open_elsewhere: OpenElsewhere,
    pub(super) format: Format,
}

/// Puts copies back, lists or removes them.
pub(super) fn run(job: &CopiesJob<'_>, console: &mut Console) -> anyhow::Result<Outcome> {
    let CopiesJob { path, elsewhere, task, doing, .. } = *job;
    if is_stdin(path) {
        anyhow::bail!("{} needs the path of a log: no copies are kept of standard input", task.option());
    }
    let report = match (task, doing) {
        (CopiesTask::List, _) => CopiesReport::listed(path, &repair::copies_of(path, elsewhere)?),
        (CopiesTask::Undo, Doing::Shown) => CopiesReport::would_restore(path, &repair::find(path, elsewhere)?),
        (CopiesTask::Undo, Doing::Done) => {
            let kept = repair::find(path, elsewhere)?;
            let undone = repair::undo(path, elsewhere, job.open_elsewhere).map_err(with_hint)?;
            CopiesReport::restored(path, &kept, &undone, &remaining(path, elsewhere))
        }
        (CopiesTask::Discard, Doing::Shown) => {
            CopiesReport::discarded(path, &repair::copies_of(path, elsewhere)?, doing)
        }
        (CopiesTask::Discard, Doing::Done) => CopiesReport::discarded(path, &repair::discard(path, elsewhere)?, doing),
    };
    match job.format {
        Format::Text => report.write_text(&mut console.out)?,
        Format::Json => report.write_json(&mut console.out)?,
    }
    Ok(Outcome::Sound)
}

/// The copies of earlier changes. A log without a manifest is none again after the undo of the change that wrote it.
fn remaining(path: &Path, elsewhere: Option<&Path>) -> Vec<Kept> {
    repair::copies_of(path, elsewhere).unwrap_or_default()
}

/// Names the options that would help.
pub(super) fn with_hint(error: Error) -> anyhow::Error {
    match error.kind() {
        ErrorKind::OpenElsewhere(_) => hinted(error.to_string(), "--force goes on in spite of that".to_owned()),
        ErrorKind::NoSpace { .. } => hinted(
            error.to_string(),
            "free some space, or with --copy-to DIR keep on another disk what is removed; a log that cannot be mended \
             where it is can be copied to another disk and mended there"
                .to_owned(),
        ),
        ErrorKind::Io { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
            let owner = error.file().metadata().map(|found| format!(" (user id {})", found.uid())).unwrap_or_default();
            let text = format!(
                "run this as the owner of the log{owner} or as root, who may have to remove the immutable attribute \
                 (chattr -i)"
            );
            hinted(error.to_string(), text)
        }
        ErrorKind::Io { source, .. } if source.kind() == io::ErrorKind::ReadOnlyFilesystem => hinted(
            error.to_string(),
            "mount it for writing, or copy the log to another disk and fix it there".to_owned(),
        ),
        _ => error.into(),
    }
}

/// Warns about a log that is changed although another process has it open.
pub(super) fn warn_of_others(watch: &crate::storage::Watch, console: &mut Console) {
    if let Some(found) = watch.ignored() {
        let text = found.to_string();
        let text = text.split("; ").next().unwrap_or(&text);
        console.say(&format!(
            "warning: {text}; replacing the log in spite of that (--force): a server that has it open goes on writing \
             to a deleted file, and loses what it writes when it stops; restart it"
        ));
    }
}
