//! Syncing to disk in a thread of its own, so that a slow disk does not hold up who writes.

use std::fs::File;
use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use crate::error::copied;
use crate::storage::Operations;

/// What the thread has done since it was last asked.
#[derive(Debug, Default)]
pub(super) struct Done {
    /// How many bytes of the log are on disk, counted over all of its files.
    pub(super) synced_to: Option<u64>,
    /// Why some may not be.
    pub(super) error: Option<io::Error>,
}

#[derive(Debug, Default)]
struct State {
    waiting: usize,
    done: Done,
}

struct Job {
    file: Arc<File>,
    /// How many bytes are on disk when the sync succeeds.
    synced_to: u64,
}

/// A thread that syncs files, one after the other.
#[derive(Debug)]
pub(super) struct Syncer {
    jobs: Option<Sender<Job>>,
    state: Arc<Mutex<State>>,
    thread: Option<JoinHandle<()>>,
}

fn lock(state: &Mutex<State>) -> std::sync::MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Syncer {
    pub(super) fn start<O: Operations + Send + 'static>(mut operations: O) -> io::Result<Self> {
        let (jobs, received): (Sender<Job>, Receiver<Job>) = channel();
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        let work = move || {
            for job in received {
                let result = operations.sync_data(&job.file);
                let mut state = lock(&shared);
                state.waiting -= 1;
                match result {
                    // What was lost before stays lost, whatever a later sync says.
                    Ok(()) if state.done.error.is_none() => state.done.synced_to = Some(job.synced_to),
                    Ok(()) => {}
                    Err(error) => state.done.error = Some(error),
                }
            }
        };
        let thread = std::thread::Builder::new().name("aof-sync".to_owned()).spawn(work)?;
        Ok(Self { jobs: Some(jobs), state, thread: Some(thread) })
    }

    /// Has a file synced; after that `synced_to` bytes of the log are on disk.
    pub(super) fn sync(&self, file: &Arc<File>, synced_to: u64) {
        let Some(jobs) = &self.jobs else { return };
        lock(&self.state).waiting += 1;
        if jobs.send(Job { file: Arc::clone(file), synced_to }).is_err() {
            let mut state = lock(&self.state);
            state.waiting -= 1;
            state.done.error = Some(io::Error::other("the thread that syncs has ended"));
        }
    }

    /// How many syncs wait or run.
    pub(super) fn waiting(&self) -> usize {
        lock(&self.state).waiting
    }

    /// Waits until what was asked for is done.
    ///
    /// # Errors
    /// That of the first sync that failed.
    pub(super) fn finish(mut self) -> io::Result<()> {
        self.wait();
        self.done().error.map_or(Ok(()), Err)
    }

    fn wait(&mut self) {
        drop(self.jobs.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }

    /// What was done since this was last called; an error stays.
    pub(super) fn done(&self) -> Done {
        let mut state = lock(&self.state);
        Done { synced_to: state.done.synced_to.take(), error: state.done.error.as_ref().map(copied) }
    }
}

impl Drop for Syncer {
    fn drop(&mut self) {
        self.wait();
    }
}
