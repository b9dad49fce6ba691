//! Escapes for untrusted bytes, in two forms.
//!
//! - For files that servers read: [`escape`] and [`argument`] write the same as `sdscatrepr` (Redis 6.2 to 8.0,
//!   Valkey): `\\`, `\"`, `\n`, `\r`, `\t`, `\a`, `\b`, and `\xHH` for every other byte outside printable ASCII.
//! - For people: [`show`], [`show_argument`] and the like keep UTF-8, and escape the rest in the same way: control
//!   characters, characters that change the direction of text, invisible characters, and bytes that are not UTF-8.
//!
//! `redis-cli` parses both.

use std::borrow::Cow;
use std::fmt;

use unicode_width::UnicodeWidthChar;

/// The escape of a single byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// The byte itself.
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

/// The number of columns of a byte: 1, 2 or 4.
const fn width(byte: u8) -> usize {
    match form(byte) {
        Form::Itself => 1,
        Form::Letter(_) => 2,
        Form::Hexadecimal => 4,
    }
}

/// A piece of a value in the form for people.
#[derive(Debug, Clone, Copy)]
enum Piece<'b> {
    /// A character, which is kept.
    Character(char),
    /// Bytes to escape one by one.
    Bytes(&'b [u8]),
}

impl Piece<'_> {
    /// The number of columns on a terminal.
    fn width(self) -> usize {
        match self {
            Self::Character(character) => character.width().unwrap_or(0),
            Self::Bytes(bytes) => bytes.iter().map(|byte| width(*byte)).sum(),
        }
    }

    /// The number of bytes of the value.
    fn len(self) -> usize {
        match self {
            Self::Character(character) => character.len_utf8(),
            Self::Bytes(bytes) => bytes.len(),
        }
    }

    fn write(self, out: &mut Vec<u8>) {
        match self {
            Self::Character(character) => out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
            Self::Bytes(bytes) => escape(out, bytes),
        }
    }
}

/// Splits bytes into characters that are kept and bytes that are escaped.
fn pieces(bytes: &[u8]) -> impl Iterator<Item = Piece<'_>> {
    bytes.utf8_chunks().flat_map(|chunk| {
        let valid = chunk.valid();
        let characters = valid.char_indices().map(|(at, character)| {
            let is_itself = match u8::try_from(character) {
                Ok(byte) if byte.is_ascii() => form(byte) == Form::Itself,
                _ => !is_obeyed(character) && !is_invisible(character),
            };
            let bytes = valid.as_bytes().get(at..at + character.len_utf8()).unwrap_or_default();
            if is_itself { Piece::Character(character) } else { Piece::Bytes(bytes) }
        });
        characters.chain(std::iter::once(Piece::Bytes(chunk.invalid())))
    })
}

/// Appends `bytes` for people, without quotes: keeps UTF-8, and escapes the rest.
pub fn show(out: &mut Vec<u8>, bytes: &[u8]) {
    for piece in pieces(bytes) {
        piece.write(out);
    }
}

/// Whether `bytes` need no quotes in the form for people: nothing in them is escaped, and there are no spaces or
/// quotes.
fn is_shown_word(bytes: &[u8]) -> bool {
    let stands_alone = |piece| match piece {
        Piece::Character(character) => !character.is_whitespace() && character != '\'',
        Piece::Bytes(bytes) => bytes.is_empty(),
    };
    !bytes.is_empty() && (is_word(bytes) || pieces(bytes).all(stands_alone))
}

/// Appends `bytes` for people as one argument of a command line: unchanged, or escaped in quotes.
pub fn show_argument(out: &mut Vec<u8>, bytes: &[u8]) {
    if is_shown_word(bytes) {
        out.extend_from_slice(bytes);
    } else {
        out.push(b'"');
        show(out, bytes);
        out.push(b'"');
    }
}

