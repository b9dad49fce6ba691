//! JSON text, formatted into a buffer of bounded size.

use std::io::{self, Write};

use data_encoding::BASE64;

use super::FLUSH_AT;
use crate::escape::is_obeyed;

/// Writes JSON text into a buffer, which is written out whenever it is full.
#[derive(Debug)]
pub(super) struct JsonText<W> {
    out: W,
    pub(super) text: Vec<u8>,
}

impl<W: Write> JsonText<W> {
    pub(super) fn new(out: W) -> Self {
        Self { out, text: Vec::with_capacity(FLUSH_AT + 4096) }
    }

    /// Appends text that is JSON already.
    pub(super) fn raw(&mut self, text: &str) {
        self.text.extend_from_slice(text.as_bytes());
    }

    pub(super) fn number(&mut self, name: &'static str, number: impl itoa::Integer) {
        self.text.extend_from_slice(name.as_bytes());
        self.text.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
    }

    pub(super) fn optional(&mut self, name: &'static str, number: Option<impl itoa::Integer>) {
        if let Some(number) = number {
            self.number(name, number);
        }
    }

    pub(super) fn member(&mut self, name: &'static str, bytes: &[u8]) -> io::Result<()> {
        self.text.extend_from_slice(name.as_bytes());
        self.bytes(bytes)
    }

    /// Appends a string, or an object if the bytes are not UTF-8.
    #[inline]
    pub(super) fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        if bytes.len() <= FLUSH_AT && bytes.iter().all(|byte| is_plain(*byte)) {
            self.text.push(b'"');
            self.text.extend_from_slice(bytes);
            self.text.push(b'"');
            return self.relieve();
        }
        self.special_bytes(bytes)
    }

    #[inline(never)]
    fn special_bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Ok(text) = std::str::from_utf8(bytes) {
            self.text.push(b'"');
            let mut plain = 0;
            for (index, character) in text.char_indices() {
                if must_escape(character) {
                    self.long(text.get(plain..index).unwrap_or_default().as_bytes())?;
                    escape(&mut self.text, character);
                    plain = index + character.len_utf8();
                }
            }
            self.long(text.get(plain..).unwrap_or_default().as_bytes())?;
            self.text.push(b'"');
        } else {
            self.text.extend_from_slice(b"{\"base64\":\"");
            // Whole groups of three, so that there is no padding in the middle.
            for piece in bytes.chunks(FLUSH_AT / 4 * 3) {
                let start = self.text.len();
                self.text.resize(start + BASE64.encode_len(piece.len()), 0);
                BASE64.encode_mut(piece, self.text.get_mut(start..).unwrap_or_default());
                self.relieve()?;
            }
            self.text.extend_from_slice(b"\"}");
        }
        self.relieve()
    }

    /// Appends any number of bytes, without a buffer of that size.
    fn long(&mut self, bytes: &[u8]) -> io::Result<()> {
        for piece in bytes.chunks(FLUSH_AT) {
            self.text.extend_from_slice(piece);
            self.relieve()?;
        }
        Ok(())
    }

    #[inline]
    pub(super) fn relieve(&mut self) -> io::Result<()> {
        if self.text.len() >= FLUSH_AT { self.hand_on() } else { Ok(()) }
    }

    /// The writer, with everything formatted so far written to it.
    pub(super) fn writer(&mut self) -> io::Result<&mut W> {
        self.hand_on()?;
        Ok(&mut self.out)
    }

    #[cold]
    pub(super) fn hand_on(&mut self) -> io::Result<()> {
        self.out.write_all(&self.text)?;
        self.text.clear();
        Ok(())
    }

    /// An array of `items`, each written by `write`.
    pub(super) fn array<T>(
        &mut self,
        items: impl Iterator<Item = T>,
        mut write: impl FnMut(&mut Self, T) -> io::Result<()>,
    ) -> io::Result<()> {
        self.raw("[");
        for (index, item) in items.enumerate() {
            if index > 0 {
                self.raw(",");
            }
            write(self, item)?;
        }
        self.raw("]");
        Ok(())
    }
}

/// Whether a byte stands for itself in a JSON string, whatever is around it.
const fn is_plain(byte: u8) -> bool {
    matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\'
}

/// What JSON does not allow, and what a terminal would obey.
fn must_escape(character: char) -> bool {
    match character {
        '"' | '\\' => true,
        _ => is_obeyed(character),
    }
}

fn escape(out: &mut Vec<u8>, character: char) {
    let letter = match character {
        '"' | '\\' => character,
        '\n' => 'n',
        '\r' => 'r',
        '\t' => 't',
        '\u{8}' => 'b',
        '\u{c}' => 'f',
        _ => {
            // Every character that must be escaped is below 0x10000.
            out.extend_from_slice(format!("\\u{:04x}", character as u32).as_bytes());
            return;
        }
    };
    out.push(b'\\');
    out.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
}
