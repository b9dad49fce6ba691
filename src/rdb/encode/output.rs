//! Buffered output with a checksum.

use std::io::{self, Write};

use super::super::primitive::Crc64;
use crate::resp::parse_integer;

/// The number of bytes that are buffered before they are written.
const HELD: usize = 256 * 1024;
/// The maximum length of the digits of a number that is encoded as such.
const LONGEST_NUMBER: usize = 11;

/// Buffered output, with the checksum of all of it.
#[derive(Debug)]
pub(in super::super) struct Output<W> {
    out: W,
    held: Vec<u8>,
    checksum: Crc64,
    /// The number of bytes that were written, without the buffered ones.
    written: u64,
}

impl<W: Write> Output<W> {
    pub(in super::super) fn new(out: W) -> Self {
        Self { out, held: Vec::new(), checksum: Crc64::default(), written: 0 }
    }

    /// The number of bytes so far.
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

    /// Writes a length, in its shortest form.
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

    /// Writes the length of something in memory.
    pub(super) fn count(&mut self, count: usize) -> io::Result<()> {
        self.length(count as u64)
    }

    /// Writes a string; as a number of up to 32 bits if it consists of the digits of one.
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

    /// Writes a string, never as a number.
    pub(super) fn blob(&mut self, blob: &[u8]) -> io::Result<()> {
        self.count(blob.len())?;
        self.bytes(blob)
    }

    /// Writes the checksum, and returns the underlying writer.
    pub(in super::super) fn finish(mut self) -> io::Result<W> {
        self.spill()?;
        self.out.write_all(&self.checksum.value().to_le_bytes())?;
        self.out.flush()?;
        Ok(self.out)
    }
}
