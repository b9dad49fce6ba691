//! Text that several threads make, written in order.

use std::io::{self, Write};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Where numbered pieces go, each when all before it are written.
pub(super) struct Ordered<W> {
    state: Mutex<State<W>>,
    turn: Condvar,
}

struct State<W> {
    out: W,
    /// The number of the piece whose turn it is.
    next: u64,
    bytes: u64,
    error: Option<io::Error>,
}

/// Whether more of a piece follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rest {
    Follows,
    None,
}

impl<W: Write> Ordered<W> {
    pub(super) fn new(out: W) -> Self {
        Self { state: Mutex::new(State { out, next: 0, bytes: 0, error: None }), turn: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State<W>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes bytes of the piece with this number, when its turn has come. After an error nothing more is written.
    pub(super) fn write(&self, number: u64, bytes: &[u8], rest: Rest) {
        let state = self.lock();
        let mut state =
            self.turn.wait_while(state, |state| state.next != number).unwrap_or_else(PoisonError::into_inner);
        if state.error.is_none() {
            match state.out.write_all(bytes) {
                Ok(()) => state.bytes += bytes.len() as u64,
                Err(error) => state.error = Some(error),
            }
        }
        if rest == Rest::None {
            state.next += 1;
            drop(state);
            self.turn.notify_all();
        }
    }

    /// Whether an error ended the writing.
    pub(super) fn has_failed(&self) -> bool {
        self.lock().error.is_some()
    }

    /// How many bytes were written.
    ///
    /// # Errors
    /// The first that `out` returned.
    pub(super) fn finish(self) -> io::Result<u64> {
        let state = self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        state.error.map_or(Ok(state.bytes), Err)
    }
}
