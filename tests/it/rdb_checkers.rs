//! Real checkers and servers on sound and damaged RDB files, compared with a walk.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use aofkit::Server;
use aofkit::rdb::{Consumer, Damage, DamageKind, DataType, Doing, Flaw, Walker, checker_refusal, family_of, refusal};
use aofkit::value::Family;

use crate::harness::damage::damaged_rdb;
use crate::harness::files::rdb_files;
use crate::harness::servers::{Process, program, release};
use crate::harness::{Random, assert_none, on_two_threads, setting};

/// The result of a whole walk, for one server.
#[derive(Debug, Default)]
struct Walked {
    flaws: Vec<Flaw>,
    damage: Option<Damage>,
    /// Whether the checker refuses something that is sound.
    refused: bool,
    /// Whether the server does.
    refused_to_load: bool,
}

fn walk(bytes: &[u8], server: Server) -> Walked {
    let mut found = Walked::default();
    for item in Walker::new(bytes, 0) {
        match item {
            Ok(item) => {
                found.refused |= checker_refusal(server, &item).is_some();
                found.refused_to_load |= refusal(server, &item).is_some();
                found.flaws.extend(item.flaws().iter().cloned());
            }
            Err(damage) => found.damage = Some(damage),
        }
    }
    found
}

impl Walked {
    /// Whether the checker reports it as valid.
    fn valid_for(&self, checker: Server) -> bool {
        self.damage.is_none() && !self.refused && !self.flaws.iter().any(|flaw| flaw.checkers.contains(checker))
    }

    /// The damage at which the checker stops, unless it refuses something that is sound.
    fn stop_of(&self, checker: Server) -> Option<&Damage> {
        let judge = Consumer::Checker(checker);
        let stop = judge.first_stop(&self.flaws).or_else(|| self.damage.as_ref().map(|damage| damage.stop(judge)));
        stop.filter(|_| !self.refused)
    }

    /// Whether the server loads it.
    fn loads_in(&self, server: Server) -> bool {
        self.damage.is_none() && !self.refused_to_load && !self.flaws.iter().any(|flaw| flaw.servers.contains(server))
    }

    /// Whether checkers may not end: at the truncated value of a module, they read the end of the file for ever.
    fn may_be_endless(&self) -> bool {
        self.damage.as_ref().is_some_and(|damage| {
            let module = damage.row.is_some_and(|row| row.data_type == DataType::Module);
            matches!(damage.kind, DamageKind::Truncated { .. }) && (module || damage.doing == Doing::ReadModuleAux)
        })
    }
}

/// The output of a real checker for a file.
#[derive(Debug)]
struct Said {
    valid: bool,
    text: String,
}

impl Said {
    /// Where it stopped, and what it was doing.
    fn stop(&self) -> Option<(u64, String)> {
        let mut lines = self.text.lines().skip_while(|line| !line.contains("RDB ERROR DETECTED")).skip(1);
        let position = lines.next()?.strip_prefix("[offset ")?.split(']').next()?.parse().ok()?;
        let doing = lines.find_map(|line| line.strip_prefix("[additional info] While doing: "))?;
        Some((position, doing.to_owned()))
    }
}

/// The maximum time for a program on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);
/// The time for a program that may not end.
const IMPATIENCE: Duration = Duration::from_secs(2);

/// Runs `redis-check-rdb`; `None` if it does not end in time.
fn ask(checker: Server, file: &Path, patience: Duration) -> Option<Said> {
    let mut command = program(release(checker), "check-rdb");
    command.arg(file).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = Process(command.spawn().unwrap());
    let begin = Instant::now();
    let status = loop {
        if let Some(status) = child.0.try_wait().unwrap() {
            break status;
        }
        if begin.elapsed() > patience {
            return None;
        }
        std::thread::sleep(Duration::from_millis(1));
    };
    let mut text = Vec::new();
    child.0.stdout.take().unwrap().read_to_end(&mut text).unwrap();
    Some(Said { valid: status.success(), text: String::from_utf8_lossy(&text).into_owned() })
}

