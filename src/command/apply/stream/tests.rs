//! The commands one by one. `tests/it/streams_servers.rs` compares random ones with real servers.

use crate::command::apply::EntriesRead;
use crate::command::apply::testing::Replica;
use crate::value::{Consumer, ConsumerGroup, Stream, StreamId, Value};

/// Some time in 2023.
const NOW: i64 = 1_700_000_000_000;

fn replica(lines: &[&str]) -> Replica {
    let mut replica = Replica::default();
    replica.now = NOW;
    run(&mut replica, lines);
    replica
}

fn run(replica: &mut Replica, lines: &[&str]) {
    for line in lines {
        assert_eq!(replica.line(line), Ok(()), "{line}");
    }
}

fn refused(replica: &mut Replica, lines: &[&str]) {
    let before = format!("{:?}", replica.keyspace());
    for line in lines {
        assert!(replica.line(line).is_err(), "{line}");
        assert_eq!(format!("{:?}", replica.keyspace()), before, "{line}");
    }
}

fn stream<'r>(replica: &'r Replica, key: &str) -> &'r Stream<'static> {
    match replica.value(key) {
        Some(Value::Stream(stream)) => stream,
        other => panic!("{key}: {other:?}"),
    }
}

fn group(replica: &Replica) -> &ConsumerGroup<'static> {
    stream(replica, "s").group(b"g").unwrap()
}

fn id(text: &str) -> StreamId {
    StreamId::parse(text.as_bytes(), 0).unwrap()
}

fn ids(replica: &Replica) -> String {
    stream(replica, "s").entries().map(|(id, _)| id.to_string()).collect::<Vec<_>>().join(" ")
}

/// The pending entries: id, consumer, time since the delivery, count.
fn pending(replica: &Replica) -> Vec<String> {
    let group = group(replica);
    let entries = group.pending().map(|(id, entry)| {
        let consumer = group.consumer_at(entry.consumer).unwrap();
        assert!(consumer.pending().any(|own| own == id));
        let name = consumer.name().escape_ascii();
        format!("{id} {name} {} {}", NOW - entry.delivery_time, entry.delivery_count)
    });
    let entries: Vec<_> = entries.collect();
    assert_eq!(entries.len(), group.consumers().map(|consumer| consumer.pending().count()).sum::<usize>());
    assert_eq!(entries.len(), group.pending_count());
    entries
}

fn five() -> Replica {
    replica(&["XADD s 1-0 f v", "XADD s 2-0 f v", "XADD s 3-0 f v", "XADD s 4-0 f v", "XADD s 5-0 f v"])
}

#[test]
fn xadd_gives_ids() {
    let mut replica = replica(&["XADD s * f v", "XADD s * f v", "XADD s 1700000000005-* f v", "XADD s * f v"]);
    run(&mut replica, &["XADD s 1700000000005-* f v", "XADD s 1700000000006 f v"]);
    assert_eq!(
        ids(&replica),
        "1700000000000-0 1700000000000-1 1700000000005-0 1700000000005-1 1700000000005-2 1700000000006-0"
    );
    refused(&mut replica, &["XADD s 1700000000006-0 f v", "XADD s 5-* f v", "XADD s 0-0 f v", "XADD new 0-0 f v"]);
    run(&mut replica, &["XADD zero 0-* f v", "XADD s 18446744073709551615-18446744073709551615 f v"]);
    assert_eq!(stream(&replica, "zero").last_id(), StreamId::new(0, 1));
    refused(&mut replica, &["XADD s * f v", "XADD s 18446744073709551615-* f v"]);
    let stream = stream(&replica, "s");
    assert_eq!((stream.len(), stream.entries_added(), stream.last_id()), (7, 7, StreamId::MAX));
}

#[test]
fn xadd_keeps_fields_in_the_log() {
    let replica = replica(&["XADD s MAXLEN = 5 1-0 f v f again"]);
    let (_, fields) = stream(&replica, "s").entries().next().unwrap();
    assert_eq!(fields.iter().collect::<Vec<_>>(), [(&b"f"[..], &b"v"[..]), (b"f", b"again")]);
    assert_eq!(fields.as_resp(), b"$1\r\nf\r\n$1\r\nv\r\n$1\r\nf\r\n$5\r\nagain\r\n");
    assert_eq!(fields.len(), 2);
}

