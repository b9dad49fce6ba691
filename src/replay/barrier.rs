//! Where the threads of a replay meet: a command whose keys are in several shards is applied by one thread while the
//! others wait.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// How often a waiting thread looks again before it lets others run.
const SPINS: u32 = 2_000;

/// Meetings are not given up before this many of them had to let others run.
const SLOW_RENDEZVOUS: usize = 200;

/// Nor before this much time was spent on that, by all threads together.
const SLOW: Duration = Duration::from_millis(50);

/// A meeting point for `count` threads, which all come to it equally often.
#[derive(Debug)]
pub(super) struct Barrier {
    count: usize,
    /// How many have come, over all meetings.
    arrived: AtomicUsize,
    /// How many meetings are over.
    passed: AtomicUsize,
    /// Set when a thread ends out of turn: nobody waits for it.
    broken: AtomicBool,
    /// Set when meetings take most of the time: one thread alone would be quicker.
    given_up: AtomicBool,
    started: Instant,
    /// How often a thread had to let others run, and for how long in all, in nanoseconds.
    slow: AtomicUsize,
    waited: AtomicU64,
}

impl Barrier {
    pub(super) fn new(count: usize) -> Self {
        Self {
            count,
            arrived: AtomicUsize::new(0),
            passed: AtomicUsize::new(0),
            broken: AtomicBool::new(false),
            given_up: AtomicBool::new(false),
            started: Instant::now(),
            slow: AtomicUsize::new(0),
            waited: AtomicU64::new(0),
        }
    }

    /// Whether the meetings took most of the time, and are no longer held: what was applied is not to be used.
    ///
    /// Where other programs keep the processors busy, every meeting waits for its threads to get their turns: 20,000 of
    /// them took 4 s on two busy processors, and one thread alone 0.05 s.
    pub(super) fn is_given_up(&self) -> bool {
        self.given_up.load(Ordering::Relaxed)
    }

    /// Comes to the meeting with this number, from 0. One of the threads, the leader, gets to run `lead` once all are
    /// there; all go on when it is done.
    pub(super) fn wait_at(&self, rendezvous: usize, leads: bool, lead: impl FnOnce()) {
        self.arrived.fetch_add(1, Ordering::AcqRel);
        if leads {
            self.wait(|| self.arrived.load(Ordering::Acquire) >= (rendezvous + 1) * self.count);
            if !self.is_given_up() {
                lead();
            }
            self.passed.fetch_add(1, Ordering::AcqRel);
        } else {
            self.wait(|| self.passed.load(Ordering::Acquire) > rendezvous);
        }
    }

    fn wait(&self, done: impl Fn() -> bool) {
        let mut spins = 0;
        let mut since = None;
        while !done() && !self.broken.load(Ordering::Relaxed) && !self.is_given_up() {
            if spins < SPINS {
                spins += 1;
                std::hint::spin_loop();
            } else {
                since.get_or_insert_with(Instant::now);
                std::thread::yield_now();
            }
        }
        if let Some(since) = since {
            self.count_slow(since.elapsed());
        }
    }

    #[cold]
    fn count_slow(&self, wait: Duration) {
        let wait = u64::try_from(wait.as_nanos()).unwrap_or(u64::MAX);
        let waited = Duration::from_nanos(self.waited.fetch_add(wait, Ordering::Relaxed).saturating_add(wait));
        let rendezvous = self.slow.fetch_add(1, Ordering::Relaxed) + 1;
        // A thread that has all the work keeps the others waiting as well; then it loses nothing by being alone.
        if rendezvous >= SLOW_RENDEZVOUS && waited >= SLOW && waited >= self.started.elapsed().mul_f64(0.8) {
            self.give_up();
        }
    }

    /// Holds no more meetings.
    pub(super) fn give_up(&self) {
        self.given_up.store(true, Ordering::Relaxed);
    }

    /// Breaks the barrier if the thread that holds this ends by a panic, so that no other waits for ever.
    pub(super) fn guard(&self) -> impl Drop + '_ {
        Guard(self)
    }
}

struct Guard<'g>(&'g Barrier);

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.broken.store(true, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A barrier at which threads have waited so often, so long each time.
    fn waited(rendezvous: usize, wait: Duration) -> Barrier {
        let barrier = Barrier::new(2);
        (0..rendezvous).for_each(|_| barrier.count_slow(wait));
        barrier
    }

    #[test]
    fn meetings_are_given_up_when_they_take_most_of_the_time() {
        assert!(waited(SLOW_RENDEZVOUS, Duration::from_mins(1)).is_given_up());
        assert!(!waited(SLOW_RENDEZVOUS - 1, Duration::from_mins(1)).is_given_up(), "there are few of them");
        assert!(!waited(SLOW_RENDEZVOUS, Duration::from_nanos(1)).is_given_up(), "they take no time");
    }
}