/// The number of columns that [`show_argument`] takes on a terminal.
pub fn shown_width(bytes: &[u8]) -> usize {
    let quotes = if is_shown_word(bytes) { 0 } else { 2 };
    quotes + pieces(bytes).map(Piece::width).sum::<usize>()
}

/// The number of columns that text takes on a terminal without escapes.
pub fn columns(text: &str) -> usize {
    text.chars().map(|character| character.width().unwrap_or(0)).sum()
}

/// At most the first `length` bytes, without an incomplete character at the end.
pub fn head(bytes: &[u8], length: usize) -> &[u8] {
    let Some(head) = bytes.get(..length) else { return bytes };
    let tail = head
        .iter()
        .rev()
        .take(3)
        .position(|byte| *byte >= 0xc0)
        .map_or(head.len(), |from_end| head.len() - 1 - from_end);
    let is_cut = head.get(tail..).is_some_and(|tail| {
        std::str::from_utf8(tail).is_err_and(|error| error.valid_up_to() == 0 && error.error_len().is_none())
    });
    if is_cut { head.get(..tail).unwrap_or(head) } else { head }
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

/// Whether `bytes` need no quotes: they are not empty, and printable ASCII without spaces, quotes and backslashes.
pub fn is_word(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\'' | b'\\'))
}

/// Appends `bytes` as one argument of a command line: unchanged if they are a word, else escaped in quotes.
///
/// Servers write names into a manifest in the same way (`sdsneedsrepr`), except for an empty one and one with a `'` in
/// it, which they write so that they cannot read it back.
pub fn argument(out: &mut Vec<u8>, bytes: &[u8]) {
    if is_word(bytes) {
        out.extend_from_slice(bytes);
    } else {
        out.push(b'"');
        escape(out, bytes);
        out.push(b'"');
    }
}

/// A name in a sentence, within 64 columns: always in quotes, because a plain word might make sense there.
pub(crate) fn quoted(name: &[u8]) -> String {
    const COLUMNS: usize = 64;
    let mut out = Vec::new();
    shortened(&mut out, name, COLUMNS);
    let out = String::from_utf8_lossy(&out);
    if out.starts_with('"') { out.into_owned() } else { format!("\"{out}\"") }
}

/// Appends `bytes` like [`show_argument`], within `columns` if possible: longer bytes are shortened, and followed by
/// their length: `"aaaa…" (1048576 bytes)`. Returns the number of columns.
pub fn shortened(out: &mut Vec<u8>, bytes: &[u8], columns: usize) -> usize {
    // A character has at most four bytes, except for those that take no column.
    if bytes.len() <= columns.saturating_mul(4) {
        let whole = shown_width(bytes);
        if whole <= columns {
            show_argument(out, bytes);
            return whole;
        }
    }
    let mut digits = itoa::Buffer::new();
    let note = [" (".as_bytes(), digits.format(bytes.len()).as_bytes(), b" bytes)"].concat();
    let room = columns.saturating_sub(note.len() + 3).max(MINIMUM);
    let mut used = 0;
    out.push(b'"');
    for piece in pieces(head(bytes, room.saturating_mul(4))) {
        // Of several escaped bytes, as many as fit.
        let fitting = match piece {
            Piece::Bytes(bytes) if piece.width() > room - used => {
                let mut left = room - used;
                let fits = bytes.iter().take_while(|byte| {
                    let fits = width(**byte) <= left;
                    left = left.saturating_sub(width(**byte));
                    fits
                });
                let count = fits.count();
                Piece::Bytes(bytes.get(..count).unwrap_or_default())
            }
            piece if piece.width() > room - used => break,
            piece => piece,
        };
        fitting.write(out);
        used += fitting.width();
        if fitting.len() < piece.len() {
            break;
        }
    }
    out.extend_from_slice("…\"".as_bytes());
    out.extend_from_slice(&note);
    used + 3 + note.len()
}

/// The minimum width of a shortened value, in columns.
const MINIMUM: usize = 4;

