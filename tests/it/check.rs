//! `aofkit check`, black box: every kind of input, option and format.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use aofkit::Server;
use aofkit::aof::log::walk_tree;
use serde_json::Value;
use tempfile::TempDir;

use crate::harness::files::{gzip, logs, testdata};
use crate::harness::log::command;

/// A sound log of three records.
fn sound() -> Vec<u8> {
    [command(&["SELECT", "0"]), command(&["SET", "a", "one"]), command(&["DEL", "b", "c"])].concat()
}

/// The same, truncated inside its last record.
fn torn() -> Vec<u8> {
    let mut log = sound();
    log.truncate(log.len() - 5);
    log
}

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// A folder with these files, in directories of their own where the name says so.
    fn with(files: &[(&str, &[u8])]) -> Self {
        let folder = Self::new();
        for (name, bytes) in files {
            folder.file(name, bytes);
        }
        folder
    }

    fn file(&self, name: impl AsRef<OsStr>, bytes: &[u8]) -> PathBuf {
        let path = self.0.path().join(name.as_ref());
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }

    /// Runs `aofkit check` in it.
    fn check<A: AsRef<OsStr>>(&self, arguments: &[A]) -> Answer {
        Answer::of(aofkit(self.0.path()).args(arguments).stdin(Stdio::null()).output().unwrap())
    }

    /// The same, with standard input.
    fn check_stdin(&self, arguments: &[&str], stdin: impl Into<Stdio>) -> Answer {
        Answer::of(aofkit(self.0.path()).args(arguments).stdin(stdin).output().unwrap())
    }
}

fn aofkit(directory: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_aofkit"));
    command.current_dir(directory).arg("check");
    command
}

#[derive(Debug)]
struct Answer {
    code: Option<i32>,
    out: String,
    talk: String,
}

impl Answer {
    fn of(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("output that is UTF-8");
        Self { code: output.status.code(), out: text(output.stdout), talk: text(output.stderr) }
    }

    /// The exit code, after checks that apply to every run.
    #[track_caller]
    fn code(&self) -> i32 {
        let obeyed = |character: char| character.is_control() && character != '\n';
        assert!(!self.out.contains(obeyed), "raw control characters: {:?}", self.out);
        assert!(!self.talk.contains(obeyed), "raw control characters: {:?}", self.talk);
        self.code.expect("an exit, not a signal")
    }

    /// The JSON objects, one a line.
    #[track_caller]
    fn json(&self) -> Vec<Value> {
        self.out.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
    }
}

/// Runs `aofkit check` in `testdata`.
fn check_testdata(arguments: &[&str]) -> Answer {
    Answer::of(aofkit(&testdata()).args(arguments).stdin(Stdio::null()).output().unwrap())
}

// --- exit codes and paths ---

#[test]
fn the_exit_code_is_that_of_the_worst_log() {
    let folder = Folder::with(&[("good", &sound()), ("bad", &torn())]);
    assert_eq!(folder.check(&["good"]).code(), 0);
    assert_eq!(folder.check(&["bad", "good"]).code(), 1);
    let all = folder.check(&["bad", "missing", "good"]);
    assert_eq!(all.code(), 2);
    assert!(all.out.starts_with("bad: torn at the end\n") && all.out.contains("\n\ngood: sound\n"), "{}", all.out);
    assert_eq!(all.talk, "aofkit: missing: cannot open: No such file or directory\n");
}

#[test]
fn a_wrong_command_line_is_exit_code_2() {
    let folder = Folder::with(&[("good", &sound())]);
    for arguments in [
        &[][..],
        &["--server", "redis-5", "good"],
        &["--format", "yaml", "good"],
        &["--threads", "0", "good"],
        &["--no-such-option", "good"],
    ] {
        let answer = folder.check(arguments);
        assert_eq!((answer.code(), answer.out.as_str()), (2, ""), "{arguments:?}");
        assert!(!answer.talk.is_empty(), "{arguments:?}");
    }
    let help = folder.check(&["--help"]);
    assert_eq!((help.code(), help.talk.as_str()), (0, ""));
    assert!(help.out.contains("Exit codes:"));
}

