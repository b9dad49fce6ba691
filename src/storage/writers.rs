//! Who has a file open for writing.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// The access mode in the flags of `open(2)`; reading only is 0.
const ACCESS_MODE: u32 = 0b11;

/// A process that has the file open for writing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Writer {
    /// Its process id.
    pub(crate) process: u32,
    /// Its name, as the kernel knows it.
    pub(crate) name: String,
}

/// The other processes that have the file of this device and inode open for writing, by process id.
///
/// The best that can be had: what `/proc` shows, which is nothing outside Linux, of other users' processes (unless root
/// asks), or from inside a container about what runs outside of it.
pub(crate) fn writers(device: u64, inode: u64) -> Vec<Writer> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let own = std::process::id();
    let mut found: Vec<Writer> = entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|&process: &u32| process != own)
        .filter(|&process| writes(process, device, inode))
        .map(|process| Writer { process, name: name_of(process) })
        .collect();
    found.sort_unstable_by_key(|writer| writer.process);
    found
}

/// Whether one of the process's descriptors is open for writing on the file.
fn writes(process: u32, device: u64, inode: u64) -> bool {
    let Ok(descriptors) = fs::read_dir(format!("/proc/{process}/fd")) else { return false };
    descriptors.filter_map(Result::ok).any(|descriptor| {
        let same = fs::metadata(descriptor.path()).is_ok_and(|at| at.dev() == device && at.ino() == inode);
        same && is_for_writing(&descriptor.file_name().to_string_lossy(), process)
    })
}

fn is_for_writing(descriptor: &str, process: u32) -> bool {
    let Ok(text) = fs::read_to_string(format!("/proc/{process}/fdinfo/{descriptor}")) else { return false };
    let flags = text.lines().find_map(|line| line.strip_prefix("flags:"));
    flags.and_then(|octal| u32::from_str_radix(octal.trim(), 8).ok()).is_some_and(|flags| flags & ACCESS_MODE != 0)
}

fn name_of(process: u32) -> String {
    let path = format!("/proc/{process}/comm");
    fs::read_to_string(Path::new(&path)).unwrap_or_default().trim_end().to_owned()
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    #[test]
    fn a_process_that_appends_is_found_and_one_that_reads_is_not() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let metadata = file.as_file().metadata().unwrap();
        let held_by = |stdio: Stdio, stdin: Stdio| {
            let mut child = Command::new("sleep").arg("20").stdin(stdin).stdout(stdio).spawn().unwrap();
            let found = writers(metadata.dev(), metadata.ino());
            child.kill().unwrap();
            child.wait().unwrap();
            (found, child.id())
        };
        let appending = fs::OpenOptions::new().append(true).open(file.path()).unwrap();
        let (found, process) = held_by(appending.into(), Stdio::null());
        assert_eq!(found.iter().map(|writer| writer.process).collect::<Vec<_>>(), [process]);
        let reading = fs::File::open(file.path()).unwrap();
        assert_eq!(held_by(Stdio::null(), reading.into()).0, []);
    }
}
