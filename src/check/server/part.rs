//! The RESP of one part, as a server loads it.

use super::behavior::{CommandBehavior, When};
use super::filter::PlainCommandFilter;
use super::special;
use super::stdio::{Found, ReadLimits};
use super::verdict::{Crash, Cut, Note, NoteKind, Place, Reason, ShortRead, Stop, Words};
use crate::aof::transaction::Control;
use crate::command;
use crate::rdb::dump::{DumpFault, Restoration};
use crate::resp::{self, Head, Sink};
use crate::server::Server;

/// Where to begin in a part: after records that are known to be sound.
///
/// The model need not repeat what a strict scan has done. Everything before must be records of the
/// strict grammar, commands of which [`super::PlainCommandFilter::merely_runs`] is true, annotations, and transactions
/// without any command that is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Resume {
    /// Where the next record starts.
    pub position: u64,
    /// How many records precede it; annotations count.
    pub records: u64,
    /// The end of the RDB preamble, 0 without one.
    pub preamble_end: u64,
    /// The end of the last command before; annotations do not count. `None` when there is none.
    pub last_command_end: Option<u64>,
    /// The transaction that is open.
    pub open: Option<OpenTransaction>,
}

impl Resume {
    /// The beginning of the RESP in a file: 0, or after an RDB preamble.
    pub const fn after_preamble(end: u64) -> Self {
        Self { position: end, records: 0, preamble_end: end, last_command_end: None, open: None }
    }
}

/// A transaction that is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenTransaction {
    /// Its `MULTI`.
    pub multi: Place,
    /// The end of the last command before it; `None` when there is none.
    pub command_end_before: Option<u64>,
}

/// What a server makes of one part's RESP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartOutcome {
    /// How it ends.
    pub end: PartEnd,
    /// How many records were read whole; annotations count.
    pub records: u64,
    /// What else is worth knowing; `part` is 0 in them.
    pub notes: Vec<Note>,
}

/// How the load of a part ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PartEnd {
    /// At the end of the file.
    Whole,
    /// At the end of the file, but too early.
    Short(Cut),
    /// See [`super::Outcome::Refuses`].
    Refused(Place, Reason),
    /// See [`super::Outcome::Crashes`].
    Crashed(Place, Crash),
    /// See [`super::Outcome::Stops`].
    Stopped(Place, Stop),
}

/// Loads the RESP of a part as `server` does; `bytes` is the whole file.
pub fn load_resp(bytes: &[u8], resume: Resume, server: Server) -> PartOutcome {
    let mut loader = Loader::new(bytes, resume, server);
    let end = loop {
        if let Some(end) = loader.step() {
            break end;
        }
    };
    PartOutcome { end, records: loader.records, notes: loader.notes }
}

struct Loader<'a> {
    bytes: &'a [u8],
    server: Server,
    limits: ReadLimits,
    filter: PlainCommandFilter<'a>,
    position: usize,
    records: u64,
    /// `valid_up_to`: the end of the last command.
    command_end: u64,
    open: Option<Open>,
    notes: Vec<Note>,
}

#[derive(Clone)]
struct Open {
    multi: Place,
    /// `valid_before_multi`: a nested `MULTI` moves it.
    command_end_before: u64,
    /// What the first fatal command will do when `EXEC` runs it.
    fatal: Option<(Place, FatalEffect)>,
}

#[derive(Clone)]
enum FatalEffect {
    Crash(Crash),
    Stop(Stop),
    /// The payload of a RESTORE.
    Payload(DumpFault),
}

impl FatalEffect {
    fn end(self, place: Place) -> PartEnd {
        match self {
            Self::Crash(cause) => PartEnd::Crashed(place, cause),
            Self::Stop(stop) => PartEnd::Stopped(place, stop),
            Self::Payload(fault) => PartEnd::Refused(place, Reason::DamagedPayload(fault)),
        }
    }
}

impl<'a> Loader<'a> {
    fn new(bytes: &'a [u8], resume: Resume, server: Server) -> Self {
        // Only Valkey 9 counts an RDB preamble as valid before the first command after it.
        let floor = if server == Server::Valkey9 { resume.preamble_end } else { 0 };
        let open = resume.open.map(|open| Open {
            multi: open.multi,
            command_end_before: open.command_end_before.unwrap_or(floor),
            fatal: None,
        });
        Self {
            bytes,
            server,
            limits: ReadLimits::of(server),
            filter: PlainCommandFilter::new(server),
            position: usize::try_from(resume.position).unwrap_or(usize::MAX).min(bytes.len()),
            records: resume.records,
            command_end: resume.last_command_end.unwrap_or(floor),
            open,
            notes: Vec::new(),
        }
    }

