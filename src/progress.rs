//! How far a piece of work is: the work counts, and whoever shows it looks.

use std::sync::atomic::{AtomicU64, Ordering};

/// How much of a piece of work is done, in its own unit: bytes that were read, or keys that were written.
///
/// ```
/// use aofkit::check::{Settings, check};
/// use aofkit::progress::Progress;
///
/// # fn main() -> aofkit::Result<()> {
/// # let input = aofkit::input::Input::from_bytes("a.aof", b"*1\r\n$4\r\nPING\r\n".to_vec());
/// # let log = aofkit::aof::log::Log::from_input(input)?;
/// let progress = Progress::default();
/// // Another thread may look at it meanwhile.
/// check(&log, Settings { progress: &progress, ..Settings::default() })?;
/// assert_eq!(progress.done(), 14);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Default)]
pub struct Progress(AtomicU64);

impl Progress {
    /// For work that nobody looks at.
    pub const UNWATCHED: &Self = {
        static UNWATCHED: Progress = Progress(AtomicU64::new(0));
        &UNWATCHED
    };

    /// How much is done by now.
    pub fn done(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// So much more is done.
    pub fn advance(&self, amount: u64) {
        self.0.fetch_add(amount, Ordering::Relaxed);
    }

    /// So much is done in all. Less than before is work that is done once more.
    pub fn reach(&self, done: u64) {
        self.0.fetch_max(done, Ordering::Relaxed);
    }
}
