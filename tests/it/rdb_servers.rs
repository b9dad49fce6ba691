//! What real servers write is decoded, encoded for each server, and loaded there: `DEBUG DIGEST` is the same.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use aofkit::rdb::{LoadItem, LoadedKey, Loader, Lost, Origin, Writer, dump};
use aofkit::server::Release;
use aofkit::value::Value;

use crate::harness::servers::RELEASES;
use crate::harness::{RealServer, Reply};

const FUTURE: i64 = 4_102_444_800_000;
const FUNCTION: &str = "#!lua name=lib\nredis.register_function('one', function(keys, args) return 1 end)";

struct Filled {
    server: aofkit::Server,
    name: &'static str,
    running: RealServer,
    /// What it was filled with, as it writes it.
    rdb: Vec<u8>,
    digest: String,
    details: String,
    expiries: Expiries,
}

/// Each key's database and expiry.
type Expiries = BTreeMap<Vec<u8>, (u64, Option<i64>)>;

impl Filled {
    fn start(server: aofkit::Server, name: &'static str) -> Self {
        let options: &[&str] = if name == "redis-6.2" { &[] } else { &["--enable-debug-command", "yes"] };
        let running = RealServer::start_with(name, options);
        let mut filled = Self {
            server,
            name,
            running,
            rdb: Vec::new(),
            digest: String::new(),
            details: String::new(),
            expiries: Expiries::new(),
        };
        filled.fill();
        filled.rdb = filled.save();
        filled.digest = filled.digest();
        filled.details = filled.details();
        filled.expiries = filled.expiries();
        filled
    }

    #[track_caller]
    fn ok(&mut self, words: &[&str]) -> Reply {
        let reply = self.running.call(words);
        assert!(!matches!(reply, Reply::Error(_)), "{}: {words:?}: {reply:?}", self.name);
        reply
    }

    /// A command whose arguments follow each other: `f(0)`, `f(1)` …
    fn many(&mut self, words: &[&str], count: usize, argument: impl Fn(usize) -> Vec<String>) {
        let mut all: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        all.extend((0..count).flat_map(argument));
        let reply = self.running.call(&all);
        assert!(!matches!(reply, Reply::Error(_)), "{}: {words:?}: {reply:?}", self.name);
    }

    fn has_field_expiry(&self) -> bool {
        matches!(self.server, aofkit::Server::Redis80 | aofkit::Server::Valkey9)
    }

    fn fill(&mut self) {
        let long = "abcabcabcd".repeat(50);
        for (key, value) in [("embstr", "hello"), ("empty", ""), ("lzf", &long), ("not a number", "007")] {
            self.ok(&["SET", &format!("string:{key}"), value]);
        }
        for bits in [7, 8, 15, 16, 31, 32, 62] {
            for number in [(1_i64 << bits) - 1, 1 << bits, -(1 << bits), -(1 << bits) - 1] {
                self.ok(&["SET", &format!("int:{number}"), &number.to_string()]);
            }
        }
        self.ok(&["SET", &"k".repeat(100), "a compressed key"]);
        self.ok(&["SET", "12345", "a key that is a number", "PX", "100000000000"]);
        self.ok(&["SETBIT", "string:bits", "20", "1"]);
        self.many(&["PFADD", "string:hll"], 50, |number| vec![number.to_string()]);
        self.ok(&["PEXPIREAT", "string:lzf", &FUTURE.to_string()]);
        self.fill_collections(&long);
        self.fill_streams(&long);
        self.ok(&["SELECT", "9"]);
        self.ok(&["SET", "in database 9", "yes"]);
        self.ok(&["SELECT", "0"]);
        if self.server != aofkit::Server::Redis62 {
            self.ok(&["FUNCTION", "LOAD", FUNCTION]);
        }
        if self.server == aofkit::Server::Redis80 {
            // Only some builds have vector sets.
            self.running.call(&["VADD", "vectors", "VALUES", "3", "0.1", "0.2", "0.3", "element"]);
        }
    }

