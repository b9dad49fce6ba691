//! One pass over the records of a part, on all cores, that finds what a verdict needs.
//!
//! The part is cut into windows. A window starts at a record boundary that was guessed (a line that begins with `*` and
//! from which a whole record can be read), and ends at the first boundary after its share. Windows are stitched in
//! order: where the end of one meets the start of the next, its findings count; where they do not meet (the guess was a
//! command inside a value), the bytes between are read again from the proven boundary. So the result is, to the byte,
//! that of one thread.

mod anomaly;
mod buffer;
mod flush;
mod header;
mod window;

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

pub use anomaly::{Anomalies, Anomaly, PayloadEffect, Seen};
use buffer::CopyBuffer;
pub use flush::{FLUSHES, Flush};
use window::{ScanRange, Source, Window, WindowFlush};

use crate::aof::Damage;
use crate::aof::transaction::{Opening, Tracker};
use crate::progress::Progress;
use crate::server::{Server, ServerSet};
use crate::threads;

/// The usual share of a window, in bytes: large enough that stitching costs nothing, small enough that the copies of
/// two take half of a second-level cache of 512 KiB, which is what AMD Zen 3 and 4 have per core.
pub const WINDOW: NonZeroUsize = NonZeroUsize::new(128 << 10).unwrap();

/// The most bytes that are copied after the windows, for the end of their last record. A record that needs more is read
/// in place.
const TAIL: usize = 4 << 10;

/// Copies start at multiples of this many bytes: a line of the processor's cache.
const CACHE_LINE: usize = 64;

/// What a pass over a part found, up to its end or to its first damage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scan {
    /// Where the records begin: 0, or the end of an RDB preamble.
    pub start: u64,
    /// The end of the last whole record.
    pub end: u64,
    /// The end of the last command, if there is one; annotations do not count.
    pub last_command_end: Option<u64>,
    /// How many commands and annotations there are.
    pub records: u64,
    /// How many of them are annotations.
    pub annotations: u64,
    /// How many arguments the commands have, their names included.
    pub arguments: u64,
    /// The transactions, and the one that is still open at the end.
    pub transactions: Tracker,
    /// The databases that commands were executed in.
    pub databases: BTreeSet<u32>,
    /// Whether a command (HPERSIST, HGETEX) may take the expiry of a hash's field away.
    pub keeps_fields: bool,
    /// The last commands that emptied databases, [`FLUSHES`] at most.
    pub flushes: Vec<Flush>,
    /// The unix seconds of the first timestamp annotation.
    pub first_timestamp: Option<i64>,
    /// The unix seconds of the last timestamp annotation.
    pub last_timestamp: Option<i64>,
    /// The servers that know all commands and annotations. Commands that no server knows do not count.
    pub servers: ServerSet,
    /// Records that are well formed, but odd.
    pub anomalies: Anomalies,
    /// Why the pass stopped before the end of the part.
    pub damage: Option<Damage>,
}

impl Scan {
    fn new(start: usize) -> Self {
        Self {
            start: start as u64,
            end: start as u64,
            last_command_end: None,
            records: 0,
            annotations: 0,
            arguments: 0,
            transactions: Tracker::default(),
            databases: BTreeSet::new(),
            keeps_fields: false,
            flushes: Vec::new(),
            first_timestamp: None,
            last_timestamp: None,
            servers: ServerSet::ALL,
            anomalies: Anomalies::default(),
            damage: None,
        }
    }

    /// The end of the last whole record outside an open transaction: what a server keeps with `aof-load-truncated yes`.
    pub fn valid_up_to(&self) -> u64 {
        self.transactions.open().map_or(self.end, |opening| opening.offset)
    }

    /// The transaction that no `EXEC` ends.
    pub fn open(&self) -> Option<Opening> {
        self.transactions.open()
    }
}

/// Settings of a scan; none of them changes its result.
#[derive(Clone, Copy)]
pub struct Options<'p> {
    /// How many threads read.
    pub threads: NonZeroUsize,
    /// The approximate size of a window, in bytes.
    pub window: NonZeroUsize,
    /// How many bytes were read.
    pub progress: &'p Progress,
    /// Copies the bytes of the part from an offset on, and says how many there were.
    ///
    /// Of a mapped file, that is faster than having its pages mapped: it needs no page table, on which threads wait
    /// for each other, and the copy is in the cache when it is read. `None` where the bytes are in memory anyway.
    pub copy: Option<&'p CopyBytes<'p>>,
}

