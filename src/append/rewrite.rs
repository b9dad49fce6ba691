//! A rewrite in the background: what does not change any more is replayed, and written as a new base.

use std::path::PathBuf;
use std::thread::JoinHandle;

use crate::aof::log::{Log, Part};
use crate::input::Input;
use crate::replay::{self, End, Unknown, replay};
use crate::rewrite::{self, Base};
use crate::server::Release;
use crate::storage::Operations;
use crate::storage::draft::Draft;
use crate::{Error, ErrorKind, Result};

/// After so many bytes, what is written is synced, so that the last sync is short (`REDIS_AUTOSYNC_BYTES`).
const SYNC_EVERY: u64 = 4 << 20;

/// How nice the thread is: the same as a server's child would be to a neighbour that has work to do.
const NICENESS: i32 = 10;

/// A rewrite that is under way.
#[derive(Debug)]
pub(super) struct Rewriting {
    thread: JoinHandle<Result<Draft>>,
    /// The sequence number of the new base.
    pub(super) sequence: i64,
    /// How many of the live files it replaces: the first ones.
    pub(super) count: usize,
}

/// What is rewritten, and into what.
#[derive(Debug)]
pub(super) struct Order {
    pub(super) manifest: PathBuf,
    /// How many of the live files are rewritten.
    pub(super) count: usize,
    pub(super) target: PathBuf,
    pub(super) sequence: i64,
    pub(super) base: Base,
    pub(super) release: Release,
}

impl Rewriting {
    /// Starts a thread that rewrites files which nobody changes any more.
    pub(super) fn start<O: Operations + Send + 'static>(mut operations: O, order: Order) -> std::io::Result<Self> {
        let (sequence, count) = (order.sequence, order.count);
        let work = move || {
            // It works all the same where it may not.
            let _ = rustix::process::setpriority_process(Some(rustix::thread::gettid()), NICENESS);
            run(&mut operations, &order)
        };
        let thread = std::thread::Builder::new().name("aof-rewrite".to_owned()).spawn(work)?;
        Ok(Self { thread, sequence, count })
    }

    pub(super) fn is_finished(&self) -> bool {
        self.thread.is_finished()
    }

    /// The new base, without its name; waits for it.
    pub(super) fn finish(self) -> Result<Draft> {
        let died = || Error::new("", ErrorKind::Refused("the thread that rewrites has died".to_owned()));
        self.thread.join().unwrap_or_else(|_| Err(died()))
    }
}

fn run<O: Operations + Send>(operations: &mut O, order: &Order) -> Result<Draft> {
    let mut log = Log::open(&order.manifest)?;
    log.parts.truncate(order.count);
    let inputs = log.parts.iter().map(Part::open).collect::<Result<Vec<_>>>()?;
    let parts: Vec<&[u8]> = inputs.iter().map(Input::bytes).collect();
    let server = order.release.server();
    let replayed = replay(&parts, replay::Options { unknown: Unknown::Keep, server, ..replay::Options::default() });
    if !matches!(replayed.summary.end, End::Whole) {
        let text = format!("the files cannot be replayed: {:?}", replayed.summary.end);
        return Err(Error::new(&order.manifest, ErrorKind::Refused(text)));
    }
    let target = (order.base == Base::Rdb).then_some(order.release);
    let options = rewrite::Options { target, source: Some(order.release), ..rewrite::Options::default() };
    let draft = Draft::beside(operations, &order.target, None)?;
    let (draft, _) = draft
        .fill_and_sync(operations, SYNC_EVERY, |out| rewrite::write(&replayed.keyspace, order.base, options, out))?;
    Ok(draft)
}
