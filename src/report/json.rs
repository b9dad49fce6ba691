//! What the JSON of every report has in common.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};

use crate::escape::is_obeyed;

/// Writes a value as one line, in which nothing is left that a terminal would obey.
///
/// # Errors
/// What the writer says.
pub fn write_line(out: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    value.serialize(&mut Serializer::with_formatter(&mut *out, Harmless))?;
    out.write_all(b"\n")
}

/// The version of the objects' form. Fields may be added without a new one.
const SCHEMA: u32 = 1;

/// What every object of a report begins with.
#[derive(Serialize)]
struct Envelope<'v, T> {
    aofkit: &'static str,
    schema: u32,
    #[serde(flatten)]
    report: &'v T,
}

/// Writes the object of a report as one line: `aofkit` (the version of this program), `schema`, and the fields of
/// `report`.
///
/// # Errors
/// What the writer says.
pub fn write_object(out: &mut impl Write, report: &impl Serialize) -> io::Result<()> {
    write_line(out, &Envelope { aofkit: env!("CARGO_PKG_VERSION"), schema: SCHEMA, report })
}

/// The compact form, with more escapes than JSON asks for.
struct Harmless;

impl Formatter for Harmless {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let mut plain = 0;
        for (index, character) in fragment.char_indices().filter(|(_, character)| is_obeyed(*character)) {
            writer.write_all(fragment.get(plain..index).unwrap_or_default().as_bytes())?;
            // All of them are below 0x10000.
            write!(writer, "\\u{:04x}", character as u32)?;
            plain = index + character.len_utf8();
        }
        writer.write_all(fragment.get(plain..).unwrap_or_default().as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_escaped_and_reads_back() {
        let text = "a\u{1b}[31m\u{9b}m\u{7f}\u{202e}é\n\"";
        let mut line = Vec::new();
        write_line(&mut line, &text).unwrap();
        let line = String::from_utf8(line).unwrap();
        assert_eq!(line, "\"a\\u001b[31m\\u009bm\\u007f\\u202eé\\n\\\"\"\n");
        assert_eq!(serde_json::from_str::<String>(&line).unwrap(), text);
    }
}
