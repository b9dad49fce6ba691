//! What a log gets for a command that was executed: nothing if it changes nothing, and absolute times.

use crate::command::{Effect, resolve};
use crate::server::Server;

/// What is written for a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Written {
    /// It changes no data.
    Nothing,
    /// The command as it is.
    AsIs,
    /// Another one.
    Instead(Vec<Vec<u8>>),
}

/// How long the names of the commands are at most that are written in another way.
const LONGEST: usize = "restore-asking".len();

/// A name in lower case; nothing if it is longer.
fn lower_case<'b>(name: &[u8], buffer: &'b mut [u8; LONGEST]) -> &'b [u8] {
    let Some(place) = buffer.get_mut(..name.len()) else { return &[] };
    place.copy_from_slice(name);
    place.make_ascii_lowercase();
    place
}

/// What servers write for a command that was executed at `now`, in milliseconds of Unix time.
///
/// Relative times become absolute, so that a key lives no longer after a restart than before it (`t_string.c`,
/// `expire.c`, `t_hash.c` and `cluster.c` of Redis 7.0 to 8.6 and Valkey 8 and 9; Redis 6.2 leaves `RESTORE` as it is,
/// and the key lives longer). What has no effect is left out.
pub(super) fn written(command: &[&[u8]], now: i64, server: Server) -> Written {
    let [name, rest @ ..] = command else { return Written::Nothing };
    let mut folded = [0; LONGEST];
    let translated = match (lower_case(name, &mut folded), rest) {
        (b"set", [key, value, options @ ..]) => set(key, value, options, now),
        (b"setex", [key, time, value]) => in_seconds(time, now).map(|at| with_expiry(key, value, at)),
        (b"psetex", [key, time, value]) => in_milliseconds(time, now).map(|at| with_expiry(key, value, at)),
        (b"expire", [_, time, ..]) => in_seconds(time, now).map(|at| expiring(b"PEXPIREAT", rest, at)),
        (b"pexpire", [_, time, ..]) => in_milliseconds(time, now).map(|at| expiring(b"PEXPIREAT", rest, at)),
        (b"expireat", [_, time, ..]) => in_seconds(time, 0).map(|at| expiring(b"PEXPIREAT", rest, at)),
        (b"hexpire", [_, time, ..]) => in_seconds(time, now).map(|at| expiring(b"HPEXPIREAT", rest, at)),
        (b"hpexpire", [_, time, ..]) => in_milliseconds(time, now).map(|at| expiring(b"HPEXPIREAT", rest, at)),
        (b"hexpireat", [_, time, ..]) => in_seconds(time, 0).map(|at| expiring(b"HPEXPIREAT", rest, at)),
        (b"getex", [key, options @ ..]) => return getex(key, options, now),
        (b"hgetex", [key, options @ ..]) => return hgetex(key, options, now),
        (b"hsetex", [key, options @ ..]) => {
            let end = options.iter().position(|word| word.eq_ignore_ascii_case(b"FIELDS"));
            end.and_then(|end| absolute_option(&[b"HSETEX", key], options, 0..end, now))
        }
        (b"msetex", [count, options @ ..]) => {
            let pairs = text(count).and_then(|count| usize::try_from(count).ok()?.checked_mul(2));
            let start = pairs.filter(|pairs| *pairs <= options.len());
            start.and_then(|start| absolute_option(&[b"MSETEX", count], options, start..options.len(), now))
        }
        (b"restore" | b"restore-asking", [key, time, payload, options @ ..]) => {
            restore(name, (key, time, payload), options, now)
        }
        _ => None,
    };
    match translated {
        Some(instead) => Written::Instead(instead),
        None if changes_nothing(command, server) => Written::Nothing,
        None => Written::AsIs,
    }
}

/// Whether a command leaves the data as it is. Nobody knows of one that is in no table.
fn changes_nothing(command: &[&[u8]], server: Server) -> bool {
    let Some(row) = resolve(command).row() else { return false };
    match row.effect {
        Effect::Write | Effect::Indirect => false,
        Effect::Read => true,
        // Where EVALSHA is logged, so are the scripts that it calls.
        Effect::Control => !(row.name.starts_with("script") && server.logs_scripts()),
    }
}

fn text(argument: &[u8]) -> Option<i64> {
    std::str::from_utf8(argument).ok()?.parse().ok()
}

/// The time so many seconds after `start`, in milliseconds; `None` where a server refuses it.
fn in_seconds(argument: &[u8], start: i64) -> Option<i64> {
    text(argument)?.checked_mul(1000)?.checked_add(start)
}

