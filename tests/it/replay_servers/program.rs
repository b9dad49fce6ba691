//! Programs: commands, some in transactions, some with an argument that is wrong.

use std::collections::BTreeSet;

use super::commands::LINES;
use super::grammar::Sequence;
use super::random::Random;
use super::values::{TYPES, Values};
use super::{Command, Mode, Setting};
use aofkit::{Server, command};

/// One step of a program.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    One(Command),
    Transaction { commands: Vec<Command>, discarded: bool },
}

impl Step {
    /// The commands as a log has them.
    pub(crate) fn records(&self) -> Vec<Command> {
        match self {
            Self::One(command) => vec![command.clone()],
            Self::Transaction { commands, discarded } => {
                let last: &[u8] = if *discarded { b"discard" } else { b"exec" };
                let ends = [vec![b"multi".to_vec()], vec![last.to_vec()]];
                [&ends[..1], commands, &ends[1..]].concat()
            }
        }
    }

    pub(crate) fn commands(&self) -> &[Command] {
        match self {
            Self::One(command) => std::slice::from_ref(command),
            Self::Transaction { commands, .. } => commands,
        }
    }
}

/// What an argument may be replaced by.
const WRONG: &[&str] = &[
    "abc",
    "",
    "-1",
    "0",
    "9223372036854775807",
    "-9223372036854775808",
    "9223372036854775808",
    "1e3",
    "nan",
    "inf",
    "-inf",
    " 1",
    "01",
    "+5",
    "1.5",
    "NX",
    "STORE",
    "(5",
    "[x",
    "$",
];

/// Whether an HSETEX may name a field twice.
///
/// With an expiry, that fails an assertion of Redis 8.6.3 (`dictExpireMeta->expireMeta.trash == 0`) if the hash is a
/// hash table in which no field expires yet. Redis 8.0 and 8.2 take it.
fn repeats_a_field(command: &Command) -> bool {
    let mut words = BTreeSet::new();
    command[0].eq_ignore_ascii_case(b"hsetex") && !command.iter().skip(2).all(|word| words.insert(word))
}

/// Makes commands for a setting.
#[derive(Debug)]
pub(crate) struct Generator {
    lines: Vec<(&'static str, Sequence)>,
    /// The type of key that most commands are about for a while.
    focus: &'static str,
    setting: Setting,
    pub(crate) random: Random,
    pub(crate) values: Values,
}

impl Generator {
    pub(crate) fn new(setting: Setting, seed: u64, values: Values) -> Self {
        let without = std::env::var("AOFKIT_WITHOUT").unwrap_or_default();
        let is_wanted = |line: &&str| !without.split_whitespace().any(|word| line.split(' ').any(|name| name == word));
        let lines = LINES.iter().filter(|line| is_wanted(line)).map(|line| (*line, Sequence::parse(line)));
        let lines = lines.filter(|(_, line)| line.is_open(setting)).collect();
        Self { lines, focus: "stream", setting, random: Random::new(seed), values }
    }

    fn understood(&self, command: &Command) -> bool {
        let arguments: Vec<&[u8]> = command.iter().map(Vec::as_slice).collect();
        if self.setting.server == Some(Server::Redis86) && repeats_a_field(command) {
            return false;
        }
        match self.setting.server {
            // An arity that is wrong makes servers crash while they load.
            Some(server) => command::known_to(server, &arguments)
                .is_some_and(|row| self.setting.mode == Mode::Live || command::arity_fits(row, server, command.len())),
            None => command::resolve(&arguments).row().is_some(),
        }
    }

    fn line(&mut self) -> usize {
        if self.random.percent(5) {
            self.focus = *self.random.pick::<&str>(TYPES);
        }
        let focused = self.random.percent(50);
        loop {
            let index = self.random.below(self.lines.len());
            let (text, _) = self.lines[index];
            let in_focus = || text.split(['$', ' ']).any(|word| word == self.focus);
            if (!focused || in_focus()) && (!text.contains("@rare") || self.random.percent(15)) {
                return index;
            }
        }
    }

    /// A command that is right as far as can be seen.
    pub(crate) fn sound_command(&mut self) -> Command {
        loop {
            let index = self.line();
            let command = self.lines[index].1.expand(&mut self.random, &mut self.values, self.setting);
            if self.understood(&command) {
                return command;
            }
        }
    }

    fn command(&mut self) -> Command {
        loop {
            let index = self.line();
            let line = &self.lines[index].1;
            let mut command = line.expand(&mut self.random, &mut self.values, self.setting);
            if !line.is_delicate() && self.random.percent(6) {
                self.tamper(&mut command);
            }
            // A server that loads a log allocates what it takes, and dies of it.
            let offset =
                [&b"setbit"[..], b"setrange", b"bitfield"].contains(&command[0].to_ascii_lowercase().as_slice());
            let is_deadly = offset && command.iter().any(|word| *word == i64::MAX.to_string().into_bytes());
            if !(is_deadly && self.setting.mode == Mode::Verbatim) && self.understood(&command) {
                return command;
            }
        }
    }

    fn tamper(&mut self, command: &mut Command) {
        let random = &mut self.random;
        let index = 1 + random.below(command.len() - 1);
        match random.below(6) {
            // The name stays.
            0 if command.len() > 1 => drop(command.remove(index.min(command.len() - 1))),
            1 => command.push(random.pick(WRONG).as_bytes().to_vec()),
            2 => {
                let last = command.last().cloned().unwrap_or_default();
                command.push(last);
            }
            _ if index < command.len() => command[index] = random.pick(WRONG).as_bytes().to_vec(),
            _ => {}
        }
    }

    /// A program of so many steps.
    pub(crate) fn program(&mut self, length: usize) -> Vec<Step> {
        (0..length)
            .map(|_| match self.random.below(100) {
                0..6 => {
                    let count = self.random.below(6);
                    let commands = (0..count).map(|_| self.command_or_select()).collect();
                    Step::Transaction { commands, discarded: self.discards() }
                }
                _ => {
                    // A server that loads a log ignores it outside a transaction.
                    let lone = self.setting.mode == Mode::Verbatim && self.random.percent(1);
                    let command = if lone { vec![b"discard".to_vec()] } else { self.command_or_select() };
                    let blocks = command.first().is_some_and(|name| name.to_ascii_lowercase().starts_with(b"b"))
                        && !command[0].to_ascii_lowercase().starts_with(b"bit");
                    // What would wait does not wait in a transaction.
                    if blocks && self.setting.mode == Mode::Live {
                        Step::Transaction { commands: vec![command], discarded: false }
                    } else {
                        Step::One(command)
                    }
                }
            })
            .collect()
    }

    /// A server that loads a log queues DISCARD like any other command, and crashes when EXEC runs it: the test of open
    /// transactions has those of logs.
    fn discards(&mut self) -> bool {
        self.random.percent(15) && self.setting.mode == Mode::Live
    }

    fn command_or_select(&mut self) -> Command {
        if self.random.percent(2) {
            let number = if self.random.percent(90) {
                [0, 0, 0, 1, 2, 3][self.random.below(6)].to_string()
            } else {
                "99".to_owned()
            };
            // A server that loads a log takes the wrong number of a database for damage.
            let number = if number == "99" && self.setting.mode == Mode::Verbatim { "0".to_owned() } else { number };
            return vec![b"select".to_vec(), number.into_bytes()];
        }
        self.command()
    }
}
