//! Times as people type them.

use std::path::Path;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use super::console::hinted;
use super::offset;
use crate::report::file_name::FileName;

/// A moment, to the nanosecond.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(Timestamp);

impl Moment {
    /// The first whole unix second that is not before it.
    pub fn ceiling(self) -> i64 {
        let (second, fraction) = self.parts();
        second + i64::from(fraction > 0)
    }

    /// The last whole unix second that is not after it.
    pub fn floor(self) -> i64 {
        self.parts().0
    }

    /// The same, in milliseconds.
    pub fn milliseconds(self) -> i64 {
        self.floor().saturating_mul(1000)
    }

    /// Seconds, and nanoseconds that go on from there.
    fn parts(self) -> (i64, i128) {
        let nanoseconds = self.0.as_nanosecond();
        let second = nanoseconds.div_euclid(1_000_000_000);
        (i64::try_from(second).unwrap_or_default(), nanoseconds.rem_euclid(1_000_000_000))
    }
}

/// The error about a time for a log that has none.
pub(super) fn log_without_times(path: &Path, option: &str, instead: &str) -> anyhow::Error {
    hinted(
        format!("{}: {option} needs times, and this log has no #TS: annotation", FileName(path)),
        format!("use {instead}; {}; servers write times with aof-timestamp-enabled yes", offset::how_to_find(path)),
    )
}

/// Reads unix seconds, RFC 3339, or a date with or without a time of day, which are then UTC; seconds may have a
/// fraction.
pub fn parse(text: &str) -> Result<Moment, String> {
    let text = text.trim();
    if let Some(moment) = unix_seconds(text) {
        return moment;
    }
    let utc = |civil: DateTime| civil.to_zoned(TimeZone::UTC).map(|zoned| zoned.timestamp());
    text.parse::<Timestamp>()
        .or_else(|error| text.parse::<DateTime>().and_then(utc).map_err(|_| error))
        .or_else(|error| text.parse::<Date>().and_then(|date| utc(date.into())).map_err(|_| error))
        .map(Moment)
        .map_err(|_| {
            "not a time: give unix seconds (1700000000), RFC 3339 (2023-11-14T22:13:20Z), or a date in UTC (2023-11-14)"
                .to_owned()
        })
}

/// `None` if the text is no number.
fn unix_seconds(text: &str) -> Option<Result<Moment, String>> {
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(seconds.strip_prefix('-').unwrap_or(seconds)) || !digits(fraction) {
        return None;
    }
    let nanoseconds: String = fraction.chars().chain("000000000".chars()).take(9).collect();
    let moment = || {
        let seconds: i64 = seconds.parse().ok()?;
        let nanoseconds: i32 = nanoseconds.parse().ok()?;
        Timestamp::new(seconds, if text.starts_with('-') { -nanoseconds } else { nanoseconds }).ok().map(Moment)
    };
    Some(moment().ok_or_else(|| format!("{text} seconds are beyond the calendar")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn second(text: &str) -> i64 {
        let moment = parse(text).unwrap();
        assert_eq!(moment.floor(), moment.ceiling(), "{text}");
        moment.floor()
    }

    #[test]
    fn every_way_to_write_a_moment_gives_the_same() {
        for text in [
            "1700000000",
            "1700000000.0",
            "2023-11-14T22:13:20Z",
            "2023-11-14T23:13:20+01:00",
            "2023-11-14 22:13:20",
            "2023-11-14T22:13:20",
            " 2023-11-14t22:13:20z ",
        ] {
            assert_eq!(second(text), 1_700_000_000, "{text}");
        }
        assert_eq!(second("2023-11-14"), 1_699_920_000);
    }

    #[test]
    fn a_fraction_lies_between_two_seconds() {
        for text in ["1700000000.25", "2023-11-14T22:13:20.25Z", "1700000000.0000000001000"] {
            let moment = parse(text).unwrap();
            let between = (1_700_000_000, 1_700_000_000 + i64::from(!text.contains("00001")));
            assert_eq!((moment.floor(), moment.ceiling()), between, "{text}");
        }
        let before_the_epoch = parse("-1.5").unwrap();
        assert_eq!((before_the_epoch.floor(), before_the_epoch.ceiling()), (-2, -1));
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in ["", "yesterday", "17:00", "1700000000x", ".5", "99999999999999999999", "2023-13-01"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
