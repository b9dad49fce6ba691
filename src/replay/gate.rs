//! Where the threads of a replay meet: a command whose keys are in several shares is applied by one thread while the others wait.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// How often a waiting thread looks again before it lets others run.
const SPINS: u32 = 2_000;

/// A meeting point for `count` threads, which all come to it equally often.
#[derive(Debug)]
pub(super) struct Gate {
    count: usize,
    /// How many have come, over all meetings.
    arrived: AtomicUsize,
    /// How many meetings are over.
    passed: AtomicUsize,
    /// Set when a thread ends out of turn: nobody waits for it.
    broken: AtomicBool,
}

impl Gate {
    pub(super) const fn new(count: usize) -> Self {
        Self { count, arrived: AtomicUsize::new(0), passed: AtomicUsize::new(0), broken: AtomicBool::new(false) }
    }

    /// Comes to the meeting with this number, from 0. One of the threads, the leader, gets to run `lead` once all are there;
    /// all go on when it is done.
    pub(super) fn meet(&self, meeting: usize, leads: bool, lead: impl FnOnce()) {
        self.arrived.fetch_add(1, Ordering::AcqRel);
        if leads {
            self.wait(|| self.arrived.load(Ordering::Acquire) >= (meeting + 1) * self.count);
            lead();
            self.passed.fetch_add(1, Ordering::AcqRel);
        } else {
            self.wait(|| self.passed.load(Ordering::Acquire) > meeting);
        }
    }

    fn wait(&self, done: impl Fn() -> bool) {
        let mut spins = 0;
        while !done() && !self.broken.load(Ordering::Relaxed) {
            if spins < SPINS {
                spins += 1;
                std::hint::spin_loop();
            } else {
                std::thread::yield_now();
            }
        }
    }

    /// Breaks the gate if the thread that holds this ends by a panic, so that no other waits for ever.
    pub(super) fn guard(&self) -> impl Drop + '_ {
        Guard(self)
    }
}

struct Guard<'g>(&'g Gate);

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.broken.store(true, Ordering::Relaxed);
        }
    }
}
