//! The records and entries of a log, one after the other: as text, as JSON Lines, or as a log again.

mod json;
mod json_text;
mod pipeline;
mod resp;
mod text;
mod value;

pub use json::{Json, write_json_count, write_json_header};
pub use pipeline::Pipeline;
pub use resp::Resp;
pub use text::{Lengths, Text};

use std::io;

use crate::check::Finding;
use crate::rdb;
use crate::report::check::place_words;
use crate::report::file_name::FileName;
use crate::select::{Step, TransactionOutcome};

/// Takes the records and entries of a log in their order, and writes what is wanted of them.
///
/// Every printer keeps what it has formatted in a buffer of its own; [`Printer::flush`] empties it.
pub trait Printer {
    /// A part begins.
    ///
    /// # Errors
    /// Those of the writer; so for all that follow.
    fn part(&mut self, part: &Heading<'_>) -> io::Result<()>;

    /// A record that is wanted.
    ///
    /// # Errors
    /// Those of the writer.
    fn record(&mut self, step: &Step<'_, '_>) -> io::Result<()>;

    /// A record that is not; what it says of database, time and transaction may still be needed.
    ///
    /// # Errors
    /// Those of the writer.
    fn pass(&mut self, _step: &Step<'_, '_>) -> io::Result<()> {
        Ok(())
    }

    /// An item of an RDB that is wanted, the bytes of which are `length` from `offset` on.
    ///
    /// # Errors
    /// Those of the writer, and [`io::ErrorKind::Unsupported`] where the format has no words for it.
    fn item(&mut self, offset: u64, length: u64, item: &rdb::Item<'_>) -> io::Result<()>;

    /// How the transaction ends that the last record opened. A printer that is not told must wait and see.
    fn transaction(&mut self, _outcome: TransactionOutcome) {}

    /// Whether more records, wanted or not, are needed to complete what was printed.
    fn is_incomplete(&self) -> bool {
        false
    }

    /// Hands on everything that is formatted.
    ///
    /// # Errors
    /// Those of the writer.
    fn flush(&mut self) -> io::Result<()>;
}

/// What a part is called where it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heading<'p> {
    /// The log's path, where several logs are printed.
    pub log: Option<&'p [u8]>,
    /// The file's name.
    pub name: &'p [u8],
    /// `base`, `incr`, `history`; nothing for a single file.
    pub role: Option<&'static str>,
    /// The file's length in bytes.
    pub length: u64,
    /// Whether people need to be told which part follows.
    pub announced: Announced,
}

/// Whether a heading is worth a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Announced {
    /// There are several parts.
    Yes,
    /// There is one.
    No,
}

/// Whether the payloads of `RESTORE` commands are shown as the values that they hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Payloads {
    /// As they are.
    Raw,
    /// Decoded.
    Decoded,
}

/// The line about a finding: the file, what is wrong with it, and where.
pub fn finding_line(finding: &Finding) -> String {
    let place = place_words(finding).map_or_else(String::new, |place| format!(" ({place})"));
    format!("{}: {}{place}", FileName(&finding.file), finding.message)
}

/// So much formatted output is handed on at once.
const FLUSH_AT: usize = 64 * 1024;

#[cfg(test)]
mod tests;
