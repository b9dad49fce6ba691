//! Random programs over the whole table of commands: what a replay makes of their log is what real servers make of it.

mod commands;
mod cost;
mod expired;
mod fixed;
mod grammar;
pub(crate) mod library;
mod program;
mod random;
mod values;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use aofkit::command::{self, apply::Call};
use aofkit::keyspace::{Entry, Keyspace};
use aofkit::rdb::dump;
use aofkit::rewrite::{self, Base};
use aofkit::server::Release;
use aofkit::{Server, digest};

use crate::harness::load::{Cutting, Files, existing};
use crate::harness::servers::with_releases;
use crate::harness::{RealServer, Reply, assert_none, seeds};

use library::{
    contents, decode, digest_of, encode, replay, replay_as, replay_of, rewrite, rewrite_for, rewrite_to_directory,
    rewrite_with,
};
use program::{Generator, Step};
use values::Values;

type Argument = Vec<u8>;
type Command = Vec<Argument>;

/// How a program is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// A server runs it, and logs it as it sees fit.
    Live,
    /// The program itself is the log.
    Verbatim,
}

/// What commands are for.
#[derive(Debug, Clone, Copy)]
struct Setting {
    /// Who must understand them; `None` where it is aofkit alone.
    server: Option<Server>,
    mode: Mode,
    has_payloads: bool,
    has_functions: bool,
}

impl Setting {
    /// For aofkit alone.
    const ALONE: Self = Self { server: None, mode: Mode::Verbatim, has_payloads: true, has_functions: true };

    fn opens(self, gate: &str) -> bool {
        match gate {
            "since7" => self.server != Some(Server::Redis62),
            "fields" => self.server.is_none_or(|server| server.is_redis_8() || server == Server::Valkey9),
            "v9" => matches!(self.server, None | Some(Server::Valkey9)),
            "r82" => matches!(self.server, None | Some(Server::Redis82 | Server::Redis86)),
            // Since 8.4.
            "r84" => matches!(self.server, None | Some(Server::Redis86)),
            "r84_v9" => matches!(self.server, None | Some(Server::Redis86 | Server::Valkey9)),
            // Newer than every server that there is to compare with.
            "newer" => self.server.is_none(),
            "live" => self.mode == Mode::Live,
            "verbatim" => self.mode == Mode::Verbatim,
            "payload" => self.has_payloads,
            "functions" => self.has_functions,
            "blocks" | "rare" | "delicate" => true,
            other => panic!("no gate {other}"),
        }
    }
}

/// A log that a program left, or is.
struct Logged {
    server: Server,
    seed: u64,
    log: Vec<u8>,
    /// After each step: how long the log was, and the server's digest where it was asked for.
    states: Vec<(usize, Option<String>)>,
    steps: Vec<Step>,
}

/// What one argument of a command looks like in a report.
fn shown(command: &Command) -> String {
    let words = command.iter().map(|word| {
        let text = word.escape_ascii().to_string();
        if text.is_empty() || text.contains(' ') { format!("\"{text}\"") } else { text }
    });
    let mut line = words.collect::<Vec<_>>().join(" ");
    if line.len() > 400 {
        line.truncate(400);
        line += "…";
    }
    line
}

