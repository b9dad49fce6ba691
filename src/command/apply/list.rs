//! The commands on lists.

use super::{Call, Failure};
use crate::resp::parse_integer;
use crate::value::{End, List, Value};

/// LPUSH key element …
pub(in crate::command) fn lpush(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    push(call, End::Head)
}

/// RPUSH key element …
pub(in crate::command) fn rpush(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    push(call, End::Tail)
}

fn push(call: &mut Call<'_, '_>, end: End) -> Result<(), Failure> {
    let key = call.argument(1)?;
    call.argument(2)?;
    let elements = call.arguments_from(2);
    if let Some(list) = call.list(key)? {
        list.push_all(end, elements);
    } else {
        let mut list = List::default();
        list.push_all(end, elements);
        call.put(key, Value::List(list));
    }
    Ok(())
}

/// LPUSHX key element …
pub(in crate::command) fn lpushx(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    push_to_known(call, End::Head)
}

/// RPUSHX key element …
pub(in crate::command) fn rpushx(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    push_to_known(call, End::Tail)
}

fn push_to_known(call: &mut Call<'_, '_>, end: End) -> Result<(), Failure> {
    call.argument(2)?;
    let elements = call.arguments_from(2);
    if let Some(list) = call.list(call.argument(1)?)? {
        list.push_all(end, elements);
    }
    Ok(())
}

/// LPOP key [count]
pub(in crate::command) fn lpop(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    pop(call, End::Head)
}

/// RPOP key [count]
pub(in crate::command) fn rpop(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    pop(call, End::Tail)
}

fn pop(call: &mut Call<'_, '_>, end: End) -> Result<(), Failure> {
    let key = call.argument(1)?;
    let count = match call.arguments_from(2) {
        [] => 1,
        [count] => natural(count)?,
        _ => return Err(Failure::Arity),
    };
    pop_from_first(call, &[key], end, count)
}

/// Pops from the first of the lists that exists.
fn pop_from_first(call: &mut Call<'_, '_>, keys: &[&[u8]], end: End, count: usize) -> Result<(), Failure> {
    for key in keys {
        if let Some(list) = call.list(key)? {
            list.drop_elements(end, count);
            if list.is_empty() {
                call.remove(key);
            }
            break;
        }
    }
    Ok(())
}

/// A number that is not negative and at most the greatest possible number of elements.
pub(super) fn natural(text: &[u8]) -> Result<usize, Failure> {
    let number = parse_integer(text).filter(|number| *number >= 0).ok_or(Failure::OutOfRange)?;
    Ok(usize::try_from(number).unwrap_or(usize::MAX))
}

/// BLPOP key … timeout: pops from the first list that exists; does not wait.
pub(in crate::command) fn blpop(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    pop_without_waiting(call, End::Head)
}

/// BRPOP key … timeout: pops from the first list that exists; does not wait.
pub(in crate::command) fn brpop(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    pop_without_waiting(call, End::Tail)
}

fn pop_without_waiting(call: &mut Call<'_, '_>, end: End) -> Result<(), Failure> {
    call.argument(2)?;
    let Some((timeout, keys)) = call.arguments_from(1).split_last() else { return Err(Failure::Arity) };
    call.check_timeout(timeout)?;
    pop_from_first(call, keys, end, 1)
}

/// LMPOP numkeys key … LEFT|RIGHT [COUNT count]
pub(in crate::command) fn lmpop(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    pop_from_many(call, 1)
}

/// BLMPOP timeout numkeys key … LEFT|RIGHT [COUNT count]: does not wait.
pub(in crate::command) fn blmpop(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    let timeout = call.argument(1)?;
    call.check_timeout(timeout)?;
    pop_from_many(call, 2)
}

fn pop_from_many(call: &mut Call<'_, '_>, at: usize) -> Result<(), Failure> {
    let count = natural(call.argument(at)?)?;
    if count == 0 {
        return Err(Failure::OutOfRange);
    }
    let (keys, options) = call.arguments_from(at + 1).split_at_checked(count).ok_or(Failure::Syntax)?;
    let (end, options) = options.split_first().ok_or(Failure::Syntax)?;
    let end = end_of(end)?;
    let count = match options {
        [] => 1,
        [word, count] if word.eq_ignore_ascii_case(b"COUNT") => natural(count)?,
        _ => return Err(Failure::Syntax),
    };
    if count == 0 {
        return Err(Failure::OutOfRange);
    }
    pop_from_first(call, keys, end, count)
}