    fn fill_collections(&mut self, long: &str) {
        let mixed = [
            "a",
            "",
            "5",
            "-1",
            "4095",
            "-4096",
            "70000",
            "-8000000",
            "2000000000",
            "1099511627776",
            "-4611686018427387904",
            "007",
            "1.5",
            "-0",
        ];
        let with = |words: &[&'static str]| [words, &mixed].concat();
        self.ok(&with(&["RPUSH", "list:small"]));
        self.ok(&with(&["SADD", "set:small"]));
        self.many(&["RPUSH", "list:many"], 3000, |number| vec![format!("element number {number}"), number.to_string()]);
        self.ok(&["RPUSH", "list:long", "short", long, &long.repeat(30), &"x".repeat(9000), "end", &"y".repeat(8192)]);
        self.ok(&["CONFIG", "SET", "list-compress-depth", "1"]);
        self.many(&["RPUSH", "list:compressed"], 3000, |number| vec![format!("element number {number}")]);
        for (key, members) in
            [("16", ["1", "-2", "300"]), ("32", ["1", "-70000", "3"]), ("64", ["1", "-1099511627776", "3"])]
        {
            self.ok(&["SADD", &format!("set:int{key}"), members[0], members[1], members[2]]);
        }
        self.many(&["SADD", "set:many"], 600, |number| vec![format!("member {number}")]);
        self.many(&["SADD", "set:many integers"], 600, |number| vec![number.to_string()]);
        self.ok(&["SADD", "set:long", long, "1"]);
        self.ok(&["HSET", "hash:small", "field", "value", "number", "5", "", "", "negative", "-70000", "6", "x"]);
        self.many(&["HSET", "hash:many"], 600, |number| vec![format!("f{number}"), number.to_string()]);
        self.ok(&["HSET", "hash:long", "field", long, "5", "6"]);
        let scores = ["-inf", "-1.5", "0", "-0", "3", "3.14159", "1e300", "0.1", "4503599627370497", "+inf"];
        // Redis 6.2 alone tells 0 and -0 apart in a small sorted set.
        let scores = scores.iter().filter(|score| **score != "-0" || self.server != aofkit::Server::Redis62);
        for (index, score) in scores.copied().collect::<Vec<_>>().into_iter().enumerate() {
            self.ok(&["ZADD", "zset:small", score, &format!("m{index}")]);
            self.ok(&["ZADD", "zset:long", score, &format!("m{index}")]);
        }
        self.ok(&["ZADD", "zset:long", "2.5", long]);
        self.many(&["ZADD", "zset:many"], 300, |number| vec![format!("{}.5", number % 7), format!("m{number}")]);
        if self.has_field_expiry() {
            self.ok(&["HSET", "hash:expiring", "a", "1", "b", "2", "c", "x", "d", ""]);
            self.ok(&["HSET", "hash:expiring:long", "a", long, "b", "2", "c", "x"]);
            self.many(&["HSET", "hash:expiring:many"], 600, |number| vec![format!("f{number}"), number.to_string()]);
            for (key, field, later) in
                [("", "b", 0), ("", "a", 5000), (":long", "a", 7), (":many", "f1", 1), (":many", "f9", 0)]
            {
                let (key, time) = (format!("hash:expiring{key}"), (FUTURE + later).to_string());
                self.ok(&["HPEXPIREAT", &key, &time, "FIELDS", "1", field]);
            }
        }
    }

    fn fill_streams(&mut self, long: &str) {
        for number in 1..8 {
            let (id, number) = (format!("{number}-{number}"), number.to_string());
            self.ok(&["XADD", "stream", &id, "field", &number, "other", "value"]);
        }
        self.ok(&["XADD", "stream", "1000-1", "third", "x", "fourth", long]);
        self.ok(&["XADD", "stream", "1000-2", "third", "-5"]);
        self.ok(&["XDEL", "stream", "3-3"]);
        self.ok(&["XGROUP", "CREATE", "stream", "group", "0"]);
        self.ok(&["XGROUP", "CREATE", "stream", "idle group", "5-0"]);
        for (consumer, count) in [("alice", "3"), ("bob", "1")] {
            self.ok(&["XREADGROUP", "GROUP", "group", consumer, "COUNT", count, "STREAMS", "stream", ">"]);
        }
        self.ok(&["XREADGROUP", "GROUP", "group", "alice", "STREAMS", "stream", "0"]);
        self.ok(&["XGROUP", "CREATECONSUMER", "stream", "group", "carol"]);
        self.ok(&["XACK", "stream", "group", "1-1"]);
        self.ok(&["XDEL", "stream", "2-2"]);
        self.ok(&["XGROUP", "CREATE", "stream:empty", "g", "$", "MKSTREAM"]);
        self.ok(&["XADD", "stream:emptied", "7-7", "a", "b"]);
        self.ok(&["XDEL", "stream:emptied", "7-7"]);
        for number in 1..=250 {
            self.ok(&["XADD", "stream:nodes", &format!("5-{number}"), "f", &number.to_string()]);
        }
        self.ok(&["XADD", "stream:nodes", "18446744073709551615-18446744073709551615", "f", &long.repeat(20)]);
    }

    fn save(&mut self) -> Vec<u8> {
        self.ok(&["SAVE"]);
        std::fs::read(self.running.directory().join("dump.rdb")).unwrap()
    }

    fn load(&mut self, rdb: &[u8]) {
        std::fs::write(self.running.directory().join("dump.rdb"), rdb).unwrap();
        self.ok(&["DEBUG", "RELOAD", "NOSAVE"]);
    }

    fn digest(&mut self) -> String {
        self.ok(&["DEBUG", "DIGEST"]).text()
    }

    /// What the digest leaves out.
    fn details(&mut self) -> String {
        let mut text = String::new();
        for key in ["stream", "stream:empty", "stream:emptied", "stream:nodes"] {
            let reply = self.ok(&["XINFO", "STREAM", key, "FULL", "COUNT", "0"]);
            let pairs = reply.array().chunks(2).filter(|pair| !pair[0].text().starts_with("radix-tree"));
            writeln!(text, "{key} {:?}", pairs.collect::<Vec<_>>()).unwrap();
        }
        if self.has_field_expiry() {
            for (key, fields) in [("", ["a", "b"]), (":long", ["a", "b"]), (":many", ["f1", "f9"])] {
                let key = format!("hash:expiring{key}");
                let times = self.ok(&["HPEXPIRETIME", &key, "FIELDS", "2", fields[0], fields[1]]);
                writeln!(text, "{key} {times:?}").unwrap();
            }
        }
        if self.server != aofkit::Server::Redis62 {
            writeln!(text, "{:?}", self.ok(&["FUNCTION", "LIST", "WITHCODE"])).unwrap();
        }
        text
    }

    /// The keys with their expiries.
    fn expiries(&mut self) -> Expiries {
        let mut found = Expiries::new();
        for item in Loader::new(&self.save(), 0) {
            if let LoadItem::Key(key) = item.unwrap() {
                found.insert(key.key.to_vec(), (key.database, key.expiry));
            }
        }
        found
    }
}

/// Whether raw values are copied where they can be, or each is decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Values {
    Copied,
    Decoded,
}

