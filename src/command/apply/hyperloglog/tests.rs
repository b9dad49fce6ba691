use super::super::Failure;
use super::super::testing::Replica;
use crate::value::Value;

fn bytes(replica: &Replica, key: &str) -> Option<Vec<u8>> {
    match replica.value(key)? {
        Value::String(string) => Some(string.to_vec()),
        other => panic!("not a string: {other:?}"),
    }
}

#[test]
fn estimates_are_cached_until_something_is_added() {
    let mut replica = Replica::default();
    replica.line("PFADD k a b c").unwrap();
    assert_eq!(bytes(&replica, "k").unwrap()[15], 0x80);
    replica.line("PFCOUNT k j").unwrap();
    assert_eq!(bytes(&replica, "k").unwrap()[15], 0x80);
    replica.line("PFCOUNT k").unwrap();
    assert_eq!(bytes(&replica, "k").unwrap()[8..16], [3, 0, 0, 0, 0, 0, 0, 0]);
    replica.line("PFADD k a").unwrap();
    assert_eq!(bytes(&replica, "k").unwrap()[15], 0);
    replica.line("PFADD k d").unwrap();
    assert_eq!(bytes(&replica, "k").unwrap()[8..16], [3, 0, 0, 0, 0, 0, 0, 0x80]);
}

#[test]
fn merging_and_debugging_make_dense() {
    let mut replica = Replica::default();
    replica.line("PFADD a x y").unwrap();
    replica.line("PFADD b y z").unwrap();
    replica.line("PFMERGE d a b none").unwrap();
    replica.line("PFADD e x y z").unwrap();
    assert_eq!(bytes(&replica, "d"), bytes(&replica, "e"));
    for (what, dense) in [("DECODE", false), ("ENCODING", false), ("TODENSE", true), ("getreg", true)] {
        replica.line("PFADD f x").unwrap();
        replica.line(&format!("PFDEBUG {what} f")).unwrap();
        assert_eq!(bytes(&replica, "f").unwrap().len() == 12_304, dense, "{what}");
        replica.line("DEL f").unwrap();
    }
    replica.line("PFDEBUG TODENSE a").unwrap();
    replica.line("PFMERGE b a").unwrap();
    assert_eq!(bytes(&replica, "b").unwrap().len(), 12_304);
    replica.line("PFMERGE new").unwrap();
    assert_eq!(bytes(&replica, "new").unwrap(), b"HYLL\x01\0\0\0\0\0\0\0\0\0\0\x80\x7f\xff");
    assert!(replica.line("PFDEBUG TODENSE none").is_err());
    assert_eq!(replica.line("PFADD"), Err(Failure::Arity));
    assert_eq!(replica.line("PFDEBUG TODENSE"), Err(Failure::Arity));
}

#[test]
fn what_is_none_or_is_corrupted_stays_as_it_is() {
    let mut replica = Replica::default();
    for value in [&b"text"[..], b"HYLL\x01\0\0\0\0\0\0\0\0\0\0\x80", b"HYLL\x01\0\0\0\0\0\0\0\0\0\0\x80\x05\x80"] {
        replica.run_bytes(&[b"SET", b"k", value]).unwrap();
        for line in ["PFADD k a", "PFCOUNT k", "PFMERGE d k", "PFMERGE k d", "PFDEBUG TODENSE k"] {
            assert!(replica.line(line).is_err(), "{line} {value:?}");
            assert_eq!(bytes(&replica, "k").unwrap(), value, "{line}");
            assert_eq!(bytes(&replica, "d"), None);
        }
    }
}