    /// One more record; the end when it is the last.
    #[inline]
    fn step(&mut self) -> Option<PartEnd> {
        let mut head = Head::default();
        match resp::parse(self.bytes, self.position, &mut head) {
            Ok(end) => self.command(&head, end),
            Err(_) => self.odd_record(),
        }
    }

    #[cold]
    fn odd_record(&mut self) -> Option<PartEnd> {
        let mut head = Head::default();
        let place = self.place();
        let found = self.limits.read(self.bytes, self.position, &mut head);
        let bad_format = |at: usize| PartEnd::Refused(place, Reason::BadFormat { at: at as u64 });
        match found {
            Found::End => Some(self.clean_end()),
            Found::Annotation(end) => {
                if !self.bytes.get(..end).is_some_and(|line| line.ends_with(b"\n")) && end < self.bytes.len() {
                    self.note(NoteKind::LaxFormat, place);
                }
                self.position = end;
                self.records += 1;
                None
            }
            Found::Command(end) => {
                self.note(NoteKind::LaxFormat, place);
                self.command(&head, end)
            }
            Found::Short => Some(self.short_read(place)),
            Found::BadFormat(at) => Some(bad_format(at)),
            Found::Unreadable(_) => Some(PartEnd::Refused(place, Reason::UnreadableLine)),
            Found::Length(_, length) => Some(PartEnd::Crashed(place, Crash::Length(length))),
        }
    }

    fn place(&self) -> Place {
        Place { offset: self.position as u64, record: self.records + 1 }
    }

    #[inline]
    fn command(&mut self, head: &Head<'a>, end: usize) -> Option<PartEnd> {
        let ended = match self.filter.behavior(head) {
            CommandBehavior::Runs => None,
            other => self.remarkable(other),
        };
        if ended.is_none() {
            self.records += 1;
            self.position = end;
            self.command_end = end as u64;
        }
        ended
    }

    #[cold]
    fn remarkable(&mut self, behavior: CommandBehavior) -> Option<PartEnd> {
        let place = self.place();
        match behavior {
            CommandBehavior::Runs => None,
            CommandBehavior::Restores => match self.restoration() {
                Some(Restoration::Exits(fault)) => self.fatal(place, FatalEffect::Payload(fault), When::Always),
                Some(Restoration::Crashes(_)) => {
                    self.fatal(place, FatalEffect::Crash(Crash::DamagedPayload), When::Always)
                }
                Some(Restoration::Fails(_)) => {
                    self.note(NoteKind::RestoreFails, place);
                    None
                }
                Some(Restoration::Works | Restoration::Overlooks(_)) | None => None,
            },
            CommandBehavior::Control { control, arity } => {
                if !arity {
                    self.note(NoteKind::WrongArity, place);
                }
                self.control(control, place)
            }
            CommandBehavior::Unknown => Some(PartEnd::Refused(place, Reason::UnknownCommand(self.words()))),
            CommandBehavior::UnknownSubcommand => {
                Some(PartEnd::Refused(place, Reason::UnknownSubcommand(self.words())))
            }
            CommandBehavior::WrongArity(command) => Some(PartEnd::Refused(place, Reason::WrongArity { command })),
            CommandBehavior::Special(name) => {
                let behavior = special::behavior(self.server, name, &self.words());
                // One level deep: it never says that it depends.
                if matches!(behavior, CommandBehavior::Special(_)) { None } else { self.remarkable(behavior) }
            }
            // Failures of a script that EXEC runs are handled correctly.
            CommandBehavior::Noted(NoteKind::RunsScript) if self.open.is_some() => None,
            CommandBehavior::Noted(kind) => {
                self.note(kind, place);
                None
            }
            CommandBehavior::Crashes { cause, when } => self.fatal(place, FatalEffect::Crash(cause), when),
            CommandBehavior::Stops(stop) => self.fatal(place, FatalEffect::Stop(stop), When::Always),
        }
    }

    /// A command that ends the server: at once, or when `EXEC` runs it.
    fn fatal(&mut self, place: Place, fatal: FatalEffect, when: When) -> Option<PartEnd> {
        match (&mut self.open, when) {
            (Some(open), When::Always | When::Queued) => {
                open.fatal.get_or_insert((place, fatal));
                None
            }
            (None, When::Always | When::Alone) => Some(fatal.end(place)),
            (Some(_), When::Alone) | (None, When::Queued) => None,
        }
    }

    /// The outcome of the RESTORE that is being read.
    fn restoration(&self) -> Option<Restoration> {
        let mut arguments: Vec<&[u8]> = Vec::new();
        // Read laxly, as all records are.
        match self.limits.read(self.bytes, self.position, &mut arguments) {
            Found::Command(_) => command::restoration(&arguments, self.server),
            _ => None,
        }
    }

