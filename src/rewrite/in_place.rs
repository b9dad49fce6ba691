//! A rewritten log in the place of the old one.
//!
//! Whenever the process or the machine stops, the old log is there whole, or the new one is: a file is replaced by renaming,
//! a log of several parts by renaming its manifest, and the old parts go only when the new manifest lasts.

use std::fs::Metadata;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::layout::{Base, Names, manifest_of};
use crate::aof::log::{Layout, Log, MultiPart};
use crate::aof::manifest::{Entry, Kind};
use crate::aof::{Content, Reader};
use crate::input::{Container, Input};
use crate::repair::{OpenElsewhere, refuse_writers};
use crate::resp;
use crate::storage::Operations;
use crate::storage::draft::{Draft, DraftWriter, Lasting, sync_directory, write_file};
use crate::{Error, ErrorKind, Result};

/// What happens to the old files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Old {
    /// They are removed once the new log lasts on disk.
    Removed,
    /// They stay: parts of a directory under their names, a single file as `NAME.before-rewrite`.
    Kept,
}

/// How a log is replaced.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// What the new base is made of.
    pub base: Base,
    /// What to do about a log that another process has open for writing.
    pub open_elsewhere: OpenElsewhere,
}

/// What was replayed: where it ended, so that what was written behind it can be taken along.
#[derive(Debug, Clone, Copy)]
pub struct Reading<'r> {
    /// The parts as they were read, in order.
    pub inputs: &'r [Input],
    /// The offset in the last part at which the replay ended.
    pub end: u64,
    /// The database that was selected there.
    pub database: u32,
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replaced<T> {
    /// What the writing gave.
    pub written: T,
    /// How many bytes were written to the old log meanwhile, and taken along.
    pub grown: u64,
    /// The old files that are still there.
    pub kept: Vec<PathBuf>,
    /// The old files that are gone.
    pub removed: Vec<PathBuf>,
}

fn refused(path: &Path, text: impl Into<String>) -> Error {
    Error::new(path, ErrorKind::Refused(text.into()))
}