#[test]
fn xadd_refuses_what_servers_refuse() {
    let mut replica = replica(&["XADD s 5-0 f v"]);
    refused(
        &mut replica,
        &[
            "XADD",
            "XADD s",
            "XADD s 6-0",
            "XADD s 6-0 f",
            "XADD s 6-0 f v f",
            "XADD s x f v",
            "XADD s - f v",
            "XADD s MAXLEN x 6-0 f v",
            "XADD s MAXLEN -1 6-0 f v",
            "XADD s MAXLEN 1 MINID 1 6-0 f v",
            "XADD s MINID 1-* 6-0 f v",
            "XADD s LIMIT 5 6-0 f v",
            "XADD s MAXLEN ~ 1 LIMIT -5 6-0 f v",
            "XADD s KEEPREF DELREF 6-0 f v",
            "XADD s ACKED ACKED 6-0 f v",
            "XADD s MAXLEN",
        ],
    );
    run(&mut replica, &["xadd s nomkstream maxlen = 9 limit 1 6-0 f v", "XADD none NOMKSTREAM 6-0 f v"]);
    run(&mut replica, &["XADD s KEEPREF 7-0 f v", "XADD s maxlen 3 acked nomkstream 8-0 f v"]);
    assert_eq!(ids(&replica), "6-0 7-0 8-0");
    assert!(replica.value("none").is_none());
}

#[test]
fn xadd_adds_what_is_to_be_added_once() {
    let mut replica = replica(&["XADD s IDMP p i 1-0 f v", "xadd s nomkstream idmpauto p maxlen = 2 2-0 f v"]);
    run(&mut replica, &["XADD s IDMPAUTO p DELREF MAXLEN 2 3-0 f v"]);
    assert_eq!(ids(&replica), "2-0 3-0");
    refused(
        &mut replica,
        &[
            "XADD s IDMP p 4-0 f v",
            "XADD s IDMP p i IDMPAUTO p 4-0 f v",
            "XADD s IDMP  i 4-0 f v",
            "XTRIM s IDMPAUTO p MAXLEN 1",
        ],
    );
}

#[test]
fn trims_are_exact_or_take_whole_nodes() {
    let mut replica = five();
    run(&mut replica, &["XTRIM s MAXLEN ~ 1", "XTRIM s MINID ~ 5", "XTRIM none MAXLEN 1"]);
    assert_eq!(stream(&replica, "s").len(), 5);
    run(&mut replica, &["XTRIM s MAXLEN = 4", "XADD s MINID 3-0 6-0 f v", "XTRIM s MINID = 3-1 LIMIT 1"]);
    assert_eq!(ids(&replica), "4-0 5-0 6-0");
    assert_eq!((stream(&replica, "s").first_id(), stream(&replica, "s").max_deleted_id()), (id("4"), StreamId::ZERO));
    refused(
        &mut replica,
        &[
            "XTRIM s",
            "XTRIM s MAXLEN",
            "XTRIM s LIMIT 5",
            "XTRIM s NOMKSTREAM",
            "XTRIM s MAXLEN 1 2",
            "XTRIM s ACKED",
            "XTRIM s DELREF MAXLEN 1 KEEPREF",
        ],
    );
    run(&mut replica, &["XTRIM s MINID ~ 7"]);
    assert_eq!((ids(&replica).as_str(), stream(&replica, "s").entries_added()), ("", 6));
    run(&mut replica, &["XADD s MAXLEN 0 7-0 f v"]);
    assert!(stream(&replica, "s").is_empty());
    // A node has a hundred entries, including deleted ones.
    let mut replica = five();
    for number in 6..=250 {
        run(&mut replica, &[&format!("XADD s {number}-0 f v"), "XDEL s 1-0 100-0"]);
    }
    run(&mut replica, &["XTRIM s MINID ~ 101-0"]);
    assert_eq!(stream(&replica, "s").first_id(), id("101-0"));
    run(&mut replica, &["XTRIM s MAXLEN ~ 51"]);
    assert_eq!(stream(&replica, "s").len(), 150);
    run(&mut replica, &["XTRIM s MAXLEN ~ 50"]);
    assert_eq!(stream(&replica, "s").first_id(), id("201-0"));
}

