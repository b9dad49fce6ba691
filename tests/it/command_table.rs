//! The whole table of commands, compared with real servers.

use std::collections::{BTreeMap, BTreeSet};

use aofkit::Server;
use aofkit::command::{self, Command, Effect, Group, KeyPositions, Resolution};
use aofkit::server::{Product, Version};

use crate::harness::servers::release;
use crate::harness::{RealServer, Reply};

/// The output of `COMMAND LIST FILTERBY ACLCAT write` of Redis 8.6.3 and Valkey 9.1.2, without modules.
const WRITE_COMMANDS: &str = "
append bitfield bitop blmove blmpop blpop brpop brpoplpush bzmpop bzpopmax bzpopmin cluster|flushslot copy
decr decrby del delex delifeq expire expireat flushall flushdb function|delete function|flush function|load
function|restore geoadd georadius georadiusbymember geosearchstore getdel getex getset hdel hexpire hexpireat
hgetdel hgetex hincrby hincrbyfloat hmset hpersist hpexpire hpexpireat hset hsetex hsetnx incr incrby
incrbyfloat linsert lmove lmpop lpop lpush lpushx lrem lset ltrim migrate move mset msetex msetnx persist
pexpire pexpireat pfadd pfdebug pfmerge psetex rename renamenx restore restore-asking rpop rpoplpush rpush
rpushx sadd sdiffstore set setbit setex setnx setrange sinterstore smove sort spop srem sunionstore swapdb
trimslots unlink xack xackdel xadd xautoclaim xcfgset xclaim xdel xdelex xgroup|create
xgroup|createconsumer xgroup|delconsumer xgroup|destroy
xgroup|setid xidmprecord xreadgroup xsetid xtrim zadd zdiffstore zincrby zinterstore zmpop zpopmax zpopmin zrangestore
zrem zremrangebylex zremrangebyrank zremrangebyscore zunionstore
";

fn words(line: &str) -> Vec<&[u8]> {
    line.split_whitespace().map(|word| if word == "''" { &b""[..] } else { word.as_bytes() }).collect()
}

/// The words of a row: one, or two for a subcommand.
fn typed(row: &Command) -> Vec<&'static [u8]> {
    row.name.split('|').map(str::as_bytes).collect()
}

fn commands() -> impl Iterator<Item = &'static Command> {
    command::all().filter(|row| !row.is_subcommand())
}

#[test]
fn names_are_unique_lower_case_and_sorted_within_their_group() {
    let mut seen = BTreeSet::new();
    let mut groups: Vec<(Group, Vec<&str>)> = Vec::new();
    for row in command::all() {
        assert!(seen.insert(row.name), "{} is there twice", row.name);
        assert!(row.name.bytes().all(|byte| byte.is_ascii_graphic() && !byte.is_ascii_uppercase()), "{}", row.name);
    }
    for row in commands() {
        match groups.last_mut() {
            Some((group, names)) if *group == row.group => names.push(row.name),
            _ => groups.push((row.group, vec![row.name])),
        }
        let subcommands: Vec<_> = row.subcommands.iter().map(|subcommand| subcommand.name).collect();
        assert!(subcommands.is_sorted(), "{subcommands:?}");
        for subcommand in row.subcommands {
            assert_eq!(subcommand.name, format!("{}|{}", row.name, subcommand.own_name()));
            assert_eq!(subcommand.group, row.group, "{}", subcommand.name);
            assert!(subcommand.subcommands.is_empty(), "{}", subcommand.name);
            assert!(subcommand.servers.iter().all(|server| row.servers.contains(server)), "{}", subcommand.name);
        }
    }
    for (index, (group, names)) in groups.iter().enumerate() {
        assert!(names.is_sorted(), "{group:?}: {names:?}");
        assert!(groups[..index].iter().all(|(other, _)| other != group), "{group:?} is split");
    }
}

#[test]
fn every_row_is_found_by_what_a_user_types() {
    for row in command::all() {
        let shouted: Vec<Vec<u8>> = typed(row).iter().map(|word| word.to_ascii_uppercase()).collect();
        let shouted: Vec<&[u8]> = shouted.iter().map(Vec::as_slice).collect();
        assert_eq!(command::resolve(&shouted).row(), Some(row), "{}", row.name);
        for server in Server::ALL {
            let expected = row.servers.contains(server).then_some(row);
            let known = command::known_to(server, &shouted);
            if server == Server::Redis62 && row.is_subcommand() {
                assert!(expected.is_none() && known.is_none_or(|row| !row.is_subcommand()), "{}", row.name);
            } else {
                assert_eq!(known, expected, "{} on {server}", row.name);
            }
        }
        if !row.subcommands.is_empty() {
            let unknown = [row.name.as_bytes(), b"no-such-subcommand"];
            assert_eq!(command::resolve(&unknown), Resolution::UnknownSubcommand(row));
        }
    }
}