/// An RDB of what another one holds, and the keys that lost something or were left out.
fn rewritten(rdb: &[u8], target: Release, values: Values, without: &[Vec<u8>]) -> (Vec<u8>, Vec<(Vec<u8>, Lost)>) {
    let mut writer =
        Writer::new(Vec::new(), target, Origin { created: 1_700_000_000, used_memory: 0, named: true }).unwrap();
    let mut lost = Vec::new();
    let mut database = u64::MAX;
    for item in Loader::new(rdb, 0) {
        match item.unwrap() {
            LoadItem::Function(code) => {
                writer.function(&code).unwrap();
            }
            LoadItem::Key(LoadedKey { database: number, key, expiry, mut value, .. })
                if !without.contains(&key.to_vec()) =>
            {
                if number != database {
                    database = number;
                    writer.keys().database(u32::try_from(number).unwrap(), 100, 10).unwrap();
                }
                if let (Values::Decoded, Value::Raw(raw)) = (values, &value) {
                    value = raw.decode().unwrap_or(value);
                }
                let there = writer.keys().key(&key, &value, expiry).unwrap();
                lost.extend(there.map(|lost| (key.to_vec(), lost)));
            }
            _ => {}
        }
    }
    (writer.finish().unwrap(), lost)
}

#[server_test]
fn what_servers_write_is_written_again_for_them_and_for_each_other() {
    let mut servers: Vec<Filled> = RELEASES.iter().map(|(server, name)| Filled::start(*server, name)).collect();
    for index in 0..servers.len() {
        let source = &mut servers[index];
        let (name, target) = (source.name, Release::from(source.server));
        for values in [Values::Copied, Values::Decoded] {
            let (rdb, lost) = rewritten(&source.rdb, target, values, &[]);
            assert_eq!(lost, [], "{name}");
            source.load(&rdb);
            assert_eq!(source.digest(), source.digest, "{name} {values:?}");
            assert_eq!(source.details(), source.details, "{name} {values:?}");
            assert_eq!(source.expiries(), source.expiries, "{name} {values:?}");
        }
        for other in 0..servers.len() {
            if other != index {
                by_way_of(&mut servers, index, other);
            }
        }
    }
}

