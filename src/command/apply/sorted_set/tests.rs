use super::super::Failure;
use super::super::testing::Replica;
use super::*;
use crate::server::Server;

/// The members of a key, as `ZRANGE key 0 -1 WITHSCORES` prints them; empty if there is no such key.
fn held(replica: &Replica, key: &str) -> String {
    let Some(value) = replica.value(key) else { return String::new() };
    let Value::SortedSet(set) = value else { panic!("{key} is a {}", value.type_name()) };
    assert!(!set.is_empty(), "{key} is empty and there");
    let entries: Vec<String> = set
        .iter()
        .map(|(name, score)| {
            let mut text = Vec::new();
            crate::value::score::format_score_shortest(score, &mut text);
            format!("{}:{}", String::from_utf8_lossy(name), String::from_utf8_lossy(&text))
        })
        .collect();
    entries.join(" ")
}

/// Runs lines on a new keyspace; a line that begins with `!` must fail and change nothing.
fn after(lines: &[&str]) -> Replica {
    let mut replica = Replica::default();
    for line in lines {
        match line.strip_prefix('!') {
            None => replica.line(line).unwrap_or_else(|failure| panic!("{line}: {failure}")),
            Some(line) => {
                let before = format!("{:?}", replica.keyspace());
                assert!(replica.line(line).is_err(), "{line} did not fail");
                assert_eq!(format!("{:?}", replica.keyspace()), before, "{line}");
            }
        }
    }
    replica
}

#[test]
fn zadd_takes_every_option() {
    for (lines, expected) in [
        (&["ZADD z 1 a 2 b 1.5 c"][..], "a:1 c:1.5 b:2"),
        (&["ZADD z 1 a 2 a 3 a"], "a:3"),
        (&["ZADD z 1 a", "zadd z nx 5 a 6 b"], "a:1 b:6"),
        (&["ZADD z 1 a", "ZADD z XX CH 5 a 6 b"], "a:5"),
        (&["ZADD z XX 5 a"], ""),
        (&["ZADD z 5 a 5 b", "ZADD z GT 4 a 6 b 1 c"], "c:1 a:5 b:6"),
        (&["ZADD z 5 a 5 b", "ZADD z LT 4 a 6 b 7 c"], "a:4 b:5 c:7"),
        (&["ZADD z 5 a 5 b", "ZADD z XX GT CH 4 a 6 b 9 c"], "a:5 b:6"),
        (&["ZADD z 5 a", "ZADD z INCR 2.5 a", "ZADD z incr -1 b"], "b:-1 a:7.5"),
        (&["ZADD z 5 a", "ZADD z INCR LT 2 a", "ZADD z INCR GT 2 a", "ZADD z INCR GT -2 a"], "a:7"),
        (&["ZADD z 5 a", "ZADD z INCR NX 2 a", "ZADD z INCR XX 2 b"], "a:5"),
        (&["ZADD z inf a -inf b 0x10 c +1e3 d"], "b:-inf c:16 d:1000 a:inf"),
        (&["ZADD z inf a", "!ZADD z INCR -inf a", "!ZINCRBY z -inf a"], "a:inf"),
        (&["ZADD z 1 a", "!ZADD z nan b", "!ZADD z 2 b x c", "!ZADD z 1 a 2"], "a:1"),
        (&["ZADD z 1 a", "!ZADD z NX XX 1 b", "!ZADD z NX GT 1 b", "!ZADD z GT LT 1 b", "!ZADD z NX LT 1 b"], "a:1"),
        (&["ZADD z 1 a", "!ZADD z INCR 1 b 2 c", "!ZADD z CH", "!ZADD z", "!ZADD"], "a:1"),
        (&["ZADD z 1 nx 2 ch"], "nx:1 ch:2"),
        (&["ZINCRBY z 2 a", "ZINCRBY z 0.5 a", "!ZINCRBY z x a", "!ZINCRBY z 1"], "a:2.5"),
        (&["ZADD z 2 b 1 a 2 a 0 c", "ZREM z b x", "ZREM none x"], "c:0 a:2"),
        (&["ZADD z 1 a 1 b", "ZREM z a b c"], ""),
    ] {
        assert_eq!(held(&after(lines), "z"), expected, "{lines:?}");
    }
}