#[test]
fn the_least_arguments_hold_every_fixed_key_and_the_container_needs_its_subcommand() {
    for row in command::all() {
        for server in Server::ALL {
            let arity = row.arity.on(server);
            let least = usize::from(arity.unsigned_abs());
            assert!(arity != 0, "{}", row.name);
            assert!(command::arity_fits(row, server, least) && !command::arity_fits(row, server, least - 1));
            assert_eq!(command::arity_fits(row, server, least + 1), arity < 0, "{}", row.name);
            // Modules check the number of arguments themselves, and the subcommands of a container have their own.
            if row.group != Group::VectorSet && row.subcommands.is_empty() {
                match row.key_positions {
                    KeyPositions::Range { first, last, step } => {
                        let highest = usize::try_from(last).unwrap_or(usize::from(first));
                        assert!(first >= 1 && step >= 1 && least > highest, "{}", row.name);
                    }
                    KeyPositions::Counted { destination, count, step } => {
                        assert!(step >= 1 && least > usize::from(count), "{}", row.name);
                        assert!(destination.is_none_or(|index| index < count), "{}", row.name);
                    }
                    _ => {}
                }
            }
            if row.is_subcommand() {
                assert!(least >= 2, "{}", row.name);
            } else if !row.subcommands.is_empty() {
                // COMMAND alone lists all commands.
                assert_eq!(arity, if row.name == "command" { -1 } else { -2 }, "{}", row.name);
            }
        }
    }
}

#[test]
fn the_writing_commands_are_those_that_servers_list() {
    let newest = [Server::Redis86, Server::Valkey9];
    let listed: BTreeSet<&str> = WRITE_COMMANDS.split_whitespace().collect();
    for name in &listed {
        let arguments: Vec<&[u8]> = name.split('|').map(str::as_bytes).collect();
        let row = command::resolve(&arguments).row().unwrap_or_else(|| panic!("{name} is missing"));
        assert_eq!((row.name, row.effect), (*name, Effect::Write));
    }
    let flagged: BTreeSet<&str> = command::all()
        .filter(|row| row.effect == Effect::Write && row.subcommands.is_empty() && row.group != Group::VectorSet)
        .filter(|row| newest.iter().any(|server| row.servers.contains(*server)))
        .map(|row| row.name)
        .collect();
    assert_eq!(flagged, listed);
}

/// The output of `COMMAND` for a command.
#[derive(Debug, PartialEq, Eq)]
struct Printed {
    arity: i64,
    write: bool,
    read: bool,
    container: bool,
}

fn printed(entries: &[Reply], into: &mut BTreeMap<String, Printed>) {
    for entry in entries {
        let fields = entry.array();
        let flags: Vec<String> = fields[2].array().iter().map(Reply::text).collect();
        let flag = |name: &str| flags.iter().any(|flag| flag == name);
        let subcommands = fields.get(9).map(Reply::array).unwrap_or_default();
        let row = Printed {
            arity: fields[1].integer(),
            write: flag("write"),
            read: flag("readonly"),
            container: !subcommands.is_empty(),
        };
        into.insert(fields[0].text().to_lowercase(), row);
        printed(subcommands, into);
    }
}

#[server_test]
fn the_table_is_what_each_server_prints() {
    for server in Server::ALL {
        let folder = release(server);
        let mut real = RealServer::start(folder);
        let mut theirs = BTreeMap::new();
        printed(real.call(&["COMMAND"]).array(), &mut theirs);
        let ours: BTreeMap<&str, &Command> =
            command::all().filter(|row| row.servers.contains(server)).map(|row| (row.name, row)).collect();

        let names: BTreeSet<&str> = theirs.keys().map(String::as_str).collect();
        assert_eq!(ours.keys().copied().collect::<BTreeSet<_>>(), names, "{folder}");
        for (name, row) in ours {
            let their = &theirs[name];
            assert_eq!(i64::from(row.arity.on(server)), their.arity, "arity of {name} on {folder}");
            assert!(!their.container || !row.subcommands.is_empty(), "{name} on {folder}");
            // The row of a container says what it is where it has no subcommands.
            if !their.container {
                assert_eq!(row.effect == Effect::Write, their.write, "write flag of {name} on {folder}");
                let reads = row.effect == Effect::Read || row.name == "pfcount";
                assert_eq!(reads, their.read, "read flag of {name} on {folder}");
            }
        }
    }
}

