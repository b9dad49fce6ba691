//! The removed bytes, kept beside the file: `NAME.removed-OFFSET`, then `NAME.removed-OFFSET.2` and so on.
//!
//! The name says where the bytes were, and their length how long the file was, which is all that putting them back takes.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::aof::log::{REMOVED, directory_of};
use crate::{Error, Result};

/// What is read at a time.
pub(super) const CHUNK: usize = 256 << 10;

/// Names tried for one offset, before a repair gives up.
pub(super) const NAMES_LIMIT: u32 = 10_000;

/// A file that holds removed bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Copy {
    /// The offset at which the bytes were.
    pub cut_at: u64,
    /// Of several copies for one offset, which: from 1, the last is the newest.
    pub number: u32,
    /// The file.
    pub path: PathBuf,
    /// How many bytes there are.
    pub length: u64,
}

/// Whether a copy can be put back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    /// The file ends where it was cut.
    Whole,
    /// The file goes on with the first of the copy's bytes, so many of them: they were being put back, or nothing differs.
    Begun(u64),
    /// The file goes on with other bytes: it was written to since.
    Grown,
    /// The file is shorter than the cut.
    Short,
}

/// The name under which the bytes behind an offset of a file are kept, if it is free.
pub fn copy_name(file: &Path, cut_at: u64) -> PathBuf {
    name_of(file, cut_at, 1)
}

/// The name of a copy.
pub(super) fn name_of(file: &Path, cut_at: u64, number: u32) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(format!("{REMOVED}{cut_at}"));
    if number > 1 {
        name.push(format!(".{number}"));
    }
    name.into()
}

/// The copies beside a file, by offset and number.
///
/// # Errors
/// [`crate::ErrorKind::Io`] if the directory cannot be read.
pub fn copies_of(file: &Path) -> Result<Vec<Copy>> {
    let directory = directory_of(file);
    let read_error = |source| Error::io(directory, "read the directory", source);
    let mut copies = Vec::new();
    for entry in fs::read_dir(directory).map_err(read_error)? {
        let entry = entry.map_err(read_error)?;
        let Some((cut_at, number)) = file.file_name().and_then(|name| parse_name(name, &entry.file_name())) else {
            continue;
        };
        if let Ok(metadata) = entry.metadata()
            && metadata.is_file()
        {
            copies.push(Copy { cut_at, number, path: name_of(file, cut_at, number), length: metadata.len() });
        }
    }
    copies.sort_unstable();
    Ok(copies)
}

/// The offset and the number in the name of a copy of `file`.
fn parse_name(file: &OsStr, name: &OsStr) -> Option<(u64, u32)> {
    let rest = name.as_encoded_bytes().strip_prefix(file.as_encoded_bytes())?.strip_prefix(REMOVED.as_bytes())?;
    let rest = std::str::from_utf8(rest).ok()?;
    let (offset, number) = rest.split_once('.').unwrap_or((rest, "1"));
    let parsed = (offset.parse().ok()?, number.parse().ok()?);
    // `+1`, `01` and `.1` parse too, but are no names that a repair gives.
    let mut given = OsString::from(file);
    given.push(name_of(Path::new(""), parsed.0, parsed.1));
    (given == name).then_some(parsed)
}

impl Copy {
    /// Whether the copy can be put back at the end of `file`.
    ///
    /// # Errors
    /// What reading either of them gives.
    pub fn fit(&self, file: &File) -> io::Result<Fit> {
        let length = file.metadata()?.len();
        let Some(behind) = length.checked_sub(self.cut_at) else { return Ok(Fit::Short) };
        if behind == 0 {
            return Ok(Fit::Whole);
        }
        let same = behind <= self.length && are_same((file, self.cut_at), (&File::open(&self.path)?, 0), behind)?;
        Ok(if same { Fit::Begun(behind) } else { Fit::Grown })
    }
}

/// Whether so many bytes from an offset of one file on are those from an offset of another on.
pub(super) fn are_same(one: (&File, u64), other: (&File, u64), length: u64) -> io::Result<bool> {
    let (mut left, mut right) = (vec![0; CHUNK], vec![0; CHUNK]);
    let mut done = 0;
    while done < length {
        let count = usize::try_from(length - done).unwrap_or(CHUNK).min(CHUNK);
        let (Some(left), Some(right)) = (left.get_mut(..count), right.get_mut(..count)) else { return Ok(false) };
        one.0.read_exact_at(left, one.1 + done)?;
        other.0.read_exact_at(right, other.1 + done)?;
        if left != right {
            return Ok(false);
        }
        done += count as u64;
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back_to_the_offset() {
        let file = OsStr::new("a.aof");
        assert_eq!(name_of(Path::new("d/a.aof"), 12, 1), Path::new("d/a.aof.removed-12"));
        assert_eq!(parse_name(file, OsStr::new("a.aof.removed-12")), Some((12, 1)));
        assert_eq!(parse_name(file, OsStr::new("a.aof.removed-0.3")), Some((0, 3)));
        for other in
            ["a.aof", "a.aof.removed-", "a.aof.removed-+1", "a.aof.removed-01", "a.aof.removed-1.1", "b.removed-1"]
        {
            assert_eq!(parse_name(file, OsStr::new(other)), None, "{other}");
        }
    }
}
