//! Logs as Redis 7 writes them, the same for the same seed.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;
use aofkit::resp::write_command;
use clap::ValueEnum;

/// The approximate size of the pieces that are written.
const PIECE: usize = 1 << 20;

/// The expiry of keys, in Unix milliseconds: later than any comparison.
const FAR_FUTURE: u64 = 4_102_444_800_000;

/// The kinds of log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Workload {
    /// SET of 100 bytes over a million keys
    Small,
    /// Commands of many types with tiny arguments, some in transactions
    Mixed,
    /// SET of 1 KiB
    Large,
    /// RPUSH, SADD, ZADD and HSET of 64 items
    Collections,
    /// What redis-benchmark makes a server log, its commands in random order
    Benchmark,
    /// Sorted sets, hashes and streams, trimmed as they grow
    Heavy,
    /// 20,000 small sorted sets, as many hashes and 2,000 streams, trimmed as they grow
    Many,
    /// One sorted set, one hash and one stream, trimmed as they grow
    Hot,
}

impl Workload {
    /// Every kind.
    pub const ALL: [Self; 8] =
        [Self::Small, Self::Mixed, Self::Large, Self::Collections, Self::Benchmark, Self::Heavy, Self::Many, Self::Hot];

    /// Its name on the command line and in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Small => "small",
            Self::Mixed => "mixed",
            Self::Large => "large",
            Self::Collections => "collections",
            Self::Benchmark => "benchmark",
            Self::Heavy => "heavy",
            Self::Many => "many",
            Self::Hot => "hot",
        }
    }
}

/// The log of `size` bytes or a record more; reuses one of an earlier run.
pub fn log(directory: &Path, workload: Workload, size: u64, seed: u64) -> anyhow::Result<PathBuf> {
    let path = directory.join(format!("{}-{size}-{seed}.aof", workload.name()));
    if path.exists() {
        return Ok(path);
    }
    eprintln!("writing {} …", path.display());
    let unfinished = path.with_extension("unfinished");
    let mut file = File::create(&unfinished).with_context(|| format!("cannot write {}", unfinished.display()))?;
    let mut generator = Generator::new(seed);
    generator.command(&[b"SELECT", b"0"]);
    let mut written = 0;
    while written < size {
        while generator.out.len() < PIECE && written + (generator.out.len() as u64) < size {
            generator.step(workload);
        }
        file.write_all(&generator.out)?;
        written += generator.out.len() as u64;
        generator.out.clear();
    }
    file.sync_all()?;
    fs::rename(&unfinished, &path)?;
    Ok(path)
}

/// Random commands, appended to `out`.
struct Generator {
    out: Vec<u8>,
    state: u64,
    /// The text of which values are pieces.
    letters: Vec<u8>,
    /// Unix seconds, for annotations.
    clock: u64,
    /// Counts entries of streams.
    entry: u64,
}

impl Generator {
    fn new(seed: u64) -> Self {
        let mut generator = Self {
            out: Vec::with_capacity(2 * PIECE),
            state: seed,
            letters: Vec::new(),
            clock: 1_700_000_000,
            entry: 0,
        };
        let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        generator.letters = (0..1 << 16).map(|_| generator.pick(alphabet)).collect();
        generator
    }

