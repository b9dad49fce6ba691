use super::super::testing::Replica;
use super::*;

/// The fields of a hash by name as one line, each with its value, and its expiry if it has one.
fn shown(replica: &Replica, key: &str) -> String {
    match replica.value(key) {
        None => "-".into(),
        Some(Value::Hash(hash)) => {
            let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
            let expiry = |expiry: Option<i64>| expiry.map_or(String::new(), |expiry| format!("@{expiry}"));
            let mut fields: Vec<_> = hash
                .iter()
                .map(|(field, content)| format!("{}={}{}", text(field), text(content.value), expiry(content.expiry)))
                .collect();
            fields.sort();
            fields.join(" ")
        }
        Some(other) => other.type_name().into(),
    }
}

fn replica() -> Replica {
    let mut replica = Replica::default();
    replica.now = 1_000_000;
    replica
}

/// Runs commands at second 1000, all of which succeed, and shows the hash `h`.
#[track_caller]
fn after(commands: &str) -> String {
    shown(&replica().after(commands), "h")
}

/// The same, with expired fields hidden.
#[track_caller]
fn after_with_expired_hidden(commands: &str) -> String {
    let mut replica = replica();
    replica.expired_fields = ExpiredFields::AsLoaded;
    shown(&replica.after(commands), "h")
}

#[track_caller]
fn failure(commands: &str) -> Failure {
    replica().failure(commands)
}

#[test]
fn field_arguments_set_and_deleted() {
    assert_eq!(after("HSET h a 1 b 2; hset h b 3 c 4; HMSET h d 5; HDEL h a x"), "b=3 c=4 d=5");
    assert_eq!(after("HSETNX h a 1; HSETNX h a 2; HSETNX h b 3"), "a=1 b=3");
    assert_eq!(after("HSET h a 1; HDEL h a b; HDEL h a"), "-");
    for command in ["HSET h a", "HSET h a 1 b", "HMSET h", "HDEL h", "HSETNX h a"] {
        assert_eq!(failure(command), Failure::Arity, "{command}");
    }
    for command in
        ["HSET h a 1", "HSETNX h a 1", "HDEL h a", "HINCRBY h a 1", "HINCRBYFLOAT h a 1", "HPERSIST h FIELDS 1 a"]
    {
        assert_eq!(failure(&format!("RPUSH h a; {command}")), Failure::WrongType, "{command}");
    }
}

#[test]
fn numbers_are_incremented() {
    assert_eq!(after("HINCRBY h a 5; HINCRBY h a -7; HINCRBY h b 9223372036854775807"), "a=-2 b=9223372036854775807");
    assert_eq!(after("HINCRBYFLOAT h a 0.5; HINCRBYFLOAT h a 2; HSET h b 10; HINCRBYFLOAT h b -1"), "a=2.5 b=9");
    assert_eq!(failure("HINCRBY h a 1.5"), Failure::NotAnInteger);
    assert_eq!(failure("HSET h a 01; HINCRBY h a 1"), Failure::other("hash value is not an integer"));
    assert_eq!(failure("HINCRBY h a 9223372036854775807; HINCRBY h a 1"), Failure::Overflow);
    assert_eq!(failure("HINCRBYFLOAT h a x"), Failure::NotAFloat);
    assert_eq!(failure("HSET h a x; HINCRBYFLOAT h a 1"), Failure::NotAFloat);
}

#[test]
fn setting_a_field_clears_its_expiry_and_incrementing_keeps_it() {
    let expiring = "HSET h a 1 b 2; HPEXPIREAT h 5000 FIELDS 2 a b";
    assert_eq!(after(expiring), "a=1@5000 b=2@5000");
    assert_eq!(after(&format!("{expiring}; HSET h a 7; HMSET h b 12345")), "a=7 b=12345");
    assert_eq!(after(&format!("{expiring}; HINCRBY h a 99; HINCRBYFLOAT h b 0.5")), "a=100@5000 b=2.5@5000");
    assert_eq!(after(&format!("{expiring}; HSETNX h a 7; HDEL h b; HSETNX h b 3")), "a=1@5000 b=3");
}

