//! PATH → the parts of a log.
//!
//! The file type is detected from its content; the name counts only where the content says nothing (an empty file).

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use crate::aof::TIMESTAMP;
use crate::aof::manifest::{self, Kind, Manifest};
use crate::input::{Access, Container, Input};
use crate::rdb;
use crate::storage::{directory_of, is_ours};
use crate::{Error, ErrorKind, Result};

/// What is read of a file to tell what it is.
const HEAD: usize = manifest::RECOGNITION_LIMIT;

/// What fails when a directory may not be read, as the action of [`ErrorKind::Io`].
pub const READ_DIRECTORY: &str = "read the directory";

/// How often [`Log::held`] reads a manifest again. A server rewrites its log every few seconds at most.
const MANIFEST_READINGS: usize = 16;

/// How many parts [`Log::held`] keeps open at most: a manifest may name any number.
const HELD_PARTS: usize = 64;

/// Whether every part of a log could be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Held {
    All,
    PartGone,
}

fn is_not_found(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Io { source, .. } if source.kind() == io::ErrorKind::NotFound)
}

/// Directories below each other that [`walk_tree`] enters.
const DEPTH_LIMIT: usize = 64;

/// One append-only log: a single file, or the files that a manifest names.
#[derive(Debug, Clone)]
pub struct Log {
    /// The path as it was given; `-` for standard input.
    pub path: PathBuf,
    /// One file or several.
    pub layout: Layout,
    /// What a server loads, in its order: the base first, then incr files as the manifest lists them.
    ///
    /// Never empty for [`Layout::Single`]. A manifest that breaks a rule may give more than one base.
    pub parts: Vec<Part>,
    /// The files that a server no longer loads, in the order of the manifest.
    pub history: Vec<Part>,
}

/// Whether a log is one file or several.
#[derive(Debug, Clone)]
pub enum Layout {
    /// A RESP file, one with an RDB preamble, or a bare RDB.
    Single,
    /// Redis 7 and later, Valkey: a manifest and what it names.
    MultiPart(Box<MultiPart>),
}

/// Where the parts of a log are listed.
#[derive(Debug, Clone)]
pub struct MultiPart {
    /// The manifest's path.
    pub manifest_path: PathBuf,
    /// The directory of the manifest, which holds the parts too.
    pub directory: PathBuf,
    /// What the manifest says, and what is wrong with it.
    pub manifest: Manifest,
    /// The manifest's bytes.
    pub input: Input,
    access: Access,
}

/// What a part is to its log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// The only file of its log.
    Single,
    /// The data set as of the last rewrite.
    Base,
    /// What was written after the base.
    Incr,
    /// Replaced by a rewrite; not loaded.
    History,
}

impl Role {
    /// The word for it, as in every report.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Single => "single",
            Self::Base => "base",
            Self::Incr => "incr",
            Self::History => "history",
        }
    }
}

/// One file of a log.
#[derive(Debug, Clone)]
pub struct Part {
    /// The name that the manifest gives it, or for a single file the path as it was given. Not necessarily UTF-8.
    pub name: OsString,
    /// The path of the file.
    pub path: PathBuf,
    /// What the part is to its log.
    pub role: Role,
    /// The sequence number in the manifest.
    pub sequence: Option<i64>,
    /// A single file is opened to tell what it is, and stays open; other parts once [`Log::held`] has opened them.
    input: Option<Input>,
    access: Access,
}

impl Part {
    /// Opens the file; a single one is open already. In a multi-part log nothing is decompressed, as no server does it.
    ///
    /// # Errors
    /// [`ErrorKind::Io`], also for a part that is missing, and [`ErrorKind::NotALog`].
    pub fn open(&self) -> Result<Input> {
        match &self.input {
            Some(input) => Ok(input.clone()),
            None => self.access.open_as_is(&self.path),
        }
    }

