//! `--at-offset`, `--truncate-to-offset` and `--remove`: an offset in a part of a log, as typed and as resolved.

use std::ffi::OsStr;
use std::path::Path;
use std::str::FromStr;

use super::console::hinted;
use super::source;
use crate::escape::shell_word;
use crate::input::is_stdin;
use crate::rdb;
use crate::report::file_name::FileName;
use crate::report::number::counted;

/// An offset, and the part that it is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PartOffset {
    /// The part's file name; the last part if there is none.
    part: Option<String>,
    /// Bytes from the beginning of the part.
    offset: u64,
}

impl FromStr for PartOffset {
    type Err = &'static str;

    /// Reads `N`, or `PART:N` with any name before the last colon.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (part, digits) = match text.rsplit_once(':') {
            Some((part, digits)) => (Some(part.to_owned()), digits),
            None => (None, text),
        };
        let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        match digits.parse() {
            Ok(offset) if is_number => Ok(Self { part, offset }),
            _ => Err("not an offset: give a number of bytes, or PART:N with the file name of a part"),
        }
    }
}

/// A part in which an offset may be.
pub(super) struct NamedPart<'a> {
    /// Its name, of which the last component counts.
    pub(super) name: &'a OsStr,
    pub(super) path: &'a Path,
    pub(super) bytes: &'a [u8],
}

impl NamedPart<'_> {
    fn file_name(&self) -> &Path {
        Path::new(self.name).file_name().map_or(Path::new(self.name), Path::new)
    }

    fn length(&self) -> u64 {
        self.bytes.len() as u64
    }
}

impl PartOffset {
    /// The index of the part among those of the log at `log`, and the offset in it; `option` is what was typed.
    ///
    /// An offset beyond the end is an error, since it would mean the whole log.
    pub(super) fn resolve(&self, option: &str, log: &Path, parts: &[NamedPart<'_>]) -> anyhow::Result<(usize, u64)> {
        let length = |index: usize| parts.get(index).map_or(0, NamedPart::length);
        let lengths = || {
            let lengths =
                parts.iter().map(|part| format!("{} ({})", FileName(part.file_name()), counted(part.length(), "byte")));
            lengths.collect::<Vec<_>>().join(", ")
        };
        let index = match &self.part {
            None => parts.len().saturating_sub(1),
            Some(wanted) => match parts.iter().position(|part| part.file_name() == Path::new(wanted)) {
                Some(index) => index,
                None => {
                    let (log, wanted) = (FileName(log), FileName(wanted));
                    let hint = format!("the parts are {}; {}", lengths(), how_to_find(log.0));
                    return Err(hinted(format!("{log}: no part that a server loads is named {wanted}"), hint));
                }
            },
        };
        if self.offset > length(index) {
            let message = format!(
                "{}: {option} {} is beyond the end of the file, which has {}",
                FileName(parts.get(index).map_or(log, |part| part.path)),
                self.offset,
                counted(length(index), "byte")
            );
            let mut hint = how_to_find(log);
            if parts.len() > 1 {
                hint = format!("{option} PART:N is an offset in another part; the parts are {}; {hint}", lengths());
            }
            return Err(hinted(message, hint));
        }
        if let Some(part) = parts.get(index) {
            self.refuse_inside_rdb(option, part)?;
        }
        Ok((index, self.offset))
    }

    /// A server loads an RDB as a whole, so an offset inside one would mean all of it.
    fn refuse_inside_rdb(&self, option: &str, part: &NamedPart<'_>) -> anyhow::Result<()> {
        if !rdb::is_rdb(part.bytes) {
            return Ok(());
        }
        let end = source::rdb_end(part.bytes);
        if self.offset >= end {
            return Ok(());
        }
        let message = format!(
            "{}: {option} {} is inside the RDB, which is loaded as a whole and ends at byte {end}",
            FileName(part.path),
            self.offset
        );
        Err(hinted(message, format!("{option} {}:{end} is the end of the RDB", FileName(part.file_name()))))
    }
}

/// How to find the offset of a record of a log, as a clause of a hint.
pub(super) fn how_to_find(log: &Path) -> String {
    if is_stdin(log) {
        return "aofkit inspect shows the offset of every record".to_owned();
    }
    format!("to find the offset of a record, run: aofkit inspect {}", shell_word(log))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_may_name_its_part() {
        let offset = |text: &str| text.parse::<PartOffset>().map(|offset| (offset.part, offset.offset)).ok();
        assert_eq!(offset("1360"), Some((None, 1360)));
        assert_eq!(offset("a.aof.1.incr.aof:0"), Some((Some("a.aof.1.incr.aof".to_owned()), 0)));
        assert_eq!(offset("odd:name:12"), Some((Some("odd:name".to_owned()), 12)));
        for wrong in ["", "1,360", "-1", "+1", "a.aof:", "a.aof", "99999999999999999999"] {
            assert_eq!(offset(wrong), None, "{wrong}");
        }
    }
}
