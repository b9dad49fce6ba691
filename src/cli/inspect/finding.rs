//! What is wrong with a log, in one line each.

use crate::aof::log::{Log, Part};
use crate::aof::transaction::Opening;
use crate::aof::{Damage, DamageKind};
use crate::escape::{Argument, shortened};
use crate::input::{Change, Container};
use crate::rdb;

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
        "{}, line {}: a server refuses this manifest: {}",
        multi_part.manifest_path.display(),
        problem.line,
        problem.flaw.server_message()
    );
    Some(Finding { text, remedy: Remedy::None })
}

/// Damage of a RESP part.
pub fn of_damage(part: &Part, damage: &Damage, container: Container) -> Finding {
    let Damage { offset, record, record_offset, kind } = damage;
    let name = Argument(super::file_name(part));
    let place = if offset == record_offset {
        format!("byte {offset} (record {record})")
    } else {
        format!("byte {offset} (record {record}, which starts at byte {record_offset})")
    };
    // What does not even begin as a log is none, and what is compressed must be unpacked first.
    let alien = *offset == 0 && matches!(kind, DamageKind::NoRecord { .. });
    let remark = if alien { "; is this an append-only file?" } else { "" };
    let remedy = if alien || container != Container::Plain { Remedy::None } else { Remedy::Fix };
    Finding { text: format!("{name}, {place}: {kind}{remark}"), remedy }
}

/// A transaction without an end.
pub fn of_opening(part: &Part, opening: Opening) -> Finding {
    let name = Argument(super::file_name(part));
    let Opening { offset, record, .. } = opening;
    let what = Opening::UNFINISHED;
    let text = format!("{name}, byte {offset} (record {record}): {what}; a server drops it");
    Finding { text, remedy: Remedy::Fix }
}

/// A file that was cut while it was mapped; one that grew is whole as far as it was read.
pub fn of_change(part: &Part, change: Change) -> Option<Finding> {
    let Change::Shrank { from, to } = change else { return None };
    let name = Argument(super::file_name(part));
    let text = format!("{name}: shrank from {from} to {to} bytes while it was read; what was shown may be gone");
    Some(Finding { text, remedy: Remedy::None })
}

/// So much of a key is shown in a sentence, in columns.
const KEY_COLUMNS: usize = 64;

/// Damage of an RDB, or a flaw in one of its values.
pub fn of_rdb(part: &Part, damage: &rdb::Damage) -> Finding {
    let name = Argument(super::file_name(part));
    let in_key = |key: &Vec<u8>| {
        let mut shown = Vec::new();
        shortened(&mut shown, key, KEY_COLUMNS);
        format!(", in the value of {}", String::from_utf8_lossy(&shown))
    };
    let key = damage.key.as_ref().map(in_key).unwrap_or_default();
    Finding { text: format!("{name}, byte {}{key}: {damage}", damage.offset), remedy: Remedy::None }
}