#[test]
fn xdel_remembers_the_greatest_id() {
    let mut replica = five();
    run(&mut replica, &["XDEL s 5-0 1 9-9", "XDEL s 4-0", "XDEL none 1"]);
    let stream = stream(&replica, "s");
    assert_eq!((stream.max_deleted_id(), stream.last_id(), stream.first_id()), (id("5"), id("5"), id("2")));
    refused(&mut replica, &["XDEL s 2 x"]);
    run(&mut replica, &["XDEL s 2 3"]);
    assert_eq!(ids(&replica), "");
    refused(&mut replica, &["XADD s 5-0 f v"]);
}

/// Entries 1 to 5; `g` was given 1 to 4 and has 2 and 4 pending, `h` was given all and has 4 pending.
fn read_by_two() -> Replica {
    let mut replica = five();
    run(
        &mut replica,
        &[
            "XGROUP CREATE s g 0",
            "XGROUP CREATE s h 0",
            "XREADGROUP GROUP g a COUNT 4 STREAMS s >",
            "XREADGROUP GROUP h b STREAMS s >",
            "XACK s g 1 3",
            "XACK s h 1 2 3 5",
        ],
    );
    replica
}

/// What is left of them: the entries, and those pending for `g` and for `h`.
fn left(replica: &Replica) -> [String; 3] {
    let pending = |name: &[u8]| {
        let group = stream(replica, "s").group(name).unwrap();
        assert_eq!(group.pending_count(), group.consumers().map(Consumer::pending_count).sum::<usize>());
        group.pending().map(|(id, _)| id.milliseconds.to_string()).collect::<Vec<_>>().join(" ")
    };
    [ids(replica).replace("-0", ""), pending(b"g"), pending(b"h")]
}

/// Checks what a command leaves of the stream that two groups have read.
#[track_caller]
fn leaves(line: &str, expected: [&str; 3]) {
    let mut replica = read_by_two();
    run(&mut replica, &[line]);
    assert_eq!(left(&replica), expected, "{line}");
}

#[test]
fn xdelex_keeps_or_deletes_or_heeds_what_is_pending() {
    leaves("XDELEX s IDS 2 2 4", ["1 3 5", "2 4", "4"]);
    leaves("XDELEX s KEEPREF IDS 2 2 4", ["1 3 5", "2 4", "4"]);
    leaves("XDELEX s delref ids 2 2 4", ["1 3 5", "", ""]);
    leaves("XDELEX s DELREF IDS 2 1 2", ["3 4 5", "4", "4"]);
    // 5 was not delivered to g yet.
    leaves("XDELEX s ACKED IDS 6 1 2 3 4 5 9", ["2 4 5", "2 4", "4"]);
    leaves("XDELEX s IDS 1 1 ACKED", ["2 3 4 5", "2 4", "4"]);
    leaves("XDELEX s IDS 1 1 IDS 2 2 3", ["1 4 5", "2 4", "4"]);
    // A deleted entry can still be pending.
    let mut replica = read_by_two();
    run(&mut replica, &["XDEL s 2 4", "XDELEX s ACKED IDS 1 2", "XDELEX s DELREF IDS 1 4", "XDELEX none IDS 1 x"]);
    assert_eq!(left(&replica), ["1 3 5", "2", ""]);
    assert_eq!(stream(&replica, "s").max_deleted_id(), id("4"));
    // An id that was not delivered is referenced, unless there are no groups.
    run(&mut replica, &["XGROUP DESTROY s g", "XDELEX s ACKED IDS 1 5", "XGROUP DESTROY s h", "XADD s 6-0 f v"]);
    assert_eq!(ids(&replica), "1-0 3-0 6-0");
    assert_eq!(stream(&replica, "s").max_deleted_id(), id("5"));
    run(&mut replica, &["XDELEX s ACKED IDS 1 6"]);
    assert_eq!(ids(&replica), "1-0 3-0");
    refused(
        &mut replica,
        &[
            "XDELEX s 1 3",
            "XDELEX s IDS",
            "XDELEX s IDS 0",
            "XDELEX s IDS 0 1",
            "XDELEX s IDS x 1",
            "XDELEX s IDS 3 1 3",
            "XDELEX s IDS 1 1 3",
            "XDELEX s IDS 2 1 x",
            "XDELEX s ACKED",
            "XDELEX s ACKED DELREF IDS 1 1",
            "XDELEX s ACKED IDS 1 1 ACKED",
            "XDELEX",
        ],
    );
}

