//! Numbers as text: every number that a command takes, in every spelling, against real servers.
//!
//! Every fifth pair of a command and a text is compared, and those that were
//! found to differ between servers; `AOFKIT_NUMBERS=all` compares them all.

mod templates;
mod texts;

use std::collections::BTreeMap;

use aofkit::Server;
use aofkit::command;
use aofkit::digest::digest_value;
use aofkit::keyspace::Entry;
use aofkit::rdb::dump;
use aofkit::replay::Replayed;
use aofkit::rewrite::Base;
use aofkit::server::Release;
use aofkit::value::{Bytes, Value};

use crate::harness::servers::with_releases;
use crate::harness::{RealServer, Reply};
use crate::replay_servers::library::{digest, encode, now, replay_as, rewrite_for};

type Command = Vec<Vec<u8>>;

/// Clocks go on while a server loads.
const PATIENCE: i64 = 100_000;

/// The commands of a template with a text in them.
fn expand(template: &str, text: &[u8], key: &str) -> Vec<Command> {
    let word = |word: &str| match word {
        "LONG" => vec![b'x'; 70],
        "PAYLOAD" => dump::write(&Value::String(Bytes::borrowed(b"value")), Release::Redis62).unwrap().0,
        word => {
            let word = match word.strip_prefix('K') {
                Some(rest) if rest.is_empty() || rest.starts_with(':') => format!("{key}{rest}"),
                _ => word.to_owned(),
            };
            word.split('@').map(str::as_bytes).collect::<Vec<_>>().join(text)
        }
    };
    template.replace("small:", "").split(';').map(|line| line.split(' ').map(word).collect()).collect()
}

/// Whether a server is given a template with a text.
fn is_fit(server: Server, template: &str, text: &[u8], commands: &[Command]) -> bool {
    let is_known = |command: &Command| {
        let arguments: Vec<&[u8]> = command.iter().map(Vec::as_slice).collect();
        command::known_to(server, &arguments).is_some_and(|row| command::arity_fits(row, server, arguments.len()))
    };
    // An offset of bits or bytes, which a server that loads a log allocates.
    let number = std::str::from_utf8(text).unwrap_or_default().trim_start_matches('#').parse::<i64>().ok();
    let is_deadly = template.contains("small:") && number.is_some_and(|number| number > 10_000);
    // How many databases a server has is configured; here it has sixteen.
    let is_database = |word: &[u8]| word.eq_ignore_ascii_case(b"copy") || word.eq_ignore_ascii_case(b"move");
    let is_beyond = commands.iter().any(|command| is_database(&command[0])) && number.is_some_and(|number| number > 15);
    // An id that the clock gives.
    let is_now = template.contains("XADD K ") && (text == b"*" || text.ends_with(b"-*"));
    // Redis 8 reads beyond the arguments, and Valkey 9 takes a count whose double wraps around.
    let is_field = template.contains("FIELDS @") && number.is_some_and(|number| !(-1000..1000).contains(&number));
    // Redis 8 keeps it in a small hash as no expiry; a server that is not loading deletes the field.
    let is_never = template.contains("FIELDS") && server.is_redis_8() && number == Some(0);
    let is_vector = (template.contains("VALUES @") || template.contains("REDUCE @"))
        && number.is_some_and(|number| !(0..1000).contains(&number));
    !is_deadly && !is_vector && !is_beyond && !is_now && !is_field && !is_never && commands.iter().all(is_known)
}

/// One command with one text.
struct Case {
    template: &'static str,
    text: Vec<u8>,
    commands: Vec<Command>,
}

fn cases(server: Server) -> Vec<Case> {
    let texts = texts::all();
    let all = std::env::var("AOFKIT_NUMBERS").is_ok_and(|wanted| wanted == "all");
    let templates = templates::TEMPLATES.iter().filter(|(group, _)| group.has(server)).flat_map(|(_, lines)| *lines);
    let mut cases = Vec::new();
    for (line, template) in templates.enumerate() {
        for (index, text) in texts.iter().enumerate() {
            if !all && (index + line) % 5 != 0 && !texts::DIFFERENT.contains(&text.as_slice()) {
                continue;
            }
            let commands = expand(template, text, &format!("{}", cases.len()));
            if is_fit(server, template, text, &commands) {
                cases.push(Case { template, text: text.clone(), commands });
            }
        }
    }
    cases
}

/// What a key holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Held {
    digest: String,
    /// In milliseconds of Unix time.
    expiry: Option<i64>,
    /// Of the field f of a hash.
    field_expiry: Option<i64>,
    /// What XINFO says of a stream, groups included.
    groups: Option<Reply>,
}

