//! Real servers to compare with, on a unix socket each, and a client that is just good enough for them.
//!
//! `AOFKIT_SERVERS` names a folder that holds `redis-6.2`, `redis-7.0`, `redis-8.0.6`, `valkey-8.1`, `valkey-9.1` …, each
//! with a `bin` inside. Without the variable there is nothing to compare with; with it a missing server is a failure.
#![allow(dead_code, reason = "each integration test is a crate of its own and uses a part of this")]
#![allow(clippy::expect_used, clippy::panic, clippy::print_stderr, reason = "helpers of tests fail as tests do")]

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// What the library distinguishes, and the folder of the server that stands for it.
pub(crate) const SERVERS: [(aofkit::Server, &str); 7] = [
    (aofkit::Server::Redis62, "redis-6.2"),
    (aofkit::Server::Redis70, "redis-7.0"),
    (aofkit::Server::Redis80, "redis-8.0.6"),
    (aofkit::Server::Redis82, "redis-8.2"),
    (aofkit::Server::Redis86, "redis-8.6"),
    (aofkit::Server::Valkey8, "valkey-8.1"),
    (aofkit::Server::Valkey9, "valkey-9.1"),
];

/// Every release that there is to compare with, and the line that stands for it.
pub(crate) const RELEASES: [(aofkit::Server, &str); 9] = [
    (aofkit::Server::Redis62, "redis-6.2"),
    (aofkit::Server::Redis70, "redis-7.0"),
    (aofkit::Server::Redis80, "redis-8.0"),
    (aofkit::Server::Redis80, "redis-8.0.6"),
    (aofkit::Server::Redis82, "redis-8.2"),
    (aofkit::Server::Redis86, "redis-8.6"),
    (aofkit::Server::Valkey8, "valkey-8.0"),
    (aofkit::Server::Valkey8, "valkey-8.1"),
    (aofkit::Server::Valkey9, "valkey-9.1"),
];

const START: Duration = Duration::from_secs(20);
const ANSWER: Duration = Duration::from_secs(30);

/// The folder of `server` (`redis-8.0.6`) under `AOFKIT_SERVERS`, or `None`, and a line that says so, if that is unset.
pub(crate) fn folder(server: &str) -> Option<PathBuf> {
    let Some(servers) = std::env::var_os("AOFKIT_SERVERS") else {
        eprintln!("skipped: AOFKIT_SERVERS is not set, so there is no {server} to compare with");
        return None;
    };
    let folder = PathBuf::from(servers).join(server);
    assert!(folder.join("bin").is_dir(), "AOFKIT_SERVERS is set, but there is no {}", folder.join("bin").display());
    Some(folder)
}

/// The folder of the server that stands for `server`; see [`folder`].
pub(crate) fn folder_of(server: aofkit::Server) -> Option<PathBuf> {
    SERVERS.iter().find(|(known, _)| *known == server).and_then(|(_, name)| folder(name))
}

/// The program that ends in `-NAME` of a server's folder, such as `server` or `check-aof`.
pub(crate) fn program(folder: &Path, name: &str) -> PathBuf {
    ["redis", "valkey"]
        .iter()
        .map(|kind| folder.join("bin").join(format!("{kind}-{name}")))
        .find(|path| path.exists())
        .unwrap_or_else(|| panic!("{} holds no {name}", folder.display()))
}

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

/// A running server with an empty keyspace and no persistence; it is killed when dropped.
pub(crate) struct Server {
    process: Child,
    connection: BufReader<UnixStream>,
    directory: TempDir,
}

impl Server {
    /// Starts `name`, a folder's name such as `redis-8.0.6`; `None`, and a line that says so, if there are no servers.
    pub(crate) fn start(name: &str) -> Option<Self> {
        Self::start_with(name, &[])
    }

    /// Like [`Server::start`], with further words of the command line: `["--appendonly", "yes"]`.
    pub(crate) fn start_with(name: &str, options: &[&str]) -> Option<Self> {
        let folder = folder(name)?;
        let directory = tempfile::Builder::new().prefix("aofkit").tempdir().expect("a temporary directory");
        let socket = directory.path().join("s");
        let mut process = Command::new(program(&folder, "server"))
            // A server opens its log before it changes to its directory.
            .current_dir(directory.path())
            // SORT … ALPHA compares as the locale says.
            .env("LC_ALL", "C")
            .args(["--port", "0", "--save", "", "--logfile", "server.log", "--unixsocket"])
            .arg(&socket)
            .arg("--dir")
            .arg(directory.path())
            .args(options)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("a server that starts");
        let begin = Instant::now();
        let stream = loop {
            if let Ok(stream) = UnixStream::connect(&socket) {
                break stream;
            }
            let over = process.try_wait().expect("a child to wait for").is_some();
            if over || begin.elapsed() > START {
                let _ = process.kill();
                let _ = process.wait();
                let log = std::fs::read_to_string(directory.path().join("server.log")).unwrap_or_default();
                panic!("{name} did not start:\n{log}");
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        stream.set_read_timeout(Some(ANSWER)).expect("a socket with a timeout");
        Some(Self { process, connection: BufReader::new(stream), directory })
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

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
