//! The tool at work on a path: which files belong to it, and what is said about them as a whole.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, Metadata};
use std::io::{self, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::FileTypeExt;

use super::part::Part;
use super::{Imitated, Stopped};
use crate::Server;
use crate::aof::manifest::{self, Kind};
use crate::check::official::{FileKind, Line, file_kind};
use crate::check::server::LOG_LINE_LIMIT;
use crate::cli::source;
use crate::error::plain;
use crate::escape::visible;
use crate::input::Input;
use crate::rdb::{Family, HEADER_LENGTH, family_of};

/// What the tool was asked to do with what it finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// Say it.
    Check,
    /// Cut off what is not valid, if the user agrees.
    Fix,
    /// Cut off what is later, in unix seconds.
    ToTimestamp(i64),
}

/// One run of the tool.
pub(super) struct Tool<'o> {
    pub(super) imitated: Imitated,
    pub(super) mode: Mode,
    pub(super) out: &'o mut dyn Write,
    /// The line counter, which runs on from part to part.
    pub(super) lines: u64,
}

/// How the check of one part ended, if the tool went on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PartEnd {
    Valid,
    Empty,
    Truncated,
    TruncatedTo(i64),
}

impl<'o> Tool<'o> {
    pub(super) fn new(imitated: Imitated, mode: Mode, out: &'o mut dyn Write) -> Self {
        Self { imitated, mode, out, lines: 1 }
    }

    pub(super) const fn server(&self) -> Server {
        self.imitated.server()
    }

    pub(super) fn check(&mut self, path: &OsStr) -> Result<(), Stopped> {
        let input = self.look_at(path)?;
        match input.as_ref().map_or(FileKind::Resp, |input| self.kind(input.bytes())) {
            FileKind::Manifest => self.check_multi_part(path, input.as_ref().map_or(&[], Input::bytes)),
            kind => self.check_old_style(path, kind),
        }
    }

    /// What a file is: as the real tool sees it, and right where it is wrong.
    fn kind(&self, bytes: &[u8]) -> FileKind {
        match file_kind(bytes, self.server()) {
            // The real checker of Valkey does not know the magic of Valkey.
            FileKind::Resp if bytes.len() >= HEADER_LENGTH && family_of(bytes) == Some(Family::Valkey) => FileKind::Rdb,
            FileKind::Resp if manifest::is_manifest(bytes) => FileKind::Manifest,
            kind => kind,
        }
    }

    /// Opens a file to see what it is; `None` for an empty one.
    fn look_at(&mut self, path: &OsStr) -> Result<Option<Input>, Stopped> {
        let metadata = match fs::metadata(path) {
            Ok(metadata) => metadata,
            Err(error) => return self.stop(&[b"Cannot open file ", path.as_bytes(), b": ", &system_words(&error)]),
        };
        if never_ends(&metadata) {
            return self.stop(&[b"Cannot read file: ", path.as_bytes()]);
        }
        if let Err(error) = File::open(path) {
            return self.stop(&[b"Cannot open file ", path.as_bytes(), b": ", &system_words(&error)]);
        }
        if metadata.len() == 0 {
            return Ok(None);
        }
        match source::mapped().open_as_is(path.as_ref()) {
            Ok(input) => Ok(Some(input)),
            Err(_) => self.stop(&[b"Cannot read file: ", path.as_bytes()]),
        }
    }

    fn check_old_style(&mut self, path: &OsStr, kind: FileKind) -> Result<(), Stopped> {
        self.line(&[b"Start checking Old-Style AOF"])?;
        let part = Part { name: path.to_owned(), path: path.to_owned(), kind, is_last: true };
        let end = part.check(self)?;
        self.style(end, &part.name, "AOF")
    }

    fn check_multi_part(&mut self, path: &OsStr, bytes: &[u8]) -> Result<(), Stopped> {
        self.line(&[b"Start checking Multi Part AOF"])?;
        if let Some(problem) = manifest::problem_for(bytes, self.server()) {
            return self.manifest_error(&problem);
        }
        let manifest = manifest::parse_as(bytes, self.server());
        let directory = directory_of(path.as_bytes());
        let paths = |entry: &manifest::Entry| {
            let name = OsString::from_vec(entry.name.clone());
            (name, OsString::from_vec([directory, b"/", &entry.name].concat()))
        };
        let incrs: Vec<_> = manifest.of_kind(Kind::Incr).map(paths).collect();
        if let Some((name, path)) = manifest.of_kind(Kind::Base).next().map(paths) {
            let kind = match self.look_at_part(&path)? {
                Some(input) if self.kind(input.bytes()) == FileKind::Rdb => FileKind::Rdb,
                _ => FileKind::Resp,
            };
            let format = if kind == FileKind::Rdb { "RDB" } else { "RESP" };
            self.line(&[format!("Start to check BASE AOF ({format} format).").as_bytes()])?;
            let part = Part { name, path, kind, is_last: incrs.is_empty() };
            let end = part.check(self)?;
            self.style(end, &part.name, "BASE AOF")?;
        }
        if !incrs.is_empty() {
            self.line(&[b"Start to check INCR files."])?;
        }
        let count = incrs.len();
        for (index, (name, path)) in incrs.into_iter().enumerate() {
            let part = Part { name, path, kind: FileKind::Resp, is_last: index + 1 == count };
            let end = part.check(self)?;
            self.style(end, &part.name, "INCR AOF")?;
        }
        self.line(&[b"All AOF files and manifest are valid"])
    }

