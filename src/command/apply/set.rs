//! The commands on sets.

use super::list::natural;
use super::{Call, Failure};
use crate::value::{Set, Value};

/// SADD key member …
pub(in crate::command) fn sadd(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    let key = call.argument(1)?;
    call.argument(2)?;
    let members = call.arguments_from(2);
    if let Some(set) = call.set(key)? {
        for member in members {
            set.insert(*member);
        }
    } else {
        call.put(key, Value::Set(members.iter().copied().collect()));
    }
    Ok(())
}

/// SREM key member …
pub(in crate::command) fn srem(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    let key = call.argument(1)?;
    call.argument(2)?;
    let members = call.arguments_from(2);
    if let Some(set) = call.set(key)? {
        for member in members {
            set.remove(member);
        }
        if set.is_empty() {
            call.remove(key);
        }
    }
    Ok(())
}

/// SMOVE source destination member
pub(in crate::command) fn smove(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    let (source, destination, member) = (call.argument(1)?, call.argument(2)?, call.argument(3)?);
    if call.set(source)?.is_none() {
        return Ok(());
    }
    let has_destination = call.set(destination)?.is_some();
    let Some(set) = call.set(source)?.filter(|_| source != destination) else { return Ok(()) };
    if !set.remove(member) {
        return Ok(());
    }
    if set.is_empty() {
        call.remove(source);
    }
    if has_destination {
        if let Some(set) = call.set(destination)? {
            set.insert(member);
        }
    } else {
        call.put(destination, Value::Set(Set::from_iter([member])));
    }
    Ok(())
}

/// SPOP key \[count]: removes the first members instead of random ones. Servers log an SREM instead.
pub(in crate::command) fn spop(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    let key = call.argument(1)?;
    let count = match call.arguments_from(2) {
        [] => 1,
        [count] => natural(count)?,
        _ => return Err(Failure::Syntax),
    };
    if let Some(set) = call.set(key)? {
        if count < set.len() {
            set.remove_first(count);
        } else {
            call.remove(key);
        }
    }
    Ok(())
}

/// SINTERSTORE destination key …
pub(in crate::command) fn sinterstore(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    let destination = call.argument(1)?;
    let keys = sources(call)?;
    let mut smallest = None;
    for (index, key) in keys.iter().enumerate() {
        // A key that does not exist is an empty set. The keys after it must be sets all the same.
        let length = call.set(key)?.map_or(0, |set| set.len());
        if smallest.is_none_or(|(least, _)| length < least) {
            smallest = Some((length, index));
        }
    }
    let Some((length, smallest)) = smallest else { return Err(Failure::Arity) };
    let mut result = Set::default();
    if length > 0 {
        result = copy_of(call, keys.get(smallest))?;
        for key in keys.iter().enumerate().filter(|(index, _)| *index != smallest).map(|(_, key)| key) {
            if let Some(set) = call.set(key)? {
                result.retain(|member| set.contains(member));
            }
        }
    }
    store(call, destination, result);
    Ok(())
}

/// SUNIONSTORE destination key …
pub(in crate::command) fn sunionstore(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    let destination = call.argument(1)?;
    let (first, others) = sources(call)?.split_first().ok_or(Failure::Arity)?;
    let mut result = copy_of(call, Some(first))?;
    for key in others {
        if let Some(set) = call.set(key)? {
            for member in set.texts() {
                result.insert(member);
            }
        }
    }
    store(call, destination, result);
    Ok(())
}

/// SDIFFSTORE destination key …
pub(in crate::command) fn sdiffstore(call: &mut Call<'_, '_>) -> Result<(), Failure> {
    let destination = call.argument(1)?;
    let (first, others) = sources(call)?.split_first().ok_or(Failure::Arity)?;
    let mut result = copy_of(call, Some(first))?;
    for key in others {
        if let Some(set) = call.set(key)? {
            if set.len() < result.len() {
                for member in set.iter() {
                    result.remove(member);
                }
            } else {
                result.retain(|member| !set.contains(member));
            }
        }
    }
    store(call, destination, result);
    Ok(())
}

fn sources<'c, 'a>(call: &Call<'c, 'a>) -> Result<&'c [&'a [u8]], Failure> {
    call.argument(2)?;
    Ok(call.arguments_from(2))
}

fn copy_of<'a>(call: &mut Call<'_, 'a>, key: Option<&&'a [u8]>) -> Result<Set<'a>, Failure> {
    let set = call.set(key.ok_or(Failure::Arity)?)?;
    Ok(set.map(|set| set.clone()).unwrap_or_default())
}

