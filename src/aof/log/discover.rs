//! Which logs a path means: every directory is listed once, and every file in it is looked into once.

use std::cell::OnceCell;
use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Layout, Log, file_to_move};
use crate::aof::TIMESTAMP;
use crate::aof::manifest;
use crate::aof::part_name::{followed_bases, old_style_file_of};
use crate::input::{Access, Container, Input};
use crate::rdb;
use crate::storage::{directory_of, is_ours};
use crate::{Error, ErrorKind, Result};

/// What is read of a file to tell what it is.
const HEAD: usize = manifest::RECOGNITION_LIMIT;

/// Directories below each other that [`walk_tree`] enters.
const DEPTH_LIMIT: usize = 64;

/// Finds every log that a path means, and opens each when its turn comes.
///
/// A path means the log that [`Log::open`] finds. A directory in which there are others, or of which that is unclear,
/// means all logs below it, as [`walk_tree`] finds them: first come the errors of directories that could not be read.
/// An `appendonlydir` is one log, whatever else lies in it, and so is a data directory with its snapshot (`*.rdb`).
///
/// Each item is a log, or an error as of [`Log::open`]; there is at least one.
pub fn discover(access: Access, path: &Path) -> impl Iterator<Item = Result<Log>> + use<> {
    let (one, tree) = match meaning(path) {
        Ok(Meaning::One(found)) => (Some(Ok(found)), Found::default()),
        Ok(Meaning::All(found)) => (None, found),
        Err(error) => (Some(Err(error)), Found::default()),
    };
    let path = path.to_owned();
    let one = one.into_iter().map(move |place| Log::at(access, &path, place?));
    let open = move |place: Place| {
        let mut log = Log::open_by(access, &place.path)?;
        log.carry(place.siblings);
        log.missing_manifest = place.missing_manifest;
        Ok(log)
    };
    one.chain(tree.unreadable.into_iter().map(Err)).chain(tree.places.into_iter().map(open))
}

enum Meaning {
    One(Place),
    All(Found),
}

fn meaning(path: &Path) -> Result<Meaning> {
    if !path.is_dir() {
        let itself = Place::of_file(path.to_owned());
        return Ok(Meaning::All(Found { places: vec![itself], ..Found::default() }));
    }
    let mut directory = Directory::list(path)?;
    let log = directory.log(path);
    if let Ok(place) = &log
        && place.siblings.is_some()
        && has_manifest_name(&place.path)
        && directory_of(&place.path) == path
    {
        return log.map(Meaning::One);
    }
    let found = directory.walk();
    let is_alone = found.unreadable.is_empty()
        && found.places.iter().all(|place| {
            log.as_ref().is_ok_and(|log| log.path == place.path)
                || log.is_ok() && has_snapshot_name(&place.path) && place.path.parent() == Some(path)
        });
    if is_alone { log.map(Meaning::One) } else { Ok(Meaning::All(found)) }
}

/// Where a log is.
pub(super) struct Place {
    pub(super) path: PathBuf,
    /// For a manifest that was found in a listing: the files of its directory.
    pub(super) siblings: Option<Arc<[PathBuf]>>,
    /// For a base without the manifest of its log.
    missing_manifest: Option<PathBuf>,
}

impl Place {
    const fn of_file(path: PathBuf) -> Self {
        Self { path, siblings: None, missing_manifest: None }
    }

    /// For a manifest: see [`file_to_move`].
    fn file_to_move(&self) -> Option<PathBuf> {
        // Few have one: the manifest need not be read otherwise.
        self.siblings.as_ref().and_then(|_| old_style_file_of(&self.path))?;
        file_to_move(&manifest::parse(Input::open_as_is(&self.path).ok()?.bytes()), &self.path)
    }
}

/// The logs below a directory, and why directories could not be read; each sorted.
#[derive(Default)]
struct Found {
    places: Vec<Place>,
    /// Files that belong to a log, though they are outside its directory.
    moved: HashSet<PathBuf>,
    unreadable: Vec<Error>,
}

/// The log that a directory means.
pub(super) fn log_of_directory(path: &Path) -> Result<Place> {
    Directory::list(path)?.log(path)
}

/// The regular files in a directory, sorted, but for drafts and kept copies.
pub(crate) fn files_in(directory: &Path) -> Result<Vec<PathBuf>> {
    Ok(Directory::list(directory)?.files.into_iter().map(|file| file.path).collect())
}

