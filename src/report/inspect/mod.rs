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

/// Takes the records and entries of a log in order, and writes the selected ones.
///
/// Every printer keeps what it has formatted in a buffer of its own; [`Printer::flush`] empties it.
pub trait Printer {
    /// A part begins.
    ///
    /// # Errors
    /// Those of the writer; so for all that follow.
    fn part(&mut self, part: &Heading<'_>) -> io::Result<()>;

    /// A record that is selected.
    ///
    /// # Errors
    /// Those of the writer.
    fn record(&mut self, step: &Step<'_, '_>) -> io::Result<()>;

    /// A record that is not selected; its database, time and transaction may still be needed.
    ///
    /// # Errors
    /// Those of the writer.
    fn pass(&mut self, _step: &Step<'_, '_>) -> io::Result<()> {
        Ok(())
    }

    /// An item of an RDB that is selected: `length` bytes from `offset` on.
    ///
    /// # Errors
    /// Those of the writer, and [`io::ErrorKind::Unsupported`] if the format cannot express it.
    fn item(&mut self, offset: u64, length: u64, item: &rdb::Item<'_>) -> io::Result<()>;

    /// How the transaction ends that the last record opened. A printer that is not told must buffer the transaction.
    fn transaction(&mut self, _outcome: TransactionOutcome) {}

    /// Whether more records, wanted or not, are needed to complete what was printed.
    fn is_incomplete(&self) -> bool {
        false
    }

    /// Writes out everything that is formatted.
    ///
    /// # Errors
    /// Those of the writer.
    fn flush(&mut self) -> io::Result<()>;
}

/// The heading of a part.
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
    /// Whether text names the part before its records.
    pub announced: Announced,
}

/// Whether a heading is printed.
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

/// Formatted output is written out in pieces of this many bytes.
const FLUSH_AT: usize = 64 * 1024;

#[cfg(test)]
mod tests;