#[test]
fn members_are_popped_from_either_end() {
    let full = "ZADD z 1 a 2 b 3 c 4 d";
    for (line, expected) in [
        ("ZPOPMIN z", "b:2 c:3 d:4"),
        ("ZPOPMAX z", "a:1 b:2 c:3"),
        ("ZPOPMIN z 3", "d:4"),
        ("ZPOPMAX z 99", ""),
        ("ZPOPMIN z 0", "a:1 b:2 c:3 d:4"),
        ("!ZPOPMIN z -1", "a:1 b:2 c:3 d:4"),
        ("!ZPOPMIN z 1 2", "a:1 b:2 c:3 d:4"),
        ("!ZPOPMIN z x", "a:1 b:2 c:3 d:4"),
        ("ZPOPMIN none", "a:1 b:2 c:3 d:4"),
        ("BZPOPMIN none z 0", "b:2 c:3 d:4"),
        ("BZPOPMAX z none 0.5", "a:1 b:2 c:3"),
        ("BZPOPMAX none 1", "a:1 b:2 c:3 d:4"),
        ("!BZPOPMAX z x", "a:1 b:2 c:3 d:4"),
        ("!BZPOPMAX z -1", "a:1 b:2 c:3 d:4"),
        ("!BZPOPMAX z 1e300", "a:1 b:2 c:3 d:4"),
        ("ZMPOP 2 none z MIN", "b:2 c:3 d:4"),
        ("ZMPOP 1 z max count 2", "a:1 b:2"),
        ("BZMPOP 0 1 z MIN COUNT 9", ""),
        ("!ZMPOP 0 z MIN", "a:1 b:2 c:3 d:4"),
        ("!ZMPOP 9 z MIN", "a:1 b:2 c:3 d:4"),
        ("!ZMPOP 1 z MID", "a:1 b:2 c:3 d:4"),
        ("!ZMPOP 1 z MIN COUNT 0", "a:1 b:2 c:3 d:4"),
        ("!ZMPOP 1 z MIN COUNT", "a:1 b:2 c:3 d:4"),
        ("!BZMPOP -1 1 z MIN", "a:1 b:2 c:3 d:4"),
    ] {
        assert_eq!(held(&after(&[full, line]), "z"), expected, "{line}");
    }
}

#[test]
fn ranges_are_removed_and_stored() {
    let full = "ZADD z 1 a 2 b 2 c 3 d 4 e";
    for (line, expected) in [
        ("ZREMRANGEBYRANK z 0 0", "b:2 c:2 d:3 e:4"),
        ("ZREMRANGEBYRANK z -1 -1", "a:1 b:2 c:2 d:3"),
        ("ZREMRANGEBYRANK z -99 1", "c:2 d:3 e:4"),
        ("ZREMRANGEBYRANK z 3 99", "a:1 b:2 c:2"),
        ("ZREMRANGEBYRANK z 3 2", "a:1 b:2 c:2 d:3 e:4"),
        ("ZREMRANGEBYRANK z 0 -99", "a:1 b:2 c:2 d:3 e:4"),
        ("ZREMRANGEBYRANK z -9223372036854775808 9223372036854775807", ""),
        ("!ZREMRANGEBYRANK z 0 x", "a:1 b:2 c:2 d:3 e:4"),
        ("ZREMRANGEBYSCORE z (1 (4", "a:1 e:4"),
        ("ZREMRANGEBYSCORE z 2 2", "a:1 d:3 e:4"),
        ("ZREMRANGEBYSCORE z -inf +inf", ""),
        ("ZREMRANGEBYSCORE z 3 1", "a:1 b:2 c:2 d:3 e:4"),
        ("!ZREMRANGEBYSCORE z a 1", "a:1 b:2 c:2 d:3 e:4"),
        ("!ZREMRANGEBYSCORE z nan 1", "a:1 b:2 c:2 d:3 e:4"),
        ("ZREMRANGEBYLEX z [b (d", "a:1 d:3 e:4"),
        ("ZREMRANGEBYLEX z - +", ""),
        ("ZREMRANGEBYLEX z + -", "a:1 b:2 c:2 d:3 e:4"),
        ("ZREMRANGEBYLEX z (c +", "a:1 b:2 c:2"),
        ("!ZREMRANGEBYLEX z a c", "a:1 b:2 c:2 d:3 e:4"),
        ("!ZREMRANGEBYLEX z -x +", "a:1 b:2 c:2 d:3 e:4"),
        ("ZREMRANGEBYRANK none 0 -1", "a:1 b:2 c:2 d:3 e:4"),
        ("ZRANGESTORE z z 1 2", "b:2 c:2"),
        ("ZRANGESTORE z z 0 1 REV", "d:3 e:4"),
        ("ZRANGESTORE z z (1 3 BYSCORE", "b:2 c:2 d:3"),
        ("ZRANGESTORE z z 3 (1 byscore rev limit 1 9", "b:2 c:2"),
        ("ZRANGESTORE z z -inf inf BYSCORE LIMIT 1 2", "b:2 c:2"),
        ("ZRANGESTORE z z -inf inf BYSCORE LIMIT 1 -1", "b:2 c:2 d:3 e:4"),
        ("ZRANGESTORE z z -inf inf BYSCORE LIMIT -1 2", ""),
        ("ZRANGESTORE z z [b [d BYLEX LIMIT 0 2", "b:2 c:2"),
        ("ZRANGESTORE z z + (c BYLEX REV", "d:3 e:4"),
        ("ZRANGESTORE z none 0 -1", ""),
        ("ZRANGESTORE z z 9 10", ""),
        ("!ZRANGESTORE z z 0 1 LIMIT 0 1", "a:1 b:2 c:2 d:3 e:4"),
        ("!ZRANGESTORE z z 0 1 WITHSCORES", "a:1 b:2 c:2 d:3 e:4"),
        ("!ZRANGESTORE z z 0 1 REV REV", "a:1 b:2 c:2 d:3 e:4"),
        ("!ZRANGESTORE z z 0 1 BYLEX BYSCORE", "a:1 b:2 c:2 d:3 e:4"),
        ("!ZRANGESTORE z z 0 1 BYLEX", "a:1 b:2 c:2 d:3 e:4"),
        ("!ZRANGESTORE z z 0 1 BYSCORE LIMIT 0", "a:1 b:2 c:2 d:3 e:4"),
    ] {
        assert_eq!(held(&after(&[full, line]), "z"), expected, "{line}");
    }
}