#[test]
fn fields_expire_at_times_of_four_kinds() {
    assert_eq!(after("HSET h a 1; HEXPIRE h 5 FIELDS 1 a"), "a=1@1005000");
    assert_eq!(after("HSET h a 1; HPEXPIRE h 5 FIELDS 1 a"), "a=1@1000005");
    assert_eq!(after("HSET h a 1; HEXPIREAT h 5 FIELDS 2 a x"), "a=1@5000");
    assert_eq!(after("HSET h a 1; hpexpireat h 5 fields 1 a; HPEXPIREAT x 5 FIELDS 1 a"), "a=1@5");
    assert_eq!(after("HSET h a 1; HPEXPIREAT h 9223372036854775807 FIELDS 1 a"), "a=1@9223372036854775807");
    for (arguments, expected) in [
        ("-1 FIELDS 1 a", Failure::InvalidExpiry),
        ("x FIELDS 1 a", Failure::NotAnInteger),
        ("9223372036854775807 FIELDS 1 a", Failure::InvalidExpiry),
        ("5 FIELDS 0 a", Failure::OutOfRange),
        ("5 FIELDS 2 a", Failure::Arity),
        ("5 FIELDS 9223372036854775807 a", Failure::Arity),
        ("5 FIELDS 1 a b", Failure::Syntax),
        ("5 FIELDS", Failure::Arity),
        ("5 NX XX FIELDS 1 a", Failure::Syntax),
        ("5 FNX FIELDS 1 a", Failure::Syntax),
        ("5 a", Failure::Syntax),
        ("5 NX", Failure::Syntax),
    ] {
        assert_eq!(failure(&format!("HSET h a 1; HEXPIRE h {arguments}")), expected, "{arguments}");
    }
}

#[test]
fn expiries_are_set_on_conditions() {
    for (option, without, with) in [
        ("NX 3000", "a=1@3000", "a=1@5000"),
        ("XX 3000", "a=1", "a=1@3000"),
        ("GT 3000", "a=1", "a=1@5000"),
        ("gt 7000", "a=1", "a=1@7000"),
        ("GT 5000", "a=1", "a=1@5000"),
        ("LT 3000", "a=1@3000", "a=1@3000"),
        ("LT 7000", "a=1@7000", "a=1@5000"),
    ] {
        let (condition, time) = option.split_once(' ').unwrap();
        let command = format!("HPEXPIREAT h {time} {condition} FIELDS 1 a");
        assert_eq!(after(&format!("HSET h a 1; {command}")), without, "{option}");
        assert_eq!(after(&format!("HSET h a 1; HPEXPIREAT h 5000 FIELDS 1 a; {command}")), with, "{option}");
        let newer = format!("HPEXPIREAT h {time} FIELDS 1 a {condition}");
        assert_eq!(after(&format!("HSET h a 1; {newer}")), without, "{option}");
    }
}

#[test]
fn expiries_are_taken_away() {
    let expiring = "HSET h a 1 b 2; HPEXPIREAT h 5000 FIELDS 2 a b";
    assert_eq!(after(&format!("{expiring}; HPERSIST h FIELDS 2 a x; HPERSIST x FIELDS 1 a")), "a=1 b=2@5000");
    assert_eq!(after(&format!("{expiring}; HGETEX h PERSIST FIELDS 1 b; HGETEX h FIELDS 1 a")), "a=1@5000 b=2");
    assert_eq!(after("HSET h a 1; HPERSIST h FIELDS 1 a"), "a=1");
    assert_eq!(failure("HPERSIST h FIELD 1 a"), Failure::Syntax);
    assert_eq!(failure("HPERSIST h"), Failure::Syntax);
}

#[test]
fn hgetex_sets_expiries() {
    for (option, expected) in [("EX 5", 1_005_000), ("PX 5", 1_000_005), ("EXAT 5", 5000), ("pxat 5", 5)] {
        assert_eq!(after(&format!("HSET h a 1; HGETEX h {option} FIELDS 1 a")), format!("a=1@{expected}"));
    }
    for arguments in ["EX FIELDS 1 a", "EX 5 PX 5 FIELDS 1 a", "PERSIST EX 5 FIELDS 1 a", "KEEPTTL FIELDS 1 a", "EX 5"]
    {
        failure(&format!("HSET h a 1; HGETEX h {arguments}"));
    }
}

#[test]
fn hgetdel_deletes() {
    assert_eq!(after("HSET h a 1 b 2; HGETDEL h FIELDS 2 a x; HGETDEL x FIELDS 1 a"), "b=2");
    assert_eq!(after("HSET h a 1 b 2; HGETDEL h FIELDS 2 a b"), "-");
    assert_eq!(failure("HSET h a 1; HGETDEL h FIELDS 2 a"), Failure::Arity);
}

