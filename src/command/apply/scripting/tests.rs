use super::super::Failure;
use super::super::testing::Replica;
use super::library_name;
use crate::rdb::Crc64;

const ONE: &str = "#!lua name=one\nredis.register_function('f', function() return 1 end)";
const OTHER: &str = "#!lua name=one\nredis.register_function('f', function() return 2 end)";
const TWO: &str = "#!LUA Name=two\nredis.register_function('g', function() return 1 end)";

fn names(replica: &Replica) -> Vec<String> {
    replica.keyspace().functions().keys().map(|name| String::from_utf8_lossy(name).into_owned()).collect()
}

/// What FUNCTION DUMP gives for these libraries.
fn dump(codes: &[&str]) -> Vec<u8> {
    let mut payload = Vec::new();
    for code in codes {
        payload.extend([245, 0x40 | u8::try_from(code.len() >> 8).unwrap(), u8::try_from(code.len() & 0xff).unwrap()]);
        payload.extend(code.as_bytes());
    }
    payload.extend([12, 0]);
    let mut crc = Crc64::default();
    crc.update(&payload);
    payload.extend(crc.value().to_le_bytes());
    payload
}

#[test]
fn libraries_are_loaded_replaced_and_deleted() {
    let mut replica = Replica::default();
    replica.run(&["function", "load", ONE]).unwrap();
    replica.run(&["FUNCTION", "LOAD", TWO]).unwrap();
    assert!(replica.run(&["FUNCTION", "LOAD", OTHER]).is_err());
    assert!(replica.run(&["FUNCTION", "LOAD", "KEEP", OTHER]).is_err());
    assert_eq!(*replica.keyspace().functions()[&b"one"[..]], *ONE.as_bytes());
    replica.run(&["FUNCTION", "LOAD", "replace", OTHER]).unwrap();
    assert_eq!(*replica.keyspace().functions()[&b"one"[..]], *OTHER.as_bytes());
    assert!(replica.run(&["FUNCTION", "DELETE", "ONE"]).is_err());
    replica.run(&["FUNCTION", "DELETE", "one"]).unwrap();
    assert_eq!(names(&replica), ["two"]);
    assert_eq!(replica.run(&["FUNCTION", "FLUSH", "LATER"]), Err(Failure::Syntax));
    replica.line("FLUSHALL").unwrap();
    assert_eq!(names(&replica), ["two"]);
    replica.run(&["FUNCTION", "FLUSH", "ASYNC"]).unwrap();
    assert!(names(&replica).is_empty());
}

#[test]
fn dumps_are_restored_by_each_policy() {
    let mut replica = Replica::default();
    let mut restore = |payload: &[u8], policy: &[&str]| {
        let words: Vec<&[u8]> = policy.iter().map(|word| word.as_bytes()).collect();
        let result = replica.run_bytes(&[&[&b"FUNCTION"[..], b"RESTORE", payload], &words[..]].concat());
        (result.is_ok(), names(&replica).join(" "))
    };
    assert_eq!(restore(&dump(&[ONE, TWO]), &[]), (true, "one two".into()));
    assert_eq!(restore(&dump(&[OTHER]), &["APPEND"]), (false, "one two".into()));
    assert_eq!(restore(&dump(&[OTHER]), &["replace"]), (true, "one two".into()));
    assert_eq!(restore(&dump(&[ONE, OTHER]), &["flush"]), (false, "one two".into()));
    assert_eq!(restore(&dump(&["no library\n"]), &["flush"]), (false, "one two".into()));
    assert_eq!(restore(&dump(&[ONE]), &["merge"]), (false, "one two".into()));
    assert_eq!(restore(&dump(&[ONE]), &["flush", "flush"]), (false, "one two".into()));
    let mut damaged = dump(&[ONE]);
    damaged[9] ^= 1;
    assert_eq!(restore(&damaged, &["flush"]), (false, "one two".into()));
    assert_eq!(restore(&dump(&[]), &["replace"]), (true, "one two".into()));
    assert_eq!(restore(&dump(&[TWO]), &["FLUSH"]), (true, "two".into()));
    assert_eq!(restore(b"short", &["FLUSH"]), (false, "two".into()));
}

#[test]
fn names_are_read_from_the_first_line() {
    let name = |code: &str| library_name(code.as_bytes()).map(|name| String::from_utf8_lossy(&name).into_owned());
    for code in ["#!lua name=a_1\n", "#!lua  \tNAME=a_1 \r\n", "#!lua name=\"a_\\x31\"\n", "#!lua 'name=a_1'\n"] {
        assert_eq!(name(code).as_deref(), Some("a_1"), "{code:?}");
    }
    for code in [
        "",
        "#!lua name=a",
        "#!lua\n",
        "#!js name=a\n",
        "lua name=a\n",
        "#!lua name=\n",
        "#!lua name=a-b\n",
        "#!\n",
        "#!lua name=a name=b\n",
        "#!lua name=a flags=b\n",
        "#!lua name=\"a\n",
        "#!lua name=\"a\"b\n",
        "#! lua name=a\n",
    ] {
        assert_eq!(name(code), None, "{code:?}");
    }
}