    /// Why a server would say that the file does not exist: it is not there, cannot be seen, or is no regular file.
    pub fn missing(&self) -> Option<io::Error> {
        if self.input.is_some() {
            return None;
        }
        match fs::metadata(&self.path) {
            Ok(metadata) if metadata.is_file() => None,
            Ok(metadata) if metadata.is_dir() => Some(io::ErrorKind::IsADirectory.into()),
            Ok(_) => Some(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file")),
            Err(error) => Some(error),
        }
    }

    /// The last component of its name: parts of a manifest have no other, and a single file is named as it was given.
    pub fn file_name(&self) -> &[u8] {
        Path::new(&self.name).file_name().unwrap_or(self.name.as_os_str()).as_bytes()
    }

    fn single(input: Input) -> Self {
        let path = input.path().to_owned();
        Self {
            name: path.clone().into_os_string(),
            path,
            role: Role::Single,
            sequence: None,
            input: Some(input),
            access: Access::default(),
        }
    }

    fn of_entry(entry: &manifest::Entry, directory: &Path, access: Access) -> Self {
        let name = OsString::from_vec(entry.name.clone());
        let role = match entry.kind {
            Kind::Base => Role::Base,
            Kind::Incr => Role::Incr,
            Kind::History => Role::History,
        };
        Self { path: directory.join(&name), name, role, sequence: Some(entry.sequence), input: None, access }
    }
}

impl Log {
    /// Finds the log that a path means: a file of any kind (compressed too), a manifest, or a directory.
    ///
    /// In a directory, that is the one manifest in it or in a directory directly below it; if there is none, the one
    /// append-only file, as Redis 6.2 and earlier keep it (`appendonly.aof`). A snapshot (`*.rdb`) beside it is no log.
    ///
    /// No part of a multi-part log is opened (see [`held`](Self::held)), and a manifest that breaks rules is no error:
    /// see [`Manifest::problems`].
    ///
    /// # Errors
    /// As [`Input::open`]; for a directory [`ErrorKind::NoManifest`], [`ErrorKind::LogsWithoutManifest`] or
    /// [`ErrorKind::ManyManifests`]; [`ErrorKind::Io`] if no log is found and a directory below cannot be read.
    pub fn open(path: &Path) -> Result<Self> {
        Self::open_by(Access::default(), path)
    }

    /// Finds the log that a path means, as [`Log::open`] does; its files are had as `access` says.
    ///
    /// # Errors
    /// As [`Log::open`].
    pub fn open_by(access: Access, path: &Path) -> Result<Self> {
        if fs::metadata(path).is_ok_and(|metadata| metadata.is_dir()) {
            return match log_of_directory(path)? {
                Found::Manifest(manifest_path) => {
                    let input = Input::open_as_is(&manifest_path)?;
                    Ok(Self::multi_part(path, manifest_path, (input, access)))
                }
                Found::File(file) => Ok(Self::single(access.open(&file)?)),
            };
        }
        let input = access.open(path)?;
        if !reads_as_manifest(path, input.bytes()) {
            return Ok(Self::single(input));
        }
        if input.container() != Container::Plain {
            let text = "this is a compressed manifest; decompress it beside the files that it names".to_owned();
            return Err(Error::new(path, ErrorKind::Refused(text)));
        }
        Ok(Self::multi_part(path, path.to_owned(), (input, access)))
    }

    /// Takes the log from standard input.
    ///
    /// # Errors
    /// As [`Access::stdin`]; [`ErrorKind::Refused`] for a manifest, which does not say where its files are.
    pub fn from_stdin(access: Access) -> Result<Self> {
        Self::from_input(access.stdin()?)
    }

    /// Takes a log of one file that was read already, such as one from [`Input::from_bytes`].
    ///
    /// # Errors
    /// [`ErrorKind::Refused`] for a manifest, which does not say where its files are.
    pub fn from_input(input: Input) -> Result<Self> {
        if manifest::is_manifest(input.bytes()) {
            let text = "a manifest alone does not say where its files are; give its path".to_owned();
            return Err(Error::new(input.path(), ErrorKind::Refused(text)));
        }
        Ok(Self::single(input))
    }

