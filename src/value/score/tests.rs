#![expect(clippy::cast_precision_loss, reason = "any double will do")]

use super::*;
use proptest::prelude::*;

fn written(format: fn(f64, &mut Vec<u8>), score: f64) -> String {
    let mut out = Vec::new();
    format(score, &mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn scores_are_read_as_servers_read_them() {
    for (text, score) in [
        ("1", 1.0),
        ("+1", 1.0),
        ("-1", -1.0),
        ("00012", 12.0),
        (".5", 0.5),
        ("5.", 5.0),
        ("+.5", 0.5),
        ("-.5e1", -5.0),
        ("1e5", 100_000.0),
        ("1E+5", 100_000.0),
        ("9007199254740993", 9_007_199_254_740_992.0),
        ("inf", f64::INFINITY),
        ("+inf", f64::INFINITY),
        ("-INFINITY", f64::NEG_INFINITY),
        ("1e-310", 1e-310),
        ("4.9e-324", f64::from_bits(1)),
        ("0e999", 0.0),
        ("0e-999", 0.0),
        ("0x10", 16.0),
        ("-0x1.8p-3", -0.1875),
        ("0x.8", 0.5),
        ("+0X1P3", 8.0),
        ("0x1p-1074", f64::from_bits(1)),
        ("0x1.8p-1075", f64::from_bits(1)),
        ("0x1.fffffffffffff8p0", 2.0),
        ("0x1.fffffffffffff7ffffffffffffffffffffp0", 2.0 - f64::EPSILON),
        ("0x1.00000000000008000000000000000001p0", 1.0 + f64::EPSILON),
        ("0x1.0000000000000800000000000000000p0", 1.0),
        ("0x100000000000000000000000000000000p-128", 1.0),
        ("0x0p99999999999999999999", 0.0),
    ] {
        let read = parse_score(text.as_bytes(), FloatSyntax::Strtod);
        assert_eq!(read.map(f64::to_bits), Some(score.to_bits()), "{text}: {read:?}");
        assert_eq!(parse_range_end(text.as_bytes(), FloatSyntax::Strtod), Some(score), "{text}");
    }
    assert_eq!(parse_score(b"-0", FloatSyntax::Strtod).map(f64::to_bits), Some((-0.0_f64).to_bits()));
    for text in [
        "",
        " 1",
        "1 ",
        "\t1",
        "nan",
        "-nan",
        "NAN(1)",
        "infinit",
        "i",
        ".",
        "+",
        "-",
        "+-1",
        "1e",
        "1e+",
        "0x",
        "0x.",
        "0x1p",
        "0x1p-",
        "0x1.1.1",
        "1_0",
        "1f",
        "--1",
        "1\0",
        "1\x002",
        "0b11",
        "1e400",
        "-1e400",
        "1e-400",
        "2e-324",
        "0x1p-1075",
        "0x1p1024",
        "0x1.fffffffffffff8p1023",
        "0x1p99999999999999999999",
        "é",
    ] {
        assert_eq!(parse_score(text.as_bytes(), FloatSyntax::Strtod), None, "{text:?}");
    }
}

#[test]
fn ends_of_ranges_are_read_more_leniently() {
    for (text, score) in [
        ("", 0.0),
        (" 3", 3.0),
        ("3\0x", 3.0),
        ("\0", 0.0),
        ("-1e500", f64::NEG_INFINITY),
        ("1e500", f64::INFINITY),
        ("1e-500", 0.0),
    ] {
        assert_eq!(parse_range_end(text.as_bytes(), FloatSyntax::Strtod), Some(score), "{text:?}");
    }
    for text in [" ", "3 ", "nan", "x", "("] {
        assert_eq!(parse_range_end(text.as_bytes(), FloatSyntax::Strtod), None, "{text:?}");
    }
}

#[test]
fn scores_are_written_as_each_version_writes_them() {
    for (score, seventeen, shortest, digest, compact) in [
        (0.0, "0", "0", "0", "0"),
        (-0.0, "-0", "-0", "-0", "-0"),
        (1.0, "1", "1", "1", "1"),
        (-12.5, "-12.5", "-12.5", "-12.5", "-12.5"),
        (3.2, "3.2000000000000002", "3.2", "3.2", "3.2"),
        (1e8, "100000000", "100000000", "1e+8", "1e8"),
        (12_300_000_000.0, "12300000000", "12300000000", "1.23e+10", "1.23e10"),
        (1e17, "1e+17", "100000000000000000", "1e+17", "1e17"),
        (1e300, "1.0000000000000001e+300", "1e+300", "1e+300", "1e300"),
        (
            57_112.601_917_376_11,
            "57112.601917376109",
            "5.711260191737611e+4",
            "5.711260191737611e+4",
            "57112.60191737611",
        ),
        (0.000_001, "9.9999999999999995e-07", "0.000001", "0.000001", "1e-6"),
        (1e-7, "9.9999999999999995e-08", "1e-7", "1e-7", "1e-7"),
        (1e-310, "9.9999999999999694e-311", "1e-310", "1e-310", "1e-310"),
        (f64::from_bits(1), "4.9406564584124654e-324", "5e-324", "5e-324", "5e-324"),
        (
            f64::MAX,
            "1.7976931348623157e+308",
            "1.7976931348623157e+308",
            "1.7976931348623157e+308",
            "1.7976931348623157e308",
        ),
        (0.25, "0.25", "0.25", "0.25", "0.25"),
        (0.001, "0.001", "0.001", "0.001", "1e-3"),
        (0.0012, "0.0011999999999999999", "0.0012", "0.0012", "0.0012"),
        (1000.0, "1000", "1000", "1000", "1e3"),
        (-12_000.0, "-12000", "-12000", "-12000", "-12000"),
        (-120_000.0, "-120000", "-120000", "-120000", "-1.2e5"),
        (9_007_199_254_740_993.0, "9007199254740992", "9007199254740992", "9007199254740992", "9007199254740992"),
        (f64::INFINITY, "inf", "inf", "inf", "inf"),
        (f64::NEG_INFINITY, "-inf", "-inf", "-inf", "-inf"),
    ] {
        assert_eq!(written(format_score_17, score), seventeen);
        assert_eq!(written(format_score_shortest, score), shortest);
        assert_eq!(written(format_score_digest, score), digest);
        assert_eq!(written(format_score_compact, score), compact);
    }
}

/// What real servers of each kind make of them; see `tests/it/number_servers`.
#[test]
fn servers_differ_in_what_is_a_number() {
    use FloatSyntax::{FastFloat, FastFloatOrStrtod, Strtod};
    let all = [Strtod, FastFloatOrStrtod, FastFloat];
    for (text, scores, ends, weights) in [
        ("1", [true; 3], [true; 3], [true; 3]),
        ("+1.5", [true; 3], [true; 3], [true; 3]),
        ("0x1p4", [true, true, false], [true, false, false], [true, false, false]),
        ("-0X2", [true, true, false], [true, false, false], [true, false, false]),
        (" 1", [false; 3], [true, false, false], [true, false, false]),
        ("", [false; 3], [true; 3], [true, true, false]),
        ("1e400", [false; 3], [true; 3], [false, true, false]),
        ("1e-400", [false; 3], [true; 3], [false, true, false]),
        ("1e-310", [true; 3], [true; 3], [false, true, true]),
        ("0x1p-1074", [true, true, false], [true, false, false], [true, false, false]),
        ("0x1.8p-1074", [true, true, false], [true, false, false], [false, false, false]),
        ("1\0x", [false; 3], [true; 3], [true; 3]),
        ("nan", [false; 3], [false; 3], [false; 3]),
    ] {
        let text = text.as_bytes();
        let shown = text.escape_ascii();
        assert_eq!(all.map(|syntax| parse_score(text, syntax).is_some()), scores, "score {shown}");
        assert_eq!(all.map(|syntax| parse_range_end(text, syntax).is_some()), ends, "end of a range {shown}");
        assert_eq!(all.map(|syntax| parse_weight(text, syntax).is_some()), weights, "weight {shown}");
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(bits in any::<u64>(), whole in any::<i64>(), hundredths in any::<i32>()) {
        for score in [f64::from_bits(bits), whole as f64, f64::from(hundredths) / 100.0] {
            if !score.is_nan() {
                for format in [format_score_17, format_score_shortest, format_score_digest, format_score_compact] {
                    let text = written(format, score);
                    let read = parse_score(text.as_bytes(), FloatSyntax::Strtod);
                    prop_assert_eq!(read.map(f64::to_bits), Some(score.to_bits()), "{}", text);
                }
            }
        }
    }

    #[test]
    fn no_version_writes_a_score_in_fewer_bytes(
        bits in any::<u64>(), whole in any::<i64>(), digits in 0..1_000_000_u32, power in -30..30_i32,
    ) {
        for score in [f64::from_bits(bits), whole as f64, f64::from(digits) * 10_f64.powi(power)] {
            if !score.is_nan() {
                let compact = written(format_score_compact, score);
                for format in [format_score_17, format_score_shortest, format_score_digest] {
                    let text = written(format, score);
                    prop_assert!(compact.len() <= text.len(), "{} {}", compact, text);
                }
            }
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in "[-+0-9a-fxpein. ]{0,12}") {
        if let Some(score) = parse_score(text.as_bytes(), FloatSyntax::Strtod) {
            prop_assert_eq!(parse_range_end(text.as_bytes(), FloatSyntax::Strtod), Some(score));
            if !text.contains('x') {
                prop_assert_eq!(text.parse::<f64>().ok(), Some(score));
            }
        }
    }
}
