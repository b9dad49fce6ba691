//! Scores of sorted sets, and other doubles, as servers read and write them.

mod powers;
mod shortest;

use std::io::Write as _;

use crate::server::FloatSyntax;
use shortest::Digits;

/// A score as servers take it: ZADD, ZINCRBY, weights, coordinates (`getDoubleFromObject`).
///
/// What C's `strtod` reads, decimal or hexadecimal, `inf` and `infinity`, from the first byte to the last: no white
/// space, no NaN, and nothing that is too large or too small for a double, denormal ones excepted. With
/// [`FloatSyntax::FastFloat`] no hexadecimal ones.
#[inline]
pub fn parse_score(text: &[u8], syntax: FloatSyntax) -> Option<f64> {
    if let Some(whole) = small_integer(text) {
        return Some(whole);
    }
    if syntax == FloatSyntax::FastFloat && is_hexadecimal(text) {
        return None;
    }
    let number = parse_number(text)?;
    (!number.out_of_range).then_some(number.value)
}

/// The end of a range of scores, without its `(`: ZREMRANGEBYSCORE, ZRANGESTORE (`zslParseRange`).
///
/// It is read up to the first NUL, is 0 if there is nothing, and infinite or 0 if it is too large or too small. With
/// [`FloatSyntax::Strtod`] it may begin with white space, and be hexadecimal.
pub fn parse_range_end(text: &[u8], syntax: FloatSyntax) -> Option<f64> {
    let text = text.split(|byte| *byte == 0).next()?;
    if text.is_empty() {
        return Some(0.0);
    }
    parse_loosely(text, syntax).map(|number| number.value)
}

/// What SORT compares elements by, unless it is ALPHA (`sortCommandGeneric`).
///
/// It is read up to the first NUL. See [`FloatSyntax`] for what is too large, too small or empty.
///
/// A server that reads with `strtod` looks at an `errno` that it did not clear: from the first weight out of range on,
/// it refuses every weight until another command reads a number. That is not reproduced.
pub fn parse_weight(text: &[u8], syntax: FloatSyntax) -> Option<f64> {
    let text = text.split(|byte| *byte == 0).next()?;
    if text.is_empty() {
        return (syntax != FloatSyntax::FastFloat).then_some(0.0);
    }
    let number = parse_loosely(text, syntax)?;
    let is_refused = match syntax {
        FloatSyntax::Strtod => number.out_of_range || number.loses_digits,
        FloatSyntax::FastFloatOrStrtod => false,
        FloatSyntax::FastFloat => number.out_of_range,
    };
    (!is_refused).then_some(number.value)
}

/// A number, perhaps after white space, hexadecimal perhaps: both for `strtod` alone.
fn parse_loosely(text: &[u8], syntax: FloatSyntax) -> Option<Number> {
    if syntax != FloatSyntax::Strtod {
        return if is_hexadecimal(text) { None } else { parse_number(text) };
    }
    let start = text.iter().position(|byte| !matches!(byte, b' ' | b'\t'..=b'\r'))?;
    parse_number(text.get(start..)?)
}

/// Whether a number begins with `0x`, after a sign perhaps.
const fn is_hexadecimal(text: &[u8]) -> bool {
    matches!(text, [b'0', b'x' | b'X', ..] | [b'-' | b'+', b'0', b'x' | b'X', ..])
}

/// Up to 15 digits with an optional minus: most scores.
#[inline]
fn small_integer(text: &[u8]) -> Option<f64> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    if digits.is_empty() || digits.len() > 15 {
        return None;
    }
    let mut value = 0_i64;
    for byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value * 10 + i64::from(digit);
    }
    #[expect(clippy::cast_precision_loss, reason = "fifteen digits fit")]
    let value = value as f64;
    Some(if negative { -value } else { value })
}

