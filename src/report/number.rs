//! Numbers and times for people.

use jiff::Timestamp;

use crate::plural::plural;

/// A number with its digits in groups of three: `1,234,567`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number and what it counts, in the plural where that is due: `1 record`, `1,234 records`.
pub fn counted(number: u64, singular: &str) -> String {
    format!("{} {}", grouped(number), plural(number, singular))
}

/// Unix seconds, as logs have them, in the unit of every time in JSON.
pub(crate) const fn milliseconds(seconds: i64) -> i64 {
    seconds.saturating_mul(1000)
}

/// Unix seconds as a date and time in UTC (`2026-11-21T12:00:00Z`); the bare number when no calendar reaches so far.
pub fn time(seconds: i64) -> String {
    Timestamp::from_second(seconds).map_or_else(|_| seconds.to_string(), |time| time.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_grouped_by_three() {
        let texts = [0, 12, 123, 1234, 123_456, 1_234_567].map(grouped);
        assert_eq!(texts, ["0", "12", "123", "1,234", "123,456", "1,234,567"]);
    }

    #[test]
    fn one_is_no_plural() {
        assert_eq!([0, 1, 1000].map(|number| counted(number, "byte")), ["0 bytes", "1 byte", "1,000 bytes"]);
    }

    #[test]
    fn times_are_utc_and_never_fail() {
        assert_eq!(time(1_700_000_000), "2023-11-14T22:13:20Z");
        assert_eq!(time(i64::MAX), i64::MAX.to_string());
    }
}
