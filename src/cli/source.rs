//! The log that a PATH means, and what goes through it.

use std::num::NonZeroUsize;
use std::path::Path;

use crate::aof::log::Log;
use crate::input::is_stdin;

/// Opens the log: of a file, a manifest, a directory, or standard input.
pub(super) fn open(path: &Path) -> crate::Result<Log> {
    if is_stdin(path) { Log::from_stdin() } else { Log::open(path) }
}

/// The bytes of all parts, as far as the file system knows them, compressed ones as they are.
pub(super) fn length(log: &Log) -> u64 {
    log.parts.iter().filter_map(|part| part.path.metadata().ok()).map(|metadata| metadata.len()).sum()
}

/// One thread for each core.
pub(super) fn cores() -> NonZeroUsize {
    std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}
