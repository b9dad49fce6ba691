//! PATH → the parts of a log.
//!
//! The file type is detected from its content; the name counts only where the content says nothing (an empty file).

mod discover;

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::aof::manifest::{self, Kind, Manifest};
use crate::aof::part_name::{PartName, missing_lines, old_style_file_of};
use crate::input::{Access, Container, Input};
use crate::storage::directory_of;
use crate::{Error, ErrorKind, Result};

pub(crate) use discover::files_in;
pub use discover::{Tree, discover, has_snapshot_name, walk_tree};
use discover::{log_of_directory, reads_as_manifest};

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
    /// For the base of a log that [`discover()`] found without its manifest: the manifest that is missing.
    pub missing_manifest: Option<PathBuf>,
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
    /// The files in the directory, if it was listed to find the manifest.
    siblings: Option<Arc<[PathBuf]>>,
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
    /// Whether an interrupted upgrade left the file outside the directory of its manifest: a server that starts moves
    /// it there.
    pub awaits_move: bool,
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
            awaits_move: false,
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
        let (path, sequence) = (directory.join(&name), Some(entry.sequence));
        Self { path, name, role, sequence, awaits_move: false, input: None, access }
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
            return Self::at(access, path, log_of_directory(path)?);
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

    /// The log that a manifest of this text would make of the files beside `manifest_path`.
    pub(crate) fn of_manifest(access: Access, path: &Path, manifest_path: &Path, text: Vec<u8>) -> Self {
        Self::multi_part(path, manifest_path.to_owned(), (Input::from_bytes(manifest_path, text), access))
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
        let parts = vec![Part::single(input)];
        Self { path, layout: Layout::Single, parts, history: Vec::new(), missing_manifest: None }
    }

    fn multi_part(path: &Path, manifest_path: PathBuf, (input, access): (Input, Access)) -> Self {
        let manifest = manifest::parse(input.bytes());
        let directory = directory_of(&manifest_path).to_owned();
        let parts_of = |kind| manifest.of_kind(kind).map(|entry| Part::of_entry(entry, &directory, access));
        let mut parts: Vec<Part> = parts_of(Kind::Base).chain(parts_of(Kind::Incr)).collect();
        if let ([base], Some(file)) = (parts.as_mut_slice(), file_to_move(&manifest, &manifest_path)) {
            (base.path, base.awaits_move) = (file, true);
        }
        let history = parts_of(Kind::History).collect();
        let layout = Layout::MultiPart(Box::new(MultiPart {
            manifest_path,
            directory,
            manifest,
            input,
            access,
            siblings: None,
        }));
        Self { path: path.to_owned(), layout, parts, history, missing_manifest: None }
    }

    /// The multi-part layout, if the log has one.
    pub fn as_multi_part(&self) -> Option<&MultiPart> {
        match &self.layout {
            Layout::Single => None,
            Layout::MultiPart(multi_part) => Some(multi_part),
        }
    }
}

/// The old-style file that a server moves into the directory of a manifest when it starts, to complete an interrupted
/// upgrade: the manifest names it as a base and no incr, and there is no such file in the directory
/// (`loadAppendOnlyFiles` in Redis 7.0 to 8.6, Valkey 8 and 9).
pub(crate) fn file_to_move(manifest: &Manifest, manifest_path: &Path) -> Option<PathBuf> {
    let (mut bases, mut incrs) = (manifest.of_kind(Kind::Base), manifest.of_kind(Kind::Incr));
    let (Some(base), None, None) = (bases.next(), bases.next(), incrs.next()) else { return None };
    let is_there = directory_of(manifest_path).join(OsStr::from_bytes(&base.name)).is_file();
    old_style_file_of(manifest_path).filter(|old| !is_there && old.file_name().map(OsStr::as_bytes) == Some(&base.name))
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
        let is_unlisted = |file: &&PathBuf| {
            let name = file.file_name().unwrap_or_default();
            name != manifest_name && !listed.contains(name.as_bytes())
        };
        let files = self
            .siblings
            .as_ref()
            .map_or_else(|| files_in(&self.directory).map(Into::into), |files| Ok(Arc::clone(files)))?;
        Ok(files.iter().filter(is_unlisted).cloned().collect())
    }

    /// The parts among `unlisted` whose lines the manifest has lost.
    pub(crate) fn lost_parts<'u>(&self, unlisted: &'u [PathBuf]) -> Vec<&'u PathBuf> {
        let prefix = self.manifest_path.file_stem().unwrap_or_default().as_bytes();
        let part = |file: &'u PathBuf| {
            let name = PartName::of_file(file).filter(|name| name.prefix == prefix)?;
            Some((file, (name.kind, name.sequence, fs::metadata(file).ok()?.len())))
        };
        let parts: Vec<_> = unlisted.iter().filter_map(part).collect();
        let lost = missing_lines(&self.manifest, || parts.iter().map(|(_, part)| *part));
        parts
            .iter()
            .filter(|(_, (kind, sequence, _))| lost.contains(&(*kind, *sequence)))
            .map(|(file, _)| *file)
            .collect()
    }
}

#[cfg(test)]
mod tests;