type Keys = BTreeMap<(u32, Vec<u8>), Held>;

/// The replies to the same command for each key.
fn ask_each(real: &mut RealServer, name: &[u8], keys: &[&[u8]]) -> Vec<Reply> {
    real.call_all(&keys.iter().map(|key| vec![name, key]).collect::<Vec<_>>())
}

/// The keys that a server has.
fn theirs(real: &mut RealServer) -> Keys {
    let mut keys = Keys::new();
    for database in 0..16 {
        real.call(&["SELECT", &database.to_string()]);
        let names = real.call(&["KEYS", "*"]);
        for names in names.array().chunks(200) {
            let names: Vec<&[u8]> = names.iter().map(Reply::bytes).collect();
            let digests = real.call(&[&[&b"DEBUG"[..], b"DIGEST-VALUE"], &names[..]].concat());
            let times = ask_each(real, b"PTTL", &names);
            let kinds = ask_each(real, b"TYPE", &names);
            for (index, name) in names.iter().enumerate() {
                let left = times[index].integer();
                let mut held = Held {
                    digest: digests.array()[index].text(),
                    expiry: (left >= 0).then(|| left.wrapping_add(now())),
                    ..Held::default()
                };
                match kinds[index].text().as_str() {
                    "hash" => {
                        if let Reply::Array(times) = real.call(&[&b"HPEXPIRETIME"[..], name, b"FIELDS", b"1", b"f"]) {
                            held.field_expiry = Some(times[0].integer()).filter(|time| *time >= 0);
                        }
                    }
                    "stream" => held.groups = Some(real.call(&[&b"XINFO"[..], b"STREAM", name, b"FULL"])),
                    _ => {}
                }
                keys.insert((database, name.to_vec()), held);
            }
        }
    }
    real.call(&["SELECT", "0"]);
    keys
}

fn held(entry: Entry<'_, '_>, server: Server) -> Held {
    let field_expiry = match entry.value() {
        Value::Hash(hash) => hash.get(b"f").and_then(|field| field.expiry),
        _ => None,
    };
    let digest = digest_value(entry, server, now()).unwrap().to_string();
    Held { digest, expiry: entry.expiry(), field_expiry, groups: None }
}

fn ours(replayed: &Replayed<'_>, server: Server) -> Keys {
    let entries = replayed.keyspace.iter();
    entries.map(|(number, entry)| ((number, entry.key.to_vec()), held(entry, server))).collect()
}

fn is_near(one: Option<i64>, other: Option<i64>) -> bool {
    match (one, other) {
        // What is left of a time long ago is beyond 64 bits for servers.
        (Some(one), Some(other)) => one.wrapping_sub(other).unsigned_abs() < PATIENCE.unsigned_abs(),
        (one, other) => one == other,
    }
}

/// An expiry, or any other than which there is no sooner one that servers tell.
fn floor(expiry: Option<i64>) -> Option<i64> {
    expiry.map(|time| time.max(now()))
}

/// Whether two answers of XINFO mean the same: clocks go on, and trees of the same entries differ.
fn are_near(one: &Reply, other: &Reply) -> bool {
    match (one, other) {
        (Reply::Integer(one), Reply::Integer(other)) => {
            one == other || *one > 1_000_000_000_000 && is_near(Some(*one), Some(*other))
        }
        (Reply::Array(ones), Reply::Array(others)) => {
            let skipped = |at: usize| match at.checked_sub(1).map(|before| &ones[before]) {
                Some(Reply::Bulk(name)) => name.starts_with(b"radix-tree") || name.ends_with(b"-time"),
                _ => false,
            };
            ones.len() == others.len()
                && ones.iter().zip(others).enumerate().all(|(at, (one, other))| skipped(at) || are_near(one, other))
        }
        (one, other) => one == other,
    }
}

impl Held {
    fn is_like(&self, other: &Self) -> bool {
        let groups = match (&self.groups, &other.groups) {
            (Some(one), Some(other)) => are_near(one, other),
            _ => true,
        };
        self.digest == other.digest
            && (is_near(self.expiry, other.expiry) || is_near(floor(self.expiry), floor(other.expiry)))
            && (is_near(self.field_expiry, other.field_expiry) || self.is_over() && other.field_expiry.is_none())
            && groups
    }

    /// Whether it was gone before its digest was asked for.
    fn is_gone(&self) -> bool {
        self.digest.bytes().all(|digit| digit == b'0')
    }

    /// Whether it was there when its digest was asked for, and perhaps not when its times were.
    fn has_run_out(&self) -> bool {
        self.is_over() || self.expiry.is_none() && self.field_expiry.is_none()
    }

