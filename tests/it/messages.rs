//! What people read: within the columns of a terminal, without a wrong plural, and never a path or a command in two
//! pieces.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use predicates::Predicate;
use predicates::str::is_match;
use tempfile::TempDir;

use crate::harness::files::testdata;
use crate::harness::log::command;
use crate::harness::terminal;

/// Runs a subcommand on a path: its exit code, and all that it prints.
fn run(arguments: &[&str], path: &Path) -> (i32, String, String) {
    let mut program = Command::new(env!("CARGO_BIN_EXE_aofkit"));
    let output = program.args(arguments).arg(path).stdin(Stdio::null()).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

/// A few records, and a transaction of one command.
fn log() -> Vec<u8> {
    [
        command(&["SELECT", "1"]),
        command(&["SET", "k", "v"]),
        command(&["MULTI"]),
        command(&["DEL", "k"]),
        command(&["EXEC"]),
    ]
    .concat()
}

/// What is in a folder of `testdata`.
fn files_of(folder: &str) -> Vec<PathBuf> {
    let folder = testdata().join(folder);
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

#[test]
fn one_is_never_in_the_plural() {
    let plurals = "bytes|records|entries|elements|transactions|keys|times|members|databases|were|are";
    let wrong = is_match(format!(r"(?m)(^|[^\d.,])1 (\w+ )?({plurals})\b|databases \d+(,|$)")).unwrap();
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("a.aof");
    // The end of a record with one byte too few or too many, of the whole log, and a log of one byte.
    let whole = log();
    let mut logs: Vec<Vec<u8>> = [1, 2, 3, 8, 20].map(|less| whole[..whole.len() - less].to_vec()).to_vec();
    logs.extend([
        [&whole[..], b"\0"].concat(),
        b"*".to_vec(),
        b"x".to_vec(),
        command(&["SELECT", "1"]),
        b"\0".to_vec(),
    ]);
    for log in logs {
        fs::write(&path, &log).unwrap();
        let mut said = String::new();
        for arguments in [
            &["check"][..],
            &["fix", "--dry-run"],
            &["inspect"],
            &["fix", "--yes", "--force"],
            &["fix", "--undo", "--dry-run"],
            &["fix", "--undo", "--force"],
        ] {
            let (_, out, talk) = run(arguments, &path);
            said.push_str(&(out + &talk));
        }
        assert!(!wrong.eval(&said), "{said}");
    }
    // One byte was written where others had been cut off.
    fs::write(&path, &whole[..whole.len() - 1]).unwrap();
    assert_eq!(run(&["fix", "--yes", "--force"], &path).0, 0);
    let mut grown = fs::read(&path).unwrap();
    grown.push(b'#');
    fs::write(&path, &grown).unwrap();
    let (code, _, talk) = run(&["fix", "--undo", "--force"], &path);
    assert_eq!((code, wrong.eval(&talk), talk.contains("1 byte ")), (2, false, true), "{talk}");
    for path in files_of("damaged").into_iter().chain(files_of("rdb/flawed")) {
        for subcommand in ["check", "inspect"] {
            let (_, out, talk) = run(&[subcommand], &path);
            assert!(!wrong.eval(&out) && !wrong.eval(&talk), "{}: {out}{talk}", path.display());
        }
    }
}

/// Every line is short, but where it holds nothing but one piece that cannot be broken.
fn assert_fits(text: &str, columns: usize, whole: &[&str]) {
    for line in text.lines().filter(|line| line.chars().count() > columns) {
        let unbroken = whole
            .iter()
            .any(|part| line.contains(part) && (part.len() > 40 || line.trim().trim_end_matches([':', ',']) == *part));
        assert!(unbroken, "{} columns: {line}\n{text}", line.chars().count());
    }
    for part in whole {
        let joined = text.replace('\n', " ").split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(!joined.contains(part) || text.contains(part), "broken: {part}\n{text}");
    }
}

/// What a subcommand writes to a terminal of so many columns, without colours.
fn on_terminal(arguments: &[&str], path: &Path, columns: u16) -> (i32, String) {
    let mut program = Command::new(env!("CARGO_BIN_EXE_aofkit"));
    program.args(arguments).arg("--color").arg("never").arg(path).stderr(Stdio::null());
    terminal::run(program, columns)
}

#[test]
fn text_fits_a_terminal_and_breaks_no_path_and_no_command() {
    let directory = TempDir::new().unwrap();
    let copies: Vec<PathBuf> = files_of("damaged");
    for (index, source) in copies.iter().filter(|path| path.is_file()).enumerate() {
        let path = directory.path().join("a log with spaces.aof");
        fs::copy(source, &path).unwrap();
        let name = path.to_str().unwrap();
        let [undo, discard] = ["undo", "discard-copies"].map(|what| format!("aofkit fix --{what} '{name}'"));
        let kept = format!("{name}.aofkit-kept-1");
        let columns = [80, 100, 120][index % 3];
        for arguments in [&["check"][..], &["fix", "--dry-run"], &["fix", "--yes", "--force"]] {
            let (code, out) = on_terminal(arguments, &path, columns);
            assert!(code < 2, "{}", source.display());
            assert_fits(&out, usize::from(columns), &[&kept, name, &format!("aofkit fix '{name}'"), &undo, &discard]);
        }
        for copy in fs::read_dir(directory.path()).unwrap() {
            let copy = copy.unwrap().path();
            if copy.is_dir() { fs::remove_dir_all(copy).unwrap() } else { fs::remove_file(copy).unwrap() }
        }
    }
    for directory in copies.iter().filter(|path| path.is_dir()) {
        let name = directory.to_str().unwrap();
        let parts = fs::read_dir(directory).unwrap().map(|part| part.unwrap().path().display().to_string());
        let whole: Vec<String> =
            parts.flat_map(|part| [format!("aofkit fix {part}"), format!("{part}.aofkit-kept-1"), part]).collect();
        let whole: Vec<&str> = whole.iter().map(String::as_str).chain([name]).collect();
        assert_fits(&on_terminal(&["check"], directory, 80).1, 80, &whole);
        assert_fits(&on_terminal(&["fix", "--dry-run"], directory, 80).1, 80, &whole);
    }
}

#[test]
fn text_is_wrapped_on_a_terminal_at_its_width_and_nowhere_else() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("torn.aof");
    fs::write(&path, &log()[..60]).unwrap();
    let joined = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let (_, pipe, _) = run(&["check"], &path);
    let (_, wide) = on_terminal(&["check"], &path, 250);
    let (_, narrow) = on_terminal(&["check"], &path, 60);
    assert_eq!(pipe, wide);
    assert!(narrow.lines().count() > pipe.lines().count(), "{narrow}");
    assert_eq!(joined(&narrow), joined(&pipe));
    for option in ["-h", "--help"] {
        let mut program = Command::new(env!("CARGO_BIN_EXE_aofkit"));
        program.args(["fix", option]).env("NO_COLOR", "1");
        let (code, help) = terminal::run(program, 90);
        assert_eq!(code, 0);
        let widest = help.lines().map(|line| line.chars().count()).max().unwrap();
        assert!((80..=90).contains(&widest), "{help}");
    }
}

#[test]
fn a_full_disk_behind_standard_output_is_said_to_be_that() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("a.aof");
    fs::write(&path, &log()[..60]).unwrap();
    let fails = |program: &str, arguments: &[&str]| {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_aofkit"));
        command.arg0(program).args(arguments).stdin(Stdio::null()).stdout(full);
        let output = command.output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let path = path.to_str().unwrap();
    let long = directory.path().join("long.aof");
    fs::write(&long, command(&["SET", "k", "v"]).repeat(10_000)).unwrap();
    let long = long.to_str().unwrap();
    let words = "cannot write standard output: No space left on device";
    for arguments in [
        &["check", path][..],
        &["check", "--format", "json", path],
        &["check", "--format", "junit", path],
        &["fix", "--dry-run", path],
        &["fix", "--format", "json", path],
        &["inspect", path],
        &["inspect", "--format", "json", path],
        &["inspect", "--count", path],
        &["inspect", "--full", long, long],
        &["--help"],
        &["check", "--help"],
        &["--version"],
    ] {
        let (code, talk) = fails("aofkit", arguments);
        assert_eq!(talk.matches(words).count(), 1, "{arguments:?}: {talk}");
        assert_eq!(code, Some(2), "{arguments:?}");
        assert!(talk.contains(&format!("aofkit: {words}\n")), "{arguments:?}: {talk}");
    }
    assert_eq!(fails("redis-check-aof", &[path]), (Some(1), format!("redis-check-aof: {words}\n")));
}

#[test]
fn help_names_the_defaults_and_is_not_wrapped_where_there_is_no_terminal() {
    for subcommand in ["check", "fix", "inspect", "rewrite", "digest"] {
        for option in ["-h", "--help"] {
            let (code, out, _) = run(&[subcommand], Path::new(option));
            assert_eq!(code, 0);
            let words = out.split_whitespace().collect::<Vec<_>>().join(" ");
            // Of --color, of --progress, and of --server where there is one.
            let expected = if subcommand == "inspect" { 2 } else { 3 };
            assert_eq!(words.matches("[default: auto]").count(), expected, "{out}");
            assert!(words.contains("Examples: aofkit") && words.contains("Exit codes: 0 "), "{out}");
            assert!(
                out.lines().any(|line| line.trim_start().starts_with("2  ") && line.contains("command line")),
                "{out}"
            );
            let progress = out.lines().find(|line| line.contains("When to draw a progress bar on standard error"));
            let whole = progress.is_some_and(|line| option == "--help" || line.ends_with("auto, always, never]"));
            assert!(whole, "{out}");
        }
        let (code, out, _) = run(&["help"], Path::new(subcommand));
        assert_eq!((code, out), (0, run(&[subcommand], Path::new("--help")).1));
    }
    let (code, out, _) = run(&[], Path::new("help"));
    assert_eq!((code, out.contains("Commands:")), (0, true), "{out}");
}

#[test]
fn a_check_of_several_logs_ends_with_how_many_are_sound() {
    let directory = TempDir::new().unwrap();
    for (name, bytes) in [("a.aof", &log()[..]), ("b.aof", &log()[..60]), ("c.aof", &log())] {
        fs::write(directory.path().join(name), bytes).unwrap();
    }
    let (code, out, _) = run(&["check"], directory.path());
    assert_eq!((code, out.lines().last()), (1, Some("3 logs: 2 sound, 1 not")), "{out}");
    let missing = directory.path().join("missing.aof");
    let (code, out, _) = run(&["check", missing.to_str().unwrap()], directory.path());
    assert_eq!((code, out.lines().last()), (2, Some("3 logs: 2 sound, 1 not; 1 could not be read")), "{out}");
    let (_, out, _) = run(&["check"], &directory.path().join("a.aof"));
    assert!(!out.contains("log:"), "{out}");
}

#[test]
fn utf_8_is_shown_as_it_is_and_what_misleads_is_escaped() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("журнал 日.aof");
    let spoof = "a\u{202e}b\u{200b}";
    fs::write(&path, [command(&["SET", "ключ", "naïve"]), command(&["SET", spoof, "\u{9b}"])].concat()).unwrap();
    let (code, out, talk) = run(&["inspect"], &path);
    assert_eq!((code, talk.as_str()), (0, ""));
    assert!(out.contains("SET ключ naïve\n"), "{out}");
    assert!(out.contains(r#"SET "a\xe2\x80\xaeb\xe2\x80\x8b" "\xc2\x9b""#), "{out}");
    let (_, out, _) = run(&["check"], &path);
    assert!(out.contains("журнал 日.aof\": sound"), "{out}");
}

/// All that a run says on standard error, with bytes on standard input.
fn said_of(arguments: &[&str], input: &[u8], directory: &TempDir) -> (i32, String, String) {
    let file = directory.path().join("stdin");
    fs::write(&file, input).unwrap();
    let mut program = Command::new(env!("CARGO_BIN_EXE_aofkit"));
    program.args(arguments).stdin(fs::File::open(&file).unwrap()).current_dir(directory);
    let output = program.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn standard_error_has_one_form() {
    let directory = TempDir::new().unwrap();
    let file = |name: &str, bytes: &[u8]| fs::write(directory.path().join(name), bytes).unwrap();
    file("sound.aof", &log());
    file("torn.aof", &log()[..70]);
    file("unknown.aof", &command(&["NOSUCH", "k"]));
    file("fails.aof", &[log(), command(&["SET", "s", "v"]), command(&["LPUSH", "s", "v"])].concat());
    file(
        "expiring.aof",
        &[command(&["HSET", "h", "f", "v"]), command(&["HPEXPIREAT", "h", "9999999999999", "FIELDS", "1", "f"])]
            .concat(),
    );
    fs::create_dir(directory.path().join("empty")).unwrap();
    let forms =
        is_match("^(aofkit|warning|note|hint): [^A-Z ]|^(aofkit|warning|note|hint): (RDB|EXEC|SET|LPUSH|NOSUCH)")
            .unwrap();
    let mut lines = 0;
    for arguments in [
        &["chekc"][..],
        &["check", "--formt=json", "x"],
        &["check", "--format=jsn", "x"],
        &["inspect", "--since", "noon", "x"],
        &["inspect", "--from", "9", "--to", "8", "x"],
        &["inspect", "--from", "900", "sound.aof"],
        &["inspect", "--command", "nosuch", "sound.aof"],
        &["inspect", "--part", "x", "sound.aof"],
        &["inspect", "torn.aof"],
        &["inspect", "--follow", "-"],
        &["check", "missing", "empty"],
        &["digest", "torn.aof"],
        &["digest", "--strict", "torn.aof"],
        &["digest", "--key", "nosuch", "sound.aof"],
        &["digest", "unknown.aof"],
        &["digest", "fails.aof"],
        &["rewrite", "sound.aof"],
        &["rewrite", "--dry-run", "-o", "x", "sound.aof"],
        &["rewrite", "-o", "sound.aof", "sound.aof"],
        &["rewrite", "-o", "torn.aof", "sound.aof"],
        &["rewrite", "-o", "-", "--key", "nosuch*", "sound.aof"],
        &["rewrite", "-o", "-", "--at-offset", "9999", "sound.aof"],
        &["rewrite", "-o", "-", "--at", "2023-11-14", "sound.aof"],
        &["rewrite", "-o", "x", "--server", "redis-7.0", "expiring.aof"],
        &["rewrite", "-o", "x", "--base", "rdb", "expiring.aof"],
        &["rewrite", "-o", "new/", "--server", "redis-6.2", "sound.aof"],
        &["rewrite", "-o", "new/", "sound.aof"],
        &["rewrite", "--in-place", "-"],
        &["rewrite", "--undo", "-"],
        &["fix", "--undo", "sound.aof"],
        &["fix", "missing"],
    ] {
        let (_, _, talk) = said_of(arguments, &[], &directory);
        assert!(!talk.is_empty(), "{arguments:?}");
        // What clap reminds of stays as it is.
        let own = talk.split("\n\nUsage: ").next().unwrap().split("\n\nFor more").next().unwrap();
        for line in own.lines().filter(|line| !line.starts_with("  [possible values")) {
            assert!(forms.eval(line), "{arguments:?}: {line}");
            assert!(!line.ends_with('.'), "{arguments:?}: {line}");
            lines += 1;
        }
    }
    assert!(lines > 40, "{lines}");
}

#[test]
fn standard_input_is_never_named_in_a_command_to_run_again() {
    let directory = TempDir::new().unwrap();
    let mut rdb = fs::read("testdata/rdb/redis-8.0.6.rdb").unwrap();
    rdb.truncate(400);
    let inputs = [
        log()[..70].to_vec(),
        [command(&["SET", "a", "1"]), command(&["FLUSHALL"])].concat(),
        command(&["NOSUCH", "k"]),
        command(&["RESTORE", "k", "0", "x"]),
        b"garbage".to_vec(),
        rdb,
        Vec::new(),
    ];
    let again = is_match(r#"aofkit [a-z]+( [^-\s"][^\s"]*| -[^\s"]+)* '?-'?[\s"]"#).unwrap();
    assert!(again.eval("aofkit check -\n") && again.eval("aofkit rewrite --at-offset 1 -o FILE -\""));
    for input in inputs {
        for arguments in [
            &["check", "-"][..],
            &["check", "--format", "json", "-"],
            &["fix", "-"],
            &["fix", "--undo", "-"],
            &["inspect", "-"],
            &["digest", "--strict", "-"],
            &["rewrite", "-o", "x", "--force", "-"],
            &["rewrite", "-o", "x", "--force", "--format", "json", "-"],
        ] {
            let (_, out, talk) = said_of(arguments, &input, &directory);
            assert!(!again.eval(&out) && !again.eval(&talk), "{arguments:?}: {out}{talk}");
        }
    }
}

#[test]
fn help_fits_a_terminal() {
    for subcommand in ["check", "fix", "inspect", "rewrite", "digest"] {
        for columns in [80, 120] {
            let (code, out) = on_terminal(&[subcommand], Path::new("--help"), columns);
            // Without the escape sequences that headings are bold by.
            let out: String = out
                .split('\u{1b}')
                .map(|text| {
                    text.split_once('m').filter(|(start, _)| start.starts_with('[')).map_or(text, |(_, rest)| rest)
                })
                .collect();
            let longest = out.lines().map(|line| line.chars().count()).max().unwrap();
            assert_eq!(code, 0);
            assert!(longest <= usize::from(columns) && longest > usize::from(columns) - 15, "{longest}: {out}");
        }
    }
}

#[test]
fn a_path_that_is_not_utf_8_is_named_byte_by_byte() {
    use std::os::unix::ffi::OsStrExt;
    let path = Path::new(std::ffi::OsStr::from_bytes(b"no\xff.aof"));
    for arguments in [&["check"][..], &["inspect"], &["digest"], &["fix"]] {
        let (code, _, talk) = run(arguments, path);
        assert_eq!((code, talk.as_str()), (2, "aofkit: no\\xff.aof: cannot open: No such file or directory\n"));
    }
}