#[test]
fn xackdel_deletes_only_what_it_acknowledges() {
    leaves("XACKDEL s g IDS 3 1 2 4", ["1 3 5", "", "4"]);
    leaves("XACKDEL s g KEEPREF IDS 1 4", ["1 2 3 5", "2", "4"]);
    leaves("XACKDEL s g DELREF IDS 2 1 4", ["1 2 3 5", "2", ""]);
    leaves("XACKDEL s g ACKED IDS 2 2 4", ["1 3 4 5", "", "4"]);
    leaves("XACKDEL s h IDS 2 2 5", ["1 2 3 4 5", "2 4", "4"]);
    leaves("XACKDEL s none IDS 1 4", ["1 2 3 4 5", "2 4", "4"]);
    leaves("XACKDEL none g IDS 1 x", ["1 2 3 4 5", "2 4", "4"]);
    let mut replica = read_by_two();
    run(&mut replica, &["XDEL s 2", "XACKDEL s g IDS 1 2"]);
    assert_eq!(left(&replica), ["1 3 4 5", "4", "4"]);
    // An entry that only the group itself has not read.
    run(&mut replica, &["XCLAIM s h b 0 5 FORCE", "XACKDEL s h ACKED IDS 1 5"]);
    assert_eq!(left(&replica), ["1 3 4 5", "4", "4"]);
    refused(&mut replica, &["XACKDEL s g IDS 2 4 x", "XACKDEL s g 4", "XACKDEL s IDS 1 4", "XACKDEL s g ACKED"]);
}

#[test]
fn trims_keep_or_delete_or_heed_what_is_pending() {
    leaves("XTRIM s MAXLEN 1 KEEPREF", ["5", "2 4", "4"]);
    leaves("XTRIM s DELREF MAXLEN = 2", ["4 5", "4", "4"]);
    leaves("XTRIM s MINID 5 DELREF", ["5", "", ""]);
    // The trim is exact, though an approximate one was requested.
    leaves("XTRIM s MINID ~ 4 DELREF", ["4 5", "4", "4"]);
    leaves("XTRIM s MAXLEN ~ 4 ACKED", ["2 3 4 5", "2 4", "4"]);
    // A referenced entry stays, and a later one is removed instead.
    leaves("XTRIM s MAXLEN 3 ACKED", ["2 4 5", "2 4", "4"]);
    leaves("XTRIM s MAXLEN 0 ACKED", ["2 4 5", "2 4", "4"]);
    leaves("XTRIM s MINID 3 ACKED", ["2 3 4 5", "2 4", "4"]);
    leaves("XTRIM s MINID 9 ACKED", ["2 4 5", "2 4", "4"]);
    leaves("XADD s MAXLEN = 4 ACKED 6-0 f v", ["2 4 5 6", "2 4", "4"]);
    leaves("XADD s DELREF MAXLEN = 1 6-0 f v", ["6", "", ""]);
    leaves("XADD s DELREF 6-0 f v", ["1 2 3 4 5 6", "2 4", "4"]);
    let mut replica = five();
    run(&mut replica, &["XTRIM s MAXLEN 2 ACKED", "XTRIM s MINID 5 ACKED"]);
    assert_eq!((ids(&replica).as_str(), stream(&replica, "s").max_deleted_id()), ("5-0", StreamId::ZERO));
}

#[test]
fn trims_that_heed_what_is_pending_go_node_by_node() {
    let three_nodes = |acknowledged: std::ops::RangeInclusive<u64>| {
        let mut replica = replica(&["XGROUP CREATE s g 0 MKSTREAM"]);
        for number in 1..=300 {
            run(&mut replica, &[&format!("XADD s {number}-0 f v")]);
        }
        run(&mut replica, &["XREADGROUP GROUP g a STREAMS s >"]);
        for number in acknowledged {
            run(&mut replica, &[&format!("XACK s g {number}-0")]);
        }
        replica
    };
    // The first node is to be removed whole: entries that must stay are made up for from the next.
    let mut replica = three_nodes(91..=210);
    run(&mut replica, &["XTRIM s MAXLEN 190 ACKED"]);
    assert_eq!((stream(&replica, "s").len(), stream(&replica, "s").log().get(id("200")).is_none()), (190, true));
    assert!(stream(&replica, "s").log().get(id("201")).is_some());
    // The first node is not to be removed whole, so the next one is not visited.
    let mut replica = three_nodes(91..=210);
    run(&mut replica, &["XTRIM s MAXLEN 250 ACKED"]);
    assert_eq!((stream(&replica, "s").len(), stream(&replica, "s").log().get(id("101")).is_some()), (290, true));
    // Whole nodes are removed, beginning with the first.
    let mut replica = three_nodes(1..=250);
    run(&mut replica, &["XTRIM s MINID 222-0 ACKED"]);
    assert_eq!((stream(&replica, "s").first_id(), stream(&replica, "s").log().node_count()), (id("222"), 1));
    run(&mut replica, &["XTRIM s MAXLEN 0 ACKED", "XTRIM s MAXLEN 10 DELREF"]);
    assert_eq!((stream(&replica, "s").first_id(), pending(&replica).len()), (id("291"), 10));
    run(&mut replica, &["XTRIM s MAXLEN 0 DELREF"]);
    assert!(stream(&replica, "s").is_empty() && pending(&replica).is_empty());
}

