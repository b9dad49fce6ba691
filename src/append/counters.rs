//! What is known about a log that is being written, as `INFO persistence` says it.

use std::fmt;
use std::time::Duration;

/// Numbers about a log; the names are those of `INFO persistence` of Redis 8.6.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counters {
    /// Whether a rewrite is under way.
    pub rewrite_in_progress: bool,
    /// How many rewrites have begun.
    pub rewrites: u64,
    /// How many rewrites in a row have failed.
    pub rewrites_consecutive_failures: u32,
    /// How long the last rewrite took.
    pub last_rewrite_time: Option<Duration>,
    /// How long the current rewrite has taken so far.
    pub current_rewrite_time: Option<Duration>,
    /// Whether the last rewrite ended well.
    pub last_rewrite_is_ok: bool,
    /// Whether the last write and the last sync ended well.
    pub last_write_is_ok: bool,
    /// The bytes of the files that a server would load.
    pub current_size: u64,
    /// The same after the last rewrite, or at the start.
    pub base_size: u64,
    /// The bytes that wait to be written.
    pub buffer_length: u64,
    /// How many syncs wait or run.
    pub pending_syncs: u64,
    /// How many writes did not wait any longer for a sync.
    pub delayed_syncs: u64,
}

/// The lines of `INFO persistence`.
impl fmt::Display for Counters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds =
            |time: Option<Duration>| time.map_or(-1, |time| i64::try_from(time.as_secs()).unwrap_or(i64::MAX));
        let status = |is_ok: bool| if is_ok { "ok" } else { "err" };
        write!(f, "aof_enabled:1\r\naof_rewrite_in_progress:{}\r\n", u8::from(self.rewrite_in_progress))?;
        write!(f, "aof_rewrites:{}\r\n", self.rewrites)?;
        write!(f, "aof_rewrites_consecutive_failures:{}\r\n", self.rewrites_consecutive_failures)?;
        write!(f, "aof_last_rewrite_time_sec:{}\r\n", seconds(self.last_rewrite_time))?;
        write!(f, "aof_current_rewrite_time_sec:{}\r\n", seconds(self.current_rewrite_time))?;
        write!(f, "aof_last_bgrewrite_status:{}\r\n", status(self.last_rewrite_is_ok))?;
        write!(f, "aof_last_write_status:{}\r\n", status(self.last_write_is_ok))?;
        write!(f, "aof_current_size:{}\r\naof_base_size:{}\r\n", self.current_size, self.base_size)?;
        write!(f, "aof_buffer_length:{}\r\n", self.buffer_length)?;
        write!(f, "aof_pending_bio_fsync:{}\r\naof_delayed_fsync:{}\r\n", self.pending_syncs, self.delayed_syncs)
    }
}