/// Says which keys differ after a prefix of a log, what was done to them, and what both sides have.
///
/// `None` if the server, when it loads the log, has what aofkit has: then what it ran is not what it logged.
fn explain(loader: &mut RealServer, log: &[u8]) -> Option<String> {
    let mut text = String::new();
    let theirs_whole = loader.load(&[('b', log)]);
    let replayed = replay_as(loader.server, &[log], 1);
    let ours_whole = digest_of(&replayed, loader.server);
    if ours_whole == theirs_whole {
        return None;
    }
    writeln!(text, "  digests: ours {ours_whole}, the server's when it loads the log {theirs_whole}").unwrap();
    for failure in replayed.summary.failures.iter().rev().take(3) {
        let name = failure.name.escape_ascii();
        writeln!(text, "  failed at {}: {name}: {}", failure.place.offset, failure.failure).unwrap();
    }
    let theirs: BTreeMap<(u32, Vec<u8>), (String, String)> =
        loader.keys().into_iter().map(|(database, key, digest, shown)| ((database, key), (digest, shown))).collect();
    let mut ours = BTreeMap::new();
    for (number, entry) in replayed.keyspace.iter() {
        let value = digest::digest_value(entry, loader.server, library::now()).unwrap().to_string();
        ours.insert((number, entry.key.to_vec()), value);
    }
    let keys: BTreeSet<_> = ours.keys().chain(theirs.keys()).cloned().collect();
    let mut told = 0;
    for (database, key) in keys {
        let id = (database, key.clone());
        if ours.get(&id) == theirs.get(&id).map(|(digest, _)| digest) {
            continue;
        }
        let mine = rewrite_with(
            &replayed,
            Base::Resp,
            rewrite::Options { wanted: &|number, name| (number, name) == (database, &key), ..Default::default() },
        );
        let is_data = |command: &&Command| !command[0].eq_ignore_ascii_case(b"function");
        let mine: Vec<String> = decode(&mine).iter().filter(is_data).map(shown).collect();
        let mut theirs = theirs.get(&id).map_or_else(|| "nothing".to_owned(), |(_, shown)| shown.clone());
        theirs.truncate(700);
        writeln!(
            text,
            "  {} in {database}\n    ours:   {}\n    theirs: {theirs}",
            key.escape_ascii(),
            mine.join(" · ")
        )
        .unwrap();
        let mut concerned = vec![key];
        let last = decode(log).pop().unwrap_or_default();
        let last: Vec<&[u8]> = last.iter().map(Vec::as_slice).collect();
        concerned.extend(command::key_indexes(&last).map(|index| last[index].to_vec()));
        for line in history(log, &concerned) {
            writeln!(text, "      {line}").unwrap();
        }
        told += 1;
        if told == 3 {
            break;
        }
    }
    Some(text)
}

/// The last commands of a log that name one of these keys, or all keys.
fn history(log: &[u8], keys: &[Vec<u8>]) -> Vec<String> {
    let touches = |command: &Command| {
        let arguments: Vec<&[u8]> = command.iter().map(Vec::as_slice).collect();
        let name = command[0].to_ascii_lowercase();
        [&b"flushall"[..], b"flushdb", b"swapdb", b"select", b"multi", b"exec", b"discard"].contains(&name.as_slice())
            || command::key_indexes(&arguments).any(|index| keys.iter().any(|key| arguments[index] == key))
    };
    let mut lines: Vec<String> = Vec::new();
    for command in decode(log).iter().filter(|command| touches(command)) {
        lines.push(shown(command));
    }
    lines.split_off(lines.len().saturating_sub(14))
}

impl Logged {
    /// Compares every state that the server told.
    fn differences(&self, loader: &mut RealServer) -> Option<String> {
        for (index, (size, theirs)) in self.states.iter().enumerate() {
            let Some(theirs) = theirs else { continue };
            // Most mistakes stay; the state in which one was made is looked for from there.
            if index % 10 != 9 && index + 1 != self.states.len() {
                continue;
            }
            if library::digest(&[&self.log[..*size]], self.server) != *theirs {
                return self.first_difference(index, loader);
            }
        }
        None
    }

    fn first_difference(&self, known: usize, loader: &mut RealServer) -> Option<String> {
        let differs = |index: usize| {
            let (size, theirs) = &self.states[index];
            theirs.as_ref().is_some_and(|theirs| library::digest(&[&self.log[..*size]], self.server) != *theirs)
        };
        let first = (known.saturating_sub(10)..=known).find(|index| differs(*index)).unwrap_or(known);
        let (size, theirs) = &self.states[first];
        let before = first.checked_sub(1).map_or(0, |index| self.states[index].0);
        let mut text = format!(
            "{}, seed {}, step {first}, the server {}\n",
            self.server,
            self.seed,
            theirs.as_deref().unwrap_or("?")
        );
        for command in self.steps[first].records() {
            writeln!(text, "  ran    {}", shown(&command)).unwrap();
        }
        for command in decode(&self.log[before..*size]) {
            writeln!(text, "  logged {}", shown(&command)).unwrap();
        }
        explain(loader, &self.log[..*size]).map(|explained| text + &explained)
    }
}

