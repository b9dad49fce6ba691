//! The manifest of a log, worked out again from the names and the contents of the files in its directory.
//!
//! Servers name parts `PREFIX.SEQUENCE.base.rdb`, `….base.aof` and `….incr.aof`, and what a rewrite has not finished
//! `temp-…`. A rewrite begins a new incr, writes the next base, and only then names both in the manifest and removes
//! what they replace (`aof.c` of Redis 7.0 to 8.6 and of Valkey 8 and 9). So names alone do not always say which files
//! count. What they leave open is decided by the lines of the manifest that can be read, and by the time at which an
//! RDB base was begun: an incr that was last written before that is in the base. What both leave open is a [`Doubt`].
//!
//! Nothing is changed here.

mod files;
mod incrs;

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::plan::{Before, ManifestPlan, PartPlan, Plan};
use super::survey::{self, Survey};
use crate::aof::log::{Log, file_to_move};
use crate::aof::manifest::{self, Entry, Flaw, Kind, Manifest};
use crate::aof::part_name::missing_lines;
use crate::check::{self, Settings};
use crate::input::{Access, Input};
use crate::{Result, rdb};
pub(super) use files::begun;
use files::{Directory, Found};

/// What can be said about the manifest of a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It keeps every rule, and the files that a server loads by it are there.
    Sound,
    /// It is missing or broken, and this one fits the files.
    Rebuilt(Rebuilt),
    /// It is missing or broken, and which files count is not certain.
    Doubtful(Doubt),
}

/// A manifest that fits the files of its directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rebuilt {
    /// Where it belongs.
    pub path: PathBuf,
    /// The manifest that is there now; `None` if there is none.
    pub before: Option<Before>,
    /// The bytes that it should have.
    pub text: Vec<u8>,
    /// The files that it names, which stay as they are.
    pub parts: Vec<PartPlan>,
    /// Each file that is a part by its name or by the manifest, or that a rewrite left unfinished: whether it counts,
    /// and why. In the order in which a server loads them, then those that it does not load.
    pub files: Vec<Judged>,
}

impl Rebuilt {
    /// What writes the manifest.
    pub fn plan(&self) -> Plan {
        Plan { parts: self.parts.clone(), manifest: Some(self.manifest_plan()) }
    }

    fn manifest_plan(&self) -> ManifestPlan {
        ManifestPlan { path: self.path.clone(), before: self.before.clone(), text: self.text.clone() }
    }

    /// Checks the log at `path` as it is with this manifest, so that its parts can be repaired by the same plan.
    ///
    /// # Errors
    /// As [`survey()`](super::survey()).
    pub fn survey(&self, access: Access, path: &Path, settings: Settings<'_>) -> Result<Survey> {
        let log = Log::of_manifest(access, path, &self.path, self.text.clone());
        Ok(Survey { manifest: Some(self.manifest_plan()), ..survey::survey(&log, settings)? })
    }
}

/// What a file is to the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// The name of the file.
    pub name: OsString,
    /// Its kind in the new manifest; `None` if that does not name it.
    pub kind: Option<Kind>,
    /// Why: a clause.
    pub reason: String,
}

/// Why no manifest can be worked out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doubt {
    /// What it is about: a file, or the directory.
    pub file: PathBuf,
    /// What is uncertain: a clause.
    pub reason: String,
    /// What can be done: clauses.
    pub advice: String,
}

/// What to do about an incr that the manifest names and that is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absent {
    /// It may turn up again: that is a doubt.
    Doubt,
    /// Its records are lost, and the manifest does without it.
    LeaveOut,
}

/// The result of a step that may meet a doubt.
type Certain<T> = std::result::Result<T, Doubt>;

/// The directory in which files have the names of parts of a log, if there is no manifest: `path`, or one directly
/// below it.
pub fn parts_without_manifest(path: &Path) -> Option<PathBuf> {
    files::parts_without_manifest(path)
}

