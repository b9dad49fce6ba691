use super::super::Failure;
use super::super::testing::Replica;
use crate::value::Value;

/// The string of a key, and when it expires.
#[track_caller]
fn string(replica: &Replica, key: &str) -> Option<(String, Option<i64>)> {
    match replica.value(key)? {
        Value::String(string) => Some((String::from_utf8_lossy(string).into_owned(), replica.expiry(key))),
        other => panic!("not a string: {other:?}"),
    }
}

/// The key `k` after the lines, and the failure of the last one.
#[track_caller]
fn after(lines: &[&str]) -> (Option<(String, Option<i64>)>, Option<Failure>) {
    let mut replica = Replica::default();
    replica.now = 1_000_000;
    let (last, first) = lines.split_last().unwrap();
    for line in first {
        replica.line(line).unwrap_or_else(|failure| panic!("{line}: {failure}"));
    }
    let failure = replica.line(last).err();
    (string(&replica, "k"), failure)
}

#[track_caller]
fn gives(lines: &[&str], value: &str, expiry: Option<i64>) {
    assert_eq!(after(lines), (Some((value.to_owned(), expiry)), None), "{lines:?}");
}

#[test]
fn set_gives_and_takes_and_keeps_expiries() {
    gives(&["SET k v EX 10"], "v", Some(1_010_000));
    gives(&["SET k v px 10"], "v", Some(1_000_010));
    gives(&["SET k v EXAT 10"], "v", Some(10_000));
    gives(&["SET k v pxat 10"], "v", Some(10));
    gives(&["SET k v PXAT 10", "SET k w"], "w", None);
    gives(&["SET k v PXAT 10", "SET k w GET"], "w", None);
    gives(&["SET k v PXAT 10", "SET k w KEEPTTL"], "w", Some(10));
    gives(&["SET k v PXAT 10", "SET k w PXAT 20 XX"], "w", Some(20));
    gives(&["SET k v EX 10 EX 20"], "v", Some(1_020_000));
    gives(&["SETEX k 10 v"], "v", Some(1_010_000));
    gives(&["PSETEX k 10 v"], "v", Some(1_000_010));
    gives(&["SET k v PXAT 10", "GETSET k w"], "w", None);
    gives(&["SET k v PXAT 10", "MSET k a k b"], "b", None);
}

#[test]
fn set_heeds_its_conditions() {
    gives(&["SET k v NX"], "v", None);
    gives(&["SET k v", "SET k w NX GET"], "v", None);
    gives(&["SET k v", "SET k w XX"], "w", None);
    gives(&["SET k v", "SET k w IFEQ x"], "v", None);
    gives(&["SET k v", "SET k w ifeq v"], "w", None);
    gives(&["SET k v", "SET k w IFNE v"], "v", None);
    gives(&["SET k v", "SET k w IFNE x"], "w", None);
    gives(&["SET k w IFNE x"], "w", None);
    gives(&["SET k v", "SETNX k w"], "v", None);
    assert_eq!(after(&["SET k v XX"]), (None, None));
    assert_eq!(after(&["SET k v IFEQ v"]), (None, None));
}

