//! What is wrong with a log, in one line each.

use crate::aof::log::{Log, Part};
use crate::aof::transaction::Opening;
use crate::aof::{ANNOTATION_LIMIT, Damage, DamageKind};
use crate::input::{Change, Container};
use crate::rdb;
use crate::report::escape::Argument;

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
    let what = match damage.kind {
        DamageKind::Truncated { field, missing: Some(missing) } => {
            format!("the file ends inside {field}, {missing} bytes too early")
        }
        DamageKind::Truncated { field, missing: None } => format!("the file ends inside {field}"),
        DamageKind::Malformed { field, problem } => format!("{field} is malformed: {problem}"),
        DamageKind::NoRecord { found } if found.is_ascii_graphic() => {
            format!("expected a record ('*' or '#'), found '{}'", found as char)
        }
        DamageKind::NoRecord { found } => format!("expected a record ('*' or '#'), found 0x{found:02x}"),
        DamageKind::LongAnnotation => format!("the annotation is longer than {ANNOTATION_LIMIT} bytes"),
    };
    let Damage { offset, record, record_offset, .. } = damage;
    let name = Argument(super::file_name(part));
    let place = if offset == record_offset {
        format!("byte {offset} (record {record})")
    } else {
        format!("byte {offset} (record {record}, which starts at byte {record_offset})")
    };
    // What does not even begin as a log is none, and what is compressed must be unpacked first.
    let alien = *offset == 0 && matches!(damage.kind, DamageKind::NoRecord { .. });
    let remark = if alien { "; is this an append-only file?" } else { "" };
    let remedy = if alien || container != Container::Plain { Remedy::None } else { Remedy::Fix };
    Finding { text: format!("{name}, {place}: {what}{remark}"), remedy }
}

/// A transaction without an end.
pub fn of_opening(part: &Part, opening: Opening) -> Finding {
    let name = Argument(super::file_name(part));
    let Opening { offset, record, .. } = opening;
    let text = format!(
        "{name}, byte {offset} (record {record}): the file ends inside the transaction that MULTI opens here; a server drops it"
    );
    Finding { text, remedy: Remedy::Fix }
}

/// A file that was cut while it was mapped; one that grew is whole as far as it was read.
pub fn of_change(part: &Part, change: Change) -> Option<Finding> {
    let Change::Shrank { from, to } = change else { return None };
    let name = Argument(super::file_name(part));
    let text = format!("{name}: shrank from {from} to {to} bytes while it was read; what was shown may be gone");
    Some(Finding { text, remedy: Remedy::None })
}

/// Damage of an RDB, or a flaw in one of its values.
pub fn of_rdb(part: &Part, damage: &rdb::Damage) -> Finding {
    let name = Argument(super::file_name(part));
    let key = damage.key.as_ref().map(|key| format!(", in the value of {}", Argument(key))).unwrap_or_default();
    Finding { text: format!("{name}, byte {}{key}: {damage}", damage.offset), remedy: Remedy::None }
}