/// What a directory holds, sorted; symbolic links count as what they lead to.
struct Directory {
    files: Vec<Candidate>,
    directories: Vec<Below>,
}

/// A directory in another.
struct Below {
    path: PathBuf,
    is_link: bool,
    /// Once it was asked for.
    listed: Option<Result<Directory>>,
}

/// A file that may be a log.
struct Candidate {
    path: PathBuf,
    look: OnceCell<Look>,
}

impl Directory {
    fn list(path: &Path) -> Result<Self> {
        let read_error = |source| Error::io(path, "read the directory", source);
        let (mut files, mut directories) = (Vec::new(), Vec::new());
        for entry in fs::read_dir(path).map_err(read_error)? {
            let entry = entry.map_err(read_error)?;
            // Drafts and kept copies are logs only to someone who names them.
            if is_ours(&entry.file_name()) {
                continue;
            }
            let path = entry.path();
            let kind = entry.file_type();
            let is_link = kind.as_ref().is_ok_and(fs::FileType::is_symlink);
            let kind = if is_link { fs::metadata(&path).map(|metadata| metadata.file_type()) } else { kind };
            match kind {
                Ok(kind) if kind.is_file() => files.push(Candidate { path, look: OnceCell::new() }),
                Ok(kind) if kind.is_dir() => directories.push(Below { path, is_link, listed: None }),
                // Neither can hold a log; what vanished or leads nowhere is none either.
                Ok(_) | Err(_) => {}
            }
        }
        files.sort_unstable_by(|one, other| one.path.cmp(&other.path));
        directories.sort_unstable_by(|one, other| one.path.cmp(&other.path));
        Ok(Self { files, directories })
    }

    /// The one manifest in the directory or in one directly below it, or the one append-only file in it.
    fn log(&mut self, path: &Path) -> Result<Place> {
        let mut found = self.manifests();
        let mut unreadable = None;
        if found.is_empty() {
            for below in self.directories.iter_mut().filter(|below| !below.is_lost_and_found()) {
                match below.list() {
                    Ok(directory) => found.extend(directory.manifests()),
                    // It matters only if the log is nowhere else.
                    Err(_) => unreadable = unreadable.or(below.listed.take()),
                }
            }
        }
        match (found.len(), unreadable) {
            (1, _) => return Ok(found.remove(0)),
            (0, Some(Err(error))) => return Err(error),
            (0, _) => {}
            _ => {
                let manifests = found.into_iter().map(|place| place.path).collect();
                return Err(Error::new(path, ErrorKind::ManyManifests(manifests)));
            }
        }
        let logs = || self.files.iter().filter(|file| file.is_loose_log()).map(|file| file.path.clone());
        if !self.bases_without_manifest().is_empty() {
            return Err(Error::new(path, ErrorKind::LogsWithoutManifest(logs().collect())));
        }
        let mut append_only = logs().filter(|file| !has_snapshot_name(file));
        match (append_only.next(), append_only.next()) {
            (Some(file), None) => Ok(Place::of_file(file)),
            (None, _) if logs().next().is_none() => Err(Error::new(path, ErrorKind::NoManifest)),
            _ => Err(Error::new(path, ErrorKind::LogsWithoutManifest(logs().collect()))),
        }
    }

    /// The manifests among the files.
    ///
    /// `*.manifest` goes before other names, so that a copy that somebody kept beside does not count; and if no file
    /// reads as a manifest, `*.manifest` is one that is empty, damaged, or not readable.
    fn manifest_files(&self) -> Vec<&Candidate> {
        let (named, others): (Vec<&Candidate>, Vec<&Candidate>) =
            self.files.iter().filter(|file| !is_unfinished(&file.path)).partition(|file| has_manifest_name(&file.path));
        [(&named, Content::Manifest), (&others, Content::Manifest), (&named, Content::Unknown)]
            .into_iter()
            .map(|(files, wanted)| {
                files.iter().filter(|file| file.look().content == wanted).copied().collect::<Vec<_>>()
            })
            .find(|found| !found.is_empty())
            .unwrap_or_default()
    }

    fn manifests(&self) -> Vec<Place> {
        let found = self.manifest_files();
        let siblings: Arc<[PathBuf]> = match found.as_slice() {
            [] => return Vec::new(),
            _ => self.files.iter().map(|file| file.path.clone()).collect(),
        };
        let place =
            |file: &Candidate| Place { siblings: Some(Arc::clone(&siblings)), ..Place::of_file(file.path.clone()) };
        found.into_iter().map(place).collect()
    }

