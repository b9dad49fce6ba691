//! Commands whose names were damaged, though their records are whole: no server knows such a command, and one that
//! loads the log exits there.
//!
//! A name that differs in one byte from that of one command alone, which takes as many arguments, is put right. One
//! that has bytes which no name has, or that may have been any of several, goes with its record. Any other name may be
//! that of a module's command, or one that a configuration has given a command (`rename-command`): it stays.

use std::ops::Range;

use super::{Cause, Gap};
use crate::aof::{Content, Reader};
use crate::check::scan::{Anomaly, Scan};
use crate::command::{self, Command};
use crate::repair::Edit;
use crate::server::Server;

/// The record of a command whose name is damaged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct WrongName {
    record: Range<usize>,
    name: Vec<u8>,
    /// The byte that must be another one, and which, if that is certain.
    right: Option<(usize, u8)>,
}

/// Whether a run has commands that no server knows.
pub(super) fn are_in(scan: &Scan) -> bool {
    scan.anomalies.iter().any(|(anomaly, _)| matches!(anomaly, Anomaly::UnknownCommand(name) if is_unknown(name)))
}

fn is_unknown(name: &[u8]) -> bool {
    command::lookup(name).is_none()
}

/// The damaged names in a run of whole records.
pub(super) fn find(bytes: &[u8], run: Range<usize>, server: Server) -> Vec<WrongName> {
    let mut reader = Reader::new(bytes.get(..run.end).unwrap_or(bytes), run.start);
    let mut found = Vec::new();
    while let Some(Ok(record)) = reader.next_record() {
        let Content::Command([name, rest @ ..]) = record.content else { continue };
        if !is_unknown(name) {
            continue;
        }
        let candidates = candidates(name, rest.len() + 1, server);
        let right = match candidates.as_slice() {
            [] if name.iter().all(u8::is_ascii_graphic) => continue,
            [one] => Some(*one),
            _ => None,
        };
        let index = |offset: u64| usize::try_from(offset).unwrap_or(bytes.len());
        let record = index(record.offset)..index(record.end());
        // The name is the first argument: its bytes stand after the lines with the count and its own length.
        let text = bytes.get(record.clone()).unwrap_or_default();
        let lines = memchr::memchr_iter(b'\n', text).nth(1).map(|end| record.start + end + 1);
        let right = right.zip(lines).map(|((index, byte), start)| (start + index, byte));
        found.push(WrongName { record, name: name.to_vec(), right });
    }
    found
}

/// The commands of a log from which a name differs in one byte: which byte that is, and what it is there. If some
/// differ in one bit, only those.
fn candidates(name: &[u8], arguments: usize, server: Server) -> Vec<(usize, u8)> {
    let may_be_logged = |row: &&Command| {
        !row.is_subcommand()
            && row.servers.contains(server)
            && row.arity.fits(server, arguments)
            && (row.effect.may_write() || matches!(row.name, "multi" | "exec" | "select"))
    };
    let others: Vec<(usize, u8)> =
        command::all().filter(may_be_logged).filter_map(|row| difference(name, row.name.as_bytes())).collect();
    let is_bit = |(index, byte): &&(usize, u8)| name.get(*index).is_some_and(|found| (found ^ byte).is_power_of_two());
    let bits: Vec<(usize, u8)> = others.iter().filter(is_bit).copied().collect();
    if bits.is_empty() { others } else { bits }
}

/// The byte by which a name differs from another, in lower case, and what it should be in the case of the name.
fn difference(name: &[u8], other: &[u8]) -> Option<(usize, u8)> {
    if name.len() != other.len() {
        return None;
    }
    let differ = |(_, (found, right)): &(usize, (&u8, &u8))| !found.eq_ignore_ascii_case(right);
    let mut places = name.iter().zip(other).enumerate().filter(differ);
    let (index, (_, right)) = places.next()?;
    let is_lower = name.iter().enumerate().any(|(place, byte)| place != index && byte.is_ascii_lowercase());
    let right = if is_lower { *right } else { right.to_ascii_uppercase() };
    places.next().is_none().then_some((index, right))
}

/// A copy of a part in which these names are right, and the records with the others cannot be read.
pub(super) fn repaired(bytes: &[u8], wrong: &[WrongName]) -> Vec<u8> {
    let mut copy = bytes.to_vec();
    for WrongName { record, right, .. } in wrong {
        match right {
            Some((index, byte)) => copy.get_mut(*index).into_iter().for_each(|place| *place = *byte),
            None => copy.get_mut(record.clone()).unwrap_or_default().fill(0xff),
        }
    }
    copy
}

