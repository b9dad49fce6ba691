//! Logs written as lines.

use aofkit::resp::write_command;

/// A log: each line is a command, split at spaces, or an annotation.
pub fn commands(lines: &[&str]) -> Vec<u8> {
    let mut log = Vec::new();
    for line in lines {
        if line.starts_with('#') {
            log.extend_from_slice(format!("{line}\r\n").as_bytes());
        } else {
            write_command(&mut log, &line.split(' ').map(str::as_bytes).collect::<Vec<_>>());
        }
    }
    log
}
