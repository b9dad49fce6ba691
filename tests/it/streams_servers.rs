//! Random commands on streams, on real servers and on a keyspace: what XINFO says must be the same.

use std::fmt::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

use aofkit::command::apply::{Call, EntriesRead, Failure};
use aofkit::command::resolve;
use aofkit::keyspace::Keyspace;
use aofkit::value::{Fields, Stream, Value};

use crate::harness::{Random, RealServer, Reply, setting};

/// Times beyond this are when the test ran; those that the commands give are below.
const LONG_AGO: i64 = 1_000_000_000_000;

/// Whether consumers that have nothing pending, and the count of entries read, are as on Redis 7.2 and later.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Generation {
    Redis70,
    Later,
}

/// Writes commands.
struct Program {
    numbers: Random,
    /// The time of the newest entry.
    time: u64,
    /// How many entries there are about.
    extent: u64,
    /// One in so many commands is not an XADD.
    others: u64,
    generation: Generation,
    layout: Layout,
}

/// Whether it matters which node an entry is in.
///
/// Where `MINID =` leaves nothing of a node but deleted entries, one of them beyond the id, servers keep an empty node.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Layout {
    /// Trims by id are approximate.
    Compared,
    /// No trim is approximate.
    Unknown,
}

impl Program {
    fn id(&mut self) -> String {
        let time = self.time.saturating_sub(self.numbers.below(self.extent));
        match self.numbers.below(20) {
            0 => time.to_string(),
            1 => self.numbers.pick(&["-", "+", "0-0", "x", "1-", "18446744073709551615-1", "0"]).to_owned(),
            _ => format!("{time}-{}", self.numbers.below(2)),
        }
    }

    fn ids(&mut self, words: &mut Vec<String>) {
        for _ in 0..=self.numbers.below(4) {
            words.push(self.id());
        }
    }

    fn value(&mut self) -> String {
        match self.numbers.below(12) {
            0 => {
                self.numbers.pick(&["", "0", "-1", "127", "128", "4095", "-4097", "32768", "8388608", "-0"]).to_owned()
            }
            1 => i64::MIN.wrapping_add_unsigned(self.numbers.below(u64::MAX)).to_string(),
            2 => "v".repeat(usize::try_from(self.numbers.below(5000)).unwrap()),
            _ => "v".repeat(usize::try_from(self.numbers.below(70)).unwrap()),
        }
    }

    fn trim(&mut self, words: &mut Vec<String>) {
        let length = self.numbers.one_in(2);
        words.push(self.numbers.pick(if length { &["MAXLEN", "maxlen"] } else { &["MINID", "minid"] }).to_owned());
        let sign = match self.layout {
            Layout::Compared if length => self.numbers.pick(&["", "=", "~", "~"]),
            Layout::Compared => "~",
            Layout::Unknown => self.numbers.pick(&["", "="]),
        };
        if !sign.is_empty() {
            words.push(sign.to_owned());
        }
        words.push(if length { self.numbers.below(2 * self.extent).to_string() } else { self.id() });
        if sign == "~" && self.numbers.one_in(3) {
            words.extend(["LIMIT".to_owned(), "0".to_owned()]);
        }
    }

    fn add(&mut self) -> Vec<String> {
        let mut words = vec!["XADD".to_owned(), self.key()];
        if self.numbers.one_in(10) {
            words.push("NOMKSTREAM".to_owned());
        }
        if self.numbers.one_in(self.extent) {
            self.trim(&mut words);
        }
        self.time += self.numbers.below(3);
        words.push(match self.numbers.below(12) {
            0 => self.id(),
            1 => format!("{}-*", self.time),
            2 if self.numbers.one_in(4) => format!("{}-*", self.id()),
            _ => format!("{}-{}", self.time, self.numbers.below(4)),
        });
        let fields: &[&str] = if self.numbers.one_in(8) { &["f", "other", "1", ""] } else { &["name"] };
        for _ in 0..=self.numbers.below(2) {
            words.push(self.numbers.pick(fields).to_owned());
            words.push(self.value());
        }
        if self.numbers.one_in(60) {
            words.pop();
        }
        words
    }

    fn key(&mut self) -> String {
        if self.numbers.one_in(200) { "string" } else { self.numbers.pick(&["s", "s", "s", "t"]) }.to_owned()
    }

