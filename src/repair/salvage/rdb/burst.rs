//! Where a small error is, from what it does to the checksum.
//!
//! The CRC is linear: the computed checksum xor the stored one is the checksum of the error alone, which is zero
//! everywhere else. Taking one zero byte after the other off its end gives the error once its place is reached.

/// The polynomial of Redis (`crc64.c`, Jones), reflected.
const POLYNOMIAL: u64 = 0x95ac_9329_ac4b_c9b5;
/// The longest error that is looked for, in bits. There are 2^18 of these at a byte, so that in a file of 1 GiB an
/// unrelated checksum gives one with a probability of 2^-16.
const LONGEST: u32 = 16;
/// The number of bytes that such an error may be in.
const SPAN: usize = 3;

/// An error of a few bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Burst {
    /// The offset of the first wrong byte.
    pub(super) offset: usize,
    /// What it and those after it have to be xored with.
    pub(super) flips: [u8; SPAN],
}

impl Burst {
    /// The offset after the last wrong byte.
    pub(super) fn end(&self) -> usize {
        let last = self.flips.iter().rposition(|flip| *flip != 0);
        self.offset + last.map_or(0, |last| last + 1)
    }

    /// The bytes as they must have been, of a copy of the file that begins at `start`.
    pub(super) fn mend(&self, copy: &mut [u8], start: usize) {
        let wrong = copy.iter_mut().skip(self.offset.saturating_sub(start));
        for (byte, flip) in wrong.zip(self.flips) {
            *byte ^= flip;
        }
    }
}

/// The checksum of each byte, and the byte for the highest byte of each of these.
pub(super) struct Tables {
    pub(super) forward: [u64; 256],
    pub(super) backward: [u8; 256],
}

#[expect(clippy::indexing_slicing, clippy::cast_possible_truncation, reason = "evaluated while this is compiled")]
const fn tables() -> Tables {
    let mut tables = Tables { forward: [0; 256], backward: [0; 256] };
    let mut byte = 0_usize;
    while byte < 256 {
        let mut crc = byte as u64;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ POLYNOMIAL } else { crc >> 1 };
            bit += 1;
        }
        tables.forward[byte] = crc;
        tables.backward[(crc >> 56) as usize] = byte as u8;
        byte += 1;
    }
    tables
}

pub(super) static TABLES: Tables = tables();

/// The only error of at most 16 bits in the `length` bytes before a checksum that changes it by `syndrome`; `None` if
/// there is none, or more than one.
pub(super) fn locate(syndrome: u64, length: usize) -> Option<Burst> {
    let Tables { forward, backward } = &TABLES;
    let mut found = None;
    let mut state = syndrome;
    for offset in (0..length).rev() {
        let byte = *backward.get(usize::from(state.to_be_bytes()[0]))?;
        state = (state ^ forward.get(usize::from(byte))?) << 8 | u64::from(byte);
        // Few states pass the first test, so that the others cost nothing.
        if state >> (8 * SPAN) == 0 && byte != 0 && state >> state.trailing_zeros() < 1 << LONGEST {
            let [first, second, third, ..] = state.to_le_bytes();
            let burst = Burst { offset, flips: [first, second, third] };
            if burst.end() <= length && found.replace(burst).is_some() {
                return None;
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rdb::Crc64;
    use crate::testing::random::Random;

    #[test]
    fn every_bit_and_burst_is_found_where_it_is() {
        let mut random = Random(3);
        let bytes: Vec<u8> = (0..5000).map(|_| random.below(u8::MAX)).collect();
        let right = Crc64::of(&bytes);
        for round in 0..500 {
            let offset = random.below(bytes.len() - SPAN);
            let bits = if round % 2 == 0 { 1 } else { 1 + random.below(1_u32 << LONGEST) };
            let [first, second, third, _] = (bits << random.below(8)).to_le_bytes();
            let mut wrong = bytes.clone();
            let flips = [first, second, third];
            wrong[offset..offset + SPAN].iter_mut().zip(flips).for_each(|(byte, flip)| *byte ^= flip);
            let burst = locate(Crc64::of(&wrong) ^ right, wrong.len()).unwrap_or_else(|| panic!("{flips:?}"));
            assert!(burst.offset >= offset && burst.end() <= offset + SPAN);
            burst.mend(&mut wrong, 0);
            assert_eq!(wrong, bytes);
            // The copy may begin anywhere before it.
            burst.mend(&mut wrong, 0);
            let start = burst.offset - burst.offset.min(7);
            burst.mend(&mut wrong[start..], start);
            assert_eq!(wrong, bytes);
        }
    }

    #[test]
    fn what_is_no_small_error_is_found_nowhere() {
        let mut random = Random(4);
        for _ in 0..50 {
            assert_eq!(locate(random.next() | 1 << 63, 3000), None);
        }
    }
}
