//! The records of one RESP part, in order.

use std::fmt;

use memchr::memchr;

use super::transaction::{Control, Membership, Misplaced, Opening, Tracker};
use crate::escape::Escaped;
use crate::plural::counted;
use crate::rdb;
use crate::resp::{self, Defect, Field, Problem, Sink};

/// The maximum length of an annotation that checkers and servers read as one line, including the line end
/// (`char buf[1024]` and `fgets`).
pub const ANNOTATION_LIMIT: usize = 1023;

/// The beginning of an annotation with a time in Unix seconds.
pub const TIMESTAMP: &[u8] = b"#TS:";

/// Damage of a part, at which reading stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Damage {
    /// The offset of the first wrong byte; for a part that ends early, its end.
    pub offset: u64,
    /// The offset of the record it is in.
    pub record_offset: u64,
    /// The number of that record, from 1.
    pub record: u64,
    /// What is wrong.
    pub kind: DamageKind,
}

/// The kinds of [`Damage`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DamageKind {
    /// The bytes end inside a record.
    Truncated {
        /// The field that is cut.
        field: Field,
        /// The number of missing bytes of the field, if known.
        missing: Option<u64>,
    },
    /// The bytes are wrong.
    Malformed {
        /// The field that is wrong.
        field: Field,
        /// What is wrong with it.
        problem: Problem,
    },
    /// Neither a command nor an annotation starts here.
    NoRecord {
        /// The byte there.
        found: u8,
    },
    /// An annotation longer than [`ANNOTATION_LIMIT`]: checkers and servers read the rest as a record.
    LongAnnotation,
}

/// The damage as a clause for a message with a file and an offset. A quoted byte is escaped.
impl fmt::Display for DamageKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated { field, missing: Some(missing) } => {
                write!(f, "the file ends inside {field}, {} too early", counted(*missing, "byte"))
            }
            Self::Truncated { field, missing: None } => write!(f, "the file ends inside {field}"),
            Self::Malformed { field, problem } => write!(f, "{field} is malformed: {problem}"),
            Self::NoRecord { found } => {
                write!(f, "expected a record ('*' or '#'), found '{}'", Escaped(&[*found]))
            }
            Self::LongAnnotation => write!(
                f,
                "the annotation is longer than {ANNOTATION_LIMIT} bytes, and what follows them is read as a record"
            ),
        }
    }
}

/// The content of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content<'r, 'a> {
    /// A command: its name and its other arguments; never empty.
    Command(&'r [&'a [u8]]),
    /// A line that begins with `#`, without its line end.
    Annotation(&'a [u8]),
}

/// One record of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'r, 'a> {
    /// The absolute offset in its file.
    pub offset: u64,
    /// Its length in bytes.
    pub length: u64,
    /// Its number in the part, from 1; annotations count.
    pub number: u64,
    /// Its content.
    pub content: Content<'r, 'a>,
    /// Its relation to transactions.
    pub membership: Membership,
    /// Set if it is a misplaced control command.
    pub misplaced: Option<Misplaced>,
}

impl Record<'_, '_> {
    /// The offset after it.
    pub fn end(&self) -> u64 {
        self.offset + self.length
    }
}

/// Reads the records of one part; never changes, prints or skips anything.
///
/// ```
/// let log = b"*1\r\n$5\r\nMULTI\r\n*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n*1\r\n$4\r\nEX";
/// let mut reader = aofkit::aof::Reader::new(log, 0);
/// while let Some(Ok(record)) = reader.next_record() {
///     println!("record {} at byte {}", record.number, record.offset);
/// }
/// assert_eq!(reader.position(), 42, "the end of the last whole record");
/// assert_eq!(reader.valid_up_to(), 0, "an unfinished transaction does not count");
/// ```
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    position: usize,
    arguments: Vec<&'a [u8]>,
    transactions: Tracker,
    records: u64,
    last_command_end: Option<u64>,
}

impl<'a> Reader<'a> {
    /// A reader of `bytes`, which is a whole file; its first record starts at `start` (0, or after an RDB preamble).
    pub fn new(bytes: &'a [u8], start: usize) -> Self {
        Self {
            bytes,
            position: start,
            arguments: Vec::new(),
            transactions: Tracker::default(),
            records: 0,
            last_command_end: None,
        }
    }

    /// A reader of `bytes`, which is a whole file; its first record follows the RDB preamble, if there is one.
    ///
    /// # Errors
    /// The first damage in the RDB, after which nobody knows where the records begin.
    pub fn after_preamble(bytes: &'a [u8]) -> Result<Self, rdb::Damage> {
        let mut start = 0;
        if rdb::is_rdb(bytes) {
            let mut walker = rdb::Walker::new(bytes, 0);
            walker.by_ref().try_for_each(|item| item.map(drop))?;
            start = usize::try_from(walker.position()).unwrap_or(bytes.len());
        }
        Ok(Self::new(bytes, start))
    }

