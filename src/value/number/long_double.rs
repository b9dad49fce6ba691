//! The 80-bit floating point numbers of x86 processors, in which servers add up INCRBYFLOAT and HINCRBYFLOAT.
//!
//! Emulated with integers, to the last bit: a mantissa of 64 bits, rounded to the nearest, ties to even; printed with 17
//! decimals, without the zeros at the end.

use super::big::Big;

/// Why two numbers have no sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LongDoubleError {
    /// One of them is no number, or too large or too small for one.
    NotAFloat,
    /// The sum is infinite.
    NotFinite,
}

/// The sum of two numbers as INCRBYFLOAT and HINCRBYFLOAT compute and print it.
///
/// # Errors
/// [`LongDoubleError`].
pub fn add_long_doubles(value: &[u8], increment: &[u8]) -> Result<Vec<u8>, LongDoubleError> {
    let (value, increment) = (LongDouble::parse(value), LongDouble::parse(increment));
    let (value, increment) = (value.ok_or(LongDoubleError::NotAFloat)?, increment.ok_or(LongDoubleError::NotAFloat)?);
    value.add(increment).map(LongDouble::format).ok_or(LongDoubleError::NotFinite)
}

/// Seconds as the timeout of a command that blocks: in whole milliseconds, rounded up; `None` where servers see no number.
///
/// What is beyond 2^70 is cut to that, with its sign lost if it is infinite.
pub fn parse_seconds(text: &[u8]) -> Option<i128> {
    const CUT: i128 = 1 << 70;
    let LongDouble::Finite { negative, mantissa, exponent } = LongDouble::parse(text)? else { return Some(CUT) };
    let thousandfold = i128::from(mantissa) * if negative { -1000 } else { 1000 };
    Some(match u32::try_from(exponent) {
        Ok(_) if mantissa == 0 => 0,
        Ok(exponent) if exponent < 40 => (thousandfold << exponent).clamp(-CUT, CUT),
        Ok(_) => CUT * i128::from(!negative) - CUT * i128::from(negative),
        // A shift rounds down, so what is negated before and after it is rounded up.
        Err(_) => -(-thousandfold >> exponent.unsigned_abs().min(127)),
    })
}

/// Servers (`string2ld`) take no longer text.
const LONGEST: usize = 5 * 1024 - 1;
/// The binary exponent of the largest numbers: they are below 2^16384.
const LARGEST_EXPONENT: i32 = 16_383;
/// Half of the smallest number is 2^-16446: what is not above it rounds to zero.
const ZERO_EXPONENT: i32 = -16_446;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LongDouble {
    Infinite,
    /// The mantissa times two to the power of the exponent. The mantissa's highest bit is set, unless it is zero.
    ///
    /// No exponent is too small: where the processor's numbers lose precision, none of their 17 decimals is left.
    Finite {
        negative: bool,
        mantissa: u64,
        exponent: i32,
    },
}

impl LongDouble {
    const ZERO: Self = Self::Finite { negative: false, mantissa: 0, exponent: 0 };

    /// What `strtold` makes of all of a text; `None` where servers see no number.
    fn parse(text: &[u8]) -> Option<Self> {
        if text.len() > LONGEST {
            return None;
        }
        let (negative, digits) = split_sign(text);
        match digits {
            [b'0', b'x' | b'X', digits @ ..] => Decimal::read(digits, Radix::Hexadecimal)?.to_binary(negative),
            [b'i' | b'I', ..] => {
                let infinite = digits.eq_ignore_ascii_case(b"inf") || digits.eq_ignore_ascii_case(b"infinity");
                infinite.then_some(Self::Infinite)
            }
            digits => Decimal::read(digits, Radix::Decimal)?.to_binary(negative),
        }
    }

