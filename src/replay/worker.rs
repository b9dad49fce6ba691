//! One thread of a replay.

use std::cell::Cell;
use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::barrier::Barrier;
use super::dispatch::{Dispatch, DispatchCache, runs_others};
use super::flushes::{self, Scope};
use super::{DamagedValue, End, FAILURES, FailedCommand, Options, Place, Summary, Unknown, UnknownCommandStats, Until};
use crate::aof::database_number;
use crate::aof::reader::{self, Outline};
use crate::aof::transaction::{Membership, Opening, Tracker};
use crate::command::apply::{Call, Failure, library_name};
use crate::command::{self, Command, FIRST, KeyPositions};
use crate::keyspace::{Database, Key, ModuleData, Partitioning, Shard};
use crate::rdb::{self, LoadItem, LoadedKey, Loader};
use crate::resp;
use crate::server::ServerSet;
use crate::value::prefetch;
use crate::value::{History, Value};

/// How many bytes are read between two reports of progress.
const STEP: u64 = 1 << 20;

/// One thread: its shard of the keys, and what it knows of the log so far.
pub(super) struct Worker<'w, 'a, 'p> {
    index: usize,
    shards: &'w [Mutex<Shard<'a>>],
    partitioning: &'w Partitioning,
    own: Option<MutexGuard<'w, Shard<'a>>>,
    barrier: &'w Barrier,
    rendezvous: usize,
    options: Options<'p>,
    dispatch: DispatchCache<'a>,
    database: u32,
    /// The log's clock, in milliseconds of Unix time.
    now: i64,
    part: usize,
    /// The bytes of the parts before this one.
    base: u64,
    summary: Summary,
    /// Whether a command did something else than it would with the other `ExpiredFields`.
    diverged: Cell<bool>,
    reported: u64,
}

/// One command and where it stands.
#[derive(Clone, Copy)]
struct Logged<'r, 'a> {
    arguments: &'r [&'a [u8]],
    record: &'a [u8],
    offset: usize,
}

/// Commands that were read ahead, so that what they need is fetched side by side.
#[derive(Default)]
struct Queue<'a> {
    arguments: Vec<&'a [u8]>,
    commands: Vec<Queued>,
    /// The hashes of their keys, as far as those are told at a glance; the same arguments as in `probed_entries`.
    hashes: Vec<(u64, Range<usize>)>,
    /// Where those keys probably are, and the arguments of the command if it has one alone.
    probed_entries: Vec<(u32, Range<usize>)>,
    /// Where the members probably are that the commands are about, and the key that has them.
    members: Vec<(u32, u32)>,
}

impl<'a> Queue<'a> {
    /// Enough to fill the processor's queues of misses, few enough to stay in its cache.
    const LENGTH: usize = 32;
    /// Of a command with many keys, so many are looked for.
    const KEYS: usize = 64;
    /// Commands of many arguments need no company.
    const ARGUMENTS: usize = 4096;

    fn is_full(&self) -> bool {
        self.commands.len() >= Self::LENGTH
            || self.hashes.len() >= 2 * Self::LENGTH
            || self.arguments.len() >= Self::ARGUMENTS
    }

    /// Brings what the commands need into the cache: step by step, each for all of them, as the processor waits for
    /// many things at once as long as none depends on another.
    fn fetch(&mut self, database: &Database<'a>) {
        let hashes = self.hashes.drain(..);
        self.probed_entries.extend(hashes.filter_map(|(hash, arguments)| Some((database.probe(hash)?, arguments))));
        for (probe, _) in &self.probed_entries {
            database.prefetch(*probe);
        }
        for (probe, _) in &self.probed_entries {
            database.prefetch_value(*probe);
        }
        for (probe, arguments) in self.probed_entries.drain(..) {
            let arguments = self.arguments.get(arguments).unwrap_or_default();
            let place = database.probed(probe).and_then(|value| value.probe(arguments));
            self.members.extend(place.map(|place| (probe, place)));
        }
        for (probe, place) in self.members.drain(..) {
            if let Some(value) = database.probed(probe) {
                value.prefetch(place);
            }
        }
    }
}

