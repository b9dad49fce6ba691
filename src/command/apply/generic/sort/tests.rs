use super::super::super::Failure;
use super::super::super::testing::Replica;
use super::range;

#[test]
fn limits_are_cut_to_what_is_there() {
    assert_eq!(range((0, -1), 5), 0..5);
    assert_eq!(range((-3, 2), 5), 0..2);
    assert_eq!(range((4, 9), 5), 4..5);
    assert_eq!(range((5, 1), 5), 5..5);
    assert_eq!(range((i64::MAX, i64::MAX), 5), 5..5);
    assert_eq!(range((0, i64::MIN), 5), 0..5);
    assert_eq!(range((2, 0), 5), 2..2);
}

#[test]
fn options_that_make_no_sense_are_refused() {
    for words in ["BY", "LIMIT 1", "GET", "UP", "LIMIT x 1"] {
        let mut replica = Replica::default();
        assert!(replica.line(&format!("SORT k STORE d {words}")).is_err(), "{words}");
    }
    let mut replica = Replica::default();
    replica.line("SET d text").unwrap();
    assert_eq!(replica.line("SORT d STORE e"), Err(Failure::WrongType));
    replica.line("SORT d").unwrap();
    replica.line("SORT none STORE d").unwrap();
    assert!(replica.value("d").is_none());
}

/// Applies the lines, then SORT with these words and `STORE d`, and returns the elements of `d`.
fn sorted(lines: &[&str], words: &str) -> Result<Vec<String>, Failure> {
    let mut replica = Replica::default();
    for line in lines {
        replica.line(line).unwrap();
    }
    replica.line(&format!("SORT k {words} STORE d"))?;
    let Some(value) = replica.value("d") else { return Ok(Vec::new()) };
    let elements = super::source::elements(value).expect("a list");
    Ok(elements.iter().map(|element| String::from_utf8_lossy(element).into_owned()).collect())
}

#[test]
fn elements_are_sorted_as_numbers_or_texts() {
    let list = ["RPUSH k 3 10 2.5 -1 1e1"];
    assert_eq!(sorted(&list, "ASC").unwrap(), ["-1", "2.5", "3", "10", "1e1"]);
    assert_eq!(sorted(&list, "DESC").unwrap(), ["1e1", "10", "3", "2.5", "-1"]);
    assert_eq!(sorted(&list, "desc asc").unwrap(), ["-1", "2.5", "3", "10", "1e1"]);
    assert_eq!(sorted(&list, "ALPHA").unwrap(), ["-1", "10", "1e1", "2.5", "3"]);
    assert_eq!(sorted(&list, "LIMIT 1 2").unwrap(), ["2.5", "3"]);
    assert_eq!(sorted(&list, "LIMIT 7 2").unwrap(), [""; 0]);
    assert!(sorted(&["RPUSH k 1 x"], "ASC").is_err());
    assert!(sorted(&["RPUSH k 1 nan"], "ASC").is_err());
    assert_eq!(sorted(&["SADD k 3 1 2"], "ASC").unwrap(), ["1", "2", "3"]);
    assert_eq!(sorted(&["ZADD k 1 3 2 2 3 1"], "ASC").unwrap(), ["1", "2", "3"]);
}

#[test]
fn without_sorting_lists_and_sorted_sets_keep_their_order_and_sets_get_that_of_texts() {
    assert_eq!(sorted(&["RPUSH k c a b"], "BY nosort").unwrap(), ["c", "a", "b"]);
    assert_eq!(sorted(&["RPUSH k c a b"], "BY nosort DESC LIMIT 0 2").unwrap(), ["b", "a"]);
    for (words, expected) in [
        ("LIMIT 1 1", "a"),
        ("LIMIT 1 9", "a b"),
        ("DESC LIMIT 1 9", "a c"),
        ("DESC LIMIT 2 1", "c"),
        ("LIMIT 3 1", ""),
        ("DESC LIMIT 3 1", ""),
        ("LIMIT 0 0", ""),
    ] {
        for line in ["RPUSH k c a b", "ZADD k 1 c 2 a 3 b"] {
            assert_eq!(sorted(&[line], &format!("BY nosort {words}")).unwrap().join(" "), expected, "{line} {words}");
        }
    }
    assert_eq!(sorted(&["RPUSH k c a b"], "BY nosort BY w_*").unwrap(), ["c", "a", "b"]);
    assert_eq!(sorted(&["ZADD k 1 z 2 y 3 x"], "BY nosort DESC").unwrap(), ["x", "y", "z"]);
    assert_eq!(sorted(&["SADD k c a b"], "BY nosort DESC").unwrap(), ["c", "b", "a"]);
}

#[test]
fn patterns_find_strings_and_fields() {
    let lines = [
        "RPUSH k 1 2 3 4",
        "SET w_1 30",
        "SET w_2 20",
        "SET w_3 20",
        "HSET h_1 f 1 g x",
        "HSET h_2 f 5",
        "HSET h_4 g y",
        "SET h_3 text",
        "SADD o_1 a",
        "SET a->_2 arrow",
    ];
    assert_eq!(sorted(&lines, "BY w_*").unwrap(), ["4", "2", "3", "1"]);
    assert_eq!(sorted(&lines, "BY w_* DESC GET # GET w_*").unwrap(), ["1", "30", "3", "20", "2", "20", "4", ""]);
    assert_eq!(sorted(&lines, "BY h_*->f").unwrap(), ["3", "4", "1", "2"]);
    assert_eq!(sorted(&lines, "BY h_*->g ALPHA").unwrap(), ["2", "3", "1", "4"]);
    assert_eq!(sorted(&lines, "BY h_*->g ALPHA DESC").unwrap(), ["4", "1", "2", "3"]);
    assert_eq!(sorted(&lines, "GET h_*-> GET o_* GET nothing LIMIT 0 1").unwrap(), ["", "", ""]);
    assert_eq!(sorted(&lines, "GET a->_* LIMIT 1 1").unwrap(), ["arrow"]);
    assert_eq!(sorted(&lines, "GET h_*->f LIMIT 0 3").unwrap(), ["1", "5", ""]);
    assert!(sorted(&lines, "BY h_*->g").is_err());
}

#[test]
fn the_destination_may_be_the_source() {
    let mut replica = Replica::default();
    replica.line("RPUSH k 3 1 2").unwrap();
    replica.line("EXPIRE k 100").unwrap();
    replica.line("SORT k STORE k").unwrap();
    let elements = super::source::elements(replica.value("k").unwrap()).unwrap();
    assert_eq!(elements.iter().map(|element| element.to_vec()).collect::<Vec<_>>(), [b"1", b"2", b"3"]);
    assert_eq!(replica.expiry("k"), None);
}
