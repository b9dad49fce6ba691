//! A progress bar on standard error: bytes, rate and time left, for work that takes over half a second.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Shorter work is done before a bar could be read.
const PATIENCE: Duration = Duration::from_millis(500);

/// Whether anybody can see a bar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Visibility {
    Shown,
    Hidden,
}

/// The progress of one piece of work; draws nothing until [`PATIENCE`] has passed.
pub(super) struct Progress {
    bar: ProgressBar,
    since: Instant,
    visibility: Visibility,
    shown: OnceLock<()>,
}

impl Progress {
    /// Work over `total` bytes; `what` is what is being done.
    pub(super) fn new(visibility: Visibility, total: u64, what: &'static str) -> Self {
        let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::hidden());
        let template = "{msg} {wide_bar} {binary_bytes} of {binary_total_bytes}, {binary_bytes_per_sec}, {eta} left";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_message(what);
        Self { bar, since: Instant::now(), visibility, shown: OnceLock::new() }
    }

    /// So many more bytes are done. Called from any thread.
    pub(super) fn advance(&self, bytes: u64) {
        if self.visibility == Visibility::Hidden {
            return;
        }
        self.bar.inc(bytes);
        if self.since.elapsed() >= PATIENCE {
            self.shown.get_or_init(|| self.bar.set_draw_target(ProgressDrawTarget::stderr()));
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
