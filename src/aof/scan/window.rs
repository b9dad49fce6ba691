//! One stretch of records, read without knowing what came before it.

use std::collections::BTreeSet;

use memchr::{memchr, memmem};

use super::oddity::{Oddities, Oddity, shortened};
use crate::aof::reader::{self, Damage};
use crate::aof::transaction::{Control, Opening, Tracker};
use crate::command::{self, Command, Effect};
use crate::resp::{self, Head};
use crate::server::Server;

/// Servers have 16 databases unless configured otherwise.
const DATABASES: u32 = 16;

/// A control command met before it is known whether a transaction is open.
#[derive(Debug, Clone, Copy)]
pub(super) struct Event {
    pub(super) control: Control,
    pub(super) opening: Opening,
}

/// What was found between two record boundaries. Record numbers count from the window's start, offsets from the file's.
#[derive(Debug)]
pub(super) struct Window<'a> {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) records: u64,
    /// `None` when there is none in this window.
    pub(super) last_command_end: Option<u64>,
    pub(super) annotations: u64,
    pub(super) arguments: u64,
    /// The control commands up to the first `EXEC`: what they do depends on what came before.
    pub(super) leading: Vec<Event>,
    /// The transactions behind that `EXEC`.
    pub(super) transactions: Option<Tracker>,
    /// Whether a command was executed before the first `SELECT`.
    pub(super) inherits_database: bool,
    /// The databases that were selected and used.
    pub(super) databases: BTreeSet<u32>,
    /// The database that the last `SELECT` chose.
    pub(super) database: Option<u32>,
    pub(super) first_timestamp: Option<i64>,
    pub(super) last_timestamp: Option<i64>,
    pub(super) oddities: Oddities,
    pub(super) damage: Option<Damage>,
    bytes: &'a [u8],
}

impl<'a> Window<'a> {
    /// Reads records from the boundary `start` to the first boundary at or behind `limit`.
    pub(super) fn read(bytes: &'a [u8], start: usize, limit: usize, memory: &mut Memory<'a>) -> Self {
        let mut window = Self {
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
            first_timestamp: None,
            last_timestamp: None,
            oddities: Oddities::default(),
            damage: None,
            bytes,
        };
        while window.end < limit && window.damage.is_none() {
            match bytes.get(window.end) {
                Some(b'*') => window.command(memory),
                Some(b'#') => window.annotation(),
                Some(&found) => window.damage = Some(reader::no_record(window.end, window.records + 1, found)),
                None => break,
            }
        }
        window
    }

    #[inline]
    fn command(&mut self, memory: &mut Memory<'a>) {
        let mut head = Head::default();
        match resp::parse(self.bytes, self.end, &mut head) {
            Ok(end) => {
                self.records += 1;
                self.arguments += u64::from(head.count);
                match memory.judge(&head) {
                    Judgement::Plain => self.used(),
                    judgement => self.special(judgement, &head),
                }
                self.end = end;
                self.last_command_end = Some(end as u64);
            }
            Err(defect) => {
                self.damage = Some(reader::damage(self.bytes, self.end, self.records + 1, defect));
            }
        }
    }

    #[inline]
    fn used(&mut self) {
        if self.database.is_none() {
            self.inherits_database = true;
        }
    }

    fn annotation(&mut self) {
        match reader::annotation(self.bytes, self.end) {
            Some((end, line)) => {
                self.records += 1;
                self.annotations += 1;
                if let Some(timestamp) = reader::timestamp(line) {
                    self.first_timestamp.get_or_insert(timestamp);
                    self.last_timestamp = Some(timestamp);
                }
                if end == self.bytes.len() && !self.bytes.ends_with(b"\n") {
                    self.odd(Oddity::CutAnnotation);
                }
                self.end = end;
            }
            None => self.damage = Some(reader::long_annotation(self.end, self.records + 1)),
        }
    }

    /// Notes an oddity of the record that is being read.
    fn odd(&mut self, oddity: Oddity) {
        self.oddities.add(oddity, self.end as u64, self.records);
    }

    #[cold]
    #[inline(never)]
    fn special(&mut self, judgement: Judgement, head: &Head<'a>) {
        if memchr(0, head.name).is_some() {
            self.odd(Oddity::NulInName(shortened(head.name)));
        }
        match judgement {
            Judgement::Plain => {}
            Judgement::Control(control) => self.control(control),
            Judgement::Select => self.select(head),
            Judgement::UnknownCommand => self.odd(Oddity::UnknownCommand(shortened(head.name))),
            Judgement::UnknownSubcommand(row) => {
                self.odd(Oddity::UnknownSubcommand { command: row.name, subcommand: shortened(head.second) });
            }
            Judgement::ServerCommand(row) => self.odd(Oddity::ServerCommand(row.name)),
            Judgement::WrongArity(row) => {
                // It has its effect on transactions all the same.
                if let Some(control) = Control::from_name(head.name) {
                    self.control(control);
                }
                self.odd(Oddity::WrongArity(row.name));
            }
        }
    }

