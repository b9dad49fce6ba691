//! The drafts that have names, to be removed when the program is stopped.
//!
//! If the file system supports unnamed files, a draft has a name only for a moment, otherwise all the time. It must be
//! removed when a signal stops the program.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The names of this process's drafts, and of the directories of copies that it is making.
static NAMES: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// Held while a log is being replaced; whether one was replaced.
static CHANGING: Mutex<bool> = Mutex::new(false);

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A draft's name, which is unregistered when this is dropped.
#[derive(Debug)]
pub(super) struct Registered(PathBuf);

impl Registered {
    pub(super) fn new(path: PathBuf) -> Self {
        lock(&NAMES).push(path.clone());
        Self(path)
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        let mut names = lock(&NAMES);
        if let Some(index) = names.iter().position(|name| *name == self.0) {
            names.swap_remove(index);
        }
    }
}

/// A change that a signal must not interrupt, because it is short and must not be done by half.
#[derive(Debug)]
pub(crate) struct Change(MutexGuard<'static, bool>);

impl Change {
    /// Waits until no other change is in progress.
    pub(crate) fn begin() -> Self {
        Self(lock(&CHANGING))
    }

    /// Records that the log was replaced.
    pub(crate) fn done(&mut self) {
        *self.0 = true;
    }
}

/// How to react to a signal that asks the process to stop.
#[derive(Debug)]
pub enum Interruption {
    /// Stop: the drafts are removed, and none is made as long as this is held.
    Stop(Stopped),
    /// Continue: the log was replaced already, only the report is missing, and the process will end.
    Finish,
}

/// Keeps other threads from making drafts and from changing logs.
#[derive(Debug)]
pub struct Stopped {
    _names: MutexGuard<'static, Vec<PathBuf>>,
    _changing: MutexGuard<'static, bool>,
}

/// Waits for a change that is in progress, then removes this process's drafts unless the log was replaced.
///
/// Call it in a thread that waits for `SIGINT` and `SIGTERM`, not in a signal handler.
#[expect(clippy::disallowed_methods, reason = "the drafts of this process, which nobody else looks for")]
pub fn interrupt() -> Interruption {
    let changing = lock(&CHANGING);
    if *changing {
        return Interruption::Finish;
    }
    let mut names = lock(&NAMES);
    for path in names.drain(..) {
        // The process stops anyway; the next run removes the rest.
        let _ = if path.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) };
    }
    Interruption::Stop(Stopped { _names: names, _changing: changing })
}

/// Removes this process's drafts when it is out of memory and about to end.
///
/// It does not wait for locks, which the calling thread may hold, and leaves the drafts to the next run if a change is
/// in progress. Removing files allocates nothing; directories come last, because removing them does.
#[expect(clippy::disallowed_methods, reason = "the drafts of this process, which nobody else looks for")]
pub fn abandon() {
    let (Ok(_changing), Ok(names)) = (CHANGING.try_lock(), NAMES.try_lock()) else { return };
    let removed = |path: &&PathBuf| std::fs::remove_file(path).is_ok();
    for path in names.iter().filter(|path| !removed(path)) {
        let _ = std::fs::remove_dir_all(path);
    }
}
