//! Which register an element belongs to, and what it counts there.

use super::REGISTERS;

/// So many low bits of the hash are the index of the register.
const INDEX_BITS: u32 = REGISTERS.trailing_zeros();
const SEED: u64 = 0xadc8_3b19;

/// The register of an element, and one more than the number of zeros that its hash has after the index.
pub(super) fn place_of(element: &[u8]) -> (usize, u8) {
    let hash = murmur_hash_64a(element);
    let index = usize::try_from(hash % REGISTERS as u64).unwrap_or(0);
    // At most 50: the bits that are shifted in count as one, then as none.
    let zeros = (hash >> INDEX_BITS | 1 << (u64::BITS - INDEX_BITS)).trailing_zeros();
    (index, u8::try_from(zeros + 1).unwrap_or(u8::MAX))
}

/// Austin Appleby's `MurmurHash64A`, little-endian.
fn murmur_hash_64a(bytes: &[u8]) -> u64 {
    const FACTOR: u64 = 0xc6a4_a793_5bd1_e995;
    const SHIFT: u32 = 47;
    let mut hash = SEED ^ (bytes.len() as u64).wrapping_mul(FACTOR);
    let (words, rest) = bytes.as_chunks();
    for word in words {
        let mut word = u64::from_le_bytes(*word).wrapping_mul(FACTOR);
        word ^= word >> SHIFT;
        hash = (hash ^ word.wrapping_mul(FACTOR)).wrapping_mul(FACTOR);
    }
    if !rest.is_empty() {
        let word = rest.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
        hash = (hash ^ word).wrapping_mul(FACTOR);
    }
    hash ^= hash >> SHIFT;
    hash = hash.wrapping_mul(FACTOR);
    hash ^ hash >> SHIFT
}
