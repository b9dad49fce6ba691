//! The primitives of an RDB: lengths, strings, LZF, numbers, and the checksum.

use std::borrow::Cow;

use crc_fast::{CrcAlgorithm, Digest};

use super::fault::{DamageKind, Fault, LzfFault, Malformed};
use crate::value::Bytes;

/// A cursor over the bytes of a file, which never reads beyond them. Its offsets are absolute.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    position: usize,
}

/// A length, or the encoding in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    /// A length.
    Plain(u64),
    /// The low six bits of a byte whose two high bits are set.
    Encoded(u8),
}

impl<'a> Reader<'a> {
    /// A reader that begins at `position`, or at the end if that is less.
    pub fn new(bytes: &'a [u8], position: usize) -> Self {
        Self { bytes, position: position.min(bytes.len()) }
    }

    /// The offset of the next byte.
    pub fn position(&self) -> usize {
        self.position
    }

    /// The number of bytes that are left.
    pub fn remaining(&self) -> usize {
        self.bytes.len() - self.position
    }

    /// The bytes from `start` up to the position; empty if `start` is not before it.
    pub fn since(&self, start: usize) -> &'a [u8] {
        self.bytes.get(start..self.position).unwrap_or_default()
    }

    /// A fault at `offset` that is detected at the position.
    pub fn fault(&self, offset: usize, kind: impl Into<DamageKind>) -> Fault {
        Fault { offset, position: self.position, kind: kind.into() }
    }

    #[cold]
    fn truncated(&self, needed: u64) -> Fault {
        let left = self.bytes.len() - self.position;
        let missing = needed.saturating_sub(left as u64);
        self.fault(self.bytes.len(), DamageKind::Truncated { missing })
    }

    /// The next `count` bytes.
    ///
    /// # Errors
    /// [`DamageKind::Truncated`] if fewer are left; the position stays.
    #[inline]
    pub fn take(&mut self, count: u64) -> Result<&'a [u8], Fault> {
        let taken = usize::try_from(count)
            .ok()
            .and_then(|count| self.position.checked_add(count))
            .and_then(|end| self.bytes.get(self.position..end));
        match taken {
            Some(taken) => {
                self.position += taken.len();
                Ok(taken)
            }
            None => Err(self.truncated(count)),
        }
    }

    /// The next `N` bytes.
    ///
    /// # Errors
    /// As [`Reader::take`].
    #[inline]
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        match self.bytes.get(self.position..).and_then(<[u8]>::first_chunk::<N>) {
            Some(chunk) => {
                self.position += N;
                Ok(*chunk)
            }
            None => Err(self.truncated(N as u64)),
        }
    }

    /// The next byte.
    ///
    /// # Errors
    /// As [`Reader::take`].
    #[inline]
    pub fn byte(&mut self) -> Result<u8, Fault> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// Reads a length, or the encoding in its place.
    ///
    /// # Errors
    /// As [`Reader::take`], and [`Malformed::LengthEncoding`] for a first byte of 0x82 to 0xbf.
    #[inline]
    pub fn length_or_encoding(&mut self) -> Result<Length, Fault> {
        let start = self.position;
        let first = self.byte()?;
        match first >> 6 {
            0 => Ok(Length::Plain(u64::from(first))),
            1 => Ok(Length::Plain(u64::from(first & 0x3f) << 8 | u64::from(self.byte()?))),
            3 => Ok(Length::Encoded(first & 0x3f)),
            _ => match first {
                0x80 => Ok(Length::Plain(u64::from(u32::from_be_bytes(self.array()?)))),
                0x81 => Ok(Length::Plain(u64::from_be_bytes(self.array()?))),
                _ => Err(self.fault(start, Malformed::LengthEncoding(first))),
            },
        }
    }

    /// Reads a length where no encoding is expected. As in every server, an encoding byte counts as its low six bits.
    ///
    /// # Errors
    /// As [`Reader::length_or_encoding`].
    #[inline]
    pub fn number(&mut self) -> Result<u64, Fault> {
        Ok(match self.length_or_encoding()? {
            Length::Plain(length) => length,
            Length::Encoded(bits) => u64::from(bits),
        })
    }

    /// Reads a length that counts something. As [`Reader::number`], but 2^64-1 is refused, because the servers cannot
    /// distinguish it from a failed read.
    ///
    /// # Errors
    /// As [`Reader::length_or_encoding`], and [`Malformed::ReservedLength`].
    #[inline]
    pub fn length(&mut self) -> Result<u64, Fault> {
        let start = self.position;
        match self.number()? {
            u64::MAX => Err(self.fault(start, Malformed::ReservedLength)),
            length => Ok(length),
        }
    }

    /// Reads a string without decompressing or copying it.
    ///
    /// # Errors
    /// As [`Reader::length`], and [`Malformed::StringEncoding`] for an encoding other than the four known.
    #[inline]
    pub fn raw_string(&mut self) -> Result<RawString<'a>, Fault> {
        let start = self.position;
        match self.length_or_encoding()? {
            Length::Plain(u64::MAX) => Err(self.fault(start, Malformed::ReservedLength)),
            Length::Plain(length) => Ok(RawString::Plain(self.take(length)?)),
            Length::Encoded(0) => Ok(RawString::Integer(i32::from(i8::from_le_bytes(self.array()?)))),
            Length::Encoded(1) => Ok(RawString::Integer(i32::from(i16::from_le_bytes(self.array()?)))),
            Length::Encoded(2) => Ok(RawString::Integer(i32::from_le_bytes(self.array()?))),
            Length::Encoded(3) => {
                let compressed = self.length()?;
                let length = self.length()?;
                Ok(RawString::Lzf { compressed: self.take(compressed)?, length })
            }
            Length::Encoded(other) => Err(self.fault(start, Malformed::StringEncoding(other))),
        }
    }

    /// Reads a string and verifies its compression, if any.
    ///
    /// # Errors
    /// As [`Reader::raw_string`], and [`Malformed::Lzf`].
    #[inline]
    pub fn string(&mut self) -> Result<RawString<'a>, Fault> {
        let start = self.position;
        let string = self.raw_string()?;
        match string.verify() {
            Ok(()) => Ok(string),
            Err(fault) => Err(self.fault(start, Malformed::Lzf(fault))),
        }
    }
}

