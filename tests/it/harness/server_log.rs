//! Servers that write a log, and load given logs.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use aofkit::Server;

use super::server::{RealServer, Reply};
use super::servers::release;

const OPTIONS: &[&str] = &[
    "--appendonly",
    "yes",
    "--aof-use-rdb-preamble",
    "no",
    "--appendfsync",
    "no",
    "--auto-aof-rewrite-percentage",
    "0",
    "--hz",
    "100",
    "--lazyfree-lazy-user-flush",
    "no",
    "--rdb-key-save-delay",
    "0",
];

/// A part of a log: its kind in a manifest, and its bytes.
pub(crate) type Part<'a> = (char, &'a [u8]);

impl RealServer {
    /// Starts the release that corresponds to a server of the library, with a log.
    #[track_caller]
    pub(crate) fn logging(server: Server) -> Self {
        Self::logging_release(release(server))
    }

    /// Starts a release, with a log.
    #[track_caller]
    pub(crate) fn logging_release(release: &str) -> Self {
        let mut options = OPTIONS.to_vec();
        if release != "redis-6.2" {
            options.extend(["--enable-debug-command", "yes"]);
        }
        let mut real = Self::start_with(release, &options);
        real.call(&["DEBUG", "SET-ACTIVE-EXPIRE", "0"]);
        real
    }

    /// Whether its log is a single file, without a manifest.
    fn is_single(&self) -> bool {
        self.server == Server::Redis62
    }

    fn log_directory(&self) -> PathBuf {
        let directory = self.directory();
        if self.is_single() { directory.to_owned() } else { directory.join("appendonlydir") }
    }

    /// The log that it writes, from the start.
    pub(crate) fn log(&self) -> PathBuf {
        self.log_directory().join(if self.is_single() { "appendonly.aof" } else { "appendonly.aof.1.incr.aof" })
    }

    /// The size of the log, to which a server writes before it answers.
    pub(crate) fn log_size(&self) -> usize {
        usize::try_from(fs::metadata(self.log()).unwrap().len()).unwrap()
    }

    pub(crate) fn digest(&mut self) -> String {
        self.call(&["DEBUG", "DIGEST"]).text()
    }

    /// The code of every library.
    pub(crate) fn functions(&mut self) -> Vec<Vec<u8>> {
        if self.is_single() {
            return Vec::new();
        }
        let reply = self.call(&["FUNCTION", "LIST", "WITHCODE"]);
        let code = |library: &Reply| {
            let items = library.array();
            let at = items.iter().position(|item| *item == Reply::Bulk(b"library_code".to_vec())).unwrap();
            items[at + 1].bytes().to_vec()
        };
        let mut codes: Vec<_> = reply.array().iter().map(code).collect();
        codes.sort();
        codes
    }

    /// Replaces its log and loads it.
    pub(crate) fn load(&mut self, parts: &[Part<'_>]) -> String {
        let directory = self.log_directory();
        if !self.is_single() {
            self.call(&["FUNCTION", "FLUSH"]);
        }
        if self.is_single() {
            let whole: Vec<u8> = parts.iter().flat_map(|(_, bytes)| bytes.iter().copied()).collect();
            fs::write(self.log(), whole).unwrap();
        } else {
            for entry in fs::read_dir(&directory).unwrap() {
                fs::remove_file(entry.unwrap().path()).unwrap();
            }
            let mut manifest = String::new();
            for (index, (kind, bytes)) in parts.iter().enumerate() {
                let name = format!("part.{index}");
                fs::write(directory.join(&name), bytes).unwrap();
                manifest += &format!("file {name} seq {} type {kind}\n", index + 1);
            }
            fs::write(directory.join("appendonly.aof.manifest"), manifest).unwrap();
        }
        let reply = self.call(&["DEBUG", "LOADAOF"]);
        assert_eq!(reply, Reply::Simple("OK".to_owned()), "{}", self.last_words());
        self.digest()
    }

    /// The server's own rewrite of its data.
    pub(crate) fn rewritten(&mut self) -> Vec<u8> {
        let count = |real: &mut Self| {
            let text = real.call(&["INFO", "persistence"]).text();
            let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
            (field("aof_rewrite_in_progress:").unwrap(), field("aof_last_bgrewrite_status:").unwrap())
        };
        // The manifest, or the file of a server without one: a rewrite that has only been scheduled replaces neither.
        let replaced = if self.is_single() { self.log_directory().join("appendonly.aof") } else { self.manifest() };
        let identity = || fs::metadata(&replaced).ok().map(|metadata| (metadata.ino(), metadata.modified().ok()));
        let before = identity();
        self.call(&["BGREWRITEAOF"]);
        let deadline = Instant::now() + Duration::from_secs(20);
        while count(self).0 != "0" || identity() == before {
            assert!(Instant::now() < deadline, "the rewrite takes too long");
            std::thread::sleep(Duration::from_millis(2));
        }
        let manifest = fs::read_to_string(self.manifest()).unwrap_or_default();
        let base = manifest.lines().find(|line| line.ends_with("type b")).and_then(|line| line.split(' ').nth(1));
        fs::read(self.log_directory().join(base.unwrap_or("appendonly.aof"))).unwrap()
    }

    fn manifest(&self) -> PathBuf {
        self.log_directory().join("appendonly.aof.manifest")
    }

    /// An RDB of its data.
    pub(crate) fn save(&mut self) -> Vec<u8> {
        let begin = Instant::now();
        while self.call(&["SAVE"]) != Reply::Simple("OK".to_owned()) {
            assert!(begin.elapsed() < Duration::from_secs(20), "no RDB is written");
        }
        fs::read(self.directory().join("dump.rdb")).unwrap()
    }

    /// The value of a key, as text.
    fn show(&mut self, key: &[u8]) -> String {
        let kind = self.call(&[&b"TYPE"[..], key]).text();
        let ask: &[&[u8]] = match kind.as_str() {
            "string" => &[b"GET", key],
            "list" => &[b"LRANGE", key, b"0", b"-1"],
            "set" => &[b"SMEMBERS", key],
            "hash" => &[b"HGETALL", key],
            "zset" => &[b"ZRANGE", key, b"0", b"-1", b"WITHSCORES"],
            "stream" => &[b"XRANGE", key, b"-", b"+"],
            _ => return kind,
        };
        let value = readable(&self.call(ask));
        format!("{kind}, ttl {:?}: {value}", self.call(&[&b"PTTL"[..], key]))
    }

    /// The keys of each database, with the digests and the texts of their values.
    pub(crate) fn keys(&mut self) -> Vec<(u32, Vec<u8>, String, String)> {
        let mut keys = Vec::new();
        for database in 0..16 {
            self.call(&["SELECT", &database.to_string()]);
            let names = self.call(&["KEYS", "*"]);
            for name in names.array() {
                let digest = readable(&self.call(&[&b"DEBUG"[..], b"DIGEST-VALUE", name.bytes()]).array()[0]);
                let shown = self.show(name.bytes());
                keys.push((database, name.bytes().to_vec(), digest, shown));
            }
        }
        self.call(&["SELECT", "0"]);
        keys
    }
}

fn readable(reply: &Reply) -> String {
    match reply {
        Reply::Simple(text) | Reply::Error(text) => text.clone(),
        Reply::Integer(number) => number.to_string(),
        Reply::Bulk(bytes) => bytes.escape_ascii().to_string(),
        Reply::Array(items) => format!("[{}]", items.iter().map(readable).collect::<Vec<_>>().join(", ")),
        Reply::Null => "null".to_owned(),
    }
}
