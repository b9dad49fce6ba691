//! Headers of commands that a scan need not parse again.

use memchr::memchr_iter;

use crate::aof::transaction::Control;
use crate::resp::{self, Head};
use crate::server::ServerSet;

/// Remembers headers that were found to be plain: a log has millions of records and a few dozen headers.
///
/// A header is the count, and the line and the bytes of the name: `*3 CRLF $3 CRLF SET CRLF`. It decides everything
/// that a scan needs to know about a plain command, so a record with a known header is not parsed again.
#[derive(Debug)]
pub(super) struct HeaderCache {
    slots: Box<[Header; HeaderCache::SLOTS]>,
    /// Spreads headers over the slots; another one is chosen when two headers that are used meet in one slot.
    multiplier: u64,
    /// How many more multipliers may be tried.
    attempts: u32,
}

/// The first 24 bytes of a command as three words, of which the header takes those that the mask covers.
#[derive(Debug, Clone, Copy, Default)]
struct Header {
    /// Bytes after the header are 0. All are 0 in an empty slot, and no command begins so.
    words: Words,
    masks: Words,
    kind: Kind,
    /// The servers that know the command.
    servers: ServerSet,
}

/// A command whose header is known to be plain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PlainHeader {
    /// How many arguments the command has.
    pub(super) count: u32,
    /// Where its second argument starts.
    pub(super) end: usize,
    /// The servers that know the command.
    pub(super) servers: ServerSet,
}

type Words = [u64; 3];

/// What a header says of its command.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Kind {
    /// The slot is empty.
    #[default]
    Empty,
    /// Plain; the count and the length of the name have one digit each, which are read faster than remembered.
    Short,
    /// Plain, with a longer count or name.
    Long {
        /// How many bytes the header has.
        length: u8,
        /// How many arguments the command has.
        count: u32,
    },
    /// A command that opens or closes a transaction, with a header of this many bytes.
    Control(Control, u8),
}

impl Header {
    const LIMIT: usize = 24;

    #[inline]
    fn words(bytes: &[u8], at: usize) -> Option<Words> {
        let head: &[u8; Self::LIMIT] = bytes.get(at..)?.first_chunk()?;
        let ([first, second, third], []) = head.as_chunks::<8>() else { return None };
        Some([u64::from_le_bytes(*first), u64::from_le_bytes(*second), u64::from_le_bytes(*third)])
    }

    fn is_empty(&self) -> bool {
        self.kind == Kind::Empty
    }
}

impl Default for HeaderCache {
    fn default() -> Self {
        Self { slots: Box::new([Header::default(); Self::SLOTS]), multiplier: 0x9e37_79b9_7f4a_7c15, attempts: 64 }
    }
}

impl HeaderCache {
    const SLOTS: usize = 256;

    /// The slot of the header that begins with these words: its first 13 bytes decide, and none has fewer.
    #[inline]
    fn slot(multiplier: u64, words: Words) -> usize {
        let mixed = (words[0] ^ words[1] << 24).wrapping_mul(multiplier);
        (mixed >> 56) as usize % Self::SLOTS
    }

    /// What is remembered of the header with these words.
    #[inline]
    fn find(&self, words: Words) -> (Kind, ServerSet) {
        let Some(known) = self.slots.get(Self::slot(self.multiplier, words)) else {
            return (Kind::Empty, ServerSet::ALL);
        };
        let differs = |(word, (mask, known)): (u64, (u64, u64))| word & mask ^ known;
        let pairs = words.into_iter().zip(known.masks.into_iter().zip(known.words));
        let difference = pairs.map(differs).fold(0, |all, word| all | word);
        (if difference == 0 { known.kind } else { Kind::Empty }, known.servers)
    }

    /// The header of the command at `at`, if it is known to be plain.
    #[inline]
    pub(super) fn plain(&self, bytes: &[u8], at: usize) -> Option<PlainHeader> {
        let words = Header::words(bytes, at)?;
        let (kind, servers) = self.find(words);
        let (count, end) = match kind {
            // The digits in `*3 CRLF $4`: the processor continues with them without waiting for the remembered header.
            Kind::Short => {
                let digit = |index: u32| (words[0] >> (8 * index) & 0xff) as u32 ^ u32::from(b'0');
                (digit(1), at + 10 + digit(5) as usize)
            }
            Kind::Long { length, count } => (count, at + usize::from(length)),
            Kind::Control(..) | Kind::Empty => return None,
        };
        Some(PlainHeader { count, end, servers })
    }

