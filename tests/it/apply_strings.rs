//! Commands on strings, bitmaps, `HyperLogLogs`, keys and databases, applied here and by real servers.

use aofkit::command::apply::Call;
use aofkit::command::resolve;
use aofkit::keyspace::Keyspace;
use aofkit::value::Value;

use crate::harness::{Random, RealServer, Reply};

/// Makes commands of templates.
struct Filler(Random);

impl Filler {
    fn number(&mut self) -> i64 {
        let number = self.0.next().cast_signed();
        match self.0.below(8) {
            0 => number,
            1 => i64::MAX,
            2 => i64::MIN,
            3 => number >> 32,
            _ => number >> 56,
        }
    }

    fn float(&mut self) -> String {
        let length = u32::try_from(self.0.below(19) + 1).unwrap();
        let digits = self.0.below(10_u64.pow(length));
        let sign = self.0.pick(&["", "", "-", "+"]);
        match self.0.below(7) {
            0 => format!("{sign}{digits}.{}", self.0.below(1_000_000)),
            1 => format!("{sign}{digits}e{}", self.0.below(60_i64) - 40),
            2 => format!("{sign}.{digits}"),
            3 => format!("{sign}0x{digits:x}p{}", self.0.below(80_i64) - 60),
            4 => format!("{sign}0.{digits:019}{}", self.0.next()),
            5 => self.0.pick(&["inf", "1e400", "1e4932", "nan", "1e-5000", "", " 1", "1 ", "0", "-0.0"]).to_owned(),
            _ => format!("{sign}{digits}"),
        }
    }

    fn value(&mut self) -> String {
        match self.0.below(6) {
            0 => self.number().to_string(),
            1 => self.float(),
            2 => String::new(),
            3 => "x".repeat(usize::try_from(self.0.below(100)).unwrap()),
            _ => self.0.pick(&["1", "12", "other", "HYLL", "0"]).to_owned(),
        }
    }

    fn time(&mut self) -> String {
        const LATER: u64 = 4_000_000_000;
        match self.0.below(6) {
            0 => format!("PXAT {}", LATER * 1000 + self.0.below(100_000)),
            1 => "EXAT 9223372036854775807".to_owned(),
            2 => {
                self.0.pick(&["PXAT 0", "EXAT x", "EX -1", "EX 9223372036854775", "PX 9223372036854775807"]).to_owned()
            }
            _ => format!("EXAT {}", LATER + self.0.below(10)),
        }
    }

    /// Replaces each letter after a `$` by a word of its kind.
    fn fill(&mut self, template: &str) -> Vec<Vec<u8>> {
        let mut words = Vec::new();
        for word in template.split(' ') {
            let word = match word {
                "$k" => format!("k{}", self.0.below(6)),
                "$h" => format!("h{}", self.0.below(4)),
                "$v" => self.value(),
                "$i" => self.number().to_string(),
                "$f" => self.float(),
                "$o" => self.0.pick(&["0", "1", "7", "8", "63", "100", "-1", "x", "#3", "4294967296"]).to_owned(),
                "$b" => self.0.pick(&["0", "1", "1", "2"]).to_owned(),
                "$d" => self.0.pick(&["0", "1", "2", "-1", "x"]).to_owned(),
                "$t" => self.time(),
                "$e" => format!("element {}", self.0.below(100_000)),
                "$T" => {
                    let width = self.0.below(66);
                    format!("{}{width}", self.0.pick(&["i", "u"]))
                }
                other => other.to_owned(),
            };
            // A time has two words.
            match word.split_once(' ') {
                Some((one, other)) if template.contains("$t") && !one.is_empty() => {
                    words.extend([one.as_bytes().to_vec(), other.as_bytes().to_vec()]);
                }
                _ => words.push(word.into_bytes()),
            }
        }
        words
    }
}

