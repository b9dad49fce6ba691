//! One range of records, read without knowing what came before it.

use std::collections::BTreeSet;

use memchr::{memchr, memmem};

use super::anomaly::{Anomalies, Anomaly, PayloadEffect, shortened};
use super::flush::{self, Flush};
use super::header::{HeaderCache, PlainHeader};
use crate::aof::database::database_number;
use crate::aof::reader::{self, Damage, Outline};
use crate::aof::transaction::{Control, Opening, Tracker};
use crate::command::{self, Command, Effect};
use crate::rdb::dump::Restoration;
use crate::resp::{self, Head};
use crate::server::{Server, ServerSet};

/// A control command met before it is known whether a transaction is open.
#[derive(Debug, Clone, Copy)]
pub(super) struct Event {
    pub(super) control: Control,
    pub(super) opening: Opening,
}

/// The bytes of a part, and a copy of those around a window.
#[derive(Clone, Copy)]
pub(super) struct Source<'b> {
    whole: &'b [u8],
    /// What the whole holds from `start` on: a copy in the processor's cache, or the whole itself.
    near: &'b [u8],
    start: usize,
}

impl<'b> Source<'b> {
    /// All bytes.
    pub(super) const fn whole(whole: &'b [u8]) -> Self {
        Self { whole, near: whole, start: 0 }
    }

    /// The bytes from `start` on as a copy; the whole is asked where a record leaves it.
    pub(super) const fn copied(whole: &'b [u8], near: &'b [u8], start: usize) -> Self {
        Self { whole, near, start }
    }

    /// The index of an offset in the copy; after its end for an offset outside of it.
    #[inline]
    const fn place(self, offset: usize) -> usize {
        offset.wrapping_sub(self.start)
    }

    /// A record boundary in `from..limit`, guessed; `None` as well where the record leaves the copy.
    pub(super) fn guess_boundary(self, from: usize, limit: usize) -> Option<usize> {
        guess_boundary(self.near, self.place(from), self.place(limit)).map(|place| place + self.start)
    }

    /// The record at an offset: where it ends, or what is wrong with it in the whole.
    #[inline]
    fn record(self, at: usize, number: u64, head: &mut Head<'b>) -> Option<Result<Outline<'b>, Damage>> {
        match reader::record_at(self.near, self.place(at), number, head) {
            // An annotation that ends with the copy may have been cut by it.
            Some(Ok(Outline { end, annotation })) if annotation.is_none() || end < self.near.len() => {
                Some(Ok(Outline { end: end + self.start, annotation }))
            }
            _ => {
                *head = Head::default();
                reader::record_at(self.whole, at, number, head)
            }
        }
    }
}

/// A command that empties a database, or all.
#[derive(Debug)]
pub(super) struct WindowFlush {
    pub(super) flush: Flush,
    /// Whether it is the database that was selected before the window.
    pub(super) inherits_database: bool,
    /// How many of [`Window::leading`] come before it, if its transaction depends on them.
    pub(super) leading: Option<usize>,
}

/// What was found between two record boundaries. Record numbers count from the window's start, offsets from the file's.
#[derive(Debug)]
pub(super) struct Window {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) records: u64,
    /// `None` when there is none in this window.
    pub(super) last_command_end: Option<u64>,
    pub(super) annotations: u64,
    pub(super) arguments: u64,
    /// The control commands up to the first `EXEC`: what they do depends on what came before.
    pub(super) leading: Vec<Event>,
    /// The transactions after that `EXEC`.
    pub(super) transactions: Option<Tracker>,
    /// Whether a command was executed before the first `SELECT`.
    pub(super) inherits_database: bool,
    /// The databases that were selected and used.
    pub(super) databases: BTreeSet<u32>,
    /// The database that the last `SELECT` chose.
    pub(super) database: Option<u32>,
    /// Whether a command takes the expiry of a field away.
    pub(super) keeps_fields: bool,
    /// The last commands that empty databases.
    pub(super) flushes: Vec<WindowFlush>,
    pub(super) first_timestamp: Option<i64>,
    pub(super) last_timestamp: Option<i64>,
    /// The servers that know all commands, those aside that no server knows, and the annotations.
    pub(super) servers: ServerSet,
    pub(super) anomalies: Anomalies,
    pub(super) damage: Option<Damage>,
    limit: usize,
}

