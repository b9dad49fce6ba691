//! Which files belong to a path, and what is said about them as a whole.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use super::part::Part;
use super::tool::{PartEnd, Stopped, Tool};
use crate::aof::manifest::{self, Kind};
use crate::check::official::FileKind;
use crate::input::Input;

/// Checks the file or the log that the path names.
pub(super) fn check(tool: &mut Tool<'_>, path: &OsStr) -> Result<(), Stopped> {
    let input = tool.look_at(path)?;
    match input.as_ref().map_or(FileKind::Resp, |input| tool.kind(input.bytes())) {
        FileKind::Manifest => check_multi_part(tool, path, input.as_ref().map_or(&[], Input::bytes)),
        kind => check_old_style(tool, path, kind),
    }
}

fn check_old_style(tool: &mut Tool<'_>, path: &OsStr, kind: FileKind) -> Result<(), Stopped> {
    tool.line(&[b"Start checking Old-Style AOF"])?;
    let part = Part { name: path.to_owned(), path: path.to_owned(), kind, is_last: true };
    let end = part.check(tool)?;
    style(tool, end, &part.name, "AOF")
}

fn check_multi_part(tool: &mut Tool<'_>, path: &OsStr, bytes: &[u8]) -> Result<(), Stopped> {
    tool.line(&[b"Start checking Multi Part AOF"])?;
    if let Some(problem) = manifest::problem_for(bytes, tool.server()) {
        return manifest_error(tool, &problem);
    }
    let manifest = manifest::parse_as(bytes, tool.server());
    let directory = directory_of(path.as_bytes());
    let paths = |entry: &manifest::Entry| {
        let name = OsString::from_vec(entry.name.clone());
        (name, OsString::from_vec([directory, b"/", &entry.name].concat()))
    };
    let incrs: Vec<_> = manifest.of_kind(Kind::Incr).map(paths).collect();
    if let Some((name, path)) = manifest.of_kind(Kind::Base).next().map(paths) {
        let kind = match look_at_part(tool, &path)? {
            Some(input) if tool.kind(input.bytes()) == FileKind::Rdb => FileKind::Rdb,
            _ => FileKind::Resp,
        };
        let format = if kind == FileKind::Rdb { "RDB" } else { "RESP" };
        tool.line(&[format!("Start to check BASE AOF ({format} format).").as_bytes()])?;
        let part = Part { name, path, kind, is_last: incrs.is_empty() };
        let end = part.check(tool)?;
        style(tool, end, &part.name, "BASE AOF")?;
    }
    if !incrs.is_empty() {
        tool.line(&[b"Start to check INCR files."])?;
    }
    let count = incrs.len();
    for (index, (name, path)) in incrs.into_iter().enumerate() {
        let part = Part { name, path, kind: FileKind::Resp, is_last: index + 1 == count };
        let end = part.check(tool)?;
        style(tool, end, &part.name, "INCR AOF")?;
    }
    tool.line(&[b"All AOF files and manifest are valid"])
}

/// As [`Tool::look_at`], but what cannot be read is judged later.
fn look_at_part(tool: &mut Tool<'_>, path: &OsStr) -> Result<Option<Input>, Stopped> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => Ok(None),
        _ => tool.look_at(path),
    }
}

fn manifest_error(tool: &mut Tool<'_>, problem: &manifest::Problem) -> Result<(), Stopped> {
    tool.log('#', b"\n*** FATAL AOF MANIFEST FILE ERROR ***\n")?;
    if let Some(text) = &problem.text {
        tool.log('#', format!("Reading the manifest file, at line {}\n", problem.line).as_bytes())?;
        tool.log('#', &[b">>> '", text.as_slice(), b"'\n"].concat())?;
    }
    tool.log('#', format!("{}\n", problem.flaw.server_message()).as_bytes())?;
    Err(Stopped)
}

fn style(tool: &mut Tool<'_>, end: PartEnd, name: &OsStr, what: &str) -> Result<(), Stopped> {
    let name = name.as_bytes();
    match end {
        PartEnd::Valid => tool.line(&[what.as_bytes(), b" ", name, b" is valid"]),
        PartEnd::Empty => tool.line(&[what.as_bytes(), b" ", name, b" is empty"]),
        PartEnd::Truncated => tool.line(&[b"Successfully truncated AOF ", name]),
        PartEnd::TruncatedTo(timestamp) => {
            let to = format!(" to timestamp {timestamp}");
            tool.line(&[b"Successfully truncated AOF ", name, to.as_bytes()])
        }
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