    fn control(&mut self, control: Control, place: Place) -> Option<PartEnd> {
        match (control, self.open.as_mut()) {
            (Control::Multi, None) => {
                self.open = Some(Open { multi: place, command_end_before: self.command_end, fatal: None });
                None
            }
            (Control::Multi, Some(open)) => {
                open.command_end_before = self.command_end;
                self.note(NoteKind::NestedMulti, place);
                None
            }
            (Control::Exec, Some(open)) => {
                let fatal = open.fatal.take();
                self.open = None;
                fatal.map(|(place, fatal)| fatal.end(place))
            }
            (Control::Exec, None) => {
                self.note(NoteKind::LoneExec, place);
                None
            }
            (Control::Discard, Some(open)) => {
                open.fatal.get_or_insert((place, FatalEffect::Crash(Crash::EndsTransaction)));
                None
            }
            (Control::Discard, None) => {
                self.note(NoteKind::LoneDiscard, place);
                None
            }
        }
    }

    fn clean_end(&mut self) -> PartEnd {
        let Some(Open { multi, command_end_before, .. }) = self.open else { return PartEnd::Whole };
        self.note(NoteKind::RevertsTransaction, multi);
        self.cut(command_end_before, ShortRead::Transaction, multi)
    }

    fn short_read(&mut self, place: Place) -> PartEnd {
        let at = match &self.open {
            Some(open) if self.server == Server::Valkey9 => open.command_end_before,
            _ => self.command_end,
        };
        self.cut(at, ShortRead::Record, place)
    }

    fn cut(&self, at: u64, cause: ShortRead, place: Place) -> PartEnd {
        let leaves_open = self.open.as_ref().map(|open| open.multi).filter(|multi| multi.offset < at);
        PartEnd::Short(Cut { at, cause, place, leaves_open })
    }

    #[cold]
    fn note(&mut self, kind: NoteKind, place: Place) {
        note(&mut self.notes, kind, 0, place);
    }

    /// The first arguments of the record that is being read.
    fn words(&self) -> Words {
        let mut words = FirstWords(Words::default());
        // Read laxly, since the strict grammar may refuse the record; other records read the same.
        self.limits.read(self.bytes, self.position, &mut words);
        words.0
    }
}

/// Adds to the note of this kind and part, or begins it.
pub(super) fn note(notes: &mut Vec<Note>, kind: NoteKind, part: usize, place: Place) {
    match notes.iter_mut().find(|note| note.kind == kind && note.part == part) {
        Some(note) => note.count += 1,
        None => notes.push(Note { kind, part, place, count: 1 }),
    }
}

/// Keeps what fits into a server's message: a kibibyte of the name, 128 bytes of each of the next arguments.
struct FirstWords(Words);

