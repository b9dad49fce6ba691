//! The processes that have a file open, according to `/proc`.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;

use crate::error::Opener;
use crate::input::{FileId, FileIdentity};

/// The access mode in the flags of `open(2)`; reading only is 0.
const ACCESS_MODE: u32 = 0b11;

/// The inode of the host's own namespace of process ids (`PROC_PID_INIT_INO`): inside another namespace, processes
/// outside are not visible.
const HOST_NAMESPACE: u64 = 0xefff_fffc;

/// The processes that `/proc` shows.
#[derive(Debug, Default)]
pub(crate) struct Openers {
    /// The other processes that have one of the files open, each with the file: writers first, then by process id.
    pub(crate) found: Vec<(FileId, Opener)>,
    /// Whether all processes on the host were visible.
    pub(crate) is_complete: bool,
}

impl Openers {
    /// The first process that has this file open.
    pub(crate) fn of(&self, file: FileId) -> Option<&Opener> {
        self.found.iter().find(|(opened, _)| *opened == file).map(|(_, opener)| opener)
    }

    /// The first process that may write to this file.
    pub(crate) fn writer(&self, file: FileId) -> Option<&Opener> {
        self.of(file).filter(|opener| opener.writes)
    }
}

/// The other processes that have one of these files open.
pub(crate) fn openers(files: &[FileId]) -> Openers {
    let Ok(entries) = fs::read_dir("/proc") else { return Openers::default() };
    let own = std::process::id();
    // If process 1 is not visible, processes are hidden (hidepid).
    let (mut found, mut is_complete) = (Vec::new(), sees_the_host() && fs::metadata("/proc/1").is_ok());
    for process in entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok()) {
        if process == own {
            continue;
        }
        match opens(process, files) {
            Ok(opened) => found.extend(
                opened.into_iter().map(|(file, writes)| (file, Opener { process, name: name_of(process), writes })),
            ),
            // It has ended.
            Err(error) if error.kind() == io::ErrorKind::NotFound || error.raw_os_error() == Some(NO_SUCH_PROCESS) => {}
            Err(_) => is_complete = false,
        }
    }
    found.sort_by_key(|(_, opener)| (!opener.writes, opener.process));
    Openers { found, is_complete }
}

/// `ESRCH`: the process ended while its directory was read.
const NO_SUCH_PROCESS: i32 = 3;

fn sees_the_host() -> bool {
    fs::metadata("/proc/self/ns/pid").is_ok_and(|namespace| namespace.ino() == HOST_NAMESPACE)
}

/// The files that the process has open, and whether for writing.
fn opens(process: u32, files: &[FileId]) -> io::Result<Vec<(FileId, bool)>> {
    let mut found: Vec<(FileId, bool)> = Vec::new();
    for descriptor in fs::read_dir(format!("/proc/{process}/fd"))? {
        let descriptor = descriptor?;
        let Ok(metadata) = fs::metadata(descriptor.path()) else { continue };
        let identity = FileIdentity::of(&metadata).file_id();
        if files.contains(&identity) {
            found.push((identity, is_for_writing(&descriptor.file_name().to_string_lossy(), process)));
        }
    }
    Ok(found)
}

fn is_for_writing(descriptor: &str, process: u32) -> bool {
    let Ok(text) = fs::read_to_string(format!("/proc/{process}/fdinfo/{descriptor}")) else { return false };
    let flags = text.lines().find_map(|line| line.strip_prefix("flags:"));
    flags.and_then(|octal| u32::from_str_radix(octal.trim(), 8).ok()).is_some_and(|flags| flags & ACCESS_MODE != 0)
}

fn name_of(process: u32) -> String {
    fs::read_to_string(format!("/proc/{process}/comm")).unwrap_or_default().trim_end().to_owned()
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    #[test]
    fn a_process_that_appends_is_told_from_one_that_reads() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let identity = FileIdentity::of(&file.as_file().metadata().unwrap()).file_id();
        let held_by = |stdio: Stdio, stdin: Stdio| {
            let mut child = Command::new("sleep").arg("20").stdin(stdin).stdout(stdio).spawn().unwrap();
            let found = openers(&[identity]).found.into_iter().map(|(_, opener)| opener);
            child.kill().unwrap();
            child.wait().unwrap();
            let of_child = found.filter(|opener| opener.process == child.id());
            of_child.map(|opener| opener.writes).collect::<Vec<_>>()
        };
        let appending = fs::OpenOptions::new().append(true).open(file.path()).unwrap();
        assert_eq!(held_by(appending.into(), Stdio::null()), [true]);
        let reading = fs::File::open(file.path()).unwrap();
        assert_eq!(held_by(Stdio::null(), reading.into()), [false]);
    }
}
