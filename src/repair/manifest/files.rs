//! The files of a directory, as far as they may belong to a log.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::{BACKUP, Certain, Doubt, Judged};
use crate::aof::log::files_in;
use crate::aof::manifest::{self, Kind};
use crate::aof::part_name::{MANIFEST, PartName, old_style_file_of};
use crate::check::OLD_FILE_OR_PARTS;
use crate::input::{FileIdentity, Input};
use crate::rdb::{Item, Walker};
use crate::repair::plan::Before;
use crate::storage::{is_ours, unfixed_name};
use crate::{Error, Result};

/// How the name of an unfinished file begins.
const UNFINISHED: &[u8] = b"temp-";

/// A file that may be a part of the log.
pub(super) struct Found {
    pub(super) name: Vec<u8>,
    pub(super) path: PathBuf,
    pub(super) kind: Kind,
    pub(super) sequence: i64,
    pub(super) length: u64,
    /// When it was last written, in seconds of Unix time.
    pub(super) modified: i64,
    pub(super) identity: FileIdentity,
}

impl Found {
    pub(super) fn judged(&self, kind: Option<Kind>, reason: String) -> Judged {
        Judged { name: OsStr::from_bytes(&self.name).to_owned(), kind, reason }
    }
}

/// What lies in the directory.
pub(super) struct Directory {
    pub(super) path: PathBuf,
    /// `appendfilename` of the server.
    prefix: Vec<u8>,
    pub(super) manifest: Option<Before>,
    /// By sequence number.
    parts: Vec<Found>,
    names: Vec<Vec<u8>>,
    pub(super) unfinished: Vec<OsString>,
}

impl Directory {
    pub(super) fn read(path: &Path) -> Result<Certain<Self>> {
        let files = files_in(path)?;
        let name_of = |file: &PathBuf| file.file_name().unwrap_or_default().as_bytes().to_vec();
        let names: Vec<Vec<u8>> = files.iter().map(name_of).collect();
        let (unfinished, finished): (Vec<_>, Vec<_>) = names.iter().partition(|name| name.starts_with(UNFINISHED));
        let prefix = match prefix_of(path, &finished) {
            Ok(prefix) => prefix,
            Err(doubt) => return Ok(Err(doubt)),
        };
        let mut found = Self {
            path: path.to_owned(),
            prefix,
            manifest: None,
            parts: Vec::new(),
            unfinished: unfinished.into_iter().map(|name| OsStr::from_bytes(name).to_owned()).collect(),
            names: Vec::new(),
        };
        let manifest_path = found.manifest_path();
        if names.iter().any(|name| manifest_path.file_name().is_some_and(|file| file.as_bytes() == name)) {
            let input = Input::open_as_is(&manifest_path)?;
            found.manifest = Some(Before { identity: *input.file_identity(), text: input.bytes().to_vec() });
        }
        if let Some(old) = found.old_style().filter(|_| found.manifest.is_none()) {
            let reason = "a server that starts takes this old-style file, which lies beside the directory, for the \
                          whole log"
                .to_owned();
            return Ok(Err(Doubt { file: old, reason, advice: OLD_FILE_OR_PARTS.to_owned() }));
        }
        let entries = found.manifest.as_ref().map(|before| manifest::parse(&before.text).entries).unwrap_or_default();
        for (file, name) in files.iter().zip(&names) {
            let named = entries.iter().find(|entry| entry.name == *name).map(|entry| (entry.kind, entry.sequence));
            let Some((kind, sequence)) = found.part_of(name).or(named) else { continue };
            let metadata = fs::metadata(file).map_err(|source| Error::io(file, "get the length", source))?;
            let (length, modified, identity) = (metadata.len(), metadata.mtime(), FileIdentity::of(&metadata));
            let (name, path) = (name.clone(), file.clone());
            found.parts.push(Found { name, path, kind, sequence, length, modified, identity });
        }
        let is_named = |name: &[u8]| entries.iter().any(|entry| entry.name == name);
        let (replaced, parts): (Vec<Found>, Vec<Found>) =
            found.parts.into_iter().partition(|part| is_half_done(part, &names, is_named));
        found.unfinished.extend(replaced.into_iter().map(|part| OsString::from_vec(part.name)));
        found.parts = parts;
        found.parts.sort_by_key(|part| part.sequence);
        found.names = names;
        Ok(Ok(found))
    }