/// Where a window begins and where it may end: at the first boundary at or after the limit.
#[derive(Debug, Clone, Copy)]
pub(super) struct ScanRange {
    /// A record boundary, guessed or proven.
    pub(super) start: usize,
    pub(super) limit: usize,
}

/// Plain commands that were passed over, kept in registers; the end is an index of the copy.
#[derive(Clone, Copy)]
struct Passed {
    end: usize,
    records: u64,
    arguments: u64,
    servers: ServerSet,
}

impl Passed {
    fn nothing(end: usize) -> Self {
        Self { end, records: 0, arguments: 0, servers: ServerSet::ALL }
    }

    #[inline]
    fn add(&mut self, header: PlainHeader, end: usize) {
        self.end = end;
        self.records += 1;
        self.arguments += u64::from(header.count);
        self.servers = self.servers.and(header.servers);
    }
}

impl Window {
    fn new(ScanRange { start, limit }: ScanRange) -> Self {
        Self {
            start,
            end: start,
            records: 0,
            last_command_end: None,
            annotations: 0,
            arguments: 0,
            leading: Vec::new(),
            transactions: None,
            inherits_database: false,
            databases: BTreeSet::new(),
            database: None,
            keeps_fields: false,
            flushes: Vec::new(),
            first_timestamp: None,
            last_timestamp: None,
            servers: ServerSet::ALL,
            anomalies: Anomalies::default(),
            damage: None,
            limit,
        }
    }

    /// Reads the records of a range.
    pub(super) fn read(source: Source<'_>, range: ScanRange, memory: &mut Memory) -> Self {
        let mut window = Self::new(range);
        window.finish(source, memory);
        window
    }

    /// Reads the records of two ranges side by side.
    ///
    /// Where an argument ends is known only when its length was read, so that one range alone leaves the processor
    /// waiting; the other fills the gaps.
    pub(super) fn read_two(source: Source<'_>, ranges: [ScanRange; 2], memory: &mut Memory) -> [Self; 2] {
        let [mut one, mut other] = ranges.map(Self::new);
        while !one.is_done() && !other.is_done() {
            Self::plain_commands_of_two(source, &mut one, &mut other, memory);
            one.step(source, memory);
            other.step(source, memory);
        }
        one.finish(source, memory);
        other.finish(source, memory);
        [one, other]
    }

    fn finish(&mut self, source: Source<'_>, memory: &mut Memory) {
        while !self.is_done() {
            self.plain_commands(source, memory);
            self.step(source, memory);
        }
    }

    fn is_done(&self) -> bool {
        self.end >= self.limit || self.damage.is_some()
    }

    /// One record, whatever it is, unless all are read.
    fn step(&mut self, source: Source<'_>, memory: &mut Memory) {
        if self.is_done() {
            return;
        }
        let place = source.place(self.end);
        if let Some((control, end)) = memory.headers.control(source.near, place) {
            return self.known_control(control, source.start + end);
        }
        if let Some((header, end)) = memory.headers.plain_command(source.near, place) {
            let mut passed = Passed::nothing(place);
            passed.add(header, end);
            return self.pass(source, passed);
        }
        let mut head = Head::default();
        match source.record(self.end, self.records + 1, &mut head) {
            Some(Ok(Outline { end, annotation: None })) => self.command(source, &head, end, memory),
            Some(Ok(Outline { end, annotation: Some(line) })) => self.annotation(source, line, end),
            Some(Err(damage)) => self.damage = Some(damage),
            None => self.limit = self.end,
        }
    }