/// Works out the manifest of the log whose parts are in `directory`.
///
/// History files are not named again: servers would delete them.
///
/// # Errors
/// [`crate::ErrorKind::Io`] if the directory, the manifest or a base cannot be read.
pub fn rebuild(directory: &Path, absent: Absent) -> Result<Outcome> {
    let found = match Directory::read(directory)? {
        Ok(found) => found,
        Err(doubt) => return Ok(Outcome::Doubtful(doubt)),
    };
    let manifest = found.manifest.as_ref().map(|before| manifest::parse(&before.text));
    if manifest.as_ref().is_some_and(|manifest| is_sound(manifest, &found)) {
        return Ok(Outcome::Sound);
    }
    let mut judged = Vec::new();
    let evidence = match Evidence::of(manifest, (&found, absent), &mut judged) {
        Ok(evidence) => evidence,
        Err(doubt) => return Ok(Outcome::Doubtful(doubt)),
    };
    let base = match choose_base(&found, &evidence, &mut judged)? {
        Ok(base) => base,
        Err(doubt) => return Ok(Outcome::Doubtful(doubt)),
    };
    let chosen = incrs::choose(&found, &evidence, base.as_ref(), &mut judged);
    let rebuilt = |incrs: Vec<_>| Outcome::Rebuilt(assemble((&found, &evidence), base.as_ref(), &incrs, judged));
    Ok(chosen.map_or_else(Outcome::Doubtful, rebuilt))
}

/// Whether a server starts with the manifest, and it names all that belongs to the log.
fn is_sound(manifest: &Manifest, found: &Directory) -> bool {
    let live = || manifest.entries.iter().filter(|entry| entry.kind != Kind::History);
    let is_moved_at_start = || file_to_move(manifest, &found.manifest_path()).is_some();
    let are_there = live().next().is_some() && (live().all(|entry| found.has(&entry.name)) || is_moved_at_start());
    manifest.problems.is_empty() && are_there && !is_cut(manifest, found)
}

/// Whether lines are missing in the manifest, though each one that is there is whole.
fn is_cut(manifest: &Manifest, found: &Directory) -> bool {
    let is_unnamed = |file: &&Found| manifest.entries.iter().all(|entry| entry.name != file.name);
    let unnamed = || found.parts().filter(is_unnamed).map(|file| (file.kind, file.sequence, file.length));
    !missing_lines(manifest, unnamed).is_empty()
}

/// What the lines of the manifest that can be read say.
struct Evidence {
    entries: Vec<Entry>,
    /// Whether there may have been other lines.
    has_gaps: bool,
    /// The sequence numbers of incrs that are left out because they are not there.
    absent: Vec<i64>,
    /// Whether the base is left out because it is not there.
    base_is_lost: bool,
}

