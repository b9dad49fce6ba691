//! When a log is rewritten by itself.

use std::time::Duration;

/// The number of failures after which the next rewrite waits.
const PATIENCE: u32 = 3;

/// The longest wait.
const LONGEST: Duration = Duration::from_hours(1);

/// When to rewrite: at which growth, and how long after failures (`serverCron` and `aofRewriteLimited` of Redis 7.0 to
/// 8.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Growth {
    /// By how many percent the log must have grown since the last rewrite; 0 for never
    /// (`auto-aof-rewrite-percentage`).
    pub percentage: u32,
    /// How many bytes it must have at least (`auto-aof-rewrite-min-size`).
    pub min_size: u64,
}

impl Default for Growth {
    fn default() -> Self {
        Self { percentage: 100, min_size: 64 << 20 }
    }
}

impl Growth {
    /// Whether a log of `size` bytes that had `base` after its last rewrite has grown enough.
    fn is_reached(self, size: u64, base: u64) -> bool {
        let grown = u128::from(size) * 100 / u128::from(base.max(1));
        self.percentage > 0 && size > self.min_size && grown >= 100 + u128::from(self.percentage)
    }
}

/// Decides when to rewrite.
#[derive(Debug, Clone)]
pub(super) struct Trigger {
    growth: Growth,
    /// The size after the last rewrite, or at the start.
    base: u64,
    failures: u32,
    delay: Duration,
    /// The time before which nothing is tried, since the start of the log.
    not_before: Option<Duration>,
}

impl Trigger {
    pub(super) fn new(growth: Growth, base: u64) -> Self {
        Self { growth, base, failures: 0, delay: Duration::ZERO, not_before: None }
    }

    pub(super) const fn base(&self) -> u64 {
        self.base
    }

    /// How many rewrites in a row have failed.
    pub(super) const fn failures(&self) -> u32 {
        self.failures
    }

    /// Whether a log of `size` bytes should be rewritten now.
    pub(super) fn fires(&mut self, size: u64, now: Duration) -> bool {
        self.growth.is_reached(size, self.base) && !self.must_wait(now)
    }

    /// Whether it is too early after failures. The first question after a wait is answered with no, and begins the
    /// next: 1, 2, 4 … 60 minutes.
    fn must_wait(&mut self, now: Duration) -> bool {
        if self.failures < PATIENCE {
            return false;
        }
        match self.not_before {
            Some(time) if now < time => true,
            Some(_) => {
                self.not_before = None;
                false
            }
            None => {
                self.delay = if self.delay.is_zero() { Duration::from_mins(1) } else { self.delay * 2 }.min(LONGEST);
                self.not_before = Some(now + self.delay);
                true
            }
        }
    }

    pub(super) fn succeeded(&mut self, size: u64) {
        *self = Self::new(self.growth, size);
    }

    pub(super) fn failed(&mut self) {
        self.failures += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_that_has_doubled_is_rewritten() {
        let growth = Growth { percentage: 100, min_size: 1000 };
        for (size, base, expected) in [
            (1000, 1, false),
            (1001, 500, true),
            (1001, 501, false),
            (2000, 1000, true),
            (1999, 1000, false),
            (5000, 0, true),
        ] {
            assert_eq!(growth.is_reached(size, base), expected, "{size} {base}");
        }
        assert!(!Growth { percentage: 0, ..growth }.is_reached(u64::MAX, 1));
    }

    #[test]
    fn after_three_failures_the_next_attempt_waits_longer_and_longer() {
        let mut trigger = Trigger::new(Growth { percentage: 100, min_size: 0 }, 1);
        let mut now = Duration::ZERO;
        for _ in 0..3 {
            assert!(trigger.fires(100, now));
            trigger.failed();
        }
        for minutes in [1, 2, 4, 8, 16, 32, 60, 60] {
            assert!(!trigger.fires(100, now));
            now += Duration::from_secs(minutes * 60 - 1);
            assert!(!trigger.fires(100, now), "{minutes}");
            now += Duration::from_secs(1);
            assert!(trigger.fires(100, now), "{minutes}");
            trigger.failed();
        }
        trigger.succeeded(100);
        assert!(!trigger.fires(150, now) && trigger.fires(200, now) && trigger.failures() == 0);
    }
}