/// Sets the value of a key, or deletes the key if the set is empty.
fn store<'a>(call: &mut Call<'_, 'a>, key: &'a [u8], set: Set<'a>) {
    if set.is_empty() {
        call.remove(key);
    } else {
        call.put(key, Value::Set(set));
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Replica;
    use super::*;

    /// The members of a set as one line.
    fn shown(replica: &Replica, key: &str) -> String {
        match replica.value(key) {
            None => "-".into(),
            Some(Value::Set(set)) => {
                let mut members: Vec<_> =
                    set.iter().map(|member| String::from_utf8_lossy(member).into_owned()).collect();
                members.sort();
                members.join(" ")
            }
            Some(other) => other.type_name().into(),
        }
    }

    /// Runs commands, all of which succeed, and shows two sets.
    #[track_caller]
    fn after(commands: &str) -> String {
        let replica = Replica::default().after(commands);
        format!("{}, {}", shown(&replica, "s"), shown(&replica, "t"))
    }

    #[track_caller]
    fn failure(commands: &str) -> Failure {
        Replica::default().failure(commands)
    }

    #[test]
    fn members_are_added_and_taken_out() {
        assert_eq!(after("SADD s a b a; SADD s c b; SREM s a x; sadd t 1; SREM t 1 2"), "b c, -");
        assert_eq!(after("SREM s a; SADD t 007 7; SREM t 7"), "-, 007");
        assert_eq!(failure("SADD s"), Failure::Arity);
        assert_eq!(failure("SREM s"), Failure::Arity);
        assert_eq!(failure("RPUSH s a; SADD s a"), Failure::WrongType);
        assert_eq!(failure("RPUSH s a; SREM s a"), Failure::WrongType);
    }

    #[test]
    fn a_member_moves() {
        assert_eq!(after("SADD s a b; SMOVE s t a; SMOVE s t x; SMOVE s s b"), "b, a");
        assert_eq!(after("SADD s a; SADD t a b; SMOVE s t a; SMOVE s t b"), "-, a b");
        assert_eq!(after("RPUSH t a; SMOVE s t a"), "-, list");
        assert_eq!(failure("SADD s a; RPUSH t a; SMOVE s t x"), Failure::WrongType);
        assert_eq!(failure("SMOVE s t"), Failure::Arity);
    }

    #[test]
    fn the_first_members_are_popped() {
        assert_eq!(after("SADD s a b c d; SPOP s; SPOP s 2; SPOP s 0; SADD t a b; SPOP t 2; SPOP t; SPOP t 3"), "d, -");
        assert_eq!(after("SADD s a; SPOP s; SADD t a; SPOP t 100"), "-, -");
        assert_eq!(failure("SADD s a; SPOP s -1"), Failure::OutOfRange);
        assert_eq!(failure("SADD s a; SPOP s 1 2"), Failure::Syntax);
    }

    #[test]
    fn sets_are_intersected_joined_and_subtracted() {
        let sets = "SADD a 1 2 3 4; SADD b 3 4 5; SADD c 4 6";
        for (command, expected) in [
            ("SINTERSTORE s a b c", "4, -"),
            ("SINTERSTORE s a b; SINTERSTORE t a", "3 4, 1 2 3 4"),
            ("SINTERSTORE a a a b; SUNIONSTORE s a", "3 4, -"),
            ("SADD s x; SINTERSTORE s a none b", "-, -"),
            ("SUNIONSTORE s a b none c; SUNIONSTORE t none", "1 2 3 4 5 6, -"),
            ("SUNIONSTORE b a b; SDIFFSTORE s b none", "1 2 3 4 5, -"),
            ("SDIFFSTORE s a b c; SDIFFSTORE t a a", "1 2, -"),
            ("SDIFFSTORE s c a; SDIFFSTORE t none a", "6, -"),
            ("RPUSH s x; SDIFFSTORE s a b; RPUSH t x; SINTERSTORE t b c", "1 2, 4"),
        ] {
            assert_eq!(after(&format!("{sets}; {command}")), expected, "{command}");
        }
        for command in ["SINTERSTORE", "SUNIONSTORE", "SDIFFSTORE"] {
            assert_eq!(failure(&format!("{sets}; RPUSH l x; {command} s a none l")), Failure::WrongType);
            assert_eq!(failure(&format!("{command} s")), Failure::Arity);
        }
    }

    #[test]
    fn sets_of_many_members_are_subtracted_either_way() {
        let mut replica = Replica::default();
        for number in 0..500 {
            replica.line(&format!("SADD a {number}")).unwrap();
            if number % 2 == 0 {
                replica.line(&format!("SADD b {number} {}", number + 10_000)).unwrap();
                replica.line(&format!("SADD c {}", number * 10)).unwrap();
            }
        }
        for (command, count) in [
            ("SDIFFSTORE s a b", 250),
            ("SDIFFSTORE s a c", 475),
            ("SINTERSTORE s a b", 250),
            ("SUNIONSTORE s a b c", 975),
        ] {
            replica.line(command).unwrap();
            assert_eq!(shown(&replica, "s").split(' ').count(), count, "{command}");
        }
    }

    #[test]
    fn a_stored_set_has_no_expiry() {
        let mut replica = Replica::default();
        replica.line("SADD s a").unwrap();
        replica.set_expiry("s", 5000);
        replica.line("SADD s b").unwrap();
        assert_eq!(replica.expiry("s"), Some(5000));
        replica.line("SUNIONSTORE s s").unwrap();
        assert_eq!(replica.expiry("s"), None);
    }
}
