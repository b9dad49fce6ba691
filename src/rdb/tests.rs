//! The walk over whole files: those of `testdata/rdb`, cut and damaged, and what the real checkers say about them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::testing::corpus;
use super::*;
use crate::server::Server;

/// Whether a file of the corpus is an RDB and nothing else.
fn is_bare(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|extension| extension == "rdb")
}

/// What a walk to the end found.
#[derive(Debug, Default)]
struct Walked {
    items: usize,
    flaws: Vec<Flaw>,
    damage: Option<Damage>,
    checksum: Option<Checksum>,
    end: u64,
    types: BTreeSet<&'static str>,
    /// Whether the checker asked about does not take something.
    refused: bool,
    /// Whether the server does not.
    refused_to_load: bool,
}

/// Walks to the end, and checks what must hold whatever the bytes are.
fn walk(bytes: &[u8], server: Server) -> Walked {
    let mut walker = Walker::new(bytes, 0);
    let mut found = Walked::default();
    let mut before = 0;
    while let Some(item) = walker.next() {
        let (start, end) = (walker.item_offset(), walker.position());
        assert!(before <= end && end <= bytes.len() as u64);
        match item {
            Ok(item) => {
                assert!(before <= start && start < end);
                found.items += 1;
                found.refused |= checker_refusal(server, &item).is_some();
                found.refused_to_load |= refusal(server, &item).is_some();
                for flaw in item.flaws() {
                    assert!(start <= flaw.damage.offset && flaw.damage.offset < end, "{flaw:?}");
                    assert!(flaw.damage.offset <= flaw.damage.position && flaw.damage.position <= end, "{flaw:?}");
                    found.flaws.push(flaw.clone());
                }
                if let Item::Entry(entry) = &item {
                    assert_eq!((entry.offset, entry.offset + entry.length), (start, end));
                    assert_eq!(entry.value_offset + entry.value.len() as u64, end);
                    assert!(start < entry.key_offset && entry.key_offset < entry.value_offset);
                    found.types.insert(entry.kind.name);
                }
                if let Item::End { checksum } = item {
                    found.checksum = Some(checksum);
                }
            }
            Err(damage) => {
                assert!(damage.offset <= bytes.len() as u64 && damage.position <= bytes.len() as u64, "{damage:?}");
                found.damage = Some(damage);
            }
        }
        before = end;
    }
    assert!(walker.next().is_none());
    assert!(found.checksum.is_some() != found.damage.is_some());
    found.end = walker.position();
    found
}

impl Walked {
    /// Whether the checker would find nothing.
    fn valid_for(&self, checker: Server) -> bool {
        self.damage.is_none() && !self.refused && !self.flaws.iter().any(|flaw| flaw.checkers.contains(checker))
    }

    /// What the checker stops at, unless it is something that it does not take though it is sound.
    fn stop_of(&self, checker: Server) -> Option<&Damage> {
        let judge = Judge::Checker(checker);
        let stop = judge.first_minded(&self.flaws).or_else(|| self.damage.as_ref().map(|damage| damage.stop(judge)));
        stop.filter(|_| !self.refused)
    }

    /// Whether the server would load it.
    fn loads_in(&self, server: Server) -> bool {
        self.damage.is_none() && !self.refused_to_load && !self.flaws.iter().any(|flaw| flaw.servers.contains(server))
    }
}

#[test]
fn every_file_of_the_corpus_is_sound_to_its_end() {
    for (name, bytes) in corpus() {
        let walked = walk(&bytes, Server::Redis80);
        assert_eq!(walked.damage, None, "{name}");
        assert!(walked.flaws.is_empty(), "{name}: {:?}", walked.flaws);
        if is_bare(&name) {
            assert_eq!(walked.end, bytes.len() as u64, "{name}");
        } else {
            assert!(bytes[usize::try_from(walked.end).unwrap()..].starts_with(b"*2\r\n$6\r\nSELECT"), "{name}");
        }
        let disabled = name.contains("uncompressed");
        match walked.checksum.unwrap() {
            Checksum::Absent => assert!(name.starts_with("crafted-1.") || name.starts_with("crafted-2-"), "{name}"),
            Checksum::Disabled => assert!(disabled, "{name}"),
            Checksum::Verified(_) => assert!(!disabled, "{name}"),
        }
    }
}

