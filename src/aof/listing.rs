//! The log that a file belongs to when it is given by itself.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use super::manifest::{self, Kind};
use crate::input::Input;
use crate::{Error, Result};

/// A manifest that names a file which was given by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// The manifest's path.
    pub manifest: PathBuf,
    /// The file's place in the log.
    pub place: Place,
}

/// The place of a part in its log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// The last part: what a server appends to.
    Last,
    /// Another part comes after it; its name is given.
    Before(PathBuf),
    /// A rewrite replaced it, and no server loads it.
    History,
}

/// The place of a file in the log of a manifest in the same directory, if one names it.
///
/// # Errors
/// [`crate::ErrorKind::Io`] if there is no such file.
pub fn listing(path: &Path) -> Result<Option<Listing>> {
    let path = fs::canonicalize(path).map_err(|source| Error::io(path, "resolve the path", source))?;
    let (Some(directory), Some(name)) = (path.parent(), path.file_name()) else { return Ok(None) };
    // A directory that may be entered but not listed hides its manifest; the file can still be read.
    let Ok(entries) = fs::read_dir(directory) else { return Ok(None) };
    let mut manifests: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|file| file.extension() == Some(OsStr::new("manifest")) && file.is_file())
        .collect();
    manifests.sort_unstable();
    Ok(manifests.into_iter().find_map(|manifest| {
        let place = place(&manifest, name)?;
        Some(Listing { manifest, place })
    }))
}

fn place(manifest: &Path, name: &OsStr) -> Option<Place> {
    let input = Input::open_as_is(manifest).ok()?;
    let manifest = manifest::parse(input.bytes());
    let is_it = |entry: &&manifest::Entry| entry.name == name.as_encoded_bytes();
    let kind = manifest.entries.iter().find(is_it)?.kind;
    if kind == Kind::History {
        return Some(Place::History);
    }
    let last = manifest.of_kind(Kind::Base).chain(manifest.of_kind(Kind::Incr)).last()?;
    Some(if is_it(&last) {
        Place::Last
    } else {
        Place::Before(String::from_utf8_lossy(&last.name).into_owned().into())
    })
}