#[test]
fn quiet_says_nothing_but_what_it_cannot_read() {
    let folder = Folder::with(&[("good", &sound()), ("bad", &torn())]);
    for format in ["text", "json", "github", "junit"] {
        let answer = folder.check(&["-q", "--format", format, "bad", "good"]);
        assert_eq!((answer.code(), answer.out.as_str(), answer.talk.as_str()), (1, "", ""), "{format}");
    }
    let answer = folder.check(&["--quiet", "missing"]);
    assert_eq!((answer.code(), answer.out.as_str()), (2, ""));
    assert!(answer.talk.contains("missing: cannot open"));
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let folder = Folder::with(&[("bad", &torn())]);
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    // Enough to fill every buffer on the way.
    let arguments = vec!["bad"; 2000];
    let output = aofkit(folder.0.path()).args(arguments).stdout(writer).stderr(Stdio::piped()).output().unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
}

// --- what a path may be ---

#[test]
fn a_manifest_its_directory_and_the_data_directory_are_the_same_log() {
    let folder = Folder::with(&[
        ("data/appendonlydir/a.manifest", b"file base seq 1 type b\nfile incr seq 1 type i\n"),
        ("data/appendonlydir/base", &sound()),
        ("data/appendonlydir/incr", &torn()),
        ("data/dump.rdb", b"a snapshot, which is no part of the log"),
    ]);
    let of = |path: &str| {
        let answer = folder.check(&["--format", "json", path]);
        assert_eq!(answer.code(), 1, "{path}");
        let json = answer.json();
        assert_eq!(json.len(), 1, "{path} is one log");
        assert_eq!(json[0]["path"], path);
        (json[0]["manifest"].clone(), json[0]["parts"].clone(), json[0]["server"].clone())
    };
    let data = of("data");
    assert_eq!(data, of("data/appendonlydir"));
    assert_eq!(data, of("data/appendonlydir/a.manifest"));
    assert_eq!(data.1[1]["valid_up_to"], 52);
}

#[test]
fn a_tree_is_every_log_in_it() {
    let folder = Folder::with(&[
        ("tree/a.aof", &torn()),
        ("tree/notes.txt", b"no log"),
        ("tree/one/appendonlydir/x.manifest", b"file x.1.incr.aof seq 1 type i\n"),
        ("tree/one/appendonlydir/x.1.incr.aof", &sound()),
        ("tree/two/deep/b", &sound()),
        ("tree/appendonlydir/y.manifest", b"file y.1.incr.aof seq 1 type i\n"),
        ("tree/appendonlydir/y.1.incr.aof", &sound()),
    ]);
    let answer = folder.check(&["--format", "json", "tree"]);
    assert_eq!(answer.code(), 1);
    let paths: Vec<_> = answer.json().iter().map(|log| log["path"].as_str().unwrap().to_owned()).collect();
    // Also names that data directories do not have.
    let expected =
        ["tree/a.aof", "tree/appendonlydir/y.manifest", "tree/one/appendonlydir/x.manifest", "tree/two/deep/b"];
    assert_eq!(paths, expected);
}

#[test]
fn a_log_that_reads_as_a_manifest_does_not_hide_those_beside_it() {
    let answer = check_testdata(&["--format", "json", "damaged"]);
    let logs = walk_tree(&testdata().join("damaged")).unwrap().logs;
    assert_eq!(answer.json().len(), logs.len());
}

#[test]
fn a_directory_without_a_log_is_exit_code_2() {
    let folder = Folder::with(&[("empty/notes.txt", b"no log")]);
    let answer = folder.check(&["empty"]);
    assert_eq!((answer.code(), answer.out.as_str()), (2, ""));
    assert_eq!(answer.talk, "aofkit: empty: no manifest in this directory, nor in one directly below it\n");
}

