//! What a check finds out about one part.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::rdb::RdbSummary;
use super::scan::Scan;
use crate::aof::listing::{Place, listing};
use crate::aof::log::Role;
use crate::input::Container;

/// The format of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// No byte.
    Empty,
    /// RESP alone.
    Resp,
    /// An RDB alone.
    Rdb,
    /// An RDB preamble and RESP after it.
    RdbAndResp,
    /// The file is not there.
    Missing,
}

impl Format {
    /// The word for it, as in every report.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Resp => "RESP",
            Self::Rdb => "RDB",
            Self::RdbAndResp => "RDB+RESP",
            Self::Missing => "missing",
        }
    }
}

/// Whether another part follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PlaceInLog {
    /// A server appends to it, and cuts it if it must.
    Last,
    /// Nothing may be missing at its end.
    Earlier,
    /// The same, for a file that was given by itself.
    EarlierAlone,
    /// A rewrite replaced the file, which was given by itself.
    Replaced,
}

impl PlaceInLog {
    /// The place of a file that was given by itself.
    pub(super) fn alone(path: &Path) -> Self {
        // Servers name parts like this; the search for a manifest is too slow for every file of a large directory.
        let named_as_part = [".base.rdb", ".base.aof", ".incr.aof"].map(str::as_bytes);
        if !named_as_part.iter().any(|end| path.as_os_str().as_bytes().ends_with(end)) {
            return Self::Last;
        }
        match listing(path).ok().flatten().map(|listing| listing.place) {
            None | Some(Place::Last) => Self::Last,
            Some(Place::Before(_)) => Self::EarlierAlone,
            Some(Place::History) => Self::Replaced,
        }
    }
}

/// What was found out about one part.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct PartReport {
    /// The name in the manifest, or the path as it was given.
    pub name: OsString,
    /// Where the file is.
    pub path: PathBuf,
    /// Its role in the log.
    pub role: Role,
    /// Its sequence number in the manifest.
    pub sequence: Option<i64>,
    /// The compression of the file.
    pub container: Container,
    /// The format of its content.
    pub format: Format,
    /// Its size in bytes, decompressed.
    pub size: u64,
    /// Whether all of the file was read, as it is on disk: not if it is compressed and the stream is cut or corrupt,
    /// nor if the file shrank while it was read.
    pub was_read_whole: bool,
    /// The RDB that it begins with.
    pub rdb: Option<RdbSummary>,
    /// The records after the RDB, or all of them; `None` if an RDB is damaged, since it is unknown where they begin.
    pub scan: Option<Scan>,
}

impl PartReport {
    /// The end of the last whole record outside an open transaction, or of the RDB; 0 for a damaged RDB.
    pub fn valid_up_to(&self) -> u64 {
        self.scan.as_ref().map_or(0, Scan::valid_up_to)
    }

    /// Whether it is valid up to its end.
    pub fn is_valid_whole(&self) -> bool {
        self.format == Format::Missing || self.valid_up_to() == self.size
    }

    /// Whether it holds neither a record nor a key.
    pub fn is_empty(&self) -> bool {
        self.size == 0
            || (self.records() == 0 && self.rdb.as_ref().is_none_or(|rdb| rdb.keys == 0 && rdb.damage.is_none()))
    }

    /// How many commands and annotations were read.
    pub fn records(&self) -> u64 {
        self.scan.as_ref().map_or(0, |scan| scan.records)
    }
}
