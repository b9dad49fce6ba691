//! The names that servers give to the files of a log.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::manifest::{Kind, Manifest};
use crate::storage::{directory_of, unfixed_name};

/// How the name of a manifest ends.
pub(crate) const MANIFEST: &[u8] = b".manifest";

/// What the name of a part says: `PREFIX.SEQUENCE.base.rdb`, `PREFIX.SEQUENCE.base.aof` or `PREFIX.SEQUENCE.incr.aof`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PartName {
    /// `appendfilename` of the server.
    pub(crate) prefix: Vec<u8>,
    pub(crate) kind: Kind,
    pub(crate) sequence: i64,
}

impl PartName {
    /// Reads the name of a file; `None` if no server gives a part such a name.
    pub(crate) fn parse(name: &[u8]) -> Option<Self> {
        let name = unfixed_name(name);
        let of_kind = |end: &[u8], kind| name.strip_suffix(end).map(|rest| (rest, kind));
        let (rest, kind) = of_kind(b".base.rdb", Kind::Base)
            .or_else(|| of_kind(b".base.aof", Kind::Base))
            .or_else(|| of_kind(b".incr.aof", Kind::Incr))?;
        let dot = memchr::memrchr(b'.', rest)?;
        let (prefix, digits) = (rest.get(..dot)?, std::str::from_utf8(rest.get(dot + 1..)?).ok()?);
        let sequence: i64 = digits.parse().ok()?;
        // `01` and `+1` parse too, but no server writes them.
        let is_of_server = sequence > 0 && sequence.to_string() == digits && !prefix.is_empty();
        is_of_server.then(|| Self { prefix: prefix.to_vec(), kind, sequence })
    }

    /// The manifest that names the file `part` of this name.
    pub(crate) fn manifest_beside(&self, part: &Path) -> PathBuf {
        directory_of(part).join(OsStr::from_bytes(&[&self.prefix, MANIFEST].concat()))
    }

    /// The same for the last component of a path.
    pub(crate) fn of_file(file: &Path) -> Option<Self> {
        Self::parse(file.file_name()?.as_bytes())
    }
}

/// The bases among the files of a directory that an incr of the same prefix follows: for each prefix the newest.
pub(crate) fn followed_bases(files: &[PathBuf]) -> Vec<(&PathBuf, PartName)> {
    let named: Vec<(&PathBuf, PartName)> =
        files.iter().filter_map(|file| Some((file, PartName::of_file(file)?))).collect();
    let is_followed = |base: &PartName| {
        let is_newer_base = |other: &PartName| other.kind == Kind::Base && other.sequence > base.sequence;
        let mut others = named.iter().map(|(_, other)| other).filter(|other| other.prefix == base.prefix);
        others.clone().any(|other| other.kind == Kind::Incr) && !others.any(is_newer_base)
    };
    let is_kept = |(_, name): &&(&PathBuf, PartName)| name.kind == Kind::Base && is_followed(name);
    named.iter().filter(is_kept).cloned().collect()
}

/// The sequence numbers of the incrs whose lines are missing at the end of a manifest, given the kind, sequence number
/// and length of each part that it does not name.
///
/// A server names an incr before it writes to it. Only where a rewrite for a server that had no log was interrupted
/// is that otherwise, and then there is a newer base too.
pub(crate) fn missing_lines<P: Iterator<Item = (Kind, i64, u64)>>(
    manifest: &Manifest,
    unnamed: impl Fn() -> P,
) -> Vec<i64> {
    let highest = |kind| manifest.of_kind(kind).map(|entry| entry.sequence).max().unwrap_or(0);
    let (base, incr) = (highest(Kind::Base), highest(Kind::Incr));
    if unnamed().any(|(kind, sequence, _)| kind == Kind::Base && sequence > base) {
        return Vec::new();
    }
    let is_lost = |(kind, sequence, length): &(Kind, i64, u64)| *kind == Kind::Incr && *sequence > incr && *length > 0;
    unnamed().filter(is_lost).map(|(_, sequence, _)| sequence).collect()
}

/// The file beside the directory of the parts in which Redis 6.2 and earlier kept the log that has this manifest now;
/// `None` if it is not there.
pub(crate) fn old_style_file_of(manifest: &Path) -> Option<PathBuf> {
    let prefix = OsStr::from_bytes(manifest.file_name()?.as_bytes().strip_suffix(MANIFEST)?);
    let directory = directory_of(manifest);
    let file = match (directory.file_name(), directory.parent()) {
        (Some(_), Some(parent)) => parent.join(prefix),
        // `.`, of which the name is not known yet.
        _ => directory.canonicalize().ok()?.parent()?.join(prefix),
    };
    file.is_file().then_some(file)
}