    /// The bases that incrs follow, if there is no manifest, each with the one that it lacks.
    fn bases_without_manifest(&self) -> Vec<(PathBuf, PathBuf)> {
        let files: Vec<PathBuf> = self.files.iter().map(|file| file.path.clone()).collect();
        let bases = followed_bases(&files);
        if bases.is_empty() || !self.manifest_files().is_empty() {
            return Vec::new();
        }
        bases.into_iter().map(|(base, name)| (base.clone(), name.manifest_beside(base))).collect()
    }

    /// The logs among the files: manifests, and what no manifest names.
    fn logs(&self) -> Vec<Place> {
        let mut logs = self.manifests();
        let mut listed = HashSet::new();
        for manifest in self.manifest_files() {
            listed.extend(manifest.entries().into_iter().map(|entry| entry.name));
        }
        let is_listed = |path: &Path| listed.contains(path.file_name().unwrap_or_default().as_bytes());
        let loose = |file: &&Candidate| {
            !is_listed(&file.path) && file.is_loose_log() && !logs.iter().any(|log| log.path == file.path)
        };
        let loose: Vec<_> = self.files.iter().filter(loose).map(|file| file.path.clone()).collect();
        logs.retain(|log| !is_listed(&log.path));
        let lacking = self.bases_without_manifest();
        let manifest_of =
            |path: &Path| lacking.iter().find(|(base, _)| base == path).map(|(_, manifest)| manifest.clone());
        let loose =
            loose.into_iter().map(|path| Place { missing_manifest: manifest_of(&path), ..Place::of_file(path) });
        logs.extend(loose);
        logs
    }

    /// The logs in the directory and below it.
    fn walk(self) -> Found {
        let mut found = Found::default();
        let mut waiting = vec![(self, 0)];
        while let Some((directory, depth)) = waiting.pop() {
            let logs = directory.logs();
            found.moved.extend(logs.iter().filter_map(Place::file_to_move));
            found.places.extend(logs);
            if depth == DEPTH_LIMIT {
                continue;
            }
            for below in directory.directories.into_iter().filter(|below| !below.is_link && !below.is_lost_and_found())
            {
                match below.listed.unwrap_or_else(|| Self::list(&below.path)) {
                    Ok(below) => waiting.push((below, depth + 1)),
                    Err(error) => found.unreadable.push(error),
                }
            }
        }
        found.places.retain(|place| !found.moved.contains(&place.path));
        found.places.sort_unstable_by(|one, other| one.path.cmp(&other.path));
        found.unreadable.sort_by(|one, other| one.file().cmp(other.file()));
        found
    }
}

impl Below {
    fn list(&mut self) -> std::result::Result<&Directory, &Error> {
        self.listed.get_or_insert_with(|| Directory::list(&self.path)).as_ref()
    }

    /// Whether this is the directory that a file system has for `fsck`, which only root may read: no server keeps a log
    /// there.
    fn is_lost_and_found(&self) -> bool {
        self.path.file_name() == Some(OsStr::new("lost+found"))
    }
}

impl Candidate {
    /// A file that may not be read is unknown here, and reported when it is opened as a log.
    fn look(&self) -> &Look {
        self.look.get_or_init(|| Look::at(&self.path).unwrap_or(Look { content: Content::Unknown, whole: None }))
    }

    /// Whether it is a log by itself, if no manifest names it.
    fn is_loose_log(&self) -> bool {
        let by_name = matches!(self.path.extension().and_then(OsStr::to_str), Some("aof" | "rdb"));
        !is_unfinished(&self.path) && (by_name || self.look().content == Content::Log)
    }

    /// What a manifest names; nothing if it cannot be read, which is reported when it is opened as a log.
    fn entries(&self) -> Vec<manifest::Entry> {
        if let Some(whole) = &self.look().whole {
            return manifest::parse(whole).entries;
        }
        Input::open_as_is(&self.path).map_or_else(|_| Vec::new(), |input| manifest::parse(input.bytes()).entries)
    }
}

/// What looking into a file tells.
struct Look {
    content: Content,
    /// The bytes of a manifest, if they are not more than what was read.
    whole: Option<Vec<u8>>,
}