/// Replaces a log by what `fill` writes, once `verify` has read it back and said what becomes of the old files.
///
/// # Errors
/// [`ErrorKind::OpenElsewhere`]; [`ErrorKind::Refused`] for standard input, a compressed file, and a log that changed in
/// another way than by whole records at its end; [`ErrorKind::Io`]; the errors of `verify`. The old log is then untouched.
pub fn replace<O: Operations, T>(
    operations: &mut O,
    log: &Log,
    reading: Reading<'_>,
    settings: Settings,
    fill: impl FnOnce(&mut DraftWriter<'_, O>) -> io::Result<T>,
    verify: impl FnOnce(&Path, &T) -> Result<Old>,
) -> Result<Replaced<T>> {
    for input in reading.inputs {
        refuse_writers(input.path(), input.facts(), settings.open_elsewhere)?;
    }
    match &log.layout {
        Layout::Single => replace_file(operations, reading, fill, verify),
        Layout::MultiPart(parts) => replace_parts(operations, parts, reading, settings, fill, verify),
    }
}

fn replace_file<O: Operations, T>(
    operations: &mut O,
    reading: Reading<'_>,
    fill: impl FnOnce(&mut DraftWriter<'_, O>) -> io::Result<T>,
    verify: impl FnOnce(&Path, &T) -> Result<Old>,
) -> Result<Replaced<T>> {
    let [input] = reading.inputs else { return Err(refused(Path::new(""), "there is no file to replace")) };
    if input.container() != Container::Plain {
        return Err(refused(
            input.path(),
            "the file is compressed; decompress it first, or write the new log elsewhere",
        ));
    }
    // A link keeps pointing at the log.
    let path = &input.path().canonicalize().map_err(|source| Error::io(input.path(), "find", source))?;
    let metadata = path.metadata().map_err(|source| Error::io(path, "open", source))?;
    let (draft, written) = Draft::beside(operations, path, Some(&metadata))?.fill(operations, fill)?;
    let draft = draft.sync(operations)?;
    let checked = verify(&draft.path, &written);
    let (draft, old) = draft.or_discard(operations, checked)?;
    let grown = grown(input, reading);
    let (draft, grown) = draft.or_discard(operations, grown)?;
    let (draft, ()) = draft.fill(operations, |out| out.write_all(&grown))?;
    let draft = draft.sync(operations)?;
    let (draft, kept) = match old {
        Old::Removed => (draft, Vec::new()),
        Old::Kept => {
            let second = free_name(path);
            let linked = operations.link(path, &second).map_err(|source| Error::io(&second, "keep the log as", source));
            let (draft, ()) = draft.or_discard(operations, linked)?;
            (draft, vec![second])
        }
    };
    draft.publish(operations, path)?;
    let removed = if kept.is_empty() { vec![path.to_owned()] } else { Vec::new() };
    Ok(Replaced { written, grown: grown.len() as u64, kept, removed })
}

/// `NAME.before-rewrite`, or the first of `NAME.before-rewrite.2` and so on that is free.
fn free_name(path: &Path) -> PathBuf {
    let named = |number: u32| {
        let mut name = path.as_os_str().to_owned();
        name.push(if number == 1 { ".before-rewrite".to_owned() } else { format!(".before-rewrite.{number}") });
        PathBuf::from(name)
    };
    (1..u32::MAX).map(named).find(|name| name.symlink_metadata().is_err()).unwrap_or_else(|| named(1))
}

fn replace_parts<O: Operations, T>(
    operations: &mut O,
    log: &MultiPart,
    reading: Reading<'_>,
    settings: Settings,
    fill: impl FnOnce(&mut DraftWriter<'_, O>) -> io::Result<T>,
    verify: impl FnOnce(&Path, &T) -> Result<Old>,
) -> Result<Replaced<T>> {
    let names = Names::of(log);
    let next = |kinds: &[Kind]| {
        let used = log.manifest.entries.iter().filter(|entry| kinds.contains(&entry.kind)).map(|entry| entry.sequence);
        used.max().unwrap_or(0).saturating_add(1).max(1)
    };
    let (base_sequence, incr_sequence) = (next(&[Kind::Base, Kind::History]), next(&[Kind::Incr, Kind::History]));
    let base_name = names.base(base_sequence, settings.base);
    let incr_name = names.incr(incr_sequence);
    let (base, incr) = (names.directory.join(&base_name), names.directory.join(&incr_name));
    for path in [&base, &incr] {
        if path.symlink_metadata().is_ok() {
            return Err(refused(path, "a file of the name that the new log needs is there; move it away"));
        }
    }
    let like = log.manifest_path.metadata().map_err(|source| Error::io(&log.manifest_path, "open", source))?;
    let (draft, written) = Draft::beside(operations, &base, Some(&like))?.fill(operations, fill)?;
    let draft = draft.sync(operations)?;
    let checked = verify(&draft.path, &written);
    let (draft, old) = draft.or_discard(operations, checked)?;
    let grown = unchanged_manifest(log).and_then(|()| match reading.inputs.last() {
        Some(last) => grown(last, reading),
        None => Ok(Vec::new()),
    });
    let (draft, grown) = draft.or_discard(operations, grown)?;
    draft.publish(operations, &base)?;
    let swapped =
        write_file(operations, &incr, Some(&like), Lasting::Synced, |out| out.write_all(&grown)).and_then(|()| {
            swap(
                operations,
                log,
                &like,
                vec![
                    Entry::new(base_name.as_bytes(), base_sequence, Kind::Base),
                    Entry::new(incr_name.as_bytes(), incr_sequence, Kind::Incr),
                ],
            )
        });
    if let Err(error) = swapped {
        // The old manifest still counts, and nothing names the new files.
        if unchanged_manifest(log).is_ok() {
            let _ = operations.remove(&base);
            let _ = operations.remove(&incr);
        }
        return Err(error);
    }
    let parts: Vec<PathBuf> = log.manifest.entries.iter().map(|entry| names.directory.join(name_of(entry))).collect();
    let mut result = Replaced { written, grown: grown.len() as u64, kept: parts, removed: Vec::new() };
    if old == Old::Removed {
        result.removed = result.kept.iter().filter(|path| operations.remove(path).is_ok()).cloned().collect();
        result.kept.retain(|path| path.exists());
        sync_directory(operations, &names.directory)?;
    }
    Ok(result)
}

fn name_of(entry: &Entry) -> &std::ffi::OsStr {
    std::ffi::OsStr::from_bytes(&entry.name)
}

/// Makes a new manifest count.
fn swap(operations: &mut impl Operations, log: &MultiPart, like: &Metadata, entries: Vec<Entry>) -> Result<()> {
    let manifest = manifest_of(entries).to_bytes();
    let draft = Draft::beside(operations, &log.manifest_path, Some(like))?;
    let (draft, ()) = draft.fill(operations, |out| out.write_all(&manifest))?;
    draft.sync(operations)?.publish(operations, &log.manifest_path)
}

/// Refuses a manifest that is not as it was: a server has rewritten the log meanwhile.
fn unchanged_manifest(log: &MultiPart) -> Result<()> {
    let now = Input::open_as_is(&log.manifest_path)?;
    if now.bytes() == log.input.bytes() {
        return Ok(());
    }
    Err(refused(
        &log.manifest_path,
        "the manifest changed while the log was rewritten; stop the server, and run this again",
    ))
}

/// What was appended to the last part since it was read, from where the replay ended, as the beginning of what follows the
/// new base.
fn grown(input: &Input, reading: Reading<'_>) -> Result<Vec<u8>> {
    let path = input.path();
    let now = Input::open_as_is(path)?;
    let (before, after) = (input.facts(), now.facts());
    if before.identity() != after.identity() {
        return Err(refused(path, "the file was replaced by another while it was rewritten; run this again"));
    }
    if after.length < before.length || (after.length == before.length && after.modified != before.modified) {
        return Err(refused(
            path,
            "the file was changed while it was rewritten; stop whatever writes to it, and run this again",
        ));
    }
    if after.length == before.length {
        return Ok(Vec::new());
    }
    let start = usize::try_from(reading.end).unwrap_or(usize::MAX);
    let mut reader = Reader::new(now.bytes(), start);
    let mut is_command = false;
    while let Some(Ok(record)) = reader.next_record() {
        is_command |= matches!(record.content, Content::Command(_));
    }
    if reader.valid_up_to() != after.length {
        return Err(refused(
            path,
            "the file grew while it was rewritten, and does not end with a whole record; stop whatever writes to it, and run this again",
        ));
    }
    let mut grown = Vec::new();
    if is_command {
        resp::write_command(&mut grown, &[b"SELECT", reading.database.to_string().as_bytes()]);
    }
    grown.extend_from_slice(now.bytes().get(start..).unwrap_or_default());
    Ok(grown)
}
