use super::*;
use crate::aof::transaction::Membership;
use crate::escape::is_obeyed;
use crate::report::style::Style;
use crate::resp::write_command;
use crate::select::{CommandName, Selection, Walk};
use crate::testing::log;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::Value;

fn print(printer: &mut dyn Printer, log: &[u8], selection: &Selection, ahead: Ahead) {
    let announced = Announced::No;
    printer.part(&Heading { log: None, name: b"a.aof", role: None, length: log.len() as u64, announced }).unwrap();
    let mut walk = Walk::new(log);
    while let Some(Ok(step)) = walk.next_step() {
        let opens = step.place.membership == Membership::Opens;
        if selection.takes(&step.record, &step.place) {
            printer.record(&step).unwrap();
        } else {
            printer.pass(&step).unwrap();
        }
        if opens && ahead == Ahead::Told {
            printer.transaction(if walk.transaction_completes() {
                TransactionOutcome::Completes
            } else {
                TransactionOutcome::Unfinished
            });
        }
    }
    printer.flush().unwrap();
}

/// Whether the printer is told how transactions end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ahead {
    Told,
    Unknown,
}

fn json(log: &[u8]) -> String {
    let mut out = Vec::new();
    print(&mut Json::new(&mut out, Payloads::Decoded), log, &Selection::default(), Ahead::Unknown);
    String::from_utf8(out).unwrap()
}

/// Enough records of all kinds that several batches are under way at once.
fn long_log() -> Vec<u8> {
    let mut log = Vec::new();
    for index in 0..40_000_u32 {
        let (key, value) = (format!("key:{index}"), "\u{e9}\n\"".repeat(index as usize % 20));
        match index % 100 {
            0 => log.extend_from_slice(format!("#TS:{}\r\n", 1_700_000_000 + index).as_bytes()),
            1 => write_command(&mut log, &[b"MULTI"]),
            2 => write_command(&mut log, &[b"SET", b"\xff\xfe", &[0x80; 7]]),
            3 => write_command(&mut log, &[b"EXEC"]),
            4 => write_command(&mut log, &[b"SELECT", (index % 16).to_string().as_bytes()]),
            5 if index % 10_000 == 5 => write_command(&mut log, &[b"SET", b"large", &vec![b'x'; 400_000]]),
            _ => write_command(&mut log, &[b"SET", key.as_bytes(), value.as_bytes()]),
        }
    }
    log
}

#[test]
fn a_thread_of_its_own_writes_the_same_lines() {
    let log = long_log();
    let mut out = Vec::new();
    print(&mut Pipeline::new(&mut out, Payloads::Decoded), &log, &Selection::default(), Ahead::Unknown);
    assert!(log.len() > 3_000_000);
    assert!(out == json(&log).into_bytes());
}

#[test]
fn a_writer_that_fails_ends_the_pipeline() {
    let log = long_log();
    let mut full = vec![0; 100_000];
    let mut printer = Pipeline::new(full.as_mut_slice(), Payloads::Raw);
    let mut walk = Walk::new(&log);
    let mut result = Ok(());
    while let (Ok(()), Some(Ok(step))) = (&result, walk.next_step()) {
        result = printer.record(&step);
    }
    assert_eq!(result.unwrap_err().kind(), io::ErrorKind::WriteZero);
}

fn text(log: &[u8], lengths: Lengths) -> String {
    let mut out = Vec::new();
    print(
        &mut Text::new(&mut out, Style::PLAIN, lengths, Payloads::Decoded),
        log,
        &Selection::default(),
        Ahead::Unknown,
    );
    String::from_utf8(out).unwrap()
}

/// What the printer gives, whether it is told how transactions end or has to find out.
fn resp(log: &[u8], selection: &Selection) -> Vec<u8> {
    let [told, unknown] = [Ahead::Told, Ahead::Unknown].map(|ahead| {
        let mut out = Vec::new();
        print(&mut Resp::new(&mut out), log, selection, ahead);
        out
    });
    assert_eq!(String::from_utf8_lossy(&told), String::from_utf8_lossy(&unknown));
    told
}

/// The records of a log, a line each.
fn lines(log: &[u8]) -> Vec<String> {
    let mut walk = Walk::new(log);
    let mut lines = Vec::new();
    while let Some(step) = walk.next_step() {
        lines.push(match step.unwrap().record.content {
            crate::aof::Content::Command(arguments) => String::from_utf8_lossy(&arguments.join(&b' ')).into_owned(),
            crate::aof::Content::Annotation(line) => String::from_utf8_lossy(line).into_owned(),
        });
    }
    lines
}

fn only(commands: &str) -> Selection {
    let commands = commands.split(',').map(|name| CommandName::parse(name.as_bytes()).unwrap()).collect();
    Selection { commands, ..Selection::default() }
}