fn end_of(word: &[u8]) -> Result<End, Failure> {
    if word.eq_ignore_ascii_case(b"LEFT") {
        Ok(End::Head)
    } else if word.eq_ignore_ascii_case(b"RIGHT") {
        Ok(End::Tail)
    } else {
        Err(Failure::Syntax)
    }
}

/// LMOVE source destination LEFT|RIGHT LEFT|RIGHT
pub(in crate::command) fn lmove(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    let (from, to) = (end_of(call.argument(3)?)?, end_of(call.argument(4)?)?);
    move_element(call, from, to)
}

/// BLMOVE source destination LEFT|RIGHT LEFT|RIGHT timeout: does not wait.
pub(in crate::command) fn blmove(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    call.check_timeout(call.argument(5)?)?;
    lmove(call)
}

/// RPOPLPUSH source destination
pub(in crate::command) fn rpoplpush(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    move_element(call, End::Tail, End::Head)
}

/// BRPOPLPUSH source destination timeout: does not wait.
pub(in crate::command) fn brpoplpush(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    call.check_timeout(call.argument(3)?)?;
    rpoplpush(call)
}

fn move_element(call: &mut Call<'_, '_>, from: End, to: End) -> Result<(), Failure> {
    let (source, destination) = (call.argument(1)?, call.argument(2)?);
    if call.list(source)?.is_none() {
        return Ok(());
    }
    let has_destination = call.list(destination)?.is_some();
    let Some(list) = call.list(source)? else { return Ok(()) };
    let Some(element) = list.pop(from) else { return Ok(()) };
    if source == destination {
        list.push(to, element);
        return Ok(());
    }
    if list.is_empty() {
        call.remove(source);
    }
    if has_destination {
        if let Some(list) = call.list(destination)? {
            list.push(to, element);
        }
    } else {
        call.put(destination, Value::List(List::from_iter([element])));
    }
    Ok(())
}

/// An index, a negative one counting from the end of `length` elements; `None` if that is before the first element.
fn absolute(index: i64, length: usize) -> Option<usize> {
    if index < 0 {
        length.checked_sub(usize::try_from(index.unsigned_abs()).unwrap_or(usize::MAX))
    } else {
        Some(usize::try_from(index).unwrap_or(usize::MAX))
    }
}

/// LSET key index element
pub(in crate::command) fn lset(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    let (index, element) = (call.argument(2)?, call.argument(3)?);
    let narrows = call.server.narrows_list_indexes();
    let list = call.list(call.argument(1)?)?.ok_or(Failure::NoSuchKey)?;
    let index = parse_integer(index).ok_or(Failure::NotAnInteger)?;
    #[expect(clippy::cast_possible_truncation, reason = "servers pass the index on as an int")]
    let index = if narrows { i64::from(index as i32) } else { index };
    let index = absolute(index, list.len()).ok_or(Failure::IndexOutOfRange)?;
    if list.set(index, element) { Ok(()) } else { Err(Failure::IndexOutOfRange) }
}

/// LTRIM key start stop
pub(in crate::command) fn ltrim(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    let (key, start, stop) = (call.argument(1)?, call.integer(2)?, call.integer(3)?);
    let Some(list) = call.list(key)? else { return Ok(()) };
    let length = list.len();
    let start = absolute(start, length).unwrap_or(0);
    // The index after the last element that stays.
    let end = absolute(stop, length).map_or(0, |stop| stop.saturating_add(1)).min(length);
    if start < end {
        list.drop_elements(End::Tail, length - end);
        list.drop_elements(End::Head, start);
    } else {
        call.remove(key);
    }
    Ok(())
}

/// LINSERT key BEFORE|AFTER pivot element
pub(in crate::command) fn linsert(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    let offset = match call.argument(2)? {
        word if word.eq_ignore_ascii_case(b"BEFORE") => 0,
        word if word.eq_ignore_ascii_case(b"AFTER") => 1,
        _ => return Err(Failure::Syntax),
    };
    let (pivot, element) = (call.argument(3)?, call.argument(4)?);
    if let Some(list) = call.list(call.argument(1)?)?
        && let Some(index) = list.position(pivot)
    {
        list.insert(index + offset, element);
    }
    Ok(())
}

