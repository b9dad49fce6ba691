//! `HyperLogLog`s: estimates of how many different elements there are, in strings that are the servers' byte for byte.
//!
//! ```text
//! "HYLL"  encoding (1 byte: 0 dense, 1 sparse)  3 unused  cached estimate (8 bytes, its top bit set: stale)  registers
//! ```
//!
//! There are 16384 registers of 6 bits. Dense, they are packed from the low bits of each byte up; sparse, they are
//! runs: see `sparse.rs`.

mod dense;
mod estimate;
mod hash;
mod sparse;

use hash::place_of;

/// How many registers there are.
pub const REGISTERS: usize = 16_384;
const HEADER: usize = 16;
const DENSE_LENGTH: usize = HEADER + REGISTERS * 6 / 8;
/// The bytes of the cached estimate, and the one whose top bit says that it is stale.
const CACHE: std::ops::Range<usize> = 8..16;
const STALE_BYTE: usize = 15;
const STALE: u8 = 0x80;

/// The runs do not cover the registers. Servers: "INVALIDOBJ Corrupted HLL object detected".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Corrupted;

/// How the registers are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Six bits each.
    Dense,
    /// In runs.
    Sparse,
}

/// How a string keeps its registers; `None` if servers do not take it for a `HyperLogLog`.
pub fn encoding(bytes: &[u8]) -> Option<Encoding> {
    match bytes {
        [b'H', b'Y', b'L', b'L', 0, ..] if bytes.len() == DENSE_LENGTH => Some(Encoding::Dense),
        [b'H', b'Y', b'L', b'L', 1, ..] if bytes.len() >= HEADER => Some(Encoding::Sparse),
        _ => None,
    }
}

/// One without elements.
pub fn empty() -> Vec<u8> {
    let mut bytes = b"HYLL\x01".to_vec();
    bytes.resize(HEADER, 0);
    sparse::push_zeros(&mut bytes, REGISTERS);
    bytes
}

fn is_dense(bytes: &[u8]) -> bool {
    bytes.get(4) == Some(&0)
}

/// Adds an element, and says whether that changed a register. A sparse string that grows too long becomes dense.
///
/// # Errors
/// [`Corrupted`]: nothing was changed.
pub fn add(bytes: &mut Vec<u8>, element: &[u8]) -> Result<bool, Corrupted> {
    let (index, count) = place_of(element);
    raise(bytes, index, count)
}

/// Raises a register to a count, unless it is there already, and says whether it was not.
///
/// # Errors
/// [`Corrupted`]: nothing was changed.
pub fn raise(bytes: &mut Vec<u8>, index: usize, count: u8) -> Result<bool, Corrupted> {
    if is_dense(bytes) {
        return Ok(dense::raise(bytes, index, count));
    }
    match sparse::raise(bytes, index, count)? {
        sparse::Raised::AsItWas => Ok(false),
        sparse::Raised::Changed => {
            invalidate(bytes);
            Ok(true)
        }
        sparse::Raised::TooLong => {
            to_dense(bytes)?;
            Ok(dense::raise(bytes, index, count))
        }
    }
}

/// Makes a string dense, if it is not.
///
/// # Errors
/// [`Corrupted`]: nothing was changed.
pub fn to_dense(bytes: &mut Vec<u8>) -> Result<(), Corrupted> {
    if is_dense(bytes) {
        return Ok(());
    }
    let mut wide = vec![0; DENSE_LENGTH];
    if let (Some(header), Some(old)) = (wide.get_mut(..HEADER), bytes.get(..HEADER)) {
        header.copy_from_slice(old);
    }
    if let Some(encoding) = wide.get_mut(4) {
        *encoding = 0;
    }
    sparse::each_value(bytes, |index, count| dense::set(&mut wide, index, count))?;
    *bytes = wide;
    Ok(())
}

/// Raises each of `counts` to that of the string's register.
///
/// # Errors
/// [`Corrupted`]: some of them may have been raised.
pub fn merge(counts: &mut [u8; REGISTERS], bytes: &[u8]) -> Result<(), Corrupted> {
    if is_dense(bytes) {
        dense::merge(counts, bytes);
        return Ok(());
    }
    sparse::each_value(bytes, |index, value| {
        if let Some(count) = counts.get_mut(index) {
            *count = (*count).max(value);
        }
    })
}

/// Raises each register to its count; all `counts` must be at least that of the string's register.
///
/// # Errors
/// [`Corrupted`]: some of them may have been raised.
pub fn raise_all(bytes: &mut Vec<u8>, counts: &[u8; REGISTERS]) -> Result<(), Corrupted> {
    for (index, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
        if is_dense(bytes) {
            dense::write(bytes, counts);
            break;
        }
        raise(bytes, index, *count)?;
    }
    Ok(())
}

/// Marks the cached estimate as stale. The rest of it stays as it is.
pub fn invalidate(bytes: &mut [u8]) {
    if let Some(byte) = bytes.get_mut(STALE_BYTE) {
        *byte |= STALE;
    }
}

