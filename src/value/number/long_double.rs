//! The 80-bit floating point numbers of x86 processors, in which servers add up INCRBYFLOAT and HINCRBYFLOAT.

use rustc_apfloat::ieee::X87DoubleExtended;
use rustc_apfloat::{Float, Round, Status, StatusAnd};

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
    let (value, increment) = (parse(value), parse(increment));
    let (value, increment) = (value.ok_or(LongDoubleError::NotAFloat)?, increment.ok_or(LongDoubleError::NotAFloat)?);
    let sum = (value + increment).value;
    if sum.is_finite() { Ok(format(sum)) } else { Err(LongDoubleError::NotFinite) }
}

/// Seconds as the timeout of a command that blocks: in whole milliseconds, rounded up; `None` where servers see no
/// number.
///
/// What is beyond 2^70 is cut to that, with its sign lost if it is infinite.
pub fn parse_seconds(text: &[u8]) -> Option<i128> {
    const CUT: i128 = 1 << 70;
    let seconds = parse(text)?;
    if seconds.is_infinite() {
        return Some(CUT);
    }
    let Parts { mantissa, exponent } = Parts::of(seconds);
    let negative = seconds.is_negative();
    let thousandfold = i128::from(mantissa) * if negative { -1000 } else { 1000 };
    Some(match u32::try_from(exponent) {
        Ok(exponent) if exponent < 40 => (thousandfold << exponent).clamp(-CUT, CUT),
        Ok(_) => CUT * i128::from(!negative) - CUT * i128::from(negative),
        // A shift rounds down, so what is negated before and after it is rounded up.
        Err(_) => -(-thousandfold >> exponent.unsigned_abs().min(127)),
    })
}

/// Servers (`string2ld`) take no longer text.
const LONGEST: usize = 5 * 1024 - 1;

/// What `strtold` makes of all of a text; `None` where servers see no number.
fn parse(text: &[u8]) -> Option<X87DoubleExtended> {
    let text = std::str::from_utf8(text).ok().filter(|text| text.len() <= LONGEST)?;
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if unsigned.eq_ignore_ascii_case("inf") || unsigned.eq_ignore_ascii_case("infinity") {
        return Some(X87DoubleExtended::INFINITY);
    }
    let is_hexadecimal = unsigned.starts_with("0x") || unsigned.starts_with("0X");
    // Neither a second sign, nor the name of a number, nor an exponent without digits.
    let is_number = unsigned.starts_with(|first: char| first.is_ascii_digit() || first == '.')
        && unsigned.ends_with(|last: char| last.is_ascii_hexdigit() || last == '.')
        && (is_hexadecimal || !unsigned.ends_with(['e', 'E']));
    if !is_number {
        return None;
    }
    let parsed = if is_hexadecimal && !unsigned.contains(['p', 'P']) {
        // The exponent is optional for servers alone.
        X87DoubleExtended::from_str_r(&format!("{text}p0"), Round::NearestTiesToEven)
    } else {
        X87DoubleExtended::from_str_r(text, Round::NearestTiesToEven)
    };
    let StatusAnd { status, value } = parsed.ok()?;
    let is_out_of_range = status.contains(Status::OVERFLOW) || status.contains(Status::UNDERFLOW) && value.is_zero();
    (!is_out_of_range).then_some(value)
}

/// A finite number without its sign: the mantissa times two to the power of the exponent.
struct Parts {
    mantissa: u64,
    exponent: i32,
}

impl Parts {
    fn of(number: X87DoubleExtended) -> Self {
        /// What is added to the exponent of the mantissa's highest bit.
        const BIAS: i32 = 16_383;
        let bits = number.to_bits();
        let mantissa = u64::try_from(bits & u128::from(u64::MAX)).unwrap_or_default();
        let biased = i32::try_from(bits >> 64 & 0x7fff).unwrap_or(0).max(1);
        Self { mantissa, exponent: biased - BIAS - 63 }
    }
}

/// Printed as by `%.17Lf`, without zeros at the end.
fn format(number: X87DoubleExtended) -> Vec<u8> {
    /// Ten to the power of the number of decimals.
    const SCALE: u128 = 100_000_000_000_000_000;
    let Parts { mantissa, exponent } = Parts::of(number);
    let Ok(shift) = u32::try_from(exponent.saturating_neg()) else {
        // The largest have 4,933 digits.
        return format!("{number:5000.5000}").into_bytes();
    };
    // Below 2^121, so that a larger shift leaves less than a half.
    let scaled = u128::from(mantissa) * SCALE;
    let scaled = if shift < 128 { round_shift(scaled, shift) } else { 0 };
    let sign = if number.is_negative() && scaled > 0 { "-" } else { "" };
    let decimals = format!("{:017}", scaled % SCALE);
    let decimals = decimals.trim_end_matches('0');
    let point = if decimals.is_empty() { "" } else { "." };
    format!("{sign}{}{point}{decimals}", scaled / SCALE).into_bytes()
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
