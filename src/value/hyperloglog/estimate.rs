//! How many elements there were, from how many registers hold which count.
//!
//! Otmar Ertl, "New cardinality estimation algorithms for HyperLogLog sketches", arXiv:1702.01284. The operations and
//! their order are the servers', so that the rounding is, too.

use super::REGISTERS;

/// The highest count but one that an element can have.
const HIGHEST: usize = 50;
const COUNT: f64 = 16_384.0;
/// 0.5 / ln 2, in the digits that the servers give it.
#[expect(clippy::excessive_precision, reason = "the servers' digits")]
const ALPHA: f64 = 0.721_347_520_444_481_703_680;

/// The estimate for a histogram of counts.
pub(super) fn estimate(histogram: &[u32; 64]) -> u64 {
    const { assert!(REGISTERS == 16_384, "COUNT is the number of registers") }
    let number = |count: usize| histogram.get(count).copied().map_or(0.0, f64::from);
    let mut sum = COUNT * tau((COUNT - number(HIGHEST + 1)) / COUNT);
    for count in (1..=HIGHEST).rev() {
        sum += number(count);
        sum *= 0.5;
    }
    sum += COUNT * sigma(number(0) / COUNT);
    to_integer(ALPHA * COUNT * COUNT / sum)
}

/// `llroundl` as x86 does it: what does not fit becomes the lowest integer.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked, and only the bits count")]
fn to_integer(number: f64) -> u64 {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    let rounded = number.round();
    if rounded.abs() < LIMIT { rounded as i64 as u64 } else { i64::MIN as u64 }
}

#[expect(clippy::float_cmp, reason = "the loop ends when nothing changes any more")]
fn sigma(mut x: f64) -> f64 {
    if x == 1.0 {
        return f64::INFINITY;
    }
    let (mut y, mut sum) = (1.0, x);
    loop {
        x *= x;
        let before = sum;
        sum += x * y;
        y += y;
        if before == sum {
            return sum;
        }
    }
}

#[expect(clippy::float_cmp, reason = "the loop ends when nothing changes any more")]
fn tau(mut x: f64) -> f64 {
    if x == 0.0 || x == 1.0 {
        return 0.0;
    }
    let (mut y, mut sum) = (1.0, 1.0 - x);
    loop {
        x = x.sqrt();
        let before = sum;
        y *= 0.5;
        sum -= (1.0 - x) * (1.0 - x) * y;
        if before == sum {
            return sum / 3.0;
        }
    }
}
