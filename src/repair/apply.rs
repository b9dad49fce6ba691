//! Carries a plan out: keeps what goes, then cuts a file, or puts new files in the place of old ones.
//!
//! Whenever the process or the machine stops, the log is as it was, or it is changed and what it lost is kept, all of
//! it on disk: the copies and their names are made to last before anything is touched. A file that loses its end alone
//! is cut. For any other change new files are written whole, and one name decides which count: that of the file, or of
//! the manifest.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::edit::{Piece, pieces};
use super::plan::{ManifestPlan, PartChange, PartPlan, Plan};
use crate::input::FileIdentity;
use crate::storage::draft::Draft;
use crate::storage::kept::{self, Cause, Copies, Kept, Making};
use crate::storage::replace::{OldFile, Replacement};
use crate::storage::{
    Change, FileSystem, OpenElsewhere, Operations, Ownership, Watch, difference, directory_of, require_changeable,
    require_space, require_writable, unchanged,
};
use crate::{Error, ErrorKind, Result};

/// How a plan is carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// What to do about files that another process has open.
    pub open_elsewhere: OpenElsewhere,
    /// Where what the log loses is kept.
    pub copies: Copies,
    /// What the record says of it.
    pub cause: Cause,
}

impl Default for Settings {
    fn default() -> Self {
        Self { open_elsewhere: OpenElsewhere::Refuse, copies: Copies::Beside, cause: Cause::Fix }
    }
}

/// What was changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// The files that changed or left the log, and the manifest if that changed, last.
    pub paths: Vec<PathBuf>,
    /// How long the file is now, if one file lost its end alone.
    pub cut_at: Option<u64>,
    /// How many bytes the log lost.
    pub removed: u64,
    /// Where they are; `None` if they were not kept.
    pub kept: Option<Kept>,
}

/// Whether a plan can be carried out, as far as can be said before: no other process has the files open, this one may
/// write where it must, and there is room. Nothing is changed.
///
/// # Errors
/// [`ErrorKind::OpenElsewhere`], [`ErrorKind::Io`], [`ErrorKind::NoSpace`].
pub fn check_possible(plan: &Plan, settings: &Settings) -> Result<()> {
    require_access(plan, &settings.copies)?;
    let parts = if plan.manifest.is_some() { plan.parts.iter().collect() } else { plan.changes().collect::<Vec<_>>() };
    let parts: Vec<&Path> = parts.into_iter().map(|part| part.path.as_path()).collect();
    Watch::of_files(&parts, settings.open_elsewhere)?;
    require_room(&mut FileSystem, plan, &settings.copies)
}

/// The file of a plan that decides whether the change counts: of a single part, where a link to it leads.
fn main_of(plan: &Plan) -> Option<PathBuf> {
    match &plan.manifest {
        Some(manifest) => Some(manifest.path.clone()),
        None => plan.changes().next().map(|part| part.path.canonicalize().unwrap_or_else(|_| part.path.clone())),
    }
}

/// Finds out whether this process may write where the plan does, rather than in the middle of it.
fn require_access(plan: &Plan, copies: &Copies) -> Result<()> {
    let Some(main) = main_of(plan) else { return Ok(()) };
    match plan.in_place_cut() {
        Some(_) => require_writable(&main, "write to this file")?,
        None => {
            require_writable(directory_of(&main), "make files in this directory")?;
            // One that is immutable cannot be replaced either.
            plan.changes().try_for_each(|part| require_changeable(&part.path))?;
        }
    }
    copies.parent(&main).map_or(Ok(()), |parent| require_writable(parent, "keep copies in this directory"))
}

