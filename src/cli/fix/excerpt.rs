//! Bytes around an offset, for people.

use std::fmt::Write;

/// Bytes on a line.
const ROW: u64 = 16;
/// Lines before the marked one, and behind it.
const BEFORE: u64 = 1;
const BEHIND: u64 = 2;

/// The lines around `offset` as a hex dump, the byte there marked. Ends with a newline; empty if there are no bytes.
pub fn hex(bytes: &[u8], offset: u64) -> String {
    let mut out = String::new();
    let last = (bytes.len() as u64).saturating_sub(1);
    if bytes.is_empty() {
        return out;
    }
    let marked = offset / ROW;
    let first = marked.saturating_sub(BEFORE);
    for row in first..=(marked + BEHIND).min(last.max(offset) / ROW) {
        let start = row * ROW;
        let slice = usize::try_from(start).ok().and_then(|start| bytes.get(start..)).unwrap_or_default();
        let slice = slice.get(..16).unwrap_or(slice);
        let hex: String = slice.iter().fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x} ");
            hex
        });
        let text: String = slice.iter().map(|&byte| if is_shown(byte) { byte as char } else { '.' }).collect();
        let _ = writeln!(out, "    {start:>12}  {hex:<48} {text}");
        if row == marked {
            let column = usize::try_from(offset % ROW).unwrap_or(0);
            let what = if offset > last { "^^ the file ends here" } else { "^^" };
            let _ = writeln!(out, "    {:12}  {}{what}", "", "   ".repeat(column));
        }
    }
    out
}

fn is_shown(byte: u8) -> bool {
    byte.is_ascii_graphic() || byte == b' '
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_offending_byte_is_marked() {
        let dump = hex(b"*3\r\n$3\r\nSET\r\n$1\r\nX\r\n", 17);
        let lines: Vec<&str> = dump.lines().collect();
        assert_eq!(lines.len(), 3, "{dump}");
        assert_eq!(lines[0], "               0  2a 33 0d 0a 24 33 0d 0a 53 45 54 0d 0a 24 31 0d  *3..$3..SET..$1.");
        assert_eq!(lines[2].find("^^"), lines[1].find("58"));
    }

    #[test]
    fn the_end_of_the_file_can_be_marked() {
        assert!(hex(b"*3", 2).contains("^^ the file ends here"));
        assert!(hex(&[0; 16], 16).contains("^^ the file ends here"));
        assert_eq!(hex(b"", 0), "");
    }
}