/// Adds what was done about names to what else is wrong with a part.
pub(super) fn add(wrong: Vec<WrongName>, bytes: &[u8], gaps: &mut Vec<Gap>) {
    for WrongName { record, name, right } in wrong {
        let gap = gaps.iter_mut().find(|gap| gap.edit.range.contains(&(record.start as u64)));
        match (gap, right) {
            // It goes with its transaction.
            (Some(_), Some(_)) | (None, None) => {}
            (Some(gap), None) => {
                let cause = Cause::WrongName { offset: record.start as u64, name };
                let is_it = |cause: &Cause| cause.offset() == record.start as u64;
                match gap.causes.iter_mut().find(|cause| is_it(cause)) {
                    Some(place) => *place = cause,
                    None => gap.causes.push(cause),
                }
            }
            (None, Some((index, right))) => {
                let (offset, found) = (index as u64, bytes.get(index).copied().unwrap_or_default());
                let edit = Edit { range: offset..offset + 1, inserted: vec![right] };
                let causes = vec![Cause::WrongByte { offset, found, right }];
                gaps.push(Gap::new(edit, causes));
            }
        }
    }
    gaps.sort_by_key(|gap| gap.edit.range.start);
}

#[cfg(test)]
mod tests {
    use crate::repair::salvage::{Options, salvage};
    use crate::repair::write_edited;
    use crate::testing::command;
    use crate::testing::random::Random;

    fn command_of(words: &[&[u8]]) -> Vec<u8> {
        let mut out = Vec::new();
        crate::resp::write_command(&mut out, words);
        out
    }

    fn salvaged(log: &[u8]) -> (Vec<u8>, Vec<String>) {
        let salvage = salvage(log, 0, Options::default());
        let mut out = Vec::new();
        write_edited(log, &salvage.edits(), &mut out).unwrap();
        (out, salvage.gaps.iter().flat_map(|gap| &gap.causes).map(|cause| cause.name().to_owned()).collect())
    }

    #[test]
    fn a_name_that_can_only_have_been_one_is_put_right() {
        let select: &[&[u8]] = &[b"SELECT", b"3"];
        for (right, wrong) in [
            (&[&b"SET"[..], b"k", b"v"][..], &b"SEV"[..]),
            (&[b"del", b"k"], b"d\xe5l"),
            (&[b"RPUSH", b"k", b"v"], b"ZPUSH"),
            (select, b"SELEBT"),
            (&[b"MULTI"], b"MULTH"),
        ] {
            let after = if right == [b"MULTI"] { command(&["EXEC"]) } else { command(&["SET", "b", "1"]) };
            let log = |name: &[u8]| {
                let wrong = command_of(&[&[name], &right[1..]].concat());
                [command(&["SET", "a", "1"]), wrong, command(&["DEL", "c"]), after.clone()].concat()
            };
            assert_eq!(salvaged(&log(wrong)), (log(right[0]), vec!["wrong-byte".to_owned()]));
        }
    }

    #[test]
    fn a_name_that_cannot_be_one_goes_with_its_record_and_its_transaction() {
        let (before, after) = (command(&["SET", "a", "1"]), command(&["SET", "b", "1"]));
        let bad = command_of(&[&b"\xff\x00T"[..], b"k", b"v"]);
        let (mended, causes) = salvaged(&[&before[..], &bad, &after].concat());
        assert_eq!((mended, causes), ([&before[..], &after].concat(), vec!["wrong-name".to_owned()]));
        let transaction = [command(&["MULTI"]), bad, after.clone(), command(&["EXEC"])].concat();
        let (mended, _) = salvaged(&[&before[..], &transaction, &after].concat());
        assert_eq!(mended, [&before[..], &after].concat());
    }

    #[test]
    fn commands_of_modules_and_renamed_ones_stay() {
        let log = [command(&["JSON.SET", "k", ".", "1"]), command(&["xyzzy"]), command(&["FT.ADD", "k"])].concat();
        assert_eq!(salvaged(&log), (log.clone(), vec![]));
    }
    #[test]
    fn what_is_left_needs_no_second_salvage() {
        // Where one record with a damaged name is gone, another is read that was part of it.
        let log = include_bytes!("../../../testdata/salvage/damaged-names.aof");
        let (mended, _) = salvaged(log);
        assert_eq!(salvaged(&mended), (mended, vec![]));
        let mut random = Random(3);
        for _ in 0..3000 {
            let mut log = Vec::new();
            for _ in 0..12 {
                let inner = command_of(&[b"S\xffT", b"k", &command(&["SET", "a", "1"])]);
                let name = random.pick(&[&b"SET"[..], b"SET", b"\r\n*", b"MUL\x80I", b"EXEC", b"MULTI"]);
                log.extend(match random.below(3) {
                    0 => command_of(&[b"SET", b"key", &inner]),
                    1 => command_of(&[name]),
                    _ => command_of(&[name, b"key", b"value"]),
                });
            }
            for _ in 0..random.below(6) {
                let at = random.below(log.len() - 12);
                match random.below(3) {
                    0 => drop(log.drain(at..at + random.below(12_usize))),
                    1 => log[at..at + 3].fill(random.next().to_le_bytes()[0]),
                    _ => log[at] ^= 1 << random.below(8),
                }
            }
            let (mended, _) = salvaged(&log);
            assert_eq!(salvaged(&mended), (mended, vec![]), "{}", log.escape_ascii());
        }
    }
}