/// A server that logs is given values of all types to dump.
fn payloads(real: &mut RealServer) -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
    let setting = Setting { server: Some(real.server), mode: Mode::Live, has_payloads: false, has_functions: false };
    let mut generator = Generator::new(setting, 77, Values::default());
    let blocking = [&b"blpop"[..], b"brpop", b"blmove", b"brpoplpush", b"blmpop", b"bzpopmin", b"bzpopmax", b"bzmpop"];
    for _ in 0..700 {
        let command = generator.sound_command();
        if !blocking.contains(&command[0].to_ascii_lowercase().as_slice()) {
            real.call(&command);
        }
    }
    let mut payloads = Vec::new();
    let names = real.call(&["KEYS", "*"]);
    for name in names.array().iter().take(40) {
        payloads.push(real.call(&[b"DUMP", name.bytes()]).bytes().to_vec());
    }
    let functions = if real.server == Server::Redis62 {
        Vec::new()
    } else {
        real.call(&["FUNCTION", "FLUSH"]);
        let mut dumps = vec![real.call(&["FUNCTION", "DUMP"]).bytes().to_vec()];
        let code =
            |name: &str| format!("#!lua name={name}\nredis.register_function('{name}_f', function() return 7 end)");
        real.call(&["FUNCTION", "LOAD", &code("lib2")]);
        real.call(&["FUNCTION", "LOAD", &code("lib4")]);
        dumps.push(real.call(&["FUNCTION", "DUMP"]).bytes().to_vec());
        dumps
    };
    real.call(&["FLUSHALL"]);
    (payloads, functions)
}

/// The same by aofkit's own means.
fn own_payloads() -> Values {
    let mut values = Values::default();
    let setting = Setting { has_payloads: false, has_functions: false, ..Setting::ALONE };
    let log = encode(
        &(0..1500).map(|seed| Generator::new(setting, seed, values.clone()).sound_command()).collect::<Vec<_>>(),
    );
    let replayed = replay(&[&log], 1);
    let payload = |(_, entry): (u32, Entry<'_, '_>)| Some(dump::write(&entry.value, Release::Redis80).ok()?.0);
    values.payloads = replayed.keyspace.iter().filter_map(payload).collect();
    // What redis 7.0 dumps when it has no library, and one.
    values.functions = FUNCTIONS.iter().map(|payload| payload.to_vec()).collect();
    values
}

/// What `FUNCTION DUMP` of redis 7.0 gives where there are none, and where there is one.
const FUNCTIONS: [&[u8]; 2] = [
    b"\n\x00]\x9b\\@\x0f\x7f\xa2\xda",
    b"\xf5@J#!lua name=lib2\nredis.register_function('lib2_f', function() return 7 end)\n\x00\xb8O\xd7\xf1\xf0\xbcdA",
];

/// Runs a program on a server that logs.
fn run_live(real: &mut RealServer, seed: u64, values: &Values, length: usize) -> Logged {
    let setting = Setting {
        server: Some(real.server),
        mode: Mode::Live,
        has_payloads: true,
        has_functions: !values.functions.is_empty(),
    };
    let mut generator = Generator::new(setting, seed, values.clone());
    if real.server != Server::Redis62 {
        real.call(&["FUNCTION", "FLUSH"]);
    }
    for word in ["14", "15"] {
        real.call(&["SELECT", word]);
        real.call(&["FLUSHALL"]);
    }
    // The last command that was logged begins with SELECT, so that the log can be read from there.
    let start = real.log_size();
    real.call(&["SELECT", "0"]);
    real.call(&["FLUSHALL"]);
    let steps = generator.program(length);
    let mut states = Vec::new();
    for step in &steps {
        for command in step.records() {
            real.call(&command);
        }
        states.push((real.log_size() - start, Some(real.digest())));
    }
    let log = std::fs::read(real.log()).unwrap();
    Logged { server: real.server, seed, log: log[start..].to_vec(), states, steps }
}

fn live(release: &str, programs: u64) {
    let (mut real, mut loader) = (RealServer::logging_release(release), RealServer::logging_release(release));
    let mut values = Values::default();
    (values.payloads, values.functions) = payloads(&mut real);
    let mut found = Vec::new();
    for seed in seeds(programs) {
        let logged = run_live(&mut real, seed, &values, 250);
        if let Some(text) = logged.differences(&mut loader) {
            found.push(text);
            continue;
        }
        found.extend(rewrites(&logged, &mut real, &mut loader));
    }
    assert_none(&found);
}

