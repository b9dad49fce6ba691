//! Prints an error if a mapped file is truncated while it is read.

use signal_hook::consts::SIGBUS;
use signal_hook::low_level;

const MESSAGE: &[u8] = b"aofkit: a file became shorter, or could not be read, while it was mapped; run again\n";

/// Replaces the kernel's silent kill: reading a mapped byte that is gone raises `SIGBUS`.
pub(super) fn install() {
    let action = || {
        // A failure cannot be reported.
        let _ = rustix::io::write(rustix::stdio::stderr(), MESSAGE);
        low_level::exit(2);
    };
    // SAFETY: the action only makes the system calls write and exit (`low_level::exit` is `_exit`), both of which are
    // safe in a signal handler; it allocates nothing, takes no lock and does not return to the access that failed.
    #[expect(unsafe_code, reason = "there is no safe way to handle a synchronous signal")]
    let registered = unsafe { low_level::register(SIGBUS, action) };
    // Without the handler the signal ends the process as well, but without a message.
    let _ = registered;
}
