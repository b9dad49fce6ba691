//! What is in the bytes that a repair removes.

use memchr::memmem;

use crate::aof::{Content, Reader};
use crate::resp::{self, Sink};

/// The most command names that are listed.
const NAMES: usize = 8;
/// A name is kept up to this many bytes.
const NAME_LIMIT: usize = 32;

/// A summary of the bytes that are removed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Removed {
    /// Whole records before the damage: those of a transaction that is not finished.
    pub whole: u64,
    /// Whether a record is cut or wrong after them.
    pub broken: bool,
    /// Whole commands found after that record, where the bytes make sense again: what a cut costs.
    pub behind: u64,
    /// Whether the count of [`Removed::behind`] was stopped before the end, so there may be more.
    pub at_least: bool,
    /// The first different names among all those records, and how often each occurs.
    pub names: Vec<(Vec<u8>, u64)>,
}

impl Removed {
    /// Looks at the bytes of a part from `cut`, a record's start, to its end.
    pub fn of(bytes: &[u8], cut: u64) -> Self {
        let mut removed = Self::default();
        let Ok(cut) = usize::try_from(cut) else { return removed };
        let mut reader = Reader::new(bytes, cut);
        while let Some(Ok(record)) = reader.next_record() {
            removed.whole += 1;
            if let Content::Command([name, ..]) = record.content {
                removed.note(name);
            }
        }
        let damaged = usize::try_from(reader.position()).unwrap_or(usize::MAX);
        removed.broken = damaged < bytes.len();
        removed.look_behind(bytes, damaged.saturating_add(1));
        removed
    }

    /// Counts the commands that start on a line of their own after the damage.
    fn look_behind(&mut self, bytes: &[u8], mut from: usize) {
        // Bytes that were made to look like many long commands, none whole, must not cost more than a few passes.
        let mut budget = bytes.len().saturating_sub(from).saturating_mul(2).saturating_add(1000);
        while let Some(found) = bytes.get(from..).and_then(|rest| memmem::find(rest, b"\n*")) {
            let mut start = from + found + 1;
            let mut command = Counted::default();
            while let Ok(end) = resp::parse(bytes, start, &mut command) {
                self.behind += 1;
                self.note(command.head.name);
                start = end;
                command = Counted::default();
                if bytes.get(start) != Some(&b'*') {
                    break;
                }
            }
            from = start;
            budget = budget.saturating_sub(command.arguments.saturating_mul(6));
            if budget == 0 {
                self.at_least = true;
                return;
            }
        }
    }

    fn note(&mut self, name: &[u8]) {
        let name = name.get(..NAME_LIMIT).unwrap_or(name).to_ascii_uppercase();
        if let Some((_, count)) = self.names.iter_mut().find(|(known, _)| *known == name) {
            *count += 1;
        } else if self.names.len() < NAMES {
            self.names.push((name, 1));
        }
    }
}

/// A command's head, and the arguments met on the way to a defect.
#[derive(Default)]
struct Counted<'a> {
    head: resp::Head<'a>,
    arguments: usize,
}

impl<'a> Sink<'a> for Counted<'a> {
    fn push(&mut self, argument: &'a [u8]) {
        self.head.push(argument);
        self.arguments += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::command;

    #[test]
    fn tells_the_transaction_from_the_damage_and_what_comes_behind() {
        let set = command(&["SET", "k", "v"]);
        let log = [command(&["MULTI"]), set.clone(), b"*3\r\n$9garbage\r\n".to_vec(), set.clone(), set].concat();
        let removed = Removed::of(&log, 0);
        assert_eq!((removed.whole, removed.broken, removed.behind, removed.at_least), (2, true, 2, false));
        assert_eq!(removed.names, [(b"MULTI".to_vec(), 1), (b"SET".to_vec(), 3)]);
    }

    #[test]
    fn gives_up_on_bytes_made_to_cost_time() {
        // Each line is the start of a command that goes on to the end and is not whole.
        let nested = b"\n*900000\r\n".iter().chain(&b"$0\r\n\r\n".repeat(20)).copied().collect::<Vec<u8>>();
        let log = [b"x".to_vec(), nested.repeat(2000)].concat();
        let removed = Removed::of(&log, 0);
        assert_eq!((removed.whole, removed.behind), (0, 0));
    }
}
