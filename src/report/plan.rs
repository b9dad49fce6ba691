//! The plan of a fix as data: the files that change, which of their bytes stay and go, and what each becomes.

use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::repair::{ManifestPlan, PartChange, PartPlan, Plan};
use crate::report::file_name::FileName;
use crate::storage::directory_of;

/// What becomes of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Action {
    /// It loses its end, in place.
    Cut,
    /// Another file takes its place.
    Replaced,
    /// The manifest no longer names it.
    Leaves,
    /// It is created.
    Created,
}

/// A file that changes.
#[derive(Debug, Serialize)]
pub(crate) struct ChangeReport {
    path: FileName<PathBuf>,
    action: Action,
    /// The file that the log has in its place: mostly of the same name; `null` if it leaves.
    becomes: Option<FileName<PathBuf>>,
    bytes: u64,
    bytes_after: u64,
    stays: Vec<Bytes>,
    goes: Vec<Gone>,
}

/// Bytes of the file as it is: the first, and the one after the last.
#[derive(Debug, Serialize)]
struct Bytes {
    from: u64,
    to: u64,
}

/// Bytes that go, and how many come in their place.
#[derive(Debug, Serialize)]
struct Gone {
    from: u64,
    to: u64,
    inserted_bytes: u64,
}

fn bytes(range: Range<u64>) -> Option<Bytes> {
    (!range.is_empty()).then_some(Bytes { from: range.start, to: range.end })
}

/// Every file that changes; the manifest is the last.
pub(crate) fn changes(plan: &Plan) -> Vec<ChangeReport> {
    let parts = plan.changes().map(ChangeReport::of_part);
    parts.chain(plan.manifest.as_ref().map(ChangeReport::of_manifest)).collect()
}

impl ChangeReport {
    fn of_part(part: &PartPlan) -> Self {
        let length = part.identity.length;
        let (action, becomes) = match &part.change {
            PartChange::Leaves => (Action::Leaves, None),
            PartChange::Edits(_) => {
                let is_cut = part.cut_at().is_some() && part.new_name.is_none();
                let renamed = part.new_name.as_ref().map(|name| directory_of(&part.path).join(name));
                let becomes = renamed.unwrap_or_else(|| part.path.clone());
                (if is_cut { Action::Cut } else { Action::Replaced }, Some(becomes))
            }
        };
        let leaving = (action == Action::Leaves).then_some(Gone { from: 0, to: length, inserted_bytes: 0 });
        let gone = part.edits().iter().map(|edit| Gone {
            from: edit.range.start,
            to: edit.range.end,
            inserted_bytes: edit.inserted.len() as u64,
        });
        let goes: Vec<Gone> = gone.chain(leaving).collect();
        let starts = std::iter::once(0).chain(goes.iter().map(|gone| gone.to));
        let ends = goes.iter().map(|gone| gone.from).chain([length]);
        let stays = starts.zip(ends).filter_map(|(start, end)| bytes(start..end)).collect();
        Self {
            path: FileName(part.path.clone()),
            action,
            becomes: becomes.map(FileName),
            bytes: length,
            bytes_after: part.length_after(),
            stays,
            goes,
        }
    }

    fn of_manifest(manifest: &ManifestPlan) -> Self {
        let (before, after) =
            (manifest.before.as_ref().map(|before| before.text.len() as u64), manifest.text.len() as u64);
        let path: &Path = &manifest.path;
        Self {
            path: FileName(path.to_owned()),
            action: if before.is_some() { Action::Replaced } else { Action::Created },
            becomes: Some(FileName(path.to_owned())),
            bytes: before.unwrap_or(0),
            bytes_after: after,
            stays: Vec::new(),
            goes: vec![Gone { from: 0, to: before.unwrap_or(0), inserted_bytes: after }],
        }
    }
}