    /// The sum, rounded; `None` if it is not finite.
    fn add(self, other: Self) -> Option<Self> {
        /// So many bits below the mantissa's last take part before rounding.
        const GUARD: i32 = 62;
        let Self::Finite { negative, mantissa, exponent } = self else { return None };
        let Self::Finite { negative: other_negative, mantissa: other_mantissa, exponent: other_exponent } = other
        else {
            return None;
        };
        if mantissa == 0 {
            return Some(other);
        }
        if other_mantissa == 0 {
            return Some(self);
        }
        if exponent < other_exponent {
            return other.add(self);
        }
        let large = u128::from(mantissa) << GUARD;
        let aligned = u128::from(other_mantissa) << GUARD;
        let small = match exponent.checked_sub(other_exponent).and_then(|distance| u32::try_from(distance).ok()) {
            // What falls off the end leaves a bit: it decides which side of a tie the sum is on.
            Some(distance @ ..128) => aligned >> distance | u128::from(aligned.trailing_zeros() < distance),
            _ => 1,
        };
        let (sum, negative) = if negative == other_negative {
            (large + small, negative)
        } else if large >= small {
            (large - small, negative)
        } else {
            (small - large, other_negative)
        };
        Self::round(negative, sum, exponent - GUARD)
    }

    /// The nearest number to an integer times a power of two; `None` if it is not finite.
    fn round(negative: bool, integer: u128, exponent: i32) -> Option<Self> {
        if integer == 0 {
            return Some(Self::ZERO);
        }
        let bits = 128 - integer.leading_zeros();
        let Some(excess) = bits.checked_sub(64).filter(|excess| *excess > 0) else {
            let mantissa = u64::try_from(integer).ok()?;
            let shift = mantissa.leading_zeros();
            return Self::finite(negative, mantissa << shift, exponent - i32::try_from(shift).ok()?);
        };
        let mantissa = round_shift(integer, excess);
        let exponent = exponent + i32::try_from(excess).ok()?;
        match u64::try_from(mantissa) {
            Ok(mantissa) => Self::finite(negative, mantissa, exponent),
            // Rounded up to the next power of two.
            Err(_) => Self::finite(negative, 1 << 63, exponent + 1),
        }
    }

    fn finite(negative: bool, mantissa: u64, exponent: i32) -> Option<Self> {
        (exponent + 63 <= LARGEST_EXPONENT).then_some(Self::Finite { negative, mantissa, exponent })
    }

    /// Printed as by `%.17Lf`, without zeros at the end.
    fn format(self) -> Vec<u8> {
        /// Ten to the power of the number of decimals.
        const SCALE: u128 = 100_000_000_000_000_000;
        let Self::Finite { negative, mantissa, exponent } = self else { return b"inf".to_vec() };
        let mut text = Vec::new();
        if negative {
            text.push(b'-');
        }
        let Ok(shift) = u32::try_from(exponent.saturating_neg()) else {
            let mut integer = Big::from(mantissa);
            integer.shift_left(exponent.unsigned_abs());
            text.extend(integer.into_decimal());
            return text;
        };
        // Below 2^121, so that a larger shift leaves less than a half.
        let scaled = u128::from(mantissa) * SCALE;
        let scaled = if shift < 128 { round_shift(scaled, shift) } else { 0 };
        text.extend((scaled / SCALE).to_string().into_bytes());
        let decimals = format!("{:017}", scaled % SCALE);
        let decimals = decimals.trim_end_matches('0');
        if !decimals.is_empty() {
            text.push(b'.');
            text.extend(decimals.as_bytes());
        }
        if text == b"-0" { b"0".to_vec() } else { text }
    }
}

