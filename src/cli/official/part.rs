//! One file of the log: checked, and cut where that was asked for.

use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::{self, IsTerminal, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::tool::{Mode, PartEnd, Stopped, Tool, never_ends, system_words};
use crate::check::official::{
    Cut, FileKind, PreambleEnd, Resume, Verdict, check_preamble, check_resp, cut_to_timestamp,
};
use crate::check::scan;
use crate::cli::source;
use crate::escape::shell_word;
use crate::repair::{self, salvage};
use crate::report::number::counted;
use crate::storage::OpenElsewhere;

/// A file to check.
pub(super) struct Part {
    /// As the manifest or the command line names it.
    pub(super) name: OsString,
    /// Where it is: with the directory of the manifest, if one names it.
    pub(super) path: OsString,
    /// What it starts with: [`FileKind::Rdb`] or RESP.
    pub(super) kind: FileKind,
    /// Whether it may be cut.
    pub(super) is_last: bool,
}

/// What a part is found to be before anything is done about it.
enum Finding {
    Empty,
    Judged(Verdict),
    InvalidTimestamp,
    Later { offset: u64, valid_up_to: u64, size: u64 },
}

impl Part {
    pub(super) fn check(&self, tool: &mut Tool<'_>) -> Result<PartEnd, Stopped> {
        let name = self.name.as_bytes();
        // The file is unmapped before anything is cut.
        let verdict = match self.find(tool)? {
            Finding::Empty => return Ok(PartEnd::Empty),
            Finding::Judged(verdict) => verdict,
            Finding::InvalidTimestamp => return tool.stop(&[b"Invalid timestamp annotation"]),
            Finding::Later { offset, valid_up_to, size } => {
                return self.cut_to_timestamp(tool, offset, valid_up_to, size);
            }
        };
        tool.lines = verdict.ok_up_to_line;
        if let (Mode::ToTimestamp(timestamp), true) = (tool.mode, verdict.valid()) {
            for line in verdict.findings(tool.server(), name, self.path.as_bytes()) {
                tool.line(&[&line])?;
            }
            let to = format!(" to timestamp {timestamp}");
            tool.line(&[b"Truncate nothing in AOF ", name, to.as_bytes()])?;
            return Ok(PartEnd::Valid);
        }
        for line in verdict.lines(tool.server(), name, self.path.as_bytes()) {
            tool.line(&[&line])?;
        }
        if verdict.valid() {
            return Ok(PartEnd::Valid);
        }
        if tool.mode != Mode::Fix {
            return tool.stop(&[b"AOF ", name, b" is not valid. Use the --fix option to try fixing it."]);
        }
        self.fix(tool, &verdict)
    }

    fn find(&self, tool: &mut Tool<'_>) -> Result<Finding, Stopped> {
        if fs::metadata(&self.path).is_ok_and(|metadata| never_ends(&metadata)) {
            return tool.stop(&[b"Cannot read file: ", self.path.as_bytes()]);
        }
        if let Err(error) = self.open(tool.mode) {
            let path = self.path.as_bytes();
            return tool.stop(&[b"Cannot open file ", path, b": ", &system_words(&error), b", aborting..."]);
        }
        if fs::metadata(&self.path).is_ok_and(|metadata| metadata.len() == 0) {
            return Ok(Finding::Empty);
        }
        let Ok(input) = source::mapped().open_as_is(self.path.as_ref()) else {
            return tool.stop(&[b"Failed to read from AOF ", self.name.as_bytes(), b", aborting..."]);
        };
        input.advise_sequential();
        let start = match self.kind {
            FileKind::Rdb => self.check_preamble(tool, input.bytes())?,
            FileKind::Manifest | FileKind::Resp => 0,
        };
        let resume = Resume::at(start, tool.lines);
        Ok(match tool.mode {
            Mode::Check | Mode::Fix => Finding::Judged(check_resp(input.bytes(), resume, tool.server())),
            Mode::ToTimestamp(timestamp) => match cut_to_timestamp(input.bytes(), resume, tool.server(), timestamp) {
                Cut::Nothing(verdict) => Finding::Judged(verdict),
                Cut::Invalid { .. } => Finding::InvalidTimestamp,
                Cut::Later { offset, valid_up_to } => {
                    Finding::Later { offset, valid_up_to, size: input.bytes().len() as u64 }
                }
            },
        })
    }

    /// Opens the file for writing too if something may be written, since errors of opening come first.
    #[expect(clippy::disallowed_methods, reason = "it is asked whether writing is allowed, and nothing is written")]
    fn open(&self, mode: Mode) -> io::Result<()> {
        let file = OpenOptions::new().read(true).write(mode != Mode::Check).open(&self.path)?;
        if file.metadata()?.is_dir() { Err(rustix::io::Errno::ISDIR.into()) } else { Ok(()) }
    }

    fn check_preamble(&self, tool: &mut Tool<'_>, bytes: &[u8]) -> Result<usize, Stopped> {
        let now = jiff::Timestamp::now().as_millisecond();
        let mut written = Ok(());
        let end = check_preamble(bytes, tool.server(), self.path.as_bytes(), now, &mut |line| {
            if written.is_ok() {
                written = tool.emit(&line);
            }
        });
        written?;
        match end {
            PreambleEnd::Sound(end) => {
                tool.line(&[b"RDB preamble is OK, proceeding with AOF tail..."])?;
                Ok(end)
            }
            PreambleEnd::NotSane => tool.stop(&[b"RDB preamble of AOF file is not sane, aborting."]),
            PreambleEnd::Exits => Err(Stopped),
        }
    }

    fn cut_to_timestamp(
        &self,
        tool: &mut Tool<'_>,
        offset: u64,
        valid_up_to: u64,
        size: u64,
    ) -> Result<PartEnd, Stopped> {
        let Mode::ToTimestamp(timestamp) = tool.mode else { return Err(Stopped) };
        let path = self.path.as_bytes();
        if offset == 0 || valid_up_to == 0 {
            let rest = format!(" has nothing before timestamp {timestamp}, aborting...");
            return tool.stop(&[b"AOF ", path, rest.as_bytes()]);
        }
        if !self.is_last {
            let rest = format!(" to timestamp {timestamp} to offset {offset} because it is not the last file.");
            tool.line(&[b"Failed to truncate AOF ", path, rest.as_bytes()])?;
            let tool_name = tool.imitated.name();
            return tool.stop(&[
                b"If you insist, please delete all files after this file according to the manifest file and delete the \
                  corresponding records in manifest file manually. Then re-run ",
                tool_name.as_bytes(),
                b".",
            ]);
        }
        if self.truncate(tool, size, valid_up_to)? {
            return Ok(PartEnd::TruncatedTo(timestamp));
        }
        tool.stop(&[b"Failed to truncate AOF ", path, format!(" to timestamp {timestamp}").as_bytes()])
    }

    fn fix(&self, tool: &mut Tool<'_>, verdict: &Verdict) -> Result<PartEnd, Stopped> {
        let name = self.name.as_bytes();
        if !self.is_last {
            return tool.stop(&[b"Failed to truncate AOF ", name, b" because it is not the last file"]);
        }
        let Verdict { size, ok_up_to, .. } = verdict;
        let numbers = format!(" from {size} bytes, with {} bytes, to {ok_up_to} bytes", size - ok_up_to);
        tool.line(&[b"This will shrink the AOF ", name, numbers.as_bytes()])?;
        tool.out.write_all(b"Continue? [y/N]: ")?;
        tool.out.flush()?;
        let mut answer = [0];
        let yes = io::stdin().lock().read_exact(&mut answer).is_ok() && answer.eq_ignore_ascii_case(b"y");
        if !yes {
            return tool.stop(&[b"Aborting..."]);
        }
        let kept = self.kept_by_salvage(tool, *ok_up_to);
        if self.truncate(tool, *size, *ok_up_to)? {
            tool.last_line = kept;
            return Ok(PartEnd::Truncated);
        }
        tool.stop(&[b"Failed to truncate AOF ", name])
    }

    /// What `aofkit fix --salvage` keeps of what is cut off, and how to get it back; `None` if that is nothing.
    fn kept_by_salvage(&self, tool: &Tool<'_>, offset: u64) -> Option<String> {
        let path = Path::new(&self.path);
        let input = source::mapped().open_as_is(path).ok()?;
        let copy = |offset: usize, buffer: &mut [u8]| input.copy(offset, buffer);
        let scan = scan::Options { threads: source::cores(), copy: Some(&copy), ..scan::Options::default() };
        let options = salvage::Options { server: tool.server(), scan, ..salvage::Options::default() };
        let found = salvage::salvage(input.bytes(), usize::try_from(offset).ok()?, options);
        let rest = (input.bytes().len() as u64).saturating_sub(offset);
        let bytes = rest.saturating_sub(found.gaps.iter().map(|gap| gap.edit.removed()).sum());
        let (records, bytes) = (counted(found.records, "whole record"), counted(bytes, "byte"));
        let path = shell_word(path);
        (found.records > 0).then(|| {
            format!(
                "aofkit fix --salvage would have kept {records} ({bytes}) after the cut; run: \
                 aofkit fix --undo {path} && aofkit fix --salvage {path}"
            )
        })
    }

    /// Cuts; says where the removed bytes are, or why it could not be done.
    fn truncate(&self, tool: &mut Tool<'_>, size: u64, offset: u64) -> Result<bool, Stopped> {
        tool.out.flush()?;
        // The real tools do not check which processes have the file open.
        match repair::cut(Path::new(&self.path), size, offset, OpenElsewhere::Ignore) {
            Ok(applied) => {
                // Only to a person: the servers' own tests run the tool from Tcl, which takes a line on standard error
                // for a failure.
                if let (Some(kept), true) = (applied.and_then(|applied| applied.kept), io::stderr().is_terminal()) {
                    let copy = kept.directory.join(repair::removed_name(Path::new(&self.path), offset));
                    tool.say(&format!("the removed bytes are in {}", copy.display()));
                }
                Ok(true)
            }
            Err(error) => {
                tool.say(&error.to_string());
                Ok(false)
            }
        }
    }
}