#[server_test]
fn the_groups_are_those_of_the_documentation() {
    let names = |group| match group {
        Group::String => "string",
        Group::Bitmap => "bitmap",
        Group::HyperLogLog => "hyperloglog",
        Group::List => "list",
        Group::Set => "set",
        Group::SortedSet => "sorted-set",
        Group::Hash => "hash",
        Group::Stream => "stream",
        Group::Geo => "geo",
        Group::VectorSet | Group::Module => "module",
        Group::Generic => "generic",
        Group::Scripting => "scripting",
        Group::Transaction => "transactions",
        Group::PubSub => "pubsub",
        Group::Connection => "connection",
        Group::Cluster => "cluster",
        Group::Server => "server",
        other => panic!("{other:?} is newer than every server"),
    };
    // Redis 6.2 does not know COMMAND DOCS.
    for server in Server::ALL.into_iter().filter(|server| *server != Server::Redis62) {
        let folder = release(server);
        let mut real = RealServer::start(folder);
        let documentation = real.call(&["COMMAND", "DOCS"]);
        let mut compared = 0;
        for entry in documentation.array().chunks_exact(2) {
            let row = command::lookup(entry[0].bytes()).unwrap_or_else(|| panic!("{} is missing", entry[0].text()));
            assert!(row.servers.contains(server), "{}", row.name);
            let group =
                entry[1].array().chunks_exact(2).find(|pair| pair[0].bytes() == b"group").map(|pair| pair[1].text());
            assert_eq!(group.as_deref(), Some(names(row.group)), "{} on {folder}", row.name);
            compared += 1;
        }
        assert!(compared > 200, "{folder}: {compared}");
    }
}

/// A field of a command in `COMMAND DOCS`.
fn documented<'r>(fields: &'r Reply, name: &str) -> Option<&'r Reply> {
    fields.array().chunks_exact(2).find(|pair| pair[0].bytes() == name.as_bytes()).map(|pair| &pair[1])
}

/// Redis 6.2 has QUIT, but not in its table; 8.0.6 has VISMEMBER.
const WRONGLY_DOCUMENTED: [&str; 2] = ["quit", "vismember"];

/// Compares the `since` of commands and of their subcommands, and returns their number.
fn compare_since(entries: &[Reply], server: Server, differing: &mut Vec<String>) -> usize {
    let mut compared = 0;
    for entry in entries.chunks_exact(2) {
        let (name, fields) = (entry[0].text(), &entry[1]);
        let words: Vec<&[u8]> = name.split('|').map(str::as_bytes).collect();
        let row = command::resolve(&words).row().unwrap_or_else(|| panic!("{name} is missing"));
        let ours = row.since.version(server.product()).unwrap_or_else(|| panic!("{name} on {server}"));
        if let Some(theirs) = documented(fields, "since").and_then(|since| Version::parse(&since.text())) {
            // All releases have the commands of the oldest modelled one, which has no subcommands. Valkey has those of
            // Redis 7.2.
            let oldest = match server.product() {
                Product::Valkey => Version::new(7, 2),
                Product::Redis if row.is_subcommand() => Version::new(7, 0),
                Product::Redis => Version::new(6, 2),
            };
            if ours.max(oldest) != theirs.max(oldest) && !WRONGLY_DOCUMENTED.contains(&row.name) {
                differing.push(format!("{name}: since {ours} here, since {theirs} on {server}"));
            }
            compared += 1;
        }
        let subcommands = documented(fields, "subcommands").map(Reply::array).unwrap_or_default();
        compared += compare_since(subcommands, server, differing);
    }
    compared
}

#[server_test]
fn commands_are_since_the_releases_that_servers_name() {
    let mut differing = Vec::new();
    for product in [Product::Redis, Product::Valkey] {
        let newest = Server::newest(product, |_| true).unwrap();
        let (server, folder) = (newest, release(newest));
        let documentation = RealServer::start(folder).call(&["COMMAND", "DOCS"]);
        let compared = compare_since(documentation.array(), server, &mut differing);
        assert!(compared > 300, "{folder}: {compared}");
    }
    assert!(differing.is_empty(), "{differing:#?}");
}

