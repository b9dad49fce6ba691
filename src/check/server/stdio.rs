//! One record as a server reads it: `fgets`, `atoi`, `strtol` and `fread`, byte for byte.
//!
//! The strict grammar of [`crate::resp`] is what checkers and servers agree on, so this runs only where that refuses.

use memchr::memchr;

use crate::resp::Sink;
use crate::server::Server;

/// What a server finds at a position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// The end of the file.
    End,
    /// A line that begins with `#` (or as much of it as the buffer holds); the index after it.
    Annotation(usize),
    /// A command; the index after it.
    Command(usize),
    /// The file ends inside a record.
    Short,
    /// "Bad file format": the index of the line that the server rejects.
    BadFormat(usize),
    /// "Unrecoverable error": a line of `*` and NUL that is not the file's end.
    Unreadable(usize),
    /// A length that no allocation survives, and the index of its line.
    Length(usize, i64),
}

/// How a server reads.
#[derive(Debug, Clone, Copy)]
pub(super) struct ReadLimits {
    /// The size of the buffer that a line must fit into, its NUL included; a longer line is read in pieces.
    buffer: usize,
    /// Whether a line that begins with `#` is skipped.
    annotations: bool,
    /// The length from which on the server dies while it allocates.
    deadly_length: i64,
}

impl ReadLimits {
    /// What a server reads (`loadAppendOnlyFile` in 6.2, `loadSingleAppendOnlyFile` later).
    pub(super) const fn of(server: Server) -> Self {
        Self {
            buffer: server.line_buffer(),
            annotations: server.skips_annotations(),
            deadly_length: server.deadly_length(),
        }
    }

    /// Reads the record at `start` and gives its arguments to `sink`.
    pub(super) fn read<'a>(self, bytes: &'a [u8], start: usize, sink: &mut impl Sink<'a>) -> Found {
        let mut file = File { bytes, at: start, ended: false };
        let Some(line) = file.line(self.buffer) else { return Found::End };
        match line.first() {
            Some(b'#') if self.annotations => return Found::Annotation(file.at),
            Some(b'*') => {}
            _ => return Found::BadFormat(start),
        }
        if line.get(1).is_none_or(|second| *second == 0) {
            return if file.ended { Found::Short } else { Found::Unreadable(start) };
        }
        // `atoi` keeps the lower half of what `strtol` gives.
        let [a, b, c, d, ..] = number(line).to_le_bytes();
        let count = i32::from_le_bytes([a, b, c, d]);
        if count < 1 {
            return Found::BadFormat(start);
        }
        // Each turn consumes bytes or returns, so that a huge count ends with the file.
        for _ in 0..count {
            let at = file.at;
            let Some(line) = file.line(self.buffer) else { return Found::Short };
            if line.first() != Some(&b'$') {
                return Found::BadFormat(at);
            }
            let length = number(line);
            let Ok(wanted) = usize::try_from(length) else { return Found::Length(at, length) };
            if length >= self.deadly_length {
                return Found::Length(at, length);
            }
            let Some(argument) = file.block(wanted) else { return Found::Short };
            sink.push(argument);
            // Two bytes are skipped, whatever they are.
            if file.block(2).is_none() {
                return Found::Short;
            }
        }
        Found::Command(file.at)
    }
}

/// A file as the C library reads it.
struct File<'a> {
    bytes: &'a [u8],
    at: usize,
    /// `feof`: a read went past the end.
    ended: bool,
}

impl<'a> File<'a> {
    /// `fgets` with a buffer of `size` bytes: a line with its LF, or as much of it as fits; `None` at the end.
    fn line(&mut self, size: usize) -> Option<&'a [u8]> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let room = size - 1;
        let window = rest.get(..room).unwrap_or(rest);
        let length = memchr(b'\n', window).map_or(window.len(), |index| index + 1);
        let line = window.get(..length)?;
        self.ended = length < room && line.last() != Some(&b'\n');
        self.at += length;
        (!line.is_empty()).then_some(line)
    }

    /// `fread` of a number of bytes at once; `None` when there are fewer.
    fn block(&mut self, length: usize) -> Option<&'a [u8]> {
        let (block, _) = self.bytes.get(self.at..)?.split_at_checked(length)?;
        self.at += length;
        Some(block)
    }
}