/// An integer divided by a power of two (below 2^128), to the nearest, ties to even.
const fn round_shift(integer: u128, shift: u32) -> u128 {
    if shift == 0 {
        return integer;
    }
    let quotient = integer >> shift;
    let rest = integer & ((1 << shift) - 1);
    let half = 1 << (shift - 1);
    if rest > half || rest == half && quotient & 1 == 1 { quotient + 1 } else { quotient }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Radix {
    Decimal,
    Hexadecimal,
}

impl Radix {
    const fn value(self) -> u64 {
        match self {
            Self::Decimal => 10,
            Self::Hexadecimal => 16,
        }
    }

    /// The letter before the exponent.
    const fn exponent_letter(self) -> u8 {
        match self {
            Self::Decimal => b'e',
            Self::Hexadecimal => b'p',
        }
    }

    fn digit(self, byte: u8) -> Option<u64> {
        let digit = (byte as char).to_digit(16).map(u64::from)?;
        (digit < self.value()).then_some(digit)
    }
}

/// A number as it is written: digits without zeros on either side, and the power that they are multiplied by.
struct Decimal {
    digits: Vec<u64>,
    radix: Radix,
    /// Of ten, or of two where the digits are hexadecimal.
    exponent: i64,
}

impl Decimal {
    /// Digits with a point or none, and an exponent or none; `None` if that is not all.
    fn read(text: &[u8], radix: Radix) -> Option<Self> {
        let letter = text.iter().position(|byte| byte.eq_ignore_ascii_case(&radix.exponent_letter()));
        let (number, mut exponent) = match letter.and_then(|letter| text.split_at_checked(letter)) {
            Some((number, exponent)) => (number, read_exponent(exponent.get(1..)?)?),
            None => (text, 0),
        };
        let mut digits = Vec::new();
        let (mut seen_digit, mut seen_point) = (false, false);
        // How far the exponent moves with one digit.
        let step = if radix == Radix::Decimal { 1 } else { 4 };
        for byte in number {
            if *byte == b'.' && !seen_point {
                seen_point = true;
                continue;
            }
            let digit = radix.digit(*byte)?;
            seen_digit = true;
            if digit != 0 || !digits.is_empty() {
                digits.push(digit);
            }
            if seen_point {
                exponent -= step;
            }
        }
        while digits.last() == Some(&0) {
            digits.pop();
            exponent += step;
        }
        seen_digit.then_some(Self { digits, radix, exponent })
    }

    /// The nearest number in binary; `None` if it is too large, or rounds to zero and is not.
    fn to_binary(&self, negative: bool) -> Option<LongDouble> {
        if self.digits.is_empty() {
            return Some(LongDouble::ZERO);
        }
        let (mut numerator, mut denominator) = (Big::from(0), Big::from(1));
        for digit in &self.digits {
            numerator.multiply_and_add(self.radix.value(), *digit);
        }
        let count = i64::try_from(self.digits.len()).ok()?;
        let mut scale = 0;
        match self.radix {
            // Far outside what can be a number, and too far to compute.
            Radix::Decimal if !(-5_000..=5_000).contains(&(self.exponent + count)) => return None,
            Radix::Decimal => {
                let scaled = if self.exponent < 0 { &mut denominator } else { &mut numerator };
                scaled.multiply_by_power_of_ten(u32::try_from(self.exponent.unsigned_abs()).ok()?);
            }
            Radix::Hexadecimal if !(-20_000..=20_000).contains(&(self.exponent + 4 * count)) => return None,
            Radix::Hexadecimal => scale = i32::try_from(self.exponent).ok()?,
        }
        Self::divide(numerator, denominator, scale, negative)
    }

    /// The nearest number to a quotient times a power of two, both of whose parts are above zero.
    fn divide(mut numerator: Big, mut denominator: Big, scale: i32, negative: bool) -> Option<LongDouble> {
        let (above, below) = (numerator.bits(), denominator.bits());
        let mut exponent = i32::try_from(i64::from(above) - i64::from(below)).ok()?;
        numerator.shift_left(below.saturating_sub(above));
        denominator.shift_left(above.saturating_sub(below));
        if numerator < denominator {
            numerator.shift_left(1);
            exponent -= 1;
        }
        // Now the quotient is from one to below two, and gives its bits one by one.
        let mut mantissa = 0_u64;
        for _ in 0..64 {
            mantissa <<= 1;
            if numerator >= denominator {
                numerator.subtract(&denominator);
                mantissa |= 1;
            }
            numerator.shift_left(1);
        }
        // What is left of the numerator was doubled: it compares to the denominator as the rest to a half.
        let exact = numerator == Big::from(0);
        let up = numerator > denominator || numerator == denominator && mantissa & 1 == 1;
        exponent += scale;
        if exponent < ZERO_EXPONENT || exponent == ZERO_EXPONENT && exact && mantissa == 1 << 63 {
            return None;
        }
        LongDouble::round(negative, u128::from(mantissa) + u128::from(up), exponent - 63)
    }
}

/// Whether a minus stands before a number, and the number without its sign.
const fn split_sign(text: &[u8]) -> (bool, &[u8]) {
    match text {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] | digits => (false, digits),
    }
}

