//! For tests: a keyspace to which commands are applied one by one.

use std::cell::Cell;

use super::{Call, EntriesRead, ExpiredFields, Failure};
use crate::command;
use crate::keyspace::{Key, Keyspace};
use crate::resp;
use crate::server::Server;
use crate::value::Value;

/// A keyspace, and the settings of the commands that are applied to it.
#[derive(Debug, Default)]
pub(crate) struct Replica {
    keyspace: Keyspace<'static>,
    pub(crate) database: u32,
    pub(crate) now: i64,
    pub(crate) expired_fields: ExpiredFields,
    pub(crate) entries_read: EntriesRead,
    /// Whether the effect of a command would differ with the other [`ExpiredFields`].
    pub(crate) diverged: bool,
    pub(crate) server: Server,
    created: u64,
}

impl Replica {
    /// Applies a command given as words.
    pub(crate) fn run(&mut self, words: &[&str]) -> Result<(), Failure> {
        self.run_bytes(&words.iter().map(|word| word.as_bytes()).collect::<Vec<_>>())
    }

    /// Applies a command given as one line, split at spaces.
    pub(crate) fn line(&mut self, line: &str) -> Result<(), Failure> {
        self.run(&line.split(' ').collect::<Vec<_>>())
    }

    /// Applies a command, whose arguments are leaked.
    pub(crate) fn run_bytes(&mut self, words: &[&[u8]]) -> Result<(), Failure> {
        let mut record = Vec::new();
        resp::write_command(&mut record, words);
        let record: &'static [u8] = record.leak();
        let mut arguments: Vec<&'static [u8]> = Vec::new();
        resp::parse(record, 0, &mut arguments).unwrap();
        let row = command::resolve(&arguments).row().unwrap_or_else(|| panic!("no such command: {words:?}"));
        let apply = row.apply.unwrap_or_else(|| panic!("{} is not applied", row.name));
        self.created += 1000;
        let mut call = Call::new(&arguments, &mut self.keyspace).with_record(record);
        (call.database, call.now, call.created) = (self.database, self.now, self.created);
        (call.expired_fields, call.entries_read, call.server) = (self.expired_fields, self.entries_read, self.server);
        let diverged = Cell::new(self.diverged);
        (call.load_time, call.diverged) = (self.now, Some(&diverged));
        let result = apply.run(&mut call);
        self.diverged = diverged.get();
        result
    }

    /// Applies commands given as one text with `; ` between them, all of which succeed.
    #[track_caller]
    pub(crate) fn after(mut self, commands: &str) -> Self {
        for command in commands.split("; ") {
            assert_eq!(self.line(command), Ok(()), "{command}");
        }
        self
    }

    /// Applies commands like [`Replica::after`], of which the last one must fail and change nothing, and returns its
    /// failure.
    #[track_caller]
    pub(crate) fn failure(mut self, commands: &str) -> Failure {
        let last = match commands.rsplit_once("; ") {
            Some((first, last)) => {
                self = self.after(first);
                last
            }
            None => commands,
        };
        let before = self.shown();
        let failure = self.line(last).unwrap_err();
        assert_eq!(self.shown(), before, "{last}");
        failure
    }

    pub(crate) fn keyspace(&self) -> &Keyspace<'static> {
        &self.keyspace
    }

    pub(crate) fn keyspace_mut(&mut self) -> &mut Keyspace<'static> {
        &mut self.keyspace
    }

    pub(crate) fn value(&self, key: &str) -> Option<&Value<'static>> {
        Some(self.keyspace.get(self.database, key.as_bytes())?.value())
    }

    /// Everything, for comparison.
    pub(crate) fn shown(&self) -> String {
        format!("{:?}", self.keyspace.iter().collect::<Vec<_>>())
    }

    /// Sets when a key expires.
    pub(crate) fn set_expiry(&mut self, key: &str, expiry: i64) {
        let shard = &mut self.keyspace.parts_mut().0[0];
        let entry = shard.database_mut(self.database).get_mut(Key::new(key.as_bytes()));
        entry.unwrap().set_expiry(Some(expiry));
    }

    pub(crate) fn expiry(&self, key: &str) -> Option<i64> {
        self.keyspace.get(self.database, key.as_bytes())?.expiry()
    }
}