#[test]
fn every_type_of_the_table_occurs_in_the_corpus() {
    let mut seen = BTreeSet::new();
    for (_, bytes) in corpus() {
        seen.extend(walk(&bytes, Server::Redis86).types);
    }
    let rows: BTreeSet<&str> = TYPES.iter().map(|row| row.name).collect();
    assert_eq!(seen, rows);
}

#[test]
fn every_row_is_found_by_its_number_and_magic() {
    for row in &TYPES {
        for family in [Family::Redis, Family::Valkey] {
            let found = type_row(family, row.number);
            if row.family.is_none_or(|only| only == family) {
                assert_eq!(found, Some(row));
            } else {
                assert_ne!(found, Some(row));
            }
        }
    }
    let known = |family| (0..=255).filter(|number| type_row(family, *number).is_some()).count();
    assert_eq!((known(Family::Redis), known(Family::Valkey)), (25, 21));
    for number in 0..=255 {
        for (family, version) in [(Family::Redis, 12), (Family::Redis, 13), (Family::Valkey, 80)] {
            let opcode = Opcode::of(Header { family, version, padded: true }, number);
            assert!(type_row(family, number).is_none() || opcode.is_none());
            assert!(opcode.is_none_or(|opcode| opcode.number() == number));
            assert_eq!(opcode.is_some(), number > 243 && number != 246 || number == 243 && version > 12);
        }
    }
}

#[test]
fn every_truncation_ends_in_missing_bytes() {
    for (name, bytes) in corpus() {
        let whole = usize::try_from(walk(&bytes, Server::Redis80).end).unwrap();
        for length in (0..whole.min(3000)).chain((3000..whole).step_by(97)) {
            let damage = walk(&bytes[..length], Server::Redis80).damage;
            let Some(Damage { kind: DamageKind::Truncated { missing }, offset, position, .. }) = damage else {
                panic!("{name} cut to {length}: {damage:?}");
            };
            assert!(missing > 0 && offset == length as u64 && position <= offset, "{name} cut to {length}");
        }
    }
}

/// A generator of numbers below a bound, the same on every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % bound as u64).unwrap()
    }
}

/// One damage, and the checksum disabled so that the structure decides.
fn damaged(bytes: &[u8], numbers: &mut Numbers) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let body = bytes.len() - 9;
    let at = 9 + numbers.below(body - 9);
    match numbers.below(10) {
        0 => drop(bytes.remove(at)),
        1 => bytes.insert(at, u8::try_from(numbers.below(256)).unwrap()),
        2 => {
            let last = bytes.len() - 8;
            bytes[at] = u8::try_from(numbers.below(256)).unwrap();
            bytes.truncate(last - numbers.below(last - 9));
            return bytes;
        }
        3 => bytes[at] = [0, 0xff, 0xfe, 0x80, 0x81, 0xc3, 0x7f][numbers.below(7)],
        4 => {
            let other = 9 + numbers.below(body - 9);
            bytes.swap(at, other);
        }
        _ => bytes[at] ^= 1 << numbers.below(8),
    }
    let last = bytes.len() - 8;
    bytes[last..].fill(0);
    bytes
}

#[test]
fn damage_never_breaks_the_walk() {
    let mut numbers = Numbers(7);
    for (_, bytes) in corpus() {
        for _ in 0..200 {
            let mut bytes = damaged(&bytes, &mut numbers);
            if numbers.below(3) == 0 && bytes.len() > 30 {
                bytes = damaged(&bytes, &mut numbers);
            }
            walk(&bytes, Server::Redis80);
        }
    }
}

#[test]
fn a_flipped_bit_is_found_by_the_checksum_at_the_latest() {
    for (name, bytes) in corpus() {
        if !matches!(walk(&bytes, Server::Redis80).checksum, Some(Checksum::Verified(_))) || !is_bare(&name) {
            continue;
        }
        for at in (9..bytes.len()).step_by(61) {
            let mut bytes = bytes.clone();
            bytes[at] ^= 0x10;
            assert!(walk(&bytes, Server::Redis80).damage.is_some(), "{name}: byte {at}");
        }
    }
}