#[test]
fn json_has_every_documented_field() {
    let log = log(&["#TS:1700000000", "SELECT 3", "MULTI", "SET k \u{1f600}", "EXEC"]);
    insta::assert_snapshot!(json(&log), @r##"
    {"kind":"annotation","part":"a.aof","offset":0,"length":16,"record":1,"time_ms":1700000000000,"text":"#TS:1700000000"}
    {"kind":"command","part":"a.aof","offset":16,"length":23,"record":2,"db":3,"time_ms":1700000000000,"command":"SELECT","arguments":["3"]}
    {"kind":"command","part":"a.aof","offset":39,"length":15,"record":3,"db":3,"time_ms":1700000000000,"transaction":1,"command":"MULTI","arguments":[]}
    {"kind":"command","part":"a.aof","offset":54,"length":30,"record":4,"db":3,"time_ms":1700000000000,"transaction":1,"command":"SET","arguments":["k","😀"]}
    {"kind":"command","part":"a.aof","offset":84,"length":14,"record":5,"db":3,"time_ms":1700000000000,"transaction":1,"command":"EXEC","arguments":[]}
    "##);
}

#[test]
fn json_has_bytes_that_are_no_text_in_base64() {
    let mut log = Vec::new();
    write_command(&mut log, &[b"SET", b"\xff\x00", b"\x1b[31m\xc2\x9b\x7f\xe2\x80\xae\"\\\n"]);
    insta::assert_snapshot!(json(&log), @r#"{"kind":"command","part":"a.aof","offset":0,"length":42,"record":1,"db":0,"command":"SET","arguments":[{"base64":"/wA="},"\u001b[31m\u009b\u007f\u202e\"\\\n"]}"#);
}

#[test]
fn json_of_a_value_beyond_the_buffer_is_whole() {
    for value in [vec![b'a'; 300_000], vec![0xff; 300_001], "é\n".repeat(100_000).into_bytes()] {
        let mut log = Vec::new();
        write_command(&mut log, &[b"SET", b"k", &value]);
        let line: Value = serde_json::from_str(&json(&log)).unwrap();
        assert_eq!(bytes_of(&line["arguments"][1]), value);
    }
}

fn bytes_of(value: &Value) -> Vec<u8> {
    match value {
        Value::String(text) => text.clone().into_bytes(),
        _ => data_encoding::BASE64.decode(value["base64"].as_str().unwrap().as_bytes()).unwrap(),
    }
}

#[test]
fn text_is_in_columns_and_groups_transactions() {
    let log = log(&["SET a 1", "SELECT 11", "#TS:1700000000", "MULTI", "INCR n", "SET k it's", "EXEC", "DEL a"]);
    insta::assert_snapshot!(text(&log, Lengths::Within(80)), @r##"
    offset  db    command
         0   0    SET a 1
        27  11    SELECT 11

    offset  db  time (UTC)             command
        51      2023-11-14 22:13:20    #TS:1700000000
        67  11  2023-11-14 22:13:20  ┌ MULTI
        82  11  2023-11-14 22:13:20  │ INCR n
       103  11  2023-11-14 22:13:20  │ SET k "it's"
       133  11  2023-11-14 22:13:20  └ EXEC
       147  11  2023-11-14 22:13:20    DEL a
    "##);
}

#[test]
fn text_cuts_what_is_long_and_says_so() {
    let mut log = Vec::new();
    write_command(&mut log, &[b"SET", b"key", &[b'v'; 5000], b"PXAT", b"1700000000000"]);
    write_command(&mut log, &[b"SET", &[b'k'; 200], b"v"]);
    let many: Vec<Vec<u8>> = (0..1000).map(|number: u32| format!("member:{number}").into_bytes()).collect();
    let many: Vec<&[u8]> = [b"SADD".as_slice(), b"s"].into_iter().chain(many.iter().map(Vec::as_slice)).collect();
    write_command(&mut log, &many);
    write_command(&mut log, &[&[0; 300]]);
    let shown = text(&log, Lengths::Within(80));
    insta::assert_snapshot!(shown, @r##"
    offset  db    command
         0   0    SET key "vvvvvvvvvvvvv…" (5000 bytes) PXAT 1700000000000
      5061   0    SET "kkkkkkkkkkkkkkkk…" (200 bytes) v
      5289   0    SADD s member:0 member:1 member:2 member:3 … (996 more)
     22103   0    "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00…" (300 bytes)
    "##);
    assert!(shown.lines().all(|line| line.chars().count() <= 80));
    let full = text(&log, Lengths::Full);
    assert!(full.contains(&"v".repeat(5000)) && full.contains("member:999") && !full.contains('…'));
}

#[test]
fn a_log_without_filters_comes_out_as_it_was() {
    let log =
        log(&["SELECT 0", "#TS:1", "MULTI", "SELECT 1", "SET a 1", "EXEC", "multi", "exec", "EXEC", "SET b 1", "#x"]);
    assert_eq!(resp(&log, &Selection::default()), log);
}

#[test]
fn an_unfinished_transaction_is_left_out() {
    let whole = log(&["SELECT 1", "SET a 1"]);
    let cut = [whole.clone(), log(&["MULTI", "SELECT 2", "SET b 1"])].concat();
    assert_eq!(resp(&cut, &Selection::default()), whole);
    assert_eq!(resp(&cut, &only("set")), log(&["SELECT 1", "SET a 1"]));
}

#[test]
fn what_a_record_needs_is_put_back_before_it() {
    let input = log(&[
        "SELECT 2", "#TS:5", "SET a 1", "#TS:6", "DEL a", "MULTI", "SELECT 3", "SET b 1", "DEL b", "EXEC", "MULTI",
        "DEL c", "EXEC", "SELECT 2", "SET d 1",
    ]);
    let sets = ["#TS:5", "SELECT 2", "SET a 1", "#TS:6", "MULTI", "SELECT 3", "SET b 1", "EXEC", "SELECT 2", "SET d 1"];
    assert_eq!(lines(&resp(&input, &only("set"))), sets);
    let since = Selection { since: Some(6), ..Selection::default() };
    assert_eq!(lines(&resp(&input, &since))[..3], ["#TS:6", "SELECT 2", "DEL a"]);
    assert_eq!(lines(&resp(&input, &only("multi"))), [""; 0]);
    let in_two = Selection { databases: vec![2], ..Selection::default() };
    let transaction_in_three = ["SELECT 2", "#TS:5", "SET a 1"];
    assert_eq!(lines(&resp(&input, &in_two))[..3], transaction_in_three);
}

fn word() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        "[a-z0-9:]{0,12}".prop_map(String::into_bytes),
        any::<String>().prop_map(String::into_bytes),
        vec(any::<u8>(), 0..20),
    ]
}

proptest! {
    #[test]
    fn serde_reads_from_json_what_was_in_the_log(commands in vec(vec(word(), 1..6), 1..8)) {
        let mut log = Vec::new();
        for command in &commands {
            write_command(&mut log, &command.iter().map(Vec::as_slice).collect::<Vec<_>>());
        }
        let shown = json(&log);
        prop_assert_eq!(shown.lines().count(), commands.len());
        for (line, command) in shown.lines().zip(&commands) {
            prop_assert!(line.chars().all(|character| !character.is_control()));
            let value: Value = serde_json::from_str(line).unwrap();
            let arguments = value["arguments"].as_array().unwrap().iter();
            let read: Vec<Vec<u8>> = std::iter::once(&value["command"]).chain(arguments).map(bytes_of).collect();
            prop_assert_eq!(&read, command);
            for (value, bytes) in value["arguments"].as_array().unwrap().iter().zip(&command[1..]) {
                prop_assert_eq!(value.is_string(), std::str::from_utf8(bytes).is_ok());
            }
        }
    }

    #[test]
    fn text_is_printable_and_a_line_for_each_record(commands in vec(vec(word(), 1..6), 1..8)) {
        let mut log = Vec::new();
        for command in &commands {
            write_command(&mut log, &command.iter().map(Vec::as_slice).collect::<Vec<_>>());
        }
        for lengths in [Lengths::Within(60), Lengths::Within(200), Lengths::Full] {
            let shown = text(&log, lengths);
            prop_assert_eq!(shown.lines().count(), commands.len() + 1);
            prop_assert!(!shown.contains(|character| character != '\n' && is_obeyed(character)));
        }
    }

    #[test]
    fn what_a_filter_keeps_is_in_its_database_and_its_transaction(
        names in vec(prop::sample::select(vec![
            "MULTI", "EXEC", "SELECT 1", "SELECT 0", "SET a 1", "DEL a", "SET b 2", "#TS:5", "#TS:9",
        ]), 1..30),
    ) {
        let input = log(&names);
        let output = resp(&input, &only("set"));
        // What a server would run of either: whole transactions, in which database, at which time.
        prop_assert_eq!(sets(&input), sets(&output));
        prop_assert_eq!(resp(&output, &only("set")), output);
    }
}

/// Each SET that a server runs: its database, its time, and with how many others in a transaction it is.
fn sets(log: &[u8]) -> Vec<(u64, Option<i64>, Option<usize>)> {
    let mut walk = Walk::new(log);
    let (mut done, mut open) = (Vec::new(), Vec::new());
    while let Some(Ok(step)) = walk.next_step() {
        let is_set = only("set").takes(&step.record, &step.place);
        match step.place.membership {
            Membership::Outside if is_set => done.push((step.place.database, step.place.time, None)),
            Membership::Inside if is_set => open.push((step.place.database, step.place.time)),
            Membership::Closes => {
                let count = open.len();
                done.extend(open.drain(..).map(|(database, time)| (database, time, Some(count))));
            }
            _ => {}
        }
    }
    done
}