    /// As [`Tool::look_at`], but what cannot be read is judged later.
    fn look_at_part(&mut self, path: &OsStr) -> Result<Option<Input>, Stopped> {
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => Ok(None),
            _ => self.look_at(path),
        }
    }

    fn manifest_error(&mut self, problem: &manifest::Problem) -> Result<(), Stopped> {
        self.log('#', b"\n*** FATAL AOF MANIFEST FILE ERROR ***\n")?;
        if let Some(text) = &problem.text {
            self.log('#', format!("Reading the manifest file, at line {}\n", problem.line).as_bytes())?;
            self.log('#', &[b">>> '", text.as_slice(), b"'\n"].concat())?;
        }
        self.log('#', format!("{}\n", problem.flaw.server_message()).as_bytes())?;
        Err(Stopped)
    }

    fn style(&mut self, end: PartEnd, name: &OsStr, what: &str) -> Result<(), Stopped> {
        let name = name.as_bytes();
        match end {
            PartEnd::Valid => self.line(&[what.as_bytes(), b" ", name, b" is valid"]),
            PartEnd::Empty => self.line(&[what.as_bytes(), b" ", name, b" is empty"]),
            PartEnd::Truncated => self.line(&[b"Successfully truncated AOF ", name]),
            PartEnd::TruncatedTo(timestamp) => {
                let to = format!(" to timestamp {timestamp}");
                self.line(&[b"Successfully truncated AOF ", name, to.as_bytes()])
            }
        }
    }

    /// A line on standard output.
    pub(super) fn line(&mut self, pieces: &[&[u8]]) -> Result<(), Stopped> {
        for piece in pieces {
            self.out.write_all(piece)?;
        }
        self.out.write_all(b"\n")?;
        Ok(())
    }

    /// A line on standard output, the last.
    pub(super) fn stop<T>(&mut self, pieces: &[&[u8]]) -> Result<T, Stopped> {
        self.line(pieces)?;
        Err(Stopped)
    }

    /// Talk, on standard error; nobody may be listening.
    pub(super) fn say(&self, message: &str) {
        let _ = writeln!(io::stderr(), "{}: {}", self.imitated.name(), visible(message));
    }

    /// A line of either kind.
    pub(super) fn emit(&mut self, line: &Line) -> Result<(), Stopped> {
        match line {
            Line::Plain(text) => self.line(&[text]),
            Line::Log { mark, text } => self.log(*mark, text),
        }
    }

    /// A line through the server's log, which goes to standard output.
    fn log(&mut self, mark: char, text: &[u8]) -> Result<(), Stopped> {
        let role = match self.imitated {
            Imitated::Redis => 'C',
            Imitated::Valkey => 'M',
        };
        let time = jiff::Zoned::now().strftime("%d %b %Y %H:%M:%S%.3f").to_string();
        let prefix = format!("{}:{role} {time} {mark} ", std::process::id());
        let text = text.get(..LOG_LINE_LIMIT).unwrap_or(text);
        self.line(&[prefix.as_bytes(), text])
    }
}

/// `dirname` of POSIX.
fn directory_of(path: &[u8]) -> &[u8] {
    let without_slashes = |path: &[u8]| path.iter().rposition(|&byte| byte != b'/').map_or(0, |last| last + 1);
    let base_end = without_slashes(path);
    let Some(base) = path.get(..base_end) else { return b"." };
    if base.is_empty() {
        return if path.is_empty() { b"." } else { b"/" };
    }
    let Some(slash) = base.iter().rposition(|&byte| byte == b'/') else { return b"." };
    let parent = base.get(..slash).unwrap_or_default();
    match parent.get(..without_slashes(parent)) {
        Some([]) | None => b"/",
        Some(parent) => parent,
    }
}

/// What the operating system says, in the words of C's `strerror`.
pub(super) fn system_words(error: &io::Error) -> Vec<u8> {
    plain(error).into_bytes()
}

/// Whether opening the file would wait for somebody, or its length say nothing.
pub(super) fn never_ends(metadata: &Metadata) -> bool {
    metadata.file_type().is_fifo() || metadata.file_type().is_socket()
}

#[cfg(test)]
mod tests {
    use super::directory_of;

    #[test]
    fn the_directory_is_that_of_posix() {
        for (path, directory) in [
            ("a", "."),
            ("", "."),
            ("/", "/"),
            ("//", "/"),
            ("/a", "/"),
            ("a/b", "a"),
            ("a//b", "a"),
            ("a/b/", "a"),
            ("/a/b", "/a"),
        ] {
            assert_eq!(directory_of(path.as_bytes()), directory.as_bytes(), "{path}");
        }
    }
}
