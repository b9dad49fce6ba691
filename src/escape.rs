//! Bytes as `redis-cli` shows them, so that nothing untrusted reaches a terminal raw.
//!
//! The escapes are those of `sdscatrepr` (Redis 6.2 to 8.0, Valkey): `\\`, `\"`, `\n`, `\r`, `\t`, `\a`, `\b`, and `\xHH` for
//! every other byte outside printable ASCII. What is written here reads back with `redis-cli`.

use std::borrow::Cow;
use std::fmt;

/// The escape of a byte, without what surrounds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// It stands for itself.
    Itself,
    /// A backslash and this letter.
    Letter(u8),
    /// `\x` and two digits.
    Hexadecimal,
}

const fn form(byte: u8) -> Form {
    match byte {
        b'\\' | b'"' => Form::Letter(byte),
        b'\n' => Form::Letter(b'n'),
        b'\r' => Form::Letter(b'r'),
        b'\t' => Form::Letter(b't'),
        0x07 => Form::Letter(b'a'),
        0x08 => Form::Letter(b'b'),
        b' '..=b'~' => Form::Itself,
        _ => Form::Hexadecimal,
    }
}

/// How many columns a byte takes: 1, 2 or 4.
const fn width(byte: u8) -> usize {
    match form(byte) {
        Form::Itself => 1,
        Form::Letter(_) => 2,
        Form::Hexadecimal => 4,
    }
}

/// Appends `bytes` escaped, without quotes around them.
pub fn escape(out: &mut Vec<u8>, bytes: &[u8]) {
    for &byte in bytes {
        match form(byte) {
            Form::Itself => out.push(byte),
            Form::Letter(letter) => out.extend_from_slice(&[b'\\', letter]),
            Form::Hexadecimal => out.extend_from_slice(&[b'\\', b'x', digit(byte >> 4), digit(byte & 15)]),
        }
    }
}

const fn digit(nibble: u8) -> u8 {
    if nibble < 10 { b'0' + nibble } else { b'a' - 10 + nibble }
}

/// Whether `bytes` can stand without quotes: printable ASCII without spaces, quotes and backslashes, and at least one of it.
pub fn is_word(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\'' | b'\\'))
}

/// Appends `bytes` as one argument of a command line: as they are when they are a word, else escaped in quotes.
///
/// Servers write names into a manifest so (`sdsneedsrepr`), but for an empty one and one with a `'` in it: those they write in a
/// way that they cannot read again.
pub fn argument(out: &mut Vec<u8>, bytes: &[u8]) {
    if is_word(bytes) {
        out.extend_from_slice(bytes);
    } else {
        out.push(b'"');
        escape(out, bytes);
        out.push(b'"');
    }
}

/// How many columns [`argument`] takes.
pub fn width_of(bytes: &[u8]) -> usize {
    if is_word(bytes) { bytes.len() } else { 2 + bytes.iter().map(|byte| width(*byte)).sum::<usize>() }
}

/// Appends `bytes` as [`argument`] does, within `columns`, as far as that can be: what is too long is cut, and its length named:
/// `"aaaa…" (1048576 bytes)`. The ellipsis cannot be taken for data, which is ASCII here. Returns the columns used.
pub fn shortened(out: &mut Vec<u8>, bytes: &[u8], columns: usize) -> usize {
    if bytes.len() <= columns {
        let whole = width_of(bytes);
        if whole <= columns {
            argument(out, bytes);
            return whole;
        }
    }
    let mut digits = itoa::Buffer::new();
    let note = [" (".as_bytes(), digits.format(bytes.len()).as_bytes(), b" bytes)"].concat();
    let room = columns.saturating_sub(note.len() + 3).max(MINIMUM);
    let mut used = 0;
    let kept = bytes.iter().take_while(|byte| {
        used += width(**byte);
        used <= room
    });
    let kept = head(bytes, kept.count());
    out.push(b'"');
    let before = out.len();
    escape(out, kept);
    let shown = out.len() - before;
    out.extend_from_slice("…\"".as_bytes());
    out.extend_from_slice(&note);
    shown + 3 + note.len()
}

/// What a shortened value shows at least, in columns.
const MINIMUM: usize = 4;

fn head(bytes: &[u8], length: usize) -> &[u8] {
    bytes.get(..length).unwrap_or(bytes)
}

/// Whether a terminal obeys the character rather than show it: a control character, or a mark that turns the direction of text.
pub fn is_obeyed(character: char) -> bool {
    match character {
        '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => true,
        _ => character.is_control(),
    }
}

/// A sentence that may quote a file's name, on one line and with nothing in it that a terminal obeys: `a\u{1b}[2J.aof`.
///
/// Unlike an [`Argument`], it keeps letters of every script, and stays as it is when it was made visible before.
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.contains(is_obeyed) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if is_obeyed(character) {
            out.extend(character.escape_default());
        } else {
            out.push(character);
        }
    }
    Cow::Owned(out)
}

