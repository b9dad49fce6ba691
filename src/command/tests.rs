use proptest::prelude::*;

use super::*;

fn split(line: &str) -> Vec<&[u8]> {
    line.split(' ').map(|word| if word == "''" { &b""[..] } else { word.as_bytes() }).collect()
}

#[track_caller]
fn keys(line: &str, expected: &[usize]) {
    assert_eq!(key_indexes(&split(line)).collect::<Vec<_>>(), expected, "{line}");
}

#[test]
fn keys_by_position() {
    keys("SET k v", &[1]);
    keys("mset k1 v k2 v", &[1, 3]);
    keys("DEL a b c", &[1, 2, 3]);
    keys("BITOP AND dest a b", &[2, 3, 4]);
    keys("BLPOP a b 0", &[1, 2]);
    keys("COPY a b DB 3 REPLACE", &[1, 2]);
    keys("XGROUP CREATE s g $", &[2]);
    keys("xgroup help", &[]);
    keys("OBJECT encoding k", &[2]);
    keys("MEMORY USAGE k", &[2]);
    keys("MEMORY DOCTOR", &[]);
}

#[test]
fn keys_by_their_number() {
    keys("EVAL s 2 a b arg", &[3, 4]);
    keys("FCALL f 0 arg", &[]);
    keys("ZUNIONSTORE d 2 a b WEIGHTS 1 2", &[1, 3, 4]);
    keys("LMPOP 2 a b LEFT", &[2, 3]);
    keys("BLMPOP 0 1 a LEFT", &[3]);
    keys("MSETEX 2 a 1 b 2 EX 10", &[2, 4]);
}

#[test]
fn keys_behind_keywords() {
    keys("SORT k BY store GET store LIMIT 0 1 STORE d", &[1, 10]);
    keys("SORT k STORE d STORE limit", &[1, 5]);
    keys("GEORADIUS k 1 2 3 m STORE a STOREDIST b", &[1, 9]);
    keys("GEORADIUSBYMEMBER k store 3 m STORE a", &[1, 6]);
    keys("MIGRATE h 1 k 0 9", &[3]);
    keys("MIGRATE h 1 '' 0 9 COPY AUTH keys KEYS a b", &[10, 11]);
    keys("MIGRATE h 1 '' 0 9 AUTH2 keys keys KEYS a", &[10]);
    keys("MIGRATE h 1 k 0 9 KEYS a", &[]);
    keys("XREAD COUNT 1 BLOCK 2 STREAMS a b 0 0", &[6, 7]);
    keys("XREADGROUP GROUP streams streams NOACK STREAMS a >", &[6]);
    keys("STRALGO LCS IDX KEYS a b", &[4, 5]);
    keys("STRALGO LCS STRINGS keys b", &[]);
}

#[test]
fn channels_and_unknown_commands_have_no_keys() {
    keys("PUBLISH c m", &[]);
    keys("SPUBLISH c m", &[]);
    keys("SSUBSCRIBE c", &[]);
    keys("NOSUCH k", &[]);
    assert_eq!(key_indexes(&[]), KeyIndexes::NONE);
}

#[test]
fn where_arguments_are_missing_the_keys_that_are_there_are_given() {
    keys("SET", &[]);
    keys("BLPOP", &[]);
    keys("RENAME a", &[1]);
    keys("MSET k v k2", &[1, 3]);
    keys("ZUNIONSTORE d", &[1]);
    keys("ZUNIONSTORE d 3 a", &[1, 3]);
    keys("ZUNIONSTORE d x a", &[1]);
    keys("EVAL s 99999999999999999999 a", &[]);
    keys("EVAL s 18446744073709551615 a", &[3]);
    keys("EVAL s -1 a", &[]);
    keys("SORT", &[]);
    keys("SORT k STORE", &[1]);
    keys("MIGRATE h 1", &[]);
    keys("MIGRATE h 1 '' 0 9 KEYS", &[]);
    keys("XREAD STREAMS", &[]);
    keys("XREAD STREAMS a", &[]);
    keys("XREAD STREAMS a b 0", &[2]);
    keys("XGROUP", &[]);
    keys("XGROUP nosuch k", &[2]);
}