/// Finds out before anything is written whether there is room for the copies of what is cut off, or for the new files,
/// and for copies on another disk.
fn require_room(operations: &mut impl Operations, plan: &Plan, copies: &Copies) -> Result<()> {
    let Some(main) = main_of(plan) else { return Ok(()) };
    if let Some((part, cut_at)) = plan.in_place_cut() {
        let Some(parent) = copies.parent(&main) else { return Ok(()) };
        let length = part.identity.length;
        // Holes are looked for only if that decides.
        return require_space(operations, parent, length - cut_at)
            .or_else(|_| require_space(operations, parent, stored_bytes(&main, cut_at, length)?));
    }
    require_space(operations, directory_of(&main), plan.changes().map(PartPlan::length_after).sum())?;
    match copies {
        // On the same disk they are second names of the old files.
        Copies::In(directory) if !is_same_disk(directory, directory_of(&main)) => {
            require_space(operations, directory, plan.changes().map(|part| part.identity.length).sum())
        }
        _ => Ok(()),
    }
}

/// Carries a plan out, as one change; `None` if it changes nothing.
///
/// # Errors
/// [`ErrorKind::Io`]; [`ErrorKind::Refused`] for a file that is not as it was when the plan was made;
/// [`ErrorKind::OpenElsewhere`]; [`ErrorKind::NoSpace`]. The log is then untouched, and no copy of it is left.
/// [`ErrorKind::NotDurable`] and [`ErrorKind::NotPutBack`] where the change was made: the copies stay.
pub fn apply(plan: &Plan, settings: &Settings) -> Result<Option<Applied>> {
    apply_with(&mut FileSystem, plan, settings)
}

/// As [`apply`], with the operations that are given.
///
/// # Errors
/// As [`apply`].
pub fn apply_with(operations: &mut impl Operations, plan: &Plan, settings: &Settings) -> Result<Option<Applied>> {
    if let Some(manifest) = &plan.manifest {
        return replace_parts(operations, plan, manifest, settings).map(Some);
    }
    let mut changes = plan.changes();
    let (Some(part), another) = (changes.next(), changes.next()) else { return Ok(None) };
    if let Some(another) = another.or((part.change == PartChange::Leaves).then_some(part)) {
        return Err(refused(&another.path, "several files change, and no manifest is part of the plan".to_owned()));
    }
    // The file, not a link to it: the link stays.
    let path = part.path.canonicalize().map_err(|source| Error::io(&part.path, "open", source))?;
    let watch = Watch::of_file(&path, settings.open_elsewhere)?;
    unchanged(&path, &part.identity)?;
    kept::sweep(operations, &path, &settings.copies, &|path| File::open(path))?;
    require_room(operations, plan, &settings.copies)?;
    let kept = match part.cut_at() {
        Some(cut_at) => cut_part(operations, (part, cut_at), &path, watch, settings)?,
        None => replace_part(operations, part, &path, &watch, settings)?,
    };
    Ok(Some(Applied { paths: vec![part.path.clone()], cut_at: part.cut_at(), removed: part.removed(), kept }))
}

/// Cuts a file of `size` bytes to `length`, and keeps the others beside it; `None` if it is not longer than that.
///
/// # Errors
/// As [`apply`]; also for a file that has another size.
pub fn cut(path: &Path, size: u64, length: u64, open_elsewhere: OpenElsewhere) -> Result<Option<Applied>> {
    let metadata = fs::metadata(path).map_err(|source| Error::io(path, "open", source))?;
    let identity = FileIdentity { length: size, ..FileIdentity::of(&metadata) };
    let plan = Plan { parts: vec![PartPlan::keep_first(path, identity, length)], manifest: None };
    apply(&plan, &Settings { open_elsewhere, ..Settings::default() })
}

/// The directory in which what a plan removes would be kept, as far as can be said now; `None` if it is not.
pub fn kept_directory(plan: &Plan, copies: &Copies) -> Option<PathBuf> {
    kept::next_directory(&main_of(plan)?, copies)
}

/// The name of the file with the bytes that a cut removes, in the directory of kept copies.
pub fn removed_name(file: &Path, cut_at: u64) -> OsString {
    let file = file.canonicalize().unwrap_or_else(|_| file.to_owned());
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(format!(".removed-{cut_at}"));
    name
}

