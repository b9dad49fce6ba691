//! Removes drafts when a signal stops the process while it writes.

use std::fs;
use std::thread::Builder;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

use crate::storage::{Interruption, interrupt};
use crate::threads;

/// The stack of the thread that waits: it removes files.
const STACK: usize = 128 << 10;

/// Waits for signals on a thread of its own. Without one, the signals end the process as usual, and the next run
/// sweeps.
pub(super) fn remove_drafts_when_stopped() {
    let wanted: Vec<i32> = [SIGHUP, SIGINT, SIGTERM].into_iter().filter(|signal| !is_ignored(*signal)).collect();
    // Not joined: it ends with the process. The handlers are installed on the thread, so that they never lack it.
    let thread = Builder::new().name("signals".to_owned()).stack_size(STACK);
    let _ = threads::start(thread, move || {
        let Ok(mut signals) = Signals::new(wanted) else { return };
        let mut is_ending = false;
        for signal in signals.forever() {
            // Held until the process has ended.
            let interruption = interrupt();
            if matches!(interruption, Interruption::Stop(_)) || is_ending {
                let _ = emulate_default_handler(signal);
            }
            // The log has been replaced already: the person reads where the old one is, and may stop the process again.
            is_ending = true;
        }
    });
}

/// Whether the process was started with this signal ignored, as by `nohup`.
fn is_ignored(signal: i32) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    mask & 1 << (signal - 1) != 0
}
