//! What the model says that servers do with a log, against what they do.

use aofkit::Server;
use aofkit::check::server::{
    Crash, Layout, NoteKind, Outcome, PartEnd, PartFacts, RdbOutcome, Reason, Resume, Verdict, load, load_resp,
};
use aofkit::rdb::{Consumer, taken_for_rdb};

use crate::harness::load::{Cutting, Ended, Files, Loaded, load_all, part_name};
use crate::harness::log::command;
use crate::harness::servers::release;
use crate::harness::{Random, setting};

/// An empty RDB of a version that every server knows, without a checksum.
const RDB: &[u8] = b"REDIS0009\xff\0\0\0\0\0\0\0\0";

/// Several commands: one in each line, its words between spaces.
fn commands(lines: &str) -> Vec<u8> {
    lines.split(';').flat_map(|line| command(&line.split_ascii_whitespace().collect::<Vec<_>>())).collect()
}

/// The model's verdict. An RDB can only be [`RDB`], or cut or changed before the end of its header.
fn judge(files: &Files, server: Server) -> Verdict {
    let part = |bytes: &Option<Vec<u8>>| {
        let Some(bytes) = bytes else { return PartFacts::Missing };
        if bytes.is_empty() {
            return PartFacts::Empty;
        }
        let rdb = taken_for_rdb(Consumer::Loader(server), bytes).then(|| {
            if bytes.starts_with(RDB) {
                RdbOutcome::Whole { end: RDB.len() as u64 }
            } else {
                RdbOutcome::Damaged { offset: 0 }
            }
        });
        let start = match rdb {
            None => 0,
            Some(RdbOutcome::Whole { end }) => end,
            Some(_) => return PartFacts::Read { rdb, resp: None },
        };
        PartFacts::Read { rdb, resp: Some(load_resp(bytes, Resume::after_preamble(start), server)) }
    };
    let parts: Vec<PartFacts> = files.parts.iter().map(part).collect();
    let layout = if server == Server::Redis62 { Layout::SingleFile } else { Layout::Manifest };
    let mut verdict = load(layout, &parts, server);
    if files.cutting == Cutting::No {
        verdict.outcome = verdict.outcome.without_cutting();
    }
    verdict
}

/// What is wrong with the verdict; `None` when the server did as it says.
fn difference(files: &Files, verdict: &Verdict, loaded: &Loaded) -> Option<String> {
    let mut sizes: Vec<Option<u64>> =
        files.parts.iter().map(|part| part.as_ref().map(|bytes| bytes.len() as u64)).collect();
    let mut blamed = 0;
    let agrees = match (&verdict.outcome, loaded.ended) {
        (Outcome::LoadsAndCuts { part, cut }, Ended::Starts) => {
            (blamed, sizes[*part]) = (*part, Some(cut.at));
            true
        }
        (Outcome::Refuses { part, reason, .. }, Ended::Exits(1)) => {
            blamed = *part;
            if let Reason::CutBeforeTheLast(cut) = reason {
                sizes[*part] = Some(cut.at);
            }
            true
        }
        // A name is compared up to its NUL with those that share its bucket, which depends on the seed of the hash.
        (Outcome::Refuses { reason: Reason::UnknownCommand(words), .. }, Ended::Starts)
            if words.0.iter().any(|word| word.contains(&0)) =>
        {
            return None;
        }
        // What lies behind the arguments in memory is anyone's guess.
        (Outcome::Crashes { cause: Crash::TooFewArguments, .. }, _) => return None,
        (Outcome::Loads, Ended::Starts)
        | (Outcome::Crashes { .. }, Ended::Killed(_))
        | (Outcome::Stops { .. }, Ended::Exits(0) | Ended::Hangs) => true,
        _ => false,
    };
    let may_crash = |kind| matches!(kind, NoteKind::RunsScript | NoteKind::CrashesOnceReady);
    if verdict.notes.iter().any(|note| may_crash(note.kind)) && matches!(loaded.ended, Ended::Killed(_) | Ended::Hangs)
    {
        return None;
    }
    if !agrees {
        return Some(format!("{:?}", loaded.ended));
    }
    if sizes != loaded.sizes {
        return Some(format!("sizes {:?}", loaded.sizes));
    }
    let lines = verdict.log_lines(&part_name(blamed));
    let missing = lines.iter().find(|line| !loaded.logged(line))?;
    Some(format!("no line '{}'", String::from_utf8_lossy(missing)))
}