#[test]
fn digests_are_compared_as_servers_print_them() {
    // The first is from the documentation of DIGEST; the last begins with zeros.
    for (value, digest) in [
        ("Hello world", "b6acb9d84a38ff74"),
        ("foo", "ab6e5f64077e7d8a"),
        ("", "2d06800538d394c2"),
        (
            "v8lf0c11xh8ymlqztfd3eeq16kfn4sspw7fqmnuuq3k3t75em5wdizgcdw7uc26nnf961u2jkfzkjytls2kwlj7626sd",
            "00006c38adf31777",
        ),
    ] {
        for (digest, is_equal) in [
            (digest.to_owned(), true),
            (digest.to_ascii_uppercase(), true),
            (digest.replace('7', "6"), !digest.contains('7')),
        ] {
            let mut replica = Replica::default();
            let mut holds = |condition: &str, command: &[&str]| {
                replica.run(&["SET", "k", value]).unwrap();
                replica.run(&[command, &[condition, &digest]].concat()).unwrap();
                string(&replica, "k").is_none_or(|(string, _)| string != value)
            };
            for command in [&["SET", "k", "w"][..], &["DELEX", "k"]] {
                assert_eq!(holds("IFDEQ", command), is_equal, "{value} {digest}");
                assert_eq!(holds("ifdne", command), !is_equal, "{value} {digest}");
            }
        }
    }
    // Without the key, the digest is not validated.
    assert_eq!(after(&["SET k v IFDEQ x"]), (None, None));
    gives(&["SET k v IFDNE x EX 10"], "v", Some(1_010_000));
    assert_eq!(after(&["DELEX k IFDEQ x"]), (None, None));
    // Sixteen characters are accepted.
    gives(&["SET k 1", "SET k 2 IFDNE zzzzzzzzzzzzzzzz"], "2", None);
    for line in ["SET k w IFDEQ x", "SET k w IFDNE x", "DELEX k IFDEQ x", "DELEX k IFDNE 0123456789abcdef"] {
        let mut replica = Replica::default();
        replica.line("RPUSH k v").unwrap();
        assert_eq!(replica.line(line), Err(Failure::WrongType), "{line}");
    }
}

#[test]
fn what_makes_no_sense_changes_nothing() {
    for (line, failure) in [
        ("SET k w NX XX", Failure::Syntax),
        ("SET k w KEEPTTL EX 1", Failure::Syntax),
        ("SET k w EX 1 PX 1", Failure::Syntax),
        ("SET k w EX", Failure::Syntax),
        ("SET k w PERSIST", Failure::Syntax),
        ("SET k w IFEQ", Failure::Syntax),
        ("SET k w IFEQ v NX", Failure::Syntax),
        ("SET k w IFDEQ", Failure::Syntax),
        ("SET k w IFDEQ 0123456789abcdef IFNE v", Failure::Syntax),
        ("MSETEX 1 k w IFDNE 0123456789abcdef", Failure::Syntax),
        ("SET k w IFEQ v IFEQ v", Failure::Syntax),
        ("SET k w EX 0", Failure::InvalidExpiry),
        ("SET k w EX x", Failure::NotAnInteger),
        ("SET k w EXAT 9223372036854776", Failure::InvalidExpiry),
        ("SET k w PX 9223372036854775807", Failure::InvalidExpiry),
        ("SETEX k 0 w", Failure::InvalidExpiry),
        ("GETEX k EX 0", Failure::InvalidExpiry),
        ("GETEX k KEEPTTL", Failure::Syntax),
        ("GETEX k NX", Failure::Syntax),
        ("MSET k w k", Failure::Arity),
        ("MSET", Failure::Arity),
        ("MSETEX 2 k w", Failure::Arity),
        ("MSETEX 1 k w IFEQ v", Failure::Syntax),
        ("DELEX k NX", Failure::Syntax),
        ("DELEX k IFEQ", Failure::Syntax),
        ("DELEX k IFEQ v IFEQ v", Failure::Syntax),
        ("INCR k", Failure::NotAnInteger),
        ("INCRBY k 1.5", Failure::NotAnInteger),
        ("DECRBY k -9223372036854775808", Failure::Overflow),
        ("INCRBYFLOAT k 1", Failure::NotAFloat),
        ("SETRANGE k 536870912 w", Failure::TooLarge),
    ] {
        assert_eq!(after(&["SET k v PXAT 5", line]), (Some(("v".into(), Some(5))), Some(failure)), "{line}");
    }
    for line in [
        "SET k w IFDEQ 0",
        "SET k w IFDNE 0123456789abcdef0",
        "DELEX k IFDEQ 0",
        "DELEX k IFDNE 0",
        "MSETEX 0 k w",
        "SETRANGE k -1 w",
    ] {
        let (value, failure) = after(&["SET k v PXAT 5", line]);
        assert!(value == Some(("v".into(), Some(5))) && failure.is_some(), "{line}");
    }
    for name in [
        "APPEND",
        "DECR",
        "DECRBY",
        "DELEX",
        "DELIFEQ",
        "GETDEL",
        "GETEX",
        "GETSET",
        "INCR",
        "INCRBY",
        "INCRBYFLOAT",
        "MSET",
        "MSETEX",
        "MSETNX",
        "PSETEX",
        "SET",
        "SETEX",
        "SETNX",
        "SETRANGE",
    ] {
        assert_eq!(after(&[name]), (None, Some(Failure::Arity)), "{name}");
    }
}