impl<'a> Sink<'a> for FirstWords {
    fn push(&mut self, argument: &'a [u8]) {
        const NAME_BYTES: usize = 1024;
        const BYTES: usize = 128;
        /// Each takes at least three bytes of the 128 that a message has for all of them.
        const COUNT: usize = 45;
        if self.0.0.len() < COUNT {
            let bytes = if self.0.0.is_empty() { NAME_BYTES } else { BYTES };
            self.0.0.push(argument.get(..bytes).unwrap_or(argument).to_vec());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aof::Reader;
    use crate::check::server::PlainCommandFilter;
    use proptest::prelude::*;

    fn commands(lines: &str) -> Vec<u8> {
        let mut out = Vec::new();
        for line in lines.split(';') {
            resp::write_command(&mut out, &line.split(' ').map(str::as_bytes).collect::<Vec<_>>());
        }
        out
    }

    fn end(server: Server, log: &[u8]) -> PartEnd {
        load_resp(log, Resume::default(), server).end
    }

    #[test]
    fn a_record_cut_inside_a_transaction_leaves_it_open_except_in_valkey_9() {
        let head = commands("SET a b;MULTI;SET c d");
        let log = [head.as_slice(), b"*1\r\n$4\r\nEX"].concat();
        let place = Place { offset: 69, record: 4 };
        let multi = Some(Place { offset: 27, record: 2 });
        for server in Server::ALL {
            let (at, leaves_open) = if server == Server::Valkey9 { (27, None) } else { (69, multi) };
            let cut = Cut { at, cause: ShortRead::Record, place, leaves_open };
            assert_eq!(end(server, &log), PartEnd::Short(cut), "{server}");
        }
    }

    #[test]
    fn a_nested_multi_moves_the_place_of_the_cut() {
        let log = commands("SET a b;MULTI;SET c d;MULTI;SET e f");
        let cause = ShortRead::Transaction;
        let place = Place { offset: 27, record: 2 };
        let cut = Cut { at: 69, cause, place, leaves_open: Some(place) };
        for server in Server::ALL {
            assert_eq!(end(server, &log), PartEnd::Short(cut), "{server}");
        }
    }

    #[test]
    fn an_annotation_before_the_cut_goes_with_it() {
        let log = [commands("SET a b").as_slice(), b"#TS:1\r\n*1\r\n$4\r\nPI"].concat();
        assert!(matches!(end(Server::Redis80, &log), PartEnd::Short(Cut { at: 27, .. })));
        let place = Place { offset: 27, record: 2 };
        assert_eq!(end(Server::Redis62, &log), PartEnd::Refused(place, Reason::BadFormat { at: 27 }));
    }

    #[test]
    fn a_cut_first_record_takes_the_preamble_away_except_in_valkey_9() {
        let log = b"(the RDB)*1\r\n$4\r\nPI";
        for server in Server::ALL {
            let PartEnd::Short(cut) = load_resp(log, Resume::after_preamble(9), server).end else {
                panic!("{server} does not cut");
            };
            assert_eq!(cut.at, if server == Server::Valkey9 { 9 } else { 0 }, "{server}");
        }
    }

    #[test]
    fn what_kills_a_server_in_a_transaction_does_so_at_exec() {
        let crash = PartEnd::Crashed(Place { offset: 15, record: 2 }, Crash::EndsTransaction);
        for server in Server::ALL {
            assert_eq!(end(server, &commands("MULTI;DISCARD;EXEC")), crash, "{server}");
            assert!(matches!(end(server, &commands("MULTI;DISCARD")), PartEnd::Short(_)), "{server}");
            let refused = end(server, &commands("MULTI;DISCARD;FOO;EXEC"));
            assert!(matches!(refused, PartEnd::Refused(_, Reason::UnknownCommand(_))), "{server}");
        }
    }

    #[test]
    fn notes_are_counted_by_kind() {
        let outcome = load_resp(&commands("SELECT 99;EXEC;SELECT x;SET a b"), Resume::default(), Server::Redis80);
        let of = |kind| outcome.notes.iter().find(|note| note.kind == kind).map(|note| (note.place.record, note.count));
        assert_eq!(outcome.end, PartEnd::Whole);
        assert_eq!((of(NoteKind::SelectFails), of(NoteKind::LoneExec)), (Some((1, 2)), Some((2, 1))));
    }

    /// Scans strictly up to the first record that is not plain, or to `limit`.
    fn scan(bytes: &[u8], server: Server, limit: u64) -> Resume {
        let mut reader = Reader::new(bytes, 0);
        let mut filter = PlainCommandFilter::new(server);
        let mut resume = Resume::default();
        while resume.records < limit {
            let Some(Ok(record)) = reader.next_record() else { break };
            if let crate::aof::Content::Command(arguments) = record.content {
                let mut head = Head::default();
                for argument in arguments {
                    head.push(argument);
                }
                let place = Place { offset: record.offset, record: record.number };
                match Control::from_name(head.name) {
                    Some(Control::Multi) if resume.open.is_none() && head.count == 1 => {
                        let command_end_before = resume.last_command_end;
                        resume.open = Some(OpenTransaction { multi: place, command_end_before });
                    }
                    Some(Control::Exec) if resume.open.is_some() && head.count == 1 => resume.open = None,
                    None if filter.merely_runs(&head) => {}
                    _ => break,
                }
                resume.last_command_end = Some(record.end());
            } else if server == Server::Redis62 {
                break;
            }
            (resume.position, resume.records) = (record.end(), record.number);
        }
        resume
    }

    proptest! {
        #[test]
        fn resuming_behind_a_sound_prefix_comes_to_the_same_end(
            lines in prop::collection::vec(prop::sample::select(vec![
                "SET a b", "MULTI", "EXEC", "SELECT 1", "SELECT 99", "GET", "FOO", "XGROUP CREATE x g 0", "XGROUP", "#",
                "DISCARD", "RESET", "EVAL x 0", "HSET h f v",
            ]), 0..14),
            limit in 0_u64..14,
            cut in 0_usize..12,
        ) {
            let mut log = Vec::new();
            for line in lines {
                if line == "#" { log.extend_from_slice(b"#TS:1\r\n") } else { log.extend(commands(line)) }
            }
            log.truncate(log.len().saturating_sub(cut));
            for server in Server::ALL {
                let whole = load_resp(&log, Resume::default(), server);
                let resumed = load_resp(&log, scan(&log, server, limit), server);
                prop_assert_eq!(&resumed, &whole);
            }
        }

        #[test]
        fn any_bytes_come_to_an_end(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            for server in Server::ALL {
                let outcome = load_resp(&bytes, Resume::default(), server);
                if let PartEnd::Short(cut) = outcome.end {
                    prop_assert!(cut.at <= bytes.len() as u64);
                }
            }
        }
    }
}
