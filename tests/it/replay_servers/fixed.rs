//! Values of every kind and size: what a rewrite takes, and what a server has that loads it.

use std::fmt::Write as _;

use aofkit::Server;
use aofkit::rewrite::Base;

use crate::harness::{RealServer, Reply};

use super::Command;
use super::cost;
use super::library::{contents, decode, encode, replay, rewrite_for};

const FUTURE: i64 = 4_102_444_800_000;
const PAST: i64 = 1_600_000_000_000;

/// A log, made line by line.
#[derive(Default)]
struct Lines(Vec<Command>);

impl Lines {
    /// A command, its words between spaces.
    fn add(&mut self, line: &str) {
        self.0.push(line.split(' ').map(|word| word.as_bytes().to_vec()).collect());
    }

    /// A command whose arguments follow each other.
    fn many(&mut self, words: &str, count: usize, argument: impl Fn(usize) -> String) {
        let all: Vec<String> = (0..count).map(argument).collect();
        self.add(&format!("{words} {}", all.join(" ")));
    }

    fn strings_and_collections(&mut self, server: Server) {
        for (key, value) in [("text", "hello"), ("number", "12345"), ("empty", ""), ("float", "1.5")] {
            self.add(&format!("SET {key} {value}"));
            for (kind, time) in [("later", FUTURE), ("past", PAST), ("first", 1)] {
                self.add(&format!("SET {key}:{kind} {value}"));
                self.add(&format!("PEXPIREAT {key}:{kind} {time}"));
            }
        }
        for count in [1, 63, 64, 65, 1000] {
            self.many(&format!("RPUSH list:{count}"), count, |number| format!("element-{number}"));
            self.many(&format!("SADD set:{count}"), count, |number| format!("member-{number}"));
            self.many(&format!("SADD integers:{count}"), count, |number| number.to_string());
            self.many(&format!("HSET hash:{count}"), count, |number| format!("field-{number} {number}"));
            self.many(&format!("ZADD zset:{count}"), count, |number| {
                format!("{}.{number} member-{number}", number % 7)
            });
            self.many(&format!("ZADD whole:{count}"), count, |number| {
                format!("{}000 member-{number}", number * number)
            });
            for kind in ["list", "set", "integers", "hash", "zset"] {
                self.add(&format!("PEXPIREAT {kind}:{count} {FUTURE}"));
            }
        }
        let scores = [
            "0",
            "-0",
            "1",
            "-1.5",
            "0.1",
            "0.001",
            "0.0001234",
            "1e-7",
            "5e-324",
            "1.5e-310",
            "100",
            "1000",
            "12000",
            "123456789",
            "1e8",
            "12e15",
            "4503599627370497",
            "9007199254740993",
            "1e17",
            "1e20",
            "1.5e300",
            "1.7976931348623157e308",
            "57112.60191737611",
            "0.30000000000000004",
            "inf",
            "-inf",
        ];
        // A long name makes the set a skip list.
        for key in ["zset:small", "zset:large"] {
            // Redis 6.2 alone tells -0 from 0 in a small set.
            let scores = scores.iter().filter(|score| **score != "-0" || server != Server::Redis62);
            for (index, score) in scores.enumerate() {
                self.add(&format!("ZADD {key} {score} m{index}"));
            }
        }
        self.add(&format!("ZADD zset:large 2.5 {}", "x".repeat(300)));
        self.add("SELECT 9");
        self.add("SET in-database-9 yes");
        self.add("SELECT 0");
    }