/// What a text stands for.
struct Number {
    value: f64,
    /// It is infinite or 0 because a double holds nothing as large or small.
    out_of_range: bool,
    /// It is denormal, and not exact.
    loses_digits: bool,
}

/// What `strtod` makes of a text, if it takes all of it and it is no NaN.
fn parse_number(text: &[u8]) -> Option<Number> {
    let (negative, unsigned) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] | rest => (false, rest),
    };
    let number = match unsigned {
        [b'0', b'x' | b'X', digits @ ..] => parse_hexadecimal(digits)?,
        [b'0'..=b'9' | b'.' | b'i' | b'I', ..] => {
            let value: f64 = std::str::from_utf8(unsigned).ok()?.parse().ok()?;
            let mut mantissa = unsigned.iter().take_while(|byte| !matches!(byte, b'e' | b'E'));
            let out_of_range = if value == 0.0 {
                mantissa.any(|byte| matches!(byte, b'1'..=b'9'))
            } else {
                value.is_infinite() && mantissa.any(u8::is_ascii_digit)
            };
            // A denormal number is exact only if it is written with some seven hundred digits.
            Number { value, out_of_range, loses_digits: value.is_subnormal() }
        }
        _ => return None,
    };
    Some(if negative { Number { value: -number.value, ..number } } else { number })
}

/// A hexadecimal number after its `0x`: digits with at most one point among them, and perhaps `p` and a power of two.
fn parse_hexadecimal(text: &[u8]) -> Option<Number> {
    let end = text.iter().position(|byte| matches!(byte, b'p' | b'P')).unwrap_or(text.len());
    let (digits, power) = text.split_at_checked(end)?;
    let mut exponent = match power.split_first() {
        None => 0,
        Some((_, power)) => parse_power(power)?,
    };
    let (mut mantissa, mut inexact, mut any, mut point) = (0_u64, false, false, false);
    for byte in digits {
        if *byte == b'.' && !point {
            point = true;
            continue;
        }
        let digit = char::from(*byte).to_digit(16)?;
        any = true;
        if mantissa >> 60 == 0 {
            mantissa = mantissa << 4 | u64::from(digit);
            exponent -= i64::from(point) * 4;
        } else {
            inexact |= digit != 0;
            exponent += i64::from(!point) * 4;
        }
    }
    any.then(|| round_binary(mantissa, exponent, inexact))
}

/// A power of two as it is written: any number of digits, of which more than a few make no difference.
fn parse_power(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] | digits => (false, digits),
    };
    if digits.is_empty() {
        return None;
    }
    let mut power = 0_i64;
    for byte in digits {
        let digit = char::from(*byte).to_digit(10)?;
        power = (power * 10 + i64::from(digit)).min(1 << 50);
    }
    Some(if negative { -power } else { power })
}

/// The double nearest to `mantissa * 2^exponent`, or to a little more if that is `inexact`; the even one of two.
fn round_binary(mantissa: u64, exponent: i64, inexact: bool) -> Number {
    if mantissa == 0 {
        return Number { value: 0.0, out_of_range: false, loses_digits: false };
    }
    let zeros = mantissa.leading_zeros();
    // 128 bits, the highest set, so that whatever is shifted out is seen.
    let wide = u128::from(mantissa << zeros) << 64 | u128::from(inexact);
    // The number is 1.something * 2^top.
    let top = exponent - i64::from(zeros) + 63;
    if top > 1023 {
        return Number { value: f64::INFINITY, out_of_range: true, loses_digits: false };
    }
    // A denormal has the fewer bits the smaller it is.
    let bits = if top >= -1022 { 53 } else { 53 - (-1022 - top) };
    let Ok(bits) = u32::try_from(bits) else {
        return Number { value: 0.0, out_of_range: true, loses_digits: true };
    };
    let (kept, rest) = if bits == 0 { (0, wide) } else { (wide >> (128 - bits), wide << bits) };
    let half = 1_u128 << 127;
    let up = rest > half || rest == half && kept & 1 == 1;
    let rounded = u64::try_from(kept).unwrap_or_default() + u64::from(up);
    // What rounding carries goes into the exponent, up to infinity.
    let biased = if top >= -1022 { u64::try_from(top + 1022).unwrap_or_default() << 52 } else { 0 };
    let value = f64::from_bits(biased + rounded);
    let loses_digits = value.is_subnormal() && rest != 0;
    Number { value, out_of_range: value == 0.0 || value.is_infinite(), loses_digits }
}