    /// Splitmix64.
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit as u64).unwrap_or_default()
    }

    fn pick<T: Copy, const N: usize>(&mut self, from: &[T; N]) -> T {
        let index = self.below(N);
        from.get(index).copied().unwrap_or(from[0])
    }

    fn value(&mut self, length: usize) -> Vec<u8> {
        let start = self.below(self.letters.len() - length);
        self.letters.iter().skip(start).take(length).copied().collect()
    }

    fn numbered(&mut self, prefix: &str, limit: usize) -> Vec<u8> {
        format!("{prefix}{}", self.below(limit)).into_bytes()
    }

    fn command(&mut self, words: &[&[u8]]) {
        write_command(&mut self.out, words);
    }

    fn step(&mut self, workload: Workload) {
        match workload {
            Workload::Small => self.set(100),
            Workload::Large => self.set(1024),
            Workload::Collections => self.collection(),
            Workload::Benchmark => self.benchmark(),
            Workload::Heavy => self.heavy(),
            Workload::Many => self.many(),
            Workload::Hot => self.hot(),
            Workload::Mixed => match self.below(2000) {
                0 => {
                    self.clock += 1;
                    write_annotation(&mut self.out, self.clock);
                }
                1..60 => {
                    self.command(&[b"MULTI"]);
                    for _ in 0..2 + self.below(3) {
                        self.tiny();
                    }
                    self.command(&[b"EXEC"]);
                }
                _ => self.tiny(),
            },
        }
    }

    fn set(&mut self, length: usize) {
        let key = format!("key:{:012}", self.below(1_000_000));
        let value = self.value(length);
        self.command(&[b"SET", key.as_bytes(), &value]);
    }

    /// One command with a few short arguments, over a hundred thousand keys.
    fn tiny(&mut self) {
        const KEYS: usize = 100_000;
        let member = self.numbered("", 1000);
        match self.below(10) {
            0 => {
                let key = self.numbered("c:", KEYS);
                self.command(&[b"INCR", &key]);
            }
            1 | 2 => {
                let key = self.numbered("s:", KEYS);
                self.command(&[b"SET", &key, &member]);
            }
            3 => {
                let (key, time) = (self.numbered("s:", KEYS), FAR_FUTURE + self.below(1_000_000) as u64);
                self.command(&[b"PEXPIREAT", &key, time.to_string().as_bytes()]);
            }
            4 => {
                let key = self.numbered("l:", KEYS);
                self.command(&[b"RPUSH", &key, &member]);
            }
            5 => {
                let key = self.numbered("l:", KEYS);
                self.command(&[b"LPOP", &key]);
            }
            6 => {
                let key = self.numbered("u:", KEYS);
                self.command(&[b"SADD", &key, &member]);
            }
            7 => {
                let (key, field) = (self.numbered("h:", KEYS), self.numbered("f", 20));
                self.command(&[b"HSET", &key, &field, &member]);
            }
            8 => {
                let (key, score) = (self.numbered("z:", KEYS), self.numbered("", 10_000));
                self.command(&[b"ZADD", &key, &score, &member]);
            }
            _ => {
                let key = self.numbered("s:", KEYS);
                self.command(&[b"DEL", &key]);
            }
        }
    }

    /// One of the commands of redis-benchmark with `-r 100000`, as Redis logs it.
    fn benchmark(&mut self) {
        let number = self.below(100_000);
        let key = format!("key:{number:012}").into_bytes();
        let element = format!("element:{number:012}").into_bytes();
        match self.below(12) {
            0 => self.command(&[b"SET", &key, b"xxx"]),
            1 => self.command(&[b"INCR", format!("counter:{number:012}").as_bytes()]),
            2 | 3 => self.command(&[b"LPUSH", b"mylist", b"xxx"]),
            4 => self.command(&[b"RPUSH", b"mylist", b"xxx"]),
            5 => self.command(&[b"LPOP", b"mylist"]),
            6 => self.command(&[b"RPOP", b"mylist"]),
            7 => self.command(&[b"SADD", b"myset", &element]),
            8 => self.command(&[b"HSET", b"myhash", &element, b"xxx"]),
            9 => self.command(&[b"SREM", b"myset", &element]),
            10 => {
                let score = self.numbered("", 100_000);
                self.command(&[b"ZADD", b"myzset", &score, &element]);
            }
            _ => {
                let mut words = vec![b"MSET".to_vec()];
                for _ in 0..10 {
                    words.push(format!("key:{:012}", self.below(100_000)).into_bytes());
                    words.push(b"xxx".to_vec());
                }
                let words: Vec<_> = words.iter().map(Vec::as_slice).collect();
                self.command(&words);
            }
        }
    }

    /// A leaderboard, a profile or a log of events; some are trimmed.
    fn heavy(&mut self) {
        match self.below(100) {
            0..40 => {
                let (board, member) = (self.numbered("board:", 100), self.numbered("player:", 100_000));
                let score = format!("{}.5", self.below(1_000_000));
                self.command(&[b"ZADD", &board, score.as_bytes(), &member]);
            }
            40..70 => {
                let (profile, field) = (self.numbered("profile:", 100_000), self.numbered("field:", 20));
                let value = self.value(12);
                self.command(&[b"HSET", &profile, &field, &value]);
            }
            70..95 => {
                self.entry += 1;
                let (stream, id) = (self.numbered("events:", 50), format!("{}-0", self.clock * 1000 + self.entry));
                let value = self.value(12);
                self.command(&[b"XADD", &stream, id.as_bytes(), b"type", b"click", b"data", &value]);
            }
            95..98 => {
                let board = self.numbered("board:", 100);
                self.command(&[b"ZREMRANGEBYRANK", &board, b"0", b"-2001"]);
            }
            _ => {
                let stream = self.numbered("events:", 50);
                self.command(&[b"XTRIM", &stream, b"MAXLEN", b"=", b"2000"]);
            }
        }
    }

    /// The same as [`Generator::heavy`], but over thousands of keys, which stay small.
    fn many(&mut self) {
        match self.below(100) {
            0..32 => {
                let (board, member) = (self.numbered("board:", 20_000), self.numbered("player:", 1_000_000));
                let score = format!("{}.{:02}", self.below(100_000), self.below(100));
                self.command(&[b"ZADD", &board, score.as_bytes(), &member]);
            }
            32..64 => {
                let (profile, field) = (self.numbered("profile:", 20_000), self.numbered("field:", 100));
                let value = self.value(12);
                self.command(&[b"HSET", &profile, &field, &value]);
            }
            64..96 => {
                self.entry += 1;
                let (stream, id) = (self.numbered("events:", 2_000), format!("{}-0", self.clock * 1000 + self.entry));
                let value = self.value(12);
                self.command(&[b"XADD", &stream, id.as_bytes(), b"type", b"click", b"data", &value]);
            }
            96..98 => {
                let board = self.numbered("board:", 20_000);
                self.command(&[b"ZREMRANGEBYRANK", &board, b"0", b"-31"]);
            }
            _ => {
                let stream = self.numbered("events:", 2_000);
                self.command(&[b"XTRIM", &stream, b"MAXLEN", b"=", b"200"]);
            }
        }
    }

    /// The log of a server when redis-benchmark adds to one key of each type and trims it.
    fn hot(&mut self) {
        let element = format!("element:{:012}", self.below(1_000_000));
        match self.below(100) {
            0..33 => {
                let score = self.numbered("", 1_000_000);
                self.command(&[b"ZADD", b"myzset", &score, element.as_bytes()]);
            }
            33..66 => self.command(&[b"HSET", b"myhash", element.as_bytes(), b"xxx"]),
            66..96 => {
                self.entry += 1;
                let id = format!("{}-0", self.clock * 1000 + self.entry);
                self.command(&[b"XADD", b"mystream", id.as_bytes(), b"myfield", b"xxx"]);
            }
            96..98 => self.command(&[b"ZREMRANGEBYRANK", b"myzset", b"0", b"2"]),
            _ => self.command(&[b"XTRIM", b"mystream", b"MAXLEN", b"=", b"100000"]),
        }
    }

    /// One command that fills a collection with 64 items.
    fn collection(&mut self) {
        let key = self.numbered("collection:", 100_000);
        let (name, pairs) = self.pick(&[("RPUSH", false), ("SADD", false), ("ZADD", true), ("HSET", true)]);
        let mut words = vec![name.as_bytes().to_vec(), key];
        for item in 0..64 {
            if pairs {
                words.push(if name == "ZADD" {
                    self.numbered("", 100_000)
                } else {
                    format!("field:{item}").into_bytes()
                });
            }
            words.push(self.numbered("item:", 1_000_000));
        }
        let words: Vec<_> = words.iter().map(Vec::as_slice).collect();
        self.command(&words);
    }
}

fn write_annotation(out: &mut Vec<u8>, seconds: u64) {
    out.extend_from_slice(format!("#TS:{seconds}\r\n").as_bytes());
}
