//! Small logs, written out.

use super::write_command;

/// One command.
pub(crate) fn command(words: &[&str]) -> Vec<u8> {
    let mut out = Vec::new();
    write_command(&mut out, &words.iter().map(|word| word.as_bytes()).collect::<Vec<_>>());
    out
}

/// A record for each line: an annotation if it begins with `#`, else a command whose words are separated by spaces.
pub(crate) fn log(lines: &[&str]) -> Vec<u8> {
    let record = |line: &&str| match line.strip_prefix('#') {
        Some(_) => format!("{line}\r\n").into_bytes(),
        None => command(&line.split(' ').collect::<Vec<_>>()),
    };
    lines.iter().flat_map(record).collect()
}
