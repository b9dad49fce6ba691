//! Puts manifests in front of real servers and their checkers: each verdict, message and line must be ours.

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use aofkit::Server;
use aofkit::aof::manifest::{Kind, Manifest, official_is_manifest, parse_as};

use crate::harness::servers::{Process, program, release};
use crate::harness::{Random, assert_none, on_two_threads};

/// The servers that read manifests, and the releases that stand for them.
fn servers() -> impl Iterator<Item = (Server, &'static str)> {
    Server::ALL.into_iter().filter(|server| *server != Server::Redis62).map(|server| (server, release(server)))
}

/// Names that are put in front of each checker.
const NAMES: usize = 40;

/// A start takes a twentieth of a second.
const PATIENCE: Duration = Duration::from_secs(20);

/// Servers cut what they log, the `>>> '` before a quoted line included.
const LOG_LIMIT: usize = 1023;

/// What a server or a checker says of a manifest that it refuses.
#[derive(Debug, PartialEq, Eq)]
struct Refusal {
    message: String,
    line: Option<u64>,
    text: Option<Vec<u8>>,
}

impl Refusal {
    fn expected(manifest: &Manifest) -> Option<Self> {
        let problem = manifest.problems.first()?;
        let text = problem.text.as_ref().map(|text| {
            let mut quoted = [b">>> '", text.as_slice(), b"'"].concat();
            quoted.truncate(LOG_LIMIT);
            quoted
        });
        let line = text.is_some().then_some(problem.line);
        Some(Self { message: problem.flaw.server_message().to_owned(), line, text })
    }

    /// Finds it in what was logged.
    fn logged(lines: &[Vec<u8>]) -> Option<Self> {
        let start = lines.iter().position(|line| contains(line, b"FATAL AOF MANIFEST FILE ERROR"))?;
        // What precedes a message (process, time, level) ends in "# ".
        let said: Vec<&[u8]> = lines[start + 1..]
            .iter()
            .filter_map(|line| line.windows(2).position(|pair| pair == b"# ").map(|at| &line[at + 2..]))
            .collect();
        let line = said.iter().find_map(|said| {
            String::from_utf8_lossy(said.strip_prefix(b"Reading the manifest file, at line ")?).trim().parse().ok()
        });
        let text = said.iter().find(|said| said.starts_with(b">>> '")).map(|said| said.to_vec());
        let message = said[if line.is_some() { 2 } else { 0 }];
        Some(Self { message: String::from_utf8_lossy(message).into_owned(), line, text })
    }
}

fn contains(line: &[u8], part: &[u8]) -> bool {
    line.windows(part.len()).any(|window| window == part)
}

/// Runs a program until it ends or says `until`, and gives back whether it said so, and its lines.
fn run(command: &mut Command, until: Option<&'static [u8]>) -> (bool, Vec<Vec<u8>>) {
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut child = Process(child);
    let mut output = BufReader::new(child.0.stdout.take().unwrap());
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut line = Vec::new();
        while output.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
            if sender.send(std::mem::take(&mut line)).is_err() {
                break;
            }
        }
    });
    let (deadline, mut lines) = (Instant::now() + PATIENCE, Vec::new());
    loop {
        match receiver.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(mut line) => {
                line.pop_if(|last| *last == b'\n');
                let said = until.is_some_and(|until| contains(&line, until));
                lines.push(line);
                if said {
                    return (true, lines);
                }
            }
            Err(RecvTimeoutError::Disconnected) => return (false, lines),
            Err(RecvTimeoutError::Timeout) => panic!("{command:?} neither ended nor got ready"),
        }
    }
}

/// A manifest in a directory as a server expects it, with every file that we read in it.
struct Fixture {
    folder: tempfile::TempDir,
    /// Whether there can be such files.
    complete: bool,
}