impl Evidence {
    fn of(
        manifest: Option<Manifest>,
        (found, absent): (&Directory, Absent),
        judged: &mut Vec<Judged>,
    ) -> Certain<Self> {
        let Some(mut manifest) = manifest else {
            return Ok(Self { entries: Vec::new(), has_gaps: true, absent: Vec::new(), base_is_lost: false });
        };
        if manifest.problems.iter().any(|problem| matches!(problem.flaw, Flaw::SequenceNotIncreasing { .. })) {
            number_by_name(&mut manifest, found);
        }
        let is_of_order = |flaw| matches!(flaw, Flaw::SecondBase | Flaw::SequenceNotIncreasing { .. });
        let has_gaps = is_cut(&manifest, found) || manifest.problems.iter().any(|problem| !is_of_order(problem.flaw));
        let mut evidence = Self { entries: manifest.entries, has_gaps, absent: Vec::new(), base_is_lost: false };
        for (index, entry) in evidence.entries.iter().enumerate() {
            let other = evidence.entries.iter().take(index).find(|other| other.name == entry.name);
            let differs = other.is_some_and(|other| (other.kind, other.sequence) != (entry.kind, entry.sequence));
            let by_name = found.part_of(&entry.name).filter(|_| entry.kind != Kind::History);
            if differs || by_name.is_some_and(|by_name| by_name != (entry.kind, entry.sequence)) {
                let file = found.path_of(&entry.name);
                let what = if differs { "two lines of the manifest" } else { "its name and the manifest" };
                let reason = format!("{what} contradict each other about the kind or the sequence number of this file");
                return Err(Doubt { file, reason, advice: BACKUP.to_owned() });
            }
            if entry.kind == Kind::History || found.has(&entry.name) {
                continue;
            }
            // With another base, it is not certain that the incrs which are left do not follow that one.
            let is_base = entry.kind == Kind::Base;
            if absent == Absent::Doubt || is_base && found.of_kind(Kind::Base).next().is_some() {
                return Err(doubt_about_absent(entry, found));
            }
            let lost = if is_base { "all data of the base is" } else { "its records are" };
            judged.push(Judged {
                name: OsStr::from_bytes(&entry.name).to_owned(),
                kind: None,
                reason: format!("the manifest names it, but it is not there: {lost} lost"),
            });
            if is_base {
                evidence.base_is_lost = true;
            } else {
                evidence.absent.push(entry.sequence);
            }
        }
        evidence.entries.retain(|entry| entry.kind == Kind::History || found.has(&entry.name));
        Ok(evidence)
    }

    fn entry_of(&self, name: &[u8]) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.name == name)
    }

    fn kind_of(&self, name: &[u8]) -> Option<Kind> {
        self.entry_of(name).map(|entry| entry.kind)
    }
}

const BACKUP: &str = "restore the directory from a backup or a replica, or decide it by what wrote these files";

/// Takes the numbers of incrs from their names, where those in the manifest cannot be right: no two files have the same
/// name.
fn number_by_name(manifest: &mut Manifest, found: &Directory) {
    for entry in manifest.entries.iter_mut().filter(|entry| entry.kind == Kind::Incr) {
        if let Some((Kind::Incr, sequence)) = found.part_of(&entry.name) {
            entry.sequence = sequence;
        }
    }
}

/// A doubt about a file that the manifest names.
fn doubt_about_absent(entry: &Entry, found: &Directory) -> Doubt {
    let old = found.old_style().filter(|old| {
        entry.kind == Kind::Base && old.file_name().is_some_and(|name| name.as_encoded_bytes() == entry.name)
    });
    match old {
        Some(old) => Doubt {
            file: old,
            reason: "the manifest names this file, but it is outside the directory".to_owned(),
            advice: "move the file into the directory, then run this again".to_owned(),
        },
        None => Doubt {
            file: found.path_of(&entry.name),
            reason:
                "the manifest names this file, but it does not exist: what it held cannot be worked out from others"
                    .to_owned(),
            advice: "restore the file from a backup, or find out where it was moved".to_owned(),
        },
    }
}

/// The base, and when it was begun.
struct Base<'d> {
    found: &'d Found,
    /// Unix time in seconds, if it is an RDB that says so.
    begun: Option<i64>,
    /// Whether a line of the manifest says that it is the base.
    is_named: bool,
    /// Whether there is another base that may have come before it.
    has_earlier: bool,
}