    /// The next record; `None` at the end of the part. Damage is returned again by every further call.
    pub fn next_record(&mut self) -> Option<Result<Record<'_, 'a>, Damage>> {
        let offset = self.position;
        let number = self.records + 1;
        self.arguments.clear();
        let (end, annotation) = match record_at(self.bytes, offset, number, &mut self.arguments)? {
            Ok(Outline { end, annotation }) => (end, annotation),
            Err(damage) => return Some(Err(damage)),
        };
        self.position = end;
        self.records = number;
        let (mut membership, mut misplaced) = (self.transactions.membership(), None);
        if annotation.is_none()
            && let Some(control) = self.arguments.first().and_then(|name| Control::from_name(name))
        {
            let opening = Opening { offset: offset as u64, record: number, command_end_before: self.last_command_end };
            (membership, misplaced) = self.transactions.control(control, opening);
        }
        if annotation.is_none() {
            self.last_command_end = Some(end as u64);
        }
        let content = annotation.map_or(Content::Command(&self.arguments), Content::Annotation);
        let (offset, length) = (offset as u64, (end - offset) as u64);
        Some(Ok(Record { offset, length, number, content, membership, misplaced }))
    }

    /// Where the next record starts.
    pub fn position(&self) -> u64 {
        self.position as u64
    }

    /// The number of records that were read.
    pub fn records(&self) -> u64 {
        self.records
    }

    /// The end of the last whole record outside an open transaction.
    pub fn valid_up_to(&self) -> u64 {
        self.transactions.open().map_or(self.position as u64, |opening| opening.offset)
    }

    /// The end of the last command; annotations do not count.
    pub fn last_command_end(&self) -> Option<u64> {
        self.last_command_end
    }

    /// The transactions so far.
    pub fn transactions(&self) -> &Tracker {
        &self.transactions
    }
}

/// Whether a whole file has nothing of a log in it, so that it was probably given by mistake. A cut would empty it.
///
/// It does not begin with an RDB, a command or zeros, and nothing near its start looks like a command; or it is an
/// archive, which may contain a log.
pub fn is_no_log(bytes: &[u8]) -> bool {
    const HEAD: usize = 64 << 10;
    if rdb::is_rdb(bytes) || bytes.starts_with(TIMESTAMP) {
        return false;
    }
    let mut reader = Reader::new(bytes, 0);
    loop {
        match reader.next_record() {
            Some(Ok(Record { content: Content::Annotation(_), .. })) => {}
            Some(Err(Damage { kind: DamageKind::NoRecord { found }, .. })) if found != 0 => break,
            _ => return false,
        }
    }
    let head = bytes.get(..HEAD).unwrap_or(bytes);
    is_archive(bytes) || !head.windows(4).any(|line| matches!(line, [b'\r', b'\n', b'$' | b'*', b'0'..=b'9']))
}

/// Whether a file begins like an archive: tar (whose magic follows the first name), zip, 7z, xz, bzip2, lz4.
fn is_archive(bytes: &[u8]) -> bool {
    const MARKS: [&[u8]; 5] = [b"PK\x03\x04", b"7z\xbc\xaf\x27\x1c", b"\xfd7zXZ\0", b"BZh", b"\x04\x22\x4d\x18"];
    bytes.get(257..).is_some_and(|rest| rest.starts_with(b"ustar")) || MARKS.iter().any(|mark| bytes.starts_with(mark))
}

/// The end and the kind of a record, whose arguments, if it is a command, went to the sink.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Outline<'a> {
    pub(crate) end: usize,
    /// The line of an annotation, without its line end; `None` for a command.
    pub(crate) annotation: Option<&'a [u8]>,
}

/// Reads the record at `at`, whose number is `number`; `None` at the end of the part.
///
/// Every reader of records goes through here; only the models of the checkers and of the servers have rules of their
/// own.
#[inline]
pub(crate) fn record_at<'a>(
    bytes: &'a [u8],
    at: usize,
    number: u64,
    arguments: &mut impl Sink<'a>,
) -> Option<Result<Outline<'a>, Damage>> {
    Some(match *bytes.get(at)? {
        b'*' => match resp::parse(bytes, at, arguments) {
            Ok(end) => Ok(Outline { end, annotation: None }),
            Err(defect) => Err(damage(bytes, at, number, defect)),
        },
        b'#' => match annotation(bytes, at) {
            Some((end, line)) => Ok(Outline { end, annotation: Some(line) }),
            None => Err(Damage {
                offset: (at + ANNOTATION_LIMIT) as u64,
                record_offset: at as u64,
                record: number,
                kind: DamageKind::LongAnnotation,
            }),
        },
        found => {
            let at = at as u64;
            Err(Damage { offset: at, record_offset: at, record: number, kind: DamageKind::NoRecord { found } })
        }
    })
}

