//! The log that a PATH means, and what goes through it.

use std::iter;
use std::num::NonZeroUsize;
use std::path::Path;

use crate::aof::log::{Log, Part, discover};
use crate::input::{Access, Input, is_stdin};
use crate::rdb;

/// Opens the log: of a file, a manifest, a directory, or standard input.
pub(super) fn open(path: &Path) -> crate::Result<Log> {
    if is_stdin(path) { Log::from_stdin(mapped()) } else { Log::open_by(mapped(), path) }
}

/// Every log that the path means, opened when its turn comes.
pub(super) fn logs(path: &Path) -> Box<dyn Iterator<Item = crate::Result<Log>>> {
    if is_stdin(path) {
        Box::new(iter::once_with(|| Log::from_stdin(mapped())))
    } else {
        Box::new(discover(mapped(), path))
    }
}

/// Logs are mapped: they may be larger than memory, and a temporary copy may be more than the disk has room for.
#[expect(unsafe_code, reason = "the one place where the program vouches for the files that it is given")]
pub(super) fn mapped() -> Access {
    // SAFETY: Servers append to logs and change no byte that they have written; the program itself changes a log only
    // through new files and by cutting it off, and does not look at what it cut off. Where somebody else overwrites
    // a log while it is read, every reader checks each offset that it takes from the bytes against their length, so
    // that no read leaves the map; where it is cut, `sigbus` ends the process and says why.
    unsafe { Access::mapped() }
}

/// Opens the log and all of its parts, which a server that rewrites it then cannot take away.
pub(super) fn open_held(path: &Path) -> crate::Result<Log> {
    open(path)?.held()
}

/// The bytes of all parts, as far as the file system knows them, compressed ones as they are.
pub(super) fn length(log: &Log) -> u64 {
    log.parts.iter().filter_map(|part| part.path.metadata().ok()).map(|metadata| metadata.len()).sum()
}

/// Opens every part of the log.
pub(super) fn inputs(log: &Log) -> crate::Result<Vec<Input>> {
    log.parts.iter().map(Part::open).collect()
}

/// One thread for each core.
pub(super) fn cores() -> NonZeroUsize {
    std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

/// Where the RDB that begins a file ends, as far as it can be read.
pub(super) fn rdb_end(bytes: &[u8]) -> u64 {
    let mut walker = rdb::Walker::new(bytes, 0);
    while let Some(Ok(_)) = walker.next() {}
    walker.position()
}

/// Reads the number of an option that needs at least one.
pub(super) fn positive(text: &str) -> Result<NonZeroUsize, &'static str> {
    text.parse().map_err(|_| "not a number of 1 or more")
}