    fn next(&mut self) -> Vec<String> {
        if !self.numbers.one_in(self.others) {
            return self.add();
        }
        let key = self.key();
        let group = self.numbers.pick(&["g", "g", "h"]).to_owned();
        let consumer = self.numbers.pick(&["a", "b", "c", "bb"]).to_owned();
        let mut words: Vec<String> = Vec::new();
        let mut push = |more: &[&str]| words.extend(more.iter().map(|word| (*word).to_owned()));
        match self.numbers.below(if self.generation == Generation::Later { 13 } else { 10 }) {
            0 => {
                push(&["XTRIM", &key]);
                self.trim(&mut words);
            }
            1 => {
                push(&["XDEL", &key]);
                self.ids(&mut words);
            }
            2 | 3 => {
                let id = if self.numbers.one_in(3) { "$".to_owned() } else { self.id() };
                let name = self.numbers.pick(&["CREATE", "CREATE", "SETID"]);
                push(&["XGROUP", name, &key, &group, &id]);
                if name == "CREATE" && self.numbers.one_in(2) {
                    push(&["MKSTREAM"]);
                }
                if self.numbers.one_in(3) {
                    push(&["ENTRIESREAD", self.numbers.pick(&["0", "5", "-1", "-2", "x"])]);
                }
            }
            4 => match self.numbers.below(8) {
                0 => push(&["XGROUP", "DESTROY", &key, &group]),
                1 | 2 => push(&["XGROUP", "DELCONSUMER", &key, &group, &consumer]),
                3 => push(&["DEL", &key]),
                _ => push(&["XGROUP", "CREATECONSUMER", &key, &group, &consumer]),
            },
            5 => {
                push(&["XACK", &key, &group]);
                self.ids(&mut words);
            }
            6..=8 => {
                push(&["XCLAIM", &key, &group, &consumer, self.numbers.pick(&["0", "0", "-1", "60000", "x"])]);
                self.ids(&mut words);
                self.claim_options(&mut words);
            }
            9 if self.generation == Generation::Later => {
                push(&["XSETID", &key, &self.id()]);
                if self.numbers.one_in(2) {
                    words.extend(["ENTRIESADDED".to_owned(), self.numbers.below(self.time).to_string()]);
                }
                if self.numbers.one_in(2) {
                    words.extend(["MAXDELETEDID".to_owned(), self.id()]);
                }
            }
            10 => {
                push(&["XAUTOCLAIM", &key, &group, &consumer, self.numbers.pick(&["0", "0", "60000"])]);
                self.automatic_claim_options(&mut words);
            }
            _ => {
                push(&["XREADGROUP", "GROUP", &group, &consumer]);
                if self.numbers.one_in(2) {
                    push(&["COUNT", self.numbers.pick(&["1", "2", "5", "0", "-1"])]);
                }
                if self.numbers.one_in(4) {
                    push(&["NOACK"]);
                }
                push(&["STREAMS", &key]);
                let two = self.numbers.one_in(5);
                if two {
                    push(&["t"]);
                }
                for _ in 0..=u8::from(two) {
                    words.push(if self.numbers.one_in(4) { self.id() } else { ">".to_owned() });
                }
            }
        }
        words
    }

    fn automatic_claim_options(&mut self, words: &mut Vec<String>) {
        let id = self.id();
        words.push(if self.numbers.one_in(4) { format!("({id}") } else { id });
        if self.numbers.one_in(2) {
            words.extend(["COUNT".to_owned(), self.numbers.pick(&["1", "2", "0", "3"]).to_owned()]);
        }
        if self.numbers.one_in(3) {
            words.push("JUSTID".to_owned());
        }
    }

    fn claim_options(&mut self, words: &mut Vec<String>) {
        for option in ["IDLE", "TIME", "RETRYCOUNT", "FORCE", "JUSTID", "LASTID", "BOGUS"] {
            let chosen = match option {
                "BOGUS" => self.numbers.one_in(30),
                "FORCE" => self.numbers.one_in(2),
                _ => self.numbers.one_in(5),
            };
            if !chosen {
                continue;
            }
            words.push(option.to_owned());
            match option {
                "IDLE" => words.push(self.numbers.pick(&["0", "5", "100000", "-5", "9223372036854775807"]).to_owned()),
                "TIME" => words.push(self.numbers.pick(&["0", "5", "777", "-1", "-5"]).to_owned()),
                "RETRYCOUNT" => words.push(self.numbers.pick(&["0", "5", "-1"]).to_owned()),
                "LASTID" => words.push(self.id()),
                _ => {}
            }
        }
    }
}