impl Fixture {
    fn new(bytes: &[u8], manifest: &Manifest) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let directory = folder.path().join("appendonlydir");
        fs::create_dir(&directory).unwrap();
        fs::write(directory.join("appendonly.aof.manifest"), bytes).unwrap();
        let mut complete = true;
        for entry in manifest.entries.iter().filter(|entry| entry.kind != Kind::History) {
            let record = "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\nb\r\n";
            complete &= fs::write(directory.join(OsStr::from_bytes(&entry.name)), record).is_ok();
        }
        Self { folder, complete }
    }

    fn manifest(&self) -> PathBuf {
        self.folder.path().join("appendonlydir/appendonly.aof.manifest")
    }
}

/// What was expected of one program on one manifest, and what came instead.
fn differences<T: PartialEq + std::fmt::Debug>(
    who: &str,
    bytes: &[u8],
    log: &[Vec<u8>],
    ours: &T,
    theirs: &T,
) -> Vec<String> {
    if ours == theirs {
        return Vec::new();
    }
    let log = log.iter().map(|line| line.escape_ascii().to_string()).collect::<Vec<_>>().join("\n    ");
    vec![format!("{who} on {}\n  ours:   {ours:?}\n  theirs: {theirs:?}\n    {log}", bytes.escape_ascii())]
}

fn compare_with_server(release: &str, server: Server, bytes: &[u8], manifest: &Manifest) -> Vec<String> {
    let fixture = Fixture::new(bytes, manifest);
    let folder = fixture.folder.path();
    let mut command = program(release, "server");
    command.args(["--port", "0", "--save", "", "--appendonly", "yes", "--appendfsync", "no", "--unixsocket"]);
    command.arg(folder.join("socket")).arg("--dir").arg(folder);
    let (ready, log) = run(&mut command, Some(b"eady to accept connections"));
    let expected = Refusal::expected(manifest);
    // A log without any part is no refusal: the server starts empty.
    let starts = expected.is_none() && fixture.complete;
    differences(server.name(), bytes, &log, &(starts, expected), &(ready, Refusal::logged(&log)))
}

fn compare_with_checker(release: &str, server: Server, bytes: &[u8], manifest: &Manifest) -> Vec<String> {
    let fixture = Fixture::new(bytes, manifest);
    let (_, log) = run(program(release, "check-aof").arg(fixture.manifest()), None);
    let says = |part: &[u8]| log.iter().any(|line| contains(line, part));
    let is_manifest = official_is_manifest(bytes, server);
    let expected = if is_manifest { Refusal::expected(manifest) } else { None };
    let valid = is_manifest && expected.is_none() && fixture.complete;
    let theirs =
        (says(b"Start checking Multi Part AOF"), says(b"All AOF files and manifest are valid"), Refusal::logged(&log));
    differences(&format!("the checker of {server}"), bytes, &log, &(is_manifest, valid, expected), &theirs)
}

