//! Random damage.

use super::random::Random;

/// An RDB with one random damage, and with its checksum disabled so that the structure decides.
pub(crate) fn damaged_rdb(bytes: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let body = bytes.len() - 9;
    let at = 9 + random.below(body - 9);
    match random.below(10) {
        0 => drop(bytes.remove(at)),
        1 => bytes.insert(at, random.below(u8::MAX)),
        2 => {
            let last = bytes.len() - 8;
            bytes[at] = random.below(u8::MAX);
            bytes.truncate(last - random.below(last - 9));
            return bytes;
        }
        3 => bytes[at] = [0, 0xff, 0xfe, 0x80, 0x81, 0xc3, 0x7f][random.below(7)],
        4 => {
            let other = 9 + random.below(body - 9);
            bytes.swap(at, other);
        }
        _ => bytes[at] ^= 1 << random.below(8),
    }
    let last = bytes.len() - 8;
    bytes[last..].fill(0);
    bytes
}
