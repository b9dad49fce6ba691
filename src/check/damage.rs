//! Findings about what cannot be read: damage is put into words here, for a check and for an inspection alike.

use std::path::Path;

use super::finding::{Code, Finding, Severity};
use crate::aof::manifest::Problem;
use crate::aof::transaction::Opening;
use crate::aof::{Damage, DamageKind};
use crate::error::Error;
use crate::input::Change;
use crate::plural::counted;
use crate::rdb;

pub(super) const RESTORE: &str = "restore this file from a copy, a replica or a backup";
pub(crate) const NO_LOG: &str = "nothing in this file reads as a log: check that it is the one you meant";
pub(crate) const DECOMPRESS: &str = "decompress it, then run: aofkit fix FILE";

/// A line of a manifest that breaks a rule.
pub(crate) fn of_manifest(path: &Path, bytes: &[u8], problem: &Problem) -> Finding {
    let message = format!("line {}: {} (servers say: {})", problem.line, problem.flaw, problem.flaw.server_message());
    let advice = "aofkit fix works out a manifest that fits the files, and shows it before it replaces this one";
    Finding::new(Code::Manifest, Severity::Error, path, message, advice).at(bytes, problem.offset, None)
}

/// A compressed stream that could not be read to its end.
pub(crate) fn of_defect(file: &Path, defect: &Error) -> Finding {
    let message = format!("{}; everything before it was read", defect.kind());
    let finding = Finding::new(Code::Compression, Severity::Error, file, message, "fetch the compressed file again");
    Finding { offset: defect.offset(), ..finding }
}

/// A file that changed while it was read.
pub(crate) fn of_change(file: &Path, change: Change) -> Finding {
    let bytes = |length| counted(length, "byte");
    let (severity, message, advice) = match change {
        Change::Grew { from, to } => (
            Severity::Note,
            format!(
                "the file grew from {} to {} while it was read: what was added was not read",
                bytes(from),
                bytes(to)
            ),
            "a server is writing to the file; read it again when the server has stopped, or read a copy",
        ),
        Change::Shrank { from, to } => (
            Severity::Error,
            format!(
                "the file shrank from {} to {} while it was read: what was read may no longer exist",
                bytes(from),
                bytes(to)
            ),
            "read it again",
        ),
    };
    Finding::new(Code::FileChanged, severity, file, message, advice)
}

/// Damage among the records of a file, whose bytes are `bytes`, perhaps in an open transaction.
pub(crate) fn of_records(file: &Path, bytes: &[u8], damage: &Damage, open: Option<Opening>) -> Finding {
    let rest = usize::try_from(damage.offset).ok().and_then(|offset| bytes.get(offset..)).unwrap_or_default();
    let (code, message) = match damage.kind {
        DamageKind::NoRecord { .. } if !rest.is_empty() && rest.iter().all(|byte| *byte == 0) => {
            let zeros = counted(rest.len() as u64, "byte");
            (Code::ZeroTail, format!("the file ends in {zeros} that are zero: allocated but never written"))
        }
        DamageKind::Truncated { .. } => (Code::TruncatedRecord, damage.kind.to_string()),
        DamageKind::NoRecord { .. } => (Code::NotARecord, damage.kind.to_string()),
        DamageKind::Malformed { .. } => (Code::MalformedRecord, damage.kind.to_string()),
        DamageKind::LongAnnotation => (Code::LongAnnotation, damage.kind.to_string()),
    };
    let is_torn = matches!(code, Code::TruncatedRecord | Code::ZeroTail);
    let message = match open.filter(|_| is_torn) {
        Some(opening) => format!("{message}, in a transaction that began at byte {}", opening.offset),
        None => message,
    };
    Finding::new(code, Severity::Error, file, message, RESTORE).at(bytes, damage.offset, Some(damage.record))
}

/// A transaction that the end of a file leaves open.
pub(crate) fn of_transaction(file: &Path, bytes: &[u8], opening: Opening) -> Finding {
    let length = counted((bytes.len() as u64).saturating_sub(opening.offset), "byte");
    let message = format!("{}, {length} long so far", Opening::UNFINISHED);
    Finding::new(Code::UnfinishedTransaction, Severity::Error, file, message, RESTORE).at(
        bytes,
        opening.offset,
        Some(opening.record),
    )
}

/// Damage of an RDB that ends the walk over it.
pub(crate) fn of_rdb(file: &Path, bytes: &[u8], damage: &rdb::Damage) -> Finding {
    let (code, advice) = match damage.kind {
        rdb::DamageKind::Checksum { .. } => {
            (Code::RdbChecksum, "at least one byte is not what was written: restore the file from a copy")
        }
        _ if damage.kind.is_unknown() => (Code::RdbUnknown, "a newer release of this program may know it"),
        _ => (Code::RdbDamage, RESTORE),
    };
    Finding::new(code, Severity::Error, file, damage.to_string(), advice).at(bytes, damage.offset, None)
}

/// A value of an RDB that is not as it should be, though the walk goes on after it.
pub(crate) fn of_rdb_value(file: &Path, bytes: &[u8], severity: Severity, damage: &rdb::Damage) -> Finding {
    Finding::new(Code::RdbValue, severity, file, damage.to_string(), RESTORE).at(bytes, damage.offset, None)
}