/// Fills a buffer with the bytes of a part from an offset on, as many as there are, and returns their number.
pub type CopyBytes<'p> = dyn Fn(usize, &mut [u8]) -> usize + Sync + 'p;

impl std::fmt::Debug for Options<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options").field("threads", &self.threads).finish_non_exhaustive()
    }
}

impl Default for Options<'_> {
    fn default() -> Self {
        Self { threads: NonZeroUsize::MIN, window: WINDOW, progress: Progress::UNWATCHED, copy: None }
    }
}

/// Scans the records of `bytes`, a whole file, from `start` on, with the commands that `server` knows.
pub fn scan(bytes: &[u8], start: usize, server: Server, options: Options<'_>) -> Scan {
    let share = options.window.get();
    let shared = Shared {
        bytes,
        start,
        server,
        options,
        share,
        next: AtomicUsize::new(0),
        stop: AtomicBool::new(false),
        reported: AtomicU64::new(0),
        stitcher: Mutex::new(Stitcher { scan: Scan::new(start), pending: BTreeMap::new(), stitched: 0, database: 0 }),
    };
    // More threads than pairs of windows would have nothing to do.
    let pairs = bytes.len().saturating_sub(start).div_ceil(share).div_ceil(2);
    threads::for_each(0..options.threads.get().min(pairs.max(1)), |_| shared.work());
    shared.stitcher.into_inner().unwrap_or_else(PoisonError::into_inner).scan
}

/// What the threads of one scan share.
struct Shared<'a, 'p> {
    bytes: &'a [u8],
    start: usize,
    server: Server,
    options: Options<'p>,
    share: usize,
    next: AtomicUsize,
    stop: AtomicBool,
    reported: AtomicU64,
    stitcher: Mutex<Stitcher>,
}

/// The scan as far as windows were stitched, and those that came early.
struct Stitcher {
    scan: Scan,
    pending: BTreeMap<usize, Option<Window>>,
    stitched: usize,
    database: u32,
}

impl Shared<'_, '_> {
    /// Takes two windows at a time until none is left or the damage is found.
    fn work(&self) {
        let mut memory = window::Memory::new(self.server);
        let mut copy = CopyBuffer::default();
        while !self.stop.load(Ordering::Relaxed) {
            let index = self.next.fetch_add(2, Ordering::Relaxed);
            let [one, other] = [index, index + 1].map(|index| self.share_of(index));
            if one.is_empty() {
                return;
            }
            let source = self.source(one.start..other.end, &mut copy);
            let guess = |share: Range<usize>| {
                let start = if share.start == self.start {
                    Some(share.start)
                } else {
                    source.guess_boundary(share.start, share.end)
                };
                start.map(|start| ScanRange { start, limit: share.end })
            };
            let [one, other] = match (guess(one), guess(other)) {
                (Some(one), Some(other)) => Window::read_two(source, [one, other], &mut memory).map(Some),
                (one, other) => [one, other].map(|range| range.map(|range| Window::read(source, range, &mut memory))),
            };
            self.stitch(index, one, &mut memory);
            self.stitch(index + 1, other, &mut memory);
        }
    }

    /// The part, with a copy of these shares at hand, and of what their last record may need after them.
    fn source<'b>(&'b self, shares: Range<usize>, copy: &'b mut CopyBuffer) -> Source<'b> {
        let Some(fill) = self.options.copy else { return Source::whole(self.bytes) };
        // The line end before the first share may be needed to guess where a record starts.
        let start = shares.start.saturating_sub(2) / CACHE_LINE * CACHE_LINE;
        let end = shares.end.saturating_add(TAIL.min(self.share / 4)).min(self.bytes.len());
        let copy = copy.place(start, end - start);
        let length = fill(start, copy);
        Source::copied(self.bytes, copy.get(..length).unwrap_or(copy), start)
    }

