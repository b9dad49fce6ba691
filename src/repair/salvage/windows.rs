//! A part in windows, read on all cores: from copies, which are faster than a mapped file and keep little in memory.

use std::ops::Range;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::check::scan;
use crate::threads;

/// The size of a window, in bytes.
pub(super) const WINDOW: usize = 1 << 20;

/// A stretch of so many bytes is read in place: a copy would take longer.
const IN_PLACE: usize = 64 << 10;

/// Bytes after a window that are copied too, for what begins in it.
const TAIL: usize = 16 << 10;

/// A stretch of a part.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window<'w> {
    /// All bytes of the part.
    pub(super) whole: &'w [u8],
    /// Those from the start of the window on, and some after it.
    pub(super) near: &'w [u8],
    /// Where it begins.
    pub(super) start: usize,
    /// Where the next one does.
    pub(super) end: usize,
}

/// Calls `work` for every window of a stretch, and returns the results in order.
pub(super) fn for_each<R: Send>(
    whole: &[u8],
    stretch: Range<usize>,
    options: scan::Options<'_>,
    work: impl Fn(Window<'_>) -> R + Sync,
) -> Vec<R> {
    let count = stretch.len().div_ceil(WINDOW);
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::new());
    threads::for_each(0..options.threads.get().min(count), |_| {
        let mut buffer = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let start = stretch.start + index * WINDOW;
            if index >= count {
                break;
            }
            let end = stretch.end.min(start + WINDOW);
            let last = whole.len().min(end + TAIL);
            let near = match options.copy {
                Some(copy) if stretch.len() > IN_PLACE => {
                    buffer.resize(last - start, 0);
                    let length = copy(start, &mut buffer);
                    buffer.get(..length).unwrap_or_default()
                }
                _ => whole.get(start..last).unwrap_or_default(),
            };
            let result = work(Window { whole, near, start, end });
            results.lock().unwrap_or_else(PoisonError::into_inner).push((index, result));
        }
    });
    let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}
