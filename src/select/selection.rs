//! What is wanted of a log.

use super::state::Place;
use crate::aof::{Content, Record};
use crate::{command, glob};

/// A selection of records and entries; by default all. A record must meet every given criterion, for which one of
/// several databases, patterns or names suffices.
///
/// ```
/// use aofkit::select::{Selection, Walk};
///
/// let log = b"*3\r\n$3\r\nSET\r\n$6\r\nuser:1\r\n$1\r\nv\r\n*2\r\n$4\r\nINCR\r\n$1\r\nn\r\n";
/// let wanted = Selection { keys: vec![b"user:*".to_vec()], ..Selection::default() };
/// let mut walk = Walk::new(log);
/// let mut offsets = Vec::new();
/// while let Some(Ok(step)) = walk.next_step() {
///     if wanted.takes(&step.record, &step.place) {
///         offsets.push(step.record.offset);
///     }
/// }
/// assert_eq!(offsets, [0]);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// Databases; a record belongs to the one it runs in, `SELECT` to the one that it selects.
    pub databases: Vec<u64>,
    /// Patterns for [`glob::matches`], one of which must match one of the command's keys. Records without keys do not
    /// match.
    pub keys: Vec<Vec<u8>>,
    /// Commands. Annotations do not match.
    pub commands: Vec<CommandName>,
    /// The earliest Unix second. The time of a record is that of the last `#TS:` annotation up to it. Records before
    /// the first one have no time, and are earlier than all others.
    pub since: Option<i64>,
    /// The latest Unix second, inclusive.
    pub until: Option<i64>,
    /// The lowest offset, in its file, at which a record may start.
    pub from: Option<u64>,
    /// The offset, in its file, before which a record must start.
    pub to: Option<u64>,
}

/// The name of a command, and optionally of a subcommand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandName {
    /// The first argument, in any case.
    pub name: Vec<u8>,
    /// The second argument, in any case.
    pub subcommand: Option<Vec<u8>>,
}

impl CommandName {
    /// Parses `set`, `xgroup`, `xgroup|create` or `XGROUP CREATE`; `None` for an empty text, or more than two names.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let mut words = text.split(|byte| byte.is_ascii_whitespace() || *byte == b'|').filter(|word| !word.is_empty());
        let name = words.next()?.to_vec();
        let subcommand = words.next().map(<[u8]>::to_vec);
        words.next().is_none().then_some(Self { name, subcommand })
    }

    /// Whether `arguments`, which begin with a command's name, are this command.
    pub fn matches(&self, arguments: &[&[u8]]) -> bool {
        let is = |index: usize, name: &[u8]| arguments.get(index).is_some_and(|word| word.eq_ignore_ascii_case(name));
        is(0, &self.name) && self.subcommand.as_deref().is_none_or(|name| is(1, name))
    }

    /// Whether some server has a command of this name.
    pub fn is_known(&self) -> bool {
        command::lookup(&self.name).is_some()
    }
}

impl Selection {
    /// Whether the record is selected.
    #[inline]
    pub fn takes(&self, record: &Record<'_, '_>, place: &Place) -> bool {
        self.takes_offset(record.offset)
            && self.takes_time(place.time)
            && match record.content {
                Content::Command(arguments) => {
                    self.takes_database(place.database)
                        && self.takes_command(arguments)
                        && (self.keys.is_empty()
                            || command::key_indexes(arguments)
                                .filter_map(|index| arguments.get(index))
                                .any(|key| self.takes_key(key)))
                }
                Content::Annotation(_) => self.takes_the_rest(),
            }
    }

    /// Whether an RDB entry at `offset` is selected; it has no time.
    pub fn takes_entry(&self, offset: u64, database: u64, key: &[u8]) -> bool {
        self.takes_offset(offset)
            && self.takes_time(None)
            && self.commands.is_empty()
            && self.takes_database(database)
            && self.takes_key(key)
    }

    /// Whether an item without database and key (a function, an AUX field) at `offset` is selected.
    pub fn takes_loose(&self, offset: u64) -> bool {
        self.takes_offset(offset) && self.takes_time(None) && self.takes_the_rest()
    }

    /// Whether nothing in an RDB that ends at `end` can be selected.
    pub fn excludes_rdb(&self, end: u64) -> bool {
        !self.commands.is_empty() || self.since.is_some() || self.from.is_some_and(|from| from >= end)
    }

    /// Whether nothing at or after `offset` can be selected.
    #[inline]
    pub fn is_past(&self, offset: u64) -> bool {
        self.to.is_some_and(|to| offset >= to)
    }

    fn takes_the_rest(&self) -> bool {
        self.databases.is_empty() && self.keys.is_empty() && self.commands.is_empty()
    }

    #[inline]
    fn takes_offset(&self, offset: u64) -> bool {
        self.from.is_none_or(|from| offset >= from) && !self.is_past(offset)
    }

    #[inline]
    fn takes_time(&self, time: Option<i64>) -> bool {
        self.since.is_none_or(|since| time.is_some_and(|time| time >= since))
            && self.until.is_none_or(|until| time.is_none_or(|time| time <= until))
    }

    #[inline]
    fn takes_database(&self, database: u64) -> bool {
        self.databases.is_empty() || self.databases.contains(&database)
    }

    fn takes_key(&self, key: &[u8]) -> bool {
        self.keys.is_empty() || self.keys.iter().any(|pattern| glob::matches(pattern, key))
    }

    #[inline]
    fn takes_command(&self, arguments: &[&[u8]]) -> bool {
        self.commands.is_empty() || self.commands.iter().any(|name| name.matches(arguments))
    }
}
