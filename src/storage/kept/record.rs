//! The text in a directory of kept copies: a description for people, and a line for [`undo`](super::undo).

use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::fs;
use std::io::{self, Read};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::escape::{shell_word, visible};
use crate::storage::directory_of;

/// The name of the text's file. It is written last: a directory without it is incomplete.
pub(super) const TEXT: &str = "README.txt";

/// The beginning of the line for programs.
const PREFIX: &str = "record: ";

/// The maximum number of bytes to read.
const LIMIT: u64 = 4 << 20;

/// The change for which the copies were made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Cause {
    /// `fix` removed what is damaged and everything after it.
    Fix,
    /// `fix --salvage` removed only what is damaged.
    Salvage,
    /// `fix` wrote the manifest.
    Manifest,
    /// `fix` took the log back to an earlier point.
    Back,
    /// `fix --remove` removed records.
    Remove,
    /// `rewrite --in-place` replaced the log.
    Rewrite,
}

impl Cause {
    /// The subcommand.
    pub const fn command(self) -> &'static str {
        match self {
            Self::Rewrite => "rewrite",
            _ => "fix",
        }
    }

    /// What was done, as a clause with the command as its subject.
    pub const fn what(self) -> &'static str {
        match self {
            Self::Fix => "aofkit fix cut off the damaged end of the log",
            Self::Salvage => "aofkit fix --salvage took out what is damaged",
            Self::Manifest => "aofkit fix wrote the manifest",
            Self::Back => "aofkit fix took the log back to an earlier point",
            Self::Remove => "aofkit fix --remove took out records",
            Self::Rewrite => "aofkit rewrite --in-place replaced the log",
        }
    }
}

/// A file name; serialized as a string if it is UTF-8, else as its bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
enum Name {
    Text(String),
    Bytes(Vec<u8>),
}

impl Name {
    fn of(name: &OsStr) -> Self {
        name.to_str().map_or_else(|| Self::Bytes(name.as_bytes().to_vec()), |text| Self::Text(text.to_owned()))
    }

    fn as_it_is(&self) -> OsString {
        match self {
            Self::Text(text) => OsString::from(text),
            Self::Bytes(bytes) => OsString::from_vec(bytes.clone()),
        }
    }

    /// The name, if it is valid: not a path, so that nothing outside the directory is accessed.
    fn get(&self) -> Option<OsString> {
        let name = self.as_it_is();
        let bytes = name.as_bytes();
        let is_name = !bytes.is_empty() && !bytes.contains(&b'/') && bytes != b"." && bytes != b"..";
        is_name.then_some(name)
    }
}

/// A file and its length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedFile {
    /// Its name.
    pub name: OsString,
    /// Its length in bytes.
    pub bytes: u64,
}

/// The record of a directory of kept copies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The change for which the copies were made.
    pub cause: Cause,
    /// The truncated or replaced file; of a multi-part log of which several files changed, the manifest.
    pub file: OsString,
    /// The directory of the log, if it is not the one that the directory of copies is in.
    pub directory: Option<PathBuf>,
    /// The time of the change, in milliseconds of Unix time.
    pub time: i64,
    /// The offset of the cut, if the file was truncated.
    pub cut_at: Option<u64>,
    /// The files in the directory.
    pub kept: Vec<RecordedFile>,
    /// The files of the new log at that time; empty for a cut.
    pub new: Vec<RecordedFile>,
}

#[derive(Serialize, Deserialize)]
struct Line {
    version: u32,
    cause: Cause,
    file: Name,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    directory: Option<Name>,
    time_ms: i64,
    cut_at: Option<u64>,
    kept: Vec<(Name, u64)>,
    new: Vec<(Name, u64)>,
}

/// The version of the format.
const VERSION: u32 = 1;