impl Look {
    /// Reads no more of the file than it takes.
    fn at(path: &Path) -> io::Result<Self> {
        let mut head = Vec::with_capacity(HEAD);
        File::open(path)?.take(HEAD as u64).read_to_end(&mut head)?;
        let unpacked = match Container::of(&head) {
            Container::Plain => {
                let content = Content::of(&head);
                let whole = (content == Content::Manifest && head.len() < HEAD).then_some(head);
                return Ok(Self { content, whole });
            }
            Container::Gzip => decompressed_head(flate2::bufread::GzDecoder::new(head.as_slice())),
            Container::Zstd => decompressed_head(zstd::stream::read::Decoder::with_buffer(head.as_slice())?),
        };
        // A server reads no compressed manifest, and the files that one names are elsewhere.
        let content = if Content::of(&unpacked) == Content::Log { Content::Log } else { Content::Unknown };
        Ok(Self { content, whole: None })
    }
}

/// What the first bytes of a file say it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Content {
    Manifest,
    /// A record, an annotation that servers write, or an RDB.
    Log,
    /// Empty, comments alone, or nothing known.
    Unknown,
}

impl Content {
    fn of(bytes: &[u8]) -> Self {
        if manifest::is_manifest(bytes) {
            Self::Manifest
        } else if rdb::is_rdb(bytes) || bytes.starts_with(TIMESTAMP) || first_record_follows(bytes) {
            Self::Log
        } else {
            Self::Unknown
        }
    }
}

/// Whether a file that was given is a manifest: by its content, and only if that says nothing by its name.
pub(super) fn reads_as_manifest(path: &Path, bytes: &[u8]) -> bool {
    match Content::of(bytes) {
        Content::Manifest => true,
        Content::Unknown => has_manifest_name(path),
        Content::Log => false,
    }
}

/// As much as can be had: the head of a compressed file ends in the middle of its stream.
fn decompressed_head(source: impl Read) -> Vec<u8> {
    let mut head = Vec::with_capacity(HEAD);
    // An error only says that the head was cut off where it was.
    let _ = source.take(HEAD as u64).read_to_end(&mut head);
    head
}

/// Whether a record is the first thing after any annotations.
fn first_record_follows(bytes: &[u8]) -> bool {
    let head = bytes.get(..HEAD).unwrap_or(bytes);
    head.split_inclusive(|&byte| byte == b'\n')
        .find(|line| !line.starts_with(b"#"))
        .is_some_and(|line| matches!(line, [b'*', b'0'..=b'9' | b'-' | b'\r' | b'\n', ..]))
}

fn has_manifest_name(path: &Path) -> bool {
    path.extension() == Some(OsStr::new("manifest"))
}

/// Whether a file is named as a server names its snapshot, which it does not load when it has an append-only file.
pub fn has_snapshot_name(path: &Path) -> bool {
    path.extension() == Some(OsStr::new("rdb"))
}

/// Whether a server is still writing the file, or gave up on it: every such file is renamed when it is complete.
fn is_unfinished(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_bytes().starts_with(b"temp-"))
}

/// The logs below a directory.
#[derive(Debug, Default)]
pub struct Tree {
    /// The paths of the logs, sorted.
    pub logs: Vec<PathBuf>,
    /// Why directories below could not be read: there may be logs in them.
    pub unreadable: Vec<Error>,
}

/// Finds every log below a directory: manifests, and the files that are logs by themselves.
///
/// A file is a log if it begins like one (compressed too) or is named `*.aof` or `*.rdb`; those that a manifest in the
/// same directory names are reached through the manifest alone. Unfinished files of a server (`temp-…`), drafts and
/// kept copies (`….aofkit-…`) are left out, links to directories are not followed, and `lost+found` is not entered.
///
/// # Errors
/// [`ErrorKind::Io`] if the directory itself cannot be read.
pub fn walk_tree(directory: &Path) -> Result<Tree> {
    let Found { places, unreadable, .. } = Directory::list(directory)?.walk();
    Ok(Tree { logs: places.into_iter().map(|place| place.path).collect(), unreadable })
}

impl Log {
    /// Opens what was found in a directory: `path` is the directory.
    pub(super) fn at(access: Access, path: &Path, place: Place) -> Result<Self> {
        if place.siblings.is_none() {
            return Ok(Self::single(access.open(&place.path)?));
        }
        let input = Input::open_as_is(&place.path)?;
        let mut log = Self::multi_part(path, place.path, (input, access));
        log.carry(place.siblings);
        Ok(log)
    }

    /// Notes the listing that its manifest was found in.
    fn carry(&mut self, siblings: Option<Arc<[PathBuf]>>) {
        if let Layout::MultiPart(multi_part) = &mut self.layout {
            multi_part.siblings = siblings;
        }
    }
}
