//! The whole check of one file, for every server: it ends, threads and windows do not change it, its answer is that of
//! the two verdicts, every offset lies in the file, and no report contains a byte that a terminal would interpret.

#![no_main]

use std::num::NonZeroUsize;

use aofkit::Server;
use aofkit::aof::log::Log;
use aofkit::check::server::{NoteKind, Outcome};
use aofkit::check::{Report, Settings, Severity, check};
use aofkit::input::Input;
use aofkit::report::check::{write_github, write_json, write_junit, write_text};
use aofkit::report::style::Style;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    // A manifest without its files is refused.
    let Ok(log) = Log::from_input(Input::from_bytes("fuzz.aof", bytes.to_vec())) else { return };
    let seed = bytes.iter().fold(bytes.len(), |seed, byte| seed.wrapping_mul(31).wrapping_add(usize::from(*byte)));
    for server in Server::ALL {
        let report = check(&log, Settings { server: server.into(), ..Settings::default() }).unwrap();
        let settings =
            Settings { server: server.into(), threads: count(3), window: count(4 + seed % 297), ..Settings::default() };
        assert_eq!(check(&log, settings).unwrap(), report);
        is_coherent(&report, bytes.len() as u64);
        is_harmless(report);
    }
});

fn count(number: usize) -> NonZeroUsize {
    NonZeroUsize::new(number).unwrap()
}

fn is_coherent(report: &Report, size: u64) {
    let is_error = |kind| matches!(kind, NoteKind::CrashesOnceReady | NoteKind::RestoreFails);
    let noted = report.server.notes.iter().any(|note| is_error(note.kind));
    let verdicts = report.checker.valid && report.server.outcome == Outcome::Loads && !noted;
    assert_eq!(report.is_sound(), verdicts, "{report:?}");
    let explained = report.findings.iter().any(|finding| finding.severity == Severity::Error);
    assert_eq!(report.is_sound(), !explained, "{report:?}");
    for part in &report.parts {
        assert_eq!(part.size, size);
        assert!(part.valid_up_to() <= size);
    }
    assert!(report.checker.ok_up_to().is_none_or(|offset| offset <= size));
    let place = match &report.server.outcome {
        Outcome::LoadsAndCuts { cut, .. } => {
            assert!(cut.at <= size);
            Some(cut.place)
        }
        Outcome::Refuses { place, .. } => *place,
        Outcome::Crashes { place, .. } | Outcome::Stops { place, .. } => Some(*place),
        Outcome::Loads | Outcome::Ignores => None,
    };
    assert!(place.is_none_or(|place| place.offset <= size));
    for finding in &report.findings {
        assert!(finding.offset.is_none_or(|offset| offset <= size), "{finding:?}");
        assert!(!finding.message.is_empty() && !finding.advice.is_empty());
    }
}

fn is_harmless(report: Report) {
    let mut out = Vec::new();
    write_text(&mut out, &report, Style::PLAIN).unwrap();
    write_json(&mut out, &report).unwrap();
    write_github(&mut out, &report).unwrap();
    write_junit(&mut out, &[Ok(report)]).unwrap();
    let text = String::from_utf8(out).unwrap();
    assert!(!text.contains(|character: char| character.is_control() && character != '\n'), "{text}");
}
