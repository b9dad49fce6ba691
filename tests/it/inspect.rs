//! `aofkit inspect`, from outside.

use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use predicates::prelude::*;
use predicates::str::contains;
use tempfile::TempDir;

use crate::harness::log::log;

/// An RDB of version 9 with one string in database 3, which expires, and without a checksum.
fn rdb() -> Vec<u8> {
    let mut out = b"REDIS0009\xfa\x09redis-ver\x055.0.0\xfe\x03\xfb\x01\x01".to_vec();
    out.extend_from_slice(b"\xfc\x00\x68\xe5\xcf\x8b\x01\x00\x00\x00\x06user:1\x05alice\xff");
    out.extend_from_slice(&[0; 8]);
    out
}

fn inspect() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_aofkit"));
    command.arg("inspect");
    command
}

struct Directory(TempDir);

impl Directory {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

/// What it writes about a log of these lines.
fn shown(lines: &[&str], arguments: &[&str]) -> String {
    let directory = Directory::new();
    let path = directory.file("a.aof", &log(lines));
    let output = inspect().args(arguments).arg(path).assert().success().stderr("").get_output().stdout.clone();
    String::from_utf8(output).unwrap()
}

/// The records that it writes about a log of these lines, a line each.
fn kept(lines: &[&str], arguments: &[&str]) -> Vec<String> {
    let output = shown(lines, &[arguments, &["--format", "json"]].concat());
    let record = |line: &str| {
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        if value["kind"] == "annotation" {
            return value["text"].as_str().unwrap().to_owned();
        }
        let arguments = value["arguments"].as_array().unwrap().iter();
        let words: Vec<_> =
            std::iter::once(&value["command"]).chain(arguments).map(|word| word.as_str().unwrap()).collect();
        words.join(" ")
    };
    output.lines().skip(1).map(record).collect()
}

const LINES: [&str; 10] = [
    "SELECT 0",
    "SET user:1 a",
    "#TS:1700000000",
    "SET user:2 b",
    "MULTI",
    "SELECT 1",
    "DEL user:2 x",
    "EXEC",
    "#TS:1700000060",
    "xgroup CREATE s g $",
];

#[test]
fn text_is_what_comes_without_options() {
    insta::assert_snapshot!(shown(&LINES, &[]), @r##"
    offset  db    command
         0   0    SELECT 0
        23   0    SET user:1 a

    offset  db  time (UTC)             command
        55      2023-11-14 22:13:20    #TS:1700000000
        71   0  2023-11-14 22:13:20    SET user:2 b
       103   0  2023-11-14 22:13:20  ┌ MULTI
       118   1  2023-11-14 22:13:20  │ SELECT 1
       141   1  2023-11-14 22:13:20  │ DEL user:2 x
       173   1  2023-11-14 22:13:20  └ EXEC
       187      2023-11-14 22:14:20    #TS:1700000060
       203   1  2023-11-14 22:14:20    xgroup CREATE s g $
    "##);
}

#[test]
fn each_filter_keeps_what_it_says() {
    for (arguments, expected) in [
        (&["--db", "1"][..], &["SELECT 1", "DEL user:2 x", "EXEC", "xgroup CREATE s g $"][..]),
        (&["--db", "1", "--db", "7", "--command", "del"], &["DEL user:2 x"]),
        (&["--key", "user:*"], &["SET user:1 a", "SET user:2 b", "DEL user:2 x"]),
        (&["--key", "x", "--key", "s"], &["DEL user:2 x", "xgroup CREATE s g $"]),
        (&["--command", "Select"], &["SELECT 0", "SELECT 1"]),
        (&["--command", "xgroup|create"], &["xgroup CREATE s g $"]),
        (&["--command", "XGROUP destroy"], &[]),
        (&["--since", "1700000060"], &["#TS:1700000060", "xgroup CREATE s g $"]),
        (&["--since", "2023-11-14T22:13:20.5Z", "--key", "*"], &["xgroup CREATE s g $"]),
        (&["--until", "2023-11-14 22:13:20", "--command", "set"], &["SET user:1 a", "SET user:2 b"]),
        (&["--until", "2023-11-14"], &["SELECT 0", "SET user:1 a"]),
        (&["--from", "24", "--to", "71"], &["#TS:1700000000"]),
        (&["--from", "24", "--to", "72"], &["#TS:1700000000", "SET user:2 b"]),
        (&["--limit", "2"], &["SELECT 0", "SET user:1 a"]),
        (&["-n", "0"], &[]),
        (&["--tail", "2"], &["#TS:1700000060", "xgroup CREATE s g $"]),
        (&["--tail", "0"], &[]),
        (&["--tail", "100", "--command", "exec"], &["EXEC"]),
        (&["--limit", "4", "--tail", "3", "--key", "*"], &["SET user:2 b", "DEL user:2 x", "xgroup CREATE s g $"]),
    ] {
        assert_eq!(kept(&LINES, arguments), expected, "{arguments:?}");
        let count = shown(&LINES, &[arguments, &["--count"]].concat());
        assert_eq!(count, format!("{}\n", expected.len()), "{arguments:?}");
    }
}

#[test]
fn every_tail_is_the_end_of_the_whole() {
    let lines: Vec<&str> = LINES.iter().copied().cycle().take(200).collect();
    for filter in [&[][..], &["--command", "set"], &["--db", "1"]] {
        let whole = kept(&lines, filter);
        for tail in [1, 2, 3, 7, 40, 199, 300] {
            let expected = &whole[whole.len().saturating_sub(tail)..];
            assert_eq!(kept(&lines, &[filter, &["--tail", &tail.to_string()]].concat()), expected, "{filter:?} {tail}");
        }
    }
}

#[test]
fn resp_is_a_log_again_and_without_filters_the_same() {
    let directory = Directory::new();
    let bytes = log(&LINES);
    let path = directory.file("a.aof", &bytes);
    inspect().args(["--format", "resp"]).arg(&path).assert().success().stdout(bytes);
    let expected = log(&["#TS:1700000000", "MULTI", "SELECT 1", "DEL user:2 x", "EXEC"]);
    inspect().args(["--format", "resp", "--command", "del"]).arg(&path).assert().success().stdout(expected.clone());
    // A limit inside a transaction does not cut it.
    inspect().args(["--format", "resp", "-n1", "--command", "del"]).arg(&path).assert().success().stdout(expected);
    let until_inside = log(&LINES[..6].iter().chain(&["EXEC"]).copied().collect::<Vec<_>>());
    inspect().args(["--format", "resp", "--to", "141"]).arg(&path).assert().success().stdout(until_inside);
}

#[test]
fn a_damaged_log_is_shown_up_to_the_damage() {
    let directory = Directory::new();
    let cut = [log(&["SET a 1"]), b"*3\r\n$3\r\nSET\r\n$5\r\nab".to_vec()].concat();
    let path = directory.file("a.aof", &cut);
    for arguments in [&["--format", "json"][..], &["--format", "json", "--tail", "1"], &["--count"]] {
        inspect()
            .args(arguments)
            .arg(&path)
            .assert()
            .code(1)
            .stdout(contains("SET").or(predicates::ord::eq("1\n")))
            .stderr(contains("a.aof: the file ends inside argument 2, 5 bytes"))
            .stderr(contains(", in the record that starts at byte 27 (byte 46, record 2)\n"))
            .stderr(contains("aofkit check").and(contains("aofkit fix")));
    }
    let path = directory.file("open.aof", &log(&["SET a 1", "MULTI", "SET b 1"]));
    inspect()
        .arg(&path)
        .assert()
        .code(1)
        .stdout(contains("┌ MULTI").and(contains("│ SET b 1")))
        .stderr(contains("open.aof: the file ends inside the transaction").and(contains("(byte 27, record 2)\n")));
    inspect().args(["--format", "resp"]).arg(&path).assert().code(1).stdout(log(&["SET a 1"]));
}

#[test]
fn every_part_of_a_log_is_shown_in_order() {
    let directory = Directory::new();
    directory.file("b.rdb", &rdb());
    directory.file("i1", &log(&["#TS:1700000000", "SELECT 3", "MULTI", "SET a 1", "EXEC"]));
    directory.file("i2", &log(&["SET b 1", "MULTI", "EXEC"]));
    let manifest = "file b.rdb seq 1 type b\nfile i1 seq 1 type i\nfile i2 seq 2 type i\n";
    directory.file("a.manifest", manifest.as_bytes());
    let output = inspect().arg(directory.path()).assert().success().get_output().stdout.clone();
    insta::assert_snapshot!(String::from_utf8(output).unwrap(), @r##"
    ── b.rdb ── base, 63 bytes
    offset  db  type    encoding        bytes  key
         9      aux                         5  redis-ver 5.0.0
        31   3  string  string              6  user:1  expires 2023-11-14T22:13:20Z  alice

    ── i1 ── incr, 95 bytes
    offset  db  time (UTC)             command
         0      2023-11-14 22:13:20    #TS:1700000000
        16   3  2023-11-14 22:13:20    SELECT 3
        39   3  2023-11-14 22:13:20  ┌ MULTI
        54   3  2023-11-14 22:13:20  │ SET a 1
        81   3  2023-11-14 22:13:20  └ EXEC

    ── i2 ── incr, 56 bytes
    offset  db  time (UTC)             command
         0   0  2023-11-14 22:13:20    SET b 1
        27   0  2023-11-14 22:13:20  ┌ MULTI
        42   0  2023-11-14 22:13:20  └ EXEC
    "##);
    let output = inspect().args(["--format", "json", "--key", "*"]).arg(directory.path()).assert().success();
    let output = String::from_utf8_lossy(&output.get_output().stdout).into_owned();
    let (header, records) = output.split_once('\n').unwrap();
    let path = directory.path().display();
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(header, format!("{{\"aofkit\":\"{version}\",\"schema\":1,\"kind\":\"log\",\"path\":\"{path}\"}}"));
    insta::assert_snapshot!(records, @r##"
    {"kind":"entry","part":"b.rdb","offset":31,"length":23,"db":3,"key":"user:1","type":"string","encoding":"string","bytes":6,"expiry_ms":1700000000000,"value":"alice"}
    {"kind":"command","part":"i1","offset":54,"length":27,"record":4,"db":3,"time_ms":1700000000000,"transaction":1,"command":"SET","arguments":["a","1"]}
    {"kind":"command","part":"i2","offset":0,"length":27,"record":1,"db":0,"time_ms":1700000000000,"command":"SET","arguments":["b","1"]}
    "##);
    inspect().args(["--skip-rdb", "--db", "3", "--count"]).arg(directory.path()).assert().success().stdout("4\n");
    inspect().args(["--part", "i2", "--from", "1", "--count"]).arg(directory.path()).assert().success().stdout("2\n");
    inspect()
        .args(["--from", "1"])
        .arg(directory.path())
        .assert()
        .code(2)
        .stdout("")
        .stderr(contains("--part: b.rdb, i1, i2"));
    inspect().args(["--part", "i3"]).arg(directory.path()).assert().code(2).stderr(contains("no part is named i3"));
}

#[test]
fn an_rdb_is_not_written_as_half_a_log() {
    let directory = Directory::new();
    let path = directory.file("preamble.aof", &[rdb(), log(&["SET a 1"])].concat());
    let resp = || {
        let mut command = inspect();
        command.args(["--format", "resp"]).arg(&path);
        command
    };
    resp().assert().code(2).stdout("").stderr(contains("--skip-rdb"));
    for arguments in [&["--skip-rdb"][..], &["--from", "63"], &["--command", "set"]] {
        resp().args(arguments).assert().success().stdout(log(&["SET a 1"]));
    }
    resp().arg("--count").assert().success().stdout("3\n");
}

#[test]
fn what_comes_on_standard_input_is_shown_too() {
    let bytes = log(&["SET a 1"]);
    inspect()
        .args(["--format", "json", "-"])
        .write_stdin(bytes.clone())
        .assert()
        .success()
        .stdout(contains("\"part\":\"-\""));
    inspect().args(["--count", "-"]).write_stdin("").assert().success().stdout("0\n");
    inspect().args(["--follow", "-"]).write_stdin(bytes).assert().code(2).stderr(contains("standard input"));
}

#[test]
fn several_logs_are_told_apart() {
    let directory = Directory::new();
    let paths = [directory.file("a.aof", &log(&["SET a 1"])), directory.file("b.aof", &log(&["SET b 1", "DEL b"]))];
    let [a, b] = [&paths[0], &paths[1]].map(|path| path.display().to_string());
    inspect().args(&paths).arg("--count").assert().success().stdout(format!("{a}:1\n{b}:2\n"));
    let missing = directory.path().join("missing");
    inspect()
        .arg("--format=json")
        .args([&paths[0], &missing, &paths[1]])
        .assert()
        .code(2)
        .stdout(contains(format!("\"path\":\"{a}\",\"part\"")).and(contains(format!("\"path\":\"{b}\",\"part\""))))
        .stderr(contains("missing"));
}

#[test]
fn nothing_from_the_log_reaches_a_terminal_raw() {
    let directory = Directory::new();
    let path = directory.file("a.aof", b"*3\r\n$3\r\nS\x1bT\r\n$2\r\n\xc2\x9b\r\n$2\r\n\r\n\r\n#\x1b]0;x\x07\r\n");
    for format in ["text", "json"] {
        let output = inspect().args(["--format", format]).arg(&path).assert().success().get_output().stdout.clone();
        let text = String::from_utf8(output).unwrap();
        assert!(text.chars().all(|character| character == '\n' || !character.is_control()), "{text:?}");
    }
}

#[test]
fn a_wrong_command_line_is_told_so() {
    for (arguments, message) in [
        (&["--since", "yesterday", "x"][..], "not a time"),
        (&["--since", "5", "--until", "4", "x"], "--since is later than --until"),
        (&["--from", "5", "--to", "5", "x"], "--to must be greater"),
        (&["--command", "", "x"], "--command needs a name"),
        (&["--command", "a b c", "x"], "--command needs a name"),
        (&["--count", "--follow", "x"], "cannot be used with"),
        (&["--follow", "x", "y"], "--follow needs exactly one PATH"),
        (&["--format", "yaml", "x"], "possible values: text, json, resp"),
        (&["--db=-1", "x"], "--db"),
        (&[], "PATH"),
    ] {
        inspect().args(arguments).assert().code(2).stdout("").stderr(contains(message));
    }
}

#[test]
fn damage_before_the_first_offset_that_is_wanted_is_skipped() {
    let directory = Directory::new();
    let before = log(&["SELECT 2", "MULTI", "SET a 1"]);
    let torn = b"*3\r\n$3\r\nSET\r\n$3\r\nb\r\n$1\r\n1\r\n";
    let mut bytes = [&before[..], torn, &log(&["EXEC", "SET c 1"]), torn].concat();
    let from = bytes.len() as u64;
    bytes.extend(log(&["SET d 1", "MULTI", "SET e 1", "EXEC"]));
    let path = directory.file("a.aof", &bytes);
    let first = format!("starts at byte {} (byte {}, record 4)", before.len(), before.len() + 20);
    for (from, resp) in [
        (from, &["SELECT 2", "SET d 1", "MULTI", "SET e 1", "EXEC"][..]),
        (from + 1, &["MULTI", "SELECT 2", "SET e 1", "EXEC"]),
        (from - 1, &["SELECT 2", "SET d 1", "MULTI", "SET e 1", "EXEC"]),
    ] {
        let run =
            |options: &[&str]| inspect().args(["--from", &from.to_string()]).args(options).arg(&path).assert().code(1);
        let shown = run(&["--format", "resp"]);
        assert_eq!(shown.get_output().stdout, log(resp), "{from}");
        let said = String::from_utf8(shown.get_output().stderr.clone()).unwrap();
        assert!(said.contains(&first) && said.matches("a.aof: ").count() == 1, "{said}");
        let tail = run(&["--format", "resp", "--tail", "1"]);
        assert_eq!(tail.get_output().stdout, b"", "half of a transaction");
        let text = String::from_utf8(run(&["--format", "json"]).get_output().stdout.clone()).unwrap();
        let last = text.lines().last().unwrap();
        assert!(last.contains(&format!("\"offset\":{}", bytes.len() - 14)), "{last}");
    }
    // Damage at the offset or after it ends the reading as before.
    inspect().args(["--from", &before.len().to_string(), "--count"]).arg(&path).assert().code(1).stdout("0\n");
}

#[test]
fn a_name_that_no_server_has_is_remarked_on() {
    let directory = Directory::new();
    let path = directory.file("a.aof", &log(&["SET a 1"]));
    inspect()
        .args(["--command", "ste"])
        .arg(&path)
        .assert()
        .success()
        .stdout("")
        .stderr(contains("ste is not a command"));
}

#[test]
fn the_help_has_examples_and_says_where_the_fields_of_json_are() {
    inspect()
        .arg("--help")
        .assert()
        .success()
        .stdout(contains("Examples:").and(contains("the man page lists their fields")));
}

#[test]
fn what_cannot_be_read_is_said_once_and_what_is_no_log_is_not_to_be_fixed() {
    let directory = Directory::new();
    let missing = directory.path().join("missing");
    let expected = format!("aofkit: {}: cannot open: No such file or directory\n", missing.display());
    inspect().arg(&missing).assert().code(2).stdout("").stderr(expected);
    let path = directory.file("notes.txt", b"buy milk\n");
    let output = inspect().arg(&path).assert().code(1).stdout("").get_output().stderr.clone();
    let talk = String::from_utf8(output).unwrap();
    assert!(talk.contains("(byte 0, record 1)") && talk.contains("nothing in this file reads as a log"), "{talk}");
    assert!(!talk.contains("aofkit fix"), "{talk}");
}

#[test]
fn only_what_can_grow_is_followed() {
    let directory = Directory::new();
    let path =
        directory.file("a.aof.gz", b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\x03\x00\x00\x00\x00\x00\x00\x00\x00\x00");
    inspect().arg("--follow").arg(&path).assert().code(2).stderr(contains("compressed"));
    inspect().args(["--follow", "/dev/null"]).assert().code(2).stderr(contains("only a regular file"));
}
