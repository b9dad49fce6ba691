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
fn bits_are_combined_by_each_operation() {
    let mut replica = Replica::default();
    for (key, value) in [("a", &[0b1100, 0xff][..]), ("b", &[0b1010]), ("c", &[0b1001, 0x0f, 1])] {
        replica.run_bytes(&[b"SET", key.as_bytes(), value]).unwrap();
    }
    for (operation, expected) in [
        ("AND", [0b1000, 0, 0]),
        ("or", [0b1111, 0xff, 1]),
        ("XOR", [0b1111, 0xf0, 1]),
        ("DIFF", [0b0100, 0xf0, 0]),
        ("DIFF1", [0b0011, 0, 1]),
        ("ANDOR", [0b1000, 0x0f, 0]),
        ("ONE", [0b0111, 0xf0, 1]),
    ] {
        replica.line(&format!("BITOP {operation} d a b c")).unwrap();
        assert_eq!(bytes(&replica, "d").unwrap(), expected, "{operation}");
    }
    replica.line("BITOP NOT a a").unwrap();
    assert_eq!(bytes(&replica, "a").unwrap(), [!0b1100, 0]);
    for line in
        ["BITOP NOT d a b", "BITOP DIFF d a", "BITOP DIFF1 d a", "BITOP ANDOR d a", "BITOP NAND d a", "BITOP OR d"]
    {
        assert!(replica.line(line).is_err(), "{line}");
    }
    replica.line("BITOP ONE d none other").unwrap();
    assert_eq!(bytes(&replica, "d"), None);
}

#[test]
fn offsets_beyond_the_longest_string_are_refused() {
    let mut replica = Replica::default();
    for line in [
        "SETBIT k 4294967296 1",
        "SETBIT k -1 1",
        "SETBIT k 1 2",
        "SETBIT k #1 1",
        "BITFIELD k SET u8 #536870912 1",
        "BITFIELD k SET u8 #9223372036854775807 1",
        "BITFIELD k SET u64 0 1",
        "BITFIELD k SET i65 0 1",
        "BITFIELD k SET i0 0 1",
        "BITFIELD k SET s8 0 1",
        "BITFIELD k GET u8",
        "BITFIELD k SET u8 0 x",
        "BITFIELD k OVERFLOW",
        "BITFIELD k OVERFLOW NONE",
    ] {
        assert!(replica.line(line).is_err(), "{line}");
        assert_eq!(bytes(&replica, "k"), None, "{line}");
    }
    assert_eq!(replica.line("SETBIT k"), Err(Failure::Arity));
    assert_eq!(replica.line("BITFIELD"), Err(Failure::Arity));
    assert_eq!(replica.line("BITOP"), Err(Failure::Arity));
}

#[test]
fn fields_wrap_saturate_and_fail() {
    let mut replica = Replica::default();
    replica.line("SETBIT k 15 0").unwrap();
    for (line, expected) in [
        ("BITFIELD k INCRBY u8 #0 300", [44, 0]),
        ("BITFIELD k OVERFLOW SAT INCRBY u8 0 300 INCRBY i8 8 -300", [255, 0x80]),
        ("BITFIELD k OVERFLOW FAIL INCRBY u8 0 1 INCRBY i8 8 1", [255, 0x81]),
        ("BITFIELD k SET i4 4 -3 GET u8 0", [0xfd, 0x81]),
        ("BITFIELD k OVERFLOW SAT SET u4 0 -1 SET i4 4 8 SET u8 8 7", [0xf7, 7]),
        ("BITFIELD k SET u1 15 2", [0xf7, 6]),
    ] {
        replica.line(line).unwrap();
        assert_eq!(bytes(&replica, "k").unwrap(), expected, "{line}");
    }
    replica.line("BITFIELD j OVERFLOW FAIL SET u8 8 256").unwrap();
    assert_eq!(bytes(&replica, "j").unwrap(), [0, 0]);
    replica.line("BITFIELD none GET u8 0").unwrap();
    assert_eq!(bytes(&replica, "none"), None);
}
