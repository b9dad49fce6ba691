//! What is in the bytes that a repair removes, in words.

use std::fmt::Write as _;

use crate::escape::Escaped;
use crate::plural::counted;
use crate::repair::Removed;

/// `68 bytes, 2 records and one that is not whole`.
pub(crate) fn content_words(content: &Removed, bytes: u64) -> String {
    let mut words = counted(bytes, "byte");
    match (content.whole, content.broken) {
        (0, false) => {}
        (0, true) => words.push_str(", a record that is not whole"),
        (whole, broken) => {
            let broken = if broken { " and one that is not whole" } else { "" };
            let _ = write!(words, ", {}{broken}", counted(whole, "record"));
        }
    }
    if content.behind > 0 {
        let least = if content.at_least { "at least " } else { "" };
        let _ = write!(words, ", and after the damage {least}{} that could be read", counted(content.behind, "record"));
    }
    words
}

/// `with MULTI, SET (2 times)`; nothing without a command.
pub(crate) fn names_words(content: &Removed) -> Option<String> {
    let name = |(name, count): &(Vec<u8>, u64)| match count {
        1 => Escaped(name).to_string(),
        count => format!("{} ({count} times)", Escaped(name)),
    };
    let names: Vec<String> = content.names.iter().map(name).collect();
    (!names.is_empty()).then(|| format!("with {}", names.join(", ")))
}