/// A time as it is compared.
fn time(time: i64) -> String {
    if time > LONG_AGO { "now".to_owned() } else { time.to_string() }
}

fn describe(stream: &Stream<'_>, generation: Generation) -> String {
    let mut out = String::new();
    let _ = writeln!(
        out,
        "{} entries, last {}, deleted {}, added {}, first {}",
        stream.len(),
        stream.last_id(),
        stream.max_deleted_id(),
        stream.entries_added(),
        stream.first_id()
    );
    for (id, fields) in stream.entries() {
        let _ = writeln!(out, "{id} {}", text_of(fields));
    }
    for (name, group) in stream.groups() {
        let _ = writeln!(out, "group {} at {}", name.escape_ascii(), group.last_delivered_id);
        if generation == Generation::Later {
            let _ = writeln!(out, "read {:?}", group.entries_read);
        }
        for (id, entry) in group.pending() {
            let name = group.consumer_at(entry.consumer).unwrap().name().escape_ascii();
            let _ = writeln!(out, "{id} {name} {} {}", time(entry.delivery_time), entry.delivery_count);
        }
        for consumer in group.consumers() {
            if generation == Generation::Redis70 && consumer.pending_count() == 0 {
                continue;
            }
            let (seen, active) = (time(consumer.seen_time), time(consumer.active_time.unwrap_or(-1)));
            let active = if generation == Generation::Later { active } else { String::new() };
            let _ = writeln!(out, "consumer {} {seen} {active}", consumer.name().escape_ascii());
            for id in consumer.pending() {
                let _ = writeln!(out, "{id}");
            }
        }
    }
    out
}

fn text_of(fields: &Fields<'_>) -> String {
    fields.strings().map(|string| string.escape_ascii().to_string()).collect::<Vec<_>>().join(" ")
}

fn member<'r>(map: &'r Reply, name: &str) -> &'r Reply {
    map.array().chunks(2).find(|pair| pair[0].bytes() == name.as_bytes()).map_or(&Reply::Null, |pair| &pair[1])
}

/// What is pending, however a version calls it.
fn pending_of(map: &Reply) -> &[Reply] {
    match member(map, "pel") {
        Reply::Null => member(map, "pending").array(),
        pending => pending.array(),
    }
}

fn describe_reply(reply: &Reply, generation: Generation) -> String {
    let mut out = String::new();
    let _ = writeln!(
        out,
        "{} entries, last {}, deleted {}, added {}, first {}",
        member(reply, "length").integer(),
        member(reply, "last-generated-id").text(),
        member(reply, "max-deleted-entry-id").text(),
        member(reply, "entries-added").integer(),
        member(reply, "recorded-first-entry-id").text()
    );
    for entry in member(reply, "entries").array() {
        let [id, fields] = entry.array() else { panic!("{entry:?}") };
        let fields: Vec<_> = fields.array().iter().map(|string| string.bytes().escape_ascii().to_string()).collect();
        let _ = writeln!(out, "{} {}", id.text(), fields.join(" "));
    }
    for group in member(reply, "groups").array() {
        let name = member(group, "name").text();
        let _ = writeln!(out, "group {name} at {}", member(group, "last-delivered-id").text());
        if generation == Generation::Later {
            let read = match member(group, "entries-read") {
                Reply::Integer(count) => Some(*count),
                _ => None,
            };
            let _ = writeln!(out, "read {read:?}");
        }
        for entry in pending_of(group) {
            let [id, consumer, delivered, count] = entry.array() else { panic!("{entry:?}") };
            let (delivered, count) = (time(delivered.integer()), count.integer());
            let _ = writeln!(out, "{} {} {delivered} {count}", id.text(), consumer.text());
        }
        for consumer in member(group, "consumers").array() {
            let pending = pending_of(consumer);
            if generation == Generation::Redis70 && pending.is_empty() {
                continue;
            }
            let name = member(consumer, "name").text();
            let seen = time(member(consumer, "seen-time").integer());
            let active = match member(consumer, "active-time") {
                Reply::Integer(active) => time(*active),
                _ => String::new(),
            };
            let _ = writeln!(out, "consumer {name} {seen} {active}");
            for entry in pending {
                let _ = writeln!(out, "{}", entry.array()[0].text());
            }
        }
    }
    out
}

