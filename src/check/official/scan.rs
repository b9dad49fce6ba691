//! The reads of the checkers: records that the strict parser accepts at once, the others as C does them.

use memchr::memchr;

use super::{Complaint, ComplaintKind, Crash, Resume, Verdict, c_string};
use crate::Server;
use crate::aof::ANNOTATION_LIMIT;
use crate::aof::transaction::Control;
use crate::resp::{self, Head, Sink};

/// What `fgets` puts into `char buf[128]` at most.
const LINE_LIMIT: usize = 127;
/// From here on no allocation succeeds: an x86-64 process has 2^47 bytes of addresses.
const ADDRESS_SPACE: i64 = 1 << 47;

/// Why [`Scan::run`] came back.
pub(super) enum End {
    /// At the end of the part, or at what the tool does not accept.
    Stopped,
    /// At an annotation later than the timestamp that was asked for.
    LaterTimestamp { offset: usize, valid_up_to: usize },
    /// At an invalid timestamp.
    InvalidTimestamp { offset: usize },
}

/// The state of the tool, with its own variables.
pub(super) struct Scan<'a> {
    bytes: &'a [u8],
    server: Server,
    timestamp: Option<i64>,
    position: usize,
    valid_up_to: usize,
    lines: u64,
    open_multi: bool,
    /// `epos`: where the last read began. Unknown right after a record that the strict parser took, and at the start.
    read_from: ReadFrom,
    complaint: Option<Complaint>,
    format_error: bool,
    crash: Option<Crash>,
    /// The file's end was met while reading (`feof`).
    end_of_file: bool,
}

/// Where the last read of the tool began.
#[derive(Clone, Copy)]
enum ReadFrom {
    /// At this offset.
    Offset(usize),
    /// At the last payload of the strict record that starts at this offset.
    LastPayload(usize),
    /// Somewhere before the resumption.
    Before,
}

/// The tool stops at this record.
struct Stop;

impl<'a> Scan<'a> {
    pub(super) fn new(bytes: &'a [u8], start: Resume, server: Server, timestamp: Option<i64>) -> Self {
        Self {
            bytes,
            server,
            timestamp,
            position: start.position.min(bytes.len()),
            valid_up_to: start.valid_up_to.min(bytes.len()),
            lines: start.lines,
            open_multi: start.open_multi,
            read_from: ReadFrom::Before,
            complaint: None,
            format_error: false,
            crash: None,
            end_of_file: false,
        }
    }

    pub(super) fn into_verdict(self) -> Verdict {
        Verdict {
            size: self.bytes.len() as u64,
            ok_up_to: self.valid_up_to as u64,
            ok_up_to_line: self.lines,
            complaint: self.complaint,
            format_error: self.format_error,
            crash: self.crash,
        }
    }

    pub(super) fn run(&mut self) -> End {
        loop {
            if !self.open_multi {
                self.valid_up_to = self.position;
            }
            let Some(&first) = self.bytes.get(self.position) else {
                self.end_of_file = true;
                if self.server == Server::Redis62 {
                    self.read_from = ReadFrom::Offset(self.position);
                }
                break;
            };
            if first == b'*' && self.sound_record() {
                continue;
            }
            if first == b'*' || self.server == Server::Redis62 {
                if self.record().is_err() {
                    break;
                }
            } else if first == b'#' {
                if let Some(end) = self.annotation() {
                    return end;
                }
            } else {
                self.format_error = true;
                break;
            }
        }
        if self.end_of_file && self.open_multi && self.complaint.is_none() {
            let offset = self.last_read_from();
            self.complaint = Some(Complaint { offset: offset as u64, kind: ComplaintKind::OpenMulti });
        }
        End::Stopped
    }

    /// Takes a record that every checker accepts, and says whether it was one.
    #[inline]
    fn sound_record(&mut self) -> bool {
        let mut head = Head::default();
        let Ok(end) = resp::parse(self.bytes, self.position, &mut head) else { return false };
        if matches!(head.name.first(), Some(b'M' | b'm' | b'E' | b'e'))
            && let Some(opens) = opens_transaction(head.name)
        {
            if opens == self.open_multi {
                return false;
            }
            self.open_multi = opens;
        }
        self.lines += 1 + 2 * u64::from(head.count);
        self.read_from = ReadFrom::LastPayload(self.position);
        self.position = end;
        true
    }

    /// `processAnnotations`: a line, as far as it is read at once.
    fn annotation(&mut self) -> Option<End> {
        let offset = self.position;
        let line = self.line(ANNOTATION_LIMIT);
        self.read_from = ReadFrom::Offset(offset);
        self.position += line.len();
        let timestamp = self.timestamp?;
        let digits = c_string(line).strip_prefix(b"#TS:")?;
        match strtol(digits) {
            Number { value: Some(value), length } if digits.get(length) == Some(&b'\r') => {
                (value > timestamp).then_some(End::LaterTimestamp { offset, valid_up_to: self.valid_up_to })
            }
            _ => Some(End::InvalidTimestamp { offset }),
        }
    }

    /// `processRESP`: a record, step by step.
    fn record(&mut self) -> Result<(), Stop> {
        let count = self.number(b'*')?;
        for index in 0..count {
            let payload = self.argument()?;
            if index == 0
                && let Some(opens) = opens_transaction(payload)
            {
                if opens == self.open_multi {
                    // A second MULTI, or an EXEC too many.
                    self.open_multi = true;
                    return self.complain(if opens { ComplaintKind::Multi } else { ComplaintKind::Exec });
                }
                self.open_multi = opens;
            }
        }
        Ok(())
    }

