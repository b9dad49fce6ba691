//! A progress bar on standard error: bytes, rate and time left, for work that takes over half a second.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::progress::Progress;
use crate::threads;

/// Shorter work is done before a bar could be read.
const PATIENCE: Duration = Duration::from_millis(500);

/// How often the bar is drawn.
const INTERVAL: Duration = Duration::from_millis(100);

/// Whether anybody can see a bar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Visibility {
    Shown,
    Hidden,
}

/// The bar of one piece of work, which is drawn until it is dropped; nothing before [`PATIENCE`] has passed.
pub(super) struct Bar {
    progress: Arc<Progress>,
    /// The thread that draws, and what ends it when it is dropped.
    drawing: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Bar {
    /// Work over `total` bytes; `what` is what is being done. Where no thread can be had, there is no bar.
    pub(super) fn new(visibility: Visibility, total: u64, what: &'static str) -> Self {
        let progress = Arc::<Progress>::default();
        let start = || {
            let (end, ended) = channel();
            let watched = Arc::clone(&progress);
            let thread = Builder::new().name("progress".to_owned());
            let thread = threads::start(thread, move || draw(&watched, total, what, &ended))?;
            Some((end, thread))
        };
        let drawing = if visibility == Visibility::Shown { start() } else { None };
        Self { progress, drawing }
    }

    /// Where the work counts.
    pub(super) fn progress(&self) -> &Progress {
        &self.progress
    }
}

fn draw(progress: &Progress, total: u64, what: &'static str, ended: &Receiver<()>) {
    let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::hidden());
    let template = "{msg} {wide_bar} {binary_bytes} of {binary_total_bytes}, {binary_bytes_per_sec}, {eta} left";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.set_message(what);
    let mut wait = PATIENCE;
    while ended.recv_timeout(wait) == Err(RecvTimeoutError::Timeout) {
        if wait == PATIENCE {
            bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        bar.set_position(progress.done());
        wait = INTERVAL;
    }
    bar.finish_and_clear();
}

impl Drop for Bar {
    fn drop(&mut self) {
        if let Some((end, thread)) = self.drawing.take() {
            drop(end);
            // It has nothing to say of a panic that is not on standard error already.
            let _ = thread.join();
        }
    }
}