/// Displays bytes as [`escape`] writes them; for sentences that put quotes of their own around them.
#[derive(Debug, Clone, Copy)]
pub struct Escaped<'a>(pub &'a [u8]);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = Vec::with_capacity(self.0.len());
        escape(&mut out, self.0);
        f.write_str(&String::from_utf8_lossy(&out))
    }
}

/// A path as one word of a shell's command line, so that a command that is suggested can be run as it stands.
pub fn shell_word(path: &std::path::Path) -> String {
    use std::os::unix::ffi::OsStrExt;
    let bytes = path.as_os_str().as_bytes();
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"/._-+,:@%".contains(byte);
    // A dash in front would make it an option.
    let prefix = if bytes.starts_with(b"-") && bytes != b"-" { "./" } else { "" };
    match path.to_str() {
        Some(text) if !text.is_empty() && bytes.iter().all(plain) => format!("{prefix}{text}"),
        Some(text) if !text.contains(is_obeyed) => format!("'{prefix}{}'", text.replace('\'', r"'\''")),
        _ => format!("$'{prefix}{}'", bytes.escape_ascii()),
    }
}

/// Displays bytes as [`argument`] writes them; for names in messages.
#[derive(Debug, Clone, Copy)]
pub struct Argument<'a>(pub &'a [u8]);

impl fmt::Display for Argument<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = Vec::with_capacity(self.0.len() + 2);
        argument(&mut out, self.0);
        f.write_str(&String::from_utf8_lossy(&out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(bytes: &[u8]) -> String {
        Argument(bytes).to_string()
    }

    fn cut(bytes: &[u8], columns: usize) -> (String, usize) {
        let mut out = Vec::new();
        let used = shortened(&mut out, bytes, columns);
        (String::from_utf8(out).unwrap(), used)
    }

    /// Reads one argument back as redis-cli does (`sdssplitargs`).
    fn unescape(text: &[u8]) -> Vec<u8> {
        let Some(inner) = text.strip_prefix(b"\"") else { return text.to_vec() };
        let inner = inner.strip_suffix(b"\"").unwrap();
        let mut out = Vec::new();
        let mut at = 0;
        while at < inner.len() {
            let (byte, taken) = match &inner[at..] {
                [b'\\', b'x', high, low, ..] => {
                    (u8::from_str_radix(std::str::from_utf8(&[*high, *low]).unwrap(), 16).unwrap(), 4)
                }
                [b'\\', b'n', ..] => (b'\n', 2),
                [b'\\', b'r', ..] => (b'\r', 2),
                [b'\\', b't', ..] => (b'\t', 2),
                [b'\\', b'a', ..] => (7, 2),
                [b'\\', b'b', ..] => (8, 2),
                [b'\\', other, ..] => (*other, 2),
                [byte, ..] => (*byte, 1),
                [] => unreachable!(),
            };
            out.push(byte);
            at += taken;
        }
        out
    }

    #[test]
    fn escapes_as_redis_cli_does() {
        assert_eq!(shown(b"a\\b\"c\n\r\t\x07\x08\x00\x1b\x7f\xff"), r#""a\\b\"c\n\r\t\a\b\x00\x1b\x7f\xff""#);
        assert_eq!(shown("né".as_bytes()), r#""n\xc3\xa9""#);
    }

    #[test]
    fn quotes_what_is_no_word_and_nothing_else() {
        assert_eq!(shown(b"user:{1}#x"), "user:{1}#x");
        assert_eq!(shown(b""), "\"\"");
        assert_eq!(shown(b"two words"), "\"two words\"");
        assert_eq!(shown(b"it's"), "\"it's\"");
    }

    #[test]
    fn shortens_what_does_not_fit_and_says_how_long_it_was() {
        assert_eq!(cut(b"short", 5), ("short".to_owned(), 5));
        assert_eq!(cut(&vec![b'a'; 1_048_576], 30), ("\"aaaaaaaaaaa…\" (1048576 bytes)".to_owned(), 30));
        assert_eq!(cut(&[0; 50], 24).0, r#""\x00\x00…" (50 bytes)"#);
    }

    #[test]
    fn a_sentence_keeps_its_letters_and_loses_what_a_terminal_obeys() {
        assert_eq!(visible("naïve.aof: 日本"), "naïve.aof: 日本");
        assert_eq!(visible("a\x1b[2J\n\u{9b}\u{202e}b"), r"a\u{1b}[2J\n\u{9b}\u{202e}b");
        assert_eq!(visible(&visible("\t\\")), r"\t\");
    }

    proptest! {
        #[test]
        fn reads_back_as_the_same_bytes(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            let mut out = Vec::new();
            argument(&mut out, &bytes);
            prop_assert!(out.iter().all(|byte| (b' '..=b'~').contains(byte)));
            prop_assert_eq!(unescape(&out), bytes);
        }

        #[test]
        fn stays_within_its_columns(bytes in prop::collection::vec(any::<u8>(), 0..200), columns in 24_usize..100) {
            let (text, used) = cut(&bytes, columns);
            prop_assert_eq!(text.chars().count(), used);
            prop_assert!(used <= columns);
        }
    }
}