fn compare(server: Server, logs: &[Files]) {
    let loaded = load_all(release(server), logs);
    let mut wrong = Vec::new();
    for (files, loaded) in logs.iter().zip(&loaded) {
        let verdict = judge(files, server);
        if let Some(difference) = difference(files, &verdict, loaded) {
            let parts: Vec<String> = files
                .parts
                .iter()
                .map(|part| part.as_ref().map_or("missing".to_owned(), |part| part.escape_ascii().to_string()))
                .collect();
            let log = String::from_utf8_lossy(&loaded.log);
            let tail: Vec<&str> = log.lines().rev().take(4).collect();
            wrong.push(format!(
                "{server} {:?} {parts:#?}\n  says {verdict:?}\n  but {difference}\n  {tail:#?}",
                files.cutting
            ));
        }
    }
    assert!(wrong.is_empty(), "{} of {} verdicts are wrong:\n{}", wrong.len(), logs.len(), wrong.join("\n"));
}

fn single(bytes: &[u8]) -> Files {
    Files { parts: vec![Some(bytes.to_vec())], cutting: Cutting::Yes }
}

/// What stands behind one sound record.
const TAILS: &[&[u8]] = &[
    b"",
    b"\0",
    b"\n",
    b"\r\n",
    b"garbage",
    b"PING\r\n",
    b"*",
    b"*1",
    b"*x",
    b"*\0",
    b"*\n",
    b"*\0\n",
    b"*0\r\n",
    b"*-1\r\n",
    b"*3\r\n$",
    b"*3\r\n$\0\0",
    b"*1\r\n$0\r\n\r\n",
    b"*1\r\n$x\r\n\r\n",
    b"*1\n$4\nPING\r\n",
    b"*1\n$4\nPINGxy",
    b"*1xyz\r\n$4 abc\r\nPING\r\n",
    b"*4294967297\r\n$4\r\nPING\r\n",
    b"*4294967296\r\n$4\r\nPING\r\n",
    b"*2147483648\r\n$4\r\nPING\r\n",
    b"*9223372036854775809\r\n$4\r\nPING\r\n",
    b"*100000000\r\n$4\r\nPING\r\n",
    b"*-99999999999999999999\r\n$4\r\nPING\r\n",
    b"*1\r\n$-1\r\n",
    b"*1\r\n$-9\r\nxx",
    b"*1\r\n$1000000000000000\r\nxx",
    b"*1\r\n$9223372036854775807\r\nxx",
    b"*1\r\n$99999999999999999999\r\nxx",
    b"*1\r\n$1000000000\r\nxx",
    b"*1\r\n$5\r\nPING\0\r\n",
    b"*1\r\n$8\r\nPING\0abc\r\n",
    b"*1\r\n$4\r\nF\xff\x01O\r\n",
    b"* \t\x0b\x0c\r1\r\n$4\r\nPING\r\n",
    b"#TS:1\r\n*1\r\n$4\r\nPI",
    b"#TS:1",
    b"#\0\0\r\n",
    b"*1\r\n$4\r\nPING\r",
    b"*1\r\n$4\r\nPING\rx*1\r\n",
];

