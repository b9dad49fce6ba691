//! What the official checkers, `redis-check-aof` and `valkey-check-aof`, say about the bytes of a part.
//!
//! A model of the tools of Redis 6.2.14, 7.0.15 and 8.0.6 and of Valkey 8.1.1 and 9.1.2. Those of 7.0 and later read
//! RESP alike to the byte; 6.2 knows neither annotations nor manifests. Whatever [`resp::parse`](crate::resp::parse)
//! accepts every checker accepts too, so sound records are skipped at its speed, and only where it refuses are the
//! tools' reads (`fgets`, `strtol`, `fread`) followed byte by byte.

mod complaint;
mod preamble;
mod rdb_reason;
mod scan;

pub use complaint::{Complaint, ComplaintKind};
pub use preamble::{PreambleEnd, check_preamble};

use crate::Server;
use crate::aof::manifest;
use scan::{End, Scan, strtol};

/// The server whose `redis-check-aof` the program imitates under that name.
pub const REDIS_CHECK_AOF: Server = Server::Redis80;
/// The server whose `valkey-check-aof` the program imitates under that name.
pub const VALKEY_CHECK_AOF: Server = Server::Valkey9;

/// A line that a tool prints to standard output; may hold newlines, but not its last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// Verbatim.
    Plain(Vec<u8>),
    /// Through the server's log: after the process's id, a letter for its role, the local time and a mark.
    Log {
        /// `*` for a notice, `#` for a warning.
        mark: char,
        /// The text after the mark.
        text: Vec<u8>,
    },
}

/// Where the model starts to read, and what the tool would know by then.
///
/// The bytes before it must be records that [`resp::parse`](crate::resp::parse) accepts and annotations, with every
/// `MULTI` and `EXEC` in its place: a scan that has come this far need not be done again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resume {
    /// The index of the next record.
    pub position: usize,
    /// The end of the last whole record outside a transaction: `position`, or the start of the `MULTI` that is open.
    pub valid_up_to: usize,
    /// The tool's line counter: 1, and one more for each CRLF that it has read (so `1 + 2 × arguments` a command; none
    /// for an annotation). It runs on from part to part.
    pub lines: u64,
    /// Whether a transaction is open.
    pub open_multi: bool,
}

impl Resume {
    /// Before the record at `start`: 0, or the end of an RDB preamble. `lines` is 1 for the first part of a log and
    /// [`Verdict::ok_up_to_line`] of the part before for any other.
    pub const fn at(start: usize, lines: u64) -> Self {
        Self { position: start, valid_up_to: start, lines, open_multi: false }
    }
}

impl Default for Resume {
    fn default() -> Self {
        Self::at(0, 1)
    }
}

/// What a checker finds in one part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The part's size in bytes.
    pub size: u64,
    /// Where `--fix` would cut: the end of the last record that the tool accepts outside an open transaction.
    pub ok_up_to: u64,
    /// The tool's line counter where it stopped, which is where [`Verdict::ok_up_to`] is only if all is well.
    pub ok_up_to_line: u64,
    /// The line that it prints before its summary, if any. A file that is cut right before a `*` or `$` line has none.
    pub complaint: Option<Complaint>,
    /// Neither a command nor an annotation starts where it stopped (`AOF … format error`; 6.2 complains of the prefix
    /// instead).
    pub format_error: bool,
    /// The real tool dies here; the rest of the verdict is what it would say if the memory were there.
    pub crash: Option<Crash>,
}

impl Verdict {
    /// Whether the tool calls the part valid. An empty one is, except to 6.2.
    pub const fn valid(&self) -> bool {
        self.size == self.ok_up_to
    }

    /// The lines that the tool of `server` prints about the part, down to its summary (`AOF analyzed: …`); `name` is
    /// the part as the manifest or the command line names it, `path` where it is (see [`Complaint::line`]).
    pub fn lines(&self, server: Server, name: &[u8], path: &[u8]) -> Vec<Vec<u8>> {
        let is_62 = server == Server::Redis62;
        let mut lines = self.findings(server, name, path);
        let mut summary = b"AOF analyzed: ".to_vec();
        if !is_62 {
            summary.extend_from_slice(&[b"filename=", name, b", "].concat());
        }
        let Self { size, ok_up_to, ok_up_to_line, .. } = self;
        let difference = size - ok_up_to;
        let numbers = format!("size={size}, ok_up_to={ok_up_to}, ok_up_to_line={ok_up_to_line}, diff={difference}");
        summary.extend_from_slice(numbers.as_bytes());
        lines.push(summary);
        lines
    }