/// A string as it is encoded in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RawString<'a> {
    /// The bytes themselves.
    Plain(&'a [u8]),
    /// A number, which represents its digits.
    Integer(i32),
    /// LZF-compressed bytes, and their claimed length.
    Lzf {
        /// The compressed bytes.
        compressed: &'a [u8],
        /// The length that the file claims for them once decompressed.
        length: u64,
    },
}

impl<'a> RawString<'a> {
    /// Verifies the compression, if any.
    ///
    /// # Errors
    /// The first broken rule of LZF.
    #[inline]
    pub fn verify(&self) -> Result<(), LzfFault> {
        match self {
            Self::Plain(_) | Self::Integer(_) => Ok(()),
            Self::Lzf { compressed, length } => lzf_verify(compressed, *length),
        }
    }

    /// The bytes; `buffer` is overwritten if they have to be decompressed or formatted.
    ///
    /// # Errors
    /// As [`RawString::verify`].
    #[inline]
    pub fn open<'b>(&self, buffer: &'b mut Vec<u8>) -> Result<&'b [u8], LzfFault>
    where
        'a: 'b,
    {
        match self {
            Self::Plain(bytes) => Ok(bytes),
            Self::Integer(number) => {
                buffer.clear();
                buffer.extend_from_slice(itoa::Buffer::new().format(*number).as_bytes());
                Ok(buffer)
            }
            Self::Lzf { compressed, length } => {
                lzf_decompress(compressed, *length, buffer)?;
                Ok(buffer)
            }
        }
    }

    /// A copy of the bytes; empty if the compression is broken.
    pub fn to_vec(self) -> Vec<u8> {
        self.bytes().unwrap_or_default().into_owned()
    }

    /// The string, borrowed from the file if it is not encoded.
    ///
    /// # Errors
    /// As [`RawString::verify`].
    #[inline]
    pub fn kept(self) -> Result<Bytes<'a>, LzfFault> {
        match self {
            Self::Plain(bytes) => Ok(Bytes::borrowed(bytes)),
            Self::Integer(number) => Ok(Bytes::from_integer(number.into())),
            Self::Lzf { .. } => {
                let mut made = Vec::new();
                self.open(&mut made)?;
                made.shrink_to_fit();
                Ok(Bytes::owned(made))
            }
        }
    }

    /// The bytes, borrowed from the file if they are not encoded.
    ///
    /// # Errors
    /// As [`RawString::verify`].
    pub fn bytes(&self) -> Result<Cow<'a, [u8]>, LzfFault> {
        match self {
            Self::Plain(bytes) => Ok(Cow::Borrowed(bytes)),
            Self::Integer(_) | Self::Lzf { .. } => {
                let mut buffer = Vec::new();
                self.open(&mut buffer)?;
                Ok(Cow::Owned(buffer))
            }
        }
    }
}