    /// Whether it may be gone by now.
    fn is_over(&self) -> bool {
        [self.expiry, self.field_expiry].into_iter().flatten().any(|time| time < now() + PATIENCE)
    }
}

/// What differs, by case.
fn differences(ours: &Keys, theirs: &Keys) -> Vec<(usize, String)> {
    let case = |key: &[u8]| {
        let text = String::from_utf8_lossy(key);
        text.split(':').next().and_then(|number| number.parse().ok()).unwrap_or(usize::MAX)
    };
    let mut found = Vec::new();
    for (key, mine) in ours {
        let same = match theirs.get(key).filter(|its| !its.is_gone()) {
            Some(its) => mine.is_like(its) || mine.is_over() && its.has_run_out(),
            None => mine.is_over(),
        };
        if !same {
            found.push((case(&key.1), format!("{}: ours {mine:?}, not {:?}", key.1.escape_ascii(), theirs.get(key))));
        }
    }
    for (key, its) in theirs.iter().filter(|(key, its)| !ours.contains_key(*key) && !its.is_over()) {
        found.push((case(&key.1), format!("{}: ours nothing, not {its:?}", key.1.escape_ascii())));
    }
    found
}

/// What is said of each difference.
fn report(what: &str, cases: &[Case], found: &[(usize, String)]) -> Vec<String> {
    let line = |(case, text): &(usize, String)| match cases.get(*case) {
        Some(case) => {
            let mut shown = case.text.escape_ascii().to_string();
            if shown.len() > 60 {
                shown = format!("{}…{}({})", &shown[..20], &shown[shown.len() - 8..], case.text.len());
            }
            let mut text = text.clone();
            text.truncate(700);
            format!("{what}: {} @ {shown:?}\n    {text}", case.template)
        }
        None => format!("{what}: {text}"),
    };
    found.iter().map(line).collect()
}

/// Every command with every text, in one log.
fn compare(server: Server, name: &str) {
    let mut real = RealServer::logging_release(name);
    let cases = cases(server);
    let log = encode(&cases.iter().flat_map(|case| case.commands.clone()).collect::<Vec<_>>());
    real.load(&[('b', &log)]);
    let loaded = theirs(&mut real);
    let replayed = replay_as(server, &[&log], 1);
    let lines = report(name, &cases, &differences(&ours(&replayed, server), &loaded));
    let first: Vec<&str> = lines.iter().take(12).map(String::as_str).collect();
    assert!(lines.is_empty(), "{} differences, the first:\n{}", lines.len(), first.join("\n"));
    rewritten_zeros(server, &mut real);
}

/// Large sorted sets keep the sign of a zero, small ones of most servers do not: a rewrite makes them large from the
/// start.
fn rewritten_zeros(server: Server, real: &mut RealServer) {
    let commands = |line: &str| -> Vec<Vec<u8>> { line.split(' ').map(|word| word.as_bytes().to_vec()).collect() };
    let long = "m".repeat(65);
    let many = |zeros: std::ops::Range<usize>| {
        let score = |member| if zeros.contains(&member) { "-0" } else { "1" };
        let pairs: Vec<_> = (0..200).map(|member| format!("{} {member}", score(member))).collect();
        commands(&format!("ZADD many{} 0 {long} {}", zeros.len(), pairs.join(" ")))
    };
    let remove = |key: &str| commands(&format!("ZREM {key} {long}"));
    let log = encode(&[
        commands(&format!("ZADD few -inf - 0 a 1 b inf {long}")),
        commands("ZUNIONSTORE stored 2 few few WEIGHTS 1 -0 AGGREGATE MIN"),
        many(150..200),
        remove("many50"),
        many(0..200),
        remove("many200"),
        commands("ZADD small -0 a 0 b"),
    ]);
    let loaded = real.load(&[('b', &log)]);
    assert_eq!(digest(&[&log], server), loaded, "the log");
    for base in [Base::Resp, Base::Rdb] {
        let rewritten = rewrite_for(server, &replay_as(server, &[&log], 1), base);
        assert_eq!(real.load(&[('b', &rewritten)]), loaded, "{base:?}");
        // 6.2 keeps the sign in a small set of an RDB as well, which is not told from one of a later server.
        if (server, base) != (Server::Redis62, Base::Rdb) {
            assert_eq!(digest(&[&rewritten], server), loaded, "{base:?}");
        }
    }
}

macro_rules! tests {
    ($($test:ident: $server:ident, $release:literal;)*) => {
        $(#[server_test]
        fn $test() {
            compare(Server::$server, $release);
        })*
    };
}
with_releases!(tests);