    /// Opens every part, so that a server that rewrites the log meanwhile cannot take one away.
    ///
    /// Such a server writes a new manifest first, and deletes the files that it no longer names after that. If a part
    /// is gone, the manifest is read again, and its parts are opened if it has changed. A part that cannot be
    /// opened otherwise stays as it is, for [`Part::open`] and [`Part::missing`] to report.
    ///
    /// # Errors
    /// As [`open`](Self::open), if the manifest has to be read again.
    pub fn held(mut self) -> Result<Self> {
        for _ in 0..MANIFEST_READINGS {
            if self.hold() == Held::All {
                break;
            }
            let Some(multi_part) = self.as_multi_part() else { break };
            let again = Input::open_as_is(&multi_part.manifest_path)?;
            if again.bytes() == multi_part.input.bytes() {
                break;
            }
            self = Self::multi_part(&self.path, multi_part.manifest_path.clone(), (again, multi_part.access));
        }
        Ok(self)
    }

    /// Opens the parts that are not open yet.
    fn hold(&mut self) -> Held {
        let mut held = Held::All;
        for part in self.parts.iter_mut().filter(|part| part.input.is_none()).take(HELD_PARTS) {
            // What a server would not open is left for `missing` to explain.
            match part.missing() {
                None => match part.open() {
                    Ok(input) => part.input = Some(input),
                    Err(error) if is_not_found(&error) => held = Held::PartGone,
                    Err(_) => {}
                },
                Some(error) if error.kind() == io::ErrorKind::NotFound => held = Held::PartGone,
                Some(_) => {}
            }
        }
        held
    }

    fn single(input: Input) -> Self {
        let path = input.path().to_owned();
        Self { path, layout: Layout::Single, parts: vec![Part::single(input)], history: Vec::new() }
    }

    fn multi_part(path: &Path, manifest_path: PathBuf, (input, access): (Input, Access)) -> Self {
        let manifest = manifest::parse(input.bytes());
        let directory = directory_of(&manifest_path).to_owned();
        let parts_of = |kind| manifest.of_kind(kind).map(|entry| Part::of_entry(entry, &directory, access));
        let parts = parts_of(Kind::Base).chain(parts_of(Kind::Incr)).collect();
        let history = parts_of(Kind::History).collect();
        let layout = Layout::MultiPart(Box::new(MultiPart { manifest_path, directory, manifest, input, access }));
        Self { path: path.to_owned(), layout, parts, history }
    }