/// The annotation at `start`: the index after it, and the line without its line end. `None` if it is too long.
///
/// A line without a line end at the end of the file counts as whole, as for checkers and servers.
fn annotation(bytes: &[u8], start: usize) -> Option<(usize, &[u8])> {
    let rest = bytes.get(start..)?;
    let line = rest.get(..ANNOTATION_LIMIT).unwrap_or(rest);
    match memchr(b'\n', line) {
        Some(index) => {
            let text = line.get(..index)?;
            Some((start + index + 1, text.strip_suffix(b"\r").unwrap_or(text)))
        }
        None if line.len() == rest.len() => Some((bytes.len(), line)),
        None => None,
    }
}

/// The Unix seconds of a `#TS:` annotation, which is given without its line end.
pub fn timestamp(annotation: &[u8]) -> Option<i64> {
    std::str::from_utf8(annotation.strip_prefix(TIMESTAMP)?).ok()?.parse().ok()
}

/// Converts a parser's defect to damage of a part.
#[cold]
fn damage(bytes: &[u8], offset: usize, record: u64, defect: Defect) -> Damage {
    let (at, kind) = match defect {
        Defect::Truncated { field, missing } => (bytes.len(), DamageKind::Truncated { field, missing }),
        Defect::Malformed { at, field, problem } => (at, DamageKind::Malformed { field, problem }),
    };
    Damage { offset: at as u64, record_offset: offset as u64, record, kind }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::command;

    fn read(bytes: &[u8]) -> (Vec<(u64, u64, Membership)>, Option<Damage>, u64) {
        let mut reader = Reader::new(bytes, 0);
        let mut records = Vec::new();
        let mut damage = None;
        while let Some(next) = reader.next_record() {
            match next {
                Ok(record) => records.push((record.offset, record.length, record.membership)),
                Err(found) => {
                    damage = Some(found);
                    break;
                }
            }
        }
        (records, damage, reader.valid_up_to())
    }

    #[test]
    fn annotations_count_as_records_and_keep_their_transaction() {
        let log = [b"#TS:1700000000\r\n".to_vec(), command(&["MULTI"]), b"#x\n".to_vec(), command(&["exec"])].concat();
        let (records, damage, valid) = read(&log);
        let memberships: Vec<_> = records.iter().map(|record| record.2).collect();
        assert_eq!(memberships, [Membership::Outside, Membership::Opens, Membership::Inside, Membership::Closes]);
        assert_eq!((damage, valid), (None, log.len() as u64));
    }

    #[test]
    fn an_annotation_may_take_1023_bytes_and_no_more() {
        let line = |length: usize| [b"#".as_slice(), &vec![b'x'; length - 2], b"\n"].concat();
        let whole = [line(1023), command(&["PING"])].concat();
        assert_eq!(read(&whole).1, None);
        let long = [line(1024), command(&["PING"])].concat();
        let damage = read(&long).1.unwrap();
        assert_eq!((damage.offset, damage.kind), (1023, DamageKind::LongAnnotation));
        assert_eq!(read(&vec![b'#'; 1023]).1, None, "cut by the end of the file");
    }

    #[test]
    fn the_first_record_follows_an_rdb_preamble() {
        let rdb = b"REDIS0003\xff";
        let log = [rdb.as_slice(), &command(&["PING"])].concat();
        let mut reader = Reader::after_preamble(&log).unwrap();
        assert_eq!(reader.next_record().unwrap().unwrap().offset, 10);
        assert_eq!(Reader::after_preamble(&log[10..]).unwrap().position(), 0);
        assert_eq!(Reader::after_preamble(&rdb[..9]).unwrap_err().offset, 9);
    }

    #[test]
    fn an_unfinished_transaction_is_not_valid() {
        let set = command(&["SET", "k", "v"]);
        let log = [set.clone(), command(&["MULTI"]), set.clone()].concat();
        let (records, damage, valid) = read(&log);
        assert_eq!((records.len(), damage, valid), (3, None, set.len() as u64));
    }

    #[test]
    fn zeros_are_no_record() {
        let log = [command(&["PING"]), vec![0; 10]].concat();
        let damage = read(&log).1.unwrap();
        assert_eq!((damage.offset, damage.record, damage.kind), (14, 2, DamageKind::NoRecord { found: 0 }));
    }

    #[test]
    fn what_has_nothing_of_a_log_in_it_is_none() {
        for text in ["hello", "# Title\n\nText\n", "PK\u{3}\u{4}", "#!/bin/sh\necho '*3' '$1'\n"] {
            assert!(is_no_log(text.as_bytes()), "{text:?}");
        }
        let behind_garbage = [b"x".as_slice(), &command(&["PING"])].concat();
        let cut = &command(&["PING"])[..3];
        for log in [b"".as_slice(), b"\0\0", b"#TS:1\r\nx", b"# only a line", b"REDIS0011x", cut, &behind_garbage] {
            assert!(!is_no_log(log), "{log:?}");
        }
    }

    #[test]
    fn timestamps_are_whole_seconds() {
        assert_eq!(timestamp(b"#TS:1700000000"), Some(1_700_000_000));
        assert_eq!(timestamp(b"#TS:17x"), None);
        assert_eq!(timestamp(b"#HDR:v1;len:3;"), None);
    }
}