    fn fields_that_expire(&mut self) {
        for (key, expiring, apart) in
            [("one", 1, 0), ("many", 200, 0), ("times", 100, 1), ("groups", 150, 0), ("all", 1000, 0)]
        {
            self.many(&format!("HSET expiring:{key}"), 1000, |number| format!("field-{number} value-{number}"));
            for number in 0..expiring {
                let time = FUTURE + number * apart + if key == "groups" { number % 3 } else { 0 };
                let line = format!("HPEXPIREAT expiring:{key} {time} FIELDS 1 field-{}", number * 1000 / expiring);
                self.add(&line);
            }
        }
        self.add("HSET expiring:small a 1 b 2 c 3");
        self.add(&format!("HPEXPIREAT expiring:small {} FIELDS 1 b", FUTURE + 1));
        self.add(&format!("HPEXPIREAT expiring:small {FUTURE} FIELDS 2 c a"));
        self.add(&format!("PEXPIREAT expiring:small {FUTURE}"));
    }

    fn streams(&mut self, server: Server) {
        let counted = server != Server::Redis62;
        let read = |count: u64| if counted { format!(" ENTRIESREAD {count}") } else { String::new() };
        for key in ["plain", "trimmed", "deleted", "emptied", "cut", "grouped", "ahead"] {
            for number in 1..=300 {
                self.add(&format!(
                    "XADD stream:{key} {}-{} field {number}",
                    1_700_000_000_000_u64 + number,
                    number % 3
                ));
            }
        }
        self.add("XTRIM stream:trimmed MAXLEN 100");
        self.add("XDEL stream:deleted 1700000000300-0 1700000000010-1");
        self.add("XTRIM stream:emptied MAXLEN 0");
        self.add("XGROUP CREATE stream:ahead g 1700000000500-0");
        self.add("XSETID stream:ahead 1700000000500-0");
        // Without entries, groups, both, and what was deleted one by one.
        self.add("XGROUP CREATE stream:new g 0 MKSTREAM");
        self.add("XGROUP CREATE stream:none g 0 MKSTREAM");
        self.add("XGROUP DESTROY stream:none g");
        self.add("XADD stream:once 5-5 a b");
        self.add("XDEL stream:once 5-5");
        self.add("XADD stream:once-trimmed MAXLEN 0 5-5 a b");
        self.add(&format!("XGROUP CREATE stream:emptied zero 0{}", read(0)));
        self.add(&format!("XGROUP CREATE stream:emptied all ${}", read(300)));
        self.add(&format!("XGROUP CREATE stream:once g ${}", read(1)));
        for group in ["one", "two"] {
            self.add(&format!("XGROUP CREATE stream:grouped {group} 1700000000200-2{}", read(200)));
            for number in 1..=200_u64 {
                let (time, count) = (1_700_000_001_000_u64 + number / 80, 1 + number / 50 % 3);
                let line = format!(
                    "XCLAIM stream:grouped {group} consumer-{} 0 {}-{} TIME {time} RETRYCOUNT {count} FORCE JUSTID",
                    number % 2,
                    1_700_000_000_000 + number,
                    number % 3
                );
                self.add(&line);
            }
            self.add(&format!("XGROUP CREATECONSUMER stream:grouped {group} idle"));
        }
        self.add("XGROUP CREATE stream:grouped behind 0");
        self.add("XGROUP CREATE stream:grouped last $");
    }

    /// What is pending of entries that are gone: the oldest, those in the middle, the newest, and all.
    fn deleted_and_pending(&mut self) {
        for (key, deleted) in [
            ("oldest", "XTRIM gone:oldest MAXLEN 5"),
            ("middle", "XDEL gone:middle 3-1 5 7-1 9-1"),
            ("newest", "XDEL gone:newest 8 9-1 10"),
            ("all", "XTRIM gone:all MAXLEN 0"),
            ("mixed", "XDEL gone:mixed 1-1 2 6 10"),
        ] {
            for number in 1..=10 {
                self.add(&format!("XADD gone:{key} {number}-{} f v", number % 2));
            }
            self.add(&format!("XGROUP CREATE gone:{key} g 10-0"));
            for number in 1..=10 {
                let (consumer, time) = (number % 2, PAST + number / 4);
                let id = format!("{number}-{}", number % 2);
                let line =
                    format!("XCLAIM gone:{key} g c{consumer} 0 {id} TIME {time} RETRYCOUNT {consumer} FORCE JUSTID");
                self.add(&line);
            }
            self.add(deleted);
        }
    }
}

