use super::*;
use crate::digest::digest;
use crate::progress::Progress;
use crate::rewrite;
use crate::server::Server;
use crate::testing::log;

fn with_threads(threads: usize) -> Options<'static> {
    Options { threads: NonZeroUsize::new(threads).unwrap(), ..Options::default() }
}

/// The commands that a replayed log is rewritten as, without their framing.
fn rewritten(replayed: &Replayed<'_>) -> Vec<String> {
    let mut out = Vec::new();
    let options = rewrite::Options { threads: NonZeroUsize::new(2).unwrap(), ..rewrite::Options::default() };
    rewrite::write_commands(&replayed.keyspace, options, &mut out).unwrap();
    let mut reader = aof::Reader::new(&out, 0);
    let mut lines = Vec::new();
    while let Some(Ok(record)) = reader.next_record() {
        if let aof::Content::Command(arguments) = record.content {
            lines.push(arguments.iter().map(|word| String::from_utf8_lossy(word)).collect::<Vec<_>>().join(" "));
        }
    }
    lines
}

#[track_caller]
fn assert_rewritten(lines: &[&str], options: Options<'_>, expected: &[&str]) -> Summary {
    let log = log(lines);
    let replayed = replay(&[&log], options);
    assert_eq!(rewritten(&replayed), expected);
    replayed.summary
}

#[test]
fn the_last_value_of_each_key_is_left_in_the_order_of_the_first() {
    let lines = ["SET b 1", "SELECT 3", "SET a 2", "SELECT 0", "SET a 3", "SET b 4", "DEL a", "SET a 5"];
    for threads in 1..5 {
        let expected = ["SELECT 0", "SET b 4", "SET a 5", "SELECT 3", "SET a 2"];
        let summary = assert_rewritten(&lines, with_threads(threads), &expected);
        assert_eq!((summary.commands, summary.failed), (8, 0));
    }
}

#[test]
fn a_base_with_an_rdb_gives_the_same_bytes_with_any_number_of_threads() {
    let written = |replayed: &Replayed<'_>, base, threads| {
        let options = rewrite::Options { threads: NonZeroUsize::new(threads).unwrap(), ..rewrite::Options::default() };
        let mut out = Vec::new();
        rewrite::write(&replayed.keyspace, base, options, &mut out).unwrap();
        out
    };
    let lines: Vec<String> = (0..3000).map(|number| format!("SET key:{} {number}", number * 7919 % 3001)).collect();
    let log = log(&lines.iter().map(String::as_str).collect::<Vec<_>>());
    let rdb = written(&replay(&[&log], with_threads(1)), rewrite::Base::Rdb, 1);
    let commands = written(&replay(&[&log], with_threads(1)), rewrite::Base::Resp, 1);
    for threads in 1..5 {
        let again = replay(&[&rdb], with_threads(threads));
        assert_eq!(again.summary.rdb_keys, 3000);
        assert!(written(&again, rewrite::Base::Rdb, 5 - threads) == rdb, "{threads} threads");
        assert!(written(&again, rewrite::Base::Resp, 5 - threads) == commands, "{threads} threads");
    }
}

#[test]
fn a_transaction_counts_when_exec_comes() {
    let lines = ["SET a 1", "MULTI", "SET a 2", "SELECT 1", "SET b 3", "EXEC", "SET c 4", "MULTI", "SET a 5"];
    let summary = assert_rewritten(&lines, with_threads(2), &["SELECT 0", "SET a 2", "SELECT 1", "SET b 3", "SET c 4"]);
    assert!(matches!(summary.end, End::OpenTransaction));
    assert_eq!((summary.commands, summary.database), (7, 1));
}

#[test]
fn discard_is_queued_and_leaves_its_transaction_open() {
    let open = ["SET x 1", "MULTI", "SET a 1", "DISCARD", "SET b 1"];
    for threads in [1, 2] {
        let summary = assert_rewritten(&open, with_threads(threads), &["SELECT 0", "SET x 1"]);
        assert!(matches!(summary.end, End::OpenTransaction));
        assert_eq!((summary.stopped.offset, summary.commands), (27, 1));
    }
    // Servers ignore it outside a transaction. One that ends in EXEC crashes them: what it has queued is what can be
    // saved.
    assert_rewritten(&["DISCARD", "SET b 1"], with_threads(2), &["SELECT 0", "SET b 1"]);
    let closed = ["MULTI", "SET a 1", "DISCARD", "SET b 1", "EXEC"];
    assert_rewritten(&closed, with_threads(2), &["SELECT 0", "SET a 1", "SET b 1"]);
}