const STRINGS: &[&str] = &[
    "SET $k $v",
    "set $k $i",
    "SET $k $f",
    "SET $k $v NX",
    "SET $k $v xx",
    "SET $k $v GET KEEPTTL",
    "SET $k $v $t",
    "SET $k $v $t NX GET",
    "SET $k $v NX XX",
    "SET $k $v KEEPTTL $t",
    "SET $k $v $t $t",
    "SET $k $v NX NX EXAT",
    "SETNX $k $v",
    "SETEX $k -1 $v",
    "PSETEX $k x $v",
    "GETSET $k $v",
    "GETDEL $k",
    "GETEX $k",
    "GETEX $k $t",
    "GETEX $k PERSIST",
    "GETEX $k PERSIST $t",
    "GETEX $k KEEPTTL",
    "MSET $k $v $k $v",
    "MSET $k $v $k",
    "MSETNX $k $v $k $v",
    "APPEND $k $v",
    "APPEND $k $v",
    "SETRANGE $k $o $v",
    "SETRANGE $k 3 $v",
    "SETRANGE $k 536870912 $v",
    "INCR $k",
    "DECR $k",
    "INCRBY $k $i",
    "DECRBY $k $i",
    "INCRBYFLOAT $k $f",
    "INCRBYFLOAT $k $f",
    "INCRBYFLOAT $k $f",
    "INCRBYFLOAT $k $i",
    "SET $k $v IFEQ",
];

const VALKEY: &[&str] = &[
    "MSETEX 2 $k $v $k $v",
    "MSETEX 1 $k $v NX",
    "MSETEX 2 $k $v $k $v xx $t",
    "MSETEX 1 $k $v $t",
    "MSETEX 2 $k $v $k $v KEEPTTL",
    "MSETEX 0 $k $v",
    "MSETEX x $k $v",
    "MSETEX 3 $k $v $k $v",
    "MSETEX 1 $k $v NX XX",
    "MSETEX 1 $k $v GET",
    "MSETEX 1 $k $v NX NX",
    "MSETEX 1 $k $v IFEQ $v",
    "MSETEX -1 $k $v",
    "DELIFEQ $k $v",
    "DELIFEQ $k 1",
    "SET $k $v IFEQ $v",
    "SET $k $v IFEQ 1 GET $t",
    "SET $k $v IFEQ 1 NX",
    "SET $k $v XX IFEQ 1",
    "SET $k $v NX IFEQ 1",
    "SET $k $v IFEQ 12 KEEPTTL",
    "SET $k 1",
    "SET $k $v IFEQ 1 IFEQ 12",
    "SET $k $v IFEQ 1 XX",
];

const BITS: &[&str] = &[
    "SETBIT $k $o $b",
    "SETBIT $k 9 1",
    "BITOP AND $k $k $k",
    "BITOP or $k $k $k $k",
    "BITOP XOR $k $k $k",
    "BITOP NOT $k $k",
    "BITOP NOT $k $k $k",
    "BITOP NAND $k $k",
    "BITFIELD $k SET $T $o $i",
    "BITFIELD $k GET u8 0",
    "BITFIELD $k INCRBY $T $o $i",
    "BITFIELD $k OVERFLOW SAT INCRBY $T 3 $i INCRBY $T 3 $i SET $T #1 $i",
    "BITFIELD $k OVERFLOW FAIL INCRBY $T 5 $i SET $T 100 $i OVERFLOW wrap SET $T 70 $i",
    "BITFIELD $k OVERFLOW MAX",
    "BITFIELD $k SET u8 0",
    "BITFIELD $k INCRBY i64 0 $i INCRBY i64 1 $i INCRBY u63 2 $i",
    "BITFIELD $k GET u64 0",
    "BITFIELD $k OVERFLOW SAT SET u5 $o $i INCRBY u63 11 $i INCRBY i64 11 $i",
    "BITFIELD $k",
];