/// The rewritten log against the server's own, and in the server.
fn rewrites(logged: &Logged, real: &mut RealServer, loader: &mut RealServer) -> Option<String> {
    let (server, seed) = (logged.server, logged.seed);
    let whole = logged.states.last().map_or(0, |(size, _)| *size);
    let log = &logged.log[..whole];
    let replayed = replay_of(server, &[log], 2);
    let expected = digest_of(&replayed, server);
    let mut text = String::new();
    let functions = real.functions();
    let resp = rewrite_for(server, &replayed, Base::Resp);
    let rdb = rewrite_for(server, &replayed, Base::Rdb);
    for (name, parts) in [("RESP", vec![('b', &resp[..])]), ("RDB", vec![('b', &rdb[..])])] {
        let loaded = loader.load(&parts);
        if loaded != expected {
            writeln!(text, "{server}, seed {seed}: the rewritten {name} gives {loaded}, not {expected}").unwrap();
        }
        if loader.functions() != functions {
            writeln!(text, "{server}, seed {seed}: the rewritten {name} gives other functions").unwrap();
        }
        let again = rewrite_for(
            server,
            &replay_of(server, &[parts[0].1], 1),
            if name == "RESP" { Base::Resp } else { Base::Rdb },
        );
        if let Some(difference) = difference(&again, parts[0].1) {
            writeln!(text, "{server}, seed {seed}: the {name} rewritten once more: {difference}").unwrap();
        }
    }
    if server != Server::Redis62 {
        let base = if seed % 2 == 0 { "aof" } else { "rdb" };
        let parts = rewrite_to_directory(server, log, base);
        let parts: Vec<_> = parts.iter().map(|(kind, bytes)| (*kind, bytes.as_slice())).collect();
        let loaded = loader.load(&parts);
        if loaded != expected {
            writeln!(text, "{server}, seed {seed}: the directory with a base of {base} gives {loaded}, not {expected}")
                .unwrap();
        }
    }
    // The server's own rewrite of the same log.
    loader.load(&[('b', log)]);
    let its_own = loader.rewritten();
    for line in cost::dearer(&resp, &its_own) {
        writeln!(text, "{server}, seed {seed}: dearer than the server's rewrite: {line}").unwrap();
    }
    // What the server makes of either, in its own form.
    loader.load(&[('b', &resp)]);
    let (mut theirs, mut ours) = (contents(&its_own), contents(&loader.rewritten()));
    if server == Server::Redis62 {
        // It logs the relative time of RESTORE, which begins anew with every load.
        for items in theirs.values_mut().chain(ours.values_mut()) {
            items.retain(|item| !item.starts_with("PEXPIREAT"));
        }
    }
    let keys: BTreeSet<_> = ours.keys().chain(theirs.keys()).collect();
    let mut told = 0;
    for key in keys {
        if ours.get(key) != theirs.get(key) && told < 3 {
            told += 1;
            let only = |one: Option<&BTreeSet<String>>, other: Option<&BTreeSet<String>>| {
                let one = one.cloned().unwrap_or_default();
                let mut text = format!("{:?}", one.difference(&other.cloned().unwrap_or_default()).collect::<Vec<_>>());
                text.truncate(600);
                text
            };
            let (mine, its) = (ours.get(key), theirs.get(key));
            writeln!(
                text,
                "{server}, seed {seed}: rewritten, {key:?}\n  only ours   {}\n  only theirs {}",
                only(mine, its),
                only(its, mine)
            )
            .unwrap();
            for line in history(log, &[key.1.clone().into_bytes()]) {
                writeln!(text, "      {line}").unwrap();
            }
        }
    }
    (!text.is_empty()).then_some(text)
}