/// Writes a double as C's `%.17g` does: scores of redis 6.2 and 7.0, in replies, digests and rewritten logs.
pub fn format_score_17(score: f64, out: &mut Vec<u8>) {
    if let Some(text) = not_finite(score) {
        out.extend_from_slice(text);
        return;
    }
    #[expect(clippy::cast_possible_truncation, reason = "it is whole, and has fifteen digits")]
    if score.fract() == 0.0 && score.abs() < 1e15 && (score != 0.0 || score.is_sign_positive()) {
        out.extend_from_slice(itoa::Buffer::new().format(score as i64).as_bytes());
        return;
    }
    let mut text = Vec::with_capacity(24);
    // Writing to a vector does not fail.
    let _ = write!(text, "{:.16e}", score.abs());
    let end = text.iter().position(|byte| *byte == b'e').unwrap_or(text.len());
    let exponent: i32 =
        text.get(end + 1..).and_then(|power| std::str::from_utf8(power).ok()?.parse().ok()).unwrap_or_default();
    let mut digits: Vec<u8> = text.iter().take(end).copied().filter(u8::is_ascii_digit).collect();
    while digits.len() > 1 && digits.last() == Some(&b'0') {
        digits.pop();
    }
    if score.is_sign_negative() {
        out.push(b'-');
    }
    if (-4..17).contains(&exponent) {
        write_positional(&digits, exponent, out);
    } else {
        write_scientific(&digits, exponent, 2, out);
    }
}

/// Writes a score as redis 7.2, 8.0 and Valkey answer it (`d2string`): whole numbers up to 2^62 as such, all others as
/// [`format_score_digest`] does.
pub fn format_score_shortest(score: f64, out: &mut Vec<u8>) {
    const LIMIT: f64 = 4_611_686_018_427_387_904.0;
    if score.abs() <= LIMIT && score.fract() == 0.0 && score != 0.0 {
        #[expect(clippy::cast_possible_truncation, reason = "it is whole and within 2^62")]
        out.extend_from_slice(itoa::Buffer::new().format(score as i64).as_bytes());
    } else {
        format_score_digest(score, out);
    }
}

/// Writes a score as redis 7.2, 8.0 and Valkey put it into `DEBUG DIGEST` and into a log that they rewrite
/// (`fpconv_dtoa`): the digits that Grisu2 finds, `1e+8` for a hundred million.
pub fn format_score_digest(score: f64, out: &mut Vec<u8>) {
    let Some(score) = write_sign(score, out) else { return };
    let digits = Digits::of(score);
    let (text, power) = (digits.as_slice(), digits.power);
    let count = i32::try_from(text.len()).unwrap_or_default();
    let exponent = power + count - 1;
    if power >= 0 && exponent < count + 7 || power < 0 && (power > -7 || exponent.abs() < 4) {
        write_positional(text, exponent, out);
    } else {
        write_scientific(text, exponent, 1, out);
    }
}