#[test]
fn xsetid_sets_counters() {
    let mut replica = five();
    run(&mut replica, &["XSETID s 9-1", "XSETID s 9-2 entriesadded 20 MAXDELETEDID 8"]);
    let found = stream(&replica, "s");
    assert_eq!((found.last_id(), found.entries_added(), found.max_deleted_id()), (id("9-2"), 20, id("8")));
    run(&mut replica, &["XSETID s 9-2 MAXDELETEDID 0-0"]);
    assert_eq!(stream(&replica, "s").max_deleted_id(), id("8"));
    refused(
        &mut replica,
        &[
            "XSETID none 1",
            "XSETID s 4",
            "XSETID s 7",
            "XSETID s 9 ENTRIESADDED 4",
            "XSETID s 9 ENTRIESADDED -1",
            "XSETID s 9 MAXDELETEDID 9-1",
            "XSETID s 9 MAXDELETEDID",
            "XSETID s 9 OTHER 1",
            "XSETID s",
        ],
    );
}

#[test]
fn xgroup_makes_and_deletes_groups_and_consumers() {
    let mut replica = five();
    run(&mut replica, &["XGROUP CREATE s g $", "xgroup create new g $ mkstream entriesread 3", "XGROUP CREATE s G 2"]);
    assert_eq!((group(&replica).last_delivered_id, group(&replica).entries_read), (id("5"), None));
    let made = stream(&replica, "new").group(b"g").unwrap();
    assert_eq!((made.last_delivered_id, made.entries_read), (StreamId::ZERO, Some(3)));
    assert_eq!(stream(&replica, "s").groups().map(|(name, _)| name).collect::<Vec<_>>(), [b"G", b"g"]);
    run(&mut replica, &["XGROUP SETID s g 3-0 ENTRIESREAD 2"]);
    assert_eq!((group(&replica).last_delivered_id, group(&replica).entries_read), (id("3"), Some(2)));
    run(&mut replica, &["XGROUP SETID s g +", "XGROUP SETID s g -", "XGROUP SETID s g $ ENTRIESREAD -1"]);
    assert_eq!((group(&replica).last_delivered_id, group(&replica).entries_read), (id("5"), None));
    run(&mut replica, &["XGROUP CREATECONSUMER s g b", "XGROUP CREATECONSUMER s g a", "XGROUP CREATECONSUMER s g b"]);
    let seen: Vec<_> = group(&replica).consumers().map(|c| (c.name(), c.seen_time, c.active_time)).collect();
    assert_eq!(seen, [(&b"a"[..], NOW, None), (b"b", NOW, None)]);
    refused(
        &mut replica,
        &[
            "XGROUP CREATE s g $",
            "XGROUP CREATE s g $ MKSTREAM",
            "XGROUP CREATE s x",
            "XGROUP CREATE s x +",
            "XGROUP CREATE s x $ MKSTREAM ENTRIESREAD 1 MKSTREAM",
            "XGROUP CREATE s x $ ENTRIESREAD -2",
            "XGROUP CREATE s x $ ENTRIESREAD",
            "XGROUP CREATE none x $",
            "XGROUP SETID s x 1",
            "XGROUP SETID s g 1 MKSTREAM",
            "XGROUP SETID s g x",
            "XGROUP DESTROY none g",
            "XGROUP DESTROY s g g",
            "XGROUP CREATECONSUMER s x c",
            "XGROUP DELCONSUMER s x c",
            "XGROUP CREATECONSUMER s g",
        ],
    );
    run(&mut replica, &["XCLAIM s g a 0 1-0 3-0 FORCE", "XCLAIM s g b 0 2-0 FORCE", "XGROUP DELCONSUMER s g a"]);
    run(&mut replica, &["XGROUP DELCONSUMER s g none", "XGROUP CREATECONSUMER s g c", "XCLAIM s g c 0 4-0 FORCE"]);
    assert_eq!(pending(&replica), ["2-0 b 0 2", "4-0 c 0 2"]);
    run(&mut replica, &["XGROUP DESTROY s g", "XGROUP DESTROY s g"]);
    assert!(stream(&replica, "s").group(b"g").is_none());
}