/// One instruction of LZF.
enum Instruction<'a> {
    Literal(&'a [u8]),
    Copy { distance: usize, length: usize },
}

/// The instructions of compressed bytes, each checked against the output so far.
struct Instructions<'a> {
    rest: &'a [u8],
    /// The number of bytes that the instructions so far produce.
    produced: u64,
    claimed: u64,
}

impl<'a> Instructions<'a> {
    fn next(&mut self) -> Result<Option<Instruction<'a>>, LzfFault> {
        let Some((&control, rest)) = self.rest.split_first() else {
            return Ok(None);
        };
        let control = usize::from(control);
        let (instruction, length) = if control < 32 {
            let (literal, rest) = rest.split_at_checked(control + 1).ok_or(LzfFault::Ends)?;
            self.rest = rest;
            (Instruction::Literal(literal), control + 1)
        } else {
            let (&next, mut rest) = rest.split_first().ok_or(LzfFault::Ends)?;
            let (mut length, mut low) = (control >> 5, next);
            if length == 7 {
                length += usize::from(next);
                let (&next, after) = rest.split_first().ok_or(LzfFault::Ends)?;
                (low, rest) = (next, after);
            }
            self.rest = rest;
            let distance = ((control & 0x1f) << 8 | usize::from(low)) + 1;
            if distance as u64 > self.produced {
                return Err(LzfFault::Reference);
            }
            (Instruction::Copy { distance, length: length + 2 }, length + 2)
        };
        self.produced += length as u64;
        if self.produced > self.claimed {
            return Err(LzfFault::TooLong(self.claimed));
        }
        Ok(Some(instruction))
    }

    fn finish(&self) -> Result<(), LzfFault> {
        if self.produced == self.claimed {
            Ok(())
        } else {
            Err(LzfFault::TooShort { claimed: self.claimed, actual: self.produced })
        }
    }
}

/// Verifies compressed bytes without decompressing them.
///
/// A claimed length of 0 is always accepted, because the servers' decompressor returns 0 for an error too.
///
/// # Errors
/// The first broken rule, or a length other than the claimed one.
pub fn lzf_verify(compressed: &[u8], claimed: u64) -> Result<(), LzfFault> {
    if claimed == 0 {
        return Ok(());
    }
    let mut instructions = Instructions { rest: compressed, produced: 0, claimed };
    while instructions.next()?.is_some() {}
    instructions.finish()
}

/// Decompresses into `output`, which is cleared first and grows with the bytes that are produced, not by the claimed
/// length.
///
/// # Errors
/// As [`lzf_verify`].
pub fn lzf_decompress(compressed: &[u8], claimed: u64, output: &mut Vec<u8>) -> Result<(), LzfFault> {
    output.clear();
    if claimed == 0 {
        return Ok(());
    }
    let mut instructions = Instructions { rest: compressed, produced: 0, claimed };
    while let Some(instruction) = instructions.next()? {
        match instruction {
            Instruction::Literal(bytes) => output.extend_from_slice(bytes),
            Instruction::Copy { distance, length } => {
                let start = output.len().saturating_sub(distance);
                // A source that overlaps what is being written repeats every `distance` bytes.
                let mut left = length;
                while left > 0 {
                    let count = left.min(output.len() - start);
                    output.extend_from_within(start..start + count);
                    left -= count;
                }
            }
        }
    }
    instructions.finish()
}