#[test]
fn a_command_whose_keys_lie_in_several_shards_sees_all_of_them() {
    let mut lines = Vec::new();
    for index in 0..200 {
        lines.push(format!("SET key:{index} {index}"));
        lines.push(format!("RENAME key:{index} name:{index}"));
        lines.push(format!("MSET many:{index} 1 more:{index} 2"));
        lines.push(format!("DEL many:{index} name:{}", index / 2));
    }
    let log = log(&lines.iter().map(String::as_str).collect::<Vec<_>>());
    let alone = replay(&[&log], with_threads(1));
    for threads in [2, 3, 8] {
        let together = replay(&[&log], with_threads(threads));
        assert_eq!(rewritten(&together), rewritten(&alone), "{threads} threads");
        assert_eq!(together.summary.commands, alone.summary.commands);
        let everything = |_: u32, _: &[u8]| true;
        let of = |replayed: &Replayed<'_>| digest(&replayed.keyspace, Server::Redis80, 0, &everything);
        assert_eq!(of(&together), of(&alone));
    }
}

#[test]
fn commands_that_fail_change_nothing_and_are_told() {
    let lines = ["SET a text", "INCR a", "SELECT x", "FLUSHALL WHAT", "SET b"];
    for threads in [1, 3] {
        let summary = assert_rewritten(&lines, with_threads(threads), &["SELECT 0", "SET a text"]);
        assert_eq!(summary.failed, 4, "{threads} threads: {:?}", summary.failures);
        assert_eq!(summary.failures[0].failure, Failure::NotAnInteger);
        assert_eq!(summary.failures[0].place, Place { part: 0, offset: 30 });
    }
}

#[test]
fn the_clock_is_the_logs_where_it_has_one() {
    let lines = ["EXPIRE a 1", "SET a 1", "EXPIRE a 10", "#TS:1700000000", "SET b 1", "EXPIRE b 10"];
    let options = Options { now: 5_000, ..with_threads(2) };
    let expected = ["SELECT 0", "SET a 1 PXAT 15000", "SET b 1 PXAT 1700000010000"];
    let summary = assert_rewritten(&lines, options, &expected);
    assert_eq!(summary.last_timestamp, Some(1_700_000_000));
}

#[test]
fn a_replay_stops_where_it_is_told_to() {
    let lines = ["#TS:100", "SET a 1", "#TS:200", "SET b 1", "#TS:300", "SET c 1"];
    let until = |until| Options { until, ..with_threads(2) };
    for (time, keys) in [(99, 0), (100, 1), (299, 2), (300, 3)] {
        let log = log(&lines);
        let replayed = replay(&[&log], until(Until::Time(time)));
        assert_eq!(rewritten(&replayed).len().saturating_sub(1), keys, "at {time}");
    }
    let log = log(&lines);
    let record = log.len() as u64 / 3;
    for (offset, keys) in [(0, 0), (record - 1, 0), (record, 1), (3 * record, 3), (u64::MAX, 3)] {
        let replayed = replay(&[&log], until(Until::Offset(offset)));
        assert_eq!(rewritten(&replayed).len().saturating_sub(1), keys, "at byte {offset}");
    }
}

#[test]
fn unknown_commands_are_named_and_may_be_kept_with_their_key() {
    let lines = [
        "SET a 1",
        "JSON.SET doc $ 1",
        "JSON.SET a $ 2",
        "APPEND doc x",
        "EXPIREAT doc 2000000000",
        "RENAME doc name",
        "JSON.SET gone $ 1",
        "DEL gone",
        "json.set over $ 1",
        "SET over 1",
    ];
    let left = ["SELECT 0", "SET a 1", "SET name x PXAT 2000000000000", "SET over 1"];
    let summary = assert_rewritten(&lines, with_threads(2), &left);
    let stats = summary.unknown[&b"JSON.SET"[..]];
    assert_eq!((stats.count, stats.keepable, stats.first.offset), (4, true, 27));
    let kept = Options { unknown: Unknown::Keep, ..with_threads(2) };
    let expected = [
        "SELECT 0",
        "SET a 1",
        "JSON.SET a $ 2",
        "JSON.SET name $ 1",
        "APPEND name x",
        "PEXPIREAT name 2000000000000",
        "SET over 1",
    ];
    let log = log(&lines);
    let mut found = rewritten(&replay(&[&log], kept));
    let mut expected: Vec<String> = expected.map(str::to_owned).to_vec();
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
}

