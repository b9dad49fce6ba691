//! From a name to its row, fast: this runs once for each record of a log.

use std::sync::LazyLock;

use super::GROUPS;
use super::row::Command;

/// Names are compared as this many words of eight bytes, padded with zeros.
const WORDS: usize = 3;
/// No name is longer.
const LONGEST: usize = WORDS * 8;
/// Some three times as many slots as commands, so that a probe nearly always ends at the first.
const SLOT_BITS: u32 = 10;
const SLOTS: usize = 1 << SLOT_BITS;

/// A name in lower case. The length tells padding from zeros in a name.
type Folded = ([u64; WORDS], usize);

#[derive(Clone, Copy)]
struct Slot {
    name: Folded,
    command: &'static Command,
}

static TABLE: LazyLock<[Option<Slot>; SLOTS]> = LazyLock::new(|| {
    let mut table = [None; SLOTS];
    for command in GROUPS.iter().copied().flatten() {
        let Some(name) = fold(command.name.as_bytes()) else { continue };
        let home = home(&name);
        let (before, after) = table.split_at_mut(home);
        if let Some(free) = after.iter_mut().chain(before).find(|slot| slot.is_none()) {
            *free = Some(Slot { name, command });
        }
    }
    table
});

/// The row of a command by its name alone, in any letter case; `None` for what no server knows.
///
/// A subcommand has no name of its own: `xgroup|create` finds nothing, `xgroup` its container.
pub fn lookup(name: &[u8]) -> Option<&'static Command> {
    let name = fold(name)?;
    let table = &*TABLE;
    let mut index = home(&name);
    // The table has free slots, so that every chain of full ones ends.
    while let Some(slot) = table.get(index).and_then(Option::as_ref) {
        if slot.name == name {
            return Some(slot.command);
        }
        index = (index + 1) % SLOTS;
    }
    None
}

fn home((words, _): &Folded) -> usize {
    let mixed =
        words.iter().fold(0_u64, |mixed, word| (mixed.rotate_left(23) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    // The upper bits are the well mixed ones, and there are fewer than 64 of them.
    usize::try_from(mixed >> (u64::BITS - SLOT_BITS)).unwrap_or(0)
}

fn fold(name: &[u8]) -> Option<Folded> {
    if name.len() > LONGEST {
        return None;
    }
    let mut words = [0; WORDS];
    let mut rest = name;
    for word in &mut words {
        let Some((chunk, behind)) = rest.split_first_chunk() else {
            *word = lower(short_word(rest));
            break;
        };
        *word = lower(u64::from_le_bytes(*chunk));
        rest = behind;
    }
    Some((words, name.len()))
}

/// Fewer than eight bytes, the first lowest. Two loads that may overlap: a byte that both hold is the same in both.
fn short_word(bytes: &[u8]) -> u64 {
    if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
        let shift = bytes.len().saturating_sub(4) * 8;
        return u64::from(u32::from_le_bytes(*first)) | u64::from(u32::from_le_bytes(*last)) << shift;
    }
    bytes.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte))
}

/// Turns `A` to `Z` into `a` to `z` in eight bytes at once, and leaves every other byte alone.
fn lower(word: u64) -> u64 {
    const EACH: u64 = 0x0101_0101_0101_0101;
    const TOP: u64 = 0x80 * EACH;
    let seven_bits = word & !TOP;
    // Either sum carries into a byte's top bit, and no further.
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
