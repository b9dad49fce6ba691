//! `--follow`: waits for what is written to a log, until it is interrupted.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::show::Show;
use crate::check::Finding;
use crate::select::{Follower, Polled};

/// How long to wait when there is nothing new.
const PAUSE: Timespec = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };

/// Shows what comes, until it is interrupted or has shown enough. What it finds wrong ends it too.
pub fn follow(mut follower: Follower<'_>, show: &mut Show<'_>) -> anyhow::Result<Option<Finding>> {
    let interrupted = Arc::new(AtomicBool::new(false));
    signal_hook::flag::register(signal_hook::consts::SIGINT, Arc::clone(&interrupted))?;
    loop {
        let polled = follower.poll(show)?;
        if let Polled::Ended(finding) = polled {
            return Ok(finding);
        }
        let is_interrupted = interrupted.load(Ordering::Relaxed);
        if is_interrupted || matches!(polled, Polled::Waiting) {
            show.flush()?;
        }
        if is_interrupted {
            return Ok(None);
        }
        if matches!(polled, Polled::Waiting) {
            wait_for_news()?;
        }
    }
}

/// Waits a while, unless the reader of standard output goes away meanwhile, or a signal comes.
fn wait_for_news() -> io::Result<()> {
    let stdout = io::stdout();
    // Without any event asked for, poll still reports that the reader has gone.
    let mut ends = [PollFd::new(&stdout, PollFlags::empty())];
    match poll(&mut ends, Some(&PAUSE)) {
        Ok(0) | Err(Errno::INTR) => Ok(()),
        Ok(_) => Err(io::ErrorKind::BrokenPipe.into()),
        Err(error) => Err(error.into()),
    }
}