/// An exponent's sign and digits; numbers beyond all use are cut.
fn read_exponent(text: &[u8]) -> Option<i64> {
    const CUT: i64 = 1_000_000;
    let (negative, digits) = split_sign(text);
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let value = digits.iter().fold(0, |value, digit| (value * 10 + i64::from(digit - b'0')).min(CUT));
    Some(if negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn sum(value: &str, increment: &str) -> String {
        String::from_utf8(add_long_doubles(value.as_bytes(), increment.as_bytes()).unwrap()).unwrap()
    }

    #[test]
    fn sums_are_those_of_the_servers() {
        for (value, increment, expected) in [
            ("0", "1.5", "1.5"),
            ("10.50", "0.1", "10.6"),
            ("5.0e3", "2.0e2", "5200"),
            ("3", "1.1", "4.1"),
            ("0.1", "0.2", "0.3"),
            ("17179869184", "1.5", "17179869185.5"),
            ("1", "-1.1", "-0.1"),
            ("1", "-1", "0"),
            ("-0.0", "-0", "0"),
            ("1e-300", "0", "0"),
            ("-1e-300", "0", "0"),
            ("0x1p-2", "0X.8", "0.75"),
            ("+1.", ".5", "1.5"),
            ("3.0e30", "1", "3000000000000000000005368709120"),
            ("9223372036854775807", "1", "9223372036854775808"),
            ("18446744073709551615", "0.5", "18446744073709551616"),
            ("0.00000000000000000499", "0", "0"),
            ("0.00000000000000000501", "0", "0.00000000000000001"),
        ] {
            assert_eq!(sum(value, increment), expected, "{value} + {increment}");
        }
    }

    #[test]
    fn what_servers_take_for_no_number_is_none() {
        for text in [
            "",
            " 1",
            "1 ",
            "1e",
            "e1",
            ".",
            "-",
            "--1",
            "0x",
            "0x.",
            "1_0",
            "nan",
            "1e5000",
            "1e-5000",
            "1e99999999999",
            "infinit",
            "1\0",
            "0x1p20000",
            "0x1p-16446",
            "0x1p-99999",
            "1p1",
            "1e1.5",
        ] {
            let refused = Err(LongDoubleError::NotAFloat);
            assert_eq!(add_long_doubles(text.as_bytes(), b"1"), refused, "{text:?}");
            assert_eq!(add_long_doubles(b"1", text.as_bytes()), refused, "{text:?}");
        }
        assert_eq!(add_long_doubles(&[b'1'; LONGEST + 1], b"1"), Err(LongDoubleError::NotAFloat));
        assert_eq!(sum("0e999999999", "0"), "0");
        assert_eq!(sum("0x1p-16445", "0"), "0");
    }

    #[test]
    fn infinite_sums_are_refused() {
        for (value, increment) in [("inf", "1"), ("1", "-Infinity"), ("inf", "-inf"), ("1e4932", "1e4932")] {
            let result = add_long_doubles(value.as_bytes(), increment.as_bytes());
            assert_eq!(result, Err(LongDoubleError::NotFinite), "{value} + {increment}");
        }
    }

    #[test]
    fn the_largest_numbers_are_printed_whole() {
        let largest = sum("1.18973149535723176502126385303097020516906332229462420044032373389173700e4932", "0");
        assert_eq!(largest.len(), 4933);
        assert!(largest.starts_with("118973149535723176502126385303097020516906332"), "{largest}");
    }
}
