//! Changes of a few bytes, and bytes that do not belong in a file, from what they do to the checksum.
//!
//! The checksum of the bytes before a place is known, and so is the one that there must be after it for the bytes from
//! there on to end in the stored checksum. If bytes were put in between two places, both are the same; if a few are
//! missing or wrong, they follow from the two.

use std::ops::Range;

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use super::burst::{TABLES, Tables};
use crate::rdb::Crc64;
use crate::repair::edit::Edit;

/// The most bytes that are found again. Their places and values are 2^41 for a window of 2^19 bytes, so that an
/// unrelated checksum gives some with a probability of 2^-20.
const MISSING: usize = 3;
/// No more edits are returned: most are the same one in another place.
const EDITS: usize = 4;

/// The edits in a window of `content` after which its checksum is `stored`.
pub(super) fn locate(content: &[u8], stored: u64, window: Range<usize>) -> Vec<Edit> {
    let Some((before, rest)) = content.split_at_checked(window.start.min(window.end)) else { return Vec::new() };
    let Some((inside, after)) = rest.split_at_checked(window.len()) else { return Vec::new() };
    let mut forward = Vec::with_capacity(inside.len() + 1);
    forward.push(Crc64::of(before));
    for byte in inside {
        forward.push(TABLES.add(forward.last().copied().unwrap_or_default(), *byte));
    }
    let places: HashMap<u64, usize, FixedState> =
        forward.iter().enumerate().rev().map(|(place, sum)| (*sum, place)).collect();
    let mut sum = after.iter().rev().fold(stored, |sum, byte| TABLES.take(sum, *byte));
    let mut found = Vec::new();
    for place in (0..=inside.len()).rev() {
        if let Some(start) = places.get(&sum).filter(|start| **start < place) {
            found.push((*start..place, Vec::new()));
        }
        let mut earlier = sum;
        for count in 1..=MISSING {
            earlier = TABLES.take(earlier, 0);
            for start in [Some(place), place.checked_sub(count)].into_iter().flatten() {
                let difference = forward.get(start).map_or(u64::MAX, |sum| sum ^ earlier);
                if difference >> (8 * count) == 0 {
                    found.push((start..place, difference.to_le_bytes().into_iter().take(count).collect()));
                }
            }
        }
        if found.len() >= EDITS {
            break;
        }
        if let Some(byte) = place.checked_sub(1).and_then(|place| inside.get(place)) {
            sum = TABLES.take(sum, *byte);
        }
    }
    let offset = |place: usize| (window.start + place) as u64;
    let edit =
        |(range, inserted): (Range<usize>, Vec<u8>)| Edit { range: offset(range.start)..offset(range.end), inserted };
    found.into_iter().map(edit).collect()
}

impl Tables {
    /// The checksum after one more byte.
    fn add(&self, sum: u64, byte: u8) -> u64 {
        let [low, ..] = sum.to_le_bytes();
        sum >> 8 ^ self.forward.get(usize::from(low ^ byte)).copied().unwrap_or_default()
    }

    /// The checksum before this byte.
    fn take(&self, sum: u64, byte: u8) -> u64 {
        let low = self.backward.get(usize::from(sum.to_be_bytes()[0])).copied().unwrap_or_default();
        (sum ^ self.forward.get(usize::from(low)).copied().unwrap_or_default()) << 8 | u64::from(low ^ byte)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repair::edit::write_edited;
    use crate::testing::random::Random;

    #[test]
    fn a_few_missing_or_wrong_bytes_and_any_that_were_put_in_are_found() {
        let mut random = Random(9);
        let bytes: Vec<u8> = (0..3000).map(|_| random.below(u8::MAX)).collect();
        let right = Crc64::of(&bytes);
        for round in 0..300 {
            let count = 1 + random.below(MISSING);
            let place = 100 + random.below(2000_usize);
            let mut wrong = bytes.clone();
            let noise: Vec<u8> = (0..=random.below(500_usize)).map(|_| random.below(u8::MAX)).collect();
            match round % 3 {
                0 => wrong[place..place + count].iter_mut().for_each(|byte| *byte ^= 1 + random.below(255_u8)),
                1 => drop(wrong.drain(place..place + count)),
                _ => drop(wrong.splice(place..place, noise)),
            }
            let edits = locate(&wrong, right, 50..2700);
            assert!(!edits.is_empty(), "round {round}");
            for edit in edits {
                let mut mended = Vec::new();
                write_edited(&wrong, &[edit], &mut mended).unwrap();
                assert_eq!(mended, bytes, "round {round}");
            }
            assert_eq!(locate(&wrong, right ^ 1 << 40, 50..2700), []);
        }
        assert_eq!(locate(&bytes, right, 2700..4000), [], "past the end");
    }
}