    /// The same without the summary, which the tool leaves out when it has looked for a timestamp in a valid part.
    pub fn findings(&self, server: Server, name: &[u8], path: &[u8]) -> Vec<Vec<u8>> {
        let mut lines = Vec::new();
        if self.format_error {
            lines.push([b"AOF ", name, b" format error"].concat());
        }
        match &self.complaint {
            Some(complaint) if server == Server::Redis62 => lines.push(complaint.line_without_name()),
            Some(complaint) => lines.push(complaint.line(path)),
            None => {}
        }
        lines
    }
}

/// A length that kills the real tool: it allocates what an argument claims to have before it reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Crash {
    /// The offset of the `$` line.
    pub offset: u64,
    /// The length in it.
    pub length: i64,
}

/// What `--truncate-to-timestamp` makes of a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cut {
    /// No annotation is later than the timestamp: the part is judged as ever. (Where it is valid, the tool says
    /// `Truncate nothing` rather than its summary.)
    Nothing(Verdict),
    /// A `#TS:` annotation that is later.
    Later {
        /// Where it starts, which is where the real tool cuts.
        offset: u64,
        /// The end of the last whole record outside a transaction: before `offset` if a transaction is open there, and
        /// cutting at `offset` would leave a part that is not valid.
        valid_up_to: u64,
    },
    /// A `#TS:` annotation that is not a number: the tool gives up.
    Invalid {
        /// Where it starts.
        offset: u64,
    },
}

/// What the checker of `server` says about `bytes`, a whole part (its RDB preamble included, after which it starts).
///
/// ```
/// use aofkit::check::official::{Resume, check_resp};
/// let log = b"*1\r\n$4\r\nPING\r\n*2\r\n$3\r\nGET\r\n$5\r\nabc";
/// let verdict = check_resp(log, Resume::default(), aofkit::Server::Redis80);
/// assert_eq!((verdict.valid(), verdict.ok_up_to), (false, 14));
/// let line = verdict.complaint.unwrap().line(b"appendonly.aof");
/// assert_eq!(line, b"0x              1f: Expected to read 7 bytes, got 3 bytes");
/// ```
pub fn check_resp(bytes: &[u8], start: Resume, server: Server) -> Verdict {
    let mut scan = Scan::new(bytes, start, server, None);
    scan.run();
    scan.into_verdict()
}

/// What `--truncate-to-timestamp` with this timestamp, in unix seconds, makes of `bytes`. To the tools, 0 means no
/// timestamp.
///
/// The tool of 6.2 does not have the option; its answer is that of 7.0.
pub fn cut_to_timestamp(bytes: &[u8], start: Resume, server: Server, timestamp: i64) -> Cut {
    let server = if server == Server::Redis62 { Server::Redis70 } else { server };
    let mut scan = Scan::new(bytes, start, server, (timestamp != 0).then_some(timestamp));
    match scan.run() {
        End::Stopped => Cut::Nothing(scan.into_verdict()),
        End::LaterTimestamp { offset, valid_up_to } => {
            Cut::Later { offset: offset as u64, valid_up_to: valid_up_to as u64 }
        }
        End::InvalidTimestamp { offset } => Cut::Invalid { offset: offset as u64 },
    }
}

/// The timestamp that `--truncate-to-timestamp` takes an argument for; `None` where the tool calls it invalid. Nothing
/// is 0.
pub fn timestamp_argument(text: &[u8]) -> Option<i64> {
    let number = strtol(text);
    number.value.filter(|_| number.length == text.len())
}

/// The bytes before the first NUL.
fn c_string(bytes: &[u8]) -> &[u8] {
    memchr::memchr(0, bytes).and_then(|end| bytes.get(..end)).unwrap_or(bytes)
}

/// What a checker takes a file for, by its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// A manifest of a multi-part log.
    Manifest,
    /// A RESP file after an RDB preamble, or a bare RDB.
    Rdb,
    /// RESP, and everything that it does not recognise.
    Resp,
}

/// What the checker of `server` takes these bytes, a whole file, for.
///
/// It knows an RDB by `REDIS` alone: a Valkey 9 base, which begins with `VALKEY`, is RESP to every one of them.
pub fn file_kind(bytes: &[u8], server: Server) -> FileKind {
    if manifest::official_is_manifest(bytes, server) {
        FileKind::Manifest
    } else if bytes.len() >= 8 && bytes.starts_with(b"REDIS") {
        FileKind::Rdb
    } else {
        FileKind::Resp
    }
}

#[cfg(test)]
mod tests;