#[test]
fn a_container_and_its_subcommand_are_told_apart() {
    let xgroup = lookup(b"XGROUP").expect("known");
    let create = xgroup.subcommands.iter().find(|row| row.own_name() == "create");
    assert!(create.is_some());
    assert_eq!(resolve(&split("xgroup CREATE s g $")), Resolution::Known { command: xgroup, subcommand: create });
    assert_eq!(resolve(&split("XGROUP")), Resolution::Known { command: xgroup, subcommand: None });
    assert_eq!(resolve(&split("XGROUP nosuch")), Resolution::UnknownSubcommand(xgroup));
    assert_eq!(resolve(&split("XGROUP xgroup|create")), Resolution::UnknownSubcommand(xgroup));
    assert_eq!(resolve(&split("nosuch create")), Resolution::UnknownCommand);
    assert_eq!(resolve(&split("''")), Resolution::UnknownCommand);
    assert_eq!(resolve(&[]), Resolution::UnknownCommand);
}

#[test]
fn what_is_known_depends_on_the_server() {
    let known = |server, line: &str| known_to(server, &split(line)).map(|row| row.name);
    assert_eq!(known(Server::Redis62, "HOST: x"), Some("host:"));
    assert_eq!(known(Server::Redis70, "HOST: x"), None);
    assert_eq!(known(Server::Redis62, "XGROUP nosuch"), Some("xgroup"));
    assert_eq!(known(Server::Redis70, "XGROUP nosuch"), None);
    assert_eq!(known(Server::Redis70, "XGROUP CREATE s g $"), Some("xgroup|create"));
    assert_eq!(known(Server::Redis70, "FUNCTION"), Some("function"));
    assert_eq!(known(Server::Redis62, "FUNCTION LOAD x"), None);
    assert_eq!(known(Server::Valkey8, "HEXPIRE k 1 FIELDS 1 f"), None);
    assert_eq!(known(Server::Valkey9, "HEXPIRE k 1 FIELDS 1 f"), Some("hexpire"));
    assert_eq!(known(Server::Valkey9, "CLUSTER FLUSHSLOT 1"), Some("cluster|flushslot"));
    assert_eq!(known(Server::Redis80, "CLUSTER FLUSHSLOT 1"), None);
    assert_eq!(known(Server::Redis80, "XDELEX k IDS 1 1-1"), None);
    assert_eq!(known_to(Server::Redis80, &[]), None);
}

#[test]
fn arity_is_a_servers() {
    let expire = lookup(b"expire").expect("known");
    assert!(arity_fits(expire, Server::Redis62, 3));
    assert!(!arity_fits(expire, Server::Redis62, 4));
    assert!(arity_fits(expire, Server::Redis70, 4));
    assert!(!arity_fits(expire, Server::Redis70, 2));
    let get = lookup(b"get").expect("known");
    assert!(!arity_fits(get, Server::Valkey9, 0));
    assert!(!arity_fits(get, Server::Valkey9, usize::MAX));
}

proptest! {
    #[test]
    fn key_positions_rise_and_stay_inside_the_arguments(
        at in 0..all().count(),
        rest in prop::collection::vec(
            prop::sample::select(&["", "k", "0", "1", "3", "keys", "STORE", "streams", "get", "group", "auth2", "by"]),
            0..12,
        ),
    ) {
        let row = all().nth(at).expect("in range");
        let mut arguments: Vec<&[u8]> = row.name.split('|').map(str::as_bytes).collect();
        arguments.extend(rest.iter().map(|word| word.as_bytes()));
        let indexes = key_indexes(&arguments);
        let announced = indexes.len();
        let found: Vec<usize> = indexes.collect();
        prop_assert_eq!(found.len(), announced);
        prop_assert!(found.is_sorted_by(|one, next| one < next));
        prop_assert!(found.iter().all(|index| (1..arguments.len()).contains(index)));
    }
}