#[test]
fn sets_are_combined() {
    let (one, two) = ("ZADD one 1 a 2 b 3 c", "ZADD two 10 b 20 c 30 d");
    for (line, expected) in [
        ("ZUNIONSTORE z 2 one two", "a:1 b:12 c:23 d:30"),
        ("ZUNIONSTORE z 2 one two WEIGHTS 2 -1", "d:-30 c:-14 b:-6 a:2"),
        ("ZUNIONSTORE z 2 one two AGGREGATE MIN", "a:1 b:2 c:3 d:30"),
        ("ZUNIONSTORE z 2 one two aggregate max weights 100 1", "d:30 a:100 b:200 c:300"),
        ("ZUNIONSTORE z 2 one two AGGREGATE COUNT", "a:1 d:1 b:2 c:2"),
        ("ZUNIONSTORE z 2 one two WEIGHTS 5 0.5 AGGREGATE count", "d:0.5 a:5 b:5.5 c:5.5"),
        ("ZINTERSTORE z 2 one two AGGREGATE COUNT WEIGHTS 5 0.5", "b:5.5 c:5.5"),
        ("ZINTERSTORE z 2 one two AGGREGATE COUNT WEIGHTS inf -inf", "b:0 c:0"),
        ("ZUNIONSTORE z 2 one one", "a:2 b:4 c:6"),
        ("ZUNIONSTORE z 2 none none", ""),
        ("ZINTERSTORE z 2 one two", "b:12 c:23"),
        ("ZINTERSTORE z 2 one two WEIGHTS 1 0.5 AGGREGATE SUM", "b:7 c:13"),
        ("ZINTERSTORE z 3 one two none", ""),
        ("ZINTERSTORE z 1 one AGGREGATE MAX", "a:1 b:2 c:3"),
        ("ZDIFFSTORE z 2 one two", "a:1"),
        ("ZDIFFSTORE z 3 two none one", "d:30"),
        ("ZDIFFSTORE z 2 one one", ""),
        ("ZUNIONSTORE z 2 z one", "a:1 b:2 c:3 x:5"),
        ("ZINTERSTORE z 2 z one", ""),
        ("!ZUNIONSTORE z 0 one", "x:5"),
        ("!ZUNIONSTORE z 3 one two", "x:5"),
        ("!ZUNIONSTORE z -1 one two", "x:5"),
        ("!ZUNIONSTORE z 2 one two WEIGHTS 1", "x:5"),
        ("!ZUNIONSTORE z 2 one two WEIGHTS 1 x", "x:5"),
        ("!ZUNIONSTORE z 2 one two AGGREGATE", "x:5"),
        ("!ZUNIONSTORE z 2 one two AGGREGATE AVG", "x:5"),
        ("!ZUNIONSTORE z 2 one two WITHSCORES", "x:5"),
        ("!ZDIFFSTORE z 2 one two WEIGHTS 1 1", "x:5"),
    ] {
        assert_eq!(held(&after(&[one, two, "ZADD z 5 x", line]), "z"), expected, "{line}");
    }
    let infinite = ["ZADD one inf a 0 b", "ZADD two -inf a inf b"];
    for (line, expected) in [
        ("ZUNIONSTORE z 2 one two", "a:0 b:inf"),
        ("ZINTERSTORE z 2 one two", "a:0 b:inf"),
        ("ZUNIONSTORE z 2 one two WEIGHTS 0 1", "a:-inf b:inf"),
        ("ZUNIONSTORE z 1 one WEIGHTS 0", "a:0 b:0"),
        ("ZINTERSTORE z 2 two one WEIGHTS 1 0 AGGREGATE MAX", "a:-inf b:inf"),
    ] {
        assert_eq!(held(&after(&[infinite[0], infinite[1], line]), "z"), expected, "{line}");
    }
}