fn in_milliseconds(argument: &[u8], start: i64) -> Option<i64> {
    text(argument)?.checked_add(start)
}

fn number(value: i64) -> Vec<u8> {
    value.to_string().into_bytes()
}

fn with_expiry(key: &[u8], value: &[u8], at: i64) -> Vec<Vec<u8>> {
    vec![b"SET".to_vec(), key.to_vec(), value.to_vec(), b"PXAT".to_vec(), number(at)]
}

/// A command whose second argument is a time, under the name of the one that takes milliseconds of Unix time.
fn expiring(name: &[u8], arguments: &[&[u8]], at: i64) -> Vec<Vec<u8>> {
    let mut instead = vec![name.to_vec()];
    instead.extend(arguments.iter().map(|argument| argument.to_vec()));
    if let Some(time) = instead.get_mut(2) {
        *time = number(at);
    }
    instead
}

/// The time that an option and its argument name.
fn time_option(option: &[u8], time: &[u8], now: i64) -> Option<i64> {
    match option.to_ascii_uppercase().as_slice() {
        b"EX" => in_seconds(time, now),
        b"PX" => in_milliseconds(time, now),
        b"EXAT" => in_seconds(time, 0),
        b"PXAT" => in_milliseconds(time, 0),
        _ => None,
    }
}

/// The first time among options, and the index of its word.
fn find_time(options: &[&[u8]], now: i64) -> Option<(usize, i64)> {
    let pairs = options.windows(2).enumerate();
    pairs.into_iter().find_map(|(index, pair)| match pair {
        [option, time] => Some((index, time_option(option, time, now)?)),
        _ => None,
    })
}

/// With a time, servers write `SET key value PXAT time` alone: the conditions were met. Without, they leave out `GET`.
fn set(key: &[u8], value: &[u8], options: &[&[u8]], now: i64) -> Option<Vec<Vec<u8>>> {
    if let Some((_, at)) = find_time(options, now) {
        return Some(with_expiry(key, value, at));
    }
    let is_get = |option: &&&[u8]| option.eq_ignore_ascii_case(b"GET");
    options.iter().find(is_get)?;
    let kept = options.iter().filter(|option| !is_get(option)).map(|option| option.to_vec());
    Some([b"SET".to_vec(), key.to_vec(), value.to_vec()].into_iter().chain(kept).collect())
}

fn getex(key: &[u8], options: &[&[u8]], now: i64) -> Written {
    if let Some((_, at)) = find_time(options, now) {
        return Written::Instead(vec![b"PEXPIREAT".to_vec(), key.to_vec(), number(at)]);
    }
    match options {
        [option] if option.eq_ignore_ascii_case(b"PERSIST") => {
            Written::Instead(vec![b"PERSIST".to_vec(), key.to_vec()])
        }
        _ => Written::Nothing,
    }
}

fn hgetex(key: &[u8], options: &[&[u8]], now: i64) -> Written {
    let Some(fields) = options.iter().position(|word| word.eq_ignore_ascii_case(b"FIELDS")) else {
        return Written::Nothing;
    };
    let (options, fields) = options.split_at(fields);
    let fields = fields.iter().map(|field| field.to_vec());
    if let Some((_, at)) = find_time(options, now) {
        let head = [b"HPEXPIREAT".to_vec(), key.to_vec(), number(at)];
        return Written::Instead(head.into_iter().chain(fields).collect());
    }
    match options {
        [option] if option.eq_ignore_ascii_case(b"PERSIST") => {
            let head = [b"HPERSIST".to_vec(), key.to_vec()];
            Written::Instead(head.into_iter().chain(fields).collect())
        }
        _ => Written::Nothing,
    }
}

/// A command with one of its options, within a range of them, as `PXAT`.
fn absolute_option(head: &[&[u8]], options: &[&[u8]], range: std::ops::Range<usize>, now: i64) -> Option<Vec<Vec<u8>>> {
    let (index, at) = find_time(options.get(range.clone())?, now)?;
    let index = range.start + index;
    let mut instead: Vec<Vec<u8>> = head.iter().chain(options).map(|word| word.to_vec()).collect();
    *instead.get_mut(head.len() + index)? = b"PXAT".to_vec();
    *instead.get_mut(head.len() + index + 1)? = number(at);
    Some(instead)
}