/// The folder of real servers, if the environment names one.
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
fn servers() -> Option<PathBuf> {
    let folder = std::env::var_os("AOFKIT_SERVERS").map(PathBuf::from);
    if folder.is_none() {
        eprintln!("skipped: AOFKIT_SERVERS names no folder of real servers");
    }
    folder
}

/// What a real checker says of a file.
#[derive(Debug)]
struct Said {
    valid: bool,
    text: String,
}

impl Said {
    /// Where it stopped, and doing what.
    fn stop(&self) -> Option<(u64, String)> {
        let mut lines = self.text.lines().skip_while(|line| !line.contains("RDB ERROR DETECTED")).skip(1);
        let position = lines.next()?.strip_prefix("[offset ")?.split(']').next()?.parse().ok()?;
        let doing = lines.find_map(|line| line.strip_prefix("[additional info] While doing: "))?;
        Some((position, doing.to_owned()))
    }
}

/// How long a program may take on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);
/// How long one may take that is known not to end.
const IMPATIENCE: Duration = Duration::from_secs(2);

/// Asks `redis-check-rdb`; none when it does not end in time.
fn ask(checker: &Path, file: &Path, patience: Duration) -> Option<Said> {
    let mut child = Command::new(checker)
        .arg(file)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let begin = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if begin.elapsed() > patience {
            child.kill().unwrap();
            child.wait().unwrap();
            return None;
        }
        std::thread::sleep(Duration::from_millis(1));
    };
    let mut text = Vec::new();
    std::io::Read::read_to_end(&mut child.stdout.take().unwrap(), &mut text).unwrap();
    Some(Said { valid: status.success(), text: String::from_utf8_lossy(&text).into_owned() })
}

/// Whether checkers may not end: where a module's value is cut short, they read the end of the file for ever.
fn may_be_endless(found: &Walked) -> bool {
    found.damage.as_ref().is_some_and(|damage| {
        let module = damage.row.is_some_and(|row| row.data_type == DataType::Module);
        matches!(damage.kind, DamageKind::Truncated { .. }) && (module || damage.doing == Doing::ReadModuleAux)
    })
}

/// How what a checker said differs from what was found here, if it does.
fn difference(found: &Walked, checker: Server, said: Option<&Said>) -> Option<String> {
    let here = found.valid_for(checker);
    let Some(said) = said else {
        return (!may_be_endless(found)).then(|| "the checker does not end".to_owned());
    };
    if said.valid != here {
        return Some(format!("valid here is {here}, there {}", said.valid));
    }
    let stop = found.stop_of(checker)?;
    let known = !matches!(stop.kind, DamageKind::UnknownType(6));
    let (ours, theirs) = ((stop.position, stop.doing.phrase().to_owned()), said.stop());
    (known && theirs.as_ref() != Some(&ours)).then(|| format!("stops here at {ours:?}, there at {theirs:?}"))
}

#[test]
fn checkers_stop_in_damaged_files_where_the_walk_does() {
    let Some(servers) = servers() else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("dump.rdb");
    let setting = |name, default| std::env::var(name).map_or(default, |text| text.parse().unwrap());
    let mut numbers = Numbers(setting("AOFKIT_SEED", 42));
    let mut differ = Vec::new();
    for (name, bytes) in corpus().into_iter().filter(|(name, _)| is_bare(name)) {
        let checker = if bytes.starts_with(b"VALKEY") { Server::Valkey9 } else { Server::Redis80 };
        for round in 0..setting("AOFKIT_ROUNDS", 12) {
            let bytes = damaged(&bytes, &mut numbers);
            std::fs::write(&file, &bytes).unwrap();
            let found = walk(&bytes, checker);
            let said = asked(&servers, checker, &file, &found);
            if let Some(difference) = difference(&found, checker, said.as_ref()) {
                let text = said.map(|said| said.text).unwrap_or_default();
                differ.push(format!("{name} {round}: {difference}\n{:?} {:?}\n{text}", found.damage, found.flaws));
            }
        }
    }
    assert!(differ.is_empty(), "{} differ:\n{}", differ.len(), differ.join("\n"));
}

