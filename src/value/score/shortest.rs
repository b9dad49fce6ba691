//! The few digits that identify a double: Grisu2, after Florian Loitsch, "Printing Floating-Point Numbers Quickly and
//! Accurately with Integers" (2010).
//!
//! It does not always find the shortest ones. Servers print what it finds, so the steps are theirs (`fpconv`), one by
//! one.

use super::powers::{FIRST, POWERS, STEP, exponent_of};

/// Decimal digits, and the power of ten that the last one counts.
#[derive(Debug)]
pub(super) struct Digits {
    bytes: [u8; 20],
    length: usize,
    pub(super) power: i32,
}

/// A number as 64 bits and a power of two.
#[derive(Clone, Copy)]
struct Float {
    bits: u64,
    exponent: i32,
}

impl Float {
    /// The same with the highest bit set.
    const fn normalized(self) -> Self {
        let zeros = self.bits.leading_zeros();
        Self { bits: self.bits << zeros, exponent: self.exponent - zeros.cast_signed() }
    }

    /// The product's upper 64 bits, rounded.
    fn times(self, other: Self) -> Self {
        let product = u128::from(self.bits) * u128::from(other.bits) + (1 << 63);
        Self { bits: u64::try_from(product >> 64).unwrap_or(u64::MAX), exponent: self.exponent + other.exponent + 64 }
    }
}

const HIDDEN_BIT: u64 = 1 << 52;

impl Digits {
    /// The digits of a positive, finite double.
    pub(super) fn of(value: f64) -> Self {
        let fraction = value.to_bits() & (HIDDEN_BIT - 1);
        let exponent = i32::try_from(value.to_bits() >> 52 & 0x7ff).unwrap_or_default();
        let value = match exponent {
            0 => Float { bits: fraction, exponent: -1074 },
            _ => Float { bits: fraction | HIDDEN_BIT, exponent: exponent - 1075 },
        };
        // Half way to the neighbours, which is nearer below a power of two.
        let upper = Float { bits: (value.bits << 1) + 1, exponent: value.exponent - 1 }.normalized();
        let shift = if value.bits == HIDDEN_BIT { 2 } else { 1 };
        let lower = Float { bits: (value.bits << shift) - 1, exponent: value.exponent - shift };
        let lower =
            Float { bits: lower.bits << (lower.exponent - upper.exponent).clamp(0, 63), exponent: upper.exponent };

        let (power, scale) = power_for(upper.exponent);
        let upper = upper.times(scale);
        let lower = lower.times(scale);
        let value = value.normalized().times(scale);
        // The products may be off by one: stay within.
        let (upper, lower) = (Float { bits: upper.bits - 1, ..upper }, lower.bits + 1);
        let mut digits = Self { bytes: [0; 20], length: 0, power: -power };
        digits.generate(upper, upper.bits.wrapping_sub(lower), upper.bits.wrapping_sub(value.bits));
        digits
    }

