//! The one line with which a checker says what it did not expect, and where.

use std::io::Write;

/// What `char __buf[1024]` holds of a complaint at most.
const TEXT_LIMIT: usize = 1023;

/// What a checker complains of before its summary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Complaint {
    /// The offset that the line begins with: that of the last `*` or `$` line, payload or annotation it began to read.
    pub offset: u64,
    /// What it did not expect.
    pub kind: ComplaintKind,
}

/// The kinds of [`Complaint`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ComplaintKind {
    /// A `*` or `$` line that begins with another byte.
    Prefix {
        /// `*` or `$`.
        expected: u8,
        /// What stands there.
        found: u8,
    },
    /// Two other bytes than CRLF after a number or a payload. `None` is a byte that the tool never read: it prints
    /// what an earlier line left in its buffer.
    LineEnd {
        /// What stands there.
        found: [Option<u8>; 2],
    },
    /// A payload that runs past the end.
    ShortRead {
        /// The length and 2 more, for the CRLF.
        wanted: i64,
        /// The bytes that are left.
        got: u64,
    },
    /// A length below 0 or above 2^63 - 3 (7.0 and later).
    Length(i64),
    /// `MULTI` inside a transaction.
    Multi,
    /// `EXEC` outside one.
    Exec,
    /// The part ends inside a transaction.
    OpenMulti,
}

impl Complaint {
    /// The line as the tools of 7.0 and later print it, without its newline; `path` is the file as they name it there,
    /// which in a multi-part log is its directory, a slash and its name. In place of a byte that the tool never
    /// read stands `00`.
    pub fn line(&self, path: &[u8]) -> Vec<u8> {
        self.prefixed(&self.kind.text(Some(path)))
    }

    /// The line as the tool of 6.2 prints it, without its newline.
    pub fn line_without_name(&self) -> Vec<u8> {
        self.prefixed(&self.kind.text(None))
    }

    fn prefixed(&self, text: &[u8]) -> Vec<u8> {
        // The tools copy the text as a C string.
        let end = memchr::memchr(0, text).unwrap_or(text.len()).min(TEXT_LIMIT);
        let mut line = format!("0x{:>16}: ", format!("{:x}", self.offset)).into_bytes();
        line.extend_from_slice(text.get(..end).unwrap_or(text));
        line
    }

    /// Whether the line ends in bytes that differ from run to run, so that it is not to be compared.
    pub const fn has_leftovers(&self) -> bool {
        matches!(self.kind, ComplaintKind::LineEnd { found: [None, _] | [_, None] })
    }
}

impl ComplaintKind {
    fn text(self, path: Option<&[u8]>) -> Vec<u8> {
        let mut text = Vec::new();
        // Writing to memory cannot fail.
        let _ = match self {
            Self::Prefix { expected, found } => {
                let _ = write!(text, "Expected prefix '{}', got: '", expected as char);
                text.write_all(&[found, b'\''])
            }
            Self::LineEnd { found } => {
                let [first, second] = found.map(|byte| hex(byte.unwrap_or(0)));
                write!(text, "Expected \\r\\n, got: {first}{second}")
            }
            Self::ShortRead { wanted, got } => write!(text, "Expected to read {wanted} bytes, got {got} bytes"),
            Self::Length(length) => {
                write!(text, "Expected to read string of {length} bytes, which is not in the suitable range")
            }
            Self::Multi => text.write_all(b"Unexpected MULTI"),
            Self::Exec => text.write_all(b"Unexpected EXEC"),
            Self::OpenMulti => text.write_all(b"Reached EOF before reading EXEC for MULTI"),
        };
        if let (Self::Multi | Self::Exec, Some(path)) = (self, path) {
            text.extend_from_slice(b" in AOF ");
            text.extend_from_slice(path);
        }
        text
    }
}

/// `%02x` of a `char`, which is signed: from 0x80 up it comes out as the eight digits of a negative `int`.
fn hex(byte: u8) -> String {
    format!("{:02x}", i32::from(byte.cast_signed()))
}