#[test]
fn redis_8_2_limits_entries_read() {
    let mut replica = five();
    replica.entries_read = EntriesRead::AtMostAdded;
    run(&mut replica, &["XGROUP CREATE s g 0 ENTRIESREAD 6", "XGROUP CREATE new g 0 MKSTREAM ENTRIESREAD 3"]);
    assert_eq!(group(&replica).entries_read, Some(5));
    assert_eq!(stream(&replica, "new").group(b"g").unwrap().entries_read, Some(0));
    run(&mut replica, &["XGROUP SETID s g 0 ENTRIESREAD 4"]);
    assert_eq!(group(&replica).entries_read, Some(4));
    run(&mut replica, &["XGROUP SETID s g 0 ENTRIESREAD 9"]);
    assert_eq!(group(&replica).entries_read, Some(5));
    run(&mut replica, &["XGROUP SETID s g 0 ENTRIESREAD -1"]);
    assert_eq!(group(&replica).entries_read, None);
}

#[test]
fn xreadgroup_delivers() {
    let mut replica = five();
    run(&mut replica, &["XGROUP CREATE s g 0", "XREADGROUP GROUP g a COUNT 2 BLOCK 0 STREAMS s >"]);
    assert_eq!(pending(&replica), ["1-0 a 0 1", "2-0 a 0 1"]);
    assert_eq!((group(&replica).last_delivered_id, group(&replica).entries_read), (id("2"), Some(2)));
    replica.now = NOW + 10;
    run(
        &mut replica,
        &["XREADGROUP GROUP g b COUNT 1 NOACK STREAMS s >", "XREADGROUP GROUP g a COUNT 1 STREAMS s 1-0"],
    );
    assert_eq!(pending(&replica), ["1-0 a 0 1", "2-0 a -10 2"]);
    assert_eq!((group(&replica).last_delivered_id, group(&replica).entries_read), (id("3"), Some(3)));
    assert_eq!(group(&replica).consumer(b"b").unwrap().active_time, None);
    // An entry that was delivered before moves to the consumer that reads it again.
    run(&mut replica, &["XDEL s 5-0", "XGROUP SETID s g 1-0", "xreadgroup group g b streams s >"]);
    assert_eq!(pending(&replica), ["1-0 a 0 1", "2-0 b -10 1", "3-0 b -10 1", "4-0 b -10 1"]);
    assert_eq!(group(&replica).entries_read, None);
    refused(
        &mut replica,
        &[
            "XREADGROUP GROUP g a STREAMS s s >",
            "XREADGROUP GROUP g a STREAMS s $",
            "XREADGROUP GROUP g a STREAMS s none > >",
            "XREADGROUP GROUP x a STREAMS s >",
            "XREADGROUP COUNT 5 STREAMS s >",
            "XREADGROUP GROUP g a COUNT x STREAMS s >",
            "XREADGROUP GROUP g a BLOCK -1 STREAMS s >",
            "XREADGROUP GROUP g a NOACK",
            "XREADGROUP GROUP g a STREAMS",
        ],
    );
}

