//! What is wrong with a log that is inspected, in one line each.

use crate::aof::log::{Log, Part, Role};
use crate::aof::transaction::Opening;
use crate::aof::{Damage, is_no_log};
use crate::check::rdb_words;
use crate::input::{Change, Container};
use crate::plural::counted;
use crate::rdb;
use crate::report::file_name::FileName;

/// Something that makes a log unsound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The file, the offset, the record, and what is wrong.
    pub text: String,
    /// What may help.
    pub remedy: Remedy,
}

/// What can be done about a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// `aofkit fix` may.
    Fix,
    /// Nothing that this tool does to the file.
    None,
}

/// The first rule that a manifest breaks.
pub fn of_manifest(log: &Log) -> Option<Finding> {
    let multi_part = log.as_multi_part()?;
    let problem = multi_part.manifest.problems.first()?;
    let text = format!(
        "{}: a server refuses this manifest: {} (line {})",
        FileName(&multi_part.manifest_path),
        problem.flaw.server_message(),
        problem.line
    );
    Some(Finding { text, remedy: Remedy::None })
}

/// Damage of a RESP part, whose bytes are `bytes`, unpacked from `container`.
pub fn of_damage(part: &Part, damage: &Damage, bytes: &[u8], container: Container) -> Finding {
    let Damage { offset, record, record_offset, kind } = damage;
    let name = FileName(&part.path);
    let place = if offset == record_offset {
        format!("byte {offset}, record {record}")
    } else {
        format!("byte {offset}, record {record}, which starts at byte {record_offset}")
    };
    let alien = part.role == Role::Single && is_no_log(bytes);
    let remark = if alien { "; is this an append-only file?" } else { "" };
    // What is compressed must be unpacked first.
    let remedy = if alien || container != Container::Plain { Remedy::None } else { Remedy::Fix };
    Finding { text: format!("{name}: {kind}{remark} ({place})"), remedy }
}

/// A transaction without an end.
pub fn of_opening(part: &Part, opening: Opening) -> Finding {
    let name = FileName(&part.path);
    let Opening { offset, record, .. } = opening;
    let what = Opening::UNFINISHED;
    let text = format!("{name}: {what}; a server drops it (byte {offset}, record {record})");
    Finding { text, remedy: Remedy::Fix }
}

/// A file that was cut while it was mapped; one that grew is whole as far as it was read.
pub fn of_change(part: &Part, change: Change) -> Option<Finding> {
    let Change::Shrank { from, to } = change else { return None };
    let name = FileName(&part.path);
    let text = format!(
        "{name}: shrank from {} to {} while it was read; what was shown may be gone",
        counted(from, "byte"),
        counted(to, "byte")
    );
    Some(Finding { text, remedy: Remedy::None })
}

/// Damage of an RDB, or a flaw in one of its values.
pub fn of_rdb(part: &Part, damage: &rdb::Damage) -> Finding {
    let text = format!("{}: {} (byte {})", FileName(&part.path), rdb_words(damage), damage.offset);
    Finding { text, remedy: Remedy::None }
}