/// A command in the queue.
struct Queued {
    /// The hash of its first argument, if that is its only key.
    hash: u64,
    arguments: Range<usize>,
    record: Range<usize>,
    dispatch: Dispatch,
}

/// The transactions of a part, and the commands of the open one: they are read again when `EXEC` is met.
#[derive(Default)]
struct Pending {
    transactions: Tracker,
    records: Vec<Range<usize>>,
    last_command_end: Option<u64>,
}

impl Pending {
    /// How the command with this number stands to transactions.
    #[inline]
    fn membership(&mut self, dispatch: Dispatch, number: u64, record: &Range<usize>) -> Membership {
        let command_end_before = self.last_command_end.replace(record.end as u64);
        match dispatch {
            Dispatch::Control(control) => {
                let opening = Opening { offset: record.start as u64, record: number, command_end_before };
                self.transactions.control(control, opening).0
            }
            _ => self.transactions.membership(),
        }
    }
}

/// Why the records of a part are read no further.
enum Stop {
    /// The part ended.
    EndOfPart,
    /// The replay ends here.
    Here(End, usize),
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<'w, 'a, 'p> Worker<'w, 'a, 'p> {
    pub(super) fn new(
        index: usize,
        (shards, partitioning): (&'w [Mutex<Shard<'a>>], &'w Partitioning),
        barrier: &'w Barrier,
        options: Options<'p>,
    ) -> Self {
        Self {
            index,
            shards,
            partitioning,
            own: shards.get(index).map(lock),
            barrier,
            rendezvous: 0,
            options,
            dispatch: DispatchCache::new(),
            database: 0,
            now: options.now,
            part: 0,
            base: 0,
            summary: Summary::default(),
            diverged: Cell::new(false),
            reported: 0,
        }
    }

    /// Whether this thread counts what all see.
    const fn is_primary(&self) -> bool {
        self.index == 0
    }

    /// Whether a key is in this thread's shard.
    #[inline]
    fn is_local(&self, key: Key<'_>) -> bool {
        self.partitioning.shard_of(key) == self.index
    }

    pub(super) fn run(mut self, parts: &[&'a [u8]]) -> Summary {
        let _guard = self.barrier.guard();
        for (index, bytes) in parts.iter().enumerate() {
            self.part = index;
            let last = index + 1 == parts.len();
            let (end, at) = self.read_part(bytes, last);
            self.summary.stopped = Place { part: index, offset: at as u64 };
            if !matches!(end, End::Whole) {
                self.summary.end = end;
                break;
            }
            self.base += bytes.len() as u64;
        }
        self.summary.database = self.database;
        self.summary.servers = self.dispatch.servers;
        self.summary.diverged = self.diverged.get();
        self.summary
    }

    /// Replays a part; why and where it stopped.
    fn read_part(&mut self, bytes: &'a [u8], last: bool) -> (End, usize) {
        // Servers load each part with a client of its own.
        self.database = 0;
        let mut start = 0;
        if rdb::is_rdb(bytes) {
            match self.load_rdb(bytes) {
                Ok(end) => start = end,
                Err(damage) => return (End::DamagedRdb(damage), 0),
            }
        }
        match self.records(bytes, start, last) {
            Stop::EndOfPart => (End::Whole, bytes.len()),
            Stop::Here(end, at) => (end, at),
        }
    }

    fn records(&mut self, bytes: &'a [u8], start: usize, last: bool) -> Stop {
        let limit = match self.options.until {
            Until::Offset(offset) if last => usize::try_from(offset).unwrap_or(usize::MAX),
            _ => usize::MAX,
        };
        let mut position = start;
        let mut queue = Queue::default();
        let mut pending = Pending::default();
        let mut number = 0;
        let end = loop {
            number += 1;
            let begun = queue.arguments.len();
            let Outline { end, annotation } = match reader::record_at(bytes, position, number, &mut queue.arguments) {
                Some(Ok(outline)) if outline.end > limit => break Some(End::Stopped),
                Some(Ok(outline)) => outline,
                Some(Err(damage)) => break Some(End::Damaged(damage)),
                None => break None,
            };
            match annotation {
                None => {
                    self.admit(bytes, &mut queue, begun, (number, position..end), &mut pending);
                    position = end;
                    if self.report(position) {
                        break Some(End::Stopped);
                    }
                }
                Some(line) => {
                    self.flush(bytes, &mut queue);
                    if !self.annotation(line) {
                        break Some(End::Stopped);
                    }
                    position = end;
                }
            }
        };
        self.flush(bytes, &mut queue);
        let open = pending.transactions.open().and_then(|opening| usize::try_from(opening.offset).ok());
        match (end, open) {
            (Some(end), open) => Stop::Here(end, open.unwrap_or(position)),
            (None, Some(start)) => Stop::Here(End::OpenTransaction, start),
            (None, None) => Stop::EndOfPart,
        }
    }

    /// Takes note of an annotation; returns whether the replay goes on.
    fn annotation(&mut self, line: &[u8]) -> bool {
        self.dispatch.servers = self.dispatch.servers.and(ServerSet::WITH_ANNOTATIONS);
        if let Some(seconds) = reader::timestamp(line) {
            if matches!(self.options.until, Until::Time(time) if seconds > time) {
                return false;
            }
            self.summary.last_timestamp = Some(seconds);
            self.now = seconds.saturating_mul(1000);
        }
        true
    }

    /// Takes a command whose arguments were just read: into the open transaction, or into the queue.
    #[inline]
    fn admit(
        &mut self,
        bytes: &'a [u8],
        queue: &mut Queue<'a>,
        begun: usize,
        (number, record): (u64, Range<usize>),
        pending: &mut Pending,
    ) {
        let dispatch = self.dispatch.of(queue.arguments.get(begun..).unwrap_or_default());
        let membership = pending.membership(dispatch, number, &record);
        match membership {
            Membership::Outside => return self.enqueue(bytes, queue, begun, record, dispatch),
            Membership::Opens => {}
            Membership::Inside => pending.records.push(record),
            Membership::Closes => {
                self.summary.commands += 2;
                queue.arguments.truncate(begun);
                // All at once, as no other command comes between.
                for record in std::mem::take(&mut pending.records) {
                    let begun = queue.arguments.len();
                    if resp::parse(bytes, record.start, &mut queue.arguments).is_ok() {
                        let dispatch = self.dispatch.of(queue.arguments.get(begun..).unwrap_or_default());
                        self.enqueue(bytes, queue, begun, record, dispatch);
                    }
                }
                return;
            }
        }
        queue.arguments.truncate(begun);
    }

    /// Puts a command into the queue, unless another thread applies it.
    #[inline]
    fn enqueue(
        &mut self,
        bytes: &'a [u8],
        queue: &mut Queue<'a>,
        begun: usize,
        record: Range<usize>,
        dispatch: Dispatch,
    ) {
        let arguments = queue.arguments.get(begun..).unwrap_or_default();
        let mut hash = 0;
        match dispatch {
            Dispatch::FirstKey(_) => {
                hash = arguments.get(1).map_or(0, |key| Key::new(key).hash);
                if arguments.len() > 1 && !self.is_local(Key { bytes: &[], hash }) {
                    queue.arguments.truncate(begun);
                    self.summary.commands += 1;
                    return;
                }
                queue.hashes.push((hash, begun..queue.arguments.len()));
            }
            Dispatch::Keys(row) => {
                let keys = row.keys(arguments).take(Queue::KEYS).filter_map(|index| arguments.get(index));
                let own = keys.map(|key| Key::new(key)).filter(|key| self.is_local(*key));
                queue.hashes.extend(own.map(|key| (key.hash, 0..0)));
            }
            _ => {}
        }
        queue.commands.push(Queued { hash, arguments: begun..queue.arguments.len(), record, dispatch });
        if queue.is_full() {
            self.flush(bytes, queue);
        }
    }

    /// Applies the commands in the queue.
    fn flush(&mut self, bytes: &'a [u8], queue: &mut Queue<'a>) {
        if let Some(database) = self.own.as_deref().and_then(|own| own.database(self.database)) {
            queue.fetch(database);
        }
        for Queued { hash, arguments, record, dispatch } in queue.commands.drain(..) {
            let arguments = queue.arguments.get(arguments).unwrap_or_default();
            let logged = Logged { arguments, offset: record.start, record: bytes.get(record).unwrap_or_default() };
            self.apply(logged, hash, dispatch);
        }
        queue.hashes.clear();
        queue.arguments.clear();
    }

    /// Reports progress, and says whether what is done here is of no use any more.
    fn report(&mut self, position: usize) -> bool {
        let at = self.base + position as u64;
        if at < self.reported + STEP {
            return false;
        }
        if self.is_primary() {
            self.options.progress.reach(at);
        }
        self.reported = at;
        self.barrier.is_given_up()
    }

    #[inline]
    fn apply(&mut self, command: Logged<'_, 'a>, hash: u64, dispatch: Dispatch) {
        self.summary.commands += 1;
        match dispatch {
            // The key is in this shard: others were not put into the queue.
            Dispatch::FirstKey(row) => match command.arguments.get(1) {
                Some(bytes) => self.apply_here(command, row, Some(Key { bytes, hash })),
                None if self.is_primary() => self.failed(command, Failure::Arity),
                None => {}
            },
            Dispatch::Keys(row) => self.apply_to_keys(command, row),
            Dispatch::Select => self.select(command),
            Dispatch::Ignored | Dispatch::Control(_) => self.summary.ignored += 1,
            Dispatch::Unknown | Dispatch::Container => self.unknown(command),
        }
    }

    fn select(&mut self, command: Logged<'_, 'a>) {
        // Servers have as many databases as they are configured for.
        match command.arguments.get(1).and_then(|text| database_number(text)) {
            Some(number) => self.database = number,
            None if self.is_primary() => self.failed(command, Failure::other("invalid DB index")),
            None => {}
        }
    }

    /// Applies a command whose keys its row gives.
    fn apply_to_keys(&mut self, command: Logged<'_, 'a>, row: &'static Command) {
        if row.key_positions == KeyPositions::None
            && let Some(scope) = Scope::of(row)
        {
            return self.apply_flush(command, row, scope);
        }
        if row.by_key || self.shards.len() == 1 {
            return self.apply_here(command, row, None);
        }
        let mut keys = row.keys(command.arguments).filter_map(|index| command.arguments.get(index));
        let shard = |key: &&[u8]| self.partitioning.shard_of(Key::new(key));
        let Some(first) = keys.next().map(shard) else { return self.apply_here(command, row, None) };
        // SORT reads the keys that its patterns give besides.
        if row.key_positions == KeyPositions::Sort {
            return self.apply_together(command, row);
        }
        if keys.all(|key| shard(key) == first) {
            if first == self.index {
                self.apply_here(command, row, None);
            }
            return;
        }
        self.apply_together(command, row);
    }

    /// Empties this thread's shard, and remembers how many keys that removed.
    fn apply_flush(&mut self, command: Logged<'_, 'a>, row: &'static Command, scope: Scope) {
        let place = self.place(command);
        let flush = self.own.as_deref().map(|own| scope.flush(own, self.database, place));
        match (self.run_here(command, row, None), flush) {
            (Ok(()), Some(flush)) => flushes::remember(&mut self.summary.flushes, flush),
            (Ok(()), None) => {}
            (Err(failure), _) => self.could_not(command, row, failure),
        }
    }

    /// Applies a command to this thread's shard.
    #[inline]
    fn apply_here(&mut self, command: Logged<'_, 'a>, row: &'static Command, key: Option<Key<'a>>) {
        if let Err(failure) = self.run_here(command, row, key) {
            self.could_not(command, row, failure);
        }
    }

    #[inline]
    fn run_here(
        &mut self,
        command: Logged<'_, 'a>,
        row: &'static Command,
        key: Option<Key<'a>>,
    ) -> Result<(), Failure> {
        let Some(apply) = row.apply else { return Ok(()) };
        let created = self.base + command.offset as u64;
        let Some(own) = self.own.as_deref_mut() else { return Ok(()) };
        let call = Call::on_shard(command.arguments, own, self.index, self.partitioning);
        let mut call = call.with_record(command.record).with_key(key);
        (call.database, call.now, call.created) = (self.database, self.now, created);
        self.options.imitate(&mut call);
        call.diverged = Some(&self.diverged);
        apply.run(&mut call)
    }

    /// Applies a command to all shards, while their threads wait.
    fn apply_together(&mut self, command: Logged<'_, 'a>, row: &'static Command) {
        self.own = None;
        let rendezvous = self.rendezvous;
        self.rendezvous += 1;
        let mut failure = None;
        self.barrier.wait_at(rendezvous, self.is_primary(), || {
            let mut guards: Vec<_> = self.shards.iter().map(lock).collect();
            // They are moved together, and back: nobody else looks at them before the guards are gone.
            let mut shards: Vec<Shard<'a>> = guards.iter_mut().map(|guard| std::mem::take(&mut **guard)).collect();
            let call = Call::on_shards(command.arguments, &mut shards, self.partitioning);
            let mut call = call.with_record(command.record);
            (call.database, call.now, call.created) = (self.database, self.now, self.base + command.offset as u64);
            self.options.imitate(&mut call);
            call.diverged = Some(&self.diverged);
            failure = row.apply.and_then(|apply| apply.run(&mut call).err());
            guards.iter_mut().zip(shards).for_each(|(guard, shard)| **guard = shard);
        });
        self.own = self.shards.get(self.index).map(lock);
        if let Some(failure) = failure {
            self.could_not(command, row, failure);
        }
    }

    /// A command that failed: because its key is known by its commands only, or as on a server.
    #[cold]
    fn could_not(&mut self, command: Logged<'_, 'a>, row: &'static Command, failure: Failure) {
        if failure == Failure::UnknownValue {
            let mut keys = row.keys(command.arguments);
            if keys.len() == 1 && keys.next() == Some(1) {
                self.keep(command);
            } else {
                self.note_unknown(command, Keepable::No);
            }
        } else if let Failure::DamagedPayload(kind) = failure {
            let key = command.arguments.get(1).copied().unwrap_or_default().to_vec();
            self.damaged(DamagedValue { place: self.place(command), key, kind: *kind });
        } else {
            // Commands without keys fail for every thread, and count once.
            if self.is_primary() || row.keys(command.arguments).next().is_some() && !row.by_key {
                self.failed(command, failure);
            }
        }
    }

    #[cold]
    fn damaged(&mut self, value: DamagedValue) {
        self.summary.damaged = DamagedValue::first(self.summary.damaged.take(), Some(value));
    }

    #[cold]
    fn failed(&mut self, command: Logged<'_, 'a>, failure: Failure) {
        self.summary.failed += 1;
        if self.summary.failures.len() < FAILURES {
            let name = command.arguments.first().copied().unwrap_or_default().to_vec();
            self.summary.failures.push(FailedCommand { place: self.place(command), name, failure });
        }
    }

    fn place(&self, command: Logged<'_, 'a>) -> Place {
        Place { part: self.part, offset: command.offset as u64 }
    }

    /// A command that no row applies.
    #[cold]
    fn unknown(&mut self, command: Logged<'_, 'a>) {
        // Where a row says that the first argument is not the only key, what the command did cannot be kept with one
        // key.
        let row = command::resolve(command.arguments).row();
        let is_keepable = row.is_none_or(|row| row.key_positions == FIRST && !runs_others(row));
        let Some(key) = command.arguments.get(1).filter(|_| is_keepable) else {
            if self.is_primary() {
                self.note_unknown(command, Keepable::No);
            }
            return;
        };
        if self.is_local(Key::new(key)) {
            self.keep(command);
        }
    }

    /// Keeps a command with its key.
    fn keep(&mut self, command: Logged<'_, 'a>) {
        self.note_unknown(command, Keepable::Yes);
        let (Some(&name), Unknown::Keep) = (command.arguments.get(1), self.options.unknown) else { return };
        let Some(own) = self.own.as_deref_mut() else { return };
        let database = own.database_mut(self.database);
        let key = Key::new(name);
        match database.get_mut(key) {
            Some(mut entry) => match &mut entry.value {
                Value::History(history) => history.records.push(command.record),
                other => {
                    let base = std::mem::replace(other, Value::String(crate::value::Bytes::default()));
                    *other = Value::History(Box::new(History { base: Some(base), records: vec![command.record] }));
                }
            },
            None => {
                let history = History { base: None, records: vec![command.record] };
                database.add(key, Value::History(Box::new(history)), self.base + command.offset as u64);
            }
        }
    }

    fn note_unknown(&mut self, command: Logged<'_, 'a>, keepable: Keepable) {
        let name = command.arguments.first().copied().unwrap_or_default().to_ascii_uppercase();
        let first = self.place(command);
        let keepable = keepable == Keepable::Yes;
        let known = self.summary.unknown.entry(name).or_insert(UnknownCommandStats { first, count: 0, keepable });
        known.count += 1;
        known.keepable &= keepable;
    }

    /// Takes the keys of this shard out of an RDB, and returns where it ends.
    ///
    /// Every thread walks it: that costs little, as each verifies the values of its own keys alone.
    fn load_rdb(&mut self, bytes: &'a [u8]) -> Result<usize, Box<crate::rdb::Damage>> {
        let mut loader = Loader::new(bytes, 0);
        let mut hash = 0;
        let mut mine = Vec::with_capacity(Queue::LENGTH);
        let mut damage = None;
        while let Some(item) = loader.next_wanted(|key| {
            let key = Key::new(key);
            hash = key.hash;
            self.is_local(key)
        }) {
            match item {
                Ok(LoadItem::Function(code)) => {
                    if let (Some(own), Some(name)) = (self.own.as_deref_mut(), library_name(&code)) {
                        own.functions.insert(name, code);
                    }
                }
                Ok(LoadItem::Key(mut key)) => {
                    if let Some(damage) = key.damage.take() {
                        let place = Place { part: self.part, offset: damage.offset };
                        self.damaged(DamagedValue { place, key: key.key.to_vec(), kind: damage.kind });
                    }
                    mine.push((hash, key, self.base + loader.item_offset()));
                    if mine.len() == Queue::LENGTH {
                        self.load_keys(&mut mine);
                    }
                }
                Ok(LoadItem::ModuleAux { module, when, data }) if self.is_primary() => {
                    let kept = ModuleData { module: module.0, when, data };
                    self.own.as_deref_mut().map(|own| &mut own.module_data).into_iter().for_each(|all| all.push(kept));
                }
                Ok(_) => {}
                Err(found) => {
                    damage = Some(found);
                    break;
                }
            }
            self.report(usize::try_from(loader.position()).unwrap_or(usize::MAX));
        }
        self.load_keys(&mut mine);
        damage.map_or_else(|| Ok(usize::try_from(loader.position()).unwrap_or(usize::MAX)), Err)
    }

    /// Takes keys of this shard, given with their hashes and offsets; the later of two with the same name counts.
    fn load_keys(&mut self, keys: &mut Vec<(u64, LoadedKey<'a>, u64)>) {
        let Some(own) = self.own.as_deref_mut() else { return };
        let number = |key: &LoadedKey<'_>| u32::try_from(key.database).unwrap_or(u32::MAX);
        // Where they belong in the table is fetched for all of them at once.
        for (hash, key, _) in &*keys {
            prefetch(own.database(number(key)).and_then(|database| database.probe(*hash)));
        }
        for (hash, key, created) in keys.drain(..) {
            self.summary.rdb_keys += 1;
            let database = own.database_mut(number(&key));
            let (value, expiry) = (key.value, key.expiry);
            match database.get_mut(Key { bytes: &key.key, hash }) {
                Some(mut entry) => {
                    entry.value = value;
                    entry.set_expiry(expiry);
                }
                None => database.add_loaded(hash, key.key, value, expiry, created),
            }
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Keepable {
    Yes,
    No,
}