    /// The share of the part that the window with this index has; empty after the end.
    fn share_of(&self, index: usize) -> Range<usize> {
        let from = index.saturating_mul(self.share).saturating_add(self.start).min(self.bytes.len());
        from..from.saturating_add(self.share).min(self.bytes.len())
    }

    /// Adds a window, and all that waited for it.
    fn stitch(&self, index: usize, window: Option<Window>, memory: &mut window::Memory) {
        let mut stitcher = self.stitcher.lock().unwrap_or_else(PoisonError::into_inner);
        stitcher.pending.insert(index, window);
        loop {
            let next = stitcher.stitched;
            let Some(window) = stitcher.pending.remove(&next) else { return };
            if stitcher.scan.damage.is_none() {
                stitcher.add(self.bytes, window, self.share_of(next).end, memory);
                self.report(stitcher.scan.end);
            }
            stitcher.stitched = next + 1;
            if stitcher.scan.damage.is_some() {
                self.stop.store(true, Ordering::Relaxed);
            }
        }
    }

    fn report(&self, end: u64) {
        let before = self.reported.swap(end, Ordering::Relaxed);
        self.options.progress.advance(end.saturating_sub(before));
    }
}

impl Stitcher {
    /// Adds the records up to the first boundary at or after `limit`; `guessed` counts if the proven boundaries meet
    /// it.
    fn add(&mut self, bytes: &[u8], guessed: Option<Window>, limit: usize, memory: &mut window::Memory) {
        let position = usize::try_from(self.scan.end).unwrap_or(usize::MAX);
        if position >= limit {
            return; // one record covers the whole window
        }
        let mut read =
            |start: usize, limit: usize| Window::read(Source::whole(bytes), ScanRange { start, limit }, memory);
        let Some(guessed) = guessed else { return self.merge(read(position, limit)) };
        if position == guessed.start {
            return self.merge(guessed);
        }
        let between = read(position, guessed.start.min(limit));
        let met = between.damage.is_none() && between.end == guessed.start;
        let rest = between.end;
        let sound = between.damage.is_none();
        self.merge(between);
        if met {
            self.merge(guessed);
        } else if sound && rest < limit {
            self.merge(read(rest, limit));
        }
    }

    /// Adds a window that starts where the last one ended.
    fn merge(&mut self, window: Window) {
        let scan = &mut self.scan;
        let before = scan.records;
        let mut openings = vec![scan.transactions.open()];
        for event in &window.leading {
            let (offset, record) = (event.opening.offset, before + event.opening.record);
            let command_end_before = event.opening.command_end_before.or(scan.last_command_end);
            let (_, misplaced) =
                scan.transactions.control(event.control, Opening { offset, record, command_end_before });
            openings.push(scan.transactions.open());
            if let Some(misplaced) = misplaced {
                scan.anomalies.add(Anomaly::Misplaced(misplaced), offset, record);
            }
        }
        if let Some(rest) = window.transactions {
            scan.transactions.resume(rest, before);
        }
        scan.last_command_end = window.last_command_end.or(scan.last_command_end);
        if window.inherits_database {
            scan.databases.insert(self.database);
        }
        scan.databases.extend(window.databases);
        for WindowFlush { flush, inherits_database, leading } in window.flushes {
            let database = if inherits_database { Some(self.database) } else { flush.database };
            let opening = leading.and_then(|count| *openings.get(count)?);
            let transaction = opening.map_or(flush.transaction, |opening| Some(opening.offset));
            let record = flush.record + before;
            flush::remember(&mut scan.flushes, Flush { record, transaction, database, ..flush });
        }
        self.database = window.database.unwrap_or(self.database);
        scan.anomalies.merge(window.anomalies, before);
        scan.keeps_fields |= window.keeps_fields;
        scan.first_timestamp = scan.first_timestamp.or(window.first_timestamp);
        scan.last_timestamp = window.last_timestamp.or(scan.last_timestamp);
        scan.servers = scan.servers.and(window.servers);
        scan.annotations += window.annotations;
        scan.arguments += window.arguments;
        scan.records += window.records;
        scan.end = window.end as u64;
        scan.damage = window.damage.map(|damage| Damage { record: damage.record + before, ..damage });
    }
}

#[cfg(test)]
mod producer;
#[cfg(test)]
mod tests;
