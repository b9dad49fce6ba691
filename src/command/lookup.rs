//! The lookup of a row by name. It runs once for each record of a log.

use std::sync::LazyLock;

use super::GROUPS;
use super::row::Command;

/// The maximum length of a name: three words of eight bytes.
const LONGEST: usize = 24;
/// About three times as many slots as commands, so that a probe nearly always ends at the first.
const SLOT_BITS: u32 = 10;
const SLOTS: usize = 1 << SLOT_BITS;

/// A name of up to 24 bytes in lower case. The words of a longer name overlap, and a short name is padded with zeros.
/// The length makes both unambiguous.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Folded {
    first: u64,
    second: u64,
    third: u64,
    length: usize,
}

#[derive(Clone, Copy)]
struct Slot {
    name: Folded,
    command: &'static Command,
}

static TABLE: LazyLock<[Option<Slot>; SLOTS]> = LazyLock::new(|| {
    let mut table = [None; SLOTS];
    for command in GROUPS.iter().copied().flatten() {
        let Some(name) = Folded::new(command.name.as_bytes()) else { continue };
        let (before, after) = table.split_at_mut(name.home());
        if let Some(free) = after.iter_mut().chain(before).find(|slot| slot.is_none()) {
            *free = Some(Slot { name, command });
        }
    }
    table
});

/// The row of a command by its name alone, in any letter case; `None` if no server knows it.
///
/// Subcommands are not found: `xgroup|create` finds nothing, `xgroup` the container.
pub fn lookup(name: &[u8]) -> Option<&'static Command> {
    let name = Folded::new(name)?;
    let table = &*TABLE;
    let mut index = name.home();
    // This ends, because the table has free slots.
    while let Some(slot) = table.get(index).and_then(Option::as_ref) {
        if slot.name == name {
            return Some(slot.command);
        }
        index = (index + 1) % SLOTS;
    }
    None
}

impl Folded {
    #[inline]
    fn new(name: &[u8]) -> Option<Self> {
        let length = name.len();
        let word = |chunk: Option<&[u8; 8]>| chunk.map_or(0, |chunk| lower(u64::from_le_bytes(*chunk)));
        let (first, second, third) = match length {
            0..=8 => (lower(short_word(name)), 0, 0),
            9..=16 => (word(name.first_chunk()), word(name.last_chunk()), 0),
            17..=LONGEST => {
                let second = name.split_at_checked(8).and_then(|(_, after)| after.first_chunk());
                (word(name.first_chunk()), word(second), word(name.last_chunk()))
            }
            _ => return None,
        };
        Some(Self { first, second, third, length })
    }

    /// The first slot to probe.
    #[inline]
    fn home(&self) -> usize {
        let mixed = self.first ^ self.second.rotate_left(23) ^ self.third.rotate_left(46);
        // The upper bits of the product depend on the whole word.
        let slot = mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (u64::BITS - SLOT_BITS);
        usize::try_from(slot).unwrap_or(0)
    }
}

/// Up to eight bytes, the first lowest. Two loads may overlap: a byte that both hold is the same in both.
#[inline]
fn short_word(bytes: &[u8]) -> u64 {
    match bytes {
        [] => 0,
        [one] => u64::from(*one),
        [one, two] => u64::from(u16::from_le_bytes([*one, *two])),
        [one, two, three] => u64::from(u32::from_le_bytes([*one, *two, *three, 0])),
        _ => match (bytes.first_chunk(), bytes.last_chunk()) {
            (Some(first), Some(last)) => {
                let after = u64::from(u32::from_le_bytes(*last)) << (bytes.len().saturating_sub(4) * 8);
                u64::from(u32::from_le_bytes(*first)) | after
            }
            _ => 0,
        },
    }
}

/// Turns `A` to `Z` into `a` to `z` in eight bytes at once; other bytes stay.
#[inline]
fn lower(word: u64) -> u64 {
    const EACH: u64 = 0x0101_0101_0101_0101;
    const TOP: u64 = 0x80 * EACH;
    let seven_bits = word & !TOP;
    // Each sum carries at most into the top bit of its byte.
    let from_a = seven_bits + (0x80 - 0x41) * EACH;
    let above_z = seven_bits + (0x80 - 0x5b) * EACH;
    let capital = from_a & !above_z & !word & TOP;
    word | capital >> 2
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_command_is_found_in_any_letter_case_and_only_by_its_whole_name() {
        for command in GROUPS.iter().copied().flatten() {
            let name = command.name.as_bytes();
            assert!(name.len() <= LONGEST, "{}", command.name);
            let found = lookup(name).expect(command.name);
            assert!(std::ptr::eq(found, command), "{}", command.name);
            assert!(std::ptr::eq(lookup(&name.to_ascii_uppercase()).expect(command.name), command));
            for other in [[name, b"\0"].concat(), [name, b" "].concat(), [name, b"|"].concat(), [b"\0", name].concat()]
            {
                assert_eq!(lookup(&other), None, "{other:?}");
            }
        }
        for unknown in [&b""[..], b"\0", b"\0\0\0\0\0\0\0\0", b"GET\0", b"xgroup|create", b"ge", b"g", &[b'a'; 4096]] {
            assert_eq!(lookup(unknown), None, "{unknown:?}");
        }
    }

    proptest! {
        #[test]
        fn lookup_agrees_with_a_search_of_the_rows(
            at in 0..GROUPS.iter().map(|group| group.len()).sum::<usize>(),
            flips in any::<u32>(),
            damage in proptest::option::of((0..24_usize, any::<u8>())),
        ) {
            let command = GROUPS.iter().copied().flatten().nth(at).expect("in range");
            let mut name = command.name.as_bytes().to_vec();
            for (position, byte) in name.iter_mut().enumerate() {
                if flips >> (position % 32) & 1 == 1 {
                    byte.make_ascii_uppercase();
                }
            }
            if let Some((position, byte)) = damage {
                let position = position % name.len();
                name[position] = byte;
            }
            let expected =
                GROUPS.iter().copied().flatten().find(|row| name.eq_ignore_ascii_case(row.name.as_bytes()));
            prop_assert_eq!(lookup(&name), expected);
        }

        #[test]
        fn folding_lowers_each_byte_as_ascii(word in any::<[u8; 8]>()) {
            prop_assert_eq!(lower(u64::from_le_bytes(word)).to_le_bytes(), word.map(|byte| byte.to_ascii_lowercase()));
        }
    }
}