fn apply<'a>(keyspace: &mut Keyspace<'a>, record: &'a [u8], entries_read: EntriesRead) -> Result<(), Failure> {
    let mut arguments: Vec<&[u8]> = Vec::new();
    aofkit::resp::parse(record, 0, &mut arguments).unwrap();
    let mut call = Call::new(&arguments, keyspace).with_record(record);
    call.entries_read = entries_read;
    call.now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap();
    resolve(&arguments).row().and_then(|row| row.apply).unwrap().run(&mut call)
}

fn compare(name: &str, generation: Generation) {
    let mut server = RealServer::start(name);
    let limits = ["redis-8.2", "redis-8.6"].contains(&name);
    let entries_read = if limits { EntriesRead::AtMostAdded } else { EntriesRead::AsGiven };
    for round in 0..setting("AOFKIT_PROGRAMS", 24) {
        server.call(&["FLUSHALL"]);
        server.call(&["SET", "string", "x"]);
        let mut keyspace = Keyspace::default();
        apply(&mut keyspace, b"*3\r\n$3\r\nSET\r\n$6\r\nstring\r\n$1\r\nx\r\n", entries_read).unwrap();
        let mut program = Program {
            numbers: Random(setting("AOFKIT_SEED", 1).wrapping_mul(1000) + round),
            time: 1,
            extent: [10, 30, 300][usize::try_from(round % 3).unwrap()],
            others: [2, 5, 40][usize::try_from(round % 3).unwrap()],
            generation,
            layout: if round % 2 == 0 { Layout::Compared } else { Layout::Unknown },
        };
        let mut lines = Vec::new();
        for step in 0..[250, 250, 1500][usize::try_from(round % 3).unwrap()] {
            let words = program.next();
            let mut record = Vec::new();
            let arguments: Vec<&[u8]> = words.iter().map(String::as_bytes).collect();
            aofkit::resp::write_command(&mut record, &arguments);
            let reply = server.call(&words);
            let applied = apply(&mut keyspace, record.leak(), entries_read);
            lines.push(format!("{} -> {applied:?}", words.join(" ")));
            let failed = matches!(reply, Reply::Error(_));
            let context = || format!("{name} round {round}:\n{}\n{reply:?}", lines.join("\n"));
            assert_eq!(applied.is_err(), failed, "{}", context());
            if step % 10 != 0 && program.others > 2 {
                continue;
            }
            for key in ["s", "t"] {
                let theirs = server.call(&["XINFO", "STREAM", key, "FULL", "COUNT", "0"]);
                let ours = keyspace.get(0, key.as_bytes());
                let ours = match ours.map(|entry| entry.value()) {
                    Some(Value::Stream(stream)) => stream,
                    None => {
                        assert!(matches!(theirs, Reply::Error(_)), "{key} {}", context());
                        continue;
                    }
                    other => panic!("{other:?}"),
                };
                if program.layout == Layout::Compared {
                    let nodes = member(&theirs, "radix-tree-keys").integer();
                    assert_eq!(i64::try_from(ours.log().node_count()), Ok(nodes), "{key} {}", context());
                }
                let (here, there) = (describe(ours, generation), describe_reply(&theirs, generation));
                assert!(here == there, "{key}: here\n{here}\nthere\n{there}\n{}", context());
            }
        }
    }
}

#[server_test]
fn streams_are_as_on_redis_8() {
    compare("redis-8.0.6", Generation::Later);
}

#[server_test]
fn streams_are_as_on_redis_8_2() {
    compare("redis-8.2", Generation::Later);
}

#[server_test]
fn streams_are_as_on_redis_8_6() {
    compare("redis-8.6", Generation::Later);
}

#[server_test]
fn streams_are_as_on_valkey_9() {
    compare("valkey-9.1", Generation::Later);
}

#[server_test]
fn streams_are_as_on_redis_7() {
    compare("redis-7.0", Generation::Redis70);
}