/// Cuts a file, whose end is kept.
fn cut_part(
    operations: &mut impl Operations,
    (part, cut_at): (&PartPlan, u64),
    path: &Path,
    watch: Watch,
    settings: &Settings,
) -> Result<Option<Kept>> {
    let making = Making::begin(operations, path, &settings.copies)?;
    let kept = making.as_ref().map(|making| keep(operations, making, path, (part, cut_at), settings.cause)).transpose();
    let kept = Making::or_discard(making.as_ref(), operations, kept)?;
    let mut change = Change::begin();
    // Between the plan and here people read and answered, and a large copy takes its time.
    let checked = watch.check().and_then(|()| unchanged(path, &part.identity));
    Making::or_discard(making.as_ref(), operations, checked)?;
    // The lease keeps this process out as well.
    drop(watch);
    let cut = truncate(operations, path, &part.identity, cut_at);
    let file = Making::or_discard(making.as_ref(), operations, cut)?;
    change.done();
    operations.sync(&file).map_err(|source| {
        let place = kept.as_ref().map_or_else(String::new, |kept| {
            format!(", and what was cut off is in {}", kept.directory.join(removed_name(path, cut_at)).display())
        });
        Error::new(path, ErrorKind::NotDurable { done: format!("the file was cut at byte {cut_at}{place}"), source })
    })?;
    Ok(kept)
}

/// How many of the bytes of a file from `start` to `end` take room: holes in it do not.
fn stored_bytes(path: &Path, start: u64, end: u64) -> Result<u64> {
    let file = File::open(path).map_err(|source| Error::io(path, "open", source))?;
    let mut stored = 0;
    let read = kept::read_chunks(&file, start..end, |bytes, _| {
        stored += if bytes.iter().all(|byte| *byte == 0) { 0 } else { bytes.len() as u64 };
        Ok(())
    });
    read.map(|()| stored).map_err(|source| Error::io(path, "read", source))
}

/// Puts a new file in the place of an old one, which is kept.
fn replace_part(
    operations: &mut impl Operations,
    part: &PartPlan,
    path: &Path,
    watch: &Watch,
    settings: &Settings,
) -> Result<Option<Kept>> {
    let mut change = Change::begin();
    let source = File::open(path).map_err(|source| Error::io(path, "open", source))?;
    let main = edited(operations, &source, part, path)?;
    let replacement = Replacement {
        place: path,
        old_main: Some(OldFile { path: path.to_owned(), opened: Some(&source) }),
        others: Vec::new(),
        old_others: Vec::new(),
        cause: settings.cause,
        copies: &settings.copies,
        ownership: Some(ownership_of(path)?),
        main,
    };
    replacement.carry_out(operations, &mut change, &|at| {
        watch.check_openers()?;
        unchanged(at, &part.identity)
    })
}

/// Puts the new manifest in the place of the old one, and with it the changed parts.
fn replace_parts(
    operations: &mut impl Operations,
    plan: &Plan,
    manifest: &ManifestPlan,
    settings: &Settings,
) -> Result<Applied> {
    let parts: Vec<&Path> = plan.parts.iter().map(|part| part.path.as_path()).collect();
    let watch = Watch::of_files(&parts, settings.open_elsewhere)?;
    let are_unchanged = || plan.parts.iter().try_for_each(|part| unchanged(&part.path, &part.identity));
    are_unchanged()?;
    kept::sweep(operations, &manifest.path, &settings.copies, &|path| File::open(path))?;
    require_room(operations, plan, &settings.copies)?;
    let changes: Vec<&PartPlan> = plan.changes().collect();
    let mut change = Change::begin();
    // A link keeps pointing at the manifest.
    let target = manifest.path.canonicalize().unwrap_or_else(|_| manifest.path.clone());
    let like = manifest.before.as_ref().map(|_| target.as_path()).or_else(|| parts.first().copied());
    let ownership = like.map(ownership_of).transpose()?;
    let mut others = Vec::new();
    for part in &changes {
        let Some(new_name) = &part.new_name else { continue };
        let made = File::open(&part.path).map_err(|source| Error::io(&part.path, "open", source));
        let target = directory_of(&manifest.path).join(new_name);
        match made.and_then(|source| edited(operations, &source, part, &target)) {
            Ok(draft) => others.push(draft),
            Err(error) => return Err(discard_all(operations, others, error)),
        }
    }
    let main = match Draft::of_bytes(operations, &target, ownership, &manifest.text) {
        Ok(main) => main,
        Err(error) => return Err(discard_all(operations, others, error)),
    };
    let old = |path: &Path| OldFile { path: path.to_owned(), opened: None };
    let replacement = Replacement {
        place: &manifest.path,
        main,
        old_main: manifest.before.as_ref().map(|_| old(&target)),
        others,
        old_others: changes.iter().map(|part| old(&part.path)).collect(),
        cause: settings.cause,
        copies: &settings.copies,
        ownership,
    };
    let kept = replacement.carry_out(operations, &mut change, &|at| {
        watch.check_openers()?;
        are_unchanged()?;
        manifest.before.as_ref().map_or(Ok(()), |before| unchanged(at, &before.identity))
    })?;
    let paths = changes.iter().map(|part| part.path.clone()).chain([manifest.path.clone()]).collect();
    Ok(Applied { paths, cut_at: None, removed: changes.iter().map(|part| part.removed()).sum(), kept })
}