    /// Passes over commands as long as each has a header that is known to be plain.
    #[inline]
    fn plain_commands(&mut self, source: Source<'_>, memory: &Memory) {
        let bytes = source.near;
        let limit = source.place(self.limit);
        let mut passed = Passed::nothing(source.place(self.end));
        while passed.end < limit
            && let Some((header, end)) = memory.headers.plain_command(bytes, passed.end)
        {
            passed.add(header, end);
        }
        self.pass(source, passed);
    }

    /// The same in two windows, a command of each in turn.
    #[inline]
    fn plain_commands_of_two(source: Source<'_>, one: &mut Self, other: &mut Self, memory: &Memory) {
        /// A command with this many arguments keeps the processor busy for longer than it can look ahead.
        const MANY: u32 = 8;
        let bytes = source.near;
        let (limit, other_limit) = (source.place(one.limit), source.place(other.limit));
        let mut first = Passed::nothing(source.place(one.end));
        let mut second = Passed::nothing(source.place(other.end));
        while first.end < limit
            && second.end < other_limit
            && let Some(header) = memory.headers.plain(bytes, first.end)
            && let Some(other_header) = memory.headers.plain(bytes, second.end)
        {
            let (count, other_count) = (header.count, other_header.count);
            let both = if count > MANY && other_count > MANY { count.min(other_count) - 1 } else { 0 };
            if let Some((start, other_start)) = resp::skip_arguments_of_two(bytes, header.end, other_header.end, both)
                && let Some(end) = resp::skip_arguments(bytes, start, count - 1 - both)
                && let Some(other_end) = resp::skip_arguments(bytes, other_start, other_count - 1 - both)
            {
                first.add(header, end);
                second.add(other_header, other_end);
            } else {
                break;
            }
        }
        one.pass(source, first);
        other.pass(source, second);
    }

    /// Takes in the plain commands that were passed over.
    fn pass(&mut self, source: Source<'_>, passed: Passed) {
        if passed.records > 0 {
            self.records += passed.records;
            self.arguments += passed.arguments;
            self.servers = self.servers.and(passed.servers);
            self.end = source.start + passed.end;
            self.last_command_end = Some(self.end as u64);
            self.used();
        }
    }

    /// A command that opens or closes a transaction, and has no arguments.
    fn known_control(&mut self, control: Control, end: usize) {
        self.records += 1;
        self.arguments += 1;
        self.control(control);
        self.end = end;
        self.last_command_end = Some(end as u64);
    }

    /// One command, parsed in full.
    fn command(&mut self, source: Source<'_>, head: &Head<'_>, end: usize, memory: &mut Memory) {
        self.records += 1;
        self.arguments += u64::from(head.count);
        let servers = servers_knowing(head);
        self.servers = self.servers.and(servers);
        match memory.judge(source.near, source.place(self.end), head, servers) {
            Judgement::Plain => self.used(),
            Judgement::KeepsFields => {
                self.used();
                self.keeps_fields = true;
            }
            Judgement::Flush(row) => {
                self.used();
                self.flush(row);
            }
            Judgement::Restore => {
                self.used();
                self.restore(source.whole, memory.server);
            }
            judgement => self.special(judgement, head, memory.server),
        }
        self.end = end;
        self.last_command_end = Some(end as u64);
    }

    #[inline]
    fn used(&mut self) {
        if self.database.is_none() {
            self.inherits_database = true;
        }
    }

    fn annotation(&mut self, source: Source<'_>, line: &[u8], end: usize) {
        self.records += 1;
        self.annotations += 1;
        self.servers = self.servers.and(ServerSet::WITH_ANNOTATIONS);
        if let Some(timestamp) = reader::timestamp(line) {
            self.first_timestamp.get_or_insert(timestamp);
            self.last_timestamp = Some(timestamp);
        }
        if end == source.whole.len() && !source.whole.ends_with(b"\n") {
            self.report(Anomaly::CutAnnotation);
        }
        self.end = end;
    }