#[test]
fn standard_input_is_a_pipe_a_file_or_compressed() {
    let folder = Folder::with(&[("good", &sound())]);
    let json = |answer: &Answer| {
        assert_eq!(answer.code(), 0, "{answer:?}");
        let log = answer.json().remove(0);
        assert_eq!((&log["path"], &log["records"]), (&Value::from("-"), &Value::from(3)));
        log["parts"][0]["container"].clone()
    };
    let redirected = folder.check_stdin(&["--format", "json", "-"], File::open(folder.0.path().join("good")).unwrap());
    assert_eq!(json(&redirected), "plain");
    for (bytes, container) in [(sound(), "plain"), (gzip(&sound()), "gzip"), (zstd(&sound()), "zstd")] {
        assert_eq!(json(&piped(&folder, &["--format", "json", "-"], &bytes)), container);
    }
    let manifest = piped(&folder, &["-"], b"file a seq 1 type b\n");
    assert_eq!((manifest.code(), manifest.out.as_str()), (2, ""));
    assert!(manifest.talk.contains("does not say where its files are"), "{}", manifest.talk);
    let torn = piped(&folder, &["-"], &torn());
    assert_eq!(torn.code(), 1);
    assert!(torn.out.contains("write it to a file, then run: aofkit fix FILE"), "{}", torn.out);
}

/// With bytes through a pipe on standard input.
fn piped(folder: &Folder, arguments: &[&str], bytes: &[u8]) -> Answer {
    let mut process = aofkit(folder.0.path())
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    process.stdin.take().unwrap().write_all(bytes).unwrap();
    Answer::of(process.wait_with_output().unwrap())
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 3).unwrap()
}

#[test]
fn compressed_files_are_read_and_cut_ones_are_damaged() {
    let bytes = sound().repeat(2000);
    for (name, packed) in [("gzip", gzip(&bytes)), ("zstd", zstd(&bytes))] {
        let folder = Folder::with(&[("whole", &packed), ("cut", &packed[..packed.len() - 9])]);
        let whole = folder.check(&["--format", "json", "whole"]);
        assert_eq!(whole.code(), 0, "{name}");
        let part = &whole.json()[0]["parts"][0];
        assert_eq!((&part["container"], &part["bytes"]), (&Value::from(name), &Value::from(bytes.len())));
        let cut = folder.check(&["--format", "json", "cut"]);
        // If nothing can be decompressed, there is no report.
        if cut.code() == 2 {
            assert!(cut.talk.contains(&format!("the {name} stream cannot be decompressed")), "{}", cut.talk);
            continue;
        }
        assert_eq!(cut.code(), 1, "{name}");
        let findings = &cut.json()[0]["findings"];
        assert_eq!((&findings[0]["code"], &findings[0]["severity"]), (&"compression".into(), &"error".into()));
    }
}

#[test]
fn a_fifo_is_read_to_its_end() {
    let folder = Folder::new();
    let path = fifo(&folder);
    let process = aofkit(folder.0.path()).arg("fifo").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    fs::write(&path, sound()).unwrap();
    let answer = Answer::of(process.wait_with_output().unwrap());
    assert_eq!(answer.code(), 0, "{answer:?}");
}

fn fifo(folder: &Folder) -> PathBuf {
    let path = folder.0.path().join("fifo");
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    path
}

#[test]
fn a_device_is_refused() {
    let answer = Folder::new().check(&["/dev/null"]);
    assert_eq!((answer.code(), answer.out.as_str()), (2, ""));
    assert_eq!(answer.talk, "aofkit: /dev/null: this is a character device, not a log\n");
}

