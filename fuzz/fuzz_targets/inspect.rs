//! Every report of `inspect` over any bytes: it ends, contains no character that a terminal would interpret, and its
//! JSON has one object per line.

#![no_main]

use aofkit::rdb::Walker;
use aofkit::report::inspect::{Announced, Heading, Json, Lengths, Payloads, Printer, Resp, Text};
use aofkit::report::style::Style;
use aofkit::select::Walk;
use libfuzzer_sys::fuzz_target;

fn print(printer: &mut dyn Printer, bytes: &[u8]) {
    let length = bytes.len() as u64;
    printer
        .part(&Heading { log: None, name: b"fuzz\x1b.aof", role: Some("base"), length, announced: Announced::Yes })
        .unwrap();
    let mut walker = Walker::new(bytes, 0);
    while let Some(Ok(item)) = walker.next() {
        let offset = walker.item_offset();
        // Some cannot be expressed in RESP.
        let _ = printer.item(offset, walker.position() - offset, &item);
    }
    let mut walk = Walk::new(bytes);
    while let Some(Ok(step)) = walk.next_step() {
        if step.record.number % 5 == 4 { printer.pass(&step).unwrap() } else { printer.record(&step).unwrap() }
    }
    printer.flush().unwrap();
}

fuzz_target!(|bytes: &[u8]| {
    for payloads in [Payloads::Raw, Payloads::Decoded] {
        for lengths in [Lengths::Within(40), Lengths::Full] {
            let mut out = Vec::new();
            print(&mut Text::new(&mut out, Style::PLAIN, lengths, payloads), bytes);
            let text = String::from_utf8(out).unwrap();
            assert!(!text.contains(|character: char| character.is_control() && character != '\n'), "{text}");
        }
        let mut out = Vec::new();
        print(&mut Json::new(&mut out, payloads), bytes);
        let text = String::from_utf8(out).unwrap();
        assert!(!text.contains(|character: char| character.is_control() && character != '\n'), "{text}");
        assert!(text.lines().all(|line| line.starts_with('{') && line.ends_with('}')), "{text}");
    }
    print(&mut Resp::new(&mut Vec::new()), bytes);
});
