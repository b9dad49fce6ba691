//! Whether two strings are the same, told without a call: keys, fields and members are short, and are compared at every
//! command.

/// Whether two strings are the same.
#[inline]
pub fn is_equal(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len()
        && match one.len() {
            // The first bytes and the last ones, which may overlap.
            8..=16 => ends::<8>(one, other),
            17..=32 => ends::<16>(one, other),
            4..=7 => ends::<4>(one, other),
            _ => one == other,
        }
}

/// Whether the first `N` bytes are the same and the last `N`, of strings that have as many.
#[inline]
fn ends<const N: usize>(one: &[u8], other: &[u8]) -> bool {
    one.first_chunk::<N>() == other.first_chunk() && one.last_chunk::<N>() == other.last_chunk()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_equal_if_every_byte_is() {
        for length in 0..40 {
            let one: Vec<u8> = (0..length).collect();
            assert!(is_equal(&one, &one.clone()));
            assert!(!is_equal(&one, &[&one[..], &[length]].concat()));
            for place in 0..one.len() {
                let mut other = one.clone();
                other[place] ^= 1;
                assert!(!is_equal(&one, &other), "{place} of {length}");
            }
        }
    }
}