/// LREM key count element
pub(in crate::command) fn lrem(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    let (key, count, element) = (call.argument(1)?, call.integer(2)?, call.argument(3)?);
    let from = if count < 0 { End::Tail } else { End::Head };
    let most = match count {
        0 => usize::MAX,
        i64::MIN if call.server.narrows_list_indexes() => return Err(Failure::OutOfRange),
        _ => usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX),
    };
    if let Some(list) = call.list(key)? {
        list.remove_equal(element, from, most);
        if list.is_empty() {
            call.remove(key);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::testing::Replica;
    use super::*;

    /// The elements of a list as one line, followed by its expiry; empty if there is no such key.
    fn shown(replica: &Replica, key: &str) -> String {
        match replica.value(key) {
            None => "-".into(),
            Some(Value::List(list)) => {
                list.iter().map(|element| String::from_utf8_lossy(element).into_owned()).collect::<Vec<_>>().join(" ")
            }
            Some(other) => other.type_name().into(),
        }
    }

    /// Runs commands, all of which succeed, and shows two lists.
    #[track_caller]
    fn after(commands: &str) -> String {
        let replica = Replica::default().after(commands);
        format!("{}, {}", shown(&replica, "l"), shown(&replica, "m"))
    }

    #[track_caller]
    fn failure(commands: &str) -> Failure {
        Replica::default().failure(commands)
    }

    #[test]
    fn elements_are_pushed_and_popped_at_both_ends() {
        assert_eq!(after("RPUSH l a b; LPUSH l c d; rpush m x"), "d c a b, x");
        assert_eq!(after("LPUSHX l a; RPUSHX l a; RPUSH m a; LPUSHX m b c; RPUSHX m d e"), "-, c b a d e");
        assert_eq!(after("RPUSH l a b c d e f; LPOP l; RPOP l; LPOP l 2; RPOP l 1; LPOP l 0"), "d, -");
        assert_eq!(after("RPUSH l a b; LPOP l 5; RPUSH m a; RPOP m; LPOP m; RPOP m 3"), "-, -");
        assert_eq!(failure("LPUSH l"), Failure::Arity);
        assert_eq!(failure("RPUSH l a; LPOP l 1 1"), Failure::Arity);
        assert_eq!(failure("RPUSH l a; LPOP l -1"), Failure::OutOfRange);
        assert_eq!(failure("SADD l a; LPUSH l a"), Failure::WrongType);
        assert_eq!(failure("SADD l a; RPOP l"), Failure::WrongType);
    }

    #[test]
    fn blocking_pops_do_not_wait() {
        assert_eq!(after("RPUSH l a b; RPUSH m c d; BLPOP x l m 0; BRPOP x m l 1.5; BLPOP x y 0"), "b, c");
        assert_eq!(failure("RPUSH l a; BLPOP l -1"), Failure::other("timeout is negative"));
        assert_eq!(failure("RPUSH l a; BLPOP l 9223372036854775807"), Failure::other("timeout is out of range"));
        assert_eq!(failure("RPUSH l a; BRPOP l soon"), Failure::other("timeout is not a float or out of range"));
        assert_eq!(failure("SADD k v; RPUSH l a; BLPOP k l 0"), Failure::WrongType);
    }

    #[test]
    fn lmpop_takes_from_the_first_list_there_is() {
        assert_eq!(after("RPUSH l a b c; RPUSH m d; LMPOP 2 l m LEFT; LMPOP 2 x m right COUNT 5"), "b c, -");
        assert_eq!(after("RPUSH l a b c; BLMPOP 0 2 x l left count 2"), "c, -");
        for (options, expected) in [
            ("0 l LEFT", Failure::OutOfRange),
            ("1 l", Failure::Syntax),
            ("2 l LEFT", Failure::Syntax),
            ("1 l UP", Failure::Syntax),
            ("1 l LEFT COUNT 0", Failure::OutOfRange),
            ("1 l LEFT COUNT", Failure::Syntax),
            ("1 l LEFT COUNT 1 COUNT 1", Failure::Syntax),
            ("9223372036854775807 l LEFT", Failure::Syntax),
        ] {
            assert_eq!(failure(&format!("RPUSH l a; LMPOP {options}")), expected, "{options}");
        }
    }

    #[test]
    fn elements_move_between_lists_and_within_one() {
        assert_eq!(
            after("RPUSH l a b c; LMOVE l m LEFT RIGHT; LMOVE l m right left; BLMOVE l m LEFT LEFT 0"),
            "-, b c a"
        );
        assert_eq!(
            after("RPUSH l a b c; RPOPLPUSH l l; LMOVE l l LEFT LEFT; BRPOPLPUSH l m 0; RPOPLPUSH x m"),
            "c a, b"
        );
        assert_eq!(after("RPUSH l a; LMOVE l l LEFT RIGHT; RPOPLPUSH l l"), "a, -");
        assert_eq!(failure("RPUSH l a; SADD m v; LMOVE l m LEFT LEFT"), Failure::WrongType);
        assert_eq!(failure("RPUSH l a; LMOVE l m UP LEFT"), Failure::Syntax);
        assert_eq!(
            failure("RPUSH l a; BLMOVE l m LEFT LEFT x"),
            Failure::other("timeout is not a float or out of range")
        );
        assert_eq!(after("SADD s a; RPUSH l a; RPOPLPUSH x s"), "a, -");
    }

    #[test]
    fn lists_are_changed_inside() {
        assert_eq!(after("RPUSH l a b c; LSET l 0 x; LSET l -1 z"), "x b z, -");
        assert_eq!(
            after(
                "RPUSH l a b a; LINSERT l before a x; LINSERT l AFTER b y; LINSERT l AFTER q y; LINSERT m BEFORE a b"
            ),
            "x a b y a, -"
        );
        assert_eq!(after("RPUSH l a b a c a; LREM l 1 a; RPUSH m a b a c a; LREM m -2 a"), "b a c a, a b c");
        assert_eq!(after("RPUSH l a b a; LREM l 0 a; RPUSH m a a; LREM m 2 a; LREM m 0 a"), "b, -");
        assert_eq!(failure("LSET l 0 a"), Failure::NoSuchKey);
        assert_eq!(failure("RPUSH l a; LSET l 1 a"), Failure::IndexOutOfRange);
        assert_eq!(failure("RPUSH l a; LSET l -2 a"), Failure::IndexOutOfRange);
        assert_eq!(failure("RPUSH l a; LSET l -2147483648 a"), Failure::IndexOutOfRange);
        // Only the low 32 bits of the index count.
        assert_eq!(after("RPUSH l a b; LSET l 4294967295 z"), "a z, -");
        assert_eq!(failure("RPUSH l a; LSET l x a"), Failure::NotAnInteger);
        assert_eq!(failure("RPUSH l a; LINSERT l near a b"), Failure::Syntax);
        assert_eq!(failure("RPUSH l a; LREM l -9223372036854775808 a"), Failure::OutOfRange);
    }

    #[test]
    fn ltrim_keeps_a_range() {
        for (range, left) in [
            ("0 -1", "a b c d e"),
            ("1 2", "b c"),
            ("-2 -1", "d e"),
            ("-100 1", "a b"),
            ("3 100", "d e"),
            ("3 2", "-"),
            ("5 9", "-"),
            ("0 -6", "-"),
            ("-9223372036854775808 9223372036854775807", "a b c d e"),
            ("9223372036854775807 -9223372036854775808", "-"),
        ] {
            assert_eq!(after(&format!("RPUSH l a b c d e; LTRIM l {range}")), format!("{left}, -"), "{range}");
        }
        assert_eq!(after("LTRIM l 0 1"), "-, -");
        assert_eq!(failure("RPUSH l a; LTRIM l a 1"), Failure::NotAnInteger);
    }

    #[test]
    fn a_list_keeps_its_expiry_until_it_is_gone() {
        let mut replica = Replica::default();
        replica.line("RPUSH l a b").unwrap();
        replica.set_expiry("l", 5000);
        replica.line("LPUSH l c").unwrap();
        replica.line("LPOP l").unwrap();
        assert_eq!(replica.expiry("l"), Some(5000));
        replica.line("LPOP l 2").unwrap();
        replica.line("RPUSH l a").unwrap();
        assert_eq!(replica.expiry("l"), None);
    }

    #[test]
    fn too_few_arguments_are_a_failure() {
        for name in [
            "LPUSH",
            "LPUSHX",
            "BLPOP",
            "LMPOP",
            "BLMPOP",
            "LMOVE",
            "BLMOVE",
            "RPOPLPUSH",
            "BRPOPLPUSH",
            "LSET",
            "LTRIM",
            "LINSERT",
            "LREM",
        ] {
            for arguments in ["", " 1", " l"] {
                assert!(Replica::default().line(&format!("{name}{arguments}")).is_err(), "{name}{arguments}");
            }
        }
    }
}