/// Whether the cached estimate still holds.
pub fn is_cached(bytes: &[u8]) -> bool {
    bytes.get(STALE_BYTE).is_some_and(|byte| byte & STALE == 0)
}

/// Estimates how many elements were added, and caches it.
///
/// # Errors
/// [`Corrupted`]: nothing was changed.
pub fn cache_estimate(bytes: &mut [u8]) -> Result<(), Corrupted> {
    let mut histogram = [0_u32; 64];
    let mut note = |count: u8, times: u32| {
        if let Some(number) = histogram.get_mut(usize::from(count)) {
            *number += times;
        }
    };
    if is_dense(bytes) {
        dense::each(bytes, |count| note(count, 1));
    } else {
        sparse::each_run(bytes, note)?;
    }
    if let Some(cache) = bytes.get_mut(CACHE) {
        cache.copy_from_slice(&estimate::estimate(&histogram).to_le_bytes());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The counts of all registers.
    fn counts(bytes: &[u8]) -> Vec<u8> {
        let mut counts = [0; REGISTERS];
        merge(&mut counts, bytes).unwrap();
        counts.to_vec()
    }

    proptest! {
        #![proptest_config(crate::testing::cases(40))]
        #[test]
        fn sparse_and_dense_count_alike(
            numbers in prop::collection::vec((any::<u16>(), 1..52_u8), 0..1500), near in any::<bool>(),
        ) {
            let (mut sparse, mut wide) = (empty(), empty());
            to_dense(&mut wide).unwrap();
            for (number, count) in numbers {
                let index = usize::from(number) % if near { 40 } else { REGISTERS };
                let count = if near { count.min(3) } else { count.min(30) };
                prop_assert_eq!(raise(&mut sparse, index, count), raise(&mut wide, index, count));
            }
            prop_assert!(encoding(&sparse).is_some());
            prop_assert_eq!(counts(&sparse), counts(&wide));
            cache_estimate(&mut sparse).unwrap();
            cache_estimate(&mut wide).unwrap();
            prop_assert_eq!(&sparse[CACHE], &wide[CACHE]);
            to_dense(&mut sparse).unwrap();
            prop_assert_eq!(&sparse, &wide);
            let (mut all, mut written) = (Box::new([0; REGISTERS]), empty());
            merge(&mut all, &wide).unwrap();
            prop_assert!((0..REGISTERS).all(|index| all[index] == dense::get(&wide, index)));
            to_dense(&mut written).unwrap();
            raise_all(&mut written, &all).unwrap();
            prop_assert_eq!(&written[HEADER..], &wide[HEADER..]);
        }

        #[test]
        fn arbitrary_runs_neither_panic_nor_grow(
            runs in prop::collection::vec(any::<u8>(), 0..50),
            index in 0..REGISTERS,
        ) {
            let mut bytes = empty();
            bytes.truncate(HEADER);
            bytes.extend(runs);
            let before = bytes.clone();
            if raise(&mut bytes, index, 7) == Err(Corrupted) {
                prop_assert_eq!(&bytes, &before);
            }
            let _ = cache_estimate(&mut bytes);
            let _ = to_dense(&mut bytes);
        }
    }

    #[test]
    fn counts_beyond_32_and_strings_beyond_3000_bytes_become_dense() {
        let mut bytes = empty();
        assert_eq!(raise(&mut bytes, 5, 32), Ok(true));
        assert_eq!(encoding(&bytes), Some(Encoding::Sparse));
        assert_eq!(raise(&mut bytes, 6, 33), Ok(true));
        assert_eq!(encoding(&bytes), Some(Encoding::Dense));
        assert_eq!((dense::get(&bytes, 5), dense::get(&bytes, 6)), (32, 33));

        let mut bytes = empty();
        let mut longest = 0;
        for index in 0..REGISTERS / 2 {
            raise(&mut bytes, index * 2, 1).unwrap();
            if encoding(&bytes) == Some(Encoding::Sparse) {
                longest = bytes.len();
            }
        }
        assert_eq!((longest, bytes.len()), (2999, DENSE_LENGTH));
    }

    #[test]
    fn only_what_looks_like_one_is_one() {
        assert_eq!(encoding(b""), None);
        assert_eq!(encoding(b"HYLL\x02\0\0\0\0\0\0\0\0\0\0\0"), None);
        assert_eq!(encoding(b"HYLL\x01\0\0\0\0\0\0\0\0\0\0"), None);
        assert_eq!(encoding(b"HYLL\x01\0\0\0\0\0\0\0\0\0\0\0"), Some(Encoding::Sparse));
        assert_eq!(encoding(b"HYLL\x00\0\0\0\0\0\0\0\0\0\0\0"), None);
        assert_eq!(cache_estimate(&mut b"HYLL\x01\0\0\0\0\0\0\0\0\0\0\0".to_vec()), Err(Corrupted));
    }
}