#[test]
fn getex_and_getdel_change_what_they_get() {
    gives(&["SET k v", "GETEX k EX 10"], "v", Some(1_010_000));
    gives(&["SET k v", "GETEX k PXAT 1"], "v", Some(1));
    gives(&["SET k v PXAT 1", "GETEX k"], "v", Some(1));
    gives(&["SET k v PXAT 1", "GETEX k PERSIST"], "v", None);
    assert_eq!(after(&["GETEX k EX 0"]), (None, None));
    assert_eq!(after(&["SET k v", "GETDEL k"]), (None, None));
}

#[test]
fn many_keys_are_set_at_once_and_in_their_order() {
    gives(&["MSETNX k a k b"], "b", None);
    gives(&["SET k v", "MSETNX j a k b"], "v", None);
    gives(&["MSETEX 2 j a k b EX 10"], "b", Some(1_010_000));
    gives(&["SET k v PXAT 5", "MSETEX 1 k a KEEPTTL XX"], "a", Some(5));
    gives(&["SET k v", "MSETEX 2 j a k b NX"], "v", None);
    gives(&["SET k v", "MSETEX 2 j a k b XX"], "v", None);
    for line in ["MSET c 1 a 2 b 3", "MSETNX c 1 a 2 b 3", "MSETEX 3 c 1 a 2 b 3"] {
        let mut replica = Replica::default();
        replica.line(line).unwrap();
        let keys: Vec<_> = replica.keyspace().in_order(0).map(|entry| entry.created).collect();
        assert!(keys.windows(2).all(|two| two[0] < two[1]), "{line}: {keys:?}");
    }
}

#[test]
fn comparing_commands_delete_what_is_equal_or_is_not() {
    assert_eq!(after(&["SET k v", "DELIFEQ k v"]), (None, None));
    gives(&["SET k v", "DELIFEQ k w"], "v", None);
    assert_eq!(after(&["SET k v", "DELEX k"]), (None, None));
    assert_eq!(after(&["SET k v", "DELEX k IFEQ v"]), (None, None));
    gives(&["SET k v", "DELEX k IFEQ w"], "v", None);
    assert_eq!(after(&["SET k v", "DELEX k IFNE w"]), (None, None));
    gives(&["SET k v", "DELEX k IFNE v"], "v", None);
    assert_eq!(after(&["DELEX k IFNE v"]), (None, None));
}

#[test]
fn strings_are_changed_in_place_and_keep_their_expiry() {
    gives(&["APPEND k ab"], "ab", None);
    gives(&["SET k ab PXAT 5", "APPEND k cd"], "abcd", Some(5));
    gives(&["SETRANGE k 2 ab"], "\0\0ab", None);
    gives(&["SET k hello PXAT 5", "SETRANGE k 1 EL"], "hELlo", Some(5));
    gives(&["SET k ab", "SETRANGE k 4 "], "ab", None);
    assert_eq!(after(&["SETRANGE k 4 "]), (None, None));
    gives(&["INCR k"], "1", None);
    gives(&["DECR k"], "-1", None);
    gives(&["SET k 5 PXAT 5", "INCRBY k -7"], "-2", Some(5));
    gives(&["DECRBY k 7"], "-7", None);
    gives(&["INCRBYFLOAT k 0.5"], "0.5", None);
    gives(&["SET k 3.0e3 PXAT 5", "INCRBYFLOAT k 200"], "3200", Some(5));
}