    /// `readString`: a length, and the payload with its CRLF.
    fn argument(&mut self) -> Result<&'a [u8], Stop> {
        let line_offset = self.position;
        let length = self.number(b'$')?;
        let is_62 = self.server == Server::Redis62;
        if !is_62 && !(0..=i64::MAX - 2).contains(&length) {
            return self.complain(ComplaintKind::Length(length));
        }
        let wanted = length.wrapping_add(2);
        if !(0..ADDRESS_SPACE).contains(&wanted) {
            self.crash = Some(Crash { offset: line_offset as u64, length });
        }
        self.read_from = ReadFrom::Offset(self.position);
        let rest = self.bytes.get(self.position..).unwrap_or_default();
        let read = usize::try_from(wanted).ok().and_then(|wanted| rest.get(..wanted));
        let Some(read) = read else {
            self.position = self.bytes.len();
            self.end_of_file = true;
            return self.complain(ComplaintKind::ShortRead { wanted, got: rest.len() as u64 });
        };
        self.position += read.len();
        // Where 6.2 takes a length of -1 or -2 for one, the line end begins before what it has allocated.
        let found = match read {
            [.., first, second] => [Some(*first), Some(*second)],
            [second] => [None, Some(*second)],
            [] => [None, None],
        };
        self.line_end(found)?;
        Ok(read.get(..read.len().saturating_sub(2)).unwrap_or_default())
    }

    /// `readLong`: `*` or `$`, a number, CRLF.
    fn number(&mut self, prefix: u8) -> Result<i64, Stop> {
        self.read_from = ReadFrom::Offset(self.position);
        let line = self.line(LINE_LIMIT);
        self.position += line.len();
        let Some((&first, rest)) = line.split_first() else {
            self.end_of_file = true;
            return Err(Stop);
        };
        // Only a newline or a full buffer keeps `fgets` from meeting the end.
        if !line.ends_with(b"\n") && line.len() < LINE_LIMIT {
            self.end_of_file = true;
        }
        if first != prefix {
            return self.complain(ComplaintKind::Prefix { expected: prefix, found: first });
        }
        let Number { value, length } = strtol(c_string(rest));
        // After the line stands the NUL of the C string, and after that whatever was there before.
        let byte = |index: usize| if index == rest.len() { Some(0) } else { rest.get(index).copied() };
        self.line_end([byte(length), byte(length + 1)])?;
        // The tools do not ask whether the number was too large.
        Ok(value.unwrap_or(if rest.get(..length).is_some_and(|digits| digits.contains(&b'-')) {
            i64::MIN
        } else {
            i64::MAX
        }))
    }

    /// `consumeNewline`.
    fn line_end(&mut self, found: [Option<u8>; 2]) -> Result<(), Stop> {
        if found == [Some(b'\r'), Some(b'\n')] {
            self.lines += 1;
            return Ok(());
        }
        self.complain(ComplaintKind::LineEnd { found })
    }

    /// `fgets`: up to a newline, which is included, or `limit` bytes.
    fn line(&self, limit: usize) -> &'a [u8] {
        let rest = self.bytes.get(self.position..).unwrap_or_default();
        let window = rest.get(..limit).unwrap_or(rest);
        memchr(b'\n', window).and_then(|newline| window.get(..=newline)).unwrap_or(window)
    }

    fn complain<T>(&mut self, kind: ComplaintKind) -> Result<T, Stop> {
        self.complaint = Some(Complaint { offset: self.last_read_from() as u64, kind });
        Err(Stop)
    }

    fn last_read_from(&self) -> usize {
        match self.read_from {
            ReadFrom::Offset(offset) => offset,
            ReadFrom::LastPayload(record) => last_payload(self.bytes, record),
            ReadFrom::Before => {
                // Nothing was read since the resumption, so the part ends there, inside the transaction.
                let mut scan = Scan::new(self.bytes, Resume::at(self.valid_up_to, 1), self.server, None);
                scan.run();
                scan.complaint
                    .map_or(self.position, |complaint| usize::try_from(complaint.offset).unwrap_or(usize::MAX))
            }
        }
    }
}

/// `strcasecmp` with `multi` and `exec`: whether the name is that of the command that opens a transaction, or of the
/// one that closes it.
///
/// A NUL ends the name.
fn opens_transaction(name: &[u8]) -> Option<bool> {
    match Control::from_name(c_string(name))? {
        Control::Multi => Some(true),
        Control::Exec => Some(false),
        Control::Discard => None,
    }
}

/// What `strtol` makes of a string.
pub(super) struct Number {
    /// `None` if the digits say more than fits.
    pub(super) value: Option<i64>,
    /// How many bytes it consumed: none without digits, and then the value is 0.
    pub(super) length: usize,
}

pub(super) fn strtol(text: &[u8]) -> Number {
    let spaces = text.iter().take_while(|&&byte| matches!(byte, b' ' | 0x09..=0x0d)).count();
    let negative = text.get(spaces) == Some(&b'-');
    let sign = usize::from(matches!(text.get(spaces), Some(b'-' | b'+')));
    let digits = text.get(spaces + sign..).unwrap_or_default();
    let count = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if count == 0 {
        return Number { value: Some(0), length: 0 };
    }
    let value = digits.iter().take(count).try_fold(0_i64, |value, byte| {
        let digit = i64::from(byte - b'0');
        value.checked_mul(10)?.checked_add(if negative { -digit } else { digit })
    });
    Number { value, length: spaces + sign + count }
}

/// Where the last payload of the sound record at `record` starts.
fn last_payload(bytes: &[u8], record: usize) -> usize {
    struct LastLength(usize);
    impl<'a> Sink<'a> for LastLength {
        fn push(&mut self, argument: &'a [u8]) {
            self.0 = argument.len();
        }
    }
    let mut last = LastLength(0);
    resp::parse(bytes, record, &mut last).map_or(record, |end| end.saturating_sub(2 + last.0))
}