    pub(super) fn parts(&self) -> impl Iterator<Item = &Found> {
        self.parts.iter()
    }

    pub(super) fn of_kind(&self, kind: Kind) -> impl Iterator<Item = &Found> {
        self.parts.iter().filter(move |part| part.kind == kind)
    }

    pub(super) fn has(&self, name: &[u8]) -> bool {
        self.names.iter().any(|known| known == name)
    }

    pub(super) fn path_of(&self, name: &[u8]) -> PathBuf {
        self.path.join(OsStr::from_bytes(name))
    }

    pub(super) fn manifest_path(&self) -> PathBuf {
        self.path_of(&[self.prefix.as_slice(), MANIFEST].concat())
    }

    /// What the name of a part of this log says.
    pub(super) fn part_of(&self, name: &[u8]) -> Option<(Kind, i64)> {
        let PartName { prefix, kind, sequence } = PartName::parse(name)?;
        (prefix == self.prefix).then_some((kind, sequence))
    }

    /// The file in which Redis 6.2 kept this log, beside the directory.
    pub(super) fn old_style(&self) -> Option<PathBuf> {
        old_style_file_of(&self.manifest_path())
    }
}

/// Whether an interrupted fix left the file: it lies beside the one from which, or for which, it was made. The one that
/// the manifest names counts, or else the older one.
fn is_half_done(part: &Found, names: &[Vec<u8>], is_named: impl Fn(&[u8]) -> bool) -> bool {
    let original = unfixed_name(&part.name);
    let comes_first = |name: &Vec<u8>| {
        let key = |name: &[u8]| (!is_named(name), name.len(), name.to_vec());
        unfixed_name(name) == original && key(name) < key(&part.name)
    };
    !is_named(&part.name) && names.iter().any(comes_first)
}

/// The directory in which files have the names of parts of a log, if there is no manifest.
pub(super) fn parts_without_manifest(path: &Path) -> Option<PathBuf> {
    let directories = || fs::read_dir(path).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
    let mut below: Vec<PathBuf> = directories().filter(|file| file.is_dir() && !is_ours(&name_of(file))).collect();
    below.sort_unstable();
    [path.to_owned()].into_iter().chain(below).find(|directory| {
        let files = files_in(directory).unwrap_or_default();
        files.iter().any(|file| PartName::of_file(file).is_some())
            && !files.iter().any(|file| name_of(file).as_bytes().ends_with(MANIFEST))
    })
}

fn name_of(file: &Path) -> OsString {
    file.file_name().unwrap_or_default().to_owned()
}

/// The one prefix of the manifest, or without one that of the parts.
fn prefix_of(path: &Path, names: &[&Vec<u8>]) -> Certain<Vec<u8>> {
    let mut prefixes: Vec<Vec<u8>> =
        names.iter().filter_map(|name| name.strip_suffix(MANIFEST)).map(<[u8]>::to_vec).collect();
    if prefixes.is_empty() {
        let prefix = |name: &&Vec<u8>| PartName::parse(name).map(|name| name.prefix);
        prefixes = names.iter().filter_map(prefix).collect();
    }
    prefixes.sort_unstable();
    prefixes.dedup();
    let reason = match prefixes.as_slice() {
        [one] => return Ok(one.clone()),
        [] => "no file in this directory has the name of a manifest or of a part of a log",
        _ => "the files in this directory belong to more than one log, as their names say",
    };
    Err(Doubt { file: path.to_owned(), reason: reason.to_owned(), advice: BACKUP.to_owned() })
}

/// When the server began to write an RDB (`ctime`), in seconds of Unix time: what was written to an incr before that
/// second is in it.
pub(in crate::repair) fn begun(rdb: &[u8]) -> Option<i64> {
    let head = Walker::new(rdb, 0).map_while(std::result::Result::ok);
    let mut aux = head.take_while(|item| matches!(item, Item::Header(_) | Item::Aux { .. }));
    aux.find_map(|item| match item {
        Item::Aux { key, value } if *key == *b"ctime" => std::str::from_utf8(&value).ok()?.parse().ok(),
        _ => None,
    })
}