fn discard_all(operations: &mut impl Operations, drafts: Vec<Draft>, error: Error) -> Error {
    for draft in drafts {
        draft.discard(operations);
    }
    error
}

fn ownership_of(path: &Path) -> Result<Ownership> {
    fs::metadata(path).map(|metadata| Ownership::of(&metadata)).map_err(|source| Error::io(path, "open", source))
}

fn is_same_disk(one: &Path, other: &Path) -> bool {
    let device = |path: &Path| fs::metadata(path).map(|metadata| metadata.dev());
    device(one).ok().zip(device(other).ok()).is_some_and(|(one, other)| one == other)
}

/// A draft of a file as it is after the edits of its plan, on disk.
fn edited(operations: &mut impl Operations, source: &File, part: &PartPlan, target: &Path) -> Result<Draft> {
    let draft = Draft::beside(operations, target, Some(ownership_of(&part.path)?))?;
    let (draft, ()) = draft.fill(operations, |out| write_pieces(source, part, out))?;
    draft.sync(operations)
}

/// Writes a file as it is after the edits of its plan.
fn write_pieces(source: &File, part: &PartPlan, out: &mut impl Write) -> io::Result<()> {
    for piece in pieces(part.identity.length, part.edits()) {
        match piece {
            Piece::Inserted(bytes) => out.write_all(bytes)?,
            Piece::Kept(range) => kept::read_chunks(source, range, |bytes, _| out.write_all(bytes))?,
        }
    }
    Ok(())
}

/// Writes the copy and makes it last.
fn keep(
    operations: &mut impl Operations,
    making: &Making,
    path: &Path,
    (part, cut_at): (&PartPlan, u64),
    cause: Cause,
) -> Result<Kept> {
    let open_error = |source| Error::io(path, "open", source);
    let source = File::open(path).map_err(open_error)?;
    let length = part.identity.length - cut_at;
    let (_, file) = making.keep_bytes(operations, &removed_name(path, cut_at), (&source, cut_at, length))?;
    making.finish(operations, (cause, Some(cut_at)), vec![file], Vec::new(), Some(ownership_of(path)?))
}

/// Cuts a file that is still as it was.
fn truncate(operations: &mut impl Operations, path: &Path, identity: &FileIdentity, cut_at: u64) -> Result<File> {
    let file = operations.open(path).map_err(|source| Error::io(path, "open for writing", source))?;
    let now = file.metadata().map_err(|source| Error::io(path, "get the length", source))?;
    if let Some(what) = difference(identity, &FileIdentity::of(&now)) {
        return Err(refused(path, format!("{what}; stop whatever writes to it, and run this again")));
    }
    operations.truncate(&file, cut_at).map_err(|source| Error::io(path, "cut the file", source))?;
    Ok(file)
}

pub(super) fn refused(path: &Path, text: String) -> Error {
    Error::new(path, ErrorKind::Refused(text))
}