    /// Notes an anomaly of the record that is being read.
    fn report(&mut self, anomaly: Anomaly) {
        self.anomalies.add(anomaly, self.end as u64, self.records);
    }

    #[cold]
    #[inline(never)]
    fn special(&mut self, judgement: Judgement, head: &Head<'_>, server: Server) {
        if memchr(0, head.name).is_some() {
            self.report(Anomaly::NulInName(shortened(head.name)));
        }
        match judgement {
            Judgement::Plain | Judgement::KeepsFields | Judgement::Flush(_) | Judgement::Restore => {}
            Judgement::Control(control) => self.control(control),
            Judgement::Select => self.select(head, server),
            Judgement::UnknownCommand => self.report(Anomaly::UnknownCommand(shortened(head.name))),
            Judgement::UnknownSubcommand(row) => {
                self.report(Anomaly::UnknownSubcommand { command: row.name, subcommand: shortened(head.second) });
            }
            Judgement::ServerCommand(row) => self.report(Anomaly::ServerCommand(row.name)),
            Judgement::Script(row) => self.report(Anomaly::Script(row.name)),
            Judgement::WrongArity(row) => {
                // It has its effect on transactions all the same.
                if let Some(control) = Control::from_name(head.name) {
                    self.control(control);
                }
                self.report(Anomaly::WrongArity(row.name));
            }
        }
    }

    /// A command that empties a database, or all.
    #[cold]
    fn flush(&mut self, row: &Command) {
        let is_of_one = row.name == "flushdb";
        let database = self.database.filter(|_| is_of_one);
        let transaction = self.transactions.and_then(|transactions| transactions.open()).map(|open| open.offset);
        let flush = Flush { offset: self.end as u64, record: self.records, transaction, database };
        let leading = if self.transactions.is_some() { None } else { Some(self.leading.len()) };
        let flush = WindowFlush { flush, inherits_database: is_of_one && database.is_none(), leading };
        flush::remember(&mut self.flushes, flush);
    }

    /// The RESTORE at the end of what was read.
    #[cold]
    #[inline(never)]
    fn restore(&mut self, bytes: &[u8], server: Server) {
        let mut arguments: Vec<&[u8]> = Vec::new();
        if resp::parse(bytes, self.end, &mut arguments).is_err() {
            return;
        }
        let (effect, fault) = match command::restoration(&arguments, server) {
            Some(Restoration::Exits(fault)) => (PayloadEffect::Exits, fault),
            Some(Restoration::Crashes(fault)) => (PayloadEffect::Crashes, fault),
            Some(Restoration::Fails(fault)) => (PayloadEffect::KeyMissing, fault),
            Some(Restoration::Overlooks(fault)) => (PayloadEffect::Overlooked, fault),
            Some(Restoration::Works) | None => return,
        };
        let key = shortened(arguments.get(1).copied().unwrap_or_default());
        self.report(Anomaly::Payload { effect, key, fault: fault.to_string() });
    }

    fn control(&mut self, control: Control) {
        let command_end_before = self.last_command_end;
        let opening = Opening { offset: self.end as u64, record: self.records, command_end_before };
        match &mut self.transactions {
            Some(transactions) => {
                let (_, misplaced) = transactions.control(control, opening);
                if let Some(misplaced) = misplaced {
                    self.report(Anomaly::Misplaced(misplaced));
                }
            }
            None => {
                self.leading.push(Event { control, opening });
                if control == Control::Exec {
                    self.transactions = Some(Tracker::default());
                }
            }
        }
    }

    fn select(&mut self, head: &Head<'_>, server: Server) {
        match database_number(head.second).filter(|number| *number < server.databases()) {
            Some(number) => {
                self.database = Some(number);
                // Servers write SELECT only before a command, so the selected database is used.
                self.databases.insert(number);
            }
            None => self.report(Anomaly::NoSuchDatabase(shortened(head.second))),
        }
    }
}