/// What one server holds is loaded by another, written by that, and loaded by the first again.
fn by_way_of(servers: &mut [Filled], source: usize, other: usize) {
    let rdb = servers[source].rdb.clone();
    let target = Release::from(servers[other].server);
    let (_, lost) = rewritten(&rdb, target, Values::Decoded, &[]);
    // Streams lose what the digest leaves out; vector sets are a module's, which others do not have.
    let mut without = vec![b"vectors".to_vec()];
    without.extend(lost.into_iter().filter_map(|(key, lost)| (lost != Lost::StreamMetadata).then_some(key)));
    for values in [Values::Copied, Values::Decoded] {
        let (there, lost) = rewritten(&rdb, target, values, &without);
        assert!(lost.iter().all(|(_, lost)| *lost == Lost::StreamMetadata), "{lost:?}");
        servers[other].load(&there);
        let written = servers[other].save();
        let first = &mut servers[source];
        let (expected, _) = rewritten(&rdb, Release::from(first.server), Values::Copied, &without);
        first.load(&expected);
        let digest = first.digest();
        let (back, lost) = rewritten(&written, Release::from(first.server), values, &[]);
        assert!(lost.iter().all(|(_, lost)| *lost == Lost::StreamMetadata), "{lost:?}");
        first.load(&back);
        assert_eq!(first.digest(), digest, "{} by way of {} {values:?}", servers[source].name, servers[other].name);
    }
}

#[server_test]
fn payloads_are_those_of_dump_and_are_restored() {
    for (server, name) in RELEASES {
        let mut filled = Filled::start(server, name);
        let rdb = filled.rdb.clone();
        let target = Release::from(server);
        let mut compared = 0;
        for item in Loader::new(&rdb, 0) {
            let LoadItem::Key(LoadedKey { database: 0, key, mut value, expiry, .. }) = item.unwrap() else { continue };
            let Reply::Bulk(dumped) = filled.running.call(&[&b"DUMP"[..], &key]) else { panic!("{name}: no payload") };
            let raw = dump::parse(&dumped).unwrap();
            assert_eq!(u32::from(target.rdb_version()), raw.version);
            assert_eq!(dump::write_raw(&raw), dumped);
            if let Value::Raw(raw) = &value {
                value = raw.decode().unwrap_or(value);
            }
            let (payload, lost) = dump::write(&value, target).unwrap();
            assert_eq!(lost, None);
            let digest =
                |filled: &mut Filled| filled.running.call(&[&b"DEBUG"[..], b"DIGEST-VALUE", &key]).array()[0].text();
            let before = digest(&mut filled);
            let expiry = expiry.unwrap_or(0).to_string();
            let restore: [&[u8]; 6] = [b"RESTORE", &key, expiry.as_bytes(), &payload, b"REPLACE", b"ABSTTL"];
            let restored = filled.running.call(&restore);
            assert_eq!(restored, Reply::Simple("OK".to_owned()), "{name} {key:?}");
            assert_eq!(digest(&mut filled), before, "{name} {key:?}");
            compared += 1;
        }
        assert!(compared > 50);
    }
}
