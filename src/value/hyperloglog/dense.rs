//! Registers of six bits, packed from the low bits of each byte up.

use super::HEADER;

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