/// What a command's head says about it.
#[derive(Debug, Clone, Copy)]
enum Judgement {
    Plain,
    /// Plain, and may take the expiry of a field away.
    KeepsFields,
    /// Plain, and empties databases.
    Flush(&'static Command),
    Control(Control),
    Select,
    Restore,
    UnknownCommand,
    UnknownSubcommand(&'static Command),
    ServerCommand(&'static Command),
    Script(&'static Command),
    WrongArity(&'static Command),
}

/// What a thread knows of commands: what the server makes of them, and which headers were found to be plain.
#[derive(Debug)]
pub(super) struct Memory {
    server: Server,
    headers: HeaderCache,
}

impl Memory {
    pub(super) fn new(server: Server) -> Self {
        Self { server, headers: HeaderCache::default() }
    }

    /// What the command at `at` is, which has this head.
    fn judge(&mut self, bytes: &[u8], at: usize, head: &Head<'_>, servers: ServerSet) -> Judgement {
        let Some(row) = command::known_to(self.server, name_and_subcommand(&[head.name, head.second], head.count))
        else {
            return match command::lookup(head.name) {
                Some(row) if row.servers.contains(self.server) => Judgement::UnknownSubcommand(row),
                _ => Judgement::UnknownCommand,
            };
        };
        if !command::arity_fits(row, self.server, head.count as usize) {
            return Judgement::WrongArity(row);
        }
        if let Some(control) = Control::from_name(head.name) {
            // Redis takes further arguments, and then the header is not all of the command.
            if head.count == 1 {
                self.headers.remember(bytes, at, head, Some(control), servers);
            }
            return Judgement::Control(control);
        }
        if head.name.eq_ignore_ascii_case(b"select") {
            return Judgement::Select;
        }
        if command::is_restore(row) {
            return Judgement::Restore;
        }
        // Redis 6.2 logs SCRIPT LOAD and SCRIPT FLUSH, and flags the traps for stray HTTP as readers.
        let is_control = row.effect == Effect::Control && !row.name.starts_with("script");
        if is_control || matches!(row.name, "post" | "host:") {
            return Judgement::ServerCommand(row);
        }
        if !self.server.logs_scripts() && (row.name.starts_with("eval") || row.name.starts_with("fcall")) {
            return Judgement::Script(row);
        }
        // Looked up every time, so that each window knows of its own.
        if matches!(row.name, "hpersist" | "hgetex") {
            return Judgement::KeepsFields;
        }
        if matches!(row.name, "flushall" | "flushdb") {
            return Judgement::Flush(row);
        }
        // What a container runs depends on its second argument: it is looked up every time.
        if command::lookup(head.name).is_some_and(|row| row.subcommands.is_empty()) {
            self.headers.remember(bytes, at, head, None, servers);
        }
        Judgement::Plain
    }
}

/// The arguments of a command that name it.
fn name_and_subcommand<'h>(arguments: &'h [&'h [u8]; 2], count: u32) -> &'h [&'h [u8]] {
    arguments.get(..count.min(2) as usize).unwrap_or(arguments)
}

/// The servers that know the command with this head; all of them if none does, as that tells nothing.
fn servers_knowing(head: &Head<'_>) -> ServerSet {
    command::servers_knowing(name_and_subcommand(&[head.name, head.second], head.count))
}

/// A record boundary in `from..limit`, guessed: after a line end, a whole record that another one or the end follows.
fn guess_boundary(bytes: &[u8], from: usize, limit: usize) -> Option<usize> {
    // The line end may be the last two bytes of the window before.
    let begin = from.saturating_sub(2);
    let haystack = bytes.get(begin..limit)?;
    memmem::find_iter(haystack, b"\r\n*").map(|index| begin + index + 2).find(|boundary| {
        let end = resp::parse(bytes, *boundary, &mut Head::default());
        end.is_ok_and(|end| matches!(bytes.get(end), None | Some(b'*' | b'#')))
    })
}