    /// The header of the command at `at`, and where the command ends, if its header is known to be plain and nothing is
    /// odd.
    #[inline]
    pub(super) fn plain_command(&self, bytes: &[u8], at: usize) -> Option<(PlainHeader, usize)> {
        let header = self.plain(bytes, at)?;
        Some((header, resp::skip_arguments(bytes, header.end, header.count - 1)?))
    }

    /// The control command at `at`, and where it ends, if its header is known to be that of one.
    #[inline]
    pub(super) fn control(&self, bytes: &[u8], at: usize) -> Option<(Control, usize)> {
        match self.find(Header::words(bytes, at)?).0 {
            Kind::Control(control, length) => Some((control, at + usize::from(length))),
            _ => None,
        }
    }

    /// Remembers the header of a plain or control command that these servers know, if it is short enough.
    pub(super) fn remember(
        &mut self,
        bytes: &[u8],
        at: usize,
        head: &Head<'_>,
        control: Option<Control>,
        servers: ServerSet,
    ) {
        let Some(words) = Header::words(bytes, at) else { return };
        // The second line end comes before the name.
        let lines = memchr_iter(b'\n', bytes.get(at..).unwrap_or_default()).nth(1).map_or(usize::MAX, |end| end + 1);
        let length = lines.saturating_add(head.name.len() + 2);
        let Some(short) = u8::try_from(length).ok().filter(|_| length <= Header::LIMIT) else { return };
        let mask = |index: usize| match length.saturating_sub(8 * index) {
            0 => 0,
            covered @ 1..8 => (1 << (8 * covered)) - 1,
            _ => u64::MAX,
        };
        let masks = [mask(0), mask(1), mask(2)];
        let words = [words[0] & masks[0], words[1] & masks[1], words[2] & masks[2]];
        let kind = match control {
            Some(control) => Kind::Control(control, short),
            None if lines == b"*3\r\n$4\r\n".len() => Kind::Short,
            None => Kind::Long { length: short, count: head.count },
        };
        self.insert(Header { words, masks, kind, servers });
    }

    /// Gives a header a slot of its own, as long as attempts are left; then it takes that of another one.
    fn insert(&mut self, header: Header) {
        let slot = Self::slot(self.multiplier, header.words);
        let met = self.slots.get(slot).is_some_and(|known| !known.is_empty() && known.words != header.words);
        let mut headers = vec![header];
        if met && self.attempts > 0 {
            headers.extend(self.slots.iter().filter(|known| !known.is_empty()));
            self.multiplier = self.multiplier_without_collisions(&headers);
            self.slots.fill(Header::default());
        }
        for header in headers.into_iter().rev() {
            if let Some(slot) = self.slots.get_mut(Self::slot(self.multiplier, header.words)) {
                *slot = header;
            }
        }
    }

    /// A multiplier that gives each header its own slot; the last one tried if none does.
    fn multiplier_without_collisions(&mut self, headers: &[Header]) -> u64 {
        let mut multiplier = self.multiplier;
        while self.attempts > 0 {
            self.attempts -= 1;
            // The constant of a generator of random numbers; odd, so that an odd multiplier stays odd.
            multiplier = multiplier.wrapping_mul(0x5851_f42d_4c95_7f2d);
            let mut taken = [false; Self::SLOTS];
            let mut takes = |header: &Header| {
                taken.get_mut(Self::slot(multiplier, header.words)).is_none_or(|taken| !std::mem::replace(taken, true))
            };
            if headers.iter().all(&mut takes) {
                break;
            }
        }
        multiplier
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::command;

    /// A command with a header of its own, and one argument more.
    fn record(index: usize) -> Vec<u8> {
        command(&[&format!("N{index:02}"), "some argument"])
    }

    fn remember(cache: &mut HeaderCache, record: &[u8]) {
        let mut head = Head::default();
        resp::parse(record, 0, &mut head).unwrap();
        cache.remember(record, 0, &head, None, ServerSet::ALL);
    }

    #[test]
    fn thirty_headers_are_remembered_at_once() {
        let mut cache = HeaderCache::default();
        let records: Vec<_> = (0..30).map(record).collect();
        for record in &records {
            remember(&mut cache, record);
        }
        for (index, record) in records.iter().enumerate() {
            let name = format!("N{index:02}").len();
            let header = PlainHeader { count: 2, end: 10 + name, servers: ServerSet::ALL };
            assert_eq!(cache.plain(record, 0), Some(header), "{index}");
        }
    }

    #[test]
    fn any_number_of_headers_costs_no_more_than_the_attempts() {
        let mut cache = HeaderCache::default();
        for index in 0..10_000 {
            let record = record(index);
            remember(&mut cache, &record);
            assert!(cache.plain(&record, 0).is_some(), "{index}");
        }
        assert_eq!(cache.attempts, 0);
    }
}
