//! Records → keyspace: a log is applied as a server applies it while it loads.
//!
//! Every thread reads the whole log, and applies the commands whose keys are in its shard; reading is cheap, looking
//! keys up is not. A command whose keys are in several shards is applied by one thread while the others wait for it. So
//! the result does not depend on the number of threads. Where that waiting takes most of the time, because other
//! programs keep the processors busy, one thread starts again alone.

mod balance;
mod barrier;
mod dispatch;
mod expired;
mod flushes;
mod worker;

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Mutex;

use crate::aof;
use crate::command::apply::{Call, EntriesRead, ExpiredFields, Failure};
use crate::keyspace::{Keyspace, Partitioning, Shard};
use crate::progress::Progress;
use crate::rdb;
use crate::server::{Server, ServerSet};
use crate::threads;

pub use expired::{Dropped, LoadDifference, drop_expired};
pub use flushes::Flush;

use barrier::Barrier;
use worker::Worker;

/// How much of a log is replayed, and how.
#[derive(Clone, Copy)]
pub struct Options<'p> {
    /// How many threads replay, at most 64.
    pub threads: NonZeroUsize,
    /// What happens with commands that no server knows, or that modules bring.
    pub unknown: Unknown,
    /// Where to stop.
    pub until: Until,
    /// The server that is imitated where versions read arguments differently: which texts are floating-point numbers,
    /// for one.
    pub server: Server,
    /// What commands make of fields that have expired.
    pub expired_fields: ExpiredFields,
    /// What the option ENTRIESREAD of XGROUP sets.
    pub entries_read: EntriesRead,
    /// The time of loading, in milliseconds of Unix time. Relative expiries count from it where the log says nothing,
    /// and with [`ExpiredFields::AsLoaded`] the fields whose expiry is earlier have expired.
    pub now: i64,
    /// How many bytes were read.
    pub progress: &'p Progress,
}

impl Options<'_> {
    /// Applies a command as the options say.
    fn imitate(&self, call: &mut Call<'_, '_>) {
        call.server = self.server;
        call.expired_fields = self.expired_fields;
        call.entries_read = self.entries_read;
        call.load_time = self.now;
    }
}

impl std::fmt::Debug for Options<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options").field("threads", &self.threads).finish_non_exhaustive()
    }
}

impl Default for Options<'_> {
    fn default() -> Self {
        Self {
            threads: NonZeroUsize::MIN,
            unknown: Unknown::Refuse,
            until: Until::End,
            server: Server::default(),
            expired_fields: ExpiredFields::AsWritten,
            entries_read: EntriesRead::AsGiven,
            now: 0,
            progress: Progress::UNWATCHED,
        }
    }
}

/// What happens with commands whose effect is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unknown {
    /// They are named in [`Summary::unknown`], and what they did is missing.
    Refuse,
    /// The same, but nobody minds.
    Skip,
    /// They are kept with the key that their first argument names, with every later command on that key after them.
    Keep,
}

/// Where a replay stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// At the end of the log.
    End,
    /// Before the first annotation with a later time, in Unix seconds.
    Time(i64),
    /// After the last record that ends at or before this offset of the last part.
    Offset(u64),
}

/// A log that was replayed.
#[derive(Debug)]
pub struct Replayed<'a> {
    /// The data.
    pub keyspace: Keyspace<'a>,
    /// What happened on the way.
    pub summary: Summary,
}

/// A record, by its part (counted from 0) and its offset there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The index of the part.
    pub part: usize,
    /// The offset of the record.
    pub offset: u64,
}

/// What happened during a replay.
#[derive(Debug, Clone, Default)]
pub struct Summary {
    /// How many commands were read, those of unfinished transactions not counted.
    pub commands: u64,
    /// How many of them changed no data by their nature: readers, PUBLISH, SCRIPT LOAD …
    pub ignored: u64,
    /// How many keys came from an RDB.
    pub rdb_keys: u64,
    /// How many commands failed, as they would have on a server.
    pub failed: u64,
    /// The first of those.
    pub failures: Vec<FailedCommand>,
    /// Commands whose effect is not known, by name.
    pub unknown: BTreeMap<Vec<u8>, UnknownCommandStats>,
    /// Whether the other [`ExpiredFields`] may give other data; if not, both give the same. [`LoadDifference`] says
    /// what differs.
    pub diverged: bool,
    /// The last `FLUSHALL` and `FLUSHDB` commands that removed keys, at most 100, in their order.
    pub flushes: Vec<Flush>,
    /// The Unix seconds of the last timestamp annotation.
    pub last_timestamp: Option<i64>,
    /// The servers that know all commands and annotations that were read. Commands that no server knows do not count.
    pub servers: ServerSet,
    /// The first value, of an RDB or in the payload of a RESTORE, that is damaged: what was replayed is not to be
    /// used.
    pub damaged: Option<DamagedValue>,
    /// Why the replay ended.
    pub end: End,
    /// Where the replay ended: after the last record that counts.
    pub stopped: Place,
    /// The database that was selected there.
    pub database: u32,
}

/// How often something was met, and where first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownCommandStats {
    /// Where first.
    pub first: Place,
    /// How often.
    pub count: u64,
    /// Whether keeping it with its key is possible.
    pub keepable: bool,
}