/// Programs as logs, loaded by a server.
fn verbatim(release: &str, programs: u64) {
    let mut loader = RealServer::logging_release(release);
    let server = loader.server;
    let mut values = Values::default();
    (values.payloads, values.functions) = payloads(&mut loader);
    let setting = Setting {
        server: Some(server),
        mode: Mode::Verbatim,
        has_payloads: true,
        has_functions: !values.functions.is_empty(),
    };
    let mut found = Vec::new();
    for seed in seeds(programs) {
        eprint!("{server}, seed {seed}: ");
        let steps = Generator::new(setting, seed, values.clone()).program(250);
        let (mut log, mut states) = (Vec::new(), Vec::new());
        for step in &steps {
            log.extend(encode(&step.records()));
            states.push((log.len(), None));
        }
        let mut logged = Logged { server, seed, log, states, steps };
        let ends: Vec<usize> = (0..5).map(|part| (part + 1) * 50 - 1).collect();
        let mut differs = |logged: &mut Logged, index: usize| {
            let size = logged.states[index].0;
            let theirs = loader.load(&[('b', &logged.log[..size])]);
            let differs = library::digest(&[&logged.log[..size]], server) != theirs;
            logged.states[index].1 = Some(theirs);
            differs
        };
        let Some(mut bad) = ends.into_iter().find(|index| differs(&mut logged, *index)) else { continue };
        let mut good = bad.checked_sub(50);
        while good.map_or(bad, |good| bad - good - 1) > 0 {
            let middle = good.map_or(bad / 2, |good| usize::midpoint(good, bad));
            if differs(&mut logged, middle) { bad = middle } else { good = Some(middle) }
        }
        found.extend(logged.first_difference(bad, &mut loader));
    }
    assert_none(&found);
}

/// Logs in which `DISCARD` is queued, and those in which it stands alone.
fn discarded(release: &str) {
    let keys = ["x", "a", "b", "c"].map(str::to_owned);
    for lines in
        ["SET x 1;MULTI;SET a 1;DISCARD;SET b 1", "SET x 1;DISCARD;SET b 1", "MULTI;SET a 1;EXEC;DISCARD;SET c 1"]
    {
        let words = |line: &str| line.split(' ').map(|word| word.as_bytes().to_vec()).collect::<Command>();
        let log = encode(&lines.split(';').map(words).collect::<Vec<_>>());
        let files = Files { parts: vec![Some(log.clone())], cutting: Cutting::Yes };
        let (_, theirs) = existing(release, &files, &keys);
        let replayed = replay(&[&log], 2);
        let has = |key: &String| replayed.keyspace.get(0, key.as_bytes()).is_some();
        assert_eq!(Some(keys.iter().map(has).collect()), theirs, "{lines}");
    }
}

macro_rules! tests {
    ($($test:ident: $server:ident, $release:literal;)*) => {
        $(mod $test {
            #[server_test]
            fn what_a_server_logs_is_replayed_as_it_ran() {
                super::live($release, 3);
            }

            #[server_test]
            fn logs_of_commands_as_they_were_typed_are_replayed_as_loaded() {
                super::verbatim($release, 6);
            }

            #[server_test]
            fn fixed_logs_take_no_more_than_in_its_own_rewrite() {
                super::fixed::compare($release);
            }

            #[server_test]
            fn discard_in_a_log_leaves_its_transaction_open() {
                super::discarded($release);
            }
        })*
    };
}
with_releases!(tests);

#[test]
fn programs_are_made_for_every_server_from_every_seed() {
    let values = own_payloads();
    for server in Server::ALL {
        for mode in [Mode::Live, Mode::Verbatim] {
            let setting = Setting { server: Some(server), mode, has_payloads: true, has_functions: true };
            for seed in 500..525 {
                let steps = Generator::new(setting, seed, values.clone()).program(250);
                assert_eq!(steps.len(), 250, "{server}, {mode:?}, seed {seed}");
            }
        }
    }
}

#[test]
fn no_applied_row_goes_unexercised() {
    let mut met: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    let values = own_payloads();
    for seed in 0..24 {
        let mut keyspace = Keyspace::default();
        let mut database = 0;
        for step in Generator::new(Setting::ALONE, seed, values.clone()).program(800) {
            for command in step.commands() {
                let arguments: Vec<&'static [u8]> = command.iter().map(|word| &*word.clone().leak()).collect();
                if arguments[0].eq_ignore_ascii_case(b"select") {
                    database = String::from_utf8_lossy(arguments[1]).parse().unwrap();
                    continue;
                }
                let row = command::resolve(&arguments).row().unwrap();
                let Some(apply) = row.apply else { continue };
                let mut call = Call::new(&arguments, &mut keyspace);
                (call.database, call.now) = (database, library::now());
                let count = met.entry(row.name).or_default();
                match apply.run(&mut call) {
                    Ok(()) => count.0 += 1,
                    Err(_) => count.1 += 1,
                }
            }
        }
    }
    // MIGRATE is never logged; a log in which it stands did nothing there. Vector sets are compared in
    // `vector_sets_servers.rs`.
    let elsewhere = ["migrate", "vadd", "vrem", "vsetattr"];
    let missing: Vec<&str> = command::all()
        .filter(|row| row.apply.is_some() && !elsewhere.contains(&row.name))
        .filter(|row| met.get(row.name).is_none_or(|(done, _)| *done < 3))
        .map(|row| row.name)
        .collect();
    assert!(missing.is_empty(), "hardly ever done: {missing:?}");
    // Commands that cannot fail are few; SPOP is not tampered with.
    let never: Vec<&str> = met.iter().filter(|(_, (_, failed))| *failed == 0).map(|(name, _)| *name).collect();
    println!("never failed: {never:?}; {met:?}");
}