/// Writes a score in the fewest digits that read back to the same double, positional (`0.25`) or scientific (`5e-324`),
/// whichever is shorter: for logs that are loaded again.
///
/// Every server from Redis 6.2 to 8.6 and Valkey 8.0 to 9.1 reads it to the same double. It is never longer than what
/// they write themselves: `%.17g` up to Redis 7.0, [`format_score_digest`] from then on.
#[inline]
pub fn format_score_compact(score: f64, out: &mut Vec<u8>) {
    #[expect(clippy::cast_possible_truncation, reason = "it is whole and within 2^53")]
    if score.fract() == 0.0 && score.abs() < 9_007_199_254_740_992.0 && (score != 0.0 || score.is_sign_positive()) {
        let whole = score as i64;
        // From three zeros on, a power of ten is shorter.
        if whole % 1000 != 0 || whole == 0 {
            out.extend_from_slice(itoa::Buffer::new().format(whole).as_bytes());
            return;
        }
    }
    format_score_compact_slow(score, out);
}

/// Writes the sign of a score, or all of one without digits to find: its absolute value, if there is more to write.
#[inline]
fn write_sign(score: f64, out: &mut Vec<u8>) -> Option<f64> {
    if let Some(text) = not_finite(score) {
        out.extend_from_slice(text);
        return None;
    }
    if score.is_sign_negative() {
        out.push(b'-');
    }
    if score == 0.0 {
        out.push(b'0');
        return None;
    }
    Some(score.abs())
}

/// What is not a small whole number.
fn format_score_compact_slow(score: f64, out: &mut Vec<u8>) {
    let Some(score) = write_sign(score, out) else { return };
    let digits = Digits::shortest(score);
    let text = digits.as_slice();
    let count = text.len();
    let exponent = digits.power + i32::try_from(count).unwrap_or_default() - 1;
    let size = exponent.unsigned_abs() as usize;
    let point = usize::from(count > 1);
    let positional = match exponent {
        0.. => (size + 1).max(count + usize::from(count > size + 1)),
        _ => 1 + size + count,
    };
    let power_digits = 1 + usize::from(size >= 10) + usize::from(size >= 100);
    let scientific = count + point + 1 + usize::from(exponent < 0) + power_digits;
    if positional <= scientific {
        write_positional(text, exponent, out);
    } else {
        write_mantissa(text, out);
        out.push(b'e');
        out.extend_from_slice(itoa::Buffer::new().format(exponent).as_bytes());
    }
}

fn not_finite(score: f64) -> Option<&'static [u8]> {
    if score.is_nan() {
        Some(b"nan")
    } else if score.is_infinite() {
        Some(if score > 0.0 { b"inf" } else { b"-inf" })
    } else {
        None
    }
}

/// Digits of which the first stands for a multiple of 10^`exponent`, without any power of ten.
fn write_positional(digits: &[u8], exponent: i32, out: &mut Vec<u8>) {
    let zeros = |out: &mut Vec<u8>, count: usize| out.resize(out.len() + count, b'0');
    match usize::try_from(exponent) {
        Ok(exponent) => {
            let (whole, fraction) = digits.split_at_checked(exponent + 1).unwrap_or((digits, b""));
            out.extend_from_slice(whole);
            zeros(out, exponent + 1 - whole.len());
            if !fraction.is_empty() {
                out.push(b'.');
                out.extend_from_slice(fraction);
            }
        }
        Err(_) => {
            out.extend_from_slice(b"0.");
            zeros(out, (exponent.unsigned_abs() as usize).saturating_sub(1));
            out.extend_from_slice(digits);
        }
    }
}

/// Digits with a point after the first.
fn write_mantissa(digits: &[u8], out: &mut Vec<u8>) {
    if let Some((first, rest)) = digits.split_first() {
        out.push(*first);
        if !rest.is_empty() {
            out.push(b'.');
            out.extend_from_slice(rest);
        }
    }
}

/// Digits, a point after the first, and the power of ten with its sign in at least `width` digits.
fn write_scientific(digits: &[u8], exponent: i32, width: usize, out: &mut Vec<u8>) {
    write_mantissa(digits, out);
    let sign = if exponent < 0 { '-' } else { '+' };
    // Writing to a vector does not fail.
    let _ = write!(out, "e{sign}{:0width$}", exponent.unsigned_abs());
}

#[cfg(test)]
mod tests;
