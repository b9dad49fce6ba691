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

/// The parts whose lines a manifest has lost, given the kind, sequence number and length of each that it does not name.
///
/// - A server names a base before any incr, so that a manifest without a base has lost the line of one that is there.
/// - It names an incr before it writes to it, numbers them one by one, and lets the oldest go first. Only where a
///   rewrite for a server that had no log was interrupted is the last incr not named, and then there is a newer base.
pub(crate) fn missing_lines<P>(manifest: &Manifest, unnamed: impl Fn() -> P) -> Vec<(Kind, i64)>
where
    P: Iterator<Item = (Kind, i64, u64)>,
{
    let named = |kind| manifest.of_kind(kind).map(|entry| entry.sequence);
    let base = named(Kind::Base).max();
    let (first, last) = (named(Kind::Incr).min(), named(Kind::Incr).max());
    let is_newer_base =
        |(kind, sequence, _): (Kind, i64, u64)| kind == Kind::Base && base.is_some_and(|base| sequence > base);
    let has_newer_base = unnamed().any(is_newer_base);
    let is_missing = |(kind, sequence, length): &(Kind, i64, u64)| match kind {
        Kind::Base => base.is_none() && first.is_some(),
        Kind::Incr if *length == 0 || named(Kind::Incr).any(|other| other == *sequence) => false,
        Kind::Incr if last.is_none_or(|last| *sequence > last) => !has_newer_base,
        Kind::Incr => first.is_some_and(|first| *sequence > first),
        Kind::History => false,
    };
    unnamed().filter(is_missing).map(|(kind, sequence, _)| (kind, sequence)).collect()
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