const SKETCHES: &[&str] = &[
    "PFADD $h $e",
    "PFADD $h $e $e $e",
    "PFADD $h $v",
    "PFADD $h",
    "PFCOUNT $h",
    "PFCOUNT $h $h",
    "PFCOUNT $k",
    "PFADD $k a",
    "PFMERGE $h $h",
    "PFMERGE $h $h $h",
    "PFMERGE $h",
    "PFMERGE $k $h",
];

const KEYS: &[&str] = &[
    "DEL $k",
    "UNLINK $k $k",
    "EXPIREAT $k 4000000000",
    "EXPIREAT $k 4000000001 NX",
    "PEXPIREAT $k 4000000002000 XX",
    "EXPIREAT $k 4000000003 gt",
    "EXPIREAT $k 4000000001 LT",
    "EXPIREAT $k 4000000004 XX GT",
    "EXPIREAT $k 4000000000 NX GT",
    "PEXPIREAT $k 4000000000000 GT LT",
    "EXPIREAT $k 9223372036854775807",
    "PEXPIREAT $k 9223372036854775807",
    "PEXPIRE $k 9223372036854775807",
    "EXPIRE $k 9223372036854775",
    "EXPIRE $k x",
    "EXPIREAT $k 4000000000 NOW",
    "PERSIST $k",
    "RENAME $k $k",
    "RENAMENX $k $k",
    "RENAME $h $k",
    "MOVE $k $d",
    "COPY $k $k",
    "COPY $k $k REPLACE",
    "COPY $k $k DB $d",
    "COPY $k $k DB $d REPLACE",
    "COPY $h $h replace",
    "COPY $k $k DB",
    "SWAPDB $d $d",
    "TOUCH $k",
    "FLUSHDB LATER",
];

/// Applies a command and returns whether it succeeded; commands without a function do nothing.
fn apply<'a>(keyspace: &mut Keyspace<'a>, words: &[&'a [u8]], database: u32, created: u64) -> Option<bool> {
    let row = resolve(words).row().unwrap();
    let mut call = Call::new(words, keyspace);
    // Only the limit of times depends on it.
    (call.database, call.created, call.now) = (database, created, 1_700_000_000_000);
    row.apply.map(|apply| apply.run(&mut call).is_ok())
}

/// A string and its expiry, or -2 and -1 as servers print them.
fn ours(keyspace: &Keyspace<'_>, database: u32, key: &str) -> (Option<Vec<u8>>, i64) {
    match keyspace.get(database, key.as_bytes()) {
        None => (None, -2),
        Some(entry) => match &entry.value {
            Value::String(string) => (Some(string.to_vec()), entry.expiry().unwrap_or(-1)),
            other => panic!("not a string: {other:?}"),
        },
    }
}

fn theirs(server: &mut RealServer, key: &str) -> (Option<Vec<u8>>, i64) {
    let value = match server.call(&["GET", key]) {
        Reply::Null => None,
        reply => Some(reply.bytes().to_vec()),
    };
    (value, server.call(&["PEXPIRETIME", key]).integer())
}

/// Runs commands from templates here and on a server; after each one all keys must be the same.
fn run_on(name: &str, templates: &[&[&str]], count: usize, seed: u64) {
    let mut server = RealServer::start(name);
    let mut random = Filler(Random(seed));
    let mut keyspace = Keyspace::default();
    let keys: Vec<String> = (0..6).map(|key| format!("k{key}")).chain((0..4).map(|key| format!("h{key}"))).collect();
    let (mut failed, mut done) = (0, 0);
    for step in 0..count {
        let templates = templates[usize::try_from(random.0.below(templates.len() as u64)).unwrap()];
        let template = random.0.pick(templates);
        let words: Vec<&'static [u8]> = random.fill(template).into_iter().map(|word| &*word.leak()).collect();
        let database = u32::from(random.0.below(8) == 0);
        server.call(&["SELECT", &database.to_string()]);
        let reply = server.call(&words);
        let shown: Vec<_> = words.iter().map(|word| word.escape_ascii().to_string()).collect();
        let succeeded = apply(&mut keyspace, &words, database, step as u64 * 100);
        // Valkey 9 checks the time before the existence of the key.
        let differs = name == "valkey-9.1" && words[0] == b"GETEX";
        if let Some(succeeded) = succeeded.filter(|_| !differs) {
            assert_eq!(succeeded, !matches!(reply, Reply::Error(_)), "{name}, step {step}: {shown:?}: {reply:?}");
        }
        if succeeded == Some(false) {
            failed += 1;
        } else {
            done += 1;
        }
        for database in 0..2 {
            server.call(&["SELECT", &database.to_string()]);
            for key in &keys {
                let (ours, theirs) = (ours(&keyspace, database, key), theirs(&mut server, key));
                assert_eq!(ours, theirs, "{name}, step {step}, database {database}, {key}: {shown:?}: {reply:?}");
            }
        }
    }
    assert!(failed > count / 50 && done > count / 3, "{failed} failed, {done} done");
}