/// The rows that taught the model something.
fn known_oddities() -> Vec<Vec<u8>> {
    let set = commands("SET a b");
    let behind = |tail: &[u8]| [set.as_slice(), tail].concat();
    let zeros = |head: &[u8], count: usize| [set.as_slice(), head, &vec![0; count]].concat();
    let line = |count: usize, tail: &[u8]| [b"*".as_slice(), &vec![b'0'; count], tail].concat();
    let note = |count: usize, tail: &[u8]| [b"#".as_slice(), &vec![b'x'; count], tail].concat();
    let mut rows: Vec<Vec<u8>> = TAILS.iter().map(|tail| behind(tail)).collect();
    rows.extend([
        Vec::new(),
        b"REDIS".to_vec(),
        b"REDI".to_vec(),
        b"REDIS0".to_vec(),
        b"VALKEY".to_vec(),
        b"VALKEX".to_vec(),
        b"*".to_vec(),
        command(&[&"x".repeat(130), &"y".repeat(130), "z"]),
        command(&[&"x".repeat(3000)]),
        command(&["XGROUP", &"x".repeat(130)]),
        command(&["a\r\nb", "c\r\nd", "e\0f"]),
        command(&["x"; 100]),
        zeros(b"", 300),
        zeros(b"*1", 100),
        zeros(b"*1", 2000),
        zeros(b"*2\r\n$3", 200),
        zeros(b"*2\r\n$300\r\nGE", 200),
        zeros(b"*2\r\n$30\r\nGE", 200),
        zeros(b"*", 126),
        zeros(b"*", 125),
        zeros(b"*", 1022),
        zeros(b"*", 1021),
        line(124, b"1\n$4\r\nPING\r\n"),
        line(125, b"1\n$4\r\nPING\r\n"),
        line(125, b"1$4\r\nPING\r\n"),
        line(1020, b"1\n$4\r\nPING\r\n"),
        line(1021, b"1\n$4\r\nPING\r\n"),
        line(1021, b"1$4\r\nPING\r\n"),
        note(1021, b"\n"),
        note(1022, b"\n"),
        [note(1022, b""), set.clone()].concat(),
        [note(3000, b""), set.clone()].concat(),
        [RDB, &set].concat(),
        [RDB, b"*1\r\n$4\r\nPI"].concat(),
        [RDB, &commands("MULTI;SET a b")].concat(),
        [RDB, &commands("MULTI;SET a b"), b"*1\r\n$4\r\nPI"].concat(),
        [RDB, b"#\n*"].concat(),
        [RDB, &set, b"*"].concat(),
        [RDB, RDB].concat(),
        RDB[..17].to_vec(),
        RDB[..9].to_vec(),
        [RDB, b"\0\0"].concat(),
    ]);
    rows
}

/// Transactions, unknown commands and odd ones, each also cut short at the end.
const LINES: &[&str] = &[
    "SET a b;MULTI;SET c d",
    "SET a b;MULTI",
    "MULTI;SET a b;MULTI;SET c d",
    "MULTI;SET a b;MULTI;SET c d;EXEC;SET e f",
    "EXEC;SET a b",
    "DISCARD;SET a b",
    "MULTI;DISCARD;SET a b",
    "MULTI;DISCARD;EXEC",
    "SET a b;MULTI;EXEC;SET c d",
    "SET a b;MULTI;FOO",
    "MULTI x;SET a b;EXEC y",
    "MULTI;WATCH a;EXEC",
    "MULTI;RESET;EXEC",
    "RESET;SET a b",
    "FOO",
    "FOO bar baz",
    "XGROUP",
    "XGROUP FOO",
    "xgroup foo bar",
    "GET",
    "GET a b",
    "COMMAND",
    "COMMAND FOO",
    "CONFIG FOO",
    "SELECT 99;SET a b",
    "SHUTDOWN",
    "SHUTDOWN NOW",
    "MULTI;SHUTDOWN NOW;EXEC",
    "MULTI;SHUTDOWN NOW",
    "DEBUG SEGFAULT",
    "DEBUG SEGFAULT x",
    "RESET x",
    "DEBUG LOADAOF",
    "MULTI;DEBUG SEGFAULT;EXEC",
    "MULTI;DEBUG SEGFAULT",
    "REPLICAOF NO ONE",
    "REPLICAOF localhost 1",
    "PSYNC ? -1",
    "SYNC",
    "SUBSCRIBE a",
    "MULTI;SUBSCRIBE a;EXEC",
    "UNSUBSCRIBE",
    "CLIENT INFO",
    "AUTH nobody x",
    "AUTH default x",
    "HELLO 3 AUTH nobody x",
    "WAIT 1 0",
    "WAIT 0 0",
    "MULTI;WAIT 1 0;EXEC",
    "BLPOP a 0",
    "XREAD BLOCK 0 STREAMS a $",
    "MONITOR;MULTI;SET a b;EXEC",
    "CLIENT REPLY OFF;SET a b",
    "SAVE",
    "QUIT;SET a b",
    "EVAL return(1) 0",
    "SET a b;EVAL redis.call('incr','a') 0",
    "SET a b;INCR a;LPUSH a b;SET",
    "FLUSHALL",
    "FAILOVER",
    "MIGRATE 127.0.0.1 1 a 0 100",
    "MODULE LOAD /none",
    "SWAPDB 0 99",
    "HPEXPIREAT a 1 FIELDS 1 b",
    "VADD a VALUES 1 1 b",
    "FUNCTION",
    "FUNCTION FLUSH",
    "SSUBSCRIBE a",
    "POST x",
    "SHUTDOWN ABORT",
];

