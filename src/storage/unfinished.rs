//! The drafts that have a name right now, for a program that is told to stop.
//!
//! A draft has a name for a moment only where the file system has unnamed files, and all the time elsewhere. What a
//! signal interrupts must not leave it behind.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The names of this process's drafts, and of the directories of copies that it is making.
static NAMES: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// Held while a log is being exchanged; whether one was.
static CHANGING: Mutex<bool> = Mutex::new(false);

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A draft's name; forgotten when this is dropped.
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

/// A change that a signal does not interrupt: it is a matter of moments, and half of it is of no use.
#[derive(Debug)]
pub(crate) struct Change(MutexGuard<'static, bool>);

impl Change {
    /// Waits until no other change is under way.
    pub(crate) fn begin() -> Self {
        Self(lock(&CHANGING))
    }

    /// Says that the log is another one now.
    pub(crate) fn done(&mut self) {
        *self.0 = true;
    }
}

/// What is to be done about a signal that asks the process to stop.
#[derive(Debug)]
pub enum Interruption {
    /// Stop: the drafts are removed, and none is made as long as this is held.
    Stop(Stopped),
    /// The log was changed already: only its report is missing, and the process ends by itself.
    Finish,
}

/// Keeps other threads from making drafts and from changing logs.
#[derive(Debug)]
pub struct Stopped {
    _names: MutexGuard<'static, Vec<PathBuf>>,
    _changing: MutexGuard<'static, bool>,
}

/// Waits for a change that is under way, then removes this process's drafts unless the change was made.
///
/// For a thread that waits for `SIGINT` and `SIGTERM`; not for a signal handler.
#[expect(clippy::disallowed_methods, reason = "the drafts of this process, which nobody else looks for")]
pub fn interrupt() -> Interruption {
    let changing = lock(&CHANGING);
    if *changing {
        return Interruption::Finish;
    }
    let mut names = lock(&NAMES);
    for path in names.drain(..) {
        // The process stops anyway; what is left is removed by the next run.
        let _ = if path.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) };
    }
    Interruption::Stop(Stopped { _names: names, _changing: changing })
}

/// Removes this process's drafts, for a process that has no more memory and ends now.
///
/// It waits for nothing, since the thread that asks may hold what it would wait for, and leaves the drafts to the next
/// run where a change is under way. Removing files allocates nothing; directories come last, for their removal does.
#[expect(clippy::disallowed_methods, reason = "the drafts of this process, which nobody else looks for")]
pub fn abandon() {
    let (Ok(_changing), Ok(names)) = (CHANGING.try_lock(), NAMES.try_lock()) else { return };
    let removed = |path: &&PathBuf| std::fs::remove_file(path).is_ok();
    for path in names.iter().filter(|path| !removed(path)) {
        let _ = std::fs::remove_dir_all(path);
    }
}