const SERVERS: [&str; 4] = ["redis-7.0", "redis-8.0.6", "redis-8.6", "valkey-9.1"];

#[server_test]
fn strings_and_keys_are_what_servers_make_of_them() {
    for (name, seed) in SERVERS.into_iter().zip(1..) {
        run_on(name, &[STRINGS, KEYS], 3000, seed);
    }
}

#[server_test]
fn what_valkey_alone_has_is_what_it_makes_of_it() {
    run_on("valkey-9.1", &[VALKEY, VALKEY, STRINGS, KEYS], 3000, 5);
}

#[server_test]
fn bitmaps_are_what_servers_make_of_them() {
    for (name, seed) in SERVERS.into_iter().zip(10..) {
        run_on(name, &[BITS, BITS, BITS, BITS, KEYS, STRINGS], 3000, seed);
    }
}

#[server_test]
fn hyperloglogs_are_what_servers_make_of_them() {
    for (name, seed) in SERVERS.into_iter().zip(20..) {
        run_on(name, &[SKETCHES, SKETCHES, SKETCHES, SKETCHES, SKETCHES, KEYS], 3000, seed);
    }
}

#[server_test]
fn hyperloglogs_of_many_sizes_are_the_servers_byte_for_byte() {
    for name in SERVERS {
        let mut server = RealServer::start(name);
        let mut keyspace = Keyspace::default();
        let mut random = Filler(Random(77));
        for round in 0..60_u64 {
            let key = format!("h{}", round % 6);
            // Few elements, some of them repeated, and enough to turn a sparse one into a dense one.
            let count = [3, 20, 100, 400, 900, 3000][usize::try_from(round % 6).unwrap()];
            let mut words: Vec<Vec<u8>> = vec![b"PFADD".to_vec(), key.clone().into_bytes()];
            words.extend((0..count).map(|_| random.0.below(100_000).to_string().into_bytes()));
            let commands = [
                words,
                vec![b"PFCOUNT".to_vec(), key.clone().into_bytes()],
                vec![
                    b"PFMERGE".to_vec(),
                    b"all".to_vec(),
                    key.clone().into_bytes(),
                    format!("h{}", (round + 3) % 6).into_bytes(),
                ],
                vec![b"PFDEBUG".to_vec(), b"TODENSE".to_vec(), b"h1".to_vec()],
                vec![b"PFCOUNT".to_vec(), b"all".to_vec()],
            ];
            for (index, words) in commands.into_iter().enumerate() {
                if index == 3 && round != 50 || index == 2 && round < 20 && round % 6 > 2 {
                    continue;
                }
                server.call(&words);
                let words: Vec<&'static [u8]> = words.into_iter().map(|word| &*word.leak()).collect();
                apply(&mut keyspace, &words, 0, round);
                for key in [&*key, "all", "h1"] {
                    assert_eq!(
                        ours(&keyspace, 0, key),
                        theirs(&mut server, key),
                        "{name}, round {round}.{index}, {key}"
                    );
                }
            }
        }
    }
}
