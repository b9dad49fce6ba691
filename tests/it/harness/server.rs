//! A running server, and a minimal client.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use aofkit::Server;
use tempfile::TempDir;

use super::servers::{Process, server_of};

/// The maximum time for a server to start or to answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// A reply of a server, in RESP2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reply {
    Simple(String),
    Error(String),
    Integer(i64),
    Bulk(Vec<u8>),
    Array(Vec<Reply>),
    Null,
}

impl Reply {
    /// The elements of an array.
    #[track_caller]
    pub(crate) fn array(&self) -> &[Reply] {
        match self {
            Self::Array(elements) => elements,
            other => panic!("not an array: {other:?}"),
        }
    }

    /// The bytes of a simple or bulk string.
    #[track_caller]
    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Self::Simple(text) => text.as_bytes(),
            Self::Bulk(bytes) => bytes,
            other => panic!("not a string: {other:?}"),
        }
    }

    /// A simple or bulk string as text.
    #[track_caller]
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(self.bytes()).into_owned()
    }

    /// An integer.
    #[track_caller]
    pub(crate) fn integer(&self) -> i64 {
        match self {
            Self::Integer(number) => *number,
            other => panic!("not an integer: {other:?}"),
        }
    }
}

/// A running server with an empty keyspace; it is killed when dropped.
pub(crate) struct RealServer {
    _process: Process,
    connection: BufReader<UnixStream>,
    directory: TempDir,
    /// The corresponding server of the library.
    pub(crate) server: Server,
}

impl RealServer {
    /// Starts a release, such as `redis-8.0.6`, without persistence.
    #[track_caller]
    pub(crate) fn start(release: &str) -> Self {
        Self::start_with(release, &[])
    }

    /// Like [`RealServer::start`], with further words of the command line: `["--appendonly", "yes"]`.
    #[track_caller]
    pub(crate) fn start_with(release: &str, options: &[&str]) -> Self {
        let directory = tempfile::Builder::new().prefix("aofkit").tempdir().expect("a temporary directory");
        let mut process = Process::server(release, directory.path(), options);
        let begin = Instant::now();
        let stream = loop {
            if let Ok(stream) = UnixStream::connect(directory.path().join("s")) {
                break stream;
            }
            if process.0.try_wait().expect("a child to wait for").is_some() || begin.elapsed() > PATIENCE {
                let log = std::fs::read_to_string(directory.path().join("server.log")).unwrap_or_default();
                panic!("{release} did not start:\n{log}");
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket with a timeout");
        Self { _process: process, connection: BufReader::new(stream), directory, server: server_of(release) }
    }

    /// A server that has loaded the log in a data directory, and writes on to it.
    ///
    /// With `everysec`, a write waits as long as the disk is busy, and a server that is killed then loses it.
    #[track_caller]
    pub(crate) fn start_on(release: &str, directory: &Path) -> Self {
        let mut options = vec!["--appendonly", "yes", "--appendfsync", "no", "--dir", directory.to_str().unwrap()];
        if release != "redis-6.2" {
            options.extend(["--enable-debug-command", "yes"]);
        }
        let mut server = Self::start_with(release, &options);
        while matches!(server.call(&["DBSIZE"]), Reply::Error(text) if text.starts_with("LOADING")) {
            std::thread::yield_now();
        }
        server
    }

    /// Where the server keeps its files.
    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Sends one command and reads its reply; an error is a reply too.
    #[track_caller]
    pub(crate) fn call<A: AsRef<[u8]>>(&mut self, arguments: &[A]) -> Reply {
        self.send(&request(arguments));
        self.reply()
    }

    /// Sends commands at once, which must not be too many for the socket, and reads their replies.
    #[track_caller]
    pub(crate) fn call_all<A: AsRef<[u8]>>(&mut self, commands: &[Vec<A>]) -> Vec<Reply> {
        self.send(&commands.iter().flat_map(|command| request(command)).collect::<Vec<_>>());
        commands.iter().map(|_| self.reply()).collect()
    }

    fn send(&mut self, request: &[u8]) {
        self.connection.get_mut().write_all(request).expect("a server that reads");
    }

    /// The end of its log.
    pub(crate) fn last_words(&self) -> String {
        let log = std::fs::read(self.directory().join("server.log")).unwrap_or_default();
        let text = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = text.lines().collect();
        let mark =
            lines.iter().position(|line| line.contains("BUG REPORT START") || line.contains("crashed by signal"));
        let from = mark.unwrap_or(lines.len()).min(lines.len().saturating_sub(12));
        lines.get(from..(from + 40).min(lines.len())).unwrap_or_default().join("\n")
    }

    #[track_caller]
    fn reply(&mut self) -> Reply {
        let mut line = String::new();
        // A server that crashes may hang in its crash handler.
        let read = self.connection.read_line(&mut line);
        let whole = line.strip_suffix("\r\n").filter(|_| read.is_ok());
        let line = whole.unwrap_or_else(|| panic!("the server is gone:\n{}", self.last_words()));
        let (kind, rest) = line.split_at(1);
        let number = || rest.parse::<i64>().expect("a number");
        match kind {
            "+" => Reply::Simple(rest.to_owned()),
            "-" => Reply::Error(rest.to_owned()),
            ":" => Reply::Integer(number()),
            "$" => usize::try_from(number()).map_or(Reply::Null, |length| {
                let mut bytes = vec![0; length + 2];
                self.connection.read_exact(&mut bytes).expect("a whole string");
                bytes.truncate(length);
                Reply::Bulk(bytes)
            }),
            "*" => usize::try_from(number())
                .map_or(Reply::Null, |length| Reply::Array((0..length).map(|_| self.reply()).collect())),
            other => panic!("{other:?} begins no reply"),
        }
    }
}

/// A command as clients send it.
fn request<A: AsRef<[u8]>>(arguments: &[A]) -> Vec<u8> {
    let mut request = format!("*{}\r\n", arguments.len()).into_bytes();
    for argument in arguments {
        let argument = argument.as_ref();
        request.extend_from_slice(format!("${}\r\n", argument.len()).as_bytes());
        request.extend_from_slice(argument);
        request.extend_from_slice(b"\r\n");
    }
    request
}
