//! `--undo` and `--discard-copies` of `fix` and `rewrite`: both put back or remove what either kept.

use std::path::Path;

use super::console::{Console, hinted};
use super::exit_codes::Outcome;
use super::format::Format;
use crate::input::is_stdin;
use crate::repair;
use crate::report::copies::{CopiesReport, Doing};
use crate::storage::OpenElsewhere;
use crate::{Error, ErrorKind};

/// What is to be done with the copies that were kept of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CopiesTask {
    /// Put the newest back.
    Undo,
    /// Remove all.
    Discard,
}

/// Puts copies back, or removes them.
pub(super) fn run(
    path: &Path,
    task: CopiesTask,
    (doing, open_elsewhere): (Doing, OpenElsewhere),
    format: Format,
    console: &mut Console,
) -> anyhow::Result<Outcome> {
    if is_stdin(path) {
        let option = if task == CopiesTask::Undo { "--undo" } else { "--discard-copies" };
        anyhow::bail!("{option} needs the path of a log: no copies are kept of standard input");
    }
    let report = match (task, doing) {
        (CopiesTask::Undo, Doing::Shown) => CopiesReport::would_restore(path, &repair::find(path)?),
        (CopiesTask::Undo, Doing::Done) => {
            let kept = repair::find(path)?;
            let undone = repair::undo(path, open_elsewhere).map_err(mention_force)?;
            CopiesReport::restored(path, &kept, &undone, &repair::copies_of(path)?)
        }
        (CopiesTask::Discard, Doing::Shown) => CopiesReport::discarded(path, &repair::copies_of(path)?, doing),
        (CopiesTask::Discard, Doing::Done) => CopiesReport::discarded(path, &repair::discard(path)?, doing),
    };
    match format {
        Format::Text => report.write_text(&mut console.out)?,
        Format::Json => report.write_json(&mut console.out)?,
    }
    Ok(Outcome::Sound)
}

/// Names the option where it would help.
pub(super) fn mention_force(error: Error) -> anyhow::Error {
    match error.kind() {
        ErrorKind::OpenElsewhere(_) => hinted(error.to_string(), "--force goes on in spite of that".to_owned()),
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
