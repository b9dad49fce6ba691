//! Logs of commands from the table. Targets that replay programs include this file as a module.
#![allow(dead_code, reason = "each target uses a part of this")]

use std::num::NonZeroUsize;
use std::sync::LazyLock;

use aofkit::command::{self, Command};
use aofkit::replay::Options;
use aofkit::resp::write_command;

/// Every command that changes data, and the control commands around them.
static COMMANDS: LazyLock<Vec<&'static Command>> = LazyLock::new(|| {
    command::all().filter(|row| row.apply.is_some() || matches!(row.name, "multi" | "exec" | "select")).collect()
});

/// The words of arguments: keys, members, numbers, ids, options.
const WORDS: &[&str] = &[
    "a",
    "b",
    "c",
    "d",
    "field",
    "",
    "0",
    "1",
    "2",
    "-1",
    "3.5",
    "1e400",
    "-inf",
    "nan",
    "10",
    "100",
    "4102444800000",
    "9223372036854775807",
    "-9223372036854775808",
    "1-1",
    "5-2",
    "5-3",
    "0-0",
    "*",
    "$",
    "-",
    "+",
    ">",
    "=",
    "~",
    "(1",
    "[a",
    "NX",
    "XX",
    "GT",
    "LT",
    "CH",
    "INCR",
    "GET",
    "SET",
    "EX",
    "PX",
    "EXAT",
    "PXAT",
    "KEEPTTL",
    "PERSIST",
    "FIELDS",
    "FNX",
    "FXX",
    "LEFT",
    "RIGHT",
    "BEFORE",
    "AFTER",
    "COUNT",
    "LIMIT",
    "BY",
    "ALPHA",
    "DESC",
    "ASC",
    "STORE",
    "REPLACE",
    "ABSTTL",
    "DB",
    "AND",
    "OR",
    "XOR",
    "NOT",
    "u8",
    "i64",
    "#1",
    "OVERFLOW",
    "SAT",
    "FAIL",
    "INCRBY",
    "MAXLEN",
    "MINID",
    "NOMKSTREAM",
    "STREAMS",
    "GROUP",
    "NOACK",
    "FORCE",
    "JUSTID",
    "TIME",
    "IDLE",
    "RETRYCOUNT",
    "LASTID",
    "MKSTREAM",
    "ENTRIESREAD",
    "ENTRIESADDED",
    "MAXDELETEDID",
    "WEIGHTS",
    "AGGREGATE",
    "SUM",
    "MIN",
    "BYSCORE",
    "BYLEX",
    "REV",
    "FROMLONLAT",
    "FROMMEMBER",
    "BYRADIUS",
    "BYBOX",
    "km",
    "13.4",
    "52.5",
    "STOREDIST",
    "#!lua name=l\nreturn 1",
    "a longer member that no packed form holds, as it has over sixty-four bytes of text",
];

/// Commands that no server knows, or that only a module has.
pub const UNKNOWN: &[&str] = &["json.set", "ft.add", "bf.add"];

/// A log: each command is a byte for its name, one for the number of its arguments, and one for each of them. One
/// command in eight is one of `others`, if there are any.
pub fn log(data: &[u8], others: &[&str]) -> Vec<u8> {
    let mut log = Vec::new();
    let mut data = data.iter().map(|byte| usize::from(*byte));
    while let (Some(name), Some(count)) = (data.next(), data.next()) {
        let row = COMMANDS[name % COMMANDS.len()];
        let known = row.name.split('|').map(str::as_bytes);
        let mut words: Vec<&[u8]> = match others.get(name / 8 % others.len().max(1)) {
            Some(other) if name % 8 == 0 => vec![other.as_bytes()],
            _ => known.collect(),
        };
        // The first is a key, most of the time.
        words.extend(data.by_ref().take(1).map(|index| WORDS[index % 5].as_bytes()));
        words.extend(data.by_ref().take(count % 9).map(|index| WORDS[index % WORDS.len()].as_bytes()));
        write_command(&mut log, &words);
    }
    log
}

/// The options of the replay.
pub fn options(threads: usize) -> Options<'static> {
    Options { threads: NonZeroUsize::new(threads).unwrap(), now: 1_700_000_000_000, ..Options::default() }
}
