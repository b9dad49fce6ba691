use super::*;
use crate::testing::log;
use proptest::prelude::*;

fn taken(selection: &Selection, lines: &[&str]) -> Vec<String> {
    let log = log(lines);
    let mut walk = Walk::new(&log);
    let mut taken = Vec::new();
    let mut lines = lines.iter();
    while let Some(Ok(step)) = walk.next_step() {
        let line = lines.next().unwrap();
        if selection.takes(&step.record, &step.place) {
            taken.push((*line).to_owned());
        }
    }
    taken
}

#[test]
fn a_part_begins_in_database_0_and_select_is_in_the_one_it_selects() {
    let lines =
        ["SET a 1", "SELECT 2", "SET b 1", "SELECT x", "SELECT 01", "SET c 1", "SELECT 0 0", "select 0", "SET d 1"];
    let in_two = Selection { databases: vec![2], ..Selection::default() };
    assert_eq!(taken(&in_two, &lines), ["SELECT 2", "SET b 1", "SELECT x", "SELECT 01", "SET c 1", "SELECT 0 0"]);
    let in_zero = Selection { databases: vec![0], ..Selection::default() };
    assert_eq!(taken(&in_zero, &lines), ["SET a 1", "select 0", "SET d 1"]);
}

#[test]
fn keys_are_where_the_command_has_them() {
    let lines = ["SET user:1 other", "SET other user:1", "MSET x 1 user:2 y", "PING", "#TS:1", "EVAL s 1 user:3 a"];
    let users = Selection { keys: vec![b"user:*".to_vec()], ..Selection::default() };
    assert_eq!(taken(&users, &lines), ["SET user:1 other", "MSET x 1 user:2 y", "EVAL s 1 user:3 a"]);
}

#[test]
fn commands_go_by_name_and_subcommand_in_any_case() {
    let lines = ["xgroup create s g $", "XGROUP DESTROY s g", "SET k v", "#TS:1"];
    let of =
        |text: &str| Selection { commands: vec![CommandName::parse(text.as_bytes()).unwrap()], ..Selection::default() };
    assert_eq!(taken(&of("XGROUP|create"), &lines), ["xgroup create s g $"]);
    assert_eq!(taken(&of("xgroup CREATE"), &lines), ["xgroup create s g $"]);
    assert_eq!(taken(&of("xgroup"), &lines), ["xgroup create s g $", "XGROUP DESTROY s g"]);
    assert_eq!(taken(&of("set"), &lines), ["SET k v"]);
    assert_eq!(CommandName::parse(b" "), None);
    assert_eq!(CommandName::parse(b"a b c"), None);
}

#[test]
fn times_are_those_of_the_last_annotation_and_before_it_there_is_none() {
    let lines = ["SET a 1", "#TS:100", "SET b 1", "#TS:200", "SET c 1", "#TS:x", "SET d 1"];
    let since = Selection { since: Some(200), ..Selection::default() };
    assert_eq!(taken(&since, &lines), ["#TS:200", "SET c 1", "#TS:x", "SET d 1"]);
    let until = Selection { until: Some(199), ..Selection::default() };
    assert_eq!(taken(&until, &lines), ["SET a 1", "#TS:100", "SET b 1"]);
}

#[test]
fn offsets_are_where_records_start() {
    let lines = ["SET a 1", "SET b 1", "SET c 1"];
    let middle = Selection { from: Some(1), to: Some(54), ..Selection::default() };
    assert_eq!(taken(&middle, &lines), ["SET b 1"]);
}

#[test]
fn transactions_are_numbered_through_the_log() {
    let log = log(&["MULTI", "SET a 1", "EXEC", "SET b 1", "multi", "exec"]);
    let mut walk = Walk::new(&log);
    let mut numbers = Vec::new();
    while let Some(Ok(step)) = walk.next_step() {
        numbers.push(step.place.transaction);
    }
    assert_eq!(numbers, [Some(1), Some(1), Some(1), None, Some(2), Some(2)]);
    let mut next = Walk::part(&log, 0, *walk.state());
    assert_eq!(next.next_step().unwrap().unwrap().place.transaction, Some(3));
}

#[test]
fn looking_ahead_tells_whether_a_transaction_completes() {
    let whole = log(&["MULTI", "SET a 1", "EXEC"]);
    for (log, completes) in [(whole.as_slice(), true), (&whole[..whole.len() - 1], false)] {
        let mut walk = Walk::new(log);
        walk.next_step();
        assert_eq!(walk.transaction_completes(), completes);
        assert_eq!(walk.records(), 1);
    }
}

proptest! {
    #[test]
    fn pieces_give_what_the_whole_gives(
        lines in prop::collection::vec(prop::sample::select(vec![
            "MULTI", "EXEC", "SELECT 1", "SELECT 0", "SET a 1", "#TS:5", "#TS:9", "DISCARD",
        ]), 1..20),
        split in 0..20_usize,
    ) {
        let log = log(&lines);
        let whole = facts(Walk::new(&log)).0;
        let mut first = Walk::new(&log);
        for _ in 0..split {
            first.next_step();
        }
        let at = usize::try_from(first.position()).unwrap();
        let piece = Walk::piece(&log[at..], first.position(), first.records(), *first.state());
        let (rest, position) = facts(piece);
        prop_assert_eq!(&whole[split.min(whole.len())..], rest.as_slice());
        prop_assert_eq!(position, log.len() as u64);
    }
}

fn facts(mut walk: Walk<'_>) -> (Vec<(u64, u64, u64, Place)>, u64) {
    let mut facts = Vec::new();
    while let Some(Ok(Step { record, place, .. })) = walk.next_step() {
        facts.push((record.offset, record.length, record.number, place));
    }
    (facts, walk.position())
}