#[test]
fn scripts_and_commands_with_several_keys_cannot_be_kept() {
    for line in ["EVAL return 0", "JSON.MSET a $ 1 b $ 2", "TS.MADD a 1 2 b 1 2", "CMS.MERGE c 2 a b"] {
        let log = log(&["SET a 1", line]);
        let replayed = replay(&[&log], Options { unknown: Unknown::Keep, ..with_threads(2) });
        let unknown = &replayed.summary.unknown[line.split(' ').next().unwrap().as_bytes()];
        assert_eq!((unknown.keepable, unknown.count), (false, 1), "{line}");
    }
}

#[test]
fn damage_ends_the_replay_before_the_record_that_has_it() {
    let whole = log(&["SET a 1", "SET b 2"]);
    for cut in 0..whole.len() {
        let replayed = replay(&[&whole[..cut]], with_threads(2));
        let half = whole.len() / 2;
        let sound = cut == 0 || cut == half;
        assert_eq!(matches!(replayed.summary.end, End::Whole), sound, "cut at {cut}");
        assert_eq!(replayed.summary.stopped.offset, if cut < half { 0 } else { half as u64 }, "cut at {cut}");
        assert_eq!(replayed.summary.commands, u64::from(cut >= half));
    }
}

#[test]
fn parts_follow_each_other_and_each_begins_in_database_0() {
    let (base, incr) = (log(&["SELECT 2", "SET a 1"]), log(&["SET b 1", "MULTI", "SET c 1"]));
    let last = log(&["EXEC"]);
    let replayed = replay(&[&base, &incr, &last], with_threads(2));
    assert_eq!(
        rewritten(&replayed),
        ["SELECT 0", "SET b 1", "SELECT 2", "SET a 1"],
        "a transaction ends with its part"
    );
    let summary = &replayed.summary;
    assert!(matches!(summary.end, End::OpenTransaction), "where a server refuses the log");
    assert_eq!((summary.stopped.part, summary.stopped.offset), (1, log(&["SET b 1"]).len() as u64));
}

#[test]
fn progress_never_passes_the_end() {
    let long = "x".repeat(1 << 16);
    let lines: Vec<String> = (0..100).map(|index| format!("SET k{index} {long}")).collect();
    let log = log(&lines.iter().map(String::as_str).collect::<Vec<_>>());
    let progress = Progress::default();
    replay(&[&log], Options { progress: &progress, ..with_threads(2) });
    let read = progress.done();
    assert!(read > 5 << 20 && read <= log.len() as u64, "{read} of {}", log.len());
}

#[test]
fn threads_that_hinder_each_other_leave_it_to_one() {
    let long = "x".repeat(1 << 16);
    let mut lines: Vec<String> = (0..100).map(|index| format!("SET k{index} {long}")).collect();
    lines.extend((0..100).map(|index| format!("RENAME k{index} r{index}")));
    lines.push("INCR counter".to_owned());
    let log = log(&lines.iter().map(String::as_str).collect::<Vec<_>>());
    let expected = rewritten(&replay(&[&log], with_threads(1)));
    let barrier = Barrier::new(2);
    barrier.give_up();
    let progress = Progress::default();
    let options = Options { progress: &progress, ..with_threads(2) };
    let replayed = replay_through(&barrier, 2, &[&log], options);
    let shards = replayed.keyspace.for_each_shard(|_| ()).len();
    assert_eq!((shards, rewritten(&replayed)), (1, expected));
    let read = progress.done();
    assert!(read > 5 << 20 && read <= log.len() as u64, "{read} of {}", log.len());
}

#[test]
fn what_a_flush_removed_is_remembered_with_its_place() {
    let lines =
        ["SET a 1", "SET b 1", "FLUSHALL NOW", "SELECT 2", "SET c 1", "FLUSHDB", "FLUSHDB", "SET d 1", "FLUSHALL"];
    let at = |count: usize| Place { part: 0, offset: log(&lines[..count]).len() as u64 };
    let expected =
        [Flush { place: at(5), database: Some(2), keys: 1 }, Flush { place: at(8), database: None, keys: 3 }];
    for threads in 1..5 {
        let bytes = log(&lines);
        let summary = replay(&[&bytes], with_threads(threads)).summary;
        assert_eq!(summary.flushes, expected, "{threads} threads");
        assert_eq!(summary.failed, 1, "{threads} threads");
    }
}