#[test]
fn xclaim_claims() {
    let mut replica = five();
    run(&mut replica, &["XGROUP CREATE s g 0", "XCLAIM s g a 0 1-0 2-0 9-0", "XCLAIM s g a 0 1-0 2-0 9-0 force"]);
    assert_eq!(pending(&replica), ["1-0 a 0 2", "2-0 a 0 2"]);
    run(&mut replica, &["XCLAIM s g b 0 2-0 3-0 IDLE 500 RETRYCOUNT 7 FORCE JUSTID LASTID 3-0"]);
    assert_eq!(pending(&replica), ["1-0 a 0 2", "2-0 b 500 7", "3-0 b 500 7"]);
    assert_eq!((group(&replica).last_delivered_id, group(&replica).entries_read), (id("3"), None));
    run(
        &mut replica,
        &["XCLAIM s g a 400 1-0 2-0 3-0 TIME 1699999999000 LASTID 1-0", "XCLAIM s g a 0 4-0 FORCE JUSTID"],
    );
    assert_eq!(pending(&replica), ["1-0 a 0 2", "2-0 a 1000 8", "3-0 a 1000 8", "4-0 a 0 1"]);
    assert_eq!(group(&replica).last_delivered_id, id("3"));
    // The time of a log can be behind the times in its commands.
    run(&mut replica, &["XCLAIM s g a 0 1-0 TIME 1700000000900 JUSTID", "XCLAIM s g a 0 2-0 IDLE -5 JUSTID"]);
    assert_eq!(pending(&replica)[..2], ["1-0 a -900 2", "2-0 a 0 8"]);
    // A deleted entry stops being pending when it is claimed.
    run(
        &mut replica,
        &["XDEL s 2-0 3-0", "XCLAIM s g c 0 2-0", "XACK s g 4-0 1-0 9-0", "XACK s none 3-0", "XACK none g 1"],
    );
    assert_eq!(pending(&replica), ["3-0 a 1000 8"]);
    assert_eq!(group(&replica).consumer(b"c").unwrap().active_time, None);
    refused(
        &mut replica,
        &[
            "XCLAIM s g a x 1-0",
            "XCLAIM s g a 0 1-0 IDLE",
            "XCLAIM s g a 0 1-0 IDLE x",
            "XCLAIM s g a 0 1-0 LASTID x",
            "XCLAIM s g a 0 1-0 FORCE 2-0",
            "XCLAIM s none a 0 1-0",
            "XCLAIM none g a 0 1-0",
            "XCLAIM s g a",
            "XACK s g x",
            "XACK s",
        ],
    );
}

#[test]
fn xautoclaim_claims_what_is_idle() {
    let mut replica = five();
    run(&mut replica, &["XGROUP CREATE s g 0", "XREADGROUP GROUP g a STREAMS s >", "XDEL s 1-0 3-0"]);
    replica.now = NOW + 100;
    run(&mut replica, &["XCLAIM s g c 0 2-0 JUSTID", "XAUTOCLAIM s g b 50 (1-0 COUNT 2 JUSTID"]);
    assert_eq!(pending(&replica), ["1-0 a 0 1", "2-0 c -100 1", "4-0 b -100 1", "5-0 a 0 1"]);
    run(&mut replica, &["XAUTOCLAIM s g d 0 -"]);
    assert_eq!(pending(&replica), ["2-0 d -100 2", "4-0 d -100 2", "5-0 d -100 2"]);
    refused(
        &mut replica,
        &[
            "XAUTOCLAIM s g b x 0",
            "XAUTOCLAIM s g b 0 x",
            "XAUTOCLAIM s g b 0 (18446744073709551615-18446744073709551615",
            "XAUTOCLAIM s g b 0 0 COUNT 0",
            "XAUTOCLAIM s g b 0 0 COUNT",
            "XAUTOCLAIM s g b 0 0 FORCE",
            "XAUTOCLAIM s none b 0 0",
            "XAUTOCLAIM none g b 0 0",
        ],
    );
}

#[test]
fn a_long_stream_is_trimmed_one_by_one_and_a_long_pending_list_consumed() {
    let mut replica = replica(&["XGROUP CREATE s g 0 MKSTREAM"]);
    for number in 1..=30_000 {
        run(&mut replica, &[&format!("XADD s {number}-1 field value")]);
    }
    run(&mut replica, &["XREADGROUP GROUP g a STREAMS s >"]);
    for number in 1..=29_000 {
        let consumer = format!("c{number}");
        run(
            &mut replica,
            &[
                &format!("XTRIM s MAXLEN = {}", 30_000 - number),
                &format!("XACK s g {number}-1"),
                &format!("XGROUP CREATECONSUMER s g {consumer}"),
                &format!("XGROUP DELCONSUMER s g {consumer}"),
            ],
        );
    }
    assert_eq!((stream(&replica, "s").len(), pending(&replica).len()), (1000, 1000));
    assert_eq!(stream(&replica, "s").first_id(), id("29001-1"));
}