/// One manifest for each rule and each oddity.
const TABLE: &[&[u8]] = &[
    b"",
    b"\n",
    b"#",
    b"# nothing but a comment\n",
    b"file a seq 1 type b\n",
    b"file a seq 1 type b",
    b"file a seq 1 type b\nfile c seq 1 type i",
    b"file a seq 1 type b\nfile c seq 1 type i\nfile d seq 2 type i\n",
    b"file a seq 1 type b\r\nfile c seq 1 type i\r\n",
    b"file\ta\tseq\t1\ttype\tb\n",
    b" \t file a seq 1 type b \t \n",
    b"\x0bfile a seq 1 type b\n",
    b"file a \x0b\x0cseq 1 type b\n",
    b"file a\x0b seq 1 type b\n",
    b"FILE a SEQ 1 TYPE b\n",
    b"seq 1 type i file a\n",
    b"startoffset 5 file a seq 1 type i endoffset 9\n",
    b"file a seq 1 type i startoffset x endoffset -1\n",
    b"file a seq 1 type b more\n",
    b"file a seq 1 type\n",
    b"file a seq 1\n",
    b"file a\n",
    b"file\n",
    b"file a seq 1 kind b\n",
    b"name a seq 1 type b\n",
    b"file a number 1 type b\n",
    b"file a file d seq 1 type b\n",
    b"file a/b file d seq 1 type b\n",
    b"file a seq 1 type b seq 0 pad pad\n",
    b"file a seq 0 type b\n",
    b"file a seq 00 type b\n",
    b"file a seq x type b\n",
    b"file a seq 1x type b\n",
    b"file a seq +1 type i\n",
    b"file a seq -1 type b\n",
    b"file a seq -1 type i\n",
    b"file a seq 0x1 type i\n",
    b"file a seq \" \\n 2\" type i\n",
    b"file a seq 9223372036854775807 type b\n",
    b"file a seq 9223372036854775808 type i\nfile c seq 9223372036854775807 type i\n",
    b"file a seq -99999999999999999999 type h\n",
    b"file a seq 1 type B\n",
    b"file a seq 1 type incr\n",
    b"file a seq 1 type ''\n",
    b"file a seq 1 type \"\\x00b\"\n",
    b"file a seq 1 type \"\\xff\"\n",
    b"file a seq 2 type i\nfile c seq 1 type i\n",
    b"file a seq 2 type i\nfile c seq 2 type i\n",
    b"file a seq 1 type i\nfile c seq 7 type i\nfile d seq 5 type b\n",
    b"file a seq 1 type b\nfile c seq 2 type b\n",
    b"file a seq 1 type b\nfile a seq 1 type i\nfile a seq 2 type i\n",
    b"file a seq 3 type h\nfile c seq 1 type h\nfile d seq 1 type h\nfile e seq 1 type b\n",
    b"file \"a b\" seq 1 type b\n",
    b"file 'a b' seq 1 type b\n",
    b"file 'it\\'s' seq 1 type b\n",
    b"file it's seq 1 type b\n",
    b"file \"it's\" seq 1 type b\n",
    b"file \"\\x41\\xff\\n\\r\\t\\a\\b\\q\\xg\\\"\" seq 1 type b\n",
    b"file x\"y z\" seq 1 type b\n",
    b"file \"a\"b seq 1 type b\n",
    b"file \"a\"\x0bseq 1 type b\n",
    b"file \"a seq 1 type b\n",
    b"file \"a\\\" seq 1 type b\n",
    b"file \"\" seq 1 type b\n",
    b"file \"ab\\x00cd\" seq 1 type b\n",
    b"\"file\\x00\" a seq 1 type b\n",
    b"'file' a 'seq' 1 \"type\" b\n",
    b"file a\xc3\xa9\xff seq 1 type b\n",
    b"file a/b seq 1 type b\n",
    b"file a\\b seq 1 type b\n",
    b"file .. seq 0 type b\n",
    b"file /a seq 0 type z\n",
    b"file a\0 seq 1 type b\n",
    b"file a seq 1 type b\0\n",
    b"#\0\nfile a seq 1 type b\n",
    b"\0file a seq 1 type b\n",
    b"\nfile a seq 1 type b\n",
    b"file a seq 1 type b\n\n",
    b"file a seq 1 type b\n \t\r\n",
    b"# one\n#two\nfile a seq 1 type b\n# three\nfile c seq 1 type i\n# four",
    b" # not a comment\nfile a seq 1 type b\n",
    b"garbage\nfile a seq 1 type b\n",
    b"*1\r\n$4\r\nPING\r\nfile a seq 1 type b\n",
    b"filesystem a seq 1 type b\n",
    b"file \"a\"'b'c seq 1 type b\n",
    b"file 'a'\"b\" seq 1 type b\n",
    b"\"fi\"'le' a seq 1 type b\n",
    b"file \"a\xff\\\xffb\" seq 1 type b\n",
    b"file 'a\xffb' seq 1 type b\n",
    b"file \xff seq 1 type b\n",
    b"fi\xffle a seq 1\xff2 type \xffb\n",
];

