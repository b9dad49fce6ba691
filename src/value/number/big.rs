//! Whole numbers of any size: as much of them as conversions between decimal and binary need.

use std::cmp::Ordering;

/// A whole number, in words of 64 bits, the lowest first and the highest above zero.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Big(Vec<u64>);

/// The largest power of ten in a word, and its exponent.
const CHUNK: (u64, u32) = (10_000_000_000_000_000_000, 19);

impl From<u64> for Big {
    fn from(number: u64) -> Self {
        Self(if number == 0 { Vec::new() } else { vec![number] })
    }
}

impl Big {
    pub(super) fn multiply_and_add(&mut self, factor: u64, summand: u64) {
        let mut carry = summand;
        for word in &mut self.0 {
            let product = u128::from(*word) * u128::from(factor) + u128::from(carry);
            (*word, carry) = halves(product);
        }
        if carry > 0 {
            self.0.push(carry);
        }
    }

    pub(super) fn multiply_by_power_of_ten(&mut self, exponent: u32) {
        for _ in 0..exponent / CHUNK.1 {
            self.multiply_and_add(CHUNK.0, 0);
        }
        self.multiply_and_add(10_u64.pow(exponent % CHUNK.1), 0);
    }

    /// How many bits it takes.
    pub(super) fn bits(&self) -> u32 {
        let words = u32::try_from(self.0.len()).unwrap_or(u32::MAX);
        self.0.last().map_or(0, |highest| words.saturating_mul(64) - highest.leading_zeros())
    }

    pub(super) fn shift_left(&mut self, bits: u32) {
        if self.0.is_empty() {
            return;
        }
        if !bits.is_multiple_of(64) {
            self.multiply_and_add(1 << (bits % 64), 0);
        }
        self.0.splice(..0, std::iter::repeat_n(0, (bits / 64) as usize));
    }

    /// Takes away what is not larger.
    pub(super) fn subtract(&mut self, other: &Self) {
        let mut borrow = false;
        for (index, word) in self.0.iter_mut().enumerate() {
            let subtrahend = other.0.get(index).copied().unwrap_or(0);
            let (less, first) = word.overflowing_sub(subtrahend);
            let (less, second) = less.overflowing_sub(u64::from(borrow));
            (*word, borrow) = (less, first || second);
        }
        while self.0.last() == Some(&0) {
            self.0.pop();
        }
    }

    /// Divides, and returns the remainder.
    fn divide(&mut self, divisor: u64) -> u64 {
        let mut rest = 0_u64;
        for word in self.0.iter_mut().rev() {
            let dividend = u128::from(rest) << 64 | u128::from(*word);
            (*word, _) = halves(dividend / u128::from(divisor));
            (rest, _) = halves(dividend % u128::from(divisor));
        }
        while self.0.last() == Some(&0) {
            self.0.pop();
        }
        rest
    }

    /// The decimal digits.
    pub(super) fn into_decimal(mut self) -> Vec<u8> {
        let mut chunks = Vec::new();
        while !self.0.is_empty() {
            chunks.push(self.divide(CHUNK.0));
        }
        let mut digits = chunks.pop().unwrap_or(0).to_string().into_bytes();
        for chunk in chunks.iter().rev() {
            digits.extend(format!("{chunk:019}").into_bytes());
        }
        digits
    }
}

/// The lower and the upper half.
#[expect(clippy::cast_possible_truncation, reason = "each half is what is wanted")]
const fn halves(number: u128) -> (u64, u64) {
    (number as u64, (number >> 64) as u64)
}

impl PartialOrd for Big {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Big {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.len().cmp(&other.0.len()).then_with(|| self.0.iter().rev().cmp(other.0.iter().rev()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(number: u128) -> Big {
        let (low, high) = halves(number);
        let mut big = Big::from(high);
        big.shift_left(64);
        big.multiply_and_add(1, 0);
        // Nothing carries: the lowest word is zero.
        match big.0.first_mut() {
            Some(first) => *first = low,
            None => big = Big::from(low),
        }
        big
    }

    proptest! {
        #[test]
        fn big_numbers_are_numbers(one in any::<u128>(), other in any::<u128>(), shift in 0..64_u32) {
            let (small, large) = (one.min(other) >> shift, one.max(other));
            prop_assert_eq!(of(small).cmp(&of(large)), small.cmp(&large));
            prop_assert_eq!(of(small).into_decimal(), small.to_string().into_bytes());
            prop_assert_eq!(of(small).bits(), 128 - small.leading_zeros());
            let mut difference = of(large);
            difference.subtract(&of(small));
            prop_assert_eq!(difference, of(large - small));
            let mut shifted = of(small);
            shifted.shift_left(shift);
            prop_assert_eq!(shifted, of(small << shift));
        }
    }

    #[test]
    fn powers_of_ten_have_their_zeros() {
        for exponent in [0, 1, 18, 19, 20, 38, 500] {
            let mut power = Big::from(7);
            power.multiply_by_power_of_ten(exponent);
            assert_eq!(power.into_decimal(), format!("7{}", "0".repeat(exponent as usize)).into_bytes());
        }
    }
}