/// Well-formed examples of the rows whose keys depend on the contents of the arguments.
const SHAPES: &[&str] = &[
    "EVAL script 0",
    "EVAL script 1 k",
    "EVAL script 2 k1 k2 a b",
    "EVALSHA sha 1 k a",
    "EVALSHA sha 0 a",
    "EVAL_RO script 2 k1 k2 a",
    "EVALSHA_RO sha 1 k",
    "FCALL f 1 k a",
    "FCALL f 0 a",
    "FCALL_RO f 3 k1 k2 k3",
    "BLMPOP 0 2 k1 k2 LEFT COUNT 3",
    "LMPOP 1 k RIGHT",
    "LMPOP 2 k1 k2 LEFT COUNT 1",
    "BZMPOP 0.5 1 k MIN",
    "ZMPOP 3 k1 k2 k3 MAX COUNT 2",
    "SINTERCARD 2 k1 k2 LIMIT 1",
    "ZINTERCARD 1 k LIMIT 1",
    "ZDIFF 2 k1 k2 WITHSCORES",
    "ZINTER 2 k1 k2 WEIGHTS 1 2 AGGREGATE MAX WITHSCORES",
    "ZUNION 1 k WITHSCORES",
    "ZDIFFSTORE d 2 k1 k2",
    "ZINTERSTORE d 1 k WEIGHTS 3",
    "ZUNIONSTORE d 3 k1 k2 k3 AGGREGATE MIN",
    "ZUNIONSTORE k 1 k",
    "MSETEX 1 k v",
    "MSETEX 2 k1 v1 k2 v2 NX EX 10",
    "SORT k",
    "SORT k LIMIT 0 5 GET # GET pattern BY pattern ALPHA DESC",
    "SORT k STORE d",
    "SORT k BY store GET store STORE d",
    "SORT k LIMIT 0 1 STORE d1 STORE d2",
    "sort k asc store d alpha",
    "SORT_RO k BY pattern GET # LIMIT 1 2",
    "GEORADIUS k 1 2 3 m",
    "GEORADIUS k 1 2 3 m WITHDIST COUNT 5 ANY ASC",
    "GEORADIUS k 1 2 3 km STORE d",
    "GEORADIUS k 1 2 3 km COUNT 1 STOREDIST d",
    "georadius k 1 2 3 km storedist d desc",
    "GEORADIUSBYMEMBER k m 3 ft",
    "GEORADIUSBYMEMBER k m 3 ft STORE d",
    "GEORADIUSBYMEMBER k store 3 ft COUNT 2 DESC STOREDIST d",
    "MIGRATE host 6379 k 0 1000",
    "MIGRATE host 6379 k 0 1000 COPY REPLACE",
    "MIGRATE host 6379 k 0 1000 REPLACE AUTH password",
    "MIGRATE host 6379 '' 0 1000 KEYS k",
    "MIGRATE host 6379 '' 0 1000 COPY AUTH2 user password KEYS k1 k2 k3",
    "XREAD STREAMS k 0",
    "XREAD COUNT 2 STREAMS k1 k2 0 0",
    "XREAD BLOCK 0 COUNT 1 STREAMS k1 k2 k3 $ 1-1 0",
    "xread block 5 streams streams 0",
    "XREADGROUP GROUP g c STREAMS k >",
    "XREADGROUP GROUP g streams COUNT 1 NOACK STREAMS k1 k2 > 0",
    "XREADGROUP GROUP streams c BLOCK 10 STREAMS k1 >",
    "STRALGO LCS KEYS k1 k2",
    "STRALGO LCS IDX MINMATCHLEN 3 KEYS k1 k2",
    "STRALGO LCS STRINGS a b",
    "SET k v",
    "SET k v EX 10 NX GET",
    "BITFIELD k GET u4 0 SET u8 1 2",
    "MSET k1 v1 k2 v2 k3 v3",
    "MSETNX k v",
    "BITOP NOT d k",
    "BITOP XOR d k1 k2 k3",
    "BLPOP k 0",
    "BZPOPMIN k1 k2 k3 1.5",
    "COPY k1 k2 DB 1 REPLACE",
    "PFMERGE d k1 k2",
    "LCS k1 k2 IDX",
    "WATCH k1 k2",
    "RESTORE k 0 payload REPLACE ABSTTL",
    "OBJECT ENCODING k",
    "OBJECT HELP",
    "MEMORY USAGE k SAMPLES 5",
    "MEMORY DOCTOR",
    "XGROUP CREATE k g $ MKSTREAM",
    "XGROUP SETID k g 0 ENTRIESREAD 3",
    "XINFO STREAM k FULL COUNT 1",
    "XINFO GROUPS k",
    "SPUBLISH channel message",
    "SSUBSCRIBE c1 c2",
    "SUBSCRIBE c1",
    "PUBLISH channel message",
    "VADD k VALUES 2 1.0 2.0 element SETATTR x",
    "VSIM k ELE element COUNT 3",
];