fn restore(
    name: &[u8],
    (key, time, payload): (&[u8], &[u8], &[u8]),
    options: &[&[u8]],
    now: i64,
) -> Option<Vec<Vec<u8>>> {
    let is_absolute = options.iter().any(|option| option.eq_ignore_ascii_case(b"ABSTTL"));
    let time = text(time).filter(|time| *time > 0 && !is_absolute)?.checked_add(now)?;
    let head = [name.to_ascii_uppercase(), key.to_vec(), number(time), payload.to_vec()];
    let options = options.iter().map(|option| option.to_vec());
    Some(head.into_iter().chain(options).chain([b"ABSTTL".to_vec()]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_700_000_000_123;

    /// What is written for a line, as a line.
    fn line(line: &str) -> String {
        let command: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
        match written(&command, NOW, Server::default()) {
            Written::Nothing => "-".to_owned(),
            Written::AsIs => "=".to_owned(),
            Written::Instead(words) => {
                words.iter().map(|word| String::from_utf8_lossy(word).into_owned()).collect::<Vec<_>>().join(" ")
            }
        }
    }

    #[test]
    fn relative_times_become_absolute() {
        for (given, expected) in [
            ("SET k v", "="),
            ("set k v ex 10", "SET k v PXAT 1700000010123"),
            ("SET k v NX PX 5 GET", "SET k v PXAT 1700000000128"),
            ("SET k v EXAT 1800000000", "SET k v PXAT 1800000000000"),
            ("SET k v PXAT 7", "SET k v PXAT 7"),
            ("SET k v XX GET", "SET k v XX"),
            ("SET k v KEEPTTL", "="),
            ("SETEX k 3 v", "SET k v PXAT 1700000003123"),
            ("PSETEX k 3 v", "SET k v PXAT 1700000000126"),
            ("EXPIRE k 3", "PEXPIREAT k 1700000003123"),
            ("EXPIRE k 3 NX", "PEXPIREAT k 1700000003123 NX"),
            ("PEXPIRE k -1", "PEXPIREAT k 1700000000122"),
            ("EXPIREAT k 3", "PEXPIREAT k 3000"),
            ("PEXPIREAT k 3", "="),
            ("GETEX k EX 1", "PEXPIREAT k 1700000001123"),
            ("GETEX k PERSIST", "PERSIST k"),
            ("GETEX k", "-"),
            ("HEXPIRE h 1 GT FIELDS 2 a b", "HPEXPIREAT h 1700000001123 GT FIELDS 2 a b"),
            ("HPEXPIRE h 1 FIELDS 1 a", "HPEXPIREAT h 1700000000124 FIELDS 1 a"),
            ("HEXPIREAT h 1 FIELDS 1 a", "HPEXPIREAT h 1000 FIELDS 1 a"),
            ("HGETEX h EX 1 FIELDS 1 EX", "HPEXPIREAT h 1700000001123 FIELDS 1 EX"),
            ("HGETEX h PERSIST FIELDS 1 a", "HPERSIST h FIELDS 1 a"),
            ("HGETEX h FIELDS 2 EX 1", "-"),
            ("HSETEX h FNX EX 1 FIELDS 1 EX 2", "HSETEX h FNX PXAT 1700000001123 FIELDS 1 EX 2"),
            ("HSETEX h KEEPTTL FIELDS 1 EX 2", "="),
            ("MSETEX 1 EX 5 NX EX 1", "MSETEX 1 EX 5 NX PXAT 1700000001123"),
            ("MSETEX 1 EX 5", "="),
            ("RESTORE k 5 payload REPLACE", "RESTORE k 1700000000128 payload REPLACE ABSTTL"),
            ("RESTORE k 0 payload", "="),
            ("RESTORE k 5 payload ABSTTL", "="),
            // A server refuses these.
            ("EXPIRE k 9223372036854775807", "="),
            ("EXPIRE k x", "="),
        ] {
            assert_eq!(line(given), expected, "{given}");
        }
    }

    #[test]
    fn what_changes_nothing_is_left_out() {
        for given in
            ["GET k", "PING", "PUBLISH c m", "REPLCONF ACK 1", "XRANGE s - +", "SCRIPT LOAD x", "SELECT 1", "MULTI"]
        {
            assert_eq!(line(given), "-", "{given}");
        }
        for given in ["EVAL script 0", "PFCOUNT k", "FUNCTION LOAD x", "FLUSHALL", "JSON.SET k . 1", "NOSUCH"] {
            assert_eq!(line(given), "=", "{given}");
        }
        let script: &[&[u8]] = &[b"SCRIPT", b"LOAD", b"return 1"];
        assert_eq!(written(script, NOW, Server::Redis62), Written::AsIs);
        assert_eq!(written(&[], NOW, Server::default()), Written::Nothing);
    }
}