/// The folder and the name of the programs that stand for a server.
fn programs(server: Server) -> (&'static str, &'static str) {
    match server {
        Server::Redis62 => ("redis-6.2", "redis"),
        Server::Redis70 => ("redis-7.0", "redis"),
        Server::Redis80 => ("redis-8.0.6", "redis"),
        Server::Redis82 => ("redis-8.2", "redis"),
        Server::Redis86 => ("redis-8.6", "redis"),
        Server::Valkey8 => ("valkey-8.1", "valkey"),
        Server::Valkey9 => ("valkey-9.1", "valkey"),
    }
}

/// Whether a server starts on an RDB.
fn loads(servers: &Path, server: Server, rdb: &[u8]) -> bool {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("dump.rdb"), rdb).unwrap();
    let (name, program) = programs(server);
    let socket = folder.path().join("s");
    let mut child = Command::new(servers.join(name).join(format!("bin/{program}-server")))
        // One that crashes may hang in its crash handler.
        .args(["--port", "0", "--save", "", "--crash-log-enabled", "no", "--dir"])
        .arg(folder.path())
        .arg("--unixsocket")
        .arg(&socket)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let begin = Instant::now();
    let mut answers = false;
    while begin.elapsed() < PATIENCE && child.try_wait().unwrap().is_none() {
        if let Ok(mut stream) = std::os::unix::net::UnixStream::connect(&socket) {
            let mut reply = [0; 5];
            stream.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
            let _ = std::io::Write::write_all(&mut stream, b"PING\r\n");
            if std::io::Read::read_exact(&mut stream, &mut reply).is_ok() && &reply == b"+PONG" {
                answers = true;
                break;
            }
        }
        std::thread::sleep(Duration::from_millis(3));
    }
    let _ = child.kill();
    child.wait().unwrap();
    answers
}

fn asked(servers: &Path, server: Server, file: &Path, found: &Walked) -> Option<Said> {
    let patience = if may_be_endless(found) { IMPATIENCE } else { PATIENCE };
    let (name, program) = programs(server);
    let folder = servers.join(name).join("bin");
    let checker = folder.join(format!("{program}-check-rdb"));
    if checker.exists() {
        return ask(&checker, file, patience);
    }
    // The checker is the server under another name.
    let link = file.with_file_name(format!("{name}-redis-check-rdb"));
    if !link.exists() {
        std::os::unix::fs::symlink(folder.join("redis-server"), &link).unwrap();
    }
    ask(&link, file, patience)
}

/// Asks every checker and every server about every file, and says where they differ from the walk.
fn differences(servers: &Path, files: &[PathBuf]) -> Vec<String> {
    let differ = std::sync::Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for files in files.chunks(files.len().div_ceil(4)) {
            let differ = &differ;
            scope.spawn(move || {
                let folder = tempfile::tempdir().unwrap();
                for file in files {
                    let bytes = std::fs::read(file).unwrap();
                    let copy = folder.path().join("dump.rdb");
                    std::fs::copy(file, &copy).unwrap();
                    let name = file.file_stem().unwrap().to_string_lossy();
                    for server in Server::ALL {
                        let found = walk(&bytes, server);
                        let said = asked(servers, server, &copy, &found);
                        if let Some(difference) = difference(&found, server, said.as_ref()) {
                            differ.lock().unwrap().push(format!("{name}: checker of {server}: {difference}"));
                        }
                        let loaded = loads(servers, server, &bytes);
                        if found.loads_in(server) != loaded {
                            differ.lock().unwrap().push(format!("{name}: {server}: loads there is {loaded}"));
                        }
                    }
                }
            });
        }
    });
    let mut differ = differ.into_inner().unwrap();
    differ.sort();
    differ
}

fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "rdb"));
    files.sort();
    files
}

#[test]
fn a_flaw_names_the_checkers_and_servers_that_mind() {
    let Some(servers) = servers() else { return };
    let files = files("testdata/rdb/flawed");
    assert!(files.len() > 150);
    let differ = differences(&servers, &files);
    assert!(differ.is_empty(), "{} differ:\n{}", differ.len(), differ.join("\n"));
}

#[test]
fn sound_files_are_refused_by_the_checkers_and_servers_that_do_not_take_them() {
    let Some(servers) = servers() else { return };
    let differ = differences(&servers, &files("testdata/rdb"));
    assert!(differ.is_empty(), "{} differ:\n{}", differ.len(), differ.join("\n"));
}
