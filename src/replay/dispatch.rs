//! What a replay does with a command, by its name.

use crate::aof::transaction::Control;
use crate::command::{self, Command, Effect, FIRST};
use crate::server::ServerSet;

/// What a replay does with a command.
#[derive(Debug, Clone, Copy)]
pub(super) enum Dispatch {
    /// It is applied to its only key, the first argument.
    FirstKey(&'static Command),
    /// It is applied to the keys that its row gives, if any.
    Keys(&'static Command),
    /// It opens or ends a transaction.
    Control(Control),
    /// It chooses the database.
    Select,
    /// It changes no data.
    Ignored,
    /// Its effect is not known here: no server's command, or one that runs others.
    Unknown,
    /// What it does depends on its second argument.
    Container,
}

impl Dispatch {
    /// Of a command given with all its arguments.
    pub(super) fn of(arguments: &[&[u8]]) -> Self {
        let Some(name) = arguments.first() else { return Self::Ignored };
        if let Some(control) = Control::from_name(name) {
            return Self::Control(control);
        }
        if name.eq_ignore_ascii_case(b"select") {
            return Self::Select;
        }
        match command::resolve(arguments).row() {
            None => Self::Unknown,
            Some(row) if row.apply.is_some() && row.key_positions == FIRST => Self::FirstKey(row),
            Some(row) if row.apply.is_some() => Self::Keys(row),
            Some(row) if row.effect.may_write() => Self::Unknown,
            Some(_) => Self::Ignored,
        }
    }

    fn of_name(arguments: &[&[u8]]) -> Self {
        let name = arguments.first().copied().unwrap_or_default();
        match command::lookup(name) {
            Some(row) if !row.subcommands.is_empty() => Self::Container,
            _ => Self::of(arguments),
        }
    }
}

/// Whether a script may do anything at all: such a command is refused even where unknown ones are kept.
pub(super) fn runs_others(row: &Command) -> bool {
    row.effect == Effect::Indirect
}

/// Remembers the dispatch of names, and who knows them: a log has millions of commands and a few dozen names.
#[derive(Debug)]
pub(super) struct DispatchCache<'a> {
    slots: Vec<Option<Slot<'a>>>,
    /// The servers that know every command so far.
    pub(super) servers: ServerSet,
}

#[derive(Debug, Clone, Copy)]
struct Slot<'a> {
    name: &'a [u8],
    dispatch: Dispatch,
    servers: ServerSet,
}

impl<'a> DispatchCache<'a> {
    const SLOTS: usize = 256;

    pub(super) fn new() -> Self {
        Self { slots: vec![None; Self::SLOTS], servers: ServerSet::ALL }
    }

    /// What to do with a command.
    #[inline]
    pub(super) fn of(&mut self, arguments: &[&'a [u8]]) -> Dispatch {
        let Some(name) = arguments.first().copied() else { return Dispatch::Ignored };
        let Some(slot) = self.slots.get_mut(slot_of(name)) else { return Dispatch::of(arguments) };
        let known = match slot {
            Some(known) if known.name == name => *known,
            _ => {
                let dispatch = Dispatch::of_name(arguments);
                *slot.insert(Slot { name, dispatch, servers: command::servers_knowing(arguments) })
            }
        };
        if !matches!(known.dispatch, Dispatch::Container) {
            self.servers = self.servers.and(known.servers);
            return known.dispatch;
        }
        self.servers = self.servers.and(command::servers_knowing(arguments));
        Dispatch::of(arguments)
    }
}

/// Three of its letters and its length tell most names from each other.
#[inline]
fn slot_of(name: &[u8]) -> usize {
    let byte = |index: usize| usize::from(name.get(index).copied().unwrap_or(0));
    let last = usize::from(name.last().copied().unwrap_or(0));
    (byte(0) ^ byte(1) << 2 ^ last << 4 ^ name.len() << 5) % DispatchCache::SLOTS
}