/// An example of a row whose keys depend only on positions, or of one without keys.
fn plain_example(row: &Command, server: Server) -> Option<Vec<&'static [u8]>> {
    const ARGUMENTS: [&[u8]; 8] = [b"k1", b"k2", b"k3", b"k4", b"k5", b"k6", b"k7", b"k8"];
    let arity = row.arity.on(server);
    let mut argc = usize::from(arity.unsigned_abs());
    match row.key_positions {
        KeyPositions::None => {}
        KeyPositions::Range { first, last, step } => {
            argc = argc.max(usize::from(first) + 1).max(usize::try_from(last).unwrap_or(0) + 1);
            if last < 0 && arity < 0 {
                argc += 2 * usize::from(step);
            }
        }
        _ => return None,
    }
    let mut example = typed(row);
    let missing = argc.saturating_sub(example.len());
    example.extend_from_slice(&ARGUMENTS[..missing]);
    Some(example)
}

#[server_test]
fn the_keys_are_those_that_each_server_extracts() {
    for server in Server::ALL {
        let folder = release(server);
        let mut real = RealServer::start(folder);
        let plain = command::all()
            // A container without a subcommand has no keys.
            .filter(|row| row.servers.contains(server) && (row.subcommands.is_empty() || server == Server::Redis62))
            .filter_map(|row| plain_example(row, server));
        let shapes = SHAPES.iter().map(|line| words(line)).filter(|shape| command::known_to(server, shape).is_some());
        let mut exercised = BTreeSet::new();
        // A name without arguments has no keys, and Redis 7.0 refuses it.
        for example in plain.chain(shapes).filter(|example| example.len() > 1) {
            let shown = example.iter().map(|word| String::from_utf8_lossy(word)).collect::<Vec<_>>().join(" ");
            let row = command::known_to(server, &example).expect("chosen so");
            let mut ours: Vec<&[u8]> = command::key_indexes(&example).map(|index| example[index]).collect();
            let request: Vec<&[u8]> =
                [&b"COMMAND"[..], b"GETKEYS"].into_iter().chain(example.iter().copied()).collect();
            let reply = real.call(&request);
            let mut theirs: Vec<&[u8]> = match &reply {
                Reply::Array(keys) => keys.iter().map(Reply::bytes).collect(),
                // Redis gives the same error if a script or a union has 0 keys.
                Reply::Error(message)
                    if message.contains("no key arguments") || message.contains("Invalid arguments") =>
                {
                    vec![]
                }
                other => panic!("{shown} on {folder}: {other:?}"),
            };
            ours.sort_unstable();
            theirs.sort_unstable();
            assert_eq!(ours, theirs, "{shown} on {folder}: {reply:?}");
            if !ours.is_empty() {
                exercised.insert(row.name);
            }
        }
        let keyed: BTreeSet<&str> = command::all()
            .filter(|row| row.servers.contains(server) && row.key_positions != KeyPositions::None)
            .filter(|row| row.subcommands.is_empty() || server == Server::Redis62)
            .map(|row| row.name)
            .collect();
        assert!(keyed.is_subset(&exercised), "{folder}: {:?}", keyed.difference(&exercised));
    }
}

#[test]
fn commands_have_rows_before_any_modelled_server_knows_them() {
    for name in ["xnack", "increx", "hsetc", "lmovem", "arset"] {
        let row = command::lookup(name.as_bytes()).unwrap_or_else(|| panic!("{name} is missing"));
        assert_eq!(row.servers, row.since.servers());
        let know = |server: &Server| command::known_to(*server, &[name.as_bytes(), b"k"]).is_some();
        assert!(Server::ALL.iter().all(|server| know(server) == row.servers.contains(*server)));
        assert_eq!(command::key_indexes(&[name.as_bytes(), b"k", b"x"]).next(), Some(1));
    }
}
