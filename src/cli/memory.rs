//! Ends a process that has no more memory.

use std::cell::Cell;
use std::panic;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::low_level;

use crate::storage;

thread_local! {
    /// Whether this thread is ending the process already.
    static ENDING: Cell<bool> = const { Cell::new(false) };
}

/// Something to drop when a thread ends.
struct AtTheEnd;

impl Drop for AtTheEnd {
    fn drop(&mut self) {}
}

thread_local! {
    static AT_THE_END: AtTheEnd = const { AtTheEnd };
}

/// Whether some thread is.
static ENDED: AtomicBool = AtomicBool::new(false);

/// Ends the process with a line on standard error and exit code 2, once its unfinished files are removed.
///
/// For an allocator that has no memory for so many bytes, so it allocates nothing. Where the removal of a file does,
/// that file stays.
pub fn out_of_memory(size: Option<usize>) -> ! {
    if ENDING.replace(true) {
        low_level::exit(2);
    }
    // Several threads may run out of memory at once; only one prints.
    while ENDED.swap(true, Ordering::AcqRel) {
        std::thread::yield_now();
    }
    let mut line = Line { bytes: [0; 96], length: 0 };
    line.push(b"aofkit: out of memory");
    if let Some(size) = size {
        line.push(b": cannot allocate ");
        line.push(itoa::Buffer::new().format(size).as_bytes());
        line.push(b" bytes");
    }
    line.push(b"\n");
    // A failure cannot be reported.
    let _ = rustix::io::write(rustix::stdio::stderr(), line.bytes.get(..line.length).unwrap_or_default());
    storage::abandon();
    low_level::exit(2);
}

/// A line that is put together without an allocation.
struct Line {
    bytes: [u8; 96],
    length: usize,
}

impl Line {
    fn push(&mut self, text: &[u8]) {
        if let Some(place) = self.bytes.get_mut(self.length..self.length + text.len()) {
            place.copy_from_slice(text);
            self.length += text.len();
        }
    }
}

/// Treats a new thread that finds no memory for its signal stack, about which the standard library panics, in the same
/// way.
pub(super) fn install() {
    // A thread tells glibc once that it has something to drop at its end, and glibc ends the process if it has no
    // memory to note that: this thread does it now, while there is some; others do it as they begin.
    AT_THE_END.with(|_| ());
    let usual = panic::take_hook();
    panic::set_hook(Box::new(move |information| {
        let message = information.payload_as_str().unwrap_or_default();
        if message.starts_with("failed to allocate an alternative stack")
            || message.starts_with("failed to set up alternative stack guard page")
        {
            out_of_memory(None);
        }
        usual(information);
    }));
}
