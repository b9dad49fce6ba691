//! Bytes on their way out, with their checksum.

use std::io::{self, Write};

use super::super::primitive::Crc64;
use crate::resp::parse_integer;

/// So many bytes are held back before they are written.
const HELD: usize = 256 * 1024;
/// Strings of up to so many bytes are looked at: they may be numbers.
const LONGEST_NUMBER: usize = 11;

/// What is written: some of it held back, all of it summed.
#[derive(Debug)]
pub(in super::super) struct Output<W> {
    out: W,
    held: Vec<u8>,
    checksum: Crc64,
    /// How many bytes were written before those held back.
    written: u64,
}

impl<W: Write> Output<W> {
    pub(in super::super) fn new(out: W) -> Self {
        Self { out, held: Vec::new(), checksum: Crc64::default(), written: 0 }
    }

    /// How many bytes there are so far.
    pub(super) fn len(&self) -> u64 {
        self.written + self.held.len() as u64
    }

    pub(super) const fn out_mut(&mut self) -> &mut W {
        &mut self.out
    }

    /// Writes what is held back.
    pub(super) fn spill(&mut self) -> io::Result<()> {
        self.checksum.update(&self.held);
        self.out.write_all(&self.held)?;
        self.written += self.held.len() as u64;
        self.held.clear();
        Ok(())
    }

    #[inline]
    pub(in super::super) fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.held.len() + bytes.len() > HELD {
            self.spill()?;
            if bytes.len() > HELD / 2 {
                self.checksum.update(bytes);
                self.out.write_all(bytes)?;
                self.written += bytes.len() as u64;
                return Ok(());
            }
        }
        self.held.extend_from_slice(bytes);
        Ok(())
    }

    #[inline]
    pub(in super::super) fn byte(&mut self, byte: u8) -> io::Result<()> {
        self.bytes(&[byte])
    }

    /// A length, in the shortest of its forms.
    #[expect(clippy::cast_possible_truncation, reason = "the ranges say what fits")]
    pub(super) fn length(&mut self, length: u64) -> io::Result<()> {
        match length {
            0..0x40 => self.byte(length as u8),
            0x40..0x4000 => self.bytes(&[0x40 | (length >> 8) as u8, length as u8]),
            0x4000..=0xffff_ffff => {
                self.byte(0x80)?;
                self.bytes(&(length as u32).to_be_bytes())
            }
            _ => {
                self.byte(0x81)?;
                self.bytes(&length.to_be_bytes())
            }
        }
    }

    /// A length that is that of something in memory.
    pub(super) fn count(&mut self, count: usize) -> io::Result<()> {
        self.length(count as u64)
    }

    /// A string, as a number of up to 32 bits if it is the digits of one.
    #[inline]
    pub(super) fn string(&mut self, string: &[u8]) -> io::Result<()> {
        if string.len() <= LONGEST_NUMBER
            && let Some(number) = parse_integer(string).and_then(|number| i32::try_from(number).ok())
        {
            let bytes = number.to_le_bytes();
            let (encoding, width) = match number {
                -0x80..0x80 => (0xc0, 1),
                -0x8000..0x8000 => (0xc1, 2),
                _ => (0xc2, 4),
            };
            self.byte(encoding)?;
            return self.bytes(bytes.get(..width).unwrap_or_default());
        }
        self.blob(string)
    }

    /// A string that is no number.
    pub(super) fn blob(&mut self, blob: &[u8]) -> io::Result<()> {
        self.count(blob.len())?;
        self.bytes(blob)
    }

    /// Writes the checksum behind everything, and gives back what was written to.
    pub(in super::super) fn finish(mut self) -> io::Result<W> {
        self.spill()?;
        self.out.write_all(&self.checksum.value().to_le_bytes())?;
        self.out.flush()?;
        Ok(self.out)
    }
}
