//! Registers of six bits, packed from the low bits of each byte up.

use super::{HEADER, REGISTERS};

const BITS: usize = 6;
const MASK: u8 = (1 << BITS) - 1;

/// The byte in which a register begins, and how many bits of it come before.
const fn place(index: usize) -> (usize, usize) {
    (HEADER + index * BITS / 8, index * BITS % 8)
}

pub(super) fn get(bytes: &[u8], index: usize) -> u8 {
    let (byte, bit) = place(index);
    let low = bytes.get(byte).map_or(0, |byte| byte >> bit);
    // Only what reaches into the next byte is taken from it.
    let high = if bit + BITS > 8 { bytes.get(byte + 1).map_or(0, |byte| byte << (8 - bit)) } else { 0 };
    (low | high) & MASK
}

pub(super) fn set(bytes: &mut [u8], index: usize, count: u8) {
    let (byte, bit) = place(index);
    if let Some(low) = bytes.get_mut(byte) {
        *low = *low & !(MASK << bit) | count << bit;
    }
    if bit + BITS > 8
        && let Some(high) = bytes.get_mut(byte + 1)
    {
        *high = *high & !(MASK >> (8 - bit)) | count >> (8 - bit);
    }
}

/// Raises a register to a count, and says whether it was lower.
pub(super) fn raise(bytes: &mut [u8], index: usize, count: u8) -> bool {
    let lower = get(bytes, index) < count;
    if lower {
        set(bytes, index, count);
    }
    lower
}

/// Raises each of `counts` to its register, four at a time from three bytes.
pub(super) fn merge(counts: &mut [u8; REGISTERS], bytes: &[u8]) {
    let registers = bytes.get(HEADER..).unwrap_or_default();
    for (four, [one, two, three]) in counts.as_chunks_mut::<4>().0.iter_mut().zip(registers.as_chunks::<3>().0) {
        let packed = [*one, one >> 6 | two << 2, two >> 4 | three << 4, three >> 2];
        for (count, register) in four.iter_mut().zip(packed) {
            *count = (*count).max(register & MASK);
        }
    }
}

/// Sets every register to its count.
pub(super) fn write(bytes: &mut [u8], counts: &[u8; REGISTERS]) {
    let registers = bytes.get_mut(HEADER..).unwrap_or_default();
    for ([one, two, three, four], packed) in counts.as_chunks::<4>().0.iter().zip(registers.as_chunks_mut::<3>().0) {
        *packed = [one | two << 6, two >> 2 | three << 4, three >> 4 | four << 2];
    }
}
