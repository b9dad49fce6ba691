use super::super::Failure;
use super::super::testing::Replica;
use crate::value::Value;

fn string(replica: &Replica, key: &str) -> Option<String> {
    match replica.value(key)? {
        Value::String(string) => Some(String::from_utf8_lossy(string).into_owned()),
        other => panic!("not a string: {other:?}"),
    }
}

#[test]
fn expiries_are_set_even_in_the_past() {
    for (line, expiry) in [
        ("EXPIRE k 10", Some(1_010_000)),
        ("PEXPIRE k 10", Some(1_000_010)),
        ("EXPIREAT k 10", Some(10_000)),
        ("pexpireat k 10", Some(10)),
        ("EXPIRE k -10", Some(990_000)),
        ("PEXPIREAT k -10", Some(-10)),
        ("PEXPIREAT k 0", Some(0)),
        // Servers take this as no expiry.
        ("PEXPIREAT k -1", None),
        ("PEXPIREAT k 9223372036854775807", Some(i64::MAX)),
    ] {
        let mut replica = Replica::default();
        replica.now = 1_000_000;
        replica.line("SET k v").unwrap();
        replica.line(line).unwrap();
        assert_eq!((string(&replica, "k").as_deref(), replica.expiry("k")), (Some("v"), expiry), "{line}");
        replica.line("PERSIST k").unwrap();
        assert_eq!(replica.expiry("k"), None);
        replica.line("PERSIST none").unwrap();
    }
}

#[test]
fn expiries_are_set_where_their_condition_holds() {
    for (before, condition, time, set) in [
        (None, "NX", 20, true),
        (Some(10), "nx", 20, false),
        (None, "XX", 20, false),
        (Some(10), "XX", 20, true),
        (Some(10), "GT", 20, true),
        (Some(20), "GT", 20, false),
        (None, "gt", 20, false),
        (Some(30), "LT", 20, true),
        (Some(20), "LT", 20, false),
        (None, "lt", 20, true),
        (None, "XX LT", 20, false),
        (Some(30), "XX LT", 20, true),
    ] {
        let mut replica = Replica::default();
        replica.line("SET k v").unwrap();
        if let Some(before) = before {
            replica.line(&format!("PEXPIREAT k {before}")).unwrap();
        }
        replica.line(&format!("PEXPIREAT k {time} {condition}")).unwrap();
        assert_eq!(replica.expiry("k"), if set { Some(time) } else { before }, "{before:?} {condition}");
    }
}

#[test]
fn what_makes_no_sense_changes_nothing() {
    let mut replica = Replica::default();
    replica.now = 1000;
    replica.line("SET k v PXAT 5").unwrap();
    for (line, failure) in [
        ("EXPIRE k x", Failure::NotAnInteger),
        ("EXPIRE k 9223372036854775", Failure::InvalidExpiry),
        ("EXPIREAT k 9223372036854776", Failure::InvalidExpiry),
        ("EXPIREAT k -9223372036854776", Failure::InvalidExpiry),
        ("PEXPIRE k 9223372036854775807", Failure::InvalidExpiry),
        ("RENAME none k", Failure::NoSuchKey),
        ("RENAMENX none k", Failure::NoSuchKey),
        ("COPY k j FORCE", Failure::Syntax),
        ("COPY k j DB", Failure::Syntax),
        ("COPY k j DB x", Failure::NotAnInteger),
        ("MOVE k x", Failure::NotAnInteger),
        ("MOVE k 9999999999", Failure::NotAnInteger),
        ("DEL", Failure::Arity),
        ("MIGRATE a b c", Failure::Arity),
    ] {
        assert_eq!(replica.line(line), Err(failure), "{line}");
    }
    for line in [
        "EXPIRE k 1 NX XX",
        "EXPIRE k 1 GT LT",
        "EXPIRE k 1 NX LT",
        "EXPIRE k 1 EVER",
        "COPY k k",
        "MOVE k 0",
        "MOVE k -1",
    ] {
        assert!(replica.line(line).is_err(), "{line}");
    }
    assert_eq!((string(&replica, "k").as_deref(), replica.expiry("k")), (Some("v"), Some(5)));
    assert_eq!(replica.keyspace().len(), 1);
}

#[test]
fn keys_are_renamed_copied_and_moved_with_their_expiry() {
    let mut replica = Replica::default();
    replica.line("SET a 1 PXAT 5").unwrap();
    replica.line("SET b 2 PXAT 9").unwrap();
    replica.line("RENAME a a").unwrap();
    replica.line("RENAMENX a b").unwrap();
    assert_eq!((string(&replica, "a").as_deref(), string(&replica, "b").as_deref()), (Some("1"), Some("2")));
    replica.line("RENAME a b").unwrap();
    assert_eq!((string(&replica, "a"), string(&replica, "b").as_deref()), (None, Some("1")));
    assert_eq!(replica.expiry("b"), Some(5));
    replica.line("RENAMENX b c").unwrap();
    replica.line("COPY c d").unwrap();
    replica.line("SET e 3").unwrap();
    replica.line("COPY c e").unwrap();
    assert_eq!(string(&replica, "e").as_deref(), Some("3"));
    replica.line("COPY c e replace").unwrap();
    assert_eq!((string(&replica, "e").as_deref(), replica.expiry("e")), (Some("1"), Some(5)));
    replica.line("COPY c c db 2").unwrap();
    replica.line("MOVE d 2").unwrap();
    replica.line("MOVE c 2").unwrap();
    replica.line("MOVE none 2").unwrap();
    assert_eq!(string(&replica, "d"), None);
    assert_eq!(string(&replica, "c").as_deref(), Some("1"));
    replica.database = 2;
    assert_eq!((string(&replica, "c").as_deref(), replica.expiry("c")), (Some("1"), Some(5)));
    assert_eq!((string(&replica, "d").as_deref(), replica.expiry("d")), (Some("1"), Some(5)));
    replica.line("UNLINK c d c").unwrap();
    assert!(replica.keyspace().in_order(2).next().is_none());
    replica.line("MIGRATE host 1 k 0 9").unwrap();
}