/// Whether `sscanf("%lg")` reads a number at the beginning of `text`, as servers do for the ASCII scores of RDB
/// versions before 8. NaN counts as a number here.
pub fn scans_as_double(text: &[u8]) -> bool {
    let text = text.trim_ascii_start();
    let text = match text.split_first() {
        Some((b'+' | b'-', rest)) => rest,
        _ => text,
    };
    let begins = |word: &[u8]| text.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word));
    if begins(b"inf") || begins(b"nan") {
        return true;
    }
    let (is_digit, exponent, text) = match text {
        [b'0', b'x' | b'X', rest @ ..] => (u8::is_ascii_hexdigit as fn(&u8) -> bool, b'p', rest),
        _ => (u8::is_ascii_digit as fn(&u8) -> bool, b'e', text),
    };
    let digits = |text: &[u8]| text.iter().take_while(|byte| is_digit(byte)).count();
    let whole = digits(text);
    let mut rest = text.get(whole..).unwrap_or_default();
    let mut fraction = 0;
    if let [b'.', behind @ ..] = rest {
        fraction = digits(behind);
        rest = behind.get(fraction..).unwrap_or_default();
    }
    if whole + fraction == 0 {
        return false;
    }
    // glibc fails at an exponent without digits.
    match rest {
        [mark, b'+' | b'-', rest @ ..] | [mark, rest @ ..] if mark.to_ascii_lowercase() == exponent => {
            rest.first().is_some_and(u8::is_ascii_digit)
        }
        _ => true,
    }
}

/// The checksum of an RDB, computed incrementally: CRC-64 with the Jones polynomial, reflected, initially 0, without a
/// final XOR (Redis `crc64.c`).
#[derive(Debug, Clone, Copy)]
pub struct Crc64(Digest);

impl Default for Crc64 {
    fn default() -> Self {
        Self(Digest::new(CrcAlgorithm::Crc64Redis))
    }
}

impl Crc64 {
    /// Adds `bytes`.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The checksum of all bytes so far.
    pub fn value(&self) -> u64 {
        self.0.finalize()
    }

    /// The checksum of `bytes` alone.
    pub fn of(bytes: &[u8]) -> u64 {
        let mut crc = Self::default();
        crc.update(bytes);
        crc.value()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn reader(bytes: &[u8]) -> Reader<'_> {
        Reader::new(bytes, 0)
    }

    fn kind<T: std::fmt::Debug>(result: Result<T, Fault>) -> DamageKind {
        result.unwrap_err().kind
    }

    #[test]
    fn the_checksum_is_that_of_redis() {
        // The test vector in Redis's crc64.c.
        assert_eq!(Crc64::of(b"123456789"), 0xe9c6_d914_c4b8_d9ca);
        let mut crc = Crc64::default();
        crc.update(b"1234");
        crc.update(b"");
        crc.update(b"56789");
        assert_eq!(crc.value(), Crc64::of(b"123456789"));
    }

    #[test]
    fn lengths_are_read_in_each_of_their_five_forms() {
        for (bytes, length) in [
            (&[0x3f][..], 63),
            (&[0x7f, 0xff], 16383),
            (&[0x80, 1, 2, 3, 4], 0x0102_0304),
            (&[0x81, 0, 0, 1, 0, 0, 0, 0, 0], 1 << 40),
            (&[0xc5], 5),
        ] {
            let mut reader = reader(bytes);
            assert_eq!(reader.length(), Ok(length));
            assert_eq!(reader.position(), bytes.len());
        }
        assert_eq!(reader(&[0xc5]).length_or_encoding(), Ok(Length::Encoded(5)));
    }

    #[test]
    fn a_length_that_is_none_says_where_and_how_far_it_was_read() {
        let fault = reader(&[0x82, 0, 0]).length().unwrap_err();
        assert_eq!((fault.offset, fault.position), (0, 1));
        assert_eq!(fault.kind, Malformed::LengthEncoding(0x82).into());
        let fault = reader(&[0x80, 1, 2]).length().unwrap_err();
        assert_eq!((fault.offset, fault.position), (3, 1));
        assert_eq!(fault.kind, DamageKind::Truncated { missing: 2 });
        let reserved = [0x81, 255, 255, 255, 255, 255, 255, 255, 255];
        assert_eq!(kind(reader(&reserved).length()), Malformed::ReservedLength.into());
        assert_eq!(reader(&reserved).number(), Ok(u64::MAX));
        assert_eq!(kind(reader(&[]).byte()), DamageKind::Truncated { missing: 1 });
        assert_eq!(kind(reader(&[1]).take(u64::MAX)), DamageKind::Truncated { missing: u64::MAX - 1 });
    }