/// The table, and lines around the limit of their length.
fn table() -> Vec<Vec<u8>> {
    let mut table: Vec<Vec<u8>> = TABLE.iter().map(|bytes| bytes.to_vec()).collect();
    let entry = |length: usize| [&b"file a seq 1 type b pad "[..], &vec![b'p'; length - 25], b"\n"].concat();
    let comment = |behind: &[u8]| [&b"#"[..], &[b'-'; 1023], behind].concat();
    table.extend([entry(1023), entry(1024), entry(1025), entry(3000)]);
    table.push([entry(1020), b"file c seq 1 type z\n".to_vec()].concat());
    table.extend([[&entry(1000)[..999], b" x\n"].concat(), [&entry(1024)[..1022], b" x\n"].concat()]);
    for behind in
        [&b""[..], b"\n", b"file a seq 1 type b\n", b"# more\nfile a seq 1 type b\n", b"oops\nfile a seq 1 type b\n"]
    {
        table.push(comment(behind));
    }
    table
}

/// Manifests put together from what matters.
fn generated(count: usize) -> Vec<Vec<u8>> {
    let mut random = Random(20_240_229);
    let mut below = |limit: usize| random.below(limit);
    let names = ["a", "c", "\"d e\"", "'f'", "g\"h\"", "\"\\x69\\t\"", "j'k", "l/m", "\"\""];
    let sequences = ["1", "2", "3", "4", "5", "10", "1x", "-1", "0"];
    let types = ["b", "i", "i", "i", "h", "incr", "x"];
    let keys = [["file", "seq", "type"], ["File", "SEQ", "tYPE"], ["\"file\"", "'seq'", "type"]];
    let ends =
        ["\n", "\n", "\n", "\n", "\r\n", " \n", "\t\n", "\n# comment\n", "\n\n", " startoffset 3\n", " odd\n", ""];
    (0..count)
        .map(|_| {
            let mut text = String::new();
            for _ in 0..=below(4) {
                // The first names and numbers of each list are the sound ones: most lines should pass.
                let sound = below(8) > 0;
                let pick = |limit: usize, sound_ones: usize| if sound { sound_ones } else { limit };
                let [file, seq, kind] = keys[below(pick(keys.len(), 1))];
                let name = names[below(pick(names.len(), 6))];
                let sequence = sequences[below(pick(sequences.len(), 6))];
                let letter = types[below(pick(types.len(), 6))];
                let mut pairs = [format!("{file} {name}"), format!("{seq} {sequence}"), format!("{kind} {letter}")];
                pairs.rotate_left(below(pick(3, 1)));
                text += &pairs.join(" ");
                text += ends[below(pick(ends.len(), 8))];
            }
            text.into_bytes()
        })
        .collect()
}

#[server_test]
fn servers_and_checkers_judge_manifests_as_we_do() {
    let manifests: Vec<Vec<u8>> = table().into_iter().chain(generated(30)).collect();
    let found = on_two_threads(&manifests, |_, bytes| {
        let differences = servers().map(|(server, release)| {
            let manifest = parse_as(bytes, server);
            let with_server = compare_with_server(release, server, bytes, &manifest);
            [with_server, compare_with_checker(release, server, bytes, &manifest)].concat()
        });
        differences.collect::<Vec<_>>().concat()
    });
    assert_none(&found.concat());
}

/// A checker names the file that it cannot open, and so tells how it took the quotes apart.
#[server_test]
fn checkers_read_names_as_we_do() {
    let mut random = Random(7);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("list");
    let mut found = Vec::new();
    for _ in 0..NAMES {
        let alphabet = b"ab\"\"\"'''  \\\\\\x41n\t\x0b\r\xff\xe9#;";
        let name: Vec<u8> = random.text(alphabet, 10);
        let bytes = [b"file ", name.as_slice(), b" seq 1 type b\n"].concat();
        fs::write(&path, &bytes).unwrap();
        for (server, release) in servers() {
            let (_, log) = run(program(release, "check-aof").arg(&path), None);
            let manifest = parse_as(&bytes, server);
            let expected = Refusal::expected(&manifest);
            let opens = manifest.entries.first().is_none_or(|entry| {
                let directory = folder.path().as_os_str().as_bytes();
                let line = [b"Cannot open file ", directory, b"/", entry.name.as_slice(), b": "].concat();
                contains(&log.join(&b'\n'), &line)
            });
            found.extend(differences(server.name(), &bytes, &log, &(true, expected), &(opens, Refusal::logged(&log))));
        }
    }
    assert_none(&found);
}