#[test]
fn what_may_not_be_read_is_said_and_the_rest_reported() {
    let folder = Folder::with(&[("secret", &sound()), ("good", &sound())]);
    fs::set_permissions(folder.0.path().join("secret"), fs::Permissions::from_mode(0o000)).unwrap();
    if File::open(folder.0.path().join("secret")).is_ok() {
        eprintln!("skipped: this user may read everything");
        return;
    }
    let answer = folder.check(&["secret", "good"]);
    assert_eq!(answer.code(), 2);
    assert_eq!(answer.talk, "aofkit: secret: cannot open: Permission denied\n");
    assert!(answer.out.starts_with("good: sound\n"));
}

#[test]
fn nothing_is_opened_for_writing() {
    let folder = Folder::with(&[("bad", &torn())]);
    let path = folder.0.path().join("bad");
    let before = (fs::metadata(&path).unwrap().modified().unwrap(), fs::read(&path).unwrap());
    fs::set_permissions(&path, fs::Permissions::from_mode(0o444)).unwrap();
    fs::set_permissions(folder.0.path(), fs::Permissions::from_mode(0o555)).unwrap();
    assert_eq!(folder.check(&["bad"]).code(), 1);
    fs::set_permissions(folder.0.path(), fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!((fs::metadata(&path).unwrap().modified().unwrap(), fs::read(&path).unwrap()), before);
    assert_eq!(fs::read_dir(folder.0.path()).unwrap().count(), 1);
}

// --- hostile names ---

/// A name that colours a terminal, begins a line and a workflow command, ends a property, and is not UTF-8.
const HOSTILE: &[u8] = b"\x1b[31m\n::error::x,\"<&>\xff\xc2\x9b";

#[test]
fn a_hostile_name_reaches_no_terminal_raw() {
    let folder = Folder::new();
    let name = OsStr::from_bytes(HOSTILE);
    folder.file(name, &torn());
    for format in ["text", "json", "github", "junit"] {
        let answer = folder.check(&[OsStr::new("--format"), OsStr::new(format), name]);
        // `code` checks that there are no control characters.
        assert_eq!(answer.code(), 1, "{format}");
        let lines = answer.out.lines().filter(|line| line.starts_with("::")).count();
        assert_eq!(lines, usize::from(format == "github"), "{}", answer.out);
    }
    let missing = OsStr::from_bytes(b"\x1b]0;title\x07 missing");
    assert_eq!(folder.check(&[missing]).code(), 2);
    let manifest = [b"file \"", &b"\\x1b[31m"[..], b"\" seq 1 type i\n"].concat();
    folder.file("x.manifest", &manifest);
    for format in ["text", "json", "github", "junit"] {
        assert_eq!(folder.check(&["--format", format, "x.manifest"]).code(), 1, "{format}");
    }
}

#[test]
fn a_name_that_is_not_utf8_keeps_its_bytes_in_json() {
    let folder = Folder::new();
    folder.file(OsStr::from_bytes(b"a\xff"), &torn());
    let answer = folder.check(&[OsStr::new("--format"), OsStr::new("json"), OsStr::from_bytes(b"a\xff")]);
    assert_eq!(answer.code(), 1);
    let log = answer.json().remove(0);
    let name = serde_json::json!({"base64": "Yf8="});
    assert_eq!([&log["path"], &log["parts"][0]["name"], &log["findings"][0]["path"]], [&name; 3]);
}

#[test]
fn hostile_bytes_in_a_log_reach_no_terminal_raw() {
    let hostile = "\u{1b}[31m\u{9b}2J\r\n::error::x";
    let odd = [command(&[hostile, "x"]), command(&["SELECT", hostile]), command(&["SET", "a", "b"])].concat();
    let folder = Folder::with(&[("odd", &odd), ("wild", b"\x1b[31m\x9b")]);
    for format in ["text", "json", "github", "junit"] {
        assert_eq!(folder.check(&["--format", format, "odd", "wild"]).code(), 1, "{format}");
    }
}

// --- formats ---

#[test]
fn text_of_a_sound_log() {
    insta::assert_snapshot!(check_testdata(&["damaged/value-like-records.aof"]).out, @r##"
    damaged/value-like-records.aof: sound
      RESP, 134 bytes, 3 records

      redis-check-aof 8.6  valid
      redis-8.6            loads
      server               redis-8.6, the default: the log names no server
    "##);
}

#[test]
fn text_of_a_torn_log() {
    insta::assert_snapshot!(check_testdata(&["damaged/cut-in-transaction.aof"]).out, @r##"
    damaged/cut-in-transaction.aof: torn at the end
      RESP, 130 bytes, 4 records, valid up to byte 56

      error truncated-record at byte 130, record 5
        the file ends inside argument 3, 5 bytes too early, in a transaction that began at byte 56
        00000060  24 31 0d 0a 78 0d 0a 2a 33 0d 0a 24 33 0d 0a 53 |$1..x..*3..$3..S|
        00000070  45 54 0d 0a 24 34 0d 0a 6c 61 73 74 0d 0a 24 33 |ET..$4..last..$3|
        00000080  0d 0a                                           |..|
        00000082  [end]
        → cut the end off, and keep a copy of what is removed: aofkit fix damaged/cut-in-transaction.aof

      error leaves-transaction-open at byte 56, record 3
        redis-8.6 truncates inside this transaction and leaves it open: everything appended afterwards is lost at the next restart
        → before the server starts, remove the unfinished transaction as a whole: aofkit fix damaged/cut-in-transaction.aof

      redis-check-aof 8.6  not valid: ok up to byte 56 of 130
      redis-8.6            loads, and cuts 27 bytes at byte 103, and leaves a transaction open (with aof-load-truncated no it refuses)
      server               redis-8.6, the default: the log names no server
    "##);
}

#[test]
fn text_of_several_parts() {
    insta::assert_snapshot!(check_testdata(&["damaged/part-cut-not-last"]).out, @r##"
    damaged/part-cut-not-last: not sound
      appendonly.aof.1.base.rdb  base  RDB (version 10), 52 bytes, 1 key by redis 7.0.0
      appendonly.aof.1.incr.aof  incr  RESP, 53 bytes, 1 record, valid up to byte 23
      appendonly.aof.2.incr.aof  incr  RESP, 32 bytes, 1 record

      error truncated-record in appendonly.aof.1.incr.aof at byte 53, record 2
        the file ends inside argument 3, 3 bytes too early
        00000010  24 31 0d 0a 30 0d 0a 2a 33 0d 0a 24 33 0d 0a 53 |$1..0..*3..$3..S|
        00000020  45 54 0d 0a 24 35 0d 0a 66 69 72 73 74 0d 0a 24 |ET..$5..first..$|
        00000030  33 0d 0a 6f 6e                                  |3..on|
        00000035  [end]
        → servers accept a cut only in the last part: restore this file from a copy, a replica or a backup

      error cuts-earlier-part in appendonly.aof.1.incr.aof at byte 23, record 2
        redis-7.0 truncates this part, which is not the last, and refuses to start; the next start misses its end silently
        → do not start a server on it before there is a copy of the file

      redis-check-aof 7.0  not valid in appendonly.aof.1.incr.aof: ok up to byte 23 of 53
      redis-7.0            refuses to start in appendonly.aof.1.incr.aof: a part that is not the last ends too early, record 2 at byte 23
      server               redis-7.0, named by the RDB in the log
    "##);
}

#[test]
fn text_of_a_damaged_rdb() {
    insta::assert_snapshot!(check_testdata(&["damaged/preamble-wrong-checksum.aof"]).out, @r##"
    damaged/preamble-wrong-checksum.aof: not sound
      RDB (version 10), 107 bytes, 1 key by redis 7.0.0, valid up to byte 0

      error rdb-checksum at byte 44
        the checksum is cfd51a9318bb7d98, but cfd51a9318bb7d99 is stored
        00000000  52 45 44 49 53 30 30 31 30 fa 09 72 65 64 69 73 |REDIS0010..redis|
        00000010  2d 76 65 72 05 37 2e 30 2e 30 fe 00 fb 01 00 00 |-ver.7.0.0......|
        00000020  04 62 61 73 65 05 76 61 6c 75 65 ff[99]7d bb 18 |.base.value..}..|
        00000030  93 1a d5 cf 2a 32 0d 0a 24 36 0d 0a 53 45 4c 45 |....*2..$6..SELE|
        → at least one byte is not what was written: restore the file from a copy, or keep everything but what is damaged: aofkit fix --salvage damaged/preamble-wrong-checksum.aof

      redis-check-aof 7.0  not valid: the RDB is rejected
      redis-7.0            refuses to start: damaged RDB at byte 44
      server               redis-7.0, named by the RDB in the log
    "##);
}

#[test]
fn color_is_there_when_it_is_asked_for_and_changes_nothing_else() {
    let plain = check_testdata(&["torn.aof"]);
    let colored = check_testdata(&["--color", "always", "torn.aof"]);
    assert!(!plain.out.contains('\x1b') && colored.out.contains("\x1b["));
    let mut text = String::new();
    let mut escape = false;
    for character in colored.out.chars() {
        match character {
            '\x1b' => escape = true,
            'm' if escape => escape = false,
            _ if escape => {}
            _ => text.push(character),
        }
    }
    assert_eq!(text, plain.out);
}

/// The names of the fields of a JSON object.
fn fields(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn json_has_every_documented_field_and_no_other() {
    let sorted = |names: &str| {
        let mut names: Vec<String> = names.split_whitespace().map(str::to_owned).collect();
        names.sort();
        names
    };
    let mut has_rdb = false;
    for log in check_testdata(&["--format", "json", "."]).json() {
        let report = "aofkit schema path sound manifest bytes records parts findings checker server";
        assert_eq!(fields(&log), sorted(report));
        for part in log["parts"].as_array().unwrap() {
            let names = sorted(
                "name role sequence format container bytes valid_up_to records annotations arguments transactions \
                 databases first_time_ms last_time_ms rdb",
            );
            if !part["rdb"].is_null() {
                has_rdb = true;
                assert_eq!(fields(&part["rdb"]), sorted("version producer keys expires functions end"));
            }
            assert_eq!(fields(part), names);
        }
        for finding in log["findings"].as_array().unwrap() {
            assert_eq!(fields(finding), sorted("code severity path offset record count message advice"));
        }
        assert_eq!(fields(&log["checker"]), sorted("tool valid part ok_up_to says"));
        assert_eq!(
            fields(&log["server"]),
            sorted("version release chosen_by outcome part offset record cut_at does log")
        );
    }
    assert!(has_rdb);
}

#[test]
fn json_says_what_is_in_the_log() {
    let log = [
        b"#TS:1700000000\r\n".to_vec(),
        command(&["SELECT", "3"]),
        command(&["MULTI"]),
        command(&["SET", "a", "b"]),
        command(&["EXEC"]),
        b"#TS:1700000005\r\n".to_vec(),
        b"*2\r\n$3\r\nDEL\r\n$4\r\nke".to_vec(),
    ]
    .concat();
    let folder = Folder::with(&[("log", &log)]);
    let answer = folder.check(&["--format", "json", "log"]);
    assert_eq!((answer.code(), answer.talk.as_str()), (1, ""));
    let expected = serde_json::json!({
        "aofkit": env!("CARGO_PKG_VERSION"), "schema": 1,
        "path": "log", "sound": false, "manifest": null, "bytes": 130, "records": 6,
        "parts": [{
            "name": "log", "role": "single", "sequence": null, "format": "RESP", "container": "plain", "bytes": 130,
            "valid_up_to": 111, "records": 6, "annotations": 2, "arguments": 7, "transactions": 1, "databases": [3],
            "first_time_ms": 1_700_000_000_000_u64, "last_time_ms": 1_700_000_005_000_u64, "rdb": null,
        }],
        "findings": [{
            "code": "truncated-record", "severity": "error", "path": "log", "offset": 130, "record": 7, "count": 1,
            "message": "the file ends inside argument 2, 4 bytes too early",
            "advice": "cut the end off, and keep a copy of what is removed: aofkit fix log",
        }],
        "checker": {
            "tool": "redis-check-aof 8.6", "valid": false, "part": "log", "ok_up_to": 111,
            "says": "not valid: ok up to byte 111 of 130",
        },
        "server": {
            "version": "redis-8.6", "release": "redis-8.6", "chosen_by": "default", "outcome": "cuts", "part": "log", "offset": 111, "record": 7, "cut_at": 95,
            "does": "loads, and cuts 35 bytes at byte 95 (with aof-load-truncated no it refuses)",
            "log": [
                "!!! Warning: short read while loading the AOF file log!!!",
                "!!! Truncating the AOF log at offset 95 !!!",
                "AOF appendonlydir/log loaded anyway because aof-load-truncated is enabled",
            ],
        },
    });
    assert_eq!(answer.json(), [expected]);
}

#[test]
fn github_annotates_each_finding_and_what_cannot_be_read() {
    let folder = Folder::with(&[("good", &sound()), ("a,b", &torn()), ("empty", b"")]);
    let answer = folder.check(&["--format", "github", "good", "a,b", "empty", "missing"]);
    assert_eq!(answer.code(), 2);
    insta::assert_snapshot!(answer.out, @r##"
    ::error file=a%2Cb,line=1,title=aofkit truncated-record::byte 74, record 3: the file ends inside the length of argument 3; cut the end off, and keep a copy of what is removed: aofkit fix a,b
    ::notice file=empty,line=1,title=aofkit empty-log::the log holds no record and no key; a server starts with it and has no data
    ::error file=missing,line=1,title=aofkit::cannot open: No such file or directory
    "##);
}

#[test]
fn junit_is_well_formed_and_counts_its_cases() {
    let folder = Folder::with(&[("good", &sound()), ("<a & \"b\">", &torn()), ("empty", b"")]);
    let answer = folder.check(&["--format", "junit", "good", "<a & \"b\">", "empty", "missing"]);
    assert_eq!(answer.code(), 2);
    let elements = xml_elements(&answer.out);
    let count = |name: &str| elements.iter().filter(|element| *element == name).count();
    assert_eq!((count("testcase"), count("failure"), count("error"), count("system-out")), (4, 1, 1, 1));
    assert!(answer.out.contains(r#"tests="4" failures="1" errors="1""#));
    assert!(answer.out.contains(r#"name="&lt;a &amp; &quot;b&quot;&gt;""#));
    let everything = check_testdata(&["--format", "junit", "."]);
    assert_eq!(xml_elements(&everything.out).iter().filter(|name| *name == "testcase").count(), logs(".").len());
}

/// The names of the elements, in order; panics if the XML is not well-formed. The parser supports only the XML that is
/// written here.
fn xml_elements(text: &str) -> Vec<String> {
    let mut rest = text.strip_prefix("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n").expect("an XML declaration");
    let (mut elements, mut open) = (Vec::new(), Vec::<String>::new());
    let entities = |text: &str| {
        for piece in text.split('&').skip(1) {
            assert!(["amp;", "lt;", "gt;", "quot;"].iter().any(|entity| piece.starts_with(entity)), "&{piece}");
        }
    };
    while let Some(start) = rest.find('<') {
        let (before, tag) = rest.split_at(start);
        assert!(!before.contains('>'), "a bare '>' in {before}");
        entities(before);
        let (tag, behind) = tag[1..].split_once('>').expect("a tag that ends");
        rest = behind;
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(name), "an end without its start");
            continue;
        }
        let (tag, alone) = tag.strip_suffix('/').map_or((tag, false), |tag| (tag, true));
        let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        entities(attributes);
        assert!(attributes.matches('"').count().is_multiple_of(2) && !attributes.contains('<'), "{attributes}");
        elements.push(name.to_owned());
        if !alone {
            open.push(name.to_owned());
        }
    }
    assert_eq!((open.len(), rest.trim()), (0, ""), "elements that do not end");
    elements
}

// --- what does not change the result ---

#[test]
fn threads_do_not_change_a_byte_of_the_output() {
    let alone = check_testdata(&["--threads", "1", "--format", "json", "."]);
    let together = check_testdata(&["--threads", "3", "--format", "json", "."]);
    assert_eq!((alone.code(), alone.out.lines().count()), (1, logs(".").len()));
    assert_eq!(alone.out, together.out);
}

#[test]
fn the_server_is_the_one_that_was_asked_for() {
    for server in Server::ALL {
        let answer = check_testdata(&["--server", server.name(), "--format", "json", "torn.aof"]);
        assert_eq!(answer.code(), 1);
        assert_eq!(answer.json()[0]["server"]["version"], server.name());
    }
    // Only Valkey 9 cuts before the transaction; the others leave it open.
    let cut_at = |server| {
        let log = check_testdata(&["--server", server, "--format", "json", "torn.aof"]).json().remove(0);
        (log["server"]["cut_at"].clone(), log["parts"][0]["valid_up_to"].clone(), log["findings"][1]["code"].clone())
    };
    let (cut, valid, second) = cut_at("valkey-9");
    assert_eq!((cut, second), (valid, Value::Null));
    let (cut, valid, second) = cut_at("redis-7.0");
    assert!(cut.as_u64() > valid.as_u64());
    assert_eq!(second, "leaves-transaction-open");
}

#[test]
fn the_exit_code_is_what_the_report_says() {
    for server in Server::ALL {
        for log in check_testdata(&["--server", server.name(), "--format", "json", "."]).json() {
            let errors = log["findings"].as_array().unwrap().iter().any(|finding| finding["severity"] == "error");
            // A RESTORE that fails leaves a key out and the server running.
            let lacks = |finding: &Value| finding["code"] == "restore-fails";
            // So does a manifest that lost a line.
            let loses = |finding: &Value| finding["code"] == "unlisted-file" && finding["severity"] == "error";
            let lacking = log["findings"].as_array().unwrap().iter().any(|finding| lacks(finding) || loses(finding));
            let clean = log["checker"]["valid"] == true && log["server"]["outcome"] == "loads" && !lacking;
            assert_eq!((&log["sound"], !errors), (&Value::from(clean), clean), "{} for {server}", log["path"]);
        }
    }
    let sound = ["logs/redis-6.2/plain.aof", "logs/redis-8.0.6/rdb-base", "damaged/value-like-records.aof"];
    assert_eq!(check_testdata(&sound).code(), 0);
}

#[test]
fn a_bus_error_ends_with_a_word_and_exit_code_2() {
    let folder = Folder::new();
    let path = fifo(&folder);
    let mut process = aofkit(folder.0.path())
        .arg("fifo")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It waits in open() until there is a writer; the handler is installed before.
    let writer = open_for_writing(&path, &mut process);
    let kill = Command::new("sh").args(["-c", &format!("kill -BUS {}", process.id())]).status().unwrap();
    assert!(kill.success());
    let answer = Answer::of(process.wait_with_output().unwrap());
    drop(writer);
    assert_eq!((answer.code(), answer.out.as_str()), (2, ""));
    assert_eq!(answer.talk, "aofkit: a file became shorter, or could not be read, while it was mapped; run again\n");
}

/// Opens a FIFO once it has a reader.
fn open_for_writing(path: &Path, reader: &mut Child) -> File {
    let begin = Instant::now();
    let nonblocking = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap();
    loop {
        match OpenOptions::new().write(true).custom_flags(nonblocking).open(path) {
            Ok(file) => return file,
            Err(error) => {
                let over = reader.try_wait().unwrap();
                assert!(over.is_none() && begin.elapsed() < Duration::from_secs(20), "{error}, {over:?}");
                std::thread::sleep(Duration::from_millis(2));
            }
        }
    }
}