/// The difference between the output of a checker and the walk, if any.
fn difference(found: &Walked, checker: Server, said: Option<&Said>) -> Option<String> {
    let here = found.valid_for(checker);
    let Some(said) = said else {
        return (!found.may_be_endless()).then(|| "the checker does not end".to_owned());
    };
    if said.valid != here {
        return Some(format!("valid here is {here}, there {}", said.valid));
    }
    let stop = found.stop_of(checker)?;
    let known = !matches!(stop.kind, DamageKind::UnknownType(6));
    let (ours, theirs) = ((stop.position, stop.doing.phrase().to_owned()), said.stop());
    (known && theirs.as_ref() != Some(&ours)).then(|| format!("stops here at {ours:?}, there at {theirs:?}"))
}

fn asked(checker: Server, file: &Path, found: &Walked) -> Option<Said> {
    ask(checker, file, if found.may_be_endless() { IMPATIENCE } else { PATIENCE })
}

#[server_test]
fn checkers_stop_in_damaged_files_where_the_walk_does() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("dump.rdb");
    let mut random = Random(setting("AOFKIT_SEED", 42));
    let mut differ = Vec::new();
    for path in rdb_files("rdb") {
        let bytes = std::fs::read(&path).unwrap();
        let checker = if family_of(&bytes) == Some(Family::Valkey) { Server::Valkey9 } else { Server::Redis80 };
        for round in 0..setting("AOFKIT_PROGRAMS", 12) {
            let bytes = damaged_rdb(&bytes, &mut random);
            std::fs::write(&file, &bytes).unwrap();
            let found = walk(&bytes, checker);
            let said = asked(checker, &file, &found);
            if let Some(difference) = difference(&found, checker, said.as_ref()) {
                let text = said.map(|said| said.text).unwrap_or_default();
                let found = format!("{:?} {:?}", found.damage, found.flaws);
                differ.push(format!("{} {round}: {difference}\n{found}\n{text}", path.display()));
            }
        }
    }
    assert_none(&differ);
}

/// Whether a server starts on an RDB.
fn loads(server: Server, rdb: &[u8]) -> bool {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("dump.rdb"), rdb).unwrap();
    // One that crashes may hang in its crash handler.
    let mut process = Process::server(release(server), folder.path(), &["--crash-log-enabled", "no"]);
    let begin = Instant::now();
    while begin.elapsed() < PATIENCE && process.0.try_wait().unwrap().is_none() {
        if let Ok(mut stream) = UnixStream::connect(folder.path().join("s")) {
            let mut reply = [0; 5];
            stream.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
            let _ = stream.write_all(b"PING\r\n");
            if stream.read_exact(&mut reply).is_ok() && &reply == b"+PONG" {
                return true;
            }
        }
        std::thread::sleep(Duration::from_millis(3));
    }
    false
}

/// Runs every checker and every server on every file, and returns the differences from the walk.
fn differences(files: &[PathBuf]) -> Vec<String> {
    let differ = on_two_threads(files, |_, file| {
        let bytes = std::fs::read(file).unwrap();
        let name = file.file_stem().unwrap().to_string_lossy();
        let mut differ = Vec::new();
        for server in Server::ALL {
            let found = walk(&bytes, server);
            let said = asked(server, file, &found);
            if let Some(difference) = difference(&found, server, said.as_ref()) {
                differ.push(format!("{name}: checker of {server}: {difference}"));
            }
            let loaded = loads(server, &bytes);
            if found.loads_in(server) != loaded {
                differ.push(format!("{name}: {server}: loads there is {loaded}"));
            }
        }
        differ
    });
    differ.concat()
}

#[server_test]
fn a_flaw_names_the_checkers_and_servers_that_stop() {
    let files = rdb_files("rdb/flawed");
    assert!(files.len() > 150);
    assert_none(&differences(&files));
}

#[server_test]
fn sound_files_are_refused_by_the_checkers_and_servers_that_do_not_take_them() {
    assert_none(&differences(&rdb_files("rdb")));
}