    /// The fewest digits of a positive, finite double, which are those nearest to it.
    pub(super) fn shortest(value: f64) -> Self {
        let mut buffer = zmij::Buffer::new();
        // Such as 0.001, 12.0, 1.5e300.
        let text = buffer.format_finite(value).as_bytes();
        let end = text.iter().position(|byte| *byte == b'e').unwrap_or(text.len());
        let (mantissa, exponent) = text.split_at_checked(end).unwrap_or((text, b""));
        let exponent = exponent.get(1..).and_then(|text| std::str::from_utf8(text).ok()?.parse().ok());
        let mut digits = Self { bytes: [0; 20], length: 0, power: exponent.unwrap_or(0) };
        let (mut zeros, mut fraction) = (0, false);
        for byte in mantissa {
            match byte {
                b'.' => fraction = true,
                b'0' if digits.length == 0 => digits.power -= i32::from(fraction),
                // Those at the end do not count.
                b'0' => {
                    zeros += 1;
                    digits.power -= i32::from(fraction);
                }
                digit => {
                    (0..zeros).for_each(|_| digits.push(0));
                    zeros = 0;
                    digits.push(u64::from(digit - b'0'));
                    digits.power -= i32::from(fraction);
                }
            }
        }
        digits.power += zeros;
        digits
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    /// Takes digits from `upper` until what is left is within `width`: every number that far below identifies the
    /// double. The last digit is then brought as near as possible to the double, which is `distance` below.
    fn generate(&mut self, upper: Float, mut width: u64, distance: u64) {
        let shift = upper.exponent.unsigned_abs().min(63);
        let fraction_of = (1_u64 << shift) - 1;
        let (mut whole, mut fraction) = (upper.bits >> shift, upper.bits & fraction_of);
        let mut unit = 1_000_000_000_u64;
        for position in (0..10).rev() {
            self.push(whole / unit);
            whole %= unit;
            let rest = (whole << shift) + fraction;
            if rest <= width {
                self.power += position;
                self.approach(distance, width, rest, unit << shift);
                return;
            }
            unit /= 10;
        }
        let mut scale = 1_u64;
        // Each turn takes a digit; a double has been told from its neighbours long before the room for them ends.
        while self.length < self.bytes.len() {
            fraction = fraction.wrapping_mul(10);
            width = width.wrapping_mul(10);
            scale = scale.wrapping_mul(10);
            self.power -= 1;
            self.push(fraction >> shift);
            fraction &= fraction_of;
            if fraction < width {
                self.approach(distance.wrapping_mul(scale), width, fraction, 1 << shift);
                return;
            }
        }
    }

    /// Appends a digit; zeros before the first are none.
    fn push(&mut self, digit: u64) {
        if (digit != 0 || self.length > 0)
            && let Some(place) = self.bytes.get_mut(self.length)
        {
            *place = b'0' + u8::try_from(digit).unwrap_or_default();
            self.length += 1;
        }
    }

    /// Lowers the last digit, whose unit is `unit`, while that comes nearer to what lies `distance` below, and `rest`
    /// stays within `width`.
    fn approach(&mut self, distance: u64, width: u64, mut rest: u64, unit: u64) {
        while rest < distance && width.wrapping_sub(rest) >= unit {
            let next = rest.wrapping_add(unit);
            if next >= distance && distance - rest <= next - distance {
                break;
            }
            if let Some(digit) = self.length.checked_sub(1).and_then(|last| self.bytes.get_mut(last)) {
                *digit -= 1;
            }
            rest = next;
        }
    }
}

/// A power of ten, and the float near it, that brings a number of this exponent to one between -60 and -32.
fn power_for(exponent: i32) -> (i32, Float) {
    #[expect(clippy::cast_possible_truncation, reason = "it is a few hundred")]
    let approximate = (-f64::from(exponent + 87) * 0.301_029_995_663_981_14) as i32;
    let mut index = (approximate - FIRST) / STEP;
    // At most a step or two from the guess to the one that is right; every exponent of a double has one.
    for _ in 0..POWERS.len() {
        let power = FIRST + index * STEP;
        let scaled = exponent + exponent_of(power) + 64;
        if scaled < -60 {
            index += 1;
        } else if scaled > -32 {
            index -= 1;
        } else {
            break;
        }
    }
    let power = FIRST + index * STEP;
    let bits = usize::try_from(index).ok().and_then(|index| POWERS.get(index)).copied().unwrap_or(1 << 63);
    (power, Float { bits, exponent: exponent_of(power) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fewest_digits_are_found() {
        let mut bits = 0x9e37_79b9_7f4a_7c15_u64;
        let (mut longer, mut tried) = (0, 0);
        for round in 0..40_000_u32 {
            bits = bits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            // Any double, and fractions of few digits.
            let any = f64::from_bits(bits >> 1);
            let short = f64::from(u32::try_from(bits >> 40).unwrap()) / 10_f64.powi(i32::try_from(round % 12).unwrap());
            for value in [any, short].into_iter().filter(|value| value.is_finite() && *value > 0.0) {
                let digits = Digits::shortest(value);
                let text = format!("{}e{}", std::str::from_utf8(digits.as_slice()).unwrap(), digits.power);
                assert_eq!(text.parse(), Ok(value), "{text}");
                // The standard library prints the fewest, too.
                let expected =
                    format!("{value:e}").bytes().take_while(|byte| *byte != b'e').filter(|byte| *byte != b'.').count();
                assert_eq!(digits.length, expected, "{value:e}");
                tried += 1;
                longer += u32::from(digits.length < Digits::of(value).length);
            }
        }
        assert!(tried > 70_000 && longer > 0);
    }
}