fn lines() -> Vec<Vec<u8>> {
    let whole = LINES.iter().map(|line| commands(line));
    let cut = LINES.iter().step_by(3).map(|line| [commands(line), b"*1\r\n$4\r\nPI".to_vec()].concat());
    whole.chain(cut).collect()
}

#[server_test]
fn servers_do_with_odd_records_what_the_model_says() {
    for server in Server::ALL {
        let mut logs: Vec<Files> = known_oddities().iter().chain(&lines()).map(|bytes| single(bytes)).collect();
        for (index, bytes) in known_oddities().iter().enumerate() {
            if index % 3 == 0 {
                logs.push(Files { cutting: Cutting::No, ..single(bytes) });
            }
        }
        compare(server, &logs);
    }
}

#[server_test]
fn servers_put_parts_together_as_the_model_says() {
    let sound = || Some(commands("SET a b"));
    let cut = || Some([commands("SET a b"), b"*1\r\n$4\r\nPI".to_vec()].concat());
    let open = || Some(commands("SET a b;MULTI;SET c d"));
    let empty = || Some(Vec::new());
    let rdb = || Some(RDB.to_vec());
    let rows = [
        vec![cut(), sound()],
        vec![cut(), empty()],
        vec![sound(), cut()],
        vec![open(), Some(commands("EXEC;SET e f"))],
        vec![sound(), open()],
        vec![empty(), sound()],
        vec![sound(), empty()],
        vec![sound(), empty(), cut()],
        vec![empty(), empty()],
        vec![None, sound()],
        vec![sound(), None],
        vec![Some(commands("FOO")), None],
        vec![rdb(), sound()],
        vec![sound(), rdb()],
        vec![rdb(), cut()],
        vec![sound(), Some([RDB, b"*1\r\n"].concat())],
        vec![sound(), Some(commands("FOO")), cut()],
        vec![Some(RDB[..12].to_vec()), sound()],
        vec![rdb(), rdb(), cut()],
    ];
    for server in Server::ALL.into_iter().filter(|server| *server != Server::Redis62) {
        let logs: Vec<Files> = rows
            .iter()
            .flat_map(|parts| [Cutting::Yes, Cutting::No].map(|cutting| Files { parts: parts.clone(), cutting }))
            .collect();
        compare(server, &logs);
    }
}

