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

/// The number of registers that are packed into a whole number of words.
const GROUP: usize = 16;
const GROUP_BYTES: usize = GROUP * BITS / 8;

/// Raises each of `counts` to its register.
///
/// Sixteen at a time, in operations on whole words that compilers turn into vector instructions: register by
/// register, this and [`write()`] took four times as long.
pub(super) fn merge(counts: &mut [u8; REGISTERS], bytes: &[u8]) {
    let registers = bytes.get(HEADER..).unwrap_or_default();
    for (counts, packed) in counts.as_chunks_mut::<GROUP>().0.iter_mut().zip(registers.as_chunks::<GROUP_BYTES>().0) {
        for (count, register) in counts.iter_mut().zip(unpack(packed)) {
            *count = (*count).max(register);
        }
    }
}

/// Sets every register to its count.
pub(super) fn write(bytes: &mut [u8], counts: &[u8; REGISTERS]) {
    let registers = bytes.get_mut(HEADER..).unwrap_or_default();
    for (counts, packed) in counts.as_chunks::<GROUP>().0.iter().zip(registers.as_chunks_mut::<GROUP_BYTES>().0) {
        *packed = pack(counts);
    }
}

/// Calls back with every register's count, in their order.
pub(super) fn each(bytes: &[u8], mut visit: impl FnMut(u8)) {
    let registers = bytes.get(HEADER..).unwrap_or_default();
    registers.as_chunks::<GROUP_BYTES>().0.iter().flat_map(unpack).for_each(&mut visit);
}

/// One byte for each of four registers, from their 24 bits.
const fn spread(bits: u32) -> u32 {
    bits & 0x3f | (bits & 0xfc0) << 2 | (bits & 0x3_f000) << 4 | (bits & 0xfc_0000) << 6
}

/// The 24 bits of four registers, from one byte for each.
const fn join(bytes: u32) -> u32 {
    bytes & 0x3f | bytes >> 2 & 0xfc0 | bytes >> 4 & 0x3_f000 | bytes >> 6 & 0xfc_0000
}

fn unpack(packed: &[u8; GROUP_BYTES]) -> [u8; GROUP] {
    let mut words = [0; 3];
    for (word, bytes) in words.iter_mut().zip(packed.as_chunks().0) {
        *word = u32::from_le_bytes(*bytes);
    }
    let [one, two, three] = words;
    let mut counts = [0; GROUP];
    let fours = [one, one >> 24 | two << 8, two >> 16 | three << 16, three >> 8].map(spread);
    for (bytes, four) in counts.as_chunks_mut().0.iter_mut().zip(fours) {
        *bytes = four.to_le_bytes();
    }
    counts
}

fn pack(counts: &[u8; GROUP]) -> [u8; GROUP_BYTES] {
    let mut fours = [0; 4];
    for (four, bytes) in fours.iter_mut().zip(counts.as_chunks().0) {
        *four = join(u32::from_le_bytes(*bytes));
    }
    let [one, two, three, four] = fours;
    let mut packed = [0; GROUP_BYTES];
    let words = [one | two << 24, two >> 8 | three << 16, three >> 16 | four << 8];
    for (bytes, word) in packed.as_chunks_mut().0.iter_mut().zip(words) {
        *bytes = word.to_le_bytes();
    }
    packed
}