/// A command that changed nothing because it failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedCommand {
    /// Where it is.
    pub place: Place,
    /// Its name.
    pub name: Vec<u8>,
    /// Why.
    pub failure: Failure,
}

/// A value that no server writes, and that servers stop at or that cannot be decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DamagedValue {
    /// Where: the first wrong byte in an RDB, or the record of a RESTORE.
    pub place: Place,
    /// The key that has it.
    pub key: Vec<u8>,
    /// What is wrong with it.
    pub kind: rdb::DamageKind,
}

impl DamagedValue {
    /// The one that comes first in the log.
    fn first(one: Option<Self>, other: Option<Self>) -> Option<Self> {
        one.into_iter().chain(other).min_by_key(|damaged| damaged.place)
    }
}

/// What is wrong, as a clause that goes with a file and an offset, and in which value. The key is escaped.
impl std::fmt::Display for DamagedValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}, {}", self.kind, rdb::in_value(&self.key))
    }
}

/// Why a replay ended.
#[derive(Debug, Clone, Default)]
pub enum End {
    /// The log ended.
    #[default]
    Whole,
    /// It was to stop there.
    Stopped,
    /// The log ended inside a transaction, which starts at [`Summary::stopped`].
    OpenTransaction,
    /// The records are damaged.
    Damaged(aof::Damage),
    /// The RDB is damaged.
    DamagedRdb(Box<rdb::Damage>),
}

/// How far a replay can be trusted: the later, the less.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ending {
    /// The log was whole, or was left where it was to be.
    Sound,
    /// A server would cut the end off and load the rest.
    Cut,
    /// A server would refuse the log.
    Refused,
}

impl Summary {
    /// How far the replay of a log of so many parts can be trusted: servers truncate only the last part.
    pub fn ending(&self, parts: usize) -> Ending {
        let is_last = self.stopped.part + 1 == parts;
        match &self.end {
            End::Whole | End::Stopped => Ending::Sound,
            End::OpenTransaction if is_last => Ending::Cut,
            End::Damaged(damage) if is_last && matches!(damage.kind, aof::DamageKind::Truncated { .. }) => Ending::Cut,
            End::OpenTransaction | End::Damaged(_) | End::DamagedRdb(_) => Ending::Refused,
        }
    }
}

impl Summary {
    /// Puts every place that it names where `map` says.
    pub fn move_places(&mut self, map: impl Fn(Place) -> Place) {
        if let End::Damaged(damage) = &mut self.end {
            for offset in [&mut damage.offset, &mut damage.record_offset] {
                *offset = map(Place { offset: *offset, ..self.stopped }).offset;
            }
        }
        let failures = self.failures.iter_mut().map(|failure| &mut failure.place);
        let unknown = self.unknown.values_mut().map(|stats| &mut stats.first);
        let flushes = self.flushes.iter_mut().map(|flush| &mut flush.place);
        let damaged = self.damaged.iter_mut().map(|damaged| &mut damaged.place);
        let all = failures.chain(unknown).chain(flushes).chain(damaged);
        all.chain([&mut self.stopped]).for_each(|place| *place = map(*place));
    }
}

/// At most so many failures are told one by one.
const FAILURES: usize = 100;

/// Replays the parts of a log, in order.
pub fn replay<'a>(parts: &[&'a [u8]], options: Options<'_>) -> Replayed<'a> {
    let count = options.threads.get().min(Partitioning::MOST_SHARDS);
    replay_through(&Barrier::new(count), count, parts, options)
}

/// Replays with so many threads that meet at this barrier, or with one where there are not so many, or they hinder each
/// other.
fn replay_through<'a>(barrier: &Barrier, count: usize, parts: &[&'a [u8]], options: Options<'_>) -> Replayed<'a> {
    let partitioning = balance::divide(parts, count);
    let shards: Vec<Mutex<Shard<'a>>> = (0..count).map(|_| Mutex::default()).collect();
    let work = |index| Worker::new(index, (&shards, &partitioning), barrier, options).run(parts);
    let Some(workers) = threads::together(count, work).filter(|_| !barrier.is_given_up()) else {
        drop(shards);
        return replay(parts, Options { threads: NonZeroUsize::MIN, ..options });
    };
    let shards = shards.into_iter().map(|shard| shard.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner));
    let mut workers = workers.into_iter();
    let mut summary = workers.next().unwrap_or_default();
    for other in workers {
        summary.failed += other.failed;
        summary.diverged |= other.diverged;
        summary.damaged = DamagedValue::first(summary.damaged, other.damaged);
        summary.failures.extend(other.failures);
        for (name, stats) in other.unknown {
            summary
                .unknown
                .entry(name)
                .and_modify(|known| {
                    known.first = known.first.min(stats.first);
                    known.count += stats.count;
                    known.keepable &= stats.keepable;
                })
                .or_insert(stats);
        }
        summary.rdb_keys += other.rdb_keys;
        flushes::add(&mut summary.flushes, &other.flushes);
    }
    summary.failures.sort_by_key(|failure| failure.place);
    summary.failures.truncate(FAILURES);
    summary.flushes.retain(|flush| flush.keys > 0);
    Replayed { keyspace: Keyspace::of(shards.collect(), partitioning), summary }
}

#[cfg(test)]
mod tests;
