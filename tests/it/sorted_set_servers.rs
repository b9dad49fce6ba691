//! Sorted sets against real servers: random programs leave the same members with the same scores, and scores are read
//! and written alike.

use aofkit::command::apply::Call;
use aofkit::command::resolve;
use aofkit::keyspace::Keyspace;
use aofkit::value::Value;
use aofkit::value::score::{format_score_17, format_score_digest, format_score_shortest, parse_score};
use sha1::{Digest, Sha1};

use crate::harness::random::Random;
use crate::harness::{RealServer, Reply};

/// Servers and whether they write seventeen digits.
const SERVERS: [(&str, bool); 6] = [
    ("redis-7.0", true),
    ("redis-8.0.6", false),
    ("redis-8.2", false),
    ("redis-8.6", false),
    ("valkey-8.1", false),
    ("valkey-9.1", false),
];

/// Scores to come up by chance.
trait RandomScores {
    /// In hundredths, so that equal ones come up.
    fn between(&mut self, min: i64, max: i64) -> f64;
}

impl RandomScores for Random {
    fn between(&mut self, min: i64, max: i64) -> f64 {
        (min * 100 + self.below((max - min) as u64 * 100) as i64) as f64 / 100.0
    }
}

fn written(format: fn(f64, &mut Vec<u8>), score: f64) -> String {
    let mut out = Vec::new();
    format(score, &mut out);
    String::from_utf8(out).unwrap()
}

/// What one server and one keyspace make of the same commands.
struct Pair {
    name: &'static str,
    seventeen: bool,
    server: RealServer,
    keyspace: Keyspace<'static>,
    done: Vec<String>,
}