impl Record {
    /// The text in `kept`, for a log at `path`.
    pub(super) fn to_text(&self, path: &Path, kept: &Path) -> String {
        let place = self.cut_at.map_or_else(String::new, |cut_at| format!(" (from byte {cut_at} on)"));
        let what = self.cause.what().to_owned() + &place;
        let when = jiff::Timestamp::from_millisecond(self.time).unwrap_or_default();
        let (command, mut word) = (self.cause.command(), shell_word(path));
        if self.directory.is_some() {
            let parent = std::path::absolute(directory_of(kept)).unwrap_or_else(|_| directory_of(kept).to_owned());
            word = format!("--copy-to {} {word}", shell_word(&parent));
        }
        let mut text = format!(
            "These files were kept before a log was changed. They are not needed to load the log.\n\n\
             log:     {}\nwhat:    {what}\nwhen:    {when:.0}\nundo:    aofkit {command} --undo {word}\n\
             discard: aofkit {command} --discard-copies {word}\n\nfiles:\n",
            visible(&path.to_string_lossy()),
        );
        for file in &self.kept {
            let _ = writeln!(text, "  {} ({} bytes)", visible(&file.name.to_string_lossy()), file.bytes);
        }
        let files = |files: &[RecordedFile]| files.iter().map(|file| (Name::of(&file.name), file.bytes)).collect();
        let line = Line {
            version: VERSION,
            cause: self.cause,
            file: Name::of(&self.file),
            directory: self.directory.as_ref().map(|directory| Name::of(directory.as_os_str())),
            time_ms: self.time,
            cut_at: self.cut_at,
            kept: files(&self.kept),
            new: files(&self.new),
        };
        // Serializing names and numbers cannot fail.
        let line = serde_json::to_string(&line).unwrap_or_default();
        let _ = write!(text, "\nThe next line is for aofkit: do not change it.\n{PREFIX}{line}\n");
        text
    }

    /// Reads the text in a directory; `None` if there is none, or it is not understood.
    ///
    /// # Errors
    /// Errors of the operating system, except that there is no such file.
    pub(super) fn read(directory: &Path) -> io::Result<Option<Self>> {
        let path = directory.join(TEXT);
        // Do not follow a link, which may be somebody else's.
        match path.symlink_metadata() {
            Ok(metadata) if metadata.is_file() => {}
            Ok(_) => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        }
        let mut bytes = Vec::new();
        fs::File::open(&path)?.take(LIMIT).read_to_end(&mut bytes)?;
        Ok(String::from_utf8(bytes).ok().and_then(|text| Self::parse(&text)))
    }

    fn parse(text: &str) -> Option<Self> {
        let line = text.lines().rev().find_map(|line| line.strip_prefix(PREFIX))?;
        let line: Line = serde_json::from_str(line).ok().filter(|line: &Line| line.version == VERSION)?;
        let files = |files: &[(Name, u64)]| {
            let file = |(name, bytes): &(Name, u64)| Some(RecordedFile { name: name.get()?, bytes: *bytes });
            files.iter().map(file).collect::<Option<Vec<_>>>()
        };
        Some(Self {
            cause: line.cause,
            file: line.file.get()?,
            directory: line.directory.map(|name| name.as_it_is().into()),
            time: line.time_ms,
            cut_at: line.cut_at,
            kept: files(&line.kept)?,
            new: files(&line.new)?,
        })
        .filter(|record| !(record.kept.is_empty() && record.new.is_empty()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_says_what_and_how_to_undo_it_and_is_read_back() {
        let file = |name: &[u8], bytes| RecordedFile { name: OsStr::from_bytes(name).to_owned(), bytes };
        let record = Record {
            cause: Cause::Rewrite,
            file: "a.aof.manifest".into(),
            directory: None,
            time: 1_700_000_000_123,
            cut_at: None,
            kept: vec![file(b"a.aof.manifest", 40), file(b"\xff.aof", 7)],
            new: vec![file(b"b.aof", 1)],
        };
        let kept = Path::new("/data/a b.aof.manifest.aofkit-kept-1");
        let text = record.to_text(Path::new("/data/a b.aof.manifest"), kept);
        for wanted in ["--undo '/data/a b.aof.manifest'", "--discard-copies", "2023-11-14T22:13:20Z", "(40 bytes)"] {
            assert!(text.contains(wanted), "{wanted}: {text}");
        }
        assert_eq!(Record::parse(&text), Some(record.clone()));
        for bad in ["", "record: {}", "record: {\"version\":2}"] {
            assert_eq!(Record::parse(bad), None);
        }
        let elsewhere = Record { directory: Some("/data".into()), ..record };
        let there = elsewhere.to_text(Path::new("/data/a.aof.manifest"), Path::new("/copies/kept"));
        assert!(there.contains("--undo --copy-to /copies /data/a.aof.manifest"), "{there}");
        assert_eq!(Record::parse(&there), Some(elsewhere));
        assert_eq!(Record::parse(&text.replace("\"b.aof\"", "\"../b.aof\"")), None, "a name is not a path");
    }
}