/// What a digest leaves out.
fn details(real: &mut RealServer) -> String {
    let mut text = String::new();
    let names = real.call(&["KEYS", "*"]);
    let mut names: Vec<&[u8]> = names.array().iter().map(Reply::bytes).collect();
    names.sort_unstable();
    for name in names {
        if real.call(&[b"TYPE", name]).text() == "stream" {
            let reply = real.call(&[&b"XINFO"[..], b"STREAM", name, b"FULL", b"COUNT", b"0"]);
            writeln!(text, "{} {}", name.escape_ascii(), told(&reply)).unwrap();
        }
    }
    text
}

/// A reply without what depends on the time of loading, or on how entries lie in memory.
fn told(reply: &Reply) -> String {
    let Reply::Array(items) = reply else { return format!("{reply:?}") };
    let mut text = String::from("[");
    let mut rest = items.iter();
    while let Some(item) = rest.next() {
        let is_named = |name: &str| matches!(item, Reply::Bulk(bytes) if bytes == name.as_bytes());
        if ["radix-tree-keys", "radix-tree-nodes", "seen-time", "active-time"].into_iter().any(is_named) {
            rest.next();
        } else {
            write!(text, "{} ", told(item)).unwrap();
        }
    }
    text + "]"
}

/// Loads a log and its rewrite, and compares both with each other and with the server's rewrite.
fn compare_log(real: &mut RealServer, lines: &[Command]) -> (Vec<u8>, Vec<u8>) {
    let server = real.server;
    let log = encode(lines);
    let ours = rewrite_for(server, &replay(&[&log], 1), Base::Resp);
    let digest = real.load(&[('b', &log)]);
    let told = details(real);
    let theirs = real.rewritten();
    assert_eq!(real.load(&[('b', &ours)]), digest, "{server}");
    assert_eq!(details(real), told, "{server}");
    // The times at which keys and fields expire are in it.
    assert_eq!(contents(&real.rewritten()), contents(&theirs), "{server}");
    let dearer = cost::dearer(&ours, &theirs);
    assert!(dearer.is_empty(), "{server}: {}", dearer.join("\n"));
    (ours, theirs)
}

pub(crate) fn compare(release: &str) {
    let mut real = RealServer::logging_release(release);
    let server = real.server;
    let mut lines = Lines::default();
    lines.strings_and_collections(server);
    lines.streams(server);
    if server != Server::Redis62 {
        lines.0.push(
            ["FUNCTION", "LOAD", "#!lua name=f\nredis.register_function('g', function() return 1 end)"]
                .map(|word| word.as_bytes().to_vec())
                .to_vec(),
        );
    }
    if server.is_redis_8() || server == Server::Valkey9 {
        lines.fields_that_expire();
    }
    let (ours, theirs) = compare_log(&mut real, &lines.0);
    assert!(decode(&ours).len() < decode(&theirs).len() && ours.len() < theirs.len());

    // A server's own rewrite loses what this keeps, so it is compared with nothing but the log.
    let mut lines = Lines::default();
    lines.deleted_and_pending();
    compare_log(&mut real, &lines.0);

    if server.is_redis_8() || server == Server::Valkey9 {
        let mut lines = Lines::default();
        lines.many("HSET h", 1000, |number| format!("field:{number} value:{number}"));
        lines.add(&format!("HPEXPIREAT h {FUTURE} FIELDS 1 field:500"));
        let (ours, theirs) = compare_log(&mut real, &lines.0);
        // SELECT, 999 fields in batches of 64, and the one that expires.
        assert_eq!(decode(&ours).len(), 18, "{server}");
        assert!(ours.len() < theirs.len(), "{server}: {} and {}", ours.len(), theirs.len());
    }
}
