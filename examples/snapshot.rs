//! Replays a log up to a Unix time, and prints every key as it was then, with its type and how many items it has.
//!
//!     cargo run --example snapshot -- appendonlydir 1700000000

use std::error::Error;
use std::io::{self, Write};
use std::path::Path;

use aofkit::aof::log::{Log, Part};
use aofkit::escape::Argument;
use aofkit::input::Input;
use aofkit::replay::{End, Options, Until, replay};

/// Writes the keys of the log at `until`, a line each, in the order in which they were first written.
pub(crate) fn run(path: &Path, until: Until, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let log = Log::open(path)?;
    let inputs = log.parts.iter().map(Part::open).collect::<Result<Vec<_>, _>>()?;
    // Keys and values borrow from these bytes where they can.
    let parts: Vec<&[u8]> = inputs.iter().map(Input::bytes).collect();
    let replayed = replay(&parts, Options { until, ..Options::default() });
    match replayed.summary.end {
        End::Whole | End::Stopped => {}
        end => return Err(format!("the log cannot be replayed up to there: {end:?}").into()),
    }
    for database in replayed.keyspace.databases() {
        for entry in replayed.keyspace.in_order(database) {
            // A value from an RDB is decoded only when a command needs it. Those of modules cannot be.
            let mut value = entry.value.clone();
            let count = value.decode().map_or_else(|_| "?".to_owned(), |()| value.item_count().to_string());
            writeln!(out, "database {database}: {} {} {count}", Argument(&entry.key), value.type_name())?;
        }
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let path = arguments.next().ok_or("usage: snapshot LOG [UNIX-TIME]")?;
    let until = match arguments.next() {
        Some(time) => Until::Time(time.to_string_lossy().parse()?),
        None => Until::End,
    };
    run(Path::new(&path), until, &mut io::stdout())
}