impl Pair {
    fn start((name, seventeen): (&'static str, bool)) -> Self {
        let server = RealServer::start_with(name, &["--enable-debug-command", "yes"]);
        Self { name, seventeen, server, keyspace: Keyspace::default(), done: Vec::new() }
    }

    fn run(&mut self, words: &[String]) {
        let line = words.join(" ");
        let arguments: Vec<&'static [u8]> = words.iter().map(|word| &*word.clone().into_bytes().leak()).collect();
        let Some(apply) = resolve(&arguments).row().unwrap().apply else { return };
        let reply = self.server.call(words);
        let result = apply.run(&mut Call::new(&arguments, &mut self.keyspace));
        self.done.push(format!("{line}: {reply:?}"));
        if let (Err(failure), false) = (&result, matches!(reply, Reply::Error(_))) {
            panic!("{}: {line} answered {reply:?}, but: {failure}", self.name);
        }
    }

    #[track_caller]
    fn compare(&mut self, key: &str) {
        if self.server.call(&["TYPE", key]).text() == "set" {
            return;
        }
        let reply = self.server.call(&["ZRANGE", key, "0", "-1", "WITHSCORES"]);
        let theirs: Vec<String> = reply.array().iter().map(Reply::text).collect();
        let format = if self.seventeen { format_score_17 } else { format_score_shortest };
        let ours: Vec<String> = match self.keyspace.get(0, key.as_bytes()) {
            None => Vec::new(),
            Some(entry) => match &entry.value {
                Value::SortedSet(set) => set
                    .iter()
                    .flat_map(|(name, score)| [String::from_utf8_lossy(name).into_owned(), written(format, score)])
                    .collect(),
                value => panic!("{key} is a {}", value.type_name()),
            },
        };
        if ours != theirs {
            let last: Vec<&String> = self.done.iter().filter(|line| line.contains(key)).rev().take(12).collect();
            panic!("{}: {key}\nours:   {ours:?}\ntheirs: {theirs:?}\nafter {last:#?}", self.name);
        }
    }
}

const KEYS: [&str; 7] = ["a", "b", "c", "big", "long", "out", "none"];

fn score(random: &mut Random) -> String {
    match random.below(30) {
        0 => "inf".to_owned(),
        1 => "-inf".to_owned(),
        2 => random.pick(&["-0", "nan", "1e400", "+5", "1e-320", "x", "", "1e15", "123456789012"]).to_owned(),
        3 => format!("{}", f64::from_bits(random.next())),
        4..10 => format!("{}", random.between(-20, 20)),
        _ => format!("{}", i64::from(random.below(20)) - 10),
    }
}

fn member(random: &mut Random, key: &str) -> String {
    match key {
        "big" => format!("member:{}", random.below(600)),
        "long" => format!("{:0>1$}", random.below(40), 20 + 9 * random.below(6) as usize),
        _ => format!("m{}", random.below(30)),
    }
}

fn words(line: &str) -> Vec<String> {
    line.split(' ').map(str::to_owned).collect()
}

fn range(random: &mut Random) -> String {
    let open = random.pick(&["", "", "("]);
    let close = random.pick(&["", "", "("]);
    let min = random.between(-12, 12);
    format!("{open}{min} {close}{}", min + random.between(0, 6))
}

fn command(random: &mut Random) -> Vec<String> {
    let key = random.pick(&KEYS);
    let other = random.pick(&KEYS);
    let end = random.pick(&["MIN", "MAX"]);
    let rank = i64::from(random.below(40)) - 20;
    match random.below(40) {
        0..16 => {
            let mut line = words(&format!("ZADD {key}"));
            for _ in 0..random.below(3) {
                line.push(random.pick(&["NX", "XX", "GT", "LT", "CH", "INCR", "ch", "gt", "ch"]).to_owned());
            }
            for _ in 0..if key == "big" { 30 } else { 1 + random.below(3) } {
                line.extend([score(random), member(random, key)]);
            }
            line
        }
        16..18 => vec!["ZINCRBY".to_owned(), key.to_owned(), score(random), member(random, key)],
        18..21 => vec!["ZREM".to_owned(), key.to_owned(), member(random, key), member(random, key)],
        21 => words(&format!("ZPOP{end} {key} {}", random.below(4))),
        22 => words(&format!("ZPOP{end} {key}")),
        23 => words(&format!("ZMPOP 2 {key} {other} {end} COUNT {}", random.below(3))),
        24 => words(&format!("ZREMRANGEBYRANK {key} {rank} {}", rank + i64::from(random.below(4)))),
        25 => words(&format!("ZREMRANGEBYSCORE {key} {}", range(random))),
        26 => words(&format!("ZREMRANGEBYRANK big {} -1", 100 + random.below(500))),
        27 => words(&format!("ZRANGESTORE out {key} {rank} {} {}", rank + 5, random.pick(&["REV", "rev", "BYLEX"]))),
        28 | 29 => {
            let span = range(random);
            let (min, max) = span.split_once(' ').unwrap();
            let limit = format!("LIMIT {} {}", random.below(6), i64::from(random.below(6)) - 1);
            match random.below(2) {
                0 => words(&format!("ZRANGESTORE out {key} {min} {max} BYSCORE {limit}")),
                _ => words(&format!("ZRANGESTORE out {key} {max} {min} BYSCORE REV {limit}")),
            }
        }
        30..36 => {
            let operation = random.pick(&["ZUNIONSTORE", "ZINTERSTORE"]);
            let destination = random.pick(&["out", "out", "c"]);
            let third = random.pick(&KEYS);
            let mut line = words(&format!("{operation} {destination} 3 {key} {other} {third}"));
            if random.below(2) == 0 {
                line.push("WEIGHTS".to_owned());
                line.extend((0..3).map(|_| score(random)));
            }
            if random.below(2) == 0 {
                line.extend(["AGGREGATE".to_owned(), random.pick(&["SUM", "MIN", "max"]).to_owned()]);
            }
            line
        }
        36 => words(&format!("ZDIFFSTORE out 2 {key} {other}")),
        37 => words(&format!("SADD none m1 m2 m3 m{}", random.below(30))),
        38 => words(&format!("ZRANGESTORE c big {} {}", random.below(300), random.below(300))),
        _ => words(&format!("BZPOP{end} {key} {other} 0.01")),
    }
}

#[server_test]
fn random_programs_leave_what_servers_have() {
    for server in SERVERS {
        let mut pair = Pair::start(server);
        let mut random = Random(7);
        for step in 0..6000 {
            let line = command(&mut random);
            // Redis 7.0 keeps zeros of either sign as they come, sets that shrink and grow apart.
            if server.1 && line.iter().any(|word| word == "-0") {
                continue;
            }
            pair.run(&line);
            let touched: Vec<&str> = KEYS.into_iter().filter(|key| line.iter().any(|word| word == key)).collect();
            for key in if step % 50 == 0 { KEYS.to_vec() } else { touched } {
                pair.compare(key);
            }
        }
    }
}

#[server_test]
fn names_of_equal_scores_are_removed_and_stored_alike() {
    for server in SERVERS {
        let mut pair = Pair::start(server);
        let mut random = Random(11);
        for step in 0..1500 {
            // One of the keys outgrows a listpack.
            let key = random.pick(&["few", "many"]);
            let limit = if key == "few" { 60 } else { 3000 };
            let name = |random: &mut Random| format!("{:x}", random.below(limit));
            let line = match random.below(12) {
                0 => format!("ZREMRANGEBYLEX {key} [{} ({}", name(&mut random), name(&mut random)),
                1 => format!("ZREMRANGEBYLEX {key} ({} {}", name(&mut random), random.pick(&["+", "-", "x", "[1f"])),
                2 => format!("ZRANGESTORE out {key} [{} + BYLEX LIMIT {} 5", name(&mut random), random.below(4)),
                3 => format!("ZRANGESTORE out {key} ({} - BYLEX REV LIMIT 1 3", name(&mut random)),
                _ => (0..40).fold(format!("ZADD {key}"), |line, _| format!("{line} 0 {}", name(&mut random))),
            };
            pair.run(&words(&line));
            if step % 10 == 0 || line.starts_with("ZRANGESTORE") {
                for key in ["few", "many", "out"] {
                    pair.compare(key);
                }
            }
        }
    }
}

fn place(random: &mut Random) -> String {
    match random.below(12) {
        0 => {
            format!("{} {}", random.pick(&["-180", "180", "179.99", "0"]), random.pick(&["85.05112878", "-85.05", "0"]))
        }
        1 => format!("{} {}", random.between(-180, 180), random.between(80, 85)),
        2..5 => format!("{} {}", random.between(-180, 180), random.between(-85, 85)),
        // Near each other, and often at the same distance.
        _ => format!("{} {}", f64::from(random.below(40)) / 10.0 + 10.0, f64::from(random.below(40)) / 10.0 + 40.0),
    }
}

fn geo_command(random: &mut Random, polygons: bool) -> String {
    let key = random.pick(&["g", "g", "large"]);
    if random.below(4) == 0 {
        let options = random.pick(&["", "", " NX", " XX", " CH", " nx ch"]);
        return (0..if key == "large" { 40 } else { 2 }).fold(format!("GEOADD {key}{options}"), |line, _| {
            format!("{line} {} p{}", place(random), random.below(if key == "large" { 2000 } else { 100 }))
        });
    }
    let centre = place(random);
    let unit = random.pick(&["m", "km", "ft", "mi", "KM"]);
    let scale: f64 = random.pick(&["1", "50", "300", "2500", "11000"]).parse().unwrap();
    let metres = scale * random.between(0, 2) * 1000.0;
    let radius = match unit {
        "m" => metres,
        "ft" => metres * 3.0,
        _ => metres / 1000.0,
    };
    let options = match random.below(8) {
        0 => " ASC".to_owned(),
        1 => format!(" COUNT {}", 1 + random.below(12)),
        2 => format!(" COUNT {} DESC", 1 + random.below(12)),
        3 => format!(" COUNT {} ANY", 1 + random.below(12)),
        4 => format!(" COUNT {} ANY DESC", 1 + random.below(60)),
        _ => String::new(),
    };
    let distances = random.pick(&["", " STOREDIST"]);
    match random.below(if polygons { 6 } else { 5 }) {
        0 => format!("GEORADIUS {key} {centre} {radius} {unit}{options} {} out", random.pick(&["STORE", "STOREDIST"])),
        1 => format!("GEORADIUSBYMEMBER {key} p{} {radius} {unit}{options} STOREDIST out", random.below(100)),
        2 => format!("GEOSEARCHSTORE out {key} FROMMEMBER p{} BYRADIUS {radius} {unit}{options}", random.below(100)),
        3 => format!("GEOSEARCHSTORE out {key} FROMLONLAT {centre} BYRADIUS {radius} {unit}{options}{distances}"),
        4 => {
            let height = radius * random.between(0, 2);
            format!("GEOSEARCHSTORE out {key} FROMLONLAT {centre} BYBOX {radius} {height} {unit}{options}{distances}")
        }
        _ => {
            let count = 3 + random.below(4);
            // Polygons whose centre is nearer to a pole than places may be, Valkey searches wherever its stack says.
            let corners: Vec<String> = (0..count)
                .map(|_| match random.below(2) {
                    0 => format!("{} {}", random.between(-60, 60), random.between(-60, 60)),
                    _ => format!("{} {}", random.between(10, 14), random.between(40, 44)),
                })
                .collect();
            format!("GEOSEARCHSTORE out {key} BYPOLYGON {count} {}{options}{distances}", corners.join(" "))
        }
    }
}

#[server_test]
fn searches_find_what_servers_find_at_the_same_distances() {
    for server in SERVERS {
        let mut pair = Pair::start(server);
        let mut random = Random(13);
        let mut found = 0;
        for step in 0..2500 {
            pair.run(&words(&geo_command(&mut random, server.0 == "valkey-9.1")));
            pair.compare("out");
            if step % 100 == 0 {
                for key in ["g", "large"] {
                    pair.compare(key);
                }
            }
            found += usize::from(pair.server.call(&["EXISTS", "out"]).integer() == 1);
        }
        assert!(found > 600, "{found} searches found something");
    }
}

/// Doubles of every kind.
fn doubles(random: &mut Random) -> f64 {
    let bits = random.next();
    match random.below(8) {
        0..3 => f64::from_bits(bits),
        3 => bits as i64 as f64,
        4 => (bits as i64 >> random.below(60)) as f64 / 100.0,
        5 => f64::from(bits as u32) * 10_f64.powi(random.below(40) - 20),
        6 => f64::from(random.below(100_000)) / 1000.0,
        _ => 10_f64.powi(random.below(600) - 300) * f64::from(random.below(20)),
    }
}

#[server_test]
fn scores_are_written_as_servers_write_them() {
    for (name, seventeen) in SERVERS {
        let mut server = RealServer::start_with(name, &["--enable-debug-command", "yes"]);
        let mut random = Random(17);
        for round in 0..60 {
            let mut line = words("ZADD z");
            let scores: Vec<f64> = (0..500).map(|_| doubles(&mut random)).filter(|score| !score.is_nan()).collect();
            for (number, score) in scores.iter().enumerate() {
                let text = if round % 2 == 0 { format!("{score:e}") } else { written(format_score_shortest, *score) };
                assert_eq!(
                    parse_score(text.as_bytes(), aofkit::server::FloatSyntax::Strtod).map(f64::to_bits),
                    Some(score.to_bits()),
                    "{text}"
                );
                line.extend([text, number.to_string()]);
            }
            server.call(&["DEL", "z"]);
            assert_eq!(server.call(&line), Reply::Integer(scores.len() as i64));
            let mut line = words("ZMSCORE z");
            line.extend((0..scores.len()).map(|number| number.to_string()));
            for (theirs, score) in server.call(&line).array().iter().zip(&scores) {
                let format = if seventeen { format_score_17 } else { format_score_shortest };
                assert_eq!(written(format, *score), theirs.text(), "{name}: {score:e}");
            }
            // The digest, by which no two texts are the same.
            let format = if seventeen { format_score_17 } else { format_score_digest };
            let expected =
                digest(scores.iter().enumerate().map(|(number, score)| (number.to_string(), written(format, *score))));
            assert_eq!(server.call(&["DEBUG", "DIGEST-VALUE", "z"]).array()[0].text(), expected, "{name}");
        }
    }
}

fn xor(digest: &mut [u8; 20], bytes: &[u8]) {
    for (mine, other) in digest.iter_mut().zip(Sha1::digest(bytes)) {
        *mine ^= other;
    }
}

fn mix(digest: &mut [u8; 20], bytes: &[u8]) {
    xor(digest, bytes);
    *digest = Sha1::digest(*digest).into();
}

/// What `DEBUG DIGEST-VALUE` answers for a sorted set.
fn digest(entries: impl Iterator<Item = (String, String)>) -> String {
    let mut digest = [0; 20];
    mix(&mut digest, &3_u32.to_be_bytes());
    for (member, score) in entries {
        let mut entry = [0; 20];
        mix(&mut entry, member.as_bytes());
        mix(&mut entry, score.as_bytes());
        xor(&mut digest, &entry);
    }
    digest.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

#[server_test]
fn scores_are_read_as_servers_read_them() {
    const ALPHABET: [&str; 24] = [
        "0",
        "0",
        "1",
        "9",
        "5",
        "00",
        "123456789",
        ".",
        ".",
        "e",
        "E",
        "-",
        "+",
        "inf",
        "nan",
        "x",
        "0x",
        "p",
        "a",
        " ",
        "e-3",
        "e300",
        "e-320",
        "99999999999999999999",
    ];
    let mut servers: Vec<RealServer> = Vec::new();
    for (name, _) in SERVERS {
        let server = RealServer::start(name);
        servers.push(server);
    }
    let mut random = Random(19);
    let mut read = 0;
    for _ in 0..4000 {
        let text: String = (0..=random.below(5)).map(|_| random.pick(&ALPHABET)).collect();
        let mut theirs = Vec::new();
        for server in &mut servers {
            server.call(&["DEL", "z"]);
            server.call(&["ZADD", "z", &text, "m"]);
            if let Reply::Bulk(score) = server.call(&["ZSCORE", "z", "m"]) {
                theirs.push(String::from_utf8(score).unwrap().parse::<f64>().unwrap());
            }
        }
        // What one of them takes, is taken; they do not differ on what it is.
        let ours = parse_score(text.as_bytes(), aofkit::server::FloatSyntax::Strtod);
        read += usize::from(ours.is_some());
        assert_eq!(ours, theirs.first().copied(), "{text:?}");
        assert!(theirs.iter().all(|score| Some(*score) == ours), "{text:?}: {theirs:?}");
    }
    assert!(read > 500, "{read} texts are scores");
}