/// Records of every command with every number of arguments, from its name alone to two more than it takes.
fn every_command() -> Vec<Vec<u8>> {
    // PFSELFTEST takes seconds; the others act on what those before them left behind, and may crash.
    let apart = ["pfselftest", "auth", "acl", "publish", "hello"];
    let rows =
        aofkit::command::all().filter(|row| row.name.split('|').next().is_some_and(|name| !apart.contains(&name)));
    let records = rows.flat_map(|row| {
        let name: Vec<&str> = row.name.split('|').collect();
        let takes = Server::ALL.map(|server| usize::from(row.arity.on(server).unsigned_abs()));
        let most = takes.iter().max().copied().unwrap_or_default() + 2;
        (name.len()..=most.max(name.len())).map(move |count| {
            let digits = ["k", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10"];
            command(&name.iter().chain(&digits).copied().take(count).collect::<Vec<_>>())
        })
    });
    records.collect()
}

#[server_test]
fn servers_run_every_command_that_the_model_lets_pass() {
    for server in Server::ALL {
        let passes = |log: &[u8]| {
            let outcome = load_resp(log, Resume::default(), server);
            let harmless = |kind| matches!(kind, NoteKind::WrongArity | NoteKind::SelectFails);
            outcome.end == PartEnd::Whole && outcome.notes.iter().all(|note| harmless(note.kind))
        };
        let in_transaction = |record: &[u8]| [command(&["MULTI"]), record.to_vec(), command(&["EXEC"])].concat();
        let records: Vec<Vec<u8>> = every_command().into_iter().filter(|record| passes(record)).collect();
        let queued: Vec<Vec<u8>> = records.iter().filter(|record| passes(&in_transaction(record))).cloned().collect();
        assert!(queued.len() > 500, "{} on {server}", queued.len());
        compare(server, &[single(&records.concat()), single(&in_transaction(&queued.concat()))]);
    }
}

const PLAIN: &[&str] = &[
    "SET a b",
    "SET k v PXAT 9999999999999",
    "RPUSH l a b c",
    "SADD s a b",
    "ZADD z 1 a",
    "HSET h f v",
    "DEL a",
    "INCR n",
    "SELECT 1",
    "SELECT 0",
    "SELECT 16",
    "XADD x 1-1 a b",
    "XGROUP CREATE x g 0",
    "EXPIRE a 1",
    "LPOP l",
    "UNLINK s",
    "FLUSHALL",
    "MULTI;SET a b;INCR n;EXEC",
    "MULTI;SELECT 2;SET a b;EXEC",
    "MULTI;EXEC",
    "get a",
    "PING",
];
const ODD: &[&str] = &["MULTI", "EXEC", "DISCARD", "FOO a", "XGROUP FOO", "SET a b c d", "SELECT x", "MULTI;SET a b"];
const BITS: &[&[u8]] =
    &[b"\r", b"\n", b"\r\n", b"\0", b"*", b"$", b"#", b"*1\r\n", b"$0\r\n", b"-", b"0", b"9", b" ", b"\xff", b"*2"];

fn random_log(random: &mut Random) -> Vec<u8> {
    let mut log = if random.below(12) == 0 { RDB.to_vec() } else { Vec::new() };
    let start = log.len();
    for _ in 0..=random.below(6) {
        match random.below(14) {
            0 | 1 => log.extend_from_slice(b"#TS:1700000000\r\n"),
            2 | 3 => log.extend(commands(random.pick(ODD))),
            _ => log.extend(commands(random.pick(PLAIN))),
        }
    }
    for _ in 0..random.below(3) {
        let at = start + random.below(log.len() - start + 1);
        match random.below(8) {
            0 | 1 => log.truncate(at),
            2 => log.splice(at..at, random.pick(BITS).iter().copied()).for_each(drop),
            3 if at < log.len() => log[at] = random.pick(BITS)[0],
            4 => log.drain(at..log.len().min(at + 1 + random.below(9))).for_each(drop),
            5 => log.extend(std::iter::repeat_n(0, random.below(1500))),
            6 => {
                let copy = log[start..at].to_vec();
                log.extend(copy);
            }
            _ => {
                log.truncate(at);
                log.extend(std::iter::repeat_n(0, random.below(300)));
            }
        }
    }
    log
}

#[server_test]
fn servers_do_with_random_damage_what_the_model_says() {
    let count = setting("AOFKIT_PROGRAMS", 60);
    for (seed, server) in (1_u64..).zip(Server::ALL) {
        let mut random = Random(seed << 32);
        let logs: Vec<Files> = (0..count)
            .map(|_| {
                let parts = if server == Server::Redis62 || random.below(3) > 0 { 1 } else { 2 + random.below(2) };
                let parts = (0..parts).map(|_| Some(random_log(&mut random))).collect();
                Files { parts, cutting: if random.below(4) == 0 { Cutting::No } else { Cutting::Yes } }
            })
            .collect();
        compare(server, &logs);
    }
}