/// `strtol(line + 1, NULL, 10)`: white space, a sign, digits, and whatever follows; clamped to 64 bits.
fn number(line: &[u8]) -> i64 {
    let text = line.get(1..).unwrap_or_default();
    let blank = |byte: &u8| matches!(byte, b' ' | b'\t'..=b'\r');
    let text = text.iter().position(|byte| !blank(byte)).and_then(|index| text.get(index..)).unwrap_or_default();
    let (negative, digits) = match text.split_first() {
        Some((b'-', digits)) => (true, digits),
        Some((b'+', digits)) => (false, digits),
        _ => (false, text),
    };
    let mut value = 0_i64;
    for digit in digits.iter().map(|byte| byte.wrapping_sub(b'0')).take_while(|digit| *digit < 10) {
        let digit = i64::from(digit);
        // Towards the sign's side, since i64::MIN has no positive counterpart.
        value = value.saturating_mul(10).saturating_add(if negative { -digit } else { digit });
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(server: Server, bytes: &[u8]) -> (Found, Vec<Vec<u8>>) {
        let mut arguments: Vec<&[u8]> = Vec::new();
        let found = ReadLimits::of(server).read(bytes, 0, &mut arguments);
        (found, arguments.into_iter().map(<[u8]>::to_vec).collect())
    }

    #[test]
    fn numbers_are_those_of_strtol() {
        for (line, value) in [
            (&b"*3\r\n"[..], 3),
            (b"* \t\r\x0b\x0c+12x9", 12),
            (b"*-7", -7),
            (b"*", 0),
            (b"*\x003", 0),
            (b"*- 3", 0),
            (b"*99999999999999999999", i64::MAX),
            (b"*-99999999999999999999", i64::MIN),
            (b"*-9223372036854775808", i64::MIN),
        ] {
            assert_eq!(number(line), value, "{line:?}");
        }
    }

    #[test]
    fn a_count_wraps_at_32_bits() {
        assert_eq!(read(Server::Redis80, b"*4294967297\r\n$4\r\nPING\r\n").0, Found::Command(23));
        assert_eq!(read(Server::Redis80, b"*4294967296\r\n$4\r\nPING\r\n").0, Found::BadFormat(0));
        assert_eq!(read(Server::Redis80, b"*18446744073709551617\r\n$4\r\nPING\r\n").0, Found::BadFormat(0));
        assert_eq!(read(Server::Redis80, b"*2147483647\r\n$4\r\nPING\r\n").0, Found::Short);
    }

    #[test]
    fn line_ends_are_never_compared() {
        let (found, arguments) = read(Server::Redis62, b"*2 etc.\n$2\nabXY$1$\n#\0\0");
        assert_eq!(found, Found::Command(22));
        assert_eq!(arguments, [b"ab".to_vec(), b"#".to_vec()]);
    }

    #[test]
    fn a_line_is_cut_by_the_buffer_of_the_version() {
        let line = |zeros: usize| [b"*".as_slice(), &vec![b'0'; zeros], b"1$4\r\nPING\r\n"].concat();
        assert!(matches!(read(Server::Redis62, &line(125)).0, Found::Command(_)));
        assert_eq!(read(Server::Redis70, &line(125)).0, Found::BadFormat(131));
        assert!(matches!(read(Server::Redis70, &line(1021)).0, Found::Command(_)));
        assert_eq!(read(Server::Redis62, &line(1021)).0, Found::BadFormat(0));
    }

    #[test]
    fn an_asterisk_alone_is_a_short_read_at_the_end_only() {
        for server in Server::ALL {
            assert_eq!(read(server, b"*").0, Found::Short);
            assert_eq!(read(server, b"*\0").0, Found::Short);
            assert_eq!(read(server, b"*\0\n").0, Found::Unreadable(0));
            assert_eq!(read(server, b"*\n").0, Found::BadFormat(0));
        }
    }

    #[test]
    fn lengths_that_no_server_can_allocate_are_told_apart_from_short_reads() {
        assert_eq!(read(Server::Redis80, b"*1\r\n$-1\r\n").0, Found::Length(4, -1));
        assert_eq!(read(Server::Redis80, b"*1\r\n$1000000000000000\r\nx").0, Found::Length(4, 1_000_000_000_000_000));
        assert_eq!(read(Server::Redis80, b"*1\r\n$1000000000\r\nx").0, Found::Short);
    }

    proptest! {
        #[test]
        fn what_the_strict_grammar_accepts_every_server_reads_alike(
            pieces in prop::collection::vec(prop::sample::select(vec![
                "*1", "*2", "*+2", "* 1", "$0", "$1", "$03", "$-0", "\r\n", "\n", "abc", "a", "\0", "*", "$",
            ]), 1..14),
        ) {
            let bytes = pieces.concat().into_bytes();
            let mut strict: Vec<&[u8]> = Vec::new();
            if let Ok(end) = crate::resp::parse(&bytes, 0, &mut strict) {
                for server in Server::ALL {
                    let mut arguments: Vec<&[u8]> = Vec::new();
                    let found = ReadLimits::of(server).read(&bytes, 0, &mut arguments);
                    prop_assert_eq!(found, Found::Command(end));
                    prop_assert_eq!(&arguments, &strict);
                }
            }
        }

        #[test]
        fn any_bytes_end_within_them(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            for server in Server::ALL {
                if let Found::Command(end) | Found::Annotation(end) = read(server, &bytes).0 {
                    prop_assert!(end <= bytes.len() && end > 0);
                }
            }
        }
    }
}