/// Whether a terminal interprets the character instead of showing it: a control character, or one that changes the
/// direction of text.
pub fn is_obeyed(character: char) -> bool {
    match character {
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => true,
        _ => character.is_control(),
    }
}

/// Whether the character is invisible, so that different texts could look the same: "default ignorable" characters of
/// Unicode (joiners, fillers, variation selectors, tags), interlinear annotations, and noncharacters.
const fn is_invisible(character: char) -> bool {
    matches!(
        character,
        '\u{ad}'
            | '\u{34f}'
            | '\u{115f}'
            | '\u{1160}'
            | '\u{17b4}'
            | '\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{fdd0}'..='\u{fdef}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{fffe}'
            | '\u{ffff}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

/// Escapes a sentence that may quote a file's name, so that it is on one line and a terminal interprets nothing in it:
/// `a\u{1b}[2J.aof`.
///
/// Unlike an [`Argument`], it is not quoted, and escaping it again does not change it.
pub fn visible(text: &str) -> Cow<'_, str> {
    let is_escaped = |character| is_obeyed(character) || is_invisible(character);
    if !text.contains(is_escaped) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if is_escaped(character) {
            out.extend(character.escape_default());
        } else {
            out.push(character);
        }
    }
    Cow::Owned(out)
}

/// Displays bytes as [`show`] writes them; for sentences that quote them.
#[derive(Debug, Clone, Copy)]
pub struct Escaped<'a>(pub &'a [u8]);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = Vec::with_capacity(self.0.len());
        show(&mut out, self.0);
        f.write_str(&String::from_utf8_lossy(&out))
    }
}

/// A path as one word of a shell's command line, so that a suggested command can be pasted.
pub fn shell_word(path: &std::path::Path) -> String {
    use std::os::unix::ffi::OsStrExt;
    let bytes = path.as_os_str().as_bytes();
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"/._-+,:@%".contains(byte);
    // A leading dash would make it an option.
    let prefix = if bytes.starts_with(b"-") && bytes != b"-" { "./" } else { "" };
    match path.to_str() {
        Some(text) if !text.is_empty() && bytes.iter().all(plain) => format!("{prefix}{text}"),
        Some(text) if matches!(visible(text), Cow::Borrowed(_)) => format!("'{prefix}{}'", text.replace('\'', r"'\''")),
        _ => format!("$'{prefix}{}'", bytes.escape_ascii()),
    }
}

/// Splits a line at blanks, except within quotes (`sdssplitargs`); `None` if a quote is not closed, or not followed by
/// a blank.
pub fn split_arguments(line: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut words = Vec::new();
    let mut rest = line.iter().copied().peekable();
    while rest.peek().is_some() {
        if rest.next_if(|byte| is_blank(*byte)).is_some() {
            continue;
        }
        let mut word = Vec::new();
        while let Some(byte) = rest.next_if(|byte| !is_blank(*byte)) {
            if byte != b'"' && byte != b'\'' {
                word.push(byte);
                continue;
            }
            loop {
                match rest.next()? {
                    b'\\' if byte == b'"' => word.push(unescaped(&mut rest)?),
                    b'\\' if rest.next_if_eq(&byte).is_some() => word.push(byte),
                    end if end == byte => break,
                    other => word.push(other),
                }
            }
            if rest.peek().is_some_and(|byte| !is_blank(*byte)) {
                return None;
            }
        }
        words.push(word);
    }
    Some(words)
}

fn is_blank(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == 0x0b
}

/// The byte after a backslash in double quotes.
fn unescaped(rest: &mut (impl Iterator<Item = u8> + Clone)) -> Option<u8> {
    let hexadecimal = |byte: u8| (byte as char).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let byte = rest.next()?;
    let mut ahead = rest.clone();
    if byte == b'x'
        && let (Some(high), Some(low)) = (ahead.next().and_then(hexadecimal), ahead.next().and_then(hexadecimal))
    {
        *rest = ahead;
        return Some(high << 4 | low);
    }
    Some(match byte {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => 8,
        b'a' => 7,
        other => other,
    })
}

