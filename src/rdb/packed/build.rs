//! Writing packed encodings.

use crate::resp::parse_integer;

/// A listpack under construction.
#[derive(Debug, Clone)]
pub struct ListpackBuilder {
    /// The header, whose counts are written at the end, and the entries.
    blob: Vec<u8>,
    count: usize,
}

/// The size of the header: the total and the count.
const LISTPACK_HEADER: usize = 6;
const END: u8 = 0xff;

impl Default for ListpackBuilder {
    fn default() -> Self {
        Self { blob: vec![0; LISTPACK_HEADER], count: 0 }
    }
}

impl ListpackBuilder {
    /// The number of bytes of the listpack so far.
    #[cfg(test)]
    fn len(&self) -> usize {
        self.blob.len() + 1
    }

    /// Whether it has no elements.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Adds a string; as a number if it consists of the digits of one.
    pub fn push(&mut self, element: &[u8]) {
        match parse_integer(element) {
            Some(number) => self.push_integer(number),
            None => self.push_string(element),
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "the ranges say what fits")]
    fn push_string(&mut self, element: &[u8]) {
        let start = self.blob.len();
        match element.len() {
            length @ 0..64 => self.blob.push(0x80 | length as u8),
            length @ 64..4096 => self.blob.extend([0xe0 | (length >> 8) as u8, length as u8]),
            length => {
                self.blob.push(0xf0);
                self.blob.extend((length as u32).to_le_bytes());
            }
        }
        self.blob.extend_from_slice(element);
        self.end_entry(start);
    }

    /// Adds a number.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the ranges say what fits")]
    pub fn push_integer(&mut self, number: i64) {
        let start = self.blob.len();
        let bytes = number.to_le_bytes();
        let (encoding, width) = match number {
            0..128 => (number as u8, 0),
            -0x1000..0x1000 => {
                let [low, high, ..] = bytes;
                self.blob.extend([0xc0 | high & 0x1f, low]);
                return self.end_entry(start);
            }
            -0x8000..0x8000 => (0xf1, 2),
            -0x80_0000..0x80_0000 => (0xf2, 3),
            -0x8000_0000..0x8000_0000 => (0xf3, 4),
            _ => (0xf4, 8),
        };
        self.blob.push(encoding);
        self.blob.extend(bytes.iter().take(width));
        self.end_entry(start);
    }

    /// Ends the entry that began at `start` with its length (the backlen): seven bits per byte, to be read backwards.
    #[expect(clippy::cast_possible_truncation, reason = "seven bits at a time")]
    fn end_entry(&mut self, start: usize) {
        let size = self.blob.len() - start;
        let count = super::listpack::back_size(size);
        for index in (0..count).rev() {
            let bits = (size >> (7 * index)) as u8 & 0x7f;
            self.blob.push(if index + 1 == count { bits } else { bits | 0x80 });
        }
        self.count += 1;
    }

    /// Returns the listpack.
    pub fn finish(mut self) -> Vec<u8> {
        self.blob.push(END);
        let total = u32::try_from(self.blob.len()).unwrap_or(u32::MAX).to_le_bytes();
        let count = u16::try_from(self.count).unwrap_or(u16::MAX).to_le_bytes();
        for (place, byte) in self.blob.iter_mut().zip(total.into_iter().chain(count)) {
            *place = byte;
        }
        self.blob
    }
}

/// The intset of ascending numbers.
pub fn intset(members: &[i64]) -> Vec<u8> {
    let fits = |range: std::ops::RangeInclusive<i64>| members.iter().all(|member| range.contains(member));
    let width = if fits(i16::MIN.into()..=i16::MAX.into()) {
        2
    } else if fits(i32::MIN.into()..=i32::MAX.into()) {
        4
    } else {
        8
    };
    let mut blob = Vec::with_capacity(8 + width * members.len());
    blob.extend(u32::try_from(width).unwrap_or_default().to_le_bytes());
    blob.extend(u32::try_from(members.len()).unwrap_or(u32::MAX).to_le_bytes());
    for member in members {
        blob.extend(member.to_le_bytes().iter().take(width));
    }
    blob
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{Element, Sequence, intset as read_intset, listpack};
    use super::*;

    proptest! {
        #[test]
        fn a_listpack_reads_as_it_was_made(
            numbers in prop::collection::vec(any::<(i64, u8)>(), 0..40),
            lengths in prop::collection::vec(prop_oneof![0..200_usize, 4000..4200_usize, 16_370..16_390_usize], 0..8),
        ) {
            let mut builder = ListpackBuilder::default();
            let numbers: Vec<i64> = numbers.iter().map(|(number, shift)| number >> (shift % 64)).collect();
            for number in &numbers {
                builder.push(number.to_string().as_bytes());
            }
            let strings: Vec<Vec<u8>> = lengths.iter().map(|length| vec![b'x'; *length]).collect();
            for string in &strings {
                builder.push(string);
            }
            let (length, blob) = (builder.len(), builder.finish());
            prop_assert_eq!(length, blob.len());
            prop_assert!(listpack::frame(&blob).is_ok());
            let mut elements = listpack::Elements::new(&blob);
            for number in numbers {
                prop_assert_eq!(elements.next().unwrap().unwrap().1, Element::Integer(number));
            }
            for string in &strings {
                prop_assert_eq!(elements.next().unwrap().unwrap().1, Element::Bytes(string));
            }
            prop_assert_eq!(elements.next(), Ok(None));
            prop_assert!(elements.finish().is_ok());
        }

        #[test]
        fn an_intset_reads_as_it_was_made(
            members in prop::collection::btree_set(any::<i64>(), 1..40),
            shift in 0..64_u32,
        ) {
            let members: std::collections::BTreeSet<i64> = members.into_iter().map(|member| member >> shift).collect();
            let members: Vec<i64> = members.into_iter().collect();
            let blob = intset(&members);
            let read = read_intset::frame(&blob).unwrap();
            prop_assert!(read.ascend().is_ok());
            prop_assert_eq!(read.iter().collect::<Vec<_>>(), members);
        }
    }

    #[test]
    fn an_entry_takes_no_more_bytes_than_it_needs() {
        for (number, size) in [
            (0, 2),
            (127, 2),
            (128, 3),
            (-1, 3),
            (-4096, 3),
            (4095, 3),
            (4096, 4),
            (-32768, 4),
            (32768, 5),
            (8_388_607, 5),
            (8_388_608, 6),
            (i64::from(i32::MIN), 6),
            (1 << 31, 10),
            (i64::MIN, 10),
        ] {
            let mut builder = ListpackBuilder::default();
            builder.push_integer(number);
            assert_eq!(builder.finish().len(), 7 + size, "{number}");
        }
    }
}