/// The base that the manifest names, else the whole one of the highest sequence number; `None` if it is lost.
fn choose_base<'d>(
    found: &'d Directory,
    evidence: &Evidence,
    judged: &mut Vec<Judged>,
) -> Result<Certain<Option<Base<'d>>>> {
    if evidence.base_is_lost {
        return Ok(Ok(None));
    }
    let is_history = |file: &&Found| evidence.kind_of(&file.name) == Some(Kind::History);
    let bases: Vec<&Found> = found.of_kind(Kind::Base).filter(|file| !is_history(file)).collect();
    let named: Vec<&Found> =
        bases.iter().copied().filter(|file| evidence.kind_of(&file.name) == Some(Kind::Base)).collect();
    let is_named = named.len() == 1;
    let highest = bases.iter().map(|file| file.sequence).max();
    let candidates: Vec<&Found> =
        if is_named { named } else { bases.iter().copied().filter(|file| Some(file.sequence) == highest).collect() };
    let mut whole = Vec::new();
    for file in &candidates {
        let input = Input::open_as_is(&file.path)?;
        if is_whole(file, input.bytes())? {
            whole.push((*file, begun(input.bytes())));
        }
    }
    let doubt = |file: PathBuf, reason: &str| Ok(Err(Doubt { file, reason: reason.to_owned(), advice: BACKUP.into() }));
    let (base, begun) = match (whole.as_slice(), candidates.first()) {
        ([one], _) => *one,
        ([_, other, ..], _) => {
            return doubt(other.0.path.clone(), "there are two whole bases with the same sequence number");
        }
        // A base gets its name when it is whole: it was damaged since, and there is no other.
        ([], Some(only)) if bases.len() == 1 => (*only, files::begun(Input::open_as_is(&only.path)?.bytes())),
        ([], Some(broken)) => return doubt(broken.path.clone(), "this base would be the newest, but it is not whole"),
        ([], None) => return doubt(found.path.clone(), "there are parts of a log here, but no base"),
    };
    let reason = match whole.as_slice() {
        _ if is_named => "the manifest names it",
        [] => "the only base, though it is damaged",
        _ => "the newest base, and it is whole",
    };
    judged.push(base.judged(Some(Kind::Base), reason.to_owned()));
    for other in found.of_kind(Kind::Base).filter(|other| other.name != base.name) {
        let reason = match evidence.kind_of(&other.name) {
            Some(Kind::History) => "the manifest says that a rewrite has replaced it",
            _ if other.sequence > base.sequence => "a rewrite wrote it, but the manifest names the base before it",
            _ if other.sequence == base.sequence => "not whole, and another base has the same sequence number",
            _ => "a rewrite has replaced it by a newer base",
        };
        judged.push(other.judged(None, reason.to_owned()));
    }
    let has_earlier = bases.iter().any(|other| other.sequence < base.sequence);
    Ok(Ok(Some(Base { found: base, begun, is_named, has_earlier })))
}

/// Whether a base is whole.
fn is_whole(file: &Found, bytes: &[u8]) -> Result<bool> {
    let is_what_it_is_called = !file.name.ends_with(b".rdb") || rdb::is_rdb(bytes);
    Ok(is_what_it_is_called && check::check(&Log::open(&file.path)?, Settings::default())?.is_loaded_whole())
}

fn assemble(
    (found, evidence): (&Directory, &Evidence),
    base: Option<&Base<'_>>,
    incrs: &[&Found],
    mut judged: Vec<Judged>,
) -> Rebuilt {
    let base = base.map(|base| base.found);
    let entry = |file: &Found, kind| {
        let extra = evidence.entry_of(&file.name).map(|entry| entry.extra.clone()).unwrap_or_default();
        Entry { extra, ..Entry::new(file.name.clone(), file.sequence, kind) }
    };
    let mut entries: Vec<Entry> = base.iter().map(|file| entry(file, Kind::Base)).collect();
    entries.extend(incrs.iter().map(|file| entry(file, Kind::Incr)));
    let text = Manifest::of(entries).to_bytes();
    judged.extend(found.unfinished.iter().map(|name| Judged {
        name: name.clone(),
        kind: None,
        reason: "the name is that of a file which a server or a fix had not finished".to_owned(),
    }));
    judged.sort_by_key(|file| file.kind.is_none());
    let parts = base.iter().chain(incrs);
    let parts = parts.map(|file| PartPlan::edited(&file.path, file.identity, Vec::new())).collect();
    Rebuilt { path: found.manifest_path(), before: found.manifest.clone(), text, parts, files: judged }
}

#[cfg(test)]
mod tests;