#[test]
fn hsetex_sets_fields_with_their_expiry() {
    for (option, expected) in [
        ("", "a=7 b=2@5000"),
        ("PXAT 9", "a=7@9 b=2@5000"),
        ("KEEPTTL", "a=7@5000 b=2@5000"),
        ("EX 1", "a=7@1001000 b=2@5000"),
    ] {
        let option = format!("HSETEX h {option} FIELDS 1 a 7").replace("  ", " ");
        assert_eq!(after(&format!("HSET h a 1 b 2; HPEXPIREAT h 5000 FIELDS 2 a b; {option}")), expected, "{option}");
    }
    assert_eq!(after("HSETEX h PX 5 FIELDS 2 a 1 a 2"), "a=2@1000005");
    assert_eq!(after("HSETEX h KEEPTTL FIELDS 1 a 1; HSETEX h FIELDS 1 b 2 EXAT 5"), "a=1 b=2@5000");
    for arguments in
        ["FIELDS 1 a", "FIELDS 2 a 1", "EX 5 KEEPTTL FIELDS 1 a 1", "FNX FXX FIELDS 1 a 1", "PERSIST FIELDS 1 a 1"]
    {
        failure(&format!("HSET h a 1; HSETEX h {arguments}"));
    }
}

#[test]
fn hsetex_sets_all_fields_or_none() {
    for (option, expected) in [
        ("FNX FIELDS 2 a 7 c 8", "a=1 b=2"),
        ("FNX FIELDS 2 c 7 d 8", "a=1 b=2 c=7 d=8"),
        ("FXX FIELDS 2 a 7 c 8", "a=1 b=2"),
        ("fxx FIELDS 2 a 7 b 8", "a=7 b=8"),
        ("NX FIELDS 1 a 7", "a=1 b=2"),
        ("XX FNX FIELDS 1 c 7", "a=1 b=2 c=7"),
    ] {
        assert_eq!(after(&format!("HSET h a 1 b 2; HSETEX h {option}")), expected, "{option}");
    }
    assert_eq!(after("HSETEX h FXX FIELDS 1 a 1"), "-");
    assert_eq!(after("HSETEX h XX FIELDS 1 a 1"), "-");
    assert_eq!(after("HSETEX h NX FNX FIELDS 1 a 1"), "a=1");
}

#[test]
fn fields_that_have_expired_exist_or_are_hidden() {
    let expired = "HSET h a 1 b 2; HPEXPIREAT h 5000 FIELDS 1 a";
    // As Valkey 9.1 loads these, and as Redis 8.0.6 does.
    for (command, exist, hidden) in [
        ("HINCRBY h a 10", "a=11@5000", "a=10@5000"),
        ("HINCRBYFLOAT h a 10", "a=11@5000", "a=10@5000"),
        ("HSETNX h a 10", "a=1@5000", "a=10"),
        ("HPERSIST h FIELDS 1 a", "a=1", "a=1@5000"),
        ("HGETEX h PERSIST FIELDS 1 a", "a=1", "a=1@5000"),
        ("HGETEX h PXAT 4000000 FIELDS 1 a", "a=1@4000000", "a=1@5000"),
        ("HSETEX h FXX FIELDS 1 a 10", "a=10", "a=1@5000"),
        ("HSETEX h FNX FIELDS 1 a 10", "a=1@5000", "a=10"),
        ("HSETEX h KEEPTTL FIELDS 1 a 10", "a=10@5000", "a=10@5000"),
        ("HPEXPIREAT h 4000000 XX FIELDS 1 a", "a=1@4000000", "a=1@4000000"),
        ("HSET h a 10", "a=10", "a=10"),
        ("HGETDEL h FIELDS 2 a x", "", "a=1@5000"),
        ("HPEXPIREAT h 70368744177663 FIELDS 1 a", "a=1@70368744177663", "a=1@70368744177663"),
    ] {
        let with_b = |field: &str| format!("{field} b=2").trim_start().to_owned();
        assert_eq!(after(&format!("{expired}; {command}")), with_b(exist), "{command}");
        assert_eq!(after_with_expired_hidden(&format!("{expired}; {command}")), with_b(hidden), "{command}");
        let mut replica = replica().after(expired);
        replica.diverged = false;
        assert_eq!(replica.after(command).diverged, exist != hidden, "{command}");
    }
    assert_eq!(after(&format!("{expired}; HDEL h a")), "b=2");
}

#[test]
fn redis_takes_no_expiry_of_a_field_from_2_to_the_46_on() {
    for command in ["HPEXPIREAT h 70368744177664 FIELDS 1 a", "HSETEX h PXAT 70368744177664 FIELDS 1 a 2"] {
        let mut replica = replica();
        replica.expired_fields = ExpiredFields::AsLoaded;
        assert_eq!(replica.after("HSET h a 1").failure(command), Failure::InvalidExpiry, "{command}");
    }
    assert_eq!(after("HSET h a 1; HPEXPIREAT h 70368744177664 FIELDS 1 a"), "a=1@70368744177664");
}
