//! `--max-loss`: how much a repair may take out before a person is asked.

use std::fmt;
use std::str::FromStr;

use crate::report::fix::Loss;
use crate::report::number::counted;

/// The most that may be lost without a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MaxLoss {
    /// Bytes of any kind.
    Bytes(u64),
    /// Hundredths of the bytes of the log.
    Percent(u64),
    /// Records that are whole.
    Records(u64),
}

impl MaxLoss {
    /// Without the option: of records that are whole and follow the damage, as a cut takes much more than a torn end
    /// then.
    const WHOLE_RECORDS: u64 = 1 << 20;

    /// Says why a loss is too large; `limit` is what the option allows.
    pub(super) fn excess(limit: Option<Self>, loss: &Loss) -> Option<String> {
        let (exceeds, what) = match limit {
            None if loss.follows > 0 => {
                let records = counted(loss.follows, "whole record");
                let what = format!("{}, with {records} after the damage", counted(loss.bytes, "byte"));
                (loss.bytes > Self::WHOLE_RECORDS, what)
            }
            None => return None,
            Some(Self::Bytes(most)) => (loss.bytes > most, counted(loss.bytes, "byte")),
            Some(Self::Records(most)) => (loss.records > most, counted(loss.records, "whole record")),
            Some(Self::Percent(most)) => {
                let part = u128::from(loss.bytes) * 100 > u128::from(loss.of) * u128::from(most);
                (part, format!("{} of {}", counted(loss.bytes, "byte"), counted(loss.of, "byte")))
            }
        };
        let allowed = limit.map_or_else(|| "1 MiB".to_owned(), |limit| limit.to_string());
        exceeds.then(|| format!("this would lose {what}, which is more than {allowed}"))
    }
}

impl fmt::Display for MaxLoss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(bytes) => write!(f, "{}", counted(*bytes, "byte")),
            Self::Percent(percent) => write!(f, "{percent} %"),
            Self::Records(records) => write!(f, "{}", counted(*records, "whole record")),
        }
    }
}

impl FromStr for MaxLoss {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let digits = text.len() - text.trim_start_matches(|letter: char| letter.is_ascii_digit()).len();
        let (number, unit) = text.split_at(digits);
        let wrong = || "expected bytes (4096, 64K, 1M, 2G), a percentage (5%) or records (100r)".to_owned();
        let number: u64 = number.parse().map_err(|_| wrong())?;
        let scaled = |shift: u32| number.checked_mul(1 << shift).map(Self::Bytes).ok_or_else(wrong);
        match unit.trim().to_ascii_lowercase().trim_end_matches("ib").trim_end_matches('b') {
            "" => scaled(0),
            "k" => scaled(10),
            "m" => scaled(20),
            "g" => scaled(30),
            "%" => Ok(Self::Percent(number)),
            "r" | "record" | "records" => Ok(Self::Records(number)),
            _ => Err(wrong()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_bytes_percentages_or_records() {
        let read = |text: &str| text.parse::<MaxLoss>().ok();
        assert_eq!(read("4096"), Some(MaxLoss::Bytes(4096)));
        assert_eq!([read("64K"), read("64KiB"), read("64 kb")], [Some(MaxLoss::Bytes(64 << 10)); 3]);
        assert_eq!([read("1M"), read("1mib")], [Some(MaxLoss::Bytes(1 << 20)); 2]);
        assert_eq!(
            [read("5%"), read("100r"), read("100 records")],
            [Some(MaxLoss::Percent(5)), Some(MaxLoss::Records(100)), Some(MaxLoss::Records(100))]
        );
        assert_eq!([read(""), read("x"), read("5x"), read("99999999999G")], [None; 4]);
    }

    #[test]
    fn without_a_limit_only_whole_records_after_damage_count() {
        let loss = |bytes, follows| Loss { bytes, of: 1 << 30, records: follows, follows };
        assert_eq!(MaxLoss::excess(None, &loss(1 << 29, 0)), None, "a torn end");
        assert_eq!(MaxLoss::excess(None, &loss(1 << 20, 7)), None);
        let text = MaxLoss::excess(None, &loss((1 << 20) + 1, 7)).unwrap();
        assert!(text.contains("7 whole records after the damage") && text.contains("1 MiB"), "{text}");
        assert_eq!(MaxLoss::excess(Some(MaxLoss::Percent(50)), &loss(1 << 29, 7)), None);
        assert!(MaxLoss::excess(Some(MaxLoss::Percent(49)), &loss(1 << 29, 7)).is_some());
        assert!(MaxLoss::excess(Some(MaxLoss::Records(6)), &loss(1, 7)).is_some());
        assert!(MaxLoss::excess(Some(MaxLoss::Bytes(0)), &loss(1, 0)).is_some());
    }
}
