//! `--at-offset`: an offset in a part of a log, as typed and as resolved.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::str::FromStr;

use super::console::hinted;
use super::opened::Opened;
use super::source;
use crate::aof::log::Part;
use crate::escape::shell_word;
use crate::input::{Input, is_stdin};
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

impl PartOffset {
    /// The index of the part, and the offset in it.
    ///
    /// An offset beyond the end is an error, since it would mean the whole log.
    pub(super) fn resolve(&self, opened: &Opened) -> anyhow::Result<(usize, u64)> {
        let parts: Vec<_> = opened.log.parts.iter().zip(&opened.inputs).collect();
        let length = |index: usize| parts.get(index).map_or(0, |(_, input)| input.bytes().len() as u64);
        let lengths = || {
            let lengths = parts.iter().map(|(part, input)| {
                format!("{} ({})", FileName(name(part)), counted(input.bytes().len() as u64, "byte"))
            });
            lengths.collect::<Vec<_>>().join(", ")
        };
        let log = FileName(&opened.log.path);
        let index = match &self.part {
            None => parts.len().saturating_sub(1),
            Some(wanted) => match parts.iter().position(|(part, _)| part.file_name() == wanted.as_bytes()) {
                Some(index) => index,
                None => {
                    let wanted = FileName(wanted);
                    let hint = format!("the parts are {}; {}", lengths(), how_to_find(&opened.log.path));
                    return Err(hinted(format!("{log}: no part that a server loads is named {wanted}"), hint));
                }
            },
        };
        if self.offset > length(index) {
            let part = parts.get(index).map_or(&opened.log.path, |(part, _)| &part.path);
            let message = format!(
                "{}: --at-offset {} is beyond the end of the file, which has {}",
                FileName(part),
                self.offset,
                counted(length(index), "byte")
            );
            let mut hint = how_to_find(&opened.log.path);
            if parts.len() > 1 {
                hint = format!("--at-offset PART:N is an offset in another part; the parts are {}; {hint}", lengths());
            }
            return Err(hinted(message, hint));
        }
        self.refuse_inside_rdb(&parts, index)?;
        Ok((index, self.offset))
    }

    /// A server loads an RDB as a whole, so an offset inside one would mean all of it.
    fn refuse_inside_rdb(&self, parts: &[(&Part, &Input)], index: usize) -> anyhow::Result<()> {
        let Some((part, input)) = parts.get(index).filter(|(_, input)| rdb::is_rdb(input.bytes())) else {
            return Ok(());
        };
        let end = source::rdb_end(input.bytes());
        if self.offset >= end {
            return Ok(());
        }
        let message = format!(
            "{}: --at-offset {} is inside the RDB, which is loaded as a whole and ends at byte {end}",
            FileName(&part.path),
            self.offset
        );
        Err(hinted(message, format!("--at-offset {}:{end} gives the data of the RDB", FileName(name(part)))))
    }
}

/// How to find the offset of a record of a log, as a clause of a hint.
pub(super) fn how_to_find(log: &Path) -> String {
    if is_stdin(log) {
        return "aofkit inspect shows the offset of every record".to_owned();
    }
    format!("to find the offset of a record, run: aofkit inspect {}", shell_word(log))
}

fn name(part: &Part) -> &Path {
    Path::new(OsStr::from_bytes(part.file_name()))
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
