//! Prints who changed a key: every command of a log that names it, with its file, offset, time and database.
//!
//!     cargo run --example records -- appendonlydir user:1

use std::error::Error;
use std::io::{self, Write};
use std::os::unix::ffi::OsStringExt;
use std::path::Path;

use aofkit::aof::log::Log;
use aofkit::aof::{Content, Reader};
use aofkit::command::key_indexes;
use aofkit::escape::Argument;
use aofkit::select::StreamState;

/// Writes the commands that name `key`, a line each.
pub(crate) fn run(path: &Path, key: &[u8], out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    // Follows the database and the time from record to record, and from part to part.
    let mut state = StreamState::default();
    for part in &Log::open(path)?.parts {
        let input = part.open()?;
        let mut reader = Reader::after_preamble(input.bytes())?;
        state.begin_part();
        while let Some(record) = reader.next_record() {
            let record = record.map_err(|damage| format!("damaged at byte {}: {}", damage.offset, damage.kind))?;
            let place = state.take(&record);
            let Content::Command(arguments) = record.content else { continue };
            if !key_indexes(arguments).any(|index| arguments.get(index) == Some(&key)) {
                continue;
            }
            write!(out, "{} byte {}", Argument(part.file_name()), record.offset)?;
            if let Some(time) = place.time {
                write!(out, " time {time}")?;
            }
            write!(out, " database {}:", place.database)?;
            arguments.iter().try_for_each(|argument| write!(out, " {}", Argument(argument)))?;
            writeln!(out)?;
        }
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let (Some(path), Some(key)) = (arguments.next(), arguments.next()) else {
        return Err("usage: records LOG KEY".into());
    };
    run(Path::new(&path), &key.into_vec(), &mut io::stdout())
}
