//! What is wrong with a log that is walked through: findings as those of a check, with the advice that can be given
//! without one.

use std::path::Path;

use crate::aof::log::{Log, Part, Role};
use crate::aof::transaction::Opening;
use crate::aof::{Damage, is_no_log};
use crate::check::{Finding, damage};
use crate::escape::shell_word;
use crate::input::Container;

/// The first rule that the manifest of a log breaks, as a check words it; `None` if it breaks none, or there is none.
pub fn manifest_finding(log: &Log) -> Option<Finding> {
    let multi_part = log.as_multi_part()?;
    let problem = multi_part.manifest.problems.first()?;
    Some(damage::of_manifest(&multi_part.manifest_path, multi_part.input.bytes(), problem))
}

/// Damage of a RESP part of the log at `log`, whose bytes are `bytes`, decompressed from `container`.
pub(crate) fn of_damage(log: &Path, part: &Part, found: &Damage, bytes: &[u8], container: Container) -> Finding {
    let finding = damage::of_records(&part.path, bytes, found, None);
    let advice = if part.role == Role::Single && is_no_log(bytes) {
        damage::NO_LOG.to_owned()
    } else if container != Container::Plain {
        damage::DECOMPRESS.to_owned()
    } else {
        repair(log)
    };
    let message = match found.record_offset {
        start if start == found.offset => finding.message,
        start => format!("{}, in the record that starts at byte {start}", finding.message),
    };
    Finding { message, advice, ..finding }
}

/// A transaction without an end.
pub(crate) fn of_opening(log: &Path, part: &Part, bytes: &[u8], opening: Opening) -> Finding {
    Finding { advice: repair(log), ..damage::of_transaction(&part.path, bytes, opening) }
}

fn repair(log: &Path) -> String {
    format!("to see what a repair would cut, run: aofkit fix --dry-run {}", shell_word(log))
}
