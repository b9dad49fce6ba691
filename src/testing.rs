//! Small logs, written out, and the number of cases, for unit tests.

use proptest::prelude::ProptestConfig;

use crate::resp::write_command;

/// So many cases of a property whose cases take longer, or do less, than most, unless `PROPTEST_CASES` says how many.
pub(crate) fn cases(usual: u32) -> ProptestConfig {
    let asked = std::env::var_os("PROPTEST_CASES").is_some();
    if asked { ProptestConfig::default() } else { ProptestConfig::with_cases(usual) }
}

/// One command.
pub(crate) fn command(words: &[&str]) -> Vec<u8> {
    let mut out = Vec::new();
    write_command(&mut out, &words.iter().map(|word| word.as_bytes()).collect::<Vec<_>>());
    out
}

/// A record for each line: an annotation where it begins with `#`, else a command, its words between spaces.
pub(crate) fn log(lines: &[&str]) -> Vec<u8> {
    let record = |line: &&str| match line.strip_prefix('#') {
        Some(_) => format!("{line}\r\n").into_bytes(),
        None => command(&line.split(' ').collect::<Vec<_>>()),
    };
    lines.iter().flat_map(record).collect()
}
