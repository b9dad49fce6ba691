//! Results as a table for people and as JSON for programs.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::measure::Outcome;

const MB: f64 = 1_000_000.0;

/// A comparison; the last column is the ratio to the time of the first contender.
pub fn table(outcome: &Outcome) -> String {
    let mut text = format!(
        "\n{} · {} · {:.0} MB\n{:<30} {:>9} {:>17} {:>8} {:>10} {:>9}\n",
        outcome.title,
        outcome.workload.name(),
        as_float(outcome.bytes) / MB,
        "",
        "median",
        "from … to",
        "GB/s",
        "anonymous",
        "ratio"
    );
    let reference = outcome.reference();
    for measured in &outcome.measured {
        let (median, (least, most)) = (measured.median(), measured.range());
        let rate = as_float(outcome.bytes) / MB / 1000.0 / median;
        let memory = as_float(measured.anonymous) / MB;
        let ratio = median / reference;
        // Writing into a string cannot fail.
        let _ = writeln!(
            text,
            "{:<30} {median:>7.3} s {least:>7.3} … {most:>5.3} s {rate:>8.2} {memory:>7.1} MB {ratio:>8.2}×",
            measured.name
        );
    }
    for lines in outcome.measured.iter().filter(|measured| measured.name.starts_with("wc")) {
        let _ = writeln!(text, "takes {:.2} × the time of {}", reference / lines.median(), lines.name);
    }
    text
}

/// All comparisons: times in seconds, sizes in bytes.
pub fn json(outcomes: &[Outcome]) -> Value {
    let comparison = |outcome: &Outcome| {
        let reference = outcome.reference();
        let contenders: Vec<_> = outcome
            .measured
            .iter()
            .map(|measured| {
                json!({
                    "name": measured.name,
                    "seconds": measured.seconds,
                    "median": measured.median(),
                    "bytes_per_second": as_float(outcome.bytes) / measured.median(),
                    "ratio": measured.median() / reference,
                    "peak_anonymous_bytes": measured.anonymous,
                })
            })
            .collect();
        json!({
            "work": outcome.title,
            "log": outcome.workload.name(),
            "bytes": outcome.bytes,
            "contenders": contenders,
        })
    };
    Value::Array(outcomes.iter().map(comparison).collect())
}

#[expect(clippy::cast_precision_loss, reason = "sizes are far below 2^52")]
fn as_float(number: u64) -> f64 {
    number as f64
}