/// Displays bytes as [`show_argument`] writes them; for names in messages.
#[derive(Debug, Clone, Copy)]
pub struct Argument<'a>(pub &'a [u8]);

impl fmt::Display for Argument<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = Vec::with_capacity(self.0.len() + 2);
        show_argument(&mut out, self.0);
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

    /// Parses one argument as redis-cli does (`sdssplitargs`).
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
        let mut out = Vec::new();
        argument(&mut out, "né".as_bytes());
        assert_eq!(out, br#""n\xc3\xa9""#);
    }

    #[test]
    fn people_see_utf_8_but_nothing_that_is_obeyed_or_invisible() {
        assert_eq!(shown("né".as_bytes()), "né");
        assert_eq!(shown("ключ 日本".as_bytes()), "\"ключ 日本\"");
        assert_eq!(shown("no\u{a0}break".as_bytes()), "\"no\u{a0}break\"");
        for (hidden, escaped) in [
            ("\u{202e}", r"\xe2\x80\xae"),
            ("\u{61c}", r"\xd8\x9c"),
            ("\u{200b}", r"\xe2\x80\x8b"),
            ("\u{feff}", r"\xef\xbb\xbf"),
            ("\u{e0041}", r"\xf3\xa0\x81\x81"),
            ("\u{9b}", r"\xc2\x9b"),
            ("\u{2028}", r"\xe2\x80\xa8"),
        ] {
            assert_eq!(shown(format!("é{hidden}é").as_bytes()), format!("\"é{escaped}é\""));
        }
        assert_eq!(shown(b"\xc3\xa9\xc3"), "\"é\\xc3\"");
    }

    #[test]
    fn widths_are_those_of_a_terminal() {
        for (text, columns) in
            [("abc", 3), ("né", 2), ("日本", 4), ("e\u{301}", 1), ("日 本", 7), ("\u{200b}", 14), ("", 2)]
        {
            assert_eq!(shown_width(text.as_bytes()), columns, "{text:?}");
        }
        assert_eq!(cut("日本日本日本日本日本日本日本日本".as_bytes(), 22), ("\"日本日本…\" (48 bytes)".to_owned(), 22));
    }

    #[test]
    fn a_head_ends_between_characters() {
        let text = "aé日🙂".as_bytes();
        let lengths: Vec<usize> = (0..=text.len() + 1).map(|length| head(text, length).len()).collect();
        assert_eq!(lengths, [0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 10]);
        assert_eq!(head(b"\xff\xff\xff\xff", 3), b"\xff\xff\xff");
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

    /// Text of several scripts, mixed with arbitrary bytes.
    fn mixed() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            prop::collection::vec(any::<u8>(), 0..8),
            any::<String>().prop_map(String::into_bytes),
            "[a-zé日🙂\u{200b}\u{301}]{0,8}".prop_map(String::into_bytes),
        ];
        prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn reads_back_as_the_same_bytes(bytes in mixed()) {
            let mut out = Vec::new();
            argument(&mut out, &bytes);
            prop_assert!(out.iter().all(|byte| (b' '..=b'~').contains(byte)));
            prop_assert_eq!(unescape(&out), bytes.clone());
            let shown = shown(&bytes);
            prop_assert!(!shown.contains(|character| is_obeyed(character) || is_invisible(character)));
            prop_assert_eq!(unescape(shown.as_bytes()), bytes);
        }

        #[test]
        fn stays_within_its_columns(bytes in mixed(), limit in 24_usize..100) {
            let (text, used) = cut(&bytes, limit);
            prop_assert_eq!(columns(&text), used);
            prop_assert!(used <= limit);
        }
    }
}