    #[test]
    fn strings_are_read_in_each_of_their_forms() {
        for (bytes, string) in [
            (&b"\x03abc"[..], &b"abc"[..]),
            (b"\x00", b""),
            (b"\xc0\x80", b"-128"),
            (b"\xc1\xff\x7f", b"32767"),
            (b"\xc2\x00\x00\x00\x80", b"-2147483648"),
            (b"\xc3\x05\x07\x01ab\x60\x01", b"abababa"),
        ] {
            assert_eq!(reader(bytes).string().unwrap().bytes().unwrap(), string);
        }
        assert_eq!(kind(reader(b"\xc4").string()), Malformed::StringEncoding(4).into());
        assert_eq!(kind(reader(b"\x05abc").string()), DamageKind::Truncated { missing: 2 });
    }

    /// Verifies and decompresses, which must agree.
    fn decompress(compressed: &[u8], claimed: u64) -> Result<Vec<u8>, LzfFault> {
        let mut output = b"left over".to_vec();
        let result = lzf_decompress(compressed, claimed, &mut output);
        assert_eq!(result, lzf_verify(compressed, claimed));
        result.map(|()| output)
    }

    #[test]
    fn lzf_gives_literals_and_copies_that_overlap_or_not() {
        assert_eq!(decompress(b"\x02abc", 3).unwrap(), b"abc");
        assert_eq!(decompress(b"\x02abc\x20\x02", 6).unwrap(), b"abcabc");
        assert_eq!(decompress(b"\x00a\xe0\x05\x00", 15).unwrap(), b"aaaaaaaaaaaaaaa");
        assert_eq!(decompress(b"\x01ab\x60\x01\x00c", 8).unwrap(), b"abababac");
        // The servers' decompressor returns 0 when it fails, which is the claimed length.
        assert_eq!(decompress(b"\xff", 0).unwrap(), b"");
    }

    #[test]
    fn lzf_that_lies_is_found() {
        assert_eq!(decompress(b"\x05ab", 6), Err(LzfFault::Ends));
        assert_eq!(decompress(b"\x00a\x20", 4), Err(LzfFault::Ends));
        assert_eq!(decompress(b"\x00a\xe0\x05", 16), Err(LzfFault::Ends));
        assert_eq!(decompress(b"\x00a\x20\x01", 4), Err(LzfFault::Reference));
        assert_eq!(decompress(b"\x20\x00", 3), Err(LzfFault::Reference));
        assert_eq!(decompress(b"\x02abc", 2), Err(LzfFault::TooLong(2)));
        assert_eq!(decompress(b"\x02abc", 4), Err(LzfFault::TooShort { claimed: 4, actual: 3 }));
        assert_eq!(decompress(b"", 1), Err(LzfFault::TooShort { claimed: 1, actual: 0 }));
        assert_eq!(decompress(b"\x00a\xe0\xff\x00", 200), Err(LzfFault::TooLong(200)));
    }

    #[test]
    fn a_claimed_length_allocates_nothing() {
        let mut output = Vec::new();
        assert!(lzf_decompress(b"\x00a", u64::MAX, &mut output).is_err());
        assert!(output.capacity() < 1000);
    }

    #[test]
    fn ascii_scores_are_what_scanf_takes() {
        for text in ["1", "-1.5", "+.5", "5.", "1e300", "1e+5", "inf", "-INFINITY", "nan", " 7", "3x", "0x1p3", "0xA"] {
            assert!(scans_as_double(text.as_bytes()), "{text}");
        }
        for text in ["", "-", ".", "e5", "one", "1e", "1e+", "1ex", "0x", "0x.", "--1"] {
            assert!(!scans_as_double(text.as_bytes()), "{text}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_compressed_bytes_end_alike_in_both_ways(
            compressed in proptest::collection::vec(any::<u8>(), 0..60),
            claimed in 0_u64..3000,
        ) {
            if let Ok(output) = decompress(&compressed, claimed) {
                prop_assert_eq!(output.len() as u64, claimed);
            }
        }

        #[test]
        fn arbitrary_strings_never_read_past_the_end(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let mut reader = Reader::new(&bytes, 0);
            while let Ok(string) = reader.string() {
                prop_assert!(string.bytes().is_ok());
            }
            prop_assert!(reader.position() <= bytes.len());
        }
    }
}