    fn control(&mut self, control: Control) {
        let command_end_before = self.last_command_end;
        let opening = Opening { offset: self.end as u64, record: self.records, command_end_before };
        match &mut self.transactions {
            Some(transactions) => {
                let (_, misplaced) = transactions.control(control, opening);
                if let Some(misplaced) = misplaced {
                    self.odd(Oddity::Misplaced(misplaced));
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

    fn select(&mut self, head: &Head<'a>) {
        match database(head.second) {
            Some(number) => {
                self.database = Some(number);
                // Servers write SELECT for a command only, so that what is selected is used.
                self.databases.insert(number);
            }
            None => self.odd(Oddity::NoSuchDatabase(shortened(head.second))),
        }
    }
}

/// The database of a `SELECT`, as servers read it: digits without a sign or a leading zero, up to 15.
fn database(text: &[u8]) -> Option<u32> {
    let number: u32 = std::str::from_utf8(text).ok()?.parse().ok()?;
    (number < DATABASES && matches!(text, [b'0'] | [b'1'..=b'9', ..])).then_some(number)
}

/// What a command's head says about it.
#[derive(Debug, Clone, Copy)]
enum Judgement {
    Plain,
    Control(Control),
    Select,
    UnknownCommand,
    UnknownSubcommand(&'static Command),
    ServerCommand(&'static Command),
    WrongArity(&'static Command),
}

/// Remembers what was found out about command names: a log has millions of records and a dozen names.
#[derive(Debug)]
pub(super) struct Memory<'a> {
    server: Server,
    slots: Box<[Slot<'a>; Memory::SLOTS]>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Slot<'a> {
    name: &'a [u8],
    /// Set when a record of this name and at least so many arguments, and at most so many, is plain.
    plain: Option<(u32, u32)>,
}

impl<'a> Memory<'a> {
    const SLOTS: usize = 256;

    pub(super) fn new(server: Server) -> Self {
        Self { server, slots: Box::new([Slot::default(); Self::SLOTS]) }
    }

    #[inline]
    fn judge(&mut self, head: &Head<'a>) -> Judgement {
        let slot = Self::slot(head.name);
        if let Some(slot) = self.slots.get(slot)
            && slot.name == head.name
            && let Some((least, most)) = slot.plain
            && head.count >= least
            && head.count <= most
        {
            return Judgement::Plain;
        }
        self.look_up(head)
    }

    /// The length and three bytes tell most names of a log apart.
    #[inline]
    fn slot(name: &[u8]) -> usize {
        let (Some(&first), Some(&last)) = (name.first(), name.last()) else { return 0 };
        let middle = name.get(name.len() / 2).copied().unwrap_or(0);
        let mixed = usize::from(first) ^ (usize::from(last) << 2) ^ (usize::from(middle) << 4) ^ name.len();
        (mixed ^ (mixed >> 8)) % Self::SLOTS
    }

    #[inline(never)]
    fn look_up(&mut self, head: &Head<'a>) -> Judgement {
        let arguments = [head.name, head.second];
        let given = arguments.get(..head.count.min(2) as usize).unwrap_or(&arguments);
        let Some(row) = command::known_to(self.server, given) else {
            return match command::lookup(head.name) {
                Some(row) if row.servers.contains(self.server) => Judgement::UnknownSubcommand(row),
                _ => Judgement::UnknownCommand,
            };
        };
        let fits = |count: u32| command::arity_fits(row, self.server, count as usize);
        if !fits(head.count) {
            return Judgement::WrongArity(row);
        }
        if let Some(control) = Control::from_name(head.name) {
            return Judgement::Control(control);
        }
        if head.name.eq_ignore_ascii_case(b"select") {
            return Judgement::Select;
        }
        // Redis 6.2 logs SCRIPT LOAD and SCRIPT FLUSH.
        if row.effect == Effect::Control && !row.name.starts_with("script") {
            return Judgement::ServerCommand(row);
        }
        // What a container runs depends on its second argument: it is looked up every time.
        let container = command::lookup(head.name).is_some_and(|row| !row.subcommands.is_empty());
        if !container && let Some(slot) = self.slots.get_mut(Self::slot(head.name)) {
            let most = if fits(u32::MAX) { u32::MAX } else { head.count };
            *slot = Slot { name: head.name, plain: Some((head.count, most)) };
        }
        Judgement::Plain
    }
}

/// A record boundary in `from..limit`, guessed: behind a line end, a whole record that another one or the end follows.
pub(super) fn guess_boundary(bytes: &[u8], from: usize, limit: usize) -> Option<usize> {
    // The line end may be the last two bytes of the window before.
    let begin = from.saturating_sub(2);
    let haystack = bytes.get(begin..limit)?;
    memmem::find_iter(haystack, b"\r\n*").map(|index| begin + index + 2).find(|boundary| {
        let end = resp::parse(bytes, *boundary, &mut Head::default());
        end.is_ok_and(|end| matches!(bytes.get(end), None | Some(b'*' | b'#')))
    })
}