#[test]
fn what_is_stored_takes_the_place_of_the_key_and_its_expiry() {
    let mut replica = after(&["ZADD one 1 a", "ZADD z 2 b"]);
    for line in ["ZUNIONSTORE z 1 one", "ZRANGESTORE z one 0 -1"] {
        replica.set_expiry("z", 5);
        replica.line("ZADD z 3 c").unwrap();
        assert_eq!(replica.expiry("z"), Some(5));
        replica.line(line).unwrap();
        assert_eq!((replica.expiry("z"), held(&replica, "z")), (None, "a:1".to_owned()), "{line}");
    }
}

#[test]
fn large_sets_of_redis_8_0_count_a_negative_offset_from_the_other_end() {
    let mut replica = Replica::default();
    replica.server = Server::Redis80;
    for number in 0..200 {
        replica.line(&format!("ZADD big {number} m{number}")).unwrap();
    }
    for (line, expected) in [
        ("ZRANGESTORE z big 10 20 BYSCORE LIMIT -2 9", "m19:19 m20:20"),
        ("ZRANGESTORE z big 10 20 BYSCORE LIMIT -99 9", ""),
        ("ZRANGESTORE z big 20 10 BYSCORE REV LIMIT -2 9", "m10:10 m11:11"),
        ("ZRANGESTORE z big -2 -1", "m198:198 m199:199"),
        ("ZRANGESTORE z big 0 1 REV", "m198:198 m199:199"),
    ] {
        replica.line(line).unwrap();
        assert_eq!(held(&replica, "z"), expected, "{line}");
    }
    replica.line("ZREMRANGEBYRANK big 0 -3").unwrap();
    assert_eq!(held(&replica, "big"), "m198:198 m199:199");
}

#[test]
fn wrong_types_and_too_few_arguments_change_nothing() {
    let rows: Vec<&str> = crate::command::all()
        .filter(|row| row.group == crate::command::Group::SortedSet && row.apply.is_some())
        .map(|row| row.name)
        .collect();
    assert_eq!(rows.len(), 16);
    for name in rows {
        let mut replica = after(&["ZADD z 1 a"]);
        let before = format!("{:?}", replica.keyspace());
        // A single argument is never enough, whatever follows the name.
        for words in [&[name][..], &[name, "z"]] {
            if name != "zpopmin" && name != "zpopmax" && words.len() > 1 || words.len() == 1 {
                let _ = replica.run(words);
                assert_eq!(format!("{:?}", replica.keyspace()), before, "{words:?}");
            }
        }
    }
    let mut replica = Replica::default();
    let text = Value::String(crate::value::Bytes::borrowed(b"text"));
    replica.keyspace_mut().add(0, b"s", text);
    for line in [
        "ZADD s 1 a",
        "ZINCRBY s 1 a",
        "ZREM s a",
        "ZPOPMIN s",
        "BZPOPMAX s 0",
        "ZMPOP 1 s MIN",
        "ZREMRANGEBYRANK s 0 -1",
        "ZREMRANGEBYSCORE s 0 1",
        "ZREMRANGEBYLEX s - +",
        "ZRANGESTORE z s 0 -1",
        "ZUNIONSTORE z 1 s",
        "ZINTERSTORE z 2 none s",
        "ZDIFFSTORE z 2 none s",
    ] {
        assert_eq!(replica.line(line), Err(Failure::WrongType), "{line}");
    }
    assert!(replica.line("ZRANGESTORE s none 0 -1").is_ok());
    assert!(replica.value("s").is_none());
}

#[test]
fn small_sets_of_redis_6_2_tell_the_zeros_apart() {
    for (server, expected) in [(Server::Redis62, "m:-0 n:-0"), (Server::Redis70, "m:0 n:0")] {
        let mut replica = Replica::default();
        replica.server = server;
        for line in
            ["ZADD z -0 m", "ZINCRBY z -0 n", "ZADD a 0 m 0 n", "ZUNIONSTORE u 1 a WEIGHTS -1", "ZRANGESTORE r z 0 -1"]
        {
            replica.line(line).unwrap();
        }
        for key in ["z", "u", "r"] {
            assert_eq!(held(&replica, key), expected, "{key}");
        }
        replica.line("ZADD a -0 m").unwrap();
        assert_eq!(held(&replica, "a"), "m:0 n:0", "equal scores do not replace one another");
    }
}