    /// The multi-part layout, if the log has one.
    pub fn as_multi_part(&self) -> Option<&MultiPart> {
        match &self.layout {
            Layout::Single => None,
            Layout::MultiPart(multi_part) => Some(multi_part),
        }
    }
}

impl MultiPart {
    /// The regular files in the log's directory that the manifest does not name, sorted: parts of a log that was moved
    /// there, what a rewrite that failed left behind (`temp-…`), copies that somebody made.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] if the directory cannot be read.
    pub fn unlisted(&self) -> Result<Vec<PathBuf>> {
        let listed: std::collections::HashSet<&[u8]> =
            self.manifest.entries.iter().map(|entry| entry.name.as_slice()).collect();
        let manifest_name = self.manifest_path.file_name().unwrap_or_default();
        Ok(Contents::of(&self.directory)?
            .files
            .into_iter()
            .filter(|file| {
                let name = file.file_name().unwrap_or_default();
                name != manifest_name && !listed.contains(name.as_bytes())
            })
            .collect())
    }
}

/// What a directory holds, sorted; symbolic links count as what they lead to.
struct Contents {
    files: Vec<PathBuf>,
    directories: Vec<PathBuf>,
}

impl Contents {
    fn of(directory: &Path) -> Result<Self> {
        let read_error = |source| Error::io(directory, READ_DIRECTORY, source);
        let (mut files, mut directories) = (Vec::new(), Vec::new());
        for entry in fs::read_dir(directory).map_err(read_error)? {
            let entry = entry.map_err(read_error)?;
            // Drafts and kept copies are logs only to someone who names them.
            if is_ours(&entry.file_name()) {
                continue;
            }
            let path = entry.path();
            let kind = match entry.file_type() {
                Ok(kind) if kind.is_symlink() => fs::metadata(&path).map(|metadata| metadata.file_type()),
                kind => kind,
            };
            match kind {
                Ok(kind) if kind.is_file() => files.push(path),
                Ok(kind) if kind.is_dir() => directories.push(path),
                // Neither can hold a log; what vanished or leads nowhere is none either.
                Ok(_) | Err(_) => {}
            }
        }
        files.sort_unstable();
        directories.sort_unstable();
        Ok(Self { files, directories })
    }
}

/// Whether a file that was given is a manifest: by its content, and only if that says nothing by its name.
fn reads_as_manifest(path: &Path, bytes: &[u8]) -> bool {
    match Content::of(bytes) {
        Content::Manifest => true,
        Content::Unknown => has_manifest_name(path),
        Content::Log => false,
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

    /// Reads no more of the file than it takes.
    fn of_file(path: &Path) -> io::Result<Self> {
        let mut head = Vec::with_capacity(HEAD);
        File::open(path)?.take(HEAD as u64).read_to_end(&mut head)?;
        let unpacked = match Container::of(&head) {
            Container::Plain => return Ok(Self::of(&head)),
            Container::Gzip => decompressed_head(flate2::bufread::GzDecoder::new(head.as_slice())),
            Container::Zstd => decompressed_head(zstd::stream::read::Decoder::with_buffer(head.as_slice())?),
        };
        // A server reads no compressed manifest, and the files that one names are elsewhere.
        Ok(if Self::of(&unpacked) == Self::Log { Self::Log } else { Self::Unknown })
    }
}

/// As much as can be had: the head of a compressed file ends in the middle of its stream.
fn decompressed_head(source: impl Read) -> Vec<u8> {
    let mut head = Vec::with_capacity(HEAD);
    // An error only says that the head was cut off where it was.
    let _ = source.take(HEAD as u64).read_to_end(&mut head);
    head
}

/// Whether a record is the first thing behind any annotations.
fn first_record_follows(bytes: &[u8]) -> bool {
    let head = bytes.get(..HEAD).unwrap_or(bytes);
    head.split_inclusive(|&byte| byte == b'\n')
        .find(|line| !line.starts_with(b"#"))
        .is_some_and(|line| matches!(line, [b'*', b'0'..=b'9' | b'-' | b'\r' | b'\n', ..]))
}

fn has_manifest_name(path: &Path) -> bool {
    path.extension() == Some(OsStr::new("manifest"))
}

/// Whether a server is still writing the file, or gave up on it: every such file is renamed when it is complete.
fn is_unfinished(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_bytes().starts_with(b"temp-"))
}

/// The log of a directory.
enum Found {
    Manifest(PathBuf),
    /// An append-only file without a manifest.
    File(PathBuf),
}

/// The one manifest in the directory or in one directly below it, or the one append-only file in it.
fn log_of_directory(directory: &Path) -> Result<Found> {
    let contents = Contents::of(directory)?;
    let mut found = manifests_among(&contents.files);
    let mut unreadable = None;
    if found.is_empty() {
        for below in contents.directories.iter().filter(|below| !is_lost_and_found(below)) {
            match Contents::of(below) {
                Ok(contents) => found.extend(manifests_among(&contents.files)),
                // It matters only if the log is nowhere else.
                Err(error) => unreadable = unreadable.or(Some(error)),
            }
        }
    }
    match (found.as_slice(), unreadable) {
        ([manifest], _) => return Ok(Found::Manifest(manifest.clone())),
        ([], None) => {}
        ([], Some(error)) => return Err(error),
        _ => return Err(Error::new(directory, ErrorKind::ManyManifests(found))),
    }
    let logs: Vec<PathBuf> = contents.files.into_iter().filter(|file| is_loose_log(file)).collect();
    let mut append_only = logs.iter().filter(|file| !has_snapshot_name(file));
    match (append_only.next(), append_only.next()) {
        (Some(file), None) => Ok(Found::File(file.clone())),
        _ if logs.is_empty() => Err(Error::new(directory, ErrorKind::NoManifest)),
        _ => Err(Error::new(directory, ErrorKind::LogsWithoutManifest(logs))),
    }
}

/// Whether a file is named as a server names its snapshot, which it does not load when it has an append-only file.
fn has_snapshot_name(path: &Path) -> bool {
    path.extension() == Some(OsStr::new("rdb"))
}

/// Whether this is the directory that a file system has for `fsck`, which only root may read: no server keeps a log
/// there.
fn is_lost_and_found(path: &Path) -> bool {
    path.file_name() == Some(OsStr::new("lost+found"))
}

/// The manifests among the files of a directory.
///
/// `*.manifest` goes before other names, so that a copy that somebody kept beside does not count; and if no file reads
/// as a manifest, `*.manifest` is one that is empty, damaged, or not readable.
fn manifests_among(files: &[PathBuf]) -> Vec<PathBuf> {
    let (named, others): (Vec<&PathBuf>, Vec<&PathBuf>) =
        files.iter().filter(|file| !is_unfinished(file)).partition(|file| has_manifest_name(file));
    let with = |files: &[&PathBuf], content| -> Vec<PathBuf> {
        // A file that may not be read is found here, and reported when it is opened.
        let is_wanted = |file: &&&PathBuf| Content::of_file(file).unwrap_or(Content::Unknown) == content;
        files.iter().filter(is_wanted).map(|&file| file.clone()).collect()
    };
    [(&named, Content::Manifest), (&others, Content::Manifest), (&named, Content::Unknown)]
        .into_iter()
        .map(|(files, content)| with(files, content))
        .find(|found| !found.is_empty())
        .unwrap_or_default()
}

/// Whether a file that no manifest names is a log by itself.
fn is_loose_log(file: &Path) -> bool {
    let by_name = matches!(file.extension().and_then(OsStr::to_str), Some("aof" | "rdb"));
    !is_unfinished(file) && (by_name || Content::of_file(file).is_ok_and(|content| content == Content::Log))
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
    let mut tree = Tree::default();
    let mut waiting = vec![(Contents::of(directory)?, 0)];
    while let Some((contents, depth)) = waiting.pop() {
        tree.logs.extend(logs_among(&contents.files));
        if depth == DEPTH_LIMIT {
            continue;
        }
        for below in contents.directories.iter().filter(|path| !path.is_symlink() && !is_lost_and_found(path)) {
            match Contents::of(below) {
                Ok(contents) => waiting.push((contents, depth + 1)),
                Err(error) => tree.unreadable.push(error),
            }
        }
    }
    tree.logs.sort_unstable();
    tree.unreadable.sort_by(|one, other| one.file().cmp(other.file()));
    Ok(tree)
}

fn logs_among(files: &[PathBuf]) -> Vec<PathBuf> {
    let manifests = manifests_among(files);
    let mut listed = std::collections::HashSet::new();
    for manifest in &manifests {
        // A manifest that cannot be read is reported when it is opened as a log.
        if let Ok(input) = Input::open_as_is(manifest) {
            listed.extend(manifest::parse(input.bytes()).entries.into_iter().map(|entry| entry.name));
        }
    }
    let is_log = |file: &&PathBuf| {
        let name = file.file_name().unwrap_or_default().as_bytes();
        !listed.contains(name) && (manifests.contains(file) || is_loose_log(file))
    };
    files.iter().filter(is_log).cloned().collect()
}

#[cfg(test)]
mod tests;