#[test]
fn threads_change_nothing_and_a_rewrite_is_final() {
    let values = own_payloads();
    for seed in seeds(12) {
        let steps = Generator::new(Setting::ALONE, seed, values.clone()).program(400);
        let log = encode(&steps.iter().flat_map(Step::records).collect::<Vec<_>>());
        let alone = replay(&[&log], 1);
        let digest = digest_of(&alone, Server::Redis80);
        for base in [Base::Resp, Base::Rdb] {
            let bytes = rewrite(&alone, base, 1);
            for threads in [2, 3, 5] {
                let together = replay(&[&log], threads);
                assert_eq!(together.summary.failed, alone.summary.failed, "seed {seed}, {threads} threads");
                assert_eq!(digest_of(&together, Server::Redis80), digest, "seed {seed}, {threads} threads");
                same(&rewrite(&together, base, threads), &bytes, &format!("seed {seed}, {threads} threads"));
            }
            let again = replay(&[&bytes], 3);
            assert_eq!(again.summary.failed, 0, "seed {seed}: {:?}", again.summary.failures);
            assert_eq!(digest_of(&again, Server::Redis80), digest, "seed {seed}: {base:?}");
            same(&rewrite(&again, base, 2), &bytes, &format!("seed {seed}, rewritten once more"));
        }
    }
}

/// Fails with the first commands that differ.
#[track_caller]
fn same(ours: &[u8], expected: &[u8], what: &str) {
    if let Some(difference) = difference(ours, expected) {
        panic!("{what}: {difference}");
    }
}

/// The first commands, or bytes of an RDB, that differ.
fn difference(ours: &[u8], expected: &[u8]) -> Option<String> {
    if ours == expected {
        return None;
    }
    // To be looked at with `aofkit inspect`.
    if let Some(folder) = std::env::var_os("AOFKIT_KEEP").map(std::path::PathBuf::from) {
        std::fs::write(folder.join("ours"), ours).unwrap();
        std::fs::write(folder.join("expected"), expected).unwrap();
    }
    if !expected.starts_with(b"*") {
        let at = ours.iter().zip(expected).position(|(one, other)| one != other);
        let near =
            |bytes: &[u8]| bytes[at.unwrap_or(0).saturating_sub(60)..].iter().take(120).copied().collect::<Vec<_>>();
        let (ours, expected) = (near(ours), near(expected));
        return Some(format!("the RDB differs at {at:?}:\n{}\n{}", ours.escape_ascii(), expected.escape_ascii()));
    }
    let (ours, expected) = (decode(ours), decode(expected));
    let at = ours.iter().zip(&expected).position(|(one, other)| one != other).unwrap_or(ours.len().min(expected.len()));
    let near = |commands: &[Command]| {
        commands[at.saturating_sub(2)..].iter().take(4).map(shown).collect::<Vec<_>>().join("\n  ")
    };
    Some(format!("the commands differ at {at}:\n  {}\nnot\n  {}", near(&ours), near(&expected)))
}

#[server_test]
fn real_servers_answer_as_the_harness_expects() {
    let mut real = RealServer::logging(Server::Redis70);
    assert_eq!(real.call(&["SET", "k", "v"]), Reply::Simple("OK".to_owned()));
    assert_eq!(
        real.log_size(),
        encode(&[vec![b"SELECT".to_vec(), b"0".to_vec()], vec![b"SET".to_vec(), b"k".to_vec(), b"v".to_vec()]]).len()
    );
}
